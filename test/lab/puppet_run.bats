# puppet run on real Puppet: what is proven, what is not, and whom it leaves alone.
load helper

setup_file() {
	[ -n "${LAB_PUPPET_URL:-}" ] || { echo 'no Puppet Server: run test/lab/lab run --puppet -- bats test/lab' >&2; return 1; }
	# shellcheck source=test/lab/helper.bash
	. "$BATS_TEST_DIRNAME/helper.bash"
	for node in web01 web02 web03; do
		[ -e "$DEPLOYCTL_LAB/puppet/ca/signed/$node.example.net.pem" ] || {
			lab node csr "$node" && lab puppet ca sign --certname "$node.example.net"
		} >/dev/null
	done
	cp -r "$LAB_PUPPET_CODE/environments" "$BATS_FILE_TMPDIR/"
}

teardown() {
	local daemon=$DEPLOYCTL_LAB/nodes/web02.example.net/puppet/run/agent.pid
	[ ! -e "$daemon" ] || kill "$(cat "$daemon")"
	cp "$BATS_FILE_TMPDIR/environments/production/manifests/site.pp" \
		"$LAB_PUPPET_CODE/environments/production/manifests/"
	"$DEPLOYCTL" puppet enable 'web[01-03].example.net' >/dev/null 2>&1
	rm -f "$DEPLOYCTL_LAB"/nodes/web0[123].example.net/puppet/facts.d/{deploop,sleep}.yaml
}

# fact NODE FILE NAME VALUE: what facter says there from now on
fact() {
	printf '%s: "%s"\n' "$3" "$4" >"$DEPLOYCTL_LAB/nodes/$1.example.net/puppet/facts.d/$2.yaml"
}

# run_on STATUS NODES WORDS...
run_on() {
	run --separate-stderr timeout 300 "$DEPLOYCTL" puppet run "$2.example.net" --yes "${@:3}"
	# shellcheck disable=SC2154
	[ "$status" -eq "$1" ] || { printf 'status %s\n%s\n%s\n' "$status" "$output" "$stderr" >&2; return 1; }
}

@test "each node gets the files of its role, and only these" {
	fact web01 deploop deploop_role nn1
	fact web02 deploop deploop_role 'dn rm'
	run_on 0 'web[01-02]' -o json
	equal '["web01.example.net ok", "web02.example.net ok"]' \
		"$(json 'd["items"].map { |i| "#{i["node"]} #{i["state"]}" }.inspect')"
	equal true "$(json 'd["items"].all? { |i| i["lastrun"] >= i["initiated_at"] && i["total"] > 0 && i["failed"] == 0 }')"
	equal nn1 "$(cd "$DEPLOYCTL_LAB/nodes/web01.example.net/root/roles" && echo *)"
	equal 'dn rm' "$(cd "$DEPLOYCTL_LAB/nodes/web02.example.net/root/roles" && echo *)"
}

@test "--noop tells how much would change, and changes nothing" {
	rm -rf "$DEPLOYCTL_LAB/nodes/web01.example.net/root/roles"
	fact web01 deploop deploop_role bus-worker
	run_on 0 web01 --noop
	has "$output" 'would change '
	[ ! -e "$DEPLOYCTL_LAB/nodes/web01.example.net/root/roles/bus-worker" ]
}

@test "a resource that fails is a failure" {
	run_on 2 web01 --environment failing
	has "$output" '1 of '
	has "$output" 'resources failed'
}

@test "a catalog that does not compile is a failure, although no resource fails" {
	run_on 2 web01 --environment broken
	has "$output" 'no catalog was applied: Could not retrieve catalog from remote server'
	has "$output" 'this environment is broken on purpose'
}

@test "the catalog of the cache is no success, unless it was asked for" {
	run_on 0 web01
	echo "fail('not today')" >"$LAB_PUPPET_CODE/environments/production/manifests/site.pp"
	run_on 2 web01
	has "$output" 'a catalog from the cache was applied: Could not retrieve catalog from remote server'
	run_on 0 web01 --use-cached-catalog
}

@test "a node that somebody has disabled stays so" {
	"$DEPLOYCTL" rpc puppet disable 'message=by ops, disk' -I web02.example.net >/dev/null
	run_on 2 web02
	has "$output" 'disabled: by ops, disk'
	run --separate-stderr "$DEPLOYCTL" puppet status web02.example.net
	has "$output" 'by ops, disk'
	run --separate-stderr "$DEPLOYCTL" puppet disable web02.example.net -m 'by us' --yes
	[ "$status" -eq 2 ]
	has "$output" 'disabled by somebody else: by ops, disk'
}

@test "never more nodes run than the window is wide" {
	for node in web01 web02 web03; do
		fact "$node" sleep lab_sleep 2
	done
	run_on 0 'web[01-03]' --environment slow --window 1 -o json
	equal true "$(json 'd["items"].map { |i| [i["initiated_at"], i["lastrun"]] }.sort.each_cons(2).all? { |a, b| a[1] <= b[0] }')"
}

@test "somebody's run is waited for, and is not taken for ours" {
	fact web03 sleep lab_sleep 6
	"$DEPLOYCTL" rpc puppet runonce force:=true environment=slow -I web03.example.net >/dev/null
	await test -e "$DEPLOYCTL_LAB/nodes/web03.example.net/puppet/var/state/agent_catalog_run.lock"
	run_on 2 web03 --environment failing
	has "$output" 'resources failed'
}

@test "a daemon is signalled, takes no options, and its run is ours all the same" {
	lab node puppet web02.example.net agent --logdest "$BATS_TEST_TMPDIR/agent.log"
	await grep -qs 'Applied catalog' "$BATS_TEST_TMPDIR/agent.log"
	run_on 0 web02 -o json
	equal '[["use_cached_catalog"], nil]' "$(json 'd["items"].map { |i| [i["options_left_out"], i["initiated_at"]] }[0].inspect')"
	run_on 2 web02 --noop
	has "$output" 'Cannot specify any custom puppet options when the daemon is running'
}
