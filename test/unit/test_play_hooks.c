/* What follows the steps of a plan, of a group and of a plan in the plan; and what stops them. */
#include "play_bench.h"

#define HOOKS                                                                                      \
	"on_success: [{id: good, rpc: h.good, nodes: {nodes: lb1}}, {id: better, rpc: h.better, "  \
	"nodes: {nodes: lb1}}]\n"                                                                  \
	"on_failure: [{id: bad, rpc: h.bad, nodes: {nodes: lb1}}, {id: worse, rpc: h.worse, "      \
	"nodes: {nodes: lb1}}]\n"                                                                  \
	"always: [{id: all, rpc: h.all, nodes: {nodes: lb1}}, {id: more, rpc: h.more, nodes: "     \
	"{nodes: lb1}}]\n"

#define TWO                                                                                        \
	"steps:\n"                                                                                 \
	"  - {id: a, rpc: a.b, nodes: {nodes: web1}, timeout: 90s}\n"                              \
	"  - {id: b, rpc: a.c, nodes: {nodes: web1}}\n" HOOKS

#define ROLLED                                                                                     \
	"steps:\n"                                                                                 \
	"  - id: up\n"                                                                             \
	"    roll: {over: {nodes: 'web[1-3]'}, batch: 1}\n"                                        \
	"    steps:\n"                                                                             \
	"      - {id: a, rpc: a.b, nodes: group, timeout: 90s}\n"                                  \
	"      - {id: b, rpc: a.c, nodes: group}\n"                                                \
	"    always:\n"                                                                            \
	"      - {id: c, rpc: a.d, nodes: group}\n"                                                \
	"      - {id: d, rpc: a.e, nodes: group}\n" HOOKS

#define IN_GROUPS                                                                                  \
	"steps:\n"                                                                                 \
	"  - id: up\n"                                                                             \
	"    roll: {over: {nodes: 'web[1-2]'}, batch: 1}\n"                                        \
	"    steps:\n"                                                                             \
	"      - {id: sub, plan: inner.yaml, inputs: {names: '${group}', word: \"${'w' .. "        \
	"#group}\"}}\n"                                                                            \
	"    always:\n"                                                                            \
	"      - {id: c, rpc: a.d, nodes: group}\n"                                                \
	"  - {id: z, rpc: a.z, nodes: {nodes: web1}}\n"                                            \
	"on_failure: [{id: bad, rpc: h.bad, nodes: {nodes: lb1}}]\n"                               \
	"always: [{id: all, rpc: h.all, nodes: {nodes: lb1}}]\n"

static void hooks_follow_the_steps(void **state)
{
	(void)state;
	play((struct play_world){0}, TWO,
		"a web1\n"
		"b web1\n"
		"good lb1\n"
		"better lb1\n"
		"all lb1\n"
		"more lb1\n"
		"end ok\n");
	play((struct play_world){.script = "a * 1"}, TWO,
		"a web1\n"
		"  web1 failed\n"
		"a stopped 1 of 1 nodes not ok, more than the 0 that max-fail 0 tolerates\n"
		"a not ok\n"
		"bad lb1\n"
		"worse lb1\n"
		"all lb1\n"
		"more lb1\n"
		"end stopped\n");
}

static void a_hook_that_fails_is_not_the_end(void **state)
{
	(void)state;
	play((struct play_world){.script = "a * 1;bad * 1"}, TWO,
		"a web1\n"
		"  web1 failed\n"
		"a stopped 1 of 1 nodes not ok, more than the 0 that max-fail 0 tolerates\n"
		"a not ok\n"
		"bad lb1\n"
		"  lb1 failed\n"
		"bad stopped 1 of 1 nodes not ok, more than the 0 that max-fail 0 tolerates\n"
		"bad not ok\n"
		"all lb1\n"
		"more lb1\n"
		"end stopped\n");
	play((struct play_world){.script = "good * 1"}, TWO,
		"a web1\n"
		"b web1\n"
		"good lb1\n"
		"  lb1 failed\n"
		"good stopped 1 of 1 nodes not ok, more than the 0 that max-fail 0 tolerates\n"
		"good not ok\n"
		"all lb1\n"
		"more lb1\n"
		"end stopped\n");
	play((struct play_world){.script = "all * 1"}, TWO,
		"a web1\n"
		"b web1\n"
		"good lb1\n"
		"better lb1\n"
		"all lb1\n"
		"  lb1 failed\n"
		"all stopped 1 of 1 nodes not ok, more than the 0 that max-fail 0 tolerates\n"
		"all not ok\n"
		"end stopped\n");
}

static void a_mistake_has_hooks_too(void **state)
{
	(void)state;
	play((struct play_world){0},
		"steps:\n"
		"  - {id: a, rpc: a.b, nodes: {nodes: web1}}\n"
		"  - {set: {x: 'nil .. 1'}}\n" HOOKS,
		"a web1\n"
		"bad lb1\n"
		"worse lb1\n"
		"all lb1\n"
		"more lb1\n"
		"end failed input: test/data/plays/t: 2.x:1:5: attempt to concatenate a nil "
		"value\n");
	play((struct play_world){0},
		"steps: [{id: a, rpc: a.b, nodes: {nodes: web1}}]\n"
		"on_success: [{set: {x: 'nil .. 1'}}]\n"
		"always: [{set: {x: 'nil .. 2'}}, {id: all, rpc: h.all, nodes: {nodes: lb1}}]\n",
		"a web1\n"
		"end failed input: test/data/plays/t: on_success.1.x:1:5: attempt to concatenate a "
		"nil value\n");
	play((struct play_world){.script = "a * 1"},
		"steps: [{id: a, rpc: a.b, nodes: {nodes: web1}}]\n"
		"on_failure: [{set: {x: 'nil .. 1'}}]\n"
		"always: [{id: all, rpc: h.all, nodes: {nodes: lb1}}]\n",
		"a web1\n"
		"  web1 failed\n"
		"a stopped 1 of 1 nodes not ok, more than the 0 that max-fail 0 tolerates\n"
		"a not ok\n"
		"all lb1\n"
		"end stopped input: test/data/plays/t: on_failure.1.x:1:5: attempt to concatenate "
		"a nil value\n");
}

static void a_signal_leaves_only_what_is_done_always(void **state)
{
	(void)state;
	play((struct play_world){.signal_at = "a web1"}, TWO,
		"a web1\n"
		"signal\n"
		"a stopped interrupted\n"
		"  web1 cancelled\n"
		"a not ok\n"
		"all lb1\n"
		"more lb1\n"
		"end interrupted\n");
	play((struct play_world){.script = "a * -", .signal_after = 2}, TWO,
		"a web1\n"
		"signal\n"
		"a stopped interrupted\n"
		"  web1 unknown\n"
		"a not ok\n"
		"all lb1\n"
		"more lb1\n"
		"end interrupted\n");
	play((struct play_world){.signal_at = "b#2 web2"}, ROLLED,
		"group up web1\n"
		"a#1 web1\n"
		"b#1 web1\n"
		"c#1 web1\n"
		"d#1 web1\n"
		"group up web2\n"
		"a#2 web2\n"
		"b#2 web2\n"
		"signal\n"
		"b#2 stopped interrupted\n"
		"  web2 cancelled\n"
		"b#2 not ok\n"
		"c#2 web2\n"
		"d#2 web2\n"
		"all lb1\n"
		"more lb1\n"
		"end interrupted\n");
}

static void a_signal_cuts_the_other_hooks_short(void **state)
{
	(void)state;
	play((struct play_world){.script = "b * 1", .signal_at = "bad lb1"}, TWO,
		"a web1\n"
		"b web1\n"
		"  web1 failed\n"
		"b stopped 1 of 1 nodes not ok, more than the 0 that max-fail 0 tolerates\n"
		"b not ok\n"
		"bad lb1\n"
		"signal\n"
		"all lb1\n"
		"more lb1\n"
		"end stopped\n");
	play((struct play_world){.signal_at = "good lb1"}, TWO,
		"a web1\n"
		"b web1\n"
		"good lb1\n"
		"signal\n"
		"good stopped interrupted\n"
		"  lb1 cancelled\n"
		"good not ok\n"
		"all lb1\n"
		"more lb1\n"
		"end interrupted\n");
	play((struct play_world){.signal_at = "all lb1"}, TWO,
		"a web1\n"
		"b web1\n"
		"good lb1\n"
		"better lb1\n"
		"all lb1\n"
		"signal\n"
		"more lb1\n"
		"end interrupted\n");
}

static void a_signal_while_nodes_are_looked_for(void **state)
{
	(void)state;
	play((struct play_world){.fleet = "-C web=web[1-2]", .signal_at = "find -C web\n"},
		"sets: {web: {class: web}}\n"
		"steps:\n"
		"  - parallel:\n"
		"      - steps: [{id: a, rpc: a.b, nodes: web}]\n"
		"      - steps: [{id: b, rpc: a.b, nodes: web}]\n"
		"always: [{id: all, rpc: h.all, nodes: web}]\n",
		"find -C web\n"
		"signal\n"
		"find -C web\n"
		"set web web[1-2]\n"
		"all web[1-2]\n"
		"end interrupted\n");
}

static void cleanup_after_a_signal_has_60_s(void **state)
{
	(void)state;
	play((struct play_world){.script = "c#1 * -", .signal_at = "b#1 web1"},
		"steps:\n"
		"  - id: up\n"
		"    roll: {over: {nodes: 'web[1-3]'}, batch: 1}\n"
		"    steps:\n"
		"      - {id: a, rpc: a.b, nodes: group, timeout: 90s}\n"
		"      - {id: b, rpc: a.c, nodes: group}\n"
		"    always:\n"
		"      - {id: c, rpc: a.d, nodes: group, timeout: 100s}\n"
		"      - {id: d, rpc: a.e, nodes: group}\n" HOOKS,
		"group up web1\n"
		"a#1 web1\n"
		"b#1 web1\n"
		"signal\n"
		"b#1 stopped interrupted\n"
		"  web1 cancelled\n"
		"b#1 not ok\n"
		"c#1 web1\n"
		"  web1 unknown\n"
		"c#1 not ok\n"
		"end interrupted\n");
}

static void the_deadline_of_the_run_leaves_hooks(void **state)
{
	(void)state;
	play((struct play_world){.script = "a#2 * -", .deadline_ms = 20000}, ROLLED,
		"group up web1\n"
		"a#1 web1\n"
		"b#1 web1\n"
		"c#1 web1\n"
		"d#1 web1\n"
		"group up web2\n"
		"a#2 web2\n"
		"  web2 unknown\n"
		"a#2 not ok\n"
		"c#2 web2\n"
		"d#2 web2\n"
		"bad lb1\n"
		"worse lb1\n"
		"all lb1\n"
		"more lb1\n"
		"end deadline\n");
	play((struct play_world){.script = "good * -", .deadline_ms = 20000}, TWO,
		"a web1\n"
		"b web1\n"
		"good lb1\n"
		"  lb1 unknown\n"
		"good not ok\n"
		"all lb1\n"
		"more lb1\n"
		"end deadline\n");
}

static void always_of_a_group_runs_first(void **state)
{
	(void)state;
	play((struct play_world){.script = "b#2 * 1"}, ROLLED,
		"group up web1\n"
		"a#1 web1\n"
		"b#1 web1\n"
		"c#1 web1\n"
		"d#1 web1\n"
		"group up web2\n"
		"a#2 web2\n"
		"b#2 web2\n"
		"  web2 failed\n"
		"b#2 stopped 1 of 1 nodes not ok, more than the 0 that max-fail 0 tolerates\n"
		"b#2 not ok\n"
		"c#2 web2\n"
		"d#2 web2\n"
		"bad lb1\n"
		"worse lb1\n"
		"all lb1\n"
		"more lb1\n"
		"end stopped\n");
	play((struct play_world){.script = "b#2 * 1;c#2 * 1"}, ROLLED,
		"group up web1\n"
		"a#1 web1\n"
		"b#1 web1\n"
		"c#1 web1\n"
		"d#1 web1\n"
		"group up web2\n"
		"a#2 web2\n"
		"b#2 web2\n"
		"  web2 failed\n"
		"b#2 stopped 1 of 1 nodes not ok, more than the 0 that max-fail 0 tolerates\n"
		"b#2 not ok\n"
		"c#2 web2\n"
		"  web2 failed\n"
		"c#2 stopped 1 of 1 nodes not ok, more than the 0 that max-fail 0 tolerates\n"
		"c#2 not ok\n"
		"bad lb1\n"
		"worse lb1\n"
		"all lb1\n"
		"more lb1\n"
		"end stopped\n");
}

static void plans_may_be_in_a_plan(void **state)
{
	(void)state;
	play((struct play_world){0}, IN_GROUPS,
		"group up web1\n"
		"set sub#1/mine web1\n"
		"sub#1/first web1 {\"word\": \"w1\"}\n"
		"group sub#1/roll web1\n"
		"sub#1/each#1 web1\n"
		"sub#1/tidy#1 web1\n"
		"sub#1/good in1\n"
		"sub#1/all in1\n"
		"c#1 web1\n"
		"group up web2\n"
		"set sub#2/mine web2\n"
		"sub#2/first web2 {\"word\": \"w1\"}\n"
		"group sub#2/roll web2\n"
		"sub#2/each#1 web2\n"
		"sub#2/tidy#1 web2\n"
		"sub#2/good in1\n"
		"sub#2/all in1\n"
		"c#2 web2\n"
		"z web1\n"
		"all lb1\n"
		"end ok\n");
}

static void a_plan_in_a_plan_has_hooks_of_its_own(void **state)
{
	(void)state;
	play((struct play_world){.script = "sub#2/each#1 * 1"}, IN_GROUPS,
		"group up web1\n"
		"set sub#1/mine web1\n"
		"sub#1/first web1 {\"word\": \"w1\"}\n"
		"group sub#1/roll web1\n"
		"sub#1/each#1 web1\n"
		"sub#1/tidy#1 web1\n"
		"sub#1/good in1\n"
		"sub#1/all in1\n"
		"c#1 web1\n"
		"group up web2\n"
		"set sub#2/mine web2\n"
		"sub#2/first web2 {\"word\": \"w1\"}\n"
		"group sub#2/roll web2\n"
		"sub#2/each#1 web2\n"
		"  web2 failed\n"
		"sub#2/each#1 stopped 1 of 1 nodes not ok, more than the 0 that max-fail 0 "
		"tolerates\n"
		"sub#2/each#1 not ok\n"
		"sub#2/tidy#1 web2\n"
		"sub#2/bad in1\n"
		"sub#2/all in1\n"
		"c#2 web2\n"
		"bad lb1\n"
		"all lb1\n"
		"end stopped\n");
}

static void a_plan_in_a_plan_may_fail(void **state)
{
	(void)state;
	play((struct play_world){.script = "sub#1/first * 1"},
		"steps:\n"
		"  - id: up\n"
		"    roll: {over: {nodes: 'web[1-2]'}, batch: 1}\n"
		"    steps:\n"
		"      - {id: sub, plan: inner.yaml, inputs: {names: '${group}', word: w}, "
		"on_failure: continue}\n"
		"    always:\n"
		"      - {id: c, rpc: a.d, nodes: group}\n"
		"  - {id: z, rpc: a.z, nodes: {nodes: web1}}\n"
		"on_failure: [{id: bad, rpc: h.bad, nodes: {nodes: lb1}}]\n"
		"always: [{id: all, rpc: h.all, nodes: {nodes: lb1}}]\n",
		"group up web1\n"
		"set sub#1/mine web1\n"
		"sub#1/first web1 {\"word\": \"w\"}\n"
		"  web1 failed\n"
		"sub#1/first stopped 1 of 1 nodes not ok, more than the 0 that max-fail 0 "
		"tolerates\n"
		"sub#1/first not ok\n"
		"failed sub#1/first\n"
		"sub#1/bad in1\n"
		"sub#1/all in1\n"
		"failed sub#1\n"
		"c#1 web1\n"
		"group up web2\n"
		"set sub#2/mine web2\n"
		"sub#2/first web2 {\"word\": \"w\"}\n"
		"group sub#2/roll web2\n"
		"sub#2/each#1 web2\n"
		"sub#2/tidy#1 web2\n"
		"sub#2/good in1\n"
		"sub#2/all in1\n"
		"c#2 web2\n"
		"z web1\n"
		"all lb1\n"
		"end ok\n");
}

static void a_plan_in_a_plan_is_cleaned_up_by_others(void **state)
{
	static const char text[] =
		"steps:\n"
		"  - parallel:\n"
		"      - steps:\n"
		"          - {id: sub, plan: inner.yaml, inputs: {names: [web1]}}\n"
		"          - {id: y, rpc: a.y, nodes: {nodes: web1}}\n"
		"      - steps: [{id: slow, rpc: a.slow, nodes: {nodes: db1}, timeout: 90s}]\n";

	(void)state;
	play((struct play_world){.script = "slow * 1"}, text,
		"set sub/mine web1\n"
		"slow db1\n"
		"sub/first web1 {\"word\": \"none\"}\n"
		"  db1 failed\n"
		"slow stopped 1 of 1 nodes not ok, more than the 0 that max-fail 0 tolerates\n"
		"  web1 cancelled\n"
		"slow not ok\n"
		"sub/first not ok\n"
		"sub/bad in1\n"
		"sub/all in1\n"
		"end stopped\n");
	play((struct play_world){.script = "sub/good * -;slow * -", .signal_at = "sub/good in1"},
		text,
		"set sub/mine web1\n"
		"slow db1\n"
		"sub/first web1 {\"word\": \"none\"}\n"
		"group sub/roll web1\n"
		"sub/each#1 web1\n"
		"sub/tidy#1 web1\n"
		"sub/good in1\n"
		"signal\n"
		"slow stopped interrupted\n"
		"  in1 cancelled\n"
		"sub/good not ok\n"
		"  db1 unknown\n"
		"slow not ok\n"
		"sub/all in1\n"
		"end interrupted\n");
}

#define TEST(name) cmocka_unit_test(name)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(hooks_follow_the_steps),
		TEST(a_hook_that_fails_is_not_the_end),
		TEST(a_mistake_has_hooks_too),
		TEST(a_signal_leaves_only_what_is_done_always),
		TEST(a_signal_cuts_the_other_hooks_short),
		TEST(a_signal_while_nodes_are_looked_for),
		TEST(cleanup_after_a_signal_has_60_s),
		TEST(the_deadline_of_the_run_leaves_hooks),
		TEST(always_of_a_group_runs_first),
		TEST(plans_may_be_in_a_plan),
		TEST(a_plan_in_a_plan_has_hooks_of_its_own),
		TEST(a_plan_in_a_plan_may_fail),
		TEST(a_plan_in_a_plan_is_cleaned_up_by_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
