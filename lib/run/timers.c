/* A binary heap that knows where each row stands, so that a time can be changed. */
#include "run/timers.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

void dp_timers_init(struct dp_timers *timers, size_t rows)
{
	*timers = (struct dp_timers){.at_us = dp_xcalloc(rows, sizeof(*timers->at_us)),
		.heap = dp_xcalloc(rows, sizeof(*timers->heap)),
		.place = dp_xcalloc(rows, sizeof(*timers->place)),
		.rows = rows};
}

void dp_timers_extend(struct dp_timers *timers, size_t rows)
{
	size_t caps[] = {timers->rows, timers->rows, timers->rows}, before = timers->rows;

	if (rows <= before)
		return;
	timers->at_us = dp_grow(timers->at_us, &caps[0], rows, sizeof(*timers->at_us));
	timers->heap = dp_grow(timers->heap, &caps[1], rows, sizeof(*timers->heap));
	timers->place = dp_grow(timers->place, &caps[2], rows, sizeof(*timers->place));
	timers->rows = caps[0];
	memset(timers->place + before, 0, (timers->rows - before) * sizeof(*timers->place));
}

void dp_timers_release(struct dp_timers *timers)
{
	free(timers->at_us);
	free(timers->heap);
	free(timers->place);
	*timers = (struct dp_timers){.count = 0};
}

static bool comes_before(const struct dp_timers *timers, uint32_t a, uint32_t b)
{
	if (timers->at_us[a] != timers->at_us[b])
		return timers->at_us[a] < timers->at_us[b];
	return a < b;
}

static void put(struct dp_timers *timers, size_t at, uint32_t row)
{
	timers->heap[at] = row;
	timers->place[row] = (uint32_t)at + 1;
}

/* Move row, which is to stand at a free place, to where it belongs. */
static void settle(struct dp_timers *timers, size_t at, uint32_t row)
{
	size_t child;

	for (; at && comes_before(timers, row, timers->heap[(at - 1) / 2]); at = (at - 1) / 2)
		put(timers, at, timers->heap[(at - 1) / 2]);
	while ((child = 2 * at + 1) < timers->count) {
		if (child + 1 < timers->count &&
			comes_before(timers, timers->heap[child + 1], timers->heap[child]))
			child++;
		if (!comes_before(timers, timers->heap[child], row))
			break;
		put(timers, at, timers->heap[child]);
		at = child;
	}
	put(timers, at, row);
}

void dp_timers_set(struct dp_timers *timers, uint32_t row, int64_t at_us)
{
	timers->at_us[row] = at_us;
	settle(timers, timers->place[row] ? timers->place[row] - 1 : timers->count++, row);
}

void dp_timers_clear(struct dp_timers *timers, uint32_t row)
{
	size_t at = timers->place[row];
	uint32_t last;

	if (!at)
		return;
	timers->place[row] = 0;
	last = timers->heap[--timers->count];
	if (last != row)
		settle(timers, at - 1, last);
}

bool dp_timers_first(const struct dp_timers *timers, uint32_t *row, int64_t *at_us)
{
	if (!timers->count)
		return false;
	*row = timers->heap[0];
	*at_us = timers->at_us[*row];
	return true;
}
