/*
 * In which order nodes begin, against the rule itself: every graph of four nodes, and what may
 * become of each; and graphs of six, drawn.
 */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "run/check.h"
#include "run/order.h"

#define MAX 6

/* Node i waits for those of the bits of waits[i]. */
struct graph {
	unsigned count, waits[MAX];
};

static void fill_in(struct deploy_task *task, const struct graph *graph)
{
	struct deploy_error err = {.code = DEPLOY_OK};
	uint32_t edges = 0;
	char name[] = "n0";

	task->nodes = deploy_nodeset_new();
	task->start = calloc(MAX + 1, sizeof(uint32_t));
	task->after = calloc(MAX * MAX, sizeof(uint32_t));
	assert_true(task->start && task->after);
	for (unsigned i = 0; i < graph->count; i++) {
		name[1] = (char)('0' + i);
		assert_int_equal(0, deploy_nodeset_add(task->nodes, name, &err));
		for (uint32_t j = 0; j < graph->count; j++)
			if (graph->waits[i] >> j & 1)
				task->after[edges++] = j;
		task->start[i + 1] = edges;
	}
}

static struct deploy_plan *plan_of(const struct graph *graph)
{
	struct deploy_plan *plan = deploy_plan_new();

	fill_in(deploy_plan_take_act(plan, NULL), graph);
	return plan;
}

/* Take away who waits for nobody that is left, until nothing changes. */
static bool has_cycle(const struct graph *graph)
{
	unsigned left = (1u << graph->count) - 1, before = 0;

	while (left != before) {
		before = left;
		for (unsigned i = 0; i < graph->count; i++)
			if ((left >> i & 1) && !(graph->waits[i] & left))
				left &= ~(1u << i);
	}
	return left;
}

/* Who is ready by the rule: not begun, and all that it waits for are ok. */
static unsigned ready_of(const struct graph *graph, unsigned begun, unsigned ok)
{
	unsigned ready = 0;

	for (unsigned i = 0; i < graph->count; i++)
		if (!(begun >> i & 1) && !(graph->waits[i] & ~ok))
			ready |= 1u << i;
	return ready;
}

/* Tell who is barred; each must wait for the one that is named, which is not ok. */
static unsigned bar(struct dp_order *order, const struct graph *graph, unsigned not_ok)
{
	struct dp_barred barred;
	unsigned found = 0;

	while (dp_order_next_barred(order, &barred)) {
		unsigned cause = 1u << (barred.cause[1] - '0');

		assert_true(graph->waits[barred.row] & cause);
		assert_true((not_ok | found) & cause);
		assert_string_equal(found & cause ? "was skipped" : "failed", barred.why);
		assert_false(found >> barred.row & 1);
		found |= 1u << barred.row;
		dp_order_settle(order, barred.row, DEPLOY_OUTCOME_SKIPPED);
	}
	return found;
}

/* Those of fails fail when their turn comes; width nodes are begun before one is settled. */
static void follow(
	const struct graph *graph, const struct deploy_task *task, unsigned fails, unsigned width)
{
	struct dp_order *order = dp_order_new(task, task->nodes);
	unsigned begun = 0, ok = 0, not_ok = 0, barred = 0, flight = 0;

	for (;;) {
		unsigned ready = ready_of(graph, begun, ok), settled;

		while (ready && __builtin_popcount(flight) < (int)width) {
			unsigned row = dp_order_take(order);

			assert_int_equal(ready & -ready, 1u << row);
			flight |= 1u << row;
			begun |= 1u << row;
			ready &= ready - 1;
		}
		assert_int_equal(__builtin_popcount(ready), dp_order_ready(order));
		if (!flight)
			break;
		/* The last one to begin is the first to end. */
		settled = 31 - (unsigned)__builtin_clz(flight);
		flight &= ~(1u << settled);
		*(fails >> settled & 1 ? &not_ok : &ok) |= 1u << settled;
		dp_order_settle(order, settled,
			fails >> settled & 1 ? DEPLOY_OUTCOME_FAILED : DEPLOY_OUTCOME_OK);
		barred |= bar(order, graph, not_ok);
	}
	assert_int_equal(0, begun & barred);
	assert_int_equal((1u << graph->count) - 1, begun | barred);
	dp_order_free(order);
}

static void check_graph(const struct graph *graph, size_t *acyclic)
{
	struct deploy_plan *plan = plan_of(graph);
	struct deploy_error err = {.code = DEPLOY_OK};
	int rc = dp_check_tasks(plan, 0, false, &err);

	assert_int_equal(has_cycle(graph) ? DEPLOY_USAGE : DEPLOY_OK, rc);
	*acyclic += rc == 0;
	for (unsigned fails = 0; rc == 0 && fails < 1u << graph->count; fails++)
		for (unsigned width = 1; width <= graph->count; width++)
			follow(graph, plan->tasks[0], fails, width);
	deploy_plan_free(plan);
}

static void every_graph_of_four_keeps_its_order(void **state)
{
	struct graph graph = {.count = 4};
	size_t acyclic = 0;

	(void)state;
	for (unsigned bits = 0; bits < 1u << 16; bits++) {
		/* Of nodes that wait for themselves the first one is enough. */
		if (bits & 0x8420)
			continue;
		for (unsigned i = 0; i < 4; i++)
			graph.waits[i] = bits >> 4 * i & 0xf;
		check_graph(&graph, &acyclic);
	}
	/* So many have no circle. */
	assert_int_equal(543, acyclic);
}

static void drawn_graphs_of_six_keep_their_order(void **state)
{
	uint64_t random = 20240501;
	size_t acyclic = 0;

	(void)state;
	for (int round = 0; round < 300; round++) {
		struct graph graph = {.count = 6};

		for (unsigned i = 0; i < 6; i++) {
			random = random * 6364136223846793005u + 1442695040888963407u;
			graph.waits[i] =
				(unsigned)(random >> 40 & random >> 50) & 0x3f & ~(1u << i);
		}
		check_graph(&graph, &acyclic);
	}
	assert_true(acyclic > 20);
}

/* Nodes that an earlier task dropped are not in the set any more, and never will be ok. */
static void who_waits_for_one_that_was_left_out_is_barred(void **state)
{
	const struct graph graph = {.count = 4, .waits = {0, 0, 0x3, 0x4}};
	struct deploy_plan *plan = plan_of(&graph);
	struct deploy_nodeset *left = deploy_nodeset_new();
	struct deploy_error err = {.code = DEPLOY_OK};
	struct dp_barred barred;
	struct dp_order *order;

	(void)state;
	assert_int_equal(0, deploy_nodeset_parse(left, "n0,n[2-3]", &err));
	order = dp_order_new(plan->tasks[0], left);
	assert_int_equal(1, dp_order_ready(order));
	assert_int_equal(0, dp_order_take(order));
	assert_true(dp_order_next_barred(order, &barred));
	assert_int_equal(1, barred.row);
	assert_string_equal("n1", barred.cause);
	assert_string_equal("was left out", barred.why);
	dp_order_settle(order, 1, DEPLOY_OUTCOME_SKIPPED);
	assert_true(dp_order_next_barred(order, &barred));
	assert_int_equal(2, barred.row);
	assert_string_equal("n2", barred.cause);
	/* It is barred, whatever comes of the other that it waits for. */
	dp_order_settle(order, 0, DEPLOY_OUTCOME_OK);
	assert_int_equal(0, dp_order_ready(order));
	assert_false(dp_order_has_barred(order));
	dp_order_free(order);
	deploy_nodeset_free(left);
	deploy_plan_free(plan);
}

static void an_order_that_cannot_be_kept_is_refused(void **state)
{
	const struct graph graph = {.count = 3, .waits = {0, 1, 3}};
	struct deploy_plan *plan = plan_of(&graph);
	struct deploy_task *task = plan->tasks[0];
	struct deploy_error err = {.code = DEPLOY_OK};

	(void)state;
	assert_int_equal(0, dp_check_tasks(plan, 0, false, &err));
	task->policy.batch_count = 1;
	assert_int_equal(DEPLOY_USAGE, dp_check_tasks(plan, 0, false, &err));
	assert_string_equal("task 1: nodes that wait for each other are all asked, and not in "
			    "batches",
		err.text);
	task->policy.batch_count = 0;
	task->policy.is_one = true;
	assert_int_equal(DEPLOY_USAGE, dp_check_tasks(plan, 0, false, &err));
	task->policy.is_one = false;
	task->limit.amount.value = 1;
	assert_int_equal(DEPLOY_USAGE, dp_check_tasks(plan, 0, false, &err));
	task->limit.amount.value = 0;
	task->after[1] = 3;
	assert_int_equal(DEPLOY_USAGE, dp_check_tasks(plan, 0, false, &err));
	task->after[1] = 0;
	task->start[1] = 2;
	assert_int_equal(DEPLOY_USAGE, dp_check_tasks(plan, 0, false, &err));
	task->start[1] = 0;
	assert_int_equal(0, dp_check_tasks(plan, 0, false, &err));
	deploy_nodeset_free(task->nodes);
	task->nodes = NULL;
	assert_int_equal(DEPLOY_USAGE, dp_check_tasks(plan, 0, false, &err));
	deploy_plan_free(plan);
}

/* 200,000 nodes one behind the other, the first of which fails: neither recursion nor a square. */
static void a_long_chain_is_barred_to_its_end(void **state)
{
	enum { NODES = DEPLOY_MAX_NODES };
	struct deploy_plan *plan = deploy_plan_new();
	struct deploy_task *task = deploy_plan_take_act(plan, NULL);
	struct deploy_error err = {.code = DEPLOY_OK};
	struct dp_barred barred;
	struct dp_order *order;
	size_t count = 0;

	(void)state;
	task->nodes = deploy_nodeset_new();
	assert_int_equal(0, deploy_nodeset_parse(task->nodes, "n[000001-200000]", &err));
	task->start = calloc(NODES + 1, sizeof(uint32_t));
	task->after = calloc(NODES, sizeof(uint32_t));
	assert_true(task->start && task->after);
	for (uint32_t i = 1; i < NODES; i++) {
		task->after[i - 1] = i - 1;
		task->start[i + 1] = i;
	}
	assert_int_equal(0, dp_check_tasks(plan, 0, false, &err));
	order = dp_order_new(task, task->nodes);
	dp_order_settle(order, dp_order_take(order), DEPLOY_OUTCOME_FAILED);
	for (; dp_order_next_barred(order, &barred); count++)
		dp_order_settle(order, barred.row, DEPLOY_OUTCOME_SKIPPED);
	assert_int_equal(NODES - 1, count);
	dp_order_free(order);
	deploy_plan_free(plan);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_graph_of_four_keeps_its_order),
		cmocka_unit_test(drawn_graphs_of_six_keep_their_order),
		cmocka_unit_test(who_waits_for_one_that_was_left_out_is_barred),
		cmocka_unit_test(an_order_that_cannot_be_kept_is_refused),
		cmocka_unit_test(a_long_chain_is_barred_to_its_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
