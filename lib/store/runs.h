/* Writing runs, within the journal's transactions. */
#ifndef DP_RUNS_H
#define DP_RUNS_H

#include "deploy/journal.h"
#include "store/sql.h"

/* Note as interrupted what nobody carries out any more. */
int dp_runs_note_dead(struct deploy_state *state, struct deploy_error *err);

/* The same of one run, whose owner was found dead within this transaction. */
int dp_run_note_dead(struct deploy_state *state, int64_t key, struct deploy_error *err);

/* What a run's row holds beside what its caller said. */
struct dp_run {
	char id[DEPLOY_RUN_ID_SIZE];
	int64_t key; /* in its tables; 0: not yet there */
	int64_t started_us;
	size_t count[DEPLOY_OUTCOME_STATES];
	/* What a resumed run has already: its tasks and events are recorded behind that. */
	int64_t tasks_before, events_before;
	bool is_resumed;
};

/*
 * True of the row o of outcome, with the row t of its task and r of its run: it is what became of
 * its node there. In a resumed run a task stands for all those of its label, and a try that was
 * made counts more than one that was not.
 */
#define DP_IS_LAST                                                                                 \
	"(NOT EXISTS (SELECT 1 FROM outcome n WHERE n.run = o.run AND n.task = o.task"             \
	" AND n.node = o.node AND n.attempt > o.attempt) AND (r.resumed = 0 OR t.label IS NULL"    \
	" OR NOT EXISTS (SELECT 1 FROM task u CROSS JOIN outcome n ON n.run = u.run"               \
	" AND n.task = u.task AND n.node = o.node WHERE u.run = o.run AND u.label = t.label"       \
	" AND u.task <> o.task AND (n.attempt > 0, n.task) > (o.attempt > 0, o.task))))"

/*
 * Have the run of id go on, as one of this process: sets all of run. Errors: see
 * deploy_journal_begin().
 */
int dp_run_resume(struct deploy_state *state, struct dp_run *run,
	const struct deploy_run_info *info, const struct deploy_plan *plan,
	struct deploy_error *err);

/* What the rows of its outcomes say, in place of what was counted: needed by resumed runs. */
int dp_run_recount(struct deploy_state *state, int64_t key, struct deploy_error *err);

/* nodes: folded. */
int dp_run_freeze(struct deploy_state *state, const struct dp_run *run, const char *name,
	const char *nodes, struct deploy_error *err);

/* Rows of the tasks of plan, which may be NULL; for those that write a run's row. */
int dp_run_add_tasks(struct deploy_state *state, const struct dp_run *run,
	const struct deploy_plan *plan, struct deploy_error *err);

/* Write the row of a run that begins, and rows of its tasks if it is an act; sets key. */
int dp_run_add(struct deploy_state *state, struct dp_run *run, const struct deploy_run_info *info,
	const struct deploy_plan *plan, struct deploy_error *err);

int dp_run_update_counts(
	struct deploy_state *state, const struct dp_run *run, struct deploy_error *err);

int dp_run_finish(struct deploy_state *state, const struct dp_run *run,
	const struct deploy_run_result *result, int exit, struct deploy_error *err);

int dp_run_task_started(struct deploy_state *state, const struct dp_run *run,
	const struct deploy_event *event, const struct deploy_task *task, struct deploy_error *err);
int dp_run_task_ended(struct deploy_state *state, const struct dp_run *run,
	const struct deploy_event *event, struct deploy_error *err);

/* A node is about to be asked. */
int dp_run_intent(struct deploy_state *state, const struct dp_run *run,
	const struct deploy_event *event, struct deploy_error *err);

/* What came of a try; data: as JSON, or NULL. */
int dp_run_outcome(struct deploy_state *state, const struct dp_run *run,
	const struct deploy_event *event, const char *message, const char *data,
	struct deploy_error *err);

int dp_run_event(struct deploy_state *state, const struct dp_run *run,
	const struct deploy_event *event, const char *node, const char *text,
	struct deploy_error *err);

#endif
