#!/usr/bin/env bats
# What holds for every command, and for the program around them. No broker is needed.
# shellcheck disable=SC2016,SC2030,SC2031,SC2154
load helper

setup() {
	setup_environment
}

# claim about each command, c, and its name; the failing ones are printed
every_command() {
	local wrong
	wrong=$("$DEPLOYCTL" __commands | ruby --disable-gems -rjson -e '
		d = JSON.parse(STDIN.read)
		globals = d["summary"]["options"]
		puts(d["items"].reject { |c| eval(ARGV[0]) }.map { |c| c["name"] })' -- "$1")
	same '' "$wrong"
}

@test "there are commands, and each of them is told about once" {
	deployctl 0 __commands
	same 'deployctl/v1 commands true' "$(json \
		'[d["schema"], d["kind"], d["items"].length > 3].join(" ")')"
	same '' "$(all_commands | sort | uniq -d)"
}

@test "every command has a summary of at most 50 characters without a full stop" {
	every_command '(1..50) === c["summary"].length && !c["summary"].end_with?(".")'
}

@test "every command has a description and a group" {
	every_command '!c["description"].empty? && %w[observe act about].include?(c["group"])'
}

@test "every command has an example, and each example is about it" {
	every_command 'c["examples"].any? && c["examples"].all? { |e|
		e["command"].start_with?("deployctl #{c["name"]}") && !e["text"].empty? }'
}

@test "every command has a table of exit statuses in numeric order" {
	every_command 'c["exits"].any? && c["exits"].all? { |e| !e["name"].empty? && !e["text"].empty? } &&
		c["exits"].map { |e| e["code"] }.each_cons(2).all? { |a, b| a < b }'
}

@test "every command may end with ok, usage and output" {
	every_command '([0, 64, 74] - c["exits"].map { |e| e["code"] }).empty?'
}

@test "every option has a name, a text in lower case, and no letter or name is used twice" {
	every_command 'all = c["options"] + globals
		all.all? { |o| o["name"] =~ /\A[a-z][a-z0-9-]*\z/ && o["text"] =~ /\A[^A-Z].*[^.]\z/ } &&
		all.map { |o| o["letter"] }.compact.uniq! == nil && all.map { |o| o["name"] }.uniq! == nil'
}

@test "every command has a man page that names all its options and statuses" {
	for name in $(all_commands); do
		[ -f "$REPO/man/deployctl-$name.1" ] || same "man/deployctl-$name.1" "no file"
	done
	cd "$REPO/man"
	every_command 'page = File.read("deployctl-#{c["name"]}.1").gsub("\\-", "-")
		c["options"].all? { |o| page.include?("Fl -#{o["name"]}") } &&
		c["exits"].all? { |e| page.include?(".It #{e["code"]}\n") }'
}

@test "every command prints the same help for help NAME, NAME --help and NAME -h" {
	for name in $(all_commands); do
		deployctl 0 help "$name"
		holds "$output" "usage: deployctl $name" 'Options' 'Exit status:' 'Examples:'
		same '' "$stderr"
		local help=$output
		deployctl 0 "$name" --help
		same "$help" "$output"
		deployctl 0 -h "$name"
		same "$help" "$output"
	done
}

@test "every command's help is at most 80 columns wide, examples aside" {
	for name in $(all_commands); do
		same '' "$("$DEPLOYCTL" help "$name" | grep -v '^  \$ ' | grep -E '.{81}')"
	done
}

@test "every command refuses an unknown option with one line that names it" {
	for name in $(all_commands); do
		deployctl 64 "$name" --no-such-option
		same "deployctl: $name: unknown option --no-such-option" "${stderr_lines[0]}"
		same "  try: deployctl help $name" "${stderr_lines[1]}"
		same '2 0' "${#stderr_lines[@]} ${#output}"
	done
}

@test "every command that needs operands says which one is missing" {
	for name in $("$DEPLOYCTL" __commands | ruby --disable-gems -rjson -e \
		'puts(JSON.parse(STDIN.read)["items"].select { |c| c["min_operands"] > 0 }.map { |c| c["name"] })'); do
		first=$("$DEPLOYCTL" __commands |
			ruby --disable-gems -rjson -e 'puts(JSON.parse(STDIN.read)["items"].find { |c|
				c["name"] == ARGV[0] }["operands"].split[0])' -- "$name")
		deployctl 64 "$name"
		same "deployctl: $name: $first is missing" "${stderr_lines[0]}"
	done
}

@test "one operand too many is refused by name" {
	deployctl 64 version now
	same 'deployctl: version: unexpected operand "now"' "${stderr_lines[0]}"
	deployctl 64 help version ping
	same 'deployctl: help: unexpected operand "ping"' "${stderr_lines[0]}"
}

@test "without a command the usage goes to stderr and the status is 64" {
	deployctl 64
	same '' "$output"
	holds "$stderr" 'usage: deployctl [OPTION...] COMMAND' 'version' 'no command was given'
	deployctl 64 -v --color never
	holds "$stderr" 'no command was given'
}

@test "help, -h and --help print the same to stdout with status 0" {
	deployctl 0 help
	same '' "$stderr"
	local help=$output
	holds "$help" 'usage: deployctl' '--output FORMAT' 'NO_COLOR'
	deployctl 0 -h
	same "$help" "$output"
	deployctl 0 --help
	same "$help" "$output"
}

@test "an unknown command is refused with the one that was probably meant" {
	deployctl 64 versoin
	same 'deployctl: unknown command "versoin"' "${stderr_lines[0]}"
	same '  try: deployctl version' "${stderr_lines[1]}"
	deployctl 64 help hlep
	same '  try: deployctl help' "${stderr_lines[1]}"
	deployctl 64 help versoin
	same '  try: deployctl help version' "${stderr_lines[1]}"
	for word in zzzzzzzz '' __nonsense __man -; do
		deployctl 64 "$word"
		holds "${stderr_lines[0]}" "unknown command \"$word\""
		same '  try: deployctl help' "${stderr_lines[1]}"
	done
}

@test "what is wrong with configuration or broker names the command that finds it out" {
	deployctl 78 ping -c "$BATS_TEST_TMPDIR/none.cfg"
	same "  try: deployctl doctor -c $BATS_TEST_TMPDIR/none.cfg" "${stderr_lines[1]}"
	deployctl 78 config show -c "$BATS_TEST_TMPDIR/none.cfg"
	same 1 "${#stderr_lines[@]}"
	deployctl 64 --version
	same '  try: deployctl version' "${stderr_lines[1]}"
}

@test "an option that is nearly right is suggested as a command to type" {
	deployctl 64 version --outptu json
	same '  try: deployctl version --output' "${stderr_lines[1]}"
	deployctl 64 --quite version
	same '  try: deployctl --quiet' "${stderr_lines[1]}"
	deployctl 64 version -o jsno
	same '  try: deployctl version --output=json' "${stderr_lines[1]}"
}

@test "an option given twice is refused, also on both sides of the command" {
	for words in 'version -q -q' 'version -qq' '-q version --quiet' '-o json version -o json' \
		'version --config=a -c b' '-h version -h'; do
		# shellcheck disable=SC2086
		deployctl 64 $words
		holds "${stderr_lines[0]}$output" 'was given twice'
	done
	deployctl 0 -v version -v -vv --verbose
}

@test "a value that is missing, empty or wrong is refused by name" {
	deployctl 64 version -o
	same 'deployctl: version: option -o needs a value: FORMAT' "${stderr_lines[0]}"
	deployctl 64 --config
	same 'deployctl: option --config needs a value: FILE' "${stderr_lines[0]}"
	deployctl 64 version --output=
	same 'deployctl: version: option --output: the value is empty' "${stderr_lines[0]}"
	deployctl 64 version --color sometimes
	same 'deployctl: version: option --color: "sometimes" is none of auto, always, never' \
		"${stderr_lines[0]}"
	deployctl 64 version --quiet=yes
	same 'deployctl: version: option --quiet takes no value' "${stderr_lines[0]}"
}

@test "--opt=value, --opt value, -ovalue and -o value are the same" {
	deployctl 0 version -o json
	local document=$output
	for words in '--output=json' '--output json' '-ojson' '-qojson'; do
		# shellcheck disable=SC2086
		deployctl 0 version $words
		same "$document" "$output"
		# shellcheck disable=SC2086
		deployctl 0 $words version
		same "$document" "$output"
	done
}

@test "version tells name and version in every format, and reads nothing" {
	export DEPLOYCTL_CONFIG=/no/such/file
	deployctl 0 version
	[[ $output =~ ^deployctl\ [0-9]+\.[0-9]+\.[0-9]+$ ]]
	local number=${output#deployctl }
	deployctl 0 version -o json
	same "version deployctl $number" "$(json \
		'[d["kind"], d["items"][0]["name"], d["items"][0]["version"]].join(" ")')"
	deployctl 0 version -o name
	same deployctl "$output"
	deployctl 0 version -j
	same "$number" "$(json 'd[0]["version"]')"
	deployctl 0 version -o jsonl
	same 'version summary' "$(printf '%s\n' "$output" |
		ruby --disable-gems -rjson -e 'puts(STDIN.map { |l| JSON.parse(l)["type"] }.join(" "))')"
}

@test "with -o json a usage error is one document on stdout, and a line on stderr" {
	for words in 'version --nonsense' 'version operand' 'nonsense' '--nonsense' 'version -q -q' \
		'help nonsense' 'rpc' 'ping --dt never' ''; do
		# shellcheck disable=SC2086
		deployctl 64 -o json $words
		error_document 64 usage
		holds "$stderr" "deployctl: $(json 'd["errors"][0]["text"]')"
	done
	deployctl 64 version -o json --nonsense
	error_document 64 usage
	deployctl 64 version --nonsense -j
	same '' "$output"
}

@test "the format counts also if it stands behind the word that is wrong" {
	for words in 'version --nonsense -o json' 'versoin --output=json' 'ping --dt never -ojson' \
		'--nonsense version -q -o json' 'version -o json -o yaml'; do
		# shellcheck disable=SC2086
		deployctl 64 $words
		error_document 64 usage
	done
	deployctl 64 version --nonsense -o jsonl
	same summary "$(json 'd["type"]')"
	deployctl 64 version --nonsense -- -o json
	same '' "$output"
}

@test "with -o json a configuration that is missing is one document" {
	deployctl 78 ping -o json -c "$BATS_TEST_TMPDIR/none.cfg"
	error_document 78 config
	holds "$stderr" "$BATS_TEST_TMPDIR/none.cfg"
	deployctl 78 ping -o jsonl -c "$BATS_TEST_TMPDIR/none.cfg"
	same 'summary 78' "$(json '[d["type"], d["exit"]["code"]].join(" ")')"
	deployctl 78 ping -j -c "$BATS_TEST_TMPDIR/none.cfg"
	same '' "$output"
}

@test "-j and -o exclude each other" {
	deployctl 64 version -j -o json
	holds "$stderr" '--json and --output exclude each other'
}

@test "DEPLOYCTL_OUTPUT is the format unless -o or -j is given, or help is asked for" {
	export DEPLOYCTL_OUTPUT=json
	deployctl 0 version
	same version "$(json 'd["kind"]')"
	deployctl 64 version --nonsense
	error_document 64 usage
	deployctl 0 -o name version
	same deployctl "$output"
	deployctl 0 help
	holds "$output" 'usage:'
	deployctl 0 version --help
	holds "$output" 'usage:'
	DEPLOYCTL_OUTPUT=nonsense deployctl 64 version
	holds "$stderr" 'DEPLOYCTL_OUTPUT: "nonsense"'
	DEPLOYCTL_OUTPUT='' deployctl 0 version
	holds "$output" 'deployctl '
}

@test "DEPLOYCTL_CONFIG is the configuration unless -c is given" {
	export DEPLOYCTL_CONFIG=$BATS_TEST_TMPDIR/from-environment
	deployctl 78 ping
	holds "$stderr" from-environment
	deployctl 78 ping -c "$BATS_TEST_TMPDIR/from-option"
	holds "$stderr" from-option
}

@test "bytes that could move a terminal are escaped in messages" {
	deployctl 64 $'ver\e[2Jsion\n'
	same 'deployctl: unknown command "ver\e[2Jsion "' "${stderr_lines[0]}"
	deployctl 64 -o json $'\xff\xfe'
	error_document 64 usage
}

@test "help -o json is the document of all commands, help NAME -o json of one" {
	deployctl 0 help -o json
	same "$(all_commands | wc -l)" "$(json 'd["items"].length')"
	local document=$output
	deployctl 0 __commands
	same "$document" "$output"
	deployctl 0 version --help -o json
	same 'commands version' "$(json '([d["kind"]] + d["items"].map { |c| c["name"] }).join(" ")')"
}

@test "a full disk under stdout ends with 74 and says why" {
	for words in help version 'version -o json' 'version --help' '__commands' '__man deployctl'; do
		# shellcheck disable=SC2086
		run --separate-stderr sh -c 'exec "$0" "$@" >/dev/full' "$DEPLOYCTL" $words
		same '74 deployctl: stdout: No space left on device' "$status $stderr"
	done
	run --separate-stderr sh -c 'exec "$0" -o json nonsense >/dev/full' "$DEPLOYCTL"
	same 74 "$status"
	holds "$stderr" 'unknown command' 'No space left'
}

@test "a closed stdout ends with 74 if there was something to write" {
	for words in help version 'version -o json'; do
		# shellcheck disable=SC2086
		run --separate-stderr sh -c 'exec "$0" "$@" >&-' "$DEPLOYCTL" $words
		same '74 deployctl: stdout: Bad file descriptor' "$status $stderr"
	done
	run --separate-stderr sh -c 'exec "$0" nonsense >&-' "$DEPLOYCTL"
	same 64 "$status"
	run sh -c 'exec "$0" version <&- 2>&-' "$DEPLOYCTL"
	same 0 "$status"
}

@test "a reader that goes away is nothing to talk about" {
	run --separate-stderr bash -c '"$0" __commands | true; sleep 0.1' "$DEPLOYCTL"
	same '0 ' "$status $stderr"
}

@test "nothing is coloured with NO_COLOR, in a pipe, or with --color never" {
	for words in help version 'help rpc'; do
		# shellcheck disable=SC2086
		NO_COLOR=1 CLICOLOR_FORCE=1 deployctl 0 $words
		[[ $output != *$'\e'* ]]
		# shellcheck disable=SC2086
		CLICOLOR_FORCE=1 deployctl 0 $words --color never
		[[ $output != *$'\e'* ]]
	done
}

# candidates WORDS...: what __complete offers, on one line, descriptions cut off
candidates() {
	"$DEPLOYCTL" __complete "$@" | cut -f 1 | tr '\n' ' '
}

@test "commands, options and choices are completed, each where it can stand" {
	same "$(all_commands | tr '\n' ' ')" "$(candidates '')"
	same 'version ' "$(candidates ver)"
	same 'version ' "$(candidates -o json -q ver)"
	same '--color --config --context ' "$(candidates --co | tr ' ' '\n' | sort | tr '\n' ' ' | sed 's/^ //')"
	same 'json jsonl ' "$(candidates -o js)"
	same 'table wide json jsonl yaml name dot ' "$(candidates version -qo '')"
	same '--output=json --output=jsonl ' "$(candidates version --output=js)"
	same 'ping ' "$(candidates help pi)"
	same '--with-fact ' "$(candidates ping --with-f)"
	same 'bash zsh fish ' "$(candidates completion '')"
	same 'fish ' "$(candidates completion -q f)"
	holds "$(candidates rpc agent action --)" --batch --output --with-fact
	same "$(candidates help '')" "$(candidates '')"
	same "$("$DEPLOYCTL" __complete help '')" "$("$DEPLOYCTL" __complete '')"
	holds "$("$DEPLOYCTL" __complete ping --dt | head -n 1)" $'--dt\t'
	for words in 'nonsense x' 'version x' 'help ping p' 'completion bash z' '-- --ou' \
		'ping --nonsense=x' 'version -- -' '-ojs' 'rpc agent a' 'ping --dt fi'; do
		# shellcheck disable=SC2086
		same '' "$(candidates $words)"
	done
}

@test "agents, actions, inputs and their values are completed from DDLs, of the configuration that is typed" {
	mkdir -p "$HOME/ddl/agent"
	cp "$REPO"/test/data/ddl/{words,loops}.ddl "$HOME/ddl/agent/"
	(umask 077 && printf 'contexts: {a: {brokers: [x], ddl_dirs: [%s/ddl]}}\n' "$HOME" >"$HOME/c.yaml")
	set -- -c "$HOME/c.yaml" --context a
	same 'loops words ' "$(candidates "$@" rpc '')"
	same 'words ' "$(candidates "$@" agent doc w)"
	same 'loops words ' "$(candidates "$@" ping -A '')"
	same 'escapes regexes ' "$(candidates "$@" rpc words '' | tr ' ' '\n' | grep -E 'escapes|regexes' | tr '\n' ' ')"
	same 'a= b= c= d= ' "$(candidates "$@" rpc words escapes '')"
	same 'a= d= ' "$(candidates "$@" rpc words escapes b=x c:=true '')"
	same 'c=true c=false ' "$(candidates "$@" rpc words escapes c=)"
	same 'b=x b=y b=z ' "$(candidates "$@" rpc words escapes b= | sed 's/b=true *//')"
	same '' "$(candidates "$@" rpc nosuch '')$(candidates "$@" rpc words nosuch '')"
	same '' "$(candidates -c "$HOME/nosuch" rpc wo)"
	same 'loops words ' "$(candidates --context=a --config="$HOME/c.yaml" rpc '')"
	same 'loops words ' "$(candidates -c "$HOME/nosuch" --ddl-dir="$HOME/ddl" rpc '')"
	mkdir -p "$HOME/first/agent"
	echo '{"metadata": {}, "actions": [{"action": "other"}]}' >"$HOME/first/agent/extra.json"
	same 'extra loops words ' "$(candidates "$@" --ddl-dir "$HOME/first" rpc '')"
}

@test "where a file can stand one empty candidate says so" {
	for words in '-c fi' '--config fi' '--config=fi' 'ping --config=' '--ddl-dir fi'; do
		# shellcheck disable=SC2086
		same $'\tFILE' "$("$DEPLOYCTL" __complete $words)"
	done
	same '' "$("$DEPLOYCTL" __complete -- --config=fi)"
	same '' "$(candidates ping --config file f)"
}

@test "completion prints the script of a shell, and refuses a shell that it does not know" {
	for file in deployctl.bash:bash _deployctl:zsh deployctl.fish:fish; do
		deployctl 0 completion "${file#*:}"
		same "$(cat "$REPO/completions/${file%:*}")" "$output"
		deployctl 0 completion "${file#*:}" -o json
		same "$(cat "$REPO/completions/${file%:*}")" "$(json 'd["items"][0]["script"]')"
		deployctl 0 completion "${file#*:}" -o name
		same "${file#*:}" "$output"
	done
	deployctl 0 completion zsh -o jsonl
	same 'completion zsh summary' "$(printf '%s\n' "$output" | ruby --disable-gems -rjson -e \
		'a, b = STDIN.map { |l| JSON.parse(l) }; puts [a["type"], a["shell"], b["type"]].join(" ")')"
	deployctl 64 completion tcsh
	same 'deployctl: "tcsh" is none of bash, zsh, fish' "${stderr_lines[0]}"
	deployctl 64 completion fihs
	same '  try: deployctl completion fish' "${stderr_lines[1]}"
}

@test "the page of an unknown command is refused" {
	deployctl 64 __man nonsense
	holds "$stderr" nonsense
}

# silent_broker: listens on a port of its own and never answers; $broker is its process
silent_broker() {
	ruby -rsocket -e 's = TCPServer.new("127.0.0.1", 0)
		File.write(ARGV[0] + ".new", s.addr[1].to_s); File.rename(ARGV[0] + ".new", ARGV[0])
		kept = []; loop { kept << s.accept; File.write(ARGV[0] + ".accepted", "") }' \
		-- "$BATS_TEST_TMPDIR/port" 3>&- &
	broker=$!
	for _ in $(seq 100); do
		[ -f "$BATS_TEST_TMPDIR/port" ] && break
		sleep 0.1
	done
	cat >"$BATS_TEST_TMPDIR/client.cfg" <<-END
		main_collective = mcollective
		collectives = mcollective
		connector = rabbitmq
		securityprovider = psk
		plugin.psk = secret
		plugin.rabbitmq.pool.size = 1
		plugin.rabbitmq.pool.1.host = 127.0.0.1
		plugin.rabbitmq.pool.1.amqp_port = $(cat "$BATS_TEST_TMPDIR/port")
		plugin.rabbitmq.pool.1.user = user
		plugin.rabbitmq.pool.1.password = password
	END
	chmod 600 "$BATS_TEST_TMPDIR/client.cfg"
}

teardown() {
	[ -z "${broker:-}" ] || kill "$broker" 2>/dev/null || true
}

@test "INT, TERM and HUP end connecting at once, with one document" {
	silent_broker
	for case in INT:130:interrupted TERM:143:terminated HUP:143:terminated; do
		IFS=: read -r signal code name <<<"$case"
		rm -f "$BATS_TEST_TMPDIR/port.accepted"
		"$DEPLOYCTL" ping -o json -c "$BATS_TEST_TMPDIR/client.cfg" \
			>"$BATS_TEST_TMPDIR/out" 2>"$BATS_TEST_TMPDIR/err" 3>&- &
		local pid=$! start=$EPOCHREALTIME
		for _ in $(seq 100); do
			[ -f "$BATS_TEST_TMPDIR/port.accepted" ] && break
			sleep 0.1
		done
		kill -s "$signal" "$pid"
		wait "$pid" && status=0 || status=$?
		same "$code" "$status"
		output=$(cat "$BATS_TEST_TMPDIR/out")
		error_document "$code" "$name"
		# far below the 5 s that a broker is given
		same true "$(ruby -e 'puts ARGV[1].to_f - ARGV[0].to_f < 4' -- "$start" "$EPOCHREALTIME")"
	done
}
