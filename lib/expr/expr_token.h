/*
 * The words of Lua, as far as one must know them to find where an expression ends and which names
 * are in it. Whether they make sense is for Lua to say.
 */
#ifndef DP_EXPR_TOKEN_H
#define DP_EXPR_TOKEN_H

#include <stdbool.h>
#include <stddef.h>

enum dp_expr_token_kind {
	DP_EXPR_TOKEN_END,
	DP_EXPR_TOKEN_NAME,
	DP_EXPR_TOKEN_KEYWORD,
	DP_EXPR_TOKEN_NUMBER,
	DP_EXPR_TOKEN_TEXT,
	DP_EXPR_TOKEN_SIGN,
	DP_EXPR_TOKEN_BAD
};

struct dp_expr_token {
	enum dp_expr_token_kind kind;
	const char *at;
	size_t len;
	const char *why; /* of DP_EXPR_TOKEN_BAD: what is wrong with it */
};

/* The next token from at on; the one after it begins at .at + .len, or later. */
struct dp_expr_token dp_expr_token_next(const char *at, const char *end);

/* Is it this sign or keyword? */
bool dp_expr_token_is(const struct dp_expr_token *token, const char *word);

#endif
