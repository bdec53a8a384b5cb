/* What nodes and the broker said of the nodes of a task, and whether it may be credited. */
#include "run/ask_parts.h"

#include <string.h>

void dp_ask_sent(struct dp_ask *ask, struct dp_stage *stage, const struct dp_input *input)
{
	for (size_t i = 0; i < input->row_count; i++) {
		struct dp_row *row = &ask->rows[input->rows[i]];

		if (row->state != ROW_QUEUED || row->attempt != input->attempt)
			continue;
		row->at_us = stage->now_us;
		row->has_answered = false;
		row->is_probed = input->is_mandatory;
		dp_ask_move(ask, row, ROW_SENT);
		dp_row_queue_push(&ask->deadlines, input->rows[i], row->attempt);
		dp_stage_emit(stage, (struct deploy_event){.type = DEPLOY_EVENT_ASKED,
					     .node = dp_ask_name(ask, row),
					     .attempt = row->attempt});
	}
	ask->last_traffic_us = stage->now_us;
}

static struct dp_row *find_row(const struct dp_ask *ask, const char *name)
{
	size_t at;

	return deploy_nodeset_find(ask->nodes, name, strlen(name), &at) ? &ask->rows[at] : NULL;
}

/* Why a reply may not be credited; DEPLOY_IGNORED_REASONS if it may. */
static enum deploy_ignored refuse(struct dp_ask *ask, const struct dp_row *row, unsigned attempt)
{
	struct dp_attempt_count *count;

	if (attempt < 1 || attempt > dp_ask_max_tries(ask))
		return DEPLOY_IGNORED_UNEXPECTED;
	count = &ask->attempts[attempt];
	count->seen++;
	/* A node that is waited for is heard, whatever others poured in before. */
	if (row && row->state == ROW_SENT && row->attempt == attempt)
		return DEPLOY_IGNORED_REASONS;
	if (count->seen > 4 * count->asked + 1000)
		return DEPLOY_IGNORED_FLOOD;
	if (!row || row->state == ROW_IDLE || attempt > row->attempt ||
		(row->state == ROW_QUEUED && attempt == row->attempt))
		return DEPLOY_IGNORED_UNEXPECTED;
	if (attempt < row->attempt)
		return DEPLOY_IGNORED_LATE;
	return row->has_answered ? DEPLOY_IGNORED_DUPLICATE : DEPLOY_IGNORED_LATE;
}

void dp_ask_outcome(
	struct dp_ask *ask, struct dp_stage *stage, uint32_t index, struct deploy_outcome *outcome)
{
	struct dp_row *row = &ask->rows[index];
	bool is_answer =
		outcome->state == DEPLOY_OUTCOME_OK || outcome->state == DEPLOY_OUTCOME_FAILED;
	char why[DP_MAX_WHY];

	outcome->attempt = row->attempt;
	outcome->rtt_us = is_answer ? stage->now_us - row->at_us : -1;
	if (is_answer)
		dp_judge_answer(ask->task, dp_ask_name(ask, row), outcome, why, sizeof(why));
	dp_ask_conclude(ask, stage, row, outcome);
}

void dp_ask_reply(
	struct dp_ask *ask, struct dp_stage *stage, unsigned attempt, const struct dp_reply *reply)
{
	struct dp_row *row = find_row(ask, reply->sender);
	enum deploy_ignored reason = refuse(ask, row, attempt);
	struct deploy_outcome outcome;

	if (reason != DEPLOY_IGNORED_REASONS) {
		dp_stage_ignore(stage, ask->tally, reason, reply->sender, attempt, "");
		return;
	}
	outcome = (struct deploy_outcome){.state = dp_state_of_code(ask->policy, reply->statuscode),
		.statuscode = reply->statuscode,
		.message = reply->statusmsg,
		.data = reply->data};
	row->has_answered = true;
	ask->last_traffic_us = stage->now_us;
	dp_ask_outcome(ask, stage, (uint32_t)(row - ask->rows), &outcome);
}

void dp_ask_returned(struct dp_ask *ask, struct dp_stage *stage, unsigned attempt, const char *name)
{
	struct dp_row *row = find_row(ask, name);
	struct deploy_outcome outcome = {.state = DEPLOY_OUTCOME_SILENT,
		.not_connected = true,
		.attempt = row ? row->attempt : 0,
		.message = "not connected to the broker",
		.rtt_us = -1};

	if (row && row->state == ROW_SENT && (!attempt || row->attempt == attempt))
		dp_ask_conclude(ask, stage, row, &outcome);
}
