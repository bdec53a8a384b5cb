/*
 * The runner with a director, who adds tasks to the plan while it runs. What he is told is noted:
 *   told t0 ok: web[1-3], ok web1, replies {"web1": 1}
 *   told: nothing left (complete)
 */
#include "runner_bench.h"

/* What the director does when he is called for the n-th time; NULL: nothing any more. */
typedef int move_fn(struct bench *bench, const struct deploy_turn *turn, struct deploy_error *err);

struct script {
	struct bench *bench;
	move_fn *const *moves;
	size_t calls;
};

static void note_ended(struct bench *bench, const struct deploy_task_result *ended)
{
	char *nodes = deploy_nodeset_print(ended->nodes), *ok = deploy_nodeset_print(ended->ok);
	char *replies = ended->replies ? json_dumps(ended->replies, JSON_SORT_KEYS) : NULL;

	assert_int_equal(ended->tally->nodes, deploy_nodeset_count(ended->nodes));
	note(bench, "told t%zu %s: %s, ok %s", ended->task, ended->is_ok ? "ok" : "not ok", nodes,
		*ok ? ok : "nobody");
	if (replies)
		note(bench, ", replies %s", strlen(replies) < 1000 ? replies : "that are large");
	note(bench, "\n");
	free(nodes);
	free(ok);
	free(replies);
}

static int direct(void *arg, struct deploy_plan *plan, const struct deploy_turn *turn,
	struct deploy_error *err)
{
	struct script *script = arg;
	move_fn *move = script->moves[script->calls];

	assert_ptr_equal(plan, script->bench->plan);
	if (turn->ended)
		note_ended(script->bench, turn->ended);
	else
		note(script->bench, "told: nothing left (%s%s)",
			turn->end == DEPLOY_RUN_COMPLETE ? "complete" : "stopped",
			turn->signal ? ", signal" : "");
	if (!turn->ended)
		note(script->bench, "\n");
	if (!move)
		return 0;
	script->calls++;
	return move(script->bench, turn, err);
}

static void begin_directed(struct bench *bench, struct script *script, move_fn *const *moves)
{
	static struct deploy_director director;

	*script = (struct script){.bench = bench, .moves = moves};
	director = (struct deploy_director){direct, script};
	bench->director = &director;
	begin(bench);
}

static int do_nothing(struct bench *bench, const struct deploy_turn *turn, struct deploy_error *err)
{
	(void)bench;
	(void)turn;
	(void)err;
	return 0;
}

static int ask_three(struct bench *bench, const struct deploy_turn *turn, struct deploy_error *err)
{
	(void)turn;
	(void)err;
	add_task(bench, "web[1-3]")->keeps_replies = true;
	return 0;
}

static int ask_who_was_ok(
	struct bench *bench, const struct deploy_turn *turn, struct deploy_error *err)
{
	struct deploy_task *task = add_task(bench, "web1");

	(void)err;
	deploy_nodeset_free(task->nodes);
	task->nodes = deploy_nodeset_copy(turn->ended->ok);
	return 0;
}

static void answer_with(struct bench *bench, const char *sender, int code, json_t *data)
{
	struct dp_reply reply = {.sender = sender,
		.request_id = "0123456789abcdef0123456789abcdef",
		.statuscode = code,
		.statusmsg = "",
		.data = data};
	struct dp_input input = {.kind = DP_IN_REPLY, .attempt = 1, .reply = &reply};

	tell(bench, &input);
	json_decref(data);
}

static void a_director_makes_the_plan_as_it_goes(void **state)
{
	static move_fn *const moves[] = {ask_three, ask_who_was_ok, NULL};
	struct bench *bench = *state;
	struct script script;

	begin_directed(bench, &script, moves);
	expect(bench, "told: nothing left (complete)\nstart t0 3\nsend t0 try1 web[1-3]\n");
	answer_with(bench, "web1", 0, json_integer(1));
	answer_with(bench, "web2", 2, json_string("no"));
	forget(bench);
	pass(bench, TIMEOUT_MS);
	expect(bench, "outcome web3 silent try1\nend t0 3\n"
		      "told t0 ok: web[1-3], ok web1, replies {\"web1\": 1, \"web2\": \"no\"}\n"
		      "start t1 1\nsend t1 try1 web1\n");
	answer(bench, 1, 1, "web1", 0);
	expect(bench, "outcome web1 ok try1\nend t1 1\ntold t1 ok: web1, ok web1\n"
		      "told: nothing left (complete)\ndone complete\n");
	expect_tally(bench, 1, "nodes 1 ok 1 failed 0 silent 0 (0) unknown 0 cancelled 0");
}

static int ask_lanes(struct bench *bench, const struct deploy_turn *turn, struct deploy_error *err)
{
	(void)turn;
	(void)err;
	deploy_task_need_nothing(add_task(bench, "web1"));
	deploy_task_need_nothing(add_task(bench, NULL));
	return 0;
}

static int ask_after_first(
	struct bench *bench, const struct deploy_turn *turn, struct deploy_error *err)
{
	(void)turn;
	(void)err;
	deploy_task_need(add_task(bench, "web2"), 0);
	return 0;
}

static void tasks_are_added_beside_others(void **state)
{
	static move_fn *const moves[] = {ask_lanes, ask_after_first, NULL};
	struct bench *bench = *state;
	struct script script;

	begin_directed(bench, &script, moves);
	forget(bench);
	answer(bench, 0, 1, "web1", 0);
	expect(bench, "outcome web1 ok try1\nend t0 1\ntold t0 ok: web1, ok web1\n"
		      "start t2 1\nsend t2 try1 web2\n");
	answer(bench, 1, 1, "web8", 1);
	pass(bench, 1000);
	expect(bench, "outcome web8 failed try1 code 1\nend t1 1\n"
		      "told t1 ok: web8, ok nobody\n");
}

static int confirm(struct bench *bench, const struct deploy_turn *turn, struct deploy_error *err)
{
	struct deploy_task *task = deploy_plan_take_chore(bench->plan, DEPLOY_CHORE_CONFIRM);

	(void)turn;
	(void)err;
	task->text = strdup("Go on?");
	return 0;
}

/* The first one again, after a pause, as who polls does. */
static int confirm_later(
	struct bench *bench, const struct deploy_turn *turn, struct deploy_error *err)
{
	assert_string_equal(turn->ended->why, "the answer was no");
	(void)confirm(bench, turn, err);
	bench->plan->tasks[1]->delay_ms = 1000;
	return 0;
}

static void a_director_hears_what_a_chore_came_to(void **state)
{
	static move_fn *const moves[] = {confirm, confirm_later, NULL};
	struct dp_input answer_to = {.kind = DP_IN_ANSWER, .text = "the answer was no"};
	struct bench *bench = *state;
	struct script script;

	begin_directed(bench, &script, moves);
	forget(bench);
	tell(bench, &answer_to);
	expect(bench, "end t0 0 not ok: the answer was no\ntold t0 not ok: , ok nobody\n");
	pass(bench, 1000);
	expect(bench, "start t1 0\nask t1 Go on?\n");
	answer_to = (struct dp_input){.kind = DP_IN_ANSWER, .task = 1, .is_yes = true};
	tell(bench, &answer_to);
	expect(bench, "end t1 0\ntold t1 ok: , ok nobody\n"
		      "told: nothing left (complete)\ndone complete\n");
}

static int give_up(struct bench *bench, const struct deploy_turn *turn, struct deploy_error *err)
{
	(void)turn;
	(void)add_task(bench, "web8");
	add_task(bench, "web9")->is_always = true;
	return deploy_error_set(err, DEPLOY_INPUT, "step 2: no such fact");
}

static int clean_up(struct bench *bench, const struct deploy_turn *turn, struct deploy_error *err)
{
	(void)turn;
	(void)err;
	(void)add_task(bench, "web7");
	add_task(bench, "web6")->is_always = true;
	return 0;
}

static void a_director_may_give_up(void **state)
{
	static move_fn *const moves[] = {ask_lanes, give_up, do_nothing, clean_up, NULL};
	struct bench *bench = *state;
	struct script script;

	begin_directed(bench, &script, moves);
	forget(bench);
	answer(bench, 0, 1, "web1", 0);
	expect(bench, "outcome web1 ok try1\nend t0 1\ntold t0 ok: web1, ok web1\n"
		      "end t1 0\ntold t1 not ok: , ok nobody\n"
		      "told: nothing left (stopped)\nstart t5 1\nsend t5 try1 web6\n");
	answer(bench, 5, 1, "web6", 0);
	expect(bench, "outcome web6 ok try1\nend t5 1\ntold t5 ok: web6, ok web6\n"
		      "told: nothing left (stopped)\ndone failed\n");
	assert_int_equal(dp_runner_error(bench->runner)->code, DEPLOY_INPUT);
	assert_string_equal(dp_runner_error(bench->runner)->text, "step 2: no such fact");
}

static int insist(struct bench *bench, const struct deploy_turn *turn, struct deploy_error *err)
{
	(void)turn;
	(void)err;
	(void)add_task(bench, "web1");
	return 0;
}

static void after_a_stop_only_cleanup_is_started(void **state)
{
	static move_fn *const moves[] = {insist, insist, insist, insist, NULL};
	struct bench *bench = *state;
	struct script script;

	begin_directed(bench, &script, moves);
	forget(bench);
	send_signal(bench, SIGINT);
	answer(bench, 0, 1, "web1", 0);
	expect(bench, "stopped interrupted\noutcome web1 ok try1\nend t0 1\n"
		      "told t0 not ok: web1, ok web1\n"
		      "told: nothing left (stopped, signal)\ndone interrupted\n");
}

static void who_leaves_is_asked_for_nothing(void **state)
{
	static move_fn *const moves[] = {ask_three, clean_up, clean_up, NULL};
	struct bench *bench = *state;
	struct script script;

	begin_directed(bench, &script, moves);
	forget(bench);
	lose(bench);
	expect(bench, "outcome web1 unknown try1\noutcome web2 unknown try1\n"
		      "outcome web3 unknown try1\nend t0 3\ndone lost\n");
	assert_int_equal(script.calls, 1);
}

static void a_director_without_a_task_has_nothing_to_run(void **state)
{
	static move_fn *const moves[] = {do_nothing, NULL};
	struct bench *bench = *state;
	struct script script;

	begin_directed(bench, &script, moves);
	expect(bench, "told: nothing left (complete)\ndone complete\n");
	assert_int_equal(bench->result.task_count, 0);
}

static void a_director_is_not_kept_more_than_he_may_have(void **state)
{
	static move_fn *const moves[] = {ask_three, NULL};
	struct bench *bench = *state;
	size_t half = DEPLOY_MAX_KEPT_BYTES / 2;
	char *bytes = malloc(half);
	json_t *large;
	struct script script;

	assert_non_null(bytes);
	memset(bytes, 'a', half);
	large = json_stringn_nocheck(bytes, half);
	free(bytes);
	begin_directed(bench, &script, moves);
	forget(bench);
	answer_with(bench, "web1", 0, json_incref(large));
	expect(bench, "outcome web1 ok try1\n");
	json_decref(large);
	/* Small in text, and large in memory: a million numbers of one digit. */
	large = json_array();
	for (int i = 0; i < 1000000; i++)
		assert_int_equal(json_array_append_new(large, json_integer(1)), 0);
	answer_with(bench, "web2", 0, large);
	pass(bench, TIMEOUT_MS);
	assert_int_equal(bench->result.end, DEPLOY_RUN_FAILED);
	assert_string_equal(dp_runner_error(bench->runner)->text,
		"task 1: the answers to be kept for later steps take more than 64 MiB; ask for "
		"less, or fewer nodes");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_director_makes_the_plan_as_it_goes),
		TEST(tasks_are_added_beside_others),
		TEST(a_director_hears_what_a_chore_came_to),
		TEST(a_director_may_give_up),
		TEST(after_a_stop_only_cleanup_is_started),
		TEST(who_leaves_is_asked_for_nothing),
		TEST(a_director_without_a_task_has_nothing_to_run),
		TEST(a_director_is_not_kept_more_than_he_may_have),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
