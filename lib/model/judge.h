/* Single terms judged as nodes do; why tells people in words how it came. */
#ifndef DP_JUDGE_H
#define DP_JUDGE_H

#include <jansson.h>

#include "base/buf.h"
#include "deploy/filter.h"
#include "model/fact_test.h"

/* What a reason begins with when only the node can tell. */
#define DP_NODE_TELLS "only the node can tell: "

enum dp_answer dp_judge_fact(
	struct dp_buf *why, const struct deploy_fact_term *term, const json_t *facts);

/* Of classes or agents (noun: "class"): one that is called text, or matches "/re/". */
enum dp_answer dp_judge_name(
	struct dp_buf *why, const char *noun, const char *text, const json_t *names);

#endif
