/* Setting and wrapping struct deploy_error. First error wins; wrapping adds context in front. */
#ifndef DP_ERROR_H
#define DP_ERROR_H

#include "deploy/error.h"

/* Fill err unless it already holds an error; returns err's code, so callers can return the call. */
int dp_error_set(struct deploy_error *err, enum deploy_code code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Put "context: " in front of the text that err holds; returns err's code. */
int dp_error_wrap(struct deploy_error *err, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Say the way out, once; a second hint is ignored. */
void dp_error_hint(struct deploy_error *err, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#endif
