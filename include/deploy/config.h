/* Where the broker is and who we are: today an mco client configuration. */
#ifndef DEPLOY_CONFIG_H
#define DEPLOY_CONFIG_H

#include <stdbool.h>
#include <stddef.h>

#include "deploy/error.h"

struct deploy_broker {
	char *host;
	unsigned port; /* AMQP's, not STOMP's */
	char *user, *password;
	bool uses_tls;
	char *ca_file, *cert_file, *key_file; /* NULL if not given */
};

/* Owned by the configuration; strings may be NULL only where said. */
struct deploy_config {
	char *path; /* the file that it came from */
	char *identity;
	char *main_collective;
	char **collectives;
	size_t collective_count;
	char *vhost;
	struct deploy_broker *brokers; /* tried in order */
	size_t broker_count;
	char *psk;	/* NULL: none was given */
	char *callerid; /* "uid=0", "user=ann", … */
	unsigned ttl_s;
	long long discovery_timeout_ms;
	long long connection_timeout_ms; /* per host: TCP, TLS and AMQP together */
	unsigned default_batch_size;
	long long default_batch_sleep_ms;
	bool base64; /* bodies travel as Base64 text */
};

/*
 * Load path and plugin.d/WORD.cfg beside it, or with NULL the first that is there of
 * ~/.mcollective, /etc/puppetlabs/mcollective/client.cfg, /etc/mcollective/client.cfg; one that may
 * not be read is an error. Values from MCOLLECTIVE_PSK, STOMP_USER, STOMP_PASSWORD win over the
 * file. Errors: DEPLOY_CONFIG naming file, line and key. Caller frees with deploy_config_free().
 * Source: MCollective 2.12 configuration files.
 */
int deploy_config_load(struct deploy_config **out, const char *path, struct deploy_error *err);
void deploy_config_free(struct deploy_config *config);

#endif
