/* A set of node identities: parsed from web[01-20,30].example.net, kept sorted, folded to show. */
#ifndef DEPLOY_NODESET_H
#define DEPLOY_NODESET_H

#include <stdbool.h>
#include <stddef.h>

#include "deploy/error.h"

#define DEPLOY_MAX_NODES    200000 /* in one set */
#define DEPLOY_MAX_IDENTITY 255	   /* bytes of one name */

/*
 * Sorted bytewise, without duplicates; the index of a node is its place in that order.
 * Adding may be done in any order; the set sorts itself when it is next read.
 */
struct deploy_nodeset;

struct deploy_nodeset *deploy_nodeset_new(void);
struct deploy_nodeset *deploy_nodeset_copy(const struct deploy_nodeset *set);
void deploy_nodeset_free(struct deploy_nodeset *set);

/* True if the bytes are an identity: ^[A-Za-z0-9_.-]{1,255}$. */
bool deploy_identity_is_valid(const char *name, size_t len);

/*
 * Add the names of an expression to set. Elements are separated by commas or blanks; each may hold
 * brackets with numbers and ranges, several per name: "web[01-20,30].example.net,db[1-2][a,b]".
 * A leading zero fixes the width: [08-11] is 08 09 10 11. A range may have a step: [1-9/2].
 * Set algebra between elements, left to right: "a,b" union, "a!b" difference, "a&b" intersection.
 * An expression may come to nothing ("a!a"), but its text may not be empty.
 * Errors: DEPLOY_INPUT naming text and column (bad name, reversed range, unbalanced bracket, mixed
 * widths such as [1-010]), or more than DEPLOY_MAX_NODES names, which is found out before any is
 * made; set is then unchanged.
 */
int deploy_nodeset_parse(struct deploy_nodeset *set, const char *text, struct deploy_error *err);

/* Add one literal name. Errors: DEPLOY_INPUT if it is no identity or the set is full. */
int deploy_nodeset_add(struct deploy_nodeset *set, const char *name, struct deploy_error *err);

size_t deploy_nodeset_count(const struct deploy_nodeset *set);
/* Borrowed until the set is changed. index is below the count. */
const char *deploy_nodeset_get(const struct deploy_nodeset *set, size_t index);

/* Store the place of name in *index; false if it is not in the set. name need not end in NUL. */
bool deploy_nodeset_find(
	const struct deploy_nodeset *set, const char *name, size_t len, size_t *index);

/* Leave only the first count nodes. */
void deploy_nodeset_keep_first(struct deploy_nodeset *set, size_t count);

/* Leave count nodes that seed chooses, the same ones as mco's --limit-seed. */
void deploy_nodeset_pick(struct deploy_nodeset *set, size_t count, long long seed);

/* other is not changed and may be set itself. A union may exceed DEPLOY_MAX_NODES. */
void deploy_nodeset_unite(struct deploy_nodeset *set, const struct deploy_nodeset *other);
void deploy_nodeset_subtract(struct deploy_nodeset *set, const struct deploy_nodeset *other);
void deploy_nodeset_intersect(struct deploy_nodeset *set, const struct deploy_nodeset *other);

/*
 * Fold a set into a short text that parses back to the same set: "db1,web[01-20,30].example.net".
 * A name is folded over one of its last 8 numbers, the last one that others share; numbers of more
 * than 18 digits stay. "" for the empty set (which does not parse).
 * Caller frees with free(). Time is linear in the size of the set, once sorted.
 */
char *deploy_nodeset_print(const struct deploy_nodeset *set);

#endif
