/*
 * The limits of an evaluation. Steps are counted by Lua's hook, which does not run inside of C
 * functions, and by those themselves; processor time is what is left when one step does much, as
 * when two long texts are compared.
 */
#include "expr/lua_run.h"

#include <stdlib.h>
#include <string.h>

#include <lauxlib.h>

#include "base/clock.h"
#include "base/mem.h"

#define MAX_STEPS	 10000000
#define CHECK_STEPS	 1000
#define MAX_CPU_US	 500000
#define MAX_MEMORY_BYTES (16 * 1024 * 1024)
#define MAX_TEXT_BYTES	 (1024 * 1024)
#define TEXT_HEAD_BYTES	 64 /* at most what Lua itself needs for a text */

struct dp_lua_run *dp_lua_run(lua_State *lua)
{
	return *(struct dp_lua_run **)lua_getextraspace(lua);
}

/* Source: lua_Alloc of the reference manual. A new block's old size says what it is for. */
static void *allocate(void *arg, void *block, size_t old_size, size_t size)
{
	struct dp_lua_run *run = arg;
	size_t held = block ? old_size : 0;
	void *moved = NULL;

	if (size > held) {
		run->text_too_long = !block && old_size == LUA_TSTRING &&
				     size > MAX_TEXT_BYTES + TEXT_HEAD_BYTES;
		if (run->text_too_long || run->memory_bytes - held + size > MAX_MEMORY_BYTES)
			return NULL;
	}
	if (size > 0) {
		moved = dp_xmalloc(size);
		if (held > 0)
			memcpy(moved, block, held < size ? held : size);
	}
	free(block);
	run->memory_bytes += size - held;
	return moved;
}

static void check(lua_State *lua, struct dp_lua_run *run, int level)
{
	const char *why = NULL;

	run->next_check = run->steps + CHECK_STEPS;
	if (run->steps > MAX_STEPS)
		why = "this takes more than 10 million steps";
	else if (dp_cpu_us() > run->end_us)
		why = "this takes more than 0.5 s of processor time";
	if (!why)
		return;
	luaL_where(lua, level);
	(void)lua_pushstring(lua, why);
	lua_concat(lua, 2);
	(void)lua_error(lua);
}

void dp_lua_spend(lua_State *lua, long long steps)
{
	struct dp_lua_run *run = dp_lua_run(lua);

	run->steps += steps;
	if (run->steps >= run->next_check)
		check(lua, run, 1);
}

static void count_steps(lua_State *lua, lua_Debug *where)
{
	struct dp_lua_run *run = dp_lua_run(lua);

	(void)where;
	run->steps += CHECK_STEPS;
	check(lua, run, 0);
}

void dp_lua_open(struct dp_lua_run *run)
{
	*run = (struct dp_lua_run){.steps = 0};
	run->lua = lua_newstate(allocate, run);
	*(struct dp_lua_run **)lua_getextraspace(run->lua) = run;
	lua_sethook(run->lua, count_steps, LUA_MASKCOUNT, CHECK_STEPS);
	dp_lua_begin(run);
}

void dp_lua_close(struct dp_lua_run *run)
{
	if (run->lua)
		lua_close(run->lua);
	dp_regex_free(run->regex);
	free(run->regex_text);
	json_decref(run->kept);
}

void dp_lua_begin(struct dp_lua_run *run)
{
	run->steps = 0;
	run->next_check = CHECK_STEPS;
	run->end_us = dp_cpu_us() + MAX_CPU_US;
	run->err = (struct deploy_error){.code = DEPLOY_OK};
}

void dp_lua_end(struct dp_lua_run *run)
{
	json_decref(run->kept);
	run->kept = NULL;
}
