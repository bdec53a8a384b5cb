#!/usr/bin/env bats
# deployctl push-facts, on a fleet whose nodes keep what they are given.
# shellcheck disable=SC2016,SC2154
load loop_helper

setup() {
	setup_loop
	export DEPLOYCTL_LOOP_FACTS=facts
	fleet 'node web1 facts country=de role=dn' 'deploop web1 ours' \
		'node web2 facts country=uk role=dn' 'deploop web2 replacing' \
		'node web3 facts country=de role=dn' 'deploop web3 adding' \
		'node db1 facts country=de role=dn'
}

# push STATUS WORDS...: as from a script
push() {
	deployctl "$1" push-facts --window-time 25ms --yes "${@:2}"
}

# assign WORDS...: nodes get a role of the layer batch in the cluster lab; they are web1 and web2
assign() {
	deployctl 0 assign-role 'web[1-2]' --collection lab --category batch --role nn --yes "$@"
	rm "$DEPLOYCTL_LOOP_LOG"
}

# facts NODE: what it has, and its environment, as JSON
facts() {
	sed -n "s/^$1 //p" facts
}

# deeds: what changed nodes, "NODE ACTION" in order, since the last call
deeds() {
	awk '$2 == "deploop" {printf "%s%s %s", comma, $1, $3; comma = ", "}' "$DEPLOYCTL_LOOP_LOG"
	rm "$DEPLOYCTL_LOOP_LOG"
}

ledger() {
	"${BUILD:-$REPO/build}/test/crash/ledger" "$DEPLOYCTL_STATE"
}

# -- what nodes get

@test "nodes get what they are assigned, and their environment; done twice, nothing is touched" {
	assign --environment test
	push 0 --all
	same 'NODE  STATUS  RESULT
web1  ok      changed
web2  ok      changed' "$output"
	same '2 nodes: 2 ok' "$stderr"
	same '{"environment":"test","facts":{"country":"uk","deploop_category":"batch",'\
'"deploop_collection":"lab","deploop_role":"nn","role":"dn"}}' "$(facts web2)"
	same 'web1 puppet_environment, web2 puppet_environment, web1 create_fact, web2 create_fact, '\
'web1 create_fact, web2 create_fact, web1 create_fact, web2 create_fact' "$(deeds)"
	same 10 "$(ledger | grep -cE '^- assigned web[12] pushed (verified deploop_|- puppet/environment test)|entity')"
	push 0 --all
	same 'NODE  STATUS  RESULT
web1  ok      unchanged
web2  ok      unchanged' "$output"
	same '' "$(deeds)"
}

@test "a machine that was set up anew gets its environment again, with its facts" {
	assign --environment test
	push 0 --all
	rm facts
	push 0 --all --diff
	holds "$output" 'Puppet environment: test'
	holds "$(facts web1)" '"environment":"test"'
}

# stage NODE: how far it has come
stage() {
	deployctl 0 status "$1"
	sed -n 's/^  stage *\([a-z]*\),.*/\1/p' <<<"$output"
}

@test "a node that is done stays so when it is looked at again, and not when it had lost a fact" {
	also 'puppet web1 clean'
	assign --environment test
	push 0 web1
	same facts "$(stage web1)"
	deployctl 0 puppet run web1 --yes
	same done "$(stage web1)"
	push 0 web1
	same done "$(stage web1)"
	sed -i 's/"deploop_role":"nn",//' facts
	push 0 web1
	holds "$output" 'web1  ok      changed'
	same facts "$(stage web1)"
}

@test "a value is set, added to or replaced as the agent does it: all nodes have it in the end" {
	push 0 'role=rm dn' 'web[1-3]' --diff
	same 'web1: changed
  role: dn -> rm dn
web2: changed
  role: dn -> rm dn
web3: changed
  role: dn -> rm dn' "$output"
	same 'rm dn,rm dn,dn rm' "$(sed 's/.*"role":"\([^"]*\)".*/\1/' facts | paste -sd,)"
	# The node that replaces is told twice: how it is was not known.
	same 'web1 create_fact, web2 create_fact, web3 create_fact, web2 create_fact' "$(deeds)"
	push 0 'role=dn rm' 'web[1-3]'
	same '' "$(deeds)"
}

@test "only nodes that are not as wanted are touched" {
	push 0 country=de 'web[1-3]' -o json
	same 'web1 ok false {},web2 ok true {"country"=>{"from"=>"uk", "to"=>"de"}},web3 ok false {}' \
		"$(document 'd["items"].map { |i|
			i.values_at("node", "state", "changed", "facts").join(" ") }.join(",")')"
	same '3 3 0 0 0 0 0' "$(summary)"
}

@test "roles that are taken away leave no fact behind, and then the node is free" {
	assign
	push 0 web1
	deployctl 0 assign-role web1 --remove --yes
	rm "$DEPLOYCTL_LOOP_LOG"
	push 0 web1 --diff
	same 'web1: changed
  deploop_category: batch -> (none)
  deploop_collection: lab -> (none)
  deploop_role: nn -> (none)' "$output"
	same '{"facts":{"country":"de","role":"dn"}}' "$(facts web1)"
	push 65 web1
	same 'deployctl: nothing is assigned to web1' "${stderr_lines[0]}"
	holds "${stderr_lines[1]}" '  try: deployctl assign-role web1 '
}

@test "published agents cannot take facts away, nor words: they fail and say what they show" {
	assign
	push 0 'web[1-2]'
	deployctl 0 assign-role web2 --remove --yes
	push 5 web2
	holds "$output" 'web2  failed  remove_fact deploop_category: Unknown action: remove_fact'
	holds "$(ledger)" '- assigned web2 - - deploop_category '
	push 5 role=rm web3 --verify-time 0
	holds "$output" 'web3  failed  role was sent, but the node still shows "dn rm"; a published agent may add words'\
' and take none away'
}

@test "a node that shows new facts late is looked at until it does" {
	also 'stale web1 3'
	push 0 role=rm web1 -o json
	same 'true' "$(document 'd["items"][0]["changed"]')"
	same 'web1 create_fact' "$(deeds)"
	also 'stale web1 3'
	push 5 role=nn web1 --verify-time 0
	holds "$output" 'web1  failed  role was sent, but the node still shows "dn"'
}

@test "a file of facts is fetched by the nodes, and what was assigned is no longer known to be there" {
	assign --environment test
	push 0 web1
	push 0 web1 --from-url https://files.example.net/rack=r1 --diff
	holds "$(facts web1)" '"rack":"r1"'
	same 5 "$(ledger | grep -c '^- assigned web1 - - ')"
	push 5 web2 --from-url https://files.example.net/rack=r1
	holds "$output" 'web2  failed  fetch_facts: Unknown action: fetch_facts'
}

@test "another environment lasts until what is assigned is given again" {
	assign --environment test
	push 0 web1 --environment other
	holds "$(facts web1)" '"environment":"other"'
	rm "$DEPLOYCTL_LOOP_LOG"
	push 0 web1 --diff
	same 'web1: changed
  Puppet environment: test' "$output"
	same 'web1 puppet_environment' "$(deeds)"
	push 0 web1 --environment other
	push 0 web1
	holds "$(facts web1)" '"environment":"test"'
	push 0 web1 deploop_role=dn
	same '- assigned web1 - - deploop_role nn' "$(ledger | grep '^- .* web1 .*deploop_role')"
}

# -- whom

@test "a filter means nodes with the agent; of what is assigned, those that are" {
	push 0 rack=r1 -F country=de -o json
	same 'web1 web3' "$(document 'd["items"].map { |i| i["node"] }.join(" ")')"
	assign
	push 0 -F country=de
	same 'NODE  STATUS  RESULT
web1  ok      changed' "$output"
	holds "$stderr" 'left out, since nothing is assigned to them: web3'
}

@test "nobody is a result of its own, and nothing that was not assigned is given" {
	push 1 --all
	same 'nothing is assigned to anybody; how to: deployctl help assign-role
no node is left to ask' "$stderr"
	push 0 --all --empty-ok
	push 1 a=b -F country=xx --dt 50ms
	push 65 'web[1-2]'
	same 'deployctl: nothing is assigned to web[1-2]' "${stderr_lines[0]}"
	same '' "$(deeds)"
}

# -- what goes wrong

@test "as soon as one node fails no other is begun; mended, the same command goes on" {
	also 'reply web2 fail 1 no room'
	push 5 rack=r1 'web[1-3]' --window 1
	same 'NODE  STATUS     RESULT
web1  ok         changed
web2  failed     get_facts: no room
web3  not asked  not asked: the task stopped' "$output"
	same 'stopped: 1 of 3 nodes not ok, more than the 0 that max-fail 0 tolerates
3 nodes: 1 ok, 1 failed, 1 not asked
failed: web2
not asked: web3
to go on, give the same command again' "$stderr"
	same 'web1 create_fact' "$(deeds)"
	sed -i '$d' "$DEPLOYCTL_LOOP"
	push 0 rack=r1 'web[1-3]' --window 1
	same 'web2 create_fact, web3 create_fact' "$(deeds)"
	also 'reply web2 fail 1 no room'
	push 2 box=b1 'web[1-3]' --window 1 --max-fail 1
	same 'web1 create_fact, web3 create_fact' "$(deeds)"
}

@test "who is silent or not connected is told apart, and no success" {
	also 'reply web1 silent' 'absent web2'
	push 4 rack=r1 'web[1-3]' --max-fail 2 -t 0.1
	same 'NODE  STATUS         RESULT
web1  silent         no answer to get_facts
web2  not connected  not connected
web3  ok             changed' "$output"
	holds "$stderr" '3 nodes: 1 ok, 1 silent, 1 not connected'
	push 3 rack=r1 db1 --max-fail 1 -t 0.1
	same 'NODE  STATUS  RESULT
db1   silent  no answer to create_fact rack: it may have been done, or there is no agent deploop' \
		"$output"
}

@test "interrupted, it leaves no node half told, says who is unknown, and goes on when given again" {
	local pid status=0
	also 'reply web[1-2] delay 200ms'
	"$DEPLOYCTL" push-facts --yes a=1 b=2 'web[1-2]' --window 1 >out 2>err 3>&- &
	pid=$!
	for _ in $(seq 500); do
		grep -qs '^web1 deploop' "$DEPLOYCTL_LOOP_LOG" && break
		sleep 0.01
	done
	kill -INT "$pid"
	wait "$pid" || status=$?
	same 130 "$status"
	holds "$(<out)" 'web1  unknown    interrupted before all facts were given' 'web2  not asked'
	same 'web1 create_fact' "$(deeds)"
	sed -i '$d' "$DEPLOYCTL_LOOP"
	push 0 a=1 b=2 'web[1-2]'
	same 'web1 create_fact, web2 create_fact, web2 create_fact' "$(deeds)"
}

@test "without a state file nothing is given: 74" {
	push 74 a=b web1 --state /dev/null/state.db
	[ ! -e "$DEPLOYCTL_LOOP_LOG" ]
}

# -- looking, asking, refusing

@test "a dry run looks, says what would change, and changes nothing, not even the record" {
	assign --environment test
	deployctl 0 push-facts 'web[1-2]' --dry-run --diff
	same 'web1: would change
  deploop_category: (none) -> batch
  deploop_collection: (none) -> lab
  deploop_role: (none) -> nn
  Puppet environment: test' "$(head -n 5 <<<"$output")"
	deployctl 0 push-facts 'web[1-2]' --dry-run role=dn
	same 'NODE  STATUS  RESULT
web1  ok      unchanged
web2  ok      unchanged' "$output"
	same '' "$(deeds)"
	same '1 run assign-role ended 0' "$(ledger | grep ' run .* ended' | grep -v push-facts)"
	same 10 "$(ledger | grep -c '^- assigned web[12] - - ')"
	[ ! -e facts ]
}

@test "for programs: names, lines with each step before it is taken, the environment" {
	push 0 rack=r1 'web[1-3]' -o name
	same 'web1 web2 web3' "$(paste -sd' ' <<<"$output")"
	push 0 rack=r2 web1 --environment test -o jsonl
	same 'task_started step step outcome task_ended summary' \
		"$(cut -d'"' -f4 <<<"$output" | paste -sd' ')"
	holds "$output" '"text":"puppet_environment test"' '"text":"create_fact rack"' \
		'"facts":{"rack":{"from":"r1","to":"r2"}},"environment":"test"'
}

@test "it asks before it acts: without a terminal --yes is needed, and declined is 6" {
	deployctl 64 push-facts rack=r1 web1
	same 'deployctl: it asks before it acts; without a terminal --yes is needed' "${stderr_lines[0]}"
	deployctl 64 push-facts rack=r1 web1 --no-input
	cat >answer <<-'END'
		set timeout 20
		eval spawn -noecho [lrange $argv 1 end]
		expect "y/N" { send "[lindex $argv 0]\r" } timeout { exit 98 }
		expect eof
		exit [lindex [wait] 3]
	END
	for answer in 'n 6 nothing was done' 'y 0 1 node: 1 ok'; do
		read -r key expected text <<<"$answer"
		run expect -f answer "$key" "$DEPLOYCTL" push-facts rack=r1 web1
		same "$expected" "$status"
		holds "$output" '1 node will be given facts. Go on? [y/N]' "$text"
	done
}

@test "what agents would refuse, or what makes no sense together, is refused unsent" {
	push 64
	holds "$stderr" 'which nodes? Name them, give a filter, or say --all'
	push 64 a=b
	push 64 a=b --all web1
	push 64 a=b a=c web1
	holds "$stderr" 'a is given twice'
	push 64 web1 a=b --from-url https://x/y
	push 64 web1 --from-url https://x/y --dry-run
	push 64 web1 --sha256 x
	push 65 'a b=c' web1
	push 65 a= web1
	holds "$stderr" 'a: the value is empty'
	push 65 "a=$(printf 'x%.0s' {1..101})" web1
	push 65 "$(printf 'x%.0s' {1..300})=a" web1
	push 65 'a=$(reboot)' web1
	push 65 a=b web1 --environment ../x
	holds "$stderr" 'web1: "../x" is no name of a Puppet environment'
	push 65 web1 --from-url http://x/y
	holds "$stderr" 'the file'"'"'s digest is needed' '--sha256 DIGEST'
	push 65 web1 --from-url https://x/y --sha256 abc
	push 65 web1 --from-url 'ftp://x/y'
	push 65 web1 --from-url $'https://x/\e[31m'
	no_controls <(printf '%s' "$stderr")
	[ ! -e "$DEPLOYCTL_LOOP_LOG" ]
}
