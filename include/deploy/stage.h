/* How far each node has come on its way from "it answers" to "its catalog is applied". */
#ifndef DEPLOY_STAGE_H
#define DEPLOY_STAGE_H

#include <stddef.h>
#include <stdint.h>

#include "deploy/config.h"
#include "deploy/error.h"
#include "deploy/outcome.h"
#include "deploy/state.h"

enum deploy_stage {
	DEPLOY_STAGE_DISCOVERED,  /* known, nothing is assigned to it, and it shows no role */
	DEPLOY_STAGE_ROLE,	  /* facts are assigned, not all of them were read back */
	DEPLOY_STAGE_FACTS,	  /* it has what was assigned, or shows a role by itself */
	DEPLOY_STAGE_CERTIFICATE, /* … and its certificate is signed */
	DEPLOY_STAGE_PUPPET,	  /* … and the last `puppet run` failed, or is not known to be ok */
	DEPLOY_STAGE_DONE,	  /* a `puppet run` ended ok after it had its facts */
	DEPLOY_STAGES
};

/* "discovered", "role", …; never NULL. Borrowed, static. */
const char *deploy_stage_name(enum deploy_stage stage);

/* The command that decides the last two stages: as the kind of a run, and the deed of a task. */
#define DEPLOY_PUPPET_RUN "puppet run"

/* What is known of a node about that. All is borrowed until the callback returns. */
struct deploy_standing {
	const char *node;
	int64_t first_seen_us, last_seen_us; /* 0: never; only the CA or an assignment names it */
	const char *shown[DEPLOY_ROLE_PARTS];	 /* what it showed of its role; NULL: nothing */
	const char *assigned[DEPLOY_ROLE_PARTS]; /* NULL: nothing */
	size_t assignments; /* facts that it is meant to have */
	size_t due;	    /* of these, and of those to be taken away: not yet read back */
	int64_t facts_at_us, assigned_at_us, pushed_at_us;   /* the latest of each */
	const char *certificate, *fingerprint;		     /* as of deploy_node_record */
	int64_t certificate_at_us;
	const char *last_run, *last_kind; /* the last act on it; NULL: none, or pruned */
	enum deploy_outcome_state last_outcome;
	int64_t last_outcome_at_us; /* 0: none */
	const char *puppet_run;	    /* the last `puppet run`; NULL: none, or pruned */
	/* UNKNOWN also while it is under way, or if whoever asked for it died. */
	enum deploy_outcome_state puppet_outcome;
	int64_t puppet_at_us; /* 0: none */
	enum deploy_stage stage;
	int64_t since_us; /* at this stage; 0: not known */
};

/* True if the node itself shows collection and role. */
bool deploy_standing_shows_role(const struct deploy_standing *standing);

typedef int deploy_standing_fn(void *arg, const struct deploy_standing *standing);

/*
 * Every node that answered, is assigned something, or that the CA has, sorted bytewise; node: only this one, NULL: all.
 * role_facts: names of the facts, as in struct deploy_config. Another value than 0 of fn ends it.
 * Errors: those of deploy_state_open().
 */
int deploy_state_each_standing(const struct deploy_state *state,
	char *const role_facts[DEPLOY_ROLE_PARTS], const char *node, deploy_standing_fn *fn,
	void *arg, struct deploy_error *err);

#endif
