#!/usr/bin/env bats
# deployctl status and --cached: what earlier runs have left, without a broker.
# shellcheck disable=SC2154
load loop_helper

setup() {
	setup_loop
	fleet 'node web[1-3] facts deploop_collection=alfa deploop_category=front deploop_role=web country=de classes apache' \
		'node web4 facts country=uk deploop_collection=alfa classes nginx' 'node db1 facts country=uk'
}

W=(--window-time 25ms)

# learn: everything about everybody, and then nobody is there any more
learn() {
	deployctl 0 inventory 'web[1-4]' db1
	fleet
}

@test "without a state file nothing is known" {
	deployctl 0 status
	same '0 nodes known, 0 seen in the last 24 h' "$output"
	holds "$stderr" 'deployctl discover'
	[ ! -e "$DEPLOYCTL_STATE" ]
	deployctl 1 status web1
	holds "$stderr" 'web1: neither a node that is known' 'try: deployctl discover'
	deployctl 0 status -o json
	same '0 0' "$(document '[s["nodes"], d["items"].length].join(" ")')"
}

@test "the fleet: nodes by stage" {
	learn
	deployctl 0 status
	same '5 nodes known, 5 seen in the last 24 h

STAGE       COUNT  NODES
discovered  2      db1,web4
facts       3      web[1-3]' "$output"
	deployctl 0 status -o wide
	same 'web1 facts - alfa front web - -' \
		"$(awk '$1 == "web1" {print $1, $2, $3, $4, $5, $6, $7, $8}' <<<"$output")"
	deployctl 0 status -o json
	same '5 5 2 3 0 0 web1 facts alfa web deployctl sign-cert web1' "$(document \
		'[*s.values_at("nodes", "seen"), *s["stages"].values_at("discovered", "facts", "done"),
		s["running"], *d["items"][1].values_at("node", "stage", "collection", "role", "next")
		].join(" ")')"
	deployctl 0 status -o name
	same "$(names db1 web1 web2 web3 web4)" "$output"
	deployctl 0 status -o jsonl
	same 6 "$(wc -l <<<"$output")"
}

@test "a node: its stage, what to type next, what it has shown, what was done to it" {
	deployctl 0 inventory 'web[1-4]' db1
	also 'reply web1 fail 3 no luck'
	ask_rpc 2 lab echo -I web1
	deployctl 0 status web1
	holds "$output" 'stage        facts, since' 'next         deployctl sign-cert web1' \
		'certificate  not known' 'deploop_role        -         web    -       -' 'rpc   failed' 'no luck'
	deployctl 0 status db1
	holds "$output" 'stage        discovered' 'deployctl assign-role db1 --collection'
	deployctl 0 status web1 -o json
	same 'node web1 facts failed no luck front nil' "$(document 'i = d["items"][0]
		[d["kind"], *i.values_at("node", "stage"), *i["outcomes"][0].values_at("state", "message"),
		i["facts"].find { |f| f["fact"] == "deploop_category" }["shown"],
		i["certificate"].inspect].join(" ")')"
}

@test "no broker is needed, nor a configuration that names one, but one that can be read" {
	learn
	deployctl 0 status -c .config/deployctl/config.yaml
	holds "$output" '5 nodes known'
	deployctl 0 history -c .config/deployctl/config.yaml
	same '' "$stderr"
	printf 'state: [\n' >.config/deployctl/config.yaml
	for words in status history 'history prune'; do
		# shellcheck disable=SC2086
		deployctl 78 $words
	done
}

@test "a state file that cannot be used is named, with 74" {
	printf 'this is no database, and it is long enough to be taken for none of them at all%.0s' \
		{1..20} >"$DEPLOYCTL_STATE"
	for words in status 'status web1' history 'discover --cached' 'facts country --cached'; do
		# shellcheck disable=SC2086
		deployctl 74 $words
		holds "$stderr" "state file $DEPLOYCTL_STATE"
	done
}

@test "a cluster as a tree" {
	learn
	deployctl 0 status --topology alfa
	same 'alfa
  front
    web
      web1  -  facts
      web2  -  facts
      web3  -  facts
  -
    -
      web4  -  discovered' "$output"
	deployctl 0 status --topology alfa -o json
	same 'topology front web web1,web2,web3 4' "$(document 'r = d["items"][0]["roles"][0]
		[d["kind"], d["items"][0]["category"], r["role"], r["nodes"].map { |n| n["node"] }.join(","),
		s["nodes"]].join(" ")')"
	deployctl 1 status --topology alf
	deployctl 64 status --topology alfa web1
}

# assign NODES WORDS...: what they are meant to be
assign() {
	deployctl 0 assign-role "$1" --collection prod --category "$2" --role "$3" --yes
}

@test "a node of several layers stands in each of them" {
	learn
	cat >prod.yaml <<-'END'
		buildoop_repository: http://example.net/repo
		environment_cluster: prod
		cluster_layout:
		  name: prod
		  batch:
		    nn1: {hostname: web1}
		    nn2: {hostname: web2}
		    rm: {hostname: web3, entity: [yarn]}
		    dn: [{hostname: web4}]
		  serving:
		    name: hbase
		    hbase-master: {hostname: web4}
		    hbase-worker: [{hostname: db1}]
	END
	deployctl 0 assign-role -f prod.yaml --yes
	deployctl 0 status --topology prod
	same 'prod serving hbase-worker db1 hbase-master web4 batch nn1 web1 nn2 web2 rm web3 dn web4' \
		"$(awk '{printf "%s%s", s, $1; s = " "}' <<<"$output")"
	holds "$output" 'web3  yarn  role'
	deployctl 0 status --topology prod -o name
	same "$(names db1 web1 web2 web3 web4)" "$output"
}

@test "what a node is assigned counts more than what it shows, until it has it" {
	learn
	assign web1 front web
	deployctl 0 status web1
	holds "$output" 'stage        role, since' 'next         deployctl push-facts web1' \
		'deploop_collection  prod       alfa' 'deploop_entity      (nothing)  -' 'assign-role  ok'
	deployctl 0 status -o json
	same 'role prod assign-role ok' "$(document 'i = d["items"].find { |i| i["node"] == "web1" }
		[*i.values_at("stage", "collection"), *i["last"].values_at("kind", "state")].join(" ")')"
	deployctl 0 discover --cached --registered -I web1
	holds "$output" 'web1  alfa'
}

@test "--watch prints again what has changed, and only then" {
	deployctl 0 inventory web1
	"$DEPLOYCTL" status --watch --every 20ms >out 3>&- &
	local pid=$!
	for _ in $(seq 200); do
		[ -s out ] && break
		sleep 0.02
	done
	sleep 0.2
	same 1 "$(grep -c '1 node known' out)"
	deployctl 0 inventory web2
	for _ in $(seq 200); do
		grep -q '2 nodes known' out && break
		sleep 0.02
	done
	kill "$pid"
	wait "$pid" || true
	same 1 "$(grep -c '1 node known' out)"
	same 1 "$(grep -c '2 nodes known' out)"
	deployctl 64 status --watch -o json
	holds "$stderr" '-o jsonl'
	deployctl 64 status --every 1s
}

@test "--watch repaints a terminal" {
	also 'reply web1 fail 1 sorry'
	ask_rpc 2 lab echo -I web1
	on_terminal status --watch 0 >out
	holds "$(cat out)" $'\e[H' $'web1: failed (1): sorry\e[K' $'\e[J'
	on_terminal status >out
	[[ $(cat out) != *$'\e[H'* ]]
}

@test "discover --new and --registered ask by the facts of a role" {
	deployctl 0 discover "${W[@]}" --new
	same "$(names db1 web4)" "$output"
	deployctl 0 discover "${W[@]}" --new -C nginx
	same web4 "$output"
	deployctl 0 discover "${W[@]}" --registered
	same 'NODE  COLLECTION  CATEGORY  ROLE  ENTITY
web1  alfa        front     web   -
web2  alfa        front     web   -
web3  alfa        front     web   -' "$output"
	deployctl 0 discover "${W[@]}" --registered --fold
	same 'web[1-3]' "$output"
	deployctl 0 discover "${W[@]}" --registered -o json
	same 'sender collection category role entity alfa' \
		"$(document '[*d["items"][0].keys, d["items"][0]["collection"]].join(" ")')"
	deployctl 1 discover "${W[@]}" --dt 50ms --registered -C nginx
	printf 'role_facts: {collection: nosuch, role: country}\n' >>.config/deployctl/config.yaml
	deployctl 0 discover "${W[@]}" --new
	same "$(names db1 web1 web2 web3 web4)" "$output"
}

@test "what does not go together is refused" {
	for words in '--new --registered' '--cached --why web1 -C x' '--registered --check-agents lab' \
		'--new --nodes /dev/null'; do
		# shellcheck disable=SC2086
		deployctl 64 discover $words
	done
	deployctl 64 discover --cached -S "fstat('/x').size>1"
	holds "$stderr" 'known to nodes only'
}

@test "--cached judges as nodes do, by what they said" {
	learn
	for words in '-F country=de' '-C apache' '-S apache and not country=uk' '-I /web[1-3]/' \
		'-I web[1-3],nosuch' '--registered' '-A rpcutil --registered' \
		'-x db1,web4' '--limit 3 -C apache'; do
		# shellcheck disable=SC2086
		case $words in
		-S*) deployctl 0 discover --cached -S "${words#-S }" -o name ;;
		*) deployctl 0 discover --cached $words -o name ;;
		esac
		same "$(names web1 web2 web3)" "$output"
	done
	deployctl 0 discover --cached --new -o name
	same "$(names db1 web4)" "$output"
	deployctl 1 discover --cached -F country=fr
	deployctl 0 discover --cached -F country=fr --empty-ok
	deployctl 0 discover --cached
	same 'NODE  AGE' "${lines[0]}"
	holds "$stderr" 'from the state file; the oldest of it is'
	deployctl 0 discover --cached --registered -o json
	same 'sender collection category role entity learnt web3' \
		"$(document '[*d["items"][0].keys, d["items"][2]["sender"]].join(" ")')"
}

@test "--cached says nothing of nodes of which too little is known" {
	deployctl 0 ping "${W[@]}"
	deployctl 0 facts country "${W[@]}" -I web1
	fleet
	deployctl 0 discover --cached -o name
	same "$(names db1 web1 web2 web3 web4)" "$output"
	deployctl 0 discover --cached -F country=de -o name
	same web1 "$output"
	holds "$stderr" '4 more nodes are known'
	deployctl 1 discover --cached -S 'not country=de'
	holds "$stderr" '5 more nodes are known'
	deployctl 1 discover --cached --new
	holds "$stderr" '5 more nodes are known, but not what is asked here; to learn it: deployctl discover -o wide'
	deployctl 0 facts --cached country -o json
	same 'de 1 web1 4' "$(document '[*d["items"][0].values_at("value", "count", "nodes"),
		s["not_judged"]].join(" ")')"
}

@test "what to type where too little is known is what it takes" {
	deployctl 0 ping "${W[@]}"
	deployctl 1 discover --cached --new
	# shellcheck disable=SC2086
	deployctl 0 ${stderr##*to learn it: deployctl } "${W[@]}"
	deployctl 0 discover --cached --new -o name
	same "$(names db1 web4)" "$output"
	deployctl 0 discover --cached -F country=uk -C nginx -A rpcutil -o name
	same web4 "$output"
}

@test "a fact that nodes were asked for and lack is known, too" {
	deployctl 0 facts rank "${W[@]}"
	deployctl 0 facts rank --cached
	same '(not set) 5' "$(awk 'NR == 2 {print $1, $2, $3}' <<<"$output")"
	deployctl 1 discover --cached -F rank=1
	[[ $stderr != *'more node'* ]]
	deployctl 0 facts deploop_collection "${W[@]}"
	deployctl 0 facts deploop_role "${W[@]}"
	deployctl 0 discover --cached --new -o name
	same "$(names db1 web4)" "$output"
}

@test "facts --cached counts values, each with its age" {
	learn
	deployctl 0 facts country --cached
	same 'VALUE COUNT AGE de 3 uk 2' "$(awk 'NR == 1 {print; next} {print $1, $2}' <<<"$output" |
		tr -s ' \n' '  ' | sed 's/ $//')"
	deployctl 0 facts country --cached -n --no-headers
	holds "$output" 'web[1-3]' db1,web4
	deployctl 64 facts 'a b' --cached
}

# candidates WORD...: what is offered for the last word, on one line
candidates() {
	"$DEPLOYCTL" __complete "$@" | cut -f1 | tr '\n' ' '
}

@test "completion knows nodes, facts, values and runs" {
	same '' "$(candidates discover -I '')"
	learn
	same 'db1 web1 web2 web3 web4 ' "$(candidates discover -I '')"
	same 'db1,web1 db1,web2 db1,web3 db1,web4 ' "$(candidates rpc --with-identity db1,w)"
	same '--exclude=web1 ' "$(candidates ping --exclude=web1)"
	same 'web4 ' "$(candidates inventory web4)"
	same 'country= ' "$(candidates discover -F cou)"
	same 'country=de country=uk ' "$(candidates discover -F country=)"
	same '--with-fact=country=uk ' "$(candidates discover --with-fact=country=u)"
	same 'country ' "$(candidates facts cou)"
	run=$("$DEPLOYCTL" history -o name)
	same "$run " "$(candidates status "${run:0:3}")"
	same 'web1 web2 web3 web4 ' "$(candidates status web)"
	same '' "$(candidates --state "$PWD/other.db" status web)"
	same '' "$(candidates status web1 web)"
	for words in push-facts assign-role sign-cert 'puppet run' inventory; do
		# shellcheck disable=SC2086
		deployctl 0 __complete $words web
		same 'web1 web2 web3 web4' "$(cut -f1 <<<"$output" | paste -sd' ')"
	done
	deployctl 0 __complete puppet ''
	same 'run enable disable status' "$(cut -f1 <<<"$output" | paste -sd' ')"
}

@test "an mco file that cannot be used keeps nobody from reading what was recorded" {
	echo 'connector = activemq' >.mcollective
	deployctl 78 ping
	deployctl 0 status
	deployctl 0 history
}
