/* What a step of a plan says, evaluated: each value is checked again, since it may be anything now.
 */
#ifndef PLAY_VALUES_H
#define PLAY_VALUES_H

#include "command.h"

/*
 * All of these: the value of key in values, an object or NULL. Without the key *out is left alone.
 * Errors: DEPLOY_INPUT "key: …"; also for null, which is what an expression that came to nothing
 * is.
 */
int play_text(const char **out, const json_t *values, const char *key, struct deploy_error *err);
int play_flag(bool *out, const json_t *values, const char *key, struct deploy_error *err);
int play_time(long long *out_ms, const json_t *values, const char *key, struct deploy_error *err);

/* One text, or a list of them: an array of texts, a new reference. */
int play_texts(json_t **out, const json_t *values, const char *key, struct deploy_error *err);

/* The same, joined; caller frees. */
int play_words(
	char **out, const json_t *values, const char *key, char between, struct deploy_error *err);

#endif
