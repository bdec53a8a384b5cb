/*
 * What a state file says, a line for each thing, for tests that compare it with what happened.
 * RUN counts from 1, the oldest. Usage: ledger FILE
 *   RUN run KIND LIFE EXIT
 *   RUN outcome NODE STATE LABEL    STATE "asked": no outcome is known; LABEL "-": of no step
 *   RUN step NODE TEXT
 *   - assigned NODE pushed|- verified|- FACT VALUE
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "deploy/history.h"

static void fail(const char *why)
{
	(void)fprintf(stderr, "ledger: %s\n", why);
	exit(1);
}

static void check(const struct deploy_error *err)
{
	if (err->code)
		fail(err->text);
}

#define MAX_RUNS 1000

struct runs {
	char ids[MAX_RUNS][DEPLOY_RUN_ID_SIZE];
	size_t count;
};

static int take_run(void *arg, const struct deploy_run_record *run)
{
	struct runs *runs = arg;

	if (runs->count == MAX_RUNS)
		fail("too many runs");
	(void)snprintf(runs->ids[runs->count++], DEPLOY_RUN_ID_SIZE, "%s", run->id);
	return 0;
}

static int print_run(void *arg, const struct deploy_run_record *run)
{
	(void)printf("%zu run %s %s %d\n", *(const size_t *)arg, run->kind,
		deploy_run_life_name(run->life), run->exit);
	return 0;
}

static int print_outcome(void *arg, const struct deploy_outcome_record *outcome)
{
	(void)printf("%zu outcome %s %s %s\n", *(const size_t *)arg, outcome->node,
		outcome->is_known ? deploy_outcome_state_name(outcome->outcome.state) : "asked",
		outcome->label ? outcome->label : "-");
	return 0;
}

static int print_step(void *arg, const struct deploy_event_record *event)
{
	if (strcmp(event->type, "step") == 0)
		(void)printf("%zu step %s %s\n", *(const size_t *)arg, event->node, event->text);
	return 0;
}

static int print_assignment(void *arg, const struct deploy_assignment *assignment)
{
	(void)arg;
	(void)printf("- assigned %s %s %s %s %s\n", assignment->node,
		assignment->pushed_at_us ? "pushed" : "-",
		assignment->verified_at_us ? "verified" : "-", assignment->fact, assignment->value);
	return 0;
}

static void print(const struct deploy_state *state)
{
	static struct runs runs;
	const struct deploy_run_query all = {.id = NULL};
	const struct deploy_assignment_query every = {.node = NULL};
	struct deploy_error err = {0};

	(void)deploy_state_each_run(state, &all, take_run, &runs, &err);
	for (size_t number = 1; number <= runs.count && !err.code; number++) {
		const char *id = runs.ids[runs.count - number];
		const struct deploy_run_query one = {.id = id};
		const struct deploy_outcome_query its = {.run = id};

		if (deploy_state_each_run(state, &one, print_run, &number, &err) ||
			deploy_state_each_outcome(state, &its, print_outcome, &number, &err) ||
			deploy_state_each_event(state, id, print_step, &number, &err))
			break;
	}
	if (!err.code)
		(void)deploy_state_each_assignment(state, &every, print_assignment, NULL, &err);
	check(&err);
}

int main(int argc, char **argv)
{
	struct deploy_state *state = NULL;
	struct deploy_error err = {0};

	if (argc != 2)
		fail("usage: ledger FILE");
	(void)deploy_state_open(&state, argv[1], false, &err);
	check(&err);
	print(state);
	deploy_state_close(state);
	return 0;
}
