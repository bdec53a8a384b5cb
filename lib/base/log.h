/* Writing to the program's log handler. */
#ifndef DP_LOG_H
#define DP_LOG_H

#include "deploy/log.h"

void dp_log(enum deploy_log_level level, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#endif
