/*
 * Client configurations: what is taken from a file, from the files beside it and from the
 * environment, and above all what is refused. Rules: those of MCollective 2.12, except where a
 * file that mco takes could not work, or would not be safe.
 */
#define _GNU_SOURCE
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdbool.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "deploy/config.h"
#include "model/client_cfg.h"

#include "folder.h"

#define COUNT(array)  (sizeof(array) / sizeof((array)[0]))
#define SECRET	      "words-that-stay"
#define MIB	      (1024 * 1024)
#define NOBODY	      65534
#define POOL	      "plugin.rabbitmq.pool."
#define LINES_OF_BASE 6

/* A file that works; what a test adds stands behind it, so that it wins. */
static const char base[] = "connector = rabbitmq\n"
			   "identity = admin.example.net\n"
			   "plugin.psk = " SECRET "\n" POOL "size = 1\n" POOL
			   "1.host = broker1.example.net\n" POOL "1.password = " SECRET "\n";

static char file[96];

static void write_base_and(const char *lines)
{
	char *text;

	assert_true(asprintf(&text, "%s%s\n", base, lines) > 0);
	write_text(file, text);
	free(text);
}

static int make_folder(void **state)
{
	static const char *const variables[] = {"MCOLLECTIVE_PSK", "STOMP_USER", "STOMP_PASSWORD",
		"MCOLLECTIVE_RABBITMQ_POOL1_SSL_CERT", "MCOLLECTIVE_RABBITMQ_POOL1_SSL_KEY",
		"MCOLLECTIVE_RABBITMQ_POOL2_SSL_KEY", "XDG_CONFIG_HOME", "DEPLOYCTL_TTL"};

	(void)state;
	for (size_t i = 0; i < COUNT(variables); i++)
		(void)unsetenv(variables[i]);
	if (open_folder("test_config") != 0)
		return -1;
	(void)snprintf(file, sizeof(file), "%s/client.cfg", folder);
	return 0;
}

static int load_path(struct deploy_config **out, const char *path, struct deploy_error *err)
{
	return deploy_config_load(out, &(struct deploy_config_options){.path = path}, err);
}

static struct deploy_config *load(void)
{
	struct deploy_config *config = NULL;
	struct deploy_error err = {.code = DEPLOY_OK};

	if (load_path(&config, file, &err))
		fail_msg("refused: %s", err.text);
	assert_string_equal(file, config->path);
	return config;
}

static struct deploy_config *load_base_and(const char *lines)
{
	write_base_and(lines);
	return load();
}

/* Neither what people see of it nor what is said against it holds the secret. */
static void expect_no_secret(const struct deploy_config *config)
{
	assert_non_null(config);
	for (size_t i = 0; i < config->setting_count; i++)
		assert_null(strstr(config->settings[i].value, SECRET));
	for (size_t i = 0; i < config->warning_count; i++) {
		assert_null(strstr(config->warnings[i].text, SECRET));
		assert_null(strstr(config->warnings[i].hint, SECRET));
	}
}

/* Load what must not work: one line, that names the file and no secret. */
static struct deploy_error refused(void)
{
	struct deploy_config *config = NULL;
	struct deploy_error err = {.code = DEPLOY_OK};

	assert_int_equal(DEPLOY_CONFIG, load_path(&config, file, &err));
	assert_int_equal(DEPLOY_CONFIG, err.code);
	expect_no_secret(config);
	deploy_config_free(config);
	assert_null(strchr(err.text, '\n'));
	assert_null(strstr(err.text, SECRET));
	assert_null(strstr(err.hint, SECRET));
	return err;
}

static void expect_refused(const char *part)
{
	struct deploy_error err = refused();

	if (!strstr(err.text, part))
		fail_msg("\"%s\" does not say \"%s\"", err.text, part);
}

/* What a configuration says of one thing, as text; NULL if it says nothing. */
static const char *field(const struct deploy_config *config, const char *name)
{
	const struct deploy_broker *first = &config->brokers[0];
	const struct deploy_broker *last = &config->brokers[config->broker_count - 1];
	static char text[600];
	const struct {
		const char *name, *text;
	} texts[] = {{"identity", config->identity}, {"main", config->main_collective},
		{"vhost", config->vhost}, {"psk", config->psk}, {"callerid", config->callerid},
		{"host", first->host}, {"user", first->user}, {"password", first->password},
		{"ca", first->ca_file}, {"cert", first->cert_file}, {"key", first->key_file},
		{"last host", last->host}, {"last key", last->key_file}};
	const struct {
		const char *name;
		long long number;
	} numbers[] = {{"brokers", (long long)config->broker_count}, {"port", first->port},
		{"tls", first->uses_tls}, {"last port", last->port}, {"ttl", config->ttl_s},
		{"discovery", config->discovery_timeout_ms},
		{"connection", config->connection_timeout_ms},
		{"batch", config->default_batch_size}, {"sleep", config->default_batch_sleep_ms},
		{"base64", config->base64}};

	for (size_t i = 0; i < COUNT(texts); i++)
		if (strcmp(name, texts[i].name) == 0)
			return texts[i].text;
	for (size_t i = 0; i < COUNT(numbers); i++)
		if (strcmp(name, numbers[i].name) == 0) {
			(void)snprintf(text, sizeof(text), "%lld", numbers[i].number);
			return text;
		}
	assert_string_equal("collectives", name);
	text[0] = '\0';
	for (size_t i = 0; i < config->collective_count; i++)
		(void)snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%s",
			i ? "|" : "", config->collectives[i]);
	return text;
}

static void expect_field(const struct deploy_config *config, const char *name, const char *want)
{
	const char *got = field(config, name);

	if (!want != !got || (want && strcmp(want, got) != 0))
		fail_msg("%s is \"%s\", not \"%s\"", name, got ? got : "(none)",
			want ? want : "(none)");
}

/* Lines that are added, and what one thing then is. */
struct taken {
	const char *lines, *field, *value;
};

static void expect_taken(const struct taken *table, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct deploy_config *config = load_base_and(table[i].lines);

		expect_field(config, table[i].field, table[i].value);
		deploy_config_free(config);
	}
}

/* Lines that are added, and a part of what is said against them. */
struct wrong {
	const char *lines, *says;
};

static void expect_wrong(const struct wrong *table, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		write_base_and(table[i].lines);
		expect_refused(table[i].says);
	}
}

static void keys_that_are_not_given_have_the_presets_of_mco(void **state)
{
	static const struct taken table[] = {
		{"", "main", "mcollective"},
		{"", "collectives", "mcollective"},
		{"", "vhost", "/"},
		{"", "brokers", "1"},
		{"", "port", "5672"},
		{"", "user", ""},
		{"", "tls", "0"},
		{"", "ca", NULL},
		{"", "cert", NULL},
		{"", "key", NULL},
		{"", "ttl", "60"},
		{"", "discovery", "2000"},
		{"", "connection", "5000"},
		{"", "batch", "0"},
		{"", "sleep", "1000"},
		{"", "base64", "0"},
	};
	char host[256] = "";
	struct deploy_config *config;

	(void)state;
	expect_taken(table, COUNT(table));
	write_text(file, "connector = rabbitmq\n" POOL "size = 1\n" POOL "1.host = b\n");
	config = load();
	assert_int_equal(0, gethostname(host, sizeof(host)));
	expect_field(config, "identity", host);
	expect_field(config, "psk", NULL);
	expect_field(config, "password", "");
	deploy_config_free(config);
}

static void lines_are_read_as_mco_reads_them(void **state)
{
	static const struct taken table[] = {
		{"identity = a.example.net", "identity", "a.example.net"},
		{"identity=a", "identity", "a"},
		{"   identity = a", "identity", "a"},
		{"\t identity\t=\ta", "identity", "a"},
		{"identity = a   \t ", "identity", "a"},
		{"identity = a\r", "identity", "a"},
		{"identity = a\r\n\r\n", "identity", "a"},
		{"identity = a\f\v", "identity", "a"},
		{"#identity = a", "identity", "admin.example.net"},
		{"# identity = a", "identity", "admin.example.net"},
		{"# identity = a = b", "identity", "admin.example.net"},
		{"identity", "identity", "admin.example.net"},
		{"identity =", "identity", "admin.example.net"},
		{"identity =   \t\r", "identity", "admin.example.net"},
		{"= a", "identity", "admin.example.net"},
		{"=", "identity", "admin.example.net"},
		{"some words that say nothing", "identity", "admin.example.net"},
		{"identity = a\nidentity = b", "identity", "b"},
		{"identity = a\nidentity =", "identity", "a"},
		{"plugin.psk = a=b=c", "psk", "a=b=c"},
		{"plugin.psk = = a", "psk", "= a"},
		{"plugin.psk == a", "psk", "= a"},
		{"plugin.psk = a # b", "psk", "a # b"},
		{"plugin.psk = #a", "psk", "#a"},
		{"plugin.psk = \"a b\"  ", "psk", "\"a b\""},
		{"plugin.psk = a  b\tc", "psk", "a  b\tc"},
		{"plugin.psk = \xc3\xa4\xff", "psk", "\xc3\xa4\xff"},
		{"plugin.psk.callertype = gid\nplugin.psk = x", "psk", "x"},
	};

	(void)state;
	expect_taken(table, COUNT(table));
}

static void a_last_line_needs_no_newline(void **state)
{
	struct deploy_config *config;
	char *text;

	(void)state;
	assert_true(asprintf(&text, "%sidentity = last", base) > 0);
	write_text(file, text);
	free(text);
	config = load();
	expect_field(config, "identity", "last");
	deploy_config_free(config);
}

static void a_file_from_windows_is_read(void **state)
{
	struct deploy_config *config;

	(void)state;
	write_text(file, "connector = rabbitmq\r\n\r\n# words\r\n" POOL "size = 1\r\n" POOL
			 "1.host = b1\r\n" POOL "1.ssl = no\r\nttl = 5\r\n");
	config = load();
	expect_field(config, "host", "b1");
	expect_field(config, "ttl", "5");
	deploy_config_free(config);
}

static void what_the_keys_say_is_taken(void **state)
{
	static const struct taken table[] = {
		{"main_collective = eu.web-1_a", "main", "eu.web-1_a"},
		{"main_collective = nowhere\ncollectives = a,b", "main", "nowhere"},
		{"main_collective = nowhere\ncollectives = a,b", "collectives", "a|b"},
		{"collectives = mcollective, eu ,us\t,  asia", "collectives",
			"mcollective|eu|us|asia"},
		{"collectives = a,,b,", "collectives", "a|b"},
		{"collectives = a\v , \r,\f b", "collectives", "a|b"},
		{"collectives = ,", "collectives", ""},
		{"connector = RabbitMQ", "host", "broker1.example.net"},
		{"securityprovider = PSK", "psk", SECRET},
		{"plugin.rabbitmq.vhost = /mco", "vhost", "/mco"},
		{POOL "size = 2\n" POOL "2.host = b2", "brokers", "2"},
		{POOL "size = 2\n" POOL "2.host = b2", "last host", "b2"},
		{POOL "2.host = b2", "brokers", "1"},
		{POOL "1.user = ann", "user", "ann"},
		{POOL "1.password = a b", "password", "a b"},
		{POOL "1.port = 61614", "port", "5672"},
		{POOL "1.port = words", "port", "5672"},
		{POOL "1.amqp_port = 5673", "port", "5673"},
		{POOL "1.amqp_port = 1", "port", "1"},
		{POOL "1.amqp_port = 65535", "port", "65535"},
		{POOL "1.ssl = true\n" POOL "1.ssl.ca = /c", "tls", "1"},
		{POOL "1.ssl = true\n" POOL "1.ssl.ca = /c", "port", "5671"},
		{POOL "1.ssl = true\n" POOL "1.ssl.ca = /c", "ca", "/c"},
		{POOL "1.ssl = 1\n" POOL "1.ssl.ca = /c\n" POOL "1.amqp_port = 9", "port", "9"},
		{POOL "1.ssl = y\n" POOL "1.ssl.ca = /c\n" POOL "1.ssl.cert = /d\n" POOL
		      "1.ssl.key = /e",
			"key", "/e"},
		{POOL "1.ssl.ca = /c", "ca", NULL},
		{"plugin.rabbitmq.base64 = yes", "base64", "1"},
		{"plugin.rabbitmq.agents_multiplex = no", "base64", "0"},
		{"plugin.rabbitmq.use_reply_exchange = true", "host", "broker1.example.net"},
		{"ttl = 1", "ttl", "1"},
		{"ttl = 0x3c", "ttl", "60"},
		{"ttl = 315359990", "ttl", "315359990"},
		{"discovery_timeout = 7", "discovery", "7000"},
		{"discovery_timeout = 1_0", "discovery", "10000"},
		{"discovery_timeout = 010", "discovery", "8000"},
		{"discovery_timeout = 1.5", "discovery", "1500"},
		{"discovery_timeout = 300ms", "discovery", "300"},
		{"discovery_timeout = 0", "discovery", "2000"},
		{"connection_timeout = 30", "connection", "30000"},
		{"connection_timeout = 0", "connection", "5000"},
		{"connection_timeout = 1m", "connection", "60000"},
		{"default_batch_size = 10", "batch", "10"},
		{"default_batch_sleep_time = 0.5", "sleep", "500"},
		{"default_batch_sleep_time = 0", "sleep", "0"},
		{"default_batch_sleep_time = 010", "sleep", "10000"},
	};

	(void)state;
	expect_taken(table, COUNT(table));
}

/* Every key that MCollective 2.12 takes, whether it means something here or not. */
static void every_key_of_mco_is_known(void **state)
{
	static const char lines[] =
		"activate_agents = true\nclassesfile = /c\ncolor = false\ndaemonize = true\n"
		"default_discovery_method = mc\ndefault_discovery_options = a\n"
		"default_discovery_options = b\ndirect_addressing = true\n"
		"direct_addressing_threshold = 10\nfact_cache_time = 300\nfactsource = yaml\n"
		"helptemplatedir = /h\nkeeplogs = 5\nlibdir = /a:/b\nlogfacility = user\n"
		"logfile = /l\nlogger_type = console\nloglevel = warn\nmax_log_size = 1\n"
		"publish_timeout = 2\nqueueprefix = q\nregisterinterval = 0\nregistration = x\n"
		"registration_collective = c\nregistration_splay = no\nrpcaudit = no\n"
		"rpcauditprovider = l\nrpcauthorization = no\nrpcauthprovider = a\n"
		"rpchelptemplate = /t\nrpclimitmethod = first\nsoft_shutdown = no\n"
		"soft_shutdown_timeout = 1\nssl_cipher = c\nthreaded = false\ntopicprefix = t\n"
		"topicsep = .\nplugin.yaml = /f\nplugin.puppet.command = puppet agent\n"
		"plugin.a = b\nplugin.with blanks = c";

	(void)state;
	deploy_config_free(load_base_and(lines));
}

static void what_is_wrong_is_named(void **state)
{
	static const struct wrong table[] = {
		{"connector = activemq", "connector is activemq"},
		{"connector = rabbitmq2", "connector is rabbitmq2"},
		{"securityprovider = ssl", "securityprovider is ssl"},
		{"securityprovider = aes_security", "securityprovider is aes_security"},
		{"securityprovider = choria", "securityprovider is choria"},
		{"identity = a b", "identity 'a b'"},
		{"identity = a/b", "identity 'a/b'"},
		{"identity = \xc3\xa4", "is none"},
		{"main_collective = a b", "main_collective 'a b'"},
		{"main_collective = a/b", "main_collective 'a/b'"},
		{"collectives = a,b/c", "'b/c' is no name"},
		{"collectives = *", "'*' is no name"},
		{"collectives = a b", "'a b' is no name"},
		{POOL "size = 0", "size is 0, not within 1 and 64"},
		{POOL "size = -1", "size is -1"},
		{POOL "size = 65", "size is 65"},
		{POOL "size = 9223372036854775807", "not within"},
		{POOL "size = 9223372036854775808", "no number"},
		{POOL "size = one", "size is 'one', no number"},
		{POOL "size = 2", POOL "2.host is missing"},
		{POOL "size = 2\n" POOL "3.host = b", POOL "2.host is missing"},
		{POOL "1.amqp_port = 0", "amqp_port is 0"},
		{POOL "1.amqp_port = 65536", "amqp_port is 65536"},
		{POOL "1.amqp_port = -1", "amqp_port is -1"},
		{POOL "1.amqp_port = 5672x", "no number"},
		{POOL "1.ssl = maybe", "ssl is 'maybe', neither yes nor no"},
		{POOL "1.ssl = 2", "neither yes nor no"},
		{POOL "1.ssl = yes", "ssl without ssl.ca"},
		{POOL "1.ssl = yes\n" POOL "1.ssl.fallback = yes", "ssl without ssl.ca"},
		{POOL "1.ssl = yes\n" POOL "1.ssl.ca = /c\n" POOL "1.ssl.cert = /d",
			"belong together"},
		{POOL "1.ssl = yes\n" POOL "1.ssl.ca = /c\n" POOL "1.ssl.key = /e",
			"belong together"},
		{"plugin.rabbitmq.base64 = nein", "neither yes nor no"},
		{"plugin.rabbitmq.agents_multiplex = true", "agents_multiplex is not supported"},
		{"ttl = 0", "ttl is 0"},
		{"ttl = -5", "ttl is -5"},
		{"ttl = 60s", "ttl is '60s', no number"},
		{"ttl = 315359991", "ttl is 315359991"},
		{"default_batch_size = -1", "default_batch_size is -1"},
		{"default_batch_size = 2147483648", "not within"},
		{"default_batch_size = 1.5", "no number"},
		{"default_batch_sleep_time = -1", "default_batch_sleep_time"},
		{"default_batch_sleep_time = soon", "default_batch_sleep_time"},
		{"discovery_timeout = -1", "discovery_timeout"},
		{"discovery_timeout = 11 years", "discovery_timeout"},
		{"connection_timeout = 9999999999", "connection_timeout"},
		{"connection_timeout = x", "connection_timeout"},
	};

	(void)state;
	expect_wrong(table, COUNT(table));
}

static void a_value_that_is_wrong_is_named_with_its_line(void **state)
{
	static const char *const lines[] = {"ttl = x", POOL "1.ssl = x", "discovery_timeout = x",
		POOL "size = x", "default_batch_sleep_time = x"};
	char want[128];

	(void)state;
	(void)snprintf(want, sizeof(want), "%s:%d: ", file, LINES_OF_BASE + 3);
	for (size_t i = 0; i < COUNT(lines); i++) {
		char text[128];

		(void)snprintf(text, sizeof(text), "\n# words\n%s\ncolor = no", lines[i]);
		write_base_and(text);
		expect_refused(want);
	}
}

static void an_unknown_key_is_named_with_its_line_and_the_one_that_was_meant(void **state)
{
	static const struct {
		const char *line, *key, *hint;
	} table[] = {
		{"identiy = a", "'identiy'", "'identity'"},
		{"Identity = a", "'Identity'", "'identity'"},
		{"main_colective = a", "'main_colective'", "'main_collective'"},
		{"plugins.psk = " SECRET, "'plugins.psk'", ""},
		{"plugin. = a", "'plugin.'", ""},
		{"wholly.different = a", "'wholly.different'", ""},
		{"  # identity = a", "'# identity'", ""},
		{"max_hbrlck_fails = 1", "'max_hbrlck_fails'", ""},
		{"[section] = a", "'[section]'", ""},
		{"\xef\xbb\xbfttl = 5", "ttl'", ""},
	};
	char want[96];

	(void)state;
	(void)snprintf(want, sizeof(want), ":%d: unknown key", LINES_OF_BASE + 1);
	for (size_t i = 0; i < COUNT(table); i++) {
		struct deploy_error err;

		write_base_and(table[i].line);
		err = refused();
		assert_non_null(strstr(err.text, want));
		assert_non_null(strstr(err.text, table[i].key));
		assert_non_null(strstr(err.hint, table[i].hint));
	}
}

static void a_connector_a_pool_and_a_host_must_be_named(void **state)
{
	static const struct wrong table[] = {
		{"ttl = 5\n", "connector is activemq"},
		{"\n\n# nothing\n  ttl = 5\n", "connector is activemq"},
		{POOL "size = 1\n" POOL "1.host = b\n", "connector is activemq"},
		{"connector = rabbitmq\n", POOL "size is missing"},
		{"connector = rabbitmq\n" POOL "size =\n", POOL "size is missing"},
		{"connector = rabbitmq\n" POOL "1.host = b\n", POOL "size is missing"},
		{"connector = rabbitmq\n" POOL "size = 1\n", POOL "1.host is missing"},
		{"connector = rabbitmq\n" POOL "size = 1\n" POOL "1.host =\n",
			POOL "1.host is missing"},
		{"connector = rabbitmq\n" POOL "size = 1\n" POOL "01.host = b\n",
			POOL "1.host is missing"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(table); i++) {
		write_text(file, table[i].lines);
		expect_refused(table[i].says);
	}
}

static void the_pool_is_kept_in_its_order(void **state)
{
	struct deploy_config *config;
	char lines[64 * 64], name[16];
	size_t len = 0;

	(void)state;
	len += (size_t)snprintf(lines, sizeof(lines), POOL "size = 64\n" POOL "64.amqp_port = 64");
	for (int i = 64; i > 0; i--)
		len += (size_t)snprintf(
			lines + len, sizeof(lines) - len, "\n" POOL "%d.host = b%d", i, i);
	config = load_base_and(lines);
	assert_int_equal(64, config->broker_count);
	for (size_t i = 0; i < 64; i++) {
		(void)snprintf(name, sizeof(name), "b%zu", i + 1);
		assert_string_equal(name, config->brokers[i].host);
	}
	expect_field(config, "last port", "64");
	deploy_config_free(config);
}

/* The value of plugin.x after it went through a file. */
static void read_value(struct dp_client_cfg *cfg, const char *value)
{
	struct deploy_error err = {.code = DEPLOY_OK};
	char *line;

	assert_true(asprintf(&line, "plugin.x = %s\n", value) > 0);
	write_text(file, line);
	free(line);
	*cfg = (struct dp_client_cfg){.path = NULL};
	assert_int_equal(0, dp_client_cfg_read(cfg, file, &err));
}

static void words_for_yes_and_no_are_those_of_mco(void **state)
{
	static const char *const yes[] = {"1", "yes", "true", "y", "t", "YES", "True", "Y", "tRuE"};
	static const char *const no[] = {"0", "no", "false", "n", "f", "NO", "False", "N", "fALSE"};
	static const char *const neither[] = {
		"on", "off", "2", "-1", "00", "yes!", "ye", "truee", "yes no", "\"yes\"", "nil"};

	(void)state;
	for (size_t i = 0; i < COUNT(yes) + COUNT(no) + COUNT(neither); i++) {
		bool wants_yes = i < COUNT(yes), is_word = i < COUNT(yes) + COUNT(no);
		bool value = !wants_yes;
		struct deploy_error err = {.code = DEPLOY_OK};
		struct dp_client_cfg cfg;

		read_value(&cfg, wants_yes ? yes[i]
				 : is_word ? no[i - COUNT(yes)]
					   : neither[i - COUNT(yes) - COUNT(no)]);
		assert_int_equal(is_word ? DEPLOY_OK : DEPLOY_CONFIG,
			dp_client_cfg_bool(&cfg, "plugin.x", &value, &err));
		assert_int_equal(is_word ? wants_yes : !wants_yes, value);
		dp_client_cfg_release(&cfg);
	}
}

static void numbers_are_those_of_ruby(void **state)
{
	static const struct {
		const char *text;
		long long number;
	} table[] = {{"0", 0}, {"00", 0}, {"7", 7}, {"+7", 7}, {"-7", -7}, {"0x1F", 31},
		{"0X1f", 31}, {"-0x1f", -31}, {"+0b11", 3}, {"0B11", 3}, {"0o17", 15}, {"0O17", 15},
		{"017", 15}, {"-017", -15}, {"0d19", 19}, {"0D19", 19}, {"0_7", 7}, {"1_000", 1000},
		{"1_0_0", 100}, {"0xa_b", 171}, {"9223372036854775807", INT64_MAX},
		{"-9223372036854775807", -INT64_MAX}};

	(void)state;
	for (size_t i = 0; i < COUNT(table); i++) {
		struct deploy_error err = {.code = DEPLOY_OK};
		struct dp_client_cfg cfg;
		long long number = 99;

		read_value(&cfg, table[i].text);
		if (dp_client_cfg_number(&cfg, "plugin.x", INT64_MIN, INT64_MAX, &number, &err))
			fail_msg("%s", err.text);
		if (number != table[i].number)
			fail_msg("%s is %lld", table[i].text, number);
		dp_client_cfg_release(&cfg);
	}
}

static void what_ruby_takes_for_no_number_is_none(void **state)
{
	static const char *const texts[] = {"x", "-", "+", "--1", "+-1", "- 1", "1 2", "1.0", "1e3",
		"08", "019", "0b2", "0b", "0x", "0xg", "0x0x5", "0b0b1", "0o8", "0o_7", "0d_1",
		"0da", "_1", "1_", "1__2", "0_", "0__7", "0x_1", "0x-1", "1,000", "1k", "60s",
		"9223372036854775808", "-9223372036854775808", "99999999999999999999999",
		"1111111111111111111111111111111111111111111111111111111111111111111111111111"};

	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++) {
		struct deploy_error err = {.code = DEPLOY_OK};
		struct dp_client_cfg cfg;
		long long number = 99;

		read_value(&cfg, texts[i]);
		if (!dp_client_cfg_number(&cfg, "plugin.x", INT64_MIN, INT64_MAX, &number, &err))
			fail_msg("%s is %lld", texts[i], number);
		assert_int_equal(DEPLOY_CONFIG, err.code);
		assert_non_null(strstr(err.text, ":1: plugin.x is '"));
		assert_int_equal(99, number);
		dp_client_cfg_release(&cfg);
	}
}

static void a_key_that_is_missing_leaves_what_was_there(void **state)
{
	struct deploy_error err = {.code = DEPLOY_OK};
	struct dp_client_cfg cfg;
	long long number = 99;
	bool is_set = true;

	(void)state;
	read_value(&cfg, "a\nplugin.x = b");
	assert_int_equal(0, dp_client_cfg_bool(&cfg, "plugin.y", &is_set, &err));
	assert_int_equal(0, dp_client_cfg_number(&cfg, "plugin.y", 1, 2, &number, &err));
	assert_true(is_set && number == 99);
	assert_null(dp_client_cfg_find(&cfg, "plugin.y"));
	assert_null(dp_client_cfg_text(&cfg, "plugin.y", NULL));
	assert_string_equal("preset", dp_client_cfg_text(&cfg, "plugin.y", "preset"));
	assert_string_equal("b", dp_client_cfg_text(&cfg, "plugin.x", "preset"));
	assert_int_equal(2, dp_client_cfg_find(&cfg, "plugin.x")->line);
	dp_client_cfg_release(&cfg);
	assert_int_equal(0, cfg.count);
}

static void the_environment_wins_over_the_file(void **state)
{
	static const struct {
		const char *variable, *field, *without;
	} table[] = {
		{"MCOLLECTIVE_PSK", "psk", SECRET},
		{"STOMP_USER", "user", "ann"},
		{"STOMP_PASSWORD", "password", SECRET},
		{"MCOLLECTIVE_RABBITMQ_POOL1_SSL_CERT", "cert", "/d"},
		{"MCOLLECTIVE_RABBITMQ_POOL1_SSL_KEY", "key", "/e"},
		{"MCOLLECTIVE_RABBITMQ_POOL2_SSL_KEY", "last key", "/h"},
	};

	(void)state;
	write_base_and(POOL "1.user = ann\n" POOL "1.ssl = 1\n" POOL "1.ssl.ca = /c\n" POOL
			    "1.ssl.cert = /d\n" POOL "1.ssl.key = /e\n" POOL "size = 2\n" POOL
			    "2.host = b\n" POOL "2.ssl = 1\n" POOL "2.ssl.ca = /c\n" POOL
			    "2.ssl.cert = /g\n" POOL "2.ssl.key = /h");
	for (size_t i = 0; i < COUNT(table); i++) {
		static const char *const values[] = {"from-the-environment", ""};

		for (size_t j = 0; j < COUNT(values); j++) {
			struct deploy_config *config;

			(void)setenv(table[i].variable, values[j], 1);
			config = load();
			expect_field(config, table[i].field,
				values[j][0] ? values[j] : table[i].without);
			deploy_config_free(config);
		}
		(void)unsetenv(table[i].variable);
	}
}

static void the_environment_is_enough_for_a_key_or_a_secret(void **state)
{
	struct deploy_config *config;

	(void)state;
	(void)setenv("MCOLLECTIVE_PSK", "p", 1);
	(void)setenv("MCOLLECTIVE_RABBITMQ_POOL1_SSL_CERT", "/d", 1);
	write_text(file, "connector = rabbitmq\n" POOL "size = 1\n" POOL "1.host = b\n" POOL
			 "1.ssl = 1\n" POOL "1.ssl.ca = /c\n");
	expect_refused("belong together");
	(void)setenv("MCOLLECTIVE_RABBITMQ_POOL1_SSL_KEY", "/e", 1);
	config = load();
	expect_field(config, "psk", "p");
	expect_field(config, "cert", "/d");
	expect_field(config, "key", "/e");
	deploy_config_free(config);
}

/* Who mco's Etc.getlogin says we are. */
static const char *login_name(void)
{
	return getlogin() ? getlogin() : getenv("USER");
}

static void the_caller_is_who_the_callertype_says(void **state)
{
	const struct group *group = getgrgid(getgid());
	char want[6][300];
	static const char *const types[] = {"uid", "gid", "identity", "Gid", "word", "user"};

	(void)state;
	(void)setenv("USER", "ann", 1);
	(void)snprintf(want[0], sizeof(want[0]), "uid=%lu", (unsigned long)getuid());
	(void)snprintf(want[1], sizeof(want[1]), "gid=%lu", (unsigned long)getgid());
	(void)snprintf(want[2], sizeof(want[2]), "identity=admin.example.net");
	(void)snprintf(want[3], sizeof(want[3]), "%s", want[0]);
	(void)snprintf(want[4], sizeof(want[4]), "%s", want[0]);
	(void)snprintf(want[5], sizeof(want[5]), "user=%s", login_name());
	for (size_t i = 0; i < COUNT(types); i++) {
		char line[64];
		struct taken taken = {line, "callerid", want[i]};

		(void)snprintf(line, sizeof(line), "plugin.psk.callertype = %s", types[i]);
		expect_taken(&taken, 1);
	}
	if (group) {
		struct taken taken = {"plugin.psk.callertype = group", "callerid", want[0]};

		(void)snprintf(want[0], sizeof(want[0]), "group=%s", group->gr_name);
		expect_taken(&taken, 1);
	}
}

static void a_caller_that_nodes_would_drop_is_refused(void **state)
{
	static const char *const names[] = {"ann@example.net", "DOMAIN\\ann", "two words"};

	(void)state;
	if (getlogin())
		skip();
	write_base_and("plugin.psk.callertype = user");
	for (size_t i = 0; i < COUNT(names); i++) {
		(void)setenv("USER", names[i], 1);
		expect_refused("nodes accept no caller named '");
	}
}

static void a_file_of_one_mebibyte_is_read_and_no_larger_one(void **state)
{
	char *text = malloc(MIB + 1);
	struct deploy_config *config;

	(void)state;
	assert_non_null(text);
	memset(text, '\n', MIB + 1);
	memcpy(text, base, sizeof(base) - 1);
	write_bytes(file, text, MIB);
	config = load();
	expect_field(config, "host", "broker1.example.net");
	deploy_config_free(config);
	write_bytes(file, text, MIB + 1);
	free(text);
	expect_refused("larger than 1048576 bytes");
}

static void a_file_of_nothing_but_keys_is_read_in_time(void **state)
{
	char *text = malloc(MIB);
	size_t len = sizeof(base) - 1;
	struct deploy_config *config;

	(void)state;
	assert_non_null(text);
	memcpy(text, base, len);
	while (len < MIB - 20)
		len += (size_t)snprintf(text + len, 20, "plugin.a=b\n");
	write_bytes(file, text, len);
	free(text);
	config = load();
	expect_field(config, "host", "broker1.example.net");
	deploy_config_free(config);
}

static void a_file_with_a_nul_is_no_text(void **state)
{
	static const char texts[][32] = {
		"plugin.psk = a\0b\n", "\0", "# a\n\0", "connector\0= a\n"};
	static const size_t lengths[] = {17, 1, 5, 14};

	(void)state;
	for (size_t i = 0; i < COUNT(lengths); i++) {
		write_bytes(file, texts[i], lengths[i]);
		expect_refused("no text, it holds a NUL");
	}
}

static void what_is_no_regular_file_is_refused_at_once(void **state)
{
	struct deploy_error err = {.code = DEPLOY_OK};
	struct deploy_config *config = NULL;

	(void)state;
	(void)alarm(20);
	expect_refused("No such file");
	assert_int_equal(0, mkdir(file, 0755));
	expect_refused("not a regular file");
	assert_int_equal(0, rmdir(file));
	assert_int_equal(0, mkfifo(file, 0600));
	expect_refused("not a regular file");
	assert_int_equal(0, unlink(file));
	assert_int_equal(0, symlink("client.cfg", file));
	expect_refused("symbolic links");
	assert_int_equal(DEPLOY_CONFIG, load_path(&config, "/dev/null", &err));
	deploy_config_free(config);
	assert_string_equal("/dev/null: not a regular file", err.text);
	(void)alarm(0);
}

static void a_link_to_a_file_is_followed(void **state)
{
	(void)state;
	write_text(in_folder("real.cfg"), base);
	assert_int_equal(0, symlink("real.cfg", file));
	deploy_config_free(load());
}

static void a_file_that_everybody_can_write_is_refused(void **state)
{
	static const mode_t refused_modes[] = {0602, 0606, 0646, 0666, 0777, 0002};
	static const mode_t fine_modes[] = {0600, 0400, 0640, 0644, 0660, 0664};

	(void)state;
	write_text(file, base);
	for (size_t i = 0; i < COUNT(refused_modes); i++) {
		struct deploy_error err;

		/* Only root may read what is 0002. */
		if (refused_modes[i] == 0002 && geteuid() != 0)
			continue;
		assert_int_equal(0, chmod(file, refused_modes[i]));
		err = refused();
		assert_non_null(strstr(err.text, "everybody can write it"));
		assert_non_null(strstr(err.hint, "chmod o-w /tmp/"));
	}
	for (size_t i = 0; i < COUNT(fine_modes); i++) {
		assert_int_equal(0, chmod(file, fine_modes[i]));
		deploy_config_free(load());
	}
}

static void a_private_key_that_everybody_can_read_is_refused(void **state)
{
	struct deploy_error err;
	char lines[400];

	(void)state;
	write_text(in_folder("key.pem"), "key");
	(void)snprintf(lines, sizeof(lines),
		POOL "1.ssl = 1\n" POOL "1.ssl.ca = /c\n" POOL "1.ssl.cert = /d\n" POOL
		     "1.ssl.key = %s",
		in_folder("key.pem"));
	write_base_and(lines);
	deploy_config_free(load());
	assert_int_equal(0, chmod(in_folder("key.pem"), 0644));
	err = refused();
	assert_non_null(strstr(err.text, "key.pem: everybody can read"));
	assert_non_null(strstr(err.hint, "chmod o-rw"));
	(void)setenv("MCOLLECTIVE_RABBITMQ_POOL1_SSL_KEY", "/e", 1);
	deploy_config_free(load());
}

static void put_in_plugin_d(const char *name, const char *text)
{
	char path[512];

	(void)mkdir(in_folder("plugin.d"), 0755);
	(void)snprintf(path, sizeof(path), "%s/plugin.d/%s", folder, name);
	write_text(path, text);
}

static void files_in_plugin_d_win_over_the_file(void **state)
{
	struct deploy_config *config;

	(void)state;
	put_in_plugin_d(
		"rabbitmq.cfg", "# words\nvhost = /other\n pool.1.host=b9 \r\n\nbase64 = 1");
	put_in_plugin_d("psk.cfg", "callertype = gid\n");
	put_in_plugin_d("puppet_2.cfg", "command = puppet agent\nempty =\nidentity = none\n");
	config = load_base_and("");
	expect_field(config, "vhost", "/other");
	expect_field(config, "host", "b9");
	expect_field(config, "base64", "1");
	expect_field(config, "psk", SECRET);
	expect_field(config, "identity", "admin.example.net");
	assert_memory_equal("gid=", config->callerid, 4);
	deploy_config_free(config);
}

static void only_names_of_a_word_and_cfg_count_in_plugin_d(void **state)
{
	static const char *const names[] = {"rabbitmq.cfg~", "rabbitmq.cfg.bak", ".cfg",
		".rabbitmq.cfg", "rabbit-mq.cfg", "rabbitmq", "rabbitmq.CFG", "rabbitmq.conf",
		"a.rabbitmq.cfg", "\xc3\xa4.cfg"};
	struct deploy_config *config;

	(void)state;
	for (size_t i = 0; i < COUNT(names); i++)
		put_in_plugin_d(names[i], "vhost = /wrong\npsk = wrong\n\0");
	config = load_base_and("");
	expect_field(config, "vhost", "/");
	deploy_config_free(config);
}

static void what_is_wrong_in_plugin_d_is_named_with_its_own_file_and_line(void **state)
{
	(void)state;
	write_base_and("");
	put_in_plugin_d("rabbitmq.cfg", "\n\npool.1.ssl = maybe\n");
	expect_refused("/plugin.d/rabbitmq.cfg:3: " POOL "1.ssl is 'maybe'");
	put_in_plugin_d("rabbitmq.cfg", "pool.size = 0x41\n");
	expect_refused("/plugin.d/rabbitmq.cfg:1: " POOL "size is 65");
	put_in_plugin_d("rabbitmq.cfg", "");
	assert_int_equal(0, chmod(in_folder("plugin.d/rabbitmq.cfg"), 0666));
	expect_refused("/plugin.d/rabbitmq.cfg: everybody can write it");
	assert_int_equal(0, unlink(in_folder("plugin.d/rabbitmq.cfg")));
	assert_int_equal(0, mkfifo(in_folder("plugin.d/rabbitmq.cfg"), 0600));
	expect_refused("/plugin.d/rabbitmq.cfg: not a regular file");
	assert_int_equal(0, unlink(in_folder("plugin.d/rabbitmq.cfg")));
	assert_int_equal(0, symlink("nowhere", in_folder("plugin.d/rabbitmq.cfg")));
	expect_refused("/plugin.d/rabbitmq.cfg: No such file");
}

static void a_plugin_d_that_is_no_folder_does_not_matter(void **state)
{
	(void)state;
	write_text(in_folder("plugin.d"), "words");
	deploy_config_free(load_base_and(""));
}

static void a_path_without_a_folder_is_read_where_we_are(void **state)
{
	struct deploy_error err = {.code = DEPLOY_OK};
	struct deploy_config *config = NULL;
	int here = open(".", O_RDONLY | O_DIRECTORY);

	(void)state;
	write_base_and("");
	put_in_plugin_d("rabbitmq.cfg", "vhost = /here\n");
	assert_int_equal(0, chdir(folder));
	assert_int_equal(0, load_path(&config, "client.cfg", &err));
	assert_int_equal(0, fchdir(here));
	(void)close(here);
	assert_string_equal("client.cfg", config->path);
	assert_string_equal("/here", config->vhost);
	deploy_config_free(config);
}

static void home_comes_first(void **state)
{
	struct deploy_error err = {.code = DEPLOY_OK};
	struct deploy_config *config = NULL;

	(void)state;
	(void)setenv("HOME", folder, 1);
	write_text(in_folder(".mcollective"), base);
	put_in_plugin_d("rabbitmq.cfg", "vhost = /home\n");
	assert_int_equal(0, load_path(&config, NULL, &err));
	assert_string_equal(in_folder(".mcollective"), config->path);
	assert_string_equal("/home", config->vhost);
	deploy_config_free(config);
}

/* Say on a pipe what loading path comes to, as somebody else and perhaps with another root. */
static void say_what_comes(int out, const char *root, const char *path)
{
	struct deploy_error err = {.code = DEPLOY_OK};
	struct deploy_config *config = NULL;

	if (root && (chroot(root) != 0 || chdir("/") != 0))
		_exit(1);
	if (setgroups(0, NULL) != 0 || setgid(NOBODY) != 0 || setuid(NOBODY) != 0)
		_exit(2);
	if (load_path(&config, path, &err) == 0)
		(void)dprintf(out, "%s", config->path);
	else
		(void)dprintf(out, "%s%s%s", err.text, err.hint[0] ? " | " : "", err.hint);
	deploy_config_free(config);
	_exit(0);
}

/* What it comes to for a user who is nobody. Borrowed until the next call. */
static const char *as_nobody(const char *root, const char *path)
{
	static char text[1024];
	int ends[2], status;
	ssize_t n;
	pid_t child;

	assert_int_equal(0, pipe(ends));
	child = fork();
	assert_true(child >= 0);
	if (child == 0)
		say_what_comes(ends[1], root, path);
	(void)close(ends[1]);
	n = read(ends[0], text, sizeof(text) - 1);
	(void)close(ends[0]);
	assert_int_equal(child, waitpid(child, &status, 0));
	assert_true(WIFEXITED(status));
	assert_int_equal(0, WEXITSTATUS(status));
	assert_true(n >= 0);
	text[n] = '\0';
	return text;
}

static void need_root(void)
{
	if (geteuid() != 0)
		skip();
}

static void a_file_of_somebody_else_is_refused(void **state)
{
	char want[160];

	(void)state;
	need_root();
	write_text(file, base);
	assert_int_equal(0, chown(file, NOBODY, 0));
	expect_refused("belongs to user 65534, neither root nor you");
	assert_int_equal(0, chmod(file, 0600));
	assert_string_equal(file, as_nobody(NULL, file));
	assert_int_equal(0, chown(file, 1, NOBODY));
	assert_int_equal(0, chmod(file, 0640));
	(void)snprintf(want, sizeof(want), "%s: belongs to user 1, neither root nor you", file);
	assert_string_equal(want, as_nobody(NULL, file));
}

static void a_file_that_may_not_be_read_is_named(void **state)
{
	char want[160];

	(void)state;
	need_root();
	write_text(file, base);
	assert_int_equal(0, chmod(file, 0644));
	assert_string_equal(file, as_nobody(NULL, file));
	assert_int_equal(0, chmod(file, 0600));
	(void)snprintf(want, sizeof(want), "%s: Permission denied", file);
	assert_string_equal(want, as_nobody(NULL, file));
	assert_int_equal(0, chmod(file, 0644));
	put_in_plugin_d("psk.cfg", "callertype = gid\n");
	(void)snprintf(want, sizeof(want), "%s: Permission denied", in_folder("plugin.d/psk.cfg"));
	assert_string_equal(want, as_nobody(NULL, file));
	assert_int_equal(0, chmod(in_folder("plugin.d"), 0700));
	(void)snprintf(want, sizeof(want), "%s: Permission denied", in_folder("plugin.d"));
	assert_string_equal(want, as_nobody(NULL, file));
}

/* A world of its own with none, some or all of the three places; mode 0 is none. */
static void furnish(mode_t home, mode_t puppetlabs, mode_t old)
{
	static const char *const folders[] = {
		"home", "etc", "etc/puppetlabs", "etc/puppetlabs/mcollective", "etc/mcollective"};
	static const char *const files[] = {"home/.mcollective",
		"etc/puppetlabs/mcollective/client.cfg", "etc/mcollective/client.cfg"};
	const mode_t modes[] = {home, puppetlabs, old};

	for (size_t i = 0; i < COUNT(folders); i++)
		(void)mkdir(in_folder(folders[i]), 0755);
	for (size_t i = 0; i < COUNT(files); i++) {
		(void)unlink(in_folder(files[i]));
		if (!modes[i])
			continue;
		write_text(in_folder(files[i]), base);
		assert_int_equal(0, chmod(in_folder(files[i]), modes[i]));
	}
}

static void the_first_configuration_that_is_there_is_read(void **state)
{
	static const char first[] = "/etc/puppetlabs/mcollective/client.cfg";
	static const char second[] = "/etc/mcollective/client.cfg";
	static const char none[] =
		"no configuration: neither ~/.config/deployctl/config.yaml nor "
		"/etc/deployctl/config.yaml nor an mco client.cfg: ~/.mcollective, "
		"/etc/puppetlabs/mcollective/client.cfg, /etc/mcollective/client.cfg | name one "
		"with -c FILE";
	static const struct {
		const char *home;
		mode_t modes[3];
		const char *comes;
	} table[] = {
		{"/home", {0644, 0644, 0644}, "/home/.mcollective"},
		{"/home", {0, 0644, 0644}, first},
		{"/home", {0, 0, 0644}, second},
		{"/home", {0, 0, 0}, none},
		{NULL, {0644, 0644, 0644}, first},
		{"", {0644, 0, 0644}, second},
		{NULL, {0644, 0, 0}, none},
		{"/nowhere", {0644, 0, 0}, none},
		{"/home", {0600, 0644, 0644}, "/home/.mcollective: you may not read it"},
		{"/home", {0, 0600, 0644},
			"/etc/puppetlabs/mcollective/client.cfg: you may not read it"},
		{"/home", {0, 0, 0600}, "/etc/mcollective/client.cfg: you may not read it"},
		{NULL, {0600, 0, 0644}, second},
	};

	(void)state;
	need_root();
	for (size_t i = 0; i < COUNT(table); i++) {
		furnish(table[i].modes[0], table[i].modes[1], table[i].modes[2]);
		if (table[i].home)
			(void)setenv("HOME", table[i].home, 1);
		else
			(void)unsetenv("HOME");
		assert_string_equal(table[i].comes, as_nobody(folder, NULL));
	}
}

static void freeing_nothing_does_nothing(void **state)
{
	struct dp_client_cfg cfg = {.path = NULL};

	(void)state;
	deploy_config_free(NULL);
	dp_client_cfg_release(&cfg);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_folder, remove_folder)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(keys_that_are_not_given_have_the_presets_of_mco),
		TEST(lines_are_read_as_mco_reads_them),
		TEST(a_last_line_needs_no_newline),
		TEST(a_file_from_windows_is_read),
		TEST(what_the_keys_say_is_taken),
		TEST(every_key_of_mco_is_known),
		TEST(what_is_wrong_is_named),
		TEST(a_value_that_is_wrong_is_named_with_its_line),
		TEST(an_unknown_key_is_named_with_its_line_and_the_one_that_was_meant),
		TEST(a_connector_a_pool_and_a_host_must_be_named),
		TEST(the_pool_is_kept_in_its_order),
		TEST(words_for_yes_and_no_are_those_of_mco),
		TEST(numbers_are_those_of_ruby),
		TEST(what_ruby_takes_for_no_number_is_none),
		TEST(a_key_that_is_missing_leaves_what_was_there),
		TEST(the_environment_wins_over_the_file),
		TEST(the_environment_is_enough_for_a_key_or_a_secret),
		TEST(the_caller_is_who_the_callertype_says),
		TEST(a_caller_that_nodes_would_drop_is_refused),
		TEST(a_file_of_one_mebibyte_is_read_and_no_larger_one),
		TEST(a_file_of_nothing_but_keys_is_read_in_time),
		TEST(a_file_with_a_nul_is_no_text),
		TEST(what_is_no_regular_file_is_refused_at_once),
		TEST(a_link_to_a_file_is_followed),
		TEST(a_file_that_everybody_can_write_is_refused),
		TEST(a_private_key_that_everybody_can_read_is_refused),
		TEST(files_in_plugin_d_win_over_the_file),
		TEST(only_names_of_a_word_and_cfg_count_in_plugin_d),
		TEST(what_is_wrong_in_plugin_d_is_named_with_its_own_file_and_line),
		TEST(a_plugin_d_that_is_no_folder_does_not_matter),
		TEST(a_path_without_a_folder_is_read_where_we_are),
		TEST(home_comes_first),
		TEST(a_file_of_somebody_else_is_refused),
		TEST(a_file_that_may_not_be_read_is_named),
		TEST(the_first_configuration_that_is_there_is_read),
		TEST(freeing_nothing_does_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
