/* --cached: what earlier runs have learnt answers in the place of nodes. */
#ifndef CACHED_H
#define CACHED_H

#include "report.h"
#include "target_opts.h"

/* Whether nodes are to show a role: collection and role among their facts. */
enum cached_roles { CACHED_ANY, CACHED_NEW, CACHED_REGISTERED };

struct cached {
	const struct target_opts *target;
	enum cached_roles roles;
	const char *fact; /* the outcome of a node is its value of this fact; NULL: its role */
};

/*
 * Show the nodes of the state file that match, as if they had answered; report as for report_run(),
 * with is_cached. A node of which too little is known to say whether it matches is left out, and
 * counted. Returns the exit status; nobody there is EXIT_NO_NODES.
 * Errors: those of ctx_state(); DEPLOY_USAGE for a filter that only nodes can judge.
 */
int cached_report(struct report *report, struct ctx *ctx, const struct cached *cached,
	struct deploy_error *err);

#endif
