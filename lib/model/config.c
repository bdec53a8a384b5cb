/* What the keys of a configuration mean. */
#include "deploy/config.h"

#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "deploy/error.h"
#include "base/mem.h"
#include "deploy/nodeset.h"
#include "deploy/text.h"
#include "model/client_cfg.h"

#define MAX_BROKERS 64
#define MAX_SECONDS (10LL * 365 * 86400)
/* RabbitMQ takes no expiration over ten years, and a message expires 10 s after its ttl. */
#define MAX_TTL_S (MAX_SECONDS - 10)

static const char *const system_paths[] = {
	"/etc/puppetlabs/mcollective/client.cfg", "/etc/mcollective/client.cfg"};

static void release_broker(struct deploy_broker *broker)
{
	if (broker->password)
		dp_wipe(broker->password, strlen(broker->password));
	free(broker->host);
	free(broker->user);
	free(broker->password);
	free(broker->ca_file);
	free(broker->cert_file);
	free(broker->key_file);
}

void deploy_config_free(struct deploy_config *config)
{
	if (!config)
		return;
	for (size_t i = 0; i < config->broker_count; i++)
		release_broker(&config->brokers[i]);
	for (size_t i = 0; i < config->collective_count; i++)
		free(config->collectives[i]);
	if (config->psk)
		dp_wipe(config->psk, strlen(config->psk));
	free(config->brokers);
	free(config->collectives);
	free(config->path);
	free(config->identity);
	free(config->main_collective);
	free(config->vhost);
	free(config->psk);
	free(config->callerid);
	free(config);
}

/* True if path is the one to read; also if it is there but kept from us, which is an error. */
static bool is_there(const char *path, struct deploy_error *err)
{
	if (access(path, R_OK) == 0)
		return true;
	if (access(path, F_OK) != 0)
		return false;
	(void)deploy_error_set(err, DEPLOY_CONFIG, "%s: you may not read it", path);
	return true;
}

/* The first configuration that is there; the caller frees. Errors: DEPLOY_CONFIG. */
static int find_path(char **out, struct deploy_error *err)
{
	const char *home = getenv("HOME");

	if (home && *home) {
		*out = dp_xasprintf("%s/.mcollective", home);
		if (is_there(*out, err))
			return err->code;
		free(*out);
		*out = NULL;
	}
	for (size_t i = 0; i < sizeof(system_paths) / sizeof(system_paths[0]); i++) {
		if (is_there(system_paths[i], err)) {
			*out = dp_xstrdup(system_paths[i]);
			return err->code;
		}
	}
	(void)deploy_error_set(err, DEPLOY_CONFIG,
		"no configuration: neither ~/.mcollective nor %s nor %s", system_paths[0],
		system_paths[1]);
	deploy_error_hint(err, "name an mco client.cfg with -c FILE");
	return err->code;
}

/* A key of the pool's broker number, such as plugin.rabbitmq.pool.1.host. */
static const char *pool_text(
	const struct dp_client_cfg *cfg, size_t number, const char *name, const char *preset)
{
	char key[64];

	(void)snprintf(key, sizeof(key), "plugin.rabbitmq.pool.%zu.%s", number, name);
	return dp_client_cfg_text(cfg, key, preset);
}

static char *copy_or_null(const char *text)
{
	return text ? dp_xstrdup(text) : NULL;
}

static const char *env_or(const char *name, const char *preset)
{
	const char *value = getenv(name);

	return value && *value ? value : preset;
}

/* A key that others can read is theirs as well. One that is missing is for TLS to complain of. */
static int check_key(const char *path, struct deploy_error *err)
{
	struct stat st;

	if (stat(path, &st) < 0 || !(st.st_mode & (S_IROTH | S_IWOTH)))
		return 0;
	(void)deploy_error_set(err, DEPLOY_CONFIG, "%s: everybody can read this private key", path);
	deploy_error_hint(err, "chmod o-rw %s", path);
	return err->code;
}

static int read_tls(struct deploy_broker *broker, const struct dp_client_cfg *cfg, size_t number,
	struct deploy_error *err)
{
	char cert[64], key[64];

	(void)snprintf(cert, sizeof(cert), "MCOLLECTIVE_RABBITMQ_POOL%zu_SSL_CERT", number);
	(void)snprintf(key, sizeof(key), "MCOLLECTIVE_RABBITMQ_POOL%zu_SSL_KEY", number);
	broker->ca_file = copy_or_null(pool_text(cfg, number, "ssl.ca", NULL));
	broker->cert_file = copy_or_null(env_or(cert, pool_text(cfg, number, "ssl.cert", NULL)));
	broker->key_file = copy_or_null(env_or(key, pool_text(cfg, number, "ssl.key", NULL)));
	if (!broker->ca_file)
		return deploy_error_set(err, DEPLOY_CONFIG,
			"%s: plugin.rabbitmq.pool.%zu.ssl without ssl.ca: a broker is never "
			"trusted "
			"unverified",
			cfg->path, number);
	if (!broker->cert_file != !broker->key_file)
		return deploy_error_set(err, DEPLOY_CONFIG,
			"%s: plugin.rabbitmq.pool.%zu: ssl.cert and ssl.key belong together",
			cfg->path, number);
	return broker->key_file ? check_key(broker->key_file, err) : 0;
}

/* The pool's port is STOMP's; AMQP has its own, which a key of ours may name. */
static int read_broker(struct deploy_broker *broker, const struct dp_client_cfg *cfg, size_t number,
	struct deploy_error *err)
{
	const char *host = pool_text(cfg, number, "host", NULL);
	char ssl[64], amqp_port[64];
	long long port;
	int rc;

	(void)snprintf(ssl, sizeof(ssl), "plugin.rabbitmq.pool.%zu.ssl", number);
	(void)snprintf(amqp_port, sizeof(amqp_port), "plugin.rabbitmq.pool.%zu.amqp_port", number);
	if (!host)
		return deploy_error_set(err, DEPLOY_CONFIG,
			"%s: plugin.rabbitmq.pool.%zu.host is missing", cfg->path, number);
	broker->host = dp_xstrdup(host);
	broker->user = dp_xstrdup(env_or("STOMP_USER", pool_text(cfg, number, "user", "")));
	broker->password =
		dp_xstrdup(env_or("STOMP_PASSWORD", pool_text(cfg, number, "password", "")));
	rc = dp_client_cfg_bool(cfg, ssl, &broker->uses_tls, err);
	port = broker->uses_tls ? 5671 : 5672;
	if (!rc)
		rc = dp_client_cfg_number(cfg, amqp_port, 1, 65535, &port, err);
	broker->port = (unsigned)port;
	if (!rc && broker->uses_tls)
		rc = read_tls(broker, cfg, number, err);
	return rc;
}

/* What all nodes must be set to as well; otherwise no broadcast reaches anybody. */
static int read_dialect(
	struct deploy_config *config, const struct dp_client_cfg *cfg, struct deploy_error *err)
{
	static const char multiplex[] = "plugin.rabbitmq.agents_multiplex";
	bool is_multiplex = false;
	int rc = dp_client_cfg_bool(cfg, "plugin.rabbitmq.base64", &config->base64, err);

	if (!rc)
		rc = dp_client_cfg_bool(cfg, multiplex, &is_multiplex, err);
	if (!rc && is_multiplex)
		rc = deploy_error_set(
			err, DEPLOY_CONFIG, "%s: %s is not supported", cfg->path, multiplex);
	return rc;
}

static int read_brokers(
	struct deploy_config *config, const struct dp_client_cfg *cfg, struct deploy_error *err)
{
	const char *connector = dp_client_cfg_text(cfg, "connector", "activemq");
	long long count = 0;
	int rc;

	if (strcasecmp(connector, "rabbitmq") != 0) {
		(void)deploy_error_set(err, DEPLOY_CONFIG,
			"%s: connector is %s, only rabbitmq is supported", cfg->path, connector);
		deploy_error_hint(err, "set connector = rabbitmq and the plugin.rabbitmq.* keys");
		return err->code;
	}
	rc = dp_client_cfg_number(cfg, "plugin.rabbitmq.pool.size", 1, MAX_BROKERS, &count, err);
	if (rc)
		return rc;
	if (!count)
		return deploy_error_set(
			err, DEPLOY_CONFIG, "%s: plugin.rabbitmq.pool.size is missing", cfg->path);
	config->vhost = dp_xstrdup(dp_client_cfg_text(cfg, "plugin.rabbitmq.vhost", "/"));
	config->brokers = dp_xcalloc((size_t)count, sizeof(*config->brokers));
	for (size_t i = 1; i <= (size_t)count; i++) {
		config->broker_count = i;
		rc = read_broker(&config->brokers[i - 1], cfg, i, err);
		if (rc)
			return rc;
	}
	return read_dialect(config, cfg, err);
}

static int add_collective(struct deploy_config *config, const char *name, size_t len,
	const char *path, struct deploy_error *err)
{
	size_t cap = config->collective_count;

	if (!deploy_identity_is_valid(name, len))
		return deploy_error_set(err, DEPLOY_CONFIG, "%s: '%.*s' is no name of a collective",
			path, (int)len, name);
	config->collectives =
		dp_grow(config->collectives, &cap, cap + 1, sizeof(*config->collectives));
	config->collectives[config->collective_count++] = dp_xstrndup(name, len);
	return 0;
}

static int read_collectives(
	struct deploy_config *config, const struct dp_client_cfg *cfg, struct deploy_error *err)
{
	const char *at = dp_client_cfg_text(cfg, "collectives", "mcollective");
	int rc = 0;

	config->main_collective =
		dp_xstrdup(dp_client_cfg_text(cfg, "main_collective", "mcollective"));
	if (!deploy_identity_is_valid(config->main_collective, strlen(config->main_collective)))
		return deploy_error_set(err, DEPLOY_CONFIG, "%s: main_collective '%s' is no name",
			cfg->path, config->main_collective);
	while (!rc && *at) {
		size_t len;

		at += strspn(at, ", \t\r\f\v");
		len = strcspn(at, ",");
		while (len && strchr(" \t\r\f\v", at[len - 1]))
			len--;
		if (len)
			rc = add_collective(config, at, len, cfg->path, err);
		at += len;
	}
	return rc;
}

/* As Ruby's Etc.getlogin: under sudo it is who logged in. The account is the last resort. */
static const char *login_name(void)
{
	const char *name = getlogin();
	const struct passwd *user;

	if (!name)
		name = env_or("USER", NULL);
	if (!name && (user = getpwuid(getuid())))
		name = user->pw_name;
	return name ? name : "";
}

static const char *group_name(void)
{
	const struct group *group = getgrgid(getgid());

	return group ? group->gr_name : "";
}

/* Nodes drop, without a word, what comes from a caller of another shape than word=name. */
static int read_caller(
	struct deploy_config *config, const struct dp_client_cfg *cfg, struct deploy_error *err)
{
	const char *type = dp_client_cfg_text(cfg, "plugin.psk.callertype", "uid"), *name = "";

	if (strcmp(type, "gid") == 0)
		config->callerid = dp_xasprintf("gid=%lu", (unsigned long)getgid());
	else if (strcmp(type, "group") == 0)
		name = group_name();
	else if (strcmp(type, "user") == 0)
		name = login_name();
	else if (strcmp(type, "identity") == 0)
		name = config->identity;
	else
		config->callerid = dp_xasprintf("uid=%lu", (unsigned long)getuid());
	if (config->callerid)
		return 0;
	if (!deploy_identity_is_valid(name, strlen(name)))
		return deploy_error_set(err, DEPLOY_CONFIG,
			"%s: plugin.psk.callertype is %s, and nodes accept no caller named '%s'",
			cfg->path, type, name);
	config->callerid = dp_xasprintf("%s=%s", type, name);
	return 0;
}

static int read_identity(
	struct deploy_config *config, const struct dp_client_cfg *cfg, struct deploy_error *err)
{
	char host[DEPLOY_MAX_IDENTITY + 1] = "";
	const char *provider = dp_client_cfg_text(cfg, "securityprovider", "psk");

	if (strcasecmp(provider, "psk") != 0)
		return deploy_error_set(err, DEPLOY_CONFIG,
			"%s: securityprovider is %s, only psk is supported", cfg->path, provider);
	(void)gethostname(host, sizeof(host) - 1);
	config->identity = dp_xstrdup(dp_client_cfg_text(cfg, "identity", host));
	if (!deploy_identity_is_valid(config->identity, strlen(config->identity)))
		return deploy_error_set(err, DEPLOY_CONFIG,
			"%s: identity '%s' is none: A-Z a-z 0-9 _ . -", cfg->path,
			config->identity);
	config->psk = copy_or_null(
		env_or("MCOLLECTIVE_PSK", dp_client_cfg_text(cfg, "plugin.psk", NULL)));
	return read_caller(config, cfg, err);
}

/* "1", "0.5", or a text such as 90s. */
static int read_time(const struct dp_client_cfg *cfg, const char *key, long long *out_ms,
	struct deploy_error *err)
{
	const struct dp_cfg_entry *entry = dp_client_cfg_find(cfg, key);

	if (!entry || deploy_time_parse(out_ms, entry->value, err) == 0)
		return 0;
	err->code = DEPLOY_CONFIG;
	return deploy_error_wrap(err, "%s:%u: %s", entry->path, entry->line, key);
}

/* A time that mco wants as an Integer(); 0 is no limit there, and our own preset here. */
static int read_limit(const struct dp_client_cfg *cfg, const char *key, long long *out_ms,
	struct deploy_error *err)
{
	struct deploy_error ignored = {0};
	long long ms = 0, seconds = 0;
	int rc = 0;

	if (dp_client_cfg_number(cfg, key, 0, MAX_SECONDS, &seconds, &ignored) == 0)
		ms = seconds * 1000;
	else
		rc = read_time(cfg, key, &ms, err);
	if (!rc && ms)
		*out_ms = ms;
	return rc;
}

static int read_times(
	struct deploy_config *config, const struct dp_client_cfg *cfg, struct deploy_error *err)
{
	long long ttl = 60, batch = 0;
	int rc = dp_client_cfg_number(cfg, "ttl", 1, MAX_TTL_S, &ttl, err);

	config->discovery_timeout_ms = 2000;
	config->connection_timeout_ms = 5000;
	config->default_batch_sleep_ms = 1000;
	if (!rc)
		rc = dp_client_cfg_number(cfg, "default_batch_size", 0, INT_MAX, &batch, err);
	if (!rc)
		rc = read_limit(cfg, "discovery_timeout", &config->discovery_timeout_ms, err);
	if (!rc)
		rc = read_limit(cfg, "connection_timeout", &config->connection_timeout_ms, err);
	if (!rc)
		rc = read_time(
			cfg, "default_batch_sleep_time", &config->default_batch_sleep_ms, err);
	config->ttl_s = (unsigned)ttl;
	config->default_batch_size = (unsigned)batch;
	return rc;
}

int deploy_config_load(struct deploy_config **out, const char *path, struct deploy_error *err)
{
	struct deploy_config *config = dp_xcalloc(1, sizeof(*config));
	struct dp_client_cfg cfg = {0};
	int rc = 0;

	if (path)
		config->path = dp_xstrdup(path);
	else
		rc = find_path(&config->path, err);
	if (!rc)
		rc = dp_client_cfg_read(&cfg, config->path, err);
	if (!rc)
		rc = read_collectives(config, &cfg, err);
	if (!rc)
		rc = read_identity(config, &cfg, err);
	if (!rc)
		rc = read_brokers(config, &cfg, err);
	if (!rc)
		rc = read_times(config, &cfg, err);
	dp_client_cfg_release(&cfg);
	if (!rc) {
		*out = config;
		return 0;
	}
	deploy_config_free(config);
	return rc;
}
