/*
 * Certificates and the requests for them, as much as is needed to judge what a CA holds: who it is
 * for, which key it has, and what more it would be allowed to do.
 */
#ifndef DP_X509_H
#define DP_X509_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

#include "base/buf.h"
#include "deploy/ca.h"
#include "deploy/error.h"

#define DP_X509_MAX_BYTES (256 * 1024)		/* of a PEM text */
#define DP_FINGERPRINT	  DEPLOY_CA_FINGERPRINT /* "AB:CD:…", 32 bytes, and NUL */
#define DP_KEY_DIGEST	  32
#define DP_MD5_DIGITS	  33 /* and NUL */

enum dp_x509_kind { DP_X509_REQUEST, DP_X509_CERTIFICATE };

struct dp_x509 {
	char name[256];			       /* the subject's only CN */
	char fingerprint[DP_FINGERPRINT];      /* SHA-256, as Puppet prints it */
	char file_fingerprint[DP_FINGERPRINT]; /* SHA-256 of the PEM file that holds nothing else */
	char file_md5[DP_MD5_DIGITS];	       /* likewise, in digits; "" if OpenSSL knows no MD5 */
	size_t file_bytes;		       /* of that file */
	unsigned char key[DP_KEY_DIGEST];      /* SHA-256 of the public key */
	json_t *alt_names;  /* array of "DNS:web", "IP:10.0.0.1"; foreign text is escaped */
	json_t *extensions; /* object: "pp_auth_role" → value; Puppet's 1.3.6.1.4.1.34380.1.3 */
};

/* Read the PEM block that text begins with. Errors: DEPLOY_PROTOCOL; out is then released. */
int dp_x509_parse(struct dp_x509 *out, enum dp_x509_kind kind, const char *text, size_t len,
	struct deploy_error *err);
void dp_x509_release(struct dp_x509 *x509);

/* Write the fingerprint that is this digest, and that of bytes: their SHA-256. */
void dp_fingerprint_print(char out[DP_FINGERPRINT], const unsigned char digest[32]);
void dp_fingerprint_of(char out[DP_FINGERPRINT], const void *bytes, size_t len);

/* Bring one as people and tools write it into Puppet's form; false if it is none. */
bool dp_fingerprint_parse(char out[DP_FINGERPRINT], const char *text);

/* Write a new private key, RSA with 4096 bits as Puppet's default is; a second or so. */
int dp_x509_make_key(struct dp_buf *pem, struct deploy_error *err);

/* Write a request for a certificate for name with a private key that is given as PEM. */
int dp_x509_make_request(
	struct dp_buf *pem, const char *name, const char *key_pem, struct deploy_error *err);

/*
 * Take over as authorities what can be trusted of a bundle, whose fingerprint is expected: all of
 * it, if it is that of the file; or the one certificate that has it, and those that this one
 * signed. NULL: all of it. Errors: DEPLOY_PROTOCOL, DEPLOY_AUTH if nothing has it.
 */
int dp_x509_trust(struct dp_buf *pem, const char *bundle, size_t len, const char *expected,
	struct deploy_error *err);

/* Check that an authority of ca_pem signed the certificate, and that it is valid now. */
int dp_x509_verify(const char *certificate_pem, const char *ca_pem, struct deploy_error *err);

#endif
