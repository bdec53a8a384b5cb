#!/usr/bin/env bats
# A real Puppet CA: what there is, signing it or not, taking it back, and a certificate of our own.
# shellcheck disable=SC2154
load helper

setup_file() {
	[ -n "${LAB_PUPPET_URL:-}" ] || { echo 'no Puppet Server: run test/lab/lab run --puppet -- bats test/lab' >&2; return 1; }
}

# ca ARGUMENT...: as the one who may; see ca.c. Its words are in $output, errors in $stderr.
ca() {
	run --separate-stderr "${BUILD:-$top/build}/test/lab/ca" "$LAB_PUPPET_URL" "$LAB_PUPPET_CA" \
		"$LAB_PUPPET_ADMIN_CERT" "$LAB_PUPPET_ADMIN_KEY" "$@"
}

# outcome TEXT [EXPRESSION VALUE]...: the last one began so, with these data
outcome() {
	local lines
	mapfile -t lines < <(grep -vE '^[a-z]+ certificate' <<<"$output")
	has "${lines[0]}" "$1"
	shift
	while [ $# -gt 0 ]; do
		equal "$2" "$(output=${lines[1]} json "$1")"
		shift 2
	done
}

# ask NAME [OPENSSL-ARGUMENT...]: a machine of that name asks for its certificate; $print is what
# it would tell its administrator, $file the digest of its file.
ask() {
	local name=$1 csr=$BATS_TEST_TMPDIR/$1.csr
	shift
	openssl req -new -newkey rsa:2048 -nodes -keyout "$BATS_TEST_TMPDIR/$name.key" -subj "/CN=$name" \
		-out "$csr" "$@" 2>/dev/null
	curl -sSf --noproxy '*' --cacert "$LAB_PUPPET_CA" -o /dev/null -X PUT -H 'Content-Type: text/plain' \
		--data-binary "@$csr" "$LAB_PUPPET_URL/puppet-ca/v1/certificate_request/$name"
	print=$(openssl req -in "$csr" -outform der | sha256sum | cut -d ' ' -f 1 | tr a-f A-F | sed 's/../&:/g; s/:$//')
	file=$(sha256sum <"$csr" | cut -d ' ' -f 1)
}

# state NAME: as the list has it
state() {
	ca list
	awk -v name="$1" '$1 == name {print $2}' <<<"$output"
}

@test "a certificate goes from requested to signed to revoked to nothing, each step once" {
	ask life.example.net
	equal requested "$(state life.example.net)"
	ca sign life.example.net "fingerprint=$print"
	outcome 'ok: signed' 'd["fingerprint"]' "$print" 'd["changed"]' true
	equal signed "$(state life.example.net)"
	ca sign life.example.net
	outcome 'ok: already signed' 'd["changed"]' false
	ca sign life.example.net "fingerprint=$(output=${lines[1]} json 'd["fingerprint"]')"
	outcome 'ok: already signed'
	ca sign life.example.net "fingerprint=$print"
	outcome 'failed: already signed, as '
	ca revoke life.example.net
	outcome 'ok: revoked' 'd["changed"]' true
	equal revoked "$(state life.example.net)"
	ca revoke life.example.net
	outcome 'ok: already revoked' 'd["changed"]' false
	ca sign life.example.net
	outcome 'failed: its certificate is revoked; clean it'
	ca clean life.example.net
	outcome 'ok: cleaned' 'd["state"]' absent
	ca clean life.example.net
	outcome 'ok: the CA has nothing of that name' 'd["changed"]' false
	equal '' "$(state life.example.net)"
	ca revoke life.example.net
	outcome 'failed: the CA has no certificate of that name'
}

@test "what is not expected is not signed; the digest of the node's file is as good as Puppet's" {
	ask print.example.net
	ca sign print.example.net "fingerprint=$(tr 0-9A-F 1-9A-F0 <<<"$print")"
	outcome "failed: refused: the request at the CA has the fingerprint $print"
	equal requested "$(state print.example.net)"
	ca sign print.example.net "fingerprint=$file"
	outcome 'ok: signed' 'd["fingerprint"]' "$print"
	ca sign nobody.example.net
	outcome 'failed: the CA has no request of that name'
	ca clean print.example.net
}

@test "who waits signs as soon as the request is there" {
	ca sign late.example.net wait=300
	outcome 'failed: no request came to the CA in time'
	(sleep 1; ask late.example.net) 3>&- &
	ca sign late.example.net wait=30000
	outcome 'ok: signed'
	wait
	ca clean late.example.net
}

@test "alternative names and authorisations are signed if they were named, and as far as the CA does" {
	ask names.example.net -addext subjectAltName=DNS:names.example.net,DNS:puppet,IP:10.0.0.1,IP:fe80::1
	ca sign names.example.net alt_name=DNS:puppet alt_name=IP:10.0.0.1
	outcome 'failed: refused: it asks for the alternative name IP:fe80::1,'
	ca sign names.example.net alt_name=DNS:puppet alt_name=IP:10.0.0.1 alt_name=IP:fe80::1
	outcome 'ok: signed'
	ask role.example.net -addext 1.3.6.1.4.1.34380.1.3.13=ASN1:UTF8String:web
	ca sign role.example.net extension=pp_auth_role=db
	outcome 'failed: refused: it asks for the authorisation pp_auth_role=web,'
	ca sign role.example.net extension=pp_auth_role=web
	outcome 'ok: signed'
	ask cli.example.net -addext 1.3.6.1.4.1.34380.1.3.39=ASN1:UTF8String:true
	ca sign cli.example.net
	outcome 'failed: refused: it asks for the authorisation pp_cli_auth=true,'
	ca sign cli.example.net extension=pp_cli_auth
	outcome 'failed: not signed: localhost:'
	has "$output" 'Found extensions that are not permitted'
	for name in names role cli; do
		ca clean "$name.example.net"
		outcome 'ok: cleaned'
	done
}

@test "who has no right to the CA's API is told how to get it" {
	LAB_PUPPET_ADMIN_CERT=$LAB_PUPPET_USER_CERT LAB_PUPPET_ADMIN_KEY=$LAB_PUPPET_USER_KEY
	ca list
	equal 1 "$status"
	has "$stderr" "forbidden (403): $LAB_PUPPET_USER_CERT has no right"
	has "$stderr" 'puppetserver ca generate --ca-client'
	ca sign nobody.example.net
	outcome 'failed: localhost:'
	has "$output" 'auth.conf'
}

# own [WORD...]: a certificate for ctl.example.net in $BATS_TEST_TMPDIR/own
own() {
	local own=$BATS_TEST_TMPDIR/own
	mkdir -p "$own"
	run --separate-stderr "${BUILD:-$top/build}/test/lab/ca" "$LAB_PUPPET_URL" "$own/ca.pem" \
		"$own/cert.pem" "$own/key.pem" request ctl.example.net "$@"
}

@test "this client gets a certificate of its own, and knows the CA by its fingerprint" {
	own
	has "$stderr" "nothing says whether that is right"
	own wait=300 "fingerprint=$(sha256sum <"$LAB_PUPPET_CA" | cut -d ' ' -f 1)"
	has "$stderr" 'nobody signed the request for ctl.example.net within 0.3 s'
	ca sign ctl.example.net
	outcome 'ok: signed'
	own
	equal changed "$output"
	equal 600 "$(stat -c %a "$BATS_TEST_TMPDIR/own/key.pem")"
	own
	equal unchanged "$output"
	openssl verify -partial_chain -CAfile "$LAB_PUPPET_CA" "$BATS_TEST_TMPDIR/own/cert.pem"
	ca clean ctl.example.net
	rm "$BATS_TEST_TMPDIR/own/cert.pem" "$BATS_TEST_TMPDIR/own/ca.pem"
	# By the one authority's own fingerprint, as openssl tells it.
	own wait=300 "fingerprint=$(openssl x509 -in "$LAB_PUPPET_CA" -noout -fingerprint -sha256 | cut -d = -f 2)"
	has "$stderr" 'nobody signed'
	equal 1 "$(grep -c BEGIN "$BATS_TEST_TMPDIR/own/ca.pem")"
	ca clean ctl.example.net
}

@test "a CA that is frozen or stopped is no answer, and what it was asked is done later" {
	ask later.example.net
	lab puppet freeze
	ca sign later.example.net
	lab puppet start
	outcome 'failed: localhost:'
	has "$output" 'within 2 s'
	ca sign later.example.net
	outcome 'ok: signed'
	ca clean later.example.net
}
