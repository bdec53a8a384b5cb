/* What ends the whole run: nothing new begins, or everything is let go of. */
#include "run/runner_parts.h"

void dp_runner_end_as(struct dp_runner *runner, enum deploy_run_end end)
{
	if (runner->end == DEPLOY_RUN_COMPLETE)
		runner->end = end;
}

/* A task that may not begin after all, for all that waited for it. */
static void forget_delayed(struct dp_runner *runner, bool is_leaving)
{
	for (size_t i = 0; i < runner->part_count && runner->delayed; i++) {
		struct dp_part *part = runner->parts[i];

		if (!part->is_delayed || (runner->plan->tasks[i]->is_always && !is_leaving))
			continue;
		part->is_delayed = false;
		runner->delayed--;
		dp_timers_clear(&runner->due, (uint32_t)i);
		dp_needs_over(&runner->needs, i);
	}
}

void dp_runner_stop(struct dp_runner *runner, const char *why)
{
	if (runner->is_stopping)
		return;
	runner->is_stopping = true;
	dp_needs_shut(&runner->needs, false);
	forget_delayed(runner, false);
	for (size_t i = 0; i < runner->part_count; i++) {
		struct dp_active *active = dp_runner_ordinary(runner, i);

		if (!active)
			continue;
		/* It is told once. */
		if (dp_active_stop(active, &runner->stage, why))
			why = NULL;
		dp_runner_touch(runner, i);
	}
}

void dp_runner_abandon(struct dp_runner *runner, bool cleanup_too, const char *why)
{
	for (size_t i = 0; i < runner->part_count; i++) {
		struct dp_active *active =
			cleanup_too ? dp_runner_active(runner, i) : dp_runner_ordinary(runner, i);

		if (!active)
			continue;
		dp_active_abandon(active, &runner->stage, why);
		dp_runner_touch(runner, i);
	}
}

void dp_runner_leave(struct dp_runner *runner, enum deploy_run_end end, const char *why)
{
	dp_runner_end_as(runner, end);
	runner->is_stopping = runner->is_leaving = true;
	dp_needs_shut(&runner->needs, true);
	forget_delayed(runner, true);
	dp_runner_abandon(runner, true, why);
}

void dp_runner_fail(
	struct dp_runner *runner, enum deploy_run_end end, const struct deploy_error *err)
{
	if (runner->err.code == DEPLOY_OK)
		runner->err = *err;
	dp_runner_end_as(runner, end);
	dp_runner_stop(runner, NULL);
}
