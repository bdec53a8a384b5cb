#!/usr/bin/env bats
# puppet: runs that are proven, disabling that keeps others' messages, and what nodes do.
# shellcheck disable=SC2154
load loop_helper

setup() {
	setup_loop
	fleet 'node web[1-4]' 'node db1' 'puppet web[1-2] clean' 'puppet web3 failing' \
		'puppet web4 disabled by ops, disk' 'puppet db1 uncompiled'
}

# puppet STATUS WORDS...: nobody is asked at a terminal
puppet() {
	deployctl "$1" puppet --window-time 25ms "${@:2}"
}

@test "a run is told with what it changed" {
	puppet 0 run 'web[1-2]' --yes
	same 'NODE  STATUS  RESULT
web1  ok      changed 3 of 120 resources in 12.0 s
web2  ok      changed 3 of 120 resources in 12.0 s' "$output"
	holds "$stderr" '2 nodes: 2 ok'
}

@test "clocks that are off change nothing" {
	also 'clock web1 40s' 'clock web2 -40s'
	puppet 0 run 'web[1-2]' --yes
}

@test "failures are failures, also where none is counted" {
	puppet 2 run --all --yes
	holds "$output" 'web1  ok      changed 3' 'web3  failed  2 of 120 resources failed' \
		'web4  failed  disabled: by ops, disk' \
		'db1   failed  no catalog was applied: Could not retrieve catalog'
	puppet 5 run --all --yes --window 1 --max-fail 0
	holds "$output" 'db1   failed' 'web1  not asked'
}

@test "a disabled node is left alone" {
	puppet 2 run web4 --yes
	same web4 "$(executed)"
}

@test "data for programs: what proves it, and what it came to" {
	puppet 0 run web1 --yes -o json
	item=$(jq -c '.items[0] | [.node, .state, .changed, .failed, .total, .total_time, .config_version,
		.noop, .options_left_out, (.lastrun >= .initiated_at)]' <<<"$output")
	same '["web1","ok",3,0,120,12,"1a2b",false,[],true]' "$item"
	puppet 0 run web1 --yes --noop
	holds "$output" 'would change 5 of 120 resources'
}

@test "nobody is meant by nothing, and nothing is done unasked" {
	for deed in run enable disable status; do
		puppet 64 $deed
		holds "$stderr" 'which nodes? Name them, give a filter, or say --all'
	done
	puppet 64 run web1
	holds "$stderr" 'without a terminal --yes is needed'
	puppet 64 disable web1
	same '' "$(executed)"
}

@test "options that would have no effect are refused" {
	puppet 64 enable web1 --noop
	holds "$stderr" 'are of puppet run, not of puppet enable'
	puppet 64 run web1 --message text
	holds "$stderr" '--message is of puppet disable and enable, not of puppet run'
	puppet 64 run web1 --force --splay 5s
	puppet 64 stats web1
	holds "$stderr" '"stats" is none of run, enable, disable, status' 'try: deployctl puppet status'
	puppet 65 run web1 --tags 'a b' --yes
	holds "$stderr" '"a b": agents take no such tags'
	puppet 65 disable web1 -m 'a;b' --yes
	same '' "$(executed)"
}

@test "disable keeps the message of somebody else" {
	puppet 0 disable web1 -m 'by us' --yes
	same 'NODE  STATUS  RESULT
web1  ok      disabled' "$output"
	puppet 2 disable web4 -m 'by us' --yes
	holds "$output" 'web4  failed  disabled by somebody else: by ops, disk'
	puppet 0 disable web4 -m 'by ops, disk' --yes
	holds "$output" 'web4  ok      already disabled'
	puppet 2 enable web4 -m 'by us'
	puppet 0 enable 'web[1,4]'
	holds "$output" 'web1  ok      already enabled' 'web4  ok      enabled'
}

@test "status shows what nodes do, and since when" {
	puppet 0 status --all
	same 'NODE  STATUS    LASTRUN               MESSAGE
db1   stopped   2023-11-14 22:13:20Z  Currently so
web1  stopped   2023-11-14 22:13:20Z  Currently so
web2  stopped   2023-11-14 22:13:20Z  Currently so
web3  stopped   2023-11-14 22:13:20Z  Currently so
web4  disabled  2023-11-14 22:13:20Z  by ops, disk' "$output"
}

@test "who does not answer is told, and is not ok" {
	also 'absent web2' 'reply web1 silent'
	puppet 4 status 'web[1-3]' -t 200ms
	holds "$output" 'web3  stopped' 'web1: silent' 'web2: not connected'
	puppet 3 run 'web[1-2]' -t 200ms --yes
	holds "$output" 'no answer; no run was started' 'not connected'
}
