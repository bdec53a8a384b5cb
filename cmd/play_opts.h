/* What run-plan and resume have in common: options, and all that comes before the run itself. */
#ifndef PLAY_OPTS_H
#define PLAY_OPTS_H

#include "command.h"
#include "confirm.h"
#include "play_run.h"

struct play_opts {
	struct confirm_opts confirm;
	const char *params, *reason, *collective;
	long long deadline_ms;
	bool allow_destructive, detach, retry_silent;
};

extern const struct opt play_options[];

/* A plan to be run, and what is known of it beside its file. Zero-initialise. */
struct play_job {
	struct deploy_playbook *book;
	struct args words; /* NAME=VALUE */
	json_t *before;	   /* inputs of the run that goes on; NULL: none */
	struct play_request request;
};

/*
 * Read a plan; every flaw is shown. Errors: DEPLOY_INPUT, DEPLOY_NO_INPUT. Caller frees *book.
 */
int play_read(
	struct deploy_playbook **book, struct ctx *ctx, const char *path, struct deploy_error *err);

/* Put its inputs together, ask whether it is meant, and run it. Returns the exit status. */
int play_start(struct ctx *ctx, const struct play_opts *opts, struct play_job *job,
	struct deploy_error *err);

/* Ids of the plan's own steps that from, skip and only leave out: a new array. */
json_t *play_left_out(const struct deploy_playbook *book, const struct play_request *request);

/* The same inputs, for who only wants to see them. *out: a new reference. */
int play_inputs(json_t **out, struct ctx *ctx, const struct play_opts *opts,
	const struct play_job *job, struct deploy_error *err);

#endif
