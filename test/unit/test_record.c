/* What is recorded of a command line: words as a shell takes them, and no secrets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "record.h"

struct line {
	const char *word, *recorded;
};

static void check(const struct line *lines, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		char *words[] = {(char *)(uintptr_t)lines[i].word};
		char *line = record_command_line(1, words);

		assert_string_equal(lines[i].recorded, line);
		free(line);
	}
}

static void words_are_quoted_for_a_shell(void **state)
{
	static const struct line lines[] = {{"ping", "ping"}, {"", "''"}, {"a b", "'a b'"},
		{"it's", "'it'\\''s'"}, {"fact=cluster", "fact=cluster"}, {"n:=[1]", "'n:=[1]'"}};
	char *words[] = {(char *)(uintptr_t) "rpc", (char *)(uintptr_t) "a;b"};
	char *line = record_command_line(2, words);

	(void)state;
	assert_string_equal("rpc 'a;b'", line);
	free(line);
	check(lines, sizeof(lines) / sizeof(lines[0]));
}

static void secrets_are_left_out(void **state)
{
	static const struct line lines[] = {{"password=hunter2", "password=***"},
		{"DbPassWord=a b", "DbPassWord=***"}, {"psk=", "psk=***"},
		{"a_key_with_a_long_name_of_more_than_64_bytes_whose_end_says_that_it_is_a_secret="
		 "x",
			"a_key_with_a_long_name_of_more_than_64_bytes_whose_end_says_that_it_is_a_"
			"secret=***"},
		{"user:={\"name\":\"ann\",\"password\":\"hunter2\"}", "user:=***"},
		{"service=passenger", "service=passenger"}};

	(void)state;
	check(lines, sizeof(lines) / sizeof(lines[0]));
}

static void who_logs_in_to_a_server_is_left_out(void **state)
{
	static const struct line lines[] = {
		{"https://ann:hunter2@h/x.yaml", "https://***@h/x.yaml"},
		{"--from-url=http://ann:p@ss@h", "--from-url=http://***@h"},
		{"http://@h", "http://***@h"}, {"https://h/a@b", "https://h/a@b"},
		{"see https://a:b@c, https://d:e@f", "'see https://***@c, https://***@f'"},
		{"://", "://"}, {"https://h/x?token=abc", "https://h/x?token=***"}};

	(void)state;
	check(lines, sizeof(lines) / sizeof(lines[0]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_are_quoted_for_a_shell),
		cmocka_unit_test(secrets_are_left_out),
		cmocka_unit_test(who_logs_in_to_a_server_is_left_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
