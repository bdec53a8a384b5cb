/*
 * Any text as an expression, as a template, and as a row of words that make expressions likely:
 * whatever it is, it ends in time with a value or with an error that names the label.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/buf.h"
#include "base/clock.h"
#include "deploy/expr.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* The limit is 0.5 s; a sanitizer makes the last step before it is noticed slow. */
#define MAX_US 10000000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const words[] = {"inputs", ".x", ".list", "[1]", "node", "data", "(", ")", "{",
	"}", "[", "]", ",", ";", "=", "==", "~=", "<", "<=", "..", "...", "+", "-", "*", "//", "%",
	"^", "#", "~", ">>", "not ", " and ", " or ", "nil", "true", "false", "0", "1", "2.5",
	"1e9", "1<<62", "-1", "''", "'a'", "'%s%d'", "'(a+)+$'", "[[x]]", "\\", "\"", "'",
	"(function() ", " end)()", "function(a, b) return a < b end", " function f(", " return ",
	" local ", " a", " b", " c", " = ", " <const>", " <close>", " while true do ",
	" for i = 1, 1e9 do ", " for k, v in pairs(", " for i, v in ipairs(", ") do ", " repeat ",
	" until ", " if ", " then ", " else ", " end ", " break ", " goto m ", " ::m:: ", "len(",
	"sub(", "upper(", "rep(", "rep('a', 1 << 20)", "format(", "byte(", "reverse(", "find(",
	"matches(", "concat(", "sort(", "unpack(", "pairs(", "ipairs(", "tostring(", "tonumber(",
	"math.", "floor(", "max(", "fact(", ":rep(", ":len()", "group", "_ENV", "--", "\n", "\r\n",
	"${", "}", "$${", "\xc3\xa9", "t[#t + 1] = ", " local t = {}", "t", "t[i]", " = t .. t"};

static void require(int holds)
{
	if (!holds)
		abort();
}

/* Gives back what it gets. */
static int fact(void *arg, json_t **out, const json_t *args, struct deploy_error *err)
{
	(void)arg;
	if (json_array_size(args) == 0)
		return deploy_error_set(err, DEPLOY_INPUT, "nothing given");
	*out = json_deep_copy(args);
	return 0;
}

static void evaluate(struct deploy_expr *expr)
{
	static const struct deploy_expr_function function = {.name = "fact", .call = fact};
	struct deploy_expr_world world = {.functions = &function, .function_count = 1};
	int64_t started_us = dp_cpu_us();

	world.values = json_pack("{s:{s:i, s:[s, n, f]}, s:s, s:{s:i}, s:[s, s]}", "inputs", "x", 5,
		"list", "a", 1.5, "node", "web1", "data", "exitcode", 0, "group", "b", "a");
	for (int i = 0; i < 2; i++) {
		struct deploy_error err = {.code = DEPLOY_OK};
		json_t *value;
		int rc = deploy_expr_eval(&value, expr, &world, &err);

		require(rc == err.code && (rc == 0) == (value != NULL));
		require(rc == 0 || (rc == DEPLOY_INPUT && strncmp(err.text, "fuzz:", 5) == 0));
		json_decref(value);
	}
	require(dp_cpu_us() - started_us < MAX_US);
	json_decref(world.values);
}

static void try_text(
	int (*make)(struct deploy_expr **, const char *, const char *, struct deploy_error *),
	const char *text)
{
	struct deploy_error err = {.code = DEPLOY_OK};
	struct deploy_expr *expr;
	const struct deploy_expr_use *uses;
	size_t count;
	int rc = make(&expr, "fuzz", text, &err);

	require(rc == err.code && (rc == 0) == (expr != NULL));
	require(rc == 0 || (rc == DEPLOY_INPUT && strncmp(err.text, "fuzz:", 5) == 0));
	require(!strstr(err.text, "bug:"));
	if (rc != 0)
		return;
	uses = deploy_expr_uses(expr, &count);
	for (size_t i = 0; i < count; i++)
		require(uses[i].name[0] && uses[i].place.line > 0 && uses[i].place.column > 0);
	evaluate(expr);
	deploy_expr_free(expr);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct dp_buf text;

	if (size == 0)
		return 0;
	dp_buf_init(&text, 2 * (size_t)DEPLOY_EXPR_MAX_BYTES);
	if (data[0] % 4 < 2)
		dp_buf_add(&text, data + 1, size - 1);
	else
		for (size_t i = 1; i < size; i++)
			dp_buf_add_text(&text, words[data[i] % COUNT(words)]);
	try_text(data[0] % 2 ? deploy_expr_new_template : deploy_expr_new, dp_buf_text(&text));
	dp_buf_release(&text);
	return 0;
}
