/* Roles become assignments: what nodes are meant to have, in the state file. */
#ifndef ASSIGN_STATE_H
#define ASSIGN_STATE_H

#include "command.h"
#include "confirm.h"

struct assign_request {
	const json_t *chosen;	 /* as deploy_roles_facts() tells it: what is to be assigned */
	const json_t *whole;	 /* … with the layers that were not chosen; NULL: all were */
	const char *environment; /* Puppet's; NULL: the collection, if is_from_file */
	bool is_from_file;
	const char *reason;
	struct confirm_opts confirm;
	bool diff;	   /* only tell what would change */
	bool tells_change; /* --detailed-exitcode */
};

/*
 * Record what nodes are assigned, after asking. Nodes that nobody has ever seen are looked for, and
 * refused if they do not answer. Returns the exit status. Errors: also those of ctx_bus().
 */
int assign_record(struct ctx *ctx, const struct assign_request *request, struct deploy_error *err);

/* The same, to take their roles away from nodes. */
int assign_remove(struct ctx *ctx, const struct deploy_nodeset *nodes,
	const struct assign_request *request, struct deploy_error *err);

#endif
