/* Keys that mco heeds and we do not; secrets that others can read; keys that are there twice. */
#include "model/config_mco_warn.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "model/config_parts.h"

#define POOL "plugin.rabbitmq.pool."

static const struct vain {
	const char *key;
	bool is_switch, counts; /* of a switch: it is told of if it is set to this */
	const char *why, *hint;
} vains[] = {
	{"topicprefix", false, false, "has no meaning with RabbitMQ's exchanges", "remove it"},
	{"topicsep", false, false, "has no meaning with RabbitMQ's exchanges", "remove it"},
	{"queueprefix", false, false, "has no meaning with RabbitMQ's exchanges", "remove it"},
	{"rpchelptemplate", false, false, "is not used: help has a form of its own", "remove it"},
	{"helptemplatedir", false, false, "is not used: help has a form of its own", "remove it"},
	{"plugin.rabbitmq.use_reply_exchange", true, true,
		"is not used: replies come to a queue that the broker names", "remove it"},
	{"plugin.rabbitmq.randomize", true, true, "is not used: brokers are tried in their order",
		"remove it"},
	{"direct_addressing", true, false, "is not used: named nodes are always asked directly",
		"remove it"},
};

static void warn(struct deploy_config *config, const struct dp_cfg_entry *entry, const char *why,
	const char *hint)
{
	dp_config_take_warning(config,
		dp_xasprintf("%s:%u: %s %s", entry->path, entry->line, entry->key, why),
		dp_xstrdup(hint));
}

static int warn_of_vain(struct deploy_config *config, const struct dp_client_cfg *cfg,
	const struct vain *vain, struct deploy_error *err)
{
	const struct dp_cfg_entry *entry = dp_client_cfg_find(cfg, vain->key);
	bool value = vain->counts;

	if (vain->is_switch && dp_client_cfg_bool(cfg, vain->key, &value, err))
		return err->code;
	if (entry && value == vain->counts)
		warn(config, entry, vain->why, vain->hint);
	return 0;
}

static int warn_of_fallback(struct deploy_config *config, const struct dp_client_cfg *cfg,
	size_t number, struct deploy_error *err)
{
	bool falls_back = false;
	char key[64];

	(void)snprintf(key, sizeof(key), POOL "%zu.ssl.fallback", number);
	if (dp_client_cfg_bool(cfg, key, &falls_back, err))
		return err->code;
	if (falls_back)
		warn(config, dp_client_cfg_find(cfg, key),
			"is not used: never: a broker is never trusted unverified", "remove it");
	return 0;
}

static bool is_secret(const char *key)
{
	size_t len = strlen(key);

	return strcmp(key, "plugin.psk") == 0 ||
	       (strncmp(key, POOL, strlen(POOL)) == 0 && len > 9 &&
		       strcmp(key + len - 9, ".password") == 0);
}

/* One for each file; entries stand file by file. */
static void warn_of_readable(struct deploy_config *config, const struct dp_client_cfg *cfg)
{
	const char *last = NULL;

	for (size_t i = 0; i < cfg->count; i++) {
		const struct dp_cfg_entry *entry = &cfg->entries[i];

		if (!entry->is_public || entry->path == last || !is_secret(entry->key))
			continue;
		last = entry->path;
		dp_config_take_warning(config,
			dp_xasprintf("%s:%u: everybody can read %s here", entry->path, entry->line,
				entry->key),
			dp_xasprintf("chmod o-r %s", entry->path));
	}
}

static void warn_of_twice(struct deploy_config *config, const struct dp_client_cfg *cfg)
{
	for (size_t i = 1; i < cfg->count; i++) {
		const struct dp_cfg_entry *one = cfg->order[i - 1];
		const struct dp_cfg_entry *two = cfg->order[i];
		bool is_last = i + 1 == cfg->count || strcmp(cfg->order[i + 1]->key, two->key) != 0;

		/* plugin.d is there to win; and options of discovery add up. */
		if (!is_last || strcmp(one->key, two->key) != 0 || one->path != two->path ||
			strcmp(one->key, "default_discovery_options") == 0)
			continue;
		dp_config_take_warning(config,
			dp_xasprintf("%s:%u: %s is given twice: this line wins over line %u",
				two->path, two->line, two->key, one->line),
			dp_xasprintf("remove line %u", one->line));
	}
}

int dp_mco_warn(struct deploy_config *config, const struct dp_client_cfg *cfg, size_t broker_count,
	struct deploy_error *err)
{
	warn_of_readable(config, cfg);
	for (size_t i = 0; i < sizeof(vains) / sizeof(vains[0]); i++)
		if (warn_of_vain(config, cfg, &vains[i], err))
			return err->code;
	for (size_t i = 1; i <= broker_count; i++)
		if (warn_of_fallback(config, cfg, i, err))
			return err->code;
	warn_of_twice(config, cfg);
	return 0;
}
