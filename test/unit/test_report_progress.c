/* The line that says how far a run is, on a clock of the test's own. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "report_parts.h"

#define SECOND INT64_C(1000000)
#define START  (1700000000 * SECOND)

/* What is said so many seconds after the start, of a task that began then. */
static void says(
	struct report *report, int64_t after_s, struct deploy_event event, const char *line)
{
	char *text;

	event.type = DEPLOY_EVENT_PROGRESS;
	event.at_us = START + after_s * SECOND;
	text = report_progress_text(report, &event);
	assert_string_equal(line, text);
	free(text);
}

static void it_says_what_is_done_how_fast_and_who_is_slow(void **state)
{
	struct report report = {.asked = 100};
	struct deploy_event five = {.count = 5,
		.text = "web[01-05]",
		.node = "web03",
		.waited_us = 14 * SECOND + SECOND / 2};
	struct deploy_event one = {
		.count = 1, .text = "web03", .node = "web03", .waited_us = 19 * SECOND};
	struct deploy_event none = {.count = 2, .text = "web[1-2]"};

	(void)state;
	(void)report_pace_add(&report.pace, START, 0);
	report.done = 95;
	report.failed = 2;
	report.silent = 1;
	says(&report, 2, five,
		"95 of 100 done, 2 failed, 1 silent, 48/s; "
		"waiting for 5 nodes, longest for web03 (14 s): web[01-05]");
	report.done = 99;
	says(&report, 10, one,
		"99 of 100 done, 2 failed, 1 silent, 9.9/s; waiting for 1 node: web03 (19 s)");
	report.failed = report.silent = 0;
	says(&report, 60, none, "99 of 100 done, 0.0/s; waiting for 2 nodes: web[1-2]");
}

static void another_task_is_not_measured(void **state)
{
	struct report report = {.asked = 100, .done = 10};
	struct deploy_event event = {.count = 1, .text = "web1", .task = 1};

	(void)state;
	says(&report, 1, event, "waiting for 1 node: web1");
	report.asked = 0;
	event.task = 0;
	says(&report, 1, event, "waiting for 1 node: web1");
	assert_int_equal(0, report.pace.count);
}

static double rate_after(struct report_pace *pace, int64_t seconds, size_t done)
{
	return report_pace_add(pace, START + seconds * SECOND, done);
}

static void the_rate_is_that_of_the_last_seconds(void **state)
{
	struct report_pace pace = {.count = 0};

	(void)state;
	assert_true(rate_after(&pace, 0, 0) < 0);
	for (int64_t s = 1; s <= 20; s++)
		assert_true(rate_after(&pace, s, (size_t)s * 100) == 100);
	for (int64_t s = 21; s < 30; s++) {
		double rate = rate_after(&pace, s, 2000);

		assert_true(rate > 0 && rate < 100);
	}
	assert_true(rate_after(&pace, 31, 2000) == 0);
}

static void far_apart_it_is_the_rate_since_the_last_line(void **state)
{
	struct report_pace pace = {.count = 0};

	(void)state;
	(void)rate_after(&pace, 0, 0);
	assert_true(rate_after(&pace, 30, 300) == 10);
	assert_true(rate_after(&pace, 60, 900) == 20);
	assert_true(rate_after(&pace, 90, 900) == 0);
}

static void asked_for_often_it_is_the_rate_of_a_shorter_time(void **state)
{
	struct report_pace pace = {.count = 0};

	(void)state;
	for (int64_t i = 0; i < 100; i++) {
		double rate = report_pace_add(&pace, START + i * 1000, (size_t)i);

		assert_true(i ? rate > 999 && rate < 1001 : rate < 0);
		assert_in_range(pace.count, 1, REPORT_PACES);
	}
}

static void a_clock_that_was_set_back_gives_no_rate(void **state)
{
	struct report_pace pace = {.count = 0};

	(void)state;
	(void)rate_after(&pace, 40, 1);
	(void)rate_after(&pace, 50, 5);
	assert_true(rate_after(&pace, 45, 10) < 0);
	assert_true(rate_after(&pace, 45, 10) < 0);
	assert_true(rate_after(&pace, 47, 20) == 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_says_what_is_done_how_fast_and_who_is_slow),
		cmocka_unit_test(another_task_is_not_measured),
		cmocka_unit_test(the_rate_is_that_of_the_last_seconds),
		cmocka_unit_test(far_apart_it_is_the_rate_since_the_last_line),
		cmocka_unit_test(asked_for_often_it_is_the_rate_of_a_shorter_time),
		cmocka_unit_test(a_clock_that_was_set_back_gives_no_rate),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
