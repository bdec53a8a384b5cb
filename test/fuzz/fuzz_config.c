/*
 * Any bytes as a configuration, ours or mco's, and behind a NUL as plugin.d/psk.cfg beside it. What
 * is taken must be complete and within its limits; what is refused is said in one line. Secrets
 * stay closed: no command of the fuzzer's is run.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "deploy/config.h"
#include "deploy/nodeset.h"

#define MAX_BYTES (16 * 1024)

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char folder[64], main_path[96], plugin_path[96];

static void require(int holds)
{
	if (!holds)
		abort();
}

static void forget_files(void)
{
	char path[96];

	(void)unlink(main_path);
	(void)unlink(plugin_path);
	(void)snprintf(path, sizeof(path), "%s/plugin.d", folder);
	(void)rmdir(path);
	(void)rmdir(folder);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	static const char *const variables[] = {"MCOLLECTIVE_PSK", "STOMP_USER", "STOMP_PASSWORD"};
	char path[96];

	(void)argc;
	(void)argv;
	for (size_t i = 0; i < sizeof(variables) / sizeof(variables[0]); i++)
		(void)unsetenv(variables[i]);
	(void)snprintf(folder, sizeof(folder), "/tmp/fuzz_config.XXXXXX");
	require(mkdtemp(folder) != NULL);
	(void)snprintf(path, sizeof(path), "%s/plugin.d", folder);
	require(mkdir(path, 0700) == 0);
	(void)snprintf(main_path, sizeof(main_path), "%s/client.cfg", folder);
	(void)snprintf(plugin_path, sizeof(plugin_path), "%s/psk.cfg", path);
	require(atexit(forget_files) == 0);
	return 0;
}

static void write_file(const char *path, const uint8_t *data, size_t size)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	require(fd >= 0 && write(fd, data, size) == (ssize_t)size && close(fd) == 0);
}

static void check_broker(const struct deploy_broker *broker)
{
	require(broker->host && broker->host[0] && broker->user && broker->password);
	require(broker->port >= 1 && broker->port <= 65535);
	require(!broker->uses_tls || broker->ca_file);
	require(!broker->cert_file == !broker->key_file);
}

static void check_taken(const struct deploy_config *config)
{
	const char *name = strchr(config->callerid, '=');

	require(strcmp(config->path, main_path) == 0 && config->vhost && config->vhost[0]);
	require(deploy_identity_is_valid(config->identity, strlen(config->identity)));
	require(deploy_identity_is_valid(config->main_collective, strlen(config->main_collective)));
	for (size_t i = 0; i < config->collective_count; i++)
		require(deploy_identity_is_valid(
			config->collectives[i], strlen(config->collectives[i])));
	require(name && deploy_identity_is_valid(name + 1, strlen(name + 1)));
	require(config->broker_count >= 1 && config->broker_count <= 64);
	for (size_t i = 0; i < config->broker_count; i++)
		check_broker(&config->brokers[i]);
	require(config->ttl_s >= 1 && config->ttl_s <= 315359990);
	require(config->discovery_timeout_ms > 0 && config->connection_timeout_ms > 0);
	require(config->window_ms > 0 && config->timeout_ms >= 0);
	require(config->default_batch_sleep_ms >= 0 && !config->psk);
	require(config->confirm_above <= 1000000 && config->ddl_dir_count >= 1);
	for (size_t i = 0; i < config->ddl_dir_count; i++)
		require(config->ddl_dirs[i][0] == '/');
}

static void check_settings(const struct deploy_config *config)
{
	for (size_t i = 0; i < config->setting_count; i++)
		require(config->settings[i].key && config->settings[i].value &&
			config->settings[i].origin);
	require(config->file_count >= 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct deploy_config_options options = {.path = main_path, .leaves_secrets = true};
	const uint8_t *nul = size ? memchr(data, '\0', size) : NULL;
	size_t first = nul ? (size_t)(nul - data) : size;
	struct deploy_error err = {.code = DEPLOY_OK};
	struct deploy_config *config = NULL;

	/* More lines only cost time. */
	if (size > MAX_BYTES)
		return 0;
	write_file(main_path, data, first);
	write_file(plugin_path, nul ? nul + 1 : data, nul ? size - first - 1 : 0);
	if (deploy_config_load(&config, &options, &err) == 0) {
		require(err.code == DEPLOY_OK);
		check_taken(config);
	} else {
		require(err.code == DEPLOY_CONFIG && err.text[0]);
		require(!strpbrk(err.text, "\r\n") && !strpbrk(err.hint, "\r\n"));
	}
	check_settings(config);
	deploy_config_free(config);
	return 0;
}
