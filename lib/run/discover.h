/* An open task: ask everyone that matches a filter; its nodes are those that answer. */
#ifndef DP_DISCOVER_H
#define DP_DISCOVER_H

#include "run/stage.h"

struct dp_discover;

/* task and tally are borrowed. Caller frees with dp_discover_free(). */
struct dp_discover *dp_discover_new(const struct deploy_task *task, struct deploy_tally *tally);
void dp_discover_free(struct dp_discover *discover);

void dp_discover_start(struct dp_discover *discover, struct dp_stage *stage);
void dp_discover_sent(struct dp_discover *discover, struct dp_stage *stage);
void dp_discover_reply(
	struct dp_discover *discover, struct dp_stage *stage, const struct dp_reply *reply);

/* True when the window or the time for discovery is over. */
bool dp_discover_is_over(struct dp_discover *discover, const struct dp_stage *stage);
int64_t dp_discover_wake_us(const struct dp_discover *discover);

/*
 * True once the question was handed to the broker; if nobody is to answer it, only the broker can
 * say so, and has.
 */
bool dp_discover_was_sent(const struct dp_discover *discover);

/* The nodes found, without those that the task excludes. *out is the caller's. */
struct deploy_nodeset *dp_discover_take_nodes(struct dp_discover *discover);

#endif
