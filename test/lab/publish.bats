# Messages to topics of the real broker: they arrive where STOMP listens, and a refusal ends nothing else.
load helper

announce() {
	run --separate-stderr timeout 60 "$(dirname "$DEPLOYCTL")/test/lab/announce" "$@"
}

# hear TOPIC COUNT: print so many messages of a topic as STOMP has them, once "listening" was written to $ear
hear() {
	timeout 60 ruby -rstomp -e '
		topic, count, ear = ARGV
		bus = Stomp::Client.new(hosts: [{login: "mcollective", passcode: "mcollective-words",
			host: ENV["LAB_HOST"], port: ENV["LAB_STOMP_PORT"].to_i}],
			connect_headers: {"accept-version" => "1.2", "host" => ENV["LAB_VHOST"]})
		heard = Queue.new
		bus.subscribe("/topic/#{topic}", {"id" => "1", "receipt" => "r"}) { |message| heard << message }
		sleep 1
		File.write(ear, "listening")
		count.to_i.times { puts heard.pop.body }' "$1" "$2" "$ear" 3>&-
}

setup() {
	load helper
	export LC_ALL=C.UTF-8 HOME=$BATS_TEST_TMPDIR
	[ -d "${DEPLOYCTL_LAB:-}" ] || { echo "no lab: run test/lab/lab run -- bats test/lab" >&2; return 1; }
	ear=$BATS_TEST_TMPDIR/ear
	DEPLOYCTL_CONFIG=$(with_cfg all plugin.rabbitmq.pool.1.user=mcollective \
		plugin.rabbitmq.pool.1.password=mcollective-words)
	export DEPLOYCTL_CONFIG
}

@test "messages arrive where STOMP listens, as they are, one after the other" {
	hear deploy.done 3 >"$BATS_TEST_TMPDIR/heard" &
	local pid=$!
	await test -e "$ear"
	announce deploy.done 'web is up' deploy.done '' deploy.done $'zwei\nZeilen: äöü'
	wait "$pid"
	[ "$status" -eq 0 ]
	equal $'taken\ntaken\ntaken' "$(head -n 3 <<<"$output")"
	equal $'web is up\n\nzwei\nZeilen: äöü' "$(cat "$BATS_TEST_TMPDIR/heard")"
}

@test "a topic where nobody listens takes messages all the same" {
	announce nobody.listens hello
	[ "$status" -eq 0 ]
	equal taken "$(head -n 1 <<<"$output")"
}

@test "who may not publish to topics is told so, each time, and nodes are reached as before" {
	DEPLOYCTL_CONFIG=$LAB_CLIENT_CFG announce deploy.done one deploy.done two
	[ "$status" -eq 0 ]
	equal 2 "$(grep -c "^topic deploy.done: the broker refuses: ACCESS_REFUSED .*'amq.topic'.*(403)" <<<"$output")"
	has "$output" ' nodes'
	[[ $output != *$'\n0 nodes' ]]
}

@test "a message as large as there may be is taken" {
	announce deploy.large "$(head -c 65536 /dev/zero | tr '\0' a)"
	[ "$status" -eq 0 ]
	equal taken "$(head -n 1 <<<"$output")"
	announce deploy.large "$(head -c 65537 /dev/zero | tr '\0' a)"
	[ "$status" -eq 1 ]
	has "$stderr" 'a message has at most 65536 bytes'
}
