/*
 * The words of a compound expression. Nothing is kept between two words, so a caller may look at
 * one after the other. Source: MCollective::Matcher::Scanner, 2.12.5.
 */
#ifndef DP_COMPOUND_SCAN_H
#define DP_COMPOUND_SCAN_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "deploy/error.h"
#include "deploy/filter.h"

struct dp_compound_word {
	enum deploy_compound_kind kind;
	size_t begin, end;  /* in the expression, in bytes; the next word begins at end, or later */
	struct dp_buf text; /* of a statement or function, as nodes get it */
	bool is_quoted;	    /* a statement that holds quotes */
};

/*
 * Read the word at text[at], which is neither blank nor the end. Release word->text in any case.
 * Errors: DEPLOY_USAGE with the column.
 */
int dp_compound_scan(
	struct dp_compound_word *word, const char *text, size_t at, struct deploy_error *err);

/* Say what is wrong at text[at]; returns err's code. */
int dp_compound_refuse(struct deploy_error *err, const char *text, size_t at, const char *format,
	...) __attribute__((format(printf, 4, 5)));

#endif
