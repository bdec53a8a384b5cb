# What the tests of completion in real shells share.
# shellcheck disable=SC2154
load ../cli/helper

# Everything as installed, each where its shell looks, and startup files that print the command line.
setup_file() {
	local share=$BATS_FILE_TMPDIR/share rc=$BATS_FILE_TMPDIR/rc
	REPO=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
	mkdir -p "$share/bash-completion/completions" "$share/zsh" "$share/fish/vendor_completions.d" \
		"$rc/fish" "$BATS_FILE_TMPDIR/"{bin,other}
	cp "$REPO/completions/deployctl.bash" "$share/bash-completion/completions/deployctl"
	cp "$REPO/completions/_deployctl" "$share/zsh/"
	cp "$REPO/completions/deployctl.fish" "$share/fish/vendor_completions.d/"
	ln -s "${DEPLOYCTL:-$REPO/build/deployctl}" "$BATS_FILE_TMPDIR/bin/deployctl"
	cat >"$rc/bashrc" <<-'END'
		PS1='ready> '
		source /usr/share/bash-completion/bash_completion
		bind -x '"\C-xs": printf "@@%s@@\n" "$READLINE_LINE"'
	END
	cat >"$rc/.zshrc" <<-END
		PS1='ready> '
		fpath=($share/zsh \$fpath)
		autoload -Uz compinit
		compinit -u -D
		print_line() { zle -I; print -r -- "@@\$BUFFER@@" }
		zle -N print_line
		bindkey '^Xs' print_line
	END
	cat >"$rc/fish/config.fish" <<-'END'
		function fish_prompt; echo -n 'ready> '; end
		function fish_greeting; end
		set -g fish_autosuggestion_enabled 0
		bind \cxs 'printf "@@%s@@\n" (commandline)'
	END
}

setup() {
	setup_environment
	export PATH=$BATS_FILE_TMPDIR/other:$BATS_FILE_TMPDIR/bin:$PATH TERM=xterm LC_ALL=C.UTF-8
	export DEPLOYCTL_STATE=$BATS_TEST_TMPDIR/state.db
	export XDG_DATA_DIRS=$BATS_FILE_TMPDIR/share:/usr/share SCREEN=$BATS_TEST_TMPDIR/screen
	RC=$BATS_FILE_TMPDIR/rc
	mkdir "$BATS_TEST_TMPDIR/here"
	cd "$BATS_TEST_TMPDIR/here" || return
}

# completes SHELL KEYS LINE [KEYS LINE]...: after KEYS, in which \t is TAB, the shell's line is LINE.
completes() {
	local shell=$1 keys=() expected=()
	shift
	while [ $# -gt 0 ]; do
		keys+=("$1") expected+=("$2")
		shift 2
	done
	run --separate-stderr "$BATS_TEST_DIRNAME/terminal" "$RC" "$shell" "${keys[@]}"
	same "" "$stderr" || return
	same "$(printf '%s|\n' "${expected[@]}")" "$(printf '%s\n' "$output" | sed 's/$/|/')"
}
