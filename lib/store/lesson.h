/* What an answer teaches about the node that gave it, beside that it is there. */
#ifndef DP_LESSON_H
#define DP_LESSON_H

#include <stdbool.h>
#include <stddef.h>

#include "deploy/outcome.h"
#include "deploy/request.h"

#define DP_MAX_LESSON (1024 * 1024) /* bytes of each text; what is larger is not kept */

/* Texts are JSON, and owned; NULL: nothing about it. */
struct dp_lesson {
	char *facts;   /* object; null for a fact that the node lacks */
	char *classes; /* array of strings */
	char *agents;  /* array of strings */
	bool is_whole; /* these are all facts, classes and agents that the node has */
};

/* Fill in lesson from rpcutil's answers; it stays empty for others, and for malformed ones. */
void dp_lesson_take(struct dp_lesson *lesson, const struct deploy_request *request,
	const struct deploy_outcome *outcome);
void dp_lesson_release(struct dp_lesson *lesson);

size_t dp_lesson_bytes(const struct dp_lesson *lesson);

#endif
