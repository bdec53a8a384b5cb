#!/usr/bin/env bats
# run-plan --site: the order of a site graph, and Puppet's runs in it.
# shellcheck disable=SC2030,SC2031,SC2154
load loop_helper

SITE=$REPO/examples/site.yaml

setup() {
	setup_loop
	export DEPLOYCTL_LOOP_FACTS=facts
	fleet 'node dev[1-4].example.net' 'puppet dev[1-4].example.net clean'
}

# site STATUS WORDS...: the example, without a question
site() {
	deployctl "$1" run-plan --site "$SITE" --yes "${@:2}"
}

# graph STATUS TEXT WORDS...: a graph from stdin
graph() {
	run --separate-stderr "$DEPLOYCTL" run-plan --site - "${@:3}" <<<"$2"
	[ "$status" -eq "$1" ] && return
	printf 'status %s, not %s\n%s\n%s\n' "$status" "$1" "$output" "$stderr"
	return 1
}

# starts: the nodes whose Puppet was started, in that order
starts() {
	awk '$3 == "runonce" {sub(/[.].*/, "", $1); printf "%s%s", space, $1; space = " "}' \
		"$DEPLOYCTL_LOOP_LOG"
}

# runs: that they run, and that they do not any more, in that order
runs() {
	awk '$3 == "runonce" {on = 1} on && ($3 == "disable" || $3 == "runonce") {
		printf "%s", $3 == "runonce" ? "<" : ">"}' "$DEPLOYCTL_LOOP_LOG"
}

# disabled: the nodes that are, and with what
disabled() {
	sed -nE 's/^([a-z0-9]+)[^ ]* .*"message":"([^"]*)".*/\1 \2/p' facts
}

# rows: node, rank and state of the table
rows() {
	awk 'NR > 1 {sub(/[.].*/, "", $1); print $1, $2, $3, $4}' <<<"$output"
}

newest() {
	"$DEPLOYCTL" history -o name | head -n 1
}

component() {
	printf '"%s": {"produces": [%s], "consumes": [%s], "node": "%s.example.net"}' "$@"
}

@test "--dry-run shows the order and asks nobody" {
	deployctl 0 run-plan --site "$SITE" --dry-run
	holds "$output" 'Environment production: 2 applications on 4 nodes' \
		'Rank 1: 1 node
  dev1.example.net
    Lamp[app1] -> Lamp::Mysql[app1]
    Lamp[app2] -> Lamp::Mysql[app2]
' 'Rank 2: 3 nodes'
	deployctl 0 run-plan --site "$SITE" --dry-run -o json
	same '[[1, ["dev1.example.net"]], [2, ["dev2.example.net", "dev3.example.net", "dev4.example.net"]]]' \
		"$(document 'd["items"].map { |i| [i["rank"], i["nodes"]] }.inspect')"
	same '["Lamp::Webapp[app2-3]"] 4 2' "$(document \
		'[d["items"][1]["components"]["dev4.example.net"]["Lamp[app2]"].inspect, s["nodes"], s["ranks"]].join(" ")')"
	deployctl 0 run-plan --site "$SITE" --dry-run -o jsonl
	same 'rank rank summary' "$(jq -r .type <<<"$output" | paste -sd ' ')"
	deployctl 0 run-plan --site - --dry-run -o name <"$SITE"
	same "$(names dev{1..4}.example.net)" "$output"
	deployctl 0 run-plan --site "$SITE" --dry-run -o name --limit 1
	holds "$stderr" 'only the first 1 would run'
	[ ! -e "$DEPLOYCTL_LOOP_LOG" ]
}

@test "Graphviz draws it: every node, and an arrow to each that waits" {
	deployctl 0 run-plan --site "$SITE" --dry-run -o dot
	same '4 3' "$(dot -Tplain <<<"$output" | awk '{n += $1 == "node"; e += $1 == "edge"} END {print n, e}')"
	graph 0 '{"environment": "a\"b", "applications": {"A[\"]": {
		'"$(component 'C[\\]' '"X[1]"' '' dev1)"', '"$(component 'D[\"\n]' '' '"X[1]"' dev2)"'}}}' --dry-run -o dot
	same '2 1' "$(dot -Tplain <<<"$output" | awk '{n += $1 == "node"; e += $1 == "edge"} END {print n, e}')"
}

@test "nobody produces it, a cycle, nothing to do, an unknown instance: four results" {
	local wrong='"X[1]"'
	graph 6 "{\"environment\": \"p\", \"applications\": {\"A[1]\": {$(component C '' "$wrong" dev1)}}}" --yes
	holds "$stderr" 'nobody produces X[1], consumed by A[1] C on dev1.example.net'
	graph 65 "{\"environment\": \"p\", \"applications\": {\"A[1]\": {$(component C '"Y[1]"' "$wrong" dev1),
		$(component D "$wrong" '"Y[1]"' dev2)}}}" --yes
	holds "$stderr" 'a cycle: dev1.example.net → dev2.example.net (Y[1], from A[1] C to A[1] D) → dev1.example.net (X[1]'
	graph 0 '{"environment": "p", "applications": {}}' --yes
	holds "$stderr" 'no applications: nothing to do'
	deployctl 64 run-plan --site "$SITE" --instance 'Lamp[app3]' --yes
	holds "$stderr" 'no application is called "Lamp[app3]"' "did you mean 'Lamp[app1]'"
	graph 65 'environment: 1' --yes -o jsonl
	same 'error error summary' "$(jq -r .type <<<"$output" | paste -sd ' ')"
	holds "$stderr" 'stdin: 2 errors, nothing was done'
	deployctl 66 run-plan --site ./missing.yaml --yes
	[ ! -e "$DEPLOYCTL_LOOP_LOG" ]
}

@test "each rank runs when the one before is done; what each run came to is shown and kept" {
	site 0
	same 'dev1 dev2 dev3 dev4' "$(starts)"
	same 'NODE              RANK    STATE  CHANGED  FAILED  TOTAL  TIME  VERSION
dev1.example.net  rank 1  ok     3        0       120    12.0  1a2b' "$(head -n 2 <<<"$output")"
	same '' "$(disabled)"
	act=$(newest)
	site 0 -o json
	same '["dev4.example.net", "rank 2", "ok", 3, 0, 120, 12.0, "1a2b", true] 4 []' "$(document \
		'i = d["items"][3]; [i.values_at("node", "rank", "state", "changed", "failed", "total",
		"total_time", "config_version").push(i["lastrun"] >= i["initiated_at"]).inspect, s["ok"],
		s["disabled"].inspect].join(" ")')"
	deployctl 0 status "$act"
	holds "$output" "plan         $SITE" 'check    ok' 'rank 2   ok     3' 'enable   ok     4'
	deployctl 0 status "$act" -o json
	same '[3, 0, 120, 12.0, "1a2b"]' "$(document 'd["items"].find { |i|
		i["label"] == "rank 2" && i["node"] == "dev3.example.net" }["data"].values_at("changed",
		"failed", "total", "total_time", "config_version").inspect')"
	deployctl 0 resume "$act"
	holds "$stderr" 'nothing is left to do'
}

@test "from stdin, as JSON; one instance and its producers" {
	deployctl 0 run-plan --site "$SITE" --dry-run -o json
	graph 0 "{\"environment\": \"p\", \"applications\": {
		\"A[1]\": {$(component C '"X[1]"' '' dev3)}, \"B[1]\": {$(component D '' '"X[1]"' dev2)}}}" \
		--yes --instance 'B[1]'
	holds "$stderr" 'X[1]' 'dev3.example.net'
	same dev2 "$(starts)"
	: >"$DEPLOYCTL_LOOP_LOG"
	graph 0 "{\"environment\": \"p\", \"applications\": {
		\"A[1]\": {$(component C '"X[1]"' '' dev3)}, \"B[1]\": {$(component D '' '"X[1]"' dev2)}}}" \
		--yes --instance 'B[1]' --with-deps
	same 'dev3 dev2' "$(starts)"
}

@test "--schedule ready: a node waits for its own producers only" {
	also 'reply dev1.example.net delay 20ms'
	graph 0 "{\"environment\": \"p\", \"applications\": {\"A[1]\": {$(component C '"X[1]"' '' dev1),
		$(component D '' '"X[1]"' dev2), $(component E '"Y[1]"' '' dev3),
		$(component F '' '"Y[1]"' dev4)}}}" --yes --schedule ready
	# dev4 is done before dev1 is, which dev2 waits for.
	same 'dev3 dev4 dev1 dev2' "$(starts)"
	same 'run ok' "$(rows | awk '{print $2, $3}' | sort -u)"
}

@test "--batch, --window and --limit" {
	site 0 --batch 2
	holds "$stderr" 'rank 2: now '
	same '1' "$(grep -c '^dev1.*runonce' "$DEPLOYCTL_LOOP_LOG")"
	: >"$DEPLOYCTL_LOOP_LOG"
	site 0 --window 1
	# One is disabled again before the next one is enabled.
	same '<><><><>' "$(runs)"
	: >"$DEPLOYCTL_LOOP_LOG"
	site 0 --limit 2
	same 'dev1 dev2' "$(starts)"
	same '' "$(disabled)"
	same 0 "$(grep -c '^dev[34]' "$DEPLOYCTL_LOOP_LOG")"
}

@test "options that have no effect are refused" {
	site 64 --batch 1 --window 1
	site 64 --schedule ready --batch 1
	site 64 --schedule ready --canary 1
	site 64 --with-deps
	site 64 --params @x
	site 64 --from a
	site 64 plan.yaml
	deployctl 64 run-plan "$REPO/examples/web-deploy.yaml" --canary 1
	holds "$stderr" 'are of --site'
	[ ! -e "$DEPLOYCTL_LOOP_LOG" ]
}

@test "nothing is done unasked" {
	deployctl 64 run-plan --site "$SITE" </dev/null
	holds "$stderr" 'without a terminal --yes is needed'
	deployctl 64 run-plan --site "$SITE" --canary 1 </dev/null
	deployctl 64 run-plan --site "$SITE" --canary 1 --detach
	holds "$stderr" 'nobody can be asked after the first nodes'
	[ ! -e "$DEPLOYCTL_LOOP_LOG" ]
}

# typed STATUS FIRST SECOND WORDS...: what is answered to the two questions
typed() {
	cat >answers <<-'END'
		set timeout 20
		eval spawn -noecho [lrange $argv 2 end]
		foreach answer [lrange $argv 0 1] {
			expect -re {\[y/N\] } { send -- "$answer\r" } timeout { exit 98 } eof { exit 97 }
		}
		expect eof
		exit [lindex [wait] 3]
	END
	run expect -f answers "$2" "$3" "$DEPLOYCTL" "${@:4}"
	same "$1" "$status"
}

@test "--canary: the first nodes alone, then a question" {
	typed 0 y y run-plan --site "$SITE" --canary 1
	holds "$output" 'the first nodes are done; go on with the others? [y/N]'
	same 'dev1 dev2 dev3 dev4' "$(starts)"
	: >"$DEPLOYCTL_LOOP_LOG"
	typed 5 y n run-plan --site "$SITE" --canary 1
	same dev1 "$(starts)"
	same '' "$(disabled)"
	# It goes on behind what was done.
	deployctl 0 resume "$(newest)" --yes
	same 'dev1 dev2 dev3 dev4' "$(starts)"
	same 'dev1 done before' "$(rows | sed -n 's/ *$//; 1p')"
}

@test "--canary of some of a rank, and --yes: a rank of their own, without a question" {
	local three
	three="{\"environment\": \"p\", \"applications\": {\"A[1]\": {$(component C '' '' dev1),
		$(component D '' '' dev2), $(component E '' '' dev3)}}}"
	graph 0 "$three" --canary 2 --yes
	same 'dev1 rank 1 ok
dev2 rank 1 ok
dev3 rank 2 ok' "$(rows)"
}

@test "who was disabled by somebody else is not touched, nor is anybody" {
	also 'puppet dev3.example.net disabled by ops, disk'
	site 6
	holds "$stderr" 'dev3.example.net: failed: disabled by somebody else: by ops, disk'
	same '' "$(grep -vE 'discovery|puppet status|^[>=]' "$DEPLOYCTL_LOOP_LOG" || true)"
	same 'dev1 rank 1 not
dev2 rank 2 not
dev3 rank 2 not
dev4 rank 2 not' "$(rows)"
	site 6 -o json
	same 'disabled by somebody else: by ops, disk' "$(document 'd["items"][2]["check"]')"
}

@test "a node that fails stops the ranks behind it, and all are enabled" {
	also 'puppet dev1.example.net failing'
	site 5
	same dev1 "$(starts)"
	same 'dev1 rank 1 failed
dev2 rank 2 not
dev3 rank 2 not
dev4 rank 2 not' "$(rows)"
	holds "$stderr" '2 of 120 resources failed' "to go on: deployctl resume $(newest)"
	same '' "$(disabled)"
	site 2 --max-fail 1
	same 'dev1 dev1 dev2 dev3 dev4' "$(starts)"
}

@test "--on-fail keep-disabled: nobody runs by itself until somebody has looked" {
	local act
	also 'puppet dev1.example.net failing'
	site 5 --on-fail keep-disabled
	act=$(newest)
	same "$(printf "%s deployctl $act: production\n" dev{1..4})" "$(disabled)"
	holds "$stderr" 'Puppet may still be disabled on dev[1-4].example.net' \
		"to let it run again: deployctl puppet enable 'dev[1-4].example.net' -m 'deployctl $act: production'"
	deployctl 0 puppet enable 'dev[1-4].example.net' -m "deployctl $act: production"
	same '' "$(disabled)"
	setup
	site 0 --on-fail keep-disabled
	same '' "$(disabled)"
}

@test "who is not there, or says nothing, stops it before anything is changed" {
	also 'absent dev2.example.net'
	site 6 -t 200ms
	holds "$stderr" 'check: dev2.example.net: not connected'
	same '' "$(starts)"
}

@test "an identity that is almost the certname is told" {
	fleet 'node dev[1,3].example.net,DEV2.example.net,dev4' \
		'puppet dev[1,3].example.net,DEV2.example.net,dev4 clean'
	ask_ping 0
	site 6 -t 200ms
	holds "$stderr" 'warning: the site names dev2.example.net, which nobody has seen on the bus, where there is DEV2.example.net' \
		'warning: the site names dev4.example.net, which nobody has seen on the bus, where there is dev4:'
	same 2 "$(grep -c warning <<<"$stderr")"
	# They are different nodes if both are there.
	fleet 'node dev[1-4].example.net,dev4' 'puppet dev[1-4].example.net,dev4 clean'
	ask_ping 0
	site 0
	same 0 "$(grep -c 'names dev4' <<<"$stderr")"
}

# begin PAUSE WORDS...: a run from whose nodes nothing is heard for PAUSE once dev1 has said that it
# starts, which is their 17th message; $pid, files out and err
begin() {
	also "broker pause-after ${heard:-17} for $1"
	rm -f "$DEPLOYCTL_LOOP_LOG"
	"$DEPLOYCTL" run-plan --site "$SITE" --yes "${@:2}" >out 2>err 3>&- &
	pid=$!
	for _ in $(seq 500); do
		grep -qs runonce "$DEPLOYCTL_LOOP_LOG" && break
		sleep 0.01
	done
}

# cut SIGNAL: the signal comes then; $status, $output, $stderr
cut() {
	begin 700ms
	kill "-$1" "$pid"
	wait "$pid" && status=0 || status=$?
	output=$(<out) stderr=$(<err)
}

@test "INT and TERM: who runs is followed to its end, and all are enabled" {
	cut INT
	same 130 "$status"
	same dev1 "$(starts)"
	same 'dev1 rank 1 ok' "$(rows | head -n 1)"
	same '' "$(disabled)"
	fleet 'node dev[1-4].example.net' 'puppet dev[1-4].example.net clean'
	cut TERM
	same 143 "$status"
	same dev1 "$(starts)"
	same '' "$(disabled)"
	act=$(newest)
	: >"$DEPLOYCTL_LOOP_LOG"
	fleet 'node dev[1-4].example.net' 'puppet dev[1-4].example.net clean'
	deployctl 0 resume "$act" --yes
	same 'dev2 dev3 dev4' "$(starts)"
	deployctl 0 status "$act"
	holds "$output" 'resumed      1 time' 'complete, status 0'
}

@test "a second run finds the nodes disabled by the first, and leaves them alone" {
	local act
	begin 700ms
	act=$(newest)
	deployctl 6 run-plan --site "$SITE" --yes
	holds "$stderr" "dev2.example.net: failed: disabled by somebody else: deployctl $act: production"
	wait "$pid"
	same 'dev1 dev2 dev3 dev4' "$(starts)"
}

@test "--deadline ends it, and all are enabled" {
	also 'broker pause-after 17 for 400ms'
	site 124 --deadline 200ms
	same dev1 "$(starts)"
	same '' "$(disabled)"
}

# die WORDS...: the process is killed then; $act
die() {
	begin 60s "$@"
	kill -KILL "$pid"
	wait "$pid" 2>/dev/null || true
	fleet 'node dev[1-4].example.net' 'puppet dev[1-4].example.net clean'
	act=$(newest)
}

@test "--canary asks also in a run that was killed before it did" {
	die --canary 1
	rm "$DEPLOYCTL_LOOP_LOG"
	typed 0 y y resume "$act"
	same 'dev1 dev2 dev3 dev4' "$(starts)"
}

@test "cancel enables what a run has disabled whose process died, and nothing else" {
	die
	same 3 "$(disabled | grep -c "deployctl $act")"
	sed -i 's/\(dev4.*"message":\)"[^"]*"/\1"by ops"/' facts
	deployctl 2 cancel "$act"
	same 'dev4 by ops' "$(disabled)"
	holds "$output" "$act was interrupted: its process died" "to go on: deployctl resume $act"
	holds "$stderr" 'enable: dev4.example.net: failed: disabled by somebody else: by ops'
	sed -i 's/"by ops"/null/' facts
	deployctl 0 cancel "$act" -o json
	same "cancel $act interrupted" "$(document '[d["kind"], d["run"], d["items"][0]["state"]].join(" ")')"
	deployctl 0 history
	holds "$output" "cancel    ended        0     4" "run-plan  interrupted"
}

@test "cancel that cannot reach anybody says who is left" {
	die
	also 'broker refuse connect'
	deployctl 69 cancel "$act"
	holds "$stderr" 'Connection refused' 'Puppet may still be disabled on dev[1-4].example.net' \
		"-m 'deployctl $act: production'"
}

@test "another order is another site: resume refuses it, and says what to do" {
	SITE=$PWD/site.json
	printf '{"environment": "p", "applications": {"A[1]": {%s, %s, %s}}}' \
		"$(component C '"X[1]"' '' dev1)" "$(component D '"Y[1]"' '' dev2)" \
		"$(component E '' '"X[1]", "Y[1]"' dev3)" >site.json
	die
	same "dev3 deployctl $act: p" "$(disabled)"
	# The ranks are the same, but dev3 would wait for less.
	sed -i 's/"X\[1\]", "Y\[1\]"/"X[1]"/' site.json
	: >"$DEPLOYCTL_LOOP_LOG"
	deployctl 6 resume "$act" --yes
	holds "$stderr" 'is not the one any more' '--changed-plan' 'deployctl cancel'
	[ ! -s "$DEPLOYCTL_LOOP_LOG" ]
	sed -i 's/dev3/dev4/; s/"environment": "p"/"environment": "q"/' site.json
	deployctl 0 resume "$act" --yes --changed-plan
	# Also who is no longer part of it, and whatever the site is called now.
	same '' "$(disabled)"
}

@test "resume goes on with the options, the collective, and the nodes of the run" {
	fleet 'node dev[1-4].example.net collectives mcollective,de' 'puppet dev[1-4].example.net clean'
	heard=14 die -T de --limit 3 --window 1
	fleet 'node dev[1-4].example.net collectives de' 'puppet dev[1-4].example.net clean'
	: >"$DEPLOYCTL_LOOP_LOG"
	deployctl 0 resume "$act" --yes
	same 'dev1 dev2 dev3' "$(starts)"
	same '<><><>' "$(runs)"
	same '' "$(disabled)"
}

@test "a site from stdin is resumed from stdin" {
	"$DEPLOYCTL" run-plan --site - --yes --max-fail 0 <"$SITE" >/dev/null 2>&1
	also 'puppet dev1.example.net failing'
	run --separate-stderr "$DEPLOYCTL" run-plan --site - --yes <"$SITE"
	same 5 "$status"
	fleet 'node dev[1-4].example.net' 'puppet dev[1-4].example.net clean'
	run --separate-stderr "$DEPLOYCTL" resume "$(newest)" --yes <"$SITE"
	same 0 "$status"
	run --separate-stderr "$DEPLOYCTL" resume "$(newest)" --yes </dev/null
	same 0 "$status"
}

# ended N: it has ended, after it was resumed N times
ended() {
	for _ in $(seq 500); do
		[ "$(sqlite3 state.db "SELECT count(*) FROM run WHERE life = 'ended' AND resumed = $1")" = 1 ] &&
			return
		sleep 0.01
	done
	return 1
}

@test "--detach goes on in the background, also when it is resumed" {
	local act
	also 'puppet dev1.example.net failing'
	site 0 --detach
	act=$output
	ended 0
	deployctl 0 status "$act"
	holds "$output" 'stopped, status 5'
	fleet 'node dev[1-4].example.net' 'puppet dev[1-4].example.net clean'
	deployctl 0 resume "$act" --yes --detach
	same "$act" "$output"
	ended 1
	deployctl 0 status "$act"
	holds "$output" 'complete, status 0'
	same '' "$(disabled)"
}
