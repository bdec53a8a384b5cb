/* The words of a fact's value. */
#ifndef DP_FACT_WORDS_H
#define DP_FACT_WORDS_H

#include <stddef.h>

#include "base/buf.h"

struct dp_fact_words {
	char **items; /* sorted; point into text */
	size_t count;
	char *text;
};
void dp_fact_words_init(struct dp_fact_words *words, const char *value);
void dp_fact_words_release(struct dp_fact_words *words);

/*
 * The words of wanted that value lacks, sorted; caller frees. NULL if there are none, or if value
 * has words that are not wanted, so that adding some does not make it so.
 */
char *dp_fact_missing(const char *value, const char *wanted);

#endif
