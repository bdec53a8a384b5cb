/*
 * Compiling. Everything that can raise a Lua error happens in a function that lua_pcall() called;
 * what C owns meanwhile hangs on struct deploy_expr or on the run.
 */
#include "expr/expr_parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <lauxlib.h>

#include "base/mem.h"
#include "deploy/text.h"
#include "expr/expr_source.h"

int dp_expr_fail_at(
	const struct deploy_expr *expr, size_t at, struct deploy_error *err, const char *why)
{
	struct deploy_place place = dp_expr_source_place(expr->text, at);

	return deploy_error_set(
		err, DEPLOY_INPUT, "%s:%u:%u: %s", expr->label, place.line, place.column, why);
}

/* "attempt to index a nil value (upvalue 'data')": that data is one is Lua's business. */
static void cut(char *text, const char *word)
{
	char *at = strstr(text, word);

	if (at)
		memmove(at, at + strlen(word), strlen(at + strlen(word)) + 1);
}

/*
 * What is left of Lua's message for people. Its parser names lines of the chunk, "')' expected (to
 * close '(' at line 2) near 'x'", and on line 1 a parenthesis that is ours.
 */
static char *clean_message(const char *message)
{
	static const char ours[] = "')' expected (to close '(' at line 1) near ";
	char *text = deploy_text_escape(message, strlen(message)), *plain;
	char *open = strstr(text, " (to close "), *close = open ? strstr(open, ") near ") : NULL;

	if (strncmp(text, ours, strlen(ours)) == 0) {
		plain = dp_xasprintf("%s is not expected here", text + strlen(ours));
		free(text);
		return plain;
	}
	if (close)
		memmove(open, close + 1, strlen(close + 1) + 1);
	cut(text, "upvalue ");
	cut(text, "local ");
	return text;
}

int dp_expr_fail_in(const struct deploy_expr *expr, const struct dp_expr_part *part, int status,
	struct deploy_error *err)
{
	lua_State *lua = expr->run.lua;
	const char *message = lua_type(lua, -1) == LUA_TSTRING ? lua_tostring(lua, -1) : "failed";
	char *why = NULL, *behind = NULL;
	unsigned long line = 1;

	if (status == LUA_ERRMEM || strcmp(message, "not enough memory") == 0)
		message = expr->run.text_too_long ? "this makes a text of more than 1 MiB"
						  : "this takes more than 16 MiB of memory";
	if (strncmp(message, DP_EXPR_CHUNK ":", strlen(DP_EXPR_CHUNK) + 1) == 0) {
		line = strtoul(message + strlen(DP_EXPR_CHUNK) + 1, &behind, 10);
		message = behind + strspn(behind, ": ");
	}
	if (strstr(message, "C stack overflow"))
		message = "this is nested too deep";
	if (line < 1 || line > part->line_count)
		line = part->line_count;
	if (line == part->line_count && part->function == LUA_NOREF)
		message = "the expression ends too early";
	else if (line == part->line_count && line > 1)
		line--; /* Lua read one token more, which is none of ours */
	why = clean_message(message);
	(void)dp_expr_fail_at(expr, part->offsets[line - 1], err, why);
	free(why);
	lua_pop(lua, 1);
	if (expr->run.err.code != DEPLOY_OK) {
		err->code = expr->run.err.code;
		deploy_error_hint(err, "%s", expr->run.err.hint);
	}
	return err->code;
}

/* What is compiled, for the functions that Lua calls. */
struct build {
	struct dp_expr_part *part;
	const struct dp_expr_source *source;
};

static int open_library(lua_State *lua)
{
	dp_lua_open_values(lua);
	dp_lua_open_functions(lua);
	return 0;
}

/* Make the function, give it what the library has, and see which names are left. */
static int build_function(lua_State *lua)
{
	const struct build *build = lua_touserdata(lua, 1);
	struct dp_expr_part *part = build->part;
	const char *name;
	size_t cap = 0;

	if (luaL_loadbufferx(lua, build->source->chunk.data, build->source->chunk.len,
		    "=" DP_EXPR_CHUNK, "t") != LUA_OK)
		return lua_error(lua);
	lua_call(lua, 0, 1);
	for (int i = 1; (name = lua_getupvalue(lua, -1, i)); i++) {
		lua_pop(lua, 1);
		if (strcmp(name, "_ENV") == 0) /* the way to global names */
			return luaL_error(lua, "bug: a name was not seen");
		if (dp_lua_push_function(lua, name)) {
			(void)lua_setupvalue(lua, -2, i);
			name = NULL;
		}
		part->names =
			dp_grow(part->names, &cap, part->name_count + 1, sizeof(*part->names));
		part->names[part->name_count++] = name;
	}
	part->function = luaL_ref(lua, LUA_REGISTRYINDEX);
	return 0;
}

static bool is_name(const struct dp_expr_token *token, const char *name)
{
	return token->len == strlen(name) && memcmp(token->at, name, token->len) == 0;
}

/* Does the expression take it from outside? */
static bool is_free(const struct dp_expr_part *part, const struct dp_expr_token *token)
{
	for (size_t i = 0; i < part->name_count; i++)
		if (part->names[i] && is_name(token, part->names[i]))
			return true;
	return false;
}

/* NULL for a token that is none. */
static const char *keep_word(struct deploy_expr *expr, const struct dp_expr_token *token)
{
	char *word = dp_xstrndup(token->at ? token->at : "", token->len);
	size_t at = 0;

	(void)dp_strset_add(&expr->words, word);
	(void)dp_strset_find(&expr->words, word, &at);
	free(word);
	return token->kind == DP_EXPR_TOKEN_END ? NULL : expr->words.items[at];
}

static void add_uses(struct deploy_expr *expr, const struct dp_expr_part *part,
	const struct dp_expr_source *source)
{
	for (size_t i = 0; i < source->mention_count; i++) {
		const struct dp_expr_mention *mention = &source->mentions[i];

		if (!is_free(part, &mention->name))
			continue;
		expr->uses = dp_grow(
			expr->uses, &expr->use_cap, expr->use_count + 1, sizeof(*expr->uses));
		expr->uses[expr->use_count++] =
			(struct deploy_expr_use){.name = keep_word(expr, &mention->name),
				.field = keep_word(expr, &mention->field),
				.part = keep_word(expr, &mention->part),
				.place = dp_expr_source_place(
					expr->text, (size_t)(mention->name.at - expr->text))};
	}
}

/* A name that is both could not be told apart in uses, nor by people. */
static int refuse_hidden(const struct deploy_expr *expr, const struct dp_expr_part *part,
	const struct dp_expr_source *source, struct deploy_error *err)
{
	char why[128];

	for (size_t i = 0; i < source->local_count; i++) {
		if (!is_free(part, &source->locals[i]))
			continue;
		(void)snprintf(why, sizeof(why),
			"%.*s has a meaning outside of this function; call it otherwise",
			(int)source->locals[i].len, source->locals[i].at);
		return dp_expr_fail_at(expr, (size_t)(source->locals[i].at - expr->text), err, why);
	}
	return 0;
}

static int compile(struct deploy_expr *expr, struct dp_expr_part *part, struct deploy_error *err)
{
	lua_State *lua = expr->run.lua;
	struct dp_expr_source source;
	struct build build = {.part = part, .source = &source};
	struct dp_expr_fault fault;
	int status, rc;

	if (!dp_expr_source_read(&source, expr->text, part->begin, part->end, &fault)) {
		rc = dp_expr_fail_at(expr, fault.at, err, fault.why);
		goto out;
	}
	part->offsets = source.offsets;
	part->line_count = source.line_count;
	source.offsets = NULL;
	lua_pushcfunction(lua, build_function);
	lua_pushlightuserdata(lua, &build);
	status = lua_pcall(lua, 1, 0, 0);
	if (status != LUA_OK) {
		rc = dp_expr_fail_in(expr, part, status, err);
		goto out;
	}
	add_uses(expr, part, &source);
	rc = refuse_hidden(expr, part, &source, err);
out:
	dp_expr_source_release(&source);
	return rc;
}

static void add_part(struct deploy_expr *expr, size_t begin, size_t end, bool is_expression)
{
	if (begin == end && !is_expression)
		return;
	expr->parts =
		dp_grow(expr->parts, &expr->part_cap, expr->part_count + 1, sizeof(*expr->parts));
	expr->parts[expr->part_count++] = (struct dp_expr_part){
		.begin = begin, .end = end, .is_expression = is_expression, .function = LUA_NOREF};
}

/* Find the ${…} in the text; of $${ the first $ goes. */
static int split(struct deploy_expr *expr, struct deploy_error *err)
{
	const char *text = expr->text;
	struct dp_expr_fault fault;
	size_t begin = 0, at = 0, end;

	while (text[at]) {
		if (strncmp(text + at, "$${", 3) == 0) {
			add_part(expr, begin, at, false);
			begin = at + 1;
			at += 3;
		} else if (strncmp(text + at, "${", 2) == 0) {
			add_part(expr, begin, at, false);
			if (!dp_expr_source_find_end(&end, text, at + 2, &fault))
				return dp_expr_fail_at(expr, fault.at, err, fault.why);
			add_part(expr, at + 2, end, true);
			at = begin = end + 1;
		} else {
			at++;
		}
	}
	add_part(expr, begin, at, false);
	expr->is_joined = expr->part_count != 1 || !expr->parts[0].is_expression;
	return 0;
}

/* Split, if it is a template, and compile. */
static int make(struct deploy_expr **out, const char *label, const char *text, bool is_template,
	struct deploy_error *err)
{
	struct deploy_expr *expr = dp_xcalloc(1, sizeof(*expr));
	size_t len = strlen(text);
	int rc = 0;

	*out = NULL;
	expr->label = dp_xstrdup(label);
	expr->text = dp_xstrdup(text);
	dp_strset_init(&expr->words);
	dp_lua_open(&expr->run);
	lua_pushcfunction(expr->run.lua, open_library);
	if (lua_pcall(expr->run.lua, 0, 0, 0) != LUA_OK)
		rc = deploy_error_set(err, DEPLOY_BUG, "%s: Lua's library cannot be opened", label);
	else if (len > DEPLOY_EXPR_MAX_BYTES)
		rc = deploy_error_set(err, DEPLOY_INPUT, "%s: longer than 64 KiB", label);
	else if (is_template)
		rc = split(expr, err);
	else
		add_part(expr, 0, len, true);
	for (size_t i = 0; i < expr->part_count && rc == 0; i++)
		if (expr->parts[i].is_expression)
			rc = compile(expr, &expr->parts[i], err);
	if (rc == 0)
		*out = expr;
	else
		deploy_expr_free(expr);
	return rc;
}

int deploy_expr_new(
	struct deploy_expr **out, const char *label, const char *text, struct deploy_error *err)
{
	return make(out, label, text, false, err);
}

int deploy_expr_new_template(
	struct deploy_expr **out, const char *label, const char *text, struct deploy_error *err)
{
	return make(out, label, text, true, err);
}

void deploy_expr_free(struct deploy_expr *expr)
{
	if (!expr)
		return;
	dp_lua_close(&expr->run);
	for (size_t i = 0; i < expr->part_count; i++) {
		free(expr->parts[i].names);
		free(expr->parts[i].offsets);
	}
	free(expr->parts);
	free(expr->uses);
	dp_strset_release(&expr->words);
	free(expr->label);
	free(expr->text);
	free(expr);
}

const char *deploy_expr_source(const struct deploy_expr *expr)
{
	return expr->text;
}

const struct deploy_expr_use *deploy_expr_uses(const struct deploy_expr *expr, size_t *count)
{
	*count = expr->use_count;
	return expr->uses;
}
