/* Requests and certificates as a real CA sends them, and bytes that are neither. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/buf.h"
#include "puppet/x509.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void load(struct dp_buf *out, const char *file)
{
	char path[128];
	FILE *in;

	(void)snprintf(path, sizeof(path), "test/data/puppet/%s", file);
	in = fopen(path, "r");
	assert_non_null(in);
	dp_buf_init(out, 1 << 20);
	assert_int_equal(0, dp_buf_read(out, fileno(in)));
	(void)fclose(in);
}

static void parse(struct dp_x509 *out, enum dp_x509_kind kind, const char *file)
{
	struct deploy_error err = {.code = DEPLOY_OK};
	struct dp_buf pem;

	load(&pem, file);
	if (dp_x509_parse(out, kind, pem.data, pem.len, &err))
		fail_msg("%s: %s", file, err.text);
	dp_buf_release(&pem);
}

static void assert_json(const char *expected, const json_t *value)
{
	char *text = json_dumps(value, JSON_COMPACT);

	assert_string_equal(expected, text);
	free(text);
}

static void a_request_tells_what_it_asks_for(void **state)
{
	struct dp_x509 web1, web2, web3;
	struct dp_buf pem;
	char of_file[DP_FINGERPRINT];

	(void)state;
	parse(&web1, DP_X509_REQUEST, "web1.request.pem");
	assert_string_equal("web1", web1.name);
	/* openssl req -outform der | sha256sum */
	assert_string_equal("7D:0F:58:EB:8C:F7:0A:5F:9F:9C:89:74:2A:33:4E:21:3D:00:98:A0:F8:71:BA:"
			    "EA:34:53:02:D6:2B:9D:93:C8",
		web1.fingerprint);
	load(&pem, "web1.request.pem");
	dp_fingerprint_of(of_file, pem.data, pem.len);
	assert_string_equal(of_file, web1.file_fingerprint);
	assert_json("[]", web1.alt_names);
	assert_json("{}", web1.extensions);
	parse(&web2, DP_X509_REQUEST, "web2.request.pem");
	assert_json("[\"DNS:web2\",\"DNS:puppet\",\"IP:10.0.0.1\"]", web2.alt_names);
	parse(&web3, DP_X509_REQUEST, "web3.request.pem");
	assert_json("{\"pp_auth_role\":\"webmaster\"}", web3.extensions);
	dp_x509_release(&web1);
	dp_x509_release(&web2);
	dp_x509_release(&web3);
	dp_buf_release(&pem);
}

static void a_certificate_has_the_key_of_its_request(void **state)
{
	struct dp_x509 request, certificate, other;

	(void)state;
	parse(&request, DP_X509_REQUEST, "web1.request.pem");
	parse(&certificate, DP_X509_CERTIFICATE, "web1.certificate.pem");
	parse(&other, DP_X509_CERTIFICATE, "web1.other_certificate.pem");
	assert_string_equal("web1", certificate.name);
	assert_json("[\"DNS:web1\"]", certificate.alt_names);
	assert_memory_equal(request.key, certificate.key, DP_KEY_DIGEST);
	assert_memory_not_equal(request.key, other.key, DP_KEY_DIGEST);
	dp_x509_release(&request);
	dp_x509_release(&certificate);
	dp_x509_release(&other);
}

static void refuse(enum dp_x509_kind kind, const char *text, size_t len)
{
	struct deploy_error err = {.code = DEPLOY_OK};
	struct dp_x509 x509;

	assert_int_equal(DEPLOY_PROTOCOL, dp_x509_parse(&x509, kind, text, len, &err));
	assert_true(err.text[0]);
	assert_null(x509.alt_names);
}

static void what_is_neither_is_refused(void **state)
{
	static const char rest[] = "-----BEGIN CERTIFICATE REQUEST-----\nMAA=\n"
				   "-----END CERTIFICATE REQUEST-----\n";
	struct dp_buf pem;

	(void)state;
	refuse(DP_X509_REQUEST, "", 0);
	refuse(DP_X509_REQUEST, "Not Found", 9);
	refuse(DP_X509_REQUEST, rest, sizeof(rest) - 1);
	load(&pem, "web1.request.pem");
	refuse(DP_X509_CERTIFICATE, pem.data, pem.len);
	for (size_t len = 0; len + 2 < pem.len; len += 7)
		refuse(DP_X509_REQUEST, pem.data, len);
	dp_buf_release(&pem);
	load(&pem, "web1.certificate.pem");
	refuse(DP_X509_REQUEST, pem.data, pem.len);
	dp_buf_release(&pem);
	load(&pem, "twice.request.pem");
	refuse(DP_X509_REQUEST, pem.data, pem.len);
	dp_buf_release(&pem);
}

static void fingerprints_are_read_in_every_form(void **state)
{
#define BYTES "00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:"
	static const char *const good[] = {
		BYTES BYTES "\b",
		"SHA256:" BYTES BYTES "\b",
		"(SHA256) " BYTES BYTES "\b",
		"00112233445566778899aabbccddeeff00112233445566778899aAbBcCdDeEfF",
	};
	static const char *const bad[] = {
		"",
		"SHA256",
		BYTES BYTES,
		BYTES BYTES "00",
		BYTES,
		":00112233445566778899aabbccddeeff00112233445566778899aabbccddeef",
		"0:0112233445566778899aabbccddeeff00112233445566778899aabbccddeeff",
		"00::112233445566778899aabbccddeeff00112233445566778899aabbccddeeff",
		"g0112233445566778899aabbccddeeff00112233445566778899aabbccddeeff",
		"00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff0",
		"SHA1:00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff",
	};
	char out[DP_FINGERPRINT], text[128];

	(void)state;
	for (size_t i = 0; i < COUNT(good); i++) {
		size_t len = strlen(good[i]);

		/* The last colon is too much. */
		(void)snprintf(text, sizeof(text), "%.*s",
			(int)(good[i][len - 1] == '\b' ? len - 2 : len), good[i]);
		assert_true(dp_fingerprint_parse(out, text));
		assert_int_equal(DP_FINGERPRINT - 1, strlen(out));
		assert_memory_equal(BYTES BYTES, out, DP_FINGERPRINT - 1);
	}
	for (size_t i = 0; i < COUNT(bad); i++)
		if (dp_fingerprint_parse(out, bad[i]))
			fail_msg("\"%s\" is taken for a fingerprint", bad[i]);
}

/* How many certificates are trusted; -1: none, and this is said. */
static int trust(const struct dp_buf *bundle, const char *expected, const char *said)
{
	struct deploy_error err = {.code = DEPLOY_OK};
	struct dp_buf pem;
	int count = -1;

	dp_buf_init(&pem, DP_X509_MAX_BYTES);
	if (dp_x509_trust(&pem, dp_buf_text(bundle), bundle->len, expected, &err)) {
		assert_non_null(strstr(err.text, said));
		assert_int_equal(0, pem.len);
	} else {
		count = 0;
		for (const char *at = pem.data; (at = strstr(at, "BEGIN CERT")); at++)
			count++;
	}
	dp_buf_release(&pem);
	return count;
}

static void only_what_follows_from_a_fingerprint_is_trusted(void **state)
{
	char of_file[DP_FINGERPRINT];
	struct dp_x509 signer, root;
	struct deploy_error err = {0};
	struct dp_buf bundle, leaf;
	const char *second;

	(void)state;
	load(&bundle, "ca.pem");
	load(&leaf, "web1.certificate.pem");
	/* The CA that signs comes first, its root after it. */
	second = strstr(bundle.data + 1, "-----BEGIN");
	assert_int_equal(
		0, dp_x509_parse(&signer, DP_X509_CERTIFICATE, bundle.data, bundle.len, &err));
	assert_int_equal(
		0, dp_x509_parse(&root, DP_X509_CERTIFICATE, second, strlen(second), &err));
	dp_fingerprint_of(of_file, bundle.data, bundle.len);
	assert_int_equal(2, trust(&bundle, NULL, ""));
	assert_int_equal(2, trust(&bundle, of_file, ""));
	assert_int_equal(2, trust(&bundle, root.fingerprint, ""));
	/* Who is above it is not vouched for by it. */
	assert_int_equal(1, trust(&bundle, signer.fingerprint, ""));
	of_file[0] = of_file[0] == '0' ? '1' : '0';
	assert_int_equal(-1, trust(&bundle, of_file, signer.fingerprint));
	assert_int_equal(-1, trust(&leaf, NULL, "a certificate that is none"));
	dp_buf_clear(&leaf);
	assert_int_equal(-1, trust(&leaf, NULL, "no authority's certificate"));
	dp_x509_release(&signer);
	dp_x509_release(&root);
	dp_buf_release(&bundle);
	dp_buf_release(&leaf);
}

/* Of no use to anybody. */
static const char key[] = "-----BEGIN PRIVATE KEY-----\n"
			  "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgoN4gSCJnM2G6yAPw\n"
			  "PMIjfU7ZrrVgz4ZooC6Gg0YFfzChRANCAATSbiilaWSr9f10KRHfSeY8nr3j30At\n"
			  "nG2i7LwHGDDKb7dqO0KCnZZSo24tsBirhdUYG3+SejJy0KCaZEtncN1I\n"
			  "-----END PRIVATE KEY-----\n";

static void a_request_of_ours_is_one(void **state)
{
	struct deploy_error err = {.code = DEPLOY_OK};
	struct dp_x509 request;
	struct dp_buf pem;

	(void)state;
	dp_buf_init(&pem, DP_X509_MAX_BYTES);
	assert_int_equal(0, dp_x509_make_request(&pem, "ctl.example.net", key, &err));
	assert_int_equal(0, dp_x509_parse(&request, DP_X509_REQUEST, pem.data, pem.len, &err));
	assert_string_equal("ctl.example.net", request.name);
	assert_json("[]", request.alt_names);
	dp_x509_release(&request);
	dp_buf_clear(&pem);
	assert_int_equal(DEPLOY_CONFIG, dp_x509_make_request(&pem, "ctl", "no key", &err));
	assert_int_equal(0, pem.len);
	dp_buf_release(&pem);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_request_tells_what_it_asks_for),
		cmocka_unit_test(a_certificate_has_the_key_of_its_request),
		cmocka_unit_test(what_is_neither_is_refused),
		cmocka_unit_test(fingerprints_are_read_in_every_form),
		cmocka_unit_test(only_what_follows_from_a_fingerprint_is_trusted),
		cmocka_unit_test(a_request_of_ours_is_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
