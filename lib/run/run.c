/* A run from its plan to what it came to, on a connection that was opened before. */
#include "deploy/run.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "deploy/lock.h"
#include "run/check.h"
#include "run/loop.h"
#include "run/stage.h"
#include "wire/transport.h"

struct deploy_bus {
	struct dp_transport *transport;
};

int deploy_bus_open(struct deploy_bus **out, const struct deploy_config *config,
	const char *collective, struct deploy_error *err)
{
	struct dp_transport *transport = NULL;
	int rc = dp_transport_open(&transport, config, collective, err);

	if (rc)
		return rc;
	*out = dp_xcalloc(1, sizeof(**out));
	(*out)->transport = transport;
	return 0;
}

void deploy_bus_close(struct deploy_bus *bus)
{
	if (!bus)
		return;
	dp_transport_close(bus->transport);
	free(bus);
}

void deploy_bus_interrupt(void)
{
	dp_transport_interrupt();
}

int deploy_bus_lock(struct deploy_bus *bus, const char *name, struct deploy_error *err)
{
	if (deploy_lock_check(name, err))
		return err->code;
	return dp_transport_lock(bus->transport, name, err);
}

/* What a director adds must be as good as what the plan began with. */
static int direct(void *arg, struct deploy_plan *plan, const struct deploy_turn *turn,
	struct deploy_error *err)
{
	const struct dp_loop *loop = arg;
	const struct deploy_director *director = loop->options->director;
	size_t from = plan->task_count;

	if (director->direct(director->arg, plan, turn, err))
		return err->code;
	return dp_check_tasks(plan, from, loop->transport, err);
}

static int check(const struct deploy_plan *plan, const struct deploy_run_options *options,
	bool has_bus, struct deploy_error *err)
{
	if (plan->task_count == 0 && !options->director)
		return deploy_error_set(err, DEPLOY_USAGE, "the plan has no task");
	return dp_check_tasks(plan, 0, has_bus, err);
}

static bool has_asked(const struct deploy_run_result *result)
{
	for (size_t i = 0; i < result->task_count; i++)
		if (result->tally[i].nodes)
			return true;
	return false;
}

/* Why the run ended before its plan did, unless a part of it has said so. */
static void explain(const struct dp_loop *loop, const struct deploy_run_result *result,
	struct deploy_error *err)
{
	const struct deploy_error *why = dp_runner_error(loop->runner);

	if (err->code == DEPLOY_OK && why->code)
		*err = *why;
	if (err->code == DEPLOY_OK && result->end == DEPLOY_RUN_LOST && has_asked(result))
		(void)deploy_error_set(err, DEPLOY_CONNECT,
			"%s: the broker takes no publishes any more; the plan was left",
			dp_transport_peer(loop->transport));
	if (err->code == DEPLOY_OK && result->end == DEPLOY_RUN_LOST)
		(void)deploy_error_set(err, DEPLOY_CONNECT,
			dp_is_mute(loop->plan->tasks[0])
				? "%s: the broker did not say that it has the request; who acts on "
				  "it is unknown"
				: "%s: the broker takes no publishes; nothing was asked",
			dp_transport_peer(loop->transport));
}

int deploy_run(struct deploy_run_result *result, struct deploy_bus *bus, struct deploy_plan *plan,
	const struct deploy_run_options *options, struct deploy_error *err)
{
	struct dp_loop loop = {
		.transport = bus ? bus->transport : NULL, .plan = plan, .options = options};
	const struct deploy_director director = {.direct = direct, .arg = &loop};

	*result = (struct deploy_run_result){0};
	if (check(plan, options, bus != NULL, err))
		return err->code;
	loop.runner = dp_runner_new(plan, dp_loop_act, &loop);
	loop.outbox = bus ? dp_outbox_new(bus->transport, plan) : NULL;
	loop.fetches = dp_fetches_new();
	loop.questions = dp_questions_new(options);
	if (options->director)
		dp_runner_set_director(loop.runner, &director);
	if (options->wants_intents)
		dp_runner_tell_intents(loop.runner);
	loop.can_write = true;
	loop.drained_us = dp_clock_us();
	dp_loop_run(&loop, err);
	dp_runner_finish(loop.runner, result);
	explain(&loop, result, err);
	dp_runner_free(loop.runner);
	dp_outbox_free(loop.outbox);
	dp_fetches_free(loop.fetches);
	dp_questions_free(loop.questions);
	free(loop.notices.items);
	return err->code;
}
