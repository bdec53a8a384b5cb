/* Giving nodes facts: what the act keeps, and what a node's machine keeps. */
#ifndef DP_PUSH_FACTS_H
#define DP_PUSH_FACTS_H

#include "deploy/push.h"
#include "model/act.h"

struct dp_push {
	struct deploy_act act;
	char *collective;
	unsigned ttl_s;
	long long timeout_ms, verify_ms;
	bool only_compares;
	json_t *nodes; /* node → {"facts": {name: text or null}, "environment": if it is to be set}
			*/
	json_t *index;			  /* action and inputs → place in requests */
	struct deploy_request **requests; /* each asked of many nodes */
	size_t request_count, request_cap;
	const struct deploy_request *inventory, *fetch; /* fetch: NULL without a URL */
};

/* The request for action of agent with inputs (a reference is taken over): one for all nodes. */
const struct deploy_request *dp_push_request(
	struct dp_push *push, const char *agent, const char *action, json_t *inputs);

/* Ends the act: .free of its ops. */
void dp_push_free(struct deploy_act *act);

/* What is done with each node; in push_node.c. */
extern const struct dp_act_ops dp_push_ops;

#endif
