/* Expressions about replies: what they see, and what a judge makes of them. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <jansson.h>

#include "deploy/plan.h"
#include "deploy/reply_expr.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct deploy_expr *compile(const char *label, const char *text)
{
	struct deploy_error err = {.code = DEPLOY_OK};
	struct deploy_expr *expr;

	if (deploy_expr_new(&expr, label, text, &err))
		fail_msg("%s", err.text);
	return expr;
}

static void release(struct deploy_reply_judge *judge)
{
	deploy_expr_free(judge->until);
	deploy_expr_free(judge->fail_when);
	deploy_expr_free(judge->changed_when);
	deploy_reply_judge_release(judge);
}

/* A reply as the engine has it; data is JSON, to be released. */
static struct deploy_outcome reply(int statuscode, const char *message, const char *data)
{
	return (struct deploy_outcome){
		.state = statuscode ? DEPLOY_OUTCOME_FAILED : DEPLOY_OUTCOME_OK,
		.statuscode = statuscode,
		.message = message,
		.data = data ? json_loads(data, JSON_DECODE_ANY, NULL) : NULL};
}

static void expect(struct deploy_reply_judge *judge, const char *node,
	struct deploy_outcome outcome, bool is_good, const char *reason)
{
	const struct deploy_judge engine = {deploy_reply_judge, judge};
	char why[512] = "";

	assert_int_equal(engine.judge(engine.arg, node, &outcome, why, sizeof(why)), is_good);
	if (!is_good)
		assert_string_equal(why, reason);
	json_decref(outcome.data);
}

static void an_expression_sees_its_reply_and_nothing_else(void **state)
{
	static const struct {
		const char *text, *why;
	} wrong[] = {
		{"data.x == 1 and inputs.y",
			"--until:1:17: nothing is called inputs here; a reply has node, data, "
			"statuscode and statusmsg"},
		{"not dta", "--until:1:5: nothing is called dta here (did you mean data?); a reply "
			    "has node, data, statuscode and statusmsg"},
		{"data.x ==", "--until:1:10: the expression ends too early"},
	};
	struct deploy_expr *expr;

	(void)state;
	for (size_t i = 0; i < COUNT(wrong); i++) {
		struct deploy_error err = {.code = DEPLOY_OK};

		assert_int_equal(
			deploy_reply_expr_new(&expr, "--until", wrong[i].text, &err), DEPLOY_INPUT);
		assert_string_equal(err.text, wrong[i].why);
		assert_null(expr);
	}
}

static void all_that_a_reply_has_is_seen(void **state)
{
	struct deploy_error err = {.code = DEPLOY_OK};
	struct deploy_reply_judge judge = {.until = NULL};

	(void)state;
	assert_int_equal(deploy_reply_expr_new(&judge.until, "until",
				 "node == 'web1' and data.list[2] == 7 and statuscode == 1 and "
				 "statusmsg == 'no'",
				 &err),
		0);
	expect(&judge, "web1", reply(1, "no", "{\"list\": [1, 7]}"), true, "");
	expect(&judge, "web1", reply(1, "no", "{\"list\": [1, 8]}"), false,
		"no; until not met: node == 'web1' and data.list[2] == 7 and statuscode == 1 and "
		"statusmsg == 'no'");
	release(&judge);
}

static void a_reply_without_data_and_text_that_is_none_are_looked_at(void **state)
{
	struct deploy_reply_judge judge = {
		.until = compile("until", "data == nil and statusmsg == 'caf\\\\xc3'")};

	(void)state;
	expect(&judge, "web1", reply(0, "caf\xc3", NULL), true, "");
	release(&judge);
}

static void until_has_the_last_word_where_the_action_was_done(void **state)
{
	struct deploy_reply_judge judge = {.until = compile("until", "data.x == 1")};

	(void)state;
	expect(&judge, "web1", reply(0, "OK", "{\"x\": 1}"), true, "");
	expect(&judge, "web1", reply(0, "OK", "{\"x\": 2}"), false, "until not met: data.x == 1");
	expect(&judge, "web1", reply(1, "no", "{\"x\": 1}"), true, "");
	expect(&judge, "web1", reply(1, "", "{\"x\": 2}"), false, "until not met: data.x == 1");
	for (int code = 2; code <= 5; code++)
		expect(&judge, "web1", reply(code, "no such action", "{\"x\": 1}"), false,
			"no such action");
	expect(&judge, "web1", reply(6, "mine", "{\"x\": 1}"), true, "");
	release(&judge);
}

/* Which of these codes are no failure, a task may say: then it is for until again. */
static void a_status_that_counts_as_ok_is_looked_at(void **state)
{
	struct deploy_reply_judge judge = {.until = compile("until", "data.x == 1")};
	struct deploy_outcome outcome = reply(3, "partly", "{\"x\": 1}");

	(void)state;
	outcome.state = DEPLOY_OUTCOME_OK;
	expect(&judge, "web1", outcome, true, "");
	release(&judge);
}

static void fail_when_can_only_fail(void **state)
{
	struct deploy_reply_judge judge = {.fail_when = compile("fail_when", "data.x == 1")};

	(void)state;
	expect(&judge, "web1", reply(0, "OK", "{\"x\": 2}"), true, "");
	expect(&judge, "web1", reply(0, "OK", "{\"x\": 1}"), false, "fail_when met: data.x == 1");
	expect(&judge, "web1", reply(1, "no", "{\"x\": 2}"), false, "no");
	judge.until = compile("until", "data.y == 1");
	expect(&judge, "web1", reply(0, "OK", "{\"x\": 1, \"y\": 1}"), false,
		"fail_when met: data.x == 1");
	expect(&judge, "web1", reply(0, "OK", "{\"x\": 2, \"y\": 1}"), true, "");
	release(&judge);
}

static void a_judge_without_conditions_leaves_the_status_alone(void **state)
{
	struct deploy_reply_judge judge = {.until = NULL};

	(void)state;
	expect(&judge, "web1", reply(0, "OK", NULL), true, "");
	expect(&judge, "web1", reply(1, "no", NULL), false, "no");
	release(&judge);
}

static void who_was_changed_is_kept_over_all_tries(void **state)
{
	struct deploy_reply_judge judge = {.until = compile("until", "data.done"),
		.changed_when = compile("changed_when", "data.wrote")};
	char *names;

	(void)state;
	expect(&judge, "web1", reply(0, "OK", "{\"wrote\": true}"), false,
		"until not met: data.done");
	expect(&judge, "web1", reply(0, "OK", "{\"wrote\": false, \"done\": true}"), true, "");
	expect(&judge, "web2", reply(0, "OK", "{\"wrote\": false, \"done\": true}"), true, "");
	expect(&judge, "web3", reply(5, "crashed", "{\"wrote\": true}"), false, "crashed");
	names = deploy_nodeset_print(judge.changed);
	assert_string_equal(names, "web1");
	free(names);
	expect(&judge, "web4", reply(0, "OK", "{\"wrote\": 7, \"done\": true}"), false,
		"changed_when:1:1: this is a number, neither true nor false");
	release(&judge);
}

static void what_cannot_be_evaluated_is_not_good(void **state)
{
	struct deploy_reply_judge judge = {.until = compile("until", "data.load.one < 5")};

	(void)state;
	expect(&judge, "web1", reply(0, "OK", "{}"), false,
		"until:1:15: attempt to index a nil value (field 'load')");
	expect(&judge, "web1", reply(0, "OK", "{\"load\": {\"one\": 1}}"), true, "");
	judge.fail_when = compile("fail_when", "data.load");
	expect(&judge, "web1", reply(0, "OK", "{\"load\": {\"one\": 1}}"), false,
		"fail_when:1:1: this is a mapping, neither true nor false");
	release(&judge);
}

static void a_reason_that_is_too_long_is_cut(void **state)
{
	struct deploy_reply_judge judge = {.until = compile("until", "data.x == 1")};
	const struct deploy_outcome outcome = reply(0, "OK", NULL);
	char why[8] = "";

	(void)state;
	judge.fail_when = compile("fail_when", "statuscode == 0");
	assert_false(deploy_reply_judge(&judge, "web1", &outcome, why, sizeof(why)));
	assert_string_equal(why, "fail_wh");
	release(&judge);
}

static int twice(void *arg, json_t **out, const json_t *args, struct deploy_error *err)
{
	(void)arg;
	(void)err;
	*out = json_integer(2 * json_integer_value(json_array_get(args, 0)));
	return 0;
}

/* A plan knows more than the reply, and finds its own values as they were. */
static void a_world_is_seen_and_not_changed(void **state)
{
	const struct deploy_expr_function functions[] = {{.name = "twice", .call = twice}};
	json_t *values = json_loads("{\"inputs\": {\"x\": 21}, \"node\": \"mine\"}", 0, NULL);
	const struct deploy_expr_world world = {
		.values = values, .functions = functions, .function_count = COUNT(functions)};
	json_t *before = json_deep_copy(values);
	struct deploy_reply_judge judge = {
		.until = compile("until", "node == 'web1' and data.x == twice(inputs.x)"),
		.world = &world};

	(void)state;
	expect(&judge, "web1", reply(0, "OK", "{\"x\": 42}"), true, "");
	expect(&judge, "web1", reply(0, "OK", "{\"x\": 21}"), false,
		"until not met: node == 'web1' and data.x == twice(inputs.x)");
	release(&judge);
	assert_true(json_equal(before, values));
	json_decref(before);
	json_decref(values);
}

/*
 * What many replies cost does not grow with what a plan knows: the world's values are the same
 * objects, however large, and only the reply's own are new.
 */
static void a_large_world_is_not_copied(void **state)
{
	json_t *values = json_object(), *big = json_array();
	const struct deploy_expr_world world = {.values = values};
	struct deploy_reply_judge judge = {
		.until = compile("until", "data.x == #sets"), .world = &world};

	(void)state;
	for (int i = 0; i < 10000; i++)
		(void)json_array_append_new(big, json_integer(i));
	(void)json_object_set_new(values, "sets", big);
	for (int i = 0; i < 10000; i++)
		expect(&judge, "web1", reply(0, "OK", "{\"x\": 10000}"), true, "");
	assert_ptr_equal(json_object_get(judge.values, "sets"), big);
	assert_int_equal(json_object_size(judge.values), 5);
	release(&judge);
	json_decref(values);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_expression_sees_its_reply_and_nothing_else),
		cmocka_unit_test(all_that_a_reply_has_is_seen),
		cmocka_unit_test(a_reply_without_data_and_text_that_is_none_are_looked_at),
		cmocka_unit_test(until_has_the_last_word_where_the_action_was_done),
		cmocka_unit_test(a_status_that_counts_as_ok_is_looked_at),
		cmocka_unit_test(fail_when_can_only_fail),
		cmocka_unit_test(a_judge_without_conditions_leaves_the_status_alone),
		cmocka_unit_test(who_was_changed_is_kept_over_all_tries),
		cmocka_unit_test(what_cannot_be_evaluated_is_not_good),
		cmocka_unit_test(a_reason_that_is_too_long_is_cut),
		cmocka_unit_test(a_world_is_seen_and_not_changed),
		cmocka_unit_test(a_large_world_is_not_copied),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
