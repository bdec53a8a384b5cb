/*
 * YAML as this program reads and writes it: values of JSON, and nothing that surprises. A number is
 * what JSON calls one (010, 0x1f, 1_000, 12:30:00 and .5 are texts), a boolean is true or false,
 * null is null, ~ or nothing; everything else that is plain is text, and keys are always text. JSON
 * is read as well. Source: YAML 1.2, core schema, of which this is a part.
 */
#ifndef DEPLOY_YAML_H
#define DEPLOY_YAML_H

#include <stddef.h>

#include <jansson.h>

#include "deploy/error.h"

/* A document that was read, with the place of everything in it. */
struct deploy_yaml;

/* 1-based; columns count characters. Both 0: not known. */
struct deploy_place {
	unsigned line, column;
};

#define DEPLOY_YAML_MAX_BYTES (1024 * 1024)
#define DEPLOY_YAML_MAX_DEPTH 64

/*
 * Read one document. name is what errors call it ("site.yaml", "stdin"), copied. Errors:
 * DEPLOY_INPUT with "name:line:column: why" for syntax, a second document, a duplicate key (naming
 * the first one's line), a key that is no scalar, an anchor, an alias, a tag, a merge key <<, a
 * directive other than %YAML, a number beyond 64 bits, text that is not UTF-8 or holds NUL, more
 * than 64 levels, more than 1 MiB; also for what others read otherwise: control characters and line
 * breaks that only some take for one (U+0085, U+2028, U+2029), unless escaped in double quotes, and
 * half characters ("\ud83d\ude00" of JSON). Caller frees with deploy_yaml_free().
 */
int deploy_yaml_read(struct deploy_yaml **out, const char *name, const char *text, size_t len,
	struct deploy_error *err);

/*
 * The same from a regular file or a pipe, no more of it than may be read. Also DEPLOY_NO_INPUT if it
 * cannot be read, DEPLOY_INTERRUPTED if a signal comes while it waits for a pipe.
 */
int deploy_yaml_read_file(struct deploy_yaml **out, const char *path, struct deploy_error *err);
void deploy_yaml_free(struct deploy_yaml *doc);

/* The document's value; null if it is empty. Borrowed: lives as long as doc, or take a reference.
 */
json_t *deploy_yaml_root(const struct deploy_yaml *doc);
const char *deploy_yaml_name(const struct deploy_yaml *doc);

/* Where a key of object, its value, or an item of array stands. object and array are of doc. */
struct deploy_place deploy_yaml_key(
	const struct deploy_yaml *doc, const json_t *object, const char *key);
struct deploy_place deploy_yaml_value(
	const struct deploy_yaml *doc, const json_t *object, const char *key);
struct deploy_place deploy_yaml_item(
	const struct deploy_yaml *doc, const json_t *array, size_t index);

/* Fill err with code and "name:line:column: …"; returns code. */
int deploy_yaml_fail(const struct deploy_yaml *doc, struct deploy_place place,
	enum deploy_code code, struct deploy_error *err, const char *format, ...)
	__attribute__((format(printf, 5, 6)));

/*
 * Write value as YAML, keys in their order, so that reading it again gives an equal value: text
 * that would be read as something else, or that other readers of YAML take for a boolean, a number
 * or a time (yes, 010, 12:30), is quoted. What reading refuses (NUL, more than 64 levels) is
 * written all the same. Ends with a newline. Caller frees with free(). Ruby's Psych 4.0 merges a
 * mapping under the key "<<" even though that is quoted.
 */
char *deploy_yaml_print(const json_t *value);

#endif
