/* The tables, and how older files come to have them. */
#ifndef DP_SCHEMA_H
#define DP_SCHEMA_H

#include "store/sql.h"

/*
 * Refuse a file that another program or a newer version of this one made. *version: of its tables,
 * 0 if it is empty. Errors: DEPLOY_IO.
 */
int dp_schema_check(int64_t *version, const struct deploy_state *state, struct deploy_error *err);

/* Bring the tables up to date, each step in a transaction. Two processes may do so at once. */
int dp_schema_update(struct deploy_state *state, struct deploy_error *err);

/* Refuse tables older than ours, for readers. */
int dp_schema_need(const struct deploy_state *state, int64_t version, struct deploy_error *err);

#endif
