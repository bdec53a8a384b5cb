/* How far a node is said to have come, from what is recorded of it; and names for completion. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "deploy/names.h"
#include "deploy/stage.h"
#include "state_world.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static char collection[] = "c", category[] = "g", role[] = "my.role", entity[] = "e";
static char *const role_facts[DEPLOY_ROLE_PARTS] = {collection, category, role, entity};

static int print_standing(void *arg, const struct deploy_standing *standing)
{
	print(arg, "%s %s %lld", standing->node, deploy_stage_name(standing->stage),
		(long long)standing->since_us);
	return 0;
}

static void check(const char *path, const char *node, const char *expected)
{
	struct deploy_error err = {.code = DEPLOY_OK};
	struct deploy_state *reader = open_state(path, false);
	struct text text = {.len = 0};

	assert_int_equal(
		deploy_state_each_standing(reader, role_facts, node, print_standing, &text, &err),
		0);
	assert_string_equal(text.bytes, expected);
	deploy_state_close(reader);
}

static void the_stage_follows_from_what_is_recorded(void **arg)
{
	/* Each row: what is recorded of the node n, beside that it was first seen at 10. */
	static const struct {
		const char *sql, *expected;
	} rows[] = {
		{"", "n discovered 10"},
		{"INSERT INTO inventory(node, facts) VALUES('n', '{\"c\": \"a\"}')",
			"n discovered 10"},
		{"INSERT INTO inventory(node, facts) VALUES('n', '{\"c\": \"a\", \"my.role\": "
		 "null}')",
			"n discovered 10"},
		{"INSERT INTO inventory(node, facts) VALUES('n', '{\"c\": \"a\", \"my.role\": "
		 "\"\"}')",
			"n discovered 10"},
		{"INSERT INTO inventory(node, facts) VALUES('n', '{ damaged')", "n discovered 10"},
		{"INSERT INTO inventory(node, facts) VALUES('n', '{\"c\": \"a\", \"my.role\": "
		 "\"b\"}')",
			"n facts 0"},
		{"INSERT INTO assignment VALUES('n', 'c', 'a', 20, 30, 30, NULL),"
		 " ('n', 'e', 'a', 21, 31, NULL, NULL)",
			"n role 21"},
		{"INSERT INTO assignment VALUES('n', 'c', '', 20, NULL, NULL, NULL)", "n role 20"},
		{"INSERT INTO assignment VALUES('n', 'c', '', 20, 30, 30, NULL)",
			"n discovered 10"},
		{"INSERT INTO assignment VALUES('n', 'c', 'a', 20, 30, 30, NULL),"
		 " ('n', 'e', 'a', 21, 31, 31, NULL)",
			"n facts 31"},
		/* Nodes do not tell their environment: that it was pushed is all there is. */
		{"INSERT INTO assignment VALUES('n', 'c', 'a', 20, 30, 30, NULL),"
		 " ('n', 'puppet/environment', 'p', 20, 31, NULL, NULL)",
			"n facts 31"},
		{"INSERT INTO assignment VALUES('n', 'c', 'a', 20, 30, 30, NULL),"
		 " ('n', 'puppet/environment', 'p', 20, NULL, NULL, NULL)",
			"n role 20"},
		/* A certificate alone is no reason to skip a step. */
		{"UPDATE node SET certificate = 'signed', certificate_at = 40", "n discovered 10"},
	};
	struct world *world = *arg;

	for (size_t i = 0; i < COUNT(rows); i++) {
		(void)unlink(world->path);
		deploy_state_close(open_state(world->path, true));
		run_sql(world->path, "INSERT INTO node(identity, first_seen) VALUES('n', 10)");
		run_sql(world->path, rows[i].sql);
		check(world->path, "n", rows[i].expected);
	}
}

static void certificate_and_puppet_decide_the_last_stages(void **arg)
{
	/* What is known of a node that was given its facts at 30, and still showed them at 90. */
	static const struct {
		const char *certificate;
		int64_t certificate_at;
		const char *outcome;
		int64_t puppet_at;
		const char *expected;
	} rows[] = {
		{"'requested'", 40, "NULL", 0, "n facts 30"},
		{"'signed'", 40, "NULL", 0, "n certificate 40"},
		{"'signed'", 20, "NULL", 0, "n certificate 30"},
		{"'signed'", 40, "'failed'", 50, "n puppet 50"},
		{"'signed'", 40, "'unknown'", 50, "n puppet 50"},
		{"'signed'", 40, "'silent'", 50, "n puppet 50"},
		{"'signed'", 40, "'ok'", 50, "n done 50"},
		/* A run before the node had its facts applied another catalog. */
		{"'signed'", 20, "'ok'", 25, "n certificate 30"},
		/* What was applied proves the certificate; what the CA said later counts more. */
		{"NULL", 0, "'ok'", 50, "n done 50"},
		{"'requested'", 40, "'ok'", 50, "n done 50"},
		{"'revoked'", 60, "'ok'", 50, "n facts 30"},
		{"NULL", 0, "'failed'", 50, "n facts 30"},
	};
	struct world *world = *arg;

	deploy_state_close(open_state(world->path, true));
	run_sql(world->path, "INSERT INTO node(identity, first_seen) VALUES('n', 10);"
			     "INSERT INTO assignment VALUES('n', 'c', 'a', 20, 30, 90, NULL)");
	for (size_t i = 0; i < COUNT(rows); i++) {
		char sql[300];

		(void)snprintf(sql, sizeof(sql),
			"UPDATE node SET certificate = %s, certificate_at = nullif(%lld, 0),"
			" puppet_outcome = %s, puppet_at = nullif(%lld, 0)",
			rows[i].certificate, (long long)rows[i].certificate_at, rows[i].outcome,
			(long long)rows[i].puppet_at);
		run_sql(world->path, sql);
		check(world->path, "n", rows[i].expected);
	}
}

static void who_is_only_assigned_something_is_listed_too(void **arg)
{
	struct world *world = *arg;

	deploy_state_close(open_state(world->path, true));
	run_sql(world->path, "INSERT INTO node(identity, first_seen) VALUES('b', 1), ('d', 2);"
			     "INSERT INTO assignment VALUES('a', 'c', 'x', 3, NULL, NULL, NULL),"
			     " ('b', 'c', 'x', 4, NULL, NULL, NULL)");
	check(world->path, NULL, "a role 3, b role 4, d discovered 2");
	check(world->path, "a", "a role 3");
	check(world->path, "nobody", "");
}

static void a_name_that_was_only_asked_for_is_no_node(void **arg)
{
	struct world *world = *arg;

	deploy_state_close(open_state(world->path, true));
	run_sql(world->path,
		"INSERT INTO node(identity, last_outcome, last_outcome_at)"
		" VALUES('typo', 'silent', 5);"
		"INSERT INTO node(identity, certificate, certificate_at)"
		" VALUES('ca', 'requested', 6), ('cleaned', NULL, 7);"
		"INSERT INTO assignment VALUES('given', 'c', '', 20, NULL, NULL, NULL)");
	check(world->path, NULL, "ca discovered 0, given role 20");
	check(world->path, "typo", "");
}

static int print_parts(void *arg, const struct deploy_standing *standing)
{
	for (int part = 0; part < DEPLOY_ROLE_PARTS; part++)
		print(arg, "%s/%s", standing->shown[part] ? standing->shown[part] : "-",
			standing->assigned[part] ? standing->assigned[part] : "-");
	print(arg, "%zu due %zu", standing->assignments, standing->due);
	return 0;
}

static void each_part_of_a_role_is_found_where_it_stands(void **arg)
{
	struct deploy_error err = {.code = DEPLOY_OK};
	char quoted[] = "a\"b", *const strange[] = {quoted, category, role, entity};
	struct world *world = *arg;
	struct text text = {.len = 0}, other = {.len = 0};
	struct deploy_state *state = open_state(world->path, true);

	run_sql(world->path,
		"INSERT INTO node(identity) VALUES('n');"
		"INSERT INTO inventory(node, facts)"
		" VALUES('n', '{\"c\": \"C\", \"g\": 7, \"my\": {\"role\": \"no\"}, \"my.role\": "
		"\"R\"}');"
		"INSERT INTO assignment VALUES('n', 'g', 'G', 1, NULL, NULL, NULL),"
		" ('n', 'e', '', 1, 1, 1, NULL), ('n', 'my.role', 'S', 1, 2, 2, NULL)");
	assert_int_equal(
		deploy_state_each_standing(state, role_facts, "n", print_parts, &text, &err), 0);
	assert_string_equal(text.bytes, "C/-, 7/G, R/S, -/-, 2 due 1");
	assert_int_equal(
		deploy_state_each_standing(state, strange, "n", print_parts, &other, &err), 0);
	assert_string_equal(other.bytes, "-/-, 7/G, R/S, -/-, 2 due 1");
	deploy_state_close(state);
}

static int print_name(void *arg, const char *name, const char *text)
{
	print(arg, "%s%s%s", name, text ? ": " : "", text ? text : "");
	return 0;
}

static void names_begin_as_asked_and_are_not_too_many(void **arg)
{
	static const struct {
		struct deploy_names_query query;
		const char *expected;
	} rows[] = {
		{{DEPLOY_NAMES_NODES, NULL, "", 10}, "db1, web1, web2"},
		{{DEPLOY_NAMES_NODES, NULL, "web", 10}, "web1, web2"},
		{{DEPLOY_NAMES_NODES, NULL, "", 2}, "db1, web1"},
		{{DEPLOY_NAMES_NODES, NULL, "x", 10}, ""},
		{{DEPLOY_NAMES_NODES, NULL, "%", 10}, ""},
		{{DEPLOY_NAMES_FACTS, NULL, "", 10}, "country, my.fact, os"},
		{{DEPLOY_NAMES_FACTS, NULL, "o", 10}, "os"},
		{{DEPLOY_NAMES_VALUES, "country", "", 10}, "7, de, uk"},
		{{DEPLOY_NAMES_VALUES, "country", "d", 10}, "de"},
		{{DEPLOY_NAMES_VALUES, "my.fact", "", 10}, "x"},
		{{DEPLOY_NAMES_VALUES, "\"", "", 10}, ""},
		{{DEPLOY_NAMES_RUNS, NULL, "01B", 10}, "01B2: deployctl two, 01B1"},
		{{DEPLOY_NAMES_RUNS, NULL, "", 1}, "01B2: deployctl two"},
	};
	struct world *world = *arg;
	struct deploy_state *state = open_state(world->path, true);

	run_sql(world->path,
		"INSERT INTO node(identity, first_seen) VALUES('web2', 1), ('web1', 1), ('db1', 1);"
		"INSERT INTO node(identity) VALUES('web0');"
		"INSERT INTO inventory(node, facts) VALUES('web1', '{\"country\": \"uk\", \"os\": "
		"1}'),"
		" ('web2', '{\"country\": \"de\", \"my.fact\": \"x\", \"gone\": null}'), ('db1', "
		"'no');"
		"INSERT INTO node(identity, first_seen) VALUES('n4', 1);"
		"INSERT INTO inventory(node, facts) VALUES('n4', '{\"country\": 7}');"
		"DELETE FROM node WHERE identity = 'n4';"
		"INSERT INTO run(id, kind, command, is_act, uid, host, boot, pid_space, pid,"
		" pid_started, life, started) VALUES"
		" ('01A1', 'ping', NULL, 0, 0, '', '', '', 1, 1, 'leaving', 1),"
		" ('01B1', 'ping', NULL, 0, 0, '', '', '', 1, 1, 'ended', 1),"
		" ('01B2', 'rpc', 'deployctl two', 0, 0, '', '', '', 1, 1, 'ended', 1)");
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct deploy_error err = {.code = DEPLOY_OK};
		struct text text = {.len = 0};

		assert_int_equal(
			deploy_state_each_name(state, &rows[i].query, print_name, &text, &err), 0);
		assert_string_equal(text.bytes, rows[i].expected);
	}
	deploy_state_close(state);
}

static void every_stage_has_a_name(void **arg)
{
	(void)arg;
	for (int stage = 0; stage < DEPLOY_STAGES; stage++)
		assert_string_not_equal(
			deploy_stage_name((enum deploy_stage)stage), "no such stage");
	assert_string_equal(deploy_stage_name(DEPLOY_STAGES), "no such stage");
}

#define in_a_world(test) cmocka_unit_test_setup_teardown(test, world_open, world_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		in_a_world(the_stage_follows_from_what_is_recorded),
		in_a_world(certificate_and_puppet_decide_the_last_stages),
		in_a_world(who_is_only_assigned_something_is_listed_too),
		in_a_world(a_name_that_was_only_asked_for_is_no_node),
		in_a_world(each_part_of_a_role_is_found_where_it_stands),
		in_a_world(names_begin_as_asked_and_are_not_too_many),
		cmocka_unit_test(every_stage_has_a_name),
	};

	return cmocka_run_group_tests_name("stage", tests, NULL, NULL);
}
