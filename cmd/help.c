/* Help for people, and the same as JSON: what they say stands in the entries of the commands. */
#include "help.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define WIDTH_MAX 80 /* columns */
#define WIDTH_MIN 30

/* A terminal that is narrower than the usual gets shorter lines. */
static size_t width_of(const struct out *out)
{
	size_t columns = out_columns(out);

	if (columns == 0 || columns > WIDTH_MAX)
		return WIDTH_MAX;
	return columns < WIDTH_MIN ? WIDTH_MIN : columns;
}

/* The column in which texts of options begin. */
static size_t option_column(const struct out *out)
{
	return width_of(out) < 60 ? 8 : 30;
}

const char program_summary[] = "tell a fleet of MCollective nodes what to do";

const char program_text[] =
	"deployctl asks the MCollective nodes behind a RabbitMQ broker what they are and tells "
	"them "
	"what to do, a bounded number at a time, and says afterwards what became of each of "
	"them.\n\n"
	"Results go to stdout, everything else to stderr. A node that did not answer never counts "
	"as done. The options below are those of every command; they stand before or after its "
	"name.\n\n"
	"-o json and -o yaml print one document, also of a failure: items, a summary, exit and "
	"errors. -o jsonl prints one event a line as it comes, without those that only tell what "
	"is "
	"sent to whom (their numbers are left out), and the summary last; types and keys are only "
	"ever added. -o name prints one name a line, -o wide a table that leaves nothing out. -j "
	"prints nothing if the command cannot do its work.";

const struct program_variable program_environment[] = {
	{"DEPLOYCTL_CONFIG", "the configuration, unless --config is given"},
	{"DEPLOYCTL_CONTEXT", "the context of the configuration, unless --context is given"},
	{"DEPLOYCTL_OUTPUT", "the format of results, unless --output is given"},
	{"DEPLOYCTL_COLOR", "auto, always or never, unless --color is given"},
	{"DEPLOYCTL_TTL", "seconds after which nodes drop a request"},
	{"DEPLOYCTL_TIMEOUT", "the time for each reply"},
	{"DEPLOYCTL_DISCOVERY_TIMEOUT", "the time for discovery at most"},
	{"DEPLOYCTL_WINDOW_TIME", "discovery ends when no node answered for so long"},
	{"DEPLOYCTL_CONNECTION_TIMEOUT", "the time for each broker to answer"},
	{"DEPLOYCTL_BATCH", "nodes that are asked at a time; 0: all at once"},
	{"DEPLOYCTL_BATCH_SLEEP", "the pause between such groups"},
	{"XDG_CONFIG_HOME", "the folder of deployctl/config.yaml, instead of ~/.config"},
	{"NO_COLOR", "no colours, if it is not empty and --color does not say otherwise"},
	{"CLICOLOR_FORCE", "colours without a terminal too, if it is neither empty nor 0"},
	{"TERM", "no colours on a terminal that is dumb, unless they are asked for"},
	{NULL, NULL},
};

static void put_words(struct out *out, const char *text, size_t indent, size_t column)
{
	out_words(out, text, indent, column, width_of(out));
}

/* head, then text in a column of its own, on the next line if head is too long. */
static void put_term(struct out *out, const char *head, const char *text)
{
	size_t column = strlen(head) + 2, start = option_column(out);

	out_text(out, "  %s", head);
	if (column + 2 > start) {
		out_text(out, "\n");
		column = 0;
	}
	out_text(out, "%*s", (int)(start - column), "");
	put_words(out, text, start, start);
}

static void put_option(struct out *out, const struct opt *opt)
{
	char head[128], text[OPT_DESCRIPTION];

	(void)snprintf(head, sizeof(head), "%c%c%c --%s%s%s", opt->letter ? '-' : ' ',
		opt->letter ? opt->letter : ' ', opt->letter ? ',' : ' ', opt->name,
		opt->value ? " " : "", opt->value ? opt->value : "");
	opt_describe(opt, text, sizeof(text));
	put_term(out, head, text);
}

static void put_options(struct out *out, const char *title, const struct opt *options)
{
	struct opt_walk walk = {.next = options};
	const struct opt *opt;
	size_t offset;

	out_text(out, "\n%s:\n", title);
	while ((opt = opt_walk_next(&walk, &offset)) != NULL)
		put_option(out, opt);
}

static void put_exits(struct out *out, const struct command *command)
{
	const enum exit_status *status;

	out_text(out, "\nExit status:\n");
	for (status = command->exits; *status != EXIT_LIST_END; status++)
		out_text(out, "  %-3d  %s\n", (int)*status, exit_info((int)*status)->text);
}

static void put_examples(struct out *out, const struct command *command)
{
	const struct example *example;

	out_text(out, "\nExamples:\n");
	for (example = command->examples; example->command; example++) {
		out_text(out, "  $ %s\n      ", example->command);
		put_words(out, example->text, 6, 6);
	}
}

static void put_call(struct out *out, const struct command *command)
{
	out_text(out, "usage: deployctl %s [OPTION...]%s%s\n", command->name,
		command->operands[0] ? " " : "", command->operands);
	if (command->also)
		out_text(out, "also called: deployctl %s\n", command->also);
}

void help_usage(struct out *out)
{
	const char *group = "";
	size_t i;

	out_text(out, "usage: deployctl [OPTION...] COMMAND [OPERAND...]\n");
	for (i = 0; commands[i]; i++) {
		if (strcmp(commands[i]->group, group) != 0) {
			group = commands[i]->group;
			out_text(out, "\n%c%s:\n", toupper((unsigned char)group[0]), group + 1);
		}
		out_text(out, "  %-14s%s\n", commands[i]->name, commands[i]->summary);
	}
}

static void print_program(struct out *out)
{
	const struct program_variable *variable;

	help_usage(out);
	out_text(out, "\n");
	put_words(out, program_text, 0, 0);
	put_options(out, "Options", global_options);
	out_text(out, "\nEnvironment:\n");
	for (variable = program_environment; variable->name; variable++) {
		put_term(out, variable->name, variable->text);
	}
	out_text(out, "\n`deployctl help COMMAND` tells more about a command.\n");
}

static void print_command(struct out *out, const struct command *command)
{
	put_call(out, command);
	out_text(out, "\n");
	put_words(out, command->description, 0, 0);
	if (command->options)
		put_options(out, "Options", command->options);
	put_options(out, "Options of every command", global_options);
	put_exits(out, command);
	put_examples(out, command);
}

static json_t *json_options(const struct opt *options)
{
	struct opt_walk walk = {.next = options};
	json_t *list = json_array();
	const struct opt *opt;
	size_t offset, i;

	while ((opt = opt_walk_next(&walk, &offset)) != NULL) {
		char letter[2] = {opt->letter, '\0'};
		json_t *entry = json_pack("{s:s?, s:s, s:s?, s:s, s:s?, s:b}", "letter",
			opt->letter ? letter : NULL, "name", opt->name, "value", opt->value, "text",
			opt->text, "default", opt->preset, "repeats", (int)opt->repeats);

		if (opt->choices) {
			json_t *choices = json_array();

			for (i = 0; opt->choices[i]; i++)
				(void)json_array_append_new(choices, json_string(opt->choices[i]));
			(void)json_object_set_new(entry, "choices", choices);
		}
		(void)json_array_append_new(list, entry);
	}
	return list;
}

static json_t *json_choices(const struct command *command)
{
	json_t *list = json_array();
	size_t i;

	for (i = 0; command->first_operand && command->first_operand(i).name; i++)
		(void)json_array_append_new(list, json_string(command->first_operand(i).name));
	return list;
}

static json_t *json_command(const struct command *command)
{
	json_t *exits = json_array(), *examples = json_array();
	const enum exit_status *status;
	const struct example *example;

	for (status = command->exits; *status != EXIT_LIST_END; status++)
		(void)json_array_append_new(exits,
			json_pack("{s:i, s:s, s:s}", "code", (int)*status, "name",
				exit_name((int)*status), "text", exit_info((int)*status)->text));
	for (example = command->examples; example->command; example++)
		(void)json_array_append_new(
			examples, json_pack("{s:s, s:s}", "command", example->command, "text",
					  example->text));
	return json_pack("{s:s, s:s, s:s?, s:s, s:s, s:s, s:i, s:i, s:o, s:s, s:o, s:o, s:o}",
		"type", "command", "name", command->name, "also", command->also, "group",
		command->group, "summary", command->summary, "operands", command->operands,
		"min_operands", command->min_args, "max_operands", command->max_args,
		"first_operand", json_choices(command), "description", command->description,
		"options", json_options(command->options), "exits", exits, "examples", examples);
}

static void print_json(struct out *out, const struct command *command)
{
	json_t *items = json_array(), *summary = json_object();
	struct deploy_error none = {0};
	size_t i;

	for (i = 0; commands[i]; i++) {
		json_t *item;

		if (command && command != commands[i])
			continue;
		item = json_command(commands[i]);
		(void)json_array_append_new(items, item);
		if (out_format(out) == OUT_JSONL)
			out_json_line(out, item);
	}
	(void)json_object_set_new(summary, "options", json_options(global_options));
	out_document(out, "commands", items, summary, EXIT_ALL_OK, &none);
	json_decref(items);
	json_decref(summary);
}

static void print_names(struct out *out, const struct command *command)
{
	size_t i;

	for (i = 0; commands[i]; i++)
		if (!command || command == commands[i])
			out_text(out, "%s\n", commands[i]->name);
}

void help_print(struct out *out, const struct command *command)
{
	if (out_format(out) == OUT_NAME)
		print_names(out, command);
	else if (!out_is_for_people(out))
		print_json(out, command);
	else if (command)
		print_command(out, command);
	else
		print_program(out);
}
