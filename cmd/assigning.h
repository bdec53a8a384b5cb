/* Roles become what nodes are to have: made of what they are assigned now, and recorded. */
#ifndef ASSIGNING_H
#define ASSIGNING_H

#include "command.h"

/* The facts that roles come to, with the names that the configuration gives them. New reference. */
json_t *role_facts(const struct ctx *ctx, const struct deploy_roles *roles);

/* The layer of that name (enum deploy_layer), or -1. */
int role_layer(const char *name, size_t len);

/*
 * Leave only these layers (bits; 0: all), and this cluster (NULL: all). Errors: DEPLOY_USAGE if
 * there is no such cluster, with those that there are.
 */
int role_choose(
	struct deploy_roles *roles, unsigned layers, const char *cluster, struct deploy_error *err);

struct assigning {
	struct ctx *ctx;
	const char *environment; /* Puppet's, borrowed; NULL: the collection, if is_from_file */
	bool is_from_file;
	struct deploy_nodeset *nodes;
	json_t *whole;	/* node → what all layers come to */
	json_t *before; /* node → what is assigned, see assigned.h */
	json_t *after;	/* node → name → text, as it is kept */
	json_t *told;	/* node → what changes: data of its outcome */
};

/*
 * Read what is assigned now. whole: as role_facts() tells it, with the layers that are not chosen;
 * NULL: all are. Release also after an error. Errors: those of ctx_state().
 */
int assigning_begin(
	struct assigning *out, struct ctx *ctx, const json_t *whole, struct deploy_error *err);
void assigning_release(struct assigning *assigning);

/* Settle what node, whose name was checked, is to have. facts: of its roles; NULL: they go. */
void assigning_settle(struct assigning *assigning, const char *node, const json_t *facts);
/* The same for all that role_facts() lists. */
void assigning_settle_all(struct assigning *assigning, const json_t *chosen);

/* Who answered anybody, or was assigned something. The caller frees *out, also after an error. */
int assigning_list_known(
	struct deploy_nodeset **out, const struct assigning *assigning, struct deploy_error *err);

/* DEPLOY_REFUSED: strangers are not of the fleet, whose nodes are known. */
int assigning_refuse(const struct deploy_nodeset *strangers, const struct deploy_nodeset *known,
	struct deploy_error *err);

/*
 * What nodes are to have was made of what they had: DEPLOY_REFUSED if somebody else has changed
 * that since.
 */
int assigning_check(const struct assigning *assigning, const struct deploy_nodeset *nodes,
	struct deploy_error *err);

/* Record what a node is assigned, if its outcome is ok: a deploy_record_fn. */
int assigning_record(void *assigning, struct deploy_state *state, const struct deploy_event *event,
	struct deploy_error *err);

#endif
