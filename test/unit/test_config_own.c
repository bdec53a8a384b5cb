/*
 * Our own configuration files: what is taken from which place, and above all what is refused. Where
 * the system's file counts too, a child looks at a world of its own (chroot), which needs root.
 */
#define _GNU_SOURCE
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdbool.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "deploy/config.h"
#include "model/secret.h"

#include "folder.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define SECRET	     "words-that-stay"
#define NOBODY	     65534

static char file[96];

static int make_folder(void **state)
{
	static const char *const variables[] = {"MCOLLECTIVE_PSK", "STOMP_USER", "STOMP_PASSWORD",
		"XDG_CONFIG_HOME", "DEPLOYCTL_TTL", "DEPLOYCTL_TIMEOUT", "DEPLOYCTL_OUTPUT",
		"DEPLOYCTL_COLOR", "DEPLOYCTL_BATCH", "DEPLOYCTL_PSK", "DEPLOYCTL_VHOST"};

	(void)state;
	for (size_t i = 0; i < COUNT(variables); i++)
		(void)unsetenv(variables[i]);
	if (open_folder("test_config_own") != 0)
		return -1;
	(void)snprintf(file, sizeof(file), "%s/config.yaml", folder);
	return 0;
}

/* A configuration as text: "key=value @origin" a line, then the error; the folder is "~". */
static void describe(
	char *text, size_t size, const struct deploy_config *config, const struct deploy_error *err)
{
	char *all = NULL, *at;
	size_t len = 0;
	FILE *out = open_memstream(&all, &len);

	for (size_t i = 0; i < config->setting_count; i++)
		(void)fprintf(out, "%s=%s @%s\n", config->settings[i].key,
			config->settings[i].value, config->settings[i].origin);
	for (size_t i = 0; i < config->file_count; i++)
		(void)fprintf(out, "file %s: %s\n", config->files[i].path,
			deploy_config_use_name(config->files[i].use));
	for (size_t i = 0; i < config->warning_count; i++)
		(void)fprintf(out, "warning %s (%s)\n", config->warnings[i].text,
			config->warnings[i].hint);
	(void)fprintf(out, "context %s\n", config->context ? config->context : "none");
	(void)fprintf(out, "path %s\n", config->path ? config->path : "none");
	if (err->code)
		(void)fprintf(out, "error %s: %s | %s\n", deploy_code_name(err->code), err->text,
			err->hint);
	(void)fclose(out);
	text[0] = '\n';
	len = 1;
	for (at = all; *at && len < size - 1;) {
		bool is_folder = strncmp(at, folder, strlen(folder)) == 0;

		text[len++] = is_folder ? '~' : *at;
		at += is_folder ? strlen(folder) : 1;
	}
	text[len] = '\0';
	free(all);
}

/* What loading comes to, as describe() tells it. Borrowed until the next call. */
static const char *load(const struct deploy_config_options *options)
{
	static char text[64 * 1024];
	struct deploy_config *config = NULL;
	struct deploy_error err = {.code = DEPLOY_OK};
	int rc = deploy_config_load(&config, options, &err);

	assert_int_equal(rc, err.code);
	assert_non_null(config);
	describe(text, sizeof(text), config, &err);
	/* Every text is one line, and no secret is in it. */
	assert_null(strpbrk(err.text, "\r\n"));
	assert_null(strstr(text, SECRET));
	deploy_config_free(config);
	return text;
}

static const char *load_file(void)
{
	return load(&(struct deploy_config_options){.path = file});
}

static const char *load_text(const char *text)
{
	write_text(file, text);
	return load_file();
}

static void expect(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("\"%s\" is not in:%s", part, text);
}

static void expect_not(const char *text, const char *part)
{
	if (strstr(text, part))
		fail_msg("\"%s\" is in:%s", part, text);
}

/* A file, and a part of what it comes to. */
struct comes {
	const char *text, *part;
};

static void expect_all(const struct comes *table, size_t count)
{
	for (size_t i = 0; i < count; i++)
		expect(load_text(table[i].text), table[i].part);
}

/* Keys beside one broker. */
static void expect_keys(const struct comes *table, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		char text[2048];

		(void)snprintf(text, sizeof(text), "brokers: [b]\n%s\n", table[i].text);
		expect(load_text(text), table[i].part);
	}
}

static void ddl_dirs_of_the_command_line_come_first(void **state)
{
	static const char *const dirs[] = {"one", "/two"};
	static const struct {
		const char *text, *part;
	} table[] = {
		{"brokers: [b]\nddl_dirs: [/a]\n", "\nddl_dirs=one,/two,/a @--ddl-dir, ~/config"},
		{"brokers: [b]\n", "\nddl_dirs=one,/two,/usr/share/"},
		{"brokers: [b]\nddl_dirs: [a]\n", "\nddl_dirs=one,/two @--ddl-dir\n"},
		{"words", "\nddl_dirs=one,/two @--ddl-dir\n"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(table); i++) {
		struct deploy_config_options options = {
			.path = file, .ddl_dirs = dirs, .ddl_dir_count = COUNT(dirs)};

		write_text(file, table[i].text);
		expect(load(&options), table[i].part);
		options.ddl_dir_count = 0;
		expect_not(load(&options), "--ddl-dir");
	}
}

static void what_is_not_said_is_built_in(void **state)
{
	static const char *const rows[] = {"\nbrokers.1.host=b @~/config.yaml:1:11\n",
		"\nbrokers.1.port=5672 @built-in\n", "\nbrokers.1.user= @built-in\n",
		"\nbrokers.1.password= @built-in\n", "\nbrokers.1.tls=false @built-in\n",
		"\nvhost=/ @built-in\n", "\nsecurity=psk @built-in\n", "\npsk= @built-in\n",
		"\ncaller=uid @built-in\n", "\nmain_collective=mcollective @built-in\n",
		"\ncollectives=mcollective @built-in\n", "\nbase64=false @built-in\n",
		"\nttl=60 @built-in\n", "\ntimeout= @built-in\n",
		"\ndiscovery_timeout=2s @built-in\n", "\nwindow_time=300ms @built-in\n",
		"\nconnection_timeout=5s @built-in\n", "\nbatch=0 @built-in\n",
		"\nbatch_sleep=1s @built-in\n", "\noutput=table @built-in\n",
		"\ncolor=auto @built-in\n",
		"\nddl_dirs=/usr/share/mcollective/plugins/mcollective,/opt/puppetlabs/mcollective/"
		"plugins/mcollective,/opt/puppetlabs/puppet/cache/lib/mcollective,/usr/lib/ruby/"
		"vendor_ruby/mcollective @built-in\n",
		"\nguard.confirm_above=20 @built-in\n", "\nstate=", "\nkeep.days=90 @built-in\n",
		"\nkeep.runs=1000 @built-in\n",
		"\nrole_facts.collection=deploop_collection @built-in\n",
		"\nrole_facts.category=deploop_category @built-in\n",
		"\nrole_facts.role=deploop_role @built-in\n",
		"\nrole_facts.entity=deploop_entity @built-in\n", "\npuppet.url= @built-in\n",
		"\npuppet.ca= @built-in\n", "\npuppet.cert= @built-in\n",
		"\npuppet.key= @built-in\n", "\nfile ~/config.yaml: used\n",
		"\ncontext none\npath ~/config.yaml\n"};
	const char *text = load_text("brokers: [b]\n"), *at = text;

	(void)state;
	/* Each behind the one before it. */
	for (size_t i = 0; i < COUNT(rows); i++) {
		const char *found = strstr(at, rows[i]);

		if (!found)
			fail_msg("\"%s\" is not in its place in:%s", rows[i], text);
		at = found;
	}
	expect_not(text, "error");
}

static void the_struct_holds_what_the_settings_show(void **state)
{
	struct deploy_error err = {.code = DEPLOY_OK};
	struct deploy_config *config = NULL;

	(void)state;
	write_text(file, "brokers: [a, 'b:7']\nuser: ann\npsk: {env: DEPLOYCTL_PSK}\n"
			 "password: {env: DEPLOYCTL_PSK}\nidentity: admin\ncaller: identity\n"
			 "collectives: [x, y]\nmain_collective: y\nbase64: true\nttl: 2m\n"
			 "timeout: 1.5\nwindow_time: 10ms\nbatch: 7\nbatch_sleep: 0\n"
			 "output: json\ncolor: never\nddl_dirs: [/d]\nguard: {confirm_above: 0}\n"
			 "state: /s.db\nkeep: {days: 7}\nrole_facts: {collection: a}\n"
			 "puppet: {url: 'https://p:8140', ca: ca.pem, key: /k.pem}\n"
			 "tls: {ca: [/c, ca.pem]}\nvhost: mco\n");
	(void)setenv("DEPLOYCTL_PSK", SECRET, 1);
	assert_int_equal(0,
		deploy_config_load(&config, &(struct deploy_config_options){.path = file}, &err));
	assert_int_equal(2, config->broker_count);
	assert_string_equal("b", config->brokers[1].host);
	assert_int_equal(7, config->brokers[1].port);
	assert_int_equal(5671, config->brokers[0].port);
	assert_string_equal("ann", config->brokers[1].user);
	assert_string_equal(SECRET, config->brokers[1].password);
	assert_string_equal(SECRET, config->psk);
	assert_true(config->brokers[0].uses_tls);
	assert_memory_equal("/c,/", config->brokers[0].ca_file, 4);
	assert_string_equal("mco", config->vhost);
	assert_string_equal("identity=admin", config->callerid);
	assert_string_equal("y", config->main_collective);
	assert_int_equal(2, config->collective_count);
	assert_true(config->base64);
	assert_int_equal(120, config->ttl_s);
	assert_int_equal(1500, config->timeout_ms);
	assert_int_equal(10, config->window_ms);
	assert_int_equal(2000, config->discovery_timeout_ms);
	assert_int_equal(7, config->default_batch_size);
	assert_int_equal(0, config->default_batch_sleep_ms);
	assert_string_equal("json", config->output);
	assert_string_equal("never", config->color);
	assert_int_equal(1, config->ddl_dir_count);
	assert_int_equal(0, config->confirm_above);
	assert_string_equal("a", config->role_facts[DEPLOY_ROLE_COLLECTION]);
	assert_string_equal("deploop_entity", config->role_facts[DEPLOY_ROLE_ENTITY]);
	assert_string_equal("https://p:8140", config->puppet.url);
	assert_string_equal("/k.pem", config->puppet.key_file);
	assert_string_equal("/s.db", config->state);
	assert_int_equal(7, config->keep_days);
	assert_int_equal(1000, config->keep_runs);
	/* From the folder of the file. */
	assert_int_equal('/', config->puppet.ca_file[0]);
	assert_non_null(strstr(config->puppet.ca_file, "/ca.pem"));
	deploy_config_free(config);
	(void)unsetenv("DEPLOYCTL_PSK");
}

static void the_values_of_keys_are_taken(void **state)
{
	static const struct comes table[] = {
		{"vhost: /mco", "\nvhost=/mco @~/config.yaml:2:8\n"},
		{"main_collective: eu", "\ncollectives=eu @built-in\n"},
		{"collectives: [eu, us]", "\ncollectives=eu,us @~/config.yaml:2:14\n"},
		{"security: psk", "\nsecurity=psk @~/config.yaml:2:11\n"},
		{"caller: gid", "\ncaller=gid @"},
		{"identity: web.example.net", "\nidentity=web.example.net @"},
		{"identity: '007'", "\nidentity=007 @"},
		{"base64: true", "\nbase64=true @"},
		{"ttl: 1", "\nttl=1 @"},
		{"ttl: 315359990", "\nttl=315359990 @"},
		{"ttl: 60s", "\nttl=60 @"},
		{"ttl: '90'", "\nttl=90 @"},
		{"ttl: 2m", "\nttl=120 @"},
		{"timeout: 0.25", "\ntimeout=250ms @"},
		{"timeout: 0", "\ntimeout=0s @"},
		{"timeout: 1h", "\ntimeout=3600s @"},
		{"discovery_timeout: 1", "\ndiscovery_timeout=1s @"},
		{"window_time: 10ms", "\nwindow_time=10ms @"},
		{"connection_timeout: 1m", "\nconnection_timeout=60s @"},
		{"batch: 0", "\nbatch=0 @~"},
		{"batch: 2147483647", "\nbatch=2147483647 @"},
		{"batch_sleep: 0", "\nbatch_sleep=0s @~"},
		{"output: yaml", "\noutput=yaml @"},
		{"color: never", "\ncolor=never @"},
		{"ddl_dirs: [/a, /b]", "\nddl_dirs=/a,/b @"},
		{"guard: {confirm_above: 1000000}",
			"\nguard.confirm_above=1000000 @~/config.yaml:2:24"},
		{"guard:\n  confirm_above: 0", "\nguard.confirm_above=0 @~/config.yaml:3:18\n"},
	};

	(void)state;
	expect_keys(table, COUNT(table));
}

static void brokers_are_written_in_three_ways(void **state)
{
	static const struct comes table[] = {
		{"brokers: [a, b]", "\nbrokers.2.host=b @~/config.yaml:1:14\n"},
		{"brokers:\n- a:1\n", "\nbrokers.1.port=1 @~/config.yaml:2:3\n"},
		{"brokers: ['[::1]:9']", "\nbrokers.1.host=::1 @"},
		{"brokers: ['[::1]:9']", "\nbrokers.1.port=9 @"},
		{"brokers: ['[::1]']", "\nbrokers.1.host=::1 @"},
		{"brokers: ['[::1]']", "\nbrokers.1.port=5672 @built-in\n"},
		{"brokers: [{host: '::1', port: 65535}]", "\nbrokers.1.port=65535 @"},
		{"brokers: [{host: a, user: u}]", "\nbrokers.1.user=u @"},
		{"brokers: [a, {host: b, user: u}]\nuser: all",
			"\nbrokers.1.user=all @~/config.yaml:2:7"},
		{"user: all\nbrokers: [a, {host: b, user: u}]",
			"\nbrokers.2.user=u @~/config.yaml:2:30"},
		{"brokers: [a]\ntls: {ca: /c}", "\nbrokers.1.port=5671 @built-in\n"},
		{"brokers: [a]\ntls: {ca: /c}", "\nbrokers.1.tls.ca=/c @~/config.yaml:2:11\n"},
		{"brokers: [a]\ntls: {ca: [/c, d.pem]}", "\nbrokers.1.tls.ca=/c,~/d.pem @"},
		{"brokers: [a]\ntls: {ca: /c, cert: /d, key: e}", "\nbrokers.1.tls.key=~/e @"},
		{"brokers: [a]\ntls: false", "\nbrokers.1.tls=false @~/config.yaml:2:6\n"},
		{"brokers: [{host: a, tls: false}, b]\ntls: {ca: /c}",
			"\nbrokers.1.tls=false @~/config.yaml:1:26\n"},
		{"brokers: [{host: a, tls: false}, b]\ntls: {ca: /c}", "\nbrokers.1.port=5672 @"},
		{"brokers: [{host: a, tls: {ca: /x}}]\ntls: {ca: /c, cert: /d, key: /e}",
			"\nbrokers.1.tls.ca=/x @~/config.yaml:1:31\nvhost"},
		{"{\"brokers\": [\"a\"], \"ttl\": 5}", "\nttl=5 @~/config.yaml:1:27\n"},
		{"---\nbrokers: [a]\n", "\nbrokers.1.host=a @~/config.yaml:2:11\n"},
		{"%YAML 1.2\n---\nbrokers: [a]\n", "\nbrokers.1.host=a @"},
		{"# words = more\n\n  # x\nbrokers: [a]\n", "\nbrokers.1.host=a @"},
	};

	(void)state;
	expect_all(table, COUNT(table));
}

static void what_is_wrong_is_named_with_its_place(void **state)
{
	static const struct comes table[] = {
		{"borkers: [a]", ":2:1: unknown key 'borkers' (read as deployctl's own YAML) | did "
				 "you mean 'brokers'?"},
		{"contxt: a", "did you mean 'context'?"},
		{"gard: {}", "did you mean 'guard'?"},
		{"guard: {confirm_abov: 1}",
			":2:9: unknown key 'guard.confirm_abov' (read as deployctl's own YAML) | "
			"did you mean 'confirm_above'?"},
		{"guard.confirm_above: 1", "unknown key 'guard.confirm_above'"},
		{"guard: 5", "guard wants a mapping"},
		{"keep: {confirm_above: 1}", "unknown key 'keep.confirm_above'"},
		{"puppet: {ulr: https://p}", "did you mean 'url'?"},
		{"puppet: {url: http://p}", "it must be https://HOST"},
		{"puppet: {url: 'https://p/x'}", "nothing but a host and a port"},
		{"puppet: {url: 'https://ann@p'}", "nothing but a host and a port"},
		{"puppet: {ca: [a, b]}", "puppet.ca wants one file"},
		{"role_facts: {role: a b}", "no name of a fact"},
		{"role_facts: {role: ../a}", "no name of a fact"},
		/* What assign-role would take, and push-facts then refuse. */
		{"role_facts: {role: 'a:b'}", "no name of a fact"},
		{"role_facts: {role: a2345678901234567890123456789012345678901}",
			"no name of a fact"},
		{"role_facts: {role: a, entity: a}",
			"config.yaml:2:31: role_facts.role and role_facts.entity are both 'a'"},
		{"role_facts: {category: deploop_role}",
			"config.yaml:2:24: role_facts.category and role_facts.role are both"},
		{"keep: {days: 0}", "keep.days is 0"},
		{"state: 5", "state wants a text"},
		{"ttl: [1]", ":2:6: ttl wants a time"},
		{"ttl:", "ttl has no value"},
		{"ttl: ~", "ttl has no value"},
		{"ttl: 0", "config.yaml:2:6: ttl is 0, not within 1 and 315359990"},
		{"ttl: -5", "ttl is -5, not within"},
		{"ttl: 315359991", "ttl is 315359991"},
		{"ttl: 1.5", "ttl is '1.500', not whole seconds"},
		{"ttl: 500ms", "ttl is '500ms', not whole seconds"},
		{"ttl: 0x10", "ttl: time \"0x10\""},
		{"ttl: 1_000", "ttl: time \"1_000\""},
		{"ttl: 11d2h", "ttl: time"},
		{"timeout: -1", "timeout: time \"-1\""},
		{"timeout: soon", "timeout: time \"soon\""},
		{"timeout: 11y", "timeout: time"},
		{"timeout: 1e300", "more than ten years"},
		{"timeout: 0.0001", "timeout is '0.000100000', less than a millisecond"},
		{"timeout: 0.4ms", "timeout is '0.4ms', less than a millisecond"},
		{"discovery_timeout: 0", "discovery_timeout is '0', it must be more than 0"},
		{"window_time: 0s", "window_time is '0s', it must be more than 0"},
		{"connection_timeout: 0.0001", "it must be more than 0"},
		{"batch: 1.5", "batch wants a whole number"},
		{"batch: '5'", "batch wants a whole number"},
		{"batch: -1", "batch is -1, not within 0 and 2147483647"},
		{"batch: 2147483648", "batch is 2147483648"},
		{"batch_sleep: never", "batch_sleep: time"},
		{"guard: {confirm_above: 1000001}", "guard.confirm_above is 1000001"},
		{"vhost: 5",
			"vhost wants a text (read as deployctl's own YAML) | put it in quotes"},
		{"vhost: ''", "vhost is empty"},
		{"vhost: [a]", "vhost wants a text"},
		{"security: ssl", "security is ssl, only psk is supported"},
		{"caller: usr", "caller is 'usr', none of uid, gid, user, group, identity | did "
				"you mean 'user'?"},
		{"identity: a b", "identity 'a b' is none"},
		{"identity: \xc3\xa4", "is none"},
		{"main_collective: a/b", "main_collective 'a/b' is none"},
		{"collectives: a", "collectives wants a list of texts"},
		{"collectives: []", "collectives wants a list of texts"},
		{"collectives: [a, 5]", ":2:18: collectives wants a list of texts"},
		{"collectives: [a, b/c]", "'b/c' is no name of a collective"},
		{"base64: yes", "base64 wants true or false"},
		{"base64: 1", "base64 wants true or false"},
		{"ddl_dirs: [a]", "ddl_dirs: 'a' is no absolute path"},
		{"ddl_dirs: /a", "ddl_dirs wants a list of texts"},
		{"tls: true", "tls wants {ca: FILE}"},
		{"tls: {}", "tls without ca: a broker is never trusted unverified"},
		{"tls: {cert: /c, key: /d}", "tls without ca"},
		{"tls: {ca: /c, cert: /d}", "cert and key belong together"},
		{"tls: {ca: /c, key: /d}", "cert and key belong together"},
		{"tls: {ca: /c, cert: [/a], key: /d}", "cert wants one file"},
		{"tls: {ca: '/a b'}", "no commas and blanks"},
		{"tls: {CA: /c}", "unknown key 'CA' of tls"},
		{"tls: {ca: [/c, 5]}", "ca wants a list of texts"},
	};

	(void)state;
	expect_keys(table, COUNT(table));
}

static void brokers_that_are_wrong_are_named(void **state)
{
	static const struct comes table[] = {
		{"brokers: []", ":1:10: brokers wants a list of 1 to 64"},
		{"brokers: a", "brokers wants a list of 1 to 64"},
		{"brokers:", "brokers has no value"},
		{"brokers: [5]", ":1:11: brokers.1 wants HOST"},
		{"brokers: [a, null]", "brokers.2 has no value"},
		{"brokers: ['']", "brokers.1 wants HOST"},
		{"brokers: ['a:']", "brokers.1 is 'a:', neither HOST nor HOST:PORT"},
		{"brokers: [':5']", "neither HOST nor HOST:PORT"},
		{"brokers: ['::1']", "neither HOST nor HOST:PORT (read as deployctl's own YAML) | "
				     "an IPv6 address stands in brackets"},
		{"brokers: ['[::1']", "neither HOST nor HOST:PORT"},
		{"brokers: ['[]:5']", "neither HOST nor HOST:PORT"},
		{"brokers: ['[::1]5']", "neither HOST nor HOST:PORT"},
		{"brokers: ['a:b']", "brokers.1.port is 'b', no number"},
		{"brokers: ['a:0']", "brokers.1.port is 0, not within 1 and 65535"},
		{"brokers: ['a:0x10']", "brokers.1.port is '0x10', no number"},
		{"brokers: [{host: a, port: 65536}]", ":1:27: brokers.1.port is 65536"},
		{"brokers: [{host: a, port: '5'}]", "brokers.1.port wants a whole number"},
		{"brokers: [{port: 5}]", "brokers.1 has no host"},
		{"brokers: [{}]", "brokers.1 has no host"},
		{"brokers: [{hots: a}]", "unknown key 'hots' of brokers.1 (read as deployctl's own "
					 "YAML) | did you mean 'host'?"},
		{"brokers: [{host: a, user: ''}]", "brokers.1.user is empty"},
		{"brokers: [{host: a, password: x}]", "brokers.1.password is a secret"},
	};
	char text[1024] = "brokers: [a";

	(void)state;
	expect_all(table, COUNT(table));
	for (size_t i = 1; i < 64; i++)
		(void)strcat(text, ",a");
	(void)strcat(text, "]");
	expect(load_text(text), "\nbrokers.64.host=a @");
	text[strlen(text) - 1] = '\0';
	(void)strcat(text, ",a]");
	expect(load_text(text), "brokers wants a list of 1 to 64");
}

static void what_is_no_yaml_of_ours_is_refused(void **state)
{
	static const struct comes table[] = {
		{"", "error config: ~/config.yaml: no brokers are named (read as deployctl's own "
		     "YAML) | brokers: [HOST]"},
		{"\n\n# nothing\n", "no brokers are named"},
		{"{}", "no brokers are named"},
		{"ttl: 5", "no brokers are named"},
		{"- a\n- b\n", "a configuration is a mapping"},
		{"words", "a configuration is a mapping"},
		{"brokers: [a]\nttl: 5\nttl: 6\n", "error config: ~/config.yaml:3"},
		{"brokers: [a]\n\tttl: 5\n", "error config: ~/config.yaml:2"},
		{"brokers: &x [a]\n", "error config: ~/config.yaml:1"},
		{"brokers: *x\n", "error config: ~/config.yaml:1"},
		{"ttl: !!int 5\n", "error config: ~/config.yaml:1"},
		{"brokers: [a]\n---\nttl: 5\n", "error config: ~/config.yaml:2"},
		{"brokers: [a\n", "error config: ~/config.yaml:"},
		{"brokers: [a]\n<<: {ttl: 5}\n", "error config: ~/config.yaml:2"},
		{"\xff\xfe\n", "error config: ~/config.yaml"},
	};

	(void)state;
	expect_all(table, COUNT(table));
	write_bytes(file, "brokers: [a]\n\0", 14);
	expect(load_file(), "no text, it holds a NUL");
}

static void the_language_of_a_file_shows_in_its_first_line(void **state)
{
	static const struct comes table[] = {
		{"connector = activemq", "connector is activemq, only rabbitmq is supported (read "
					 "as an mco client.cfg)"},
		{"\n# a: b\n  ttl=5", "(read as an mco client.cfg)"},
		{"plugin.rabbitmq.vhost\t= x", "(read as an mco client.cfg)"},
		{"a-b = c", "(read as deployctl's own YAML)"},
		{"a b = c", "(read as deployctl's own YAML)"},
		{"= c", "(read as deployctl's own YAML)"},
		{"vhos: a = b", "(read as deployctl's own YAML)"},
		{"---\nttl = 5", "a configuration is a mapping"},
	};

	(void)state;
	expect_all(table, COUNT(table));
}

static void contexts_win_over_the_top_level(void **state)
{
	static const char text[] = "context: prod\nttl: 1\nbatch: 2\nbrokers: [top]\nvhost: top\n"
				   "contexts:\n  prod: {ttl: 3, brokers: [prod]}\n"
				   "  lab: {timeout: 4s}\n";
	const char *got = load_text(text);

	(void)state;
	expect(got, "\ncontext prod\n");
	expect(got, "\nttl=3 @~/config.yaml:7:15\n");
	expect(got, "\nbatch=2 @~/config.yaml:3:8\n");
	expect(got, "\nbrokers.1.host=prod @");
	expect(got, "\nvhost=/ @built-in\n");
	got = load(&(struct deploy_config_options){.path = file, .context = "lab"});
	expect(got, "\ncontext lab\n");
	expect(got, "\nttl=1 @");
	expect(got, "\ntimeout=4s @");
	expect(got, "\nbrokers.1.host=top @");
	expect(got, "\nvhost=top @");
}

static void contexts_that_are_wrong_are_named(void **state)
{
	static const struct comes table[] = {
		{"context: prdo\ncontexts: {prod: {}}",
			"error config: ~/config.yaml:2:10: there is no context 'prdo' | did you "
			"mean 'prod'?"},
		{"context: prod",
			"error config: ~/config.yaml:2:10: there is no context 'prod' | "},
		{"context: 5", ":2:10: context wants the name"},
		{"context:", "context wants the name"},
		{"context: a b", "context wants the name"},
		{"contexts: [a]", "contexts wants a mapping"},
		{"contexts:", "contexts wants a mapping"},
		{"contexts: {a b: {}}", ":2:12: 'a b' is no name of a context"},
		{"contexts: {a: 5}", "context 'a' wants a mapping"},
		{"contexts: {a: }", "context 'a' wants a mapping"},
		{"contexts: {a: {context: b}}", "unknown key 'context'"},
		{"contexts: {a: {contexts: {}}}", "unknown key 'contexts'"},
		{"contexts: {a: {ttl: []}}", "ttl wants a time"},
		{"contexts: {a: {vhots: x}}", "unknown key 'vhots' (read as deployctl's own YAML) "
					      "| did you mean 'vhost'?"},
	};

	(void)state;
	expect_keys(table, COUNT(table));
}

static void a_context_that_is_asked_for_must_be_there(void **state)
{
	struct deploy_config_options options = {.path = file, .context = "prdo"};
	char name[70];

	(void)state;
	write_text(file, "brokers: [b]\ncontexts: {prod: {ttl: 5}}\n");
	expect(load(&options),
		"error usage: there is no context 'prdo' in ~/config.yaml | --context=prod\n");
	options.context = "a b";
	expect(load(&options), "error usage: there is no context 'a b' in ~/config.yaml | \n");
	memset(name, 'a', sizeof(name));
	name[65] = '\0';
	options.context = name;
	expect(load(&options), "error usage: ");
	write_text(file, "connector = rabbitmq\nplugin.rabbitmq.pool.size = 1\n"
			 "plugin.rabbitmq.pool.1.host = b\n");
	options.context = "prod";
	expect(load(&options),
		"error usage: context 'prod': there is no configuration of deployctl's own");
	(void)setenv("HOME", folder, 1);
	options.path = NULL;
	expect(load(&options),
		"error usage: context 'prod': there is no configuration of deployctl's own");
}

static void half_a_connection_is_refused(void **state)
{
	static const struct comes table[] = {
		{"context: a\nbrokers: [b]\ncontexts: {a: {psk: {file: x}}}",
			"error config: ~/config.yaml: context 'a' names psk (line 3) but no "
			"brokers; "
			"~/config.yaml:2 names brokers, but a connection comes whole from one "
			"place | "
			"move them together\n"},
		{"vhost: a", "error config: ~/config.yaml names vhost (line 1) but no brokers | "
			     "name brokers there too\n"},
		{"ttl: 5\nidentity: a", "names identity (line 2) but no brokers"},
		{"user: a", "names user (line 1) but no brokers"},
		{"tls: {ca: /c}", "names tls (line 1) but no brokers"},
		{"password: {file: x}", "names password (line 1) but no brokers"},
	};

	(void)state;
	expect_all(table, COUNT(table));
}

/* The context's brokers never meet the psk of the top level. */
static void a_connection_comes_whole_from_one_place(void **state)
{
	const char *got =
		load_text("context: a\npsk: {env: NOT_SET_AT_ALL}\nuser: top\nvhost: top\n"
			  "brokers: [top]\nidentity: top\ncontexts: {a: {brokers: [a]}}\n");

	(void)state;
	expect(got, "\npsk= @built-in\n");
	expect(got, "\nbrokers.1.user= @built-in\n");
	expect(got, "\nvhost=/ @built-in\n");
	expect_not(got, "=top");
	expect_not(got, "error");
}

static void the_environment_says_plain_keys(void **state)
{
	(void)state;
	(void)setenv("DEPLOYCTL_TTL", "7", 1);
	(void)setenv("DEPLOYCTL_OUTPUT", "json", 1);
	(void)setenv("DEPLOYCTL_VHOST", "nothing", 1);
	(void)setenv("DEPLOYCTL_BATCH", "", 1);
	expect(load_text("brokers: [a]\nttl: 5\nbatch: 3\n"), "\nttl=7 @DEPLOYCTL_TTL\n");
	expect(load_file(), "\noutput=json @DEPLOYCTL_OUTPUT\n");
	expect(load_file(), "\nvhost=/ @built-in\n");
	expect(load_file(), "\nbatch=3 @~");
	(void)setenv("DEPLOYCTL_TTL", "soon", 1);
	expect(load_file(), "error config: DEPLOYCTL_TTL: ttl: time \"soon\"");
	(void)setenv("DEPLOYCTL_TTL", "0", 1);
	expect(load_file(), "error config: DEPLOYCTL_TTL: ttl is 0");
	expect(load_file(), "\nbatch=3 @~");
}

static void a_file_of_the_user_is_found(void **state)
{
	static const struct {
		const char *xdg, *part;
	} table[] = {{NULL, "\nttl=1 @~/.config/deployctl/config.yaml:2:6\n"}, {"", "\nttl=1 @"},
		{"relative", "\nttl=1 @"},
		{"/nowhere", "\nfile /nowhere/deployctl/config.yaml: missing\n"}};

	(void)state;
	(void)setenv("HOME", folder, 1);
	assert_int_equal(0, mkdir(in_folder(".config"), 0755));
	assert_int_equal(0, mkdir(in_folder(".config/deployctl"), 0755));
	write_text(in_folder(".config/deployctl/config.yaml"), "brokers: [b]\nttl: 1\n");
	for (size_t i = 0; i < COUNT(table); i++) {
		if (table[i].xdg)
			(void)setenv("XDG_CONFIG_HOME", table[i].xdg, 1);
		expect(load(&(struct deploy_config_options){0}), table[i].part);
	}
	(void)setenv("XDG_CONFIG_HOME", in_folder(".config"), 1);
	expect(load(&(struct deploy_config_options){0}), "\nttl=1 @~/.config/");
	(void)unsetenv("XDG_CONFIG_HOME");
	expect(load(&(struct deploy_config_options){0}), "\nfile ~/.mcollective: not needed\n");
	(void)unsetenv("HOME");
	expect_not(load(&(struct deploy_config_options){0}), "~/.config");
}

static void a_file_that_is_no_regular_one_is_refused(void **state)
{
	(void)state;
	(void)alarm(20);
	assert_int_equal(0, mkdir(file, 0755));
	expect(load_file(), "error config: ~/config.yaml: not a regular file | \n");
	expect(load_file(), "\nfile ~/config.yaml: refused\n");
	assert_int_equal(0, rmdir(file));
	assert_int_equal(0, mkfifo(file, 0600));
	expect(load_file(), "not a regular file");
	(void)alarm(0);
}

/* A hole takes no room. */
static void a_file_of_a_gibibyte_is_refused(void **state)
{
	(void)state;
	write_text(file, "brokers: [a]\n#");
	assert_int_equal(0, truncate(file, 1024L * 1024 * 1024));
	expect(load_file(), "error config: ~/config.yaml: larger than 1048576 bytes");
}

static void a_file_that_others_can_write_is_refused(void **state)
{
	(void)state;
	write_text(file, "brokers: [a]\n");
	assert_int_equal(0, chmod(file, 0646));
	expect(load_file(), "~/config.yaml: everybody can write it | chmod o-w ~/config.yaml\n");
	assert_int_equal(0, chmod(file, 0664));
	if (getegid() != 0)
		expect(load_file(),
			" can write it (read as deployctl's own YAML) | chmod g-w ~/config.yaml\n");
	else
		expect_not(load_file(), "error");
	assert_int_equal(0, chmod(file, 0644));
	expect_not(load_file(), "error");
}

static void need_root(void)
{
	if (geteuid() != 0)
		skip();
}

static void a_file_of_somebody_else_is_refused(void **state)
{
	(void)state;
	need_root();
	write_text(file, "brokers: [a]\n");
	assert_int_equal(0, chown(file, NOBODY, 0));
	expect(load_file(), "~/config.yaml: belongs to user 65534, neither root nor you");
	assert_int_equal(0, chown(file, 0, NOBODY));
	expect_not(load_file(), "error");
	assert_int_equal(0, chmod(file, 0660));
	expect(load_file(), "~/config.yaml: group 65534 can write it (read as deployctl's own "
			    "YAML) | chmod g-w ~/config.yaml\n");
}

/* What loading comes to for another user (uid 0: who we are), perhaps in a world of its own. */
static const char *in_child(
	const char *root, uid_t uid, const struct deploy_config_options *options)
{
	static char text[64 * 1024];
	int ends[2], status;
	size_t len = 0;
	ssize_t n;
	pid_t child;

	assert_int_equal(0, pipe(ends));
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		const char *got;

		if (root && (chroot(root) != 0 || chdir("/") != 0))
			_exit(1);
		if (uid && (setgid(uid) != 0 || setuid(uid) != 0))
			_exit(2);
		got = load(options);
		_exit(write(ends[1], got, strlen(got)) == (ssize_t)strlen(got) ? 0 : 3);
	}
	(void)close(ends[1]);
	while ((n = read(ends[0], text + len, sizeof(text) - 1 - len)) > 0)
		len += (size_t)n;
	(void)close(ends[0]);
	assert_int_equal(child, waitpid(child, &status, 0));
	assert_true(WIFEXITED(status));
	assert_int_equal(0, WEXITSTATUS(status));
	text[len] = '\0';
	return text;
}

static void make_folders(void)
{
	static const char *const folders[] = {"home", "home/.config", "home/.config/deployctl",
		"etc", "etc/deployctl", "etc/mcollective"};

	for (size_t i = 0; i < COUNT(folders); i++)
		(void)mkdir(in_folder(folders[i]), 0755);
	(void)setenv("HOME", "/home", 1);
}

#define USER_FILE   "home/.config/deployctl/config.yaml"
#define SYSTEM_FILE "etc/deployctl/config.yaml"
#define MCO                                                                                        \
	"connector = rabbitmq\nplugin.rabbitmq.pool.size = 1\n"                                    \
	"plugin.rabbitmq.pool.1.host = mco\n"

/* The first places files of a world say key with values of their own; returns what wins. */
struct told {
	const char *key, *variable, *mco;
	const char *values[7]; /* environment … mco, and what is built in, as they are shown */
};

static void write_told(const struct told *told, size_t first)
{
	char text[512];

	/* Places before first say nothing. */
	if (first > 0)
		(void)unsetenv(told->variable);
	else
		(void)setenv(told->variable, told->values[0], 1);
	(void)snprintf(text, sizeof(text), "%s%s: %s\ncontexts:\n  c:\n    %s%s: %s\n",
		first > 2 ? "# " : "", told->key, told->values[2], first > 1 ? "# " : "", told->key,
		told->values[1]);
	if (first > 1)
		(void)snprintf(text, sizeof(text), "%s%s: %s\ncontexts: {c: {}}\n",
			first > 2 ? "# " : "", told->key, told->values[2]);
	write_text(in_folder(USER_FILE), text);
	(void)snprintf(text, sizeof(text), "%s%s: %s\ncontexts: {c: {%s%s%s}}\n",
		first > 4 ? "# " : "", told->key, told->values[4], first > 3 ? "" : told->key,
		first > 3 ? "" : ": ", first > 3 ? "" : told->values[3]);
	write_text(in_folder(SYSTEM_FILE), text);
	(void)snprintf(text, sizeof(text), MCO "%s%s = %s\n", first > 5 ? "#" : "",
		told->mco ? told->mco : "#", told->values[5]);
	write_text(in_folder("home/.mcollective"), text);
}

static void the_first_place_that_says_a_key_wins(void **state)
{
	static const struct told table[] = {
		{"ttl", "DEPLOYCTL_TTL", "ttl", {"11", "12", "13", "14", "15", "16", "60"}},
		{"timeout", "DEPLOYCTL_TIMEOUT", NULL, {"11s", "12s", "13s", "14s", "15s", "", ""}},
		{"discovery_timeout", "DEPLOYCTL_DISCOVERY_TIMEOUT", "discovery_timeout",
			{"11s", "12s", "13s", "14s", "15s", "16s", "2s"}},
		{"window_time", "DEPLOYCTL_WINDOW_TIME", NULL,
			{"11ms", "12ms", "13ms", "14ms", "15ms", "300ms", "300ms"}},
		{"connection_timeout", "DEPLOYCTL_CONNECTION_TIMEOUT", "connection_timeout",
			{"11s", "12s", "13s", "14s", "15s", "16s", "5s"}},
		{"batch", "DEPLOYCTL_BATCH", "default_batch_size",
			{"11", "12", "13", "14", "15", "16", "0"}},
		{"batch_sleep", "DEPLOYCTL_BATCH_SLEEP", "default_batch_sleep_time",
			{"11s", "12s", "13s", "14s", "15s", "16", "1s"}},
		{"output", "DEPLOYCTL_OUTPUT", NULL,
			{"json", "jsonl", "name", "wide", "yaml", "table", "table"}},
		{"color", "DEPLOYCTL_COLOR", NULL,
			{"always", "never", "auto", "always", "never", "auto", "auto"}},
	};
	static const char *const origins[] = {NULL, "/" USER_FILE ":4:", "/" USER_FILE ":1:",
		"/" SYSTEM_FILE ":2:", "/" SYSTEM_FILE ":1:", "/home/.mcollective:4", "built-in"};
	const struct deploy_config_options options = {.context = "c"};

	(void)state;
	need_root();
	make_folders();
	for (size_t i = 0; i < COUNT(table); i++)
		for (size_t first = 0; first < 7; first++) {
			bool is_preset = first == 5 && !table[i].mco;
			const char *text, *row;
			char want[128];

			write_told(&table[i], first);
			text = in_child(folder, 0, &options);
			(void)snprintf(want, sizeof(want), "\n%s=%s", table[i].key,
				table[i].values[first]);
			row = strstr(text, want);
			(void)snprintf(want, sizeof(want), " @%s",
				first == 0 ? table[i].variable : origins[is_preset ? 6 : first]);
			if (!row || !strstr(row, want) || strstr(row, want) > strchr(row + 1, '\n'))
				fail_msg("%s, place %zu: not \"%s%s\" in:%s", table[i].key, first,
					table[i].values[first], want, text);
		}
}

static void a_connection_is_that_of_the_first_file_that_names_a_key_of_it(void **state)
{
	static const struct {
		const char *user, *system, *part;
	} table[] = {
		{"ttl: 5", "ttl: 6", "\nbrokers.1.host=mco @/home/.mcollective:3\n"},
		{"ttl: 5", "brokers: [s]", "\nbrokers.1.host=s @/etc/deployctl/config.yaml:1:11\n"},
		{"ttl: 5", "brokers: [s]", "\nfile /home/.mcollective: not needed\n"},
		{"brokers: [u]", "brokers: [s]\nvhost: s\npsk: {env: NONE}",
			"\nvhost=/ @built-in\n"},
		{"vhost: u", "brokers: [s]",
			"error config: /home/.config/deployctl/config.yaml names vhost (line 1) "
			"but no "
			"brokers; /etc/deployctl/config.yaml:1 names brokers, but a connection "
			"comes "
			"whole from one place | move them together\n"},
		{"brokers: [u]", "base64: true\nttl: 6", "\nbase64=false @built-in\n"},
		{"brokers: [u]", "base64: true\nttl: 6",
			"\nttl=6 @/etc/deployctl/config.yaml:2:6\n"},
		{"context: c", "brokers: [s]\ncontexts: {c: {brokers: [sc]}}",
			"\nbrokers.1.host=sc @"},
		{"context: c\ncontexts: {c: {ttl: 5}}",
			"context: d\nbrokers: [s]\ncontexts: {d: {ttl: 6}}", "\nttl=5 @"},
		{"ttl: 5", "context: d\nbrokers: [s]\ncontexts: {d: {batch: 6}}", "\nbatch=6 @"},
		{"context: x", "brokers: [s]\ncontexts: {y: {}}",
			"error config: /home/.config/deployctl/config.yaml:1:10: there is no "
			"context 'x'"},
		{"ttl: x", "brokers: [s]",
			"error config: /home/.config/deployctl/config.yaml:1:6: ttl"},
		{"words", "brokers: [s]",
			"\nfile /home/.config/deployctl/config.yaml: refused\ncontext"},
		{"ttl: 5", "words", "\nttl=5 @/home/.config/deployctl/config.yaml:1:6\n"},
	};

	(void)state;
	need_root();
	make_folders();
	write_text(in_folder("home/.mcollective"), MCO);
	for (size_t i = 0; i < COUNT(table); i++) {
		write_text(in_folder(USER_FILE), table[i].user);
		write_text(in_folder(SYSTEM_FILE), table[i].system);
		expect(in_child(folder, 0, &(struct deploy_config_options){0}), table[i].part);
	}
}

/* Whoever reads what is shown after an error must not take for built in what a file says. */
static void nothing_is_built_in_while_a_file_is_not_read(void **state)
{
	(void)state;
	need_root();
	make_folders();
	write_text(in_folder(USER_FILE), "ttl: 5\n");
	write_text(in_folder(SYSTEM_FILE), "words\n");
	expect_not(in_child(folder, 0, &(struct deploy_config_options){0}), "built-in");
}

static void a_file_that_may_not_be_read_is_never_skipped(void **state)
{
	static const char *const files[] = {USER_FILE, SYSTEM_FILE, "home/.mcollective"};
	char want[128];

	(void)state;
	need_root();
	make_folders();
	for (size_t i = 0; i < COUNT(files); i++) {
		write_text(in_folder(files[i]), i == 2 ? MCO : "ttl: 5\n");
		assert_int_equal(0, chmod(in_folder(files[i]), 0600));
		(void)snprintf(
			want, sizeof(want), "error config: /%s: you may not read it", files[i]);
		expect(in_child(folder, NOBODY, &(struct deploy_config_options){0}), want);
		assert_int_equal(0, chmod(in_folder(files[i]), 0644));
	}
	expect_not(in_child(folder, NOBODY, &(struct deploy_config_options){0}), "error");
	assert_int_equal(0, chmod(in_folder("etc/deployctl"), 0700));
	expect(in_child(folder, NOBODY, &(struct deploy_config_options){0}),
		"error config: /etc/deployctl/config.yaml: Permission denied");
}

/* Its disk is not mounted, perhaps: another file would mean another fleet. */
static void a_link_to_nothing_is_never_skipped(void **state)
{
	static const char *const files[] = {USER_FILE, SYSTEM_FILE, "home/.mcollective"};
	char want[128];

	(void)state;
	need_root();
	make_folders();
	for (size_t i = 0; i < COUNT(files); i++) {
		(void)unlink(in_folder(files[i]));
		assert_int_equal(0, symlink("/mnt/nowhere", in_folder(files[i])));
		(void)snprintf(
			want, sizeof(want), "error config: /%s: a link to nothing", files[i]);
		expect(in_child(folder, 0, &(struct deploy_config_options){0}), want);
		assert_int_equal(0, unlink(in_folder(files[i])));
	}
}

static void secrets_are_shown_as_where_they_are(void **state)
{
	static const struct comes table[] = {
		{"psk: {file: /x/y}", "\npsk=file:/x/y @~/config.yaml:2:6\n"},
		{"psk: {file: sub/psk}", "\npsk=file:~/sub/psk @"},
		{"psk: {env: THE_PSK}", "\npsk=env:THE_PSK @"},
		{"psk: {cmd: [pass, show, mco/psk]}", "\npsk=cmd:pass show mco/psk @"},
		{"password: {env: P}", "\nbrokers.1.password=env:P @~/config.yaml:2:11\n"},
		{"psk: " SECRET, ":2:6: psk is a secret, which does not stand here itself (read as "
				 "deployctl's own YAML) | psk: {file: /etc/deployctl/psk}\n"},
		{"psk: 12345", "psk is a secret"},
		{"psk:", "psk has no value"},
		{"psk: {}", "psk wants to be told where it is"},
		{"psk: {" SECRET ": }", "psk wants to be told where it is"},
		{"psk: {file: /x, env: Y}", "psk wants to be told where it is"},
		{"psk: {file: 5}", "psk wants to be told where it is"},
		{"psk: {file: ''}", "psk wants to be told where it is"},
		{"psk: {cmd: pass show}", "cmd wants a list of texts, the program first"},
		{"psk: {cmd: []}", "cmd wants a list of texts, the program first"},
		{"psk: {cmd: [pass, 5]}", ":2:19: cmd wants a list of texts"},
		{"psk: [" SECRET "]", "psk wants to be told where it is"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(table); i++) {
		const struct deploy_config_options closed = {.path = file, .leaves_secrets = true};
		char text[512];

		(void)snprintf(text, sizeof(text), "brokers: [b]\n%s\n", table[i].text);
		write_text(file, text);
		expect(load(&closed), table[i].part);
	}
}

static void secrets_that_cannot_be_opened_are_named(void **state)
{
	static const struct comes table[] = {
		{"psk: {file: /no/such/psk}",
			"error config: ~/config.yaml:2:6: psk: /no/such/psk: No such file"},
		{"psk: {env: NOT_SET_AT_ALL}",
			":2:6: psk: environment variable NOT_SET_AT_ALL is not set"},
		{"psk: {cmd: ['false']}", ":2:6: psk: command 'false' ended with status 1"},
		{"password: {cmd: [no-such-program-anywhere]}",
			":2:11: password: command 'no-such-program-anywhere' cannot be run"},
		{"psk: {cmd: [sh, -c, 'echo " SECRET "; exit 3']}",
			"command 'sh' ended with status 3"},
	};

	(void)state;
	expect_keys(table, COUNT(table));
}

static void secrets_are_opened_once_and_only_if_they_win(void **state)
{
	char text[512];
	struct stat st;

	(void)state;
	(void)snprintf(text, sizeof(text),
		"context: c\npsk: {cmd: [sh, -c, 'echo x >>%s/top; echo p']}\n"
		"contexts:\n  c:\n    brokers: [a, b, {host: d, password: {env: DEPLOYCTL_PSK}}]\n"
		"    password: {cmd: [sh, -c, 'echo x >>%s/count; echo p']}\n",
		folder, folder);
	(void)setenv("DEPLOYCTL_PSK", SECRET, 1);
	expect_not(load_text(text), "error");
	assert_int_equal(0, stat(in_folder("count"), &st));
	assert_int_equal(2, st.st_size);
	assert_int_equal(-1, stat(in_folder("top"), &st));
	expect_not(load(&(struct deploy_config_options){.path = file, .leaves_secrets = true}),
		"error");
	assert_int_equal(0, stat(in_folder("count"), &st));
	assert_int_equal(2, st.st_size);
}

static void secrets_of_a_configuration_that_is_wrong_are_not_opened(void **state)
{
	char text[512];
	struct stat st;

	(void)state;
	(void)snprintf(
		text, sizeof(text), "brokers: ['a:0']\npsk: {cmd: [touch, %s/opened]}\n", folder);
	expect(load_text(text), "brokers.1.port is 0");
	assert_int_equal(-1, stat(in_folder("opened"), &st));
}

static void a_key_that_everybody_can_read_is_refused(void **state)
{
	(void)state;
	write_text(in_folder("key"), "k");
	expect_not(load_text("brokers: [a]\ntls: {ca: c, cert: d, key: key}\n"), "error");
	assert_int_equal(0, chmod(in_folder("key"), 0644));
	expect(load_file(),
		"error config: ~/key: everybody can read this private key | chmod o-rw ~/key\n");
}

static void an_mco_file_is_told_in_our_keys(void **state)
{
	static const struct comes table[] = {
		{"", "\nbrokers.1.host=mco @~/config.yaml:3\n"},
		{"", "\ncollectives=mcollective @built-in\n"},
		{"plugin.rabbitmq.pool.1.amqp_port = 0x10",
			"\nbrokers.1.port=16 @~/config.yaml:4\n"},
		{"plugin.rabbitmq.pool.1.user = ann", "\nbrokers.1.user=ann @~/config.yaml:4\n"},
		{"plugin.rabbitmq.pool.1.password = " SECRET,
			"\nbrokers.1.password=(set) @~/config.yaml:4\n"},
		{"plugin.psk = " SECRET, "\npsk=(set) @~/config.yaml:4\n"},
		{"plugin.psk.callertype = gid", "\ncaller=gid @~/config.yaml:4\n"},
		{"plugin.psk.callertype = words", "\ncaller=uid @~/config.yaml:4\n"},
		{"securityprovider = Psk", "\nsecurity=psk @~/config.yaml:4\n"},
		{"plugin.rabbitmq.vhost = v", "\nvhost=v @~/config.yaml:4\n"},
		{"plugin.rabbitmq.base64 = y", "\nbase64=true @~/config.yaml:4\n"},
		{"collectives = a, b", "\ncollectives=a,b @~/config.yaml:4\n"},
		{"default_batch_size = 010", "\nbatch=8 @~/config.yaml:4\n"},
		{"default_batch_sleep_time = 0.5", "\nbatch_sleep=500ms @~/config.yaml:4\n"},
		{"discovery_timeout = 0", "\ndiscovery_timeout=2s @built-in\n"},
		{"color = no", "\ncolor=never @~/config.yaml:4\n"},
		{"color = yes", "\ncolor=auto @built-in\n"},
		{"color = blue", "color is 'blue', neither yes nor no"},
		{"libdir = /a:/b", "\nddl_dirs=/b/mcollective,/a/mcollective,/usr/share/"
				   "mcollective/plugins/mcollective,"},
		{"libdir = /a", "\nddl_dirs=/a/mcollective,/usr/share/"},
		{"libdir = a:/b", "libdir: 'a/mcollective' is no absolute path"},
		{"libdir = :/b:", "\nddl_dirs=/b/mcollective,/usr/share/"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(table); i++) {
		char text[512];

		(void)snprintf(text, sizeof(text), MCO "%s\n", table[i].text);
		expect(load_text(text), table[i].part);
	}
	(void)setenv("MCOLLECTIVE_PSK", SECRET, 1);
	(void)setenv("STOMP_USER", "eve", 1);
	expect(load_file(), "\npsk=(set) @MCOLLECTIVE_PSK\n");
	expect(load_file(), "\nbrokers.1.user=eve @STOMP_USER\n");
	expect(load_text("brokers: [a]\n"), "\npsk= @built-in\n");
	expect(load_file(), "\nbrokers.1.user= @built-in\n");
}

static void what_an_mco_file_says_in_vain_is_a_warning(void **state)
{
	static const struct comes table[] = {
		{"topicprefix = /topic/", "\nwarning ~/config.yaml:4: topicprefix has no meaning"},
		{"topicsep = .", "\nwarning ~/config.yaml:4: topicsep has"},
		{"queueprefix = q", "\nwarning ~/config.yaml:4: queueprefix has"},
		{"rpchelptemplate = /t", "\nwarning ~/config.yaml:4: rpchelptemplate is"},
		{"helptemplatedir = /t", "\nwarning ~/config.yaml:4: helptemplatedir is"},
		{"plugin.rabbitmq.use_reply_exchange = true",
			"\nwarning ~/config.yaml:4: plugin.rabbitmq.use_reply_exchange is"},
		{"plugin.rabbitmq.randomize = 1",
			"\nwarning ~/config.yaml:4: plugin.rabbitmq.randomize is"},
		{"direct_addressing = 0", "\nwarning ~/config.yaml:4: direct_addressing is"},
		{"plugin.rabbitmq.pool.1.ssl.fallback = true",
			"never: a broker is never trusted unverified"},
		{"ttl = 5\nttl = 6\nttl = 7", "\nwarning ~/config.yaml:6: ttl is given twice: this "
					      "line wins over line 5 (remove line 5)\n"},
	};
	static const char *const fine[] = {"plugin.rabbitmq.use_reply_exchange = no",
		"direct_addressing = yes",
		"default_discovery_options = a\ndefault_discovery_options = b", "plugin.psk = x",
		"plugin.rabbitmq.pool.2.ssl.fallback = true"};
	char text[512];

	(void)state;
	for (size_t i = 0; i < COUNT(table); i++) {
		(void)snprintf(text, sizeof(text), MCO "%s\n", table[i].text);
		expect(load_text(text), table[i].part);
	}
	for (size_t i = 0; i < COUNT(fine); i++) {
		(void)snprintf(text, sizeof(text), MCO "%s\n", fine[i]);
		expect_not(load_text(text), "warning");
	}
}

/* It is there to win. */
static void a_key_that_plugin_d_says_again_is_no_warning(void **state)
{
	(void)state;
	assert_int_equal(0, mkdir(in_folder("plugin.d"), 0755));
	write_text(in_folder("plugin.d/rabbitmq.cfg"), "vhost = /other\n");
	expect(load_text(MCO "plugin.rabbitmq.vhost = /mco\n"),
		"\nvhost=/other @~/plugin.d/rabbitmq.cfg:1\n");
	expect(load_file(), "\nfile ~/plugin.d/rabbitmq.cfg: used\n");
	expect_not(load_file(), "warning");
}

static void a_secret_that_everybody_can_read_is_a_warning(void **state)
{
	(void)state;
	write_text(file, MCO "plugin.rabbitmq.pool.1.password = x\nplugin.psk = " SECRET "\n");
	expect_not(load_file(), "warning");
	assert_int_equal(0, chmod(file, 0644));
	expect(load_file(),
		"\nwarning ~/config.yaml:4: everybody can read "
		"plugin.rabbitmq.pool.1.password here (chmod o-r ~/config.yaml)\ncontext");
	write_text(file, MCO "ttl = 5\n");
	assert_int_equal(0, chmod(file, 0644));
	expect_not(load_file(), "warning");
}

static void an_mco_file_without_rabbitmq_says_which_keys_to_set(void **state)
{
	(void)state;
	expect(load_text("ttl = 5\n"),
		"connector is activemq, only rabbitmq is supported (read as an mco client.cfg) | "
		"set "
		"connector = rabbitmq, plugin.rabbitmq.pool.size, plugin.rabbitmq.pool.1.host");
	expect(load_text("securityprovider = ssl\n" MCO),
		"~/config.yaml:1: securityprovider is ssl, only psk is supported");
}

static void every_use_of_a_file_has_a_name(void **state)
{
	(void)state;
	for (int use = DEPLOY_CONFIG_USED; use <= DEPLOY_CONFIG_REFUSED; use++) {
		assert_string_not_equal(
			"unknown", deploy_config_use_name((enum deploy_config_use)use));
		for (int other = DEPLOY_CONFIG_USED; other < use; other++)
			assert_string_not_equal(
				deploy_config_use_name((enum deploy_config_use)other),
				deploy_config_use_name((enum deploy_config_use)use));
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_folder, remove_folder)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(ddl_dirs_of_the_command_line_come_first),
		TEST(what_is_not_said_is_built_in),
		TEST(the_struct_holds_what_the_settings_show),
		TEST(the_values_of_keys_are_taken),
		TEST(brokers_are_written_in_three_ways),
		TEST(what_is_wrong_is_named_with_its_place),
		TEST(brokers_that_are_wrong_are_named),
		TEST(what_is_no_yaml_of_ours_is_refused),
		TEST(the_language_of_a_file_shows_in_its_first_line),
		TEST(contexts_win_over_the_top_level),
		TEST(contexts_that_are_wrong_are_named),
		TEST(a_context_that_is_asked_for_must_be_there),
		TEST(half_a_connection_is_refused),
		TEST(a_connection_comes_whole_from_one_place),
		TEST(the_environment_says_plain_keys),
		TEST(a_file_of_the_user_is_found),
		TEST(a_file_that_is_no_regular_one_is_refused),
		TEST(a_file_of_a_gibibyte_is_refused),
		TEST(a_file_that_others_can_write_is_refused),
		TEST(a_file_of_somebody_else_is_refused),
		TEST(the_first_place_that_says_a_key_wins),
		TEST(a_connection_is_that_of_the_first_file_that_names_a_key_of_it),
		TEST(nothing_is_built_in_while_a_file_is_not_read),
		TEST(a_file_that_may_not_be_read_is_never_skipped),
		TEST(a_link_to_nothing_is_never_skipped),
		TEST(secrets_are_shown_as_where_they_are),
		TEST(secrets_that_cannot_be_opened_are_named),
		TEST(secrets_are_opened_once_and_only_if_they_win),
		TEST(secrets_of_a_configuration_that_is_wrong_are_not_opened),
		TEST(a_key_that_everybody_can_read_is_refused),
		TEST(an_mco_file_is_told_in_our_keys),
		TEST(what_an_mco_file_says_in_vain_is_a_warning),
		TEST(a_key_that_plugin_d_says_again_is_no_warning),
		TEST(a_secret_that_everybody_can_read_is_a_warning),
		TEST(an_mco_file_without_rabbitmq_says_which_keys_to_set),
		TEST(every_use_of_a_file_has_a_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
