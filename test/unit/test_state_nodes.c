/* What the journal learns about nodes from what they answer. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "journal_play.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void answers_teach_what_a_node_is(void **arg)
{
	struct world *world = *arg;
	struct play play;

	begin(&play, world, &act);
	(void)add_task(&play, "rpcutil", "inventory", NULL);
	(void)add_task(&play, "rpcutil", "get_fact", "{\"fact\":\"os\"}");
	(void)add_task(&play, "rpcutil", "get_facts", "{\"facts\":\"a, b\"}");
	(void)add_task(&play, "rpcutil", "agent_inventory", NULL);
	assert_int_equal(end(&play, DEPLOY_RUN_COMPLETE, 0, &(struct deploy_error){0}), 0);
	assert_int_equal(deploy_journal_begin(&play.journal, play.state, &act, play.plan, NULL,
				 NULL, &(struct deploy_error){0}),
		0);
	tell_ok(&play, 1, "a",
		"{\"facts\":{\"os\":\"x\",\"n\":{\"deep\":1}},\"classes\":[\"c\"],"
		"\"agents\":[\"p\"],\"version\":\"2\"}");
	tell_ok(&play, 2, "b", "{\"fact\":\"another\",\"value\":\"y\"}");
	tell_ok(&play, 3, "c", "{\"values\":{\"a\":\"1\",\"b\":null}}");
	tell_ok(&play, 4, "d", "{\"agents\":[{\"agent\":\"p\"},{\"agent\":\"q\"}]}");
	tell_ok(&play, 0, "e", "{\"facts\":{\"os\":\"x\"}}");
	assert_int_equal(deploy_journal_commit(play.journal), 0);
	check_known(&play, "a mcollective {\"n\":{\"deep\":1},\"os\":\"x\"} [\"c\"] [\"p\"] whole, "
			   "b mcollective {\"os\":\"y\"} - -, "
			   "c mcollective {\"a\":\"1\",\"b\":null} - -, "
			   "d mcollective - - [\"p\",\"q\"], e mcollective - - -");
	/* A part joins what is known; all of it takes its place. */
	tell_ok(&play, 2, "a", "{\"fact\":\"os\",\"value\":null}");
	tell_ok(&play, 4, "a", "{\"agents\":[]}");
	tell_ok(&play, 3, "b", "{\"values\":{\"a\":\"1\"}}");
	tell_ok(&play, 1, "c", "{\"facts\":{\"z\":\"1\"},\"classes\":[],\"agents\":[]}");
	assert_int_equal(deploy_journal_commit(play.journal), 0);
	check_known(&play, "a mcollective {\"n\":{\"deep\":1},\"os\":null} [\"c\"] [] whole, "
			   "b mcollective {\"a\":\"1\",\"os\":\"y\"} - -, "
			   "c mcollective {\"z\":\"1\"} [] [] whole, "
			   "d mcollective - - [\"p\",\"q\"], e mcollective - - -");
	finish(&play);
}

static void malformed_answers_teach_nothing_but_that_a_node_is_there(void **arg)
{
	static const char *const bad[] = {"{\"facts\":[1],\"classes\":{},\"agents\":\"x\"}",
		"{\"facts\":\"x\",\"classes\":[1],\"agents\":[null]}", "{}", "[]"};
	struct world *world = *arg;
	struct play play;

	begin(&play, world, &act);
	(void)add_task(&play, "rpcutil", "inventory", NULL);
	assert_int_equal(end(&play, DEPLOY_RUN_COMPLETE, 0, &(struct deploy_error){0}), 0);
	assert_int_equal(deploy_journal_begin(&play.journal, play.state, &act, play.plan, NULL,
				 NULL, &(struct deploy_error){0}),
		0);
	for (size_t i = 0; i < COUNT(bad); i++)
		tell_ok(&play, 1, "a", bad[i]);
	tell_reply(&play, 1, "a", DEPLOY_OUTCOME_FAILED,
		"{\"facts\":{\"os\":\"x\"},\"classes\":[],\"agents\":[]}");
	/* Neither is one that is silent there, nor a name that cannot be one. */
	tell_outcome(&play, DEPLOY_EVENT_OUTCOME, "b", 1, DEPLOY_OUTCOME_SILENT);
	tell_ok(&play, 1, "c d", NULL);
	assert_int_equal(deploy_journal_commit(play.journal), 0);
	check_known(&play, "a mcollective - - -");
	finish(&play);
}

static int print_last(void *arg, const struct deploy_node_record *node)
{
	print(arg, "%s %s %s", node->identity, node->last_kind ? node->last_kind : "-",
		node->last_outcome_at_us ? deploy_outcome_state_name(node->last_outcome) : "-");
	if (strcmp(node->identity, "a") == 0) {
		assert_true(node->first_seen_us == NOON + 1);
		assert_true(node->last_seen_us == NOON + 3);
	}
	return 0;
}

static void a_node_knows_the_last_that_was_done_to_it(void **arg)
{
	struct world *world = *arg;
	struct deploy_error err = {.code = DEPLOY_OK};
	struct text text = {.len = 0};
	struct play play;

	begin(&play, world, &act);
	tell_ok(&play, 0, "a", NULL);
	tell_ok(&play, 0, "b", NULL);
	tell_ok(&play, 0, "a", NULL);
	assert_int_equal(deploy_journal_commit(play.journal), 0);
	tell_outcome(&play, DEPLOY_EVENT_OUTCOME, "a", 2, DEPLOY_OUTCOME_SILENT);
	tell_outcome(&play, DEPLOY_EVENT_OUTCOME, "b", 0, DEPLOY_OUTCOME_CANCELLED);
	assert_int_equal(deploy_journal_commit(play.journal), 0);
	assert_int_equal(deploy_state_each_node(play.state, 0, print_last, &text, &err), 0);
	assert_string_equal(text.bytes, "a rpc silent, b rpc ok");
	finish(&play);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_open, world_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(answers_teach_what_a_node_is),
		TEST(malformed_answers_teach_nothing_but_that_a_node_is_there),
		TEST(a_node_knows_the_last_that_was_done_to_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
