#!/usr/bin/env bats
# deployctl rpc a few nodes at a time: groups, windows, tries, limits.
# shellcheck disable=SC2016,SC2154
load loop_helper

setup() {
	setup_loop
}

@test "--batch 2 asks nine nodes in five groups, in order, each after the one before" {
	ask_rpc 0 "${FACT[@]}" -I 'web[1-9]' --batch 2 --batch-sleep 0
	same 'web[1-2] web[3-4] web[5-6] web[7-8] web9 ' "$(groups)"
	same 'web1 web2 web3 web4 web5 web6 web7 web8 web9' "$(executed)"
}

@test "a group waits for the slowest of the group before" {
	also 'reply web1 delay 60ms'
	ask_rpc 0 "${FACT[@]}" -I 'web[1-4]' --batch 2 --batch-sleep 0 -o jsonl
	same 'group web[1-2] web2 web1 group web[3-4] web3 web4' "$(grep -E '"(outcome|group_started)"' \
		<<<"$output" | sed -E 's/.*group_started.*"text":"([^"]*)".*/group \1/
			s/.*"node":"([^"]*)".*/\1/' | paste -sd ' ')"
}

@test "--batch N% rounds up, and a ramp ends with its last step repeated" {
	ask_rpc 0 "${FACT[@]}" -I 'web[1-9]' --batch 30% --batch-sleep 0
	same 'web[1-3] web[4-6] web[7-9] ' "$(groups)"
	ask_rpc 0 "${FACT[@]}" -I 'web[1-9]' --batch 1,25%,50% --batch-sleep 0
	same 'web1 web[2-4] web[5-9] ' "$(groups)"
	ask_rpc 0 "${FACT[@]}" -I 'web[1-9]' --batch 1,3 --batch-sleep 0
	same 'web1 web[2-4] web[5-7] web[8-9] ' "$(groups)"
}

@test "groups and limits that make no sense are refused unsent" {
	for words in '--batch 0' '--batch 0%' '--batch 101%' '--batch 1,' '--batch x' '--window 0' \
		'--batch 2 --window 2' '--max-fail -1' '--max-fail 101%' '--tries 0'; do
		# shellcheck disable=SC2086
		ask_rpc 64 "${FACT[@]}" $words
		same '' "$output"
	done
	[ ! -e "$DEPLOYCTL_LOOP_LOG" ]
}

@test "groups are the configuration's unless the command line says otherwise" {
	printf '%s\n' 'default_batch_size = 4' 'default_batch_sleep_time = 0' >>.mcollective
	ask_rpc 0 "${FACT[@]}" -I 'web[1-9]'
	same 'web[1-4] web[5-8] web9 ' "$(groups)"
	ask_rpc 0 "${FACT[@]}" -I 'web[1-9]' --batch 5
	same 'web[1-5] web[6-9] ' "$(groups)"
}

@test "--window 2 keeps two nodes busy: the next is asked as soon as one has answered" {
	also 'reply web1 delay 80ms'
	ask_rpc 0 "${FACT[@]}" -I 'web[1-5]' --window 2 -o jsonl
	same 'web2 web3 web4 web5 web1' "$(grep '"outcome"' <<<"$output" |
		sed -E 's/.*"node":"([^"]*)".*/\1/' | paste -sd ' ')"
}

@test "--tries asks those again that failed, and only those" {
	also 'reply web2 fail-first 1 1 not yet' 'reply web3 fail-first 9 1 never'
	ask_rpc 2 "${FACT[@]}" -I 'web[1-3]' --tries 3 --try-sleep 10ms -o json
	same 'web1 web2 web3 web2 web3 web3' "$(executed)"
	same '3 2 1 0 0 0 0' "$(summary)"
	same "web2: try 1: failed: not yet
web3: try 1: failed: never
web3: try 2: failed: never" "$(grep ': try ' <<<"$stderr")"
}

@test "a node that works at the second try is ok: 0" {
	also 'reply web2 fail-first 1 1 not yet'
	ask_rpc 0 "${FACT[@]}" -I 'web[1-3]' --tries 2 --try-sleep 0
}

@test "silent nodes are asked again only with --retry-silent" {
	also 'reply web1 silent'
	ask_rpc 3 "${FACT[@]}" -I web1 -t 20ms --tries 2 --try-sleep 0
	same web1 "$(executed)"
	rm "$DEPLOYCTL_LOOP_LOG"
	ask_rpc 3 "${FACT[@]}" -I web1 -t 20ms --tries 2 --try-sleep 0 --retry-silent
	same 'web1 web1' "$(executed)"
}

@test "each try has an id of its own, and all groups of a try share it" {
	also 'reply web[1-2] fail-first 1 1 not yet'
	ask_rpc 0 "${FACT[@]}" -I 'web[1-4]' --batch 2 --batch-sleep 0 --tries 2 --try-sleep 0
	same '4 2' "$(awk '$2 == "rpcutil" {n[$4]++} END {for (id in n) print n[id]}' \
		"$DEPLOYCTL_LOOP_LOG" | sort -r | paste -sd ' ')"
}

@test "--max-fail stops the groups that are left, and shows its arithmetic: 5" {
	also 'reply web[1-2] fail 1 no' 'reply web3 silent'
	ask_rpc 5 "${FACT[@]}" -I 'web[1-9]' --batch 3 --batch-sleep 0 --max-fail 2 -t 0.1
	holds "$stderr" 'stopped: 3 of 9 nodes not ok, more than the 2 that max-fail 2 tolerates' \
		'not asked: web[4-9]'
	same 'web1 web2 web3' "$(executed)"
}

@test "--max-fail N% rounds down, and what it tolerates does not stop" {
	also 'reply web[1-2] fail 1 no'
	ask_rpc 5 "${FACT[@]}" -I 'web[1-9]' --batch 3 --batch-sleep 0 --max-fail 20%
	holds "$stderr" '2 of 9 nodes not ok, more than the 1 that max-fail 20% tolerates'
	ask_rpc 2 "${FACT[@]}" -I 'web[1-9]' --batch 3 --batch-sleep 0 --max-fail 23% -o json
	same '9 7 2 0 0 0 0' "$(summary)"
}

@test "those that --max-fail keeps from being asked are cancelled, never silent" {
	also 'reply web1 fail 1 no'
	ask_rpc 5 "${FACT[@]}" -I 'web[1-3]' --batch 1 --batch-sleep 0 --max-fail 0 -o json
	same '3 0 1 0 0 0 2' "$(summary)"
	same 'web2 web3' "$(document 's["cancelled"]["nodes"].join(" ")')"
	same 'stopped' "$(document 'd["exit"]["name"]')"
	same web1 "$(executed)"
	ask_rpc 5 "${FACT[@]}" -I 'web[1-3]' --batch 1 --batch-sleep 0 --max-fail 0
	holds "$output" 'web[2-3] (2 nodes): not asked'
	holds "$stderr" '1 failed, 2 not asked' 'not asked: web[2-3]'
}

@test "a node that failed once and worked then does not count towards --max-fail" {
	also 'reply web[1-3] fail-first 1 1 not yet'
	ask_rpc 0 "${FACT[@]}" -I 'web[1-6]' --batch 3 --batch-sleep 0 --tries 2 --try-sleep 0 \
		--max-fail 0
}

@test "--deadline ends the run: 124, and who has not answered is unknown" {
	also 'reply web1 delay 20s'
	ask_rpc 124 "${FACT[@]}" -I 'web[1-4]' --batch 2 --batch-sleep 0 --deadline 0.1 -o json
	same '4 1 0 0 0 1 2' "$(summary)"
	same '124 deadline' "$(document 'd["exit"].values.join(" ")')"
	same 'web1 web2' "$(executed)"
}

@test "--deadline counts discovery and pauses, too" {
	deployctl 124 rpc "${FACT[@]}" --window-time 20s --dt 20s --deadline 0.1 -o json
	same '0 0 0 0 0 0 0' "$(summary)"
	same '' "$(executed)"
	ask_rpc 124 "${FACT[@]}" -I 'web[1-2]' --batch 1 --batch-sleep 20s --deadline 0.1 -o json
	same '2 1 0 0 0 0 1' "$(summary)"
}
