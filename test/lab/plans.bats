# The plans of examples/, as they are, on real nodes whose agents note what they are asked.
# shellcheck disable=SC2016,SC2094,SC2154
load works

setup_file() {
	give_parts hadoop
}

setup() {
	setup_lab
	forget_works
	cd "$BATS_TEST_TMPDIR" || return
}

teardown_file() {
	take_parts
}

# in_order: what was asked, those asked at the same time as one line: "NODE,NODE AGENT.ACTION VALUES"
in_order() {
	ruby --disable-gems -e '
		calls = $stdin.map { |line| line.chomp.split(" ", 2) }
		calls.chunk_while { |a, b| a[1] == b[1] }.each { |same|
			puts same.map(&:first).sort.join(",") + " " + same[0][1] }' <"$calls"
}

# never_more_than N: so many servers out of the balancers at any moment
never_more_than() {
	awk -v most="$1" '
		$2 ~ /^haproxy/ {
			n = split($3, names, ",")
			for (i = 1; i <= n; i++)
				if ($2 == "haproxy.disable") out[$1, names[i]] = 1
				else delete out[$1, names[i]]
			count = 0
			for (key in out) if (key ~ "^" $1) count++
			if (count > most) { print $1 " has " count " out: " $0; bad = 1 }
		}
		END { exit bad }' "$calls"
}

@test "web-deploy: a group at a time, each watched until it is well, and one notification" {
	make web02 critical 3
	plays web-deploy.yaml cluster=alfa backend=web revision=42 --yes
	ends_with 0
	never_more_than 2
	in_order | grep -v nrpe >order
	diff - order <<-END
		web08,web09 haproxy.disable web01.example.net
		web01 appmgr.upgrade 42
		web08,web09 haproxy.enable web01.example.net
		web08,web09 haproxy.disable web02.example.net,web03.example.net
		web02,web03 appmgr.upgrade 42
		web08,web09 haproxy.enable web02.example.net,web03.example.net
		web08,web09 haproxy.disable web04.example.net
		web04 appmgr.upgrade 42
		web08,web09 haproxy.enable web04.example.net
		web05 angelianotify.sendmsg boxcar://ops@example.net $(id -un) updated 4 nodes to 42
	END
	equal '1 4 1 1' "$(for n in 1 2 3 4; do grep -c "^web0$n nrpe.runcommand check_load" "$calls"; done |
		paste -sd ' ')"
	# it was put back only after it was well
	awk '/^web02 nrpe/ {n++} /haproxy.enable .*web02/ {exit n != 4}' "$calls"
	equal '' "$(of web08 out.web)$(of web09 out.web)"
	equal 42 "$(of web01 revision)"
}

@test "web-deploy: one cluster leaves the other untouched; a notifier that is silent is replaced" {
	make web05 angelianotify.sendmsg.mute 1
	plays web-deploy.yaml cluster=bravo backend=web revision=43 --yes
	ends_with 0
	equal 'web06 web07' "$(by appmgr.upgrade | xargs -n 1 | sort | xargs)"
	equal '' "$(grep -E '^web0[1-4] ' "$calls")"
	never_more_than 1
	equal 'web05 web09' "$(by sendmsg)"
	told 'web05.example.net: silent'
}

@test "web-deploy: an upgrade that fails ends it there, and what is still out is told" {
	# which group is out is noted, for what is said at the end
	sed "/id: drain/i\\      - set: {out: \"concat(group, ' ')\"}" "$top/examples/web-deploy.yaml" >plan.yaml
	cat >>plan.yaml <<-'END'
		on_failure:
		  - rpc: angelianotify.sendmsg
		    nodes: notifier
		    one: true
		    with: {recipient: boxcar://ops@example.net, message: "not upgraded ${concat(steps.update.failed, ' ')}, still out ${vars.out}"}
	END
	make web02 appmgr.upgrade.fail 2
	runs plan.yaml cluster=alfa backend=web revision=44 --yes
	ends_with 5
	told 'web02.example.net: failed: appmgr.upgrade was made to fail'
	told 'to go on: deployctl resume'
	# twice, and the one beside it once
	equal 'web01 web02 web02 web03' "$(by appmgr.upgrade | xargs -n 1 | sort | xargs)"
	equal 'web02.example.net web03.example.net' "$(of web08 out.web)"
	has "$(grep sendmsg "$calls")" \
		'not upgraded web02.example.net, still out web02.example.net web03.example.net'
	equal web05 "$(by sendmsg)"
	# with the cause gone, it goes on where it was
	rm "$calls"
	dc resume "$(last_run)" --ddl-dir "$top/test/lab/apps/mcollective" --yes
	ends_with 0
	in_order | grep -v nrpe | head -n 3 >order
	diff - order <<-END
		web02 appmgr.upgrade 44
		web08,web09 haproxy.enable web02.example.net,web03.example.net
		web08,web09 haproxy.disable web04.example.net
	END
	equal '' "$(of web08 out.web)"
	has "$(grep sendmsg "$calls")" 'updated 4 nodes to 44'
}

@test "web-deploy: without web servers, or with an agent missing, nothing is done" {
	plays web-deploy.yaml cluster=charlie backend=web revision=42 --yes
	ends_with 1
	told 'No web servers found'
	sed 's/nrpe/nagios/' "$top/examples/web-deploy.yaml" >plan.yaml
	runs plan.yaml cluster=alfa backend=web revision=42 --yes
	ends_with 6
	told 'web[01-04].example.net'
	told nagios
	[ ! -e "$calls" ]
}

@test "mail-queue: exactly the relays whose queue is long deliver it" {
	make web01 queue 200
	make web02 queue 10
	make web04 queue 500 # is no relay
	plays mail-queue.yaml longer_than=150 --yes
	ends_with 0
	equal 'web01' "$(by postfix.flush)"
	equal '' "$(grep -vE '^web01 ' "$calls")"
	make web01 queue 20
	plays mail-queue.yaml --yes
	ends_with 1
	told 'No relay has mail waiting'
}

# services ACT: of which services, in which order, where at the same time
services() {
	in_order | sed -n "s/ service.$1 / /p"
}

@test "hadoop: the parts start in their order, and stop in the reverse of it" {
	plays hadoop-start.yaml cluster=preview --yes
	ends_with 0
	services start >start
	diff - start <<-END
		web01,web02,web03 zookeeper-server
		web01,web02,web03 hadoop-hdfs-journalnode
		web01,web02 hadoop-hdfs-namenode
		web03 hadoop-yarn-resourcemanager
		web01,web02 hadoop-hdfs-zkfc
		web03 hadoop-mapreduce-historyserver
		web04,web05,web06 hadoop-hdfs-datanode
		web04,web05,web06 hadoop-yarn-nodemanager
	END
	equal 'web01 web02' "$(by namenode)"
	rm "$calls"
	plays hadoop-stop.yaml cluster=preview --yes
	ends_with 0
	services stop >stop
	tac start | diff - stop
	equal 'web02 web01' "$(by namenode)"
	equal '' "$(of web01 services)$(of web04 services)"
}

@test "hadoop: what destroys what was there wants to be allowed; then all is done in its order" {
	local hdfs='sudo -u hdfs hdfs'
	plays hadoop-bootstrap.yaml cluster=preview --yes
	ends_with 6
	told --allow-destructive
	told format_zookeeper
	[ ! -e "$calls" ]
	plays hadoop-bootstrap.yaml cluster=preview --yes --allow-destructive
	ends_with 0
	in_order | sed 's/ service.start / /' >order
	diff - order <<-END
		web01,web02,web03 zookeeper-server
		web01 $hdfs zkfc -formatZK -nonInteractive
		web01,web02,web03 hadoop-hdfs-journalnode
		web01 $hdfs namenode -format -nonInteractive
		web01 hadoop-hdfs-namenode
		web02 $hdfs namenode -bootstrapStandby -nonInteractive
		web02 hadoop-hdfs-namenode
		web01 $hdfs haadmin -getServiceState nn1
		web01 $hdfs haadmin -getServiceState nn2
		web01,web02 hadoop-hdfs-zkfc
		web04,web05,web06 hadoop-hdfs-datanode
		web01 $hdfs dfs -mkdir -p /tmp
		web01 $hdfs dfs -chmod 1777 /tmp
		web01 $hdfs dfs -mkdir -p /user/history/done /user/history/done_intermediate
		web01 $hdfs dfs -chown -R mapred:hadoop /user/history
		web01 $hdfs dfs -chmod -R 1777 /user/history
		web03 hadoop-mapreduce-historyserver
		web01 $hdfs dfs -mkdir -p /var/log/hadoop-yarn
		web01 $hdfs dfs -chown yarn:mapred /var/log/hadoop-yarn
		web01 $hdfs dfs -mkdir -p /user/hadoop
		web01 $hdfs dfs -chown hadoop /user/hadoop
		web03 hadoop-yarn-resourcemanager
		web04,web05,web06 hadoop-yarn-nodemanager
	END
}
