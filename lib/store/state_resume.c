/* Runs that end before their time, and those that go on: whose they are decides what may be done.
 */
#include <pwd.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "store/owner.h"
#include "store/runs.h"

/* What there is to know of a run before it may be touched. */
struct standing {
	int64_t key; /* 0: it is not kept */
	bool is_act, is_running, has_ended;
	struct dp_owner owner;
};

static int find_run(struct standing *run, const struct deploy_state *state, const char *id,
	struct deploy_error *err)
{
	sqlite3_stmt *row;

	*run = (struct standing){.key = 0};
	if (dp_sql_query(&row, state,
		    "SELECT key, is_act, life = 'running', life = 'ended', " DP_OWNER_COLUMNS
		    " FROM run WHERE id = ?1 AND life <> 'leaving'",
		    DP_BIND(dp_text(id)), err))
		return err->code;
	if (dp_sql_next(row)) {
		run->key = sqlite3_column_int64(row, 0);
		run->is_act = sqlite3_column_int(row, 1) != 0;
		run->is_running = sqlite3_column_int(row, 2) != 0;
		run->has_ended = sqlite3_column_int(row, 3) != 0;
		dp_owner_read(&run->owner, row, 4);
	}
	if (dp_sql_close(state, row, err))
		return err->code;
	if (run->key)
		return 0;
	(void)deploy_error_set(err, DEPLOY_USAGE, "run %s: no such run", id);
	deploy_error_hint(err, "deployctl history lists the runs that are kept");
	return err->code;
}

static int check_resumable(const struct standing *run, const char *id, struct deploy_error *err)
{
	struct dp_owner self;

	if (!run->is_act)
		return deploy_error_set(err, DEPLOY_REFUSED,
			"run %s: it only looked, there is nothing to go on with", id);
	dp_owner_self(&self);
	if (!run->is_running || dp_owner_is_dead(&run->owner, &self))
		return 0;
	(void)deploy_error_set(err, DEPLOY_REFUSED, "run %s is running: process %ld on %s", id,
		run->owner.pid, run->owner.host);
	deploy_error_hint(err, "deployctl cancel %s", id);
	return err->code;
}

/* Whoever was asked by one who died: what came of it will never be known. */
static int settle_asked(struct deploy_state *state, int64_t key, struct deploy_error *err)
{
	return dp_sql_change(state,
		"UPDATE outcome SET state = 'unknown', not_connected = 0, statuscode = 0,"
		" message = 'the run was cut off before it was known' WHERE run = ?1"
		" AND state IS NULL",
		DP_BIND(dp_int(key)), err);
}

static int take_over(struct deploy_state *state, int64_t key, struct deploy_error *err)
{
	struct dp_owner self;

	dp_owner_self(&self);
	return dp_sql_change(state,
		"UPDATE run SET life = 'running', ending = NULL, exit = NULL, ended = NULL,"
		" resumed = resumed + 1, cancelled_at = NULL, cancelled_by = NULL,"
		" host = ?2, boot = ?3, pid_space = ?4, pid = ?5, pid_started = ?6 WHERE key = ?1",
		DP_BIND(dp_int(key), dp_text(self.host), dp_text(self.boot),
			dp_text(self.pid_space), dp_int(self.pid), dp_int(self.pid_started)),
		err);
}

/* Where this time begins, and what it has come to so far. */
static int read_before(
	struct dp_run *run, const struct deploy_state *state, struct deploy_error *err)
{
	sqlite3_stmt *row;

	if (dp_sql_query(&row, state,
		    "SELECT (SELECT coalesce(max(task) + 1, 0) FROM task WHERE run = ?1),"
		    " (SELECT coalesce(max(seq), 0) + 1 FROM event WHERE run = ?1),"
		    " started, ok, failed, silent, unknown, skipped, cancelled"
		    " FROM run WHERE key = ?1",
		    DP_BIND(dp_int(run->key)), err))
		return err->code;
	if (dp_sql_next(row)) {
		run->tasks_before = sqlite3_column_int64(row, 0);
		run->events_before = sqlite3_column_int64(row, 1);
		run->started_us = sqlite3_column_int64(row, 2);
		for (int i = 0; i < DEPLOY_OUTCOME_STATES; i++)
			run->count[i] = (size_t)sqlite3_column_int64(row, 3 + i);
	}
	return dp_sql_close(state, row, err);
}

/* The event stands before the first of this time, and names the task that this time begins with. */
static int note_resumed(struct deploy_state *state, const struct dp_run *run, const char *command,
	struct deploy_error *err)
{
	return dp_sql_change(state,
		"INSERT INTO event(run, seq, at, type, task, text)"
		" VALUES(?1, ?2, ?3, 'resumed', ?4, ?5)",
		DP_BIND(dp_int(run->key), dp_int(run->events_before), dp_int(dp_wall_us()),
			dp_int(run->tasks_before), dp_text(command)),
		err);
}

int dp_run_resume(struct deploy_state *state, struct dp_run *run,
	const struct deploy_run_info *info, const struct deploy_plan *plan,
	struct deploy_error *err)
{
	struct standing standing;

	if (find_run(&standing, state, info->resume, err) ||
		check_resumable(&standing, info->resume, err))
		return err->code;
	run->key = standing.key;
	run->is_resumed = true;
	(void)snprintf(run->id, sizeof(run->id), "%s", info->resume);
	if (settle_asked(state, run->key, err) || take_over(state, run->key, err) ||
		dp_run_recount(state, run->key, err) || read_before(run, state, err) ||
		note_resumed(state, run, info->command, err))
		return err->code;
	return dp_run_add_tasks(state, run, plan, err);
}

int dp_run_recount(struct deploy_state *state, int64_t key, struct deploy_error *err)
{
	return dp_sql_change(state,
		"UPDATE run SET (ok, failed, silent, unknown, skipped, cancelled) ="
		" (SELECT count(*) FILTER (WHERE o.state = 'ok'),"
		" count(*) FILTER (WHERE o.state = 'failed'),"
		" count(*) FILTER (WHERE o.state = 'silent'),"
		" count(*) FILTER (WHERE o.state = 'unknown'),"
		" count(*) FILTER (WHERE o.state = 'skipped'),"
		" count(*) FILTER (WHERE o.state = 'cancelled')"
		" FROM run r CROSS JOIN task t ON t.run = r.key"
		" CROSS JOIN outcome o ON o.run = t.run AND o.task = t.task"
		" WHERE r.key = ?1 AND " DP_IS_LAST ") WHERE key = ?1 AND resumed > 0",
		DP_BIND(dp_int(key)), err);
}

int dp_run_freeze(struct deploy_state *state, const struct dp_run *run, const char *name,
	const char *nodes, struct deploy_error *err)
{
	return dp_sql_change(state,
		"INSERT INTO frozen(run, name, nodes) VALUES(?1, ?2, ?3)"
		" ON CONFLICT DO UPDATE SET nodes = excluded.nodes",
		DP_BIND(dp_int(run->key), dp_text(name), dp_text(nodes)), err);
}

static int note_cancelled(
	struct deploy_state *state, int64_t key, const char *by, struct deploy_error *err)
{
	const struct passwd *user = by ? NULL : getpwuid(getuid());

	return dp_sql_change(state,
		"UPDATE run SET cancelled_at = ?2, cancelled_by = ?3 WHERE key = ?1",
		DP_BIND(dp_int(key), dp_int(dp_wall_us()), dp_text(user ? user->pw_name : by)),
		err);
}

static int cancel(struct deploy_state *state, const char *id, const char *by, long *pid,
	struct deploy_error *err)
{
	struct standing run;
	struct dp_owner self;

	if (find_run(&run, state, id, err))
		return err->code;
	if (run.has_ended)
		return deploy_error_set(err, DEPLOY_REFUSED, "run %s: it has ended already", id);
	dp_owner_self(&self);
	if (run.is_running && dp_owner_is_here(&run.owner, &self))
		*pid = run.owner.pid;
	else
		*pid = run.is_running && !dp_owner_is_dead(&run.owner, &self) ? -1 : 0;
	if (*pid == 0 && dp_run_note_dead(state, run.key, err))
		return err->code;
	return note_cancelled(state, run.key, by, err);
}

int deploy_state_cancel(struct deploy_state *state, const char *run, const char *by, long *pid,
	struct deploy_error *err)
{
	*pid = -1;
	if (deploy_state_begin(state, err))
		return err->code;
	return deploy_state_finish(state, cancel(state, run, by, pid, err), err);
}
