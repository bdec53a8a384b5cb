/* What may stand in the place of a word on the command line. The shells' scripts ask for it. */
#include <stdio.h>
#include <string.h>

#include "help.h"

/* What the words before the last one amount to. */
struct typed {
	struct opt_target targets[2];
	size_t target_count;
	const struct command *command; /* NULL: not typed yet */
	const struct opt *option;      /* whose value comes next, or NULL */
	int operands;
	bool ends_options, is_wrong;
};

/* The option whose value the word after this one is. */
static const struct opt *option_left_open(const struct typed *typed, const char *word)
{
	const struct opt *opt;

	if (word[1] == '-') {
		opt = opt_find(typed->targets, typed->target_count, word);
		return opt && opt_takes_value(opt) && !strchr(word, '=') ? opt : NULL;
	}
	for (word++; *word; word++) {
		char letter[3] = {'-', *word, '\0'};

		opt = opt_find(typed->targets, typed->target_count, letter);
		if (opt && opt_takes_value(opt))
			return word[1] == '\0' ? opt : NULL;
	}
	return NULL;
}

static void read_word(struct typed *typed, const char *word)
{
	struct deploy_error ignored = {0};

	if (typed->option) {
		typed->option = NULL;
	} else if (!typed->ends_options && strcmp(word, "--") == 0) {
		typed->ends_options = true;
	} else if (!typed->ends_options && word[0] == '-' && word[1] != '\0') {
		typed->option = option_left_open(typed, word);
	} else if (!typed->command) {
		typed->command = command_find(word, &ignored);
		typed->is_wrong = !typed->command;
		if (typed->command)
			typed->targets[typed->target_count++].options = typed->command->options;
	} else {
		typed->operands++;
	}
}

static void offer(
	struct out *out, const char *before, const char *name, const char *text, const char *typed)
{
	char candidate[128];

	(void)snprintf(candidate, sizeof(candidate), "%s%s", before, name);
	if (strncmp(candidate, typed, strlen(typed)) == 0)
		out_text(out, "%s%s%s\n", candidate, text ? "\t" : "", text ? text : "");
}

/* The scripts put the names of files in the place of this one. */
static void offer_files(struct out *out)
{
	out_text(out, "\tFILE\n");
}

static void offer_values(
	struct out *out, const struct opt *opt, const char *before, const char *word)
{
	size_t i;

	if (opt->value && strcmp(opt->value, "FILE") == 0)
		offer_files(out);
	for (i = 0; opt->choices && opt->choices[i]; i++)
		offer(out, before, opt->choices[i], NULL, word);
}

/* word: "--name=", and perhaps the beginning of the value */
static void offer_values_of(struct out *out, const struct typed *typed, const char *word)
{
	const struct opt *opt = opt_find(typed->targets, typed->target_count, word);
	char before[64];

	(void)snprintf(before, sizeof(before), "%.*s", (int)strcspn(word, "=") + 1, word);
	if (opt)
		offer_values(out, opt, before, word);
}

static void offer_options(struct out *out, const struct typed *typed, const char *word)
{
	const struct opt *opt;
	size_t i, offset;

	for (i = typed->target_count; i-- > 0;) {
		struct opt_walk walk = {.next = typed->targets[i].options};

		while ((opt = opt_walk_next(&walk, &offset)) != NULL)
			offer(out, "--", opt->name, opt->text, word);
	}
}

static void offer_commands(struct out *out, const char *word)
{
	size_t i;

	for (i = 0; commands[i]; i++)
		offer(out, "", commands[i]->name, commands[i]->summary, word);
}

bool help_wants_file(const struct command *command, int index)
{
	const char *next = command->operands, *name = next;

	if (command->max_args != ARGS_ANY && index >= command->max_args)
		return false;
	for (; index >= 0 && *next; index--) {
		name = next;
		next += strcspn(next, " ");
		next += strspn(next, " ");
	}
	name += strspn(name, "[");
	return strncmp(name, "FILE", 4) == 0 && strchr(".] ", name[4]) != NULL;
}

static void offer_operands(struct out *out, const struct typed *typed, const char *word)
{
	struct choice (*choices)(size_t) = typed->command->first_operand;
	size_t i;

	for (i = 0; typed->operands == 0 && choices && choices(i).name; i++)
		offer(out, "", choices(i).name, choices(i).text, word);
	if (help_wants_file(typed->command, typed->operands))
		offer_files(out);
}

void help_complete(struct out *out, int count, char **words)
{
	struct typed typed = {.targets = {{.options = global_options}}, .target_count = 1};
	const char *word = count > 0 ? words[count - 1] : "";
	int i;

	for (i = 0; i + 1 < count && !typed.is_wrong; i++)
		read_word(&typed, words[i]);
	if (typed.is_wrong)
		return;
	if (typed.option)
		offer_values(out, typed.option, "", word);
	else if (!typed.ends_options && strncmp(word, "--", 2) == 0 && strchr(word, '='))
		offer_values_of(out, &typed, word);
	else if (!typed.ends_options && word[0] == '-')
		offer_options(out, &typed, word);
	else if (!typed.command)
		offer_commands(out, word);
	else
		offer_operands(out, &typed, word);
}
