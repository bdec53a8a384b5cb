#!/usr/bin/env bats
# What is secret in a plan stands nowhere: neither in what is recorded, nor shown, nor in what others
# can see of the process while it runs.
# shellcheck disable=SC2154
load loop_helper
load play_helper

# Each has a part that no escaping changes: what is looked for.
PASSWORD='hunter2-"quoted"\tail' PASSWORD_PART=hunter2
TOKEN=$'-----BEGIN\ngibberish9-of-a-key-that-is-longer-than-what-is-quoted-of-a-value\nEND' TOKEN_PART=gibberish9

setup() {
	setup_plan
	mkdir given && chmod 700 given
	printf '%s' "$TOKEN" >given/token && chmod 600 given/token
	(umask 077 && PASSWORD=$PASSWORD ruby --disable-gems -rjson -e \
		'puts JSON.generate("password" => ENV["PASSWORD"], "pin" => 918273)' >given/params.yaml)
	cat >plan.yaml <<-END
		plan: secrets
		inputs:
		  password: {secret: true}
		  pin: {type: integer, secret: true}
		sets: {web: {nodes: "web[1-3]"}}
		steps:
		  - set: {token: "secret({file = '$PWD/given/token'})"}
		  - id: tell
		    rpc: lab.echo
		    nodes: web
		    with:
		      text: "\${inputs.password}"
		      more: "before \${vars.token} after"
		      list: ["\${inputs.pin}", {deep: "x\${inputs.password}x", "\${inputs.pin}": 1}]
		    timeout: 20s
		    max_fail: 100%
		  - {id: again, rpc: lab.echo, nodes: web, with: {text: "\${steps.tell.results['web1'].data.text}"},
		     max_fail: 100%}
		  - {id: goes_on, rpc: lab.echo, nodes: web, with: {text: "\${vars.token}"}, on_failure: continue}
		  - {id: last, rpc: lab.echo, nodes: web, with: {text: "\${steps.again.results['web3'].data.text}"}}
		on_failure:
		  - {id: told, rpc: lab.echo, nodes: web, with: {text: "failed with \${inputs.password}"}}
	END
	# What a node says holds it, too.
	also "reply web2 fail 1 no such login: $PASSWORD"
}

# nowhere: in no file of ours but those that were given, and in $output and $stderr neither
nowhere() {
	local found
	printf '%s\n' "$output" "$stderr" >shown
	found=$(grep -rlaE "$PASSWORD_PART|$TOKEN_PART|918273" . --exclude-dir=given --exclude=fleet ||
		true)
	same '' "$found"
}

@test "a secret that nodes repeat, in data and in failures, is neither recorded nor shown" {
	local format
	for format in table json jsonl yaml; do
		run_plan 5 plan.yaml --params @given/params.yaml -o "$format" -vvv
		nowhere
	done
	[ "$(sqlite3 state.db 'SELECT count(*) FROM outcome')" -gt 0 ]
	deployctl 0 status "$(newest)" -o json
	holds "$output" '***' '"last"' '"told"'
	nowhere
	deployctl 0 history -o json
	nowhere
}

@test "a secret is in no file and no list of processes while the run goes on" {
	also 'reply web3 delay 400ms'
	begin run-plan plan.yaml --params @given/params.yaml --yes -o jsonl
	await '^web3 '
	tr '\0' '\n' <"/proc/$pid/cmdline" >seen
	tr '\0' '\n' <"/proc/$pid/environ" >>seen
	grep -q run-plan seen
	nowhere
	ends 5
	nowhere
}

@test "a secret on the command line is refused, and not repeated" {
	run_plan 64 plan.yaml "password=$PASSWORD" pin=918273
	holds "$stderr" 'password'
	nowhere
}

@test "what is wrong with a value is said without it" {
	mkdir -p plugins/mcollective/agent
	cat >plugins/mcollective/agent/lab.ddl <<-'END'
		metadata :name => "lab", :description => "x", :author => "x", :license => "x",
		         :version => "1", :url => "x", :timeout => 5
		action "echo", :description => "x" do
		  input :text, :prompt => "x", :description => "x", :type => :string,
		        :validation => '^[a-z]+$', :optional => true, :maxlength => 90
		  input :more, :prompt => "x", :description => "x", :type => :string,
		        :validation => '^[a-z]+$', :optional => true, :maxlength => 90
		  output :text, :description => "x", :display_as => "x"
		end
	END
	sed -i '/more:/d; /list:/d' plan.yaml
	run_plan 65 plan.yaml --params @given/params.yaml
	holds "$stderr" 'text'
	nowhere
	sed -i 's/text: "${inputs.password}"/more: "${vars.token}"/' plan.yaml
	run_plan 65 plan.yaml --params @given/params.yaml -o json
	holds "$stderr" 'more'
	nowhere
}

@test "of a secret that stands in another, that overlaps one, or that was cut off, nothing is left" {
	cat >plan.yaml <<-'END'
		plan: parts
		inputs: {short: {secret: true}, long: {secret: true}, tail: {secret: true}}
		sets: {web: {nodes: web1}}
		steps:
		  - {id: tell, rpc: lab.echo, nodes: web, with: {text: "a${inputs.long}z"}}
		  - {id: cut, rpc: lab.echo, nodes: {nodes: "${inputs.long}"}}
	END
	(umask 077 && printf '{"short": "gibberish9", "long": "gibberish9-%0300d-hunter2", "tail": %s}' \
		0 '"-hunter2z"' >given/params.yaml)
	run_plan 65 plan.yaml --params @given/params.yaml -o json
	holds "$output" 'node set \"***'
	same '{"text":"a***"}' "$(sqlite3 state.db "SELECT data FROM outcome" | sed 's/,"nested".*/}/')"
	nowhere
	same '' "$(grep -laE '0{20}' state.db shown || true)"
}

@test "a lock cannot be named by a secret" {
	sed -i 's/^sets/lock: "a\/${inputs.password}"\nsets/' plan.yaml
	run_plan 65 plan.yaml --params @given/params.yaml
	holds "$stderr" "the lock's name holds a secret"
	nowhere
}

@test "resume wants secrets again, and takes the other inputs from the run" {
	run_plan 5 plan.yaml --params @given/params.yaml
	resume 64 "$(newest)"
	holds "$stderr" password pin
	resume 5 "$(newest)" --params @given/params.yaml
	nowhere
}
