/* Files that people hand to a command: whatever can be read, but not more than a limit. */
#ifndef DP_INPUT_FILE_H
#define DP_INPUT_FILE_H

#include <stddef.h>

#include "base/buf.h"
#include "deploy/error.h"

/* What errors call the file: "-" is stdin. Borrowed. */
const char *dp_input_name(const char *path);

/*
 * Read all of path, or of stdin until it ends, into text, which is to be released after an error
 * too. Errors: DEPLOY_NO_INPUT, DEPLOY_INPUT if it is larger than max_bytes; beginning with the
 * name.
 */
int dp_input_read(
	struct dp_buf *text, const char *path, size_t max_bytes, struct deploy_error *err);

#endif
