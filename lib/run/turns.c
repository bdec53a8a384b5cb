/* They are few, so they stand in an array. */
#include "run/turns.h"

#include <assert.h>
#include <string.h>

#include "base/mem.h"

void dp_turns_add(struct dp_turns *turns, const struct dp_action *action)
{
	turns->items = dp_grow(turns->items, &turns->cap, turns->count + 1, sizeof(*turns->items));
	turns->items[turns->count++] = (struct dp_turn){action->task, action->text, action->body};
}

const struct dp_turn *dp_turns_next(const struct dp_turns *turns)
{
	return turns->count && !turns->is_out ? &turns->items[0] : NULL;
}

static void take_out(struct dp_turns *turns, size_t at)
{
	turns->count--;
	memmove(turns->items + at, turns->items + at + 1,
		(turns->count - at) * sizeof(*turns->items));
}

struct dp_input dp_turns_finish(struct dp_turns *turns, bool is_yes, const char *why)
{
	struct dp_input answer = {.kind = DP_IN_ANSWER, .is_yes = is_yes, .text = why};

	assert(turns->is_out);
	answer.task = turns->items[0].task;
	take_out(turns, 0);
	turns->is_out = false;
	return answer;
}

void dp_turns_withdraw(struct dp_turns *turns, unsigned task)
{
	size_t at = turns->is_out;

	while (at < turns->count && turns->items[at].task != task)
		at++;
	if (at < turns->count)
		take_out(turns, at);
}
