/* Plans that are played: which nodes, which steps, and what became of them. */
#include "play_bench.h"

#define WEB   "sets: {web: {class: web}}\n"
#define FLEET "-C web=web[1-4]"

/* Sets */

static void a_set_is_looked_for_once(void **state)
{
	(void)state;
	play((struct play_world){.fleet = FLEET, .shows_frozen = true},
		WEB "steps:\n"
		    "  - {id: one, rpc: a.b, nodes: web}\n"
		    "  - {id: two, rpc: a.c, nodes: web, with: {all: '${sets.web}'}}\n",
		"find -C web\nfix web web[1-4]\nset web web[1-4]\none web[1-4]\n"
		"two web[1-4] {\"all\": [\"web1\", \"web2\", \"web3\", \"web4\"]}\nend ok\n");
}

static void an_empty_set_says_so_and_ends_the_play(void **state)
{
	static const char steps[] = "steps: [{id: one, rpc: a.b, nodes: web}]\n"
				    "always: [{id: tidy, rpc: a.c, nodes: {nodes: db1}}]\n";
	char text[400];

	(void)state;
	(void)snprintf(text, sizeof(text), WEB "%s", steps);
	play((struct play_world){0}, text,
		"find -C web\nset web \ntidy db1\nend failed no_nodes: web: no node matches\n");
	(void)snprintf(
		text, sizeof(text), "sets: {web: {class: web, when_empty: No servers}}\n%s", steps);
	play((struct play_world){0}, text,
		"find -C web\nset web \ntidy db1\nend failed no_nodes: No servers\n");
}

/* It was told twice, the second time as if all had failed before. */
static void an_empty_set_is_one_failure_of_a_step_that_goes_on(void **state)
{
	(void)state;
	play((struct play_world){0},
		WEB "steps:\n"
		    "  - {id: one, rpc: a.b, nodes: web, on_failure: continue}\n"
		    "  - {id: two, rpc: a.b, nodes: {nodes: db1}}\n",
		"find -C web\nset web \nfailed one: web: no node matches\ntwo db1\nend ok\n");
}

static void lanes_that_want_the_same_set_wait_for_it_together(void **state)
{
	(void)state;
	play((struct play_world){.fleet = FLEET},
		WEB "steps:\n"
		    "  - parallel:\n"
		    "      - steps: [{id: one, rpc: a.b, nodes: web}]\n"
		    "      - steps: [{id: two, rpc: a.c, nodes: web}]\n"
		    "  - {id: three, rpc: a.d, nodes: web}\n",
		"find -C web\nset web web[1-4]\none web[1-4]\ntwo web[1-4]\nthree web[1-4]\n"
		"end ok\n");
}

static void a_step_may_have_a_filter_of_its_own(void **state)
{
	(void)state;
	play((struct play_world){.fleet = "-C db -F 'dc==\"b\"'=db[1-2];-F dc==b -C db=db[1-2]",
		     .inputs = "{\"dc\": \"b\"}",
		     .shows_frozen = true},
		"inputs: {dc: {}}\nsteps:\n"
		"  - {id: one, rpc: a.b, nodes: {class: db, fact: 'dc=${inputs.dc}'}}\n",
		"find -F dc==b -C db\nfix nodes@one db[1-2]\none db[1-2]\nend ok\n");
}

static void nodes_may_come_from_a_list(void **state)
{
	(void)state;
	play((struct play_world){.inputs = "{\"names\": [\"web[1-2]\", \"db1\"]}"},
		"inputs: {names: {type: array}}\n"
		"sets: {some: {nodes: '${inputs.names}'}, more: {nodes: [lb1, 'web[1-3]'], limit: "
		"2}}\n"
		"steps:\n"
		"  - {id: one, rpc: a.b, nodes: [some, more]}\n",
		"set some db1,web[1-2]\nset more lb1,web1\none db1,lb1,web[1-2]\nend ok\n");
	play((struct play_world){.inputs = "{\"names\": [1]}"},
		"inputs: {names: {type: array}}\nsets: {some: {nodes: '${inputs.names}'}}\n"
		"steps:\n  - {id: one, rpc: a.b, nodes: some}\n",
		"end failed input: test/data/plays/t: some: nodes: not a text\n");
}

static void a_set_is_looked_for_in_its_collective(void **state)
{
	(void)state;
	play((struct play_world){.fleet = FLEET},
		"sets: {web: {class: web, collective: 'dc${1 + 1}'}}\n"
		"steps: [{id: one, rpc: a.b, nodes: web}]\n",
		"find -C web in dc2\nset web web[1-4]\none web[1-4]\nend ok\n");
}

/* Which steps */

static void a_step_whose_when_is_false_wants_no_nodes(void **state)
{
	(void)state;
	play((struct play_world){.fleet = "-C db=db1"},
		"sets: {web: {class: web}, db: {class: db}}\nsteps:\n"
		"  - {id: one, rpc: a.b, nodes: web, when: 'false'}\n"
		"  - {id: two, rpc: a.b, nodes: db, when: '#sets.db == 1 and #steps.one.ok == "
		"0'}\n",
		"skip one: when is false\nfind -C db\nset db db1\ntwo db1\nend ok\n");
}

#define THREE                                                                                      \
	"steps:\n"                                                                                 \
	"  - {id: one, rpc: a.b, nodes: {nodes: web1}}\n"                                          \
	"  - {id: two, rpc: a.b, nodes: {nodes: web1}}\n"                                          \
	"  - {id: three, rpc: a.b, nodes: {nodes: web1}}\n"                                        \
	"on_success: [{id: tell, rpc: a.c, nodes: {nodes: web1}}]\n"

static void steps_may_be_left_out_from_outside(void **state)
{
	static const char *const names[] = {"two"};

	(void)state;
	play((struct play_world){.options = {.from = "two"}}, THREE,
		"skip one: it comes before --from\ntwo web1\nthree web1\ntell web1\nend ok\n");
	play((struct play_world){.options = {.from = "3"}}, THREE,
		"skip one: it comes before --from\nskip two: it comes before --from\n"
		"three web1\ntell web1\nend ok\n");
	play((struct play_world){.options = {.skip = names, .skip_count = 1}}, THREE,
		"one web1\nskip two: --skip\nthree web1\ntell web1\nend ok\n");
	play((struct play_world){.options = {.only = names, .only_count = 1}}, THREE,
		"skip one: it is not among --only\ntwo web1\nskip three: it is not among --only\n"
		"tell web1\nend ok\n");
	play((struct play_world){.options = {.from = "tow"}}, THREE,
		"refused usage: --from tow: the plan has no such step of its own\n");
	play((struct play_world){.options = {.from = "tell"}}, THREE,
		"refused usage: --from tell: the plan has no such step of its own\n");
}

/* What is asked */

static void inputs_keep_their_types(void **state)
{
	(void)state;
	play((struct play_world){.inputs = "{\"n\": 3, \"word\": \"a\"}"},
		"inputs: {n: {type: integer}, word: {}}\nsteps:\n"
		"  - {set: {double: inputs.n * 2, on: true}}\n"
		"  - id: one\n    rpc: a.b\n    nodes: {nodes: web1}\n"
		"    with: {n: '${vars.double}', text: 'n${inputs.n}', list: [1, "
		"'${inputs.word}'],\n"
		"      deep: {on: '${vars.on}', none: '${inputs.word == \"b\"}'}, plain: "
		"'$${x}'}\n",
		"one web1 {\"deep\": {\"none\": false, \"on\": true}, \"list\": [1, \"a\"], "
		"\"n\": 6, \"plain\": \"${x}\", \"text\": \"n3\"}\nend ok\n");
}

static void results_are_there_for_later_steps(void **state)
{
	(void)state;
	play((struct play_world){.script = "one web1 0{\"v\":7};one web2 1{\"v\":8};one web3 -"},
		"steps:\n"
		"  - {id: one, rpc: a.b, nodes: {nodes: 'web[1-4]'}, max_fail: 2, timeout: 1s}\n"
		"  - {id: two, rpc: a.b, nodes: {nodes: db1}, when: 'false'}\n"
		"  - id: three\n    rpc: a.c\n    nodes: {nodes: '${steps.one.failed}'}\n"
		"    with: {ok: '${steps.one.ok}', failed: '${steps.one.failed}',\n"
		"      silent: '${steps.one.silent}', changed: '${steps.one.changed}',\n"
		"      sum: \"${steps.one.results['web1'].data.v + "
		"steps.one.results.web2.data.v}\",\n"
		"      skipped: '${#steps.two.ok}${steps.two.changed}'}\n",
		"one web[1-4]\n  web2 failed\n  web3 silent\nskip two: when is false\n"
		"three web2 {\"changed\": true, \"failed\": [\"web2\"], \"ok\": [\"web1\", "
		"\"web4\"], "
		"\"silent\": [\"web3\"], \"skipped\": \"0false\", \"sum\": 15}\nend ok\n");
}

static void tries_grow_and_ask_only_who_failed(void **state)
{
	(void)state;
	play((struct play_world){.script = "one web1 1|1|0;one web2 1|0;one web3 -"},
		"steps:\n"
		"  - {id: one, rpc: a.b, nodes: {nodes: 'web[1-4]'}, tries: 3, try_sleep: [1s, "
		"4s],\n"
		"     max_fail: 1, timeout: 2s}\n",
		"one web[1-4]\n  web1 again failed\n  web2 again failed\none again web[1-2]\n"
		"  web1 again failed\n  web3 silent\none again web1\nend ok\n");
}

static void until_decides_what_is_ok(void **state)
{
	(void)state;
	play((struct play_world){.script = "one web1 0{\"x\":1}|1{\"x\":3};one web2 0{\"x\":4};"
					   "one web3 3{\"x\":3};one web4 0{\"x\":3}"},
		"steps:\n"
		"  - {set: {least: 3}}\n"
		"  - {id: one, rpc: a.b, nodes: {nodes: 'web[1-4]'}, until: data.x >= vars.least,\n"
		"     fail_when: data.x == 4, changed_when: 'false', tries: 2, max_fail: 2}\n"
		"  - {id: two, rpc: a.c, nodes: {nodes: web1}, with: {c: "
		"'${steps.one.changed}'}}\n",
		"one web[1-4]\n  web1 again failed\none again web1\n  web2 again failed\n"
		"one again web2\n  web3 again failed\none again web3\n  web2 failed\n"
		"  web3 failed\ntwo web1 {\"c\": false}\nend ok\n");
}

static void ok_codes_are_ok_beside_0(void **state)
{
	(void)state;
	play((struct play_world){.script = "one web1 1;one web2 3;one web3 2"},
		"steps: [{id: one, rpc: a.b, nodes: {nodes: 'web[1-4]'}, ok_codes: [1, 3], "
		"max_fail: 1}]\n",
		"one web[1-4]\n  web3 failed\nend ok\n");
}

static void one_of_them_is_enough(void **state)
{
	static const char text[] = "steps: [{id: one, rpc: a.b, nodes: {nodes: 'web[1-4]'}, "
				   "one: true, timeout: 1s}]\n";

	(void)state;
	play((struct play_world){.script = "one web1 1;one web2 -"}, text,
		"one web1\n  web1 failed\none web2\n  web2 silent\none web3\n  web4 skipped\n"
		"end ok\n");
	play((struct play_world){.script = "one * 1"}, text,
		"one web1\n  web1 failed\none web2\n  web2 failed\none web3\n  web3 failed\n"
		"one web4\n  web4 failed\n"
		"one stopped none of 4 nodes was ok, and one was to be\none not ok\nend stopped\n");
}

static void max_fail_is_arithmetic(void **state)
{
	static const struct {
		const char *max_fail;
		bool is_ok;
	} table[] = {{"1", false}, {"2", true}, {"49%", false}, {"50%", true}, {"0", false}};

	(void)state;
	for (size_t i = 0; i < COUNT(table); i++) {
		char text[200], lines[400];

		(void)snprintf(text, sizeof(text),
			"steps: [{id: one, rpc: a.b, nodes: {nodes: 'web[1-4]'}, max_fail: %s}]\n",
			table[i].max_fail);
		(void)snprintf(lines, sizeof(lines),
			"one web[1-4]\n  web1 failed\n%s  web3 failed\n%s%s%s",
			strcmp(table[i].max_fail, "0") == 0 ? "one stopped 1 of 4 nodes not ok, "
							      "more than the 0 that max-fail 0 "
							      "tolerates\n"
							    : "",
			i == 0 ? "one stopped 2 of 4 nodes not ok, more than the 1 that max-fail 1 "
				 "tolerates\n"
			: i == 2 ? "one stopped 2 of 4 nodes not ok, more than the 1 that max-fail "
				   "49% tolerates\n"
				 : "",
			table[i].is_ok ? "" : "one not ok\n",
			table[i].is_ok ? "end ok\n" : "end stopped\n");
		play((struct play_world){.script = "one web1 1;one web3 1"}, text, lines);
	}
}

static void batch_and_window_limit_who_is_asked(void **state)
{
	(void)state;
	play((struct play_world){0},
		"steps:\n"
		"  - {id: one, rpc: a.b, nodes: {nodes: 'web[1-4]'}, batch: [1, 50%]}\n"
		"  - {id: two, rpc: a.b, nodes: {nodes: 'web[1-4]'}, window: 2}\n",
		"one web1\none web[2-3]\none web4\ntwo web[1-2]\ntwo web3\ntwo web4\nend ok\n");
}

static void a_failure_stops_unless_the_step_goes_on(void **state)
{
	(void)state;
	play((struct play_world){.script = "one web1 1"},
		"steps:\n"
		"  - {id: one, rpc: a.b, nodes: {nodes: 'web[1-2]'}}\n"
		"  - {id: two, rpc: a.b, nodes: {nodes: 'web[1-2]'}}\n",
		"one web[1-2]\n  web1 failed\n"
		"one stopped 1 of 2 nodes not ok, more than the 0 that max-fail 0 tolerates\n"
		"one not ok\nend stopped\n");
	play((struct play_world){.script = "one web1 1"},
		"steps:\n"
		"  - {id: one, rpc: a.b, nodes: {nodes: 'web[1-2]'}, on_failure: continue}\n"
		"  - {id: two, rpc: a.b, nodes: {nodes: 'web[1-2]'}}\n",
		"one web[1-2]\n  web1 failed\n"
		"one stopped 1 of 2 nodes not ok, more than the 0 that max-fail 0 tolerates\n"
		"one not ok\nfailed one\ntwo web[1-2]\nend ok\n");
}

static void dropped_nodes_are_asked_nothing_more(void **state)
{
	(void)state;
	play((struct play_world){.script = "one web1 1;two web2 -"},
		"steps:\n"
		"  - {id: one, rpc: a.b, nodes: {nodes: 'web[1-3]'}, on_failure: drop_nodes, "
		"max_fail: 1}\n"
		"  - {id: two, rpc: a.b, nodes: {nodes: 'web[1-3]'}, on_failure: drop_nodes, "
		"max_fail: 1,\n"
		"     timeout: 1s}\n"
		"  - {id: three, rpc: a.b, nodes: {nodes: 'web[1-3]'}}\n"
		"  - {id: four, rpc: a.b, nodes: {nodes: 'web[1-2]'}}\n",
		"one web[1-3]\n  web1 failed\ntwo web[2-3]\n  web2 silent\nthree web3\n"
		"end failed no_nodes: four: no node is left for it: all failed or were silent "
		"before\n");
}

static void acts_are_made_of_what_is_evaluated(void **state)
{
	(void)state;
	play((struct play_world){0},
		"steps:\n"
		"  - {id: one, puppet_run: {tags: [web]}, nodes: {nodes: 'web[1-2]'}}\n"
		"  - {id: two, rpc: a.b, nodes: {nodes: '${steps.one.ok}'},\n"
		"     with: {c: '${steps.one.changed}'}}\n",
		"one act of 2\ntwo web[1-2] {\"c\": true}\nend ok\n");
}

static void a_mistake_of_an_expression_names_its_step(void **state)
{
	static const struct {
		const char *step, *why;
	} table[] = {{"{id: two, set: {a: 'steps.one.results.x.y'}}",
			     "two.a:1:21: attempt to index a nil value (field 'x')"},
		{"{id: two, rpc: a.b, nodes: {nodes: web1}, with: {x: \"${('a'):rep(1e8)}\"}}",
			"two.with.x:1:3: bad argument #1 to 'rep' (more than 1 MiB of text)"},
		{"{id: two, when: '(function() while true do end end)()', confirm: Sure?}",
			"two.when:1:24: this takes"}};

	(void)state;
	for (size_t i = 0; i < COUNT(table); i++) {
		char text[300], lines[300];

		(void)snprintf(text, sizeof(text),
			"steps:\n  - {id: one, rpc: a.b, nodes: {nodes: web1}}\n  - %s\n",
			table[i].step);
		(void)snprintf(lines, sizeof(lines),
			"one web1\nend failed input: test/data/plays/t: %s", table[i].why);
		play((struct play_world){0}, text, lines);
	}
}

#define TEST(name) cmocka_unit_test(name)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_set_is_looked_for_once),
		TEST(an_empty_set_says_so_and_ends_the_play),
		TEST(an_empty_set_is_one_failure_of_a_step_that_goes_on),
		TEST(lanes_that_want_the_same_set_wait_for_it_together),
		TEST(a_step_may_have_a_filter_of_its_own),
		TEST(nodes_may_come_from_a_list),
		TEST(a_set_is_looked_for_in_its_collective),
		TEST(a_step_whose_when_is_false_wants_no_nodes),
		TEST(steps_may_be_left_out_from_outside),
		TEST(inputs_keep_their_types),
		TEST(results_are_there_for_later_steps),
		TEST(tries_grow_and_ask_only_who_failed),
		TEST(until_decides_what_is_ok),
		TEST(ok_codes_are_ok_beside_0),
		TEST(one_of_them_is_enough),
		TEST(max_fail_is_arithmetic),
		TEST(batch_and_window_limit_who_is_asked),
		TEST(a_failure_stops_unless_the_step_goes_on),
		TEST(dropped_nodes_are_asked_nothing_more),
		TEST(acts_are_made_of_what_is_evaluated),
		TEST(a_mistake_of_an_expression_names_its_step),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
