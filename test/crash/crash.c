/*
 * Linked around SQLite and the carrier (ld --wrap), this ends the program as if its plug were
 * pulled: DEPLOYCTL_CRASH=MOMENT:K, at the K-th time that MOMENT comes.
 *   commit-before, commit-after     a transaction is committed
 *   publish-before, publish-after   a message is handed to the broker
 * What was written stays in the kernel's hands, so waiting for the disk would show nothing more: it
 * is left out, since it takes most of the time.
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sqlite3.h>

#include "wire/carrier.h"

/* The linker gives these names. */
int __wrap_sqlite3_step(sqlite3_stmt *statement);
int __real_sqlite3_step(sqlite3_stmt *statement);
int __wrap_dp_carrier_publish(
	struct dp_carrier *carrier, const struct dp_publish *publish, struct deploy_error *err);
int __real_dp_carrier_publish(
	struct dp_carrier *carrier, const struct dp_publish *publish, struct deploy_error *err);

int fsync(int fd)
{
	(void)fd;
	return 0;
}

int fdatasync(int fd)
{
	(void)fd;
	return 0;
}

static void come_to(const char *moment)
{
	static unsigned long times;
	const char *wanted = getenv("DEPLOYCTL_CRASH");
	size_t len = strlen(moment);

	if (!wanted || strncmp(wanted, moment, len) != 0 || wanted[len] != ':')
		return;
	if (++times == strtoul(wanted + len + 1, NULL, 10))
		(void)raise(SIGKILL);
}

int __wrap_sqlite3_step(sqlite3_stmt *statement)
{
	const char *text = sqlite3_sql(statement);
	int code, is_commit = text && strcmp(text, "COMMIT") == 0;

	if (is_commit)
		come_to("commit-before");
	code = __real_sqlite3_step(statement);
	if (is_commit)
		come_to("commit-after");
	return code;
}

int __wrap_dp_carrier_publish(
	struct dp_carrier *carrier, const struct dp_publish *publish, struct deploy_error *err)
{
	int rc;

	come_to("publish-before");
	rc = __real_dp_carrier_publish(carrier, publish, err);
	come_to("publish-after");
	return rc;
}
