/* One node of the simulated fleet: what it takes, what it does, what it answers. */
#ifndef LOOP_NODE_H
#define LOOP_NODE_H

#include "base/buf.h"
#include "fleet.h"

/* A request as nodes see it, decoded once for all of them. */
struct loop_request {
	char id[64], agent[256], callerid[256];
	json_t *filter; /* the keys of facts are symbols on the wire, texts here */
	json_t *body;	/* "ping", or {"agent", "action", "caller", "data": {}} */
	long long ttl_s, msgtime_s;
};

/* NULL, or why every node drops it; release in both cases. Source: MCollective 2.12, security. */
const char *loop_request_decode(
	struct loop_request *out, const void *bytes, size_t len, const char *psk);
void loop_request_release(struct loop_request *request);

/* The action, "ping" for discovery. Borrowed. */
const char *loop_request_action(const struct loop_request *request);

/* True if the node's facts, classes, agents and name pass. Source: MCollective 2.12,
 * Security::Base. */
bool loop_filter_passes(const struct loop_node *node, const json_t *filter);

/* One term of a filter: {"fact", "operator", "value"}, a class or "/re/", the stack of a compound.
 */
bool loop_fact_passes(const struct loop_node *node, const json_t *term);
bool loop_class_passes(const struct loop_node *node, const char *term);
bool loop_compound_passes(const struct loop_node *node, const json_t *stack);

/* True if the node has the agent and the filter lets it pass, so that it executes the request. */
bool loop_node_accepts(const struct loop_node *node, const struct loop_request *request);

/* What an action came to. data: a new reference. */
struct loop_result {
	long long code;
	char message[256];
	json_t *data;
	bool has_text_keys; /* keys of data are no symbols */
};

/* Carry out an action of the agent. False if it has none of that name. */
bool loop_deploop_act(struct loop_result *result, struct loop_node *node, const char *action,
	const json_t *inputs);
bool loop_puppet_act(struct loop_result *result, struct loop_node *node, const char *action,
	const json_t *inputs);

/* What goes back to us. body_len may be more than the bytes there are: see "huge". */
struct loop_answer {
	struct dp_buf bytes;
	size_t body_len;
	const char *sender; /* in the message's header */
	unsigned long copies;
	long long delay_ms;
};

/* Execute. False if there is no answer; release it if there is one. */
bool loop_node_execute(struct loop_answer *out, struct loop_node *node,
	const struct loop_request *request, const char *psk);
void loop_answer_release(struct loop_answer *answer);

#endif
