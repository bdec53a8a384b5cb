# The same question gets the same answer as from mco: the same nodes, the same values.
load helper

# same_nodes FILTER...
same_nodes() {
	local mine
	dc ping -o name --window-time 1s "$@"
	[ "$status" -eq 0 ]
	mine=$output
	run --separate-stderr lab mco find "$@"
	equal "$(sort <<<"$output")" "$(sort <<<"$mine")"
}

# same_replies COMMAND...: an rpc, as mco's own JSON
same_replies() {
	local mine
	dc rpc -j --window-time 1s "$@"
	mine=$(json 'd.sort_by { |r| r["sender"] }')
	has "$mine" '"sender":"web0'
	run --separate-stderr lab mco rpc -j "$@"
	equal "$(json 'd.sort_by { |r| r["sender"] }')" "$mine"
}

@test "everyone" {
	same_nodes
}

@test "a fact" {
	same_nodes -F cluster=alfa
	[ "$(wc -l <<<"$output")" -eq 5 ]
}

@test "a fact by regular expression" {
	same_nodes -F 'hostname=~/^web0[2-4]$/'
}

@test "a fact by inequality, as numbers" {
	same_nodes -F 'rank>=4' -F 'rank<8'
}

@test "a fact that is not equal" {
	same_nodes -F 'country!=de'
}

@test "a fact with text beyond ASCII" {
	same_nodes -F 'motto=grüße'
	[ -n "$output" ]
}

@test "a class, and one by regular expression" {
	same_nodes -C mysql
	same_nodes -C /^role/
}

@test "an agent" {
	same_nodes -A lab
}

@test "identities by regular expression" {
	same_nodes -I '/web0[5-7]/'
}

@test "facts and classes in one word list" {
	same_nodes -W 'apache country=uk'
}

@test "compound expressions of facts and classes" {
	for expression in 'apache' '!mysql' '/^role/' 'cluster=alfa and not mysql' \
		'cluster=bravo or apache and country=de' '(cluster=bravo or apache) and country=de' \
		'not (cluster=alfa)' 'rank > 3 and rank<=7' 'hostname=/^web0[2-4]$/ or !!mysql' \
		"motto='grüße' or cluster = bravo" '!nosuch=x and (apache or( /sql$/ ))'; do
		same_nodes --dt 1 -S "$expression"
		[ -n "$output" ]
	done
}

@test "several compound expressions, and other terms beside them" {
	same_nodes --dt 1 -S 'apache or mysql' -S 'not country=de'
	same_nodes --dt 1 -S 'not mysql' -F cluster=bravo -I '/web0/'
}

@test "data functions in compound expressions" {
	same_nodes -S "fact('cluster').value=alfa"
	[ "$(wc -l <<<"$output")" -eq 5 ]
	same_nodes -S "not fact('cluster').value=/^al/ and fstat('/etc/hostname').present=1"
	[ "$(wc -l <<<"$output")" -eq 4 ]
	same_nodes -S "fact(\"rank\").value!=3 and fact('hostname').value!=/[12]$/"
	same_nodes -S "fstat('/etc/hostname').size > 0 and agent('rpcutil').version=/./"
}

@test "what nodes find no match for, and a function that they lack" {
	for expression in 'apache and !apache' "fact('cluster').value=nosuch"; do
		dc ping -q -o name --window-time 1s -S "$expression"
		[ "$status" -eq 1 ]
		run --separate-stderr lab mco find --dt 1 -S "$expression"
		equal '' "$output"
	done
	dc ping -q -o name -S "not nosuch('x').y=1"
	[ "$status" -eq 1 ]
}

@test "nodes do find nobody with what we refuse" {
	for expression in 'country!=de' 'country==de' 'cluster=~alfa' 'country=>a'; do
		run --separate-stderr lab mco find --dt 1 -S "$expression"
		equal '' "$output$stderr"
		dc ping -S "$expression"
		[ "$status" -eq 64 ]
	done
}

@test "what mco refuses in a compound expression is refused" {
	for expression in '(a' 'a)' '()' 'a b' ' a' 'and a' 'a and' 'a or or b' '!' '/a/=b' 'a AND b' 'a not b' \
		'a >= b' 'a=/x' "foo('x')" "foo('x').y" 'foo(x).y=1' "foo('x',\"y\").z=1" "foo('x').y=/(/"; do
		run --separate-stderr lab mco find --dt 1 -S "$expression"
		[ "$status" -ne 0 ]
		has "$stderr" 'failed to run'
		dc ping -S "$expression"
		[ "$status" -eq 64 ]
		has "$stderr" 'option -S: column '
	done
}

@test "another collective" {
	same_nodes -T subcol
}

@test "rpcutil get_fact" {
	same_replies rpcutil get_fact fact=cluster
}

@test "rpcutil get_facts of some nodes" {
	same_replies rpcutil get_facts facts=cluster,motto,nosuch -F country=de
}

@test "rpcutil inventory" {
	same_replies rpcutil inventory -F cluster=bravo
}

@test "rpcutil agent_inventory of a named node" {
	same_replies rpcutil agent_inventory -I web03.example.net
}

@test "rpcutil collective_info" {
	same_replies rpcutil collective_info
}

@test "nested data, big integers and links" {
	local mine
	dc rpc lab echo 'msg=größer' -I web01.example.net -j
	mine=$(json 'd[0]["data"].sort.to_h')
	run --separate-stderr lab mco rpc lab echo 'msg=größer' -I web01.example.net -j
	# Beyond 64 bits JSON has no integers of its own, so ours is written as text.
	equal "$(json 'def big(v) = case v
		when Hash then v.to_h { |k, x| [k, big(x)] }
		when Array then v.map { |x| big(x) }
		when Integer then v.abs >= 2**63 ? {"$int" => v.to_s} : v
		else v end
		big(d[0]["data"]).sort.to_h')" "$mine"
}

@test "a failing action has mco's status and message" {
	same_replies rpcutil get_config_item item=nosuch -I web01.example.net
	dc rpc rpcutil get_config_item item=nosuch -I web01.example.net
	[ "$status" -eq 2 ]
}

@test "what an agent refuses has mco's status" {
	same_replies rpcutil get_data source=nosuch query=x -I web02.example.net
}

@test "Ruby reads every value that our encoder writes" {
	run --separate-stderr bash -o pipefail -c '"$1/test/lab/marshal_emit" 3000 | ruby "$2"' - \
		"$BUILD" "$top/test/lab/marshal_roundtrip.rb"
	[ "$status" -eq 0 ]
	equal "3000 passed, 0 failed" "$output"
}

# counted KEY NODE...: waits until each of them has counted, and prints how often each did
counted() {
	local key=$1 node file
	shift
	for node; do
		file=$DEPLOYCTL_LAB/nodes/$node/count.$key
		for _ in $(seq 100); do
			[ -s "$file" ] && break
			sleep 0.05
		done
		printf '%s ' "$(cat "$file")"
	done
}

@test "--nr: nodes do it once and say nothing, as when mco asks so" {
	local key=nr$$ nodes=(web01.example.net web02.example.net web03.example.net)
	dc rpc lab count key=$key --nr -F 'rank<=3' -o json
	equal 0 "$status"
	equal '[0,true,[]]' "$(json '[d["summary"]["nodes"], d["summary"]["broadcast"], d["items"]]')"
	equal '1 1 1 ' "$(counted $key "${nodes[@]}")"
	dc rpc lab count key=$key.named --nr -I 'web[01-02].example.net,web99.example.net' -o json
	equal 4 "$status"
	equal '[["web01.example.net","web02.example.net"],["web99.example.net"],0]' \
		"$(json 's = d["summary"]; [s["handed_over"]["nodes"], s["not_connected"]["nodes"], s["unexpected"]]')"
	equal '1 1 ' "$(counted $key.named "${nodes[@]:0:2}")"
	run --separate-stderr lab mco rpc lab count key=$key.mco --nr -F 'rank<=3'
	has "$output" 'Request sent with id'
	equal '1 1 1 ' "$(counted $key.mco "${nodes[@]}")"
	# Whoever heard of it twice has counted that by now: nodes take requests in order.
	dc rpc lab count key=$key -F 'rank<=3' -o json --window-time 1s
	equal '[2]' "$(json 'd["items"].map { |i| i["data"]["count"] }.uniq')"
	[ ! -e "$DEPLOYCTL_LAB/nodes/web03.example.net/count.$key.named" ]
}
