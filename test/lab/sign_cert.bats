#!/usr/bin/env bats
# Certificates of real nodes, by a real Puppet CA: each step, and each refusal.
# shellcheck disable=SC2154
load helper

setup_file() {
	[ -n "${LAB_PUPPET_URL:-}" ] || { echo 'no Puppet Server: run test/lab/lab run --puppet -- bats test/lab' >&2; return 1; }
}

# Where a node of the lab has its files; names are our own, but for those of real nodes.
NODE=web02.example.net

setup_cert() {
	unset DEPLOYCTL_CONFIG XDG_CONFIG_HOME
	export DEPLOYCTL_STATE=$HOME/state.db
	cd "$HOME" || return
	mkdir -p .config/deployctl
	install -m 600 "$LAB_CLIENT_CFG" .mcollective
	who "$LAB_PUPPET_ADMIN_CERT" "$LAB_PUPPET_ADMIN_KEY"
	ssl=$DEPLOYCTL_LAB/nodes/$NODE/puppet/ssl
	CSR=$DEPLOYCTL_LAB/nodes/%s/puppet/ssl/certificate_requests/%s.pem
}

teardown() {
	lab puppet start
	lab node start "$NODE"
	forget "$NODE"
	"$DEPLOYCTL" sign-cert 'sc-[1-9].example.net' --clean --yes -q >/dev/null 2>&1 || true
}

# forget NODE: it is as new, and the CA knows nothing of it
forget() {
	rm -rf "$DEPLOYCTL_LAB/nodes/$1/puppet/ssl"
	"$DEPLOYCTL" sign-cert "$1" --clean --yes -q >/dev/null 2>&1 || true
}

# who CERT KEY [CA]: as whom we ask
who() {
	(umask 077 && printf 'puppet: {url: "%s", ca: %s, cert: %s, key: %s}\n' "$LAB_PUPPET_URL" \
		"${3:-$LAB_PUPPET_CA}" "$1" "$2" >.config/deployctl/config.yaml)
}

# cert STATUS WORDS...
cert() {
	dc sign-cert "${@:2}"
	equal "$1" "$status" || { printf '%s\n%s\n' "$output" "$stderr" >&2; return 1; }
}

# ask NAME [OPENSSL-ARGUMENT...]: a machine of that name asks; $print is what it would show
ask() {
	openssl req -new -newkey rsa:2048 -nodes -keyout "$1.key" -subj "/CN=$1" -out "$1.csr" "${@:2}" 2>/dev/null
	curl -sSf --noproxy '*' --cacert "$LAB_PUPPET_CA" -o /dev/null -X PUT -H 'Content-Type: text/plain' \
		--data-binary "@$1.csr" "$LAB_PUPPET_URL/puppet-ca/v1/certificate_request/$1"
	print=$(openssl req -in "$1.csr" -outform der | sha256sum | cut -d ' ' -f 1 | tr a-f A-F | sed 's/../&:/g; s/:$//')
}

# is STATE NAME
is() {
	cert 0 --list "$2" -o json
	equal "$1" "$(json 'd["items"][0]["state"]')"
}

@test "a node is signed by the fingerprint that its Puppet shows, and its Puppet gets it" {
	setup_cert
	forget "$NODE"
	lab node csr "$NODE"
	print=$(lab node puppet "$NODE" agent --fingerprint)
	cert 6 "$NODE" --yes
	is requested "$NODE"
	cert 0 "$NODE" --fingerprint "$print" --yes --reason 'first boot'
	has "$output" 'signed'
	cert 0 "$NODE" --fingerprint "$print" --yes
	has "$output" 'already signed'
	lab node puppet "$NODE" ssl download_cert
	equal "$(openssl x509 -in "$ssl/certs/$NODE.pem" -noout -fingerprint -sha256 | cut -d = -f 2)" \
		"$(sqlite3 state.db "SELECT fingerprint FROM node WHERE identity = '$NODE'")"
	cert 0 "$NODE" --revoke --yes
	cert 0 "$NODE" --revoke --yes
	has "$output" 'already revoked'
	is revoked "$NODE"
	cert 0 "$NODE" --clean --yes
	cert 1 --list "$NODE"
}

@test "a node that is asked knows its own request, until Puppet has the certificate" {
	setup_cert
	forget "$NODE"
	lab node csr "$NODE"
	cert 2 "$NODE" --verify-node --yes
	has "$output" 'refused: the node has no request of its own in /etc/puppetlabs/puppet/ssl/certificate_requests/'
	cert 0 "$NODE" --verify-node --csr-path "$CSR" --yes
	cert 0 "$NODE" --verify-node --csr-path "$CSR" --yes
	has "$output" 'already signed'
	lab node puppet "$NODE" ssl download_cert
	lab node puppet "$NODE" agent --test --noop >/dev/null || true
	[ ! -e "$ssl/certificate_requests/$NODE.pem" ]
	cert 0 "$NODE" --clean --yes
	# Somebody else asks in its name: it has no request any more.
	ask "$NODE"
	cert 2 "$NODE" --verify-node --csr-path "$CSR" --yes
	has "$output" 'refused: the node has no request of its own'
	is requested "$NODE"
}

@test "another's request in a node's name is not signed, whoever was first" {
	setup_cert
	forget "$NODE"
	ask "$NODE"
	lab node csr "$NODE" || true
	cert 2 "$NODE" --verify-node --csr-path "$CSR" --yes
	has "$output" 'refused: '
	is requested "$NODE"
}

@test "a node is waited for, and signed when it has asked" {
	setup_cert
	forget "$NODE"
	(lab node csr "$NODE") >/dev/null 3>&- &
	cert 0 "$NODE" --verify-node --csr-path "$CSR" --wait 40s --yes
	wait
	is signed "$NODE"
	cert 2 sc-1.example.net --trust-on-first-use --wait 1s --yes
	has "$output" 'no request came to the CA in time'
}

@test "a node that is down, or not there, gets nothing signed" {
	setup_cert
	forget "$NODE"
	lab node csr "$NODE"
	lab node stop "$NODE"
	cert 3 "$NODE" --verify-node --csr-path "$CSR" --yes -t 3s
	lab node start "$NODE"
	lab wait "$NODE"
	has "$output" 'not connected'
	is requested "$NODE"
}

@test "alternative names and authorisations are refused unless they are named" {
	setup_cert
	ask sc-1.example.net -addext subjectAltName=DNS:sc-1.example.net,DNS:puppet
	cert 2 "sc-1.example.net=$print" --yes
	has "$output" 'refused: it asks for the alternative name DNS:puppet'
	cert 0 "sc-1.example.net=$print" --yes --allow-alt-name DNS:puppet
	cert 0 --list sc-1.example.net -o json
	has "$(json 'd["items"][0]["alt_names"]')" DNS:puppet
	ask sc-2.example.net -addext 1.3.6.1.4.1.34380.1.3.13=ASN1:UTF8String:web
	cert 2 "sc-2.example.net=$print" --yes --allow-extension pp_auth_role=db
	has "$output" 'refused: it asks for the authorisation pp_auth_role=web'
	cert 2 --pending --trust-on-first-use --yes
	cert 0 "sc-2.example.net=$print" --yes --allow-extension pp_auth_role=web
}

@test "another fingerprint is refused, and the others are signed" {
	setup_cert
	ask sc-1.example.net
	wrong=$print
	ask sc-2.example.net
	cert 2 "sc-2.example.net=$wrong" --yes
	has "$output" "refused: the request at the CA has the fingerprint $print, expected was $wrong"
	cert 2 "sc-1.example.net=$wrong" "sc-2.example.net=$wrong" --yes --window 1
	is signed sc-1.example.net
	is requested sc-2.example.net
	cert 5 sc-[2-3].example.net --fingerprint "sc-2.example.net=$wrong" --yes --window 1 --max-fail 0
}

@test "who has no right to the CA, or does not know it, is told before anything happens" {
	setup_cert
	ask sc-1.example.net
	who "$LAB_PUPPET_USER_CERT" "$LAB_PUPPET_USER_KEY"
	cert 77 sc-1.example.net --trust-on-first-use --yes
	has "$stderr" "forbidden (403): $LAB_PUPPET_USER_CERT has no right"
	has "$stderr" 'puppetserver ca generate --ca-client'
	has "$stderr" 'auth.conf'
	who "$LAB_PUPPET_ADMIN_CERT" "$LAB_PUPPET_ADMIN_KEY" "$LAB_CA"
	cert 77 --list
	has "$stderr" "is of no authority in $LAB_CA"
	who "$LAB_PUPPET_ADMIN_CERT" "$LAB_PUPPET_ADMIN_KEY"
	is requested sc-1.example.net
}

@test "a CA that goes away is no answer; what it was asked is found out or done later" {
	setup_cert
	ask sc-1.example.net
	lab puppet stop
	cert 69 "sc-1.example.net=$print" --yes
	has "$stderr" 'cannot connect'
	[ ! -e state.db ] || equal 0 "$(sqlite3 state.db "SELECT count(*) FROM outcome")"
	lab puppet start
	# In the middle: it is frozen while we wait for a second node, and never comes back to us.
	(sleep 3; lab puppet freeze) 3>&- &
	cert 124 sc-1.example.net sc-2.example.net --fingerprint "sc-1.example.net=$print" \
		--trust-on-first-use --wait 30s --yes --deadline 8s
	has "$output" 'sc-1.example.net  ok'
	has "$output" 'sc-2.example.net  unknown'
	wait
	lab puppet start
	is signed sc-1.example.net
	cert 0 "sc-1.example.net=$print" --yes
	has "$output" 'already signed'
	ask sc-2.example.net
	cert 0 sc-2.example.net --trust-on-first-use --yes
}

@test "this client gets a certificate of its own" {
	setup_cert
	who "$PWD/own.pem" "$PWD/own.key" "$PWD/own-ca.pem"
	cert 77 --request --certname sc-9.example.net
	has "$stderr" 'nothing says whether that is right'
	cert 124 --request --certname sc-9.example.net --wait 1s \
		--ca-fingerprint "$(sha256sum <"$LAB_PUPPET_CA" | cut -d ' ' -f 1)"
	print=$(sed -n 's/.*with the fingerprint //p' <<<"$stderr" | head -n 1)
	who "$LAB_PUPPET_ADMIN_CERT" "$LAB_PUPPET_ADMIN_KEY"
	cert 0 sc-9.example.net --fingerprint "$print" --yes
	who "$PWD/own.pem" "$PWD/own.key" "$PWD/own-ca.pem"
	cert 0 --request --certname sc-9.example.net
	equal 600 "$(stat -c %a own.key)"
	openssl verify -partial_chain -CAfile own-ca.pem own.pem
	# It is one like any node's: without rights.
	cert 77 --list
	who "$LAB_PUPPET_ADMIN_CERT" "$LAB_PUPPET_ADMIN_KEY"
	cert 0 sc-9.example.net --clean --yes
}
