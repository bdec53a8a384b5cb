# What the manual tells people to type does what the manual says: the examples of the commands'
# entries, and those of the hand-written pages, on the lab's broker and nodes.
# shellcheck disable=SC2016,SC2030,SC2031,SC2094,SC2154
load works

setup_file() {
	export fresh=/fresh # the virtual host that tests make, and remove again
}

setup() {
	if [ -z "${DEPLOYCTL_LAB:-}" ] || [ ! -d "$DEPLOYCTL_LAB" ]; then
		echo "no lab: run test/lab/lab run -- bats test/lab" >&2
		return 1
	fi
	export LC_ALL=C.UTF-8 HOME=$BATS_TEST_TMPDIR DEPLOYCTL_CONFIG=$LAB_CLIENT_CFG
	export DEPLOYCTL_STATE=$BATS_TEST_TMPDIR/state.db
	unset XDG_CONFIG_HOME DEPLOYCTL_CONTEXT BROKER_PASSWORD FLEET_PSK
	cd "$BATS_TEST_TMPDIR" || return
	mkdir bin etc
	case $DEPLOYCTL in /*) ;; *) DEPLOYCTL=$top/$DEPLOYCTL ;; esac
	ln -s "$DEPLOYCTL" bin/deployctl
	command_of_lab rabbitmqctl ctl
	command_of_lab rabbitmq-plugins plugins
	PATH=$PWD/bin:$PATH:/usr/sbin
	umask 077
}

# command_of_lab NAME ACT: NAME is the lab's, not that of a broker of the machine.
command_of_lab() {
	printf '#!/bin/sh\nexec "%s" %s "$@"\n' "$top/test/lab/lab" "$2" >"bin/$1"
	chmod +x "bin/$1"
}

# What a test has changed it notes: proxy and node are processes of its own, stopped a node of the lab.
teardown() {
	[ -z "${proxy:-}" ] || kill "$proxy"
	[ -z "${node:-}" ] || { kill "$node"; wait "$node"; } 2>/dev/null
	[ -z "${stopped:-}" ] || lab node start "$stopped"
	[ -z "${has_parts:-}" ] || take_parts
	[ -z "${has_fresh:-}" ] || remove_fresh
	[ -z "${has_management:-}" ] || set_plugins rabbitmq_stomp
	[ -z "${has_alarm:-}" ] || lab ctl -q set_vm_memory_high_watermark 0.9
	[ -z "${has_new_broker:-}" ] || restart_broker etc/rabbitmq.conf
} >/dev/null

remove_fresh() {
	lab ctl -q list_vhosts name | grep -x "$fresh" | xargs -r "$top/test/lab/lab" ctl -q delete_vhost
	lab ctl -q list_users | cut -f1 | grep -xE 'deployctl-fresh|nodes|monitor|admin' |
		xargs -r -n 1 "$top/test/lab/lab" ctl -q delete_user
}

# set_plugins NAME,...: as rabbitmq-plugins does it, in a tenth of its time
set_plugins() {
	local file=$DEPLOYCTL_LAB/broker/enabled_plugins
	echo "[$1]." >"$file"
	lab ctl -q eval "{ok, _, _} = rabbit_plugins:ensure(\"$file\")."
}

# restart_broker CONFIGURATION
restart_broker() {
	lab broker stop
	cp "$1" "$DEPLOYCTL_LAB/broker/rabbitmq.conf"
	lab broker start
	# mco gives up after three seconds, and all nodes come back at the same time as it comes
	lab wait || lab wait || lab wait
}

# example PAGE NAME: as a reader would copy it
example() {
	"$top/test/example" "deployctl-$1" "$2"
}

# localize: the page's hosts, ports and folders become those of the lab. mq1 is down, mq2 is not.
localize() {
	sed -e "s/host: mq3.example.net/host: localhost/; s/port: 5671/port: $LAB_TLS_PORT/" \
		-e "s/mq1\.example\.net/127.0.0.1:1/; s/mq2\.example\.net/localhost:$LAB_TLS_PORT/" \
		-e "s/mq\.example\.net/127.0.0.1:$LAB_AMQP_PORT/; s,/etc/deployctl,$PWD/etc,g" \
		-e "s/words of the user/$LAB_PASSWORD/; s/words of the fleet/$LAB_PSK/" \
		-e "s,/usr/local/bin,$PWD/bin,"
}

# The files that the configurations of config(5) refer to.
make_secrets() {
	local dir
	for dir in "$@"; do
		printf '%s\n' "$LAB_PASSWORD" >"$dir/password"
		printf '%s\n' "$LAB_PASSWORD" >"$dir/password3"
		printf '%s\n' "$LAB_PSK" >"$dir/psk"
		cp "$LAB_CA" "$dir/ca.pem"
		cp "${LAB_CA%/*}/other-ca.pem" "$dir/old-ca.pem"
		cp "${LAB_CA%/*}/broker.pem" "$dir/client.pem"
		cp "${LAB_CA%/*}/broker.key" "$dir/client.key"
	done
}

# pings NUMBER WORDS...: so many nodes answer, and all is well.
pings() {
	local number=$1
	shift
	dc ping -o name --window-time 1s "$@"
	equal 0 "$status" || { printf '%s\n' "$stderr" >&2; return 1; }
	equal "$number" "$(grep -c example.net <<<"$output")"
}

# sh_example STATUS PAGE NAME [SHELL OPTION...]: $output, $stderr
sh_example() {
	local expected=$1 page=$2 name=$3
	shift 3
	example "$page" "$name" | localize >"$name"
	run --separate-stderr timeout 60 sh "$@" "$name"
	equal "$expected" "$status" || { printf '%s: %s\n%s\n' "$name" "$stderr" "$output" >&2; return 1; }
}

stop_node() {
	lab node stop "$1"
	stopped=$1
}

# ---------------------------------------------------------------- the commands' own examples

# With which status an example ends here; 0 if it is not in this table.
expected_of() {
	case $1 in
	*'web[01-20].example.net'*) echo 4 ;; # the lab has nine
	*https://files.example.net*) echo 5 ;; # nobody has that file
	'deployctl sign-cert web01.example.net') echo 2 ;; # it has not asked for a certificate
	*--registered* | *--topology*) echo 1 ;; # nobody has a role yet
	*'--site production'*) echo 69 ;; # the lab's Puppet Server is too new to have site graphs
	*'plan lint *.yaml') echo 65 ;; # files of clusters are among them
	*'--verify-node --wait 5s --yes') echo 2 ;; # nor to send a request
	*'--request --certname'*) echo 77 ;; # it is there, and somebody else's
	*) echo 0 ;;
	esac
}

# Nobody is at a terminal here to say yes.
nods() {
	rm bin/deployctl
	cat >bin/deployctl <<-END
		#!/bin/sh
		case "\$1 \$*" in
		*--yes* | *--check* | *--show*) ;;
		"assign-role "* | "push-facts "* | "sign-cert "* | "puppet "* | "lock lock break "* | \\
		"run-plan "* | "resume "*) set -- "\$@" --yes ;;
		esac
		exec "$DEPLOYCTL" "\$@"
	END
	chmod +x bin/deployctl
}

# A run of a plan that is going on, or was: its id is in $run.
begin_run() {
	run=$("$DEPLOYCTL" run-plan web-deploy.yaml cluster=alfa backend=web revision=41 --detach --yes)
}

# before LINE: what an example needs that nobody else leaves behind
before() {
	run=
	case $1 in
	*'resume 01KAM8'*)
		make web02 appmgr.upgrade.fail 2
		begin_run
		"$DEPLOYCTL" status --watch "$run" || true
		;;
	*'cancel 01KAM8'*)
		make web02 slow 3
		begin_run
		;;
	*01KAM8*)
		begin_run
		"$DEPLOYCTL" status --watch "$run"
		;;
	*'lock break'*)
		forget_works
		make web02 slow 60
		"$DEPLOYCTL" run-plan web-deploy.yaml cluster=alfa backend=web revision=41 --yes </dev/null &
		await grep -q 'web02.*upgrade 41' "$calls"
		kill -KILL $!
		wait $! || true
		equal cluster/alfa "$("$DEPLOYCTL" lock list -o name)"
		;;
	esac >/dev/null 2>&1
}

# after LINE: nothing of it goes on
after() {
	case $1 in
	*--detach*) run=$(last_run) ;;
	*cancel*) ;;
	*) return 0 ;;
	esac
	"$DEPLOYCTL" status --watch "$run" >/dev/null 2>&1 || true
	forget_works
}

@test "every example of a command does what it says, in a shell" {
	local line status wrong=0 run
	"$DEPLOYCTL" __commands | ruby -rjson -e 'JSON.parse($stdin.read)["items"].
		each { |c| c["examples"].each { |e| puts e["command"] } }' >all
	# Nodes without a certificate would ask for one: Puppet runs are tried in puppet_run.bats.
	grep -v '^deployctl puppet run' all >examples
	[ "$(wc -l <examples)" -gt 10 ]
	unset DEPLOYCTL_CONFIG
	make_secrets etc
	mkdir -p .config/deployctl
	example config.5 contexts.yaml | localize >.config/deployctl/config.yaml
	printf 'puppet: {url: "%s", ca: %s, cert: %s, key: %s}\n' "$LAB_PUPPET_URL" "$LAB_PUPPET_CA" \
		"$LAB_PUPPET_ADMIN_CERT" "$LAB_PUPPET_ADMIN_KEY" >>.config/deployctl/config.yaml
	# The folders that shells look into are there for whoever completes with them.
	mkdir -p .local/share/bash-completion/completions .zfunc .config/fish/completions
	cp "$top/examples/clusters/preview.json" "$top"/examples/*.yaml .
	cp "$top/examples/clusters/lab.yaml" b.yaml
	sed 's/environment_cluster: lab/environment_cluster: a/; s/lab\([1-3]\)/other\1/' b.yaml >a.yaml
	sed -i 's/environment_cluster: lab/environment_cluster: b/' b.yaml
	printf '{cluster: alfa, backend: web, revision: 42}\n' >alfa.yaml
	has_parts=1
	give_parts
	nods
	while read -r line; do
		status=0
		before "$line"
		timeout 60 sh -c "${line//01KAM8/$run}" >out 2>err </dev/null || status=$?
		after "$line"
		[ "$status" -eq "$(expected_of "$line")" ] && continue
		printf '%s\nended with %s\n%s\n' "$line" "$status" "$(tail -n 5 out err)" >&2
		wrong=1
	done <examples
	[ "$wrong" -eq 0 ]
}

# ---------------------------------------------------------------- config(5)

@test "config(5): each configuration reaches the nodes, with its secrets there" {
	local name
	make_secrets . etc
	for name in one.yaml tls.yaml mixed.yaml contexts.yaml; do
		example config.5 "$name" | localize >"$name"
		pings 9 -c "$name"
	done
	# a broker that is not there: the one that differs is used
	sed -i "s/127.0.0.1:$LAB_AMQP_PORT/127.0.0.1:1/" mixed.yaml
	pings 9 -c mixed.yaml
}

@test "config(5): secrets of a variable and of a program" {
	example config.5 kinds.yaml | localize >kinds.yaml
	printf '#!/bin/sh\n[ "$*" = "show fleet/psk" ] && echo "%s"\n' "$LAB_PSK" >bin/pass
	chmod +x bin/pass
	dc ping -c kinds.yaml
	[ "$status" -eq 78 ]
	has "$stderr" BROKER_PASSWORD
	BROKER_PASSWORD=$LAB_PASSWORD pings 9 -c kinds.yaml
	printf '#!/bin/sh\nexit 3\n' >bin/pass
	BROKER_PASSWORD=$LAB_PASSWORD dc ping -c kinds.yaml
	[ "$status" -eq 78 ]
	has "$stderr" pass
}

@test "config(5): the user's file, its secrets made as the page says, and the choice of a context" {
	unset DEPLOYCTL_CONFIG
	BROKER_PASSWORD=$LAB_PASSWORD FLEET_PSK=$LAB_PSK sh_example 0 config.5 secrets.sh
	example config.5 one.yaml | localize >.config/deployctl/config.yaml
	pings 9
	make_secrets etc
	example config.5 contexts.yaml | localize >.config/deployctl/config.yaml
	sh_example 0 config.5 contexts.sh -e
	equal 3 "$(grep -c '^9 nodes: 9 ok' <<<"$stderr$output")"
	dc config show --context prod
	has "$output" "localhost"
	pings 4 -T subcol
	dc ping --context prod -T subcol
	[ "$status" -eq 64 ]
}

@test "config(5): where mco works there is nothing to do" {
	unset DEPLOYCTL_CONFIG
	example config.5 client.cfg | localize |
		sed "s/127.0.0.1:$LAB_AMQP_PORT/127.0.0.1/; s/61613/$LAB_STOMP_PORT/" >.mcollective
	printf 'plugin.rabbitmq.pool.1.amqp_port = %s\nlogger_type = console\nloglevel = error\n' \
		"$LAB_AMQP_PORT" >>.mcollective
	pings 9
	run mco ping
	equal 9 "$(grep -c 'time=' <<<"$output")"
}

@test "config(5): a job without an environment" {
	make_secrets etc
	example config.5 tls.yaml | localize >etc/config.yaml
	sh_example 0 config.5 job.sh
	has "$output$stderr" '9 nodes: 9 ok'
	sh_example 0 config.5 show.sh
	has "$output" "$PWD/etc/config.yaml:"
	has "$output" "file:$PWD/etc/psk"
}

# ---------------------------------------------------------------- exit(7)

@test "exit(7): the scripts, when all is well" {
	sh_example 0 exit.7 pipeline.sh
	equal all_ok "$output"
	sh_example 0 exit.7 and.sh
	has "$output" 'all three are there'
	sh_example 0 exit.7 case.sh
	equal 'every node answered' "$output"
	has "$(cat answers)" 'web[01-05].example.net (5 nodes): ok'
	sh_example 0 exit.7 again.sh
	sh_example 0 exit.7 empty.sh
	sh_example 0 exit.7 jenkins.sh -xe
	sh_example 0 exit.7 set-e.sh
	has "$output" 'ping ended with status 4'
}

# status_is STATUS WORDS...
status_is() {
	dc rpc "${@:2}"
	equal "$1" "$status" || { printf '%s: %s\n' "$*" "$stderr" >&2; return 1; }
}

@test "exit(7): what the page says of nodes" {
	status_is 0 rpcutil ping -I web01.example.net
	status_is 1 rpcutil ping -C nosuch
	status_is 0 rpcutil ping -C nosuch --empty-ok
	status_is 2 rpcutil get_config_item item=nosuch -I web01.example.net
	status_is 2 rpcutil get_config_item item=nosuch -I 'web01.example.net,none.example.net'
	status_is 3 nosuch ping
	status_is 3 nosuch ping -I web01.example.net -t 1s
	has "$stderr" 'silent: web01.example.net'
	status_is 4 rpcutil ping -I 'web01.example.net,none.example.net'
	status_is 5 rpcutil get_config_item item=nosuch -I 'web[01-03].example.net' --batch 1 --batch-sleep 0 --max-fail 0
	status_is 64 rpcutil ping --nosuch
	status_is 64 rpcutil ping -T nosuch
	status_is 65 rpcutil nosuch -I web01.example.net
	status_is 65 rpcutil get_fact -I web01.example.net
	status_is 124 lab sleep seconds:=9 -I web01.example.net --deadline 1s
}

# What cron would run: the rest of the line after five fields.
cron_job() {
	example exit.7 fleet.cron | cut -d' ' -f6- >job
	[ "$(wc -l <job)" -eq 1 ]
	run sh job
}

@test "exit(7): the scripts, when a node is missing or no node has the class" {
	cron_job
	equal '' "$output"
	stop_node web03.example.net
	cron_job
	has "$output" 'not connected: web03.example.net'
	sh_example 4 exit.7 and.sh
	[[ $output != *'all three'* ]]
	sh_example 3 exit.7 again.sh
	has "$stderr" 'not connected: web03.example.net'
	sh_example 4 exit.7 jenkins.sh -xe
	example exit.7 case.sh | sed 's/-C apache/-C nosuch/' >case.sh
	run --separate-stderr sh case.sh
	[ "$status" -eq 1 ]
	equal 'no node has this class' "$output"
	example exit.7 case.sh | sed "s/-C apache/-I web03.example.net/" >case.sh
	run --separate-stderr sh case.sh
	[ "$status" -eq 3 ]
	has "$stderr" 'ask those again'
}

# ---------------------------------------------------------------- rabbitmq(7)

# at_fresh NAME: an example of rabbitmq(7) for a virtual host and users of this test's own
at_fresh() {
	example rabbitmq.7 "$1" | sed -e "s,/mcollective,$fresh,g" -e 's/ deployctl \(<\|\\\)/ deployctl-fresh \1/' \
		-e 's/^user: deployctl/user: deployctl-fresh/' \
		-e "s/port = 61613/port = $LAB_STOMP_PORT/; s/host = mq.example.net/host = 127.0.0.1/" \
		-e "s/mq\.example\.net/127.0.0.1:$LAB_AMQP_PORT/" >"$1"
}

# sh_fresh NAME...: run these one after the other, each line of them must succeed
sh_fresh() {
	local name
	has_fresh=1
	for name; do
		at_fresh "$name"
		run sh -e "$name"
		equal 0 "$status" || { printf '%s: %s\n' "$name" "$output" >&2; return 1; }
	done
}

# The page from its beginning, until deployctl could ask.
set_up() {
	echo 'words of deployctl' >deployctl.password
	echo 'words of the nodes' >nodes.password
	echo 'words of the monitor' >monitor.password
	echo 'words of the fleet' >psk
	at_fresh mcollective.json
	at_fresh config.yaml
	sh_fresh import.sh users.sh
	DEPLOYCTL_CONFIG=$PWD/config.yaml
}

# start_node [COLLECTIVES]: a real node with the page's server.cfg
start_node() {
	at_fresh server.cfg
	[ $# -eq 0 ] || sed -i "s/^collectives = .*/collectives = $1/" server.cfg
	cat >>server.cfg <<-END
	identity = fresh.example.net
	libdir = /usr/share/mcollective/plugins:/usr/lib/ruby/vendor_ruby
	daemonize = 0
	logger_type = file
	logfile = $PWD/log
	loglevel = info
	END
	mcollectived --config "$PWD/server.cfg" >node.out 2>&1 3>&- &
	node=$!
}

# Until the broker has the queue of the node's identity, or the node has given up a connection.
wait_node() {
	local tries=100
	until lab ctl -q list_bindings -p "$fresh" source_name routing_key | grep -q 'directed.*fresh.example.net'; do
		[ $((tries -= 1)) -gt 0 ] || { cat log >&2; return 1; }
		sleep 0.1
	done
}

@test "rabbitmq(7): from zero to a node that answers, with nothing left behind" {
	sh_fresh plugins.sh
	set_up
	lab ctl -q list_exchanges -p "$fresh" name type durable >before
	grep -q 'mcollective_broadcast.topic.true' before
	start_node
	wait_node
	sh_example 0 rabbitmq.7 ping.sh
	has "$output" fresh.example.net
	dc rpc rpcutil get_config_item item=identity -I fresh.example.net,none.example.net
	[ "$status" -eq 4 ]
	has "$stderr" 'not connected: none.example.net'
	equal "$(cat before)" "$(lab ctl -q list_exchanges -p "$fresh" name type durable)"
	equal '' "$(lab ctl -q list_queues -p "$fresh" name | grep -v -e '^name$' -e '^stomp-subscription-')"
}

# permit CONFIGURE WRITE READ: instead of what the page gives to deployctl's user
permit() {
	lab ctl -q set_permissions -p "$fresh" deployctl-fresh "$@"
}

@test "rabbitmq(7): deployctl's user has the least that works" {
	local queue='^amq\.gen' exchanges='^mcollective_(broadcast|directed)$'
	set_up
	dc ping
	[ "$status" -eq 3 ]
	permit '^$' "$exchanges" "$queue"
	dc ping
	[ "$status" -eq 77 ]
	permit "$queue" "$exchanges" '^$'
	dc ping
	[ "$status" -eq 77 ]
	permit "$queue" '^mcollective_directed$' "$queue"
	dc ping
	[ "$status" -eq 77 ]
	has "$stderr" "exchange 'mcollective_broadcast'"
	permit "$queue" '^mcollective_broadcast$' "$queue"
	dc ping -I fresh.example.net
	[ "$status" -eq 77 ]
	has "$stderr" "exchange 'mcollective_directed'"
	lab ctl -q clear_permissions -p "$fresh" deployctl-fresh
	dc ping
	[ "$status" -eq 77 ]
}

@test "rabbitmq(7): an exchange that is missing is named" {
	set_up
	lab ctl -q eval "rabbit_exchange:delete(rabbit_misc:r(<<\"$fresh\">>, exchange, <<\"mcollective_directed\">>), false, <<\"test\">>)."
	dc ping
	[ "$status" -eq 78 ]
	has "$stderr" mcollective_directed
}

@test "rabbitmq(7): a node that may not write amq.default is silent" {
	local own='stomp-subscription-.*'
	set_up
	lab ctl -q set_permissions -p "$fresh" nodes "^$own" "^$own" "^($own|mcollective_(broadcast|directed))$"
	start_node
	wait_node
	dc rpc rpcutil ping -I fresh.example.net -t 2s
	[ "$status" -eq 3 ]
	has "$stderr" 'silent: fresh.example.net'
}

@test "rabbitmq(7): a monitor may ask who is there and no more" {
	set_up
	sh_fresh monitor.sh
	start_node
	wait_node
	sed -e 's/deployctl-fresh/monitor/; s/deployctl.password/monitor.password/' config.yaml >monitor.yaml
	dc ping -c monitor.yaml -A rpcutil -o name
	equal fresh.example.net "$output"
	dc ping -c monitor.yaml -I fresh.example.net
	[ "$status" -eq 77 ]
	dc rpc rpcutil ping -c monitor.yaml
	[ "$status" -eq 77 ]
	# no other agent is reached by a broadcast either
	run ruby -rstomp -e 'c = Stomp::Connection.open("monitor", "words of the monitor", "127.0.0.1", ARGV[0].to_i,
			false, 5, {"accept-version" => "1.1", "host" => ARGV[1]})
		c.publish("/exchange/mcollective_broadcast/rpcutil", "x", "receipt" => "1")
		f = c.receive
		puts f.command, f.headers["message"]' "$LAB_STOMP_PORT" "$fresh"
	has "$output" access_refused
}

@test "rabbitmq(7): a further collective" {
	set_up
	at_fresh collective.json
	sh_fresh collective.sh
	start_node mcollective,dmz
	wait_node
	echo 'collectives: [mcollective, dmz]' >>config.yaml
	dc ping -T dmz -o name
	equal fresh.example.net "$output"
	dc rpc rpcutil ping -T dmz -I fresh.example.net
	[ "$status" -eq 0 ]
}

@test "rabbitmq(7): rabbitmqadmin does the same" {
	local port
	port=$(free_port)
	# the plugin takes its port from here when it is enabled
	has_fresh=1 has_management=1
	lab ctl -q eval "application:load(rabbitmq_management),
		application:set_env(rabbitmq_management, tcp_config, [{ip, \"127.0.0.1\"}, {port, $port}])."
	set_plugins rabbitmq_stomp,rabbitmq_management
	lab ctl -q add_user admin 'words of the administrator'
	lab ctl -q set_user_tags admin administrator
	example rabbitmq.7 rabbitmqadmin.conf |
		sed "s/mq.example.net/127.0.0.1/; s/15672/$port/" >.rabbitmqadmin.conf
	sh_fresh rabbitmqadmin.sh
	has "$output" mcollective_directed
	echo 'words of deployctl' >deployctl.password
	echo 'words of the nodes' >nodes.password
	echo 'words of the fleet' >psk
	sh_fresh users.sh
	at_fresh config.yaml
	dc ping -c config.yaml
	[ "$status" -eq 3 ]
	has "$stderr" 'no node answered'
}

@test "rabbitmq(7): alarms are seen where the page says" {
	has_alarm=1
	lab ctl -q set_vm_memory_high_watermark absolute 1
	sh_example 0 rabbitmq.7 alarms.sh -e
	has "$output" 'Memory alarm'
	sh_example 0 rabbitmq.7 watermark.sh
	sh_example 0 rabbitmq.7 alarms.sh -e
	has "$output" '(none)'
}

@test "rabbitmq(7): HAProxy in front of two brokers, one of them down" {
	local amqp stomp
	amqp=$(free_port) stomp=$(free_port)
	example rabbitmq.7 haproxy.cfg | sed -e "s/bind :5672/bind 127.0.0.1:$amqp/" \
		-e "s/bind :61613/bind 127.0.0.1:$stomp/; s/mq1.example.net:[0-9]*/127.0.0.1:1/" \
		-e "s/mq2.example.net:5672/127.0.0.1:$LAB_AMQP_PORT/" \
		-e "s/mq2.example.net:61613/127.0.0.1:$LAB_STOMP_PORT/" >haproxy.cfg
	haproxy -db -f haproxy.cfg >proxy.log 2>&1 3>&- &
	proxy=$!
	# the check has to find mq1 down first
	timeout 20 sh -c "until '$DEPLOYCTL' ping -o name -c '$(with_cfg proxy \
		plugin.rabbitmq.pool.1.amqp_port="$amqp")' >/dev/null 2>&1; do sleep 0.2; done"
	pings 9 -c proxy.cfg
	run timeout 5 bash -c "exec 4<>/dev/tcp/127.0.0.1/$stomp
		printf 'CONNECT\naccept-version:1.1\nhost:%s\nlogin:mcollective\npasscode:mcollective-words\n\n\0' \
			'$LAB_VHOST' >&4
		head -n 1 <&4"
	equal CONNECTED "$output"
}

@test "rabbitmq(7): a broker with the page's rabbitmq.conf speaks TLS" {
	local stomp_tls
	stomp_tls=$(free_port)
	make_secrets etc
	cp "$DEPLOYCTL_LAB/broker/rabbitmq.conf" etc/
	example rabbitmq.7 rabbitmq.conf | sed -e "s/:5672$/:$LAB_AMQP_PORT/; s/0.0.0.0/127.0.0.1/" \
		-e "s/:5671$/:$LAB_TLS_PORT/; s/:61613$/:$LAB_STOMP_PORT/; s/:61614$/:$stomp_tls/" \
		-e "s,/etc/rabbitmq,${LAB_CA%/*}," >page.conf
	has_new_broker=1
	example config.5 tls.yaml | localize >tls.yaml
	example config.5 mixed.yaml | localize | sed "s/127.0.0.1:$LAB_AMQP_PORT/127.0.0.1:1/" >mixed.yaml
	# as the page says how to want certificates of clients; nodes are not waited for
	lab broker stop
	sed 's/verify_none/verify_peer/; s/cert = false/cert = true/' page.conf >"$DEPLOYCTL_LAB/broker/rabbitmq.conf"
	lab broker start
	dc ping -c mixed.yaml
	[ "$status" -eq 0 ] || [ "$status" -eq 3 ]
	dc ping -c tls.yaml
	[ "$status" -eq 69 ] || [ "$status" -eq 77 ]
	restart_broker page.conf
	pings 9 -c tls.yaml
	pings 9
	run timeout 10 openssl s_client -connect "127.0.0.1:$stomp_tls" -CAfile "$LAB_CA" -verify_return_error </dev/null
	has "$output" 'Verification: OK'
	run timeout 10 openssl s_client -connect "127.0.0.1:$LAB_TLS_PORT" -tls1_1 -CAfile "$LAB_CA" </dev/null
	[ "$status" -ne 0 ]
}
