/* Carrying out a site's Puppet runs. */
#ifndef SITE_RUN_H
#define SITE_RUN_H

#include "play_opts.h"
#include "site_plan.h"

/*
 * run-plan --site: read it, show it or run it. resume: the id of the run that goes on, with the
 * digest of the order that it had; NULL: a new one. Returns the exit status.
 */
int site_start(struct ctx *ctx, const struct site_opts *opts, const struct play_opts *play,
	const char *resume, const char *digest, struct deploy_error *err);

/*
 * Of a run of a site whose process died: let Puppet run again where that process has kept it from
 * running. It is an act of its own, recorded as such, and connects to the broker. options: as they
 * were recorded of run. Returns the exit status; nodes that are not reached are told on stderr.
 */
int site_let_go(struct ctx *ctx, const char *run, const json_t *options, struct deploy_error *err);

/* --dry-run */
int site_dry_run(struct ctx *ctx, const struct site_opts *opts, struct deploy_error *err);

#endif
