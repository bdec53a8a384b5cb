#!/usr/bin/env bats
# deployctl config, and what a configuration does to the other commands.
# shellcheck disable=SC2016,SC2030,SC2031,SC2154
load loop_helper

SECRET=loop-psk # what the nodes of the fleet have

setup() {
	setup_loop
	OWN=$BATS_TEST_TMPDIR/.config/deployctl/config.yaml
	mkdir -p "${OWN%/*}"
	CONNECTION='brokers: [mq1.example.net]
psk: {env: THE_PSK}
password: {cmd: [echo, p4ss]}'
	export THE_PSK=$SECRET
}

# own LINE...: the user's file
own() {
	printf '%s\n' "$@" >"$OWN"
	chmod 600 "$OWN"
}

# row KEY: its line in the table, the columns separated by one blank
row() {
	grep "^$1 " <<<"$output" | tr -s ' '
}

@test "config show tells each value and its origin" {
	own "$CONNECTION" 'ttl: 30'
	deployctl 0 config show
	same 'KEY VALUE ORIGIN' "$(head -n 1 <<<"$output" | tr -s ' ')"
	same "brokers.1.host mq1.example.net $OWN:1:11" "$(row brokers.1.host)"
	same "psk env:THE_PSK $OWN:2:6" "$(row psk)"
	same "brokers.1.password cmd:echo p4ss $OWN:3:11" "$(row brokers.1.password)"
	same "ttl 30 $OWN:4:6" "$(row ttl)"
	same 'batch 0 built-in' "$(row batch)"
	same 'ddl_dirs /usr/share/mcollective/plugins/mcollective, built-in' "$(row ddl_dirs)"
	same '' "$stderr"
	deployctl 0 config show --no-headers
	same 'brokers.1.host' "${output%% *}"
}

@test "config show is a document, lines, names, and mco's array" {
	own "$CONNECTION"
	deployctl 0 config show -o json
	same "deployctl/v1 config 0 key,value,origin brokers.1.host mq1.example.net" "$(json \
		'[d["schema"], d["kind"], d["exit"]["code"], d["items"][0].keys.join(","),
		d["items"][0]["key"], d["items"][0]["value"]].join(" ")')"
	local count
	count=$(json 'd["items"].length')
	deployctl 0 config show -j
	same "$count" "$(json 'd.length')"
	deployctl 0 config show -o name
	same "$count" "$(wc -l <<<"$output")"
	same 'brokers.1.host' "$(head -n 1 <<<"$output")"
	deployctl 0 config show -o jsonl
	same "$((count + 1)) config summary" "$(printf '%s\n' "$output" | ruby --disable-gems -rjson -e \
		't = STDIN.map { |l| JSON.parse(l)["type"] }; puts([t.length, t[0], t[-1]].join(" "))')"
}

@test "config wide is the table, too: nothing is lost" {
	local word table
	for word in show path; do
		deployctl 0 config "$word"
		table=$output
		deployctl 0 config "$word" -o wide
		same "$table" "$output"
		holds "$output" /
	done
}

@test "on a terminal long folders do not push the origins of all other values away" {
	own "$CONNECTION"
	on_terminal_of 80 config show >out
	same "$(grep -n ORIGIN out | awk '{print index($0, "ORIGIN")}')" \
		"$(grep -n '^batch ' out | awk '{print index($0, "built-in") - 1}')"
	[ "$(grep '^batch ' out | wc -c)" -lt 60 ]
	holds "$(cat out)" '/usr/share/mcollective/plugins/mcollective,  built-in'
}

@test "config path tells which file is used, and where others would be" {
	rm "$OWN"
	deployctl 0 config path
	same "FILE STATE" "$(head -n 1 <<<"$output" | tr -s ' ')"
	same "$OWN missing" "$(row "$OWN")"
	same "$HOME/.mcollective used" "$(row "$HOME/.mcollective")"
	own "$CONNECTION"
	deployctl 0 config path
	same "$OWN used" "$(row "$OWN")"
	same "$HOME/.mcollective not needed" "$(row "$HOME/.mcollective")"
	deployctl 0 config path -o name
	same "$OWN" "$output"
	deployctl 0 config path -o json
	same "config file,state $OWN used" "$(json \
		'[d["kind"], d["items"][0].keys.join(","), d["items"][0].values].join(" ")')"
	deployctl 0 config path -c .mcollective
	same '.mcollective used' "$(sed 1d <<<"$output" | tr -s ' ')"
}

@test "what was learnt is shown also if the configuration is wrong" {
	own "$CONNECTION" 'ttl: 0' 'batch: 7'
	deployctl 78 config show
	same "batch 7 $OWN:5:8" "$(row batch)"
	same '' "$(row ttl)"
	same "deployctl: $OWN:4:6: ttl is 0, not within 1 and 315359990" "$stderr"
	deployctl 78 config show -o json
	same "config 78 config true" "$(json '[d["kind"], d["exit"]["code"], d["errors"][0]["code"],
		d["items"].length > 10].join(" ")')"
	own 'borkers: [a]'
	deployctl 78 config path
	same "$OWN refused" "$(row "$OWN")"
	holds "$stderr" "$OWN:1:1: unknown key 'borkers'" "try: did you mean 'brokers'?"
	chmod 666 "$OWN"
	deployctl 78 config path -o name
	same '' "$output"
	holds "$stderr" "$OWN: everybody can write it" "try: chmod o-w $OWN"
}

@test "another word than show or path is a usage error" {
	deployctl 64 config
	holds "$stderr" 'config: show|path is missing'
	deployctl 64 config pth -c /no/such/file
	same 'deployctl: config: "pth" is neither show nor path
  try: deployctl config path' "$stderr"
	deployctl 64 config show path
	holds "$stderr" 'unexpected operand "path"'
}

@test "a context is chosen by --context, DEPLOYCTL_CONTEXT, then the file" {
	own 'context: a' 'contexts:' '  a: {brokers: [ma]}' '  b: {brokers: [mb]}' '  c: {brokers: [mc]}'
	deployctl 0 config show
	same "brokers.1.host ma $OWN:3:17" "$(row brokers.1.host)"
	DEPLOYCTL_CONTEXT=b deployctl 0 config show
	same "brokers.1.host mb $OWN:4:17" "$(row brokers.1.host)"
	DEPLOYCTL_CONTEXT=b deployctl 0 --context c config show
	same "brokers.1.host mc $OWN:5:17" "$(row brokers.1.host)"
	DEPLOYCTL_CONTEXT='' deployctl 0 config show
	same "brokers.1.host ma $OWN:3:17" "$(row brokers.1.host)"
}

@test "a context that is not there is a usage error, one that a file wants a wrong file" {
	own "$CONNECTION" 'contexts: {prod: {}}'
	deployctl 64 ping --context prdo
	holds "$stderr" "there is no context 'prdo' in $OWN" 'try: deployctl ping --context=prod'
	DEPLOYCTL_CONTEXT=nothing deployctl 64 ping
	holds "$stderr" "there is no context 'nothing'"
	deployctl 64 ping --context prod -c .mcollective
	holds "$stderr" "context 'prod': there is no configuration of deployctl's own"
	own 'context: prdo' "$CONNECTION" 'contexts: {prod: {}}'
	deployctl 78 ping
	holds "$stderr" "$OWN:1:10: there is no context 'prdo'" "did you mean 'prod'?"
	deployctl 0 ping --context prod -I web1
}

@test "the environment wins over files, and options over the environment" {
	own "$CONNECTION" 'ttl: 1' 'output: name' 'batch: 3'
	DEPLOYCTL_TTL=5 DEPLOYCTL_BATCH=7 deployctl 0 config show -o table
	same 'ttl 5 DEPLOYCTL_TTL' "$(row ttl)"
	same 'batch 7 DEPLOYCTL_BATCH' "$(row batch)"
	DEPLOYCTL_TTL=x deployctl 78 ping
	holds "$stderr" 'DEPLOYCTL_TTL: ttl: time "x"'
	DEPLOYCTL_WINDOW_TIME=0 deployctl 78 ping
	holds "$stderr" "DEPLOYCTL_WINDOW_TIME: window_time is '0', it must be more than 0"
	DEPLOYCTL_TTL=x deployctl 0 version
}

@test "output and color of the configuration count if nothing else says so" {
	own "$CONNECTION" 'output: name' 'color: always'
	deployctl 0 ping -I web1
	same web1 "$output"
	DEPLOYCTL_OUTPUT=table deployctl 0 ping -I web1
	holds "$output" 'NODE  STATUS'
	deployctl 0 ping -I web1 -o json
	same ping "$(json 'd["kind"]')"
	own "$CONNECTION" 'output: xml'
	deployctl 78 ping -I web1
	same "deployctl: $OWN:4:9: \"xml\" is no format of output" "${stderr_lines[0]}"
	deployctl 0 ping -I web1 -o name
	deployctl 0 help -c "$OWN"
	own "$CONNECTION" 'color: blue'
	deployctl 78 ping -I web1
	holds "$stderr" "$OWN:4:8: \"blue\" is none of auto, always, never"
	deployctl 0 ping -I web1 --color never
	DEPLOYCTL_COLOR=always deployctl 0 ping -I web1
	NO_COLOR=1 deployctl 0 ping -I web1
	DEPLOYCTL_COLOR=blue deployctl 0 version --help
	DEPLOYCTL_COLOR=blue deployctl 64 version
	holds "$stderr" 'DEPLOYCTL_COLOR: "blue" is none of auto, always, never'
}

@test "the configuration's timeout counts without -t" {
	also 'reply web1 silent'
	own "$CONNECTION" 'timeout: 50ms' 'contexts: {lab: {}}'
	deployctl 3 rpc rpcutil ping -I web1 --context lab
	holds "$stderr" 'to ask those again: deployctl rpc rpcutil ping --context lab -I web1'
}

@test "no secret is printed, whatever is asked for and however much is told" {
	own "$CONNECTION"
	deployctl 0 ping -v -v -v -I web1
	for words in 'config show' 'config show -o json' 'config path' 'ping -I web1 -o json'; do
		# shellcheck disable=SC2086
		deployctl 0 $words -v -v -v
		[[ $output$stderr != *"$SECRET"* ]]
	done
	deployctl 0 config show -c .mcollective -v -v -v
	[[ $output$stderr != *loop-psk* && $output$stderr != *s3cret* ]]
	holds "$output" '(set)'
	own 'brokers: [a]' "psk: $SECRET"
	deployctl 78 ping -v -v -v
	[[ $output$stderr != *"$SECRET"* ]]
	holds "$stderr" "$OWN:2:6: psk is a secret" 'try: psk: {file: /etc/deployctl/psk}'
}

@test "secrets are opened by commands that ask nodes, and not by config" {
	own "$CONNECTION"
	unset THE_PSK
	deployctl 0 config show
	deployctl 78 ping
	holds "$stderr" "$OWN:2:6: psk: environment variable THE_PSK is not set"
}

@test "without HOME, without anything, only what is below HOME is left out" {
	run --separate-stderr env -i "$DEPLOYCTL" config path
	[[ $output != *.config* && $output != *.mcollective* ]]
	holds "$output" '/etc/deployctl/config.yaml'
	own "$CONNECTION"
	run --separate-stderr env -i XDG_CONFIG_HOME="$HOME/.config" "$DEPLOYCTL" config path -o name
	same "$OWN" "$output"
	run --separate-stderr env -i XDG_CONFIG_HOME=.config HOME="$HOME" "$DEPLOYCTL" config path -o name
	same "$OWN" "$output"
}

@test "-c takes either kind of file and says for what it took it" {
	own "$CONNECTION"
	deployctl 0 ping -I web1 -c "$OWN"
	deployctl 0 ping -I web1 -c .mcollective
	printf 'brokers = [a]\n' >wrong
	deployctl 78 ping -c wrong
	same "deployctl: wrong:1: unknown key 'brokers' (read as an mco client.cfg)" \
		"$(head -n 1 <<<"$stderr")"
	printf 'ttl: 5\nidentty: a\n' >wrong
	deployctl 78 ping -c wrong
	holds "$stderr" "wrong:2:1: unknown key 'identty' (read as deployctl's own YAML)"
}

@test "warnings about mco's file are told by config show" {
	printf 'topicprefix = /t\nplugin.rabbitmq.randomize = true\n' >>.mcollective
	chmod 644 .mcollective
	deployctl 0 config show
	same 3 "$(wc -l <<<"$stderr")"
	holds "$stderr" "$HOME/.mcollective:3: everybody can read plugin.psk here (chmod o-r $HOME/.mcollective)" \
		"$HOME/.mcollective:11: topicprefix has no meaning"
	deployctl 0 config show -q
	same '' "$stderr"
}
