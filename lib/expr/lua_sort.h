/* Sorting lists of Lua values, so that it ends whatever the values and their order are. */
#ifndef DP_LUA_SORT_H
#define DP_LUA_SORT_H

#include <lua.h>

/* In place of the order: keys of a table, numbers before texts, and others after them. */
#define DP_LUA_ANY_KEYS (-1)

/*
 * Sort the table at index from 1 to length; equal ones stay as they are. order: the index of a
 * function that says whether its first argument comes before the second; 0: texts bytewise,
 * numbers, nothing else. Pushes the sorted table, which may be another one. Raises errors.
 */
void dp_lua_sort(lua_State *lua, int index, lua_Integer length, int order);

#endif
