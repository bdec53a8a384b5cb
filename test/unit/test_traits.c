/* Filters judged for one node: every verdict of MCollective itself, and what people are told. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "deploy/text.h"
#include "deploy/traits.h"

#include "verdicts.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

typedef int add_fn(struct deploy_filter *filter, const char *text, struct deploy_error *err);

/* Add text to filter under its flag; false if it is refused. */
static bool add(struct deploy_filter *filter, const char *flag, const char *text)
{
	static const struct {
		const char *flag;
		add_fn *fn;
	} adders[] = {{"-F", deploy_filter_add_fact}, {"-C", deploy_filter_add_class},
		{"-A", deploy_filter_add_agent}, {"-I", deploy_filter_add_identity},
		{"-S", deploy_filter_add_compound}};
	struct deploy_error err = {.code = DEPLOY_OK};

	for (size_t i = 0; i < COUNT(adders); i++)
		if (strcmp(adders[i].flag, flag) == 0)
			return adders[i].fn(filter, text, &err) == 0;
	fail_msg("no flag is called %s", flag);
	return false;
}

static bool all_hold(const struct deploy_verdict *verdicts, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (!verdicts[i].holds)
			return false;
	return true;
}

static bool says(const struct deploy_verdict *verdicts, size_t count, const char *text)
{
	for (size_t i = 0; i < count; i++)
		if (strstr(verdicts[i].why, text))
			return true;
	return false;
}

/* Judge the typed terms for the node of one line of traits_ruby.txt. */
static void check_line(const json_t *line, void *arg)
{
	const json_t *typed = json_array_get(line, 0), *answer = json_array_get(line, 5);
	struct deploy_traits traits = {.identity = json_string_value(json_array_get(line, 1)),
		.facts = json_array_get(line, 2),
		.classes = json_array_get(line, 3),
		.agents = json_array_get(line, 4)};
	struct deploy_filter filter = {.facts = NULL};
	struct deploy_verdict *verdicts;
	size_t count;
	bool is_refused = false, failed;

	(void)arg;
	assert_int_equal(json_array_size(line), 6);
	for (size_t i = 0; i < json_array_size(typed); i++) {
		const json_t *term = json_array_get(typed, i);

		if (!add(&filter, json_string_value(json_array_get(term, 0)),
			    json_string_value(json_array_get(term, 1))))
			is_refused = true;
	}
	count = deploy_filter_judge(&verdicts, &filter, &traits);
	failed = says(verdicts, count, "Ruby fails to compare");
	if (is_refused ? !json_is_string(answer)
		       : all_hold(verdicts, count) != json_is_true(answer))
		fail_msg("%s", json_dumps(line, 0));
	/* What Ruby raises is told, unless another term may have been judged first. */
	if (!is_refused && json_array_size(typed) == 1 && failed != json_is_string(answer))
		fail_msg("%s: %s", json_dumps(line, 0), verdicts[0].why);
	deploy_verdicts_free(verdicts, count);
	deploy_filter_release(&filter);
}

static void every_verdict_is_that_of_mcollective_itself(void **state)
{
	(void)state;
	assert_true(each_verdict("test/data/traits_ruby.txt", check_line, NULL) > 2000);
}

/* A node, and what it says of one term. */
struct sample {
	const char *flag, *text;
	bool holds;
	const char *why;
};

static const char node_json[] =
	"{\"facts\": {\"country\": \"uk\", \"rank\": \"9\", \"low\": \"-5\", \"month\": \"08\","
	" \"mode\": \"010\", \"mem\": \"16.00 GiB\", \"tags\": [\"a\", \"b\"], \"none\": [],"
	" \"os\": {\"family\": \"x\", \"name\": \"y\"}, \"empty\": {}, \"null\": null,"
	" \"number\": 5, \"flag\": true, \"tenth\": 0.1, \"one\": \"01\", \"mixed\": [null, "
	"{\"k\": 1}],"
	" \"raw\": {\"$bytes\": \"/w==\"}, \"ctl\": \"a\\u001b[1m\","
	" \"long\": \"aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffg\","
	" \"exact\": \"aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffff\","
	" \"wide\": \"日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本\","
	" \"list\": [\"aaaaaaaaaabbbbbbbbbb\", \"ccccccccccdddddddddd\", \"eeeeeeeeeeff\"],"
	" \"nums\": [\"10\", \"-3\"]},"
	" \"classes\": [\"apache2\", \"role::web\"], \"agents\": [\"discovery\", \"puppet\"]}";

static void check_samples(const struct sample *samples, size_t count)
{
	json_t *node = json_loads(node_json, 0, NULL);
	struct deploy_traits traits = {.identity = "web1.example.net",
		.facts = json_object_get(node, "facts"),
		.classes = json_object_get(node, "classes"),
		.agents = json_object_get(node, "agents")};

	assert_non_null(node);
	for (size_t i = 0; i < count; i++) {
		struct deploy_filter filter = {.facts = NULL};
		struct deploy_verdict *verdict;

		assert_true(add(&filter, samples[i].flag, samples[i].text));
		assert_int_equal(deploy_filter_judge(&verdict, &filter, &traits), 1);
		assert_string_equal(verdict->why, samples[i].why);
		if (verdict->holds != samples[i].holds)
			fail_msg("%s holds: %d", samples[i].text, verdict->holds);
		deploy_verdicts_free(verdict, 1);
		deploy_filter_release(&filter);
	}
	json_decref(node);
}

static void fact_is_shown_with_the_value_of_the_node(void **state)
{
	static const struct sample samples[] = {
		{"-F", "country=de", false, "country is 'uk'"},
		{"-F", "country=uk", true, "country is 'uk'"},
		{"-F", "country=~/^u/", true, "country is 'uk'"},
		{"-F", "contry=uk", false,
			"the node has no fact 'contry', did you mean 'country'?"},
		{"-F", "zzz!=uk", false, "the node has no fact 'zzz'"},
		{"-F", "null!=uk", false, "the node has no fact 'null'"},
		{"-F", "number=5", true, "number is '5'"},
		{"-F", "flag=true", true, "flag is 'true'"},
		{"-F", "tenth=0.1", true, "tenth is '0.1'"},
	};

	(void)state;
	check_samples(samples, COUNT(samples));
}

static void order_that_surprises_is_explained(void **state)
{
	static const struct sample samples[] = {
		{"-F", "rank>=10", false, "rank is '9'"},
		{"-F", "rank>=10.5", true, "rank is '9', compared as text"},
		{"-F", "rank<-1", false, "rank is '9', compared as text"},
		{"-F", "low<3", true, "low is '-5', compared as text"},
		{"-F", "low<-10", false, "low is '-5', compared as text"},
		{"-F", "mem>9", false, "mem is '16.00 GiB', compared as text"},
		{"-F", "country>5", true, "country is 'uk', compared as text"},
		{"-F", "country>de", true, "country is 'uk'"},
		{"-F", "low!=5", true, "low is '-5'"},
		{"-F", "low==5", false, "low is '-5'"},
		{"-F", "mode<9", true, "mode is '010', compared as octal where it begins with 0"},
		{"-F", "rank<011", false, "rank is '9', compared as octal where it begins with 0"},
		{"-F", "rank>00", true, "rank is '9'"},
		{"-F", "rank>01", true, "rank is '9'"},
		{"-F", "one<5", true, "one is '01'"},
		{"-F", "month>5", false,
			"month is '08', which Ruby fails to compare with '5': "
			"the node drops the request"},
		{"-F", "month==08", true, "month is '08'"},
	};

	(void)state;
	check_samples(samples, COUNT(samples));
}

static void list_passes_by_any_element_and_hash_by_any_key(void **state)
{
	static const struct sample samples[] = {
		{"-F", "tags=b", true, "tags holds 'b'"},
		{"-F", "tags=c", false, "tags is a list of 'a', 'b'"},
		{"-F", "tags!=a", true, "tags holds 'b'"},
		{"-F", "none!=a", false, "none is an empty list"},
		{"-F", "nums<-1", false, "nums is a list of '10', '-3', compared as text"},
		{"-F", "nums<-5", true, "nums holds '-3', compared as text"},
		{"-F", "os=family", true, "os has the key 'family'"},
		{"-F", "os=x", false, "os is a hash with the keys 'family', 'name'"},
		{"-F", "empty!=a", false, "empty is an empty hash"},
		{"-F", "mixed=k", false, "mixed is a list of '', {\"k\":1}"},
		{"-F", "mixed=~/./", false,
			"mixed holds {\"k\":1}, which Ruby fails to compare with '/./': "
			"the node drops the request"},
		{"-F", "raw=x", false, "raw is {\"$bytes\":\"/w==\"}"},
		{"-F", "raw!=x", false,
			"raw is {\"$bytes\":\"/w==\"}; only the node can tell: it is not text"},
	};

	(void)state;
	check_samples(samples, COUNT(samples));
}

static void value_is_escaped_and_cut_to_60_columns(void **state)
{
	static const struct sample samples[] = {
		{"-F", "ctl=x", false, "ctl is 'a\\e[1m'"},
		{"-F", "exact=x", false,
			"exact is 'aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffff'"},
		{"-F", "long=x", false,
			"long is 'aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeefffffffff…'"},
		{"-F", "wide=x", false,
			"wide is '日本日本日本日本日本日本日本日本日本日本日本日本日本日本日…'"},
		{"-F", "list=x", false,
			"list is a list of "
			"'aaaaaaaaaabbbbbbbbbb', 'ccccccccccdddddddddd', 'eeeeeeeeee…"},
	};

	(void)state;
	check_samples(samples, COUNT(samples));
}

static void class_or_agent_that_is_missing_has_its_nearest_named(void **state)
{
	static const struct sample samples[] = {
		{"-C", "apache", false, "the node has no class 'apache', did you mean 'apache2'?"},
		{"-C", "mysql", false, "the node has no class 'mysql'"},
		{"-C", "apache2", true, "the node has the class 'apache2'"},
		{"-C", "/^role/", true, "the node has the class 'role::web'"},
		{"-C", "/r/o/l/e/", true, "the node has the class 'role::web'"},
		{"-C", "/^web/", false, "the node has no class that matches"},
		{"-A", "pupet", false, "the node has no agent 'pupet', did you mean 'puppet'?"},
		{"-A", "puppet", true, "the node has the agent 'puppet'"},
		{"-A", "/^pup/", true, "the node has the agent 'puppet'"},
		{"-A", "/mcollective/", false, "the node has no agent that matches"},
		{"-A", "mcollective", true, "every node passes the agent 'mcollective'"},
	};

	(void)state;
	check_samples(samples, COUNT(samples));
}

static void identities_are_alternatives(void **state)
{
	static const struct sample samples[] = {
		{"-I", "web[1-3].example.net", true, "the node is 'web1.example.net'"},
		{"-I", "web[2-3].example.net", false, "the node is 'web1.example.net'"},
		{"-I", "/^web/", true, "the node is 'web1.example.net'"},
		{"-I", "/^db/", false, "the node is 'web1.example.net'"},
	};
	struct deploy_filter filter = {.facts = NULL};
	struct deploy_traits traits = {.identity = "web1"};
	struct deploy_verdict *verdict;

	(void)state;
	check_samples(samples, COUNT(samples));
	assert_true(add(&filter, "-I", "/^w/") && add(&filter, "-I", "web[1-2]"));
	assert_int_equal(deploy_filter_judge(&verdict, &filter, &traits), 1);
	assert_true(verdict->holds);
	assert_string_equal(verdict->term, "-I '/^w/' -I 'web[1-2]'");
	assert_string_equal(verdict->why, "the node is 'web1'");
	deploy_verdicts_free(verdict, 1);
	deploy_filter_release(&filter);
}

/* Such expressions are refused when typed, but a filter may come from elsewhere. */
static void compound_tells_what_each_statement_comes_to(void **state)
{
	static const struct sample samples[] = {
		{"-S", "country=uk", true, "country=uk: country is 'uk'"},
		{"-S", "not country=uk", false, "country=uk: country is 'uk'"},
		{"-S", "apache or !country=/^d/", true,
			"apache: the node has no class 'apache', did you mean 'apache2'?; "
			"country=/^d/: country is 'uk'"},
		{"-S", "/^role/ and rank >10.5", true,
			"/^role/: the node has the class 'role::web'; "
			"rank>10.5: rank is '9', compared as text"},
		{"-S", "country=uk or f('x').y=1", false,
			"country=uk: country is 'uk'; only the node can tell: f()"},
		{"-S", "country=de and f('x').y=1", false,
			"country=de: country is 'uk'; only the node can tell: f()"},
		{"-S", "country=uk or month>5", false,
			"country=uk: country is 'uk'; month>5: month is '08', which Ruby fails to "
			"compare with '5': the node drops the request"},
	};

	(void)state;
	check_samples(samples, COUNT(samples));
}

static void expression_that_does_not_compile_here_is_left_to_the_node(void **state)
{
	char fact[] = "f", value[] = "/[a&&b]/", class[] = "/[a&&b]/", name[] = "/^w/";
	char *texts[] = {class}, *identities[] = {class, name, name};
	struct deploy_fact_term term = {.fact = fact, .value = value, .operator= "=~" };
	struct deploy_filter filter = {.facts = &term,
		.fact_count = 1,
		.classes = texts,
		.class_count = 1,
		.agents = texts,
		.agent_count = 1,
		.identities = identities};
	json_t *facts = json_pack("{s:s}", "f", "x"), *names = json_pack("[s]", "a");
	struct deploy_traits traits = {
		.identity = "web1", .facts = facts, .classes = names, .agents = names};
	struct deploy_verdict *verdicts;

	(void)state;
	for (filter.identity_count = 1; filter.identity_count <= 3; filter.identity_count++) {
		assert_int_equal(deploy_filter_judge(&verdicts, &filter, &traits), 4);
		for (size_t i = 0; i < 4; i++) {
			assert_false(verdicts[i].holds);
			assert_non_null(strstr(verdicts[i].why,
				"only the node can tell: regular expression /[a&&b]/: &&"));
		}
		deploy_verdicts_free(verdicts, 4);
	}
	json_decref(facts);
	json_decref(names);
}

static void expression_that_takes_too_long_is_left_to_the_node(void **state)
{
	json_t *facts = json_pack("{s:s}", "f", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab");
	struct deploy_traits traits = {.identity = "web1", .facts = facts};
	struct deploy_filter filter = {.facts = NULL};
	struct deploy_verdict *verdict;

	(void)state;
	assert_true(add(&filter, "-F", "f=~/^(a|a)*$/"));
	assert_int_equal(deploy_filter_judge(&verdict, &filter, &traits), 1);
	assert_false(verdict->holds);
	assert_non_null(strstr(verdict->why, "only the node can tell: "));
	deploy_verdicts_free(verdict, 1);
	deploy_filter_release(&filter);
	json_decref(facts);
}

/* What becomes of a fact f of 1000 digits under the term text, or with itself if that is NULL. */
static const char *why_of_long_numbers(char *why, size_t size, char digit, const char *text)
{
	char number[1001];
	struct deploy_filter filter = {.facts = NULL};
	struct deploy_traits traits = {.identity = "web1"};
	struct deploy_verdict *verdict;
	json_t *facts;

	memset(number, digit, sizeof(number) - 1);
	number[sizeof(number) - 1] = '\0';
	facts = json_pack("{s:s}", "f", number);
	traits.facts = facts;
	assert_true(add(&filter, "-F", text ? text : "f>1"));
	if (!text) {
		free(filter.facts[0].value);
		filter.facts[0].value = strdup(number);
	}
	assert_int_equal(deploy_filter_judge(&verdict, &filter, &traits), 1);
	(void)snprintf(why, size, "%d %s", verdict->holds, verdict->why);
	deploy_verdicts_free(verdict, 1);
	deploy_filter_release(&filter);
	json_decref(facts);
	return why;
}

static void number_of_a_thousand_digits_is_compared_with_shorter_ones(void **state)
{
	char why[512];

	(void)state;
	assert_int_equal(why_of_long_numbers(why, sizeof(why), '7', "f>5")[0], '1');
	assert_int_equal(why_of_long_numbers(why, sizeof(why), '7', "f<5")[0], '0');
	assert_null(strstr(why, "only the node"));
	(void)why_of_long_numbers(why, sizeof(why), '7', NULL);
	assert_int_equal(why[0], '0');
	assert_non_null(strstr(why, "only the node can tell: both numbers"));
}

static void terms_come_in_order_and_as_the_whole_filter_is_printed(void **state)
{
	static const char *const terms[][2] = {{"-I", "web[1-2]"}, {"-A", "puppet"}, {"-I", "/x/"},
		{"-C", "it's"}, {"-F", "a=b"}, {"-C", "c"}, {"-F", "c=/d/"}};
	struct deploy_filter filter = {.facts = NULL};
	struct deploy_traits traits = {.identity = "web1"};
	struct deploy_verdict *verdicts;
	char *whole, joined[256] = "";
	size_t count, len = 0;

	(void)state;
	for (size_t i = 0; i < COUNT(terms); i++)
		assert_true(add(&filter, terms[i][0], terms[i][1]));
	count = deploy_filter_judge(&verdicts, &filter, &traits);
	assert_int_equal(count, 6);
	for (size_t i = 0; i < count; i++)
		len += (size_t)snprintf(
			joined + len, sizeof(joined) - len, "%s%s", i ? " " : "", verdicts[i].term);
	whole = deploy_filter_print(&filter);
	assert_string_equal(joined, whole);
	assert_string_equal(whole, "-F a==b -F 'c=~/d/' -C 'it'\\''s' -C c -A puppet -I /x/ "
				   "-I 'web[1-2]'");
	free(whole);
	deploy_verdicts_free(verdicts, count);
	deploy_filter_release(&filter);
}

static void empty_filter_has_no_verdict(void **state)
{
	struct deploy_filter filter = {.facts = NULL};
	struct deploy_traits traits = {.identity = "web1"};
	struct deploy_verdict *verdicts;

	(void)state;
	assert_int_equal(deploy_filter_judge(&verdicts, &filter, &traits), 0);
	deploy_verdicts_free(verdicts, 0);
}

static void set_that_became_empty_holds_for_nobody(void **state)
{
	struct deploy_filter filter = {.nodes = deploy_nodeset_new()};
	struct deploy_traits traits = {.identity = "web1"};
	struct deploy_verdict *verdicts;

	(void)state;
	assert_int_equal(deploy_filter_judge(&verdicts, &filter, &traits), 1);
	assert_false(verdicts[0].holds);
	deploy_verdicts_free(verdicts, 1);
	deploy_filter_release(&filter);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_verdict_is_that_of_mcollective_itself),
		cmocka_unit_test(fact_is_shown_with_the_value_of_the_node),
		cmocka_unit_test(order_that_surprises_is_explained),
		cmocka_unit_test(list_passes_by_any_element_and_hash_by_any_key),
		cmocka_unit_test(value_is_escaped_and_cut_to_60_columns),
		cmocka_unit_test(class_or_agent_that_is_missing_has_its_nearest_named),
		cmocka_unit_test(identities_are_alternatives),
		cmocka_unit_test(compound_tells_what_each_statement_comes_to),
		cmocka_unit_test(expression_that_does_not_compile_here_is_left_to_the_node),
		cmocka_unit_test(expression_that_takes_too_long_is_left_to_the_node),
		cmocka_unit_test(number_of_a_thousand_digits_is_compared_with_shorter_ones),
		cmocka_unit_test(terms_come_in_order_and_as_the_whole_filter_is_printed),
		cmocka_unit_test(empty_filter_has_no_verdict),
		cmocka_unit_test(set_that_became_empty_holds_for_nobody),
	};

	return cmocka_run_group_tests_name("traits", tests, NULL, NULL);
}
