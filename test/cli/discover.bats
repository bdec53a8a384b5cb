#!/usr/bin/env bats
# deployctl discover, on a fleet that is a script.
# shellcheck disable=SC2154
load loop_helper

setup() {
	setup_loop
}

# ask STATUS WORDS...
ask() {
	deployctl "$1" discover --window-time 25ms "${@:2}"
}

@test "names, one a line, sorted; also as find, as name, and folded" {
	fleet 'node web[2,10,1]'
	ask 0
	same "$(names web1 web10 web2)" "$output"
	same '' "$stderr"
	deployctl 0 find --window-time 25ms -o name
	same "$(names web1 web10 web2)" "$output"
	deployctl 0 help discover
	holds "$output" 'also called: deployctl find'
	holds "$(cat "$REPO/man/deployctl-discover.1")" '.Cm find .'
	ask 0 --fold
	same 'web[1-2,10]' "$output"
	ask 0 --fold -o name -I 'web[1-2]'
	same 'web[1-2]' "$output"
}

@test "names that differ only in case are two nodes" {
	fleet 'node web1,Web1,WEB1'
	ask 0
	same "$(names WEB1 Web1 web1)" "$output"
	ask 0 -I Web1
	same Web1 "$output"
}

@test "as documents: the replies, as of any request" {
	ask 0 -I web2 -o json
	same 'discover web2 0' "$(document \
		'[d["kind"], *d["items"].flat_map { |i| i.values_at("sender", "statuscode") }].join(" ")')"
	ask 0 -I web2 -o yaml
	holds "$output" 'kind: discover' 'sender: web2'
	ask 0 -I web2 -j
	same 'agent action sender statuscode statusmsg data' "$(document 'd[0].keys.join(" ")')"
	ask 0 -I web2 -o jsonl
	same summary "$(tail -n 1 <<<"$output" | json 'd["type"]' /dev/stdin)"
}

@test "the first N, or N% rounded down and at least one" {
	ask 0 --limit 2 -C nginx
	same "$(names web6 web7)" "$output"
	ask 0 -1
	same db1 "$output"
	ask 0 --limit 49% -C nginx
	same web6 "$output"
	ask 0 --limit-nodes 1% -C nginx
	same web6 "$output"
	ask 0 --limit-targets 99 -C nginx -o json
	same 4 "$(document 'd["items"].length')"
	ask 0 --limit 3 -o json
	same 'db1 web1 web2' "$(document 'd["items"].map { |i| i["sender"] }.join(" ")')"
	deployctl 64 discover -1 --limit 2
	holds "$stderr" '--one and --limit exclude each other'
	deployctl 64 discover --limit 0
	deployctl 64 discover --limit 2x
}

@test "nobody matches, nobody answers, and somebody named is not there" {
	ask 1 -C nosuch --dt 20ms
	same '' "$output"
	holds "$stderr" 'no node matches' "$HINT"
	ask 0 -C nosuch --dt 20ms --empty-ok
	also 'absent web1'
	ask 4 -I 'web[1-2]'
	same web2 "$output"
	holds "$stderr" 'not connected: web1'
}

@test "wide: what each node has" {
	fleet 'node b facts x=1,y=2 classes apache collectives mcollective,de' 'node a'
	ask 0 -o wide
	holds "$output" "$(printf 'NODE  VERSION  COLLECTIVES     CLASSES  FACTS  AGENTS\na ')"
	same 'a 2.12.5 mcollective 0 0 lab,rpcutil' "$(sed -n '2s/  */ /gp' <<<"$output")"
	same 'b 2.12.5 de,mcollective 1 1 lab,rpcutil' "$(sed -n '3s/  */ /gp' <<<"$output")"
	ask 0 -o wide --no-headers --limit 1
	same 'a 2.12.5 mcollective 0 0 lab,rpcutil' "$(sed 's/  */ /g' <<<"$output")"
}

@test "wide: a node that does not say what it has is shown, and silent" {
	fleet 'node a' 'node b agents lab'
	ask 4 -o wide -t 50ms
	holds "$output" "$(printf '\nb     -')"
	holds "$stderr" 'silent: b'
}

@test "who lacks an agent is listed, and the status says so" {
	ask 2 --check-agents rpcutil,lab
	same "NODE  MISSING
db1   lab" "$output"
	holds "$stderr" '1 of 10 nodes lacks something of lab,rpcutil'
	ask 2 --check-agents puppet,lab -I db1,web1
	same "NODE  MISSING
db1   lab,puppet
web1  puppet" "$output"
	ask 2 --check-agents lab -o name
	same db1 "$output"
	ask 2 --check-agents lab -o jsonl
	ask 2 --check-agents lab -j
	ask 2 --check-agents lab -I db1 -o json
	same 'db1 lab rpcutil' "$(document 'd["items"].flat_map { |i| [i["sender"], *i["missing"], *i["agents"]] }.join(" ")')"
}

@test "nobody lacks it" {
	ask 0 --check-agents lab -C common
	same '' "$output"
	holds "$stderr" '9 nodes have lab'
}

@test "who does not tell what it has is not taken for complete" {
	also 'node mute agents lab' 'reply web1 fail 1 sorry'
	ask 2 --check-agents lab -I mute,web1,web2 -t 50ms
	holds "$output" 'mute: silent' 'web1: failed (1): sorry'
	ask 4 --check-agents lab -I mute,web2 -t 50ms
	ask 2 --check-agents lab -I web1 -o name
	same '' "$output"
}

@test "agents to check are names" {
	for bad in 'a,,b' '/lab/' 'Lab' ',' 'a b'; do
		deployctl 64 discover --check-agents "$bad"
		holds "$stderr" --check-agents "is no agent's name"
	done
}

@test "why a node is among them, or is not" {
	ask 1 -F country=de -C common --why web6 --dt 50ms
	holds "$output" 'TERM' '-F country==de' 'no ' "'uk'" '-C common' 'yes' 'web6 does not match'
	ask 0 -F country=uk --why web6
	holds "$output" 'web6 matches'
	ask 1 -F country=uk -x web6 --why web6
	holds "$output" '-x web6' 'web6 is excluded'
	same '' "$stderr"
	ask 1 -F country=de --why web6 --dt 50ms -o json
	same 'why web6 false false' "$(document \
		'[d["kind"], s["node"], s["matches"], d["items"][0]["holds"]].join(" ")')"
	ask 0 -F country=uk --why web6 -o name
	same web6 "$output"
	ask 0 -F country=uk -C common --why web6 -o jsonl
	same 'term 1,term 2,summary' "$(ruby --disable-gems -rjson -e 'puts STDIN.map { |l|
		JSON.parse(l).values_at("type", "seq").compact.join(" ") }.join(",")' <<<"$output")"
}

@test "why, of a node that does not answer" {
	also 'absent web1' 'reply web2 fail 1 sorry'
	ask 3 -F country=de --why web1
	same 'web1: not connected' "$stderr"
	ask 3 -F country=de --why web1 -o json
	same 'why web1 nil "not connected"' "$(document \
		'[d["kind"], s["node"], s["matches"].inspect, s["trouble"].inspect].join(" ")')"
	ask 3 -F country=de --why web2
	holds "$stderr" 'web2: failed: sorry'
}

@test "why needs a filter and a name, and goes with no other question" {
	deployctl 64 discover --why web1
	holds "$stderr" '--why needs the filter'
	deployctl 64 discover --why 'web[1-2]' -C x
	holds "$stderr" "no node's name"
	deployctl 64 discover --why web1 -C x --check-agents lab
	deployctl 64 discover --why web1 -C x -1
}
