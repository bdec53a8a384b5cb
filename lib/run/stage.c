/* Events get their number, time and task in one place. */
#include "run/stage.h"

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
