# Shared by the tests that run plans: the nodes of the lab get agents that have something to do, and parts
# to play. Their agents note in the lab's file "calls" what they are asked, in the order of it.
#   web[01-04]  cluster alfa, with the application    web[08-09]  load balancers
#   web[06-07]  cluster bravo, with the application   web05,web09  can notify people
#   web[01-03]  mail relays                           web[01-06]  Hadoop's cluster preview
# shellcheck disable=SC2154
load helper
# Those who load this have a setup of their own, which begins with this one.
eval "setup_lab() $(declare -f setup | tail -n +2)"

calls=${DEPLOYCTL_LAB-}/calls

# has_part NODE AGENT: which nodes have which of the agents that not all of them have
has_part() {
	case $2:$1 in
	appmgr:web0[123467] | nrpe:web0[123467] | haproxy:web0[89] | angelianotify:web0[59]) ;;
	*) return 1 ;;
	esac
}

# give_hadoop_part FILE NODE: the facts that say what it is
give_hadoop_part() {
	local role
	case $2 in
	web01) role=nn1 ;;
	web02) role=nn2 ;;
	web03) role='rm' ;;
	web0[456]) role=dn ;;
	*) return 0 ;;
	esac
	ruby --disable-gems -rjson -e 'file, role = ARGV
		facts = JSON.parse(File.read(file)).merge("deploop_collection" => "preview", "deploop_role" => role)
		File.write(file, JSON.generate(facts))' "$1" "$role"
}

# give_parts [hadoop]: the agents to all nodes, and what they are found by; take_parts takes it back
give_parts() {
	local dir node agent
	for dir in "$DEPLOYCTL_LAB"/nodes/*; do
		node=${dir##*/} node=${node%%.*}
		mkdir "$dir/kept"
		cp "$dir"/{server.cfg,classes,facts.json} "$dir/kept/"
		sed -i "s|^libdir = .*|&:$top/test/lab/apps|" "$dir/server.cfg"
		echo 'plugin.deploop.execute = yes' >>"$dir/server.cfg"
		for agent in appmgr nrpe haproxy angelianotify; do
			has_part "$node" "$agent" || echo "plugin.$agent.activate_agent = false"
		done >>"$dir/server.cfg"
		! has_part "$node" haproxy || echo haproxy >>"$dir/classes"
		[[ $node != web0[123] ]] || echo mail_relay >>"$dir/classes"
		[ "${1-}" != hadoop ] || give_hadoop_part "$dir/facts.json" "$node"
	done
	restart_nodes
}

take_parts() {
	local dir
	for dir in "$DEPLOYCTL_LAB"/nodes/*; do
		cp "$dir"/kept/* "$dir/"
		rm -rf "$dir/kept"
	done
	forget_works
	restart_nodes
}

restart_nodes() {
	local names
	mapfile -t names < <(ls "$DEPLOYCTL_LAB/nodes")
	lab node stop "${names[@]}"
	lab node start "${names[@]}"
}

# What earlier tests have made of the nodes.
forget_works() {
	rm -f "$calls" "$DEPLOYCTL_LAB"/nodes/*/{slow,revision,critical,queue,flushed,services,out.*,*.fail,*.mute}
}

# make NODE FILE TEXT: e.g. make web01 appmgr.upgrade.fail 1
make() {
	echo "$3" >"$DEPLOYCTL_LAB/nodes/$1.example.net/$2"
}

# of NODE FILE
of() {
	cat "$DEPLOYCTL_LAB/nodes/$1.example.net/$2" 2>/dev/null || true
}

# runs FILE WORDS...: a plan; plays FILE WORDS...: one of the examples, as it is
runs() {
	dc run-plan --ddl-dir "$top/test/lab/apps/mcollective" "$@"
}

plays() {
	runs "$top/examples/$1" "${@:2}"
}

last_run() {
	"$DEPLOYCTL" history -o name --limit 1
}

# by TEXT: the nodes whose calls have it, in their order
by() {
	awk -v text="$1" 'index($0, text) {print $1}' "$calls" | paste -sd ' '
}

# told TEXT: what the last command said, on either stream
told() {
	has "$output$stderr" "$1"
}

# ends_with STATUS
ends_with() {
	equal "$1" "$status" && return
	printf '%s\n%s\n' "$stderr" "$output" >&2
	cat "$calls" >&2
	return 1
}
