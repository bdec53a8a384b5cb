/* Requests before they are sent, and where they go; curl is asked what a URL means. */
#include "net/http.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>

#include "base/mem.h"

#define MAX_BODY_BYTES (1024 * 1024)

/* A scheme by which libcurl connects without TLS. */
#define PROBE_SCHEME "http"

struct dp_http_request *dp_http_request_new(
	const struct dp_http_server *server, const char *method, const char *url)
{
	struct dp_http_request *request = dp_xcalloc(1, sizeof(*request));

	request->server = server;
	request->method = method;
	request->url = dp_xstrdup(url);
	request->max_bytes = MAX_BODY_BYTES;
	return request;
}

struct dp_http_request *dp_http_probe_new(const char *host, unsigned port, long long timeout_ms)
{
	bool is_ipv6 = strchr(host, ':') && host[0] != '[';
	char *url = dp_xasprintf(
		PROBE_SCHEME "://%s%s%s:%u", is_ipv6 ? "[" : "", host, is_ipv6 ? "]" : "", port);
	struct dp_http_request *request = dp_http_request_new(NULL, "GET", url);

	free(url);
	request->is_probe = true;
	request->probed =
		(struct dp_http_server){.connect_timeout_ms = timeout_ms, .timeout_ms = timeout_ms};
	request->server = &request->probed;
	return request;
}

void dp_http_request_free(struct dp_http_request *request)
{
	if (!request)
		return;
	free(request->url);
	free(request->body);
	free(request);
}

/* "" if the URL has no such part. Freed with curl_free(). */
static char *url_part(CURLU *url, CURLUPart part)
{
	char *text = NULL;

	(void)curl_url_get(url, part, &text, CURLU_DEFAULT_PORT);
	return text;
}

static bool has_part(CURLU *url, CURLUPart part)
{
	char *text = url_part(url, part);

	curl_free(text);
	return text != NULL;
}

/* True if the URL has that scheme, and beside it names a host and a port, and at most a path. */
static bool read_place(char out[DP_HTTP_PLACE], CURLU *url, const char *wanted)
{
	char *scheme = url_part(url, CURLUPART_SCHEME);
	char *host = url_part(url, CURLUPART_HOST);
	char *port = url_part(url, CURLUPART_PORT);
	bool is_good = scheme && strcmp(scheme, wanted) == 0 && host && strlen(host) < 256 &&
		       port && !has_part(url, CURLUPART_USER) && !has_part(url, CURLUPART_QUERY) &&
		       !has_part(url, CURLUPART_FRAGMENT);

	if (is_good)
		(void)snprintf(out, DP_HTTP_PLACE, "%s:%s", host, port);
	curl_free(scheme);
	curl_free(host);
	curl_free(port);
	return is_good;
}

int dp_http_check_url(char out[DP_HTTP_PLACE], const char *text, struct deploy_error *err)
{
	CURLU *url = curl_url();
	bool is_good = url && curl_url_set(url, CURLUPART_URL, text, 0) == CURLUE_OK &&
		       read_place(out, url, "https");

	curl_url_cleanup(url);
	return is_good ? 0
		       : deploy_error_set(
				 err, DEPLOY_CONFIG, "\"%s\" is not https://HOST[:PORT]", text);
}

/* What is no host could otherwise name another one, or a part of the URL. */
int dp_http_check_probe(char out[DP_HTTP_PLACE], const char *text, struct deploy_error *err)
{
	static const char scheme[] = PROBE_SCHEME "://";
	CURLU *url = curl_url();
	char *path = NULL;
	bool is_good = url && curl_url_set(url, CURLUPART_URL, text, 0) == CURLUE_OK &&
		       read_place(out, url, PROBE_SCHEME);

	if (is_good)
		path = url_part(url, CURLUPART_PATH);
	is_good = path && strcmp(path, "/") == 0 && text[strlen(text) - 1] != '/';
	curl_free(path);
	curl_url_cleanup(url);
	return is_good ? 0
		       : deploy_error_set(err, DEPLOY_CONFIG, "%s: no name or address of a host",
				 text + strlen(scheme));
}
