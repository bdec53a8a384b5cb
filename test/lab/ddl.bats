# DDLs: what MCollective itself understands of those that are installed, and typed calls as mco's.
load helper

# same_replies COMMAND...: an rpc, as mco's own JSON
same_replies() {
	local mine
	dc rpc -j --window-time 1s "$@"
	[ "$status" -eq 0 ]
	mine=$(json 'd.sort_by { |r| r["sender"] }')
	has "$mine" '"sender":"web0'
	run --separate-stderr lab mco rpc -j "$@"
	equal "$(json 'd.sort_by { |r| r["sender"] }')" "$mine"
}

@test "every installed DDL is read as MCollective reads it" {
	local root=/usr/lib/ruby/vendor_ruby/mcollective all=$BATS_TEST_TMPDIR/all
	mkdir -p "$all/agent"
	ln -s "$root"/{agent,aggregate,data,discovery,validator,connector}/*.ddl \
		"$top"/test/lab/plugins/mcollective/agent/*.ddl "$all/agent"
	printf 'brokers: [localhost]\npsk: {env: HOME}\nddl_dirs: [%s]\n' "$all" >"$BATS_TEST_TMPDIR/c.yaml"
	chmod 600 "$BATS_TEST_TMPDIR/c.yaml"
	run --separate-stderr ruby -rjson -ropen3 -e '
		program, config, maker, *paths = ARGV
		lines, = Open3.capture2("ruby", maker, *paths)
		read = refused = 0
		lines.lines.reject { |line| line.start_with?("#") }.each do |line|
			file, theirs = JSON.parse(line)
			mine, error, status = Open3.capture3(program, "-c", config, "agent", "doc",
				File.basename(file, ".ddl"), "-o", "json")
			if theirs.is_a?(String)
				abort "#{file}: Ruby says #{theirs}, we take it" unless status.exitstatus == 65
				refused += 1
				next
			end
			abort "#{file}: #{error}" unless status.success?
			mine = JSON.parse(mine)["items"][0]
			theirs.each { |key, value| abort "#{file}: #{key}: #{value} #{mine[key]}" unless mine[key] == value }
			read += 1
		end
		puts "#{read} #{refused}"' "$DEPLOYCTL" "$BATS_TEST_TMPDIR/c.yaml" "$top/test/data/make_ddl.rb" \
		"$all"/agent/*.ddl
	printf '%s\n' "$output" "$stderr"
	[ "$status" -eq 0 ]
	# The three of discovery methods describe no agent.
	[ "${output#* }" -eq 3 ]
	[ "${output% *}" -ge 15 ]
}

@test "typed inputs arrive as mco's do" {
	same_replies lab big size=10
	same_replies lab big size=010
	same_replies rpcutil get_data source=fact query=cluster
}

# mco cannot call an action of this name: it sleeps itself.
@test "nodes take the numbers and booleans that are typed" {
	dc rpc lab sleep seconds=0.5 -I web01.example.net -o json
	equal '[0,0.5]' "$(json '[d["exit"]["code"], d["items"][0]["data"]["seconds"]]')"
	dc rpc lab sleep seconds=1e-1 -I web01.example.net -o json
	equal '[0,0.1]' "$(json '[d["exit"]["code"], d["items"][0]["data"]["seconds"]]')"
	dc rpc lab weird own_class=No -I web01.example.net -o json
	equal 0 "$(json 'd["exit"]["code"]')"
	# Without the conversion the node says no.
	dc rpc lab weird 'own_class:="No"' -I web01.example.net
	[ "$status" -eq 65 ]
}

@test "what mco refuses is refused before anything is sent" {
	for input in size=ten size=1.5 'x=1'; do
		dc rpc lab big "$input"
		[ "$status" -eq 65 ]
		run --separate-stderr lab mco rpc lab big "$input"
		[ "$status" -ne 0 ]
	done
	dc rpc lab bigg size=1
	[ "$status" -eq 65 ]
	has "$stderr" 'try: deployctl rpc lab big'
}

@test "the summary says what mco's says" {
	local mine
	dc rpc rpcutil get_fact fact=cluster --window-time 1s
	[ "$status" -eq 0 ]
	mine=$(sed -n '/^Summary of/,$p' <<<"$output" | sed '/^$/d')
	has "$mine" 'Summary of Value:'
	run --separate-stderr lab mco rpc rpcutil get_fact fact=cluster
	equal "$(sed -n '/^Summary of/,/^Finished/p' <<<"$output" | sed '/^$/d; /^Finished/d')" "$mine"
}

@test "outputs have the names that mco gives them" {
	dc rpc rpcutil get_fact fact=cluster -I web01.example.net
	[ "$status" -eq 0 ]
	has "$output" ' Fact: cluster'
	has "$output" 'Value: alfa'
}
