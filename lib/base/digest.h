/* A text's fingerprint. */
#ifndef DP_DIGEST_H
#define DP_DIGEST_H

#include <stddef.h>

#define DP_DIGEST_SIZE 65 /* 64 hexadecimal digits and NUL */

/* The SHA-256 of len bytes, in lower case. */
void dp_digest(char out[DP_DIGEST_SIZE], const void *bytes, size_t len);

#endif
