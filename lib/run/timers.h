/* When each row of a task is to be woken: one time a row, the earliest first. */
#ifndef DP_TIMERS_H
#define DP_TIMERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct dp_timers {
	int64_t *at_us;	 /* per row */
	uint32_t *heap;	 /* rows */
	uint32_t *place; /* per row: in heap, from 1; 0: it has no time */
	size_t count;	 /* of heap */
	size_t rows;
};

void dp_timers_init(struct dp_timers *timers, size_t rows);

/* Let there be so many rows, at least. */
void dp_timers_extend(struct dp_timers *timers, size_t rows);

void dp_timers_release(struct dp_timers *timers);

/* Set, or change, the time of a row. */
void dp_timers_set(struct dp_timers *timers, uint32_t row, int64_t at_us);
void dp_timers_clear(struct dp_timers *timers, uint32_t row);

/* The row whose time comes first, of equal ones the first row; false if none has a time. */
bool dp_timers_first(const struct dp_timers *timers, uint32_t *row, int64_t *at_us);

#endif
