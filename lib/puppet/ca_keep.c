/* Writing a file at once. */
#include "puppet/ca_keep.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"

static int write_all(int fd, const char *text, size_t len)
{
	while (len) {
		ssize_t n = write(fd, text, len);

		if (n < 0 && errno != EINTR)
			return -1;
		if (n > 0) {
			text += n;
			len -= (size_t)n;
		}
	}
	return fsync(fd);
}

/* The new name is to survive a crash, too. */
static int sync_folder(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *folder = slash ? dp_xstrndup(path, (size_t)(slash - path) + 1) : dp_xstrdup(".");
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int rc = fd < 0 ? -1 : fsync(fd);

	if (fd >= 0)
		(void)close(fd);
	free(folder);
	return rc;
}

int dp_ca_keep(
	const char *path, const char *text, size_t len, mode_t mode, struct deploy_error *err)
{
	char *other = dp_xasprintf("%s.XXXXXX", path);
	int fd = mkstemp(other), failure = 0;

	if (fd < 0 || fchmod(fd, mode) < 0 || write_all(fd, text, len) < 0 || link(other, path) < 0)
		failure = errno;
	if (fd >= 0) {
		(void)close(fd);
		(void)unlink(other);
	}
	if (!failure && sync_folder(path) < 0)
		failure = errno;
	free(other);
	if (failure)
		return deploy_error_set(
			err, DEPLOY_IO, "%s: cannot be written: %s", path, strerror(failure));
	return 0;
}
