/* Which of the agents that one needs nodes lack. */
#include "report_parts.h"

#include <stdlib.h>
#include <string.h>

static bool has(const json_t *list, const char *word)
{
	const json_t *item;
	size_t index;

	json_array_foreach(
		list, index, item) if (json_is_string(item) &&
				       strcmp(json_string_value(item), word) == 0) return true;
	return false;
}

static json_t *missing_of(const struct report *report, const json_t *agents)
{
	json_t *missing = json_array();
	json_t *name;
	size_t index;

	json_array_foreach(report->wanted, index, name) if (!has(agents, json_string_value(name)))(
		void) json_array_append(missing, name);
	return missing;
}

/* A node that does not say what it has is silent or failed, and shown as such. */
static void keep(struct report *report, const char *node, const struct deploy_outcome *outcome)
{
	json_t *agents = json_object_get(outcome->data, "agents"), *missing, *row;
	struct deploy_error ignored = {0};

	if (outcome->state != DEPLOY_OUTCOME_OK || !json_is_array(agents)) {
		report->lacking += outcome->state == DEPLOY_OUTCOME_OK;
		report_fold(report, node, outcome);
		return;
	}
	missing = missing_of(report, agents);
	row = json_pack("{s:O, s:O}", "missing", missing, "agents", agents);
	(void)json_object_set_new(report->kept, node, row);
	if (json_array_size(missing)) {
		report->lacking++;
		(void)deploy_nodeset_add(report->names, node, &ignored);
	}
	json_decref(missing);
}

static void print(struct report *report)
{
	static const char *const headers[] = {"NODE", "MISSING"};
	struct out_table *table = out_table_new(headers, 2);
	size_t told = json_object_size(report->kept);
	char *wanted = report_joined(report->wanted);

	for (size_t i = 0; i < deploy_nodeset_count(report->names); i++) {
		const char *node = deploy_nodeset_get(report->names, i);
		char *missing = report_joined(
			json_object_get(json_object_get(report->kept, node), "missing"));
		const char *const cells[] = {node, missing};

		out_table_add(table, cells);
		free(missing);
	}
	out_table_print(report->out, table);
	out_table_free(table);
	report_print_groups(report, true);
	report_print_groups(report, false);
	if (report->lacking)
		out_note(report->out, "%zu of %zu %s %s something of %s", report->lacking, told,
			told == 1 ? "node" : "nodes", report->lacking == 1 ? "lacks" : "lack",
			wanted);
	else if (told)
		out_note(report->out, "%zu %s %s", told, told == 1 ? "node has" : "nodes have",
			wanted);
	free(wanted);
}

static json_t *items(struct report *report)
{
	json_t *list = json_array(), *row;
	struct deploy_nodeset *nodes = deploy_nodeset_new();
	struct deploy_error ignored = {0};
	const char *node;

	json_object_foreach(report->kept, node, row)(void)
		deploy_nodeset_add(nodes, node, &ignored);
	for (size_t i = 0; i < deploy_nodeset_count(nodes); i++) {
		node = deploy_nodeset_get(nodes, i);
		row = json_pack("{s:s}", "sender", node);
		(void)json_object_update(row, json_object_get(report->kept, node));
		(void)json_array_append_new(list, row);
	}
	deploy_nodeset_free(nodes);
	return list;
}

const struct report_view report_lacks = {.keep = keep, .print = print, .items = items};
