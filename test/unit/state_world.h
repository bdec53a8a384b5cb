/* A folder of a test's own with a state file in it, and short ways to look into that. */
#ifndef STATE_WORLD_H
#define STATE_WORLD_H

#include <dirent.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "base/mem.h"
#include "deploy/journal.h"
#include "store/sql.h"

#define MAX_PATHS 8

struct world {
	char folder[64];
	char *path; /* of the state file */
	char *paths[MAX_PATHS];
	size_t path_count;
};

static inline int world_open(void **arg)
{
	struct world *world = dp_xcalloc(1, sizeof(*world));

	(void)snprintf(world->folder, sizeof(world->folder), "/tmp/deployctl-state-XXXXXX");
	assert_non_null(mkdtemp(world->folder));
	world->path = dp_xasprintf("%s/state.db", world->folder);
	*arg = world;
	return 0;
}

static inline void remove_tree(const char *path)
{
	DIR *folder;

	if (unlink(path) == 0)
		return;
	folder = opendir(path);
	for (struct dirent *entry; folder && (entry = readdir(folder));) {
		char *inner = dp_xasprintf("%s/%s", path, entry->d_name);

		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			remove_tree(inner);
		free(inner);
	}
	(void)closedir(folder);
	assert_int_equal(rmdir(path), 0);
}

static inline int world_close(void **arg)
{
	struct world *world = *arg;

	remove_tree(world->folder);
	free(world->path);
	for (size_t i = 0; i < world->path_count; i++)
		free(world->paths[i]);
	free(world);
	return 0;
}

/* Borrowed until the test ends. */
static inline char *world_path(struct world *world, const char *name)
{
	assert_true(world->path_count < MAX_PATHS);
	return world->paths[world->path_count++] = dp_xasprintf("%s/%s", world->folder, name);
}

static inline struct deploy_state *open_state(const char *path, bool may_write)
{
	struct deploy_error err = {.code = DEPLOY_OK};
	struct deploy_state *state;

	if (deploy_state_open(&state, path, may_write, &err))
		fail_msg("%s", err.text);
	return state;
}

static inline void write_file(const char *path, const char *content, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	size_t len = strlen(content);

	assert_true(fd >= 0);
	assert_true(write(fd, content, len) == (ssize_t)len);
	assert_int_equal(fchmod(fd, mode), 0);
	(void)close(fd);
}

/* Put byte into the place of every one from offset to the end of the file. */
static inline void overwrite(const char *path, off_t offset, char byte)
{
	int fd = open(path, O_WRONLY);
	off_t end = lseek(fd, 0, SEEK_END);

	for (assert_true(end > offset); offset < end; offset++)
		assert_int_equal(pwrite(fd, &byte, 1, offset), 1);
	(void)close(fd);
}

static inline void run_sql(const char *path, const char *sql)
{
	sqlite3 *db;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	(void)sqlite3_close(db);
}

/* Items separated by ", ". */
struct text {
	char bytes[4096];
	size_t len;
};

static inline void print(struct text *text, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
static inline void print(struct text *text, const char *format, ...)
{
	va_list args;

	if (text->len)
		text->len += (size_t)snprintf(
			text->bytes + text->len, sizeof(text->bytes) - text->len, ", ");
	va_start(args, format);
	text->len += (size_t)vsnprintf(
		text->bytes + text->len, sizeof(text->bytes) - text->len, format, args);
	va_end(args);
	assert_true(text->len < sizeof(text->bytes));
}

static inline void add_node(struct deploy_state *state, const char *name)
{
	struct deploy_error err = {.code = DEPLOY_OK};

	assert_int_equal(deploy_state_set_certificate(state, name, "signed", NULL, &err), 0);
}

static inline int count_node(void *arg, const struct deploy_node_record *node)
{
	*(size_t *)arg += node->identity != NULL;
	return 0;
}

static inline int print_node(void *arg, const struct deploy_node_record *node)
{
	char **text = arg, *more = dp_xasprintf("%s%s%s", *text, **text ? " " : "", node->identity);

	free(*text);
	*text = more;
	return 0;
}

/* Names of all nodes, separated by blanks. Caller frees. */
static inline char *nodes_of(struct deploy_state *state)
{
	struct deploy_error err = {.code = DEPLOY_OK};
	char *text = dp_xstrdup("");

	assert_int_equal(deploy_state_each_node(state, 0, print_node, &text, &err), 0);
	return text;
}

#endif
