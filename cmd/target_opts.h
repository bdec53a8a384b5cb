/* Options that say which nodes, shared by all commands that ask nodes something. */
#ifndef TARGET_OPTS_H
#define TARGET_OPTS_H

#include "command.h"

struct target_opts {
	struct deploy_filter filter;
	struct deploy_nodeset *exclude; /* NULL if none */
	const char *collective;		/* NULL: the main one */
	long long discovery_ms;		/* 0: the configuration's */
	long long window_ms;		/* -1: likewise */
	long long connection_ms;	/* 0: likewise */
	bool empty_ok;
	struct deploy_limit limit;
	bool is_one;		     /* -1 */
	const char *list_path;	     /* --nodes; NULL: none */
	const char *retry;	     /* --retry: RUN, or RUN:STATE; NULL: none */
	int method;		     /* --dm, an index into method_names */
	const char *method_option;   /* --do */
	struct deploy_nodeset *list; /* what list_path names; NULL: none */
	unsigned expected;	     /* discovery ends with so many; 0: not said */
};

/* rpcutil answers within 10 s (its DDL), and the way takes time too. */
#define RPCUTIL_TIMEOUT_MS 15000
/* … and puppet within 20 s. */
#define PUPPET_TIMEOUT_MS 25000

extern const struct opt target_options[];
extern const struct opt limit_options[]; /* -1, --limit: of the same struct, for some commands */

void target_opts_init(struct target_opts *target);
void target_opts_release(struct target_opts *target);

/* True if some nodes are left out: that none remains is then no sign of trouble. */
bool target_is_filtered(const struct target_opts *target);

/*
 * Make one of the options that belong together: -1 and --limit, --nodes and --dm, a list and -I.
 * To be called before anything else. Errors: DEPLOY_USAGE if they exclude each other; those of
 * deploy_nodelist_read(), deploy_state_find_run(); DEPLOY_NO_NODES if --retry names nobody.
 */
int target_settle(struct target_opts *target, struct ctx *ctx, struct deploy_error *err);

/* The nodes if they are known without a discovery, otherwise NULL. Borrowed. */
const struct deploy_nodeset *target_nodes(const struct target_opts *target);

/*
 * Connect for the collective of target (ctx_bus), with its time limit, and warn of what in its
 * filter could not be checked. Errors: those of ctx_bus().
 */
int target_connect(struct ctx *ctx, const struct target_opts *target, struct deploy_error *err);

/*
 * Add tasks to plan that carry request to the nodes of target: one if the nodes are named,
 * otherwise a discovery first, unless found holds what one has found already (NULL: no), or the
 * request wants no reply and its filter says all: that is a broadcast to whoever matches. request
 * is taken over. Returns the index of the task that asks.
 */
size_t target_plan(struct deploy_plan *plan, const struct ctx *ctx,
	const struct target_opts *target, struct deploy_request *request,
	const struct deploy_policy *policy, const struct deploy_nodeset *found);

/* The collective of target, or the main one. Borrowed. */
const char *target_collective(const struct ctx *ctx, const struct target_opts *target);

/* Add an open task: whoever matches the filter and has agent; NULL: any. */
void target_plan_discovery(struct deploy_plan *plan, const struct ctx *ctx,
	const struct target_opts *target, const char *agent);

/*
 * Ask now which nodes match target and have agent (NULL: any). *found is the caller's to free; NULL
 * if nobody answered. Errors: those of target_connect() and deploy_run(), DEPLOY_INTERRUPTED.
 */
int target_find(struct deploy_nodeset **found, struct ctx *ctx, const struct target_opts *target,
	const char *agent, struct deploy_error *err);

/*
 * Add a task that carries request to the nodes that the plan's first task found. request is taken
 * over. Returns its index.
 */
size_t target_plan_further(struct deploy_plan *plan, const struct ctx *ctx,
	const struct target_opts *target, struct deploy_request *request, long long timeout_ms);

/*
 * Add the one task that finds the nodes: an open one, or a ping of those that are named.
 * agent: only nodes that have it; NULL for all.
 */
void target_plan_ping(struct deploy_plan *plan, const struct ctx *ctx,
	const struct target_opts *target, const char *agent);

#endif
