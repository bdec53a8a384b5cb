/* What is asked: an agent's action with its inputs, of the nodes of one collective. */
#ifndef DEPLOY_REQUEST_H
#define DEPLOY_REQUEST_H

#include <stdbool.h>

#include <jansson.h>

#include "deploy/error.h"

/* All strings are owned by the request; so is inputs (one reference). */
struct deploy_request {
	char *agent;      /* "rpcutil"; "discovery" asks for a pong and has no action */
	char *action;     /* "get_fact"; NULL for the agent "discovery" */
	json_t *inputs;   /* object: name → value; NULL for none */
	char *collective; /* "mcollective" */
	unsigned ttl_s;   /* a node drops the request when it is older; 60 */
	bool wants_no_reply; /* nodes do it and say nothing: fire and forget */
};

/*
 * Make a request. Errors: DEPLOY_USAGE if agent or action is outside its grammar
 * (^[a-z0-9_]{1,255}$, actions ^[A-Za-z0-9_]{1,255}$, none for "discovery"), or inputs no object.
 * inputs: object or NULL, a new reference is taken. Caller frees with deploy_request_free().
 */
int deploy_request_new(struct deploy_request **out, const char *agent, const char *action,
	json_t *inputs, struct deploy_error *err);
void deploy_request_free(struct deploy_request *request);

/* Make the question that discovery asks: a ping of the agent "discovery". */
struct deploy_request *deploy_request_ping(void);

/* Set the collective, ^[A-Za-z0-9_.-]{1,255}$. Errors: DEPLOY_USAGE. */
int deploy_request_set_collective(struct deploy_request *request, const char *collective,
	struct deploy_error *err);

/*
 * Parse an action's argument into inputs: "key=value" is a text, "key:=json" any JSON value.
 * The first '=' splits; key is ^[A-Za-z0-9_]{1,255}$ and given once. An empty text is written
 * key:='""', since mco cannot send one by key= either. Errors: DEPLOY_USAGE; inputs is unchanged.
 */
int deploy_request_parse_input(json_t *inputs, const char *text, struct deploy_error *err);

#endif
