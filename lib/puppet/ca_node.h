/*
 * Whose a request is, asked of the node itself: rpcutil tells, with the data plugin fstat, size and
 * MD5 of a file, and Puppet keeps the request in one until it has the certificate.
 */
#ifndef DP_CA_NODE_H
#define DP_CA_NODE_H

#include "deploy/ca.h"
#include "model/act.h"
#include "puppet/x509.h"

struct dp_ca_nodes {
	char *collective; /* NULL: no node is asked */
	unsigned ttl_s;
	long long timeout_ms;
	char *path;		      /* NULL: the usual ones */
	struct deploy_request **sent; /* they live as long as the act */
	size_t sent_count, sent_cap;
};

/* Of one node. */
struct dp_ca_asking {
	size_t place; /* of the paths that are tried */
	size_t bytes; /* of the file that is looked for */
	char md5[DP_MD5_DIGITS];
};

/* options may be NULL. Errors: DEPLOY_USAGE for a path or a collective. */
int dp_ca_nodes_init(struct dp_ca_nodes *nodes, const struct deploy_ca_node_options *options,
	struct deploy_error *err);
void dp_ca_nodes_release(struct dp_ca_nodes *nodes);

/* Fill in next: node is asked about the file of request, or has failed. */
void dp_ca_ask_node(struct dp_ca_nodes *nodes, struct dp_ca_asking *asking, const char *node,
	const struct dp_x509 *request, struct dp_act_next *next);

/* True if input says that the file is that of the request. Otherwise next is filled in. */
bool dp_ca_node_answered(struct dp_ca_nodes *nodes, struct dp_ca_asking *asking, const char *node,
	const struct dp_act_input *input, struct dp_act_next *next);

#endif
