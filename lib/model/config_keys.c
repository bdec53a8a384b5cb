/* The table of keys, and sources as values. */
#include "model/config_keys.h"

#include <ctype.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define MAX_SECONDS (10LL * 365 * 86400)
/* RabbitMQ takes no expiration over ten years, and a message expires 10 s after its ttl. */
#define MAX_TTL_S     (MAX_SECONDS - 10)
#define FIELD(member) offsetof(struct deploy_config, member)
#define FACT(part)    FIELD(role_facts[DEPLOY_ROLE_##part])

static const char *const securities[] = {"psk", NULL};
static const char *const callers[] = {"uid", "gid", "user", "group", "identity", NULL};

const char *const dp_ddl_presets[4] = {"/usr/share/mcollective/plugins/mcollective",
	"/opt/puppetlabs/mcollective/plugins/mcollective",
	"/opt/puppetlabs/puppet/cache/lib/mcollective",
	"/usr/lib/ruby/vendor_ruby/mcollective" /* Debian's */};

const struct dp_key dp_keys[DP_KEYS] = {
	[DP_KEY_BROKERS] = {"brokers", DP_KIND_BROKERS, true, NULL, DP_NO_FIELD, 0, 0, NULL},
	[DP_KEY_USER] = {"user", DP_KIND_BROKERS, true, NULL, DP_NO_FIELD, 0, 0, NULL},
	[DP_KEY_PASSWORD] = {"password", DP_KIND_BROKERS, true, NULL, DP_NO_FIELD, 0, 0, NULL},
	[DP_KEY_TLS] = {"tls", DP_KIND_BROKERS, true, NULL, DP_NO_FIELD, 0, 0, NULL},
	[DP_KEY_VHOST] = {"vhost", DP_KIND_TEXT, true, "/", FIELD(vhost), 0, 0, NULL},
	[DP_KEY_SECURITY] = {"security", DP_KIND_WORD, true, "psk", DP_NO_FIELD, 0, 0, securities},
	[DP_KEY_PSK] = {"psk", DP_KIND_SECRET, true, NULL, FIELD(psk), 0, 0, NULL},
	[DP_KEY_CALLER] = {"caller", DP_KIND_WORD, true, "uid", DP_NO_FIELD, 0, 0, callers},
	[DP_KEY_IDENTITY] = {"identity", DP_KIND_NAME, true, NULL, FIELD(identity), 0, 0, NULL},
	[DP_KEY_MAIN_COLLECTIVE] = {"main_collective", DP_KIND_NAME, true, "mcollective",
		FIELD(main_collective), 0, 0, NULL},
	[DP_KEY_COLLECTIVES] = {"collectives", DP_KIND_NAMES, true, NULL, FIELD(collectives), 0, 0,
		NULL},
	[DP_KEY_BASE64] = {"base64", DP_KIND_YES, true, "false", FIELD(base64), 0, 0, NULL},
	[DP_KEY_TTL] = {"ttl", DP_KIND_SECONDS, false, "60", FIELD(ttl_s), 1, MAX_TTL_S, NULL},
	[DP_KEY_TIMEOUT] = {"timeout", DP_KIND_TIME, false, NULL, FIELD(timeout_ms), 0, 0, NULL},
	[DP_KEY_DISCOVERY_TIMEOUT] = {"discovery_timeout", DP_KIND_TIME, false, "2s",
		FIELD(discovery_timeout_ms), 1, 0, NULL},
	[DP_KEY_WINDOW_TIME] = {"window_time", DP_KIND_TIME, false, "300ms", FIELD(window_ms), 1, 0,
		NULL},
	[DP_KEY_CONNECTION_TIMEOUT] = {"connection_timeout", DP_KIND_TIME, false, "5s",
		FIELD(connection_timeout_ms), 1, 0, NULL},
	[DP_KEY_BATCH] = {"batch", DP_KIND_NUMBER, false, "0", FIELD(default_batch_size), 0,
		INT_MAX, NULL},
	[DP_KEY_BATCH_SLEEP] = {"batch_sleep", DP_KIND_TIME, false, "1s",
		FIELD(default_batch_sleep_ms), 0, 0, NULL},
	[DP_KEY_OUTPUT] = {"output", DP_KIND_TEXT, false, "table", FIELD(output), 0, 0, NULL},
	[DP_KEY_COLOR] = {"color", DP_KIND_TEXT, false, "auto", FIELD(color), 0, 0, NULL},
	[DP_KEY_DDL_DIRS] = {"ddl_dirs", DP_KIND_PATHS, false, NULL, FIELD(ddl_dirs), 0, 0, NULL},
	[DP_KEY_CONFIRM_ABOVE] = {"guard.confirm_above", DP_KIND_NUMBER, false, "20",
		FIELD(confirm_above), 0, 1000000, NULL},
	[DP_KEY_STATE] = {"state", DP_KIND_FILE, false, NULL, FIELD(state), 0, 0, NULL},
	[DP_KEY_KEEP_DAYS] = {"keep.days", DP_KIND_NUMBER, false, "90", FIELD(keep_days), 1, 36500,
		NULL},
	[DP_KEY_KEEP_RUNS] = {"keep.runs", DP_KIND_NUMBER, false, "1000", FIELD(keep_runs), 1,
		1000000, NULL},
	[DP_KEY_COLLECTION_FACT] = {"role_facts.collection", DP_KIND_FACT, false,
		"deploop_collection", FACT(COLLECTION), 0, 0, NULL},
	[DP_KEY_CATEGORY_FACT] = {"role_facts.category", DP_KIND_FACT, false, "deploop_category",
		FACT(CATEGORY), 0, 0, NULL},
	[DP_KEY_ROLE_FACT] = {"role_facts.role", DP_KIND_FACT, false, "deploop_role", FACT(ROLE), 0,
		0, NULL},
	[DP_KEY_ENTITY_FACT] = {"role_facts.entity", DP_KIND_FACT, false, "deploop_entity",
		FACT(ENTITY), 0, 0, NULL},
	[DP_KEY_PUPPET_URL] = {"puppet.url", DP_KIND_URL, false, NULL, FIELD(puppet.url), 0, 0,
		NULL},
	[DP_KEY_PUPPET_CA] = {"puppet.ca", DP_KIND_FILE, false, NULL, FIELD(puppet.ca_file), 0, 0,
		NULL},
	[DP_KEY_PUPPET_CERT] = {"puppet.cert", DP_KIND_FILE, false, NULL, FIELD(puppet.cert_file),
		0, 0, NULL},
	[DP_KEY_PUPPET_KEY] = {"puppet.key", DP_KIND_FILE, false, NULL, FIELD(puppet.key_file), 0,
		0, NULL},
};

enum dp_key_id dp_key_find(const char *name)
{
	enum dp_key_id id = 0;

	while (id < DP_KEYS && strcmp(dp_keys[id].name, name) != 0)
		id++;
	return id;
}

void dp_said_release(struct dp_said *said)
{
	for (size_t i = 0; i < said->count; i++) {
		dp_wipe(said->items[i], strlen(said->items[i]));
		free(said->items[i]);
	}
	free(said->items);
	free(said->name);
	free(said->origin);
	*said = (struct dp_said){0};
}

void dp_source_release(struct dp_source *source)
{
	for (size_t i = 0; i < DP_KEYS; i++)
		dp_said_release(&source->keys[i]);
	for (size_t i = 0; i < source->broker_count; i++)
		for (size_t part = 0; part < DP_BROKER_PARTS; part++)
			dp_said_release(&source->brokers[i].parts[part]);
	free(source->brokers);
	free(source->where);
	free(source->path);
	*source = (struct dp_source){0};
}

void dp_said_set(
	struct dp_said *said, const char *const *items, size_t count, char *name, char *origin)
{
	dp_said_release(said);
	said->items = dp_xcalloc(count, sizeof(*said->items));
	said->count = count;
	for (size_t i = 0; i < count; i++)
		said->items[i] = dp_xstrdup(items[i]);
	said->name = name;
	said->origin = origin;
}

void dp_said_set_text(struct dp_said *said, const char *text, char *name, char *origin)
{
	dp_said_set(said, &text, 1, name, origin);
}

void dp_said_copy(struct dp_said *said, const struct dp_said *other)
{
	if (other->origin)
		dp_said_set(said, (const char *const *)other->items, other->count,
			dp_xstrdup(other->name), dp_xstrdup(other->origin));
}

struct dp_said_broker *dp_source_add_broker(struct dp_source *source)
{
	struct dp_said_broker *broker;

	source->brokers = dp_grow(source->brokers, &source->broker_cap, source->broker_count + 1,
		sizeof(*source->brokers));
	broker = &source->brokers[source->broker_count++];
	*broker = (struct dp_said_broker){0};
	return broker;
}

static bool has_variable(const struct dp_key *key)
{
	return !key->is_block && key->kind != DP_KIND_PATHS && !strchr(key->name, '.');
}

void dp_source_read_environment(struct dp_source *source)
{
	source->where = dp_xstrdup("the environment");
	for (size_t i = 0; i < DP_KEYS; i++) {
		char *variable = dp_xasprintf("DEPLOYCTL_%s", dp_keys[i].name);
		const char *value;

		for (char *c = variable; *c; c++)
			*c = (char)toupper((unsigned char)*c);
		value = has_variable(&dp_keys[i]) ? getenv(variable) : NULL;
		if (value && *value)
			dp_said_set_text(&source->keys[i], value, dp_xstrdup(dp_keys[i].name),
				dp_xstrdup(variable));
		free(variable);
	}
}
