/*
 * Expressions: Lua 5.4, fenced in. "data.exitcode == 0", "web-${inputs.cluster}-${#sets.servers}".
 * An expression sees the values that its caller names, and these functions:
 *   len sub upper lower rep format byte reverse   as in Lua, also as methods: node:upper()
 *   find(text, part [, from])       plain text, no pattern
 *   matches(text, regex)            Ruby's dialect
 *   concat(list [, text [, i [, j]]])   sort(list [, before]): a sorted copy   unpack(list [, i,
 * j]) pairs ipairs tostring tonumber  pairs goes through a table's keys in order math.… without
 * random Of JSON, null is nil; arrays and objects can be read but not changed, # counts both. No
 * file, no shell, no other code can be reached. At most 10 million steps, 0.5 s of processor time, 16
 * MiB of memory, 1 MiB for a text.
 */
#ifndef DEPLOY_EXPR_H
#define DEPLOY_EXPR_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

#include "deploy/error.h"
#include "deploy/yaml.h"

struct deploy_expr;

#define DEPLOY_EXPR_MAX_BYTES (64 * 1024)

/*
 * Compile one expression. label is what errors call it ("steps.settle.until"), copied.
 * Errors: DEPLOY_INPUT with "label:line:column: why" for what is not exactly one expression, longer
 * than 64 KiB, or a name of more than 150 in it. Caller frees with deploy_expr_free().
 */
int deploy_expr_new(
	struct deploy_expr **out, const char *label, const char *text, struct deploy_error *err);

/*
 * The same for text in which expressions stand in ${…}; $${ means ${. Text that is one ${…} and
 * nothing else has its value; other text is joined: numbers and booleans as Lua writes them, nil,
 * lists and mappings are errors of the evaluation.
 */
int deploy_expr_new_template(
	struct deploy_expr **out, const char *label, const char *text, struct deploy_error *err);

void deploy_expr_free(struct deploy_expr *expr);

/* The text that it was made from. Borrowed. */
const char *deploy_expr_source(const struct deploy_expr *expr);

/* A name that an expression takes from outside, and where. Strings live as long as expr. */
struct deploy_expr_use {
	const char *name;
	/* Of steps.ID.results: "ID" and "results". NULL from the first that is not literal on. */
	const char *field, *part;
	struct deploy_place place; /* in the text; columns count characters */
};

/* Every such place, in order; functions of the list above are not among them. Borrowed. */
const struct deploy_expr_use *deploy_expr_uses(const struct deploy_expr *expr, size_t *count);

/*
 * A function that expressions may call by name. args: a JSON array, borrowed. *out: a new
 * reference, or NULL for nil. Errors: any; the evaluation fails with it.
 */
struct deploy_expr_function {
	const char *name;
	int (*call)(void *arg, json_t **out, const json_t *args, struct deploy_error *err);
	void *arg;
};

/* What an expression is evaluated in. Borrowed while that lasts. */
struct deploy_expr_world {
	json_t *values; /* an object: name to value; a name that exists but has no value is null */
	const struct deploy_expr_function *functions;
	size_t function_count;
};

/* Errors: DEPLOY_INPUT for the first use of a name that world lacks, with the one meant as hint. */
int deploy_expr_check(const struct deploy_expr *expr, const struct deploy_expr_world *world,
	struct deploy_error *err);

/*
 * Evaluate. *out: a new reference that shares nothing with world; nil is null, an empty table is
 * []. At most 64 levels and 64 MiB. Errors: DEPLOY_INPUT with "label:line:column: why", those of
 * deploy_expr_check(), and those of functions.
 */
int deploy_expr_eval(json_t **out, struct deploy_expr *expr, const struct deploy_expr_world *world,
	struct deploy_error *err);

/* The same for a condition: true, false or nil, which is false; anything else is an error. */
int deploy_expr_test(bool *out, struct deploy_expr *expr, const struct deploy_expr_world *world,
	struct deploy_error *err);

/* The same as text, by the rules of templates. Caller frees *out with free(). */
int deploy_expr_text(char **out, struct deploy_expr *expr, const struct deploy_expr_world *world,
	struct deploy_error *err);

#endif
