/* Errors about our own ability to go on; what a node answers is never an error but an outcome. */
#ifndef DEPLOY_ERROR_H
#define DEPLOY_ERROR_H

/* Functions return 0 or one of these; a code exists because some caller branches on it. */
enum deploy_code {
	DEPLOY_OK = 0,
	DEPLOY_USAGE = -1,	 /* the caller asked for something that makes no sense */
	DEPLOY_CONFIG = -2,	 /* configuration wrong, incomplete or unsafe */
	DEPLOY_INPUT = -3,	 /* input text or document is malformed */
	DEPLOY_CONNECT = -4,	 /* broker or server unreachable, or lost */
	DEPLOY_AUTH = -5,	 /* login, permission or certificate refused */
	DEPLOY_PROTOCOL = -6,	 /* a peer sent what its protocol does not allow */
	DEPLOY_TIMEOUT = -7,	 /* the run's deadline passed */
	DEPLOY_IO = -8,		 /* output cannot be written */
	DEPLOY_INTERRUPTED = -9, /* a signal asked us to stop */
	DEPLOY_BUG = -10,	 /* an invariant of ours does not hold */
	DEPLOY_NO_INPUT = -11,	 /* an input file is missing or cannot be read */
	DEPLOY_REFUSED = -12,	 /* a check says no, before anything was changed */
	DEPLOY_STOPPED = -13,	 /* a limit stopped it */
	DEPLOY_NO_NODES = -14	 /* no node matched */
};

/*
 * Carries the first error up to the one place that prints it.
 * text: one line, no newline, e.g. "broker1:5672: connection refused". hint: a way out, may be "".
 * Owned by the caller, zero-initialised, last argument of every function that can fail, never NULL.
 */
struct deploy_error {
	enum deploy_code code;
	char text[768];
	char hint[256];
};

/* Fill err unless it already holds an error; returns err's code, so callers can return the call. */
int deploy_error_set(struct deploy_error *err, enum deploy_code code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Put "context: " in front of the text that err holds; returns err's code. The end is cut if need
 * be. */
int deploy_error_wrap(struct deploy_error *err, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Say the way out, once; a second hint is ignored. */
void deploy_error_hint(struct deploy_error *err, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Return the name of a code, e.g. "connect"; never NULL. Borrowed, static. */
const char *deploy_code_name(enum deploy_code code);

#endif
