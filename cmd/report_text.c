/* A report for people: equal answers folded under their nodes, failures last, and what to know of
 * it. */
#include "report_parts.h"

#include <stdlib.h>
#include <string.h>

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
		char *escaped = deploy_text_escape(name, strlen(name));
		int len = (int)deploy_text_columns(escaped);

		if (len > width)
			width = len;
		free(escaped);
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
	if (!report_is_reply(outcome)) {
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
	if (report_is_reply(outcome))
		write_data(stream, outcome->data);
	(void)fclose(stream);
	return text;
}

/* groups: text → {"state": n, "nodes": [names]} */
void report_fold(struct report *report, const char *node, const struct deploy_outcome *outcome)
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
		out_text(report->out, ": %s\n", json_string_value(json_object_get(entry, "text")));
	}
	json_decref(by_first);
	deploy_nodeset_free(firsts);
}

void report_print_times(const struct report *report)
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

/* What a person at the terminal should know while it happens. */
void report_narrate(struct report *report, const struct deploy_event *event)
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
	case DEPLOY_EVENT_PROGRESS:
		out_note(report->out, "waiting for %zu %s%s%s", event->count,
			event->count == 1 ? "node" : "nodes", event->count ? ": " : "",
			event->text);
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

/* ", 3 failed" if there are any. */
static void add_count(FILE *text, size_t count, const char *what)
{
	if (count)
		(void)fprintf(text, ", %zu %s", count, what);
}

/* "5 nodes: 3 ok, 1 failed, 1 not connected" */
static void note_counts(const struct report *report, const struct deploy_tally *tally)
{
	size_t absent = deploy_nodeset_count(tally->not_connected), size = 0;
	char *text = NULL;
	FILE *stream = open_memstream(&text, &size);

	if (!stream)
		abort();
	(void)fprintf(stream, "%zu %s: %zu ok", tally->nodes, tally->nodes == 1 ? "node" : "nodes",
		tally->count[DEPLOY_OUTCOME_OK]);
	add_count(stream, tally->count[DEPLOY_OUTCOME_FAILED], "failed");
	add_count(stream, tally->count[DEPLOY_OUTCOME_SILENT] - absent, "silent");
	add_count(stream, absent, "not connected");
	add_count(stream, tally->count[DEPLOY_OUTCOME_UNKNOWN], "unknown");
	add_count(stream, tally->count[DEPLOY_OUTCOME_CANCELLED], "not asked");
	(void)fclose(stream);
	out_note(report->out, "%s", text);
	free(text);
}

/* word with backslashes and quotes doubled or marked, as $'…' wants it. Free with free(). */
static char *mark_quotes(const char *word)
{
	char *text = NULL;
	size_t size = 0;
	FILE *stream = open_memstream(&text, &size);

	if (!stream)
		abort();
	for (; *word; word++)
		(void)fprintf(stream, *word == '\'' || *word == '\\' ? "\\%c" : "%c", *word);
	(void)fclose(stream);
	return text;
}

/* A word as a shell would have it typed: plain, in quotes, or with control characters spelt out. */
static void add_word(FILE *text, const char *word)
{
	static const char plain[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:=,@%+";
	char *escaped = deploy_text_escape(word, strlen(word)), *marked;

	if (*word && word[strspn(word, plain)] == '\0') {
		(void)fprintf(text, " %s", word);
	} else if (strcmp(escaped, word) == 0 && !strchr(word, '\'')) {
		(void)fprintf(text, " '%s'", word);
	} else {
		free(escaped);
		marked = mark_quotes(word);
		escaped = deploy_text_escape(marked, strlen(marked));
		(void)fprintf(text, " $'%s'", escaped);
		free(marked);
	}
	free(escaped);
}

/* The command that asks those again that are not ok. */
static void note_again(const struct report *report, const struct deploy_tally *tally)
{
	struct deploy_nodeset *rest = deploy_nodeset_new();
	char *text = NULL, *folded;
	size_t size = 0;
	FILE *stream;

	for (int state = 0; state < DEPLOY_OUTCOME_STATES; state++)
		if (state != DEPLOY_OUTCOME_SKIPPED)
			deploy_nodeset_unite(rest, tally->set[state]);
	stream = report->operands.count && deploy_nodeset_count(rest) ? open_memstream(&text, &size)
								      : NULL;
	if (stream) {
		(void)fputs("to ask those again: deployctl rpc", stream);
		for (int i = 0; i < report->operands.count; i++)
			add_word(stream, report->operands.values[i]);
		folded = deploy_nodeset_print(rest);
		if (report->config) {
			(void)fputs(" -c", stream);
			add_word(stream, report->config);
		}
		if (report->context) {
			(void)fputs(" --context", stream);
			add_word(stream, report->context);
		}
		if (report->collective) {
			(void)fputs(" -T", stream);
			add_word(stream, report->collective);
		}
		(void)fputs(" -I", stream);
		add_word(stream, folded);
		(void)fclose(stream);
		out_note(report->out, "%s", text);
		free(folded);
		free(text);
	}
	deploy_nodeset_free(rest);
}

/* Nobody was found who said anything, or everybody that is connected was silent. */
static void note_silence(const struct report *report)
{
	out_note(report->out, report->is_blocked ? "nodes cannot answer while the broker takes no "
						   "publishes; free its memory or disk"
						 : "a wrong PSK, a wrong collective and nodes "
						   "whose clock is off all look like this");
}

void report_note_summary(const struct report *report, const struct deploy_tally *tally)
{
	struct deploy_nodeset *silent = deploy_nodeset_copy(tally->set[DEPLOY_OUTCOME_SILENT]);

	deploy_nodeset_subtract(silent, tally->not_connected);
	note_counts(report, tally);
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
	if (!report->replies && deploy_nodeset_count(silent))
		note_silence(report);
	note_again(report, tally);
	deploy_nodeset_free(silent);
}

void report_note_ignored(const struct report *report, const struct deploy_run_result *result)
{
	for (int i = 0; i < DEPLOY_IGNORED_REASONS; i++) {
		enum deploy_ignored reason = (enum deploy_ignored)i;
		size_t total = report_ignored(result, reason);

		if (total)
			out_note(report->out, "%zu %s %s not credited%s%s", total,
				deploy_ignored_name(reason),
				total == 1 ? "reply was" : "replies were",
				reason == DEPLOY_IGNORED_REJECTED ? ": " : "",
				reason == DEPLOY_IGNORED_REJECTED ? report->rejected_text : "");
	}
}

void report_note_nobody(const struct report *report, const struct deploy_run_result *result)
{
	/* Without a discovery the names were given, and all of them excluded. */
	if (!result->found[0] || result->tally[0].count[DEPLOY_OUTCOME_SKIPPED]) {
		out_note(report->out, "no node is left to ask");
		return;
	}
	out_note(report->out, report->is_filtered ? "no node matches, or none that matches answered"
						  : "no node answered");
	note_silence(report);
}
