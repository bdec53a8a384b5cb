/*
 * PSK security: the hash of a message is MD5(body || psk) in lower-case hex. Nothing but the body
 * is covered: sender, request id and filter may be altered by anyone on the bus who sees a message.
 * Source: MCollective 2.12 plugin psk.
 */
#ifndef DP_SECURITY_PSK_H
#define DP_SECURITY_PSK_H

#include <stdbool.h>
#include <stddef.h>

#define DP_PSK_HASH_CHARS 32

/* Write the hash and a NUL. */
void dp_psk_sign(char out[DP_PSK_HASH_CHARS + 1], const void *body, size_t len, const char *psk);

/* True if hash is that of body. Takes the same time wherever the hashes differ. */
bool dp_psk_verify(
	const char *hash, size_t hash_len, const void *body, size_t len, const char *psk);

#endif
