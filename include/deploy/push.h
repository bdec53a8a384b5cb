/*
 * The act that gives nodes facts, through the agent deploop: look at what is there, change what is
 * not as wanted, and read back until the node itself says so.
 */
#ifndef DEPLOY_PUSH_H
#define DEPLOY_PUSH_H

#include <stdbool.h>

#include <jansson.h>

#include "deploy/error.h"
#include "deploy/plan.h"

struct deploy_act; /* see deploy/plan.h */

struct deploy_push_options {
	const char *collective;
	unsigned ttl_s;
	long long timeout_ms;	 /* for each reply */
	long long verify_ms;	 /* until the facts show; nodes read their facts now and then */
	const char *url;	 /* of a file of facts that nodes fetch; NULL: none */
	const char *sha256;	 /* of that file, 64 digits of 0-9 a-f; NULL only with https */
	bool only_compares;	 /* change nothing, tell what would change */
};

/*
 * Make the act. Its outcome has data {"changed": bool, "facts": {name: {"from": V, "to": V}}},
 * facts being those that were not as wanted; null stands for a fact that is not there. With an
 * environment that had to be set: "environment".
 * Errors: DEPLOY_INPUT for a URL or digest that agents would refuse; DEPLOY_USAGE for
 * a collective, or to compare with a URL. Caller hands it to a task, or frees it with deploy_act_free().
 */
int deploy_push_new(struct deploy_act **out, const struct deploy_push_options *options,
	struct deploy_error *err);

/* What a node is to have. */
struct deploy_push_node {
	json_t *facts; /* object of texts; null takes a fact away */
	/* Puppet's, set whatever it was, since nodes do not tell it; NULL leaves it alone. */
	const char *environment;
	/*
	 * The node was given it before: it is set again only with a fact that is not as wanted,
	 * since a machine that was set up anew has lost both.
	 */
	bool was_given_environment;
};

/*
 * Add a node, with what it is to have, which is copied.
 * Errors: DEPLOY_INPUT as deploy_fact_check_name() and _value(), or for an environment's name, with
 * the node.
 */
int deploy_push_add(struct deploy_act *push, const char *node,
	const struct deploy_push_node *wanted, struct deploy_error *err);

/*
 * Check where nodes are to fetch their facts; url NULL: only the digest is known, which may be NULL
 * as above. Errors: DEPLOY_INPUT.
 */
int deploy_push_check_url(const char *url, const char *sha256, struct deploy_error *err);

/* Errors: DEPLOY_INPUT for what is no name of an environment. */
int deploy_push_check_environment(const char *name, struct deploy_error *err);

#endif
