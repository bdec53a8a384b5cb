/* Writing to the program's log handler. */
#ifndef DP_LOG_H
#define DP_LOG_H

#include <stdbool.h>

#include "deploy/log.h"

void dp_log(enum deploy_log_level level, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* True when a line of this level would be seen: guards work that only serves the log. */
bool dp_log_wants(enum deploy_log_level level);

#endif
