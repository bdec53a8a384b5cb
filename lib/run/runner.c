/* What comes in: which task it is for, and what it means for the whole run. */
#include "run/runner_parts.h"

#include <stdlib.h>

#include "base/mem.h"

struct dp_runner *dp_runner_new(struct deploy_plan *plan, dp_action_fn *act, void *arg)
{
	struct dp_runner *runner = dp_xcalloc(1, sizeof(*runner));

	runner->plan = plan;
	runner->stage.act = act;
	runner->stage.act_arg = arg;
	dp_timers_init(&runner->due, 0);
	dp_timers_init(&runner->wakes, 0);
	dp_strset_init(&runner->dropped);
	runner->deadline_us = runner->grace_us = runner->cleanup_us = DP_NEVER;
	return runner;
}

void dp_runner_free(struct dp_runner *runner)
{
	struct deploy_run_result rest;

	if (!runner)
		return;
	dp_runner_finish(runner, &rest);
	deploy_run_result_release(&rest);
	dp_needs_release(&runner->needs);
	dp_timers_release(&runner->due);
	dp_timers_release(&runner->wakes);
	dp_strset_release(&runner->dropped);
	free(runner->touched);
	free(runner);
}

void dp_runner_set_director(struct dp_runner *runner, const struct deploy_director *director)
{
	runner->director = director;
}

void dp_runner_tell_intents(struct dp_runner *runner)
{
	runner->stage.tells_intents = true;
}

const struct deploy_error *dp_runner_error(const struct dp_runner *runner)
{
	return &runner->err;
}

void dp_runner_finish(struct dp_runner *runner, struct deploy_run_result *result)
{
	size_t count = runner->part_count;

	*result = (struct deploy_run_result){
		.end = runner->end, .signal = runner->signal, .task_count = count};
	result->tally = count ? dp_xcalloc(count, sizeof(*result->tally)) : NULL;
	result->found = count ? dp_xcalloc(count, sizeof(*result->found)) : NULL;
	for (size_t i = 0; i < count; i++) {
		result->tally[i] = runner->parts[i]->tally;
		result->found[i] = runner->parts[i]->found;
		dp_active_free(runner->parts[i]->active);
		free(runner->parts[i]);
	}
	free(runner->parts);
	runner->parts = NULL;
	runner->part_count = runner->part_cap = 0;
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

struct dp_active *dp_runner_active(const struct dp_runner *runner, size_t index)
{
	return index < runner->part_count ? runner->parts[index]->active : NULL;
}

struct dp_active *dp_runner_ordinary(const struct dp_runner *runner, size_t index)
{
	return runner->plan->tasks[index]->is_always ? NULL : dp_runner_active(runner, index);
}

/* Have those advanced whose time has come, each once: the first by time, then by place. */
static void touch_due(struct dp_runner *runner, struct dp_timers *timers)
{
	uint32_t index;
	int64_t at_us;

	while (dp_timers_first(timers, &index, &at_us) && at_us <= runner->stage.now_us) {
		dp_timers_clear(timers, index);
		dp_runner_touch(runner, index);
	}
}

static void keep_limits(struct dp_runner *runner)
{
	int64_t now_us = runner->stage.now_us;

	if (now_us >= runner->deadline_us) {
		runner->deadline_us = DP_NEVER;
		dp_runner_end_as(runner, DEPLOY_RUN_DEADLINE);
		dp_runner_stop(runner, NULL);
		dp_runner_abandon(runner, true, "the deadline of the run passed first");
		if (runner->cleanup_us == DP_NEVER)
			runner->cleanup_us = now_us + DP_CLEANUP_US;
	}
	if (now_us >= runner->grace_us) {
		runner->grace_us = DP_NEVER;
		dp_runner_abandon(runner, false, "interrupted before it answered");
	}
	if (now_us >= runner->cleanup_us)
		dp_runner_leave(
			runner, runner->end, "the time for cleanup was over before it answered");
}

static void take_signal(struct dp_runner *runner, int signal)
{
	static const char why[] = "interrupted before it answered";

	if (runner->signal) {
		dp_runner_leave(runner, DEPLOY_RUN_INTERRUPTED, why);
		return;
	}
	runner->signal = signal;
	dp_runner_end_as(runner, DEPLOY_RUN_INTERRUPTED);
	dp_runner_stop(runner, "interrupted");
	runner->grace_us = runner->stage.now_us + DP_GRACE_US;
	runner->cleanup_us = runner->grace_us + DP_CLEANUP_US;
	for (size_t i = 0; i < runner->part_count; i++) {
		struct dp_active *active = dp_runner_ordinary(runner, i);

		if (!active)
			continue;
		dp_active_interrupt(active, &runner->stage, why);
		dp_runner_touch(runner, i);
	}
}

/* What is for one task: it may have ended. */
static void take_for_task(struct dp_runner *runner, const struct dp_input *input)
{
	struct dp_active *active = dp_runner_active(runner, input->task);
	const struct deploy_task *task;

	if (active) {
		dp_active_take(active, &runner->stage, input);
		dp_runner_look_after(runner, input->task);
		dp_runner_touch(runner, input->task);
		return;
	}
	if (input->kind != DP_IN_REPLY || input->task >= runner->part_count)
		return;
	task = runner->plan->tasks[input->task];
	runner->stage.task = input->task;
	dp_stage_ignore(&runner->stage, &runner->parts[input->task]->tally,
		dp_is_mute(task) ? DEPLOY_IGNORED_UNEXPECTED : DEPLOY_IGNORED_LATE,
		input->reply->sender, task->act ? 0 : input->attempt,
		dp_is_mute(task) ? "no reply was asked for" : "its task has ended");
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
	/* What is about no task is told of the one that began last. */
	runner->stage.task = runner->latest;
	switch (input->kind) {
	case DP_IN_START:
		if (runner->plan->deadline_ms)
			runner->deadline_us =
				runner->stage.now_us + runner->plan->deadline_ms * 1000;
		dp_runner_adopt(runner, true);
		break;
	case DP_IN_TICK:
		break;
	case DP_IN_SENT:
	case DP_IN_REPLY:
	case DP_IN_RESPONSE:
	case DP_IN_ANSWER:
	case DP_IN_RETURNED:
		take_for_task(runner, input);
		break;
	case DP_IN_REJECTED:
		if (runner->part_count)
			dp_stage_ignore(&runner->stage, &runner->parts[runner->latest]->tally,
				DEPLOY_IGNORED_REJECTED, input->sender, 0, input->text);
		break;
	case DP_IN_SIGNAL:
		take_signal(runner, input->signal);
		break;
	case DP_IN_PROGRESS:
		for (size_t i = 0; i < runner->part_count; i++)
			if (dp_runner_active(runner, i))
				dp_active_tell_progress(
					dp_runner_active(runner, i), &runner->stage);
		break;
	case DP_IN_BLOCKED:
		set_blocked(runner, true, input->text);
		break;
	case DP_IN_UNBLOCKED:
		set_blocked(runner, false, NULL);
		break;
	case DP_IN_LOST:
		dp_runner_leave(
			runner, DEPLOY_RUN_LOST, "the connection to the broker ended first");
		break;
	case DP_IN_UNRECORDED:
		dp_runner_leave(
			runner, DEPLOY_RUN_UNRECORDED, "the run could not be recorded any more");
		break;
	}
}

static int64_t next_wake(const struct dp_runner *runner)
{
	const int64_t limits[] = {runner->deadline_us, runner->grace_us, runner->cleanup_us};
	int64_t wake_us = DP_NEVER, at_us;
	uint32_t index;

	if (runner->is_done)
		return DP_NEVER;
	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++)
		if (limits[i] < wake_us)
			wake_us = limits[i];
	if (dp_timers_first(&runner->due, &index, &at_us) && at_us < wake_us)
		wake_us = at_us;
	if (dp_timers_first(&runner->wakes, &index, &at_us) && at_us < wake_us)
		wake_us = at_us;
	return wake_us > runner->stage.now_us ? wake_us : runner->stage.now_us;
}

void dp_runner_step(
	struct dp_runner *runner, int64_t now_us, int64_t wall_us, const struct dp_input *input)
{
	if (runner->is_done)
		return;
	runner->stage.now_us = now_us;
	runner->stage.wall_us = wall_us;
	/* Replies may wait unread behind any other input, longer than their nodes were given. */
	runner->stage.may_expire = input->kind == DP_IN_TICK;
	runner->stage.is_confirmed = input->is_confirmed;
	take(runner, input);
	keep_limits(runner);
	touch_due(runner, &runner->due);
	if (runner->stage.may_expire)
		touch_due(runner, &runner->wakes);
	dp_runner_advance(runner);
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
