/* Runs that are kept: their ids, who carries them out, how they are found, when they leave. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "state_world.h"
#include "store/owner.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void run_ids_sort_in_the_order_they_were_made(void **arg)
{
	char last[DEPLOY_RUN_ID_SIZE] = "", id[DEPLOY_RUN_ID_SIZE];

	(void)arg;
	for (int i = 0; i < 2000; i++) {
		deploy_run_id_new(id, last[0] ? last : NULL);
		assert_true(strcmp(id, last) > 0);
		assert_int_equal(strspn(id, "0123456789ABCDEFGHJKMNPQRSTVWXYZ"), 26);
		memcpy(last, id, sizeof(last));
	}
	/* The clock was set back, and the last digits are used up. */
	deploy_run_id_new(id, "7ZZZZZZZZZZZZZZZZZZZZZZ9ZZ");
	assert_string_equal(id, "7ZZZZZZZZZZZZZZZZZZZZZZA00");
}

static void an_id_of_another_process_is_another(void **arg)
{
	char one[DEPLOY_RUN_ID_SIZE], two[DEPLOY_RUN_ID_SIZE];

	(void)arg;
	deploy_run_id_new(one, NULL);
	deploy_run_id_new(two, NULL);
	assert_string_not_equal(one + 10, two + 10);
}

static void insert_run(struct deploy_state *state, const char *id, const char *life)
{
	struct deploy_error err = {.code = DEPLOY_OK};
	struct dp_owner self;

	dp_owner_self(&self);
	assert_int_equal(dp_sql_change(state,
				 "INSERT INTO run(id, kind, is_act, uid, life, started, "
				 "ended, " DP_OWNER_COLUMNS
				 ") VALUES(?1, 'rpc', 1, 0, ?2, 1, 2, ?3, ?4, ?5, ?6, ?7)",
				 DP_BIND(dp_text(id), dp_text(life), dp_text(self.host),
					 dp_text(self.boot), dp_text(self.pid_space),
					 dp_int(self.pid), dp_int(self.pid_started)),
				 &err),
		0);
}

static void a_run_is_found_by_the_beginning_of_its_id(void **arg)
{
	struct world *world = *arg;
	struct deploy_state *state = open_state(world->path, true);
	char id[DEPLOY_RUN_ID_SIZE] = "01A0000000000000000000000A";

	for (char c = 'A'; c <= 'F'; c++) {
		id[25] = c;
		insert_run(state, id, "ended");
	}
	insert_run(state, "01B00000000000000000000000", "ended");
	insert_run(state, "01C00000000000000000000000", "leaving");
	for (size_t i = 0; i < 2; i++) {
		struct deploy_error err = {.code = DEPLOY_OK};

		assert_int_equal(deploy_state_find_run(id, state, i ? "01b" : "01B", &err), 0);
		assert_string_equal(id, "01B00000000000000000000000");
	}
	static const char *const bad[][2] = {{"01C", "no such run"}, {"02", "no such run"},
		{"", "not the beginning"}, {"01_", "not the beginning"},
		{"01%", "not the beginning"}, {"01A0000000000000000000000AA", "not the beg"},
		{"01a", "more than one begins so: 01A0000000000000000000000F, "}};
	for (size_t i = 0; i < COUNT(bad); i++) {
		struct deploy_error err = {.code = DEPLOY_OK};

		assert_int_equal(deploy_state_find_run(id, state, bad[i][0], &err), DEPLOY_USAGE);
		assert_non_null(strstr(err.text, bad[i][1]));
		assert_true(i < COUNT(bad) - 1 || strstr(err.text, "B and more") != NULL);
	}
	deploy_state_close(state);
}

static void an_owner_is_dead_if_it_is_gone_or_another_has_its_pid(void **arg)
{
	struct dp_owner self, other;
	pid_t child;

	(void)arg;
	dp_owner_self(&self);
	assert_true(self.pid_started > 0 && self.host[0] && self.boot[0]);
	assert_false(dp_owner_is_dead(&self, &self));
	assert_true(dp_owner_is_here(&self, &self));
	other = self;
	other.pid_started++;
	assert_true(dp_owner_is_dead(&other, &self));
	assert_false(dp_owner_is_here(&other, &self));
	other.host[0] ^= 1; /* of another host nothing is known */
	assert_false(dp_owner_is_dead(&other, &self));
	assert_false(dp_owner_is_here(&other, &self));
	other = self;
	other.boot[0] ^= 1;
	assert_true(dp_owner_is_dead(&other, &self));
	child = fork();
	if (child == 0)
		_exit(0);
	/* It has ended, whether or not somebody collected it. */
	siginfo_t info;
	assert_int_equal(waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT), 0);
	other = self;
	other.pid = child;
	other.pid_started = 0;
	assert_true(dp_owner_is_dead(&other, &self));
	assert_int_equal(waitpid(child, NULL, 0), child);
	assert_true(dp_owner_is_dead(&other, &self));
}

/* Whoever is told to end must be the one who carries the run out, not who has its number. */
static void an_owner_is_here_only_if_nothing_is_in_doubt(void **arg)
{
	static const long not_ours[] = {0, -1, 1L << 40};
	struct dp_owner self, other;

	(void)arg;
	dp_owner_self(&self);
	for (size_t i = 0; i < COUNT(not_ours); i++) {
		other = self;
		other.pid = not_ours[i];
		assert_false(dp_owner_is_here(&other, &self));
		other.pid_started = 0;
		assert_false(dp_owner_is_here(&other, &self));
	}
	other = self;
	other.pid_started = 0;
	assert_false(dp_owner_is_here(&other, &self));
	other = self;
	other.host[0] ^= 1;
	assert_false(dp_owner_is_here(&other, &self));
	other = self;
	other.boot[0] ^= 1;
	assert_false(dp_owner_is_here(&other, &self));
	other = self;
	other.pid_space[0] ^= 1;
	assert_false(dp_owner_is_here(&other, &self));
	self.boot[0] = '\0';
	assert_false(dp_owner_is_here(&self, &self));
}

static int print_run(void *arg, const struct deploy_run_record *run)
{
	print(arg, "%c%s%s", run->id[25], run->is_act ? "" : "look",
		run->life == DEPLOY_LIFE_RUNNING ? " runs" : "");
	return 0;
}

static void check_runs(struct deploy_state *state, const char *expected)
{
	static const struct deploy_run_query all = {.id = NULL};
	struct deploy_error err = {.code = DEPLOY_OK};
	struct text text = {.len = 0};

	assert_int_equal(deploy_state_each_run(state, &all, print_run, &text, &err), 0);
	assert_string_equal(text.bytes, expected);
}

static int64_t rows_of(struct deploy_state *state)
{
	struct deploy_error err = {.code = DEPLOY_OK};
	int64_t rows = -1;

	assert_int_equal(
		dp_sql_number(&rows, state,
			"SELECT (SELECT count(*) FROM outcome) + (SELECT count(*) FROM event)",
			&err),
		0);
	return rows;
}

/* Six acts A to F, each with 1,200 outcomes, and looks G to I; F is running, all are old but I. */
static void fill_history(struct deploy_state *state)
{
	struct deploy_error err = {.code = DEPLOY_OK};
	char id[DEPLOY_RUN_ID_SIZE] = "01A00000000000000000000000";

	for (char c = 'A'; c <= 'I'; c++) {
		id[25] = c;
		insert_run(state, id, c == 'F' ? "running" : "ended");
	}
	assert_int_equal(
		dp_sql_exec(state,
			"UPDATE run SET is_act = 0 WHERE id > '01A0000000000000000000000F';"
			"UPDATE run SET ended = 4000000000000000 WHERE id LIKE '%I';"
			"INSERT INTO task(run, task) SELECT key, 0 FROM run WHERE is_act;"
			"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 1200)"
			"INSERT INTO outcome(run, task, node, attempt, state)"
			" SELECT key, 0, i, 1, 'ok' FROM run, n WHERE is_act;"
			"INSERT INTO event(run, seq, at, type, task)"
			" SELECT key, 1, 1, 'x', 0 FROM run WHERE is_act",
			&err),
		0);
}

static void too_many_runs_leave_but_acts_and_looks_apart(void **arg)
{
	static const struct deploy_retention keep = {.keep_runs = 2, .max_rows = 1000000};
	struct world *world = *arg;
	struct deploy_error err = {.code = DEPLOY_OK};
	struct deploy_state *state = open_state(world->path, true);
	bool more;

	fill_history(state);
	check_runs(state, "Ilook, Hlook, Glook, F runs, E, D, C, B, A");
	assert_int_equal(deploy_state_prune(state, &keep, &more, &err), 0);
	assert_false(more);
	check_runs(state, "Ilook, Hlook, F runs, E");
	assert_int_equal(rows_of(state), 2 * 1201);
	deploy_state_close(state);
}

static void old_runs_leave_but_none_that_runs(void **arg)
{
	static const struct deploy_retention keep = {.keep_days = 1, .max_rows = 1000000};
	struct world *world = *arg;
	struct deploy_error err = {.code = DEPLOY_OK};
	struct deploy_state *state = open_state(world->path, true);
	int64_t before, after;
	bool more;

	fill_history(state);
	assert_int_equal(dp_sql_number(&before, state, "PRAGMA page_count", &err), 0);
	assert_int_equal(deploy_state_prune(state, &keep, &more, &err), 0);
	check_runs(state, "Ilook, F runs");
	assert_int_equal(dp_sql_number(&after, state, "PRAGMA page_count", &err), 0);
	assert_true(after < before);
	deploy_state_close(state);
}

static void a_run_that_is_half_gone_is_not_seen_and_goes_on_leaving(void **arg)
{
	static const struct deploy_retention keep = {.keep_runs = 5, .max_rows = 400},
					     rest = {.max_rows = 1000000};
	struct world *world = *arg;
	struct deploy_error err = {.code = DEPLOY_OK};
	struct deploy_state *state = open_state(world->path, true);
	bool more;

	fill_history(state);
	assert_int_equal(deploy_state_prune(state, &keep, &more, &err), 0);
	assert_true(more);
	assert_int_equal(rows_of(state), 6 * 1201 - 500);
	check_runs(state, "Ilook, Hlook, Glook, F runs, E, D, C, B");
	assert_int_equal(deploy_state_prune(state, &rest, &more, &err), 0);
	assert_false(more);
	assert_int_equal(rows_of(state), 5 * 1201);
	deploy_state_close(state);
}

static void every_life_has_a_name(void **arg)
{
	(void)arg;
	for (int life = 0; life < DEPLOY_LIVES; life++)
		assert_null(strstr(deploy_run_life_name((enum deploy_run_life)life), "no such"));
	assert_non_null(strstr(deploy_run_life_name(DEPLOY_LIVES), "no such"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_open, world_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(run_ids_sort_in_the_order_they_were_made),
		cmocka_unit_test(an_id_of_another_process_is_another),
		TEST(a_run_is_found_by_the_beginning_of_its_id),
		cmocka_unit_test(an_owner_is_dead_if_it_is_gone_or_another_has_its_pid),
		cmocka_unit_test(an_owner_is_here_only_if_nothing_is_in_doubt),
		TEST(too_many_runs_leave_but_acts_and_looks_apart),
		TEST(old_runs_leave_but_none_that_runs),
		TEST(a_run_that_is_half_gone_is_not_seen_and_goes_on_leaving),
		cmocka_unit_test(every_life_has_a_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
