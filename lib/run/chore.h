/*
 * A task that asks no node: it waits for one word, of a person, of a port or of the broker, or for
 * nothing at all. Pure, as the runner is. Whatever cuts it short, it is not ok then.
 */
#ifndef DP_CHORE_H
#define DP_CHORE_H

#include "run/stage.h"

struct dp_chore;

/* task is borrowed. Caller frees with dp_chore_free(). */
struct dp_chore *dp_chore_new(const struct deploy_task *task);
void dp_chore_free(struct dp_chore *chore);

void dp_chore_start(struct dp_chore *chore, struct dp_stage *stage);

/* The word that came: DP_IN_RESPONSE or DP_IN_ANSWER. */
void dp_chore_take(struct dp_chore *chore, const struct dp_input *input);

/* See whether its time is over. */
void dp_chore_advance(struct dp_chore *chore, const struct dp_stage *stage);

/* End it; nothing if it is over. */
void dp_chore_cut(struct dp_chore *chore, const char *why);

bool dp_chore_is_over(const struct dp_chore *chore);
bool dp_chore_is_ok(const struct dp_chore *chore);
const char *dp_chore_why(const struct dp_chore *chore); /* it is not ok; else NULL */

/* Say that it has ended. */
void dp_chore_end(struct dp_chore *chore, struct dp_stage *stage);

/* When it must be advanced at the latest, whatever arrives meanwhile; and with a tick. */
int64_t dp_chore_due_us(const struct dp_chore *chore);
int64_t dp_chore_wake_us(const struct dp_chore *chore);

#endif
