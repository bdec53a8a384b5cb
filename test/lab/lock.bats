# Locks at the real broker: an exclusive queue on a run's own connection.
# shellcheck disable=SC2154
load helper

HOLD=${BUILD:-$top/build}/test/lab/hold

teardown() {
	local pid
	for pid in ${first:-} ${second:-} ${proxy:-}; do
		kill "$pid" 2>/dev/null
		kill -CONT "$pid" 2>/dev/null
	done
	true
}

# open WHICH [CONFIGURATION]: a connection; its pid is $first or $second
open() {
	local which=$1
	mkfifo "$which.in" "$which.out"
	DEPLOYCTL_CONFIG=${2:-$LAB_CLIENT_CFG} "$HOLD" <"$which.in" >"$which.out" 2>"$which.err" \
		3>&- 6>&- 7>&- 8>&- 9>&- &
	printf -v "$which" %s $!
	if [ "$which" = first ]; then
		exec 6>"$which.in" 7<"$which.out"
	else
		exec 8>"$which.in" 9<"$which.out"
	fi
	equal ready "$(hear "$which")"
}

hear() {
	local line
	if [ "$1" = first ]; then read -r -t 30 line <&7; else read -r -t 30 line <&9; fi
	printf '%s\n' "$line"
}

# ask WHICH LINE: the answer
ask() {
	if [ "$1" = first ]; then printf '%s\n' "$2" >&6; else printf '%s\n' "$2" >&8; fi
	hear "$1"
}

queues() {
	lab ctl -q list_queues -p "$LAB_VHOST" name | grep '^deployctl\.lock\.' | paste -sd ' '
}

@test "the second connection is refused, goes on all the same, and gets it when the first ends" {
	cd "$BATS_TEST_TMPDIR" || return
	open first
	open second
	equal held "$(ask first 'lock cluster/alfa')"
	equal held "$(ask first 'lock cluster/alfa')"
	equal held "$(ask second 'lock cluster/bravo')"
	for _ in 1 2 3; do
		has "$(ask second 'lock cluster/alfa')" \
			'lock "cluster/alfa" is held by another connection to the broker'
	done
	has "$(ask second 'lock cluster/alfa')" "refused $LAB_HOST:$LAB_AMQP_PORT: "
	equal "$(lab node list | wc -l) nodes" "$(ask second ping)"
	equal "$(lab node list | wc -l) nodes" "$(ask first ping)"
	equal 'deployctl.lock.cluster/alfa deployctl.lock.cluster/bravo' \
		"$(queues | tr ' ' '\n' | sort | paste -sd ' ')"
	exec 6>&-
	wait "$first"
	has "$(ask second 'lock cluster/bravo')" held
	await gets_it
	equal held "$(ask second 'lock cluster/alfa')"
	exec 8>&-
	wait "$second"
	await nothing_left
}

gets_it() {
	[ "$(ask second 'lock cluster/alfa')" = held ]
}

nothing_left() {
	[ -z "$(queues)" ]
}

@test "a connection that is killed leaves nothing locked" {
	cd "$BATS_TEST_TMPDIR" || return
	open first
	open second
	equal held "$(ask first 'lock site')"
	has "$(ask second 'lock site')" refused
	kill -KILL "$first"
	await site_is_free
	first=
}

site_is_free() {
	[ "$(ask second 'lock site')" = held ]
}

@test "a user who may not: auth, with what is lacking, and the connection goes on" {
	cd "$BATS_TEST_TMPDIR" || return
	open first "$LAB_NOWRITE_CFG"
	has "$(ask first 'lock site')" "auth $LAB_HOST:$LAB_AMQP_PORT: lock: ACCESS_REFUSED"
	has "$(hear first)" "user 'nowrite' may configure no queue ^deployctl\\.lock\\."
	has "$(ask first 'lock other')" auth
	[ -z "$(queues)" ]
}

# A way to the broker that can be frozen: $proxy is its process, $proxy_port its port.
start_proxy() {
	coproc PROXY { exec ruby -rsocket -e 's = TCPServer.new("127.0.0.1", 0); puts s.addr[1]
		$stdout.flush
		loop { a = s.accept; b = TCPSocket.new("127.0.0.1", ENV["LAB_AMQP_PORT"].to_i)
			[[a, b], [b, a]].each { |x, y| Thread.new { IO.copy_stream(x, y) rescue nil; y.close } } }' 3>&-; }
	proxy=$PROXY_PID
	read -r proxy_port <&"${PROXY[0]}"
}

@test "a broker that does not answer: no longer than the timeout, and not when interrupted" {
	cd "$BATS_TEST_TMPDIR" || return
	start_proxy
	open first "$(with_cfg short connection_timeout=2 plugin.rabbitmq.pool.1.amqp_port="$proxy_port")"
	open second "$(with_cfg long connection_timeout=300 plugin.rabbitmq.pool.1.amqp_port="$proxy_port")"
	equal held "$(ask first 'lock one')"
	equal held "$(ask second 'lock two')"
	kill -STOP "$proxy"
	equal "connect $LAB_HOST:$proxy_port: channel: no answer in time" "$(ask first 'lock more')"
	printf 'lock more\n' >&8
	sleep 0.5
	kill -USR2 "$second"
	equal "interrupted $LAB_HOST:$proxy_port: interrupted" "$(hear second)"
}

@test "a name that is none does not get to the broker" {
	cd "$BATS_TEST_TMPDIR" || return
	open first
	has "$(ask first 'lock a#b')" 'input "a#b" is no name of a lock'
	has "$(hear first)" cluster/alfa
	equal held "$(ask first "lock $(printf 'x%.0s' {1..200})")"
}

@test "doctor says whether locks hold for everybody" {
	dc doctor --window-time 1s -o json
	equal 0 "$status"
	equal 'ok locks hold for everybody at the broker' \
		"$(json 'd["items"].select { |i| i["check"] == "lock" }.map { |i| i["result"] + " " + i["text"] }.join')"
	dc doctor --window-time 1s -o json -c "$LAB_NOWRITE_CFG"
	has "$(json 'd["items"].select { |i| i["check"] == "lock" }.map { |i| i["result"] + " " + i["text"] }.join')" \
		"ok locks hold on this machine only: lock: ACCESS_REFUSED"
	has "$(json 'd["items"].select { |i| i["check"] == "lock" }[0]["remedy"]')" 'deployctl\.lock\.'
}
