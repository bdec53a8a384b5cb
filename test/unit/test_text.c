/* Text at the edges: times, escapes, widths, suggestions. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "deploy/text.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void time_is_read_in_every_unit(void **state)
{
	static const struct {
		const char *text;
		long long ms;
	} cases[] = {
		{"0", 0},
		{"5", 5000},
		{"2.5", 2500},
		{"005", 5000},
		{"300ms", 300},
		{"90s", 90000},
		{"5m", 300000},
		{"1h", 3600000},
		{"2d", 172800000},
		{"1.5h", 5400000},
		{"0.25s", 250},
		{"0.0004", 0},
		{"0.0005", 1},
		{"0.4ms", 0},
		{"0.5ms", 1},
		{"0.1234567891234567890s", 123},
		{"3650d", 315360000000},
		{"315360000", 315360000000},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct deploy_error err = {.code = DEPLOY_OK};
		long long ms = -1;

		assert_int_equal(deploy_time_parse(&ms, cases[i].text, &err), 0);
		assert_true(ms == cases[i].ms);
	}
}

static void time_that_is_malformed_or_too_long_is_refused_by_name(void **state)
{
	static const char *const cases[] = {"", " ", "s", "ms", "-1", "+1", " 5", "5 ", "5 s",
		"1e3", ".5", "5.", "5.s", "1.2.3", "5S", "5min", "5w", "5ms1", "1h30m", "0x10",
		"five", "5,5", "inf", "nan", "3651d", "315360001", "99999999999999999999999999",
		"99999999999999999999999999ms", "\n5"};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct deploy_error err = {.code = DEPLOY_OK};
		long long ms = -1;

		assert_int_equal(deploy_time_parse(&ms, cases[i], &err), DEPLOY_USAGE);
		assert_true(ms == -1);
		assert_non_null(strstr(err.text, "time \""));
	}
}

static void escape_leaves_no_byte_that_moves_a_terminal(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
		const char *shown;
	} cases[] = {
		{"", 0, ""},
		{"plain /text\\", 12, "plain /text\\"},
		{"\033[2J", 4, "\\e[2J"},
		{"a\nb\r\tc", 6, "a\\nb\\r\\tc"},
		{"\a\b", 2, "\\x07\\x08"},
		{"a\0b", 3, "a\\x00b"},
		{"\x7f", 1, "\\x7f"},
		{"\xc2\x9b", 2, "\\x9b"},
		{"\xc2\xa0", 2, "\xc2\xa0"},
		{"gr\xc3\xbc\xc3\x9f", 6, "gr\xc3\xbc\xc3\x9f"},
		{"\xe2\x80\xae", 3, "\\u202e"},
		{"\xe2\x81\xa6", 3, "\\u2066"},
		{"\xd8\x9c", 2, "\\u061c"},
		{"\xe2\x80\xa8", 3, "\\u2028"},
		{"\xf0\x9f\x98\x80", 4, "\xf0\x9f\x98\x80"},
		{"\xff", 1, "\\xff"},
		{"\xc3", 1, "\\xc3"},
		{"\xc3(", 2, "\\xc3("},
		{"\x9b", 1, "\\x9b"},
		{"\xc0\x80", 2, "\\xc0\\x80"},
		{"\xed\xa0\x80", 3, "\\xed\\xa0\\x80"},
		{"\xf4\x90\x80\x80", 4, "\\xf4\\x90\\x80\\x80"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		char *shown = deploy_text_escape(cases[i].bytes, cases[i].len);

		assert_string_equal(shown, cases[i].shown);
		free(shown);
	}
}

static void utf8_is_what_rfc_3629_says_without_nul(void **state)
{
	static const char *const valid[] = {"", "a", "\x7f", "\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80",
		"\xed\x9f\xbf", "\xee\x80\x80", "\xef\xbf\xbf", "\xf0\x90\x80\x80",
		"\xf4\x8f\xbf\xbf"};
	static const char *const invalid[] = {"\x80", "\xbf", "\xc0\xaf", "\xc1\xbf", "\xc2",
		"\xc2\xc2", "\xe0\x9f\xbf", "\xe2\x82", "\xed\xa0\x80", "\xed\xbf\xbf",
		"\xf0\x8f\xbf\xbf", "\xf0\x9f\x98", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80",
		"\xf8\x88\x80\x80\x80", "\xfe", "\xff", "a\xffz"};

	(void)state;
	for (size_t i = 0; i < COUNT(valid); i++)
		assert_true(deploy_text_is_utf8(valid[i], strlen(valid[i])));
	for (size_t i = 0; i < COUNT(invalid); i++)
		assert_false(deploy_text_is_utf8(invalid[i], strlen(invalid[i])));
	assert_false(deploy_text_is_utf8("a\0b", 3));
	assert_false(deploy_text_is_utf8("\xc3\xbc", 1));
}

static void columns_count_characters_not_bytes(void **state)
{
	static const struct {
		const char *text;
		size_t columns;
	} cases[] = {
		{"", 0},
		{"web1", 4},
		{"gr\xc3\xbc\xc3\x9f", 4},
		{"e\xcc\x81", 1},
		{"\xe6\x97\xa5\xe6\x9c\xac", 4},
		{"\xf0\x9f\x98\x80", 2},
		{"\xe2\x80\x8b", 0},
		{"\xff\xff", 2},
		{"\xea\xb0\x80", 2},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++)
		assert_int_equal(deploy_text_columns(cases[i].text), cases[i].columns);
}

static void suggestion_is_the_nearest_within_a_third(void **state)
{
	static const char *const names[] = {
		"discover", "ping", "puppet", "status", "sign-cert", "rpc"};
	static const struct {
		const char *word, *suggested;
	} cases[] = {
		{"discovr", "discover"},
		{"dicsover", "discover"},
		{"pign", "ping"},
		{"pin", "ping"},
		{"pupet", "puppet"},
		{"state", "status"},
		{"sign_cert", "sign-cert"},
		{"ping", "ping"},
		{"rcp", "rpc"},
		{"Ping", "ping"},
		{"", NULL},
		{"x", NULL},
		{"rp", "rpc"},
		{"pong1", NULL},
		{"delete", NULL},
		{"discoverdiscover", NULL},
	};
	char word[200];

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		const char *found = deploy_text_suggest(cases[i].word, names, COUNT(names));

		assert_int_equal(found == NULL, cases[i].suggested == NULL);
		if (found)
			assert_string_equal(found, cases[i].suggested);
	}
	memset(word, 'p', sizeof(word) - 1);
	word[sizeof(word) - 1] = '\0';
	assert_null(deploy_text_suggest(word, names, COUNT(names)));
	assert_null(deploy_text_suggest("ping", names, 0));
}

static void suggestion_of_two_equally_near_is_the_first(void **state)
{
	static const char *const names[] = {"web1", "web2"};

	(void)state;
	assert_string_equal(deploy_text_suggest("web3", names, 2), "web1");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(time_is_read_in_every_unit),
		cmocka_unit_test(time_that_is_malformed_or_too_long_is_refused_by_name),
		cmocka_unit_test(escape_leaves_no_byte_that_moves_a_terminal),
		cmocka_unit_test(utf8_is_what_rfc_3629_says_without_nul),
		cmocka_unit_test(columns_count_characters_not_bytes),
		cmocka_unit_test(suggestion_is_the_nearest_within_a_third),
		cmocka_unit_test(suggestion_of_two_equally_near_is_the_first),
	};

	return cmocka_run_group_tests_name("text", tests, NULL, NULL);
}
