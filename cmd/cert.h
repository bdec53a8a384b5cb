/* What the parts of sign-cert share: where the CA is, what there is, and whom it is about. */
#ifndef CERT_H
#define CERT_H

#include "act_opts.h"
#include "command.h"

struct cert_opts {
	struct act_opts act;
	bool lists, is_pending, revokes, cleans, requests;
	int only; /* --only: enum deploy_ca_state, or -1 */
	const char *url;
	json_t *prints;			/* words of --fingerprint */
	json_t *alt_names, *extensions; /* that are allowed; these three are NULL if none */
	bool asks_nodes, trusts_first_use;
	const char *csr_path;
	long long wait_ms;
	const char *certname, *ca_fingerprint;
};

/* Strings of settings, owned: the configuration may be read again. */
struct cert_settings {
	struct deploy_ca_settings ca;
	char *url, *ca_file, *cert_file, *key_file;
};

/*
 * Where the CA is and who we are there: url (--ca-url; may be NULL) and the configuration; if that
 * names no files at all, those that Puppet has on this host. is_request: they need not be there.
 * flaw: what is wrong with the configuration, if anything; it matters only if something is missing.
 * Release also after an error. Errors: flaw; DEPLOY_CONFIG with the keys that are missing.
 */
int cert_settings_find(struct cert_settings *out, const struct ctx *ctx, const char *url,
	bool is_request, const struct deploy_error *flaw, struct deploy_error *err);
void cert_settings_release(struct cert_settings *settings);

/* Puppet's files of certname in the first of these folders that has all three; false if none has.
 */
bool cert_settings_of_puppet(
	struct cert_settings *out, const char *const *folders, const char *certname);

/* One invocation. */
struct cert {
	struct ctx *ctx;
	const struct cert_opts *opts;
	struct cert_settings settings;
	struct deploy_error flaw;     /* of the configuration */
	struct deploy_ca_list *list;  /* what the CA has */
	struct deploy_nodeset *nodes; /* NULL: none were named */
	json_t *prints;		      /* certname → fingerprint that is expected */
};

#define CERT_POLL_MS 5000 /* between two looks at the CA, usually */

/* How often to look for what is waited for so long: 20 times, but not less often than usual. */
long long cert_poll_ms(long long wait_ms, long long usual_ms);

/* Errors: DEPLOY_USAGE for what is no "DNS:web.example.net" or "IP:10.0.0.1". */
int cert_check_alt_name(const char *text, struct deploy_error *err);

/* Print what the CA has, and bring what the state file knows of nodes up to date. */
int cert_show(struct cert *cert, struct deploy_error *err);

/* Sign, revoke or clean, as the options say: a run. */
int cert_act(struct cert *cert, struct deploy_error *err);

/*
 * The key of the request with this fingerprint, which an earlier run of ours had signed for node,
 * whether or not its outcome was learnt. False if there was none.
 */
bool cert_find_key(char key[DEPLOY_CA_FINGERPRINT], const struct deploy_state *state,
	const char *node, const char *fingerprint, struct deploy_error *err);

/* Note what the CA has of a node, as an outcome tells it: a deploy_record_fn without argument. */
int cert_record(void *arg, struct deploy_state *state, const struct deploy_event *event,
	struct deploy_error *err);

/* A certificate for this client itself. */
int cert_request(const struct cert *cert, struct deploy_error *err);

#endif
