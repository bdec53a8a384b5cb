/* deployctl: finds the command, prepares what it needs, runs it, and is the one place that prints
 * errors. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "command.h"
#include "help.h"
#include "record.h"
#include "signals.h"

/* A closed standard descriptor would be given to a socket, and output would go to the broker. */
static void open_standard_files(void)
{
	int fd;

	for (fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0 && errno == EBADF)
			(void)open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY);
}

static void print_line(const char *before, const char *text)
{
	char *escaped = deploy_text_escape(text, strlen(text));

	(void)fprintf(stderr, "%s%s\n", before, escaped);
	free(escaped);
}

static void print_error(const struct deploy_error *err)
{
	if (err->text[0] != '\0')
		print_line("deployctl: ", err->text);
	if (err->hint[0] != '\0')
		print_line("  try: ", err->hint);
}

static void print_log(void *arg, enum deploy_log_level level, const char *text)
{
	char before[32];

	(void)arg;
	(void)snprintf(before, sizeof(before), "deployctl: %s: ", deploy_log_level_name(level));
	print_line(before, text);
}

static void begin_log(const struct global_opts *global)
{
	unsigned more = global->verbose > 3 ? 3 : global->verbose;

	deploy_log_set(print_log, NULL,
		global->quiet ? DEPLOY_LOG_ERROR
			      : (enum deploy_log_level)(DEPLOY_LOG_WARN + (int)more));
}

static const char *environment(const char *name)
{
	const char *value = getenv(name);

	return value && value[0] != '\0' ? value : NULL;
}

/* Set *choice to the index of word, unless there is no word. origin: who says it. */
static int choose(int *choice, const char *const *names, const char *word, enum deploy_code code,
	const char *origin, const char *what, struct deploy_error *err)
{
	int i;

	for (i = 0; word && names[i]; i++) {
		if (strcmp(names[i], word) == 0) {
			*choice = i;
			return 0;
		}
	}
	if (!word)
		return 0;
	return deploy_error_set(err, code, "%s: \"%s\" is %s", origin, word, what);
}

static const char no_format[] = "no format of output";
static const char no_color[] = "none of auto, always, never";

/* Fill in, once, what was not given. Help is for people unless the command line says otherwise. */
static int settle_options(struct global_opts *global, bool is_help, struct deploy_error *err)
{
	if (!global->config)
		global->config = environment("DEPLOYCTL_CONFIG");
	if (!global->context)
		global->context = environment("DEPLOYCTL_CONTEXT");
	if (global->mco_json && global->output >= 0) {
		global->mco_json = false;
		return deploy_error_set(
			err, DEPLOY_USAGE, "--json and --output exclude each other");
	}
	if (global->mco_json)
		global->output = OUT_JSON;
	else if (global->output < 0 && is_help)
		global->output = OUT_TABLE;
	else if (global->output < 0 &&
		 choose(&global->output, out_format_names, environment("DEPLOYCTL_OUTPUT"),
			 DEPLOY_USAGE, "DEPLOYCTL_OUTPUT", no_format, err) != 0)
		return err->code;
	if (global->color < 0 && !is_help)
		return choose(&global->color, color_names, environment("DEPLOYCTL_COLOR"),
			DEPLOY_USAGE, "DEPLOYCTL_COLOR", no_color, err);
	return 0;
}

/* Where a file says how to print. */
static const char *origin_of(const struct deploy_config *config, const char *key)
{
	size_t i;

	for (i = 0; i < config->setting_count; i++)
		if (strcmp(config->settings[i].key, key) == 0)
			return config->settings[i].origin;
	return key;
}

/* What neither an option nor the environment has said. */
static int settle_by_config(
	struct global_opts *global, const struct deploy_config *config, struct deploy_error *err)
{
	const char *force = environment("CLICOLOR_FORCE");
	int rc = 0;

	if (global->output < 0)
		rc = choose(&global->output, out_format_names, config->output, DEPLOY_CONFIG,
			origin_of(config, "output"), no_format, err);
	if (rc == 0 && config->output && strcmp(config->output, out_format_names[OUT_DOT]) == 0)
		rc = deploy_error_set(err, DEPLOY_CONFIG, "%s: only one command knows \"dot\"",
			origin_of(config, "output"));
	if (rc == 0 && global->color < 0 && !environment("NO_COLOR") &&
		(!force || strcmp(force, "0") == 0))
		rc = choose(&global->color, color_names, config->color, DEPLOY_CONFIG,
			origin_of(config, "color"), no_color, err);
	return rc;
}

static struct out *open_stdout(const struct global_opts *global)
{
	int format = global->output < 0 ? OUT_TABLE : global->output;

	return out_open(&(struct out_options){.format = (enum out_format)format,
		.mco_json = global->mco_json,
		.no_headers = global->no_headers,
		.quiet = global->quiet,
		.color = global->color < 0 ? 0 : global->color});
}

/* "AGENT ACTION [KEY=VALUE...]": the one at index. */
static int missing_operand(const struct command *command, int index, struct deploy_error *err)
{
	const char *name = command->operands;

	for (; index > 0; index--) {
		name += strcspn(name, " ");
		name += strspn(name, " ");
	}
	return deploy_error_set(
		err, DEPLOY_USAGE, "%.*s is missing", (int)strcspn(name, " "), name);
}

static int check_operands(const struct command *command, struct args args, struct deploy_error *err)
{
	if (args.count < command->min_args)
		return missing_operand(command, args.count, err);
	if (command->max_args != ARGS_ANY && args.count > command->max_args)
		return deploy_error_set(err, DEPLOY_USAGE, "unexpected operand \"%s\"",
			args.values[command->max_args]);
	return 0;
}

static int parse_command(struct ctx *ctx, const struct command *command, void *opts,
	struct args *args, struct deploy_error *err)
{
	const struct opt_target targets[] = {
		{command->options, opts}, {global_options, &ctx->global}};
	int rc;

	rc = opt_parse(targets, 2, args->count, args->values, false, &args->count, err);
	if (rc == 0)
		rc = settle_options(&ctx->global, ctx->global.help || command == &cmd_help, err);
	if (rc == 0 && !ctx->global.help)
		rc = check_operands(command, *args, err);
	if (rc == 0 && ctx->global.output == OUT_DOT && !command->draws)
		rc = deploy_error_set(
			err, DEPLOY_USAGE, "-o dot is for run-plan --site --dry-run only");
	return rc != 0 ? deploy_error_wrap(err, "%s", command->name) : 0;
}

/* A folder that was asked for by name must be there; those of the configuration need not be. */
static int check_ddl_dirs(const struct ddl_dirs *dirs, struct deploy_error *err)
{
	struct stat st;

	for (size_t i = 0; i < dirs->count; i++) {
		if (stat(dirs->paths[i], &st) != 0)
			return deploy_error_set(err, DEPLOY_NO_INPUT, "--ddl-dir %s: %s",
				dirs->paths[i], strerror(errno));
		if (!S_ISDIR(st.st_mode))
			return deploy_error_set(
				err, DEPLOY_NO_INPUT, "--ddl-dir %s: not a folder", dirs->paths[i]);
	}
	return 0;
}

/* What main prepares before a command runs; finish() takes it down. */
static int prepare(struct ctx *ctx, unsigned needs, struct deploy_error *err)
{
	const struct deploy_config_options options =
		ctx_config_options(&ctx->global, (needs & NEED_SETTINGS) != 0);
	struct deploy_error ignored = {0};
	int rc = 0;

	begin_log(&ctx->global);
	if (needs & (NEED_CONFIG | NEED_SETTINGS)) {
		if (check_ddl_dirs(&ctx->global.ddl_dirs, err))
			return err->code;
		rc = deploy_config_load(&ctx->config, &options, err);
		if (rc == 0)
			rc = settle_by_config(&ctx->global, ctx->config, err);
		else
			(void)settle_by_config(&ctx->global, ctx->config, &ignored);
	}
	if (needs & NEED_SETTINGS)
		rc = 0;
	if (rc == 0 && (needs & NEED_BROKER))
		rc = signals_open(&ctx->signal_fd, err);
	return rc;
}

static int run_command(
	struct ctx *ctx, const struct command *command, struct args args, struct deploy_error *err)
{
	_Alignas(max_align_t) unsigned char opts[OPTS_MAX] = {0};
	int status;

	if (command->opts_size > sizeof(opts)) {
		(void)deploy_error_set(err, DEPLOY_BUG, "%s: OPTS_MAX is too small", command->name);
		return EXIT_INTERNAL;
	}
	if (command->opts_init)
		command->opts_init(opts);
	ctx->global = (struct global_opts){.output = -1, .color = -1};
	if (parse_command(ctx, command, opts, &args, err) != 0) {
		status = exit_of_error(err->code);
	} else if (ctx->global.help) {
		ctx->out = open_stdout(&ctx->global);
		help_print(ctx->out, command);
		status = EXIT_ALL_OK;
	} else if (prepare(ctx, command->needs, err) != 0) {
		status = exit_of_error(err->code);
	} else {
		ctx->out = open_stdout(&ctx->global);
		status = command->main(ctx, opts, args, err);
	}
	if (command->opts_release)
		command->opts_release(opts);
	return status;
}

/* For the build and for shells; not in the help. Returns false if the word is none of these. */
static bool run_hidden(struct ctx *ctx, int argc, char **argv, struct deploy_error *err)
{
	bool is_man = strcmp(argv[1], "__man") == 0, is_words = strcmp(argv[1], "__complete") == 0;
	bool is_json = strcmp(argv[1], "__commands") == 0;

	if (!is_words && !(is_man && argc == 3) && !(is_json && argc == 2))
		return false;
	ctx->global.output = is_json ? OUT_JSON : OUT_TABLE;
	ctx->out = open_stdout(&ctx->global);
	if (is_words) {
		help_complete(ctx->out, argc - 2, argv + 2);
	} else if (is_json || strcmp(argv[2], "deployctl") == 0) {
		if (is_json)
			help_print(ctx->out, NULL);
		else
			help_man(ctx->out, NULL);
	} else {
		const struct command *command = command_find(argv[2], err);

		if (command)
			help_man(ctx->out, command);
	}
	return true;
}

static int run_without_command(struct ctx *ctx, struct deploy_error *err)
{
	struct deploy_error ignored = {0};
	struct out *out;

	if (settle_options(&ctx->global, ctx->global.help, err) != 0)
		return EXIT_USAGE;
	if (ctx->global.help) {
		ctx->out = open_stdout(&ctx->global);
		help_print(ctx->out, NULL);
		return EXIT_ALL_OK;
	}
	out = out_open(&(struct out_options){.to_stderr = true});
	help_usage(out);
	(void)out_close(out, &ignored);
	(void)deploy_error_set(err, DEPLOY_USAGE, "no command was given");
	return EXIT_USAGE;
}

/*
 * The first pass over the words only finds the command; the second reads all of them with the
 * options of the command, so that options given on both sides of its name are seen together.
 */
static int run(struct ctx *ctx, const struct command **command, int argc, char **argv,
	struct deploy_error *err)
{
	const struct opt_target target = {global_options, &ctx->global};
	int at;

	if (argc > 1 && run_hidden(ctx, argc, argv, err))
		return exit_of_error(err->code);
	if (argc > 0) {
		argc--;
		argv++;
	}
	if (opt_parse(&target, 1, argc, argv, true, &at, err) != 0) {
		if (strcmp(err->text, "unknown option --version") == 0)
			deploy_error_hint(err, "deployctl version");
		return exit_of_error(err->code);
	}
	if (at == argc)
		return run_without_command(ctx, err);
	*command = command_find(argv[at], err);
	if (!*command)
		return exit_of_error(err->code);
	memmove(argv + 1, argv, (size_t)at * sizeof(*argv));
	return run_command(ctx, *command, (struct args){argc - 1, argv + 1}, err);
}

/*
 * A hint that is an option, or a usage error without one, becomes a command to type; and where
 * nothing says what to do about configuration or broker, there is a command that finds it out.
 */
static void complete_hint(
	struct deploy_error *err, const struct command *command, const struct global_opts *global)
{
	char option[sizeof(err->hint)];
	const char *name = command ? command->name : "";

	if (err->hint[0] == '-') {
		memcpy(option, err->hint, sizeof(option));
		err->hint[0] = '\0';
		deploy_error_hint(err, "deployctl%s%s %.200s", command ? " " : "", name, option);
	} else if (err->code == DEPLOY_USAGE) {
		deploy_error_hint(err, "deployctl help%s%s", command ? " " : "", name);
	} else if (command != &cmd_doctor && command != &cmd_config &&
		   (err->code == DEPLOY_CONFIG || err->code == DEPLOY_CONNECT ||
			   err->code == DEPLOY_AUTH)) {
		deploy_error_hint(err, "deployctl doctor%s%s%s%s", global->config ? " -c " : "",
			global->config ? global->config : "", global->context ? " --context " : "",
			global->context ? global->context : "");
	}
}

/*
 * After a usage error: the format that words behind the wrong one, which nobody has read, ask for.
 * What only looks like -o, as the value of another option, does no harm then.
 */
static void look_for_format(struct global_opts *global, int argc, char **argv)
{
	const struct opt_target target = {global_options, global};
	struct deploy_error ignored = {0};
	int i, at;

	for (i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
		const struct opt *opt = opt_find(&target, 1, argv[i]);

		if (opt && (opt->offset == offsetof(struct global_opts, output) ||
				   opt->offset == offsetof(struct global_opts, mco_json)))
			(void)opt_parse(
				&target, 1, i + 1 < argc ? 2 : 1, argv + i, true, &at, &ignored);
	}
}

/* With -o json stdout is one document whatever happened; with jsonl there is a last line. */
static bool lacks_document(const struct ctx *ctx)
{
	if (out_has_document(ctx->out) || out_is_mco(ctx->out))
		return false;
	return out_is_document(ctx->out) ||
	       (out_format(ctx->out) == OUT_JSONL && out_is_empty(ctx->out));
}

/* meant: what the command line says of the format, right or wrong as it may be. */
static int finish(struct ctx *ctx, const struct command *command, const struct global_opts *meant,
	int status, struct deploy_error *err)
{
	struct deploy_error closing = {0};

	if (status == EXIT_ALL_OK)
		status = exit_of_error(err->code);
	if (err->code == DEPLOY_INTERRUPTED && signals_received() != 0)
		status = signals_received() == SIGINT ? EXIT_INT : EXIT_TERM;
	complete_hint(err, command, &ctx->global);
	deploy_bus_close(ctx->bus);
	deploy_state_close(ctx->state);
	deploy_config_free(ctx->config);
	signals_close();
	if (!ctx->out && err->code == DEPLOY_USAGE && ctx->global.output < 0) {
		ctx->global.output = meant->mco_json ? OUT_JSON : meant->output;
		ctx->global.mco_json = ctx->global.mco_json || meant->mco_json;
	}
	if (ctx->global.output < 0)
		(void)settle_options(&ctx->global, false, err);
	if (!ctx->out)
		ctx->out = open_stdout(&ctx->global);
	print_error(err);
	if (lacks_document(ctx))
		out_document(ctx->out, command ? command->name : "error", NULL, NULL, status, err);
	if (out_close(ctx->out, &closing) != 0) {
		print_error(&closing);
		status = exit_worse(status, EXIT_OUTPUT);
	}
	free(ctx->command_line);
	return status;
}

int main(int argc, char **argv)
{
	struct ctx ctx = {.global = {.output = -1, .color = -1}, .signal_fd = -1};
	struct global_opts meant = {.output = -1, .color = -1};
	const struct command *command = NULL;
	struct deploy_error err = {0};
	int status;

	open_standard_files();
	look_for_format(&meant, argc, argv);
	ctx.command_line = argc > 0 ? record_command_line(argc - 1, argv + 1) : NULL;
	status = run(&ctx, &command, argc, argv, &err);
	return finish(&ctx, command, &meant, status, &err);
}
