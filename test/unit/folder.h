/* A folder of a test's own, which goes with everything in it when the test ends. */
#ifndef FOLDER_H
#define FOLDER_H

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static char folder[64];

/* name: of the test program. Others may look into it, so that a test can be somebody else. */
static inline int open_folder(const char *name)
{
	(void)snprintf(folder, sizeof(folder), "/tmp/%s.XXXXXX", name);
	return mkdtemp(folder) && chmod(folder, 0755) == 0 ? 0 : -1;
}

static inline int remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
	(void)st;
	(void)kind;
	(void)ftw;
	return remove(path);
}

/* As the teardown of a test. */
static inline int remove_folder(void **state)
{
	(void)state;
	return nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* The path of a name in the folder. Borrowed until the next call but three. */
static inline const char *in_folder(const char *name)
{
	static char paths[4][512];
	static unsigned turn;
	char *path = paths[turn++ % 4];

	(void)snprintf(path, 512, "%s/%s", folder, name);
	return path;
}

/* For nobody else to read. */
static inline void write_bytes(const char *path, const char *bytes, size_t len)
{
	FILE *out = fopen(path, "w");

	assert_non_null(out);
	assert_int_equal(len, fwrite(bytes, 1, len, out));
	assert_int_equal(0, fclose(out));
	assert_int_equal(0, chmod(path, 0600));
}

static inline void write_text(const char *path, const char *text)
{
	write_bytes(path, text, strlen(text));
}

#endif
