/* The few methods that DDLs call on values. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/regex.h"
#include "deploy/error.h"
#include "model/ddl_ruby.h"

#define SUB_COST 65536 /* an expression may take long */

int dp_ruby_replace_text(struct dp_ruby *ruby, struct dp_ruby_value *value,
	const struct dp_token *token, const char *text, size_t len)
{
	json_decref(value->json);
	value->json = NULL;
	return dp_ruby_set_text(ruby, value, token, text, len);
}

static char to_lower(char c)
{
	return (char)(c >= 'A' && c <= 'Z' ? c + 32 : c);
}

static char to_upper(char c)
{
	return (char)(c >= 'a' && c <= 'z' ? c - 32 : c);
}

/* capitalize, upcase, downcase: how is its first letter. */
static int change_case(
	struct dp_ruby *ruby, struct dp_ruby_value *value, const struct dp_token *token)
{
	size_t len = json_string_length(value->json);
	char *text = dp_xstrndup(json_string_value(value->json), len), how = token->text[0];
	int rc;

	for (size_t i = 0; i < len; i++) {
		/* Other scripts' letters have cases, too. */
		if (text[i] & 0x80) {
			free(text);
			return dp_ruby_fail(ruby, token,
				"%.*s of text beyond ASCII is not understood", (int)token->len,
				token->text);
		}
		text[i] = how == 'u' || (how == 'c' && i == 0) ? to_upper(text[i])
							       : to_lower(text[i]);
	}
	rc = dp_ruby_replace_text(ruby, value, token, text, len);
	free(text);
	return rc;
}

/* Where pattern is found first in text; false if it is not. */
static bool find_pattern(struct dp_ruby *ruby, const struct dp_token *token,
	const struct dp_ruby_value *pattern, const json_t *text, size_t *start, size_t *end)
{
	const char *from = json_string_value(text), *words = json_string_value(pattern->json), *at;
	struct dp_regex *regex = NULL;
	struct deploy_error why = {DEPLOY_OK};
	bool is_found;

	if (pattern->kind != DP_RUBY_REGEX) {
		at = strstr(from, words);
		*start = at ? (size_t)(at - from) : 0;
		*end = *start + strlen(words);
		return at != NULL;
	}
	if (dp_regex_new(&regex, words, strlen(words), false, &why)) {
		(void)dp_ruby_fail(ruby, token, "%s", why.text);
		return false;
	}
	is_found = dp_regex_find(regex, from, json_string_length(text), start, end) == 1;
	dp_regex_free(regex);
	return is_found;
}

static int substitute(struct dp_ruby *ruby, struct dp_ruby_value *value,
	const struct dp_token *token, const struct dp_ruby_arguments *arguments)
{
	const struct dp_ruby_value *pattern = &arguments->values[0];
	const json_t *with = arguments->values[1].json;
	const char *text = json_string_value(value->json);
	size_t start, end;
	struct dp_buf out;
	int rc;

	if (arguments->count != 2 || arguments->properties || !json_is_string(pattern->json) ||
		!json_is_string(with) || strchr(json_string_value(with), '\\'))
		return dp_ruby_fail(ruby, token, "sub wants a pattern and a plain text");
	if (dp_ruby_pay(ruby, SUB_COST + json_string_length(value->json)) ||
		!find_pattern(ruby, token, pattern, value->json, &start, &end))
		return ruby->err->code;
	dp_buf_init(&out, DP_RUBY_MAX_TEXT);
	dp_buf_add(&out, text, start);
	dp_buf_add_text(&out, json_string_value(with));
	dp_buf_add_text(&out, text + end);
	rc = dp_ruby_replace_text(ruby, value, token, dp_buf_text(&out), out.len);
	dp_buf_release(&out);
	return rc;
}

static int call_sub(struct dp_ruby *ruby, struct dp_ruby_value *value, const struct dp_token *token)
{
	struct dp_ruby_arguments arguments = {.count = 0};
	int rc;

	if (!dp_token_is(ruby->at, "(") || value->kind == DP_RUBY_SYMBOL)
		return dp_ruby_fail(ruby, token, "this sub is not understood");
	rc = dp_ruby_read_arguments(ruby, &arguments);
	if (!rc)
		rc = substitute(ruby, value, token, &arguments);
	dp_ruby_release_arguments(&arguments);
	return rc;
}

static int call_to_s(
	struct dp_ruby *ruby, struct dp_ruby_value *value, const struct dp_token *token)
{
	char digits[32];

	value->kind = dp_token_is(token, "to_sym") ? DP_RUBY_SYMBOL : DP_RUBY_PLAIN;
	if (json_is_string(value->json))
		return 0;
	if (!json_is_integer(value->json) || value->kind == DP_RUBY_SYMBOL)
		return dp_ruby_fail(ruby, token, "%.*s of that is not understood", (int)token->len,
			token->text);
	(void)snprintf(digits, sizeof(digits), "%lld", (long long)json_integer_value(value->json));
	return dp_ruby_replace_text(ruby, value, token, digits, strlen(digits));
}

/* At a method's name, behind its dot. */
int dp_ruby_call_method(struct dp_ruby *ruby, struct dp_ruby_value *value)
{
	const struct dp_token *token = ruby->at++;
	bool is_text = json_is_string(value->json) && value->kind != DP_RUBY_REGEX;

	if (dp_token_is(token, "freeze"))
		return 0;
	if (value->kind != DP_RUBY_REGEX &&
		(dp_token_is(token, "to_s") || dp_token_is(token, "to_sym")))
		return call_to_s(ruby, value, token);
	if (is_text && (dp_token_is(token, "capitalize") || dp_token_is(token, "upcase") ||
			       dp_token_is(token, "downcase")))
		return change_case(ruby, value, token);
	if (is_text && dp_token_is(token, "sub"))
		return call_sub(ruby, value, token);
	return dp_ruby_fail(ruby, token, "the method %.*s is not understood",
		(int)(token->len < 60 ? token->len : 60), token->text);
}
