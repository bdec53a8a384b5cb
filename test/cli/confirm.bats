#!/usr/bin/env bats
# An action on everyone is asked about at a terminal, above guard.confirm_above nodes.
# shellcheck disable=SC2154
load loop_helper

setup() {
	setup_loop
	unset XDG_CONFIG_HOME
	echo 'guard: {confirm_above: 9}' >>.config/deployctl/config.yaml
	write_answer
}

# answer ANSWER COMMAND...: its status is the command's, or above 90 if the question is not as expected
write_answer() {
	cat >answer <<-'END'
		set timeout 20
		set answer [lindex $argv 0]
		eval spawn -noecho [lrange $argv 1 end]
		if {$answer eq "nothing"} {
			expect "to go on" { exit 99 } timeout { exit 98 } eof
		} else {
			expect -re {type [0-9]+ to go on: } {
				send -- [subst -nocommands -novariables $answer]
			} timeout { exit 98 } eof { exit 97 }
			expect eof
		}
		exit [lindex [wait] 3]
	END
}

# typed STATUS ANSWER WORDS...: rpc rpcutil ping WORDS at a terminal; ANSWER is typed when asked,
# "nothing": it does not ask
typed() {
	local expected=$1 answer=$2
	shift 2
	run expect -f answer "$answer" "$DEPLOYCTL" rpc rpcutil ping --window-time 50ms "$@"
	[ "$status" -eq "$expected" ] && return
	printf 'status %s, not %s\n%s\n' "$status" "$expected" "$output"
	return 1
}

@test "the number of nodes, typed, goes on: everyone, once" {
	typed 0 '10\r'
	holds "$output" 'rpcutil ping will be asked of all 10 nodes, there is no filter' '10 nodes: 10 ok'
	same 10 "$(executed | wc -w)"
}

@test "anything else does nothing, and says so with 6" {
	for answer in 'y\r' '\r' '9\r' '100\r' '10 \r' '\004'; do
		typed 6 "$answer"
		holds "$output" 'nothing was done'
	done
	same '' "$(executed)"
}

@test "an interrupt at the question does nothing" {
	typed 130 '\003'
	same '' "$(executed)"
}

@test "it is not asked with a filter, for few nodes, with --yes, or with --no-input" {
	typed 0 nothing -C common
	typed 0 nothing -x nosuch
	typed 0 nothing --limit 9
	typed 0 nothing --yes
	typed 0 nothing --no-input
	typed 0 nothing --dry-run
}

@test "it is not asked where nobody can answer" {
	ask_rpc 0 rpcutil ping
	same 10 "$(executed | wc -w)"
}

@test "confirm_above: 0 asks never" {
	sed -i 's/above: 9/above: 0/' .config/deployctl/config.yaml
	typed 0 nothing
}

@test "an interrupt while they are counted does nothing" {
	also 'pong web1 delay 60s'
	cat >interrupt <<-'END'
		set timeout 20
		eval spawn -noecho $argv
		while {![file exists $env(DEPLOYCTL_LOOP_LOG)] || [file size $env(DEPLOYCTL_LOOP_LOG)] == 0} { after 10 }
		send -- "\003"
		expect eof
		exit [lindex [wait] 3]
	END
	run expect -f interrupt "$DEPLOYCTL" rpc rpcutil ping --dt 20s --window-time 20s
	same 130 "$status"
	same '' "$(executed)"
}
