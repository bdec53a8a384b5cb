/* What the keys of mco mean here. Source: MCollective 2.12, its config class and RabbitMQ
 * connector. */
#include "model/config_mco.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "model/config_mco_warn.h"

#define MAX_BROKERS 64
#define POOL	    "plugin.rabbitmq.pool."
#define BLANKS	    " \t\r\f\v"

struct mco {
	const struct dp_client_cfg *cfg;
	struct dp_source *source;
};

static void say(struct dp_said *said, const struct dp_cfg_entry *entry, const char *text)
{
	dp_said_set_text(said, text, dp_xstrdup(entry->key),
		dp_xasprintf("%s:%u", entry->path, entry->line));
}

static void say_text(struct mco *mco, const char *key, enum dp_key_id id)
{
	const struct dp_cfg_entry *entry = dp_client_cfg_find(mco->cfg, key);

	if (entry)
		say(&mco->source->keys[id], entry, entry->value);
}

/* Ruby's number in decimal. */
static int say_number(
	const struct mco *mco, const char *key, struct dp_said *said, struct deploy_error *err)
{
	const struct dp_cfg_entry *entry = dp_client_cfg_find(mco->cfg, key);
	long long number;
	char text[32];

	if (!entry)
		return 0;
	if (dp_client_cfg_number(mco->cfg, key, LLONG_MIN, LLONG_MAX, &number, err))
		return err->code;
	(void)snprintf(text, sizeof(text), "%lld", number);
	say(said, entry, text);
	return 0;
}

static int say_bool(
	const struct mco *mco, const char *key, struct dp_said *said, struct deploy_error *err)
{
	const struct dp_cfg_entry *entry = dp_client_cfg_find(mco->cfg, key);
	bool is_true = false;

	if (!entry)
		return 0;
	if (dp_client_cfg_bool(mco->cfg, key, &is_true, err))
		return err->code;
	say(said, entry, is_true ? "true" : "false");
	return 0;
}

/* A time that mco wants as an Integer(); 0 is no limit there, and our own preset here. */
static void say_limit(struct mco *mco, const char *key, enum dp_key_id id)
{
	const struct dp_cfg_entry *entry = dp_client_cfg_find(mco->cfg, key);
	struct deploy_error ignored = {.code = DEPLOY_OK};
	long long seconds = 0;
	char text[32];

	if (!entry)
		return;
	if (dp_client_cfg_number(mco->cfg, key, LLONG_MIN, LLONG_MAX, &seconds, &ignored)) {
		say(&mco->source->keys[id], entry, entry->value);
	} else if (seconds) {
		(void)snprintf(text, sizeof(text), "%lld", seconds);
		say(&mco->source->keys[id], entry, text);
	}
}

/* A secret that stands in the file itself, or in the variable, which wins. */
static void say_secret(struct mco *mco, const char *key, const char *variable, struct dp_said *said)
{
	const struct dp_cfg_entry *entry = dp_client_cfg_find(mco->cfg, key);
	const char *value = getenv(variable);
	const char *words[] = {"literal", value};

	if (value && *value) {
		dp_said_set(said, words, 2, dp_xstrdup(key), dp_xstrdup(variable));
	} else if (entry) {
		words[1] = entry->value;
		dp_said_set(said, words, 2, dp_xstrdup(key),
			dp_xasprintf("%s:%u", entry->path, entry->line));
	}
}

/* variable: of the environment, or NULL. */
static void say_pool_text(struct mco *mco, size_t number, const char *name, const char *variable,
	struct dp_said *said)
{
	const char *value = variable ? getenv(variable) : NULL;
	const struct dp_cfg_entry *entry;
	char key[64];

	(void)snprintf(key, sizeof(key), POOL "%zu.%s", number, name);
	entry = dp_client_cfg_find(mco->cfg, key);
	if (value && *value)
		dp_said_set_text(said, value, dp_xstrdup(key), dp_xstrdup(variable));
	else if (entry)
		say(said, entry, entry->value);
}

static void say_tls(struct mco *mco, size_t number, struct dp_said *parts)
{
	char cert[64], key[64];

	(void)snprintf(cert, sizeof(cert), "MCOLLECTIVE_RABBITMQ_POOL%zu_SSL_CERT", number);
	(void)snprintf(key, sizeof(key), "MCOLLECTIVE_RABBITMQ_POOL%zu_SSL_KEY", number);
	say_pool_text(mco, number, "ssl.ca", NULL, &parts[DP_BROKER_CA]);
	say_pool_text(mco, number, "ssl.cert", cert, &parts[DP_BROKER_CERT]);
	say_pool_text(mco, number, "ssl.key", key, &parts[DP_BROKER_KEY]);
}

/* The pool's port is STOMP's; AMQP has its own, which a key of ours may name. */
static int say_broker(struct mco *mco, size_t number, struct deploy_error *err)
{
	struct dp_said *parts = dp_source_add_broker(mco->source)->parts;
	char key[64];

	say_pool_text(mco, number, "host", NULL, &parts[DP_BROKER_HOST]);
	if (!parts[DP_BROKER_HOST].origin)
		return deploy_error_set(err, DEPLOY_CONFIG, "%s: " POOL "%zu.host is missing",
			mco->cfg->path, number);
	say_pool_text(mco, number, "user", "STOMP_USER", &parts[DP_BROKER_USER]);
	(void)snprintf(key, sizeof(key), POOL "%zu.password", number);
	say_secret(mco, key, "STOMP_PASSWORD", &parts[DP_BROKER_PASSWORD]);
	(void)snprintf(key, sizeof(key), POOL "%zu.amqp_port", number);
	if (say_number(mco, key, &parts[DP_BROKER_PORT], err))
		return err->code;
	(void)snprintf(key, sizeof(key), POOL "%zu.ssl", number);
	if (say_bool(mco, key, &parts[DP_BROKER_TLS], err))
		return err->code;
	say_tls(mco, number, parts);
	return 0;
}

static int say_brokers(struct mco *mco, struct deploy_error *err)
{
	const char *connector = dp_client_cfg_text(mco->cfg, "connector", "activemq");
	long long count = 0;

	if (strcasecmp(connector, "rabbitmq") != 0) {
		(void)deploy_error_set(err, DEPLOY_CONFIG,
			"%s: connector is %s, only rabbitmq is supported", mco->cfg->path,
			connector);
		deploy_error_hint(err,
			"set connector = rabbitmq, " POOL "size, " POOL "1.host, " POOL
			"1.user, " POOL "1.password and plugin.rabbitmq.vhost there");
		return err->code;
	}
	if (dp_client_cfg_number(mco->cfg, POOL "size", 1, MAX_BROKERS, &count, err))
		return err->code;
	if (!count)
		return deploy_error_set(
			err, DEPLOY_CONFIG, "%s: " POOL "size is missing", mco->cfg->path);
	mco->source->brokers_line = dp_client_cfg_find(mco->cfg, POOL "size")->line;
	for (size_t i = 1; i <= (size_t)count; i++)
		if (say_broker(mco, i, err))
			return err->code;
	return 0;
}

/* What all nodes must be set to as well; otherwise no broadcast reaches anybody. */
static int say_dialect(struct mco *mco, struct deploy_error *err)
{
	static const char multiplex[] = "plugin.rabbitmq.agents_multiplex";
	bool is_multiplex = false;

	if (say_bool(mco, "plugin.rabbitmq.base64", &mco->source->keys[DP_KEY_BASE64], err) ||
		dp_client_cfg_bool(mco->cfg, multiplex, &is_multiplex, err))
		return err->code;
	if (is_multiplex)
		return deploy_error_set(
			err, DEPLOY_CONFIG, "%s: %s is not supported", mco->cfg->path, multiplex);
	return 0;
}

/* A list in one text, without its blanks and gaps. */
static void say_list(struct mco *mco, const char *key, enum dp_key_id id)
{
	const struct dp_cfg_entry *entry = dp_client_cfg_find(mco->cfg, key);
	char **items = NULL;
	size_t count = 0, cap = 0;

	if (!entry)
		return;
	for (const char *at = entry->value; *at;) {
		size_t len;

		at += strspn(at, "," BLANKS);
		len = strcspn(at, ",");
		items = dp_grow(items, &cap, count + 1, sizeof(*items));
		while (len && strchr(BLANKS, at[len - 1]))
			len--;
		if (len)
			items[count++] = dp_xstrndup(at, len);
		at += len;
	}
	dp_said_set(&mco->source->keys[id], (const char *const *)items, count, dp_xstrdup(key),
		dp_xasprintf("%s:%u", entry->path, entry->line));
	for (size_t i = 0; i < count; i++)
		free(items[i]);
	free(items);
}

/* Each libdir is searched before the one to its left, and the system's after all of them. */
static void say_ddl_dirs(struct mco *mco)
{
	const struct dp_cfg_entry *entry = dp_client_cfg_find(mco->cfg, "libdir");
	size_t count = 0, cap = 0, presets = sizeof(dp_ddl_presets) / sizeof(dp_ddl_presets[0]);
	char **items = NULL;
	const char *end;

	if (!entry)
		return;
	for (end = entry->value + strlen(entry->value); end > entry->value;) {
		const char *start = end;

		while (start > entry->value && start[-1] != ':')
			start--;
		items = dp_grow(items, &cap, count + 1, sizeof(*items));
		if (start < end)
			items[count++] =
				dp_xasprintf("%.*s/mcollective", (int)(end - start), start);
		end = start > entry->value ? start - 1 : start;
	}
	items = dp_grow(items, &cap, count + presets, sizeof(*items));
	for (size_t i = 0; i < presets; i++)
		items[count++] = dp_xstrdup(dp_ddl_presets[i]);
	dp_said_set(&mco->source->keys[DP_KEY_DDL_DIRS], (const char *const *)items, count,
		dp_xstrdup("libdir"), dp_xasprintf("%s:%u", entry->path, entry->line));
	for (size_t i = 0; i < count; i++)
		free(items[i]);
	free(items);
}

/* mco takes every other word for uid, and writes of words in any case. */
static void say_identity(struct mco *mco)
{
	static const char *const types[] = {"gid", "group", "user", "identity"};
	const struct dp_cfg_entry *caller = dp_client_cfg_find(mco->cfg, "plugin.psk.callertype");
	const struct dp_cfg_entry *provider = dp_client_cfg_find(mco->cfg, "securityprovider");
	const char *type = "uid";

	for (size_t i = 0; caller && i < sizeof(types) / sizeof(types[0]); i++)
		if (strcmp(types[i], caller->value) == 0)
			type = types[i];
	if (caller)
		say(&mco->source->keys[DP_KEY_CALLER], caller, type);
	if (provider)
		say(&mco->source->keys[DP_KEY_SECURITY], provider,
			strcasecmp(provider->value, "psk") == 0 ? "psk" : provider->value);
	say_text(mco, "identity", DP_KEY_IDENTITY);
	say_text(mco, "main_collective", DP_KEY_MAIN_COLLECTIVE);
	say_list(mco, "collectives", DP_KEY_COLLECTIVES);
	/* That of mco is fixed, whatever the main one is. */
	if (!mco->source->keys[DP_KEY_COLLECTIVES].origin)
		dp_said_set_text(&mco->source->keys[DP_KEY_COLLECTIVES], "mcollective",
			dp_xstrdup("collectives"), dp_xstrdup("built-in"));
	say_secret(mco, "plugin.psk", "MCOLLECTIVE_PSK", &mco->source->keys[DP_KEY_PSK]);
}

static int say_rest(struct mco *mco, struct deploy_error *err)
{
	const struct dp_cfg_entry *color = dp_client_cfg_find(mco->cfg, "color");
	struct dp_said *keys = mco->source->keys;
	bool has_color = true;

	if (say_number(mco, "ttl", &keys[DP_KEY_TTL], err) ||
		say_number(mco, "default_batch_size", &keys[DP_KEY_BATCH], err) ||
		dp_client_cfg_bool(mco->cfg, "color", &has_color, err))
		return err->code;
	if (!has_color)
		say(&keys[DP_KEY_COLOR], color, "never");
	say_limit(mco, "discovery_timeout", DP_KEY_DISCOVERY_TIMEOUT);
	say_limit(mco, "connection_timeout", DP_KEY_CONNECTION_TIMEOUT);
	say_text(mco, "default_batch_sleep_time", DP_KEY_BATCH_SLEEP);
	say_ddl_dirs(mco);
	return 0;
}

int dp_mco_read(struct dp_source *source, const struct dp_client_cfg *cfg,
	struct deploy_config *config, struct deploy_error *err)
{
	struct mco mco = {cfg, source};

	source->where = dp_xstrdup(cfg->path);
	source->path = dp_xstrdup(cfg->path);
	source->is_mco = true;
	source->block_key = "a connection";
	say_text(&mco, "plugin.rabbitmq.vhost", DP_KEY_VHOST);
	say_identity(&mco);
	if (say_brokers(&mco, err) || say_dialect(&mco, err) || say_rest(&mco, err))
		return err->code;
	return dp_mco_warn(config, cfg, source->broker_count, err);
}
