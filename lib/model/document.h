/* A document that people or programs wrote, as JSON or as YAML, told apart by how it begins. */
#ifndef DP_DOCUMENT_H
#define DP_DOCUMENT_H

#include <stddef.h>

#include <jansson.h>

#include "deploy/error.h"
#include "deploy/yaml.h"

struct dp_document {
	json_t *root;
	struct deploy_yaml *yaml; /* with all places; NULL: they are not known */
};

/*
 * Read text, strictly: no key twice. name: what errors call it. Errors: DEPLOY_INPUT
 * "name:line:column: why". Release it also after an error.
 */
int dp_document_read(struct dp_document *out, const char *name, const char *text, size_t len,
	struct deploy_error *err);
void dp_document_release(struct dp_document *doc);

/*
 * Find the places of what was read as JSON, which costs more than reading it: root is then another
 * tree of equal values. Not if it is larger than YAML may be, or one of the few that are JSON and
 * not our YAML.
 */
void dp_document_locate(struct dp_document *doc, const char *name, const char *text, size_t len);

#endif
