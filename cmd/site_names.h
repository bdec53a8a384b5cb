/* Nodes of a site that the bus may know by another name than Puppet does. */
#ifndef SITE_NAMES_H
#define SITE_NAMES_H

#include "command.h"

/*
 * Warn of each certname that no node on the bus was ever seen with, if one was with a name that
 * differs in case only, or is the first part of it. ctx->state is open.
 */
void site_names_check(struct ctx *ctx, const struct deploy_nodeset *certnames);

#endif
