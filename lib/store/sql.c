/* SQLite's interface, and what its codes mean to whoever started us. */
#include "store/sql.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int fail_full(const struct deploy_state *state, struct deploy_error *err)
{
	(void)deploy_error_set(err, DEPLOY_IO, "state file %s: the disk is full", state->path);
	deploy_error_hint(err, "make room, or name another file with --state FILE");
	return err->code;
}

static int fail_readonly(const struct deploy_state *state, struct deploy_error *err)
{
	(void)deploy_error_set(err, DEPLOY_IO, "state file %s: may not be written", state->path);
	deploy_error_hint(
		err, "permit it (the folder, too), or name another file with --state FILE");
	return err->code;
}

static int fail_damaged(const struct deploy_state *state, int code, struct deploy_error *err)
{
	if (code == SQLITE_NOTADB)
		(void)deploy_error_set(err, DEPLOY_IO,
			"state file %s: file is not a database, so nothing of it can be read",
			state->path);
	else
		(void)deploy_error_set(err, DEPLOY_IO, "state file %s: it is damaged: %s",
			state->path, sqlite3_errmsg(state->db));
	deploy_error_hint(err,
		"move it away, and its -wal and -shm; a new one is made; sqlite3 FILE .recover "
		"saves what can be read");
	return err->code;
}

static int fail_busy(const struct deploy_state *state, struct deploy_error *err)
{
	(void)deploy_error_set(err, DEPLOY_IO,
		"state file %s: another process has kept it locked for more than %d s", state->path,
		DP_BUSY_MS / 1000);
	deploy_error_hint(err, "see which with: fuser -v FILE; or name another file with --state");
	return err->code;
}

/* Something of the operating system; its own word for it says most. */
static int fail_system(const struct deploy_state *state, int code, struct deploy_error *err)
{
	int number = sqlite3_system_errno(state->db);

	if (number == ENOSPC || number == EDQUOT)
		return fail_full(state, err);
	if (number == EROFS || number == EACCES)
		return fail_readonly(state, err);
	(void)deploy_error_set(err, DEPLOY_IO, "state file %s: %s%s%s (SQLite: %d)", state->path,
		sqlite3_errmsg(state->db), number ? ": " : "", number ? strerror(number) : "",
		code);
	deploy_error_hint(err, "name another file with --state FILE");
	return err->code;
}

int dp_sql_fail(const struct deploy_state *state, int code, struct deploy_error *err)
{
	switch (code & 0xff) {
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
	case SQLITE_PROTOCOL:
		return fail_busy(state, err);
	case SQLITE_FULL:
		return fail_full(state, err);
	case SQLITE_READONLY:
		return fail_readonly(state, err);
	case SQLITE_NOTADB:
	case SQLITE_CORRUPT:
	case SQLITE_CONSTRAINT: /* what we write belongs together, if what is there does */
		return fail_damaged(state, code & 0xff, err);
	case SQLITE_MISUSE:
	case SQLITE_RANGE:
		return deploy_error_set(err, DEPLOY_BUG, "state file %s: %s (SQLite: %d)",
			state->path, sqlite3_errmsg(state->db), code);
	default:
		return fail_system(state, code, err);
	}
}

int dp_sql_exec(const struct deploy_state *state, const char *text, struct deploy_error *err)
{
	int code = sqlite3_exec(state->db, text, NULL, NULL, NULL);

	return code == SQLITE_OK ? 0 : dp_sql_fail(state, code, err);
}

static void bind(sqlite3_stmt *statement, const struct dp_value *values, size_t count)
{
	assert((size_t)sqlite3_bind_parameter_count(statement) == count);
	for (size_t i = 0; i < count; i++) {
		int place = (int)i + 1, code;

		if (values[i].kind == DP_INT)
			code = sqlite3_bind_int64(statement, place, values[i].number);
		else if (values[i].kind == DP_TEXT)
			code = sqlite3_bind_text(
				statement, place, values[i].text, -1, SQLITE_STATIC);
		else
			code = sqlite3_bind_null(statement, place);
		assert(code == SQLITE_OK); /* every text is bounded long before it gets here */
	}
}

static int prepare(sqlite3_stmt **out, const struct deploy_state *state, const char *text,
	unsigned flags, struct deploy_error *err)
{
	int code = sqlite3_prepare_v3(state->db, text, -1, flags, out, NULL);

	return code == SQLITE_OK ? 0 : dp_sql_fail(state, code, err);
}

static int find_prepared(
	sqlite3_stmt **out, struct deploy_state *state, const char *text, struct deploy_error *err)
{
	struct dp_prepared *slot;

	for (slot = state->prepared; slot < state->prepared + state->prepared_count; slot++)
		if (slot->text == text) {
			*out = slot->statement;
			return 0;
		}
	assert(state->prepared_count < DP_MAX_CHANGES);
	if (prepare(out, state, text, SQLITE_PREPARE_PERSISTENT, err))
		return err->code;
	*slot = (struct dp_prepared){text, *out};
	state->prepared_count++;
	return 0;
}

int dp_sql_change(struct deploy_state *state, const char *text, const struct dp_value *values,
	size_t count, struct deploy_error *err)
{
	sqlite3_stmt *statement;
	int code;

	if (find_prepared(&statement, state, text, err))
		return err->code;
	bind(statement, values, count);
	do
		code = sqlite3_step(statement);
	while (code == SQLITE_ROW);
	if (code != SQLITE_DONE)
		(void)dp_sql_fail(state, code, err);
	(void)sqlite3_reset(statement);
	return code == SQLITE_DONE ? 0 : err->code;
}

int dp_sql_query(sqlite3_stmt **out, const struct deploy_state *state, const char *text,
	const struct dp_value *values, size_t count, struct deploy_error *err)
{
	*out = NULL;
	if (prepare(out, state, text, 0, err))
		return err->code;
	bind(*out, values, count);
	return 0;
}

bool dp_sql_next(sqlite3_stmt *statement)
{
	return sqlite3_step(statement) == SQLITE_ROW;
}

int dp_sql_close(
	const struct deploy_state *state, sqlite3_stmt *statement, struct deploy_error *err)
{
	/* The code of the last step that failed; the message is still the connection's. */
	int code = sqlite3_finalize(statement);

	return code == SQLITE_OK ? 0 : dp_sql_fail(state, code, err);
}

int dp_sql_number(
	int64_t *out, const struct deploy_state *state, const char *text, struct deploy_error *err)
{
	sqlite3_stmt *query;

	if (dp_sql_query(&query, state, text, NULL, 0, err))
		return err->code;
	if (dp_sql_next(query))
		*out = sqlite3_column_int64(query, 0);
	return dp_sql_close(state, query, err);
}

const char *dp_column_text(sqlite3_stmt *statement, int column)
{
	return (const char *)sqlite3_column_text(statement, column);
}

const char *dp_column_name(sqlite3_stmt *statement, int column)
{
	const char *text = dp_column_text(statement, column);

	return text ? text : "";
}

json_t *dp_column_json(sqlite3_stmt *statement, int column)
{
	const char *text = dp_column_text(statement, column);

	return text ? json_loads(text, JSON_DECODE_ANY, NULL) : NULL;
}
