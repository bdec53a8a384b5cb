# No byte is read that was not written, none is lost: ping and rpc under valgrind, on the real broker.
load helper

# clean COMMAND...: run it under valgrind; its own exit status is kept unless valgrind found something
clean() {
	run --separate-stderr valgrind -q --leak-check=full --show-leak-kinds=definite,indirect,possible \
		--errors-for-leak-kinds=definite,indirect,possible --error-exitcode=99 "$DEPLOYCTL" "$@"
	[ "$status" -ne 99 ] || printf '%s\n' "$stderr" >&2
}

@test "ping of everyone" {
	clean ping --window-time 2s
	[ "$status" -eq 0 ]
}

@test "rpc with data of every kind, as a table and as JSON" {
	clean rpc lab weird --window-time 2s
	[ "$status" -eq 0 ]
	clean rpc lab echo msg=x --window-time 2s -o json
	[ "$status" -eq 0 ]
}

@test "rpc in groups, with a node that is not there" {
	clean rpc rpcutil ping -I 'web[01-03].example.net,none.example.net' --batch 2 --batch-sleep 0 -o jsonl
	[ "$status" -eq 4 ]
}

@test "a large reply" {
	clean rpc lab big size:=2000000 -I web01.example.net -j
	[ "$status" -eq 0 ]
}

@test "a refused login" {
	clean ping -c "$(with_cfg password plugin.rabbitmq.pool.1.password=wrong)" -o json
	[ "$status" -eq 77 ]
}
