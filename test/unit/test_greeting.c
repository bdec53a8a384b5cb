/* What a peer's first bytes give away, and sockets that wait no longer than they may. */
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "deploy/finding.h"
#include "wire/greeting.h"
#include "wire/socket.h"

#define SECOND INT64_C(1000000)

static void first_bytes_tell_the_protocol(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
		enum dp_speech speech;
	} cases[] = {
		{"\x01\0\0\0\0\x01\xf6", 7, DP_SPEAKS_AMQP}, /* RabbitMQ 3.10.8 */
		{"\x01\0", 2, DP_SPEAKS_UNKNOWN},
		{"\x01\0\x01", 3, DP_SPEAKS_UNKNOWN},
		{"AMQP\0\0\x09\x01", 8, DP_SPEAKS_OTHER_AMQP},
		{"AMQ", 3, DP_SPEAKS_UNKNOWN},
		{"\x15\x03\x01\0\x02\x02\n", 7, DP_SPEAKS_TLS}, /* likewise, its TLS listener */
		{"\x16\x03\x03", 3, DP_SPEAKS_TLS},
		{"ERROR\nmessage:Illegal command\n", 30, DP_SPEAKS_STOMP},
		{"CONNECTED\n", 10, DP_SPEAKS_STOMP},
		{"HTTP/1.1 400 Bad Request\r\n", 26, DP_SPEAKS_HTTP},
		{"SSH-2.0-OpenSSH_9.2p1", 21, DP_SPEAKS_SSH},
		{"220 mail.example.net ESMTP", 26, DP_SPEAKS_UNKNOWN},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(dp_speech_of(cases[i].bytes, cases[i].len), cases[i].speech);
}

static void what_can_be_told_has_a_name(void **state)
{
	(void)state;
	for (int speech = DP_SPEAKS_AMQP; speech < DP_SPEAKS_UNKNOWN; speech++)
		assert_non_null(dp_speech_name((enum dp_speech)speech));
	for (int speech = DP_SPEAKS_UNKNOWN; speech <= DP_SPEAKS_INTERRUPTED; speech++)
		assert_null(dp_speech_name((enum dp_speech)speech));
}

static void every_grade_has_a_name(void **state)
{
	static const char *const names[] = {"ok", "warning", "failed", "not tried"};

	(void)state;
	for (int grade = DEPLOY_GRADE_OK; grade <= DEPLOY_GRADE_UNTRIED; grade++)
		assert_string_equal(deploy_grade_name((enum deploy_grade)grade), names[grade]);
}

/* The answer of a peer that says text and then hangs up, or stays silent if it is NULL. */
static enum dp_speech greet_one_who_says(const char *text, size_t len, int64_t patience_us)
{
	int ends[2];
	enum dp_speech speech;

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	if (text) {
		assert_int_equal(write(ends[1], text, len), (ssize_t)len);
		(void)shutdown(ends[1], SHUT_WR);
	}
	speech = dp_greet(ends[0], dp_clock_us() + patience_us);
	if (text) {
		char heard[16];

		assert_int_equal(read(ends[1], heard, sizeof(heard)), DP_AMQP_GREETING_LEN);
		assert_memory_equal(heard, "AMQP\0\0\x09\x01", 8);
	}
	(void)close(ends[0]);
	(void)close(ends[1]);
	return speech;
}

static void a_greeting_is_answered_with_words_an_end_or_silence(void **state)
{
	(void)state;
	assert_int_equal(greet_one_who_says("\x01\0\0\0", 4, 60 * SECOND), DP_SPEAKS_AMQP);
	assert_int_equal(greet_one_who_says("ERROR\n", 6, 60 * SECOND), DP_SPEAKS_STOMP);
	assert_int_equal(greet_one_who_says("ERR", 3, 60 * SECOND), DP_SPEAKS_UNKNOWN);
	assert_int_equal(greet_one_who_says("", 0, 60 * SECOND), DP_SPEAKS_CLOSED);
	assert_int_equal(greet_one_who_says(NULL, 0, 1000), DP_SPEAKS_NOTHING);
}

static void an_interrupt_ends_every_wait(void **state)
{
	struct deploy_error err = {0};
	struct dp_addresses found;
	int ends[2], error = 0;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	dp_socket_watch(ends[0]);
	dp_socket_interrupt();
	dp_socket_watch(-1);
	assert_int_equal(dp_socket_await(ends[0], POLLIN, dp_clock_us() + 60 * SECOND), EINTR);
	assert_int_equal(read(ends[0], &error, 1), 0); /* it was shut down */
	assert_int_equal(dp_greet(ends[0], dp_clock_us() + 60 * SECOND), DP_SPEAKS_INTERRUPTED);
	assert_int_equal(
		dp_socket_lookup(&found, "127.0.0.1", 1, dp_clock_us() + 60 * SECOND, &err),
		DEPLOY_INTERRUPTED);
	dp_socket_forget_interrupt();
	assert_int_equal(dp_socket_await(ends[1], POLLOUT, dp_clock_us() + 60 * SECOND), 0);
	(void)close(ends[0]);
	(void)close(ends[1]);
}

static void a_lookup_that_takes_too_long_is_given_up(void **state)
{
	struct deploy_error err = {0};
	struct dp_addresses found = {0};

	(void)state;
	assert_int_equal(dp_socket_lookup(&found, "127.0.0.1", 1, 0, &err), DEPLOY_CONNECT);
	assert_string_equal(err.text, "no answer of the name server in time");
}

static void numbers_are_looked_up_without_asking_anybody(void **state)
{
	static const struct {
		const char *host;
		bool is_loopback;
	} cases[] = {{"127.0.0.1", true}, {"127.8.9.10", true}, {"::1", true}, {"192.0.2.1", false},
		{"2001:db8::1", false}};
	char text[DP_ADDRESS_TEXT];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct deploy_error err = {0};
		struct dp_addresses found = {0};
		int64_t deadline_us = dp_clock_us() + 60 * SECOND;

		assert_int_equal(dp_socket_lookup(&found, cases[i].host, 9, deadline_us, &err), 0);
		assert_int_equal(found.count, 1);
		dp_address_print(text, &found.list[0]);
		assert_string_equal(text, cases[i].host);
		assert_int_equal(dp_address_is_loopback(&found.list[0]), cases[i].is_loopback);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(first_bytes_tell_the_protocol),
		cmocka_unit_test(what_can_be_told_has_a_name),
		cmocka_unit_test(every_grade_has_a_name),
		cmocka_unit_test(a_greeting_is_answered_with_words_an_end_or_silence),
		cmocka_unit_test(an_interrupt_ends_every_wait),
		cmocka_unit_test(a_lookup_that_takes_too_long_is_given_up),
		cmocka_unit_test(numbers_are_looked_up_without_asking_anybody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
