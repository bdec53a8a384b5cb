/* What the runs of a site show. */
#include "site_report.h"

#include <stdlib.h>
#include <string.h>

#include "report_parts.h"

void site_report_init(struct site_report *report, struct out *out, const struct deploy_plan *plan)
{
	*report = (struct site_report){.out = out,
		.plan = plan,
		.rows = json_object(),
		.names = deploy_nodeset_new(),
		.held = deploy_nodeset_new()};
}

void site_report_release(struct site_report *report)
{
	json_decref(report->rows);
	deploy_nodeset_free(report->names);
	deploy_nodeset_free(report->held);
}

static const char *label_of(const struct site_report *report, unsigned task)
{
	const char *label =
		task < report->plan->task_count ? report->plan->tasks[task]->label : NULL;

	return label ? label : "";
}

/* A task that runs Puppet, rather than saying whether it may run. */
static bool is_run(const char *label)
{
	return strncmp(label, "rank ", 5) == 0 || strcmp(label, "run") == 0;
}

static json_t *row_of(struct site_report *report, const char *node)
{
	json_t *row = json_object_get(report->rows, node);
	struct deploy_error ignored = {0};

	if (row)
		return row;
	(void)json_object_set_new(report->rows, node, json_object());
	(void)deploy_nodeset_add(report->names, node, &ignored);
	return json_object_get(report->rows, node);
}

static void set_row(
	struct site_report *report, const char *node, const char *rank, const char *state)
{
	json_t *row = row_of(report, node);

	(void)json_object_set_new(row, "rank", rank ? json_string(rank) : json_null());
	(void)json_object_set_new(row, "state", json_string(state));
}

void site_report_expect(struct site_report *report, const char *node, const char *rank)
{
	set_row(report, node, rank, "not run");
}

void site_report_done_before(struct site_report *report, const struct deploy_nodeset *nodes)
{
	report->before = deploy_nodeset_count(nodes);
	for (size_t i = 0; i < report->before; i++)
		set_row(report, deploy_nodeset_get(nodes, i), NULL, "done before");
}

static void remove_name(struct deploy_nodeset *set, const char *name)
{
	struct deploy_nodeset *one = deploy_nodeset_new();
	struct deploy_error ignored = {0};

	(void)deploy_nodeset_add(one, name, &ignored);
	deploy_nodeset_subtract(set, one);
	deploy_nodeset_free(one);
}

/* Is it disabled by us now? */
static void take_switch(struct site_report *report, const char *label, const char *node,
	enum deploy_outcome_state state)
{
	struct deploy_error ignored = {0};

	if (strcmp(label, "enable") == 0 && state == DEPLOY_OUTCOME_OK)
		remove_name(report->held, node);
	if (strcmp(label, "disable") == 0 &&
		(state == DEPLOY_OUTCOME_OK || state == DEPLOY_OUTCOME_UNKNOWN))
		(void)deploy_nodeset_add(report->held, node, &ignored);
}

/* A node's row is about its run; of the other tasks only what went wrong is told. */
static void take_outcome(struct site_report *report, const struct deploy_event *event)
{
	const struct deploy_outcome *outcome = event->outcome;
	const char *label = label_of(report, event->task);
	bool is_good = outcome->state == DEPLOY_OUTCOME_OK ||
		       outcome->state == DEPLOY_OUTCOME_CANCELLED ||
		       outcome->state == DEPLOY_OUTCOME_SKIPPED;
	json_t *row;

	if (!is_good)
		out_note(report->out, "%s: %s: %s%s%s", label, event->node, report_state(outcome),
			outcome->message[0] ? ": " : "", outcome->message);
	if (!is_run(label)) {
		take_switch(report, label, event->node, outcome->state);
		if (!is_good) {
			row = row_of(report, event->node);
			(void)json_object_set_new(row,
				strcmp(label, "enable") == 0 ? "left" : label,
				report_foreign_text(outcome->message));
		}
		return;
	}
	row = row_of(report, event->node);
	if (outcome->data)
		(void)json_object_update(row, outcome->data);
	(void)json_object_set_new(row, "rank", json_string(label));
	(void)json_object_set_new(row, "state", json_string(report_state(outcome)));
	(void)json_object_set_new(row, "statusmsg", report_foreign_text(outcome->message));
}

static void end_task(struct site_report *report, const struct deploy_event *event)
{
	out_note(report->out, "%s: %s, %zu %s", label_of(report, event->task),
		event->is_ok ? "done" : "stopped", event->count,
		event->count == 1 ? "node" : "nodes");
}

static void stream(struct site_report *report, const struct deploy_event *event)
{
	if (event->type != DEPLOY_EVENT_PROGRESS)
		report_event_line(report->out, event, label_of(report, event->task));
}

void site_report_event(void *arg, const struct deploy_event *event)
{
	struct site_report *report = arg;

	if (out_format(report->out) == OUT_JSONL)
		stream(report, event);
	switch (event->type) {
	case DEPLOY_EVENT_TASK_STARTED:
		out_note(report->out, "%s: %zu %s", label_of(report, event->task), event->count,
			event->count == 1 ? "node" : "nodes");
		break;
	case DEPLOY_EVENT_GROUP_STARTED:
		out_note(report->out, "%s: now %s", label_of(report, event->task), event->text);
		break;
	case DEPLOY_EVENT_OUTCOME:
		take_outcome(report, event);
		break;
	case DEPLOY_EVENT_STOPPED:
		out_note(report->out, "stopped: %s", event->text);
		break;
	case DEPLOY_EVENT_PROGRESS:
		if (event->count) {
			char text[400];

			(void)snprintf(text, sizeof(text), "%s: waiting for %zu %s: %.300s",
				label_of(report, event->task), event->count,
				event->count == 1 ? "node" : "nodes", event->text);
			out_status(report->out, text);
		}
		break;
	case DEPLOY_EVENT_TASK_ENDED:
		end_task(report, event);
		break;
	default:
		break;
	}
}

/* Nothing was changed if the check has stopped it. */
static int status_of_stop(const struct deploy_run_result *result)
{
	bool has_changed = result->task_count > DEPLOY_SITE_DISABLE &&
			   result->tally[DEPLOY_SITE_DISABLE].nodes;

	return has_changed ? EXIT_STOPPED : EXIT_REFUSED;
}

/* Nodes of the check and of switching count only if they are not ok. */
int site_report_status(const struct site_report *report, const struct deploy_run_result *result,
	const struct deploy_error *err)
{
	size_t failed = 0, unanswered = 0, ok = report->before;
	int status = EXIT_ALL_OK, end = exit_of_end(result, EXIT_NO_NODES);

	for (size_t i = 0; i < result->task_count; i++) {
		const size_t *count = result->tally[i].count;

		failed += count[DEPLOY_OUTCOME_FAILED];
		ok += count[DEPLOY_OUTCOME_OK];
		unanswered += count[DEPLOY_OUTCOME_SILENT] + count[DEPLOY_OUTCOME_UNKNOWN] +
			      count[DEPLOY_OUTCOME_CANCELLED] + count[DEPLOY_OUTCOME_SKIPPED];
	}
	if (failed)
		status = EXIT_NODE_FAILED;
	else if (unanswered)
		status = ok ? EXIT_SOME_SILENT : EXIT_NO_ANSWER;
	status = exit_worse(status, end == EXIT_STOPPED ? status_of_stop(result) : end);
	/* Somebody at the terminal did not want more. */
	if (err->code == DEPLOY_REFUSED)
		return exit_worse(status, status_of_stop(result));
	if (err->code != DEPLOY_OK && (status == EXIT_ALL_OK || result->end == DEPLOY_RUN_FAILED))
		status = exit_worse(status, exit_of_error(err->code));
	return status;
}

/* "12", "2.5", or nothing. */
static char *cell(const json_t *row, const char *key)
{
	const json_t *value = json_object_get(row, key);

	return value && !json_is_null(value) ? report_value_text(value) : NULL;
}

static void print_table(const struct site_report *report)
{
	static const char *const headers[] = {
		"NODE", "RANK", "STATE", "CHANGED", "FAILED", "TOTAL", "TIME", "VERSION"};
	static const char *const keys[] = {
		"rank", "state", "changed", "failed", "total", "total_time", "config_version"};
	struct out_table *table = out_table_new(headers, 8);

	out_table_tone(table, 2);
	for (size_t i = 0; i < deploy_nodeset_count(report->names); i++) {
		const char *node = deploy_nodeset_get(report->names, i);
		const json_t *row = json_object_get(report->rows, node);
		const char *cells[8] = {node};
		char *owned[7];

		for (size_t key = 0; key < 7; key++) {
			owned[key] = cell(row, keys[key]);
			cells[key + 1] = owned[key] ? owned[key] : "";
		}
		out_table_add(table, cells);
		for (size_t key = 0; key < 7; key++)
			free(owned[key]);
	}
	out_table_print(report->out, table);
	out_table_free(table);
}

static json_t *items_json(const struct site_report *report)
{
	json_t *items = json_array();

	for (size_t i = 0; i < deploy_nodeset_count(report->names); i++) {
		const char *node = deploy_nodeset_get(report->names, i);
		json_t *item = json_pack("{s:s}", "node", node);

		(void)json_object_update(item, json_object_get(report->rows, node));
		(void)json_array_append_new(items, item);
	}
	return items;
}

static json_t *summary_json(
	const struct site_report *report, const struct deploy_run_result *result)
{
	json_t *summary = json_pack("{s:I}", "before", (json_int_t)report->before);
	size_t total[DEPLOY_OUTCOME_STATES] = {0};

	for (size_t i = DEPLOY_SITE_RUN; i < result->task_count; i++)
		for (int state = 0;
			is_run(label_of(report, (unsigned)i)) && state < DEPLOY_OUTCOME_STATES;
			state++)
			total[state] += result->tally[i].count[state];
	(void)json_object_set_new(summary, "disabled", report_names_json(report->held));
	for (int state = 0; state < DEPLOY_OUTCOME_STATES; state++)
		(void)json_object_set_new(summary,
			deploy_outcome_state_name((enum deploy_outcome_state)state),
			json_integer((json_int_t)total[state]));
	return summary;
}

void site_report_note_held(const struct site_report *report, const char *message)
{
	char *names = deploy_nodeset_print(report->held);

	if (deploy_nodeset_count(report->held)) {
		out_note(report->out, "Puppet may still be disabled on %s", names);
		out_note(report->out, "to let it run again: deployctl puppet enable '%s' -m '%s'",
			names, message);
	}
	free(names);
}

void site_report_show(struct site_report *report, const struct deploy_run_result *result,
	const char *run, int status, const struct deploy_error *err)
{
	json_t *items = items_json(report), *summary = summary_json(report, result);

	out_status(report->out, NULL);
	if (out_is_for_people(report->out))
		print_table(report);
	if (out_format(report->out) == OUT_NAME)
		for (size_t i = 0; i < deploy_nodeset_count(report->names); i++)
			out_text(report->out, "%s\n", deploy_nodeset_get(report->names, i));
	if (out_format(report->out) != OUT_JSONL)
		out_flush(report->out);
	if (run && status != EXIT_ALL_OK && status != EXIT_REFUSED)
		out_note(report->out, "to go on: deployctl resume %s", run);
	out_document(report->out, "site", items, summary, status, err);
	json_decref(items);
	json_decref(summary);
}
