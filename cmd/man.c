/* Man pages in mdoc(7), from the entries of the commands. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "help.h"

#define WIDTH	     80 /* bytes of a line of prose */
#define RELEASE_DATE "November 21, 2026"

/* Pages in man/ that are not made here, sorted by section and name. */
static const char *const handwritten[] = {
	"config 5", "plan 5", "site 5", "exit 7", "rabbitmq 7", NULL};

static void put_roff(struct out *out, const char *text, size_t len)
{
	size_t i;

	if (len > 0 && (text[0] == '.' || text[0] == '\''))
		out_text(out, "\\&");
	for (i = 0; i < len; i++) {
		if (text[i] == '\\')
			out_text(out, "\\e");
		else if (text[i] == '-')
			out_text(out, "\\-");
		else
			out_text(out, "%c", text[i]);
	}
}

/*
 * Prose, with lines broken before WIDTH and after each sentence, as roff wants it; an empty line
 * becomes a paragraph. Ends the line.
 */
static void put_prose(struct out *out, const char *text)
{
	bool ends_sentence = false;
	size_t column = 0;

	while (*text) {
		size_t len = strcspn(text, " \n");

		if (column > 0) {
			bool fits = column + 1 + len <= WIDTH && !ends_sentence;

			out_text(out, fits ? " " : "\n");
			column = fits ? column + 1 : 0;
		}
		put_roff(out, text, len);
		ends_sentence = len > 0 && strchr(".!?", text[len - 1]) != NULL;
		column += len;
		text += len;
		if (strncmp(text, "\n\n", 2) == 0) {
			out_text(out, "\n.Pp\n");
			column = 0;
		}
		text += strspn(text, " \n");
	}
	out_text(out, "\n");
}

/* A word as an argument of a macro: names of macros ("No", "Op") must not be called. */
static void put_argument(struct out *out, const char *word, size_t len)
{
	if (len <= 3 && isupper((unsigned char)word[0]))
		out_text(out, "\\&");
	put_roff(out, word, len);
}

/* "AGENT [KEY=VALUE...]" becomes ".Ar AGENT" and ".Op Ar KEY=VALUE ..." */
static void man_operands(struct out *out, const char *text)
{
	for (text += strspn(text, " "); *text; text += strspn(text, " ")) {
		size_t len = strcspn(text, " ");
		bool is_optional = text[0] == '[' && text[len - 1] == ']';
		const char *word = text + (is_optional ? 1 : 0);
		size_t word_len = len - (is_optional ? 2 : 0);
		bool repeats = word_len > 3 && memcmp(word + word_len - 3, "...", 3) == 0;

		out_text(out, is_optional ? ".Op Ar " : ".Ar ");
		put_argument(out, word, word_len - (repeats ? 3 : 0));
		out_text(out, repeats ? " ...\n" : "\n");
		text += len;
	}
}

static void man_options(struct out *out, const struct opt *options)
{
	struct opt_walk walk = {.next = options};
	const struct opt *opt;
	char text[OPT_DESCRIPTION];
	size_t offset;

	out_text(out, ".Bl -tag -width Ds\n");
	while ((opt = opt_walk_next(&walk, &offset)) != NULL) {
		out_text(out, ".It ");
		if (opt->letter)
			out_text(out, "Fl %c , ", opt->letter);
		out_text(out, "Fl \\-");
		put_roff(out, opt->name, strlen(opt->name));
		if (opt->value) {
			out_text(out, " Ar ");
			put_argument(out, opt->value, strlen(opt->value));
		}
		out_text(out, "\n");
		opt_describe(opt, text, sizeof(text));
		put_prose(out, text);
	}
	out_text(out, ".El\n");
}

static void man_exit(struct out *out, const struct exit_info *info)
{
	out_text(out, ".It %d\n", (int)info->status);
	put_prose(out, info->text);
}

/* The statuses of a command; NULL: all that there are. */
static void man_exits(struct out *out, const struct command *command)
{
	size_t i;

	out_text(out, ".Sh EXIT STATUS\n.Bl -tag -width 4n\n");
	for (i = 0; command && command->exits[i] != EXIT_LIST_END; i++)
		man_exit(out, exit_info((int)command->exits[i]));
	for (i = 0; !command && exit_infos[i].status != EXIT_LIST_END; i++)
		man_exit(out, &exit_infos[i]);
	out_text(out, ".El\n");
}

static void man_examples(struct out *out, const struct command *command)
{
	const struct example *example;

	out_text(out, ".Sh EXAMPLES\n");
	for (example = command->examples; example->command; example++) {
		if (example != command->examples)
			out_text(out, ".Pp\n");
		put_prose(out, example->text);
		out_text(out, ".Bd -literal -offset indent\n$ ");
		put_roff(out, example->command, strlen(example->command));
		out_text(out, "\n.Ed\n");
	}
}

static void man_head(struct out *out, const struct command *command)
{
	const char *dash = command ? "-" : "", *name = command ? command->name : "";

	out_text(out, ".\\\" Made by `make docs` from the entries of the commands in cmd/.\n");
	out_text(out, ".Dd " RELEASE_DATE "\n.Dt DEPLOYCTL%s", dash);
	for (; *name; name++)
		out_text(out, "%c", toupper((unsigned char)*name));
	name = command ? command->name : "";
	out_text(out, " 1\n.Os deployctl " DEPLOYCTL_VERSION "\n");
	out_text(out, ".Sh NAME\n.Nm deployctl%s%s\n.Nd %s\n", dash, name,
		command ? command->summary : program_summary);
	out_text(out, ".Sh SYNOPSIS\n.Nm deployctl%s%s\n.Op Ar option ...\n", command ? " " : "",
		name);
	if (command)
		man_operands(out, command->operands);
	else
		man_operands(out, "command [operand...]");
	out_text(out, ".Sh DESCRIPTION\n");
}

/* mandoc wants the list sorted. NULL: the first; returns NULL after the last. */
static const struct command *next_by_name(const struct command *last)
{
	const struct command *next = NULL;
	size_t i;

	for (i = 0; commands[i]; i++) {
		if (last && strcmp(commands[i]->name, last->name) <= 0)
			continue;
		if (!next || strcmp(commands[i]->name, next->name) < 0)
			next = commands[i];
	}
	return next;
}

static void man_see_also(struct out *out)
{
	const struct command *command;
	size_t i;

	out_text(out, ".Sh SEE ALSO\n");
	for (command = next_by_name(NULL); command; command = next_by_name(command))
		out_text(out, ".Xr deployctl-%s 1 ,\n", command->name);
	for (i = 0; handwritten[i]; i++)
		out_text(out, ".Xr deployctl-%s%s\n", handwritten[i],
			handwritten[i + 1] ? " ," : "");
}

static void man_program(struct out *out)
{
	const struct program_variable *variable;
	size_t i;

	put_prose(out, program_text);
	out_text(out, ".Pp\nThe commands are:\n.Bl -tag -width Ds\n");
	for (i = 0; commands[i]; i++)
		out_text(out, ".It Xr deployctl-%s 1\n%s\n", commands[i]->name,
			commands[i]->summary);
	out_text(out, ".El\n.Sh OPTIONS\n");
	man_options(out, global_options);
	out_text(out, ".Sh ENVIRONMENT\n.Bl -tag -width Ds\n");
	for (variable = program_environment; variable->name; variable++) {
		out_text(out, ".It Ev %s\n", variable->name);
		put_prose(out, variable->text);
	}
	out_text(out, ".El\n");
	man_exits(out, NULL);
	out_text(out, ".Pp\n.Xr deployctl-exit 7\ntells more, and which one counts.\n");
	man_see_also(out);
}

void help_man(struct out *out, const struct command *command)
{
	man_head(out, command);
	if (!command) {
		man_program(out);
		return;
	}
	put_prose(out, command->description);
	if (command->also)
		out_text(out, ".Pp\nThe command is also called\n.Cm %s .\n", command->also);
	out_text(out, ".Sh OPTIONS\n");
	if (command->options)
		man_options(out, command->options);
	out_text(out, "%sOptions that every command has are in\n.Xr deployctl 1 .\n",
		command->options ? ".Pp\n" : "");
	man_exits(out, command);
	man_examples(out, command);
	out_text(out, ".Sh SEE ALSO\n.Xr deployctl 1 ,\n%s.Xr deployctl-exit 7\n",
		command->needs & (NEED_CONFIG | NEED_SETTINGS) ? ".Xr deployctl-config 5 ,\n" : "");
}
