/* A cluster as a tree: its categories, their roles, their nodes. */
#include <stdlib.h>
#include <string.h>

#include "report_parts.h"
#include "status.h"

struct topology {
	const struct status_look *look;
	const char *cluster;
	size_t nodes;
	json_t *tree; /* category → role → nodes */
};

/* Facts are sets of words with blanks between them; a cluster's name is one word. */
static bool has_word(const char *words, const char *word)
{
	size_t len = strlen(word), part;

	for (; *words; words += part) {
		words += strspn(words, " ");
		part = strcspn(words, " ");
		if (part == len && strncmp(words, word, len) == 0)
			return len > 0;
	}
	return false;
}

static size_t count_words(const char *words)
{
	size_t count = 0;

	for (words += strspn(words, " "); *words; words += strspn(words, " ")) {
		words += strcspn(words, " ");
		count++;
	}
	return count;
}

/* The next word, cut off words; the rest of them if they are to stay together. */
static json_t *take_word(const char **words, bool whole)
{
	const char *at = *words + strspn(*words, " ");
	size_t len = whole ? strlen(at) : strcspn(at, " ");
	char *escaped = deploy_text_escape(at, len);
	json_t *word = json_string(escaped);

	*words = at + len;
	free(escaped);
	return word;
}

static json_t *enter(json_t *object, const json_t *key, json_t *fresh)
{
	json_t *child = json_object_get(object, json_string_value(key));

	if (!child)
		(void)json_object_set(object, json_string_value(key), child = fresh);
	json_decref(fresh);
	return child;
}

/*
 * A node of several layers has a category and a role of each, in the same order. Where they are not
 * as many, nobody can tell which belongs to which, and they stand together.
 */
static int take(void *arg, const struct deploy_standing *standing)
{
	struct topology *topology = arg;
	const char *categories = status_part(standing, DEPLOY_ROLE_CATEGORY);
	const char *roles = status_part(standing, DEPLOY_ROLE_ROLE);
	bool whole = count_words(categories) != count_words(roles);
	json_t *node;

	if (!has_word(status_part(standing, DEPLOY_ROLE_COLLECTION), topology->cluster))
		return 0;
	topology->nodes++;
	node = json_pack("{s:o, s:o, s:s}", "node", report_foreign_text(standing->node), "entity",
		report_foreign_text(standing->assigned[DEPLOY_ROLE_ENTITY]
					    ? standing->assigned[DEPLOY_ROLE_ENTITY]
					    : standing->shown[DEPLOY_ROLE_ENTITY]),
		"stage", deploy_stage_name(standing->stage));
	do {
		json_t *category = take_word(&categories, whole), *role = take_word(&roles, whole);
		json_t *of = enter(topology->tree, category, json_object());

		(void)json_array_append(enter(of, role, json_array()), node);
		json_decref(category);
		json_decref(role);
	} while (count_words(categories) && count_words(roles));
	json_decref(node);
	return 0;
}

static void print_nodes(struct out *out, const json_t *nodes)
{
	struct out_table *table = out_table_new(NULL, 3);
	json_t *node;
	size_t i;

	json_array_foreach(nodes, i, node)
	{
		const char *entity = json_string_value(json_object_get(node, "entity"));
		const char *name = json_string_value(json_object_get(node, "node"));
		char indented[DEPLOY_MAX_IDENTITY + 8];

		(void)snprintf(indented, sizeof(indented), "      %s", name ? name : "");
		out_table_add(table, (const char *const[]){indented, entity ? entity : "-",
					     json_string_value(json_object_get(node, "stage"))});
	}
	out_table_print(out, table);
	out_table_free(table);
}

static void print_tree(const struct topology *topology)
{
	struct out *out = topology->look->out;
	const char *category, *role;
	json_t *roles, *nodes;

	out_text(out, "%s\n", topology->cluster);
	json_object_foreach(topology->tree, category, roles)
	{
		out_text(out, "  %s\n", category);
		json_object_foreach(roles, role, nodes)
		{
			out_text(out, "    %s\n", role);
			print_nodes(out, nodes);
		}
	}
}

static json_t *items(const struct topology *topology)
{
	json_t *list = json_array(), *roles, *nodes;
	const char *category, *role;

	json_object_foreach(topology->tree, category, roles)
	{
		json_t *item = json_pack("{s:s, s:[]}", "category", category, "roles");

		json_object_foreach(roles, role, nodes)(void)
			json_array_append_new(json_object_get(item, "roles"),
				json_pack("{s:s, s:O}", "role", role, "nodes", nodes));
		(void)json_array_append_new(list, item);
	}
	return list;
}

static void print_names(const struct topology *topology)
{
	struct deploy_nodeset *set = deploy_nodeset_new();
	struct deploy_error ignored = {0};
	const char *category, *role;
	json_t *roles, *nodes, *node;
	size_t i;

	json_object_foreach(topology->tree, category, roles)
	{
		json_object_foreach(roles, role, nodes)
		{
			json_array_foreach(nodes, i, node)(void) deploy_nodeset_add(
				set, json_string_value(json_object_get(node, "node")), &ignored);
		}
	}
	for (i = 0; i < deploy_nodeset_count(set); i++)
		out_text(topology->look->out, "%s\n", deploy_nodeset_get(set, i));
	deploy_nodeset_free(set);
}

static void print(const struct topology *topology, const struct deploy_error *err)
{
	struct out *out = topology->look->out;
	json_t *list = items(topology);
	json_t *summary = json_pack(
		"{s:s, s:I}", "cluster", topology->cluster, "nodes", (json_int_t)topology->nodes);

	if (out_is_for_people(out))
		print_tree(topology);
	if (out_format(out) == OUT_NAME)
		print_names(topology);
	out_lines(out, "category", list);
	out_document(out, "topology", list, summary, EXIT_ALL_OK, err);
	json_decref(summary);
	json_decref(list);
}

int status_topology(const struct status_look *look, const char *cluster, size_t *nodes,
	struct deploy_error *err)
{
	struct topology topology = {.look = look, .cluster = cluster, .tree = json_object()};
	const struct ctx *ctx = look->ctx;

	if (!deploy_state_each_standing(
		    ctx->state, ctx->config->role_facts, NULL, take, &topology, err) &&
		topology.nodes)
		print(&topology, err);
	*nodes = topology.nodes;
	json_decref(topology.tree);
	return err->code;
}
