/* The state file as a file: its folder, its mode, the file system that it lies on. */
#ifndef DP_STATE_FILE_H
#define DP_STATE_FILE_H

#include <stdbool.h>
#include <sys/stat.h>

#include "deploy/error.h"

/* Make the folder and an empty file if they are not there. Errors: DEPLOY_IO. */
int dp_state_file_make(const char *path, struct deploy_error *err);

/*
 * Look before it is opened. *is_there: false if it is missing. Errors: DEPLOY_IO if it is
 * no regular file, if everybody may write it, or if it lies on a network file system.
 */
int dp_state_file_check(bool *is_there, const char *path, struct deploy_error *err);

/*
 * The same for who is to write it: nobody else may be able to change it or what lies beside it, but
 * root, and those who share its folder by mode 2770. Errors: DEPLOY_IO.
 */
int dp_state_file_check_owner(const char *path, struct deploy_error *err);

/* What is wrong about a file in a folder that process us is to write; NULL: nothing. */
const char *dp_state_file_flaw(const struct stat *file, const struct stat *folder, uid_t us);

/* "NFS", …: where locks and shared memory do not hold; NULL for others. type: statfs's f_type. */
const char *dp_network_file_system(unsigned long type);

/* An SQLite URI for path that says that nobody will change it. Caller frees. */
char *dp_state_file_immutable_uri(const char *path);

#endif
