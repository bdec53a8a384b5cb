/* The Puppet CA's API, /puppet-ca/v1: settings, requests, and what its statuses mean. */
#include "puppet/ca.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "deploy/nodeset.h"
#include "deploy/text.h"
#include "model/file_check.h"

#define CONNECT_TIMEOUT_MS 10000
#define TIMEOUT_MS	   60000
#define MAX_QUOTED_BYTES   200 /* of what a server says about a failure */

const char *deploy_ca_state_name(enum deploy_ca_state state)
{
	switch (state) {
	case DEPLOY_CA_REQUESTED:
		return "requested";
	case DEPLOY_CA_SIGNED:
		return "signed";
	case DEPLOY_CA_REVOKED:
		return "revoked";
	}
	return "unknown state";
}

int dp_ca_init_stranger(
	struct dp_ca *ca, const struct deploy_ca_settings *settings, struct deploy_error *err)
{
	size_t len = settings->url ? strlen(settings->url) : 0;

	*ca = (struct dp_ca){
		.server = {.connect_timeout_ms = settings->connect_timeout_ms
							 ? settings->connect_timeout_ms
							 : CONNECT_TIMEOUT_MS,
			.timeout_ms = settings->timeout_ms ? settings->timeout_ms : TIMEOUT_MS},
	};
	if (!settings->url) {
		(void)deploy_error_set(err, DEPLOY_CONFIG, "the Puppet CA's URL is not known");
		return err->code;
	}
	while (len && settings->url[len - 1] == '/')
		len--;
	ca->url = dp_xstrndup(settings->url, len);
	return dp_http_check_url(ca->place, ca->url, err);
}

/* NULL and an error unless path can be read. */
static char *readable(const char *path, const char *what, struct deploy_error *err)
{
	if (path && access(path, R_OK) == 0)
		return dp_xstrdup(path);
	if (path)
		(void)deploy_error_set(err, DEPLOY_CONFIG, "%s: %s", path, strerror(errno));
	else
		(void)deploy_error_set(err, DEPLOY_CONFIG,
			"the file with %s for the Puppet CA is not known", what);
	return NULL;
}

int dp_ca_init(
	struct dp_ca *ca, const struct deploy_ca_settings *settings, struct deploy_error *err)
{
	int rc = dp_ca_init_stranger(ca, settings, err);

	if (!rc) {
		ca->server.ca_file = readable(settings->ca_file, "its certificate", err);
		ca->server.cert_file = readable(settings->cert_file, "our certificate", err);
		ca->server.key_file = readable(settings->key_file, "our private key", err);
		rc = err->code;
	}
	if (!rc)
		rc = dp_file_check_key(ca->server.key_file, err);
	if (rc)
		dp_ca_release(ca);
	return rc;
}

/* They are const for everybody else. */
static void free_text(const char *text)
{
	union {
		const char *text;
		void *owned;
	} pointer = {.text = text};

	free(pointer.owned);
}

void dp_ca_release(struct dp_ca *ca)
{
	free(ca->url);
	free_text(ca->server.ca_file);
	free_text(ca->server.cert_file);
	free_text(ca->server.key_file);
	*ca = (struct dp_ca){0};
}

int dp_ca_check_name(const char *name, struct deploy_error *err)
{
	size_t len = strlen(name);

	if (!deploy_identity_is_valid(name, len) || strspn(name, ".") == len)
		return deploy_error_set(err, DEPLOY_USAGE, "not a certname");
	if (strpbrk(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"))
		return deploy_error_set(
			err, DEPLOY_USAGE, "not a certname: those are in lower case");
	return 0;
}

static struct dp_http_request *new_request(
	const struct dp_ca *ca, const char *method, const char *kind, const char *name)
{
	char *url = dp_xasprintf("%s/puppet-ca/v1/%s/%s", ca->url, kind, name);
	struct dp_http_request *request = dp_http_request_new(&ca->server, method, url);

	free(url);
	return request;
}

struct dp_http_request *dp_ca_get(const struct dp_ca *ca, const char *kind, const char *name)
{
	struct dp_http_request *request = new_request(ca, "GET", kind, name);

	request->accept =
		strncmp(kind, "certificate_status", 18) == 0 ? "application/json" : "text/plain";
	return request;
}

struct dp_http_request *dp_ca_put_state(const struct dp_ca *ca, const char *name, const char *state)
{
	struct dp_http_request *request = new_request(ca, "PUT", "certificate_status", name);

	request->content_type = "application/json";
	request->body = dp_xasprintf("{\"desired_state\":\"%s\"}", state);
	return request;
}

struct dp_http_request *dp_ca_put_request(const struct dp_ca *ca, const char *name, const char *pem)
{
	struct dp_http_request *request = new_request(ca, "PUT", "certificate_request", name);

	request->content_type = "text/plain";
	request->body = dp_xstrdup(pem);
	return request;
}

struct dp_http_request *dp_ca_delete(const struct dp_ca *ca, const char *name)
{
	return new_request(ca, "DELETE", "certificate_status", name);
}

/* Server's own words: one line, printable, not too many. Caller frees. */
static char *quoted(const struct dp_http_response *response)
{
	size_t len = response->body_len;

	while (len && (response->body[len - 1] == '\n' || response->body[len - 1] == '\r'))
		len--;
	return deploy_text_escape(response->body, len < MAX_QUOTED_BYTES ? len : MAX_QUOTED_BYTES);
}

static int refuse_forbidden(const struct dp_ca *ca, struct deploy_error *err)
{
	(void)deploy_error_set(err, DEPLOY_AUTH,
		"%s: forbidden (403): %s has no right to the CA's API", ca->place,
		ca->server.cert_file ? ca->server.cert_file : "who shows no certificate");
	deploy_error_hint(err,
		"stop puppetserver, get one with 'puppetserver ca generate --ca-client --certname "
		"NAME'; or allow our certname in puppetserver/conf.d/auth.conf, in the rules for "
		"certificate_status and certificate_statuses");
	return err->code;
}

int dp_ca_check(
	const struct dp_ca *ca, const struct dp_http_response *response, struct deploy_error *err)
{
	int status = response->status;
	char *words;

	if (response->err.code) {
		(void)deploy_error_set(err, response->err.code, "%s", response->err.text);
		if (response->err.hint[0])
			deploy_error_hint(err, "%s", response->err.hint);
		return err->code;
	}
	if (status < 300)
		return 0;
	if (status == 401 || status == 403)
		return refuse_forbidden(ca, err);
	words = quoted(response);
	(void)deploy_error_set(err, DEPLOY_PROTOCOL, "%s answers %d%s%s", ca->place, status,
		*words ? ": " : "", words);
	free(words);
	if (status == 503)
		deploy_error_hint(err, "Puppet Server may still be starting");
	return err->code;
}
