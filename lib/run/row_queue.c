/* A ring buffer that grows. */
#include "run/row_queue.h"

#include <string.h>

#include "base/mem.h"

static void grow(struct dp_row_queue *queue)
{
	size_t old = queue->cap, tail = old - queue->head;

	queue->items = dp_grow(queue->items, &queue->cap, old + 1, sizeof(*queue->items));
	if (!queue->head)
		return;
	/* What stood behind the head goes to the new end, so that the ring closes again. */
	memmove(queue->items + queue->cap - tail, queue->items + queue->head,
		tail * sizeof(*queue->items));
	queue->head = queue->cap - tail;
}

void dp_row_queue_push(struct dp_row_queue *queue, uint32_t row, uint16_t attempt)
{
	if (queue->count == queue->cap)
		grow(queue);
	queue->items[(queue->head + queue->count++) % queue->cap] =
		(struct dp_row_entry){row, attempt};
}

const struct dp_row_entry *dp_row_queue_head(const struct dp_row_queue *queue)
{
	return &queue->items[queue->head];
}

void dp_row_queue_pop(struct dp_row_queue *queue)
{
	queue->head = (queue->head + 1) % queue->cap;
	queue->count--;
}
