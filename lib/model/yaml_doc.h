/* What a YAML document is made of: a tree of values, and beside it where everything stands. */
#ifndef DP_YAML_DOC_H
#define DP_YAML_DOC_H

#include <stddef.h>

#include <jansson.h>

#include "deploy/error.h"
#include "deploy/yaml.h"

/* One thing of a collection: under a key of an object, or at an index of an array. */
struct dp_yaml_entry {
	const json_t *parent;
	char *key; /* NULL in an array; owned */
	size_t index;
	struct deploy_place key_place, value_place;
};

struct deploy_yaml {
	char *name;
	json_t *root;
	struct dp_yaml_entry *entries; /* in the order of the text */
	size_t count, cap;
};

struct deploy_yaml *dp_yaml_new(const char *name);

/*
 * Is every character of text one that YAML allows, and that every reader takes for the same?
 * Errors: DEPLOY_INPUT with the place of the first that is not.
 */
int dp_yaml_check_text(
	const struct deploy_yaml *doc, const char *text, size_t len, struct deploy_error *err);

#endif
