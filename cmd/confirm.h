/* Before much is done: somebody at the terminal is asked. */
#ifndef CONFIRM_H
#define CONFIRM_H

#include "command.h"
#include "target_opts.h"

struct confirm_opts {
	bool says_yes, asks_nothing; /* -y, --no-input */
};

/* Those two options, for commands that always ask. */
extern const struct opt confirm_options[];

/* What is asked about, with the number of nodes in the middle: BEFORE "12 nodes" AFTER. */
struct confirm_question {
	const char *before, *after;
	const char *lines; /* shown above it, each with its newline and safe to print; or NULL */
	/*
	 * True: asked only above guard.confirm_above nodes, and only if somebody can be asked;
	 * without an answer it is done. False: always asked, and not done where nobody can be
	 * asked.
	 */
	bool is_for_many_only;
};

/*
 * Ask whether count nodes are meant: "y", or above guard.confirm_above the number, which tells more
 * than "y" that it was read. Waits for as long as it takes, so the broker is left before.
 * Returns EXIT_ALL_OK to go on, EXIT_REFUSED (which was said) not to, or with err the status that
 * it means. Errors: DEPLOY_USAGE if nobody can be asked and --yes was not given.
 */
int confirm_act(struct ctx *ctx, const struct confirm_opts *opts,
	const struct confirm_question *question, size_t count, struct deploy_error *err);

/*
 * The same for something else than nodes: TEXT "Go on?", for a command without a broker. What text
 * holds is escaped. Errors: likewise.
 */
int confirm_plain(struct ctx *ctx, const struct confirm_opts *opts, const char *text,
	struct deploy_error *err);

/*
 * The same for the nodes of target, which are discovered if they are not named: *found, for
 * target_plan(), is then the caller's to free; NULL if nobody was asked, found or discovered. The
 * broker is there again afterwards. agent: only nodes that have it, or NULL.
 * Errors: likewise; those of target_connect() and deploy_run().
 */
int confirm_nodes(struct deploy_nodeset **found, struct ctx *ctx, const struct confirm_opts *opts,
	const struct confirm_question *question, const struct target_opts *target,
	const char *agent, struct deploy_error *err);

#endif
