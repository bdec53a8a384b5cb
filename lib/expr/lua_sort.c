/* Merge sort: no order, however foolish, makes it loop or look outside of the list. */
#include "expr/lua_sort.h"

#include <string.h>

#include <lauxlib.h>

#include "expr/lua_run.h"

/* Lua's own comparison of texts follows the locale. */
static bool is_text_before(lua_State *lua, int a, int b)
{
	size_t a_len, b_len, len;
	const char *a_text = lua_tolstring(lua, a, &a_len), *b_text = lua_tolstring(lua, b, &b_len);
	int order;

	len = a_len < b_len ? a_len : b_len;
	dp_lua_spend(lua, (long long)len / 64);
	order = memcmp(a_text, b_text, len);
	return order < 0 || (order == 0 && a_len < b_len);
}

static int rank(int type)
{
	return type == LUA_TNUMBER ? 0 : type == LUA_TSTRING ? 1 : 2;
}

/* By the order, does the value at a come before the one at b? */
static bool is_before(lua_State *lua, int a, int b, int order)
{
	int a_type = lua_type(lua, a), b_type = lua_type(lua, b);
	bool answer;

	dp_lua_spend(lua, 2);
	if (order > 0) {
		lua_pushvalue(lua, order);
		lua_pushvalue(lua, a);
		lua_pushvalue(lua, b);
		lua_call(lua, 2, 1);
		answer = lua_toboolean(lua, -1);
		lua_pop(lua, 1);
		return answer;
	}
	if (a_type == LUA_TSTRING && b_type == LUA_TSTRING)
		return is_text_before(lua, a, b);
	if (a_type == LUA_TNUMBER && b_type == LUA_TNUMBER)
		return lua_compare(lua, a, b, LUA_OPLT);
	if (order == DP_LUA_ANY_KEYS)
		return rank(a_type) < rank(b_type);
	return luaL_error(lua, "sort cannot compare %s with %s", dp_lua_type_name(lua, a),
		dp_lua_type_name(lua, b));
}

/* Merge [low, middle) and [middle, high) of from into to. */
static void merge(lua_State *lua, int from, int to, lua_Integer low, lua_Integer middle,
	lua_Integer high, int order)
{
	lua_Integer left = low, right = middle;
	int top = lua_gettop(lua);
	bool takes_right;

	for (lua_Integer at = low; at < high; at++) {
		(void)lua_rawgeti(lua, from, left);
		(void)lua_rawgeti(lua, from, right);
		takes_right =
			right < high && (left >= middle || is_before(lua, top + 2, top + 1, order));
		lua_settop(lua, takes_right ? top + 2 : top + 1);
		lua_rawseti(lua, to, at);
		lua_settop(lua, top);
		if (takes_right)
			right++;
		else
			left++;
	}
}

static lua_Integer least(lua_Integer a, lua_Integer b)
{
	return a < b ? a : b;
}

void dp_lua_sort(lua_State *lua, int index, lua_Integer length, int order)
{
	int from = lua_absindex(lua, index), made = lua_gettop(lua) + 1, to = made, other;

	luaL_checkstack(lua, 8, NULL);
	lua_newtable(lua);
	for (lua_Integer width = 1; width < length; width *= 2) {
		for (lua_Integer low = 1; low <= length; low += 2 * width)
			merge(lua, from, to, low, least(low + width, length + 1),
				least(low + 2 * width, length + 1), order);
		other = from;
		from = to;
		to = other;
	}
	lua_pushvalue(lua, from);
	lua_replace(lua, made);
}
