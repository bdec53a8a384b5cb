# TLS to the broker: verified always, the name too.
load helper

# tls NAME KEY=VALUE...: a configuration that uses TLS
tls() {
	local name=$1
	shift
	with_cfg "$name" plugin.rabbitmq.pool.1.ssl=1 plugin.rabbitmq.pool.1.host=localhost \
		plugin.rabbitmq.pool.1.amqp_port="$LAB_TLS_PORT" plugin.rabbitmq.pool.1.ssl.ca="$LAB_CA" "$@"
}

@test "ping and rpc over TLS" {
	dc ping -o name --window-time 1s -c "$(tls good)"
	[ "$status" -eq 0 ]
	equal 9 "$(wc -l <<<"$output")"
	dc rpc lab big size:=2000000 -I web01.example.net -j -c "$(tls good)"
	[ "$status" -eq 0 ]
	equal 2000000 "$(json 'd[0]["data"]["text"].size')"
}

@test "a certificate of another CA: 77" {
	dc ping -c "$(tls other plugin.rabbitmq.pool.1.ssl.ca="${LAB_CA%/*}/other-ca.pem")"
	[ "$status" -eq 77 ]
	has "$stderr" "localhost:$LAB_TLS_PORT: TLS"
}

@test "a certificate for another name: 77" {
	dc ping -c "$(tls name plugin.rabbitmq.pool.1.host=127.0.0.1)"
	[ "$status" -eq 77 ]
	has "$stderr" "127.0.0.1:$LAB_TLS_PORT: TLS"
}

@test "a port that does not speak TLS: 69" {
	dc ping -c "$(tls plain plugin.rabbitmq.pool.1.amqp_port="$LAB_AMQP_PORT")"
	[ "$status" -eq 69 ]
}

@test "TLS without a CA, and a CA file that is none: 78, before anything is sent" {
	dc ping -c "$(tls noca plugin.rabbitmq.pool.1.ssl.ca=)"
	[ "$status" -eq 78 ]
	has "$stderr" "ssl.ca"
	dc ping -c "$(tls badca plugin.rabbitmq.pool.1.ssl.ca=/dev/null)"
	[ "$status" -eq 78 ]
	has "$stderr" "/dev/null"
}

@test "a peer that never shakes hands: 69 within the connect timeout, or 130 after INT" {
	listen_mute
	run --separate-stderr timeout -s INT 1 "$DEPLOYCTL" ping -o json -c "$(tls mute \
		connection_timeout=3 plugin.rabbitmq.pool.1.amqp_port="$mute_port")"
	[ "$status" -eq 124 ]
	equal true "$(json '[69, 130].include?(d["exit"]["code"])')"
	kill "$mute"
}
