/* Completion on the command line: one small script per shell, and the candidates that they ask for.
 */
#include <stdio.h>
#include <string.h>

#include "help.h"

/* readline takes words apart at '=' too: they are put together again, and only the rest is offered.
 */
static const char bash_script[] =
	"# bash completion for deployctl, made by `make docs`\n"
	"_deployctl()\n"
	"{\n"
	"	local word joins='' cut='' words=()\n"
	"	for word in \"${COMP_WORDS[@]:1:COMP_CWORD}\"; do\n"
	"		if [[ ($word == = || $joins) && ${#words[@]} -gt 0 ]]; then\n"
	"			words[-1]+=$word\n"
	"			[[ $word == = ]] && joins=1 || joins=''\n"
	"		else\n"
	"			words+=(\"$word\")\n"
	"		fi\n"
	"	done\n"
	"	[[ ${words[-1]} == *=* && $COMP_WORDBREAKS == *=* ]] && cut=${words[-1]%%=*}=\n"
	"	COMPREPLY=()\n"
	"	while IFS= read -r word; do\n"
	"		word=${word%%$'\\t'*}\n"
	"		COMPREPLY+=(\"${word#\"$cut\"}\")\n"
	"	done < <(deployctl __complete \"${words[@]}\" 2>/dev/null)\n"
	"}\n"
	"complete -o default -F _deployctl deployctl\n";

static const char zsh_script[] =
	"#compdef deployctl\n"
	"# zsh completion for deployctl, made by `make docs`\n"
	"local line name\n"
	"local -a typed found\n"
	"typed=(\"${(@Q)words[2,CURRENT-1]}\" \"${(Q)PREFIX}\")\n"
	"for line in \"${(@f)$(deployctl __complete \"${typed[@]}\" 2>/dev/null)}\"; do\n"
	"	[[ -n $line ]] || continue\n"
	"	name=${line%%$'\\t'*}\n"
	"	found+=(\"${name//:/\\\\:}${${line#$name}/$'\\t'/:}\")\n"
	"done\n"
	"if (( $#found )); then\n"
	"	_describe -V deployctl found\n"
	"else\n"
	"	_files\n"
	"fi\n";

static const char fish_script[] =
	"# fish completion for deployctl, made by `make docs`\n"
	"function __deployctl_complete\n"
	"	set -l typed (commandline -opc) (commandline -ct)\n"
	"	set -l found (deployctl __complete $typed[2..-1] 2>/dev/null)\n"
	"	if test (count $found) -gt 0\n"
	"		printf '%s\\n' $found\n"
	"	else\n"
	"		__fish_complete_path (commandline -ct)\n"
	"	end\n"
	"end\n"
	"complete -c deployctl -f -a '(__deployctl_complete)'\n";

int help_completion(struct out *out, const char *shell, struct deploy_error *err)
{
	static const char *const scripts[][2] = {
		{"bash", bash_script}, {"zsh", zsh_script}, {"fish", fish_script}};
	size_t i;

	for (i = 0; i < sizeof(scripts) / sizeof(scripts[0]); i++) {
		if (strcmp(scripts[i][0], shell) == 0) {
			out_text(out, "%s", scripts[i][1]);
			return 0;
		}
	}
	return deploy_error_set(err, DEPLOY_USAGE, "\"%s\" is none of bash, zsh, fish", shell);
}

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

static void offer_choices(
	struct out *out, const struct opt *opt, const char *before, const char *word)
{
	size_t i;

	for (i = 0; opt->choices && opt->choices[i]; i++)
		offer(out, before, opt->choices[i], NULL, word);
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

void help_complete(struct out *out, int count, char **words)
{
	struct typed typed = {.targets = {{.options = global_options}}, .target_count = 1};
	const char *word = count > 0 ? words[count - 1] : "";
	const char *equals = strchr(word, '=');
	int i;

	for (i = 0; i + 1 < count && !typed.is_wrong; i++)
		read_word(&typed, words[i]);
	if (typed.is_wrong)
		return;
	if (typed.option) {
		offer_choices(out, typed.option, "", word);
	} else if (!typed.ends_options && strncmp(word, "--", 2) == 0 && equals) {
		const struct opt *opt = opt_find(typed.targets, typed.target_count, word);
		char before[64];

		(void)snprintf(before, sizeof(before), "%.*s", (int)(equals + 1 - word), word);
		if (opt)
			offer_choices(out, opt, before, word);
	} else if (!typed.ends_options && word[0] == '-') {
		offer_options(out, &typed, word);
	} else if (!typed.command || (typed.command == &cmd_help && typed.operands == 0)) {
		offer_commands(out, word);
	}
}
