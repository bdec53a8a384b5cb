#!/usr/bin/env bats
# deployctl agent, and what a DDL does to rpc.
# shellcheck disable=SC2154
load loop_helper

setup() {
	setup_loop
	DDLS=$BATS_TEST_TMPDIR/plugins/mcollective/agent
	mkdir -p "$DDLS"
	cat >"$DDLS/lab.ddl" <<-'END'
		metadata :name => "lab", :description => "Replies on demand", :author => "us", :license => "ASL",
		         :version => "1.2", :url => "https://example.net/", :timeout => 7
		["echo", "crash"].each do |act|
		  action act, :description => "#{act.capitalize} it" do
		    display :always
		    input :count, :prompt => "Count", :description => "How often", :type => :integer,
		          :optional => false, :default => 1
		    input :sure, :prompt => "Sure", :description => "Do it", :type => :boolean, :optional => true
		    input :name, :prompt => "Name", :description => "Whose", :type => :string,
		          :validation => :service_name, :maxlength => 9, :optional => true
		    output :count, :description => "How often", :display_as => "How Often"
		    summarize do
		      aggregate summary(:name)
		      aggregate sum(:count), :format => "Together: %d"
		    end
		    output :name, :description => "Whose", :display_as => "Owner"
		  end
		end
		action "undone", :description => "Only Ruby knows" do
		  input :x, Lab::RULES
		end
	END
	cat >"$DDLS/rpcutil.json" <<-'END'
		{"metadata": {"name": "rpcutil", "description": "Utilities", "author": "us", "license": "ASL",
		  "version": "1.0", "url": "", "timeout": 10},
		 "actions": [{"action": "ping", "description": "Pong", "display": "failed"},
		  {"action": "get_fact", "description": "A fact", "display": "ok", "input": {"fact": {"prompt": "Fact",
		   "description": "Its name", "type": "string", "validation": "^[a-z]+$", "maxlength": 40,
		   "optional": false}}, "output": {"value": {"description": "Its value", "display_as": "Value"}}}]}
	END
}

@test "agent list: a table, names, and what cannot be read" {
	printf 'x = 1\n' >"$DDLS/broken.ddl"
	deployctl 0 agent list
	same "AGENT    VERSION  ACTIONS  DESCRIPTION        PATH
broken   -        0        cannot be read     $DDLS/broken.ddl
lab      1.2      3        Replies on demand  $DDLS/lab.ddl
rpcutil  1.0      2        Utilities          $DDLS/rpcutil.json" "$output"
	same "$DDLS/broken.ddl:1:1: 'x' is not understood here" "$stderr"
	deployctl 0 agent list -o name
	same 'broken lab rpcutil' "$(tr '\n' ' ' <<<"$output" | sed 's/ $//')"
	deployctl 0 agent list -o json
	same 'agent 0 lab echo,crash,undone' "$(json '[d["kind"], d["exit"]["code"],
		d["items"][1]["agent"], d["items"][1]["actions"].join(",")].join(" ")')"
}

@test "agent doc tells people and programs what an agent can do" {
	deployctl 0 agent doc lab
	holds "$output" 'lab 1.2: Replies on demand' 'timeout 7 s, by us, ASL' \
		'action crash: Crash it (shows every reply)
  input count: Count
      integer, preset, default 1
      How often
  input sure: Sure
      boolean, optional
      Do it
  input name: Name
      string, optional, at most 9 characters, a valid service_name
      Whose
  output count: How Often
      How often
  output name: Owner
      Whose
  sums up name: summary
  sums up count: sum' "inputs are not known and not checked:
      $DDLS/lab.ddl:20:13: 'Lab' is not understood"
	deployctl 0 agent doc lab -o yaml
	holds "$output" 'kind: agent' 'timeout: 7' "validator: service_name"
	deployctl 0 agent doc rpcutil -o name
	same $'ping\nget_fact' "$output"
}

@test "agent: unknown agents and wrong words, with what was meant" {
	deployctl 65 agent doc rpcutl
	same 'deployctl: there is no DDL of an agent "rpcutl" in ddl_dirs
  try: deployctl agent doc rpcutil' "$stderr"
	deployctl 64 agent lst
	holds "$stderr" '"lst" is neither list nor doc' 'try: deployctl agent list'
	deployctl 64 agent doc
	deployctl 64 agent list lab
	rm .mcollective
	deployctl 0 agent list -o name
	holds "$stderr" 'the configuration is not complete'
}

@test "--ddl-dir: folders that come first, before and after the command's name" {
	mkdir -p newer/agent newest/agent
	sed 's/"1.2"/"1.3"/; s/"crash"/"restart"/' "$DDLS/lab.ddl" >newer/agent/lab.ddl
	sed 's/"1.2"/"1.4"/' "$DDLS/lab.ddl" >newest/agent/lab.ddl
	deployctl 0 agent list --ddl-dir newer
	holds "$output" 'lab      1.3' newer/agent/lab.ddl "$DDLS/rpcutil.json"
	deployctl 0 --ddl-dir newest agent --ddl-dir=newer doc lab
	holds "$output" 'lab 1.4: '
	deployctl 0 config show --ddl-dir newest --ddl-dir newer
	holds "$(tr -s ' ' <<<"$output")" \
		"ddl_dirs newest,newer,$PWD/plugins/mcollective --ddl-dir, $PWD/.config/deployctl/config.yaml:1:11"
	ask_rpc 0 lab restart -I web1 --ddl-dir newer --dry-run
	also 'reply web2 fail 1 as asked'
	ask_rpc 2 lab echo -I 'web[1-2]' --ddl-dir newer --ddl-dir newest
	holds "$stderr" 'to ask those again: deployctl rpc lab echo --ddl-dir newer --ddl-dir newest -I web2'
	echo 'words' >.config/deployctl/config.yaml
	deployctl 0 agent list --ddl-dir newer -o name
	same lab "$output"
}

@test "--ddl-dir: one that is not there is missing input, too many are wrong usage" {
	ask_rpc 66 lab echo -I web1 --ddl-dir "$PWD/none"
	same "deployctl: --ddl-dir $PWD/none: No such file or directory" "$stderr"
	deployctl 66 agent list --ddl-dir "$DDLS/lab.ddl"
	same "deployctl: --ddl-dir $DDLS/lab.ddl: not a folder" "$stderr"
	deployctl 64 agent list --ddl-dir ''
	deployctl 64 agent list --ddl-dir $'\xff'
	# shellcheck disable=SC2046
	deployctl 0 agent list $(printf -- '--ddl-dir=. %.0s' {1..16})
	# shellcheck disable=SC2046
	deployctl 64 agent list $(printf -- '--ddl-dir=. %.0s' {1..17})
	holds "$stderr" 'at most 16 folders'
	[ ! -e "$DEPLOYCTL_LOOP_LOG" ]
}

@test "agent doc: a DDL that is no file, or that makes no sense, is no input" {
	mkdir "$DDLS/folder.ddl"
	deployctl 66 agent doc folder
	holds "$stderr" 'folder.ddl: not a regular file'
	printf 'metadata :name =>' >"$DDLS/half.ddl"
	deployctl 65 agent doc half
	holds "$stderr" 'half.ddl:1:'
}

@test "rpc makes of typed words what the DDL wants, and fills in defaults" {
	ask_rpc 0 lab echo sure=YES name=web@1 -I web1 -o json
	same '{"sure":true,"name":"web@1","count":1}' \
		"$(document 'd["items"][0]["data"].reject { |k, _| k == "nested" }.to_json')"
	ask_rpc 0 lab echo count=-7 -I web1 -o json
	same -7 "$(document 'd["items"][0]["data"]["count"]')"
}

@test "rpc sends nothing that a node would refuse" {
	ask_rpc 65 lab echo 'name=a b' -I web1
	same "deployctl: input name: 'a b' does not match service_name
  try: deployctl agent doc lab" "$stderr"
	ask_rpc 65 lab echo count=many -I web1
	same "deployctl: input count: 'many' is no number" "${stderr_lines[0]}"
	ask_rpc 65 lab echo 'count:="1"' -I web1
	same "deployctl: input count: '1' is no whole number" "${stderr_lines[0]}"
	ask_rpc 65 rpcutil get_fact -I web1
	same 'deployctl: input fact is missing: action get_fact needs it (Its name)' "${stderr_lines[0]}"
	ask_rpc 65 lab ecko -I web1
	same "deployctl: agent lab has no action \"ecko\" ($DDLS/lab.ddl)
  try: deployctl rpc lab echo; or, if the nodes' DDL is newer, --ddl-dir DIR" "$stderr"
	ask_rpc 65 lab restart -I web1
	same "  try: deployctl agent doc lab; or, if the nodes' DDL is newer, --ddl-dir DIR" "${stderr_lines[1]}"
	[ ! -e "$DEPLOYCTL_LOOP_LOG" ]
}

@test "what the DDL does not tell is sent, and said" {
	ask_rpc 0 lab echo other=1 -I web1 -o json
	same 1 "$(document 'd["items"][0]["data"]["other"]')"
	same 'input other: action echo declares none of that name' "${stderr_lines[0]}"
	also 'reply web1 fail 1 as asked'
	ask_rpc 2 lab undone x=1 -I web1
	holds "$stderr" 'the inputs of undone are not checked: '
	printf 'x = 1\n' >"$DDLS/lab.ddl"
	ask_rpc 2 lab echo count=many -I web1
	holds "$stderr" "'x' is not understood here; inputs are not checked"
	rm "$DDLS/lab.ddl"
	ask_rpc 2 lab echo count=many -I web1
	[[ $stderr != *checked* ]]
	ask_rpc 2 lab echo count=many -I web1 -v
	holds "$stderr" 'no DDL of lab in ddl_dirs'
}

@test "outputs have the names of the DDL, and replies are summed up, also those not shown" {
	ask_rpc 0 lab echo count=2 name=a -I 'web[1-3]'
	holds "$output" '  Owner: a' 'How Often: 2'
	same 'Summary of How Often:
   Together: 6
Summary of Owner:
   a = 3' "$(tail -n 4 <<<"$output")"
	ask_rpc 0 lab echo count=2 name=a -I 'web[1-3]' --display none
	same 'Summary of How Often:' "${lines[0]}"
}

@test "the DDL says which replies people see; programs get all" {
	also 'reply web2 fail 1 as asked'
	ask_rpc 2 rpcutil ping -I 'web[1-2]'
	holds "$output" 'web2: failed (1): as asked'
	[[ $output != *web1* ]]
	ask_rpc 2 rpcutil get_fact fact=cluster -I 'web[1-2]'
	same 'web1: ok' "${lines[0]}"
	[[ $output != *web2* ]]
	ask_rpc 2 rpcutil ping -I 'web[1-2]' --display all
	holds "$output" web1 web2
	ask_rpc 2 rpcutil ping -I 'web[1-2]' -o json
	same 2 "$(document 'd["items"].length')"
	ask_rpc 0 rpcutil ping -I 'web[1-2]' --dry-run -o name
	same $'web1\nweb2' "$output"
	ask_rpc 0 rpcutil ping -I 'web[1-2]' --dry-run
	same $'web1\nweb2' "$output"
}
