/* Requests before they are sent, and where they go; curl is asked what a URL means. */
#include "net/http.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>

#include "base/mem.h"

#define MAX_BODY_BYTES (1024 * 1024)

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

int dp_http_check_url(char out[DP_HTTP_PLACE], const char *text, struct deploy_error *err)
{
	CURLU *url = curl_url();
	char *scheme = NULL, *host = NULL, *port = NULL;
	bool is_good;

	is_good = url && curl_url_set(url, CURLUPART_URL, text, 0) == CURLUE_OK;
	if (is_good) {
		scheme = url_part(url, CURLUPART_SCHEME);
		host = url_part(url, CURLUPART_HOST);
		port = url_part(url, CURLUPART_PORT);
		is_good = scheme && strcmp(scheme, "https") == 0 && host && strlen(host) < 256 &&
			  port && !has_part(url, CURLUPART_USER) &&
			  !has_part(url, CURLUPART_QUERY) && !has_part(url, CURLUPART_FRAGMENT);
	}
	if (is_good)
		(void)snprintf(out, DP_HTTP_PLACE, "%s:%s", host, port);
	else
		(void)deploy_error_set(
			err, DEPLOY_CONFIG, "\"%s\" is not https://HOST[:PORT]", text);
	curl_free(scheme);
	curl_free(host);
	curl_free(port);
	curl_url_cleanup(url);
	return is_good ? 0 : err->code;
}
