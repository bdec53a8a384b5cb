#!/usr/bin/env bats
# deployctl rpc on many nodes: how they are found, reached and waited for.
# shellcheck disable=SC2016,SC2154
load loop_helper

setup() {
	setup_loop
}

@test "many names go out one by one, and the broker says who is absent" {
	fleet 'node n[001-100] facts cluster=alfa' 'absent n003,n050,n100' 'reply n007 fail 1 no' \
		'reply n009 silent' 'reply n010 delay 100ms'
	ask_rpc 2 "${FACT[@]}" -I 'n[001-100]' -t 0.3 -o json
	same '100 95 1 4 3 0 0' "$(summary)"
	same 'n003 n050 n100' "$(document 's["not_connected"]["nodes"].join(" ")')"
	same '100 100' "$(sent mcollective_directed) $(sent mcollective_directed '1 mandatory')"
	same 97 "$(executed | wc -w)"
}

@test "a large request goes to many names at once, and the probe finds who is absent" {
	local text
	text=$(printf 'x%.0s' {1..90000})
	fleet 'node n[001-760]' 'absent n003,n050,n100' 'reply n010 delay 500ms'
	ask_rpc 4 rpcutil ping "text=$text" -I 'n[001-760]' -t 5 -o json
	same '760 757 0 3 3 0 0' "$(summary)"
	same 'n003 n050 n100' "$(document 's["not_connected"]["nodes"].join(" ")')"
	same 1 "$(sent mcollective_directed '760 -')"
	# Probes go only to those that had not answered, and make no node do anything.
	[ "$(sent mcollective_directed '1 mandatory')" -ge 4 ]
	same 757 "$(executed | wc -w)"
}

@test "absent nodes among many are known without waiting for the timeout" {
	fleet 'node n[001-100]' 'absent n003'
	ask_rpc 4 "${FACT[@]}" -I 'n[001-100]' -t 100 -o json
	same '100 99 0 1 1 0 0' "$(summary)"
}

@test "5,000 nodes are found by one broadcast and asked by another" {
	fleet 'node n[0001-5000] facts cluster=alfa'
	deployctl 0 rpc "${FACT[@]}" --window-time 150ms
	same 'n[0001-5000] (5000 nodes): ok' "$(head -n 1 <<<"$output")"
	same '2 0' "$(sent mcollective_broadcast) $(sent mcollective_directed '[0-9]+ -')"
	same 5000 "$(executed | wc -w)"
	peak_below 32
}

@test "a node that discovery missed and the broadcast reached is counted, not credited, and no success" {
	fleet 'node n[001-100]' 'pong n007 silent'
	ask_rpc 4 "${FACT[@]}" -o json
	same '99 99 0 0 0 0 0 unexpected 1' "$(summary)"
	holds "$stderr" 'discovery ended too early, 1 more reply came later'
}

@test "a broker that pauses makes discovery wait, however short the window is" {
	fleet 'node n[001-100]' 'broker pause-after 50 for 700ms'
	ask_rpc 0 "${FACT[@]}" -o json
	same '100 100 0 0 0 0 0' "$(summary)"
}

@test "a broker that pauses makes no node silent" {
	fleet 'node n[001-100]' 'broker pause-after 150 for 700ms'
	ask_rpc 0 "${FACT[@]}" -o json -t 200ms
	same '100 100 0 0 0 0 0' "$(summary)"
}

@test "a broker that pauses for good is waited for two seconds, once" {
	fleet 'node n[001-100]' 'broker pause-after 150 for 1h'
	ask_rpc 4 "${FACT[@]}" -o json -t 200ms
	same '100 50 0 50 0 0 0' "$(summary)"
}

@test "a node that answers discovery too late is no success either" {
	also 'pong web1 delay 200ms' 'reply web2 delay 400ms'
	deployctl 4 rpc "${FACT[@]}" --window-time 50ms -C apache -o json
	same '4 4 0 0 0 0 0 late 1' "$(summary)"
	holds "$stderr" 'discovery ended too early' '--window-time'
}

@test "a node that discovery only heard of is not connected when it is asked" {
	also 'pong web1 wrongsender ghost'
	ask_rpc 4 lab echo -o json
	same '9 8 0 1 1 0 0' "$(summary)"
	same ghost "$(document 's["not_connected"]["nodes"].join')"
}
