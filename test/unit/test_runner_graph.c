/* The runner with several tasks: what each waits for, what a stop means for all of them. */
#include "runner_bench.h"

/* A task that may start at once. */
static struct deploy_task *add_lane(struct bench *bench, const char *names)
{
	struct deploy_task *task = add_task(bench, names);

	deploy_task_need_nothing(task);
	return task;
}

static struct deploy_task *add_cleanup(struct bench *bench, const char *names)
{
	struct deploy_task *task = add_task(bench, names);

	task->is_always = true;
	return task;
}

static void tasks_that_need_nothing_start_together(void **state)
{
	struct bench *bench = *state;

	(void)add_lane(bench, "web1");
	(void)add_lane(bench, "web1,web2");
	begin(bench);
	expect(bench, "start t0 1\nsend t0 try1 web1\nstart t1 2\nsend t1 try1 web[1-2]\n");
	answer(bench, 1, 1, "web2", 0);
	answer(bench, 0, 1, "web1", 0);
	expect(bench, "outcome web2 ok try1\noutcome web1 ok try1\nend t0 1\n");
	answer(bench, 0, 1, "web1", 0);
	expect(bench, "ignored late web1\n");
	answer(bench, 1, 1, "web1", 3);
	expect(bench, "outcome web1 failed try1 code 3\nend t1 2\ndone complete\n");
	assert_int_equal(ignored(bench, 0, DEPLOY_IGNORED_LATE), 1);
}

static void a_task_starts_when_all_that_it_needs_has_ended(void **state)
{
	struct bench *bench = *state;
	struct deploy_task *last;

	(void)add_lane(bench, "web1");
	(void)add_lane(bench, "web2");
	(void)add_lane(bench, "web3");
	last = add_task(bench, "web4");
	deploy_task_need(last, 2);
	deploy_task_need(last, 0);
	deploy_task_need(last, 0);
	begin(bench);
	answer(bench, 0, 1, "web1", 0);
	forget(bench);
	answer(bench, 2, 1, "web3", 0);
	expect(bench, "outcome web3 ok try1\nend t2 1\nstart t3 1\nsend t3 try1 web4\n");
	answer(bench, 3, 1, "web4", 0);
	expect(bench, "outcome web4 ok try1\nend t3 1\n");
	answer(bench, 1, 1, "web2", 0);
	expect(bench, "outcome web2 ok try1\nend t1 1\ndone complete\n");
}

static void whose_nodes_it_asks_a_task_needs(void **state)
{
	struct bench *bench = *state;
	struct deploy_task *task;

	(void)add_lane(bench, NULL);
	task = add_lane(bench, NULL);
	task->nodes_from = 0;
	begin(bench);
	expect(bench, "start t0 0\nsend t0 try1 everyone\n");
	answer(bench, 0, 1, "web7", 0);
	pass(bench, 1000);
	expect(bench, "outcome web7 ok try1\nend t0 1\nstart t1 1\nsend t1 try1 web7\n");
}

static void each_task_has_times_of_its_own(void **state)
{
	struct bench *bench = *state;

	add_lane(bench, "web1")->policy.timeout_ms = 3000;
	add_lane(bench, "web2")->policy.timeout_ms = 1000;
	add_lane(bench, "web3")->policy.timeout_ms = 2000;
	begin(bench);
	forget(bench);
	pass(bench, 999);
	expect(bench, "");
	pass(bench, 1);
	expect(bench, "outcome web2 silent try1\nend t1 1\n");
	pass(bench, 1000);
	expect(bench, "outcome web3 silent try1\nend t2 1\n");
	pass(bench, 1000);
	expect(bench, "outcome web1 silent try1\nend t0 1\ndone complete\n");
}

/* Other input must not keep a try, or a deadline, from its time. */
static void what_is_due_is_done_whatever_else_arrives(void **state)
{
	struct bench *bench = *state;
	struct deploy_policy *policy = &add_lane(bench, "web1")->policy;

	policy->tries = 2;
	policy->try_sleep_ms = 100;
	add_lane(bench, "web2")->policy.deadline_ms = 200;
	(void)add_lane(bench, "web[3-4]");
	begin(bench);
	answer(bench, 0, 1, "web1", 1);
	forget(bench);
	bench->now_us += 250 * MS;
	answer(bench, 2, 1, "web3", 0);
	expect(bench, "outcome web3 ok try1\nsend t0 try2 web1\n"
		      "stopped the deadline of the task has passed\n"
		      "outcome web2 unknown try1\nwithdraw t0\noutcome web1 failed try1 code 1\n"
		      "end t1 1\nend t0 1\n");
	answer(bench, 2, 1, "web4", 0);
	expect(bench, "outcome web4 ok try1\nend t2 2\ndone stopped\n");
}

static void a_task_that_stops_stops_all_others(void **state)
{
	struct bench *bench = *state;
	struct deploy_policy *policy = &add_lane(bench, "web[1-2]")->policy;

	set_max_fail(policy, "0");
	policy = &add_lane(bench, "db[1-3]")->policy;
	policy->window = 1;
	(void)add_task(bench, "web9");
	begin(bench);
	forget(bench);
	answer(bench, 0, 1, "web1", 1);
	expect(bench, "outcome web1 failed try1 code 1\n"
		      "stopped 1 of 2 nodes not ok, more than the 0 that max-fail 0 tolerates\n");
	answer(bench, 1, 1, "db1", 0);
	expect(bench, "outcome db1 ok try1\noutcome db2 cancelled\noutcome db3 cancelled\n"
		      "end t1 3\n");
	answer(bench, 0, 1, "web2", 0);
	expect(bench, "outcome web2 ok try1\nend t0 2\ndone stopped\n");
	expect_tally(bench, 2, "nodes 0 ok 0 failed 0 silent 0 (0) unknown 0 cancelled 0");
}

static void a_stop_cuts_a_discovery_short(void **state)
{
	struct bench *bench = *state;

	set_max_fail(&add_lane(bench, "web1")->policy, "0");
	(void)add_lane(bench, NULL);
	begin(bench);
	forget(bench);
	answer(bench, 0, 1, "web1", 1);
	expect(bench, "outcome web1 failed try1 code 1\n"
		      "stopped 1 of 1 nodes not ok, more than the 0 that max-fail 0 tolerates\n"
		      "end t0 1\nend t1 0\ndone stopped\n");
}

static void a_task_may_stop_alone(void **state)
{
	struct bench *bench = *state;
	struct deploy_task *task = add_lane(bench, "web[1-3]");

	task->policy.window = 1;
	set_max_fail(&task->policy, "0");
	task->on_failure = DEPLOY_ON_FAILURE_CONTINUE;
	(void)add_task(bench, "web4");
	begin(bench);
	forget(bench);
	answer(bench, 0, 1, "web1", 1);
	expect(bench, "outcome web1 failed try1 code 1\n"
		      "stopped 1 of 3 nodes not ok, more than the 0 that max-fail 0 tolerates\n"
		      "outcome web2 cancelled\noutcome web3 cancelled\nend t0 3\n"
		      "start t1 1\nsend t1 try1 web4\n");
	answer(bench, 1, 1, "web4", 0);
	expect(bench, "outcome web4 ok try1\nend t1 1\ndone complete\n");
}

static void finding_nobody_may_be_no_failure(void **state)
{
	struct bench *bench = *state;

	add_lane(bench, NULL)->on_failure = DEPLOY_ON_FAILURE_CONTINUE;
	(void)add_task(bench, "web4");
	begin(bench);
	forget(bench);
	pass(bench, 2000);
	expect(bench, "end t0 0\nstart t1 1\nsend t1 try1 web4\n");
}

static void nodes_that_fail_are_dropped(void **state)
{
	struct bench *bench = *state;
	struct deploy_task *task = add_task(bench, "web[1-4]");

	task->on_failure = DEPLOY_ON_FAILURE_DROP_NODES;
	add_task(bench, "web[2-5]")->is_whole_match = true;
	(void)add_task(bench, "web1");
	begin(bench);
	answer(bench, 0, 1, "web1", 1);
	answer(bench, 0, 1, "web2", 1);
	answer(bench, 0, 1, "web4", 0);
	forget(bench);
	pass(bench, TIMEOUT_MS);
	/* A broadcast would reach those that were dropped. */
	expect(bench, "outcome web3 silent try1\nend t0 4\nstart t1 2\nsend t1 try1 web[4-5]\n");
	answer(bench, 1, 1, "web4", 1);
	answer(bench, 1, 1, "web5", 0);
	expect(bench, "outcome web4 failed try1 code 1\noutcome web5 ok try1\nend t1 2\n"
		      "done no nodes\n");
	assert_string_equal(dp_runner_error(bench->runner)->text,
		"task 3: no node is left, all 1 failed or were silent before");
}

static void more_than_max_fail_stops_also_where_nodes_are_dropped(void **state)
{
	struct bench *bench = *state;
	struct deploy_task *task = add_task(bench, "web[1-2]");

	task->on_failure = DEPLOY_ON_FAILURE_DROP_NODES;
	set_max_fail(&task->policy, "0");
	(void)add_task(bench, "web2");
	begin(bench);
	answer(bench, 0, 1, "web2", 0);
	forget(bench);
	answer(bench, 0, 1, "web1", 1);
	expect(bench, "outcome web1 failed try1 code 1\n"
		      "stopped 1 of 2 nodes not ok, more than the 0 that max-fail 0 tolerates\n"
		      "end t0 2\ndone stopped\n");
}

static void an_empty_set_lets_others_finish(void **state)
{
	struct bench *bench = *state;
	struct deploy_task *task;

	(void)add_lane(bench, "web1");
	task = add_lane(bench, "web2");
	task->exclude = set_of("web2");
	task->delay_ms = 10;
	(void)add_task(bench, "web3");
	begin(bench);
	pass(bench, 10);
	expect(bench, "start t0 1\nsend t0 try1 web1\n");
	answer(bench, 0, 1, "web1", 0);
	expect(bench, "outcome web1 ok try1\nend t0 1\ndone no nodes\n");
	assert_int_equal(dp_runner_error(bench->runner)->code, DEPLOY_OK);
}

static void a_task_may_start_later(void **state)
{
	struct bench *bench = *state;

	(void)add_task(bench, "web1");
	add_task(bench, "web2")->delay_ms = 700;
	begin(bench);
	forget(bench);
	answer(bench, 0, 1, "web1", 0);
	expect(bench, "outcome web1 ok try1\nend t0 1\n");
	pass(bench, 699);
	expect(bench, "");
	pass(bench, 1);
	expect(bench, "start t1 1\nsend t1 try1 web2\n");
}

static void who_waits_for_later_does_not_start_after_an_interrupt(void **state)
{
	struct bench *bench = *state;
	struct deploy_task *task;

	add_lane(bench, "web1")->delay_ms = 700;
	task = add_cleanup(bench, "web2");
	task->delay_ms = 100;
	begin(bench);
	expect(bench, "");
	send_signal(bench, SIGINT);
	expect(bench, "");
	pass(bench, 100);
	expect(bench, "start t1 1\nsend t1 try1 web2\n");
	answer(bench, 1, 1, "web2", 0);
	expect(bench, "outcome web2 ok try1\nend t1 1\ndone interrupted\n");
}

static void an_interrupt_is_told_once_and_lets_what_is_in_flight_finish(void **state)
{
	struct bench *bench = *state;

	(void)add_lane(bench, "web[1-2]");
	add_lane(bench, "db[1-2]")->policy.window = 1;
	(void)add_lane(bench, NULL);
	begin(bench);
	forget(bench);
	send_signal(bench, SIGTERM);
	expect(bench, "stopped interrupted\nend t2 0\n");
	answer(bench, 1, 1, "db1", 0);
	expect(bench, "outcome db1 ok try1\noutcome db2 cancelled\nend t1 2\n");
	pass(bench, 10000);
	expect(bench, "outcome web1 silent try1\noutcome web2 silent try1\nend t0 2\n"
		      "done interrupted\n");
}

static void cleanup_starts_after_a_stop(void **state)
{
	struct bench *bench = *state;

	set_max_fail(&add_task(bench, "web1")->policy, "0");
	(void)add_task(bench, "web2");
	(void)add_cleanup(bench, "web3");
	(void)add_task(bench, "web4");
	(void)add_cleanup(bench, "web5");
	begin(bench);
	forget(bench);
	answer(bench, 0, 1, "web1", 1);
	expect(bench, "outcome web1 failed try1 code 1\n"
		      "stopped 1 of 1 nodes not ok, more than the 0 that max-fail 0 tolerates\n"
		      "end t0 1\nstart t2 1\nsend t2 try1 web3\n"
		      "start t4 1\nsend t4 try1 web5\n");
	answer(bench, 2, 1, "web3", 0);
	answer(bench, 4, 1, "web5", 0);
	expect(bench, "outcome web3 ok try1\nend t2 1\noutcome web5 ok try1\nend t4 1\n"
		      "done stopped\n");
}

static void cleanup_waits_for_what_is_in_flight(void **state)
{
	struct bench *bench = *state;

	(void)add_task(bench, "web1");
	(void)add_cleanup(bench, "web1");
	begin(bench);
	forget(bench);
	send_signal(bench, SIGINT);
	expect(bench, "stopped interrupted\n");
	answer(bench, 0, 1, "web1", 0);
	expect(bench, "outcome web1 ok try1\nend t0 1\nstart t1 1\nsend t1 try1 web1\n");
}

static void cleanup_has_its_time_and_no_more(void **state)
{
	struct bench *bench = *state;
	struct deploy_task *task;

	add_lane(bench, "web1")->policy.timeout_ms = 100000;
	task = add_cleanup(bench, "web2");
	task->policy.timeout_ms = 100000;
	begin(bench);
	send_signal(bench, SIGINT);
	forget(bench);
	pass(bench, 10000);
	expect(bench, "outcome web1 unknown try1\nend t0 1\nstart t1 1\nsend t1 try1 web2\n");
	pass(bench, 59999);
	forget(bench); /* it was probed */
	pass(bench, 1);
	expect(bench, "outcome web2 unknown try1\nend t1 1\ndone interrupted\n");
}

/* The ten seconds are for what else is in flight. */
static void cleanup_under_way_has_longer_than_others(void **state)
{
	struct bench *bench = *state;
	struct deploy_task *task;

	add_lane(bench, "web1")->policy.timeout_ms = 100000;
	task = add_lane(bench, "web2");
	task->is_always = true;
	task->policy.timeout_ms = 100000;
	begin(bench);
	send_signal(bench, SIGINT);
	forget(bench);
	pass(bench, 69999);
	expect(bench, "outcome web1 unknown try1\nend t0 1\n");
	pass(bench, 1);
	expect(bench, "outcome web2 unknown try1\nend t1 1\ndone interrupted\n");
}

static void the_deadline_of_the_run_leaves_time_for_cleanup(void **state)
{
	struct bench *bench = *state;

	bench->plan->deadline_ms = 1000;
	(void)add_lane(bench, "web1");
	(void)add_lane(bench, "web2");
	add_cleanup(bench, "web3")->policy.timeout_ms = 100000;
	begin(bench);
	forget(bench);
	pass(bench, 1000);
	expect(bench, "outcome web1 unknown try1\noutcome web2 unknown try1\nend t0 1\nend t1 1\n"
		      "start t2 1\nsend t2 try1 web3\n");
	pass(bench, 60000);
	expect(bench, "outcome web3 unknown try1\nend t2 1\ndone deadline\n");
}

static void a_second_interrupt_leaves_cleanup_too(void **state)
{
	struct bench *bench = *state;

	(void)add_lane(bench, "web1");
	add_cleanup(bench, "web2")->has_needs = true;
	(void)add_cleanup(bench, "web3");
	begin(bench);
	send_signal(bench, SIGINT);
	forget(bench);
	send_signal(bench, SIGINT);
	expect(bench, "outcome web1 unknown try1\noutcome web2 unknown try1\n"
		      "end t0 1\nend t1 1\ndone interrupted\n");
}

static void a_lost_broker_ends_every_task(void **state)
{
	struct bench *bench = *state;

	(void)add_lane(bench, "web1");
	(void)add_lane(bench, NULL);
	add_lane(bench, "web2")->delay_ms = 5000;
	(void)add_cleanup(bench, "web3");
	begin(bench);
	forget(bench);
	lose(bench);
	expect(bench, "outcome web1 unknown try1\nend t0 1\nend t1 0\ndone lost\n");
}

static void who_is_waited_for_is_told_for_each_task(void **state)
{
	static const struct dp_input progress = {.kind = DP_IN_PROGRESS};
	struct bench *bench = *state;

	(void)add_lane(bench, "web1");
	(void)add_lane(bench, "web[2-3]");
	begin(bench);
	forget(bench);
	bench->now_us += 5 * MS;
	tell(bench, &progress);
	expect(bench, "waiting for 1: web1, 5 ms for web1\n"
		      "waiting for 2: web[2-3], 5 ms for web2\n");
}

/* As many as one step can end: nothing may recurse, or look at all tasks for each. */
static void twenty_thousand_tasks_end_in_one_step(void **state)
{
	struct bench *bench = *state;
	json_t *known = json_pack("{s:{}}", "web1");
	struct dp_input start = {.kind = DP_IN_START};

	for (size_t i = 0; i < 20000; i++) {
		struct deploy_task *task =
			deploy_plan_take_act(bench->plan, deploy_act_known(known, "changed"));

		task->nodes = set_of("web1");
		if (i > 1)
			deploy_task_need(task, i / 2);
	}
	json_decref(known);
	bench->is_quiet = true;
	bench->runner = dp_runner_new(bench->plan, act, bench);
	step(bench, &start);
	expect(bench, "done complete\n");
	expect_tally(bench, 19999, "nodes 1 ok 1 failed 0 silent 0 (0) unknown 0 cancelled 0");
}

/* One of several. */

static void one_node_is_enough(void **state)
{
	struct bench *bench = *state;
	struct deploy_policy *policy = add_policy(bench, "web[1-4]");

	policy->is_one = true;
	set_batch(policy, "2");
	set_max_fail(policy, "0");
	begin(bench);
	expect(bench, "start t0 4\nsend t0 try1 web1\n");
	answer(bench, 0, 1, "web1", 1);
	expect(bench, "outcome web1 failed try1 code 1\nsend t0 try1 web2\n");
	pass(bench, TIMEOUT_MS);
	expect(bench, "outcome web2 silent try1\nsend t0 try1 web3\n");
	answer(bench, 0, 1, "web3", 0);
	expect(bench, "outcome web3 ok try1\noutcome web4 skipped\nend t0 4\ndone complete\n");
}

static void one_is_tried_as_often_as_others(void **state)
{
	struct bench *bench = *state;
	struct deploy_policy *policy = add_policy(bench, "web[1-2]");

	policy->is_one = true;
	policy->tries = 2;
	begin(bench);
	forget(bench);
	answer(bench, 0, 1, "web1", 1);
	expect(bench, "retry web1 failed try1 code 1\nsend t0 try2 web1\n");
	answer(bench, 0, 2, "web1", 1);
	expect(bench, "outcome web1 failed try2 code 1\nsend t0 try1 web2\n");
	answer(bench, 0, 1, "web2", 1);
	answer(bench, 0, 2, "web2", 1);
	expect(bench, "retry web2 failed try1 code 1\nsend t0 try2 web2\n"
		      "outcome web2 failed try2 code 1\n"
		      "stopped none of 2 nodes was ok, and one was to be\n"
		      "end t0 2\ndone stopped\n");
}

/* What an answer is worth. */

static void other_codes_may_be_ok(void **state)
{
	struct bench *bench = *state;
	struct deploy_policy *policy = add_policy(bench, "web[1-3]");

	policy->ok_codes[0] = 7;
	policy->ok_codes[1] = 2;
	policy->ok_code_count = 2;
	begin(bench);
	forget(bench);
	answer(bench, 0, 1, "web1", 2);
	answer(bench, 0, 1, "web2", 3);
	answer(bench, 0, 1, "web3", 0);
	expect(bench, "outcome web1 ok try1 code 2\noutcome web2 failed try1 code 3\n"
		      "outcome web3 ok try1\nend t0 3\ndone complete\n");
}

/* Content with the second answer of each node only. */
static bool judge_by_turns(
	void *arg, const char *node, const struct deploy_outcome *reply, char *why, size_t size)
{
	unsigned *calls = arg;

	(*calls)++;
	if (reply->attempt == 2)
		return true;
	(void)snprintf(
		why, size, "%s is not ready (%s)", node, deploy_outcome_state_name(reply->state));
	return false;
}

static void a_judge_decides_about_answers(void **state)
{
	struct bench *bench = *state;
	struct deploy_task *task = add_task(bench, "web[1-2]");
	unsigned calls = 0;

	task->judge = (struct deploy_judge){judge_by_turns, &calls};
	task->policy.tries = 2;
	bench->shows_message = true;
	begin(bench);
	forget(bench);
	answer(bench, 0, 1, "web1", 0);
	expect(bench, "retry web1 failed try1: web1 is not ready (ok)\nsend t0 try2 web1\n");
	answer(bench, 0, 2, "web1", 1);
	expect(bench, "outcome web1 ok try2 code 1: no\n");
	pass(bench, TIMEOUT_MS);
	expect(bench, "outcome web2 silent try1: no reply in time\nend t0 2\ndone complete\n");
	assert_int_equal(calls, 2);
}

static void a_judge_decides_in_discovery(void **state)
{
	struct bench *bench = *state;
	struct deploy_task *task = add_task(bench, NULL);
	unsigned calls = 0;

	task->judge = (struct deploy_judge){judge_by_turns, &calls};
	begin(bench);
	forget(bench);
	answer(bench, 0, 1, "web1", 0);
	expect(bench, "outcome web1 failed try1\n");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

/* web2 waits for web3, and web1 for both. */
static void only_those_that_have_begun_are_waited_for(void **state)
{
	struct bench *bench = *state;
	struct deploy_task *task = add_task(bench, "web[1-3]");
	const struct dp_input progress = {.kind = DP_IN_PROGRESS};

	task->start = calloc(4, sizeof(uint32_t));
	task->after = calloc(3, sizeof(uint32_t));
	assert_true(task->start && task->after);
	memcpy(task->start, (const uint32_t[]){0, 2, 3, 3}, 4 * sizeof(uint32_t));
	memcpy(task->after, (const uint32_t[]){1, 2, 2}, 3 * sizeof(uint32_t));
	begin(bench);
	expect(bench, "start t0 3\nsend t0 try1 web3\n");
	tell(bench, &progress);
	expect(bench, "waiting for 1: web3, 0 ms for web3\n");
	ok(bench, "web3");
	expect(bench, "outcome web3 ok try1\nsend t0 try1 web2\n");
	reply(bench, "web2", 4);
	expect(bench, "outcome web2 failed try1 code 4\noutcome web1 skipped\nend t0 3\ndone "
		      "complete\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(tasks_that_need_nothing_start_together),
		TEST(a_task_starts_when_all_that_it_needs_has_ended),
		TEST(whose_nodes_it_asks_a_task_needs),
		TEST(each_task_has_times_of_its_own),
		TEST(what_is_due_is_done_whatever_else_arrives),
		TEST(a_task_that_stops_stops_all_others),
		TEST(a_stop_cuts_a_discovery_short),
		TEST(a_task_may_stop_alone),
		TEST(finding_nobody_may_be_no_failure),
		TEST(nodes_that_fail_are_dropped),
		TEST(more_than_max_fail_stops_also_where_nodes_are_dropped),
		TEST(an_empty_set_lets_others_finish),
		TEST(a_task_may_start_later),
		TEST(who_waits_for_later_does_not_start_after_an_interrupt),
		TEST(an_interrupt_is_told_once_and_lets_what_is_in_flight_finish),
		TEST(cleanup_starts_after_a_stop),
		TEST(cleanup_waits_for_what_is_in_flight),
		TEST(cleanup_has_its_time_and_no_more),
		TEST(cleanup_under_way_has_longer_than_others),
		TEST(the_deadline_of_the_run_leaves_time_for_cleanup),
		TEST(a_second_interrupt_leaves_cleanup_too),
		TEST(a_lost_broker_ends_every_task),
		TEST(who_is_waited_for_is_told_for_each_task),
		TEST(twenty_thousand_tasks_end_in_one_step),
		TEST(one_node_is_enough),
		TEST(one_is_tried_as_often_as_others),
		TEST(other_codes_may_be_ok),
		TEST(a_judge_decides_about_answers),
		TEST(a_judge_decides_in_discovery),
		TEST(only_those_that_have_begun_are_waited_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
