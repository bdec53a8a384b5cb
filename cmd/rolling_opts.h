/* Options that say how many nodes at a time, how often, and when to stop. */
#ifndef ROLLING_OPTS_H
#define ROLLING_OPTS_H

#include "command.h"

/* The policy of the request; zero-initialise, then rolling_opts_init(). */
struct rolling_opts {
	struct deploy_policy policy;
	long long run_deadline_ms;
};

extern const struct opt rolling_options[];

void rolling_opts_init(struct rolling_opts *rolling);

/* Fill in what the configuration says, and refuse what excludes each other. Errors: DEPLOY_USAGE.
 */
/* An action that may take so long is waited for that long, unless somebody says otherwise. */
void rolling_opts_expect(
	struct rolling_opts *rolling, const struct deploy_config *config, long long timeout_ms);

int rolling_opts_finish(
	struct rolling_opts *rolling, const struct deploy_config *config, struct deploy_error *err);

#endif
