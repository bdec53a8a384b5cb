/* Events get their number, time and task in one place. */
#include "run/stage.h"

#include "model/value.h"
#include "run/acts.h"

/* Of each reason and task so many are told one by one, so that a flood does not become our own. */
#define MAX_TOLD 100

void dp_stage_ask(struct dp_stage *stage, const struct dp_action *action)
{
	if (stage->acts)
		dp_acts_take(stage->acts, action);
	else
		stage->act(stage->act_arg, action);
}

void dp_stage_emit(struct dp_stage *stage, struct deploy_event event)
{
	struct dp_action action = {.kind = DP_DO_EMIT, .task = stage->task};

	action.event = event;
	action.event.seq = ++stage->seq;
	action.event.at_us = stage->wall_us;
	action.event.task = stage->task;
	stage->act(stage->act_arg, &action);
}

static void keep(struct dp_stage *stage, const char *node, json_t *data)
{
	stage->kept_bytes += dp_value_bytes(data);
	if (stage->kept_bytes <= DEPLOY_MAX_KEPT_BYTES)
		(void)json_object_set(stage->replies, node, data);
}

void dp_stage_settle(struct dp_stage *stage, struct deploy_tally *tally, const char *node,
	const struct deploy_outcome *outcome)
{
	deploy_tally_add(tally, node, outcome);
	dp_stage_emit(stage, (struct deploy_event){.type = DEPLOY_EVENT_OUTCOME,
				     .node = node,
				     .attempt = outcome->attempt,
				     .outcome = outcome});
	if (stage->replies && outcome->data)
		keep(stage, node, outcome->data);
}

void dp_stage_ignore(struct dp_stage *stage, struct deploy_tally *tally, enum deploy_ignored reason,
	const char *node, unsigned attempt, const char *text)
{
	if (++tally->ignored[reason] > MAX_TOLD)
		return;
	dp_stage_emit(stage, (struct deploy_event){.type = DEPLOY_EVENT_IGNORED,
				     .node = node,
				     .attempt = attempt,
				     .reason = reason,
				     .text = text});
}

bool dp_is_mute(const struct deploy_task *task)
{
	return task->request && task->request->wants_no_reply;
}

enum deploy_outcome_state dp_state_of_code(const struct deploy_policy *policy, int statuscode)
{
	for (unsigned i = 0; i < policy->ok_code_count; i++)
		if (policy->ok_codes[i] == statuscode)
			return DEPLOY_OUTCOME_OK;
	return statuscode == 0 ? DEPLOY_OUTCOME_OK : DEPLOY_OUTCOME_FAILED;
}

void dp_judge_answer(const struct deploy_task *task, const char *node,
	struct deploy_outcome *outcome, char *room, size_t size)
{
	const struct deploy_judge *judge = &task->judge;

	if (!judge->judge)
		return;
	*room = '\0';
	if (judge->judge(judge->arg, node, outcome, room, size)) {
		outcome->state = DEPLOY_OUTCOME_OK;
		return;
	}
	outcome->state = DEPLOY_OUTCOME_FAILED;
	outcome->message = room;
}
