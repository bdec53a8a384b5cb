/* The facts that nodes are meant to have, as the state file keeps them. */
#ifndef ASSIGNED_H
#define ASSIGNED_H

#include "command.h"

/* A fact that is to be taken away is assigned as this. */
#define ASSIGNED_NOTHING     ""

/* What one node is meant to have. */
struct assigned {
	json_t *facts;		 /* name → text, or null for what is to go */
	const char *environment; /* borrowed from the map; NULL: none */
	bool has_environment;	 /* … and the node is known to have it */
};

/*
 * node → what it is assigned; *out is a new reference. nodes: only these; NULL: all.
 * Errors: those of deploy_state_each_assignment().
 */
int assigned_read(json_t **out, const struct deploy_state *state,
	const struct deploy_nodeset *nodes, struct deploy_error *err);

/* What map says of node; false if nothing. Borrowed from map. */
bool assigned_get(struct assigned *out, const json_t *map, const char *node);

#endif
