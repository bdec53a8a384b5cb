#!/usr/bin/env bats
# A site's run is killed at every point where the program commits or publishes. Then it is resumed,
# or cancelled: no node stays disabled, and none runs again that is known to be done.
# shellcheck disable=SC2154
load loop_helper

DEPLOYCTL=${BUILD:-$REPO/build}/deployctl-crash
SITE=$REPO/examples/site.yaml

setup() {
	setup_loop
	export DEPLOYCTL_LOOP_FACTS=facts
	fleet 'node dev[1-4].example.net' 'puppet dev[1-4].example.net clean'
}

# Sanitized programs are slow: of them every seventh point is tried, from one that a seed chooses.
case $DEPLOYCTL in */sanitize/*) EVERY=7 ;; *) EVERY=1 ;; esac
SEED=${SEED:-$RANDOM}

# killed MOMENT:K: true if that kills the run; its status is in $ended, its id in $act
killed() {
	rm -f "$DEPLOYCTL_STATE"* facts log1 log2
	: >facts && : >log1 && : >log2
	ended=0
	{
		DEPLOYCTL_LOOP_LOG=log1 DEPLOYCTL_CRASH=$1 "$DEPLOYCTL" run-plan --site "$SITE" --yes \
			</dev/null >out1 2>err
	} 2>no || ended=$?
	act=$("$DEPLOYCTL" history -o name)
	[ "$ended" -eq 137 ]
}

# sql QUERY: of the state file
sql() {
	sqlite3 "$DEPLOYCTL_STATE" "$1"
}

# nobody_disabled: what the nodes themselves say
nobody_disabled() {
	grep '"message":"' facts || return 0
	return 1
}

# starts LOG: the nodes whose Puppet was started
starts() {
	awk '$3 == "runonce" {print $1}' "$1"
}

# resumed: it goes on to its end; who is known to be done is not started again, everybody else is
resumed() {
	sql "SELECT node FROM outcome JOIN task USING (run, task) WHERE label LIKE 'rank %'
		AND outcome.state = 'ok' ORDER BY node" >done1
	DEPLOYCTL_LOOP_LOG=log2 "$DEPLOYCTL" resume "$act" --yes </dev/null >out2 2>err || return
	nobody_disabled || return
	same "$(names dev{1..4}.example.net)" "$(sort done1 <(starts log2))" || return
	same dev1.example.net "$(cat log1 log2 | awk '$3 == "runonce" {print $1; exit}')" || return
	same 'ended 0 16 0' "$(sql \
		"SELECT life, exit, ok, failed + silent + unknown FROM run" | tr '|' ' ')"
}

cancelled() {
	"$DEPLOYCTL" cancel "$act" </dev/null >out2 2>err || [ $? -eq 6 ] || return
	nobody_disabled
}

# every MOMENT LEAST CHECK: the run is killed each time that MOMENT comes: LEAST times or more
every() {
	local k
	for ((k = 1 + SEED % EVERY; k < 1000; k += EVERY)); do
		killed "$1:$k" || break
		if [ -z "$act" ]; then
			# What is not recorded has not been done.
			nobody_disabled && [ -z "$(starts log1)" ] && continue
		elif "$3"; then
			continue
		fi
		printf 'killed at %s:%s (seed %s), then %s\n' "$1" "$k" "$SEED" "$3"
		cat err out1 out2 facts done1
		awk '!/^>/ {print $1, $3}' log1
		return 1
	done
	[ "$ended" -eq 0 ] && [ "$k" -gt "$2" ] && return
	printf 'at %s:%s: status %s\n' "$1" "$k" "$ended"
	return 1
}

@test "a site's run killed at a commit and resumed" {
	every commit-before 15 resumed
	every commit-after 15 resumed
}

@test "a site's run killed at a publish and resumed" {
	every publish-before 40 resumed
	every publish-after 40 resumed
}

@test "a site's run killed anywhere and cancelled" {
	every commit-after 15 cancelled
	every publish-before 40 cancelled
	every publish-after 40 cancelled
}
