/* --batch, --window, --tries, --max-fail and their times. */
#include "rolling_opts.h"

/* Without a DDL nothing says how long an action may take. */
#define DEFAULT_TIMEOUT_MS 30000
#define UNSET		   (-1)

static int parse_batch(void *field, const char *text, struct deploy_error *err)
{
	return deploy_policy_parse_batch(field, text, err);
}

static int parse_max_fail(void *field, const char *text, struct deploy_error *err)
{
	struct deploy_policy *policy = field;

	policy->has_max_fail = true;
	return deploy_amount_parse(&policy->max_fail, text, true, err);
}

const struct opt rolling_options[] = {
	OPT_TIME('t', "timeout", struct rolling_opts, policy.timeout_ms, "TIME",
		"wait TIME for the reply of each node",
		"timeout of the configuration, or the one of the agent's DDL and 5s, or 30s"),
	OPT_PARSED(0, "batch", struct rolling_opts, policy, "N|N%|RAMP", parse_batch, false,
		"ask in groups of N nodes, N% of them, or growing ones: 1,10%,100%"),
	OPT_TIME(0, "batch-sleep", struct rolling_opts, policy.batch_sleep_ms, "TIME",
		"pause between groups", "1s, or batch_sleep of the configuration"),
	OPT_NUMBER(0, "window", struct rolling_opts, policy.window, "N", 1, DEPLOY_MAX_NODES,
		"keep N nodes busy: ask the next one as soon as one has answered", NULL),
	OPT_PARSED(0, "max-fail", struct rolling_opts, policy, "N|N%", parse_max_fail, false,
		"start nothing new when more nodes than this failed or were silent"),
	OPT_NUMBER(0, "tries", struct rolling_opts, policy.tries, "N", 1, 1000,
		"ask nodes that fail up to N times", "1"),
	OPT_TIME(0, "try-sleep", struct rolling_opts, policy.try_sleep_ms, "TIME",
		"pause before a node is asked again", "10s"),
	OPT_FLAG(0, "retry-silent", struct rolling_opts, policy.retries_silent,
		"ask silent nodes again too: only for actions that may run twice"),
	OPT_TIME(0, "deadline", struct rolling_opts, run_deadline_ms, "TIME",
		"end the whole run after TIME", NULL),
	OPT_END,
};

void rolling_opts_init(struct rolling_opts *rolling)
{
	rolling->policy.timeout_ms = UNSET;
	rolling->policy.batch_sleep_ms = UNSET;
	rolling->policy.tries = 1;
	rolling->policy.try_sleep_ms = 10000;
}

void rolling_opts_expect(
	struct rolling_opts *rolling, const struct deploy_config *config, long long timeout_ms)
{
	if (rolling->policy.timeout_ms == UNSET && !config->timeout_ms)
		rolling->policy.timeout_ms = timeout_ms;
}

int rolling_opts_finish(
	struct rolling_opts *rolling, const struct deploy_config *config, struct deploy_error *err)
{
	struct deploy_policy *policy = &rolling->policy;

	if (policy->batch_count && policy->window)
		return deploy_error_set(
			err, DEPLOY_USAGE, "--batch and --window exclude each other");
	if (!policy->batch_count && !policy->window && config->default_batch_size) {
		policy->batch[0].value = config->default_batch_size;
		policy->batch_count = 1;
	}
	if (policy->timeout_ms == UNSET)
		policy->timeout_ms = config->timeout_ms ? config->timeout_ms : DEFAULT_TIMEOUT_MS;
	if (policy->batch_sleep_ms == UNSET)
		policy->batch_sleep_ms = config->default_batch_sleep_ms;
	return 0;
}
