/*
 * The words of Ruby text, as far as DDLs are made of it. What is between words that belong together
 * (brackets; do, if, def … and their end) can be skipped without being understood.
 */
#ifndef DP_DDL_LEX_H
#define DP_DDL_LEX_H

#include <stdbool.h>
#include <stddef.h>

#include "deploy/error.h"

enum dp_token_type {
	DP_TOKEN_END,	   /* of the text */
	DP_TOKEN_NEWLINE,  /* also ; */
	DP_TOKEN_WORD,	   /* action, do, nil */
	DP_TOKEN_CONSTANT, /* String */
	DP_TOKEN_NUMBER,   /* as written */
	DP_TOKEN_STRING,
	DP_TOKEN_SYMBOL,
	DP_TOKEN_REGEX,
	DP_TOKEN_WORDS,	  /* %w */
	DP_TOKEN_SYMBOLS, /* %i */
	DP_TOKEN_LABEL,	  /* name: or "name": */
	DP_TOKEN_SIGN,
	DP_TOKEN_OTHER /* what no DDL needs: @x, $x, ?x, `x` */
};

struct dp_token {
	enum dp_token_type type;
	const char *text; /* of strings and their like: what is between the delimiters */
	size_t len;
	unsigned line, column;	    /* 1-based; columns count characters */
	size_t close;		    /* of what opens something: index of what closes it; else 0 */
	char open_with, close_with; /* delimiters of strings; 0: none */
	bool is_raw;		    /* a string without escapes and #{} */
	bool is_indented;	    /* <<~: what all lines are indented by is no part of it */
	bool has_space;		    /* in front */
	char options[4];	    /* of a regular expression: "imx" */
};

#define DP_LEX_MAX_DEPTH 32

/*
 * Split len bytes into words, the last one is DP_TOKEN_END; line and column: where the text stands.
 * Tokens borrow from text. Caller frees *out with free(). Errors: DEPLOY_INPUT "name:line:column:
 * why" for what is not closed, more than 32 levels, more than 200,000 words.
 */
int dp_ddl_lex(struct dp_token **out, const char *name, const char *text, size_t len, unsigned line,
	unsigned column, struct deploy_error *err);

/* True if the token is that word or sign. */
bool dp_token_is(const struct dp_token *token, const char *text);

/* The end of the interpolation whose "#{" stands at `at`: behind its "}"; NULL if there is none. */
const char *dp_ddl_skip_inserted(const char *at, const char *end);

#endif
