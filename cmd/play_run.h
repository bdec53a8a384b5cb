/* Carrying out a playbook: locks, the run around it, what is shown, and the status that it means.
 */
#ifndef PLAY_RUN_H
#define PLAY_RUN_H

#include "command.h"

#define PLAY_NAMES_MAX 64

struct play_names {
	const char *names[PLAY_NAMES_MAX];
	size_t count;
};

struct play_request {
	const struct deploy_playbook *book;
	const char *file; /* absolute */
	json_t *inputs;
	json_t *clipboard; /* NULL: the book's */
	const char *collective;
	const char *from;
	struct play_names skip, only;
	const json_t *options; /* the same for the record, and for the process that goes on */
	const char *reason;
	const char *resume; /* id of the run that goes on; NULL: a new one */
	long long deadline_ms;
	int64_t started_us; /* of a run that goes on; 0: now */
	bool says_yes, is_preflight, retries_unknown, retries_silent;
	/* Called when the run has its id, and its lock; may be NULL. */
	void (*begun)(void *arg, const char *run_id);
	void *begun_arg;
};

/* What can be wrong with it that is known before anything is begun. Errors: of deploy_play_new().
 */
int play_check(struct ctx *ctx, const struct play_request *request, struct deploy_error *err);

/* Returns the exit status. Errors: those of ctx_bus(), deploy_play_new(), deploy_run(). */
int play_run(struct ctx *ctx, const struct play_request *request, struct deploy_error *err);

#endif
