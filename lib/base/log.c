/* The log handler: the one mutable global that the library has for its callers' sake. */
#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>

static struct {
	deploy_log_fn *fn;
	void *arg;
	enum deploy_log_level level;
} handler;

void deploy_log_set(deploy_log_fn *fn, void *arg, enum deploy_log_level level)
{
	handler.fn = fn;
	handler.arg = arg;
	handler.level = level;
}

const char *deploy_log_level_name(enum deploy_log_level level)
{
	static const char *const names[] = {"error", "warn", "info", "debug", "trace"};

	return (unsigned)level < sizeof(names) / sizeof(names[0]) ? names[level] : "unknown level";
}

void dp_log(enum deploy_log_level level, const char *format, ...)
{
	char text[1024];
	va_list args;

	if (!handler.fn || level > handler.level)
		return;
	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	handler.fn(handler.arg, level, text);
}
