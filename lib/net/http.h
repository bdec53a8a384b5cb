/*
 * HTTPS for the loop: a request is started, its sockets are polled beside everything else, and its
 * response is taken when it is there. Nothing here waits, except that names are resolved by a
 * thread of libcurl's.
 *
 * Only https, TLS 1.2 or later, and only the certificate authorities of the server's ca_file are
 * trusted. No redirect is followed, no proxy, .netrc or cookie used, whatever the environment says.
 * A probe only connects, with neither TLS nor a byte sent.
 */
#ifndef DP_HTTP_H
#define DP_HTTP_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "deploy/error.h"

/* What the requests to one server have in common. */
struct dp_http_server {
	/*
	 * PEM file with the certificates to trust. NULL: anybody may answer, for which no
	 * certificate of ours is shown, and only a GET is sent: this is how a first ca_file is
	 * fetched, to be checked by its fingerprint.
	 */
	const char *ca_file;
	const char *cert_file, *key_file; /* PEM; NULL: we show no certificate */
	long long connect_timeout_ms;	  /* name, TCP and TLS; above 0, as the next */
	long long timeout_ms;		  /* from the start to the last byte */
};

/* Made by dp_http_request_new(); the fields below the line may be set before it is started. */
struct dp_http_request {
	const struct dp_http_server *server; /* borrowed until the response was taken */
	const char *method;		     /* "GET", "PUT", "DELETE"; static */
	char *url;
	/* --- */
	const char *accept;	  /* static; NULL: everything */
	const char *content_type; /* of body; static */
	char *body;		  /* owned; NULL: none */
	size_t max_bytes;	  /* of the response's body; 1 MiB */
	bool is_probe;
	struct dp_http_server probed; /* server of a probe */
};

struct dp_http_response {
	uint64_t id;		 /* that dp_http_start() returned */
	struct deploy_error err; /* if there is no response: why, beginning with "host:port: " */
	int status;		 /* 200 to 599, but no 3xx; 0 if err is set, and of a probe */
	const char *body;	 /* NUL-terminated, never NULL; bytes as they came */
	size_t body_len;
};

/* Owned by whoever starts it; copies url. dp_http_request_free() is for those never started. */
struct dp_http_request *dp_http_request_new(
	const struct dp_http_server *server, const char *method, const char *url);
/* … that only finds out whether host, a name or an address, takes TCP connections at port. */
struct dp_http_request *dp_http_probe_new(const char *host, unsigned port, long long timeout_ms);
void dp_http_request_free(struct dp_http_request *request);

/*
 * Write the place that a URL names as "host:port" into out, for messages.
 * Errors: DEPLOY_CONFIG unless it is https://HOST[:PORT][/PATH], without a user, query or fragment.
 */
#define DP_HTTP_PLACE 300
int dp_http_check_url(char out[DP_HTTP_PLACE], const char *url, struct deploy_error *err);

/* The same for the URL of a probe. Errors: DEPLOY_CONFIG if its host can be none. */
int dp_http_check_probe(char out[DP_HTTP_PLACE], const char *url, struct deploy_error *err);

struct dp_http; /* requests under way, and connections that are kept for the next ones */

/* Errors: DEPLOY_BUG if libcurl cannot do what we need. */
int dp_http_new(struct dp_http **out, struct deploy_error *err);
void dp_http_free(struct dp_http *http); /* what is under way is dropped */

/*
 * Take over request and send it as soon as fewer than DP_HTTP_MAX_ACTIVE are under way: its times
 * begin then. Returns its id, never 0. Whatever goes wrong is told by its response.
 */
#define DP_HTTP_MAX_ACTIVE 8
uint64_t dp_http_start(struct dp_http *http, struct dp_http_request *request);

/*
 * What to poll() for: returns how many fds were filled in. *timeout_ms is lowered to when
 * dp_http_turn() is to be called at the latest; -1 means never, as for poll().
 */
#define DP_HTTP_MAX_FDS 32
size_t dp_http_fds(struct dp_http *http, struct pollfd fds[DP_HTTP_MAX_FDS], int *timeout_ms);

/* Do what can be done now. fds: as poll() has left them. */
void dp_http_turn(struct dp_http *http, const struct pollfd *fds, size_t count);

/* The next finished response, or NULL. Borrowed until the next call. */
const struct dp_http_response *dp_http_next(struct dp_http *http);

#endif
