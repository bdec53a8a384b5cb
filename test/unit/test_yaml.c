/*
 * Reading YAML: what a scalar is, where everything stands, what is refused and how that is said,
 * and files that are too large, endless or none.
 */
#define _GNU_SOURCE
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdbool.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "deploy/yaml.h"

#include "folder.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct deploy_yaml *read_bytes(const char *text, size_t len)
{
	struct deploy_error err = {.code = DEPLOY_OK};
	struct deploy_yaml *doc = NULL;

	if (deploy_yaml_read(&doc, "site.yaml", text, len, &err))
		fail_msg("refused: %s\n%.200s", err.text, text);
	assert_int_equal(DEPLOY_OK, err.code);
	return doc;
}

static struct deploy_yaml *read_text(const char *text)
{
	return read_bytes(text, strlen(text));
}

static void expect_bytes(const char *text, size_t len, const char *json)
{
	json_t *want = json_loads(json, JSON_DECODE_ANY, NULL);
	struct deploy_yaml *doc = read_bytes(text, len);
	char *got = json_dumps(deploy_yaml_root(doc), JSON_ENCODE_ANY);

	assert_non_null(want);
	if (!json_equal(want, deploy_yaml_root(doc)))
		fail_msg("\"%s\" is read as %s, not %s", text, got, json);
	free(got);
	json_decref(want);
	deploy_yaml_free(doc);
}

static void expect(const char *text, const char *json)
{
	expect_bytes(text, strlen(text), json);
}

static void expect_refused_bytes(const char *text, size_t len, const char *why)
{
	struct deploy_error err = {.code = DEPLOY_OK};
	struct deploy_yaml *doc = NULL;

	if (deploy_yaml_read(&doc, "t", text, len, &err) == 0)
		fail_msg("not refused: %.200s", text);
	assert_int_equal(DEPLOY_INPUT, err.code);
	assert_null(doc);
	assert_string_equal(why, err.text);
}

static void expect_refused(const char *text, const char *why)
{
	expect_refused_bytes(text, strlen(text), why);
}

static void a_plain_scalar_is_what_json_calls_it_and_text_otherwise(void **state)
{
	static const struct {
		const char *text, *json;
	} table[] = {
		{"", "null"},
		{"# nothing but this\n", "null"},
		{"---\n", "null"},
		{"~", "null"},
		{"null", "null"},
		{"true", "true"},
		{"false", "false"},
		{"0", "0"},
		{"-0", "0"},
		{"42", "42"},
		{"-7", "-7"},
		{"9223372036854775807", "9223372036854775807"},
		{"-9223372036854775808", "-9223372036854775808"},
		{"0.5", "0.5"},
		{"1.0", "1.0"},
		{"-1.25e-3", "-0.00125"},
		{"1e3", "1000.0"},
		{"1E+3", "1000.0"},
		{"0e0", "0.0"},
		{"1e-400", "0.0"},
		{"010", "\"010\""},
		{"00", "\"00\""},
		{"-01", "\"-01\""},
		{"0x1f", "\"0x1f\""},
		{"0o17", "\"0o17\""},
		{"0b11", "\"0b11\""},
		{"1_000", "\"1_000\""},
		{"12:30:00", "\"12:30:00\""},
		{".5", "\".5\""},
		{"5.", "\"5.\""},
		{"1.e3", "\"1.e3\""},
		{"1e", "\"1e\""},
		{"1e+", "\"1e+\""},
		{"1e3x", "\"1e3x\""},
		{"+1", "\"+1\""},
		{"--1", "\"--1\""},
		{".inf", "\".inf\""},
		{".nan", "\".nan\""},
		{"1 2", "\"1 2\""},
		{"1\n2", "\"1 2\""},
		{"True", "\"True\""},
		{"FALSE", "\"FALSE\""},
		{"yes", "\"yes\""},
		{"no", "\"no\""},
		{"on", "\"on\""},
		{"Null", "\"Null\""},
		{"2026-11-21", "\"2026-11-21\""},
		{"1.2.3", "\"1.2.3\""},
		{"=", "\"=\""},
		{"<<", "\"<<\""},
		{"web01.example.net:8080", "\"web01.example.net:8080\""},
		{"puppet::agent #1", "\"puppet::agent\""},
		{"a#b", "\"a#b\""},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(table); i++)
		expect(table[i].text, table[i].json);
}

static void a_real_stays_real_and_an_integer_an_integer(void **state)
{
	struct deploy_yaml *doc = read_text("[1, 1.0, 1e0]");
	const json_t *root = deploy_yaml_root(doc);

	(void)state;
	assert_true(json_is_integer(json_array_get(root, 0)));
	assert_true(json_is_real(json_array_get(root, 1)));
	assert_true(json_is_real(json_array_get(root, 2)));
	deploy_yaml_free(doc);
}

static void what_is_quoted_or_in_a_block_is_text(void **state)
{
	(void)state;
	expect("['1', \"2\", 'true', \"null\", '', \"\", '~']",
		"[\"1\",\"2\",\"true\",\"null\",\"\",\"\",\"~\"]");
	expect("- |\n  1\n- >-\n  2\n- |-\n  true", "[\"1\\n\",\"2\",\"true\"]");
	expect("'it''s'", "\"it's\"");
	expect("\"\\x41\\u00e9\\U0001F600\\n\\t\\\"\\\\\\/\\e\"",
		"\"A\\u00e9\\ud83d\\ude00\\n\\t\\\"\\\\/\\u001b\"");
	expect("\"\\N\\L\\P\\uFEFF\"", "\"\\u0085\\u2028\\u2029\\uFEFF\"");
	expect("a: one\n  and two\n\n  three", "{\"a\":\"one and two\\nthree\"}");
	expect("a: |\n  x\n   y\n\nb: >\n  x\n  y\n", "{\"a\":\"x\\n y\\n\",\"b\":\"x y\\n\"}");
}

static void a_key_is_text_whatever_it_looks_like(void **state)
{
	(void)state;
	expect("1: a\ntrue: b\nnull: c\n~: d\n1.0: e\n'q': f\n? g\n: h\n",
		"{\"1\":\"a\",\"true\":\"b\",\"null\":\"c\",\"~\":\"d\",\"1.0\":\"e\",\"q\":\"f\","
		"\"g\":\"h\"}");
	expect("? a\n? b\n", "{\"a\":null,\"b\":null}");
	expect("?\n: x\n", "{\"\":\"x\"}");
	expect("'': x\n", "{\"\":\"x\"}");
	expect("\"<<\": x\n'=': y\n", "{\"<<\":\"x\",\"=\":\"y\"}");
	expect("a: {<: 1}\nb: {<<<: 1}", "{\"a\":{\"<\":1},\"b\":{\"<<<\":1}}");
}

static void collections_are_read_in_every_style(void **state)
{
	(void)state;
	expect("{}", "{}");
	expect("[]", "[]");
	expect("a:\n  b:\n    - 1\n    - c: 2\n      d: [x, {e: }]\n  f:\n",
		"{\"a\":{\"b\":"
		"[1,{\"c\":2,\"d\":[\"x\",{\"e\":null}]}],\"f\":null}}");
	expect("a:\n- 1\n-\n- - 2\n  - []\n", "{\"a\":[1,null,[2,[]]]}");
	expect("[a: 1, b]", "[{\"a\":1},\"b\"]");
	expect("# c\na: 1 # c\n# c\n", "{\"a\":1}");
	expect("%YAML 1.2\n---\na: 1\n...\n# c\n", "{\"a\":1}");
	expect("%YAML 1.1\n---\nyes\n", "\"yes\"");
}

static void keys_stay_in_their_order(void **state)
{
	struct deploy_yaml *doc = read_text("z: 1\ny: 2\nx: 3\na: 4\n");
	char *text = json_dumps(deploy_yaml_root(doc), JSON_COMPACT);

	(void)state;
	assert_string_equal("{\"z\":1,\"y\":2,\"x\":3,\"a\":4}", text);
	free(text);
	deploy_yaml_free(doc);
}

static void json_is_read_as_json_means_it(void **state)
{
	static const char *const texts[] = {
		"{}",
		"[]",
		"{\"a\":1,\"b\":[true,false,null,-1.5e+10,\"\"]}",
		"{\n\t\"a\" :\t{ \"b\"\t: [\n\t\t1 ,\t2\n\t]\n}}",
		"{\"a:b\":\"c: d\",\"#\":\" # \",\"-\":\"- x\"}",
		"[\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\u2028\"]",
		"[\"\xe2\x82\xac\",\"\xf0\x9f\x98\x80\"]",
		"[[[[[1]]]],{\"a\":{\"b\":{\"c\":{}}}}]",
		"\"text\"",
		"12",
		"\r\n{\"a\":\r\n1}\r\n",
	};

	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++)
		expect(texts[i], texts[i]);
}

static void line_ends_and_a_bom_do_not_matter(void **state)
{
	(void)state;
	expect("a: 1\r\nb:\r\n  - x\r\n", "{\"a\":1,\"b\":[\"x\"]}");
	expect("a: 1\rb: 2\r", "{\"a\":1,\"b\":2}");
	expect("\xef\xbb\xbf"
	       "a: 1",
		"{\"a\":1}");
	expect("\xef\xbb\xbf", "null");
	expect("a: |\r\n  x\r\n  y\r\n", "{\"a\":\"x\\ny\\n\"}");
}

/* What is no YAML of ours is refused with the place and a way out. */
static const struct {
	const char *text, *why;
} refusals[] = {
	{"a: 1\nb:\n  c: 1\na: 2", "t:4:1: a key that stands on line 1 already: 'a'"},
	{"x:\n- {a: 1,\n   a: 2}", "t:3:4: a key that stands on line 2 already: 'a'"},
	{"1: a\n'1': b", "t:2:1: a key that stands on line 1 already: '1'"},
	{"a: 1\na: {b: 1}", "t:2:1: a key that stands on line 1 already: 'a'"},
	{"? [a]\n: 1", "t:1:3: a list or mapping as a key; quote it if it shall be text"},
	{"a: {{ port }}", "t:1:5: a list or mapping as a key; quote it if it shall be text"},
	{"? - a\n: 1", "t:1:3: a list or mapping as a key; quote it if it shall be text"},
	{"a: &x 1", "t:1:4: an anchor (&); leave it out, aliases are not read"},
	{"&x a: 1", "t:1:1: an anchor (&); leave it out, aliases are not read"},
	{"a: &x [1]", "t:1:4: an anchor (&); leave it out, aliases are not read"},
	{"a: &x\n  b: 1", "t:1:4: an anchor (&); leave it out, aliases are not read"},
	{"a: *x", "t:1:4: an alias (*); write out the value it stands for"},
	{"*x : 1", "t:1:1: an alias (*); write out the value it stands for"},
	{"a: !!str 1", "t:1:4: a tag (!); leave it out, and quote what shall be text"},
	{"a: ! 1", "t:1:4: a tag (!); leave it out, and quote what shall be text"},
	{"!!str a: 1", "t:1:1: a tag (!); leave it out, and quote what shall be text"},
	{"a: !!seq [1]", "t:1:4: a tag (!); leave it out, and quote what shall be text"},
	{"- !ruby/object:X\n  b: 1",
		"t:1:3: a tag (!); leave it out, and quote what shall be text"},
	{"a: !x!y z", "t:1:4: a tag (!); leave it out, and quote what shall be text"},
	{"a:\n  <<: {b: 1}", "t:2:3: a merge key <<; write out what it stands for"},
	{"%TAG ! x:\n---\na: 1", "t:1:1: a directive %TAG; leave it out, tags are not read"},
	{"%FOO x\n---\na: 1", "t:1:1: a directive other than %YAML; leave it out"},
	{"%YAML 1.3\n---\na: 1", "t:1:1: a version other than 1.1 and 1.2; leave %YAML out"},
	{"a: 1\n---\nb: 2", "t:2:1: a second document; leave it out"},
	{"---\n---\n", "t:2:1: a second document; leave it out"},
	{"a: 1\n...\n---\n", "t:3:1: a second document; leave it out"},
	{"a: 9223372036854775808", "t:1:4: a number beyond 64 bits; quote it to have it as text"},
	{"- -9223372036854775809", "t:1:3: a number beyond 64 bits; quote it to have it as text"},
	{"[1, 1e309]", "t:1:5: a number beyond 64 bits; quote it to have it as text"},
	{"a: \"b\\0c\"", "t:1:4: text with a NUL (\\0); leave that out"},
	{"\"b\\0\": c", "t:1:1: text with a NUL (\\0); leave that out"},
	{"a:\n\tb: 1", "t:2:1: a tab; indent with spaces"},
	{"\ta: 1", "t:1:1: a tab; indent with spaces"},
	{"a: 1\n\tb", "t:2:1: a tab; indent with spaces"},
	{"a: |\n\tx", "t:2:1: a tab; indent with spaces"},
	{"\xef\xbb\xbf\xc3\xa9:\n\tb: 1", "t:2:1: a tab; indent with spaces"},
	{"a: b: c", "t:1:5: a ': ' where no key can stand; quote text that holds one, or indent "
		    "like the lines above"},
	{"a: 1\n b: 2", "t:2:3: a ': ' where no key can stand; quote text that holds one, or "
			"indent like the lines above"},
	{"a:\n  b: 1\n c: 2",
		"t:3:2: neither a key nor the end; indent keys alike, and quote text whole"},
	{"a: \"x\" y", "t:1:8: neither a key nor the end; indent keys alike, and quote text whole"},
	{"- 1\na: 2", "t:2:1: neither '- ' nor the end of the list; indent items alike"},
	{"a: - b", "t:1:4: a '- ' where no list can begin; put it on a line of its own"},
	{"a: ? b", "t:1:4: a '? ' where no key can stand; quote it"},
	{"a: 1\nb\nc: 2", "t:2:1: a key without ': ' behind it"},
	{"a: @x", "t:1:4: text cannot begin with this character; quote it"},
	{"a: `x`", "t:1:4: text cannot begin with this character; quote it"},
	{"a: %x", "t:1:4: text cannot begin with this character; quote it"},
	{"a: ]", "t:1:4: no value where one should be"},
	{"a: \"x\nb: 1\n", "t:1:4: a quote that is never closed"},
	{"a:\n  b: 'x", "t:2:6: a quote that is never closed"},
	{"a: 'x\n---\n'", "t:1:4: a quote that is not closed before --- or ..."},
	{"a: [1,\n  [2]", "t:1:4: a '[' that is never closed"},
	{"a: {b: 1", "t:1:4: a '{' that is never closed"},
	{"[\"1\"\n \"2\"]", "t:2:2: no ',' or ']' where the list should go on or end"},
	{"{a: 1\nb: 2}", "t:2:2: no ',' or '}' where the mapping should go on or end"},
	{"{a: 1} b", "t:1:8: more text behind the end; one value is all that is read"},
	{"a: \"\\q\"",
		"t:1:5: an escape that is none; write \\\\ for a backslash, or use single quotes"},
	{"a: \"\\xq\"", "t:1:5: an escape that needs more hex digits"},
	{"{\"a\": \"\\ud83d\\ude00\"}",
		"t:1:8: an escape that is no character; write the character itself or "
		"\\UXXXXXXXX"},
	{"a: \"\\U00110000\"", "t:1:5: an escape that is no character; write the character itself "
			       "or \\UXXXXXXXX"},
	{"a: |0\n x", "t:1:4: an indentation of 0; use 1 to 9"},
	{"\xff\xfe"
	 "a",
		"t:1:1: UTF-16; save the text as UTF-8"},
	{"\xfe\xff"
	 "a",
		"t:1:1: UTF-16; save the text as UTF-8"},
	{"\xc3\xa9: \xc3\xa9\nb: \xff",
		"t:2:4: a byte that is not UTF-8 (0xff); save the text as UTF-8"},
	{"a: \xed\xa0\x80", "t:1:4: a byte that is not UTF-8 (0xed); save the text as UTF-8"},
	{"a: \xc0\x80", "t:1:4: a byte that is not UTF-8 (0xc0); save the text as UTF-8"},
	{"a\r\nb\rc\n\x01", "t:4:1: a control character (U+0001); write it as \"\\u0001\", in "
			    "double quotes"},
	{"a: '\x1b[2J'",
		"t:1:5: a control character (U+001B); write it as \"\\u001b\", in double quotes"},
	{"a: \x7f",
		"t:1:4: a control character (U+007F); write it as \"\\u007f\", in double quotes"},
	{"a: \xc2\x9b",
		"t:1:4: a control character (U+009B); write it as \"\\u009b\", in double quotes"},
	{"a: \xc2\x85", "t:1:4: a line break that not every program takes for one (U+0085); write "
			"it as \"\\u0085\", in double quotes"},
	{"\xe2\x82\xac\xe2\x80\xa8", "t:1:2: a line break that not every program takes for one "
				     "(U+2028); write it as \"\\u2028\", in double quotes"},
	{"\xe2\x80\xa9", "t:1:1: a line break that not every program takes for one (U+2029); write "
			 "it as \"\\u2029\", in double quotes"},
	{"\xef\xbb\xbf\xef\xbb\xbf", "t:1:1: a character that nobody sees (U+FEFF); write it as "
				     "\"\\ufeff\", in double quotes"},
	{"a: \xef\xbf\xbf", "t:1:4: a character that nobody sees (U+FFFF); write it as "
			    "\"\\uffff\", in double quotes"},
	/* Columns are characters, also behind wide ones and in the place of libyaml's own errors.
	 */
	{"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80: *x",
		"t:1:6: an alias (*); write out the value it stands for"},
	{"a: \"\xc3\xa9\\q\"",
		"t:1:6: an escape that is none; write \\\\ for a backslash, or use single quotes"},
	{"\xef\xbb\xbf"
	 "a: *x",
		"t:1:4: an alias (*); write out the value it stands for"},
	{"a:\r\n  b: *x", "t:2:6: an alias (*); write out the value it stands for"},
};

static void what_surprises_is_refused_with_its_place_and_a_way_out(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(refusals); i++)
		expect_refused(refusals[i].text, refusals[i].why);
}

static void a_nul_is_refused_where_it_stands(void **state)
{
	(void)state;
	expect_refused_bytes("a: 1\nb\0: 2", 10, "t:2:2: a NUL: this is no text, or not UTF-8");
	expect_refused_bytes("\0", 1, "t:1:1: a NUL: this is no text, or not UTF-8");
	expect_refused_bytes("a\0:\0", 4, "t:1:2: a NUL: this is no text, or not UTF-8");
}

static void no_byte_behind_the_text_is_read(void **state)
{
	(void)state;
	expect_bytes("a: 1\nb: 2", 4, "{\"a\":1}");
	expect_bytes("12", 1, "1");
	expect_bytes("\xef\xbb\xbfx", 3, "null");
	expect_refused_bytes(
		"\xc3\xa9", 1, "t:1:1: a byte that is not UTF-8 (0xc3); save the text as UTF-8");
}

static void expect_place(struct deploy_place place, unsigned line, unsigned column)
{
	if (place.line != line || place.column != column)
		fail_msg("%u:%u is not %u:%u", place.line, place.column, line, column);
}

static void keys_values_and_items_have_their_places(void **state)
{
	struct deploy_yaml *doc = read_text("# first\n"
					    "\xc3\xa9"
					    "a: one\n"
					    "b:\n"
					    "  c:   [x,  {d: 1, e: [ ]}]\n"
					    "  'f': |\n"
					    "    text\n"
					    "g:\n"
					    "- 1\n"
					    "-\n"
					    "-   - 2\n"
					    "h:\n"
					    "? i\n"
					    ": j\n");
	const json_t *root = deploy_yaml_root(doc), *b = json_object_get(root, "b"),
		     *c = json_object_get(b, "c"), *g = json_object_get(root, "g");

	(void)state;
	expect_place(deploy_yaml_key(doc, root,
			     "\xc3\xa9"
			     "a"),
		2, 1);
	expect_place(deploy_yaml_value(doc, root,
			     "\xc3\xa9"
			     "a"),
		2, 5);
	expect_place(deploy_yaml_key(doc, root, "b"), 3, 1);
	expect_place(deploy_yaml_value(doc, root, "b"), 4, 3);
	expect_place(deploy_yaml_value(doc, b, "c"), 4, 8);
	expect_place(deploy_yaml_item(doc, c, 0), 4, 9);
	expect_place(deploy_yaml_item(doc, c, 1), 4, 13);
	expect_place(deploy_yaml_key(doc, json_array_get(c, 1), "e"), 4, 20);
	expect_place(deploy_yaml_value(doc, json_array_get(c, 1), "e"), 4, 23);
	expect_place(deploy_yaml_key(doc, b, "f"), 5, 3);
	expect_place(deploy_yaml_value(doc, b, "f"), 5, 8);
	expect_place(deploy_yaml_value(doc, root, "g"), 8, 1);
	expect_place(deploy_yaml_item(doc, g, 0), 8, 3);
	expect_place(deploy_yaml_item(doc, g, 1), 9, 2);
	expect_place(deploy_yaml_item(doc, g, 2), 10, 5);
	expect_place(deploy_yaml_item(doc, json_array_get(g, 2), 0), 10, 7);
	expect_place(deploy_yaml_value(doc, root, "h"), 11, 3);
	expect_place(deploy_yaml_key(doc, root, "i"), 12, 3);
	expect_place(deploy_yaml_value(doc, root, "i"), 13, 3);
	deploy_yaml_free(doc);
}

static void places_in_json_are_those_of_its_values(void **state)
{
	struct deploy_yaml *doc = read_text("{\"a\":1,\n\t\"b\": [true,\n null]}");
	const json_t *root = deploy_yaml_root(doc), *b = json_object_get(root, "b");

	(void)state;
	expect_place(deploy_yaml_key(doc, root, "a"), 1, 2);
	expect_place(deploy_yaml_value(doc, root, "a"), 1, 6);
	expect_place(deploy_yaml_key(doc, root, "b"), 2, 2);
	expect_place(deploy_yaml_value(doc, root, "b"), 2, 7);
	expect_place(deploy_yaml_item(doc, b, 0), 2, 8);
	expect_place(deploy_yaml_item(doc, b, 1), 3, 2);
	deploy_yaml_free(doc);
}

static void the_same_key_elsewhere_has_its_own_place(void **state)
{
	struct deploy_yaml *doc = read_text("a: {n: 1}\nb: {n: 2}\nn: [{n: 3}]");
	const json_t *root = deploy_yaml_root(doc);
	const json_t *third = json_array_get(json_object_get(root, "n"), 0);

	(void)state;
	expect_place(deploy_yaml_key(doc, json_object_get(root, "a"), "n"), 1, 5);
	expect_place(deploy_yaml_key(doc, json_object_get(root, "b"), "n"), 2, 5);
	expect_place(deploy_yaml_key(doc, root, "n"), 3, 1);
	expect_place(deploy_yaml_key(doc, third, "n"), 3, 6);
	deploy_yaml_free(doc);
}

static void what_is_not_there_has_no_place(void **state)
{
	struct deploy_yaml *doc = read_text("a: [1]");
	const json_t *root = deploy_yaml_root(doc), *a = json_object_get(root, "a");

	(void)state;
	expect_place(deploy_yaml_key(doc, root, "b"), 0, 0);
	expect_place(deploy_yaml_value(doc, root, "b"), 0, 0);
	expect_place(deploy_yaml_value(doc, a, "a"), 0, 0);
	expect_place(deploy_yaml_item(doc, a, 1), 0, 0);
	expect_place(deploy_yaml_item(doc, root, 0), 0, 0);
	deploy_yaml_free(doc);
}

static void a_failure_names_the_document_and_the_place(void **state)
{
	struct deploy_error err = {.code = DEPLOY_OK};
	struct deploy_yaml *doc = read_text("a: 1");
	const struct deploy_place unknown = {0};

	(void)state;
	assert_string_equal("site.yaml", deploy_yaml_name(doc));
	assert_int_equal(DEPLOY_CONFIG,
		deploy_yaml_fail(doc, deploy_yaml_value(doc, deploy_yaml_root(doc), "a"),
			DEPLOY_CONFIG, &err, "%d of %s", 1, "two"));
	assert_string_equal("site.yaml:1:4: 1 of two", err.text);
	assert_int_equal(DEPLOY_CONFIG, deploy_yaml_fail(doc, unknown, DEPLOY_BUG, &err, "later"));
	assert_string_equal("site.yaml:1:4: 1 of two", err.text);
	err = (struct deploy_error){.code = DEPLOY_OK};
	assert_int_equal(DEPLOY_USAGE, deploy_yaml_fail(doc, unknown, DEPLOY_USAGE, &err, "why"));
	assert_string_equal("site.yaml: why", err.text);
	deploy_yaml_free(doc);
	deploy_yaml_free(NULL);
}

/* The text of count times a, then middle, then count times b. Caller frees. */
static char *around(const char *a, const char *middle, const char *b, size_t count)
{
	char *text;
	FILE *out;
	size_t len;

	out = open_memstream(&text, &len);
	assert_non_null(out);
	for (size_t i = 0; i < count; i++)
		(void)fputs(a, out);
	(void)fputs(middle, out);
	for (size_t i = 0; i < count; i++)
		(void)fputs(b, out);
	assert_int_equal(0, fclose(out));
	return text;
}

static void as_many_levels_as_allowed_are_read_and_no_more(void **state)
{
	static const struct {
		const char *open, *middle, *close, *why;
	} table[] = {
		{"[", "1", "]", "t:1:65: more than 64 levels; nest less"},
		{"- ", "1", "", "t:1:129: more than 64 levels; nest less"},
		{"{a: ", "1", "}", "t:1:257: more than 64 levels; nest less"},
		{"[", "", "]", "t:1:65: more than 64 levels; nest less"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(table); i++) {
		char *text = around(table[i].open, table[i].middle, table[i].close, 64);

		deploy_yaml_free(read_text(text));
		free(text);
		text = around(table[i].open, table[i].middle, table[i].close, 65);
		expect_refused(text, table[i].why);
		free(text);
		/* Far more of them cost neither stack nor time. */
		text = around(table[i].open, table[i].middle, "", 200000);
		expect_refused(text, table[i].why);
		free(text);
	}
}

static void levels_that_are_closed_do_not_count(void **state)
{
	char *text = around("- [[{a: [x]}]]\n", "", "", 100);
	struct deploy_yaml *doc = read_text(text);

	(void)state;
	assert_int_equal(100, json_array_size(deploy_yaml_root(doc)));
	deploy_yaml_free(doc);
	free(text);
}

static void one_mebibyte_is_read_and_no_byte_more(void **state)
{
	char *text = malloc(DEPLOY_YAML_MAX_BYTES + 1);

	(void)state;
	memset(text, 'x', DEPLOY_YAML_MAX_BYTES + 1);
	struct deploy_yaml *doc = read_bytes(text, DEPLOY_YAML_MAX_BYTES);
	assert_int_equal(DEPLOY_YAML_MAX_BYTES, json_string_length(deploy_yaml_root(doc)));
	deploy_yaml_free(doc);
	expect_refused_bytes(text, DEPLOY_YAML_MAX_BYTES + 1, "t: more than 1 MiB");
	free(text);
}

static void as_many_keys_as_fit_are_read_in_time(void **state)
{
	struct deploy_yaml *doc;
	char *text;
	FILE *out;
	size_t len;

	(void)state;
	out = open_memstream(&text, &len);
	assert_non_null(out);
	for (unsigned i = 0; i < 116000; i++)
		(void)fprintf(out, "k%05x: \n", i);
	assert_int_equal(0, fclose(out));
	doc = read_bytes(text, len);
	assert_int_equal(116000, json_object_size(deploy_yaml_root(doc)));
	expect_place(deploy_yaml_value(doc, deploy_yaml_root(doc), "k1c51f"), 116000, 8);
	deploy_yaml_free(doc);
	free(text);
}

static char file[96];

static int make_folder(void **state)
{
	(void)state;
	if (open_folder("test_yaml") != 0)
		return -1;
	(void)snprintf(file, sizeof(file), "%s/site.yaml", folder);
	return 0;
}

static void write_file(const char *text, size_t size)
{
	int fd = open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(strlen(text), write(fd, text, strlen(text)));
	assert_int_equal(0, ftruncate(fd, (off_t)size));
	assert_int_equal(0, close(fd));
}

static void expect_file_refused(const char *path, enum deploy_code code, const char *why)
{
	struct deploy_error err = {.code = DEPLOY_OK};
	struct deploy_yaml *doc = NULL;
	char want[256];

	(void)snprintf(want, sizeof(want), "%s: %s", path, why);
	assert_int_equal(code, deploy_yaml_read_file(&doc, path, &err));
	assert_int_equal(code, err.code);
	assert_null(doc);
	assert_string_equal(want, err.text);
}

static void expect_file_a_1(void)
{
	struct deploy_error err = {.code = DEPLOY_OK};
	struct deploy_yaml *doc = NULL;

	if (deploy_yaml_read_file(&doc, file, &err))
		fail_msg("refused: %s", err.text);
	assert_string_equal(file, deploy_yaml_name(doc));
	assert_int_equal(1, json_integer_value(json_object_get(deploy_yaml_root(doc), "a")));
	deploy_yaml_free(doc);
}

static void a_file_is_called_by_its_path(void **state)
{
	struct deploy_error err = {.code = DEPLOY_OK};
	struct deploy_yaml *doc = NULL;
	char want[160];

	(void)state;
	write_file("a: 1\n", 5);
	expect_file_a_1();
	write_file("a: 1\na: 2\n", 10);
	assert_int_equal(DEPLOY_INPUT, deploy_yaml_read_file(&doc, file, &err));
	(void)snprintf(
		want, sizeof(want), "%s:2:1: a key that stands on line 1 already: 'a'", file);
	assert_string_equal(want, err.text);
}

static void a_file_of_one_mebibyte_is_read_and_no_larger_one(void **state)
{
	char *text = malloc(DEPLOY_YAML_MAX_BYTES + 2);

	(void)state;
	memset(text, ' ', DEPLOY_YAML_MAX_BYTES + 1);
	memcpy(text, "a: 1", 4);
	text[DEPLOY_YAML_MAX_BYTES] = '\0';
	write_file(text, DEPLOY_YAML_MAX_BYTES);
	expect_file_a_1();
	text[DEPLOY_YAML_MAX_BYTES] = ' ';
	text[DEPLOY_YAML_MAX_BYTES + 1] = '\0';
	write_file(text, DEPLOY_YAML_MAX_BYTES + 1);
	expect_file_refused(file, DEPLOY_INPUT, "more than 1 MiB");
	write_file("a: 1\n", 1024 * 1024 * 1024);
	expect_file_refused(file, DEPLOY_INPUT, "more than 1 MiB");
	free(text);
}

static void what_is_no_file_is_refused(void **state)
{
	(void)state;
	expect_file_refused(file, DEPLOY_NO_INPUT, "No such file or directory");
	expect_file_refused(folder, DEPLOY_NO_INPUT, "a directory, not a file");
	expect_file_refused("/dev/zero", DEPLOY_NO_INPUT, "neither a file nor a pipe");
}

/* A child that writes text to the pipe, at once or again and again. */
static pid_t begin_writer(const char *text, bool is_endless)
{
	pid_t child = fork();
	ssize_t n = 1;
	int fd;

	assert_true(child >= 0);
	if (child > 0)
		return child;
	fd = open(file, O_WRONLY);
	while (fd >= 0 && n > 0) {
		n = write(fd, text, strlen(text));
		if (!is_endless)
			break;
	}
	_exit(0);
}

static void a_pipe_is_read_when_its_writer_has_come(void **state)
{
	pid_t child;

	(void)state;
	assert_int_equal(0, mkfifo(file, 0600));
	child = begin_writer("a: 1\n", false);
	expect_file_a_1();
	assert_int_equal(child, waitpid(child, NULL, 0));
}

static void of_a_pipe_without_end_only_the_beginning_is_read(void **state)
{
	int status;
	pid_t child;

	(void)state;
	assert_int_equal(0, mkfifo(file, 0600));
	child = begin_writer("# again and again\n", true);
	(void)alarm(60); /* reading on would never end */
	expect_file_refused(file, DEPLOY_INPUT, "more than 1 MiB");
	(void)alarm(0);
	assert_int_equal(child, waitpid(child, &status, 0));
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGPIPE);
}

static void ignore_signal(int number)
{
	(void)number;
}

static void a_signal_ends_waiting_for_a_pipe(void **state)
{
	/* Again and again: the first may come before the waiting has begun. */
	const struct itimerval often = {.it_interval = {.tv_usec = 2000},
				       .it_value = {.tv_usec = 2000}},
			       never = {.it_value = {0}};
	struct sigaction action = {.sa_handler = ignore_signal, .sa_flags = SA_RESTART}, before;

	(void)state;
	assert_int_equal(0, mkfifo(file, 0600));
	assert_int_equal(0, sigaction(SIGALRM, &action, &before));
	assert_int_equal(0, setitimer(ITIMER_REAL, &often, NULL));
	expect_file_refused(file, DEPLOY_INTERRUPTED, "Interrupted system call");
	assert_int_equal(0, setitimer(ITIMER_REAL, &never, NULL));
	assert_int_equal(0, sigaction(SIGALRM, &before, NULL));
}

#define FILE_TEST(name) cmocka_unit_test_setup_teardown(name, make_folder, remove_folder)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_plain_scalar_is_what_json_calls_it_and_text_otherwise),
		cmocka_unit_test(a_real_stays_real_and_an_integer_an_integer),
		cmocka_unit_test(what_is_quoted_or_in_a_block_is_text),
		cmocka_unit_test(a_key_is_text_whatever_it_looks_like),
		cmocka_unit_test(collections_are_read_in_every_style),
		cmocka_unit_test(keys_stay_in_their_order),
		cmocka_unit_test(json_is_read_as_json_means_it),
		cmocka_unit_test(line_ends_and_a_bom_do_not_matter),
		cmocka_unit_test(what_surprises_is_refused_with_its_place_and_a_way_out),
		cmocka_unit_test(a_nul_is_refused_where_it_stands),
		cmocka_unit_test(no_byte_behind_the_text_is_read),
		cmocka_unit_test(keys_values_and_items_have_their_places),
		cmocka_unit_test(places_in_json_are_those_of_its_values),
		cmocka_unit_test(the_same_key_elsewhere_has_its_own_place),
		cmocka_unit_test(what_is_not_there_has_no_place),
		cmocka_unit_test(a_failure_names_the_document_and_the_place),
		cmocka_unit_test(as_many_levels_as_allowed_are_read_and_no_more),
		cmocka_unit_test(levels_that_are_closed_do_not_count),
		cmocka_unit_test(one_mebibyte_is_read_and_no_byte_more),
		cmocka_unit_test(as_many_keys_as_fit_are_read_in_time),
		FILE_TEST(a_file_is_called_by_its_path),
		FILE_TEST(a_file_of_one_mebibyte_is_read_and_no_larger_one),
		FILE_TEST(what_is_no_file_is_refused),
		FILE_TEST(a_pipe_is_read_when_its_writer_has_come),
		FILE_TEST(of_a_pipe_without_end_only_the_beginning_is_read),
		FILE_TEST(a_signal_ends_waiting_for_a_pipe),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
