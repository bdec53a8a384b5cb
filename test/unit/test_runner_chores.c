/* The runner with tasks that ask no node: each ends by its word, and by whatever cuts it short. */
#include "runner_bench.h"

static char *copy(const char *text)
{
	char *own = strdup(text);

	assert_non_null(own);
	return own;
}

/* One of each kind; borrowed. */
static struct deploy_task *add_chore(struct bench *bench, enum deploy_chore chore)
{
	struct deploy_task *task = deploy_plan_take_chore(bench->plan, chore);

	if (chore == DEPLOY_CHORE_CONFIRM)
		task->text = copy("Go on?");
	if (chore == DEPLOY_CHORE_CONNECT) {
		task->host = copy("db1");
		task->port = 5432;
	}
	if (chore == DEPLOY_CHORE_PUBLISH) {
		task->text = copy("deploy.done");
		task->body = copy("web is up");
	}
	return task;
}

static void begin_chore(struct bench *bench, enum deploy_chore chore)
{
	(void)add_chore(bench, chore);
	begin(bench);
	forget(bench);
}

static void say(struct bench *bench, unsigned task, bool is_yes, const char *why)
{
	struct dp_input input = {.kind = DP_IN_ANSWER, .task = task, .is_yes = is_yes, .text = why};

	tell(bench, &input);
}

static void respond(struct bench *bench, unsigned task, enum deploy_code code, const char *why)
{
	static const uint32_t nobody = 0;
	struct dp_http_response response = {.err = {.code = code}, .body = ""};
	struct dp_input input = {.kind = DP_IN_RESPONSE,
		.task = task,
		.rows = &nobody,
		.row_count = 1,
		.response = &response};

	(void)snprintf(response.err.text, sizeof(response.err.text), "%s", why);
	tell(bench, &input);
}

static void rest_is_over_after_its_delay(void **state)
{
	struct bench *bench = *state;

	add_chore(bench, DEPLOY_CHORE_REST)->delay_ms = 30000;
	(void)add_task(bench, "web1");
	begin(bench);
	expect(bench, "");
	pass(bench, 29999);
	expect(bench, "");
	pass(bench, 1);
	expect(bench, "start t0 0\nend t0 0\nstart t1 1\nsend t1 try1 web1\n");
	assert_true(bench->was_ok);
	answer(bench, 1, 1, "web1", 0);
	assert_int_equal(bench->result.end, DEPLOY_RUN_COMPLETE);
	expect_tally(bench, 0, "nodes 0 ok 0 failed 0 silent 0 (0) unknown 0 cancelled 0");
	assert_null(bench->result.found[0]);
}

static void yes_is_ok(void **state)
{
	struct bench *bench = *state;

	(void)add_chore(bench, DEPLOY_CHORE_CONFIRM);
	begin(bench);
	expect(bench, "start t0 0\nask t0 Go on?\n");
	/* Who is asked has all the time in the world. */
	assert_true(dp_runner_wake_us(bench->runner) == DP_NEVER);
	say(bench, 0, true, NULL);
	expect(bench, "end t0 0\ndone complete\n");
	assert_true(bench->was_ok);
}

/* It is for the director to decide what that means. */
static void no_is_not_ok_and_stops_nothing(void **state)
{
	struct bench *bench = *state;

	(void)add_chore(bench, DEPLOY_CHORE_CONFIRM);
	(void)add_chore(bench, DEPLOY_CHORE_REST);
	begin(bench);
	forget(bench);
	say(bench, 0, false, "the answer was no");
	expect(bench, "end t0 0 not ok: the answer was no\nstart t1 0\nend t1 0\ndone complete\n");
}

static void port_that_takes_connections_is_ok(void **state)
{
	struct bench *bench = *state;

	(void)add_chore(bench, DEPLOY_CHORE_CONNECT);
	begin(bench);
	expect(bench, "start t0 0\nfetch t0 http://db1:5432\n");
	assert_true(dp_runner_wake_us(bench->runner) == DP_NEVER);
	respond(bench, 0, DEPLOY_OK, "");
	expect(bench, "end t0 0\ndone complete\n");
	assert_true(bench->was_ok);
}

static void port_that_takes_none_is_not_ok(void **state)
{
	struct bench *bench = *state;

	begin_chore(bench, DEPLOY_CHORE_CONNECT);
	respond(bench, 0, DEPLOY_CONNECT, "db1:5432: cannot connect: Connection refused");
	expect(bench, "end t0 0 not ok: db1:5432: cannot connect: Connection refused\n"
		      "done complete\n");
	assert_false(bench->was_ok);
}

static void message_that_the_broker_took_is_ok(void **state)
{
	struct bench *bench = *state;

	(void)add_chore(bench, DEPLOY_CHORE_PUBLISH);
	begin(bench);
	expect(bench, "start t0 0\nannounce t0 deploy.done: web is up\n");
	say(bench, 0, true, NULL);
	expect(bench, "end t0 0\ndone complete\n");
	assert_true(bench->was_ok);
}

static void message_that_the_broker_refuses_is_not_ok(void **state)
{
	struct bench *bench = *state;

	begin_chore(bench, DEPLOY_CHORE_PUBLISH);
	say(bench, 0, false, "no such right (403)");
	expect(bench, "end t0 0 not ok: topic deploy.done: no such right (403)\ndone complete\n");
}

static void broker_that_says_nothing_of_a_message_is_waited_for_so_long(void **state)
{
	static const long long cases[][2] = {{0, 5000}, {300, 300}};
	struct bench *bench;

	for (size_t i = 0; i < COUNT(cases); i++) {
		renew(state);
		bench = *state;
		add_chore(bench, DEPLOY_CHORE_PUBLISH)->policy.timeout_ms = cases[i][0];
		begin(bench);
		forget(bench);
		pass(bench, cases[i][1] - 1);
		expect(bench, "");
		pass(bench, 1);
		expect(bench, "end t0 0 not ok: topic deploy.done: the broker did not say in time "
			      "that it has the message\ndone complete\n");
	}
}

/* The word may have arrived, and wait unread behind something else. */
static void time_for_the_broker_runs_out_only_when_all_is_read(void **state)
{
	struct bench *bench = *state;
	struct dp_input input = {.kind = DP_IN_PROGRESS};

	begin_chore(bench, DEPLOY_CHORE_PUBLISH);
	bench->now_us += 6000 * MS;
	tell(bench, &input);
	expect(bench, "");
	say(bench, 0, true, NULL);
	expect(bench, "end t0 0\ndone complete\n");
}

static const enum deploy_chore waiting[] = {
	DEPLOY_CHORE_CONFIRM, DEPLOY_CHORE_CONNECT, DEPLOY_CHORE_PUBLISH};

/* What a chore says of its end; a message names its topic. */
static void expect_cut(struct bench *bench, enum deploy_chore chore, const char *before,
	const char *why, const char *end)
{
	char lines[300];

	(void)snprintf(lines, sizeof(lines), "%send t0 0 not ok: %s%s\ndone %s\n", before,
		chore == DEPLOY_CHORE_PUBLISH ? "topic deploy.done: " : "", why, end);
	expect(bench, lines);
	assert_false(bench->was_ok);
}

static void interrupt_ends_it_at_once(void **state)
{
	for (size_t i = 0; i < COUNT(waiting); i++) {
		renew(state);
		begin_chore(*state, waiting[i]);
		send_signal(*state, SIGINT);
		expect_cut(
			*state, waiting[i], "stopped interrupted\n", "interrupted", "interrupted");
	}
}

static void its_deadline_ends_it_and_nothing_else(void **state)
{
	for (size_t i = 0; i < COUNT(waiting); i++) {
		struct bench *bench;

		renew(state);
		bench = *state;
		add_chore(bench, waiting[i])->policy.deadline_ms = 2000;
		begin(bench);
		forget(bench);
		pass(bench, 1999);
		expect(bench, "");
		pass(bench, 1);
		expect_cut(
			bench, waiting[i], "", "the deadline of the task has passed", "complete");
	}
}

static void deadline_of_the_run_ends_it(void **state)
{
	for (size_t i = 0; i < COUNT(waiting); i++) {
		struct bench *bench;

		renew(state);
		bench = *state;
		bench->plan->deadline_ms = 2000;
		begin_chore(bench, waiting[i]);
		pass(bench, 2000);
		expect_cut(bench, waiting[i], "", "the run stopped", "deadline");
	}
}

static void who_is_cut_off_waits_for_nothing(void **state)
{
	for (size_t i = 0; i < COUNT(waiting); i++) {
		renew(state);
		begin_chore(*state, waiting[i]);
		lose(*state);
		expect_cut(
			*state, waiting[i], "", "the connection to the broker ended first", "lost");
	}
}

static void task_beside_it_that_stops_the_run_ends_it(void **state)
{
	struct bench *bench = *state;

	(void)add_chore(bench, DEPLOY_CHORE_CONFIRM);
	set_max_fail(add_policy(bench, "web[1-2]"), "0");
	deploy_task_need_nothing(bench->plan->tasks[1]);
	begin(bench);
	forget(bench);
	answer(bench, 1, 1, "web1", 1);
	expect(bench, "outcome web1 failed try1 code 1\n"
		      "stopped 1 of 2 nodes not ok, more than the 0 that max-fail 0 tolerates\n"
		      "end t0 0 not ok: the run stopped\n");
}

/* Cleanup goes on after a first signal, and not after a second. */
static void cleanup_may_publish(void **state)
{
	struct bench *bench = *state;

	(void)add_task(bench, "web1");
	add_chore(bench, DEPLOY_CHORE_PUBLISH)->is_always = true;
	begin(bench);
	send_signal(bench, SIGTERM);
	forget(bench);
	answer(bench, 0, 1, "web1", 0);
	expect(bench, "outcome web1 ok try1\nend t0 1\nstart t1 0\n"
		      "announce t1 deploy.done: web is up\n");
	send_signal(bench, SIGTERM);
	expect(bench, "end t1 0 not ok: topic deploy.done: interrupted before it answered\n"
		      "done interrupted\n");
}

static void nodes_go_on_while_somebody_is_asked(void **state)
{
	struct bench *bench = *state;

	(void)add_chore(bench, DEPLOY_CHORE_CONFIRM);
	deploy_task_need_nothing(add_task(bench, "web1"));
	deploy_task_need(add_task(bench, "web2"), 1);
	deploy_task_need(add_task(bench, "web3"), 0);
	begin(bench);
	expect(bench, "start t0 0\nask t0 Go on?\nstart t1 1\nsend t1 try1 web1\n");
	answer(bench, 1, 1, "web1", 0);
	expect(bench, "outcome web1 ok try1\nend t1 1\nstart t2 1\nsend t2 try1 web2\n");
	say(bench, 0, true, NULL);
	expect(bench, "end t0 0\nstart t3 1\nsend t3 try1 web3\n");
}

static void word_that_is_for_nobody_any_more_changes_nothing(void **state)
{
	struct bench *bench = *state;

	add_chore(bench, DEPLOY_CHORE_CONFIRM)->policy.deadline_ms = 100;
	(void)add_chore(bench, DEPLOY_CHORE_CONFIRM);
	begin(bench);
	pass(bench, 100);
	forget(bench);
	say(bench, 0, true, NULL);
	/* … nor one of the wrong kind, nor one of a task that there is not. */
	respond(bench, 0, DEPLOY_OK, "");
	respond(bench, 1, DEPLOY_OK, "");
	say(bench, 17, true, NULL);
	expect(bench, "");
	answer(bench, 1, 1, "web1", 0);
	expect(bench, "");
	say(bench, 1, true, NULL);
	expect(bench, "end t1 0\ndone complete\n");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(rest_is_over_after_its_delay),
		TEST(yes_is_ok),
		TEST(no_is_not_ok_and_stops_nothing),
		TEST(port_that_takes_connections_is_ok),
		TEST(port_that_takes_none_is_not_ok),
		TEST(message_that_the_broker_took_is_ok),
		TEST(message_that_the_broker_refuses_is_not_ok),
		TEST(broker_that_says_nothing_of_a_message_is_waited_for_so_long),
		TEST(time_for_the_broker_runs_out_only_when_all_is_read),
		TEST(interrupt_ends_it_at_once),
		TEST(its_deadline_ends_it_and_nothing_else),
		TEST(deadline_of_the_run_ends_it),
		TEST(who_is_cut_off_waits_for_nothing),
		TEST(task_beside_it_that_stops_the_run_ends_it),
		TEST(cleanup_may_publish),
		TEST(nodes_go_on_while_somebody_is_asked),
		TEST(word_that_is_for_nobody_any_more_changes_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
