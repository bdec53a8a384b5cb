/*
 * The text of one expression, made ready for Lua: every token on a line of its own, so that the
 * line in each of Lua's messages tells the column in ours; and every name in it declared around it,
 * so that Lua itself tells which of them the expression takes from outside (its upvalues), and
 * nothing else can be reached: there is no global name.
 */
#ifndef DP_EXPR_SOURCE_H
#define DP_EXPR_SOURCE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/strset.h"
#include "deploy/expr.h"
#include "expr/expr_token.h"

/* What is wrong, and where in the text, in bytes. */
struct dp_expr_fault {
	size_t at;
	const char *why;
};

/* Where a name stands that is no field; whether it comes from outside is for Lua to say. */
struct dp_expr_mention {
	struct dp_expr_token name, field,
		part; /* DP_EXPR_TOKEN_END where nothing literal follows */
};

struct dp_expr_source {
	struct dp_buf chunk; /* "local data <const> = … return function() return ( data ) end" */
	size_t *offsets;     /* of what line n + 1 of the chunk holds, in the text */
	size_t line_count, line_cap;
	struct dp_strset names;		  /* all that are no fields */
	struct dp_expr_mention *mentions; /* those that are no declarations */
	size_t mention_count, mention_cap;
	struct dp_expr_token *locals; /* where names are declared */
	size_t local_count, local_cap;
};

/*
 * Read what stands in text from begin to end. False: *fault says why it is no expression.
 * To be released either way.
 */
bool dp_expr_source_read(struct dp_expr_source *out, const char *text, size_t begin, size_t end,
	struct dp_expr_fault *fault);
void dp_expr_source_release(struct dp_expr_source *source);

/*
 * Where the } is that ends an expression of a template. False: *fault says why there is none.
 * begin: behind its ${.
 */
bool dp_expr_source_find_end(
	size_t *out, const char *text, size_t begin, struct dp_expr_fault *fault);

/* 1-based; columns count characters. */
struct deploy_place dp_expr_source_place(const char *text, size_t at);

#endif
