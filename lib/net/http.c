/* HTTPS by libcurl's multi interface: see http.h. What is sent is made in http_request.c. */
#include "net/http.h"

#include <assert.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"
#include "deploy/text.h"

#define MAX_HEADER_BYTES (64 * 1024)

/*
 * What curl hands on of OpenSSL's X509_V_ERR_*. Where it found the chain good and only the name
 * wrong it hands on one of the first two, as its version will have it.
 */
enum { CHAIN_GOOD = 0, CHAIN_NOT_SAID = 1, CHAIN_TOO_EARLY = 9, CHAIN_EXPIRED = 10 };

/* A request from its start until its response was taken. */
struct transfer {
	struct dp_http_response response;
	struct dp_http_request *request;
	char place[DP_HTTP_PLACE];
	CURL *easy; /* NULL unless under way */
	struct curl_slist *headers;
	struct dp_buf body;
	size_t header_bytes;
	char why[CURL_ERROR_SIZE];
	char alert[64]; /* with which the server ended TLS; "" for none */
	struct transfer *next;
};

struct queue {
	struct transfer *first, **end; /* end: where the next one is hung in */
};

struct dp_http {
	CURLM *multi;
	struct queue waiting, finished;
	struct transfer *active[DP_HTTP_MAX_ACTIVE]; /* NULL where there is room */
	struct transfer *taken;			     /* what dp_http_next() has lent */
	uint64_t last_id;
	int64_t wake_us; /* when curl wants to be called; -1: whenever */
	struct pollfd fds[DP_HTTP_MAX_FDS];
	size_t fd_count;
};

static void queue_init(struct queue *queue)
{
	queue->first = NULL;
	queue->end = &queue->first;
}

static void queue_add(struct queue *queue, struct transfer *transfer)
{
	transfer->next = NULL;
	*queue->end = transfer;
	queue->end = &transfer->next;
}

static struct transfer *queue_take(struct queue *queue)
{
	struct transfer *transfer = queue->first;

	if (transfer) {
		queue->first = transfer->next;
		if (!queue->first)
			queue->end = &queue->first;
	}
	return transfer;
}

static size_t on_body(char *bytes, size_t one, size_t len, void *arg)
{
	struct transfer *transfer = arg;

	(void)one;
	dp_buf_add(&transfer->body, bytes, len);
	return transfer->body.overflow ? 0 : len;
}

static size_t on_header(char *bytes, size_t one, size_t len, void *arg)
{
	struct transfer *transfer = arg;

	(void)bytes;
	(void)one;
	transfer->header_bytes += len;
	return transfer->header_bytes > MAX_HEADER_BYTES ? 0 : len;
}

/*
 * Among what curl tells of its doings is the one alert that says why a server does not want us; in
 * the error it may be hidden by what followed from it.
 */
static int on_remark(CURL *easy, curl_infotype type, char *bytes, size_t len, void *arg)
{
	static const char mark[] = "(IN), TLS alert, ";
	struct transfer *transfer = arg;
	char line[256];
	const char *alert;

	(void)easy;
	if (type != CURLINFO_TEXT)
		return 0;
	(void)snprintf(line, sizeof(line), "%.*s", (int)len, bytes);
	alert = strstr(line, mark);
	if (!alert || strstr(alert, "close notify"))
		return 0;
	alert += strlen(mark);
	(void)snprintf(transfer->alert, sizeof(transfer->alert), "%.*s", (int)strcspn(alert, "(\n"),
		alert);
	return 0;
}

/* Programs that are started later are not to inherit it. */
static int on_new_socket(void *arg, curl_socket_t fd, curlsocktype purpose)
{
	(void)arg;
	(void)purpose;
	return fcntl(fd, F_SETFD, FD_CLOEXEC) < 0 ? CURL_SOCKOPT_ERROR : CURL_SOCKOPT_OK;
}

#define SET(option, value)                                                                         \
	do {                                                                                       \
		if (!rc)                                                                           \
			rc = curl_easy_setopt(easy, option, value);                                \
	} while (0)

/* Whom we trust, and who we are. What curl was built with as its authorities must not count. */
static CURLcode set_up_tls(CURL *easy, const struct dp_http_server *server)
{
	CURLcode rc = CURLE_OK;

	SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	SET(CURLOPT_SSL_VERIFYPEER, server->ca_file ? 1L : 0L);
	SET(CURLOPT_SSL_VERIFYHOST, server->ca_file ? 2L : 0L);
	SET(CURLOPT_CAPATH, (char *)NULL);
	SET(CURLOPT_CAINFO, server->ca_file);
	if (server->cert_file) {
		SET(CURLOPT_SSLCERT, server->cert_file);
		SET(CURLOPT_SSLKEY, server->key_file);
		/* Or OpenSSL would ask on the terminal for the password of a locked key. */
		SET(CURLOPT_KEYPASSWD, "");
	}
	return rc;
}

static CURLcode set_up_request(struct transfer *transfer)
{
	const struct dp_http_request *request = transfer->request;
	CURL *easy = transfer->easy;
	CURLcode rc = CURLE_OK;

	SET(CURLOPT_URL, request->url);
	SET(CURLOPT_CUSTOMREQUEST, request->method);
	SET(CURLOPT_HTTPHEADER, transfer->headers);
	if (request->body) {
		SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)strlen(request->body));
		SET(CURLOPT_POSTFIELDS, request->body);
	}
	SET(CURLOPT_CONNECTTIMEOUT_MS, (long)request->server->connect_timeout_ms);
	SET(CURLOPT_TIMEOUT_MS, (long)request->server->timeout_ms);
	SET(CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)request->max_bytes);
	SET(CURLOPT_WRITEFUNCTION, on_body);
	SET(CURLOPT_WRITEDATA, transfer);
	SET(CURLOPT_HEADERFUNCTION, on_header);
	SET(CURLOPT_HEADERDATA, transfer);
	SET(CURLOPT_PRIVATE, transfer);
	SET(CURLOPT_ERRORBUFFER, transfer->why);
	SET(CURLOPT_DEBUGFUNCTION, on_remark);
	SET(CURLOPT_DEBUGDATA, transfer);
	SET(CURLOPT_VERBOSE, 1L);
	return rc;
}

/* A connection that was made before says nothing, and one that was made for this is not kept. */
static CURLcode set_up_probe(CURL *easy)
{
	CURLcode rc = CURLE_OK;

	SET(CURLOPT_PROTOCOLS_STR, "http");
	SET(CURLOPT_CONNECT_ONLY, 1L);
	SET(CURLOPT_FRESH_CONNECT, 1L);
	SET(CURLOPT_FORBID_REUSE, 1L);
	return rc;
}

static CURLcode set_up_rules(CURL *easy)
{
	CURLcode rc = CURLE_OK;

	SET(CURLOPT_PROTOCOLS_STR, "https");
	SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	SET(CURLOPT_FOLLOWLOCATION, 0L);
	SET(CURLOPT_PROXY, ""); /* not even the one of the environment */
	SET(CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
	SET(CURLOPT_NOSIGNAL, 1L);
	SET(CURLOPT_QUICK_EXIT, 1L); /* do not wait for a name server that is silent */
	SET(CURLOPT_PATH_AS_IS, 1L);
	SET(CURLOPT_SOCKOPTFUNCTION, on_new_socket);
	return rc;
}
#undef SET

static void add_header(struct transfer *transfer, const char *name, const char *value)
{
	char *line = dp_xasprintf("%s:%s%s", name, *value ? " " : "", value);
	struct curl_slist *list = curl_slist_append(transfer->headers, line);

	free(line);
	assert(list);
	transfer->headers = list;
}

static void clean_up(struct transfer *transfer)
{
	curl_easy_cleanup(transfer->easy);
	transfer->easy = NULL;
	curl_slist_free_all(transfer->headers);
	transfer->headers = NULL;
}

/* Hand it to curl. Errors: DEPLOY_BUG. */
static int begin(struct dp_http *http, struct transfer *transfer)
{
	const struct dp_http_request *request = transfer->request;
	CURLcode rc = CURLE_FAILED_INIT;

	add_header(transfer, "Accept", request->accept ? request->accept : "*/*");
	add_header(transfer, "Expect", "");
	if (request->content_type)
		add_header(transfer, "Content-Type", request->content_type);
	dp_buf_init(&transfer->body, request->max_bytes);
	transfer->easy = curl_easy_init();
	if (transfer->easy)
		rc = set_up_rules(transfer->easy);
	if (!rc)
		rc = set_up_tls(transfer->easy, request->server);
	if (!rc)
		rc = set_up_request(transfer);
	if (!rc && request->is_probe)
		rc = set_up_probe(transfer->easy);
	if (!rc && curl_multi_add_handle(http->multi, transfer->easy) == CURLM_OK)
		return 0;
	clean_up(transfer);
	return deploy_error_set(&transfer->response.err, DEPLOY_BUG,
		"%s: libcurl refuses the request: %s", transfer->place, curl_easy_strerror(rc));
}

/* As many as may be under way. */
static void begin_waiting(struct dp_http *http)
{
	for (size_t i = 0; i < DP_HTTP_MAX_ACTIVE && http->waiting.first; i++) {
		struct transfer *transfer;

		if (http->active[i])
			continue;
		transfer = queue_take(&http->waiting);
		if (begin(http, transfer))
			queue_add(&http->finished, transfer);
		else
			http->active[i] = transfer;
	}
}

/* An alert that is about us, and not about how we speak. */
static bool is_about_us(const char *alert)
{
	return strstr(alert, "certificate") || strstr(alert, "unknown CA") ||
	       strstr(alert, "access denied");
}

static int fail_unwanted(struct transfer *transfer)
{
	const struct dp_http_server *server = transfer->request->server;
	struct deploy_error *err = &transfer->response.err;
	size_t len = strlen(transfer->alert);

	while (len && transfer->alert[len - 1] == ' ')
		transfer->alert[--len] = '\0';
	if (!server->cert_file)
		return deploy_error_set(err, DEPLOY_AUTH,
			"%s refuses us, since we show no certificate (%s)", transfer->place,
			transfer->alert);
	(void)deploy_error_set(err, DEPLOY_AUTH, "%s refuses our certificate %s (%s)",
		transfer->place, server->cert_file, transfer->alert);
	deploy_error_hint(err, "it must be valid, and of an authority that the server trusts");
	return err->code;
}

static int fail_early(struct transfer *transfer, CURLcode rc)
{
	struct deploy_error *err = &transfer->response.err;

	(void)deploy_error_set(err, DEPLOY_CONNECT,
		"%s: the connection ended before the answer: %s", transfer->place,
		curl_easy_strerror(rc));
	if (transfer->request->server->cert_file)
		deploy_error_hint(
			err, "some servers do this to a certificate that they do not trust");
	return err->code;
}

static int fail_verification(struct transfer *transfer)
{
	struct deploy_error *err = &transfer->response.err;
	const char *place = transfer->place;
	long chain = CHAIN_GOOD;

	(void)curl_easy_getinfo(transfer->easy, CURLINFO_SSL_VERIFYRESULT, &chain);
	switch (chain) {
	case CHAIN_GOOD:
	case CHAIN_NOT_SAID:
		(void)deploy_error_set(err, DEPLOY_AUTH,
			"%s: the server's certificate is for another name", place);
		deploy_error_hint(err, "use a name that the certificate has; Puppet Server's "
				       "come from certname and dns_alt_names");
		return err->code;
	case CHAIN_EXPIRED:
		return deploy_error_set(
			err, DEPLOY_AUTH, "%s: the server's certificate has expired", place);
	case CHAIN_TOO_EARLY:
		(void)deploy_error_set(
			err, DEPLOY_AUTH, "%s: the server's certificate is not valid yet", place);
		deploy_error_hint(err, "compare the clocks of both machines");
		return err->code;
	default:
		return deploy_error_set(err, DEPLOY_AUTH,
			"%s: the server's certificate is of no authority in %s (%s)", place,
			transfer->request->server->ca_file, transfer->why);
	}
}

static int fail_in_time(struct transfer *transfer)
{
	const struct dp_http_server *server = transfer->request->server;
	struct deploy_error *err = &transfer->response.err;
	curl_off_t connected_us = 0;

	(void)curl_easy_getinfo(transfer->easy, CURLINFO_PRETRANSFER_TIME_T, &connected_us);
	if (connected_us > 0)
		return deploy_error_set(err, DEPLOY_CONNECT, "%s: no full answer within %g s",
			transfer->place, (double)server->timeout_ms / 1000);
	return deploy_error_set(err, DEPLOY_CONNECT, "%s: no connection within %g s",
		transfer->place, (double)server->connect_timeout_ms / 1000);
}

static int fail_to_connect(struct transfer *transfer)
{
	long error = 0;

	(void)curl_easy_getinfo(transfer->easy, CURLINFO_OS_ERRNO, &error);
	return deploy_error_set(&transfer->response.err, DEPLOY_CONNECT, "%s: cannot connect: %s",
		transfer->place, error ? strerror((int)error) : transfer->why);
}

/* Say in our words why there is no response. */
static int fail(struct transfer *transfer, CURLcode rc)
{
	const struct dp_http_request *request = transfer->request;
	const struct dp_http_server *server = request->server;
	struct deploy_error *err = &transfer->response.err;
	const char *place = transfer->place;

	if (!transfer->why[0])
		(void)snprintf(transfer->why, sizeof(transfer->why), "%s", curl_easy_strerror(rc));
	if (transfer->body.overflow || rc == CURLE_FILESIZE_EXCEEDED)
		return deploy_error_set(err, DEPLOY_PROTOCOL,
			"%s: an answer of more than %zu bytes", place, request->max_bytes);
	if (transfer->header_bytes > MAX_HEADER_BYTES)
		return deploy_error_set(err, DEPLOY_PROTOCOL,
			"%s: an answer with more than %d bytes of headers", place,
			MAX_HEADER_BYTES);
	if (is_about_us(transfer->alert))
		return fail_unwanted(transfer);
	switch (rc) {
	case CURLE_COULDNT_RESOLVE_HOST:
		return deploy_error_set(err, DEPLOY_CONNECT, "%s: the name has no address", place);
	case CURLE_COULDNT_CONNECT:
		return fail_to_connect(transfer);
	case CURLE_OPERATION_TIMEDOUT:
		return fail_in_time(transfer);
	case CURLE_PEER_FAILED_VERIFICATION:
		return fail_verification(transfer);
	case CURLE_SSL_CACERT_BADFILE:
		return deploy_error_set(err, DEPLOY_CONFIG, "%s: no authority's certificate in it",
			server->ca_file);
	case CURLE_SSL_CERTPROBLEM:
		return deploy_error_set(err, DEPLOY_CONFIG,
			"%s and %s: cannot be used as certificate and key: %s", server->cert_file,
			server->key_file, transfer->why);
	case CURLE_SSL_CONNECT_ERROR:
		return deploy_error_set(
			err, DEPLOY_AUTH, "%s: no TLS connection: %s", place, transfer->why);
	case CURLE_SEND_ERROR:
	case CURLE_RECV_ERROR:
	case CURLE_GOT_NOTHING:
	case CURLE_PARTIAL_FILE:
		return fail_early(transfer, rc);
	default:
		return deploy_error_set(err, DEPLOY_PROTOCOL, "%s: %s", place, transfer->why);
	}
}

static int refuse_redirect(struct transfer *transfer, long status)
{
	const char *url = NULL;
	char *shown;

	(void)curl_easy_getinfo(transfer->easy, CURLINFO_REDIRECT_URL, &url);
	shown = deploy_text_escape(url ? url : "", url ? strlen(url) : 0);
	(void)deploy_error_set(&transfer->response.err, DEPLOY_PROTOCOL,
		"%s: sends us elsewhere (%ld%s%s), which is not followed", transfer->place, status,
		*shown ? " " : "", shown);
	free(shown);
	return transfer->response.err.code;
}

static int judge(struct transfer *transfer, CURLcode rc, long status)
{
	if (rc)
		return fail(transfer, rc);
	if (transfer->request->is_probe)
		return 0;
	if (status >= 300 && status < 400)
		return refuse_redirect(transfer, status);
	if (status < 200 || status > 599)
		return deploy_error_set(&transfer->response.err, DEPLOY_PROTOCOL,
			"%s: answers with status %ld, which is none", transfer->place, status);
	return 0;
}

static void finish(struct dp_http *http, struct transfer *transfer, CURLcode rc)
{
	long status = 0;

	(void)curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
	if (judge(transfer, rc, status))
		dp_buf_clear(&transfer->body);
	else
		transfer->response.status = (int)status;
	(void)curl_multi_remove_handle(http->multi, transfer->easy);
	clean_up(transfer);
	queue_add(&http->finished, transfer);
}

static void finish_what_ended(struct dp_http *http)
{
	CURLMsg *message;
	int more;

	while ((message = curl_multi_info_read(http->multi, &more))) {
		char *owner = NULL;

		if (message->msg != CURLMSG_DONE)
			continue;
		(void)curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &owner);
		for (size_t i = 0; i < DP_HTTP_MAX_ACTIVE; i++) {
			if (http->active[i] && (char *)http->active[i] == owner) {
				http->active[i] = NULL;
				/* The message goes away with its handle. */
				finish(http, (struct transfer *)(void *)owner,
					message->data.result);
				break;
			}
		}
	}
}

/* curl says what it waits for at a socket. */
static int on_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *own)
{
	struct dp_http *http = arg;
	size_t at = 0;

	(void)easy;
	(void)own;
	while (at < http->fd_count && http->fds[at].fd != fd)
		at++;
	if (what == CURL_POLL_REMOVE) {
		if (at < http->fd_count)
			http->fds[at] = http->fds[--http->fd_count];
		return 0;
	}
	/* Each has at most two addresses under way, and a resolver. */
	assert(at < DP_HTTP_MAX_FDS);
	if (at == http->fd_count)
		http->fd_count++;
	http->fds[at] = (struct pollfd){
		.fd = fd,
		.events = (short)((what & CURL_POLL_IN ? POLLIN : 0) |
				  (what & CURL_POLL_OUT ? POLLOUT : 0)),
	};
	return 0;
}

static int on_timer(CURLM *multi, long timeout_ms, void *arg)
{
	struct dp_http *http = arg;

	(void)multi;
	http->wake_us = timeout_ms < 0 ? -1 : dp_clock_us() + (int64_t)timeout_ms * 1000;
	return 0;
}

int dp_http_new(struct dp_http **out, struct deploy_error *err)
{
	struct dp_http *http = dp_xcalloc(1, sizeof(*http));

	*out = NULL;
	queue_init(&http->waiting);
	queue_init(&http->finished);
	http->wake_us = -1;
	if (curl_global_init(CURL_GLOBAL_DEFAULT)) {
		free(http);
		return deploy_error_set(err, DEPLOY_BUG, "libcurl does not start");
	}
	http->multi = curl_multi_init();
	if (!http->multi || curl_multi_setopt(http->multi, CURLMOPT_SOCKETFUNCTION, on_socket) ||
		curl_multi_setopt(http->multi, CURLMOPT_SOCKETDATA, http) ||
		curl_multi_setopt(http->multi, CURLMOPT_TIMERFUNCTION, on_timer) ||
		curl_multi_setopt(http->multi, CURLMOPT_TIMERDATA, http)) {
		dp_http_free(http);
		return deploy_error_set(err, DEPLOY_BUG, "libcurl has no multi interface");
	}
	*out = http;
	return 0;
}

static void transfer_free(struct transfer *transfer)
{
	if (!transfer)
		return;
	clean_up(transfer);
	dp_http_request_free(transfer->request);
	dp_buf_release(&transfer->body);
	free(transfer);
}

void dp_http_free(struct dp_http *http)
{
	struct transfer *transfer;

	if (!http)
		return;
	for (size_t i = 0; i < DP_HTTP_MAX_ACTIVE; i++) {
		if (!http->active[i])
			continue;
		(void)curl_multi_remove_handle(http->multi, http->active[i]->easy);
		transfer_free(http->active[i]);
	}
	while ((transfer = queue_take(&http->waiting)))
		transfer_free(transfer);
	while ((transfer = queue_take(&http->finished)))
		transfer_free(transfer);
	transfer_free(http->taken);
	(void)curl_multi_cleanup(http->multi);
	curl_global_cleanup();
	free(http);
}

uint64_t dp_http_start(struct dp_http *http, struct dp_http_request *request)
{
	struct transfer *transfer = dp_xcalloc(1, sizeof(*transfer));

	/* Without knowing who answers we show nothing of ours, and change nothing. */
	assert(request->server->ca_file ||
		(!request->server->cert_file && strcmp(request->method, "GET") == 0));
	transfer->request = request;
	transfer->response.id = ++http->last_id;
	if ((request->is_probe ? dp_http_check_probe : dp_http_check_url)(
		    transfer->place, request->url, &transfer->response.err)) {
		queue_add(&http->finished, transfer);
		return http->last_id;
	}
	queue_add(&http->waiting, transfer);
	begin_waiting(http);
	return http->last_id;
}

size_t dp_http_fds(struct dp_http *http, struct pollfd fds[DP_HTTP_MAX_FDS], int *timeout_ms)
{
	int64_t left_ms = -1;

	memcpy(fds, http->fds, http->fd_count * sizeof(*fds));
	if (http->wake_us >= 0)
		left_ms = (http->wake_us - dp_clock_us() + 999) / 1000;
	if (http->finished.first || (http->wake_us >= 0 && left_ms < 0))
		left_ms = 0;
	if (left_ms >= 0 && (*timeout_ms < 0 || left_ms < *timeout_ms))
		*timeout_ms = (int)left_ms;
	return http->fd_count;
}

void dp_http_turn(struct dp_http *http, const struct pollfd *fds, size_t count)
{
	int running;

	for (size_t i = 0; i < count; i++) {
		int what = (fds[i].revents & (POLLIN | POLLHUP) ? CURL_CSELECT_IN : 0) |
			   (fds[i].revents & POLLOUT ? CURL_CSELECT_OUT : 0) |
			   (fds[i].revents & (POLLERR | POLLNVAL) ? CURL_CSELECT_ERR : 0);

		if (what)
			(void)curl_multi_socket_action(http->multi, fds[i].fd, what, &running);
	}
	if (http->wake_us >= 0 && dp_clock_us() >= http->wake_us) {
		http->wake_us = -1;
		(void)curl_multi_socket_action(http->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	}
	finish_what_ended(http);
	begin_waiting(http);
}

const struct dp_http_response *dp_http_next(struct dp_http *http)
{
	struct transfer *transfer = queue_take(&http->finished);

	transfer_free(http->taken);
	http->taken = transfer;
	if (!transfer)
		return NULL;
	transfer->response.body = dp_buf_text(&transfer->body);
	transfer->response.body_len = transfer->body.len;
	return &transfer->response;
}
