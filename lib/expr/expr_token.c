/* Lua's words. Source: Lua 5.4 reference manual, 3.1. */
#include "expr/expr_token.h"

#include <string.h>

/* Longer ones before those that they begin with. */
static const char *const signs[] = {"...", "..", "==", "~=", "<=", ">=", "//", "::", "<<", ">>",
	"+", "-", "*", "/", "%", "^", "#", "&", "~", "|", "<", ">", "=", "(", ")", "{", "}", "[",
	"]", ";", ":", ",", "."};

static const char *const keywords[] = {"and", "break", "do", "else", "elseif", "end", "false",
	"for", "function", "goto", "if", "in", "local", "nil", "not", "or", "repeat", "return",
	"then", "true", "until", "while"};

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_word(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || is_digit(c);
}

static struct dp_expr_token make(enum dp_expr_token_kind kind, const char *at, const char *behind)
{
	return (struct dp_expr_token){.kind = kind, .at = at, .len = (size_t)(behind - at)};
}

static struct dp_expr_token refuse(const char *at, const char *why)
{
	return (struct dp_expr_token){.kind = DP_EXPR_TOKEN_BAD, .at = at, .why = why};
}

static bool begins(const char *at, const char *end, const char *word)
{
	size_t len = strlen(word);

	return (size_t)(end - at) >= len && memcmp(at, word, len) == 0;
}

bool dp_expr_token_is(const struct dp_expr_token *token, const char *word)
{
	return (token->kind == DP_EXPR_TOKEN_SIGN || token->kind == DP_EXPR_TOKEN_KEYWORD) &&
	       strlen(word) == token->len && memcmp(token->at, word, token->len) == 0;
}

static struct dp_expr_token read_word(const char *at, const char *end)
{
	struct dp_expr_token token;
	const char *p = at;

	while (p < end && is_word(*p))
		p++;
	token = make(DP_EXPR_TOKEN_KEYWORD, at, p);
	for (size_t i = 0; i < sizeof(keywords) / sizeof(keywords[0]); i++)
		if (dp_expr_token_is(&token, keywords[i]))
			return token;
	token.kind = DP_EXPR_TOKEN_NAME;
	return token;
}

/* All that could belong to it, as Lua does: "3x" is one malformed number, not two words. */
static struct dp_expr_token read_number(const char *at, const char *end)
{
	bool is_hex = begins(at, end, "0x") || begins(at, end, "0X");
	const char *exponents = is_hex ? "pP" : "eE", *p = at;

	for (; p < end && (is_word(*p) || *p == '.'); p++)
		if (strchr(exponents, *p) && p + 1 < end && (p[1] == '+' || p[1] == '-'))
			p++;
	return make(DP_EXPR_TOKEN_NUMBER, at, p);
}

static struct dp_expr_token read_quoted(const char *at, const char *end)
{
	const char *p = at + 1;

	for (; p < end && *p != *at && *p != '\n' && *p != '\r'; p++)
		if (*p == '\\' && p + 1 < end)
			p++;
	if (p >= end || *p != *at)
		return refuse(at, "this text has no closing quote");
	return make(DP_EXPR_TOKEN_TEXT, at, p + 1);
}

/* [[…]] or [==[…]==]; just the sign if it is none of them. */
static struct dp_expr_token read_bracket(const char *at, const char *end)
{
	const char *open = at + 1, *p;
	size_t level;

	while (open < end && *open == '=')
		open++;
	if (open == end || *open != '[')
		return make(DP_EXPR_TOKEN_SIGN, at, at + 1);
	level = (size_t)(open - at) - 1;
	for (p = open + 1; p < end; p++)
		if (*p == ']' && (size_t)(end - p) >= level + 2 && p[level + 1] == ']' &&
			memcmp(p + 1, at + 1, level) == 0)
			return make(DP_EXPR_TOKEN_TEXT, at, p + level + 2);
	return refuse(at, "this text has no closing brackets");
}

static struct dp_expr_token read_sign(const char *at, const char *end)
{
	for (size_t i = 0; i < sizeof(signs) / sizeof(signs[0]); i++)
		if (begins(at, end, signs[i]))
			return make(DP_EXPR_TOKEN_SIGN, at, at + strlen(signs[i]));
	return refuse(at, "this character has no meaning in an expression");
}

struct dp_expr_token dp_expr_token_next(const char *at, const char *end)
{
	while (at < end && strchr(" \t\n\r\f\v", *at))
		at++;
	if (at == end)
		return make(DP_EXPR_TOKEN_END, at, at);
	if (is_digit(*at) || (*at == '.' && at + 1 < end && is_digit(at[1])))
		return read_number(at, end);
	if (is_word(*at))
		return read_word(at, end);
	if (*at == '"' || *at == '\'')
		return read_quoted(at, end);
	if (*at == '[')
		return read_bracket(at, end);
	if (begins(at, end, "--"))
		return refuse(at, "-- begins a comment, which has no place in an expression");
	return read_sign(at, end);
}
