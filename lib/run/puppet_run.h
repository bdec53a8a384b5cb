/* A Puppet run: what the act keeps, and what a node's machine keeps. */
#ifndef DP_PUPPET_RUN_H
#define DP_PUPPET_RUN_H

#include "deploy/puppet.h"
#include "model/act.h"
#include "run/puppet_tell.h"

struct dp_puppet_run {
	struct deploy_act act;
	long long timeout_ms, poll_ms, idle_ms, start_ms, run_ms;
	bool is_noop, may_be_cached;
	/* It says what the run may do, and is nothing that can be left out for a daemon. */
	bool is_limited;
	struct deploy_request *status, *summary, *report; /* report: the summary with logs */
	struct deploy_request *run, *plain_run;		  /* plain: without what daemons refuse */
};

/*
 * A request to the agent "puppet", inputs taken over. collective must have been checked with
 * dp_puppet_check_collective().
 */
struct deploy_request *dp_puppet_request(
	const char *action, json_t *inputs, const char *collective, unsigned ttl_s);

/* What options mean that are 0. */
#define DP_PUPPET_POLL_MS 2000
#define DP_PUPPET_IDLE_MS (10 * 60 * 1000LL)

#define DP_PUPPET_MAX_MISSED 5 /* looks in a row without an answer */

/*
 * How long to wait after a look that was not answered: the broker knows at once that a node is
 * gone, which may come back as late as any.
 */
long long dp_puppet_pause(
	long long poll_ms, long long timeout_ms, const struct dp_act_input *input);

/* Errors: DEPLOY_INPUT for a message that agents would refuse to disable with. */
int dp_puppet_check_message(const char *message, struct deploy_error *err);

/* Errors: DEPLOY_USAGE. */
int dp_puppet_check_collective(const char *collective, struct deploy_error *err);

/* Write the message of an outcome. */
#define DP_SAY(next, ...) (void)dp_puppet_say((next)->message, sizeof((next)->message), __VA_ARGS__)

/*
 * The act of a run that takes over that of the run itself: with options->message, which was
 * checked, Puppet is enabled before and disabled after it.
 */
struct deploy_act *dp_puppet_hold_take_run(
	struct deploy_act *run, const struct deploy_puppet_run_options *options);

/* Ends the act: .free of its ops. */
void dp_puppet_run_free(struct deploy_act *act);

/* What is done with each node; in puppet_node.c. */
extern const struct dp_act_ops dp_puppet_run_ops;

#endif
