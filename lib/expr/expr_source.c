/*
 * The expression stands in parentheses in the chunk, and Lua's parser must find the closing one; it
 * can be only ours, because here it is seen that none of the text's closes more than it opened.
 */
#include "expr/expr_source.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* Lua allows 200 local variables in a function. */
#define MAX_NAMES 150

/* Where in a declaration of local names a reader is. */
enum declaring { NOTHING, LOCALS, FUNCTION, LOCAL_FUNCTION, PARAMETERS };

struct reader {
	struct dp_expr_source *source;
	const char *text, *at, *end;
	struct dp_buf body;
	struct dp_expr_token last; /* the token before this one */
	enum declaring declaring;
	size_t open; /* parentheses */
	struct dp_expr_fault *fault;
};

static bool refuse(struct reader *reader, const char *at, const char *why)
{
	*reader->fault = (struct dp_expr_fault){.at = (size_t)(at - reader->text), .why = why};
	return false;
}

struct deploy_place dp_expr_source_place(const char *text, size_t at)
{
	struct deploy_place place = {.line = 1, .column = 1};

	for (size_t i = 0; i < at; i++) {
		if (text[i] == '\n')
			place = (struct deploy_place){.line = place.line + 1, .column = 1};
		else if (((unsigned char)text[i] & 0xc0) != 0x80)
			place.column++;
	}
	return place;
}

static void add_line(struct reader *reader, const char *at)
{
	struct dp_expr_source *source = reader->source;

	source->offsets = dp_grow(source->offsets, &source->line_cap, source->line_count + 1,
		sizeof(*source->offsets));
	source->offsets[source->line_count++] = (size_t)(at - reader->text);
}

/* A token of several lines keeps them; Lua counts a pair of CR and LF as one line. */
static void write_token(struct reader *reader, const struct dp_expr_token *token)
{
	for (size_t i = 0; i < token->len; i++) {
		char c = token->at[i];

		if (c != '\n' && c != '\r')
			continue;
		add_line(reader, token->at);
		if (i + 1 < token->len && (token->at[i + 1] == '\n' || token->at[i + 1] == '\r') &&
			token->at[i + 1] != c)
			i++;
	}
	add_line(reader, token->at);
	dp_buf_add(&reader->body, token->at, token->len);
	dp_buf_add_byte(&reader->body, '\n');
}

/* .NAME or ["TEXT"] without escapes, at *at; then *at stands behind it. */
static struct dp_expr_token read_field(const char **at, const char *end)
{
	struct dp_expr_token open = dp_expr_token_next(*at, end);
	struct dp_expr_token field = dp_expr_token_next(open.at + open.len, end), close;

	if (dp_expr_token_is(&open, ".") && field.kind == DP_EXPR_TOKEN_NAME) {
		*at = field.at + field.len;
		return field;
	}
	close = dp_expr_token_next(field.at + field.len, end);
	if (!dp_expr_token_is(&open, "[") || field.kind != DP_EXPR_TOKEN_TEXT || *field.at == '[' ||
		memchr(field.at, '\\', field.len) || !dp_expr_token_is(&close, "]"))
		return (struct dp_expr_token){.kind = DP_EXPR_TOKEN_END};
	*at = close.at + close.len;
	field.at++;
	field.len -= 2;
	return field;
}

static void add_mention(struct reader *reader, const struct dp_expr_token *name)
{
	struct dp_expr_source *source = reader->source;
	struct dp_expr_mention mention = {.name = *name};
	const char *at = name->at + name->len;

	mention.field = read_field(&at, reader->end);
	if (mention.field.kind != DP_EXPR_TOKEN_END)
		mention.part = read_field(&at, reader->end);
	source->mentions = dp_grow(source->mentions, &source->mention_cap,
		source->mention_count + 1, sizeof(*source->mentions));
	source->mentions[source->mention_count++] = mention;
}

static void add_local(struct dp_expr_source *source, const struct dp_expr_token *name)
{
	source->locals = dp_grow(source->locals, &source->local_cap, source->local_count + 1,
		sizeof(*source->locals));
	source->locals[source->local_count++] = *name;
}

/* A field, a label, an attribute of a local name? */
static bool is_no_variable(const struct reader *reader, const struct dp_expr_token *next)
{
	const struct dp_expr_token *last = &reader->last;

	return dp_expr_token_is(last, ".") || dp_expr_token_is(last, ":") ||
	       dp_expr_token_is(last, "goto") ||
	       (dp_expr_token_is(last, "::") && dp_expr_token_is(next, "::")) ||
	       (dp_expr_token_is(last, "<") && reader->declaring == LOCALS);
}

static bool read_name(struct reader *reader, const struct dp_expr_token *token)
{
	struct dp_expr_token next = dp_expr_token_next(token->at + token->len, reader->end);
	char name[64];

	if (is_no_variable(reader, &next))
		return true;
	if (token->len >= sizeof(name))
		return refuse(reader, token->at, "a name has at most 63 characters");
	memcpy(name, token->at, token->len);
	name[token->len] = '\0';
	if (strcmp(name, "_ENV") == 0)
		return refuse(reader, token->at, "_ENV cannot be used");
	(void)dp_strset_add(&reader->source->names, name);
	if (reader->source->names.count > MAX_NAMES)
		return refuse(reader, token->at, "more than 150 different names are too many");
	if (reader->declaring != NOTHING && reader->declaring != FUNCTION)
		add_local(reader->source, token);
	else if (!dp_expr_token_is(&next, "="))
		add_mention(reader, token); /* what a = follows is a key: no name is assigned to */
	return true;
}

/* Is the list of names that are declared going on? */
static bool goes_on(const struct dp_expr_token *last, const struct dp_expr_token *token)
{
	if (token->kind == DP_EXPR_TOKEN_NAME)
		return last->kind != DP_EXPR_TOKEN_NAME && !dp_expr_token_is(last, ">");
	return dp_expr_token_is(token, ",") || dp_expr_token_is(token, "<") ||
	       dp_expr_token_is(token, ">");
}

/* local a <const>, b · for a, b in · local function f(a, b) · function f.g(a, b) */
static void follow_declarations(struct reader *reader, const struct dp_expr_token *token)
{
	enum declaring now = reader->declaring;

	if (dp_expr_token_is(token, "local") || dp_expr_token_is(token, "for"))
		now = LOCALS;
	else if (dp_expr_token_is(token, "function"))
		now = dp_expr_token_is(&reader->last, "local") ? LOCAL_FUNCTION : FUNCTION;
	else if (now == FUNCTION || now == LOCAL_FUNCTION)
		now = dp_expr_token_is(token, "(") ? PARAMETERS : now;
	else if (now != NOTHING && !goes_on(&reader->last, token))
		now = NOTHING;
	reader->declaring = now;
}

static bool read_token(struct reader *reader, const struct dp_expr_token *token)
{
	if (token->kind == DP_EXPR_TOKEN_BAD)
		return refuse(reader, token->at, token->why);
	follow_declarations(reader, token);
	if (token->kind == DP_EXPR_TOKEN_NAME && !read_name(reader, token))
		return false;
	if (dp_expr_token_is(token, "("))
		reader->open++;
	if (dp_expr_token_is(token, ")") && reader->open-- == 0)
		return refuse(reader, token->at, "this ) has no (");
	write_token(reader, token);
	reader->last = *token;
	reader->at = token->at + token->len;
	return true;
}

static void write_chunk(struct dp_expr_source *source, const struct dp_buf *body)
{
	for (size_t i = 0; i < source->names.count; i++)
		dp_buf_addf(&source->chunk, "%s%s <const>", i ? ", " : "local ",
			source->names.items[i]);
	dp_buf_addf(&source->chunk, "%s return function() return (\n%s)\nend",
		source->names.count ? " = ..." : "", dp_buf_text(body));
}

bool dp_expr_source_read(struct dp_expr_source *out, const char *text, size_t begin, size_t end,
	struct dp_expr_fault *fault)
{
	struct reader reader = {
		.source = out, .text = text, .at = text + begin, .end = text + end, .fault = fault};
	struct dp_expr_token token;
	bool is_read;

	*out = (struct dp_expr_source){.line_count = 0};
	dp_buf_init(&out->chunk, 8 * (size_t)DEPLOY_EXPR_MAX_BYTES);
	dp_buf_init(&reader.body, 4 * (size_t)DEPLOY_EXPR_MAX_BYTES);
	dp_strset_init(&out->names);
	add_line(&reader, text + begin); /* the line with the names */
	do {
		token = dp_expr_token_next(reader.at, reader.end);
		is_read = token.kind == DP_EXPR_TOKEN_END || read_token(&reader, &token);
	} while (is_read && token.kind != DP_EXPR_TOKEN_END);
	add_line(&reader, text + end); /* the closing parenthesis: the text ended too early */
	write_chunk(out, &reader.body);
	dp_buf_release(&reader.body);
	return is_read;
}

void dp_expr_source_release(struct dp_expr_source *source)
{
	dp_buf_release(&source->chunk);
	dp_strset_release(&source->names);
	free(source->offsets);
	free(source->mentions);
	free(source->locals);
	*source = (struct dp_expr_source){.line_count = 0};
}

bool dp_expr_source_find_end(
	size_t *out, const char *text, size_t begin, struct dp_expr_fault *fault)
{
	const char *end = text + strlen(text);
	struct dp_expr_token token = dp_expr_token_next(text + begin, end);
	size_t depth = 0;

	for (; token.kind != DP_EXPR_TOKEN_END && token.kind != DP_EXPR_TOKEN_BAD;
		token = dp_expr_token_next(token.at + token.len, end)) {
		if (dp_expr_token_is(&token, "}") && depth-- == 0) {
			*out = (size_t)(token.at - text);
			return true;
		}
		depth += dp_expr_token_is(&token, "{");
	}
	*fault = (struct dp_expr_fault){
		.at = token.kind == DP_EXPR_TOKEN_BAD ? (size_t)(token.at - text) : begin - 2,
		.why = token.kind == DP_EXPR_TOKEN_BAD ? token.why : "this ${ has no }"};
	return false;
}
