#!/usr/bin/env bats
# The completion scripts in real shells on a real terminal. What is offered at all is tested in
# test/cli: here it is whether each shell asks, understands the answer, and puts it into the line.
# shellcheck disable=SC2016,SC2030,SC2031,SC2088,SC2154
load helper

# in_each_shell KEYS LINE...: see completes
in_each_shell() {
	local shell
	for shell in bash zsh fish; do
		completes "$shell" "$@" || { echo "in $shell"; return 1; }
	done
}

@test "commands, options and values of options are completed" {
	in_each_shell 'deployctl pi\t' 'deployctl ping ' \
		'deployctl rpc --no-h\t' 'deployctl rpc --no-headers ' \
		'deployctl rpc --dis\t' 'deployctl rpc --display ' \
		'deployctl ping -o n\t' 'deployctl ping -o name ' \
		'deployctl ping --output ta\t' 'deployctl ping --output table ' \
		'deployctl -o json pi\t' 'deployctl -o json ping ' \
		'deployctl -q --color=never pi\t' 'deployctl -q --color=never ping ' \
		'deployctl rpc a b c=d -- --bat\t' 'deployctl rpc a b c=d -- --bat'
}

@test "several candidates are completed as far as they agree" {
	in_each_shell 'deployctl ping -o j\t' 'deployctl ping -o json' \
		'deployctl ping --with-\t' 'deployctl ping --with-'
}

@test "a value after an equals sign is completed" {
	in_each_shell 'deployctl ping --output=na\t' 'deployctl ping --output=name ' \
		'deployctl ping --output=js\t' 'deployctl ping --output=json' \
		'deployctl --color=a\t' 'deployctl --color=a' \
		'deployctl --color=au\t' 'deployctl --color=auto '
}

@test "operands that are a choice are completed, and only in their place" {
	in_each_shell 'deployctl help rp\t' 'deployctl help rpc ' \
		'deployctl completion f\t' 'deployctl completion fish ' \
		'deployctl help rpc p\t' 'deployctl help rpc p' \
		'deployctl help -o json com\t' 'deployctl help -o json completion '
}

@test "agents, actions and inputs are completed from DDLs; behind KEY= there is no blank" {
	mkdir -p ddl/agent
	cp "$REPO"/test/data/ddl/words.ddl ddl/agent/
	export DEPLOYCTL_CONFIG=$PWD/config.yaml
	(umask 077 && printf 'brokers: [x]\nddl_dirs: [%s]\n' "$PWD/ddl" >config.yaml)
	in_each_shell 'deployctl rpc wo\t' 'deployctl rpc words ' \
		'deployctl rpc words reg\t' 'deployctl rpc words regexes ' \
		'deployctl rpc words regexes pl\t' 'deployctl rpc words regexes plain=' \
		'deployctl rpc words escapes c=t\t' 'deployctl rpc words escapes c=true ' \
		'deployctl ping -A w\t' 'deployctl ping -A words '
}

@test "quoted words are read without their quotes" {
	in_each_shell 'deployctl "ping" --out\t' 'deployctl "ping" --output ' \
		"deployctl 'ping' -o na\\t" "deployctl 'ping' -o name " \
		'deployctl -c "a b" pi\t' 'deployctl -c "a b" ping ' \
		'deployctl -c a\ b pi\t' 'deployctl -c a\ b ping ' \
		"deployctl -c 'it is' help pi\\t" "deployctl -c 'it is' help ping "
}

@test "a word whose quote is still open is completed" {
	in_each_shell "deployctl 'pi\\t" "deployctl 'ping' " \
		'deployctl "pi\t' 'deployctl "ping" ' \
		"deployctl ping '--output=na\\t" "deployctl ping '--output=name' "
}

@test "words with colons and equals signs count as one word" {
	in_each_shell 'deployctl rpc a:b:=c d=e --no-h\t' 'deployctl rpc a:b:=c d=e --no-headers ' \
		'deployctl help a:b r\t' 'deployctl help a:b r' \
		'deployctl -c a:b=c pi\t' 'deployctl -c a:b=c ping ' \
		'deployctl --config=a:b=c pi\t' 'deployctl --config=a:b=c ping '
}

@test "where nothing can stand nothing is offered, and nothing is said" {
	touch file
	in_each_shell 'deployctl nonsense \t' 'deployctl nonsense ' \
		'deployctl nonsense --ou\t' 'deployctl nonsense --ou' \
		'deployctl version \t' 'deployctl version ' \
		'deployctl zz\t' 'deployctl zz' \
		'deployctl ping -o fi\t' 'deployctl ping -o fi' \
		'deployctl ping --nonsense=fi\t' 'deployctl ping --nonsense=fi'
}

@test "an option that wants a file is completed with names of files" {
	mkdir folder
	touch only.cfg folder/inside.cfg 'with blank.cfg'
	in_each_shell 'deployctl -c on\t' 'deployctl -c only.cfg ' \
		'deployctl ping --config on\t' 'deployctl ping --config only.cfg ' \
		'deployctl ping --config=on\t' 'deployctl ping --config=only.cfg ' \
		'deployctl -c folder/in\t' 'deployctl -c folder/inside.cfg ' \
		'deployctl -c wi\t' 'deployctl -c with\ blank.cfg ' \
		'deployctl -c fold\t' 'deployctl -c folder/'
}

@test "only what stands before the cursor is completed" {
	in_each_shell 'deployctl -o js nonsense\C-b\C-b\C-b\C-b\C-b\C-b\C-b\C-b\C-b\t' \
		'deployctl -o json nonsense'
}

@test "deployctl is completed wherever it stands in a line" {
	in_each_shell 'true; deployctl pi\t' 'true; deployctl ping ' \
		'true | deployctl ping -o na\t' 'true | deployctl ping -o name ' \
		'  deployctl   pi\t' '  deployctl   ping ' \
		'LANG=C deployctl ping --output=na\t' 'LANG=C deployctl ping --output=name ' \
		'nice deployctl ping -o na\t' 'nice deployctl ping -o name ' \
		'nice deployctl ping --color=\t' 'nice deployctl ping --color=' \
		'nice deployctl ping --color=alw\t' 'nice deployctl ping --color=always '
}

@test "after a redirection there are names of files" {
	touch only.cfg
	in_each_shell 'deployctl ping >on\t' 'deployctl ping >only.cfg ' \
		'deployctl ping 2> on\t' 'deployctl ping 2> only.cfg ' \
		'deployctl ping 2>/dev/null -o na\t' 'deployctl ping 2>/dev/null -o name '
}

# noisy_program: the deployctl that PATH finds first; it fails
noisy_program() {
	mkdir noisy
	printf '#!/bin/sh\necho NOISE >&2\nexit 70\n' >noisy/deployctl
	chmod +x noisy/deployctl
	PATH=$PWD/noisy:$PATH
}

@test "the program that is typed with its path is the one that is asked" {
	noisy_program
	mkdir elsewhere
	ln -s "$BATS_FILE_TMPDIR/bin/deployctl" elsewhere/deployctl
	cp -r elsewhere "$HOME/"
	# bash-completion loads a script at the first TAB, and with a path completes at the second only
	in_each_shell 'deployctl pi\t' 'deployctl pi' \
		'elsewhere/deployctl pi\t' 'elsewhere/deployctl ping ' \
		'./elsewhere/deployctl pi\t' './elsewhere/deployctl ping ' \
		'~/elsewhere/deployctl ping -o na\t' '~/elsewhere/deployctl ping -o name '
}

@test "a function or an alias of the same name is not what is asked" {
	for shell in bash zsh fish; do
		defined='function deployctl { echo NOISE; }'
		[ $shell != fish ] || defined='function deployctl; echo NOISE; end'
		completes $shell "$defined\n" '' 'deployctl pi\t' 'deployctl ping '
		completes $shell 'alias deployctl="deployctl -q"\n' '' 'deployctl pi\t' 'deployctl ping '
	done
}

@test "what the program says on stderr never reaches the terminal" {
	noisy_program
	for shell in bash zsh fish; do
		completes "$shell" 'deployctl pi\t' 'deployctl pi' 'deployctl -c \t' 'deployctl -c '
		[[ $(cat "$SCREEN") != *NOISE* ]]
	done
}

@test "without the program nothing is offered, and nothing is said" {
	PATH=${PATH/"$BATS_FILE_TMPDIR/bin:"/}
	for shell in bash zsh fish; do
		completes "$shell" 'deployctl pi\t' 'deployctl pi' './deployctl pi\t' './deployctl pi'
		same '' "$(grep -iE 'unknown|found|no such|error' "$SCREEN")"
	done
}

@test "TAB twice lists what there is; zsh and fish then go on to choose the first" {
	completes bash 'deployctl completion \t\t' 'deployctl completion '
	holds "$(cat "$SCREEN")" bash zsh fish
	completes zsh 'deployctl completion \t\t' 'deployctl completion bash'
	holds "$(cat "$SCREEN")" bash zsh fish
	completes fish 'deployctl completion \t\t' 'deployctl completion bash '
	holds "$(cat "$SCREEN")" bash zsh fish
}

@test "zsh and fish list descriptions, bash does not" {
	for shell in zsh fish; do
		completes "$shell" 'deployctl help \t' 'deployctl help '
		holds "$(cat "$SCREEN")" ping 'print the version'
	done
	completes bash 'deployctl help \t\t' 'deployctl help '
	holds "$(cat "$SCREEN")" ping version
	[[ $(cat "$SCREEN") != *'print the version'* ]]
}

@test "a candidate with blanks, quotes and colons is put into the line as one word" {
	mkdir fake
	printf '#!/bin/sh\necho "one:it'"\\'"'s two\ttext: more"\n' >fake/deployctl
	chmod +x fake/deployctl
	PATH=$PWD/fake:$PATH in_each_shell 'deployctl one:i\t' "deployctl one:it\\'s\\ two " \
		'deployctl "one:i\t' "deployctl \"one:it's two\" "
}

@test "aliases of options are not offered" {
	# --also is another name that an option is accepted by
	completes bash 'deployctl rpc --\t\t' 'deployctl rpc --'
	same "$("$DEPLOYCTL" __complete rpc -- | cut -f 1 | sort)" \
		"$(grep -oE -- '--[a-z][a-z-]*' "$SCREEN" | sort)"
}

@test "the printed script may be sourced as it is" {
	RC=$BATS_TEST_TMPDIR/rc
	export XDG_DATA_DIRS=/usr/share
	cp -r "$BATS_FILE_TMPDIR/rc" "$RC"
	sed -i '/^fpath=/d' "$RC/.zshrc"
	for shell in bash zsh fish; do
		source="source <(deployctl completion $shell)"
		[ "$shell" != fish ] || source='deployctl completion fish | source'
		completes "$shell" 'deployctl pi\t' 'deployctl pi' "$source\n" '' \
			'deployctl pi\t' 'deployctl ping '
	done
}

@test "fish is given exactly what the program offers, with its descriptions" {
	for line in "''" pi 'ping --' "rpc -o ''" 'ping --output=' "help ''" "completion ''" "nonsense ''"; do
		eval "set -- $line"
		same "$("$DEPLOYCTL" __complete "$@")" "$(fish -c 'complete -C "deployctl $argv"' "${line%\'\'}")"
	done
}

@test "zsh finds the script through fpath" {
	same _deployctl "$(ZDOTDIR=$RC zsh -d -i -c 'print $_comps[deployctl]')"
}
