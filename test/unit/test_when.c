/* Times as people and programs read them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#include "when.h"

#define SECOND ((int64_t)1000000)

static void an_age_is_told_in_its_largest_unit_rounded_down(void **state)
{
	static const struct {
		int64_t seconds;
		const char *text;
	} rows[] = {{0, "0s"}, {59, "59s"}, {60, "1m"}, {119, "1m"}, {3599, "59m"}, {3600, "1h"},
		{86399, "23h"}, {86400, "1d"}, {40 * 86400, "40d"}, {-5, "0s"}};
	int64_t now = 1700000000 * SECOND;
	char buf[WHEN_SIZE];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_string_equal(
			when_age(buf, now - rows[i].seconds * SECOND, now), rows[i].text);
	assert_string_equal(when_age(buf, 0, now), "-");
}

static void people_read_their_own_time_and_programs_utc(void **state)
{
	int64_t at = 1700000000 * SECOND + 4999;
	char buf[WHEN_SIZE];
	json_t *text = when_json(at);

	(void)state;
	(void)setenv("TZ", "UTC-2", 1);
	tzset();
	assert_string_equal(when_local(buf, at), "2023-11-15 00:13:20");
	assert_string_equal(json_string_value(text), "2023-11-14T22:13:20.004Z");
	json_decref(text);
}

static void never_and_what_no_calendar_holds_are_no_time(void **state)
{
	char buf[WHEN_SIZE];

	(void)state;
	assert_string_equal(when_local(buf, 0), "-");
	assert_true(json_is_null(when_json(0)));
	assert_true(json_is_null(when_json(-5)));
	(void)when_local(buf, INT64_MAX);
	json_decref(when_json(INT64_MAX));
	(void)when_age(buf, 1, INT64_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_age_is_told_in_its_largest_unit_rounded_down),
		cmocka_unit_test(people_read_their_own_time_and_programs_utc),
		cmocka_unit_test(never_and_what_no_calendar_holds_are_no_time),
	};

	return cmocka_run_group_tests_name("when", tests, NULL, NULL);
}
