/*
 * A growing byte buffer with a hard limit, the only way bytes from outside are collected.
 * Invariant: data[len] == '\0' once anything was added. Going over the limit adds nothing,
 * sets `overflow` and is remembered, so that a writer may check once at its end.
 */
#ifndef DP_BUF_H
#define DP_BUF_H

#include <stdbool.h>
#include <stddef.h>

struct dp_buf {
	char *data; /* NULL while empty; see dp_buf_text() */
	size_t len, cap, limit;
	bool overflow;
};

void dp_buf_init(struct dp_buf *buf, size_t limit_bytes);
void dp_buf_release(struct dp_buf *buf);
void dp_buf_wipe(struct dp_buf *buf); /* overwrite, then release: for secrets */
void dp_buf_clear(struct dp_buf *buf);

void dp_buf_add(struct dp_buf *buf, const void *data, size_t len);
void dp_buf_add_byte(struct dp_buf *buf, int byte);
void dp_buf_add_text(struct dp_buf *buf, const char *text);
void dp_buf_addf(struct dp_buf *buf, const char *format, ...) __attribute__((format(printf, 2, 3)));

/*
 * Add what can be read from fd until its end; stops early at the limit, which overflow then tells.
 * Nothing of it stays behind on the stack. Returns 0, or -1 with errno.
 */
int dp_buf_read(struct dp_buf *buf, int fd);

/* Borrowed, NUL-terminated, "" while empty. */
const char *dp_buf_text(const struct dp_buf *buf);

/* Hand over the bytes, NUL-terminated; the buffer is empty again. Free with free(). */
char *dp_buf_take(struct dp_buf *buf);

#endif
