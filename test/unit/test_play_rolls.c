/* Rolls and lanes. */
#include "play_bench.h"

static void a_roll_goes_through_its_steps_for_each_group(void **state)
{
	(void)state;
	play((struct play_world){.shows_frozen = true},
		"steps:\n"
		"  - id: up\n"
		"    roll: {over: {nodes: 'web[1-5]'}, batch: [1, 40%]}\n"
		"    steps:\n"
		"      - {id: a, rpc: a.b, nodes: group}\n"
		"      - {id: b, rpc: a.c, nodes: {nodes: lb1}, with: {g: '${group}'}}\n"
		"    always: [{id: c, rpc: a.d, nodes: group}]\n"
		"  - {id: last, rpc: a.b, nodes: {nodes: '${steps.a.ok}'}}\n",
		"fix over@up web[1-5]\n"
		"fix roll@up web[1-5]\n"
		"fix group@up#1 web1\n"
		"group up web1\n"
		"a#1 web1\n"
		"fix nodes@b#1 lb1\n"
		"b#1 lb1 {\"g\": [\"web1\"]}\n"
		"c#1 web1\n"
		"fix group@up#2 web[2-3]\n"
		"group up web[2-3]\n"
		"a#2 web[2-3]\n"
		"fix nodes@b#2 lb1\n"
		"b#2 lb1 {\"g\": [\"web2\", \"web3\"]}\n"
		"c#2 web[2-3]\n"
		"fix group@up#3 web[4-5]\n"
		"group up web[4-5]\n"
		"a#3 web[4-5]\n"
		"fix nodes@b#3 lb1\n"
		"b#3 lb1 {\"g\": [\"web4\", \"web5\"]}\n"
		"c#3 web[4-5]\n"
		"fix nodes@last web[1-5]\n"
		"last web[1-5]\n"
		"end ok\n");
}

static void the_first_groups_may_grow_and_rest_between(void **state)
{
	(void)state;
	play((struct play_world){0},
		"steps:\n"
		"  - id: up\n"
		"    roll: {over: {nodes: 'web[1-4]'}, batch: [1, 2], batch_sleep: 5s}\n"
		"    steps:\n"
		"      - {id: a, rpc: a.b, nodes: group}\n",
		"group up web1\n"
		"a#1 web1\n"
		"rest 5000 ms\n"
		"group up web[2-3]\n"
		"a#2 web[2-3]\n"
		"rest 5000 ms\n"
		"group up web4\n"
		"a#3 web4\n"
		"end ok\n");
}

static void min_in_service_caps_groups(void **state)
{
	(void)state;
	play((struct play_world){0},
		"steps:\n"
		"  - id: up\n"
		"    roll: {over: {nodes: 'web[1-5]'}, batch: [1, 2, 2], min_in_service: 60%}\n"
		"    steps:\n"
		"      - {id: a, rpc: a.b, nodes: group}\n",
		"group up web1\n"
		"a#1 web1\n"
		"group up web[2-3]\n"
		"a#2 web[2-3]\n"
		"group up web[4-5]\n"
		"a#3 web[4-5]\n"
		"end ok\n");
	play((struct play_world){.fleet = "-C web=web[1-3]"},
		"sets: {web: {class: web}}\n"
		"steps:\n"
		"  - id: up\n"
		"    roll: {over: web, batch: 4, min_in_service: 2}\n"
		"    steps:\n"
		"      - {id: a, rpc: a.b, nodes: group}\n",
		"find -C web\n"
		"set web web[1-3]\n"
		"group up web1\n"
		"a#1 web1\n"
		"group up web2\n"
		"a#2 web2\n"
		"group up web3\n"
		"a#3 web3\n"
		"end ok\n");
}

static void who_is_lost_is_out_of_service(void **state)
{
	static const char text[] =
		"steps:\n"
		"  - id: up\n"
		"    roll: {over: {nodes: 'web[1-6]'}, batch: 2, min_in_service: 3, max_fail: 6}\n"
		"    steps:\n"
		"      - {id: a, rpc: a.b, nodes: group, max_fail: 2, timeout: 1s}\n";

	(void)state;
	play((struct play_world){.script = "a#1 web1 -"}, text,
		"group up web[1-2]\n"
		"a#1 web[1-2]\n"
		"  web1 silent\n"
		"group up web[3-4]\n"
		"a#2 web[3-4]\n"
		"group up web[5-6]\n"
		"a#3 web[5-6]\n"
		"end ok\n");
	play((struct play_world){.script = "a#1 web1 -;a#1 web2 1"}, text,
		"group up web[1-2]\n"
		"a#1 web[1-2]\n"
		"  web2 failed\n"
		"  web1 silent\n"
		"group up web3\n"
		"a#2 web3\n"
		"group up web4\n"
		"a#3 web4\n"
		"group up web5\n"
		"a#4 web5\n"
		"group up web6\n"
		"a#5 web6\n"
		"end ok\n");
	play((struct play_world){.script = "a#1 web1 -;a#1 web2 1;a#2 web3 1"}, text,
		"group up web[1-2]\n"
		"a#1 web[1-2]\n"
		"  web2 failed\n"
		"  web1 silent\n"
		"group up web3\n"
		"a#2 web3\n"
		"  web3 failed\n"
		"end failed stopped: up: no node can be taken out of service: 3 of 6 must stay "
		"(min_in_service 3), and 3 are out already\n");
}

/* The balancer has let go of the group, and did not take it back. */
static void a_group_that_broke_off_is_out_of_service(void **state)
{
	(void)state;
	play((struct play_world){.script = "on#1 lb1 1"},
		"steps:\n"
		"  - id: up\n"
		"    roll: {over: {nodes: 'web[1-4]'}, batch: 1, min_in_service: 3, max_fail: 4}\n"
		"    steps:\n"
		"      - {id: off, rpc: a.b, nodes: {nodes: lb1}}\n"
		"      - {id: on, rpc: a.c, nodes: {nodes: lb1}}\n",
		"group up web1\n"
		"off#1 lb1\n"
		"on#1 lb1\n"
		"  lb1 failed\n"
		"on#1 stopped 1 of 1 nodes not ok, more than the 0 that max-fail 0 tolerates\n"
		"on#1 not ok\n"
		"failed on#1\n"
		"end failed stopped: up: no node can be taken out of service: 3 of 4 must stay "
		"(min_in_service 3), and 1 are out already\n");
}

static void a_group_that_was_put_back_is_in_service(void **state)
{
	static const char text[] =
		"steps:\n"
		"  - id: up\n"
		"    roll: {over: {nodes: 'web[1-4]'}, batch: 1, min_in_service: 3, max_fail: 4}\n"
		"    steps:\n"
		"      - {id: off, rpc: a.b, nodes: {nodes: lb1}}\n"
		"      - {id: on, rpc: a.c, nodes: {nodes: lb1}}\n"
		"    always: [{id: back, rpc: a.d, nodes: {nodes: lb1}}]\n";

	(void)state;
	play((struct play_world){.script = "on#1 lb1 1"}, text,
		"group up web1\n"
		"off#1 lb1\n"
		"on#1 lb1\n"
		"  lb1 failed\n"
		"on#1 stopped 1 of 1 nodes not ok, more than the 0 that max-fail 0 tolerates\n"
		"on#1 not ok\n"
		"failed on#1\n"
		"back#1 lb1\n"
		"group up web2\n"
		"off#2 lb1\n"
		"on#2 lb1\n"
		"back#2 lb1\n"
		"group up web3\n"
		"off#3 lb1\n"
		"on#3 lb1\n"
		"back#3 lb1\n"
		"group up web4\n"
		"off#4 lb1\n"
		"on#4 lb1\n"
		"back#4 lb1\n"
		"end ok\n");
	play((struct play_world){.script = "on#1 lb1 1;back#1 lb1 1"}, text,
		"group up web1\n"
		"off#1 lb1\n"
		"on#1 lb1\n"
		"  lb1 failed\n"
		"on#1 stopped 1 of 1 nodes not ok, more than the 0 that max-fail 0 tolerates\n"
		"on#1 not ok\n"
		"failed on#1\n"
		"back#1 lb1\n"
		"  lb1 failed\n"
		"back#1 stopped 1 of 1 nodes not ok, more than the 0 that max-fail 0 tolerates\n"
		"back#1 not ok\n"
		"failed back#1\n"
		"end failed stopped: up: no node can be taken out of service: 3 of 4 must stay "
		"(min_in_service 3), and 1 are out already\n");
}

static void a_roll_refuses_to_take_out_the_last_one(void **state)
{
	(void)state;
	play((struct play_world){.fleet = "-C web=web1"},
		"sets: {web: {class: web}}\n"
		"steps:\n"
		"  - id: up\n"
		"    roll: {over: web, batch: 1, min_in_service: 1}\n"
		"    steps:\n"
		"      - {id: a, rpc: a.b, nodes: group}\n",
		"find -C web\n"
		"set web web1\n"
		"end failed refused: up: no node can be taken out of service: 1 of 1 must stay "
		"(min_in_service 1), and 0 are out already\n");
}

static void max_fail_counts_over_all_groups(void **state)
{
	static const char text[] = "steps:\n"
				   "  - id: up\n"
				   "    roll: {over: {nodes: 'web[1-4]'}, batch: 1, max_fail: 1}\n"
				   "    steps:\n"
				   "      - {id: a, rpc: a.b, nodes: group}\n"
				   "      - {id: b, rpc: a.c, nodes: group}\n"
				   "  - {id: c, rpc: a.b, nodes: {nodes: lb1}}\n";

	(void)state;
	play((struct play_world){.script = "a#1 * 1"}, text,
		"group up web1\n"
		"a#1 web1\n"
		"  web1 failed\n"
		"a#1 stopped 1 of 1 nodes not ok, more than the 0 that max-fail 0 tolerates\n"
		"a#1 not ok\n"
		"failed a#1\n"
		"group up web2\n"
		"a#2 web2\n"
		"b#2 web2\n"
		"group up web3\n"
		"a#3 web3\n"
		"b#3 web3\n"
		"group up web4\n"
		"a#4 web4\n"
		"b#4 web4\n"
		"c lb1\n"
		"end ok\n");
	play((struct play_world){.script = "a#1 * 1;b#3 * 1"}, text,
		"group up web1\n"
		"a#1 web1\n"
		"  web1 failed\n"
		"a#1 stopped 1 of 1 nodes not ok, more than the 0 that max-fail 0 tolerates\n"
		"a#1 not ok\n"
		"failed a#1\n"
		"group up web2\n"
		"a#2 web2\n"
		"b#2 web2\n"
		"group up web3\n"
		"a#3 web3\n"
		"b#3 web3\n"
		"  web3 failed\n"
		"b#3 stopped 1 of 1 nodes not ok, more than the 0 that max-fail 0 tolerates\n"
		"b#3 not ok\n"
		"failed b#3\n"
		"end failed stopped: up: stopped after group 3: 2 of 4 nodes failed, 1 are "
		"tolerated: web[1,3]\n");
}

static void max_fail_counts_whom_a_group_did_not_come_to(void **state)
{
	(void)state;
	play((struct play_world){.script = "a#1 web1 1"},
		"steps:\n"
		"  - id: up\n"
		"    roll: {over: {nodes: 'web[1-6]'}, batch: 3, max_fail: 1}\n"
		"    steps: [{id: a, rpc: a.b, nodes: group, batch: 1}]\n",
		"group up web[1-3]\n"
		"a#1 web1\n"
		"  web1 failed\n"
		"a#1 stopped 1 of 3 nodes not ok, more than the 0 that max-fail 0 tolerates\n"
		"  web2 cancelled\n"
		"  web3 cancelled\n"
		"a#1 not ok\n"
		"failed a#1\n"
		"end failed stopped: up: stopped after group 1: 3 of 6 nodes failed, 1 are "
		"tolerated: web[1-3]\n");
}

static void a_failure_in_a_group_stops_the_roll_after_its_always(void **state)
{
	(void)state;
	play((struct play_world){.script = "a#2 web2 1"},
		"steps:\n"
		"  - id: up\n"
		"    roll: {over: {nodes: 'web[1-4]'}, batch: 1}\n"
		"    steps:\n"
		"      - {id: a, rpc: a.b, nodes: group}\n"
		"      - {id: b, rpc: a.c, nodes: group}\n"
		"    always: [{id: c, rpc: a.d, nodes: group}]\n"
		"  - {id: d, rpc: a.b, nodes: {nodes: lb1}}\n"
		"on_failure: [{id: e, rpc: a.e, nodes: {nodes: lb1}}]\n"
		"always: [{id: f, rpc: a.f, nodes: {nodes: lb1}}]\n",
		"group up web1\n"
		"a#1 web1\n"
		"b#1 web1\n"
		"c#1 web1\n"
		"group up web2\n"
		"a#2 web2\n"
		"  web2 failed\n"
		"a#2 stopped 1 of 1 nodes not ok, more than the 0 that max-fail 0 tolerates\n"
		"a#2 not ok\n"
		"c#2 web2\n"
		"e lb1\n"
		"f lb1\n"
		"end stopped\n");
}

static void a_roll_that_goes_on_leaves_the_other_groups(void **state)
{
	(void)state;
	play((struct play_world){.script = "a#1 web1 1"},
		"steps:\n"
		"  - id: up\n"
		"    roll: {over: {nodes: 'web[1-2]'}, batch: 1}\n"
		"    on_failure: continue\n"
		"    steps:\n"
		"      - {id: a, rpc: a.b, nodes: group}\n"
		"  - {id: d, rpc: a.b, nodes: {nodes: lb1}}\n",
		"group up web1\n"
		"a#1 web1\n"
		"  web1 failed\n"
		"a#1 stopped 1 of 1 nodes not ok, more than the 0 that max-fail 0 tolerates\n"
		"a#1 not ok\n"
		"failed a#1\n"
		"failed up: up: stopped after group 1: 1 of 2 nodes failed, 0 are tolerated: web1\n"
		"d lb1\n"
		"end ok\n");
}

static void a_roll_keeps_its_deadline(void **state)
{
	(void)state;
	play((struct play_world){.script = "a#2 * -"},
		"steps:\n"
		"  - id: up\n"
		"    roll: {over: {nodes: 'web[1-3]'}, batch: 1}\n"
		"    deadline: 10s\n"
		"    steps:\n"
		"      - {id: a, rpc: a.b, nodes: group, timeout: 20s, max_fail: 1}\n",
		"group up web1\n"
		"a#1 web1\n"
		"group up web2\n"
		"a#2 web2\n"
		"  web2 silent\n"
		"end failed stopped: up: its deadline passed after group 2, 1 nodes are left\n");
}

static void dropped_nodes_are_in_no_later_group(void **state)
{
	(void)state;
	play((struct play_world){.script = "z web2 1;y#1 web3 1"},
		"steps:\n"
		"  - {id: z, rpc: a.b, nodes: {nodes: 'web[1-4]'}, max_fail: 1, on_failure: "
		"drop_nodes}\n"
		"  - id: up\n"
		"    roll: {over: {nodes: 'web[1-4]'}, batch: 1}\n"
		"    steps:\n"
		"      - {id: y, rpc: a.b, nodes: {nodes: 'web[1-4]'}, max_fail: 1, on_failure: "
		"drop_nodes}\n"
		"      - {id: a, rpc: a.c, nodes: group}\n",
		"z web[1-4]\n"
		"  web2 failed\n"
		"group up web1\n"
		"y#1 web[1,3-4]\n"
		"  web3 failed\n"
		"a#1 web1\n"
		"group up web4\n"
		"y#2 web[1,4]\n"
		"a#2 web4\n"
		"end ok\n");
}

static void lanes_and_rolls_may_be_in_each_other(void **state)
{
	(void)state;
	play((struct play_world){0},
		"steps:\n"
		"  - id: up\n"
		"    roll: {over: {nodes: 'web[1-2]'}, batch: 1}\n"
		"    steps:\n"
		"      - parallel:\n"
		"          - steps: [{id: a, rpc: a.b, nodes: group}, {id: b, rpc: a.c, nodes: "
		"group}]\n"
		"          - steps: [{id: c, rpc: a.d, nodes: group}]\n"
		"      - {id: d, rpc: a.e, nodes: group}\n",
		"group up web1\n"
		"a#1 web1\n"
		"c#1 web1\n"
		"b#1 web1\n"
		"d#1 web1\n"
		"group up web2\n"
		"a#2 web2\n"
		"c#2 web2\n"
		"b#2 web2\n"
		"d#2 web2\n"
		"end ok\n");
	play((struct play_world){0},
		"steps:\n"
		"  - parallel:\n"
		"      - steps:\n"
		"          - id: up\n"
		"            roll: {over: {nodes: 'web[1-2]'}, batch: 1}\n"
		"            steps:\n"
		"              - {id: a, rpc: a.b, nodes: group}\n"
		"      - steps: [{id: c, rpc: a.d, nodes: {nodes: db1}}]\n"
		"  - {id: d, rpc: a.e, nodes: {nodes: db1}}\n",
		"group up web1\n"
		"c db1\n"
		"a#1 web1\n"
		"group up web2\n"
		"a#2 web2\n"
		"d db1\n"
		"end ok\n");
}

static void a_failure_in_a_lane_stops_the_others(void **state)
{
	(void)state;
	play((struct play_world){.script = "a * 1;c * -"},
		"steps:\n"
		"  - id: both\n"
		"    parallel:\n"
		"      - steps:\n"
		"          - {id: a, rpc: a.b, nodes: {nodes: db1}}\n"
		"          - {id: b, rpc: a.c, nodes: {nodes: db1}}\n"
		"      - steps:\n"
		"          - {id: c, rpc: a.d, nodes: {nodes: web1}}\n"
		"          - {id: d, rpc: a.e, nodes: {nodes: web1}}\n"
		"  - {id: e, rpc: a.f, nodes: {nodes: web1}}\n",
		"a db1\n"
		"c web1\n"
		"  db1 failed\n"
		"a stopped 1 of 1 nodes not ok, more than the 0 that max-fail 0 tolerates\n"
		"  web1 cancelled\n"
		"a not ok\n"
		"c not ok\n"
		"end stopped\n");
	play((struct play_world){.script = "a * 1"},
		"steps:\n"
		"  - id: both\n"
		"    on_failure: continue\n"
		"    parallel:\n"
		"      - steps:\n"
		"          - {id: a, rpc: a.b, nodes: {nodes: db1}}\n"
		"          - {id: b, rpc: a.c, nodes: {nodes: db1}}\n"
		"      - steps:\n"
		"          - {id: c, rpc: a.d, nodes: {nodes: web1}}\n"
		"          - {id: d, rpc: a.e, nodes: {nodes: web1}}\n"
		"  - {id: e, rpc: a.f, nodes: {nodes: web1}}\n",
		"a db1\n"
		"c web1\n"
		"  db1 failed\n"
		"a stopped 1 of 1 nodes not ok, more than the 0 that max-fail 0 tolerates\n"
		"a not ok\n"
		"failed a\n"
		"d web1\n"
		"failed both\n"
		"e web1\n"
		"end ok\n");
}

static void a_mistake_in_a_lane_stops_the_others(void **state)
{
	(void)state;
	play((struct play_world){.fleet = "-C web=web[1-4]"},
		"sets: {web: {class: web}}\n"
		"steps:\n"
		"  - parallel:\n"
		"      - steps:\n"
		"          - {id: a, rpc: a.b, nodes: web, batch: 1}\n"
		"          - {id: b, rpc: a.c, nodes: web}\n"
		"      - steps:\n"
		"          - {id: c, rpc: a.d, nodes: web, with: {x: '${sets.web[9] .. 1}'}}\n"
		"always: [{id: f, rpc: a.f, nodes: {nodes: lb1}}]\n",
		"find -C web\n"
		"set web web[1-4]\n"
		"f lb1\n"
		"end failed input: test/data/plays/t: c.with.x:1:15: attempt to concatenate a nil "
		"value (field 'integer index')\n");
}

#define TEST(name) cmocka_unit_test(name)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_roll_goes_through_its_steps_for_each_group),
		TEST(the_first_groups_may_grow_and_rest_between),
		TEST(min_in_service_caps_groups),
		TEST(who_is_lost_is_out_of_service),
		TEST(a_group_that_broke_off_is_out_of_service),
		TEST(a_group_that_was_put_back_is_in_service),
		TEST(a_roll_refuses_to_take_out_the_last_one),
		TEST(max_fail_counts_over_all_groups),
		TEST(max_fail_counts_whom_a_group_did_not_come_to),
		TEST(a_failure_in_a_group_stops_the_roll_after_its_always),
		TEST(a_roll_that_goes_on_leaves_the_other_groups),
		TEST(a_roll_keeps_its_deadline),
		TEST(dropped_nodes_are_in_no_later_group),
		TEST(lanes_and_rolls_may_be_in_each_other),
		TEST(a_failure_in_a_lane_stops_the_others),
		TEST(a_mistake_in_a_lane_stops_the_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
