/* Regular expressions in Ruby's dialect. The expectations were taken from Ruby 3.1. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/regex.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static int search(const char *pattern, bool ignore_case, const char *text, size_t len)
{
	struct deploy_error err = {.code = DEPLOY_OK};
	struct dp_regex *regex;
	int found;

	if (dp_regex_new(&regex, pattern, strlen(pattern), ignore_case, &err) != 0)
		fail_msg("/%s/: %s", pattern, err.text);
	found = dp_regex_matches(regex, text, len);
	dp_regex_free(regex);
	return found;
}

struct sample {
	const char *pattern, *text;
	int found;
};

static void check(const struct sample *samples, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (search(samples[i].pattern, false, samples[i].text, strlen(samples[i].text)) !=
			samples[i].found)
			fail_msg("/%s/ on \"%s\"", samples[i].pattern, samples[i].text);
}

static void pattern_matches_anywhere_and_anchors_at_lines(void **state)
{
	static const struct sample samples[] = {
		{"eb", "web1", 1},
		{"", "", 1},
		{"", "a", 1},
		{"^web", "my web", 0},
		{"^web", "my\nweb", 1},
		{"my$", "my\nweb", 1},
		{"\\Aweb", "my\nweb", 0},
		{"my\\z", "my\n", 0},
		{"my\\Z", "my\n", 1},
		{"my\\Z", "my\n\n", 0},
		{"my$", "my\n\n", 1},
		{"a.b", "a\nb", 0},
		{"a.b", "a\rb", 1},
		{"^\\z", "a\n", 0},
		{"WEB", "web", 0},
		{"\\d{2}", "a12", 1},
		{"w+?b", "wwb", 1},
	};

	(void)state;
	check(samples, COUNT(samples));
}

static void escapes_mean_what_they_mean_in_ruby(void **state)
{
	static const struct sample samples[] = {
		{"^\\h+$", "beef09", 1},
		{"^\\h+$", "xyz", 0},
		{"\\h", " ", 0},
		{"\\H", "a", 0},
		{"\\H", "x", 1},
		{"^[\\h:]+$", "be:ef", 1},
		{"^[\\h:]+$", "be ef", 0},
		{"[\\H]", "a", 0},
		{"[^\\h]", "g", 1},
		{"\\v", "\v", 1},
		{"\\v", "\n", 0},
		{"[\\v]", "\v", 1},
		{"\\Qa", "Qa", 1},
		{"\\Q.\\E", "QxE", 1},
		{"\\u00fc", "\xc3\xbc", 1},
		{"\\u{fc}", "\xc3\xbc", 1},
		{"[\\u00fc]", "\xc3\xbc", 1},
		{"\\w", "\xc3\xbc", 0},
		{"\\\\h", "\\h", 1},
		{"\\\\h", "\\a", 0},
		{"a\\/b", "a/b", 1},
		{"\\/", "/", 1},
		{"[[:alpha:]]", "1", 0},
		{"[[:^alpha:]]", "1", 1},
		{"[]a]", "]", 1},
		{"[^]a]", "b", 1},
		{"[a\\]]", "]", 1},
		{"[a\\[]", "[", 1},
	};

	(void)state;
	check(samples, COUNT(samples));
}

static void inline_m_is_dot_matches_newline_and_never_moves_the_anchors(void **state)
{
	static const struct sample samples[] = {
		{"(?m:a.b)", "a\nb", 1},
		{"(?m)a.b", "a\nb", 1},
		{"(?-mix:^b)", "a\nb", 1},
		{"(?-m:a.b)", "a\nb", 0},
		{"(?mi-x:A.b)", "a\nb", 1},
		{"(?i)AB", "ab", 1},
		{"(?i:A)B", "aB", 1},
		{"(?x) a b ", "ab", 1},
		{"(?:a)", "a", 1},
		{"(?=a)a", "a", 1},
		{"(?<n>a)\\k<n>", "aa", 1},
		{"(?<!x)a", "xa", 0},
		{"(?>a+)a", "aaa", 0},
		{"[(?m)]", "?", 1},
		{"[(*]", "*", 1},
	};

	(void)state;
	check(samples, COUNT(samples));
}

static void case_is_ignored_only_when_asked_umlauts_included(void **state)
{
	(void)state;
	assert_int_equal(search("WEB", true, "web", 3), 1);
	assert_int_equal(search("\xc3\x9c", true, "\xc3\xbc", 2), 1);
	assert_int_equal(search("\xc3\x9c", false, "\xc3\xbc", 2), 0);
}

static void text_is_read_by_characters_if_it_is_utf8_else_by_bytes(void **state)
{
	(void)state;
	assert_int_equal(search("^.$", false, "\xc3\xbc", 2), 1);
	assert_int_equal(search("^..$", false, "\xff\xfe", 2), 1);
	assert_int_equal(search("^a.$", false, "a\xc3", 2), 1);
	assert_int_equal(search("\\u20ac", false, "\xff", 1), 0);
	assert_int_equal(search("a.b", false, "a\0b", 3), 1);
	assert_int_equal(search("\xff", false, "\xff", 1), 1);
	assert_int_equal(search("\xff", false, "a", 1), 0);
}

static void pattern_that_ruby_refuses_or_reads_otherwise_is_refused_by_name(void **state)
{
	static const char *const patterns[] = {"(", ")", "a(b", "[", "[a", "[]", "[^]", "*", "+a",
		"?", "a{2,1}", "\\", "(?<n", "(?z)", "(?<1>a)", "\\k<none>", "(?P", "[b-a]",
		"(*UTF)a", "(*MARK:x)", "(*ACCEPT)", "[a[bc]]", "[a-z&&[^b]]", "[[]",
		"[[:nosuch:]]", "\\p{Nosuch}", "\\u12", "\\u{}", "\\u{12", "\\C", "(?#", "a**b(",
		"(?<=a*)b", "\\u{110000}", "(?"};
	struct dp_regex *regex;

	(void)state;
	for (size_t i = 0; i < COUNT(patterns); i++) {
		struct deploy_error err = {.code = DEPLOY_OK};

		if (dp_regex_new(&regex, patterns[i], strlen(patterns[i]), false, &err) !=
			DEPLOY_INPUT)
			fail_msg("/%s/ was taken", patterns[i]);
		assert_null(regex);
		assert_non_null(strstr(err.text, patterns[i]));
	}
}

static void pattern_is_limited_to_8_kib(void **state)
{
	struct deploy_error err = {.code = DEPLOY_OK};
	struct dp_regex *regex;
	char *long_one = malloc(8193);

	(void)state;
	memset(long_one, 'a', 8193);
	assert_int_equal(dp_regex_new(&regex, long_one, 8192, false, &err), 0);
	dp_regex_free(regex);
	assert_int_equal(dp_regex_new(&regex, long_one, 8193, false, &err), DEPLOY_INPUT);
	assert_null(regex);
	memset(long_one, '(', 8192);
	err.code = DEPLOY_OK;
	assert_int_equal(dp_regex_new(&regex, long_one, 8192, false, &err), DEPLOY_INPUT);
	free(long_one);
}

static void search_that_explodes_is_given_up(void **state)
{
	char text[64];

	(void)state;
	memset(text, 'a', sizeof(text));
	assert_int_equal(search("^(a+)+b$", false, text, sizeof(text)), 0); /* seen at once: no b */
	assert_int_equal(search("^(a|a)+[bc]$", false, text, sizeof(text)), -1);
	assert_int_equal(search("^(a|aa)+(?:b|$)$x*y?z", false, text, sizeof(text)), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pattern_matches_anywhere_and_anchors_at_lines),
		cmocka_unit_test(escapes_mean_what_they_mean_in_ruby),
		cmocka_unit_test(inline_m_is_dot_matches_newline_and_never_moves_the_anchors),
		cmocka_unit_test(case_is_ignored_only_when_asked_umlauts_included),
		cmocka_unit_test(text_is_read_by_characters_if_it_is_utf8_else_by_bytes),
		cmocka_unit_test(pattern_that_ruby_refuses_or_reads_otherwise_is_refused_by_name),
		cmocka_unit_test(pattern_is_limited_to_8_kib),
		cmocka_unit_test(search_that_explodes_is_given_up),
	};

	return cmocka_run_group_tests_name("regex", tests, NULL, NULL);
}
