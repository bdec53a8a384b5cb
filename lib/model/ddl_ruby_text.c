/* Texts of Ruby: what stands between quotes or in a heredoc, with escapes and #{}. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "deploy/error.h"
#include "model/ddl_ruby.h"

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

void dp_ruby_print_value(struct dp_buf *out, const json_t *value)
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
			(void)dp_ruby_unexpected(ruby);
		if (!ruby->err->code &&
			(json_is_object(value.json) || json_is_array(value.json) ||
				json_is_real(value.json) || value.kind == DP_RUBY_REGEX))
			(void)dp_ruby_fail(ruby, w->token, "#{} of that is not understood");
		dp_ruby_print_value(&w->out, value.json);
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

int dp_ruby_read_text(struct dp_ruby *ruby, struct dp_ruby_value *out, const struct dp_token *token)
{
	struct writer w = {
		.ruby = ruby, .token = token, .at = token->text, .end = token->text + token->len};
	struct dp_buf plain;

	dp_buf_init(&plain, DP_RUBY_MAX_TEXT);
	dp_buf_init(&w.out, DP_RUBY_MAX_TEXT);
	if (token->is_indented) {
		unindent(&plain, token->text, token->len);
		w.at = dp_buf_text(&plain);
		w.end = w.at + plain.len;
	}
	if (!dp_ruby_pay(ruby, token->len) && !write_text(&w))
		(void)dp_ruby_set_text(ruby, out, token, dp_buf_text(&w.out), w.out.len);
	dp_buf_release(&plain);
	dp_buf_release(&w.out);
	return ruby->err->code;
}
