#!/usr/bin/env bats
# The formats of results, and what becomes of a run whose output cannot be written.
# shellcheck disable=SC2154
load loop_helper

setup() {
	setup_loop
	fleet 'node web[1-3] facts cluster=alfa' 'reply web2 fail 1 told to fail'
}

FACT=(rpcutil get_fact 'fact=cluster' -I 'web[1-3]')

@test "table: answers on stdout, everything else on stderr" {
	ask_rpc 2 "${FACT[@]}"
	same 'web[1,3] (2 nodes): ok
    fact: cluster
   value: alfa

web2: failed (1): told to fail
    fact: cluster
   value: alfa' "$output"
	same "3 nodes: 2 ok, 1 failed
failed: web2
to ask those again: deployctl rpc rpcutil get_fact fact=cluster -I web2" "$stderr"
}

@test "table: what differs is not folded, and texts of several lines stay apart from keys" {
	ask_rpc 0 lab echo $'text=one\ntwo' 'n:=1' 'longer:=[1,{"a":null}]' -I web1
	same 'web1: ok
     text: one
           two
        n: 1
   longer: [1,{"a":null}]
   nested: {"list":[1,"two",3.5,[null,true,false]],"big":1099511627776,"text":"by string"}' "$output"
}

@test "colour on a terminal: not on a dumb one, and CLICOLOR_FORCE=0 is as if it were unset" {
	escapes() {
		on_terminal ping --window-time 25ms "$@" >out
		grep -c $'\033' out || true
	}
	export TERM=xterm
	same 3 "$(escapes)"
	same 3 "$(CLICOLOR_FORCE=0 escapes)"
	same 0 "$(NO_COLOR=1 escapes)"
	same 0 "$(TERM=dumb escapes)"
	same 3 "$(TERM=dumb escapes --color always)"
	printf 'color = no\n' >>.mcollective
	same 0 "$(CLICOLOR_FORCE=0 escapes)"
}

@test "-q says nothing on stderr, and changes nothing on stdout" {
	ask_rpc 2 "${FACT[@]}"
	local loud=$output
	ask_rpc 2 "${FACT[@]}" -q
	same '' "$stderr"
	same "$loud" "$output"
}

@test "json: one document whose shape is the same for every request" {
	ask_rpc 2 "${FACT[@]}" -o json
	same 'schema kind run items summary exit errors' "$(document 'd.keys.join(" ")')"
	same 'deployctl/v1 rpc 2 node_failed []' "$(document \
		'[d["schema"], d["kind"], *d["exit"].values, d["errors"].inspect].join(" ")')"
	same 'sender statuscode statusmsg data rtt_ms' "$(document 'd["items"][0].keys.join(" ")')"
	same 'web1 web2 web3' "$(document 'd["items"].map { |i| i["sender"] }.join(" ")')"
	same 'true' "$(document 'd["items"].all? { |i| i["rtt_ms"].is_a?(Float) && i["rtt_ms"] > 0 }')"
	same 'nodes ok failed silent not_connected unknown cancelled unexpected duplicate late rejected'\
' flood' "$(document 's.keys.join(" ")')"
	ask_ping 0 -o json
	same 'schema kind run items summary exit errors ping' \
		"$(document '(d.keys << d["kind"]).join(" ")')"
}

@test "json: a round trip is told to the microsecond, and without the noise of a binary fraction" {
	fleet 'node n[001-300]'
	ask_ping 0 -I 'n[001-300]' -o json
	same 0 "$(grep -cE '"rtt_ms": [0-9]*\.[0-9]{4,}' <<<"$output" || true)"
	ask_ping 0 -I 'n[001-300]' -o jsonl
	same 0 "$(grep -cE '"rtt_ms":[0-9]*\.[0-9]{4,}' <<<"$output" || true)"
}

@test "jsonl: each line is a document with a type, numbers ascend, the summary comes last" {
	also 'reply web3 delay 50ms'
	ask_rpc 2 "${FACT[@]}" -o jsonl --batch 2 --batch-sleep 0 --tries 2 --try-sleep 0
	same 'task_started group_started outcome retry outcome group_started outcome task_ended summary' \
		"$(ruby --disable-gems -rjson -e 'lines = STDIN.each_line.map { |l| JSON.parse(l) }
		seqs = lines[0..-2].map { |l| Integer(l["seq"]) }
		abort "numbers do not ascend" unless seqs.each_cons(2).all? { |a, b| a < b }
		abort "no time" unless lines[0..-2].all? { |l| l["time"] > 1.6e9 }
		abort "no end" unless lines[-1]["exit"]["code"] == 2 && lines[-1]["summary"]["nodes"] == 3
		puts lines.map { |l| l["type"] }.join(" ")' <<<"$output")"
}

@test "jsonl: an outcome is written when it is known, not at the end" {
	also 'reply web3 delay 20s'
	"$DEPLOYCTL" rpc "${FACT[@]}" -o jsonl >out 2>err 3>&- &
	local pid=$!
	for _ in $(seq 200); do
		grep -q '"node":"web1"' out && break
		sleep 0.02
	done
	kill -KILL "$pid"
	wait "$pid" || true
	grep -q '"node":"web1".*"state":"ok"' out
}

@test "jsonl: a run that cannot begin is one line that says why" {
	also 'broker refuse auth'
	ask_rpc 77 "${FACT[@]}" -o jsonl
	same 'summary 77 auth' "$(document '[d["type"], d["exit"]["code"], d["errors"][0]["code"]].join(" ")')"
}

@test "name: those that answered, one a line, sorted, nothing else" {
	also 'absent web3'
	ask_rpc 2 "${FACT[@]}" -o name
	same "$(names web1 web2)" "$output"
	ask_ping 4 -o name -I 'web[1-3]'
	same "$(names web1 web2)" "$output"
}

@test "-j: the bare array that mco prints, with its keys" {
	also 'absent web3'
	ask_rpc 2 "${FACT[@]}" -j
	same '[["agent","action","sender","statuscode","statusmsg","data"],'\
'["rpcutil","get_fact","web1",0,"OK",{"fact":"cluster","value":"alfa"}],'\
'["rpcutil","get_fact","web2",1,"told to fail",{"fact":"cluster","value":"alfa"}]]' \
		"$(document '[d[0].keys, *d.map(&:values)].to_json')"
	fleet
	ask_rpc 3 rpcutil ping -j --dt 20ms
	same '[]' "$(document 'd.to_json')"
}

@test "-j and -o exclude each other" {
	ask_ping 64 -j -o json
	holds "$stderr" '--json' '--output'
}

@test "DEPLOYCTL_OUTPUT chooses the format, -o overrides it" {
	DEPLOYCTL_OUTPUT=name ask_rpc 2 "${FACT[@]}"
	same "$(names web{1..3})" "$output"
	DEPLOYCTL_OUTPUT=name ask_rpc 2 "${FACT[@]}" -o json
	same rpc "$(document 'd["kind"]')"
}

@test "json is one document that says what went wrong, however the broker refuses" {
	for case in 'auth 77 auth' 'vhost 77 auth' 'exchange 78 config' 'connect 69 unreachable'; do
		read -r why code name <<<"$case"
		fleet "broker refuse $why"
		ask_rpc "$code" "${FACT[@]}" -o json
		same "rpc $code $name 0 1" "$(document '[d["kind"], *d["exit"].values,
			d["items"].length, d["errors"].length].join(" ")')"
		holds "$stderr" 'deployctl: broker.example.net:5672: '
		ask_ping "$code" -o json
		same "ping $code $name" "$(document '[d["kind"], *d["exit"].values].join(" ")')"
	done
}

@test "json is one document when the connection is lost: before an answer 69, after one 4" {
	also 'broker lost-after 1'
	ask_rpc 69 rpcutil ping -o json
	same '69 unreachable connect' "$(document '[*d["exit"].values, d["errors"][0]["code"]].join(" ")')"
	fleet 'node web[1-3]' 'reply web3 delay 20s' 'broker lost-after 3'
	ask_rpc 4 "${FACT[@]}" -o json
	same '3 2 0 0 0 1 0' "$(summary)"
	same '4 some_silent connect' "$(document '[*d["exit"].values, d["errors"][0]["code"]].join(" ")')"
}

@test "a failure that is known outlives the connection: 2" {
	also 'reply web3 delay 20s' 'broker lost-after 3'
	ask_rpc 2 "${FACT[@]}" -o json
	same '3 1 1 0 0 1 0' "$(summary)"
}

@test "json is one document when the broker takes no publishes" {
	also 'broker blocked-after 1'
	ask_rpc 3 rpcutil ping -t 20ms -o json
	same '3 0 0 0 0' "$(summary | cut -d ' ' -f 1-5)"
	holds "$stderr" 'the broker takes no publishes: low on memory'
	same '' "$(executed)"
	fleet 'node web1' 'broker blocked-after 0'
	ask_ping 3 -o json --dt 20ms
	same '0 0 0 0 0 0 0' "$(summary)"
	holds "$stderr" 'free its memory or disk'
}

@test "nodes to which nothing was sent were not asked: cancelled, not unknown" {
	also 'broker blocked-after 1'
	ask_rpc 3 rpcutil ping -t 20ms -o json
	same '3 0 0 0 0 0 3' "$(summary)"
}

@test "a broker that takes publishes again loses nothing" {
	also 'broker blocked-after 2 for 50ms' 'reply web1 delay 20ms'
	ask_rpc 2 "${FACT[@]}" -o json
	same '3 2 1 0 0 0 0' "$(summary)"
	same 'web1 web2 web3' "$(executed)"
	holds "$stderr" 'the broker takes publishes again'
}

@test "a broker that does not answer is given --connection-timeout: 69" {
	also 'broker hang'
	ask_ping 69 --connection-timeout 50ms
	holds "$stderr" 'no answer in time'
}

@test "a closed stdout is 74 in every format, and the run is carried out" {
	for format in table json jsonl name; do
		rm -f log
		"$DEPLOYCTL" rpc "${FACT[@]}" -o "$format" >&- 2>err && status=0 || status=$?
		same 74 "$status"
		same 'web1 web2 web3' "$(executed)"
		holds "$(cat err)" '3 nodes: 2 ok' 'deployctl: stdout: '
	done
}

@test "a full disk under stdout is 74 in every format, and the run is carried out" {
	for format in table json jsonl name; do
		rm -f log
		"$DEPLOYCTL" rpc "${FACT[@]}" -o "$format" >/dev/full 2>err && status=0 || status=$?
		same 74 "$status"
		same 'web1 web2 web3' "$(executed)"
		holds "$(cat err)" 'No space left on device'
	done
	"$DEPLOYCTL" rpc "${FACT[@]}" -j >/dev/full 2>err && status=0 || status=$?
	same 74 "$status"
}

@test "a reader that goes away ends nothing: all groups are asked, then 74 without a word about it" {
	also 'node n[001-300]' 'reply web1 delay 50ms'
	local statuses
	"$DEPLOYCTL" rpc rpcutil ping -I 'n[001-300],web[1-3]' --batch 100 --batch-sleep 50ms \
		-o jsonl 2>err | head -n 1 >first && statuses=${PIPESTATUS[*]} || statuses=${PIPESTATUS[*]}
	same '74 0' "$statuses"
	holds "$(cat first)" task_started
	same 303 "$(executed | wc -w)"
	same '' "$(grep '^deployctl' err)"
}

@test "stderr that is closed or full changes neither output nor status" {
	ask_rpc 2 "${FACT[@]}" -q
	local expected=$output
	"$DEPLOYCTL" rpc "${FACT[@]}" 2>&- >out && status=0 || status=$?
	same 2 "$status"
	same "$expected" "$(cat out)"
	"$DEPLOYCTL" rpc "${FACT[@]}" 2>/dev/full >out && status=0 || status=$?
	same 2 "$status"
	same "$expected" "$(cat out)"
}

@test "nothing that is printed holds a secret, however much is told" {
	for format in table json jsonl; do
		"$DEPLOYCTL" rpc "${FACT[@]}" -vvvv -o "$format" >>all 2>&1 || true
	done
	also 'broker refuse auth'
	"$DEPLOYCTL" ping -vvvv -o json >>all 2>&1 || true
	same '' "$(grep -nE 'loop-psk|s3cret' all)"
}

@test "a reader of jsonl that pauses stops neither the run nor the connection, and misses nothing" {
	fleet 'node n[0001-3000]'
	mkfifo pipe
	"$DEPLOYCTL" ping -o jsonl >pipe 2>err &
	exec 5<pipe
	# The connection is closed, which is noted, while all but what a pipe holds is unread.
	for _ in {1..400}; do
		grep -q '^= ' "$DEPLOYCTL_LOOP_LOG" 2>/dev/null && break
		sleep 0.05
	done
	grep -q '^= ' "$DEPLOYCTL_LOOP_LOG"
	cat <&5 >read
	exec 5<&-
	wait $!
	same 3000 "$(grep -c '"state":"ok"' read)"
	same summary "$(tail -n 1 read | json 'd["type"]' /dev/stdin)"
	same 3000 "$(tail -n 1 read | json 'd["summary"]["ok"]' /dev/stdin)"
}

@test "at a terminal what is waited for is shown in one line, which goes away" {
	command -v script >/dev/null || skip 'script(1) is not there'
	also 'reply web3 delay 1300ms'
	printf 'stty cols 60; exec "%s" rpc rpcutil ping -I web[1-3]\n' "$DEPLOYCTL" >job
	run script -qec 'sh job' /dev/null </dev/null
	same 2 "$status"
	# Cut at the terminal's edge.
	line=$'2 of 3 done, 1 failed, [0-9.]+/s; waiting for 1 node: web3 \\([0-9 ]+~\r\033\\[K'
	[[ $output =~ $line ]]
	holds "$output" '3 nodes: 2 ok, 1 failed'
	printf 'exec "%s" rpc rpcutil ping -q -I web[1-3]\n' "$DEPLOYCTL" >job
	run script -qec 'sh job' /dev/null </dev/null
	[[ $output != *waiting* ]]
}
