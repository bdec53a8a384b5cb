/* Outcomes: their names and their sum. */
#include "deploy/outcome.h"

#include <assert.h>

#include "base/log.h"

const char *deploy_outcome_state_name(enum deploy_outcome_state state)
{
	static const char *const names[DEPLOY_OUTCOME_STATES] = {
		[DEPLOY_OUTCOME_OK] = "ok",
		[DEPLOY_OUTCOME_FAILED] = "failed",
		[DEPLOY_OUTCOME_SILENT] = "silent",
		[DEPLOY_OUTCOME_UNKNOWN] = "unknown",
		[DEPLOY_OUTCOME_SKIPPED] = "skipped",
		[DEPLOY_OUTCOME_CANCELLED] = "cancelled",
	};

	return (unsigned)state < DEPLOY_OUTCOME_STATES ? names[state] : "no such state";
}

const char *deploy_ignored_name(enum deploy_ignored reason)
{
	static const char *const names[DEPLOY_IGNORED_REASONS] = {
		[DEPLOY_IGNORED_UNEXPECTED] = "unexpected",
		[DEPLOY_IGNORED_DUPLICATE] = "duplicate",
		[DEPLOY_IGNORED_LATE] = "late",
		[DEPLOY_IGNORED_REJECTED] = "rejected",
		[DEPLOY_IGNORED_FLOOD] = "flood",
	};

	return (unsigned)reason < DEPLOY_IGNORED_REASONS ? names[reason] : "no such reason";
}

void deploy_tally_init(struct deploy_tally *tally)
{
	*tally = (struct deploy_tally){.nodes = 0};
	for (int state = 0; state < DEPLOY_OUTCOME_STATES; state++)
		tally->set[state] = deploy_nodeset_new();
	tally->not_connected = deploy_nodeset_new();
	tally->handed_over = deploy_nodeset_new();
}

void deploy_tally_release(struct deploy_tally *tally)
{
	for (int state = 0; state < DEPLOY_OUTCOME_STATES; state++)
		deploy_nodeset_free(tally->set[state]);
	deploy_nodeset_free(tally->not_connected);
	deploy_nodeset_free(tally->handed_over);
	*tally = (struct deploy_tally){.nodes = 0};
}

static void list(struct deploy_nodeset *set, const char *node)
{
	struct deploy_error err = {.code = DEPLOY_OK};

	if (deploy_nodeset_add(set, node, &err) != 0)
		dp_log(DEPLOY_LOG_WARN, "counted, but not listed: %s", err.text);
}

void deploy_tally_add(
	struct deploy_tally *tally, const char *node, const struct deploy_outcome *outcome)
{
	assert((unsigned)outcome->state < DEPLOY_OUTCOME_STATES);
	tally->count[outcome->state]++;
	if (outcome->state != DEPLOY_OUTCOME_OK)
		list(tally->set[outcome->state], node);
	if (outcome->state == DEPLOY_OUTCOME_SILENT && outcome->not_connected)
		list(tally->not_connected, node);
	if (outcome->state == DEPLOY_OUTCOME_UNKNOWN && outcome->was_handed_over)
		list(tally->handed_over, node);
}
