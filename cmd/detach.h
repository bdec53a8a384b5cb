/* A run in the background, which outlives the terminal, and the job, that it was started from. */
#ifndef DETACH_H
#define DETACH_H

#include "command.h"

/*
 * Go on in the background: a process in a session of its own, of which nothing holds a file of the
 * caller's open: stdin is empty, stdout, stderr and ctx->out are deployctl-PID.log beside the state
 * file (0600), and its signals are its own. Call it while broker and state file are closed; what is
 * wrong with the state file is told here.
 * Returns in the background only, with *ready_fd for detach_ready(). In the foreground the process
 * ends here: with 0 when the background has told its run, whose id it prints; otherwise when the
 * background has ended, with its status and what it wrote.
 * Errors: DEPLOY_BUG if broker or state file are open, or the system refuses; DEPLOY_IO if the log
 * cannot be made, and those of ctx_state().
 */
int detach(struct ctx *ctx, int *ready_fd, struct deploy_error *err);

/*
 * In the background, once: tell which run it is, and call the log after it, RUN.log (RUN.2.log, …,
 * if the run was resumed). That nobody waits for it any more does no harm. ready_fd is closed.
 */
void detach_ready(int ready_fd, const char *run_id);

#endif
