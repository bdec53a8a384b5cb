/* Replies for people: equal answers folded under their nodes, failures last; wide: a row for each.
 */
#include "report_parts.h"

#include <stdlib.h>
#include <string.h>

#define MAX_WIDE 64 /* columns of a wide table */

/* One value of a reply's data for people: text as it is, line by line, everything else as JSON. */
static void write_value(FILE *text, const char *name, int width, const json_t *value)
{
	const char *at, *end;
	char *line;

	if (!json_is_string(value)) {
		line = report_value_text(value);
		(void)fprintf(text, "%*s: %s\n", width, name, line);
		free(line);
		return;
	}
	at = json_string_value(value);
	do {
		end = strchr(at, '\n');
		line = deploy_text_escape(at, end ? (size_t)(end - at) : strlen(at));
		(void)fprintf(text, "%*s%s %s\n", width, name, *name ? ":" : " ", line);
		free(line);
		name = "";
		at = end ? end + 1 : NULL;
	} while (at && *at);
}

/* What people call an output. Caller frees. */
static char *label_of(const struct report *report, const char *name)
{
	const struct deploy_ddl_output *output =
		report->ddl ? deploy_ddl_output(report->ddl, name) : NULL;
	const char *label = output && output->display_as[0] ? output->display_as : name;

	return deploy_text_escape(label, strlen(label));
}

static void write_data(const struct report *report, FILE *text, json_t *data)
{
	const char *name;
	json_t *value;
	int width = 0;

	if (!json_is_object(data)) {
		if (data)
			write_value(text, "data", 7, data);
		return;
	}
	json_object_foreach(data, name, value)
	{
		char *escaped = label_of(report, name);
		int len = (int)deploy_text_columns(escaped);

		if (len > width)
			width = len;
		free(escaped);
	}
	json_object_foreach(data, name, value)
	{
		char *escaped = label_of(report, name);

		write_value(text, escaped, width + 3, value);
		free(escaped);
	}
}

/* What people read about a reply, without the node: nodes with the same text are folded. */
static char *render(const struct report *report, const struct deploy_outcome *outcome)
{
	char *text = NULL, *message;
	size_t size = 0;
	FILE *stream = open_memstream(&text, &size);

	if (!stream)
		abort();
	if (!report_is_reply(outcome)) {
		(void)fprintf(stream, outcome->was_handed_over ? "%s (%s)\n" : "%s\n",
			report_state(outcome), outcome->message);
	} else if (outcome->state == DEPLOY_OUTCOME_FAILED) {
		message = deploy_text_escape(outcome->message, strlen(outcome->message));
		if (outcome->statuscode)
			(void)fprintf(stream, "failed (%d): %s\n", outcome->statuscode, message);
		else
			(void)fprintf(stream, "failed: %s\n", message);
		free(message);
	} else {
		(void)fputs("ok\n", stream);
	}
	if (report_is_reply(outcome))
		write_data(report, stream, outcome->data);
	(void)fclose(stream);
	return text;
}

/* groups: text → {"state": n, "nodes": [names]} */
void report_fold(struct report *report, const char *node, const struct deploy_outcome *outcome)
{
	char *text = render(report, outcome);
	json_t *group = json_object_get(report->groups, text);

	if (!group) {
		group = json_pack("{s:i, s:[]}", "state", (int)outcome->state, "nodes");
		(void)json_object_set_new(report->groups, text, group);
	}
	(void)json_array_append_new(json_object_get(group, "nodes"), json_string(node));
	free(text);
}

/* ": ok", its first words in colour, then the rest of the text. */
static void print_answer(struct out *out, const char *text)
{
	size_t len = strcspn(text, "(:\n");
	char word[32];

	if (len && text[len] == '(')
		len--;
	(void)snprintf(word, sizeof(word), "%.*s", (int)len, text);
	out_text(out, ": ");
	out_tone(out, out_tone_of(word), word);
	out_text(out, "%s\n", text + strlen(word));
}

/* "web[01-05].example.net (5 nodes): ok", then the data; failures after what went well. */
void report_print_groups(struct report *report, bool ok)
{
	struct deploy_nodeset *firsts = deploy_nodeset_new();
	json_t *by_first = json_object(), *group;
	struct deploy_error ignored = {0};
	const char *text;

	json_object_foreach(report->groups, text, group)
	{
		int state = (int)json_integer_value(json_object_get(group, "state"));
		struct deploy_nodeset *nodes = deploy_nodeset_new();
		size_t index;
		json_t *name;
		char *folded;

		if ((state == DEPLOY_OUTCOME_OK) == ok) {
			json_array_foreach(json_object_get(group, "nodes"), index, name)(void)
				deploy_nodeset_add(nodes, json_string_value(name), &ignored);
			folded = deploy_nodeset_print(nodes);
			(void)deploy_nodeset_add(firsts, deploy_nodeset_get(nodes, 0), &ignored);
			(void)json_object_set_new(by_first, deploy_nodeset_get(nodes, 0),
				json_pack("{s:s, s:s, s:I}", "nodes", folded, "text", text, "count",
					(json_int_t)deploy_nodeset_count(nodes)));
			free(folded);
		}
		deploy_nodeset_free(nodes);
	}
	for (size_t i = 0; i < deploy_nodeset_count(firsts); i++) {
		const json_t *entry = json_object_get(by_first, deploy_nodeset_get(firsts, i));
		long long count = json_integer_value(json_object_get(entry, "count"));

		out_text(report->out, "%s", json_string_value(json_object_get(entry, "nodes")));
		if (count > 1)
			out_text(report->out, " (%lld nodes)", count);
		print_answer(report->out, json_string_value(json_object_get(entry, "text")));
	}
	json_decref(by_first);
	deploy_nodeset_free(firsts);
}

/* The outputs that any node has, up to a limit, in the order in which they are met. */
static size_t list_outputs(const struct report *report, const char **outputs, size_t max)
{
	json_t *seen = json_object(), *row, *value;
	const char *node, *name;
	size_t count = 0;

	json_object_foreach(report->kept, node, row)
	{
		json_object_foreach(json_object_get(row, "data"), name, value)
		{
			if (count == max || json_object_get(seen, name))
				continue;
			(void)json_object_set_new(seen, name, json_null());
			outputs[count++] = name;
		}
	}
	json_decref(seen);
	return count;
}

static void add_wide_row(struct out_table *table, const char *node, const json_t *row,
	const char *const *outputs, size_t count)
{
	const json_t *data = json_object_get(row, "data");
	const char *cells[MAX_WIDE] = {node, json_string_value(json_object_get(row, "state"))};
	char *texts[MAX_WIDE];

	for (size_t i = 0; i < count; i++) {
		const json_t *value = json_object_get(data, outputs[i]);

		texts[i] = value ? report_value_text(value) : deploy_text_escape("", 0);
		cells[2 + i] = texts[i];
	}
	cells[2 + count] = json_string_value(json_object_get(row, "message"));
	out_table_add(table, cells);
	for (size_t i = 0; i < count; i++)
		free(texts[i]);
}

static bool has_message(const struct report *report)
{
	const char *node;
	json_t *row;

	json_object_foreach(report->kept, node,
		row) if (json_string_length(json_object_get(row, "message"))) return true;
	return false;
}

static void print_wide(const struct report *report)
{
	const char *headers[MAX_WIDE] = {"NODE", "STATUS"};
	size_t count = list_outputs(report, headers + 2, MAX_WIDE - 3);
	struct out_table *table;

	headers[2 + count] = "MESSAGE";
	table = out_table_new(headers, count + (has_message(report) ? 3 : 2));
	out_table_tone(table, 1);
	for (size_t i = 0; i < deploy_nodeset_count(report->names); i++) {
		const char *node = deploy_nodeset_get(report->names, i);

		add_wide_row(table, node, json_object_get(report->kept, node), headers + 2, count);
	}
	out_table_print(report->out, table);
	out_table_free(table);
	if (count == MAX_WIDE - 3)
		out_note(report->out, "only %zu outputs are shown; -o json has all", count);
}

static void keep(struct report *report, const char *node, const struct deploy_outcome *outcome)
{
	json_t *row;

	if (out_format(report->out) != OUT_WIDE) {
		report_fold(report, node, outcome);
		return;
	}
	row = report_row(report, node);
	(void)json_object_set_new(row, "state", json_string(report_state(outcome)));
	(void)json_object_set_new(row, "message",
		report_foreign_text(
			outcome->state == DEPLOY_OUTCOME_FAILED || outcome->was_handed_over
				? outcome->message
				: ""));
	if (report_is_reply(outcome) && json_is_object(outcome->data))
		(void)json_object_set(row, "data", outcome->data);
}

/* What the replies come to: all of them, not only those that are shown. */
static void print_sums(const struct report *report)
{
	char *text;

	if (!report->aggregate || !report->replies)
		return;
	text = deploy_aggregate_print(report->aggregate);
	out_text(report->out, "%s\n", text);
	free(text);
}

static void print(struct report *report)
{
	if (out_format(report->out) == OUT_WIDE) {
		print_wide(report);
		return;
	}
	report_print_groups(report, true);
	report_print_groups(report, false);
	print_sums(report);
}

const struct report_view report_replies = {.keep = keep, .print = print};
