/*
 * Acts in random worlds: machines that want random things, nodes that answer, answer twice, late or
 * never, a broker that blocks and knows who has no queue, signals, a connection that is lost.
 * The act is its own judge: it knows what it wanted, and the world what it brought.
 * SEED=n takes other worlds, WORLDS=n so many of them, WORLD=n begins with that one.
 */
#include <stdarg.h>
#include <setjmp.h>
#include <inttypes.h>
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

#define COUNT(array)   (sizeof(array) / sizeof((array)[0]))
#define MS	       1000LL
#define DEFAULT_SEED   20240501u
#define DEFAULT_WORLDS 1000u
#define NODES	       10
#define MAX_FATES      4096
#define MAX_SENDS      64
#define MAX_STEPS      20000
#define REQUESTS       (2 + NODES) /* two that are shared, and one of each node */

enum fate_kind { REPLY, RETURNED, RESPONSE, SIGNALLED, LOST, BLOCKED, UNBLOCKED };

struct fate {
	int64_t at_us;
	enum fate_kind kind;
	unsigned serial;
	uint32_t node;
};

enum wanted { NOTHING, AN_ANSWER, A_RESPONSE, SLEEP, BE_DONE };

struct machine {
	enum wanted wanted;
	int64_t due_us; /* AN_ANSWER: out of time; SLEEP */
	const struct deploy_request *request;
	long long timeout_ms;
	unsigned serial; /* of its message or fetch; 0: none yet */
	unsigned steps;
	bool is_sent, is_stopped;
};

struct node {
	struct machine *machine; /* NULL unless in flight */
	unsigned tries;
	bool has_outcome;
	enum deploy_outcome_state state; /* that its machine came to last */
	int code;
};

struct send {
	unsigned serial;
	const struct deploy_request *request;
	size_t count;
	uint32_t rows[NODES];
};

struct world {
	struct deploy_act act; /* first, so that the act is the world */
	uint64_t random;
	struct deploy_request *requests[REQUESTS];
	struct deploy_plan *plan;
	struct dp_runner *runner;
	int64_t now_us, start_us;
	struct node nodes[NODES];
	size_t node_count, outcomes, begun, released, room;
	struct send sends[MAX_SENDS];
	size_t send_count;
	struct fate fates[MAX_FATES];
	size_t fate_count;
	const struct dp_input *input; /* of this step */
	const struct deploy_request *sent_now[MAX_SENDS];
	long long timeout_now[MAX_SENDS];
	size_t sent_now_count;
	unsigned serial;
	bool is_blocked, is_stopped, is_cut, is_interrupted;
	int64_t cut_us; /* by the deadline, or when nobody is waited for any longer */
	uint32_t absent;
	struct met {
		unsigned long inputs[DP_ACT_STOP + 1], unconnected, shared, withdrawn, given_up,
			retried, cancelled, outcomes;
	} met;
	char failure[300];
};

static void complain(struct world *world, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* The first thing that is wrong ends a world. */
static void complain(struct world *world, const char *format, ...)
{
	va_list args;

	if (*world->failure)
		return;
	va_start(args, format);
	(void)vsnprintf(world->failure, sizeof(world->failure), format, args);
	va_end(args);
}

#define REQUIRE(what, ...)                                                                         \
	do {                                                                                       \
		if (!(what))                                                                       \
			complain(world, __VA_ARGS__);                                              \
	} while (0)

/* Xorshift64*, Vigna 2014. */
static uint32_t draw(struct world *world, uint32_t below)
{
	world->random ^= world->random >> 12;
	world->random ^= world->random << 25;
	world->random ^= world->random >> 27;
	return (uint32_t)(((world->random * 2685821657736338717u) >> 32) * below >> 32);
}

static bool chance(struct world *world, unsigned percent)
{
	return draw(world, 100) < percent;
}

static void add_fate(
	struct world *world, enum fate_kind kind, int64_t at_us, uint32_t node, unsigned serial)
{
	if (world->fate_count < MAX_FATES)
		world->fates[world->fate_count++] = (struct fate){at_us, kind, serial, node};
}

static uint32_t number_of(const char *name)
{
	return (uint32_t)(name[1] - '0');
}

/* The act: it wants something at random, and remembers what. */

static void want_answer(
	struct world *world, struct machine *machine, struct dp_act_next *next, uint32_t node)
{
	uint32_t which = draw(world, 3);

	next->kind = DP_ACT_ASK;
	next->request = world->requests[which == 2 ? 2 + node : which];
	next->timeout_ms = chance(world, 80) ? 200 : 300;
	machine->wanted = AN_ANSWER;
	machine->request = next->request;
	machine->timeout_ms = next->timeout_ms;
	machine->serial = 0;
	machine->is_sent = false;
	machine->due_us = world->now_us + next->timeout_ms * MS;
}

static void want_sleep(struct world *world, struct machine *machine, struct dp_act_next *next)
{
	int64_t pause_us;

	next->kind = DP_ACT_SLEEP;
	next->sleep_ms = 1 + draw(world, 80);
	next->is_aligned = chance(world, 50);
	machine->wanted = SLEEP;
	pause_us = next->sleep_ms * MS;
	machine->due_us = world->now_us + pause_us;
	if (next->is_aligned)
		for (machine->due_us = world->start_us; machine->due_us <= world->now_us;)
			machine->due_us += pause_us;
}

static void want_end(
	struct world *world, struct machine *machine, struct dp_act_next *next, uint32_t node)
{
	static const enum deploy_outcome_state states[] = {DEPLOY_OUTCOME_OK, DEPLOY_OUTCOME_OK,
		DEPLOY_OUTCOME_FAILED, DEPLOY_OUTCOME_SILENT, DEPLOY_OUTCOME_UNKNOWN};

	next->kind = DP_ACT_DONE;
	next->state = states[draw(world, COUNT(states))];
	next->statuscode = next->state == DEPLOY_OUTCOME_FAILED ? 1 + (int)draw(world, 5) : 0;
	next->data = chance(world, 50) ? json_object() : NULL;
	world->nodes[node].state = next->state;
	world->nodes[node].code = next->statuscode;
	machine->wanted = BE_DONE;
}

static void want(
	struct world *world, struct machine *machine, struct dp_act_next *next, uint32_t node)
{
	static const struct dp_http_server server = {.ca_file = "ca.pem"};
	uint32_t what = machine->steps++ > 6 ? 9 : draw(world, 10);

	next->what = chance(world, 20) ? "tries" : NULL;
	if (what < 4) {
		want_answer(world, machine, next, node);
	} else if (what < 6) {
		want_sleep(world, machine, next);
	} else if (what < 8) {
		next->kind = DP_ACT_FETCH;
		next->fetch = dp_http_request_new(&server, "GET", "https://ca.example.net/");
		machine->wanted = A_RESPONSE;
		machine->serial = 0;
	} else {
		want_end(world, machine, next, node);
	}
}

static bool is_about(const struct world *world, enum dp_input_kind kind, unsigned serial)
{
	return world->input->kind == kind && world->input->attempt == serial;
}

/* What a machine is told must be what it waits for, and what the world brought. */
static void judge_step(struct world *world, const struct machine *machine, uint32_t node,
	const struct dp_act_input *input)
{
	bool is_tick = world->input->kind == DP_IN_TICK;

	switch (input->kind) {
	case DP_ACT_BEGIN:
		REQUIRE(machine->wanted == NOTHING && !machine->steps, "a machine is not new");
		break;
	case DP_ACT_REPLY:
		REQUIRE(machine->wanted == AN_ANSWER && machine->is_sent &&
				is_about(world, DP_IN_REPLY, machine->serial) &&
				number_of(input->reply->sender) == node,
			"n%u is told an answer that is not to what it was asked", node);
		break;
	case DP_ACT_NO_REPLY:
		REQUIRE(machine->wanted == AN_ANSWER, "n%u waits for no reply", node);
		if (input->is_unconnected)
			REQUIRE(is_about(world, DP_IN_RETURNED, machine->serial) &&
					number_of(world->input->sender) == node,
				"nobody said that n%u has no queue", node);
		else
			REQUIRE(is_tick && world->now_us >= machine->due_us, "n%u has time left",
				node);
		break;
	case DP_ACT_RESPONSE:
		REQUIRE(machine->wanted == A_RESPONSE &&
				is_about(world, DP_IN_RESPONSE, machine->serial),
			"n%u is told a response to something else", node);
		break;
	case DP_ACT_AWAKE:
		REQUIRE(machine->wanted == SLEEP && is_tick && world->now_us >= machine->due_us,
			"n%u is woken too early", node);
		break;
	case DP_ACT_STOP:
		REQUIRE(world->input->kind == DP_IN_SIGNAL && !machine->is_stopped,
			"n%u is stopped, and need not", node);
		break;
	}
}

static void act_step(struct deploy_act *act, void *row, const char *name,
	const struct dp_act_input *input, struct dp_act_next *next)
{
	struct world *world = (struct world *)act;
	struct machine *machine = row;
	uint32_t node = number_of(name);

	REQUIRE(input->now_us == world->now_us, "another time");
	judge_step(world, machine, node, input);
	world->met.inputs[input->kind]++;
	world->met.unconnected += input->is_unconnected;
	if (input->kind == DP_ACT_BEGIN) {
		world->begun++;
		world->nodes[node].machine = machine;
	}
	if (input->kind == DP_ACT_STOP) {
		machine->is_stopped = true;
		if (chance(world, 50)) {
			next->kind = DP_ACT_GO_ON;
			/* It is asked again what was not sent, with a new time. */
			if (machine->wanted == AN_ANSWER && !machine->is_sent)
				machine->due_us = world->now_us + machine->timeout_ms * MS;
			return;
		}
	}
	want(world, machine, next, node);
}

static void act_release_row(struct deploy_act *act, void *row)
{
	struct world *world = (struct world *)act;
	struct machine *machine = row;

	world->released++;
	REQUIRE(machine->wanted == BE_DONE || world->is_cut,
		"a machine is released that is not done");
	for (size_t i = 0; i < NODES; i++)
		if (world->nodes[i].machine == machine)
			world->nodes[i].machine = NULL;
}

static void act_free(struct deploy_act *act)
{
	(void)act;
}

/* What the runner does. */

static void judge_send(struct world *world, const struct dp_action *action)
{
	struct send *send = &world->sends[world->send_count];
	long long timeout_ms = -1;

	REQUIRE(action->attempt == ++world->serial, "message %u after %u", action->attempt,
		world->serial - 1);
	REQUIRE(action->row_count && action->row_count <= NODES && world->send_count < MAX_SENDS,
		"a message to nobody, or too many");
	if (*world->failure)
		return;
	world->send_count++;
	*send = (struct send){
		.serial = action->attempt, .request = action->request, .count = action->row_count};
	for (size_t i = 0; i < action->row_count; i++) {
		struct machine *machine = world->nodes[action->rows[i]].machine;

		send->rows[i] = action->rows[i];
		REQUIRE(machine && machine->wanted == AN_ANSWER && !machine->is_sent &&
				machine->request == action->request,
			"n%u does not want to be asked that", action->rows[i]);
		if (!machine)
			return;
		machine->serial = action->attempt;
		REQUIRE(timeout_ms < 0 || timeout_ms == machine->timeout_ms,
			"one message with two times");
		timeout_ms = machine->timeout_ms;
	}
	world->met.shared += action->row_count > 1;
	for (size_t i = 0; i < world->sent_now_count; i++)
		REQUIRE(world->sent_now[i] != action->request ||
				world->timeout_now[i] != timeout_ms,
			"two messages that could have been one");
	world->sent_now[world->sent_now_count] = action->request;
	world->timeout_now[world->sent_now_count++] = timeout_ms;
}

static void judge_withdraw(struct world *world, unsigned serial)
{
	size_t kept = 0;

	for (size_t i = 0; i < world->send_count; i++)
		if (serial && world->sends[i].serial != serial)
			world->sends[kept++] = world->sends[i];
	world->met.withdrawn += world->send_count - kept;
	world->send_count = kept;
}

static void judge_fetch(struct world *world, const struct dp_action *action)
{
	struct machine *machine = world->nodes[action->rows[0]].machine;

	dp_http_request_free(action->fetch);
	REQUIRE(action->attempt == ++world->serial, "a fetch with an old number");
	REQUIRE(machine && machine->wanted == A_RESPONSE, "n%u wants no fetch", action->rows[0]);
	if (machine)
		machine->serial = action->attempt;
	add_fate(world, RESPONSE, world->now_us + draw(world, 100000), action->rows[0],
		action->attempt);
}

static void judge_outcome(struct world *world, const struct deploy_event *event)
{
	struct node *node = &world->nodes[number_of(event->node)];
	const struct deploy_outcome *outcome = event->outcome;
	bool is_final = event->type == DEPLOY_EVENT_OUTCOME;

	REQUIRE(!node->has_outcome, "%s has a second outcome", event->node);
	if (node->tries == 0) {
		REQUIRE(outcome->state == DEPLOY_OUTCOME_CANCELLED && is_final && world->is_stopped,
			"%s did not begin", event->node);
	} else if (node->machine && outcome->state == DEPLOY_OUTCOME_UNKNOWN) {
		REQUIRE(world->is_cut, "%s is given up", event->node);
		world->met.given_up++;
	} else {
		REQUIRE(outcome->state == node->state && outcome->statuscode == node->code,
			"%s is not what its machine said", event->node);
	}
	node->has_outcome = is_final;
	world->outcomes += is_final;
	world->met.outcomes += is_final;
	world->met.retried += !is_final;
	world->met.cancelled += outcome->state == DEPLOY_OUTCOME_CANCELLED;
}

static size_t in_flight(const struct world *world)
{
	size_t count = 0;

	for (size_t i = 0; i < NODES; i++)
		count += world->nodes[i].machine != NULL;
	return count;
}

static void judge_event(struct world *world, const struct deploy_event *event)
{
	struct node *node = event->node && event->type != DEPLOY_EVENT_IGNORED
				    ? &world->nodes[number_of(event->node)]
				    : NULL;

	switch (event->type) {
	case DEPLOY_EVENT_TASK_STARTED:
		world->start_us = world->now_us;
		break;
	case DEPLOY_EVENT_ASKED:
		REQUIRE(!world->is_stopped && !node->machine && !node->has_outcome,
			"%s begins, and must not", event->node);
		REQUIRE(event->attempt == ++node->tries, "%s: a wrong try", event->node);
		REQUIRE(in_flight(world) < world->room, "%s begins, and there is no room",
			event->node);
		break;
	case DEPLOY_EVENT_STOPPED:
		world->is_stopped = true;
		break;
	case DEPLOY_EVENT_RETRY:
	case DEPLOY_EVENT_OUTCOME:
		judge_outcome(world, event);
		break;
	default:
		break;
	}
}

static void act(void *arg, const struct dp_action *action)
{
	struct world *world = arg;

	switch (action->kind) {
	case DP_DO_SEND:
		judge_send(world, action);
		break;
	case DP_DO_FETCH:
		judge_fetch(world, action);
		break;
	case DP_DO_PROBE:
		complain(world, "an act is not probed");
		break;
	case DP_DO_WITHDRAW:
		judge_withdraw(world, action->attempt);
		break;
	case DP_DO_ASK:
	case DP_DO_ANNOUNCE:
		fail();
		break;
	case DP_DO_EMIT:
		judge_event(world, &action->event);
		break;
	}
}

/* Who waits to be asked is in one message that is to be sent, and nobody else. */
static void judge_sends(struct world *world)
{
	size_t waiting = 0, queued = 0;

	for (size_t i = 0; i < NODES; i++) {
		const struct machine *machine = world->nodes[i].machine;

		waiting += machine && machine->wanted == AN_ANSWER && !machine->is_sent;
	}
	for (size_t i = 0; i < world->send_count; i++)
		for (size_t row = 0; row < world->sends[i].count; row++) {
			const struct machine *machine =
				world->nodes[world->sends[i].rows[row]].machine;

			REQUIRE(machine && !machine->is_sent &&
					machine->serial == world->sends[i].serial,
				"something is to be sent that nobody wants");
			queued++;
		}
	REQUIRE(waiting == queued, "%zu wait to be asked, and %zu are to be", waiting, queued);
}

static void judge_wake(struct world *world)
{
	int64_t wake_us = dp_runner_wake_us(world->runner);

	REQUIRE(world->input->kind != DP_IN_TICK || wake_us > world->now_us, "a tick too late");
	for (size_t i = 0; i < NODES; i++) {
		const struct machine *machine = world->nodes[i].machine;

		if (machine && (machine->wanted == AN_ANSWER || machine->wanted == SLEEP))
			REQUIRE(wake_us <= machine->due_us || wake_us <= world->now_us,
				"n%zu is woken too late", i);
	}
}

static void step(struct world *world, const struct dp_input *input)
{
	world->input = input;
	world->sent_now_count = 0;
	if (input->kind == DP_IN_LOST || (input->kind == DP_IN_SIGNAL && world->is_interrupted) ||
		world->now_us >= world->cut_us)
		world->is_cut = world->is_stopped = true;
	if (input->kind == DP_IN_SIGNAL && !world->is_interrupted) {
		world->is_interrupted = world->is_stopped = true;
		if (world->now_us + DP_GRACE_US < world->cut_us)
			world->cut_us = world->now_us + DP_GRACE_US;
	}
	dp_runner_step(world->runner, world->now_us, world->now_us, input);
	if (dp_runner_is_done(world->runner) || *world->failure)
		return;
	judge_sends(world);
	judge_wake(world);
}

/* The world. */

static void draw_answer(struct world *world, uint32_t node, unsigned serial)
{
	int64_t at_us = world->now_us + draw(world, 260000);

	if (world->absent >> node & 1) {
		add_fate(world, RETURNED, world->now_us + draw(world, 1000), node, serial);
		return;
	}
	if (chance(world, 85))
		add_fate(world, REPLY, at_us, node, serial);
	if (chance(world, 15))
		add_fate(world, REPLY, at_us + draw(world, 300000), node, serial);
	if (chance(world, 10))
		add_fate(world, chance(world, 50) ? REPLY : RETURNED, at_us, draw(world, NODES),
			draw(world, world->serial + 2));
}

/* Hand the first message to the broker, or a part of it. */
static void publish(struct world *world)
{
	struct send *first = &world->sends[0], send = *first;
	struct dp_input input = {.kind = DP_IN_SENT,
		.attempt = send.serial,
		.rows = send.rows,
		.is_mandatory = true};

	input.row_count = 1 + draw(world, (uint32_t)send.count);
	first->count -= input.row_count;
	memmove(first->rows, first->rows + input.row_count, first->count * sizeof(first->rows[0]));
	if (!first->count)
		memmove(first, first + 1, --world->send_count * sizeof(send));
	for (size_t i = 0; i < input.row_count; i++) {
		struct machine *machine = world->nodes[send.rows[i]].machine;

		machine->is_sent = true;
		machine->due_us = world->now_us + machine->timeout_ms * MS;
		draw_answer(world, send.rows[i], send.serial);
	}
	step(world, &input);
}

static void meet(struct world *world, const struct fate *fate)
{
	const struct dp_http_response response = {.status = 200, .body = ""};
	char name[] = "n0";
	struct dp_reply reply = {.sender = name, .request_id = "", .statusmsg = ""};
	struct dp_input input = {.attempt = fate->serial,
		.sender = name,
		.reply = &reply,
		.rows = &fate->node,
		.row_count = 1,
		.signal = SIGINT,
		.text = "",
		.response = &response};
	static const enum dp_input_kind kinds[] = {DP_IN_REPLY, DP_IN_RETURNED, DP_IN_RESPONSE,
		DP_IN_SIGNAL, DP_IN_LOST, DP_IN_BLOCKED, DP_IN_UNBLOCKED};

	name[1] = (char)('0' + fate->node);
	input.kind = kinds[fate->kind];
	if (fate->kind == BLOCKED || fate->kind == UNBLOCKED)
		world->is_blocked = fate->kind == BLOCKED;
	step(world, &input);
}

static struct fate take_fate(struct world *world, size_t at)
{
	struct fate fate = world->fates[at];

	world->fates[at] = world->fates[--world->fate_count];
	return fate;
}

static void turn(struct world *world)
{
	static const struct dp_input tick = {.kind = DP_IN_TICK};
	int64_t wake_us = dp_runner_wake_us(world->runner), at_us = DP_NEVER;
	struct fate fate;
	size_t next = 0;

	if (world->send_count && !world->is_blocked && chance(world, 70)) {
		publish(world);
		return;
	}
	for (size_t i = 0; i < world->fate_count; i++)
		if (world->fates[i].at_us < at_us)
			at_us = world->fates[next = i].at_us;
	if (at_us == DP_NEVER && wake_us == DP_NEVER) {
		complain(world, "nothing will ever happen");
		return;
	}
	if ((at_us < wake_us ? at_us : wake_us) > world->now_us)
		world->now_us = at_us < wake_us ? at_us : wake_us;
	if (wake_us <= world->now_us && (at_us > world->now_us || chance(world, 50))) {
		step(world, &tick);
		return;
	}
	fate = take_fate(world, next);
	meet(world, &fate);
}

static void draw_policy(struct world *world, struct deploy_policy *policy)
{
	world->room = world->node_count;
	if (chance(world, 40))
		policy->window = (unsigned)(world->room = 1 + draw(world, 5));
	else if (chance(world, 40)) {
		policy->batch_count = 1;
		policy->batch[0].value = (unsigned)(world->room = 1 + draw(world, 5));
	}
	policy->tries = draw(world, 4);
	policy->try_sleep_ms = draw(world, 60);
	policy->retries_silent = chance(world, 50);
	policy->has_max_fail = chance(world, 40);
	policy->max_fail.value = draw(world, 5);
	policy->timeout_ms = 1;
	policy->deadline_ms = chance(world, 20) ? 1 + draw(world, 2000) : 0;
}

static void draw_world(struct world *world)
{
	static const struct dp_act_ops ops = {
		sizeof(struct machine), act_step, act_release_row, act_free};
	struct deploy_task *task;
	struct deploy_error err = {.code = DEPLOY_OK};
	char name[] = "n0";

	world->act.ops = &ops;
	world->plan = deploy_plan_new();
	task = deploy_plan_take_act(world->plan, &world->act);
	task->nodes = deploy_nodeset_new();
	world->node_count = 1 + draw(world, NODES);
	for (size_t i = 0; i < world->node_count; i++) {
		name[1] = (char)('0' + i);
		(void)deploy_nodeset_add(task->nodes, name, &err);
	}
	draw_policy(world, &task->policy);
	world->now_us = 1 + draw(world, 5000);
	world->cut_us =
		task->policy.deadline_ms ? world->now_us + task->policy.deadline_ms * MS : DP_NEVER;
	world->absent = chance(world, 40) ? draw(world, 1u << NODES) : 0;
	for (unsigned i = chance(world, 25) ? 1 + draw(world, 2) : 0; i; i--)
		add_fate(world, SIGNALLED, draw(world, 1500000), 0, 0);
	if (chance(world, 10))
		add_fate(world, LOST, draw(world, 1500000), 0, 0);
	for (unsigned i = chance(world, 25) ? 1 + draw(world, 2) : 0; i; i--) {
		add_fate(world, BLOCKED, draw(world, 1000000), 0, 0);
		add_fate(world, UNBLOCKED, draw(world, 2000000), 0, 0);
	}
}

static void judge_result(struct world *world, const struct deploy_run_result *result)
{
	size_t total = 0;

	for (int state = 0; state < DEPLOY_OUTCOME_STATES; state++)
		total += result->tally[0].count[state];
	REQUIRE(world->outcomes == world->node_count && total == world->node_count,
		"%zu outcomes of %zu nodes", world->outcomes, world->node_count);
	REQUIRE(!world->send_count, "something is left to be sent");
	REQUIRE(world->begun == world->released, "%zu machines begun, %zu released", world->begun,
		world->released);
}

static void live(struct world *world, uint32_t seed, uint32_t number)
{
	static const struct dp_input start = {.kind = DP_IN_START};
	struct met met = world->met;
	struct deploy_run_result result;

	*world = (struct world){.met = met};
	/* Any odd multiplier spreads the numbers; the state must not be zero. */
	world->random = (((uint64_t)seed << 32 | number) + 1) * 0x9e3779b97f4a7c15u;
	for (size_t i = 0; i < REQUESTS; i++)
		world->requests[i] = deploy_request_ping();
	draw_world(world);
	world->runner = dp_runner_new(world->plan, act, world);
	step(world, &start);
	for (int i = 0; !dp_runner_is_done(world->runner) && !*world->failure; i++) {
		turn(world);
		REQUIRE(i < MAX_STEPS, "it does not end");
	}
	dp_runner_finish(world->runner, &result);
	if (!*world->failure)
		judge_result(world, &result);
	deploy_run_result_release(&result);
	dp_runner_free(world->runner);
	deploy_plan_free(world->plan);
	for (size_t i = 0; i < REQUESTS; i++)
		deploy_request_free(world->requests[i]);
}

static uint32_t setting(const char *name, uint32_t otherwise)
{
	const char *text = getenv(name);

	return text ? (uint32_t)strtoul(text, NULL, 10) : otherwise;
}

static void expect_to_have_met_everything(const struct met *met)
{
	for (size_t i = 0; i < COUNT(met->inputs); i++)
		assert_true(met->inputs[i] > 0);
	assert_true(met->unconnected && met->shared && met->withdrawn && met->given_up);
	assert_true(met->retried && met->cancelled && met->outcomes);
}

static void every_machine_hears_only_what_it_waits_for(void **state)
{
	uint32_t seed = setting("SEED", DEFAULT_SEED), first = setting("WORLD", 0);
	uint32_t end = first + setting("WORLDS", DEFAULT_WORLDS);
	struct world *world = calloc(1, sizeof(*world));

	(void)state;
	assert_non_null(world);
	for (uint32_t number = first; number < end; number++) {
		live(world, seed, number);
		if (*world->failure)
			fail_msg("SEED=%" PRIu32 " WORLD=%" PRIu32 ": %s", seed, number,
				world->failure);
	}
	if (end - first >= DEFAULT_WORLDS)
		expect_to_have_met_everything(&world->met);
	free(world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_machine_hears_only_what_it_waits_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
