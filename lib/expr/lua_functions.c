/*
 * The functions that expressions may call. Lua does not count steps inside of a C function, so each
 * of these either ends soon whatever it is given, or counts what it does.
 */
#include "expr/lua_run.h"

#include <stdlib.h>
#include <string.h>

#include <lauxlib.h>
#include <lualib.h>

#include "base/mem.h"
#include "expr/lua_sort.h"

#define MAX_TEXT_BYTES (1024 * 1024)
#define MAX_PART_BYTES 1024 /* that find() looks for */
#define MAX_UNPACKED   1000

#define MATCH_STEPS 20

#define FUNCTIONS "functions"

const char *const dp_lua_function_names[] = {"len", "sub", "upper", "lower", "rep", "format",
	"byte", "reverse", "find", "matches", "concat", "sort", "unpack", "pairs", "ipairs",
	"tostring", "tonumber", "math", NULL};

static bool is_scalar(lua_State *lua, int index)
{
	int type = lua_type(lua, index);

	return type == LUA_TNIL || type == LUA_TBOOLEAN || type == LUA_TNUMBER ||
	       type == LUA_TSTRING;
}

/* Lua's own checks the length only of what is not empty, and repeats "" for hours. */
static int rep(lua_State *lua)
{
	size_t len, between_len, step;
	const char *text = luaL_checklstring(lua, 1, &len);
	lua_Integer times = luaL_checkinteger(lua, 2);
	const char *between = luaL_optlstring(lua, 3, "", &between_len);
	luaL_Buffer buffer;

	step = len + between_len;
	if (times < 1 || step == 0) {
		lua_pushliteral(lua, "");
		return 1;
	}
	luaL_argcheck(lua, (size_t)times <= MAX_TEXT_BYTES / step, 2, "more than 1 MiB of text");
	dp_lua_spend(lua, times);
	luaL_buffinit(lua, &buffer);
	for (; times > 0; times--) {
		luaL_addlstring(&buffer, text, len);
		if (times > 1)
			luaL_addlstring(&buffer, between, between_len);
	}
	luaL_pushresult(&buffer);
	return 1;
}

/* Does it print addresses? They differ from run to run. */
static bool has_pointer(const char *format)
{
	while ((format = strchr(format, '%'))) {
		format += 1 + strspn(format + 1, "-+ #0123456789.");
		if (*format == 'p')
			return true;
		format += *format != '\0';
	}
	return false;
}

/* Lua's own, which refuses widths over 99, for what has a text. */
static int format(lua_State *lua)
{
	size_t len;
	const char *text = luaL_checklstring(lua, 1, &len);

	luaL_argcheck(lua, strlen(text) == len, 1, "holds NUL");
	luaL_argcheck(lua, !has_pointer(text), 1, "%p is not known here");
	for (int i = 2; i <= lua_gettop(lua); i++)
		if (!is_scalar(lua, i))
			(void)luaL_typeerror(lua, i, "text or number");
	return lua_tocfunction(lua, lua_upvalueindex(1))(lua);
}

/* NULL if part is not between at and end. */
static const char *find_part(const char *at, const char *end, const char *part, size_t part_len)
{
	if (part_len == 0)
		return at;
	while ((size_t)(end - at) >= part_len) {
		at = memchr(at, part[0], (size_t)(end - at) - part_len + 1);
		if (!at || memcmp(at, part, part_len) == 0)
			return at;
		at++;
	}
	return NULL;
}

static int find(lua_State *lua)
{
	size_t len, part_len;
	const char *text = luaL_checklstring(lua, 1, &len);
	const char *part = luaL_checklstring(lua, 2, &part_len), *at;
	lua_Integer from = luaL_optinteger(lua, 3, 1);

	luaL_argcheck(lua, part_len <= MAX_PART_BYTES, 2, "longer than 1 KiB");
	luaL_argcheck(lua, from >= 1, 3, "must be at least 1");
	dp_lua_spend(lua, (long long)len / 16);
	if ((size_t)from > len + 1)
		return 0;
	at = find_part(text + from - 1, text + len, part, part_len);
	if (!at)
		return 0;
	lua_pushinteger(lua, at - text + 1);
	lua_pushinteger(lua, at - text + (lua_Integer)part_len);
	return 2;
}

/* The regular expression of the last call is kept: most expressions have only one. */
static const struct dp_regex *regex_of(lua_State *lua, const char *text, size_t len)
{
	struct dp_lua_run *run = dp_lua_run(lua);

	if (run->regex_text && strlen(run->regex_text) == len && strcmp(run->regex_text, text) == 0)
		return run->regex;
	dp_regex_free(run->regex);
	free(run->regex_text);
	run->regex = NULL;
	run->regex_text = NULL;
	if (dp_regex_new(&run->regex, text, len, false, &run->err) != 0)
		(void)luaL_error(lua, "%s", run->err.text);
	run->regex_text = dp_xstrndup(text, len);
	return run->regex;
}

static int matches(lua_State *lua)
{
	size_t len, regex_len;
	const char *text = luaL_checklstring(lua, 1, &len);
	const char *regex = luaL_checklstring(lua, 2, &regex_len);
	int answer;

	luaL_argcheck(lua, strlen(regex) == regex_len, 2, "holds NUL");
	answer = dp_regex_matches(regex_of(lua, regex, regex_len), text, len);
	dp_lua_run(lua)->next_check = 0; /* it may have taken 0.1 s: look at the clock */
	dp_lua_spend(lua, MATCH_STEPS + (long long)len / 16);
	if (answer < 0)
		return luaL_error(lua, "matching takes too long");
	lua_pushboolean(lua, answer);
	return 1;
}

static int to_text(lua_State *lua)
{
	luaL_checkany(lua, 1);
	if (!is_scalar(lua, 1))
		return luaL_typeerror(lua, 1, "text, number, boolean or nil");
	(void)luaL_tolstring(lua, 1, NULL);
	return 1;
}

static int to_number(lua_State *lua)
{
	size_t len;
	const char *text;

	luaL_checkany(lua, 1);
	lua_settop(lua, 1);
	if (lua_type(lua, 1) == LUA_TNUMBER)
		return 1;
	text = lua_type(lua, 1) == LUA_TSTRING ? lua_tolstring(lua, 1, &len) : NULL;
	if (!text || lua_stringtonumber(lua, text) != len + 1)
		lua_pushnil(lua);
	return 1;
}

/* The range of arguments arg and arg + 1, which lies in the list at 1. */
static void check_range(lua_State *lua, int arg, lua_Integer *first, lua_Integer *last)
{
	lua_Integer length = dp_lua_list_length(lua, 1);

	*first = luaL_optinteger(lua, arg, 1);
	*last = luaL_optinteger(lua, arg + 1, length);
	luaL_argcheck(lua, *first >= 1, arg, "lists begin with 1");
	luaL_argcheck(lua, *last <= length, arg + 1, "the list is not that long");
}

static int concat(lua_State *lua)
{
	lua_Integer first, last;
	size_t len;
	const char *between = luaL_optlstring(lua, 2, "", &len);
	luaL_Buffer buffer;

	check_range(lua, 3, &first, &last);
	luaL_buffinit(lua, &buffer);
	for (lua_Integer i = first; i <= last; i++) {
		dp_lua_spend(lua, 1);
		if (i > first)
			luaL_addlstring(&buffer, between, len);
		dp_lua_push_item(lua, 1, i);
		if (lua_isnil(lua, -1) || !is_scalar(lua, -1))
			return luaL_error(lua, "item %I is a %s, which has no text", i,
				dp_lua_type_name(lua, -1));
		(void)luaL_tolstring(lua, -1, NULL);
		lua_remove(lua, -2);
		luaL_addvalue(&buffer);
	}
	luaL_pushresult(&buffer);
	return 1;
}

static int sort(lua_State *lua)
{
	lua_Integer length = dp_lua_list_length(lua, 1);
	bool has_order = !lua_isnoneornil(lua, 2);

	if (has_order)
		luaL_checktype(lua, 2, LUA_TFUNCTION);
	lua_settop(lua, 2);
	lua_newtable(lua);
	for (lua_Integer i = 1; i <= length; i++) {
		dp_lua_spend(lua, 1);
		dp_lua_push_item(lua, 1, i);
		lua_rawseti(lua, 3, i);
	}
	dp_lua_sort(lua, 3, length, has_order ? 2 : 0);
	return 1;
}

static int unpack(lua_State *lua)
{
	lua_Integer first, last;

	check_range(lua, 2, &first, &last);
	luaL_argcheck(lua, last - first < MAX_UNPACKED, 1, "more than 1,000 items");
	luaL_checkstack(lua, MAX_UNPACKED + 1, NULL);
	for (lua_Integer i = first; i <= last; i++)
		dp_lua_push_item(lua, 1, i);
	return last < first ? 0 : (int)(last - first + 1);
}

/* Of a for loop: the list, and the last index; lists of JSON may have nil in the middle. */
static int next_item(lua_State *lua)
{
	lua_Integer at = luaL_checkinteger(lua, 2) + 1;

	if (at < 1 || at > dp_lua_list_length(lua, 1))
		return 0;
	lua_pushinteger(lua, at);
	dp_lua_push_item(lua, 1, at);
	return 2;
}

static int for_items(lua_State *lua)
{
	(void)dp_lua_list_length(lua, 1);
	lua_pushcfunction(lua, next_item);
	lua_pushvalue(lua, 1);
	lua_pushinteger(lua, 0);
	return 3;
}

/* Upvalues: the table, its keys in order, and how many have been. */
static int next_pair(lua_State *lua)
{
	lua_Integer at = lua_tointeger(lua, lua_upvalueindex(3)) + 1;

	lua_pushinteger(lua, at);
	lua_replace(lua, lua_upvalueindex(3));
	if (lua_rawgeti(lua, lua_upvalueindex(2), at) == LUA_TNIL)
		return 1;
	lua_pushvalue(lua, -1);
	(void)lua_rawget(lua, lua_upvalueindex(1));
	return 2;
}

/* Upvalues: the mapping, borrowed, and where its iterator is, NULL at the end. */
static int next_member(lua_State *lua)
{
	json_t *json = dp_lua_borrowed(lua, lua_upvalueindex(1));
	void *at = lua_touserdata(lua, lua_upvalueindex(2));

	if (!at)
		return 0;
	lua_pushlightuserdata(lua, json_object_iter_next(json, at));
	lua_replace(lua, lua_upvalueindex(2));
	(void)lua_pushlstring(lua, json_object_iter_key(at), json_object_iter_key_len(at));
	dp_lua_push(lua, json_object_iter_value(at));
	return 2;
}

/* Lua's own order of keys changes from run to run. */
static int for_keys(lua_State *lua)
{
	lua_Integer count = 0;

	lua_settop(lua, 1);
	lua_newtable(lua);
	for (lua_pushnil(lua); lua_next(lua, 1); lua_pop(lua, 1)) {
		dp_lua_spend(lua, 1);
		lua_pushvalue(lua, -2);
		lua_rawseti(lua, 2, ++count);
	}
	dp_lua_sort(lua, 2, count, DP_LUA_ANY_KEYS);
	lua_replace(lua, 2);
	lua_pushinteger(lua, 0);
	lua_pushcclosure(lua, next_pair, 3);
	return 1;
}

static int for_pairs(lua_State *lua)
{
	json_t *json = dp_lua_borrowed(lua, 1);

	if (lua_type(lua, 1) == LUA_TTABLE)
		return for_keys(lua);
	if (!json_is_object(json))
		return for_items(lua);
	lua_pushvalue(lua, 1);
	lua_pushlightuserdata(lua, json_object_iter(json));
	lua_pushcclosure(lua, next_member, 2);
	return 1;
}

static int refuse_change(lua_State *lua)
{
	return luaL_error(lua, "math cannot be changed");
}

/* math, as something that can be looked into and not changed. Its functions table is on top. */
static void guard_math(lua_State *lua)
{
	static const char *const random[] = {"random", "randomseed"};
	struct dp_lua_box *box;

	for (size_t i = 0; i < sizeof(random) / sizeof(random[0]); i++) {
		lua_pushnil(lua);
		lua_setfield(lua, -2, random[i]);
	}
	box = lua_newuserdatauv(lua, sizeof(*box), 0);
	box->json = NULL;
	lua_createtable(lua, 0, 3);
	lua_pushvalue(lua, -3);
	lua_setfield(lua, -2, "__index");
	lua_pushcfunction(lua, refuse_change);
	lua_setfield(lua, -2, "__newindex");
	lua_pushliteral(lua, "math");
	lua_setfield(lua, -2, "__name");
	(void)lua_setmetatable(lua, -2);
	lua_remove(lua, -2);
}

/* Texts get methods: those functions that take a text first. Nothing else, not even arithmetic. */
static void open_methods(lua_State *lua, int functions)
{
	static const char *const methods[] = {"len", "sub", "upper", "lower", "rep", "format",
		"byte", "reverse", "find", "matches"};

	lua_pushliteral(lua, "");
	lua_newtable(lua);
	lua_newtable(lua);
	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
		(void)lua_getfield(lua, functions, methods[i]);
		lua_setfield(lua, -2, methods[i]);
	}
	lua_setfield(lua, -2, "__index");
	(void)lua_setmetatable(lua, -2);
	lua_pop(lua, 1);
}

void dp_lua_open_functions(lua_State *lua)
{
	static const char *const from_lua[] = {"len", "sub", "upper", "lower", "byte", "reverse"};
	static const luaL_Reg ours[] = {{"rep", rep}, {"find", find}, {"matches", matches},
		{"concat", concat}, {"sort", sort}, {"unpack", unpack}, {"pairs", for_pairs},
		{"ipairs", for_items}, {"tostring", to_text}, {"tonumber", to_number},
		{NULL, NULL}};
	int functions = lua_gettop(lua) + 1, string = functions + 1;

	luaL_newlib(lua, ours);
	lua_pushcfunction(lua, luaopen_string);
	lua_call(lua, 0, 1);
	for (size_t i = 0; i < sizeof(from_lua) / sizeof(from_lua[0]); i++) {
		(void)lua_getfield(lua, string, from_lua[i]);
		lua_setfield(lua, functions, from_lua[i]);
	}
	(void)lua_getfield(lua, string, "format");
	lua_pushcclosure(lua, format, 1);
	lua_setfield(lua, functions, "format");
	lua_pop(lua, 1);
	lua_pushcfunction(lua, luaopen_math);
	lua_call(lua, 0, 1);
	guard_math(lua);
	lua_setfield(lua, functions, "math");
	open_methods(lua, functions);
	lua_setfield(lua, LUA_REGISTRYINDEX, FUNCTIONS);
}

bool dp_lua_push_function(lua_State *lua, const char *name)
{
	(void)lua_getfield(lua, LUA_REGISTRYINDEX, FUNCTIONS);
	(void)lua_getfield(lua, -1, name);
	lua_remove(lua, -2);
	if (!lua_isnil(lua, -1))
		return true;
	lua_pop(lua, 1);
	return false;
}
