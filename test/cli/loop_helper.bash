# What the tests share that need a fleet: deployctl-loop, whose broker and nodes are a script (see
# fleet.h). The program under test: $DEPLOYCTL_LOOP_BIN, or build/deployctl-loop.
# shellcheck disable=SC2034,SC2154
load helper

DEPLOYCTL=${DEPLOYCTL_LOOP_BIN:-$REPO/build/deployctl-loop}
case $DEPLOYCTL in /*) ;; *) DEPLOYCTL=$REPO/$DEPLOYCTL ;; esac

# What a wrong PSK looks like, and what else.
HINT='a wrong PSK, a wrong collective and nodes whose clock is off all look like this'

# Nine web servers and a database: db1 lacks the agent lab and is in the collective de, too. DDLs are
# those that a test puts into plugins, and none that happens to be installed.
setup_loop() {
	setup_environment
	cd "$BATS_TEST_TMPDIR" || return
	export DEPLOYCTL_LOOP=$BATS_TEST_TMPDIR/fleet DEPLOYCTL_LOOP_LOG=$BATS_TEST_TMPDIR/log
	(umask 077 && cat >.mcollective) <<-'END'
		connector = rabbitmq
		securityprovider = psk
		plugin.psk = loop-psk
		identity = admin.example.net
		collectives = mcollective,de
		main_collective = mcollective
		plugin.rabbitmq.pool.size = 1
		plugin.rabbitmq.pool.1.host = broker.example.net
		plugin.rabbitmq.pool.1.user = ann
		plugin.rabbitmq.pool.1.password = s3cret
	END
	mkdir -p .config/deployctl
	(umask 077 && own_ddls >.config/deployctl/config.yaml)
	fleet 'node web[1-5] facts cluster=alfa country=de rank=2 classes apache,common' \
		'node web[6-9] facts cluster=bravo country=uk rank=10 classes nginx,common' \
		"node db1 facts cluster=alfa country=uk os=Debian classes postgres agents rpcutil \
collectives mcollective,de"
}

# own_ddls: the line of a configuration that says so
own_ddls() {
	printf 'ddl_dirs: [%s/plugins/mcollective]\n' "$BATS_TEST_TMPDIR"
}

# fleet LINE...: this fleet and no other
fleet() {
	: >"$DEPLOYCTL_LOOP"
	also "$@"
}

# also LINE...: more of it
also() {
	printf '%s\n' "$@" >>"$DEPLOYCTL_LOOP"
}

# ask_ping STATUS WORDS..., ask_rpc STATUS WORDS...: replies come at once, so discovery may be short;
# where nobody is there to end it, --dt does
ask_ping() {
	deployctl "$1" ping --window-time 25ms "${@:2}"
}

ask_rpc() {
	deployctl "$1" rpc --window-time 25ms "${@:2}"
}

# The nodes that did something, in the order in which they did, on one line.
executed() {
	awk '!/^[>=!]/ && $2 != "discovery" {printf "%s%s", space, $1; space = " "}' \
		"$DEPLOYCTL_LOOP_LOG"
}

# sent [EXCHANGE ["KEYS mandatory|-"]]: how many such publishes there were; patterns
sent() {
	grep -cE "^> ${1:-}${2:+[^ ]* $2}" "$DEPLOYCTL_LOOP_LOG" || true
}

# names WORD...: one a line, as -o name prints them
names() {
	printf '%s\n' "$@"
}

# $output without what differs from run to run
masked() {
	printf '%s' "$output" | sed -E 's/ +[0-9]+\.[0-9]+ ms/ N ms/'
}

# document EXPRESSION [FILE]: like json, in a fraction of its time
document() {
	if [ $# -gt 1 ]; then cat "$2"; else printf '%s' "$output"; fi |
		ruby --disable-gems -rjson -e \
			'd = JSON.parse(STDIN.read); s = d["summary"] if d.is_a?(Hash)
			puts(eval(ARGV[0]))' -- "$1"
}

# summary: "nodes ok failed silent not_connected unknown cancelled" of the document in $output, then
# the replies that were not credited: " duplicate 1 late 2"
summary() {
	document '[*s.values_at("nodes", "ok", "failed"),
		*s.values_at("silent", "not_connected", "unknown", "cancelled").map { |set|
			set["count"] == set["nodes"].length ? set["count"] : "uneven" },
		*%w[unexpected duplicate late rejected flood].reject { |r| s[r] == 0 }.map { |r|
			"#{r} #{s[r]}" }].join(" ")'
}

# peak_below MIB: no run since setup took more memory. Sanitizers keep what is freed.
peak_below() {
	local peak limit=$1
	case $DEPLOYCTL in */sanitize/*) limit=$((limit + 700)) ;; esac
	peak=$(awk '/^= VmHWM/ && $3 > peak {peak = $3} END {print int(peak / 1024)}' \
		"$DEPLOYCTL_LOOP_LOG")
	[ "${peak:-$limit}" -lt "$limit" ] && return
	printf 'peak of memory: %s MiB, expected less than %s\n' "$peak" "$limit"
	return 1
}

# no_controls FILE...: no byte that a terminal would obey, newlines aside
no_controls() {
	local found
	found=$(LC_ALL=C grep -naP '[\x00-\x09\x0b-\x1f\x7f]|\xc2[\x80-\x9f]|\xe2\x80[\xaa-\xae]' "$@" |
		cat -v)
	same '' "$found"
}

# on_terminal_of COLUMNS WORDS...: what a terminal of that width gets of it
on_terminal_of() {
	command -v script >/dev/null || skip 'script(1) is not there'
	printf 'stty cols %s; exec "%s" %s 2>/dev/null\n' "$1" "$DEPLOYCTL" "${*:2}" >job
	script -qec 'sh job' /dev/null </dev/null | tr -d '\r'
}

# on_terminal WORDS...: the same, of the usual width
on_terminal() {
	on_terminal_of 80 "$@"
}

# An action that every node has.
FACT=(rpcutil get_fact 'fact=cluster')

# groups: what the notes on stderr say was asked together
groups() {
	sed -n 's/^asking \(.*\) (.*/\1/p' <<<"$stderr" | tr '\n' ' '
}
