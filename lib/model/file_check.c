/* Who may have written a file, and who may read it. */
#include "model/file_check.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"

static int fail(struct deploy_error *err, const char *path, const char *why)
{
	return deploy_error_set(err, DEPLOY_CONFIG, "%s: %s", path, why);
}

static int refuse_mode(
	struct deploy_error *err, const char *path, const char *why, const char *remedy)
{
	(void)fail(err, path, why);
	deploy_error_hint(err, "chmod %s %s", remedy, path);
	return err->code;
}

/* *fd is open also after an error, unless -1. */
static int open_ours(int *fd, struct stat *st, const char *path, struct deploy_error *err)
{
	*fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (*fd < 0 || fstat(*fd, st) < 0)
		return fail(err, path, strerror(errno));
	if (!S_ISREG(st->st_mode))
		return fail(err, path, "not a regular file");
	if (st->st_uid != 0 && st->st_uid != geteuid())
		return deploy_error_set(err, DEPLOY_CONFIG,
			"%s: belongs to user %lu, neither root nor you", path,
			(unsigned long)st->st_uid);
	return 0;
}

static int read_text(struct dp_buf *text, int fd, const char *path, struct deploy_error *err)
{
	if (dp_buf_read(text, fd))
		return fail(err, path, strerror(errno));
	if (text->overflow)
		return deploy_error_set(
			err, DEPLOY_CONFIG, "%s: larger than %d bytes", path, DP_FILE_MAX_BYTES);
	if (text->len && memchr(text->data, '\0', text->len))
		return fail(err, path, "no text, it holds a NUL");
	return 0;
}

int dp_file_read(struct dp_file *file, const char *path, struct deploy_error *err)
{
	int fd, rc;

	dp_buf_init(&file->text, DP_FILE_MAX_BYTES);
	rc = open_ours(&fd, &file->st, path, err);
	/* Whoever can write it decides whose commands our nodes run. */
	if (!rc && (file->st.st_mode & S_IWOTH))
		rc = refuse_mode(err, path, "everybody can write it", "o-w");
	if (!rc)
		rc = read_text(&file->text, fd, path, err);
	if (fd >= 0)
		(void)close(fd);
	return rc;
}

void dp_file_release(struct dp_file *file)
{
	dp_buf_wipe(&file->text);
}

int dp_file_check_group(const struct dp_file *file, const char *path, struct deploy_error *err)
{
	if (!(file->st.st_mode & S_IWGRP) || file->st.st_gid == 0)
		return 0;
	(void)deploy_error_set(err, DEPLOY_CONFIG, "%s: group %lu can write it", path,
		(unsigned long)file->st.st_gid);
	deploy_error_hint(err, "chmod g-w %s", path);
	return err->code;
}

int dp_file_read_secret(
	char *bytes, size_t size, size_t *len, const char *path, struct deploy_error *err)
{
	struct stat st;
	ssize_t n = 1;
	int fd, rc;

	*len = 0;
	rc = open_ours(&fd, &st, path, err);
	if (!rc && (st.st_mode & (S_IROTH | S_IWOTH)))
		rc = refuse_mode(err, path, "everybody can read or write this secret", "o-rwx");
	while (!rc && n != 0 && *len < size) {
		n = read(fd, bytes + *len, size - *len);
		if (n > 0)
			*len += (size_t)n;
		else if (n < 0 && errno != EINTR)
			rc = fail(err, path, strerror(errno));
	}
	if (fd >= 0)
		(void)close(fd);
	return rc;
}

int dp_file_check_key(const char *path, struct deploy_error *err)
{
	struct stat st;

	if (stat(path, &st) < 0 || !(st.st_mode & (S_IROTH | S_IWOTH)))
		return 0;
	return refuse_mode(err, path, "everybody can read this private key", "o-rw");
}

bool dp_file_is_there(const char *path, struct deploy_error *err)
{
	struct stat st;

	if (access(path, R_OK) == 0)
		return true;
	if (errno == ENOENT && lstat(path, &st) == 0)
		return fail(err, path, "a link to nothing") != 0;
	if (errno == ENOENT || errno == ENOTDIR)
		return false;
	if (access(path, F_OK) == 0) {
		(void)fail(err, path, "you may not read it");
	} else {
		/* A folder is closed to us: su and its like may leave us another's HOME. */
		(void)fail(err, path, strerror(errno));
		deploy_error_hint(err, "set HOME to your own, or name a file with -c FILE");
	}
	return true;
}
