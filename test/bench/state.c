/*
 * What the state file costs, compared with the same rows written by plain SQL, and read by the
 * program sqlite3: recording the outcomes of an act, `status` of a large fleet, completion.
 * Usage: state FOLDER [OUTCOMES [NODES [RUNS]]]   (10000, 50000, 1000)
 * Prints medians of 5 in milliseconds, ours and the other's, and their ratio; status 1 if a bar is
 * missed. FOLDER should lie on a disk: commits wait for it. DEPLOYCTL: the program.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <sqlite3.h>

#include "base/clock.h"
#include "base/mem.h"
#include "deploy/history.h"
#include "deploy/journal.h"

enum { TURNS = 5, GROUP = 500 };

static _Noreturn void die(const char *what)
{
	(void)fprintf(stderr, "state: %s\n", what);
	exit(1);
}

static sqlite3 *open_plain(const char *path)
{
	sqlite3 *db;

	if (sqlite3_open(path, &db) != SQLITE_OK ||
		sqlite3_exec(db, "PRAGMA synchronous=full; PRAGMA foreign_keys=on", NULL, NULL,
			NULL) != SQLITE_OK)
		die(path);
	return db;
}

static sqlite3_stmt *prepare(sqlite3 *db, const char *sql)
{
	sqlite3_stmt *statement;

	if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL) != SQLITE_OK)
		die(sqlite3_errmsg(db));
	return statement;
}

static void step(sqlite3 *db, sqlite3_stmt *statement)
{
	if (sqlite3_step(statement) != SQLITE_DONE)
		die(sqlite3_errmsg(db));
	(void)sqlite3_reset(statement);
}

static void exec(sqlite3 *db, const char *sql)
{
	if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
		die(sqlite3_errmsg(db));
}

/* A new state file with tables and nothing in them. */
static void make_empty(const char *path)
{
	char *rest = dp_xasprintf("%s-wal", path);
	struct deploy_error err = {.code = DEPLOY_OK};
	struct deploy_state *state;

	(void)remove(path);
	(void)remove(rest);
	if (deploy_state_open(&state, path, true, &err))
		die(err.text);
	deploy_state_close(state);
	free(rest);
}

static void name_node(char *out, size_t size, int index)
{
	(void)snprintf(out, size, "web%05d.example.net", index);
}

static void tell(struct deploy_journal *journal, int from, int to, json_t *data, bool is_intent)
{
	static unsigned long seq;
	char name[32];

	for (int i = from; i < to; i++) {
		const struct deploy_outcome outcome = {
			.attempt = 1, .message = "OK", .data = data, .rtt_us = 4711};
		const struct deploy_event event = {
			.type = is_intent ? DEPLOY_EVENT_INTENT : DEPLOY_EVENT_OUTCOME,
			.seq = ++seq,
			.at_us = 1700000000000000 + (int64_t)seq,
			.node = name,
			.attempt = 1,
			.outcome = is_intent ? NULL : &outcome};

		name_node(name, sizeof(name), i);
		deploy_journal_sink(journal, &event);
	}
}

static void count_event(void *arg, const struct deploy_event *event)
{
	*(size_t *)arg += event->type == DEPLOY_EVENT_OUTCOME;
}

static struct deploy_plan *make_plan(void)
{
	struct deploy_plan *plan = deploy_plan_new();
	struct deploy_error err = {.code = DEPLOY_OK};
	struct deploy_request *request;

	if (deploy_request_new(&request, "puppet", "status", NULL, &err))
		die(err.text);
	(void)deploy_plan_take_request(plan, request);
	return plan;
}

/* Groups of 500: intents, their commit, outcomes, which are committed when 500 wait. */
static void record_ours(const char *path, int outcomes)
{
	static const struct deploy_run_info info = {.kind = "rpc", .is_act = true};
	json_t *data = json_pack("{sssbsi}", "status", "applying", "enabled", 1, "lastrun", 1);
	struct deploy_plan *plan = make_plan();
	struct deploy_error err = {.code = DEPLOY_OK};
	struct deploy_journal *journal;
	struct deploy_state *state;
	size_t told = 0;

	if (deploy_state_open(&state, path, true, &err) ||
		deploy_journal_begin(&journal, state, &info, plan, count_event, &told, &err))
		die(err.text);
	for (int i = 0; i < outcomes; i += GROUP) {
		tell(journal, i, i + GROUP, data, true);
		tell(journal, i, i + GROUP, data, false);
	}
	if (deploy_journal_end(journal, NULL, 0, &err) || told != (size_t)outcomes)
		die(err.text);
	deploy_state_close(state);
	deploy_plan_free(plan);
	json_decref(data);
}

static void bind_name(sqlite3_stmt *statement, char name[32], int index)
{
	name_node(name, 32, index);
	(void)sqlite3_bind_text(statement, 1, name, -1, SQLITE_STATIC);
}

static void write_group(sqlite3 *db, sqlite3_stmt *const statements[], size_t count, int from)
{
	char name[32];

	exec(db, "BEGIN IMMEDIATE");
	for (int i = from; i < from + GROUP; i++)
		for (size_t k = 0; k < count; k++) {
			bind_name(statements[k], name, i);
			step(db, statements[k]);
		}
	exec(db, "COMMIT");
}

static void record_plain(const char *path, int outcomes)
{
	sqlite3 *db = open_plain(path);
	sqlite3_stmt *intent, *outcome[2];

	exec(db, "INSERT INTO run(key, id, kind, is_act, uid, host, boot, pid_space, pid,"
		 " pid_started, life, started) VALUES(1, 'x', 'rpc', 1, 0, '', '', '', 1, 1,"
		 " 'ended', 1); INSERT INTO task(run, task, agent, action)"
		 " VALUES(1, 0, 'puppet', 'status')");
	intent = prepare(db, "INSERT INTO outcome(run, task, node, attempt, sent)"
			     " VALUES(1, 0, ?1, 1, 1700000000000000)");
	outcome[0] =
		prepare(db, "UPDATE outcome SET state = 'ok', not_connected = 0, statuscode = 0,"
			    " message = 'OK', data = "
			    "'{\"status\":\"applying\",\"enabled\":true,\"lastrun\":1}',"
			    " ended = 1700000000000000, rtt = 4711"
			    " WHERE run = 1 AND task = 0 AND node = ?1 AND attempt = 1");
	outcome[1] = prepare(db,
		"INSERT INTO node(identity, collective, first_seen, last_seen, last_run,"
		" last_outcome, last_outcome_at) VALUES(?1, 'mcollective', 1700000000000000,"
		" 1700000000000000, 1, 'ok', 1700000000000000)");
	for (int i = 0; i < outcomes; i += GROUP) {
		write_group(db, &intent, 1, i);
		write_group(db, outcome, 2, i);
	}
	(void)sqlite3_finalize(intent);
	(void)sqlite3_finalize(outcome[0]);
	(void)sqlite3_finalize(outcome[1]);
	(void)sqlite3_close(db);
}

/* Nodes with four assigned facts, most of a look's inventory, and runs that went over them. */
static void fill(const char *path, int nodes, int runs)
{
	char *sql = dp_xasprintf(
		"BEGIN;"
		"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT %d)"
		" INSERT INTO run(id, kind, is_act, uid, host, boot, pid_space, pid, pid_started,"
		" life, ending, exit, started, ended, ok, command)"
		" SELECT printf('01J%%023d', i), 'rpc', 1, 0, 'admin', 'b', 'p', i, i, 'ended',"
		" 'complete', 0, 1700000000000000, 1700000000000000, %d,"
		" 'deployctl rpc puppet status' FROM n;"
		"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT %d)"
		" INSERT INTO node(identity, collective, first_seen, last_seen, certificate,"
		" fingerprint, certificate_at, last_run, last_outcome, last_outcome_at)"
		" SELECT printf('web%%05d.example.net', i), 'mcollective',"
		" 1700000000000000, 1700000000000000, 'signed', 'AB:CD:EF', 1700000000000000,"
		" 1 + i %% %d, 'ok', 1700000000000000 FROM n;"
		"INSERT INTO inventory SELECT identity,"
		" '{\"os\":\"linux\",\"filler\":\"' || hex(zeroblob(500)) || '\"}', '[\"a\"]',"
		" '[\"puppet\"]', 1700000000000000, 1700000000000000 FROM node;"
		"WITH f(fact) AS (VALUES('deploop_collection'), ('deploop_category'),"
		" ('deploop_role'), ('deploop_entity'))"
		" INSERT INTO assignment SELECT identity, fact, 'worker', 1700000000000000,"
		" 1700000000000000, NULL, 1 FROM node, f;"
		"COMMIT",
		runs, nodes, nodes, runs);
	sqlite3 *db = open_plain(path);

	exec(db, sql);
	free(sql);
	(void)sqlite3_close(db);
}

/* How long a program takes; what it prints goes nowhere. */
static int64_t time_program(const char *const *words)
{
	int64_t begun_us = dp_clock_us();
	int status = 0;
	pid_t pid;

	(void)fflush(stdout);
	pid = fork();
	if (pid == 0) {
		if (!freopen("/dev/null", "w", stdout) || !freopen("/dev/null", "w", stderr))
			_exit(126);
		(void)execvp(words[0], (char *const *)(uintptr_t)words);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) < 0 || status != 0)
		die(words[0]);
	return dp_clock_us() - begun_us;
}

static int compare(const void *a, const void *b)
{
	const int64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static bool judge(const char *what, int64_t *ours, int64_t *other, double bar)
{
	double ratio;

	qsort(ours, TURNS, sizeof(ours[0]), compare);
	qsort(other, TURNS, sizeof(other[0]), compare);
	ratio = (double)ours[TURNS / 2] / (double)other[TURNS / 2];
	(void)printf("%-48s %8.1f ms %8.1f ms  %5.2f times, at most %.1f: %s\n", what,
		(double)ours[TURNS / 2] / 1000, (double)other[TURNS / 2] / 1000, ratio, bar,
		ratio <= bar ? "ok" : "MISSED");
	return ratio <= bar;
}

static int64_t cpu_us(void)
{
	return (int64_t)clock() * 1000000 / CLOCKS_PER_SEC;
}

static bool measure_recording(const char *path, int outcomes)
{
	int64_t ours[TURNS], other[TURNS], ours_cpu[TURNS], other_cpu[TURNS];
	char what[64];
	bool is_ok;

	for (int i = 0; i < TURNS; i++) {
		make_empty(path);
		ours[i] = -dp_clock_us();
		ours_cpu[i] = -cpu_us();
		record_ours(path, outcomes);
		ours[i] += dp_clock_us();
		ours_cpu[i] += cpu_us();
		make_empty(path);
		other[i] = -dp_clock_us();
		other_cpu[i] = -cpu_us();
		record_plain(path, outcomes);
		other[i] += dp_clock_us();
		other_cpu[i] += cpu_us();
	}
	(void)snprintf(what, sizeof(what), "recording %d outcomes", outcomes);
	is_ok = judge(what, ours, other, 1.5);
	/* What the disk's waiting hides; told, no bar. */
	(void)judge("  of that, processor time", ours_cpu, other_cpu, 99);
	return is_ok;
}

/* Somebody at the prompt of sqlite3 who wants to know what `status` tells. */
#define STATUS_SQL                                                                                 \
	"SELECT n.*, a.*, json_extract(i.facts, '$.deploop_collection'),"                          \
	" json_extract(i.facts, '$.deploop_category'), json_extract(i.facts, '$.deploop_role'),"   \
	" json_extract(i.facts, '$.deploop_entity'), r.id, r.kind FROM node n"                     \
	" LEFT JOIN inventory i ON i.node = n.identity"                                            \
	" LEFT JOIN (SELECT node, count(*), sum(verified IS NULL), max(assigned), max(verified),"  \
	" group_concat(value) FROM assignment GROUP BY node) a ON a.node = n.identity"             \
	" LEFT JOIN run r ON r.key = n.last_run ORDER BY n.identity;"                              \
	"SELECT * FROM run ORDER BY id DESC"

static bool measure_against_sqlite3(
	const char *what, const char *const *ours_words, const char *const *other_words)
{
	int64_t ours[TURNS], other[TURNS];

	for (int i = 0; i < TURNS; i++) {
		ours[i] = time_program(ours_words);
		other[i] = time_program(other_words);
	}
	return judge(what, ours, other, 3);
}

static bool measure_reading(const char *path, const char *program, int nodes, int runs)
{
	const char *const ours[] = {program, "status", "--state", path, NULL};
	const char *const other[] = {"sqlite3", "-readonly", path, STATUS_SQL, NULL};
	char what[64];

	make_empty(path);
	fill(path, nodes, runs);
	(void)snprintf(what, sizeof(what), "status of %d nodes and %d runs", nodes, runs);
	return measure_against_sqlite3(what, ours, other);
}

static bool measure_completing(const char *path, const char *program, int nodes)
{
	const char *const ours[] = {
		program, "__complete", "--state", path, "ping", "-I", "web0", NULL};
	const char *const other[] = {"sqlite3", "-readonly", path,
		"SELECT identity FROM node WHERE identity >= 'web0' AND identity < 'web1'"
		" ORDER BY identity",
		NULL};
	char what[64];

	make_empty(path);
	fill(path, nodes, 10);
	(void)snprintf(what, sizeof(what), "completing a name of %d nodes", nodes);
	return measure_against_sqlite3(what, ours, other);
}

static int number(int argc, char **argv, int index, int otherwise)
{
	return argc > index ? (int)strtol(argv[index], NULL, 10) : otherwise;
}

int main(int argc, char **argv)
{
	const char *program = getenv("DEPLOYCTL");
	char *path;
	bool is_ok;

	if (argc < 2)
		die("usage: state FOLDER [OUTCOMES [NODES [RUNS]]]");
	path = dp_xasprintf("%s/state.db", argv[1]);
	is_ok = measure_recording(path, number(argc, argv, 2, 10000));
	if (!program)
		die("DEPLOYCTL does not say where the program is");
	is_ok = measure_reading(
			path, program, number(argc, argv, 3, 50000), number(argc, argv, 4, 1000)) &&
		is_ok;
	is_ok = measure_completing(path, program, 10000) && is_ok;
	(void)remove(path);
	free(path);
	return is_ok ? 0 : 1;
}
