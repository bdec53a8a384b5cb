/* A play that goes on where an earlier process of the same run fell. */
#include "play_bench.h"

static void what_is_done_is_not_done_again(void **state)
{
	(void)state;
	play(
		(struct play_world){
			.past = "set nodes@a web[1-4];a web[1-2] ok;a web[3-4] ok;task a ok"},
		"steps:\n"
		"  - {id: a, rpc: a.b, nodes: {nodes: 'web[1-4]'}}\n"
		"  - {id: b, rpc: a.c, nodes: {nodes: 'web[1-4]'}}\n",
		"done a 4\n"
		"b web[1-4]\n"
		"end ok\n");
}

static void who_failed_or_was_not_asked_is_asked(void **state)
{
	(void)state;
	play((struct play_world){.past = "a web1 ok;a web2 failed;a web3 cancelled;task a bad"},
		"steps:\n"
		"  - {id: a, rpc: a.b, nodes: {nodes: 'web[1-4]'}}\n"
		"  - {id: b, rpc: a.c, nodes: {nodes: 'web[1-4]'}}\n",
		"done a 1\n"
		"a web[2-4]\n"
		"b web[1-4]\n"
		"end ok\n");
	play((struct play_world){.past = "a web1 ok;a web2 failed;a web3 skipped;task a open",
		     .script = "a web2 1"},
		"steps:\n"
		"  - {id: a, rpc: a.b, nodes: {nodes: 'web[1-4]'}, max_fail: 1}\n"
		"  - {id: b, rpc: a.c, nodes: {nodes: 'web[1-4]'}}\n",
		"done a 1\n"
		"a web[2-4]\n"
		"  web2 failed\n"
		"b web[1-4]\n"
		"end ok\n");
}

static void who_may_have_done_it_is_not_asked_again(void **state)
{
	(void)state;
	play((struct play_world){.past = "a web1 ok;a web2 unknown;a web3 silent;task a open"},
		"steps:\n"
		"  - {id: a, rpc: a.b, nodes: {nodes: 'web[1-4]'}}\n"
		"  - {id: b, rpc: a.c, nodes: {nodes: 'web[1-4]'}}\n",
		"done a 1\n"
		"left a: web[2-3]\n"
		"end complete\n");
	play((struct play_world){.past = "a web1 ok;a web2 unknown;a web3 silent;task a open"},
		"steps:\n"
		"  - {id: a, rpc: a.b, nodes: {nodes: 'web[1-4]'}, max_fail: 1}\n"
		"  - {id: b, rpc: a.c, nodes: {nodes: 'web[1-4]'}}\n",
		"done a 1\n"
		"left a: web[2-3]\n"
		"end complete\n");
	play((struct play_world){.past = "a web1 ok;a web2 unknown;a web3 silent;task a open"},
		"steps:\n"
		"  - {id: a, rpc: a.b, nodes: {nodes: 'web[1-4]'}, max_fail: 50%}\n"
		"  - {id: b, rpc: a.c, nodes: {nodes: 'web[1-4]'}}\n",
		"done a 1\n"
		"left a: web[2-3]\n"
		"a web4\n"
		"b web[1-4]\n"
		"end ok\n");
}

static void what_is_left_stops_other_lanes(void **state)
{
	(void)state;
	play((struct play_world){.past = "a web1 unknown;task a open"},
		"steps:\n"
		"  - parallel:\n"
		"      - steps: [{id: a, rpc: a.b, nodes: {nodes: web1}}]\n"
		"      - steps: [{id: b, rpc: a.c, nodes: {nodes: web2}}, {id: c, rpc: a.d, nodes: "
		"{nodes: web2}}]\n"
		"on_failure: [{id: bad, rpc: h.bad, nodes: {nodes: lb1}}]\n",
		"left a: web1\n"
		"bad lb1\n"
		"end complete\n");
}

static void who_may_do_it_twice_is_asked_again(void **state)
{
	(void)state;
	play((struct play_world){.past = "a web1 ok;a web2 unknown;a web3 silent;task a open"},
		"steps:\n"
		"  - {id: a, rpc: a.b, nodes: {nodes: 'web[1-4]'}, idempotent: true}\n"
		"  - {id: b, rpc: a.c, nodes: {nodes: 'web[1-4]'}}\n",
		"done a 1\n"
		"a web[2-4]\n"
		"b web[1-4]\n"
		"end ok\n");
	play((struct play_world){.past = "a web1 ok;a web2 unknown;a web3 silent;task a open"},
		"steps:\n"
		"  - {id: a, rpc: a.b, nodes: {nodes: 'web[1-4]'}, retry_silent: true, max_fail: "
		"1}\n"
		"  - {id: b, rpc: a.c, nodes: {nodes: 'web[1-4]'}}\n",
		"done a 1\n"
		"left a: web2\n"
		"a web[3-4]\n"
		"b web[1-4]\n"
		"end ok\n");
	play((struct play_world){.past = "a web1 ok;a web2 unknown;a web3 silent;task a open",
		     .options = {.retries_unknown = true}},
		"steps:\n"
		"  - {id: a, rpc: a.b, nodes: {nodes: 'web[1-4]'}}\n"
		"  - {id: b, rpc: a.c, nodes: {nodes: 'web[1-4]'}}\n",
		"done a 1\n"
		"a web[2-4]\n"
		"b web[1-4]\n"
		"end ok\n");
	play((struct play_world){.past = "a web1 ok;a web2 unknown;a web3 silent;task a open",
		     .options = {.retries_silent = true}},
		"steps:\n"
		"  - {id: a, rpc: a.b, nodes: {nodes: 'web[1-4]'}, max_fail: 1}\n"
		"  - {id: b, rpc: a.c, nodes: {nodes: 'web[1-4]'}}\n",
		"done a 1\n"
		"left a: web2\n"
		"a web[3-4]\n"
		"b web[1-4]\n"
		"end ok\n");
}

static void what_was_tolerated_is_over(void **state)
{
	(void)state;
	play(
		(struct play_world){
			.past = "a web1 ok;a web2 unknown;a web3 silent;a web4 failed;task a ok"},
		"steps:\n"
		"  - {id: a, rpc: a.b, nodes: {nodes: 'web[1-4]'}, max_fail: 3}\n"
		"  - {id: b, rpc: a.c, nodes: {nodes: 'web[1-4]'}}\n",
		"done a 1\n"
		"b web[1-4]\n"
		"end ok\n");
	play(
		(struct play_world){
			.past = "a web1 ok;a web2 unknown;a web3 silent;a web4 failed;task a ok",
			.options = {.retries_unknown = true}},
		"steps:\n"
		"  - {id: a, rpc: a.b, nodes: {nodes: 'web[1-4]'}, max_fail: 3, idempotent: true}\n"
		"  - {id: b, rpc: a.c, nodes: {nodes: 'web[1-4]'}}\n",
		"done a 1\n"
		"b web[1-4]\n"
		"end ok\n");
}

static void limits_are_parts_of_all_nodes(void **state)
{
	(void)state;
	play((struct play_world){.past = "a web1 unknown;task a open", .script = "a web2 1"},
		"steps:\n"
		"  - {id: a, rpc: a.b, nodes: {nodes: 'web[1-4]'}, max_fail: 50%, batch: 50%}\n"
		"  - {id: b, rpc: a.c, nodes: {nodes: 'web[1-4]'}}\n",
		"left a: web1\n"
		"a web[2-3]\n"
		"  web2 failed\n"
		"a web4\n"
		"b web[1-4]\n"
		"end ok\n");
	play((struct play_world){.past = "a web1 unknown;task a open",
		     .script = "a web2 1;a web3 1"},
		"steps:\n"
		"  - {id: a, rpc: a.b, nodes: {nodes: 'web[1-4]'}, max_fail: 50%, batch: 50%}\n"
		"  - {id: b, rpc: a.c, nodes: {nodes: 'web[1-4]'}}\n",
		"left a: web1\n"
		"a web[2-3]\n"
		"  web2 failed\n"
		"  web3 failed\n"
		"a stopped 2 of 3 nodes not ok, more than the 1 that max-fail 1 tolerates\n"
		"  web4 cancelled\n"
		"a not ok\n"
		"end stopped\n");
	play((struct play_world){.past = "a web1 ok;task a open", .script = "a web2 1;a web3 1"},
		"steps:\n"
		"  - {id: a, rpc: a.b, nodes: {nodes: 'web[1-4]'}, max_fail: 50%, batch: [25%, "
		"75%]}\n"
		"  - {id: b, rpc: a.c, nodes: {nodes: 'web[1-4]'}}\n",
		"done a 1\n"
		"a web2\n"
		"  web2 failed\n"
		"a web[3-4]\n"
		"  web3 failed\n"
		"b web[1-4]\n"
		"end ok\n");
}

static void the_last_word_counts(void **state)
{
	(void)state;
	play((struct play_world){.past = "a web[1-4] unknown;task a open;a web1 failed;a web2 ok;a "
					 "web3 silent;a web4 ok;task a bad",
		     .options = {.retries_silent = true}},
		"steps:\n"
		"  - {id: a, rpc: a.b, nodes: {nodes: 'web[1-4]'}}\n"
		"  - {id: b, rpc: a.c, nodes: {nodes: 'web[1-4]'}}\n",
		"done a 2\n"
		"a web[1,3]\n"
		"b web[1-4]\n"
		"end ok\n");
}

static void results_are_those_of_both(void **state)
{
	static const char text[] =
		"steps:\n"
		"  - {id: a, rpc: a.b, nodes: {nodes: 'web[1-3]'}, max_fail: 2}\n"
		"  - {id: b, rpc: a.c, nodes: {nodes: db1}, with: {ok: '${steps.a.ok}', failed: "
		"'${steps.a.failed}', silent: '${steps.a.silent}', changed: '${steps.a.changed}', "
		"v: '${steps.a.results.web1.data.v}', w: '${steps.a.results.web2.data.v}'}}\n";

	(void)state;
	play((struct play_world){.past = "a web1 ok {\"v\":1};a web2 failed {\"v\":2};a web3 "
					 "silent;task a ok"},
		text,
		"done a 1\n"
		"b db1 {\"changed\": true, \"failed\": [\"web2\"], \"ok\": [\"web1\"], \"silent\": "
		"[\"web3\"], \"v\": 1, \"w\": 2}\n"
		"end ok\n");
	play((struct play_world){.past = "a web1 ok {\"v\":1};task a open",
		     .script = "a web2 1{\"v\":5}"},
		text,
		"done a 1\n"
		"a web[2-3]\n"
		"  web2 failed\n"
		"b db1 {\"changed\": true, \"failed\": [\"web2\"], \"ok\": [\"web1\", \"web3\"], "
		"\"silent\": [], \"v\": 1, \"w\": 5}\n"
		"end ok\n");
}

static void dropped_nodes_stay_dropped(void **state)
{
	(void)state;
	play(
		(struct play_world){
			.past = "a web1 ok;a web2 failed;a web3 unknown;a web4 ok;task a ok"},
		"steps:\n"
		"  - {id: a, rpc: a.b, nodes: {nodes: 'web[1-4]'}, max_fail: 2, on_failure: "
		"drop_nodes}\n"
		"  - {id: b, rpc: a.c, nodes: {nodes: 'web[1-4]'}}\n",
		"done a 2\n"
		"b web[1,4]\n"
		"end ok\n");
}

static void one_was_enough(void **state)
{
	static const char text[] =
		"steps: [{id: a, rpc: a.b, nodes: {nodes: 'web[1-3]'}, one: true, timeout: 1s}]\n";

	(void)state;
	play((struct play_world){.past = "a web1 failed;a web2 ok;a web3 skipped;task a ok"}, text,
		"done a 1\n"
		"end ok\n");
	play((struct play_world){.past = "a web1 failed;a web2 ok;task a open"}, text,
		"done a 1\n"
		"end ok\n");
}

static void one_is_still_to_be_found(void **state)
{
	(void)state;
	play((struct play_world){.past = "a web1 silent;a web2 failed;task a open"},
		"steps: [{id: a, rpc: a.b, nodes: {nodes: 'web[1-3]'}, one: true, timeout: 1s}]\n",
		"a web2\n"
		"  web3 skipped\n"
		"end ok\n");
	play((struct play_world){.past = "a web1 silent;a web2 unknown;task a open"},
		"steps: [{id: a, rpc: a.b, nodes: {nodes: 'web[1-3]'}, one: true, timeout: 1s}]\n",
		"left a: web[1-2]\n"
		"end complete\n");
	play((struct play_world){.past = "a web1 silent;a web2 unknown;task a open"},
		"steps: [{id: a, rpc: a.b, nodes: {nodes: 'web[1-3]'}, one: true, timeout: 1s, "
		"idempotent: true}]\n",
		"a web1\n"
		"  web2 skipped\n"
		"  web3 skipped\n"
		"end ok\n");
	play((struct play_world){.past = "a web[1-3] silent;task a bad"},
		"steps: [{id: a, rpc: a.b, nodes: {nodes: 'web[1-3]'}, one: true, timeout: 1s}]\n",
		"left a: web[1-3]\n"
		"end complete\n");
}

static void acts_of_ours_may_be_done_twice(void **state)
{
	(void)state;
	play(
		(struct play_world){
			.past = "a web1 ok;a web2 unknown;a web3 silent;a web4 failed;task a open"},
		"steps: [{id: a, puppet_run: {}, nodes: {nodes: 'web[1-4]'}}]\n",
		"done a 1\n"
		"a act of 3\n"
		"end ok\n");
	play((struct play_world){.past = "a web1 ok;a web2 unknown;task a open"},
		"steps: [{id: a, assign_role: {collection: c, category: k, role: r, entity: e}, "
		"nodes: {nodes: 'web[1-2]'}}]\n",
		"done a 1\n"
		"a act of 1\n"
		"end ok\n");
	play((struct play_world){.past = "a web1 ok;a web2 unknown;task a open"},
		"steps: [{id: a, push_facts: {facts: {x: y}}, nodes: {nodes: 'web[1-2]'}}]\n",
		"done a 1\n"
		"a act of 1\n"
		"end ok\n");
	play((struct play_world){.past = "a web1 ok;a web2 unknown;task a open"},
		"steps: [{id: a, sign_cert: {verify_node: true}, nodes: {nodes: 'web[1-2]'}}]\n",
		"done a 1\n"
		"a act of 1\n"
		"end ok\n");
}

static void sets_stay_as_they_were(void **state)
{
	(void)state;
	play((struct play_world){.past = "set web web[1-2];set nodes@b db1"},
		"sets: {web: {class: web}}\n"
		"steps:\n"
		"  - {id: a, rpc: a.b, nodes: web, with: {web: '${sets.web}'}}\n"
		"  - {id: b, rpc: a.b, nodes: {class: db}}\n",
		"a web[1-2] {\"web\": [\"web1\", \"web2\"]}\n"
		"b db1\n"
		"end ok\n");
}

static void groups_keep_their_members(void **state)
{
	static const char text[] = "steps:\n"
				   "  - id: up\n"
				   "    roll: {over: {nodes: 'web[1-6]'}, batch: 2}\n"
				   "    steps:\n"
				   "      - {id: a, rpc: a.b, nodes: group}\n"
				   "      - {id: b, rpc: a.c, nodes: group}\n"
				   "    always: [{id: c, rpc: a.d, nodes: group}]\n";

	(void)state;
	play(
		(struct play_world){
			.past = "set over@up web[1-6];set roll@up web[1-6];set group@up#1 "
				"web[1-3];a#1 web[1-3] ok;task a#1 ok;b#1 web[1-3] ok;task b#1 "
				"ok;c#1 web[1-3] ok;task c#1 ok;set group@up#2 web4;"},
		text,
		"group up web[1-3]\n"
		"done a#1 3\n"
		"done b#1 3\n"
		"done c#1 3\n"
		"group up web4\n"
		"a#2 web4\n"
		"b#2 web4\n"
		"c#2 web4\n"
		"group up web[5-6]\n"
		"a#3 web[5-6]\n"
		"b#3 web[5-6]\n"
		"c#3 web[5-6]\n"
		"end ok\n");
	play(
		(struct play_world){
			.past = "set over@up web[1-6];set roll@up web[1-6];set group@up#1 "
				"web[1-3];a#1 web[1-3] ok;task a#1 ok;b#1 web[1-3] ok;task b#1 "
				"ok;c#1 web[1-3] ok;task c#1 ok;set group@up#2 web4;a#2 web4 "
				"ok;task a#2 ok;b#2 web4 unknown;task b#2 open"},
		text,
		"group up web[1-3]\n"
		"done a#1 3\n"
		"done b#1 3\n"
		"done c#1 3\n"
		"group up web4\n"
		"done a#2 1\n"
		"left b#2: web4\n"
		"c#2 web4\n"
		"end complete\n");
	play(
		(struct play_world){
			.past = "set over@up web[1-6];set roll@up web[1-6];set group@up#1 "
				"web[1-3];a#1 web[1-3] ok;task a#1 ok;b#1 web[1-3] ok;task b#1 "
				"ok;c#1 web[1-3] ok;task c#1 ok;set group@up#2 web4;a#2 web4 "
				"ok;task a#2 ok;b#2 web4 unknown;task b#2 open",
			.options = {.retries_unknown = true}},
		text,
		"group up web[1-3]\n"
		"done a#1 3\n"
		"done b#1 3\n"
		"done c#1 3\n"
		"group up web4\n"
		"done a#2 1\n"
		"b#2 web4\n"
		"c#2 web4\n"
		"group up web[5-6]\n"
		"a#3 web[5-6]\n"
		"b#3 web[5-6]\n"
		"c#3 web[5-6]\n"
		"end ok\n");
}

static void who_was_lost_before_is_out_of_service(void **state)
{
	(void)state;
	play((struct play_world){.past = "set over@up web[1-6];set roll@up web[1-6];set group@up#1 "
					 "web[1-3];a#1 web[1-3] ok;task a#1 ok;b#1 web[1-2] ok;b#1 "
					 "web3 silent;task b#1 bad;c#1 web[1-3] ok;task c#1 ok;set "
					 "group@up#2 web4;"},
		"steps:\n"
		"  - id: up\n"
		"    roll: {over: {nodes: 'web[1-6]'}, batch: 2, min_in_service: 3, max_fail: 2}\n"
		"    steps:\n"
		"      - {id: a, rpc: a.b, nodes: group}\n"
		"      - {id: b, rpc: a.c, nodes: group}\n"
		"    always: [{id: c, rpc: a.d, nodes: group}]\n",
		"group up web[1-3]\n"
		"done a#1 3\n"
		"done b#1 2\n"
		"left b#1: web3\n"
		"failed b#1\n"
		"done c#1 3\n"
		"group up web4\n"
		"a#2 web4\n"
		"b#2 web4\n"
		"c#2 web4\n"
		"group up web[5-6]\n"
		"a#3 web[5-6]\n"
		"b#3 web[5-6]\n"
		"c#3 web[5-6]\n"
		"end ok\n");
	play((struct play_world){.past = "set over@up web[1-6];set roll@up web[1-6];set group@up#1 "
					 "web[1-2];a#1 web1 ok;a#1 web2 silent;task a#1 bad"},
		"steps:\n"
		"  - id: up\n"
		"    roll: {over: {nodes: 'web[1-6]'}, batch: 2, min_in_service: 5, max_fail: 2}\n"
		"    steps:\n"
		"      - {id: a, rpc: a.b, nodes: group}\n"
		"      - {id: b, rpc: a.c, nodes: group}\n"
		"    always: [{id: c, rpc: a.d, nodes: group}]\n",
		"group up web[1-2]\n"
		"done a#1 1\n"
		"left a#1: web2\n"
		"failed a#1\n"
		"c#1 web[1-2]\n"
		"end failed stopped: up: no node can be taken out of service: 5 of 6 must stay "
		"(min_in_service 5), and 1 are out already\n");
}

static void hooks_are_repeated_if_something_was_done_before_them(void **state)
{
	static const char text[] = "steps:\n"
				   "  - {id: a, rpc: a.b, nodes: {nodes: web1}}\n"
				   "  - {id: b, rpc: a.c, nodes: {nodes: web1}}\n"
				   "on_success: [{id: good, rpc: h.good, nodes: {nodes: lb1}}]\n"
				   "on_failure: [{id: bad, rpc: h.bad, nodes: {nodes: lb1}}]\n"
				   "always: [{id: all, rpc: h.all, nodes: {nodes: lb1}}]\n";

	(void)state;
	play(
		(struct play_world){
			.past = "a web1 ok;task a ok;b web1 ok;task b ok;good lb1 ok;task good ok"},
		text,
		"done a 1\n"
		"done b 1\n"
		"done good 1\n"
		"all lb1\n"
		"end ok\n");
	play((struct play_world){.past = "a web1 ok;task a ok;b web1 failed;task b bad;bad lb1 "
					 "ok;task bad ok;all lb1 ok;task all ok"},
		text,
		"done a 1\n"
		"b web1\n"
		"good lb1\n"
		"all lb1\n"
		"end ok\n");
	play((struct play_world){.past = "a web1 ok;task a ok;b web1 ok;task b ok;good lb1 ok;task "
					 "good ok;all lb1 ok;task all ok"},
		text,
		"done a 1\n"
		"done b 1\n"
		"done good 1\n"
		"done all 1\n"
		"end ok\n");
	play((struct play_world){.past = "a web1 ok;task a ok;b web1 unknown;task b open;bad lb1 "
					 "ok;task bad ok;all lb1 ok;task all ok"},
		text,
		"done a 1\n"
		"left b: web1\n"
		"done bad 1\n"
		"done all 1\n"
		"end complete\n");
}

static void questions_and_messages_are_not_repeated(void **state)
{
	static const char text[] = "steps:\n"
				   "  - {id: sure, confirm: 'Sure?'}\n"
				   "  - {id: tell, publish: {topic: t, body: x}}\n"
				   "  - {id: a, rpc: a.b, nodes: {nodes: web1}}\n";

	(void)state;
	play((struct play_world){.past = "task sure ok;task tell ok"}, text,
		"a web1\n"
		"end ok\n");
	play((struct play_world){.past = "task sure bad;task tell bad"}, text,
		"sure asks Sure?\n"
		"tell says t: x\n"
		"a web1\n"
		"end ok\n");
	play((struct play_world){.past = "task sure open"}, text,
		"sure asks Sure?\n"
		"tell says t: x\n"
		"a web1\n"
		"end ok\n");
	play((struct play_world){.past = "task sure ok;task tell open"}, text,
		"left tell: the message\n"
		"end complete\n");
	play((struct play_world){.past = "task sure ok;task tell open",
		     .options = {.retries_unknown = true}},
		text,
		"tell says t: x\n"
		"a web1\n"
		"end ok\n");
}

static void a_plan_in_a_plan_goes_on_too(void **state)
{
	(void)state;
	play(
		(struct play_world){
			.past = "set sub/mine web[1-2];sub/first web[1-2] ok;task sub/first ok;set "
				"sub/over@sub/roll web[1-2];set roll@sub/roll web[1-2];set "
				"group@sub/roll#1 web1;sub/each#1 web1 ok;task sub/each#1 ok"},
		"steps:\n"
		"  - {id: sub, plan: inner.yaml, inputs: {names: ['web[1-3]']}}\n",
		"done sub/first 2\n"
		"group sub/roll web1\n"
		"done sub/each#1 1\n"
		"sub/tidy#1 web1\n"
		"group sub/roll web2\n"
		"sub/each#2 web2\n"
		"sub/tidy#2 web2\n"
		"sub/good in1\n"
		"sub/all in1\n"
		"end ok\n");
}

#define TEST(name) cmocka_unit_test(name)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_is_done_is_not_done_again),
		TEST(who_failed_or_was_not_asked_is_asked),
		TEST(who_may_have_done_it_is_not_asked_again),
		TEST(what_is_left_stops_other_lanes),
		TEST(who_may_do_it_twice_is_asked_again),
		TEST(what_was_tolerated_is_over),
		TEST(limits_are_parts_of_all_nodes),
		TEST(the_last_word_counts),
		TEST(results_are_those_of_both),
		TEST(dropped_nodes_stay_dropped),
		TEST(one_was_enough),
		TEST(one_is_still_to_be_found),
		TEST(acts_of_ours_may_be_done_twice),
		TEST(sets_stay_as_they_were),
		TEST(groups_keep_their_members),
		TEST(who_was_lost_before_is_out_of_service),
		TEST(hooks_are_repeated_if_something_was_done_before_them),
		TEST(questions_and_messages_are_not_repeated),
		TEST(a_plan_in_a_plan_goes_on_too),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
