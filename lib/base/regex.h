/*
 * Regular expressions in Ruby's dialect, as far as PCRE2 can speak it.
 * ^ and $ match at lines, . stops at a newline, nothing is anchored. Translated: \h \H (hex digit),
 * \v (vertical tab), \Q \E (the letters), \uXXXX, \u{X}, and the inline flag m (dot matches
 * newline). Refused although Ruby takes them: character classes inside classes, && and \p{Alpha}
 * and its like.
 */
#ifndef DP_REGEX_H
#define DP_REGEX_H

#include <stdbool.h>
#include <stddef.h>

#include "deploy/error.h"

struct dp_regex;

/* Compile. At most 8 KiB of pattern. Errors: DEPLOY_INPUT naming pattern and reason. */
int dp_regex_new(struct dp_regex **out, const char *pattern, size_t len, bool ignore_case,
	struct deploy_error *err);

/*
 * 1 if the text matches anywhere, 0 if not, -1 if the effort went over the limit (no answer).
 * Text that is UTF-8 is matched by characters, other text by bytes.
 */
int dp_regex_matches(const struct dp_regex *regex, const char *text, size_t len);

/* The same; on a match *start and *end say where the first one is. */
int dp_regex_find(
	const struct dp_regex *regex, const char *text, size_t len, size_t *start, size_t *end);

void dp_regex_free(struct dp_regex *regex);

#endif
