/* Locks as rows: each is taken in one transaction that first looks who has it. */
#include "deploy/lock.h"

#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "store/owner.h"
#include "store/sql.h"

#define WHEN_SIZE 40

#define LOCKS                                                                                      \
	"SELECT name, run, kind, reason, user, taken, " DP_OWNER_COLUMNS " FROM lock "             \
	"WHERE ?1 IS NULL OR name = ?1 ORDER BY name"
#define FIRST_OF_OWNER 6

const char *deploy_owner_life_name(enum deploy_owner_life life)
{
	static const char *const names[DEPLOY_OWNER_LIVES] = {
		[DEPLOY_OWNER_ALIVE] = "alive",
		[DEPLOY_OWNER_DEAD] = "dead",
		[DEPLOY_OWNER_UNKNOWN] = "unknown",
	};

	return (unsigned)life < DEPLOY_OWNER_LIVES ? names[life] : "no such life";
}

/* owner: room for what the record borrows. */
static struct deploy_lock_record read_lock(
	sqlite3_stmt *row, struct dp_owner *owner, const struct dp_owner *self)
{
	dp_owner_read(owner, row, FIRST_OF_OWNER);
	return (struct deploy_lock_record){
		.name = dp_column_name(row, 0),
		.run = dp_column_name(row, 1),
		.kind = dp_column_name(row, 2),
		.reason = dp_column_text(row, 3),
		.user = dp_column_text(row, 4),
		.taken_us = sqlite3_column_int64(row, 5),
		.host = owner->host,
		.pid = owner->pid,
		.owner = dp_owner_life(owner, self),
	};
}

static bool is_own(const struct dp_owner *owner, const struct dp_owner *self)
{
	return owner->pid == self->pid && dp_owner_life(owner, self) == DEPLOY_OWNER_ALIVE;
}

static int refuse(const struct deploy_lock_record *lock, struct deploy_error *err)
{
	time_t seconds = (time_t)(lock->taken_us / 1000000);
	char since[WHEN_SIZE] = "?";
	struct tm tm;

	if (gmtime_r(&seconds, &tm))
		(void)strftime(since, sizeof(since), "%Y-%m-%dT%H:%M:%SZ", &tm);
	deploy_error_hint(err, "deployctl lock list");
	return deploy_error_set(err, DEPLOY_REFUSED,
		"lock \"%s\" is held by run %.26s (%.40s) of %.64s on %s, process %ld, since "
		"%s%s%.120s%s",
		lock->name, lock->run, lock->kind, lock->user ? lock->user : "?", lock->host,
		lock->pid, since, lock->reason ? ": " : "", lock->reason ? lock->reason : "",
		lock->owner == DEPLOY_OWNER_ALIVE ? ""
						  : "; whether it lives cannot be told from here");
}

/* May info's run have what lock says is taken? */
static int judge(const struct deploy_lock_record *lock, bool is_ours,
	const struct deploy_lock_info *info, char *dead_run, struct deploy_error *err)
{
	bool is_same_run = strcmp(lock->run, info->run) == 0;

	if (is_same_run && (is_ours || lock->owner != DEPLOY_OWNER_ALIVE))
		return 0;
	if (lock->owner != DEPLOY_OWNER_DEAD)
		return refuse(lock, err);
	(void)snprintf(dead_run, DEPLOY_RUN_ID_SIZE, "%s", lock->run);
	return 0;
}

static int look(struct deploy_state *state, const struct dp_owner *self,
	const struct deploy_lock_info *info, char *dead_run, struct deploy_error *err)
{
	struct dp_owner owner;
	sqlite3_stmt *rows;
	int rc = 0;

	if (dp_sql_query(&rows, state, LOCKS, DP_BIND(dp_text(info->name)), err))
		return err->code;
	if (dp_sql_next(rows)) {
		struct deploy_lock_record lock = read_lock(rows, &owner, self);

		rc = judge(&lock, is_own(&owner, self), info, dead_run, err);
	}
	(void)dp_sql_close(state, rows, err);
	return rc ? rc : (int)err->code;
}

static int write_lock(struct deploy_state *state, const struct dp_owner *self,
	const struct deploy_lock_info *info, struct deploy_error *err)
{
	const struct passwd *user = getpwuid(getuid());

	return dp_sql_change(state,
		"INSERT OR REPLACE INTO lock(name, run, kind, reason, user, "
		"taken, " DP_OWNER_COLUMNS ") VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
		DP_BIND(dp_text(info->name), dp_text(info->run), dp_text(info->kind),
			dp_text(info->reason), dp_text(user ? user->pw_name : NULL),
			dp_int(dp_wall_us()), dp_text(self->host), dp_text(self->boot),
			dp_text(self->pid_space), dp_int(self->pid), dp_int(self->pid_started)),
		err);
}

int deploy_lock_take(struct deploy_state *state, const struct deploy_lock_info *info,
	char dead_run[DEPLOY_RUN_ID_SIZE], struct deploy_error *err)
{
	struct dp_owner self;
	int rc;

	dead_run[0] = '\0';
	dp_owner_self(&self);
	if (deploy_lock_check(info->name, err) || deploy_state_begin(state, err))
		return err->code;
	rc = look(state, &self, info, dead_run, err);
	if (!rc)
		rc = write_lock(state, &self, info, err);
	return deploy_state_finish(state, rc, err);
}

int deploy_lock_release(
	struct deploy_state *state, const char *name, const char *run, struct deploy_error *err)
{
	return dp_sql_change(state, "DELETE FROM lock WHERE name = ?1 AND run = ?2",
		DP_BIND(dp_text(name), dp_text(run)), err);
}

int deploy_lock_break(struct deploy_state *state, const char *name, struct deploy_error *err)
{
	if (dp_sql_change(state, "DELETE FROM lock WHERE name = ?1", DP_BIND(dp_text(name)), err))
		return err->code;
	if (sqlite3_changes(state->db))
		return 0;
	deploy_error_hint(err, "deployctl lock list");
	return deploy_error_set(
		err, DEPLOY_USAGE, "nobody holds a lock \"%.*s\"", DEPLOY_LOCK_NAME_MAX, name);
}

int deploy_state_each_lock(
	const struct deploy_state *state, deploy_lock_fn *fn, void *arg, struct deploy_error *err)
{
	struct dp_owner self, owner;
	sqlite3_stmt *rows;

	dp_owner_self(&self);
	if (dp_sql_query(&rows, state, LOCKS, DP_BIND(dp_text(NULL)), err))
		return err->code;
	while (dp_sql_next(rows)) {
		struct deploy_lock_record lock = read_lock(rows, &owner, &self);

		if (fn(arg, &lock))
			break;
	}
	return dp_sql_close(state, rows, err);
}
