/* How the acts on the CA tell what they want next, and what became of a certname. */
#include "puppet/ca.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"

void dp_ca_fetch(struct dp_act_next *next, struct dp_http_request *request)
{
	next->kind = DP_ACT_FETCH;
	next->fetch = request;
}

void dp_ca_ok(struct dp_act_next *next, const char *state, const char *fingerprint, bool changed,
	const char *message)
{
	next->kind = DP_ACT_DONE;
	next->state = DEPLOY_OUTCOME_OK;
	(void)snprintf(next->message, sizeof(next->message), "%s", message);
	next->data = json_pack("{s:s, s:s*, s:b}", "state", state, "fingerprint", fingerprint,
		"changed", (int)changed);
}

void dp_ca_fail(struct dp_act_next *next, enum deploy_outcome_state state, const char *why,
	const struct deploy_error *err)
{
	char *text;

	next->kind = DP_ACT_DONE;
	next->state = state;
	next->statuscode = state == DEPLOY_OUTCOME_FAILED ? 1 : 0;
	text = dp_xasprintf("%s%s%s%s%s%s", why ? why : "", why && err->text[0] ? ": " : "",
		err->text, err->hint[0] ? " (" : "", err->hint, err->hint[0] ? ")" : "");
	(void)snprintf(next->message, sizeof(next->message), "%s", text);
	free(text);
}
