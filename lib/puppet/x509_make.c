/* A key of our own, and the request for its certificate. */
#include "puppet/x509.h"

#include <string.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#define KEY_BITS 4096

static int fail(struct deploy_error *err, const char *what)
{
	const char *why = ERR_reason_error_string(ERR_peek_last_error());

	(void)deploy_error_set(err, DEPLOY_BUG, "%s: %s", what, why ? why : "OpenSSL fails");
	ERR_clear_error();
	return err->code;
}

static void take_text(struct dp_buf *out, BIO *from)
{
	char *text = NULL;
	long len = BIO_get_mem_data(from, &text);

	if (len > 0)
		dp_buf_add(out, text, (size_t)len);
}

int dp_x509_make_key(struct dp_buf *pem, struct deploy_error *err)
{
	BIO *text = BIO_new(BIO_s_secmem());
	EVP_PKEY *key = EVP_RSA_gen(KEY_BITS);
	int rc = 0;

	if (!text || !key || !PEM_write_bio_PrivateKey(text, key, NULL, NULL, 0, NULL, NULL))
		rc = fail(err, "a private key cannot be made");
	else
		take_text(pem, text);
	EVP_PKEY_free(key);
	(void)BIO_free(text);
	return rc;
}

/* Without a password OpenSSL would ask for one on the terminal. */
static int no_password(char *buf, int size, int for_writing, void *arg)
{
	(void)buf;
	(void)size;
	(void)for_writing;
	(void)arg;
	return 0;
}

static EVP_PKEY *read_key(const char *pem)
{
	BIO *text = BIO_new_mem_buf(pem, -1);
	EVP_PKEY *key = text ? PEM_read_bio_PrivateKey(text, NULL, no_password, NULL) : NULL;

	(void)BIO_free(text);
	return key;
}

/* False if OpenSSL fails. */
static bool fill_in(X509_REQ *request, const char *name, EVP_PKEY *key)
{
	X509_NAME *subject = X509_REQ_get_subject_name(request);

	return X509_REQ_set_version(request, X509_REQ_VERSION_1) &&
	       X509_NAME_add_entry_by_NID(subject, NID_commonName, MBSTRING_UTF8,
		       (const unsigned char *)name, -1, -1, 0) &&
	       X509_REQ_set_pubkey(request, key) && X509_REQ_sign(request, key, EVP_sha256());
}

int dp_x509_make_request(
	struct dp_buf *pem, const char *name, const char *key_pem, struct deploy_error *err)
{
	EVP_PKEY *key = read_key(key_pem);
	X509_REQ *request = X509_REQ_new();
	BIO *text = BIO_new(BIO_s_mem());
	int rc = 0;

	if (!key)
		rc = deploy_error_set(err, DEPLOY_CONFIG, "not a private key without a password");
	else if (!request || !text || !fill_in(request, name, key) ||
		 !PEM_write_bio_X509_REQ(text, request))
		rc = fail(err, "a certificate request cannot be made");
	else
		take_text(pem, text);
	(void)BIO_free(text);
	X509_REQ_free(request);
	EVP_PKEY_free(key);
	ERR_clear_error();
	return rc;
}
