/* Runs and what became of nodes in them, as they are read. */
#include "deploy/history.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/nodes.h"
#include "store/owner.h"
#include "store/runs.h"

#define MAX_TOLD 5 /* runs that a short prefix may mean */

const char *deploy_run_life_name(enum deploy_run_life life)
{
	static const char *const names[DEPLOY_LIVES] = {
		[DEPLOY_LIFE_RUNNING] = "running",
		[DEPLOY_LIFE_ENDED] = "ended",
		[DEPLOY_LIFE_INTERRUPTED] = "interrupted",
	};

	return (unsigned)life < DEPLOY_LIVES ? names[life] : "no such life";
}

/* Until a writer notes that the owner died, whoever reads finds it out. */
static enum deploy_run_life life_of(sqlite3_stmt *row, int column, const struct dp_owner *owner)
{
	const char *name = dp_column_text(row, column);
	struct dp_owner self;

	if (name && strcmp(name, "ended") == 0)
		return DEPLOY_LIFE_ENDED;
	if (!name || strcmp(name, "running") != 0)
		return DEPLOY_LIFE_INTERRUPTED;
	dp_owner_self(&self);
	return dp_owner_is_dead(owner, &self) ? DEPLOY_LIFE_INTERRUPTED : DEPLOY_LIFE_RUNNING;
}

static int tell_run(sqlite3_stmt *row, deploy_run_fn *fn, void *arg)
{
	struct dp_owner owner;
	struct deploy_run_record run = {
		.id = dp_column_name(row, 0),
		.kind = dp_column_name(row, 1),
		.command = dp_column_text(row, 2),
		.reason = dp_column_text(row, 3),
		.plan_file = dp_column_text(row, 26),
		.plan_digest = dp_column_text(row, 4),
		.resumed = (unsigned)sqlite3_column_int64(row, 27),
		.cancelled_us = sqlite3_column_int64(row, 28),
		.cancelled_by = dp_column_text(row, 29),
		.inputs = dp_column_json(row, 5),
		.options = dp_column_json(row, 30),
		.is_act = sqlite3_column_int(row, 6) != 0,
		.user = dp_column_text(row, 7),
		.uid = (long)sqlite3_column_int64(row, 8),
		.end = dp_column_text(row, 10),
		.exit = sqlite3_column_type(row, 11) == SQLITE_NULL ? -1
								    : sqlite3_column_int(row, 11),
		.started_us = sqlite3_column_int64(row, 12),
		.ended_us = sqlite3_column_int64(row, 13),
		.asked = (size_t)sqlite3_column_int64(row, 20),
	};
	int rc;

	run.is_damaged = (!run.inputs && dp_column_text(row, 5)) ||
			 (!run.options && dp_column_text(row, 30));
	for (int state = 0; state < DEPLOY_OUTCOME_STATES; state++)
		run.count[state] = (size_t)sqlite3_column_int64(row, 14 + state);
	dp_owner_read(&owner, row, 21);
	run.host = owner.host;
	run.pid = owner.pid;
	run.life = life_of(row, 9, &owner);
	rc = fn(arg, &run);
	json_decref(run.inputs);
	json_decref(run.options);
	return rc;
}

int deploy_state_each_run(const struct deploy_state *state, const struct deploy_run_query *query,
	deploy_run_fn *fn, void *arg, struct deploy_error *err)
{
	sqlite3_stmt *rows;

	/* The counts stand in the order of the outcomes' states. */
	if (dp_sql_query(&rows, state,
		    "SELECT id, kind, command, reason, plan_digest, inputs, is_act, user, uid,"
		    " life, ending, exit, started, ended,"
		    " ok, failed, silent, unknown, skipped, cancelled,"
		    " CASE WHEN is_act AND life <> 'ended' THEN (SELECT count(*) FROM outcome o"
		    " WHERE o.run = run.key AND o.state IS NULL) ELSE 0 END, " DP_OWNER_COLUMNS
		    ", plan, resumed, cancelled_at, cancelled_by, options FROM run WHERE life <> 'leaving' "
		    "AND (?1 IS NULL OR id = ?1)"
		    " AND (?2 IS NULL OR kind = ?2) AND (NOT ?3 OR is_act)"
		    " ORDER BY id DESC LIMIT ?4",
		    DP_BIND(dp_text(query->id), dp_text(query->kind), dp_int(query->acts),
			    dp_int(query->limit ? (int64_t)query->limit : -1)),
		    err))
		return err->code;
	while (dp_sql_next(rows))
		if (tell_run(rows, fn, arg))
			break;
	return dp_sql_close(state, rows, err);
}

static bool read_prefix(char out[DEPLOY_RUN_ID_SIZE], const char *prefix)
{
	size_t len = strlen(prefix);

	if (len == 0 || len >= DEPLOY_RUN_ID_SIZE)
		return false;
	for (size_t i = 0; i <= len; i++) {
		if (prefix[i] && !isalnum((unsigned char)prefix[i]))
			return false;
		out[i] = (char)toupper((unsigned char)prefix[i]);
	}
	return true;
}

static int fail_ambiguous(const char *prefix, size_t count,
	char found[MAX_TOLD + 1][DEPLOY_RUN_ID_SIZE], struct deploy_error *err)
{
	char list[(MAX_TOLD + 1) * (DEPLOY_RUN_ID_SIZE + 2)] = "";
	size_t len = 0;

	for (size_t i = 0; i < count && i < MAX_TOLD; i++)
		len += (size_t)snprintf(
			list + len, sizeof(list) - len, "%s%s", i ? ", " : "", found[i]);
	return deploy_error_set(err, DEPLOY_USAGE, "run \"%s\": more than one begins so: %s%s",
		prefix, list, count > MAX_TOLD ? " and more" : "");
}

int deploy_state_find_run(char id[DEPLOY_RUN_ID_SIZE], const struct deploy_state *state,
	const char *prefix, struct deploy_error *err)
{
	char start[DEPLOY_RUN_ID_SIZE], found[MAX_TOLD + 1][DEPLOY_RUN_ID_SIZE];
	sqlite3_stmt *rows;
	size_t count = 0;

	if (!read_prefix(start, prefix))
		return deploy_error_set(err, DEPLOY_USAGE,
			"run \"%s\": not the beginning of a run's id, which has 26 letters and "
			"digits",
			prefix);
	if (dp_sql_query(&rows, state,
		    "SELECT id FROM run WHERE life <> 'leaving' AND id >= ?1 AND id < ?1 || '~'"
		    " ORDER BY id DESC LIMIT 6",
		    DP_BIND(dp_text(start)), err))
		return err->code;
	while (dp_sql_next(rows))
		(void)snprintf(found[count++], sizeof(found[0]), "%s", dp_column_name(rows, 0));
	if (dp_sql_close(state, rows, err))
		return err->code;
	if (count > 1)
		return fail_ambiguous(prefix, count, found, err);
	if (count == 0) {
		(void)deploy_error_set(err, DEPLOY_USAGE, "run \"%s\": no such run", prefix);
		deploy_error_hint(err, "deployctl history lists the runs that are kept");
		return err->code;
	}
	memcpy(id, found[0], DEPLOY_RUN_ID_SIZE);
	return 0;
}

#define OUTCOMES                                                                                   \
	"SELECT r.id, r.kind, o.node, o.task, t.agent, t.action, o.attempt, o.state,"              \
	" o.not_connected, o.statuscode, o.message, CASE WHEN ?3 THEN o.data END,"                 \
	" o.sent, o.ended, o.rtt, " DP_IS_LAST ", t.label"                                         \
	" FROM run r CROSS JOIN task t ON t.run = r.key"                                           \
	" CROSS JOIN outcome o ON o.run = t.run AND o.task = t.task "

static int tell_outcome(sqlite3_stmt *row, deploy_outcome_fn *fn, void *arg)
{
	const char *state = dp_column_text(row, 7), *message = dp_column_text(row, 10);
	json_t *data = dp_column_json(row, 11);
	struct deploy_outcome_record record = {
		.run = dp_column_name(row, 0),
		.kind = dp_column_name(row, 1),
		.node = dp_column_name(row, 2),
		.task = (unsigned)sqlite3_column_int64(row, 3),
		.agent = dp_column_text(row, 4),
		.action = dp_column_text(row, 5),
		.is_known = state != NULL,
		.is_last = sqlite3_column_int(row, 15) != 0,
		.outcome = {.state = dp_outcome_state_find(state),
			.not_connected = sqlite3_column_int(row, 8) != 0,
			.attempt = (unsigned)sqlite3_column_int64(row, 6),
			.statuscode = sqlite3_column_int(row, 9),
			.message = message ? message : "",
			.data = data,
			.rtt_us = sqlite3_column_type(row, 14) == SQLITE_NULL
					  ? -1
					  : sqlite3_column_int64(row, 14)},
		.sent_at_us = sqlite3_column_int64(row, 12),
		.ended_at_us = sqlite3_column_int64(row, 13),
		.label = dp_column_text(row, 16),
	};
	int rc = fn(arg, &record);

	json_decref(data);
	return rc;
}

int deploy_state_each_outcome(const struct deploy_state *state,
	const struct deploy_outcome_query *query, deploy_outcome_fn *fn, void *arg,
	struct deploy_error *err)
{
	/* Each in the order of the tables' own keys, so that nothing is sorted. */
	const char *text = OUTCOMES "WHERE r.id = ?1 AND ?2 IS NULL AND r.life <> 'leaving'"
				    " ORDER BY t.task, o.node, o.attempt LIMIT ?4";
	sqlite3_stmt *rows;

	if (query->node)
		text = OUTCOMES "WHERE o.node = ?2 AND (?1 IS NULL OR r.id = ?1)"
				" AND r.life <> 'leaving'"
				" ORDER BY r.id DESC, t.task, o.attempt LIMIT ?4";
	if (dp_sql_query(&rows, state, text,
		    DP_BIND(dp_text(query->run), dp_text(query->node), dp_int(query->with_data),
			    dp_int(query->limit ? (int64_t)query->limit : -1)),
		    err))
		return err->code;
	while (dp_sql_next(rows))
		if (tell_outcome(rows, fn, arg))
			break;
	return dp_sql_close(state, rows, err);
}

int deploy_state_each_event(const struct deploy_state *state, const char *run,
	deploy_event_record_fn *fn, void *arg, struct deploy_error *err)
{
	sqlite3_stmt *rows;

	if (dp_sql_query(&rows, state,
		    "SELECT e.seq, e.at, e.type, e.task, e.node, e.text"
		    " FROM run r JOIN event e ON e.run = r.key WHERE r.id = ?1 ORDER BY e.seq",
		    DP_BIND(dp_text(run)), err))
		return err->code;
	while (dp_sql_next(rows)) {
		const struct deploy_event_record event = {
			.seq = (unsigned long)sqlite3_column_int64(rows, 0),
			.at_us = sqlite3_column_int64(rows, 1),
			.type = dp_column_name(rows, 2),
			.task = (unsigned)sqlite3_column_int64(rows, 3),
			.node = dp_column_text(rows, 4),
			.text = dp_column_text(rows, 5),
		};

		if (fn(arg, &event))
			break;
	}
	return dp_sql_close(state, rows, err);
}
