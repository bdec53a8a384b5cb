/* Secrets stand elsewhere; a configuration only says where. */
#ifndef DP_SECRET_H
#define DP_SECRET_H

#include <stddef.h>

#include "deploy/error.h"

#define DP_SECRET_MAX_BYTES  (64 * 1024)
#define DP_SECRET_COMMAND_MS 30000 /* a command may take */

/*
 * words: where the secret is: {"file", PATH}, {"env", NAME}, {"cmd", PROGRAM, ARGUMENT…}, or
 * {"literal", TEXT}.
 */

/*
 * Open it. *out: its text without one trailing newline; caller wipes and frees. A command is found
 * by PATH and run without a shell in a process group of its own, which is killed when limit_ms have
 * passed, when it prints too much, and when a signal comes that ends us. Errors: DEPLOY_CONFIG,
 * never with a part of the secret; DEPLOY_INTERRUPTED.
 */
int dp_secret_open(char **out, const char *const *words, size_t count, long long limit_ms,
	struct deploy_error *err);

/* How people may see it: "file:PATH", "env:NAME", "cmd:PROGRAM ARGUMENT…", "(set)". Caller frees.
 */
char *dp_secret_describe(const char *const *words, size_t count);

#endif
