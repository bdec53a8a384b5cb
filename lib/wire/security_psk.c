/* MD5 is what the nodes check; it is no choice of ours. */
#include "wire/security_psk.h"

#include <assert.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>

void dp_psk_sign(char out[DP_PSK_HASH_CHARS + 1], const void *body, size_t len, const char *psk)
{
	static const char hex[] = "0123456789abcdef";
	unsigned char digest[EVP_MAX_MD_SIZE];
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	int ok;

	ok = md && EVP_DigestInit_ex(md, EVP_md5(), NULL) == 1 &&
	     EVP_DigestUpdate(md, body, len) == 1 && EVP_DigestUpdate(md, psk, strlen(psk)) == 1 &&
	     EVP_DigestFinal_ex(md, digest, NULL) == 1;
	EVP_MD_CTX_free(md);
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
