# Shared by the tests that need the lab. Without a lab they fail: a missing broker is no pass.
bats_require_minimum_version 1.5.0

top=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
DEPLOYCTL=${DEPLOYCTL:-$top/build/deployctl}

setup() {
	if [ -z "${DEPLOYCTL_LAB:-}" ] || [ ! -d "$DEPLOYCTL_LAB" ]; then
		echo "no lab: run test/lab/lab run -- bats test/lab" >&2
		return 1
	fi
	# Ruby reads our UTF-8 as such wherever the tests run.
	export LC_ALL=C.UTF-8 HOME=$BATS_TEST_TMPDIR DEPLOYCTL_CONFIG=$LAB_CLIENT_CFG
	export DEPLOYCTL_STATE=$BATS_TEST_TMPDIR/state.db
}

lab() {
	"$top/test/lab/lab" "$@"
}

# dc ARGUMENT...: deployctl, its streams apart, never longer than a test may take.
dc() {
	run --separate-stderr timeout 60 "$DEPLOYCTL" "$@"
}

# with_cfg FILE KEY=VALUE...: write the lab's configuration with other values, print its path.
with_cfg() {
	local file=$BATS_TEST_TMPDIR/$1.cfg pair
	shift
	cp "$LAB_CLIENT_CFG" "$file"
	for pair; do
		sed -i "/^${pair%%=*} *=/d" "$file"
		printf '%s = %s\n' "${pair%%=*}" "${pair#*=}" >>"$file"
	done
	chmod 600 "$file"
	printf '%s\n' "$file"
}

# json EXPRESSION: evaluate Ruby on the document in $output, called d; print the result.
json() {
	ruby -rjson -e 'd = JSON.parse($stdin.read); r = eval(ARGV[0]); puts r.is_a?(String) ? r : r.to_json' \
		"$1" <<<"$output"
}

# equal EXPECTED ACTUAL
equal() {
	if [ "$1" != "$2" ]; then
		printf 'expected: %s\nactual:   %s\n' "$1" "$2" >&2
		return 1
	fi
}

# has TEXT NEEDLE
has() {
	case $1 in
	*"$2"*) ;;
	*)
		printf 'not found: %s\nin: %s\n' "$2" "$1" >&2
		return 1
		;;
	esac
}

# await COMMAND...: until it succeeds, for a minute
await() {
	local i
	for ((i = 0; i < 300; i++)); do
		"$@" && return
		sleep 0.2
	done
	printf 'in vain: %s\n' "$*" >&2
	return 1
}

# A port of the loopback interface that nobody listens on.
free_port() {
	ruby -rsocket -e 's = TCPServer.new("127.0.0.1", 0); puts s.addr[1]'
}

# Start a server that accepts and never speaks: $mute is its process, $mute_port its port.
listen_mute() {
	coproc MUTE { exec ruby -rsocket -e 's = TCPServer.new("127.0.0.1", 0); puts s.addr[1]
		$stdout.flush; c = []; loop { c << s.accept }' 3>&-; }
	mute=$MUTE_PID
	read -r mute_port <&"${MUTE[0]}"
}
