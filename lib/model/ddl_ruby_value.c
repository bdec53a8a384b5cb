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

#define MAX_WORK   (16 * 1024 * 1024)
#define MAX_TEXT   DEPLOY_DDL_MAX_BYTES
#define MAX_DEPTH  64
#define TOKEN_COST 16
#define SUB_COST   65536 /* an expression may take long */

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
static int pay(struct dp_ruby *ruby, size_t bytes)
{
	ruby->work += bytes + TOKEN_COST;
	return ruby->work > MAX_WORK ? dp_ruby_exhaust(ruby, "reading this costs too much") : 0;
}

static int unexpected(struct dp_ruby *ruby)
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

static int set_text(struct dp_ruby *ruby, struct dp_ruby_value *out, const struct dp_token *token,
	const char *text, size_t len)
{
	out->json = json_stringn(text, len);
	if (!out->json || memchr(text, '\0', len))
		return dp_ruby_fail(ruby, token, "this is no text in UTF-8");
	return pay(ruby, len);
}

/* Text between delimiters. */

struct writer {
	struct dp_ruby *ruby;
	const struct dp_token *token;
	struct dp_buf out;
	const char *at, *end;
};

static void add_code_point(struct dp_buf *out, unsigned long cp)
{
	if (cp < 0x80) {
		dp_buf_add_byte(out, (int)cp);
	} else if (cp < 0x800) {
		dp_buf_add_byte(out, (int)(0xc0 | cp >> 6));
		dp_buf_add_byte(out, (int)(0x80 | (cp & 0x3f)));
	} else if (cp < 0x10000) {
		dp_buf_add_byte(out, (int)(0xe0 | cp >> 12));
		dp_buf_add_byte(out, (int)(0x80 | (cp >> 6 & 0x3f)));
		dp_buf_add_byte(out, (int)(0x80 | (cp & 0x3f)));
	} else {
		dp_buf_add_byte(out, (int)(0xf0 | (cp >> 18 & 7)));
		dp_buf_add_byte(out, (int)(0x80 | (cp >> 12 & 0x3f)));
		dp_buf_add_byte(out, (int)(0x80 | (cp >> 6 & 0x3f)));
		dp_buf_add_byte(out, (int)(0x80 | (cp & 0x3f)));
	}
}

/* At most count digits of the base, which is 8 or 16; -1 if there is none. */
static long read_digits(struct writer *w, int count, int base)
{
	char digits[8] = "";
	const char *all = base == 8 ? "01234567" : "0123456789abcdefABCDEF";
	int n = 0;

	while (n < count && w->at < w->end && *w->at && strchr(all, *w->at))
		digits[n++] = *w->at++;
	return n ? strtol(digits, NULL, base) : -1;
}

static int add_unicode(struct writer *w)
{
	bool is_braced = w->at < w->end && *w->at == '{';
	long cp;

	w->at += is_braced ? 1 : 0;
	cp = read_digits(w, is_braced ? 6 : 4, 16);
	if (cp <= 0 || cp > 0x10ffff || (is_braced && (w->at == w->end || *w->at++ != '}')))
		return dp_ruby_fail(w->ruby, w->token, "an escape \\u that is no character");
	add_code_point(&w->out, (unsigned long)cp);
	return 0;
}

/* Behind a backslash in double quotes. */
static int add_escape(struct writer *w)
{
	static const char letters[] = "ntrsefbav", bytes[] = "\n\t\r \033\f\b\a\v";
	char c = *w->at++;
	const char *letter = strchr(letters, c);
	long value;

	if (c == 'u')
		return add_unicode(w);
	if (c == 'x' || (c >= '0' && c <= '7')) {
		w->at -= c == 'x' ? 0 : 1;
		value = c == 'x' ? read_digits(w, 2, 16) : read_digits(w, 3, 8);
		if (value <= 0 || value > 255)
			return dp_ruby_fail(w->ruby, w->token, "an escape that is no byte");
		dp_buf_add_byte(&w->out, (int)value);
	} else if (c == 'c' || c == 'C' || c == 'M') {
		return dp_ruby_fail(w->ruby, w->token, "a control character is not understood");
	} else if (c && letter) {
		dp_buf_add_byte(&w->out, bytes[letter - letters]);
	} else if (c != '\n') {
		dp_buf_add_byte(&w->out, c);
	}
	return 0;
}

static void add_value_text(struct dp_buf *out, const json_t *value)
{
	char *text;

	if (json_is_string(value)) {
		dp_buf_add(out, json_string_value(value), json_string_length(value));
	} else if (!json_is_null(value)) {
		text = json_dumps(value, JSON_ENCODE_ANY | JSON_REAL_PRECISION(15));
		dp_buf_add_text(out, text ? text : "");
		free(text);
	}
}

/* "#{…}": its words are read where it stands, with the variables there are. */
static int add_inserted(struct writer *w)
{
	struct dp_ruby *ruby = w->ruby;
	const struct dp_token *outer_tokens = ruby->tokens, *outer_at = ruby->at;
	const char *from = w->at + 2, *close = dp_ddl_skip_inserted(w->at, w->end);
	struct dp_ruby_value value = {NULL};
	struct dp_token *tokens = NULL;

	if (!close)
		return dp_ruby_fail(ruby, w->token, "#{ has no end");
	if (dp_ddl_lex(&tokens, ruby->ddl->path, from, (size_t)(close - 1 - from), w->token->line,
		    w->token->column, ruby->err) == 0) {
		ruby->tokens = ruby->at = tokens;
		if (!dp_ruby_read_value(ruby, &value) && ruby->at->type != DP_TOKEN_END)
			(void)unexpected(ruby);
		if (!ruby->err->code &&
			(json_is_object(value.json) || json_is_array(value.json) ||
				json_is_real(value.json) || value.kind == DP_RUBY_REGEX))
			(void)dp_ruby_fail(ruby, w->token, "#{} of that is not understood");
		add_value_text(&w->out, value.json);
	}
	ruby->tokens = outer_tokens;
	ruby->at = outer_at;
	w->at = close;
	dp_ruby_release_value(&value);
	free(tokens);
	return ruby->err->code;
}

/* Without escapes but for the delimiters and the backslash. */
static int add_raw_byte(struct writer *w)
{
	const struct dp_token *token = w->token;
	char next = w->end - w->at > 1 ? w->at[1] : '\0';

	if (*w->at == '\\' && token->open_with && next &&
		(next == '\\' || next == token->open_with || next == token->close_with))
		w->at++;
	dp_buf_add_byte(&w->out, *w->at++);
	return 0;
}

static int write_text(struct writer *w)
{
	int rc = 0;

	while (!rc && w->at < w->end && !w->out.overflow) {
		if (w->token->is_raw) {
			rc = add_raw_byte(w);
		} else if (*w->at == '\\' && w->end - w->at > 1) {
			w->at++;
			rc = add_escape(w);
		} else if (*w->at == '#' && w->end - w->at > 1 && w->at[1] == '{') {
			rc = add_inserted(w);
		} else {
			dp_buf_add_byte(&w->out, *w->at++);
		}
	}
	return !rc && w->out.overflow ? dp_ruby_exhaust(w->ruby, "a text of more than 1 MiB") : rc;
}

/* <<~ */

static size_t indentation(const char *at, const char *end, size_t limit, const char **behind)
{
	size_t width = 0;

	for (; at < end && width < limit && (*at == ' ' || *at == '\t'); at++) {
		size_t next = *at == '\t' ? (width / 8 + 1) * 8 : width + 1;

		if (next > limit)
			break;
		width = next;
	}
	*behind = at;
	return width;
}

/* Write text without what all its lines are indented by; blank lines do not count. */
static void unindent(struct dp_buf *out, const char *text, size_t len)
{
	const char *end = text + len, *at, *next, *behind;
	size_t least = SIZE_MAX, width;

	for (at = text; at < end; at = next) {
		next = memchr(at, '\n', (size_t)(end - at));
		next = next ? next + 1 : end;
		width = indentation(at, end, SIZE_MAX, &behind);
		if (behind < end && *behind != '\n' && width < least)
			least = width;
	}
	for (at = text; at < end; at = next) {
		next = memchr(at, '\n', (size_t)(end - at));
		next = next ? next + 1 : end;
		(void)indentation(at, next, least, &behind);
		dp_buf_add(out, behind, (size_t)(next - behind));
	}
}

static int read_text(struct dp_ruby *ruby, struct dp_ruby_value *out, const struct dp_token *token)
{
	struct writer w = {
		.ruby = ruby, .token = token, .at = token->text, .end = token->text + token->len};
	struct dp_buf plain;

	dp_buf_init(&plain, MAX_TEXT);
	dp_buf_init(&w.out, MAX_TEXT);
	if (token->is_indented) {
		unindent(&plain, token->text, token->len);
		w.at = dp_buf_text(&plain);
		w.end = w.at + plain.len;
	}
	if (!pay(ruby, token->len) && !write_text(&w))
		(void)set_text(ruby, out, token, dp_buf_text(&w.out), w.out.len);
	dp_buf_release(&plain);
	dp_buf_release(&w.out);
	return ruby->err->code;
}

/* Literals. */

/* As Ruby's source: the delimiter / loses its backslash; options are written in front. */
static int read_regex(struct dp_ruby *ruby, struct dp_ruby_value *out, const struct dp_token *token)
{
	bool has[] = {strchr(token->options, 'm'), strchr(token->options, 'i'),
		strchr(token->options, 'x')};
	struct dp_buf text;

	dp_buf_init(&text, MAX_TEXT);
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
		(void)set_text(ruby, out, token, dp_buf_text(&text), text.len);
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
	return pay(ruby, token->len);
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
		if (pay(ruby, len))
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
			rc = unexpected(ruby);
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
	dp_buf_init(&text, MAX_TEXT);
	add_value_text(&text, key->json);
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

	rc = read_text(ruby, &key, token);
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
		rc = unexpected(ruby);
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
			rc = unexpected(ruby);
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
		return unexpected(ruby);
	return 0;
}

static int read_group(struct dp_ruby *ruby, struct dp_ruby_value *out)
{
	ruby->at++;
	dp_ruby_skip_newlines(ruby);
	if (dp_ruby_read_value(ruby, out))
		return ruby->err->code;
	dp_ruby_skip_newlines(ruby);
	return dp_ruby_accept(ruby, ")") ? 0 : unexpected(ruby);
}

/* "a" "b" is one text. */
static int read_strings(struct dp_ruby *ruby, struct dp_ruby_value *out)
{
	struct dp_buf text;

	dp_buf_init(&text, MAX_TEXT);
	do {
		struct dp_ruby_value piece = {NULL};

		if (read_text(ruby, &piece, ruby->at++) == 0)
			add_value_text(&text, piece.json);
		dp_ruby_release_value(&piece);
	} while (!ruby->err->code && ruby->at->type == DP_TOKEN_STRING);
	if (!ruby->err->code)
		(void)set_text(ruby, out, ruby->at - 1, dp_buf_text(&text), text.len);
	dp_buf_release(&text);
	return ruby->err->code;
}

static int read_primary(struct dp_ruby *ruby, struct dp_ruby_value *out)
{
	const struct dp_token *token = ruby->at;

	if (pay(ruby, 0))
		return ruby->err->code;
	switch (token->type) {
	case DP_TOKEN_STRING:
		return read_strings(ruby, out);
	case DP_TOKEN_SYMBOL:
		ruby->at++;
		out->kind = DP_RUBY_SYMBOL;
		return read_text(ruby, out, token);
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
		return dp_token_is(token, "(") ? read_group(ruby, out) : unexpected(ruby);
	}
}

/* Methods. */

static int set_same_kind(struct dp_ruby *ruby, struct dp_ruby_value *value,
	const struct dp_token *token, const char *text, size_t len)
{
	json_decref(value->json);
	value->json = NULL;
	return set_text(ruby, value, token, text, len);
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
	rc = set_same_kind(ruby, value, token, text, len);
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
	if (pay(ruby, SUB_COST + json_string_length(value->json)) ||
		!find_pattern(ruby, token, pattern, value->json, &start, &end))
		return ruby->err->code;
	dp_buf_init(&out, MAX_TEXT);
	dp_buf_add(&out, text, start);
	dp_buf_add_text(&out, json_string_value(with));
	dp_buf_add_text(&out, text + end);
	rc = set_same_kind(ruby, value, token, dp_buf_text(&out), out.len);
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
	return set_same_kind(ruby, value, token, digits, strlen(digits));
}

/* At a method's name, behind its dot. */
static int call_method(struct dp_ruby *ruby, struct dp_ruby_value *value)
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
		if (call_method(ruby, out))
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
		dp_buf_init(&text, MAX_TEXT);
		add_value_text(&text, out->json);
		add_value_text(&text, more.json);
		rc = set_same_kind(ruby, out, sign, dp_buf_text(&text), text.len);
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
		rc = unexpected(ruby);
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
