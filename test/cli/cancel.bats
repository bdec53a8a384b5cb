#!/usr/bin/env bats
# deployctl cancel: a run that another process carries out ends, and it is said how.
# shellcheck disable=SC2154
load loop_helper

setup() {
	setup_loop
	fleet 'node web[1-4]'
}

# begin DELAY: an act in groups of two, of which the first answers after DELAY; $pid, $act is its id
begin() {
	also "reply web[1-2] delay $1"
	"$DEPLOYCTL" rpc rpcutil get_fact fact=cluster -I 'web[1-4]' --batch 2 -t 60 \
		>out 2>err 3>&- &
	pid=$!
	for _ in $(seq 500); do
		grep -qs '^web2 ' "$DEPLOYCTL_LOOP_LOG" && break
		sleep 0.01
	done
	act=$("$DEPLOYCTL" history -o name)
}

# over: it is over, however it was
over() {
	kill -KILL "$pid" 2>/dev/null || true
	wait "$pid" 2>/dev/null || true
}

@test "who is in flight is waited for, nobody else is asked, and it is said how it ended" {
	begin 200ms
	deployctl 0 cancel "${act:0:20}"
	same "$act has ended, status 143 terminated
what it came to: deployctl status $act" "$output"
	same '' "$stderr"
	wait "$pid" && status=0 || status=$?
	same 143 "$status"
	deployctl 0 status "$act"
	holds "$output" "cancelled    " ", by $(id -un)" '2 ok, 2 cancelled'
	deployctl 0 history -o json
	same "$(id -un) true 143" "$(document 'i = d["items"][0]
		[i["cancelled_by"], i["cancelled_at"] >= i["started"], i["exit"]].join(" ")')"
	deployctl 6 cancel "$act"
	holds "$stderr" "run $act: it has ended already"
}

@test "one that still runs is told nevertheless: 5; told again it leaves at once" {
	begin 60s
	deployctl 5 cancel "$act" --wait 0 -o json
	same "cancel $act 5 running" "$(document \
		'[d["kind"], d["run"], d["exit"]["code"], d["items"][0]["state"]].join(" ")')"
	for _ in $(seq 500); do
		grep -q 'stopped: interrupted' err && break
		sleep 0.01
	done
	deployctl 0 cancel "$act"
	holds "$output" "$act has ended, status 143 terminated"
	wait "$pid" && status=0 || status=$?
	same 143 "$status"
	deployctl 0 status "$act"
	holds "$output" '2 unknown, 2 cancelled'
}

@test "one whose process died is interrupted, and a plan's can be resumed" {
	begin 60s
	over
	deployctl 0 cancel "$act"
	same "$act was interrupted: its process died
what it came to: deployctl status $act" "$output"
	sqlite3 state.db "UPDATE run SET plan = '/srv/a.yaml'"
	deployctl 0 cancel "$act"
	holds "$output" "to go on: deployctl resume $act"
	deployctl 0 cancel "$act" -o name
	same "$act" "$output"
	deployctl 0 status "$act"
	holds "$output" 'plan         /srv/a.yaml' "to go on: deployctl resume $act"
}

@test "one that lives elsewhere is left alone" {
	begin 60s
	sqlite3 state.db "UPDATE run SET host = 'elsewhere'"
	deployctl 5 cancel "$act"
	holds "$stderr" 'not on this host'
	same "$act is still running
to see it end: deployctl status --watch $act" "$output"
	kill -0 "$pid"
	sqlite3 state.db "UPDATE run SET host = '$(uname -n)', pid_started = pid_started - 1"
	deployctl 0 cancel "$act"
	holds "$output" 'interrupted'
	kill -0 "$pid"
	over
}

@test "which run is meant must be clear" {
	deployctl 64 cancel 01K
	holds "$stderr" 'no such run' 'deployctl history'
	begin 60s
	over
	deployctl 0 ping --window-time 25ms
	deployctl 64 cancel 0
	holds "$stderr" 'more than one begins so'
	deployctl 64 cancel "$act" --wait soon
	deployctl 0 __complete cancel "${act:0:26}"
	same "$act" "$(cut -f1 <<<"$output")"
	deployctl 0 __complete cancel "$act" ''
	same '' "$output"
}
