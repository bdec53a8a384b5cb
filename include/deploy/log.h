/* Diagnostics of the library: facts, one line each, handed to one handler that the program sets. */
#ifndef DEPLOY_LOG_H
#define DEPLOY_LOG_H

enum deploy_log_level {
	DEPLOY_LOG_ERROR,
	DEPLOY_LOG_WARN,
	DEPLOY_LOG_INFO,
	DEPLOY_LOG_DEBUG,
	DEPLOY_LOG_TRACE
};

/* text: one line without a newline, possibly with foreign bytes: escape before a terminal sees it. */
typedef void deploy_log_fn(void *arg, enum deploy_log_level level, const char *text);

/* Set the handler and the most detailed level that reaches it; NULL silences the library. */
void deploy_log_set(deploy_log_fn *fn, void *arg, enum deploy_log_level level);

/* Return the name of a level, e.g. "warn"; never NULL. Borrowed, static. */
const char *deploy_log_level_name(enum deploy_log_level level);

#endif
