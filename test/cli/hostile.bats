#!/usr/bin/env bats
# Replies as nobody should send them: never credited, counted under the right name, and harmless.
# shellcheck disable=SC2016,SC2154
load loop_helper

# One run for all that is refused: each liar is called after what it does, web[1-3] are honest.
setup_file() {
	BATS_TEST_TMPDIR=$BATS_FILE_TMPDIR setup_loop
	fleet 'node web[1-3] facts cluster=alfa'
	while read -r name behaviour; do
		also "node $name" "reply $name $behaviour"
	done <<-'END'
		truncated truncated
		garbage garbage
		empty empty
		wronghash wronghash
		foreignid foreignid
		stranger wrongsender ghost
		shouter wrongsender WEB1
		impostor wrongsender web1
		nobody badsender
		nest nest 100000
		nest-outside nest 100000 envelope
		length length2g
		length-outside length2g envelope
		huge huge 17000000
		nostatus nostatus
		pong otherkind
	END
	# impostor's reply comes when web1 has answered
	also 'reply impostor delay 20ms'
	ask_rpc 4 rpcutil get_fact fact=cluster -t 0.3 -o jsonl \
		-I "web[1-3],$(awk '$1 == "node" && NR > 1 {print $2}' fleet | paste -sd ,)"
	printf '%s\n' "$output" >events
	printf '%s\n' "$stderr" >notes
}

# refused NODE REASON WORD: its reply was ignored for that reason, and it is silent
refused() {
	local ignored
	ignored=$(grep '"ignored"' "$BATS_FILE_TMPDIR/events" | grep "\"reason\":\"$2\"" | grep -F "$3")
	same 1 "$(wc -l <<<"$ignored")"
	grep '"outcome"' "$BATS_FILE_TMPDIR/events" | grep "\"node\":\"$1\"" | grep -q '"state":"silent"'
}

# web1 is the one that misbehaves.
setup() {
	setup_loop
	fleet 'node web[1-3] facts cluster=alfa'
}

FACT=(rpcutil get_fact 'fact=cluster' -I 'web[1-3]')

@test "what is refused is counted under its name, and only the honest are credited" {
	same '19 3 0 16 0 0 0 unexpected 2 duplicate 1 rejected 13' \
		"$(output=$(tail -n 1 "$BATS_FILE_TMPDIR/events") summary)"
	same 'web1 web2 web3' "$(grep '"state":"ok"' "$BATS_FILE_TMPDIR/events" |
		sed -E 's/.*"node":"([^"]*)".*/\1/' | paste -sd ' ')"
	holds "$(cat "$BATS_FILE_TMPDIR/notes")" '19 nodes: 3 ok, 16 silent' \
		'2 unexpected replies were not credited' '1 duplicate reply was not credited' \
		'13 rejected replies were not credited: '
}

@test "what is refused takes no memory" {
	DEPLOYCTL_LOOP_LOG=$BATS_FILE_TMPDIR/log peak_below 32
}

@test "half a message, none at all, and an empty one are rejected" {
	refused truncated rejected '"node":"truncated"'
	refused garbage rejected '"node":"garbage"'
	refused empty rejected '"node":"empty"'
}

@test "a wrong hash is rejected" {
	refused wronghash rejected 'wrong hash'
}

@test "a reply to a request that is not ours is rejected" {
	refused foreignid rejected 'it answers a request that is not ours'
}

@test "a sender that was not asked is unexpected, if only by its case" {
	refused stranger unexpected '"node":"ghost"'
	refused shouter unexpected '"node":"WEB1"'
}

@test "a sender that speaks for a node which has answered is a duplicate" {
	refused impostor duplicate '"node":"web1"'
}

@test "a sender that is no identity is rejected" {
	refused nobody rejected 'the sender is no identity'
}

@test "arrays 100,000 deep are rejected, inside and outside of what is signed" {
	refused nest rejected 'body: marshal: offset 300: nested deeper than 128 levels'
	refused nest-outside rejected 'envelope: marshal: offset 266: nested deeper than 128 levels'
}

@test "a text that claims 2 GiB is rejected, inside and outside of what is signed" {
	refused length rejected 'body: marshal: offset 46: string claims 2147483647 bytes'
	refused length-outside rejected 'envelope: marshal: offset 12: string claims 2147483647 bytes'
}

@test "more than 16 MiB are rejected unread" {
	refused huge rejected 'reply too large: 17000000 bytes'
}

@test "a body without status is rejected" {
	refused nostatus rejected 'statuscode is missing'
}

@test "pong is no answer to an action, nor a reply one to discovery" {
	refused pong rejected 'it answers something else'
	also 'pong web1 otherkind'
	ask_ping 4 -I 'web[1-3]' -o json --dt 0.1
	same '3 2 0 1 0 0 0 rejected 1' "$(summary)"
}

@test "a node whose only reply was refused leaves a document, and 3" {
	also 'reply web1 truncated'
	ask_rpc 3 "${FACT[@]:0:3}" -I web1 -t 0.1 -o json
	same '1 0 0 1 0 0 0 rejected 1' "$(summary)"
}

@test "less than 16 MiB are taken whole, and paid for a bounded number of times" {
	also 'reply web1 huge 2000000'
	ask_rpc 0 "${FACT[@]}" -o json
	same '2000000' "$(document 'd["items"][0]["data"]["text"].length')"
	peak_below 64
}

@test "the second of two replies is a duplicate, and the first one counts" {
	also 'reply web1 duplicate'
	ask_rpc 0 "${FACT[@]}" -o json
	same '3 3 0 0 0 0 0 duplicate 1' "$(summary)"
}

@test "a failure that comes twice is one failure" {
	also 'reply web1 duplicate' 'reply web1 fail 1 no'
	ask_rpc 2 "${FACT[@]}" --max-fail 1 -o json
	same '3 2 1 0 0 0 0 duplicate 1' "$(summary)"
}

@test "a reply after its node was given up is late, and changes nothing" {
	also 'reply web1 delay 140ms' 'reply web2 delay 70ms'
	ask_rpc 4 "${FACT[@]}" -t 0.1 --batch 1 --batch-sleep 0 -o json
	same '3 2 0 1 0 0 0 late 1' "$(summary)"
}

@test "a reply to an earlier try is late, and not credited to the try that follows" {
	also 'reply web1 delay 140ms'
	ask_rpc 4 "${FACT[@]}" -t 0.1 --tries 2 --try-sleep 0 --retry-silent -o json
	same '3 2 0 1 0 0 0 late 1' "$(summary)"
}

@test "100,000 copies of a reply are counted, hide nobody's answer and take no memory" {
	also 'reply web1 flood 100000' 'reply web2 delay 20ms'
	ask_rpc 0 "${FACT[@]}" -o json
	same '3 3 0 0 0 0 0' "$(summary | cut -d ' ' -f 1-7)"
	same 100002 "$(document '3 + s["duplicate"] + s["flood"]')"
	peak_below 32
}

@test "20,000 replies that are rejected are counted and not told one by one" {
	also 'reply web1 wronghash' 'reply web1 flood 20000'
	ask_rpc 4 "${FACT[@]}" -t 0.2 -o jsonl
	same 100 "$(grep -c '"ignored"' <<<"$output")"
	same '3 2 0 1 0 0 0 rejected 20000' "$(output=$(tail -n 1 <<<"$output") summary)"
	peak_below 32
}

@test "a flood does not keep the deadline from ending the run" {
	also 'reply web1 flood 100000000'
	run timeout 20 "$DEPLOYCTL" rpc "${FACT[@]}" --deadline 0.1 -o name
	same 124 "$status"
	same web1 "$(head -n 1 <<<"$output")"
}

@test "a flood of pongs is counted, and finds each node once" {
	also 'pong web1 flood 20000'
	deployctl 0 ping --window-time 150ms -o json
	same '3 3 0 0 0 0 0' "$(summary | cut -d ' ' -f 1-7)"
	peak_below 32
}

@test "what discovery would not credit is counted in the document of the action, too" {
	also 'pong web1 wronghash' 'pong web2 duplicate'
	ask_rpc 0 rpcutil get_fact fact=cluster -o json
	holds "$stderr" '1 duplicate reply' '1 rejected reply'
	same '2 2 0 0 0 0 0 duplicate 1 rejected 1' "$(summary)"
}

@test "nodes that nobody can verify leave their number in the document, found or not" {
	also 'pong web[1-3] wronghash'
	ask_rpc 3 rpcutil ping --dt 0.1 -o json
	same '0 0 0 0 0 0 0 rejected 3' "$(summary)"
}

@test "bytes that are no text come as {\"\$bytes\"}, keys and messages spelt out" {
	also 'reply web1 badutf8' 'reply web1 fail 1 x'
	ask_rpc 2 "${FACT[@]}" -o json
	same '{"text":{"$bytes":"Y2Fmww=="},"\\xffkey":"value"} caf\xc3 \xff' \
		"$(document 'd["items"][0]["data"].to_json + " " + d["items"][0]["statusmsg"]')"
	ask_rpc 2 "${FACT[@]}"
	holds "$output" 'failed (1): caf\xc3 \xff' '\xffkey: value'
	iconv -f UTF-8 -t UTF-8 <<<"$output" >/dev/null
}

@test "of keys that are the same text the last one counts, and a warning names the node" {
	also 'reply web1 collision'
	ask_rpc 0 "${FACT[@]}" -o json
	same '{"text":"by string"}' "$(document 'd["items"][0]["data"].to_json')"
	holds "$stderr" 'node=web1'
}

@test "a value that contains itself is cut" {
	also 'reply web1 cycle'
	ask_rpc 0 "${FACT[@]}" -o json
	same '{"list":[{"$cut":3}]}' "$(document 'd["items"][0]["data"].to_json')"
}

@test "links to links, 10 to the 30 when written out, are cut before they take memory" {
	also 'reply web1 bomb 30'
	ask_rpc 0 "${FACT[@]}" -o json
	same '3 3 0 0 0 0 0' "$(summary)"
	holds "$output" '"$cut"'
	[ "${#output}" -lt 8000000 ]
	peak_below 64
}

# -- what a terminal would obey

@test "no control byte of a reply reaches a table, a note or an error" {
	also 'reply web1 escape' 'reply web2 escape' 'reply web2 fail 1 x' 'reply web3 badsender'
	for color in always never; do
		"$DEPLOYCTL" rpc "${FACT[@]}" -t 0.1 --tries 2 --try-sleep 0 --color="$color" -v \
			>out 2>err && status=0 || status=$?
		same 2 "$status"
		# our own colours are the only exception
		sed -i -E 's/\x1b\[(0|2|3[123])m//g' out err
		no_controls out err
	done
	holds "$(cat out err)" '\e[31mred' '\e]0;owned' '\x9b2J' '\u202e' '\x7f'
}

@test "a newline in a message cannot fake a line of ours" {
	also 'reply web1 escape' 'reply web1 fail 1 x'
	ask_rpc 2 "${FACT[@]}" --tries 2 --try-sleep 0
	same '' "$(grep -E '^ *deployctl: fake' <<<"$stderr")"
	same '' "$(grep '^deployctl: fake' <<<"$output")"
	holds "$stderr" '\r\ndeployctl: fake'
}

@test "keys with escapes are aligned with the others" {
	also 'reply web1 escape'
	ask_rpc 0 rpcutil get_fact fact=x -I web1
	# every key ends where the longest one does
	same 1 "$(grep -E '^ *(key|list)' <<<"$output" | sed -E 's/: (value|\[).*/:/' |
		awk '{print length($0)}' | sort -u | wc -l)"
}

@test "in JSON control bytes are escaped, and the text is what was sent" {
	also 'reply web1 escape'
	ask_rpc 0 "${FACT[@]}" -o json
	same '' "$(grep -naP '[\x00-\x09\x0b-\x1f]' <<<"$output")"
	same true "$(document 'd["items"][0]["data"]["list"][0].start_with?("\e[31mred \e]0;owned\a ")')"
	for format in jsonl name; do
		ask_rpc 0 "${FACT[@]}" -o "$format"
		same '' "$(grep -naP '[\x00-\x09\x0b-\x1f]' <<<"$output")"
	done
}

@test "on a terminal JSON is ASCII: no C1 control and no change of direction gets there" {
	also 'reply web1 escape'
	on_terminal rpc rpcutil get_fact fact=x -I web1 -o json >out
	holds "$(cat out)" '\u202E' '\u009B2J'
	same '' "$(LC_ALL=C grep -naP '[^\n\x20-\x7f]' out)"
}

@test "on a terminal no DEL gets there, in any format" {
	also 'reply web1 escape'
	for format in table jsonl json; do
		on_terminal rpc rpcutil get_fact fact=x -I web1 --color never -o "$format" >out
		no_controls out
	done
}

@test "a sender in a message's header is foreign, too" {
	same '' "$(grep -P '[\x00-\x09\x0b-\x1f]' "$BATS_FILE_TMPDIR/events" "$BATS_FILE_TMPDIR/notes")"
	grep -qF 'evil\u001B[31m node' "$BATS_FILE_TMPDIR/events"
	also 'reply web1 badsender'
	ask_rpc 4 "${FACT[@]}" -t 0.1
	holds "$stderr" 'evil\e[31m node'
}
