#!/usr/bin/env bats
# deployctl rpc, on a fleet that is a script.
# shellcheck disable=SC2016,SC2154
load loop_helper

setup() {
	setup_loop
}

FACT=(rpcutil get_fact 'fact=cluster')

# groups: what the notes on stderr say was asked together
groups() {
	sed -n 's/^asking \(.*\) (.*/\1/p' <<<"$stderr" | tr '\n' ' '
}

# -- inputs and outputs

@test "inputs reach the agent: texts by =, any other value by :=" {
	ask_rpc 0 lab echo msg=hello 'rest=a=b c' 'count:=3' 'ratio:=0.5' 'yes:=true' 'none:=null' \
		'deep:={"list":[1,{"a":[]}]}' 'empty:=""' 'utf8=grün' -I web1 -o json
	same '{"msg":"hello","rest":"a=b c","count":3,"ratio":0.5,"yes":true,"none":null,'\
'"deep":{"list":[1,{"a":[]}]},"empty":"","utf8":"grün"}' \
		"$(document 'd["items"][0]["data"].reject { |k, _| k == "nested" }.to_json')"
}

@test "nested data comes back as it was" {
	ask_rpc 0 lab echo -I web1 -o json
	same '{"list":[1,"two",3.5,[null,true,false]],"big":1099511627776,"text":"by string"}' \
		"$(document 'd["items"][0]["data"]["nested"].to_json')"
}

@test "an input without =, with a bad key, bad JSON, no value, or given twice is refused unsent" {
	for input in msg '=x' 'a b=x' 'a:=' 'a:={' 'a:=1 2' 'a=' 'ü=x' ':=1' '-=x'; do
		ask_rpc 64 lab echo -I web1 -- "$input"
		same '' "$output"
		holds "$stderr" 'deployctl: ' "$input"
	done
	ask_rpc 64 lab echo a=1 'a:=2' -I web1
	holds "$stderr" 'a:=2' 'given before'
	[ ! -e "$DEPLOYCTL_LOOP_LOG" ]
}

@test "agents and actions outside their grammar are refused unsent" {
	for words in 'Lab echo' 'lab/x echo' 'lab echo-x' 'discovery ping'; do
		# shellcheck disable=SC2086
		ask_rpc 64 $words
		same '' "$output"
	done
	ask_rpc 64 lab
	holds "$stderr" 'ACTION is missing'
	[ ! -e "$DEPLOYCTL_LOOP_LOG" ]
}

@test "equal answers are folded under their nodes, failures last" {
	also 'reply web2 fail 1 told to fail' 'reply web8 fail 1 told to fail' 'reply db1 silent'
	ask_rpc 2 "${FACT[@]}" -I 'web[1-9],db1,nosuch' -t 0.1
	same 'web[1,3-5] (4 nodes): ok
    fact: cluster
   value: alfa

web[6-7,9] (3 nodes): ok
    fact: cluster
   value: bravo

db1: silent

nosuch: not connected

web2: failed (1): told to fail
    fact: cluster
   value: alfa

web8: failed (1): told to fail
    fact: cluster
   value: bravo' "$output"
	same "11 nodes: 7 ok, 2 failed, 1 silent, 1 not connected
failed: web[2,8]
silent: db1
not connected: nosuch
to ask those again: deployctl rpc rpcutil get_fact fact=cluster -I 'db1,nosuch,web[2,8]'" "$stderr"
}

@test "the command to ask again says the same to a shell, whatever the inputs hold" {
	also 'reply web1 fail 1 no'
	ask_rpc 2 lab echo "a=it's \"x\" \$HOME \\ *" 'b:={"c": [1]}' 'u=grün' 'e:=""' -I web1
	again=$(sed -n 's/^to ask those again: deployctl //p' <<<"$stderr")
	eval "again=($again)"
	same "$(names rpc lab echo "a=it's \"x\" \$HOME \\ *" 'b:={"c": [1]}' 'u=grün' 'e:=""' -I web1)" \
		"$(names "${again[@]}")"
}

@test "the command to ask again does not turn a newline of an input into something else" {
	also 'reply web1 fail 1 no'
	ask_rpc 2 lab echo $'a=x\ny' -I web1
	again=$(sed -n 's/^to ask those again: deployctl //p' <<<"$stderr")
	[ -n "$again" ] || return 0 # none is better than a wrong one
	eval "again=($again)"
	same $'a=x\ny' "${again[3]}"
}

@test "--display says which replies are shown, and changes neither counts nor status" {
	also 'reply web2 fail 1 no' 'reply web3 silent'
	ask_rpc 2 "${FACT[@]}" -I 'web[1-3]' -t 0.1 --display ok
	same 'web1: ok' "$(grep '^[a-z]' <<<"$output")"
	holds "$stderr" '3 nodes: 1 ok, 1 failed, 1 silent'
	ask_rpc 2 "${FACT[@]}" -I 'web[1-3]' -t 0.1 --display failed
	same 'web2: failed (1): no
web3: silent' "$(grep '^[a-z]' <<<"$output" | sort)"
	ask_rpc 2 "${FACT[@]}" -I 'web[1-2]' --display none -o json
	same '[]' "$(document 'd["items"].to_json')"
	same '2 1 1 0 0 0 0' "$(summary)"
}

# -- what a node's answer means

@test "a status other than 0 is a failure, whatever it is: 2" {
	fleet
	for code in 1 2 3 4 5 17; do
		also "node web$code" "reply web$code fail $code because"
	done
	ask_rpc 2 rpcutil ping -I 'web[1-5,17]' -o json
	same '6 0 6 0 0 0 0' "$(summary)"
	same '1 17 2 3 4 5 because' "$(document 'd["items"].map { |i| i["statuscode"] }.join(" ") +
		" " + d["items"].map { |i| i["statusmsg"] }.uniq.join')"
	ask_rpc 2 rpcutil ping -I web17
}

@test "an action that a node does not know, cannot do or dies of is a failure with its words" {
	ask_rpc 2 lab nosuch -I web1
	holds "$output" 'web1: failed (4): ' 'nosuch'
	ask_rpc 2 lab undone -I web1
	holds "$output" 'web1: failed (2): Unknown action'
	ask_rpc 2 lab crash -I web1
	holds "$output" 'web1: failed (5): told to crash'
	ask_rpc 2 rpcutil get_fact -I web1
	holds "$output" 'web1: failed (4): ' 'fact'
}

@test "a node that does not answer is silent: 4, and 3 if nobody does" {
	also 'reply web2 silent'
	ask_rpc 4 "${FACT[@]}" -I 'web[1-2]' -t 0.1
	ask_rpc 3 "${FACT[@]}" -I web2 -t 20ms
	holds "$stderr" "$HINT"
}

@test "a failure counts for more than silence: 2" {
	also 'reply web1 fail 1 no' 'reply web2 silent'
	ask_rpc 2 "${FACT[@]}" -I 'web[1-2]' -t 0.1
}

@test "an agent that nobody has: named nodes are silent, and nobody else is asked" {
	ask_rpc 3 nosuch thing -I 'web[1-2]' -t 20ms
	holds "$output" 'web[1-2] (2 nodes): silent'
	same '' "$(executed)"
	rm "$DEPLOYCTL_LOOP_LOG"
	ask_rpc 3 nosuch thing --dt 20ms
	same 1 "$(sent '')"
}

@test "without names those that have the agent are discovered and asked" {
	ask_rpc 0 lab echo -o name
	same "$(names web{1..9})" "$output"
	same 'web1 web2 web3 web4 web5 web6 web7 web8 web9' "$(executed)"
}

@test "a filter chooses who is asked, and -x who is not" {
	ask_rpc 0 "${FACT[@]}" -F country=uk -x 'web[7-8]' -o name
	same "$(names db1 web6 web9)" "$output"
	same 'db1 web6 web9' "$(executed)"
}

@test "nobody matches: 1 with a filter, 3 without, 0 with --empty-ok" {
	ask_rpc 1 "${FACT[@]}" -F country=fr --dt 20ms
	same '' "$output"
	holds "$stderr" "$HINT"
	ask_rpc 0 "${FACT[@]}" -F country=fr --dt 20ms --empty-ok
	fleet
	ask_rpc 3 "${FACT[@]}" --dt 20ms
}

@test "--timeout is for each reply: one that comes later is not waited for" {
	also 'reply web1 delay 20s'
	ask_rpc 4 "${FACT[@]}" -I 'web[1-2]' --timeout 100ms
	ask_rpc 64 "${FACT[@]}" -t soon
}

# -- rolling

@test "--batch 2 asks nine nodes in five groups, in order, each after the one before" {
	ask_rpc 0 "${FACT[@]}" -I 'web[1-9]' --batch 2 --batch-sleep 0
	same 'web[1-2] web[3-4] web[5-6] web[7-8] web9 ' "$(groups)"
	same 'web1 web2 web3 web4 web5 web6 web7 web8 web9' "$(executed)"
}

@test "a group waits for the slowest of the group before" {
	also 'reply web1 delay 60ms'
	ask_rpc 0 "${FACT[@]}" -I 'web[1-4]' --batch 2 --batch-sleep 0 -o jsonl
	same 'group web[1-2] web2 web1 group web[3-4] web3 web4' "$(grep -E '"(outcome|group_started)"' \
		<<<"$output" | sed -E 's/.*group_started.*"text":"([^"]*)".*/group \1/
			s/.*"node":"([^"]*)".*/\1/' | paste -sd ' ')"
}

@test "--batch N% rounds up, and a ramp ends with its last step repeated" {
	ask_rpc 0 "${FACT[@]}" -I 'web[1-9]' --batch 30% --batch-sleep 0
	same 'web[1-3] web[4-6] web[7-9] ' "$(groups)"
	ask_rpc 0 "${FACT[@]}" -I 'web[1-9]' --batch 1,25%,50% --batch-sleep 0
	same 'web1 web[2-4] web[5-9] ' "$(groups)"
	ask_rpc 0 "${FACT[@]}" -I 'web[1-9]' --batch 1,3 --batch-sleep 0
	same 'web1 web[2-4] web[5-7] web[8-9] ' "$(groups)"
}

@test "groups and limits that make no sense are refused unsent" {
	for words in '--batch 0' '--batch 0%' '--batch 101%' '--batch 1,' '--batch x' '--window 0' \
		'--batch 2 --window 2' '--max-fail -1' '--max-fail 101%' '--tries 0'; do
		# shellcheck disable=SC2086
		ask_rpc 64 "${FACT[@]}" $words
		same '' "$output"
	done
	[ ! -e "$DEPLOYCTL_LOOP_LOG" ]
}

@test "groups are the configuration's unless the command line says otherwise" {
	printf '%s\n' 'default_batch_size = 4' 'default_batch_sleep_time = 0' >>.mcollective
	ask_rpc 0 "${FACT[@]}" -I 'web[1-9]'
	same 'web[1-4] web[5-8] web9 ' "$(groups)"
	ask_rpc 0 "${FACT[@]}" -I 'web[1-9]' --batch 5
	same 'web[1-5] web[6-9] ' "$(groups)"
}

@test "--window 2 keeps two nodes busy: the next is asked as soon as one has answered" {
	also 'reply web1 delay 80ms'
	ask_rpc 0 "${FACT[@]}" -I 'web[1-5]' --window 2 -o jsonl
	same 'web2 web3 web4 web5 web1' "$(grep '"outcome"' <<<"$output" |
		sed -E 's/.*"node":"([^"]*)".*/\1/' | paste -sd ' ')"
}

@test "--tries asks those again that failed, and only those" {
	also 'reply web2 fail-first 1 1 not yet' 'reply web3 fail-first 9 1 never'
	ask_rpc 2 "${FACT[@]}" -I 'web[1-3]' --tries 3 --try-sleep 10ms -o json
	same 'web1 web2 web3 web2 web3 web3' "$(executed)"
	same '3 2 1 0 0 0 0' "$(summary)"
	same "web2: try 1: failed: not yet
web3: try 1: failed: never
web3: try 2: failed: never" "$(grep ': try ' <<<"$stderr")"
}

@test "a node that works at the second try is ok: 0" {
	also 'reply web2 fail-first 1 1 not yet'
	ask_rpc 0 "${FACT[@]}" -I 'web[1-3]' --tries 2 --try-sleep 0
}

@test "silent nodes are asked again only with --retry-silent" {
	also 'reply web1 silent'
	ask_rpc 3 "${FACT[@]}" -I web1 -t 20ms --tries 2 --try-sleep 0
	same web1 "$(executed)"
	rm "$DEPLOYCTL_LOOP_LOG"
	ask_rpc 3 "${FACT[@]}" -I web1 -t 20ms --tries 2 --try-sleep 0 --retry-silent
	same 'web1 web1' "$(executed)"
}

@test "each try has an id of its own, and all groups of a try share it" {
	also 'reply web[1-2] fail-first 1 1 not yet'
	ask_rpc 0 "${FACT[@]}" -I 'web[1-4]' --batch 2 --batch-sleep 0 --tries 2 --try-sleep 0
	same '4 2' "$(awk '$2 == "rpcutil" {n[$4]++} END {for (id in n) print n[id]}' \
		"$DEPLOYCTL_LOOP_LOG" | sort -r | paste -sd ' ')"
}

@test "--max-fail stops the groups that are left, and shows its arithmetic: 5" {
	also 'reply web[1-2] fail 1 no' 'reply web3 silent'
	ask_rpc 5 "${FACT[@]}" -I 'web[1-9]' --batch 3 --batch-sleep 0 --max-fail 2 -t 0.1
	holds "$stderr" 'stopped: 3 of 9 nodes not ok, more than the 2 that max-fail 2 tolerates' \
		'not asked: web[4-9]'
	same 'web1 web2 web3' "$(executed)"
}

@test "--max-fail N% rounds down, and what it tolerates does not stop" {
	also 'reply web[1-2] fail 1 no'
	ask_rpc 5 "${FACT[@]}" -I 'web[1-9]' --batch 3 --batch-sleep 0 --max-fail 20%
	holds "$stderr" '2 of 9 nodes not ok, more than the 1 that max-fail 20% tolerates'
	ask_rpc 2 "${FACT[@]}" -I 'web[1-9]' --batch 3 --batch-sleep 0 --max-fail 23% -o json
	same '9 7 2 0 0 0 0' "$(summary)"
}

@test "those that --max-fail keeps from being asked are cancelled, never silent" {
	also 'reply web1 fail 1 no'
	ask_rpc 5 "${FACT[@]}" -I 'web[1-3]' --batch 1 --batch-sleep 0 --max-fail 0 -o json
	same '3 0 1 0 0 0 2' "$(summary)"
	same 'web2 web3' "$(document 's["cancelled"]["nodes"].join(" ")')"
	same 'stopped' "$(document 'd["exit"]["name"]')"
	same web1 "$(executed)"
	ask_rpc 5 "${FACT[@]}" -I 'web[1-3]' --batch 1 --batch-sleep 0 --max-fail 0
	holds "$output" 'web[2-3] (2 nodes): not asked'
	holds "$stderr" '1 failed, 2 not asked' 'not asked: web[2-3]'
}

@test "a node that failed once and worked then does not count towards --max-fail" {
	also 'reply web[1-3] fail-first 1 1 not yet'
	ask_rpc 0 "${FACT[@]}" -I 'web[1-6]' --batch 3 --batch-sleep 0 --tries 2 --try-sleep 0 \
		--max-fail 0
}

@test "--deadline ends the run: 124, and who has not answered is unknown" {
	also 'reply web1 delay 20s'
	ask_rpc 124 "${FACT[@]}" -I 'web[1-4]' --batch 2 --batch-sleep 0 --deadline 0.1 -o json
	same '4 1 0 0 0 1 2' "$(summary)"
	same '124 deadline' "$(document 'd["exit"].values.join(" ")')"
	same 'web1 web2' "$(executed)"
}

@test "--deadline counts discovery and pauses, too" {
	deployctl 124 rpc "${FACT[@]}" --window-time 20s --dt 20s --deadline 0.1 -o json
	same '0 0 0 0 0 0 0' "$(summary)"
	same '' "$(executed)"
	ask_rpc 124 "${FACT[@]}" -I 'web[1-2]' --batch 1 --batch-sleep 20s --deadline 0.1 -o json
	same '2 1 0 0 0 0 1' "$(summary)"
}

# -- dry run

@test "an agent that no node has is named as what may be wrong, in both ways of asking" {
	ask_rpc 3 nosuch ping -t 0.1 --dt 50ms
	holds "$stderr" "$HINT" 'nodes without the agent nosuch: deployctl discover --check-agents nosuch'
	fleet 'node web1' 'reply web1 silent'
	ask_rpc 3 nosuch ping -t 0.1 -I web1
	holds "$stderr" "$HINT" 'so do nodes without the agent nosuch'
}

@test "--ttl takes times as every other option, in whole seconds" {
	ask_rpc 0 rpcutil ping -I web1 --ttl 90s
	ask_rpc 0 rpcutil ping -I web1 --ttl 90
	for bad in 0 500ms 1500ms 315359991 x -1 ''; do
		ask_rpc 64 rpcutil ping -I web1 --ttl "$bad"
		holds "$stderr" 'option --ttl'
	done
}

@test "--dry-run names whom it would ask and executes nothing" {
	ask_rpc 0 lab echo a=b -I 'web[1-2]' --dry-run -o name
	same "$(names web1 web2)" "$output"
	same '' "$(executed)"
	holds "$stderr" 'dry run: lab echo'
}

@test "--dry-run finds whom the same command without it would ask" {
	ask_rpc 0 lab echo a=b -o name
	local asked=$output
	ask_rpc 0 lab echo a=b -o name --dry-run
	same "$asked" "$output"
}

@test "--dry-run as a document: names and no replies, within the limit, and nobody is ok" {
	ask_rpc 0 lab echo a=b --dry-run --limit 2 -o json
	same 'true 2 0 [["sender"], ["sender"]]' "$(document \
		'[*s.values_at("dry_run", "nodes", "ok"), d["items"].map(&:keys).inspect].join(" ")')"
	ask_rpc 0 lab echo a=b --dry-run --limit 2 -o jsonl
	same 'node 1 web1,node 2 web2,summary' "$(ruby --disable-gems -rjson -e 'puts STDIN.map { |l|
		JSON.parse(l).values_at("type", "seq", "node").compact.join(" ") }.join(",")' <<<"$output")"
	also 'absent web3'
	ask_rpc 4 lab echo a=b --dry-run -I 'web[1-3]' -o json
	same '3 1 2' "$(document '[s["nodes"], s["not_connected"]["count"], d["items"].length].join(" ")')"
	ask_rpc 4 lab echo a=b --dry-run -I 'web[1-3]' -o wide
	same "$(names web1 web2)" "$output"
	ask_rpc 0 lab echo a=b --dry-run -I web1 -j
	same '[{"agent":"lab","action":"echo","sender":"web1"}]' "$output"
}

@test "--dry-run refuses what the command without it would refuse" {
	ask_rpc 64 lab echo a -I web1 --dry-run
	ask_rpc 64 lab echo --batch 0 -I web1 --dry-run
}

# -- many nodes

@test "many names go out one by one, and the broker says who is absent" {
	fleet 'node n[001-100] facts cluster=alfa' 'absent n003,n050,n100' 'reply n007 fail 1 no' \
		'reply n009 silent' 'reply n010 delay 100ms'
	ask_rpc 2 "${FACT[@]}" -I 'n[001-100]' -t 0.3 -o json
	same '100 95 1 4 3 0 0' "$(summary)"
	same 'n003 n050 n100' "$(document 's["not_connected"]["nodes"].join(" ")')"
	same '100 100' "$(sent mcollective_directed) $(sent mcollective_directed '1 mandatory')"
	same 97 "$(executed | wc -w)"
}

@test "a large request goes to many names at once, and the probe finds who is absent" {
	local text
	text=$(printf 'x%.0s' {1..90000})
	fleet 'node n[001-760]' 'absent n003,n050,n100' 'reply n010 delay 100ms'
	ask_rpc 4 rpcutil ping "text=$text" -I 'n[001-760]' -t 5 -o json
	same '760 757 0 3 3 0 0' "$(summary)"
	same 'n003 n050 n100' "$(document 's["not_connected"]["nodes"].join(" ")')"
	same 1 "$(sent mcollective_directed '760 -')"
	# Probes go only to those that had not answered, and make no node do anything.
	[ "$(sent mcollective_directed '1 mandatory')" -ge 4 ]
	same 757 "$(executed | wc -w)"
}

@test "absent nodes among many are known without waiting for the timeout" {
	fleet 'node n[001-100]' 'absent n003'
	ask_rpc 4 "${FACT[@]}" -I 'n[001-100]' -t 100 -o json
	same '100 99 0 1 1 0 0' "$(summary)"
}

@test "5,000 nodes are found by one broadcast and asked by another" {
	fleet 'node n[0001-5000] facts cluster=alfa'
	deployctl 0 rpc "${FACT[@]}" --window-time 150ms
	same 'n[0001-5000] (5000 nodes): ok' "$(head -n 1 <<<"$output")"
	same '2 0' "$(sent mcollective_broadcast) $(sent mcollective_directed '[0-9]+ -')"
	same 5000 "$(executed | wc -w)"
	peak_below 32
}

@test "a node that discovery missed and the broadcast reached is counted, not credited, and no success" {
	fleet 'node n[001-100]' 'pong n007 silent'
	ask_rpc 4 "${FACT[@]}" -o json
	same '99 99 0 0 0 0 0 unexpected 1' "$(summary)"
	holds "$stderr" 'discovery ended too early, 1 more reply came later'
}

@test "a broker that pauses makes discovery wait, however short the window is" {
	fleet 'node n[001-100]' 'broker pause-after 50 for 700ms'
	ask_rpc 0 "${FACT[@]}" -o json
	same '100 100 0 0 0 0 0' "$(summary)"
}

@test "a broker that pauses makes no node silent" {
	fleet 'node n[001-100]' 'broker pause-after 150 for 700ms'
	ask_rpc 0 "${FACT[@]}" -o json -t 200ms
	same '100 100 0 0 0 0 0' "$(summary)"
}

@test "a broker that pauses for good is waited for two seconds, once" {
	fleet 'node n[001-100]' 'broker pause-after 150 for 1h'
	ask_rpc 4 "${FACT[@]}" -o json -t 200ms
	same '100 50 0 50 0 0 0' "$(summary)"
}

@test "a node that answers discovery too late is no success either" {
	also 'pong web1 delay 200ms' 'reply web2 delay 400ms'
	deployctl 4 rpc "${FACT[@]}" --window-time 50ms -C apache -o json
	same '4 4 0 0 0 0 0 late 1' "$(summary)"
	holds "$stderr" 'discovery ended too early' '--window-time'
}

@test "a node that discovery only heard of is not connected when it is asked" {
	also 'pong web1 wrongsender ghost'
	ask_rpc 4 lab echo -o json
	same '9 8 0 1 1 0 0' "$(summary)"
	same ghost "$(document 's["not_connected"]["nodes"].join')"
}
