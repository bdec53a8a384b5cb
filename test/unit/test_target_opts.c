/* Which nodes, as options: what discovery is told. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "command.h"
#include "target_opts.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void assert_times(const struct target_opts *target, long long discovery, long long window)
{
	static char name[] = "mcollective";
	struct deploy_config config = {
		.main_collective = name, .discovery_timeout_ms = 2000, .window_ms = 300};
	struct ctx ctx = {.config = &config};
	struct deploy_plan *plan = deploy_plan_new();

	target_plan_discovery(plan, &ctx, target, "rpcutil");
	assert_int_equal(plan->task_count, 1);
	assert_int_equal(plan->tasks[0]->policy.discovery_ms, discovery);
	assert_int_equal(plan->tasks[0]->policy.window_ms, window);
	assert_int_equal(plan->tasks[0]->filter.compound_count, target->filter.compound_count);
	deploy_plan_free(plan);
}

static void functions_add_their_time_to_both_limits_of_discovery(void **state)
{
	static const struct {
		const char *expression;
		long long added_ms; /* with those before */
	} samples[] = {{"apache or not country=de", 0}, {"fact('x').value=1 or apache", 1000},
		{"service('x').status=running and fact('y').value=2", 5000}};
	struct target_opts target = {.is_one = false};
	struct deploy_error err = {.code = DEPLOY_OK};

	(void)state;
	target_opts_init(&target);
	assert_times(&target, 2000, 300);
	for (size_t i = 0; i < COUNT(samples); i++) {
		assert_int_equal(
			deploy_filter_add_compound(&target.filter, samples[i].expression, &err), 0);
		assert_times(&target, 2000 + samples[i].added_ms, 300 + samples[i].added_ms);
	}
	target.discovery_ms = 50;
	target.window_ms = 0;
	assert_times(&target, 5050, 5000);
	target_opts_release(&target);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(functions_add_their_time_to_both_limits_of_discovery),
	};

	return cmocka_run_group_tests_name("target_opts", tests, NULL, NULL);
}
