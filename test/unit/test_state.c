/* The state file: opening it, whatever it is; who may read and write meanwhile; assignments. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "state_world.h"
#include "store/schema.h"
#include "store/state_file.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define NOBODY	     65534

static const char *mode_of(const char *path)
{
	static char text[16];
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	(void)snprintf(text, sizeof(text), "%o", (unsigned)st.st_mode & 07777);
	return text;
}

static void a_new_file_is_private_in_a_folder_that_is_made(void **arg)
{
	struct world *world = *arg;
	char *path = world_path(world, "a/b/state.db");
	char *folder = world_path(world, "a/b");
	char *wal = world_path(world, "a/b/state.db-wal");
	mode_t mask = umask(0);
	struct deploy_state *state = open_state(path, true);

	(void)umask(mask);
	assert_string_equal(mode_of(folder), "700");
	assert_string_equal(mode_of(path), "600");
	assert_string_equal(mode_of(wal), "600");
	deploy_state_close(state);
}

static void a_shared_folder_makes_a_shared_file_and_is_left_as_it_is(void **arg)
{
	struct world *world = *arg;
	char *folder = world_path(world, "shared"), *path = world_path(world, "shared/state.db");
	mode_t mask = umask(077);
	struct deploy_state *state;

	assert_int_equal(mkdir(folder, 0700), 0);
	assert_int_equal(chmod(folder, 02770), 0);
	state = open_state(path, true);
	(void)umask(mask);
	assert_string_equal(mode_of(folder), "2770");
	assert_string_equal(mode_of(path), "660");
	deploy_state_close(state);
}

static void a_file_that_is_opened_again_holds_what_it_held(void **arg)
{
	struct world *world = *arg;
	struct deploy_state *state = open_state(world->path, true);
	char *text;

	add_node(state, "web01");
	deploy_state_close(state);
	state = open_state(world->path, true);
	text = nodes_of(state);
	assert_string_equal(text, "web01");
	free(text);
	deploy_state_close(state);
}

static void a_reader_of_nothing_finds_nothing_and_makes_nothing(void **arg)
{
	struct world *world = *arg;
	struct deploy_state *state = open_state(world->path, false);
	char *text = nodes_of(state);

	assert_string_equal(text, "");
	free(text);
	deploy_state_close(state);
	assert_int_equal(access(world->path, F_OK), -1);
	/* A file that a writer had made when it died; and had opened. */
	write_file(world->path, "", 0600);
	deploy_state_close(open_state(world->path, false));
	run_sql(world->path, "PRAGMA auto_vacuum=incremental; PRAGMA journal_mode=wal");
	deploy_state_close(open_state(world->path, false));
	deploy_state_close(open_state(world->path, true));
}

static void what_cannot_be_opened_is_named_with_a_way_out(void **arg)
{
	static const struct {
		const char *content; /* of the file; NULL: SQL that makes it */
		const char *sql;
		const char *text, *hint;
	} cases[] = {
		{NULL, "PRAGMA application_id=0x64706c79; PRAGMA user_version=77",
			"its format is 77, this one knows up to 3", "newer deployctl"},
		{NULL, "PRAGMA application_id=0x64706c79; PRAGMA user_version=-7",
			"its format is -7, this one knows up to 3", "newer deployctl"},
		{NULL, "CREATE TABLE recipe(name)", "no state file of deployctl", "--state"},
		{NULL, "PRAGMA application_id=7", "no state file of deployctl", "--state"},
		{"this is a text, and a long one, but it is no database of any kind at all; "
		 "SQLite looks at the first hundred bytes, which is why it has to be so long",
			NULL, "file is not a database", "move it away"},
	};
	struct world *world = *arg;

	for (size_t i = 0; i < COUNT(cases); i++) {
		for (int may_write = 0; may_write < 2; may_write++) {
			struct deploy_error err = {.code = DEPLOY_OK};
			struct deploy_state *state;
			bool is_newer = i < 2;

			(void)unlink(world->path);
			if (cases[i].content)
				write_file(world->path, cases[i].content, 0600);
			else
				run_sql(world->path, cases[i].sql);
			assert_int_equal(
				deploy_state_open(&state, world->path, may_write, &err), DEPLOY_IO);
			assert_null(state);
			assert_non_null(strstr(err.text, cases[i].text));
			assert_non_null(strstr(err.text, world->path));
			assert_non_null(strstr(is_newer ? err.text : err.hint, cases[i].hint));
			assert_true(err.hint[0]);
		}
	}
}

static void what_is_no_safe_file_is_refused(void **arg)
{
	struct world *world = *arg;
	struct deploy_error err = {.code = DEPLOY_OK}, other = {.code = DEPLOY_OK};
	struct deploy_state *state;

	write_file(world->path, "", 0602);
	assert_int_equal(deploy_state_open(&state, world->path, true, &err), DEPLOY_IO);
	assert_non_null(strstr(err.text, "everybody may write it"));
	assert_int_equal(deploy_state_open(&state, world->folder, true, &other), DEPLOY_IO);
	assert_non_null(strstr(other.text, "not a regular file"));
}

static void a_folder_that_cannot_be_made_is_named(void **arg)
{
	struct world *world = *arg;
	struct deploy_error err = {.code = DEPLOY_OK};
	char *path = world_path(world, "file/below/state.db");
	struct deploy_state *state;

	write_file(world_path(world, "file"), "x", 0600);
	assert_int_equal(deploy_state_open(&state, path, true, &err), DEPLOY_IO);
	assert_non_null(strstr(err.text, "its folder cannot be made"));
	assert_non_null(strstr(err.hint, "--state"));
}

static void a_damaged_file_is_called_damaged(void **arg)
{
	struct world *world = *arg;
	struct deploy_error err = {.code = DEPLOY_OK};
	struct deploy_state *state = open_state(world->path, true);
	char name[32];
	int rc;

	/* 500 commits, none of which has to last. */
	assert_int_equal(dp_sql_exec(state, "PRAGMA synchronous=off", &err), 0);
	for (int i = 0; i < 500; i++) {
		(void)snprintf(name, sizeof(name), "node%04d", i);
		add_node(state, name);
	}
	deploy_state_close(state);
	/* Every page but the first, which holds the tables' names. */
	overwrite(world->path, 4096, 'x');
	rc = deploy_state_open(&state, world->path, false, &err);
	if (!rc) {
		rc = deploy_state_each_node(state, 0, count_node, &(size_t){0}, &err);
		deploy_state_close(state);
	}
	assert_int_equal(rc, DEPLOY_IO);
	assert_non_null(strstr(err.text, "damaged"));
	assert_non_null(strstr(err.hint, "move it away"));
}

static void a_full_disk_is_told_and_keeps_what_was_there(void **arg)
{
	struct world *world = *arg;
	struct deploy_error err = {.code = DEPLOY_OK};
	struct deploy_state *state = open_state(world->path, true);
	char name[256];
	int rc = 0, added = 0;
	size_t found = 0;

	assert_int_equal(
		dp_sql_exec(state, "PRAGMA max_page_count=30; PRAGMA synchronous=off", &err), 0);
	while (!rc) {
		(void)snprintf(name, sizeof(name), "%0200d", added);
		rc = deploy_state_set_certificate(state, name, "signed", NULL, &err);
		added += rc == 0;
		assert_true(added < 10000);
	}
	assert_int_equal(rc, DEPLOY_IO);
	assert_non_null(strstr(err.text, "the disk is full"));
	deploy_state_close(state);
	state = open_state(world->path, false);
	assert_int_equal(deploy_state_each_node(state, 0, count_node, &found, &err), 0);
	assert_int_equal(found, added);
	deploy_state_close(state);
}

/* Root may write anything, so somebody else tries. */
static int try_as_nobody(const char *path, bool may_write, struct deploy_error *err)
{
	struct deploy_state *state;
	int rc = deploy_state_open(&state, path, may_write, err);
	size_t found = 0;

	if (rc)
		return rc;
	rc = deploy_state_each_node(state, 0, count_node, &found, err);
	deploy_state_close(state);
	return rc ? rc : (int)found;
}

static int look_and_write_as_nobody(const char *path)
{
	struct deploy_error err = {.code = DEPLOY_OK}, other = {.code = DEPLOY_OK};

	if (geteuid() == 0 && setuid(NOBODY) != 0)
		return 1;
	if (try_as_nobody(path, false, &err) != 1)
		return 2;
	return try_as_nobody(path, true, &other) == DEPLOY_IO &&
			       strstr(other.text, "may not be written")
		       ? 0
		       : 3;
}

static void a_file_that_may_not_be_written_is_read_but_not_written(void **arg)
{
	/* Of the folder: nobody can make a file beside it, or can. */
	static const mode_t modes[] = {0555, 01777};
	struct world *world = *arg;
	char *folder = world_path(world, "ro"), *path = world_path(world, "ro/state.db");
	struct deploy_state *state = open_state(path, true);

	add_node(state, "web01");
	deploy_state_close(state);
	assert_int_equal(chmod(path, 0444), 0);
	assert_int_equal(chmod(world->folder, 0755), 0);
	for (size_t i = 0; i < COUNT(modes); i++) {
		int status;
		pid_t child;

		assert_int_equal(chmod(folder, modes[i]), 0);
		child = fork();
		if (child == 0)
			_exit(look_and_write_as_nobody(path));
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_int_equal(status, 0);
	}
}

static void a_reader_sees_what_is_committed_while_somebody_writes(void **arg)
{
	struct world *world = *arg;
	struct deploy_error err = {.code = DEPLOY_OK};
	struct deploy_state *writer = open_state(world->path, true), *reader;
	char *text;

	add_node(writer, "old");
	assert_int_equal(deploy_state_begin(writer, &err), 0);
	add_node(writer, "new");
	reader = open_state(world->path, false);
	text = nodes_of(reader);
	assert_string_equal(text, "old");
	free(text);
	assert_int_equal(deploy_state_finish(writer, 0, &err), 0);
	text = nodes_of(reader);
	assert_string_equal(text, "new old");
	free(text);
	deploy_state_close(reader);
	deploy_state_close(writer);
}

static void a_second_writer_that_waits_too_long_is_told_so(void **arg)
{
	struct world *world = *arg;
	struct deploy_error err = {.code = DEPLOY_OK};
	struct deploy_state *first = open_state(world->path, true);
	struct deploy_state *second = open_state(world->path, true);

	assert_int_equal(deploy_state_begin(first, &err), 0);
	(void)sqlite3_busy_timeout(second->db, 0);
	assert_int_equal(
		deploy_state_set_certificate(second, "a", "signed", NULL, &err), DEPLOY_IO);
	assert_non_null(strstr(err.text, "another process has kept it locked"));
	err.code = DEPLOY_OK;
	assert_int_equal(deploy_state_finish(first, 0, &err), 0);
	assert_int_equal(deploy_state_set_certificate(second, "a", "signed", NULL, &err), 0);
	deploy_state_close(second);
	deploy_state_close(first);
}

static void many_may_make_the_file_at_once(void **arg)
{
	struct world *world = *arg;
	pid_t children[6];
	char *text;
	struct deploy_state *state;

	for (size_t i = 0; i < COUNT(children); i++) {
		children[i] = fork();
		if (children[i] == 0) {
			struct deploy_error err = {.code = DEPLOY_OK};
			char name[] = "node0";

			name[4] = (char)('0' + i);
			if (deploy_state_open(&state, world->path, true, &err) ||
				deploy_state_set_certificate(state, name, "signed", NULL, &err)) {
				print_error("%s\n", err.text);
				_exit(1);
			}
			deploy_state_close(state);
			_exit(0);
		}
	}
	for (size_t i = 0; i < COUNT(children); i++) {
		int status;

		assert_int_equal(waitpid(children[i], &status, 0), children[i]);
		assert_int_equal(status, 0);
	}
	state = open_state(world->path, false);
	text = nodes_of(state);
	assert_string_equal(text, "node0 node1 node2 node3 node4 node5");
	free(text);
	deploy_state_close(state);
}

static void changes_within_one_are_kept_together_or_not_at_all(void **arg)
{
	struct world *world = *arg;
	struct deploy_error err = {.code = DEPLOY_OK};
	struct deploy_state *state = open_state(world->path, true);
	char *text;

	assert_int_equal(deploy_state_begin(state, &err), 0);
	add_node(state, "lost");
	assert_int_equal(deploy_state_begin(state, &err), 0);
	assert_int_equal(deploy_state_finish(state, DEPLOY_IO, &err), DEPLOY_IO);
	/* Whoever began forgot that something within had failed. */
	assert_int_equal(deploy_state_finish(state, 0, &err), DEPLOY_IO);
	err.code = DEPLOY_OK;
	assert_int_equal(deploy_state_begin(state, &err), 0);
	add_node(state, "kept");
	assert_int_equal(deploy_state_finish(state, 0, &err), 0);
	text = nodes_of(state);
	assert_string_equal(text, "kept");
	free(text);
	deploy_state_close(state);
}

static void a_file_that_others_can_change_is_no_state_file(void **arg)
{
	static const char folder_flaw[] = "everybody may write its folder";
	static const char owner_flaw[] = "it belongs to another user, who could change what nodes "
					 "get";
	static const struct {
		uid_t file, us;
		mode_t folder;
		const char *flaw;
	} cases[] = {{7, 7, 0700, NULL}, {0, 7, 0755, NULL}, {0, 0, 01777, NULL},
		{7, 7, 0777, folder_flaw}, {7, 7, 02777, folder_flaw}, {8, 7, 0755, owner_flaw},
		{8, 0, 01777, owner_flaw}, {8, 7, 0770, owner_flaw}, {8, 7, 02755, owner_flaw},
		{8, 7, 02770, NULL}, {8, 0, 02770, NULL}};

	(void)arg;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct stat file = {.st_uid = cases[i].file},
				  folder = {.st_mode = cases[i].folder};
		const char *flaw = dp_state_file_flaw(&file, &folder, cases[i].us);

		if (cases[i].flaw)
			assert_string_equal(flaw, cases[i].flaw);
		else
			assert_null(flaw);
	}
}

/* A -wal that somebody lays there would be taken for ours. */
static void a_folder_that_everybody_may_write_is_refused_to_a_writer(void **arg)
{
	struct world *world = *arg;
	struct deploy_error err = {.code = DEPLOY_OK};
	struct deploy_state *state = NULL;

	assert_int_equal(chmod(world->folder, 0777), 0);
	assert_int_equal(deploy_state_open(&state, world->path, true, &err), DEPLOY_IO);
	assert_non_null(strstr(err.text, "everybody may write its folder"));
	assert_int_equal(chmod(world->folder, 0700), 0);
	deploy_state_close(open_state(world->path, true));
}

static void network_file_systems_are_known(void **arg)
{
	(void)arg;
	assert_string_equal(dp_network_file_system(0x6969), "NFS");
	assert_string_equal(dp_network_file_system(0xff534d42), "CIFS");
	assert_string_equal(dp_network_file_system((unsigned long)(int)0xff534d42), "CIFS");
	assert_string_equal(dp_network_file_system(0xfe534d42), "SMB");
	assert_null(dp_network_file_system(0xef53));
	assert_null(dp_network_file_system(0x01021994));
}

static void an_uri_hides_what_it_would_misread(void **arg)
{
	char *uri = dp_state_file_immutable_uri("/var/a b/%41?x=#1.db");

	(void)arg;
	assert_string_equal(uri, "file:/var/a%20b/%2541%3fx%3d%231.db?immutable=1");
	free(uri);
}

static int print_assignment(void *arg, const struct deploy_assignment *a)
{
	print(arg, "%s %s=%s%s%s", a->node, a->fact, a->value, a->pushed_at_us ? " pushed" : "",
		a->verified_at_us ? " verified" : "");
	return 0;
}

static void assign(struct deploy_state *state, const char *node, const char *facts)
{
	struct deploy_error err = {.code = DEPLOY_OK};
	json_t *object = json_loads(facts, 0, NULL);

	assert_int_equal(deploy_state_assign(state, node, object, NULL, &err), 0);
	json_decref(object);
}

static void mark(struct deploy_state *state, enum deploy_assignment_mark what, const char *node,
	const char *facts)
{
	struct deploy_error err = {.code = DEPLOY_OK};
	json_t *object = json_loads(facts, 0, NULL);

	assert_int_equal(deploy_state_mark(state, what, node, object, &err), 0);
	json_decref(object);
}

static void check_assigned(struct deploy_state *state, const struct deploy_assignment_query *query,
	const char *expected)
{
	struct deploy_error err = {.code = DEPLOY_OK};
	struct text text = {.len = 0};

	assert_int_equal(
		deploy_state_each_assignment(state, query, print_assignment, &text, &err), 0);
	assert_string_equal(text.bytes, expected);
}

static void an_assignment_replaces_the_one_before(void **arg)
{
	static const struct deploy_assignment_query all = {.node = NULL}, web = {.node = "web"},
						    cluster = {.fact = "col", .value = "prod"};
	struct world *world = *arg;
	struct deploy_error err = {.code = DEPLOY_OK};
	struct deploy_state *state = open_state(world->path, true);

	assign(state, "web", "{\"role\":\"a b\",\"col\":\"prod\",\"old\":\"x\"}");
	assign(state, "db", "{\"role\":\"b\",\"col\":\"test\"}");
	mark(state, DEPLOY_MARK_PUSHED, "web", "{\"role\":\"a b\",\"col\":\"prod\"}");
	mark(state, DEPLOY_MARK_VERIFIED, "db", "{\"role\":\"b\",\"col\":\"meanwhile\"}");
	check_assigned(state, &all,
		"db col=test, db role=b pushed verified, web col=prod pushed, web old=x, "
		"web role=a b pushed");
	/* What stays the same stays pushed; what changed is not; what is gone is gone. */
	assign(state, "web", "{\"role\":\"c\",\"col\":\"prod\"}");
	check_assigned(state, &web, "web col=prod pushed, web role=c");
	check_assigned(state, &cluster, "web col=prod pushed, web role=c");
	assert_int_equal(deploy_state_unassign(state, "web", &err), 0);
	check_assigned(state, &all, "db col=test, db role=b pushed verified");
	deploy_state_close(state);
}

static int print_facts(void *arg, const struct deploy_node_record *node)
{
	char *facts = json_dumps(node->facts, JSON_COMPACT | JSON_SORT_KEYS);

	print(arg, "%s %s%s", node->identity, facts ? facts : "-",
		node->last_seen_us ? " seen" : "");
	free(facts);
	return 0;
}

static void set_facts(struct deploy_state *state, const char *node, const char *facts)
{
	struct deploy_error err = {.code = DEPLOY_OK};
	json_t *object = json_loads(facts, 0, NULL);

	assert_int_equal(deploy_state_set_facts(state, node, object, &err), 0);
	json_decref(object);
}

static void unmark(struct deploy_state *state, const char *node, const char *facts)
{
	struct deploy_error err = {.code = DEPLOY_OK};
	json_t *object = facts ? json_loads(facts, 0, NULL) : NULL;

	assert_int_equal(deploy_state_unmark(state, node, object, &err), 0);
	json_decref(object);
}

static void what_is_given_instead_is_no_longer_as_assigned(void **arg)
{
	static const struct deploy_assignment_query all = {.node = NULL};
	struct world *world = *arg;
	struct deploy_state *state = open_state(world->path, true);

	assign(state, "db", "{\"role\":\"a\"}");
	assign(state, "web", "{\"col\":\"x\",\"role\":\"a\",\"old\":\"\"}");
	mark(state, DEPLOY_MARK_VERIFIED, "db", "{\"role\":\"a\"}");
	mark(state, DEPLOY_MARK_VERIFIED, "web", "{\"col\":\"x\",\"role\":\"a\",\"old\":\"\"}");
	unmark(state, "web", "{\"role\":\"b\",\"col\":\"x\",\"rack\":\"r1\"}");
	check_assigned(state, &all,
		"db role=a pushed verified, web col=x pushed verified, web old= pushed verified, "
		"web role=a");
	unmark(state, "web", NULL);
	check_assigned(state, &all, "db role=a pushed verified, web col=x, web old=, web role=a");
	deploy_state_close(state);
}

static void what_was_read_back_is_known_of_the_node(void **arg)
{
	struct world *world = *arg;
	struct deploy_error err = {.code = DEPLOY_OK};
	struct deploy_state *state = open_state(world->path, true);
	struct text text = {.len = 0};

	assign(state, "web", "{\"role\":\"a\"}");
	mark(state, DEPLOY_MARK_VERIFIED, "web", "{\"role\":\"a\"}");
	assert_int_equal(
		deploy_state_each_node(state, DEPLOY_WITH_FACTS, print_facts, &text, &err), 0);
	assert_string_equal(text.bytes, "");
	set_facts(state, "web", "{\"role\":\"a\",\"gone\":\"x\"}");
	set_facts(state, "web", "{\"other\":\"b\",\"gone\":null}");
	assert_int_equal(
		deploy_state_each_node(state, DEPLOY_WITH_FACTS, print_facts, &text, &err), 0);
	assert_string_equal(text.bytes, "web {\"gone\":null,\"other\":\"b\",\"role\":\"a\"} seen");
	deploy_state_close(state);
}

static int check_certificate(void *arg, const struct deploy_node_record *node)
{
	assert_string_equal(node->certificate, "signed");
	assert_string_equal(node->fingerprint, "AB:CD");
	assert_true(node->certificate_at_us > 0);
	assert_true(node->last_seen_us == 0);
	assert_null(node->facts);
	assert_null(node->last_run);
	++*(size_t *)arg;
	return 0;
}

static void a_certificate_is_known_of_a_node_that_nobody_saw(void **arg)
{
	struct world *world = *arg;
	struct deploy_error err = {.code = DEPLOY_OK};
	struct deploy_state *state = open_state(world->path, true);
	size_t calls = 0;

	assert_int_equal(deploy_state_set_certificate(state, "new", "requested", NULL, &err), 0);
	assert_int_equal(deploy_state_set_certificate(state, "new", "signed", "AB:CD", &err), 0);
	assert_int_equal(deploy_state_node(state, "new", check_certificate, &calls, &err), 0);
	assert_int_equal(deploy_state_node(state, "none", check_certificate, &calls, &err), 0);
	assert_int_equal(calls, 1);
	deploy_state_close(state);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_open, world_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_new_file_is_private_in_a_folder_that_is_made),
		TEST(a_shared_folder_makes_a_shared_file_and_is_left_as_it_is),
		TEST(a_file_that_is_opened_again_holds_what_it_held),
		TEST(a_reader_of_nothing_finds_nothing_and_makes_nothing),
		TEST(what_cannot_be_opened_is_named_with_a_way_out),
		TEST(what_is_no_safe_file_is_refused),
		TEST(a_folder_that_cannot_be_made_is_named),
		TEST(a_damaged_file_is_called_damaged),
		TEST(a_full_disk_is_told_and_keeps_what_was_there),
		TEST(a_file_that_may_not_be_written_is_read_but_not_written),
		TEST(a_reader_sees_what_is_committed_while_somebody_writes),
		TEST(a_second_writer_that_waits_too_long_is_told_so),
		TEST(many_may_make_the_file_at_once),
		TEST(changes_within_one_are_kept_together_or_not_at_all),
		cmocka_unit_test(a_file_that_others_can_change_is_no_state_file),
		TEST(a_folder_that_everybody_may_write_is_refused_to_a_writer),
		cmocka_unit_test(network_file_systems_are_known),
		cmocka_unit_test(an_uri_hides_what_it_would_misread),
		TEST(an_assignment_replaces_the_one_before),
		TEST(what_was_read_back_is_known_of_the_node),
		TEST(what_is_given_instead_is_no_longer_as_assigned),
		TEST(a_certificate_is_known_of_a_node_that_nobody_saw),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
