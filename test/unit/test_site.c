/*
 * Site graphs: what is wrong in a document, told with its pointer and place; the order of nodes,
 * each known way to get it wrong; what is told of a site beside that; and how it is shown.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/intern.h"
#include "deploy/nodeset.h"
#include "deploy/site.h"
#include "site_show.h"

#define COUNT(array)	 (sizeof(array) / sizeof((array)[0]))
#define HEAD		 "environment: p\napplications:\n"
#define C(name, p, c, n) name ": {produces: [" p "], consumes: [" c "], node: " n "}"

static struct deploy_site *read_text(const char *text)
{
	struct deploy_error err = {.code = DEPLOY_OK};
	struct deploy_site *site = NULL;

	if (deploy_site_read(&site, "t", text, strlen(text), &err))
		fail_msg("%s\n%.300s", err.text, text);
	assert_non_null(site);
	return site;
}

static struct deploy_site *read_good(const char *text)
{
	struct deploy_site *site = read_text(text);

	if (deploy_site_flaw_count(site))
		fail_msg("%s: %s", deploy_site_flaw(site, 0)->pointer,
			deploy_site_flaw(site, 0)->text);
	return site;
}

/* "a b | c": ranks and their nodes. */
static void expect_order(const struct deploy_ranks *ranks, const char *expected)
{
	char got[4096] = "";
	size_t len = 0;

	for (size_t rank = 0; rank < ranks->rank_count; rank++)
		for (uint32_t i = ranks->rank_start[rank]; i < ranks->rank_start[rank + 1]; i++) {
			const char *between = i > ranks->rank_start[rank] ? " " : rank ? " | " : "";

			assert_int_equal(rank, ranks->rank[ranks->by_rank[i]]);
			len += (size_t)snprintf(got + len, sizeof(got) - len, "%s%s", between,
				ranks->nodes[ranks->by_rank[i]]);
			assert_true(len < sizeof(got));
		}
	assert_string_equal(expected, got);
}

/* "kind[!]: text" of each, a newline behind it. */
static void expect_notices(const struct deploy_ranks *ranks, const char *expected)
{
	char got[8192] = "";
	size_t len = 0;

	for (size_t i = 0; i < ranks->notice_count; i++) {
		const struct deploy_site_notice *notice = &ranks->notices[i];

		assert_int_equal(notice->is_error, i < ranks->error_count);
		len += (size_t)snprintf(got + len, sizeof(got) - len, "%s%s: %s\n",
			deploy_site_notice_name(notice->kind), notice->is_error ? "!" : "",
			notice->text);
		assert_true(len < sizeof(got));
	}
	assert_string_equal(expected, got);
}

static struct deploy_ranks *rank_part(const struct deploy_site *site, const char *instance,
	bool with_deps, enum deploy_code expected, struct deploy_error *err)
{
	struct deploy_ranks *ranks = NULL;
	const struct deploy_site_selection selection = {
		.instances = &instance, .instance_count = instance != NULL, .with_deps = with_deps};

	*err = (struct deploy_error){.code = DEPLOY_OK};
	if (deploy_site_rank(&ranks, site, instance ? &selection : NULL, err) != (int)expected)
		fail_msg("%d: %s", err->code, err->text);
	assert_int_equal(expected, err->code);
	return ranks;
}

struct order {
	const char *text, *order, *notices;
};

static void expect_orders(const struct order *cases, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct deploy_site *site = read_good(cases[i].text);
		struct deploy_error err;
		struct deploy_ranks *ranks = rank_part(site, NULL, false, DEPLOY_OK, &err);

		expect_order(ranks, cases[i].order);
		expect_notices(ranks, cases[i].notices);
		deploy_ranks_free(ranks);
		deploy_site_free(site);
	}
}

static void nodes_wait_for_producers_in_any_application(void **state)
{
	static const struct order cases[] = {
		/* 1: a node in several applications runs once, behind all its producers. */
		{HEAD " A: {" C("x", "P", "", "n1") ", " C("y", "", "P",
			 "n2") "}\n"
			       " B: {" C("x", "Q", "P", "n3") ", " C("y", "", "Q", "n2") "}\n",
			"n1 | n3 | n2", ""},
		/* 3: what a node produces itself is nothing to wait for. */
		{HEAD " A: {" C("x", "P", "", "n1") ", " C("y", "Q", "P", "n1") ", " C(
			 "z", "", "Q", "n2") "}\n",
			"n1 | n2", ""},
		{HEAD " A: {" C("x", "P", "P", "n1") "}\n", "n1", ""},
		/* 7: several producers, also beside the node itself. */
		{HEAD " A: {" C("x", "P", "", "n1") ", " C("y", "P", "", "n2") ", " C(
			 "z", "", "P", "n0") "}\n",
			"n1 n2 | n0",
			"producers: P is waited for from all who produce it: A x on n1, A y on "
			"n2\n"},
		{HEAD " A: {" C("x", "P", "P", "n2") ", " C("y", "P", "", "n1") "}\n", "n1 | n2",
			"producers: P is waited for from all who produce it: A y on n1, A x on "
			"n2\n"},
		{HEAD " A: {" C("x", "P", "", "n1") ", " C("y", "P", "", "n1") "}\n", "n1",
			"producers: P is waited for from all who produce it: A x on n1, A y on "
			"n1\n"},
		/* 9: neither the order of keys nor of nodes matters. */
		{HEAD " B: {" C("z", "", "", "z9") "}\n A: {" C("y", "", "", "m5") ", " C(
			 "x", "", "", "a1") "}\n",
			"a1 m5 z9", ""},
		{HEAD " A: {" C("x", "", "", "n10") ", " C("y", "", "", "n9") ", " C(
			 "z", "", "", "N9x") "}\n",
			"N9x n10 n9", ""},
		/* 11: components of two applications may have one name. */
		{HEAD " A: {" C("x", "P", "", "n2") "}\n B: {" C("x", "", "P", "n1") "}\n",
			"n2 | n1", ""},
		/* 12: names are compared exactly. */
		{HEAD " A: {" C("x", "P", "", "Web1") ", " C("y", "", "P", "web1") "}\n",
			"Web1 | web1",
			"alike: Web1 and web1 differ in case only, and are two nodes\n"},
		/* The longest way counts. */
		{HEAD " A: {" C("a", "P", "", "n4") ", " C("b", "Q", "P", "n3") ", " C(
			 "c", "R", "'P', Q", "n2") ", " C("d", "", "'P', Q, R", "n1") "}\n",
			"n4 | n3 | n2 | n1", ""},
		{"environment: p\napplications: {}\n", "", ""},
		{"environment: p\napplications: {A: {}}\n", "", ""},
	};

	(void)state;
	expect_orders(cases, COUNT(cases));
}

static void what_is_not_looked_at_may_be_anything(void **state)
{
	static const char *const texts[] = {
		"{\"environment\": \"p\", \"code_id\": null, \"applications\": {\"A\": {\"x\": "
		"{\"produces\": [], \"consumes\": [], \"node\": \"n\", \"more\": {}}}}}",
		" \n{\"environment\": \"p\", \"code_id\": \"7\", \"applications\": {\"A\": {\"x\": "
		"{\"produces\": [], \"consumes\": [], \"node\": \"n\"}}}, \"x\": [1]}",
		"---\nenvironment: p\nmore: 7\ncode_id:\napplications:\n A: {x: {produces: [], "
		"consumes: [], node: n, more: 7}}\n",
	};

	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++) {
		struct deploy_site *site = read_good(texts[i]);
		struct deploy_error err;
		struct deploy_ranks *ranks = rank_part(site, NULL, false, DEPLOY_OK, &err);

		expect_order(ranks, "n");
		assert_string_equal("p", deploy_site_environment(site));
		deploy_ranks_free(ranks);
		deploy_site_free(site);
	}
}

#define X HEAD " A:\n  x: "

static void each_flaw_is_told_alone(void **state)
{
	static const struct {
		const char *text, *flaw;
	} cases[] = {
		{"", "1:1 : expected a mapping, found nothing"},
		{"a", "1:1 : expected a mapping, found text"},
		{"[]", "1:1 : expected a mapping, found a list"},
		{"applications: {}", "1:1 /environment: missing"},
		{"environment: p", "1:1 /applications: missing"},
		{"environment: ''\napplications: {}",
			"1:14 /environment: expected the environment's name, found empty text"},
		{"environment: 7\napplications: {}",
			"1:14 /environment: expected the environment's name, found a number; quote "
			"it"},
		{"environment: p\napplications:",
			"2:14 /applications: expected a mapping of applications, found nothing"},
		{"environment: p\napplications: []",
			"2:15 /applications: expected a mapping of applications, found a list"},
		{HEAD " A: x", "3:5 /applications/A: expected a mapping of components, found text"},
		{HEAD " A:",
			"3:4 /applications/A: expected a mapping of components, found nothing"},
		{HEAD " '': {}", "3:6 /applications/: an application has no name"},
		{HEAD " A: {'': {produces: [], consumes: [], node: n}}",
			"3:10 /applications/A/: a component has no name"},
		{X "7", "4:6 /applications/A/x: expected a component: a mapping of produces, "
			"consumes, node, found a number"},
		{X "{consumes: [], node: n}", "4:6 /applications/A/x/produces: missing"},
		{X "{produces: [], node: n}", "4:6 /applications/A/x/consumes: missing"},
		{X "{produces: [], consumes: []}", "4:6 /applications/A/x/node: missing"},
		{X "{produces: P, consumes: [], node: n}",
			"4:17 /applications/A/x/produces: expected a list of capabilities, found "
			"text"},
		{X "{produces: null, consumes: [], node: n}",
			"4:17 /applications/A/x/produces: expected a list of capabilities, found "
			"nothing"},
		{X "{produces: [], consumes: {}, node: n}",
			"4:31 /applications/A/x/consumes: expected a list of capabilities, found a "
			"mapping"},
		{X "{produces: [P, 7], consumes: [], node: n}",
			"4:21 /applications/A/x/produces/1: expected a capability, found a number; "
			"quote it"},
		{X "{produces: [''], consumes: [], node: n}",
			"4:18 /applications/A/x/produces/0: expected a capability, found empty "
			"text"},
		{X "{produces: [P, Q, P], consumes: [P], node: n}",
			"4:24 /applications/A/x/produces/2: the second time in this list"},
		{X "{produces: [P], consumes: [~], node: n}",
			"4:33 /applications/A/x/consumes/0: expected a capability, found nothing"},
		{X "{produces: [P], consumes: [], node: ''}",
			"4:42 /applications/A/x/node: expected the certname of a node, found empty "
			"text"},
		{X "{produces: [P], consumes: [], node: ~}",
			"4:42 /applications/A/x/node: expected the certname of a node, found "
			"nothing"},
		{X "{produces: [P], consumes: [], node: [n]}",
			"4:42 /applications/A/x/node: expected the certname of a node, found a "
			"list"},
		{X "{produces: [P], consumes: [], node: a b}",
			"4:42 /applications/A/x/node: \"a b\" cannot be a node's certname: "
			"expected "
			"1 to 255 of A-Z a-z 0-9 _ . -"},
		{X "{produces: [P], consumes: [], node: \"a\\e/\"}",
			"4:42 /applications/A/x/node: \"a\\e/\" cannot be a node's certname: "
			"expected "
			"1 to 255 of A-Z a-z 0-9 _ . -"},
		{HEAD " A/b~: {x: {produces: [], consumes: [], node: n}, y: 1}",
			"3:54 /applications/A~1b~0/y: expected a component: a mapping of produces, "
			"consumes, node, found a number"},
		{"{\"environment\": \"p\",\n\"applications\": {\"A\": {\"x\": true}}}",
			"2:29 /applications/A/x: expected a component: a mapping of produces, "
			"consumes, node, found true or false"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct deploy_site *site = read_text(cases[i].text);
		char got[1024] = "";

		if (deploy_site_flaw_count(site) == 1) {
			const struct deploy_flaw *flaw = deploy_site_flaw(site, 0);

			(void)snprintf(got, sizeof(got), "%u:%u %s: %s", flaw->place.line,
				flaw->place.column, flaw->pointer, flaw->text);
			assert_string_equal("t", flaw->file);
		}
		assert_string_equal(cases[i].flaw, got);
		deploy_site_free(site);
	}
}

static void syntax_errors_and_keys_twice_are_told_first_with_their_place(void **state)
{
	static const struct {
		const char *text, *why;
	} cases[] = {
		{"{", "t:1:1: "},
		{"{\"environment\": \"p\",\n \"environment\": \"q\"}",
			"t:2:14: duplicate object key"},
		{"{\"applications\": {\"A\": {},\n\"A\": {}}}", "t:2:3: duplicate object key"},
		{"{\"a\": \"\\u0000\"}", "t:1:"},
		{"environment: p\nenvironment: q\n", "t:2:1: "},
		{HEAD " A:\n  x: {node: a, node: b}\n", "t:4:"},
		{"environment: [p", "t:1:14: "},
		{"environment: &a p\n", "t:1:14: "},
		{"{} {}", "t:1:4: "},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct deploy_error err = {.code = DEPLOY_OK};
		struct deploy_site *site = NULL;

		assert_int_equal(DEPLOY_INPUT,
			deploy_site_read(&site, "t", cases[i].text, strlen(cases[i].text), &err));
		assert_null(site);
		if (strncmp(cases[i].why, err.text, strlen(cases[i].why)) != 0)
			fail_msg("%s: %s", cases[i].text, err.text);
	}
}

static void all_flaws_are_told_at_once_and_a_hundred_of_many(void **state)
{
	struct deploy_site *site = read_text(
		"{\"applications\": {\"A\": {\"x\": {\"node\": 1}, \"y\": []}, \"B\": 0}}");
	char *text = NULL;
	size_t size = 0;
	FILE *stream = open_memstream(&text, &size);

	(void)state;
	assert_int_equal(6, deploy_site_flaw_count(site));
	assert_string_equal("/applications/B", deploy_site_flaw(site, 5)->pointer);
	deploy_site_free(site);
	(void)fputs("{\"environment\": \"p\", \"applications\": {\"\": {}", stream);
	for (int i = 0; i < 150; i++)
		(void)fprintf(stream, ", \"A%d\": 7", i);
	(void)fputs("}}", stream);
	(void)fclose(stream);
	site = read_text(text);
	assert_int_equal(151, deploy_site_flaw_count(site));
	assert_string_equal(
		"/applications/A98", deploy_site_flaw(site, DEPLOY_MAX_FLAWS - 1)->pointer);
	deploy_site_free(site);
	free(text);
}

/* 4, 5: also if somebody consumes nothing, and the components alone have no cycle. */
#define CYCLIC                                                                                     \
	HEAD " 'C[1]': {" C("'D[1]'", "'S[1]'", "", "dev1") ", " C("'W[1]'", "'H[1]'", "'S[1]'",   \
		"dev3") ", " C("'L[1]'", "", "'H[1]'", "dev1") "}\n D: {" C("x", "T", "",          \
		"dev0") ", " C("y", "", "'H[1]', T", "dev2") "}\n"

static void cycles_are_shown_with_nodes_and_capabilities(void **state)
{
	struct deploy_site *site = read_good(CYCLIC);
	struct deploy_error err;
	struct deploy_ranks *ranks = rank_part(site, NULL, false, DEPLOY_INPUT, &err);

	(void)state;
	expect_notices(ranks, "cycle!: a cycle: dev1 → dev3 (S[1], from C[1] D[1] to C[1] W[1]) → "
			      "dev1 (H[1], from C[1] W[1] to C[1] L[1])\n");
	assert_string_equal("t: a cycle: dev1 → dev3 (S[1], from C[1] D[1] to C[1] W[1]) → dev1 "
			    "(H[1], from C[1] W[1] to C[1] L[1])",
		err.text);
	assert_int_equal(0, ranks->node_count);
	deploy_ranks_free(ranks);
	deploy_site_free(site);
}

static void two_who_produce_and_consume_the_same_are_a_cycle(void **state)
{
	struct deploy_site *site =
		read_good(HEAD " A: {" C("x", "P", "P", "n1") ", " C("y", "P", "P", "n2") "}\n");
	struct deploy_error err;
	struct deploy_ranks *ranks = rank_part(site, NULL, false, DEPLOY_INPUT, &err);

	(void)state;
	expect_notices(ranks,
		"cycle!: a cycle: n1 → n2 (P, from A x to A y) → n1 (P, from A y to A "
		"x)\nproducers: P is waited for from all who produce it: A x on n1, A "
		"y on n2\n");
	deploy_ranks_free(ranks);
	deploy_site_free(site);
}

/* 6 */
static void a_cycle_elsewhere_is_no_error_of_an_instance(void **state)
{
	static const struct {
		const char *instance;
		bool with_deps;
		enum deploy_code code;
		const char *order, *notices;
	} cases[] = {
#define CYCLE "a cycle: a → b (P, from A x to A y) → a (Q, from A y to A x)\n"
		{"A", false, DEPLOY_INPUT, "", "cycle!: " CYCLE},
		{"B", false, DEPLOY_OK, "d", "cycle: " CYCLE},
		{"C", false, DEPLOY_OK, "c",
			"cycle: " CYCLE "outside: b is not selected, and is waited for by c (Q, "
			"from A y to C x)\n"},
		{"C", true, DEPLOY_INPUT, "",
			"cycle!: " CYCLE "catalog: A was not asked for, but runs "
			"as well on a, b\n"},
	};
	struct deploy_site *site = read_good(HEAD " A: {" C("x", "P", "Q", "a") ", " C("y", "Q",
		"P", "b") "}\n"
			  " B: {" C("x", "", "", "d") "}\n C: {" C("x", "", "Q", "c") "}\n");

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct deploy_error err;
		struct deploy_ranks *ranks =
			rank_part(site, cases[i].instance, cases[i].with_deps, cases[i].code, &err);

		expect_notices(ranks, cases[i].notices);
		expect_order(ranks, cases[i].order);
		deploy_ranks_free(ranks);
	}
	deploy_site_free(site);
}

/* 8 */
static void what_nobody_produces_is_no_cycle_and_all_of_it_is_told(void **state)
{
	struct deploy_site *site = read_good(HEAD " A: {" C("x", "", "Z, R", "n2") ", " C(
		"y", "", "R", "n1") "}\n"
				    " B: {" C("x", "S", "", "n3") "}\n");
	struct deploy_error err;
	struct deploy_ranks *ranks = rank_part(site, NULL, false, DEPLOY_REFUSED, &err);

	(void)state;
	expect_notices(ranks, "unproduced!: nobody produces R, consumed by A y on n1, A x on n2\n"
			      "unproduced!: nobody produces Z, consumed by A x on n2\n");
	assert_string_equal("t: nobody produces R, consumed by A y on n1, A x on n2", err.text);
	assert_non_null(strstr(err.hint, "not the only"));
	deploy_ranks_free(ranks);
	ranks = rank_part(site, "B", false, DEPLOY_OK, &err);
	expect_notices(ranks, "unproduced: nobody produces R, consumed by A y on n1, A x on n2\n"
			      "unproduced: nobody produces Z, consumed by A x on n2\n");
	expect_order(ranks, "n3");
	deploy_ranks_free(ranks);
	deploy_site_free(site);
}

/* 2 */
static void an_instance_is_its_nodes_with_all_that_they_have(void **state)
{
	struct deploy_site *site = read_good(HEAD " 'L[1]': {" C("d", "P", "", "n1") ", " C(
		"w", "", "P", "n2") "}\n"
				    " 'L[2]': {" C("d", "Q", "R", "n3") ", " C("w", "", "Q",
					    "n2") "}\n"
						  " 'L[3]': {" C("d", "R", "", "n4") ", " C(
							  "e", "", "", "n5") "}\n");
	struct deploy_error err;
	struct deploy_ranks *ranks = rank_part(site, "L[1]", false, DEPLOY_OK, &err);

	(void)state;
	expect_order(ranks, "n1 | n2");
	expect_notices(ranks,
		"outside: n3 is not selected, and is waited for by n2 (Q, from L[2] d to L[2] w)\n"
		"catalog: L[2] was not asked for, but runs as well on n2\n");
	assert_int_equal(1, ranks->application_count);
	assert_string_equal("L[1]", ranks->applications[0]);
	assert_int_equal(3, ranks->component_start[2]);
	assert_true(ranks->components[1].is_chosen);
	assert_false(ranks->components[2].is_chosen);
	deploy_ranks_free(ranks);
	ranks = rank_part(site, "L[1]", true, DEPLOY_OK, &err);
	expect_order(ranks, "n1 n4 | n3 | n2");
	expect_notices(ranks, "catalog: L[2] was not asked for, but runs as well on n2, n3\n"
			      "catalog: L[3] was not asked for, but runs as well on n4\n");
	deploy_ranks_free(ranks);
	assert_null(rank_part(site, "L[1)", false, DEPLOY_USAGE, &err));
	assert_string_equal("t: no application is called \"L[1)\"", err.text);
	assert_string_equal("did you mean 'L[1]'?", err.hint);
	assert_null(rank_part(site, "Completely different", false, DEPLOY_USAGE, &err));
	assert_string_equal("", err.hint);
	deploy_site_free(site);
}

/* A node with several components is one node. */
static void nodes_of_a_catalog_are_named_once(void **state)
{
	struct deploy_site *site;
	struct deploy_error err;
	struct deploy_ranks *ranks;
	char *text = NULL;
	size_t size = 0;
	FILE *stream = open_memstream(&text, &size);

	(void)state;
	(void)fputs(HEAD, stream);
	for (int application = 0; application < 2; application++) {
		(void)fprintf(stream, " %c:\n", 'A' + application);
		for (int i = 10; i < 32; i++)
			(void)fprintf(stream, "  c%d: {produces: [], consumes: [], node: n%d}\n", i,
				10 + i % 11);
	}
	(void)fclose(stream);
	site = read_good(text);
	ranks = rank_part(site, "A", false, DEPLOY_OK, &err);
	expect_notices(ranks, "catalog: B was not asked for, but runs as well on n10, n11, n12, "
			      "n13, n14, n15, n16, n17, n18, n19 and 1 more\n");
	deploy_ranks_free(ranks);
	deploy_site_free(site);
	free(text);
}

static void several_instances_are_taken_together(void **state)
{
	struct deploy_site *site = read_good(HEAD " A: {" C("x", "P", "", "n1") "}\n B: {" C(
		"x", "", "P", "n0") "}\n C: {" C("x", "", "", "n2") "}\n");
	const char *const names[] = {"B", "A", "B"};
	const struct deploy_site_selection selection = {.instances = names, .instance_count = 3};
	struct deploy_error err = {.code = DEPLOY_OK};
	struct deploy_ranks *ranks;

	(void)state;
	assert_int_equal(0, deploy_site_rank(&ranks, site, &selection, &err));
	expect_order(ranks, "n1 | n0");
	expect_notices(ranks, "");
	assert_int_equal(2, ranks->application_count);
	deploy_ranks_free(ranks);
	deploy_site_free(site);
}

/* A document of count components; component i is on node i and consumes what line(i) says. */
static struct deploy_site *make_site(
	uint32_t count, void (*line)(FILE *stream, uint32_t i, uint32_t count))
{
	struct deploy_site *site;
	char *text = NULL;
	size_t size = 0;
	FILE *stream = open_memstream(&text, &size);

	(void)fputs("{\"environment\": \"p\", \"applications\": {\"A\": {", stream);
	for (uint32_t i = 0; i < count; i++) {
		(void)fprintf(stream, "%s\"c%u\": {\"node\": \"n%06u\", ", i ? ", " : "", i, i);
		line(stream, i, count);
		(void)fputs("}", stream);
	}
	(void)fputs("}}}", stream);
	(void)fclose(stream);
	site = read_good(text);
	free(text);
	return site;
}

static void chain_line(FILE *stream, uint32_t i, uint32_t count)
{
	(void)fprintf(stream, "\"produces\": [\"P%u\"], \"consumes\": [", i);
	if (i + 1 < count)
		(void)fprintf(stream, "\"P%u\"", i + 1);
	(void)fputs("]", stream);
}

static void ring_line(FILE *stream, uint32_t i, uint32_t count)
{
	(void)fprintf(
		stream, "\"produces\": [\"P%u\"], \"consumes\": [\"P%u\"]", i, (i + 1) % count);
}

static void star_line(FILE *stream, uint32_t i, uint32_t count)
{
	(void)count;
	(void)fprintf(stream, i == 7 ? "\"produces\": [\"P\"], \"consumes\": []"
				     : "\"produces\": [], \"consumes\": [\"P\"]");
}

static void crowd_line(FILE *stream, uint32_t i, uint32_t count)
{
	(void)fprintf(stream, "\"produces\": [%s], \"consumes\": [%s]",
		i < count / 2 ? "\"P\"" : "", i < count / 2 ? "" : "\"P\"");
}

static void chains_and_stars_of_5000_nodes_come_in_order(void **state)
{
	struct deploy_site *site = make_site(5000, chain_line);
	struct deploy_error err;
	struct deploy_ranks *ranks = rank_part(site, NULL, false, DEPLOY_OK, &err);

	(void)state;
	assert_int_equal(5000, ranks->rank_count);
	for (uint32_t i = 0; i < 5000; i++)
		assert_int_equal(4999 - i, ranks->by_rank[i]);
	deploy_ranks_free(ranks);
	deploy_site_free(site);
	site = make_site(5000, star_line);
	ranks = rank_part(site, NULL, false, DEPLOY_OK, &err);
	assert_int_equal(2, ranks->rank_count);
	assert_int_equal(1, ranks->rank_start[1]);
	assert_string_equal("n000007", ranks->nodes[ranks->by_rank[0]]);
	assert_int_equal(4999, ranks->dependent_start[8] - ranks->dependent_start[7]);
	deploy_ranks_free(ranks);
	deploy_site_free(site);
}

static size_t count_ranks(
	void (*line)(FILE *stream, uint32_t i, uint32_t count), enum deploy_code expected)
{
	struct deploy_site *site = make_site(50000, line);
	struct deploy_error err;
	struct deploy_ranks *ranks = rank_part(site, NULL, false, expected, &err);
	size_t count = ranks->rank_count;

	deploy_ranks_free(ranks);
	deploy_site_free(site);
	return count;
}

/* Nothing calls itself: long chains and rings are ordered where there is hardly any stack. */
static void little_stack_is_enough(void **state)
{
	const struct rlimit limit = {.rlim_cur = 256 * 1024, .rlim_max = 256 * 1024};
	int status = -1;
	pid_t pid = fork();

	(void)state;
	assert_true(pid >= 0);
	if (pid == 0) {
		bool is_ok = setrlimit(RLIMIT_STACK, &limit) == 0;

		is_ok &= count_ranks(chain_line, DEPLOY_OK) == 50000;
		is_ok &= count_ranks(ring_line, DEPLOY_INPUT) == 0;
		_exit(is_ok ? 0 : 1);
	}
	assert_int_equal(pid, waitpid(pid, &status, 0));
	assert_int_equal(0, status);
}

static void a_long_cycle_is_told_in_part(void **state)
{
	struct deploy_site *site = make_site(5000, ring_line);
	struct deploy_error err;
	struct deploy_ranks *ranks = rank_part(site, NULL, false, DEPLOY_INPUT, &err);
	static const char begin[] =
		"a cycle: n000000 → n004999 (P0, from A c0 to A c4999) → n004998";
	static const char end[] = " → (4989 more) → n000000 (P1, from A c1 to A c0)";

	(void)state;
	assert_int_equal(1, ranks->notice_count);
	assert_memory_equal(begin, ranks->notices[0].text, strlen(begin));
	assert_string_equal(
		end, ranks->notices[0].text + strlen(ranks->notices[0].text) - strlen(end));
	deploy_ranks_free(ranks);
	deploy_site_free(site);
}

/* Otherwise a small file could ask for more memory than there is. */
static void crowds_that_wait_for_crowds_are_refused(void **state)
{
	struct deploy_site *site = make_site(6400, crowd_line);
	struct deploy_error err;

	(void)state;
	assert_null(rank_part(site, NULL, false, DEPLOY_INPUT, &err));
	assert_string_equal("t: nodes wait for each other in more than 10000000 ways; 3200 nodes "
			    "produce P",
		err.text);
	deploy_site_free(site);
}

static void lonely_line(FILE *stream, uint32_t i, uint32_t count)
{
	(void)i;
	(void)count;
	(void)fputs("\"produces\": [], \"consumes\": [\"P\"]", stream);
}

static void long_lists_and_long_names_are_cut(void **state)
{
	struct deploy_site *site = make_site(13, lonely_line);
	struct deploy_error err;
	struct deploy_ranks *ranks = rank_part(site, NULL, false, DEPLOY_REFUSED, &err);
	const char *text = ranks->notices[0].text;
	char document[1024], name[401];

	(void)state;
	assert_string_equal("A c9 on n000009 and 3 more", strstr(text, "A c9 "));
	deploy_ranks_free(ranks);
	deploy_site_free(site);
	for (size_t i = 0; i < 400; i += 2)
		memcpy(name + i, "\xc3\xa4", 2);
	name[0] = 'a';
	name[1] = 'b';
	name[400] = '\0';
	(void)snprintf(document, sizeof(document),
		HEAD " A: {x: {produces: [], consumes: [\"\\e%s\"], node: n}}", name);
	site = read_good(document);
	ranks = rank_part(site, NULL, false, DEPLOY_REFUSED, &err);
	text = ranks->notices[0].text;
	assert_non_null(strstr(text, "nobody produces \\eab\xc3\xa4"));
	assert_non_null(strstr(text, "\xc3\xa4..., consumed by A x on n"));
	assert_true(strlen(text) < 260);
	deploy_ranks_free(ranks);
	deploy_site_free(site);
}

static void one_error_each_line(FILE *stream, uint32_t i, uint32_t count)
{
	(void)count;
	(void)fprintf(stream, "\"produces\": [], \"consumes\": [\"P%u\"]", i);
}

static void of_very_many_notices_the_first_are_told(void **state)
{
	struct deploy_site *site = make_site(DEPLOY_SITE_MAX_NOTICES + 7, one_error_each_line);
	struct deploy_error err;
	struct deploy_ranks *ranks = rank_part(site, NULL, false, DEPLOY_REFUSED, &err);

	(void)state;
	assert_int_equal(DEPLOY_SITE_MAX_NOTICES, ranks->notice_count);
	assert_int_equal(DEPLOY_SITE_MAX_NOTICES, ranks->error_count);
	assert_int_equal(7, ranks->untold_count);
	deploy_ranks_free(ranks);
	deploy_site_free(site);
}

/* What is no error comes first in the document, and by its name. */
static void errors_come_before_everything_else(void **state)
{
	struct deploy_site *site = read_good(
		HEAD " A: {" C("x", "", "P", "n1") "}\n B: {" C("x", "", "Q", "n2") "}\n");
	struct deploy_error err;
	struct deploy_ranks *ranks = rank_part(site, "B", false, DEPLOY_REFUSED, &err);

	(void)state;
	expect_notices(ranks, "unproduced!: nobody produces Q, consumed by B x on n2\n"
			      "unproduced: nobody produces P, consumed by A x on n1\n");
	deploy_ranks_free(ranks);
	deploy_site_free(site);
}

static void too_many_nodes_are_a_flaw(void **state)
{
	struct deploy_error err = {.code = DEPLOY_OK};
	struct deploy_site *site;
	char *text = NULL;
	size_t size = 0;
	FILE *stream = open_memstream(&text, &size);

	(void)state;
	(void)fputs("{\"environment\": \"p\", \"applications\": {\"A\": {", stream);
	for (int i = 0; i <= DEPLOY_MAX_NODES; i++)
		(void)fprintf(stream, "%s\"%d\":{\"node\":\"n%d\",\"produces\":[],\"consumes\":[]}",
			i ? "," : "", i, i);
	(void)fputs("}}}", stream);
	(void)fclose(stream);
	assert_int_equal(0, deploy_site_read(&site, "t", text, size, &err));
	assert_int_equal(1, deploy_site_flaw_count(site));
	assert_string_equal("200001 nodes; 200000 are as many as there may be",
		deploy_site_flaw(site, 0)->text);
	deploy_site_free(site);
	free(text);
}

static void every_kind_of_notice_has_a_name(void **state)
{
	(void)state;
	for (int i = 0; i < DEPLOY_SITE_NOTICES; i++) {
		const char *name = deploy_site_notice_name((enum deploy_site_notice_kind)i);

		assert_string_not_equal("unknown kind", name);
		for (int j = 0; j < i; j++)
			assert_string_not_equal(
				name, deploy_site_notice_name((enum deploy_site_notice_kind)j));
	}
}

static void equal_texts_get_one_number(void **state)
{
	static char texts[20000][16];
	struct dp_intern set;

	(void)state;
	dp_intern_init(&set);
	for (uint32_t turn = 0; turn < 2; turn++)
		for (uint32_t i = 0; i < 20000; i++) {
			(void)snprintf(texts[i], sizeof(texts[i]), "%u", i * 7);
			assert_int_equal(i, dp_intern_add(&set, texts[i], strlen(texts[i])));
		}
	assert_int_equal(20000, set.count);
	assert_string_equal("7", set.texts[1]);
	dp_intern_release(&set);
}

static struct deploy_ranks *rank_example(struct deploy_site **site)
{
	struct deploy_error err = {.code = DEPLOY_OK};

	assert_int_equal(0, deploy_site_read_file(site, "examples/site.yaml", &err));
	assert_int_equal(0, deploy_site_flaw_count(*site));
	return rank_part(*site, NULL, false, DEPLOY_OK, &err);
}

static char *shown(
	void (*show)(struct out *, const struct deploy_ranks *), const struct deploy_ranks *ranks)
{
	const struct out_options options = {.format = OUT_TABLE, .quiet = true, .color = 2};
	struct deploy_error err = {.code = DEPLOY_OK};
	struct out *out = out_open(&options);
	char *text;

	out_capture_begin(out);
	show(out, ranks);
	text = out_capture_end(out);
	assert_int_equal(0, out_close(out, &err));
	return text;
}

static void the_example_is_shown_as_text(void **state)
{
	struct deploy_site *site;
	struct deploy_ranks *ranks = rank_example(&site);
	char *text = shown(site_show, ranks);

	(void)state;
	assert_string_equal("Environment production: 2 applications on 4 nodes\n"
			    "\n"
			    "Applications:\n"
			    "  Lamp[app1]\n"
			    "  Lamp[app2]\n"
			    "\n"
			    "Rank 1: 1 node\n"
			    "  dev1.example.net\n"
			    "    Lamp[app1] -> Lamp::Mysql[app1]\n"
			    "    Lamp[app2] -> Lamp::Mysql[app2]\n"
			    "\n"
			    "Rank 2: 3 nodes\n"
			    "  dev2.example.net\n"
			    "    Lamp[app1] -> Lamp::Webapp[app1-1]\n"
			    "    Lamp[app2] -> Lamp::Webapp[app2-1]\n"
			    "  dev3.example.net\n"
			    "    Lamp[app1] -> Lamp::Webapp[app1-2]\n"
			    "    Lamp[app2] -> Lamp::Webapp[app2-2]\n"
			    "  dev4.example.net\n"
			    "    Lamp[app1] -> Lamp::Webapp[app1-3]\n"
			    "    Lamp[app2] -> Lamp::Webapp[app2-3]\n",
		text);
	free(text);
	text = shown(site_show_names, ranks);
	assert_string_equal("dev1.example.net\ndev2.example.net\ndev3.example.net\n"
			    "dev4.example.net\n",
		text);
	free(text);
	deploy_ranks_free(ranks);
	deploy_site_free(site);
}

static void components_of_an_application_share_a_line_without_their_escapes(void **state)
{
	struct deploy_site *site = read_good("environment: p\napplications:\n B: {" C("y", "", "",
		"n1") ", " C("x", "", "", "n1") "}\n \"A\\e\": {" C("z", "", "", "n1") "}\n");
	struct deploy_error err;
	struct deploy_ranks *ranks = rank_part(site, NULL, false, DEPLOY_OK, &err);
	char *text = shown(site_show, ranks);
	json_t *items = site_show_items(ranks);
	char *first = json_dumps(json_array_get(items, 0), JSON_COMPACT);

	(void)state;
	assert_string_equal(
		"Environment p: 2 applications on 1 node\n\nApplications:\n  A\\e\n  B\n\n"
		"Rank 1: 1 node\n  n1\n    A\\e -> z\n    B -> x, y\n",
		text);
	assert_string_equal("{\"rank\":1,\"nodes\":[\"n1\"],\"components\":{\"n1\":{"
			    "\"A\\u001B\":[\"z\"],\"B\":[\"x\",\"y\"]}}}",
		first);
	free(first);
	json_decref(items);
	free(text);
	deploy_ranks_free(ranks);
	deploy_site_free(site);
}

static void the_example_is_shown_as_json(void **state)
{
	struct deploy_site *site;
	struct deploy_ranks *ranks = rank_example(&site);
	json_t *items = site_show_items(ranks), *summary = site_show_summary(ranks);
	char *first = json_dumps(json_array_get(items, 0), JSON_COMPACT);
	char *counts = json_dumps(summary, JSON_COMPACT);

	(void)state;
	assert_int_equal(2, json_array_size(items));
	assert_string_equal("{\"rank\":1,\"nodes\":[\"dev1.example.net\"],\"components\":"
			    "{\"dev1.example.net\":{\"Lamp[app1]\":[\"Lamp::Mysql[app1]\"],"
			    "\"Lamp[app2]\":[\"Lamp::Mysql[app2]\"]}}}",
		first);
	assert_int_equal(3, json_array_size(json_object_get(json_array_get(items, 1), "nodes")));
	assert_string_equal("{\"environment\":\"production\",\"applications\":[\"Lamp[app1]\","
			    "\"Lamp[app2]\"],\"nodes\":4,\"ranks\":2,\"notices\":[]}",
		counts);
	free(first);
	free(counts);
	json_decref(items);
	json_decref(summary);
	deploy_ranks_free(ranks);
	deploy_site_free(site);
}

static void a_graph_shows_ranks_and_arrows_with_quoted_names(void **state)
{
	struct deploy_site *site = read_good("environment: 'p\"'\napplications:\n 'A\\\"': {" C(
		"x", "P", "", "n1") ", " C("y", "", "P", "n2") "}\n");
	struct deploy_error err;
	struct deploy_ranks *ranks = rank_part(site, NULL, false, DEPLOY_OK, &err);
	char *text = shown(site_show_dot, ranks);

	(void)state;
	assert_string_equal("digraph \"p\\\"\" {\n"
			    "\tnode [shape=box]\n"
			    "\tsubgraph cluster_1 {\n"
			    "\t\tlabel=\"rank 1\"\n"
			    "\t\t\"n1\" [label=\"n1\\nA\\\\\\\" -> x\"]\n"
			    "\t}\n"
			    "\tsubgraph cluster_2 {\n"
			    "\t\tlabel=\"rank 2\"\n"
			    "\t\t\"n2\" [label=\"n2\\nA\\\\\\\" -> y\"]\n"
			    "\t}\n"
			    "\t\"n1\" -> \"n2\"\n"
			    "}\n",
		text);
	free(text);
	deploy_ranks_free(ranks);
	deploy_site_free(site);
}

/* As Graphviz has it in its plain form: lines "node NAME …", "edge FROM TO …". */
static void graphviz_takes_the_graph(void **state)
{
	struct deploy_site *site;
	struct deploy_ranks *ranks = rank_example(&site);
	char *text = shown(site_show_dot, ranks), line[4096];
	char path[] = "/tmp/test_site.XXXXXX", command[64];
	size_t nodes = 0, edges = 0, len = strlen(text);
	int fd = mkstemp(path);
	FILE *plain;

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(len, write(fd, text, len));
	(void)snprintf(command, sizeof(command), "dot -Tplain %s", path);
	plain = popen(command, "r");
	assert_non_null(plain);
	while (fgets(line, sizeof(line), plain)) {
		nodes += strncmp(line, "node ", 5) == 0;
		edges += strncmp(line, "edge dev1.example.net dev", 25) == 0 ||
			 strncmp(line, "edge \"dev1.example.net\" \"dev", 28) == 0;
	}
	assert_int_equal(0, pclose(plain));
	assert_int_equal(4, nodes);
	assert_int_equal(3, edges);
	assert_int_equal(0, unlink(path));
	(void)close(fd);
	free(text);
	deploy_ranks_free(ranks);
	deploy_site_free(site);
}

static void an_empty_site_says_so(void **state)
{
	struct deploy_site *site = read_good("environment: p\napplications: {}\n");
	struct deploy_error err;
	struct deploy_ranks *ranks = rank_part(site, NULL, false, DEPLOY_OK, &err);
	char *text = shown(site_show, ranks);
	json_t *items = site_show_items(ranks);

	(void)state;
	assert_string_equal("Environment p: nothing to do, no application is on any node\n", text);
	assert_int_equal(0, json_array_size(items));
	assert_int_equal(0, ranks->rank_start[0]);
	assert_int_equal(0, ranks->start[0]);
	json_decref(items);
	free(text);
	deploy_ranks_free(ranks);
	deploy_site_free(site);
}

static void files_that_are_missing_or_are_asked_of_nobody_are_refused(void **state)
{
	struct deploy_error err = {.code = DEPLOY_OK};
	struct deploy_site *site;
	const struct deploy_ca_settings settings = {.url = "https://localhost:1"};
	static const char *const environments[] = {"", "a/b", "..", "a b", "ä", "a?b"};
	char *text;
	size_t len;

	(void)state;
	assert_int_equal(DEPLOY_NO_INPUT, deploy_site_read_file(&site, "/nonexistent/x", &err));
	assert_null(site);
	for (size_t i = 0; i < COUNT(environments); i++) {
		err = (struct deploy_error){.code = DEPLOY_OK};
		assert_int_equal(DEPLOY_USAGE,
			deploy_site_fetch(&text, &len, &settings, environments[i], -1, &err));
		assert_null(text);
	}
	err = (struct deploy_error){.code = DEPLOY_OK};
	assert_int_equal(
		DEPLOY_CONFIG, deploy_site_fetch(&text, &len, &settings, "production", -1, &err));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nodes_wait_for_producers_in_any_application),
		cmocka_unit_test(what_is_not_looked_at_may_be_anything),
		cmocka_unit_test(each_flaw_is_told_alone),
		cmocka_unit_test(syntax_errors_and_keys_twice_are_told_first_with_their_place),
		cmocka_unit_test(all_flaws_are_told_at_once_and_a_hundred_of_many),
		cmocka_unit_test(cycles_are_shown_with_nodes_and_capabilities),
		cmocka_unit_test(two_who_produce_and_consume_the_same_are_a_cycle),
		cmocka_unit_test(a_cycle_elsewhere_is_no_error_of_an_instance),
		cmocka_unit_test(what_nobody_produces_is_no_cycle_and_all_of_it_is_told),
		cmocka_unit_test(an_instance_is_its_nodes_with_all_that_they_have),
		cmocka_unit_test(nodes_of_a_catalog_are_named_once),
		cmocka_unit_test(several_instances_are_taken_together),
		cmocka_unit_test(chains_and_stars_of_5000_nodes_come_in_order),
		cmocka_unit_test(little_stack_is_enough),
		cmocka_unit_test(a_long_cycle_is_told_in_part),
		cmocka_unit_test(crowds_that_wait_for_crowds_are_refused),
		cmocka_unit_test(long_lists_and_long_names_are_cut),
		cmocka_unit_test(of_very_many_notices_the_first_are_told),
		cmocka_unit_test(errors_come_before_everything_else),
		cmocka_unit_test(too_many_nodes_are_a_flaw),
		cmocka_unit_test(every_kind_of_notice_has_a_name),
		cmocka_unit_test(equal_texts_get_one_number),
		cmocka_unit_test(the_example_is_shown_as_text),
		cmocka_unit_test(components_of_an_application_share_a_line_without_their_escapes),
		cmocka_unit_test(the_example_is_shown_as_json),
		cmocka_unit_test(a_graph_shows_ranks_and_arrows_with_quoted_names),
		cmocka_unit_test(graphviz_takes_the_graph),
		cmocka_unit_test(an_empty_site_says_so),
		cmocka_unit_test(files_that_are_missing_or_are_asked_of_nobody_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
