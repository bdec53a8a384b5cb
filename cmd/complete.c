/* What may stand in the place of a word on the command line. The shells' scripts ask for it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "completion.h"
#include "help.h"

/* What the words before the last one amount to. */
struct typed {
	struct opt_target targets[2];
	size_t target_count;
	const struct command *command; /* NULL: not typed yet */
	const struct opt *option;      /* whose value comes next, or NULL */
	struct args operands;	       /* room for all words, borrowed */
	struct global_opts global;     /* only what chooses a configuration */
	bool ends_options, is_wrong;
};

struct completion {
	struct out *out;
	const char *word;
	const struct typed *typed;
	struct deploy_config *config; /* NULL until it is asked for */
	struct deploy_state *state;   /* likewise */
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

static void take_value(struct typed *typed, const char *name, const char *value)
{
	struct ddl_dirs *dirs = &typed->global.ddl_dirs;

	if (strcmp(name, "config") == 0)
		typed->global.config = value;
	else if (strcmp(name, "context") == 0)
		typed->global.context = value;
	else if (strcmp(name, "state") == 0)
		typed->global.state = value;
	else if (strcmp(name, "ddl-dir") == 0 && dirs->count < DDL_DIRS_MAX)
		dirs->paths[dirs->count++] = value;
}

/* "--name=value" */
static void take_value_within(struct typed *typed, const char *word)
{
	const char *equals = strchr(word, '=');
	const struct opt *opt = equals ? opt_find(typed->targets, typed->target_count, word) : NULL;

	if (opt && word[1] == '-')
		take_value(typed, opt->name, equals + 1);
}

static void read_word(struct typed *typed, char *word)
{
	struct deploy_error ignored = {0};

	if (typed->option) {
		take_value(typed, typed->option->name, word);
		typed->option = NULL;
	} else if (!typed->ends_options && strcmp(word, "--") == 0) {
		typed->ends_options = true;
	} else if (!typed->ends_options && word[0] == '-' && word[1] != '\0') {
		typed->option = option_left_open(typed, word);
		take_value_within(typed, word);
	} else if (!typed->command) {
		typed->command = command_find(word, &ignored);
		typed->is_wrong = !typed->command;
		if (typed->command)
			typed->targets[typed->target_count++].options = typed->command->options;
	} else {
		typed->operands.values[typed->operands.count++] = word;
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

const char *completion_word(const struct completion *completion)
{
	return completion->word;
}

void completion_offer_within(struct completion *completion, const char *before, const char *name,
	const char *after, const char *text)
{
	char *shown = deploy_text_escape(text ? text : "", text ? strlen(text) : 0);
	size_t size = strlen(before) + strlen(name) + strlen(after) + 1;
	const char *typed = completion->word;
	char *whole = out_resize(NULL, size);

	(void)snprintf(whole, size, "%s%s%s", before, name, after);
	/* Names come from files: what a line could not hold is no word to type. */
	if (!strpbrk(name, "\t\n") && strncmp(whole, typed, strlen(typed)) == 0)
		out_text(completion->out, "%s%s%s\n", whole, text ? "\t" : "", text ? shown : "");
	free(whole);
	free(shown);
}

void completion_offer(struct completion *completion, const char *name, const char *text)
{
	completion_offer_within(completion, "", name, "", text);
}

const struct deploy_config *completion_config(struct completion *completion)
{
	struct deploy_config_options options = ctx_config_options(&completion->typed->global, true);
	struct deploy_error ignored = {0};

	if (!options.path)
		options.path = getenv("DEPLOYCTL_CONFIG");
	if (!options.context)
		options.context = getenv("DEPLOYCTL_CONTEXT");
	if (!completion->config)
		(void)deploy_config_load(&completion->config, &options, &ignored);
	return completion->config;
}

const struct deploy_state *completion_state(struct completion *completion)
{
	const char *path = completion->typed->global.state;
	struct deploy_error ignored = {0};

	if (!path)
		path = completion_config(completion)->state;
	if (!completion->state && path)
		(void)deploy_state_open(&completion->state, path, false, &ignored);
	return completion->state;
}

void completion_offer_agents(struct completion *completion)
{
	const struct deploy_config *config = completion_config(completion);
	json_t *paths = deploy_ddl_list(config->ddl_dirs, config->ddl_dir_count), *path;
	size_t index;

	json_array_foreach(paths, index, path)
	{
		char *agent = deploy_ddl_agent(json_string_value(path));

		completion_offer(completion, agent, NULL);
		free(agent);
	}
	json_decref(paths);
}

/* The scripts put the names of files in the place of this one. */
static void offer_files(struct out *out)
{
	out_text(out, "\tFILE\n");
}

static void offer_values(struct completion *completion, const struct opt *opt, const char *before)
{
	struct out *out = completion->out;
	const char *word = completion->word;
	size_t i;

	if (opt->value && strcmp(opt->value, "AGENT") == 0 && !*before)
		completion_offer_agents(completion);
	if (opt->value && (strcmp(opt->value, "NODES") == 0 || strcmp(opt->value, "NODE") == 0))
		completion_offer_nodes(completion, strlen(before));
	if (opt->value && strcmp(opt->value, "FACT=VALUE") == 0)
		completion_offer_fact_terms(completion, strlen(before));
	if (opt->value && (strcmp(opt->value, "FILE") == 0 || strcmp(opt->value, "DIR") == 0))
		offer_files(out);
	for (i = 0; opt->choices && opt->choices[i]; i++)
		offer(out, before, opt->choices[i], NULL, word);
}

/* word: "--name=", and perhaps the beginning of the value */
static void offer_values_of(struct completion *completion)
{
	const struct typed *typed = completion->typed;
	const char *word = completion->word;
	const struct opt *opt = opt_find(typed->targets, typed->target_count, word);
	char before[64];

	(void)snprintf(before, sizeof(before), "%.*s", (int)strcspn(word, "=") + 1, word);
	if (opt)
		offer_values(completion, opt, before);
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

static void offer_operands(struct completion *completion)
{
	const struct typed *typed = completion->typed;
	const struct command *command = typed->command;
	struct choice (*choices)(size_t) = command->first_operand;
	size_t i;

	for (i = 0; typed->operands.count == 0 && choices && choices(i).name; i++)
		offer(completion->out, "", choices(i).name, choices(i).text, completion->word);
	if (command->complete)
		command->complete(completion, typed->operands);
	if (help_wants_file(command, typed->operands.count))
		offer_files(completion->out);
}

static void complete_word(struct completion *completion)
{
	const struct typed *typed = completion->typed;
	const char *word = completion->word;
	bool is_option = !typed->ends_options && word[0] == '-';

	if (typed->option)
		offer_values(completion, typed->option, "");
	else if (is_option && word[1] == '-' && strchr(word, '='))
		offer_values_of(completion);
	else if (is_option)
		offer_options(completion->out, typed, word);
	else if (!typed->command)
		offer_commands(completion->out, word);
	else
		offer_operands(completion);
}

void help_complete(struct out *out, int count, char **words)
{
	struct typed typed = {.targets = {{.options = global_options}}, .target_count = 1};
	struct completion completion = {
		.out = out, .word = count > 0 ? words[count - 1] : "", .typed = &typed};
	int i;

	typed.operands.values = out_resize(NULL, ((size_t)count + 1) * sizeof(char *));
	for (i = 0; i + 1 < count && !typed.is_wrong; i++)
		read_word(&typed, words[i]);
	if (!typed.is_wrong)
		complete_word(&completion);
	deploy_state_close(completion.state);
	deploy_config_free(completion.config);
	free(typed.operands.values);
}
