/* Brokers, and the callerid: the parts of a connection that are more than one value. */
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "deploy/nodeset.h"
#include "model/config_parts.h"
#include "model/config_read.h"
#include "model/file_check.h"

static const char *const part_names[DP_BROKER_PARTS] = {
	[DP_BROKER_HOST] = "host",
	[DP_BROKER_PORT] = "port",
	[DP_BROKER_USER] = "user",
	[DP_BROKER_PASSWORD] = "password",
	[DP_BROKER_TLS] = "tls",
	[DP_BROKER_CA] = "tls.ca",
	[DP_BROKER_CERT] = "tls.cert",
	[DP_BROKER_KEY] = "tls.key",
};

struct brokers {
	struct deploy_config *config;
	const struct dp_source *block;
	bool leaves_secrets;
};

/* A row for people; said: where it comes from, if it was said. */
static void show(struct deploy_config *config, size_t index, enum dp_broker_part part,
	char *taken_value, const struct dp_said *said)
{
	char key[64];

	(void)snprintf(key, sizeof(key), "brokers.%zu.%s", index + 1, part_names[part]);
	dp_config_add_setting(
		config, key, taken_value, said && said->origin ? said->origin : "built-in");
}

static const char *first(const struct dp_said *said, const char *preset)
{
	return said->origin ? said->items[0] : preset;
}

static int read_port(struct brokers *brokers, size_t index, struct deploy_error *err)
{
	struct deploy_broker *broker = &brokers->config->brokers[index];
	const struct dp_said *said = &brokers->block->brokers[index].parts[DP_BROKER_PORT];
	long long port = broker->uses_tls ? 5671 : 5672;

	if (said->origin && dp_config_read_number(
				    &port, said->items[0], 1, 65535, said->origin, said->name, err))
		return err->code;
	broker->port = (unsigned)port;
	show(brokers->config, index, DP_BROKER_PORT, dp_xasprintf("%lld", port), said);
	return 0;
}

static bool is_same(const struct dp_said *a, const struct dp_said *b)
{
	if (!a->origin || !b->origin || a->count != b->count)
		return false;
	for (size_t i = 0; i < a->count; i++)
		if (strcmp(a->items[i], b->items[i]) != 0)
			return false;
	return true;
}

/* A reference that several brokers share is opened once. */
static int read_password(struct brokers *brokers, size_t index, struct deploy_error *err)
{
	struct deploy_broker *all = brokers->config->brokers, *broker = &all[index];
	const struct dp_said *said = &brokers->block->brokers[index].parts[DP_BROKER_PASSWORD];
	bool leaves = brokers->leaves_secrets;
	char *shown = NULL;
	int rc = 0;

	for (size_t i = 0; i < index && !leaves && !broker->password; i++)
		if (is_same(said, &brokers->block->brokers[i].parts[DP_BROKER_PASSWORD]))
			broker->password = dp_xstrdup(all[i].password);
	if (said->origin)
		rc = dp_config_read_secret(
			&broker->password, &shown, said, leaves || broker->password != NULL, err);
	if (!broker->password)
		broker->password = dp_xstrdup("");
	show(brokers->config, index, DP_BROKER_PASSWORD, shown ? shown : dp_xstrdup(""), said);
	return rc;
}

/* Separated by commas, as TLS takes them. */
static int read_ca(struct deploy_broker *broker, const struct dp_said *said, bool is_mco,
	struct deploy_error *err)
{
	for (size_t i = 0; i < said->count; i++) {
		char *old = broker->ca_file;

		/* mco's is a list in one text. */
		if (!is_mco && strpbrk(said->items[i], ", \t"))
			return deploy_error_set(err, DEPLOY_CONFIG,
				"%s: %s: '%s': no commas and blanks in the name of a CA's file",
				said->origin, said->name, said->items[i]);
		broker->ca_file = old ? dp_xasprintf("%s,%s", old, said->items[i])
				      : dp_xstrdup(said->items[i]);
		free(old);
	}
	return 0;
}

static int read_tls(struct brokers *brokers, size_t index, struct deploy_error *err)
{
	struct deploy_broker *broker = &brokers->config->brokers[index];
	const struct dp_said *parts = brokers->block->brokers[index].parts;
	const struct dp_said *tls = &parts[DP_BROKER_TLS];
	const char *ssl = brokers->block->is_mco ? "ssl." : "";

	if (!parts[DP_BROKER_CA].origin)
		return deploy_error_set(err, DEPLOY_CONFIG,
			"%s: %s without %sca: a broker is never trusted unverified", tls->origin,
			tls->name, ssl);
	if (!parts[DP_BROKER_CERT].origin != !parts[DP_BROKER_KEY].origin)
		return deploy_error_set(err, DEPLOY_CONFIG,
			"%s: %s: %scert and %skey belong together", tls->origin, tls->name, ssl,
			ssl);
	if (read_ca(broker, &parts[DP_BROKER_CA], brokers->block->is_mco, err))
		return err->code;
	show(brokers->config, index, DP_BROKER_CA, dp_xstrdup(broker->ca_file),
		&parts[DP_BROKER_CA]);
	if (!parts[DP_BROKER_KEY].origin)
		return 0;
	broker->cert_file = dp_xstrdup(parts[DP_BROKER_CERT].items[0]);
	broker->key_file = dp_xstrdup(parts[DP_BROKER_KEY].items[0]);
	show(brokers->config, index, DP_BROKER_CERT, dp_xstrdup(broker->cert_file),
		&parts[DP_BROKER_CERT]);
	show(brokers->config, index, DP_BROKER_KEY, dp_xstrdup(broker->key_file),
		&parts[DP_BROKER_KEY]);
	return dp_file_check_key(broker->key_file, err);
}

static int read_broker(struct brokers *brokers, size_t index, struct deploy_error *err)
{
	struct deploy_broker *broker = &brokers->config->brokers[index];
	const struct dp_said *parts = brokers->block->brokers[index].parts;

	broker->host = dp_xstrdup(parts[DP_BROKER_HOST].items[0]);
	broker->user = dp_xstrdup(first(&parts[DP_BROKER_USER], ""));
	broker->uses_tls = strcmp(first(&parts[DP_BROKER_TLS], "false"), "true") == 0;
	show(brokers->config, index, DP_BROKER_HOST, dp_xstrdup(broker->host),
		&parts[DP_BROKER_HOST]);
	(void)read_port(brokers, index, err);
	show(brokers->config, index, DP_BROKER_USER, dp_xstrdup(broker->user),
		&parts[DP_BROKER_USER]);
	if (!err->code)
		(void)read_password(brokers, index, err);
	if (broker->uses_tls)
		return read_tls(brokers, index, err);
	show(brokers->config, index, DP_BROKER_TLS, dp_xstrdup("false"), &parts[DP_BROKER_TLS]);
	return err->code;
}

int dp_config_read_brokers(struct deploy_config *config, const struct dp_source *block,
	bool leaves_secrets, struct deploy_error *err)
{
	struct brokers brokers = {config, block, leaves_secrets};

	config->path = dp_xstrdup(block->path);
	config->brokers = dp_xcalloc(block->broker_count, sizeof(*config->brokers));
	for (size_t i = 0; i < block->broker_count && !err->code; i++) {
		config->broker_count = i + 1;
		(void)read_broker(&brokers, i, err);
	}
	return err->code;
}

/* As Ruby's Etc.getlogin: under sudo it is who logged in. The account is the last resort. */
static const char *login_name(void)
{
	const char *name = getlogin();
	const struct passwd *user;

	if (!name)
		name = getenv("USER");
	if ((!name || !*name) && (user = getpwuid(getuid())))
		name = user->pw_name;
	return name ? name : "";
}

static const char *group_name(void)
{
	const struct group *group = getgrgid(getgid());

	return group ? group->gr_name : "";
}

/* Nodes drop, without a word, what comes from a caller of another shape than word=name. */
int dp_config_read_caller(struct deploy_config *config, const char *type, const char *origin,
	const char *name, struct deploy_error *err)
{
	const char *who = "";

	if (strcmp(type, "uid") == 0)
		config->callerid = dp_xasprintf("uid=%lu", (unsigned long)getuid());
	else if (strcmp(type, "gid") == 0)
		config->callerid = dp_xasprintf("gid=%lu", (unsigned long)getgid());
	else if (strcmp(type, "group") == 0)
		who = group_name();
	else if (strcmp(type, "user") == 0)
		who = login_name();
	else
		who = config->identity ? config->identity : "";
	if (config->callerid)
		return 0;
	if (!deploy_identity_is_valid(who, strlen(who)))
		return deploy_error_set(err, DEPLOY_CONFIG,
			"%s: %s is %s, and nodes accept no caller named '%s'", origin, name, type,
			who);
	config->callerid = dp_xasprintf("%s=%s", type, who);
	return 0;
}
