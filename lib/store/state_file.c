/* What must be right about a file and its folder before SQLite opens it. */
#include "store/state_file.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"

#define MAX_URI (3 * 4096 + 64)
#define STICKY	01000 /* S_ISVTX, which POSIX leaves to XSI */

const char *dp_network_file_system(unsigned long type)
{
	/* Source: statfs(2), linux/magic.h. */
	static const struct {
		uint32_t type;
		const char *name;
	} known[] = {
		{0x6969, "NFS"},
		{0xff534d42, "CIFS"},
		{0xfe534d42, "SMB"},
		{0x517b, "SMB"},
		{0x5346414f, "AFS"},
		{0x6b414653, "AFS"},
		{0x73757245, "Coda"},
		{0x00c36400, "Ceph"},
		{0x0bd00bd0, "Lustre"},
		{0x01021997, "9P"},
		{0x01161970, "GFS2"},
		{0x7461636f, "OCFS2"},
		{0x47504653, "GPFS"},
		{0x564c, "NCP"},
	};

	/* f_type may come sign-extended. */
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if ((uint32_t)type == known[i].type)
			return known[i].name;
	return NULL;
}

static int fail(struct deploy_error *err, const char *path, const char *doing)
{
	(void)deploy_error_set(
		err, DEPLOY_IO, "state file %s: %s: %s", path, doing, strerror(errno));
	deploy_error_hint(err, "name another file with --state FILE");
	return err->code;
}

/* "." for a bare name. Caller frees. */
static char *folder_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	if (!slash)
		return dp_xstrdup(".");
	return slash == path ? dp_xstrdup("/") : dp_xstrndup(path, (size_t)(slash - path));
}

/* A new name is on the disk only when its folder is. Some file systems cannot; none says so here
 * in a way that would help. */
static void keep_names_of(const char *folder)
{
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return;
	(void)fsync(fd);
	(void)close(fd);
}

static int make_folder(const char *folder, const char *path, struct deploy_error *err)
{
	char *parent;
	int rc = 0;

	if (access(folder, F_OK) == 0)
		return 0;
	parent = folder_of(folder);
	if (errno == ENOENT && strcmp(parent, folder) != 0)
		rc = make_folder(parent, path, err);
	if (!rc && mkdir(folder, 0700) != 0 && errno != EEXIST)
		rc = fail(err, path, "its folder cannot be made");
	if (!rc)
		keep_names_of(parent);
	free(parent);
	return rc;
}

/* A group shares a folder by mode 2770; what lies in it is the group's, too. */
static mode_t mode_in(const char *folder)
{
	struct stat st;

	if (stat(folder, &st) == 0 && (st.st_mode & S_ISGID) && (st.st_mode & S_IWGRP))
		return 0660;
	return 0600;
}

int dp_state_file_make(const char *path, struct deploy_error *err)
{
	char *folder = folder_of(path);
	int rc = make_folder(folder, path, err);

	if (!rc) {
		mode_t mode = mode_in(folder);
		int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOCTTY, mode);

		if (fd >= 0) {
			/* Whatever the umask: SQLite gives -wal and -shm the same mode. */
			(void)fchmod(fd, mode);
			(void)close(fd);
			keep_names_of(folder);
		} else if (errno != EEXIST) {
			rc = fail(err, path, "it cannot be made");
		}
	}
	free(folder);
	return rc;
}

int dp_state_file_check(bool *is_there, const char *path, struct deploy_error *err)
{
	struct stat st;
	struct statfs mount;
	const char *network;

	*is_there = false;
	if (stat(path, &st) != 0)
		return errno == ENOENT ? 0 : fail(err, path, "it cannot be opened");
	if (!S_ISREG(st.st_mode)) {
		(void)deploy_error_set(err, DEPLOY_IO, "state file %s: not a regular file", path);
		deploy_error_hint(err, "name another file with --state FILE");
		return err->code;
	}
	/* What is assigned there is sent to nodes. */
	if (st.st_mode & S_IWOTH) {
		(void)deploy_error_set(
			err, DEPLOY_IO, "state file %s: everybody may write it", path);
		deploy_error_hint(err, "chmod o-w %s", path);
		return err->code;
	}
	network = statfs(path, &mount) == 0 ? dp_network_file_system((unsigned long)mount.f_type)
					    : NULL;
	if (network) {
		(void)deploy_error_set(err, DEPLOY_IO,
			"state file %s: it lies on a network file system (%s), where it would be "
			"damaged",
			path, network);
		deploy_error_hint(err,
			"put it on a local disk: state: in the configuration, or --state FILE");
		return err->code;
	}
	*is_there = true;
	return 0;
}

const char *dp_state_file_flaw(const struct stat *file, const struct stat *folder, uid_t us)
{
	bool is_shared = (folder->st_mode & S_ISGID) && (folder->st_mode & S_IWGRP);

	/* Whoever may write there can lay a -wal beside it, with other rows or as a link. */
	if ((folder->st_mode & S_IWOTH) && !(folder->st_mode & STICKY))
		return "everybody may write its folder";
	if (file->st_uid != 0 && file->st_uid != us && !is_shared)
		return "it belongs to another user, who could change what nodes get";
	return NULL;
}

int dp_state_file_check_owner(const char *path, struct deploy_error *err)
{
	char *name = folder_of(path);
	struct stat file, folder;
	const char *flaw = NULL;

	/* What cannot be looked at cannot be opened either. */
	if (stat(path, &file) == 0 && stat(name, &folder) == 0)
		flaw = dp_state_file_flaw(&file, &folder, geteuid());
	free(name);
	if (!flaw)
		return 0;
	(void)deploy_error_set(err, DEPLOY_IO, "state file %s: %s", path, flaw);
	deploy_error_hint(err,
		"name another file with --state FILE; a group shares one in a folder of mode 2770");
	return err->code;
}

char *dp_state_file_immutable_uri(const char *path)
{
	struct dp_buf uri;

	dp_buf_init(&uri, MAX_URI);
	dp_buf_add_text(&uri, "file:");
	for (const char *at = path; *at; at++)
		if (isalnum((unsigned char)*at) || strchr("/._-", *at))
			dp_buf_add_byte(&uri, *at);
		else
			dp_buf_addf(&uri, "%%%02x", (unsigned)(unsigned char)*at);
	dp_buf_add_text(&uri, "?immutable=1");
	return dp_buf_take(&uri);
}
