/* Doing it: a connection to the broker, and the one engine that carries out plans. */
#ifndef DEPLOY_RUN_H
#define DEPLOY_RUN_H

#include <stdbool.h>
#include <stdint.h>

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

/*
 * Hold a lock (deploy_lock_check()) for everybody at the broker: an exclusive queue
 * "deployctl.lock.NAME", which is gone with the connection. Taking it twice is taking it once.
 * Waits for config->connection_timeout_ms at most.
 * Errors: DEPLOY_REFUSED: another connection holds it; DEPLOY_AUTH: the user may not declare it, and
 * the lock holds on this machine only; after both bus is as before. DEPLOY_INPUT for a name that is
 * none; DEPLOY_CONNECT and DEPLOY_INTERRUPTED: bus is of no use any more.
 */
int deploy_bus_lock(struct deploy_bus *bus, const char *name, struct deploy_error *err);

/* How a run ended, beside what its events said. */
enum deploy_run_end {
	DEPLOY_RUN_COMPLETE,    /* every task ran to its end */
	DEPLOY_RUN_NO_NODES,    /* a set of nodes was empty; err is set if all had been dropped */
	DEPLOY_RUN_STOPPED,     /* max_fail or a task's deadline stopped it */
	DEPLOY_RUN_DEADLINE,    /* the run's deadline */
	DEPLOY_RUN_INTERRUPTED, /* SIGINT or SIGTERM; see signal */
	DEPLOY_RUN_LOST,        /* the connection was lost or refused; err tells why */
	DEPLOY_RUN_UNRECORDED,  /* before_publish refused: nothing more was sent, nobody waited for */
	DEPLOY_RUN_FAILED       /* the director gave up, or was to get too much; err tells why */
};

/* What a task came to. Everything is lent until the director returns. */
struct deploy_task_result {
	size_t task;                        /* index in the plan */
	bool is_ok;      /* not stopped; an open one: found somebody; a chore: see deploy_chore */
	const char *why; /* a chore is not ok; else NULL */
	const struct deploy_nodeset *nodes; /* whom it asked, or found */
	const struct deploy_nodeset *ok;    /* … of them; the other sets are in tally */
	const struct deploy_tally *tally;
	json_t *replies; /* node → data of its answer, ok or failed; NULL unless keeps_replies */
};

/* What a director is told. */
struct deploy_turn {
	const struct deploy_task_result *ended; /* NULL: nothing is under way or about to start */
	enum deploy_run_end end;                /* COMPLETE as long as nothing has stopped the run */
	int signal;                             /* that interrupted it, or 0 */
	int64_t now_us;                         /* monotonic */
};

/* In all, so much of answers may be kept for a director: 64 MiB, as they lie in memory. */
#define DEPLOY_MAX_KEPT_BYTES (64 * 1024 * 1024)

/*
 * Who adds tasks to the plan while it runs. Called when a task has ended, and when nothing is left
 * to do, as at the begin of an empty plan: if nothing starts after that call, the run is over.
 * Called in the middle of a step: it may look, decide and add tasks (which need earlier ones, or
 * say that they need nothing), and must neither wait nor do I/O. After the run has stopped only
 * tasks that are is_always are started: after a signal for 60 s beside the 10 s for what is in
 * flight, after the run's deadline for 60 s. It is not called any more after a second signal, or
 * when the connection or the record is lost.
 * Other than 0, with err: the run stops as DEPLOY_RUN_FAILED, and what it has just added is not
 * started; it is called again when nothing is left to do.
 */
struct deploy_director {
	int (*direct)(void *arg, struct deploy_plan *plan, const struct deploy_turn *turn,
		struct deploy_error *err);
	void *arg;
};

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
	const struct deploy_director *director; /* NULL: the plan is all there is to do */
	/*
	 * Of DEPLOY_CHORE_CONFIRM: show a question, and return a descriptor that can be read when
	 * there is an answer, or -1: nobody can be asked. It stays the callee's, who is not told
	 * when a question is dropped: what was typed before one is shown must not answer it.
	 * One question at a time. NULL: nobody can be asked.
	 */
	int (*ask)(void *arg, const char *text);
	/* Called when it can be read; must not wait. 1: yes, 0: no, -1: not said yet. */
	int (*answer)(void *arg);
	void *ask_arg;
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
 * Carry out plan. Returns when every node has an outcome. Only a director adds to plan. bus may be NULL
 * for a plan that asks no node anything: tasks with acts that speak to servers only.
 * *result is filled in also on failure and owned by the caller.
 * Errors: DEPLOY_CONNECT, DEPLOY_AUTH, DEPLOY_PROTOCOL when the connection ended (the outcomes of
 * nodes in flight are then unknown), DEPLOY_USAGE for a plan that cannot be sent, DEPLOY_INPUT when
 * no node is left or too much was to be kept; those of the director.
 */
int deploy_run(struct deploy_run_result *result, struct deploy_bus *bus,
	struct deploy_plan *plan, const struct deploy_run_options *options,
	struct deploy_error *err);

#endif
