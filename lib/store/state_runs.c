/* Runs, as they are written. */
#include "store/runs.h"

#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "store/owner.h"

int dp_run_note_dead(struct deploy_state *state, int64_t key, struct deploy_error *err)
{
	if (dp_sql_change(state,
		    "UPDATE run SET life = 'interrupted' WHERE key = ?1 AND life = 'running'",
		    DP_BIND(dp_int(key)), err))
		return err->code;
	return dp_run_recount(state, key, err);
}

/* The row of one that ended is complete; others are noted when their owner is found dead. */
static int note_dead(struct deploy_state *state, const json_t *keys, struct deploy_error *err)
{
	int rc = 0;

	for (size_t i = 0; !rc && i < json_array_size(keys); i++)
		rc = dp_run_note_dead(state, json_integer_value(json_array_get(keys, i)), err);
	return rc;
}

int dp_runs_note_dead(struct deploy_state *state, struct deploy_error *err)
{
	struct dp_owner self;
	json_t *keys = json_array();
	sqlite3_stmt *rows;
	int rc = dp_sql_query(&rows, state,
		"SELECT key, " DP_OWNER_COLUMNS " FROM run WHERE life = 'running'", NULL, 0, err);

	if (!rc) {
		dp_owner_self(&self);
		while (dp_sql_next(rows)) {
			struct dp_owner owner;

			dp_owner_read(&owner, rows, 1);
			if (dp_owner_is_dead(&owner, &self))
				(void)json_array_append_new(
					keys, json_integer(sqlite3_column_int64(rows, 0)));
		}
		rc = dp_sql_close(state, rows, err);
	}
	if (!rc && json_array_size(keys)) {
		rc = deploy_state_begin(state, err);
		if (!rc)
			rc = deploy_state_finish(state, note_dead(state, keys, err), err);
	}
	json_decref(keys);
	return rc;
}

static struct dp_value task_of(const struct dp_run *run, const struct deploy_event *event)
{
	return dp_int(run->tasks_before + event->task);
}

/* task: NULL if it is not known. */
static int add_task(struct deploy_state *state, const struct dp_run *run, int64_t index,
	const struct deploy_task *task, struct deploy_error *err)
{
	const struct deploy_request *request = task ? task->request : NULL;

	return dp_sql_change(state,
		"INSERT INTO task(run, task, agent, action, label) VALUES(?1, ?2, ?3, ?4, ?5)"
		" ON CONFLICT DO NOTHING",
		DP_BIND(dp_int(run->key), dp_int(run->tasks_before + index),
			dp_text(request ? request->agent : NULL),
			dp_text(request ? request->action : NULL),
			dp_text(task ? task->label : NULL)),
		err);
}

int dp_run_add_tasks(struct deploy_state *state, const struct dp_run *run,
	const struct deploy_plan *plan, struct deploy_error *err)
{
	int rc = 0;

	for (size_t i = 0; !rc && plan && i < plan->task_count; i++)
		rc = add_task(state, run, (int64_t)i, plan->tasks[i], err);
	return rc;
}

static int add_row(struct deploy_state *state, const struct dp_run *run,
	const struct deploy_run_info *info, struct deploy_error *err)
{
	const struct passwd *user = getpwuid(getuid());
	char *inputs = info->inputs ? json_dumps(info->inputs, JSON_COMPACT) : NULL;
	char *options = info->options ? json_dumps(info->options, JSON_COMPACT) : NULL;
	struct dp_owner self;
	int rc;

	dp_owner_self(&self);
	rc = dp_sql_change(state,
		"INSERT INTO run(id, kind, command, reason, plan_digest, inputs, is_act,"
		" user, uid, " DP_OWNER_COLUMNS ", life, started, plan, options)"
		" VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14,"
		"'running', ?15, ?16, ?17)",
		DP_BIND(dp_text(run->id), dp_text(info->kind), dp_text(info->command),
			dp_text(info->reason), dp_text(info->plan_digest), dp_text(inputs),
			dp_int(info->is_act), dp_text(user ? user->pw_name : NULL),
			dp_int((int64_t)getuid()), dp_text(self.host), dp_text(self.boot),
			dp_text(self.pid_space), dp_int(self.pid), dp_int(self.pid_started),
			dp_int(run->started_us), dp_text(info->plan_file), dp_text(options)),
		err);
	free(options);
	free(inputs);
	return rc;
}

int dp_run_add(struct deploy_state *state, struct dp_run *run, const struct deploy_run_info *info,
	const struct deploy_plan *plan, struct deploy_error *err)
{
	if (add_row(state, run, info, err))
		return err->code;
	run->key = sqlite3_last_insert_rowid(state->db);
	return info->is_act ? dp_run_add_tasks(state, run, plan, err) : 0;
}

int dp_run_update_counts(
	struct deploy_state *state, const struct dp_run *run, struct deploy_error *err)
{
	const size_t *count = run->count;

	return dp_sql_change(state,
		"UPDATE run SET ok = ?2, failed = ?3, silent = ?4, unknown = ?5, skipped = ?6,"
		" cancelled = ?7 WHERE key = ?1",
		DP_BIND(dp_int(run->key), dp_int((int64_t)count[DEPLOY_OUTCOME_OK]),
			dp_int((int64_t)count[DEPLOY_OUTCOME_FAILED]),
			dp_int((int64_t)count[DEPLOY_OUTCOME_SILENT]),
			dp_int((int64_t)count[DEPLOY_OUTCOME_UNKNOWN]),
			dp_int((int64_t)count[DEPLOY_OUTCOME_SKIPPED]),
			dp_int((int64_t)count[DEPLOY_OUTCOME_CANCELLED])),
		err);
}

static const char *end_name(const struct deploy_run_result *result)
{
	if (!result)
		return "complete";
	switch (result->end) {
	case DEPLOY_RUN_COMPLETE:
		return "complete";
	case DEPLOY_RUN_NO_NODES:
		return "no_nodes";
	case DEPLOY_RUN_STOPPED:
		return "stopped";
	case DEPLOY_RUN_DEADLINE:
		return "deadline";
	case DEPLOY_RUN_INTERRUPTED:
		return "interrupted";
	case DEPLOY_RUN_LOST:
		return "lost";
	case DEPLOY_RUN_UNRECORDED:
		return "unrecorded";
	case DEPLOY_RUN_FAILED:
		return "failed";
	}
	return "unknown";
}

int dp_run_finish(struct deploy_state *state, const struct dp_run *run,
	const struct deploy_run_result *result, int exit, struct deploy_error *err)
{
	if (run->is_resumed ? dp_run_recount(state, run->key, err)
			    : dp_run_update_counts(state, run, err))
		return err->code;
	return dp_sql_change(state,
		"UPDATE run SET life = 'ended', ending = ?2, exit = ?3, ended = ?4 WHERE key = ?1",
		DP_BIND(dp_int(run->key), dp_text(end_name(result)), dp_int(exit),
			dp_int(dp_wall_us())),
		err);
}

int dp_run_task_started(struct deploy_state *state, const struct dp_run *run,
	const struct deploy_event *event, const struct deploy_task *task, struct deploy_error *err)
{
	/* It may have been added to the plan since the run began. */
	if (add_task(state, run, event->task, task, err))
		return err->code;
	return dp_sql_change(state,
		"UPDATE task SET started = ?3, nodes = ?4 WHERE run = ?1 AND task = ?2",
		DP_BIND(dp_int(run->key), task_of(run, event), dp_time(event->at_us),
			dp_int((int64_t)event->count)),
		err);
}

int dp_run_task_ended(struct deploy_state *state, const struct dp_run *run,
	const struct deploy_event *event, struct deploy_error *err)
{
	return dp_sql_change(state,
		"UPDATE task SET ended = ?3, nodes = ?4, ok = ?5 WHERE run = ?1 AND task = ?2",
		DP_BIND(dp_int(run->key), task_of(run, event), dp_time(event->at_us),
			dp_int((int64_t)event->count), dp_int(event->is_ok)),
		err);
}

int dp_run_intent(struct deploy_state *state, const struct dp_run *run,
	const struct deploy_event *event, struct deploy_error *err)
{
	return dp_sql_change(state,
		"INSERT INTO outcome(run, task, node, attempt, sent) VALUES(?1, ?2, ?3, ?4, ?5)"
		" ON CONFLICT DO NOTHING",
		DP_BIND(dp_int(run->key), task_of(run, event), dp_text(event->node),
			dp_int(event->attempt), dp_time(event->at_us)),
		err);
}

int dp_run_outcome(struct deploy_state *state, const struct dp_run *run,
	const struct deploy_event *event, const char *message, const char *data,
	struct deploy_error *err)
{
	const struct deploy_outcome *outcome = event->outcome;
	const struct dp_value values[] = {dp_int(run->key), task_of(run, event),
		dp_text(event->node), dp_int(outcome->attempt),
		dp_text(deploy_outcome_state_name(outcome->state)), dp_int(outcome->not_connected),
		dp_int(outcome->statuscode), dp_text(message), dp_text(data), dp_time(event->at_us),
		outcome->rtt_us >= 0 ? dp_int(outcome->rtt_us) : dp_text(NULL)};

	if (dp_sql_change(state,
		    "UPDATE outcome SET state = ?5, not_connected = ?6, statuscode = ?7,"
		    " message = ?8, data = ?9, ended = ?10, rtt = ?11"
		    " WHERE run = ?1 AND task = ?2 AND node = ?3 AND attempt = ?4",
		    values, sizeof(values) / sizeof(values[0]), err))
		return err->code;
	if (sqlite3_changes(state->db))
		return 0;
	/* Without an intent, a reply still tells when it was asked for. */
	return dp_sql_change(state,
		"INSERT INTO outcome(run, task, node, attempt, state, not_connected, statuscode,"
		" message, data, ended, rtt, sent)"
		" VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?10 - ?11)",
		values, sizeof(values) / sizeof(values[0]), err);
}

int dp_run_event(struct deploy_state *state, const struct dp_run *run,
	const struct deploy_event *event, const char *node, const char *text,
	struct deploy_error *err)
{
	return dp_sql_change(state,
		"INSERT INTO event(run, seq, at, type, task, node, text)"
		" VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)",
		DP_BIND(dp_int(run->key), dp_int(run->events_before + (int64_t)event->seq),
			dp_int(event->at_us), dp_text(deploy_event_type_name(event->type)),
			task_of(run, event), dp_text(node), dp_text(text)),
		err);
}
