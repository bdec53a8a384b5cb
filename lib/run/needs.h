/* Which tasks may begin: those that need nothing that is not over. */
#ifndef DP_NEEDS_H
#define DP_NEEDS_H

#include "deploy/plan.h"

struct dp_need;

/* Zero-initialise. */
struct dp_needs {
	struct dp_need *tasks;
	size_t count, cap;
	size_t *ready; /* in the order in which they became so */
	size_t ready_count, ready_cap, next;
	bool is_shut, is_locked;
};

void dp_needs_release(struct dp_needs *needs);

/*
 * Add the next task of the plan; what it needs comes before it. One that may not begin is over at
 * once, so that nobody waits for it.
 */
void dp_needs_add(struct dp_needs *needs, const struct deploy_task *task, bool may_begin);

/* The next task that may begin; false if there is none now. */
bool dp_needs_next(struct dp_needs *needs, size_t *index);

/* A task that began is over, or will not be after all. */
void dp_needs_over(struct dp_needs *needs, size_t index);

/* From now on nothing begins but what is_always; with lock, not even that. */
void dp_needs_shut(struct dp_needs *needs, bool lock);

#endif
