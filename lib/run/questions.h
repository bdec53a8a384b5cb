/* Questions to whoever runs us, one at a time; the answer is polled for beside everything else. */
#ifndef DP_QUESTIONS_H
#define DP_QUESTIONS_H

#include <poll.h>

#include "run/turns.h"

struct dp_questions;

/* options are borrowed. Caller frees with dp_questions_free(). */
struct dp_questions *dp_questions_new(const struct deploy_run_options *options);
void dp_questions_free(struct dp_questions *questions);

/* Queue a DP_DO_ASK; forget what a task asks, also if it was shown. */
void dp_questions_add(struct dp_questions *questions, const struct dp_action *action);
void dp_questions_withdraw(struct dp_questions *questions, unsigned task);

/* True if a question is to be shown now. */
bool dp_questions_has_next(const struct dp_questions *questions);

/* Show it. True if it has its answer at once, since nobody can be asked: see *answer. */
bool dp_questions_ask(struct dp_questions *questions, struct dp_input *answer);

/* What to poll() for; fd is -1 if nothing. */
struct pollfd dp_questions_fd(const struct dp_questions *questions);

/* Look whether there is an answer, fd being as poll() has left it. */
bool dp_questions_turn(
	struct dp_questions *questions, const struct pollfd *fd, struct dp_input *answer);

#endif
