/* Files that decide what we do, or hold secrets: read only if nobody else could have written them.
 */
#ifndef DP_FILE_CHECK_H
#define DP_FILE_CHECK_H

#include <sys/stat.h>

#include "base/buf.h"
#include "deploy/error.h"

#define DP_FILE_MAX_BYTES (1024 * 1024)

struct dp_file {
	struct dp_buf text;
	struct stat st; /* of the very file that was read */
};

/*
 * Read path: a regular file of root's or ours that not everybody can write, of at most 1 MiB,
 * without NUL. Release also after an error. Errors: DEPLOY_CONFIG, beginning with path.
 */
int dp_file_read(struct dp_file *file, const char *path, struct deploy_error *err);
void dp_file_release(struct dp_file *file); /* wiped: there may be secrets in it */

/* Refuse a file that a group other than root's can write. Errors: DEPLOY_CONFIG. */
int dp_file_check_group(const struct dp_file *file, const char *path, struct deploy_error *err);

/*
 * Read a secret from path into bytes, at most size of them; *len says how many there are. Neither
 * readable nor writable by others; owner as above. Errors: DEPLOY_CONFIG, beginning with path.
 */
int dp_file_read_secret(
	char *bytes, size_t size, size_t *len, const char *path, struct deploy_error *err);

/* A private key that others can read is refused; one that is missing is for TLS to complain of. */
int dp_file_check_key(const char *path, struct deploy_error *err);

/* True if path is there; also if it is kept from us, or a link to nothing, which are errors
 * (DEPLOY_CONFIG). */
bool dp_file_is_there(const char *path, struct deploy_error *err);

#endif
