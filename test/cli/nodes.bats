#!/usr/bin/env bats
# Which nodes: lists from files and stdin, and a choice of some of them.
# shellcheck disable=SC2154
load loop_helper

setup() {
	setup_loop
}

# asked NODES: these executed rpcutil ping, in the log's order
asked() {
	same "$1" "$(executed | tr ' ' '\n' | sort | tr '\n' ' ' | sed 's/ $//')"
	: >"$DEPLOYCTL_LOOP_LOG"
}

@test "--nodes: a list as text, with comments, blanks and node sets; nobody is discovered" {
	printf '# mine\n\n  web3\nweb[1-2] # two\r\n\tdb1\n' >list
	ask_rpc 0 rpcutil ping --nodes list
	same 0 "$(sent mcollective_broadcast)"
	asked 'db1 web1 web2 web3'
	ask_rpc 0 rpcutil ping --dm flatfile --do list
	asked 'db1 web1 web2 web3'
}

@test "what one command prints is the list of the next, in every format" {
	for format in '-o json' -j '-o yaml' '-o name' '-o table' '--fold'; do
		# shellcheck disable=SC2086
		"$DEPLOYCTL" discover --window-time 25ms -C nginx $format >list
		ask_rpc 0 rpcutil ping --nodes list
		asked 'web6 web7 web8 web9' || { echo "with $format" && return 1; }
	done
	"$DEPLOYCTL" facts country --window-time 25ms -C nginx -o json >list
	ask_ping 0 --nodes list -o name
	same "$(names web6 web7 web8 web9)" "$output"
}

@test "a list on stdin, when it is asked for" {
	run --separate-stderr "$DEPLOYCTL" rpc rpcutil ping -o name --nodes - <<<'["web2", {"node": "web1"}]'
	same "$(names web1 web2)" "$output"
	run --separate-stderr "$DEPLOYCTL" discover --dm stdin <<<'[{"certname": "db1"}]'
	same db1 "$output"
	run --separate-stderr "$DEPLOYCTL" discover --nodes - <<<'- web5'
	same web5 "$output"
}

@test "a list with names that are not there: each is named" {
	also 'absent web1'
	printf 'web1\nweb2\nnosuch\n' >list
	ask_rpc 4 rpcutil ping --nodes list
	holds "$stderr" 'not connected: nosuch,web1'
}

@test "-I and -x narrow a list; other filters need discovery" {
	printf 'web[1-5]\n' >list
	ask_rpc 0 rpcutil ping --nodes list -I 'web[4-9]' -x web5
	asked web4
	for filter in '-F country=de' '-C nginx' '-A lab' '-W nginx' '-I /web/' '-S nginx'; do
		# shellcheck disable=SC2086
		deployctl 64 rpc rpcutil ping --nodes list $filter
		holds "$stderr" 'a list of nodes goes with'
	done
}

@test "a list of nobody asks nobody" {
	: >list
	ask_rpc 1 rpcutil ping --nodes list
	holds "$stderr" 'no node is left to ask'
	ask_rpc 0 rpcutil ping --nodes list --empty-ok
	echo '[]' >list
	ask_rpc 1 rpcutil ping --nodes list
	echo web1 >list
	ask_rpc 1 rpcutil ping --nodes list -I web2
	asked ''
}

@test "--retry: the nodes that were not ok in an earlier run, or those of one kind" {
	also 'reply web1 fail 1 disk full' 'reply web2 silent'
	ask_rpc 2 rpcutil ping -I 'web[1-4]' -t 100ms
	run_id=$("$DEPLOYCTL" history -o name | head -n 1)
	: >"$DEPLOYCTL_LOOP_LOG"
	ask_rpc 2 rpcutil ping -t 100ms --retry "$run_id"
	asked 'web1 web2'
	ask_rpc 2 rpcutil ping --retry "${run_id:0:20}:failed"
	asked web1
	ask_rpc 3 rpcutil ping -t 100ms --retry "$run_id:silent"
	asked web2
	ask_rpc 1 rpcutil ping --retry "$run_id:unknown"
	same "deployctl: rpc: run $run_id: no node was unknown" "$(sed 's/^deployctl: run/deployctl: rpc: run/' <<<"$stderr")"
	ask_rpc 64 rpcutil ping --retry "$run_id:late"
	ask_rpc 64 rpcutil ping --retry "$run_id" --nodes list
	ask_rpc 64 rpcutil ping --retry "$run_id" -C nginx
	ask_rpc 64 rpcutil ping --retry 7ZZZZZZZ
	asked ''
}

@test "a list that cannot be read, or makes no sense, sends nothing" {
	deployctl 66 rpc rpcutil ping --nodes nosuch
	holds "$stderr" 'nosuch: No such file'
	deployctl 66 rpc rpcutil ping --nodes .
	printf 'web1\nweb 2]\n' >list
	deployctl 65 rpc rpcutil ping --nodes list
	holds "$stderr" 'list:2'
	printf '[{"sender": "web1"}, {"sendr": "x"}]' >list
	deployctl 65 rpc rpcutil ping --nodes list
	holds "$stderr" 'item 2 names no node'
	printf '[{"sender": "web1"}, ' >list
	deployctl 65 rpc rpcutil ping --nodes list
	holds "$stderr" 'list:1:'
	printf '{"a": 1}' >list
	deployctl 65 rpc rpcutil ping --nodes list
	printf '["we b"]' >list
	deployctl 65 rpc rpcutil ping --nodes list
	printf 'web1\0web2' >list
	deployctl 65 rpc rpcutil ping --nodes list
	printf 'web[1-10000000]\n' >list
	deployctl 65 rpc rpcutil ping --nodes list
	holds "$stderr" 200000
	[ ! -e "$DEPLOYCTL_LOOP_LOG" ]
}

@test "--dm, --do and --nodes exclude or need each other" {
	: >list
	deployctl 64 ping --dm flatfile
	deployctl 64 ping --do list
	deployctl 64 ping --dm flatfile --do list --nodes list
	deployctl 64 ping --dm nosuch
	ask_ping 0 --dm mc -I web1
}

@test "--limit-seed chooses as mco does, and only for --limit" {
	fleet 'node node[01-20]'
	deployctl 0 discover --fold --window-time 25ms --limit 5 --limit-seed 42
	same 'node[07,09,12,16-17]' "$output"
	printf 'node[01-20]\n' >list
	ask_rpc 0 rpcutil ping --nodes list --limit 25% --limit-seed 42
	asked 'node07 node09 node12 node16 node17'
	ask_rpc 0 rpcutil ping --limit 5 --limit-seed 42
	asked 'node07 node09 node12 node16 node17'
	deployctl 64 rpc rpcutil ping --limit-seed 42
	for bad in '' 1.5 x 0x10 99999999999999999999; do
		deployctl 64 rpc rpcutil ping -1 --limit-seed "$bad"
	done
	ask_rpc 0 rpcutil ping -1 --limit-seed=-5
}

@test "--expect ends discovery as soon as so many have answered" {
	also 'pong web[1-9] delay 30s'
	deployctl 0 ping -o name --dt 60s --window-time 60s --expect 1
	same db1 "$output"
	deployctl 64 ping --expect 0
}

@test "--expect asks those that were found and no others, also among many" {
	fleet 'node n[001-200]' 'pong n[101-200] delay 300ms'
	ask_rpc 0 rpcutil ping --expect 100 -o name
	same 100 "$(wc -l <<<"$output")"
	same 100 "$(executed | wc -w)"
	same 1 "$(sent mcollective_broadcast)"
}
