/* Our own configuration files, in YAML, as sources. */
#ifndef DP_CONFIG_OWN_H
#define DP_CONFIG_OWN_H

#include "deploy/yaml.h"
#include "model/config_keys.h"
#include "model/file_check.h"

/* One file. Zero-initialise, free with dp_own_release(). */
struct dp_own_file {
	char *path;
	struct deploy_yaml *doc;
	const char *context; /* the one that it wants to be used, borrowed; NULL: none */
	struct deploy_place context_place;
};

/*
 * Read file's text as YAML and check all of it, every context too: keys and what kind of value they
 * have. Errors: DEPLOY_CONFIG, "path:line:column: …".
 */
int dp_own_open(struct dp_own_file *own, const char *path, const struct dp_file *file,
	struct deploy_error *err);
void dp_own_release(struct dp_own_file *own);

/* Say what the context says; context NULL: the file's top level. False: there is no such context.
 */
bool dp_own_read(struct dp_source *source, const struct dp_own_file *own, const char *context);

/* The names of its contexts, borrowed; caller frees the array. */
const char **dp_own_contexts(const struct dp_own_file *own, size_t *count);

#endif
