#!/usr/bin/env bats
# deployctl history, and status of runs, on what real runs have left in the state file.
# shellcheck disable=SC2154
load loop_helper

setup() {
	setup_loop
}

# three_runs: a ping, a failing rpc, and facts; $act is the id of the rpc
three_runs() {
	also 'reply web2 fail 1 told to fail' 'absent web3'
	ask_ping 0 -C nginx
	ask_rpc 2 lab echo text=hi password=secret -I 'web[1-4]' -t 50ms
	deployctl 0 facts country --window-time 25ms -C nginx
	act=$("$DEPLOYCTL" history --acts -o name)
}

# interrupted_run: $act is a run whose process was killed when it had asked web1
interrupted_run() {
	ask_ping 0 -I web1
	also 'reply web1 silent'
	"$DEPLOYCTL" rpc lab echo -I web1 -t 60s >/dev/null 2>&1 3>&- &
	local pid=$!
	for _ in $(seq 200); do
		act=$("$DEPLOYCTL" history --acts -o name)
		grep -q '^> ' "$DEPLOYCTL_LOOP_LOG" 2>/dev/null && [ "$act" ] && break
		sleep 0.02
	done
	kill -KILL "$pid"
	wait "$pid" 2>/dev/null || true
}

@test "runs are listed, the newest first, with what they came to" {
	deployctl 0 history
	same '' "$output"
	three_runs
	deployctl 0 history
	same 'RUN STARTED KIND STATE EXIT OK FAILED SILENT UNKNOWN COMMAND' \
		"$(head -1 <<<"$output" | tr -s ' ')"
	same 'facts ended 0 4 0 0 0 facts
rpc ended 2 2 1 1 0 rpc
ping ended 0 4 0 0 0 ping' "$(tail -n +2 <<<"$output" | awk '{print $4, $5, $6, $7, $8, $9, $10, $11}')"
	same '' "$stderr"
}

@test "which runs are listed can be said" {
	three_runs
	deployctl 0 history --kind rpc -o name
	same "$act" "$output"
	deployctl 0 history --limit 2 -o name
	same 2 "$(wc -l <<<"$output")"
	deployctl 0 history --acts -o json
	same 'history rpc true ended complete 2 2 1 1 0 UTC' "$(document 'i = d["items"][0]
		[d["kind"], *i.values_at("kind", "act", "state", "end", "exit", "ok", "failed", "silent",
		"unknown"), i["started"] =~ /\A\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z\z/ &&
		i["ended"] >= i["started"] ? "UTC" : "?"].join(" ")')"
	deployctl 0 history -o jsonl
	same 'run run run summary' "$(ruby --disable-gems -rjson -e \
		'puts STDIN.each_line.map { |l| JSON.parse(l)["type"] }.join(" ")' <<<"$output")"
	deployctl 64 history --limit 0
	deployctl 64 history web1
	holds "$stderr" 'deployctl status web1'
}

@test "secrets of a command line are not kept" {
	three_runs
	deployctl 0 history --acts
	holds "$output" 'password=***'
	[[ $output != *secret* ]]
}

@test "what need not be kept goes, and how much is said" {
	printf '%s\nkeep: {runs: 1}\n' "$(own_ddls)" >.config/deployctl/config.yaml
	for _ in 1 2 3; do
		ask_ping 0 -I web1
	done
	own_ddls >.config/deployctl/config.yaml
	ask_ping 0 -I web1
	ask_ping 0 -I web1
	printf '%s\nkeep: {runs: 1}\n' "$(own_ddls)" >.config/deployctl/config.yaml
	deployctl 0 history prune
	same 'removed 2 of 3 runs' "$output"
	deployctl 0 history prune -o json
	same '0 1' "$(document 's.values_at("removed", "kept").join(" ")')"
}

@test "a run whose process died is interrupted, and its nodes are unknown" {
	interrupted_run
	deployctl 0 history --acts -o json
	same 'interrupted nil nil 1 0' "$(document \
		'd["items"][0].values_at("state", "end", "exit", "unknown", "pending").map { |v|
			v.is_a?(String) ? v : v.inspect }.join(" ")')"
	deployctl 0 status "$act"
	holds "$output" 'interrupted: its process died' '1 unknown' \
		'web1: unknown: it was to be asked when the run was cut off' "-I 'web1'"
	deployctl 4 status --watch "$act"
	deployctl 0 status
	holds "$output" '0 running, 1 interrupted'
	deployctl 0 status web1
	holds "$output" 'rpc   asked'
}

@test "status of a run: who, what, how it ended, who was not ok, how to go on" {
	three_runs
	TZ=UTC deployctl 0 status "$act"
	same "$act
  kind         rpc
  command      deployctl rpc --window-time 25ms lab echo text=hi password=*** -I 'web[1-4]' -t 50ms
  who          WHO
  started      WHEN
  ended        WHEN, complete, status 2 node_failed
  nodes        2 ok, 1 failed, 1 silent

web2: failed (1): told to fail
web3: not connected

to go on: the same command with -I 'web[2-3]'" "$(sed -E 's/(who +).*/\1WHO/
		s/[0-9]{4}-[0-9-]+ [0-9:]+ \([0-9]+s ago\)/WHEN/' <<<"$output")"
	deployctl 0 status "$act" -o json
	same "run $act rpc 2 web1/ok web2/failed web3/silent web4/ok" "$(document \
		'[d["kind"], d["run"], *s.values_at("kind", "exit"),
		*d["items"].map { |i| "#{i["node"]}/#{i["state"]}" }].join(" ")')"
	same '1 told to fail hi true' "$(document 'i = d["items"][1]; [*i.values_at("statuscode",
		"message"), i["data"]["text"], d["items"][2]["not_connected"]].join(" ")')"
	deployctl 0 status "$act" -o name
	same "$(names web1 web2 web3 web4)" "$output"
}

@test "equal messages are folded, and foreign text is escaped" {
	also $'reply web1 fail 1 bad\e[31m' $'reply web2 fail 1 bad\e[31m'
	ask_rpc 2 lab echo -I 'web[1-2]'
	deployctl 0 status "$("$DEPLOYCTL" history --acts -o name)"
	holds "$output" 'web[1-2] (2 nodes): failed (1): bad\e[31m'
}

@test "the beginning of an id is enough if it is one run's" {
	three_runs
	deployctl 0 status "${act:0:25}" -o name
	same web1 "${lines[0]}"
	lower=${act,,}
	deployctl 0 status "$lower" -o name
	deployctl 64 status 0
	holds "$stderr" 'more than one begins so'
	deployctl 1 status 9ZZZ
	holds "$stderr" '9ZZZ: neither a node that is known nor' 'deployctl discover'
	deployctl 1 status nosuch -o json
	same '1 no_nodes 1' "$(document '[*d["exit"].values, d["errors"].length].join(" ")')"
}

@test "watching a run ends with it, and with its status" {
	three_runs
	deployctl 2 status --watch "$act"
	holds "$output" 'web2: failed (1): told to fail'
	also 'reply web4 delay 1s'
	"$DEPLOYCTL" rpc lab echo -I web4 >/dev/null 2>&1 3>&- &
	for _ in $(seq 200); do
		act=$("$DEPLOYCTL" history --acts --limit 1 -o json | document \
			'd["items"][0]["state"] == "running" ? d["items"][0]["run"] : ""' /dev/stdin)
		[ "$act" ] && break
	done
	deployctl 0 status --watch --every 50ms "$act"
	holds "$output" 'state        running' '1 asked' 'ended  ' '1 ok'
	wait
}

# steps_of_a_plan: $act is made a plan's run of two steps, the second of two groups, resumed once
steps_of_a_plan() {
	ask_rpc 0 lab echo -I 'web[1-4]'
	act=$("$DEPLOYCTL" history --acts -o name)
	sqlite3 state.db "UPDATE run SET plan = '/srv/a.yaml', plan_digest = 'abc', resumed = 1,
			exit = 5, ending = 'stopped', ok = 6, failed = 1;
		UPDATE task SET label = 'drain', ok = 1, nodes = 4;
		INSERT INTO task(run, task, label, nodes, started, ended, ok) VALUES
			(1, 1, 'update#1', 2, 1, 2, 1), (1, 2, 'update#2', 2, 1, NULL, NULL),
			(1, 3, 'update#2', 1, 1, 2, 0), (1, 4, 'enable', 0, NULL, NULL, NULL);
		INSERT INTO outcome(run, task, node, attempt, state, statuscode, message) VALUES
			(1, 1, 'web1', 1, 'ok', 0, ''), (1, 1, 'web2', 1, 'ok', 0, ''),
			(1, 2, 'web3', 1, 'ok', 0, ''), (1, 2, 'web4', 1, 'unknown', 0, ''),
			(1, 3, 'web4', 1, 'failed', 3, 'no')"
}

@test "a plan's run: a line for each step, each node as it was in the end, and how to go on" {
	steps_of_a_plan
	deployctl 0 status "$act"
	holds "$output" 'plan         /srv/a.yaml' 'resumed      1 time' '
STEP    STATE    NODES  OK  FAILED  SILENT  UNKNOWN
drain   ok       4      4   0       0       0
update  stopped  4      3   1       0       0
enable  waiting  0      0   0       0       0

web4: step update#2: failed (3): no

to go on: deployctl resume'
	[[ $output != *unknown:* ]]
	deployctl 0 status "$act" -o json
	same 'drain/ok update#1/ok update#2/running update#2/stopped enable/waiting 1 update#2 false' \
		"$(document '[*s["tasks"].map { |t| "#{t["label"]}/#{t["state"]}" }, s["tasks"][3]["failed"],
		*d["items"][-2].values_at("label", "last")].join(" ")')"
	deployctl 0 history -o json
	same 'rpc /srv/a.yaml abc ended 5 6 1 0 0 1' "$(document 'd["items"][0].values_at("kind", "plan",
		"plan_digest", "state", "exit", "ok", "failed", "silent", "unknown", "resumed").join(" ")')"
}

@test "of many steps those that are ok are counted" {
	steps_of_a_plan
	for i in $(seq 30); do
		echo "INSERT INTO task(run, task, label, started, ended, ok)
			VALUES(1, $i + 4, 's$i', 1, 2, 1);"
	done | sqlite3 state.db
	deployctl 0 status "$act"
	holds "$output" 'STEP    STATE    NODES  OK  FAILED  SILENT  UNKNOWN
update  stopped  4      3   1       0       0
enable  waiting  0      0   0       0       0
31 of 33 steps are ok'
	deployctl 0 status "$act" -o json
	same 35 "$(document 's["tasks"].length')"
}
