/* Values of Ruby text: literals, loop variables, and the few methods that DDLs call on them. */
#include "model/ddl_ruby.h"

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/regex.h"
#include "deploy/error.h"
#include "deploy/text.h"

#define MAX_WORK	 (16 * 1024 * 1024)
#define DP_RUBY_MAX_TEXT DEPLOY_DDL_MAX_BYTES
#define MAX_DEPTH	 64
#define TOKEN_COST	 16

int dp_ruby_fail(struct dp_ruby *ruby, const struct dp_token *token, const char *format, ...)
{
	char why[400];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(why, sizeof(why), format, args);
	va_end(args);
	return deploy_error_set(ruby->err, DEPLOY_INPUT, "%s:%u:%u: %s", ruby->ddl->path,
		token->line, token->column, why);
}

int dp_ruby_exhaust(struct dp_ruby *ruby, const char *why)
{
	ruby->is_exhausted = true;
	return dp_ruby_fail(ruby, ruby->at, "%s", why);
}

/* Loops repeat what they hold: all that is read is paid. */
int dp_ruby_pay(struct dp_ruby *ruby, size_t bytes)
{
	ruby->work += bytes + TOKEN_COST;
	return ruby->work > MAX_WORK ? dp_ruby_exhaust(ruby, "reading this costs too much") : 0;
}

int dp_ruby_unexpected(struct dp_ruby *ruby)
{
	const struct dp_token *token = ruby->at;

	if (token->type == DP_TOKEN_END || token->type == DP_TOKEN_NEWLINE)
		return dp_ruby_fail(ruby, token, "a value is missing");
	return dp_ruby_fail(ruby, token, "'%.*s' is not understood",
		(int)(token->len < 60 ? token->len : 60), token->text);
}

void dp_ruby_skip_newlines(struct dp_ruby *ruby)
{
	while (ruby->at->type == DP_TOKEN_NEWLINE)
		ruby->at++;
}

bool dp_ruby_accept(struct dp_ruby *ruby, const char *text)
{
	if (!dp_token_is(ruby->at, text))
		return false;
	ruby->at++;
	return true;
}

int dp_ruby_set_text(struct dp_ruby *ruby, struct dp_ruby_value *out, const struct dp_token *token,
	const char *text, size_t len)
{
	out->json = json_stringn(text, len);
	if (!out->json || memchr(text, '\0', len))
		return dp_ruby_fail(ruby, token, "this is no text in UTF-8");
	return dp_ruby_pay(ruby, len);
}

/* Literals. */

/* As Ruby's source: the delimiter / loses its backslash; options are written in front. */
static int read_regex(struct dp_ruby *ruby, struct dp_ruby_value *out, const struct dp_token *token)
{
	bool has[] = {strchr(token->options, 'm'), strchr(token->options, 'i'),
		strchr(token->options, 'x')};
	struct dp_buf text;

	dp_buf_init(&text, DP_RUBY_MAX_TEXT);
	if (token->options[0]) {
		dp_buf_addf(&text, "(?%s%s%s%s%s%s%s:", has[0] ? "m" : "", has[1] ? "i" : "",
			has[2] ? "x" : "", has[0] && has[1] && has[2] ? "" : "-", has[0] ? "" : "m",
			has[1] ? "" : "i", has[2] ? "" : "x");
	}
	for (size_t i = 0; i < token->len; i++) {
		bool has_next = i + 1 < token->len;

		if (token->text[i] == '#' && has_next && token->text[i + 1] == '{')
			(void)dp_ruby_fail(
				ruby, token, "#{} in a regular expression is not understood");
		if (token->text[i] == '\\' && has_next) {
			if (token->text[++i] != token->close_with || token->close_with != '/')
				dp_buf_add_byte(&text, '\\');
		}
		dp_buf_add_byte(&text, token->text[i]);
	}
	if (token->options[0])
		dp_buf_add_byte(&text, ')');
	out->kind = DP_RUBY_REGEX;
	if (!ruby->err->code)
		(void)dp_ruby_set_text(ruby, out, token, dp_buf_text(&text), text.len);
	dp_buf_release(&text);
	return ruby->err->code;
}

/* The digits of a number without what only people need; false if it is none that we know. */
static bool copy_number(char *to, size_t size, const struct dp_token *token)
{
	size_t n = 0;

	for (size_t i = 0; i < token->len; i++) {
		if (token->text[i] == '_')
			continue;
		if (n + 1 >= size)
			return false;
		to[n++] = token->text[i];
	}
	to[n] = '\0';
	return true;
}

static int read_number(
	struct dp_ruby *ruby, struct dp_ruby_value *out, const struct dp_token *token)
{
	char text[64], *end;
	const char *digits;
	bool is_real;

	if (!copy_number(text, sizeof(text), token))
		return dp_ruby_fail(ruby, token, "this number is not understood");
	digits = text + (text[0] == '-' ? 1 : 0);
	is_real = strpbrk(text, ".eE") && !strpbrk(digits, "xX");
	errno = 0;
	if (is_real)
		out->json = json_real(strtod(text, &end));
	else
		out->json = json_integer(strtoll(text, &end,
			digits[0] != '0'	? 10
			: strpbrk(digits, "xX") ? 16
						: 8));
	if (*end || errno || !out->json)
		return dp_ruby_fail(ruby, token, "this number is not understood");
	return dp_ruby_pay(ruby, token->len);
}

/* %w[a b] and %i[a b] */
static int read_words(struct dp_ruby *ruby, struct dp_ruby_value *out, const struct dp_token *token)
{
	const char *at = token->text, *end = at + token->len;

	if (memchr(at, '\\', token->len) || (!token->is_raw && memchr(at, '#', token->len)))
		return dp_ruby_fail(ruby, token, "escapes in such a list are not understood");
	out->json = json_array();
	out->items = token->type == DP_TOKEN_SYMBOLS ? DP_RUBY_SYMBOL : DP_RUBY_PLAIN;
	while (at < end) {
		size_t len = 0;

		while (at + len < end && !strchr(" \t\r\n\f\v", at[len]))
			len++;
		if (len && json_array_append_new(out->json, json_stringn(at, len)))
			return dp_ruby_fail(ruby, token, "this is no text in UTF-8");
		if (dp_ruby_pay(ruby, len))
			return ruby->err->code;
		at += len ? len : 1;
	}
	return 0;
}

static int read_array(struct dp_ruby *ruby, struct dp_ruby_value *out)
{
	const struct dp_token *end = ruby->tokens + ruby->at->close;

	ruby->at++;
	out->json = json_array();
	out->items = DP_RUBY_SYMBOL;
	for (dp_ruby_skip_newlines(ruby); ruby->at < end; dp_ruby_skip_newlines(ruby)) {
		struct dp_ruby_value item = {NULL};
		int rc = dp_ruby_read_value(ruby, &item);

		if (item.kind == DP_RUBY_REGEX && !rc)
			rc = dp_ruby_fail(ruby, ruby->at,
				"a list of regular expressions is not "
				"understood");
		if (item.kind == DP_RUBY_PLAIN)
			out->items = DP_RUBY_PLAIN;
		(void)json_array_append(out->json, item.json);
		dp_ruby_release_value(&item);
		dp_ruby_skip_newlines(ruby);
		if (!rc && !dp_ruby_accept(ruby, ",") && ruby->at != end)
			rc = dp_ruby_unexpected(ruby);
		if (rc)
			return rc;
	}
	ruby->at++;
	return 0;
}

/* What validation is in Ruby makes a difference that JSON's values do not show. */
static json_t *mark_validation(const struct dp_ruby_value *value)
{
	if (json_is_array(value->json))
		return json_pack("{s:O}", "list", value->json);
	if (!json_is_string(value->json))
		return json_incref(value->json);
	return json_pack(
		"{s:O}", value->kind == DP_RUBY_SYMBOL ? "validator" : "regex", value->json);
}

static int set_property(struct dp_ruby *ruby, json_t *object, const struct dp_token *token,
	const char *key, const struct dp_ruby_value *value)
{
	bool is_validation = strcmp(key, "validation") == 0;

	if (value->kind == DP_RUBY_REGEX && !is_validation)
		return dp_ruby_fail(
			ruby, token, "a regular expression is of use for validation only");
	if (json_object_set_new(
		    object, key, is_validation ? mark_validation(value) : json_incref(value->json)))
		return dp_ruby_fail(ruby, token, "a key that is no text");
	return 0;
}

/* The text of a key; NULL if it can be none. Caller frees. */
static char *key_text(const struct dp_ruby_value *key)
{
	struct dp_buf text;

	if (json_is_object(key->json) || json_is_array(key->json) || json_is_real(key->json) ||
		key->kind == DP_RUBY_REGEX)
		return NULL;
	dp_buf_init(&text, DP_RUBY_MAX_TEXT);
	dp_ruby_print_value(&text, key->json);
	dp_buf_add_text(&text, "");
	return dp_buf_take(&text);
}

/* Behind a key: its value. */
static int read_property(struct dp_ruby *ruby, json_t *object, const struct dp_token *token,
	const struct dp_ruby_value *key)
{
	struct dp_ruby_value value = {NULL};
	char *name = key_text(key);
	int rc;

	dp_ruby_skip_newlines(ruby);
	rc = !name ? dp_ruby_fail(ruby, token, "such a key is not understood")
		   : dp_ruby_read_value(ruby, &value);
	if (!rc)
		rc = set_property(ruby, object, token, name, &value);
	dp_ruby_release_value(&value);
	free(name);
	return rc;
}

/* "name: value" */
static int read_labelled(struct dp_ruby *ruby, json_t *object)
{
	const struct dp_token *token = ruby->at++;
	struct dp_ruby_value key = {NULL};
	int rc;

	rc = dp_ruby_read_text(ruby, &key, token);
	if (!rc)
		rc = read_property(ruby, object, token, &key);
	dp_ruby_release_value(&key);
	return rc;
}

static int read_pair(struct dp_ruby *ruby, json_t *object)
{
	const struct dp_token *token = ruby->at;
	struct dp_ruby_value key = {NULL};
	int rc;

	if (token->type == DP_TOKEN_LABEL)
		return read_labelled(ruby, object);
	rc = dp_ruby_read_value(ruby, &key);
	if (!rc && !dp_ruby_accept(ruby, "=>"))
		rc = dp_ruby_unexpected(ruby);
	if (!rc)
		rc = read_property(ruby, object, token, &key);
	dp_ruby_release_value(&key);
	return rc;
}

static int read_hash(struct dp_ruby *ruby, struct dp_ruby_value *out)
{
	const struct dp_token *end = ruby->tokens + ruby->at->close;
	int rc = 0;

	ruby->at++;
	out->json = json_object();
	for (dp_ruby_skip_newlines(ruby); !rc && ruby->at < end; dp_ruby_skip_newlines(ruby)) {
		rc = read_pair(ruby, out->json);
		dp_ruby_skip_newlines(ruby);
		if (!rc && !dp_ruby_accept(ruby, ",") && ruby->at != end)
			rc = dp_ruby_unexpected(ruby);
	}
	ruby->at += rc ? 0 : 1;
	return rc;
}

static int read_word(struct dp_ruby *ruby, struct dp_ruby_value *out)
{
	const struct dp_token *token = ruby->at;

	for (size_t i = ruby->variable_count; i-- > 0;) {
		const struct dp_token *name = ruby->variables[i].name;

		if (name->len == token->len && memcmp(name->text, token->text, token->len) == 0) {
			*out = ruby->variables[i].value;
			(void)json_incref(out->json);
			ruby->at++;
			return 0;
		}
	}
	if (dp_ruby_accept(ruby, "nil"))
		out->json = json_null();
	else if (dp_ruby_accept(ruby, "true"))
		out->json = json_true();
	else if (dp_ruby_accept(ruby, "false"))
		out->json = json_false();
	else
		return dp_ruby_unexpected(ruby);
	return 0;
}

static int read_group(struct dp_ruby *ruby, struct dp_ruby_value *out)
{
	ruby->at++;
	dp_ruby_skip_newlines(ruby);
	if (dp_ruby_read_value(ruby, out))
		return ruby->err->code;
	dp_ruby_skip_newlines(ruby);
	return dp_ruby_accept(ruby, ")") ? 0 : dp_ruby_unexpected(ruby);
}

/* "a" "b" is one text. */
static int read_strings(struct dp_ruby *ruby, struct dp_ruby_value *out)
{
	struct dp_buf text;

	dp_buf_init(&text, DP_RUBY_MAX_TEXT);
	do {
		struct dp_ruby_value piece = {NULL};

		if (dp_ruby_read_text(ruby, &piece, ruby->at++) == 0)
			dp_ruby_print_value(&text, piece.json);
		dp_ruby_release_value(&piece);
	} while (!ruby->err->code && ruby->at->type == DP_TOKEN_STRING);
	if (!ruby->err->code)
		(void)dp_ruby_set_text(ruby, out, ruby->at - 1, dp_buf_text(&text), text.len);
	dp_buf_release(&text);
	return ruby->err->code;
}

static int read_primary(struct dp_ruby *ruby, struct dp_ruby_value *out)
{
	const struct dp_token *token = ruby->at;

	if (dp_ruby_pay(ruby, 0))
		return ruby->err->code;
	switch (token->type) {
	case DP_TOKEN_STRING:
		return read_strings(ruby, out);
	case DP_TOKEN_SYMBOL:
		ruby->at++;
		out->kind = DP_RUBY_SYMBOL;
		return dp_ruby_read_text(ruby, out, token);
	case DP_TOKEN_NUMBER:
		ruby->at++;
		return read_number(ruby, out, token);
	case DP_TOKEN_REGEX:
		ruby->at++;
		return read_regex(ruby, out, token);
	case DP_TOKEN_WORDS:
	case DP_TOKEN_SYMBOLS:
		ruby->at++;
		return read_words(ruby, out, token);
	case DP_TOKEN_WORD:
		return read_word(ruby, out);
	default:
		if (dp_token_is(token, "["))
			return read_array(ruby, out);
		if (dp_token_is(token, "{"))
			return read_hash(ruby, out);
		return dp_token_is(token, "(") ? read_group(ruby, out) : dp_ruby_unexpected(ruby);
	}
}

/* Methods and sums. */

/* The methods behind a value, perhaps on lines of their own; not .each. */
static int read_methods(struct dp_ruby *ruby, struct dp_ruby_value *out)
{
	for (;;) {
		const struct dp_token *dot = ruby->at;

		while (dot->type == DP_TOKEN_NEWLINE && dot->text[0] == '\n')
			dot++;
		if (!dp_token_is(dot, ".") || dp_token_is(dot + 1, "each"))
			return 0;
		ruby->at = dot + 1;
		if (dp_ruby_call_method(ruby, out))
			return ruby->err->code;
	}
}

/* "a" + "b" */
static int read_sum(struct dp_ruby *ruby, struct dp_ruby_value *out, const struct dp_token *sign)
{
	struct dp_ruby_value more = {NULL};
	struct dp_buf text;
	int rc;

	dp_ruby_skip_newlines(ruby);
	rc = read_primary(ruby, &more) || read_methods(ruby, &more);
	if (!rc && (!json_is_string(out->json) || !json_is_string(more.json) || out->kind ||
			   more.kind))
		rc = dp_ruby_fail(ruby, sign, "only texts are added");
	if (!rc) {
		dp_buf_init(&text, DP_RUBY_MAX_TEXT);
		dp_ruby_print_value(&text, out->json);
		dp_ruby_print_value(&text, more.json);
		rc = dp_ruby_replace_text(ruby, out, sign, dp_buf_text(&text), text.len);
		dp_buf_release(&text);
	}
	dp_ruby_release_value(&more);
	return rc ? (int)ruby->err->code : 0;
}

int dp_ruby_read_value(struct dp_ruby *ruby, struct dp_ruby_value *out)
{
	int rc;

	*out = (struct dp_ruby_value){NULL};
	if (ruby->depth == MAX_DEPTH)
		return dp_ruby_exhaust(ruby, "more than 64 values in each other");
	ruby->depth++;
	rc = read_primary(ruby, out) || read_methods(ruby, out);
	while (!rc && dp_token_is(ruby->at, "+")) {
		const struct dp_token *sign = ruby->at++;

		rc = read_sum(ruby, out, sign);
	}
	ruby->depth--;
	return rc ? (int)ruby->err->code : 0;
}

void dp_ruby_release_value(struct dp_ruby_value *value)
{
	json_decref(value->json);
	value->json = NULL;
}

/* Arguments. */

static int add_argument(struct dp_ruby *ruby, struct dp_ruby_arguments *out)
{
	const struct dp_token *token = ruby->at;
	struct dp_ruby_value value = {NULL};
	int rc = dp_ruby_read_value(ruby, &value);

	if (!rc && dp_ruby_accept(ruby, "=>")) {
		rc = read_property(ruby, out->properties, token, &value);
	} else if (!rc && json_is_object(value.json)) {
		/* A hash in its own braces is the same as one without. */
		(void)json_object_update(out->properties, value.json);
	} else if (!rc && out->count == DP_RUBY_MAX_ARGUMENTS) {
		rc = dp_ruby_fail(ruby, token, "too many arguments");
	} else if (!rc) {
		out->values[out->count++] = value;
		return 0;
	}
	dp_ruby_release_value(&value);
	return rc;
}

static bool ends_arguments(const struct dp_token *token)
{
	return token->type == DP_TOKEN_NEWLINE || token->type == DP_TOKEN_END ||
	       dp_token_is(token, "do") || dp_token_is(token, ")") || dp_token_is(token, "}") ||
	       dp_token_is(token, "{") || dp_token_is(token, "end");
}

int dp_ruby_read_arguments(struct dp_ruby *ruby, struct dp_ruby_arguments *out)
{
	const struct dp_token *close = NULL;
	int rc = 0;

	out->properties = json_object();
	if (dp_token_is(ruby->at, "(") && !ruby->at->has_space) {
		close = ruby->tokens + ruby->at->close;
		ruby->at++;
		dp_ruby_skip_newlines(ruby);
	}
	if (close ? ruby->at < close : !ends_arguments(ruby->at)) {
		do {
			dp_ruby_skip_newlines(ruby);
			rc = ruby->at->type == DP_TOKEN_LABEL ? read_labelled(ruby, out->properties)
							      : add_argument(ruby, out);
			if (close)
				dp_ruby_skip_newlines(ruby);
		} while (!rc && dp_ruby_accept(ruby, ","));
	}
	if (!rc && close && ruby->at++ != close) {
		ruby->at--;
		rc = dp_ruby_unexpected(ruby);
	}
	if (json_object_size(out->properties) == 0) {
		json_decref(out->properties);
		out->properties = NULL;
	}
	return rc;
}

void dp_ruby_release_arguments(struct dp_ruby_arguments *arguments)
{
	for (size_t i = 0; i < arguments->count; i++)
		dp_ruby_release_value(&arguments->values[i]);
	json_decref(arguments->properties);
	*arguments = (struct dp_ruby_arguments){.count = 0};
}
