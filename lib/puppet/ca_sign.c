/*
 * Signing a node's request: look what there is, read the request and judge it, perhaps ask the node
 * whether it is its own, have it signed, and compare the certificate's key with the request's.
 * Between reading and signing somebody may have put another request in its place, which only that
 * comparison shows; such a certificate is revoked.
 */
#include "puppet/ca.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "puppet/ca_node.h"
#include "puppet/ca_step.h"
#include "puppet/x509.h"

#define POLL_MS	     5000
#define CHECK_TRIES  3
#define CHECK_NAP_MS 1000

struct sign {
	struct deploy_act act;
	struct dp_ca ca;
	json_t *fingerprints; /* certname → in Puppet's form */
	json_t *keys;	      /* certname → of the certificate that is expected, too; or NULL */
	struct dp_ca_nodes nodes;
	bool trusts_first_use;
	struct dp_ca_allowed allowed;
	long long wait_ms, poll_ms;
};

/* What the last request was. */
enum step {
	LOOKING, /* at the state of the name */
	FINDING, /* the certificate that is signed already */
	READING, /* the request */
	ASKING,	 /* the node, whether it is its own */
	SIGNING,
	CHECKING, /* the certificate that was made */
	REVOKING
};

struct row {
	enum step step;
	int64_t deadline_us;		  /* for the request to show up */
	char fingerprint[DP_FINGERPRINT]; /* of the request */
	unsigned char key[DP_KEY_DIGEST]; /* likewise */
	char what[DP_CA_STEP];		  /* is about to be signed */
	struct dp_ca_asking asking;
	unsigned checks;
	bool was_signed; /* the CA said so */
	char why[256];	 /* it did not; or why the certificate is revoked */
};

static void fail(struct dp_act_next *next, const char *why)
{
	dp_ca_fail(next, DEPLOY_OUTCOME_FAILED, why, &(struct deploy_error){0});
}

static const char *expected(const struct sign *sign, const char *node)
{
	return json_string_value(json_object_get(sign->fingerprints, node));
}

static void look(struct sign *sign, struct row *row, const char *node, struct dp_act_next *next)
{
	row->step = LOOKING;
	dp_ca_fetch(next, dp_ca_get(&sign->ca, "certificate_status", node));
}

static void begin(struct sign *sign, struct row *row, const char *node,
	const struct dp_act_input *input, struct dp_act_next *next)
{
	struct deploy_error err = {0};

	if (dp_ca_check_name(node, &err)) {
		dp_ca_fail(next, DEPLOY_OUTCOME_FAILED, NULL, &err);
		return;
	}
	row->deadline_us = input->now_us + sign->wait_ms * 1000;
	look(sign, row, node, next);
}

static void wait_for_request(struct sign *sign, const struct row *row,
	const struct dp_act_input *input, struct dp_act_next *next)
{
	int64_t left_us = row->deadline_us - input->now_us;

	if (left_us <= 0) {
		fail(next, sign->wait_ms ? "no request came to the CA in time"
					 : "the CA has no request of that name");
		return;
	}
	next->kind = DP_ACT_SLEEP;
	next->sleep_ms = left_us < sign->poll_ms * 1000 ? (left_us + 999) / 1000 : sign->poll_ms;
}

static void take_state(struct sign *sign, struct row *row, const char *node,
	const struct deploy_ca_entry *entry, struct dp_act_next *next)
{
	struct deploy_error err = {0};

	switch (entry->state) {
	case DEPLOY_CA_SIGNED:
		row->step = FINDING;
		dp_ca_fetch(next, dp_ca_get(&sign->ca, "certificate", node));
		return;
	case DEPLOY_CA_REVOKED:
		fail(next, "its certificate is revoked; clean it, and let the node ask again");
		return;
	case DEPLOY_CA_REQUESTED:
		break;
	}
	/* The server's reading of the request counts beside our own: it is the one that signs. */
	if (dp_ca_check_wishes(&sign->allowed, node, entry->alt_names, entry->extensions, &err)) {
		dp_ca_fail(next, DEPLOY_OUTCOME_FAILED, NULL, &err);
		return;
	}
	(void)memcpy(row->fingerprint, entry->fingerprint, strlen(entry->fingerprint) + 1);
	row->step = READING;
	dp_ca_fetch(next, dp_ca_get(&sign->ca, "certificate_request", node));
}

static void looked(struct sign *sign, struct row *row, const char *node,
	const struct dp_act_input *input, struct dp_act_next *next)
{
	const struct dp_http_response *response = input->response;
	struct deploy_error err = {0};
	struct deploy_ca_entry entry;

	if (response->status == 404) {
		wait_for_request(sign, row, input, next);
	} else if (dp_ca_check(&sign->ca, response, &err) ||
		   dp_ca_entry_parse(&entry, node, response->body, response->body_len, &err)) {
		dp_ca_fail(next, DEPLOY_OUTCOME_FAILED, NULL, &err);
	} else {
		take_state(sign, row, node, &entry, next);
		dp_ca_entry_release(&entry);
	}
}

/* Errors: those of the response; DEPLOY_PROTOCOL if it is not what it should be, or another's. */
static int read_x509(struct dp_x509 *out, struct sign *sign, enum dp_x509_kind kind,
	const char *node, const struct dp_http_response *response, struct deploy_error *err)
{
	int rc = dp_ca_check(&sign->ca, response, err);

	if (!rc) {
		rc = dp_x509_parse(out, kind, response->body, response->body_len, err);
		if (rc)
			(void)deploy_error_wrap(err, "what the CA has under this name");
	}
	if (rc)
		return rc;
	if (strcmp(out->name, node) == 0)
		return 0;
	dp_x509_release(out);
	return deploy_error_set(err, DEPLOY_PROTOCOL, "the CA has another's under this name");
}

static bool is_expected(const char *fingerprint, const struct dp_x509 *x509)
{
	return !fingerprint || strcmp(fingerprint, x509->fingerprint) == 0 ||
	       strcmp(fingerprint, x509->file_fingerprint) == 0;
}

/* The one that is expected; or made, as we know from an earlier time, of the request that is. */
static bool is_expected_certificate(
	const struct sign *sign, const char *node, const struct dp_x509 *certificate)
{
	const char *known = json_string_value(json_object_get(sign->keys, node));
	char key[DP_FINGERPRINT];

	dp_fingerprint_print(key, certificate->key);
	return is_expected(expected(sign, node), certificate) || (known && strcmp(known, key) == 0);
}

static void found(struct sign *sign, const char *node, const struct dp_http_response *response,
	struct dp_act_next *next)
{
	struct deploy_error err = {0};
	struct dp_x509 certificate;

	if (read_x509(&certificate, sign, DP_X509_CERTIFICATE, node, response, &err)) {
		dp_ca_fail(next, DEPLOY_OUTCOME_FAILED, NULL, &err);
		return;
	}
	if (is_expected_certificate(sign, node, &certificate)) {
		dp_ca_ok(next, "signed", certificate.fingerprint, false, "already signed");
	} else {
		(void)deploy_error_set(&err, DEPLOY_AUTH,
			"already signed, as %s, and that is not the expected fingerprint",
			certificate.fingerprint);
		deploy_error_hint(&err, "the request is gone; compare with the certificate that "
					"the node has");
		dp_ca_fail(next, DEPLOY_OUTCOME_FAILED, NULL, &err);
	}
	dp_x509_release(&certificate);
}

static void judge(struct sign *sign, struct row *row, const char *node,
	const struct dp_x509 *request, struct deploy_error *err)
{
	if (!is_expected(expected(sign, node), request)) {
		(void)deploy_error_set(err, DEPLOY_AUTH,
			"refused: the request at the CA has the fingerprint %s, expected was %s",
			request->fingerprint, expected(sign, node));
		deploy_error_hint(err, "it may be another machine's");
	} else if (!expected(sign, node) && !sign->nodes.collective && !sign->trusts_first_use) {
		(void)deploy_error_set(err, DEPLOY_AUTH,
			"refused: nothing says whether the request at the CA is the node's; its "
			"fingerprint is %s",
			request->fingerprint);
	} else if (strcmp(row->fingerprint, request->fingerprint) != 0) {
		(void)deploy_error_set(err, DEPLOY_PROTOCOL,
			"refused: the request at the CA changed while we looked at it");
	} else {
		(void)dp_ca_check_wishes(
			&sign->allowed, node, request->alt_names, request->extensions, err);
	}
}

static void ask_to_sign(
	struct sign *sign, struct row *row, const char *node, struct dp_act_next *next)
{
	row->step = SIGNING;
	next->what = row->what;
	dp_ca_fetch(next, dp_ca_put_state(&sign->ca, node, "signed"));
}

static void take_request(struct sign *sign, struct row *row, const char *node,
	const struct dp_x509 *request, struct dp_act_next *next)
{
	(void)memcpy(row->key, request->key, sizeof(row->key));
	dp_ca_step_print(row->what, request);
	if (expected(sign, node) || !sign->nodes.collective) {
		ask_to_sign(sign, row, node, next);
		return;
	}
	row->step = ASKING;
	dp_ca_ask_node(&sign->nodes, &row->asking, node, request, next);
}

static void read_it(struct sign *sign, struct row *row, const char *node,
	const struct dp_http_response *response, struct dp_act_next *next)
{
	struct deploy_error err = {0};
	struct dp_x509 request;

	if (!read_x509(&request, sign, DP_X509_REQUEST, node, response, &err)) {
		judge(sign, row, node, &request, &err);
		if (!err.code)
			take_request(sign, row, node, &request, next);
		dp_x509_release(&request);
	}
	if (err.code)
		dp_ca_fail(next, DEPLOY_OUTCOME_FAILED, NULL, &err);
}

/* A refusal is one; of everything else only the certificate tells whether it was made. */
static void asked_to_sign(struct sign *sign, struct row *row, const char *node,
	const struct dp_http_response *response, struct dp_act_next *next)
{
	struct deploy_error err = {0};

	row->was_signed = dp_ca_check(&sign->ca, response, &err) == 0;
	if (response->status >= 400 && response->status < 500) {
		dp_ca_fail(next, DEPLOY_OUTCOME_FAILED, "not signed", &err);
		return;
	}
	(void)snprintf(row->why, sizeof(row->why), "%.250s", err.text);
	row->step = CHECKING;
	dp_ca_fetch(next, dp_ca_get(&sign->ca, "certificate", node));
}

/*
 * The certificate is not the one that was to be made. Without the CA's word that it signed now, it
 * may be an older one that is in use: a CA can allow a name to ask again.
 */
static void revoke(struct sign *sign, struct row *row, const char *node, const char *why,
	struct dp_act_next *next)
{
	if (!row->was_signed) {
		char *all = dp_xasprintf("not signed, as far as we know (%s); but %s: look at what "
					 "the CA has, and revoke it if it is nobody's",
			row->why, why);

		fail(next, all);
		free(all);
		return;
	}
	(void)snprintf(row->why, sizeof(row->why), "%.250s", why);
	row->step = REVOKING;
	next->what = "revoke certificate";
	dp_ca_fetch(next, dp_ca_put_state(&sign->ca, node, "revoked"));
}

static void told_signed(
	struct row *row, const struct dp_x509 *certificate, struct dp_act_next *next)
{
	dp_ca_ok(next, "signed", row->fingerprint, true, "signed");
	(void)json_object_set_new(next->data, "certificate", json_string(certificate->fingerprint));
}

/* The CA did not answer as we hoped: ask again, and then admit that we do not know. */
static void check_again(struct row *row, const struct deploy_error *err, struct dp_act_next *next)
{
	if (++row->checks < CHECK_TRIES) {
		next->kind = DP_ACT_SLEEP;
		next->sleep_ms = CHECK_NAP_MS;
		return;
	}
	dp_ca_fail(next, DEPLOY_OUTCOME_UNKNOWN,
		row->was_signed ? "signed, but its key could not be compared with the request's"
				: "perhaps signed",
		err);
}

static void checked(struct sign *sign, struct row *row, const char *node,
	const struct dp_http_response *response, struct dp_act_next *next)
{
	struct deploy_error err = {0};
	struct dp_x509 certificate;

	if (response->status == 404 && !row->was_signed) {
		(void)deploy_error_set(&err, DEPLOY_PROTOCOL, "%s", row->why);
		dp_ca_fail(next, DEPLOY_OUTCOME_FAILED, "not signed", &err);
	} else if (dp_ca_check(&sign->ca, response, &err)) {
		check_again(row, &err, next);
	} else if (read_x509(&certificate, sign, DP_X509_CERTIFICATE, node, response, &err)) {
		revoke(sign, row, node, err.text, next);
	} else {
		if (memcmp(certificate.key, row->key, sizeof(row->key)) == 0)
			told_signed(row, &certificate, next);
		else
			revoke(sign, row, node,
				"the certificate has another key than the request that was judged",
				next);
		dp_x509_release(&certificate);
	}
}

static void revoked(struct sign *sign, struct row *row, const struct dp_http_response *response,
	struct dp_act_next *next)
{
	struct deploy_error err = {0};
	char *why;

	if (dp_ca_check(&sign->ca, response, &err))
		why = dp_xasprintf("%s; it is signed, and could not be revoked", row->why);
	else
		why = dp_xasprintf("%s; it is revoked", row->why);
	dp_ca_fail(next, DEPLOY_OUTCOME_FAILED, why, &err);
	next->data = json_pack("{s:s, s:s, s:b}", "state", err.code ? "signed" : "revoked",
		"fingerprint", row->fingerprint, "changed", 1);
	free(why);
}

static void take_response(struct sign *sign, struct row *row, const char *node,
	const struct dp_act_input *input, struct dp_act_next *next)
{
	switch (row->step) {
	case LOOKING:
		looked(sign, row, node, input, next);
		break;
	case FINDING:
		found(sign, node, input->response, next);
		break;
	case READING:
		read_it(sign, row, node, input->response, next);
		break;
	case ASKING:
		break; /* no server is asked then */
	case SIGNING:
		asked_to_sign(sign, row, node, input->response, next);
		break;
	case CHECKING:
		checked(sign, row, node, input->response, next);
		break;
	case REVOKING:
		revoked(sign, row, input->response, next);
		break;
	}
}

static void step(struct deploy_act *act, void *memory, const char *node,
	const struct dp_act_input *input, struct dp_act_next *next)
{
	struct sign *sign = (struct sign *)act;
	struct row *row = memory;

	switch (input->kind) {
	case DP_ACT_BEGIN:
		begin(sign, row, node, input, next);
		break;
	case DP_ACT_RESPONSE:
		take_response(sign, row, node, input, next);
		break;
	case DP_ACT_AWAKE:
		if (row->step == CHECKING)
			dp_ca_fetch(next, dp_ca_get(&sign->ca, "certificate", node));
		else
			look(sign, row, node, next);
		break;
	case DP_ACT_STOP:
		/* What was signed is to be compared, too. */
		next->kind = DP_ACT_GO_ON;
		if (row->step < SIGNING)
			dp_ca_fail(next, DEPLOY_OUTCOME_UNKNOWN, "stopped; nothing was signed",
				&(struct deploy_error){0});
		break;
	case DP_ACT_REPLY:
	case DP_ACT_NO_REPLY:
		if (dp_ca_node_answered(&sign->nodes, &row->asking, node, input, next))
			ask_to_sign(sign, row, node, next);
		break;
	}
}

static void sign_free(struct deploy_act *act)
{
	struct sign *sign = (struct sign *)act;

	dp_ca_release(&sign->ca);
	dp_ca_nodes_release(&sign->nodes);
	json_decref(sign->fingerprints);
	json_decref(sign->keys);
	json_decref(sign->allowed.alt_names);
	json_decref(sign->allowed.extensions);
	free(sign);
}

static const struct dp_act_ops sign_ops = {
	.row_size = sizeof(struct row),
	.step = step,
	.free = sign_free,
};

static int read_fingerprints(json_t *out, json_t *given, struct deploy_error *err)
{
	char fingerprint[DP_FINGERPRINT];
	const char *name;
	json_t *text;

	json_object_foreach(given, name, text)
	{
		if (!json_is_string(text) ||
			!dp_fingerprint_parse(fingerprint, json_string_value(text)))
			return deploy_error_set(err, DEPLOY_USAGE,
				"%s: the fingerprint is no SHA-256, 32 bytes as AB:CD:…", name);
		(void)json_object_set_new(out, name, json_string(fingerprint));
	}
	return 0;
}

int deploy_ca_sign(struct deploy_act **out, const struct deploy_ca_settings *settings,
	const struct deploy_ca_sign_options *options, struct deploy_error *err)
{
	struct sign *sign = dp_xcalloc(1, sizeof(*sign));

	*out = NULL;
	sign->act.ops = &sign_ops;
	sign->fingerprints = json_object();
	sign->keys = json_deep_copy(options->keys);
	sign->trusts_first_use = options->trusts_first_use;
	sign->allowed.alt_names = json_deep_copy(options->alt_names);
	sign->allowed.extensions = json_deep_copy(options->extensions);
	sign->wait_ms = options->wait_ms;
	sign->poll_ms = options->poll_ms ? options->poll_ms : POLL_MS;
	if (dp_ca_init(&sign->ca, settings, err) ||
		dp_ca_nodes_init(&sign->nodes, options->nodes, err) ||
		read_fingerprints(sign->fingerprints, options->fingerprints, err)) {
		sign_free(&sign->act);
		return err->code;
	}
	*out = &sign->act;
	return 0;
}
