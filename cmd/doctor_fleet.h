/* The part of doctor that asks nodes. */
#ifndef DOCTOR_FLEET_H
#define DOCTOR_FLEET_H

#include "findings.h"
#include "target_opts.h"

/*
 * Who is there, a round trip to node (NULL: the first that was found), the clocks of all.
 * The bus of ctx is open. Errors: the connection was lost, or DEPLOY_INTERRUPTED.
 */
int doctor_fleet(struct findings *findings, struct ctx *ctx, const struct target_opts *target,
	const char *node, struct deploy_error *err);

/* Mark the checks of doctor_fleet() as not tried, and say why. */
void doctor_fleet_untried(struct findings *findings, const char *subject, const char *why);

#endif
