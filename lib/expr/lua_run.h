/* What the parts of an evaluation share. Only the files that begin with lua_ and expr.c know Lua.
 */
#ifndef DP_LUA_RUN_H
#define DP_LUA_RUN_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>
#include <lua.h>

#include "base/regex.h"
#include "deploy/expr.h"

/*
 * Every Lua state has one, found from the state. C functions that Lua calls may be left at any call
 * that can raise an error, so what they must not lose is kept here.
 */
struct dp_lua_run {
	lua_State *lua;
	size_t memory_bytes;
	bool text_too_long; /* the last request for memory was refused for this reason */
	long long steps, next_check;
	int64_t end_us;		/* of processor time */
	json_t *kept;		/* an array: what functions of the world returned */
	struct dp_regex *regex; /* the last one, and its text */
	char *regex_text;
	struct deploy_error err; /* of a function of the world, or of a regular expression */
};

struct dp_lua_run *dp_lua_run(lua_State *lua);

/* A state with nothing in it but limits. */
void dp_lua_open(struct dp_lua_run *run);
void dp_lua_close(struct dp_lua_run *run);

/* Begin an evaluation: count steps and time from here on. */
void dp_lua_begin(struct dp_lua_run *run);

/* End it; what was kept for it is freed. */
void dp_lua_end(struct dp_lua_run *run);

/* Count what a C function does, 1 for a few nanoseconds; raises an error when it is too much. */
void dp_lua_spend(lua_State *lua, long long steps);

/*
 * The functions that every expression may call. Raises errors. dp_lua_push_function: false, and
 * pushes nothing, if there is none of that name.
 */
void dp_lua_open_functions(lua_State *lua);
bool dp_lua_push_function(lua_State *lua, const char *name);

/* The names of those functions, the last one is followed by NULL. */
extern const char *const dp_lua_function_names[];

/* JSON in Lua: a value, or a userdata that borrows json. Raises errors. */
void dp_lua_open_values(lua_State *lua);
void dp_lua_push(lua_State *lua, json_t *json);

/* Every userdata. json: what Lua looks into; NULL for math. */
struct dp_lua_box {
	json_t *json;
};

/* What the userdata at index borrows; NULL if the value there is something else. */
json_t *dp_lua_borrowed(lua_State *lua, int index);

/* What errors call the value at index: "list", "number". */
const char *dp_lua_type_name(lua_State *lua, int index);

/*
 * A copy of the value at index, which must be absolute; a new reference, NULL with *why if it has
 * no counterpart in JSON. Raises no errors.
 */
json_t *dp_lua_copy(lua_State *lua, int index, const char **why);

/*
 * A list is a table or a JSON array. Raise an error for anything else at arg, which is the number
 * of an argument.
 */
lua_Integer dp_lua_list_length(lua_State *lua, int arg);
void dp_lua_push_item(lua_State *lua, int arg, lua_Integer at); /* 1 is the first */

#endif
