#!/usr/bin/env bats
# deployctl rpc --nr: fire and forget. Nodes do it and say nothing.
# shellcheck disable=SC2016,SC2154
load loop_helper

setup() {
	setup_loop
}

# forgotten: "nodes handed_over not_connected unknown" of the document in $output
forgotten() {
	document 'raise "answers" unless s["no_results"]
		[s["nodes"], *s.values_at("handed_over", "not_connected", "unknown").map { |n| n["count"] }].join(" ")'
}

@test "--nr without names is one broadcast, discovers nobody, and all that match do it once: 0" {
	ask_rpc 0 rpcutil ping --nr -C apache
	same '' "$output"
	same 'rpcutil ping went to every node that matches the filter; which ones do it is not known' "$stderr"
	same 'web1 web2 web3 web4 web5' "$(executed)"
	same '1 1 0' "$(sent) $(sent mcollective_broadcast) $(grep -c discovery "$DEPLOYCTL_LOOP_LOG")"
	ask_rpc 0 lab echo a=b --no-results -o json
	same '0 0 0 0 true []' "$(forgotten) $(document '[s["broadcast"], d["items"].to_json].join(" ")')"
	holds "$stderr" 'went to every node that has the agent'
}

@test "--nr with names asks them directly; each one is unknown, and an absent one makes 4" {
	also 'absent web3'
	ask_rpc 4 rpcutil ping --nr -I 'web[1-3]'
	same 'web[1-2] (2 nodes): unknown (not asked for an answer)

web3: not connected' "$output"
	same '3 nodes: 2 not asked for an answer, 1 not connected
not connected: web3
to ask those again: deployctl rpc rpcutil ping --nr -I web3' "$stderr"
	same 'web1 web2' "$(executed)"
	same '3 3' "$(sent) $(sent mcollective_directed '1 mandatory')"
	ask_rpc 0 rpcutil ping --nr -I 'web[1-2]'
	ask_rpc 4 rpcutil ping --nr -I web3 -o json
	same '1 0 1 0' "$(forgotten)"
}

@test "--nr: what programs get" {
	also 'absent web3'
	ask_rpc 4 rpcutil ping --nr -I 'web[1-3]' -o json
	same '3 2 1 2 false 0' "$(forgotten) $(document '[s["broadcast"], d["items"].length].join(" ")')"
	ask_rpc 4 rpcutil ping --nr -I 'web[1-3]' -o name
	same "$(names web1 web2)" "$output"
	ask_rpc 4 rpcutil ping --nr -I 'web[1-3]' -j
	same '[]' "$output"
	ask_rpc 4 rpcutil ping --nr -I 'web[1-3]' -o wide
	same 'NODE STATUS MESSAGE;web1 unknown not asked for an answer;web2 unknown not asked for an answer;web3 not connected;' \
		"$(tr -s ' ' <<<"$output" | tr '\n' ';' | sed 's/ ;/;/g')"
	ask_rpc 4 rpcutil ping --nr -I 'web[1-3]' -o jsonl
	same 'web1 unknown true not asked for an answer,web2 unknown true not asked for an answer,web3 silent not connected to the broker' \
		"$(ruby --disable-gems -rjson -e 'puts STDIN.map { |l| JSON.parse(l) }.select { |e| e["type"] == "outcome" }
			.map { |e| e.values_at("node", "state", "handed_over", "statusmsg").compact.join(" ") }.sort.join(",")' <<<"$output")"
}

@test "--nr with -x, -1, --limit or --expect discovers first, and asks those alone" {
	ask_rpc 0 rpcutil ping --nr -C apache -x 'web[2-4]' -o name
	same "$(names web1 web5)" "$output"
	same 'web1 web5' "$(executed)"
	ask_rpc 0 rpcutil ping --nr -C nginx --limit 2 -o json
	same '2 2 0 2' "$(forgotten)"
	ask_rpc 0 rpcutil ping --nr -1 -o name
	same db1 "$output"
	deployctl 0 rpc rpcutil ping --nr -C nginx --expect 4 --window-time 10s --dt 10s -o name
	same "$(names web{6..9})" "$output"
	ask_rpc 1 rpcutil ping --nr -C nosuch --dt 20ms -1
}

@test "--nr: an answer that comes all the same is counted and credited to nobody" {
	also 'reply web[1-5] talkative'
	ask_rpc 0 rpcutil ping --nr -I web1 -o json
	same '1 1 0 1' "$(forgotten)"
	same 0 "$(document 's["ok"] + s["failed"] + d["items"].length')"
	ask_rpc 0 rpcutil ping --nr -C apache
	ask_rpc 0 rpcutil ping --nr -C apache -x web5 -o json
	same '4 4 0 4' "$(forgotten)"
}

@test "--nr shows who was asked, whatever the DDL wants shown of answers" {
	mkdir -p plugins/mcollective/agent
	printf 'libdir = %s\n' "$PWD/plugins" >>.mcollective
	cat >plugins/mcollective/agent/lab.ddl <<-'END'
		metadata :name => "lab", :description => "x", :author => "x", :license => "x",
		         :version => "1", :url => "x", :timeout => 5
		action "echo", :description => "x" do
		    display :ok
		end
	END
	ask_rpc 0 lab echo --nr -I web1
	same 'web1: unknown (not asked for an answer)' "$output"
}

@test "--nr refuses what needs answers, and says why; nothing is sent" {
	for words in '--batch 2' '--window 2' '--tries 2' '--retry-silent' '--max-fail 0' '--display all' \
		'--until true' '--filter-replies true'; do
		# shellcheck disable=SC2086
		ask_rpc 64 rpcutil ping --nr -I web1 $words
		holds "$stderr" "--nr and ${words%% *} exclude each other: without answers "
	done
	DEPLOYCTL_BATCH=3 ask_rpc 64 rpcutil ping --nr -I web1
	holds "$stderr" 'the configuration asks in groups of 3 (batch)' 'try: DEPLOYCTL_BATCH=0 '
	[ ! -e "$DEPLOYCTL_LOOP_LOG" ]
	ask_rpc 64 lab echo a --nr
}

@test "--nr --dry-run names who would do it, and nobody does" {
	ask_rpc 0 rpcutil ping --nr -C apache --dry-run -o name
	same "$(names web{1..5})" "$output"
	same '' "$(executed)"
}

@test "--nr: many names are asked one by one, a large request too, since nobody is probed later" {
	local text
	text=$(printf 'x%.0s' {1..90000})
	fleet 'node n[001-760]' 'absent n003,n700'
	ask_rpc 4 rpcutil ping "text=$text" --nr -I 'n[001-760]' -o json
	same '760 758 2 758' "$(forgotten)"
	same 758 "$(executed | wc -w)"
}

@test "--nr: a broker that takes no publishes for a while has it afterwards" {
	fleet 'node web[1-2]' 'broker blocked-after 0 for 150ms'
	ask_rpc 0 rpcutil ping --nr
	rm "$DEPLOYCTL_LOOP_LOG"
	fleet 'node web[1-2]' 'broker blocked-after 1 for 150ms'
	ask_rpc 0 rpcutil ping --nr -I 'web[1-2]' -o json
	same '2 2 0 2' "$(forgotten)"
	same 'web1 web2' "$(executed)"
}

@test "--nr: a broker that takes nothing, or goes away, is no success" {
	fleet 'node web[1-2]' 'broker blocked-after 0'
	ask_rpc 4 rpcutil ping --nr -I 'web[1-2]' -t 0.1
	holds "$stderr" '2 nodes: 0 not asked for an answer'
	ask_rpc 69 rpcutil ping --nr -t 0.1
	holds "$stderr" 'the broker did not say that it has the request'
	[[ $stderr != *'went to every'* ]]
	fleet 'node web[1-2]' 'broker blocked-after 1'
	ask_rpc 4 rpcutil ping --nr -I web1 -o json -t 0.1
	same '1 0 0 1' "$(forgotten)"
	# What it said before does not count: it has not said anything since.
	fleet 'node web[1-2]' 'broker pause-after 1 for 1h'
	ask_rpc 4 rpcutil ping --nr -1 -t 0.1
	fleet 'node web[1-2]' 'broker lost-after 1'
	ask_rpc 69 rpcutil ping --nr -I web1 -o json
	same '1 0 0 1' "$(forgotten)"
}
