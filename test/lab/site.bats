#!/usr/bin/env bats
# run-plan --site on real Puppet: examples/site.yaml with the lab's names. web01 has the databases; the
# catalogs of web02 to web04 fail unless the file that web01's catalog makes is there already.
# shellcheck disable=SC2030,SC2031,SC2154
load helper

setup_file() {
	[ -n "${LAB_PUPPET_URL:-}" ] || { echo 'no Puppet Server: run test/lab/lab run --puppet -- bats test/lab' >&2; return 1; }
	# shellcheck source=test/lab/helper.bash
	. "$BATS_TEST_DIRNAME/helper.bash"
	local node
	for node in web0{1..4}.example.net; do
		[ -e "$DEPLOYCTL_LAB/puppet/ca/signed/$node.pem" ] || {
			lab node csr "$node" && lab puppet ca sign --certname "$node" &&
				echo "$node" >>"$BATS_FILE_TMPDIR/signed"
		} >/dev/null
	done
	sed 's/dev\([1-4]\)/web0\1/' "$top/examples/site.yaml" >"$BATS_FILE_TMPDIR/site.yaml"
	cp "$LAB_PUPPET_CODE/environments/production/manifests/site.pp" "$BATS_FILE_TMPDIR/"
}

# Who was new before is new again.
teardown_file() {
	local node
	# shellcheck source=test/lab/helper.bash
	. "$BATS_TEST_DIRNAME/helper.bash"
	[ -e "$BATS_FILE_TMPDIR/signed" ] || return 0
	while read -r node; do
		lab puppet ca clean --certname "$node" >/dev/null </dev/null
		rm -rf "$DEPLOYCTL_LAB/nodes/$node/puppet/ssl"
	done <"$BATS_FILE_TMPDIR/signed"
}

# catalogs SECONDS COMMAND: what nodes get: web01 takes SECONDS for its file; web03 also runs COMMAND
catalogs() {
	shared=$BATS_TEST_TMPDIR/shared
	mkdir -p "$shared"
	cat >"$LAB_PUPPET_CODE/environments/production/manifests/site.pp" <<-END
		if \$trusted['certname'] == 'web01.example.net' {
		  exec { '/bin/sleep $1': } -> file { '$shared/database': content => "yes\n" }
		} else {
		  exec { '/usr/bin/test -e $shared/database': }
		  -> file { "$shared/\${trusted['certname']}": content => "yes\n" }
		  if \$trusted['certname'] == 'web03.example.net' { exec { '$2': } }
		}
	END
}

# The lab is given back as it was.
teardown() {
	[ -z "${pid:-}" ] || kill -KILL "$pid" 2>/dev/null
	cp "$BATS_FILE_TMPDIR/site.pp" "$LAB_PUPPET_CODE/environments/production/manifests/"
	"$DEPLOYCTL" puppet enable 'web[01-04].example.net' >/dev/null 2>&1
}

# site STATUS WORDS...
site() {
	run --separate-stderr timeout 300 "$DEPLOYCTL" run-plan --site "$BATS_FILE_TMPDIR/site.yaml" \
		--yes "${@:2}"
	[ "$status" -eq "$1" ] || { printf 'status %s\n%s\n%s\n' "$status" "$output" "$stderr" >&2; return 1; }
}

# made: the files that catalogs have made
made() {
	(cd "$shared" && echo *)
}

all_enabled() {
	dc puppet status 'web[01-04].example.net' -o json
	equal true "$(json 'd["items"].length == 4 && d["items"].all? { |i| i["data"]["enabled"] == true }')"
}

@test "dev1 first, then the others: they fail without it" {
	catalogs 1 /bin/true
	run --separate-stderr timeout 300 "$DEPLOYCTL" puppet run web02.example.net --yes
	equal 2 "$status"
	equal '*' "$(made)"
	site 0 -o json
	equal '["rank 1 ok 0", "rank 2 ok 0", "rank 2 ok 0", "rank 2 ok 0"]' "$(json \
		'd["items"].map { |i| i.values_at("rank", "state", "failed").join(" ") }.inspect')"
	# By the clock that they share: nobody was started before the first had ended.
	equal true "$(json 'first, *rest = d["items"]
		rest.all? { |i| i["initiated_at"] >= first["lastrun"] && i["total"] > 0 && i["config_version"] }')"
	equal "database web02.example.net web03.example.net web04.example.net" "$(made)"
	all_enabled
}

@test "a node whose catalog fails stops the later ranks, and nobody stays disabled" {
	catalogs 0 /bin/true
	sed -i "s,/bin/sleep 0,/bin/false," "$LAB_PUPPET_CODE/environments/production/manifests/site.pp"
	site 5
	has "$stderr" 'rank 1: web01.example.net: failed: '
	has "$output" 'not run'
	equal '*' "$(made)"
	all_enabled
	# What was wrong is mended, and the same run goes on.
	catalogs 0 /bin/true
	run --separate-stderr timeout 300 "$DEPLOYCTL" resume "$("$DEPLOYCTL" history --acts -o name | head -n 1)" --yes
	equal 0 "$status"
	equal "database web02.example.net web03.example.net web04.example.net" "$(made)"
}

@test "who fails beside others does not end them" {
	catalogs 0 /bin/false
	site 5 -o json
	equal '["ok", "ok", "failed", "ok"]' "$(json 'd["items"].map { |i| i["state"] }.inspect')"
	all_enabled
}

# begin: the run is in the middle of web01's catalog; $pid
begin() {
	catalogs 5 /bin/true
	"$DEPLOYCTL" run-plan --site "$BATS_FILE_TMPDIR/site.yaml" --yes >"$BATS_TEST_TMPDIR/out" 2>&1 3>&- &
	pid=$!
	await test -e "$DEPLOYCTL_LAB/nodes/web01.example.net/puppet/var/state/agent_catalog_run.lock"
}

@test "INT in the middle: the run that goes on is awaited, and nobody stays disabled" {
	begin
	dc puppet status 'web[02-04].example.net' -o json
	equal 3 "$(json 'd["items"].count { |i| i["data"]["disable_message"] =~ /\Adeployctl \w{26}: production\z/ }')"
	kill -INT "$pid"
	wait "$pid" && status=0 || status=$?
	pid=
	equal 130 "$status"
	equal database "$(made)"
	all_enabled
}

@test "killed in the middle: cancel lets Puppet run again, and resume goes on" {
	local run
	begin
	kill -KILL "$pid"
	wait "$pid" || true
	pid=
	run=$("$DEPLOYCTL" history --acts -o name | head -n 1)
	dc cancel "$run"
	equal 0 "$status" || { printf '%s\n%s\n' "$output" "$stderr" >&2; return 1; }
	has "$output" 'was interrupted: its process died'
	all_enabled
	run --separate-stderr timeout 300 "$DEPLOYCTL" resume "$run" --yes
	equal 0 "$status"
	equal "database web02.example.net web03.example.net web04.example.net" "$(made)"
	all_enabled
}

@test "a Puppet Server that has no site graphs any more: a file is the way" {
	unset DEPLOYCTL_CONFIG
	cd "$HOME" || return
	mkdir -p .config/deployctl
	install -m 600 "$LAB_CLIENT_CFG" .mcollective
	(umask 077 && printf 'puppet: {url: "%s", ca: %s, cert: %s, key: %s}\n' "$LAB_PUPPET_URL" \
		"$LAB_PUPPET_CA" "$LAB_PUPPET_ADMIN_CERT" "$LAB_PUPPET_ADMIN_KEY" >.config/deployctl/config.yaml)
	dc run-plan --site production --dry-run
	equal 69 "$status"
	has "$stderr" 'no site graph of environment production (404)'
	has "$stderr" 'give the graph as a file: --site FILE'
}
