/* Ruby's regular expressions on PCRE2: the only file that knows PCRE2. */
#include "base/regex.h"

#include <stdlib.h>
#include <string.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "base/buf.h"
#include "deploy/error.h"
#include "base/mem.h"
#include "deploy/text.h"

#define MAX_PATTERN_BYTES 8192
#define MATCH_LIMIT	  1000000 /* calls of PCRE2's match(), about 0.1 s */
#define DEPTH_LIMIT	  100000  /* nested backtracking points */
#define HEAP_LIMIT_KIB	  16384

struct dp_regex {
	pcre2_code *characters; /* for UTF-8; NULL if the pattern itself is not */
	pcre2_code *bytes;	/* for other text; NULL if the pattern needs characters */
	pcre2_match_context *limits;
};

/* Escapes that Ruby and PCRE2 read differently; inside: in a character class. */
static const struct escape {
	char letter;
	const char *outside, *inside;
} escapes[] = {
	{'h', "[[:xdigit:]]", "[:xdigit:]"},
	{'H', "[[:^xdigit:]]", "[:^xdigit:]"},
	{'v', "\\x0b", "\\x0b"},
	{'Q', "Q", "Q"},
	{'E', "E", "E"},
};

struct translation {
	struct dp_buf out;
	const char *at, *end;
	bool in_class;
	const char *problem; /* NULL while all is well */
};

static bool is_hex(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* \uXXXX and \u{X…}; at stands behind the u. Anything else is left for PCRE2 to refuse. */
static void translate_code_point(struct translation *t)
{
	bool braced = t->at < t->end && *t->at == '{';
	const char *digits = t->at + (braced ? 1 : 0), *p = digits;

	while (p < t->end && is_hex(*p) && (braced || p - digits < 4))
		p++;
	if (p == digits || (braced ? p == t->end || *p != '}' : p - digits != 4)) {
		dp_buf_add_text(&t->out, "\\u");
		return;
	}
	dp_buf_addf(&t->out, "\\x{%.*s}", (int)(p - digits), digits);
	t->at = p + (braced ? 1 : 0);
}

static void translate_escape(struct translation *t)
{
	char letter = *t->at++;

	if (letter == 'u') {
		translate_code_point(t);
		return;
	}
	for (size_t i = 0; i < sizeof(escapes) / sizeof(escapes[0]); i++) {
		if (escapes[i].letter == letter) {
			dp_buf_add_text(
				&t->out, t->in_class ? escapes[i].inside : escapes[i].outside);
			return;
		}
	}
	dp_buf_add_byte(&t->out, '\\');
	dp_buf_add_byte(&t->out, letter);
}

/* Behind an opening parenthesis: (?mix-mix) and (?mix-mix:…), where Ruby's m is PCRE2's s. */
static void translate_group(struct translation *t)
{
	const char *p = t->at;

	if (p < t->end && *p == '*') {
		t->problem = "nothing to repeat";
		return;
	}
	if (p == t->end || *p != '?')
		return;
	for (p++; p < t->end && (*p == 'm' || *p == 'i' || *p == 'x' || *p == '-'); p++)
		continue;
	if (p == t->end || (*p != ')' && *p != ':'))
		return;
	for (; t->at < p; t->at++)
		dp_buf_add_byte(&t->out, *t->at == 'm' ? 's' : *t->at);
}

/* At an unescaped byte inside of [ ]. POSIX names pass whole. */
static void translate_in_class(struct translation *t)
{
	const char *close;

	if (t->end - t->at >= 2 && t->at[0] == '&' && t->at[1] == '&') {
		t->problem = "&& in a character class is not supported";
	} else if (*t->at == '[') {
		close = t->end - t->at >= 2 && t->at[1] == ':'
				? memchr(t->at, ']', (size_t)(t->end - t->at))
				: NULL;
		if (!close || close[-1] != ':' || close - t->at < 4) {
			t->problem = "a character class inside of another is not supported";
			return;
		}
		dp_buf_add(&t->out, t->at, (size_t)(close + 1 - t->at));
		t->at = close + 1;
	} else {
		t->in_class = *t->at != ']';
		dp_buf_add_byte(&t->out, *t->at++);
	}
}

/* Behind [: a ^ and a ] that stand first do not end the class. */
static void open_class(struct translation *t)
{
	t->in_class = true;
	if (t->at < t->end && *t->at == '^')
		dp_buf_add_byte(&t->out, *t->at++);
	if (t->at < t->end && *t->at == ']')
		dp_buf_add_byte(&t->out, *t->at++);
}

static void translate(struct translation *t)
{
	while (t->at < t->end && !t->problem) {
		char c = *t->at;

		if (c == '\\' && t->end - t->at >= 2) {
			t->at++;
			translate_escape(t);
		} else if (t->in_class) {
			translate_in_class(t);
		} else {
			dp_buf_add_byte(&t->out, c);
			t->at++;
			if (c == '[')
				open_class(t);
			else if (c == '(')
				translate_group(t);
		}
	}
}

static pcre2_code *compile(const struct dp_buf *pattern, uint32_t options, int *code)
{
	pcre2_compile_context *context = pcre2_compile_context_create(NULL);
	pcre2_code *compiled = NULL;
	size_t offset;

	*code = PCRE2_ERROR_NOMEMORY;
	if (!context)
		return NULL;
	(void)pcre2_set_newline(context, PCRE2_NEWLINE_LF);
	compiled = pcre2_compile((PCRE2_SPTR)dp_buf_text(pattern), pattern->len,
		options | PCRE2_MULTILINE | PCRE2_DUPNAMES | PCRE2_NEVER_UCP |
			PCRE2_NEVER_BACKSLASH_C,
		code, &offset, context);
	pcre2_compile_context_free(context);
	return compiled;
}

static int refuse(struct deploy_error *err, const char *pattern, size_t len, const char *reason)
{
	char *shown = deploy_text_escape(pattern, len < 200 ? len : 200);

	(void)deploy_error_set(err, DEPLOY_INPUT, "regular expression /%s/: %s", shown, reason);
	free(shown);
	return err->code;
}

static bool is_utf8_error(int code)
{
	return code <= PCRE2_ERROR_UTF8_ERR1 && code >= PCRE2_ERROR_UTF8_ERR21;
}

/* Compile the pattern for characters and for bytes; one of them must do. Returns PCRE2's code. */
static int compile_both(struct dp_regex *regex, const struct dp_buf *pattern, bool ignore_case)
{
	uint32_t options = ignore_case ? PCRE2_CASELESS : 0;
	int code, bytes_code;

	regex->characters = compile(pattern, options | PCRE2_UTF, &code);
	regex->bytes = compile(pattern, options | PCRE2_NEVER_UTF, &bytes_code);
	if (regex->characters || (regex->bytes && is_utf8_error(code)))
		return 0;
	return code;
}

int dp_regex_new(struct dp_regex **out, const char *pattern, size_t len, bool ignore_case,
	struct deploy_error *err)
{
	struct translation t = {.at = pattern, .end = pattern + len};
	struct dp_regex *regex = dp_xcalloc(1, sizeof(*regex));
	PCRE2_UCHAR reason[128];
	int code, rc = 0;

	*out = NULL;
	dp_buf_init(&t.out, 16 * (size_t)MAX_PATTERN_BYTES);
	if (len > MAX_PATTERN_BYTES) {
		rc = refuse(err, pattern, len, "is longer than 8 KiB");
		goto out;
	}
	translate(&t);
	if (t.problem) {
		rc = refuse(err, pattern, len, t.problem);
		goto out;
	}
	code = compile_both(regex, &t.out, ignore_case);
	if (code != 0) {
		(void)pcre2_get_error_message(code, reason, sizeof(reason));
		rc = refuse(err, pattern, len, (const char *)reason);
		goto out;
	}
	regex->limits = pcre2_match_context_create(NULL);
	if (regex->limits) {
		(void)pcre2_set_match_limit(regex->limits, MATCH_LIMIT);
		(void)pcre2_set_depth_limit(regex->limits, DEPTH_LIMIT);
		(void)pcre2_set_heap_limit(regex->limits, HEAP_LIMIT_KIB);
	}
	*out = regex;
	regex = NULL;
out:
	dp_regex_free(regex);
	dp_buf_release(&t.out);
	return rc;
}

/* PCRE2's answer; span: where the match begins and ends. */
static int match(const struct dp_regex *regex, const pcre2_code *code, const char *text, size_t len,
	size_t *span)
{
	pcre2_match_data *data = pcre2_match_data_create(1, NULL);
	int rc = PCRE2_ERROR_NOMEMORY;

	if (data && regex->limits)
		rc = pcre2_match(code, (PCRE2_SPTR)text, len, 0, 0, data, regex->limits);
	if (rc >= 0)
		memcpy(span, pcre2_get_ovector_pointer(data), 2 * sizeof(*span));
	pcre2_match_data_free(data);
	return rc;
}

int dp_regex_find(
	const struct dp_regex *regex, const char *text, size_t len, size_t *start, size_t *end)
{
	int rc = PCRE2_ERROR_UTF8_ERR1;
	size_t span[2] = {0, 0};

	if (regex->characters)
		rc = match(regex, regex->characters, text, len, span);
	if (is_utf8_error(rc))
		rc = regex->bytes ? match(regex, regex->bytes, text, len, span)
				  : PCRE2_ERROR_NOMATCH;
	if (rc >= 0) {
		/* \K in a lookahead may put the start behind the end. */
		*start = span[0] < span[1] ? span[0] : span[1];
		*end = span[1];
		return 1;
	}
	return rc == PCRE2_ERROR_NOMATCH ? 0 : -1;
}

int dp_regex_matches(const struct dp_regex *regex, const char *text, size_t len)
{
	size_t start, end;

	return dp_regex_find(regex, text, len, &start, &end);
}

void dp_regex_free(struct dp_regex *regex)
{
	if (!regex)
		return;
	pcre2_code_free(regex->characters);
	pcre2_code_free(regex->bytes);
	pcre2_match_context_free(regex->limits);
	free(regex);
}
