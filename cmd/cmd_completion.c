/* deployctl completion — the scripts that make a shell ask `deployctl __complete`. */
#include <string.h>

#include "command.h"

/*
 * readline takes words apart at '=' and ':' too, and hands them over as they were typed: pieces
 * that touch are put together again, quotes are taken away, and only the rest of the word is
 * offered.
 */
static const char bash_script[] =
	"# bash completion for deployctl, made by `make docs`\n"
	"\n"
	"# What a word means, though its last quote may still be open: sets plain and quote.\n"
	"_deployctl_unquote()\n"
	"{\n"
	"	local rest=$1 char\n"
	"	plain='' quote=''\n"
	"	while [[ $rest ]]; do\n"
	"		char=${rest:0:1} rest=${rest:1}\n"
	"		if [[ $char == \\\\ && $quote != \\' ]]; then\n"
	"			plain+=${rest:0:1} rest=${rest:1}\n"
	"		elif [[ $char == \"$quote\" ]]; then\n"
	"			quote=''\n"
	"		elif [[ ! $quote && $char == [\\'\\\"] ]]; then\n"
	"			quote=$char\n"
	"		else\n"
	"			plain+=$char\n"
	"		fi\n"
	"	done\n"
	"}\n"
	"\n"
	"_deployctl()\n"
	"{\n"
	"	local line=${COMP_LINE:0:COMP_POINT} rest=$2 program=deployctl\n"
	"	local piece word plain quote cut i words=() typed=()\n"
	"	COMPREPLY=()\n"
	"	if [[ ${COMP_WORDS[COMP_CWORD - 1]} == *[\\<\\>]* ]]; then\n"
	"		compopt -o default\n"
	"		return\n"
	"	fi\n"
	"	[[ $1 != */* ]] || program=${1/#\\~\\//$HOME/}\n"
	"	for ((i = 0; i <= COMP_CWORD; i++)); do\n"
	"		piece=${COMP_WORDS[i]} word=${line#\"${line%%[![:blank:]]*}\"}\n"
	"		[[ $i -gt 0 && $word == \"$line\" ]] || words+=('')\n"
	"		((i < COMP_CWORD)) || piece=$word\n"
	"		line=${word#\"$piece\"} words[-1]+=$piece\n"
	"	done\n"
	"	[[ $rest != [=:] ]] || rest=\n"
	"	_deployctl_unquote \"$rest\"\n"
	"	rest=$plain\n"
	"	for word in \"${words[@]:1}\"; do\n"
	"		_deployctl_unquote \"$word\"\n"
	"		typed+=(\"$plain\")\n"
	"	done\n"
	"	cut=${plain%\"$rest\"}\n"
	"	while IFS= read -r word; do\n"
	"		word=${word%%$'\\t'*}\n"
	"		if [[ ! $word ]]; then\n"
	"			compopt -o default\n"
	"			continue\n"
	"		fi\n"
	"		[[ $word != *= ]] || compopt -o nospace\n"
	"		word=${word#\"$cut\"}\n"
	"		[[ $quote ]] || printf -v word %q \"$word\"\n"
	"		COMPREPLY+=(\"$word\")\n"
	"	done < <(command \"$program\" __complete \"${typed[@]}\" 2>/dev/null)\n"
	"}\n"
	"complete -F _deployctl deployctl\n";

static const char zsh_script[] =
	"#compdef deployctl\n"
	"# zsh completion for deployctl, made by `make docs`\n"
	"_deployctl() {\n"
	"	local line name program=deployctl\n"
	"	local -a typed found begun\n"
	"	local -i is_file=0\n"
	"	[[ $words[1] != */* ]] || program=${(Q)words[1]/#\\~\\//$HOME/}\n"
	"	typed=(\"${(@Q)words[2,CURRENT-1]}\" \"${(Q)PREFIX}\")\n"
	"	for line in \"${(@f)$(command $program __complete \"${typed[@]}\" 2>/dev/null)}\"; "
	"do\n"
	"		name=${line%%$'\\t'*}\n"
	"		if [[ $name == *= ]]; then\n"
	"			begun+=(\"${name//:/\\\\:}${${line#$name}/$'\\t'/:}\")\n"
	"		elif [[ -n $name ]]; then\n"
	"			found+=(\"${name//:/\\\\:}${${line#$name}/$'\\t'/:}\")\n"
	"		elif [[ -n $line ]]; then\n"
	"			is_file=1\n"
	"		fi\n"
	"	done\n"
	"	if (( is_file )); then\n"
	"		compset -P '--[^=]#='\n"
	"		_files\n"
	"	else\n"
	"		(( ! $#found )) || _describe -V deployctl found\n"
	"		(( ! $#begun )) || _describe -V deployctl begun -S ''\n"
	"	fi\n"
	"}\n"
	"if [[ $funcstack[1] == _deployctl ]]; then\n"
	"	_deployctl \"$@\"\n"
	"else\n"
	"	compdef _deployctl deployctl\n"
	"fi\n";

static const char fish_script[] =
	"# fish completion for deployctl, made by `make docs`\n"
	"function __deployctl_complete\n"
	"	set -l typed (commandline -opc)\n"
	"	set -l last (string unescape -- (commandline -ct))\n"
	"	set -l program deployctl\n"
	"	string match -q '*/*' -- $typed[1]\n"
	"	and set program (string replace -r '^~/' \"$HOME/\" -- $typed[1])\n"
	"	command -q $program\n"
	"	or return\n"
	"	for line in (command $program __complete $typed[2..-1] \"$last\" 2>/dev/null)\n"
	"		if string match -qr '^\\t' -- $line\n"
	"			set -l before (string match -r '^--[^=]*=' -- $last)\n"
	"			__fish_complete_path (string replace -- \"$before\" '' \"$last\") "
	"|\n"
	"				string replace -r '^' -- \"$before\"\n"
	"		else\n"
	"			echo $line\n"
	"		end\n"
	"	end\n"
	"end\n"
	"complete -c deployctl -f -k -a '(__deployctl_complete)'\n";

struct shell {
	const char *name, *text, *script;
};

static const struct shell shells[] = {
	{"bash", "the script for bash", bash_script},
	{"zsh", "the script for zsh", zsh_script},
	{"fish", "the script for fish", fish_script},
	{NULL, NULL, NULL},
};

static const enum exit_status completion_exits[] = {
	EXIT_ALL_OK, EXIT_USAGE, EXIT_OUTPUT, EXIT_LIST_END};

static const struct example completion_examples[] = {
	{"deployctl completion bash >~/.local/share/bash-completion/completions/deployctl",
		"where the package bash-completion looks; the folder must be there"},
	{"deployctl completion zsh >~/.zfunc/_deployctl",
		"a folder that .zshrc puts into fpath before it calls compinit"},
	{"deployctl completion fish >~/.config/fish/completions/deployctl.fish",
		"where fish looks"},
	{NULL, NULL},
};

static struct choice completion_first_operand(size_t index)
{
	return (struct choice){shells[index].name, shells[index].text};
}

static const struct shell *find_shell(const char *name, struct deploy_error *err)
{
	const char *names[sizeof(shells) / sizeof(shells[0])], *meant;
	size_t i;

	for (i = 0; shells[i].name; i++) {
		names[i] = shells[i].name;
		if (strcmp(names[i], name) == 0)
			return &shells[i];
	}
	meant = deploy_text_suggest(name, names, i);
	if (meant)
		deploy_error_hint(err, "deployctl completion %s", meant);
	(void)deploy_error_set(err, DEPLOY_USAGE, "\"%s\" is none of bash, zsh, fish", name);
	return NULL;
}

static void print_script_json(struct out *out, const struct shell *shell, struct deploy_error *err)
{
	json_t *item = json_pack("{s:s, s:s, s:s}", "type", "completion", "shell", shell->name,
		"script", shell->script);
	json_t *items = json_pack("[O]", item);

	if (out_format(out) == OUT_JSONL)
		out_json_line(out, item);
	out_document(out, "completion", items, NULL, EXIT_ALL_OK, err);
	json_decref(items);
	json_decref(item);
}

static int completion_main(struct ctx *ctx, void *opts, struct args args, struct deploy_error *err)
{
	const struct shell *shell = find_shell(args.values[0], err);

	(void)opts;
	if (!shell)
		return EXIT_USAGE;
	if (out_is_for_people(ctx->out))
		out_text(ctx->out, "%s", shell->script);
	else if (out_format(ctx->out) == OUT_NAME)
		out_text(ctx->out, "%s\n", shell->name);
	else
		print_script_json(ctx->out, shell, err);
	return EXIT_ALL_OK;
}

const struct command cmd_completion = {
	.name = "completion",
	.group = "about",
	.summary = "print the completion script for a shell",
	.operands = "SHELL",
	.description =
		"Prints the script that makes bash, zsh or fish complete commands, options and "
		"their values. Packages and `make install` put it where the shell finds it: then "
		"there is nothing to do. Otherwise:\n\n"
		"bash: into ~/.local/share/bash-completion/completions/deployctl if the package "
		"bash-completion is there; without it, source <(deployctl completion bash) in "
		".bashrc does the same.\n\n"
		"zsh: into a file _deployctl in a folder of fpath, before compinit is called; or "
		"source <(deployctl completion zsh) after it.\n\n"
		"fish: into ~/.config/fish/completions/deployctl.fish.\n\n"
		"The scripts ask the deployctl that is typed. It offers nodes, facts, values and "
		"runs from the state file and agents from DDLs, and opens no connection.",
	.min_args = 1,
	.max_args = 1,
	.first_operand = completion_first_operand,
	.exits = completion_exits,
	.examples = completion_examples,
	.main = completion_main,
};
