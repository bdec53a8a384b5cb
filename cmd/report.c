/*
 * For people, equal results are folded under their nodes, failures last; for programs, one item per
 * node or one line per event. Sorted by node except where it streams.
 */
#include "report.h"

#include <stdlib.h>
#include <string.h>

const char *const report_display_names[] = {"all", "ok", "failed", "none", NULL};

void report_begin(struct report *report)
{
	report->items = json_object();
	report->groups = json_object();
	report->names = deploy_nodeset_new();
}

void report_release(struct report *report)
{
	json_decref(report->items);
	json_decref(report->groups);
	deploy_nodeset_free(report->names);
}

/* Text that came from outside and may be no UTF-8. */
static json_t *foreign_text(const char *text)
{
	char *escaped;
	json_t *value;

	if (!text)
		return json_null();
	value = json_string(text);
	if (value)
		return value;
	escaped = deploy_text_escape(text, strlen(text));
	value = json_string(escaped);
	free(escaped);
	return value;
}

static json_t *milliseconds(int64_t us)
{
	return us < 0 ? json_null() : json_real((double)us / 1000);
}

static json_t *data_of(const struct deploy_outcome *outcome)
{
	return outcome->data ? json_incref(outcome->data) : json_null();
}

static bool is_reply(const struct deploy_outcome *outcome)
{
	return outcome->state == DEPLOY_OUTCOME_OK || outcome->state == DEPLOY_OUTCOME_FAILED;
}

static bool is_shown(const struct report *report, const struct deploy_outcome *outcome)
{
	switch (report->display) {
	case DISPLAY_OK:
		return outcome->state == DEPLOY_OUTCOME_OK;
	case DISPLAY_FAILED:
		return outcome->state != DEPLOY_OUTCOME_OK;
	case DISPLAY_NONE:
		return false;
	default:
		return true;
	}
}

static json_t *make_item(
	const struct report *report, const char *node, const struct deploy_outcome *outcome)
{
	json_t *item = json_object();

	if (out_is_mco(report->out)) {
		(void)json_object_set_new(item, "agent", json_string(report->agent));
		(void)json_object_set_new(item, "action", json_string(report->action));
	}
	(void)json_object_set_new(item, "sender", json_string(node));
	(void)json_object_set_new(item, "statuscode", json_integer(outcome->statuscode));
	(void)json_object_set_new(item, "statusmsg", foreign_text(outcome->message));
	(void)json_object_set_new(item, "data", data_of(outcome));
	if (!out_is_mco(report->out))
		(void)json_object_set_new(item, "rtt_ms", milliseconds(outcome->rtt_us));
	return item;
}

/* One value of a reply's data for people: text as it is, line by line, everything else as JSON. */
static void write_value(FILE *text, const char *name, int width, const json_t *value)
{
	const char *at, *end;
	char *dump, *line;

	if (!json_is_string(value)) {
		dump = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(15));
		line = deploy_text_escape(dump ? dump : "?", strlen(dump ? dump : "?"));
		(void)fprintf(text, "%*s: %s\n", width, name, line);
		free(line);
		free(dump);
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

static void write_data(FILE *text, json_t *data)
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
		int len = (int)deploy_text_columns(name);

		if (len > width)
			width = len;
	}
	json_object_foreach(data, name, value)
	{
		char *escaped = deploy_text_escape(name, strlen(name));

		write_value(text, escaped, width + 3, value);
		free(escaped);
	}
}

/* What people read about a reply, without the node: nodes with the same text are folded. */
static char *render(const struct deploy_outcome *outcome)
{
	char *text = NULL, *message;
	size_t size = 0;
	FILE *stream = open_memstream(&text, &size);

	if (!stream)
		abort();
	if (!is_reply(outcome)) {
		(void)fprintf(stream, "%s\n",
			outcome->not_connected ? "not connected"
					       : deploy_outcome_state_name(outcome->state));
	} else if (outcome->state == DEPLOY_OUTCOME_FAILED) {
		message = deploy_text_escape(outcome->message, strlen(outcome->message));
		(void)fprintf(stream, "failed (%d): %s\n", outcome->statuscode, message);
		free(message);
	} else {
		(void)fputs("ok\n", stream);
	}
	if (is_reply(outcome))
		write_data(stream, outcome->data);
	(void)fclose(stream);
	return text;
}

/* groups: text → {"state": n, "nodes": [names]} */
static void fold(struct report *report, const char *node, const struct deploy_outcome *outcome)
{
	char *text = render(outcome);
	json_t *group = json_object_get(report->groups, text);

	if (!group) {
		group = json_pack("{s:i, s:[]}", "state", (int)outcome->state, "nodes");
		(void)json_object_set_new(report->groups, text, group);
	}
	(void)json_array_append_new(json_object_get(group, "nodes"), json_string(node));
	free(text);
}

static void measure(struct report *report, int64_t rtt_us)
{
	if (!report->replies++ || rtt_us < report->rtt_min_us)
		report->rtt_min_us = rtt_us;
	if (rtt_us > report->rtt_max_us)
		report->rtt_max_us = rtt_us;
	report->rtt_sum_us += rtt_us;
}

static void keep(struct report *report, const char *node, const struct deploy_outcome *outcome)
{
	struct deploy_error ignored = {0};

	if (is_reply(outcome))
		measure(report, outcome->rtt_us);
	if (!is_shown(report, outcome) || out_format(report->out) == OUT_JSONL)
		return;
	if (out_format(report->out) == OUT_TABLE && !report->shows_time) {
		fold(report, node, outcome);
		return;
	}
	if (!is_reply(outcome) && out_format(report->out) != OUT_TABLE)
		return;
	/* The engine has checked the name. */
	(void)deploy_nodeset_add(report->names, node, &ignored);
	if (out_format(report->out) == OUT_TABLE)
		(void)json_object_set_new(report->items, node,
			json_pack("{s:s, s:I}", "state",
				outcome->not_connected ? "not connected"
						       : deploy_outcome_state_name(outcome->state),
				"rtt_us", (json_int_t)outcome->rtt_us));
	else if (out_format(report->out) == OUT_JSON)
		(void)json_object_set_new(report->items, node, make_item(report, node, outcome));
}

static json_t *outcome_json(const struct deploy_outcome *outcome)
{
	json_t *object = json_pack("{s:s, s:b}", "state", deploy_outcome_state_name(outcome->state),
		"not_connected", outcome->not_connected);

	if (is_reply(outcome)) {
		(void)json_object_set_new(object, "statuscode", json_integer(outcome->statuscode));
		(void)json_object_set_new(object, "data", data_of(outcome));
		(void)json_object_set_new(object, "rtt_ms", milliseconds(outcome->rtt_us));
	}
	(void)json_object_set_new(object, "statusmsg", foreign_text(outcome->message));
	return object;
}

/* One line of jsonl; what discovery hears is counted, its replies are not the result. */
static void stream(struct report *report, const struct deploy_event *event)
{
	json_t *line;

	if (event->type == DEPLOY_EVENT_ASKED)
		return;
	if (event->task != report->task && event->type == DEPLOY_EVENT_OUTCOME)
		return;
	line = json_pack("{s:s, s:I, s:f, s:i}", "type", deploy_event_type_name(event->type), "seq",
		(json_int_t)event->seq, "time", (double)event->at_us / 1e6, "task",
		(int)event->task);
	if (event->node)
		(void)json_object_set_new(line, "node", foreign_text(event->node));
	if (event->attempt)
		(void)json_object_set_new(line, "attempt", json_integer(event->attempt));
	if (event->type == DEPLOY_EVENT_TASK_STARTED || event->type == DEPLOY_EVENT_TASK_ENDED ||
		event->type == DEPLOY_EVENT_GROUP_STARTED)
		(void)json_object_set_new(line, "count", json_integer((json_int_t)event->count));
	if (event->type == DEPLOY_EVENT_IGNORED)
		(void)json_object_set_new(
			line, "reason", json_string(deploy_ignored_name(event->reason)));
	if (event->text)
		(void)json_object_set_new(line, "text", foreign_text(event->text));
	if (event->outcome)
		(void)json_object_update_new(line, outcome_json(event->outcome));
	out_json_line(report->out, line);
	out_flush(report->out);
	json_decref(line);
}

/* What a person at the terminal should know while it happens. */
static void narrate(struct report *report, const struct deploy_event *event)
{
	switch (event->type) {
	case DEPLOY_EVENT_GROUP_STARTED:
		out_note(report->out, "asking %s (%zu %s)", event->text, event->count,
			event->count == 1 ? "node" : "nodes");
		break;
	case DEPLOY_EVENT_RETRY:
		out_note(report->out, "%s: try %u: %s%s%s", event->node, event->attempt,
			deploy_outcome_state_name(event->outcome->state),
			event->outcome->message[0] ? ": " : "", event->outcome->message);
		break;
	case DEPLOY_EVENT_STOPPED:
		out_note(report->out, "stopped: %s", event->text);
		break;
	case DEPLOY_EVENT_BLOCKED:
		out_note(report->out, "the broker takes no publishes: %s", event->text);
		break;
	case DEPLOY_EVENT_UNBLOCKED:
		out_note(report->out, "the broker takes publishes again");
		break;
	default:
		break;
	}
}

static void note_rejected(struct report *report, const struct deploy_event *event)
{
	if (event->reason != DEPLOY_IGNORED_REJECTED)
		return;
	if (!report->rejected++)
		(void)snprintf(report->rejected_text, sizeof(report->rejected_text), "%s%s%s",
			event->node ? event->node : "", event->node ? ": " : "", event->text);
}

void report_event(void *arg, const struct deploy_event *event)
{
	struct report *report = arg;

	narrate(report, event);
	if (event->type == DEPLOY_EVENT_IGNORED)
		note_rejected(report, event);
	if (out_format(report->out) == OUT_JSONL)
		stream(report, event);
	if (event->type == DEPLOY_EVENT_OUTCOME && event->task == report->task)
		keep(report, event->node, event->outcome);
}

static json_t *sorted_items(const struct report *report)
{
	json_t *list = json_array();

	for (size_t i = 0; i < deploy_nodeset_count(report->names); i++)
		(void)json_array_append(
			list, json_object_get(report->items, deploy_nodeset_get(report->names, i)));
	return list;
}

static json_t *set_json(const struct deploy_nodeset *set)
{
	json_t *names = json_array();

	for (size_t i = 0; i < deploy_nodeset_count(set); i++)
		(void)json_array_append_new(names, json_string(deploy_nodeset_get(set, i)));
	return json_pack("{s:i, s:o}", "count", (int)deploy_nodeset_count(set), "nodes", names);
}

static json_t *summary_json(const struct deploy_tally *tally)
{
	json_t *summary = json_pack("{s:I, s:I, s:I}", "nodes", (json_int_t)tally->nodes, "ok",
		(json_int_t)tally->count[DEPLOY_OUTCOME_OK], "failed",
		(json_int_t)tally->count[DEPLOY_OUTCOME_FAILED]);

	(void)json_object_set_new(summary, "silent", set_json(tally->set[DEPLOY_OUTCOME_SILENT]));
	(void)json_object_set_new(summary, "not_connected", set_json(tally->not_connected));
	(void)json_object_set_new(summary, "unknown", set_json(tally->set[DEPLOY_OUTCOME_UNKNOWN]));
	(void)json_object_set_new(
		summary, "cancelled", set_json(tally->set[DEPLOY_OUTCOME_CANCELLED]));
	for (int i = 0; i < DEPLOY_IGNORED_REASONS; i++)
		(void)json_object_set_new(summary, deploy_ignored_name((enum deploy_ignored)i),
			json_integer((json_int_t)tally->ignored[i]));
	return summary;
}

/* "web[01-05].example.net (5 nodes): ok", then the data; failures after what went well. */
static void print_groups(struct report *report, bool ok)
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
		out_text(report->out, ": %s\n", json_string_value(json_object_get(entry, "text")));
	}
	json_decref(by_first);
	deploy_nodeset_free(firsts);
}

static void print_times(const struct report *report)
{
	static const char *const headers[] = {"NODE", "STATUS", "TIME"};
	struct out_table *table = out_table_new(out_has_headers(report->out) ? headers : NULL, 3);

	for (size_t i = 0; i < deploy_nodeset_count(report->names); i++) {
		const char *name = deploy_nodeset_get(report->names, i);
		const json_t *item = json_object_get(report->items, name);
		long long rtt_us = json_integer_value(json_object_get(item, "rtt_us"));
		char time[32] = "-";
		const char *const cells[] = {
			name, json_string_value(json_object_get(item, "state")), time};

		if (rtt_us >= 0)
			(void)snprintf(time, sizeof(time), "%.2f ms", (double)rtt_us / 1000);
		out_table_add(table, cells);
	}
	out_table_print(report->out, table);
	out_table_free(table);
}

static void note_set(
	const struct report *report, const char *what, const struct deploy_nodeset *set)
{
	char *folded;

	if (deploy_nodeset_count(set) == 0)
		return;
	folded = deploy_nodeset_print(set);
	out_note(report->out, "%s: %s", what, folded);
	free(folded);
}

/* The last block: counts, then who did not do it. */
static void note_summary(const struct report *report, const struct deploy_tally *tally)
{
	const size_t *count = tally->count;
	struct deploy_nodeset *silent = deploy_nodeset_copy(tally->set[DEPLOY_OUTCOME_SILENT]);

	deploy_nodeset_subtract(silent, tally->not_connected);
	out_note(report->out,
		"%zu %s: %zu ok, %zu failed, %zu silent, %zu not connected, %zu unknown, %zu not "
		"asked",
		tally->nodes, tally->nodes == 1 ? "node" : "nodes", count[DEPLOY_OUTCOME_OK],
		count[DEPLOY_OUTCOME_FAILED], deploy_nodeset_count(silent),
		deploy_nodeset_count(tally->not_connected), count[DEPLOY_OUTCOME_UNKNOWN],
		count[DEPLOY_OUTCOME_CANCELLED]);
	if (report->shows_time && report->replies)
		out_note(report->out, "round trip: min %.2f, average %.2f, max %.2f ms",
			(double)report->rtt_min_us / 1000,
			(double)report->rtt_sum_us / 1000 / (double)report->replies,
			(double)report->rtt_max_us / 1000);
	note_set(report, "failed", tally->set[DEPLOY_OUTCOME_FAILED]);
	note_set(report, "silent", silent);
	note_set(report, "not connected", tally->not_connected);
	note_set(report, "unknown", tally->set[DEPLOY_OUTCOME_UNKNOWN]);
	note_set(report, "not asked", tally->set[DEPLOY_OUTCOME_CANCELLED]);
	deploy_nodeset_free(silent);
}

static void note_ignored(const struct report *report, const struct deploy_run_result *result)
{
	for (int reason = 0; reason < DEPLOY_IGNORED_REASONS; reason++) {
		size_t total = 0;

		for (size_t i = 0; i < result->task_count; i++)
			total += result->tally[i].ignored[reason];
		if (total)
			out_note(report->out, "%zu %s %s not credited%s%s", total,
				deploy_ignored_name((enum deploy_ignored)reason),
				total == 1 ? "reply was" : "replies were",
				reason == DEPLOY_IGNORED_REJECTED ? ": " : "",
				reason == DEPLOY_IGNORED_REJECTED ? report->rejected_text : "");
	}
}

static int status_of_tally(const struct deploy_tally *tally)
{
	const size_t *count = tally->count;
	size_t unanswered = count[DEPLOY_OUTCOME_SILENT] + count[DEPLOY_OUTCOME_UNKNOWN];
	size_t answered = count[DEPLOY_OUTCOME_OK] + count[DEPLOY_OUTCOME_FAILED];
	int status = EXIT_ALL_OK;

	if (count[DEPLOY_OUTCOME_FAILED])
		status = exit_worse(status, EXIT_NODE_FAILED);
	if (unanswered)
		status = exit_worse(status, answered ? EXIT_SOME_SILENT : EXIT_NO_ANSWER);
	return status;
}

static int status_of_nobody(const struct report *report)
{
	if (report->empty_ok)
		return EXIT_ALL_OK;
	return report->is_filtered ? EXIT_NO_NODES : EXIT_NO_ANSWER;
}

static int status_of_run(const struct report *report, const struct deploy_run_result *result,
	const struct deploy_error *err)
{
	const struct deploy_tally *tally = result->tally ? &result->tally[report->task] : NULL;
	int status = tally ? status_of_tally(tally) : EXIT_ALL_OK;
	bool is_known =
		tally && (tally->count[DEPLOY_OUTCOME_OK] || tally->count[DEPLOY_OUTCOME_FAILED]);

	switch (result->end) {
	case DEPLOY_RUN_COMPLETE:
		break;
	case DEPLOY_RUN_NO_NODES:
		status = exit_worse(status, status_of_nobody(report));
		break;
	case DEPLOY_RUN_STOPPED:
		status = exit_worse(status, EXIT_STOPPED);
		break;
	case DEPLOY_RUN_DEADLINE:
		status = exit_worse(status, EXIT_DEADLINE);
		break;
	case DEPLOY_RUN_INTERRUPTED:
		return 128 + result->signal;
	case DEPLOY_RUN_LOST:
		break;
	}
	/* A broker lost in the middle makes its nodes unknown, which is what the status then says.
	 */
	if (err->code != DEPLOY_OK && !is_known)
		status = exit_worse(status, exit_of_error(err->code));
	return status;
}

static void note_nobody(const struct report *report)
{
	out_note(report->out, report->is_filtered ? "no node matches, or none that matches answered"
						  : "no node answered");
	out_note(report->out,
		"a wrong PSK, a wrong collective and nodes whose clock is off all look like this");
}

int report_end(struct report *report, const struct deploy_run_result *result,
	const struct deploy_error *err)
{
	const struct deploy_tally *tally = result->tally ? &result->tally[report->task] : NULL;
	int status = status_of_run(report, result, err);
	json_t *items, *summary;

	if (out_format(report->out) == OUT_TABLE && report->shows_time)
		print_times(report);
	if (out_format(report->out) == OUT_TABLE && !report->shows_time) {
		print_groups(report, true);
		print_groups(report, false);
	}
	if (out_format(report->out) == OUT_NAME)
		for (size_t i = 0; i < deploy_nodeset_count(report->names); i++)
			out_text(report->out, "%s\n", deploy_nodeset_get(report->names, i));
	out_flush(report->out);
	if (result->end == DEPLOY_RUN_NO_NODES)
		note_nobody(report);
	else if (tally)
		note_summary(report, tally);
	if (result->tally)
		note_ignored(report, result);
	items = sorted_items(report);
	summary = tally ? summary_json(tally) : NULL;
	out_document(report->out, report->kind, items, summary, status, err);
	json_decref(items);
	json_decref(summary);
	return status;
}
