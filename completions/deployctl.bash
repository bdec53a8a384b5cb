# bash completion for deployctl, made by `make docs`
_deployctl()
{
	local word joins='' cut='' words=()
	for word in "${COMP_WORDS[@]:1:COMP_CWORD}"; do
		if [[ ($word == = || $joins) && ${#words[@]} -gt 0 ]]; then
			words[-1]+=$word
			[[ $word == = ]] && joins=1 || joins=''
		else
			words+=("$word")
		fi
	done
	[[ ${words[-1]} == *=* && $COMP_WORDBREAKS == *=* ]] && cut=${words[-1]%%=*}=
	COMPREPLY=()
	while IFS= read -r word; do
		word=${word%%$'\t'*}
		COMPREPLY+=("${word#"$cut"}")
	done < <(deployctl __complete "${words[@]}" 2>/dev/null)
}
complete -o default -F _deployctl deployctl
