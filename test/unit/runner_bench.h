/*
 * A runner that is told what happens on a clock of its own. What it does is noted as text:
 *   start t0 3                      task 0 begins, it has 3 nodes
 *   group t0 web[1-2]               a group of it begins
 *   send t0 try1 web[1-2]           asked; "everyone" for an open task, "(broadcast)" to all
 *   intend web1 try1                it is to be asked; told before the send
 *   probe t0 web2 · withdraw t0
 *   outcome web1 failed try1 code 5 · retry web1 failed try1 code 5
 *   ignored late web2 · stopped WHY · blocked WHY · unblocked
 *   end t0 3                        task 0 ended; "not ok: WHY" if it is a chore
 *   ask t0 TEXT · announce t0 TOPIC: BODY · fetch t0 URL
 *   done complete
 */
#ifndef RUNNER_BENCH_H
#define RUNNER_BENCH_H

#include <stdarg.h>
#include <setjmp.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "net/http.h"
#include "run/runner.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define MS	     1000LL
#define START_US     (5 * 1000000LL)
#define WALL_US	     1700000000000000LL
#define TIMEOUT_MS   5000
#define MAX_SENDS    256

struct send {
	enum dp_action_kind kind;
	unsigned task, attempt;
	size_t count;
	uint32_t rows[32];
};

struct bench {
	struct deploy_plan *plan;
	const struct deploy_director *director;
	struct dp_runner *runner;
	int64_t now_us;
	unsigned long seq;
	char trace[32 * 1024];
	size_t len, actions;
	struct send sends[MAX_SENDS]; /* not handed to the broker yet */
	size_t send_count;
	bool holds;	   /* keeps sends back until told */
	bool is_mandatory; /* the broker says who is not connected */
	bool is_mute;	   /* … and does not say what it has */
	bool is_quiet;	   /* no action is noted */
	bool tells_intents, shows_asked, shows_ignored_text, shows_message;
	char group[100]; /* the last one */
	bool was_ok;	 /* the task that ended last */
	bool is_done;
	struct deploy_run_result result;
};

static inline void note(struct bench *bench, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static inline void note(struct bench *bench, const char *format, ...)
{
	size_t room = sizeof(bench->trace) - bench->len;
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(bench->trace + bench->len, room, format, args);
	va_end(args);
	assert_in_range(n, 0, room - 1);
	bench->len += (size_t)n;
}

static inline char *fold(const struct dp_action *action)
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

static inline void note_outcome(
	struct bench *bench, const char *what, const struct deploy_event *event)
{
	const struct deploy_outcome *outcome = event->outcome;

	assert_int_equal(event->attempt, outcome->attempt);
	assert_non_null(outcome->message);
	note(bench, "%s %s %s", what, event->node, deploy_outcome_state_name(outcome->state));
	if (outcome->attempt)
		note(bench, " try%u", outcome->attempt);
	if (outcome->statuscode)
		note(bench, " code %d", outcome->statuscode);
	if (outcome->not_connected)
		note(bench, " not connected");
	if (bench->shows_message)
		note(bench, ": %s", outcome->message);
	note(bench, "\n");
}

static inline void note_event(struct bench *bench, const struct deploy_event *event)
{
	assert_int_equal(event->seq, ++bench->seq);
	assert_true(event->at_us == WALL_US + bench->now_us);
	switch (event->type) {
	case DEPLOY_EVENT_TASK_STARTED:
		note(bench, "start t%u %zu\n", event->task, event->count);
		break;
	case DEPLOY_EVENT_PROGRESS:
		note(bench, "waiting for %zu: %s", event->count, event->text);
		if (event->node)
			note(bench, ", %lld ms for %s", (long long)event->waited_us / 1000,
				event->node);
		note(bench, "\n");
		break;
	case DEPLOY_EVENT_GROUP_STARTED:
		note(bench, "group t%u %s\n", event->task, event->text);
		(void)snprintf(bench->group, sizeof(bench->group), "%s", event->text);
		break;
	case DEPLOY_EVENT_INTENT:
		note(bench, "intend %s try%u\n", event->node, event->attempt);
		break;
	case DEPLOY_EVENT_ASKED:
		if (bench->shows_asked)
			note(bench, "asked %s try%u\n", event->node, event->attempt);
		break;
	case DEPLOY_EVENT_RETRY:
		note_outcome(bench, "retry", event);
		break;
	case DEPLOY_EVENT_OUTCOME:
		note_outcome(bench, "outcome", event);
		break;
	case DEPLOY_EVENT_IGNORED:
		note(bench, "ignored %s %s", deploy_ignored_name(event->reason),
			event->node ? event->node : "nobody");
		note(bench, bench->shows_ignored_text ? ": %s\n" : "%.0s\n", event->text);
		break;
	case DEPLOY_EVENT_STOPPED:
		note(bench, "stopped %s\n", event->text);
		break;
	case DEPLOY_EVENT_BLOCKED:
		note(bench, "blocked %s\n", event->text);
		break;
	case DEPLOY_EVENT_UNBLOCKED:
		note(bench, "unblocked\n");
		break;
	case DEPLOY_EVENT_TASK_ENDED:
		note(bench, "end t%u %zu", event->task, event->count);
		if (event->text)
			note(bench, " not ok: %s", event->text);
		bench->was_ok = event->is_ok;
		note(bench, "\n");
		break;
	case DEPLOY_EVENT_STEP:
	case DEPLOY_EVENT_TYPES:
		fail();
	}
}

static inline void queue_send(struct bench *bench, const struct dp_action *action)
{
	struct send *send = &bench->sends[bench->send_count++];

	assert_true(bench->send_count <= MAX_SENDS && action->row_count <= COUNT(send->rows));
	*send = (struct send){.kind = action->kind,
		.task = action->task,
		.attempt = action->attempt,
		.count = action->row_count};
	if (action->row_count)
		memcpy(send->rows, action->rows, action->row_count * sizeof(send->rows[0]));
}

static inline void withdraw_sends(struct bench *bench, unsigned task)
{
	size_t kept = 0;

	for (size_t i = 0; i < bench->send_count; i++)
		if (bench->sends[i].task != task)
			bench->sends[kept++] = bench->sends[i];
	bench->send_count = kept;
}

static inline void act(void *arg, const struct dp_action *action)
{
	struct bench *bench = arg;
	char *rows;

	bench->actions++;
	if (bench->is_quiet)
		return;
	rows = action->nodes ? fold(action) : NULL;
	switch (action->kind) {
	case DP_DO_SEND:
		note(bench, "send t%u try%u %s%s\n", action->task, action->attempt,
			rows ? rows : "everyone",
			rows && action->is_broadcast ? " (broadcast)" : "");
		queue_send(bench, action);
		break;
	case DP_DO_PROBE:
		note(bench, "probe t%u %s\n", action->task, rows);
		queue_send(bench, action);
		break;
	case DP_DO_WITHDRAW:
		if (bench->send_count)
			note(bench, "withdraw t%u\n", action->task);
		withdraw_sends(bench, action->task);
		break;
	case DP_DO_FETCH:
		note(bench, "fetch t%u %s\n", action->task, action->fetch->url);
		dp_http_request_free(action->fetch);
		break;
	case DP_DO_ASK:
		note(bench, "ask t%u %s\n", action->task, action->text);
		break;
	case DP_DO_ANNOUNCE:
		note(bench, "announce t%u %s: %s\n", action->task, action->text, action->body);
		break;
	case DP_DO_EMIT:
		note_event(bench, &action->event);
		break;
	}
	free(rows);
}

static inline void note_done(struct bench *bench)
{
	static const char *const ends[] = {"complete", "no nodes", "stopped", "deadline",
		"interrupted", "lost", "unrecorded", "failed"};

	bench->is_done = true;
	assert_true(dp_runner_wake_us(bench->runner) == DP_NEVER);
	dp_runner_finish(bench->runner, &bench->result);
	note(bench, "done %s\n", ends[bench->result.end]);
}

static inline void step(struct bench *bench, const struct dp_input *input)
{
	assert_false(bench->is_done);
	dp_runner_step(bench->runner, bench->now_us, WALL_US + bench->now_us, input);
	if (dp_runner_is_done(bench->runner))
		note_done(bench);
}

/* Hand the first send to the broker, or only so many of its rows. */
static inline void hand_over_rows(struct bench *bench, size_t count)
{
	struct send send = bench->sends[0];
	struct dp_input input = {.kind = DP_IN_SENT,
		.task = send.task,
		.attempt = send.attempt,
		.rows = send.rows,
		.row_count = count,
		.is_mandatory = bench->is_mandatory};

	assert_true(bench->send_count > 0 && count <= send.count);
	if (count < send.count) {
		bench->sends[0].count -= count;
		memmove(bench->sends[0].rows, send.rows + count,
			bench->sends[0].count * sizeof(send.rows[0]));
	} else {
		memmove(bench->sends, bench->sends + 1, --bench->send_count * sizeof(send));
	}
	if (send.kind == DP_DO_SEND)
		step(bench, &input);
}

static inline void hand_over(struct bench *bench)
{
	while (bench->send_count && !bench->is_done)
		hand_over_rows(bench, bench->sends[0].count);
}

static inline void tell(struct bench *bench, const struct dp_input *input)
{
	step(bench, input);
	if (!bench->holds && !bench->is_done)
		hand_over(bench);
}

/* A tick at the time that was asked for must do something, or ask for a later one. */
static inline void tick(struct bench *bench)
{
	struct dp_input input = {.kind = DP_IN_TICK, .is_confirmed = !bench->is_mute};
	size_t before = bench->actions;
	int64_t wake_us = dp_runner_wake_us(bench->runner);

	if (wake_us > bench->now_us)
		bench->now_us = wake_us;
	tell(bench, &input);
	if (bench->actions == before && dp_runner_wake_us(bench->runner) <= wake_us)
		fail_msg("a tick at %lld did nothing and asks for %lld again", (long long)wake_us,
			(long long)dp_runner_wake_us(bench->runner));
}

/* Let time pass, with a tick whenever it asked for one. */
static inline void pass(struct bench *bench, int64_t ms)
{
	int64_t until_us = bench->now_us + ms * MS;

	for (int i = 0; !bench->is_done && dp_runner_wake_us(bench->runner) <= until_us; i++) {
		assert_true(i < 10000);
		tick(bench);
	}
	bench->now_us = until_us;
}

static inline void answer(
	struct bench *bench, unsigned task, unsigned attempt, const char *sender, int code)
{
	struct dp_reply reply = {.sender = sender,
		.request_id = "0123456789abcdef0123456789abcdef",
		.statuscode = code,
		.statusmsg = code ? "no" : "OK"};
	struct dp_input input = {
		.kind = DP_IN_REPLY, .task = task, .attempt = attempt, .reply = &reply};

	tell(bench, &input);
}

/* Replies to the first try of the first task: names folded, each with the same code. */
static inline void reply(struct bench *bench, const char *names, int code)
{
	struct deploy_nodeset *set = deploy_nodeset_new();
	struct deploy_error err = {.code = DEPLOY_OK};

	assert_int_equal(deploy_nodeset_parse(set, names, &err), 0);
	for (size_t i = 0; i < deploy_nodeset_count(set); i++)
		answer(bench, 0, 1, deploy_nodeset_get(set, i), code);
	deploy_nodeset_free(set);
}

static inline void ok(struct bench *bench, const char *names)
{
	reply(bench, names, 0);
}

static inline void no_route(struct bench *bench, unsigned attempt, const char *sender)
{
	struct dp_input input = {.kind = DP_IN_RETURNED, .attempt = attempt, .sender = sender};

	tell(bench, &input);
}

static inline void send_signal(struct bench *bench, int number)
{
	struct dp_input input = {.kind = DP_IN_SIGNAL, .signal = number};

	tell(bench, &input);
}

static inline void lose(struct bench *bench)
{
	struct dp_input input = {.kind = DP_IN_LOST, .text = "connection reset"};

	tell(bench, &input);
}

/* The broker takes no publishes; what is sent meanwhile is kept back. */
static inline void block(struct bench *bench)
{
	struct dp_input input = {.kind = DP_IN_BLOCKED, .text = "low on memory"};

	bench->holds = true;
	tell(bench, &input);
}

static inline void unblock(struct bench *bench)
{
	struct dp_input input = {.kind = DP_IN_UNBLOCKED};

	bench->holds = false;
	tell(bench, &input);
}

/* What happened since the last call, line by line. */
static inline void expect(struct bench *bench, const char *lines)
{
	if (strcmp(bench->trace, lines) != 0)
		fail_msg("expected:\n%s\ngot:\n%s", lines, bench->trace);
	bench->len = 0;
	bench->trace[0] = '\0';
}

static inline void forget(struct bench *bench)
{
	bench->len = 0;
	bench->trace[0] = '\0';
}

static inline struct deploy_nodeset *set_of(const char *names)
{
	struct deploy_nodeset *set = deploy_nodeset_new();
	struct deploy_error err = {.code = DEPLOY_OK};

	if (*names)
		assert_int_equal(deploy_nodeset_parse(set, names, &err), 0);
	return set;
}

/* A task for names, or an open one if that is NULL; borrowed, until the next is added. */
static inline struct deploy_task *add_task(struct bench *bench, const char *names)
{
	struct deploy_task *task = deploy_plan_take_request(bench->plan, deploy_request_ping());

	task->nodes = names ? set_of(names) : NULL;
	task->policy.timeout_ms = TIMEOUT_MS;
	task->policy.discovery_ms = 2000;
	task->policy.window_ms = 300;
	return task;
}

static inline struct deploy_policy *add_policy(struct bench *bench, const char *names)
{
	return &add_task(bench, names)->policy;
}

static inline void set_batch(struct deploy_policy *policy, const char *text)
{
	struct deploy_error err = {.code = DEPLOY_OK};

	assert_int_equal(deploy_policy_parse_batch(policy, text, &err), 0);
}

static inline void set_max_fail(struct deploy_policy *policy, const char *text)
{
	struct deploy_error err = {.code = DEPLOY_OK};

	policy->has_max_fail = true;
	assert_int_equal(deploy_amount_parse(&policy->max_fail, text, true, &err), 0);
}

static inline void begin(struct bench *bench)
{
	static const struct dp_input input = {.kind = DP_IN_START};

	bench->runner = dp_runner_new(bench->plan, act, bench);
	if (bench->director)
		dp_runner_set_director(bench->runner, bench->director);
	if (bench->tells_intents)
		dp_runner_tell_intents(bench->runner);
	tell(bench, &input);
}

static inline int set_up(void **state)
{
	struct bench *bench = calloc(1, sizeof(*bench));

	if (!bench)
		return -1;
	bench->plan = deploy_plan_new();
	bench->now_us = START_US;
	bench->is_mandatory = true;
	*state = bench;
	return 0;
}

static inline int tear_down(void **state)
{
	struct bench *bench = *state;

	dp_runner_free(bench->runner);
	deploy_run_result_release(&bench->result);
	deploy_plan_free(bench->plan);
	free(bench);
	return 0;
}

/* Start again with an empty plan, for the next line of a table. */
static inline void renew(void **state)
{
	(void)tear_down(state);
	assert_int_equal(set_up(state), 0);
}

static inline void expect_tally(struct bench *bench, unsigned task, const char *text)
{
	const struct deploy_tally *tally = &bench->result.tally[task];
	char got[200];

	assert_true(bench->is_done);
	(void)snprintf(got, sizeof(got),
		"nodes %zu ok %zu failed %zu silent %zu (%zu) unknown %zu cancelled %zu",
		tally->nodes, tally->count[DEPLOY_OUTCOME_OK], tally->count[DEPLOY_OUTCOME_FAILED],
		tally->count[DEPLOY_OUTCOME_SILENT], deploy_nodeset_count(tally->not_connected),
		tally->count[DEPLOY_OUTCOME_UNKNOWN], tally->count[DEPLOY_OUTCOME_CANCELLED]);
	assert_string_equal(got, text);
}

static inline size_t ignored(const struct bench *bench, unsigned task, enum deploy_ignored reason)
{
	return bench->result.tally[task].ignored[reason];
}

#endif
