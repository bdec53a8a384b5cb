/* The ring of rows: first in, first out, also when it grows while it is wrapped. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "run/row_queue.h"

static void expect_head(struct dp_row_queue *queue, uint32_t row)
{
	assert_true(queue->count > 0);
	assert_int_equal(dp_row_queue_head(queue)->row, row);
	assert_int_equal(dp_row_queue_head(queue)->attempt, row % 5 + 1);
	dp_row_queue_pop(queue);
}

static void push(struct dp_row_queue *queue, uint32_t row)
{
	dp_row_queue_push(queue, row, (uint16_t)(row % 5 + 1));
}

static void rows_come_out_as_they_went_in(void **state)
{
	struct dp_row_queue queue = {0};

	(void)state;
	for (uint32_t i = 0; i < 1000; i++)
		push(&queue, i);
	for (uint32_t i = 0; i < 1000; i++)
		expect_head(&queue, i);
	assert_int_equal(queue.count, 0);
	free(queue.items);
}

static void ring_that_never_fills_does_not_grow(void **state)
{
	struct dp_row_queue queue = {0};
	size_t cap;

	(void)state;
	push(&queue, 0);
	cap = queue.cap;
	for (uint32_t i = 1; i < 1000; i++) {
		push(&queue, i);
		expect_head(&queue, i - 1);
		assert_int_equal(queue.cap, cap);
	}
	free(queue.items);
}

/* Fill a ring whose head stands at any place, and push one more. */
static void ring_grows_in_order_wherever_its_head_stands(void **state)
{
	(void)state;
	for (uint32_t lead = 0; lead < 40; lead++) {
		struct dp_row_queue queue = {0};
		uint32_t first = 0, next = 0;

		for (; first < lead; first++) {
			push(&queue, next++);
			expect_head(&queue, first);
		}
		push(&queue, next++);
		for (int grown = 0; grown < 3; grown++) {
			while (queue.count < queue.cap)
				push(&queue, next++);
			push(&queue, next++);
			expect_head(&queue, first++);
			expect_head(&queue, first++);
		}
		while (first < next)
			expect_head(&queue, first++);
		assert_int_equal(queue.count, 0);
		free(queue.items);
	}
}

static void emptied_queue_can_be_filled_again(void **state)
{
	struct dp_row_queue queue = {0};
	uint32_t next = 0;

	(void)state;
	for (uint32_t round = 1; round < 60; round++) {
		uint32_t first = next;

		for (uint32_t i = 0; i < round; i++)
			push(&queue, next++);
		while (first < next)
			expect_head(&queue, first++);
	}
	free(queue.items);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_come_out_as_they_went_in),
		cmocka_unit_test(ring_that_never_fills_does_not_grow),
		cmocka_unit_test(ring_grows_in_order_wherever_its_head_stands),
		cmocka_unit_test(emptied_queue_can_be_filled_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
