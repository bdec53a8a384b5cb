/* SHA-256. */
#include "deploy/text.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>

void deploy_text_digest(char out[DEPLOY_DIGEST_SIZE], const char *text, size_t len)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned int size = 0;

	/* It can only fail without memory. */
	if (EVP_Digest(text, len, digest, &size, EVP_sha256(), NULL) != 1)
		abort();
	for (unsigned int i = 0; i < 32; i++)
		(void)snprintf(out + 2 * (size_t)i, 3, "%02x", digest[i]);
}
