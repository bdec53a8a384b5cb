/* Signals of a command that talks to the broker: each becomes a byte that the run's loop reads. */
#ifndef SIGNALS_H
#define SIGNALS_H

#include "deploy/deploy.h"

/* What the first INT or TERM does. In every phase the third leaves at once with 130 or 143. */
enum signals_phase {
	SIGNALS_IDLE,	    /* nothing is at stake: it leaves at once */
	SIGNALS_CONNECTING, /* calls that wait on the broker return */
	SIGNALS_RUNNING /* the loop reads it and winds down; the second makes waiting calls return
			 */
};

/*
 * Ignore SIGPIPE and catch SIGINT, SIGTERM, SIGHUP (as SIGTERM) and SIGUSR1; the phase is idle.
 * *fd: one byte per signal, its number; non-blocking, for struct deploy_run_options.
 * Errors: DEPLOY_BUG if the system refuses.
 */
int signals_open(int *fd, struct deploy_error *err);

/* Default actions again, except for SIGPIPE, which stays ignored while output is written. */
void signals_close(void);

void signals_set_phase(enum signals_phase phase);

/* SIGINT or SIGTERM, whichever came first; 0 if none came. */
int signals_received(void);

#endif
