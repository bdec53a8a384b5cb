/* Processes, as /proc shows them. Source: proc(5). */
#include "store/owner.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <sys/utsname.h>
#include <unistd.h>

/* The field of /proc/PID/stat, counted from the state, which is behind the name in brackets. */
#define STARTED	   19
#define STAT_BYTES 1024

/* One line of a small file, "" if it cannot be read. */
static void read_line(char *line, size_t size, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd >= 0 ? read(fd, line, size - 1) : -1;

	if (fd >= 0)
		(void)close(fd);
	line[n > 0 ? n : 0] = '\0';
	line[strcspn(line, "\n")] = '\0';
}

/* False if there is no such process, or only what its parent has not yet collected. */
static bool find_process(int64_t *started, long pid)
{
	char path[64], line[STAT_BYTES], *at;

	*started = 0;
	(void)snprintf(path, sizeof(path), "/proc/%ld/stat", pid);
	read_line(line, sizeof(line), path);
	at = strrchr(line, ')');
	if (!at || !at[1]) /* /proc may hide others' processes from us */
		return kill((pid_t)pid, 0) == 0 || errno == EPERM;
	at += 2;
	if (*at == 'Z' || *at == 'X')
		return false;
	for (int field = 0; at && field < STARTED; field++) {
		at = strchr(at, ' ');
		at += at != NULL;
	}
	if (at)
		*started = strtoll(at, NULL, 10);
	return true;
}

void dp_owner_self(struct dp_owner *self)
{
	struct utsname name;
	ssize_t n;

	*self = (struct dp_owner){.pid = (long)getpid()};
	if (uname(&name) == 0)
		(void)snprintf(self->host, sizeof(self->host), "%s", name.nodename);
	read_line(self->boot, sizeof(self->boot), "/proc/sys/kernel/random/boot_id");
	n = readlink("/proc/self/ns/pid", self->pid_space, sizeof(self->pid_space) - 1);
	self->pid_space[n > 0 ? n : 0] = '\0';
	(void)find_process(&self->pid_started, self->pid);
}

static void copy_text(char *out, size_t size, sqlite3_stmt *row, int column)
{
	const unsigned char *text = sqlite3_column_text(row, column);

	(void)snprintf(out, size, "%s", text ? (const char *)text : "");
}

void dp_owner_read(struct dp_owner *owner, sqlite3_stmt *row, int first)
{
	copy_text(owner->host, sizeof(owner->host), row, first);
	copy_text(owner->boot, sizeof(owner->boot), row, first + 1);
	copy_text(owner->pid_space, sizeof(owner->pid_space), row, first + 2);
	owner->pid = (long)sqlite3_column_int64(row, first + 3);
	owner->pid_started = sqlite3_column_int64(row, first + 4);
}

bool dp_owner_is_here(const struct dp_owner *owner, const struct dp_owner *self)
{
	int64_t started;

	return strcmp(owner->host, self->host) == 0 && owner->boot[0] &&
	       strcmp(owner->boot, self->boot) == 0 &&
	       strcmp(owner->pid_space, self->pid_space) == 0 &&
	       find_process(&started, owner->pid) && started && started == owner->pid_started;
}

enum deploy_owner_life dp_owner_life(const struct dp_owner *owner, const struct dp_owner *self)
{
	int64_t started;

	if (strcmp(owner->host, self->host) != 0 || strcmp(owner->boot, self->boot) != 0 ||
		strcmp(owner->pid_space, self->pid_space) != 0)
		return DEPLOY_OWNER_UNKNOWN;
	if (!find_process(&started, owner->pid))
		return DEPLOY_OWNER_DEAD;
	return started && owner->pid_started && started != owner->pid_started ? DEPLOY_OWNER_DEAD
									      : DEPLOY_OWNER_ALIVE;
}

bool dp_owner_is_dead(const struct dp_owner *owner, const struct dp_owner *self)
{
	/* A state file is on a local disk: who wrote it on this host before its last boot is dead.
	 */
	if (strcmp(owner->host, self->host) == 0 && strcmp(owner->boot, self->boot) != 0)
		return owner->boot[0] && self->boot[0];
	return dp_owner_life(owner, self) == DEPLOY_OWNER_DEAD;
}
