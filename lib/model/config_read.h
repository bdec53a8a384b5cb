/* From what the sources say to a configuration: every check of a value is here. */
#ifndef DP_CONFIG_READ_H
#define DP_CONFIG_READ_H

#include "model/config_keys.h"

/* The source whose connection counts: the first one that names any of its keys, or NULL. */
const struct dp_source *dp_config_block(const struct dp_source *sources, size_t count);

/* Which of the places that count could be read: what none of them says is built in. */
enum dp_config_extent {
	DP_READ_SOME,
	DP_READ_OWNS, /* those that say what no mco file does */
	DP_READ_ALL
};

/*
 * Fill in config, and its settings. sources: the first that says a thing wins. Goes on after an
 * error, so that the rest is known too; err keeps the first. Errors: DEPLOY_CONFIG, "ORIGIN: KEY
 * …"; DEPLOY_INTERRUPTED.
 */
int dp_config_read(struct deploy_config *config, const struct dp_source *sources, size_t count,
	enum dp_config_extent extent, bool leaves_secrets, struct deploy_error *err);

/* brokers, of a block that names some. The rest of dp_config_read(), in a file of its own. */
int dp_config_read_brokers(struct deploy_config *config, const struct dp_source *block,
	bool leaves_secrets, struct deploy_error *err);

/* The word that callerids begin with, as nodes see it. Errors: DEPLOY_CONFIG, beginning with name.
 */
int dp_config_read_caller(struct deploy_config *config, const char *type, const char *origin,
	const char *name, struct deploy_error *err);

/* What a secret says to people, for take-over; and itself, unless it is left. */
int dp_config_read_secret(char **out, char **shown, const struct dp_said *said, bool leaves_secrets,
	struct deploy_error *err);

/* A whole number in decimal, min…max. Errors: DEPLOY_CONFIG. */
int dp_config_read_number(long long *out, const char *text, long long min, long long max,
	const char *origin, const char *name, struct deploy_error *err);

#endif
