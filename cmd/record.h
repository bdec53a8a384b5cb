/* What a command does is recorded: the run around it, in the state file. */
#ifndef RECORD_H
#define RECORD_H

#include "command.h"

struct record {
	struct ctx *ctx;
	struct deploy_journal *journal; /* NULL: not recorded */
	struct deploy_error why;	/* why not, or not any more */
};

/* What is recorded. Zero-initialise. */
struct record_info {
	const char *kind;   /* "rpc" */
	const char *reason; /* --reason; NULL: none */
	/* It changes something: not done at all unless it can be recorded. */
	bool is_act;
	bool is_record_only;  /* see deploy/journal.h */
	deploy_record_fn *fn; /* see deploy/journal.h; may be NULL */
	void *fn_arg;
	/* Of a plan: see deploy/journal.h; NULL: none. */
	const char *plan_file, *plan_digest, *resume;
	const json_t *inputs, *options;
};

/*
 * Begin the run; sink gets its events after they were recorded. Errors, of acts only: those of
 * ctx_state(). A look that cannot be recorded goes on, and record_end() tells why not.
 */
int record_begin(struct record *record, struct ctx *ctx, const struct record_info *info,
	const struct deploy_plan *plan, deploy_event_fn *sink, void *sink_arg,
	struct deploy_error *err);

/* Let options go through the journal: sink, idle and what is done before publishing. */
void record_join(struct record *record, struct deploy_run_options *options);

/* Commit what happened so far: the sink has seen all of it then. */
void record_flush(struct record *record);

/*
 * End the run. status: what the command comes to; returned, or what it is if not everything could
 * be recorded (err then tells, unless it holds an error already).
 */
int record_end(struct record *record, const struct deploy_run_result *result, int status,
	struct deploy_error *err);

/* The words of a command line as they may be kept: quoted for a shell, secrets left out. */
char *record_command_line(int count, char **words);

#endif
