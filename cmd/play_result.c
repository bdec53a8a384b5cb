/* What a plan's run came to: its exit status, and the table or document at the end. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "play_report.h"
#include "report_parts.h"

static size_t count_left(const struct play_row *row)
{
	return row->left ? deploy_nodeset_count(row->left) : 0;
}

/* Of steps that any one node is enough for, and that have one, the others do not count. */
static void sum_up(const struct play_report *report, size_t count[DEPLOY_OUTCOME_STATES])
{
	const struct deploy_tally *left = report->play ? deploy_play_left(report->play) : NULL;

	for (size_t i = 0; i < report->row_count; i++) {
		const struct play_row *row = &report->rows[i];

		for (int state = 0; state < DEPLOY_OUTCOME_STATES; state++)
			if (!row->is_one || state == DEPLOY_OUTCOME_OK ||
				!row->count[DEPLOY_OUTCOME_OK])
				count[state] += row->count[state];
		count[DEPLOY_OUTCOME_OK] += row->before;
	}
	for (int state = 0; left && state < DEPLOY_OUTCOME_STATES; state++)
		count[state] += left->count[state];
}

static int status_of_nodes(const struct play_report *report)
{
	size_t count[DEPLOY_OUTCOME_STATES] = {0};
	size_t unanswered, answered;

	sum_up(report, count);
	unanswered = count[DEPLOY_OUTCOME_SILENT] + count[DEPLOY_OUTCOME_UNKNOWN] +
		     count[DEPLOY_OUTCOME_CANCELLED];
	answered = count[DEPLOY_OUTCOME_OK] + count[DEPLOY_OUTCOME_FAILED] +
		   count[DEPLOY_OUTCOME_UNKNOWN];
	if (count[DEPLOY_OUTCOME_FAILED])
		return EXIT_NODE_FAILED;
	if (unanswered)
		return answered ? EXIT_SOME_SILENT : EXIT_NO_ANSWER;
	return EXIT_ALL_OK;
}

/* Who says no in the middle of a plan has not refused it before anything changed. */
static int status_of_error(const struct play_report *report, enum deploy_code code)
{
	bool has_acted = false;

	for (size_t i = 0; i < report->row_count; i++) {
		const struct play_row *row = &report->rows[i];

		has_acted =
			has_acted || row->nodes || row->before || strcmp(row->kind, "publish") == 0;
	}
	return code == DEPLOY_REFUSED && has_acted ? EXIT_STOPPED : (int)exit_of_error(code);
}

int play_report_status(const struct play_report *report, const struct deploy_run_result *result,
	const struct deploy_error *err)
{
	int status = status_of_nodes(report);
	bool is_known = status != EXIT_ALL_OK && result->end != DEPLOY_RUN_FAILED;

	if (result->end == DEPLOY_RUN_COMPLETE && status == EXIT_ALL_OK && report->play &&
		!deploy_play_is_ok(report->play))
		status = EXIT_STOPPED;
	status = exit_worse(status, exit_of_end(result, EXIT_NO_NODES));
	if (err->code != DEPLOY_OK && !is_known)
		status = exit_worse(status, status_of_error(report, err->code));
	return status;
}

/* The end. */

static const char *text_of(size_t count, char *buf, size_t size)
{
	(void)snprintf(buf, size, "%zu", count);
	return buf;
}

/* Rows that a table shows as one: a step of a roll, over all groups. */
struct line {
	const struct play_row *first;
	size_t name_len;
	const char *state;
	size_t nodes, ok, failed, silent, unknown;
	bool has_ended;
	int64_t took_us;
};

/* The state that a person has to know of wins. */
static int weight_of(const char *state)
{
	static const char *const states[] = {
		"skipped", "before", "ok", "tolerated", "not ended", "stopped", "unknown"};

	for (int i = 0; i < (int)(sizeof(states) / sizeof(states[0])); i++)
		if (strcmp(state, states[i]) == 0)
			return i;
	return INT_MAX; /* failed */
}

static void add_to_line(struct line *line, const struct play_row *row)
{
	const char *state = row->state ? row->state : "not ended";

	if (!line->state || weight_of(state) > weight_of(line->state))
		line->state = state;
	line->nodes += row->nodes;
	line->ok += row->before + row->count[DEPLOY_OUTCOME_OK];
	line->failed += row->count[DEPLOY_OUTCOME_FAILED];
	line->silent += row->count[DEPLOY_OUTCOME_SILENT];
	line->unknown += row->count[DEPLOY_OUTCOME_UNKNOWN] + count_left(row);
	if (row->ended_us) {
		line->has_ended = true;
		line->took_us += row->ended_us - row->started_us;
	}
}

/* "settle#3" of 200 groups is a line "settle", unless all is wanted. */
static size_t name_len(const struct play_report *report, const struct play_row *row)
{
	return out_format(report->out) == OUT_WIDE ? strlen(row->label) : strcspn(row->label, "#");
}

static struct line *line_of(
	struct line *lines, size_t *count, const struct play_row *row, size_t len)
{
	for (size_t i = *count; i-- > 0;)
		if (lines[i].name_len == len &&
			strncmp(lines[i].first->label, row->label, len) == 0)
			return &lines[i];
	lines[*count] = (struct line){.first = row, .name_len = len};
	return &lines[(*count)++];
}

static void print_line(struct out_table *table, const struct line *line)
{
	char nodes[24], ok[24], failed[24], silent[24], unknown[24], name[256], seconds[32] = "";

	(void)snprintf(name, sizeof(name), "%.*s", (int)line->name_len, line->first->label);
	if (line->has_ended)
		(void)snprintf(seconds, sizeof(seconds), "%.1fs", (double)line->took_us / 1e6);
	out_table_add(table, (const char *const[]){name, line->first->does, line->state,
				     text_of(line->nodes, nodes, sizeof(nodes)),
				     text_of(line->ok, ok, sizeof(ok)),
				     text_of(line->failed, failed, sizeof(failed)),
				     text_of(line->silent, silent, sizeof(silent)),
				     text_of(line->unknown, unknown, sizeof(unknown)), seconds});
}

static void print_table(const struct play_report *report)
{
	static const char *const headers[] = {
		"STEP", "DOES", "STATE", "NODES", "OK", "FAILED", "SILENT", "UNKNOWN", "TIME"};
	struct out_table *table = out_table_new(headers, 9);
	struct line *lines = out_resize(NULL, (report->row_count + 1) * sizeof(*lines));
	size_t count = 0;

	out_table_tone(table, 2);
	out_table_cut(table, 1);
	for (size_t i = 0; i < report->row_count; i++) {
		const struct play_row *row = &report->rows[i];

		add_to_line(line_of(lines, &count, row, name_len(report, row)), row);
	}
	for (size_t i = 0; i < count; i++)
		print_line(table, &lines[i]);
	out_table_print(report->out, table);
	out_table_free(table);
	free(lines);
}

/* Whom a preflight found. */
static void print_sets(const struct play_report *report)
{
	static const char *const headers[] = {"SET", "NODES"};
	struct out_table *table = out_table_new(headers, 2);
	const char *name;
	json_t *count;

	json_object_foreach(report->sets, name, count)
	{
		char text[24];

		out_table_add(table,
			(const char *const[]){name,
				text_of((size_t)json_integer_value(count), text, sizeof(text))});
	}
	out_table_print(report->out, table);
	out_table_free(table);
}

static json_t *row_json(const struct play_row *row, const struct deploy_run_result *result)
{
	json_t *item = json_pack("{s:s, s:s, s:s, s:s, s:I, s:I}", "step", row->label, "kind",
		row->kind, "does", row->does, "state", row->state ? row->state : "not ended",
		"nodes", (json_int_t)row->nodes, "ok",
		(json_int_t)(row->before + row->count[DEPLOY_OUTCOME_OK]));

	if (row->before)
		(void)json_object_set_new(item, "before", json_integer((json_int_t)row->before));

	if (row->why)
		(void)json_object_set_new(item, "why", report_foreign_text(row->why));
	if (row->ended_us)
		(void)json_object_set_new(item, "seconds",
			json_real((double)((row->ended_us - row->started_us) / 1000) / 1e3));
	if (count_left(row))
		(void)json_object_set_new(item, "left", report_names_json(row->left));
	for (int state = DEPLOY_OUTCOME_FAILED;
		row->has_task && row->task < result->task_count && state < DEPLOY_OUTCOME_STATES;
		state++)
		(void)json_object_set_new(item,
			deploy_outcome_state_name((enum deploy_outcome_state)state),
			report_names_json(result->tally[row->task].set[state]));
	return item;
}

static json_t *items_json(const struct play_report *report, const struct deploy_run_result *result)
{
	json_t *items = json_array();

	for (size_t i = 0; i < report->row_count; i++)
		(void)json_array_append_new(items, row_json(&report->rows[i], result));
	return items;
}

static json_t *summary_json(const struct play_report *report)
{
	size_t count[DEPLOY_OUTCOME_STATES] = {0};
	json_t *summary = json_pack("{s:O}", "sets", report->sets);

	sum_up(report, count);
	for (int state = 0; state < DEPLOY_OUTCOME_STATES; state++)
		(void)json_object_set_new(summary,
			deploy_outcome_state_name((enum deploy_outcome_state)state),
			json_integer((json_int_t)count[state]));
	return summary;
}

/* Who was not ok in any step. */
static void note_nodes(const struct play_report *report, const struct deploy_run_result *result)
{
	static const enum deploy_outcome_state states[] = {
		DEPLOY_OUTCOME_FAILED, DEPLOY_OUTCOME_SILENT, DEPLOY_OUTCOME_UNKNOWN};

	for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
		struct deploy_nodeset *nodes = deploy_nodeset_new();
		char *folded;

		for (size_t row = 0; row < report->row_count; row++)
			if (report->rows[row].has_task &&
				report->rows[row].task < result->task_count)
				deploy_nodeset_unite(nodes,
					result->tally[report->rows[row].task].set[states[i]]);
		if (report->play)
			deploy_nodeset_unite(nodes, deploy_play_left(report->play)->set[states[i]]);
		folded = deploy_nodeset_print(nodes);
		if (folded[0])
			out_note(report->out, "%s: %s", deploy_outcome_state_name(states[i]),
				folded);
		free(folded);
		deploy_nodeset_free(nodes);
	}
}

void play_report_show(struct play_report *report, const struct deploy_run_result *result,
	const char *run, int status, const struct deploy_error *err)
{
	json_t *items = items_json(report, result), *summary = summary_json(report);

	out_status(report->out, NULL);
	if (out_is_for_people(report->out) && report->is_preflight)
		print_sets(report);
	else if (out_is_for_people(report->out))
		print_table(report);
	if (out_format(report->out) == OUT_NAME && run)
		out_text(report->out, "%s\n", run);
	if (out_format(report->out) != OUT_JSONL)
		out_flush(report->out);
	note_nodes(report, result);
	if (report->is_preflight && status == EXIT_ALL_OK)
		out_note(report->out, "%s; nothing was done",
			report->has_unchecked ? "what was checked is there"
					      : "all nodes and agents are there");
	/* A plan that has come to its end is not gone on with, whatever it has tolerated. */
	if (run && status != EXIT_ALL_OK && report->row_count &&
		!(report->play && deploy_play_is_ok(report->play)))
		out_note(report->out, "to go on: deployctl resume %s", run);
	out_document(report->out, "run-plan", items, summary, status, err);
	json_decref(items);
	json_decref(summary);
}
