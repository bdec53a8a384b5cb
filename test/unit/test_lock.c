/* Locks in the state file: who gets one, who is refused, and when one is free again. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "deploy/lock.h"
#include "state_world.h"
#include "store/owner.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define ONE "01A00000000000000000000001"
#define TWO "01A00000000000000000000002"

/* Returns the code, with the dead run and the error for who looks at them. */
static int take(struct deploy_state *state, const char *name, const char *run,
	char dead[DEPLOY_RUN_ID_SIZE], struct deploy_error *err)
{
	const struct deploy_lock_info info = {name, run, "run-plan", "new release"};

	*err = (struct deploy_error){.code = DEPLOY_OK};
	return deploy_lock_take(state, &info, dead, err);
}

static int print_lock(void *arg, const struct deploy_lock_record *lock)
{
	print(arg, "%s %c %s", lock->name, lock->run[25], deploy_owner_life_name(lock->owner));
	return 0;
}

static void check_locks(struct deploy_state *state, const char *expected)
{
	struct deploy_error err = {.code = DEPLOY_OK};
	struct text text = {.len = 0};

	assert_int_equal(deploy_state_each_lock(state, print_lock, &text, &err), 0);
	assert_string_equal(text.bytes, expected);
}

/* Another process had taken it. */
static void set_owner(struct deploy_state *state, const struct dp_owner *owner)
{
	struct deploy_error err = {.code = DEPLOY_OK};

	assert_int_equal(dp_sql_change(state,
				 "UPDATE lock SET host = ?1, boot = ?2, pid_space = ?3, pid = ?4,"
				 " pid_started = ?5",
				 DP_BIND(dp_text(owner->host), dp_text(owner->boot),
					 dp_text(owner->pid_space), dp_int(owner->pid),
					 dp_int(owner->pid_started)),
				 &err),
		0);
}

/* A process that lives, and is not this one. */
static struct dp_owner parent(void)
{
	struct dp_owner owner;

	dp_owner_self(&owner);
	owner.pid = (long)getppid();
	owner.pid_started = 0;
	return owner;
}

/* The four ways in which nothing can be known of a process that is not there. */
static struct dp_owner distant(int way)
{
	struct dp_owner owner;

	dp_owner_self(&owner);
	owner.pid = 0x7fffffff;
	if (way == 0)
		(void)snprintf(owner.host, sizeof(owner.host), "elsewhere");
	else if (way == 1)
		(void)snprintf(owner.boot, sizeof(owner.boot), "an earlier one");
	else if (way == 2)
		owner.boot[0] = '\0';
	else
		(void)snprintf(owner.pid_space, sizeof(owner.pid_space), "pid:[1]");
	return owner;
}

static struct dp_owner dead(void)
{
	struct dp_owner owner;

	dp_owner_self(&owner);
	owner.pid_started++;
	return owner;
}

static void a_name_is_of_few_characters_and_not_long(void **arg)
{
	static const char *const good[] = {"a", "cluster/alfa", "A-Z_0.9:/", "-"};
	static const char *const bad[] = {"", " ", "a b", "a\n", "a*", "\xc3\xa4", "a#"};
	struct deploy_error err = {.code = DEPLOY_OK};
	char name[DEPLOY_LOCK_NAME_MAX + 2];

	(void)arg;
	for (size_t i = 0; i < COUNT(good); i++)
		assert_int_equal(deploy_lock_check(good[i], &err), 0);
	memset(name, 'x', sizeof(name));
	name[DEPLOY_LOCK_NAME_MAX] = '\0';
	assert_int_equal(deploy_lock_check(name, &err), 0);
	for (size_t i = 0; i < COUNT(bad); i++) {
		err.code = DEPLOY_OK;
		assert_int_equal(deploy_lock_check(bad[i], &err), DEPLOY_INPUT);
		assert_non_null(strstr(err.text, "is no name of a lock"));
	}
	name[DEPLOY_LOCK_NAME_MAX] = 'x';
	name[DEPLOY_LOCK_NAME_MAX + 1] = '\0';
	err.code = DEPLOY_OK;
	assert_int_equal(deploy_lock_check(name, &err), DEPLOY_INPUT);
}

static void a_lock_is_taken_once(void **arg)
{
	struct world *world = *arg;
	struct deploy_state *state = open_state(world->path, true);
	char was[DEPLOY_RUN_ID_SIZE] = "?", pid[32];
	struct deploy_error err;

	assert_int_equal(take(state, "cluster/b", ONE, was, &err), 0);
	assert_string_equal(was, "");
	assert_int_equal(take(state, "cluster/B", TWO, was, &err), 0);
	assert_int_equal(take(state, "cluster/b", TWO, was, &err), DEPLOY_REFUSED);
	(void)snprintf(pid, sizeof(pid), "process %ld,", (long)getpid());
	const char *const parts[] = {
		"\"cluster/b\"", ONE, "run-plan", pid, "since 20", "new release"};
	for (size_t i = 0; i < COUNT(parts); i++)
		assert_non_null(strstr(err.text, parts[i]));
	assert_null(strstr(err.text, "cannot be told"));
	assert_string_equal(err.hint, "deployctl lock list");
	check_locks(state, "cluster/B 2 alive, cluster/b 1 alive");
	assert_int_equal(take(state, "no name", TWO, was, &err), DEPLOY_INPUT);
	deploy_state_close(state);
}

static void the_lock_of_another_process_that_lives_is_refused(void **arg)
{
	struct world *world = *arg;
	struct deploy_state *state = open_state(world->path, true);
	struct dp_owner other = parent();
	char was[DEPLOY_RUN_ID_SIZE];
	struct deploy_error err;

	assert_int_equal(take(state, "x", ONE, was, &err), 0);
	set_owner(state, &other);
	check_locks(state, "x 1 alive");
	assert_int_equal(take(state, "x", TWO, was, &err), DEPLOY_REFUSED);
	/* Nor do two processes carry out one run. */
	assert_int_equal(take(state, "x", ONE, was, &err), DEPLOY_REFUSED);
	check_locks(state, "x 1 alive");
	deploy_state_close(state);
}

static void the_lock_of_a_dead_process_is_taken_and_its_run_told(void **arg)
{
	struct world *world = *arg;
	struct deploy_state *state = open_state(world->path, true);
	struct dp_owner other = dead();
	char was[DEPLOY_RUN_ID_SIZE];
	struct deploy_error err;

	assert_int_equal(take(state, "x", ONE, was, &err), 0);
	set_owner(state, &other);
	check_locks(state, "x 1 dead");
	assert_int_equal(take(state, "x", TWO, was, &err), 0);
	assert_string_equal(was, ONE);
	check_locks(state, "x 2 alive");
	deploy_state_close(state);
}

static void the_lock_of_a_distant_process_is_refused(void **arg)
{
	struct world *world = *arg;
	struct deploy_state *state = open_state(world->path, true);
	char was[DEPLOY_RUN_ID_SIZE];
	struct deploy_error err;

	for (int way = 0; way < 4; way++) {
		struct dp_owner other = distant(way);

		assert_int_equal(take(state, "x", ONE, was, &err), 0);
		set_owner(state, &other);
		check_locks(state, "x 1 unknown");
		assert_int_equal(take(state, "x", TWO, was, &err), DEPLOY_REFUSED);
		assert_non_null(strstr(err.text, "whether it lives cannot be told"));
		check_locks(state, "x 1 unknown");
		/* The run itself goes on, wherever it was. */
		assert_int_equal(take(state, "x", ONE, was, &err), 0);
		assert_string_equal(was, "");
		check_locks(state, "x 1 alive");
	}
	deploy_state_close(state);
}

static void the_same_run_takes_it_again(void **arg)
{
	struct world *world = *arg;
	struct deploy_state *state = open_state(world->path, true);
	struct dp_owner other = dead();
	char was[DEPLOY_RUN_ID_SIZE];
	struct deploy_error err;

	for (int again = 0; again < 2; again++) {
		assert_int_equal(take(state, "x", ONE, was, &err), 0);
		assert_string_equal(was, "");
	}
	set_owner(state, &other);
	assert_int_equal(take(state, "x", ONE, was, &err), 0);
	assert_string_equal(was, "");
	check_locks(state, "x 1 alive");
	deploy_state_close(state);
}

static void only_the_run_that_has_it_lets_go(void **arg)
{
	struct world *world = *arg;
	struct deploy_state *state = open_state(world->path, true);
	char was[DEPLOY_RUN_ID_SIZE];
	struct deploy_error err;

	assert_int_equal(take(state, "x", ONE, was, &err), 0);
	assert_int_equal(take(state, "y", ONE, was, &err), 0);
	assert_int_equal(deploy_lock_release(state, "x", TWO, &err), 0);
	check_locks(state, "x 1 alive, y 1 alive");
	assert_int_equal(deploy_lock_release(state, "x", ONE, &err), 0);
	check_locks(state, "y 1 alive");
	assert_int_equal(deploy_lock_release(state, "x", ONE, &err), 0);
	assert_int_equal(take(state, "x", TWO, was, &err), 0);
	assert_string_equal(was, "");
	deploy_state_close(state);
}

static void a_lock_that_is_broken_is_free(void **arg)
{
	struct world *world = *arg;
	struct deploy_state *state = open_state(world->path, true);
	char was[DEPLOY_RUN_ID_SIZE];
	struct deploy_error err;

	assert_int_equal(take(state, "x", ONE, was, &err), 0);
	assert_int_equal(deploy_lock_break(state, "y", &err), DEPLOY_USAGE);
	assert_non_null(strstr(err.text, "\"y\""));
	err = (struct deploy_error){.code = DEPLOY_OK};
	assert_int_equal(deploy_lock_break(state, "x", &err), 0);
	check_locks(state, "");
	assert_int_equal(take(state, "x", TWO, was, &err), 0);
	assert_string_equal(was, "");
	deploy_state_close(state);
}

/* Tells what came of it, and has the lock until nobody holds the pipe open any more. */
static void compete(const char *path, const char *run, int tell, int until)
{
	struct deploy_state *state = open_state(path, true);
	char was[DEPLOY_RUN_ID_SIZE], byte;
	struct deploy_error err;
	char result = take(state, "x", run, was, &err) == 0 ? 'y'
		      : err.code == DEPLOY_REFUSED	    ? 'n'
							    : '?';

	(void)alarm(20);
	(void)!write(tell, &result, 1);
	(void)!read(until, &byte, 1);
	_exit(0);
}

static void one_of_many_gets_it(void **arg)
{
	enum { MANY = 8 };
	struct world *world = *arg;
	char run[] = ONE, results[MANY + 1] = "";
	size_t taken = 0, refused = 0;
	int tell[2], until[2];

	deploy_state_close(open_state(world->path, true));
	assert_int_equal(pipe(tell) | pipe(until), 0);
	for (int i = 0; i < MANY; i++) {
		run[25] = (char)('1' + i);
		if (fork() == 0) {
			(void)close(until[1]);
			compete(world->path, run, tell[1], until[0]);
		}
	}
	(void)close(tell[1]);
	for (size_t i = 0; i < MANY && read(tell[0], results + i, 1) == 1; i++)
		;
	(void)close(until[1]);
	for (int i = 0; i < MANY; i++)
		assert_true(wait(NULL) > 0);
	(void)close(tell[0]);
	(void)close(until[0]);
	for (size_t i = 0; i < MANY; i++) {
		taken += results[i] == 'y';
		refused += results[i] == 'n';
	}
	assert_int_equal(taken, 1);
	assert_int_equal(refused, MANY - 1);
}

static void every_life_has_a_name(void **arg)
{
	(void)arg;
	for (int life = 0; life < DEPLOY_OWNER_LIVES; life++)
		assert_null(strstr(deploy_owner_life_name((enum deploy_owner_life)life), " "));
	assert_string_equal(deploy_owner_life_name(DEPLOY_OWNER_LIVES), "no such life");
}

#define WORLD_TEST(test) cmocka_unit_test_setup_teardown(test, world_open, world_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_name_is_of_few_characters_and_not_long),
		WORLD_TEST(a_lock_is_taken_once),
		WORLD_TEST(the_lock_of_another_process_that_lives_is_refused),
		WORLD_TEST(the_lock_of_a_dead_process_is_taken_and_its_run_told),
		WORLD_TEST(the_lock_of_a_distant_process_is_refused),
		WORLD_TEST(the_same_run_takes_it_again),
		WORLD_TEST(only_the_run_that_has_it_lets_go),
		WORLD_TEST(a_lock_that_is_broken_is_free),
		WORLD_TEST(one_of_many_gets_it),
		cmocka_unit_test(every_life_has_a_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
