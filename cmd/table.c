/* The tables: every command, and the options that every command has. */
#include <string.h>

#include "command.h"

#define REFER_TO_COMMAND(name) &cmd_##name,

const struct command *const commands[] = {COMMANDS(REFER_TO_COMMAND) NULL};

const char *const color_names[] = {"auto", "always", "never", NULL};

/* Whether it is there, main asks: only commands that read a configuration look into it. */
static int parse_ddl_dir(void *field, const char *text, struct deploy_error *err)
{
	struct ddl_dirs *dirs = field;

	if (text[0] == '\0')
		return deploy_error_set(err, DEPLOY_USAGE, "the value is empty");
	if (!deploy_text_is_utf8(text, strlen(text)))
		return deploy_error_set(err, DEPLOY_USAGE, "the name is not UTF-8");
	if (dirs->count == DDL_DIRS_MAX)
		return deploy_error_set(
			err, DEPLOY_USAGE, "at most %d folders can be named", DDL_DIRS_MAX);
	dirs->paths[dirs->count++] = text;
	return 0;
}

const struct opt global_options[] = {
	OPT_TEXT('c', "config", struct global_opts, config, "FILE",
		"read the configuration from FILE"),
	OPT_TEXT(0, "context", struct global_opts, context, "NAME",
		"use the context NAME of the configuration"),
	OPT_TEXT(0, "state", struct global_opts, state, "FILE",
		"record runs, and what is known of nodes, in FILE"),
	OPT_PARSED(0, "ddl-dir", struct global_opts, ddl_dirs, "DIR", parse_ddl_dir, true,
		"look for DDLs in agent/ and data/ of DIR before the configuration's ddl_dirs"),
	OPT_CHOICE('o', "output", struct global_opts, output, "FORMAT", out_format_names,
		"print results as FORMAT", "table"),
	OPT_FLAG('j', "json", struct global_opts, mco_json,
		"print the bare JSON array that mco prints"),
	OPT_FLAG(
		0, "no-headers", struct global_opts, no_headers, "leave out the headers of tables"),
	OPT_CHOICE(
		0, "color", struct global_opts, color, "WHEN", color_names, "use colours", "auto"),
	OPT_COUNT('v', "verbose", struct global_opts, verbose,
		"tell more on stderr; twice or thrice: still more"),
	OPT_FLAG('q', "quiet", struct global_opts, quiet, "tell nothing but errors on stderr"),
	OPT_FLAG('h', "help", struct global_opts, help, "print this help and end"),
	OPT_END,
};

#define COUNT_COMMAND(name) +1

const struct command *command_find(const char *name, struct deploy_error *err)
{
	const char *names[COMMANDS(COUNT_COMMAND)], *meant;
	size_t i;

	for (i = 0; commands[i]; i++) {
		if (strcmp(commands[i]->name, name) == 0 ||
			(commands[i]->also && strcmp(commands[i]->also, name) == 0))
			return commands[i];
		names[i] = commands[i]->name;
	}
	meant = deploy_text_suggest(name, names, i);
	deploy_error_hint(err, "deployctl %s", meant ? meant : "help");
	(void)deploy_error_set(err, DEPLOY_USAGE, "unknown command \"%s\"", name);
	return NULL;
}
