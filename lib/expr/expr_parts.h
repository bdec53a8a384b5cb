/* What an expression consists of, for the two files that compile and evaluate it. */
#ifndef DP_EXPR_PARTS_H
#define DP_EXPR_PARTS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/strset.h"
#include "deploy/expr.h"
#include "expr/lua_run.h"

/* What Lua calls every chunk; its errors begin with it and the line. */
#define DP_EXPR_CHUNK "e"

/* Literal text, or an expression in it. */
struct dp_expr_part {
	size_t begin, end; /* in the text; of an expression: without ${ and } */
	bool is_expression;
	int function;	    /* in Lua's registry */
	const char **names; /* Lua's: one for each upvalue, NULL for a function of the library */
	size_t name_count;
	size_t *offsets; /* in the text, of each line of the chunk */
	size_t line_count;
};

struct deploy_expr {
	char *label, *text;
	struct dp_lua_run run;
	struct dp_expr_part *parts;
	size_t part_count, part_cap;
	bool is_joined; /* its value is the text of all parts */
	struct deploy_expr_use *uses;
	size_t use_count, use_cap;
	struct dp_strset words; /* what uses point to */
};

/* Both return DEPLOY_INPUT, "label:line:column: why". at: in the text. */
int dp_expr_fail_at(
	const struct deploy_expr *expr, size_t at, struct deploy_error *err, const char *why);

/*
 * Why part could not be compiled or evaluated, from what lua_pcall() returned and the message that
 * it left, which is popped. Returns the code of a function of the world that failed.
 */
int dp_expr_fail_in(const struct deploy_expr *expr, const struct dp_expr_part *part, int status,
	struct deploy_error *err);

#endif
