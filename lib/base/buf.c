/* Bounded buffer: see buf.h for the invariant. */
#include "base/buf.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"

void dp_buf_init(struct dp_buf *buf, size_t limit_bytes)
{
	*buf = (struct dp_buf){.limit = limit_bytes};
}

void dp_buf_release(struct dp_buf *buf)
{
	free(buf->data);
	dp_buf_init(buf, buf->limit);
}

void dp_buf_wipe(struct dp_buf *buf)
{
	if (buf->data)
		dp_wipe(buf->data, buf->cap);
	dp_buf_release(buf);
}

void dp_buf_clear(struct dp_buf *buf)
{
	buf->len = 0;
	buf->overflow = false;
	if (buf->data)
		buf->data[0] = '\0';
}

void dp_buf_add(struct dp_buf *buf, const void *data, size_t len)
{
	if (buf->overflow || len > buf->limit - buf->len) {
		buf->overflow = true;
		return;
	}
	buf->data = dp_grow(buf->data, &buf->cap, buf->len + len + 1, 1);
	if (len)
		memcpy(buf->data + buf->len, data, len);
	buf->len += len;
	buf->data[buf->len] = '\0';
}

void dp_buf_add_byte(struct dp_buf *buf, int byte)
{
	char c = (char)byte;

	dp_buf_add(buf, &c, 1);
}

void dp_buf_add_text(struct dp_buf *buf, const char *text)
{
	dp_buf_add(buf, text, strlen(text));
}

void dp_buf_addf(struct dp_buf *buf, const char *format, ...)
{
	va_list args, again;
	int n;

	va_start(args, format);
	va_copy(again, args);
	n = vsnprintf(NULL, 0, format, args);
	va_end(args);
	if (n < 0 || (size_t)n > buf->limit - buf->len) {
		buf->overflow = true;
	} else if (!buf->overflow) {
		buf->data = dp_grow(buf->data, &buf->cap, buf->len + (size_t)n + 1, 1);
		(void)vsnprintf(buf->data + buf->len, (size_t)n + 1, format, again);
		buf->len += (size_t)n;
	}
	va_end(again);
}

int dp_buf_read(struct dp_buf *buf, int fd)
{
	char piece[16384];
	ssize_t n = 1;
	int failure;

	while (n != 0 && !buf->overflow) {
		n = read(fd, piece, sizeof(piece));
		if (n > 0)
			dp_buf_add(buf, piece, (size_t)n);
		else if (n < 0 && errno != EINTR)
			break;
	}
	failure = errno;
	dp_wipe(piece, sizeof(piece));
	errno = failure;
	return n < 0 ? -1 : 0;
}

const char *dp_buf_text(const struct dp_buf *buf)
{
	return buf->data ? buf->data : "";
}

char *dp_buf_take(struct dp_buf *buf)
{
	char *data = buf->data ? buf->data : dp_xstrdup("");

	buf->data = NULL;
	dp_buf_release(buf);
	return data;
}
