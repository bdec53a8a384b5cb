#!/usr/bin/env bats
# deployctl inventory, on a fleet that is a script.
# shellcheck disable=SC2154
load loop_helper

setup() {
	setup_loop
}

@test "what a node is, and what its daemon has done" {
	fleet 'node web1 facts rank=2 country=de classes common,apache collectives mcollective,de'
	TZ=UTC deployctl 0 inventory web1
	same "web1
  version             2.12.5
  main collective     mcollective
  collectives         de,mcollective
  data plugins        fact_data
  started             2026-11-21 06:36:40 +0000
  config file         /etc/mcollective/server.cfg
  process             4711
  messages            2
    for this node     -
    filtered out      -
    expired           -
    badly signed      -
  replies sent        -
  processor time      1.50 s user, 0.25 s system
agents (2)
  lab  rpcutil
classes (2)
  apache  common
facts (2)
  country  de
  rank     2" "$output"
	same '' "$stderr"
}

@test "of several nodes, each apart" {
	deployctl 0 inventory web2 'web[1,3]'
	same "$(names web1 web2 web3)" "$(grep '^web' <<<"$output")"
	deployctl 0 inventory 'web[1-2]' -o json
	same 'inventory web1 web2 alfa 4711' "$(document '[d["kind"],
		*d["items"].map { |i| i["sender"] }, d["items"][0]["facts"]["cluster"],
		d["items"][1]["stats"]["pid"]].join(" ")')"
	deployctl 0 inventory 'web[1-2]' -o name
	same "$(names web1 web2)" "$output"
	deployctl 0 inventory web1 -o yaml
	holds "$output" 'sender: web1' 'country: de'
}

@test "who does not answer is not forgotten" {
	also 'absent web1' 'reply web2 fail 1 sorry'
	deployctl 3 inventory web1
	holds "$output" 'web1: not connected'
	deployctl 2 inventory web1 web2 web3
	holds "$output" 'web1: not connected' 'web2: failed (1): sorry' 'web3'
	deployctl 4 inventory web1 web3
	also 'node mute agents lab'
	deployctl 3 inventory mute -t 50ms
	holds "$output" 'mute: silent'
}

@test "names are needed, not expressions" {
	deployctl 64 inventory
	holds "$stderr" 'NODE... is missing'
	deployctl 64 inventory /web/
	holds "$stderr" 'nodes are named here'
	deployctl 64 inventory 'web['
	deployctl 64 inventory web1 -T nosuch
}

@test "on a narrow terminal lists are broken and values cut" {
	fleet "node web1 facts motto=$(printf 'y%.0s' {1..300}) classes $(printf 'role%s,' {1..20})end"
	on_terminal_of 40 inventory web1 >out
	same '' "$(sed -n '/^agents/,$p' out | awk 'length($0) > 40')"
	holds "$(cat out)" role1 role20 end 'yyy~'
}

@test "what is wrong with an operand is told of the operand, not of an option" {
	for bad in 'web[01' '' 'a!'; do
		deployctl 64 inventory "$bad"
		holds "$stderr" "node set \"$bad\""
		[[ $stderr != *-I:* ]]
	done
}
