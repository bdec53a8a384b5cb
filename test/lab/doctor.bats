# doctor on the real broker: every failure that an administrator can cause is named as what it is.
# shellcheck disable=SC2154
load helper

teardown() {
	local pid
	lab ctl set_vm_memory_high_watermark 0.6 >/dev/null 2>&1
	for pid in ${mute:-} ${server:-}; do
		kill "$pid" 2>/dev/null
	done
	[ -z "${user:-}" ] || lab ctl delete_user "$user" >/dev/null 2>&1
	[ -z "${stopped:-}" ] || lab node start "$stopped" >/dev/null 2>&1
	true
}

# doctor ARGUMENT...: as a document
doctor() {
	dc doctor --window-time 1s -o json "$@"
}

# result CHECK: "RESULT TEXT" of its findings; remedy CHECK
result() {
	json "d['items'].select { |i| i['check'] == '$1' }.map { |i| i['result'] + ' ' + i['text'] }.join(\"\n\")"
}
remedy() {
	json "d['items'].select { |i| i['check'] == '$1' }.map { |i| i['remedy'] }.join(\"\n\")"
}

# ends STATUS: so, and with that status in the document; never with a secret
ends() {
	equal "$1" "$status"
	equal "$1" "$(json 'd["exit"]["code"]')"
	[[ $output$stderr != *"$LAB_PASSWORD"* && $output$stderr != *"$LAB_PSK"* ]]
}

# rest_untried: after the first failure of the broker's steps nothing is tried
rest_untried() {
	equal '["not tried"]' "$(json 'd["items"].drop_while { |i| i["result"] != "failed" }.drop(1).map { |i| i["result"] }.uniq')"
}

# pool NAME KEY=VALUE...: a configuration whose first broker differs
pool() {
	local name=$1 pair words=()
	shift
	for pair; do
		words+=("plugin.rabbitmq.pool.1.$pair")
	done
	with_cfg "$name" connection_timeout=2 "${words[@]}"
}

# tls NAME KEY=VALUE...: the same with TLS, to the lab's listener
tls() {
	local name=$1
	shift
	pool "$name" ssl=1 host=localhost amqp_port="$LAB_TLS_PORT" ssl.ca="$LAB_CA" "$@"
}

# with_user NAME CONFIGURE WRITE READ: a user of the broker; prints its configuration's path
with_user() {
	lab ctl add_user "$1" "$1-words" >/dev/null
	lab ctl set_permissions -p "$LAB_VHOST" "$1" "$2" "$3" "$4" >/dev/null
	pool "$1" user="$1" password="$1-words"
}

# certificates: ca.pem; good, expired, early and address .pem and .key that it signed
certificates() {
	ruby -ropenssl -C "$BATS_TEST_TMPDIR" -e '
		def certificate(name, key, issuer, issuer_key, from, till, extensions)
			cert = OpenSSL::X509::Certificate.new
			cert.version = 2
			cert.serial = rand(1 << 64)
			cert.subject = OpenSSL::X509::Name.new([["CN", name]])
			cert.issuer = issuer ? issuer.subject : cert.subject
			cert.public_key = key
			cert.not_before = Time.now + from * 86_400
			cert.not_after = Time.now + till * 86_400
			extensions.each { |id, value| cert.add_extension(OpenSSL::X509::ExtensionFactory.new.create_extension(id, value, true)) }
			cert.sign(issuer_key, OpenSSL::Digest.new("SHA256"))
		end
		keys = Array.new(2) { OpenSSL::PKey::EC.generate("prime256v1") }
		ca = certificate("test CA", keys[0], nil, keys[0], -90, 900, [["basicConstraints", "CA:TRUE"], ["keyUsage", "keyCertSign"]])
		File.write("ca.pem", ca.to_pem)
		{good: [-1, 400, "DNS:localhost"], expired: [-9, -2, "DNS:localhost"], early: [3, 9, "DNS:localhost"], address: [-1, 400, "IP:127.0.0.1"]}.each do |name, (from, till, names)|
			File.write("#{name}.pem", certificate("#{name} one", keys[1], ca, keys[0], from, till, [["subjectAltName", names]]).to_pem)
			File.write("#{name}.key", keys[1].to_pem)
			File.chmod(0600, "#{name}.key")
		end'
}

# serve CERTIFICATE OPTION...: an openssl s_server with it, on $port
serve() {
	local name=$BATS_TEST_TMPDIR/$1
	shift
	port=$(free_port)
	openssl s_server -accept "127.0.0.1:$port" -cert "$name.pem" -key "$name.key" -quiet "$@" \
		</dev/zero >/dev/null 2>&1 3>&- &
	server=$!
	for _ in $(seq 100); do
		(: <"/dev/tcp/127.0.0.1/$port") 2>/dev/null && return
		sleep 0.05
	done
	return 1
}

@test "all is well: 0, nothing but ok" {
	doctor
	ends 0
	equal '["ok"]' "$(json 'd["items"].map { |i| i["result"] }.uniq')"
	has "$(result login)" "ok user '$LAB_USER'; RabbitMQ 3."
	has "$(result discovery)" "$(lab node list | wc -l) nodes answer"
	has "$(result clocks)" 'none is off'
	# nothing stays behind
	equal '' "$(lab ctl -q list_connections user | grep -x "$LAB_USER" || true)"
}

@test "a wrong password: 77, and what follows is not tried" {
	doctor -c "$(pool password password=wrong)"
	ends 77
	has "$(result login)" 'failed'
	has "$(result login)" 'ACCESS_REFUSED'
	has "$(remedy login)" "rabbitmqctl authenticate_user '$LAB_USER'"
	rest_untried
}

@test "a vhost that is not there, and one that the user may not enter: 77" {
	doctor -c "$(with_cfg vhost plugin.rabbitmq.vhost=/nosuch)"
	ends 77
	has "$(result login)" 'ok'
	has "$(result vhost)" 'vhost /nosuch not found'
	has "$(remedy vhost)" 'rabbitmqctl list_vhosts'
	rest_untried
	user=outsider
	lab ctl add_user outsider outsider-words >/dev/null
	doctor -c "$(pool outsider user=outsider password=outsider-words)"
	ends 77
	has "$(result vhost)" "refused for user 'outsider'"
	has "$(remedy vhost)" "rabbitmqctl set_permissions -p '$LAB_VHOST' 'outsider'"
}

@test "a collective without exchanges: 78, with the commands that make them" {
	doctor -T lonely -c "$(with_cfg lonely collectives=mcollective,lonely)"
	ends 78
	has "$(result exchange)" "lonely_broadcast"
	has "$(result exchange)" "lonely_directed"
	has "$(remedy exchange)" 'declare exchange name=lonely_directed type=direct'
	has "$(result queue)" 'ok'
	has "$(result publish)" 'not tried exchange failed'
}

@test "a user who may not write to one exchange: 77, that exchange is named" {
	user=halfway
	doctor -c "$(with_user halfway '^amq\.gen.*' '^mcollective_broadcast$' '^amq\.gen.*')"
	ends 77
	has "$(result publish)" "access to exchange 'mcollective_directed'"
	[[ $(result publish) != *mcollective_broadcast\'* ]]
	# what the remedy says is a remedy
	eval "lab ctl $(remedy publish | sed -E 's/^rabbitmqctl (.*)  \(.*/\1/')" >/dev/null
	doctor -c "$BATS_TEST_TMPDIR/halfway.cfg"
	ends 0
}

@test "a user who may not declare a queue, or not read it: 77" {
	user=queueless
	doctor -c "$(with_user queueless '^$' '.*' '.*')"
	ends 77
	has "$(result queue)" "refused for user 'queueless'"
	has "$(result publish)" 'ok'
	lab ctl set_permissions -p "$LAB_VHOST" queueless '.*' '.*' '^$' >/dev/null
	doctor -c "$BATS_TEST_TMPDIR/queueless.cfg"
	ends 77
	has "$(result queue)" "refused for user 'queueless'"
}

@test "the port of STOMP, of HTTP, of TLS: 69, each named" {
	doctor -c "$(pool stomp amqp_port="$LAB_STOMP_PORT")"
	ends 69
	has "$(result connect)" "port $LAB_STOMP_PORT speaks STOMP, not AMQP"
	has "$(remedy connect)" 'plugin.rabbitmq.pool.1.amqp_port'
	rest_untried
	doctor -c "$(pool tlsport amqp_port="$LAB_TLS_PORT")"
	ends 69
	has "$(result connect)" "port $LAB_TLS_PORT speaks TLS, and TLS is not configured"
	port=$(free_port)
	ruby -rsocket -e 's = TCPServer.new("127.0.0.1", ARGV[0].to_i); loop { c = s.accept; Thread.new {
		c.gets && c.write("HTTP/1.0 400 no\r\n\r\n") rescue nil; c.close rescue nil } }' "$port" 3>&- &
	server=$!
	sleep 0.5
	doctor -c "$(pool http amqp_port="$port")"
	ends 69
	has "$(result connect)" "port $port speaks HTTP, not AMQP"
}

@test "a port that is closed, one that is mute, a name that is unknown: 69" {
	local port
	port=$(free_port)
	doctor -c "$(pool closed amqp_port="$port")"
	ends 69
	has "$(result connect)" '127.0.0.1: Connection refused'
	rest_untried
	listen_mute
	doctor --connection-timeout 500ms -c "$(pool mute amqp_port="$mute_port")"
	ends 69
	has "$(result connect)" 'says nothing: no answer in time'
	doctor --connection-timeout 500ms -c "$(tls mutetls amqp_port="$mute_port")"
	ends 69
	has "$(result tls)" 'says nothing: no answer in time'
	doctor -c "$(pool name host=host.invalid)"
	ends 69
	has "$(result lookup)" 'failed'
	has "$(remedy lookup)" "getent hosts 'host.invalid'"
	rest_untried
}

@test "the second broker is used when the first is down, and the first decides the status" {
	doctor -c "$(with_cfg two plugin.rabbitmq.pool.size=2 \
		plugin.rabbitmq.pool.1.amqp_port="$(free_port)" \
		plugin.rabbitmq.pool.2.host=127.0.0.1 \
		plugin.rabbitmq.pool.2.amqp_port="$LAB_AMQP_PORT" \
		plugin.rabbitmq.pool.2.user="$LAB_USER" \
		plugin.rabbitmq.pool.2.password="$LAB_PASSWORD")"
	ends 69
	has "$(result discovery)" 'nodes answer'
}

@test "nodes are asked through the first broker that works, not the first that lets us in" {
	doctor -c "$(with_cfg works plugin.rabbitmq.pool.size=2 \
		plugin.rabbitmq.pool.1.user=nowrite plugin.rabbitmq.pool.1.password=nowrite-words \
		plugin.rabbitmq.pool.2.host=127.0.0.1 \
		plugin.rabbitmq.pool.2.amqp_port="$LAB_AMQP_PORT" \
		plugin.rabbitmq.pool.2.user="$LAB_USER" \
		plugin.rabbitmq.pool.2.password="$LAB_PASSWORD")"
	ends 77
	has "$(result publish)" 'failed'
	has "$(result discovery)" 'nodes answer'
}

@test "INT ends the wait for a broker that never speaks" {
	listen_mute
	run --separate-stderr timeout -s INT 1 "$DEPLOYCTL" doctor -o json \
		-c "$(with_cfg wait connection_timeout=50 plugin.rabbitmq.pool.1.amqp_port="$mute_port")"
	equal 124 "$status"
	equal 130 "$(json 'd["exit"]["code"]')"
	run --separate-stderr timeout -s INT 1 "$DEPLOYCTL" doctor -o json --connection-timeout 50s \
		-c "$(tls waittls amqp_port="$mute_port")"
	equal 124 "$status"
	equal 130 "$(json 'd["exit"]["code"]')"
}

@test "TLS: version, subject and the days that are left, of the CA as well" {
	doctor -c "$(tls good)"
	ends 0
	has "$(result tls)" 'warning TLSv1.3, CN=localhost, valid until '
	has "$(result tls)" 'CA: CN=lab CA, valid until '
	has "$(result publish)" 'ok'
}

@test "TLS: another CA, another name: 77; the wrong kind of port: 69" {
	doctor -c "$(tls other ssl.ca="${LAB_CA%/*}/other-ca.pem")"
	ends 77
	has "$(result tls)" 'is not signed by a CA of ours: issued by CN=lab CA'
	rest_untried
	doctor -c "$(tls name host=127.0.0.1)"
	ends 77
	has "$(result tls)" 'the certificate is not for the name 127.0.0.1, but for DNS:localhost'
	doctor -c "$(tls plain amqp_port="$LAB_AMQP_PORT")"
	ends 69
	has "$(result tls)" "port $LAB_AMQP_PORT speaks AMQP without TLS"
	doctor -c "$(tls stomp amqp_port="$LAB_STOMP_PORT")"
	ends 69
	has "$(result tls)" "port $LAB_STOMP_PORT speaks STOMP, not TLS"
}

@test "TLS: a certificate that has expired, and one that is not valid yet: 77" {
	certificates
	serve expired
	doctor -c "$(tls expired ssl.ca="$BATS_TEST_TMPDIR/ca.pem" amqp_port="$port")"
	ends 77
	has "$(result tls)" 'the certificate CN=expired one expired on '
	kill "$server"
	serve early
	doctor -c "$(tls early ssl.ca="$BATS_TEST_TMPDIR/ca.pem" amqp_port="$port")"
	ends 77
	has "$(result tls)" 'the certificate CN=early one is not valid before '
}

@test "TLS: an address in a certificate is no name, for doctor as for everything else: 77" {
	certificates
	serve address
	local file
	file=$(tls address ssl.ca="$BATS_TEST_TMPDIR/ca.pem" host=127.0.0.1 amqp_port="$port")
	doctor -c "$file"
	ends 77
	has "$(result tls)" 'not for the name 127.0.0.1, but for IP Address:127.0.0.1'
	dc ping -c "$file"
	equal 77 "$status"
}

@test "TLS: a broker that wants our certificate says so, whatever version is spoken: 77" {
	local version
	certificates
	for version in -tls1_2 -tls1_3; do
		serve good "$version" -Verify 1 -verify_return_error -CAfile "$BATS_TEST_TMPDIR/ca.pem"
		doctor -c "$(tls wants ssl.ca="$BATS_TEST_TMPDIR/ca.pem" amqp_port="$port")"
		ends 77
		has "$(result tls)" 'the broker wants a certificate of ours, and none is configured'
		doctor -c "$(tls old ssl.ca="$BATS_TEST_TMPDIR/ca.pem" amqp_port="$port" \
			ssl.cert="$BATS_TEST_TMPDIR/expired.pem" ssl.key="$BATS_TEST_TMPDIR/expired.key")"
		ends 77
		has "$(result tls)" 'warning our certificate CN=expired one is valid only from '
		has "$(result tls)" 'the broker refuses our certificate '
		kill "$server"
	done
}

@test "TLS: files of ours that cannot be used: 78, named" {
	certificates
	doctor -c "$(tls badca ssl.ca=/dev/null)"
	ends 78
	has "$(result tls)" '/dev/null cannot be used'
	echo no key >"$BATS_TEST_TMPDIR/bad.key"
	chmod 600 "$BATS_TEST_TMPDIR/bad.key"
	doctor -c "$(tls badkey ssl.cert="$BATS_TEST_TMPDIR/good.pem" ssl.key="$BATS_TEST_TMPDIR/bad.key")"
	ends 78
	has "$(result tls)" 'bad.key cannot be used'
	chmod 644 "$BATS_TEST_TMPDIR/good.key"
	doctor -c "$(tls open ssl.cert="$BATS_TEST_TMPDIR/good.pem" ssl.key="$BATS_TEST_TMPDIR/good.key")"
	ends 78
	has "$output" 'everybody can read this private key'
}

@test "TLS: something that is no AMQP inside: 69" {
	certificates
	serve good
	doctor --connection-timeout 1s -c "$(tls inside ssl.ca="$BATS_TEST_TMPDIR/ca.pem" amqp_port="$port")"
	ends 69
	has "$(result tls)" "inside of TLS, port $port "
}

@test "NODE that is stopped is not connected, one that is frozen is silent: 4" {
	stopped=web02
	doctor web02.example.net
	ends 0
	lab node stop --freeze web02
	doctor web02.example.net
	ends 4
	has "$(result 'round trip')" 'failed no answer in time'
	lab node start web02
	lab node stop web02
	doctor web02.example.net
	ends 4
	has "$(result 'round trip')" 'failed not connected'
	doctor nosuch.example.net
	ends 4
}

@test "a wrong PSK: nobody answers, 3, with what that looks like" {
	doctor -c "$(with_cfg psk plugin.psk=another)"
	ends 3
	has "$(result discovery)" 'failed no node answers'
	has "$(remedy discovery)" 'a wrong PSK'
}

@test "a memory alarm: 69, in the broker's words, and the nodes are not asked" {
	lab ctl set_vm_memory_high_watermark absolute 1 >/dev/null
	doctor
	ends 69
	has "$(result publish)" 'failed the broker takes no publishes: low on memory'
	has "$(result discovery)" 'not tried'
}

@test "for people: words, remedies, the sum on stderr" {
	dc doctor -c "$LAB_NOWRITE_CFG"
	equal 77 "$status"
	has "$output" "    try: rabbitmqctl set_permissions -p '$LAB_VHOST' 'nowrite'"
	has "$stderr" ' 1 failed, 3 not tried'
	[[ $output != *$'\033'* ]]
}
