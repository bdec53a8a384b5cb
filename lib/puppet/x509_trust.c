/* Authorities: which of those that a server sends are the expected ones, and what they signed. */
#include "puppet/x509.h"

#include <string.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#define MAX_AUTHORITIES 16

struct authorities {
	X509 *list[MAX_AUTHORITIES];
	char fingerprint[MAX_AUTHORITIES][DP_FINGERPRINT];
	size_t count;
};

static void authorities_release(struct authorities *authorities)
{
	for (size_t i = 0; i < authorities->count; i++)
		X509_free(authorities->list[i]);
	authorities->count = 0;
	ERR_clear_error();
}

static void add(struct authorities *authorities, X509 *certificate)
{
	unsigned char *der = NULL;
	int len = i2d_X509(certificate, &der);

	dp_fingerprint_of(authorities->fingerprint[authorities->count],
		der ? (const void *)der : "", len > 0 ? (size_t)len : 0);
	authorities->list[authorities->count++] = certificate;
	OPENSSL_free(der);
}

/* Errors: DEPLOY_PROTOCOL if there is none, too many, or one that is no authority. */
static int read_all(struct authorities *out, const char *pem, size_t len, struct deploy_error *err)
{
	BIO *text = len <= DP_X509_MAX_BYTES ? BIO_new_mem_buf(pem, (int)len) : NULL;
	const char *why = NULL;
	X509 *certificate;

	out->count = 0;
	while (!why && text && (certificate = PEM_read_bio_X509(text, NULL, NULL, NULL))) {
		if (out->count == MAX_AUTHORITIES || X509_check_ca(certificate) != 1) {
			why = "more authorities than we take, or a certificate that is none";
			X509_free(certificate);
		} else {
			add(out, certificate);
		}
	}
	if (!why && out->count == 0)
		why = "no authority's certificate in PEM";
	(void)BIO_free(text);
	ERR_clear_error();
	if (!why)
		return 0;
	authorities_release(out);
	return deploy_error_set(err, DEPLOY_PROTOCOL, "%s", why);
}

static void write_pem(struct dp_buf *pem, X509 *certificate)
{
	BIO *text = BIO_new(BIO_s_mem());
	char *bytes = NULL;

	if (text && PEM_write_bio_X509(text, certificate)) {
		long len = BIO_get_mem_data(text, &bytes);

		dp_buf_add(pem, bytes, (size_t)len);
	}
	(void)BIO_free(text);
}

static bool has_signed(X509 *authority, X509 *certificate)
{
	return X509_check_issued(authority, certificate) == X509_V_OK &&
	       X509_verify(certificate, X509_get0_pubkey(authority)) == 1;
}

/* What is above the expected one does not follow from it, and is left out. */
static void write_trusted(struct dp_buf *pem, const struct authorities *all, size_t expected)
{
	write_pem(pem, all->list[expected]);
	for (size_t i = 0; i < all->count; i++)
		if (i != expected && has_signed(all->list[expected], all->list[i]))
			write_pem(pem, all->list[i]);
}

int dp_x509_trust(struct dp_buf *pem, const char *bundle, size_t len, const char *expected,
	struct deploy_error *err)
{
	char of_file[DP_FINGERPRINT];
	struct authorities all;
	size_t i = 0;
	int rc = read_all(&all, bundle, len, err);

	if (rc)
		return rc;
	dp_fingerprint_of(of_file, bundle, len);
	if (!expected || strcmp(expected, of_file) == 0) {
		dp_buf_add(pem, bundle, len);
	} else {
		while (i < all.count && strcmp(expected, all.fingerprint[i]) != 0)
			i++;
		if (i < all.count)
			write_trusted(pem, &all, i);
		else
			rc = deploy_error_set(err, DEPLOY_AUTH,
				"the CA's certificate has fingerprint %s, not %s",
				all.fingerprint[0], expected);
	}
	authorities_release(&all);
	return rc;
}

static int verify(X509_STORE *store, X509 *certificate, struct deploy_error *err)
{
	X509_STORE_CTX *context = X509_STORE_CTX_new();
	int rc = 0;

	/* An authority that is trusted need not be a root, as for the TLS connections themselves.
	 */
	(void)X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN);
	if (!context || !X509_STORE_CTX_init(context, store, certificate, NULL) ||
		X509_verify_cert(context) != 1)
		rc = deploy_error_set(err, DEPLOY_AUTH, "the certificate is not good: %s",
			context ? X509_verify_cert_error_string(X509_STORE_CTX_get_error(context))
				: "OpenSSL fails");
	X509_STORE_CTX_free(context);
	return rc;
}

int dp_x509_verify(const char *certificate_pem, const char *ca_pem, struct deploy_error *err)
{
	BIO *text = BIO_new_mem_buf(certificate_pem, -1);
	X509 *certificate = text ? PEM_read_bio_X509(text, NULL, NULL, NULL) : NULL;
	X509_STORE *store = X509_STORE_new();
	struct authorities all;
	int rc = read_all(&all, ca_pem, strlen(ca_pem), err);

	if (!rc && (!certificate || !store))
		rc = deploy_error_set(err, DEPLOY_PROTOCOL, "no certificate in PEM");
	for (size_t i = 0; !rc && i < all.count; i++)
		(void)X509_STORE_add_cert(store, all.list[i]);
	if (!rc)
		rc = verify(store, certificate, err);
	authorities_release(&all);
	X509_STORE_free(store);
	X509_free(certificate);
	(void)BIO_free(text);
	ERR_clear_error();
	return rc;
}
