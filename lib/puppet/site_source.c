/* The document of a site, from the Puppet Server that compiles it. */
#include "deploy/site.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "puppet/ca.h"

static int check_environment(const char *name, struct deploy_error *err)
{
	size_t len = strlen(name);

	if (len && strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				"0123456789_") == len)
		return 0;
	return deploy_error_set(err, DEPLOY_USAGE,
		"\"%s\" cannot be a Puppet environment: expected letters, digits and _", name);
}

static int check_response(const struct dp_ca *ca, const char *environment,
	const struct dp_http_response *response, struct deploy_error *err)
{
	if (response->status == 404) {
		(void)deploy_error_set(err, DEPLOY_PROTOCOL,
			"%s: no site graph of environment %s (404): there is no such environment, "
			"or the server is of version 7 or later, which has none of any",
			ca->place, environment);
		deploy_error_hint(err, "give the graph as a file: --site FILE, or --site - for "
				       "stdin, as JSON or YAML");
		return err->code;
	}
	/* Servers that know nothing of site graphs also say so, unless a rule lets them be asked.
	 */
	if (response->status == 401 || response->status == 403) {
		(void)deploy_error_set(err, DEPLOY_AUTH,
			"%s: forbidden (%d): %s may not ask for the site graph of %s; from version "
			"7 on no server has one, and a file is needed",
			ca->place, response->status, ca->server.cert_file, environment);
		deploy_error_hint(err,
			"in puppetserver/conf.d/auth.conf add a rule: match-request: {path: "
			"\"/puppet/v3/environment/\", type: path, method: get}, allow: our "
			"certname, sort-order: 500, name: \"site graph\"; reload puppetserver");
		return err->code;
	}
	return dp_ca_check(ca, response, err);
}

static int ask(char **out, size_t *len, const struct dp_ca *ca, struct dp_http *http,
	const char *environment, int signal_fd, struct deploy_error *err)
{
	char *url = dp_xasprintf("%s/puppet/v3/environment/%s", ca->url, environment);
	struct dp_http_request *request = dp_http_request_new(&ca->server, "GET", url);
	const struct dp_http_response *response;

	free(url);
	request->accept = "application/json";
	request->max_bytes = DEPLOY_SITE_MAX_BYTES;
	if (dp_ca_await(&response, http, request, signal_fd, err) ||
		check_response(ca, environment, response, err))
		return err->code;
	*len = response->body_len;
	*out = dp_xstrndup(response->body, response->body_len);
	return 0;
}

int deploy_site_fetch(char **out, size_t *len, const struct deploy_ca_settings *settings,
	const char *environment, int signal_fd, struct deploy_error *err)
{
	struct dp_http *http = NULL;
	struct dp_ca ca;

	*out = NULL;
	*len = 0;
	if (check_environment(environment, err) || dp_ca_init(&ca, settings, err))
		return err->code;
	if (!dp_http_new(&http, err))
		(void)ask(out, len, &ca, http, environment, signal_fd, err);
	dp_http_free(http);
	dp_ca_release(&ca);
	return err->code;
}
