# Nodes that are away, silent, failing, unknown; groups of them; every one of them is accounted for.
load helper

teardown() {
	[ -n "${stopped:-}" ] || return 0
	lab node start "$stopped" >/dev/null 2>&1
	lab wait "$stopped" >/dev/null 2>&1
}

# stop [--freeze] NODE: until the end of the test
stop() {
	stopped=${!#}
	lab node stop "$@"
}

@test "ping lists every node with a time" {
	dc ping --no-headers --window-time 1s
	[ "$status" -eq 0 ]
	equal 9 "$(wc -l <<<"$output")"
	[ "$(grep -cE '^web0[1-9]\.example\.net +ok +[0-9.]+ ms$' <<<"$output")" -eq 9 ]
	has "$stderr" "9 nodes: 9 ok"
}

@test "one node of three stopped: 4, named, and known at once from the broker" {
	stop web02.example.net
	dc rpc rpcutil ping -I 'web[01-03].example.net' -o json
	[ "$status" -eq 4 ]
	equal '["web02.example.net"]' "$(json 'd["summary"]["not_connected"]["nodes"]')"
	equal '["web01.example.net","web03.example.net"]' "$(json 'd["items"].map { |i| i["sender"] }')"
	has "$stderr" "not connected: web02.example.net"
}

@test "a node that is connected and does not answer is silent: 4, named" {
	stop --freeze web03.example.net
	dc rpc rpcutil ping -I 'web[01-03].example.net' -t 2s -o json
	[ "$status" -eq 4 ]
	equal '["web03.example.net"]' "$(json 'd["summary"]["silent"]["nodes"]')"
	equal 0 "$(json 'd["summary"]["not_connected"]["count"]')"
}

@test "nodes that were asked and all are silent: 3" {
	stop --freeze web03.example.net
	dc rpc rpcutil ping -I web03.example.net -t 1s
	[ "$status" -eq 3 ]
	has "$stderr" "silent: web03.example.net"
}

@test "a silent node that is asked again may answer then" {
	stop --freeze web03.example.net
	(sleep 1.5 && lab node start web03.example.net) &
	dc rpc rpcutil ping -I web03.example.net -t 1s --tries 6 --try-sleep 200ms --retry-silent
	[ "$status" -eq 0 ]
	wait
}

@test "no node matches: 1, with a hint; --empty-ok makes it 0" {
	dc rpc rpcutil ping -F cluster=nosuch
	[ "$status" -eq 1 ]
	has "$stderr" "PSK"
	dc rpc rpcutil ping -F cluster=nosuch --empty-ok
	[ "$status" -eq 0 ]
}

@test "an action that fails on one node: 2, failures last" {
	dc rpc lab fail_on node=web02 --window-time 1s
	[ "$status" -eq 2 ]
	has "$output" "web02.example.net: failed (1): told to fail"
	has "$(tail -n 3 <<<"$output")" "told to fail"
	has "$stderr" "9 nodes: 8 ok, 1 failed"
}

@test "an exception in an action: 2, with its status and text" {
	dc rpc lab crash -I web01.example.net -o json
	[ "$status" -eq 2 ]
	equal 5 "$(json 'd["items"][0]["statuscode"]')"
}

@test "an unknown action: 65, as the DDL says; without a DDL 2, as the node says" {
	dc rpc rpcutil nosuch -I web01.example.net
	[ "$status" -eq 65 ]
	has "$stderr" 'agent rpcutil has no action "nosuch"'
	# rpcutil's DDL is found wherever mco is installed; that of the lab's own agent is not.
	dc rpc lab nosuch -I web01.example.net -c "$(with_cfg no_ddl libdir=/nonexistent)"
	[ "$status" -eq 2 ]
	has "$output" "web01.example.net: failed (4)"
}

@test "an unknown agent: nobody has it" {
	dc rpc nosuch ping
	[ "$status" -eq 1 ] || [ "$status" -eq 3 ]
	dc rpc nosuch ping -I web01.example.net -t 1s
	[ "$status" -eq 3 ]
}

@test "a wrong PSK on our side: 3, and the hint" {
	dc ping -c "$(with_cfg psk plugin.psk=other)"
	[ "$status" -eq 3 ]
	has "$stderr" "PSK"
}

@test "groups of two, one after the other, each node once" {
	local key=batch-$$-$RANDOM
	dc rpc lab count key=$key --batch 2 --batch-sleep 0 -o jsonl --window-time 1s
	[ "$status" -eq 0 ]
	equal 5 "$(grep -c '"type":"group_started"' <<<"$output")"
	equal 9 "$(grep -c '"type":"outcome"' <<<"$output")"
	dc rpc lab count key=$key -o json --window-time 1s
	equal '[2]' "$(json 'd["items"].map { |i| i["data"]["count"] }.uniq')"
}

@test "a first failure stops the groups behind it" {
	local key=stop-$$-$RANDOM
	dc rpc lab fail_on node=web02 -I 'web[01-09].example.net' --batch 2 --batch-sleep 0 \
		--max-fail 0 -o json
	[ "$status" -eq 5 ]
	equal 7 "$(json 'd["summary"]["cancelled"]["count"]')"
	has "$stderr" "1 of 9 nodes not ok, more than the 0 that max-fail 0 tolerates"
}

@test "more names than get a publish each: one message for many, absent ones found by probing" {
	stop web02.example.net
	dc rpc rpcutil ping -I 'web[01-09].example.net,none[001-100].example.net' -t 5s -o json
	[ "$status" -eq 4 ]
	equal 8 "$(json 'd["summary"]["ok"]')"
	equal 101 "$(json 'd["summary"]["not_connected"]["count"]')"
	equal true "$(json 'd["summary"]["not_connected"]["nodes"].include?("web02.example.net")')"
}

@test "a probe has no effect on a node that is busy" {
	local key=probe-$$-$RANDOM
	dc rpc lab sleep seconds:=1 -I 'web[01-09].example.net,none[001-100].example.net' -t 8s -o json
	equal 9 "$(json 'd["summary"]["ok"]')"
	equal 0 "$(json 'd["summary"]["duplicate"] + d["summary"]["unexpected"] + d["summary"]["rejected"]')"
}

@test "values that JSON cannot hold are spelt out, never lost, and terminal escapes stay text" {
	dc rpc lab weird -I web01.example.net
	[ "$status" -eq 0 ]
	[[ $output != *$'\e'* ]]
	has "$output" '{"$ruby":"Time"}'
	has "$output" '{"$int":"-18446744073709551616"}'
}

@test "a large reply arrives whole" {
	dc rpc lab big size:=5000000 -I web01.example.net -t 30s -j
	[ "$status" -eq 0 ]
	equal 5000000 "$(json 'd[0]["data"].values.map { |v| v.to_s.size }.max')"
}

@test "a reply over 16 MiB is drained, counted and not credited" {
	dc rpc lab big size:=17000000 -I web01.example.net -t 6s -o json
	[ "$status" -eq 3 ]
	equal 1 "$(json 'd["summary"]["rejected"]')"
	equal 1 "$(json 'd["summary"]["silent"]["count"]')"
	has "$stderr" "too large"
}

@test "TERM ends a run with 143 and one whole document" {
	"$DEPLOYCTL" rpc lab sleep seconds:=8 -I 'web[01-09].example.net' --batch 3 -o json \
		>"$BATS_TEST_TMPDIR/out" 2>/dev/null 3>&- &
	local pid=$!
	sleep 1
	kill -TERM $pid
	local rc=0
	wait $pid || rc=$?
	[ "$rc" -eq 143 ]
	output=$(cat "$BATS_TEST_TMPDIR/out")
	equal 143 "$(json 'd["exit"]["code"]')"
	equal 6 "$(json 'd["summary"]["cancelled"]["count"]')"
}

@test "a request that might not fit into the socket at once is refused, not half sent" {
	dc rpc lab echo "msg=$(head -c 110000 /dev/zero | tr '\0' x)" -I web01.example.net \
		-c "$(with_cfg no_ddl libdir=/nonexistent)"
	[ "$status" -eq 65 ]
	has "$stderr" "larger than"
}
