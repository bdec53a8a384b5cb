/* Compound expressions: what mco's own parser makes of them, the bytes that are sent, the columns.
 */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <jansson.h>

#include "base/base64.h"
#include "base/buf.h"
#include "deploy/filter.h"
#include "deploy/log.h"
#include "wire/envelope.h"

#include "verdicts.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void add(struct deploy_filter *filter, const char *text)
{
	struct deploy_error err = {.code = DEPLOY_OK};

	if (deploy_filter_add_compound(filter, text, &err) != 0)
		fail_msg("\"%s\": %s", text, err.text);
}

static void assert_refused(struct deploy_error *err, const char *text)
{
	struct deploy_filter filter = {.facts = NULL};

	*err = (struct deploy_error){.code = DEPLOY_OK};
	if (deploy_filter_add_compound(&filter, text, err) != DEPLOY_USAGE)
		fail_msg("\"%s\" was taken", text);
	assert_true(err->text[0] != '\0');
	assert_true(deploy_filter_is_empty(&filter));
	deploy_filter_release(&filter);
}

static const char *word_of(const struct deploy_compound_token *token)
{
	static const char *const words[] = {
		"statement", "fstatement", "and", "or", "not", "(", ")"};

	return words[token->kind];
}

/* The token as the data file shows it. */
static json_t *json_of(const struct deploy_compound_token *token)
{
	json_t *function;

	if (token->kind != DEPLOY_COMPOUND_FUNCTION)
		return json_pack(
			"{s:s}", word_of(token), token->text ? token->text : word_of(token));
	function = json_pack("{s:s, s:s, s:s, s:s?}", "operator", token->operator, "value",
		token->value, "name", token->name, "params", token->params);
	(void)json_object_set_new(function, "r_compare",
		token->is_regex ? json_pack("{s:s}", "regex", token->right)
				: json_string(token->right));
	return json_pack("{s:o}", "fstatement", function);
}

static void assert_stack(const struct deploy_compound *compound, const json_t *line)
{
	json_t *ours = json_array();

	for (size_t i = 0; i < compound->token_count; i++)
		(void)json_array_append_new(ours, json_of(&compound->tokens[i]));
	if (!json_equal(ours, json_array_get(line, 2)))
		fail_msg("%s\nours: %s", json_dumps(line, 0), json_dumps(ours, 0));
	json_decref(ours);
}

static void assert_bytes(const struct deploy_compound *compound, const json_t *line)
{
	const char *text = json_string_value(json_array_get(line, 3));
	struct dp_buf ours, theirs;

	dp_buf_init(&ours, 65536);
	dp_buf_init(&theirs, 65536);
	dp_marshal_begin(&ours);
	dp_compound_encode(&ours, compound);
	assert_true(dp_base64_decode(&theirs, text, strlen(text)));
	if (ours.len != theirs.len || memcmp(ours.data, theirs.data, ours.len) != 0)
		fail_msg("other bytes: %s", json_dumps(line, 0));
	dp_buf_release(&ours);
	dp_buf_release(&theirs);
}

static void check_line(const json_t *line, void *arg)
{
	const char *text = json_string_value(json_array_get(line, 0));
	const char *word = json_string_value(json_array_get(line, 1));
	struct deploy_filter filter = {.facts = NULL}, copy;
	struct deploy_error err;

	(void)arg;
	if (strcmp(word, "taken") != 0) {
		assert_refused(&err, text);
		return;
	}
	add(&filter, text);
	deploy_filter_copy(&copy, &filter);
	deploy_filter_release(&filter);
	assert_int_equal(copy.compound_count, 1);
	assert_string_equal(copy.compounds[0].source, text);
	assert_stack(&copy.compounds[0], line);
	assert_bytes(&copy.compounds[0], line);
	deploy_filter_release(&copy);
}

static void every_expression_means_what_it_means_to_mco(void **state)
{
	(void)state;
	assert_true(each_verdict("test/data/compound_ruby.txt", check_line, NULL) > 1500);
}

static void error_names_the_column_and_the_way_out(void **state)
{
	static const struct {
		const char *text, *why, *hint;
	} samples[] = {
		{"(a or b", "column 1: ( has no )", ""},
		{"a or (b and (c)", "column 6: ( has no )", ""},
		{"a)", "column 2: ) has no (", ""},
		{"grüße)", "column 6: ) has no (", ""},
		{"()", "column 2: a statement must stand before )", ""},
		{"and a", "column 1: an expression does not begin with and", ""},
		{"a or and b", "column 6: a statement must stand before and", ""},
		{"a b", "column 3: an operator, and or or, is missing before b", ""},
		{"a AND b", "column 3: an operator, and or or, is missing before AND", ""},
		{"a and ", "column 7: the expression ends too early", ""},
		{"a and not", "column 7: nothing follows not",
			"for a class of that name: \"'not'\""},
		{"!", "column 2: the expression ends too early", ""},
		{" a", "column 1: mco takes no blank at the beginning", ""},
		{"a\tand b", "column 2: a control character", ""},
		{"a or country!=de", "column 6: nodes do not know != here", "not country=de"},
		{"country==de", "column 1: nodes do not know == here", "country=de"},
		{"os=~/^deb/", "column 1: nodes do not know =~ here", "os=/^deb/"},
		{"os=~deb", "column 1: nodes do not know =~ here", "os=/deb/"},
		{"os!=/^deb/", "column 1: nodes do not know != here", "not os=/^deb/"},
		{"rank=>3", "column 1: nodes do not know => here", "the orders are < <= > >="},
		{"rank>/3/", "column 1: a regular expression has no order", "FACT=/regex/"},
		{"rank >= 3", "column 1: a value must follow >=", "without a blank, as in rank>=3"},
		{"a=b=c", "column 1: nodes cut the value at the second =", ""},
		{"a and =b", "column 7: a fact must stand before this", ""},
		{"a=/b", "column 3: this / has no counterpart", ""},
		{"a and b='c", "column 9: this ' has no counterpart", ""},
		{"/a", "column 1: a / has no counterpart", ""},
		{"/a/=b", "column 1: a comparison must not follow a /", ""},
		{"a or (b or /c/)",
			"column 12: a regular expression ends with /, and with it "
			"the word",
			"one that begins a word runs to the next blank: (a or /b/ )"},
		{"/(/", "column 1: regular expression /(/: missing closing parenthesis", ""},
		{"''", "column 1: the quotes are empty", ""},
		{"foo(x).y=1",
			"column 1: parameters of a function are quoted, all alike, and followed "
			"by )",
			"as in fact('cluster').value=alfa"},
		{"country != de", "column 9: nodes do not know != here",
			"not FACT=VALUE; functions want != without blanks"},
		{"foo('x').y", "column 1: the function's value is compared with nothing",
			"as in fact('cluster').value=alfa; no blank before !="},
		{"a!>b", "column 1: nodes do not know !> here", ""},
		{"foo('x')", "column 1: the function's value is missing",
			"as in fact('cluster').value=alfa"},
		{"foo('x')=1", "column 1: the function's value is missing",
			"as in fact('cluster').value=alfa"},
		{"foo('x').y==1", "column 1: functions do not know ==",
			"= != < <= > >=, and =/regex/ !=/regex/"},
		{"foo('x').y=a=b", "column 1: the right side of a function must not hold = < or >",
			"in a regular expression a dot may stand for it"},
		{"foo('x').y >= 3",
			"column 1: a value must follow >=", "without a blank, as in >=3"},
		{"foo('a`b').y=1", "column 1: parameters must not hold ( or `", ""},
		{"f-o('x').y=1", "column 1: a function's name consists of letters, digits and _",
			""},
		{"foo('x').y>/1/", "column 1: a regular expression has no order", ""},
	};
	struct deploy_error err;

	(void)state;
	for (size_t i = 0; i < COUNT(samples); i++) {
		assert_refused(&err, samples[i].text);
		assert_string_equal(err.text, samples[i].why);
		assert_string_equal(err.hint, samples[i].hint);
	}
}

static void text_is_utf8_and_limited(void **state)
{
	static const char *const texts[] = {"", "   ", "\t", "a=\xff", "a\x7f", "a\nb", "a\001"};
	struct deploy_filter filter = {.facts = NULL};
	struct deploy_error err;
	char text[8194];

	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++)
		assert_refused(&err, texts[i]);
	memset(text, 'a', sizeof(text));
	text[8193] = '\0';
	assert_refused(&err, text);
	assert_string_equal(err.text, "the expression is longer than 8192 bytes");
	text[8192] = '\0';
	add(&filter, text);
	deploy_filter_release(&filter);
}

static void nesting_costs_no_stack(void **state)
{
	struct deploy_filter filter = {.facts = NULL};
	struct deploy_error err;
	char text[8192];

	(void)state;
	memset(text, '(', 4000);
	text[4000] = 'a';
	memset(text + 4001, ')', 4000);
	text[8001] = '\0';
	add(&filter, text);
	assert_int_equal(filter.compounds[0].token_count, 8001);
	deploy_filter_release(&filter);
	text[8000] = '\0';
	assert_refused(&err, text);
	assert_string_equal(err.text, "column 1: ( has no )");
}

static void compounds_are_terms_like_others(void **state)
{
	struct deploy_filter filter = {.facts = NULL}, copy;
	struct deploy_error err = {.code = DEPLOY_OK};
	char *line;

	(void)state;
	add(&filter, "a or b");
	assert_false(deploy_filter_is_empty(&filter));
	assert_int_equal(deploy_filter_add_identity(&filter, "web1", &err), 0);
	assert_false(deploy_filter_names_nodes(&filter));
	add(&filter, "x='a b'");
	line = deploy_filter_print(&filter);
	assert_string_equal(line, "-I web1 -S 'a or b' -S 'x='\\''a b'\\'''");
	free(line);
	deploy_filter_copy(&copy, &filter);
	deploy_filter_release(&filter);
	assert_true(deploy_filter_is_empty(&filter));
	add(&copy, "b");
	assert_int_equal(copy.compound_count, 3);
	assert_string_equal(copy.compounds[1].source, "x='a b'");
	deploy_filter_release(&copy);
}

static void functions_take_their_time(void **state)
{
	struct deploy_filter filter = {.facts = NULL};

	(void)state;
	add(&filter, "apache");
	assert_int_equal(deploy_filter_functions_ms(&filter), 0);
	add(&filter, "fact('a').value=1 or not fact('b').value=2");
	assert_int_equal(deploy_filter_functions_ms(&filter), 2000);
	add(&filter, "service('x').status=running and apache");
	assert_int_equal(deploy_filter_functions_ms(&filter), 5000);
	deploy_filter_release(&filter);
}

static void count_line(void *arg, enum deploy_log_level level, const char *text)
{
	size_t *count = arg;

	assert_int_equal(level, DEPLOY_LOG_WARN);
	assert_non_null(strstr(text, "function f"));
	(*count)++;
}

static void each_function_is_warned_of_once(void **state)
{
	struct deploy_filter filter = {.facts = NULL};
	struct deploy_error err = {0};
	size_t count = 0;

	(void)state;
	deploy_log_set(count_line, &count, DEPLOY_LOG_WARN);
	add(&filter, "a or b");
	assert_int_equal(deploy_filter_check_functions(&filter, NULL, 0, &err), 0);
	assert_int_equal(count, 0);
	add(&filter, "fact('a').value=1 or not fact('b').value=2 and fstat('/x').size=1");
	add(&filter, "fact('c').value=1");
	assert_int_equal(deploy_filter_check_functions(&filter, NULL, 0, &err), 0);
	assert_int_equal(count, 2);
	deploy_log_set(NULL, NULL, DEPLOY_LOG_WARN);
	deploy_filter_release(&filter);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_expression_means_what_it_means_to_mco),
		cmocka_unit_test(error_names_the_column_and_the_way_out),
		cmocka_unit_test(text_is_utf8_and_limited),
		cmocka_unit_test(nesting_costs_no_stack),
		cmocka_unit_test(compounds_are_terms_like_others),
		cmocka_unit_test(functions_take_their_time),
		cmocka_unit_test(each_function_is_warned_of_once),
	};

	return cmocka_run_group_tests_name("compound", tests, NULL, NULL);
}
