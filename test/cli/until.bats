#!/usr/bin/env bats
# deployctl rpc with expressions about replies: --until, --filter-replies.
# shellcheck disable=SC2016,SC2154
load loop_helper

setup() {
	setup_loop
}

@test "--until fails a node whose reply does not meet it, and is part of the command to ask again" {
	ask_rpc 2 "${FACT[@]}" -I 'web[5-6]' --until 'data.value == "alfa"'
	same 'web5: ok
    fact: cluster
   value: alfa

web6: failed: until not met: data.value == "alfa"
    fact: cluster
   value: bravo' "$output"
	same "2 nodes: 1 ok, 1 failed
failed: web6
to ask those again: deployctl rpc rpcutil get_fact fact=cluster --until 'data.value == \"alfa\"' \
-I web6" "$stderr"
	same 'web5 web6' "$(executed)"
	ask_rpc 2 "${FACT[@]}" -I web6 --until false --color always
	holds "$output" $'web6: \e[31mfailed\e[0m: until not met: false'
}

@test "--until has nodes asked again as --tries says, and only those that do not meet it" {
	ask_rpc 2 "${FACT[@]}" -I 'web[1-3]' --until 'node ~= "web2"' --tries 3 --try-sleep 0
	same 'web1 web2 web3 web2 web2' "$(executed)"
	same 'web2: try 1: failed: until not met: node ~= "web2"
web2: try 2: failed: until not met: node ~= "web2"' "$(grep ': try ' <<<"$stderr")"
	also 'reply web4 fail-first 2 1 not yet'
	ask_rpc 0 "${FACT[@]}" -I 'web[4-5]' --until 'statusmsg == "OK"' --tries 3 --try-sleep 0
	holds "$stderr" 'web4: try 1: failed: not yet; until not met: statusmsg == "OK"' '2 nodes: 2 ok'
}

@test "--until may be content with an action that failed, but not with one that was not done" {
	also 'reply web1 fail 1 WARNING: load 5' 'reply web2 fail 1 CRITICAL: load 50' \
		'reply web3 fail 4 WARNING: no such input'
	ask_rpc 2 "${FACT[@]}" -I 'web[1-4]' --until 'matches(statusmsg, "^(OK|WARNING)")'
	holds "$output" 'web[1,4] (2 nodes): ok' 'web2: failed (1): CRITICAL: load 50; until not met: ' \
		'web3: failed (4): WARNING: no such input'
}

@test "--until looks at whoever matches a filter, too" {
	ask_rpc 2 "${FACT[@]}" -F cluster=bravo --until 'node == "web7"' -o json
	same '4 1 3 0 0 0 0' "$(summary)"
}

@test "a silent node is silent, whatever --until says" {
	also 'reply web1 silent'
	ask_rpc 4 "${FACT[@]}" -I 'web[1-2]' -t 0.1 --until true
	holds "$output" 'web1: silent' 'web2: ok'
}

@test "an expression with a mistake is refused before anything is sent: 64, where, and what there is" {
	for option in --until --filter-replies; do
		ask_rpc 64 "${FACT[@]}" -I web1 "$option" 'data.value == '
		same '' "$output"
		holds "$stderr" "deployctl: $option:1:15: the expression ends too early"
		ask_rpc 64 "${FACT[@]}" -I web1 "$option" 'node and inputs.fact' --dry-run
		holds "$stderr" "$option:1:10: nothing is called inputs here; a reply has node, \
data, statuscode and statusmsg"
		ask_rpc 64 "${FACT[@]}" -I web1 "$option" 'not dta'
		holds "$stderr" "$option:1:5: nothing is called dta here (did you mean data?)"
		ask_rpc 64 "${FACT[@]}" -I web1 "$option" ''
	done
	[ ! -e "$DEPLOYCTL_LOOP_LOG" ]
}

@test "an expression that cannot be evaluated fails the node, with the reason" {
	ask_rpc 2 "${FACT[@]}" -I web1 --until 'data.load.one < 5'
	holds "$output" "web1: failed: --until:1:15: attempt to index a nil value (field 'load')"
	ask_rpc 2 "${FACT[@]}" -I web1 --until 'data.value'
	holds "$output" 'web1: failed: --until:1:1: this is a text, neither true nor false'
}

@test "--filter-replies shows what it is true of, in every format; counts and status are of all" {
	also 'reply web2 fail 1 no' 'reply web3 silent'
	ask_rpc 2 "${FACT[@]}" -I 'web[1-3],web[6-9]' -t 0.1 --filter-replies 'data.value == "bravo"'
	same 'web[6-9] (4 nodes): ok
    fact: cluster
   value: bravo

web3: silent' "$output"
	holds "$stderr" 'left out by --filter-replies: 2 of 6 replies
7 nodes: 5 ok, 1 failed, 1 silent
failed: web2
silent: web3'
	ask_rpc 2 "${FACT[@]}" -I 'web[1-3]' -t 0.1 --filter-replies 'statuscode == 1' -o json
	same web2 "$(document 'd["items"].map { |i| i["sender"] }.join(" ")')"
	same '3 1 1 1 0 0 0' "$(summary)"
	ask_rpc 2 "${FACT[@]}" -I 'web[1-3]' -t 0.1 --filter-replies 'statuscode == 1' -j
	same web2 "$(document 'd.map { |i| i["sender"] }.join(" ")')"
	ask_rpc 2 "${FACT[@]}" -I 'web[1-3]' -t 0.1 --filter-replies 'statuscode == 1' -o name
	same web2 "$output"
	ask_rpc 2 "${FACT[@]}" -I 'web[1-2]' --filter-replies 'statuscode == 1' -o wide --no-headers
	same 1 "$(wc -l <<<"$output")"
	holds "$output" web2
}

@test "--filter-replies goes with --display, and says nothing when it leaves out nothing" {
	also 'reply web2 fail 1 no'
	ask_rpc 2 "${FACT[@]}" -I 'web[1-3]' --display ok --filter-replies 'node == "web1"'
	same 'web1: ok' "$(grep '^[a-z]' <<<"$output")"
	holds "$stderr" 'left out by --filter-replies: 1 of 3 replies'
	ask_rpc 0 "${FACT[@]}" -I web1 --filter-replies true
	same '1 node: 1 ok' "$stderr"
}

@test "--filter-replies hides no node that did not answer" {
	also 'reply web1 silent'
	ask_rpc 4 "${FACT[@]}" -I 'web[1-2],nosuch' -t 0.1 --filter-replies false
	same 'nosuch: not connected
web1: silent' "$(grep '^[a-z]' <<<"$output")"
	holds "$stderr" 'left out by --filter-replies: 1 of 1 reply'
}

@test "a reply that --filter-replies cannot be evaluated for is shown, and one note says so" {
	ask_rpc 0 "${FACT[@]}" -I 'web[1-3]' --filter-replies \
		'node == "web1" and data.value == "no" or data.load.one'
	same 'web[1-3] (3 nodes): ok' "$(grep '^[a-z]' <<<"$output")"
	same 1 "$(grep -c 'such replies are shown' <<<"$stderr")"
	holds "$stderr" ": --filter-replies:1:52: attempt to index a nil value (field 'load'); such"
}

@test "a dry run asks nobody, and its names are not filtered" {
	ask_rpc 0 "${FACT[@]}" -I 'web[1-2]' --until false --filter-replies false --dry-run -o name
	same "$(names web1 web2)" "$output"
	same '' "$(executed)"
}
