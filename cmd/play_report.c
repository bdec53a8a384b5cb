/* What a plan's run shows, while it runs and at its end. */
#include "play_report.h"

#include <stdlib.h>
#include <string.h>

#include "report_parts.h"

#define TOLD_NODES 20 /* nodes of a step that are told one by one */

void play_report_init(struct play_report *report, struct out *out, bool is_preflight)
{
	*report = (struct play_report){
		.out = out, .sets = json_object(), .is_preflight = is_preflight};
}

void play_report_release(struct play_report *report)
{
	for (size_t i = 0; i < report->row_count; i++) {
		free(report->rows[i].label);
		free(report->rows[i].does);
		free(report->rows[i].why);
		deploy_nodeset_free(report->rows[i].left);
	}
	free(report->rows);
	json_decref(report->sets);
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
	return out_copy(text);
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
	*row = (struct play_row){.label = out_copy(label),
		.does = does_of(step),
		.kind = step ? deploy_step_kind_name(step->kind) : "",
		.is_one = step && step->is_one};
	return row;
}

/* What an earlier process did of a step stands in one row with what this one does. */
static struct play_row *row_for(
	struct play_report *report, const char *label, const struct deploy_step *step)
{
	for (size_t i = report->row_count; i-- > 0;)
		if (strcmp(report->rows[i].label, label) == 0)
			return &report->rows[i];
	return add_row(report, label, step);
}

/* The row of a task that is a step; most often the last one. */
static struct play_row *row_of(const struct play_report *report, unsigned task)
{
	for (size_t i = report->row_count; i-- > 0;)
		if (report->rows[i].has_task && report->rows[i].task == task)
			return &report->rows[i];
	return NULL;
}

static void note_left(struct play_report *report, struct play_row *row, const char *nodes)
{
	struct deploy_error ignored = {.code = DEPLOY_OK};

	row->state = "unknown";
	row->left = deploy_nodeset_new();
	/* What is left of a message is no node. */
	(void)deploy_nodeset_parse(row->left, nodes, &ignored);
	row->nodes += deploy_nodeset_count(row->left);
	out_note(report->out,
		"%s: not known whether it was done, and not asked again: %s; look, and if it may "
		"be done again: --retry-unknown",
		row->label, nodes);
}

void play_report_note(struct play_report *report, enum deploy_play_note note, const char *label,
	const struct deploy_step *step, size_t count, const char *text)
{
	struct play_row *row;

	switch (note) {
	case DEPLOY_PLAY_SET:
		(void)json_object_set_new(report->sets, label, json_integer((json_int_t)count));
		if (count) /* none is an error, which says so */
			out_note(report->out, "%s: %zu %s: %s", label, count,
				count == 1 ? "node" : "nodes", text);
		break;
	case DEPLOY_PLAY_GROUP:
		out_note(report->out, "%s: group of %zu: %s", label, count, text);
		break;
	case DEPLOY_PLAY_SKIPPED:
		row = row_for(report, label, step);
		row->state = "skipped";
		row->why = out_copy(text);
		out_note(report->out, "%s: skipped: %s", label, text);
		break;
	case DEPLOY_PLAY_DONE:
		row = row_for(report, label, step);
		if (!row->left)
			row->state = "before";
		row->before = count;
		row->nodes += count;
		out_note(report->out, "%s: done before on %zu %s", label, count,
			count == 1 ? "node" : "nodes");
		break;
	case DEPLOY_PLAY_LEFT:
		note_left(report, row_for(report, label, step), text);
		break;
	case DEPLOY_PLAY_UNCHECKED:
		report->has_unchecked = true;
		out_note(report->out, "%s: not checked: its nodes are known only when it comes",
			label);
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
	row = row_for(report, label, step);
	row->has_task = true;
	row->task = event->task;
	row->state = NULL;
	row->nodes += event->count;
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
		outcome->state == DEPLOY_OUTCOME_CANCELLED)
		return;
	if (++row->told > TOLD_NODES)
		return;
	out_note(report->out, "%s: %s: %s%s%s", row->label, event->node, report_state(outcome),
		outcome->message[0] ? ": " : "", outcome->message);
}

/* Nobody did anything wrong where a run was told to stop. */
static const char *state_of(const struct play_row *row, bool is_ok)
{
	bool all_well = !row->count[DEPLOY_OUTCOME_FAILED] && !row->count[DEPLOY_OUTCOME_SILENT] &&
			!row->count[DEPLOY_OUTCOME_UNKNOWN];

	if (is_ok)
		return all_well || (row->is_one && row->count[DEPLOY_OUTCOME_OK]) ? "ok"
										  : "tolerated";
	return row->nodes && all_well ? "stopped" : "failed";
}

static void end_row(struct play_report *report, const struct deploy_event *event)
{
	struct play_row *row = row_of(report, event->task);
	char counts[160];
	size_t len = 0;

	if (!row)
		return;
	row->ended_us = event->at_us;
	row->state = state_of(row, event->is_ok);
	if (!event->is_ok && event->text)
		row->why = out_copy(event->text);
	counts[0] = '\0';
	for (int state = 0; state < DEPLOY_OUTCOME_STATES && len < sizeof(counts) - 40; state++)
		if (row->count[state])
			len += (size_t)snprintf(counts + len, sizeof(counts) - len, "%s%zu %s",
				len ? ", " : "", row->count[state],
				state == DEPLOY_OUTCOME_CANCELLED
					? "not asked"
					: deploy_outcome_state_name(
						  (enum deploy_outcome_state)state));
	if (row->told > TOLD_NODES)
		out_note(report->out, "%s: %zu more are not told one by one", row->label,
			row->told - TOLD_NODES);
	out_note(report->out, "%s: %s (%.1f s)", row->label, len ? counts : row->state,
		(double)(row->ended_us - row->started_us) / 1e6);
}

static void tell_stopped(struct play_report *report, const struct deploy_event *event)
{
	const struct play_row *row = row_of(report, event->task);

	out_note(report->out, "stopped: %s%s%s", row ? row->label : "", row ? ": " : "",
		event->text);
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

	if (row && event->type != DEPLOY_EVENT_PROGRESS)
		report_event_line(report->out, event, row->label);
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
		tell_stopped(report, event);
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
