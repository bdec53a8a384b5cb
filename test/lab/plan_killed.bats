# A plan on real nodes that is cut off: killed at any moment, without its broker, its disk or its time; and
# resumed. test/cli/crash_plan.bats does it at every commit and every publish, on simulated nodes.
# shellcheck disable=SC2016,SC2154
load works

ledger=${BUILD:-$top/build}/test/crash/ledger

setup_file() {
	give_parts hadoop
}

teardown_file() {
	take_parts
}

setup() {
	local node
	setup_lab
	forget_works
	cd "$BATS_TEST_TMPDIR" || return
	for node in web0{1..6}; do
		make "$node" slow 0.03
	done
	cat >plan.yaml <<-'END'
		plan: cut-off
		sets: {all: {fact: deploop_collection=preview}}
		steps:
		  - {id: one, rpc: service.start, nodes: all, with: {service: one}, idempotent: true, batch: 2}
		  - {id: two, rpc: service.start, nodes: all, with: {service: two}}
		  - id: each
		    roll: {over: all, batch: 3}
		    steps:
		      - {id: three, rpc: service.start, nodes: group, with: {service: three}, idempotent: true}
		      - {id: four, rpc: service.start, nodes: group, with: {service: four}}
		  - {id: five, rpc: service.start, nodes: all, with: {service: five}, idempotent: true}
		always:
		  - {id: after, rpc: service.stop, nodes: all, with: {service: after}, idempotent: true}
	END
}

# ends STATUS WORDS...: deployctl, on a state of this test's own
ends() {
	dc "${@:2}" --state state.db --ddl-dir "$top/test/lab/apps/mcollective" </dev/null
	ends_with "$1"
}

# judge STATUS: calls2 and calls3 are what the nodes did before and after --retry-unknown, ledger1 what the
# killed run has left, ledger3 the end; STATUS is that of the first resume.
judge() {
	awk -v status="$1" '
		function complain(text) { print text; bad = 1 }
		FNR == 1 { n = substr(FILENAME, length(FILENAME)) + 0 }
		FILENAME ~ /calls/ { if ($2 == "service.start") did[n, $3, $1]++; next }
		$2 == "outcome" { sub(/\..*/, "", $3); sub(/#.*/, "", $5); outcome[n, $5, $3] = $4 }
		function is_open(s, v) { return outcome[1, s, v] == "asked" || outcome[1, s, v] == "unknown" }
		function weigh(s, v, is_safe) {
			if (outcome[1, s, v] == "ok" && did[3, s, v] != 1)
				complain(v " did " s " " did[3, s, v] " times, although it was known to be done")
			if (!is_open(s, v) && did[3, s, v] != 1)
				complain(v " did " s " " did[3, s, v] " times, although nothing was in doubt")
			if (did[3, s, v] < 1 || did[3, s, v] > 2)
				complain(v " did " s " " did[3, s, v] " times")
			if (outcome[3, s, v] != "ok")
				complain(s " on " v " ends as " outcome[3, s, v])
			if (is_safe || !is_open(s, v))
				return
			waits = 1
			if (did[2, s, v] > 1)
				complain(v " did " s " again, which may do harm")
		}
		END {
			steps = split("one two three four five", step, " ")
			for (i = 1; i <= steps; i++)
				for (k = 1; k <= 6; k++)
					weigh(step[i], "web0" k, step[i] != "two" && step[i] != "four")
			if (status != (waits ? 4 : 0))
				complain("resume ended with " status)
			for (k = 1; waits && k <= 6; k++)
				if (did[2, "five", "web0" k])
					complain("web0" k " did the last step, although one before it is not known")
			exit bad
		}' calls2 calls3 ledger1 ledger3
}

# resumed: the killed run is brought to its end; its first status is in $first
resumed() {
	local rest=(resume 0 --yes)
	grep -q ' run ' ledger1 || rest=(run-plan plan.yaml --yes)
	first=0
	"$DEPLOYCTL" "${rest[@]}" --state state.db </dev/null >out 2>&1 || first=$?
	cp "$calls" calls2
	[ "$first" -eq 0 ] || ends 0 resume 0 --yes --retry-unknown
	"$ledger" state.db >ledger3
	cp "$calls" calls3
}

@test "20 kills at any moment, and resume: each step once on each node, or told" {
	local kills=0 waited=0 round seed=${DEPLOYCTL_KILL_SEED:-$RANDOM} at ended begin took first
	echo "# DEPLOYCTL_KILL_SEED=$seed" | tee /dev/fd/3
	RANDOM=$seed
	begin=${EPOCHREALTIME/./}
	ends 0 run-plan plan.yaml --yes
	took=$(((${EPOCHREALTIME/./} - begin) / 1000))
	for ((round = 1; kills < 20; round++)); do
		[ "$round" -le 60 ]
		rm -f state.db* "$calls"
		at=$((RANDOM % took + 1)) ended=0
		timeout -s KILL "$((at / 1000)).$(printf %03d $((at % 1000)))" "$DEPLOYCTL" run-plan plan.yaml \
			--yes --state state.db </dev/null >killed 2>&1 || ended=$?
		[ "$ended" -eq 0 ] || equal 137 "$ended"
		kills=$((kills + (ended == 137)))
		"$ledger" state.db >ledger1
		resumed
		judge "$first" || {
			echo "round $round, killed after $at of $took ms"
			cat killed ledger1 out calls2 calls3 ledger3
			return 1
		}
		waited=$((waited + (first != 0)))
	done
	echo "# $kills kills in $((round - 1)) rounds, within $took ms; $waited times a step was not known" >&3
}

# begin_slowly: the plan's run goes on in the background, a second for each step; its process is $job
begin_slowly() {
	local node
	for node in web0{1..6}; do
		make "$node" slow 1
	done
	"$DEPLOYCTL" run-plan plan.yaml --yes --state state.db </dev/null >out 2>err 3>&- &
	job=$!
}

# called TEXT: somebody was asked for it
called() {
	grep -qs "$1" "$calls"
}

# ended STATUS: the run in the background has ended so
ended() {
	local status=0
	wait "$job" || status=$?
	equal "$1" "$status" && return
	cat err out "$calls"
	return 1
}

# all_once STEP...: each node did these once
all_once() {
	local step
	for step; do
		equal 'web01 web02 web03 web04 web05 web06' "$(by "service.start $step" | xargs -n 1 | sort | xargs)"
	done
}

@test "TERM, as Jenkins sends it: nothing new begins, what is always done is done, and it can go on" {
	local job
	begin_slowly
	await called 'start two'
	kill -TERM "$job"
	ended 143
	equal '' "$(grep -E 'start (three|four|five)' "$calls")"
	equal 6 "$(grep -c 'stop after' "$calls")"
	has "$(cat err)" 'to go on: deployctl resume'
	ends 0 resume 0 --yes
	all_once one two three four five
}

@test "the broker is restarted in the middle: who may have done what is told, and the plan comes to its end" {
	local job
	begin_slowly
	await called 'start two'
	lab broker stop
	lab broker start
	lab wait || lab wait || lab wait
	ended 4
	has "$(cat err)" 'two: 6 unknown'
	has "$(cat err)" 'the broker closed the connection'
	has "$(cat err)" 'to go on: deployctl resume'
	ends 4 resume 0 --yes
	told 'not known whether it was done, and not asked again: web[01-06].example.net'
	equal '' "$(grep -E 'start (three|four|five)' "$calls")"
	all_once one two
	ends 0 resume 0 --yes --retry-unknown
	all_once one three four five
}

# on_small_disk: in a file system that is gone with the last process in it: run, fill the disk, resume with
# room again. Leaves status1, err1, calls1, status2, err2 and the state file.
on_small_disk() {
	local own=(unshare --mount)
	[ "$(id -u)" -eq 0 ] || own=(unshare --user --map-root-user --mount)
	mkdir disk
	CALLS=$calls timeout 90 "${own[@]}" sh -c '
		mount -t tmpfs -o size=400k none disk || exit
		"$DEPLOYCTL" run-plan plan.yaml --yes --state disk/state.db >out1 2>err1 &
		for i in $(seq 600); do
			grep -qs "start two" "$CALLS" && break
			sleep 0.05
		done
		cat /dev/zero >disk/filler 2>/dev/null
		wait $!
		echo $? >status1
		cp "$CALLS" calls1
		rm disk/filler
		"$DEPLOYCTL" resume 0 --yes --state disk/state.db >out2 2>err2
		echo $? >status2
		cp disk/state.db* .
		' </dev/null 3>&-
}

@test "the disk of the state file is full: nothing is asked that could not be recorded" {
	local node
	export DEPLOYCTL
	for node in web0{1..6}; do
		make "$node" slow 0.5
	done
	on_small_disk
	equal 74 "$(cat status1)" || { cat err1 out1 "$calls"; return 1; }
	has "$(cat err1)" 'disk/state.db: the disk is full'
	has "$(cat err1)" 'to go on: deployctl resume'
	# what they answered could not be recorded any more, so nobody knows
	equal '' "$(grep -E 'start (three|four|five)|after' calls1)"
	equal 4 "$(cat status2)"
	has "$(cat err2)" 'two: not known whether it was done'
	ends 0 resume 0 --yes --retry-unknown
	all_once one three four five
}
