/* Old runs leave, a few rows at a time, so that nobody waits long for the lock. */
#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "store/sql.h"

#define ROWS_AT_ONCE  500
#define PAGES_AT_ONCE "1000"
#define DAY_US	      (86400 * (int64_t)1000000)

/*
 * The first run that is to leave: one that has begun to, or one that is too old or too many. *key:
 * 0 if there is none.
 */
static int find_one(int64_t *key, struct deploy_state *state,
	const struct deploy_retention *retention, struct deploy_error *err)
{
	int64_t oldest =
		retention->keep_days ? dp_wall_us() - (int64_t)retention->keep_days * DAY_US : 0;
	sqlite3_stmt *row;

	*key = 0;
	if (dp_sql_query(&row, state,
		    "SELECT key FROM (SELECT key, life, started, ended,"
		    " row_number() OVER (PARTITION BY is_act ORDER BY id DESC) AS place FROM run)"
		    " WHERE life = 'leaving' OR (life <> 'running'"
		    " AND (coalesce(ended, started) < ?1 OR (?2 > 0 AND place > ?2)))"
		    " ORDER BY life <> 'leaving', key LIMIT 1",
		    DP_BIND(dp_int(oldest), dp_int(retention->keep_runs)), err))
		return err->code;
	if (dp_sql_next(row))
		*key = sqlite3_column_int64(row, 0);
	return dp_sql_close(state, row, err);
}

/* Remove a slice of a run that nobody sees any more; the run itself with the last of it. */
static int remove_slice(
	struct deploy_state *state, int64_t key, size_t *removed, struct deploy_error *err)
{
	static const char *const slices[] = {
		"DELETE FROM outcome WHERE run = ?1 AND (task, node, attempt) IN"
		" (SELECT task, node, attempt FROM outcome WHERE run = ?1 LIMIT ?2)",
		"DELETE FROM event WHERE run = ?1 AND seq IN"
		" (SELECT seq FROM event WHERE run = ?1 LIMIT ?2)",
	};
	size_t left = ROWS_AT_ONCE;

	for (size_t i = 0; left && i < sizeof(slices) / sizeof(slices[0]); i++) {
		if (dp_sql_change(
			    state, slices[i], DP_BIND(dp_int(key), dp_int((int64_t)left)), err))
			return err->code;
		left -= (size_t)sqlite3_changes(state->db);
	}
	if (left &&
		dp_sql_change(state, "DELETE FROM run WHERE key = ?1", DP_BIND(dp_int(key)), err))
		return err->code;
	*removed += ROWS_AT_ONCE - left + (left > 0);
	return 0;
}

/* A run that lacks some of its rows would look as if nodes had never been asked: it is hidden. */
static int prune_some(
	struct deploy_state *state, int64_t key, size_t *removed, struct deploy_error *err)
{
	int rc = deploy_state_begin(state, err);

	if (rc)
		return rc;
	rc = dp_sql_change(
		state, "UPDATE run SET life = 'leaving' WHERE key = ?1", DP_BIND(dp_int(key)), err);
	if (!rc)
		rc = remove_slice(state, key, removed, err);
	return deploy_state_finish(state, rc, err);
}

int deploy_state_prune(struct deploy_state *state, const struct deploy_retention *retention,
	bool *more, struct deploy_error *err)
{
	size_t removed = 0;
	int64_t key;
	int rc;

	*more = false;
	for (;;) {
		rc = find_one(&key, state, retention, err);
		*more = !rc && key != 0;
		if (rc || !key || removed >= retention->max_rows)
			break;
		rc = prune_some(state, key, &removed, err);
		if (rc)
			break;
	}
	/* What was freed goes back to the disk. */
	if (!rc && removed)
		rc = dp_sql_exec(state, "PRAGMA incremental_vacuum(" PAGES_AT_ONCE ")", err);
	return rc;
}
