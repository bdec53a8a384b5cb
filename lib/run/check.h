/* Whether a plan can be carried out, as far as the engine must know. */
#ifndef DP_CHECK_H
#define DP_CHECK_H

#include <stdbool.h>

#include "deploy/plan.h"

/* Check the tasks from an index on; those before are known to be good. Errors: DEPLOY_USAGE. */
int dp_check_tasks(
	const struct deploy_plan *plan, size_t from, bool has_bus, struct deploy_error *err);

#endif
