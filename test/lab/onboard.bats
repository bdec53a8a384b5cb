#!/usr/bin/env bats
# A new machine joins by examples/onboard.sh, on a real broker, node and Puppet Server; and what
# becomes of one that dies on the way.
# shellcheck disable=SC1010,SC2016,SC2154
load helper

NODE=web04.example.net

setup_file() {
	[ -n "${LAB_PUPPET_URL:-}" ] || { echo 'no Puppet Server: run test/lab/lab run --puppet -- bats test/lab' >&2; return 1; }
}

begin() {
	unset DEPLOYCTL_CONFIG XDG_CONFIG_HOME
	cd "$HOME" || return
	mkdir -p .config/deployctl bin
	ln -s "$(realpath "$DEPLOYCTL")" bin/deployctl
	PATH=$PWD/bin:$PATH
	install -m 600 "$LAB_CLIENT_CFG" .mcollective
	(umask 077 && printf 'puppet: {url: "%s", ca: %s, cert: %s, key: %s}\n' "$LAB_PUPPET_URL" \
		"$LAB_PUPPET_CA" "$LAB_PUPPET_ADMIN_CERT" "$LAB_PUPPET_ADMIN_KEY" >.config/deployctl/config.yaml)
	root=$DEPLOYCTL_LAB/nodes/$NODE
	export CSR_PATH=$DEPLOYCTL_LAB/nodes/%s/puppet/ssl/certificate_requests/%s.pem WAIT=2s
}

# The lab is given back as it was: the node has no role, no certificate, and nothing of Puppet's.
teardown() {
	lab node start "$NODE"
	"$DEPLOYCTL" assign-role "$NODE" --remove --yes -q
	"$DEPLOYCTL" push-facts "$NODE" --yes -q
	"$DEPLOYCTL" sign-cert "$NODE" --clean --yes -q
	rm -rf "$root/puppet/ssl" "$root/root/roles"
} >/dev/null 2>&1

onboard() {
	run --separate-stderr timeout 120 "$top/examples/onboard.sh" "$NODE" production speed speed-worker
}

stage() {
	dc status "$NODE" -o json
	json 'd["items"][0]["stage"]'
}

@test "a new machine joins, and the same again changes nothing" {
	local runs
	begin
	dc discover --new -o name
	has "$output" "$NODE"
	lab node csr "$NODE"
	onboard
	equal 0 "$status" || { printf '%s\n%s\n' "$output" "$stderr" >&2; return 1; }
	equal done "$(stage)"
	equal 'collection production, category speed' "$(<"$root/root/roles/speed-worker")"
	dc discover --registered -o name
	has "$output" "$NODE"
	runs=$("$DEPLOYCTL" history --acts -o json | ruby -rjson -e 'puts JSON.parse($stdin.read)["items"].length')
	equal 4 "$runs"
	onboard
	equal 0 "$status"
	equal 3 "$(grep -cE ' ok +(unchanged|already signed)' <<<"$output")"
}

@test "a node that dies between facts and certificate is named, and the same again goes on" {
	begin
	lab node csr "$NODE"
	dc assign-role "$NODE" --collection production --category speed --role speed-worker --yes
	equal 0 "$status"
	dc push-facts "$NODE" --yes
	equal 0 "$status"
	lab node stop "$NODE"
	onboard
	[ "$status" -ne 0 ]
	has "$output$stderr" "$NODE"
	equal facts "$(stage)"
	dc sign-cert "$NODE" --list -o json
	equal requested "$(json 'd["items"][0]["state"]')"
	lab node start "$NODE"
	lab wait "$NODE"
	onboard
	equal 0 "$status" || { printf '%s\n%s\n' "$output" "$stderr" >&2; return 1; }
	equal done "$(stage)"
}
