# What the tests of plans share, beside loop_helper: a plan, and how it is run.
# shellcheck disable=SC2034,SC2154

# Five web servers of the cluster alfa, found in 25 ms, and given up in 300.
setup_plan() {
	setup_loop
	(umask 077 && printf 'window_time: 25ms\ndiscovery_timeout: 300ms\n' >>.config/deployctl/config.yaml)
	cat >five.yaml <<-'END'
		plan: five
		inputs: {cluster: {type: string, default: alfa, description: Which one}}
		sets:
		  web: {class: apache, fact: "cluster=${inputs.cluster}", when_empty: no web server there}
		steps:
		  - {id: look, rpc: rpcutil.ping, nodes: web}
		  - {id: change, rpc: lab.echo, nodes: web, with: {text: hello}, batch: 2}
		  - id: each
		    roll: {over: web, batch: 3}
		    steps:
		      - {id: down, rpc: lab.echo, nodes: group, with: {n: 1}}
		      - {id: up, rpc: lab.echo, nodes: group, with: {n: 2}, tries: 2, idempotent: true}
		  - {id: done, rpc: rpcutil.get_fact, nodes: web, with: {fact: cluster}, when: "#sets.web > 1"}
	END
	# A step that fails on a node, and one that is never reached.
	cat >two.yaml <<-'END'
		plan: two
		sets: {web: {nodes: "web[1-4]"}}
		steps:
		  - {id: first, rpc: lab.echo, nodes: web, with: {text: a}, timeout: 20s}
		  - {id: second, rpc: lab.echo, nodes: web, with: {text: b}, timeout: 20s}
	END
}

# run_plan STATUS FILE WORDS..., resume STATUS RUN WORDS...: without a terminal, so with --yes
run_plan() {
	deployctl "$1" run-plan "$2" --yes "${@:3}" </dev/null
}

resume() {
	deployctl "$1" resume "$2" --yes "${@:3}" </dev/null
}

# The newest run.
newest() {
	"$DEPLOYCTL" history -o name | head -1
}

# Notes without what differs from run to run.
notes() {
	sed -E 's/ \([0-9]+\.[0-9] s\)$//' <<<"$stderr"
}

# rows: the steps of the document in $output, "STEP STATE NODES OK" each
rows() {
	document 'd["items"].map { |i| i.values_at("step", "state", "nodes", "ok").join(" ") }'
}

# begin WORDS...: in the background; $pid, files out and err
begin() {
	rm -f "$DEPLOYCTL_LOOP_LOG"
	"$DEPLOYCTL" "$@" >out 2>err 3>&- </dev/null &
	pid=$!
}

# await PATTERN [FILE]: until a line of the log, or of FILE, fits
await() {
	for _ in $(seq 500); do
		grep -qsE "$1" "${2:-$DEPLOYCTL_LOOP_LOG}" && return
		sleep 0.01
	done
	printf 'nothing fits %s\n' "$1"
	kill -KILL "$pid"
	return 1
}

# ends STATUS: it ends, and so; $output is its stdout, $stderr the rest
ends() {
	wait "$pid" && status=0 || status=$?
	output=$(cat out) stderr=$(cat err)
	same "$1" "$status"
}
