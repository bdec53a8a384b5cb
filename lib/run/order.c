/* Each node counts whom it still waits for, and knows who waits for it: no recursion. */
#include "run/order.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "run/timers.h"

#define GONE   UINT32_MAX /* no row: the node is left out of the task */
#define BARRED UINT32_MAX /* waits for one that will not be ok */

struct dp_order {
	const struct deploy_nodeset *nodes;
	uint32_t *missing;	      /* per row: how many it waits for still; or BARRED */
	uint32_t *start, *dependents; /* those of row i: from start[i] to start[i + 1] */
	struct dp_timers ready;	  /* a set: all for the same time, so the first row comes first */
	struct dp_barred *barred; /* each row once at most */
	size_t barred_count, barred_told;
};

/* Where the nodes that the task names stand among those that are left; both are sorted. */
static uint32_t *map_rows(const struct deploy_nodeset *named, const struct deploy_nodeset *nodes)
{
	size_t count = deploy_nodeset_count(named), left = deploy_nodeset_count(nodes), at = 0;
	uint32_t *rows = dp_xcalloc(count, sizeof(*rows));

	for (size_t i = 0; i < count; i++) {
		bool is_left = at < left && strcmp(deploy_nodeset_get(named, i),
						    deploy_nodeset_get(nodes, at)) == 0;

		rows[i] = is_left ? (uint32_t)at++ : GONE;
	}
	return rows;
}

static void bar(struct dp_order *order, uint32_t row, const char *cause, const char *why)
{
	if (order->missing[row] == BARRED)
		return;
	order->missing[row] = BARRED;
	order->barred[order->barred_count++] = (struct dp_barred){row, cause, why};
}

/* Turn "waits for" around: start[i] counts the dependents of row i, then is where they end, then …
 */
static void find_dependents(
	struct dp_order *order, const struct deploy_task *task, const uint32_t *rows)
{
	size_t named = deploy_nodeset_count(task->nodes),
	       count = deploy_nodeset_count(order->nodes);
	const uint32_t *start = task->start, *after = task->after;

	for (size_t i = 0; i < named; i++)
		for (uint32_t at = start[i]; rows[i] != GONE && at < start[i + 1]; at++)
			if (rows[after[at]] != GONE)
				order->start[rows[after[at]]]++;
	for (size_t i = 0; i < count; i++)
		order->start[i + 1] += order->start[i];
	order->dependents = dp_xcalloc(order->start[count] + 1, sizeof(*order->dependents));
	/* … where they begin. */
	for (size_t i = named; i-- > 0;)
		for (uint32_t at = start[i]; rows[i] != GONE && at < start[i + 1]; at++)
			if (rows[after[at]] != GONE)
				order->dependents[--order->start[rows[after[at]]]] = rows[i];
}

static void count_missing(
	struct dp_order *order, const struct deploy_task *task, const uint32_t *rows)
{
	for (size_t i = 0; i < deploy_nodeset_count(task->nodes); i++) {
		uint32_t row = rows[i];

		if (row == GONE)
			continue;
		order->missing[row] = task->start[i + 1] - task->start[i];
		for (uint32_t at = task->start[i]; at < task->start[i + 1]; at++)
			if (rows[task->after[at]] == GONE)
				bar(order, row, deploy_nodeset_get(task->nodes, task->after[at]),
					"was left out");
		if (order->missing[row] == 0)
			dp_timers_set(&order->ready, row, 0);
	}
}

struct dp_order *dp_order_new(const struct deploy_task *task, const struct deploy_nodeset *nodes)
{
	struct dp_order *order = dp_xcalloc(1, sizeof(*order));
	size_t count = deploy_nodeset_count(nodes);
	uint32_t *rows = map_rows(task->nodes, nodes);

	order->nodes = nodes;
	order->missing = dp_xcalloc(count, sizeof(*order->missing));
	order->start = dp_xcalloc(count + 1, sizeof(*order->start));
	order->barred = dp_xcalloc(count, sizeof(*order->barred));
	dp_timers_init(&order->ready, count);
	find_dependents(order, task, rows);
	count_missing(order, task, rows);
	free(rows);
	return order;
}

void dp_order_free(struct dp_order *order)
{
	if (!order)
		return;
	dp_timers_release(&order->ready);
	free(order->missing);
	free(order->start);
	free(order->dependents);
	free(order->barred);
	free(order);
}

size_t dp_order_ready(const struct dp_order *order)
{
	return order->ready.count;
}

uint32_t dp_order_take(struct dp_order *order)
{
	uint32_t row = 0;
	int64_t ignored;

	(void)dp_timers_first(&order->ready, &row, &ignored);
	dp_timers_clear(&order->ready, row);
	return row;
}

static const char *why(enum deploy_outcome_state state)
{
	static const char *const texts[] = {[DEPLOY_OUTCOME_FAILED] = "failed",
		[DEPLOY_OUTCOME_SILENT] = "was silent",
		[DEPLOY_OUTCOME_UNKNOWN] = "came to nothing known",
		[DEPLOY_OUTCOME_SKIPPED] = "was skipped",
		[DEPLOY_OUTCOME_CANCELLED] = "was not asked"};

	return texts[state];
}

void dp_order_settle(struct dp_order *order, uint32_t row, enum deploy_outcome_state state)
{
	for (uint32_t at = order->start[row]; at < order->start[row + 1]; at++) {
		uint32_t dependent = order->dependents[at];

		if (state != DEPLOY_OUTCOME_OK)
			bar(order, dependent, deploy_nodeset_get(order->nodes, row), why(state));
		else if (order->missing[dependent] != BARRED && --order->missing[dependent] == 0)
			dp_timers_set(&order->ready, dependent, 0);
	}
}

bool dp_order_next_barred(struct dp_order *order, struct dp_barred *barred)
{
	if (!dp_order_has_barred(order))
		return false;
	*barred = order->barred[order->barred_told++];
	return true;
}

bool dp_order_has_barred(const struct dp_order *order)
{
	return order->barred_told < order->barred_count;
}
