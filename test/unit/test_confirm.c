/* Questions before something is done, at a terminal that the test itself types on. */
#define _XOPEN_SOURCE 700
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "confirm.h"
#include "terminal.h"

#define YES_OR_NO "12 nodes get new facts. Go on? [y/N] "
#define NUMBER	  "12 nodes get new facts\r\ntype 12 to go on: "

struct bench {
	struct deploy_config config;
	struct ctx ctx;
	struct confirm_opts opts;
	struct confirm_question question;
	struct terminal terminal;
	struct deploy_error err;
};

static int set_up(void **state)
{
	static const struct out_options options = {.format = OUT_TABLE};
	struct bench *bench = calloc(1, sizeof(*bench));

	assert_non_null(bench);
	bench->config.confirm_above = 20;
	bench->ctx = (struct ctx){.config = &bench->config, .out = out_open(&options)};
	bench->question = (struct confirm_question){.before = "", .after = " get new facts"};
	*state = bench;
	return 0;
}

static int tear_down(void **state)
{
	struct bench *bench = *state;
	struct deploy_error err = {0};

	(void)out_close(bench->ctx.out, &err);
	free(bench);
	return 0;
}

static void begin(struct bench *bench, const char *typed)
{
	bench->err = (struct deploy_error){0};
	begin_typing(&bench->terminal, typed);
}

static void end(struct bench *bench)
{
	end_typing(&bench->terminal);
}

/* Whether count nodes are meant. */
static int ask(struct bench *bench, size_t count, const char *typed)
{
	int status;

	begin(bench, typed);
	status = confirm_act(&bench->ctx, &bench->opts, &bench->question, count, &bench->err);
	end(bench);
	return status;
}

static void a_few_nodes_want_a_yes(void **state)
{
	struct bench *bench = *state;

	assert_int_equal(EXIT_ALL_OK, ask(bench, 12, "y\n"));
	assert_string_equal(YES_OR_NO, bench->terminal.shown);
	assert_int_equal(EXIT_ALL_OK, ask(bench, 20, "yes\n"));
	assert_int_equal(EXIT_ALL_OK, ask(bench, 1, "Y\n"));
	assert_string_equal("1 node get new facts. Go on? [y/N] ", bench->terminal.shown);
}

static void anything_else_is_a_no(void **state)
{
	static const char *const typed[] = {
		"\n", "n\n", "no\n", " y\n", "yy\n", "12\n", "yes please\n"};
	struct bench *bench = *state;

	for (size_t i = 0; i < sizeof(typed) / sizeof(typed[0]); i++) {
		assert_int_equal(EXIT_REFUSED, ask(bench, 12, typed[i]));
		assert_string_equal(YES_OR_NO "nothing was done\r\n", bench->terminal.shown);
		assert_int_equal(DEPLOY_OK, bench->err.code);
	}
	assert_int_equal(EXIT_REFUSED, ask(bench, 12, "\004"));
}

static void many_nodes_want_their_number(void **state)
{
	struct bench *bench = *state;

	bench->config.confirm_above = 11;
	assert_int_equal(EXIT_ALL_OK, ask(bench, 12, "12\n"));
	assert_string_equal(NUMBER, bench->terminal.shown);
	assert_int_equal(EXIT_REFUSED, ask(bench, 12, "y\n"));
	assert_int_equal(EXIT_REFUSED, ask(bench, 12, "11\n"));
	/* 0: no number is many. */
	bench->config.confirm_above = 0;
	assert_int_equal(EXIT_ALL_OK, ask(bench, 12, "y\n"));
	assert_string_equal(YES_OR_NO, bench->terminal.shown);
}

static void with_yes_nothing_is_asked(void **state)
{
	struct bench *bench = *state;

	bench->opts.says_yes = true;
	bench->opts.asks_nothing = true;
	assert_int_equal(EXIT_ALL_OK, ask(bench, 1000, "\n"));
	assert_string_equal("", bench->terminal.shown);
}

static void no_input_needs_a_yes(void **state)
{
	struct bench *bench = *state;

	bench->opts.asks_nothing = true;
	assert_int_equal(EXIT_USAGE, ask(bench, 1, "y\n"));
	assert_string_equal("", bench->terminal.shown);
	assert_string_equal(
		"it asks before it acts; with --no-input --yes is needed", bench->err.text);
}

static int ask_nobody(struct bench *bench, size_t count)
{
	int status;

	bench->err = (struct deploy_error){0};
	divert(&bench->terminal, "/dev/null");
	status = confirm_act(&bench->ctx, &bench->opts, &bench->question, count, &bench->err);
	restore(&bench->terminal);
	return status;
}

static void without_a_terminal_yes_is_needed(void **state)
{
	struct bench *bench = *state;

	assert_int_equal(EXIT_USAGE, ask_nobody(bench, 1));
	assert_string_equal(
		"it asks before it acts; without a terminal --yes is needed", bench->err.text);
	bench->opts.says_yes = true;
	assert_int_equal(EXIT_ALL_OK, ask_nobody(bench, 1000));
	assert_int_equal(DEPLOY_OK, bench->err.code);
}

static void what_only_many_are_asked_about_is_done_where_nobody_is(void **state)
{
	struct bench *bench = *state;

	bench->question.is_for_many_only = true;
	assert_int_equal(EXIT_ALL_OK, ask_nobody(bench, 1000));
	assert_int_equal(EXIT_ALL_OK, ask(bench, 20, "\n"));
	assert_string_equal("", bench->terminal.shown);
	assert_int_equal(EXIT_REFUSED, ask(bench, 21, "\n"));
	bench->opts.asks_nothing = true;
	assert_int_equal(EXIT_ALL_OK, ask(bench, 21, "\n"));
	bench->opts.asks_nothing = false;
	bench->config.confirm_above = 0;
	assert_int_equal(EXIT_ALL_OK, ask(bench, 21, "\n"));
}

/* Named nodes are counted without a broker, less what is left out and beyond the limit. */
static void named_nodes_are_counted_as_they_will_be_asked(void **state)
{
	struct bench *bench = *state;
	struct target_opts target = {.is_one = false};
	struct deploy_nodeset *found;

	target_opts_init(&target);
	assert_int_equal(0, deploy_filter_add_identity(&target.filter, "web[1-9]", &bench->err));
	target.exclude = deploy_nodeset_new();
	assert_int_equal(0, deploy_nodeset_parse(target.exclude, "web[1-3],db1", &bench->err));
	target.limit.amount = (struct deploy_amount){50, true};
	bench->question.before = "in all, ";
	begin(bench, "n\n");
	assert_int_equal(EXIT_REFUSED, confirm_nodes(&found, &bench->ctx, &bench->opts,
					       &bench->question, &target, NULL, &bench->err));
	end(bench);
	assert_null(found);
	assert_string_equal("in all, 3 nodes get new facts. Go on? [y/N] nothing was done\r\n",
		bench->terminal.shown);
	target_opts_release(&target);
}

static void the_options_say_yes_and_that_nobody_is_there(void **state)
{
	struct bench *bench = *state;
	struct opt_target target = {confirm_options, &bench->opts};
	char yes[] = "-y", nobody[] = "--no-input";
	char *argv[] = {yes, nobody};
	int operands;

	assert_int_equal(0, opt_parse(&target, 1, 1, argv, false, &operands, &bench->err));
	assert_true(bench->opts.says_yes && !bench->opts.asks_nothing);
	assert_int_equal(0, opt_parse(&target, 1, 1, argv + 1, false, &operands, &bench->err));
	assert_true(bench->opts.asks_nothing);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_few_nodes_want_a_yes),
		TEST(anything_else_is_a_no),
		TEST(many_nodes_want_their_number),
		TEST(with_yes_nothing_is_asked),
		TEST(no_input_needs_a_yes),
		TEST(without_a_terminal_yes_is_needed),
		TEST(what_only_many_are_asked_about_is_done_where_nobody_is),
		TEST(the_options_say_yes_and_that_nobody_is_there),
		TEST(named_nodes_are_counted_as_they_will_be_asked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
