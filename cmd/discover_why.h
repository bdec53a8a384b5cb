/* discover --why: what each term of a filter comes to for one node. */
#ifndef DISCOVER_WHY_H
#define DISCOVER_WHY_H

#include "target_opts.h"

/* node is an identity, target connected. timeout_ms: for its reply. Returns an exit status: 1 if
 * the node does not match. */
int discover_why(struct ctx *ctx, const struct target_opts *target, const char *node,
	long long timeout_ms, struct deploy_error *err);

#endif
