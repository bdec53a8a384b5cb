/*
 * Where the broker is and who we are, from every place that may say so, each value with its origin:
 * the environment, a context of our own files, an mco client configuration, what is built in.
 */
#ifndef DEPLOY_CONFIG_H
#define DEPLOY_CONFIG_H

#include <stdbool.h>
#include <stddef.h>

#include "deploy/error.h"

struct deploy_broker {
	char *host;
	unsigned port;	       /* AMQP's, not STOMP's */
	char *user, *password; /* password: "" while secrets are closed */
	bool uses_tls;
	char *ca_file, *cert_file, *key_file; /* NULL if not given */
};

/* Puppet Server, and who we are there. Files in PEM. Strings are NULL if not given. */
struct deploy_puppet {
	char *url; /* "https://puppet.example.net:8140" */
	char *ca_file, *cert_file, *key_file;
};

/* The facts that a role consists of. */
enum deploy_role_part {
	DEPLOY_ROLE_COLLECTION,
	DEPLOY_ROLE_CATEGORY,
	DEPLOY_ROLE_ROLE,
	DEPLOY_ROLE_ENTITY,
	DEPLOY_ROLE_PARTS
};

/* One value of the effective configuration, for people. */
struct deploy_setting {
	char *key;    /* "vhost", "brokers.1.host", "guard.confirm_above" */
	char *value;  /* of a secret only the reference ("file:/etc/deployctl/psk"), or "(set)" */
	char *origin; /* "FILE:LINE:COLUMN", "FILE:LINE", "DEPLOYCTL_TTL", "built-in" */
};

/* A file that was looked for, in the order of looking. */
enum deploy_config_use {
	DEPLOY_CONFIG_USED,
	DEPLOY_CONFIG_MISSING,
	DEPLOY_CONFIG_NOT_NEEDED, /* an earlier place said enough */
	DEPLOY_CONFIG_REFUSED	  /* there, and the reason of the error */
};
const char *deploy_config_use_name(enum deploy_config_use use); /* "used", "missing", … */
struct deploy_config_file {
	char *path;
	enum deploy_config_use use;
};

/* Something that works and should not stay so. */
struct deploy_config_warning {
	char *text; /* begins with the file: "/etc/mcollective/client.cfg:7: …" */
	char *hint; /* what to do */
};

/* Owned by the configuration; strings may be NULL only where said. */
struct deploy_config {
	char *path;    /* the file that names the brokers */
	char *context; /* the context that was chosen; NULL for none */
	char *identity;
	char *main_collective;
	char **collectives;
	size_t collective_count;
	char *vhost;
	struct deploy_broker *brokers; /* tried in order */
	size_t broker_count;
	char *psk;	/* NULL: none was given, or secrets are closed */
	char *callerid; /* "uid=0", "user=ann", … */
	bool base64;	/* bodies travel as Base64 text */

	unsigned ttl_s;
	long long timeout_ms; /* for each reply; 0: not said */
	long long discovery_timeout_ms;
	long long window_ms;		 /* discovery ends so long after the last reply */
	long long connection_timeout_ms; /* per host: TCP, TLS and AMQP together */
	unsigned default_batch_size;
	long long default_batch_sleep_ms;
	unsigned confirm_above; /* acts on more nodes are confirmed at a terminal */
	char *output, *color;	/* as -o and --color take them, unchecked; NULL: not said */
	char **ddl_dirs;	/* where DDLs are, searched in order */
	size_t ddl_dir_count;
	char *state; /* the state file */
	unsigned keep_days, keep_runs; /* older runs are forgotten, and those beyond so many */
	char *role_facts[DEPLOY_ROLE_PARTS]; /* names of the facts that a role consists of */
	struct deploy_puppet puppet;

	struct deploy_setting *settings; /* sorted as the manual lists them */
	size_t setting_count, setting_cap;
	struct deploy_config_file *files;
	size_t file_count, file_cap;
	struct deploy_config_warning *warnings;
	size_t warning_count, warning_cap;
};

struct deploy_config_options {
	const char *path; /* the only file to read, our YAML or an mco client.cfg; NULL: search */
	const char *context; /* NULL: the one that the files name */
	bool leaves_secrets; /* do not open secrets: no file is read for them, no command run */
	const char *const *ddl_dirs; /* --ddl-dir: searched before those of the configuration */
	size_t ddl_dir_count;
};

/*
 * Put the configuration together (the order and the rules are in deployctl-config(5)).
 * *out is never NULL: after an error it holds what was learnt until then, and files says which
 * file was refused. Caller frees with deploy_config_free().
 * Errors: DEPLOY_CONFIG naming file, line and key, with the way out; DEPLOY_USAGE for a context
 * that no file has.
 */
int deploy_config_load(struct deploy_config **out, const struct deploy_config_options *options,
	struct deploy_error *err);
void deploy_config_free(struct deploy_config *config);

#endif
