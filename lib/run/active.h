/* A task that is under way: its chore, its discovery, or its ask and the acts of its nodes. */
#ifndef DP_ACTIVE_H
#define DP_ACTIVE_H

#include "run/stage.h"

struct dp_active;

/*
 * Begin a task; nodes are taken over, NULL: it is open, or a chore. whole: nodes are all that the
 * task names, so that it may broadcast if it says so. task and tally are borrowed. Caller frees
 * with dp_active_free().
 */
struct dp_active *dp_active_begin(struct dp_stage *stage, unsigned index,
	const struct deploy_task *task, struct deploy_nodeset *nodes, bool whole,
	struct deploy_tally *tally);
void dp_active_free(struct dp_active *active);

/* What came in for it: what was sent, replies, responses, what was returned. */
void dp_active_take(struct dp_active *active, struct dp_stage *stage, const struct dp_input *input);
void dp_active_tell_progress(struct dp_active *active, struct dp_stage *stage);

/* Do what is due. */
void dp_active_advance(struct dp_active *active, struct dp_stage *stage);

/* Start nothing new. True if it did so far; why is told then, unless NULL. */
bool dp_active_stop(struct dp_active *active, struct dp_stage *stage, const char *why);

/* The run was interrupted, and the task stopped: let acts undo what must be undone. */
void dp_active_interrupt(struct dp_active *active, struct dp_stage *stage, const char *why);

/* Give up who is in flight. */
void dp_active_abandon(struct dp_active *active, struct dp_stage *stage, const char *why);

bool dp_active_is_over(const struct dp_active *active);
bool dp_active_was_stopped(const struct dp_active *active);

/* An open task: false if it was not stopped, and the broker never took its question. */
bool dp_active_was_sent(const struct dp_active *active);

/* Say that it has ended. The nodes found, if it is open, which are the caller's; else NULL. */
struct deploy_nodeset *dp_active_end(struct dp_active *active, struct dp_stage *stage);

/* After that: whether it came to what it was to; and why a chore did not, else NULL. */
bool dp_active_is_ok(const struct dp_active *active);
const char *dp_active_why(const struct dp_active *active);

/* Those that it asks; NULL if it is open, or a chore. */
const struct deploy_nodeset *dp_active_nodes(const struct dp_active *active);

/* What it has to hand over at the end of what it was told to keep: node → data. */
json_t *dp_active_replies(const struct dp_active *active);

/* When it must be advanced at the latest, whatever arrives meanwhile; and with a tick. */
int64_t dp_active_due_us(struct dp_active *active);
int64_t dp_active_wake_us(struct dp_active *active, int64_t now_us);

#endif
