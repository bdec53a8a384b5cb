/* Opening the state file, for one who writes or one who reads, and transactions. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "store/runs.h"
#include "store/schema.h"
#include "store/sql.h"
#include "store/state_file.h"

/* Every connection: a reader, too, may meet a lock when the file is opened or recovered. */
static int connect_to(
	struct deploy_state *state, const char *name, int flags, struct deploy_error *err)
{
	int code;

	(void)sqlite3_close(state->db);
	state->db = NULL;
	code = sqlite3_open_v2(name, &state->db, flags | SQLITE_OPEN_NOMUTEX, NULL);
	if (code != SQLITE_OK)
		return dp_sql_fail(state, code, err);
	(void)sqlite3_extended_result_codes(state->db, 1);
	(void)sqlite3_busy_timeout(state->db, DP_BUSY_MS);
	/* What is in the file may not reach beyond it. */
	(void)sqlite3_db_config(state->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	(void)sqlite3_db_config(state->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	return 0;
}

/* When two make the file at once, this is the one thing for which SQLite itself does not wait. */
static int use_wal(struct deploy_state *state, struct deploy_error *err)
{
	int code, waited_ms = 0;

	do {
		code = sqlite3_exec(state->db, "PRAGMA journal_mode=wal", NULL, NULL, NULL);
		if ((code & 0xff) != SQLITE_BUSY)
			break;
		waited_ms += sqlite3_sleep(10);
	} while (waited_ms < DP_BUSY_MS);
	return code == SQLITE_OK ? 0 : dp_sql_fail(state, code, err);
}

static int set_up(struct deploy_state *state, int64_t version, struct deploy_error *err)
{
	/* Only before there is any table; and it would write each time. */
	if (version == 0 && dp_sql_exec(state, "PRAGMA auto_vacuum=incremental", err))
		return err->code;
	if (use_wal(state, err) || dp_sql_exec(state, "PRAGMA synchronous=full", err) ||
		dp_sql_exec(state, "PRAGMA foreign_keys=on", err))
		return err->code;
	return dp_schema_update(state, err);
}

static int open_to_write(struct deploy_state *state, struct deploy_error *err)
{
	int64_t version;
	bool is_there;

	if (dp_state_file_make(state->path, err) ||
		dp_state_file_check(&is_there, state->path, err) ||
		dp_state_file_check_owner(state->path, err) ||
		connect_to(state, state->path, SQLITE_OPEN_READWRITE, err))
		return err->code;
	/* SQLite opens what it may not write for reading. */
	if (sqlite3_db_readonly(state->db, "main"))
		return dp_sql_fail(state, SQLITE_READONLY, err);
	if (dp_schema_check(&version, state, err) || set_up(state, version, err))
		return err->code;
	return dp_runs_note_dead(state, err);
}

/* A reader of nothing has the same tables, without rows. */
static int open_nothing(struct deploy_state *state, struct deploy_error *err)
{
	if (connect_to(state, ":memory:", SQLITE_OPEN_READWRITE, err))
		return err->code;
	return dp_schema_update(state, err);
}

/* True if everything is in the file itself: nobody writes, or they have left nothing behind. */
static bool is_at_rest(const char *path)
{
	char *wal = dp_xasprintf("%s-wal", path);
	struct stat st;
	bool is_empty = stat(wal, &st) != 0 || st.st_size == 0;

	free(wal);
	return is_empty;
}

/*
 * A reader takes part in SQLite's locking through a file beside the database. Where it can neither
 * find nor make that file, nobody else can write either, and it reads without.
 */
static int open_at_rest(struct deploy_state *state, int64_t *version, struct deploy_error *err)
{
	char *uri = dp_state_file_immutable_uri(state->path);
	int rc = connect_to(state, uri, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, err);

	free(uri);
	return rc ? rc : dp_schema_check(version, state, err);
}

static int open_there(struct deploy_state *state, int64_t *version, struct deploy_error *err)
{
	struct deploy_error first = {.code = DEPLOY_OK};
	int code;

	if (connect_to(state, state->path, SQLITE_OPEN_READONLY, err))
		return err->code;
	if (dp_schema_check(version, state, &first) == 0)
		return 0;
	code = sqlite3_errcode(state->db) & 0xff;
	if ((code == SQLITE_CANTOPEN || code == SQLITE_READONLY) && is_at_rest(state->path))
		return open_at_rest(state, version, err);
	*err = first;
	return err->code;
}

static int open_to_read(struct deploy_state *state, struct deploy_error *err)
{
	int64_t version = 0;
	bool is_there;

	if (dp_state_file_check(&is_there, state->path, err))
		return err->code;
	if (is_there && open_there(state, &version, err))
		return err->code;
	/* Also if a writer is about to make the tables, or died before it could. */
	return version == 0 ? open_nothing(state, err) : dp_schema_need(state, version, err);
}

int deploy_state_open(
	struct deploy_state **out, const char *path, bool may_write, struct deploy_error *err)
{
	struct deploy_state *state = dp_xcalloc(1, sizeof(*state));
	int rc;

	*out = NULL;
	state->path = dp_xstrdup(path);
	rc = may_write ? open_to_write(state, err) : open_to_read(state, err);
	if (rc) {
		deploy_state_close(state);
		return rc;
	}
	*out = state;
	return 0;
}

void deploy_state_close(struct deploy_state *state)
{
	if (!state)
		return;
	for (size_t i = 0; i < state->prepared_count; i++)
		(void)sqlite3_finalize(state->prepared[i].statement);
	(void)sqlite3_close(state->db);
	free(state->path);
	free(state);
}

int deploy_state_begin(struct deploy_state *state, struct deploy_error *err)
{
	if (state->depth == 0) {
		state->spoilt = 0;
		/* At once, not at the first change: only here can another writer be waited for. */
		if (dp_sql_change(state, "BEGIN IMMEDIATE", NULL, 0, err))
			return err->code;
	}
	state->depth++;
	return 0;
}

int deploy_state_finish(struct deploy_state *state, int rc, struct deploy_error *err)
{
	struct deploy_error ignored = {.code = DEPLOY_OK};

	assert(state->depth > 0);
	if (rc)
		state->spoilt = rc;
	if (--state->depth > 0)
		return rc;
	if (!state->spoilt)
		rc = dp_sql_change(state, "COMMIT", NULL, 0, err);
	else
		rc = deploy_error_set(err, (enum deploy_code)state->spoilt,
			"state file %s: a part of the change failed", state->path);
	/* SQLite may have rolled back by itself: a full disk. */
	if (rc && !sqlite3_get_autocommit(state->db))
		(void)dp_sql_exec(state, "ROLLBACK", &ignored);
	return rc;
}
