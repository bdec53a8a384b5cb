/* A set of strings that arrive one by one. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/strset.h"

static void empty_set_may_be_released_twice(void **state)
{
	struct dp_strset set;

	(void)state;
	dp_strset_init(&set);
	assert_int_equal(set.count, 0);
	dp_strset_release(&set);
	dp_strset_release(&set);
}

static void string_is_added_once(void **state)
{
	static const char *const names[] = {"web1", "", "web", "web11", "WEB1"};
	struct dp_strset set;

	(void)state;
	dp_strset_init(&set);
	for (size_t i = 0; i < 5; i++) {
		assert_true(dp_strset_add(&set, names[i]));
		assert_false(dp_strset_add(&set, names[i]));
	}
	assert_int_equal(set.count, 5);
	dp_strset_release(&set);
}

static void string_is_copied(void **state)
{
	char name[] = "web1";
	struct dp_strset set;

	(void)state;
	dp_strset_init(&set);
	assert_true(dp_strset_add(&set, name));
	name[3] = '2';
	assert_string_equal(set.items[0], "web1");
	assert_false(dp_strset_add(&set, "web1"));
	assert_true(dp_strset_add(&set, "web2"));
	dp_strset_release(&set);
}

static void what_was_not_added_is_not_found(void **state)
{
	struct dp_strset set;
	size_t at;

	(void)state;
	dp_strset_init(&set);
	assert_false(dp_strset_find(&set, "", &at));
	assert_true(dp_strset_add(&set, "web1"));
	assert_false(dp_strset_find(&set, "web", &at));
	assert_false(dp_strset_find(&set, "web11", &at));
	dp_strset_release(&set);
}

static void many_strings_keep_their_order_while_the_set_grows(void **state)
{
	struct dp_strset set;
	size_t at;
	char name[24];

	(void)state;
	dp_strset_init(&set);
	for (unsigned i = 0; i < 10000; i++) {
		(void)snprintf(name, sizeof(name), "web%u.example.net", i * 7919 % 10007);
		assert_true(dp_strset_add(&set, name));
		assert_true(2 * set.count <= set.slot_count);
	}
	for (unsigned i = 0; i < 10000; i++) {
		(void)snprintf(name, sizeof(name), "web%u.example.net", i * 7919 % 10007);
		assert_string_equal(set.items[i], name);
		assert_true(dp_strset_find(&set, name, &at));
		assert_int_equal(at, i);
		assert_false(dp_strset_add(&set, name));
	}
	assert_int_equal(set.count, 10000);
	assert_true(dp_strset_add(&set, "web10007.example.net"));
	dp_strset_release(&set);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(empty_set_may_be_released_twice),
		cmocka_unit_test(string_is_added_once),
		cmocka_unit_test(string_is_copied),
		cmocka_unit_test(what_was_not_added_is_not_found),
		cmocka_unit_test(many_strings_keep_their_order_while_the_set_grows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
