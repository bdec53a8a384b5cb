/*
 * Any bytes as what a CA sends: a request, a certificate, authorities, or the JSON about them. What
 * is taken is whole, and fit to be shown. Corpus: test/data/puppet.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "base/buf.h"
#include "deploy/nodeset.h"
#include "deploy/text.h"
#include "puppet/ca.h"
#include "puppet/x509.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int holds)
{
	if (!holds)
		abort();
}

/* Escaping it again changes nothing but backslashes: there is nothing unsafe in it. */
static void check_shown(const json_t *text)
{
	const char *bytes = json_string_value(text);

	require(bytes && deploy_text_is_utf8(bytes, json_string_length(text)));
	for (; *bytes; bytes++)
		require((unsigned char)*bytes >= ' ' && *bytes != 0x7f);
}

static void check_wishes(const json_t *alt_names, json_t *extensions)
{
	const char *key;
	json_t *value;
	size_t i;

	json_array_foreach(alt_names, i, value) check_shown(value);
	json_object_foreach(extensions, key, value) check_shown(value);
}

static void check_print(const char *fingerprint)
{
	char out[DP_FINGERPRINT];

	require(dp_fingerprint_parse(out, fingerprint) && strcmp(out, fingerprint) == 0);
}

static void check_x509(enum dp_x509_kind kind, const char *bytes, size_t size)
{
	struct deploy_error err = {.code = DEPLOY_OK};
	struct dp_x509 x509;

	if (dp_x509_parse(&x509, kind, bytes, size, &err)) {
		require(err.code == DEPLOY_PROTOCOL && err.text[0] && !x509.alt_names);
		return;
	}
	require(x509.name[0] != '\0');
	check_print(x509.fingerprint);
	check_print(x509.file_fingerprint);
	check_wishes(x509.alt_names, x509.extensions);
	dp_x509_release(&x509);
}

static void check_trust(const char *bytes, size_t size)
{
	struct deploy_error err = {.code = DEPLOY_OK};
	struct dp_buf pem;

	dp_buf_init(&pem, DP_X509_MAX_BYTES);
	if (dp_x509_trust(&pem, bytes, size, NULL, &err) == 0)
		require(pem.len == size);
	dp_buf_release(&pem);
}

/* The bytes inside of PEM, where changes reach what is parsed. */
static void check_wrapped(
	enum dp_x509_kind kind, const char *title, const uint8_t *der, size_t size)
{
	struct dp_buf pem;

	if (size == 0 || der[0] != 0x30)
		return;
	dp_buf_init(&pem, DP_X509_MAX_BYTES);
	dp_buf_addf(&pem, "-----BEGIN %s-----\n", title);
	for (size_t at = 0; at < size; at += 48) {
		dp_base64_encode(&pem, der + at, size - at < 48 ? size - at : 48);
		dp_buf_add_byte(&pem, '\n');
	}
	dp_buf_addf(&pem, "-----END %s-----\n", title);
	check_x509(kind, dp_buf_text(&pem), pem.len);
	if (kind == DP_X509_CERTIFICATE)
		check_trust(dp_buf_text(&pem), pem.len);
	dp_buf_release(&pem);
}

static void check_list(const char *bytes, size_t size)
{
	struct deploy_error err = {.code = DEPLOY_OK};
	struct deploy_ca_list *list;

	if (dp_ca_list_parse(&list, bytes, size, &err)) {
		require(err.code == DEPLOY_PROTOCOL && err.text[0] && !list);
		return;
	}
	for (size_t i = 0; i < list->count; i++) {
		const struct deploy_ca_entry *entry = &list->entries[i];

		require(deploy_identity_is_valid(entry->name, strlen(entry->name)));
		check_print(entry->fingerprint);
		check_wishes(entry->alt_names, entry->extensions);
		require(deploy_ca_list_find(list, entry->name) == entry);
	}
	deploy_ca_list_free(list);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *bytes = (const char *)data;

	check_wrapped(DP_X509_REQUEST, "CERTIFICATE REQUEST", data, size);
	check_wrapped(DP_X509_CERTIFICATE, "CERTIFICATE", data, size);
	check_x509(DP_X509_REQUEST, bytes, size);
	check_x509(DP_X509_CERTIFICATE, bytes, size);
	check_trust(bytes, size);
	check_list(bytes, size);
	return 0;
}
