#!/usr/bin/env bats
# doctor on the fleet of a script: which findings, in which order, and what the exit status is then.
# shellcheck disable=SC2154
load loop_helper

setup() {
	setup_loop
	mkdir -p plugins/mcollective/agent
	: >plugins/mcollective/agent/lab.ddl
}

# ask_doctor STATUS WORDS...: replies come at once, so the times may be short
ask_doctor() {
	deployctl "$1" doctor --window-time 25ms --dt 100ms "${@:2}"
}

# found CHECK: "RESULT CODE TEXT" of the document's findings of that check
found() {
	document "d['items'].select { |i| i['check'] == '$1' }.map { |i|
		[i['result'], i['code'], i['text']].reject(&:empty?).join(' ') }"
}

@test "all is well: every check is one line, and the sum is said on stderr" {
	ask_doctor 0
	[[ $(head -n 1 <<<"$output") =~ ^CHECK\ +SUBJECT\ +RESULT\ +DETAIL$ ]]
	same 'configuration secrets ddl lookup connect tls login vhost exchange queue lock publish discovery round trip clocks' \
		"$(tail -n +2 <<<"$output" | sed -E 's/  .*//' | uniq | paste -sd ' ')"
	holds "$output" '10 nodes answer' '10 of 10 nodes told their time; none is off' '1 in agent/'
	same "$(($(wc -l <<<"$output") - 1)) checks: $(($(wc -l <<<"$output") - 1)) ok" "$stderr"
}

@test "--ddl-dir is looked into like the configuration's folders" {
	mkdir -p newer/agent
	ask_doctor 0 --ddl-dir newer -o json
	same 'newer 0 in agent/' "$(document 'd["items"].select { |i| i["check"] == "ddl" }[0]
		.values_at("subject", "text").join(" ")')"
}

@test "columns stay under their headers, also in colour" {
	rm .config/deployctl/config.yaml # its path is wider than the column may be
	ask_doctor 0 --color always
	holds "$output" $'\033['
	output=$(sed 's/\x1b\[[0-9;]*m//g' <<<"$output")
	local column
	column=$(head -n 1 <<<"$output" | awk '{print index($0, "RESULT")}')
	same 'ok' "$(tail -n +2 <<<"$output" | cut -c "$column-$((column + 1))" | sort -u)"
}

@test "on a terminal of the usual width nothing is broken but at blanks, and nothing is lost" {
	on_terminal_of 80 doctor nope --color never --window-time 25ms --dt 0.2 >out
	same 'RESULT     CHECK          DETAIL' "$(head -n 1 out)"
	same '' "$(grep -E '.{81}' out | grep -vE '^ok +(configuration|secrets) +/[^ ]+$')"
	holds "$(tr -s '\n ' ' ' <out)" 'failed round trip nope: not connected' \
		'try: does mcollectived run there, with this broker and this collective? Is the name right?'
	on_terminal_of 80 doctor -o wide --window-time 25ms >out
	holds "$(head -n 1 out)" 'CHECK  ' 'SUBJECT  ' 'RESULT  ' 'DETAIL'
}

@test "the document: items, counts, no code without a failure; jsonl as findings come" {
	ask_doctor 0 -o json
	same 'check subject result text remedy code' "$(document 'd["items"].map(&:keys).uniq.join(" ")')"
	same 'true 0 0 0' "$(document '[s["ok"] == d["items"].length,
		*s.values_at("warning", "failed", "not_tried")].join(" ")')"
	same '' "$(document 'd["items"].map { |i| i["code"] }.uniq.join')"
	ask_doctor 0 -o jsonl
	same 'finding summary' "$(sed -E 's/.*"type":"([a-z]+)".*/\1/' <<<"$output" | uniq | paste -sd ' ')"
	same 1 "$(head -n 1 <<<"$output" | ruby --disable-gems -rjson -e 'puts JSON.parse(gets)["seq"]')"
}

@test "a configuration that cannot be read is a finding, and nothing behind it is tried" {
	echo 'connector = activemq' >>.mcollective
	ask_doctor 78 -o json
	holds "$(found configuration)" 'failed config ' 'only rabbitmq is supported'
	same 'not tried' "$(document 'd["items"][1..].map { |i| i["result"] }.uniq')"
	same '0' "$(document 'd["errors"].length')"
	ask_doctor 78
	holds "$output" '    try: '
	holds "$stderr" '7 checks: 1 failed, 6 not tried'
}

@test "a configuration of our own: its secrets are checked apart from it" {
	printf '%s\n' 'brokers: [broker.example.net]' 'user: ann' 'password: {env: LOOP_PASSWORD}' \
		'psk: {file: psk}' "ddl_dirs: [$PWD/plugins/mcollective]" >own.yaml
	(umask 077 && printf 'loop-psk' >psk)
	chmod 600 own.yaml
	LOOP_PASSWORD=s3cret ask_doctor 0 -c own.yaml -o json
	holds "$(found secrets)" 'ok PSK and passwords are set'
	chmod 644 psk
	LOOP_PASSWORD=s3cret ask_doctor 78 -c own.yaml -o json
	holds "$(found configuration)" 'ok read'
	holds "$(found secrets)" 'failed config '
	holds "$(found ddl)" 'ok 1 in agent/'
	holds "$(found broker)" 'not tried secrets failed'
	[[ $output$stderr != *s3cret* && $output$stderr != *loop-psk* ]]
}

@test "without a PSK the broker is examined all the same: 78" {
	sed -i /plugin.psk/d .mcollective
	ask_doctor 78 -o json
	holds "$(found secrets)" 'failed config no PSK'
	holds "$(found publish)" 'ok'
	holds "$(found clocks)" 'not tried there is no PSK'
}

@test "a private key is named with its mode" {
	printf 'plugin.rabbitmq.pool.1.ssl = 1\nplugin.rabbitmq.pool.1.ssl.ca = ca\n' >>.mcollective
	printf 'plugin.rabbitmq.pool.1.ssl.cert = cert\nplugin.rabbitmq.pool.1.ssl.key = %s\n' \
		"$PWD/key" >>.mcollective
	: >key
	chmod 640 key
	ask_doctor 0 -o json
	holds "$(found secrets)" 'ok private key, mode 0640'
	rm key
	# the worst failure decides, wherever it stands
	also 'absent web2'
	ask_doctor 78 web2 -o json
	holds "$(found 'round trip')" 'failed some_silent'
	holds "$(found secrets)" 'failed config No such file or directory'
}

@test "no DDL at all is a warning, which is no failure" {
	rm plugins/mcollective/agent/lab.ddl
	ask_doctor 0 -o json
	holds "$(found ddl)" 'ok 0 in agent/' 'warning no DDL at all'
	same 1 "$(document 's["warning"]')"
	ask_doctor 0
	holds "$output" $'\n    try: copy the agents'
	holds "$stderr" ', 1 warning'
}

@test "a broker that refuses: its step fails, the rest is not tried, 69, 77 or 78" {
	local refusal code name step
	while read -r refusal code name step; do
		fleet 'node web1' "broker refuse $refusal"
		ask_doctor "$code" -o json
		holds "$(found "$step")" "failed $name "
		same 'not tried' "$(document 'd["items"].drop_while { |i| i["result"] != "failed" }
			.drop(1).map { |i| i["result"] }.uniq')"
		holds "$(found discovery)" 'not tried no broker works'
	done <<-'END'
		connect 69 unreachable connect
		auth 77 auth login
		vhost 77 auth vhost
		exchange 78 config exchange
	END
}

@test "a broker that hangs is given up after the connection timeout" {
	also 'broker hang'
	ask_doctor 69 --connection-timeout 50ms -o name
	same 'broker.example.net:5672' "$output"
}

@test "nobody answers: 3, with what that looks like" {
	fleet 'node web1' 'psk another'
	ask_doctor 3 -o json
	holds "$(found discovery)" 'failed no_answer no node answers'
	holds "$output" "$HINT"
	holds "$(found 'round trip')" 'not tried'
	same 3 "$(document 'd["exit"]["code"]')"
}

@test "NODE is asked by name: not connected and silent are 4, a refusal is 2" {
	also 'absent web2' 'reply web3 silent' 'reply web4 fail 1 not for you'
	ask_doctor 0 web1 -o json
	same web1 "$(document 'd["items"].find { |i| i["check"] == "round trip" }["subject"]')"
	ask_doctor 4 web2 -o json
	holds "$(found 'round trip')" 'failed some_silent not connected'
	ask_doctor 4 web3 -o json
	holds "$(found 'round trip')" 'failed some_silent no answer in time'
	ask_doctor 2 web4 -o json
	holds "$(found 'round trip')" 'failed node_failed rpcutil ping failed: not for you'
	ask_doctor 4 nosuch -o name
	same nosuch "$output"
}

@test "a clock that is off is a warning, one that uses up half of the ttl a failure" {
	ask_doctor 0 -o json
	also 'clock web[2-3] 5s' 'clock web4 -9s'
	ask_doctor 0 -o json
	holds "$(found clocks)" 'warning off by more than 2 s: web[2-4]; most: web4, 9 s behind'
	also 'clock web5 40s'
	ask_doctor 2 -o json
	holds "$(found clocks)" 'failed node_failed ' 'web[2-5]' 'web5, 40 s ahead'
	echo 'ttl = 10' >>.mcollective
	fleet 'node web1' 'clock web1 6s'
	ask_doctor 2 -o name
	same mcollective "$output"
}

@test "a pong that is no time is no clock" {
	also 'reply web1 escape' 'reply web2 nostatus' 'reply web3 collision'
	ask_doctor 0 -o json
	no_controls <(printf '%s' "$output")
	holds "$(found clocks)" 'of 10 nodes told their time'
}

@test "the clocks of many are compared with one broadcast, NODE is asked by one directed request" {
	fleet 'node web[1-300]'
	ask_doctor 0 web7
	holds "$output" '300 of 300 nodes told their time'
	same '2 1' "$(sent mcollective_broadcast) $(sent mcollective_directed)"
}

@test "another collective; one that is unknown, and a name that is none: 64" {
	ask_doctor 0 -T de -o json
	holds "$(found discovery)" '1 node answers'
	ask_doctor 64 -T dee
	holds "$stderr" '--target=de'
	ask_doctor 64 'web[1-2]'
	holds "$stderr" 'no name of a node'
}

@test "a node's clock counts for more than one that is silent, and a broker that is lost is told" {
	also 'absent web2' 'clock web3 40s'
	ask_doctor 2 web2
	fleet 'node web1' 'broker lost-after 1'
	ask_doctor 69 -o json
	same connect "$(document 'd["errors"][0]["code"]')"
}

@test "INT ends it, with one document" {
	also 'broker hang'
	"$DEPLOYCTL" doctor --connection-timeout 60s -o json >out 2>err 3>&- &
	local pid=$! status=0
	sleep 0.3
	kill -INT "$pid"
	wait "$pid" || status=$?
	same 130 "$status"
	same 130 "$(document 'd["exit"]["code"]' out)"
}
