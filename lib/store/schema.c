/*
 * The tables. A step that was released is never changed: a new one is added behind it, and
 * user_version counts the steps that a file has seen.
 * Times are microseconds since 1970, states and types are words, so that any SQLite tool reads
 * them.
 */
#include "store/schema.h"

#include <stdio.h>

static const char *const steps[] = {
	/* Runs first; what belongs to one goes with it. key is short, and never given twice. */
	"CREATE TABLE run("
	" key INTEGER PRIMARY KEY AUTOINCREMENT,"
	" id TEXT NOT NULL UNIQUE,"
	" kind TEXT NOT NULL, command TEXT, reason TEXT, plan_digest TEXT, inputs TEXT,"
	" is_act INTEGER NOT NULL,"
	" user TEXT, uid INTEGER NOT NULL, host TEXT NOT NULL, boot TEXT NOT NULL,"
	" pid_space TEXT NOT NULL, pid INTEGER NOT NULL, pid_started INTEGER NOT NULL,"
	" life TEXT NOT NULL, ending TEXT, exit INTEGER,"
	" started INTEGER NOT NULL, ended INTEGER,"
	" ok INTEGER NOT NULL DEFAULT 0, failed INTEGER NOT NULL DEFAULT 0,"
	" silent INTEGER NOT NULL DEFAULT 0, unknown INTEGER NOT NULL DEFAULT 0,"
	" skipped INTEGER NOT NULL DEFAULT 0, cancelled INTEGER NOT NULL DEFAULT 0"
	") STRICT;"
	"CREATE INDEX run_not_ended ON run(life) WHERE life <> 'ended';"

	"CREATE TABLE task("
	" run INTEGER NOT NULL REFERENCES run ON DELETE CASCADE, task INTEGER NOT NULL,"
	" agent TEXT, action TEXT, nodes INTEGER NOT NULL DEFAULT 0,"
	" started INTEGER, ended INTEGER,"
	" PRIMARY KEY(run, task)) STRICT, WITHOUT ROWID;"

	/* A row per try of a node; state is NULL from before it is asked until it is known. */
	"CREATE TABLE outcome("
	" run INTEGER NOT NULL, task INTEGER NOT NULL, node TEXT NOT NULL,"
	" attempt INTEGER NOT NULL,"
	" state TEXT, not_connected INTEGER, statuscode INTEGER, message TEXT, data TEXT,"
	" sent INTEGER, ended INTEGER, rtt INTEGER,"
	" PRIMARY KEY(run, task, node, attempt),"
	" FOREIGN KEY(run, task) REFERENCES task ON DELETE CASCADE) STRICT, WITHOUT ROWID;"

	"CREATE TABLE event("
	" run INTEGER NOT NULL REFERENCES run ON DELETE CASCADE, seq INTEGER NOT NULL,"
	" at INTEGER NOT NULL, type TEXT NOT NULL, task INTEGER NOT NULL, node TEXT, text TEXT,"
	" PRIMARY KEY(run, seq)) STRICT, WITHOUT ROWID;"

	/* Small rows: every ping changes them. What is large stands in inventory. */
	"CREATE TABLE node("
	" identity TEXT NOT NULL PRIMARY KEY, collective TEXT, first_seen INTEGER, last_seen "
	"INTEGER,"
	" certificate TEXT, fingerprint TEXT, certificate_at INTEGER,"
	" last_run INTEGER, last_outcome TEXT, last_outcome_at INTEGER) STRICT, WITHOUT ROWID;"

	"CREATE TABLE inventory("
	" node TEXT NOT NULL PRIMARY KEY REFERENCES node ON DELETE CASCADE,"
	" facts TEXT, classes TEXT, agents TEXT, facts_at INTEGER, inventory_at INTEGER) STRICT;"

	"CREATE TABLE assignment("
	" node TEXT NOT NULL, fact TEXT NOT NULL, value TEXT NOT NULL,"
	" assigned INTEGER NOT NULL, pushed INTEGER, verified INTEGER, run INTEGER,"
	" PRIMARY KEY(node, fact)) STRICT, WITHOUT ROWID;"
	"CREATE INDEX assignment_by_value ON assignment(fact, value);",

	/* The last `puppet run` of each node: unknown from before it is asked until its outcome. */
	"ALTER TABLE node ADD COLUMN puppet_run INTEGER;"
	"ALTER TABLE node ADD COLUMN puppet_outcome TEXT;"
	"ALTER TABLE node ADD COLUMN puppet_at INTEGER;",

	/* Runs of plans: they go on after they died, and by labels it is known where they were. */
	"ALTER TABLE run ADD COLUMN plan TEXT;"
	"ALTER TABLE run ADD COLUMN options TEXT;"
	"ALTER TABLE run ADD COLUMN resumed INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE run ADD COLUMN cancelled_at INTEGER;"
	"ALTER TABLE run ADD COLUMN cancelled_by TEXT;"
	"ALTER TABLE task ADD COLUMN label TEXT;"
	"ALTER TABLE task ADD COLUMN ok INTEGER;" /* NULL until it has ended */
	"CREATE INDEX task_by_label ON task(run, label) WHERE label IS NOT NULL;"
	/* Node sets that were resolved once, folded. */
	"CREATE TABLE frozen("
	" run INTEGER NOT NULL REFERENCES run ON DELETE CASCADE, name TEXT NOT NULL,"
	" nodes TEXT NOT NULL, PRIMARY KEY(run, name)) STRICT, WITHOUT ROWID;",
	/* A run's id, not its key: the lock outlives a run that is pruned. */
	"CREATE TABLE lock("
	" name TEXT NOT NULL PRIMARY KEY, run TEXT NOT NULL, kind TEXT NOT NULL,"
	" user TEXT, host TEXT NOT NULL, boot TEXT NOT NULL, pid_space TEXT NOT NULL,"
	" pid INTEGER NOT NULL, pid_started INTEGER NOT NULL,"
	" reason TEXT, taken INTEGER NOT NULL) STRICT, WITHOUT ROWID;",
};

#define VERSION ((int64_t)(sizeof(steps) / sizeof(steps[0])))

int dp_schema_check(int64_t *version, const struct deploy_state *state, struct deploy_error *err)
{
	int64_t tag = 0, tables = 0;

	*version = 0;
	/* In this order: another process may make them now, and the tag comes with the tables. */
	if (dp_sql_number(&tables, state, "SELECT count(*) FROM sqlite_schema", err) ||
		dp_sql_number(&tag, state, "PRAGMA application_id", err) ||
		dp_sql_number(version, state, "PRAGMA user_version", err))
		return err->code;
	if (tag != DP_SCHEMA_TAG && (tag || tables)) {
		(void)deploy_error_set(err, DEPLOY_IO,
			"%s is a database, but no state file of deployctl", state->path);
		deploy_error_hint(err, "name another file with --state FILE");
		return err->code;
	}
	if (*version > VERSION || *version < 0) {
		(void)deploy_error_set(err, DEPLOY_IO,
			"state file %s: a newer deployctl wrote it: its format is %lld, this one "
			"knows up to %lld",
			state->path, (long long)*version, (long long)VERSION);
		deploy_error_hint(err, "use that version, or another file with --state FILE");
		return err->code;
	}
	return 0;
}

int dp_schema_need(const struct deploy_state *state, int64_t version, struct deploy_error *err)
{
	if (version == VERSION)
		return 0;
	(void)deploy_error_set(err, DEPLOY_IO,
		"state file %s: an older deployctl wrote it: its format is %lld, now it is %lld",
		state->path, (long long)version, (long long)VERSION);
	deploy_error_hint(err, "any command that writes brings it up to date: deployctl ping");
	return err->code;
}

/* Another process may have taken steps while we waited for it. */
static int take_steps(struct deploy_state *state, struct deploy_error *err)
{
	char pragmas[80];
	int64_t version = 0;

	if (dp_sql_number(&version, state, "PRAGMA user_version", err))
		return err->code;
	for (; version < VERSION; version++)
		if (dp_sql_exec(state, steps[version], err))
			return err->code;
	(void)snprintf(pragmas, sizeof(pragmas),
		"PRAGMA application_id=%d;PRAGMA user_version=%lld", DP_SCHEMA_TAG,
		(long long)version);
	return dp_sql_exec(state, pragmas, err);
}

/* All steps as one: nobody meets a file that is between two of them. */
int dp_schema_update(struct deploy_state *state, struct deploy_error *err)
{
	int64_t version;

	if (dp_schema_check(&version, state, err) || version == VERSION)
		return err->code;
	if (deploy_state_begin(state, err))
		return err->code;
	return deploy_state_finish(state, take_steps(state, err), err);
}
