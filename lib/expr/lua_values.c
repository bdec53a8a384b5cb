/*
 * JSON in Lua and back. Arrays and objects are not copied but looked into: a userdata points to the
 * json_t, which lives as long as the evaluation, and nothing that Lua holds is used after it.
 */
#include "expr/lua_run.h"

#include <stdlib.h>
#include <string.h>

#include <lauxlib.h>

#include "base/mem.h"

#define MAX_DEPTH      64
#define MAX_COPY_BYTES (64 * 1024 * 1024)
#define VALUE_BYTES    32 /* what a value counts beside its text */

/* Names of metatables, and what errors call the values: "attempt to compare list with number". */
#define LIST	"list"
#define MAPPING "mapping"

json_t *dp_lua_borrowed(lua_State *lua, int index)
{
	const struct dp_lua_box *box = lua_touserdata(lua, index);

	return lua_type(lua, index) == LUA_TUSERDATA ? box->json : NULL;
}

const char *dp_lua_type_name(lua_State *lua, int index)
{
	const json_t *json = dp_lua_borrowed(lua, index);

	return json ? json_is_array(json) ? LIST : MAPPING : luaL_typename(lua, index);
}

static void push_text(lua_State *lua, const json_t *json)
{
	(void)lua_pushlstring(lua, json_string_value(json), json_string_length(json));
}

void dp_lua_push(lua_State *lua, json_t *json)
{
	struct dp_lua_box *box;

	luaL_checkstack(lua, 4, NULL);
	switch (json ? json_typeof(json) : JSON_NULL) {
	case JSON_NULL:
		lua_pushnil(lua);
		break;
	case JSON_TRUE:
	case JSON_FALSE:
		lua_pushboolean(lua, json_is_true(json));
		break;
	case JSON_INTEGER:
		lua_pushinteger(lua, json_integer_value(json));
		break;
	case JSON_REAL:
		lua_pushnumber(lua, json_real_value(json));
		break;
	case JSON_STRING:
		push_text(lua, json);
		break;
	case JSON_ARRAY:
	case JSON_OBJECT:
		box = lua_newuserdatauv(lua, sizeof(*box), 0);
		box->json = json;
		luaL_setmetatable(lua, json_is_array(json) ? LIST : MAPPING);
		break;
	}
}

static int list_index(lua_State *lua)
{
	int is_integer;
	lua_Integer at = lua_tointegerx(lua, 2, &is_integer);

	if (!is_integer || lua_type(lua, 2) != LUA_TNUMBER) /* no text */
		lua_pushnil(lua);
	else
		dp_lua_push(lua, json_array_get(dp_lua_borrowed(lua, 1), (size_t)at - 1));
	return 1;
}

static int mapping_index(lua_State *lua)
{
	size_t len;
	const char *key;

	if (lua_type(lua, 2) == LUA_TSTRING) {
		key = lua_tolstring(lua, 2, &len);
		dp_lua_push(lua, json_object_getn(dp_lua_borrowed(lua, 1), key, len));
	} else {
		lua_pushnil(lua);
	}
	return 1;
}

static int count(lua_State *lua)
{
	json_t *json = dp_lua_borrowed(lua, 1);

	lua_pushinteger(
		lua, (lua_Integer)json_array_size(json) + (lua_Integer)json_object_size(json));
	return 1;
}

static int is_same(lua_State *lua)
{
	lua_pushboolean(lua, dp_lua_borrowed(lua, 1) == dp_lua_borrowed(lua, 2));
	return 1;
}

static int refuse_change(lua_State *lua)
{
	return luaL_error(lua, "a %s cannot be changed",
		json_is_array(dp_lua_borrowed(lua, 1)) ? LIST : MAPPING);
}

void dp_lua_open_values(lua_State *lua)
{
	static const luaL_Reg methods[] = {
		{"__len", count}, {"__eq", is_same}, {"__newindex", refuse_change}, {NULL, NULL}};

	for (int is_list = 0; is_list <= 1; is_list++) {
		(void)luaL_newmetatable(lua, is_list ? LIST : MAPPING);
		luaL_setfuncs(lua, methods, 0);
		lua_pushcfunction(lua, is_list ? list_index : mapping_index);
		lua_setfield(lua, -2, "__index");
		lua_pop(lua, 1);
	}
}

lua_Integer dp_lua_list_length(lua_State *lua, int arg)
{
	const json_t *json = dp_lua_borrowed(lua, arg);

	if (json_is_array(json))
		return (lua_Integer)json_array_size(json);
	if (lua_type(lua, arg) != LUA_TTABLE)
		(void)luaL_typeerror(lua, arg, LIST);
	return (lua_Integer)lua_rawlen(lua, arg);
}

void dp_lua_push_item(lua_State *lua, int arg, lua_Integer at)
{
	const json_t *json = dp_lua_borrowed(lua, arg);

	if (json)
		dp_lua_push(lua, json_array_get(json, (size_t)at - 1));
	else
		(void)lua_rawgeti(lua, arg, at);
}

/* A copy in the making; the first thing that cannot be copied ends it. */
struct copy {
	size_t depth, bytes;
	const char *why; /* NULL while all is well */
};

static json_t *copy_value(struct copy *copy, lua_State *lua, int index);

static json_t *refuse(struct copy *copy, const char *why)
{
	if (!copy->why)
		copy->why = why;
	return NULL;
}

/* Count a value; false if it is too much. */
static bool weigh(struct copy *copy, size_t text_bytes)
{
	copy->bytes += VALUE_BYTES + text_bytes;
	if (copy->bytes > MAX_COPY_BYTES)
		(void)refuse(copy, "it is larger than 64 MiB");
	return !copy->why;
}

static bool go_down(struct copy *copy)
{
	if (++copy->depth > MAX_DEPTH)
		(void)refuse(copy, "it is nested deeper than 64 levels, or holds itself");
	return !copy->why;
}

/* Nothing that failed to be made is added. */
static void add_item(json_t *array, json_t *item)
{
	if (item)
		(void)json_array_append_new(array, item);
}

static json_t *copy_json(struct copy *copy, json_t *json)
{
	json_t *made = NULL, *value;
	const char *key;
	size_t i, key_len;

	if (!weigh(copy, json_string_length(json)) || !go_down(copy))
		return NULL;
	if (json_is_array(json)) {
		made = json_array();
		for (i = 0; i < json_array_size(json) && !copy->why; i++)
			add_item(made, copy_json(copy, json_array_get(json, i)));
	} else if (json_is_object(json)) {
		made = json_object();
		json_object_keylen_foreach(json, key, key_len, value)
		{
			value = weigh(copy, key_len) ? copy_json(copy, value) : NULL;
			if (value)
				(void)json_object_setn_new(made, key, key_len, value);
		}
	} else {
		made = json_copy(json);
	}
	copy->depth--;
	return made;
}

static json_t *copy_text(struct copy *copy, lua_State *lua, int index)
{
	size_t len;
	const char *text = lua_tolstring(lua, index, &len);
	json_t *made;

	if (!weigh(copy, len))
		return NULL;
	made = memchr(text, '\0', len) ? NULL : json_stringn(text, len);
	return made ? made : refuse(copy, "a text in it is not UTF-8, or holds NUL");
}

static json_t *copy_number(struct copy *copy, lua_State *lua, int index)
{
	json_t *made = lua_isinteger(lua, index) ? json_integer(lua_tointeger(lua, index))
						 : json_real(lua_tonumber(lua, index));

	return made ? made : refuse(copy, "a number in it is infinite, or not a number");
}

static json_t *copy_list(struct copy *copy, lua_State *lua, int index, lua_Integer length)
{
	json_t *made = json_array();

	for (lua_Integer i = 1; i <= length && !copy->why; i++) {
		(void)lua_rawgeti(lua, index, i);
		add_item(made, copy_value(copy, lua, lua_gettop(lua)));
		lua_pop(lua, 1);
	}
	return made;
}

struct member {
	const char *key; /* Lua's: the table holds it */
	json_t *value;	 /* owned */
};

static int compare_members(const void *a, const void *b)
{
	return strcmp(((const struct member *)a)->key, ((const struct member *)b)->key);
}

/* In the order of the keys, as Lua's own order changes from run to run. */
static json_t *copy_mapping(struct copy *copy, lua_State *lua, int index, size_t length)
{
	struct member *members = dp_xcalloc(length, sizeof(*members));
	json_t *made = json_object();
	size_t n = 0;

	for (lua_pushnil(lua); lua_next(lua, index); lua_pop(lua, 1)) {
		members[n].key = lua_tostring(lua, -2);
		if (weigh(copy, strlen(members[n].key)))
			members[n].value = copy_value(copy, lua, lua_gettop(lua));
		n++;
	}
	qsort(members, n, sizeof(*members), compare_members);
	for (size_t i = 0; i < n; i++)
		if (members[i].value && json_object_set_new(made, members[i].key, members[i].value))
			(void)refuse(copy, "a key in it is not UTF-8");
	free(members);
	return made;
}

/* What the keys of a table are. */
struct keys {
	size_t texts; /* without NUL */
	size_t items; /* 1 to the table's length */
	size_t others;
};

static struct keys count_keys(lua_State *lua, int index, lua_Integer length)
{
	struct keys keys = {.texts = 0};
	lua_Integer at;

	for (lua_pushnil(lua); lua_next(lua, index); lua_pop(lua, 1)) {
		at = lua_isinteger(lua, -2) ? lua_tointeger(lua, -2) : 0;
		if (at >= 1 && at <= length)
			keys.items++;
		else if (lua_type(lua, -2) == LUA_TSTRING &&
			 strlen(lua_tostring(lua, -2)) == lua_rawlen(lua, -2))
			keys.texts++;
		else
			keys.others++;
	}
	return keys;
}

static json_t *copy_table(struct copy *copy, lua_State *lua, int index)
{
	lua_Integer length = (lua_Integer)lua_rawlen(lua, index);
	json_t *made = NULL;
	struct keys keys;

	if (!weigh(copy, 0) || !go_down(copy) || !lua_checkstack(lua, 4))
		return refuse(copy, "it is nested too deep");
	keys = count_keys(lua, index, length);
	if (keys.items == (size_t)length && keys.texts + keys.others == 0)
		made = copy_list(copy, lua, index, length);
	else if (keys.items + keys.others == 0)
		made = copy_mapping(copy, lua, index, keys.texts);
	else
		(void)refuse(copy, "a table in it has gaps, or other keys than texts");
	copy->depth--;
	return made;
}

static json_t *copy_value(struct copy *copy, lua_State *lua, int index)
{
	json_t *borrowed = dp_lua_borrowed(lua, index);

	switch (lua_type(lua, index)) {
	case LUA_TNIL:
		return weigh(copy, 0) ? json_null() : NULL;
	case LUA_TBOOLEAN:
		return weigh(copy, 0) ? json_boolean(lua_toboolean(lua, index)) : NULL;
	case LUA_TNUMBER:
		return weigh(copy, 0) ? copy_number(copy, lua, index) : NULL;
	case LUA_TSTRING:
		return copy_text(copy, lua, index);
	case LUA_TTABLE:
		return copy_table(copy, lua, index);
	default:
		return borrowed ? copy_json(copy, borrowed)
				: refuse(copy, "a function is no value");
	}
}

json_t *dp_lua_copy(lua_State *lua, int index, const char **why)
{
	struct copy copy = {.why = NULL};
	json_t *made = copy_value(&copy, lua, index);

	*why = copy.why;
	if (made && copy.why) {
		json_decref(made);
		made = NULL;
	}
	return made;
}
