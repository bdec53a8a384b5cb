/* The ground: errors, buffers, memory, log. */
#include <errno.h>
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/buf.h"
#include "deploy/error.h"
#include "base/log.h"
#include "base/mem.h"

static void first_error_wins(void **state)
{
	struct deploy_error err = {.code = DEPLOY_OK};

	(void)state;
	assert_int_equal(deploy_error_set(&err, DEPLOY_INPUT, "line %d", 3), DEPLOY_INPUT);
	assert_int_equal(deploy_error_set(&err, DEPLOY_IO, "later"), DEPLOY_INPUT);
	assert_int_equal(err.code, DEPLOY_INPUT);
	assert_string_equal(err.text, "line 3");
}

static void wrap_puts_the_outer_context_in_front(void **state)
{
	struct deploy_error err = {.code = DEPLOY_OK};

	(void)state;
	(void)deploy_error_set(&err, DEPLOY_CONNECT, "connection refused");
	assert_int_equal(deploy_error_wrap(&err, "port %d", 5672), DEPLOY_CONNECT);
	assert_int_equal(deploy_error_wrap(&err, "broker1"), DEPLOY_CONNECT);
	assert_string_equal(err.text, "broker1: port 5672: connection refused");
}

static void error_is_one_line_and_cut_at_its_size(void **state)
{
	struct deploy_error err = {.code = DEPLOY_OK};
	char text[2000];

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	text[1] = '\n';
	text[2] = '\r';
	(void)deploy_error_set(&err, DEPLOY_INPUT, "%s", text);
	(void)deploy_error_wrap(&err, "a\nb");
	(void)deploy_error_wrap(&err, "%s", text);
	deploy_error_hint(&err, "%s", text);
	assert_null(strpbrk(err.text, "\r\n"));
	assert_null(strpbrk(err.hint, "\r\n"));
	assert_int_equal(strlen(err.text), sizeof(err.text) - 1);
	assert_int_equal(strlen(err.hint), sizeof(err.hint) - 1);
}

static void first_hint_wins(void **state)
{
	struct deploy_error err = {.code = DEPLOY_OK};

	(void)state;
	deploy_error_hint(&err, "try %s", "this");
	deploy_error_hint(&err, "or that");
	assert_string_equal(err.hint, "try this");
}

static void every_code_has_its_own_text(void **state)
{
	(void)state;
	for (int i = DEPLOY_NO_NODES; i <= DEPLOY_OK; i++) {
		assert_non_null(deploy_code_name((enum deploy_code)i));
		assert_string_not_equal(deploy_code_name((enum deploy_code)i), "unknown code");
		for (int j = DEPLOY_NO_NODES; j < i; j++)
			assert_string_not_equal(deploy_code_name((enum deploy_code)i),
				deploy_code_name((enum deploy_code)j));
	}
	assert_string_equal(deploy_code_name((enum deploy_code)1), "unknown code");
	assert_string_equal(
		deploy_code_name((enum deploy_code)(DEPLOY_NO_NODES - 1)), "unknown code");
}

static void every_log_level_has_its_own_text(void **state)
{
	(void)state;
	for (int i = DEPLOY_LOG_ERROR; i <= DEPLOY_LOG_TRACE; i++)
		for (int j = i + 1; j <= DEPLOY_LOG_TRACE + 1; j++)
			assert_string_not_equal(deploy_log_level_name((enum deploy_log_level)i),
				deploy_log_level_name((enum deploy_log_level)j));
	assert_string_equal(deploy_log_level_name((enum deploy_log_level) - 1), "unknown level");
}

static void buffer_ends_in_nul_and_holds_any_byte(void **state)
{
	struct dp_buf buf;

	(void)state;
	dp_buf_init(&buf, 100);
	assert_string_equal(dp_buf_text(&buf), "");
	dp_buf_add(&buf, "a\0b", 3);
	dp_buf_add_byte(&buf, 0xff);
	dp_buf_add_text(&buf, "cd");
	dp_buf_addf(&buf, "%d", 42);
	dp_buf_add(&buf, NULL, 0);
	assert_int_equal(buf.len, 8);
	assert_memory_equal(buf.data,
		"a\0b\xff"
		"cd42",
		9);
	dp_buf_clear(&buf);
	assert_int_equal(buf.len, 0);
	assert_string_equal(dp_buf_text(&buf), "");
	dp_buf_release(&buf);
}

static void buffer_takes_its_limit_and_not_a_byte_more(void **state)
{
	struct dp_buf buf;

	(void)state;
	dp_buf_init(&buf, 4);
	dp_buf_add_text(&buf, "abcd");
	assert_false(buf.overflow);
	dp_buf_add_byte(&buf, 'e');
	assert_true(buf.overflow);
	assert_string_equal(dp_buf_text(&buf), "abcd");
	dp_buf_clear(&buf);
	assert_false(buf.overflow);
	dp_buf_addf(&buf, "%s", "abcde");
	assert_true(buf.overflow);
	assert_string_equal(dp_buf_text(&buf), "");
	dp_buf_release(&buf);
}

static void buffer_reads_a_file_to_its_end_or_to_its_limit(void **state)
{
	static const size_t limits[] = {4, 7, 8, 100};
	struct dp_buf buf;

	(void)state;
	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		FILE *file = tmpfile();

		assert_non_null(file);
		assert_int_equal(fputs("abcdefg", file) < 0, 0);
		rewind(file);
		dp_buf_init(&buf, limits[i]);
		assert_int_equal(dp_buf_read(&buf, fileno(file)), 0);
		assert_int_equal(buf.overflow, limits[i] < 7);
		assert_string_equal(dp_buf_text(&buf), limits[i] < 7 ? "" : "abcdefg");
		dp_buf_release(&buf);
		(void)fclose(file);
	}
	dp_buf_init(&buf, 4);
	assert_int_equal(dp_buf_read(&buf, -1), -1);
	assert_int_equal(errno, EBADF);
	dp_buf_release(&buf);
}

static void overflow_is_remembered_so_that_the_rest_is_not_glued_on(void **state)
{
	struct dp_buf buf;

	(void)state;
	dp_buf_init(&buf, 4);
	dp_buf_add_text(&buf, "ab");
	dp_buf_add_text(&buf, "cde");
	dp_buf_add_text(&buf, "f");
	dp_buf_addf(&buf, "g");
	dp_buf_add(&buf, "h", SIZE_MAX);
	assert_string_equal(dp_buf_text(&buf), "ab");
	assert_true(buf.overflow);
	dp_buf_wipe(&buf);
	assert_null(buf.data);
}

static void taken_bytes_leave_the_buffer_empty(void **state)
{
	struct dp_buf buf;
	char *text;

	(void)state;
	dp_buf_init(&buf, 10);
	text = dp_buf_take(&buf);
	assert_string_equal(text, "");
	free(text);
	dp_buf_add_text(&buf, "abc");
	text = dp_buf_take(&buf);
	assert_string_equal(text, "abc");
	assert_string_equal(dp_buf_text(&buf), "");
	free(text);
	dp_buf_release(&buf);
}

static void array_grows_by_half_and_keeps_what_it_holds(void **state)
{
	int *array = NULL, *before;
	size_t cap = 0, moves = 0;

	(void)state;
	for (size_t i = 0; i < 10000; i++) {
		size_t old = cap;

		array = dp_grow(array, &cap, i + 1, sizeof(*array));
		moves += cap != old;
		array[i] = (int)i;
	}
	for (int i = 0; i < 10000; i++)
		assert_int_equal(array[i], i);
	assert_true(moves < 25);
	before = array;
	assert_ptr_equal(dp_grow(array, &cap, cap, sizeof(*array)), before);
	free(before);
}

static void copies_are_exact(void **state)
{
	char *texts[] = {
		dp_xstrdup("abc"), dp_xstrndup("abcd", 3), dp_xasprintf("%s%c", "ab", 'c')};
	unsigned char *zeros = dp_xcalloc(4, 2), secret[] = "secret";

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		assert_string_equal(texts[i], "abc");
		free(texts[i]);
	}
	assert_memory_equal(zeros, "\0\0\0\0\0\0\0\0", 8);
	dp_wipe(secret, sizeof(secret));
	assert_memory_equal(secret, "\0\0\0\0\0\0\0", 7);
	free(zeros);
}

static void collect_line(void *arg, enum deploy_log_level level, const char *text)
{
	struct dp_buf *buf = arg;

	dp_buf_addf(buf, "%s:%s;", deploy_log_level_name(level), text);
}

static void log_passes_what_its_level_asks_for(void **state)
{
	struct dp_buf seen;

	(void)state;
	dp_buf_init(&seen, 4096);
	deploy_log_set(collect_line, &seen, DEPLOY_LOG_INFO);
	dp_log(DEPLOY_LOG_ERROR, "%s", "a");
	dp_log(DEPLOY_LOG_INFO, "b %d", 1);
	dp_log(DEPLOY_LOG_DEBUG, "c");
	deploy_log_set(NULL, NULL, DEPLOY_LOG_TRACE);
	dp_log(DEPLOY_LOG_ERROR, "d");
	assert_string_equal(dp_buf_text(&seen), "error:a;info:b 1;");
	dp_buf_release(&seen);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(first_error_wins),
		cmocka_unit_test(wrap_puts_the_outer_context_in_front),
		cmocka_unit_test(error_is_one_line_and_cut_at_its_size),
		cmocka_unit_test(first_hint_wins),
		cmocka_unit_test(every_code_has_its_own_text),
		cmocka_unit_test(every_log_level_has_its_own_text),
		cmocka_unit_test(buffer_ends_in_nul_and_holds_any_byte),
		cmocka_unit_test(buffer_takes_its_limit_and_not_a_byte_more),
		cmocka_unit_test(buffer_reads_a_file_to_its_end_or_to_its_limit),
		cmocka_unit_test(overflow_is_remembered_so_that_the_rest_is_not_glued_on),
		cmocka_unit_test(taken_bytes_leave_the_buffer_empty),
		cmocka_unit_test(array_grows_by_half_and_keeps_what_it_holds),
		cmocka_unit_test(copies_are_exact),
		cmocka_unit_test(log_passes_what_its_level_asks_for),
	};

	return cmocka_run_group_tests_name("base", tests, NULL, NULL);
}
