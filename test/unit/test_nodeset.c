/* Node sets: the expression language, set algebra, folding. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "deploy/nodeset.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct deploy_nodeset *parse(const char *text)
{
	struct deploy_nodeset *set = deploy_nodeset_new();
	struct deploy_error err = {.code = DEPLOY_OK};

	if (deploy_nodeset_parse(set, text, &err) != 0)
		fail_msg("%s", err.text);
	return set;
}

/* The names with a comma behind each. Caller frees. */
static char *list(const struct deploy_nodeset *set)
{
	char *text = calloc(deploy_nodeset_count(set) + 1, DEPLOY_MAX_IDENTITY + 2);
	size_t len = 0;

	for (size_t i = 0; i < deploy_nodeset_count(set); i++)
		len += (size_t)snprintf(
			text + len, DEPLOY_MAX_IDENTITY + 2, "%s,", deploy_nodeset_get(set, i));
	return text;
}

static void check_list(const char *expression, const char *names)
{
	struct deploy_nodeset *set = parse(expression);
	char *text = list(set);

	assert_string_equal(text, names);
	free(text);
	deploy_nodeset_free(set);
}

static void expression_expands_sorted_and_without_duplicates(void **state)
{
	static const char *const cases[][2] = {
		{"b,a,b", "a,b,"},
		{"web[1-3]", "web1,web2,web3,"},
		{"web[08-11]", "web08,web09,web10,web11,"},
		{"web[8-11]", "web10,web11,web8,web9,"},
		{"n[0-1]", "n0,n1,"},
		{"n[00-01]", "n00,n01,"},
		{"web[01-02,30].x.y", "web01.x.y,web02.x.y,web30.x.y,"},
		{"[1-2]", "1,2,"},
		{"[01-01]", "01,"},
		{"db[1-2][a,b]", "db1a,db1b,db2a,db2b,"},
		{"[a,b]-[x,y]", "a-x,a-y,b-x,b-y,"},
		{"n[1-9/4]", "n1,n5,n9,"},
		{"n[1-9/100]", "n1,"},
		{"n[001-003/2]", "n001,n003,"},
		{"a b\tc\nd\re", "a,b,c,d,e,"},
		{"  a , b  ", "a,b,"},
		{"n[1,01,001]", "n001,n01,n1,"},
		{"n[1-2,x.y,007]", "n007,n1,n2,nx.y,"},
		{"n[12345678901234567890]", "n12345678901234567890,"},
		{"n[999999999999999998-999999999999999999]",
			"n999999999999999998,n999999999999999999,"},
		{"B,a,_,.,-", "-,.,B,_,a,"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++)
		check_list(cases[i][0], cases[i][1]);
}

static void algebra_goes_from_left_to_right(void **state)
{
	static const char *const cases[][2] = {
		{"a,b!b", "a,"},
		{"a!b", "a,"},
		{"a,b!b,b", "a,b,"},
		{"a,b&b", "b,"},
		{"a&b", ""},
		{"a!a", ""},
		{"a!a,c", "c,"},
		{"n[1-5]!n[2-4]", "n1,n5,"},
		{"n[1-5] & n[4-9] ! n5", "n4,"},
		{"a,b&b,c", "b,c,"},
		{"a b!a b", "b,"},
		{"a ! b c", "a,c,"},
		{"a&a&a", "a,"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++)
		check_list(cases[i][0], cases[i][1]);
}

static void malformed_expression_is_refused_with_its_column(void **state)
{
	static const struct {
		const char *text;
		int column;
	} cases[] = {
		{"", 1},
		{" ", 2},
		{",", 1},
		{"a,", 3},
		{"a,,b", 3},
		{",a", 1},
		{"a, ,b", 4},
		{"!a", 1},
		{"&a", 1},
		{"a!", 3},
		{"a!!b", 3},
		{"a,!b", 3},
		{"a&", 3},
		{"a!,b", 3},
		{"a]", 2},
		{"a[", 3},
		{"a[1", 4},
		{"a[1-", 5},
		{"a[1-2", 6},
		{"a[]", 3},
		{"a[,1]", 3},
		{"a[1,]", 5},
		{"a[1,,2]", 5},
		{"a[3-1]", 3},
		{"web[1-010]", 5},
		{"a[01-1]", 3},
		{"a[08-100]", 3},
		{"a[1-02]", 3},
		{"a[a-c]", 4},
		{"a[1-c]", 5},
		{"a[-1]", 3},
		{"a[1--2]", 5},
		{"a[1-2-3]", 6},
		{"a[1-2x]", 6},
		{"a[1-3/]", 7},
		{"a[1-3/0]", 7},
		{"a[1-3/x]", 7},
		{"a[1-3/2/2]", 8},
		{"a[1/2]", 4},
		{"a[ 1]", 3},
		{"a[1 ]", 4},
		{"a[b[1]]", 4},
		{"a[1]]", 5},
		{"a(b)", 2},
		{"a/b", 2},
		{"a*", 2},
		{"a:b", 2},
		{"a;b", 2},
		{"a\\b", 2},
		{"a'", 2},
		{"@a", 1},
		{"gr\xc3\xbc", 3},
		{"a\x01", 2},
		{"a[1234567890123456789-1234567890123456790]", 3},
		{"a[1-1234567890123456789]", 5},
		{"a[1-3/1234567890123456789]", 7},
		{"x,y,z[2-1]", 7},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct deploy_nodeset *set = parse("kept");
		struct deploy_error err = {.code = DEPLOY_OK};
		char column[32];

		(void)snprintf(column, sizeof(column), "column %d:", cases[i].column);
		if (deploy_nodeset_parse(set, cases[i].text, &err) != DEPLOY_INPUT ||
			!strstr(err.text, column))
			fail_msg("\"%s\": %s", cases[i].text, err.text);
		assert_int_equal(deploy_nodeset_count(set), 1);
		deploy_nodeset_free(set);
	}
}

static void expansion_over_the_limit_is_refused_before_it_is_made(void **state)
{
	static const char *const cases[] = {"a[1-4000000000]", "a[0-999999999999999999]",
		"a[1-200001]", "[1-1000][1-1000]", "[1-9][1-9][1-9][1-9][1-9][1-9]",
		"[1-65536][1-281474976710656]" /* 2^64 */, "[1-200000],x", "[1-200000] [1-200000]x",
		"x[1-200000],x[1-200000],x[1-200000],x[1-200000],x1",
		"[1-2][1-2][1-2][1-2][1-2][1-2][1-2][1-2][1-9][1-9][1-9][1-9]"};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct deploy_nodeset *set = deploy_nodeset_new();
		struct deploy_error err = {.code = DEPLOY_OK};

		assert_int_equal(deploy_nodeset_parse(set, cases[i], &err), DEPLOY_INPUT);
		assert_non_null(strstr(err.text, "more than"));
		assert_non_null(strstr(err.text, "column"));
		assert_int_equal(deploy_nodeset_count(set), 0);
		deploy_nodeset_free(set);
	}
}

static void set_takes_exactly_the_limit(void **state)
{
	struct deploy_nodeset *set = parse("n[1-200000]");
	struct deploy_error err = {.code = DEPLOY_OK};

	(void)state;
	assert_int_equal(deploy_nodeset_count(set), DEPLOY_MAX_NODES);
	assert_int_equal(deploy_nodeset_add(set, "n7", &err), 0);
	assert_int_equal(deploy_nodeset_parse(set, "n[1-9]", &err), 0);
	assert_int_equal(deploy_nodeset_add(set, "m", &err), DEPLOY_INPUT);
	err.code = DEPLOY_OK;
	assert_int_equal(deploy_nodeset_parse(set, "n[1-9],m", &err), DEPLOY_INPUT);
	assert_int_equal(deploy_nodeset_count(set), DEPLOY_MAX_NODES);
	deploy_nodeset_free(set);
}

static void identity_is_1_to_255_of_its_alphabet(void **state)
{
	char name[DEPLOY_MAX_IDENTITY + 2];
	struct deploy_nodeset *set = deploy_nodeset_new();
	struct deploy_error err = {.code = DEPLOY_OK};

	(void)state;
	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	assert_false(deploy_identity_is_valid(name, 0));
	assert_true(deploy_identity_is_valid(name, DEPLOY_MAX_IDENTITY));
	assert_false(deploy_identity_is_valid(name, DEPLOY_MAX_IDENTITY + 1));
	assert_int_equal(deploy_nodeset_parse(set, name, &err), DEPLOY_INPUT);
	assert_int_equal(
		deploy_nodeset_parse(set, name + 1, &(struct deploy_error){.code = DEPLOY_OK}), 0);
	for (int c = 0; c < 256; c++) {
		char byte = (char)c;
		bool valid =
			c &&
			strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-",
				c);

		assert_int_equal(deploy_identity_is_valid(&byte, 1), valid);
	}
	deploy_nodeset_free(set);
}

static void longest_name_of_an_element_is_measured_before_it_is_made(void **state)
{
	char text[DEPLOY_MAX_IDENTITY + 64];
	static const struct {
		size_t len;
		const char *rest;
		int code;
	} cases[] = {
		{253, "[1-2][a,b]", 0},
		{253, "[1-10]", 0},
		{253, "[1-100]", DEPLOY_INPUT},
		{253, "[1-2][a,b]c", DEPLOY_INPUT},
		{253, "[a,abc]", DEPLOY_INPUT},
		{256, "", DEPLOY_INPUT},
		{300, "[1-2]", DEPLOY_INPUT},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct deploy_nodeset *set = deploy_nodeset_new();
		struct deploy_error err = {.code = DEPLOY_OK};

		memset(text, 'n', cases[i].len);
		(void)snprintf(text + cases[i].len, 16, "%s", cases[i].rest);
		assert_int_equal(deploy_nodeset_parse(set, text, &err), cases[i].code);
		assert_int_equal(cases[i].code != 0, strstr(err.text, "longer than 255") != NULL);
		deploy_nodeset_free(set);
	}
}

static void literal_name_is_never_expanded(void **state)
{
	static const char *const names[] = {
		"", "a[1-2]", "a,b", "a b", "a!b", "/a/", "gr\xc3\xbc", "a\n"};
	struct deploy_nodeset *set = deploy_nodeset_new();

	(void)state;
	for (size_t i = 0; i < COUNT(names); i++) {
		struct deploy_error err = {.code = DEPLOY_OK};

		assert_int_equal(deploy_nodeset_add(set, names[i], &err), DEPLOY_INPUT);
		assert_null(strchr(err.text, '\n'));
	}
	assert_int_equal(deploy_nodeset_count(set), 0);
	deploy_nodeset_free(set);
}

static void name_is_found_at_its_place_by_length(void **state)
{
	struct deploy_nodeset *set = deploy_nodeset_new();
	struct deploy_error err = {.code = DEPLOY_OK};
	size_t index = 99;

	(void)state;
	assert_false(deploy_nodeset_find(set, "a", 1, &index));
	for (const char *name = "dbca"; *name; name++)
		assert_int_equal(deploy_nodeset_add(set, (char[]){*name, '1', '\0'}, &err), 0);
	assert_true(deploy_nodeset_find(set, "c1xyz", 2, &index));
	assert_int_equal(index, 2);
	assert_false(deploy_nodeset_find(set, "c1xyz", 3, &index));
	assert_false(deploy_nodeset_find(set, "c", 1, &index));
	assert_false(deploy_nodeset_find(set, "", 0, &index));
	assert_string_equal(deploy_nodeset_get(set, 0), "a1");
	deploy_nodeset_free(set);
}

static void copy_is_independent(void **state)
{
	struct deploy_nodeset *set = parse("b,a"), *copy = deploy_nodeset_copy(set);

	(void)state;
	deploy_nodeset_subtract(set, set);
	assert_int_equal(deploy_nodeset_count(set), 0);
	assert_int_equal(deploy_nodeset_count(copy), 2);
	deploy_nodeset_free(set);
	deploy_nodeset_free(copy);
	deploy_nodeset_free(NULL);
}

static void fold_is_short_and_keeps_widths_apart(void **state)
{
	static const char *const cases[][2] = {
		{"a", "a"},
		{"a1", "a1"},
		{"a1,a3", "a[1,3]"},
		{"b,a", "a,b"},
		{"a2,a1", "a[1-2]"},
		{"web[01-20,30].example.net,db1", "db1,web[01-20,30].example.net"},
		{"n[0-120]", "n[0-120]"},
		{"web[1-9],web[01-09]", "web[1-9,01-09]"},
		{"n[1-9,01-09,10-20]", "n[1-9,01-20]"},
		{"n[00-99],n[100-120]", "n[00-99,100-120]"},
		{"n[098-102]", "n[098-102]"},
		{"[1-3]", "[1-3]"},
		{"n[1-9/2]", "n[1,3,5,7,9]"},
		{"a[1-2]b[1-2]", "a1b[1-2],a2b[1-2]"},
		{"a[1-2].dc3", "a[1-2].dc3"},
		{"a1b1,a2b1,a2b2", "a1b1,a2b[1-2]"},
		{"n0,n00,n000", "n[0,00,000]"},
		{"a[1-2].x,a[1-2].y", "a[1-2].x,a[1-2].y"},
		{"a1,a1b,a2,a2b", "a[1-2],a[1-2]b"},
		{"n[99999999999999999-100000000000000001]",
			"n[99999999999999999-100000000000000001]"},
		{"n999999999999999999,n1000000000000000000",
			"n1000000000000000000,n999999999999999999"},
		{"a[1-2]x1234567890123456789", "a[1-2]x1234567890123456789"},
		{"a-1,a-2", "a-[1-2]"},
		{"h[1-2]-0-0-0-0-0-0-0", "h[1-2]-0-0-0-0-0-0-0"},
		{"h[1-2]-0-0-0-0-0-0-0-0", "h1-0-0-0-0-0-0-0-0,h2-0-0-0-0-0-0-0-0"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct deploy_nodeset *set = parse(cases[i][0]);
		char *text = deploy_nodeset_print(set);

		assert_string_equal(text, cases[i][1]);
		free(text);
		deploy_nodeset_free(set);
	}
}

static void fold_of_the_empty_set_is_empty(void **state)
{
	struct deploy_nodeset *set = deploy_nodeset_new();
	char *text = deploy_nodeset_print(set);

	(void)state;
	assert_string_equal(text, "");
	free(text);
	deploy_nodeset_free(set);
}

/* xorshift64; the seed of a failing round is what fail_msg prints. */
static uint64_t next_random(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

static void random_name(char *name, size_t size, uint64_t *seed)
{
	static const char *const words[] = {"", "a", "a", "web", "-", ".x", "0", "1b"};
	size_t len = 0;

	name[0] = 'n';
	name[1] = '\0';
	len = next_random(seed) % 8 ? 1 : 0;
	for (uint64_t parts = 1 + next_random(seed) % 3; parts > 0; parts--)
		len += (size_t)snprintf(name + len, size - len, "%s%0*d",
			words[next_random(seed) % COUNT(words)], (int)(next_random(seed) % 4),
			(int)(next_random(seed) % (parts == 2 ? 120 : 3)));
}

static void fold_always_parses_back_to_the_same_set(void **state)
{
	(void)state;
	for (uint64_t round = 1; round <= 2000; round++) {
		uint64_t seed = round * 0x9e3779b97f4a7c15u;
		struct deploy_nodeset *set = deploy_nodeset_new(), *again;
		struct deploy_error err = {.code = DEPLOY_OK};
		char name[64], *folded, *before, *after;

		for (uint64_t n = 1 + next_random(&seed) % 200; n > 0; n--) {
			random_name(name, sizeof(name), &seed);
			assert_int_equal(deploy_nodeset_add(set, name, &err), 0);
		}
		folded = deploy_nodeset_print(set);
		again = parse(folded);
		before = list(set);
		after = list(again);
		if (strcmp(before, after) != 0)
			fail_msg("round %d: %s became %s", (int)round, folded, after);
		free(folded);
		free(before);
		free(after);
		deploy_nodeset_free(set);
		deploy_nodeset_free(again);
	}
}

/* The oracle: a set of n0 … n63 is a mask of 64 bits. */
static struct deploy_nodeset *of_mask(uint64_t mask)
{
	struct deploy_nodeset *set = deploy_nodeset_new();
	struct deploy_error err = {.code = DEPLOY_OK};
	char name[8];

	for (int i = 63; i >= 0; i--) {
		(void)snprintf(name, sizeof(name), "n%d", i);
		if (mask >> i & 1)
			assert_int_equal(deploy_nodeset_add(set, name, &err), 0);
	}
	return set;
}

static uint64_t mask_of(const struct deploy_nodeset *set)
{
	uint64_t mask = 0;

	for (size_t i = 0; i < deploy_nodeset_count(set); i++)
		mask |= (uint64_t)1 << atoi(deploy_nodeset_get(set, i) + 1);
	return mask;
}

static void algebra_agrees_with_bit_masks(void **state)
{
	(void)state;
	for (uint64_t round = 1; round <= 3000; round++) {
		uint64_t seed = round * 0x9e3779b97f4a7c15u, a = next_random(&seed),
			 b = next_random(&seed);
		struct deploy_nodeset *set, *other;

		a &= round % 3 ? next_random(&seed) : round % 2;
		b &= round % 5 ? next_random(&seed) : 0;
		set = of_mask(a);
		other = of_mask(b);
		switch (round % 3) {
		case 0:
			deploy_nodeset_unite(set, other);
			a |= b;
			break;
		case 1:
			deploy_nodeset_subtract(set, other);
			a &= ~b;
			break;
		default:
			deploy_nodeset_intersect(set, other);
			a &= b;
		}
		if (mask_of(set) != a || mask_of(other) != b)
			fail_msg("round %d", (int)round);
		deploy_nodeset_free(set);
		deploy_nodeset_free(other);
	}
}

static void expression_agrees_with_bit_masks(void **state)
{
	(void)state;
	for (uint64_t round = 1; round <= 2000; round++) {
		uint64_t seed = round * 0x9e3779b97f4a7c15u, sum = 0;
		struct deploy_nodeset *set;
		char text[512];
		size_t len = 0;

		for (uint64_t n = 1 + next_random(&seed) % 12, i = 0; i < n; i++) {
			int low = (int)(next_random(&seed) % 64),
			    high = low + (int)(next_random(&seed) % (uint64_t)(64 - low));
			char joint = i ? ",!&, "[next_random(&seed) % 5] : ' ';
			uint64_t mask = (~(uint64_t)0 >> (63 - high)) & (~(uint64_t)0 << low);

			len += (size_t)snprintf(
				text + len, sizeof(text) - len, "%cn[%d-%d]", joint, low, high);
			sum = joint == '!' ? sum & ~mask : joint == '&' ? sum & mask : sum | mask;
		}
		set = parse(text);
		if (mask_of(set) != sum)
			fail_msg("round %d: %s", (int)round, text);
		deploy_nodeset_free(set);
	}
}

static void first_names_are_kept(void **state)
{
	static const struct {
		size_t count;
		const char *left;
	} cases[] = {{9, "web[1-4]"}, {4, "web[1-4]"}, {3, "web[1-3]"}, {1, "web1"}, {0, ""}};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct deploy_nodeset *set = parse("web4,web2,web3,web1");
		char *text;

		deploy_nodeset_keep_first(set, cases[i].count);
		text = deploy_nodeset_print(set);
		assert_string_equal(text, cases[i].left);
		free(text);
		deploy_nodeset_free(set);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(expression_expands_sorted_and_without_duplicates),
		cmocka_unit_test(algebra_goes_from_left_to_right),
		cmocka_unit_test(malformed_expression_is_refused_with_its_column),
		cmocka_unit_test(expansion_over_the_limit_is_refused_before_it_is_made),
		cmocka_unit_test(set_takes_exactly_the_limit),
		cmocka_unit_test(identity_is_1_to_255_of_its_alphabet),
		cmocka_unit_test(longest_name_of_an_element_is_measured_before_it_is_made),
		cmocka_unit_test(literal_name_is_never_expanded),
		cmocka_unit_test(name_is_found_at_its_place_by_length),
		cmocka_unit_test(copy_is_independent),
		cmocka_unit_test(first_names_are_kept),
		cmocka_unit_test(fold_is_short_and_keeps_widths_apart),
		cmocka_unit_test(fold_of_the_empty_set_is_empty),
		cmocka_unit_test(fold_always_parses_back_to_the_same_set),
		cmocka_unit_test(algebra_agrees_with_bit_masks),
		cmocka_unit_test(expression_agrees_with_bit_masks),
	};

	return cmocka_run_group_tests_name("nodeset", tests, NULL, NULL);
}
