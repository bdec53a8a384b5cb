/* The few files that a certificate of our own consists of. */
#ifndef DP_CA_KEEP_H
#define DP_CA_KEEP_H

#include <stddef.h>
#include <sys/types.h>

#include "deploy/error.h"

/*
 * Write a new file with all of text, or nothing: it is not there before it is whole and on disk.
 * Errors: DEPLOY_IO with path, also if it is there already.
 */
int dp_ca_keep(
	const char *path, const char *text, size_t len, mode_t mode, struct deploy_error *err);

#endif
