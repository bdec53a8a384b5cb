/* What a plan's run shows, while it runs and at its end. */
#include "play_report.h"

#include <stdlib.h>
#include <string.h>

#include "report_parts.h"

#define TOLD_NODES 20 /* nodes of a step that are told one by one */

void play_report_init(struct play_report *report, struct out *out)
{
	*report = (struct play_report){.out = out, .sets = json_object()};
}

void play_report_release(struct play_report *report)
{
	for (size_t i = 0; i < report->row_count; i++) {
		free(report->rows[i].label);
		free(report->rows[i].does);
		free(report->rows[i].why);
	}
	free(report->rows);
	json_decref(report->sets);
}

static char *copy(const char *text)
{
	size_t size = strlen(text) + 1;

	return memcpy(out_resize(NULL, size), text, size);
}

/* "lab.echo", "confirm" */
static char *does_of(const struct deploy_step *step)
{
	char text[600];

	if (step && step->kind == DEPLOY_STEP_RPC)
		(void)snprintf(text, sizeof(text), "%s.%s", step->agent, step->action);
	else
		(void)snprintf(
			text, sizeof(text), "%s", step ? deploy_step_kind_name(step->kind) : "");
	return copy(text);
}

static struct play_row *add_row(
	struct play_report *report, const char *label, const struct deploy_step *step)
{
	struct play_row *row;

	if (report->row_count == report->row_cap) {
		report->row_cap = report->row_cap ? report->row_cap * 2 : 32;
		report->rows = out_resize(report->rows, report->row_cap * sizeof(report->rows[0]));
	}
	row = &report->rows[report->row_count++];
	*row = (struct play_row){.label = copy(label),
		.does = does_of(step),
		.kind = step ? deploy_step_kind_name(step->kind) : "",
		.is_one = step && step->is_one};
	return row;
}

/* The row of a task that is a step; most often the last one. */
static struct play_row *row_of(const struct play_report *report, unsigned task)
{
	for (size_t i = report->row_count; i-- > 0;)
		if (report->rows[i].has_task && report->rows[i].task == task)
			return &report->rows[i];
	return NULL;
}

void play_report_note(struct play_report *report, enum deploy_play_note note, const char *label,
	const struct deploy_step *step, size_t count, const char *text)
{
	struct play_row *row;

	switch (note) {
	case DEPLOY_PLAY_SET:
		(void)json_object_set_new(report->sets, label, json_integer((json_int_t)count));
		out_note(report->out, "%s: %zu %s%s%s", label, count, count == 1 ? "node" : "nodes",
			count ? ": " : "", text);
		break;
	case DEPLOY_PLAY_GROUP:
		out_note(report->out, "%s: group of %zu: %s", label, count, text);
		break;
	case DEPLOY_PLAY_SKIPPED:
		row = add_row(report, label, step);
		row->state = "skipped";
		row->why = copy(text);
		out_note(report->out, "%s: skipped: %s", label, text);
		break;
	case DEPLOY_PLAY_DONE:
		row = add_row(report, label, step);
		row->state = "before";
		row->nodes = row->count[DEPLOY_OUTCOME_OK] = count;
		out_note(report->out, "%s: %zu %s done before", label, count,
			count == 1 ? "was" : "were");
		break;
	case DEPLOY_PLAY_LEFT:
		row = add_row(report, label, step);
		row->state = "unknown";
		row->nodes = row->count[DEPLOY_OUTCOME_UNKNOWN] = count;
		row->why = copy(text);
		out_note(report->out,
			"%s: not known whether it was done, and not asked again: %s; look, and if "
			"it may be done again: --retry-unknown",
			label, text);
		break;
	case DEPLOY_PLAY_FAILED:
		out_note(report->out, "%s: failed, and the plan goes on%s%s", label,
			text ? ": " : "", text ? text : "");
		break;
	}
}

static void begin_row(struct play_report *report, const struct deploy_event *event)
{
	const struct deploy_step *step =
		report->play ? deploy_play_step(report->play, event->task) : NULL;
	const char *label = report->play ? deploy_play_label(report->play, event->task) : NULL;
	struct play_row *row;

	if (!step || !label)
		return;
	row = add_row(report, label, step);
	row->has_task = true;
	row->task = event->task;
	row->nodes = event->count;
	row->started_us = event->at_us;
}

/* Who is not ok is told at once, but not thousands of lines of it. */
static void take_outcome(struct play_report *report, const struct deploy_event *event)
{
	const struct deploy_outcome *outcome = event->outcome;
	struct play_row *row = row_of(report, event->task);

	if (!row)
		return;
	row->count[outcome->state]++;
	if (outcome->state == DEPLOY_OUTCOME_OK || outcome->state == DEPLOY_OUTCOME_SKIPPED ||
		outcome->state == DEPLOY_OUTCOME_CANCELLED || row->told++ >= TOLD_NODES)
		return;
	out_note(report->out, "%s: %s: %s%s%s", row->label, event->node, report_state(outcome),
		outcome->message[0] ? ": " : "", outcome->message);
}

static void end_row(struct play_report *report, const struct deploy_event *event)
{
	struct play_row *row = row_of(report, event->task);
	char counts[160];
	size_t len = 0;

	if (!row)
		return;
	row->ended_us = event->at_us;
	row->state = event->is_ok ? "ok" : "failed";
	if (!event->is_ok && event->text)
		row->why = copy(event->text);
	counts[0] = '\0';
	for (int state = 0; state < DEPLOY_OUTCOME_STATES && len < sizeof(counts) - 40; state++)
		if (row->count[state])
			len += (size_t)snprintf(counts + len, sizeof(counts) - len, "%s%zu %s",
				len ? ", " : "", row->count[state],
				state == DEPLOY_OUTCOME_CANCELLED
					? "not asked"
					: deploy_outcome_state_name(
						  (enum deploy_outcome_state)state));
	out_note(report->out, "%s: %s (%.1f s)", row->label, len ? counts : row->state,
		(double)(row->ended_us - row->started_us) / 1e6);
}

static void tell_progress(struct play_report *report, const struct deploy_event *event)
{
	const struct play_row *row = row_of(report, event->task);
	char text[400];

	if (!row || !event->count)
		return;
	(void)snprintf(text, sizeof(text), "%s: waiting for %zu of %zu %s: %s", row->label,
		event->count, row->nodes, row->nodes == 1 ? "node" : "nodes", event->text);
	out_status(report->out, text);
}

/* Lines of jsonl: what belongs to steps. */
static void stream(struct play_report *report, const struct deploy_event *event)
{
	const struct play_row *row = row_of(report, event->task);
	json_t *line;

	if (event->type == DEPLOY_EVENT_INTENT || event->type == DEPLOY_EVENT_ASKED ||
		event->type == DEPLOY_EVENT_PROGRESS || !row)
		return;
	line = json_pack("{s:s, s:I, s:f, s:s}", "type", deploy_event_type_name(event->type), "seq",
		(json_int_t)event->seq, "time", (double)(event->at_us / 1000) / 1e3, "step",
		row->label);
	if (event->node)
		(void)json_object_set_new(line, "node", report_foreign_text(event->node));
	if (event->attempt)
		(void)json_object_set_new(line, "attempt", json_integer(event->attempt));
	if (event->type == DEPLOY_EVENT_TASK_ENDED)
		(void)json_object_set_new(line, "ok", json_boolean(event->is_ok));
	if (event->count)
		(void)json_object_set_new(line, "count", json_integer((json_int_t)event->count));
	if (event->text)
		(void)json_object_set_new(line, "text", report_foreign_text(event->text));
	if (event->outcome) {
		(void)json_object_set_new(line, "state",
			json_string(deploy_outcome_state_name(event->outcome->state)));
		(void)json_object_set_new(
			line, "statusmsg", report_foreign_text(event->outcome->message));
		if (event->outcome->data)
			(void)json_object_set(line, "data", event->outcome->data);
	}
	out_json_line(report->out, line);
	json_decref(line);
}

void play_report_event(void *arg, const struct deploy_event *event)
{
	struct play_report *report = arg;

	if (event->type == DEPLOY_EVENT_TASK_STARTED)
		begin_row(report, event);
	if (out_format(report->out) == OUT_JSONL)
		stream(report, event);
	switch (event->type) {
	case DEPLOY_EVENT_OUTCOME:
		take_outcome(report, event);
		break;
	case DEPLOY_EVENT_TASK_ENDED:
		end_row(report, event);
		break;
	case DEPLOY_EVENT_STOPPED:
		out_note(report->out, "stopped: %s", event->text);
		break;
	case DEPLOY_EVENT_PROGRESS:
		tell_progress(report, event);
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

/* Of steps that any one node is enough for, and that have one, the others do not count. */
static void sum_up(const struct play_report *report, size_t count[DEPLOY_OUTCOME_STATES])
{
	const struct deploy_tally *left = report->play ? deploy_play_left(report->play) : NULL;

	for (size_t i = 0; i < report->row_count; i++) {
		const struct play_row *row = &report->rows[i];

		for (int state = 0; row->has_task && state < DEPLOY_OUTCOME_STATES; state++)
			if (!row->is_one || state == DEPLOY_OUTCOME_OK ||
				!row->count[DEPLOY_OUTCOME_OK])
				count[state] += row->count[state];
		if (row->state && strcmp(row->state, "before") == 0)
			count[DEPLOY_OUTCOME_OK] += row->nodes;
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

int play_report_status(const struct play_report *report, const struct deploy_run_result *result,
	const struct deploy_error *err)
{
	int status = status_of_nodes(report);
	bool is_known = status != EXIT_ALL_OK;

	switch (result->end) {
	case DEPLOY_RUN_COMPLETE:
		if (status == EXIT_ALL_OK && report->play && !deploy_play_is_ok(report->play))
			status = EXIT_STOPPED;
		break;
	case DEPLOY_RUN_NO_NODES:
		status = exit_worse(status, EXIT_NO_NODES);
		break;
	case DEPLOY_RUN_STOPPED:
		status = exit_worse(status, EXIT_STOPPED);
		break;
	case DEPLOY_RUN_DEADLINE:
		status = exit_worse(status, EXIT_DEADLINE);
		break;
	case DEPLOY_RUN_INTERRUPTED:
		return 128 + result->signal;
	case DEPLOY_RUN_FAILED:
		is_known = false;
		break;
	case DEPLOY_RUN_LOST:
		break;
	case DEPLOY_RUN_UNRECORDED:
		status = exit_worse(status, EXIT_OUTPUT);
		break;
	}
	if (err->code != DEPLOY_OK && !is_known)
		status = exit_worse(status, exit_of_error(err->code));
	return status;
}

/* The end. */

static const char *text_of(size_t count, char *buf, size_t size)
{
	(void)snprintf(buf, size, "%zu", count);
	return buf;
}

static void print_table(const struct play_report *report)
{
	static const char *const headers[] = {
		"STEP", "DOES", "STATE", "NODES", "OK", "FAILED", "SILENT", "UNKNOWN", "TIME"};
	struct out_table *table = out_table_new(headers, 9);

	out_table_tone(table, 2);
	for (size_t i = 0; i < report->row_count; i++) {
		const struct play_row *row = &report->rows[i];
		char nodes[24], ok[24], failed[24], silent[24], unknown[24], seconds[32] = "";

		if (row->ended_us)
			(void)snprintf(seconds, sizeof(seconds), "%.1fs",
				(double)(row->ended_us - row->started_us) / 1e6);
		out_table_add(table,
			(const char *const[]){row->label, row->does,
				row->state ? row->state : "not ended",
				text_of(row->nodes, nodes, sizeof(nodes)),
				text_of(row->count[DEPLOY_OUTCOME_OK], ok, sizeof(ok)),
				text_of(row->count[DEPLOY_OUTCOME_FAILED], failed, sizeof(failed)),
				text_of(row->count[DEPLOY_OUTCOME_SILENT], silent, sizeof(silent)),
				text_of(row->count[DEPLOY_OUTCOME_UNKNOWN], unknown,
					sizeof(unknown)),
				seconds});
	}
	out_table_print(report->out, table);
	out_table_free(table);
}

static json_t *row_json(const struct play_row *row, const struct deploy_run_result *result)
{
	json_t *item = json_pack("{s:s, s:s, s:s, s:s, s:I, s:I}", "step", row->label, "kind",
		row->kind, "does", row->does, "state", row->state ? row->state : "not ended",
		"nodes", (json_int_t)row->nodes, "ok", (json_int_t)row->count[DEPLOY_OUTCOME_OK]);

	if (row->why)
		(void)json_object_set_new(item, "why", report_foreign_text(row->why));
	if (row->ended_us)
		(void)json_object_set_new(item, "seconds",
			json_real((double)((row->ended_us - row->started_us) / 1000) / 1e3));
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
	if (out_is_for_people(report->out))
		print_table(report);
	if (out_format(report->out) != OUT_JSONL)
		out_flush(report->out);
	note_nodes(report, result);
	if (run && status != EXIT_ALL_OK && report->row_count)
		out_note(report->out, "to go on: deployctl resume %s", run);
	out_document(report->out, "run-plan", items, summary, status, err);
	json_decref(items);
	json_decref(summary);
}
