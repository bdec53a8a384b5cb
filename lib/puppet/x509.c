/* Reading certificates and requests for them, which are foreign bytes until the end. */
#include "puppet/x509.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/sha.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "deploy/text.h"

#define AUTHORISATION "1.3.6.1.4.1.34380.1.3." /* Puppet's arc of what gives rights */

static int fail(struct deploy_error *err, const char *why)
{
	ERR_clear_error();
	return deploy_error_set(err, DEPLOY_PROTOCOL, "%s", why);
}

void dp_fingerprint_print(char out[DP_FINGERPRINT], const unsigned char digest[32])
{
	for (size_t i = 0; i < 32; i++)
		(void)snprintf(out + 3 * i, 4, "%02X%s", digest[i], i < 31 ? ":" : "");
}

void dp_fingerprint_of(char out[DP_FINGERPRINT], const void *bytes, size_t len)
{
	unsigned char digest[SHA256_DIGEST_LENGTH];

	(void)SHA256(bytes, len, digest);
	dp_fingerprint_print(out, digest);
}

static const char *skip_word(const char *text, const char *word)
{
	size_t len = strlen(word);

	return strncasecmp(text, word, len) == 0 ? text + len : text;
}

bool dp_fingerprint_parse(char out[DP_FINGERPRINT], const char *text)
{
	size_t digits = 0;

	text = skip_word(skip_word(text, "("), "SHA256");
	text += strspn(text, "): ");
	for (; *text; text++) {
		if (*text == ':' && digits && digits % 2 == 0 && digits < 64 && text[1] != ':')
			continue;
		if (!isxdigit((unsigned char)*text) || digits == 64)
			return false;
		out[digits / 2 * 3 + digits % 2] = (char)toupper((unsigned char)*text);
		digits++;
		if (digits % 2 == 0)
			out[digits / 2 * 3 - 1] = digits < 64 ? ':' : '\0';
	}
	return digits == 64;
}

/* A new string; what is not printable in it is escaped. */
static json_t *shown(const char *label, const unsigned char *bytes, size_t len)
{
	char *escaped = deploy_text_escape((const char *)bytes, len);
	json_t *text = json_sprintf("%s%s", label, escaped);

	free(escaped);
	return text;
}

static json_t *hex(const char *label, const unsigned char *bytes, size_t len)
{
	struct dp_buf out;
	json_t *text;

	dp_buf_init(&out, DP_X509_MAX_BYTES * 4);
	dp_buf_add_text(&out, label);
	for (size_t i = 0; i < len; i++)
		dp_buf_addf(&out, "%02x", bytes[i]);
	text = json_string(dp_buf_text(&out));
	dp_buf_release(&out);
	return text;
}

static json_t *string_shown(const char *label, const ASN1_STRING *string)
{
	return shown(label, ASN1_STRING_get0_data(string), (size_t)ASN1_STRING_length(string));
}

static json_t *address_shown(const ASN1_STRING *string)
{
	const unsigned char *bytes = ASN1_STRING_get0_data(string);
	int len = ASN1_STRING_length(string);
	char text[INET6_ADDRSTRLEN];

	if (len != 4 && len != 16)
		return hex("IP:", bytes, (size_t)len);
	(void)inet_ntop(len == 4 ? AF_INET : AF_INET6, bytes, text, sizeof(text));
	return json_sprintf("IP:%s", text);
}

static json_t *name_shown(GENERAL_NAME *name)
{
	unsigned char *der = NULL;
	json_t *text;
	int len;

	switch (name->type) {
	case GEN_DNS:
		return string_shown("DNS:", name->d.dNSName);
	case GEN_EMAIL:
		return string_shown("email:", name->d.rfc822Name);
	case GEN_URI:
		return string_shown("URI:", name->d.uniformResourceIdentifier);
	case GEN_IPADD:
		return address_shown(name->d.iPAddress);
	default:
		len = i2d_GENERAL_NAME(name, &der);
		text = hex("other:", der, len > 0 ? (size_t)len : 0);
		OPENSSL_free(der);
		return text;
	}
}

static int read_alt_names(
	json_t *out, const STACK_OF(X509_EXTENSION) * extensions, struct deploy_error *err)
{
	int found = -1;
	GENERAL_NAMES *names = X509V3_get_d2i(extensions, NID_subject_alt_name, &found, NULL);

	if (!names)
		return found == -1 ? 0 : fail(err, "its alternative names cannot be read");
	for (int i = 0; i < sk_GENERAL_NAME_num(names); i++)
		(void)json_array_append_new(out, name_shown(sk_GENERAL_NAME_value(names, i)));
	GENERAL_NAMES_free(names);
	return 0;
}

/* The name that Puppet knows an authorisation by; else its number. */
static const char *authorisation_name(const char *oid)
{
	static const struct {
		const char *last, *name;
	} known[] = {
		{"1", "pp_authorization"},
		{"13", "pp_auth_role"},
		{"39", "pp_cli_auth"},
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strcmp(oid + strlen(AUTHORISATION), known[i].last) == 0)
			return known[i].name;
	return oid;
}

/* Puppet writes a text in DER; anything else is shown as it is. */
static json_t *value_shown(const ASN1_OCTET_STRING *value)
{
	const unsigned char *bytes = ASN1_STRING_get0_data(value), *end = bytes;
	long len = ASN1_STRING_length(value);
	ASN1_TYPE *type = d2i_ASN1_TYPE(NULL, &end, len);
	json_t *text;

	if (type && end == bytes + len &&
		(type->type == V_ASN1_UTF8STRING || type->type == V_ASN1_PRINTABLESTRING ||
			type->type == V_ASN1_IA5STRING))
		text = string_shown("", type->value.asn1_string);
	else
		text = hex("#", bytes, (size_t)len);
	ASN1_TYPE_free(type);
	return text;
}

static int read_authorisations(
	json_t *out, const STACK_OF(X509_EXTENSION) * extensions, struct deploy_error *err)
{
	for (int i = 0; i < sk_X509_EXTENSION_num(extensions); i++) {
		X509_EXTENSION *extension = sk_X509_EXTENSION_value(extensions, i);
		const char *name;
		char oid[256];
		int len = OBJ_obj2txt(oid, sizeof(oid), X509_EXTENSION_get_object(extension), 1);

		if (len <= 0 || (size_t)len >= sizeof(oid))
			return fail(err, "an extension's number is too long");
		if (strncmp(oid, AUTHORISATION, strlen(AUTHORISATION)) != 0)
			continue;
		name = authorisation_name(oid);
		if (json_object_get(out, name))
			return fail(err, "it has the same extension twice");
		(void)json_object_set_new(
			out, name, value_shown(X509_EXTENSION_get_data(extension)));
	}
	return 0;
}

static int read_subject(struct dp_x509 *out, const X509_NAME *subject, struct deploy_error *err)
{
	int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1), len;
	unsigned char *utf8 = NULL;
	bool is_good;

	if (at < 0 || X509_NAME_get_index_by_NID(subject, NID_commonName, at) >= 0)
		return fail(err, "its subject has not one CN");
	len = ASN1_STRING_to_UTF8(
		&utf8, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));
	is_good = len > 0 && (size_t)len < sizeof(out->name) && !memchr(utf8, '\0', (size_t)len);
	if (is_good)
		(void)snprintf(out->name, sizeof(out->name), "%.*s", len, (const char *)utf8);
	OPENSSL_free(utf8);
	return is_good ? 0 : fail(err, "its CN cannot be read");
}

static int read_key(struct dp_x509 *out, EVP_PKEY *key, struct deploy_error *err)
{
	unsigned char *der = NULL;
	int len = key ? i2d_PUBKEY(key, &der) : -1;

	if (len <= 0)
		return fail(err, "its public key cannot be read");
	(void)SHA256(der, (size_t)len, out->key);
	OPENSSL_free(der);
	return 0;
}

static int read_parts(struct dp_x509 *out, const X509_NAME *subject, EVP_PKEY *key,
	const STACK_OF(X509_EXTENSION) * extensions, struct deploy_error *err)
{
	int rc = read_subject(out, subject, err);

	if (!rc)
		rc = read_key(out, key, err);
	if (!rc)
		rc = read_alt_names(out->alt_names, extensions, err);
	return rc ? rc : read_authorisations(out->extensions, extensions, err);
}

static int read_request(
	struct dp_x509 *out, const unsigned char *der, long len, struct deploy_error *err)
{
	const unsigned char *end = der;
	X509_REQ *request = d2i_X509_REQ(NULL, &end, len);
	STACK_OF(X509_EXTENSION) * extensions;
	int rc;

	if (!request || end != der + len) {
		X509_REQ_free(request);
		return fail(err, "not a request for a certificate");
	}
	extensions = X509_REQ_get_extensions(request);
	rc = read_parts(out, X509_REQ_get_subject_name(request), X509_REQ_get0_pubkey(request),
		extensions, err);
	sk_X509_EXTENSION_pop_free(extensions, X509_EXTENSION_free);
	X509_REQ_free(request);
	return rc;
}

static int read_certificate(
	struct dp_x509 *out, const unsigned char *der, long len, struct deploy_error *err)
{
	const unsigned char *end = der;
	X509 *certificate = d2i_X509(NULL, &end, len);
	int rc;

	if (!certificate || end != der + len)
		rc = fail(err, "not a certificate");
	else
		rc = read_parts(out, X509_get_subject_name(certificate),
			X509_get0_pubkey(certificate), X509_get0_extensions(certificate), err);
	X509_free(certificate);
	return rc;
}

static void print_md5(char out[DP_MD5_DIGITS], const char *text, size_t len)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	size_t digest_len = 0;

	out[0] = '\0';
	if (!EVP_Q_digest(NULL, "MD5", NULL, text, len, digest, &digest_len))
		return;
	for (size_t i = 0; i < digest_len; i++)
		(void)snprintf(out + 2 * i, 3, "%02x", digest[i]);
}

/* What the file would be like that holds this and nothing else. */
static void describe_file(
	struct dp_x509 *out, const char *title, const unsigned char *der, long len)
{
	BIO *file = BIO_new(BIO_s_mem());
	char *text = NULL;
	long text_len = 0;

	if (file && PEM_write_bio(file, title, "", der, len) > 0)
		text_len = BIO_get_mem_data(file, &text);
	out->file_bytes = (size_t)text_len;
	dp_fingerprint_of(out->file_fingerprint, text ? text : "", out->file_bytes);
	print_md5(out->file_md5, text ? text : "", out->file_bytes);
	(void)BIO_free(file);
}

static bool is_title_of(enum dp_x509_kind kind, const char *title)
{
	return kind == DP_X509_CERTIFICATE ? strcmp(title, PEM_STRING_X509) == 0
					   : strcmp(title, PEM_STRING_X509_REQ) == 0 ||
						     strcmp(title, PEM_STRING_X509_REQ_OLD) == 0;
}

int dp_x509_parse(struct dp_x509 *out, enum dp_x509_kind kind, const char *text, size_t len,
	struct deploy_error *err)
{
	BIO *bytes = len <= DP_X509_MAX_BYTES ? BIO_new_mem_buf(text, (int)len) : NULL;
	char *title = NULL, *header = NULL;
	unsigned char *der = NULL;
	long der_len = 0;
	int rc;

	*out = (struct dp_x509){.alt_names = json_array(), .extensions = json_object()};
	if (!bytes || !PEM_read_bio(bytes, &title, &header, &der, &der_len) ||
		!is_title_of(kind, title)) {
		rc = fail(err, kind == DP_X509_CERTIFICATE ? "no certificate in PEM"
							   : "no certificate request in PEM");
	} else {
		dp_fingerprint_of(out->fingerprint, der, (size_t)der_len);
		describe_file(out, title, der, der_len);
		rc = (kind == DP_X509_CERTIFICATE ? read_certificate : read_request)(
			out, der, der_len, err);
	}
	OPENSSL_free(title);
	OPENSSL_free(header);
	OPENSSL_free(der);
	(void)BIO_free(bytes);
	ERR_clear_error();
	if (rc)
		dp_x509_release(out);
	return rc;
}

void dp_x509_release(struct dp_x509 *x509)
{
	json_decref(x509->alt_names);
	json_decref(x509->extensions);
	*x509 = (struct dp_x509){0};
}
