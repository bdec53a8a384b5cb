/*
 * Tasks with an act, in the runner, told what happens on a clock of its own. The act follows a
 * script, one letter a step:
 *   a, b  ask a request that all share     p    ask a request of the node's own
 *   s     sleep 100 ms                     S    sleep until the next multiple of 100 ms
 *   f     fetch                            !    like a, and say what it does
 *   o, x, u   done: ok, failed, unknown
 * A reply that is no OK ends it as failed, no reply as silent; a stop as the bench says.
 * What is done is noted as text:
 *   begin web1 · send #1 a web[1-2] · fetch #2 web1 · step web1 does it · withdraw #1
 *   outcome web1 ok · retry web1 failed · ignored late web1 · stopped WHY · end · done complete
 */
#include <stdarg.h>
#include <setjmp.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "model/act.h"
#include "net/http.h"
#include "run/runner.h"

#define MS	   1000LL
#define START_US   (5 * 1000000LL + 30 * MS)
#define TIMEOUT_MS 1000
#define MAX_SENDS  64

struct toy {
	struct deploy_act act;
	struct deploy_request *shared[2],
		*own[10]; /* a, b; of the nodes whose name ends in 0 to 9 */
	const char *script, *special, *special_node;
	char on_stop; /* 'g' go on, 'e' ask b and be done, 'u' be done at once */
	int begun, released, stops;
};

struct toy_row {
	const char *at; /* in the script */
	bool is_begun, is_stopping;
};

struct send {
	unsigned serial;
	size_t count;
	uint32_t rows[32];
};

struct bench {
	struct deploy_plan *plan;
	struct toy *toy;
	struct dp_runner *runner;
	int64_t now_us;
	char trace[16 * 1024];
	struct send sends[MAX_SENDS];
	size_t send_count;
	bool holds;	/* keeps sends back */
	bool is_quiet;	/* notes no begin */
	unsigned fetch; /* the last one's serial and row */
	uint32_t fetch_row;
	bool is_done;
	struct deploy_run_result result;
};

static void note(struct bench *bench, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void note(struct bench *bench, const char *format, ...)
{
	size_t len = strlen(bench->trace);
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(bench->trace + len, sizeof(bench->trace) - len, format, args);
	va_end(args);
	assert_in_range(n, 0, sizeof(bench->trace) - len - 1);
}

/* The act. */

static void want(struct toy *toy, struct toy_row *row, const char *node, struct dp_act_next *next)
{
	static const struct dp_http_server server = {.ca_file = "ca.pem"};

	next->timeout_ms = TIMEOUT_MS;
	next->sleep_ms = 100;
	next->kind = DP_ACT_ASK;
	next->state = DEPLOY_OUTCOME_OK;
	switch (*row->at++) {
	case '!':
		next->what = "does it";
		next->request = toy->shared[0];
		break;
	case 'a':
		next->request = toy->shared[0];
		break;
	case 'b':
		next->request = toy->shared[1];
		break;
	case 'p':
		next->request = toy->own[node[strlen(node) - 1] - '0'];
		break;
	case 'S':
		next->is_aligned = true;
		next->kind = DP_ACT_SLEEP;
		break;
	case 's':
		next->kind = DP_ACT_SLEEP;
		break;
	case 'f':
		next->kind = DP_ACT_FETCH;
		next->fetch = dp_http_request_new(&server, "GET", "https://ca.example.net/");
		break;
	case 'u':
		next->kind = DP_ACT_DONE;
		next->state = DEPLOY_OUTCOME_UNKNOWN;
		break;
	case 'x':
		next->kind = DP_ACT_DONE;
		next->state = DEPLOY_OUTCOME_FAILED;
		next->statuscode = 5;
		(void)snprintf(next->message, sizeof(next->message), "broken");
		break;
	default:
		next->kind = DP_ACT_DONE;
		next->data = json_pack("{s:s}", "of", node);
	}
}

static void fail_with(struct dp_act_next *next, enum deploy_outcome_state state, int code)
{
	next->kind = DP_ACT_DONE;
	next->state = state;
	next->statuscode = code;
}

static void stop(struct toy *toy, struct toy_row *row, const char *node, struct dp_act_next *next)
{
	assert_false(row->is_stopping);
	row->is_stopping = true;
	toy->stops++;
	next->kind = DP_ACT_GO_ON;
	row->at = toy->on_stop == 'e' ? "bo" : toy->on_stop == 'u' ? "u" : row->at;
	if (toy->on_stop != 'g')
		want(toy, row, node, next);
}

static void toy_step(struct deploy_act *act, void *memory, const char *node,
	const struct dp_act_input *input, struct dp_act_next *next)
{
	struct toy *toy = (struct toy *)act;
	struct toy_row *row = memory;

	assert_true(row->is_begun == (input->kind != DP_ACT_BEGIN));
	switch (input->kind) {
	case DP_ACT_BEGIN:
		toy->begun++;
		row->is_begun = true;
		row->at = toy->special_node && strcmp(toy->special_node, node) == 0 ? toy->special
										    : toy->script;
		want(toy, row, node, next);
		break;
	case DP_ACT_REPLY:
		assert_string_equal(input->reply->sender, node);
		if (input->reply->statuscode)
			fail_with(next, DEPLOY_OUTCOME_FAILED, input->reply->statuscode);
		else
			want(toy, row, node, next);
		break;
	case DP_ACT_NO_REPLY:
		fail_with(next, DEPLOY_OUTCOME_SILENT, 0);
		next->not_connected = input->is_unconnected;
		break;
	case DP_ACT_RESPONSE:
		assert_int_equal(input->response->status, 200);
		want(toy, row, node, next);
		break;
	case DP_ACT_AWAKE:
		want(toy, row, node, next);
		break;
	case DP_ACT_STOP:
		stop(toy, row, node, next);
		break;
	}
}

static void toy_release_row(struct deploy_act *act, void *memory)
{
	(void)memory;
	((struct toy *)act)->released++;
}

static void toy_free(struct deploy_act *act)
{
	struct toy *toy = (struct toy *)act;

	for (size_t i = 0; i < 2; i++)
		deploy_request_free(toy->shared[i]);
	for (size_t i = 0; i < 10; i++)
		deploy_request_free(toy->own[i]);
	free(toy);
}

static struct toy *toy_new(void)
{
	static const struct dp_act_ops ops = {
		sizeof(struct toy_row), toy_step, toy_release_row, toy_free};
	struct toy *toy = calloc(1, sizeof(*toy));

	assert_non_null(toy);
	toy->act.ops = &ops;
	toy->script = "ao";
	toy->on_stop = 'g';
	for (size_t i = 0; i < 2; i++)
		toy->shared[i] = deploy_request_ping();
	for (size_t i = 0; i < 10; i++)
		toy->own[i] = deploy_request_ping();
	return toy;
}

/* What the runner does. */

static char *fold(const struct dp_action *action)
{
	struct deploy_nodeset *set = deploy_nodeset_new();
	struct deploy_error err = {.code = DEPLOY_OK};
	char *text;

	for (size_t i = 0; i < action->row_count; i++)
		assert_int_equal(deploy_nodeset_add(set,
					 deploy_nodeset_get(action->nodes, action->rows[i]), &err),
			0);
	text = deploy_nodeset_print(set);
	deploy_nodeset_free(set);
	return text;
}

static void note_event(struct bench *bench, const struct deploy_event *event)
{
	const char *node = event->node ? event->node : "";

	switch (event->type) {
	case DEPLOY_EVENT_ASKED:
		note(bench, bench->is_quiet ? "%.0s" : "begin %s\n", node);
		break;
	case DEPLOY_EVENT_INTENT:
		note(bench, "intend %s\n", node);
		break;
	case DEPLOY_EVENT_STEP:
		note(bench, "step %s try%u %s\n", node, event->attempt, event->text);
		break;
	case DEPLOY_EVENT_RETRY:
	case DEPLOY_EVENT_OUTCOME:
		note(bench, "%s %s %s", deploy_event_type_name(event->type), node,
			deploy_outcome_state_name(event->outcome->state));
		if (event->outcome->statuscode)
			note(bench, " code %d", event->outcome->statuscode);
		note(bench, event->outcome->not_connected ? " not connected\n" : "\n");
		break;
	case DEPLOY_EVENT_IGNORED:
		note(bench, "ignored %s %s\n", deploy_ignored_name(event->reason), node);
		break;
	case DEPLOY_EVENT_STOPPED:
		note(bench, "stopped %s\n", event->text);
		break;
	case DEPLOY_EVENT_TASK_ENDED:
		note(bench, "end %zu\n", event->count);
		break;
	default:
		break;
	}
}

static void note_send(struct bench *bench, const struct dp_action *action, const char *rows)
{
	const struct toy *toy = bench->toy;
	struct send *send = &bench->sends[bench->send_count++];
	const char *what = action->request == toy->shared[0]   ? "a "
			   : action->request == toy->shared[1] ? "b "
			   : action->request		       ? "own "
							       : "";

	assert_true(bench->send_count < MAX_SENDS && action->row_count <= 32);
	*send = (struct send){.serial = action->attempt, .count = action->row_count};
	if (action->row_count)
		memcpy(send->rows, action->rows, action->row_count * sizeof(*send->rows));
	note(bench, "send #%u %s%s\n", action->attempt, what, rows ? rows : "everyone");
}

static void withdraw(struct bench *bench, unsigned serial)
{
	size_t kept = 0;

	if (bench->send_count)
		note(bench, serial ? "withdraw #%u\n" : "withdraw\n", serial);
	for (size_t i = 0; i < bench->send_count; i++)
		if (serial && bench->sends[i].serial != serial)
			bench->sends[kept++] = bench->sends[i];
	bench->send_count = kept;
}

static void act(void *arg, const struct dp_action *action)
{
	struct bench *bench = arg;
	char *rows = action->nodes ? fold(action) : NULL;

	switch (action->kind) {
	case DP_DO_SEND:
		note_send(bench, action, rows);
		break;
	case DP_DO_FETCH:
		note(bench, "fetch #%u %s\n", action->attempt, rows);
		bench->fetch = action->attempt;
		bench->fetch_row = action->rows[0];
		dp_http_request_free(action->fetch);
		break;
	case DP_DO_PROBE:
		fail_msg("an act is not probed");
		break;
	case DP_DO_WITHDRAW:
		withdraw(bench, action->attempt);
		break;
	case DP_DO_ASK:
	case DP_DO_ANNOUNCE:
		fail();
		break;
	case DP_DO_EMIT:
		note_event(bench, &action->event);
		break;
	}
	free(rows);
}

static void step(struct bench *bench, const struct dp_input *input)
{
	static const char *const ends[] = {
		"complete", "no nodes", "stopped", "deadline", "interrupted", "lost", "unrecorded"};

	assert_false(bench->is_done);
	dp_runner_step(bench->runner, bench->now_us, bench->now_us, input);
	if (!dp_runner_is_done(bench->runner))
		return;
	bench->is_done = true;
	dp_runner_finish(bench->runner, &bench->result);
	note(bench, "done %s\n", ends[bench->result.end]);
}

/* Hand the first send to the broker. */
static void hand_over(struct bench *bench)
{
	struct send send = bench->sends[0];
	struct dp_input input = {.kind = DP_IN_SENT,
		.task = (unsigned)bench->plan->task_count - 1,
		.attempt = send.serial,
		.rows = send.rows,
		.row_count = send.count,
		.is_mandatory = true};

	if (!send.count)
		input.task = 0;
	memmove(bench->sends, bench->sends + 1, --bench->send_count * sizeof(send));
	step(bench, &input);
}

static void tell(struct bench *bench, const struct dp_input *input)
{
	step(bench, input);
	while (!bench->holds && !bench->is_done && bench->send_count)
		hand_over(bench);
}

static void pass(struct bench *bench, int64_t ms)
{
	static const struct dp_input tick = {.kind = DP_IN_TICK};
	int64_t until_us = bench->now_us + ms * MS;

	for (int i = 0; !bench->is_done && dp_runner_wake_us(bench->runner) <= until_us; i++) {
		assert_true(i < 1000);
		if (dp_runner_wake_us(bench->runner) > bench->now_us)
			bench->now_us = dp_runner_wake_us(bench->runner);
		tell(bench, &tick);
	}
	bench->now_us = until_us;
}

/* Replies to message #serial, each with that code. */
static void reply(struct bench *bench, unsigned serial, const char *names, int code)
{
	struct deploy_nodeset *set = deploy_nodeset_new();
	struct deploy_error err = {.code = DEPLOY_OK};

	assert_int_equal(deploy_nodeset_parse(set, names, &err), 0);
	for (size_t i = 0; i < deploy_nodeset_count(set); i++) {
		struct dp_reply from = {.sender = deploy_nodeset_get(set, i),
			.request_id = "",
			.statuscode = code,
			.statusmsg = ""};
		struct dp_input input = {.kind = DP_IN_REPLY,
			.task = (unsigned)bench->plan->task_count - 1,
			.attempt = serial,
			.reply = &from};

		tell(bench, &input);
	}
	deploy_nodeset_free(set);
}

static void respond(struct bench *bench, unsigned serial, uint32_t row)
{
	const struct dp_http_response response = {.status = 200, .body = ""};
	struct dp_input input = {.kind = DP_IN_RESPONSE,
		.attempt = serial,
		.rows = &row,
		.row_count = 1,
		.response = &response};

	tell(bench, &input);
}

static void no_route(struct bench *bench, unsigned serial, const char *sender)
{
	struct dp_input input = {.kind = DP_IN_RETURNED, .attempt = serial, .sender = sender};

	tell(bench, &input);
}

static void interrupt(struct bench *bench)
{
	struct dp_input input = {.kind = DP_IN_SIGNAL, .signal = SIGINT};

	tell(bench, &input);
}

static void expect(struct bench *bench, const char *lines)
{
	if (strcmp(bench->trace, lines) != 0)
		fail_msg("expected:\n%s\ngot:\n%s", lines, bench->trace);
	bench->trace[0] = '\0';
}

/* The task for names, which follows script; NULL: for those that are found. */
static struct deploy_policy *plan(struct bench *bench, const char *names, const char *script)
{
	struct deploy_error err = {.code = DEPLOY_OK};
	struct deploy_task *task = deploy_plan_take_act(bench->plan, &bench->toy->act);

	bench->toy->script = script;
	if (names) {
		task->nodes = deploy_nodeset_new();
		assert_int_equal(deploy_nodeset_parse(task->nodes, names, &err), 0);
	} else {
		task->nodes_from = 0;
	}
	return &task->policy;
}

static void begin(struct bench *bench)
{
	static const struct dp_input input = {.kind = DP_IN_START};

	bench->runner = dp_runner_new(bench->plan, act, bench);
	tell(bench, &input);
}

static int set_up(void **state)
{
	struct bench *bench = calloc(1, sizeof(*bench));

	if (!bench)
		return -1;
	bench->plan = deploy_plan_new();
	bench->toy = toy_new();
	bench->now_us = START_US;
	bench->is_quiet = true;
	*state = bench;
	return 0;
}

static int tear_down(void **state)
{
	struct bench *bench = *state;

	dp_runner_free(bench->runner);
	assert_int_equal(bench->toy->begun, bench->toy->released);
	deploy_run_result_release(&bench->result);
	deploy_plan_free(bench->plan);
	free(bench);
	return 0;
}

static void nodes_that_want_the_same_in_one_step_share_a_message(void **state)
{
	struct bench *bench = *state;

	bench->is_quiet = false;
	plan(bench, "web[1-3]", "abo");
	begin(bench);
	expect(bench, "begin web1\nbegin web2\nbegin web3\nsend #1 a web[1-3]\n");
	reply(bench, 1, "web[1-2]", 0);
	expect(bench, "send #2 b web1\nsend #3 b web2\n");
	reply(bench, 2, "web1", 0);
	reply(bench, 3, "web2", 0);
	reply(bench, 1, "web3", 7);
	expect(bench, "outcome web1 ok\noutcome web2 ok\noutcome web3 failed code 7\nend 3\n"
		      "done complete\n");
	assert_int_equal(bench->result.tally[0].count[DEPLOY_OUTCOME_OK], 2);
}

static void different_requests_are_sent_in_the_order_in_which_they_were_wanted(void **state)
{
	struct bench *bench = *state;

	bench->toy->special_node = "web2";
	bench->toy->special = "bo";
	plan(bench, "web[1-4]", "ao");
	begin(bench);
	expect(bench, "send #1 a web[1,3-4]\nsend #2 b web2\n");
}

/* … and not in that in which they lie in memory: one of the two would be wrong. */
static void order_of_requests_is_not_that_of_memory(void **state)
{
	struct bench *bench = *state;

	bench->toy->special_node = "web2";
	bench->toy->special = "ao";
	plan(bench, "web[1-4]", "bo");
	begin(bench);
	expect(bench, "send #1 b web[1,3-4]\nsend #2 a web2\n");
}

static void nodes_with_requests_of_their_own_share_none(void **state)
{
	struct bench *bench = *state;

	plan(bench, "web[1-3]", "po");
	begin(bench);
	expect(bench, "send #1 own web1\nsend #2 own web2\nsend #3 own web3\n");
}

static void aligned_sleepers_wake_together_and_ask_in_one_message(void **state)
{
	struct bench *bench = *state;

	plan(bench, "web[1-3]", "aSbo");
	begin(bench);
	reply(bench, 1, "web1", 0);
	pass(bench, 60);
	reply(bench, 1, "web2", 0);
	pass(bench, 39);
	expect(bench, "send #1 a web[1-3]\n");
	pass(bench, 1);
	expect(bench, "send #2 b web[1-2]\n");
	reply(bench, 1, "web3", 0);
	pass(bench, 99);
	expect(bench, "");
	pass(bench, 1);
	expect(bench, "send #3 b web3\n");
}

static void sleep_lasts_as_long_as_was_said(void **state)
{
	struct bench *bench = *state;

	plan(bench, "web1", "aso");
	begin(bench);
	pass(bench, 30);
	reply(bench, 1, "web1", 0);
	pass(bench, 99);
	expect(bench, "send #1 a web1\n");
	pass(bench, 1);
	expect(bench, "outcome web1 ok\nend 1\ndone complete\n");
}

static void window_counts_nodes_from_begin_to_done(void **state)
{
	struct bench *bench = *state;

	bench->is_quiet = false;
	plan(bench, "web[1-4]", "aso")->window = 2;
	begin(bench);
	reply(bench, 1, "web[1-2]", 0);
	expect(bench, "begin web1\nbegin web2\nsend #1 a web[1-2]\n");
	pass(bench, 100);
	expect(bench, "outcome web1 ok\noutcome web2 ok\nbegin web3\nbegin web4\n"
		      "send #2 a web[3-4]\n");
}

static void what_changes_something_is_told_before_it_is_sent(void **state)
{
	struct bench *bench = *state;

	plan(bench, "web[1-2]", "!o");
	begin(bench);
	expect(bench, "step web1 try1 does it\nstep web2 try1 does it\nsend #1 a web[1-2]\n");
}

static void no_reply_in_time_is_for_the_act_to_judge(void **state)
{
	struct bench *bench = *state;

	plan(bench, "web[1-2]", "ao")->timeout_ms = 1;
	begin(bench);
	pass(bench, TIMEOUT_MS - 1);
	expect(bench, "send #1 a web[1-2]\n");
	pass(bench, 1);
	expect(bench, "outcome web1 silent\noutcome web2 silent\nend 2\ndone complete\n");
}

static void node_without_a_queue_is_known_at_once(void **state)
{
	struct bench *bench = *state;

	plan(bench, "web[1-2]", "aao");
	begin(bench);
	reply(bench, 1, "web1", 0);
	no_route(bench, 1, "web1");
	no_route(bench, 1, "web2");
	expect(bench, "send #1 a web[1-2]\nsend #2 a web1\noutcome web2 silent not connected\n");
	no_route(bench, 2, "web1");
	expect(bench, "outcome web1 silent not connected\nend 2\ndone complete\n");
	assert_int_equal(deploy_nodeset_count(bench->result.tally[0].not_connected), 2);
}

static void answer_to_anything_but_the_last_message_is_not_credited(void **state)
{
	struct bench *bench = *state;

	plan(bench, "web[1-2]", "abao");
	begin(bench);
	reply(bench, 1, "web1", 0);
	expect(bench, "send #1 a web[1-2]\nsend #2 b web1\n");
	reply(bench, 1, "web1", 0);
	reply(bench, 3, "web1", 0);
	reply(bench, 2, "web2", 0);
	reply(bench, 1, "db1", 0);
	expect(bench, "ignored late web1\nignored unexpected web1\nignored unexpected web2\n"
		      "ignored unexpected db1\n");
	reply(bench, 2, "web1", 9);
	reply(bench, 2, "web1", 0);
	expect(bench, "outcome web1 failed code 9\nignored duplicate web1\n");
	pass(bench, TIMEOUT_MS);
	expect(bench, "outcome web2 silent\nend 2\ndone complete\n");
}

/* Whether a reply is the second one is a matter of the last message alone. */
static void late_reply_to_the_second_message_is_no_duplicate(void **state)
{
	struct bench *bench = *state;

	plan(bench, "web[1-2]", "abo");
	bench->toy->special_node = "web2";
	bench->toy->special = "ssssssssssssssso";
	begin(bench);
	reply(bench, 1, "web1", 0);
	pass(bench, TIMEOUT_MS);
	reply(bench, 2, "web1", 0);
	expect(bench, "send #1 a web1\nsend #2 b web1\noutcome web1 silent\nignored late web1\n");
}

static void reply_that_is_taken_before_the_tick_is_in_time(void **state)
{
	struct bench *bench = *state;

	plan(bench, "web[1-2]", "ao");
	begin(bench);
	bench->now_us += 2 * TIMEOUT_MS * MS;
	reply(bench, 1, "web[1-2]", 0);
	expect(bench, "send #1 a web[1-2]\noutcome web1 ok\noutcome web2 ok\nend 2\n"
		      "done complete\n");
}

static void reply_after_the_timeout_is_late(void **state)
{
	struct bench *bench = *state;

	plan(bench, "web[1-2]", "ao");
	bench->toy->special_node = "web2";
	bench->toy->special = "ssssssssssssso";
	begin(bench);
	pass(bench, TIMEOUT_MS);
	reply(bench, 1, "web1", 0);
	expect(bench, "send #1 a web1\noutcome web1 silent\nignored late web1\n");
}

static void flood_of_replies_is_counted_and_hides_no_answer(void **state)
{
	struct bench *bench = *state;

	plan(bench, "web[1-2]", "ao");
	begin(bench);
	for (int i = 0; i < 1100; i++)
		reply(bench, 1, "db1", 0);
	bench->trace[0] = '\0';
	reply(bench, 1, "web[1-2]", 0);
	expect(bench, "outcome web1 ok\noutcome web2 ok\nend 2\ndone complete\n");
	assert_int_equal(bench->result.tally[0].ignored[DEPLOY_IGNORED_FLOOD], 1100 - 1008);
}

static void failed_node_begins_again_with_a_new_machine(void **state)
{
	struct bench *bench = *state;
	struct deploy_policy *policy = plan(bench, "web[1-2]", "ao");

	policy->tries = 2;
	policy->try_sleep_ms = 50;
	begin(bench);
	reply(bench, 1, "web1", 4);
	no_route(bench, 1, "web2");
	expect(bench, "send #1 a web[1-2]\nretry web1 failed code 4\n"
		      "outcome web2 silent not connected\n");
	pass(bench, 50);
	reply(bench, 1, "web1", 0);
	reply(bench, 2, "web1", 0);
	expect(bench, "send #2 a web1\nignored late web1\noutcome web1 ok\nend 2\n"
		      "done complete\n");
	assert_int_equal(bench->toy->begun, 3);
}

static void max_fail_lets_those_begun_finish_and_begins_no_more(void **state)
{
	struct bench *bench = *state;
	struct deploy_policy *policy = plan(bench, "web[1-4]", "ao");

	policy->has_max_fail = true;
	bench->toy->special_node = "web2";
	bench->toy->special = "x";
	begin(bench);
	reply(bench, 1, "web1", 0);
	expect(bench, "outcome web2 failed code 5\n"
		      "stopped 1 of 4 nodes not ok, more than the 0 that max-fail 0 tolerates\n"
		      "outcome web3 cancelled\noutcome web4 cancelled\nsend #1 a web1\n"
		      "outcome web1 ok\nend 4\ndone stopped\n");
	assert_int_equal(bench->toy->stops, 0);
}

static void act_may_not_know_what_became_of_a_node(void **state)
{
	struct bench *bench = *state;

	plan(bench, "web1", "u")->tries = 3;
	begin(bench);
	expect(bench, "outcome web1 unknown\nend 1\ndone complete\n");
}

static void response_goes_to_the_node_that_fetched_it(void **state)
{
	struct bench *bench = *state;
	unsigned first;

	plan(bench, "web[1-2]", "ffo");
	begin(bench);
	expect(bench, "fetch #1 web1\nfetch #2 web2\n");
	respond(bench, 1, 0);
	first = bench->fetch;
	respond(bench, 1, 0);
	expect(bench, "fetch #3 web1\n");
	respond(bench, first, 0);
	expect(bench, "outcome web1 ok\n");
}

static void stop_is_told_once_and_who_goes_on_keeps_what_it_waits_for(void **state)
{
	struct bench *bench = *state;

	plan(bench, "web[1-3]", "ao")->window = 2;
	bench->toy->special_node = "web2";
	bench->toy->special = "so";
	begin(bench);
	interrupt(bench);
	pass(bench, 100);
	reply(bench, 1, "web1", 0);
	expect(bench, "send #1 a web1\nstopped interrupted\noutcome web2 ok\noutcome web1 ok\n"
		      "outcome web3 cancelled\nend 3\ndone interrupted\n");
	assert_int_equal(bench->toy->stops, 2);
}

static void stopped_node_may_be_asked_to_undo_and_the_old_answer_is_late(void **state)
{
	struct bench *bench = *state;

	bench->toy->on_stop = 'e';
	plan(bench, "web[1-2]", "ao");
	begin(bench);
	interrupt(bench);
	reply(bench, 1, "web1", 0);
	reply(bench, 2, "web[1-2]", 0);
	expect(bench, "send #1 a web[1-2]\nstopped interrupted\nsend #2 b web[1-2]\n"
		      "ignored late web1\noutcome web1 ok\noutcome web2 ok\nend 2\n"
		      "done interrupted\n");
}

/* What was not sent when the stop came is not sent behind what undoes it. */
static void stop_takes_back_what_was_not_sent(void **state)
{
	struct bench *bench = *state;

	bench->holds = true;
	bench->toy->on_stop = 'e';
	plan(bench, "web[1-2]", "ao");
	begin(bench);
	interrupt(bench);
	expect(bench, "send #1 a web[1-2]\nstopped interrupted\nwithdraw\nsend #2 b web[1-2]\n");
	assert_int_equal(bench->send_count, 1);
}

static void who_goes_on_is_still_asked_what_was_not_sent(void **state)
{
	struct bench *bench = *state;

	bench->holds = true;
	plan(bench, "web[1-2]", "ao");
	begin(bench);
	interrupt(bench);
	expect(bench, "send #1 a web[1-2]\nstopped interrupted\nwithdraw\nsend #2 a web[1-2]\n");
	bench->holds = false;
	hand_over(bench);
	reply(bench, 2, "web[1-2]", 0);
	expect(bench, "outcome web1 ok\noutcome web2 ok\nend 2\ndone interrupted\n");
}

static void stop_waits_ten_seconds_at_most(void **state)
{
	struct bench *bench = *state;

	plan(bench, "web1",
		"sssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssss"
		"ssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssss"
		"o");
	begin(bench);
	interrupt(bench);
	pass(bench, 9999);
	expect(bench, "stopped interrupted\n");
	pass(bench, 1);
	expect(bench, "outcome web1 unknown\nend 1\ndone interrupted\n");
}

static void second_interrupt_leaves_at_once_and_sends_nothing_more(void **state)
{
	struct bench *bench = *state;

	bench->holds = true;
	plan(bench, "web[1-2]", "ao");
	begin(bench);
	interrupt(bench);
	bench->trace[0] = '\0';
	interrupt(bench);
	expect(bench, "outcome web1 unknown\noutcome web2 unknown\nend 2\nwithdraw\n"
		      "done interrupted\n");
}

static void blocked_broker_takes_no_chance_to_undo_away(void **state)
{
	static const struct dp_input blocked = {.kind = DP_IN_BLOCKED, .text = "memory"};
	struct bench *bench = *state;

	bench->toy->on_stop = 'e';
	plan(bench, "web1", "ao");
	begin(bench);
	tell(bench, &blocked);
	bench->holds = true;
	interrupt(bench);
	expect(bench, "send #1 a web1\nstopped interrupted\nsend #2 b web1\n");
}

static void what_could_not_be_sent_in_time_is_never_sent(void **state)
{
	struct bench *bench = *state;

	bench->holds = true;
	plan(bench, "web[1-3]", "ao");
	bench->toy->special_node = "web3";
	bench->toy->special = "sbo";
	begin(bench);
	pass(bench, TIMEOUT_MS);
	expect(bench, "send #1 a web[1-2]\nsend #2 b web3\nwithdraw #1\noutcome web1 silent\n"
		      "outcome web2 silent\n");
	assert_int_equal(bench->send_count, 1);
	bench->holds = false;
	hand_over(bench);
	reply(bench, 1, "web1", 0);
	reply(bench, 2, "web3", 0);
	expect(bench, "ignored late web1\noutcome web3 ok\nend 3\ndone complete\n");
}

static void time_for_a_reply_counts_from_the_publish(void **state)
{
	struct bench *bench = *state;

	bench->holds = true;
	plan(bench, "web1", "ao");
	begin(bench);
	pass(bench, 900);
	hand_over(bench);
	pass(bench, TIMEOUT_MS - 1);
	expect(bench, "send #1 a web1\n");
	pass(bench, 1);
	expect(bench, "outcome web1 silent\nend 1\ndone complete\n");
}

static void deadline_of_the_task_cuts_machines_off(void **state)
{
	struct bench *bench = *state;

	plan(bench, "web[1-2]", "ssssssssssssssssssssssssssssssssssssssssssssao")->deadline_ms =
		250;
	begin(bench);
	pass(bench, 249);
	expect(bench, "");
	pass(bench, 1);
	expect(bench, "stopped the deadline of the task has passed\noutcome web1 unknown\n"
		      "outcome web2 unknown\nend 2\ndone stopped\n");
	assert_int_equal(bench->toy->stops, 0);
}

static void lost_connection_leaves_machines_unknown(void **state)
{
	static const struct dp_input lost = {.kind = DP_IN_LOST, .text = "reset"};
	struct bench *bench = *state;

	plan(bench, "web[1-2]", "ao")->window = 1;
	begin(bench);
	tell(bench, &lost);
	expect(bench, "send #1 a web1\noutcome web1 unknown\noutcome web2 cancelled\nend 2\n"
		      "done lost\n");
}

static void open_task_finds_the_nodes_of_an_act(void **state)
{
	struct bench *bench = *state;
	struct deploy_task *task = deploy_plan_take_request(bench->plan, deploy_request_ping());

	task->policy.discovery_ms = 500;
	task->policy.window_ms = 100;
	plan(bench, NULL, "ao");
	begin(bench);
	expect(bench, "send #1 everyone\n");
	bench->plan->task_count = 1;
	reply(bench, 1, "web[1-2]", 0);
	bench->plan->task_count = 2;
	pass(bench, 100);
	expect(bench, "outcome web1 ok\noutcome web2 ok\nend 2\nsend #1 a web[1-2]\n");
	reply(bench, 1, "web[1-2]", 0);
	expect(bench, "outcome web1 ok\noutcome web2 ok\nend 2\ndone complete\n");
}

static void answer_to_a_task_that_ended_is_late(void **state)
{
	static const struct dp_reply from = {.sender = "web1", .request_id = "", .statusmsg = ""};
	static const struct dp_input late = {.kind = DP_IN_REPLY, .attempt = 1, .reply = &from};
	static const uint32_t rows[] = {0};
	static const struct dp_input sent = {
		.kind = DP_IN_SENT, .attempt = 1, .rows = rows, .row_count = 1};
	struct bench *bench = *state;
	struct deploy_task *task;

	plan(bench, "web1", "ao");
	task = deploy_plan_take_request(bench->plan, deploy_request_ping());
	task->nodes = deploy_nodeset_copy(bench->plan->tasks[0]->nodes);
	task->policy.timeout_ms = TIMEOUT_MS;
	bench->holds = true;
	begin(bench);
	tell(bench, &sent);
	tell(bench, &late);
	expect(bench, "send #1 a web1\noutcome web1 ok\nend 1\nwithdraw\n"
		      "send #1 web1\n");
	tell(bench, &late);
	expect(bench, "ignored late web1\n");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(nodes_that_want_the_same_in_one_step_share_a_message),
		TEST(different_requests_are_sent_in_the_order_in_which_they_were_wanted),
		TEST(order_of_requests_is_not_that_of_memory),
		TEST(nodes_with_requests_of_their_own_share_none),
		TEST(aligned_sleepers_wake_together_and_ask_in_one_message),
		TEST(sleep_lasts_as_long_as_was_said),
		TEST(window_counts_nodes_from_begin_to_done),
		TEST(what_changes_something_is_told_before_it_is_sent),
		TEST(no_reply_in_time_is_for_the_act_to_judge),
		TEST(node_without_a_queue_is_known_at_once),
		TEST(answer_to_anything_but_the_last_message_is_not_credited),
		TEST(late_reply_to_the_second_message_is_no_duplicate),
		TEST(reply_that_is_taken_before_the_tick_is_in_time),
		TEST(reply_after_the_timeout_is_late),
		TEST(flood_of_replies_is_counted_and_hides_no_answer),
		TEST(failed_node_begins_again_with_a_new_machine),
		TEST(max_fail_lets_those_begun_finish_and_begins_no_more),
		TEST(act_may_not_know_what_became_of_a_node),
		TEST(response_goes_to_the_node_that_fetched_it),
		TEST(stop_is_told_once_and_who_goes_on_keeps_what_it_waits_for),
		TEST(stopped_node_may_be_asked_to_undo_and_the_old_answer_is_late),
		TEST(stop_takes_back_what_was_not_sent),
		TEST(who_goes_on_is_still_asked_what_was_not_sent),
		TEST(stop_waits_ten_seconds_at_most),
		TEST(second_interrupt_leaves_at_once_and_sends_nothing_more),
		TEST(blocked_broker_takes_no_chance_to_undo_away),
		TEST(what_could_not_be_sent_in_time_is_never_sent),
		TEST(time_for_a_reply_counts_from_the_publish),
		TEST(deadline_of_the_task_cuts_machines_off),
		TEST(lost_connection_leaves_machines_unknown),
		TEST(answer_to_a_task_that_ended_is_late),
		TEST(open_task_finds_the_nodes_of_an_act),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
