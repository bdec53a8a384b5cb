/* The Puppet runs of a site, from the check to the end, on simulated agents. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "site_world.h"

/* The seed's site: dev1 produces what the others consume; and dev5 waits for dev2, too. */
static const uint32_t ranks_of_five[] = {0, 1, 1, 1, 2};
static const uint32_t start_of_five[] = {0, 0, 1, 2, 3, 5};
static const uint32_t after_of_five[] = {0, 0, 0, 0, 1};

static struct world *five(void)
{
	return world_new("dev[1-5]");
}

static int plan_five(struct world *world)
{
	struct deploy_error err = {.code = DEPLOY_OK};

	return deploy_site_plan(world->plan, world->nodes, ranks_of_five, 3, start_of_five,
		after_of_five, &world->options, &err);
}

static void run_five(struct world *world)
{
	assert_int_equal(0, plan_five(world));
	world_run(world);
}

/* Consumes world. */
static void expect(struct world *world, enum deploy_run_end end, const char *trace,
	const char *order, const char *disabled)
{
	assert_string_equal(trace, world->trace);
	assert_string_equal(order, world->order);
	assert_string_equal(disabled, who_is_disabled(world));
	assert_int_equal(end, world->result.end);
	world_free(world);
}

#define FIRST	  "check 5\ndisable 5\n"
#define IN_RANKS  FIRST "rank 1 1\nrank 2 3\nrank 3 1\nenable 5\n"
#define ALL	  "dev1 dev2 dev3 dev4 dev5"
#define ONE_OF(n) "  stopped: 1 of " #n " nodes not ok, more than the 0 that max-fail 0 tolerates\n"

static void each_rank_waits_for_the_one_before(void **state)
{
	struct world *world = five();

	(void)state;
	world->options.policy.window = 2;
	run_five(world);
	for (size_t i = 0; i < 5; i++)
		assert_true(world->agents[i].starts == 1 && world->agents[i].did_ours_end);
	assert_true(world->ended_us[0] < world->agents[1].last.begin_us);
	/* Two at a time: the third when one of them is done. */
	assert_true(world->agents[1].last.end_us < world->agents[3].last.begin_us);
	expect(world, DEPLOY_RUN_COMPLETE, IN_RANKS, ALL, "");
}

/* Of a run that goes on, those that are done are missing. */
static void a_rank_without_nodes_is_left_out(void **state)
{
	static const uint32_t ranks[] = {1, 3, 3, 3, 4};
	struct deploy_error err = {.code = DEPLOY_OK};
	struct world *world = five();

	(void)state;
	assert_int_equal(0, deploy_site_plan(world->plan, world->nodes, ranks, 6, NULL, NULL,
				    &world->options, &err));
	world_run(world);
	expect(world, DEPLOY_RUN_COMPLETE, FIRST "rank 2 1\nrank 4 3\nrank 5 1\nenable 5\n", ALL,
		"");
}

/* All were done, and the process died before it enabled them. */
static void what_is_left_may_be_to_enable(void **state)
{
	struct world *world = five();

	(void)state;
	world->end.was_disabling = true;
	for (size_t i = 0; i < 4; i++) {
		world->agents[i].is_disabled = true;
		world->agents[i].disable_message = i == 3 ? "by ops" : MESSAGE;
	}
	world_run(world);
	expect(world, DEPLOY_RUN_COMPLETE,
		"enable 5\n  dev4 failed: disabled by somebody else: by ops\n", "",
		"dev4 (by ops)");
}

static void a_question_needs_somebody_behind_the_first_rank(void **state)
{
	static const uint32_t ranks[] = {0, 0, 0, 0, 0};
	struct deploy_error err = {.code = DEPLOY_OK};
	struct world *world = five();

	(void)state;
	world->options.pause = "go on?";
	assert_int_equal(0, deploy_site_plan(world->plan, world->nodes, ranks, 2, NULL, NULL,
				    &world->options, &err));
	assert_int_equal(3, world->plan->task_count);
	assert_int_equal(0, plan_five(world));
	/* check, disable, rank 1, pause, rank 2, rank 3 */
	assert_int_equal(3 + 6, world->plan->task_count);
	assert_int_equal(DEPLOY_CHORE_CONFIRM, world->plan->tasks[3 + 3]->chore);
	world_free(world);
}

static void a_node_that_is_ready_waits_for_no_rank(void **state)
{
	struct world *world = five();

	(void)state;
	world->options.ready = true;
	world->agents[2].length_us = 300 * SECOND;
	run_five(world);
	assert_true(world->ended_us[4] < world->ended_us[2]);
	assert_true(world->ended_us[1] < world->agents[4].last.begin_us);
	expect(world, DEPLOY_RUN_COMPLETE, FIRST "run 5\nenable 5\n", ALL, "");
}

static void nothing_is_changed_if_a_node_is_not_as_it_must_be(void **state)
{
	struct world *world = five();

	(void)state;
	world->agents[1].is_disabled = world->agents[3].is_disabled = true;
	world->agents[1].disable_message = "by ops";
	world->agents[3].disable_message = MESSAGE;
	run_five(world);
	expect(world, DEPLOY_RUN_STOPPED,
		"check 5\n  dev2 failed: disabled by somebody else: by ops\n" ONE_OF(5), "",
		"dev2 (by ops), dev4 (ours)");
	/* Who does not answer cannot be said to be enabled. */
	world = five();
	world->is_mute[4] = true;
	run_five(world);
	expect(world, DEPLOY_RUN_STOPPED, "check 5\n  dev5 silent: no reply in time\n" ONE_OF(5),
		"", "");
	world = five();
	world->is_broken[2] = true;
	run_five(world);
	expect(world, DEPLOY_RUN_STOPPED, "check 5\n  dev3 failed: status: broken\n" ONE_OF(5), "",
		"");
	world = five();
	world->agents[0].status_text = "{\"enabled\":true}";
	run_five(world);
	expect(world, DEPLOY_RUN_STOPPED,
		"check 5\n  dev1 failed: status: the answer lacks applying\n" ONE_OF(5), "", "");
}

/* A run that was resumed finds its own message on some nodes. */
static void nodes_with_our_message_are_ours(void **state)
{
	struct world *world = five();

	(void)state;
	for (size_t i = 1; i < 4; i++) {
		world->agents[i].is_disabled = true;
		world->agents[i].disable_message = MESSAGE;
	}
	run_five(world);
	expect(world, DEPLOY_RUN_COMPLETE, IN_RANKS, ALL, "");
}

static void a_node_that_fails_stops_the_ranks_behind_it(void **state)
{
	static const char trace[] =
		FIRST "rank 1 1\n  dev1 failed: 2 of 120 resources failed\n" ONE_OF(1);
	char enabled[300];
	struct world *world = five();

	(void)state;
	(void)snprintf(enabled, sizeof(enabled), "%senable 5\n", trace);
	world->agents[0].kind = FAILING;
	run_five(world);
	expect(world, DEPLOY_RUN_STOPPED, enabled, "dev1", "");
	/* All stay as they are, for somebody to look at them. */
	world = five();
	world->agents[0].kind = FAILING;
	world->options.keeps_disabled = true;
	run_five(world);
	expect(world, DEPLOY_RUN_STOPPED, trace, "dev1",
		"dev1 (ours), dev2 (ours), dev3 (ours), dev4 (ours), dev5 (ours)");
	/* … but only then. */
	world = five();
	world->options.keeps_disabled = true;
	run_five(world);
	expect(world, DEPLOY_RUN_COMPLETE, IN_RANKS, ALL, "");
}

/* They are neither disabled nor enabled before. */
static void who_runs_when_another_fails_is_followed_to_its_end(void **state)
{
	struct world *world = five();

	(void)state;
	world->agents[1].kind = FAILING;
	world->agents[2].length_us = 40 * SECOND;
	world->agents[3].length_us = 70 * SECOND;
	run_five(world);
	assert_true(world->agents[3].did_ours_end);
	assert_true(world->ended_us[3] - world->ended_us[1] > 50 * SECOND);
	expect(world, DEPLOY_RUN_STOPPED,
		FIRST "rank 1 1\nrank 2 3\n  dev2 failed: 2 of 120 resources failed\n" ONE_OF(
			3) "enable 5\n",
		"dev1 dev2 dev3 dev4", "");
}

static void who_waits_for_a_failed_one_is_skipped(void **state)
{
	struct world *world = five();

	(void)state;
	world->options.ready = true;
	world->options.policy.has_max_fail = true;
	world->options.policy.max_fail.value = 1;
	world->agents[1].kind = FAILING;
	run_five(world);
	expect(world, DEPLOY_RUN_COMPLETE,
		FIRST "run 5\n  dev2 failed: 2 of 120 resources failed\n"
		      "  dev5 skipped: waits for dev2, which failed\nenable 5\n",
		"dev1 dev2 dev3 dev4", "");
	/* Not tolerated: what was not begun is cancelled. */
	world = five();
	world->options.ready = true;
	world->agents[1].kind = FAILING;
	world->agents[1].length_us = SECOND;
	run_five(world);
	expect(world, DEPLOY_RUN_STOPPED,
		FIRST "run 5\n  dev2 failed: 2 of 120 resources failed\n" ONE_OF(
			5) "  dev5 cancelled: not asked: the task stopped\nenable 5\n",
		"dev1 dev2 dev3 dev4", "");
}

static void a_run_that_goes_on_ends_before_all_are_disabled(void **state)
{
	const struct run foreign = {CLEAN, 0, 40 * SECOND, 0, 1};
	struct world *world = five();

	(void)state;
	world->agents[3].foreign[0] = foreign;
	world->agents[3].foreign_count = 1;
	run_five(world);
	assert_true(world->agents[0].last.begin_us > 40 * SECOND);
	expect(world, DEPLOY_RUN_COMPLETE, IN_RANKS, ALL, "");
	world = five();
	world->options.run.idle_ms = 20000;
	world->agents[3].foreign[0] = foreign;
	world->agents[3].foreign_count = 1;
	run_five(world);
	expect(world, DEPLOY_RUN_STOPPED,
		FIRST "  dev4 failed: it still applies a catalog after 20 s; not disabled\n" ONE_OF(
			5) "enable 5\n",
		"", "");
}

/* An agent that says that it applies a catalog, and is disabled, and cannot be enabled. */
static void who_still_applies_a_catalog_in_the_end_is_left_to_the_user(void **state)
{
	struct world *world = five();

	(void)state;
	world->agents[0].status_text =
		"{\"enabled\":false,\"applying\":true,\"daemon_present\":false,\"lastrun\":0,"
		"\"disable_message\":\"" MESSAGE "\"}";
	run_five(world);
	expect(world, DEPLOY_RUN_STOPPED,
		FIRST "rank 1 1\n  dev1 failed: enable: the node refused it\n" ONE_OF(
			1) "enable 5\n  dev1 failed: it applies a catalog, so it is not enabled; "
			   "later: deployctl puppet enable dev1 -m '" MESSAGE "'\n",
		"", "");
}

/*
 * The nodes' own runs, twice a minute, by clocks that are minutes apart: none is taken for ours,
 * and ours keep their order.
 */
static void scheduled_runs_stay_out(void **state)
{
	struct world *world = five();

	(void)state;
	for (size_t i = 0; i < 5; i++) {
		world->agents[i].skew_s = (long long)i * 150 - 300;
		world->agents[i].foreign_count = MAX_FOREIGN;
		for (size_t j = 0; j < MAX_FOREIGN; j++) {
			int64_t begin_us = (int64_t)(j * 30 + i * 7) * SECOND;

			world->agents[i].foreign[j] =
				(struct run){FAILING, begin_us, begin_us + 5 * SECOND, 0, 1};
		}
	}
	run_five(world);
	for (size_t i = 0; i < 5; i++)
		assert_true(world->agents[i].did_ours_end && world->agents[i].ours.kind == CLEAN);
	assert_true(world->agents[0].ours.end_us < world->agents[1].ours.begin_us);
	expect(world, DEPLOY_RUN_COMPLETE, IN_RANKS, ALL, "");
}

static void interrupt_between(int64_t from_us, int64_t to_us, int64_t step_us)
{
	for (int64_t at_us = from_us; at_us < to_us; at_us += step_us) {
		struct world *world = five();

		world->options.ready = at_us % 2;
		world->signal_us = at_us;
		world->signals = 1;
		run_five(world);
		assert_int_equal(DEPLOY_RUN_INTERRUPTED, world->result.end);
		assert_string_equal("", who_is_disabled(world));
		world_free(world);
	}
}

static void an_interrupt_at_any_moment_leaves_nobody_disabled(void **state)
{
	struct world *world = five();
	int64_t first_us, last_us;

	(void)state;
	run_five(world);
	first_us = world->ended_us[0];
	last_us = world->ended_us[4];
	world_free(world);
	interrupt_between(1, last_us, 370003);
	/* Where much happens: at the begin, and when the first run has ended. */
	interrupt_between(1, 160000, 2501);
	interrupt_between(first_us - 80000, first_us + 120000, 2501);
}

static void an_interrupted_run_is_followed_for_as_long_as_that_may_take(void **state)
{
	struct world *world = five();

	(void)state;
	/* In the middle of the run of dev1, which ends in time; and of one that does not. */
	world->signal_us = 6 * SECOND;
	world->signals = 1;
	run_five(world);
	expect(world, DEPLOY_RUN_INTERRUPTED, FIRST "rank 1 1\n  stopped: interrupted\nenable 5\n",
		"dev1", "");
	world = five();
	world->agents[0].length_us = 60 * SECOND;
	world->signal_us = 6 * SECOND;
	world->signals = 1;
	run_five(world);
	expect(world, DEPLOY_RUN_INTERRUPTED,
		FIRST "rank 1 1\n  stopped: interrupted\n"
		      "  dev1 unknown: interrupted before it answered\nenable 5\n",
		"dev1", "");
	/* The second signal is the last word: only then nodes stay disabled. */
	world = five();
	world->signal_us = 6 * SECOND;
	world->signals = 2;
	run_five(world);
	expect(world, DEPLOY_RUN_INTERRUPTED,
		FIRST "rank 1 1\n  stopped: interrupted\n"
		      "  dev1 unknown: interrupted before it answered\n",
		"dev1", "dev2 (ours), dev3 (ours), dev4 (ours), dev5 (ours)");
}

/* Fifty nodes that run at the same time are looked at with one message, each time. */
static void all_that_wait_share_each_poll(void **state)
{
	uint32_t ranks[50] = {0}, start[51] = {0}, after[1] = {0};
	struct deploy_error err = {.code = DEPLOY_OK};
	size_t polls[2];

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct world *world = world_new("web[01-50]");

		world->options.ready = true;
		for (size_t j = 0; j < 50; j++)
			world->agents[j].length_us = (i ? 200 : 100) * SECOND;
		assert_int_equal(0, deploy_site_plan(world->plan, world->nodes, ranks, 1, start,
					    after, &world->options, &err));
		world_run(world);
		assert_int_equal(DEPLOY_RUN_COMPLETE, world->result.end);
		polls[i] = world->polls;
		world_free(world);
	}
	/* In 100 s more, one each 2 s. */
	assert_int_equal(50, polls[1] - polls[0]);
}

static void what_cannot_be_done_is_refused_before_anything_is(void **state)
{
	struct world *world = five();

	(void)state;
	world->options.ready = true;
	world->options.policy.batch_count = 1;
	assert_int_equal(DEPLOY_USAGE, plan_five(world));
	world->options.policy.batch_count = 0;
	world->options.run.message = NULL;
	assert_int_equal(DEPLOY_USAGE, plan_five(world));
	world->options.run.message = "a;b";
	assert_int_equal(DEPLOY_INPUT, plan_five(world));
	assert_int_equal(0, world->plan->task_count);
	world_free(world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_rank_waits_for_the_one_before),
		cmocka_unit_test(a_rank_without_nodes_is_left_out),
		cmocka_unit_test(what_is_left_may_be_to_enable),
		cmocka_unit_test(a_question_needs_somebody_behind_the_first_rank),
		cmocka_unit_test(a_node_that_is_ready_waits_for_no_rank),
		cmocka_unit_test(nothing_is_changed_if_a_node_is_not_as_it_must_be),
		cmocka_unit_test(nodes_with_our_message_are_ours),
		cmocka_unit_test(a_node_that_fails_stops_the_ranks_behind_it),
		cmocka_unit_test(who_runs_when_another_fails_is_followed_to_its_end),
		cmocka_unit_test(who_waits_for_a_failed_one_is_skipped),
		cmocka_unit_test(a_run_that_goes_on_ends_before_all_are_disabled),
		cmocka_unit_test(who_still_applies_a_catalog_in_the_end_is_left_to_the_user),
		cmocka_unit_test(scheduled_runs_stay_out),
		cmocka_unit_test(an_interrupt_at_any_moment_leaves_nobody_disabled),
		cmocka_unit_test(an_interrupted_run_is_followed_for_as_long_as_that_may_take),
		cmocka_unit_test(all_that_wait_share_each_poll),
		cmocka_unit_test(what_cannot_be_done_is_refused_before_anything_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
