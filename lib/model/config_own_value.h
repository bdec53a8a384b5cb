/* One value of our own file, whose place is known. */
#ifndef DP_CONFIG_OWN_VALUE_H
#define DP_CONFIG_OWN_VALUE_H

#include "deploy/yaml.h"
#include "model/config_keys.h"

/* A value and what errors call it. */
struct dp_own_spot {
	json_t *value;
	const char *name;
	struct deploy_place place;
};

/* What is read, and what a block says for all its brokers. */
struct dp_own {
	const struct deploy_yaml *doc;
	const char *path;
	struct dp_source *source;
	struct dp_said_broker block; /* user, password, tls beside brokers */
	struct dp_own_spot brokers;  /* read when everything else is */
};

/* The value of a key. name is borrowed. */
struct dp_own_spot dp_own_at_key(
	const struct dp_own *own, const json_t *object, const char *key, json_t *value);

/* Errors, of all these: DEPLOY_CONFIG, "path:line:column: key wants …". */
int dp_own_read_value(
	struct dp_own *own, enum dp_key_id id, struct dp_own_spot spot, struct deploy_error *err);
int dp_own_read_brokers(struct dp_own *own, struct deploy_error *err);
void dp_own_forget(struct dp_own *own); /* what the block says */

/* Say a value of a kind. */
int dp_own_say(struct dp_own *own, struct dp_said *said, enum dp_key_kind kind,
	struct dp_own_spot spot, struct deploy_error *err);
int dp_own_wrong(const struct dp_own *own, struct dp_own_spot spot, struct deploy_error *err,
	const char *wants);

#endif
