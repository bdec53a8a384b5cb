#!/usr/bin/env bats
# deployctl rpc, on a fleet that is a script.
# shellcheck disable=SC2016,SC2154
load loop_helper

setup() {
	setup_loop
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
