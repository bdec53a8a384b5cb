/* The journal: what is told was recorded before, what is asked was recorded before, and what then
 * stands in the state file. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "deploy/stage.h"
#include "journal_play.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void an_event_goes_on_when_it_is_committed(void **arg)
{
	struct world *world = *arg;
	struct play play;

	begin(&play, world, &act);
	play.path = world->path;
	tell_intent(&play, "web01", 1);
	tell_outcome(&play, DEPLOY_EVENT_OUTCOME, "web01", 1, DEPLOY_OUTCOME_OK);
	assert_string_equal(play.told.bytes, "");
	check_outcomes(&play, world->path, "");
	assert_int_equal(deploy_journal_commit(play.journal), 0);
	assert_string_equal(play.told.bytes, "1 intent web01, 2 outcome web01");
	finish(&play);
}

static void an_intent_is_recorded_before_it_may_be_published(void **arg)
{
	struct world *world = *arg;
	struct play play;

	begin(&play, world, &act);
	tell_intent(&play, "web01", 1);
	tell_intent(&play, "web02", 1);
	assert_int_equal(deploy_journal_commit(play.journal), 0);
	check_outcomes(&play, world->path, "0 web01/1 asked, 0 web02/1 asked");
	/* An act asks a node more than once within a try. */
	tell_intent(&play, "web02", 1);
	assert_int_equal(deploy_journal_commit(play.journal), 0);
	check_outcomes(&play, world->path, "0 web01/1 asked, 0 web02/1 asked");
	finish(&play);
}

static void what_has_waited_is_committed_when_idle(void **arg)
{
	struct world *world = *arg;
	struct play play;
	int wait_ms, turns = 0;

	begin(&play, world, &act);
	assert_int_equal(deploy_journal_idle(play.journal), -1);
	tell_intent(&play, "web01", 1);
	while ((wait_ms = deploy_journal_idle(play.journal)) >= 0) {
		assert_in_range(wait_ms, 1, 101);
		assert_true(++turns < 1000);
		(void)poll(NULL, 0, wait_ms);
	}
	assert_true(turns > 0);
	check_outcomes(&play, world->path, "0 web01/1 asked");
	assert_int_equal(deploy_journal_idle(play.journal), -1);
	finish(&play);
}

static void count_events(void *arg, const struct deploy_event *event)
{
	*(size_t *)arg += event->seq > 0;
}

static void five_hundred_events_are_committed_at_once(void **arg)
{
	struct world *world = *arg;
	struct deploy_error err = {.code = DEPLOY_OK};
	struct play play;
	char name[16];
	size_t told = 0;

	begin(&play, world, &act);
	assert_int_equal(deploy_journal_end(play.journal, NULL, 0, &err), 0);
	assert_int_equal(deploy_journal_begin(&play.journal, play.state, &act, play.plan,
				 count_events, &told, &err),
		0);
	for (int i = 0; i < 500; i++) {
		assert_int_equal(told, 0);
		(void)snprintf(name, sizeof(name), "node%03d", i);
		tell_intent(&play, name, 1);
	}
	assert_int_equal(told, 500);
	finish(&play);
}

static void large_answers_do_not_wait_for_others(void **arg)
{
	struct world *world = *arg;
	char *data = malloc(2 * 1024 * 1024 + 16);
	struct play play;

	assert_non_null(data);
	(void)snprintf(data, 16, "{\"a\":[\"");
	memset(data + 7, 'x', 2 * 1024 * 1024);
	(void)snprintf(data + 7 + 2 * 1024 * 1024, 4, "\"]}");
	begin(&play, world, &act);
	tell_ok(&play, 0, "web01", data);
	assert_string_equal(play.told.bytes, "");
	tell_ok(&play, 0, "web02", data);
	assert_string_equal(play.told.bytes, "1 outcome web01, 2 outcome web02");
	finish(&play);
	free(data);
}

static void every_try_has_its_row(void **arg)
{
	struct world *world = *arg;
	struct play play;

	begin(&play, world, &act);
	tell_intent(&play, "web01", 1);
	tell_intent(&play, "web02", 1);
	tell_outcome(&play, DEPLOY_EVENT_RETRY, "web01", 1, DEPLOY_OUTCOME_FAILED);
	tell_outcome(&play, DEPLOY_EVENT_OUTCOME, "web02", 1, DEPLOY_OUTCOME_SILENT);
	tell_intent(&play, "web01", 2);
	assert_int_equal(deploy_journal_commit(play.journal), 0);
	check_outcomes(&play, world->path,
		"0 web01/1 failed again, 0 web01/2 asked, 0 web02/1 silent not connected");
	tell_outcome(&play, DEPLOY_EVENT_OUTCOME, "web01", 2, DEPLOY_OUTCOME_OK);
	/* Never asked; and one whose intent nobody told of. */
	tell_outcome(&play, DEPLOY_EVENT_OUTCOME, "web03", 0, DEPLOY_OUTCOME_CANCELLED);
	tell_outcome(&play, DEPLOY_EVENT_OUTCOME, "web04", 1, DEPLOY_OUTCOME_OK);
	assert_int_equal(deploy_journal_commit(play.journal), 0);
	check_outcomes(&play, world->path,
		"0 web01/1 failed again, 0 web01/2 ok, 0 web02/1 silent not connected, "
		"0 web03/0 cancelled, 0 web04/1 ok");
	finish(&play);
}

static int check_outcome(void *arg, const struct deploy_outcome_record *record)
{
	assert_string_equal(record->kind, "rpc");
	assert_string_equal(record->agent, "puppet");
	assert_string_equal(record->action, "status");
	assert_string_equal(record->outcome.message, "OK");
	assert_true(record->outcome.rtt_us == 5);
	assert_true(record->sent_at_us == NOON + 1);
	assert_true(record->ended_at_us == NOON + 2);
	assert_true(json_integer_value(json_object_get(record->outcome.data, "n")) == 7);
	++*(size_t *)arg;
	return 0;
}

static void an_outcome_is_read_as_it_was(void **arg)
{
	struct world *world = *arg;
	struct deploy_error err = {.code = DEPLOY_OK};
	struct play play;
	size_t calls = 0;

	begin(&play, world, &act);
	tell_intent(&play, "web01", 1);
	tell_ok(&play, 0, "web01", "{\"n\":7}");
	assert_int_equal(deploy_journal_commit(play.journal), 0);
	const struct deploy_outcome_query of_node = {.node = "web01", .with_data = true},
					  of_both = {.node = "web01",
						  .run = deploy_journal_run_id(play.journal),
						  .with_data = true},
					  of_none = {.node = "web02"};
	assert_int_equal(
		deploy_state_each_outcome(play.state, &of_node, check_outcome, &calls, &err), 0);
	assert_int_equal(
		deploy_state_each_outcome(play.state, &of_both, check_outcome, &calls, &err), 0);
	assert_int_equal(
		deploy_state_each_outcome(play.state, &of_none, check_outcome, &calls, &err), 0);
	assert_int_equal(calls, 2);
	finish(&play);
}

static int print_size(void *arg, const struct deploy_outcome_record *record)
{
	char *data = json_dumps(record->outcome.data, JSON_COMPACT | JSON_ENCODE_ANY);

	print(arg, "%s %zu %s", record->node, strlen(record->outcome.message), data ? data : "-");
	free(data);
	return 0;
}

static void what_is_too_large_is_cut_with_a_mark(void **arg)
{
	static const struct deploy_outcome_query query = {.node = "web01", .with_data = true};
	struct world *world = *arg;
	struct deploy_error err = {.code = DEPLOY_OK};
	struct text text = {.len = 0};
	struct play play;
	char *large = dp_xmalloc(100002);

	begin(&play, world, &act);
	memset(large, 'x', 100001);
	/* The limit would be in the middle of this character. */
	memcpy(large + 65535, "\xc3\xa4", 2);
	large[100001] = '\0';
	struct deploy_outcome outcome = {.state = DEPLOY_OUTCOME_OK,
		.attempt = 1,
		.message = large,
		.data = json_string(large)};
	tell(&play, (struct deploy_event){
			    .type = DEPLOY_EVENT_OUTCOME, .node = "web01", .outcome = &outcome});
	json_decref(outcome.data);
	free(large);
	assert_int_equal(deploy_journal_commit(play.journal), 0);
	assert_int_equal(deploy_state_each_outcome(play.state, &query, print_size, &text, &err), 0);
	/* jansson writes the character as it is, and two quotes. */
	assert_string_equal(text.bytes, "web01 65535 {\"$cut\":100003}");
	finish(&play);
}

static int print_event(void *arg, const struct deploy_event_record *event)
{
	print(arg, "%lu %s %s %s", event->seq, event->type, event->node ? event->node : "-",
		event->text ? event->text : "-");
	return 0;
}

static void what_else_happened_is_kept_safe_to_read(void **arg)
{
	struct world *world = *arg;
	struct deploy_error err = {.code = DEPLOY_OK};
	struct text text = {.len = 0};
	struct play play;

	begin(&play, world, &act);
	tell(&play, (struct deploy_event){.type = DEPLOY_EVENT_TASK_STARTED, .count = 2});
	tell(&play, (struct deploy_event){.type = DEPLOY_EVENT_GROUP_STARTED, .text = "web[1-2]"});
	tell(&play, (struct deploy_event){.type = DEPLOY_EVENT_ASKED, .node = "web1"});
	tell(&play, (struct deploy_event){.type = DEPLOY_EVENT_IGNORED,
			    .node = "\xff'; DROP TABLE run; --",
			    .text = "who is that"});
	tell(&play, (struct deploy_event){.type = DEPLOY_EVENT_PROGRESS, .text = "web1"});
	tell(&play, (struct deploy_event){.type = DEPLOY_EVENT_STOPPED, .text = "1 of 2"});
	tell(&play, (struct deploy_event){.type = DEPLOY_EVENT_TASK_ENDED});
	tell(&play, (struct deploy_event){.type = DEPLOY_EVENT_TASK_ENDED, .text = "no"});
	assert_int_equal(deploy_journal_commit(play.journal), 0);
	assert_int_equal(deploy_state_each_event(play.state, deploy_journal_run_id(play.journal),
				 print_event, &text, &err),
		0);
	assert_string_equal(text.bytes,
		"2 group_started - web[1-2], "
		"4 ignored \\xff'; DROP TABLE run; -- who is that, 6 stopped - 1 of 2, "
		"8 task_ended - no");
	finish(&play);
}

static int print_run(void *arg, const struct deploy_run_record *run)
{
	char *inputs = json_dumps(run->inputs, JSON_COMPACT);

	print(arg, "%s: %s %s/%d", run->kind, deploy_run_life_name(run->life),
		run->end ? run->end : "-", run->exit);
	print(arg, "%s %s %s %s", run->command ? run->command : "-",
		run->reason ? run->reason : "-", run->plan_digest ? run->plan_digest : "-",
		inputs ? inputs : "-");
	print(arg, "ok %zu failed %zu silent %zu cancelled %zu asked %zu",
		run->count[DEPLOY_OUTCOME_OK], run->count[DEPLOY_OUTCOME_FAILED],
		run->count[DEPLOY_OUTCOME_SILENT], run->count[DEPLOY_OUTCOME_CANCELLED],
		run->asked);
	assert_true(run->host && run->host[0] && run->pid > 0 && run->started_us > 0);
	assert_true((run->ended_us > 0) == (run->life == DEPLOY_LIFE_ENDED));
	free(inputs);
	return 0;
}

static void check_run(const char *path, const char *expected)
{
	static const struct deploy_run_query newest = {.limit = 1};
	struct deploy_error err = {.code = DEPLOY_OK};
	struct deploy_state *reader = open_state(path, false);
	struct text text = {.len = 0};

	assert_int_equal(deploy_state_each_run(reader, &newest, print_run, &text, &err), 0);
	assert_string_equal(text.bytes, expected);
	deploy_state_close(reader);
}

static void a_run_is_seen_from_its_beginning_to_its_end(void **arg)
{
	struct world *world = *arg;
	struct deploy_error err = {.code = DEPLOY_OK};
	struct deploy_run_info info = act;
	struct play play;

	info.plan_digest = "abc";
	info.inputs = json_pack("{ss}", "version", "2");
	begin(&play, world, &info);
	json_decref((json_t *)(uintptr_t)info.inputs);
	check_run(world->path, "rpc: running -/-1, deployctl rpc puppet status because abc "
			       "{\"version\":\"2\"}, ok 0 failed 0 silent 0 cancelled 0 asked 0");
	tell_intent(&play, "web01", 1);
	tell_intent(&play, "web02", 1);
	tell_outcome(&play, DEPLOY_EVENT_OUTCOME, "web01", 1, DEPLOY_OUTCOME_OK);
	assert_int_equal(deploy_journal_commit(play.journal), 0);
	check_run(world->path, "rpc: running -/-1, deployctl rpc puppet status because abc "
			       "{\"version\":\"2\"}, ok 1 failed 0 silent 0 cancelled 0 asked 1");
	tell_outcome(&play, DEPLOY_EVENT_OUTCOME, "web02", 1, DEPLOY_OUTCOME_FAILED);
	tell_outcome(&play, DEPLOY_EVENT_OUTCOME, "web03", 0, DEPLOY_OUTCOME_CANCELLED);
	assert_int_equal(end(&play, DEPLOY_RUN_STOPPED, 5, &err), 0);
	check_run(world->path, "rpc: ended stopped/5, deployctl rpc puppet status because abc "
			       "{\"version\":\"2\"}, ok 1 failed 1 silent 0 cancelled 1 asked 0");
	finish(&play);
}

static void every_end_has_a_word(void **arg)
{
	struct world *world = *arg;

	for (int how = DEPLOY_RUN_COMPLETE; how <= DEPLOY_RUN_FAILED; how++) {
		struct deploy_error err = {.code = DEPLOY_OK};
		const char *word = NULL;
		sqlite3_stmt *row;
		struct play play;

		begin(&play, world, &act);
		assert_int_equal(end(&play, (enum deploy_run_end)how, 0, &err), 0);
		assert_int_equal(dp_sql_query(&row, play.state,
					 "SELECT ending FROM run ORDER BY id DESC", NULL, 0, &err),
			0);
		assert_true(dp_sql_next(row));
		word = dp_column_text(row, 0);
		assert_string_not_equal(word, "unknown");
		assert_int_equal(dp_sql_close(play.state, row, &err), 0);
		finish(&play);
	}
}

static void finding_the_nodes_is_no_outcome_of_theirs(void **arg)
{
	struct world *world = *arg;
	struct play play;

	begin(&play, world, &act);
	add_task(&play, "puppet", "runonce", NULL)->nodes_from = 0;
	play.plan->tasks[0]->only_finds = true;
	assert_int_equal(end(&play, DEPLOY_RUN_COMPLETE, 0, &(struct deploy_error){0}), 0);
	assert_int_equal(deploy_journal_begin(&play.journal, play.state, &act, play.plan, NULL,
				 NULL, &(struct deploy_error){0}),
		0);
	tell_ok(&play, 0, "a", NULL);
	tell_ok(&play, 0, "b", NULL);
	tell_ok(&play, 1, "a", NULL);
	assert_int_equal(deploy_journal_commit(play.journal), 0);
	check_outcomes(&play, world->path, "1 a/1 ok");
	check_known(&play, "a mcollective - - -, b mcollective - - -");
	check_run(world->path, "rpc: running -/-1, deployctl rpc puppet status because - -, "
			       "ok 1 failed 0 silent 0 cancelled 0 asked 0");
	finish(&play);
}

/* A plan may grow while its run goes on. */
static void a_task_that_is_added_is_recorded_when_it_starts(void **arg)
{
	struct world *world = *arg;
	struct deploy_error err = {.code = DEPLOY_OK};
	sqlite3_stmt *row;
	struct play play;

	begin(&play, world, &act);
	add_task(&play, "puppet", "runonce", NULL);
	tell(&play,
		(struct deploy_event){.type = DEPLOY_EVENT_TASK_STARTED, .task = 1, .count = 3});
	assert_int_equal(deploy_journal_commit(play.journal), 0);
	assert_int_equal(
		dp_sql_query(&row, play.state,
			"SELECT agent || ' ' || action || ' ' || nodes FROM task WHERE task = 1",
			NULL, 0, &err),
		0);
	assert_true(dp_sql_next(row));
	assert_string_equal(dp_column_text(row, 0), "puppet runonce 3");
	assert_int_equal(dp_sql_close(play.state, row, &err), 0);
	finish(&play);
}

static void a_look_goes_on_at_once_and_is_written_at_its_end(void **arg)
{
	struct world *world = *arg;
	struct deploy_error err = {.code = DEPLOY_OK};
	struct play play;

	begin(&play, world, &look);
	tell_ok(&play, 0, "a", NULL);
	tell_outcome(&play, DEPLOY_EVENT_OUTCOME, "b", 1, DEPLOY_OUTCOME_SILENT);
	assert_string_equal(play.told.bytes, "1 outcome a, 2 outcome b");
	assert_int_equal(deploy_journal_idle(play.journal), -1);
	assert_int_equal(deploy_journal_commit(play.journal), 0);
	check_known(&play, "");
	check_run(world->path, "");
	assert_int_equal(end(&play, DEPLOY_RUN_COMPLETE, 4, &err), 0);
	assert_string_equal(play.told.bytes, "1 outcome a, 2 outcome b");
	check_known(&play, "a mcollective - - -");
	check_run(world->path, "ping: ended complete/4, - - - -, "
			       "ok 1 failed 0 silent 1 cancelled 0 asked 0");
	finish(&play);
}

static void after_a_failure_nothing_is_recorded_but_all_is_told(void **arg)
{
	struct world *world = *arg;
	struct deploy_error err = {.code = DEPLOY_OK};
	struct play play;

	begin(&play, world, &act);
	tell_intent(&play, "a", 1);
	assert_int_equal(deploy_journal_commit(play.journal), 0);
	assert_int_equal(dp_sql_exec(play.state, "PRAGMA query_only=1", &err), 0);
	tell_outcome(&play, DEPLOY_EVENT_OUTCOME, "a", 1, DEPLOY_OUTCOME_OK);
	tell_intent(&play, "b", 1);
	assert_int_equal(deploy_journal_commit(play.journal), DEPLOY_IO);
	assert_string_equal(play.told.bytes, "1 intent a, 2 outcome a, 3 intent b");
	/* It could be written again, but then a piece would be missing. */
	assert_int_equal(dp_sql_exec(play.state, "PRAGMA query_only=0", &err), 0);
	tell_outcome(&play, DEPLOY_EVENT_OUTCOME, "b", 1, DEPLOY_OUTCOME_OK);
	assert_string_equal(play.told.bytes, "1 intent a, 2 outcome a, 3 intent b, 4 outcome b");
	assert_int_equal(deploy_journal_commit(play.journal), DEPLOY_IO);
	check_outcomes(&play, world->path, "0 a/1 asked");
	assert_int_equal(end(&play, DEPLOY_RUN_UNRECORDED, 74, &err), DEPLOY_IO);
	assert_non_null(strstr(err.text, "may not be written"));
	assert_string_equal(play.told.bytes, "1 intent a, 2 outcome a, 3 intent b, 4 outcome b");
	check_run(world->path, "rpc: running -/-1, deployctl rpc puppet status because - -, "
			       "ok 0 failed 0 silent 0 cancelled 0 asked 1");
	finish(&play);
}

static void a_disk_that_fills_up_loses_nothing_that_was_committed(void **arg)
{
	struct world *world = *arg;
	struct deploy_error err = {.code = DEPLOY_OK};
	struct play play;
	char name[256];
	size_t committed = 0, told = 0;
	int64_t rows = -1;
	int rc = 0;

	begin(&play, world, &act);
	assert_int_equal(deploy_journal_end(play.journal, NULL, 0, &err), 0);
	assert_int_equal(deploy_journal_begin(&play.journal, play.state, &act, play.plan,
				 count_events, &told, &err),
		0);
	assert_int_equal(
		dp_sql_exec(play.state, "PRAGMA max_page_count=40; PRAGMA synchronous=off", &err),
		0);
	while (!rc && committed < 10000) {
		(void)snprintf(name, sizeof(name), "%0200zu", committed);
		tell_intent(&play, name, 1);
		rc = deploy_journal_commit(play.journal);
		committed += rc == 0;
		assert_int_equal(told, play.seq);
	}
	assert_int_equal(rc, DEPLOY_IO);
	assert_int_equal(deploy_journal_end(play.journal, NULL, 0, &err), DEPLOY_IO);
	assert_non_null(strstr(err.text, "the disk is full"));
	play.journal = NULL;
	err.code = DEPLOY_OK;
	assert_int_equal(dp_sql_number(&rows, play.state, "SELECT count(*) FROM outcome", &err), 0);
	assert_true(rows == (int64_t)committed);
	finish(&play);
}

static int mark_certificate(void *arg, struct deploy_state *state, const struct deploy_event *event,
	struct deploy_error *err)
{
	if (strcmp(event->node, (const char *)arg) == 0)
		return deploy_error_set(err, DEPLOY_IO, "%s: the hook failed", event->node);
	return deploy_state_set_certificate(state, event->node, "signed", NULL, err);
}

static int print_certificate(void *arg, const struct deploy_node_record *node)
{
	print(arg, "%s %s", node->identity, node->certificate ? node->certificate : "-");
	return 0;
}

static void what_an_outcome_means_is_recorded_with_it_or_neither_is(void **arg)
{
	struct world *world = *arg;
	struct deploy_error err = {.code = DEPLOY_OK};
	struct deploy_run_info info = act;
	struct text text = {.len = 0};
	struct play play;

	info.record = mark_certificate;
	info.record_arg = (void *)(uintptr_t) "bad";
	begin(&play, world, &info);
	tell_ok(&play, 0, "good", NULL);
	assert_int_equal(deploy_journal_commit(play.journal), 0);
	tell_ok(&play, 0, "also-good", NULL);
	tell_ok(&play, 0, "bad", NULL);
	assert_int_equal(deploy_journal_commit(play.journal), DEPLOY_IO);
	check_outcomes(&play, world->path, "0 good/1 ok");
	assert_int_equal(deploy_state_each_node(play.state, 0, print_certificate, &text, &err), 0);
	assert_string_equal(text.bytes, "good signed");
	assert_int_equal(end(&play, DEPLOY_RUN_UNRECORDED, 74, &err), DEPLOY_IO);
	assert_string_equal(err.text, "bad: the hook failed");
	finish(&play);
}

/* Tells of intents for ever, and of each commit that returned by one byte. */
static void run_until_killed(struct world *world, int out)
{
	struct play play;
	char name[32];

	begin(&play, world, &act);
	for (int i = 0;; i++) {
		(void)snprintf(name, sizeof(name), "node%06d", i);
		tell_intent(&play, name, 1);
		tell_outcome(&play, DEPLOY_EVENT_OUTCOME, name, 1, DEPLOY_OUTCOME_OK);
		play.told.len = 0;
		if (deploy_journal_commit(play.journal) || write(out, "x", 1) != 1)
			_exit(1);
	}
}

static size_t kill_after(struct world *world, size_t commits)
{
	int fds[2], status;
	size_t confirmed = 0;
	char bytes[4096];
	ssize_t n;
	pid_t child;

	assert_int_equal(pipe(fds), 0);
	child = fork();
	if (child == 0) {
		(void)close(fds[0]);
		run_until_killed(world, fds[1]);
	}
	(void)close(fds[1]);
	while (confirmed < commits && (n = read(fds[0], bytes, 1)) == 1)
		confirmed++;
	assert_int_equal(kill(child, SIGKILL), 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status));
	while ((n = read(fds[0], bytes, sizeof(bytes))) > 0)
		confirmed += (size_t)n;
	(void)close(fds[0]);
	return confirmed;
}

static void a_killed_run_loses_nothing_confirmed_and_shows_as_interrupted(void **arg)
{
	static const struct deploy_run_query newest = {.limit = 1};
	struct world *world = *arg;

	for (size_t commits = 1; commits <= 13; commits += 4) {
		struct deploy_error err = {.code = DEPLOY_OK};
		size_t confirmed = kill_after(world, commits);
		struct deploy_state *state = open_state(world->path, false);
		struct text text = {.len = 0};
		int64_t outcomes = 0, noted = -1;
		char expected[200];

		assert_true(confirmed >= commits);
		assert_int_equal(dp_sql_number(&outcomes, state,
					 "SELECT count(*) FROM outcome WHERE state = 'ok' AND run ="
					 " (SELECT max(key) FROM run)",
					 &err),
			0);
		/* The last commit may have been made without being told of. */
		assert_in_range(outcomes, confirmed, confirmed + 1);
		assert_int_equal(deploy_state_each_run(state, &newest, print_run, &text, &err), 0);
		(void)snprintf(expected, sizeof(expected),
			"rpc: interrupted -/-1, deployctl rpc puppet status because - -, "
			"ok %d failed 0 silent 0 cancelled 0 asked 0",
			(int)outcomes);
		assert_string_equal(text.bytes, expected);
		deploy_state_close(state);
		state = open_state(world->path, true);
		assert_int_equal(
			dp_sql_number(&noted, state,
				"SELECT count(*) FROM run WHERE life <> 'interrupted'", &err),
			0);
		assert_int_equal(noted, 0);
		deploy_state_close(state);
	}
}

static int print_puppet(void *arg, const struct deploy_standing *standing)
{
	print(arg, "%s %s%s", standing->node,
		standing->puppet_at_us ? deploy_outcome_state_name(standing->puppet_outcome)
				       : "never",
		standing->puppet_run ? "" : ", no run");
	return 0;
}

static void check_puppet(struct play *play, const char *expected)
{
	char fact[] = "f", *const facts[DEPLOY_ROLE_PARTS] = {fact, fact, fact, fact};
	struct deploy_error err = {.code = DEPLOY_OK};
	struct text text = {.len = 0};

	assert_int_equal(deploy_journal_commit(play->journal), 0);
	assert_int_equal(
		deploy_state_each_standing(play->state, facts, NULL, print_puppet, &text, &err), 0);
	assert_string_equal(text.bytes, expected);
}

/* Whoever dies in between leaves a node of which nobody knows whether its catalog was applied. */
static void a_puppet_run_is_unknown_until_its_outcome(void **arg)
{
	static const struct deploy_run_info plan = {.kind = "run-plan", .is_act = true};
	struct world *world = *arg;
	struct play play;

	begin(&play, world, &act);
	tell_intent(&play, "web01", 1);
	tell_outcome(&play, DEPLOY_EVENT_OUTCOME, "web01", 1, DEPLOY_OUTCOME_OK);
	check_puppet(&play, "web01 never, no run");
	finish(&play);
	begin(&play, world, &plan);
	play.plan->tasks[0]->deed = DEPLOY_PUPPET_RUN;
	tell_intent(&play, "web01", 1);
	check_puppet(&play, "web01 unknown");
	tell_outcome(&play, DEPLOY_EVENT_RETRY, "web01", 1, DEPLOY_OUTCOME_FAILED);
	check_puppet(&play, "web01 unknown");
	tell_intent(&play, "web01", 2);
	tell_outcome(&play, DEPLOY_EVENT_OUTCOME, "web01", 2, DEPLOY_OUTCOME_OK);
	check_puppet(&play, "web01 ok");
	tell_outcome(&play, DEPLOY_EVENT_OUTCOME, "web01", 0, DEPLOY_OUTCOME_CANCELLED);
	check_puppet(&play, "web01 ok");
	finish(&play);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_open, world_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_puppet_run_is_unknown_until_its_outcome),
		TEST(an_event_goes_on_when_it_is_committed),
		TEST(an_intent_is_recorded_before_it_may_be_published),
		TEST(what_has_waited_is_committed_when_idle),
		TEST(five_hundred_events_are_committed_at_once),
		TEST(large_answers_do_not_wait_for_others),
		TEST(every_try_has_its_row),
		TEST(an_outcome_is_read_as_it_was),
		TEST(what_is_too_large_is_cut_with_a_mark),
		TEST(what_else_happened_is_kept_safe_to_read),
		TEST(a_run_is_seen_from_its_beginning_to_its_end),
		TEST(every_end_has_a_word),
		TEST(finding_the_nodes_is_no_outcome_of_theirs),
		TEST(a_task_that_is_added_is_recorded_when_it_starts),
		TEST(a_look_goes_on_at_once_and_is_written_at_its_end),
		TEST(after_a_failure_nothing_is_recorded_but_all_is_told),
		TEST(a_disk_that_fills_up_loses_nothing_that_was_committed),
		TEST(what_an_outcome_means_is_recorded_with_it_or_neither_is),
		TEST(a_killed_run_loses_nothing_confirmed_and_shows_as_interrupted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
