/*
 * Nodes that are done by an act: where an ask says who is asked, each of them gets a machine of the
 * act, and what that machine comes to is for the ask what a reply would be. Batch, window, tries,
 * limits and deadlines stay with the ask, which knows nothing of acts. Pure, as the runner is.
 */
#ifndef DP_ACTS_H
#define DP_ACTS_H

#include "run/ask.h"

struct dp_acts;

/* All is borrowed; nodes are those of ask. Caller frees with dp_acts_free(). */
struct dp_acts *dp_acts_new(const struct deploy_task *task, struct dp_ask *ask,
	const struct deploy_nodeset *nodes, struct deploy_tally *tally, int64_t now_us);
void dp_acts_free(struct dp_acts *acts);

/* Forget what is not sent yet: no machine will want it any more. */
void dp_acts_end(struct dp_acts *acts, struct dp_stage *stage);

/* What the ask wants; it is carried out by dp_acts_advance(). Called by dp_stage_ask() only. */
void dp_acts_take(struct dp_acts *acts, const struct dp_action *action);

/* What came in. An answer to anything but what a node was asked last is not credited. */
void dp_acts_sent(struct dp_acts *acts, struct dp_stage *stage, const struct dp_input *input);
void dp_acts_reply(struct dp_acts *acts, struct dp_stage *stage, const struct dp_input *input);
void dp_acts_returned(struct dp_acts *acts, struct dp_stage *stage, const struct dp_input *input);
void dp_acts_response(struct dp_acts *acts, struct dp_stage *stage, const struct dp_input *input);

/* Tell every machine that the run is to end; not twice. */
void dp_acts_stop(struct dp_acts *acts, struct dp_stage *stage);

/* Begin what was taken, and wake whose time has come; true if there was anything to do. */
bool dp_acts_advance(struct dp_acts *acts, struct dp_stage *stage);

/* Send what machines want to ask, as few messages. Called at the end of every step. */
void dp_acts_flush(struct dp_acts *acts, struct dp_stage *stage);

int64_t dp_acts_wake_us(const struct dp_acts *acts);

#endif
