/*
 * Acts on nodes' Puppet agents, through the agent "puppet": a run that is proven to be ours, and
 * saying whether Puppet may run at all.
 *
 * A run is ours if it ended at or after the moment in which the node, by its own clock, started it
 * for us, and after a look at the node that showed no run that had ended since. What cannot be told
 * apart from ours is only a run that somebody else begins between the node's yes and the beginning
 * of ours: a moment, unless splay_ms makes it longer.
 */
#ifndef DEPLOY_PUPPET_H
#define DEPLOY_PUPPET_H

#include <stdbool.h>

#include "deploy/error.h"
#include "deploy/plan.h"

struct deploy_act; /* see deploy/plan.h */

/* Bytes of a message with which Puppet is disabled, as the agent's DDL has it. */
#define DEPLOY_PUPPET_MESSAGE_BYTES 120

struct deploy_puppet_run_options {
	const char *collective;
	unsigned ttl_s;
	long long timeout_ms; /* for each reply */
	long long poll_ms;    /* between two looks at a node; 0: 2 s */
	long long idle_ms;    /* for a run that is going on to end first; 0: 10 min */
	long long start_ms;   /* until our run is seen; 0: 30 s */
	long long run_ms;     /* until it ended; 0: 30 min */
	long long splay_ms;   /* nodes wait a random time up to this one before it; 0: none */
	bool noop;
	bool uses_cached_catalog; /* the one of the last run is to be applied again */
	const char *tags;	  /* "web,ssh"; NULL for all */
	const char *environment;  /* NULL: the node's own */
	/*
	 * Puppet is disabled with it before, and is again afterwards, but while it still applies a
	 * catalog: the node is enabled for this run only. One that is disabled with another message
	 * is FAILED and left alone. NULL: it must be enabled, and stays so.
	 */
	const char *message;
};

/*
 * Make the act of one Puppet run: wait until the node idles, start a run, follow it, judge it. OK
 * only if a catalog was applied to the end without a failure, and a fresh one. Its outcome has data
 * {"initiated_at", "lastrun": seconds since 1970 by the node's clock, "changed", "failed", "total":
 * resources, "total_time": seconds, "config_version", "noop": bool, "options_left_out": [names],
 * because a daemon takes none}, as far as these are known; with a message also {"was_disabled":
 * before, "disabled_again": bool}.
 * Errors: DEPLOY_INPUT for tags, an environment or a message that agents would refuse; DEPLOY_USAGE for a
 * collective. Caller hands it to a task, or frees it with deploy_act_free().
 */
int deploy_puppet_run_new(struct deploy_act **out, const struct deploy_puppet_run_options *options,
	struct deploy_error *err);

struct deploy_puppet_switch_options {
	const char *collective;
	unsigned ttl_s;
	long long timeout_ms;
	bool enables; /* otherwise disables */
	/* To disable with; to enable, only nodes that are disabled with it, or NULL for all. */
	const char *message;
	/* To disable: a run that goes on may end first, or the node is FAILED and left alone. */
	bool waits_idle;
	long long idle_ms; /* … for so long; 0: 10 min */
	long long poll_ms; /* … looked at so often; 0: 2 s */
	/* A node that applies a catalog is FAILED at once, and left alone. */
	bool skips_busy;
};

/*
 * Make the act that lets Puppet run again, or lets it run no more. A node that is as wanted is left
 * alone; one that is disabled with another message keeps it, and is FAILED with that message. Its
 * outcome has data {"changed": bool, "enabled": bool}.
 * Errors: DEPLOY_INPUT for a message that agents would refuse, DEPLOY_USAGE for a collective, or
 * for no message to disable with.
 */
int deploy_puppet_switch_new(struct deploy_act **out,
	const struct deploy_puppet_switch_options *options, struct deploy_error *err);

/*
 * Make the message of a run: "deployctl 01J…: production", shell-safe, cut to what agents take. All
 * but A-Z a-z 0-9 . _ : - and blanks becomes _.
 */
void deploy_puppet_site_message(
	char out[DEPLOY_PUPPET_MESSAGE_BYTES + 1], const char *run, const char *name);

#endif
