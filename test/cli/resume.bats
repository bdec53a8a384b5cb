#!/usr/bin/env bats
# deployctl resume: what was done is not done again, and whatever is not known is said.
# shellcheck disable=SC2030,SC2031,SC2154
load loop_helper
load play_helper

setup() {
	setup_plan
}

# failed_run PATTERN: five.yaml, which ends since web2 fails; $id
failed_run() {
	also 'reply web2 fail 1 no'
	run_plan 5 five.yaml "$@"
	id=$(newest)
	fleet 'node web[1-5] facts cluster=alfa classes apache'
	: >"$DEPLOYCTL_LOOP_LOG"
}

@test "resume asks again who failed, nobody else, and goes on" {
	failed_run
	resume 0 "${id:0:20}" -o json
	same "run-plan $id" "$(document '[d["kind"], d["run"]].join(" ")')"
	same 'look ok 5 5
change ok 5 5' "$(rows | head -2)"
	same 4 "$(document 'd["items"][0]["before"]')"
	same web2 "$(executed | cut -d ' ' -f 1)"
	same 21 "$(executed | wc -w)"
	same 'look: done before on 4 nodes
look: 1 ok' "$(notes | head -2)"
	resume 0 "$id"
	same "run $id has ended, and all was well: nothing is left to do" "$stderr"
	same 21 "$(executed | wc -w)"
	deployctl 0 history -o json
	same 'ended 0 25 0 1' "$(document 'd["items"][0].values_at("state", "exit", "ok", "failed",
		"resumed").join(" ")')"
	deployctl 0 status "$id"
	holds "$output" 'resumed      1 time'
}

@test "resume: a step that was done is a row of its own, with nobody asked" {
	also 'reply web4 fail 1 no' 'reply web4 delay 0'
	sed -i 's/rpc: rpcutil.ping, nodes: web/rpc: rpcutil.ping, nodes: {nodes: "web[1-3]"}/' five.yaml
	run_plan 5 five.yaml
	fleet 'node web[1-5] facts cluster=alfa classes apache'
	resume 0 "$(newest)"
	same 'look before 3 3' "$(sed -n 2p <<<"$output" | awk '{print $1, $3, $4, $5}')"
}

@test "resume: nodes that did not answer are not asked again unasked, and the plan waits: 4" {
	sed -i 's/timeout: 20s/timeout: 200ms/' two.yaml
	also 'reply web2 silent'
	run_plan 5 two.yaml
	fleet 'node web[1-4]'
	: >"$DEPLOYCTL_LOOP_LOG"
	resume 4 "$(newest)"
	same "first: done before on 3 nodes
first: not known whether it was done, and not asked again: web2; look, and if it may be done again: \
--retry-unknown
silent: web2
to go on: deployctl resume $(newest)" "$stderr"
	same '' "$(executed)"
	resume 4 "$(newest)" -o json
	same 'first unknown 4 3' "$(rows)"
	same 'web2' "$(document 'd["items"][0]["left"].join(" ")')"
	resume 0 "$(newest)" --retry-silent
	same 'web2 web1 web2 web3 web4' "$(executed)"
}

@test "resume --retry-unknown does again what may have been done" {
	also 'reply web1 delay 60s'
	begin run-plan two.yaml --yes
	await '^web4 '
	kill -KILL "$pid"
	wait "$pid" || true
	deployctl 0 history -o json
	same 'interrupted' "$(document 'd["items"][0]["state"]')"
	fleet 'node web[1-4]'
	: >"$DEPLOYCTL_LOOP_LOG"
	resume 4 "$(newest)"
	same '' "$(executed)"
	resume 0 "$(newest)" --retry-unknown
	holds " $(executed) " ' web1 '
}

@test "resume: the same nodes, inputs and choice of steps as before" {
	failed_run --skip change,each cluster=alfa
	also 'node web[6-7] facts cluster=alfa classes apache'
	resume 0 "$id" -o json
	same 'look ok 5 5
change skipped 0 0
each skipped 0 0
done ok 5 5' "$(rows)"
	failed_run --only look
	resume 0 "$id" -o json
	same 'change skipped 0 0' "$(rows | sed -n 2p)"
	failed_run --from look
	resume 0 "$id"
}

@test "resume: a run whose inputs or choice of steps cannot be read is not gone on with: 74" {
	failed_run --skip change
	sqlite3 state.db "UPDATE run SET options = substr(options, 1, 20)"
	resume 74 "$id"
	holds "$stderr" "run $id" 'cannot be read'
	same '' "$(executed)"
	deployctl 0 history
}

@test "resume: in the collective in which the run began" {
	local id
	sed -i 's/web\[1-4\]/db1/; s/timeout: 20s/timeout: 200ms/; s/lab.echo/rpcutil.ping/' two.yaml
	fleet 'node db1 collectives de' 'reply db1 fail 1 no'
	run_plan 5 two.yaml -T de
	id=$(newest)
	fleet 'node db1 collectives de'
	: >"$DEPLOYCTL_LOOP_LOG"
	resume 0 "$id"
	[ "$(sent de_)" -gt 0 ]
	same 0 "$(sent mcollective_)"
}

@test "resume: what follows the steps is not done twice because a part of it is done again" {
	cat >after.yaml <<-'END'
		plan: after
		sets: {one: {nodes: web1}, both: {nodes: "web[1-2]"}}
		steps: [{rpc: lab.echo, nodes: one}]
		on_success:
		  - {rpc: lab.echo, nodes: both, on_failure: continue}
		  - {rpc: rpcutil.ping, nodes: one}
		  - {rpc: lab.echo, nodes: both}
	END
	also 'reply web2 fail 1 no'
	run_plan 5 after.yaml
	fleet 'node web[1-2]'
	: >"$DEPLOYCTL_LOOP_LOG"
	resume 0 "$(newest)"
	same 'web2 web2' "$(executed)"
}

@test "resume of a site enables what was disabled, also if no run is left to do" {
	local id
	printf '%s\n' 'environment: lab' 'applications: {"A[a]": {"C[c]": {produces: [], consumes: [], node: dev1}}}' >site.yaml
	fleet 'node dev1 agents puppet' 'puppet dev1 clean' 'reply dev1 delay 50ms'
	begin run-plan --site site.yaml --yes
	await '^enable: 1' err
	kill -KILL "$pid"
	wait "$pid" || true
	id=$(newest)
	fleet 'node dev1 agents puppet' 'puppet dev1 clean' "puppet dev1 disabled deployctl $id: lab"
	: >"$DEPLOYCTL_LOOP_LOG"
	resume 0 "$id"
	same 'status enable' "$(awk '/^dev1/ {print $3}' "$DEPLOYCTL_LOOP_LOG" | xargs)"
}

@test "resume: a plan that is another one now is refused: 6, unless that is meant" {
	failed_run
	sed -i 's/text: hello/text: bye/' five.yaml
	resume 6 "$id"
	holds "$stderr" 'is not the plan any more' "try: deployctl resume $id --changed-plan"
	same '' "$(executed)"
	resume 6 "$id" -o json
	same '6 1' "$(document '[d["exit"]["code"], d["errors"].length].join(" ")')"
	resume 0 "$id" --changed-plan
	failed_run
	mv five.yaml gone.yaml
	resume 66 "$id"
	holds "$stderr" "$PWD/five.yaml"
}

@test "resume: a run that is going on is refused: 6; one that is none, or no plan's: 64" {
	also 'reply web1 delay 60s'
	begin run-plan two.yaml --yes
	await '^web4 '
	resume 6 "$(newest)"
	holds "$stderr" 'is running' "process $pid" 'try: deployctl cancel'
	kill -KILL "$pid"
	wait "$pid" || true
	resume 64 01ZZZ
	holds "$stderr" 'no such run'
	fleet 'node web1'
	ask_rpc 0 rpcutil ping
	resume 64 "$(newest)"
	holds "$stderr" 'carried out no plan'
	resume 64 "$(newest)" -o json
	same '64 1' "$(document '[d["exit"]["code"], d["errors"].length].join(" ")')"
}

@test "resume takes the lock that a dead process left" {
	sed -i 's/^sets/lock: cluster\/alfa\nsets/' two.yaml
	also 'reply web1 delay 60s'
	begin run-plan two.yaml --yes
	await '^web4 '
	kill -KILL "$pid"
	wait "$pid" || true
	same cluster/alfa "$("$DEPLOYCTL" lock list -o name)"
	fleet 'node web[1-4]'
	resume 0 "$(newest)" --retry-unknown
	same '' "$("$DEPLOYCTL" lock list -o name)"
}

@test "resume asks before it acts: 64 without a terminal" {
	failed_run
	deployctl 64 resume "$id" </dev/null
	holds "$stderr" 'without a terminal --yes is needed'
	same '' "$(executed)"
}

@test "resume --detach: what was in the state file is closed before" {
	failed_run
	resume 0 "$id" --detach
	same "$id" "$output"
	for _ in $(seq 500); do
		[ "$(sqlite3 state.db "SELECT life FROM run WHERE resumed = 1")" = ended ] && break
		sleep 0.01
	done
	deployctl 0 status "$id"
	holds "$output" 'complete, status 0'
}

@test "status NODE says which step of which run is working on it, also of a node never seen before" {
	printf 'plan: p\nsteps: [{id: one, rpc: lab.echo, nodes: {nodes: "web[1-2]"}, with: {a: 1}}]\n' >one.yaml
	fleet 'node web[1-2]' 'reply web2 silent'
	"$DEPLOYCTL" run-plan one.yaml --yes >/dev/null 2>&1 3>&- &
	local pid=$!
	await '^web2 '
	deployctl 0 status web2 -o json
	same 'run-plan one asked' "$(document 'd["items"][0]["outcomes"].map { |o| o.values_at("kind", "step", "state").join(" ") }.join')"
	kill -TERM "$pid"
	kill -TERM "$pid"
	wait "$pid" || :
}
