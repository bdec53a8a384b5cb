/*
 * Which node of a site waits for which, and what follows: ranks, and cycles. Nodes are places in
 * the site, or in a part of it. Everything here takes time linear in nodes, capabilities and waits.
 */
#ifndef DP_SITE_GRAPH_H
#define DP_SITE_GRAPH_H

#include <stdbool.h>
#include <stdint.h>

#include "model/site.h"

/* Rows of numbers: row i is items[start[i]] … before items[start[i + 1]]. */
struct dp_rows {
	uint32_t *start, *items;
	uint32_t count; /* of rows */
};

void dp_rows_release(struct dp_rows *rows);

/* The other way round: i is in row j if j was in row i. columns: one above the highest j. Sorted.
 */
void dp_rows_turn(struct dp_rows *out, const struct dp_rows *rows, uint32_t columns);

/* capability → the nodes that produce it, sorted, each once. */
void dp_site_producers(struct dp_rows *out, const struct deploy_site *site);

/*
 * node → the nodes that it waits for, sorted. Errors: DEPLOY_INPUT for more than
 * DEPLOY_SITE_MAX_WAITS, with a capability that is to blame.
 */
int dp_site_waits(struct dp_rows *out, const struct deploy_site *site,
	const struct dp_rows *producers, struct deploy_error *err);

#define DP_NO_RANK UINT32_MAX

/*
 * rank: of each node; DP_NO_RANK for those that are in a cycle or behind one. Returns how many
 * others there are.
 */
uint32_t dp_site_order(uint32_t *rank, const struct dp_rows *after, const struct dp_rows *before);

/*
 * Cycles among the nodes without a rank: nodes that all wait for each other have the same number,
 * from 1 on, in the order of the lowest of them; all others 0. Returns how many numbers there are.
 */
uint32_t dp_site_knots(uint32_t *knot, const uint32_t *rank, const struct dp_rows *before);

/*
 * A shortest cycle through start, which is in a knot: cycle[0] is start, cycle[i + 1] waits for
 * cycle[i], start for the last one. Returns its length. cycle: room for one more than all nodes;
 * from: for all nodes, zero; another knot may be looked for afterwards, not the same.
 */
uint32_t dp_site_cycle(uint32_t *cycle, uint32_t *from, uint32_t start, const uint32_t *knot,
	const struct dp_rows *before);

#endif
