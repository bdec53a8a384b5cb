#!/usr/bin/env bats
# deployctl facts, on a fleet that is a script.
# shellcheck disable=SC2154
load loop_helper

setup() {
	setup_loop
}

# ask STATUS WORDS...
ask() {
	deployctl "$1" facts --window-time 25ms "${@:2}"
}

@test "values and how many nodes have each, sorted by value" {
	ask 0 country
	same "VALUE  COUNT
de     5
uk     5" "$output"
	holds "$stderr" '10 nodes: 10 ok'
	ask 0 country --no-headers -C nginx
	same 'uk     4' "${output/uk  4/uk     4}"
}

@test "the nodes of each value, folded" {
	ask 0 country -n
	same "VALUE  COUNT  NODES
de     5      web[1-5]
uk     5      db1,web[6-9]" "$output"
	ask 0 country -o wide -C apache
	same "VALUE  COUNT  NODES
de     5      web[1-5]" "$output"
}

@test "the most frequent first" {
	ask 0 cluster --sort-by count
	same "VALUE  COUNT
alfa   6
bravo  4" "$output"
	ask 0 rank --sort-by count
	same 'rank 2 10 (not set)' "rank $(tail -n +2 <<<"$output" | sed 's/  *[0-9]*$//' | tr '\n' ' ' | sed 's/ $//')"
}

@test "no value is told from a value that looks like it" {
	fleet 'node a facts x=null' 'node b' 'node c facts x=(not' 'node d facts x=zz'
	ask 0 x -o json
	same '"(not" 1 "null" 1 "zz" 1 nil 1' "$(document \
		'd["items"].map { |i| "#{i["value"].inspect} #{i["count"]}" }.join(" ")')"
	ask 0 x -o name
	same "$(names a c d)" "$output"
	ask 0 nosuch
	same "VALUE      COUNT
(not set)  4" "$output"
	holds "$stderr" 'no node has this fact'
}

@test "as documents: value, count, nodes" {
	ask 0 cluster -o json
	same 'facts alfa 6 bravo 4 web6,web7,web8,web9' "$(document '[d["kind"],
		*d["items"].flat_map { |i| [i["value"], i["count"]] },
		d["items"][1]["nodes"].join(",")].join(" ")')"
	ask 0 cluster -o yaml -C nginx
	holds "$output" 'value: bravo' 'count: 4'
	ask 0 cluster -j -I web1
	same 'rpcutil get_fact web1 alfa' "$(document \
		'd[0].values_at("agent", "action", "sender").push(d[0]["data"]["value"]).join(" ")')"
	ask 0 cluster -o jsonl -I web1
	holds "$output" '"type":"outcome"' '"value":"alfa"'
}

@test "a value of 10,000 characters is whole, except on a terminal, where it is cut" {
	local long
	long=$(printf 'x%.0s' {1..10000})
	fleet "node web1 facts motto=$long" 'node web2 facts motto=short'
	ask 0 motto
	holds "$output" "$long  1"
	holds "$output" 'short  1'
	on_terminal_of 40 facts motto --window-time 25ms >out
	holds "$(cat out)" 'xxxxxxxx~'
	same 0 "$(awk 'length($0) > 40' out | grep -c x || true)"
	on_terminal_of 40 facts motto --window-time 25ms -o wide >out
	holds "$(cat out)" "$long"
}

@test "who fails, is silent or not connected is shown and counts" {
	also 'reply web1 fail 1 sorry' 'absent web2' 'reply web3 silent'
	ask 2 country -I 'web[1-4]' -t 50ms
	holds "$output" 'de     1' 'web1: failed (1): sorry' 'web2: not connected' 'web3: silent'
	holds "$stderr" '4 nodes: 1 ok, 1 failed, 1 silent, 1 not connected'
}

@test "only some of the nodes" {
	ask 0 country --limit 3 -n
	same "VALUE  COUNT  NODES
de     2      web[1-2]
uk     1      db1" "$output"
	same 3 "$(executed | wc -w)"
	ask 0 country -1 -n --no-headers
	holds "$output" db1
}

@test "what is no name of a fact is not sent" {
	for bad in 'a b' '' 'a/b' "$(printf 'x%.0s' {1..41})" 'a=b'; do
		deployctl 64 facts "$bad"
	done
	deployctl 64 facts
	holds "$stderr" 'FACT is missing'
	deployctl 64 facts a b
	[ ! -e "$DEPLOYCTL_LOOP_LOG" ]
}
