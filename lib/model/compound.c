/*
 * Compound expressions: a list of tokens that nodes turn into a Ruby expression and evaluate. What
 * mco refuses is refused, and so is what it sends in vain. Source: MCollective::Matcher, 2.12.5.
 */
#include "model/compound.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "base/regex.h"
#include "deploy/text.h"
#include "model/compound_scan.h"

#define MAX_EXPRESSION_BYTES 8192

static const char word_bytes[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_";

static char *copy_text(const char *text)
{
	return text ? dp_xstrdup(text) : NULL;
}

void dp_compound_release(struct deploy_compound *compound)
{
	for (size_t i = 0; i < compound->token_count; i++) {
		struct deploy_compound_token *token = &compound->tokens[i];

		free(token->text);
		free(token->name);
		free(token->params);
		free(token->value);
		free(token->right);
	}
	free(compound->tokens);
	free(compound->source);
	*compound = (struct deploy_compound){.source = NULL};
}

void dp_compound_copy(struct deploy_compound *to, const struct deploy_compound *from)
{
	*to = *from;
	to->source = dp_xstrdup(from->source);
	to->tokens = dp_xcalloc(from->token_count, sizeof(*to->tokens));
	to->token_cap = from->token_count;
	for (size_t i = 0; i < from->token_count; i++) {
		const struct deploy_compound_token *token = &from->tokens[i];

		to->tokens[i] = *token;
		to->tokens[i].text = copy_text(token->text);
		to->tokens[i].name = copy_text(token->name);
		to->tokens[i].params = copy_text(token->params);
		to->tokens[i].value = copy_text(token->value);
		to->tokens[i].right = copy_text(token->right);
	}
}

/* The expression while it is read. */
struct parser {
	const char *text;
	struct deploy_compound *compound;
	struct dp_compound_word word; /* the one that is looked at */
	size_t *open;		      /* where the parentheses stand that are not closed yet */
	size_t depth, open_cap;
	bool wants_operand;
	struct deploy_error *err;
};

#define REFUSE(parser, ...)                                                                        \
	dp_compound_refuse((parser)->err, (parser)->text, (parser)->word.begin, __VA_ARGS__)

/* The word as it may be shown. Caller frees with free(). */
static char *shown(const struct parser *parser)
{
	size_t len = parser->word.end - parser->word.begin;

	return deploy_text_escape(parser->text + parser->word.begin, len < 60 ? len : 60);
}

static int check_regex(struct parser *parser, const char *pattern, size_t len)
{
	struct deploy_error why = {.code = DEPLOY_OK};
	struct dp_regex *regex = NULL;

	if (dp_regex_new(&regex, pattern, len, false, &why))
		(void)REFUSE(parser, "%s", why.text);
	dp_regex_free(regex);
	return parser->err->code;
}

/* "/re/": nodes drop every slash and search what remains. */
static int check_class_regex(struct parser *parser, const char *text)
{
	size_t len = strlen(text);
	struct dp_buf pattern;

	if (len < 2 || text[len - 1] != '/') {
		(void)REFUSE(parser, "a regular expression ends with /, and with it the word");
		deploy_error_hint(
			parser->err, "one that begins a word runs to the next blank: (a or /b/ )");
		return parser->err->code;
	}
	dp_buf_init(&pattern, MAX_EXPRESSION_BYTES);
	for (; *text; text++)
		if (*text != '/')
			dp_buf_add_byte(&pattern, *text);
	if (pattern.len == 0)
		(void)REFUSE(parser, "an empty regular expression would match every class");
	else
		(void)check_regex(parser, dp_buf_text(&pattern), pattern.len);
	dp_buf_release(&pattern);
	return parser->err->code;
}

/* Of "a>=b" the operator's place and length. */
static const char *find_comparison(const char *text, size_t *len)
{
	const char *at = text + strcspn(text, "=<>");

	*len = *at == '\0' ? 0 : *at != '=' && at[1] == '=' ? 2 : 1;
	return *at ? at : NULL;
}

bool dp_compound_split(struct dp_compound_split *out, const char *statement)
{
	static const char *const names[] = {"==", "<", "<=", ">", ">="};
	const char *at;
	size_t len;

	if (statement[0] == '/')
		return false;
	at = find_comparison(statement, &len);
	if (!at)
		return false;
	out->fact_len = (size_t)(at - statement);
	out->value = at + len;
	out->operator= names[*at == '=' ? 0 : *at == '<' ? len : 2 + len];
	if (out->value[0] == '/')
		out->operator= "=~";
	return true;
}

/* Operators of -F that statements do not have, and what to write instead. */
static int check_operator(struct parser *parser, const char *text, const char *operator, size_t len)
{
	int fact_len = (int)(operator- text), value_len;
	const char *rest = operator+ len;
	struct deploy_error *err = parser->err;
	bool is_plain = len == 1 && *operator== '=';

	if (is_plain && (*rest == '=' || *rest == '~' || (fact_len && operator[-1] == '!'))) {
		const char *value = rest + (*rest == '=' || *rest == '~');
		bool is_negated = fact_len && operator[-1] == '!', is_regex = *rest == '~';
		bool is_slashed = !is_regex || *value == '/';

		fact_len -= is_negated;
		value_len = (int)strnlen(value, 60);
		(void)REFUSE(parser, "nodes do not know %s here",
			is_negated ? "!="
			: is_regex ? "=~"
				   : "==");
		deploy_error_hint(err, "%s%.*s=%s%.*s%s", is_negated ? "not " : "",
			fact_len < 60 ? fact_len : 60, text, is_slashed ? "" : "/", value_len,
			value, is_slashed ? "" : "/");
	} else if (*rest == '<' || *rest == '>') {
		(void)REFUSE(parser, "nodes do not know %.*s here", (int)len + 1, operator);
		deploy_error_hint(err, "the orders are < <= > >=");
	} else if (*rest == '/' && !is_plain) {
		(void)REFUSE(parser, "a regular expression has no order");
		deploy_error_hint(err, "FACT=/regex/");
	}
	return err->code;
}

static int check_fact(struct parser *parser, const char *text)
{
	struct dp_compound_split split;
	size_t len, value_len;
	const char *at = find_comparison(text, &len);
	char operator[3];

	memcpy(operator, at, len);
	operator[len] = '\0';
	if (at == text)
		return REFUSE(parser, "a fact must stand before %s", operator);
	if (check_operator(parser, text, at, len))
		return parser->err->code;
	if (at[-1] == '!')
		return REFUSE(parser, "nodes do not know !%s here", operator);
	if (at[len] == '\0') {
		(void)REFUSE(parser, "a value must follow %s", operator);
		if (len == 2)
			deploy_error_hint(parser->err, "without a blank, as in rank%s3", operator);
		return parser->err->code;
	}
	if (strstr(at + len, operator))
		return REFUSE(parser, "nodes cut the value at the second %s", operator);
	(void)dp_compound_split(&split, text);
	value_len = strlen(split.value);
	if (strcmp(split.operator, "=~") != 0)
		return 0;
	if (value_len > 2 && split.value[value_len - 1] == '/')
		return check_regex(parser, split.value + 1, value_len - 2);
	return check_regex(parser, split.value, value_len);
}

static int add_statement(struct parser *parser, struct deploy_compound_token *token)
{
	const char *text;
	size_t len;

	token->text = dp_buf_take(&parser->word.text);
	text = token->text;
	if (text[0] == '\0')
		return REFUSE(parser, "the quotes are empty");
	if (!parser->word.is_quoted &&
		(strcmp(text, "and") == 0 || strcmp(text, "or") == 0 || strcmp(text, "not") == 0)) {
		(void)REFUSE(parser, "nothing follows %s", text);
		deploy_error_hint(parser->err, "for a class of that name: \"'%s'\"", text);
		return parser->err->code;
	}
	if (text[0] == '/')
		return check_class_regex(parser, text);
	return find_comparison(text, &len) ? check_fact(parser, text) : 0;
}

/* Of "!=1" the operator's length; 0 if there is none. */
static size_t function_operator(const char *text)
{
	if (text[0] == '!')
		return text[1] == '=' ? 2 : 0;
	return text[0] == '\0' || !strchr("=<>", text[0]) ? 0
	       : text[0] != '=' && text[1] == '='	  ? 2
							  : 1;
}

/* The right side, which mco cuts at every operator. */
static int check_right(struct parser *parser, const char *right, const char *operator)
{
	if (right[0] == '\0') {
		(void)REFUSE(parser, "a value must follow %s", operator);
		if (operator[1] == '=')
			deploy_error_hint(parser->err, "without a blank, as in %s3", operator);
		return parser->err->code;
	}
	if (strcmp(operator, "=") == 0 && strchr("=~<>", right[0])) {
		(void)REFUSE(parser, "functions do not know =%c", right[0]);
		deploy_error_hint(parser->err, "= != < <= > >=, and =/regex/ !=/regex/");
	} else if (strpbrk(right, "=<>")) {
		(void)REFUSE(parser, "the right side of a function must not hold = < or >");
		deploy_error_hint(parser->err, "in a regular expression a dot may stand for it");
	}
	return parser->err->code;
}

static int add_right(struct parser *parser, struct deploy_compound_token *token, const char *right)
{
	size_t len = strlen(right);

	token->is_regex = len > 1 && right[0] == '/' && right[len - 1] == '/';
	if (!token->is_regex) {
		token->right = dp_xstrdup(right);
		if (strcmp(token->operator, "=") == 0)
			memcpy(token->operator, "==", 3);
		return 0;
	}
	if (strpbrk(token->operator, "<>"))
		return REFUSE(parser, "a regular expression has no order");
	memcpy(token->operator, token->operator[0] == '=' ? "=~" : "!=~",
		token->operator[0] == '=' ? 3 : 4);
	token->right = dp_xstrndup(right + 1, len - 2);
	return check_regex(parser, token->right, len - 2);
}

/* Without the outermost quotes; blanks around them stay. text: "'x')…", checked by the scanner. */
static char *params_of(const char *text, size_t len)
{
	char *params = dp_xstrndup(text, len), *first = strpbrk(params, "'\""), *last;

	memmove(first, first + 1, strlen(first));
	last = params + strlen(params) - 1;
	while (*last != '\'' && *last != '"')
		last--;
	memmove(last, last + 1, strlen(last));
	return params;
}

static int add_params(
	struct parser *parser, struct deploy_compound_token *token, const char *text, size_t len)
{
	if (len == 0)
		return 0;
	token->params = params_of(text, len);
	if (strpbrk(token->params, "(`"))
		return REFUSE(parser, "parameters must not hold ( or `");
	return 0;
}

/* NAME(PARAMS).VALUE OPERATOR RIGHT */
static int add_function(struct parser *parser, struct deploy_compound_token *token)
{
	const char *text = dp_buf_text(&parser->word.text), *params, *at;
	size_t name_len = strspn(text, word_bytes), len;

	params = text + name_len + 1;
	if (name_len == 0 || text[name_len] != '(')
		return REFUSE(parser, "a function's name consists of letters, digits and _");
	token->name = dp_xstrndup(text, name_len);
	len = strcspn(params, ")");
	if (add_params(parser, token, params, len))
		return parser->err->code;
	at = params + len + 1;
	len = *at == '.' ? strspn(at + 1, word_bytes) : 0;
	if (len == 0) {
		(void)REFUSE(parser, "the function's value is missing");
		deploy_error_hint(parser->err, "as in fact('cluster').value=alfa");
		return parser->err->code;
	}
	token->value = dp_xstrndup(at + 1, len);
	at += 1 + len;
	len = function_operator(at);
	if (len == 0) {
		(void)REFUSE(parser, "the function's value is compared with nothing");
		deploy_error_hint(
			parser->err, "as in fact('cluster').value=alfa; no blank before !=");
		return parser->err->code;
	}
	memcpy(token->operator, at, len);
	token->operator[len] = '\0';
	if (check_right(parser, at + len, token->operator))
		return parser->err->code;
	return add_right(parser, token, at + len);
}

static int refuse_place(struct parser *parser)
{
	char *word = shown(parser);

	if (parser->wants_operand && parser->compound->token_count == 0)
		(void)REFUSE(parser, "an expression does not begin with %s", word);
	else if (parser->wants_operand)
		(void)REFUSE(parser, "a statement must stand before %s", word);
	else if (strncmp(parser->text + parser->word.begin, "!=", 2) == 0)
		(void)REFUSE(parser, "nodes do not know != here");
	else
		(void)REFUSE(parser, "an operator, and or or, is missing before %s", word);
	if (!parser->wants_operand && word[0] == '!')
		deploy_error_hint(parser->err, "not FACT=VALUE; functions want != without blanks");
	free(word);
	return parser->err->code;
}

static int add_parenthesis(struct parser *parser)
{
	if (parser->word.kind == DEPLOY_COMPOUND_OPEN) {
		parser->open = dp_grow(
			parser->open, &parser->open_cap, parser->depth + 1, sizeof(*parser->open));
		parser->open[parser->depth++] = parser->word.begin;
		return 0;
	}
	if (parser->depth == 0)
		return REFUSE(parser, ") has no (");
	parser->depth--;
	return 0;
}

/* Statements, not and ( stand where an operand is wanted, the rest behind one. */
static int add_token(struct parser *parser)
{
	enum deploy_compound_kind kind = parser->word.kind;
	bool begins_operand = kind == DEPLOY_COMPOUND_STATEMENT ||
			      kind == DEPLOY_COMPOUND_FUNCTION || kind == DEPLOY_COMPOUND_NOT ||
			      kind == DEPLOY_COMPOUND_OPEN;
	struct deploy_compound *compound = parser->compound;
	struct deploy_compound_token *token;

	if (begins_operand != parser->wants_operand)
		return refuse_place(parser);
	compound->tokens = dp_grow(compound->tokens, &compound->token_cap,
		compound->token_count + 1, sizeof(*compound->tokens));
	token = &compound->tokens[compound->token_count++];
	*token = (struct deploy_compound_token){.kind = kind};
	parser->wants_operand = kind != DEPLOY_COMPOUND_STATEMENT &&
				kind != DEPLOY_COMPOUND_FUNCTION && kind != DEPLOY_COMPOUND_CLOSE;
	if (kind == DEPLOY_COMPOUND_STATEMENT)
		return add_statement(parser, token);
	if (kind == DEPLOY_COMPOUND_FUNCTION)
		return add_function(parser, token);
	if (kind == DEPLOY_COMPOUND_OPEN || kind == DEPLOY_COMPOUND_CLOSE)
		return add_parenthesis(parser);
	return 0;
}

static int parse_tokens(struct parser *parser)
{
	size_t at = 0;
	int rc = 0;

	while (parser->text[at] && !rc) {
		rc = dp_compound_scan(&parser->word, parser->text, at, parser->err);
		if (!rc)
			rc = add_token(parser);
		dp_buf_release(&parser->word.text);
		at = parser->word.end;
		at += strspn(parser->text + at, " ");
	}
	if (rc)
		return rc;
	if (parser->wants_operand)
		return dp_compound_refuse(
			parser->err, parser->text, at, "the expression ends too early");
	if (parser->depth)
		return dp_compound_refuse(
			parser->err, parser->text, parser->open[parser->depth - 1], "( has no )");
	return 0;
}

static int check_text(const char *text, struct deploy_error *err)
{
	size_t len = strnlen(text, MAX_EXPRESSION_BYTES + 1);

	if (text[strspn(text, " \t\r\n")] == '\0')
		return deploy_error_set(err, DEPLOY_USAGE,
			"the expression is empty; leave it out to mean every node");
	if (len > MAX_EXPRESSION_BYTES)
		return deploy_error_set(err, DEPLOY_USAGE, "the expression is longer than %d bytes",
			MAX_EXPRESSION_BYTES);
	if (!deploy_text_is_utf8(text, len))
		return deploy_error_set(err, DEPLOY_USAGE, "the expression is not UTF-8");
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)text[i] < ' ' || text[i] == 0x7f)
			return dp_compound_refuse(err, text, i, "a control character");
	if (text[0] == ' ')
		return dp_compound_refuse(err, text, 0, "mco takes no blank at the beginning");
	return 0;
}

int deploy_filter_add_compound(
	struct deploy_filter *filter, const char *text, struct deploy_error *err)
{
	struct deploy_compound compound = {.source = NULL};
	struct parser parser = {
		.text = text, .compound = &compound, .wants_operand = true, .err = err};
	int rc = check_text(text, err);

	if (!rc)
		rc = parse_tokens(&parser);
	free(parser.open);
	if (rc) {
		dp_compound_release(&compound);
		return rc;
	}
	compound.source = dp_xstrdup(text);
	filter->compounds = dp_grow(filter->compounds, &filter->compound_cap,
		filter->compound_count + 1, sizeof(*filter->compounds));
	filter->compounds[filter->compound_count++] = compound;
	return 0;
}

long long deploy_filter_functions_ms(const struct deploy_filter *filter)
{
	long long sum_ms = 0;

	for (size_t i = 0; i < filter->compound_count; i++)
		for (size_t j = 0; j < filter->compounds[i].token_count; j++) {
			const char *name = filter->compounds[i].tokens[j].name;

			if (name)
				sum_ms += strcasecmp(name, "service") == 0 ? 3000 : 1000;
		}
	return sum_ms;
}
