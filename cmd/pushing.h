/* What push-facts gives to whom, and what that means for what is known of nodes. */
#ifndef PUSHING_H
#define PUSHING_H

#include "command.h"

#define PUSHING_VERIFY_MS 15000 /* nodes read their facts anew within 10 s */

/* All is borrowed. */
struct pushing {
	json_t *given;		 /* facts that every node gets, an object; NULL: none */
	json_t *assigned;	 /* see assigned.h; NULL unless that is what nodes get */
	const char *environment; /* instead of the one that is assigned; NULL: that one */
	bool fetches;		 /* nodes fetch a file of facts: what is in it is not known */
};

/* Those of nodes that are assigned nothing. Caller frees. */
struct deploy_nodeset *pushing_unassigned(
	const struct pushing *push, const struct deploy_nodeset *nodes);

/* DEPLOY_INPUT: nothing is assigned to these. */
int pushing_refuse(const struct deploy_nodeset *unassigned, struct deploy_error *err);

/* Tell an act of deploy_push_new() what nodes are to have. Errors: those of deploy_push_add(). */
int pushing_add(const struct pushing *push, struct deploy_act *act,
	const struct deploy_nodeset *nodes, struct deploy_error *err);

/*
 * Nodes that get something else than they are assigned are not known to have that any longer,
 * whatever becomes of it: to be noted before anything is sent. Errors: those of the state file.
 */
int pushing_forget(const struct pushing *push, struct deploy_state *state,
	const struct deploy_nodeset *nodes, struct deploy_error *err);

/*
 * Note what a node has now, if its outcome is ok: a deploy_record_fn, in the transaction that
 * records that the node said so.
 */
int pushing_record(void *pushing, struct deploy_state *state, const struct deploy_event *event,
	struct deploy_error *err);

#endif
