/* One value of our own file, whose place can be found. */
#ifndef DP_CONFIG_OWN_VALUE_H
#define DP_CONFIG_OWN_VALUE_H

#include "deploy/yaml.h"
#include "model/config_keys.h"

/* A value, what errors call it, and where to look for its place: that takes time, so only when it
 * is told. */
struct dp_own_spot {
	json_t *value;
	const char *name;
	const json_t *parent;
	const char *key; /* in parent; NULL: parent is a list, and index tells */
	size_t index;
};

/* What is read, and what a block says for all its brokers. */
struct dp_own {
	const struct deploy_yaml *doc;
	const char *path;
	struct dp_source *source;
	bool is_check;		     /* nobody will ask where things stand */
	struct dp_said_broker block; /* user, password, tls beside brokers */
	struct dp_own_spot brokers;  /* read when everything else is */
};

/* A value of a key or of a list. name and key are borrowed. */
struct dp_own_spot dp_own_at_key(const json_t *object, const char *key, json_t *value);
struct dp_own_spot dp_own_at_item(const json_t *array, size_t index, const char *name);
struct deploy_place dp_own_place(const struct dp_own *own, struct dp_own_spot spot);
char *dp_own_origin(const struct dp_own *own, struct dp_own_spot spot); /* caller frees */

/*
 * Say a value: of a key, of a kind, or of tls. Brokers are kept for dp_own_read_brokers().
 * Errors, of all these: DEPLOY_CONFIG, "path:line:column: key wants …".
 */
int dp_own_read_value(
	struct dp_own *own, enum dp_key_id id, struct dp_own_spot spot, struct deploy_error *err);
int dp_own_say(struct dp_own *own, struct dp_said *said, enum dp_key_kind kind,
	struct dp_own_spot spot, struct deploy_error *err);
int dp_own_say_tls(struct dp_own *own, struct dp_said *parts, struct dp_own_spot spot,
	struct deploy_error *err);
int dp_own_wrong(const struct dp_own *own, struct dp_own_spot spot, struct deploy_error *err,
	const char *wants);

/* The index of a name, or count; and what is said of a key of spot that is none of them. */
size_t dp_own_find_name(const char *name, const char *const *names, size_t count);
int dp_own_unknown(const struct dp_own *own, struct dp_own_spot spot, const char *key,
	const char *const *names, size_t count, struct deploy_error *err);

/* The rest, in a file of its own: brokers when all else was read, and the end of what is said for
 * them. */
int dp_own_read_brokers(struct dp_own *own, struct deploy_error *err);
void dp_own_forget(struct dp_own *own);

#endif
