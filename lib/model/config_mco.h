/* mco's client.cfg as a source. */
#ifndef DP_CONFIG_MCO_H
#define DP_CONFIG_MCO_H

#include "model/client_cfg.h"
#include "model/config_keys.h"

/*
 * Say what cfg says, in our keys, with the variables of the environment that mco heeds. What works
 * and should not stay so is added to config's warnings. Errors: DEPLOY_CONFIG, with file and line:
 * what mco would refuse, or what could not work here.
 */
int dp_mco_read(struct dp_source *source, const struct dp_client_cfg *cfg,
	struct deploy_config *config, struct deploy_error *err);

#endif
