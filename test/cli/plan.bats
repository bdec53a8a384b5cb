#!/usr/bin/env bats
# deployctl plan: what is wrong in plans, told at once with its place, and what plans look like.
# shellcheck disable=SC2154
load helper

setup() {
	setup_environment
	cd "$REPO" || return
	# What is in the folder of examples and no plan.
	GLOBIGNORE=examples/site.yaml
	# Wherever the configuration of this machine looks for DDLs: only ours are there.
	PLANS=test/data/plans
}

lint() {
	local status=$1
	shift
	deployctl "$status" plan lint --ddl-dir "$PLANS" "$@"
}

# What stands behind each #! of FILE, as lint prints it.
expected() {
	awk -F '  #! ' -v file="$1" '{for (i = 2; i <= NF; i++) print file ":" FNR ":" $i}' "$1"
}

@test "plan lint tells what is wrong in each bad plan: every mistake, with line, column and pointer" {
	local file
	for file in "$PLANS"/bad-*.yaml; do
		lint 65 "$file"
		diff <(expected "$file") <(printf '%s\n' "$output")
		same "deployctl: $file: $(expected "$file" | wc -l) errors" "$stderr"
	done
	lint 65 "$PLANS/bad-thirty.yaml"
	[ "${#lines[@]}" -eq 30 ]
}

@test "plan lint finds nothing wrong in the examples" {
	lint 0 examples/web-deploy.yaml
	same 'ok: 7 steps, 3 sets, 3 inputs' "$output"
	lint 0 examples/*.yaml
	same 'examples/hadoop-bootstrap.yaml: ok: 17 steps, 5 sets, 2 inputs
examples/hadoop-start.yaml: ok: 9 steps, 5 sets, 1 input
examples/hadoop-stop.yaml: ok: 9 steps, 5 sets, 1 input
examples/mail-queue.yaml: ok: 3 steps, 1 set, 1 input
examples/onboard.yaml: ok: 4 steps, 1 set, 5 inputs
examples/web-deploy.yaml: ok: 7 steps, 3 sets, 3 inputs' "$output"
	holds "$stderr" 'examples/web-deploy.yaml: actions and inputs are not checked, no DDL is here: '
}

@test "the commands of the agent deploop in the examples are what its DDL takes" {
	deployctl 0 plan lint --ddl-dir examples/agents/deploop examples/hadoop-bootstrap.yaml
	[[ $stderr != *deploop* ]]
}

@test "plan lint: documents hold every flaw; several files are told apart" {
	lint 65 "$PLANS/bad-thirty.yaml" -o json
	same 'plan 65 30 30 true' "$(json '[d["kind"], d["exit"]["code"], d["items"].length,
		d["summary"]["errors"], d["items"].all? { |i| i["line"] > 0 && i["column"] > 0 }].join(" ")')"
	same '5 8 /inputs/end' "$(json 'd["items"][2].values_at("line", "column", "pointer").join(" ")')"
	lint 65 "$PLANS/bad-thirty.yaml" -o jsonl
	holds "${lines[0]}" '{"type":"error","seq":1,"file":"test/data/plans/bad-thirty.yaml","line":2,"column":7,'
	lint 65 "$PLANS/good-inner.yaml" "$PLANS/bad-thirty.yaml" "$PLANS/bad-scope.yaml" -o name
	same "$PLANS/bad-thirty.yaml $PLANS/bad-scope.yaml" "$(tr '\n' ' ' <<<"$output" | sed 's/ $//')"
}

@test "plan lint: what is no plan at all is told beside the others" {
	printf 'plan: [x\n' >"$HOME/syntax.yaml"
	lint 65 "$HOME/syntax.yaml"
	same "deployctl: $HOME/syntax.yaml:1:7: a '[' that is never closed" "$stderr"
	lint 66 "$HOME/none.yaml"
	lint 65 "$HOME/syntax.yaml" "$PLANS/good-inner.yaml" "$HOME/none.yaml"
	same "$HOME/syntax.yaml: 1:7: a '[' that is never closed
$PLANS/good-inner.yaml: ok: 1 step, 0 sets, 2 inputs
$HOME/none.yaml: No such file or directory" "$output"
	lint 66 "$PLANS/good-inner.yaml" "$HOME/none.yaml"
	lint 66 "$HOME"
}

@test "plan lint: a plan in a plan is found beside it, and its flaws have its name" {
	mkdir "$HOME/in"
	printf 'plan: a\nsteps:\n  - plan: in/b.yaml\n' >"$HOME/a.yaml"
	printf 'plan: b\nsteps:\n  - plan: c.yaml\n' >"$HOME/in/b.yaml"
	printf 'plan: c\nsteps:\n  - confirm: 5\n' >"$HOME/in/c.yaml"
	lint 65 "$HOME/a.yaml"
	same "$HOME/in/c.yaml:3:14: /steps/0/confirm: expected text, found a number; quote it" "$output"
	printf 'plan: c\nsteps:\n  - confirm: [\n' >"$HOME/in/c.yaml"
	lint 65 "$HOME/a.yaml"
	holds "$output" "$HOME/in/b.yaml:3:11: /steps/0/plan: $HOME/in/c.yaml:"
	rm "$HOME/in/c.yaml"
	mkfifo "$HOME/in/c.yaml"
	lint 65 "$HOME/a.yaml"
	holds "$output" "/steps/0/plan: \"$HOME/in/c.yaml\" is no file"
}

@test "plan lint needs no configuration, and tells nothing of one that is broken" {
	printf 'brokers: [\n' >"$HOME/broken.yaml"
	chmod 600 "$HOME/broken.yaml"
	lint 0 -c "$HOME/broken.yaml" "$PLANS/good-inner.yaml"
	same 'ok: 1 step, 0 sets, 2 inputs' "$output"
	same '' "$stderr"
}

@test "plan show: steps as a tree, with their nodes and how they are done" {
	deployctl 0 plan show examples/web-deploy.yaml
	same 'app-cluster-upgrade: Upgrade one cluster of a web application behind HAProxy, a group at a time

INPUT     IS
backend   type string; match ^[a-z]+$; prompt Backend name
revision  type integer; required
cluster   type string; match ^[a-z]+$

SET        CHOOSES
balancers  class haproxy; when_empty No load balancers found
servers    agent appmgr; fact cluster=${inputs.cluster}; when_empty No web servers found
notifier   agent angelianotify

STEP          ID       DOES                       NODES               HOW
1             ping     rpc rpcutil.ping           balancers, servers
2             upgrade  roll                       servers             batch 1, 50%, 100%; min_in_service 50%
  2.1         drain    rpc haproxy.disable        balancers
  2.2         update   rpc appmgr.upgrade         group               tries 2; idempotent
  2.3         settle   rpc nrpe.runcommand        group               tries 10; try_sleep 10s; until data.exitcode == 0
  2.4         enable   rpc haproxy.enable         balancers
on_success.1  -        rpc angelianotify.sendmsg  notifier            one' "$output"
	deployctl 0 plan show examples/web-deploy.yaml -o name
	same 'ping upgrade drain update settle enable on_success.1' "$(tr '\n' ' ' <<<"$output" | sed 's/ $//')"
	deployctl 0 plan show examples/web-deploy.yaml -o json
	same '2.3 settle rpc 10s' "$(json \
		'd["items"][0]["steps"][1]["steps"][2].values_at("number", "id", "kind", "try_sleep").join(" ")')"
}

@test "plan show: plans in plans are shown, plans with flaws are not" {
	printf '%s\n' 'plan: a' 'steps:' '  - {id: inner, plan: b.yaml}' '  - {wait: run.id ~= nil, every: 5s}' \
		'  - parallel: [{steps: [{set: {x: 1}}]}]' >"$HOME/a.yaml"
	printf '%s\n' 'plan: b' 'steps: [{puppet_run: {tags: [a, b]}, nodes: {class: x}}]' >"$HOME/b.yaml"
	deployctl 0 plan show "$HOME/a.yaml" --no-headers
	same 'a

1        inner  plan b.yaml           -
  1      -      puppet_run tags a, b  class x
2        -      wait run.id ~= nil    -        every 5s
3        -      parallel, 1 lane      -
  3.1.1  -      set x 1               -' "$output"
	deployctl 65 plan show "$PLANS/bad-scope.yaml"
	same '' "$output"
	same "deployctl: $PLANS/bad-scope.yaml: 20 errors
  try: deployctl plan lint $PLANS/bad-scope.yaml" "$stderr"
}

@test "plan: wrong words" {
	deployctl 64 plan lnt x
	holds "$stderr" '"lnt" is neither lint nor show' 'try: deployctl plan lint FILE'
	deployctl 64 plan show
	deployctl 64 plan show a b
	deployctl 64 plan lint
}

schema() {
	ruby --disable-gems test/cli/schema.rb examples/plan.schema.json "$@"
}

@test "plan.schema.json takes every good plan and refuses every bad one" {
	same '' "$(schema examples/*.yaml "$PLANS"/good-*.yaml | grep -v ': good$')"
	same 7 "$(schema examples/*.yaml "$PLANS"/good-*.yaml | wc -l)"
	same '' "$(schema "$PLANS"/bad-*.yaml | grep ': good$')"
}

# Names, files and DDLs are for lint alone. What is not listed here the schema finds as well.
@test "plan.schema.json refuses every step that lint refuses, but for what a schema cannot know" {
	local known
	known="$(schema --steps "$PLANS"/bad-acts.yaml "$PLANS"/bad-types.yaml "$PLANS"/bad-thirty.yaml |
		sed "s|^$PLANS/||")"
	same 'bad-acts.yaml: 1 good
bad-acts.yaml: 6 good
bad-acts.yaml: 16 good
bad-acts.yaml: 18 good
bad-acts.yaml: 20 good
bad-acts.yaml: 21 good
bad-types.yaml: 2 good
bad-types.yaml: 3 good
bad-thirty.yaml: 0 good
bad-thirty.yaml: 5 good
bad-thirty.yaml: 6 good
bad-thirty.yaml: 9 good' "$known"
}

@test "lint knows the keys of steps that plan.schema.json has" {
	json '{"plan" => "p", "steps" => [d["definitions"]["step"]["properties"].transform_values { {} }]}' \
		examples/plan.schema.json | sed 's/=>/: /g' >"$HOME/keys.yaml"
	lint 65 "$HOME/keys.yaml"
	[ "${#lines[@]}" -gt 30 ]
	[[ $output != *'unknown key'* ]]
}
