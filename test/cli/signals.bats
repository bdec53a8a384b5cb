#!/usr/bin/env bats
# What INT, TERM and their like do to a run. Nothing here waits for a timeout of 30 s or more, which
# is what an ignored signal would mean; how long something takes is not asserted otherwise.
# shellcheck disable=SC2030,SC2031,SC2154
load loop_helper

setup() {
	setup_loop
	fleet 'node web[1-4] facts cluster=alfa'
}

FACT=(rpcutil get_fact 'fact=cluster' -I 'web[1-4]' --batch 2 --batch-sleep 0)

# begin WORDS...: run in the background; $pid, files out and err
begin() {
	rm -f "$DEPLOYCTL_LOOP_LOG"
	"$DEPLOYCTL" "$@" >out 2>err 3>&- &
	pid=$!
}

# await PATTERN [FILE]: until a line of the log, or of FILE, fits
await() {
	for _ in $(seq 500); do
		grep -qsE "$1" "${2:-$DEPLOYCTL_LOOP_LOG}" && return
		sleep 0.01
	done
	printf 'nothing fits %s\n' "$1"
	kill -KILL "$pid"
	return 1
}

# ends STATUS: it ends within 8 s, and so; $output is its stdout
ends() {
	for _ in $(seq 800); do
		kill -0 "$pid" 2>/dev/null || break
		sleep 0.01
	done
	kill -KILL "$pid" 2>/dev/null && printf 'it went on\n' && return 1
	wait "$pid" && status=0 || status=$?
	output=$(cat out)
	same "$1" "$status" || { cat err && return 1; }
}

@test "INT: who is in flight is waited for, nobody else is asked, 130" {
	also 'reply web[1-2] delay 200ms'
	begin rpc "${FACT[@]}" -o json
	await '^web2 '
	kill -INT "$pid"
	ends 130
	same '4 2 0 0 0 0 2' "$(summary)"
	same 'web1 web2' "$(executed)"
	same '130 interrupted' "$(document 'd["exit"].values.join(" ")')"
	holds "$(cat err)" 'stopped: interrupted' 'not asked: web[3-4]'
}

@test "TERM does the same: 143" {
	also 'reply web[1-2] delay 200ms' 'reply web1 fail 1 no'
	begin rpc "${FACT[@]}" -o json
	await '^web2 '
	kill -TERM "$pid"
	ends 143
	same '4 1 1 0 0 0 2' "$(summary)"
	same 'web1 web2' "$(executed)"
	same '143 terminated' "$(document 'd["exit"].values.join(" ")')"
}

@test "a second INT leaves at once: who is in flight is unknown" {
	also 'reply web[1-2] delay 60s'
	begin rpc "${FACT[@]}" -t 60 -o json
	await '^web2 '
	kill -INT "$pid"
	await 'stopped: interrupted' err
	kill -INT "$pid"
	ends 130
	same '4 0 0 0 0 2 2' "$(summary)"
	holds "$(cat err)" 'unknown: web[1-2]' 'not asked: web[3-4]' "-I 'web[1-4]'"
}

@test "the first signal names the status: INT and then TERM is 130" {
	also 'reply web1 delay 60s'
	begin rpc "${FACT[@]}" -t 60
	await '^web2 '
	kill -INT "$pid"
	await 'stopped: interrupted' err
	kill -TERM "$pid"
	ends 130
}

@test "INT in the pause between groups ends it" {
	begin rpc rpcutil ping -I 'web[1-4]' --batch 2 --batch-sleep 60s -o json
	await '^web2 '
	kill -INT "$pid"
	ends 130
	same '4 2 0 0 0 0 2' "$(summary)"
}

@test "INT in the pause between tries ends it, and the failure stays one" {
	also 'reply web1 fail 1 no'
	begin rpc "${FACT[@]}" --tries 3 --try-sleep 60s -o json
	await 'try 1: failed' err
	kill -INT "$pid"
	ends 130
	same '4 1 1 0 0 0 2' "$(summary)"
	same 'web1 web2' "$(executed)"
}

@test "INT during discovery asks nobody anything" {
	begin rpc rpcutil ping --window-time 60s --dt 60s -o json
	await ' discovery '
	kill -INT "$pid"
	ends 130
	same '' "$(executed)"
	same '130' "$(document 'd["exit"]["code"]')"
}

@test "INT during a ping shows who has answered" {
	begin ping --window-time 60s --dt 60s -o name
	await '^web4 discovery '
	kill -INT "$pid"
	ends 130
	[ -z "$output" ] || same "$(names web{1..4})" "$output"
}

@test "INT while the broker takes no publishes ends the run: no answer can come" {
	also 'reply web1 delay 100ms' 'broker blocked-after 1'
	begin rpc "${FACT[@]}" -o json -t 60
	await 'takes no publishes' err
	kill -INT "$pid"
	ends 130
	same '4 0 0 0 0' "$(summary | cut -d ' ' -f 1-5)"
	fleet 'node web1' 'broker blocked-after 0'
	begin ping -o json --dt 60s
	await 'takes no publishes' err
	kill -TERM "$pid"
	ends 143
	same '0 0 0 0 0 0 0' "$(summary)"
}

@test "INT while connecting ends it, with one document" {
	also 'broker hang'
	begin rpc "${FACT[@]}" --connection-timeout 60s -o json
	for _ in $(seq 500); do
		[ -e "$DEPLOYCTL_LOOP_LOG" ] && break
		sleep 0.01
	done
	kill -INT "$pid"
	ends 130
	same '130 interrupted interrupted' \
		"$(document '[*d["exit"].values, d["errors"][0]["code"]].join(" ")')"
}

@test "INT counts for more than a failure, TERM for more than a full disk" {
	also 'reply web1 fail 1 no' 'reply web2 delay 100ms'
	"$DEPLOYCTL" rpc "${FACT[@]}" >/dev/full 2>err 3>&- &
	pid=$!
	await '^web2 '
	kill -TERM "$pid"
	: >out
	ends 143
}

@test "HUP is TERM" {
	also 'reply web1 delay 60s'
	begin rpc "${FACT[@]}" -t 60
	await '^web2 '
	kill -HUP "$pid"
	await 'stopped: interrupted' err
	kill -HUP "$pid"
	ends 143
}

@test "USR1 tells on stderr who has not answered, and the run goes on" {
	also 'reply web1 delay 200ms'
	begin rpc "${FACT[@]}" -o name
	await '^web2 '
	kill -USR1 "$pid"
	ends 0
	same "$(names web{1..4})" "$output"
	grep -q 'web1' err
}

@test "replies that came in time count, although the program was stopped when they came" {
	also 'reply web[1-4] delay 100ms'
	begin rpc rpcutil ping -I 'web[1-4]' -t 0.3 -o json
	await '^web4 '
	kill -STOP "$pid"
	sleep 0.4
	kill -CONT "$pid"
	ends 0
	same '4 4 0 0 0 0 0' "$(summary)"
}
