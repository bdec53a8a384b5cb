/* UTF-8, one character at a time. Source: RFC 3629. */
#ifndef DP_UTF8_H
#define DP_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Length of the first character and its code point; 0 if the bytes are none. len is at least 1. */
size_t dp_utf8_decode(const char *bytes, size_t len, uint32_t *code_point);

/* Does it move the cursor, end the line or turn the reading direction? */
bool dp_utf8_is_unsafe(uint32_t code_point);

#endif
