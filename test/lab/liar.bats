# A node on the real broker that lies: what it sends is counted under its name and never believed.
load helper

teardown() {
	[ -z "${liar:-}" ] || kill "$liar" 2>/dev/null
	true
}

# start_liar KIND
start_liar() {
	local line
	# shellcheck disable=SC2034
	coproc LIAR { exec "$BUILD/test/lab/forge" "$1" 3>&-; }
	liar=$LIAR_PID
	read -r line <&"${LIAR[0]}"
	equal ready "$line"
}

# peak_kib COMMAND...: run it, print the most memory that it ever had
peak_kib() {
	ruby -e 'pid = spawn(*ARGV, :out => File::NULL, :err => File::NULL); peak = 0
		until Process.wait(pid, Process::WNOHANG)
			peak = [peak, File.read("/proc/#{pid}/status")[/VmHWM:\s+(\d+)/, 1].to_i].max rescue nil
			sleep 0.01
		end
		puts peak' "$@"
}

@test "bad replies to a named node: its one good reply counts, everything else is counted apart" {
	start_liar zoo
	dc rpc rpcutil ping -I 'evil.example.net,web01.example.net' -o json -t 5s
	[ "$status" -eq 0 ]
	equal '["evil.example.net","web01.example.net"]' "$(json 'd["items"].map { |i| i["sender"] }')"
	equal 2 "$(json 'd["summary"]["ok"]')"
	equal 7 "$(json 'd["summary"]["rejected"]')"
	equal 1 "$(json 'd["summary"]["unexpected"]')"
	[[ $output != *$'\e'* ]]
}

@test "bad replies to discovery: nobody is found who is not there" {
	start_liar zoo
	dc ping -o json --window-time 1s
	[ "$status" -eq 0 ]
	equal 10 "$(json 'd["summary"]["nodes"]')"
	equal 7 "$(json 'd["summary"]["rejected"]')"
	equal false "$(json 'd["items"].any? { |i| i["sender"] == "stranger.example.net" }')"
}

@test "a second copy of a good reply is a duplicate" {
	start_liar zoo
	# web01 sleeps, so that the run is still going when the copy comes
	dc rpc lab sleep seconds:=1 -I 'evil.example.net,web01.example.net' -o json -t 5s
	equal 1 "$(json 'd["summary"]["duplicate"]')"
}

@test "a reply after the deadline is late, and its node silent" {
	start_liar late
	dc rpc lab sleep seconds:=5 -I 'evil.example.net,web01.example.net' -t 2s --tries 4 \
		--try-sleep 100ms --retry-silent -o json
	[ "$status" -ne 0 ]
	[ "$(json 'd["summary"]["late"]')" -ge 1 ]
}

@test "100,000 copies of a reply: one counts, memory stays flat" {
	local quiet flooded
	quiet=$(peak_kib "$DEPLOYCTL" rpc lab sleep seconds:=2 -I web01.example.net -o json)
	start_liar flood
	flooded=$(peak_kib "$DEPLOYCTL" rpc lab sleep seconds:=2 -I 'evil.example.net,web01.example.net' -o json)
	echo "quiet $quiet KiB, flooded $flooded KiB" >&2
	[ "$quiet" -gt 0 ] && [ "$flooded" -lt $((quiet + 4096)) ]
	dc rpc lab sleep seconds:=4 -I 'evil.example.net,web01.example.net' -o json
	[ "$status" -eq 0 ]
	equal 1008 "$(json 'd["summary"]["duplicate"] + 1')"
	equal true "$(json 'd["summary"]["flood"] > 10000')"
}
