/* The chain of tasks: one on stage at a time, and what ends the whole run. */
#include "run/runner.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "run/acts.h"
#include "run/ask.h"
#include "run/discover.h"

struct dp_runner {
	const struct deploy_plan *plan;
	struct dp_stage stage;
	struct dp_discover *discover; /* the task on stage, if it is open */
	struct dp_ask *ask;	      /* … or if its nodes are known */
	struct deploy_tally *tally;   /* per task */
	struct deploy_nodeset **found;
	int64_t deadline_us, grace_us, wake_us;
	enum deploy_run_end end;
	int signal;
	bool is_done;
};

struct dp_runner *dp_runner_new(const struct deploy_plan *plan, dp_action_fn *act, void *arg)
{
	struct dp_runner *runner = dp_xcalloc(1, sizeof(*runner));

	runner->plan = plan;
	runner->stage.act = act;
	runner->stage.act_arg = arg;
	runner->tally = dp_xcalloc(plan->task_count, sizeof(*runner->tally));
	for (size_t i = 0; i < plan->task_count; i++)
		deploy_tally_init(&runner->tally[i]);
	runner->found = dp_xcalloc(plan->task_count, sizeof(*runner->found));
	runner->deadline_us = runner->grace_us = DP_NEVER;
	return runner;
}

void dp_runner_free(struct dp_runner *runner)
{
	struct deploy_run_result rest;

	if (!runner)
		return;
	dp_discover_free(runner->discover);
	dp_acts_free(runner->stage.acts);
	dp_ask_free(runner->ask);
	dp_runner_finish(runner, &rest);
	deploy_run_result_release(&rest);
	free(runner);
}

void dp_runner_tell_intents(struct dp_runner *runner)
{
	runner->stage.tells_intents = true;
}

void dp_runner_finish(struct dp_runner *runner, struct deploy_run_result *result)
{
	*result = (struct deploy_run_result){.end = runner->end,
		.signal = runner->signal,
		.task_count = runner->tally ? runner->plan->task_count : 0,
		.tally = runner->tally,
		.found = runner->found};
	runner->tally = NULL;
	runner->found = NULL;
}

void deploy_run_result_release(struct deploy_run_result *result)
{
	for (size_t i = 0; i < result->task_count; i++) {
		deploy_tally_release(&result->tally[i]);
		deploy_nodeset_free(result->found[i]);
	}
	free(result->tally);
	free(result->found);
	*result = (struct deploy_run_result){0};
}

static void end_run(struct dp_runner *runner, enum deploy_run_end end)
{
	runner->is_done = true;
	if (runner->end == DEPLOY_RUN_COMPLETE)
		runner->end = end;
}

/* The nodes of the task on stage; the caller frees. */
static struct deploy_nodeset *resolve_nodes(
	const struct dp_runner *runner, const struct deploy_task *task)
{
	struct deploy_nodeset *nodes =
		deploy_nodeset_copy(task->nodes ? task->nodes : runner->found[task->nodes_from]);

	if (task->exclude)
		deploy_nodeset_subtract(nodes, task->exclude);
	deploy_limit_apply(&task->limit, nodes);
	return nodes;
}

static const struct deploy_task *task_on_stage(const struct dp_runner *runner)
{
	return runner->plan->tasks[runner->stage.task];
}

static void begin_task(struct dp_runner *runner)
{
	const struct deploy_task *task = task_on_stage(runner);
	struct deploy_tally *tally = &runner->tally[runner->stage.task];
	struct deploy_nodeset *nodes;

	if (!task->nodes && task->nodes_from < 0) {
		runner->discover = dp_discover_new(task, tally);
		dp_discover_start(runner->discover, &runner->stage);
		return;
	}
	nodes = resolve_nodes(runner, task);
	if (deploy_nodeset_count(nodes) == 0) {
		deploy_nodeset_free(nodes);
		end_run(runner, DEPLOY_RUN_NO_NODES);
		return;
	}
	runner->ask = dp_ask_take_nodes(task, nodes, tally);
	if (task->act)
		runner->stage.acts =
			dp_acts_new(task, runner->ask, nodes, tally, runner->stage.now_us);
	dp_ask_start(runner->ask, &runner->stage);
}

static void next_task(struct dp_runner *runner)
{
	if (runner->is_done)
		return;
	if (runner->stage.task + 1 == runner->plan->task_count) {
		end_run(runner, DEPLOY_RUN_COMPLETE);
		return;
	}
	runner->stage.task++;
	begin_task(runner);
}

static void end_discovery(struct dp_runner *runner)
{
	struct deploy_nodeset *nodes = dp_discover_take_nodes(runner->discover);
	size_t count = deploy_nodeset_count(nodes);
	bool was_sent = dp_discover_was_sent(runner->discover);

	dp_discover_free(runner->discover);
	runner->discover = NULL;
	runner->found[runner->stage.task] = nodes;
	dp_stage_emit(&runner->stage,
		(struct deploy_event){.type = DEPLOY_EVENT_TASK_ENDED, .count = count});
	if (!was_sent)
		end_run(runner, DEPLOY_RUN_LOST);
	else if (count == 0 && !dp_is_mute(task_on_stage(runner)))
		end_run(runner, DEPLOY_RUN_NO_NODES);
	next_task(runner);
}

static void end_ask(struct dp_runner *runner)
{
	bool was_stopped = dp_ask_was_stopped(runner->ask);

	dp_ask_end(runner->ask, &runner->stage);
	if (runner->stage.acts)
		dp_acts_end(runner->stage.acts, &runner->stage);
	dp_acts_free(runner->stage.acts);
	runner->stage.acts = NULL;
	dp_ask_free(runner->ask);
	runner->ask = NULL;
	if (was_stopped)
		end_run(runner, DEPLOY_RUN_STOPPED);
	next_task(runner);
}

/* Let go of everything now: nodes in flight are unknown. */
static void abandon(struct dp_runner *runner, enum deploy_run_end end, const char *why)
{
	if (runner->is_done)
		return;
	if (runner->end == DEPLOY_RUN_COMPLETE)
		runner->end = end;
	if (runner->ask) {
		dp_ask_abandon(runner->ask, &runner->stage, why);
		return;
	}
	runner->is_done = true;
	if (runner->discover)
		end_discovery(runner);
}

static void take_signal(struct dp_runner *runner, int signal)
{
	if (runner->is_done)
		return;
	if (runner->signal) {
		abandon(runner, DEPLOY_RUN_INTERRUPTED, "interrupted before it answered");
		return;
	}
	runner->signal = signal;
	if (runner->end == DEPLOY_RUN_COMPLETE)
		runner->end = DEPLOY_RUN_INTERRUPTED;
	if (runner->discover) {
		runner->is_done = true;
		end_discovery(runner);
		return;
	}
	dp_ask_stop(runner->ask, &runner->stage, "interrupted");
	runner->grace_us = runner->stage.now_us + DP_GRACE_US;
	if (runner->stage.acts)
		dp_acts_stop(runner->stage.acts, &runner->stage);
	/*
	 * Nodes answer through the same broker, so a blocked one brings no replies to wait for; an
	 * act may have to undo something as soon as that is possible.
	 */
	else if (runner->stage.is_blocked)
		abandon(runner, DEPLOY_RUN_INTERRUPTED, "interrupted before it answered");
}

/* Of a task that may not be the one on stage. */
static void ignore_reply(struct dp_runner *runner, const struct dp_input *input,
	enum deploy_ignored reason, const char *why)
{
	unsigned on_stage = runner->stage.task;

	runner->stage.task = input->task;
	dp_stage_ignore(&runner->stage, &runner->tally[input->task], reason, input->reply->sender,
		runner->plan->tasks[input->task]->act ? 0 : input->attempt, why);
	runner->stage.task = on_stage;
}

static void take_reply(struct dp_runner *runner, const struct dp_input *input)
{
	unsigned on_stage = runner->stage.task;
	const struct deploy_task *task = runner->plan->tasks[input->task];

	if (dp_is_mute(task)) {
		ignore_reply(runner, input, DEPLOY_IGNORED_UNEXPECTED, "no reply was asked for");
	} else if (input->task == on_stage && runner->discover) {
		dp_discover_reply(runner->discover, &runner->stage, input->reply);
	} else if (input->task == on_stage && runner->stage.acts) {
		dp_acts_reply(runner->stage.acts, &runner->stage, input);
	} else if (input->task == on_stage && runner->ask) {
		dp_ask_reply(runner->ask, &runner->stage, input->attempt, input->reply);
	} else {
		ignore_reply(runner, input, DEPLOY_IGNORED_LATE, "its task has ended");
	}
}

static void set_blocked(struct dp_runner *runner, bool is_blocked, const char *why)
{
	if (runner->stage.is_blocked == is_blocked)
		return;
	runner->stage.is_blocked = is_blocked;
	dp_stage_emit(&runner->stage,
		(struct deploy_event){
			.type = is_blocked ? DEPLOY_EVENT_BLOCKED : DEPLOY_EVENT_UNBLOCKED,
			.text = why});
}

static void take(struct dp_runner *runner, const struct dp_input *input)
{
	bool is_current = input->task == runner->stage.task;
	struct dp_acts *acts = runner->stage.acts;

	switch (input->kind) {
	case DP_IN_START:
		if (runner->plan->deadline_ms)
			runner->deadline_us =
				runner->stage.now_us + runner->plan->deadline_ms * 1000;
		begin_task(runner);
		break;
	case DP_IN_TICK:
		break;
	case DP_IN_SENT:
		if (is_current && runner->discover)
			dp_discover_sent(runner->discover, &runner->stage);
		else if (is_current && acts)
			dp_acts_sent(acts, &runner->stage, input);
		else if (is_current && runner->ask)
			dp_ask_sent(runner->ask, &runner->stage, input);
		break;
	case DP_IN_REPLY:
		take_reply(runner, input);
		break;
	case DP_IN_RESPONSE:
		if (is_current && acts)
			dp_acts_response(acts, &runner->stage, input);
		break;
	case DP_IN_RETURNED:
		if (is_current && acts)
			dp_acts_returned(acts, &runner->stage, input);
		else if (is_current && runner->ask)
			dp_ask_returned(runner->ask, &runner->stage, input->attempt, input->sender);
		break;
	case DP_IN_REJECTED:
		dp_stage_ignore(&runner->stage, &runner->tally[runner->stage.task],
			DEPLOY_IGNORED_REJECTED, input->sender, 0, input->text);
		break;
	case DP_IN_SIGNAL:
		take_signal(runner, input->signal);
		break;
	case DP_IN_PROGRESS:
		if (runner->ask)
			dp_ask_tell_progress(runner->ask, &runner->stage);
		break;
	case DP_IN_BLOCKED:
		set_blocked(runner, true, input->text);
		break;
	case DP_IN_UNBLOCKED:
		set_blocked(runner, false, NULL);
		break;
	case DP_IN_LOST:
		abandon(runner, DEPLOY_RUN_LOST, "the connection to the broker ended first");
		break;
	case DP_IN_UNRECORDED:
		abandon(runner, DEPLOY_RUN_UNRECORDED, "the run could not be recorded any more");
		break;
	}
}

/* What an act comes to lets the ask go on, which has other nodes begin. */
static void advance_ask(struct dp_runner *runner)
{
	struct dp_acts *acts = runner->stage.acts;

	do
		dp_ask_advance(runner->ask, &runner->stage);
	while (acts && !dp_ask_is_over(runner->ask) && dp_acts_advance(acts, &runner->stage));
	if (acts && !dp_ask_is_over(runner->ask))
		dp_acts_flush(acts, &runner->stage);
}

/* Carry on until nothing is due: a task that ends lets the next one begin in the same step. */
static void advance(struct dp_runner *runner)
{
	int64_t now_us = runner->stage.now_us;

	if (now_us >= runner->deadline_us && !runner->is_done) {
		runner->deadline_us = DP_NEVER;
		abandon(runner, DEPLOY_RUN_DEADLINE, "the deadline of the run passed first");
	}
	if (now_us >= runner->grace_us && runner->ask) {
		runner->grace_us = DP_NEVER;
		dp_ask_abandon(runner->ask, &runner->stage, "interrupted before it answered");
	}
	while (runner->ask || runner->discover) {
		if (runner->discover) {
			if (!runner->stage.may_expire ||
				!dp_discover_is_over(runner->discover, &runner->stage))
				break;
			end_discovery(runner);
			continue;
		}
		advance_ask(runner);
		if (!dp_ask_is_over(runner->ask))
			break;
		end_ask(runner);
	}
}

static int64_t earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static int64_t next_wake(struct dp_runner *runner)
{
	int64_t wake = earlier(runner->deadline_us, runner->grace_us);

	if (runner->is_done)
		return DP_NEVER;
	if (runner->discover)
		wake = earlier(wake, dp_discover_wake_us(runner->discover));
	if (runner->ask)
		wake = earlier(wake, dp_ask_wake_us(runner->ask, runner->stage.now_us));
	if (runner->stage.acts)
		wake = earlier(wake, dp_acts_wake_us(runner->stage.acts));
	return wake > runner->stage.now_us ? wake : runner->stage.now_us;
}

void dp_runner_step(
	struct dp_runner *runner, int64_t now_us, int64_t wall_us, const struct dp_input *input)
{
	runner->stage.now_us = now_us;
	runner->stage.wall_us = wall_us;
	/* Replies may wait unread behind any other input, longer than their nodes were given. */
	runner->stage.may_expire = input->kind == DP_IN_TICK;
	runner->stage.is_confirmed = input->is_confirmed;
	take(runner, input);
	advance(runner);
	runner->wake_us = next_wake(runner);
}

bool dp_runner_is_done(const struct dp_runner *runner)
{
	return runner->is_done;
}

int64_t dp_runner_wake_us(const struct dp_runner *runner)
{
	return runner->wake_us;
}
