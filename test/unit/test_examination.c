/* Examining brokers that misbehave: a peer may say what it likes, and the examination ends. */
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/clock.h"
#include "deploy/finding.h"
#include "deploy/run.h"
#include "wire/amqp_connection.h"
#include "wire/examination.h"

#define SECOND INT64_C(1000000)

/* Whatever waits for ever dies of it, and the test has failed. */
#define PATIENCE_S 20

static int listen_at(unsigned *port, int backlog)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof(at);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(listen(fd, backlog), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &size), 0);
	*port = ntohs(at.sin_port);
	return fd;
}

/* A method frame. Source: AMQP 0-9-1, 4.2.3. */
static void add_method(struct dp_buf *out, unsigned channel, unsigned class_id, unsigned method_id,
	const char *arguments, size_t len)
{
	const unsigned size = (unsigned)len + 4;
	const unsigned char head[] = {1, 0, (unsigned char)channel, 0, 0,
		(unsigned char)(size >> 8), (unsigned char)size, 0, (unsigned char)class_id, 0,
		(unsigned char)method_id};

	dp_buf_add(out, head, sizeof(head));
	dp_buf_add(out, arguments, len);
	dp_buf_add_byte(out, 0xce);
}

static void add_start(struct dp_buf *out)
{
	static const char arguments[] = "\0\x09\0\0\0\0\0\0\0\x05PLAIN\0\0\0\x05"
					"en_US";

	add_method(out, 0, 10, 10, arguments, sizeof(arguments) - 1);
}

/* What a broker answers up to the first publish, whatever it is asked. */
static void add_answers(struct dp_buf *out)
{
	add_start(out);
	add_method(out, 0, 10, 30, "\0\0\0\x02\0\0\0\0", 8);
	add_method(out, 0, 10, 41, "\0", 1);
	for (unsigned channel = 1; channel <= 2; channel++) {
		add_method(out, channel, 20, 11, "\0\0\0\0", 4);
		add_method(out, channel, 40, 11, "", 0);
	}
	add_method(out, 3, 20, 11, "\0\0\0\0", 4);
	add_method(out, 3, 50, 11, "\x01q\0\0\0\0\0\0\0\0", 10);
	add_method(out, 3, 60, 21, "\x01t", 2);
	add_method(out, 4, 20, 11, "\0\0\0\0", 4);
	add_method(out, 4, 50, 11, "\x01q\0\0\0\0\0\0\0\0", 10);
	add_method(out, 4, 20, 41, "", 0);
	add_method(out, 5, 20, 11, "\0\0\0\0", 4);
	add_method(out, 5, 85, 11, "", 0);
}

/* Answers everybody, and goes on talking of another channel for as long as somebody listens. */
static void talk_for_ever(int listener)
{
	struct dp_buf answers, chatter;

	dp_buf_init(&answers, 65536);
	dp_buf_init(&chatter, 65536);
	add_answers(&answers);
	for (int i = 0; i < 1000; i++)
		add_method(&chatter, 3, 60, 80, "\0\0\0\0\0\0\0\x01\0", 9);
	for (;;) {
		int fd = accept(listener, NULL, NULL);
		ssize_t n = send(fd, answers.data, answers.len, MSG_NOSIGNAL);

		while (n > 0)
			n = send(fd, chatter.data, chatter.len, MSG_NOSIGNAL);
		(void)close(fd);
	}
}

static pid_t start_broker(int listener, void (*serve)(int listener))
{
	pid_t child = fork();

	assert_true(child >= 0);
	if (child == 0) {
		serve(listener);
		_exit(0);
	}
	(void)close(listener);
	return child;
}

static void stop_broker(pid_t child)
{
	(void)kill(child, SIGKILL);
	(void)waitpid(child, NULL, 0);
}

/* "login ok: user 'ann'; … |\nvhost failed: … | REMEDY\n" */
static void note_finding(void *arg, const struct deploy_finding *finding)
{
	dp_buf_addf(arg, "%s %s: %s | %s\n", finding->check, deploy_grade_name(finding->grade),
		finding->text, finding->remedy);
}

/* What is kept of endless talk ends somewhere, and not at the end of the machine's memory. */
static void limit_memory(void)
{
#ifndef __SANITIZE_ADDRESS__
	const struct rlimit limit = {.rlim_cur = 1 << 30, .rlim_max = 1 << 30};

	assert_int_equal(setrlimit(RLIMIT_AS, &limit), 0);
#endif
}

static struct dp_buf notes;

static int examine(unsigned port, long long timeout_ms)
{
	static char host[] = "127.0.0.1", user[] = "ann", password[] = "", vhost[] = "/";
	struct deploy_broker broker = {
		.host = host, .port = port, .user = user, .password = password};
	const struct deploy_config config = {.brokers = &broker,
		.broker_count = 1,
		.vhost = vhost,
		.connection_timeout_ms = timeout_ms};

	dp_buf_release(&notes);
	dp_buf_init(&notes, 4096);
	return deploy_broker_examine(&config, 0, "mcollective", note_finding, &notes);
}

static void a_broker_that_never_stops_talking_is_given_up(void **state)
{
	unsigned port;
	pid_t broker = start_broker(listen_at(&port, 8), talk_for_ever);
	int rc;

	(void)state;
	limit_memory();
	(void)alarm(PATIENCE_S);
	rc = examine(port, 300);
	(void)alarm(0);
	stop_broker(broker);
	assert_non_null(
		strstr(dp_buf_text(&notes), "\npublish failed: publish: no answer in time | "));
	assert_int_equal(rc, DEPLOY_CONNECT);
	dp_buf_release(&notes);
}

/* A port that answers nobody: its queue is full. *taken: who stands in it. */
static int listen_full(unsigned *port, int taken[2])
{
	int fd = listen_at(port, 0), error;

	for (int i = 0; i < 2; i++) {
		struct sockaddr_in at = {.sin_family = AF_INET,
			.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
			.sin_port = htons((uint16_t)*port)};
		struct dp_address address = {.size = sizeof(at)};

		memcpy(&address.bytes, &at, sizeof(at));
		taken[i] = dp_socket_connect(&address, dp_clock_us() + SECOND / 20, &error);
	}
	return fd;
}

static void add_address(struct dp_addresses *out, unsigned port)
{
	struct dp_addresses found;
	struct deploy_error err = {0};

	assert_int_equal(
		dp_socket_lookup(&found, "127.0.0.1", port, dp_clock_us() + 60 * SECOND, &err), 0);
	out->list[out->count++] = found.list[0];
}

/* An address that costs time leaves some for the one that works. */
static void a_dead_address_behind_a_good_one_is_no_failure(void **state)
{
	static char host[] = "broker1";
	int taken[2], full;
	unsigned good, dead;
	pid_t broker = start_broker(listen_at(&good, 8), talk_for_ever);
	struct deploy_broker named = {.host = host, .port = 5672};
	const struct deploy_config config = {.connection_timeout_ms = 400};
	struct dp_examination examination = {.config = &config,
		.broker = &named,
		.found = note_finding,
		.arg = &notes,
		.check = "connect",
		.subject = host,
		.fd = -1};

	(void)state;
	dp_buf_init(&notes, 4096);
	full = listen_full(&dead, taken);
	add_address(&examination.addresses, good);
	add_address(&examination.addresses, dead);
	assert_int_equal(dp_examine_connect(&examination), 0);
	assert_non_null(strstr(dp_buf_text(&notes), "connect warning: 127.0.0.1 in "));
	assert_non_null(strstr(dp_buf_text(&notes), "127.0.0.1: no answer in time | "));
	dp_buf_release(&notes);
	for (int i = 0; i < 2; i++)
		(void)close(taken[i]);
	(void)close(full);
	stop_broker(broker);
}

static void a_name_server_is_not_waited_for_with_tls_either(void **state)
{
	static char host[] = "127.0.0.1", nothing[] = "";
	struct deploy_broker broker = {.host = host,
		.port = 1,
		.user = nothing,
		.password = nothing,
		.uses_tls = true,
		.ca_file = nothing};
	const struct deploy_config config = {.vhost = nothing};
	struct dp_carrier *carrier = dp_amqp_new(&config, &broker);
	struct deploy_error err = {0};

	(void)state;
	assert_int_equal(dp_amqp_connect(carrier, &broker, 0, &err), DEPLOY_CONNECT);
	assert_string_equal(err.text, "no answer of the name server in time");
	dp_amqp_release(carrier);
}

/* Logs everybody in, and knows no vhost; its words as RabbitMQ 3.10.8 says them. */
static void miss_vhost(int listener)
{
	static const char words[] = "\x02\x12\x25NOT_ALLOWED - vhost refused not found\0\x0a\0\x28";
	struct dp_buf answer;

	dp_buf_init(&answer, 4096);
	add_start(&answer);
	add_method(&answer, 0, 10, 30, "\0\0\0\x02\0\0\0\0", 8);
	add_method(&answer, 0, 10, 50, words, sizeof(words) - 1);
	for (;;) {
		int fd = accept(listener, NULL, NULL);

		(void)send(fd, answer.data, answer.len, MSG_NOSIGNAL);
	}
}

static void a_vhost_is_missing_whatever_its_name(void **state)
{
	unsigned port;
	pid_t broker = start_broker(listen_at(&port, 8), miss_vhost);

	(void)state;
	assert_int_equal(examine(port, 5000), DEPLOY_AUTH);
	stop_broker(broker);
	assert_non_null(
		strstr(dp_buf_text(&notes), "vhost refused not found (530) | is the name right?"));
	dp_buf_release(&notes);
}

/* Told once; what comes after it is not cut short as well. */
static void an_interrupt_ends_one_examination(void **state)
{
	unsigned port;
	int listener = listen_at(&port, 8);

	(void)state;
	(void)close(listener);
	deploy_bus_interrupt();
	assert_int_equal(examine(port, 5000), DEPLOY_INTERRUPTED);
	assert_string_equal(dp_buf_text(&notes), "");
	assert_int_equal(examine(port, 5000), DEPLOY_CONNECT);
	assert_non_null(
		strstr(dp_buf_text(&notes), "connect failed: 127.0.0.1: Connection refused"));
	dp_buf_release(&notes);
}

static int open_two(unsigned port, unsigned port2, struct deploy_error *err)
{
	static char host[] = "127.0.0.1", nothing[] = "", psk[] = "x";
	struct deploy_broker brokers[] = {
		{.host = host, .port = port, .user = nothing, .password = nothing},
		{.host = host, .port = port2, .user = nothing, .password = nothing}};
	const struct deploy_config config = {.brokers = brokers,
		.broker_count = 2,
		.vhost = nothing,
		.psk = psk,
		.identity = nothing,
		.callerid = nothing,
		.connection_timeout_ms = 5000};
	struct deploy_bus *bus = NULL;

	return deploy_bus_open(&bus, &config, "mcollective", err);
}

static void an_interrupt_ends_one_opening(void **state)
{
	unsigned port;
	int listener = listen_at(&port, 8);
	struct deploy_error one = {0}, two = {0};

	(void)state;
	(void)close(listener);
	deploy_bus_interrupt();
	assert_int_equal(open_two(port, port, &one), DEPLOY_INTERRUPTED);
	assert_int_equal(open_two(port, port, &two), DEPLOY_CONNECT);
	assert_non_null(strstr(two.text, "Connection refused"));
}

/* Greets, and closes the connection with 403. */
static void refuse(int listener)
{
	int fd = accept(listener, NULL, NULL);
	struct dp_buf answer;

	dp_buf_init(&answer, 4096);
	add_start(&answer);
	add_method(&answer, 0, 10, 50, "\x01\x93\x02no\0\0\0\0", 9);
	(void)send(fd, answer.data, answer.len, MSG_NOSIGNAL);
	(void)pause();
}

static void interrupt(int number)
{
	(void)number;
	deploy_bus_interrupt();
}

/* Says nothing; who waits for it is sent a signal. */
static void send_signal(int listener)
{
	(void)accept(listener, NULL, NULL);
	(void)kill(getppid(), SIGUSR2);
	(void)pause();
}

static void an_interrupt_is_told_also_behind_a_refusal(void **state)
{
	const struct sigaction action = {.sa_handler = interrupt};
	struct deploy_error err = {0};
	unsigned port, port2;
	pid_t one, two;

	(void)state;
	assert_int_equal(sigaction(SIGUSR2, &action, NULL), 0);
	one = start_broker(listen_at(&port, 8), refuse);
	two = start_broker(listen_at(&port2, 8), send_signal);
	(void)open_two(port, port2, &err);
	stop_broker(one);
	stop_broker(two);
	assert_non_null(strstr(err.text, "no (403)"));
	assert_non_null(strstr(err.text, "interrupted"));
	assert_int_equal(err.code, DEPLOY_INTERRUPTED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_dead_address_behind_a_good_one_is_no_failure),
		cmocka_unit_test(a_name_server_is_not_waited_for_with_tls_either),
		cmocka_unit_test(a_vhost_is_missing_whatever_its_name),
		cmocka_unit_test(an_interrupt_ends_one_examination),
		cmocka_unit_test(an_interrupt_ends_one_opening),
		cmocka_unit_test(an_interrupt_is_told_also_behind_a_refusal),
		cmocka_unit_test(a_broker_that_never_stops_talking_is_given_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
