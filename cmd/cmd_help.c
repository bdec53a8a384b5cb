/* deployctl help — how to use it. */
#include <string.h>

#include "command.h"
#include "help.h"

static const enum exit_status help_exits[] = {EXIT_ALL_OK, EXIT_USAGE, EXIT_OUTPUT, EXIT_LIST_END};

static const struct example help_examples[] = {
	{"deployctl help", "the commands, and the options that all of them have"},
	{"deployctl help version", "one command; deployctl version --help prints the same"},
	{"deployctl help -o json", "all of it for programs"},
	{NULL, NULL},
};

static struct choice help_first_operand(size_t index)
{
	const struct command *command = commands[index];

	return command ? (struct choice){command->name, command->summary} : (struct choice){0};
}

/* "deployctl ping" would do it: who asks for help is told how to get that. */
static void ask_for_help(struct deploy_error *err)
{
	const char *before = "deployctl ";
	char name[sizeof(err->hint)];

	if (strcmp(err->hint, "deployctl help") == 0)
		return;
	memcpy(name, err->hint, sizeof(name));
	err->hint[0] = '\0';
	deploy_error_hint(err, "deployctl help %.200s", name + strlen(before));
}

static int help_main(struct ctx *ctx, void *opts, struct args args, struct deploy_error *err)
{
	const struct command *command = NULL;

	(void)opts;
	if (args.count > 0) {
		command = command_find(args.values[0], err);
		if (!command) {
			ask_for_help(err);
			return EXIT_USAGE;
		}
	}
	help_print(ctx->out, command);
	return EXIT_ALL_OK;
}

const struct command cmd_help = {
	.name = "help",
	.group = "about",
	.summary = "tell how to use deployctl or a command",
	.operands = "[COMMAND]",
	.description = "Prints the commands there are, or all about one of them, to stdout. With "
		       "-o json the same is one document, from which other tools can be made.",
	.min_args = 0,
	.max_args = 1,
	.first_operand = help_first_operand,
	.exits = help_exits,
	.examples = help_examples,
	.main = help_main,
};
