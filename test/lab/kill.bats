# push-facts killed at any moment, on real nodes with each of the agents that there are, and then given
# again. test/cli/crash.bats does it at every commit and every publish, on simulated ones.
# shellcheck disable=SC2016
load helper

nodes=(web01.example.net web02.example.net web03.example.net)
ledger=${BUILD:-$top/build}/test/crash/ledger

setup_file() {
	local node
	export DEPLOYCTL_CONFIG=$LAB_CLIENT_CFG
	for node in "${nodes[@]}"; do
		cp "$DEPLOYCTL_LAB/nodes/$node/facts.json" "$BATS_FILE_TMPDIR/$node"
	done
	lab node deploop overwrite "${nodes[1]}"
	lab node deploop append "${nodes[2]}"
}

teardown_file() {
	local node
	lab node deploop ours "${nodes[@]:1}"
	for node in "${nodes[@]}"; do
		cp "$BATS_FILE_TMPDIR/$node" "$DEPLOYCTL_LAB/nodes/$node/facts.json"
		rm -f "$DEPLOYCTL_LAB/nodes/$node/puppet/facts.d/deploop.yaml"
	done
}

# push WORDS...: given to the three nodes; recorded in state.db
push() {
	"$DEPLOYCTL" push-facts --yes --state state.db "${nodes[@]}" "$@" </dev/null >out 2>&1
}

# shown ROUND: what the nodes show of the facts of a round, "NODE OLD|NEW", the words sorted
shown() {
	"$DEPLOYCTL" rpc rpcutil get_facts "facts=kept$1,new$1" --state look.db -o json \
		-I "$(IFS=,; echo "${nodes[*]}")" </dev/null |
		ruby -rjson -e 'JSON.parse($stdin.read)["items"].each { |i|
			puts i["sender"] + " " + i["data"]["values"].values_at(*ARGV).map { |v|
				v.to_s.split.sort.join(" ") }.join("|") }' "kept$1" "new$1"
}

# judge: shown1 and ledger1 after the kill, shown2 and ledger2 after the second run
judge() {
	awk -v ours="${nodes[0]}" '
		function complain(text) { print text; bad = 1 }
		FNR == 1 { n = substr(FILENAME, length(FILENAME)) + 0 }
		FILENAME ~ /shown/ { node = $1; sub(/^[^ ]* /, ""); shown[n, node] = $0; next }
		$2 == "run" { last[n] = $1; life[n, $1] = $3 " " $4 " " $5 }
		$2 == "outcome" { outcome[n, $1, $3] = $4; nodes[$3] }
		$2 == "step" { steps[n, $1, $3] = 1 }
		END {
			for (key in shown) {
				split(key, part, SUBSEP)
				node = part[2]
				if (part[1] == 2 && shown[key] != "dn rm|x") complain(node " ends with " shown[key])
				if (part[1] == 1 && shown[key] != "dn|" && !((1, 1, node) in steps))
					complain(node " has " shown[key] ", and nobody is recorded to have told it")
				# Only published agents have to be told twice.
				if (node == ours && shown[key] ~ /^rm/) complain(node " has lost a word for a moment")
				if (outcome[1, 1, node] == "ok" && shown[1, node] != "dn rm|x")
					complain(node " is ok with " shown[1, node])
				if (outcome[2, last[2], node] != "ok") complain(node " is not ok in the end")
			}
			if (life[2, last[2]] != "push-facts ended 0") complain("the second run is " life[2, last[2]])
			if (last[1] && life[2, 1] !~ /^push-facts (interrupted -1|ended 0)$/)
				complain("the first run is " life[2, 1])
			exit bad
		}' shown1 ledger1 shown2 ledger2
}

# milliseconds COMMAND...: how long it takes, in $took
milliseconds() {
	local begin=${EPOCHREALTIME/./}
	"$@" || return
	took=$(((${EPOCHREALTIME/./} - begin) / 1000))
}

@test "20 kills at any moment: the same command again ends it, nothing doubled, the record true" {
	local kills=0 round seed=${DEPLOYCTL_KILL_SEED:-$RANDOM} took at ended
	cd "$BATS_TEST_TMPDIR"
	echo "# DEPLOYCTL_KILL_SEED=$seed" | tee /dev/fd/3
	RANDOM=$seed
	for round in {0..60}; do echo "kept$round=dn"; done | xargs "$DEPLOYCTL" push-facts --yes \
		--state state.db "${nodes[@]}"
	milliseconds push "kept0=dn rm" new0=x
	for ((round = 1; kills < 20; round++)); do
		[ "$round" -le 60 ]
		rm -f state.db*
		at=$((RANDOM % took + 1)) ended=0
		timeout -s KILL "$((at / 1000)).$(printf %03d $((at % 1000)))" "$DEPLOYCTL" push-facts \
			--yes --state state.db "${nodes[@]}" "kept$round=dn rm" "new$round=x" \
			</dev/null >out 2>&1 || ended=$?
		[ "$ended" -eq 0 ] || equal 137 "$ended"
		kills=$((kills + (ended == 137)))
		"$ledger" state.db >ledger1
		shown "$round" >shown1
		push "kept$round=dn rm" "new$round=x"
		"$ledger" state.db >ledger2
		shown "$round" >shown2
		equal '3 3' "$(wc -l <shown1) $(wc -l <shown2)"
		judge || { echo "round $round, killed after $at ms"; cat ledger1 shown1 ledger2 shown2; return 1; }
	done
	echo "# $kills kills in $((round - 1)) rounds, within $took ms" >&3
}
