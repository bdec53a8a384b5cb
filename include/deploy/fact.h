/*
 * Facts that nodes are given: what may be a name and a value, and when two values say the same.
 * Source: the DDL of the agent deploop; tightened to what can be read back from a node.
 */
#ifndef DEPLOY_FACT_H
#define DEPLOY_FACT_H

#include <stdbool.h>

#include "deploy/error.h"

#define DEPLOY_FACT_NAME_MAX  40  /* bytes: what rpcutil's get_fact takes */
#define DEPLOY_FACT_VALUE_MAX 100 /* bytes: what deploop's create_fact takes */

/*
 * Check a name, ^[A-Za-z0-9_][A-Za-z0-9_.-]{0,39}$, and a value: words of A-Z a-z 0-9 - _ . : /
 * with one blank between them, 1 to 100 bytes. Errors: DEPLOY_INPUT naming the fact and the rule.
 */
int deploy_fact_check_name(const char *name, struct deploy_error *err);
int deploy_fact_check_value(const char *name, const char *value, struct deploy_error *err);

/*
 * True if the words of both are the same, each as often, in whatever order: "dn rm", "rm dn". A
 * value is a set of words, never a text in which one could be found inside another.
 */
bool deploy_fact_equal(const char *a, const char *b);

/*
 * The words of whole, in its order, that are in chosen or in before, each of which may be NULL: "" if
 * there is none. Caller frees with free().
 */
char *deploy_fact_unite(const char *whole, const char *chosen, const char *before);

#endif
