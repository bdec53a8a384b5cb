/* What commands share that change nodes by an act: whom, how many at a time, and asking before. */
#ifndef ACT_OPTS_H
#define ACT_OPTS_H

#include "command.h"
#include "confirm.h"
#include "rolling_opts.h"
#include "target_opts.h"

struct act_opts {
	struct target_opts target;
	struct rolling_opts rolling;
	struct confirm_opts confirm;
	bool all;
	const char *reason;
};

extern const struct opt act_options[];

/* No node may fail, unless somebody says otherwise. */
void act_opts_init(struct act_opts *act);
void act_opts_release(struct act_opts *act);

/*
 * Settle the options; operands are nodes, like those of -I. Nobody is meant by nothing: names, a
 * filter or --all is needed. Errors: DEPLOY_USAGE, those of target_settle().
 */
int act_settle(struct act_opts *act, struct ctx *ctx, struct args operands,
	struct deploy_error *err);

/*
 * The nodes that are meant: as they are named, or found by asking. *out is the caller's to free.
 * agent: only nodes that have it, if they are asked; NULL: any. Errors: those of target_connect()
 * and deploy_run(); DEPLOY_INTERRUPTED. *out may be empty.
 */
int act_find(struct deploy_nodeset **out, struct ctx *ctx, const struct act_opts *act,
	const char *agent, struct deploy_error *err);

#endif
