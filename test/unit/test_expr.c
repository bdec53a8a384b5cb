/* Expressions: what they come to, where their errors are, and that none gets out of its fence. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <jansson.h>

#include "deploy/expr.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Functions of the world: fact(node, name), and one that always fails. */
static int fact(void *arg, json_t **out, const json_t *args, struct deploy_error *err)
{
	const char *node = json_string_value(json_array_get(args, 0));
	const char *name = json_string_value(json_array_get(args, 1));

	if (!node || !name)
		return deploy_error_set(err, DEPLOY_INPUT, "wants a node and a name");
	++*(int *)arg;
	*out = strcmp(name, "all") == 0	   ? json_pack("{s:[i,i]}", "list", 1, 2)
	       : strcmp(name, "none") == 0 ? NULL
					   : json_sprintf("%s of %s", name, node);
	return 0;
}

static int locked(void *arg, json_t **out, const json_t *args, struct deploy_error *err)
{
	(void)arg;
	(void)out;
	(void)args;
	(void)deploy_error_set(err, DEPLOY_AUTH, "the vault is locked");
	deploy_error_hint(err, "open it");
	return err->code;
}

static int calls;
static const struct deploy_expr_function functions[] = {
	{.name = "fact", .call = fact, .arg = &calls}, {.name = "secret", .call = locked}};

static const char world_json[] =
	"{\"node\": \"web1\", \"statuscode\": 0, \"event\": null, \"group\": [\"web10\", \"web2\", "
	"\"web1\"], \"data\": {\"exitcode\": 0, \"out\": \"load 0.5\", \"ratio\": 2.0, \"gaps\": "
	"[1, "
	"null, 3], \"none\": null, \"deep\": {\"list\": [{\"x\": 7}], \"a b\": 9}}, \"inputs\": "
	"{\"name\": \"h\\u00e9\", \"revision\": 12, \"big\": 9007199254740993, \"yes\": true}, "
	"\"steps\": {\"drain\": {\"ok\": [\"a\", \"b\"], \"results\": {\"a\": {\"data\": {\"v\": "
	"1}}, "
	"\"b\": {\"data\": {\"v\": 3}}}}}}";

static struct deploy_expr_world make_world(void)
{
	struct deploy_expr_world world = {.values = json_loads(world_json, 0, NULL),
		.functions = functions,
		.function_count = COUNT(functions)};

	assert_non_null(world.values);
	return world;
}

typedef int constructor(
	struct deploy_expr **out, const char *label, const char *text, struct deploy_error *err);

/* Compile and evaluate: the value as JSON, or the error's text. */
static char *outcome(constructor *make, const char *text)
{
	struct deploy_expr_world world = make_world();
	struct deploy_error err = {.code = DEPLOY_OK};
	struct deploy_expr *expr = NULL;
	json_t *value = NULL;
	char *shown;

	if (make(&expr, "e", text, &err) == 0)
		(void)deploy_expr_eval(&value, expr, &world, &err);
	assert_true((err.code == DEPLOY_OK) == (value != NULL));
	shown = err.code ? strdup(err.text) : json_dumps(value, JSON_ENCODE_ANY);
	json_decref(value);
	deploy_expr_free(expr);
	json_decref(world.values);
	return shown;
}

struct example {
	const char *text, *outcome; /* … in an outcome stands for anything */
};

static bool is_like(const char *text, const char *wanted)
{
	const char *gap = strstr(wanted, "…");
	const char *behind = gap ? gap + strlen("…") : "";
	size_t len = strlen(text), ahead = gap ? (size_t)(gap - wanted) : 0;

	if (!gap || gap == wanted)
		return strcmp(text, wanted) == 0;
	return len >= ahead + strlen(behind) && strncmp(text, wanted, ahead) == 0 &&
	       strcmp(text + len - strlen(behind), behind) == 0;
}

static void check_all(constructor *make, const struct example *examples, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		char *shown = outcome(make, examples[i].text);

		if (!is_like(shown, examples[i].outcome))
			fail_msg("%s\nwanted: %s\n   got: %s", examples[i].text,
				examples[i].outcome, shown);
		free(shown);
	}
}

static void values_are_read_from_json(void **state)
{
	static const struct example examples[] = {
		{"data.exitcode == 0", "true"},
		{"data.out", "\"load 0.5\""},
		{"inputs.revision + 1", "13"},
		{"inputs.revision / 2", "6.0"},
		{"inputs.big", "9007199254740993"},
		{"data.ratio", "2.0"},
		{"inputs.name", "\"hé\""},
		{"event == nil and data.none == nil and data.nothing == nil", "true"},
		{"event", "null"},
		{"group[1] .. group[3]", "\"web10web1\""},
		{"group[0] == nil and group[4] == nil and group['1'] == nil", "true"},
		{"group[2^53] == nil and group.x == nil and inputs[1] == nil", "true"},
		{"#group + #inputs", "7"},
		{"data.deep.list[1].x + data['deep']['a b']", "16"},
		{"data.deep", "{\"list\": [{\"x\": 7}], \"a b\": 9}"},
		{"data.gaps", "[1, null, 3]"},
		{"steps.drain.results.b.data.v", "3"},
		{"data.deep == data.deep and data ~= inputs", "true"},
		{"inputs.yes and 'on' or 'off'", "\"on\""},
		{" 1 +\n\t2 ", "3"},
		{"1e-1 + 0x1p-1 + 1E+1 + .5", "11.1"},
		{"[[a]] .. [==[b]]\n]==] .. \"\\65\\x42\\u{e9}\\\ny\"", "\"ab]]\\nABé\\ny\""},
	};

	(void)state;
	check_all(deploy_expr_new, examples, COUNT(examples));
}

static void tables_become_json_in_one_order(void **state)
{
	static const struct example examples[] = {
		{"{}", "[]"},
		{"{1, 'a', {true}}", "[1, \"a\", [true]]"},
		{"{z = 1, a = {b = group}, ['m n'] = 1.5}", "{\"a\": {\"b\": [\"web10\", \"web2\", "
							    "\"web1\"]}, \"m n\": 1.5, \"z\": 1}"},
		{"{k9=1,k8=1,k7=1,k6=1,k5=1,k4=1,k3=1}",
			"{\"k3\": 1, \"k4\": 1, \"k5\": 1, \"k6\": 1, \"k7\": 1, \"k8\": 1, "
			"\"k9\": 1}"},
		{"{1, nil, 3}", "e:1:1: a table in it has gaps…"},
		{"{1, a = 2}", "e:1:1: a table in it has gaps…"},
		{"{1, nil, 3, [5] = 5}", "e:1:1: a table in it has gaps…"},
		{"{[1] = 1, [3] = 3, [true] = 2}", "e:1:1: a table in it has gaps…"},
		{"{['a\\0b'] = 1}", "e:1:1: a table in it has gaps…"},
		{"{['\\xff'] = 1}", "e:1:1: a key in it is not UTF-8"},
		{"{'a\\0b'}", "e:1:1: a text in it is not UTF-8, or holds NUL"},
		{"'\\xff'", "e:1:1: a text in it is not UTF-8, or holds NUL"},
		{"{1, 0/0}", "e:1:1: a number in it is infinite, or not a number"},
		{"{x = len}", "e:1:1: a function is no value"},
		{"math", "e:1:1: a function is no value"},
	};

	(void)state;
	check_all(deploy_expr_new, examples, COUNT(examples));
}

static void the_library_is_a_whitelist_that_works(void **state)
{
	static const struct example examples[] = {
		{"len('abc') + ('abcd'):len() + #'x'", "8"},
		{"sub('abcdef', 2, 3) .. ('abc'):sub(-1)", "\"bcc\""},
		{"upper('a') .. lower('B') .. node:upper()", "\"AbWEB1\""},
		{"rep('ab', 2, '-') .. ('x'):rep(0) .. rep('y', -1)", "\"ab-ab\""},
		{"rep('', 1e15)", "\"\""},
		{"format('%5.2f|%-4d|%s|%s|%q|%%', 3.14159, 7, true, 'x', 'y')",
			"\" 3.14|7   |true|x|\\\"y\\\"|%\""},
		{"{byte('AB', 1, -1)}", "[65, 66]"},
		{"reverse('abc')", "\"cba\""},
		{"format('%%p')", "\"%p\""},
		{"find('aab', 'ab') == 2 and find('ab', 'abc') == nil and find('aXa', 'ab') == nil",
			"true"},
		{"matches('ab', 'a') and matches('b', 'b') and not matches('b', 'a')", "true"},
		{"{find('a.b.c', '.b')}", "[2, 3]"},
		{"{find('aXbX', 'X', 3)}", "[4, 4]"},
		{"find('abc', '%a')", "null"},
		{"find('abc', 'c', 9) == nil and find('abc', '', 4) == 4", "true"},
		{"matches(data.out, '^load [0-9.]+$')", "true"},
		{"matches('xay', 'b') or ('web1'):matches('^web\\\\d+$')", "true"},
		{"concat(group, ',')", "\"web10,web2,web1\""},
		{"concat(group, '', 2, 3) .. concat({1, 2.5, true}, '-') .. concat({})",
			"\"web2web11-2.5-true\""},
		{"sort(group)", "[\"web1\", \"web10\", \"web2\"]"},
		{"sort({3, 1.5, 2, -7, 2, 10, 4})", "[-7, 1.5, 2, 2, 3, 4, 10]"},
		{"sort({'b', 'a\\0z', 'ab', 'a', 'B'})[2]", "\"a\""},
		{"sort({3, 1, 2}, function(a, b) return a > b end)", "[3, 2, 1]"},
		{"sort({'b1', 'a2', 'a1', 'b2'}, function(a, b) return a:sub(1, 1) < b:sub(1, 1) "
		 "end)",
			"[\"a2\", \"a1\", \"b1\", \"b2\"]"},
		{"(function() local t = {3, 1, 2} local s = sort(t) return {t[1], s[1]} end)()",
			"[3, 1]"},
		{"{unpack(group, 2)}", "[\"web2\", \"web1\"]"},
		{"{unpack({1, 2, 3}, 2, 2)}", "[2]"},
		{"(function() local n = 0 for i, v in ipairs(group) do n = n * 10 + i end return n "
		 "end)()",
			"123"},
		{"(function() local n = 0 for i in ipairs(data.gaps) do n = n + i end return n "
		 "end)()",
			"6"},
		{"(function() local r = {} for k, v in pairs(steps.drain.results) do r[#r + 1] = k "
		 ".. v.data.v end return r end)()",
			"[\"a1\", \"b3\"]"},
		{"(function() local r = {} for k in pairs({z = 1, a = 1, m = 1, [7] = 1, [2.5] = "
		 "1, k5 = 1, k4 = 1, k3 = 1}) do r[#r + 1] = k end return concat(r) end)()",
			"\"2.57ak3k4k5mz\""},
		{"tostring(12) .. tostring(1.0) .. tostring(nil) .. tostring(false) .. "
		 "tostring('x')",
			"\"121.0nilfalsex\""},
		{"tonumber('0x10') + tonumber(' 2.5 ') + tonumber(1)", "19.5"},
		{"tonumber('1x') == nil and tonumber('1\\0') == nil and tonumber(group) == nil",
			"true"},
		{"math.max(1, 3) + math.floor(2.7) + math.tointeger(3.0)", "8"},
		{"math.random == nil and math.randomseed == nil", "true"},
	};

	(void)state;
	check_all(deploy_expr_new, examples, COUNT(examples));
}

static void what_the_library_refuses_is_said(void **state)
{
	static const struct example examples[] = {
		{"rep('ab', 1 << 62)", "e:1:1: bad argument #2 to 'rep' (more than 1 MiB of text)"},
		{"('x'):rep(1e9)", "e:1:1: bad argument #1 to 'rep' (more than 1 MiB of text)"},
		{"format('%99999d', 1)", "e:1:1: invalid conversion specification: '%99999d'"},
		{"format('%p', 'x')", "e:1:1: bad argument #1 to 'format' (%p is not known here)"},
		{"format('a%-5.3p', 'x')", "e:1:1: bad argument #1 to 'format' (%p is not known…"},
		{"format('\\0%p', 'x')", "e:1:1: bad argument #1 to 'format' (holds NUL)"},
		{"format('%s', group)", "e:1:1: bad argument #2 to 'format' (text or number…"},
		{"tostring(data)", "e:1:1: bad argument #1 to 'tostring' (text, number, boolean or "
				   "nil expected, got mapping)"},
		{"find('a', rep('a', 1025))", "e:1:1: bad argument #2 to 'find' (longer than…"},
		{"find('a', 'a', 0)", "e:1:1: bad argument #3 to 'find' (must be at least 1)"},
		{"concat(node)", "e:1:1: bad argument #1 to 'concat' (list expected, got string)"},
		{"concat(data)", "e:1:1: bad argument #1 to 'concat' (list expected, got mapping)"},
		{"concat({1}, ',', 0)", "e:1:1: bad argument #3 to 'concat' (lists begin with 1)"},
		{"concat({1}, ',', 1, 1e15)",
			"e:1:1: bad argument #4 to 'concat' (the list is not that long)"},
		{"concat(data.gaps)", "e:1:1: item 2 is a nil, which has no text"},
		{"concat({1, {}})", "e:1:1: item 2 is a table, which has no text"},
		{"concat({group})", "e:1:1: item 1 is a list, which has no text"},
		{"unpack({}, -1e15, 0)", "e:1:1: bad argument #2 to 'unpack' (lists begin with 1)"},
		{"unpack({1}, 1, 2)", "e:1:1: bad argument #3 to 'unpack' (the list is not that…"},
		{"(function() local t = {} for i = 1, 1001 do t[i] = i end return unpack(t) end)()",
			"e:1:65: bad argument #1 to 'unpack' (more than 1,000 items)"},
		{"sort({1, 'a'})", "e:1:1: sort cannot compare string with number"},
		{"sort({group, group})", "e:1:1: sort cannot compare list with list"},
		{"sort({1}, 5)",
			"e:1:1: bad argument #2 to 'sort' (function expected, got number)"},
		{"matches('a', '(')", "e:1:1: regular expression /(/: missing closing parenthesis"},
		{"matches(data.none, 'a')",
			"e:1:1: bad argument #1 to 'matches' (string expected…"},
		{"matches('a', 'a\\0b')", "e:1:1: bad argument #2 to 'matches' (holds NUL)"},
		{"matches(rep('a', 30) .. '!', '(a+)+$')", "e:1:1: matching takes too long"},
		{"(function() math.floor = 1 end)()", "e:1:26: math cannot be changed"},
		{"(function() inputs.x = 1 end)()", "e:1:24: a mapping cannot be changed"},
		{"(function() group[1] = 1 end)()", "e:1:24: a list cannot be changed"},
		{"'10' + 1", "e:1:6: attempt to perform arithmetic on a string value…"},
	};

	(void)state;
	check_all(deploy_expr_new, examples, COUNT(examples));
}

static void errors_tell_line_and_column(void **state)
{
	static const struct example examples[] = {
		{"data.nothing > 3", "e:1:16: attempt to compare number with nil"},
		{"inputs.name .. group", "e:1:13: attempt to concatenate a list value ('group')"},
		{"data.nothing.x", "e:1:14: attempt to index a nil value (field 'nothing')"},
		{"true and\n  'é' .. nil", "e:2:7: attempt to concatenate a nil value"},
		{"[[a\nb]] .. 'x' ..\n 1 + nil", "e:3:4: attempt to perform arithmetic on a nil…"},
		{"[[\r\n\r\r\n]] + nil", "e:3:4: attempt to perform arithmetic on a…"},
		{"[[\n\n]] + nil", "e:3:4: attempt to perform arithmetic on a…"},
		{"'\\\nx' + nil", "e:2:4: attempt to perform arithmetic on a…"},
		{"nosuch", "e:1:1: nothing is called nosuch here"},
		{"data.x(1)", "e:1:1: attempt to call a nil value (field 'x')"},
		{"node:gsub('a', 'b')", "e:1:1: attempt to call a nil value (method 'gsub')"},
		{"", "e:1:1: the expression ends too early"},
		{"1 + ", "e:1:5: the expression ends too early"},
		{"{1,\n2", "e:2:2: the expression ends too early"},
		{"a = 1", "e:1:3: '=' is not expected here"},
		{"1, 2", "e:1:2: ',' is not expected here"},
		{"f(1 2)", "e:1:5: ')' expected near '2'"},
		{"return 1", "e:1:1: unexpected symbol near 'return'"},
		{"'abc", "e:1:1: this text has no closing quote"},
		{"'a\nb'", "e:1:1: this text has no closing quote"},
		{"1 .. [=[a]]", "e:1:6: this text has no closing brackets"},
		{"é", "e:1:1: this character has no meaning in an expression"},
		{"x -- y", "e:1:3: -- begins a comment, which has no place in an expression"},
		{"1 ..\n 3x", "e:2:2: malformed number near '3x'"},
		{"'\\q'", "e:1:1: invalid escape sequence near ''\\q'"},
	};

	(void)state;
	check_all(deploy_expr_new, examples, COUNT(examples));
}

/* The three escapes of PLANS.md first. */
static void no_expression_gets_out(void **state)
{
	static const struct example examples[] = {
		{"('a'):rep(3000):find(('a-'):rep(6)..'b')", "null"},
		{"table.move({},1,1e9,2,{})", "e:1:1: nothing is called table here"},
		{"(function() while true do pcall(loop) end end)()",
			"e:1:27: nothing is called pcall here"},
		{"1) os.exit() --", "e:1:2: this ) has no ("},
		{"1) .. (2", "e:1:2: this ) has no ("},
		{"1 end, (function() return 2 end)(), function() return 3",
			"e:1:3: 'end' is not expected here"},
		{"1 --[[", "e:1:3: -- begins a comment…"},
		{"_ENV", "e:1:1: _ENV cannot be used"},
		{"(function() local _ENV = {} return x end)()", "e:1:19: _ENV cannot be used"},
		{"(function() ::a:: x = 1 end)()",
			"e:1:21: attempt to assign to const variable 'x'"},
		{"(function() inputs = 1 end)()",
			"e:1:20: attempt to assign to const variable 'inputs'"},
		{"(function() len = 1 end)()", "e:1:17: attempt to assign to const variable 'len'"},
		{"(function() function len() end end)()", "e:1:32: attempt to assign to const…"},
		{"(function() ('a').len = 1 end)()", "e:1:25: attempt to index a string value…"},
		{"('a').gsub == nil and ('a').dump == nil and ('a').concat == nil", "true"},
		{"load('return 1')()", "e:1:1: nothing is called load here"},
		{"getmetatable('')", "e:1:1: nothing is called getmetatable here"},
		{"string.rep", "e:1:1: nothing is called string here"},
		{"_G", "e:1:1: nothing is called _G here"},
		{"group.__index == nil and group.__len == nil and math.__index == nil", "true"},
	};

	(void)state;
	check_all(deploy_expr_new, examples, COUNT(examples));
}

static void no_expression_goes_on_for_ever(void **state)
{
	static const struct example examples[] = {
		{"(function() while true do end end)()",
			"e:1:24: this takes more than 10 million steps"},
		{"(function() ::x:: goto x end)()", "e:1:…: this takes more than 10 million steps"},
		{"sort({1, 2}, function() while true do end end)",
			"e:1:…: this takes more than 10 million steps"},
		{"(function() local t = {} for i = 1, 1e9 do t[i] = i end end)()",
			"e:1:1: this takes more than 16 MiB of memory"},
		{"(function() local s = 'x' while true do s = s .. s end end)()",
			"e:1:1: this makes a text of more than 1 MiB"},
		{"#(rep('a', 1 << 20) .. rep('b', 100))",
			"e:1:1: this makes a text of more than 1 MiB"},
		{"(function() local s, t = rep('a', 1 << 20), {} for i = 1, 1000 do t[i] = s end "
		 "return sort(t) end)()",
			"e:1:…: this takes more than 10 million steps"},
		{"(function() local s = rep('a', 1 << 20) for i = 1, 1000 do find(s, 'b') end "
		 "end)()",
			"e:1:…: this takes more than 10 million steps"},
		{"(function() local function f() return 1 + f() end return f() end)()",
			"e:1:1: this takes more than 16 MiB of memory"},
		{"(function() local function f() return sort({1, 2}, f) end return f() end)()",
			"e:1:1: this is nested too deep"},
		{"(function() local s = rep('a', 1 << 20) while true do local x = find(s, rep('a', "
		 "1000) .. 'b') end end)()",
			"e:1:…: this takes more than 0.5 s of processor time"},
		{"(function() local s, t = rep('a', 1 << 20), {} for i = 1, 40 do t[i] = s end "
		 "return concat(t) end)()",
			"e:1:1: this takes more than 16 MiB of memory"},
		{"byte(rep('a', 1 << 20), 1, -1)", "e:1:1: stack overflow (string slice too long)"},
		{"(function() local t = {} t[1] = t return t end)()",
			"e:1:1: it is nested deeper than 64 levels, or holds itself"},
		{"(function() local t = {} for i = 1, 50 do t = {t, t, 'x'} end return t end)()",
			"e:1:1: it is larger than 64 MiB"},
	};

	(void)state;
	check_all(deploy_expr_new, examples, COUNT(examples));
}

/* One step that does much: only the clock sees it. */
static void comparing_long_texts_ends(void **state)
{
	static const struct example examples[] = {
		{"(function() local a, b = rep('a', 1 << 20), rep('a', (1 << 20) - 1) .. 'a' while "
		 "true do local c = a == b end end)()",
			"e:1:…: this takes more than 0.5 s of processor time"},
	};

	(void)state;
	check_all(deploy_expr_new, examples, COUNT(examples));
}

static char *repeat(const char *text, size_t times, const char *middle, const char *close)
{
	size_t len = strlen(text), close_len = strlen(close), middle_len = strlen(middle);
	char *made = calloc(1, times * (len + close_len) + middle_len + 1), *at = made;

	for (size_t i = 0; i < times; i++, at += len)
		memcpy(at, text, len);
	memcpy(at, middle, middle_len);
	at += middle_len;
	for (size_t i = 0; i < times; i++, at += close_len)
		memcpy(at, close, close_len);
	return made;
}

static void deep_or_long_text_is_refused(void **state)
{
	static const struct {
		const char *open, *middle, *close, *outcome;
		size_t times;
	} cases[] = {
		{"(", "1", ")", "e:1:1: this is nested too deep", 30000},
		{"{", "", "}", "e:1:1: this is nested too deep", 30000},
		{"not ", "1", "", "e:1:1: this is nested too deep", 15000},
		{"(", "1", ")", "1", 100},
		{"1+", "1", "", "20001", 20000},
		{"1+", "1", "", "e: longer than 64 KiB", 32768},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		char *text = repeat(cases[i].open, cases[i].times, cases[i].middle, cases[i].close);
		char *shown = outcome(deploy_expr_new, text);

		assert_string_equal(shown, cases[i].outcome);
		free(shown);
		free(text);
	}
}

static void too_many_names_are_refused(void **state)
{
	char text[2000] = "0", *shown;
	size_t len = 1;

	(void)state;
	for (int i = 0; i < 151; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len, "+n%d", i);
	shown = outcome(deploy_expr_new, text);
	assert_string_equal(shown, "e:1:643: more than 150 different names are too many");
	free(shown);
	shown = outcome(deploy_expr_new,
		"n123456789012345678901234567890123456789012345678901234567890123");
	assert_string_equal(shown, "e:1:1: a name has at most 63 characters");
	free(shown);
}

static void templates_join_text_and_keep_types(void **state)
{
	static const struct example examples[] = {
		{"", "\"\""},
		{"plain $ $$ } {", "\"plain $ $$ } {\""},
		{"${inputs.revision}", "12"},
		{"${group}", "[\"web10\", \"web2\", \"web1\"]"},
		{"${event}", "null"},
		{" ${inputs.revision}", "\" 12\""},
		{"${node}-${inputs.revision}/${data.ratio}${inputs.yes}${1e100}${-1.5}",
			"\"web1-12/2.0true1e+100-1.5\""},
		{"${concat(group, ',')}!", "\"web10,web2,web1!\""},
		{"$${node} $$${node}", "\"${node} $${node}\""},
		{"a${'}'}b${[[}]]}c${({x = '\\'}'}).x}", "\"a}b}c'}\""},
		{"${({a = {b = 1}}).a.b}", "1"},
		{"x ${group}", "e:1:5: group is a list; concat(LIST, ',') makes a text of one"},
		{"x ${data}", "e:1:5: data is a mapping, which has no text"},
		{"é\né ${data.none}", "e:2:5: data.none is nil, which has no text"},
		{"${node} ${1 + nil}", "e:1:13: attempt to perform arithmetic on a nil value"},
		{"${node} ${nodes}", "e:1:11: nothing is called nodes here"},
		{"${node", "e:1:1: this ${ has no }"},
		{"a ${'}", "e:1:5: this text has no closing quote"},
		{"a ${}", "e:1:5: the expression ends too early"},
		{"a ${{}", "e:1:3: this ${ has no }"},
		{"${node} ${1) .. (2}", "e:1:12: this ) has no ("},
		{"${rep('a', 1 << 20)}b", "e:1:1: this makes a text of more than 1 MiB"},
	};

	(void)state;
	check_all(deploy_expr_new_template, examples, COUNT(examples));
}

static void uses_are_what_comes_from_outside(void **state)
{
	static const struct {
		const char *text, *uses;
	} cases[] = {
		{"inputs.a.b + steps['x y'].ok[1]", "1:1 inputs.a.b, 1:14 steps.x y.ok"},
		{"len(node) + math.max(data.n, 1)", "1:5 node, 1:22 data.n"},
		{"steps[node].ok", "1:1 steps, 1:7 node"},
		{"steps['a\\x41'].ok", "1:1 steps"},
		{"steps . a\n. ok", "1:1 steps.a.ok"},
		{"data.node:upper().x", "1:1 data.node"},
		{"fact(node, 'os')", "1:1 fact, 1:6 node"},
		{"{node = data.x, [event] = 1}", "1:9 data.x, 1:18 event"},
		{"(function(a, b) local c <const>, d = a, e for i, v in f do local function g(h) "
		 "return g, h, i, v, c, d, b end end for j = 1, k do goto m ::m:: end end)()",
			"1:41 e, 1:55 f, 1:126 k"},
		{"(function() local a <const> b = 1 end)()", "error"},
		{"(function() local a (c)(a) end)()", "1:22 c"},
		{"(function() local a = 1 local b c(a, b) end)()", "1:33 c"},
		{"(function() ::m:: node(1) end)()", "1:19 node"},
		{"(function() repeat local a = b until a end)()", "1:30 b"},
		{"steps[ [[a]] ].ok", "1:1 steps"},
		{"node.data + node:data() + data.x", "1:1 node.data, 1:13 node, 1:27 data.x"},
		{"(function() goto node ::node:: return node end)()", "1:39 node"},
		{"{data = data.x}", "1:9 data.x"},
		{"(function() function data.x() end end)()", "1:22 data.x"},
		{"(function() local a <const> = const node(a) end)()", "1:31 const, 1:37 node"},
		{"(function() local a <const> node(a) end)()", "1:29 node"},
		{"(function() for node = 1, 2 do end return node end)()",
			"e:1:17: node has a meaning outside of this function; call it otherwise"},
		{"(function() local x = node local function node() end end)()",
			"e:1:43: node has a meaning outside of this function; call it otherwise"},
		{"(function() local node = 1 return node end)() + 1", ""},
		{"node .. (function(node) return node end)(1)",
			"e:1:19: node has a meaning outside of this function; call it otherwise"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct deploy_error err = {.code = DEPLOY_OK};
		struct deploy_expr *expr;
		const struct deploy_expr_use *uses;
		char shown[512] = "";
		size_t count = 0, len = 0;

		if (deploy_expr_new(&expr, "e", cases[i].text, &err) != 0) {
			assert_null(expr);
			if (strcmp(cases[i].uses, "error") != 0)
				assert_string_equal(err.text, cases[i].uses);
			continue;
		}
		uses = deploy_expr_uses(expr, &count);
		for (size_t n = 0; n < count; n++)
			len += (size_t)snprintf(shown + len, sizeof(shown) - len,
				"%s%u:%u %s%s%s%s%s", n ? ", " : "", uses[n].place.line,
				uses[n].place.column, uses[n].name, uses[n].field ? "." : "",
				uses[n].field ? uses[n].field : "", uses[n].part ? "." : "",
				uses[n].part ? uses[n].part : "");
		assert_string_equal(shown, cases[i].uses);
		deploy_expr_free(expr);
	}
}

static void an_unknown_name_gets_a_suggestion(void **state)
{
	static const struct example hints[] = {
		{"len(nod)", "did you mean node?"},
		{"concta(group)", "did you mean concat?"},
		{"fakt(node)", "did you mean fact?"},
		{"zzzzzzzz", ""},
	};
	struct deploy_expr_world world = make_world();

	(void)state;
	for (size_t i = 0; i < COUNT(hints); i++) {
		struct deploy_error err = {.code = DEPLOY_OK};
		struct deploy_expr *expr;

		assert_int_equal(deploy_expr_new(&expr, "e", hints[i].text, &err), 0);
		assert_int_equal(deploy_expr_check(expr, &world, &err), DEPLOY_INPUT);
		assert_string_equal(err.hint, hints[i].outcome);
		deploy_expr_free(expr);
	}
	json_decref(world.values);
}

static void functions_of_the_world_are_called(void **state)
{
	static const struct example examples[] = {
		{"fact(node, 'os')", "\"os of web1\""},
		{"fact('a', 'none')", "null"},
		{"fact('a', 'all').list[2] + #fact('b', 'all').list", "4"},
		{"fact(node)", "e:1:1: fact: wants a node and a name"},
		{"fact({1, nil, 3})", "e:1:1: fact: a table in it has gaps…"},
		{"1 + secret('x')", "e:1:5: secret: the vault is locked"},
	};
	struct deploy_expr_world world = make_world();
	struct deploy_error err = {.code = DEPLOY_OK};
	struct deploy_expr *expr;
	json_t *value;

	(void)state;
	calls = 0;
	check_all(deploy_expr_new, examples, COUNT(examples));
	assert_int_equal(calls, 4);
	assert_int_equal(deploy_expr_new(&expr, "e", "secret()", &err), 0);
	assert_int_equal(deploy_expr_eval(&value, expr, &world, &err), DEPLOY_AUTH);
	assert_string_equal(err.hint, "open it");
	deploy_expr_free(expr);
	json_decref(world.values);
}

/* A function of the world is asked as often as an expression likes, but not for ever. */
static void calls_are_counted_as_steps(void **state)
{
	char *shown =
		outcome(deploy_expr_new, "(function() while true do fact(node, 'os') end end)()");

	(void)state;
	assert_memory_equal(shown, "e:1:", 4);
	assert_non_null(strstr(shown, ": this takes more than "));
	free(shown);
}

static void a_condition_is_true_false_or_nil(void **state)
{
	static const struct {
		const char *text, *error;
		bool is_true;
	} cases[] = {
		{"data.exitcode == 0", NULL, true},
		{"data.exitcode ~= 0", NULL, false},
		{"data.nothing", NULL, false},
		{"data.exitcode", "e:1:1: this is a number, neither true nor false", false},
		{"data.ratio", "e:1:1: this is a number, neither true nor false", false},
		{"node", "e:1:1: this is a text, neither true nor false", false},
		{"group", "e:1:1: this is a list, neither true nor false", false},
		{"data", "e:1:1: this is a mapping, neither true nor false", false},
	};
	struct deploy_expr_world world = make_world();

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct deploy_error err = {.code = DEPLOY_OK};
		struct deploy_expr *expr;
		bool is_true;

		assert_int_equal(deploy_expr_new(&expr, "e", cases[i].text, &err), 0);
		(void)deploy_expr_test(&is_true, expr, &world, &err);
		assert_int_equal(is_true, cases[i].is_true);
		assert_string_equal(err.text, cases[i].error ? cases[i].error : "");
		deploy_expr_free(expr);
	}
	json_decref(world.values);
}

static void a_value_can_be_wanted_as_text(void **state)
{
	struct deploy_expr_world world = make_world();
	struct deploy_error err = {.code = DEPLOY_OK};
	struct deploy_expr *expr;
	char *text;

	(void)state;
	assert_int_equal(deploy_expr_new_template(&expr, "lock", "${inputs.revision}", &err), 0);
	assert_int_equal(deploy_expr_text(&text, expr, &world, &err), 0);
	assert_string_equal(text, "12");
	free(text);
	deploy_expr_free(expr);
	assert_int_equal(deploy_expr_new_template(&expr, "lock", "${group}", &err), 0);
	assert_int_equal(deploy_expr_text(&text, expr, &world, &err), DEPLOY_INPUT);
	assert_null(text);
	assert_string_equal(
		err.text, "lock:1:3: group is a list; concat(LIST, ',') makes a text of one");
	deploy_expr_free(expr);
	json_decref(world.values);
}

/* Each evaluation sees its own world, also after one that failed, and leaves no memory behind. */
static void evaluations_do_not_see_each_other(void **state)
{
	struct deploy_error err = {.code = DEPLOY_OK};
	struct deploy_expr *expr;

	(void)state;
	assert_int_equal(deploy_expr_new(&expr, "e",
				 "(function() local t = {data.n + 1, rep('x', 10000)} return t[1] "
				 "end)()",
				 &err),
		0);
	for (int i = 0; i < 5000; i++) {
		struct deploy_expr_world world = {
			.values = i % 10 == 9 ? json_pack("{s:{s:[]}}", "data", "n")
					      : json_pack("{s:{s:i}}", "data", "n", i)};
		json_t *value;
		int rc = deploy_expr_eval(&value, expr, &world, &err);

		assert_int_equal(rc, i % 10 == 9 ? DEPLOY_INPUT : 0);
		assert_int_equal(json_integer_value(value), rc ? 0 : i + 1);
		err = (struct deploy_error){.code = DEPLOY_OK};
		json_decref(value);
		json_decref(world.values);
	}
	deploy_expr_free(expr);
}

static void long_lists_are_copied_whole(void **state)
{
	struct deploy_expr_world world = {.values = json_pack("{s:[]}", "list")};
	struct deploy_error err = {.code = DEPLOY_OK};
	struct deploy_expr *expr;
	json_t *value, *list = json_object_get(world.values, "list");

	(void)state;
	for (int i = 0; i < 300; i++)
		(void)json_array_append_new(list, json_pack("[{s:i}]", "i", i));
	assert_int_equal(deploy_expr_new(&expr, "e",
				 "(function() local t = {} for i, v in ipairs(list) do t[i] = "
				 "{{i = v[1].i}} end return {t, list} end)()",
				 &err),
		0);
	assert_int_equal(deploy_expr_eval(&value, expr, &world, &err), 0);
	assert_true(json_equal(json_array_get(value, 0), list));
	assert_true(json_equal(json_array_get(value, 1), list));
	json_decref(value);
	deploy_expr_free(expr);
	json_decref(world.values);
}

/* What an expression returns may be put into what it was made of. */
static void a_value_shares_nothing_with_the_world(void **state)
{
	struct deploy_expr_world world = make_world();
	struct deploy_error err = {.code = DEPLOY_OK};
	struct deploy_expr *expr;
	json_t *data = json_object_get(world.values, "data"), *value;

	(void)state;
	assert_int_equal(deploy_expr_new(&expr, "e", "{a = data}", &err), 0);
	assert_int_equal(deploy_expr_eval(&value, expr, &world, &err), 0);
	assert_true(json_equal(json_object_get(value, "a"), data));
	assert_ptr_not_equal(json_object_get(value, "a"), data);
	assert_ptr_not_equal(json_object_get(json_object_get(value, "a"), "deep"),
		json_object_get(data, "deep"));
	(void)json_object_set_new(data, "self", value);
	deploy_expr_free(expr);
	json_decref(world.values);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_are_read_from_json),
		cmocka_unit_test(tables_become_json_in_one_order),
		cmocka_unit_test(the_library_is_a_whitelist_that_works),
		cmocka_unit_test(what_the_library_refuses_is_said),
		cmocka_unit_test(errors_tell_line_and_column),
		cmocka_unit_test(no_expression_gets_out),
		cmocka_unit_test(no_expression_goes_on_for_ever),
		cmocka_unit_test(comparing_long_texts_ends),
		cmocka_unit_test(deep_or_long_text_is_refused),
		cmocka_unit_test(too_many_names_are_refused),
		cmocka_unit_test(templates_join_text_and_keep_types),
		cmocka_unit_test(uses_are_what_comes_from_outside),
		cmocka_unit_test(an_unknown_name_gets_a_suggestion),
		cmocka_unit_test(functions_of_the_world_are_called),
		cmocka_unit_test(calls_are_counted_as_steps),
		cmocka_unit_test(a_condition_is_true_false_or_nil),
		cmocka_unit_test(a_value_can_be_wanted_as_text),
		cmocka_unit_test(evaluations_do_not_see_each_other),
		cmocka_unit_test(long_lists_are_copied_whole),
		cmocka_unit_test(a_value_shares_nothing_with_the_world),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
