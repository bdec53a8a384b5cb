/* Memory: out of memory ends the program with a message, so callers never see NULL. */
#ifndef DP_MEM_H
#define DP_MEM_H

#include <stddef.h>

void *dp_xmalloc(size_t size);
void *dp_xcalloc(size_t count, size_t size);
char *dp_xstrdup(const char *text);
char *dp_xstrndup(const char *text, size_t len);
char *dp_xasprintf(const char *format, ...) __attribute__((format(printf, 1, 2)));

/*
 * Make room for at least need elements of size bytes; *cap is updated.
 * Grows by half, so that adding one by one is linear. Returns the array, maybe moved.
 */
void *dp_grow(void *array, size_t *cap, size_t need, size_t size);

/* Overwrite size bytes so that the compiler may not leave it out. */
void dp_wipe(void *data, size_t size);

#endif
