/* A configuration as a value: its lists, and its end. */
#include "model/config_parts.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

const char *deploy_config_use_name(enum deploy_config_use use)
{
	switch (use) {
	case DEPLOY_CONFIG_USED:
		return "used";
	case DEPLOY_CONFIG_MISSING:
		return "missing";
	case DEPLOY_CONFIG_NOT_NEEDED:
		return "not needed";
	case DEPLOY_CONFIG_REFUSED:
		return "refused";
	}
	return "unknown";
}

void dp_config_add_setting(
	struct deploy_config *config, const char *key, char *taken_value, const char *origin)
{
	config->settings = dp_grow(config->settings, &config->setting_cap,
		config->setting_count + 1, sizeof(*config->settings));
	config->settings[config->setting_count++] = (struct deploy_setting){
		.key = dp_xstrdup(key), .value = taken_value, .origin = dp_xstrdup(origin)};
}

static struct deploy_setting *ddl_dirs_setting(struct deploy_config *config)
{
	static const char key[] = "ddl_dirs";

	for (size_t i = 0; i < config->setting_count; i++)
		if (strcmp(config->settings[i].key, key) == 0)
			return &config->settings[i];
	dp_config_add_setting(config, key, dp_xstrdup(""), "");
	return &config->settings[config->setting_count - 1];
}

void dp_config_add_ddl_dirs(struct deploy_config *config, const char *const *dirs, size_t count)
{
	struct deploy_setting *setting;
	char **all, *old;

	if (!count)
		return;
	all = dp_xcalloc(count + config->ddl_dir_count, sizeof(*all));
	setting = ddl_dirs_setting(config);
	for (size_t i = 0; i < config->ddl_dir_count; i++)
		all[count + i] = config->ddl_dirs[i];
	for (size_t i = count; i-- > 0;) {
		all[i] = dp_xstrdup(dirs[i]);
		old = setting->value;
		setting->value = dp_xasprintf("%s%s%s", dirs[i], *old ? "," : "", old);
		free(old);
	}
	old = setting->origin;
	setting->origin = dp_xasprintf("--ddl-dir%s%s", *old ? ", " : "", old);
	free(old);
	free(config->ddl_dirs);
	config->ddl_dirs = all;
	config->ddl_dir_count += count;
}

void dp_config_add_file(struct deploy_config *config, const char *path, enum deploy_config_use use)
{
	config->files = dp_grow(
		config->files, &config->file_cap, config->file_count + 1, sizeof(*config->files));
	config->files[config->file_count++] =
		(struct deploy_config_file){.path = dp_xstrdup(path), .use = use};
}

void dp_config_take_warning(struct deploy_config *config, char *text, char *hint)
{
	config->warnings = dp_grow(config->warnings, &config->warning_cap,
		config->warning_count + 1, sizeof(*config->warnings));
	config->warnings[config->warning_count++] =
		(struct deploy_config_warning){.text = text, .hint = hint};
}

static void free_secret(char *secret)
{
	if (secret)
		dp_wipe(secret, strlen(secret));
	free(secret);
}

static void free_texts(char **texts, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(texts[i]);
	free(texts);
}

static void free_brokers(struct deploy_config *config)
{
	for (size_t i = 0; i < config->broker_count; i++) {
		struct deploy_broker *broker = &config->brokers[i];

		free_secret(broker->password);
		free(broker->host);
		free(broker->user);
		free(broker->ca_file);
		free(broker->cert_file);
		free(broker->key_file);
	}
	free(config->brokers);
}

static void free_lists(struct deploy_config *config)
{
	for (size_t i = 0; i < config->setting_count; i++) {
		free(config->settings[i].key);
		free(config->settings[i].value);
		free(config->settings[i].origin);
	}
	for (size_t i = 0; i < config->file_count; i++)
		free(config->files[i].path);
	for (size_t i = 0; i < config->warning_count; i++) {
		free(config->warnings[i].text);
		free(config->warnings[i].hint);
	}
	free(config->settings);
	free(config->files);
	free(config->warnings);
}

void deploy_config_free(struct deploy_config *config)
{
	if (!config)
		return;
	free_brokers(config);
	free_secret(config->psk);
	free_texts(config->collectives, config->collective_count);
	free_texts(config->ddl_dirs, config->ddl_dir_count);
	free_lists(config);
	free(config->path);
	free(config->context);
	free(config->identity);
	free(config->main_collective);
	free(config->vhost);
	free(config->callerid);
	free(config->output);
	free(config->color);
	free(config->state);
	for (size_t i = 0; i < DEPLOY_ROLE_PARTS; i++)
		free(config->role_facts[i]);
	free(config->puppet.url);
	free(config->puppet.ca_file);
	free(config->puppet.cert_file);
	free(config->puppet.key_file);
	free(config);
}
