#!/usr/bin/env bats
# Certificates of nodes: what is signed, and above all what is not. The CA is a small one of
# tls_server.rb, another for each test; nodes are the script's, whose files are those of this machine.
# shellcheck disable=SC2154
load loop_helper

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
	setup_loop
	unset XDG_CONFIG_HOME
	cp "$BATS_FILE_TMPDIR"/{client,stranger}.{pem,key} "$BATS_FILE_TMPDIR"/{ca,other_ca}.pem .
	ca good
	CSR=$PWD/%s.csr
}

# ca HOW [KEY FILE]...: from now on the CA that does so, with these files instead of the usual ones
ca() {
	local -A files=([ca]=ca.pem [cert]=client.pem [key]=client.key)
	URL=https://localhost:$(awk '$1 == "good" {print $2}' "$BATS_FILE_TMPDIR/ports")/ca-$BATS_TEST_NUMBER-$1
	shift
	while [ $# -gt 0 ]; do
		files[$1]=$2
		shift 2
	done
	(umask 077 && own_ddls && printf 'puppet: {url: "%s", ca: %s, cert: %s, key: %s}\n' "${URL%/*}" \
		"$PWD/${files[ca]}" "$PWD/${files[cert]}" "$PWD/${files[key]}") >.config/deployctl/config.yaml
}

# ask NAME [OPENSSL-ARGUMENT...]: a machine asks for its certificate; $print is its fingerprint
ask() {
	openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout "$1.key" \
		-subj "/CN=$1" -out "$1.csr" "${@:2}" 2>/dev/null
	curl -sSf --noproxy '*' --cacert ca.pem -X PUT --data-binary "@$1.csr" \
		"$URL/puppet-ca/v1/certificate_request/$1"
	print=$(openssl req -in "$1.csr" -outform der | sha256sum | cut -d ' ' -f 1 | tr a-f A-F | sed 's/../&:/g; s/:$//')
}

# cert STATUS WORDS...: sign-cert of that CA
cert() {
	deployctl "$1" sign-cert --ca-url "$URL" "${@:2}"
}

# elsewhere STATUS URL WORDS...: of another
elsewhere() {
	deployctl "$1" sign-cert --ca-url "$2" "${@:3}"
}

# is STATE NAME: so the CA has it
is() {
	cert 0 --list --only "$1" -o name
	holds "$output" "$2"
}

# rows: those of the table, blanks squeezed
rows() {
	tr -s ' ' <<<"$output"
}

@test "a list shows what the CA has, as a table and for programs" {
	cert 0
	same '' "$output"
	holds "$stderr" 'the CA has nothing'
	ask web1
	cert 0
	same "NAME STATE FINGERPRINT
web1 requested $print" "$(rows)"
	ask web2 -addext subjectAltName=DNS:web -addext 1.3.6.1.4.1.34380.1.3.13=ASN1:UTF8String:db
	cert 0 -o wide --no-headers web2 --list
	same "web2 requested - DNS:web pp_auth_role=db $print" "$(rows)"
	cert 0 -o json
	same '["web1", "web2"] {"pp_auth_role"=>"db"} 2' "$(document '[d["items"].map { |i| i["name"] },
		d["items"][1]["extensions"], s["requested"]].map(&:to_s).join(" ")')"
	same 'name certname state fingerprint alt_names extensions not_after' \
		"$(document 'd["items"][0].keys.join(" ")')"
	cert 0 -o jsonl
	same 3 "${#lines[@]}"
	cert 1 --list web7
	holds "$stderr" 'the CA has nothing of these'
	cert 0 --list web7 --empty-ok
	cert 1 --only revoked
}

@test "a request is signed, kept, revoked and cleaned, each once, and it is recorded" {
	ask web1
	cert 0 "web1=$print" --yes --reason 'new machine'
	holds "$output" 'web1  ok      signed'
	is signed web1
	same "signed|$(openssl x509 -in <(curl -sSf --noproxy '*' --cacert ca.pem \
		"$URL/puppet-ca/v1/certificate/web1") -noout -fingerprint -sha256 | cut -d = -f 2)" \
		"$(sqlite3 state.db "SELECT certificate, fingerprint FROM node WHERE identity = 'web1'")"
	cert 0 web1 --yes
	holds "$output" 'already signed'
	cert 0 web1 --revoke --yes
	is revoked web1
	same revoked "$(sqlite3 state.db 'SELECT certificate FROM node')"
	cert 2 web1 --trust-on-first-use --yes
	holds "$output" 'its certificate is revoked; clean it'
	cert 0 web1 --clean --yes
	cert 0 web1 --clean --yes
	holds "$output" 'the CA has nothing of that name'
	same '' "$(sqlite3 state.db 'SELECT certificate FROM node')"
	cert 2 web1 --revoke --yes
	same 'new machine' "$(sqlite3 state.db 'SELECT reason FROM run ORDER BY id LIMIT 1')"
}

@test "--yes alone signs nothing that nobody has said anything about" {
	ask web1
	cert 6 web1 --yes
	holds "$stderr" 'nothing says which request is that of web1' 'NODE=FINGERPRINT' --verify-node \
		--trust-on-first-use 'at a terminal'
	cert 6 --pending --yes
	cert 6 web2 --wait 5s --yes
	cert 64 web1
	holds "$stderr" 'without a terminal --yes is needed'
	is requested web1
	cert 0 web1 --trust-on-first-use --yes
	is signed web1
}

@test "who is asked at a terminal sees the fingerprints, and what is shown is what is signed" {
	ask web1
	cat >answer <<-'END'
		set timeout 20
		eval spawn -noecho [lrange $argv 1 end]
		expect "Go on" { send -- "[lindex $argv 0]\r" } timeout { exit 98 } eof { exit [lindex [wait] 3] }
		expect eof
		exit [lindex [wait] 3]
	END
	run expect -f answer n "$DEPLOYCTL" sign-cert --ca-url "$URL" web1 -q
	same 6 "$status"
	holds "$output" "web1  $print" '1 node: its request will be signed. Go on?'
	run expect -f answer y "$DEPLOYCTL" sign-cert --ca-url "$URL" --pending
	same 0 "$status"
	holds "$output" "web1  $print"
	is signed web1
	run expect -f answer y "$DEPLOYCTL" sign-cert --ca-url "$URL" web1 --revoke
	same 0 "$status"
	is revoked web1
	# What has not come yet cannot be shown.
	run expect -f answer y "$DEPLOYCTL" sign-cert --ca-url "$URL" web2 --wait 1s
	same 6 "$status"
	holds "$output" 'nothing says which request is that of web2'
}

@test "another fingerprint than the expected one is not signed" {
	ask web2
	local other=$print
	ask web1
	cert 2 "web1=$other" --yes
	holds "$output" "refused: the request at the CA has the fingerprint $print"
	cert 2 web1 --fingerprint "$other" --yes
	is requested web1
	cert 0 web1 --fingerprint "SHA256 $print" --yes
	cert 0 web2,web1 --fingerprint "web2=$other" --yes
	is signed web2
}

@test "fingerprints are for nodes that are named, one each" {
	cert 64 web1,web2 --fingerprint AB:CD --yes
	holds "$stderr" 'whose fingerprint?'
	cert 64 web1=AB web1 --fingerprint web1=AB --yes
	holds "$stderr" 'two fingerprints are given for web1'
	cert 64 'web[1-2]=AB' --yes
	holds "$stderr" 'a fingerprint is for one node'
	cert 64 web1 --fingerprint web2=AB --yes
	holds "$stderr" 'given for web2, which is none of the nodes'
	cert 64 web1=AB --yes
	holds "$stderr" 'web1: the fingerprint is no SHA-256'
	cert 64 web1=AB --revoke --yes
	cert 64 web1 --revoke --fingerprint AB --yes
	holds "$stderr" '--revoke goes without what is for signing'
}

@test "options that contradict each other are refused" {
	for words in '--list --pending' '--revoke --clean web1' 'web1 --pending' '--request web1' \
		'web1 --certname a' 'web1 --csr-path /a' 'web1 --verify-node --trust-on-first-use' \
		'--list --wait 5s' '--revoke' '--pending -C apache' 'web1 --all' 'web1 --allow-alt-name web' \
		'web1 --verify-node --csr-path ssl/%s --yes' '--only nonsense'; do
		# shellcheck disable=SC2086
		cert 64 $words
	done
	same '' "$(cat "$DEPLOYCTL_LOOP_LOG" 2>/dev/null)"
}

@test "a rerun knows what an earlier one signed, though its outcome was lost" {
	ask web1
	cert 0 "web1=$print" --yes
	cert 0 "web1=$print" --yes
	holds "$output" 'already signed'
	# As who died before the answer came has left it.
	sqlite3 state.db "DELETE FROM outcome WHERE run > 1; UPDATE node SET certificate = NULL;
		UPDATE outcome SET state = NULL, message = NULL, data = NULL, ended = NULL;
		UPDATE run SET life = 'interrupted', ended = NULL, exit = NULL"
	cert 0 "web1=$print" --yes
	# Another state file knows nothing of it; neither does ours of another certificate.
	cert 2 "web1=$print" --yes --state other.db
	holds "$output" 'already signed, as ' 'not the expected fingerprint'
	cert 0 web1 --clean --yes
	first=$print
	ask web1
	cert 0 "web1=$print" --yes
	cert 2 "web1=$first" --yes
	holds "$output" 'not the expected fingerprint'
}

@test "a node that is asked knows its own request, and nobody else's is signed" {
	ask web1
	ask web2
	cert 0 web1,web2,web3 --verify-node --csr-path "$CSR" --yes -x web3
	is signed web1
	is signed web2
	ask web3
	cp web1.csr web3.csr
	ask web4
	rm web4.csr
	cert 2 web3,web4 --verify-node --csr-path "$CSR" --yes
	holds "$output" 'web3  failed  refused: the request at the CA is not the one that web3 has' \
		"web4  failed  refused: the node has no request of its own in $PWD/web4.csr"
	is requested web4
}

@test "a node that does not answer, or is not there, gets nothing signed" {
	also 'reply web1 silent' 'absent web2' 'reply web5 fail 5 denied'
	ask web1; ask web2; ask web5
	cert 2 web1,web2,web5 --verify-node --csr-path "$CSR" --yes -t 300ms
	holds "$output" 'not signed: the node does not answer' 'web2  not connected' \
		'not signed: the node does not tell which request it has: denied'
	is requested web1
	cert 3 web1,web2 --verify-node --csr-path "$CSR" --yes -t 300ms
}

@test "who waits signs what the node itself has sent, as soon as it is there" {
	ask web9
	(sleep 0.3; ask web1) 3>&- &
	cert 0 web1 --verify-node --csr-path "$CSR" --wait 4s --yes
	wait
	is signed web1
	cert 2 web2 --trust-on-first-use --wait 100ms --yes
	holds "$output" 'no request came to the CA in time'
}

@test "--pending is everybody who waits, but for those that are left out" {
	cert 0 --pending --yes
	holds "$stderr" 'no request waits to be signed'
	ask web1; ask web2; ask web3
	cert 0 --pending -x web2 --trust-on-first-use --yes
	is signed web1
	is signed web3
	is requested web2
	cert 0 --pending --limit 1 --verify-node --csr-path "$CSR" --yes
	is signed web2
}

@test "nodes are also chosen by a filter" {
	ask web1; ask web6
	cert 0 -F cluster=bravo --list -o name --window-time 25ms
	same web6 "$output"
	cert 2 -F cluster=bravo --trust-on-first-use --yes --window-time 25ms
	is signed web6
	is requested web1
}

@test "names and authorisations are only given if they are allowed" {
	ask web1 -addext subjectAltName=DNS:web1,DNS:puppet -addext 1.3.6.1.4.1.34380.1.3.13=ASN1:UTF8String:db
	cert 2 "web1=$print" --yes
	holds "$output" 'refused: it asks for the alternative name DNS:puppet'
	cert 2 "web1=$print" --yes --allow-alt-name DNS:puppet
	holds "$output" 'refused: it asks for the authorisation pp_auth_role=db'
	cert 2 "web1=$print" --yes --allow-alt-name DNS:puppet --allow-extension pp_auth_role=web
	is requested web1
	cert 0 "web1=$print" --yes --allow-alt-name DNS:puppet --allow-extension pp_auth_role
	is signed web1
}

@test "a certificate for another key is revoked, and the node has failed" {
	ca swap
	ask web1
	cert 2 "web1=$print" --yes
	holds "$output" 'web1  failed' 'another key than the request'
	is revoked web1
	same revoked "$(sqlite3 state.db 'SELECT certificate FROM node')"
}

@test "a CA that refuses is quoted; of one that does not answer the certificate tells" {
	ca stubborn
	ask web1
	cert 2 "web1=$print" --yes
	holds "$output" 'not signed: localhost:' 'answers 409: its words'
	ca mute
	ask web1
	cert 0 "web1=$print" --yes
	is signed web1
	cert 3 web1 --revoke --yes
	holds "$output" 'web1  unknown  perhaps revoked: localhost:'
	is revoked web1
}

@test "a failure that is not more than tolerated stops nobody, one that is does" {
	ask web2; ask web3
	cert 2 web[1-3] --trust-on-first-use --yes --window 1
	is signed web3
	cert 0 web2,web3 --clean --yes
	ask web2
	cert 5 web[1-2] --trust-on-first-use --yes --window 1 --max-fail 0
	is requested web2
}

@test "who we are and where the CA is must be known; what is not is named" {
	own_ddls >.config/deployctl/config.yaml
	deployctl 78 sign-cert
	holds "$stderr" 'the configuration does not say puppet.url, puppet.ca, puppet.cert, puppet.key'
	cert 78
	holds "$stderr" 'does not say puppet.ca, puppet.cert, puppet.key'
	ca good key none.key
	cert 78
	holds "$stderr" "$PWD/none.key: No such file"
	chmod 644 stranger.key
	ca good cert stranger.pem key stranger.key
	cert 78
	holds "$stderr" "$PWD/stranger.key: everybody can read this private key"
	ca good
	deployctl 69 sign-cert
	holds "$stderr" "localhost:"
	chmod 666 .config/deployctl/config.yaml
	cert 78
	holds "$stderr" .config/deployctl/config.yaml
}

@test "a CA that is not there, is another's, or does not let us in is told before anything is begun" {
	elsewhere 69 https://localhost:1 web1 --trust-on-first-use --yes
	holds "$stderr" 'localhost:1: cannot connect: Connection refused'
	elsewhere 77 "${URL%/*}/403" web1 --revoke --yes
	holds "$stderr" 'forbidden (403)' 'puppetserver ca generate --ca-client' 'auth.conf'
	elsewhere 69 "${URL%/*}/500"
	elsewhere 69 "${URL%/*}/noise"
	elsewhere 78 http://localhost
	ca good ca other_ca.pem
	cert 77
	holds "$stderr" "is of no authority in $PWD/other_ca.pem"
	[ ! -e state.db ]
}

@test "a list brings what is known of nodes up to date, and invents none" {
	ask web1; ask web2
	cert 0 web1 --trust-on-first-use --yes
	cert 0
	same 'web1 signed' "$(sqlite3 -separator ' ' state.db 'SELECT identity, certificate FROM node')"
	curl -sSf --noproxy '*' --cacert ca.pem -X DELETE "$URL/puppet-ca/v1/certificate_status/web1"
	cert 0
	same 'web1 ' "$(sqlite3 -separator ' ' state.db 'SELECT identity, certificate FROM node')"
}

@test "without a configuration of a broker certificates are signed, and nodes are not asked" {
	rm .mcollective
	ask web1
	cert 78 web1 --verify-node --yes
	cert 0 "web1=$print" --yes
	is signed web1
}

@test "this client gets a certificate of its own" {
	(umask 077 && cp stranger.key own.key)
	ca good cert own.pem key own.key ca own-ca.pem
	elsewhere 77 "${URL%/*}/prompt" --request --certname ctl
	holds "$stderr" 'nothing says whether that is right'
	elsewhere 0 "${URL%/*}/prompt" --request --certname ctl --wait 2s --ca-fingerprint "$(sha256sum <ca.pem | cut -d ' ' -f 1)"
	holds "$output" "ctl: signed, and kept in $PWD/own.pem"
	elsewhere 0 "${URL%/*}/prompt" --request --certname ctl -o json
	same 'false ctl' "$(document '[d["items"][0]["changed"], d["items"][0]["name"]].join(" ")')"
	rm own.pem
	elsewhere 124 "${URL%/*}/never" --request --certname ctl --wait 100ms
	holds "$stderr" 'waiting for the CA to sign the request with the fingerprint ' 'nobody signed'
}
