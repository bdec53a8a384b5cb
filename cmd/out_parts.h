/* What the parts of the writer share: the stream (out.c), documents (_json), tables (_table). */
#ifndef OUT_PARTS_H
#define OUT_PARTS_H

#include "out.h"

/*
 * stream is a duplicate of the descriptor, so that closing it tells about errors which only close
 * reports. failure: the first errno; from then on nothing more is written.
 */
struct out {
	FILE *stream;
	struct out_options options;
	int failure;
	bool is_terminal, has_color, has_document, is_used;
	size_t columns; /* of the terminal; 0: it is none, or it does not say */
	char buffer[32768];
};

void out_bytes(struct out *out, const char *bytes, size_t len);

/* Take error for the first failure, if there was none. */
void out_fail(struct out *out, int error);

#endif
