/* Filters: what mco's parser makes of a text, what is refused, and the line that is printed. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "deploy/filter.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

typedef int add_fn(struct deploy_filter *filter, const char *text, struct deploy_error *err);

static void add(add_fn *fn, struct deploy_filter *filter, const char *text)
{
	struct deploy_error err = {.code = DEPLOY_OK};

	if (fn(filter, text, &err) != 0)
		fail_msg("%s", err.text);
}

static void assert_refused(add_fn *fn, const char *text)
{
	struct deploy_filter filter = {.facts = NULL};
	struct deploy_error err = {.code = DEPLOY_OK};

	if (fn(&filter, text, &err) != DEPLOY_USAGE)
		fail_msg("\"%s\" was taken", text);
	assert_true(err.text[0] != '\0');
	assert_true(deploy_filter_is_empty(&filter));
	deploy_filter_release(&filter);
}

/* A line of fact_strings.txt: text and fact, operator, value or "error"; returns false at comments.
 */
static bool split_line(char *line, char *field[4])
{
	char *at = line;

	line[strcspn(line, "\n")] = '\0';
	for (size_t i = 0; i < 4; i++) {
		field[i] = at;
		at += strcspn(at, "\t");
		if (*at)
			*at++ = '\0';
	}
	for (size_t i = 0; i < 4; i++)
		for (char *blank; (blank = strchr(field[i], '_'));)
			*blank = ' ';
	return line[0] != '#';
}

static void fact_is_parsed_exactly_as_mco_does(void **state)
{
	FILE *file = fopen("test/data/fact_strings.txt", "r");
	char line[256], *field[4];
	int lines = 0;

	(void)state;
	assert_non_null(file);
	while (fgets(line, sizeof(line), file)) {
		struct deploy_filter filter = {.facts = NULL};

		if (!split_line(line, field))
			continue;
		lines++;
		if (strcmp(field[1], "error") == 0) {
			assert_refused(deploy_filter_add_fact, field[0]);
			continue;
		}
		add(deploy_filter_add_fact, &filter, field[0]);
		assert_string_equal(filter.facts[0].fact, field[1]);
		assert_string_equal(filter.facts[0].operator, field[2]);
		assert_string_equal(filter.facts[0].value, field[3]);
		deploy_filter_release(&filter);
	}
	assert_true(lines > 500);
	assert_int_equal(fclose(file), 0);
}

static void empty_or_unmatchable_text_is_refused_never_everyone(void **state)
{
	static add_fn *const adders[] = {deploy_filter_add_fact, deploy_filter_add_class,
		deploy_filter_add_agent, deploy_filter_add_identity, deploy_filter_add_with};
	static const char *const texts[] = {
		"", " ", "\t\n", "a=b\001", "\x7f", "a=\xff", "a=b\xc3", "\033[1m=x"};

	(void)state;
	for (size_t i = 0; i < COUNT(adders); i++)
		for (size_t j = 0; j < COUNT(texts); j++)
			assert_refused(adders[i], texts[j]);
	assert_refused(deploy_filter_add_fact, "a=b\nc");
	assert_refused(deploy_filter_add_class, "apache\n");
}

static void fact_without_operator_name_or_value_is_refused(void **state)
{
	static const char *const texts[] = {"foo", "=b", "foo=", " foo=b", "foo bar=b", "foo<",
		"=~/x/", "foo!", "foo!b", "foo~b", "~", "==", "foo=~/(/", "foo=~(", "foo=/[/",
		"foo=~*a"};

	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++)
		assert_refused(deploy_filter_add_fact, texts[i]);
}

static void class_is_a_name_or_a_regex_that_compiles(void **state)
{
	static const char *const good[] = {
		"apache", "role::web", "/^role/", "/a\\/b/", "a/b", "/[a-z]+/"};
	static const char *const bad[] = {"/", "//", "///", "/re", "/(/", "/[/", "/a/i", "/*/"};

	(void)state;
	for (size_t i = 0; i < COUNT(good); i++) {
		struct deploy_filter filter = {.facts = NULL};

		add(deploy_filter_add_class, &filter, good[i]);
		assert_string_equal(filter.classes[0], good[i]);
		deploy_filter_release(&filter);
	}
	for (size_t i = 0; i < COUNT(bad); i++)
		assert_refused(deploy_filter_add_class, bad[i]);
}

static void agent_is_lower_case_or_a_regex(void **state)
{
	static const char *const good[] = {"puppet", "mcollective", "a_1", "/^pup/"};
	static const char *const bad[] = {
		"Puppet", "pup pet", "pup-pet", "a.b", "a,b", "//", "/a", "/(/", "a/"};

	(void)state;
	for (size_t i = 0; i < COUNT(good); i++) {
		struct deploy_filter filter = {.facts = NULL};

		add(deploy_filter_add_agent, &filter, good[i]);
		assert_string_equal(filter.agents[0], good[i]);
		deploy_filter_release(&filter);
	}
	for (size_t i = 0; i < COUNT(bad); i++)
		assert_refused(deploy_filter_add_agent, bad[i]);
}

static void identity_is_a_nodeset_or_a_regex(void **state)
{
	static const char *const bad[] = {
		"a[", "web[3-1]", "a,", "a!a", "a/b", "//", "/x", "/(/", "web*"};
	struct deploy_filter filter = {.facts = NULL};

	(void)state;
	add(deploy_filter_add_identity, &filter, "web[1-2],db1");
	assert_true(deploy_filter_names_nodes(&filter));
	add(deploy_filter_add_identity, &filter, "db1,lb1");
	assert_int_equal(deploy_nodeset_count(filter.nodes), 4);
	add(deploy_filter_add_identity, &filter, "/^mq/");
	assert_string_equal(filter.identities[0], "/^mq/");
	assert_false(deploy_filter_names_nodes(&filter));
	for (size_t i = 0; i < COUNT(bad); i++)
		assert_refused(deploy_filter_add_identity, bad[i]);
	deploy_filter_release(&filter);
}

static void refused_identity_leaves_the_ones_before(void **state)
{
	struct deploy_filter filter = {.facts = NULL};
	struct deploy_error err = {.code = DEPLOY_OK};

	(void)state;
	add(deploy_filter_add_identity, &filter, "a,b");
	assert_int_equal(deploy_filter_add_identity(&filter, "c,d[", &err), DEPLOY_USAGE);
	assert_non_null(strstr(err.text, "column 5"));
	assert_int_equal(deploy_nodeset_count(filter.nodes), 2);
	deploy_filter_release(&filter);
}

static void with_takes_facts_and_classes_word_by_word(void **state)
{
	struct deploy_filter filter = {.facts = NULL};

	(void)state;
	add(deploy_filter_add_with, &filter, "  apache country=de\t/^role/ os=~/^deb/ ");
	assert_int_equal(filter.class_count, 2);
	assert_string_equal(filter.classes[0], "apache");
	assert_string_equal(filter.classes[1], "/^role/");
	assert_int_equal(filter.fact_count, 2);
	assert_string_equal(filter.facts[0].fact, "country");
	assert_string_equal(filter.facts[1].operator, "=~");
	deploy_filter_release(&filter);
	assert_refused(deploy_filter_add_with, "os=~/(/");
	assert_refused(deploy_filter_add_with, "/(/");
}

static void only_a_filter_without_terms_is_empty(void **state)
{
	static add_fn *const adders[] = {deploy_filter_add_fact, deploy_filter_add_class,
		deploy_filter_add_agent, deploy_filter_add_identity, deploy_filter_add_with};
	static const char *const texts[] = {"a=b", "c", "d", "e", "f"};

	(void)state;
	for (size_t i = 0; i < COUNT(adders); i++) {
		struct deploy_filter filter = {.facts = NULL};

		assert_true(deploy_filter_is_empty(&filter));
		assert_false(deploy_filter_names_nodes(&filter));
		add(adders[i], &filter, texts[i]);
		assert_false(deploy_filter_is_empty(&filter));
		assert_int_equal(deploy_filter_names_nodes(&filter), i == 3);
		deploy_filter_release(&filter);
		assert_true(deploy_filter_is_empty(&filter));
	}
}

static void set_that_became_empty_is_not_everyone(void **state)
{
	struct deploy_filter filter = {.nodes = deploy_nodeset_new()};

	(void)state;
	assert_false(deploy_filter_is_empty(&filter));
	deploy_filter_release(&filter);
}

static void print_can_be_pasted_into_a_shell(void **state)
{
	struct deploy_filter filter = {.facts = NULL};
	char *text = deploy_filter_print(&filter);

	(void)state;
	assert_string_equal(text, "");
	free(text);
	add(deploy_filter_add_identity, &filter, "web[1-3]");
	add(deploy_filter_add_identity, &filter, "/^db/");
	add(deploy_filter_add_agent, &filter, "puppet");
	add(deploy_filter_add_class, &filter, "it's");
	add(deploy_filter_add_class, &filter, "=a");
	add(deploy_filter_add_fact, &filter, "country = de");
	add(deploy_filter_add_fact, &filter, "os=/^deb/");
	add(deploy_filter_add_fact, &filter, "a<b=>c");
	add(deploy_filter_add_fact, &filter, "foo= >b");
	add(deploy_filter_add_fact, &filter, "foo bar=/x/");
	text = deploy_filter_print(&filter);
	assert_string_equal(text,
		"-F country==de -F 'os=~/^deb/' -F 'a<b=>c' -F 'foo= >b' -F 'foo bar=/x/' "
		"-C 'it'\\''s' -C '=a' -A puppet -I '/^db/' -I 'web[1-3]'");
	free(text);
	deploy_filter_release(&filter);
}

/* The quotes of a printed "-F …" off again. */
static void unquote(char *out, const char *text)
{
	for (text += strlen("-F "); *text; text++) {
		if (strncmp(text, "'\\''", 4) == 0 && text[4]) {
			*out++ = '\'';
			text += 3;
		} else if (*text != '\'') {
			*out++ = *text;
		}
	}
	*out = '\0';
}

static void printed_fact_is_read_back_as_the_same_term(void **state)
{
	FILE *file = fopen("test/data/fact_strings.txt", "r");
	char line[256], *field[4], bare[256];

	(void)state;
	assert_non_null(file);
	while (fgets(line, sizeof(line), file)) {
		struct deploy_filter filter = {.facts = NULL};
		char *text;

		if (!split_line(line, field) || strcmp(field[1], "error") == 0)
			continue;
		add(deploy_filter_add_fact, &filter, field[0]);
		text = deploy_filter_print(&filter);
		unquote(bare, text);
		add(deploy_filter_add_fact, &filter, bare);
		assert_string_equal(filter.facts[1].fact, field[1]);
		assert_string_equal(filter.facts[1].operator, field[2]);
		assert_string_equal(filter.facts[1].value, field[3]);
		free(text);
		deploy_filter_release(&filter);
	}
	assert_int_equal(fclose(file), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fact_is_parsed_exactly_as_mco_does),
		cmocka_unit_test(empty_or_unmatchable_text_is_refused_never_everyone),
		cmocka_unit_test(fact_without_operator_name_or_value_is_refused),
		cmocka_unit_test(class_is_a_name_or_a_regex_that_compiles),
		cmocka_unit_test(agent_is_lower_case_or_a_regex),
		cmocka_unit_test(identity_is_a_nodeset_or_a_regex),
		cmocka_unit_test(refused_identity_leaves_the_ones_before),
		cmocka_unit_test(with_takes_facts_and_classes_word_by_word),
		cmocka_unit_test(only_a_filter_without_terms_is_empty),
		cmocka_unit_test(set_that_became_empty_is_not_everyone),
		cmocka_unit_test(print_can_be_pasted_into_a_shell),
		cmocka_unit_test(printed_fact_is_read_back_as_the_same_term),
	};

	return cmocka_run_group_tests_name("filter", tests, NULL, NULL);
}
