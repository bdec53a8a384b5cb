/* Compound expressions (-S) as part of a filter. */
#ifndef DP_COMPOUND_H
#define DP_COMPOUND_H

#include <stdbool.h>

#include "base/buf.h"
#include "deploy/filter.h"
#include "deploy/traits.h"

void dp_compound_release(struct deploy_compound *compound);
void dp_compound_copy(struct deploy_compound *to, const struct deploy_compound *from);

/* A statement that compares a fact, as nodes split it. */
struct dp_compound_split {
	size_t fact_len;
	const char *operator; /* of the filter: == =~ < <= > >= */
	const char *value;
};

/* False if the statement is a class. */
bool dp_compound_split(struct dp_compound_split *out, const char *statement);

/* Whether the expression holds for the node, and why: each statement with what it comes to. */
bool dp_compound_judge(struct dp_buf *why, const struct deploy_compound *compound,
	const struct deploy_traits *traits);

#endif
