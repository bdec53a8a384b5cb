#!/usr/bin/env bats
# How Jenkins and cron run plans, by the examples: their commands as they would be run, on plans of the
# same names.
# shellcheck disable=SC2154
load loop_helper
load play_helper

setup() {
	setup_plan
	mkdir bin
	printf '#!/bin/sh\nexec "%s" "$@"\n' "$DEPLOYCTL" >bin/deployctl
	chmod +x bin/deployctl
	PATH=$PWD/bin:$PATH
	sed 's/^inputs:.*/inputs: {cluster: {}, backend: {}, revision: {type: integer}}/' five.yaml >web-deploy.yaml
	sed 's/^inputs:.*/inputs: {longer_than: {type: integer}, cluster: {default: alfa}}/' five.yaml >mail-queue.yaml
	printf 'cluster: alfa\nbackend: web\nrevision: 42\n' >alfa.yaml
}

# The script of the stage, as Jenkins hands it to sh.
stage() {
	awk "/'''/ {on = !on; next} on" "$REPO/examples/jenkins/Jenkinsfile" >stage.sh
	CLUSTER=alfa REVISION=42 BUILD_TAG=jenkins-deploy-7 run --separate-stderr sh -xe stage.sh </dev/null
}

@test "Jenkins: the stage runs the plan, and its status is what the Jenkinsfile asks for" {
	stage
	same 0 "$status"
	deployctl 0 history -o json
	same 'jenkins-deploy-7' "$(document 'd["items"][0]["reason"]')"
	also 'reply web1 fail 1 no'
	stage
	same 5 "$status"
	holds "$stderr" 'to go on: deployctl resume'
}

@test "Jenkins: brackets of the Jenkinsfile are closed" {
	ruby --disable-gems -e '
		text = File.read(ARGV[0]).gsub(/\x27\x27\x27.*?\x27\x27\x27/m, "").gsub(%r{//.*}, "")
		open = []
		text.scan(/[(){}]/) { |c| "({".include?(c) ? open.push(c) : (open.pop == c.tr(")}", "({") or exit 1) }
		exit open.empty?' "$REPO/examples/jenkins/Jenkinsfile"
}

# cron N: the N-th line's command, as cron hands it to sh
cron() {
	grep -E '^[0-9]' "$REPO/examples/plans.cron" | sed -n "$1p" | cut -d ' ' -f 6- | sed 's/\\%/%/g' >line.sh
	[ -s line.sh ]
	run --separate-stderr sh line.sh </dev/null
}

@test "cron: nothing is mailed when all is well, and everything when it is not" {
	cron 1
	same '0 ' "$status $output$stderr"
	same 25 "$(executed | wc -w)"
	cron 2
	same '0 ' "$status $output$stderr"
	also 'reply web1 fail 1 no'
	cron 1
	holds "$output" 'look: web1: failed: no' 'to go on: deployctl resume'
	sed -i 's/cluster: alfa/cluster: zulu/' alfa.yaml
	cron 2
	holds "$output" 'no web server there'
}
