/* Who carries out a run, and whether that process still lives. */
#ifndef DP_OWNER_H
#define DP_OWNER_H

#include <stdbool.h>
#include <stdint.h>

#include <sqlite3.h>

#include "deploy/lock.h"

/* A pid means something only on one host, since one boot, in one space of pids (container). */
struct dp_owner {
	char host[65]; /* uname's nodename */
	char boot[64]; /* the kernel's boot id */
	char pid_space[64];
	long pid;
	int64_t pid_started; /* clock ticks after the boot: pids are used again */
};

/* As columns of the table run, in this order; read from the row's column first on. */
#define DP_OWNER_COLUMNS "host, boot, pid_space, pid, pid_started"
void dp_owner_read(struct dp_owner *owner, sqlite3_stmt *row, int first);

/* Describe this process. */
void dp_owner_self(struct dp_owner *self);

/* Does it live? Only of a process of our own host, boot and space of pids this can be told. */
enum deploy_owner_life dp_owner_life(const struct dp_owner *owner, const struct dp_owner *self);

/* True if owner is known to have died, also with an earlier boot. What another host's or container's does cannot be told. */
bool dp_owner_is_dead(const struct dp_owner *owner, const struct dp_owner *self);

/* True if owner is known to live, as a process that its pid means to us, too. */
bool dp_owner_is_here(const struct dp_owner *owner, const struct dp_owner *self);

#endif
