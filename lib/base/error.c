/* struct deploy_error: fixed size, so that it works when nothing else does. */
#include "deploy/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const char *deploy_code_name(enum deploy_code code)
{
	switch (code) {
	case DEPLOY_OK:
		return "ok";
	case DEPLOY_USAGE:
		return "usage";
	case DEPLOY_CONFIG:
		return "config";
	case DEPLOY_INPUT:
		return "input";
	case DEPLOY_CONNECT:
		return "connect";
	case DEPLOY_AUTH:
		return "auth";
	case DEPLOY_PROTOCOL:
		return "protocol";
	case DEPLOY_TIMEOUT:
		return "timeout";
	case DEPLOY_IO:
		return "io";
	case DEPLOY_NO_INPUT:
		return "no_input";
	case DEPLOY_REFUSED:
		return "refused";
	case DEPLOY_STOPPED:
		return "stopped";
	case DEPLOY_NO_NODES:
		return "no_nodes";
	case DEPLOY_INTERRUPTED:
		return "interrupted";
	case DEPLOY_BUG:
		return "bug";
	}
	return "unknown code";
}

/* Errors are one line, whatever a server or a file put into them. */
static void flatten(char *text)
{
	for (; *text; text++)
		if (*text == '\n' || *text == '\r')
			*text = ' ';
}

int deploy_error_set(struct deploy_error *err, enum deploy_code code, const char *format, ...)
{
	va_list args;

	if (err->code != DEPLOY_OK)
		return err->code;
	err->code = code;
	va_start(args, format);
	(void)vsnprintf(err->text, sizeof(err->text), format, args);
	va_end(args);
	flatten(err->text);
	return code;
}

int deploy_error_wrap(struct deploy_error *err, const char *format, ...)
{
	char rest[sizeof(err->text)];
	va_list args;
	int n;

	memcpy(rest, err->text, sizeof(rest));
	va_start(args, format);
	n = vsnprintf(err->text, sizeof(err->text), format, args);
	va_end(args);
	/* The end is cut if it does not fit: a fixed size is worth it. */
	if (n >= 0 && (size_t)n < sizeof(err->text) - 2)
		(void)snprintf(err->text + n, sizeof(err->text) - (size_t)n, ": %.*s",
			(int)(sizeof(err->text) - (size_t)n - 3), rest);
	flatten(err->text);
	return err->code;
}

void deploy_error_hint(struct deploy_error *err, const char *format, ...)
{
	va_list args;

	if (err->hint[0] != '\0')
		return;
	va_start(args, format);
	(void)vsnprintf(err->hint, sizeof(err->hint), format, args);
	va_end(args);
	flatten(err->hint);
}
