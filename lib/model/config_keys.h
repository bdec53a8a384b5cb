/*
 * The keys of a configuration, and what one source says for them. Every source, whatever its
 * language, becomes a struct dp_source of texts; config_read.c makes a configuration of them.
 */
#ifndef DP_CONFIG_KEYS_H
#define DP_CONFIG_KEYS_H

#include <stdbool.h>
#include <stddef.h>

#include "deploy/config.h"
#include "deploy/error.h"

/* In the order in which people see them. */
enum dp_key_id {
	DP_KEY_BROKERS,
	DP_KEY_USER,
	DP_KEY_PASSWORD,
	DP_KEY_TLS,
	DP_KEY_VHOST,
	DP_KEY_SECURITY,
	DP_KEY_PSK,
	DP_KEY_CALLER,
	DP_KEY_IDENTITY,
	DP_KEY_MAIN_COLLECTIVE,
	DP_KEY_COLLECTIVES,
	DP_KEY_BASE64,
	DP_KEY_TTL,
	DP_KEY_TIMEOUT,
	DP_KEY_DISCOVERY_TIMEOUT,
	DP_KEY_WINDOW_TIME,
	DP_KEY_CONNECTION_TIMEOUT,
	DP_KEY_BATCH,
	DP_KEY_BATCH_SLEEP,
	DP_KEY_OUTPUT,
	DP_KEY_COLOR,
	DP_KEY_DDL_DIRS,
	DP_KEY_CONFIRM_ABOVE,
	DP_FIRST_OWN_KEY, /* from here on: no mco file says these */
	DP_KEY_STATE = DP_FIRST_OWN_KEY,
	DP_KEY_KEEP_DAYS,
	DP_KEY_KEEP_RUNS,
	DP_KEY_COLLECTION_FACT,
	DP_KEY_CATEGORY_FACT,
	DP_KEY_ROLE_FACT,
	DP_KEY_ENTITY_FACT,
	DP_KEY_PUPPET_URL,
	DP_KEY_PUPPET_CA,
	DP_KEY_PUPPET_CERT,
	DP_KEY_PUPPET_KEY,
	DP_KEYS
};

enum dp_key_kind {
	DP_KIND_BROKERS, /* brokers, and what a block says for all of them */
	DP_KIND_TEXT,
	DP_KIND_WORD,	 /* one of words */
	DP_KIND_NAME,	 /* of an identity's grammar */
	DP_KIND_FACT,	 /* the name of a fact */
	DP_KIND_FILE,	 /* a path, from the folder of the file that says it */
	DP_KIND_URL,	 /* https://HOST[:PORT] */
	DP_KIND_NAMES,	 /* a list of them */
	DP_KIND_YES,	 /* true or false */
	DP_KIND_SECRET,	 /* as dp_secret_open() takes it */
	DP_KIND_NUMBER,	 /* whole, min…max */
	DP_KIND_SECONDS, /* likewise, or a time */
	DP_KIND_TIME,	 /* at least min milliseconds */
	DP_KIND_PATHS	 /* absolute ones */
};

#define DP_NO_FIELD ((size_t)-1)

struct dp_key {
	const char *name;
	enum dp_key_kind kind;
	bool is_block;	    /* of the connection, which comes whole from one source */
	const char *preset; /* built in; NULL: none, or worked out */
	size_t field;	    /* in struct deploy_config */
	long long min, max;
	const char *const *words; /* ends with NULL */
};
extern const struct dp_key dp_keys[DP_KEYS];
extern const char *const dp_ddl_presets[4];

/* What a broker consists of, in the order in which people see it. */
enum dp_broker_part {
	DP_BROKER_HOST,
	DP_BROKER_PORT,
	DP_BROKER_USER,
	DP_BROKER_PASSWORD,
	DP_BROKER_TLS, /* true or false */
	DP_BROKER_CA,  /* one or several files */
	DP_BROKER_CERT,
	DP_BROKER_KEY,
	DP_BROKER_PARTS
};

/* A value as it was said; a list has several items. Zero: not said. */
struct dp_said {
	char **items;
	size_t count;
	char *name;   /* as its source calls the key: "plugin.rabbitmq.vhost" */
	char *origin; /* NULL: not said */
};

struct dp_said_broker {
	struct dp_said parts[DP_BROKER_PARTS];
};

/* One of the places that may say something. Zero-initialise, free with dp_source_release(). */
struct dp_source {
	char *where; /* "FILE", "FILE: context 'prod'" */
	char *path;  /* NULL: no file */
	bool is_mco;
	struct dp_said keys[DP_KEYS]; /* without brokers, user, password and tls */
	struct dp_said_broker *brokers;
	size_t broker_count, broker_cap;
	const char *block_key; /* the first key of the connection that it names; NULL: none */
	unsigned block_line;
	unsigned brokers_line; /* 0: it names no brokers */
};
void dp_source_release(struct dp_source *source);

/* Say a value; of two, the second one stays. items are copied. name and origin are taken over. */
void dp_said_set(
	struct dp_said *said, const char *const *items, size_t count, char *name, char *origin);
void dp_said_set_text(struct dp_said *said, const char *text, char *name, char *origin);
void dp_said_copy(struct dp_said *said, const struct dp_said *other);
void dp_said_release(struct dp_said *said);
struct dp_said_broker *dp_source_add_broker(struct dp_source *source);

/* The key of a name, or DP_KEYS. */
enum dp_key_id dp_key_find(const char *name);

/* What the environment says: DEPLOYCTL_TTL and its like, one for each plain key. */
void dp_source_read_environment(struct dp_source *source);

#endif
