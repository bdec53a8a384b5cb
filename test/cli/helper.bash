# What the tests of the command line share. The program under test: $DEPLOYCTL, or build/deployctl.
# shellcheck disable=SC2154
bats_require_minimum_version 1.5.0

REPO=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
DEPLOYCTL=${DEPLOYCTL:-$REPO/build/deployctl}
case $DEPLOYCTL in /*) ;; *) DEPLOYCTL=$REPO/$DEPLOYCTL ;; esac

# Nothing of the person who runs the tests may show through.
setup_environment() {
	unset NO_COLOR CLICOLOR_FORCE XDG_CONFIG_HOME DEPLOYCTL_CONFIG DEPLOYCTL_CONTEXT
	unset DEPLOYCTL_OUTPUT DEPLOYCTL_COLOR DEPLOYCTL_TTL DEPLOYCTL_TIMEOUT DEPLOYCTL_BATCH
	unset DEPLOYCTL_DISCOVERY_TIMEOUT DEPLOYCTL_WINDOW_TIME DEPLOYCTL_CONNECTION_TIMEOUT
	unset DEPLOYCTL_BATCH_SLEEP
	unset MCOLLECTIVE_PSK STOMP_USER STOMP_PASSWORD
	export HOME=$BATS_TEST_TMPDIR LC_ALL=C DEPLOYCTL_STATE=$BATS_TEST_TMPDIR/state.db
}

# deployctl STATUS WORDS...: run it; $output, $stderr. Says all there is to say if the status differs.
deployctl() {
	local expected=$1
	shift
	run --separate-stderr "$DEPLOYCTL" "$@"
	[ "$status" -eq "$expected" ] && return
	printf 'deployctl %s: status %s, not %s\n%s\n%s\n' "$*" "$status" "$expected" "$output" "$stderr"
	return 1
}

# same WHAT IS: fails with both.
same() {
	[ "$1" = "$2" ] && return
	printf 'expected: %s\n     got: %s\n' "$1" "$2"
	return 1
}

# holds TEXT PART...: each part stands in text.
holds() {
	local text=$1 part
	shift
	for part; do
		[[ $text == *"$part"* ]] && continue
		printf 'missing: %s\nin: %s\n' "$part" "$text"
		return 1
	done
}

# json EXPRESSION [FILE]: evaluate Ruby with d, the one JSON document in $output or FILE; prints it.
json() {
	if [ $# -gt 1 ]; then cat "$2"; else printf '%s' "$output"; fi |
		ruby --disable-gems -rjson -e 'd = JSON.parse(STDIN.read); puts(eval(ARGV[0]))' -- "$1"
}

# error_document STATUS NAME: $output is the document of a failure, and says so as the program did.
error_document() {
	same "deployctl/v1 $1 $2 true" "$(json \
		'[d["schema"], d["exit"]["code"], d["exit"]["name"], d["errors"].length == 1].join(" ")')"
	same 'schema kind run items summary exit errors' "$(json 'd.keys.join(" ")')"
}

all_commands() {
	"$DEPLOYCTL" help -o name
}
