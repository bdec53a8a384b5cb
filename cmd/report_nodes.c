/* Which nodes there are: their names, and wide, what each one has. */
#include "report_parts.h"

#include <stdlib.h>
#include <string.h>

void report_print_names(const struct report *report)
{
	size_t count = deploy_nodeset_count(report->names);
	char *folded;

	if (report->folds && count) {
		folded = deploy_nodeset_print(report->names);
		out_text(report->out, "%s\n", folded);
		free(folded);
		return;
	}
	for (size_t i = 0; i < count; i++)
		out_text(report->out, "%s\n", deploy_nodeset_get(report->names, i));
}

static bool tells_more(const struct report *report)
{
	return out_format(report->out) == OUT_WIDE && !report->is_dry;
}

static void keep(struct report *report, const char *node, const struct deploy_outcome *outcome)
{
	json_t *row;

	/* Wide, the nodes are known from discovery: one that says no more about itself stays. */
	if (!report_is_reply(outcome) && !tells_more(report))
		return;
	row = report_row(report, node);
	if (report_is_reply(outcome) && json_is_object(outcome->data))
		(void)json_object_update(row, outcome->data);
}

static void add_wide_row(struct out_table *table, const char *node, const json_t *row)
{
	const json_t *version = json_object_get(row, "version");
	char *collectives = report_joined(json_object_get(row, "collectives"));
	char *agents = report_joined(json_object_get(row, "agents"));
	char classes[24], facts[24];
	const char *const cells[] = {node,
		json_is_string(version) ? json_string_value(version) : "-", collectives, classes,
		facts, agents};

	(void)snprintf(
		classes, sizeof(classes), "%zu", json_array_size(json_object_get(row, "classes")));
	(void)snprintf(
		facts, sizeof(facts), "%zu", json_object_size(json_object_get(row, "facts")));
	out_table_add(table, cells);
	free(collectives);
	free(agents);
}

static void print(struct report *report)
{
	static const char *const headers[] = {
		"NODE", "VERSION", "COLLECTIVES", "CLASSES", "FACTS", "AGENTS"};
	struct out_table *table;

	if (!tells_more(report)) {
		report_print_names(report);
		return;
	}
	table = out_table_new(headers, 6);
	for (size_t i = 0; i < deploy_nodeset_count(report->names); i++) {
		const char *node = deploy_nodeset_get(report->names, i);

		add_wide_row(table, node, json_object_get(report->kept, node));
	}
	out_table_print(report->out, table);
	out_table_free(table);
}

const struct report_view report_nodes = {.keep = keep, .print = print, .is_quiet = true};
