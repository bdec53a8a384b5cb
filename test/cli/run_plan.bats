#!/usr/bin/env bats
# deployctl run-plan: what it shows, how it ends, and what it refuses before anything is done.
# shellcheck disable=SC2154
load loop_helper
load play_helper

setup() {
	setup_plan
}

@test "run-plan: a table of steps, and on stderr what happens in its order" {
	run_plan 0 five.yaml
	same 'STEP DOES STATE NODES OK FAILED SILENT UNKNOWN
look rpcutil.ping ok 5 5 0 0 0
change lab.echo ok 5 5 0 0 0
down lab.echo ok 5 5 0 0 0
up lab.echo ok 5 5 0 0 0
done rpcutil.get_fact ok 5 5 0 0 0' "$(tr -s ' ' <<<"$output" | sed -E 's/ (TIME|[0-9.]+s)$//')"
	same 'web: 5 nodes: web[1-5]
look: 5 ok
change: 5 ok
each: group of 3: web[1-3]
down#1: 3 ok
up#1: 3 ok
each: group of 2: web[4-5]
down#2: 2 ok
up#2: 2 ok
done: 5 ok' "$(notes)"
	same 25 "$(executed | wc -w)"
	run_plan 0 five.yaml -o wide -q
	same '' "$stderr"
	same 'look change down#1 up#1 down#2 up#2 done' \
		"$(awk 'NR > 1 {print $1}' <<<"$output" | paste -sd ' ')"
}

@test "run-plan: json, yaml and jsonl tell each step and group; name is the run" {
	run_plan 0 five.yaml -o json
	same 'look ok 5 5
change ok 5 5
down#1 ok 3 3
up#1 ok 3 3
down#2 ok 2 2
up#2 ok 2 2
done ok 5 5' "$(rows)"
	same "run-plan $(newest) 25 0 5 0" "$(document '[d["kind"], d["run"], s["ok"], s["failed"],
		s["sets"]["web"], d["exit"]["code"]].join(" ")')"
	run_plan 0 five.yaml -o jsonl
	same '25 outcomes, 7 steps, summary last true' "$(ruby --disable-gems -rjson -e '
		all = STDIN.map { |line| JSON.parse(line) }
		count = all.group_by { |e| e["type"] }.transform_values(&:length)
		rising = all[0..-2].map { |e| e["seq"] }.each_cons(2).all? { |a, b| a < b }
		puts "#{count["outcome"]} outcomes, #{count["task_ended"]} steps, #{all.last["type"]} last #{rising}"
		' <<<"$output")"
	run_plan 0 five.yaml -o yaml
	holds "$output" '  - step: look' 'kind: run-plan'
	run_plan 0 five.yaml -o name
	same "$(newest)" "$output"
}

@test "run-plan: history and status know it by its plan and steps" {
	run_plan 0 five.yaml --reason 'new release' cluster=alfa
	deployctl 0 history -o json
	same "run-plan $PWD/five.yaml true ended 0 25 0 0 0 new release" "$(document 'd["items"][0].values_at(
		"kind", "plan", "act", "state", "exit", "ok", "failed", "silent", "unknown", "reason").join(" ")')"
	deployctl 0 status "$(newest)"
	holds "$output" "plan         $PWD/five.yaml" '25 ok' 'change  ok'
}

@test "run-plan: a node that fails stops the plan: 5, who it was, and how to go on" {
	also 'reply web2 fail 1 no such thing'
	run_plan 5 five.yaml
	same "web: 5 nodes: web[1-5]
look: web2: failed: no such thing
stopped: look: 1 of 5 nodes not ok, more than the 0 that max-fail 0 tolerates
look: 4 ok, 1 failed
failed: web2
to go on: deployctl resume $(newest)" "$(notes)"
	same 'look rpcutil.ping failed 5 4 1 0 0' "$(tail -n +2 <<<"$output" | tr -s ' ' | cut -d ' ' -f 1-8)"
	same 'web1 web2 web3 web4 web5' "$(executed)"
}

@test "run-plan: what is tolerated is told by the status: 2 failed, 4 silent, 3 nobody" {
	sed -i 's/timeout: 20s/timeout: 0.1s, max_fail: 100%/' two.yaml
	also 'reply web1 fail 1 no'
	run_plan 2 two.yaml -o json
	same 'first tolerated 4 3
second tolerated 4 3' "$(rows)"
	[[ $stderr != *'to go on'* ]]
	same 'web1' "$(document 'd["items"][1]["failed"].join(" ")')"
	fleet 'node web[1-4]' 'reply web1 silent'
	run_plan 4 two.yaml -o json
	same '6 2' "$(document '[s["ok"], s["silent"]].join(" ")')"
	fleet 'node web[1-4]' 'reply web[1-4] silent'
	run_plan 3 two.yaml
}

@test "run-plan: nobody there is 1, in the words of the plan" {
	run_plan 1 five.yaml cluster=zulu
	same 'deployctl: no web server there' "$(head -1 <<<"$stderr")"
	same '' "$output"
	run_plan 1 five.yaml cluster=zulu -o json
	same 'run-plan 1 no_nodes 1' "$(document '[d["kind"], *d["exit"].values, d["errors"].length].join(" ")')"
}

@test "run-plan: every document on failure is one, and says the same as the status" {
	printf 'plan: x\nsteps: [{rpc: 5}]\n' >bad.yaml
	local case
	for case in '64 five.yaml --skip nix' '65 bad.yaml' '66 nix.yaml' '64 five.yaml --preflight --dry-run'; do
		# shellcheck disable=SC2086
		run_plan $case -o json
		same "deployctl/v1 ${case%% *} 1" \
			"$(document '[d["schema"], d["exit"]["code"], d["errors"].length].join(" ")')"
	done
	also 'broker refuse connect'
	run_plan 69 five.yaml -o json
	same 69 "$(document 'd["exit"]["code"]')"
	fleet 'node web1' 'broker refuse auth'
	run_plan 77 five.yaml
	holds "$stderr" 'broker.example.net'
}

@test "run-plan: a plan with mistakes does nothing: each of them is told, 65" {
	local bad=$REPO/test/data/plans/bad-thirty.yaml
	deployctl 65 run-plan "$bad" --yes --ddl-dir "$REPO/test/data/plans"
	[ "${#lines[@]}" -eq 30 ]
	holds "$output" "$bad:5:8: /inputs/end"
	same "deployctl: $bad: 30 errors, nothing was done" "$stderr"
	deployctl 65 run-plan "$bad" --yes --ddl-dir "$REPO/test/data/plans" -o json
	same '30 /inputs/end' "$(document '[d["items"].length, d["items"][2]["pointer"]].join(" ")')"
	run_plan 66 nix.yaml
	holds "$stderr" 'nix.yaml: No such file'
	[ ! -e "$DEPLOYCTL_LOOP_LOG" ]
	same '' "$(newest)"
}

@test "run-plan --dry-run shows plan and inputs, without a broker" {
	fleet 'broker refuse connect'
	deployctl 0 run-plan five.yaml --dry-run --from change --skip done </dev/null
	holds "$output" 'cluster = "alfa"' '  3.1  down' 'left out: look, done'
	same 'dry run: nothing was asked or done' "$stderr"
	deployctl 0 run-plan five.yaml --dry-run cluster=bravo -o json
	same 'true bravo 4 ' "$(document '[s["dry_run"], s["inputs"]["cluster"],
		d["items"][0]["steps"].length, s["left_out"].join(",")].join(" ")')"
	deployctl 0 run-plan five.yaml --dry-run -o jsonl
	same 'plan summary' "$(sed -E 's/^\{"type":"([a-z]+)".*/\1/' <<<"$output" | paste -sd ' ')"
	deployctl 0 run-plan five.yaml --dry-run -o name
	same 'look change each down up done' "$(paste -sd ' ' <<<"$output")"
	deployctl 64 run-plan five.yaml --dry-run --only chnge
	holds "$stderr" '--only change'
	same '' "$(newest)"
}

@test "run-plan --preflight finds nodes and agents, and does nothing" {
	deployctl 0 run-plan five.yaml --preflight </dev/null
	same 'SET NODES
web 5' "$(tr -s ' ' <<<"$output")"
	same 'web: 5 nodes: web[1-5]
all nodes and agents are there; nothing was done' "$stderr"
	same '' "$(executed)"
	deployctl 64 resume "$(newest)" --yes
	holds "$stderr" 'carried out no plan'
	printf 'plan: p\nrequires: {agents: [lab]}\nsets: {all: {fact: cluster=alfa}}
steps: [{rpc: lab.echo, nodes: all, with: {a: 1}}]\n' >needs.yaml
	deployctl 6 run-plan needs.yaml --preflight </dev/null
	holds "$stderr" 'lab' 'db1'
	run_plan 6 needs.yaml
	same '' "$(executed)"
	printf 'plan: p
steps:
  - {id: named, rpc: lab.echo, nodes: {nodes: "db[1-2]"}, with: {a: 1}}
  - {rpc: rpcutil.ping, nodes: {class: apache}}\n' >own.yaml
	deployctl 6 run-plan own.yaml --preflight </dev/null
	holds "$stderr" 'lab on db[1-2]'
	sed -i 's/db\[1-2\]/web1/' own.yaml
	deployctl 0 run-plan own.yaml --preflight </dev/null
	same '2: not checked: its nodes are known only when it comes
what was checked is there; nothing was done' "$stderr"
	printf 'plan: p\nsets: {all: {compound: "a and"}}\nsteps: [{rpc: lab.echo, nodes: all}]\n' >filter.yaml
	run_plan 65 filter.yaml
	deployctl 6 run-plan needs.yaml --preflight -o json </dev/null
	same '6 1' "$(document '[d["exit"]["code"], d["errors"].length].join(" ")')"
}

@test "run-plan: --from, --skip and --only choose steps, and know what was meant" {
	run_plan 0 five.yaml --from each -o json
	same 'look skipped 0 0
change skipped 0 0' "$(rows | head -2)"
	same 15 "$(executed | wc -w)"
	run_plan 0 five.yaml --skip look,change --skip each -o json
	same 'done ok 5 5' "$(rows | tail -1)"
	run_plan 0 five.yaml --only 1 -o json
	same 'look ok' "$(rows | cut -d ' ' -f 1-2 | grep -v skipped)"
	run_plan 64 five.yaml --skip chnge
	same 'deployctl: --skip chnge: the plan has no such step of its own
  try: deployctl run-plan --skip change' "$stderr"
	run_plan 64 five.yaml --from zzz
	holds "$stderr" 'try: deployctl plan show five.yaml'
	run_plan 64 five.yaml --skip ''
}

@test "run-plan: steps that destroy something run only if that is allowed" {
	sed 's/id: look,/id: look, destructive: true,/' five.yaml >hard.yaml
	run_plan 6 hard.yaml
	holds "$stderr" 'these steps destroy something: look' 'try: deployctl run-plan --allow-destructive'
	[ ! -e "$DEPLOYCTL_LOOP_LOG" ]
	run_plan 0 hard.yaml --skip look
	run_plan 0 hard.yaml --from change
	run_plan 0 hard.yaml --allow-destructive
	deployctl 0 run-plan hard.yaml --preflight </dev/null
	printf 'plan: out\nsteps: [{parallel: [{steps: [{plan: hard.yaml}]}]}]\n' >outer.yaml
	run_plan 6 outer.yaml
}

@test "run-plan asks before it acts; where nobody can be asked it wants --yes: 64" {
	deployctl 64 run-plan five.yaml </dev/null
	holds "$stderr" 'without a terminal --yes is needed'
	deployctl 64 run-plan five.yaml --no-input </dev/null
	[ ! -e "$DEPLOYCTL_LOOP_LOG" ]
	printf 'plan: ask\nsets: {web: {nodes: web1}}\nsteps:\n  - {id: sure, confirm: "is ${run.user} sure?"}
  - {rpc: rpcutil.ping, nodes: web}\n' >ask.yaml
	run_plan 0 ask.yaml
	same web1 "$(executed)"
}

@test "run-plan: a no in the middle of a plan is no refusal before anything changed: 5" {
	cat >gate.yaml <<-'END'
		plan: gate
		sets: {web: {nodes: web1}}
		steps:
		  - {rpc: rpcutil.ping, nodes: web}
		  - {id: sure, confirm: sure}
	END
	cat >answers <<-'END'
		set timeout 20
		eval spawn -noecho $argv
		foreach answer {y n} {
			expect -re {\[y/N\] } { send -- "$answer\r" } timeout { exit 98 } eof { exit 97 }
		}
		expect eof
		exit [lindex [wait] 3]
	END
	run expect -f answers "$DEPLOYCTL" run-plan gate.yaml
	same 5 "$status"
	holds "$output" 'sure: not confirmed: the answer was no' "try: deployctl resume $(newest) --yes"
}

@test "run-plan: a plan whose lock another run holds is refused, and told by whom: 6" {
	sed -i 's/^sets/lock: cluster\/alfa\nsets/' two.yaml
	also 'reply web1 delay 300ms'
	begin run-plan two.yaml --yes
	await '^web1 '
	run_plan 6 two.yaml
	holds "$stderr" "lock \"cluster/alfa\" is held by run $(sqlite3 state.db \
		'SELECT min(id) FROM run')" 'process '"$pid" 'try: deployctl lock list'
	run_plan 6 two.yaml --detach
	same '' "$output"
	holds "$stderr" 'lock "cluster/alfa" is held by run'
	ends 0
	same '' "$("$DEPLOYCTL" lock list -o name)"
	fleet 'node web[1-4]' 'broker lock held'
	run_plan 6 two.yaml
	fleet 'node web[1-4]' 'broker lock forbidden'
	run_plan 0 two.yaml
	holds "$stderr" 'holds on this machine only'
}

@test "run-plan: TERM, as Jenkins sends it: who is in flight is waited for, always steps are done, 143" {
	printf 'always:\n  - {id: after, rpc: rpcutil.ping, nodes: web}\n' >>two.yaml
	also 'reply web[1-2] delay 200ms'
	begin run-plan two.yaml --yes -o json
	await '^web2 '
	kill -TERM "$pid"
	ends 143
	same 'first stopped 4 4
after ok 4 4' "$(rows)"
	holds "$stderr" 'stopped: first: interrupted' "to go on: deployctl resume $(newest)"
	resume 0 "$(newest)" -o json
	same 'first before 4 4
second ok 4 4' "$(rows | head -2)"
}

@test "run-plan: told twice it leaves at once; who was in flight is unknown" {
	also 'reply web1 delay 60s'
	begin run-plan two.yaml --yes -o json
	await '^web4 '
	kill -TERM "$pid"
	await 'stopped: ' err
	kill -TERM "$pid"
	ends 143
	same '3 1' "$(document '[s["ok"], s["unknown"]].join(" ")')"
	holds "$stderr" 'unknown: web1'
}

@test "run-plan --deadline ends it: 124; cancel does from elsewhere" {
	also 'reply web1 delay 60s'
	run_plan 124 two.yaml --deadline 100ms
	begin run-plan two.yaml --yes
	await '^web4 '
	"$DEPLOYCTL" cancel "$(newest)" --wait 0 >/dev/null 2>&1 || true
	await 'stopped: ' err
	deployctl 0 cancel "$(newest)"
	ends 143
	same 143 "$("$DEPLOYCTL" history -o json --limit 1 | document 'd["items"][0]["exit"]' /dev/stdin)"
}

@test "run-plan: what nodes send obeys no terminal" {
	also 'reply web[1-5] escape' 'reply web2 fail 1 no'
	run_plan 5 five.yaml
	printf '%s\n%s\n' "$output" "$stderr" >seen
	no_controls seen
}

@test "run-plan: a thousand nodes that fail are counted, not told one by one" {
	fleet 'node n[1-1000]' 'reply n[1-1000] fail 1 no'
	sed -i 's/web\[1-4\]/n[1-1000]/; s/timeout: 20s/max_fail: 100%/' two.yaml
	run_plan 2 two.yaml
	same 20 "$(grep -c '^first: n[0-9]*: failed' <<<"$stderr")"
	holds "$stderr" 'first: 980 more are not told one by one' 'failed: n[1-1000]'
}

@test "run-plan: inputs and runs are offered to be typed" {
	deployctl 0 __complete run-plan five.yaml ''
	same $'cluster=\tWhich one' "$output"
	run_plan 0 two.yaml
	also 'reply web1 fail 1 no'
	run_plan 5 two.yaml
	deployctl 0 __complete resume ''
	same "$(newest)"$'\trun-plan two.yaml --yes' "$output"
}

# keep NAME STATUS WORDS...: the document of that, in a file
keep() {
	deployctl "$2" "${@:3}" -o json </dev/null
	printf '%s\n' "$output" >"$1.json"
}

@test "output.schema.json takes every document of run-plan and resume, and no other" {
	keep ok 0 run-plan five.yaml --yes
	keep dry 0 run-plan five.yaml --dry-run
	keep preflight 0 run-plan five.yaml --preflight
	keep nobody 1 run-plan five.yaml --yes cluster=zulu
	keep bad 65 run-plan "$REPO/test/data/plans/bad-scope.yaml" --yes
	keep missing 66 run-plan nix.yaml --yes
	keep usage 64 run-plan five.yaml
	keep other 0 history
	also 'reply web2 fail 1 no'
	keep failed 5 run-plan five.yaml --yes
	keep resumed 5 resume "$(newest)" --yes
	fleet 'node web[1-4]' 'reply web2 silent'
	sed -i 's/timeout: 20s/timeout: 200ms/' two.yaml
	keep silent 5 run-plan two.yaml --yes --only first --deadline 60s
	keep left 4 resume "$(newest)" --yes
	sed 's/"state": "ok"/"state": "fine"/' ok.json >wrong1.json
	sed 's/"dry_run"/"dry"/' dry.json >wrong2.json
	ruby --disable-gems "$REPO/test/cli/schema.rb" "$REPO/examples/output.schema.json" ./*.json >judged
	same '' "$(grep -v '^./wrong' judged | grep -v ': good$')"
	same '12 2' "$(grep -c ': good$' judged) $(grep -c '^./wrong' judged)"
}
