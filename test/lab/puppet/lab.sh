# The lab's Puppet: a server with a CA of its own, and the world of an agent for each node. Sourced by lab.
# shellcheck shell=bash
# shellcheck disable=SC2154 # lab, here and domain are those of lab

puppet_name=puppet.$domain

need_puppet() {
	local file
	for file in /usr/bin/puppet /usr/bin/puppetserver /usr/share/puppetserver/puppetserver.jar /usr/bin/java; do
		[ -e "$file" ] || die "there is no $file; install it with: make deps"
	done
	# The CA's own reader of puppet.conf ends a value there.
	[[ ${TMPDIR:-}$here != *[[:space:]\{\#\$\"]* ]] || die "Puppet's configuration cannot name $TMPDIR or $here; use a folder without blanks, {, # and \$"
}

has_puppet() {
	[ -d "$lab/puppet" ]
}

need_puppet_server() {
	has_puppet || die "this lab has no Puppet Server; start one that has: $0 up --puppet"
}

write_puppet_server() {
	local dir=$lab/puppet
	mkdir "$dir" "$dir/conf.d"
	cp -r "$here/puppet/code" "$dir/code"
	cp "$here/puppet/server/auth.conf" "$dir/conf.d/"
	export_line LAB_PUPPET_URL "https://localhost:$1" >"$dir/env"
	{
		export_line LAB_PUPPET_PORT "$1"
		export_line LAB_PUPPET_CODE "$dir/code"
		export_line LAB_PUPPET_CA "$dir/ca.pem"
		export_line LAB_PUPPET_ADMIN_CERT "$dir/admin.pem"
		export_line LAB_PUPPET_ADMIN_KEY "$dir/admin.key"
		export_line LAB_PUPPET_USER_CERT "$dir/user.pem"
		export_line LAB_PUPPET_USER_KEY "$dir/user.key"
	} >>"$dir/env"
	# Not in puppetserver/ca below confdir: then setup would put a link into /var/lib/puppet.
	cat >"$dir/puppet.conf" <<-END
	[main]
	confdir = $dir
	codedir = $dir/code
	vardir = $dir/var
	logdir = $dir/log
	rundir = $dir/run
	publicdir = $dir/public
	ssldir = $dir/ssl
	cadir = $dir/ca
	certname = $puppet_name
	server = localhost
	serverport = $1
	dns_alt_names = localhost,IP:127.0.0.1
	keylength = 2048
	environment_timeout = 0
	END
	# A request with names or extensions of its own is there to be refused by the client, not by the server.
	cat >"$dir/conf.d/server.conf" <<-END
	global: { logging-config: "$here/puppet/server/logback.xml" }
	webserver: { ssl-host: "127.0.0.1", ssl-port: $1, client-auth: want }
	web-router-service: {
		"puppetlabs.services.ca.certificate-authority-service/certificate-authority-service": "/puppet-ca"
		"puppetlabs.services.master.master-service/master-service": "/puppet"
		"puppetlabs.trapperkeeper.services.status.status-service/status-service": "/status"
	}
	jruby-puppet: {
		ruby-load-path: ["/usr/lib/puppetserver/ruby/vendor_ruby"]
		gem-home: "$dir/gems"
		gem-path: ["$dir/gems", "/usr/lib/puppetserver/vendored-jruby-gems"]
		server-conf-dir: "$dir"
		server-code-dir: "$dir/code"
		server-var-dir: "$dir/var"
		server-run-dir: "$dir/run"
		server-log-dir: "$dir/log"
		max-active-instances: 1
	}
	certificate-authority: { allow-subject-alt-names: true, allow-authorization-extensions: true }
	metrics: { server-id: lab, registries: { puppetserver: { reporters: { jmx: { enabled: false } } } } }
	END
}

# keep_certificate NAME FILE: what the CA gave NAME, as FILE.pem and FILE.key that are ours alone.
keep_certificate() {
	local dir=$lab/puppet
	cat "$dir/ssl/certs/$1.pem" >"$dir/$2.pem" && cat "$dir/ssl/private_keys/$1.pem" >"$dir/$2.key"
}

# puppet_ca ARGUMENT...: its words are for a log only.
puppet_ca() {
	(exec_clean puppetserver ca "$@" --config "$lab/puppet/puppet.conf") >>"$lab/puppet/ca.log" 2>&1
}

# To whoever has this certificate the CA's API allows everything: it carries an extension that says so.
# Without --force the port is asked whether a CA runs there, and by now it may be somebody else's.
make_puppet_ca() {
	puppet_ca setup && puppet_ca generate --force --ca-client --certname "admin.$domain" &&
		keep_certificate "admin.$domain" admin && cat "$lab/puppet/ssl/certs/ca.pem" >"$lab/puppet/ca.pem"
}

# A certificate like that of any node. Only a server that runs gives one without the extension.
make_puppet_user() {
	puppet_ca generate --certname "user.$domain" && keep_certificate "user.$domain" user
}

# Quick to start rather than quick for long; and the JVM writes into no /tmp but ours.
start_puppet_server() {
	start puppet "$lab/puppet/output" java -Xms256m -Xmx768m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 \
		-XX:-UsePerfData -Djava.io.tmpdir="$lab/tmp" -Djruby.lib=/usr/share/jruby/lib \
		-Djruby.logger.class=com.puppetlabs.jruby_utils.jruby.Slf4jLogger \
		-jar /usr/share/puppetserver/puppetserver.jar \
		--config "$lab/puppet/conf.d" --bootstrap-config "$here/puppet/server/services.cfg"
}

wait_puppet_server() {
	local tries=1800
	until grep -qs 'now ready to handle requests' "$lab/puppet/output"; do
		is_running puppet && [ $((tries -= 1)) -gt 0 ] || return 1
		sleep 0.1
	done
}

# Begun before broker and nodes, because it takes the longest; finish_puppet waits for it.
begin_puppet() {
	local port
	read -r port < <(free_ports 1)
	write_puppet_server "$port"
	progress "starting Puppet Server in $lab/puppet"
	make_puppet_ca || { cat "$lab/puppet/ca.log" >&2; die 'the Puppet CA was not made; see above'; }
	start_puppet_server
}

finish_puppet() {
	local tries=5
	progress 'waiting for Puppet Server'
	until wait_puppet_server; do
		if ! grep -qs BindException "$lab/puppet/output" || [ $((tries -= 1)) -eq 0 ]; then
			show_log_tails
			die 'Puppet Server did not come up; see its log above'
		fi
		end_services puppet
		progress "Puppet Server's port was taken meanwhile, trying another"
		move_puppet_server
		start_puppet_server
	done
	make_puppet_user || { cat "$lab/puppet/ca.log" >&2; die 'the Puppet CA gave no certificate; see above'; }
}

# The port is in the configuration of the server, of each node and in the environment, nowhere else.
move_puppet_server() {
	local old port
	old=$(sed -n "s/^export LAB_PUPPET_PORT='\(.*\)'/\1/p" "$lab/puppet/env")
	read -r port < <(free_ports 1)
	sed -i "s/\b$old\b/$port/" "$lab"/puppet/{env,puppet.conf,conf.d/server.conf} "$lab/env" \
		"$lab"/nodes/*/puppet/puppet.conf
	# shellcheck source=/dev/null
	. "$lab/env"
}

# write_puppet_node FOLDER IDENTITY: a Puppet agent that has no certificate yet and never ran.
# On a connection kept open the server is deaf for 30 s after a request for a certificate.
write_puppet_node() {
	mkdir -p "$1"/{root,puppet/facts.d}
	cat >"$1/puppet/puppet.conf" <<-END
	# A line that nobody may lose.
	[main]
	confdir = $1/puppet
	codedir = $1/puppet/code
	vardir = $1/puppet/var
	logdir = $1/puppet/log
	rundir = $1/puppet/run
	publicdir = $1/puppet/public
	ssldir = $1/puppet/ssl
	certname = $2
	server = localhost
	serverport = $(sed -n 's/^serverport = //p' "$lab/puppet/puppet.conf")
	factpath = $1/puppet/var/lib/facter:$here/puppet/facts
	keylength = 2048
	http_keepalive_timeout = 0

	[agent]
	environment = production
	waitforcert = 0
	END
	printf 'lab_root: "%s"\n' "$1/root" >"$1/puppet/facts.d/lab.yaml"
	cat >>"$1/server.cfg" <<-END
	plugin.puppet.config = $1/puppet/puppet.conf
	plugin.puppet.command = puppet agent --confdir $1/puppet --logdest $1/puppet/log/agent.log
	END
}

# node_puppet NODE ARGUMENT...: puppet as on that node.
node_puppet() {
	local node=$1
	shift
	exec_clean puppet "$@" --confdir "$lab/nodes/$node/puppet"
}

# As a machine does when it boots for the first time.
submit_requests() {
	local node
	need_puppet_server
	for node; do
		(node_puppet "$node" ssl submit_request) || die "$node could not submit its request"
	done
}

cmd_puppet() {
	need_lab
	need_puppet_server
	case $*,$(node_state puppet) in
	stop,*)	end_services puppet ;;
	freeze,*) signal STOP puppet ;;
	start,frozen) signal CONT puppet ;;
	start,running) ;;
	start,*)
		start_puppet_server
		wait_puppet_server || { show_log_tails; die 'Puppet Server did not come up; see its log above'; }
		;;
	ca\ *)	exec_clean puppetserver "$@" --config "$lab/puppet/puppet.conf" ;;
	*)	usage ;;
	esac
}
