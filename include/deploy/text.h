/* Text at the edges: what people type, and what may be shown to them. */
#ifndef DEPLOY_TEXT_H
#define DEPLOY_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "deploy/error.h"

/*
 * Parse a time: "5", "2.5" (seconds), "300ms", "90s", "5m", "1h", "2d". At most 10 years.
 * *out_ms: milliseconds, rounded to the nearest. Errors: DEPLOY_USAGE naming the text.
 */
int deploy_time_parse(long long *out_ms, const char *text, struct deploy_error *err);

/*
 * Return a copy of len bytes that is safe on a terminal and on one line: control bytes, DEL, C1
 * controls and bidirectional overrides become \e, \n, \t, \x9b, \u202e; invalid UTF-8 becomes \xNN.
 * Everything else, UTF-8 included, stays. Caller frees with free().
 */
char *deploy_text_escape(const char *bytes, size_t len);

/* True if the bytes are valid UTF-8 (RFC 3629) without NUL. */
bool deploy_text_is_utf8(const char *bytes, size_t len);

/* Number of terminal columns of escaped UTF-8 text: combining marks take none, wide ones two. */
size_t deploy_text_columns(const char *text);

/* The candidate closest to word, borrowed; NULL if none is close (a third of it differs). */
const char *deploy_text_suggest(const char *word, const char *const *candidates, size_t count);

/* What tells whether a text is still the same: its SHA-256, 64 hexadecimal digits and NUL. */
#define DEPLOY_DIGEST_SIZE 65
void deploy_text_digest(char out[DEPLOY_DIGEST_SIZE], const char *text, size_t len);

#endif
