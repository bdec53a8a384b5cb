/* The tasks of a run, and the node sets that it has resolved, as they are read. */
#include "deploy/history.h"
#include "store/sql.h"

int deploy_state_each_task(const struct deploy_state *state, const char *run,
	deploy_task_record_fn *fn, void *arg, struct deploy_error *err)
{
	sqlite3_stmt *row;

	if (dp_sql_query(&row, state,
		    "SELECT t.task, t.label, t.agent, t.action, t.nodes, t.started, t.ended, t.ok"
		    " FROM run r CROSS JOIN task t ON t.run = r.key"
		    " WHERE r.id = ?1 AND r.life <> 'leaving' ORDER BY t.task",
		    DP_BIND(dp_text(run)), err))
		return err->code;
	while (dp_sql_next(row)) {
		const struct deploy_task_record task = {
			.task = (unsigned)sqlite3_column_int64(row, 0),
			.label = dp_column_text(row, 1),
			.agent = dp_column_text(row, 2),
			.action = dp_column_text(row, 3),
			.nodes = (size_t)sqlite3_column_int64(row, 4),
			.started_us = sqlite3_column_int64(row, 5),
			.ended_us = sqlite3_column_int64(row, 6),
			.has_ended = sqlite3_column_type(row, 6) != SQLITE_NULL,
			.is_ok = sqlite3_column_int(row, 7) != 0,
		};

		if (fn(arg, &task))
			break;
	}
	return dp_sql_close(state, row, err);
}

/* An empty set has an empty text, which is no expression. */
static int tell_frozen(
	sqlite3_stmt *row, deploy_frozen_fn *fn, void *arg, bool *is_over, struct deploy_error *err)
{
	const char *name = dp_column_name(row, 0), *folded = dp_column_name(row, 1);
	struct deploy_nodeset *nodes = deploy_nodeset_new();

	if (!folded[0] || deploy_nodeset_parse(nodes, folded, err) == 0)
		*is_over = fn(arg, name, nodes) != 0;
	else
		(void)deploy_error_wrap(err, "frozen nodes %s", name);
	deploy_nodeset_free(nodes);
	return err->code;
}

int deploy_state_each_frozen(const struct deploy_state *state, const char *run,
	deploy_frozen_fn *fn, void *arg, struct deploy_error *err)
{
	struct deploy_error damage = {.code = DEPLOY_OK};
	bool is_over = false;
	sqlite3_stmt *row;

	if (dp_sql_query(&row, state,
		    "SELECT f.name, f.nodes FROM run r CROSS JOIN frozen f ON f.run = r.key"
		    " WHERE r.id = ?1 AND r.life <> 'leaving' ORDER BY f.name",
		    DP_BIND(dp_text(run)), err))
		return err->code;
	while (!is_over && dp_sql_next(row))
		if (tell_frozen(row, fn, arg, &is_over, &damage))
			break;
	if (dp_sql_close(state, row, err) == 0 && damage.code)
		(void)deploy_error_set(
			err, DEPLOY_IO, "state file %s: run %s: %s", state->path, run, damage.text);
	return err->code;
}
