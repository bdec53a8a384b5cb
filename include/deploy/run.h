/* Doing it: a connection to the broker, and the one engine that carries out plans. */
#ifndef DEPLOY_RUN_H
#define DEPLOY_RUN_H

#include <stdbool.h>

#include "deploy/config.h"
#include "deploy/error.h"
#include "deploy/event.h"
#include "deploy/plan.h"

/* A connection to one broker with a reply queue of its own. */
struct deploy_bus;

/*
 * Connect to the first broker of config that answers, log in, check the exchanges of collective,
 * and open a reply queue. Each host gets config->connection_timeout_ms.
 * Errors: DEPLOY_CONNECT (each host with its reason), DEPLOY_AUTH (login, vhost, permission),
 * DEPLOY_CONFIG (an exchange is missing), DEPLOY_INTERRUPTED. Caller closes with deploy_bus_close().
 */
int deploy_bus_open(struct deploy_bus **out, const struct deploy_config *config,
	const char *collective, struct deploy_error *err);
void deploy_bus_close(struct deploy_bus *bus);

/*
 * Make calls that wait on the broker return at once. Async-signal-safe: this is what a signal
 * handler calls while deploy_bus_open runs, or when a second signal asks to leave now.
 */
void deploy_bus_interrupt(void);

struct deploy_run_options {
	int signal_fd;         /* each byte read is a signal number (SIGINT, SIGTERM, SIGUSR1); -1: none */
	deploy_event_fn *sink; /* gets every event, in order */
	void *sink_arg;
	int progress_ms; /* emit DEPLOY_EVENT_PROGRESS so often, as SIGUSR1 does; 0: not */
	/*
	 * Called before the loop waits, at least every 2 s: for work that must not wait for an
	 * event, and must not wait itself. Returns in how many milliseconds to call again at the
	 * latest, -1: whenever.
	 */
	int (*idle)(void *arg);
	void *idle_arg;
	bool wants_intents; /* emit DEPLOY_EVENT_INTENT for every node that is to be asked */
	/*
	 * Called before anything is published that was not there at the last call, after its
	 * intents were emitted: the moment to record them. Other than 0: they could not be; then
	 * nothing of it is published, and the run ends as DEPLOY_RUN_UNRECORDED. May be NULL.
	 */
	int (*before_publish)(void *arg);
	void *before_publish_arg;
};

/* How a run ended, beside what its events said. */
enum deploy_run_end {
	DEPLOY_RUN_COMPLETE,    /* every task ran to its end */
	DEPLOY_RUN_NO_NODES,    /* a set of nodes was empty */
	DEPLOY_RUN_STOPPED,     /* max_fail or a task's deadline stopped it */
	DEPLOY_RUN_DEADLINE,    /* the run's deadline */
	DEPLOY_RUN_INTERRUPTED, /* SIGINT or SIGTERM; see signal */
	DEPLOY_RUN_LOST,        /* the connection was lost or refused; err tells why */
	DEPLOY_RUN_UNRECORDED   /* before_publish refused: nothing more was sent, nobody waited for */
};

struct deploy_run_result {
	enum deploy_run_end end;
	int signal;                 /* that interrupted the run, or 0 */
	size_t task_count;
	struct deploy_tally *tally; /* one per task */
	struct deploy_nodeset **found; /* per task: the nodes that an open task found, else NULL */
};

void deploy_run_result_release(struct deploy_run_result *result);

/*
 * Carry out plan. Returns when every node has an outcome. plan is not modified. bus may be NULL
 * for a plan that asks no node anything: tasks with acts that speak to servers only.
 * *result is filled in also on failure and owned by the caller.
 * Errors: DEPLOY_CONNECT, DEPLOY_AUTH, DEPLOY_PROTOCOL when the connection ended (the outcomes of
 * nodes in flight are then unknown), DEPLOY_USAGE for a plan that cannot be sent.
 */
int deploy_run(struct deploy_run_result *result, struct deploy_bus *bus,
	const struct deploy_plan *plan, const struct deploy_run_options *options,
	struct deploy_error *err);

#endif
