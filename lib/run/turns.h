/* What tasks want of somebody who takes one thing at a time: each has its turn. */
#ifndef DP_TURNS_H
#define DP_TURNS_H

#include "run/runner.h"

/* Zero-initialise; free items. */
struct dp_turns {
	struct dp_turn {
		unsigned task;
		const char *text, *body; /* borrowed */
	} * items;
	size_t count, cap;
	bool is_out; /* the first one was handed over, and has no answer yet */
};

/* Queue a DP_DO_ASK or a DP_DO_ANNOUNCE. */
void dp_turns_add(struct dp_turns *turns, const struct dp_action *action);

/* The first one, if it may be handed over now; else NULL. */
const struct dp_turn *dp_turns_next(const struct dp_turns *turns);

/* Take off the first one, with what it came to. It must be out. */
struct dp_input dp_turns_finish(struct dp_turns *turns, bool is_yes, const char *why);

/* Forget what a task wants, unless it is out. */
void dp_turns_withdraw(struct dp_turns *turns, unsigned task);

#endif
