/* The lines of an mco client configuration, before anybody knows what they mean. */
#ifndef DP_CLIENT_CFG_H
#define DP_CLIENT_CFG_H

#include <stdbool.h>
#include <stddef.h>

#include "deploy/error.h"
#include "model/file_check.h"

struct dp_cfg_entry {
	char *key, *value;
	const char *path; /* the file that it stands in, one of the configuration's paths */
	unsigned line;
	bool is_public; /* everybody can read the file */
};

/* Keys in the order of the files; owned. Zero-initialise, free with dp_client_cfg_release(). */
struct dp_client_cfg {
	const char *path; /* the file that was asked for, borrowed */
	struct dp_cfg_entry *entries;
	size_t count, cap;
	const struct dp_cfg_entry **order; /* by key; those of one key as they stand in the files */
	char **paths;			   /* every file that was read */
	size_t path_count, path_cap;
};

/*
 * Read path. Lines: "key = value"; '#' in column 1 and lines without '=' or value are skipped.
 * Then what stands beside it: "key = value" in plugin.d/WORD.cfg is plugin.WORD.key, and wins.
 * Errors: DEPLOY_CONFIG: unreadable, too large (1 MiB), writable by others, foreign owner, or a key
 * that MCollective does not know, with its line.
 */
int dp_client_cfg_read(struct dp_client_cfg *cfg, const char *path, struct deploy_error *err);

/* The same with the main file read already. */
int dp_client_cfg_read_file(struct dp_client_cfg *cfg, const char *path, struct dp_file *file,
	struct deploy_error *err);
void dp_client_cfg_release(struct dp_client_cfg *cfg);

/* The last entry of a key, or NULL. Borrowed. */
const struct dp_cfg_entry *dp_client_cfg_find(const struct dp_client_cfg *cfg, const char *key);

/* The last value of a key, or preset. Borrowed. */
const char *dp_client_cfg_text(
	const struct dp_client_cfg *cfg, const char *key, const char *preset);

/* 1 yes true y t, 0 no false n f, in any case. Errors: DEPLOY_CONFIG. */
int dp_client_cfg_bool(
	const struct dp_client_cfg *cfg, const char *key, bool *out, struct deploy_error *err);

/* Ruby's Integer(): decimal, 0x, 0b, 0o, leading 0 is octal, '_' between digits. Errors:
 * DEPLOY_CONFIG. */
int dp_client_cfg_number(const struct dp_client_cfg *cfg, const char *key, long long min,
	long long max, long long *out, struct deploy_error *err);

#endif
