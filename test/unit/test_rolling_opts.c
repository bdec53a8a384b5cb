/* --timeout and its defaults: who says how long a reply is waited for. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "rolling_opts.h"

/* What is waited for; each in ms, -1 or 0: not said. */
static long long timeout_of(long long given, long long configured, long long expected)
{
	struct deploy_config config = {.timeout_ms = configured};
	struct deploy_error err = {.code = DEPLOY_OK};
	struct rolling_opts rolling = {.run_deadline_ms = 0};

	rolling_opts_init(&rolling);
	if (given >= 0)
		rolling.policy.timeout_ms = given;
	if (expected)
		rolling_opts_expect(&rolling, &config, expected);
	assert_int_equal(0, rolling_opts_finish(&rolling, &config, &err));
	return rolling.policy.timeout_ms;
}

static void the_option_then_the_configuration_then_the_agent_say_how_long(void **state)
{
	(void)state;
	assert_int_equal(30000, timeout_of(-1, 0, 0));
	assert_int_equal(65000, timeout_of(-1, 0, 65000));
	assert_int_equal(20000, timeout_of(-1, 20000, 65000));
	assert_int_equal(10, timeout_of(10, 20000, 65000));
	assert_int_equal(10, timeout_of(10, 0, 65000));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_option_then_the_configuration_then_the_agent_say_how_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
