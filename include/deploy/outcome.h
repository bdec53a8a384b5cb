/* What became of one node in one task, and the sum over all of them. */
#ifndef DEPLOY_OUTCOME_H
#define DEPLOY_OUTCOME_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "deploy/nodeset.h"

enum deploy_outcome_state {
	DEPLOY_OUTCOME_OK,	  /* answered with status 0 */
	DEPLOY_OUTCOME_FAILED,	  /* answered with another status */
	DEPLOY_OUTCOME_SILENT,	  /* asked, did not answer in time (or is not connected) */
	DEPLOY_OUTCOME_UNKNOWN,	  /* we were cut off before learning the outcome */
	DEPLOY_OUTCOME_SKIPPED,	  /* not asked: a condition said no */
	DEPLOY_OUTCOME_CANCELLED, /* not asked: the task stopped, or the broker blocked, before its
				     turn */
	DEPLOY_OUTCOME_STATES	  /* how many there are */
};

/* "ok", "failed", "silent", …; never NULL. Borrowed, static. */
const char *deploy_outcome_state_name(enum deploy_outcome_state state);

/* Strings and data are borrowed and live until the sink that got the outcome returns. */
struct deploy_outcome {
	enum deploy_outcome_state state;
	bool not_connected;  /* SILENT, and the broker says that the node has no queue */
	/* UNKNOWN, since the request wants no reply: the broker has said that it took it. */
	bool was_handed_over;
	unsigned attempt;    /* 1-based; 0: never asked */
	int statuscode;	     /* the agent's; 0 unless state is OK or FAILED */
	const char *message; /* the agent's status message, or why there is none; may be "" */
	json_t *data;	     /* the agent's outputs; NULL if there was no reply */
	int64_t rtt_us;	     /* from publish to reply; -1 without a reply */
};

/* Replies that were seen and not credited. */
enum deploy_ignored {
	DEPLOY_IGNORED_UNEXPECTED, /* well signed, ours, but from a node that was not asked */
	DEPLOY_IGNORED_DUPLICATE,  /* a second reply of the same node to the same try */
	DEPLOY_IGNORED_LATE,	   /* after the deadline, or to an earlier try */
	DEPLOY_IGNORED_REJECTED,   /* malformed, too large, badly signed, or of a foreign request */
	DEPLOY_IGNORED_FLOOD, /* not credited, beyond 4 × asked + 1,000 replies to one request */
	DEPLOY_IGNORED_REASONS
};

/* "unexpected", "duplicate", …; never NULL. Borrowed, static. */
const char *deploy_ignored_name(enum deploy_ignored reason);

/* The sum of a task: counts by state, and who was not ok. Owns the sets. */
struct deploy_tally {
	size_t nodes;			     /* of the task; deploy_tally_add leaves it alone */
	size_t count[DEPLOY_OUTCOME_STATES]; /* by outcome state; silent includes not connected */
	size_t ignored[DEPLOY_IGNORED_REASONS];
	struct deploy_nodeset *set[DEPLOY_OUTCOME_STATES]; /* OK is left empty */
	struct deploy_nodeset *not_connected;
	struct deploy_nodeset *handed_over; /* of the unknown, those that were not to answer */
};

void deploy_tally_init(struct deploy_tally *tally);
void deploy_tally_release(struct deploy_tally *tally);

/* Count one outcome, in count and set. node is copied; one that is no identity is not listed. */
void deploy_tally_add(
	struct deploy_tally *tally, const char *node, const struct deploy_outcome *outcome);

#endif
