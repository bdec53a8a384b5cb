/* A task with a frozen set of nodes: who is asked when, what became of each, when to stop. */
#ifndef DP_ASK_H
#define DP_ASK_H

#include "run/stage.h"

struct dp_ask;

/*
 * task and tally are borrowed, nodes is taken over; whole: they are all that the task names, so
 * that a broadcast reaches nobody else. Caller frees with dp_ask_free().
 */
struct dp_ask *dp_ask_take_nodes(const struct deploy_task *task, struct deploy_nodeset *nodes,
	bool whole, struct deploy_tally *tally);
void dp_ask_free(struct dp_ask *ask);

void dp_ask_start(struct dp_ask *ask, struct dp_stage *stage);

/*
 * What came in. Rows that are not in the state that fits are left alone.
 * returned: attempt 0 stands for the one that the node is in (a probe came back).
 */
void dp_ask_sent(struct dp_ask *ask, struct dp_stage *stage, const struct dp_input *input);
void dp_ask_reply(
	struct dp_ask *ask, struct dp_stage *stage, unsigned attempt, const struct dp_reply *reply);
void dp_ask_returned(
	struct dp_ask *ask, struct dp_stage *stage, unsigned attempt, const char *name);

/* What the try of a row in flight came to; attempt and rtt_us are filled in here. */
void dp_ask_outcome(
	struct dp_ask *ask, struct dp_stage *stage, uint32_t row, struct deploy_outcome *outcome);

/* Do what is due: expire, probe, try again, start more. Called at the end of every step. */
void dp_ask_advance(struct dp_ask *ask, struct dp_stage *stage);

/*
 * Start nothing new: what is queued is withdrawn, what waits for another try keeps its failure,
 * what is in flight goes on. why is shown; NULL if somebody else says it.
 */
void dp_ask_stop(struct dp_ask *ask, struct dp_stage *stage, const char *why);

/* Stop, and give nodes in flight up as unknown, with why as their message. */
void dp_ask_abandon(struct dp_ask *ask, struct dp_stage *stage, const char *why);

/* Emit which nodes are in flight, and who of them has been waited for the longest. */
void dp_ask_tell_progress(struct dp_ask *ask, struct dp_stage *stage);

bool dp_ask_is_over(const struct dp_ask *ask);
bool dp_ask_was_stopped(const struct dp_ask *ask);
/* When it must be advanced at the latest: by whatever input; and by a tick. */
int64_t dp_ask_due_us(struct dp_ask *ask);
int64_t dp_ask_wake_us(struct dp_ask *ask, int64_t now_us);

/* Give every node that was never asked its outcome (cancelled), and say that the task ended. */
void dp_ask_end(struct dp_ask *ask, struct dp_stage *stage);

#endif
