/* Taking a certificate back: revoking it, or cleaning everything that the CA has under a name. */
#include "puppet/ca.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "puppet/x509.h"

struct revoke {
	struct deploy_act act;
	struct dp_ca ca;
	bool is_clean; /* delete, too */
};

enum step { LOOKING, REVOKING, DELETING }; /* what the last request was */

struct row {
	enum step step;
	char fingerprint[DP_FINGERPRINT];
};

static void fail(struct dp_act_next *next, const char *why)
{
	dp_ca_fail(next, DEPLOY_OUTCOME_FAILED, why, &(struct deploy_error){0});
}

static void begin(
	struct revoke *revoke, struct row *row, const char *node, struct dp_act_next *next)
{
	struct deploy_error err = {0};

	row->step = LOOKING;
	if (dp_ca_check_name(node, &err))
		dp_ca_fail(next, DEPLOY_OUTCOME_FAILED, NULL, &err);
	else
		dp_ca_fetch(next, dp_ca_get(&revoke->ca, "certificate_status", node));
}

static void ask_to_delete(
	struct revoke *revoke, struct row *row, const char *node, struct dp_act_next *next)
{
	row->step = DELETING;
	next->what = "delete certificate";
	dp_ca_fetch(next, dp_ca_delete(&revoke->ca, node));
}

static void take_state(struct revoke *revoke, struct row *row, const char *node,
	const struct deploy_ca_entry *entry, struct dp_act_next *next)
{
	(void)memcpy(row->fingerprint, entry->fingerprint, strlen(entry->fingerprint) + 1);
	if (entry->state == DEPLOY_CA_SIGNED) {
		row->step = REVOKING;
		next->what = "revoke certificate";
		dp_ca_fetch(next, dp_ca_put_state(&revoke->ca, node, "revoked"));
	} else if (revoke->is_clean) {
		ask_to_delete(revoke, row, node, next);
	} else if (entry->state == DEPLOY_CA_REVOKED) {
		dp_ca_ok(next, "revoked", row->fingerprint, false, "already revoked");
	} else {
		fail(next, "the CA has only a request of that name; clean deletes it");
	}
}

static void looked(struct revoke *revoke, struct row *row, const char *node,
	const struct dp_http_response *response, struct dp_act_next *next)
{
	struct deploy_error err = {0};
	struct deploy_ca_entry entry;

	if (response->status == 404 && revoke->is_clean) {
		dp_ca_ok(next, "absent", NULL, false, "the CA has nothing of that name");
	} else if (response->status == 404) {
		fail(next, "the CA has no certificate of that name");
	} else if (dp_ca_check(&revoke->ca, response, &err) ||
		   dp_ca_entry_parse(&entry, node, response->body, response->body_len, &err)) {
		dp_ca_fail(next, DEPLOY_OUTCOME_FAILED, NULL, &err);
	} else {
		take_state(revoke, row, node, &entry, next);
		dp_ca_entry_release(&entry);
	}
}

/* A change that was not answered may have been made all the same. */
static void fail_change(const struct dp_http_response *response, const char *refused,
	const char *unanswered, const struct deploy_error *err, struct dp_act_next *next)
{
	if (response->err.code || response->status >= 500)
		dp_ca_fail(next, DEPLOY_OUTCOME_UNKNOWN, unanswered, err);
	else
		dp_ca_fail(next, DEPLOY_OUTCOME_FAILED, refused, err);
}

static void asked_to_revoke(struct revoke *revoke, struct row *row, const char *node,
	const struct dp_http_response *response, struct dp_act_next *next)
{
	struct deploy_error err = {0};

	if (dp_ca_check(&revoke->ca, response, &err))
		fail_change(response, "not revoked", "perhaps revoked", &err, next);
	else if (revoke->is_clean)
		ask_to_delete(revoke, row, node, next);
	else
		dp_ca_ok(next, "revoked", row->fingerprint, true, "revoked");
}

static void asked_to_delete(struct revoke *revoke, struct row *row,
	const struct dp_http_response *response, struct dp_act_next *next)
{
	struct deploy_error err = {0};

	/* Somebody else was faster. */
	if (response->status != 404 && dp_ca_check(&revoke->ca, response, &err))
		fail_change(response, "not deleted", "perhaps deleted", &err, next);
	else
		dp_ca_ok(next, "absent", row->fingerprint, true, "cleaned");
}

static void take_response(struct revoke *revoke, struct row *row, const char *node,
	const struct dp_http_response *response, struct dp_act_next *next)
{
	switch (row->step) {
	case LOOKING:
		looked(revoke, row, node, response, next);
		break;
	case REVOKING:
		asked_to_revoke(revoke, row, node, response, next);
		break;
	case DELETING:
		asked_to_delete(revoke, row, response, next);
		break;
	}
}

static void step(struct deploy_act *act, void *memory, const char *node,
	const struct dp_act_input *input, struct dp_act_next *next)
{
	struct revoke *revoke = (struct revoke *)act;
	struct row *row = memory;

	switch (input->kind) {
	case DP_ACT_BEGIN:
		begin(revoke, row, node, next);
		break;
	case DP_ACT_RESPONSE:
		take_response(revoke, row, node, input->response, next);
		break;
	case DP_ACT_STOP:
		next->kind = DP_ACT_GO_ON; /* at most three quick requests */
		break;
	case DP_ACT_REPLY:
	case DP_ACT_NO_REPLY:
	case DP_ACT_AWAKE:
		break; /* nothing that we want */
	}
}

static void revoke_free(struct deploy_act *act)
{
	struct revoke *revoke = (struct revoke *)act;

	dp_ca_release(&revoke->ca);
	free(revoke);
}

static const struct dp_act_ops revoke_ops = {
	.row_size = sizeof(struct row),
	.step = step,
	.free = revoke_free,
};

static int new_act(struct deploy_act **out, const struct deploy_ca_settings *settings,
	bool is_clean, struct deploy_error *err)
{
	struct revoke *revoke = dp_xcalloc(1, sizeof(*revoke));

	*out = NULL;
	revoke->act.ops = &revoke_ops;
	revoke->is_clean = is_clean;
	if (dp_ca_init(&revoke->ca, settings, err)) {
		free(revoke);
		return err->code;
	}
	*out = &revoke->act;
	return 0;
}

int deploy_ca_revoke(struct deploy_act **out, const struct deploy_ca_settings *settings,
	struct deploy_error *err)
{
	return new_act(out, settings, false, err);
}

int deploy_ca_clean(struct deploy_act **out, const struct deploy_ca_settings *settings,
	struct deploy_error *err)
{
	return new_act(out, settings, true, err);
}
