/* Puts its task on stage before anything is done for it. */
#include "run/active.h"

#include <stdlib.h>

#include "base/mem.h"
#include "run/acts.h"
#include "run/ask.h"
#include "run/chore.h"
#include "run/discover.h"

struct dp_active {
	const struct deploy_task *task;
	unsigned index;
	struct deploy_tally *tally;
	struct dp_chore *chore;	      /* if the task asks no node */
	struct dp_discover *discover; /* … or if it is open */
	struct dp_ask *ask;	      /* … or if its nodes are known */
	struct dp_acts *acts;	      /* … and more than one request is made to each */
	const struct deploy_nodeset *nodes;
	json_t *replies;
	bool is_cut; /* discovery ends, whoever else may answer */
	bool is_over;
	bool is_ok; /* at its end */
};

static void enter(const struct dp_active *active, struct dp_stage *stage)
{
	stage->task = active->index;
	stage->acts = active->acts;
	stage->replies = active->replies;
}

struct dp_active *dp_active_begin(struct dp_stage *stage, unsigned index,
	const struct deploy_task *task, struct deploy_nodeset *nodes, bool whole,
	struct deploy_tally *tally)
{
	struct dp_active *active = dp_xcalloc(1, sizeof(*active));

	active->task = task;
	active->index = index;
	active->tally = tally;
	active->nodes = nodes;
	active->replies = task->keeps_replies ? json_object() : NULL;
	if (task->chore)
		active->chore = dp_chore_new(task);
	else if (nodes)
		active->ask = dp_ask_take_nodes(task, nodes, whole, tally);
	else
		active->discover = dp_discover_new(task, tally);
	if (task->act)
		active->acts = dp_acts_new(task, active->ask, nodes, tally, stage->now_us);
	enter(active, stage);
	if (active->chore)
		dp_chore_start(active->chore, stage);
	else if (active->discover)
		dp_discover_start(active->discover, stage);
	else
		dp_ask_start(active->ask, stage);
	return active;
}

void dp_active_free(struct dp_active *active)
{
	if (!active)
		return;
	dp_chore_free(active->chore);
	dp_discover_free(active->discover);
	dp_acts_free(active->acts);
	dp_ask_free(active->ask);
	json_decref(active->replies);
	free(active);
}

static void take_reply(
	struct dp_active *active, struct dp_stage *stage, const struct dp_input *input)
{
	if (dp_is_mute(active->task))
		dp_stage_ignore(stage, active->tally, DEPLOY_IGNORED_UNEXPECTED,
			input->reply->sender, input->attempt, "no reply was asked for");
	else if (active->discover)
		dp_discover_reply(active->discover, stage, input->reply);
	else if (active->acts)
		dp_acts_reply(active->acts, stage, input);
	else
		dp_ask_reply(active->ask, stage, input->attempt, input->reply);
}

static void take_sent(
	struct dp_active *active, struct dp_stage *stage, const struct dp_input *input)
{
	if (active->discover)
		dp_discover_sent(active->discover, stage);
	else if (active->acts)
		dp_acts_sent(active->acts, stage, input);
	else
		dp_ask_sent(active->ask, stage, input);
}

void dp_active_take(struct dp_active *active, struct dp_stage *stage, const struct dp_input *input)
{
	enter(active, stage);
	if (active->chore)
		dp_chore_take(active->chore, input);
	else if (input->kind == DP_IN_SENT)
		take_sent(active, stage, input);
	else if (input->kind == DP_IN_REPLY)
		take_reply(active, stage, input);
	else if (input->kind == DP_IN_RESPONSE && active->acts)
		dp_acts_response(active->acts, stage, input);
	else if (input->kind == DP_IN_RETURNED && active->acts)
		dp_acts_returned(active->acts, stage, input);
	else if (input->kind == DP_IN_RETURNED && active->ask)
		dp_ask_returned(active->ask, stage, input->attempt, input->sender);
}

void dp_active_tell_progress(struct dp_active *active, struct dp_stage *stage)
{
	enter(active, stage);
	if (active->ask)
		dp_ask_tell_progress(active->ask, stage);
}

/* What an act comes to lets the ask go on, which has other nodes begin. */
static void advance_ask(struct dp_active *active, struct dp_stage *stage)
{
	struct dp_acts *acts = active->acts;

	do
		dp_ask_advance(active->ask, stage);
	while (acts && !dp_ask_is_over(active->ask) && dp_acts_advance(acts, stage));
	active->is_over = dp_ask_is_over(active->ask);
	if (acts && !active->is_over)
		dp_acts_flush(acts, stage);
}

static void advance_chore(struct dp_active *active, const struct dp_stage *stage)
{
	dp_chore_advance(active->chore, stage);
	active->is_over = dp_chore_is_over(active->chore);
}

void dp_active_advance(struct dp_active *active, struct dp_stage *stage)
{
	enter(active, stage);
	if (active->chore)
		advance_chore(active, stage);
	else if (active->ask)
		advance_ask(active, stage);
	else
		active->is_over =
			active->is_cut ||
			(stage->may_expire && dp_discover_is_over(active->discover, stage));
}

/* Nothing of it is in flight that would be worth waiting for. */
static bool stop_chore(struct dp_active *active, struct dp_stage *stage, const char *why)
{
	if (dp_chore_is_over(active->chore))
		return false;
	if (why)
		dp_stage_emit(
			stage, (struct deploy_event){.type = DEPLOY_EVENT_STOPPED, .text = why});
	dp_chore_cut(active->chore, why ? why : "the run stopped");
	return true;
}

bool dp_active_stop(struct dp_active *active, struct dp_stage *stage, const char *why)
{
	enter(active, stage);
	if (active->chore)
		return stop_chore(active, stage, why);
	if (dp_active_was_stopped(active))
		return false;
	active->is_cut = true;
	if (active->ask)
		dp_ask_stop(active->ask, stage, why);
	return active->ask;
}

/*
 * Nodes answer through the same broker, so a blocked one brings no replies to wait for; an act may
 * have to undo something as soon as that is possible.
 */
void dp_active_interrupt(struct dp_active *active, struct dp_stage *stage, const char *why)
{
	enter(active, stage);
	if (active->acts)
		dp_acts_stop(active->acts, stage);
	else if (stage->is_blocked)
		dp_active_abandon(active, stage, why);
}

void dp_active_abandon(struct dp_active *active, struct dp_stage *stage, const char *why)
{
	enter(active, stage);
	active->is_cut = true;
	if (active->chore)
		dp_chore_cut(active->chore, why);
	if (active->ask)
		dp_ask_abandon(active->ask, stage, why);
}

bool dp_active_is_over(const struct dp_active *active)
{
	return active->is_over;
}

bool dp_active_was_stopped(const struct dp_active *active)
{
	/* What a chore came to stops nothing. */
	if (active->chore)
		return false;
	return active->ask ? dp_ask_was_stopped(active->ask) : active->is_cut;
}

bool dp_active_was_sent(const struct dp_active *active)
{
	return !active->discover || active->is_cut || dp_discover_was_sent(active->discover);
}

static struct deploy_nodeset *end_discovery(struct dp_active *active, struct dp_stage *stage)
{
	struct deploy_nodeset *found = dp_discover_take_nodes(active->discover);
	struct dp_action withdraw = {.kind = DP_DO_WITHDRAW, .task = stage->task};

	active->is_ok = !active->is_cut && dp_active_was_sent(active) &&
			(deploy_nodeset_count(found) || dp_is_mute(active->task));
	stage->act(stage->act_arg, &withdraw);
	dp_stage_emit(stage, (struct deploy_event){.type = DEPLOY_EVENT_TASK_ENDED,
				     .count = deploy_nodeset_count(found),
				     .is_ok = active->is_ok});
	return found;
}

struct deploy_nodeset *dp_active_end(struct dp_active *active, struct dp_stage *stage)
{
	enter(active, stage);
	if (active->discover)
		return end_discovery(active, stage);
	if (active->chore) {
		active->is_ok = dp_chore_is_ok(active->chore);
		dp_chore_end(active->chore, stage);
		return NULL;
	}
	active->is_ok = !dp_ask_was_stopped(active->ask);
	dp_ask_end(active->ask, stage);
	if (active->acts)
		dp_acts_end(active->acts, stage);
	return NULL;
}

bool dp_active_is_ok(const struct dp_active *active)
{
	return active->is_ok;
}

const char *dp_active_why(const struct dp_active *active)
{
	return active->chore ? dp_chore_why(active->chore) : NULL;
}

const struct deploy_nodeset *dp_active_nodes(const struct dp_active *active)
{
	return active->nodes;
}

json_t *dp_active_replies(const struct dp_active *active)
{
	return active->replies;
}

int64_t dp_active_due_us(struct dp_active *active)
{
	if (active->chore)
		return dp_chore_due_us(active->chore);
	return active->ask ? dp_ask_due_us(active->ask) : DP_NEVER;
}

int64_t dp_active_wake_us(struct dp_active *active, int64_t now_us)
{
	int64_t wake_us, acts_us;

	if (active->chore)
		return dp_chore_wake_us(active->chore);
	if (active->discover)
		return dp_discover_wake_us(active->discover);
	wake_us = dp_ask_wake_us(active->ask, now_us);
	acts_us = active->acts ? dp_acts_wake_us(active->acts) : DP_NEVER;
	return acts_us < wake_us ? acts_us : wake_us;
}
