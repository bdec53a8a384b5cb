/* Inputs and replies by a DDL: every verdict of MCollective itself, and what people are told. */
#define _GNU_SOURCE
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "deploy/ddl.h"
#include "model/ddl_validators.h"

#include "verdicts.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* A DDL of one action with one input "v" of these properties; those that must be are added. */
static struct deploy_ddl *ddl_of(const json_t *properties)
{
	struct deploy_error err = {.code = DEPLOY_OK};
	struct deploy_ddl *ddl = NULL;
	json_t *input = json_pack("{s:s, s:s}", "prompt", "", "description", "what it is");
	json_t *root;
	char *text;

	(void)json_object_update(input, (json_t *)(uintptr_t)properties);
	root = json_pack("{s:{s:s, s:s, s:s, s:s, s:s, s:s, s:i}, s:[{s:s, s:{s:o}}]}", "metadata",
		"name", "n", "description", "", "author", "", "license", "", "version", "", "url",
		"", "timeout", 1, "actions", "action", "act", "input", "v", input);
	text = json_dumps(root, 0);
	if (deploy_ddl_read(&ddl, "made.json", text, strlen(text), &err))
		fail_msg("%s", err.text);
	free(text);
	json_decref(root);
	return ddl;
}

static struct deploy_ddl *ddl_from(const char *properties)
{
	json_error_t why;
	json_t *json = json_loads(properties, 0, &why);
	struct deploy_ddl *ddl;

	assert_non_null(json);
	ddl = ddl_of(json);
	json_decref(json);
	return ddl;
}

/* Against Ruby. */

static void compare_check(const json_t *line, size_t *untold)
{
	struct deploy_ddl *ddl = ddl_of(json_array_get(line, 1));
	json_t *inputs = json_deep_copy(json_array_get(line, 2)), *warnings = json_array();
	const json_t *answer = json_array_get(line, 3);
	struct deploy_error err = {.code = DEPLOY_OK};
	int rc = deploy_ddl_check(&ddl->actions[0], inputs, warnings, &err);
	bool is_untold = json_array_size(warnings) && !json_object_get(inputs, "w");
	char *text = json_dumps(line, 0);

	*untold += is_untold;
	if (!is_untold && (rc == 0) != json_is_object(answer))
		fail_msg("%s\n%s", text, rc ? err.text : "was accepted");
	if (rc == 0 && !is_untold && !json_equal(inputs, answer))
		fail_msg("%s: wrong inputs", text);
	assert_int_equal(rc, err.code);
	free(text);
	json_decref(warnings);
	json_decref(inputs);
	deploy_ddl_free(ddl);
}

static void compare_convert(const json_t *line)
{
	const char *type = json_string_value(json_array_get(line, 1));
	const char *text = json_string_value(json_array_get(line, 2));
	const json_t *answer = json_array_get(line, 3);
	struct deploy_error err = {.code = DEPLOY_OK};
	json_t *properties = json_pack("{s:s}", "type", type), *value = NULL;
	struct deploy_ddl *ddl = ddl_of(properties);

	if (deploy_ddl_convert(&value, &ddl->actions[0].inputs[0], text, &err))
		assert_true(json_is_string(answer));
	else if (!json_equal(value, answer))
		fail_msg("%s as %s", text, type);
	json_decref(value);
	json_decref(properties);
	deploy_ddl_free(ddl);
}

/* What replies with these values of the output "v" come to. Caller frees. */
static char *aggregate(const char *function, json_t *arguments, const json_t *values)
{
	struct deploy_ddl_aggregate from = {
		.function = (char *)(uintptr_t)function, .output = (char *)(uintptr_t) "v"};
	struct deploy_ddl_output output = {
		.name = (char *)(uintptr_t) "v", .display_as = (char *)(uintptr_t) "The V"};
	struct deploy_ddl_action action = {
		.aggregates = &from, .aggregate_count = 1, .outputs = &output, .output_count = 1};
	struct deploy_aggregate *sums;
	json_t *value;
	char *text;
	size_t i;

	from.arguments = arguments;
	from.format = (char *)(uintptr_t)json_string_value(json_object_get(arguments, "format"));
	sums = deploy_aggregate_new(&action);
	assert_non_null(sums);
	json_array_foreach(values, i, value)
	{
		json_t *data = json_pack("{s:O}", "v", value);

		deploy_aggregate_add(sums, data);
		json_decref(data);
	}
	text = deploy_aggregate_print(sums);
	deploy_aggregate_free(sums);
	return text;
}

/* Ruby's lines as we print them. Caller frees. */
static char *expect(const json_t *lines)
{
	char *text = NULL;
	size_t size = 0, i;
	FILE *stream = open_memstream(&text, &size);
	const json_t *line;

	assert_non_null(stream);
	(void)fputs("Summary of The V:\n", stream);
	if (json_is_string(lines))
		(void)fputs("   could not be computed: a node sent what is no number\n", stream);
	else if (json_array_size(lines) == 0)
		(void)fputs("   no node has a value\n", stream);
	json_array_foreach(lines, i, line)(void)
		fprintf(stream, "   %s\n", json_string_value(line));
	(void)fclose(stream);
	return text;
}

static void compare_aggregate(const json_t *line)
{
	char *is = aggregate(json_string_value(json_array_get(line, 1)), json_array_get(line, 2),
		json_array_get(line, 3));
	char *expected = expect(json_array_get(line, 4));

	assert_string_equal(expected, is);
	free(expected);
	free(is);
}

struct tally {
	size_t checks, conversions, sums, untold;
};

static void compare_line(const json_t *line, void *arg)
{
	const char *what = json_string_value(json_array_get(line, 0));
	struct tally *tally = arg;

	assert_non_null(what);
	if (strcmp(what, "check") == 0 && ++tally->checks)
		compare_check(line, &tally->untold);
	else if (strcmp(what, "convert") == 0 && ++tally->conversions)
		compare_convert(line);
	else if (++tally->sums)
		compare_aggregate(line);
}

static void values_are_judged_as_mcollective_judges_them(void **state)
{
	struct tally tally = {0};

	(void)state;
	assert_int_equal(1390, each_verdict("test/data/ddl_values_ruby.txt", compare_line, &tally));
	assert_true(tally.checks > 1000 && tally.conversions > 30 && tally.sums > 150);
	assert_int_equal(0, tally.untold);
}

/* Rules that MCollective itself does not bring. */
static void validators_of_agents(void **state)
{
	static const struct {
		const char *name, *good[8], *bad[9];
	} table[] = {
		{"service_name", {"nginx", "getty@tty1", "a.b-c_d:1"},
			{"", "a b", "a\n", "\na", "a/b", "ü", "a;b", "a$"}},
		{"puppet_variable", {"a", "Z", "a1", "_a", "12"},
			{"", "1", "_", "a-b", "a b", "$a", "a\n"}},
		{"puppet_tags", {"a", "a,b", "role::web,b", "a::b::c"},
			{"", ",", "a,", "a, b", "a::", "::a", "a:b", "a;b", "a,,b"}},
		{"puppet_server_address",
			{"puppet", "puppet.example.net", "puppet:8140", "10.0.0.1:1", "::1",
				"[::1]:8140", "[::1]"},
			{"", ":8140", "puppet:", "puppet:x", "[::1", "[::1]:", "a b", "-a",
				"a..b"}},
		{"puppet_resource", {"File[/etc/x]", "a_1[b]", "File[a]\n", "X[[]"},
			{"", "File", "File[]", "[x]", "File[x]y", "a b[x]", "a::b[x]",
				"File[x\ny]"}},
		{"bolt_task_name", {"a", "a::b", "::a", "a1_b::c2", ""},
			{"A", "1a", "a:b", "a::", "a::1", "a b", "a::b-c", "a::::b"}},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(table); i++) {
		assert_true(dp_validator_is_known(table[i].name));
		for (size_t k = 0; k < COUNT(table[i].good) && table[i].good[k]; k++)
			if (!dp_validator_holds(
				    table[i].name, table[i].good[k], strlen(table[i].good[k])))
				fail_msg("%s: %s", table[i].name, table[i].good[k]);
		for (size_t k = 0; k < COUNT(table[i].bad) && table[i].bad[k]; k++)
			if (dp_validator_holds(
				    table[i].name, table[i].bad[k], strlen(table[i].bad[k])))
				fail_msg("%s: %s", table[i].name, table[i].bad[k]);
	}
	assert_false(dp_validator_is_known("service"));
}

/* What is typed: more than mco takes. */

static void assert_converted(const char *properties, const char *text, const char *expected)
{
	struct deploy_ddl *ddl = ddl_from(properties);
	struct deploy_error err = {.code = DEPLOY_OK};
	json_t *value = NULL;
	char *is;

	if (deploy_ddl_convert(&value, &ddl->actions[0].inputs[0], text, &err)) {
		assert_null(value);
		assert_int_equal(DEPLOY_INPUT, err.code);
		assert_string_equal(expected, err.text);
	} else {
		is = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
		assert_string_equal(expected, is);
		free(is);
	}
	json_decref(value);
	deploy_ddl_free(ddl);
}

static void typed_text_becomes_what_the_ddl_wants(void **state)
{
	static const char *const table[][3] = {
		{"{\"type\": \"integer\"}", "-5", "-5"},
		{"{\"type\": \"integer\"}", "-007", "-7"},
		{"{\"type\": \"integer\"}", "0", "0"},
		{"{\"type\": \"number\"}", "1e3", "1000.0"},
		{"{\"type\": \"number\"}", "-0.5", "-0.5"},
		{"{\"type\": \"float\"}", "5", "5.0"},
		{"{\"type\": \"integer\"}", "9223372036854775807", "9223372036854775807"},
		{"{\"type\": \"integer\"}", "9223372036854775808",
			"input v: '9223372036854775808' is beyond 64 bits"},
		{"{\"type\": \"integer\"}", "", "input v: '' is no number"},
		{"{\"type\": \"integer\"}", "-", "input v: '-' is no number"},
		{"{\"type\": \"integer\"}", " 5", "input v: ' 5' is no number"},
		{"{\"type\": \"integer\"}", "\"5\"", "input v: '\"5\"' is no number"},
		{"{\"type\": \"integer\"}", "a\nb", "input v: 'a\\nb' is no number"},
		{"{\"type\": \"boolean\"}", "maybe",
			"input v: 'maybe' is no boolean: true or false"},
		{"{\"type\": \"array\"}", "[1,\"a\"]", "[1,\"a\"]"},
		{"{\"type\": \"array\"}", "a", "input v: 'a' is no array of JSON"},
		{"{\"type\": \"Hash\"}", "{\"a\":1}", "{\"a\":1}"},
		{"{\"type\": \"list\", \"list\": [\"a\", 1, true]}", "a", "\"a\""},
		{"{\"type\": \"list\", \"list\": [\"a\", 1, true]}", "1", "1"},
		{"{\"type\": \"list\", \"list\": [\"a\", 1, \"1\"]}", "2", "\"2\""},
		{"{\"type\": \"strange\"}", "1", "\"1\""},
		{"{\"type\": \"string\", \"validation\": \"\", \"maxlength\": 1}", "1", "\"1\""},
		{"{\"type\": \"string\", \"validation\": \"\", \"maxlength\": 1}", "\xff",
			"input v: '\\xff' is no text in UTF-8"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(table); i++)
		assert_converted(table[i][0], table[i][1], table[i][2]);
}

/* Errors and warnings. */

static void assert_checked(const char *properties, const char *inputs_text, const char *expected)
{
	struct deploy_ddl *ddl = ddl_from(properties);
	struct deploy_error err = {.code = DEPLOY_OK};
	json_error_t why;
	json_t *inputs = json_loads(inputs_text, 0, &why), *warnings = json_array();
	int rc = deploy_ddl_check(&ddl->actions[0], inputs, warnings, &err);

	assert_int_equal(rc, err.code);
	if (rc) {
		assert_string_equal(expected, err.text);
	} else {
		assert_int_equal(*expected ? 1 : 0, json_array_size(warnings));
		if (*expected)
			assert_string_equal(
				expected, json_string_value(json_array_get(warnings, 0)));
	}
	json_decref(inputs);
	json_decref(warnings);
	deploy_ddl_free(ddl);
}

static void errors_name_input_value_and_rule(void **state)
{
	static const char *const table[][3] = {
		{"{\"type\": \"string\", \"validation\": \"service_name\", \"maxlength\": 9}",
			"{\"v\": \"a b\"}", "input v: 'a b' does not match service_name"},
		{"{\"type\": \"string\", \"validation\": \"^a$\", \"maxlength\": 0}",
			"{\"v\": \"b\"}", "input v: 'b' does not match ^a$"},
		{"{\"type\": \"string\", \"validation\": \"\", \"maxlength\": 3}",
			"{\"v\": \"üüü\"}", ""},
		{"{\"type\": \"string\", \"validation\": \"\", \"maxlength\": 3}",
			"{\"v\": \"üüüü\"}", "input v: 'üüüü' is longer than 3 characters"},
		{"{\"type\": \"string\", \"validation\": \"\", \"maxlength\": 3}", "{\"v\": 5}",
			"input v: '5' is no text"},
		{"{\"type\": \"string\", \"validation\": \"^a\", \"maxlength\": 0}",
			"{\"v\": "
			"\"-0123456789-0123456789-0123456789-0123456789-0123456789-0123üü\"}",
			"input v: "
			"'-0123456789-0123456789-0123456789-0123456789-0123456789-0123…' does not "
			"match ^a"},
		{"{\"type\": \"integer\"}", "{}",
			"input v is missing: action act needs it (what it is)"},
		{"{\"type\": \"integer\"}", "{\"v\": 1.5}", "input v: '1.5' is no whole number"},
		{"{\"type\": \"array\"}", "{\"v\": {}}", "input v: '{}' is no array"},
		{"{\"type\": \"hash\"}", "{\"v\": []}", "input v: '[]' is no hash"},
		{"{\"type\": \"list\", \"list\": [\"a\", 1]}", "{\"v\": \"b\"}",
			"input v: 'b' is none of a, 1"},
		{"{\"type\": \"list\", \"list\": [\"a\", "
		 "\"0123456789012345678901234567890123456789012345678901234567890123456789\","
		 "\"0123456789012345678901234567890123456789012345678901234567890123456789\","
		 "\"0123456789012345678901234567890123456789012345678901234567890123456789\"]}",
			"{\"v\": \"b\"}",
			"input v: 'b' is none of a, "
			"0123456789012345678901234567890123456789012345678901234567890123456789, "
			"0123456789012345678901234567890123456789012345678901234567890123456789, "
			"…"},
		{"{\"type\": \"list\", \"list\": []}", "{\"v\": \"b\"}",
			"input v: 'b' is none of nothing"},
		{"{\"type\": \"integer\"}", "{\"v\": 1, \"other\": 2}",
			"input other: action act declares none of that name"},
		{"{\"type\": \"any\"}", "{\"v\": 1}", "input v: only nodes know the type any"},
		{"{\"type\": \"string\", \"validation\": \"(\", \"maxlength\": 0}",
			"{\"v\": \"b\"}",
			"input v: only nodes can tell whether it matches (: regular expression "
			"/(/: missing closing parenthesis"},
		{"{\"type\": \"string\", \"validation\": \"^(a+)+$\", \"maxlength\": 0}",
			"{\"v\": \"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab\"}",
			"input v: only nodes can tell whether it matches ^(a+)+$"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(table); i++)
		assert_checked(table[i][0], table[i][1], table[i][2]);
}

static void what_cannot_be_judged_is_a_warning(void **state)
{
	struct deploy_ddl_input input = {.name = (char *)(uintptr_t) "v",
		.type = DEPLOY_TYPE_STRING,
		.validator = (char *)(uintptr_t) "our_own"};
	struct deploy_ddl_action action = {
		.name = (char *)(uintptr_t) "act", .inputs = &input, .input_count = 1};
	struct deploy_error err = {.code = DEPLOY_OK};
	json_t *inputs = json_pack("{s:s}", "v", "x"), *warnings = json_array();

	(void)state;
	assert_int_equal(0, deploy_ddl_check(&action, inputs, warnings, &err));
	assert_string_equal("input v: only nodes can tell whether it is a our_own",
		json_string_value(json_array_get(warnings, 0)));
	action.untyped_why = (char *)(uintptr_t) "x.ddl:1:1: why";
	action.input_count = 0;
	assert_int_equal(0, deploy_ddl_check(&action, inputs, NULL, &err));
	assert_int_equal(0, deploy_ddl_check(&action, inputs, warnings, &err));
	assert_int_equal(2, json_array_size(warnings));
	assert_string_equal("the inputs of act are not checked: x.ddl:1:1: why",
		json_string_value(json_array_get(warnings, 1)));
	json_decref(inputs);
	json_decref(warnings);
}

/* Aggregates. */

static void assert_aggregate(
	const char *function, const char *arguments, const char *values, const char *expected)
{
	json_error_t why;
	json_t *given = arguments ? json_loads(arguments, 0, &why) : NULL;
	json_t *list = json_loads(values, 0, &why);
	char *text = aggregate(function, given, list);

	assert_string_equal(expected, text);
	free(text);
	json_decref(list);
	json_decref(given);
}

static void aggregates_beyond_those_of_mcollective(void **state)
{
	(void)state;
	assert_aggregate("boolean_summary", "{\"true\": \"on\", \"false\": \"off\"}",
		"[true, false, true, null]", "Summary of The V:\n      on = 2\n     off = 1\n");
	assert_aggregate("boolean_summary", NULL, "[true, false, true]",
		"Summary of The V:\n    true = 2\n   false = 1\n");
	assert_aggregate("summary", NULL, "[{\"a\": 1, \"b\": 2}, {\"b\": 2, \"a\": 1}]",
		"Summary of The V:\n   {\"a\":1,\"b\":2} = 2\n");
	/* As often: by the text. */
	assert_aggregate("summary", NULL, "[\"b\", \"a\", \"c\", \"c\"]",
		"Summary of The V:\n   c = 2\n   a = 1\n   b = 1\n");
	assert_aggregate(
		"summary", NULL, "[\"\\u001b[31m\"]", "Summary of The V:\n   \\e[31m = 1\n");
	/* A foreign format is no format of ours. */
	assert_aggregate("sum", "{\"format\": \"%n %s %s %9999d %\"}", "[1]",
		"Summary of The V:\n   %n 1 %s %9999d %\n");
	assert_aggregate("sum", "{\"format\": \"%.99f\"}", "[0]",
		"Summary of The V:\n   "
		"0.00000000000000000000000000000000000000000000000000\n");
	assert_aggregate("sum", NULL, "[9223372036854775807, 1]",
		"Summary of The V:\n   Sum of v: 9223372036854775808.000000\n");
	assert_aggregate("average", NULL, "[]", "Summary of The V:\n   no node has a value\n");
}

static void an_aggregate_of_no_output_says_so(void **state)
{
	struct deploy_ddl_aggregate all[] = {
		{.function = (char *)(uintptr_t) "summary", .output = (char *)(uintptr_t) "z"},
		{.function = (char *)(uintptr_t) "own", .output = (char *)(uintptr_t) "a"},
		{.function = (char *)(uintptr_t) "sum", .output = (char *)(uintptr_t) "b"}};
	struct deploy_ddl_output output = {
		.name = (char *)(uintptr_t) "z", .display_as = (char *)(uintptr_t) "Z"};
	struct deploy_ddl_action action = {
		.aggregates = all, .aggregate_count = 3, .outputs = &output, .output_count = 1};
	struct deploy_aggregate *sums = deploy_aggregate_new(&action);
	char *text;

	(void)state;
	deploy_aggregate_add(sums, NULL);
	text = deploy_aggregate_print(sums);
	assert_string_equal("Summary of b:\n   could not be computed: the action has no such "
			    "output\nSummary of Z:\n   no node has a value\n",
		text);
	free(text);
	deploy_aggregate_free(sums);
	action.aggregate_count = 0;
	assert_null(deploy_aggregate_new(&action));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_are_judged_as_mcollective_judges_them),
		cmocka_unit_test(validators_of_agents),
		cmocka_unit_test(typed_text_becomes_what_the_ddl_wants),
		cmocka_unit_test(errors_name_input_value_and_rule),
		cmocka_unit_test(what_cannot_be_judged_is_a_warning),
		cmocka_unit_test(aggregates_beyond_those_of_mcollective),
		cmocka_unit_test(an_aggregate_of_no_output_says_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
