/* Examining a broker before AMQP begins: its name, its addresses, what answers there. */
#include "wire/examination.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"

/* To find out what a peer speaks that is no AMQP: for each thing it may be. */
#define PATIENCE_US (500 * 1000)

int64_t dp_examination_deadline(const struct dp_examination *examination)
{
	return dp_clock_us() + examination->config->connection_timeout_ms * 1000;
}

static void tell(const struct dp_examination *examination, enum deploy_grade grade,
	enum deploy_code code, char *text, char *remedy)
{
	const struct deploy_finding finding = {.grade = grade,
		.subject = examination->subject,
		.check = examination->check,
		.text = text,
		.remedy = remedy ? remedy : "",
		.code = code};

	examination->found(examination->arg, &finding);
	free(text);
	free(remedy);
}

void dp_examination_tell_take(
	const struct dp_examination *examination, enum deploy_grade grade, char *text, char *remedy)
{
	tell(examination, grade, DEPLOY_OK, text, remedy);
}

int dp_examination_fail_take(
	const struct dp_examination *examination, enum deploy_code code, char *text, char *remedy)
{
	tell(examination, DEPLOY_GRADE_FAILED, code, text, remedy);
	return code;
}

char *dp_examination_advise(const struct dp_examination *examination, const char *advice,
	const char *key, const char *yaml)
{
	const char *path = examination->config->path;

	return dp_xasprintf("%s: plugin.rabbitmq.pool.%zu.%s, or '%s' in YAML (%s)", advice,
		examination->index + 1, key, yaml, path ? path : "the configuration");
}

int dp_examine_lookup(struct dp_examination *examination)
{
	const struct deploy_broker *broker = examination->broker;
	struct dp_addresses *found = &examination->addresses;
	struct deploy_error err = {0};
	struct dp_buf text;

	if (dp_socket_lookup(found, broker->host, broker->port,
		    dp_examination_deadline(examination), &err)) {
		char *advice, *remedy;

		if (err.code == DEPLOY_INTERRUPTED)
			return err.code;
		advice = dp_xasprintf("is the name right? getent hosts '%s'", broker->host);
		remedy = dp_examination_advise(examination, advice, "host", "brokers");
		free(advice);
		return dp_examination_fail_take(
			examination, err.code, dp_xstrdup(err.text), remedy);
	}
	dp_buf_init(&text, 2048);
	for (size_t i = 0; i < found->count; i++) {
		char number[DP_ADDRESS_TEXT];

		dp_address_print(number, &found->list[i]);
		dp_buf_addf(&text, "%s%s", i ? ", " : "", number);
	}
	dp_examination_tell_take(examination, DEPLOY_GRADE_OK, dp_buf_take(&text), NULL);
	return 0;
}

/* What became of the attempts to connect. */
struct attempts {
	struct dp_buf text; /* "127.0.0.1 in 0.1 ms, ::1: Connection refused" */
	bool is_slow;	    /* an address does not answer at all, and costs time each time */
	int error;	    /* of the last one that failed, errno's value */
};

static void try_address(struct dp_examination *examination, size_t i, int64_t deadline_us,
	struct attempts *attempts)
{
	char number[DP_ADDRESS_TEXT];
	int64_t begin_us = dp_clock_us();
	int error = 0, fd = dp_socket_connect(&examination->addresses.list[i], deadline_us, &error);

	dp_address_print(number, &examination->addresses.list[i]);
	dp_buf_addf(&attempts->text, "%s%s", i ? ", " : "", number);
	/* The one that is kept is the one that an interrupt shuts down. */
	if (examination->fd >= 0)
		dp_socket_watch(examination->fd);
	if (fd < 0) {
		attempts->error = error;
		attempts->is_slow = attempts->is_slow || error == ETIMEDOUT;
		dp_buf_addf(&attempts->text, ": %s",
			error == ETIMEDOUT ? "no answer in time" : strerror(error));
		return;
	}
	dp_buf_addf(&attempts->text, " in %.1f ms", (double)(dp_clock_us() - begin_us) / 1000);
	if (examination->fd < 0) {
		examination->fd = fd;
		examination->chosen = i;
	} else {
		(void)close(fd);
	}
}

static char *remedy_of_port(const struct dp_examination *examination, const char *before)
{
	char *advice = dp_xasprintf(
		"%sis %u the port of AMQP? It is not STOMP's (61613), but usually %s", before,
		examination->broker->port,
		examination->broker->uses_tls ? "5671, with TLS" : "5672, or 5671 with TLS");
	char *text = dp_examination_advise(examination, advice, "amqp_port", "port");

	free(advice);
	return text;
}

static char *remedy_of_connect(const struct dp_examination *examination, int error)
{
	if (error == ENETUNREACH || error == EHOSTUNREACH)
		return dp_xstrdup(
			"there is no way to that address from here: ip route get ADDRESS");
	return remedy_of_port(examination, error == ETIMEDOUT
						   ? "does a firewall drop what is sent there, and "
						   : "does the broker run there, and ");
}

int dp_examination_fail_speech(
	const struct dp_examination *examination, enum dp_speech speech, bool is_inside)
{
	bool wants_tls = examination->broker->uses_tls && !is_inside;
	const char *name = dp_speech_name(speech), *inside = is_inside ? "inside of TLS, " : "";
	unsigned port = examination->broker->port;
	char *text;

	if (speech == DP_SPEAKS_INTERRUPTED)
		return DEPLOY_INTERRUPTED;
	if (speech == DP_SPEAKS_TLS && !examination->broker->uses_tls)
		return dp_examination_fail_take(examination, DEPLOY_CONNECT,
			dp_xasprintf("port %u speaks TLS, and TLS is not configured", port),
			dp_examination_advise(examination, "configure TLS", "ssl", "tls"));
	if (wants_tls && (speech == DP_SPEAKS_AMQP || speech == DP_SPEAKS_OTHER_AMQP))
		text = dp_xasprintf("port %u speaks AMQP without TLS", port);
	else if (speech == DP_SPEAKS_OTHER_AMQP)
		text = dp_xasprintf(
			"%sport %u speaks another version of AMQP than 0-9-1", inside, port);
	else if (name)
		text = dp_xasprintf("%sport %u speaks %s, not %s", inside, port, name,
			wants_tls ? "TLS" : "AMQP");
	else if (speech == DP_SPEAKS_NOTHING)
		text = dp_xasprintf("%sport %u says nothing: no answer in time", inside, port);
	else
		text = dp_xasprintf("%sport %u does not speak %s%s", inside, port,
			wants_tls ? "TLS" : "AMQP",
			speech == DP_SPEAKS_CLOSED ? ": it hangs up without a word" : "");
	return dp_examination_fail_take(
		examination, DEPLOY_CONNECT, text, remedy_of_port(examination, ""));
}

enum dp_speech dp_examination_guess(const struct dp_examination *examination, enum dp_speech speech)
{
	int64_t limit_us = examination->config->connection_timeout_ms * 1000;
	enum dp_speech other = dp_greet_otherwise(&examination->addresses.list[examination->chosen],
		limit_us < PATIENCE_US ? limit_us : PATIENCE_US);

	return other == DP_SPEAKS_UNKNOWN ? speech : other;
}

/* RabbitMQ answers a greeting at once; what is behind TLS is seen when TLS is. */
static int check_speech(struct dp_examination *examination, int64_t deadline_us)
{
	enum dp_speech speech;

	if (examination->broker->uses_tls)
		return 0;
	speech = dp_greet(examination->fd, deadline_us);
	dp_socket_watch(-1);
	(void)close(examination->fd);
	examination->fd = -1;
	if (speech == DP_SPEAKS_AMQP)
		return 0;
	if (speech == DP_SPEAKS_NOTHING || speech == DP_SPEAKS_CLOSED)
		speech = dp_examination_guess(examination, speech);
	return dp_examination_fail_speech(examination, speech, false);
}

int dp_examine_connect(struct dp_examination *examination)
{
	int64_t deadline_us = dp_examination_deadline(examination);
	size_t count = examination->addresses.count;
	struct attempts attempts = {.error = 0};
	int rc;

	dp_buf_init(&attempts.text, 8192);
	/* Each has its share of the time, and so has the greeting that comes after them. */
	for (size_t i = 0; i < count && !dp_socket_was_interrupted(); i++) {
		int64_t now_us = dp_clock_us();
		int64_t share_us = (deadline_us - now_us) / (int64_t)(count - i + 1);

		try_address(examination, i, now_us + share_us, &attempts);
	}
	rc = dp_socket_was_interrupted() ? DEPLOY_INTERRUPTED : 0;
	if (!rc && examination->fd < 0)
		return dp_examination_fail_take(examination, DEPLOY_CONNECT,
			dp_buf_take(&attempts.text),
			remedy_of_connect(examination, attempts.error));
	if (!rc)
		rc = check_speech(examination, deadline_us);
	if (rc) {
		dp_buf_release(&attempts.text);
		return rc;
	}
	dp_examination_tell_take(examination,
		attempts.is_slow ? DEPLOY_GRADE_WARNING : DEPLOY_GRADE_OK,
		dp_buf_take(&attempts.text),
		attempts.is_slow
			? dp_xasprintf("an address that does not answer costs time at each "
				       "connection: take it out of the name's records")
			: NULL);
	return 0;
}
