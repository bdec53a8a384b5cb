# fish completion for deployctl, made by `make docs`
function __deployctl_complete
	set -l typed (commandline -opc) (commandline -ct)
	set -l found (deployctl __complete $typed[2..-1] 2>/dev/null)
	if test (count $found) -gt 0
		printf '%s\n' $found
	else
		__fish_complete_path (commandline -ct)
	end
end
complete -c deployctl -f -a '(__deployctl_complete)'
