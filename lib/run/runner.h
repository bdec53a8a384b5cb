/*
 * The engine: a pure step function. It does no I/O, reads no clock, and knows neither broker nor
 * state nor stdout; it is told what happened and says what to do. Rules: ARCHITECTURE, section 5.
 *
 * Invariants, held after every step:
 *   - a node has at most one final outcome in a task, and has one when the task ended;
 *   - an outcome is credited only to a node that was asked, for the try it is in;
 *   - never more nodes in flight than batch or window of their task allow;
 *   - a task begins after what it needs has ended, and nothing but cleanup after a stop.
 * What a step costs does not depend on how many tasks there are, but for those that stop the run.
 */
#ifndef DP_RUNNER_H
#define DP_RUNNER_H

#include <stdbool.h>
#include <stdint.h>

#include "deploy/plan.h"
#include "deploy/run.h"
#include "model/act.h"
#include "model/reply.h"

#define DP_NEVER INT64_MAX

/* How long nodes in flight are waited for after a first INT or TERM. */
#define DP_GRACE_US (10 * 1000000LL)
/* … and how long cleanup may take after that, or after the run's deadline. */
#define DP_CLEANUP_US (60 * 1000000LL)
/* A broker that does not say that it has what nobody will answer is asked again so much later. */
#define DP_CONFIRM_PAUSE_US (100 * 1000LL)
/* Replies pause this long before silent nodes are probed. */
#define DP_PROBE_PAUSE_US (50 * 1000LL)

enum dp_input_kind {
	DP_IN_START,
	DP_IN_TICK,  /* the time it asked for has come */
	DP_IN_SENT,  /* a request was handed to the broker: rows, or everyone if the task is open */
	DP_IN_REPLY, /* well signed, for a request of this run: task, attempt, reply */
	DP_IN_RESPONSE, /* to a DP_DO_FETCH: task, attempt, rows[0], response */
	DP_IN_ANSWER,	/* to a DP_DO_ASK or DP_DO_ANNOUNCE: task, is_yes, or text: why not */
	DP_IN_RETURNED, /* the broker says that sender has no queue: task, attempt, sender */
	DP_IN_REJECTED, /* a message that is no reply of ours: sender (or NULL), text */
	DP_IN_SIGNAL,	/* SIGINT or SIGTERM: signal */
	DP_IN_PROGRESS, /* tell who is waited for */
	DP_IN_BLOCKED,	/* the broker takes no publishes: text */
	DP_IN_UNBLOCKED,
	DP_IN_LOST,	 /* the connection is gone: text */
	DP_IN_UNRECORDED /* what is to be sent could not be recorded, so it must not be */
};

struct dp_input {
	enum dp_input_kind kind;
	unsigned task, attempt;
	const uint32_t *rows; /* SENT: places in the task's node set */
	size_t row_count;
	bool is_mandatory;  /* SENT: the broker will say if the node has no queue */
	bool is_confirmed;  /* TICK: the broker has said all it has to say of what was sent */
	bool is_yes;	    /* ANSWER */
	const char *sender; /* RETURNED, REJECTED */
	const struct dp_reply *reply;
	const struct dp_http_response *response;
	int signal;
	const char *text;
};

enum dp_action_kind {
	DP_DO_SEND,  /* ask rows of task, or with is_broadcast everyone that matches its filter */
	DP_DO_FETCH, /* of an act: fetch, for rows[0]; of a chore: likewise, for nobody */
	DP_DO_ASK,   /* of a chore: ask whoever runs us text, when it is its turn */
	DP_DO_ANNOUNCE, /* of a chore: publish body to topic text, when it is its turn */
	DP_DO_PROBE, /* find out whether rows of task are connected; must have no effect on them */
	DP_DO_WITHDRAW, /* forget what is not sent yet of task: of attempt, or with 0 all of it */
	DP_DO_EMIT	/* tell event */
};

/*
 * Borrowed: lives until the function that got it returns. attempt is the try; for what an act wants
 * it is a number of its own, by which its answer comes back.
 */
struct dp_action {
	enum dp_action_kind kind;
	unsigned task, attempt;
	const struct deploy_nodeset *nodes; /* that rows point into; NULL for an open task */
	const uint32_t *rows;
	size_t row_count;
	bool is_broadcast;
	const struct deploy_request *request; /* SEND: an act's; NULL: that of the task */
	struct dp_http_request *fetch;	      /* FETCH: taken over */
	const char *text, *body;	      /* ASK, ANNOUNCE: live as long as the plan */
	struct deploy_event event;
};

/* Carries out, or queues, an action. Must not call the runner. */
typedef void dp_action_fn(void *arg, const struct dp_action *action);

struct dp_runner;

/* plan is borrowed and must outlive the runner. Caller frees with dp_runner_free(). */
struct dp_runner *dp_runner_new(struct deploy_plan *plan, dp_action_fn *act, void *arg);
void dp_runner_free(struct dp_runner *runner);

/* Have somebody add tasks to the plan from now on. Borrowed. */
void dp_runner_set_director(struct dp_runner *runner, const struct deploy_director *director);

/* Emit DEPLOY_EVENT_INTENT from now on. */
void dp_runner_tell_intents(struct dp_runner *runner);

/*
 * Take one input at the time now_us (monotonic); wall_us stamps events. Whatever arrived must be
 * handed in before DP_IN_TICK: arrivals let no node's time run out, and no discovery's; deadlines
 * always hold.
 */
void dp_runner_step(
	struct dp_runner *runner, int64_t now_us, int64_t wall_us, const struct dp_input *input);

bool dp_runner_is_done(const struct dp_runner *runner);

/* When to call it again with DP_IN_TICK, monotonic; DP_NEVER if it only waits for input. */
int64_t dp_runner_wake_us(const struct dp_runner *runner);

/* Why the run failed, or no node was left: DEPLOY_OK if neither. */
const struct deploy_error *dp_runner_error(const struct dp_runner *runner);

/* Hand over what the run came to; the runner is only good for dp_runner_free() afterwards. */
void dp_runner_finish(struct dp_runner *runner, struct deploy_run_result *result);

#endif
