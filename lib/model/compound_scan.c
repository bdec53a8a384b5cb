/*
 * The scanner has its odd ways, because mco's has them and the same text must mean the same: a
 * statement that begins with a slash runs to the next blank, one with a slash inside ends behind
 * the second slash, and blanks around a comparison are skipped.
 */
#include "model/compound_scan.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_WORD_BYTES 16384

int dp_compound_refuse(
	struct deploy_error *err, const char *text, size_t at, const char *format, ...)
{
	size_t column = 1;
	char why[512];
	va_list args;

	for (size_t i = 0; i < at; i++)
		column += ((unsigned char)text[i] & 0xc0) != 0x80;
	va_start(args, format);
	(void)vsnprintf(why, sizeof(why), format, args);
	va_end(args);
	return deploy_error_set(err, DEPLOY_USAGE, "column %zu: %s", column, why);
}

static bool compares(char byte)
{
	return byte == '=' || byte == '<' || byte == '>';
}

/* A statement or function while it is read. */
struct reader {
	const char *text;
	size_t at;
	struct dp_compound_word *word;
	bool is_function, has_escape;
	struct deploy_error *err;
};

static void take(struct reader *reader)
{
	dp_buf_add_byte(&reader->word->text, reader->text[reader->at++]);
}

static char here(const struct reader *reader)
{
	return reader->text[reader->at];
}

/* From one slash to the next, blanks and all. */
static int read_regex(struct reader *reader)
{
	size_t begin = reader->at;

	take(reader);
	while (here(reader) && here(reader) != '/') {
		if (here(reader) == '\\') {
			reader->has_escape = true;
			take(reader);
		}
		if (here(reader))
			take(reader);
	}
	if (!here(reader))
		return dp_compound_refuse(
			reader->err, reader->text, begin, "this / has no counterpart");
	take(reader);
	return 0;
}

static int read_params(struct reader *reader)
{
	size_t begin = reader->at;

	reader->is_function = true;
	take(reader);
	while (here(reader) && here(reader) != ')')
		take(reader);
	if (!here(reader))
		return dp_compound_refuse(reader->err, reader->text, begin, "( has no )");
	take(reader);
	return 0;
}

/* The content of quotes without them; a backslash makes the next character an ordinary one. */
static int read_quoted(struct reader *reader)
{
	size_t begin = reader->at;
	char quote = here(reader);

	reader->has_escape = true;
	reader->word->is_quoted = true;
	for (reader->at++; here(reader) && here(reader) != quote;) {
		if (here(reader) == '\\')
			reader->at++;
		if (here(reader))
			take(reader);
	}
	if (!here(reader))
		return dp_compound_refuse(
			reader->err, reader->text, begin, "this %c has no counterpart", quote);
	reader->at++;
	return 0;
}

/* "a=b" but neither "a=" nor "=b". */
static bool is_compared(const struct dp_buf *word)
{
	for (size_t i = 1; i + 1 < word->len; i++)
		if (compares(word->data[i]))
			return true;
	return false;
}

/* At a blank: true if the statement ends here. Otherwise the blanks that it may have are skipped.
 */
static bool ends_at_blank(struct reader *reader)
{
	const char *next = reader->text + reader->at;

	next += strspn(next, " ");
	if (!compares(*next) && !compares(reader->text[reader->at - 1]))
		return true;
	if (is_compared(&reader->word->text))
		return true;
	reader->at = (size_t)(next - reader->text);
	return false;
}

static int read_statement(struct reader *reader)
{
	do {
		int rc = 0;

		if (here(reader) == '/')
			return read_regex(reader);
		if (here(reader) == '(')
			rc = read_params(reader);
		else if (here(reader) == '\'' || here(reader) == '"')
			rc = read_quoted(reader);
		else
			take(reader);
		if (rc)
			return rc;
		if (here(reader) == ' ' && ends_at_blank(reader))
			return 0;
	} while (here(reader) && here(reader) != ')');
	return 0;
}

static size_t slashes(const char *text)
{
	size_t count = 0;

	for (; *text; text++)
		count += *text == '/';
	return count;
}

/* "'x', 'y'" up to the parenthesis behind it, which is returned; NULL if it is not of this form. */
static const char *skip_params(const char *at, char quote)
{
	bool is_first = true;

	if (*at == ')')
		return at;
	do {
		at += strspn(at, " ");
		if (*at++ != quote)
			return NULL;
		at += strcspn(at, quote == '"' ? "\"" : "'");
		if (*at++ != quote)
			return NULL;
		if (is_first)
			at += strspn(at, " ");
		is_first = false;
	} while (*at++ == ',');
	return at[-1] == ')' ? at - 1 : NULL;
}

static int check_params(const struct reader *reader)
{
	const char *params = strchr(dp_buf_text(&reader->word->text), '(') + 1;
	const char *end = skip_params(params, '\'');

	if (!end)
		end = skip_params(params, '"');
	/* A ) out of quotes of its own may stand in a parameter; mco drops it there. */
	if (end && end == strchr(params, ')'))
		return 0;
	(void)dp_compound_refuse(reader->err, reader->text, reader->word->begin,
		"parameters of a function are quoted, all alike, and followed by )");
	deploy_error_hint(reader->err, "as in fact('cluster').value=alfa");
	return reader->err->code;
}

/* What mco calls malformed tokens. */
static int check_word(const struct reader *reader)
{
	const char *text = dp_buf_text(&reader->word->text);
	size_t len = reader->word->text.len, begin = reader->word->begin;

	if (len > 1 && text[len - 1] == '(')
		return dp_compound_refuse(reader->err, reader->text, begin, "the ( has no )");
	for (size_t i = 1; i + 2 < len; i++)
		if (text[i] == '/' && compares(text[i + 1]))
			return dp_compound_refuse(reader->err, reader->text, begin,
				"a comparison must not follow a /");
	if (reader->is_function)
		return check_params(reader);
	if (!reader->has_escape && slashes(text) % 2)
		return dp_compound_refuse(
			reader->err, reader->text, begin, "a / has no counterpart");
	return 0;
}

static int scan_statement(struct reader *reader)
{
	if (here(reader) == '/')
		while (here(reader) && here(reader) != ' ')
			take(reader);
	else if (compares(here(reader)))
		return dp_compound_refuse(
			reader->err, reader->text, reader->at, "a fact must stand before this");
	else if (read_statement(reader))
		return reader->err->code;
	reader->word->kind =
		reader->is_function ? DEPLOY_COMPOUND_FUNCTION : DEPLOY_COMPOUND_STATEMENT;
	reader->word->end = reader->at;
	return check_word(reader);
}

/* Words are operators only in front of a blank or a parenthesis. */
static const struct {
	const char *text;
	enum deploy_compound_kind kind;
	bool is_word;
} operators[] = {
	{"(", DEPLOY_COMPOUND_OPEN, false},
	{")", DEPLOY_COMPOUND_CLOSE, false},
	{"!", DEPLOY_COMPOUND_NOT, false},
	{"not", DEPLOY_COMPOUND_NOT, true},
	{"and", DEPLOY_COMPOUND_AND, true},
	{"or", DEPLOY_COMPOUND_OR, true},
};

int dp_compound_scan(
	struct dp_compound_word *word, const char *text, size_t at, struct deploy_error *err)
{
	struct reader reader = {.text = text, .at = at, .word = word, .err = err};

	*word = (struct dp_compound_word){.begin = at};
	dp_buf_init(&word->text, MAX_WORD_BYTES);
	for (size_t i = 0; i < sizeof(operators) / sizeof(operators[0]); i++) {
		size_t len = strlen(operators[i].text);
		char next;

		if (strncmp(text + at, operators[i].text, len) != 0)
			continue;
		next = text[at + len];
		if (operators[i].is_word && next != ' ' && next != '(')
			continue;
		word->kind = operators[i].kind;
		word->end = at + len;
		return 0;
	}
	return scan_statement(&reader);
}
