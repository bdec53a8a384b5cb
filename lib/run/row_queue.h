/* Rows of a task in the order in which they fall due. Entries may be stale; the reader knows. */
#ifndef DP_ROW_QUEUE_H
#define DP_ROW_QUEUE_H

#include <stddef.h>
#include <stdint.h>

struct dp_row_entry {
	uint32_t row;
	uint16_t attempt;
};

/* Zero-initialise; free items. */
struct dp_row_queue {
	struct dp_row_entry *items; /* a ring */
	size_t head, count, cap;
};

void dp_row_queue_push(struct dp_row_queue *queue, uint32_t row, uint16_t attempt);
const struct dp_row_entry *dp_row_queue_head(const struct dp_row_queue *queue); /* count > 0 */
void dp_row_queue_pop(struct dp_row_queue *queue);

#endif
