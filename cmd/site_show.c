/* Ranks as text, as items of a document, as a graph, with names as the site's document has them. */
#include "site_show.h"

#include <stdlib.h>
#include <string.h>

static void print_name(struct out *out, const char *name)
{
	out_foreign(out, name, strlen(name));
}

static void print_count(struct out *out, size_t count, const char *one, const char *behind)
{
	out_text(out, "%zu %s%s%s", count, one, count == 1 ? "" : "s", behind);
}

/* A line for each application on a node: its name and those of its components. */
static void print_components(struct out *out, const struct deploy_ranks *ranks, uint32_t node)
{
	const char *application = NULL;

	for (uint32_t i = ranks->component_start[node]; i < ranks->component_start[node + 1]; i++) {
		const struct deploy_site_component *component = &ranks->components[i];

		if (application == component->application) {
			out_text(out, ", ");
		} else {
			out_text(out, "%s    ", application ? "\n" : "");
			application = component->application;
			print_name(out, application);
			out_text(out, " -> ");
		}
		print_name(out, component->name);
	}
	out_text(out, "\n");
}

static void print_rank(struct out *out, const struct deploy_ranks *ranks, size_t rank)
{
	uint32_t begin = ranks->rank_start[rank], end = ranks->rank_start[rank + 1];

	out_text(out, "\nRank %zu: ", rank + 1);
	print_count(out, end - begin, "node", "\n");
	for (uint32_t i = begin; i < end; i++) {
		out_text(out, "  %s\n", ranks->nodes[ranks->by_rank[i]]);
		print_components(out, ranks, ranks->by_rank[i]);
	}
}

void site_show(struct out *out, const struct deploy_ranks *ranks)
{
	out_text(out, "Environment ");
	print_name(out, ranks->environment);
	if (!ranks->node_count) {
		out_text(out, ": nothing to do, no application is on any node\n");
		return;
	}
	out_text(out, ": ");
	print_count(out, ranks->application_count, "application", " on ");
	print_count(out, ranks->node_count, "node", "\n\nApplications:\n");
	for (size_t i = 0; i < ranks->application_count; i++) {
		out_text(out, "  ");
		print_name(out, ranks->applications[i]);
		out_text(out, "\n");
	}
	for (size_t i = 0; i < ranks->rank_count; i++)
		print_rank(out, ranks, i);
}

void site_show_names(struct out *out, const struct deploy_ranks *ranks)
{
	for (size_t i = 0; i < ranks->node_count; i++)
		out_text(out, "%s\n", ranks->nodes[ranks->by_rank[i]]);
}

static json_t *components_of(const struct deploy_ranks *ranks, uint32_t node)
{
	json_t *applications = json_object(), *names = NULL;
	const char *last = NULL;

	for (uint32_t i = ranks->component_start[node]; i < ranks->component_start[node + 1]; i++) {
		const struct deploy_site_component *component = &ranks->components[i];

		if (component->application != last) {
			names = json_array();
			(void)json_object_set_new(applications, component->application, names);
		}
		last = component->application;
		(void)json_array_append_new(names, json_string(component->name));
	}
	return applications;
}

json_t *site_show_items(const struct deploy_ranks *ranks)
{
	json_t *items = json_array();

	for (size_t rank = 0; rank < ranks->rank_count; rank++) {
		json_t *nodes = json_array(), *components = json_object();

		for (uint32_t i = ranks->rank_start[rank]; i < ranks->rank_start[rank + 1]; i++) {
			const char *name = ranks->nodes[ranks->by_rank[i]];

			(void)json_array_append_new(nodes, json_string(name));
			(void)json_object_set_new(
				components, name, components_of(ranks, ranks->by_rank[i]));
		}
		(void)json_array_append_new(
			items, json_pack("{s:I, s:o, s:o}", "rank", (json_int_t)rank + 1, "nodes",
				       nodes, "components", components));
	}
	return items;
}

json_t *site_show_summary(const struct deploy_ranks *ranks)
{
	json_t *applications = json_array(), *notices = json_array();

	for (size_t i = 0; i < ranks->application_count; i++)
		(void)json_array_append_new(applications, json_string(ranks->applications[i]));
	for (size_t i = 0; i < ranks->notice_count; i++)
		(void)json_array_append_new(notices,
			json_pack("{s:s, s:b, s:s}", "kind",
				deploy_site_notice_name(ranks->notices[i].kind), "error",
				ranks->notices[i].is_error, "text", ranks->notices[i].text));
	return json_pack("{s:s, s:o, s:I, s:I, s:o}", "environment", ranks->environment,
		"applications", applications, "nodes", (json_int_t)ranks->node_count, "ranks",
		(json_int_t)ranks->rank_count, "notices", notices);
}

/* Inside of quotes of dot. */
static void print_quoted(struct out *out, const char *name)
{
	char *text = deploy_text_escape(name, strlen(name));

	for (const char *c = text; *c; c++)
		out_text(out, "%s%c", *c == '"' || *c == '\\' ? "\\" : "", *c);
	free(text);
}

static void print_dot_node(struct out *out, const struct deploy_ranks *ranks, uint32_t node)
{
	out_text(out, "\t\t\"%s\" [label=\"%s", ranks->nodes[node], ranks->nodes[node]);
	for (uint32_t i = ranks->component_start[node]; i < ranks->component_start[node + 1]; i++) {
		out_text(out, "\\n");
		print_quoted(out, ranks->components[i].application);
		out_text(out, " -> ");
		print_quoted(out, ranks->components[i].name);
	}
	out_text(out, "\"]\n");
}

void site_show_dot(struct out *out, const struct deploy_ranks *ranks)
{
	out_text(out, "digraph \"");
	print_quoted(out, ranks->environment);
	out_text(out, "\" {\n\tnode [shape=box]\n");
	for (size_t rank = 0; rank < ranks->rank_count; rank++) {
		out_text(out, "\tsubgraph cluster_%zu {\n\t\tlabel=\"rank %zu\"\n", rank + 1,
			rank + 1);
		for (uint32_t i = ranks->rank_start[rank]; i < ranks->rank_start[rank + 1]; i++)
			print_dot_node(out, ranks, ranks->by_rank[i]);
		out_text(out, "\t}\n");
	}
	for (uint32_t node = 0; node < ranks->node_count; node++)
		for (uint32_t i = ranks->dependent_start[node];
			i < ranks->dependent_start[node + 1]; i++)
			out_text(out, "\t\"%s\" -> \"%s\"\n", ranks->nodes[node],
				ranks->nodes[ranks->dependents[i]]);
	out_text(out, "}\n");
}

void site_show_notices(struct out *out, const struct deploy_ranks *ranks)
{
	for (size_t i = ranks && ranks->error_count; ranks && i < ranks->notice_count; i++)
		out_note(out, "%s", ranks->notices[i].text);
	if (ranks && ranks->untold_count)
		out_note(out, "%zu more are not shown", ranks->untold_count);
}
