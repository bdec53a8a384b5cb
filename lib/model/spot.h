/*
 * A value of a file that is read and the way to it, so that whoever finds it wrong can say where it
 * is; and the list of what was found wrong.
 */
#ifndef DP_SPOT_H
#define DP_SPOT_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

#include "deploy/flaw.h"

#define DP_WHY_BYTES 512 /* of a flaw's text, foreign text in it not counted */

/* Everything that is wrong in what is read, and texts that live as long. Zero it, release it. */
struct dp_flaws {
	struct deploy_flaw told[DEPLOY_MAX_FLAWS];
	size_t count, told_count;
	char **texts;
	size_t text_count, text_cap;
};

void dp_flaws_release(struct dp_flaws *flaws);

/* Keep text, which is taken, as long as the flaws; returns it. */
const char *dp_flaws_own(struct dp_flaws *flaws, char *text);

/* A file while it is read. */
struct dp_source {
	struct dp_flaws *flaws;
	const struct deploy_yaml *doc; /* NULL: places are not known */
	const char *file;
};

struct dp_spot {
	const struct dp_spot *up; /* NULL: the document */
	json_t *value;		  /* NULL: it is missing; borrowed */
	const char *key;	  /* NULL in an array */
	size_t index;
};

struct dp_spot dp_spot_member(const struct dp_spot *object, const char *key);

/* RFC 6901. Owned by the flaws. */
const char *dp_spot_pointer(const struct dp_source *source, const struct dp_spot *spot);

/* Tell a flaw: what is wrong at spot. */
void dp_flaw(const struct dp_source *source, const struct dp_spot *spot, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* The same, with the beginning of text, which is foreign, quoted in front. */
void dp_flaw_quoted(const struct dp_source *source, const struct dp_spot *spot, const char *text,
	const char *why);

/* An unknown key; names are those that could be meant. */
void dp_flaw_key(const struct dp_source *source, const struct dp_spot *spot,
	const char *const *names, size_t count);

/* False, with a flaw, if the value is of another type; false also if it is missing. */
bool dp_spot_is_a(const struct dp_source *source, const struct dp_spot *spot, json_type type,
	const char *wanted);

/* The text, borrowed, or NULL, with a flaw if it is there, but none, or empty. */
const char *dp_spot_text(
	const struct dp_source *source, const struct dp_spot *spot, const char *wanted);

struct dp_spot_key {
	const char *name;
	bool is_required;
};

#define DP_SPOT_MAX_KEYS 64

/* Is it a mapping? If so, tell which keys are unknown, and which are missing. */
bool dp_spot_check_keys(const struct dp_source *source, const struct dp_spot *object,
	const struct dp_spot_key *keys, size_t count);

#endif
