/* The parser of options: what it stores, and everything that it refuses. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "exits.h"
#include "opt.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define WORDS_MAX    12

struct inner {
	long long wait_ms;
	char parsed[64];
};

struct demo {
	bool flag, other;
	unsigned count, number;
	const char *text;
	int choice;
	struct inner inner;
};

static const char *const choices[] = {"red", "green", "blue", NULL};

/* Appends; refuses "bad", and an empty text. */
static int parse_demo(void *field, const char *text, struct deploy_error *err)
{
	char *parsed = field;
	size_t len = strlen(parsed);

	if (text[0] == '\0' || strcmp(text, "bad") == 0)
		return deploy_error_set(err, DEPLOY_INPUT, "bad value");
	(void)snprintf(parsed + len, sizeof(((struct inner *)0)->parsed) - len, "[%s]", text);
	return 0;
}

static const struct opt inner_options[] = {
	OPT_TIME('w', "wait", struct inner, wait_ms, "TIME", "wait", "5s"),
	OPT_PARSED('p', "parsed", struct inner, parsed, "THING", parse_demo, true, "things"),
	OPT_END,
};

static const struct opt demo_options[] = {
	OPT_FLAG('f', "flag", struct demo, flag, "a flag"),
	OPT_GROUP(inner_options, struct demo, inner),
	OPT_COUNT('v', "verbose", struct demo, count, "more"),
	OPT_NUMBER('n', "number", struct demo, number, "N", 1, 4294967295U, "a number", "1"),
	OPT_CHOICE('c', "colour", struct demo, choice, "NAME", choices, "a colour", "red"),
	{.type = OPT_IS_TEXT,
		.letter = 't',
		.name = "text",
		.also = "words",
		.offset = offsetof(struct demo, text),
		.value = "TEXT",
		.text = "a text"},
	OPT_END,
};

struct second {
	bool quiet;
};

static const struct opt second_options[] = {
	OPT_FLAG('q', "quiet", struct second, quiet, "no noise"),
	OPT_END,
};

struct parsed {
	struct demo demo;
	struct second second;
	char line[256], *words[WORDS_MAX];
	int operands, rc;
	struct deploy_error err;
};

/* line: words separated by one blank each; "~" stands for a word that is empty. */
static void parse(struct parsed *parsed, const char *line, bool stop_at_operand)
{
	struct opt_target targets[2];
	char *at = parsed->line;
	int count = 0;

	*parsed = (struct parsed){.rc = 0};
	targets[0] = (struct opt_target){demo_options, &parsed->demo};
	targets[1] = (struct opt_target){second_options, &parsed->second};
	(void)snprintf(parsed->line, sizeof(parsed->line), "%s", line);
	while (*at) {
		char *end = at + strcspn(at, " ");
		char *next = *end ? end + 1 : end;

		*end = '\0';
		assert_true(count < WORDS_MAX);
		parsed->words[count++] = strcmp(at, "~") == 0 ? at + 1 : at;
		at = next;
	}
	parsed->rc = opt_parse(
		targets, 2, count, parsed->words, stop_at_operand, &parsed->operands, &parsed->err);
}

static void every_way_to_give_a_value_is_understood(void **state)
{
	static const char *const lines[] = {"--number 7 --text word --colour blue --wait 90s",
		"--number=7 --text=word --colour=blue --wait=90s", "-n 7 -t word -c blue -w 90s",
		"-n7 -tword -cblue -w90s", "-n7 --words word -c blue --wait 90s",
		"-w 1.5m --words=word -n007 -cblue"};

	(void)state;
	for (size_t i = 0; i < COUNT(lines); i++) {
		struct parsed parsed;

		parse(&parsed, lines[i], false);
		assert_int_equal(parsed.rc, 0);
		assert_int_equal(parsed.demo.number, 7);
		assert_string_equal(parsed.demo.text, "word");
		assert_int_equal(parsed.demo.choice, 2);
		assert_int_equal(parsed.demo.inner.wait_ms, 90000);
		assert_int_equal(parsed.operands, 0);
	}
}

static void values_may_look_like_options(void **state)
{
	struct parsed parsed;

	(void)state;
	parse(&parsed, "-t --flag -p -- -p=x --parsed=a=b", false);
	assert_int_equal(parsed.rc, 0);
	assert_string_equal(parsed.demo.text, "--flag");
	assert_false(parsed.demo.flag);
	assert_string_equal(parsed.demo.inner.parsed, "[--][=x][a=b]");
}

static void letters_of_flags_stand_together(void **state)
{
	struct parsed parsed;

	(void)state;
	parse(&parsed, "-vfvqn12 -v --verbose", false);
	assert_int_equal(parsed.rc, 0);
	assert_true(parsed.demo.flag);
	assert_true(parsed.second.quiet);
	assert_int_equal(parsed.demo.count, 4);
	assert_int_equal(parsed.demo.number, 12);
}

static void operands_move_to_the_front_in_their_order(void **state)
{
	struct parsed parsed;

	(void)state;
	parse(&parsed, "a --flag b -n 3 - -- --text c -q --", false);
	assert_int_equal(parsed.rc, 0);
	assert_int_equal(parsed.operands, 7);
	for (int i = 0; i < parsed.operands; i++) {
		static const char *const expected[] = {"a", "b", "-", "--text", "c", "-q", "--"};

		assert_string_equal(parsed.words[i], expected[i]);
	}
	assert_false(parsed.second.quiet);
}

static void parsing_stops_at_the_first_operand_if_asked_to(void **state)
{
	static const struct {
		const char *line;
		int at;
	} cases[] = {{"", 0}, {"ping", 0}, {"-q ping --nonsense", 1}, {"-n 3 ping -n 4", 2},
		{"--text=x -v -v", 3}, {"-q -- --flag", 2}, {"- -q", 0}, {"-q --", 2}};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct parsed parsed;

		parse(&parsed, cases[i].line, true);
		assert_int_equal(parsed.rc, 0);
		assert_int_equal(parsed.operands, cases[i].at);
		assert_false(parsed.demo.flag);
	}
}

static void what_makes_no_sense_is_refused_by_name(void **state)
{
	static const struct {
		const char *line, *text, *hint;
	} cases[] = {
		{"--flg", "unknown option --flg", "--flag"},
		{"--numbr=3", "unknown option --numbr", "--number"},
		{"--wrods x", "unknown option --wrods", "--text"},
		{"--zzzzzz", "unknown option --zzzzzz", ""},
		{"--fla", "unknown option --fla", "--flag"},
		{"--=x", "unknown option --", ""},
		{"---flag", "unknown option ---flag", "--flag"},
		{"-z", "unknown option -z", ""},
		{"-fz", "unknown option -z", ""},
		{"-f-", "unknown option --", ""},
		{"--flag=yes", "option --flag takes no value", ""},
		{"--flag=", "option --flag takes no value", ""},
		{"-v --verbose=2", "option --verbose takes no value", ""},
		{"--text", "option --text needs a value: TEXT", ""},
		{"-n", "option -n needs a value: N", ""},
		{"-fn", "option -n needs a value: N", ""},
		{"a -w", "option -w needs a value: TIME", ""},
		{"--flag --flag", "option --flag was given twice", ""},
		{"-f --flag", "option --flag was given twice", ""},
		{"-ff", "option -f was given twice", ""},
		{"-n 1 -n 1", "option -n was given twice", ""},
		{"--text a --words b", "option --words was given twice", ""},
		{"-w 1 x -w 1", "option -w was given twice", ""},
		{"--text=", "option --text: the value is empty", ""},
		{"-t ~", "option -t: the value is empty", ""},
		{"--number=", "option --number: the value is empty", ""},
		{"--colour ~", "option --colour: the value is empty", ""},
		{"-w ~", "option -w: the value is empty", ""},
		{"-n 0", "option -n: \"0\" is not a number from 1 to 4294967295", ""},
		{"-n -1", "option -n: \"-1\" is not a number from 1 to 4294967295", ""},
		{"-n +1", "option -n: \"+1\" is not a number from 1 to 4294967295", ""},
		{"-n 0x1", "option -n: \"0x1\" is not a number from 1 to 4294967295", ""},
		{"-n 1k", "option -n: \"1k\" is not a number from 1 to 4294967295", ""},
		{"-n 1.0", "option -n: \"1.0\" is not a number from 1 to 4294967295", ""},
		{"-n 4294967296", "option -n: \"4294967296\" is not a number from 1 to 4294967295",
			""},
		{"-n 18446744073709551617",
			"option -n: \"18446744073709551617\" is not a number from 1 to 4294967295",
			""},
		{"--colour yellow", "option --colour: \"yellow\" is none of red, green, blue", ""},
		{"--colour gren", "option --colour: \"gren\" is none of red, green, blue",
			"--colour=green"},
		{"-c Red", "option -c: \"Red\" is none of red, green, blue", "--colour=red"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct parsed parsed;

		parse(&parsed, cases[i].line, false);
		assert_int_equal(parsed.rc, DEPLOY_USAGE);
		assert_int_equal(parsed.err.code, DEPLOY_USAGE);
		assert_string_equal(parsed.err.text, cases[i].text);
		assert_string_equal(parsed.err.hint, cases[i].hint);
	}
}

static void an_error_of_a_parse_function_gets_the_option_in_front(void **state)
{
	static const struct {
		const char *line, *text;
		enum deploy_code code;
	} cases[] = {{"-p bad", "option -p: bad value", DEPLOY_INPUT},
		{"--parsed=", "option --parsed: bad value", DEPLOY_INPUT},
		{"-p ok --parsed bad", "option --parsed: bad value", DEPLOY_INPUT}};
	struct parsed parsed;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		parse(&parsed, cases[i].line, false);
		assert_int_equal(parsed.rc, cases[i].code);
		assert_string_equal(parsed.err.text, cases[i].text);
	}
	parse(&parsed, "--wait 5x", false);
	assert_int_equal(parsed.rc, DEPLOY_USAGE);
	assert_non_null(strstr(parsed.err.text, "option --wait: "));
	assert_non_null(strstr(parsed.err.text, "5x"));
}

static void what_stood_before_the_error_is_kept(void **state)
{
	struct parsed parsed;

	(void)state;
	parse(&parsed, "-c green --nonsense -q", false);
	assert_int_equal(parsed.rc, DEPLOY_USAGE);
	assert_int_equal(parsed.demo.choice, 1);
	assert_false(parsed.second.quiet);
}

static void names_of_any_length_are_refused_whole(void **state)
{
	struct parsed parsed;
	char line[200];

	(void)state;
	memset(line, 'x', sizeof(line) - 1);
	line[0] = line[1] = '-';
	line[sizeof(line) - 1] = '\0';
	parse(&parsed, line, false);
	assert_int_equal(parsed.rc, DEPLOY_USAGE);
	assert_non_null(strstr(parsed.err.text, line));
	assert_string_equal(parsed.err.hint, "");
}

static void the_walk_opens_groups_and_adds_up_offsets(void **state)
{
	static const char *const names[] = {
		"flag", "wait", "parsed", "verbose", "number", "colour", "text"};
	static const size_t offsets[] = {offsetof(struct demo, flag),
		offsetof(struct demo, inner.wait_ms), offsetof(struct demo, inner.parsed),
		offsetof(struct demo, count), offsetof(struct demo, number),
		offsetof(struct demo, choice), offsetof(struct demo, text)};
	struct opt_walk walk = {.next = demo_options}, nothing = {.next = NULL};
	size_t offset;

	(void)state;
	for (size_t i = 0; i < COUNT(names); i++) {
		assert_string_equal(opt_walk_next(&walk, &offset)->name, names[i]);
		assert_int_equal(offset, offsets[i]);
	}
	assert_null(opt_walk_next(&walk, &offset));
	assert_null(opt_walk_next(&walk, &offset));
	assert_null(opt_walk_next(&nothing, &offset));
}

static void an_option_is_found_as_it_is_spelt(void **state)
{
	static const struct {
		const char *word, *name; /* NULL: none */
	} cases[] = {{"--flag", "flag"}, {"--flag=x", "flag"}, {"-f", "flag"}, {"-nfoo", "number"},
		{"--words", "text"}, {"--fla", NULL}, {"--", NULL}, {"-", NULL}, {"flag", NULL},
		{"", NULL}, {"--=", NULL}, {"-z", NULL}};
	struct opt_target target = {demo_options, NULL};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		const struct opt *opt = opt_find(&target, 1, cases[i].word);

		if (cases[i].name)
			assert_string_equal(opt->name, cases[i].name);
		else
			assert_null(opt);
	}
}

static void the_description_tells_choices_default_and_repetition(void **state)
{
	struct opt_target target = {demo_options, NULL};
	char buf[OPT_DESCRIPTION], small[8];

	(void)state;
	opt_describe(opt_find(&target, 1, "--colour"), buf, sizeof(buf));
	assert_string_equal(buf, "a colour: red, green or blue (default: red)");
	opt_describe(opt_find(&target, 1, "--parsed"), buf, sizeof(buf));
	assert_string_equal(buf, "things (may be repeated)");
	opt_describe(opt_find(&target, 1, "-v"), buf, sizeof(buf));
	assert_string_equal(buf, "more");
	opt_describe(opt_find(&target, 1, "--colour"), small, sizeof(small));
	assert_string_equal(small, "a colou");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_way_to_give_a_value_is_understood),
		cmocka_unit_test(values_may_look_like_options),
		cmocka_unit_test(letters_of_flags_stand_together),
		cmocka_unit_test(operands_move_to_the_front_in_their_order),
		cmocka_unit_test(parsing_stops_at_the_first_operand_if_asked_to),
		cmocka_unit_test(what_makes_no_sense_is_refused_by_name),
		cmocka_unit_test(an_error_of_a_parse_function_gets_the_option_in_front),
		cmocka_unit_test(what_stood_before_the_error_is_kept),
		cmocka_unit_test(names_of_any_length_are_refused_whole),
		cmocka_unit_test(the_walk_opens_groups_and_adds_up_offsets),
		cmocka_unit_test(an_option_is_found_as_it_is_spelt),
		cmocka_unit_test(the_description_tells_choices_default_and_repetition),
	};

	return cmocka_run_group_tests_name("opt", tests, NULL, NULL);
}
