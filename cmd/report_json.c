/* A report for programs: items, a summary, and one line per event. */
#include "report_parts.h"

#include <stdlib.h>
#include <string.h>

static json_t *milliseconds(int64_t us)
{
	return us < 0 ? json_null() : json_real((double)us / 1000);
}

static json_t *data_of(const struct deploy_outcome *outcome)
{
	return outcome->data ? json_incref(outcome->data) : json_null();
}

json_t *report_item_json(
	const struct report *report, const char *node, const struct deploy_outcome *outcome)
{
	json_t *item = json_object();

	if (out_is_mco(report->out)) {
		(void)json_object_set_new(item, "agent", json_string(report->agent));
		(void)json_object_set_new(item, "action", json_string(report->action));
	}
	(void)json_object_set_new(item, "sender", json_string(node));
	if (report->is_dry)
		return item;
	(void)json_object_set_new(item, "statuscode", json_integer(outcome->statuscode));
	(void)json_object_set_new(item, "statusmsg", report_foreign_text(outcome->message));
	(void)json_object_set_new(item, "data", data_of(outcome));
	if (!out_is_mco(report->out))
		(void)json_object_set_new(item, "rtt_ms", milliseconds(outcome->rtt_us));
	return item;
}

json_t *report_items_json(const struct report *report)
{
	json_t *list = json_array();

	for (size_t i = 0; i < deploy_nodeset_count(report->names); i++)
		(void)json_array_append(
			list, json_object_get(report->items, deploy_nodeset_get(report->names, i)));
	return list;
}

void report_stream_names(struct report *report)
{
	for (size_t i = 0; i < deploy_nodeset_count(report->names); i++) {
		json_t *line = json_pack("{s:s, s:I, s:s}", "type", "node", "seq",
			(json_int_t)i + 1, "node", deploy_nodeset_get(report->names, i));

		out_json_line(report->out, line);
		json_decref(line);
	}
}

static json_t *set_json(const struct deploy_nodeset *set)
{
	return json_pack("{s:i, s:o}", "count", (int)deploy_nodeset_count(set), "nodes",
		report_names_json(set));
}

json_t *report_summary_json(const struct report *report, const struct deploy_run_result *result)
{
	const struct deploy_tally *tally = &result->tally[report->task];
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
			json_integer((json_int_t)report_ignored(result, (enum deploy_ignored)i)));
	if (report->no_results) {
		(void)json_object_set_new(summary, "no_results", json_true());
		(void)json_object_set_new(summary, "handed_over", set_json(tally->handed_over));
		(void)json_object_set_new(
			summary, "broadcast", json_boolean(report_is_broadcast(report, result)));
	}
	/* Nothing was done: nobody is ok, and the limit holds for the count, too. */
	if (report->is_dry) {
		(void)json_object_set_new(summary, "dry_run", json_true());
		(void)json_object_set_new(summary, "nodes",
			json_integer((json_int_t)deploy_amount_part(
				report->limit.amount, tally->nodes)));
		(void)json_object_set_new(summary, "ok", json_integer(0));
	}
	return summary;
}

static json_t *outcome_json(const struct deploy_outcome *outcome)
{
	json_t *object = json_pack("{s:s, s:b}", "state", deploy_outcome_state_name(outcome->state),
		"not_connected", outcome->not_connected);

	if (report_is_reply(outcome)) {
		(void)json_object_set_new(object, "statuscode", json_integer(outcome->statuscode));
		(void)json_object_set_new(object, "data", data_of(outcome));
		(void)json_object_set_new(object, "rtt_ms", milliseconds(outcome->rtt_us));
	}
	(void)json_object_set_new(object, "statusmsg", report_foreign_text(outcome->message));
	if (outcome->was_handed_over)
		(void)json_object_set_new(object, "handed_over", json_true());
	return object;
}

/* What is sent to whom is for the record; what came of it is for the reader. */
static bool is_for_the_record(const struct deploy_event *event)
{
	return event->type == DEPLOY_EVENT_INTENT || event->type == DEPLOY_EVENT_ASKED;
}

static bool has_count(const struct deploy_event *event)
{
	return event->type == DEPLOY_EVENT_TASK_STARTED || event->type == DEPLOY_EVENT_TASK_ENDED ||
	       event->type == DEPLOY_EVENT_GROUP_STARTED || event->type == DEPLOY_EVENT_PROGRESS;
}

void report_event_line(struct out *out, const struct deploy_event *event, const char *step)
{
	json_t *line;

	if (is_for_the_record(event))
		return;
	line = json_pack("{s:s, s:I, s:f}", "type", deploy_event_type_name(event->type), "seq",
		(json_int_t)event->seq, "time", (double)(event->at_us / 1000) / 1e3);
	(void)json_object_set_new(line, step ? "step" : "task",
		step ? report_foreign_text(step) : json_integer((json_int_t)event->task));
	if (event->node)
		(void)json_object_set_new(line, "node", report_foreign_text(event->node));
	if (event->attempt)
		(void)json_object_set_new(line, "attempt", json_integer(event->attempt));
	if (has_count(event))
		(void)json_object_set_new(line, "count", json_integer((json_int_t)event->count));
	if (step && event->type == DEPLOY_EVENT_TASK_ENDED)
		(void)json_object_set_new(line, "ok", json_boolean(event->is_ok));
	if (event->type == DEPLOY_EVENT_PROGRESS && event->node)
		(void)json_object_set_new(line, "waited_ms", milliseconds(event->waited_us));
	if (event->type == DEPLOY_EVENT_IGNORED)
		(void)json_object_set_new(
			line, "reason", json_string(deploy_ignored_name(event->reason)));
	if (event->text)
		(void)json_object_set_new(line, "text", report_foreign_text(event->text));
	if (event->outcome)
		(void)json_object_update_new(line, outcome_json(event->outcome));
	out_json_line(out, line);
	json_decref(line);
}

void report_stream(struct report *report, const struct deploy_event *event)
{
	bool is_other = event->task != report->task && event->type == DEPLOY_EVENT_OUTCOME;

	if (!report->is_dry && !is_other)
		report_event_line(report->out, event, NULL);
}
