/*
 * Publishes messages to topics of the lab's broker, and then asks who is there on the same
 * connection: announce TOPIC TEXT [TOPIC TEXT]... Reads the configuration that $DEPLOYCTL_CONFIG
 * names. Says "taken", or why not, for each, and "N nodes"; an error goes to stderr, with status 1.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "deploy/deploy.h"

static void take_event(void *arg, const struct deploy_event *event)
{
	const struct deploy_plan *plan = arg;

	if (event->type != DEPLOY_EVENT_TASK_ENDED)
		return;
	if (plan->tasks[event->task]->chore)
		(void)printf("%s\n", event->is_ok ? "taken" : event->text);
	else
		(void)printf("%zu nodes\n", event->count);
}

static int announce(char **words, struct deploy_plan *plan, struct deploy_error *err)
{
	const struct deploy_config_options where = {.path = getenv("DEPLOYCTL_CONFIG")};
	const struct deploy_run_options options = {
		.signal_fd = -1, .sink = take_event, .sink_arg = plan};
	struct deploy_request *ping = deploy_request_ping();
	struct deploy_run_result result = {.task_count = 0};
	struct deploy_config *config = NULL;
	struct deploy_bus *bus = NULL;
	struct deploy_task *task;

	for (; words[0] && words[1]; words += 2) {
		task = deploy_plan_take_chore(plan, DEPLOY_CHORE_PUBLISH);
		task->text = dp_xstrdup(words[0]);
		task->body = dp_xstrdup(words[1]);
	}
	task = deploy_plan_take_request(plan, ping);
	task->policy.discovery_ms = 5000;
	task->policy.window_ms = 1000;
	if (!deploy_config_load(&config, &where, err) &&
		!deploy_request_set_collective(ping, "mcollective", err) &&
		!deploy_bus_open(&bus, config, "mcollective", err))
		(void)deploy_run(&result, bus, plan, &options, err);
	deploy_run_result_release(&result);
	deploy_bus_close(bus);
	deploy_config_free(config);
	return err->code;
}

int main(int argc, char **argv)
{
	struct deploy_plan *plan = deploy_plan_new();
	struct deploy_error err = {.code = DEPLOY_OK};
	int rc = argc > 2 ? announce(argv + 1, plan, &err) : DEPLOY_USAGE;

	if (rc)
		(void)fprintf(stderr, "announce: %s\n", argc > 2 ? err.text : "TOPIC TEXT...");
	deploy_plan_free(plan);
	return rc ? 1 : 0;
}
