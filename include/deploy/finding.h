/* What an examination found, one thing at a time. */
#ifndef DEPLOY_FINDING_H
#define DEPLOY_FINDING_H

#include "deploy/config.h"
#include "deploy/error.h"

enum deploy_grade {
	DEPLOY_GRADE_OK,
	DEPLOY_GRADE_WARNING, /* works, and should not stay so */
	DEPLOY_GRADE_FAILED,
	DEPLOY_GRADE_UNTRIED /* an earlier failure left nothing to try */
};

/* "ok", "warning", "failed", "not tried"; never NULL. Borrowed, static. */
const char *deploy_grade_name(enum deploy_grade grade);

/* Borrowed until the function that gets it returns. */
struct deploy_finding {
	enum deploy_grade grade;
	const char *subject;   /* "broker1:5672", "web01.example.net", a file */
	const char *check;     /* "connect", "login", … */
	const char *text;      /* what was seen, one line */
	const char *remedy;    /* what to do; "" if nothing */
	enum deploy_code code; /* of a failure; DEPLOY_OK otherwise */
};

typedef void deploy_finding_fn(void *arg, const struct deploy_finding *finding);

/*
 * Try the broker config->brokers[index] step by step: "lookup", "connect" (each address), "tls"
 * (the certificate, how long it is valid), "login", "vhost", "exchange" (both of collective),
 * "queue" (permission to configure and read), "lock" (permission to hold locks; may be lacking), "publish" (permission to write to both exchanges).
 * Nothing is sent that a node would execute, nothing stays at the broker. A step that fails is
 * found once, the steps that needed it are untried. Takes config->connection_timeout_ms for each
 * step at most. Returns the code of the first failure, DEPLOY_INTERRUPTED after
 * deploy_bus_interrupt(), or 0. SIGPIPE must be ignored or caught: a peer may hang up in the
 * middle.
 */
int deploy_broker_examine(const struct deploy_config *config, size_t index, const char *collective,
	deploy_finding_fn *found, void *arg);

#endif
