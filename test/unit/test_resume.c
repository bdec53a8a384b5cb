/* Runs that are ended by others or by death, and go on: what is recorded of each time, and who may.
 */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "journal_play.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct deploy_run_info plan_run = {.kind = "run-plan",
	.command = "run-plan a.yaml",
	.plan_file = "/srv/a.yaml",
	.plan_digest = "abc",
	.is_act = true};

/* As if its process had died now: nothing more is recorded, and the owner is no process. */
static void die(struct play *play)
{
	struct deploy_error err = {.code = DEPLOY_OK};

	assert_int_equal(deploy_journal_commit(play->journal), 0);
	assert_int_equal(
		dp_sql_exec(play->state,
			"UPDATE run SET pid_started = pid_started + 1 WHERE life = 'running';"
			"PRAGMA query_only = 1",
			&err),
		0);
	assert_int_equal(end(play, DEPLOY_RUN_COMPLETE, 0, &err), DEPLOY_IO);
	finish(play);
}

/* The plan has one task, of that label. */
static void resume(struct play *play, struct world *world, const char *id, const char *label)
{
	struct deploy_run_info info = plan_run;

	info.command = "resume";
	info.kind = "other";
	info.plan_file = "/other";
	info.resume = id;
	begin_labelled(play, world, &info, label);
	assert_string_equal(deploy_journal_run_id(play->journal), id);
	tell(play, (struct deploy_event){.type = DEPLOY_EVENT_TASK_STARTED, .count = 9});
}

static int print_run(void *arg, const struct deploy_run_record *run)
{
	print(arg, "%s %s %s %s", run->kind, run->command, run->plan_file, run->plan_digest);
	print(arg, "%s %s/%d%s resumed %u", deploy_run_life_name(run->life),
		run->end ? run->end : "-", run->exit, run->ended_us ? " ended" : "", run->resumed);
	print(arg, "ok %zu failed %zu unknown %zu cancelled %zu asked %zu",
		run->count[DEPLOY_OUTCOME_OK], run->count[DEPLOY_OUTCOME_FAILED],
		run->count[DEPLOY_OUTCOME_UNKNOWN], run->count[DEPLOY_OUTCOME_CANCELLED],
		run->asked);
	if (run->cancelled_us)
		print(arg, "cancelled by %s", run->cancelled_by);
	return 0;
}

static void check_run(const char *path, const char *expected)
{
	static const struct deploy_run_query all = {.id = NULL};
	struct deploy_error err = {.code = DEPLOY_OK};
	struct deploy_state *reader = open_state(path, false);
	struct text text = {.len = 0};

	assert_int_equal(deploy_state_each_run(reader, &all, print_run, &text, &err), 0);
	assert_string_equal(text.bytes, expected);
	deploy_state_close(reader);
}

/* The first time: web1 ok, web2 failed, web3 was asked, web4 was not; then it died. id: its own. */
static void first_time(struct world *world, char id[DEPLOY_RUN_ID_SIZE])
{
	struct play play;

	begin_labelled(&play, world, &plan_run, "one");
	memcpy(id, deploy_journal_run_id(play.journal), DEPLOY_RUN_ID_SIZE);
	(void)add_task(&play, "puppet", "status", NULL);
	set_label(&play, 1, "two");
	tell(&play,
		(struct deploy_event){.type = DEPLOY_EVENT_TASK_STARTED, .task = 1, .count = 4});
	for (int i = 1; i <= 3; i++) {
		char node[16];

		(void)snprintf(node, sizeof(node), "web%d", i);
		tell(&play, (struct deploy_event){.type = DEPLOY_EVENT_INTENT,
				    .task = 1,
				    .node = node,
				    .attempt = 1});
	}
	tell_reply(&play, 1, "web1", DEPLOY_OUTCOME_OK, NULL);
	tell_reply(&play, 1, "web2", DEPLOY_OUTCOME_FAILED, NULL);
	tell(&play,
		(struct deploy_event){.type = DEPLOY_EVENT_OUTCOME,
			.task = 1,
			.node = "web4",
			.outcome = &(struct deploy_outcome){
				.state = DEPLOY_OUTCOME_CANCELLED, .message = "", .rtt_us = -1}});
	tell(&play,
		(struct deploy_event){.type = DEPLOY_EVENT_STOPPED, .task = 1, .text = "1 of 4"});
	die(&play);
}

#define FIRST "run-plan run-plan a.yaml /srv/a.yaml abc, "

static void a_run_goes_on_as_itself(void **arg)
{
	struct world *world = *arg;
	char id[DEPLOY_RUN_ID_SIZE];
	struct play play;

	first_time(world, id);
	check_run(world->path, FIRST "interrupted -/-1 resumed 0, "
				     "ok 1 failed 1 unknown 0 cancelled 1 asked 1");
	resume(&play, world, id, "two");
	assert_int_equal(deploy_journal_commit(play.journal), 0);
	/* Of whom it was asked when it died, nobody will ever learn more. */
	check_run(world->path, FIRST "running -/-1 resumed 1, "
				     "ok 1 failed 1 unknown 1 cancelled 1 asked 0");
	tell_intent(&play, "web3", 1);
	assert_int_equal(deploy_journal_commit(play.journal), 0);
	check_outcomes(&play, world->path,
		"1 web1/1 ok, 1 web2/1 failed, 1 web3/1 unknown again, 1 web4/0 cancelled, "
		"2 web3/1 asked");
	tell_outcome(&play, DEPLOY_EVENT_OUTCOME, "web3", 1, DEPLOY_OUTCOME_OK);
	tell_outcome(&play, DEPLOY_EVENT_OUTCOME, "web4", 1, DEPLOY_OUTCOME_OK);
	/* It was to be asked again, and was not: it is still what it was. */
	tell_outcome(&play, DEPLOY_EVENT_OUTCOME, "web2", 0, DEPLOY_OUTCOME_CANCELLED);
	assert_int_equal(deploy_journal_commit(play.journal), 0);
	check_outcomes(&play, world->path,
		"1 web1/1 ok, 1 web2/1 failed, 1 web3/1 unknown again, 1 web4/0 cancelled again, "
		"2 web2/0 cancelled again, 2 web3/1 ok, 2 web4/1 ok");
	assert_int_equal(end(&play, DEPLOY_RUN_STOPPED, 5, &(struct deploy_error){0}), 0);
	check_run(world->path, FIRST "ended stopped/5 ended resumed 1, "
				     "ok 3 failed 1 unknown 0 cancelled 0 asked 0");
	finish(&play);
}

static void one_that_ended_may_go_on_too(void **arg)
{
	struct world *world = *arg;
	char id[DEPLOY_RUN_ID_SIZE];
	struct play play;
	long pid;

	begin(&play, world, &plan_run);
	memcpy(id, deploy_journal_run_id(play.journal), DEPLOY_RUN_ID_SIZE);
	tell_ok(&play, 0, "web1", NULL);
	assert_int_equal(deploy_journal_commit(play.journal), 0);
	assert_int_equal(
		deploy_state_cancel(play.state, id, "ann", &pid, &(struct deploy_error){0}), 0);
	assert_int_equal(end(&play, DEPLOY_RUN_INTERRUPTED, 143, &(struct deploy_error){0}), 0);
	check_run(world->path, FIRST "ended interrupted/143 ended resumed 0, ok 1 failed 0 "
				     "unknown 0 cancelled 0 asked 0, cancelled by ann");
	finish(&play);
	resume(&play, world, id, "one");
	/* Neither has this time ended, nor did anybody want it to. */
	check_run(world->path, FIRST "running -/-1 resumed 1, ok 1 failed 0 unknown 0 "
				     "cancelled 0 asked 0");
	finish(&play);
}

/* Whoever opens the file next finds that it died: its counts are exact then. */
static void one_that_dies_again_is_counted_once_too(void **arg)
{
	struct world *world = *arg;
	char id[DEPLOY_RUN_ID_SIZE];
	struct play play;

	first_time(world, id);
	resume(&play, world, id, "two");
	tell_ok(&play, 0, "web2", NULL);
	tell_intent(&play, "web3", 1);
	die(&play);
	deploy_state_close(open_state(world->path, true));
	check_run(world->path, FIRST "interrupted -/-1 resumed 1, "
				     "ok 2 failed 0 unknown 0 cancelled 1 asked 1");
	resume(&play, world, id, "two");
	check_run(world->path, FIRST "running -/-1 resumed 2, "
				     "ok 2 failed 0 unknown 1 cancelled 1 asked 0");
	finish(&play);
}

static void tasks_of_other_labels_are_counted_apart(void **arg)
{
	struct world *world = *arg;
	char id[DEPLOY_RUN_ID_SIZE];
	struct play play;

	first_time(world, id);
	resume(&play, world, id, "three");
	tell_ok(&play, 0, "web1", NULL);
	assert_int_equal(end(&play, DEPLOY_RUN_COMPLETE, 4, &(struct deploy_error){0}), 0);
	check_run(world->path, FIRST "ended complete/4 ended resumed 1, "
				     "ok 2 failed 1 unknown 1 cancelled 1 asked 0");
	finish(&play);
}

static int print_task(void *arg, const struct deploy_task_record *task)
{
	print(arg, "%u %s %s.%s %zu%s%s", task->task, task->label ? task->label : "-", task->agent,
		task->action, task->nodes, task->started_us ? " started" : "",
		!task->has_ended ? ""
		: task->is_ok	 ? " ok"
				 : " not ok");
	assert_true(task->has_ended == (task->ended_us > 0));
	return 0;
}

static int print_event(void *arg, const struct deploy_event_record *event)
{
	print(arg, "%lu %s %u %s", event->seq, event->type, event->task, event->text);
	return 0;
}

static void tasks_and_events_are_numbered_on(void **arg)
{
	struct world *world = *arg;
	struct deploy_error err = {.code = DEPLOY_OK};
	struct text tasks = {.len = 0}, events = {.len = 0};
	char id[DEPLOY_RUN_ID_SIZE];
	struct play play;

	first_time(world, id);
	resume(&play, world, id, "two");
	(void)add_task(&play, "lab", "echo", NULL);
	for (unsigned task = 0; task < 2; task++)
		tell(&play, (struct deploy_event){.type = DEPLOY_EVENT_TASK_ENDED,
				    .task = task,
				    .count = 3 + task,
				    .is_ok = task == 1});
	tell(&play, (struct deploy_event){.type = DEPLOY_EVENT_STOPPED, .text = "again"});
	/* The one who watches sees this run from its begin. */
	assert_int_equal(deploy_journal_commit(play.journal), 0);
	assert_string_equal(
		play.told.bytes, "1 task_started, 2 task_ended, 3 task_ended, 4 stopped");
	assert_int_equal(deploy_state_each_task(play.state, id, print_task, &tasks, &err), 0);
	assert_string_equal(tasks.bytes, "0 one puppet.status 0, 1 two puppet.status 4 started, "
					 "2 two puppet.status 3 started not ok");
	assert_int_equal(deploy_state_each_event(play.state, id, print_event, &events, &err), 0);
	assert_string_equal(
		events.bytes, "8 stopped 1 1 of 4, 9 resumed 2 resume, 13 stopped 2 again");
	finish(&play);
}

static int print_label(void *arg, const struct deploy_outcome_record *record)
{
	print(arg, "%s %s", record->node, record->label);
	return 0;
}

static void outcomes_tell_the_label_of_their_task(void **arg)
{
	static const struct deploy_outcome_query of_node = {.node = "web1"};
	struct world *world = *arg;
	struct deploy_error err = {.code = DEPLOY_OK};
	struct text text = {.len = 0};
	struct deploy_state *state;
	char id[DEPLOY_RUN_ID_SIZE];

	first_time(world, id);
	state = open_state(world->path, false);
	assert_int_equal(deploy_state_each_outcome(state, &of_node, print_label, &text, &err), 0);
	assert_string_equal(text.bytes, "web1 two");
	deploy_state_close(state);
}

/* begin() asserts that it worked. */
static void check_refused(struct play *play, const char *id, int code, const char *text)
{
	struct deploy_error err = {.code = DEPLOY_OK};
	struct deploy_run_info info = plan_run;
	struct deploy_journal *journal;

	info.resume = id;
	assert_int_equal(
		deploy_journal_begin(&journal, play->state, &info, play->plan, NULL, NULL, &err),
		code);
	assert_null(journal);
	if (!strstr(err.text, text))
		fail_msg("%s: no \"%s\"", err.text, text);
}

static void what_runs_or_is_no_act_does_not_go_on(void **arg)
{
	struct world *world = *arg;
	struct play play, looked;
	char id[DEPLOY_RUN_ID_SIZE], owner[64];

	begin(&play, world, &plan_run);
	begin(&looked, world, &look);
	memcpy(id, deploy_journal_run_id(looked.journal), sizeof(id));
	finish(&looked);
	check_refused(&play, id, DEPLOY_REFUSED, "it only looked");
	memcpy(id, deploy_journal_run_id(play.journal), sizeof(id));
	(void)snprintf(owner, sizeof(owner), "is running: process %ld on ", (long)getpid());
	check_refused(&play, id, DEPLOY_REFUSED, owner);
	check_refused(&play, "01A00000000000000000000000", DEPLOY_USAGE, "no such run");
	run_sql(world->path, "UPDATE run SET host = 'elsewhere'");
	check_refused(&play, id, DEPLOY_REFUSED, "on elsewhere");
	run_sql(world->path, "UPDATE run SET life = 'leaving' WHERE is_act");
	check_refused(&play, id, DEPLOY_USAGE, "no such run");
	finish(&play);
}

static int print_frozen(void *arg, const char *name, const struct deploy_nodeset *nodes)
{
	char *folded = deploy_nodeset_print(nodes);

	print(arg, "%s %s", name, folded);
	free(folded);
	return 0;
}

static void check_frozen(const char *path, const char *id, const char *expected)
{
	struct deploy_error err = {.code = DEPLOY_OK};
	struct deploy_state *reader = open_state(path, false);
	struct text text = {.len = 0};

	assert_int_equal(deploy_state_each_frozen(reader, id, print_frozen, &text, &err), 0);
	assert_string_equal(text.bytes, expected);
	deploy_state_close(reader);
}

static void freeze(struct play *play, const char *name, const char *nodes)
{
	struct deploy_nodeset *set = deploy_nodeset_new();
	struct deploy_error err = {.code = DEPLOY_OK};

	assert_true(!nodes[0] || deploy_nodeset_parse(set, nodes, &err) == 0);
	deploy_journal_freeze(play->journal, name, set);
	deploy_nodeset_free(set);
}

static void sets_are_frozen_before_anything_is_published(void **arg)
{
	struct world *world = *arg;
	char id[DEPLOY_RUN_ID_SIZE];
	struct play play;

	begin(&play, world, &plan_run);
	memcpy(id, deploy_journal_run_id(play.journal), sizeof(id));
	freeze(&play, "web", "web[1-3]");
	freeze(&play, "empty", "");
	tell_intent(&play, "web1", 1);
	check_frozen(world->path, id, "");
	assert_int_equal(deploy_journal_commit(play.journal), 0);
	assert_string_equal(play.told.bytes, "1 intent web1");
	check_frozen(world->path, id, "empty , web web[1-3]");
	freeze(&play, "web", "web1");
	assert_int_equal(deploy_journal_commit(play.journal), 0);
	check_frozen(world->path, id, "empty , web web1");
	die(&play);
	resume(&play, world, id, "one");
	freeze(&play, "db", "db1");
	assert_int_equal(deploy_journal_commit(play.journal), 0);
	check_frozen(world->path, id, "db db1, empty , web web1");
	finish(&play);
}

static void sets_of_what_is_not_recorded_are_not_kept(void **arg)
{
	struct world *world = *arg;
	struct deploy_error err = {.code = DEPLOY_OK};
	struct deploy_state *state;
	struct play play;
	int64_t rows = -1;

	begin(&play, world, &look);
	freeze(&play, "web", "web1");
	finish(&play);
	begin(&play, world, &plan_run);
	freeze(&play, "web", "web1");
	assert_int_equal(dp_sql_exec(play.state, "PRAGMA query_only=1", &err), 0);
	assert_int_equal(deploy_journal_commit(play.journal), DEPLOY_IO);
	freeze(&play, "web", "web2");
	assert_int_equal(end(&play, DEPLOY_RUN_COMPLETE, 0, &err), DEPLOY_IO);
	finish(&play);
	state = open_state(world->path, false);
	err.code = DEPLOY_OK;
	assert_int_equal(dp_sql_number(&rows, state, "SELECT count(*) FROM frozen", &err), 0);
	assert_int_equal(rows, 0);
	deploy_state_close(state);
}

static int stop_at_once(void *arg, const char *name, const struct deploy_nodeset *nodes)
{
	++*(int *)arg;
	return name && nodes;
}

static void a_set_that_was_damaged_is_told_of(void **arg)
{
	struct world *world = *arg;
	struct deploy_error err = {.code = DEPLOY_OK};
	struct text text = {.len = 0};
	char id[DEPLOY_RUN_ID_SIZE];
	struct play play;
	int calls = 0;

	begin(&play, world, &plan_run);
	memcpy(id, deploy_journal_run_id(play.journal), sizeof(id));
	freeze(&play, "a", "web[1-3]");
	freeze(&play, "b", "web[1-3]");
	assert_int_equal(deploy_journal_commit(play.journal), 0);
	assert_int_equal(deploy_state_each_frozen(play.state, id, stop_at_once, &calls, &err), 0);
	assert_int_equal(calls, 1);
	run_sql(world->path, "UPDATE frozen SET nodes = 'web[1' WHERE name = 'b'");
	assert_int_equal(
		deploy_state_each_frozen(play.state, id, print_frozen, &text, &err), DEPLOY_IO);
	assert_string_equal(text.bytes, "a web[1-3]");
	assert_non_null(strstr(err.text, "frozen nodes b: "));
	assert_non_null(strstr(err.text, world->path));
	finish(&play);
}

/* Cancel the one run there is; returns the code. */
static int cancel(struct world *world, const char *id, long *pid, const char *text)
{
	struct deploy_state *state = open_state(world->path, true);
	struct deploy_error err = {.code = DEPLOY_OK};
	int rc = deploy_state_cancel(state, id, "ann", pid, &err);

	if (!strstr(err.text, text))
		fail_msg("\"%s\": no \"%s\"", err.text, text);
	deploy_state_close(state);
	return rc;
}

static void who_is_to_end_a_run_is_told_by_its_owner(void **arg)
{
	struct world *world = *arg;
	char id[DEPLOY_RUN_ID_SIZE];
	struct play play;
	long pid;

	begin(&play, world, &plan_run);
	memcpy(id, deploy_journal_run_id(play.journal), sizeof(id));
	assert_int_equal(
		cancel(world, "01A00000000000000000000000", &pid, "no such run"), DEPLOY_USAGE);
	check_run(world->path, FIRST "running -/-1 resumed 0, "
				     "ok 0 failed 0 unknown 0 cancelled 0 asked 0");
	assert_int_equal(cancel(world, id, &pid, ""), 0);
	assert_int_equal(pid, getpid());
	check_run(world->path, FIRST "running -/-1 resumed 0, ok 0 failed 0 unknown 0 "
				     "cancelled 0 asked 0, cancelled by ann");
	/* Nothing proves that this process is the one that had the number. */
	run_sql(world->path, "UPDATE run SET pid_started = 0");
	assert_int_equal(cancel(world, id, &pid, ""), 0);
	assert_int_equal(pid, -1);
	run_sql(world->path, "UPDATE run SET pid = -1");
	assert_int_equal(cancel(world, id, &pid, ""), 0);
	assert_int_equal(pid, -1);
	run_sql(world->path, "UPDATE run SET host = 'elsewhere'");
	assert_int_equal(cancel(world, id, &pid, ""), 0);
	assert_int_equal(pid, -1);
	finish(&play);
	assert_int_equal(cancel(world, id, &pid, "it has ended already"), DEPLOY_REFUSED);
}

static void a_run_whose_owner_is_dead_is_interrupted_when_it_is_cancelled(void **arg)
{
	struct world *world = *arg;
	char id[DEPLOY_RUN_ID_SIZE];
	struct deploy_error err = {.code = DEPLOY_OK};
	struct deploy_state *state;
	struct play play;
	int64_t noted = 0;
	long pid = 7;

	begin(&play, world, &plan_run);
	memcpy(id, deploy_journal_run_id(play.journal), sizeof(id));
	/* It dies when the file is open already. */
	state = open_state(world->path, true);
	die(&play);
	assert_int_equal(deploy_state_cancel(state, id, NULL, &pid, &err), 0);
	assert_int_equal(pid, 0);
	assert_int_equal(
		dp_sql_number(&noted, state,
			"SELECT count(*) FROM run WHERE life = 'interrupted' AND cancelled_by <> ''"
			" AND cancelled_by <> 'ann'",
			&err),
		0);
	assert_int_equal(noted, 1);
	deploy_state_close(state);
	pid = 7;
	assert_int_equal(cancel(world, id, &pid, ""), 0);
	assert_int_equal(pid, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_open, world_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_run_goes_on_as_itself),
		TEST(one_that_ended_may_go_on_too),
		TEST(one_that_dies_again_is_counted_once_too),
		TEST(tasks_of_other_labels_are_counted_apart),
		TEST(tasks_and_events_are_numbered_on),
		TEST(outcomes_tell_the_label_of_their_task),
		TEST(what_runs_or_is_no_act_does_not_go_on),
		TEST(sets_are_frozen_before_anything_is_published),
		TEST(sets_of_what_is_not_recorded_are_not_kept),
		TEST(a_set_that_was_damaged_is_told_of),
		TEST(who_is_to_end_a_run_is_told_by_its_owner),
		TEST(a_run_whose_owner_is_dead_is_interrupted_when_it_is_cancelled),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
