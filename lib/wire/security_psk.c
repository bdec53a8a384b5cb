/* MD5 is what the nodes check; it is no choice of ours. */
#include "wire/security_psk.h"

/* The plain functions of OpenSSL 1: EVP looks the digest up anew for each message, which takes
 * longer than the digest of a reply, and refuses MD5 where FIPS rules, which nodes do not know of.
 */
#define OPENSSL_SUPPRESS_DEPRECATED

#include <assert.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/md5.h>

void dp_psk_sign(char out[DP_PSK_HASH_CHARS + 1], const void *body, size_t len, const char *psk)
{
	static const char hex[] = "0123456789abcdef";
	unsigned char digest[MD5_DIGEST_LENGTH];
	MD5_CTX md;
	int ok;

	ok = MD5_Init(&md) == 1 && MD5_Update(&md, body, len) == 1 &&
	     MD5_Update(&md, psk, strlen(psk)) == 1 && MD5_Final(digest, &md) == 1;
	assert(ok);
	for (size_t i = 0; i < DP_PSK_HASH_CHARS / 2; i++) {
		out[2 * i] = hex[digest[i] >> 4];
		out[2 * i + 1] = hex[digest[i] & 15];
	}
	out[DP_PSK_HASH_CHARS] = '\0';
}

bool dp_psk_verify(const char *hash, size_t hash_len, const void *body, size_t len, const char *psk)
{
	char expected[DP_PSK_HASH_CHARS + 1];

	dp_psk_sign(expected, body, len, psk);
	return hash_len == DP_PSK_HASH_CHARS && CRYPTO_memcmp(hash, expected, hash_len) == 0;
}
