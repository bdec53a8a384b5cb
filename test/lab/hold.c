/*
 * A run's connection to the lab's broker, on which locks are tried. Reads lines and answers each:
 *   lock NAME    "held", or the error's code and text; a hint on the line behind that
 *   ping         how many nodes answer on the same connection
 * Ends, with the connection, when its input does. The configuration: DEPLOYCTL_CONFIG.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "deploy/deploy.h"

static void end(int signal)
{
	(void)signal;
	deploy_bus_interrupt();
}

static void say(const struct deploy_error *err)
{
	(void)printf("%s %s\n", deploy_code_name(err->code), err->text);
	if (err->hint[0])
		(void)printf("%s\n", err->hint);
}

static void lock(struct deploy_bus *bus, const char *name)
{
	struct deploy_error err = {.code = DEPLOY_OK};

	if (deploy_bus_lock(bus, name, &err) == 0)
		(void)puts("held");
	else
		say(&err);
}

static void ping(struct deploy_bus *bus, const char *collective)
{
	const struct deploy_run_options options = {.signal_fd = -1};
	struct deploy_plan *plan = deploy_plan_new();
	struct deploy_request *request = deploy_request_ping();
	struct deploy_run_result result = {.task_count = 0};
	struct deploy_error err = {.code = DEPLOY_OK};
	struct deploy_task *task;

	(void)deploy_request_set_collective(request, collective, &err);
	task = deploy_plan_take_request(plan, request);
	task->policy.discovery_ms = 10000;
	task->policy.window_ms = 1000;
	if (deploy_run(&result, bus, plan, &options, &err) == 0)
		(void)printf("%zu nodes\n", result.tally[0].nodes);
	else
		say(&err);
	deploy_run_result_release(&result);
	deploy_plan_free(plan);
}

int main(void)
{
	const struct deploy_config_options options = {.path = getenv("DEPLOYCTL_CONFIG")};
	const struct sigaction on_signal = {.sa_handler = end};
	struct deploy_error err = {.code = DEPLOY_OK};
	struct deploy_config *config;
	struct deploy_bus *bus = NULL;
	char line[512];

	(void)sigaction(SIGUSR2, &on_signal, NULL);
	if (deploy_config_load(&config, &options, &err) ||
		deploy_bus_open(&bus, config, config->main_collective, &err)) {
		say(&err);
		deploy_config_free(config);
		return 69;
	}
	(void)puts("ready");
	(void)fflush(stdout);
	while (fgets(line, sizeof(line), stdin)) {
		line[strcspn(line, "\n")] = '\0';
		if (strncmp(line, "lock ", 5) == 0)
			lock(bus, line + 5);
		else if (strcmp(line, "ping") == 0)
			ping(bus, config->main_collective);
		(void)fflush(stdout);
	}
	deploy_bus_close(bus);
	deploy_config_free(config);
	return 0;
}
