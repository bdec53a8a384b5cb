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
	fails "$(server strict)/ok" "auth: localhost:" "refuses our certificate stranger.pem (unknown ca)"
}

@test "nothing older than TLS 1.2 is spoken, and nothing but TLS" {
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
