/* Exit statuses: each has a name, and of two that hold the right one wins. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "exits.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* The order of precedence, worst first; 130 and 143 share a place. */
static const int worst_first[] = {
	130, 124, 70, 74, 78, 64, 65, 66, 77, 69, 6, 5, 2, 3, 4, 1, 10, 0};

static void every_status_has_a_name_and_a_text(void **state)
{
	size_t i, k;

	(void)state;
	for (i = 0; exit_infos[i].status != EXIT_LIST_END; i++) {
		assert_true(strlen(exit_infos[i].name) > 0);
		assert_true(strlen(exit_infos[i].text) > 0);
		assert_string_equal(exit_name((int)exit_infos[i].status), exit_infos[i].name);
		for (k = 0; k < i; k++) {
			assert_true(exit_infos[k].status < exit_infos[i].status);
			assert_string_not_equal(exit_infos[k].name, exit_infos[i].name);
		}
	}
	assert_int_equal(i, COUNT(worst_first) + 1);
}

static void the_worse_status_wins_whichever_comes_first(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(worst_first); i++) {
		for (size_t k = i; k < COUNT(worst_first); k++) {
			assert_int_equal(
				exit_worse(worst_first[i], worst_first[k]), worst_first[i]);
			assert_int_equal(
				exit_worse(worst_first[k], worst_first[i]), worst_first[i]);
		}
	}
}

static void of_two_signals_the_one_that_held_first_stays(void **state)
{
	(void)state;
	assert_int_equal(exit_worse(130, 143), 130);
	assert_int_equal(exit_worse(143, 130), 143);
	for (size_t i = 1; i < COUNT(worst_first); i++)
		assert_int_equal(exit_worse(worst_first[i], 143), 143);
}

static void a_status_that_is_not_in_the_list_counts_as_internal(void **state)
{
	static const int strange[] = {-1, -7, 7, 11, 42, 63, 71, 127, 255, 256, 100000};

	(void)state;
	for (size_t i = 0; i < COUNT(strange); i++) {
		assert_string_equal(exit_name(strange[i]), "internal");
		assert_int_equal(exit_worse(strange[i], 74), strange[i]);
		assert_int_equal(exit_worse(0, strange[i]), strange[i]);
		assert_int_equal(exit_worse(strange[i], 124), 124);
	}
}

static void every_error_has_a_status_of_its_own_kind(void **state)
{
	static const struct {
		enum deploy_code code;
		int status;
	} cases[] = {{DEPLOY_OK, 0}, {DEPLOY_USAGE, 64}, {DEPLOY_CONFIG, 78}, {DEPLOY_INPUT, 65},
		{DEPLOY_CONNECT, 69}, {DEPLOY_AUTH, 77}, {DEPLOY_PROTOCOL, 69},
		{DEPLOY_TIMEOUT, 124}, {DEPLOY_IO, 74}, {DEPLOY_NO_INPUT, 66}, {DEPLOY_REFUSED, 6},
		{DEPLOY_STOPPED, 5}, {DEPLOY_NO_NODES, 1}, {DEPLOY_INTERRUPTED, 130},
		{DEPLOY_BUG, 70}, {(enum deploy_code) - 99, 70}, {(enum deploy_code)3, 70}};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++)
		assert_int_equal(exit_of_error(cases[i].code), cases[i].status);
}

static void the_first_error_and_the_first_hint_win(void **state)
{
	struct deploy_error err = {0};

	(void)state;
	assert_int_equal(deploy_error_set(&err, DEPLOY_USAGE, "option %s", "-x"), DEPLOY_USAGE);
	assert_int_equal(deploy_error_set(&err, DEPLOY_BUG, "another"), DEPLOY_USAGE);
	deploy_error_hint(&err, "deployctl %s", "help");
	deploy_error_hint(&err, "rm -rf /");
	assert_string_equal(err.text, "option -x");
	assert_string_equal(err.hint, "deployctl help");
	assert_int_equal(deploy_error_wrap(&err, "%s", "ping"), DEPLOY_USAGE);
	assert_string_equal(err.text, "ping: option -x");
}

static void an_error_is_one_line_and_never_overflows(void **state)
{
	struct deploy_error err = {0};
	char longest[2000];

	(void)state;
	memset(longest, 'x', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	longest[3] = '\n';
	longest[5] = '\r';
	(void)deploy_error_set(&err, DEPLOY_INPUT, "%s", longest);
	deploy_error_hint(&err, "%s", longest);
	assert_int_equal(strlen(err.text), sizeof(err.text) - 1);
	assert_int_equal(strlen(err.hint), sizeof(err.hint) - 1);
	(void)deploy_error_wrap(&err, "%s", "a\nb");
	assert_int_equal(strlen(err.text), sizeof(err.text) - 1);
	(void)deploy_error_wrap(&err, "%s", longest);
	assert_null(strpbrk(err.text, "\r\n"));
	assert_null(strpbrk(err.hint, "\r\n"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_status_has_a_name_and_a_text),
		cmocka_unit_test(the_worse_status_wins_whichever_comes_first),
		cmocka_unit_test(of_two_signals_the_one_that_held_first_stays),
		cmocka_unit_test(a_status_that_is_not_in_the_list_counts_as_internal),
		cmocka_unit_test(every_error_has_a_status_of_its_own_kind),
		cmocka_unit_test(the_first_error_and_the_first_hint_win),
		cmocka_unit_test(an_error_is_one_line_and_never_overflows),
	};

	return cmocka_run_group_tests_name("exits", tests, NULL, NULL);
}
