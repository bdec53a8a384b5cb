/* What a node is, and whether a filter holds for it, as the node itself would judge. */
#ifndef DEPLOY_TRAITS_H
#define DEPLOY_TRAITS_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

#include "deploy/filter.h"

/* As rpcutil's inventory tells them. Borrowed; arrays hold texts, facts any values. */
struct deploy_traits {
	const char *identity;
	const json_t *facts;   /* object */
	const json_t *classes; /* array */
	const json_t *agents;  /* array */
};

/* What one term of a filter comes to. Strings are owned. */
struct deploy_verdict {
	char *term; /* as typed: "-F country==de", "-I 'web[1-3]'", "-S 'apache or nginx'" */
	bool holds;
	char *why; /* "country is 'uk'", "the node has no fact country", … */
};

/*
 * Judge every term of filter by MCollective's rules for nodes; identities, being alternatives that
 * are sent as one expression, are one term together, and so is a compound: why tells what each of
 * its statements comes to. What cannot be decided here (a function, a regular expression that PCRE2
 * does not compile) does not hold, and why says that only the node can tell. Returns the number of
 * verdicts, in the order -F -C -A -I -S; *out is freed with deploy_verdicts_free(). Source:
 * MCollective 2.12.5, security validation and Util.has_fact?.
 */
size_t deploy_filter_judge(struct deploy_verdict **out, const struct deploy_filter *filter,
	const struct deploy_traits *traits);
void deploy_verdicts_free(struct deploy_verdict *verdicts, size_t count);

#endif
