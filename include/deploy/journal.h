/*
 * The journal writes a run into the state file while it happens. It stands between the engine and
 * whatever shows the run: what happened is in the file before anybody is told, and a node is in the
 * file before it is asked.
 */
#ifndef DEPLOY_JOURNAL_H
#define DEPLOY_JOURNAL_H

#include "deploy/event.h"
#include "deploy/plan.h"
#include "deploy/run.h"
#include "deploy/state.h"

struct deploy_journal;

/*
 * Called for each OUTCOME event in the transaction that records it, to record with it what it
 * means: deploy_state_mark(), deploy_state_set_certificate(). An error is one of writing.
 */
typedef int deploy_record_fn(void *arg, struct deploy_state *state,
	const struct deploy_event *event, struct deploy_error *err);

/* Who does what, and why. Strings are copied; all but kind may be NULL. */
struct deploy_run_info {
	const char *kind;    /* the command: "rpc", "assign-role" */
	const char *command; /* the command line; the caller has masked secrets */
	const char *reason;
	const char *plan_file; /* absolute */
	const char *plan_digest;
	/*
	 * The id of an act that goes on with this; NULL: a new run. It keeps its kind, command,
	 * inputs, plan and time of start; the tasks of this plan are recorded behind those that it
	 * has, and so are events.
	 */
	const char *resume;
	const json_t *inputs; /* object; the caller has masked secrets */
	/* Object: what of the command line a run that goes on has to know again; or NULL. */
	const json_t *options;
	/*
	 * An act has a row for every try of every node, written before the node is asked. Other
	 * runs (ping, facts) have their own row only, written at the end; what nodes answer
	 * refreshes what is known of them in both. Their events go on at once.
	 */
	bool is_act;
	/*
	 * Nothing is changed but this record: after an error of writing, outcomes that are OK go on
	 * as UNKNOWN.
	 */
	bool is_record_only;
	deploy_record_fn *record; /* or NULL */
	void *record_arg;
};

/*
 * Begin a run. plan: what will be run, or NULL if nothing is asked of nodes; must outlive the
 * journal, as must state. downstream: gets every event after the transaction that holds it was
 * committed, in order, from within the functions below; may be NULL.
 * Errors: as deploy_state_open(). Of a run to resume: DEPLOY_USAGE if it is not kept, DEPLOY_REFUSED
 * if it was no act, or is running as far as can be told; its owner is named.
 * On success the caller ends it with deploy_journal_end().
 */
int deploy_journal_begin(struct deploy_journal **out, struct deploy_state *state,
	const struct deploy_run_info *info, const struct deploy_plan *plan,
	deploy_event_fn *downstream, void *arg, struct deploy_error *err);

/* The run's id; borrowed from journal. */
const char *deploy_journal_run_id(const struct deploy_journal *journal);

/*
 * These three fit struct deploy_run_options (an act also wants_intents), with the journal as arg:
 * sink: takes an event. When 500 wait, or 4 MiB with what nodes said, they are committed.
 * idle: commits what has waited for 100 ms; returns in how many ms to call again, or -1.
 * commit: for before_publish, and before the exit status is made of what downstream got: commits
 *         everything taken so far. Returns 0, or DEPLOY_IO if not everything is recorded: then
 *         nothing more may be begun.
 * After an error of writing nothing more is recorded, but downstream still gets every event.
 */
void deploy_journal_sink(void *journal, const struct deploy_event *event);
int deploy_journal_idle(void *journal);
int deploy_journal_commit(void *journal);

/*
 * Keep for deploy_state_each_frozen() which nodes name stands for in this act. Recorded with the
 * events, in their order, and before anything is published after this call. A name that is given
 * again stands for the new set. Both are copied.
 */
void deploy_journal_freeze(
	struct deploy_journal *journal, const char *name, const struct deploy_nodeset *nodes);

/*
 * Commit what is left and how the run ended (result may be NULL), and free the journal. exit: the
 * status that the program will return. Errors: DEPLOY_IO if not everything is recorded, with the
 * first error of writing; such a run is shown as interrupted later.
 */
int deploy_journal_end(struct deploy_journal *journal, const struct deploy_run_result *result,
	int exit, struct deploy_error *err);

#endif
