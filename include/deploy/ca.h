/*
 * The Puppet CA, over its HTTPS API: which certificates there are, signing, revoking and deleting
 * them, and a certificate of our own. Source: Puppet Server 7, /puppet-ca/v1.
 *
 * A certname is an identity (deploy/nodeset.h) in lower case. A fingerprint is a SHA-256, as Puppet
 * prints it: "AB:CD:…", 32 bytes; where one is given, "SHA256" or "(SHA256)" may stand before it,
 * colons may be missing, and case does not matter.
 */
#ifndef DEPLOY_CA_H
#define DEPLOY_CA_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

#include "deploy/error.h"

struct deploy_act; /* of a task, see deploy/plan.h */

/* Everything is copied by who gets it. */
struct deploy_ca_settings {
	const char *url;		  /* "https://puppet.example.net:8140" */
	const char *ca_file;		  /* PEM; the only authorities to trust */
	const char *cert_file, *key_file; /* PEM; who we are, with the right to use the CA's API */
	long long connect_timeout_ms;	  /* 0: 10 s */
	long long timeout_ms;		  /* of one request; 0: 60 s */
};

enum deploy_ca_state { DEPLOY_CA_REQUESTED, DEPLOY_CA_SIGNED, DEPLOY_CA_REVOKED };

const char *deploy_ca_state_name(enum deploy_ca_state state); /* "requested", …; never NULL */

struct deploy_ca_entry {
	char *name;
	enum deploy_ca_state state;
	char *fingerprint;  /* of the request; once signed, of the certificate */
	json_t *alt_names;  /* array of "DNS:web01.example.net", "IP:10.0.0.1"; never NULL */
	json_t *extensions; /* object: "pp_auth_role" → value; authorisation only; never NULL */
	char *not_after;    /* "2031-11-20T10:00:00UTC", as the server writes it; NULL: a request */
};

struct deploy_ca_list {
	struct deploy_ca_entry *entries; /* sorted by name */
	size_t count;
};

/*
 * Ask the CA for everything that it holds, 64 MiB at most. signal_fd: readable when we are to stop;
 * -1: none. Caller frees *out with deploy_ca_list_free().
 * Errors: DEPLOY_CONFIG (settings), DEPLOY_CONNECT, DEPLOY_AUTH (a certificate, theirs or ours;
 * 403 with what helps), DEPLOY_TIMEOUT, DEPLOY_PROTOCOL, DEPLOY_INTERRUPTED.
 */
int deploy_ca_list(struct deploy_ca_list **out, const struct deploy_ca_settings *settings,
	int signal_fd, struct deploy_error *err);
void deploy_ca_list_free(struct deploy_ca_list *list);

/* What the CA has under name, or NULL. Borrowed. */
const struct deploy_ca_entry *deploy_ca_list_find(
	const struct deploy_ca_list *list, const char *name);

#define DEPLOY_CA_FINGERPRINT 96 /* bytes of a fingerprint and NUL */

/* How nodes are asked whether a request is theirs; certnames are then identities of nodes. */
struct deploy_ca_node_options {
	const char *collective;
	unsigned ttl_s;
	long long timeout_ms; /* for each reply */
	/*
	 * The file in which a node has its request, at most 120 bytes; "%s" stands for the
	 * certname. NULL: where Puppet's packages have it, and Debian's.
	 */
	const char *path;
};

/* Everything is copied. */
struct deploy_ca_sign_options {
	/*
	 * Object: certname → fingerprint that must be met: of the request, or of the file that
	 * holds it (its SHA-256); where it is signed already, of the certificate or its file.
	 * May be NULL.
	 */
	json_t *fingerprints;
	/*
	 * Object: certname → key, from deploy_ca_step_key(): a certificate with it is the one that
	 * the fingerprint's request became. May be NULL.
	 */
	json_t *keys;
	/*
	 * A request without a fingerprint is compared, by size and MD5, with the file that the node
	 * itself has; NULL: no node is asked. Otherwise it is refused, unless what comes is
	 * trusted.
	 */
	const struct deploy_ca_node_options *nodes;
	bool trusts_first_use;
	/* Arrays of what a request may ask for beside its own name: "DNS:web", "IP:10.0.0.1";
	 * "pp_auth_role" or "pp_auth_role=web". NULL: nothing. */
	json_t *alt_names, *extensions;
	long long wait_ms; /* for a request to show up; 0: it must be there */
	long long poll_ms; /* how often to look then; 0: 5 s */
};

/*
 * Acts of a task whose nodes are certnames. An outcome's data is {"state": "signed" | "revoked" |
 * "requested" | "absent", "fingerprint": text (of what was asked to be signed, or is there),
 * "changed": bool}; a certificate that was signed now adds "certificate": its fingerprint.
 * Each is idempotent: what is as it should be is ok, unchanged.
 *
 * sign    the request is compared with what is expected of it, and refused if it asks for names or
 *         authorisations that are not allowed; the certificate's key is then compared with the
 *         request's: if another request slipped in, it is revoked, and the node has failed
 * revoke  a certificate; one that there is not has failed
 * clean   revoke it, if there is one, and delete everything under that name
 *
 * Errors: DEPLOY_CONFIG (settings), DEPLOY_USAGE (a malformed fingerprint, with its name).
 */
int deploy_ca_sign(struct deploy_act **out, const struct deploy_ca_settings *settings,
	const struct deploy_ca_sign_options *options, struct deploy_error *err);
int deploy_ca_revoke(struct deploy_act **out, const struct deploy_ca_settings *settings,
	struct deploy_error *err);
int deploy_ca_clean(struct deploy_act **out, const struct deploy_ca_settings *settings,
	struct deploy_error *err);

/*
 * Of what sign said in DEPLOY_EVENT_STEP before it signed, and a state file may have kept when the
 * outcome was lost: the key of that request. False if it was not the one with this fingerprint.
 */
bool deploy_ca_step_key(
	char key[DEPLOY_CA_FINGERPRINT], const char *text, const char *fingerprint);

struct deploy_ca_request_options {
	const char *certname;
	const char *ca_fingerprint; /* of the CA's certificate or of the file; NULL: see below */
	bool trusts_first_use;	    /* take the CA's certificate as it comes, if there is none */
	long long wait_ms;	    /* for somebody to sign; 0: 240 s */
	long long poll_ms;	    /* 0: 10 s */
	int signal_fd;		    /* readable when we are to stop; -1: none */
	/* Called once when waiting begins. fingerprint: what whoever signs should compare. */
	void (*waiting)(void *arg, const char *fingerprint);
	void *waiting_arg;
};

/*
 * Get this client a certificate of its own: into settings->ca_file, cert_file and key_file, each
 * written only if it is not there, and then at once. A key that is there is used; the certificate
 * is checked to be for that key and by that CA. *changed: whether cert_file was written.
 * Errors: as for deploy_ca_list(); DEPLOY_AUTH if the CA's certificate is not the expected one, or
 * is not there and nothing says what to expect: the hint has its fingerprint; DEPLOY_IO;
 * DEPLOY_TIMEOUT if nobody signed in time, DEPLOY_INTERRUPTED: run it again later.
 */
int deploy_ca_request(bool *changed, const struct deploy_ca_settings *settings,
	const struct deploy_ca_request_options *options, struct deploy_error *err);

#endif
