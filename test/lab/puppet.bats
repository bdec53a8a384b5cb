# Real Puppet: a node asks for its certificate, gets it, and its role decides what Puppet makes of it.
load helper

setup_file() {
	[ -n "${LAB_PUPPET_URL:-}" ] || { echo 'no Puppet Server: run test/lab/lab run --puppet -- bats test/lab' >&2; return 1; }
}

# What a test that failed left.
teardown() {
	lab mco rpc puppet enable -I web07.example.net >/dev/null
	rm -f "$DEPLOYCTL_LAB"/nodes/*/puppet/facts.d/deploop.yaml
}

# ca PATH [admin|user]: the status of the CA's answer, which is in $BATS_TEST_TMPDIR/answer
ca() {
	local who=()
	[ $# -eq 1 ] || who=(--cert "$LAB_PUPPET/$2.pem" --key "$LAB_PUPPET/$2.key")
	curl -sS --noproxy '*' --cacert "$LAB_PUPPET_CA" "${who[@]}" -o "$BATS_TEST_TMPDIR/answer" \
		-w '%{http_code}' "$LAB_PUPPET_URL/puppet-ca/v1/$1"
}

answer() {
	output=$(cat "$BATS_TEST_TMPDIR/answer") json "$1"
}

# puppet NODE ACTION KEY=VALUE...: the reply is in $output as JSON.
puppet() {
	local node=$1
	shift
	run --separate-stderr lab mco rpc -j -I "$node" puppet "$@"
}

# value NODE ACTION NAME [KEY=VALUE...]: one value of the reply
value() {
	puppet "$1" "$2" "${@:4}"
	json "d[0][\"data\"][\"$3\"]"
}

# until_status NODE NAME VALUE: for half a minute
until_status() {
	local tries=150
	until [ "$(value "$1" status "$2")" = "$3" ]; do
		[ $((tries -= 1)) -gt 0 ] || { echo "$2 of $1 never was $3" >&2; return 1; }
		sleep 0.2
	done
}

# A node of the lab with a certificate.
certified() {
	[ -e "$DEPLOYCTL_LAB/puppet/ca/signed/$1.pem" ] || {
		lab node csr "$1" && lab puppet ca sign --certname "$1"
	} >/dev/null
}

# finished NODE SINCE: until the run that began then, by the node's own clock, is over
finished() {
	local tries=120
	until [ "$(value "$1" status applying)" = false ] && [ "$(value "$1" status lastrun)" -ge "$2" ]; do
		[ $((tries -= 1)) -gt 0 ] || { lab logs "${1%%.*}" | tail; return 1; }
		sleep 0.5
	done
}

# run_puppet NODE KEY=VALUE...: to its end
run_puppet() {
	puppet "$1" runonce force=true "${@:2}"
	equal 0 "$(json 'd[0]["statuscode"]')"
	finished "$1" "$(json 'd[0]["data"]["initiated_at"]')"
}

root() {
	ls "$DEPLOYCTL_LAB/nodes/$1/root/$2"
}

setup_puppet() {
	LAB_PUPPET=$DEPLOYCTL_LAB/puppet
}

@test "the CA knows who may ask it" {
	setup_puppet
	equal 200 "$(ca certificate_statuses/any admin)"
	equal 403 "$(ca certificate_statuses/any user)"
	equal 403 "$(ca certificate_statuses/any)"
	equal 200 "$(ca certificate/ca)"
	equal 404 "$(ca certificate_status/nobody admin)"
}

@test "the certificate of the server is for localhost and for 127.0.0.1, and of its own CA" {
	setup_puppet
	LAB_PUPPET_URL=${LAB_PUPPET_URL/localhost/127.0.0.1}
	equal 200 "$(ca certificate/ca)"
	LAB_PUPPET_CA=$LAB_CA
	run ca certificate/ca
	[ "$status" -eq 60 ]
}

@test "from the first boot to the file that only the right role gets" {
	local node=web05.example.net print
	setup_puppet
	lab node csr "$node"
	equal 200 "$(ca "certificate_status/$node" admin)"
	equal requested "$(answer 'd["state"]')"
	print=$(openssl req -in "$DEPLOYCTL_LAB/nodes/$node/puppet/ssl/certificate_requests/$node.pem" -outform DER | sha256sum | cut -d' ' -f1)
	equal "$print" "$(answer 'd["fingerprint"].delete(":").downcase')"
	lab mco rpc deploop create_fact fact=deploop_role 'value=nn1 speed-worker' -I "$node"
	lab mco rpc deploop create_fact fact=deploop_collection value=production -I "$node"
	lab mco rpc deploop create_fact fact=deploop_category value=batch -I "$node"
	lab puppet ca sign --certname "$node"
	run_puppet "$node"
	equal 'nn1 speed-worker' "$(root "$node" roles | paste -sd' ')"
	equal 'collection production, category batch' "$(cat "$DEPLOYCTL_LAB/nodes/$node/root/roles/nn1")"
	lab mco rpc deploop create_fact fact=deploop_role value=speed-worker -I "$node"
	run_puppet "$node"
	equal speed-worker "$(root "$node" roles)"
}

@test "the environment that deploop sets is the one that Puppet uses" {
	local node=web06.example.net
	certified "$node"
	lab mco rpc deploop puppet_environment env=failing -I "$node"
	grep -q '^# A line that nobody may lose' "$DEPLOYCTL_LAB/nodes/$node/puppet/puppet.conf"
	run_puppet "$node"
	equal 1 "$(value "$node" last_run_summary failed_resources)"
	equal applied "$(root "$node" '' | grep -x applied)"
	lab mco rpc deploop puppet_environment env=production -I "$node"
}

@test "a node that never ran" {
	local node=web08.example.net
	puppet "$node" status
	equal 0 "$(json 'd[0]["data"]["lastrun"]')"
	has "$(json 'd[0]["data"]["message"]')" 'Currently stopped; last completed run 20'
	equal '[true,false,false,"stopped",""]' \
		"$(json 'd[0]["data"].values_at("enabled", "applying", "daemon_present", "status", "disable_message")')"
	puppet "$node" last_run_summary
	equal '["unknown",0,0,{}]' "$(json 'd[0]["data"].values_at("config_version", "total_resources", "failed_resources", "logs")')"
	equal '[]' "$(value "$node" last_run_summary logs logs=true)"
}

@test "without a certificate a run begins, and none is ever done" {
	local node=web08.example.net
	puppet "$node" runonce force=true
	equal 0 "$(json 'd[0]["statuscode"]')"
	until_status "$node" daemon_present false
	equal 0 "$(value "$node" status lastrun)"
}

@test "disable and enable: once each, and no run meanwhile" {
	local node=web07.example.net
	equal 'Succesfully locked the Puppet agent: by test' "$(value "$node" disable status 'message=by test')"
	puppet "$node" disable message=again
	equal '[1,"Could not disable Puppet: Already disabled",false]' \
		"$(json '[d[0]["statuscode"], *d[0]["data"].values_at("status", "enabled")]')"
	equal 'by test' "$(value "$node" status disable_message)"
	equal disabled "$(value "$node" status status)"
	puppet "$node" runonce force=true
	equal "Puppet is disabled: 'by test'" "$(json 'd[0]["data"]["summary"]')"
	equal "1 Puppet is disabled: 'by test'" "$(json 'd[0].values_at("statuscode", "statusmsg").join(" ")')"
	run lab node puppet "$node" agent --test
	has "$output" "by test"
	equal 'Succesfully enabled the Puppet agent' "$(value "$node" enable status)"
	equal 'Could not enable Puppet: Already enabled' "$(value "$node" enable status)"
}

@test "while a catalog is applied there is no other run" {
	local node=web06.example.net
	certified "$node"
	puppet "$node" runonce force=true environment=slow
	since=$(json 'd[0]["data"]["initiated_at"]')
	until_status "$node" status 'applying a catalog'
	puppet "$node" runonce force=true
	equal '1 Puppet is currently applying a catalog, cannot run now' "$(json 'd[0].values_at("statuscode", "statusmsg").join(" ")')"
	finished "$node" "$since"
	equal slept "$(root "$node" '' | grep -x slept)"
	has "$(value "$node" last_run_summary logs logs=true)" '"msg":"Applied catalog in'
	equal '{"Exec":1,"File":1}' "$(value "$node" last_run_summary type_distribution)"
}

@test "a catalog that does not compile: no resource failed, none was there" {
	local node=web09.example.net
	certified "$node"
	run_puppet "$node" environment=broken
	puppet "$node" last_run_summary logs=true
	equal '[0,0]' "$(json 'd[0]["data"].values_at("failed_resources", "total_resources")')"
	has "$(json 'd[0]["data"]["logs"]')" 'broken on purpose'
}

@test "another server is refused, whatever else is asked" {
	equal "Passing 'server' option is not allowed in module configuration" \
		"$(value web07.example.net runonce summary server=other)"
	equal 'The user type is not listed in the type whitelist' \
		"$(puppet web07.example.net resource type=user name=root; json 'd[0]["statusmsg"]')"
}

@test "a daemon that idles gets a signal, and takes no options" {
	local node=web09.example.net begun
	certified "$node"
	# Its first run takes longer than this second.
	begun=$(($(date +%s) + 1))
	lab node puppet "$node" agent --no-splay
	finished "$node" "$begun"
	until_status "$node" status idling
	equal 'Cannot specify any custom puppet options when the daemon is running' "$(value "$node" runonce summary noop=true)"
	equal 'Signalled the running Puppet Daemon' "$(value "$node" runonce summary force=true)"
	kill "$(cat "$DEPLOYCTL_LAB/nodes/$node/puppet/run/agent.pid")"
	until_status "$node" daemon_present false
}

@test "the Puppet Server stops, starts, freezes and wakes" {
	setup_puppet
	lab puppet freeze
	run timeout 2 curl -sS --noproxy '*' --cacert "$LAB_PUPPET_CA" "$LAB_PUPPET_URL/puppet-ca/v1/certificate/ca"
	equal 124 "$status"
	lab puppet start
	equal 200 "$(ca certificate/ca)"
	lab puppet stop
	run ca certificate/ca
	equal 7 "$status"
	lab puppet start
	equal 200 "$(ca certificate/ca)"
}
