#!/usr/bin/env bats
# assign-role without a bus: cluster files are checked and shown, nothing is done.
# shellcheck disable=SC2154
load helper

setup() {
	setup_environment
	cd "$REPO" || return 1
	# Neither is needed: a configuration that is wrong is not even looked at.
	export DEPLOYCTL_CONFIG=/no/such/file
	PREVIEW=examples/clusters/preview.json LAB=examples/clusters/lab.yaml
	BAD=test/data/cluster_bad.yaml
}

@test "a cluster file that is right is said to be, with its hosts and roles" {
	deployctl 0 assign-role -f "$PREVIEW" --check
	same 'ok: 13 hosts, 16 roles' "$output$stderr"
	deployctl 0 assign-role -f "$PREVIEW" --file="$LAB" --check
	same 'ok: 16 hosts, 20 roles' "$output"
	deployctl 65 assign-role -f - --show <"$BAD"
	same 'deployctl: stdin: 24 errors' "${stderr_lines[0]}"
	deployctl 0 assign-role -f - --check -o json <"$LAB"
	same '0 3 4 0' "$(json '[d["items"].length, *d["summary"].values_at("hosts", "roles", "errors")].join(" ")')"
}

@test "everything that is wrong is told with file, place and pointer" {
	deployctl 65 assign-role -f "$BAD" --check
	same 24 "${#lines[@]}"
	same "$BAD:2:1: /buildoop_repositry: unknown key; did you mean buildoop_repository?" "${lines[1]}"
	same "$BAD:8:21: /cluster_layout/batch/nn2/hostname: nn1.example.net is in this layer already: /cluster_layout/batch/nn1" \
		"${lines[7]}"
	same "deployctl: $BAD: 24 errors" "$stderr"
	deployctl 65 assign-role -f "$BAD" --check -o json
	error_document 65 input
	same '24 3 22 /environment_cluster' "$(json \
		'[d["items"].length, *d["items"][2].values_at("line", "column", "pointer")].join(" ")')"
	deployctl 65 assign-role -f "$PREVIEW" -f "$BAD" --check -o name
	same "$BAD" "$output"
	# One more: nn1.example.net is in both.
	holds "$stderr" '25 errors in 2 files'
}

@test "with an error in a file nothing is shown, and there is a way to see the errors" {
	deployctl 65 assign-role -f "$BAD" --show
	same '' "$output"
	same "  try: deployctl assign-role -f $BAD --check" "${stderr_lines[1]}"
	deployctl 65 assign-role -f "$BAD"
	same "deployctl: $BAD: 24 errors" "${stderr_lines[0]}"
}

@test "foreign text cannot reach the terminal, and many errors are counted" {
	{
		echo '{"\u001b[31m": 1'
		for i in $(seq 150); do echo ", \"k$i\": 1"; done
		echo '}'
	} >"$BATS_TEST_TMPDIR/many.json"
	deployctl 65 assign-role -f "$BATS_TEST_TMPDIR/many.json" --check
	same 100 "${#lines[@]}"
	holds "$output" '/\e[31m: unknown key'
	holds "$stderr" '54 more are not shown' '154 errors'
}

@test "--show prints a row for each role, without a bus" {
	deployctl 0 assign-role -f "$PREVIEW" --show
	same 17 "${#lines[@]}"
	same 'NODE                LAYER    ROLE' "${lines[0]}"
	same 'dn1.example.net     batch    dn' "${lines[4]}"
	same 'dn1.example.net     serving  hbase-master' "${lines[14]}"
	deployctl 0 assign-role -f "$PREVIEW" --show -o wide --no-headers
	same 'dn1.example.net     batch    dn            preview  batch    hdfs yarn' "${lines[3]}"
	deployctl 0 assign-role -f "$LAB" --show -o name
	same $'lab1.example.net\nlab2.example.net\nlab3.example.net' "$output"
}

@test "for programs there is an item for each node, with the facts that it gets" {
	deployctl 0 assign-role -f "$PREVIEW" --show -o json
	same 'assign-role 13 16' "$(json '[d["kind"], d["items"].length, d["summary"]["roles"]].join(" ")')"
	same 'preview|batch serving|dn hbase-master|hdfs yarn' "$(json 'd["items"].find { |i|
		i["node"] == "dn1.example.net" }["facts"].values_at("deploop_collection",
			"deploop_category", "deploop_role", "deploop_entity").join("|")')"
	deployctl 0 assign-role -f "$LAB" --show -o jsonl
	same 4 "${#lines[@]}"
	holds "${lines[0]}" '"type":"node","seq":1,"node":"lab1.example.net","facts":{"deploop_collection":"lab"'
	holds "${lines[3]}" '"type":"summary"'
}

@test "--layers and --cluster choose; a layer that is in no file leaves nothing" {
	deployctl 0 assign-role -f "$PREVIEW" --show --layers serving,bus --no-headers
	same 6 "${#lines[@]}"
	same 'kafka1.example.net  bus      kafka-worker' "${lines[0]}"
	deployctl 0 assign-role -f "$PREVIEW" -f "$LAB" --show --cluster lab --no-headers
	same 4 "${#lines[@]}"
	deployctl 1 assign-role -f "$LAB" --show --layers batch
	same 'no node has a role in these layers' "$output$stderr"
	deployctl 64 assign-role -f "$PREVIEW" -f "$LAB" --show --cluster prod
	holds "$stderr" '--cluster: no file is about "prod", only about preview, lab'
	for layers in batches 'batch,' '' ',bus'; do
		deployctl 64 assign-role -f "$LAB" --show --layers "$layers"
		holds "$stderr" '--layers'
	done
	deployctl 64 assign-role -f "$LAB" --show --layers buss
	same '  try: deployctl assign-role --layers=bus' "${stderr_lines[1]}"
}

@test "a role is also said by words, for a node set" {
	deployctl 0 assign-role 'web[1-2]' web9 --collection shop --category front --role web \
		--entity a,b --show -o wide --no-headers
	same 'web1  -  web  shop  front  a b|web2  -  web  shop  front  a b|web9  -  web  shop  front  a b' \
		"$(IFS='|'; echo "${lines[*]}")"
	deployctl 64 assign-role web1 --collection shop --category front --show
	holds "$stderr" '--role is missing'
	deployctl 64 assign-role web1 --collection shop --category 'a b' --role web --show
	holds "$stderr" 'category: nodes refuse "a b"'
	deployctl 64 assign-role 'web[2-1]' --collection a --category b --role c --show
	deployctl 64 assign-role web1 web1.example.net --collection a --category b --role c --show
	holds "$stderr" 'the same host as web1'
}

@test "words that do not go together are refused, and files that are not there" {
	deployctl 64 assign-role
	holds "$stderr" 'neither -f FILE nor NODE is given'
	deployctl 64 assign-role -f "$LAB" --check --show
	holds "$stderr" 'exclude each other'
	deployctl 64 assign-role -f "$LAB" web1 --show
	deployctl 64 assign-role -f "$LAB" --role web --show
	holds "$stderr" 'beside it'
	deployctl 64 assign-role web1 --layers bus --show
	holds "$stderr" '--layers needs -f FILE'
	deployctl 66 assign-role -f /no/such.yaml --check
	holds "$stderr" '/no/such.yaml: No such file'
	echo 'a: 1' >"$BATS_TEST_TMPDIR/twice.yaml"
	echo 'a: 1' >>"$BATS_TEST_TMPDIR/twice.yaml"
	deployctl 65 assign-role -f "$BATS_TEST_TMPDIR/twice.yaml" --check -o json
	error_document 65 input
}
