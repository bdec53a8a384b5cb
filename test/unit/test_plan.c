/* Plans: amounts, ramps and who owns what. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "deploy/plan.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void amount_is_a_number_or_a_per_cent(void **state)
{
	static const struct {
		const char *text;
		unsigned value;
		bool is_percent;
	} cases[] = {{"1", 1, false}, {"10", 10, false}, {"010", 10, false},
		{"200000", 200000, false}, {"999999999", 999999999, false}, {"1%", 1, true},
		{"100%", 100, true}};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct deploy_error err = {.code = DEPLOY_OK};
		struct deploy_amount amount;

		assert_int_equal(deploy_amount_parse(&amount, cases[i].text, false, &err), 0);
		assert_int_equal(amount.value, cases[i].value);
		assert_int_equal(amount.is_percent, cases[i].is_percent);
	}
}

static void malformed_amount_is_refused(void **state)
{
	static const char *const cases[] = {"", " ", "%", "-1", "+1", " 1", "1 ", "1 %", "1%%",
		"%1", "1.5", "1.5%", "1e3", "0x1", "ten", "101%", "1000%", "9999999999",
		"99999999999999999999%", "1,2", "1\n", "1%x", "\xd9\xa1"};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct deploy_error err = {.code = DEPLOY_OK};
		struct deploy_amount amount = {7, false};

		if (deploy_amount_parse(&amount, cases[i], true, &err) != DEPLOY_USAGE)
			fail_msg("\"%s\" was taken", cases[i]);
		assert_int_equal(amount.value, 7);
	}
}

static void zero_is_an_amount_only_where_it_means_something(void **state)
{
	static const char *const cases[] = {"0", "00", "0%"};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct deploy_error err = {.code = DEPLOY_OK};
		struct deploy_amount amount = {7, false};

		assert_int_equal(deploy_amount_parse(&amount, cases[i], true, &err), 0);
		assert_int_equal(amount.value, 0);
		assert_int_equal(deploy_amount_parse(&amount, cases[i], false, &err), DEPLOY_USAGE);
	}
}

static void group_rounds_up_and_tolerance_rounds_down(void **state)
{
	static const struct {
		struct deploy_amount amount;
		size_t total, group, limit;
	} cases[] = {
		{{10, true}, 100, 10, 10},
		{{10, true}, 101, 11, 10},
		{{10, true}, 9, 1, 0},
		{{1, true}, 1, 1, 0},
		{{33, true}, 10, 4, 3},
		{{100, true}, 7, 7, 7},
		{{50, true}, 3, 2, 1},
		{{10, true}, 0, 1, 0},
		{{5, false}, 100, 5, 5},
		{{5, false}, 3, 5, 5},
		{{0, false}, 100, 1, 0},
		{{0, true}, 100, 1, 0},
		{{99, true}, 200000, 198000, 198000},
		{{1, true}, 199999, 2000, 1999},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		assert_int_equal(
			deploy_amount_group(cases[i].amount, cases[i].total), cases[i].group);
		assert_int_equal(
			deploy_amount_limit(cases[i].amount, cases[i].total), cases[i].limit);
	}
}

static void part_is_rounded_down_and_never_nothing(void **state)
{
	static const struct {
		struct deploy_amount amount;
		size_t total, part;
	} cases[] = {{{0, false}, 7, 7}, {{3, false}, 7, 3}, {{9, false}, 7, 7}, {{50, true}, 7, 3},
		{{1, true}, 7, 1}, {{100, true}, 7, 7}, {{5, false}, 0, 0}, {{5, true}, 0, 0},
		{{0, false}, 0, 0}};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(
			deploy_amount_part(cases[i].amount, cases[i].total), cases[i].part);
}

static void ramp_is_read_in_order(void **state)
{
	struct deploy_policy policy = {.batch_count = 0};
	struct deploy_error err = {.code = DEPLOY_OK};

	(void)state;
	assert_int_equal(deploy_policy_parse_batch(&policy, "1,10%,100%", &err), 0);
	assert_int_equal(policy.batch_count, 3);
	assert_int_equal(policy.batch[0].value, 1);
	assert_false(policy.batch[0].is_percent);
	assert_int_equal(policy.batch[1].value, 10);
	assert_true(policy.batch[2].is_percent);
	assert_int_equal(deploy_policy_parse_batch(&policy, "5", &err), 0);
	assert_int_equal(policy.batch_count, 1);
	assert_int_equal(
		deploy_policy_parse_batch(&policy, "1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1", &err), 0);
	assert_int_equal(policy.batch_count, DEPLOY_MAX_RAMP);
}

static void malformed_ramp_is_refused_and_changes_nothing(void **state)
{
	static const char *const cases[] = {"", ",", "1,", ",1", "1,,2", "1,0", "0", "0%", "1, 2",
		"1;2", "1-2", "1,101%", "1,x", "-1", "1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1"};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct deploy_policy policy = {.batch_count = 1, .batch = {{7, false}}};
		struct deploy_error err = {.code = DEPLOY_OK};

		if (deploy_policy_parse_batch(&policy, cases[i], &err) != DEPLOY_USAGE)
			fail_msg("\"%s\" was taken", cases[i]);
		assert_int_equal(policy.batch_count, 1);
		assert_int_equal(policy.batch[0].value, 7);
	}
}

static void plan_owns_what_its_tasks_are_given(void **state)
{
	struct deploy_plan *plan = deploy_plan_new();
	struct deploy_error err = {.code = DEPLOY_OK};

	(void)state;
	for (int i = 0; i < 20; i++) {
		struct deploy_request *request = deploy_request_ping();
		struct deploy_task *task = deploy_plan_take_request(plan, request);

		assert_ptr_equal(task->request, request);
		assert_int_equal(task->nodes_from, -1);
		assert_null(task->nodes);
		task->nodes = deploy_nodeset_new();
		task->exclude = deploy_nodeset_new();
		assert_int_equal(deploy_nodeset_parse(task->nodes, "n[1-9]", &err), 0);
		assert_int_equal(deploy_filter_add_fact(&task->filter, "a=b", &err), 0);
	}
	assert_int_equal(plan->task_count, 20);
	deploy_plan_free(plan);
	deploy_plan_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(amount_is_a_number_or_a_per_cent),
		cmocka_unit_test(malformed_amount_is_refused),
		cmocka_unit_test(zero_is_an_amount_only_where_it_means_something),
		cmocka_unit_test(group_rounds_up_and_tolerance_rounds_down),
		cmocka_unit_test(part_is_rounded_down_and_never_nothing),
		cmocka_unit_test(ramp_is_read_in_order),
		cmocka_unit_test(malformed_ramp_is_refused_and_changes_nothing),
		cmocka_unit_test(plan_owns_what_its_tasks_are_given),
	};

	return cmocka_run_group_tests_name("plan", tests, NULL, NULL);
}
