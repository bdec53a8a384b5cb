/*
 * A site's Puppet runs, in the order that its nodes need: nothing is changed unless Puppet may run
 * on every node; then all are disabled with a message of this run, each is enabled for its own run
 * only, and in the end all that carry the message are enabled.
 */
#ifndef DEPLOY_SITE_RUN_H
#define DEPLOY_SITE_RUN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "deploy/plan.h"
#include "deploy/puppet.h"
#include "deploy/run.h"

struct deploy_site_run_options {
	/*
	 * Each node's run; message is that of all, see deploy_puppet_site_message(), and is
	 * borrowed until the plan is freed.
	 */
	struct deploy_puppet_run_options run;
	/* Of each rank, or of all nodes if ready. max_fail always counts: 0 tolerates no failure. */
	struct deploy_policy policy;
	bool ready;	     /* a node runs as soon as those are ok that it waits for */
	bool keeps_disabled; /* all, if a node was not ok */
	const char *pause;   /* what is asked after the first rank, if there are others; NULL: nothing */
};

/* Its tasks, from the first on, in the order of the plan. */
enum deploy_site_task {
	DEPLOY_SITE_CHECK,   /* "check": may Puppet run, or is it disabled by this run? */
	DEPLOY_SITE_DISABLE, /* "disable" */
	DEPLOY_SITE_RUN	     /* "rank 1" and so on, or "run"; "pause" may stand between; then
			      * "enable", if that is to be */
};

/*
 * Add the tasks of a run to plan; they start when those before them have ended. rank_of_node: 0 …
 * ranks - 1 for each node, by its place in nodes; a rank without nodes is left out, and the others
 * keep their numbers. A rank begins when the one before has ended, also with a failure that policy
 * tolerates. With ready, node i waits for after[start[i]] … after[start[i + 1] - 1], places in
 * nodes; else these may be NULL. A node that is not as it must be stops the run at "check", when
 * nothing was changed. Tasks have that label.
 * Owns: everything but the message is copied.
 * Errors: DEPLOY_USAGE for no message, for batches with ready, or for a collective; DEPLOY_INPUT
 * for what agents would refuse. The plan is then as it was.
 */
int deploy_site_plan(struct deploy_plan *plan, const struct deploy_nodeset *nodes,
	const uint32_t *rank_of_node, size_t ranks, const uint32_t *start, const uint32_t *after,
	const struct deploy_site_run_options *options, struct deploy_error *err);

/*
 * Who adds the last task, "enable", when nothing is left to do: if nodes may have been disabled,
 * and not if they are to stay so. It is a cleanup task, so an interrupted run has it, too; a second
 * signal, or a lost broker, leaves nodes disabled.
 */
struct deploy_site_end {
	const struct deploy_nodeset *nodes;	       /* borrowed */
	const struct deploy_site_run_options *options; /* borrowed */
	size_t first;				       /* task of the plan: "check" */
	bool was_disabling, has_failed, is_added;      /* false to begin with */
};

/* .direct of the run's director; arg is a struct deploy_site_end. Errors: none. */
int deploy_site_direct_end(void *arg, struct deploy_plan *plan, const struct deploy_turn *turn,
	struct deploy_error *err);

#endif
