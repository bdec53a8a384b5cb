/* From the moment when a task may begin to the one when all have learnt that it has ended. */
#include "run/runner_parts.h"

#include <stdlib.h>

#include "base/mem.h"

void dp_runner_adopt(struct dp_runner *runner, bool may_begin)
{
	size_t count = runner->plan->task_count;

	runner->parts = dp_grow(runner->parts, &runner->part_cap, count, sizeof(*runner->parts));
	dp_timers_extend(&runner->due, count);
	dp_timers_extend(&runner->wakes, count);
	for (; runner->part_count < count; runner->part_count++) {
		struct dp_part *part = dp_xcalloc(1, sizeof(*part));

		deploy_tally_init(&part->tally);
		dp_needs_add(&runner->needs, runner->plan->tasks[runner->part_count], may_begin);
		runner->parts[runner->part_count] = part;
	}
}

void dp_runner_touch(struct dp_runner *runner, size_t index)
{
	runner->touched = dp_grow(runner->touched, &runner->touched_cap, runner->touched_count + 1,
		sizeof(*runner->touched));
	runner->touched[runner->touched_count++] = index;
}

/* Let the director add tasks: what a task came to, or NULL if nothing is left to do. */
static void direct(struct dp_runner *runner, const struct deploy_task_result *ended)
{
	struct deploy_turn turn = {.ended = ended,
		.end = runner->end,
		.signal = runner->signal,
		.now_us = runner->stage.now_us};
	struct deploy_error err = {.code = DEPLOY_OK};
	const struct deploy_director *director = runner->director;

	if (!director || runner->is_leaving)
		return;
	if (director->direct(director->arg, runner->plan, &turn, &err))
		dp_runner_fail(runner, DEPLOY_RUN_FAILED, &err);
	dp_runner_adopt(runner, err.code == DEPLOY_OK);
}

/* The nodes of a task that is not open, without those that were dropped; the caller frees. */
static struct deploy_nodeset *resolve_nodes(
	const struct dp_runner *runner, const struct deploy_task *task, size_t *dropped)
{
	const struct deploy_nodeset *named =
		task->nodes ? task->nodes : runner->parts[task->nodes_from]->found;
	struct deploy_nodeset *nodes = named ? deploy_nodeset_copy(named) : deploy_nodeset_new();
	struct deploy_nodeset *without = deploy_nodeset_new();
	struct deploy_error ignored = {0};
	size_t at;

	if (task->exclude)
		deploy_nodeset_subtract(nodes, task->exclude);
	deploy_limit_apply(&task->limit, nodes);
	for (size_t i = 0; runner->dropped.count && i < deploy_nodeset_count(nodes); i++)
		if (dp_strset_find(&runner->dropped, deploy_nodeset_get(nodes, i), &at))
			(void)deploy_nodeset_add(without, deploy_nodeset_get(nodes, i), &ignored);
	*dropped = deploy_nodeset_count(without);
	if (*dropped)
		deploy_nodeset_subtract(nodes, without);
	deploy_nodeset_free(without);
	return nodes;
}

static void refuse_empty(struct dp_runner *runner, size_t index, size_t dropped)
{
	struct deploy_error err = {.code = DEPLOY_OK};

	if (dropped)
		(void)deploy_error_set(&err, DEPLOY_INPUT,
			"task %zu: no node is left, all %zu failed or were silent before",
			index + 1, dropped);
	dp_runner_fail(runner, DEPLOY_RUN_NO_NODES, &err);
	dp_needs_over(&runner->needs, index);
}

static void begin_task(struct dp_runner *runner, size_t index)
{
	const struct deploy_task *task = runner->plan->tasks[index];
	struct deploy_nodeset *nodes = NULL;
	size_t dropped = 0;

	if (task->nodes || task->nodes_from >= 0) {
		nodes = resolve_nodes(runner, task, &dropped);
		if (deploy_nodeset_count(nodes) == 0) {
			deploy_nodeset_free(nodes);
			refuse_empty(runner, index, dropped);
			return;
		}
	}
	runner->latest = (unsigned)index;
	runner->under_way++;
	runner->parts[index]->active = dp_active_begin(&runner->stage, (unsigned)index, task, nodes,
		!dropped, &runner->parts[index]->tally);
	dp_runner_touch(runner, index);
}

static void delay_task(struct dp_runner *runner, size_t index, long long delay_ms)
{
	runner->parts[index]->is_delayed = true;
	runner->delayed++;
	dp_timers_set(
		&runner->due, (uint32_t)index, runner->stage.now_us + delay_ms * INT64_C(1000));
}

/* Begin the next task whose turn it is; false if there is none. */
static bool begin_next(struct dp_runner *runner)
{
	size_t index;

	if (!dp_needs_next(&runner->needs, &index)) {
		if (runner->under_way || runner->delayed)
			return false;
		direct(runner, NULL);
		if (!dp_needs_next(&runner->needs, &index))
			return false;
	}
	if (runner->plan->tasks[index]->delay_ms > 0)
		delay_task(runner, index, runner->plan->tasks[index]->delay_ms);
	else
		begin_task(runner, index);
	return true;
}

static void drop(struct dp_runner *runner, const struct deploy_nodeset *set)
{
	for (size_t i = 0; i < deploy_nodeset_count(set); i++)
		(void)dp_strset_add(&runner->dropped, deploy_nodeset_get(set, i));
}

/* Hand a task that has ended to the director. */
static void report(struct dp_runner *runner, size_t index)
{
	const struct dp_part *part = runner->parts[index];
	const struct deploy_nodeset *asked = dp_active_nodes(part->active);
	struct deploy_nodeset *none, *ok;
	struct deploy_task_result result = {.task = index,
		.is_ok = dp_active_is_ok(part->active),
		.why = dp_active_why(part->active),
		.tally = &part->tally,
		.replies = dp_active_replies(part->active)};

	if (!runner->director)
		return;
	none = deploy_nodeset_new();
	result.nodes = part->found ? part->found : asked ? asked : none;
	ok = deploy_nodeset_copy(result.nodes);
	for (int state = DEPLOY_OUTCOME_OK + 1; state < DEPLOY_OUTCOME_STATES; state++)
		deploy_nodeset_subtract(ok, part->tally.set[state]);
	result.ok = ok;
	direct(runner, &result);
	deploy_nodeset_free(ok);
	deploy_nodeset_free(none);
}

/* An open task came to nothing, though it was not cut short. */
static void miss_nodes(struct dp_runner *runner, size_t index)
{
	if (!dp_active_was_sent(runner->parts[index]->active)) {
		dp_runner_leave(runner, DEPLOY_RUN_LOST, "the broker takes no publishes");
	} else if (runner->plan->tasks[index]->on_failure != DEPLOY_ON_FAILURE_CONTINUE) {
		dp_runner_end_as(runner, DEPLOY_RUN_NO_NODES);
		dp_runner_stop(runner, NULL);
	}
}

static void end_task(struct dp_runner *runner, size_t index)
{
	const struct deploy_task *task = runner->plan->tasks[index];
	struct dp_part *part = runner->parts[index];
	bool was_stopped = dp_active_was_stopped(part->active);

	part->found = dp_active_end(part->active, &runner->stage);
	runner->under_way--;
	dp_timers_clear(&runner->due, (uint32_t)index);
	dp_timers_clear(&runner->wakes, (uint32_t)index);
	if (task->on_failure == DEPLOY_ON_FAILURE_DROP_NODES) {
		drop(runner, part->tally.set[DEPLOY_OUTCOME_FAILED]);
		drop(runner, part->tally.set[DEPLOY_OUTCOME_SILENT]);
		drop(runner, part->tally.set[DEPLOY_OUTCOME_UNKNOWN]);
	}
	if (was_stopped && task->on_failure != DEPLOY_ON_FAILURE_CONTINUE) {
		dp_runner_end_as(runner, DEPLOY_RUN_STOPPED);
		dp_runner_stop(runner, NULL);
	}
	if (part->found && !was_stopped && !dp_active_is_ok(part->active))
		miss_nodes(runner, index);
	dp_needs_over(&runner->needs, index);
	report(runner, index);
	dp_active_free(part->active);
	part->active = NULL;
}

static void fail_of_size(struct dp_runner *runner, size_t index)
{
	struct deploy_error err = {.code = DEPLOY_OK};

	(void)deploy_error_set(&err, DEPLOY_INPUT,
		"task %zu: the answers to be kept for later steps take more than %d MiB; ask for "
		"less, or fewer nodes",
		index + 1, DEPLOY_MAX_KEPT_BYTES / 1024 / 1024);
	dp_runner_fail(runner, DEPLOY_RUN_FAILED, &err);
}

void dp_runner_look_after(struct dp_runner *runner, size_t index)
{
	if (runner->stage.kept_bytes > DEPLOY_MAX_KEPT_BYTES && !runner->is_stopping)
		fail_of_size(runner, index);
	if (dp_active_was_stopped(dp_runner_active(runner, index)) &&
		runner->plan->tasks[index]->on_failure != DEPLOY_ON_FAILURE_CONTINUE)
		dp_runner_stop(runner, NULL);
}

static void set_timer(struct dp_timers *timers, size_t index, int64_t at_us)
{
	if (at_us == DP_NEVER)
		dp_timers_clear(timers, (uint32_t)index);
	else
		dp_timers_set(timers, (uint32_t)index, at_us);
}

static void advance_task(struct dp_runner *runner, size_t index)
{
	struct dp_part *part = runner->parts[index];

	if (part->is_delayed) {
		part->is_delayed = false;
		runner->delayed--;
		dp_timers_clear(&runner->due, (uint32_t)index);
		begin_task(runner, index);
		return;
	}
	if (!part->active)
		return;
	dp_active_advance(part->active, &runner->stage);
	dp_runner_look_after(runner, index);
	if (dp_active_is_over(part->active)) {
		end_task(runner, index);
		return;
	}
	set_timer(&runner->due, index, dp_active_due_us(part->active));
	set_timer(&runner->wakes, index, dp_active_wake_us(part->active, runner->stage.now_us));
}

void dp_runner_advance(struct dp_runner *runner)
{
	do {
		for (size_t i = 0; i < runner->touched_count; i++)
			advance_task(runner, runner->touched[i]);
		runner->touched_count = 0;
	} while (begin_next(runner) || runner->touched_count);
	runner->is_done = !runner->under_way && !runner->delayed;
}
