/*
 * An act is what is done to a node that takes more than one request: pushing facts, a Puppet run,
 * signing a certificate. It is a pure machine, one row of memory a node: it is told what happened
 * and says what it wants next. It does no I/O, reads no clock, and knows neither broker nor server.
 *
 * A task has an act instead of a request. The policy of the task (batch, window, tries, limits,
 * deadlines) holds for whole nodes: a node is in flight from DP_ACT_BEGIN to DP_ACT_DONE.
 */
#ifndef DP_ACT_H
#define DP_ACT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "deploy/outcome.h"
#include "deploy/request.h"
#include "model/reply.h"

struct deploy_act;
struct dp_http_request;	 /* net/http.h */
struct dp_http_response; /* net/http.h */

enum dp_act_input_kind {
	DP_ACT_BEGIN,	 /* the node's turn has come; row is all zero */
	DP_ACT_REPLY,	 /* reply: what the node answered to the last DP_ACT_ASK */
	DP_ACT_NO_REPLY, /* it did not in time; is_unconnected: the broker has no queue for it */
	DP_ACT_RESPONSE, /* response: to the last DP_ACT_FETCH, also when that failed */
	DP_ACT_AWAKE,	 /* the last DP_ACT_SLEEP is over */
	DP_ACT_STOP	 /* the run is to end: do what must not stay undone, at most 10 s */
};

/* Borrowed until the step returns. */
struct dp_act_input {
	enum dp_act_input_kind kind;
	int64_t now_us; /* monotonic */
	bool is_unconnected;
	const struct dp_reply *reply;
	const struct dp_http_response *response;
};

enum dp_act_next_kind {
	DP_ACT_ASK,   /* request to this node; nodes that want the same one in the same step share
		       * a message */
	DP_ACT_FETCH, /* an HTTP request */
	DP_ACT_SLEEP, /* for sleep_ms */
	DP_ACT_DONE,  /* state and what belongs to it; the row is released */
	DP_ACT_GO_ON  /* after DP_ACT_STOP only: what was wanted last still is */
};

/* What an act wants. Zeroed before each step. */
struct dp_act_next {
	enum dp_act_next_kind kind;
	/*
	 * What is about to happen, if it changes something: "create_fact deploop_role". Told as
	 * DEPLOY_EVENT_STEP, and so recorded, before it is sent. Borrowed until the next step of
	 * this row; NULL: not told.
	 */
	const char *what;
	const struct deploy_request *request; /* ASK: borrowed, lives as long as the act */
	long long timeout_ms;		      /* ASK: for the reply */
	struct dp_http_request *fetch;	      /* FETCH: taken over */
	long long sleep_ms;
	/* SLEEP: wake at a multiple of sleep_ms since the task began, together with the others. */
	bool is_aligned;
	/* DONE. OK and FAILED are answers; SILENT and UNKNOWN are not. */
	enum deploy_outcome_state state;
	bool not_connected;
	int statuscode;
	char message[512];
	json_t *data; /* a new reference; may be NULL */
};

struct dp_act_ops {
	size_t row_size;
	void (*step)(struct deploy_act *act, void *row, const char *node,
		const struct dp_act_input *input, struct dp_act_next *next);
	void (*release_row)(struct deploy_act *act, void *row); /* may be NULL */
	void (*free)(struct deploy_act *act);
};

/* First member of every act. Made by a constructor in a public header; owned by its task. */
struct deploy_act {
	const struct dp_act_ops *ops;
};

#endif
