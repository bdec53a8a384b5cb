# discover, facts and inventory answer as mco does, and say more where mco says nothing.
load helper

# mco's report of a fact, one "value count" a line
mco_facts() {
	lab mco facts "$@" | sed -nE 's/^ {8}(.*[^ ]) +found ([0-9]+) times$/\1 \2/p'
}

# same_facts FACT WORDS...
same_facts() {
	local theirs
	theirs=$(mco_facts "$@")
	[ -n "$theirs" ]
	dc facts --window-time 1s "$@" -o json
	[ "$status" -eq 0 ]
	equal "$theirs" "$(json 'd["items"].reject { |i| i["value"].nil? }
		.map { |i| "#{i["value"]} #{i["count"]}" }.join("\n")')"
}

@test "facts: the same values as often, in the same order" {
	same_facts country
	same_facts motto
	same_facts rank -F cluster=bravo
	same_facts cluster -C apache -T subcol
}

@test "facts: who has a value is who mco finds by it" {
	local theirs
	theirs=$(lab mco find -F country=uk | sort | tr '\n' ' ')
	dc facts country -o json --window-time 1s
	equal "$theirs" "$(json 'd["items"].find { |i| i["value"] == "uk" }["nodes"].map { |n| "#{n} " }.join')"
}

@test "facts: a fact that no node has is no value" {
	dc facts nosuch --window-time 1s
	equal 0 "$status"
	has "$output" '(not set)  9'
	has "$(lab mco facts nosuch)" 'No values found'
}

@test "discover: the nodes that mco finds, sorted, and their first ones" {
	local theirs
	theirs=$(lab mco find -C mysql | sort)
	dc discover -C mysql --window-time 1s
	equal "$theirs" "$output"
	dc find --window-time 1s --limit 2
	equal "$(lab mco find | sort | head -n 2)" "$output"
	dc find --window-time 1s --fold
	equal 'web[01-09].example.net' "$output"
}

@test "discover -o wide: what rpcutil inventory tells mco" {
	dc discover -o wide --window-time 1s -I /web06/
	has "$output" "$(lab mco rpc -j rpcutil inventory -I web06.example.net | ruby -rjson -e '
		d = JSON.parse($stdin.read)[0]["data"]
		puts d["collectives"].sort.join(",") + " "')"
}

@test "discover --check-agents: nobody lacks rpcutil, everybody lacks haproxy" {
	dc discover --check-agents rpcutil --window-time 1s
	equal 0 "$status"
	equal '' "$output"
	dc discover --check-agents rpcutil,haproxy --window-time 1s -o json
	equal 2 "$status"
	equal 9 "$(json 'd["items"].count { |i| i["missing"] == ["haproxy"] }')"
}

# judged FILTER...: for each node, the judgement of --why is what the node does itself
judged() {
	local found node
	found=$(lab mco find "$@")
	for node in web01.example.net web02.example.net web06.example.net; do
		dc discover "$@" --why "$node" --window-time 500ms --dt 1s -o json
		has "0 1" "$status"
		equal "$(grep -qx "$node" <<<"$found" && echo true || echo false)" \
			"$(json 'd["items"].all? { |i| i["holds"] }')"
		equal "$(json 'd["summary"]["matches"]')" "$(json 'd["items"].all? { |i| i["holds"] }')"
	done
}

@test "discover --why: our judgement is the node's own" {
	judged -F country=de -C apache
	judged -F 'rank>=2' -C /^role/
	judged -F 'motto=/^gr/' -A lab
	judged -W 'common country!=uk'
	judged -I /web0[1-5]/ -C mysql
}

@test "discover --why: a node that is switched off" {
	lab node stop web09.example.net
	dc discover -C apache --why web09.example.net
	lab node start web09.example.net
	equal 3 "$status"
	has "$stderr" 'web09.example.net: not connected'
}

@test "inventory: facts, classes, agents as mco shows them" {
	local theirs
	theirs=$(lab mco inventory web02.example.net)
	dc inventory web02.example.net -o json
	equal 0 "$status"
	equal "$(sed -n 's/^      \(.*\) => /\1=/p' <<<"$theirs")" \
		"$(json 'd["items"][0]["facts"].sort.map { |k, v| "#{k}=#{v}" }.join("\n")')"
	equal "$(sed -n 's/^ *Config File: //p' <<<"$theirs")" "$(json 'd["items"][0]["stats"]["configfile"]')"
	equal "$(sed -n 's/^ *Process ID: //p' <<<"$theirs")" "$(json 'd["items"][0]["stats"]["pid"].to_s')"
	equal "$(sed -n 's/^ *Collectives: //p' <<<"$theirs")" "$(json 'd["items"][0]["collectives"].join(", ")')"
	dc inventory web02.example.net
	has "$output" "started             $(sed -n 's/^ *Start Time: //p' <<<"$theirs")"
	for word in apache common mysql role::web discovery lab rpcutil; do
		has "$theirs" "$word"
		has "$output" "$word"
	done
}

@test "inventory: a node that is not there" {
	dc inventory web99.example.net
	equal 3 "$status"
	has "$output" 'web99.example.net: not connected'
}

@test "rpc --limit asks only so many, and the others never hear of it" {
	dc rpc rpcutil ping --limit 30% --window-time 1s -o name
	equal "$(printf 'web0%s.example.net\n' 1 2)" "$output"
	dc rpc rpcutil ping -1 --window-time 1s -o wide
	has "$output" 'web01.example.net  ok'
}

@test "rpc --limit-seed: the nodes that mco chooses with the same number" {
	local cfg seed theirs
	cfg=$(with_cfg random rpclimitmethod=random)
	for seed in 1 42 4294967297; do
		theirs=$(lab mco rpc rpcutil ping -j --limit 4 --limit-seed "$seed" -c "$cfg" |
			ruby -rjson -e 'puts JSON.parse($stdin.read).map { |r| r["sender"] }.sort')
		[ "$(wc -l <<<"$theirs")" -eq 4 ]
		dc rpc rpcutil ping --limit 4 --limit-seed "$seed" --window-time 1s -o name
		equal "$theirs" "$output"
	done
}

@test "--nodes: a list from mco, and what mco makes of ours" {
	cd "$BATS_TEST_TMPDIR"
	lab mco rpc rpcutil ping -j -F country=uk >list
	dc rpc rpcutil ping --nodes list -o name
	equal "$(lab mco find -F country=uk | sort)" "$output"
	"$DEPLOYCTL" discover -F country=de --window-time 1s >names
	"$DEPLOYCTL" ping -F country=de --window-time 1s -j >replies
	for list in names replies; do
		equal "$(cat names)" "$("$DEPLOYCTL" find --nodes "$list" | sort)"
	done
	equal "$(cat names)" "$(lab mco rpc rpcutil ping -j --dm flatfile --do names |
		ruby -rjson -e 'puts JSON.parse($stdin.read).map { |r| r["sender"] }.sort')"
	equal "$(cat names)" "$(lab mco rpc rpcutil ping -j --dm stdin <replies |
		ruby -rjson -e 'puts JSON.parse($stdin.read).map { |r| r["sender"] }.sort')"
}
