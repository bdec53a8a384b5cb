/* What the parts of the writer share: the stream (out.c), documents (_json), tables (_table). */
#ifndef OUT_PARTS_H
#define OUT_PARTS_H

#include "out.h"

/* Bytes start to end wait to be written. */
struct out_queue {
	char *bytes;
	size_t start, end, cap;
};

/*
 * stream is a duplicate of the descriptor, so that closing it tells about errors which only close
 * reports. failure: the first errno; from then on nothing more is written.
 */
struct out {
	FILE *stream;
	struct out_options options;
	int failure;
	bool is_terminal, has_color, has_document, is_used;
	bool has_status;	      /* a line on stderr waits to be replaced */
	char run[DEPLOY_RUN_ID_SIZE]; /* "": none was recorded */
	size_t columns;		      /* of the terminal; 0: it is none, or it does not say */
	char buffer[32768];
	struct out_queue queue; /* of jsonl: goes to stream's descriptor, past stream */
	FILE *aside;		/* the stream while what is written is captured; otherwise NULL */
	char *captured;
	size_t captured_size;
};

/* Shorten escaped text to limit columns, the last of which says that there was more: "~". */
void out_cut(char *text, size_t limit);

void out_queue_add(struct out_queue *queue, const char *bytes, size_t len);
void out_queue_free(struct out_queue *queue);

/* Write what can be written, or with waits all of it. Returns true if nothing is left. */
bool out_queue_write(struct out *out, int fd, bool waits);

void out_bytes(struct out *out, const char *bytes, size_t len);

/* Take error for the first failure, if there was none. */
void out_fail(struct out *out, int error);

#endif
