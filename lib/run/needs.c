/* Each task counts what it still waits for, and knows who waits for it: linear, no recursion. */
#include "run/needs.h"

#include <stdlib.h>

#include "base/mem.h"

enum state { WAITING, READY, BEGUN, OVER };

struct dp_need {
	size_t missing;	    /* needs that are not over */
	size_t *dependents; /* tasks that wait for this one */
	size_t count, cap;
	uint8_t state; /* enum state */
	bool is_always;
};

void dp_needs_release(struct dp_needs *needs)
{
	for (size_t i = 0; i < needs->count; i++)
		free(needs->tasks[i].dependents);
	free(needs->tasks);
	free(needs->ready);
	*needs = (struct dp_needs){.count = 0};
}

static void make_ready(struct dp_needs *needs, size_t index)
{
	needs->tasks[index].state = READY;
	needs->ready = dp_grow(
		needs->ready, &needs->ready_cap, needs->ready_count + 1, sizeof(*needs->ready));
	needs->ready[needs->ready_count++] = index;
}

/* Have a task wait for an earlier one, unless that is over. */
static void wait_for(struct dp_needs *needs, size_t index, size_t need)
{
	struct dp_need *earlier = &needs->tasks[need];

	if (earlier->state == OVER)
		return;
	earlier->dependents = dp_grow(earlier->dependents, &earlier->cap, earlier->count + 1,
		sizeof(*earlier->dependents));
	earlier->dependents[earlier->count++] = index;
	needs->tasks[index].missing++;
}

void dp_needs_add(struct dp_needs *needs, const struct deploy_task *task, bool may_begin)
{
	size_t index = needs->count++;

	needs->tasks = dp_grow(needs->tasks, &needs->cap, needs->count, sizeof(*needs->tasks));
	needs->tasks[index] = (struct dp_need){.is_always = task->is_always};
	if (!may_begin || needs->is_locked || (needs->is_shut && !task->is_always)) {
		needs->tasks[index].state = OVER;
		return;
	}
	for (size_t i = 0; task->has_needs && i < task->need_count; i++)
		wait_for(needs, index, task->needs[i]);
	if (!task->has_needs && index)
		wait_for(needs, index, index - 1);
	/* Whose nodes it asks it needs, said or not. */
	if (!task->nodes && task->nodes_from >= 0)
		wait_for(needs, index, (size_t)task->nodes_from);
	if (!needs->tasks[index].missing)
		make_ready(needs, index);
}

bool dp_needs_next(struct dp_needs *needs, size_t *index)
{
	while (needs->next < needs->ready_count) {
		*index = needs->ready[needs->next++];
		/* It may have been shut out since. */
		if (needs->tasks[*index].state != READY)
			continue;
		needs->tasks[*index].state = BEGUN;
		return true;
	}
	return false;
}

void dp_needs_over(struct dp_needs *needs, size_t index)
{
	struct dp_need *task = &needs->tasks[index];

	task->state = OVER;
	for (size_t i = 0; i < task->count; i++) {
		size_t dependent = task->dependents[i];

		if (needs->tasks[dependent].state == WAITING &&
			--needs->tasks[dependent].missing == 0)
			make_ready(needs, dependent);
	}
	free(task->dependents);
	task->dependents = NULL;
	task->count = task->cap = 0;
}

void dp_needs_shut(struct dp_needs *needs, bool lock)
{
	needs->is_shut = true;
	needs->is_locked = needs->is_locked || lock;
	for (size_t i = 0; i < needs->count; i++)
		if (needs->tasks[i].state < BEGUN &&
			(needs->is_locked || !needs->tasks[i].is_always))
			dp_needs_over(needs, i);
}
