/*
 * One text of a fact against one term of a filter, as a node's Ruby compares them.
 * Source: MCollective::Util.test_fact_value, 2.12.5, on Ruby 3.1.
 */
#ifndef DP_FACT_TEST_H
#define DP_FACT_TEST_H

#include "base/regex.h"
#include "deploy/error.h"
#include "deploy/filter.h"

enum dp_answer {
	DP_NO,
	DP_YES,
	DP_FAILS, /* Ruby raises an exception, and the node drops the whole request */
	DP_UNSURE /* only the node can tell */
};

/* What a person would not expect of a comparison. */
enum dp_surprise {
	DP_NO_SURPRISE,
	DP_COMPARED_AS_TEXT, /* an order of texts although one of them looks like a number */
	DP_READ_AS_OCTAL     /* 010 is eight */
};

struct dp_comparison {
	enum dp_answer answer;
	enum dp_surprise surprise;
	const char *reason; /* of DP_UNSURE: borrowed, lives as long as the test; otherwise NULL */
};

/* A term that is made ready once for many texts. Borrows the term. */
struct dp_fact_test {
	const struct deploy_fact_term *term;
	struct dp_regex *regex; /* of =~; NULL if it does not compile here: see problem */
	struct deploy_error problem;
};

void dp_fact_test_init(struct dp_fact_test *test, const struct deploy_fact_term *term);
void dp_fact_test_release(struct dp_fact_test *test);

struct dp_comparison dp_fact_test_text(const struct dp_fact_test *test, const char *text);

/* The same for a regular expression alone, which is NULL if it does not compile. */
struct dp_comparison dp_search(
	const struct dp_regex *regex, const struct deploy_error *problem, const char *text);

#endif
