#!/usr/bin/env bats
# The program is killed at every point where it commits or publishes, and the same command given
# again: nothing is lost, doubled, or recorded that did not happen.
# shellcheck disable=SC2154
load loop_helper

DEPLOYCTL=${BUILD:-$REPO/build}/deployctl-crash
LEDGER=${BUILD:-$REPO/build}/test/crash/ledger

setup() {
	setup_loop
	: >wanted
	export DEPLOYCTL_LOOP_FACTS=facts2
}

# A node of each kind of agent, and what they are assigned: words to add, a fact to take away (only
# our agent can), and one that none has.
three_kinds() {
	fleet 'node web1 facts deploop_role=storm-master deploop_entity=old' 'deploop web1 ours' \
		'node web[2-3] facts deploop_role=storm-worker deploop_category=speed' \
		'deploop web2 replacing' 'deploop web3 adding'
	cat >lab.yaml <<-'END'
		buildoop_repository: https://packages.example.net/
		environment_cluster: lab
		cluster_layout:
		  name: ns
		  speed: {name: storm, master: {hostname: web1}, worker: [{hostname: web2}, {hostname: web3}]}
		  bus: {name: kafka, worker: [{hostname: web1}, {hostname: web2}, {hostname: web3}]}
	END
	deployctl 0 assign-role -f lab.yaml --yes --state base.db
	wants web1 'bus speed' 'kafka-worker storm-master' >wanted
	wants web2 'bus speed' 'kafka-worker storm-worker' >>wanted
	wants web3 'speed bus' 'storm-worker kafka-worker' >>wanted
}

# wants NODE CATEGORY ROLE: what it has in the end, in the order in which its agent puts words
wants() {
	printf '%s {"environment":"lab","facts":{"deploop_category":"%s",%s,"deploop_role":"%s"}}\n' \
		"$1" "$2" '"deploop_collection":"lab"' "$3"
}

# killed MOMENT:K WORDS...: true if that kills the program; its status is in $ended
killed() {
	rm -f "$DEPLOYCTL_STATE"*
	[ ! -e base.db ] || cp base.db "$DEPLOYCTL_STATE"
	: >facts2 && : >log1 && : >log2
	ended=0
	{
		DEPLOYCTL_LOOP_LOG=log1 DEPLOYCTL_CRASH=$1 "$DEPLOYCTL" "${@:2}" </dev/null >out1 2>err
	} 2>no || ended=$?
	"$LEDGER" "$DEPLOYCTL_STATE" >ledger1 || ended=unreadable
	cp facts2 facts1
	[ "$ended" -eq 137 ]
}

# again WORDS...: the same command goes well, and all that is recorded is true
again() {
	DEPLOYCTL_LOOP_LOG=log2 "$DEPLOYCTL" "$@" </dev/null >out2 2>err || return
	"$LEDGER" "$DEPLOYCTL_STATE" >ledger2
	awk -f "$REPO/test/crash/judge.awk" -v kind="$1" -v nodes=3 \
		-v before="${before:-0}" -v is_stale="${is_stale-}" \
		wanted facts1 log1 out1 ledger1 facts2 log2 out2 ledger2
}

# every MOMENT LEAST WORDS...: the command is killed each time that MOMENT comes: LEAST times or more
every() {
	local k
	for ((k = 1; k < 1000; k++)); do
		killed "$1:$k" "${@:3}" || break
		again "${@:3}" && continue
		printf 'killed at %s:%s, then status %s\n' "$1" "$k" $?
		cat err ledger1 log1 out1 ledger2 log2 out2
		return 1
	done
	[ "$ended" -eq 0 ] && [ "$k" -gt "$2" ] && return
	printf 'at %s:%s: status %s\n' "$1" "$k" "$ended"
	cat err
	return 1
}

# every_moment COMMITS PUBLISHES WORDS...: before and after each; there are so many, or more
every_moment() {
	every commit-before "$1" "${@:3}"
	every commit-after "$1" "${@:3}"
	every publish-before "$2" "${@:3}"
	every publish-after "$2" "${@:3}"
}

@test "push-facts killed anywhere and given again leaves each node as wanted, and a true record" {
	three_kinds
	before=1 every_moment 15 20 push-facts --all --yes -o jsonl
}

@test "a node that does not show yet what the killed run gave it is given it again, not twice" {
	three_kinds
	also 'stale web[1-3] 1'
	before=1 is_stale=1 every publish-after 20 push-facts --all --yes -o jsonl
}

@test "rpc killed anywhere has recorded whom it asked, and no answer that was not given" {
	every_moment 6 3 rpc lab echo -I 'web[1-3]' --batch 2 --batch-sleep 0 -o jsonl
}
