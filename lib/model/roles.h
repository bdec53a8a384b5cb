/* A set of roles while it is being filled; cluster.c reads files into it. */
#ifndef DP_ROLES_H
#define DP_ROLES_H

#include <stdbool.h>
#include <stddef.h>

#include "deploy/cluster.h"
#include "model/spot.h"

/* Keep text, which is taken, as long as the set; returns it. */
const char *dp_roles_own(struct deploy_roles *roles, char *text);

/*
 * Add a role whose words are valid, node a valid identity; all texts but node are owned already.
 * False if it does not go with the others, and why; the set is then of no use but to find more
 * flaws.
 */
bool dp_roles_put(
	struct deploy_roles *roles, const struct deploy_role *role, char why[DP_WHY_BYTES]);

/* The file that is about this cluster already, or NULL. */
const char *dp_roles_file_of(const struct deploy_roles *roles, const char *collection);

/* Remember that file is about collection; both are owned already. */
void dp_roles_add_file(struct deploy_roles *roles, const char *file, const char *collection);

/* What is wrong in the files. */
struct dp_flaws *dp_roles_flaws(struct deploy_roles *roles);

#endif
