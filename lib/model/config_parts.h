/* Filling in the lists of a configuration. */
#ifndef DP_CONFIG_PARTS_H
#define DP_CONFIG_PARTS_H

#include "deploy/config.h"

/* Everything is copied, except what is taken over. */
void dp_config_add_setting(
	struct deploy_config *config, const char *key, char *taken_value, const char *origin);
void dp_config_add_file(struct deploy_config *config, const char *path, enum deploy_config_use use);
/* In front of those of the configuration, and so that its setting shows them. */
void dp_config_add_ddl_dirs(struct deploy_config *config, const char *const *dirs, size_t count);
void dp_config_take_warning(struct deploy_config *config, char *text, char *hint);

#endif
