#!/usr/bin/env bats
# deployctl lock: what the state file holds of locks, and taking one away.
# shellcheck disable=SC2154
load loop_helper

RUN=01ARZ3NDEKTSV4RRFFQ69G5FAV

setup() {
	setup_loop
}

# held NAME HOST PID: a row as a run of ann would have left it; without a pid it is this shell's
held() {
	local boot space started
	[ -e "$DEPLOYCTL_STATE" ] || deployctl 0 history prune
	boot=$(cat /proc/sys/kernel/random/boot_id) space=$(readlink /proc/self/ns/pid)
	started=$(cut -d ' ' -f 22 "/proc/${3:-$$}/stat" 2>/dev/null || echo 1)
	sqlite3 "$DEPLOYCTL_STATE" "INSERT INTO lock VALUES('$1', '$RUN', 'run-plan', 'ann',
		'${2:-$(uname -n)}', '$boot', '$space', ${3:-$$}, $started, 'new release', 1790000000000000)"
}

names() {
	"$DEPLOYCTL" lock list -o name
}

@test "locks are listed by name, with who holds them and whether that lives" {
	deployctl 0 lock list
	same '' "$output"
	held cluster/bravo "$(uname -n)" 4194305
	held cluster/alfa
	held site elsewhere
	deployctl 0 lock list
	same 'NAME RUN USER HOST SINCE STATE' "$(head -1 <<<"$output" | tr -s ' ')"
	same "cluster/alfa $RUN ann $(uname -n) alive
cluster/bravo $RUN ann $(uname -n) dead
site $RUN ann elsewhere unknown" "$(tail -n +2 <<<"$output" | awk '{print $1, $2, $3, $4, $7}')"
	same 'cluster/alfa cluster/bravo site' "$(names | paste -sd ' ')"
	deployctl 0 lock list -o json
	same "lock 3 $RUN run-plan ann alive 2026-09-21T14:13:20.000Z new release" \
		"$(document 'i = d["items"][0]; [d["kind"], d["summary"]["locks"],
		*i.values_at("run", "kind", "user", "state", "since", "reason")].join(" ")')"
	deployctl 0 lock list -o jsonl
	same 4 "$(wc -l <<<"$output")"
}

@test "a lock is taken away, and it is said from whom" {
	held cluster/alfa elsewhere
	held site elsewhere
	deployctl 0 lock break cluster/alfa --yes
	holds "$output" "taken from run $RUN (run-plan) of ann on elsewhere, process $$ (unknown), since 2026-" \
		': new release'
	same site "$(names)"
	deployctl 0 lock break site --yes -o json
	same 'lock site elsewhere 1' "$(document '[d["kind"], *d["items"][0].values_at("lock", "host"),
		d["summary"]["broken"]].join(" ")')"
	same '' "$(names)"
}

@test "without a terminal it is not taken away, and --yes is asked for: 64" {
	held site elsewhere
	deployctl 64 lock break site </dev/null
	holds "$stderr" 'without a terminal --yes is needed'
	same site "$(names)"
}

@test "at a terminal it is asked, and only yes is yes" {
	held site elsewhere
	cat >answer <<-'END'
		set timeout 20
		eval spawn -noecho [lrange $argv 1 end]
		expect {
			-re {process [0-9]+ \(unknown\).*: new release. Go on\? \[y/N\] } {
				send -- "[lindex $argv 0]\r"
			}
			timeout { exit 98 }
			eof { exit 97 }
		}
		expect eof
		exit [lindex [wait] 3]
	END
	run expect -f answer n "$DEPLOYCTL" lock break site
	same 6 "$status"
	holds "$output" 'nothing was done'
	same site "$(names)"
	run expect -f answer y "$DEPLOYCTL" lock break site
	same 0 "$status"
	same '' "$(names)"
}

@test "one that was taken anew while it was asked is left: 6" {
	held site elsewhere
	cat >answer <<-'END'
		set timeout 20
		spawn -noecho [lindex $argv 0] lock break site
		expect "Go on" {} timeout { exit 98 } eof { exit 97 }
		exec sqlite3 [lindex $argv 1] "UPDATE lock SET taken = taken + 1, run = 'other'"
		send -- "y\r"
		expect eof
		exit [lindex [wait] 3]
	END
	run expect -f answer "$DEPLOYCTL" "$DEPLOYCTL_STATE"
	same 6 "$status"
	holds "$output" 'lock "site" was taken anew meanwhile, by run other'
	same site "$(names)"
}

@test "a lock that nobody holds, a name that is none, words that make no sense" {
	deployctl 64 lock break site --yes
	holds "$stderr" 'nobody holds a lock "site"' 'deployctl lock list'
	deployctl 65 lock break 'a b' --yes
	holds "$stderr" '"a b" is no name of a lock'
	deployctl 64 lock brek
	holds "$stderr" '"brek" is neither list nor break' 'deployctl lock break'
	deployctl 64 lock break
	holds "$stderr" 'lock break takes one NAME'
	deployctl 64 lock list site
	holds "$stderr" 'lock list takes no NAME'
}

@test "what is in the file reaches a terminal escaped" {
	held site $'else\e[31mwhere'
	deployctl 0 lock list
	[[ $output != *$'\e'* ]]
	deployctl 0 lock break site --yes
	[[ $output != *$'\e'* ]]
}

@test "names of locks are completed behind break" {
	held cluster/alfa
	held site elsewhere
	deployctl 0 __complete lock break c
	holds "$output" cluster/alfa
	[[ $output != *site* ]]
	deployctl 0 __complete lock list ''
	[[ $output != *site* ]]
}
