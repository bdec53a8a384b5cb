/* Which key a request had that we had signed: from the runs that the state file keeps. */
#include "cert.h"

#include <string.h>

#define MAX_RUNS 50 /* of one node that are looked at, the newest first */

struct search {
	const struct deploy_state *state;
	const char *node, *fingerprint;
	char *key;
	bool is_found;
	struct deploy_error err;
};

static int take_step(void *arg, const struct deploy_event_record *event)
{
	struct search *search = arg;

	if (!event->node || !event->text || strcmp(event->node, search->node) != 0 ||
		strcmp(event->type, deploy_event_type_name(DEPLOY_EVENT_STEP)) != 0)
		return 0;
	search->is_found = deploy_ca_step_key(search->key, event->text, search->fingerprint);
	return search->is_found;
}

static int take_run(void *arg, const struct deploy_outcome_record *outcome)
{
	struct search *search = arg;

	if (strcmp(outcome->kind, "sign-cert") != 0 && strcmp(outcome->kind, "run-plan") != 0)
		return 0;
	(void)deploy_state_each_event(search->state, outcome->run, take_step, search, &search->err);
	return search->is_found || search->err.code;
}

bool cert_find_key(char key[DEPLOY_CA_FINGERPRINT], const struct deploy_state *state,
	const char *node, const char *fingerprint, struct deploy_error *err)
{
	const struct deploy_outcome_query query = {.node = node, .limit = MAX_RUNS};
	struct search search = {
		.state = state, .node = node, .fingerprint = fingerprint, .key = key};

	(void)deploy_state_each_outcome(state, &query, take_run, &search, err);
	if (search.err.code)
		*err = search.err;
	return search.is_found && !err->code;
}
