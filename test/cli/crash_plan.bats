#!/usr/bin/env bats
# A plan's run is killed at every point where it commits or publishes, and resumed: what is known to be
# done is not done again, and what is not known is done again only where that does no harm.
# shellcheck disable=SC2154
load loop_helper
load play_helper

DEPLOYCTL=${BUILD:-$REPO/build}/deployctl-crash
LEDGER=${BUILD:-$REPO/build}/test/crash/ledger

# Sanitized programs are slow: of them every seventh point is tried, from one that a seed chooses.
case $DEPLOYCTL in */sanitize/*) EVERY=7 ;; *) EVERY=1 ;; esac
SEED=${SEED:-$RANDOM}

# Five steps on 40 nodes; each has an action of its own, by which the log tells them apart. n7 fails the
# first time that it is asked anything.
setup() {
	setup_plan
	fleet 'node n[1-40] facts cluster=alfa' 'reply n7 fail-first 1 1 not yet'
	cat >mixed.yaml <<-'END'
		plan: mixed
		sets: {all: {nodes: "n[1-40]"}}
		steps:
		  - {id: one, rpc: rpcutil.ping, nodes: all, tries: 2}
		  - {id: two, rpc: lab.echo, nodes: all, with: {text: a}, batch: 15, idempotent: true, tries: 2}
		  - id: each
		    roll: {over: all, batch: 20}
		    steps:
		      - {id: three, rpc: rpcutil.get_fact, nodes: group, with: {fact: cluster}, tries: 2}
		      - {id: four, rpc: rpcutil.get_facts, nodes: group, with: {facts: cluster},
		         idempotent: true, tries: 2}
		  - {id: five, rpc: rpcutil.inventory, nodes: all, idempotent: true, tries: 2}
	END
	sed 's/, tries: 2/, idempotent: true, tries: 2/; s/idempotent: true, idempotent: true/idempotent: true/' \
		mixed.yaml | sed 's/^         idempotent: true, idempotent: true/         idempotent: true/' >idempotent.yaml
	[ "$EVERY" -eq 1 ] || echo "# seed $SEED" >&3
}

# told N STATUS WORDS...: the program ends so; files logN and ledgerN
told() {
	local status=0
	{
		DEPLOYCTL_LOOP_LOG=log$1 "$DEPLOYCTL" "${@:3}" -o json </dev/null >"out$1" 2>"err$1"
	} 2>no || status=$?
	"$LEDGER" "$DEPLOYCTL_STATE" >"ledger$1" || return
	[ "$status" -eq "$2" ] && return
	printf 'status %s, not %s\n' "$status" "$2"
	return 1
}

# judged: is all as it should be? Prints 4 if the plan may not go on by itself, otherwise 0.
judged() {
	awk -f "$REPO/test/crash/judge_plan.awk" -v phase="$1" -v unsafe="$unsafe" \
		"${@:2}"
}

# gone_on PLAN: what the killed run has left is resumed, as often as that takes; the only run is found by
# the digit that every id begins with
gone_on() {
	local expected
	expected=$(judged 1 log1 ledger1) || { printf '%s\n' "$expected" && return 1; }
	if grep -q ' run ' ledger1; then
		told 2 "$expected" resume 0 --yes || return
	else
		told 2 0 run-plan "$1" --yes || return
	fi
	judged 2 log1 ledger1 log2 ledger2 out2 || return
	[ "$expected" -eq 0 ] && return
	stopped=$((stopped + 1))
	told 3 0 resume 0 --yes --retry-unknown &&
		judged 3 log1 ledger1 log2 ledger2 log3 ledger3
}

# every MOMENT LEAST PLAN: it is killed each time that MOMENT comes: LEAST times or more
every() {
	local k
	for ((k = 1 + SEED % EVERY; k < 1000; k += EVERY)); do
		rm -f "$DEPLOYCTL_STATE"* log? out? err? ledger?
		touch log1 log2 log3
		if DEPLOYCTL_CRASH=$1:$k told 1 0 run-plan "$3" --yes >no; then
			break
		fi
		grep -q '^status 137' no && gone_on "$3" && continue
		printf 'killed at %s:%s (seed %s)\n' "$1" "$k" "$SEED"
		cat no err? ledger1
		return 1
	done
	[ "$k" -gt "$2" ] && return
	printf 'only %s kills at %s\n' "$k" "$1"
	return 1
}

every_moment() {
	stopped=0
	every commit-before "$1" "$3"
	every commit-after "$1" "$3"
	every publish-before "$2" "$3"
	every publish-after "$2" "$3"
}

@test "a plan killed anywhere is resumed: nothing confirmed is repeated, nothing unsafe either" {
	unsafe='one three'
	every_moment 15 10 mixed.yaml
	[ "$stopped" -gt 0 ]
}

@test "a plan whose steps may be repeated is always brought to its end" {
	unsafe=
	every_moment 15 10 idempotent.yaml
	[ "$stopped" -eq 0 ]
}
