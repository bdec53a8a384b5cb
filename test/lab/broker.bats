# A broker that is down, mute, refuses, blocks or goes away.
load helper

teardown() {
	lab ctl set_vm_memory_high_watermark 0.6 >/dev/null 2>&1
	[ -z "${mute:-}" ] || kill "$mute" 2>/dev/null
	true
}

@test "a broker that is down: each host with its reason, 69" {
	local port
	port=$(free_port)
	dc ping -c "$(with_cfg down plugin.rabbitmq.pool.size=2 \
		plugin.rabbitmq.pool.1.amqp_port="$port" plugin.rabbitmq.pool.2.host=host.invalid)"
	[ "$status" -eq 69 ]
	has "$stderr" "127.0.0.1:$port: Connection refused"
	has "$stderr" "host.invalid:5672: "
}

@test "the second broker is used when the first is down" {
	dc ping -o name --window-time 1s -c "$(with_cfg second plugin.rabbitmq.pool.size=2 \
		plugin.rabbitmq.pool.1.amqp_port="$(free_port)" \
		plugin.rabbitmq.pool.2.host=127.0.0.1 \
		plugin.rabbitmq.pool.2.amqp_port="$LAB_AMQP_PORT" \
		plugin.rabbitmq.pool.2.user="$LAB_USER" \
		plugin.rabbitmq.pool.2.password="$LAB_PASSWORD")"
	[ "$status" -eq 0 ]
	equal 9 "$(wc -l <<<"$output")"
}

@test "a broker that accepts and never speaks: 69, within the connect timeout" {
	listen_mute
	dc ping -c "$(with_cfg mute connection_timeout=1 \
		plugin.rabbitmq.pool.1.amqp_port="$mute_port")" -o json
	[ "$status" -eq 69 ]
	has "$stderr" "127.0.0.1:$mute_port: login: no answer in time"
	equal 69 "$(json 'd["exit"]["code"]')"
}

@test "INT ends the wait for a broker that never speaks" {
	listen_mute
	run --separate-stderr timeout -s INT 1 "$DEPLOYCTL" ping -o json \
		-c "$(with_cfg mute connection_timeout=50 plugin.rabbitmq.pool.1.amqp_port="$mute_port")"
	# timeout says 124 when it had to end the command, whatever the command then said
	[ "$status" -eq 124 ]
	equal 130 "$(json 'd["exit"]["code"]')"
}

@test "a wrong password: 77" {
	dc ping -c "$(with_cfg password plugin.rabbitmq.pool.1.password=wrong)"
	[ "$status" -eq 77 ]
	has "$stderr" "ACCESS_REFUSED"
	has "$stderr" "user '$LAB_USER'"
	[[ $stderr != *wrong* ]]
}

@test "a wrong vhost: 77" {
	dc ping -c "$(with_cfg vhost plugin.rabbitmq.vhost=/nosuch)" -o json
	[ "$status" -eq 77 ]
	has "$stderr" "/nosuch"
	equal 77 "$(json 'd["exit"]["code"]')"
}

@test "a missing exchange: 78, named" {
	dc ping -T lonely -c "$(with_cfg exchange collectives=mcollective,lonely)"
	[ "$status" -eq 78 ]
	has "$stderr" "lonely_broadcast"
}

@test "a collective that the configuration lacks: 64" {
	dc ping -T nosuch
	[ "$status" -eq 64 ]
	has "$stderr" "nosuch"
}

@test "a missing permission: 77, named" {
	dc ping -c "$LAB_NOWRITE_CFG" -o json
	[ "$status" -eq 77 ]
	has "$stderr" "mcollective_broadcast"
	equal 77 "$(json 'd["exit"]["code"]')"
}

@test "under a memory alarm the deadline is kept" {
	lab ctl set_vm_memory_high_watermark absolute 1 >/dev/null
	dc rpc rpcutil ping -I 'web[01-03].example.net' -t 3s -o json
	[ "$status" -eq 3 ] || [ "$status" -eq 4 ]
	equal 3 "$(json 'd["summary"]["silent"]["count"] + d["summary"]["cancelled"]["count"]')"
	has "$stderr" "the broker takes no publishes"
}

@test "under a memory alarm INT is answered at once" {
	lab ctl set_vm_memory_high_watermark absolute 1 >/dev/null
	"$DEPLOYCTL" rpc rpcutil ping -I 'web[01-03].example.net' -t 50s -o json \
		>"$BATS_TEST_TMPDIR/out" 2>"$BATS_TEST_TMPDIR/err" 3>&- &
	local pid=$! rc=0
	sleep 1
	kill -INT $pid
	timeout 5 tail --pid=$pid -f /dev/null
	wait $pid || rc=$?
	[ "$rc" -eq 130 ]
	output=$(cat "$BATS_TEST_TMPDIR/out")
	equal 130 "$(json 'd["exit"]["code"]')"
}

@test "a broker that goes away in the middle: nodes in flight are unknown, 4, one document" {
	"$DEPLOYCTL" rpc lab sleep seconds:=5 -I 'web[01-02].example.net' --window 1 -o json \
		>"$BATS_TEST_TMPDIR/out" 2>"$BATS_TEST_TMPDIR/err" 3>&- &
	local pid=$! rc=0
	sleep 7
	lab broker stop
	wait $pid || rc=$?
	lab broker start
	lab wait
	output=$(cat "$BATS_TEST_TMPDIR/out")
	equal 4 "$rc"
	equal '["web02.example.net"]' "$(json 'd["summary"]["unknown"]["nodes"]')"
	equal connect "$(json 'd["errors"][0]["code"]')"
}
