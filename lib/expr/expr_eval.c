/* Evaluating: the names get their values, the function is called, its value is copied. */
#include "expr/expr_parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <lauxlib.h>

#include "base/buf.h"
#include "base/mem.h"
#include "deploy/text.h"

#define MAX_JOINED_BYTES (1024 * 1024)

static const struct deploy_expr_function *find_function(
	const struct deploy_expr_world *world, const char *name)
{
	for (size_t i = 0; i < world->function_count; i++)
		if (strcmp(world->functions[i].name, name) == 0)
			return &world->functions[i];
	return NULL;
}

/* The name in world, or in the library, that was probably meant; NULL if none is close. */
static const char *suggest(const struct deploy_expr_world *world, const char *name)
{
	const char **known = NULL, *key, *meant;
	size_t count = 0, cap = 0;
	json_t *value;

	json_object_foreach(world->values, key, value)
	{
		known = dp_grow(known, &cap, count + 1, sizeof(*known));
		known[count++] = key;
	}
	for (size_t i = 0; i < world->function_count; i++) {
		known = dp_grow(known, &cap, count + 1, sizeof(*known));
		known[count++] = world->functions[i].name;
	}
	for (size_t i = 0; dp_lua_function_names[i]; i++) {
		known = dp_grow(known, &cap, count + 1, sizeof(*known));
		known[count++] = dp_lua_function_names[i];
	}
	meant = deploy_text_suggest(name, known, count);
	free(known);
	return meant;
}

int deploy_expr_check(const struct deploy_expr *expr, const struct deploy_expr_world *world,
	struct deploy_error *err)
{
	const char *name, *meant;

	for (size_t i = 0; i < expr->use_count; i++) {
		name = expr->uses[i].name;
		if (json_object_get(world->values, name) || find_function(world, name))
			continue;
		(void)deploy_error_set(err, DEPLOY_INPUT, "%s:%u:%u: nothing is called %s here",
			expr->label, expr->uses[i].place.line, expr->uses[i].place.column, name);
		meant = suggest(world, name);
		if (meant)
			deploy_error_hint(err, "did you mean %s?", meant);
		return err->code;
	}
	return 0;
}

/* Of a function of the world: upvalue 1 is the struct. What it returns lives with the run. */
static int call_function(lua_State *lua)
{
	const struct deploy_expr_function *function = lua_touserdata(lua, lua_upvalueindex(1));
	struct dp_lua_run *run = dp_lua_run(lua);
	json_t *args = json_array(), *value = NULL, *arg;
	const char *why = NULL;

	for (int i = 1; i <= lua_gettop(lua) && !why; i++) {
		arg = dp_lua_copy(lua, i, &why);
		if (arg)
			(void)json_array_append_new(args, arg);
	}
	if (!why && function->call(function->arg, &value, args, &run->err) != 0)
		why = run->err.text;
	json_decref(args);
	if (value) {
		if (!run->kept)
			run->kept = json_array();
		(void)json_array_append_new(run->kept, value);
	}
	if (why)
		return luaL_error(lua, "%s: %s", function->name, why);
	dp_lua_push(lua, value);
	return 1;
}

/* What is evaluated, for the function that Lua calls. */
struct evaluation {
	const struct dp_expr_part *part;
	const struct deploy_expr_world *world;
};

static void push_name(lua_State *lua, const struct deploy_expr_world *world, const char *name)
{
	json_t *value = json_object_get(world->values, name);
	const struct deploy_expr_function *function = value ? NULL : find_function(world, name);

	if (function) {
		/* Lua takes no const; call_function() gives it back. */
		lua_pushlightuserdata(lua, (void *)(uintptr_t)function);
		lua_pushcclosure(lua, call_function, 1);
	} else {
		dp_lua_push(lua, value);
	}
}

/* Every name gets its value anew, so nothing that an evaluation before this one left is seen. */
static int evaluate(lua_State *lua)
{
	const struct evaluation *evaluation = lua_touserdata(lua, 1);
	const struct dp_expr_part *part = evaluation->part;

	(void)lua_rawgeti(lua, LUA_REGISTRYINDEX, part->function);
	for (size_t i = 0; i < part->name_count; i++) {
		if (!part->names[i])
			continue;
		push_name(lua, evaluation->world, part->names[i]);
		(void)lua_setupvalue(lua, -2, (int)i + 1);
	}
	lua_call(lua, 0, 1);
	return 1;
}

static int eval_part(json_t **out, struct deploy_expr *expr, const struct dp_expr_part *part,
	const struct deploy_expr_world *world, struct deploy_error *err)
{
	struct evaluation evaluation = {.part = part, .world = world};
	lua_State *lua = expr->run.lua;
	const char *why;
	int status, rc = 0;

	lua_pushcfunction(lua, evaluate);
	lua_pushlightuserdata(lua, &evaluation);
	status = lua_pcall(lua, 1, 1, 0);
	if (status != LUA_OK) {
		rc = dp_expr_fail_in(expr, part, status, err);
	} else {
		*out = dp_lua_copy(lua, lua_gettop(lua), &why);
		lua_pop(lua, 1);
		if (!*out)
			rc = dp_expr_fail_at(expr, part->begin, err, why);
	}
	return rc;
}

/* As Lua writes it: 1.0 is no integer. */
static void add_number(struct dp_buf *text, double number)
{
	char digits[64];

	(void)snprintf(digits, sizeof(digits), "%.14g", number);
	dp_buf_add_text(text, digits);
	if (!strpbrk(digits, ".e"))
		dp_buf_add_text(text, ".0");
}

static int add_text(struct dp_buf *text, const struct deploy_expr *expr,
	const struct dp_expr_part *part, const json_t *value, struct deploy_error *err)
{
	const char *why = NULL;

	switch (json_typeof(value)) {
	case JSON_STRING:
		dp_buf_add(text, json_string_value(value), json_string_length(value));
		break;
	case JSON_INTEGER:
		dp_buf_addf(text, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
		break;
	case JSON_REAL:
		add_number(text, json_real_value(value));
		break;
	case JSON_TRUE:
	case JSON_FALSE:
		dp_buf_add_text(text, json_is_true(value) ? "true" : "false");
		break;
	case JSON_NULL:
		why = "is nil, which has no text";
		break;
	case JSON_ARRAY:
		why = "is a list; concat(LIST, ',') makes a text of one";
		break;
	case JSON_OBJECT:
		why = "is a mapping, which has no text";
		break;
	}
	if (why) {
		char *source = dp_xasprintf(
			"%.*s %s", (int)(part->end - part->begin), expr->text + part->begin, why);

		(void)dp_expr_fail_at(expr, part->begin, err, source);
		free(source);
	}
	return err->code;
}

/* Add the text of a part. */
static int join(struct dp_buf *text, struct deploy_expr *expr, const struct dp_expr_part *part,
	const struct deploy_expr_world *world, struct deploy_error *err)
{
	json_t *value = NULL;
	int rc;

	if (!part->is_expression) {
		dp_buf_add(text, expr->text + part->begin, part->end - part->begin);
		return 0;
	}
	rc = eval_part(&value, expr, part, world, err);
	if (value)
		rc = add_text(text, expr, part, value, err);
	json_decref(value);
	return rc;
}

int deploy_expr_text(char **out, struct deploy_expr *expr, const struct deploy_expr_world *world,
	struct deploy_error *err)
{
	struct dp_buf text;
	int rc = deploy_expr_check(expr, world, err);

	*out = NULL;
	dp_buf_init(&text, MAX_JOINED_BYTES);
	dp_lua_begin(&expr->run);
	for (size_t i = 0; i < expr->part_count && rc == 0; i++)
		rc = join(&text, expr, &expr->parts[i], world, err);
	dp_lua_end(&expr->run);
	if (rc == 0 && text.overflow)
		rc = dp_expr_fail_at(expr, 0, err, "this makes a text of more than 1 MiB");
	if (rc == 0)
		*out = text.len ? dp_buf_take(&text) : dp_xstrdup("");
	dp_buf_release(&text);
	return rc;
}

int deploy_expr_eval(json_t **out, struct deploy_expr *expr, const struct deploy_expr_world *world,
	struct deploy_error *err)
{
	char *text;
	int rc;

	*out = NULL;
	if (expr->is_joined) {
		rc = deploy_expr_text(&text, expr, world, err);
		if (rc == 0)
			*out = json_string(text);
		if (rc == 0 && !*out)
			rc = dp_expr_fail_at(expr, 0, err, "this is not UTF-8");
		free(text);
		return rc;
	}
	rc = deploy_expr_check(expr, world, err);
	dp_lua_begin(&expr->run);
	if (rc == 0)
		rc = eval_part(out, expr, &expr->parts[0], world, err);
	dp_lua_end(&expr->run);
	return rc;
}

int deploy_expr_test(bool *out, struct deploy_expr *expr, const struct deploy_expr_world *world,
	struct deploy_error *err)
{
	static const char *const kinds[] = {[JSON_OBJECT] = "a mapping",
		[JSON_ARRAY] = "a list",
		[JSON_STRING] = "a text",
		[JSON_INTEGER] = "a number",
		[JSON_REAL] = "a number"};
	json_t *value;
	char why[64];
	int rc = deploy_expr_eval(&value, expr, world, err);

	*out = json_is_true(value);
	if (value && !json_is_boolean(value) && !json_is_null(value)) {
		(void)snprintf(why, sizeof(why), "this is %s, neither true nor false",
			kinds[json_typeof(value)]);
		rc = dp_expr_fail_at(expr, 0, err, why);
	}
	json_decref(value);
	return rc;
}
