/* A certificate of our own: the CA's certificate, a key, a request, and patience. */
#include "puppet/ca.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"
#include "model/file_check.h"
#include "puppet/ca_keep.h"
#include "puppet/x509.h"

#define WAIT_MS 240000
#define POLL_MS 10000

struct own {
	const struct deploy_ca_settings *settings;
	const struct deploy_ca_request_options *options;
	struct dp_ca ca; /* without our certificate: we have none yet */
	struct dp_http *http;
	struct dp_file key;
	struct dp_buf request_pem;
	struct dp_x509 request;
};

static bool is_there(const char *path)
{
	return access(path, F_OK) == 0;
}

/* Errors: also those of the response's status, except 404 and refused, which out tells. */
static int ask(const struct dp_http_response **out, struct own *own,
	struct dp_http_request *request, int refused, struct deploy_error *err)
{
	if (dp_ca_await(out, own->http, request, own->options->signal_fd, err))
		return err->code;
	if ((*out)->status == 404 || (*out)->status == refused)
		return 0;
	return dp_ca_check(&own->ca, *out, err);
}

static int ask_whether_to_trust(
	const struct own *own, const struct dp_http_response *response, struct deploy_error *err)
{
	char fingerprint[DP_FINGERPRINT];

	dp_fingerprint_of(fingerprint, response->body, response->body_len);
	(void)deploy_error_set(err, DEPLOY_AUTH,
		"%s: its CA's certificate has the fingerprint %s, and nothing says whether that is "
		"right",
		own->ca.place, fingerprint);
	deploy_error_hint(err, "compare it on the CA with 'sha256sum ca_crt.pem', and give it; or "
			       "say that it may be trusted on first use");
	return err->code;
}

static int keep_authority(
	struct own *own, const struct dp_http_response *response, struct deploy_error *err)
{
	const char *given = own->options->ca_fingerprint;
	char expected[DP_FINGERPRINT];
	struct dp_buf pem;
	int rc;

	if (given && !dp_fingerprint_parse(expected, given))
		return deploy_error_set(err, DEPLOY_USAGE,
			"the CA's fingerprint is no SHA-256, 32 bytes as AB:CD:…");
	if (!given && !own->options->trusts_first_use)
		return ask_whether_to_trust(own, response, err);
	dp_buf_init(&pem, DP_X509_MAX_BYTES * 2);
	rc = dp_x509_trust(&pem, response->body, response->body_len, given ? expected : NULL, err);
	if (rc)
		(void)deploy_error_wrap(err, "%s", own->ca.place);
	else
		rc = dp_ca_keep(own->settings->ca_file, dp_buf_text(&pem), pem.len, 0644, err);
	dp_buf_release(&pem);
	return rc;
}

/* Trust the CA from now on; what it sends before that is only believed with its fingerprint. */
static int find_authority(struct own *own, struct deploy_error *err)
{
	const struct dp_http_response *response;
	int rc = 0;

	if (!is_there(own->settings->ca_file)) {
		rc = ask(&response, own, dp_ca_get(&own->ca, "certificate", "ca"), 0, err);
		if (!rc && response->status == 404)
			rc = deploy_error_set(err, DEPLOY_PROTOCOL,
				"%s: no Puppet CA answers there", own->ca.place);
		if (!rc)
			rc = keep_authority(own, response, err);
	}
	if (!rc)
		own->ca.server.ca_file = dp_xstrdup(own->settings->ca_file);
	return rc;
}

static int make_key(const char *path, struct deploy_error *err)
{
	struct dp_buf pem;
	int rc;

	dp_buf_init(&pem, DP_X509_MAX_BYTES);
	rc = dp_x509_make_key(&pem, err);
	if (!rc)
		rc = dp_ca_keep(path, dp_buf_text(&pem), pem.len, 0600, err);
	dp_buf_wipe(&pem);
	return rc;
}

static int prepare_request(struct own *own, struct deploy_error *err)
{
	const char *path = own->settings->key_file;
	int rc = is_there(path) ? 0 : make_key(path, err);

	if (!rc)
		rc = dp_file_check_key(path, err);
	if (!rc)
		rc = dp_file_read(&own->key, path, err);
	if (!rc && dp_x509_make_request(&own->request_pem, own->options->certname,
			   dp_buf_text(&own->key.text), err))
		rc = deploy_error_wrap(err, "%s", path);
	if (!rc)
		rc = dp_x509_parse(&own->request, DP_X509_REQUEST, own->request_pem.data,
			own->request_pem.len, err);
	return rc;
}

/* Whether pem is a certificate for our name and key, by the CA that we trust. */
static int check_certificate(struct own *own, const char *pem, size_t len, struct deploy_error *err)
{
	struct dp_x509 certificate;
	struct dp_file ca;
	int rc = dp_x509_parse(&certificate, DP_X509_CERTIFICATE, pem, len, err);

	if (rc)
		return rc;
	if (strcmp(certificate.name, own->options->certname) != 0)
		rc = deploy_error_set(err, DEPLOY_AUTH, "the certificate is for %s, not for %s",
			certificate.name, own->options->certname);
	else if (memcmp(certificate.key, own->request.key, sizeof(certificate.key)) != 0)
		rc = deploy_error_set(err, DEPLOY_AUTH,
			"the certificate for %s is for another key than %s", certificate.name,
			own->settings->key_file);
	dp_x509_release(&certificate);
	if (rc) {
		deploy_error_hint(err, "clean it at the CA, or take another certname");
		return rc;
	}
	rc = dp_file_read(&ca, own->settings->ca_file, err);
	if (!rc)
		rc = dp_x509_verify(pem, dp_buf_text(&ca.text), err);
	dp_file_release(&ca);
	return rc;
}

static int check_own_file(struct own *own, struct deploy_error *err)
{
	struct dp_file file;
	int rc = dp_file_read(&file, own->settings->cert_file, err);

	if (!rc && check_certificate(own, dp_buf_text(&file.text), file.text.len, err))
		rc = deploy_error_wrap(err, "%s", own->settings->cert_file);
	dp_file_release(&file);
	return rc;
}

static int check_other_request(
	struct own *own, const struct dp_http_response *response, struct deploy_error *err)
{
	struct dp_x509 other;

	if (response->status != 404 &&
		!dp_x509_parse(&other, DP_X509_REQUEST, response->body, response->body_len, err)) {
		bool is_ours = memcmp(other.key, own->request.key, sizeof(other.key)) == 0;

		(void)memcpy(own->request.fingerprint, other.fingerprint, DP_FINGERPRINT);
		dp_x509_release(&other);
		if (is_ours)
			return 0;
	}
	if (!err->code)
		(void)deploy_error_set(err, DEPLOY_AUTH,
			"%s refuses our request: it has another one, or a revoked certificate, for "
			"%s",
			own->ca.place, own->options->certname);
	deploy_error_hint(err, "clean it at the CA, or take another certname");
	return err->code;
}

/* The CA takes one request for a name; that it has one may be from our last time. */
static int submit(struct own *own, struct deploy_error *err)
{
	const char *name = own->options->certname;
	const struct dp_http_response *response;
	struct dp_http_request *request =
		dp_ca_put_request(&own->ca, name, dp_buf_text(&own->request_pem));

	if (ask(&response, own, request, 400, err))
		return err->code;
	if (response->status < 300)
		return 0;
	request = dp_ca_get(&own->ca, "certificate_request", name);
	if (ask(&response, own, request, 0, err))
		return err->code;
	return check_other_request(own, response, err);
}

/* *done: whether there was a certificate, which is then kept. */
static int fetch(bool *done, struct own *own, struct deploy_error *err)
{
	const struct dp_http_response *response;
	int rc = ask(
		&response, own, dp_ca_get(&own->ca, "certificate", own->options->certname), 0, err);

	*done = false;
	if (rc || response->status == 404)
		return rc;
	if (check_certificate(own, response->body, response->body_len, err))
		return deploy_error_wrap(err, "%s", own->ca.place);
	*done = true;
	return dp_ca_keep(own->settings->cert_file, response->body, response->body_len, 0644, err);
}

static int wait_for_certificate(struct own *own, struct deploy_error *err)
{
	const struct deploy_ca_request_options *options = own->options;
	long long wait_ms = options->wait_ms ? options->wait_ms : WAIT_MS;
	long long poll_ms = options->poll_ms ? options->poll_ms : POLL_MS;
	int64_t end_us = dp_clock_us() + wait_ms * 1000;
	bool done = false;
	int rc = 0;

	if (options->waiting)
		options->waiting(options->waiting_arg, own->request.fingerprint);
	while (!rc && !done) {
		int64_t left_ms = (end_us - dp_clock_us()) / 1000;

		if (left_ms <= 0) {
			(void)deploy_error_set(err, DEPLOY_TIMEOUT,
				"%s: nobody signed the request for %s within %g s", own->ca.place,
				options->certname, (double)wait_ms / 1000);
			deploy_error_hint(err, "sign it at the CA, and run this again; %s",
				own->request.fingerprint);
			return err->code;
		}
		rc = dp_ca_pause(options->signal_fd, left_ms < poll_ms ? left_ms : poll_ms, err);
		if (!rc)
			rc = fetch(&done, own, err);
	}
	return rc;
}

static int run(bool *changed, struct own *own, struct deploy_error *err)
{
	bool done = false;
	int rc = find_authority(own, err);

	if (!rc)
		rc = prepare_request(own, err);
	if (rc)
		return rc;
	if (is_there(own->settings->cert_file))
		return check_own_file(own, err);
	rc = fetch(&done, own, err);
	if (!rc && !done)
		rc = submit(own, err);
	if (!rc && !done)
		rc = wait_for_certificate(own, err);
	*changed = rc == 0;
	return rc;
}

int deploy_ca_request(bool *changed, const struct deploy_ca_settings *settings,
	const struct deploy_ca_request_options *options, struct deploy_error *err)
{
	struct own own = {.settings = settings, .options = options};
	int rc;

	*changed = false;
	if (!settings->ca_file || !settings->cert_file || !settings->key_file)
		return deploy_error_set(err, DEPLOY_CONFIG,
			"the files for the CA's certificate, our certificate and our key are not "
			"all known");
	if (dp_ca_check_name(options->certname, err))
		return deploy_error_wrap(err, "%s", options->certname);
	dp_buf_init(&own.request_pem, DP_X509_MAX_BYTES);
	rc = dp_ca_init_stranger(&own.ca, settings, err);
	if (!rc)
		rc = dp_http_new(&own.http, err);
	if (!rc)
		rc = run(changed, &own, err);
	dp_http_free(own.http);
	dp_ca_release(&own.ca);
	dp_file_release(&own.key);
	dp_x509_release(&own.request);
	dp_buf_release(&own.request_pem);
	return rc;
}
