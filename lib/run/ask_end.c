/* What becomes of nodes for good, and how a task stops and ends. */
#include "run/ask_parts.h"

#include <stdio.h>

void dp_ask_withdraw(const struct dp_ask *ask, struct dp_stage *stage)
{
	struct dp_action action = {
		.kind = DP_DO_WITHDRAW, .task = stage->task, .nodes = ask->nodes};

	dp_stage_ask(stage, &action);
}

static void stop_at_limit(struct dp_ask *ask, struct dp_stage *stage)
{
	char why[160];

	(void)snprintf(why, sizeof(why),
		"%zu of %zu nodes not ok, more than the %zu that max-fail %u%s tolerates",
		ask->not_ok, ask->count, ask->tolerated, ask->policy->max_fail.value,
		ask->policy->max_fail.is_percent ? "%" : "");
	dp_ask_stop(ask, stage, why);
}

static void stop_without_one(struct dp_ask *ask, struct dp_stage *stage)
{
	char why[160];

	(void)snprintf(why, sizeof(why), "none of %zu nodes was ok, and one was to be", ask->count);
	dp_ask_stop(ask, stage, why);
}

void dp_ask_settle(struct dp_ask *ask, struct dp_stage *stage, struct dp_row *row,
	const struct deploy_outcome *outcome)
{
	dp_ask_move(ask, row, ROW_DONE);
	dp_stage_settle(stage, ask->tally, dp_ask_name(ask, row), outcome);
	if (outcome->state == DEPLOY_OUTCOME_OK)
		ask->is_satisfied = ask->policy->is_one;
	else if (outcome->state != DEPLOY_OUTCOME_SKIPPED)
		ask->not_ok++;
	if (ask->order)
		dp_order_settle(ask->order, (uint32_t)(row - ask->rows), outcome->state);
	if (ask->is_stopped)
		return;
	if (ask->not_ok > ask->tolerated)
		stop_at_limit(ask, stage);
	else if (ask->policy->is_one && ask->not_ok == ask->count)
		stop_without_one(ask, stage);
}

/* What became of one bars others: they queue up, however many stand behind each other. */
void dp_ask_skip_barred(struct dp_ask *ask, struct dp_stage *stage)
{
	struct dp_barred barred;

	while (ask->order && !ask->is_stopped && dp_order_next_barred(ask->order, &barred)) {
		char message[DEPLOY_MAX_IDENTITY + 64];
		struct deploy_outcome outcome = {
			.state = DEPLOY_OUTCOME_SKIPPED, .message = message, .rtt_us = -1};

		(void)snprintf(message, sizeof(message), "waits for %s, which %s", barred.cause,
			barred.why);
		dp_ask_settle(ask, stage, &ask->rows[barred.row], &outcome);
	}
}

void dp_ask_settle_untried(
	struct dp_ask *ask, struct dp_stage *stage, struct dp_row *row, const char *message)
{
	struct deploy_outcome outcome = {
		.state = DEPLOY_OUTCOME_CANCELLED, .message = message, .rtt_us = -1};

	if (row->state == ROW_QUEUED)
		row->attempt--;
	outcome.attempt = row->attempt;
	if (row->attempt) {
		outcome.state = row->last_state;
		outcome.statuscode = row->last_code;
		outcome.not_connected = row->last_unconnected;
	}
	dp_ask_settle(ask, stage, row, &outcome);
}

void dp_ask_stop(struct dp_ask *ask, struct dp_stage *stage, const char *why)
{
	size_t unsettled = ask->queued + ask->waiting;

	if (ask->is_stopped)
		return;
	ask->is_stopped = true;
	if (why)
		dp_stage_emit(
			stage, (struct deploy_event){.type = DEPLOY_EVENT_STOPPED, .text = why});
	if (ask->queued)
		dp_ask_withdraw(ask, stage);
	for (size_t i = 0; i < ask->next && unsettled; i++) {
		struct dp_row *row = &ask->rows[i];

		if (row->state != ROW_QUEUED && row->state != ROW_WAITING)
			continue;
		unsettled--;
		dp_ask_settle_untried(ask, stage, row,
			row->attempt > 1 || row->state == ROW_WAITING
				? "not tried again: the task stopped"
				: "not asked: the task stopped");
	}
}

void dp_ask_conclude_unheard(struct dp_ask *ask, struct dp_stage *stage, struct dp_row *row,
	enum deploy_outcome_state state, const char *message)
{
	struct deploy_outcome outcome = {
		.state = state, .attempt = row->attempt, .message = message, .rtt_us = -1};

	dp_ask_conclude(ask, stage, row, &outcome);
}

void dp_ask_abandon(struct dp_ask *ask, struct dp_stage *stage, const char *why)
{
	ask->is_abandoned = true;
	dp_ask_stop(ask, stage, NULL);
	for (size_t i = 0; i < ask->next && ask->sent; i++)
		if (ask->rows[i].state == ROW_SENT)
			dp_ask_conclude_unheard(
				ask, stage, &ask->rows[i], DEPLOY_OUTCOME_UNKNOWN, why);
}

void dp_ask_end(struct dp_ask *ask, struct dp_stage *stage)
{
	/* Probes may still be queued, and their rows point into our nodes. */
	dp_ask_withdraw(ask, stage);
	for (size_t i = 0; i < ask->count; i++) {
		struct deploy_outcome outcome = {.state = ask->is_satisfied
								  ? DEPLOY_OUTCOME_SKIPPED
								  : DEPLOY_OUTCOME_CANCELLED,
			.message = ask->is_satisfied ? "not asked: another node was ok"
						     : "not asked: the task stopped",
			.rtt_us = -1};

		if (ask->rows[i].state == ROW_IDLE)
			dp_ask_settle(ask, stage, &ask->rows[i], &outcome);
	}
	ask->next = ask->count;
	dp_stage_emit(stage, (struct deploy_event){.type = DEPLOY_EVENT_TASK_ENDED,
				     .count = ask->count,
				     .is_ok = !ask->is_stopped});
}
