/* What acts came to: a row for each node, and below it what changed. */
#include "report_parts.h"

#include <stdlib.h>
#include <string.h>

static void keep(struct report *report, const char *node, const struct deploy_outcome *outcome)
{
	json_t *row = report_row(report, node);

	(void)json_object_set_new(row, "node", json_string(node));
	(void)json_object_set_new(row, "state", json_string(report_state(outcome)));
	(void)json_object_set_new(row, "message", report_foreign_text(outcome->message));
	if (json_is_object(outcome->data))
		(void)json_object_update_missing(row, outcome->data);
}

/* "  deploop_role: dn -> dn rm": what stands in an act's facts, and the environment that it sets.
 */
static void print_changes(struct out *out, const json_t *row)
{
	json_t *facts = json_object_get(row, "facts"), *change;
	const char *environment = json_string_value(json_object_get(row, "environment"));
	const char *name;

	json_object_foreach(facts, name, change)
	{
		const json_t *from = json_object_get(change, "from"),
			     *to = json_object_get(change, "to");
		char *before = report_value_text(from), *after = report_value_text(to);

		out_text(out, "  ");
		out_foreign(out, name, strlen(name));
		out_text(out, ": %s -> %s\n", json_is_null(from) ? "(none)" : before,
			json_is_null(to) ? "(none)" : after);
		free(before);
		free(after);
	}
	if (environment)
		out_text(out, "  Puppet environment: %s\n", environment);
}

static void print_rows(struct report *report)
{
	static const char *const headers[] = {"NODE", "STATUS", "RESULT"};
	struct out_table *table = out_table_new(headers, 3);

	out_table_tone(table, 1);
	out_table_cut(table, 2);
	for (size_t i = 0; i < deploy_nodeset_count(report->names); i++) {
		const char *node = deploy_nodeset_get(report->names, i);
		const json_t *row = json_object_get(report->kept, node);
		const char *const cells[] = {node, json_string_value(json_object_get(row, "state")),
			json_string_value(json_object_get(row, "message"))};

		out_table_add(table, cells);
	}
	out_table_print(report->out, table);
	out_table_free(table);
}

static void print(struct report *report)
{
	if (!report->shows_changes) {
		print_rows(report);
		return;
	}
	for (size_t i = 0; i < deploy_nodeset_count(report->names); i++) {
		const char *node = deploy_nodeset_get(report->names, i);
		const json_t *row = json_object_get(report->kept, node);
		const char *message = json_string_value(json_object_get(row, "message"));

		out_text(report->out, "%s: ", node);
		out_foreign(report->out, message, strlen(message));
		out_text(report->out, "\n");
		print_changes(report->out, row);
	}
}

static json_t *items(struct report *report)
{
	json_t *list = json_array();

	for (size_t i = 0; i < deploy_nodeset_count(report->names); i++)
		(void)json_array_append(
			list, json_object_get(report->kept, deploy_nodeset_get(report->names, i)));
	return list;
}

const struct report_view report_acts = {.keep = keep, .print = print, .items = items};
