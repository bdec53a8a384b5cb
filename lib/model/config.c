/* Where configurations are looked for, and in which order their sources count. */
#include "deploy/config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "deploy/text.h"
#include "model/config_mco.h"
#include "model/config_own.h"
#include "model/config_parts.h"
#include "model/config_read.h"

#define MAX_OWN_FILES 2 /* the user's and the system's */
#define MAX_SOURCES   6 /* the environment, context and top level of each, and mco's */

static const char system_path[] = "/etc/deployctl/config.yaml";
static const char *const mco_paths[] = {
	"/etc/puppetlabs/mcollective/client.cfg", "/etc/mcollective/client.cfg"};
#define MCO_PATHS (sizeof(mco_paths) / sizeof(mco_paths[0]))

/* What was found so far. */
struct search {
	struct deploy_config *config;
	const struct deploy_config_options *options;
	struct dp_source sources[MAX_SOURCES];
	size_t source_count;
	struct dp_own_file own[MAX_OWN_FILES];
	size_t own_count;
};

static struct dp_source *add_source(struct search *search)
{
	return &search->sources[search->source_count++];
}

static int note_file(struct search *search, const char *path, const struct deploy_error *err)
{
	dp_config_add_file(
		search->config, path, err->code ? DEPLOY_CONFIG_REFUSED : DEPLOY_CONFIG_USED);
	return err->code;
}

static int read_own(struct search *search, const char *path, const struct dp_file *file,
	struct deploy_error *err)
{
	struct dp_own_file *own = &search->own[search->own_count];

	if (dp_file_check_group(file, path, err) == 0 && dp_own_open(own, path, file, err) == 0)
		search->own_count++;
	else
		dp_own_release(own);
	return err->code;
}

/* Looks for path, which need not be there. */
static int look_for_own(struct search *search, const char *path, struct deploy_error *err)
{
	struct dp_file file;

	if (!dp_file_is_there(path, err)) {
		dp_config_add_file(search->config, path, DEPLOY_CONFIG_MISSING);
		return 0;
	}
	if (err->code)
		return note_file(search, path, err);
	if (dp_file_read(&file, path, err) == 0)
		(void)read_own(search, path, &file, err);
	dp_file_release(&file);
	return note_file(search, path, err);
}

static const char *home(void)
{
	const char *value = getenv("HOME");

	return value && *value ? value : NULL;
}

/* Of the user; NULL if there is no home. Caller frees. */
static char *user_path(void)
{
	const char *folder = getenv("XDG_CONFIG_HOME");

	if (folder && folder[0] == '/')
		return dp_xasprintf("%s/deployctl/config.yaml", folder);
	return home() ? dp_xasprintf("%s/.config/deployctl/config.yaml", home()) : NULL;
}

static int look_for_owns(struct search *search, struct deploy_error *err)
{
	char *path = user_path();
	int rc = path ? look_for_own(search, path, err) : 0;

	free(path);
	return rc ? rc : look_for_own(search, system_path, err);
}

static int read_mco(
	struct search *search, const char *path, struct dp_file *file, struct deploy_error *err)
{
	struct dp_client_cfg cfg = {0};
	int rc = dp_client_cfg_read_file(&cfg, path, file, err);

	if (!rc) {
		struct dp_source *source = add_source(search);

		rc = dp_mco_read(source, &cfg, search->config, err);
		/* Half of what it says is worth nothing. */
		if (rc)
			dp_source_release(source);
	}
	(void)note_file(search, path, err);
	for (size_t i = 1; i < cfg.path_count; i++)
		dp_config_add_file(search->config, cfg.paths[i], DEPLOY_CONFIG_USED);
	dp_client_cfg_release(&cfg);
	return rc;
}

/* Returns false when the search is over, also because of an error. */
static bool look_for_mco(
	struct search *search, const char *path, bool is_needed, struct deploy_error *err)
{
	struct dp_file file = {0};

	if (!is_needed) {
		dp_config_add_file(search->config, path, DEPLOY_CONFIG_NOT_NEEDED);
		return false;
	}
	if (!dp_file_is_there(path, err)) {
		dp_config_add_file(search->config, path, DEPLOY_CONFIG_MISSING);
		return true;
	}
	if (!err->code && dp_file_read(&file, path, err) == 0)
		(void)read_mco(search, path, &file, err);
	else
		(void)note_file(search, path, err);
	dp_file_release(&file);
	return false;
}

/* Only if nothing else says where the broker is: half of a connection is never taken from here. */
static int look_for_mcos(struct search *search, struct deploy_error *err)
{
	bool is_needed = !dp_config_block(search->sources, search->source_count);
	char *path = home() ? dp_xasprintf("%s/.mcollective", home()) : NULL;

	if (path)
		is_needed = look_for_mco(search, path, is_needed, err);
	free(path);
	for (size_t i = 0; i < MCO_PATHS && !err->code; i++)
		is_needed = look_for_mco(search, mco_paths[i], is_needed, err);
	return err->code;
}

/* The first line that says something: "key = value" is mco's, everything else is YAML. */
static bool is_client_cfg(const char *text)
{
	size_t len;

	for (;;) {
		text += strspn(text, " \t\r\n\f\v");
		if (*text != '#')
			break;
		text += strcspn(text, "\n");
	}
	len = strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.");
	return len && text[len + strspn(text + len, " \t")] == '=';
}

/* Only of what stands in path itself: somebody may have meant it to be the other language. */
static void say_language(struct deploy_error *err, const char *path, const char *language)
{
	size_t len = strlen(err->text);

	if (strncmp(err->text, path, strlen(path)) == 0 && err->text[strlen(path)] == ':')
		(void)snprintf(err->text + len, sizeof(err->text) - len, " (read as %s)", language);
}

static int read_given(struct search *search, const char *path, struct deploy_error *err)
{
	struct dp_file file;
	bool is_mco;

	if (dp_file_read(&file, path, err)) {
		dp_file_release(&file);
		return note_file(search, path, err);
	}
	is_mco = is_client_cfg(dp_buf_text(&file.text));
	if (is_mco) {
		(void)read_mco(search, path, &file, err);
	} else {
		(void)read_own(search, path, &file, err);
		(void)note_file(search, path, err);
	}
	dp_file_release(&file);
	if (err->code)
		say_language(err, path, is_mco ? "an mco client.cfg" : "deployctl's own YAML");
	return err->code;
}

/* The one that is asked for, or that the files want: the user's wish comes first. */
static const char *wanted_context(const struct search *search, const struct dp_own_file **owner)
{
	*owner = NULL;
	if (search->options->context)
		return search->options->context;
	for (size_t i = 0; i < search->own_count; i++)
		if (search->own[i].context) {
			*owner = &search->own[i];
			return search->own[i].context;
		}
	return NULL;
}

/* The context that was probably meant, borrowed from a file; NULL if none is close. */
static const char *close_context(const struct search *search, const char *name)
{
	const char *close = NULL;

	for (size_t i = 0; i < search->own_count && !close; i++) {
		size_t count;
		const char **names = dp_own_contexts(&search->own[i], &count);

		close = deploy_text_suggest(name, names, count);
		free(names);
	}
	return close;
}

static int refuse_context(const struct search *search, const char *name,
	const struct dp_own_file *owner, struct deploy_error *err)
{
	const char *close = close_context(search, name);

	if (owner) {
		(void)deploy_yaml_fail(owner->doc, owner->context_place, DEPLOY_CONFIG, err,
			"there is no context '%s'", name);
		if (close)
			deploy_error_hint(err, "did you mean '%s'?", close);
		return err->code;
	}
	if (!search->own_count)
		return deploy_error_set(err, DEPLOY_USAGE,
			"context '%s': there is no configuration of deployctl's own, and only "
			"those have contexts",
			name);
	if (close)
		deploy_error_hint(err, "--context=%s", close);
	return deploy_error_set(err, DEPLOY_USAGE, "there is no context '%s' in %s%s%s", name,
		search->own[0].path, search->own_count > 1 ? " or " : "",
		search->own_count > 1 ? search->own[1].path : "");
}

/* Sources of the files, the chosen context of each before its top level. */
static int add_owns(struct search *search, struct deploy_error *err)
{
	const struct dp_own_file *owner;
	const char *context = wanted_context(search, &owner);
	bool is_there = false;

	for (size_t i = 0; i < search->own_count; i++) {
		const struct dp_own_file *own = &search->own[i];

		if (context && dp_own_read(add_source(search), own, context))
			is_there = true;
		(void)dp_own_read(add_source(search), own, NULL);
	}
	if (context && is_there)
		search->config->context = dp_xstrdup(context);
	return context && !is_there ? refuse_context(search, context, owner, err) : 0;
}

static int refuse_silence(const struct search *search, struct deploy_error *err)
{
	if (search->options->path || search->own_count) {
		(void)deploy_error_set(err, DEPLOY_CONFIG, "%s: no brokers are named",
			search->own_count ? search->own[0].path : search->options->path);
		if (search->options->path)
			say_language(err, search->options->path, "deployctl's own YAML");
		deploy_error_hint(err, "brokers: [HOST]");
		return err->code;
	}
	(void)deploy_error_set(err, DEPLOY_CONFIG,
		"no configuration: neither ~/.config/deployctl/config.yaml nor %s nor an mco "
		"client.cfg: ~/.mcollective, %s, %s",
		system_path, mco_paths[0], mco_paths[1]);
	deploy_error_hint(err, "name one with -c FILE");
	return err->code;
}

/* Goes through the places in their order. */
static int gather(struct search *search, enum dp_config_extent *extent, struct deploy_error *err)
{
	int rc;

	dp_source_read_environment(add_source(search));
	rc = search->options->path ? read_given(search, search->options->path, err)
				   : look_for_owns(search, err);
	if (rc) {
		struct deploy_error ignored = {.code = DEPLOY_OK};

		(void)add_owns(search, &ignored);
		return rc;
	}
	rc = add_owns(search, err);
	if (!rc)
		*extent = DP_READ_OWNS;
	if (!rc && !search->options->path)
		rc = look_for_mcos(search, err);
	if (!rc)
		*extent = DP_READ_ALL;
	if (!rc && !dp_config_block(search->sources, search->source_count))
		rc = refuse_silence(search, err);
	return rc;
}

static void release(struct search *search)
{
	for (size_t i = 0; i < search->source_count; i++)
		dp_source_release(&search->sources[i]);
	for (size_t i = 0; i < search->own_count; i++)
		dp_own_release(&search->own[i]);
}

static void log_files(const struct deploy_config *config)
{
	for (size_t i = 0; i < config->file_count; i++)
		dp_log(DEPLOY_LOG_DEBUG, "configuration: %s: %s", config->files[i].path,
			deploy_config_use_name(config->files[i].use));
}

int deploy_config_load(struct deploy_config **out, const struct deploy_config_options *options,
	struct deploy_error *err)
{
	struct search search = {
		.config = dp_xcalloc(1, sizeof(*search.config)), .options = options};
	enum dp_config_extent extent = DP_READ_SOME;

	*out = search.config;
	(void)gather(&search, &extent, err);
	(void)dp_config_read(search.config, search.sources, search.source_count, extent,
		options->leaves_secrets, err);
	dp_config_add_ddl_dirs(search.config, options->ddl_dirs, options->ddl_dir_count);
	log_files(search.config);
	release(&search);
	return err->code;
}
