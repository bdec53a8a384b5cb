/* Reading Ruby's DDL: what statements (ddl_ruby.c) and values (ddl_ruby_value.c) share. */
#ifndef DP_DDL_RUBY_H
#define DP_DDL_RUBY_H

#include "base/buf.h"
#include "model/ddl_lex.h"
#include "model/ddl_parts.h"

/* What a value was in Ruby that JSON cannot say. */
enum dp_ruby_kind { DP_RUBY_PLAIN, DP_RUBY_SYMBOL, DP_RUBY_REGEX };

struct dp_ruby_value {
	json_t *json; /* a new reference; symbols and regular expressions are texts */
	enum dp_ruby_kind kind, items; /* items: what all members of an array are */
};

#define DP_RUBY_MAX_TEXT      DEPLOY_DDL_MAX_BYTES
#define DP_RUBY_MAX_VARIABLES 32
#define DP_RUBY_MAX_ARGUMENTS 8

struct dp_ruby {
	struct deploy_ddl *ddl;
	const struct dp_token *tokens, *at;
	struct {
		const struct dp_token *name;
		struct dp_ruby_value value;
	} variables[DP_RUBY_MAX_VARIABLES]; /* of loops, the innermost last */
	size_t variable_count;
	size_t work;	   /* bytes that reading has cost */
	unsigned turns;	   /* of loops */
	unsigned depth;	   /* of values in each other */
	bool is_exhausted; /* a limit was met: nothing more is read */
	struct deploy_error *err;
};

/* Arguments of a call: values, then properties (NULL for none). */
struct dp_ruby_arguments {
	struct dp_ruby_value values[DP_RUBY_MAX_ARGUMENTS];
	size_t count;
	json_t *properties;
};

/* Fill err with "path:line:column: why" of token; returns its code. */
int dp_ruby_fail(struct dp_ruby *ruby, const struct dp_token *token, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* The same for what must not go on: a limit. */
int dp_ruby_exhaust(struct dp_ruby *ruby, const char *why);

void dp_ruby_skip_newlines(struct dp_ruby *ruby);

/* True, and one on, if the next token is that word or sign. */
bool dp_ruby_accept(struct dp_ruby *ruby, const char *text);

/* Pay for bytes that are read or made, which loops may repeat. Errors: it was too much. */
int dp_ruby_pay(struct dp_ruby *ruby, size_t bytes);

/* Fail: the next token is none that is understood here. */
int dp_ruby_unexpected(struct dp_ruby *ruby);

/* Make out, or what it holds, the text of len bytes; its kind stays. token: where it stands. */
int dp_ruby_set_text(struct dp_ruby *ruby, struct dp_ruby_value *out, const struct dp_token *token,
	const char *text, size_t len);
int dp_ruby_replace_text(struct dp_ruby *ruby, struct dp_ruby_value *value,
	const struct dp_token *token, const char *text, size_t len);

/* Add what Ruby's to_s makes of a text, symbol, whole number, true, false or nil. */
void dp_ruby_print_value(struct dp_buf *out, const json_t *value);

/* Read the text of a string, symbol or label. */
int dp_ruby_read_text(
	struct dp_ruby *ruby, struct dp_ruby_value *out, const struct dp_token *token);

/* Call the method whose name is the next token on value. */
int dp_ruby_call_method(struct dp_ruby *ruby, struct dp_ruby_value *value);

/* Read a value; .each behind it is left. Release also after an error. */
int dp_ruby_read_value(struct dp_ruby *ruby, struct dp_ruby_value *out);
void dp_ruby_release_value(struct dp_ruby_value *value);

/* Read what stands behind a call's name, with or without parentheses. Release also after an error.
 */
int dp_ruby_read_arguments(struct dp_ruby *ruby, struct dp_ruby_arguments *out);
void dp_ruby_release_arguments(struct dp_ruby_arguments *arguments);

#endif
