/* What nodes' Puppet agents do: a row for each that said so; who did not is told below. */
#include "report_parts.h"

#include <stdlib.h>
#include <time.h>

static void keep(struct report *report, const char *node, const struct deploy_outcome *outcome)
{
	if (outcome->state != DEPLOY_OUTCOME_OK) {
		report_fold(report, node, outcome);
		return;
	}
	if (json_is_object(outcome->data))
		(void)json_object_update(report_row(report, node), outcome->data);
	else
		(void)report_row(report, node);
}

/* By the node's clock: "2024-05-01 12:30:05Z". */
static void print_time(char *text, size_t size, const json_t *seconds)
{
	time_t time = (time_t)json_integer_value(seconds);
	struct tm tm;

	if (!json_is_integer(seconds))
		(void)snprintf(text, size, "-");
	else if (!time)
		(void)snprintf(text, size, "never");
	else if (!gmtime_r(&time, &tm) || !strftime(text, size, "%Y-%m-%d %H:%M:%SZ", &tm))
		(void)snprintf(text, size, "%" JSON_INTEGER_FORMAT, json_integer_value(seconds));
}

/* Why it is disabled matters more than what else it says. */
static const char *message_of(const json_t *row)
{
	const char *why = json_string_value(json_object_get(row, "disable_message"));
	const char *message = json_string_value(json_object_get(row, "message"));

	if (json_is_false(json_object_get(row, "enabled")) && why)
		return why;
	return message ? message : "-";
}

static void print(struct report *report)
{
	static const char *const headers[] = {"NODE", "STATUS", "LASTRUN", "MESSAGE"};
	struct out_table *table = out_table_new(headers, 4);

	out_table_cut(table, 3);
	for (size_t i = 0; i < deploy_nodeset_count(report->names); i++) {
		const char *node = deploy_nodeset_get(report->names, i);
		const json_t *row = json_object_get(report->kept, node);
		const char *status = json_string_value(json_object_get(row, "status"));
		char time[48];
		const char *const cells[] = {node, status ? status : "-", time, message_of(row)};

		print_time(time, sizeof(time), json_object_get(row, "lastrun"));
		out_table_add(table, cells);
	}
	out_table_print(report->out, table);
	out_table_free(table);
	report_print_groups(report, false);
}

const struct report_view report_puppet = {.keep = keep, .print = print};
