# Two thousand nodes on the real broker, of which some misbehave by seed: what is printed is exactly
# what the seed says. Nothing here depends on how fast anything is.
load helper

MISCHIEF=(--seed 7 --drop 10 --duplicate 5 --forge 5 --delay 200ms-1s --delayed 1 --collective simbats)
NODES='node[0001-2000]'

teardown() {
	[ -z "${fleet:-}" ] || kill "$fleet" 2>/dev/null
	true
}

# start_fleet ARGUMENT...: simfleet, and a client of its collective, in which no real node is
start_fleet() {
	local line
	# shellcheck disable=SC2034
	coproc FLEET { exec "$BUILD/test/bench/simfleet" --log "$BATS_TEST_TMPDIR/log" "$@" 3>&-; }
	fleet=$FLEET_PID
	read -r line <&"${FLEET[0]}"
	equal ready "$line"
	sed 's/^collectives.*/collectives = mcollective,simbats/' "$LAB_FULL_CFG" \
		>"$BATS_TEST_TMPDIR/client.cfg"
	chmod 600 "$BATS_TEST_TMPDIR/client.cfg"
	export DEPLOYCTL_CONFIG=$BATS_TEST_TMPDIR/client.cfg
}

# as_expected REQUEST ARGUMENT...: the document in $output has the counts of simfleet's oracle
as_expected() {
	local request=$1
	shift
	expected=$("$BUILD/test/bench/simfleet" --expect "$request" "$@")
	equal '[]' "$(EXPECTED=$expected json 's = d["summary"]; e = JSON.parse(ENV["EXPECTED"])
		s["silent"] = s["silent"]["count"] - s["not_connected"]["count"]
		s["not_connected"] = s["not_connected"]["count"]
		(e.keys - ["executed"]).reject { |k| s[k] == e[k] }.map { |k| [k, s[k], e[k]] }')"
}

# executions: how many nodes the log has, and how many of its lines say what others say, too
executions() {
	printf '%d %d\n' "$(cut -d' ' -f2 "$BATS_TEST_TMPDIR/log" | sort -u | wc -l)" \
		"$(sort "$BATS_TEST_TMPDIR/log" | uniq -d | wc -l)"
}

@test "the oracle's figures are what was asked for" {
	run "$BUILD/test/bench/simfleet" "${MISCHIEF[@]}" --fail 20 --absent 'node[0001-0100]' --expect 1 "$NODES"
	equal true "$(json 'near = ->(key, share) { (d[key] - 1900 * share).abs < 1900 * share * 0.4 }
		d["nodes"] == 2000 && d["not_connected"] == 100 && d["executed"] == 1900 &&
		d["ok"] + d["failed"] + d["silent"] == 1900 && near["silent", 0.15] &&
		near["failed", 0.17] && near["duplicate", 0.0425] && near["rejected", 0.0525]')"
}

@test "honest nodes all answer, whether they are found or named" {
	start_fleet --collective simbats "$NODES"
	dc ping -T simbats -o json
	equal '0 2000' "$status $(json 'd["summary"]["ok"]')"
	dc rpc rpcutil get_fact fact=rank -T simbats -o json
	equal '0 2000' "$status $(json 'd["summary"]["ok"]')"
	equal true "$(json 'd["items"].all? { |i| i["data"]["value"].to_i == i["sender"][/\d+/].to_i }')"
	dc rpc lab echo msg=x -T simbats -o json -F country=de -F 'rank<=100'
	equal '0 25' "$status $(json 'd["summary"]["ok"]')"
	dc rpc rpcutil ping -T simbats -o json -I "$NODES"
	equal '0 2000' "$status $(json 'd["summary"]["ok"]')"
}

@test "drop, duplicate, forge, delay: a broadcast counts what the seed says" {
	start_fleet "${MISCHIEF[@]}" "$NODES"
	dc rpc rpcutil ping -T simbats -o json -t 4s
	[ "$status" -eq 4 ]
	as_expected 1 "${MISCHIEF[@]}" "$NODES"
	equal '2000 0' "$(executions)"
	dc rpc rpcutil ping -T simbats -o json -t 4s
	as_expected 2 "${MISCHIEF[@]}" "$NODES"
}

@test "the same of named nodes of which some fail, and some are not connected" {
	local all=("${MISCHIEF[@]}" --fail 20 --truncate 3 --absent 'node[0001-0100]' "$NODES")
	start_fleet "${all[@]}"
	dc rpc rpcutil get_fact fact=rank -T simbats -o json -t 4s -I "$NODES"
	[ "$status" -eq 2 ]
	as_expected 1 "${all[@]}"
	equal '1900 0' "$(executions)"
}
