/* What the acts on the Puppet CA share: requests to it, what it says, and how outcomes are told. */
#ifndef DP_CA_H
#define DP_CA_H

#include <stdbool.h>

#include "deploy/ca.h"
#include "model/act.h"
#include "net/http.h"

struct dp_ca {
	struct dp_http_server server; /* its strings are owned */
	char *url;		      /* "https://puppet.example.net:8140" */
	char place[DP_HTTP_PLACE];    /* "puppet.example.net:8140" */
};

/* Errors: DEPLOY_CONFIG for a URL that is none, or a file that is missing or open to others. */
int dp_ca_init(
	struct dp_ca *ca, const struct deploy_ca_settings *settings, struct deploy_error *err);

/* The same server as long as we have neither its authority nor a certificate; checks the URL only.
 */
int dp_ca_init_stranger(
	struct dp_ca *ca, const struct deploy_ca_settings *settings, struct deploy_error *err);
void dp_ca_release(struct dp_ca *ca);

/* Errors: DEPLOY_USAGE unless name is an identity in lower case that may stand in a path. */
int dp_ca_check_name(const char *name, struct deploy_error *err);

/* kind: "certificate_status", "certificate_statuses", "certificate_request", "certificate". */
struct dp_http_request *dp_ca_get(const struct dp_ca *ca, const char *kind, const char *name);
struct dp_http_request *dp_ca_put_state(
	const struct dp_ca *ca, const char *name, const char *state);
struct dp_http_request *dp_ca_put_request(
	const struct dp_ca *ca, const char *name, const char *pem);
struct dp_http_request *dp_ca_delete(const struct dp_ca *ca, const char *name);

/* 0 for a response of 2xx; else what went wrong, with the server's words and what helps. */
int dp_ca_check(
	const struct dp_ca *ca, const struct dp_http_response *response, struct deploy_error *err);

/*
 * Read what the CA says of one name, or of all. Errors: DEPLOY_PROTOCOL.
 * name: whom it must be about.
 */
int dp_ca_entry_parse(struct deploy_ca_entry *out, const char *name, const char *body, size_t len,
	struct deploy_error *err);
void dp_ca_entry_release(struct deploy_ca_entry *entry);
int dp_ca_list_parse(
	struct deploy_ca_list **out, const char *body, size_t len, struct deploy_error *err);

/* What a request may ask for beside its own name: see struct deploy_ca_sign_options. */
struct dp_ca_allowed {
	json_t *alt_names, *extensions; /* owned by whoever has it; NULL: nothing */
};

/* Errors: DEPLOY_AUTH with the first of the wishes that is not allowed. */
int dp_ca_check_wishes(const struct dp_ca_allowed *allowed, const char *node,
	const json_t *alt_names, json_t *extensions, struct deploy_error *err);

/* Fill in next. fingerprint: NULL if there is none. */
void dp_ca_ok(struct dp_act_next *next, const char *state, const char *fingerprint, bool changed,
	const char *message);
/* err and its hint become the message; so does why, in front of it, unless NULL. */
void dp_ca_fail(struct dp_act_next *next, enum deploy_outcome_state state, const char *why,
	const struct deploy_error *err);
void dp_ca_fetch(struct dp_act_next *next, struct dp_http_request *request);

/*
 * For what is no act: send request, wait for the response. Borrowed until the next call.
 * Errors: those of the response, DEPLOY_INTERRUPTED if INT or TERM come from signal_fd.
 */
int dp_ca_await(const struct dp_http_response **out, struct dp_http *http,
	struct dp_http_request *request, int signal_fd, struct deploy_error *err);
int dp_ca_pause(int signal_fd, long long ms, struct deploy_error *err);

#endif
