/* The runs that the state file keeps, and what became of each node in them. */
#ifndef DEPLOY_HISTORY_H
#define DEPLOY_HISTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "deploy/error.h"
#include "deploy/nodeset.h"
#include "deploy/outcome.h"
#include "deploy/state.h"

#define DEPLOY_RUN_ID_SIZE 27 /* 26 characters, sorted by time, and NUL */

/* Make a run's id (a ULID), unique across hosts. after: an id that it must sort behind, or NULL. */
void deploy_run_id_new(char id[DEPLOY_RUN_ID_SIZE], const char *after);

enum deploy_run_life {
	DEPLOY_LIFE_RUNNING,
	DEPLOY_LIFE_ENDED,
	DEPLOY_LIFE_INTERRUPTED, /* whoever ran it died; nodes without an outcome are unknown */
	DEPLOY_LIVES
};

/* "running", "ended", "interrupted"; never NULL. Borrowed, static. */
const char *deploy_run_life_name(enum deploy_run_life life);

/* All is borrowed until the callback returns; strings are NULL if they were not given. */
struct deploy_run_record {
	const char *id, *kind, *command, *reason;
	const char *plan_file, *plan_digest;
	json_t *inputs, *options;
	bool is_damaged;  /* there are some, and they cannot be read */
	unsigned resumed; /* how often it went on after it had ended or died */
	bool is_act; /* it has outcomes; of other runs only the counts are kept */
	const char *user, *host;
	long uid, pid;
	enum deploy_run_life life;
	const char *end; /* how it ended: "complete", "stopped", …; NULL unless ended */
	int exit;	 /* status; -1 unless ended */
	int64_t started_us, ended_us;
	int64_t cancelled_us; /* when somebody wanted it to end, since it last went on */
	const char *cancelled_by;
	/*
	 * Outcomes: of each node once a task, and once a label after the run was resumed. While a
	 * resumed run is running, what is done again may be counted twice.
	 */
	size_t count[DEPLOY_OUTCOME_STATES];
	size_t asked; /* nodes of an act that were asked and have no outcome */
};

typedef int deploy_run_fn(void *arg, const struct deploy_run_record *run);

/* Zero is: all of them. */
struct deploy_run_query {
	const char *id;	  /* this one */
	const char *kind; /* of this kind */
	bool acts;	  /* acts only */
	size_t limit;	  /* the newest ones */
};

/* Runs, newest first. */
int deploy_state_each_run(const struct deploy_state *state, const struct deploy_run_query *query,
	deploy_run_fn *fn, void *arg, struct deploy_error *err);

/*
 * Find the run whose id begins with prefix, in capitals or not. Errors: DEPLOY_USAGE if there is
 * none, or more than one, with up to 5 of them.
 */
int deploy_state_find_run(char id[DEPLOY_RUN_ID_SIZE], const struct deploy_state *state,
	const char *prefix, struct deploy_error *err);

/* One try of one node. Borrowed until the callback returns. */
struct deploy_outcome_record {
	const char *run, *kind, *node;
	unsigned task;
	const char *agent, *action; /* NULL for a task that is no request */
	bool is_known; /* false: about to be asked, or asked; no outcome was recorded */
	/*
	 * False: another try followed, also in a task of the same label after the run was resumed.
	 * That it was to be asked again, and was not, is no try.
	 */
	bool is_last;
	/* attempt always, the rest if is_known; data over 64 KiB is {"$cut": its bytes} */
	struct deploy_outcome outcome;
	int64_t sent_at_us, ended_at_us;
	const char *label; /* of the task; may be NULL */
};

typedef int deploy_outcome_fn(void *arg, const struct deploy_outcome_record *outcome);

/* Outcomes of one run, by task, node and attempt; or of one node, the newest run first; or both. */
struct deploy_outcome_query {
	const char *run;
	const char *node;
	bool with_data;
	size_t limit; /* 0: none */
};

int deploy_state_each_outcome(const struct deploy_state *state,
	const struct deploy_outcome_query *query, deploy_outcome_fn *fn, void *arg,
	struct deploy_error *err);

/* A task of an act. Borrowed until the callback returns. */
struct deploy_task_record {
	unsigned task;
	const char *label, *agent, *action; /* may be NULL */
	size_t nodes;			    /* as far as they are known */
	int64_t started_us, ended_us;
	bool has_ended, is_ok; /* is_ok: as its TASK_ENDED said */
};

typedef int deploy_task_record_fn(void *arg, const struct deploy_task_record *task);

/* The tasks of a run, in their order; those of every time that it went on. */
int deploy_state_each_task(const struct deploy_state *state, const char *run,
	deploy_task_record_fn *fn, void *arg, struct deploy_error *err);

/* nodes: borrowed until the callback returns; may be empty. */
typedef int deploy_frozen_fn(void *arg, const char *name, const struct deploy_nodeset *nodes);

/* What was given to deploy_journal_freeze() in a run, sorted bytewise by name. */
int deploy_state_each_frozen(const struct deploy_state *state, const char *run,
	deploy_frozen_fn *fn, void *arg, struct deploy_error *err);

/* What else happened in an act; type as in deploy_event_type_name(). */
struct deploy_event_record {
	unsigned long seq;
	int64_t at_us;
	const char *type;
	unsigned task;
	const char *node, *text; /* may be NULL */
};

typedef int deploy_event_record_fn(void *arg, const struct deploy_event_record *event);

int deploy_state_each_event(const struct deploy_state *state, const char *run,
	deploy_event_record_fn *fn, void *arg, struct deploy_error *err);

/*
 * Note that somebody wants a run to end; by: who, NULL: the user of this process. Nobody is told of
 * it: *pid is the process to tell, which carries the run out on this host; 0 if there is none any
 * more, and the run is interrupted; -1 if it lives elsewhere, or that cannot be told: kill() takes
 * that for every process there is, so look before.
 * Errors: DEPLOY_USAGE if it is not kept, DEPLOY_REFUSED if it has ended.
 */
int deploy_state_cancel(struct deploy_state *state, const char *run, const char *by, long *pid,
	struct deploy_error *err);

#endif
