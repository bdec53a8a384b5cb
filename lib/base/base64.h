/* Base64 with the standard alphabet and padding (RFC 4648 section 4). */
#ifndef DP_BASE64_H
#define DP_BASE64_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

/* Add the text of len bytes: one line, padded, no newline. Over the limit: see out->overflow. */
void dp_base64_encode(struct dp_buf *out, const void *data, size_t len);

/*
 * Add the bytes that text stands for. White space is allowed anywhere; otherwise strict: padding
 * is complete and last, the bits that it leaves unused are 0, so each value has one text.
 * False: malformed, or over the limit (out->overflow); nothing was added then.
 */
bool dp_base64_decode(struct dp_buf *out, const char *text, size_t len);

#endif
