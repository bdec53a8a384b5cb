# The agent deploop that we give to others: its files one by one, then over the bus; and the lab's copies
# of the published ones, which clients have to get along with.
load helper

node=web01.example.net

setup_file() {
	export deploop=$BATS_TEST_DIRNAME/../../examples/agents/deploop
}

teardown() {
	[ -z "${web:-}" ] || kill "$web"
	lab mco rpc deploop fetch_facts url=http://localhost/ -I "$node" >/dev/null 2>&1
	rm -f "$DEPLOYCTL_LAB/nodes/$node/puppet/facts.d/deploop.yaml"
}

# files RUBY [ARG]: what the expression gives, or why it was refused; F is the module, files are in this
# test's folder.
files() {
	(cd "$BATS_TEST_TMPDIR" && ruby -I "$deploop/util" -r deploop_files -e '
		F = MCollective::Util::DeploopFiles
		begin
			r = eval(ARGV[0])
			puts r.is_a?(String) ? r : r.inspect
		rescue F::Refused => e
			puts "refused: #{e.message}"
		end' "$@")
}

# deploop ACTION KEY=VALUE...: asked of one node; the reply is in $output as JSON.
deploop() {
	run --separate-stderr lab mco rpc -j -I "$node" deploop "$@"
}

# fact NAME: what discovery sees
fact() {
	lab mco rpc -j -I "$node" rpcutil get_fact "fact=$1" | ruby -rjson -e 'puts JSON.parse($stdin.read)[0]["data"]["value"].inspect'
}

# serve [tls]: this test's folder, at $url
serve() {
	local tls=()
	[ $# -eq 0 ] || tls=("$DEPLOYCTL_LAB"/tls/broker.{pem,key})
	coproc WEB { exec ruby "$BATS_TEST_DIRNAME/web.rb" "$BATS_TEST_TMPDIR" "${tls[@]}" 3>&-; }
	web=$WEB_PID
	read -r port <&"${WEB[0]}"
	url=http${1:+s}://localhost:$port
}

@test "a fact is set, once; the file keeps its mode" {
	equal true "$(files 'F.set_fact("f.yaml", "deploop_role", "nn1 rm")')"
	equal 644 "$(stat -c %a "$BATS_TEST_TMPDIR/f.yaml")"
	chmod 640 "$BATS_TEST_TMPDIR/f.yaml"
	equal false "$(files 'F.set_fact("f.yaml", "deploop_role", "nn1 rm")')"
	equal true "$(files 'F.set_fact("f.yaml", "deploop_entity", "a:b/c")')"
	equal '{"deploop_role"=>"nn1 rm", "deploop_entity"=>"a:b/c"}' "$(files 'F.facts_of("f.yaml")')"
	equal 640 "$(stat -c %a "$BATS_TEST_TMPDIR/f.yaml")"
	equal f.yaml "$(ls "$BATS_TEST_TMPDIR")"
}

@test "a link to the facts stays a link" {
	echo 'a: b' >"$BATS_TEST_TMPDIR/real.yaml"
	ln -s real.yaml "$BATS_TEST_TMPDIR/f.yaml"
	equal true "$(files 'F.set_fact("f.yaml", "c", "d")')"
	[ -L "$BATS_TEST_TMPDIR/f.yaml" ]
	has "$(cat "$BATS_TEST_TMPDIR/real.yaml")" 'c: d'
}

@test "a word that is part of another is a word of its own" {
	files 'F.set_fact("f.json", "deploop_role", "storm-worker")'
	equal true "$(files 'F.set_fact("f.json", "deploop_role", "storm-worker rm")')"
	equal '{"deploop_role"=>"storm-worker rm"}' "$(files 'F.facts_of("f.json")')"
}

@test "text that looks like something else stays text" {
	files 'F.set_fact("f.yaml", "a", "yes"); F.set_fact("f.yaml", "b", "0123"); F.set_fact("f.yaml", "c", "2020-01-01")'
	equal '{"a"=>"yes", "b"=>"0123", "c"=>"2020-01-01"}' "$(files 'F.facts_of("f.yaml")')"
}

@test "what the published agent lets through is refused" {
	for name in '../../etc/cron.d/x' 'a/b' '' '.x' $'a\nb' 'x y' "$(printf 'a%.0s' {1..101})"; do
		has "$(files 'F.set_fact("f.yaml", ARGV[1], "v")' "$name")" 'refused: not the name of a fact'
	done
	for value in '' ' ' $'a\nb' $'a\tb' ' a' 'a ' '$(id)' '"; x' "$(printf 'a%.0s' {1..101})"; do
		has "$(files 'F.set_fact("f.yaml", "n", ARGV[1])' "$value")" 'refused: not a value for n'
	done
	[ ! -e "$BATS_TEST_TMPDIR/f.yaml" ]
}

@test "a facts file that holds no facts is named and left alone" {
	printf -- '- a\n- b\n' >"$BATS_TEST_TMPDIR/f.yaml"
	has "$(files 'F.set_fact("f.yaml", "a", "b")')" 'refused: f.yaml holds no facts'
	printf -- '--- !ruby/object:OpenStruct\na: b\n' >"$BATS_TEST_TMPDIR/f.yaml"
	has "$(files 'F.set_fact("f.yaml", "a", "b")')" 'refused: f.yaml: '
	printf '{"a": ' >"$BATS_TEST_TMPDIR/f.json"
	has "$(files 'F.set_fact("f.json", "a", "b")')" 'refused: f.json: '
	equal '{"a": ' "$(cat "$BATS_TEST_TMPDIR/f.json")"
}

@test "MCollective's facts: what is set or gone is so there too, SSH keys are dropped, all others stay" {
	echo '{"os": {"name": "Debian"}, "sshrsakey": "A", "sshfp_rsa": "B", "ssh": {}, "sshd_port": 22, "old": "1"}' >"$BATS_TEST_TMPDIR/m.json"
	equal true "$(files 'F.refresh("m.json", ["old", "new"], {"new" => "2"})')"
	equal '{"os"=>{"name"=>"Debian"}, "sshd_port"=>22, "new"=>"2"}' "$(files 'F.facts_of("m.json")')"
	equal false "$(files 'F.refresh("m.json", ["old", "new"], {"new" => "2"})')"
}

@test "puppet.conf: one setting changes, in the section agent" {
	environment() {
		printf '%b' "$1" >"$BATS_TEST_TMPDIR/p.conf"
		equal true "$(files 'F.environment("p.conf", "test")')"
		equal "$(printf '%b|' "$2")" "$(cat "$BATS_TEST_TMPDIR/p.conf" && printf '|')"
		equal false "$(files 'F.environment("p.conf", "test")')"
	}
	environment '' '[agent]\nenvironment = test\n'
	environment '[main]\nx = 1' '[main]\nx = 1\n\n[agent]\nenvironment = test\n'
	environment '[main]\nenvironment = a\n[agent]\npluginsync = true\nreport = true\n[user]\ny = 2\n' \
		'[main]\nenvironment = a\n[agent]\nenvironment = test\npluginsync = true\nreport = true\n[user]\ny = 2\n'
	environment '# c\n[agent]\n a = 1\n environment=old\n# d\nenvironment = older\nb = 2\n' \
		'# c\n[agent]\n a = 1\nenvironment = test\n# d\nb = 2\n'
	environment '[agent]\nenvironment_timeout = 0\n#environment = x\n' \
		'[agent]\nenvironment = test\nenvironment_timeout = 0\n#environment = x\n'
	environment '[agent]\nenvironment = testing\n' '[agent]\nenvironment = test\n'
}

@test "puppet.conf: a name that is none is refused" {
	for name in a/b ../x a.b $'a\nb' ''; do
		has "$(files 'F.environment("p.conf", ARGV[1])' "$name")" 'refused: not the name of an environment'
	done
	[ ! -e "$BATS_TEST_TMPDIR/p.conf" ]
}

@test "fetch: https, or a digest that fits" {
	printf 'deploop_role: nn1 rm\nrank: 3\nmain: true\n' >"$BATS_TEST_TMPDIR/facts.yaml"
	printf '{"deploop_role": "dn"}' >"$BATS_TEST_TMPDIR/facts.json"
	serve
	has "$(files "F.fetch('$url/facts.yaml', nil, 1000)")" 'may be forged on its way'
	equal '{"deploop_role"=>"nn1 rm", "rank"=>"3", "main"=>"true"}' \
		"$(files "F.fetch('$url/facts.yaml', '$(sha256sum <"$BATS_TEST_TMPDIR/facts.yaml" | cut -d' ' -f1)', 1000)")"
	has "$(files "F.fetch('$url/facts.yaml', '$(printf '0%.0s' {1..64})', 1000)")" 'is not what it should be'
	has "$(files "F.fetch('$url/facts.yaml', 'abc', 1000)")" 'not a SHA-256'
	kill "$web"
	serve tls
	equal '{"deploop_role"=>"dn"}' "$(files "F.fetch('$url/facts.json', nil, 1000, '$LAB_CA')")"
	has "$(files "F.fetch('$url/facts.json', nil, 1000)")" 'certificate verify failed'
	has "$(files "F.fetch('$url/facts.json', nil, 1000, '$DEPLOYCTL_LAB/tls/other-ca.pem')")" 'certificate verify failed'
	has "$(files "F.fetch('https://127.0.0.1:$port/facts.json', nil, 1000, '$LAB_CA')")" 'certificate verify failed'
}

@test "fetch: what is no file of facts is refused" {
	refused() {
		printf '%b' "$2" >"$BATS_TEST_TMPDIR/x.$1"
		has "$(files "F.fetch('$url/x.$1', nil, 1000, '$LAB_CA')")" "$3"
	}
	serve tls
	refused yaml 'a: !ruby/object:OpenStruct {}' 'refused: /x.yaml: '
	refused yaml 'just words' 'no mapping'
	refused yaml 'a: {b: c}' 'a is no plain value'
	refused yaml 'a: null' 'a is no plain value'
	refused yaml '../a: b' 'not the name of a fact'
	refused yaml 'a: "b\\nc"' 'not a value for a'
	refused yaml 'a: \xff' 'not UTF-8'
	refused json '[1]' 'no mapping'
	refused json '{"a": ' 'refused: /x.json: '
	has "$(files "F.fetch('$url/redirect', nil, 1000, '$LAB_CA')")" 'answers 302'
	has "$(files "F.fetch('$url/none', nil, 1000, '$LAB_CA')")" 'answers 404'
	has "$(files "F.fetch('$url/huge', nil, 1000, '$LAB_CA')")" 'larger than 1000 bytes'
	has "$(files "F.fetch('ftp://localhost/x', nil, 1000)")" 'no http or https'
	has "$(files "F.fetch('https://a:b@localhost/x', nil, 1000)")" 'no http or https'
	has "$(files "F.fetch('https://local host/x', nil, 1000)")" 'no URL'
}

@test "fetch: as large as allowed, and one byte more" {
	printf 'a: b\n%995s' '' >"$BATS_TEST_TMPDIR/facts.yaml"
	serve tls
	equal '{"a"=>"b"}' "$(files "F.fetch('$url/facts.yaml', nil, 1000, '$LAB_CA')")"
	has "$(files "F.fetch('$url/facts.yaml', nil, 999, '$LAB_CA')")" 'larger than 999 bytes'
}

@test "fetch asks no proxy, which could give what a name that does not exist cannot" {
	local sum
	echo 'a: b' >"$BATS_TEST_TMPDIR/facts.yaml"
	sum=$(sha256sum <"$BATS_TEST_TMPDIR/facts.yaml" | cut -d' ' -f1)
	serve
	export http_proxy=$url
	equal "$(cat "$BATS_TEST_TMPDIR/facts.yaml")" "$(curl -sS http://nosuch.invalid/facts.yaml)"
	has "$(files "F.fetch('http://nosuch.invalid/facts.yaml', '$sum', 1000)")" 'refused: http://nosuch.invalid'
}

@test "facts are replaced as a whole, or not at all" {
	files 'F.set_fact("f.yaml", "old", "x")'
	has "$(files 'F.replace_facts("f.yaml", {"new" => "y", "../bad" => "z"})')" 'refused: not the name'
	equal '{"old"=>"x"}' "$(files 'F.facts_of("f.yaml")')"
	equal true "$(files 'F.replace_facts("f.yaml", {"new" => "y"})')"
	equal '{"new"=>"y"}' "$(files 'F.facts_of("f.yaml")')"
	equal true "$(files 'F.remove_fact("f.yaml", "new")')"
	equal '[{}, false]' "$(files '[F.facts_of("f.yaml"), F.remove_fact("f.yaml", "new")]')"
}

@test "both descriptions say the same" {
	ruby -rmcollective -rjson -e '
		ddl = MCollective::DDL::AgentDDL.allocate
		ddl.instance_variable_set(:@entities, {})
		ddl.instance_variable_set(:@meta, {})
		ddl.instance_variable_set(:@config, Struct.new(:mode).new(:client))
		ddl.instance_variable_set(:@plugintype, :agent)
		ddl.instance_variable_set(:@requirements, {})
		ddl.instance_eval(File.read(ARGV[0]))
		plain = lambda { |h| h.map { |k, v| [k.to_s, v.to_s] }.to_h }
		json = JSON.parse(File.read(ARGV[1]))
		same = lambda { |what, a, b| a == b or abort "#{what}: #{a} is not #{b}" }
		same.call("metadata", plain.call(ddl.meta), plain.call(json["metadata"]))
		same.call("actions", ddl.entities.keys.sort, json["actions"].map { |a| a["action"] }.sort)
		json["actions"].each do |a|
			e = ddl.entities[a["action"]]
			same.call(a["action"], [e[:description], e[:display].to_s], a.values_at("description", "display"))
			a["input"].each { |n, i| same.call(n, plain.call(e[:input][n.to_sym].reject { |k, _| k == :default }), plain.call(i)) }
			same.call("outputs", e[:output].keys.map(&:to_s).sort, a["output"].keys.sort)
			same.call("inputs", e[:input].keys.map(&:to_s).sort, a["input"].keys.sort)
		end' "$deploop/agent/deploop.ddl" "$deploop/agent/deploop.json"
}

@test "a fact that is set is found at once, and gone when it is removed" {
	deploop create_fact fact=deploop_role 'value=nn1 rm'
	equal '{"response_code":0,"changed":true}' "$(json 'd[0]["data"]')"
	equal '"nn1 rm"' "$(fact deploop_role)"
	deploop create_fact fact=deploop_role 'value=nn1 rm'
	equal '{"response_code":0,"changed":false}' "$(json 'd[0]["data"]')"
	deploop create_fact fact=deploop_role value=rm
	equal '"rm"' "$(fact deploop_role)"
	equal '"de"' "$(fact country)"
	deploop remove_fact fact=deploop_role
	equal '{"response_code":0,"changed":true}' "$(json 'd[0]["data"]')"
	equal nil "$(fact deploop_role)"
	deploop remove_fact fact=deploop_role
	equal '{"response_code":0,"changed":false}' "$(json 'd[0]["data"]')"
}

@test "facts that are fetched take the place of others; a refusal changes none" {
	deploop create_fact fact=deploop_old value=x
	printf 'deploop_role: dn\n' >"$BATS_TEST_TMPDIR/facts.yaml"
	serve tls
	deploop fetch_facts "url=$url/facts.yaml"
	equal '[0,{"deploop_role":"dn"},true]' "$(json '[d[0]["statuscode"], d[0]["data"]["facts"], d[0]["data"]["changed"]]')"
	equal '"dn" nil' "$(fact deploop_role) $(fact deploop_old)"
	deploop fetch_facts "url=$url/none"
	equal 1 "$(json 'd[0]["statuscode"]')"
	has "$(json 'd[0]["statusmsg"]')" 'answers 404'
	equal '"dn"' "$(fact deploop_role)"
	deploop remove_fact fact=deploop_role
}

@test "execute is off unless the node's configuration turns it on" {
	deploop execute cmd=true
	equal 1 "$(json 'd[0]["statuscode"]')"
	has "$(json 'd[0]["statusmsg"]')" 'plugin.deploop.execute = yes'
	echo 'plugin.deploop.execute = yes' >>"$DEPLOYCTL_LAB/nodes/$node/server.cfg"
	lab node stop "$node" && lab node start "$node"
	deploop execute 'cmd=echo out; echo err >&2; exit 3'
	sed -i '/^plugin.deploop.execute/d' "$DEPLOYCTL_LAB/nodes/$node/server.cfg"
	lab node stop "$node" && lab node start "$node"
	equal '[1,"err\n",{"stdout":"out\n","stderr":"err\n","exitcode":3}]' "$(json 'd[0].values_at("statuscode", "statusmsg", "data")')"
}

@test "the agents once published: one takes a part of a word for a word, the other replaces" {
	lab node deploop append "$node"
	for value in storm-worker rm dn; do
		deploop create_fact fact=deploop_role "value=$value"
		equal '{"response_code":0}' "$(json 'd[0]["data"]')"
	done
	equal '"storm-worker dn"' "$(fact deploop_role)"
	lab node deploop overwrite "$node"
	deploop create_fact fact=deploop_role value=rm
	equal '"rm"' "$(fact deploop_role)"
	lab node deploop ours "$node"
	deploop remove_fact fact=deploop_role
	equal true "$(json 'd[0]["data"]["changed"]')"
}
