/*
 * How long the runs of a site take, in ranks and as nodes become ready: 12 ranks, in each a link of
 * a chain and nodes that wait for some of the rank before, with run times of 1 to 30 s that are
 * drawn. Time is the runner's only; nothing is waited for.
 * Usage: schedule [SEED [NODES-A-RANK]]   (1, 20)
 * Prints seconds; status 1 unless ready ends at the critical path, which is reckoned here.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "model/act.h"
#include "run/check.h"
#include "run/runner.h"

enum { RANKS = 12, MAX_WAITS = 3 };

struct site {
	uint64_t random;
	size_t width, count; /* nodes of a rank, and of all */
	long long *run_ms;   /* per node */
	uint32_t *start, *after;
};

static _Noreturn void die(const char *what)
{
	(void)fprintf(stderr, "schedule: %s\n", what);
	exit(1);
}

/* Xorshift64*, Vigna 2014. */
static uint32_t draw(struct site *site, size_t below)
{
	site->random ^= site->random >> 12;
	site->random ^= site->random << 25;
	site->random ^= site->random >> 27;
	return (uint32_t)(((site->random * 2685821657736338717u) >> 33) % below);
}

/* The first node of each rank waits for the first of the one before, and for no other. */
static void draw_site(struct site *site)
{
	uint32_t edges = 0;

	site->count = RANKS * site->width;
	site->run_ms = dp_xcalloc(site->count, sizeof(*site->run_ms));
	site->start = dp_xcalloc(site->count + 1, sizeof(*site->start));
	site->after = dp_xcalloc(site->count * MAX_WAITS, sizeof(*site->after));
	for (size_t i = 0; i < site->count; i++) {
		size_t rank = i / site->width, before = (rank - 1) * site->width;
		bool is_link = i % site->width == 0;
		uint32_t waits = is_link ? 1 : 1 + draw(site, MAX_WAITS);

		site->run_ms[i] = 1000 + draw(site, 29001);
		for (uint32_t j = 0; rank && j < waits; j++)
			site->after[edges++] =
				(uint32_t)before + (is_link ? 0 : draw(site, site->width));
		site->start[i + 1] = edges;
	}
}

/* Nodes stand behind those that they wait for. */
static long long critical_path(const struct site *site)
{
	long long *end_ms = dp_xcalloc(site->count, sizeof(*end_ms)), longest = 0;

	for (size_t i = 0; i < site->count; i++) {
		for (uint32_t j = site->start[i]; j < site->start[i + 1]; j++)
			if (end_ms[site->after[j]] > end_ms[i])
				end_ms[i] = end_ms[site->after[j]];
		end_ms[i] += site->run_ms[i];
		if (end_ms[i] > longest)
			longest = end_ms[i];
	}
	free(end_ms);
	return longest;
}

/* An act that takes as long as the node's run does. */
struct pretence {
	struct deploy_act act;
	const struct site *site;
};

static void pretend(struct deploy_act *act, void *row, const char *node,
	const struct dp_act_input *input, struct dp_act_next *next)
{
	(void)row;
	next->kind = input->kind == DP_ACT_BEGIN ? DP_ACT_SLEEP : DP_ACT_DONE;
	next->sleep_ms = ((struct pretence *)act)->site->run_ms[strtoul(node + 1, NULL, 10)];
	next->state = DEPLOY_OUTCOME_OK;
}

static void free_pretence(struct deploy_act *act)
{
	free(act);
}

/* A task for the nodes from one place up to another, which do not wait for each other. */
static struct deploy_task *add_task(
	struct deploy_plan *plan, const struct site *site, size_t from, size_t to)
{
	static const struct dp_act_ops ops = {1, pretend, NULL, free_pretence};
	struct pretence *pretence = dp_xcalloc(1, sizeof(*pretence));
	struct deploy_task *task = deploy_plan_take_act(plan, &pretence->act);
	struct deploy_error err = {.code = DEPLOY_OK};
	char name[16];

	pretence->act.ops = &ops;
	pretence->site = site;
	task->nodes = deploy_nodeset_new();
	for (; from < to; from++) {
		(void)snprintf(name, sizeof(name), "n%07zu", from);
		(void)deploy_nodeset_add(task->nodes, name, &err);
	}
	return task;
}

static void ignore(void *arg, const struct dp_action *action)
{
	(void)arg;
	(void)action;
}

/* Carry out a plan, which is freed; returns the time that it takes. */
static long long carry_out(struct deploy_plan *plan)
{
	const struct dp_input start = {.kind = DP_IN_START}, tick = {.kind = DP_IN_TICK};
	struct dp_runner *runner = dp_runner_new(plan, ignore, NULL);
	struct deploy_error err = {.code = DEPLOY_OK};
	struct deploy_run_result result;
	int64_t now_us = 0;

	if (dp_check_tasks(plan, 0, false, &err))
		die(err.text);
	dp_runner_step(runner, 0, 0, &start);
	while (!dp_runner_is_done(runner)) {
		now_us = dp_runner_wake_us(runner);
		dp_runner_step(runner, now_us, now_us, &tick);
	}
	dp_runner_finish(runner, &result);
	for (size_t i = 0; i < result.task_count; i++)
		if (result.tally[i].count[DEPLOY_OUTCOME_OK] != result.tally[i].nodes)
			die("not every node was ok");
	deploy_run_result_release(&result);
	dp_runner_free(runner);
	deploy_plan_free(plan);
	return now_us / 1000;
}

static long long run_ranks(const struct site *site)
{
	struct deploy_plan *plan = deploy_plan_new();

	for (size_t i = 0; i < RANKS; i++)
		(void)add_task(plan, site, i * site->width, (i + 1) * site->width);
	return carry_out(plan);
}

/* The arrays go to the task. */
static long long run_ready(struct site *site)
{
	struct deploy_plan *plan = deploy_plan_new();
	struct deploy_task *task = add_task(plan, site, 0, site->count);

	task->start = site->start;
	task->after = site->after;
	return carry_out(plan);
}

int main(int argc, char **argv)
{
	unsigned long seed = argc > 1 ? strtoul(argv[1], NULL, 10) : 1;
	struct site site = {.random = (seed + 1) * 0x9e3779b97f4a7c15u,
		.width = argc > 2 ? strtoul(argv[2], NULL, 10) : 20};
	long long critical_ms, ranks_ms, ready_ms;

	if (!site.width || site.width > DEPLOY_MAX_NODES / RANKS)
		die("usage: schedule [SEED [NODES-A-RANK]]");
	draw_site(&site);
	critical_ms = critical_path(&site);
	ranks_ms = run_ranks(&site);
	ready_ms = run_ready(&site);
	free(site.run_ms);
	printf("site of %d ranks, %zu nodes: ready %.3f s, critical path %.3f s, ranks %.3f s: "
	       "%s\n",
		RANKS, site.count, (double)ready_ms / 1e3, (double)critical_ms / 1e3,
		(double)ranks_ms / 1e3, ready_ms == critical_ms ? "ok" : "MISSED");
	return ready_ms == critical_ms ? 0 : 1;
}
