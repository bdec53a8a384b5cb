/* The first words with a peer, and what its answer gives away. */
#include "wire/greeting.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "wire/tls_probe.h"

const char *dp_speech_name(enum dp_speech speech)
{
	switch (speech) {
	case DP_SPEAKS_AMQP:
		return "AMQP 0-9-1";
	case DP_SPEAKS_OTHER_AMQP:
		return "AMQP";
	case DP_SPEAKS_TLS:
		return "TLS";
	case DP_SPEAKS_STOMP:
		return "STOMP";
	case DP_SPEAKS_HTTP:
		return "HTTP";
	case DP_SPEAKS_SSH:
		return "SSH";
	case DP_SPEAKS_UNKNOWN:
	case DP_SPEAKS_NOTHING:
	case DP_SPEAKS_CLOSED:
	case DP_SPEAKS_INTERRUPTED:
		break;
	}
	return NULL;
}

/* A method frame on channel 0 comes first from a broker, its protocol header if it wants another.
 */
enum dp_speech dp_speech_of(const void *bytes, size_t len)
{
	static const struct {
		const char *begin;
		size_t len;
		enum dp_speech speech;
	} known[] = {
		{"\x01\0\0", 3, DP_SPEAKS_AMQP},
		{"AMQP", 4, DP_SPEAKS_OTHER_AMQP},
		{"\x15\x03", 2, DP_SPEAKS_TLS},
		{"\x16\x03", 2, DP_SPEAKS_TLS},
		{"ERROR\n", 6, DP_SPEAKS_STOMP},
		{"ERROR\r", 6, DP_SPEAKS_STOMP},
		{"CONNECTED", 9, DP_SPEAKS_STOMP},
		{"HTTP/", 5, DP_SPEAKS_HTTP},
		{"SSH-", 4, DP_SPEAKS_SSH},
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (len >= known[i].len && memcmp(bytes, known[i].begin, known[i].len) == 0)
			return known[i].speech;
	return DP_SPEAKS_UNKNOWN;
}

/* Enough bytes for the longest beginning that is known, or all that come. */
static enum dp_speech listen_to(int fd, int64_t deadline_us)
{
	char heard[16];
	size_t len = 0;
	int error = 0;

	while (len < 9 && !(error = dp_socket_await(fd, POLLIN, deadline_us))) {
		ssize_t n = recv(fd, heard + len, sizeof(heard) - len, 0);

		if (n <= 0)
			break;
		len += (size_t)n;
		if (dp_speech_of(heard, len) != DP_SPEAKS_UNKNOWN)
			break;
	}
	if (error == EINTR)
		return DP_SPEAKS_INTERRUPTED;
	if (len)
		return dp_speech_of(heard, len);
	return error ? DP_SPEAKS_NOTHING : DP_SPEAKS_CLOSED;
}

enum dp_speech dp_greet(int fd, int64_t deadline_us)
{
	/* Eight bytes fit into the buffer of a socket that was just connected. */
	(void)send(fd, DP_AMQP_GREETING, DP_AMQP_GREETING_LEN, MSG_NOSIGNAL);
	return listen_to(fd, deadline_us);
}

static enum dp_speech try_tls(int fd, int64_t deadline_us)
{
	const struct dp_tls_options options = {.host = "localhost"};
	struct dp_tls_report report;

	dp_tls_probe(&report, fd, &options, deadline_us);
	switch (report.fault) {
	case DP_TLS_FINE:
	case DP_TLS_REFUSED:
		return DP_SPEAKS_TLS;
	case DP_TLS_INTERRUPTED:
		return DP_SPEAKS_INTERRUPTED;
	default:
		return DP_SPEAKS_UNKNOWN;
	}
}

enum dp_speech dp_greet_otherwise(const struct dp_address *address, int64_t patience_us)
{
	/* A frame that nobody may send before he has logged in; a request without a host. */
	static const char stomp[] = "BEGIN\n\n", http[] = "GET / HTTP/1.0\r\n\r\n";
	static const struct {
		const char *text;
		size_t len;
	} words[] = {{NULL, 0}, {stomp, sizeof(stomp)}, {http, sizeof(http) - 1}};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		int64_t deadline_us = dp_clock_us() + patience_us;
		enum dp_speech speech = DP_SPEAKS_UNKNOWN;
		int error = 0, fd = dp_socket_connect(address, deadline_us, &error);

		if (fd < 0)
			return error == EINTR ? DP_SPEAKS_INTERRUPTED : DP_SPEAKS_UNKNOWN;
		if (!words[i].text) {
			speech = try_tls(fd, deadline_us);
		} else {
			(void)send(fd, words[i].text, words[i].len, MSG_NOSIGNAL);
			speech = listen_to(fd, deadline_us);
		}
		dp_socket_watch(-1);
		(void)close(fd);
		if (dp_speech_name(speech) || speech == DP_SPEAKS_INTERRUPTED)
			return speech;
	}
	return DP_SPEAKS_UNKNOWN;
}
