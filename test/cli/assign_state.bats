#!/usr/bin/env bats
# assign-role as it records: what is refused, and what others do meanwhile.
# shellcheck disable=SC2154
load loop_helper

ROLE=(--collection lab --category batch --role nn)

setup() {
	setup_loop
	fleet 'node web1' 'node web2'
}

ledger() {
	"${BUILD:-$REPO/build}/test/crash/ledger" "$DEPLOYCTL_STATE"
}

# values NODE: what it is assigned and is not to lose, in the order of the facts' names
values() {
	ledger | awk -v node="$1" '$2 == "assigned" && $3 == node && $7 {printf "%s%s", space, $7; space = " "}'
}

@test "with a configuration that cannot be used nothing is recorded under names that it may not mean" {
	deployctl 0 assign-role web1 "${ROLE[@]}" --yes
	echo 'role_facts: {role: our_role, catgory: our_category}' >>.config/deployctl/config.yaml
	deployctl 78 assign-role web1 "${ROLE[@]}" --entity e --yes
	holds "$stderr" 'config.yaml:2:30: unknown key'
	deployctl 78 assign-role web1 --remove --yes
	same 'batch lab nn' "$(values web1)"
	deployctl 0 assign-role web1 "${ROLE[@]}" --show
}

@test "INT while nodes are looked for ends it with its own status" {
	fleet 'node web9' 'pong web9 silent'
	"$DEPLOYCTL" assign-role web9 "${ROLE[@]}" --yes >out 2>err 3>&- &
	pid=$!
	for _ in $(seq 500); do
		grep -qs '^>' "$DEPLOYCTL_LOOP_LOG" && break
		sleep 0.01
	done
	kill -INT "$pid"
	wait "$pid" && status=0 || status=$?
	same 130 "$status"
	same 'deployctl: interrupted; nothing was assigned' "$(<err)"
}

@test "what could not be recorded is not ok, and what was is" {
	local nodes='web[001-600]' ok
	fleet "node $nodes"
	deployctl 0 ping --window-time 25ms
	# A file that may not grow for ever, as on a full disk: some are recorded before.
	run --separate-stderr bash -c 'trap "" XFSZ; ulimit -f 500; exec "$@"' - \
		"$DEPLOYCTL" assign-role "$nodes" "${ROLE[@]}" --yes
	same 74 "$status"
	ok=$(ledger | awk '$2 == "assigned" && $6 ~ /role/' | wc -l)
	[ "$ok" -gt 0 ] && [ "$ok" -lt 600 ]
	same "$ok" "$(grep -c ' ok  *changed' <<<"$output" || true)"
	same "$((600 - ok))" "$(grep -c ' unknown  *it could not be recorded' <<<"$output")"
	holds "$stderr" "$((600 - ok)) unknown"
}

# asked COMMAND...: run it at a terminal, where "meanwhile" is run before its question is answered
# with yes; $status, $output
asked() {
	cat >asked.exp <<-'END'
		set timeout 20
		eval spawn -noecho $argv
		expect {
			"Go on?" { exec ./meanwhile; send "y\r" }
			timeout { exit 98 }
			eof { exit 97 }
		}
		expect eof
		exit [lindex [wait] 3]
	END
	chmod +x meanwhile
	run expect -f asked.exp "$@"
}

# meanwhile WORDS...: deployctl WORDS, somewhere else
meanwhile() {
	printf '#!/bin/sh\nexec %q %s >meanwhile.out 2>&1\n' "$DEPLOYCTL" "$*" >meanwhile
}

@test "what another command assigns during the question stays, and is told" {
	deployctl 0 assign-role web1 --collection lab --category batch --role dn --yes
	meanwhile assign-role web1 --collection shop --category front --role web --yes
	asked "$DEPLOYCTL" assign-role web1 "${ROLE[@]}"
	same 6 "$status"
	holds "$output" 'web1 was assigned something else by another command meanwhile'
	same 'front shop web' "$(values web1)"
}

@test "a role that is assigned anew while the old one is taken from the node is not forgotten" {
	fleet 'node web1' 'deploop web1 ours'
	export DEPLOYCTL_LOOP_FACTS=facts
	deployctl 0 assign-role web1 "${ROLE[@]}" --yes
	deployctl 0 push-facts web1 --yes
	deployctl 0 assign-role web1 --remove --yes
	meanwhile assign-role web1 --collection shop --category front --role web --yes
	asked "$DEPLOYCTL" push-facts web1
	same 0 "$status"
	same 'front shop web' "$(values web1)"
}
