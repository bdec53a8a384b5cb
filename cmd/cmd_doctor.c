/* deployctl doctor — what works between here and the nodes, what does not, and what to do. */
#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "command.h"
#include "doctor_fleet.h"
#include "findings.h"
#include "signals.h"
#include "target_opts.h"

struct doctor_opts {
	struct target_opts target;
};

static const struct opt doctor_options[] = {
	OPT_TEXT('T', "target", struct doctor_opts, target.collective, "COLLECTIVE",
		"examine this collective instead of the main one"),
	OPT_TIME(0, "dt", struct doctor_opts, target.discovery_ms, "TIME",
		"give nodes TIME to answer", "2s, or discovery_timeout of the configuration"),
	OPT_TIME(0, "window-time", struct doctor_opts, target.window_ms, "TIME",
		"discovery ends when no node answered for TIME", "300ms"),
	OPT_TIME(0, "connection-timeout", struct doctor_opts, target.connection_ms, "TIME",
		"give a broker TIME for each step",
		"5s, or connection_timeout of the configuration"),
	OPT_END,
};

static const enum exit_status doctor_exits[] = {EXIT_ALL_OK, EXIT_NODE_FAILED, EXIT_NO_ANSWER,
	EXIT_SOME_SILENT, EXIT_USAGE, EXIT_NO_INPUT, EXIT_UNREACHABLE, EXIT_OUTPUT, EXIT_AUTH,
	EXIT_CONFIG, EXIT_INT, EXIT_TERM, EXIT_LIST_END};

static const struct example doctor_examples[] = {
	{"deployctl doctor", "configuration, brokers, discovery, clocks"},
	{"deployctl doctor web01.example.net", "the same, with a round trip to this node"},
	{"deployctl doctor -o json", "the checks as a document, for monitoring"},
	{NULL, NULL},
};

static void doctor_init(void *opts)
{
	target_opts_init(&((struct doctor_opts *)opts)->target);
}

static void doctor_release(void *opts)
{
	target_opts_release(&((struct doctor_opts *)opts)->target);
}

static void expect_subjects(struct findings *findings, const struct deploy_config *config)
{
	char peer[300];

	for (size_t i = 0; i < config->file_count; i++)
		if (config->files[i].use == DEPLOY_CONFIG_USED ||
			config->files[i].use == DEPLOY_CONFIG_REFUSED)
			findings_expect(findings, config->files[i].path);
	for (size_t i = 0; i < config->broker_count; i++) {
		(void)snprintf(peer, sizeof(peer), "%s:%u", config->brokers[i].host,
			config->brokers[i].port);
		findings_expect(findings, peer);
		findings_expect(findings, config->brokers[i].key_file);
	}
	for (size_t i = 0; i < config->ddl_dir_count; i++)
		findings_expect(findings, config->ddl_dirs[i]);
}

static void check_files(struct findings *findings, const struct deploy_config *config)
{
	const char *context = config->context;

	for (size_t i = 0; i < config->file_count; i++)
		if (config->files[i].use == DEPLOY_CONFIG_USED)
			findings_tell(findings, DEPLOY_GRADE_OK, 0, "configuration",
				config->files[i].path, NULL, "read%s%s",
				context ? ", context " : "", context ? context : "");
	for (size_t i = 0; i < config->warning_count; i++)
		findings_tell(findings, DEPLOY_GRADE_WARNING, 0, "configuration",
			config->path ? config->path : "-", config->warnings[i].hint, "%s",
			config->warnings[i].text);
}

/* The file that was refused, or what stands for all of them. */
static const char *refused_file(const struct deploy_config *config)
{
	for (size_t i = 0; i < config->file_count; i++)
		if (config->files[i].use == DEPLOY_CONFIG_REFUSED)
			return config->files[i].path;
	return config->path ? config->path : "-";
}

/* A key that nobody can read is no key. That others cannot, loading has seen to. */
static void check_key(struct findings *findings, const char *path)
{
	struct stat st;

	if (access(path, R_OK) != 0 || stat(path, &st) != 0)
		findings_tell(findings, DEPLOY_GRADE_FAILED, EXIT_CONFIG, "secrets", path,
			"name a private key that this account may read", "%s", strerror(errno));
	else
		findings_tell(findings, DEPLOY_GRADE_OK, 0, "secrets", path, NULL,
			"private key, mode %04o", (unsigned)(st.st_mode & 07777));
}

static void check_secrets(struct findings *findings, const struct deploy_config *config)
{
	const char *path = config->path ? config->path : "-";
	size_t open = 0;

	if (!config->psk)
		findings_tell(findings, DEPLOY_GRADE_FAILED, EXIT_CONFIG, "secrets", path,
			"set plugin.psk there ('psk' in YAML), or MCOLLECTIVE_PSK in the "
			"environment",
			"no PSK");
	for (size_t i = 0; i < config->broker_count; i++)
		open += config->brokers[i].password[0] == '\0';
	if (open)
		findings_tell(findings, DEPLOY_GRADE_WARNING, 0, "secrets", path,
			"set the password of the broker's user",
			"%zu of %zu brokers without a password", open, config->broker_count);
	if (config->psk && !open)
		findings_tell(findings, DEPLOY_GRADE_OK, 0, "secrets", path, NULL,
			"PSK and passwords are set");
	for (size_t i = 0; i < config->broker_count; i++)
		if (config->brokers[i].key_file)
			check_key(findings, config->brokers[i].key_file);
}

static bool ends_in(const char *name, const char *end)
{
	size_t len = strlen(name), end_len = strlen(end);

	return len > end_len && strcmp(name + len - end_len, end) == 0;
}

/* How many agents the folder describes. -1 with errno: it cannot be read. */
static long count_ddls(const char *folder)
{
	char path[4096];
	const struct dirent *entry;
	long count = 0;
	DIR *dir;

	(void)snprintf(path, sizeof(path), "%s/agent", folder);
	dir = opendir(path);
	if (!dir)
		return -1;
	while ((entry = readdir(dir)))
		count += ends_in(entry->d_name, ".ddl") || ends_in(entry->d_name, ".json");
	(void)closedir(dir);
	return count;
}

static bool is_seen(const struct deploy_config *config, size_t index)
{
	for (size_t i = 0; i < index; i++)
		if (strcmp(config->ddl_dirs[i], config->ddl_dirs[index]) == 0)
			return true;
	return false;
}

static void check_ddls(struct findings *findings, const struct deploy_config *config)
{
	long total = 0;

	for (size_t i = 0; i < config->ddl_dir_count; i++) {
		long count;

		if (is_seen(config, i))
			continue;
		count = count_ddls(config->ddl_dirs[i]);
		total += count > 0 ? count : 0;
		if (count >= 0)
			findings_tell(findings, DEPLOY_GRADE_OK, 0, "ddl", config->ddl_dirs[i],
				NULL, "%ld in agent/", count);
		else
			findings_tell(findings,
				errno == ENOENT ? DEPLOY_GRADE_OK : DEPLOY_GRADE_WARNING, 0, "ddl",
				config->ddl_dirs[i],
				errno == ENOENT ? NULL : "let this account read it", "agent/: %s",
				errno == ENOENT ? "not there" : strerror(errno));
	}
	if (!total)
		findings_tell(findings, DEPLOY_GRADE_WARNING, 0, "ddl", "-",
			"copy the agents' .ddl files from a node, and name their folder as "
			"ddl_dirs "
			"(libdir of an mco client.cfg)",
			"no DDL at all: inputs of actions cannot be checked before they are sent");
}

/* check: what failed; the checks behind it have nothing to go by. */
static void tell_config_error(struct findings *findings, const struct deploy_config *config,
	const char *check, const struct deploy_error *err)
{
	bool has_settings = strcmp(check, "secrets") == 0;
	char why[64];

	findings_tell(findings, DEPLOY_GRADE_FAILED, exit_of_error(err->code), check,
		refused_file(config), err->hint, "%s", err->text);
	(void)snprintf(why, sizeof(why), "%s failed", check);
	if (!has_settings)
		findings_tell(findings, DEPLOY_GRADE_UNTRIED, 0, "secrets", "-", NULL, "%s", why);
	if (!has_settings)
		findings_tell(findings, DEPLOY_GRADE_UNTRIED, 0, "ddl", "-", NULL, "%s", why);
	else
		check_ddls(findings, config);
	findings_tell(findings, DEPLOY_GRADE_UNTRIED, 0, "broker", "-", NULL, "%s", why);
	doctor_fleet_untried(findings, "-", why);
}

static void take_finding(void *arg, const struct deploy_finding *finding)
{
	findings_add(arg, finding, exit_of_error(finding->code));
}

/* The first that works becomes the first of the configuration: the nodes are asked through it. */
static bool check_brokers(struct findings *findings, struct ctx *ctx, const char *collective,
	struct deploy_error *err)
{
	struct deploy_config *config = ctx->config;
	size_t works = config->broker_count;

	signals_set_phase(SIGNALS_CONNECTING);
	for (size_t i = 0; i < config->broker_count && !err->code; i++) {
		int rc = deploy_broker_examine(config, i, collective, take_finding, findings);

		if (rc == 0 && works == config->broker_count)
			works = i;
		if (rc == DEPLOY_INTERRUPTED || signals_received() != 0)
			(void)deploy_error_set(err, DEPLOY_INTERRUPTED, "interrupted");
	}
	signals_set_phase(SIGNALS_RUNNING);
	if (err->code || works == config->broker_count)
		return false;
	if (works) {
		struct deploy_broker first = config->brokers[0];

		config->brokers[0] = config->brokers[works];
		config->brokers[works] = first;
	}
	return true;
}

static void check_fleet(struct findings *findings, struct ctx *ctx,
	const struct target_opts *target, const char *node, struct deploy_error *err)
{
	struct deploy_error refused = {0};

	if (!ctx->config->psk) {
		doctor_fleet_untried(findings, "-", "there is no PSK");
		return;
	}
	if (target_connect(ctx, target, &refused) == 0) {
		(void)doctor_fleet(findings, ctx, target, node, err);
		return;
	}
	if (refused.code == DEPLOY_INTERRUPTED)
		*err = refused;
	else
		findings_tell(findings, DEPLOY_GRADE_FAILED, exit_of_error(refused.code),
			"discovery", "-", refused.hint, "%s", refused.text);
}

/* Main has read the settings; now with the secrets. */
static int open_secrets(struct ctx *ctx, struct deploy_error *err)
{
	const struct deploy_config_options options = ctx_config_options(&ctx->global, false);

	deploy_config_free(ctx->config);
	ctx->config = NULL;
	return deploy_config_load(&ctx->config, &options, err);
}

static void examine(struct findings *findings, struct ctx *ctx, const struct target_opts *target,
	const char *node, struct deploy_error *err)
{
	struct deploy_error closed = {0};
	const char *collective;

	check_files(findings, ctx->config);
	if (open_secrets(ctx, &closed)) {
		tell_config_error(findings, ctx->config, "secrets", &closed);
		return;
	}
	collective = target->collective ? target->collective : ctx->config->main_collective;
	if (target->connection_ms)
		ctx->config->connection_timeout_ms = target->connection_ms;
	check_secrets(findings, ctx->config);
	check_ddls(findings, ctx->config);
	if (check_brokers(findings, ctx, collective, err))
		check_fleet(findings, ctx, target, node, err);
	else if (!err->code)
		doctor_fleet_untried(findings, collective, "no broker works");
}

/* err: why there are no settings, from main; it becomes a finding like others. */
static int doctor_main(struct ctx *ctx, void *opts, struct args args, struct deploy_error *err)
{
	const struct target_opts *target = &((struct doctor_opts *)opts)->target;
	const char *node = args.count ? args.values[0] : NULL;
	struct findings findings = {.out = ctx->out};
	struct deploy_error settings = *err;

	/* A context that no file has, or a name that is none: there is nothing to examine. */
	if (err->code == DEPLOY_USAGE)
		return EXIT_USAGE;
	*err = (struct deploy_error){.code = DEPLOY_OK};
	if (node && !deploy_identity_is_valid(node, strlen(node))) {
		(void)deploy_error_set(
			err, DEPLOY_USAGE, "doctor: \"%s\" is no name of a node", node);
		return EXIT_USAGE;
	}
	if (!settings.code && target->collective &&
		ctx_check_collective(ctx, target->collective, err))
		return exit_of_error(err->code);
	expect_subjects(&findings, ctx->config);
	if (settings.code)
		tell_config_error(&findings, ctx->config, "configuration", &settings);
	else
		examine(&findings, ctx, target, node, err);
	return findings_end(&findings, "doctor", err);
}

const struct command cmd_doctor = {
	.name = "doctor",
	.group = "about",
	.summary = "find out what does not work, and what to do",
	.operands = "[NODE]",
	.description =
		"Examines, in this order: the configuration and its secrets, the folders of DDLs, "
		"each broker (its name, its addresses, TLS and certificates, login, vhost, "
		"exchanges, "
		"and every permission that a run needs), and through the first broker that works "
		"the "
		"nodes: who answers, a round trip to NODE or to the first that answers, and whose "
		"clock is off.\n\n"
		"Each check is one line; what failed, or should not stay so, is followed by what "
		"to "
		"do. Nothing is changed: no node executes anything but rpcutil ping, and nothing "
		"stays at the broker. The exit status is that of the worst failure; warnings alone "
		"are 0.\n\n"
		"With -o name only the subjects of failed checks are printed. With -o json, code "
		"is "
		"the name of the exit status that a failure means.",
	.min_args = 0,
	.max_args = 1,
	.options = doctor_options,
	.opts_size = sizeof(struct doctor_opts),
	.opts_init = doctor_init,
	.opts_release = doctor_release,
	.needs = NEED_SETTINGS | NEED_BROKER,
	.exits = doctor_exits,
	.examples = doctor_examples,
	.main = doctor_main,
};
