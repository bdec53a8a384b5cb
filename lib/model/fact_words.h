/* The words of a fact's value. */
#ifndef DP_FACT_WORDS_H
#define DP_FACT_WORDS_H

#include <stdbool.h>
#include <stddef.h>

/* True for what may be a word of a value: 1 to DEPLOY_FACT_VALUE_MAX bytes of A-Z a-z 0-9 _ - . : / */
bool dp_fact_is_word(const char *text, size_t len);

/*
 * Add a word to *value, a malloc()ed text or NULL, unless it is among its words already. False if
 * that is more than a node takes; *value is then as before.
 */
bool dp_fact_add_word(char **value, const char *word, size_t len);

/*
 * The words of wanted that value lacks, sorted; caller frees. NULL if there are none, or if value
 * has words that are not wanted, so that adding some does not make it so.
 */
char *dp_fact_missing(const char *value, const char *wanted);

#endif
