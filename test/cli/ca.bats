#!/usr/bin/env bats
# HTTPS to a CA: whom we believe, what we refuse, and that every failure has its own name.
# shellcheck disable=SC2154
load helper

# One process with all servers, good and bad; see tls_server.rb.
setup_file() {
	ruby --disable-gems "$BATS_TEST_DIRNAME/tls_server.rb" "$BATS_FILE_TMPDIR" 3>&- &
	echo $! >"$BATS_FILE_TMPDIR/pid"
	for _ in {1..200}; do
		[ -e "$BATS_FILE_TMPDIR/ports" ] && return
		sleep 0.05
	done
	return 1
}

teardown_file() {
	kill "$(cat "$BATS_FILE_TMPDIR/pid")"
}

setup() {
	setup_environment
	cd "$BATS_FILE_TMPDIR" || return
	CA_FILE=ca.pem CLIENT=client WAIT_MS=
}

# server NAME: its URL
server() {
	printf 'https://localhost:%s' "$(awk -v name="$1" '$1 == name {print $2}' ports)"
}

# list URL: what the CA there has, as we are set up
list() {
	run --separate-stderr "${BUILD:-$REPO/build}/test/lab/ca" "$1" "$CA_FILE" "$CLIENT.pem" \
		"$CLIENT.key" list ${WAIT_MS:+"wait=$WAIT_MS"}
}

# lists URL: it does
lists() {
	list "$1"
	same 0 "$status" || { printf '%s\n' "$stderr"; return 1; }
	holds "$output" 'web1 requested AB:AB:'
}

# fails URL PART...: it does not, and says so
fails() {
	list "$1"
	same 1 "$status"
	same '' "$output"
	holds "$stderr" "${@:2}"
}

@test "a good server is believed, whatever the environment would have us use" {
	lists "$(server good)/ok"
	printf 'machine localhost login ann password s3cret\n' >"$HOME/.netrc"
	export https_proxy=http://127.0.0.1:1 HTTPS_PROXY=http://127.0.0.1:1 ALL_PROXY=http://127.0.0.1:1
	export SSL_CERT_FILE=/dev/null SSL_CERT_DIR=/nowhere CURL_CA_BUNDLE=/dev/null
	lists "$(server good)/ok"
}

@test "a server is not believed that another authority vouches for, or nobody" {
	fails "$(server other_ca)/ok" "auth: localhost:" "the server's certificate is of no authority in ca.pem"
	fails "$(server self)/ok" "auth: localhost:" "the server's certificate is of no authority in ca.pem"
	export SSL_CERT_FILE=$PWD/other_ca.pem CURL_CA_BUNDLE=$PWD/other_ca.pem
	fails "$(server other_ca)/ok" "is of no authority in ca.pem"
}

@test "a certificate that is not valid now, or for another name, is told as that" {
	fails "$(server expired)/ok" "auth: localhost:" "the server's certificate has expired"
	fails "$(server early)/ok" "the server's certificate is not valid yet" "clocks"
	fails "$(server other_name)/ok" "the server's certificate is for another name" "dns_alt_names"
	fails "$(server good | sed s/localhost/127.0.0.1/)/ok" "auth: 127.0.0.1:" "is for another name"
}

@test "a server that does not believe us is told from one that we do not believe" {
	lists "$(server strict)/ok"
	CLIENT=stranger
	fails "$(server strict)/ok" "auth: localhost:" "refuses our certificate stranger.pem (unknown CA)"
}

@test "nothing older than TLS 1.2 is spoken, and nothing but TLS" {
	# OpenSSL would not either, as Debian sets it up; here it may.
	printf '%s\n' 'openssl_conf = all' '[all]' 'ssl_conf = ssl' '[ssl]' 'system_default = lax' \
		'[lax]' 'MinProtocol = TLSv1' 'CipherString = DEFAULT@SECLEVEL=0' >"$BATS_TEST_TMPDIR/openssl.cnf"
	export OPENSSL_CONF=$BATS_TEST_TMPDIR/openssl.cnf
	fails "$(server old)/ok" "auth: localhost:" "no TLS connection"
	fails "$(server plain)/ok" "no TLS connection"
	fails "$(server good | sed s/https/http/)/ok" "config: " "is not https://HOST[:PORT]"
	fails "ftp://localhost/" "config: "
	fails "https://ann:pw@localhost" "config: "
}

@test "a redirect is not followed" {
	fails "$(server good)/302" "protocol: localhost:" "sends us elsewhere (302 https://localhost:1/)"
	fails "$(server good)/308" "sends us elsewhere (308"
}

@test "statuses are told with the server's words, 403 with both ways out" {
	fails "$(server good)/403" "auth: localhost:" "forbidden (403): client.pem has no right" \
		"puppetserver ca generate --ca-client" "auth.conf"
	fails "$(server good)/404" "protocol: localhost:" "answers 404: its words"
	fails "$(server good)/500" "answers 500: its words"
	fails "$(server good)/503" "answers 503" "may still be starting"
	fails "$(server good)/700" "protocol: localhost:"
}

@test "an answer has its limits" {
	fails "$(server good)/huge" "protocol: localhost:" "an answer of more than 67108864 bytes"
	fails "$(server good)/flood" "an answer of more than 67108864 bytes"
	fails "$(server good)/headers" "an answer with more than 65536 bytes of headers"
}

@test "an answer that ends early, or is none, is not one" {
	fails "$(server good)/half" "connect: localhost:" "the connection ended before the answer"
	fails "$(server good)/close" "connect: localhost:" "the connection ended before the answer"
	fails "$(server good)/noise" "protocol: localhost:"
}

@test "who is not there, or says nothing, is told from each other" {
	fails "https://localhost:1/ok" "connect: localhost:1: cannot connect: Connection refused"
	fails "https://no-such-host.invalid/ok" "connect: no-such-host.invalid:443: the name has no address"
	WAIT_MS=200
	fails "$(server silent)/ok" "connect: localhost:" "no connection within 0.2 s"
	fails "$(server good)/slow" "connect: localhost:" "no full answer within 0.2 s"
}

@test "files of ours that cannot be used are named" {
	CA_FILE=none.pem
	fails "$(server good)/ok" "config: none.pem: No such file"
	CA_FILE=client.key
	fails "$(server good)/ok" "config: client.key: no authority's certificate in it"
	CA_FILE=ca.pem
	cp stranger.key "$BATS_TEST_TMPDIR/odd.key"
	cp client.pem "$BATS_TEST_TMPDIR/odd.pem"
	CLIENT=$BATS_TEST_TMPDIR/odd
	fails "$(server good)/ok" "config: $CLIENT.pem and $CLIENT.key: cannot be used as certificate and key"
	chmod 644 "$CLIENT.key"
	fails "$(server good)/ok" "config: $CLIENT.key: everybody can read this private key"
}

# site URL ENVIRONMENT: its site graph, from the Puppet Server there
site() {
	run --separate-stderr "${BUILD:-$REPO/build}/test/lab/ca" "$1" ca.pem client.pem client.key site "$2"
}

@test "a site graph comes as it is, and who may not have it, or cannot, is told what to do" {
	site "$(server good)/site" production
	same 0 "$status"
	same '{"environment":"production","applications":{}}' "$output"
	site "$(server good)/site" other
	same 1 "$status"
	holds "$stderr" "protocol: localhost:" "no site graph of environment other (404)" "--site FILE"
	site "$(server good)/403" production
	same 1 "$status"
	holds "$stderr" "auth: localhost:" "forbidden (403): client.pem may not ask for the site graph of production" \
		"auth.conf" '"/puppet/v3/environment/"' "from version 7 on"
	site "$(server good)/503" production
	holds "$stderr" "answers 503" "may still be starting"
	site "$(server good)/huge" production
	holds "$stderr" "an answer of more than 268435456 bytes"
	site "$(server other_ca)/site" production
	holds "$stderr" "auth: localhost:" "of no authority in ca.pem"
	site "$(server good)/site" a/b
	holds "$stderr" 'usage: "a/b" cannot be a Puppet environment'
}

# own KIND [WORDS]: a certificate for ctl from that kind of CA; files are in $OWN. A key is there
# already: to make one takes long.
own() {
	OWN=$BATS_TEST_TMPDIR/own
	mkdir -p "$OWN"
	[ -e "$OWN/key.pem" ] || (umask 077 && cp stranger.key "$OWN/key.pem")
	run --separate-stderr "${BUILD:-$REPO/build}/test/lab/ca" "$(server good)/$1" "$OWN/ca.pem" \
		"$OWN/cert.pem" "$OWN/key.pem" request ctl "${@:2}"
}

# own_fails PART...: it did not work, and says so; there is no certificate
own_fails() {
	same 1 "$status"
	holds "$stderr" "$@"
	[ ! -e "$OWN/cert.pem" ]
}

@test "a first CA is believed if its fingerprint is the given one, or everything is" {
	print=$(sha256sum <ca.pem)
	print=${print%% *}
	own first
	own_fails "auth: localhost:" "fingerprint $(sed 's/../&:/g; s/:$//' <<<"${print^^}")" 'sha256sum ca_crt.pem'
	own first "fingerprint=${print//[0-4]/5}"
	own_fails "auth: localhost:" "the CA's certificate has fingerprint"
	own first fingerprint=AB
	own_fails "usage: the CA's fingerprint is no SHA-256"
	[ ! -e "$OWN/ca.pem" ]
	own first "fingerprint=$print"
	same 0 "$status"
	cmp "$OWN/ca.pem" ca.pem
	rm "$OWN/ca.pem" "$OWN/cert.pem"
	own first trust
	same 0 "$status"
	cmp "$OWN/ca.pem" ca.pem
}

@test "a certificate of our own is asked for once, checked, and kept" {
	own prompt trust
	same 0 "$status"
	holds "$output" 'waiting ' changed
	same "$(openssl pkey -in "$OWN/key.pem" -pubout)" "$(openssl x509 -in "$OWN/cert.pem" -noout -pubkey)"
	same '600 644 644' "$(stat -c %a "$OWN/key.pem" "$OWN/cert.pem" "$OWN/ca.pem" | paste -sd ' ')"
	same 'ca.pem cert.pem key.pem' "$(ls -A "$OWN" | paste -sd ' ')"
	own prompt
	same '0 unchanged' "$status $output"
	# What the CA signed is fetched again, and no other request is made.
	rm "$OWN/cert.pem"
	own prompt
	same '0 changed' "$status $output"
	cp client.pem "$OWN/cert.pem"
	own prompt
	same 1 "$status"
	holds "$stderr" "auth: $OWN/cert.pem: the certificate is for admin, not for ctl"
}

@test "who is not signed in time asks again later with the same request" {
	own never trust wait=100
	own_fails 'timeout: localhost:' 'nobody signed the request for ctl within 0.1 s'
	first=$output
	own never wait=100
	own_fails 'timeout: localhost:'
	same "$first" "$output"
}

@test "a certificate for another key, by another CA, or for another's request is not taken" {
	own swapped trust wait=1000
	own_fails "auth: localhost:" "the certificate for ctl is for another key than $OWN/key.pem" 'clean it'
	own foreign wait=1000
	own_fails "auth: localhost:" 'the certificate is not good: unable to get'
	own taken wait=1000
	own_fails "auth: localhost:" 'refuses our request: it has another one'
	printf 'no key' >"$OWN/key.pem"
	own prompt
	own_fails "config: $OWN/key.pem: not a private key"
	chmod 644 "$OWN/key.pem"
	own prompt
	own_fails "config: $OWN/key.pem: everybody can read this private key"
}
