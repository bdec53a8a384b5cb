/* The words of a fact's value. */
#ifndef DP_FACT_WORDS_H
#define DP_FACT_WORDS_H

/*
 * The words of wanted that value lacks, sorted; caller frees. NULL if there are none, or if value
 * has words that are not wanted, so that adding some does not make it so.
 */
char *dp_fact_missing(const char *value, const char *wanted);

#endif
