/*
 * Lines that a reader may take as slowly as it likes: they wait in memory, and are written only as
 * far as that does not wait, so that a reader that pauses does not stop the run behind them.
 */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "out_parts.h"

#define QUEUE_MAX  (64UL * 1024 * 1024) /* beyond it writing waits */
#define FILE_PIECE 65536
#define AGAIN_MS   20

void out_queue_add(struct out_queue *queue, const char *bytes, size_t len)
{
	if (queue->start && queue->end + len > queue->cap) {
		memmove(queue->bytes, queue->bytes + queue->start, queue->end - queue->start);
		queue->end -= queue->start;
		queue->start = 0;
	}
	if (queue->end + len > queue->cap) {
		queue->cap = queue->cap + queue->cap / 2 + len;
		queue->bytes = out_resize(queue->bytes, queue->cap);
	}
	memcpy(queue->bytes + queue->end, bytes, len);
	queue->end += len;
}

void out_queue_free(struct out_queue *queue)
{
	free(queue->bytes);
	*queue = (struct out_queue){.bytes = NULL};
}

/* A pipe that can be written takes so much without waiting; a file takes any amount. */
static size_t piece_for(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISREG(st.st_mode) ? FILE_PIECE : PIPE_BUF;
}

/* Returns false if nothing could be written now. */
static bool write_piece(struct out *out, int fd, size_t most, bool waits)
{
	struct pollfd wanted = {.fd = fd, .events = POLLOUT};
	struct out_queue *queue = &out->queue;
	size_t left = queue->end - queue->start;
	ssize_t n;

	if (poll(&wanted, 1, waits ? -1 : 0) <= 0)
		return waits;
	n = write(fd, queue->bytes + queue->start, left < most ? left : most);
	if (n < 0 && errno != EINTR && errno != EAGAIN) {
		out_fail(out, errno);
		queue->start = queue->end;
		return false;
	}
	queue->start += n > 0 ? (size_t)n : 0;
	return n > 0 || waits;
}

bool out_queue_write(struct out *out, int fd, bool waits)
{
	struct out_queue *queue = &out->queue;
	size_t most = queue->start < queue->end ? piece_for(fd) : 0;

	while (queue->start < queue->end &&
		write_piece(out, fd, most, waits || queue->end - queue->start > QUEUE_MAX))
		;
	if (queue->start == queue->end)
		queue->start = queue->end = 0;
	return queue->start == queue->end;
}

int out_drain(void *arg)
{
	struct out *out = arg;

	if (!out->stream || out->failure || out_queue_write(out, fileno(out->stream), false))
		return -1;
	return AGAIN_MS;
}
