/*
 * Plans as files: what reading one makes of it, what it wants to be told, and the limits. What is
 * wrong in plans, with its place, is in test/cli/plan.bats and test/data/plans.
 */
#define _XOPEN_SOURCE 700 /* nftw() */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "deploy/playbook.h"
#include "folder.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define PLAN	     "plan: p\n"
#define ASK	     "  - {rpc: a.b, nodes: {agent: a}}\n"

static struct deploy_playbook *read_text(const char *text)
{
	struct deploy_error err = {.code = DEPLOY_OK};
	struct deploy_playbook *book = NULL;

	if (deploy_playbook_read(&book, "t", text, strlen(text), NULL, &err))
		fail_msg("refused: %s\n%.300s", err.text, text);
	assert_int_equal(DEPLOY_OK, err.code);
	return book;
}

static struct deploy_playbook *read_file(const char *path)
{
	struct deploy_error err = {.code = DEPLOY_OK};
	struct deploy_playbook *book = NULL;

	if (deploy_playbook_read_file(&book, path, NULL, &err))
		fail_msg("%s", err.text);
	return book;
}

static struct deploy_playbook *read_good(const char *text)
{
	struct deploy_playbook *book = read_text(text);

	if (deploy_playbook_flaw_count(book))
		fail_msg("%s: %s", deploy_playbook_flaw(book, 0)->pointer,
			deploy_playbook_flaw(book, 0)->text);
	return book;
}

/* The one flaw of a plan. */
static void expect_flaw(struct deploy_playbook *book, const char *expected)
{
	const struct deploy_flaw *flaw = deploy_playbook_flaw(book, 0);
	char got[1024];

	assert_int_equal(1, deploy_playbook_flaw_count(book));
	(void)snprintf(got, sizeof(got), "%u:%u %s: %s", flaw->place.line, flaw->place.column,
		flaw->pointer, flaw->text);
	assert_string_equal(expected, got);
	deploy_playbook_free(book);
}

static void the_plan_of_a_web_deploy_is_what_its_file_says(void **state)
{
	struct deploy_playbook *book = read_file("examples/web-deploy.yaml");
	const struct deploy_step *ping, *roll, *drain, *update, *settle;

	(void)state;
	assert_int_equal(0, deploy_playbook_flaw_count(book));
	assert_string_equal("app-cluster-upgrade", book->plan);
	assert_string_equal("cluster/${inputs.cluster}", book->lock);
	assert_int_equal(7, book->step_count);
	assert_int_equal(2, book->steps.count);
	ping = &book->steps.items[0];
	assert_string_equal("1", ping->number);
	assert_string_equal("ping", ping->id);
	assert_int_equal(2, ping->nodes.set_count);
	assert_string_equal("servers", book->sets[ping->nodes.sets[1]].name);
	assert_string_equal("cluster=${inputs.cluster}", book->sets[1].selection.facts.items[0]);
	roll = &book->steps.items[1];
	assert_int_equal(DEPLOY_STEP_ROLL, roll->kind);
	assert_int_equal(3, roll->policy.batch_count);
	assert_int_equal(50, roll->policy.batch[1].value);
	assert_true(roll->policy.batch[1].is_percent && roll->min_in_service.is_percent);
	assert_int_equal(1, roll->over.sets[0]);
	drain = &roll->steps.items[0];
	assert_string_equal("2.1", drain->number);
	assert_string_equal("haproxy", drain->agent);
	assert_string_equal("disable", drain->action);
	update = &roll->steps.items[1];
	assert_true(update->nodes.has_group && update->is_idempotent);
	assert_int_equal(2, update->policy.tries);
	assert_true(update->policy.has_max_fail && update->policy.max_fail.value == 0);
	settle = &roll->steps.items[2];
	assert_string_equal("data.exitcode == 0", settle->until);
	assert_int_equal(10000, settle->policy.try_sleep_ms);
	assert_true(book->on_success.items[0].is_one);
	assert_string_equal("on_success.1", book->on_success.items[0].id);
	deploy_playbook_free(book);
}

static void pauses_may_grow(void **state)
{
	struct deploy_playbook *book = read_file("examples/mail-queue.yaml");
	const struct deploy_step *empty = &book->steps.items[2];

	(void)state;
	assert_int_equal(3, empty->try_sleep_count);
	assert_int_equal(30000, empty->try_sleeps_ms[2]);
	assert_int_equal(25, book->steps.items[1].policy.max_fail.value);
	assert_int_equal(5000, book->steps.items[1].policy.batch_sleep_ms);
	deploy_playbook_free(book);
}

/* Each step undoes the one that it stands opposite to. */
static void hadoop_stops_in_the_reverse_order_of_its_start(void **state)
{
	struct deploy_playbook *start = read_file("examples/hadoop-start.yaml"),
			       *stop = read_file("examples/hadoop-stop.yaml");
	size_t count = start->steps.count;

	(void)state;
	assert_int_equal(9, count);
	assert_int_equal(count, stop->steps.count);
	for (size_t i = 0; i < count; i++) {
		const struct deploy_step *one = &start->steps.items[i],
					 *other = &stop->steps.items[count - 1 - i];

		assert_string_equal(one->id, other->id);
		assert_string_equal("start", one->action);
		assert_string_equal("stop", other->action);
		assert_true(json_equal(one->with, other->with));
		assert_true(json_equal(json_object_get(one->source, "nodes"),
			json_object_get(other->source, "nodes")));
	}
	deploy_playbook_free(start);
	deploy_playbook_free(stop);
}

static void whatever_formats_is_destructive(void **state)
{
	struct deploy_playbook *book = read_file("examples/hadoop-bootstrap.yaml");
	size_t destructive = 0;

	(void)state;
	for (size_t i = 0; i < book->steps.count; i++) {
		const struct deploy_step *step = &book->steps.items[i];
		const char *cmd = json_string_value(json_object_get(step->with, "cmd"));
		bool formats = cmd && (strstr(cmd, "-format") || strstr(cmd, "-bootstrap"));

		assert_int_equal(formats, step->is_destructive);
		assert_false(formats && step->is_idempotent);
		destructive += formats;
	}
	assert_int_equal(3, destructive);
	deploy_playbook_free(book);
}

static void replies_are_kept_for_steps_whose_results_are_read(void **state)
{
	struct deploy_playbook *book =
		read_good(PLAN "steps:\n"
			       "  - {id: a, rpc: a.b, nodes: {agent: a}}\n"
			       "  - {id: b, rpc: a.b, nodes: {agent: a}}\n"
			       "  - {id: c, rpc: a.b, nodes: {agent: a}, when: '#steps.a.ok > 0'}\n"
			       "  - {confirm: \"${steps.b.results['n'].data.x}\"}\n");

	(void)state;
	assert_false(book->steps.items[0].keeps_replies);
	assert_true(book->steps.items[1].keeps_replies);
	assert_false(book->steps.items[2].keeps_replies);
	deploy_playbook_free(book);
}

static void every_value_has_a_place(void **state)
{
	struct deploy_playbook *book =
		read_good(PLAN "steps:\n  - id: a\n    rpc: a.b\n    nodes: {agent: a}\n");
	const struct deploy_step *step = &book->steps.items[0];
	struct deploy_place rpc = deploy_step_place(book, step, "rpc"),
			    whole = deploy_step_place(book, step, NULL);

	(void)state;
	assert_int_equal(4, rpc.line);
	assert_int_equal(10, rpc.column);
	assert_int_equal(3, whole.line);
	assert_int_equal(5, whole.column);
	deploy_playbook_free(book);
}

/* Only what no set of nodes could satisfy is refused: [1, 60%] is right for two nodes. */
static void a_roll_must_be_able_to_leave_enough_in_service(void **state)
{
	static const struct {
		const char *batch, *stay;
		bool works;
	} cases[] = {{"1", "50%", true}, {"[1, 50%, 100%]", "50%", true}, {"100%", "1", false},
		{"50%", "50%", true}, {"51%", "50%", false}, {"60%", "50%", false},
		{"[1, 60%]", "50%", true}, {"5", "3", true}, {"5", "99%", true},
		{"100%", "1%", false}, {"99%", "1%", true}, {"1", "100%", false},
		{"[50%, 1]", "50%", true}, {"60%", "1", true}, {"[1, 100%]", "2", false}};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct deploy_playbook *book;
		char text[256];

		(void)snprintf(text, sizeof(text),
			PLAN "steps:\n  - roll: {over: {agent: a}, batch: %s, min_in_service: %s}\n"
			     "    steps: [{rpc: a.b, nodes: group}]\n",
			cases[i].batch, cases[i].stay);
		book = read_text(text);
		if ((deploy_playbook_flaw_count(book) == 0) != cases[i].works)
			fail_msg("%s with %s", cases[i].batch, cases[i].stay);
		deploy_playbook_free(book);
	}
}

/* Limits. */

static char *many_steps(size_t count)
{
	char *text = calloc(1, 64 + count * strlen(ASK)), *at = text;

	at = stpcpy(at, PLAN "steps:\n");
	while (count--)
		at = stpcpy(at, ASK);
	return text;
}

static void a_thousand_steps_are_enough(void **state)
{
	char *most = many_steps(1000), *more = many_steps(1001);
	struct deploy_playbook *book = read_good(most);

	(void)state;
	assert_int_equal(1000, book->step_count);
	deploy_playbook_free(book);
	expect_flaw(read_text(more), "1003:5 /steps/1000: more than 1000 steps in all");
	free(most);
	free(more);
}

static void all_flaws_are_counted_and_the_first_told(void **state)
{
	char text[8192] = PLAN "steps:\n";
	struct deploy_playbook *book;

	(void)state;
	for (int i = 0; i < 150; i++)
		(void)strcat(text, "  - {confirm: 1}\n");
	book = read_text(text);
	assert_int_equal(150, deploy_playbook_flaw_count(book));
	assert_int_equal(102, deploy_playbook_flaw(book, DEPLOY_MAX_FLAWS - 1)->place.line);
	deploy_playbook_free(book);
}

/* A file NAME with one step that is the plan OTHER. */
static void write_plan(const char *name, const char *other)
{
	char text[256];

	(void)snprintf(text, sizeof(text), PLAN "steps:\n  - plan: %s\n", other);
	write_text(in_folder(name), text);
}

static void plans_in_plans_end_somewhere(void **state)
{
	struct deploy_playbook *book;
	char name[32], other[32];

	(void)state;
	for (int i = 1; i <= 9; i++) {
		(void)snprintf(name, sizeof(name), "%d.yaml", i);
		(void)snprintf(other, sizeof(other), "%d.yaml", i + 1);
		write_plan(name, other);
	}
	write_text(in_folder("10.yaml"), PLAN "steps:\n" ASK);
	book = read_file(in_folder("3.yaml"));
	assert_int_equal(0, deploy_playbook_flaw_count(book));
	assert_int_equal(8, book->step_count);
	assert_string_equal("1", book->steps.items[0].plan->steps.items[0].number);
	deploy_playbook_free(book);
	expect_flaw(read_file(in_folder("2.yaml")),
		"3:11 /steps/0/plan: more than 8 plans in each other");
	/* By another name, and from further in. */
	assert_int_equal(0, symlink("3.yaml", in_folder("10.yaml.new")));
	assert_int_equal(0, rename(in_folder("10.yaml.new"), in_folder("6.yaml")));
	expect_flaw(read_file(in_folder("3.yaml")),
		"3:11 /steps/0/plan: leads back to this plan: it would never end");
}

static void a_plan_is_not_in_itself_a_hundred_times(void **state)
{
	char text[4096] = PLAN "steps:\n";
	struct deploy_playbook *book;

	(void)state;
	write_text(in_folder("leaf.yaml"), PLAN "steps:\n" ASK);
	for (int i = 0; i < 70; i++)
		(void)strcat(text, "  - plan: leaf.yaml\n");
	write_text(in_folder("root.yaml"), text);
	book = read_file(in_folder("root.yaml"));
	assert_int_equal(7, deploy_playbook_flaw_count(book));
	assert_string_equal("more than 64 plans in all", deploy_playbook_flaw(book, 0)->text);
	deploy_playbook_free(book);
}

static void a_plan_names_a_bounded_number_of_nodes(void **state)
{
	char text[4096] = PLAN "steps:\n";
	struct deploy_playbook *book;

	(void)state;
	for (int i = 0; i < 50; i++)
		(void)strcat(text, "  - {rpc: a.b, nodes: {identity: 'web[1-200000]'}}\n");
	book = read_text(text);
	assert_int_equal(1, deploy_playbook_flaw_count(book));
	assert_string_equal(
		"more than 400000 nodes are named in all", deploy_playbook_flaw(book, 0)->text);
	assert_int_equal(5, deploy_playbook_flaw(book, 0)->place.line);
	deploy_playbook_free(book);
}

static void what_is_no_yaml_is_an_error(void **state)
{
	struct deploy_error err = {.code = DEPLOY_OK};
	struct deploy_playbook *book = NULL;

	(void)state;
	assert_int_equal(DEPLOY_INPUT, deploy_playbook_read(&book, "t", "a: [x", 5, NULL, &err));
	assert_string_equal("t:1:4: a '[' that is never closed", err.text);
	err = (struct deploy_error){.code = DEPLOY_OK};
	assert_int_equal(
		DEPLOY_NO_INPUT, deploy_playbook_read_file(&book, in_folder("none"), NULL, &err));
	assert_null(book);
	expect_flaw(read_text("5"), "1:1 : expected a mapping, found a number");
}

/* What a plan is told. */

#define INPUTS                                                                                     \
	PLAN "inputs:\n"                                                                           \
	     "  name: {type: string, match: '^[a-z]+$'}\n"                                         \
	     "  count: {type: integer, default: 3}\n"                                              \
	     "  part: {type: number, required: false}\n"                                           \
	     "  sure: {type: boolean}\n"                                                           \
	     "  color: {type: list, values: [red, 2], default: red}\n"                             \
	     "  hosts: {type: array, required: false}\n"                                           \
	     "  token: {type: string, match: '^[0-9]+$', secret: true}\n"                          \
	     "steps:\n" ASK

static json_t *parse(const char *text)
{
	return text ? json_loads(text, 0, NULL) : NULL;
}

/* "VALUES MISSING", or the error. */
static char *take(const char *given_text, const char *words_text)
{
	struct deploy_error err = {.code = DEPLOY_OK};
	struct deploy_playbook *book = read_good(INPUTS);
	json_t *given = parse(given_text), *words = parse(words_text), *values, *missing;
	int rc = deploy_playbook_inputs(&values, &missing, book, given, words, &err);
	json_t *both = rc ? json_string(err.text) : json_pack("[o, o]", values, missing);
	char *text = json_dumps(both, JSON_COMPACT | JSON_ENCODE_ANY);

	assert_int_equal(err.code, rc);
	assert_true(rc == 0 || (!values && !missing));
	json_decref(both);
	json_decref(given);
	json_decref(words);
	deploy_playbook_free(book);
	return text;
}

static void inputs_are_converted_checked_and_completed(void **state)
{
	static const struct {
		const char *given, *words, *expected;
	} cases[] = {
		{NULL, NULL,
			"[{\"count\":3,\"part\":null,\"color\":\"red\",\"hosts\":null},"
			"[\"name\",\"sure\",\"token\"]]"},
		{"{\"name\":\"a\",\"count\":7,\"token\":\"1\"}",
			"{\"name\":\"b\",\"sure\":\"yes\",\"part\":\"1.5\",\"color\":\"2\","
			"\"hosts\":\"[1,2]\"}",
			"[{\"name\":\"b\",\"count\":7,\"part\":1.5,\"sure\":true,\"color\":2,"
			"\"hosts\":[1,2],\"token\":\"1\"},[]]"},
		{"{\"part\":null,\"sure\":false}", "{\"name\":\"x\",\"token\":\"5\"}",
			"[{\"name\":\"x\",\"count\":3,\"part\":null,\"sure\":false,\"color\":"
			"\"red\",\"hosts\":null,\"token\":\"5\"},[]]"},
		{NULL, "{\"name\":\"A\"}", "\"input name: 'A' does not match ^[a-z]+$\""},
		{NULL, "{\"name\":\"a\\nb\"}",
			"\"input name: has to match ^[a-z]+$, and has several lines\""},
		{NULL, "{\"count\":\"x\"}", "\"input count: 'x' is no number\""},
		{"{\"count\":1.5}", NULL, "\"input count: '1.5' is no whole number\""},
		{"{\"count\":null}", NULL, "\"input count: 'null' is no whole number\""},
		{NULL, "{\"color\":\"blue\"}", "\"input color: 'blue' is none of red, 2\""},
		{"{\"hosts\":{}}", NULL, "\"input hosts: '{}' is no array\""},
		{NULL, "{\"nmae\":\"x\"}", "\"t has no input nmae\""},
		{NULL, "{\"token\":\"s3cr3t\"}",
			"\"input token: what was given, which is secret, is not what the plan "
			"takes: string, matching ^[0-9]+$\""},
		{"{\"token\":[\"s3cr3t\"]}", NULL,
			"\"input token: what was given, which is secret, is not what the plan "
			"takes: string, matching ^[0-9]+$\""},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		char *got = take(cases[i].given, cases[i].words);

		assert_string_equal(cases[i].expected, got);
		free(got);
	}
}

/* What takes too long to tell is not believed. */
static void an_endless_match_is_no_match(void **state)
{
	struct deploy_error err = {.code = DEPLOY_OK};
	struct deploy_playbook *book = read_good(
		PLAN "inputs: {x: {type: string, match: '^(a+)+$', secret: false}}\nsteps:\n" ASK);
	json_t *values, *missing,
		*words = json_pack("{s:s}", "x",
			"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!");

	(void)state;
	assert_int_equal(
		DEPLOY_INPUT, deploy_playbook_inputs(&values, &missing, book, NULL, words, &err));
	assert_string_equal(
		"input x: it takes too long to tell whether it matches ^(a+)+$", err.text);
	json_decref(words);
	deploy_playbook_free(book);
}

static void secrets_are_masked(void **state)
{
	struct deploy_playbook *book = read_good(INPUTS);
	json_t *inputs = json_pack("{s:s, s:s}", "name", "a", "token", "5");
	json_t *masked = deploy_playbook_mask(book, inputs);

	(void)state;
	assert_string_equal("a", json_string_value(json_object_get(masked, "name")));
	assert_string_equal("***", json_string_value(json_object_get(masked, "token")));
	assert_string_equal("5", json_string_value(json_object_get(inputs, "token")));
	json_decref(inputs);
	json_decref(masked);
	deploy_playbook_free(book);
}

static void a_plan_in_a_plan_is_told_its_inputs(void **state)
{
	(void)state;
	write_text(in_folder("in.yaml"),
		PLAN "inputs: {a: {type: integer}, b: {type: string, default: x}}\nsteps:\n" ASK);
	write_text(in_folder("out.yaml"), PLAN "steps:\n  - plan: in.yaml\n    inputs: {b: y}\n");
	expect_flaw(read_file(in_folder("out.yaml")), "4:13 /steps/0/inputs/a: missing");
	write_text(in_folder("out.yaml"), PLAN "steps:\n  - plan: in.yaml\n");
	expect_flaw(read_file(in_folder("out.yaml")), "3:5 /steps/0/inputs/a: missing");
}

static void as_json_steps_have_numbers_ids_and_kinds(void **state)
{
	struct deploy_playbook *book = read_good(
		PLAN "steps:\n"
		     "  - parallel: [{steps: [{id: x, confirm: a}]}, {steps: [{confirm: b}]}]\n");
	json_t *whole = deploy_playbook_json(book);
	char *got = json_dumps(json_object_get(whole, "steps"), JSON_COMPACT);

	(void)state;
	assert_string_equal(
		"[{\"number\":\"1\",\"id\":\"1\",\"kind\":\"parallel\",\"parallel\":["
		"{\"steps\":[{\"number\":\"1.1.1\",\"id\":\"x\",\"kind\":\"confirm\","
		"\"confirm\":\"a\"}]},{\"steps\":[{\"number\":\"1.2.1\",\"id\":\"1.2.1\","
		"\"kind\":\"confirm\",\"confirm\":\"b\"}]}]}]",
		got);
	free(got);
	json_decref(whole);
	deploy_playbook_free(book);
}

static int open_own(void **state)
{
	(void)state;
	return open_folder("test_playbook");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_plan_of_a_web_deploy_is_what_its_file_says),
		cmocka_unit_test(pauses_may_grow),
		cmocka_unit_test(hadoop_stops_in_the_reverse_order_of_its_start),
		cmocka_unit_test(whatever_formats_is_destructive),
		cmocka_unit_test(replies_are_kept_for_steps_whose_results_are_read),
		cmocka_unit_test(every_value_has_a_place),
		cmocka_unit_test(a_roll_must_be_able_to_leave_enough_in_service),
		cmocka_unit_test(a_thousand_steps_are_enough),
		cmocka_unit_test(all_flaws_are_counted_and_the_first_told),
		cmocka_unit_test(plans_in_plans_end_somewhere),
		cmocka_unit_test(a_plan_is_not_in_itself_a_hundred_times),
		cmocka_unit_test(a_plan_names_a_bounded_number_of_nodes),
		cmocka_unit_test(what_is_no_yaml_is_an_error),
		cmocka_unit_test(inputs_are_converted_checked_and_completed),
		cmocka_unit_test(an_endless_match_is_no_match),
		cmocka_unit_test(secrets_are_masked),
		cmocka_unit_test(a_plan_in_a_plan_is_told_its_inputs),
		cmocka_unit_test(as_json_steps_have_numbers_ids_and_kinds),
	};

	return cmocka_run_group_tests(tests, open_own, remove_folder);
}
