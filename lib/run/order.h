/* In which order the nodes of a task begin: after those that each waits for, once they are ok. */
#ifndef DP_ORDER_H
#define DP_ORDER_H

#include <stdbool.h>

#include "deploy/plan.h"

struct dp_order;

/*
 * The order of task among nodes: those that it names, or fewer. All is borrowed. The task must have
 * been checked. Caller frees with dp_order_free().
 */
struct dp_order *dp_order_new(const struct deploy_task *task, const struct deploy_nodeset *nodes);
void dp_order_free(struct dp_order *order);

/* How many may begin now, and the first of them, which then is no longer one of them. */
size_t dp_order_ready(const struct dp_order *order);
uint32_t dp_order_take(struct dp_order *order);

/* What became of a node for good: those that wait for it may begin, or never will. */
void dp_order_settle(struct dp_order *order, uint32_t row, enum deploy_outcome_state state);

/* Who never will begin, and because of whom. */
struct dp_barred {
	uint32_t row;
	const char *cause; /* a node */
	const char *why;   /* "failed" */
};

/* Each of them once; false if there is none left. */
bool dp_order_next_barred(struct dp_order *order, struct dp_barred *barred);
bool dp_order_has_barred(const struct dp_order *order);

#endif
