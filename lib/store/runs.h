/* Writing runs, within the journal's transactions. */
#ifndef DP_RUNS_H
#define DP_RUNS_H

#include "deploy/journal.h"
#include "store/sql.h"

/* Note as interrupted what nobody carries out any more. */
int dp_runs_note_dead(struct deploy_state *state, struct deploy_error *err);

/* What a run's row holds beside what its caller said. */
struct dp_run {
	char id[DEPLOY_RUN_ID_SIZE];
	int64_t key; /* in its tables; 0: not yet there */
	int64_t started_us;
	size_t count[DEPLOY_OUTCOME_STATES];
};

/* Write the row of a run that begins, and rows of its tasks if it is an act; sets key. */
int dp_run_add(struct deploy_state *state, struct dp_run *run, const struct deploy_run_info *info,
	const struct deploy_plan *plan, struct deploy_error *err);

int dp_run_update_counts(
	struct deploy_state *state, const struct dp_run *run, struct deploy_error *err);

int dp_run_finish(struct deploy_state *state, const struct dp_run *run,
	const struct deploy_run_result *result, int exit, struct deploy_error *err);

int dp_run_task_started(struct deploy_state *state, const struct dp_run *run,
	const struct deploy_event *event, const struct deploy_request *request,
	struct deploy_error *err);
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
