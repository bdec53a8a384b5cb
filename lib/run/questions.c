/* The question that was shown, and those that wait for it. */
#include "run/questions.h"

#include <stdlib.h>

#include "base/mem.h"

struct dp_questions {
	const struct deploy_run_options *options;
	struct dp_turns turns;
	int fd; /* where the answer will come; -1: nothing was shown */
};

struct dp_questions *dp_questions_new(const struct deploy_run_options *options)
{
	struct dp_questions *questions = dp_xcalloc(1, sizeof(*questions));

	questions->options = options;
	questions->fd = -1;
	return questions;
}

void dp_questions_free(struct dp_questions *questions)
{
	if (!questions)
		return;
	free(questions->turns.items);
	free(questions);
}

void dp_questions_add(struct dp_questions *questions, const struct dp_action *action)
{
	dp_turns_add(&questions->turns, action);
}

static struct dp_input finish(struct dp_questions *questions, bool is_yes, const char *why)
{
	questions->fd = -1;
	return dp_turns_finish(&questions->turns, is_yes, why);
}

void dp_questions_withdraw(struct dp_questions *questions, unsigned task)
{
	struct dp_turns *turns = &questions->turns;

	if (turns->is_out && turns->items[0].task == task)
		(void)finish(questions, false, NULL);
	else
		dp_turns_withdraw(turns, task);
}

bool dp_questions_has_next(const struct dp_questions *questions)
{
	return dp_turns_next(&questions->turns);
}

bool dp_questions_ask(struct dp_questions *questions, struct dp_input *answer)
{
	const struct deploy_run_options *options = questions->options;
	const struct dp_turn *next = dp_turns_next(&questions->turns);

	questions->turns.is_out = true;
	if (options->ask)
		questions->fd = options->ask(options->ask_arg, next->text);
	if (questions->fd >= 0)
		return false;
	*answer = finish(questions, false, "nobody can be asked");
	return true;
}

struct pollfd dp_questions_fd(const struct dp_questions *questions)
{
	return (struct pollfd){.fd = questions->fd, .events = POLLIN};
}

bool dp_questions_turn(
	struct dp_questions *questions, const struct pollfd *fd, struct dp_input *answer)
{
	const struct deploy_run_options *options = questions->options;
	int said;

	if (fd->fd < 0 || fd->fd != questions->fd || !fd->revents)
		return false;
	said = fd->revents & POLLNVAL ? -1 : options->answer(options->ask_arg);
	if (said < 0 && fd->revents & POLLIN)
		return false;
	/* Nothing more can come from there. */
	if (said < 0)
		*answer = finish(questions, false, "whoever was asked is gone");
	else
		*answer = finish(questions, said, "the answer was no");
	return true;
}
