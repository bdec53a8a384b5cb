/*
 * Locks: two runs that name the same lock ("cluster/alfa") do not run at the same time. Here they
 * are rows of the state file, which hold on this machine; deploy_bus_lock() holds for everybody at
 * the broker. A run takes both, this one first.
 */
#ifndef DEPLOY_LOCK_H
#define DEPLOY_LOCK_H

#include <stdint.h>

#include "deploy/error.h"
#include "deploy/history.h"
#include "deploy/state.h"

#define DEPLOY_LOCK_NAME_MAX 200 /* bytes */

/* Is name one: 1 to 200 bytes of A-Z a-z 0-9 _ . / : -? Errors: DEPLOY_INPUT, with name. */
int deploy_lock_check(const char *name, struct deploy_error *err);

/* What is to be locked, and for what. reason may be NULL. */
struct deploy_lock_info {
	const char *name;
	const char *run;  /* id of the run */
	const char *kind; /* its command: "run-plan" */
	const char *reason;
};

/*
 * Take the lock for this process. A process of this host and boot that died holds it no longer:
 * dead_run is then the id of its run, if that was another, else "". The same run, which goes on,
 * takes it again unless a process is known to carry it out.
 * Errors: DEPLOY_REFUSED, naming who holds it: a process that lives, or one of which that cannot be
 * told from here; DEPLOY_INPUT for a name that is none; those of deploy_state_open().
 */
int deploy_lock_take(struct deploy_state *state, const struct deploy_lock_info *info,
	char dead_run[DEPLOY_RUN_ID_SIZE], struct deploy_error *err);

/* Let go of it; nothing happens if another run has it, or none. */
int deploy_lock_release(
	struct deploy_state *state, const char *name, const char *run, struct deploy_error *err);

/* Take the lock away from whoever has it. Errors: DEPLOY_USAGE if nobody has. */
int deploy_lock_break(struct deploy_state *state, const char *name, struct deploy_error *err);

/* Does the process live that took a lock? */
enum deploy_owner_life {
	DEPLOY_OWNER_ALIVE,
	DEPLOY_OWNER_DEAD,
	DEPLOY_OWNER_UNKNOWN, /* another host, another boot, another container */
	DEPLOY_OWNER_LIVES
};

/* "alive", "dead", "unknown"; never NULL. Borrowed, static. */
const char *deploy_owner_life_name(enum deploy_owner_life life);

/* Borrowed until the callback returns; user and reason may be NULL. */
struct deploy_lock_record {
	const char *name, *run, *kind, *reason;
	const char *user, *host;
	long pid;
	int64_t taken_us;
	enum deploy_owner_life owner;
};

typedef int deploy_lock_fn(void *arg, const struct deploy_lock_record *lock);

/* Locks that are held, sorted bytewise by name; other than 0 from fn ends it. */
int deploy_state_each_lock(const struct deploy_state *state, deploy_lock_fn *fn, void *arg,
	struct deploy_error *err);

#endif
