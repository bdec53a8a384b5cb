# fish completion for deployctl, made by `make docs`
function __deployctl_complete
	set -l typed (commandline -opc)
	set -l last (string unescape -- (commandline -ct))
	set -l program deployctl
	string match -q '*/*' -- $typed[1]
	and set program (string replace -r '^~/' "$HOME/" -- $typed[1])
	command -q $program
	or return
	for line in (command $program __complete $typed[2..-1] "$last" 2>/dev/null)
		if string match -qr '^\t' -- $line
			set -l before (string match -r '^--[^=]*=' -- $last)
			__fish_complete_path (string replace -- "$before" '' "$last") |
				string replace -r '^' -- "$before"
		else
			echo $line
		end
	end
end
complete -c deployctl -f -k -a '(__deployctl_complete)'
