/* What commands get from main: the connection to the broker, opened when it is first asked for. */
#include <string.h>

#include "command.h"
#include "signals.h"

struct deploy_config_options ctx_config_options(
	const struct global_opts *global, bool leaves_secrets)
{
	return (struct deploy_config_options){.path = global->config,
		.context = global->context,
		.leaves_secrets = leaves_secrets,
		.ddl_dirs = global->ddl_dirs.paths,
		.ddl_dir_count = global->ddl_dirs.count};
}

int ctx_open_secrets(struct ctx *ctx, struct deploy_error *err)
{
	const struct deploy_config_options options = ctx_config_options(&ctx->global, false);

	deploy_config_free(ctx->config);
	return deploy_config_load(&ctx->config, &options, err);
}

int ctx_check_collective(const struct ctx *ctx, const char *name, struct deploy_error *err)
{
	const struct deploy_config *config = ctx->config;
	const char *meant;
	size_t i;

	if (strcmp(name, config->main_collective) == 0)
		return 0;
	for (i = 0; i < config->collective_count; i++)
		if (strcmp(name, config->collectives[i]) == 0)
			return 0;
	meant = deploy_text_suggest(
		name, (const char *const *)config->collectives, config->collective_count);
	if (meant)
		deploy_error_hint(err, "--target=%s", meant);
	return deploy_error_set(err, DEPLOY_USAGE, "collective \"%s\" is not one of those in %s",
		name, config->path);
}

static int interrupted(struct deploy_error *err)
{
	return deploy_error_set(err, DEPLOY_INTERRUPTED, "interrupted while connecting");
}

/* The phase is set before asking what came: a signal in between is seen by one or the other. */
static int connect_bus(struct ctx *ctx, const char *collective, struct deploy_error *err)
{
	int rc;

	signals_set_phase(SIGNALS_CONNECTING);
	rc = deploy_bus_open(&ctx->bus, ctx->config, collective, err);
	signals_set_phase(SIGNALS_RUNNING);
	if (rc == 0 && signals_received() != 0)
		rc = interrupted(err);
	return rc;
}

int ctx_bus(struct ctx *ctx, const char *collective, struct deploy_error *err)
{
	int rc;

	if (ctx->bus)
		return 0;
	if (!ctx->config)
		return deploy_error_set(
			err, DEPLOY_BUG, "the command did not ask for a configuration");
	if (!collective)
		collective = ctx->config->main_collective;
	rc = ctx_check_collective(ctx, collective, err);
	return rc == 0 ? connect_bus(ctx, collective, err) : rc;
}

const char *ctx_state_path(const struct ctx *ctx, struct deploy_error *err)
{
	if (ctx->global.state)
		return ctx->global.state;
	if (ctx->config && ctx->config->state)
		return ctx->config->state;
	deploy_error_hint(err, "--state=FILE");
	(void)deploy_error_set(err, DEPLOY_IO,
		"there is no place for the state file: neither HOME nor a configuration says one");
	return NULL;
}

int ctx_state(struct ctx *ctx, bool may_write, struct deploy_error *err)
{
	const char *path;

	if (ctx->state)
		return 0;
	path = ctx_state_path(ctx, err);
	return path ? deploy_state_open(&ctx->state, path, may_write, err) : err->code;
}

int ctx_settings(const struct ctx *ctx, struct deploy_error *err)
{
	const struct deploy_config *config = ctx->config;

	/* A file that could not be read might have said all of it; then nothing is built in. */
	if (config->role_facts[0] && (config->state || ctx->global.state))
		*err = (struct deploy_error){.code = DEPLOY_OK};
	return err->code;
}

void ctx_leave_bus(struct ctx *ctx)
{
	deploy_bus_close(ctx->bus);
	ctx->bus = NULL;
	signals_set_phase(SIGNALS_IDLE);
}
