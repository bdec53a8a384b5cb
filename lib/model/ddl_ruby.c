/*
 * Ruby's DDL: its declarations are carried out, each what MCollective's own method of that name
 * does. Nothing is executed; what is not a declaration makes its action one that is known by name
 * only.
 */
#include "model/ddl_ruby.h"

#include <stdlib.h>
#include <string.h>

#include "deploy/error.h"
#include "deploy/text.h"

#define MAX_TURNS 10000

enum place { AT_TOP = 1, IN_ACTION = 2, IN_DATA = 4, IN_SUMMARY = 8 };

struct reader {
	struct dp_ruby ruby;
	size_t action; /* index of the one that is being read */
	bool has_metadata;
};

static int read_statements(struct reader *reader, const struct dp_token *end, enum place place);

static struct deploy_ddl_action *current(struct reader *reader)
{
	return &reader->ruby.ddl->actions[reader->action];
}

/* Give an error without place that of token. */
static int put_place(struct reader *reader, const struct dp_token *token)
{
	return deploy_error_wrap(
		reader->ruby.err, "%s:%u:%u", reader->ruby.ddl->path, token->line, token->column);
}

/* The one value that name wants, a text or symbol; NULL after setting err. */
static const char *only_text(struct reader *reader, const struct dp_token *name,
	const struct dp_ruby_arguments *arguments)
{
	const json_t *value = arguments->count == 1 ? arguments->values[0].json : NULL;

	if (!json_is_string(value) || arguments->values[0].kind == DP_RUBY_REGEX) {
		(void)dp_ruby_fail(&reader->ruby, name, "%.*s wants one name or text",
			(int)name->len, name->text);
		return NULL;
	}
	return json_string_value(value);
}

static int read_metadata(struct reader *reader, const struct dp_token *name, enum place place)
{
	struct dp_ruby_arguments arguments = {.count = 0};

	(void)place;
	reader->has_metadata = true;
	if (!dp_ruby_read_arguments(&reader->ruby, &arguments) &&
		dp_ddl_set_metadata(reader->ruby.ddl, arguments.properties, reader->ruby.err))
		(void)put_place(reader, name);
	dp_ruby_release_arguments(&arguments);
	return reader->ruby.err->code;
}

/* usage and requires say nothing that we use. */
static int read_unused(struct reader *reader, const struct dp_token *name, enum place place)
{
	struct dp_ruby_arguments arguments = {.count = 0};

	(void)name;
	(void)place;
	(void)dp_ruby_read_arguments(&reader->ruby, &arguments);
	dp_ruby_release_arguments(&arguments);
	return reader->ruby.err->code;
}

static int read_display(struct reader *reader, const struct dp_token *name, enum place place)
{
	struct dp_ruby_arguments arguments = {.count = 0};
	const char *text = NULL;

	(void)place;
	if (!dp_ruby_read_arguments(&reader->ruby, &arguments))
		text = only_text(reader, name, &arguments);
	if (text && dp_ddl_set_display(current(reader), text, reader->ruby.err))
		(void)put_place(reader, name);
	dp_ruby_release_arguments(&arguments);
	return reader->ruby.err->code;
}

/* MCollective wants agents, but not data plugins, to say whether an input is optional. */
static int add_input(
	struct reader *reader, const char *text, const json_t *properties, enum place place)
{
	struct deploy_error *err = reader->ruby.err;

	if (place == IN_ACTION && !json_object_get(properties, "optional"))
		return deploy_error_set(err, DEPLOY_INPUT, "input %s does not say optional", text);
	if (place == IN_DATA && strcmp(text, "query") != 0)
		return deploy_error_set(
			err, DEPLOY_INPUT, "the only input of data is query, not %s", text);
	return dp_ddl_add_input(current(reader), text, properties, err);
}

static int read_input(struct reader *reader, const struct dp_token *name, enum place place)
{
	struct dp_ruby_arguments arguments = {.count = 0};
	const char *text = NULL;

	if (!dp_ruby_read_arguments(&reader->ruby, &arguments))
		text = only_text(reader, name, &arguments);
	if (text && add_input(reader, text, arguments.properties, place))
		(void)put_place(reader, name);
	dp_ruby_release_arguments(&arguments);
	return reader->ruby.err->code;
}

static int read_output(struct reader *reader, const struct dp_token *name, enum place place)
{
	struct dp_ruby_arguments arguments = {.count = 0};
	const char *text = NULL;

	(void)place;
	if (!dp_ruby_read_arguments(&reader->ruby, &arguments))
		text = only_text(reader, name, &arguments);
	if (text &&
		dp_ddl_add_output(current(reader), text, arguments.properties, reader->ruby.err))
		(void)put_place(reader, name);
	dp_ruby_release_arguments(&arguments);
	return reader->ruby.err->code;
}

/* The block behind a call's arguments: *end is where it closes, NULL if there is none. */
static int find_block(struct reader *reader, const struct dp_token **end)
{
	struct dp_ruby *ruby = &reader->ruby;

	*end = NULL;
	if (!dp_token_is(ruby->at, "do") && !dp_token_is(ruby->at, "{"))
		return 0;
	*end = ruby->tokens + ruby->at->close;
	ruby->at++;
	return dp_token_is(ruby->at, "|")
		       ? dp_ruby_fail(ruby, ruby->at, "this block has no parameters in a DDL")
		       : 0;
}

static int read_summarize(struct reader *reader, const struct dp_token *name, enum place place)
{
	const struct dp_token *end;

	(void)place;
	if (find_block(reader, &end))
		return reader->ruby.err->code;
	if (!end)
		return dp_ruby_fail(&reader->ruby, name, "summarize has no block");
	(void)read_statements(reader, end, IN_SUMMARY);
	reader->ruby.at = end + 1;
	return reader->ruby.err->code;
}

/* function(:output, …), and behind it perhaps the format */
static int add_aggregate(struct reader *reader, const struct dp_token *function,
	const struct dp_ruby_arguments *inner, const struct dp_ruby_arguments *outer)
{
	const json_t *output = inner->count == 1 ? inner->values[0].json : NULL;
	char *called = NULL;
	int rc;

	if (!json_is_string(output))
		return dp_ruby_fail(
			&reader->ruby, function, "an aggregate wants the name of an output");
	called = deploy_text_escape(function->text, function->len);
	rc = dp_ddl_add_aggregate(current(reader), called, json_string_value(output),
		inner->properties, json_object_get(outer->properties, "format"), reader->ruby.err);
	free(called);
	return rc ? put_place(reader, function) : 0;
}

static int read_aggregate(struct reader *reader, const struct dp_token *name, enum place place)
{
	struct dp_ruby *ruby = &reader->ruby;
	struct dp_ruby_arguments inner = {.count = 0}, outer = {.count = 0};
	const struct dp_token *close = NULL, *function;
	int rc;

	(void)place;
	if (dp_token_is(ruby->at, "(")) {
		close = ruby->tokens + ruby->at->close;
		ruby->at++;
	}
	function = ruby->at;
	if (function->type != DP_TOKEN_WORD)
		return dp_ruby_fail(ruby, name, "aggregate wants a function");
	ruby->at++;
	rc = dp_ruby_read_arguments(ruby, &inner);
	if (!rc && dp_ruby_accept(ruby, ","))
		rc = dp_ruby_read_arguments(ruby, &outer);
	if (!rc && close && ruby->at++ != close)
		rc = dp_ruby_fail(ruby, close, "this aggregate is not understood");
	if (!rc)
		rc = add_aggregate(reader, function, &inner, &outer);
	dp_ruby_release_arguments(&inner);
	dp_ruby_release_arguments(&outer);
	return rc;
}

/* Actions. */

/* What is not understood costs the action its arguments, and nothing else. */
static void read_body(struct reader *reader, const struct dp_token *end, enum place place)
{
	struct deploy_error *err = reader->ruby.err;
	size_t variables = reader->ruby.variable_count;

	(void)read_statements(reader, end, place);
	reader->ruby.at = end + 1;
	reader->ruby.variable_count = variables;
	if (reader->ruby.is_exhausted)
		return;
	/* What another body of the same action left in the dark stays there. */
	if (err->code || current(reader)->untyped_why)
		dp_ddl_untype(current(reader), err->text);
	*err = (struct deploy_error){.code = DEPLOY_OK};
}

static int begin_action(struct reader *reader, const struct dp_token *name, const char *text,
	const json_t *properties)
{
	const json_t *description = json_object_get(properties, "description");
	struct deploy_ddl_action *action;
	size_t count = reader->ruby.ddl->action_count;

	if (!json_is_string(description))
		return dp_ruby_fail(&reader->ruby, name, "%s has no description", text);
	action = dp_ddl_add_action(reader->ruby.ddl, text);
	reader->action = (size_t)(action - reader->ruby.ddl->actions);
	if (count != reader->ruby.ddl->action_count)
		dp_ddl_describe(action, json_string_value(description));
	return 0;
}

static int read_action(struct reader *reader, const struct dp_token *name, enum place place)
{
	struct dp_ruby_arguments arguments = {.count = 0};
	const struct dp_token *end = NULL;
	const char *text = NULL;

	(void)place;
	if (!dp_ruby_read_arguments(&reader->ruby, &arguments))
		text = only_text(reader, name, &arguments);
	if (text && !begin_action(reader, name, text, arguments.properties) &&
		!find_block(reader, &end) && end)
		read_body(reader, end, IN_ACTION);
	dp_ruby_release_arguments(&arguments);
	return reader->ruby.err->code;
}

static int read_dataquery(struct reader *reader, const struct dp_token *name, enum place place)
{
	struct dp_ruby_arguments arguments = {.count = 0};
	const struct dp_token *end = NULL;

	(void)place;
	reader->ruby.ddl->kind = DEPLOY_DDL_DATA;
	if (reader->ruby.ddl->action_count)
		return dp_ruby_fail(&reader->ruby, name, "a dataquery stands alone");
	if (!dp_ruby_read_arguments(&reader->ruby, &arguments) &&
		!begin_action(reader, name, "data", arguments.properties) &&
		!find_block(reader, &end) && end)
		read_body(reader, end, IN_DATA);
	dp_ruby_release_arguments(&arguments);
	return reader->ruby.err->code;
}

static const struct declaration {
	const char *name;
	unsigned places;
	int (*read)(struct reader *reader, const struct dp_token *name, enum place place);
} declarations[] = {
	{"metadata", AT_TOP, read_metadata},
	{"requires", AT_TOP, read_unused},
	{"usage", AT_TOP, read_unused},
	{"action", AT_TOP, read_action},
	{"dataquery", AT_TOP, read_dataquery},
	{"display", IN_ACTION, read_display},
	{"input", IN_ACTION | IN_DATA, read_input},
	{"output", IN_ACTION | IN_DATA, read_output},
	{"summarize", IN_ACTION, read_summarize},
	{"aggregate", IN_SUMMARY, read_aggregate},
};

/* Loops: [a, b].each do |v| … end, also { |v| … } and |v, w| for lists of lists. */

struct loop {
	const struct dp_token *names[4], *body, *end;
	size_t name_count;
};

static int read_loop_names(struct dp_ruby *ruby, struct loop *loop)
{
	do {
		if (ruby->at->type != DP_TOKEN_WORD || loop->name_count == 4)
			return dp_ruby_fail(ruby, ruby->at, "this parameter is not understood");
		loop->names[loop->name_count++] = ruby->at++;
	} while (dp_ruby_accept(ruby, ","));
	if (ruby->variable_count + loop->name_count > DP_RUBY_MAX_VARIABLES)
		return dp_ruby_exhaust(ruby, "more than 32 variables");
	return dp_ruby_accept(ruby, "|")
		       ? 0
		       : dp_ruby_fail(ruby, ruby->at, "this parameter is not understood");
}

static int read_loop_head(struct dp_ruby *ruby, struct loop *loop)
{
	dp_ruby_skip_newlines(ruby);
	if (!dp_ruby_accept(ruby, ".") || !dp_ruby_accept(ruby, "each") ||
		(!dp_token_is(ruby->at, "do") && !dp_token_is(ruby->at, "{")))
		return dp_ruby_fail(ruby, ruby->at, "only .each with a block is understood here");
	loop->end = ruby->tokens + ruby->at->close;
	ruby->at++;
	if (!dp_ruby_accept(ruby, "|"))
		return dp_ruby_fail(ruby, ruby->at, "a loop without parameter is not understood");
	if (read_loop_names(ruby, loop))
		return ruby->err->code;
	loop->body = ruby->at;
	return 0;
}

static void bind(
	struct dp_ruby *ruby, const struct loop *loop, json_t *item, enum dp_ruby_kind kind)
{
	for (size_t i = 0; i < loop->name_count; i++) {
		json_t *value = loop->name_count == 1 ? item
				: json_is_array(item) ? json_array_get(item, i)
				: i == 0	      ? item
						      : NULL;

		ruby->variables[ruby->variable_count].name = loop->names[i];
		ruby->variables[ruby->variable_count++].value =
			(struct dp_ruby_value){.json = value ? value : json_null(), .kind = kind};
	}
}

static int turn(struct reader *reader, const struct loop *loop, json_t *item,
	enum dp_ruby_kind kind, enum place place)
{
	struct dp_ruby *ruby = &reader->ruby;
	size_t variables = ruby->variable_count;

	ruby->at = loop->body;
	if (++ruby->turns > MAX_TURNS)
		return dp_ruby_exhaust(ruby, "more than 10000 turns of loops");
	bind(ruby, loop, item, kind);
	(void)read_statements(reader, loop->end, place);
	ruby->variable_count = variables;
	return ruby->err->code;
}

static int read_loop(struct reader *reader, enum place place)
{
	struct dp_ruby *ruby = &reader->ruby;
	const struct dp_token *from = ruby->at;
	struct dp_ruby_value list = {NULL};
	struct loop loop = {.name_count = 0};
	size_t i;
	json_t *item;
	int rc = dp_ruby_read_value(ruby, &list);

	if (!rc && !json_is_array(list.json))
		rc = dp_ruby_fail(ruby, from, "a value that is not used is not understood");
	if (!rc)
		rc = read_loop_head(ruby, &loop);
	if (!rc) {
		json_array_foreach(list.json, i, item)
		{
			rc = turn(reader, &loop, item, list.items, place);
			if (rc)
				break;
		}
		ruby->at = loop.end + 1;
	}
	dp_ruby_release_value(&list);
	return rc;
}

static int unknown(struct reader *reader, const struct dp_token *token)
{
	return dp_ruby_fail(&reader->ruby, token, "'%.*s' is not understood here",
		(int)(token->len < 60 ? token->len : 60), token->text);
}

static int read_statement(struct reader *reader, enum place place)
{
	struct dp_ruby *ruby = &reader->ruby;
	const struct dp_token *name = ruby->at;

	for (size_t i = 0; i < sizeof(declarations) / sizeof(declarations[0]); i++) {
		if (dp_token_is(name, declarations[i].name)) {
			if (!(declarations[i].places & place))
				return unknown(reader, name);
			ruby->at++;
			return declarations[i].read(reader, name, place);
		}
	}
	if (dp_token_is(name, "[") || name->type == DP_TOKEN_WORDS ||
		name->type == DP_TOKEN_SYMBOLS)
		return read_loop(reader, place);
	return unknown(reader, name);
}

static int read_statements(struct reader *reader, const struct dp_token *end, enum place place)
{
	struct dp_ruby *ruby = &reader->ruby;
	int rc = 0;

	for (;;) {
		dp_ruby_skip_newlines(ruby);
		if (ruby->at >= end)
			return 0;
		rc = read_statement(reader, place);
		if (rc)
			return rc;
		if (ruby->at != end && ruby->at->type != DP_TOKEN_NEWLINE)
			return unknown(reader, ruby->at);
	}
}

int dp_ddl_read_ruby(struct deploy_ddl *ddl, const char *text, size_t len, struct deploy_error *err)
{
	struct reader reader = {.ruby = {.ddl = ddl, .err = err}};
	struct dp_token *tokens = NULL;
	const struct dp_token *end;

	if (dp_ddl_lex(&tokens, ddl->path, text, len, 1, 1, err) == 0) {
		reader.ruby.tokens = reader.ruby.at = tokens;
		for (end = tokens; end->type != DP_TOKEN_END; end++)
			continue;
		if (!read_statements(&reader, end, AT_TOP) && !reader.has_metadata)
			(void)deploy_error_set(
				err, DEPLOY_INPUT, "%s:1:1: there is no metadata", ddl->path);
	}
	free(tokens);
	return err->code;
}
