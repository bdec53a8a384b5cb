/* The runner, told what happens line by line on a clock of its own: one task after the other. */
#include "runner_bench.h"

static void all_nodes_are_asked_at_once_without_a_policy(void **state)
{
	struct bench *bench = *state;

	add_task(bench, "web[1-3]");
	begin(bench);
	expect(bench, "start t0 3\nsend t0 try1 web[1-3]\n");
	pass(bench, 20);
	ok(bench, "web2");
	reply(bench, "web1", 1);
	ok(bench, "web3");
	expect(bench, "outcome web2 ok try1\n"
		      "outcome web1 failed try1 code 1\n"
		      "outcome web3 ok try1\n"
		      "end t0 3\n"
		      "done complete\n");
	expect_tally(bench, 0, "nodes 3 ok 2 failed 1 silent 0 (0) unknown 0 cancelled 0");
	assert_string_equal(
		deploy_nodeset_get(bench->result.tally[0].set[DEPLOY_OUTCOME_FAILED], 0), "web1");
}

static void every_node_is_told_as_asked_when_it_was_handed_over(void **state)
{
	struct bench *bench = *state;

	bench->shows_asked = bench->holds = true;
	add_task(bench, "web[1-3]");
	begin(bench);
	expect(bench, "start t0 3\nsend t0 try1 web[1-3]\n");
	hand_over_rows(bench, 2);
	expect(bench, "asked web1 try1\nasked web2 try1\n");
	hand_over(bench);
	expect(bench, "asked web3 try1\n");
}

static void every_node_is_told_as_intended_before_it_is_sent(void **state)
{
	struct bench *bench = *state;
	struct deploy_policy *policy = add_policy(bench, "web[1-3]");

	bench->tells_intents = true;
	policy->tries = 2;
	set_batch(policy, "2");
	begin(bench);
	expect(bench, "start t0 3\ngroup t0 web[1-2]\nintend web1 try1\nintend web2 try1\n"
		      "send t0 try1 web[1-2]\n");
	ok(bench, "web1");
	reply(bench, "web2", 1);
	expect(bench, "outcome web1 ok try1\nretry web2 failed try1 code 1\nintend web2 try2\n"
		      "send t0 try2 web2\n");
	answer(bench, 0, 2, "web2", 0);
	expect(bench, "outcome web2 ok try2\ngroup t0 web3\nintend web3 try1\n"
		      "send t0 try1 web3\n");
}

static void who_is_being_discovered_is_not_told_as_intended(void **state)
{
	struct bench *bench = *state;

	bench->tells_intents = true;
	add_task(bench, NULL);
	begin(bench);
	expect(bench, "start t0 0\nsend t0 try1 everyone\n");
}

static void what_is_withdrawn_and_sent_again_is_one_intent(void **state)
{
	struct bench *bench = *state;

	bench->tells_intents = bench->holds = true;
	add_policy(bench, "web[1-3]")->window = 2;
	begin(bench);
	hand_over_rows(bench, 1);
	pass(bench, 1000);
	ok(bench, "web1");
	expect(bench, "start t0 3\nintend web1 try1\nintend web2 try1\nsend t0 try1 web[1-2]\n"
		      "outcome web1 ok try1\nintend web3 try1\nsend t0 try1 web3\n");
	pass(bench, TIMEOUT_MS - 1000);
	expect(bench, "withdraw t0\noutcome web2 cancelled\nsend t0 try1 web3\n");
}

static void run_that_cannot_be_recorded_ends_and_asks_nobody_else(void **state)
{
	static const struct dp_input unrecorded = {.kind = DP_IN_UNRECORDED};
	struct bench *bench = *state;

	bench->shows_message = true;
	add_policy(bench, "web[1-4]")->window = 2;
	add_task(bench, "db1");
	begin(bench);
	bench->holds = true;
	ok(bench, "web1");
	forget(bench);
	tell(bench, &unrecorded);
	expect(bench, "withdraw t0\n"
		      "outcome web3 cancelled: not asked: the task stopped\n"
		      "outcome web2 unknown try1: the run could not be recorded any more\n"
		      "outcome web4 cancelled: not asked: the task stopped\n"
		      "end t0 4\ndone unrecorded\n");
}

static void discovery_that_cannot_be_recorded_ends_the_run(void **state)
{
	static const struct dp_input unrecorded = {.kind = DP_IN_UNRECORDED};
	struct bench *bench = *state;

	bench->holds = true;
	add_task(bench, NULL);
	begin(bench);
	tell(bench, &unrecorded);
	expect(bench,
		"start t0 0\nsend t0 try1 everyone\nwithdraw t0\nend t0 0\ndone unrecorded\n");
}

static void handing_over_twice_changes_nothing(void **state)
{
	struct bench *bench = *state;
	static const uint32_t rows[] = {0, 1};
	struct dp_input again = {.kind = DP_IN_SENT, .attempt = 1, .rows = rows, .row_count = 2};

	bench->shows_asked = true;
	add_task(bench, "web[1-2]");
	begin(bench);
	ok(bench, "web1");
	forget(bench);
	pass(bench, 4000);
	tell(bench, &again);
	pass(bench, 999);
	expect(bench, "");
	pass(bench, 1);
	expect(bench, "outcome web2 silent try1\nend t0 2\ndone complete\n");
}

static void batch_is_a_number_a_per_cent_rounded_up_or_a_ramp(void **state)
{
	static const struct {
		const char *nodes, *batch, *groups;
	} cases[] = {
		{"n[01-03]", "2", "n[01-02] n03"},
		{"n[01-03]", "5", "n[01-03]"},
		{"n[01-04]", "2", "n[01-02] n[03-04]"},
		{"n[01-03]", "34%", "n[01-02] n03"},
		{"n[01-03]", "1%", "n01 n02 n03"},
		{"n[01-12]", "1,10%,100%", "n01 n[02-03] n[04-12]"},
		{"n[01-12]", "1,25%", "n01 n[02-04] n[05-07] n[08-10] n[11-12]"},
		{"n[01-12]", "100%", "n[01-12]"},
		{"n[01-05]", "3,1", "n[01-03] n04 n05"},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct bench *bench = *state;
		char groups[200] = "";

		set_batch(add_policy(bench, cases[i].nodes), cases[i].batch);
		begin(bench);
		while (!bench->is_done) {
			char group[100];

			(void)snprintf(group, sizeof(group), "%s", bench->group);
			(void)snprintf(groups + strlen(groups), sizeof(groups) - strlen(groups),
				"%s%s", *groups ? " " : "", group);
			ok(bench, group);
			assert_true(bench->is_done || strcmp(group, bench->group) != 0);
		}
		assert_string_equal(groups, cases[i].groups);
		renew(state);
	}
}

static void group_starts_when_the_one_before_has_ended(void **state)
{
	struct bench *bench = *state;

	set_batch(add_policy(bench, "web[1-4]"), "2");
	begin(bench);
	ok(bench, "web1");
	pass(bench, TIMEOUT_MS - 1);
	expect(bench,
		"start t0 4\ngroup t0 web[1-2]\nsend t0 try1 web[1-2]\noutcome web1 ok try1\n");
	pass(bench, 1);
	expect(bench, "outcome web2 silent try1\ngroup t0 web[3-4]\nsend t0 try1 web[3-4]\n");
}

static void group_waits_for_the_further_tries_of_the_one_before(void **state)
{
	struct bench *bench = *state;
	struct deploy_policy *policy = add_policy(bench, "web[1-2]");

	set_batch(policy, "1");
	policy->tries = 2;
	policy->try_sleep_ms = 1000;
	begin(bench);
	reply(bench, "web1", 1);
	forget(bench);
	pass(bench, 1000);
	expect(bench, "send t0 try2 web1\n");
	answer(bench, 0, 2, "web1", 0);
	expect(bench, "outcome web1 ok try2\ngroup t0 web2\nsend t0 try1 web2\n");
}

static void batch_sleep_is_between_groups_and_not_after_the_last(void **state)
{
	struct bench *bench = *state;
	struct deploy_policy *policy = add_policy(bench, "web[1-2]");

	set_batch(policy, "1");
	policy->batch_sleep_ms = 1000;
	begin(bench);
	expect(bench, "start t0 2\ngroup t0 web1\nsend t0 try1 web1\n");
	pass(bench, 2500);
	ok(bench, "web1");
	pass(bench, 999);
	expect(bench, "outcome web1 ok try1\n");
	pass(bench, 1);
	expect(bench, "group t0 web2\nsend t0 try1 web2\n");
	ok(bench, "web2");
	expect(bench, "outcome web2 ok try1\nend t0 2\ndone complete\n");
}

static void window_keeps_that_many_in_flight(void **state)
{
	struct bench *bench = *state;

	add_policy(bench, "web[1-5]")->window = 2;
	begin(bench);
	expect(bench, "start t0 5\nsend t0 try1 web[1-2]\n");
	ok(bench, "web2");
	expect(bench, "outcome web2 ok try1\nsend t0 try1 web3\n");
	pass(bench, 4000);
	ok(bench, "web3");
	expect(bench, "outcome web3 ok try1\nsend t0 try1 web4\n");
	pass(bench, 1000);
	expect(bench, "outcome web1 silent try1\nsend t0 try1 web5\n");
	ok(bench, "web[4-5]");
	expect(bench, "outcome web4 ok try1\noutcome web5 ok try1\nend t0 5\ndone complete\n");
}

static void node_that_waits_for_its_next_try_keeps_its_place_in_the_window(void **state)
{
	struct bench *bench = *state;
	struct deploy_policy *policy = add_policy(bench, "web[1-3]");

	policy->window = 1;
	policy->tries = 2;
	policy->try_sleep_ms = 500;
	begin(bench);
	reply(bench, "web1", 1);
	pass(bench, 499);
	expect(bench, "start t0 3\nsend t0 try1 web1\nretry web1 failed try1 code 1\n");
	pass(bench, 1);
	answer(bench, 0, 2, "web1", 0);
	expect(bench, "send t0 try2 web1\noutcome web1 ok try2\nsend t0 try1 web2\n");
}

/* Who failed later is due earlier: its pause is its first. */
static void pauses_between_tries_may_grow(void **state)
{
	static const long long pauses_ms[] = {100, 5000};
	struct bench *bench = *state;
	struct deploy_policy *policy = add_policy(bench, "web[1-2]");

	policy->tries = 4;
	policy->try_sleeps_ms = pauses_ms;
	policy->try_sleep_count = COUNT(pauses_ms);
	policy->try_sleep_ms = 1;
	policy->timeout_ms = 20000;
	begin(bench);
	reply(bench, "web1", 1);
	pass(bench, 100);
	answer(bench, 0, 2, "web1", 1);
	pass(bench, 1000);
	reply(bench, "web2", 1);
	forget(bench);
	pass(bench, 99);
	expect(bench, "");
	pass(bench, 1);
	expect(bench, "send t0 try2 web2\n");
	pass(bench, 3899);
	expect(bench, "");
	pass(bench, 1);
	expect(bench, "send t0 try3 web1\n");
	answer(bench, 0, 3, "web1", 1);
	forget(bench);
	pass(bench, 4999);
	expect(bench, "");
	pass(bench, 1);
	expect(bench, "send t0 try4 web1\n");
}

static void only_what_failed_is_asked_again_after_the_pause(void **state)
{
	struct bench *bench = *state;
	struct deploy_policy *policy = add_policy(bench, "web[1-3]");

	policy->tries = 3;
	policy->try_sleep_ms = 1000;
	begin(bench);
	expect(bench, "start t0 3\nsend t0 try1 web[1-3]\n");
	ok(bench, "web2");
	reply(bench, "web[1,3]", 4);
	pass(bench, 999);
	expect(bench, "outcome web2 ok try1\n"
		      "retry web1 failed try1 code 4\nretry web3 failed try1 code 4\n");
	pass(bench, 1);
	expect(bench, "send t0 try2 web[1,3]\n");
	answer(bench, 0, 2, "web1", 0);
	answer(bench, 0, 2, "web3", 5);
	pass(bench, 1000);
	answer(bench, 0, 3, "web3", 6);
	expect(bench, "outcome web1 ok try2\nretry web3 failed try2 code 5\nsend t0 try3 web3\n"
		      "outcome web3 failed try3 code 6\nend t0 3\ndone complete\n");
	expect_tally(bench, 0, "nodes 3 ok 2 failed 1 silent 0 (0) unknown 0 cancelled 0");
}

static void silent_nodes_are_asked_again_only_if_the_policy_says_so(void **state)
{
	static const struct {
		bool retries_silent;
		const char *lines;
	} cases[] = {
		{false, "outcome web2 silent try1\nend t0 2\ndone complete\n"},
		{true, "retry web2 silent try1\nsend t0 try2 web2\n"
		       "outcome web2 silent try2\nend t0 2\ndone complete\n"},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct bench *bench = *state;
		struct deploy_policy *policy = add_policy(bench, "web[1-2]");

		policy->tries = 2;
		policy->retries_silent = cases[i].retries_silent;
		begin(bench);
		ok(bench, "web1");
		forget(bench);
		pass(bench, 2 * TIMEOUT_MS);
		expect(bench, cases[i].lines);
		renew(state);
	}
}

static void groups_share_the_number_of_a_try(void **state)
{
	struct bench *bench = *state;
	struct deploy_policy *policy = add_policy(bench, "web[1-2]");

	set_batch(policy, "1");
	policy->tries = 2;
	begin(bench);
	reply(bench, "web1", 1);
	answer(bench, 0, 2, "web1", 0);
	ok(bench, "web2");
	expect(bench, "start t0 2\ngroup t0 web1\nsend t0 try1 web1\n"
		      "retry web1 failed try1 code 1\nsend t0 try2 web1\noutcome web1 ok try2\n"
		      "group t0 web2\nsend t0 try1 web2\n"
		      "outcome web2 ok try1\nend t0 2\ndone complete\n");
}

static void nodes_in_different_tries_are_asked_apart(void **state)
{
	struct bench *bench = *state;
	struct deploy_policy *policy = add_policy(bench, "web[1-3]");

	policy->tries = 3;
	policy->try_sleep_ms = 100;
	begin(bench);
	reply(bench, "web1", 1);
	pass(bench, 100);
	answer(bench, 0, 2, "web1", 1);
	reply(bench, "web[2-3]", 1);
	forget(bench);
	pass(bench, 100);
	expect(bench, "send t0 try3 web1\nsend t0 try2 web[2-3]\n");
}

static void broadcast_needs_the_whole_match_the_whole_set_the_first_try_and_no_exclusion(
	void **state)
{
	static const struct {
		bool is_whole_match;
		const char *exclude, *batch, *line;
	} cases[] = {
		{true, NULL, NULL, "send t0 try1 web[1-3] (broadcast)\n"},
		{true, "", NULL, "send t0 try1 web[1-3] (broadcast)\n"},
		{true, NULL, "100%", "send t0 try1 web[1-3] (broadcast)\n"},
		{false, NULL, NULL, "send t0 try1 web[1-3]\n"},
		{true, "web3", NULL, "send t0 try1 web[1-2]\n"},
		{true, "db1", NULL, "send t0 try1 web[1-3]\n"},
		{true, NULL, "2", "send t0 try1 web[1-2]\n"},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct bench *bench = *state;
		struct deploy_task *task = add_task(bench, "web[1-3]");

		task->is_whole_match = cases[i].is_whole_match;
		task->exclude = cases[i].exclude ? set_of(cases[i].exclude) : NULL;
		if (cases[i].batch)
			set_batch(&task->policy, cases[i].batch);
		begin(bench);
		assert_non_null(strstr(bench->trace, cases[i].line));
		renew(state);
	}
}

static void next_try_is_never_broadcast(void **state)
{
	struct bench *bench = *state;
	struct deploy_task *task = add_task(bench, "web[1-2]");

	task->is_whole_match = true;
	task->policy.tries = 2;
	task->policy.try_sleep_ms = 1;
	begin(bench);
	reply(bench, "web[1-2]", 1);
	forget(bench);
	pass(bench, 1);
	expect(bench, "send t0 try2 web[1-2]\n");
}

static void excluded_nodes_are_neither_asked_nor_credited(void **state)
{
	struct bench *bench = *state;
	struct deploy_task *task = add_task(bench, "web[1-3]");

	task->exclude = set_of("web2,db1");
	begin(bench);
	ok(bench, "web2");
	ok(bench, "web[1,3]");
	expect(bench, "start t0 2\nsend t0 try1 web[1,3]\nignored unexpected web2\n"
		      "outcome web1 ok try1\noutcome web3 ok try1\nend t0 2\ndone complete\n");
	expect_tally(bench, 0, "nodes 2 ok 2 failed 0 silent 0 (0) unknown 0 cancelled 0");
}

static void replies_that_may_not_be_credited_are_counted_by_reason(void **state)
{
	struct bench *bench = *state;
	struct deploy_policy *policy = add_policy(bench, "web[1-4]");

	policy->window = 3;
	policy->tries = 2;
	policy->try_sleep_ms = 100;
	begin(bench);
	forget(bench);
	ok(bench, "db1");		/* never asked */
	ok(bench, "web4");		/* not asked yet */
	answer(bench, 0, 2, "web1", 0); /* a try that did not begin */
	answer(bench, 0, 3, "web1", 0); /* and one that never will */
	answer(bench, 0, 0, "web1", 0);
	reply(bench, "web[1,1]", 1);
	ok(bench, "web1"); /* twice, while it waits */
	pass(bench, 100);
	ok(bench, "web1"); /* an earlier try */
	expect(bench, "ignored unexpected db1\nignored unexpected web4\n"
		      "ignored unexpected web1\nignored unexpected web1\n"
		      "ignored unexpected web1\n"
		      "retry web1 failed try1 code 1\nignored duplicate web1\n"
		      "send t0 try2 web1\nignored late web1\n");
	answer(bench, 0, 2, "web1", 0);
	answer(bench, 0, 2, "web1", 0);
	answer(bench, 0, 1, "web1", 0);
	expect(bench, "outcome web1 ok try2\nsend t0 try1 web4\n"
		      "ignored duplicate web1\nignored late web1\n");
	pass(bench, TIMEOUT_MS - 200);
	ok(bench, "web4");
	pass(bench, 200);
	expect(bench, "outcome web4 ok try1\noutcome web2 silent try1\noutcome web3 silent try1\n"
		      "end t0 4\ndone complete\n");
	assert_int_equal(ignored(bench, 0, DEPLOY_IGNORED_UNEXPECTED), 5);
	assert_int_equal(ignored(bench, 0, DEPLOY_IGNORED_DUPLICATE), 2);
	assert_int_equal(ignored(bench, 0, DEPLOY_IGNORED_LATE), 2);
	expect_tally(bench, 0, "nodes 4 ok 2 failed 0 silent 2 (0) unknown 0 cancelled 0");
}

static void reply_after_its_deadline_is_late(void **state)
{
	struct bench *bench = *state;

	add_policy(bench, "web[1-2]")->window = 1;
	begin(bench);
	pass(bench, TIMEOUT_MS);
	forget(bench);
	ok(bench, "web1");
	ok(bench, "web1");
	expect(bench, "ignored late web1\nignored late web1\n");
}

/* As after a stop by the terminal: the time is over, and replies are there that nobody read yet. */
static void reply_that_waited_unread_is_credited(void **state)
{
	static const struct dp_input progress = {.kind = DP_IN_PROGRESS};
	struct bench *bench = *state;

	add_task(bench, "web[1-4]");
	begin(bench);
	forget(bench);
	bench->now_us += 60000 * MS;
	ok(bench, "web1");
	tell(bench, &progress);
	block(bench);
	ok(bench, "web2");
	no_route(bench, 1, "web3");
	expect(bench, "outcome web1 ok try1\nwaiting for 3: web[2-4], 60000 ms for web2\nblocked "
		      "low on memory\n"
		      "outcome web2 ok try1\noutcome web3 silent try1 not connected\n");
	tick(bench);
	expect(bench, "outcome web4 silent try1\nend t0 4\ndone complete\n");
}

static void found_node_that_waited_unread_is_credited(void **state)
{
	struct bench *bench = *state;

	add_task(bench, NULL);
	begin(bench);
	forget(bench);
	bench->now_us += 60000 * MS;
	ok(bench, "web1");
	ok(bench, "web2");
	expect(bench, "outcome web1 ok try1\noutcome web2 ok try1\n");
	tick(bench);
	expect(bench, "end t0 2\ndone complete\n");
}

static void deadline_holds_for_replies_that_waited_unread(void **state)
{
	struct bench *bench = *state;
	struct deploy_policy *policy = add_policy(bench, "web[1-3]");

	policy->window = 2;
	policy->deadline_ms = 1000;
	begin(bench);
	forget(bench);
	bench->now_us += 60000 * MS;
	ok(bench, "web1");
	expect(bench, "outcome web1 ok try1\nstopped the deadline of the task has passed\n"
		      "outcome web2 unknown try1\noutcome web3 cancelled\nend t0 3\n"
		      "done stopped\n");
}

static void reply_to_a_task_that_has_ended_is_late_and_counted_there(void **state)
{
	struct bench *bench = *state;

	add_task(bench, "web1");
	add_task(bench, "web1");
	begin(bench);
	answer(bench, 0, 1, "web1", 0);
	answer(bench, 0, 1, "web1", 1);
	answer(bench, 1, 1, "web1", 0);
	expect(bench, "start t0 1\nsend t0 try1 web1\noutcome web1 ok try1\nend t0 1\n"
		      "start t1 1\nsend t1 try1 web1\nignored late web1\n"
		      "outcome web1 ok try1\nend t1 1\ndone complete\n");
	assert_int_equal(ignored(bench, 0, DEPLOY_IGNORED_LATE), 1);
	assert_int_equal(ignored(bench, 1, DEPLOY_IGNORED_LATE), 0);
	expect_tally(bench, 0, "nodes 1 ok 1 failed 0 silent 0 (0) unknown 0 cancelled 0");
}

static void reply_before_the_request_was_handed_over_is_unexpected(void **state)
{
	struct bench *bench = *state;

	bench->holds = true;
	add_task(bench, "web1");
	begin(bench);
	ok(bench, "web1");
	hand_over(bench);
	ok(bench, "web1");
	expect(bench, "start t0 1\nsend t0 try1 web1\nignored unexpected web1\n"
		      "outcome web1 ok try1\nend t0 1\ndone complete\n");
}

static void message_that_is_no_reply_of_ours_is_told_with_its_reason(void **state)
{
	struct bench *bench = *state;
	struct dp_input input = {.kind = DP_IN_REJECTED, .sender = "db1", .text = "badly signed"};

	bench->shows_ignored_text = true;
	add_task(bench, "web1");
	begin(bench);
	forget(bench);
	tell(bench, &input);
	input.sender = NULL;
	input.text = "malformed";
	tell(bench, &input);
	expect(bench, "ignored rejected db1: badly signed\nignored rejected nobody: malformed\n");
	ok(bench, "web1");
	assert_int_equal(ignored(bench, 0, DEPLOY_IGNORED_REJECTED), 2);
}

static size_t lines_of(const struct bench *bench, const char *what)
{
	size_t count = 0;

	for (const char *at = bench->trace; (at = strstr(at, what)); at++)
		count++;
	return count;
}

static void flood_is_counted_beyond_four_times_asked_plus_1000(void **state)
{
	struct bench *bench = *state;

	add_task(bench, "web[1-3]");
	begin(bench);
	ok(bench, "web1");
	for (int i = 0; i < 4 * 3 + 1000 - 1; i++)
		ok(bench, "db1");
	assert_int_equal(lines_of(bench, "ignored unexpected db1\n"), 100);
	assert_int_equal(lines_of(bench, "ignored flood"), 0);
	for (int i = 0; i < 200; i++)
		ok(bench, "web1");
	assert_int_equal(lines_of(bench, "ignored flood web1\n"), 100);
	forget(bench);
	ok(bench, "web2"); /* who is waited for is heard all the same */
	expect(bench, "outcome web2 ok try1\n");
	pass(bench, TIMEOUT_MS);
	assert_int_equal(ignored(bench, 0, DEPLOY_IGNORED_UNEXPECTED), 1011);
	assert_int_equal(ignored(bench, 0, DEPLOY_IGNORED_FLOOD), 200);
	expect_tally(bench, 0, "nodes 3 ok 2 failed 0 silent 1 (0) unknown 0 cancelled 0");
}

static void flood_of_one_try_does_not_spoil_the_next(void **state)
{
	struct bench *bench = *state;

	add_policy(bench, "web[1-2]")->tries = 2;
	begin(bench);
	reply(bench, "web1", 1);
	for (int i = 0; i < 1100; i++)
		ok(bench, "web1");
	forget(bench);
	answer(bench, 0, 2, "web1", 0);
	answer(bench, 0, 2, "web1", 0);
	expect(bench, "outcome web1 ok try2\nignored duplicate web1\n");
	ok(bench, "web2");
	assert_int_equal(ignored(bench, 0, DEPLOY_IGNORED_FLOOD), 93);
}

static void node_without_a_queue_is_silent_and_not_connected(void **state)
{
	struct bench *bench = *state;

	bench->shows_message = true;
	add_task(bench, "web[1-3]");
	begin(bench);
	forget(bench);
	no_route(bench, 1, "web2");
	no_route(bench, 1, "web2");
	no_route(bench, 1, "db1");
	no_route(bench, 2, "web1"); /* not the try that it is in */
	ok(bench, "web1");
	no_route(bench, 1, "web1"); /* it has answered */
	ok(bench, "web3");
	expect(bench, "outcome web2 silent try1 not connected: not connected to the broker\n"
		      "outcome web1 ok try1: OK\noutcome web3 ok try1: OK\n"
		      "end t0 3\ndone complete\n");
	expect_tally(bench, 0, "nodes 3 ok 2 failed 0 silent 1 (1) unknown 0 cancelled 0");
}

static void node_without_a_queue_is_asked_again_if_silent_ones_are(void **state)
{
	struct bench *bench = *state;
	struct deploy_policy *policy = add_policy(bench, "web1");

	policy->tries = 2;
	policy->try_sleep_ms = 100;
	policy->retries_silent = true;
	begin(bench);
	no_route(bench, 1, "web1");
	pass(bench, 100);
	answer(bench, 0, 2, "web1", 0);
	expect(bench, "start t0 1\nsend t0 try1 web1\nretry web1 silent try1 not connected\n"
		      "send t0 try2 web1\noutcome web1 ok try2\nend t0 1\ndone complete\n");
	expect_tally(bench, 0, "nodes 1 ok 1 failed 0 silent 0 (0) unknown 0 cancelled 0");
}

static void silent_nodes_are_probed_once_when_replies_pause(void **state)
{
	struct bench *bench = *state;

	bench->is_mandatory = false;
	add_task(bench, "web[1-4]");
	begin(bench);
	forget(bench);
	pass(bench, 30);
	ok(bench, "web1");
	pass(bench, 49);
	expect(bench, "outcome web1 ok try1\n");
	pass(bench, 1);
	expect(bench, "probe t0 web[2-4]\n");
	no_route(bench, 0, "web3");
	ok(bench, "web2");
	pass(bench, 4000);
	expect(bench, "outcome web3 silent try1 not connected\noutcome web2 ok try1\n");
	pass(bench, 1000);
	expect(bench, "outcome web4 silent try1\nend t0 4\ndone complete\n");
	expect_tally(bench, 0, "nodes 4 ok 2 failed 0 silent 2 (1) unknown 0 cancelled 0");
}

static void each_try_is_probed_for_itself(void **state)
{
	struct bench *bench = *state;
	struct deploy_policy *policy = add_policy(bench, "web[1-2]");

	bench->is_mandatory = false;
	policy->tries = 2;
	policy->retries_silent = true;
	begin(bench);
	pass(bench, 2 * TIMEOUT_MS);
	expect(bench, "start t0 2\nsend t0 try1 web[1-2]\nprobe t0 web[1-2]\n"
		      "retry web1 silent try1\nretry web2 silent try1\n"
		      "send t0 try2 web[1-2]\nprobe t0 web[1-2]\n"
		      "outcome web1 silent try2\noutcome web2 silent try2\n"
		      "end t0 2\ndone complete\n");
}

static void nobody_is_probed_whom_the_broker_speaks_of_anyway(void **state)
{
	struct bench *bench = *state;

	add_task(bench, "web[1-2]");
	begin(bench);
	pass(bench, TIMEOUT_MS);
	assert_null(strstr(bench->trace, "probe"));
}

static void probes_wait_until_everything_was_handed_over(void **state)
{
	struct bench *bench = *state;

	bench->holds = true;
	bench->is_mandatory = false;
	add_task(bench, "web[1-3]");
	begin(bench);
	hand_over_rows(bench, 2);
	pass(bench, 1000);
	expect(bench, "start t0 3\nsend t0 try1 web[1-3]\n");
	hand_over(bench);
	pass(bench, 50);
	expect(bench, "probe t0 web[1-3]\n");
}

static void task_that_ends_withdraws_the_probes_that_are_still_queued(void **state)
{
	struct bench *bench = *state;

	bench->is_mandatory = false;
	add_task(bench, "web[1-2]");
	add_task(bench, "db1");
	begin(bench);
	bench->holds = true;
	pass(bench, 50);
	forget(bench);
	ok(bench, "web[1-2]");
	expect(bench, "outcome web1 ok try1\noutcome web2 ok try1\nwithdraw t0\nend t0 2\n"
		      "start t1 1\nsend t1 try1 db1\n");
	assert_int_equal(bench->send_count, 1);
}

static void max_fail_of_zero_stops_at_the_first_failure(void **state)
{
	struct bench *bench = *state;
	struct deploy_policy *policy = add_policy(bench, "web[1-6]");

	set_batch(policy, "3");
	set_max_fail(policy, "0");
	begin(bench);
	forget(bench);
	reply(bench, "web1", 1);
	expect(bench, "outcome web1 failed try1 code 1\n"
		      "stopped 1 of 6 nodes not ok, more than the 0 that max-fail 0 tolerates\n");
	ok(bench, "web2");
	pass(bench, TIMEOUT_MS);
	expect(bench, "outcome web2 ok try1\noutcome web3 silent try1\n"
		      "outcome web4 cancelled\noutcome web5 cancelled\noutcome web6 cancelled\n"
		      "end t0 6\ndone stopped\n");
	expect_tally(bench, 0, "nodes 6 ok 1 failed 1 silent 1 (0) unknown 0 cancelled 3");
}

static void max_fail_tolerates_a_number_or_a_per_cent_rounded_down(void **state)
{
	static const struct {
		const char *nodes, *max_fail;
		unsigned tolerated;
		const char *stopped;
	} cases[] = {
		{"n[1-5]", "2", 2,
			"3 of 5 nodes not ok, more than the 2 that max-fail 2 tolerates"},
		{"n[1-5]", "39%", 1,
			"2 of 5 nodes not ok, more than the 1 that max-fail 39% tolerates"},
		{"n[1-5]", "40%", 2,
			"3 of 5 nodes not ok, more than the 2 that max-fail 40% tolerates"},
		{"n[1-5]", "0%", 0,
			"1 of 5 nodes not ok, more than the 0 that max-fail 0% tolerates"},
		{"n[1-5]", "5", 5, NULL},
		{"n[1-5]", "100%", 5, NULL},
		{"n[1-5]", "99", 5, NULL},
		{"n[1-5]", NULL, 5, NULL},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct bench *bench = *state;
		struct deploy_policy *policy = add_policy(bench, cases[i].nodes);
		char name[8];

		policy->window = 1;
		if (cases[i].max_fail)
			set_max_fail(policy, cases[i].max_fail);
		begin(bench);
		for (unsigned n = 1; n <= 5 && !bench->is_done; n++) {
			assert_null(strstr(bench->trace, "stopped"));
			(void)snprintf(name, sizeof(name), "n%u", n);
			reply(bench, name, 1);
		}
		assert_true(bench->is_done);
		assert_int_equal(bench->result.tally[0].count[DEPLOY_OUTCOME_FAILED],
			cases[i].tolerated + (cases[i].stopped ? 1 : 0));
		assert_int_equal(bench->result.end,
			cases[i].stopped ? DEPLOY_RUN_STOPPED : DEPLOY_RUN_COMPLETE);
		if (cases[i].stopped)
			assert_non_null(strstr(bench->trace, cases[i].stopped));
		renew(state);
	}
}

static void silent_and_failed_nodes_count_together_and_ok_ones_do_not(void **state)
{
	struct bench *bench = *state;
	struct deploy_policy *policy = add_policy(bench, "web[1-4]");

	set_batch(policy, "3,1");
	set_max_fail(policy, "1");
	begin(bench);
	forget(bench);
	ok(bench, "web1");
	reply(bench, "web2", 1);
	pass(bench, TIMEOUT_MS);
	expect(bench, "outcome web1 ok try1\noutcome web2 failed try1 code 1\n"
		      "outcome web3 silent try1\n"
		      "stopped 2 of 4 nodes not ok, more than the 1 that max-fail 1 tolerates\n"
		      "outcome web4 cancelled\nend t0 4\ndone stopped\n");
}

static void failure_counts_only_when_there_is_no_further_try(void **state)
{
	struct bench *bench = *state;
	struct deploy_policy *policy = add_policy(bench, "web[1-2]");

	policy->tries = 2;
	set_max_fail(policy, "0");
	begin(bench);
	reply(bench, "web[1-2]", 1);
	answer(bench, 0, 2, "web1", 0);
	assert_null(strstr(bench->trace, "stopped"));
	answer(bench, 0, 2, "web2", 0);
	assert_int_equal(bench->result.end, DEPLOY_RUN_COMPLETE);
}

/* The try that did not take place is not counted, and what the last one said is not forgotten. */
static void stop_leaves_waiting_nodes_what_their_last_try_came_to(void **state)
{
	struct bench *bench = *state;
	struct deploy_policy *policy = add_policy(bench, "web[1-4]");

	policy->tries = 2;
	policy->try_sleep_ms = 1000;
	policy->retries_silent = true;
	set_max_fail(policy, "0");
	bench->shows_message = true;
	begin(bench);
	reply(bench, "web1", 7);
	pass(bench, 500);
	reply(bench, "web2", 8);
	no_route(bench, 1, "web3");
	pass(bench, 500);
	forget(bench);
	answer(bench, 0, 2, "web1", 9);
	expect(bench,
		"outcome web1 failed try2 code 9: no\n"
		"stopped 1 of 4 nodes not ok, more than the 0 that max-fail 0 tolerates\n"
		"outcome web2 failed try1 code 8: not tried again: the task stopped\n"
		"outcome web3 silent try1 not connected: not tried again: the task stopped\n");
	reply(bench, "web4", 3);
	expect(bench, "outcome web4 failed try1 code 3: no\nend t0 4\ndone stopped\n");
	expect_tally(bench, 0, "nodes 4 ok 0 failed 3 silent 1 (1) unknown 0 cancelled 0");
}

static void stop_withdraws_what_was_not_handed_over(void **state)
{
	struct bench *bench = *state;
	struct deploy_policy *policy = add_policy(bench, "web[1-4]");

	policy->tries = 2;
	policy->try_sleep_ms = 100;
	bench->holds = true;
	begin(bench);
	hand_over_rows(bench, 2);
	reply(bench, "web1", 6);
	pass(bench, 100);
	forget(bench);
	send_signal(bench, SIGINT);
	expect(bench, "stopped interrupted\nwithdraw t0\noutcome web1 failed try1 code 6\n"
		      "outcome web3 cancelled\noutcome web4 cancelled\n");
	assert_int_equal(bench->send_count, 0);
	answer(bench, 0, 1, "web1", 0);
	answer(bench, 0, 1, "web3", 0);
	answer(bench, 0, 2, "web1", 0);
	expect(bench, "ignored duplicate web1\nignored unexpected web3\nignored unexpected web1\n");
}

static void next_task_does_not_start_after_a_stop(void **state)
{
	struct bench *bench = *state;

	set_max_fail(add_policy(bench, "web1"), "0");
	add_task(bench, "web1");
	begin(bench);
	reply(bench, "web1", 1);
	expect(bench, "start t0 1\nsend t0 try1 web1\noutcome web1 failed try1 code 1\n"
		      "stopped 1 of 1 nodes not ok, more than the 0 that max-fail 0 tolerates\n"
		      "end t0 1\ndone stopped\n");
}

static void next_task_starts_after_tolerated_failures(void **state)
{
	struct bench *bench = *state;

	add_task(bench, "web1");
	add_task(bench, "web1");
	begin(bench);
	forget(bench);
	reply(bench, "web1", 1);
	expect(bench, "outcome web1 failed try1 code 1\nend t0 1\nstart t1 1\nsend t1 try1 web1\n");
}

static void deadline_of_a_task_cuts_it_off(void **state)
{
	struct bench *bench = *state;
	struct deploy_policy *policy = add_policy(bench, "web[1-6]");

	set_batch(policy, "4");
	policy->deadline_ms = 1000;
	policy->tries = 2;
	policy->try_sleep_ms = 5000;
	begin(bench);
	ok(bench, "web1");
	reply(bench, "web2", 1);
	forget(bench);
	pass(bench, 999);
	expect(bench, "");
	pass(bench, 1);
	expect(bench, "stopped the deadline of the task has passed\n"
		      "outcome web2 failed try1 code 1\n"
		      "outcome web3 unknown try1\noutcome web4 unknown try1\n"
		      "outcome web5 cancelled\noutcome web6 cancelled\n"
		      "end t0 6\ndone stopped\n");
	expect_tally(bench, 0, "nodes 6 ok 1 failed 1 silent 0 (0) unknown 2 cancelled 2");
}

static void deadline_of_a_task_counts_from_its_own_start(void **state)
{
	struct bench *bench = *state;

	add_policy(bench, "web1")->deadline_ms = 1000;
	add_policy(bench, "web1")->deadline_ms = 1000;
	begin(bench);
	pass(bench, 900);
	ok(bench, "web1");
	forget(bench);
	pass(bench, 999);
	expect(bench, "");
	pass(bench, 1);
	assert_int_equal(bench->result.end, DEPLOY_RUN_STOPPED);
}

static void deadline_of_the_run_cuts_it_off_in_any_task(void **state)
{
	struct bench *bench = *state;

	bench->plan->deadline_ms = 1000;
	add_task(bench, "web1");
	add_policy(bench, "web[1-2]")->window = 1;
	add_task(bench, "web1");
	begin(bench);
	pass(bench, 900);
	ok(bench, "web1");
	forget(bench);
	pass(bench, 100);
	expect(bench, "outcome web1 unknown try1\noutcome web2 cancelled\nend t1 2\n"
		      "done deadline\n");
}

static void deadline_of_the_run_ends_discovery(void **state)
{
	struct bench *bench = *state;

	bench->plan->deadline_ms = 100;
	add_task(bench, NULL);
	add_task(bench, NULL)->nodes_from = 0;
	begin(bench);
	ok(bench, "web1");
	pass(bench, 100);
	expect(bench, "start t0 0\nsend t0 try1 everyone\noutcome web1 ok try1\nend t0 1\n"
		      "done deadline\n");
}

static void discovery_ends_with_as_many_nodes_as_are_expected(void **state)
{
	struct bench *bench = *state;

	add_task(bench, NULL)->policy.expected = 2;
	begin(bench);
	ok(bench, "web3");
	ok(bench, "web3");
	forget(bench);
	ok(bench, "web1");
	pass(bench, 0);
	expect(bench, "outcome web1 ok try1\nend t0 2\ndone complete\n");
}

static void discovery_waits_longer_where_replies_have_paused(void **state)
{
	struct bench *bench = *state;

	add_task(bench, NULL)->policy.discovery_ms = 10000;
	begin(bench);
	ok(bench, "web1");
	pass(bench, 290);
	ok(bench, "web2");
	forget(bench);
	/* 300 ms would be over; a pause of 290 ms makes it 870. */
	pass(bench, 869);
	ok(bench, "web3");
	expect(bench, "outcome web3 ok try1\n");
	forget(bench);
	pass(bench, 3 * 869 - 1);
	expect(bench, "");
	pass(bench, 1);
	expect(bench, "end t0 3\ndone complete\n");
}

static void limit_leaves_the_first_of_the_nodes_given(void **state)
{
	struct bench *bench = *state;

	add_task(bench, "web[1-4]")->limit.amount = (struct deploy_amount){50, true};
	begin(bench);
	expect(bench, "start t0 2\nsend t0 try1 web[1-2]\n");
}

static void limit_leaves_the_first_of_the_nodes_found(void **state)
{
	struct bench *bench = *state;
	struct deploy_task *task;

	add_task(bench, NULL);
	task = add_task(bench, NULL);
	task->nodes_from = 0;
	task->limit.amount = (struct deploy_amount){2, false};
	begin(bench);
	ok(bench, "web3");
	ok(bench, "web1");
	ok(bench, "web2");
	forget(bench);
	pass(bench, 2000);
	expect(bench, "end t0 3\nstart t1 2\nsend t1 try1 web[1-2]\n");
}

static void progress_names_who_is_waited_for_and_changes_nothing(void **state)
{
	static const struct dp_input input = {.kind = DP_IN_PROGRESS};
	struct bench *bench = *state;
	struct deploy_policy *policy = add_policy(bench, "web[1-4]");

	policy->window = 2;
	policy->tries = 2;
	policy->try_sleep_ms = 1000;
	begin(bench);
	forget(bench);
	pass(bench, 100);
	tell(bench, &input);
	expect(bench, "waiting for 2: web[1-2], 100 ms for web1\n");
	ok(bench, "web1");
	reply(bench, "web2", 1);
	forget(bench);
	pass(bench, 700);
	tell(bench, &input);
	expect(bench, "waiting for 2: web[2-3], 700 ms for web3\n");
	pass(bench, 300);
	expect(bench, "send t0 try2 web2\n");
	ok(bench, "web3");
	forget(bench);
	pass(bench, 20);
	tell(bench, &input);
	expect(bench, "waiting for 2: web[2,4], 20 ms for web2\n");
}

/* Whoever waits for a next try, or for the broker to take it, is not waited for. */
static void progress_names_nobody_as_slow_who_was_not_asked(void **state)
{
	static const struct dp_input input = {.kind = DP_IN_PROGRESS};
	struct bench *bench = *state;
	struct deploy_policy *policy = add_policy(bench, "web[1-2]");

	policy->tries = 2;
	policy->try_sleep_ms = 1000;
	begin(bench);
	reply(bench, "web[1-2]", 1);
	block(bench);
	forget(bench);
	tell(bench, &input);
	pass(bench, 1000);
	tell(bench, &input);
	expect(bench, "waiting for 2: web[1-2]\nsend t0 try2 web[1-2]\nwaiting for 2: web[1-2]\n");
}

/* A task that nobody answers; an open one if names is NULL. */
static struct deploy_task *add_unanswered(struct bench *bench, const char *names)
{
	struct deploy_task *task = add_task(bench, names);

	task->request->wants_no_reply = true;
	bench->shows_message = true;
	bench->is_mandatory = true;
	return task;
}

static void without_replies_nodes_are_unknown_as_soon_as_the_broker_has_the_request(void **state)
{
	struct bench *bench = *state;

	add_unanswered(bench, "web[1-3]");
	begin(bench);
	assert_true(dp_runner_wake_us(bench->runner) == bench->now_us);
	no_route(bench, 1, "web2");
	expect(bench, "start t0 3\nsend t0 try1 web[1-3]\n"
		      "outcome web2 silent try1 not connected: not connected to the broker\n");
	tick(bench);
	expect(bench, "outcome web1 unknown try1: not asked for an answer\n"
		      "outcome web3 unknown try1: not asked for an answer\n"
		      "end t0 3\ndone complete\n");
	expect_tally(bench, 0, "nodes 3 ok 0 failed 0 silent 1 (1) unknown 2 cancelled 0");
	assert_int_equal(deploy_nodeset_count(bench->result.tally[0].handed_over), 2);
}

static void without_replies_nobody_is_settled_before_everybody_was_sent_it(void **state)
{
	struct bench *bench = *state;

	add_unanswered(bench, "web[1-3]");
	bench->holds = true;
	begin(bench);
	hand_over_rows(bench, 2);
	forget(bench);
	pass(bench, TIMEOUT_MS - 1);
	expect(bench, "");
	hand_over(bench);
	no_route(bench, 1, "web1");
	expect(bench, "outcome web1 silent try1 not connected: not connected to the broker\n");
	tick(bench);
	expect(bench, "outcome web2 unknown try1: not asked for an answer\n"
		      "outcome web3 unknown try1: not asked for an answer\n"
		      "end t0 3\ndone complete\n");
}

static void without_replies_a_broker_that_takes_no_more_leaves_the_rest_unasked(void **state)
{
	struct bench *bench = *state;

	add_unanswered(bench, "web[1-2]");
	bench->holds = true;
	begin(bench);
	hand_over_rows(bench, 1);
	forget(bench);
	pass(bench, TIMEOUT_MS);
	expect(bench, "withdraw t0\noutcome web2 cancelled: not asked in time: the broker takes no "
		      "publishes\noutcome web1 unknown try1: not asked for an answer\n"
		      "end t0 2\ndone complete\n");
}

static void without_replies_a_broker_that_confirms_nothing_has_nothing(void **state)
{
	struct bench *bench = *state;

	add_unanswered(bench, "web1");
	bench->is_mute = true;
	begin(bench);
	forget(bench);
	pass(bench, TIMEOUT_MS - 1);
	expect(bench, "");
	pass(bench, 1);
	expect(bench, "outcome web1 unknown try1: the broker did not say that it has the request\n"
		      "end t0 1\ndone complete\n");
	assert_int_equal(deploy_nodeset_count(bench->result.tally[0].handed_over), 0);
}

static void without_replies_a_broker_may_confirm_later(void **state)
{
	struct bench *bench = *state;

	add_unanswered(bench, "web[1-2]");
	bench->is_mute = true;
	begin(bench);
	forget(bench);
	pass(bench, 1000);
	no_route(bench, 1, "web2");
	bench->is_mute = false;
	forget(bench);
	pass(bench, 100);
	expect(bench, "outcome web1 unknown try1: not asked for an answer\nend t0 2\n"
		      "done complete\n");
	renew(state);
	bench = *state;
	add_unanswered(bench, NULL);
	bench->is_mute = true;
	begin(bench);
	forget(bench);
	pass(bench, 1000);
	bench->is_mute = false;
	pass(bench, 100);
	expect(bench, "end t0 0\ndone complete\n");
}

static void without_replies_a_lost_broker_makes_nobody_sure(void **state)
{
	struct bench *bench = *state;

	add_unanswered(bench, "web1");
	begin(bench);
	forget(bench);
	lose(bench);
	expect(bench, "outcome web1 unknown try1: the connection to the broker ended first\n"
		      "end t0 1\ndone lost\n");
	assert_int_equal(deploy_nodeset_count(bench->result.tally[0].handed_over), 0);
}

static void without_replies_a_reply_is_not_credited(void **state)
{
	struct bench *bench = *state;

	add_unanswered(bench, "web[1-2]");
	begin(bench);
	forget(bench);
	ok(bench, "web1");
	expect(bench, "ignored unexpected web1\n");
	tick(bench);
	expect_tally(bench, 0, "nodes 2 ok 0 failed 0 silent 0 (0) unknown 2 cancelled 0");
	assert_int_equal(ignored(bench, 0, DEPLOY_IGNORED_UNEXPECTED), 1);
}

static void without_replies_an_open_task_asks_everyone_and_waits_for_nobody(void **state)
{
	struct bench *bench = *state;

	add_unanswered(bench, NULL);
	begin(bench);
	assert_true(dp_runner_wake_us(bench->runner) == bench->now_us);
	ok(bench, "web1");
	tick(bench);
	expect(bench, "start t0 0\nsend t0 try1 everyone\nignored unexpected web1\n"
		      "end t0 0\ndone complete\n");
}

static void without_replies_an_open_task_that_is_not_confirmed_is_lost(void **state)
{
	struct bench *bench = *state;

	add_unanswered(bench, NULL);
	bench->is_mute = true;
	begin(bench);
	forget(bench);
	pass(bench, 1999);
	expect(bench, "");
	pass(bench, 1);
	expect(bench, "end t0 0\ndone lost\n");
}

static void without_replies_an_open_task_waits_for_a_broker_that_takes_nothing(void **state)
{
	struct bench *bench = *state;

	add_unanswered(bench, NULL);
	bench->holds = true;
	begin(bench);
	forget(bench);
	pass(bench, 1999);
	expect(bench, "");
	pass(bench, 1);
	expect(bench, "withdraw t0\nend t0 0\ndone lost\n");
}

static void first_interrupt_lets_what_is_in_flight_finish(void **state)
{
	struct bench *bench = *state;

	add_policy(bench, "web[1-4]")->window = 2;
	add_task(bench, "db1");
	begin(bench);
	forget(bench);
	send_signal(bench, SIGTERM);
	pass(bench, 100);
	ok(bench, "web1");
	expect(bench, "stopped interrupted\noutcome web1 ok try1\n");
	reply(bench, "web2", 1);
	expect(bench, "outcome web2 failed try1 code 1\noutcome web3 cancelled\n"
		      "outcome web4 cancelled\nend t0 4\ndone interrupted\n");
	assert_int_equal(bench->result.signal, SIGTERM);
}

static void interrupt_waits_ten_seconds_at_most(void **state)
{
	struct bench *bench = *state;

	add_policy(bench, "web[1-2]")->timeout_ms = 60000;
	begin(bench);
	pass(bench, 1000);
	send_signal(bench, SIGINT);
	pass(bench, 9999);
	forget(bench);
	pass(bench, 1);
	expect(bench, "outcome web1 unknown try1\noutcome web2 unknown try1\nend t0 2\n"
		      "done interrupted\n");
	assert_int_equal(bench->result.signal, SIGINT);
}

static void second_interrupt_leaves_at_once(void **state)
{
	struct bench *bench = *state;

	add_policy(bench, "web[1-3]")->window = 2;
	begin(bench);
	ok(bench, "web1");
	send_signal(bench, SIGINT);
	pass(bench, 10);
	forget(bench);
	send_signal(bench, SIGTERM);
	expect(bench, "outcome web2 unknown try1\noutcome web3 unknown try1\nend t0 3\n"
		      "done interrupted\n");
	assert_int_equal(bench->result.signal, SIGINT);
}

static void interrupt_while_blocked_leaves_at_once(void **state)
{
	struct bench *bench = *state;

	add_policy(bench, "web[1-3]")->window = 2;
	begin(bench);
	block(bench);
	ok(bench, "web1");
	forget(bench);
	send_signal(bench, SIGINT);
	expect(bench, "stopped interrupted\nwithdraw t0\noutcome web3 cancelled\n"
		      "outcome web2 unknown try1\nend t0 3\ndone interrupted\n");
}

static void interrupt_ends_discovery_and_keeps_what_it_found(void **state)
{
	struct bench *bench = *state;

	add_task(bench, NULL);
	add_task(bench, NULL)->nodes_from = 0;
	begin(bench);
	ok(bench, "web1");
	send_signal(bench, SIGINT);
	expect(bench, "start t0 0\nsend t0 try1 everyone\noutcome web1 ok try1\nend t0 1\n"
		      "done interrupted\n");
	assert_int_equal(deploy_nodeset_count(bench->result.found[0]), 1);
	assert_null(bench->result.found[1]);
}

static void interrupt_between_groups_ends_at_once(void **state)
{
	struct bench *bench = *state;
	struct deploy_policy *policy = add_policy(bench, "web[1-2]");

	set_batch(policy, "1");
	policy->batch_sleep_ms = 60000;
	begin(bench);
	ok(bench, "web1");
	pass(bench, 1000);
	forget(bench);
	send_signal(bench, SIGINT);
	expect(bench, "stopped interrupted\noutcome web2 cancelled\nend t0 2\ndone interrupted\n");
}

static void interrupt_before_another_try_ends_at_once(void **state)
{
	struct bench *bench = *state;
	struct deploy_policy *policy = add_policy(bench, "web1");

	policy->tries = 2;
	policy->try_sleep_ms = 60000;
	begin(bench);
	reply(bench, "web1", 3);
	forget(bench);
	send_signal(bench, SIGINT);
	expect(bench, "stopped interrupted\noutcome web1 failed try1 code 3\nend t0 1\n"
		      "done interrupted\n");
}

static void interrupt_after_a_stop_still_bounds_the_wait(void **state)
{
	struct bench *bench = *state;
	struct deploy_policy *policy = add_policy(bench, "web[1-2]");

	set_max_fail(policy, "0");
	policy->timeout_ms = 60000;
	begin(bench);
	reply(bench, "web1", 1);
	send_signal(bench, SIGINT);
	forget(bench);
	pass(bench, 10000);
	expect(bench, "outcome web2 unknown try1\nend t0 2\ndone interrupted\n");
}

static void lost_connection_leaves_nodes_in_flight_unknown(void **state)
{
	struct bench *bench = *state;
	struct deploy_policy *policy = add_policy(bench, "web[1-4]");

	bench->shows_message = true;
	policy->window = 3;
	policy->tries = 2;
	policy->try_sleep_ms = 1000;
	begin(bench);
	ok(bench, "web1");
	reply(bench, "web2", 2);
	forget(bench);
	lose(bench);
	expect(bench, "outcome web2 failed try1 code 2: not tried again: the task stopped\n"
		      "outcome web3 unknown try1: the connection to the broker ended first\n"
		      "outcome web4 unknown try1: the connection to the broker ended first\n"
		      "end t0 4\ndone lost\n");
}

static void lost_connection_cancels_what_was_not_handed_over(void **state)
{
	struct bench *bench = *state;

	bench->holds = true;
	add_task(bench, "web[1-2]");
	begin(bench);
	hand_over_rows(bench, 1);
	forget(bench);
	lose(bench);
	expect(bench, "withdraw t0\noutcome web2 cancelled\noutcome web1 unknown try1\n"
		      "end t0 2\ndone lost\n");
}

static void lost_connection_ends_the_pause_between_groups(void **state)
{
	struct bench *bench = *state;
	struct deploy_policy *policy = add_policy(bench, "web[1-2]");

	set_batch(policy, "1");
	policy->batch_sleep_ms = 60000;
	begin(bench);
	ok(bench, "web1");
	forget(bench);
	lose(bench);
	expect(bench, "outcome web2 cancelled\nend t0 2\ndone lost\n");
}

static void lost_connection_ends_discovery(void **state)
{
	struct bench *bench = *state;

	add_task(bench, NULL);
	add_task(bench, NULL)->nodes_from = 0;
	begin(bench);
	ok(bench, "web1");
	forget(bench);
	lose(bench);
	expect(bench, "end t0 1\ndone lost\n");
}

static void lost_connection_after_an_interrupt_ends_the_wait(void **state)
{
	struct bench *bench = *state;

	add_task(bench, "web1");
	begin(bench);
	send_signal(bench, SIGINT);
	forget(bench);
	lose(bench);
	expect(bench, "outcome web1 unknown try1\nend t0 1\ndone interrupted\n");
}

static void what_comes_after_the_end_does_not_change_how_it_ended(void **state)
{
	static const enum dp_input_kind kinds[] = {
		DP_IN_LOST, DP_IN_SIGNAL, DP_IN_TICK, DP_IN_SENT};
	struct bench *bench = *state;
	static const struct dp_input start = {.kind = DP_IN_START};
	struct dp_reply reply = {.sender = "web1", .statusmsg = ""};
	struct dp_input input = {.kind = DP_IN_REPLY, .attempt = 1, .reply = &reply};

	bench->plan->deadline_ms = 1000;
	add_task(bench, "web1");
	bench->holds = true;
	bench->runner = dp_runner_new(bench->plan, act, bench);
	dp_runner_step(bench->runner, bench->now_us, WALL_US + bench->now_us, &start);
	hand_over(bench);
	dp_runner_step(bench->runner, bench->now_us, WALL_US + bench->now_us, &input);
	assert_true(dp_runner_is_done(bench->runner));
	for (size_t i = 0; i < COUNT(kinds); i++) {
		input = (struct dp_input){.kind = kinds[i], .signal = SIGINT, .text = "gone"};
		bench->now_us += 1000 * MS;
		dp_runner_step(bench->runner, bench->now_us, WALL_US + bench->now_us, &input);
		assert_true(dp_runner_is_done(bench->runner));
	}
	dp_runner_finish(bench->runner, &bench->result);
	assert_int_equal(bench->result.end, DEPLOY_RUN_COMPLETE);
	assert_int_equal(bench->result.signal, 0);
}

static void open_task_ends_a_window_after_the_last_node_answered(void **state)
{
	struct bench *bench = *state;

	add_task(bench, NULL);
	begin(bench);
	pass(bench, 1000);
	ok(bench, "web2");
	pass(bench, 90);
	reply(bench, "web1", 1);
	pass(bench, 299);
	expect(bench, "start t0 0\nsend t0 try1 everyone\noutcome web2 ok try1\n"
		      "outcome web1 failed try1 code 1\n");
	pass(bench, 1);
	expect(bench, "end t0 2\ndone complete\n");
	expect_tally(bench, 0, "nodes 2 ok 1 failed 1 silent 0 (0) unknown 0 cancelled 0");
	assert_string_equal(deploy_nodeset_get(bench->result.found[0], 0), "web1");
}

static void open_task_ends_when_its_time_is_over(void **state)
{
	struct bench *bench = *state;
	char name[16];

	add_task(bench, NULL);
	begin(bench);
	for (int i = 0; i < 10 && !bench->is_done; i++) {
		pass(bench, 199);
		(void)snprintf(name, sizeof(name), "web%d", i);
		ok(bench, name);
	}
	forget(bench);
	pass(bench, 9);
	expect(bench, "");
	pass(bench, 1);
	expect(bench, "end t0 10\ndone complete\n");
}

static void time_for_discovery_counts_from_the_question(void **state)
{
	struct bench *bench = *state;

	bench->holds = true;
	add_task(bench, NULL);
	begin(bench);
	pass(bench, 1500);
	ok(bench, "web1"); /* cannot know the question yet */
	hand_over(bench);
	forget(bench);
	pass(bench, 1999);
	expect(bench, "");
	ok(bench, "web1");
	pass(bench, 1);
	expect(bench, "outcome web1 ok try1\nend t0 1\ndone complete\n");
	assert_int_equal(ignored(bench, 0, DEPLOY_IGNORED_UNEXPECTED), 1);
}

static void question_that_is_never_handed_over_is_a_lost_run(void **state)
{
	struct bench *bench = *state;

	bench->holds = true;
	add_task(bench, NULL);
	begin(bench);
	pass(bench, 2000);
	expect(bench, "start t0 0\nsend t0 try1 everyone\nwithdraw t0\nend t0 0\ndone lost\n");
}

static void clock_may_start_at_zero(void **state)
{
	struct bench *bench = *state;

	bench->now_us = 0;
	add_task(bench, NULL);
	begin(bench);
	ok(bench, "web1");
	pass(bench, 300);
	expect(bench, "start t0 0\nsend t0 try1 everyone\noutcome web1 ok try1\nend t0 1\n"
		      "done complete\n");
}

static void open_task_that_finds_nobody_ends_the_run(void **state)
{
	struct bench *bench = *state;

	add_task(bench, NULL);
	add_task(bench, NULL)->nodes_from = 0;
	begin(bench);
	pass(bench, 2000);
	expect(bench, "start t0 0\nsend t0 try1 everyone\nend t0 0\ndone no nodes\n");
}

static void open_task_credits_each_node_once_and_excluded_ones_never(void **state)
{
	struct bench *bench = *state;

	add_task(bench, NULL)->exclude = set_of("db[1-2]");
	begin(bench);
	forget(bench);
	ok(bench, "web1");
	pass(bench, 200);
	ok(bench, "web1");
	ok(bench, "db1");
	ok(bench, "db1");
	expect(bench, "outcome web1 ok try1\nignored duplicate web1\n");
	pass(bench, 100);
	expect(bench, "end t0 1\ndone complete\n");
	assert_int_equal(ignored(bench, 0, DEPLOY_IGNORED_DUPLICATE), 1);
	expect_tally(bench, 0, "nodes 1 ok 1 failed 0 silent 0 (0) unknown 0 cancelled 0");
	assert_int_equal(bench->result.tally[0].count[DEPLOY_OUTCOME_SKIPPED], 1);
}

static void open_task_hears_a_new_node_through_a_flood(void **state)
{
	struct bench *bench = *state;

	add_task(bench, NULL);
	begin(bench);
	for (int i = 0; i < 1005; i++)
		ok(bench, "web1");
	assert_int_equal(lines_of(bench, "ignored duplicate web1\n"), 100);
	assert_int_equal(lines_of(bench, "ignored flood web1\n"), 1);
	forget(bench);
	ok(bench, "web2");
	pass(bench, 300);
	expect(bench, "outcome web2 ok try1\nend t0 2\ndone complete\n");
	assert_int_equal(ignored(bench, 0, DEPLOY_IGNORED_DUPLICATE), 1003);
	assert_int_equal(ignored(bench, 0, DEPLOY_IGNORED_FLOOD), 1);
}

static void found_nodes_are_asked_by_the_next_task_without_its_excluded_ones(void **state)
{
	struct bench *bench = *state;
	struct deploy_task *task;

	add_task(bench, NULL);
	task = add_task(bench, NULL);
	task->nodes_from = 0;
	task->exclude = set_of("web2");
	task->is_whole_match = true;
	begin(bench);
	ok(bench, "web3");
	ok(bench, "web[1-2]");
	forget(bench);
	pass(bench, 300);
	expect(bench, "end t0 3\nstart t1 2\nsend t1 try1 web[1,3]\n");
	ok(bench, "web4"); /* too late to be found */
	answer(bench, 1, 1, "web4", 0);
	answer(bench, 1, 1, "web1", 0);
	answer(bench, 1, 1, "web3", 0);
	expect(bench, "ignored late web4\nignored unexpected web4\noutcome web1 ok try1\n"
		      "outcome web3 ok try1\nend t1 2\ndone complete\n");
	assert_int_equal(deploy_nodeset_count(bench->result.found[0]), 3);
}

static void empty_set_ends_the_run_without_nodes(void **state)
{
	static const struct {
		const char *nodes, *exclude, *lines;
	} cases[] = {
		{"", NULL,
			"start t0 1\nsend t0 try1 web1\noutcome web1 ok try1\nend t0 1\n"
			"done no nodes\n"},
		{"web[1-2]", "web[1-3]",
			"start t0 1\nsend t0 try1 web1\noutcome web1 ok try1\n"
			"end t0 1\ndone no nodes\n"},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct bench *bench = *state;
		struct deploy_task *task;

		add_task(bench, "web1");
		task = add_task(bench, cases[i].nodes);
		task->exclude = cases[i].exclude ? set_of(cases[i].exclude) : NULL;
		begin(bench);
		ok(bench, "web1");
		expect(bench, cases[i].lines);
		expect_tally(bench, 1, "nodes 0 ok 0 failed 0 silent 0 (0) unknown 0 cancelled 0");
		renew(state);
	}
}

static void blocked_broker_is_told_once(void **state)
{
	struct bench *bench = *state;

	add_task(bench, "web1");
	begin(bench);
	forget(bench);
	block(bench);
	block(bench);
	unblock(bench);
	unblock(bench);
	expect(bench, "blocked low on memory\nunblocked\n");
}

/* Its outcome is final, so it must not be asked when the broker takes publishes again. */
static void node_that_was_not_sent_in_time_is_never_sent(void **state)
{
	struct bench *bench = *state;

	bench->shows_asked = bench->shows_message = true;
	add_policy(bench, "web[1-4]")->window = 2;
	begin(bench);
	block(bench);
	pass(bench, 1000);
	ok(bench, "web1");
	pass(bench, 3000);
	ok(bench, "web2");
	pass(bench, 1999);
	forget(bench);
	pass(bench, 1);
	expect(bench, "withdraw t0\n"
		      "outcome web3 cancelled: not asked in time: the broker takes no publishes\n"
		      "send t0 try1 web4\n");
	unblock(bench);
	ok(bench, "web3");
	ok(bench, "web4");
	expect(bench,
		"unblocked\nasked web4 try1\nignored unexpected web3\noutcome web4 ok try1: OK\n"
		"end t0 4\ndone complete\n");
	expect_tally(bench, 0, "nodes 4 ok 3 failed 0 silent 0 (0) unknown 0 cancelled 1");
}

static void node_that_was_not_sent_in_time_counts_against_max_fail(void **state)
{
	struct bench *bench = *state;
	struct deploy_policy *policy = add_policy(bench, "web[1-3]");

	policy->window = 1;
	set_max_fail(policy, "0");
	begin(bench);
	block(bench);
	ok(bench, "web1");
	forget(bench);
	pass(bench, TIMEOUT_MS);
	expect(bench, "withdraw t0\noutcome web2 cancelled\n"
		      "stopped 1 of 3 nodes not ok, more than the 0 that max-fail 0 tolerates\n"
		      "outcome web3 cancelled\nend t0 3\ndone stopped\n");
}

static void try_that_was_not_sent_in_time_leaves_what_the_last_one_came_to(void **state)
{
	struct bench *bench = *state;
	struct deploy_policy *policy = add_policy(bench, "web[1-2]");

	policy->tries = 3;
	policy->retries_silent = true;
	begin(bench);
	block(bench);
	reply(bench, "web1", 7);
	no_route(bench, 1, "web2");
	pass(bench, TIMEOUT_MS - 1);
	expect(bench, "start t0 2\nsend t0 try1 web[1-2]\nblocked low on memory\n"
		      "retry web1 failed try1 code 7\nsend t0 try2 web1\n"
		      "retry web2 silent try1 not connected\nsend t0 try2 web2\n");
	pass(bench, 1);
	expect(bench, "withdraw t0\noutcome web1 failed try1 code 7\n"
		      "outcome web2 silent try1 not connected\nend t0 2\ndone complete\n");
	expect_tally(bench, 0, "nodes 2 ok 0 failed 1 silent 1 (1) unknown 0 cancelled 0");
}

static void time_to_be_sent_does_not_wait_for_those_that_were(void **state)
{
	struct bench *bench = *state;

	bench->holds = true;
	add_task(bench, "web[1-3]");
	begin(bench);
	pass(bench, 4000);
	hand_over_rows(bench, 1);
	pass(bench, 999);
	forget(bench);
	pass(bench, 1);
	expect(bench, "withdraw t0\noutcome web2 cancelled\noutcome web3 cancelled\n");
	pass(bench, 3999);
	expect(bench, "");
	pass(bench, 1);
	expect(bench, "outcome web1 silent try1\nend t0 3\ndone complete\n");
}

/* cmocka's table, one line a test. */
#define TEST(claim) cmocka_unit_test_setup_teardown(claim, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(all_nodes_are_asked_at_once_without_a_policy),
		TEST(every_node_is_told_as_asked_when_it_was_handed_over),
		TEST(every_node_is_told_as_intended_before_it_is_sent),
		TEST(who_is_being_discovered_is_not_told_as_intended),
		TEST(what_is_withdrawn_and_sent_again_is_one_intent),
		TEST(run_that_cannot_be_recorded_ends_and_asks_nobody_else),
		TEST(discovery_that_cannot_be_recorded_ends_the_run),
		TEST(handing_over_twice_changes_nothing),
		TEST(batch_is_a_number_a_per_cent_rounded_up_or_a_ramp),
		TEST(group_starts_when_the_one_before_has_ended),
		TEST(group_waits_for_the_further_tries_of_the_one_before),
		TEST(batch_sleep_is_between_groups_and_not_after_the_last),
		TEST(window_keeps_that_many_in_flight),
		TEST(node_that_waits_for_its_next_try_keeps_its_place_in_the_window),
		TEST(pauses_between_tries_may_grow),
		TEST(only_what_failed_is_asked_again_after_the_pause),
		TEST(silent_nodes_are_asked_again_only_if_the_policy_says_so),
		TEST(groups_share_the_number_of_a_try),
		TEST(nodes_in_different_tries_are_asked_apart),
		TEST(broadcast_needs_the_whole_match_the_whole_set_the_first_try_and_no_exclusion),
		TEST(next_try_is_never_broadcast),
		TEST(excluded_nodes_are_neither_asked_nor_credited),
		TEST(replies_that_may_not_be_credited_are_counted_by_reason),
		TEST(reply_after_its_deadline_is_late),
		TEST(reply_that_waited_unread_is_credited),
		TEST(found_node_that_waited_unread_is_credited),
		TEST(deadline_holds_for_replies_that_waited_unread),
		TEST(reply_to_a_task_that_has_ended_is_late_and_counted_there),
		TEST(reply_before_the_request_was_handed_over_is_unexpected),
		TEST(message_that_is_no_reply_of_ours_is_told_with_its_reason),
		TEST(flood_is_counted_beyond_four_times_asked_plus_1000),
		TEST(flood_of_one_try_does_not_spoil_the_next),
		TEST(node_without_a_queue_is_silent_and_not_connected),
		TEST(node_without_a_queue_is_asked_again_if_silent_ones_are),
		TEST(silent_nodes_are_probed_once_when_replies_pause),
		TEST(each_try_is_probed_for_itself),
		TEST(nobody_is_probed_whom_the_broker_speaks_of_anyway),
		TEST(probes_wait_until_everything_was_handed_over),
		TEST(task_that_ends_withdraws_the_probes_that_are_still_queued),
		TEST(max_fail_of_zero_stops_at_the_first_failure),
		TEST(max_fail_tolerates_a_number_or_a_per_cent_rounded_down),
		TEST(silent_and_failed_nodes_count_together_and_ok_ones_do_not),
		TEST(failure_counts_only_when_there_is_no_further_try),
		TEST(stop_leaves_waiting_nodes_what_their_last_try_came_to),
		TEST(stop_withdraws_what_was_not_handed_over),
		TEST(next_task_does_not_start_after_a_stop),
		TEST(next_task_starts_after_tolerated_failures),
		TEST(deadline_of_a_task_cuts_it_off),
		TEST(deadline_of_a_task_counts_from_its_own_start),
		TEST(deadline_of_the_run_cuts_it_off_in_any_task),
		TEST(deadline_of_the_run_ends_discovery),
		TEST(discovery_ends_with_as_many_nodes_as_are_expected),
		TEST(discovery_waits_longer_where_replies_have_paused),
		TEST(limit_leaves_the_first_of_the_nodes_given),
		TEST(limit_leaves_the_first_of_the_nodes_found),
		TEST(progress_names_who_is_waited_for_and_changes_nothing),
		TEST(progress_names_nobody_as_slow_who_was_not_asked),
		TEST(without_replies_nodes_are_unknown_as_soon_as_the_broker_has_the_request),
		TEST(without_replies_nobody_is_settled_before_everybody_was_sent_it),
		TEST(without_replies_a_broker_that_takes_no_more_leaves_the_rest_unasked),
		TEST(without_replies_a_broker_that_confirms_nothing_has_nothing),
		TEST(without_replies_a_broker_may_confirm_later),
		TEST(without_replies_a_lost_broker_makes_nobody_sure),
		TEST(without_replies_a_reply_is_not_credited),
		TEST(without_replies_an_open_task_asks_everyone_and_waits_for_nobody),
		TEST(without_replies_an_open_task_that_is_not_confirmed_is_lost),
		TEST(without_replies_an_open_task_waits_for_a_broker_that_takes_nothing),
		TEST(first_interrupt_lets_what_is_in_flight_finish),
		TEST(interrupt_waits_ten_seconds_at_most),
		TEST(second_interrupt_leaves_at_once),
		TEST(interrupt_while_blocked_leaves_at_once),
		TEST(interrupt_ends_discovery_and_keeps_what_it_found),
		TEST(interrupt_between_groups_ends_at_once),
		TEST(interrupt_before_another_try_ends_at_once),
		TEST(interrupt_after_a_stop_still_bounds_the_wait),
		TEST(lost_connection_leaves_nodes_in_flight_unknown),
		TEST(lost_connection_cancels_what_was_not_handed_over),
		TEST(lost_connection_ends_the_pause_between_groups),
		TEST(lost_connection_ends_discovery),
		TEST(lost_connection_after_an_interrupt_ends_the_wait),
		TEST(what_comes_after_the_end_does_not_change_how_it_ended),
		TEST(open_task_ends_a_window_after_the_last_node_answered),
		TEST(open_task_ends_when_its_time_is_over),
		TEST(time_for_discovery_counts_from_the_question),
		TEST(question_that_is_never_handed_over_is_a_lost_run),
		TEST(clock_may_start_at_zero),
		TEST(open_task_that_finds_nobody_ends_the_run),
		TEST(open_task_credits_each_node_once_and_excluded_ones_never),
		TEST(open_task_hears_a_new_node_through_a_flood),
		TEST(found_nodes_are_asked_by_the_next_task_without_its_excluded_ones),
		TEST(empty_set_ends_the_run_without_nodes),
		TEST(blocked_broker_is_told_once),
		TEST(node_that_was_not_sent_in_time_is_never_sent),
		TEST(node_that_was_not_sent_in_time_counts_against_max_fail),
		TEST(try_that_was_not_sent_in_time_leaves_what_the_last_one_came_to),
		TEST(time_to_be_sent_does_not_wait_for_those_that_were),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
