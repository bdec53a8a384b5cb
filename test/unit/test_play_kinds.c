/* Steps that ask no node, and what is checked before the first step. */
#include "play_bench.h"

#define FLEET "-C web=web[1-2];-C db=db[1-2];-C lb=lb1;"

static void a_wait_looks_in_rounds_until_it_is_true(void **state)
{
	static const char text[] = "steps:\n"
				   "  - {id: w, wait: \"up('db1', 5432) and reachable('web1')\", "
				   "every: 5s, deadline: 12s}\n"
				   "  - {id: a, rpc: a.b, nodes: {nodes: web1}}\n"
				   "always: [{id: all, rpc: h.all, nodes: {nodes: lb1}}]\n";

	(void)state;
	play((struct play_world){.fleet = "-I web1=web1", .awake_ms = 7000}, text,
		"look db1:5432\n"
		"rest 5000 ms\n"
		"look db1:5432\n"
		"rest 5000 ms\n"
		"look db1:5432\n"
		"find -I web1\n"
		"a web1\n"
		"all lb1\n"
		"end ok\n");
	play((struct play_world){.fleet = "-I web1=web1"}, text,
		"look db1:5432\n"
		"find -I web1\n"
		"a web1\n"
		"all lb1\n"
		"end ok\n");
}

static void a_wait_has_a_deadline(void **state)
{
	(void)state;
	play((struct play_world){.awake_ms = 1000000},
		"steps:\n"
		"  - {id: w, wait: \"up('db1', 5432) and reachable('web1')\", every: 5s, deadline: "
		"12s}\n"
		"  - {id: a, rpc: a.b, nodes: {nodes: web1}}\n"
		"always: [{id: all, rpc: h.all, nodes: {nodes: lb1}}]\n",
		"look db1:5432\n"
		"rest 5000 ms\n"
		"look db1:5432\n"
		"rest 5000 ms\n"
		"look db1:5432\n"
		"rest 2001 ms\n"
		"look db1:5432\n"
		"all lb1\n"
		"end failed stopped: w: not true in time: up('db1', 5432) and reachable('web1')\n");
}

static void a_wait_that_asks_for_nonsense_ends_the_play(void **state)
{
	(void)state;
	play((struct play_world){0}, "steps: [{wait: \"up('db1')\"}]\n",
		"end failed input: test/data/plays/t: 1.wait:1:1: up: up() wants a host and a "
		"port: up('db1', 5432)\n");
	play((struct play_world){0}, "steps: [{wait: \"reachable('a b')\"}]\n",
		"end failed input: test/data/plays/t: 1.wait:1:1: reachable: reachable() wants a "
		"node: reachable('web1')\n");
}

static void a_wait_may_need_nothing_but_time(void **state)
{
	(void)state;
	play((struct play_world){0},
		"steps:\n"
		"  - {id: a, rpc: a.b, nodes: {nodes: web1}}\n"
		"  - {id: w, wait: '#steps.a.ok == 1'}\n",
		"a web1\n"
		"end ok\n");
}

static void a_signal_ends_a_wait(void **state)
{
	(void)state;
	play((struct play_world){.awake_ms = 1000000, .signal_at = "rest"},
		"steps:\n"
		"  - {id: w, wait: \"up('db1', 5432) and reachable('web1')\", every: 5s, deadline: "
		"12s}\n"
		"  - {id: a, rpc: a.b, nodes: {nodes: web1}}\n"
		"always: [{id: all, rpc: h.all, nodes: {nodes: lb1}}]\n",
		"look db1:5432\n"
		"rest 5000 ms\n"
		"look db1:5432\n"
		"signal\n"
		"? stopped interrupted\n"
		"all lb1\n"
		"end interrupted\n");
}

static void a_question_is_asked(void **state)
{
	static const char text[] = "inputs: {n: {type: integer, default: 3}}\n"
				   "steps:\n"
				   "  - {id: sure, confirm: \"Do ${inputs.n}?\"}\n"
				   "  - {id: a, rpc: a.b, nodes: {nodes: web1}}\n"
				   "always: [{id: all, rpc: h.all, nodes: {nodes: lb1}}]\n";

	(void)state;
	play((struct play_world){0}, text,
		"sure asks Do 3?\n"
		"a web1\n"
		"all lb1\n"
		"end ok\n");
	play((struct play_world){.answer = "the answer was no"}, text,
		"sure asks Do 3?\n"
		"sure not ok: the answer was no\n"
		"all lb1\n"
		"end failed refused: sure: not confirmed: the answer was no\n");
	play((struct play_world){.answer = "nobody is there to be asked"}, text,
		"sure asks Do 3?\n"
		"sure not ok: nobody is there to be asked\n"
		"all lb1\n"
		"end failed refused: sure: not confirmed: nobody is there to be asked\n");
	play((struct play_world){.options = {.says_yes = true}}, text,
		"a web1\n"
		"all lb1\n"
		"end ok\n");
}

static void messages_are_sent(void **state)
{
	static const char text[] = "steps:\n"
				   "  - {id: tell, publish: {topic: 'a.${run.user}', body: {who: "
				   "'${run.user}', n: 1}}}\n"
				   "  - {id: text, publish: {topic: b, body: 'by ${run.id}'}}\n"
				   "  - {id: a, rpc: a.b, nodes: {nodes: web1}}\n";

	(void)state;
	play((struct play_world){0}, text,
		"tell says a.ann: {\"who\":\"ann\",\"n\":1}\n"
		"text says b: by run1\n"
		"a web1\n"
		"end ok\n");
	play((struct play_world){.answer = "no route"}, text,
		"tell says a.ann: {\"who\":\"ann\",\"n\":1}\n"
		"tell not ok: topic a.ann: no route\n"
		"end failed stopped: tell: not sent: topic a.ann: no route\n");
}

static void a_message_may_fail(void **state)
{
	(void)state;
	play((struct play_world){.answer = "no route"},
		"steps:\n"
		"  - {id: tell, publish: {topic: 'a.${run.user}', body: {who: '${run.user}', n: "
		"1}}, on_failure: continue}\n"
		"  - {id: a, rpc: a.b, nodes: {nodes: web1}}\n",
		"tell says a.ann: {\"who\":\"ann\",\"n\":1}\n"
		"tell not ok: topic a.ann: no route\n"
		"failed tell\n"
		"a web1\n"
		"end ok\n");
}

static void a_topic_is_text(void **state)
{
	(void)state;
	play((struct play_world){0}, "steps: [{id: tell, publish: {topic: '${1}', body: x}}]\n",
		"end failed input: tell: the topic is no text\n");
}

static void agents_are_checked_before_the_first_step(void **state)
{
	static const char text[] = "requires: {agents: [a, puppet]}\n"
				   "sets: {web: {class: web}, db: {class: db}, lb: {class: lb}}\n"
				   "steps:\n"
				   "  - {id: one, rpc: a.b, nodes: web}\n"
				   "  - {id: two, rpc: b.b, nodes: lb}\n"
				   "  - id: up\n"
				   "    roll: {over: db, batch: 1}\n"
				   "    steps: [{id: three, rpc: a.b, nodes: group}, {id: four, "
				   "puppet_run: {}, nodes: group}]\n"
				   "always: [{id: all, rpc: h.all, nodes: {nodes: lb1}}]\n";

	(void)state;
	play((struct play_world){.fleet = FLEET "-A a=web[1-2],db[1-2],db9;-A puppet=db[1-2]"},
		text,
		"find -C web\n"
		"find -C db\n"
		"set web web[1-2]\n"
		"set db db[1-2]\n"
		"find -A a\n"
		"find -A puppet\n"
		"one web[1-2]\n"
		"find -C lb\n"
		"set lb lb1\n"
		"two lb1\n"
		"group up db1\n"
		"three#1 db1\n"
		"four#1 act of 1\n"
		"group up db2\n"
		"three#2 db2\n"
		"four#2 act of 1\n"
		"all lb1\n"
		"end ok\n");
	play((struct play_world){.fleet = FLEET "-A a=web1,db[1-2];-A puppet=db2"}, text,
		"find -C web\n"
		"find -C db\n"
		"set web web[1-2]\n"
		"set db db[1-2]\n"
		"find -A a\n"
		"find -A puppet\n"
		"end failed refused: nothing was done: no answer from these agents, or they are "
		"not there: a on web2; puppet on db1\n");
}

static void an_empty_set_ends_the_check(void **state)
{
	(void)state;
	play((struct play_world){.fleet = "-C web=web[1-2]"},
		"requires: {agents: [a, puppet]}\n"
		"sets: {web: {class: web}, db: {class: db}, lb: {class: lb}}\n"
		"steps:\n"
		"  - {id: one, rpc: a.b, nodes: web}\n"
		"  - {id: two, rpc: b.b, nodes: lb}\n"
		"  - id: up\n"
		"    roll: {over: db, batch: 1}\n"
		"    steps: [{id: three, rpc: a.b, nodes: group}, {id: four, puppet_run: {}, "
		"nodes: group}]\n"
		"always: [{id: all, rpc: h.all, nodes: {nodes: lb1}}]\n",
		"find -C web\n"
		"find -C db\n"
		"set web web[1-2]\n"
		"set db \n"
		"end failed no_nodes: db: no node matches\n");
}

static void preflight_only_looks(void **state)
{
	static const char text[] =
		"requires: {agents: [a, puppet]}\n"
		"sets: {web: {class: web}, db: {class: db}, lb: {class: lb}}\n"
		"steps:\n"
		"  - {id: one, rpc: a.b, nodes: web}\n"
		"  - {id: two, rpc: b.b, nodes: lb}\n"
		"  - id: up\n"
		"    roll: {over: db, batch: 1}\n"
		"    steps: [{id: three, rpc: a.b, nodes: group}, {id: four, "
		"puppet_run: {}, nodes: group}]\n"
		"always:\n"
		"  - {id: all, rpc: h.all, nodes: {nodes: lb1}}\n"
		"  - {id: some, rpc: h.all, nodes: {class: h}}\n"
		"  - {id: these, rpc: h.all, nodes: {nodes: '${steps.one.ok}'}}\n";

	(void)state;
	play((struct play_world){.fleet = FLEET
				 "-A a=web[1-2],db[1-2];-A puppet=db[1-2];-A b=lb1;-A h=lb1",
		     .options = {.is_preflight = true}},
		text,
		"find -C web\n"
		"find -C lb\n"
		"find -C db\n"
		"set web web[1-2]\n"
		"set lb lb1\n"
		"set db db[1-2]\n"
		"unchecked some\n"
		"unchecked these\n"
		"find -A a\n"
		"find -A b\n"
		"find -A puppet\n"
		"find -A h\n"
		"end ok\n");
	play((struct play_world){.fleet = FLEET "-A a=web[1-2],db[1-2];-A puppet=db[1-2];-A h=lb1",
		     .options = {.is_preflight = true}},
		text,
		"find -C web\n"
		"find -C lb\n"
		"find -C db\n"
		"set web web[1-2]\n"
		"set lb lb1\n"
		"set db db[1-2]\n"
		"unchecked some\n"
		"unchecked these\n"
		"find -A a\n"
		"find -A b\n"
		"find -A puppet\n"
		"find -A h\n"
		"end failed refused: nothing was done: no answer from these agents, or they are "
		"not there: b on lb1\n");
}

/* … and before the first step of it. */
static void agents_of_a_plan_in_the_plan_are_looked_for_when_it_begins(void **state)
{
	static const char text[] = "steps:\n"
				   "  - {id: one, rpc: h.one, nodes: {nodes: web1}}\n"
				   "  - {id: sub, plan: picky.yaml}\n"
				   "  - {id: two, rpc: h.two, nodes: {nodes: web1}}\n";
	static const char caught[] = "steps:\n"
				     "  - {id: sub, plan: picky.yaml, on_failure: continue}\n"
				     "  - {id: two, rpc: h.two, nodes: {nodes: web1}}\n";

	(void)state;
	play((struct play_world){.fleet = FLEET "-A a=web[1-2]"}, text,
		"one web1\n"
		"find -C web\n"
		"set sub/web web[1-2]\n"
		"find -A a\n"
		"sub/ask web[1-2]\n"
		"sub/more web[1-2]\n"
		"sub/all lb1\n"
		"two web1\n"
		"end ok\n");
	play((struct play_world){.fleet = FLEET "-A a=web1"}, text,
		"one web1\n"
		"find -C web\n"
		"set sub/web web[1-2]\n"
		"find -A a\n"
		"end failed refused: test/data/plays/picky.yaml: no answer from these agents, or "
		"they are not there: a on web2\n");
	play((struct play_world){.fleet = FLEET "-A a=web1"}, caught,
		"find -C web\n"
		"set sub/web web[1-2]\n"
		"find -A a\n"
		"failed sub: test/data/plays/picky.yaml: no answer from these agents, or they are "
		"not there: a on web2\n"
		"failed sub\n"
		"two web1\n"
		"end ok\n");
}

static void what_the_environment_must_have(void **state)
{
	(void)state;
	play((struct play_world){0},
		"requires: {env: [PLAY_TEST_NONE, PATH, PLAY_TEST_NO]}\n"
		"steps: [{id: a, rpc: a.b, nodes: {nodes: web1}}]\n",
		"refused refused: test/data/plays/t: not set in the environment, or no text: "
		"PLAY_TEST_NONE, PLAY_TEST_NO\n");
}

#define TEST(name) cmocka_unit_test(name)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_wait_looks_in_rounds_until_it_is_true),
		TEST(a_wait_has_a_deadline),
		TEST(a_wait_that_asks_for_nonsense_ends_the_play),
		TEST(a_wait_may_need_nothing_but_time),
		TEST(a_signal_ends_a_wait),
		TEST(a_question_is_asked),
		TEST(messages_are_sent),
		TEST(a_message_may_fail),
		TEST(a_topic_is_text),
		TEST(agents_are_checked_before_the_first_step),
		TEST(an_empty_set_ends_the_check),
		TEST(preflight_only_looks),
		TEST(agents_of_a_plan_in_the_plan_are_looked_for_when_it_begins),
		TEST(what_the_environment_must_have),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
