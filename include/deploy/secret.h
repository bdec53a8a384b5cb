/* Secrets stand elsewhere: in a file, in the environment, in what a command prints. */
#ifndef DEPLOY_SECRET_H
#define DEPLOY_SECRET_H

#include <jansson.h>

#include "deploy/error.h"

/*
 * Open what reference names, as in a configuration: an object with one of "file": PATH, "env":
 * NAME, "cmd": [PROGRAM, ARGUMENT, …]. *out: its text, less one newline at its end; caller frees.
 * A command is killed after limit_ms. Errors: DEPLOY_INPUT for what is no reference, which is not
 * repeated; DEPLOY_CONFIG, DEPLOY_INTERRUPTED: it cannot be opened.
 */
int deploy_secret_open(
	char **out, const json_t *reference, long long limit_ms, struct deploy_error *err);

#endif
