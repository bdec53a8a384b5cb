#!/usr/bin/env bats
# assign-role with a fleet: who may be assigned something, and what is told of it.
# shellcheck disable=SC2154
load loop_helper

setup() {
	setup_loop
	fleet 'node web1.example.net' 'node db1.example.net'
}

ROLE=(--collection lab --category batch --role nn)

# assign STATUS WORDS...: as from a script
assign() {
	deployctl "$1" assign-role --yes "${@:2}"
}

@test "a name that nobody answers to is refused, also when roles are taken away, and leaves nothing" {
	assign 0 web1.example.net "${ROLE[@]}"
	for words in "${ROLE[*]}" --remove '--remove --diff'; do
		# shellcheck disable=SC2086
		assign 6 web1 $words
		same "deployctl: no node of the fleet: web1; nothing was done; did you mean web1.example.net?" \
			"${stderr_lines[0]}"
	done
	assign 6 db2 --remove
	same 'deployctl: no node of the fleet: db2; nothing was done' "${stderr_lines[0]}"
	deployctl 0 status -o name
	same web1.example.net "$output"
	# Nobody was ever asked for it, and it is there.
	assign 0 db1.example.net --remove
}

@test "without the broker it is said that nobody could be asked, with the broker's own status" {
	assign 0 web1.example.net "${ROLE[@]}"
	also 'broker refuse connect'
	# Who is known, or has been assigned something, need not be asked.
	assign 0 web1.example.net --remove
	assign 69 web2.example.net "${ROLE[@]}" -o json
	error_document 69 unreachable
	holds "$stderr" 'deployctl: web2.example.net was never seen, and cannot be asked: ' \
		'  try: deployctl doctor'
	fleet 'broker refuse auth'
	assign 77 web2.example.net "${ROLE[@]}"
}

@test "--diff tells what would change" {
	assign 0 web1.example.net "${ROLE[@]}" --diff
	holds "$output" 'web1.example.net: would change' 'deploop_role: (none) -> nn'
	assign 10 web1.example.net "${ROLE[@]}" --diff --detailed-exitcode -o json
	same 'would change true' "$(document 'd["items"][0].values_at("message", "changed").join(" ")')"
	assign 0 web1.example.net "${ROLE[@]}"
	holds "$output" 'ok      changed'
}

@test "what can be no environment is refused, and not left out in silence" {
	for name in a/b 'A;B' ..; do
		assign 64 web1.example.net "${ROLE[@]}" --environment "$name"
		holds "$stderr" "\"$name\" is no name of a Puppet environment"
	done
	assign 64 --remove
	same 'deployctl: NODE is missing' "${stderr_lines[0]}"
}
