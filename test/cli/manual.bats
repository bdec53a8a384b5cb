#!/usr/bin/env bats
# The hand-written pages: what needs no broker. test/lab/examples.bats tries the rest out.
# shellcheck disable=SC2030,SC2031,SC2094,SC2154
load helper

setup() {
	setup_environment
	unset XDG_CONFIG_HOME DEPLOYCTL_CONTEXT
	cd "$BATS_TEST_TMPDIR" || return
}

example() {
	"$REPO/test/example" "$@"
}

# A program that a reference names, and that leaves a trace if it is run.
trace_pass() {
	mkdir bin
	printf '#!/bin/sh\ntouch "%s/was-run"\necho words\n' "$PWD" >bin/pass
	chmod +x bin/pass
	PATH=$PWD/bin:$PATH
}

@test "every literal block of the pages is an example that a test can find" {
	local page block
	for page in "$REPO"/man/*.[57]; do
		block=$(awk '/^\.Bd -literal/ && last !~ /^\.\\" example: [a-z-]+\.?[a-z]+$/ {
			print FILENAME ": " FNR} {last = $0}' "$page")
		same '' "$block"
		same '' "$(example "${page##*/}" | sort | uniq -d)"
	done
}

@test "every example is named in a test" {
	local page name
	for page in "$REPO"/man/*.[57]; do
		for name in $(example "${page##*/}"); do
			grep -q -- "$name" "$REPO/test/lab/examples.bats" "$REPO/test/cli/manual.bats" || {
				echo "${page##*/}: no test tries $name out"
				return 1
			}
		done
	done
}

@test "config(5): every configuration is good, and looking at it opens no secret" {
	local name
	trace_pass
	for name in one.yaml tls.yaml mixed.yaml contexts.yaml kinds.yaml client.cfg; do
		example deployctl-config.5 "$name" >"$name"
		chmod 600 "$name"
		deployctl 0 config show -c "$name"
		holds "$output" example.net deployctl /mcollective
	done
	example deployctl-rabbitmq.7 config.yaml >config.yaml
	deployctl 0 config show -c config.yaml
	[ ! -e was-run ]
}

@test "config(5): the keys of the page are those that config show prints" {
	local key
	example deployctl-config.5 mixed.yaml >mixed.yaml
	deployctl 0 config show -c mixed.yaml -o json
	json 'd["items"].map { |i| i["key"].sub(/\..*/, "") }.uniq.sort.join("\n")' >shown
	sed -n '/^\.Sh KEYS/,/^\.Ss Choice/s/^\.It Cm \([a-z_0-9]*\)$/\1/p' \
		"$REPO/man/deployctl-config.5" | sort >told
	for key in user password tls; do
		grep -qx "$key" told
		sed -i "/^$key\$/d" told
	done
	diff told shown
}

# "KEY VALUE" for each key whose page says "Built in: VALUE.", as text or after .Ql
told_presets() {
	awk '/^\.Sh KEYS/ {on = 1} /^\.Ss Secrets/ {on = 0} !on {next}
		/^\.It Cm/ {key = $3}
		/^A mapping of/ {key = "guard"} key == "guard" && /^\.Cm/ {key = "guard." $2}
		waits {sub(/^\.Ql /, ""); sub(/ ?\.$/, ""); print key, $0; waits = 0}
		/^Built in: [^ ]*\.$/ {sub(/^Built in: /, ""); sub(/\.$/, ""); print key, $0}
		/^Built in:$/ {waits = 1}' "$REPO/man/deployctl-config.5"
}

@test "config(5): the built-in values are those of the page" {
	example deployctl-config.5 one.yaml >one.yaml
	deployctl 0 config show -c one.yaml -o json
	json 'd["items"].select { |i| i["origin"] == "built-in" && i["value"] != "" }.
		map { |i| [i["key"], i["value"]].join(" ") }.join("\n")' |
		grep -vE '^(brokers|identity|collectives|security|ddl_dirs|state)' >shown
	[ "$(wc -l <shown)" -eq 18 ]
	told_presets >told
	while read -r line; do
		grep -qx -- "$line" told || { echo "not told: $line"; cat told; return 1; }
	done <shown
}

@test "config(5): the mco keys of the page are taken, each to the key beside it" {
	local key
	{
		example deployctl-config.5 client.cfg
		printf '%s\n' 'plugin.rabbitmq.pool.1.amqp_port = 5999' 'plugin.rabbitmq.pool.1.ssl = 1' \
			'plugin.rabbitmq.pool.1.ssl.ca = /ca' 'plugin.rabbitmq.pool.1.ssl.cert = /cert' \
			'plugin.rabbitmq.pool.1.ssl.key = /key' 'plugin.rabbitmq.base64 = 1' \
			'plugin.psk.callertype = gid' 'identity = me' 'ttl = 70' 'discovery_timeout = 3' \
			'connection_timeout = 4' 'default_batch_size = 5' 'default_batch_sleep_time = 6' \
			'color = no'
	} >client.cfg
	chmod 600 client.cfg
	deployctl 0 config show -c client.cfg -o json
	json 'd["items"].reject { |i| i["origin"] == "built-in" }.
		map { |i| i["key"].sub(/\.\d+\./, ".N.") }.join("\n")' >shown
	sed -n '/^\.Bl -column "plugin/,/^\.El/s/^\.It [a-z].* Ta \([a-zN._0-9]*\).*/\1/p' \
		"$REPO/man/deployctl-config.5" >told
	[ "$(wc -l <told)" -eq 22 ]
	while read -r key; do
		grep -q "^$key" shown || { echo "not taken: $key"; cat shown; return 1; }
	done <told
}

@test "plan(5): every plan of the page is right" {
	local name
	for name in first.yaml roll.yaml expressions.yaml; do
		example deployctl-plan.5 "$name" >"$name"
		deployctl 0 plan lint "$name"
	done
}

@test "site(5): the site of the page is one, in the order that it tells" {
	example deployctl-site.5 lamp.yaml >lamp.yaml
	echo '{brokers: [localhost], psk: {env: HOME}}' >config.yaml
	deployctl 0 run-plan -c config.yaml --site lamp.yaml --dry-run -o json
	same '[["db1.example.net"], ["web1.example.net"]]' "$(json 'd["items"].map { |i| i["nodes"] }.inspect')"
}

# told FROM TO: the keys in a part of the page
told_keys() {
	awk -v from="$1" -v to="$2" '$0 ~ "^.S[hs] " from {on = 1} $0 ~ "^.S[hs] " to {on = 0}
		on && /^\.It Cm/ {for (i = 3; i <= NF; i++) if ($i != ",") print $i}' \
		"$REPO/man/deployctl-plan.5" | sort -u
}

# known PATH: the keys of a mapping in the schema, which test/cli/plan.bats compares with the program
known_keys() {
	json "d$1[\"properties\"].keys.sort.join(\"\n\")" "$REPO/examples/plan.schema.json"
}

@test "plan(5): the keys of the page are those of the schema" {
	diff <(told_keys 'The top' Inputs) <(known_keys '')
	diff <(told_keys Inputs Filters) <(known_keys '["definitions"]["input"]')
	diff <(told_keys Filters Steps) <(known_keys '["definitions"]["filter"]')
	diff <(told_keys Steps Rolls) <(known_keys '["definitions"]["step"]' | grep -vxE 'with|steps|always|every|inputs')
}

@test "exit(7): the statuses of the page are all there are, with their texts" {
	local list='/^\.Ss The nodes/,/^\.Ss Which/'
	awk '/^\.Sh EXIT STATUS/ {on = 1} /^\.Sh SEE/ {on = 0} on && /^\.It/ {getline text; print $2, text}' \
		"$REPO/man/deployctl.1" >known
	awk "$list"' {
		if (/^\.It/) {number = $2; getline; getline; sub(/^[A-Z]/, tolower(substr($0, 1, 1))); print number, $0}
	}' "$REPO/man/deployctl-exit.7" >told
	same "$(cut -d' ' -f1 known)" "$(cut -d' ' -f1 told)"
	paste -d'|' known told | while IFS='|' read -r number_and_text is; do
		holds "$is" "$number_and_text"
	done
}

@test "exit(7): the names of the statuses are those of the documents" {
	"$DEPLOYCTL" __commands >commands
	json 'd["items"].flat_map { |c| c["exits"] }.map { |e| [e["code"], e["name"]].join(" ") }.
		uniq.join("\n")' commands >known
	awk '/^\.It [0-9]/ {number = $2; getline; print number, $2}' "$REPO/man/deployctl-exit.7" >told
	while read -r line; do
		grep -qx "$line" told || { echo "not told: $line"; return 1; }
	done <known
}

@test "exit(7): the precedence of the page is the one of the program" {
	same "$(sed -n 's|^ \* 130/143\([0-9, ]*\)\..*|130 or 143\1|p' "$REPO/cmd/exits.h")" \
		"$(example deployctl-exit.7 precedence.txt)"
}
