/* The words of Ruby text: see ddl_lex.h. */
#include "model/ddl_lex.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "deploy/error.h"

#define MAX_TOKENS 200000

struct opened {
	size_t index;
	bool awaits_do; /* while and its like: the do of the same line is theirs */
};

struct lexer {
	const char *name;
	const char *start, *at, *end;
	const char *resume;  /* behind the heredocs of this line; NULL for none */
	const char *counted; /* line and column are those of this byte */
	unsigned line, column;
	struct dp_token *tokens;
	size_t count, cap;
	struct opened stack[DP_LEX_MAX_DEPTH];
	unsigned depth;
	bool saw_space;
	struct deploy_error *err;
};

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (c & 0x80);
}

static bool is_word_byte(char c)
{
	return is_letter(c) || is_digit(c);
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\f' || c == '\v';
}

static char peek(const struct lexer *lx, size_t ahead)
{
	return (size_t)(lx->end - lx->at) > ahead ? lx->at[ahead] : '\0';
}

/* Tokens come in the order of the text, so counting never starts again. */
static void count_to(struct lexer *lx, const char *at)
{
	for (; lx->counted < at; lx->counted++) {
		if (*lx->counted == '\n') {
			lx->line++;
			lx->column = 1;
		} else if ((*lx->counted & 0xc0) != 0x80) {
			lx->column++;
		}
	}
}

static int fail_at(struct lexer *lx, const char *at, const char *why)
{
	count_to(lx, at);
	return deploy_error_set(
		lx->err, DEPLOY_INPUT, "%s:%u:%u: %s", lx->name, lx->line, lx->column, why);
}

bool dp_token_is(const struct dp_token *token, const char *text)
{
	return (token->type == DP_TOKEN_WORD || token->type == DP_TOKEN_SIGN) &&
	       strlen(text) == token->len && memcmp(token->text, text, token->len) == 0;
}

static bool is_one_of(const struct dp_token *token, const char *const *words)
{
	for (; *words; words++)
		if (dp_token_is(token, *words))
			return true;
	return false;
}

static const struct dp_token *last(const struct lexer *lx)
{
	return lx->count ? &lx->tokens[lx->count - 1] : NULL;
}

/* Words that a value follows. */
static bool awaits_value(const struct dp_token *token)
{
	static const char *const words[] = {"if", "unless", "while", "until", "and", "or", "not",
		"return", "do", "then", "else", "elsif", "when", "case", "in", "begin", "ensure",
		"rescue", NULL};

	return is_one_of(token, words);
}

static bool begins_statement(const struct lexer *lx)
{
	const struct dp_token *token = last(lx);

	if (!token || token->type == DP_TOKEN_NEWLINE || token->type == DP_TOKEN_LABEL)
		return true;
	if (token->type == DP_TOKEN_SIGN)
		return !strchr(")]}", token->text[0]) && !dp_token_is(token, ".") &&
		       !dp_token_is(token, "&.");
	return awaits_value(token);
}

/* Behind a value a sign is an operator; behind a word it may begin an argument. */
static bool may_begin_value(const struct lexer *lx)
{
	const struct dp_token *token = last(lx);

	if (begins_statement(lx))
		return true;
	return token->type == DP_TOKEN_WORD && lx->saw_space && !is_blank(peek(lx, 1)) &&
	       !dp_token_is(token, "end");
}

static struct dp_token *add(
	struct lexer *lx, enum dp_token_type type, const char *from, const char *text, size_t len)
{
	struct dp_token *token;

	lx->tokens = dp_grow(lx->tokens, &lx->cap, lx->count + 1, sizeof(*lx->tokens));
	token = &lx->tokens[lx->count++];
	count_to(lx, from);
	*token = (struct dp_token){.type = type,
		.text = text,
		.len = len,
		.line = lx->line,
		.column = lx->column,
		.has_space = lx->saw_space};
	if (lx->count > MAX_TOKENS)
		(void)fail_at(lx, from, "more than 200000 words");
	return token;
}

/* What opens and what closes. */

static void open_last(struct lexer *lx, bool awaits_do)
{
	if (lx->depth == DP_LEX_MAX_DEPTH) {
		(void)deploy_error_set(lx->err, DEPLOY_INPUT, "%s:%u:%u: more than %d levels",
			lx->name, last(lx)->line, last(lx)->column, DP_LEX_MAX_DEPTH);
		return;
	}
	lx->stack[lx->depth++] = (struct opened){lx->count - 1, awaits_do};
}

static bool is_pair(const struct dp_token *open, const struct dp_token *close)
{
	static const char pairs[] = "()[]{}";
	const char *at = open->type == DP_TOKEN_SIGN ? strchr(pairs, open->text[0]) : NULL;

	if (close->type == DP_TOKEN_WORD)
		return open->type == DP_TOKEN_WORD;
	return at && at[1] == close->text[0];
}

static void close_with_last(struct lexer *lx)
{
	struct dp_token *closing = &lx->tokens[lx->count - 1];
	struct dp_token *opening = lx->depth ? &lx->tokens[lx->stack[lx->depth - 1].index] : NULL;

	if (!opening || !is_pair(opening, closing)) {
		(void)deploy_error_set(lx->err, DEPLOY_INPUT, "%s:%u:%u: '%.*s' closes nothing",
			lx->name, closing->line, closing->column, (int)closing->len, closing->text);
		return;
	}
	opening->close = lx->count - 1;
	lx->depth--;
}

/* Keywords that have an end. */
static void match_word(struct lexer *lx, bool is_method, bool is_first)
{
	static const char *const always[] = {"begin", "case", "def", "class", "module", NULL};
	static const char *const first[] = {"if", "unless", NULL};
	static const char *const loops[] = {"while", "until", "for", NULL};
	const struct dp_token *token = last(lx);

	if (is_method)
		return;
	if (dp_token_is(token, "do")) {
		if (lx->depth && lx->stack[lx->depth - 1].awaits_do)
			lx->stack[lx->depth - 1].awaits_do = false;
		else
			open_last(lx, false);
	} else if (is_one_of(token, always) || (is_first && is_one_of(token, first))) {
		open_last(lx, false);
	} else if (is_first && is_one_of(token, loops)) {
		open_last(lx, true);
	} else if (dp_token_is(token, "end")) {
		close_with_last(lx);
	}
}

/* Strings and their like. */

static const char *skip_quoted(const char *at, const char *end, char quote)
{
	for (; at < end && *at != quote; at++)
		if (*at == '\\' && at + 1 < end)
			at++;
	return at < end ? at + 1 : NULL;
}

const char *dp_ddl_skip_inserted(const char *at, const char *end)
{
	unsigned depth = 0;

	for (at++; at && at < end;) {
		if (*at == '{') {
			depth++;
		} else if (*at == '}' && --depth == 0) {
			return at + 1;
		} else if (*at == '\'' || *at == '"') {
			at = skip_quoted(at + 1, end, *at);
			continue;
		}
		at++;
	}
	return NULL;
}

/*
 * Find the close of what was opened before at. Brackets nest; #{} is skipped unless raw. NULL if
 * there is none.
 */
static const char *find_close(const char *at, const char *end, char open, char close, bool is_raw)
{
	size_t depth = 1;

	while (at && at < end) {
		if (*at == '\\') {
			at += end - at > 1 ? 2 : 1;
		} else if (!is_raw && *at == '#' && end - at > 1 && at[1] == '{') {
			at = dp_ddl_skip_inserted(at, end);
		} else if (*at == close) {
			if (--depth == 0)
				return at;
			at++;
		} else {
			depth += open != close && *at == open;
			at++;
		}
	}
	return NULL;
}

static char closing_of(char open)
{
	static const char pairs[] = "()[]{}<>";
	const char *at = strchr(pairs, open);

	return at && *at && (at - pairs) % 2 == 0 ? at[1] : open;
}

/* Add the token of a literal whose delimiter stands skip bytes from here. */
static struct dp_token *add_literal(
	struct lexer *lx, enum dp_token_type type, size_t skip, bool is_raw)
{
	const char *from = lx->at, *text = from + skip + 1, *close;
	char open = from[skip], with = closing_of(open);
	struct dp_token *token;

	close = find_close(text, lx->end, open, with, is_raw);
	if (!close) {
		(void)fail_at(lx, from, "what begins here has no end");
		return NULL;
	}
	token = add(lx, type, from, text, (size_t)(close - text));
	token->open_with = open;
	token->close_with = with;
	token->is_raw = is_raw;
	lx->at = close + 1;
	return token;
}

static void lex_string(struct lexer *lx)
{
	struct dp_token *token = add_literal(lx, DP_TOKEN_STRING, 0, *lx->at == '\'');

	if (token && peek(lx, 0) == ':' && peek(lx, 1) != ':') {
		token->type = DP_TOKEN_LABEL;
		lx->at++;
	}
}

static void lex_regex(struct lexer *lx, size_t skip)
{
	struct dp_token *token = add_literal(lx, DP_TOKEN_REGEX, skip, false);
	size_t count = 0;

	for (; token && is_letter(peek(lx, 0)); lx->at++) {
		if (count == 3 || !strchr("imx", *lx->at)) {
			(void)fail_at(lx, lx->at, "an option that is none of i, m, x");
			return;
		}
		token->options[count++] = *lx->at;
	}
}

/* %w[a b], %q(a), %{a}, … False: a sign. */
static bool lex_percent(struct lexer *lx)
{
	static const char kinds[] = "wWiIqQr";
	char kind = peek(lx, 1), open = kind;
	size_t skip = 1;

	if (is_letter(kind)) {
		skip = 2;
		open = peek(lx, 2);
	}
	if (!open || is_word_byte(open) || is_blank(open) || open == '\n' ||
		(skip == 2 && !strchr(kinds, kind)))
		return false;
	if (skip == 1 && !strchr("({[<|!", open))
		return false;
	if (skip == 1 || kind == 'q' || kind == 'Q')
		(void)add_literal(lx, DP_TOKEN_STRING, skip, skip == 2 && kind == 'q');
	else if (kind == 'r')
		lex_regex(lx, skip);
	else
		(void)add_literal(lx,
			kind == 'w' || kind == 'W' ? DP_TOKEN_WORDS : DP_TOKEN_SYMBOLS, skip,
			kind == 'w' || kind == 'i');
	return true;
}

/* The line of at, and where the next one begins. */
static const char *next_line(const char *at, const char *end)
{
	const char *newline = memchr(at, '\n', (size_t)(end - at));

	return newline ? newline + 1 : end;
}

/* Is the line at `at` the heredoc's last one? */
static bool ends_heredoc(
	const char *at, const char *next, const char *id, size_t id_len, bool may_indent)
{
	while (may_indent && at < next && is_blank(*at))
		at++;
	while (next > at && (next[-1] == '\n' || next[-1] == '\r'))
		next--;
	return (size_t)(next - at) == id_len && memcmp(at, id, id_len) == 0;
}

/* Add the text of a heredoc, which begins on the next line, or behind the one before. */
static void add_heredoc(
	struct lexer *lx, const char *from, const char *id, size_t id_len, char quote)
{
	bool may_indent = from[2] == '-' || from[2] == '~';
	const char *body = lx->resume ? lx->resume : next_line(lx->at, lx->end), *at = body, *next;
	struct dp_token *token;

	for (;; at = next) {
		if (at >= lx->end) {
			(void)fail_at(lx, from, "this heredoc has no end");
			return;
		}
		next = next_line(at, lx->end);
		if (ends_heredoc(at, next, id, id_len, may_indent))
			break;
	}
	token = add(lx, DP_TOKEN_STRING, from, body, (size_t)(at - body));
	token->is_raw = quote == '\'';
	token->is_indented = from[2] == '~';
	lx->resume = next;
}

/* <<X, <<-X, <<~X, with or without quotes. False: a sign. */
static bool lex_heredoc(struct lexer *lx)
{
	const char *from = lx->at, *id = from + 2, *id_end;
	char quote = '\0';

	if (id < lx->end && (*id == '-' || *id == '~'))
		id++;
	if (id < lx->end && (*id == '\'' || *id == '"'))
		quote = *id++;
	if (id == lx->end || !is_letter(*id) || (*id >= 'a' && *id <= 'z' && id == from + 2))
		return false;
	for (id_end = id; id_end < lx->end && is_word_byte(*id_end); id_end++)
		continue;
	if (quote && (id_end == lx->end || *id_end != quote))
		return false;
	lx->at = id_end + (quote ? 1 : 0);
	add_heredoc(lx, from, id, (size_t)(id_end - id), quote);
	return true;
}

/* Words, numbers, signs. */

static void lex_word(struct lexer *lx)
{
	const char *from = lx->at;
	const struct dp_token *before = last(lx);
	bool is_method = before && (dp_token_is(before, ".") || dp_token_is(before, "&."));
	bool is_first = begins_statement(lx), is_label;

	while (lx->at < lx->end && is_word_byte(*lx->at))
		lx->at++;
	if ((peek(lx, 0) == '?' || peek(lx, 0) == '!') && peek(lx, 1) != '=')
		lx->at++;
	is_label = peek(lx, 0) == ':' && peek(lx, 1) != ':' && !is_method;
	(void)add(lx,
		is_label		       ? DP_TOKEN_LABEL
		: *from >= 'A' && *from <= 'Z' ? DP_TOKEN_CONSTANT
					       : DP_TOKEN_WORD,
		from, from, (size_t)(lx->at - from));
	if (is_label)
		lx->at++;
	else
		match_word(lx, is_method, is_first);
}

static void lex_number(struct lexer *lx)
{
	const char *from = lx->at;

	if (*lx->at == '-')
		lx->at++;
	while (lx->at < lx->end &&
		(is_word_byte(*lx->at) || (*lx->at == '.' && is_digit(peek(lx, 1))) ||
			((*lx->at == '-' || *lx->at == '+') && (lx->at[-1] | 0x20) == 'e' &&
				is_digit(peek(lx, 1)))))
		lx->at++;
	(void)add(lx, DP_TOKEN_NUMBER, from, from, (size_t)(lx->at - from));
}

/* :name, :"name", :+ is none. False: a sign. */
static bool lex_symbol(struct lexer *lx)
{
	const char *from = lx->at, *p = from + 1;

	if (p < lx->end && (*p == '"' || *p == '\'')) {
		(void)add_literal(lx, DP_TOKEN_SYMBOL, 1, *p == '\'');
		return true;
	}
	if (p == lx->end || !is_letter(*p))
		return false;
	while (p < lx->end && is_word_byte(*p))
		p++;
	if (p < lx->end && (*p == '?' || *p == '!' || *p == '=') &&
		!(p + 1 < lx->end && (p[1] == '=' || p[1] == '>' || p[1] == '~')))
		p++;
	(void)add(lx, DP_TOKEN_SYMBOL, from, from + 1, (size_t)(p - from - 1));
	lx->tokens[lx->count - 1].is_raw = true;
	lx->at = p;
	return true;
}

static void lex_other(struct lexer *lx)
{
	const char *from = lx->at++;

	while (lx->at < lx->end && (is_word_byte(*lx->at) || *lx->at == '@'))
		lx->at++;
	(void)add(lx, DP_TOKEN_OTHER, from, from, (size_t)(lx->at - from));
}

static void lex_sign(struct lexer *lx)
{
	static const char *const signs[] = {"<=>", "===", "...", "**=", "||=", "&&=", "=>",
		"::", "&&", "||", "==", "=~", "!~", "!=", "<=", ">=", "<<", ">>",
		"+=", "-=", "*=", "/=", "|=", "..", "->", "&.", "**", NULL};
	const char *from = lx->at;
	size_t len = 1, i;

	for (i = 0; signs[i]; i++) {
		len = strlen(signs[i]);
		if ((size_t)(lx->end - from) >= len && memcmp(from, signs[i], len) == 0)
			break;
	}
	lx->at += signs[i] ? len : 1;
	(void)add(lx, DP_TOKEN_SIGN, from, from, (size_t)(lx->at - from));
	if (lx->at - from == 1 && strchr("([{", *from))
		open_last(lx, false);
	else if (lx->at - from == 1 && strchr(")]}", *from))
		close_with_last(lx);
}

/* Blanks, comments, and the bodies of heredocs, which were read with their first line. */

static bool stands_at(const struct lexer *lx, const char *word)
{
	size_t len = strlen(word);

	return (size_t)(lx->end - lx->at) >= len && memcmp(lx->at, word, len) == 0 &&
	       (lx->at == lx->start || lx->at[-1] == '\n');
}

static void skip_block_comment(struct lexer *lx)
{
	do
		lx->at = next_line(lx->at, lx->end);
	while (lx->at < lx->end && !stands_at(lx, "=end"));
	lx->at = next_line(lx->at, lx->end);
}

static void lex_newline(struct lexer *lx)
{
	if (lx->depth)
		lx->stack[lx->depth - 1].awaits_do = false;
	(void)add(lx, DP_TOKEN_NEWLINE, lx->at, lx->at, 1);
	lx->at++;
	if (lx->at[-1] == '\n' && lx->resume) {
		lx->at = lx->resume;
		lx->resume = NULL;
	}
}

/* True if there was something that is no word. */
static bool skip_nothing(struct lexer *lx)
{
	if (is_blank(*lx->at)) {
		lx->at++;
	} else if (*lx->at == '\\' && (peek(lx, 1) == '\n' || peek(lx, 1) == '\r')) {
		lx->at += peek(lx, 1) == '\r' && peek(lx, 2) == '\n' ? 3 : 2;
	} else if (*lx->at == '#') {
		while (lx->at < lx->end && *lx->at != '\n')
			lx->at++;
	} else if (stands_at(lx, "=begin")) {
		skip_block_comment(lx);
	} else {
		return false;
	}
	lx->saw_space = true;
	return true;
}

static bool lex_marked(struct lexer *lx)
{
	bool may_begin = may_begin_value(lx);

	switch (*lx->at) {
	case '%':
		return may_begin && lex_percent(lx);
	case '<':
		return may_begin && peek(lx, 1) == '<' && lex_heredoc(lx);
	case ':':
		return peek(lx, 1) != ':' && lex_symbol(lx);
	case '/':
		if (may_begin)
			lex_regex(lx, 0);
		return may_begin;
	case '-':
		if (!may_begin || !is_digit(peek(lx, 1)))
			return false;
		lex_number(lx);
		return true;
	case '?':
		if (!may_begin || !peek(lx, 1) || is_blank(peek(lx, 1)) || peek(lx, 1) == '\n')
			return false;
		lx->at++;
		lex_other(lx);
		return true;
	default:
		return false;
	}
}

static void lex_one(struct lexer *lx)
{
	char c = *lx->at;

	if (c == '\n' || c == ';')
		lex_newline(lx);
	else if (is_letter(c))
		lex_word(lx);
	else if (is_digit(c))
		lex_number(lx);
	else if (c == '"' || c == '\'')
		lex_string(lx);
	else if (c == '`')
		(void)add_literal(lx, DP_TOKEN_OTHER, 0, false);
	else if (c == '@' || c == '$')
		lex_other(lx);
	else if (!lex_marked(lx))
		lex_sign(lx);
	lx->saw_space = false;
}

int dp_ddl_lex(struct dp_token **out, const char *name, const char *text, size_t len, unsigned line,
	unsigned column, struct deploy_error *err)
{
	struct lexer lx = {.name = name,
		.start = text,
		.at = text,
		.end = text + len,
		.counted = text,
		.line = line,
		.column = column,
		.err = err};

	while (lx.at < lx.end && err->code == DEPLOY_OK) {
		if (stands_at(&lx, "__END__"))
			break;
		if (!skip_nothing(&lx))
			lex_one(&lx);
	}
	if (err->code == DEPLOY_OK && lx.depth) {
		const struct dp_token *open = &lx.tokens[lx.stack[lx.depth - 1].index];

		(void)deploy_error_set(err, DEPLOY_INPUT, "%s:%u:%u: '%.*s' has no end", name,
			open->line, open->column, (int)open->len, open->text);
	}
	(void)add(&lx, DP_TOKEN_END, lx.at, lx.at, 0);
	*out = lx.tokens;
	return err->code;
}
