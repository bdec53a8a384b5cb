/* What an mco client.cfg says in vain, or should not say. */
#ifndef DP_CONFIG_MCO_WARN_H
#define DP_CONFIG_MCO_WARN_H

#include "model/client_cfg.h"
#include "deploy/config.h"

/* Add to config's warnings. Errors: DEPLOY_CONFIG: what must be yes or no is neither. */
int dp_mco_warn(struct deploy_config *config, const struct dp_client_cfg *cfg, size_t broker_count,
	struct deploy_error *err);

#endif
