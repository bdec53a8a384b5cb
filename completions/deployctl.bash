# bash completion for deployctl, made by `make docs`

# What a word means, though its last quote may still be open: sets plain and quote.
_deployctl_unquote()
{
	local rest=$1 char
	plain='' quote=''
	while [[ $rest ]]; do
		char=${rest:0:1} rest=${rest:1}
		if [[ $char == \\ && $quote != \' ]]; then
			plain+=${rest:0:1} rest=${rest:1}
		elif [[ $char == "$quote" ]]; then
			quote=''
		elif [[ ! $quote && $char == [\'\"] ]]; then
			quote=$char
		else
			plain+=$char
		fi
	done
}

_deployctl()
{
	local line=${COMP_LINE:0:COMP_POINT} rest=$2 program=deployctl
	local piece word plain quote cut i words=() typed=()
	COMPREPLY=()
	if [[ ${COMP_WORDS[COMP_CWORD - 1]} == *[\<\>]* ]]; then
		compopt -o default
		return
	fi
	[[ $1 != */* ]] || program=${1/#\~\//$HOME/}
	for ((i = 0; i <= COMP_CWORD; i++)); do
		piece=${COMP_WORDS[i]} word=${line#"${line%%[![:blank:]]*}"}
		[[ $i -gt 0 && $word == "$line" ]] || words+=('')
		((i < COMP_CWORD)) || piece=$word
		line=${word#"$piece"} words[-1]+=$piece
	done
	[[ $rest != [=:] ]] || rest=
	_deployctl_unquote "$rest"
	rest=$plain
	for word in "${words[@]:1}"; do
		_deployctl_unquote "$word"
		typed+=("$plain")
	done
	cut=${plain%"$rest"}
	while IFS= read -r word; do
		word=${word%%$'\t'*}
		if [[ ! $word ]]; then
			compopt -o default
			continue
		fi
		[[ $word != *= ]] || compopt -o nospace
		word=${word#"$cut"}
		[[ $quote ]] || printf -v word %q "$word"
		COMPREPLY+=("$word")
	done < <(command "$program" __complete "${typed[@]}" 2>/dev/null)
}
complete -F _deployctl deployctl
