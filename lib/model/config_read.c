/* One value after the other, in the order of the table. */
#include "model/config_read.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "deploy/fact.h"
#include "deploy/nodeset.h"
#include "deploy/text.h"
#include "model/config_parts.h"
#include "model/secret.h"

#define MAX_PRESET_BYTES 4096
#define MAX_VHOST_BYTES	 255 /* AMQP's shortstr */
#define MAX_SHOWN_BYTES	 (8 * 1024 * 1024)

static const char built_in[] = "built-in";

struct reader {
	struct deploy_config *config;
	const struct dp_source *sources, *block;
	size_t count;
	enum dp_config_extent extent;
	bool leaves_secrets;
};

/* What a key is to be: said, or built in. */
struct value {
	const char *const *items;
	size_t count;
	const char *name, *origin;
	const struct dp_said *said; /* NULL: built in */
};

const struct dp_source *dp_config_block(const struct dp_source *sources, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (sources[i].block_key)
			return &sources[i];
	return NULL;
}

static const struct dp_said *find(const struct reader *reader, enum dp_key_id id)
{
	if (dp_keys[id].is_block)
		return reader->block && reader->block->keys[id].origin ? &reader->block->keys[id]
								       : NULL;
	for (size_t i = 0; i < reader->count; i++)
		if (reader->sources[i].keys[id].origin)
			return &reader->sources[i].keys[id];
	return NULL;
}

static int wrong(const struct value *value, struct deploy_error *err, const char *why)
{
	return deploy_error_set(err, DEPLOY_CONFIG, "%s: %s is '%s', %s", value->origin,
		value->name, value->items[0], why);
}

static char *join(const struct value *value)
{
	struct dp_buf text;

	dp_buf_init(&text, MAX_SHOWN_BYTES);
	for (size_t i = 0; i < value->count; i++) {
		dp_buf_add_text(&text, i ? "," : "");
		dp_buf_add_text(&text, value->items[i]);
	}
	dp_buf_add_text(&text, "");
	return dp_buf_take(&text);
}

static char *show_time(long long ms)
{
	return ms % 1000 ? dp_xasprintf("%lldms", ms) : dp_xasprintf("%llds", ms / 1000);
}

static bool is_whole(const char *text)
{
	text += *text == '-';
	return *text && text[strspn(text, "0123456789")] == '\0';
}

int dp_config_read_number(long long *out, const char *text, long long min, long long max,
	const char *origin, const char *name, struct deploy_error *err)
{
	long long number;

	errno = 0;
	number = strtoll(text, NULL, 10);
	if (!is_whole(text) || errno)
		return deploy_error_set(
			err, DEPLOY_CONFIG, "%s: %s is '%s', no number", origin, name, text);
	if (number < min || number > max)
		return deploy_error_set(err, DEPLOY_CONFIG,
			"%s: %s is %lld, not within %lld and %lld", origin, name, number, min, max);
	*out = number;
	return 0;
}

static int read_time(long long *out, const struct dp_key *key, const struct value *value,
	struct deploy_error *err)
{
	if (deploy_time_parse(out, value->items[0], err)) {
		err->code = DEPLOY_CONFIG;
		return deploy_error_wrap(err, "%s: %s", value->origin, value->name);
	}
	if (*out < key->min)
		return wrong(value, err, "it must be more than 0");
	/* 0 may mean no limit at all. */
	if (!*out && strpbrk(value->items[0], "123456789"))
		return wrong(value, err, "less than a millisecond");
	return 0;
}

/* "60" or "60s". */
static int read_seconds(long long *out, const struct dp_key *key, const struct value *value,
	struct deploy_error *err)
{
	static const struct dp_key any = {.min = 0};
	long long ms;

	if (is_whole(value->items[0]))
		return dp_config_read_number(
			out, value->items[0], key->min, key->max, value->origin, value->name, err);
	if (read_time(&ms, &any, value, err))
		return err->code;
	if (ms % 1000 || ms / 1000 < key->min || ms / 1000 > key->max)
		return deploy_error_set(err, DEPLOY_CONFIG,
			"%s: %s is '%s', not whole seconds within %lld and %lld", value->origin,
			value->name, value->items[0], key->min, key->max);
	*out = ms / 1000;
	return 0;
}

static int check_word(const struct dp_key *key, const struct value *value, struct deploy_error *err)
{
	struct dp_buf list;
	size_t count = 0;
	const char *close;

	for (; key->words[count]; count++)
		if (strcmp(key->words[count], value->items[0]) == 0)
			return 0;
	if (count == 1)
		return deploy_error_set(err, DEPLOY_CONFIG, "%s: %s is %s, only %s is supported",
			value->origin, value->name, value->items[0], key->words[0]);
	dp_buf_init(&list, 256);
	for (size_t i = 0; i < count; i++)
		dp_buf_addf(&list, "%s%s", i ? ", " : "", key->words[i]);
	(void)deploy_error_set(err, DEPLOY_CONFIG, "%s: %s is '%s', none of %s", value->origin,
		value->name, value->items[0], dp_buf_text(&list));
	dp_buf_release(&list);
	close = deploy_text_suggest(value->items[0], key->words, count);
	if (close)
		deploy_error_hint(err, "did you mean '%s'?", close);
	return err->code;
}

static int check_name(const struct value *value, struct deploy_error *err)
{
	if (deploy_identity_is_valid(value->items[0], strlen(value->items[0])))
		return 0;
	return deploy_error_set(err, DEPLOY_CONFIG, "%s: %s '%s' is none: A-Z a-z 0-9 _ . -",
		value->origin, value->name, value->items[0]);
}

static void copy_list(char ***out, size_t *count, const struct value *value)
{
	*out = dp_xcalloc(value->count, sizeof(**out));
	*count = value->count;
	for (size_t i = 0; i < value->count; i++)
		(*out)[i] = dp_xstrdup(value->items[i]);
}

static int read_names(
	struct deploy_config *config, const struct value *value, struct deploy_error *err)
{
	for (size_t i = 0; i < value->count; i++)
		if (!deploy_identity_is_valid(value->items[i], strlen(value->items[i])))
			return deploy_error_set(err, DEPLOY_CONFIG,
				"%s: '%s' is no name of a collective", value->origin,
				value->items[i]);
	copy_list(&config->collectives, &config->collective_count, value);
	return 0;
}

static int read_paths(
	struct deploy_config *config, const struct value *value, struct deploy_error *err)
{
	for (size_t i = 0; i < value->count; i++)
		if (value->items[i][0] != '/')
			return deploy_error_set(err, DEPLOY_CONFIG,
				"%s: %s: '%s' is no absolute path", value->origin, value->name,
				value->items[i]);
	copy_list(&config->ddl_dirs, &config->ddl_dir_count, value);
	return 0;
}

int dp_config_read_secret(char **out, char **shown, const struct dp_said *said, bool leaves_secrets,
	struct deploy_error *err)
{
	const char *const *words = (const char *const *)said->items;

	*shown = dp_secret_describe(words, said->count);
	if (leaves_secrets ||
		dp_secret_open(out, words, said->count, DP_SECRET_COMMAND_MS, err) == 0)
		return 0;
	return deploy_error_wrap(err, "%s: %s", said->origin, said->name);
}

static int check_text(const struct dp_key *key, const struct value *value, struct deploy_error *err)
{
	if (key == &dp_keys[DP_KEY_VHOST] && strlen(value->items[0]) > MAX_VHOST_BYTES)
		return deploy_error_set(err, DEPLOY_CONFIG, "%s: %s is longer than %d bytes",
			value->origin, value->name, MAX_VHOST_BYTES);
	return 0;
}

/* One that push-facts could not give to a node would be found out only by then. */
static int check_fact(const struct value *value, struct deploy_error *err)
{
	struct deploy_error why = {.code = DEPLOY_OK};

	if (deploy_fact_check_name(value->items[0], &why) == 0)
		return 0;
	return wrong(value, err, "no name of a fact: A-Z a-z 0-9 _ and then . -, at most 40");
}

/* A path would be lost: the parts of the API have theirs. */
static int check_url(const struct value *value, struct deploy_error *err)
{
	const char *host = value->items[0] + strlen("https://");

	if (strncmp(value->items[0], "https://", strlen("https://")) != 0 || !*host)
		return wrong(value, err, "it must be https://HOST or https://HOST:PORT");
	if (host[strcspn(host, "/?#@ \t\\")])
		return wrong(value, err, "there must be nothing but a host and a port");
	return 0;
}

static int check_plain(
	const struct dp_key *key, const struct value *value, struct deploy_error *err)
{
	switch (key->kind) {
	case DP_KIND_WORD:
		return check_word(key, value, err);
	case DP_KIND_NAME:
		return check_name(value, err);
	case DP_KIND_FACT:
		return check_fact(value, err);
	case DP_KIND_URL:
		return check_url(value, err);
	default:
		return check_text(key, value, err);
	}
}

static void put_text(struct reader *reader, const struct dp_key *key, const struct value *value)
{
	bool is_printing = key == &dp_keys[DP_KEY_OUTPUT] || key == &dp_keys[DP_KEY_COLOR];

	/* The command line has presets of its own for how it prints. */
	if (key->field != DP_NO_FIELD && (value->said || !is_printing))
		*(char **)(void *)((char *)reader->config + key->field) =
			dp_xstrdup(value->items[0]);
}

/* A number's or a time's. *shown: how people see it. */
static int read_quantity(struct reader *reader, const struct dp_key *key, const struct value *value,
	char **shown, struct deploy_error *err)
{
	void *field = (char *)reader->config + key->field;
	long long number = 0;
	int rc;

	if (key->kind == DP_KIND_TIME) {
		rc = read_time(&number, key, value, err);
		if (!rc)
			*(long long *)field = number;
		*shown = show_time(number);
		return rc;
	}
	rc = key->kind == DP_KIND_SECONDS
		     ? read_seconds(&number, key, value, err)
		     : dp_config_read_number(&number, value->items[0], key->min, key->max,
			       value->origin, value->name, err);
	if (!rc)
		*(unsigned *)field = (unsigned)number;
	*shown = dp_xasprintf("%lld", number);
	return rc;
}

/* Check it and keep it. *shown: how people see it, if it is not as it was said. */
static int read_value(struct reader *reader, const struct dp_key *key, const struct value *value,
	char **shown, struct deploy_error *err)
{
	int rc = 0;

	switch (key->kind) {
	case DP_KIND_BROKERS:
		break;
	case DP_KIND_TEXT:
	case DP_KIND_WORD:
	case DP_KIND_NAME:
	case DP_KIND_FACT:
	case DP_KIND_FILE:
	case DP_KIND_URL:
		rc = check_plain(key, value, err);
		if (!rc)
			put_text(reader, key, value);
		break;
	case DP_KIND_NAMES:
		rc = read_names(reader->config, value, err);
		break;
	case DP_KIND_PATHS:
		rc = read_paths(reader->config, value, err);
		break;
	case DP_KIND_YES:
		*(bool *)((char *)reader->config + key->field) =
			strcmp(value->items[0], "true") == 0;
		break;
	case DP_KIND_SECRET:
		rc = dp_config_read_secret(
			&reader->config->psk, shown, value->said, reader->leaves_secrets, err);
		break;
	case DP_KIND_NUMBER:
	case DP_KIND_SECONDS:
	case DP_KIND_TIME:
		rc = read_quantity(reader, key, value, shown, err);
		break;
	}
	return rc;
}

/* Where state is if nobody says it. False: there is no home. */
static bool find_state(char *text, size_t size)
{
	const char *base = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
	int len;

	if (geteuid() == 0)
		len = snprintf(text, size, "/var/lib/deployctl/state.db");
	else if (base && base[0] == '/')
		len = snprintf(text, size, "%s/deployctl/state.db", base);
	else if (home && home[0] == '/')
		len = snprintf(text, size, "%s/.local/state/deployctl/state.db", home);
	else
		return false;
	return (size_t)len < size;
}

/* What nobody said. text: room for one that is worked out. False: there is nothing built in. */
static bool find_preset(const struct reader *reader, enum dp_key_id id, struct value *value,
	char *text, size_t size, const char **first)
{
	*first = dp_keys[id].preset;
	if (id == DP_KEY_IDENTITY && gethostname(text, size - 1) == 0)
		*first = text;
	if (id == DP_KEY_COLLECTIVES)
		*first = reader->config->main_collective;
	if (id == DP_KEY_STATE && find_state(text, size))
		*first = text;
	*value = (struct value){
		.items = first, .count = 1, .name = dp_keys[id].name, .origin = built_in};
	if (id == DP_KEY_DDL_DIRS) {
		value->items = dp_ddl_presets;
		value->count = sizeof(dp_ddl_presets) / sizeof(dp_ddl_presets[0]);
	}
	return value->items[0] != NULL;
}

/* What must have been read before a key may be taken as not said. */
static enum dp_config_extent needed_extent(enum dp_key_id id)
{
	return id >= DP_FIRST_OWN_KEY ? DP_READ_OWNS : DP_READ_ALL;
}

static int read_key(struct reader *reader, enum dp_key_id id, struct deploy_error *err)
{
	const struct dp_said *said = find(reader, id);
	char text[MAX_PRESET_BYTES] = "", *shown = NULL;
	struct value value;
	const char *first;
	int rc = 0;

	if (said) {
		value = (struct value){(const char *const *)said->items, said->count, said->name,
			said->origin, said};
	} else if (reader->extent < needed_extent(id) || (dp_keys[id].is_block && !reader->block)) {
		return 0;
	} else if (!find_preset(reader, id, &value, text, sizeof(text), &first)) {
		dp_config_add_setting(reader->config, dp_keys[id].name, dp_xstrdup(""), built_in);
		return 0;
	}
	rc = read_value(reader, &dp_keys[id], &value, &shown, err);
	if (!rc && id == DP_KEY_CALLER)
		reader->config->callerid = dp_xstrdup(value.items[0]);
	if (rc)
		free(shown);
	else
		dp_config_add_setting(reader->config, dp_keys[id].name,
			shown ? shown : join(&value), value.origin);
	return rc;
}

/* Half a connection; if another source has the other half, it says so. */
static int refuse_half(const struct reader *reader, struct deploy_error *err)
{
	const struct dp_source *block = reader->block;

	(void)deploy_error_set(err, DEPLOY_CONFIG, "%s names %s (line %u) but no brokers",
		block->where, block->block_key, block->block_line);
	for (size_t i = 0; i < reader->count; i++) {
		const struct dp_source *other = &reader->sources[i];
		size_t len = strlen(err->text);

		if (!other->brokers_line)
			continue;
		(void)snprintf(err->text + len, sizeof(err->text) - len,
			"; %s:%u names brokers, but a connection comes whole from one place",
			other->path, other->brokers_line);
		deploy_error_hint(err, "move them together");
		break;
	}
	deploy_error_hint(err, "name brokers there too");
	return err->code;
}

static int read_one(struct reader *reader, enum dp_key_id id, struct deploy_error *err)
{
	if (id == DP_KEY_BROKERS && reader->block && !reader->block->broker_count)
		return refuse_half(reader, err);
	if (id == DP_KEY_BROKERS && reader->block)
		return dp_config_read_brokers(
			reader->config, reader->block, reader->leaves_secrets, err);
	if (dp_keys[id].kind == DP_KIND_BROKERS)
		return 0;
	return read_key(reader, id, err);
}

/* Of two parts under one name the second would take the place of the first. */
static int check_role_facts(const struct reader *reader, struct deploy_error *err)
{
	char *const *names = reader->config->role_facts;

	for (size_t i = 0; i < DEPLOY_ROLE_PARTS; i++)
		for (size_t j = i + 1; j < DEPLOY_ROLE_PARTS; j++) {
			enum dp_key_id id = (enum dp_key_id)(DP_KEY_COLLECTION_FACT + j);
			const struct dp_said *said = find(reader, id);

			if (!said)
				said = find(reader, (enum dp_key_id)(DP_KEY_COLLECTION_FACT + i));
			if (names[i] && names[j] && strcmp(names[i], names[j]) == 0)
				return deploy_error_set(err, DEPLOY_CONFIG,
					"%s: %s and %s are both '%s'; each needs a fact of its own",
					said ? said->origin : built_in,
					dp_keys[DP_KEY_COLLECTION_FACT + i].name, dp_keys[id].name,
					names[i]);
		}
	return 0;
}

/* The word becomes who we are, now that the identity is known. */
static int finish_caller(struct reader *reader, struct deploy_error *err)
{
	const struct dp_said *said = find(reader, DP_KEY_CALLER);
	char *type = reader->config->callerid;
	int rc;

	if (!type)
		return 0;
	reader->config->callerid = NULL;
	rc = dp_config_read_caller(reader->config, type, said ? said->origin : built_in,
		said ? said->name : "caller", err);
	free(type);
	return rc;
}

int dp_config_read(struct deploy_config *config, const struct dp_source *sources, size_t count,
	enum dp_config_extent extent, bool leaves_secrets, struct deploy_error *err)
{
	struct reader reader = {.config = config,
		.sources = sources,
		.block = dp_config_block(sources, count),
		.count = count,
		.extent = extent,
		.leaves_secrets = leaves_secrets};

	for (size_t id = 0; id < DP_KEYS && err->code != DEPLOY_INTERRUPTED; id++) {
		struct deploy_error one = {.code = DEPLOY_OK};

		/* A secret is opened only for a configuration that can be used. */
		reader.leaves_secrets |= err->code != DEPLOY_OK;
		if (read_one(&reader, (enum dp_key_id)id, &one) && !err->code)
			*err = one;
	}
	(void)check_role_facts(&reader, err);
	(void)finish_caller(&reader, err);
	return err->code;
}
