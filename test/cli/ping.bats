#!/usr/bin/env bats
# deployctl ping, on a fleet that is a script.
# shellcheck disable=SC2154
load loop_helper

setup() {
	setup_loop
}

# finds EXPECTED WORDS...: ping with these filters lists these nodes, both separated by blanks
finds() {
	local expected=$1
	shift
	# shellcheck disable=SC2086
	expected=$(names $expected)
	ask_ping 0 -o name "$@"
	same "$expected" "$output" || { printf 'with: %s\n' "$*" && return 1; }
}

@test "everyone is listed with a round trip, sorted by name" {
	fleet 'node web[2,10,1]'
	ask_ping 0
	same "NODE   STATUS  TIME
web1   ok N ms
web10  ok N ms
web2   ok N ms" "$(masked)"
	same '3 nodes: 3 ok' "$(head -n 1 <<<"$stderr")"
	[[ $stderr =~ round\ trip:\ min\ [0-9.]+,\ average\ [0-9.]+,\ max\ [0-9.]+\ ms ]]
}

@test "the table has no headers with --no-headers" {
	ask_ping 0 --no-headers -I web1
	same 'web1  ok N ms' "$(masked)"
}

@test "facts choose nodes by every operator, numbers as numbers" {
	finds 'web1 web2 web3 web4 web5' -F country=de
	finds 'web1 web2 web3 web4 web5' -F country==de
	finds 'db1 web6 web7 web8 web9' -F country!=de
	finds 'db1 web6 web7 web8 web9' -F 'country=~/^u/'
	finds 'db1 web6 web7 web8 web9' -F country=/k$/
	finds 'web1 web2 web3 web4 web5' -F 'rank<10'
	finds 'web6 web7 web8 web9' -F 'rank>2'
	finds 'web6 web7 web8 web9' -F 'rank>=10'
	finds 'web1 web2 web3 web4 web5' -F 'rank<=2'
	finds db1 -F os=Debian
}

@test "a node without the fact matches no comparison with it" {
	finds db1 -F 'os!=Solaris'
	ask_ping 1 -o name -F 'os!=Debian' --dt 20ms
}

@test "classes and agents choose nodes, as words and as expressions" {
	finds 'web6 web7 web8 web9' -C nginx
	finds 'web1 web2 web3 web4 web5 web6 web7 web8 web9' -C /^com/
	finds db1 -C /gres/
	finds 'web1 web2 web3 web4 web5 web6 web7 web8 web9' -A lab
	finds 'db1 web1 web2 web3 web4 web5 web6 web7 web8 web9' -A /^rpc/
}

@test "identities choose nodes: a set, an expression, and both at once" {
	finds 'web1 web2 web3 web7' -I 'web[1-3],web7'
	finds 'db1 web2' -I web2 -I db1
	finds db1 -I /^db/
	finds 'db1 web2 web3' -I 'web[2-3]' -I /^db/
}

@test "a node that several identities match is found once" {
	finds 'web1 web2 web3' -I 'web[1-2]' -I '/[23]$/'
	finds 'web1 web2 web3' -I '/[12]$/' -I '/web[23]/' -x db1
}

@test "an identity that is a name matches nothing but that name" {
	fleet 'node web1' 'node xweb1' 'node web1.example.net' 'node web1-example.net' 'node old'
	finds 'old web1' -I web1 -I /^old$/
	finds 'old web1.example.net' -I web1.example.net -I /^old$/
}

@test "terms of different kinds must all hold" {
	finds 'web1 web2' -F country=de -C apache -I 'web[1-2],web9'
	finds db1 -F cluster=alfa -F country=uk
	finds 'web8 web9' -F country=uk -A lab -I '/[89]$/'
	ask_ping 1 -C apache -C nginx --dt 20ms
}

@test "-W takes facts and classes in one text" {
	finds 'web6 web7 web8 web9' -W 'country=uk common'
	finds 'web1 web2 web3 web4 web5' -W '/^ap/ rank<3'
}

@test "-x takes nodes out, named or found" {
	finds 'web1 web4 web5' -F country=de -x 'web[2-3]' -x db1
	finds 'web1' -I 'web[1-3]' -x 'web[2-3]'
	grep -q '^web2 ' "$DEPLOYCTL_LOOP_LOG" # found, then left out
	rm "$DEPLOYCTL_LOOP_LOG"
	finds 'web1' -I 'web[1-3]' -x 'web[2-3]'
	same web1 "$(awk '$2 == "discovery" {print $1}' "$DEPLOYCTL_LOOP_LOG")"
}

@test "nobody is left when all that are named are excluded: 1, and nothing is sent" {
	ask_ping 1 -I web1 -x web1
	same '' "$output"
	same 'no node is left to ask' "$stderr"
	same 0 "$(sent '')"
}

@test "nobody is left when all that answer are excluded: 1, and no talk of a wrong PSK" {
	ask_ping 1 -x 'web[1-9],db1' --dt 0.1
	same '' "$output"
	[[ $stderr != *PSK* ]]
}

@test "-T asks in another collective's exchanges" {
	finds db1 -T de
	finds db1 -T de -I db1
	same '1 1 0' "$(sent de_broadcast) $(sent de_directed) $(sent mcollective_)"
	ask_ping 1 -T de -F country=de --dt 20ms
}

@test "-T with a collective that the configuration lacks is a usage error that names it" {
	ask_ping 64 -T dee
	same '' "$output"
	holds "$stderr" 'collective "dee"' "$HOME/.mcollective"
	same '' "$(cat "$DEPLOYCTL_LOOP_LOG" 2>/dev/null)"
}

@test "named nodes are asked one by one, and without discovery" {
	ask_ping 0 -I 'web[1-3]'
	same '0 3' "$(sent mcollective_broadcast) $(sent mcollective_directed '1 mandatory')"
}

@test "a named node without a queue is not connected, and known at once: 4" {
	also 'absent web3'
	# the time that is left to replies is never waited for
	deployctl 4 ping -I 'web[2-3]' --dt 100
	same "NODE  STATUS         TIME
web2  ok N ms
web3  not connected  -" "$(masked)"
	holds "$stderr" '2 nodes: 1 ok, 1 not connected' 'not connected: web3'
}

@test "a name that nobody has is not connected: 3 when there is no other" {
	ask_ping 3 -I 'nosuch[1-2]' -o json
	same '2 0 0 2 2 0 0' "$(summary)"
	same '3 no_answer' "$(document 'd["exit"].values.join(" ")')"
}

@test "a named node that says nothing is silent, not absent" {
	also 'pong web2 silent' 'absent web3'
	ask_ping 4 -I 'web[1-3]' -o json --dt 0.1
	same '3 1 0 2 1 0 0' "$(summary)"
	same 'web2 web3' "$(document 's["silent"]["nodes"].join(" ")')"
	ask_ping 3 -I web2 --dt 20ms
	holds "$stderr" 'silent: web2' "$HINT"
}

@test "nobody matches: 1 with a filter, 3 without one, and a hint in both cases" {
	ask_ping 1 -F country=fr --dt 20ms
	same '' "$output"
	same "no node matches, or none that matches answered
$HINT" "$stderr"
	fleet
	ask_ping 3 --dt 20ms
	same '' "$output"
	same "no node answered
$HINT" "$stderr"
}

@test "--empty-ok makes nobody a success, with and without a filter" {
	ask_ping 0 -F country=fr --empty-ok --dt 20ms
	fleet
	ask_ping 0 --empty-ok -o json --dt 20ms
	same '0 0 0 0 0 0 0' "$(summary)"
}

@test "--empty-ok does not excuse nodes that were asked and are silent" {
	also 'pong web1 silent'
	ask_ping 3 -I web1 --empty-ok --dt 20ms
}

@test "nodes with another PSK look like no nodes: 3, with the hint" {
	fleet 'psk other' 'node web[1-5]'
	ask_ping 3 --dt 20ms
	same "no node answered
$HINT" "$stderr"
	holds "$(cat "$DEPLOYCTL_LOOP_LOG")" '! wrong hash'
}

@test "replies with another PSK are counted and say so" {
	fleet 'node web[1-3]'
	also 'pong web[1-3] wronghash'
	ask_ping 3 -o json --dt 0.1
	same '0 0 0 0 0 0 0 rejected 3' "$(summary)"
	holds "$stderr" 'another PSK'
}

@test "the PSK comes from the environment before the file" {
	MCOLLECTIVE_PSK=other ask_ping 3 -I web1 --dt 20ms
	also 'psk other'
	MCOLLECTIVE_PSK=other ask_ping 0 -I web1
}

@test "bodies travel as Base64 where the configuration says so" {
	echo 'plugin.rabbitmq.base64 = yes' >>.mcollective
	ask_ping 0 -I 'web[1-2]' -o name
	same "$(names web1 web2)" "$output"
	also 'pong web1 huge 17000000' 'pong web2 garbage'
	ask_ping 3 -I 'web[1-2]' -o json --dt 0.1
	same '2 0 0 2 0 0 0 rejected 2' "$(summary)"
}

@test "-c names another configuration, here and in what is said" {
	sed 's/loop-psk/other/' .mcollective >client.cfg
	chmod 600 client.cfg
	also 'psk other'
	ask_ping 0 -c client.cfg -I web1
	chmod 666 client.cfg
	ask_ping 78 -c client.cfg -I web1
	holds "$stderr" 'client.cfg'
}

@test "terms that are empty or malformed are usage errors, and nothing is sent" {
	for word in -F= -Fcountry -F=de -Fcountry= '-W ' '-F a=~/(/' -C/x -I/ -I// -I'web[3-1]' \
		'-Iweb 1!' '-Aa b'; do
		ask_ping 64 "$word"
		same '' "$output"
		holds "$stderr" "${word:0:2}"
	done
	for option in -F -C -A -I -W; do
		ask_ping 64 "$option" ''
		same '' "$output"
		holds "$stderr" "$option"
	done
	[ ! -e "$DEPLOYCTL_LOOP_LOG" ]
}

@test "a node set that is empty or malformed is a usage error for -x as it is for -I" {
	for set in '' 'web[3-1]' 'web 1!'; do
		ask_ping 64 -x "$set"
	done
}

@test "5,000 named nodes are asked with few publishes, and every one answers" {
	fleet 'node n[0001-5000]'
	deployctl 0 ping -I 'n[0001-5000]' -o name --dt 10
	same 5000 "$(wc -l <<<"$output")"
	same 0 "$(sent mcollective_broadcast)"
	# A machine that is busy elsewhere makes a pause, in which the silent are asked for: no matter.
	[ "$(sent mcollective_directed '[0-9]+ -')" -le 4 ]
	same 5000 "$(awk '$1 == ">" && $4 == "-" {sum += $3} END {print sum}' "$DEPLOYCTL_LOOP_LOG")"
}

@test "a connection that is lost before anybody answered is 69, and names the broker" {
	also 'broker lost-after 1' 'pong web1 delay 1s'
	ask_ping 69 -I web1
	holds "$stderr" 'deployctl: broker.example.net:5672: '
}

@test "a connection that is lost during discovery is no success, and the document says the same" {
	also 'broker lost-after 1'
	run --separate-stderr "$DEPLOYCTL" ping -o json --dt 5
	[ "$status" -ne 0 ]
	same "$status" "$(document 'd["exit"]["code"]')"
}
