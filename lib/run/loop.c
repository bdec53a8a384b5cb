/*
 * The one place that waits: for the broker, for HTTP, for signals, for answers of whoever runs us,
 * for the runner's next deadline. Each turn: take what arrived, tell the runner, publish what it
 * wants sent, wait.
 */
#include "deploy/run.h"

#include <assert.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "deploy/error.h"
#include "deploy/lock.h"
#include "base/mem.h"
#include "run/check.h"
#include "run/fetches.h"
#include "run/outbox.h"
#include "run/questions.h"
#include "run/runner.h"
#include "run/stage.h"
#include "wire/transport.h"

/* Often enough for the heartbeat. */
#define MAX_WAIT_MS 2000
/* Arrivals are taken in portions, so that a flood of them starves neither deadlines nor signals. */
#define MAX_PORTION 500
/* … and for so long: then time runs out for nodes even if more is unread. */
#define MAX_UNDRAINED_US (2 * 1000000LL)

struct deploy_bus {
	struct dp_transport *transport;
};

/*
 * Before time runs out for anybody the broker is asked for an echo: what it had for us comes first,
 * so that a broker which is slow, and not the nodes, makes nobody silent and ends no discovery.
 */
enum echo {
	ECHO_NONE,
	ECHO_WANTED,
	ECHO_SENT,
	ECHO_BACK,
	ECHO_MISSING /* the broker gave none; not asked for again until something comes */
};

struct loop {
	struct dp_transport *transport; /* NULL, as outbox: the run needs no broker */
	const struct deploy_plan *plan;
	const struct deploy_run_options *options;
	struct dp_runner *runner;
	struct dp_outbox *outbox;
	struct dp_fetches *fetches;
	struct dp_questions *questions;
	struct dp_turns
		notices; /* messages to topics: a refusal is of the last one that was sent */
	bool can_write, has_more;
	bool has_unrecorded; /* something was queued since before_publish was called */
	enum echo echo;
	int64_t echo_us;     /* when it was first wanted */
	int64_t progress_us; /* when progress is told next */
	int64_t drained_us;  /* when nothing that had arrived was left unread */
};

int deploy_bus_open(struct deploy_bus **out, const struct deploy_config *config,
	const char *collective, struct deploy_error *err)
{
	struct dp_transport *transport = NULL;
	int rc = dp_transport_open(&transport, config, collective, err);

	if (rc)
		return rc;
	*out = dp_xcalloc(1, sizeof(**out));
	(*out)->transport = transport;
	return 0;
}

void deploy_bus_close(struct deploy_bus *bus)
{
	if (!bus)
		return;
	dp_transport_close(bus->transport);
	free(bus);
}

void deploy_bus_interrupt(void)
{
	dp_transport_interrupt();
}

int deploy_bus_lock(struct deploy_bus *bus, const char *name, struct deploy_error *err)
{
	if (deploy_lock_check(name, err))
		return err->code;
	return dp_transport_lock(bus->transport, name, err);
}

static void step(struct loop *loop, const struct dp_input *input)
{
	dp_runner_step(loop->runner, dp_clock_us(), dp_wall_us(), input);
}

/* What the runner wants done. */
static void act(void *arg, const struct dp_action *action)
{
	struct loop *loop = arg;

	switch (action->kind) {
	case DP_DO_FETCH:
		loop->has_unrecorded = true;
		dp_fetches_add(loop->fetches, action);
		break;
	case DP_DO_ASK:
		loop->has_unrecorded = true;
		dp_questions_add(loop->questions, action);
		break;
	case DP_DO_ANNOUNCE:
		assert(loop->transport);
		loop->has_unrecorded = true;
		dp_turns_add(&loop->notices, action);
		break;
	case DP_DO_SEND:
		assert(loop->outbox);
		loop->has_unrecorded = true;
		dp_outbox_add(loop->outbox, action);
		break;
	case DP_DO_PROBE:
		dp_outbox_add(loop->outbox, action);
		break;
	case DP_DO_WITHDRAW:
		if (loop->outbox)
			dp_outbox_withdraw(loop->outbox, action->task, action->attempt);
		dp_questions_withdraw(loop->questions, action->task);
		dp_turns_withdraw(&loop->notices, action->task);
		break;
	case DP_DO_EMIT:
		if (loop->options->sink)
			loop->options->sink(loop->options->sink_arg, &action->event);
		break;
	}
}

static void reject(struct loop *loop, const char *sender, const char *why)
{
	struct dp_input input = {.kind = DP_IN_REJECTED, .sender = sender, .text = why};

	step(loop, &input);
}

/* A reply that is well signed may still answer somebody else, or something else. */
static void take_reply(struct loop *loop, const struct dp_arrival *arrival)
{
	struct dp_input input = {.kind = DP_IN_REPLY, .reply = &arrival->reply};
	const struct deploy_request *request = dp_outbox_find(
		loop->outbox, arrival->reply.request_id, &input.task, &input.attempt);

	if (!request) {
		reject(loop, arrival->reply.sender, "it answers a request that is not ours");
		return;
	}
	if (input.attempt == 0)
		return;
	if (arrival->is_pong != !request->action) {
		reject(loop, arrival->reply.sender, "it answers something else than was asked");
		return;
	}
	step(loop, &input);
}

static void take_returned(struct loop *loop, const struct dp_arrival *arrival)
{
	struct dp_input input = {.kind = DP_IN_RETURNED, .sender = arrival->sender};

	if (dp_outbox_find(loop->outbox, arrival->id, &input.task, &input.attempt))
		step(loop, &input);
}

/* Whether the broker has what was announced. */
static void take_word(struct loop *loop, bool is_taken, const char *why)
{
	struct dp_input answer;

	if (!loop->notices.is_out)
		return;
	answer = dp_turns_finish(&loop->notices, is_taken, why);
	step(loop, &answer);
}

static void take(struct loop *loop, const struct dp_arrival *arrival)
{
	struct dp_input input = {.kind = DP_IN_UNBLOCKED, .text = arrival->text};

	if (loop->echo == ECHO_MISSING)
		loop->echo = ECHO_NONE;
	switch (arrival->kind) {
	case DP_ARRIVAL_NONE:
		break;
	case DP_ARRIVAL_ECHO:
		if (loop->echo == ECHO_SENT)
			loop->echo = ECHO_BACK;
		break;
	case DP_ARRIVAL_TAKEN:
	case DP_ARRIVAL_REFUSED:
		take_word(loop, arrival->kind == DP_ARRIVAL_TAKEN, arrival->text);
		break;
	case DP_ARRIVAL_REPLY:
		take_reply(loop, arrival);
		break;
	case DP_ARRIVAL_RETURNED:
		take_returned(loop, arrival);
		break;
	case DP_ARRIVAL_REJECTED:
		reject(loop, arrival->sender, arrival->text);
		break;
	case DP_ARRIVAL_BLOCKED:
		input.kind = DP_IN_BLOCKED;
		step(loop, &input);
		break;
	case DP_ARRIVAL_UNBLOCKED:
		step(loop, &input);
		break;
	}
}

static void receive_responses(struct loop *loop)
{
	struct dp_input input;

	while (!dp_runner_is_done(loop->runner) && dp_fetches_next(loop->fetches, &input))
		step(loop, &input);
}

static int receive(struct loop *loop, struct deploy_error *err)
{
	struct dp_arrival arrival;

	receive_responses(loop);
	if (!loop->transport)
		return 0;
	for (int i = 0; i < MAX_PORTION && !dp_runner_is_done(loop->runner); i++) {
		int rc = dp_transport_receive(loop->transport, &arrival, err);

		if (rc)
			return rc;
		loop->has_more = arrival.kind != DP_ARRIVAL_NONE;
		if (!loop->has_more)
			return 0;
		take(loop, &arrival);
	}
	return 0;
}

static bool wants_write(const struct loop *loop)
{
	return loop->transport &&
	       (!dp_outbox_is_empty(loop->outbox) || dp_turns_next(&loop->notices) ||
		       loop->echo == ECHO_WANTED) &&
	       !dp_transport_is_blocked(loop->transport);
}

/* What is about to be sent must be on record; if that fails, nothing of it is sent. */
static bool record(struct loop *loop)
{
	static const struct dp_input unrecorded = {.kind = DP_IN_UNRECORDED};
	const struct deploy_run_options *options = loop->options;

	if (!loop->has_unrecorded)
		return true;
	loop->has_unrecorded = false;
	if (!options->before_publish || options->before_publish(options->before_publish_arg) == 0)
		return true;
	step(loop, &unrecorded);
	return false;
}

static int publish(struct loop *loop, struct deploy_error *err)
{
	const struct dp_turn *notice = dp_turns_next(&loop->notices);
	int64_t before_us = dp_clock_us();
	size_t room = DP_MAX_TURN_BYTES;
	struct dp_input sent;
	int rc;

	if (!loop->can_write)
		return 0;
	loop->can_write = false;
	if (loop->echo == ECHO_WANTED) {
		loop->echo = ECHO_SENT;
		return dp_transport_echo(loop->transport, err);
	}
	/* It may take what there is of room in a turn. */
	if (notice) {
		loop->notices.is_out = true;
		return dp_transport_announce(loop->transport, notice->text, notice->body, err);
	}
	do {
		rc = dp_outbox_publish(loop->outbox, before_us, &room, &sent, err);
		/* A node may answer while we are still publishing: round trips begin before. */
		if (sent.kind == DP_IN_SENT)
			dp_runner_step(loop->runner, before_us, dp_wall_us(), &sent);
		/* What the runner wants sent now is not on record yet. */
	} while (!rc && room && !loop->has_unrecorded && !dp_outbox_is_empty(loop->outbox) &&
		 !dp_runner_is_done(loop->runner));
	return rc;
}

/* Send what can be sent, and is on record; a question is shown after what led to it. */
static int send_out(struct loop *loop, struct deploy_error *err)
{
	bool may_publish = loop->can_write && wants_write(loop);
	bool may_ask = dp_questions_has_next(loop->questions);
	struct dp_input answer;
	int rc;

	if (!may_publish && !may_ask && !dp_fetches_has_unstarted(loop->fetches))
		return 0;
	if (!record(loop))
		return 0;
	/* What the answer leads to is not on record yet. */
	if (may_ask && dp_questions_ask(loop->questions, &answer)) {
		step(loop, &answer);
		return 0;
	}
	rc = dp_fetches_start(loop->fetches, err);
	return rc || !may_publish ? rc : publish(loop, err);
}

static void take_signals(struct loop *loop)
{
	unsigned char signals[16];
	ssize_t n = read(loop->options->signal_fd, signals, sizeof(signals));

	for (ssize_t i = 0; i < n; i++) {
		struct dp_input input = {.kind = DP_IN_SIGNAL, .signal = signals[i]};

		if (signals[i] == SIGUSR1)
			input.kind = DP_IN_PROGRESS;
		else if (signals[i] != SIGINT && signals[i] != SIGTERM)
			continue;
		step(loop, &input);
	}
}

static bool is_awaiting_echo(const struct loop *loop)
{
	return loop->echo == ECHO_WANTED || loop->echo == ECHO_SENT;
}

/*
 * True if nothing can be on its way that the broker had before now (*is_confirmed: it said so); or
 * if waiting has its end.
 */
static bool has_settled(struct loop *loop, bool *is_confirmed)
{
	int64_t now_us = dp_clock_us();

	if (loop->has_more)
		return now_us - loop->drained_us > MAX_UNDRAINED_US;
	/* Who takes no publishes gives no echo either. */
	if (!loop->transport || dp_transport_is_blocked(loop->transport))
		return true;
	if (loop->echo == ECHO_NONE) {
		loop->echo = ECHO_WANTED;
		loop->echo_us = now_us;
		return false;
	}
	if (is_awaiting_echo(loop) && now_us - loop->echo_us <= MAX_UNDRAINED_US)
		return false;
	*is_confirmed = loop->echo == ECHO_BACK;
	loop->echo = *is_confirmed ? ECHO_NONE : ECHO_MISSING;
	return true;
}

static int wait_ms(const struct loop *loop)
{
	int64_t wake_us = dp_runner_wake_us(loop->runner), left_us;

	if (loop->has_more || dp_fetches_has_unstarted(loop->fetches) ||
		dp_questions_has_next(loop->questions))
		return 0;
	if (is_awaiting_echo(loop) && !dp_transport_is_blocked(loop->transport))
		wake_us = loop->echo_us + MAX_UNDRAINED_US;
	if (loop->options->progress_ms && loop->progress_us < wake_us)
		wake_us = loop->progress_us;
	if (wake_us == DP_NEVER)
		return MAX_WAIT_MS;
	left_us = wake_us - dp_clock_us();
	if (left_us <= 0)
		return 0;
	return left_us / 1000 >= MAX_WAIT_MS ? MAX_WAIT_MS : (int)((left_us + 999) / 1000);
}

static void wait_for_more(struct loop *loop)
{
	const struct deploy_run_options *options = loop->options;
	int idle_ms = options->idle ? options->idle(options->idle_arg) : -1;
	int left_ms = wait_ms(loop);
	/* The signal, the answer, HTTP, and room for the broker. */
	struct pollfd fds[2 + DP_HTTP_MAX_FDS + 1] = {
		{.fd = options->signal_fd, .events = POLLIN}, dp_questions_fd(loop->questions)};
	struct dp_input answer;
	size_t count;

	if (idle_ms >= 0 && idle_ms < left_ms)
		left_ms = idle_ms;
	count = dp_fetches_fds(loop->fetches, fds + 2, &left_ms);
	if (loop->transport)
		dp_transport_wait(loop->transport, wants_write(loop), fds, 2 + count, left_ms,
			&loop->can_write);
	else
		(void)poll(fds, 2 + count, left_ms);
	dp_fetches_turn(loop->fetches, fds + 2, count);
	if (fds[0].revents & POLLIN)
		take_signals(loop);
	if (dp_questions_turn(loop->questions, &fds[1], &answer))
		step(loop, &answer);
}

static void tell_progress(struct loop *loop)
{
	static const struct dp_input progress = {.kind = DP_IN_PROGRESS};
	int64_t now_us = dp_clock_us();

	if (!loop->options->progress_ms || now_us < loop->progress_us)
		return;
	/* The first time it is only the clock that starts. */
	if (loop->progress_us)
		step(loop, &progress);
	loop->progress_us = now_us + loop->options->progress_ms * INT64_C(1000);
}

static int turn(struct loop *loop, struct deploy_error *err)
{
	struct dp_input tick = {.kind = DP_IN_TICK};
	int rc = receive(loop, err);

	if (!rc)
		rc = send_out(loop, err);
	if (rc || dp_runner_is_done(loop->runner))
		return rc;
	if (!loop->has_more)
		loop->drained_us = dp_clock_us();
	if (dp_clock_us() < dp_runner_wake_us(loop->runner)) {
		if (loop->echo == ECHO_WANTED || loop->echo == ECHO_BACK)
			loop->echo = ECHO_NONE;
	} else if (has_settled(loop, &tick.is_confirmed)) {
		step(loop, &tick);
	}
	tell_progress(loop);
	if (!dp_runner_is_done(loop->runner))
		wait_for_more(loop);
	return 0;
}

static void run(struct loop *loop, struct deploy_error *err)
{
	static const struct dp_input start = {.kind = DP_IN_START};
	struct dp_input lost = {.kind = DP_IN_LOST};

	step(loop, &start);
	while (!dp_runner_is_done(loop->runner)) {
		if (turn(loop, err) == 0)
			continue;
		lost.text = err->text;
		step(loop, &lost);
	}
}

/* What a director adds must be as good as what the plan began with. */
static int direct(void *arg, struct deploy_plan *plan, const struct deploy_turn *turn,
	struct deploy_error *err)
{
	const struct loop *loop = arg;
	const struct deploy_director *director = loop->options->director;
	size_t from = plan->task_count;

	if (director->direct(director->arg, plan, turn, err))
		return err->code;
	return dp_check_tasks(plan, from, loop->transport, err);
}

static int check(const struct deploy_plan *plan, const struct deploy_run_options *options,
	bool has_bus, struct deploy_error *err)
{
	if (plan->task_count == 0 && !options->director)
		return deploy_error_set(err, DEPLOY_USAGE, "the plan has no task");
	return dp_check_tasks(plan, 0, has_bus, err);
}

static bool has_asked(const struct deploy_run_result *result)
{
	for (size_t i = 0; i < result->task_count; i++)
		if (result->tally[i].nodes)
			return true;
	return false;
}

/* Why the run ended before its plan did, unless a part of it has said so. */
static void explain(
	const struct loop *loop, const struct deploy_run_result *result, struct deploy_error *err)
{
	const struct deploy_error *why = dp_runner_error(loop->runner);

	if (err->code == DEPLOY_OK && why->code)
		*err = *why;
	if (err->code == DEPLOY_OK && result->end == DEPLOY_RUN_LOST && has_asked(result))
		(void)deploy_error_set(err, DEPLOY_CONNECT,
			"%s: the broker takes no publishes any more; the plan was left",
			dp_transport_peer(loop->transport));
	if (err->code == DEPLOY_OK && result->end == DEPLOY_RUN_LOST)
		(void)deploy_error_set(err, DEPLOY_CONNECT,
			dp_is_mute(loop->plan->tasks[0])
				? "%s: the broker did not say that it has the request; who acts on "
				  "it is unknown"
				: "%s: the broker takes no publishes; nothing was asked",
			dp_transport_peer(loop->transport));
}

int deploy_run(struct deploy_run_result *result, struct deploy_bus *bus, struct deploy_plan *plan,
	const struct deploy_run_options *options, struct deploy_error *err)
{
	struct loop loop = {
		.transport = bus ? bus->transport : NULL, .plan = plan, .options = options};
	const struct deploy_director director = {.direct = direct, .arg = &loop};

	*result = (struct deploy_run_result){0};
	if (check(plan, options, bus != NULL, err))
		return err->code;
	loop.runner = dp_runner_new(plan, act, &loop);
	loop.outbox = bus ? dp_outbox_new(bus->transport, plan) : NULL;
	loop.fetches = dp_fetches_new();
	loop.questions = dp_questions_new(options);
	if (options->director)
		dp_runner_set_director(loop.runner, &director);
	if (options->wants_intents)
		dp_runner_tell_intents(loop.runner);
	loop.can_write = true;
	loop.drained_us = dp_clock_us();
	run(&loop, err);
	dp_runner_finish(loop.runner, result);
	explain(&loop, result, err);
	dp_runner_free(loop.runner);
	dp_outbox_free(loop.outbox);
	dp_fetches_free(loop.fetches);
	dp_questions_free(loop.questions);
	free(loop.notices.items);
	return err->code;
}
