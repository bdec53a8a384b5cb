/* What a run comes to: events are gathered, shown in one format, and mean one exit status. */
#include "record.h"
#include "report_parts.h"

const char *const report_display_names[] = {"all", "ok", "failed", "none", NULL};

void report_begin(struct report *report)
{
	report->items = json_object();
	report->kept = json_object();
	report->groups = json_object();
	report->names = deploy_nodeset_new();
	deploy_tally_init(&report->told);
	if (report->ddl)
		report->aggregate = deploy_aggregate_new(report->ddl);
}

void report_release(struct report *report)
{
	json_decref(report->items);
	json_decref(report->kept);
	json_decref(report->groups);
	deploy_tally_release(&report->told);
	deploy_aggregate_free(report->aggregate);
	deploy_nodeset_free(report->names);
	deploy_reply_judge_release(&report->judge);
}

bool report_is_reply(const struct deploy_outcome *outcome)
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

/* What cannot be judged is not hidden. */
static bool passes_filter(
	struct report *report, const char *node, const struct deploy_outcome *outcome)
{
	struct deploy_error why = {0};
	bool passes;

	if (!report->filter || !report_is_reply(outcome))
		return true;
	if (deploy_reply_judge_test(&passes, &report->judge, report->filter, node, outcome, &why) ==
		0) {
		report->left_out += !passes;
		return passes;
	}
	if (!report->has_filter_failed)
		out_note(report->out, "%s: %s; such replies are shown", node, why.text);
	report->has_filter_failed = true;
	return true;
}

static void measure(struct report *report, int64_t rtt_us)
{
	if (!report->replies++ || rtt_us < report->rtt_min_us)
		report->rtt_min_us = rtt_us;
	if (rtt_us > report->rtt_max_us)
		report->rtt_max_us = rtt_us;
	report->rtt_sum_us += rtt_us;
}

/* True if the result is what the view makes of the replies, not the replies themselves. */
static bool is_viewed(const struct report *report)
{
	return out_is_for_people(report->out) || (report->view->items && !out_is_mco(report->out));
}

static void keep_reply(
	struct report *report, const char *node, const struct deploy_outcome *outcome)
{
	struct deploy_error ignored = {0};

	/* The engine has checked the name. */
	(void)deploy_nodeset_add(report->names, node, &ignored);
	if (out_is_document(report->out))
		(void)json_object_set_new(
			report->items, node, report_item_json(report, node, outcome));
}

/* True if the node stands in what programs get: it answered, or need not and they want names. */
static bool is_result(const struct report *report, const struct deploy_outcome *outcome)
{
	return report_is_reply(outcome) ||
	       (outcome->was_handed_over && out_format(report->out) == OUT_NAME);
}

void report_keep(struct report *report, const char *node, const struct deploy_outcome *outcome)
{
	if (report_is_reply(outcome))
		measure(report, outcome->rtt_us);
	if (report_is_reply(outcome) && report->aggregate)
		deploy_aggregate_add(report->aggregate, outcome->data);
	if (!is_shown(report, outcome) || !passes_filter(report, node, outcome))
		return;
	if (is_viewed(report) || report->view->items)
		report->view->keep(report, node, outcome);
	if (!is_viewed(report) && (out_format(report->out) != OUT_JSONL || report->is_dry) &&
		is_result(report, outcome))
		keep_reply(report, node, outcome);
}

json_t *report_row(struct report *report, const char *node)
{
	json_t *row = json_object_get(report->kept, node);
	struct deploy_error ignored = {0};

	if (row)
		return row;
	row = json_object();
	(void)json_object_set_new(report->kept, node, row);
	/* The engine has checked the name. */
	(void)deploy_nodeset_add(report->names, node, &ignored);
	return row;
}

static void note_rejected(struct report *report, const struct deploy_event *event)
{
	if (event->reason != DEPLOY_IGNORED_REJECTED)
		return;
	if (!report->rejected++)
		(void)snprintf(report->rejected_text, sizeof(report->rejected_text), "%s%s%s",
			event->node ? event->node : "", event->node ? ": " : "", event->text);
}

static void take_event(void *arg, const struct deploy_event *event)
{
	struct report *report = arg;

	if (event->type == DEPLOY_EVENT_BLOCKED || event->type == DEPLOY_EVENT_UNBLOCKED)
		report->is_blocked = event->type == DEPLOY_EVENT_BLOCKED;
	report_narrate(report, event);
	if (event->type == DEPLOY_EVENT_IGNORED)
		note_rejected(report, event);
	if (out_format(report->out) == OUT_JSONL)
		report_stream(report, event);
	if (event->type == DEPLOY_EVENT_TASK_STARTED && event->task == report->task) {
		report->asked = event->count;
		(void)report_pace_add(&report->pace, event->at_us, 0);
	}
	if (event->type != DEPLOY_EVENT_OUTCOME)
		return;
	if (event->task == report->task) {
		report->done++;
		report->failed += event->outcome->state == DEPLOY_OUTCOME_FAILED;
		report->silent += event->outcome->state == DEPLOY_OUTCOME_SILENT;
	}
	if (report->is_record_only)
		deploy_tally_add(&report->told, event->node, event->outcome);
	if (event->task == report->task)
		report_keep(report, event->node, event->outcome);
	else if (report->view->keep_other)
		report->view->keep_other(report, event->node, event->outcome);
}

size_t report_ignored(const struct deploy_run_result *result, enum deploy_ignored reason)
{
	size_t total = 0;

	for (size_t i = 0; i < result->task_count; i++)
		total += result->tally[i].ignored[reason];
	return total;
}

static int status_of_tally(const struct report *report, const struct deploy_tally *tally)
{
	const size_t *count = tally->count;
	/* Nodes that were never asked, because the task stopped or the broker blocked, are not ok
	 * either. */
	size_t unanswered = count[DEPLOY_OUTCOME_SILENT] + count[DEPLOY_OUTCOME_UNKNOWN] -
			    deploy_nodeset_count(tally->handed_over) +
			    count[DEPLOY_OUTCOME_CANCELLED];
	size_t answered = count[DEPLOY_OUTCOME_OK] + count[DEPLOY_OUTCOME_FAILED];
	int status = EXIT_ALL_OK;

	if (count[DEPLOY_OUTCOME_FAILED])
		status = exit_worse(status, EXIT_NODE_FAILED);
	if (unanswered)
		status = exit_worse(
			status, answered || report->no_results ? EXIT_SOME_SILENT : EXIT_NO_ANSWER);
	return status;
}

static int status_of_nobody(const struct report *report)
{
	if (report->empty_ok)
		return EXIT_ALL_OK;
	return report->is_filtered ? EXIT_NO_NODES : EXIT_NO_ANSWER;
}

/* Discovery has no outcome but who was found; every other task must have gone well. */
static int status_of_tasks(const struct report *report, const struct deploy_run_result *result)
{
	int status = EXIT_ALL_OK;

	for (size_t i = 0; i < result->task_count; i++)
		status = exit_worse(status, status_of_tally(report, &result->tally[i]));
	return status;
}

size_t report_missed(const struct report *report, const struct deploy_run_result *result)
{
	size_t missed;

	/* Names that were given cannot be too few, and a part need not be complete. */
	if (!report->is_whole || !result->tally || !result->found[0])
		return 0;
	missed = result->tally[0].ignored[DEPLOY_IGNORED_LATE];
	/* Who answers although nobody is to may well have been found. */
	if (!report->no_results)
		missed += result->tally[report->task].ignored[DEPLOY_IGNORED_UNEXPECTED];
	return missed;
}

bool report_is_broadcast(const struct report *report, const struct deploy_run_result *result)
{
	return report->no_results && result->found && result->found[report->task];
}

static int status_of_run(const struct report *report, const struct deploy_run_result *result,
	const struct deploy_error *err)
{
	const struct deploy_tally *tally = result->tally ? &result->tally[report->task] : NULL;
	int status = tally ? status_of_tasks(report, result) : EXIT_ALL_OK;
	bool is_known =
		tally && (tally->count[DEPLOY_OUTCOME_OK] || tally->count[DEPLOY_OUTCOME_FAILED]);

	if (report->lacking)
		status = exit_worse(status, EXIT_NODE_FAILED);
	if (report_missed(report, result))
		status = exit_worse(status, EXIT_SOME_SILENT);
	status = exit_worse(status, exit_of_end(result, status_of_nobody(report)));
	/* A broker lost in the middle makes its nodes unknown, which is what the status then says.
	 */
	if (err->code != DEPLOY_OK && (!is_known || status == EXIT_ALL_OK))
		status = exit_worse(status, exit_of_error(err->code));
	return status;
}

static void show(struct report *report, const struct deploy_run_result *result, int status,
	const struct deploy_error *err)
{
	const struct deploy_tally *tally = result->tally ? &result->tally[report->task] : NULL;
	json_t *items, *summary;

	out_status(report->out, NULL);
	deploy_limit_apply(&report->limit, report->names);
	if (out_is_for_people(report->out))
		report->view->print(report);
	if (out_format(report->out) == OUT_NAME)
		report_print_names(report);
	if (out_format(report->out) == OUT_JSONL && report->is_dry)
		report_stream_names(report);
	if (out_format(report->out) != OUT_JSONL)
		out_flush(report->out);
	if (report->left_out)
		out_note(report->out, "left out by --filter-replies: %zu of %zu %s",
			report->left_out, report->replies,
			report->replies == 1 ? "reply" : "replies");
	if (result->end == DEPLOY_RUN_NO_NODES)
		report_note_nobody(report, result);
	else if (report_is_broadcast(report, result))
		report_note_broadcast(report, result);
	else if (tally && !(report->view->is_quiet && status == EXIT_ALL_OK))
		report_note_summary(report, tally);
	if (result->tally)
		report_note_ignored(report, result);
	items = out_is_document(report->out) && is_viewed(report) ? report->view->items(report)
								  : report_items_json(report);
	summary = tally ? report_summary_json(report, result) : NULL;
	out_document(report->out, report->kind, items, summary, status, err);
	json_decref(items);
	json_decref(summary);
}

int report_progress_ms(const struct out *out)
{
	if (out_format(out) == OUT_JSONL)
		return 0;
	return out_has_live_status() ? 1000 : 30000;
}

/* The engine did its part; what was then recorded is what counts. */
static void take_told(struct report *report, struct deploy_run_result *result)
{
	struct deploy_tally *tally = &result->tally[report->task], engine = *tally;

	report->told.nodes = tally->nodes;
	*tally = report->told;
	report->told = engine;
}

int report_run(
	struct report *report, struct ctx *ctx, struct deploy_plan *plan, struct deploy_error *err)
{
	struct deploy_run_options options = {.signal_fd = ctx->signal_fd,
		.sink = take_event,
		.sink_arg = report,
		.progress_ms = report_progress_ms(report->out),
		.idle = out_drain,
		.idle_arg = report->out};
	const struct record_info info = {.kind = report->kind,
		.reason = report->reason,
		.is_act = report->is_act && !report->is_dry,
		.is_record_only = report->is_record_only,
		.fn = report->record,
		.fn_arg = report->record_arg};
	struct deploy_run_result result;
	struct record record;
	int status;

	report_begin(report);
	if (record_begin(&record, ctx, &info, plan, take_event, report, err)) {
		report_release(report);
		return exit_of_error(err->code);
	}
	record_join(&record, &options);
	report->is_whole =
		report->task < plan->task_count && plan->tasks[report->task]->is_whole_match;
	(void)deploy_run(&result, ctx->bus, plan, &options, err);
	record_flush(&record);
	/* The status is in the file before anybody is told. */
	status = record_end(&record, &result, status_of_run(report, &result, err), err);
	if (report->is_record_only && result.tally)
		take_told(report, &result);
	show(report, &result, status, err);
	report_release(report);
	deploy_run_result_release(&result);
	return status;
}
