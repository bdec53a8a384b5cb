/*
 * The one place that waits: for the broker, for HTTP, for signals, for answers of whoever runs us,
 * for the runner's next deadline. Each turn: take what arrived, tell the runner, publish what it
 * wants sent, wait.
 */
#include "run/loop.h"

#include <assert.h>
#include <signal.h>
#include <unistd.h>

#include "base/clock.h"

/* Often enough for the heartbeat. */
#define MAX_WAIT_MS 2000
/* Arrivals are taken in portions, so that a flood of them starves neither deadlines nor signals. */
#define MAX_PORTION 500
/* … and for so long: then time runs out for nodes even if more is unread. */
#define MAX_UNDRAINED_US (2 * 1000000LL)

static void step(struct dp_loop *loop, const struct dp_input *input)
{
	dp_runner_step(loop->runner, dp_clock_us(), dp_wall_us(), input);
}

void dp_loop_act(void *arg, const struct dp_action *action)
{
	struct dp_loop *loop = arg;

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

static void reject(struct dp_loop *loop, const char *sender, const char *why)
{
	struct dp_input input = {.kind = DP_IN_REJECTED, .sender = sender, .text = why};

	step(loop, &input);
}

/* A reply that is well signed may still answer somebody else, or something else. */
static void take_reply(struct dp_loop *loop, const struct dp_arrival *arrival)
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

static void take_returned(struct dp_loop *loop, const struct dp_arrival *arrival)
{
	struct dp_input input = {.kind = DP_IN_RETURNED, .sender = arrival->sender};

	if (dp_outbox_find(loop->outbox, arrival->id, &input.task, &input.attempt))
		step(loop, &input);
}

/* Whether the broker has what was announced. */
static void take_word(struct dp_loop *loop, bool is_taken, const char *why)
{
	struct dp_input answer;

	if (!loop->notices.is_out)
		return;
	answer = dp_turns_finish(&loop->notices, is_taken, why);
	step(loop, &answer);
}

static void take(struct dp_loop *loop, const struct dp_arrival *arrival)
{
	struct dp_input input = {.kind = DP_IN_UNBLOCKED, .text = arrival->text};

	if (loop->echo == DP_ECHO_MISSING)
		loop->echo = DP_ECHO_NONE;
	switch (arrival->kind) {
	case DP_ARRIVAL_NONE:
		break;
	case DP_ARRIVAL_ECHO:
		if (loop->echo == DP_ECHO_SENT)
			loop->echo = DP_ECHO_BACK;
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

static void receive_responses(struct dp_loop *loop)
{
	struct dp_input input;

	while (!dp_runner_is_done(loop->runner) && dp_fetches_next(loop->fetches, &input))
		step(loop, &input);
}

static int receive(struct dp_loop *loop, struct deploy_error *err)
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

static bool wants_write(const struct dp_loop *loop)
{
	return loop->transport &&
	       (!dp_outbox_is_empty(loop->outbox) || dp_turns_next(&loop->notices) ||
		       loop->echo == DP_ECHO_WANTED) &&
	       !dp_transport_is_blocked(loop->transport);
}

/* What is about to be sent must be on record; if that fails, nothing of it is sent. */
static bool record(struct dp_loop *loop)
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

static int publish(struct dp_loop *loop, struct deploy_error *err)
{
	const struct dp_turn *notice = dp_turns_next(&loop->notices);
	int64_t before_us = dp_clock_us();
	size_t room = DP_MAX_TURN_BYTES;
	struct dp_input sent;
	int rc;

	if (!loop->can_write)
		return 0;
	loop->can_write = false;
	if (loop->echo == DP_ECHO_WANTED) {
		loop->echo = DP_ECHO_SENT;
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
static int send_out(struct dp_loop *loop, struct deploy_error *err)
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

static void take_signals(struct dp_loop *loop)
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

static bool is_awaiting_echo(const struct dp_loop *loop)
{
	return loop->echo == DP_ECHO_WANTED || loop->echo == DP_ECHO_SENT;
}

/*
 * True if nothing can be on its way that the broker had before now (*is_confirmed: it said so); or
 * if waiting has its end.
 */
static bool has_settled(struct dp_loop *loop, bool *is_confirmed)
{
	int64_t now_us = dp_clock_us();

	if (loop->has_more)
		return now_us - loop->drained_us > MAX_UNDRAINED_US;
	/* Who takes no publishes gives no echo either. */
	if (!loop->transport || dp_transport_is_blocked(loop->transport))
		return true;
	if (loop->echo == DP_ECHO_NONE) {
		loop->echo = DP_ECHO_WANTED;
		loop->echo_us = now_us;
		return false;
	}
	if (is_awaiting_echo(loop) && now_us - loop->echo_us <= MAX_UNDRAINED_US)
		return false;
	*is_confirmed = loop->echo == DP_ECHO_BACK;
	loop->echo = *is_confirmed ? DP_ECHO_NONE : DP_ECHO_MISSING;
	return true;
}

static int wait_ms(const struct dp_loop *loop)
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

static void wait_for_more(struct dp_loop *loop)
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

static void tell_progress(struct dp_loop *loop)
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

static int turn(struct dp_loop *loop, struct deploy_error *err)
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
		if (loop->echo == DP_ECHO_WANTED || loop->echo == DP_ECHO_BACK)
			loop->echo = DP_ECHO_NONE;
	} else if (has_settled(loop, &tick.is_confirmed)) {
		step(loop, &tick);
	}
	tell_progress(loop);
	if (!dp_runner_is_done(loop->runner))
		wait_for_more(loop);
	return 0;
}

void dp_loop_run(struct dp_loop *loop, struct deploy_error *err)
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
