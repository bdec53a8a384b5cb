/*
 * Writing YAML: how it looks, what is quoted, that it reads back as the same, and that Ruby's Psych
 * takes it for the same as well. SEED=n takes other random values.
 */
#define _GNU_SOURCE
#include <stdarg.h>
#include <setjmp.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdint.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "deploy/yaml.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define DEFAULT_SEED 20261121u
#define TREES	     3000
#define RUBY_TREES   300

static void expect_equal(const json_t *want, const json_t *got, const char *yaml, uint64_t seed)
{
	char *text;

	if (json_equal(want, got))
		return;
	text = json_dumps(got, JSON_ENCODE_ANY);
	fail_msg("seed %" PRIu64 ":\n%s\nis read as %s", seed, yaml, text);
}

/* Reads back as the same: kind, order and every byte. */
static void expect_same(const json_t *value, const char *yaml, uint64_t seed)
{
	struct deploy_error err = {.code = DEPLOY_OK};
	struct deploy_yaml *doc = NULL;
	char *before, *after;

	if (deploy_yaml_read(&doc, "t", yaml, strlen(yaml), &err))
		fail_msg("seed %" PRIu64 ": %s\n%s", seed, err.text, yaml);
	expect_equal(value, deploy_yaml_root(doc), yaml, seed);
	before = json_dumps(value, JSON_ENCODE_ANY);
	after = json_dumps(deploy_yaml_root(doc), JSON_ENCODE_ANY);
	assert_string_equal(before, after);
	free(before);
	free(after);
	deploy_yaml_free(doc);
}

static json_t *from_json(const char *json)
{
	json_error_t problem;
	json_t *value = json_loads(json, JSON_DECODE_ANY, &problem);

	if (!value)
		fail_msg("%s: %s", json, problem.text);
	return value;
}

static void expect(const char *json, const char *yaml)
{
	json_t *value = from_json(json);
	char *got = deploy_yaml_print(value);

	assert_string_equal(yaml, got);
	expect_same(value, got, 0);
	free(got);
	json_decref(value);
}

static void blocks_are_indented_by_two_and_empty_ones_are_short(void **state)
{
	(void)state;
	expect("{}", "{}\n");
	expect("[]", "[]\n");
	expect("null", "null\n");
	expect("{\"z\":1,\"a\":{\"c\":true,\"b\":{}},\"l\":[]}",
		"z: 1\na:\n  c: true\n  b: {}\nl: []\n");
	expect("{\"l\":[1,[2,[]],{\"a\":false,\"b\":[{}]},{\"c\":{\"d\":null}}]}",
		"l:\n"
		"  - 1\n"
		"  - - 2\n"
		"    - []\n"
		"  - a: false\n"
		"    b:\n"
		"      - {}\n"
		"  - c:\n"
		"      d: null\n");
	expect("[[[1],2],{\"a\":1}]", "- - - 1\n  - 2\n- a: 1\n");
}

static void text_of_lines_is_a_literal_block(void **state)
{
	(void)state;
	expect("{\"a\":\"x\\ny\",\"b\":\"x\\n\",\"c\":\"x\\n\\n y\\n\\n\",\"d\":1}",
		"a: |-\n  x\n  y\nb: |\n  x\nc: |+\n  x\n\n   y\n\nd: 1\n");
	expect("[\"x\\n# no comment\\n---\\n\",[\"a: b\\n- c\"]]",
		"- |\n  x\n  # no comment\n  ---\n- - |-\n    a: b\n    - c\n");
	expect("\"x\\ny\"", "|-\n  x\n  y\n");
	/* What would not be seen, or be lost, is quoted instead. */
	expect("[\" x\\ny\",\"\\nx\",\"x \\ny\",\"x\\ny \",\"x\\n\\ty\",\"x\\r\\n\",\"\\n\"]",
		"- \" x\\ny\"\n- \"\\nx\"\n- \"x \\ny\"\n- \"x\\ny \"\n- \"x\\n\\ty\"\n"
		"- \"x\\r\\n\"\n- \"\\n\"\n");
	expect("{\"x\\ny\":1}", "\"x\\ny\": 1\n");
}

/* Read as text by everybody without quotes. */
static const char *const plain[] = {"a", "web01.example.net", "puppet::agent", "a:b", "a#b",
	"/etc/x", "//", "a, b", "it's", "say \"x\"", "back\\slash", "a - b", "a ? b", "x=1", "x[1]",
	"x {{ y }}", "yesterday", "nothing", "Norway", "2web", "3 apples", "_", "$HOME/x", "(x)",
	"e5", "NaN", "a&b*c!d%e@f`g|h>i", "\xc3\xa9", "\xe6\x97\xa5\xe6\x9c\xac",
	"\xf0\x9f\x98\x80"};

/* Some reader would take these for something else, or they could not stand there at all. */
static const char *const quoted[] = {"", " ", "~", "y", "n", "Y", "N", "yes", "No", "ON", "off",
	"true", "False", "TRUE", "null", "Null", "NULL", "0", "7", "-7", "+7", "010", "08", "0o17",
	"0x1f", "0b11", "1_000", "1,000", "1__0", "1.5", ".5", "5.", "1e3", "1E3", "12e03",
	"-2E+05", "1.5e-3", ".inf", "-.INF", ".NaN", "12:30", "12:30:00", "190:20:30.15",
	"2026-11-21", "2026-1-1", "2026-11-21 10:00:00 Z", "2001-12-14t21:59:43.10-05:00",
	"10.0.0.1", "1.2.3", "=", "<<", "---", "...", "-", "- a", "-x", "--", "?", "? a", ":",
	":sym", "a:", "a: b", "a #b", "#", "#a", " a", "a ", "%x", "@x", "`x", "!x", "!!str x",
	"&x", "*x", "|", ">", "{}", "[]", "{", "]", "[x", "{{ x }}", ",", "'", "'x'", "\"", "\"x\"",
	"\\", "^", ";", "\t", "a\tb", "a\t", "\n\n", "\r", "a\rb", "\x01", "\x1b[2J", "\x7f",
	"a\xc2\x85"
	"b",
	"\xc2\x9b", "\xe2\x80\xa8", "a\xe2\x80\xa9",
	"\xe2\x80\xae"
	"abc",
	"\xef\xbb\xbf",
	"\xef\xbb\xbf"
	"x",
	"a\xef\xbb\xbf"
	"b",
	"\xef\xbf\xbe", "\xef\xbf\xbf"};

static void expect_text(const char *text, bool is_plain)
{
	json_t *value = json_string(text), *object = json_object();
	char *yaml = deploy_yaml_print(value);

	if ((yaml[0] != '"') != is_plain)
		fail_msg("'%s' is written as %s", text, yaml);
	assert_ptr_equal(yaml + strlen(yaml) - 1, strchr(yaml, '\n'));
	expect_same(value, yaml, 0);
	free(yaml);
	assert_int_equal(0, json_object_set_new(object, text, value));
	yaml = deploy_yaml_print(object);
	expect_same(object, yaml, 0);
	free(yaml);
	json_decref(object);
}

static void text_is_quoted_as_soon_as_anybody_could_mistake_it(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(plain); i++)
		expect_text(plain[i], true);
	for (size_t i = 0; i < COUNT(quoted); i++)
		expect_text(quoted[i], false);
}

static void what_is_not_seen_is_escaped(void **state)
{
	(void)state;
	expect("\"\\u0001\\t\\r\\u001b\\\"\\\\\"", "\"\\x01\\t\\r\\x1b\\\"\\\\\"\n");
	expect("\"\\u0085\\u2028\\u202e\\ufeff\\uffff\\u00e9\"",
		"\"\\x85\\u2028\\u202e\\ufeff\\uffff\xc3\xa9\"\n");
}

static void numbers_read_back_exactly_and_as_their_kind(void **state)
{
	(void)state;
	expect("[0,-1,9223372036854775807,-9223372036854775808]",
		"- 0\n- -1\n- 9223372036854775807\n- -9223372036854775808\n");
	expect("[0.1,1.0,-0.0,100000.0,3.14159,1e15]",
		"- 0.1\n- 1.0\n- -0.0\n- 100000.0\n- 3.14159\n- 1.0e+15\n");
	expect("[1e100,1.5e-7,123456789012345680.0,5e-324,1.7976931348623157e308]",
		"- 1.0e+100\n- 1.5e-7\n- 1.2345678901234568e+17\n- 4.94065645841247e-324\n"
		"- 1.7976931348623157e+308\n");
	expect("[0.30000000000000004,2.2250738585072014e-308]",
		"- 0.30000000000000004\n- 2.2250738585072014e-308\n");
}

static void a_key_of_any_length_reads_back(void **state)
{
	static const size_t lengths[] = {999, 1000, 1001, 1022, 1023, 1024, 1025, 5000};
	static const char *const fillers[] = {"x", "\"", "\xc3\xa9", "\t"};

	(void)state;
	for (size_t i = 0; i < COUNT(lengths) * COUNT(fillers); i++) {
		const char *filler = fillers[i % COUNT(fillers)];
		size_t len = lengths[i / COUNT(fillers)], width = strlen(filler);
		char *key = calloc(len + 1, width), *yaml;
		json_t *value;

		for (size_t j = 0; j < len; j++)
			memcpy(key + j * width, filler, width);
		value = json_pack("{s:{s:[{s:i,s:i}]},s:i}", key, key, key, 1, "a", 2, "b", 3);
		assert_non_null(value);
		yaml = deploy_yaml_print(value);
		expect_same(value, yaml, 0);
		free(yaml);
		json_decref(value);
		free(key);
	}
}

static void sixty_four_levels_read_back(void **state)
{
	json_t *value = json_array();
	char *yaml;

	(void)state;
	for (unsigned i = 1; i < DEPLOY_YAML_MAX_DEPTH; i++)
		value = i % 3 ? json_pack("[o, i]", value, i) : json_pack("{s:o}", "a", value);
	yaml = deploy_yaml_print(value);
	expect_same(value, yaml, 0);
	free(yaml);
	json_decref(value);
}

/* xorshift64 */
static uint64_t next_random(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

static size_t below(uint64_t *seed, size_t limit)
{
	return (size_t)(next_random(seed) >> 16) % limit;
}

/* Pieces that mean something in YAML, in every order. */
static char *random_text(uint64_t *seed)
{
	static const char *const pieces[] = {" ", "  ", "\n", "\n\n", ": ", ":", " #", "#", "- ",
		"-", "'", "\"", "\\", "a", "yes", "1", "0", "e3", ".", "_", ",", "[", "]", "{", "}",
		"&", "*", "!", "|", ">", "%", "@", "`", "?", "? ", "=", "<<", "~", "---", "...",
		"\t", "\r", "\x01", "\xc2\x85", "\xc2\xa0", "\xe2\x80\xa8", "\xef\xbb\xbf",
		"\xc3\xa9", "\xf0\x9f\x98\x80"};
	char *text;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	assert_non_null(out);
	for (size_t parts = below(seed, 7); parts > 0; parts--) {
		if (below(seed, 4) == 0)
			(void)fputs(quoted[below(seed, COUNT(quoted))], out);
		else if (below(seed, 4) == 0)
			(void)fputs(plain[below(seed, COUNT(plain))], out);
		else
			(void)fputs(pieces[below(seed, COUNT(pieces))], out);
	}
	assert_int_equal(0, fclose(out));
	return text;
}

static json_t *random_real(uint64_t *seed)
{
	uint64_t bits = next_random(seed);
	json_t *value;
	double real;

	memcpy(&real, &bits, sizeof(real));
	value = json_real(below(seed, 2) ? real : (double)(int64_t)bits / 1e18);
	return value ? value : json_real(0.1);
}

static json_t *random_scalar(uint64_t *seed)
{
	json_t *value;
	char *text;

	switch (below(seed, 8)) {
	case 0:
		return json_integer((json_int_t)next_random(seed) >> below(seed, 64));
	case 1:
		return random_real(seed);
	case 2:
		return json_boolean(below(seed, 2));
	case 3:
		return json_null();
	default:
		text = random_text(seed);
		value = json_string(text);
		free(text);
		return value;
	}
}

static json_t *random_tree(uint64_t *seed, unsigned levels)
{
	size_t kind = below(seed, 3), count = below(seed, 5);
	json_t *value;

	if (levels == 0 || kind == 0)
		return random_scalar(seed);
	value = kind == 1 ? json_array() : json_object();
	while (count--) {
		json_t *child = random_tree(seed, levels - 1);
		char *key = random_text(seed);

		/* Psych 4.0 merges a mapping under this key even if it is quoted. */
		if (strcmp(key, "<<") == 0)
			key[0] = '.';
		if (kind == 1)
			assert_int_equal(0, json_array_append_new(value, child));
		else
			assert_int_equal(0, json_object_set_new(value, key, child));
		free(key);
	}
	return value;
}

static uint64_t first_seed(void)
{
	const char *text = getenv("SEED");

	return text ? strtoull(text, NULL, 10) : DEFAULT_SEED;
}

/* The seed of tree number i, so that SEED=… of a failure shows it first. */
static uint64_t seed_of(size_t i)
{
	return (first_seed() + i) | (uint64_t)1 << 40;
}

static json_t *tree_of(size_t i)
{
	uint64_t seed = seed_of(i);

	for (int rounds = 0; rounds < 8; rounds++)
		(void)next_random(&seed);
	return random_tree(&seed, 5);
}

static void random_values_read_back_as_the_same(void **state)
{
	(void)state;
	for (size_t i = 0; i < TREES; i++) {
		json_t *value = tree_of(i);
		char *yaml = deploy_yaml_print(value);

		expect_same(value, yaml, first_seed() + i);
		free(yaml);
		json_decref(value);
	}
}

/* What Ruby makes of YAML texts: an array as long as texts. Caller decrefs. */
static json_t *ask_ruby(const json_t *texts)
{
	char path[] = "/tmp/test_print_yaml.XXXXXX", command[512];
	int fd = mkstemp(path);
	json_t *values;
	FILE *in;

	assert_true(fd >= 0);
	assert_int_equal(0, json_dumpfd(texts, fd, 0));
	assert_int_equal(0, close(fd));
	(void)snprintf(command, sizeof(command),
		"ruby --disable-gems -E UTF-8:UTF-8 -ryaml -rjson -e 'print JSON.generate("
		"JSON.parse(File.read(ARGV[0])).map { |text| YAML.load(text) })' %s",
		path);
	in = popen(command, "r");
	assert_non_null(in);
	values = json_loadf(in, 0, NULL);
	assert_int_equal(0, pclose(in));
	assert_int_equal(0, unlink(path));
	assert_int_equal(json_array_size(texts), json_array_size(values));
	return values;
}

/* Where YAML 1.1, Ruby and we must see the same. */
static const char *const agreed[] = {
	"a: 1\nb:\n  - x\n  - y: [1, {z: ~}]\n",
	"a: 'it''s'\nb: \"\\x41\\u00e9\\n\"\n",
	"a: |\n  x\n\n   y\nb: >-\n  one\n  two\n\n  three\nc: |+\n  z\n\n",
	"a: one\n  two\n\n  three\n",
	"# c\na: b # c\n",
	"- - 1\n  - 2.5\n-\n- {}\n",
	"{\"a\":{\"b\":[true,false,null,-1.5]},\n\t\"c\":\"\\/\"}",
	"? a\n: b\n",
	"a:\n- 1\n- 2\n",
	"--- text\n...\n",
	"a::b: http://x:80/#y\n",
	"a: [x, 'y, z', \"w\",]\n",
};

/* All that is printed here, and beside it (in values) what it was printed from. */
static void add_printed(json_t *texts, json_t *values, json_t *value)
{
	char *yaml = deploy_yaml_print(value);

	assert_int_equal(0, json_array_append_new(texts, json_string(yaml)));
	assert_int_equal(0, json_array_append_new(values, value));
	free(yaml);
}

static void add_agreed(json_t *texts, json_t *values, const char *text)
{
	struct deploy_error err = {.code = DEPLOY_OK};
	struct deploy_yaml *doc = NULL;

	assert_int_equal(0, deploy_yaml_read(&doc, "t", text, strlen(text), &err));
	assert_int_equal(0, json_array_append_new(texts, json_string(text)));
	assert_int_equal(0, json_array_append(values, deploy_yaml_root(doc)));
	deploy_yaml_free(doc);
}

static void ruby_reads_the_same(void **state)
{
	json_t *texts = json_array(), *values = json_array(), *seen;

	(void)state;
	for (size_t i = 0; i < COUNT(agreed); i++)
		add_agreed(texts, values, agreed[i]);
	for (size_t i = 0; i < COUNT(plain); i++)
		add_printed(texts, values, json_pack("{s:[s]}", plain[i], plain[i]));
	for (size_t i = 0; i < COUNT(quoted); i++)
		add_printed(texts, values, json_pack("{s:[s]}", quoted[i], quoted[i]));
	for (size_t i = 0; i < RUBY_TREES; i++)
		add_printed(texts, values, tree_of(i));
	seen = ask_ruby(texts);
	for (size_t i = 0; i < json_array_size(texts); i++)
		expect_equal(json_array_get(values, i), json_array_get(seen, i),
			json_string_value(json_array_get(texts, i)), first_seed());
	json_decref(seen);
	json_decref(values);
	json_decref(texts);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(blocks_are_indented_by_two_and_empty_ones_are_short),
		cmocka_unit_test(text_of_lines_is_a_literal_block),
		cmocka_unit_test(text_is_quoted_as_soon_as_anybody_could_mistake_it),
		cmocka_unit_test(what_is_not_seen_is_escaped),
		cmocka_unit_test(numbers_read_back_exactly_and_as_their_kind),
		cmocka_unit_test(a_key_of_any_length_reads_back),
		cmocka_unit_test(sixty_four_levels_read_back),
		cmocka_unit_test(random_values_read_back_as_the_same),
		cmocka_unit_test(ruby_reads_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
