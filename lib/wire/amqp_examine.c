/*
 * Examining a broker, AMQP's part: login, vhost, exchanges, and every permission that a run needs.
 * What may be refused is tried on a channel of its own, since RabbitMQ closes it with the refusal.
 */
#include "wire/amqp_connection.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <amqp_framing.h>

#include "base/clock.h"
#include "base/mem.h"
#include "wire/examination.h"

/* Nobody binds a queue to it. */
#define NOBODYS_KEY  "deployctl.doctor"
#define DOCTORS_LOCK "doctor:locks"

static const char *const suffixes[] = {"broadcast", "directed"};
static const char *const types[] = {"topic", "direct"};
#define EXCHANGES (sizeof(suffixes) / sizeof(suffixes[0]))

enum { EXCHANGE_CHANNEL = 1, QUEUE_CHANNEL = 3, LOCK_CHANNEL = 4, PUBLISH_CHANNEL = 5 };

static bool is_interrupted(const struct deploy_error *err)
{
	return err->code == DEPLOY_INTERRUPTED;
}

/* A property that the broker says of itself, "?" if it does not. Foreign. Free with free(). */
static char *property(const struct dp_carrier *carrier, const char *name)
{
	const amqp_table_t *table = amqp_get_server_properties(carrier->connection);

	for (int i = 0; table && i < table->num_entries; i++) {
		const amqp_table_entry_t *entry = &table->entries[i];

		if (entry->key.len == strlen(name) &&
			memcmp(entry->key.bytes, name, entry->key.len) == 0 &&
			entry->value.kind == AMQP_FIELD_KIND_UTF8)
			return dp_xstrndup(
				entry->value.value.bytes.bytes, entry->value.value.bytes.len);
	}
	return dp_xstrdup("?");
}

static void tell_login(struct dp_examination *examination)
{
	const struct dp_carrier *carrier = examination->carrier;
	char *product = property(carrier, "product"), *version = property(carrier, "version");
	int heartbeat_s = amqp_get_heartbeat(carrier->connection);

	if (examination->vhost.code)
		dp_examination_tell_take(examination, DEPLOY_GRADE_OK,
			dp_xasprintf("user '%s'; %s %s", carrier->user, product, version), NULL);
	else
		dp_examination_tell_take(examination,
			heartbeat_s ? DEPLOY_GRADE_OK : DEPLOY_GRADE_WARNING,
			dp_xasprintf("user '%s'; %s %s, frame_max %d, heartbeat %d s",
				carrier->user, product, version,
				amqp_get_frame_max(carrier->connection), heartbeat_s),
			heartbeat_s ? NULL
				    : dp_xstrdup("without heartbeats a lost connection is noticed "
						 "late: heartbeat = 60 in rabbitmq.conf"));
	free(product);
	free(version);
}

static char *remedy_of_login(const struct dp_examination *examination, enum deploy_code code)
{
	if (code == DEPLOY_AUTH)
		return dp_xasprintf("check user and password in %s; the broker knows better: "
				    "rabbitmqctl authenticate_user '%s'",
			examination->config->path ? examination->config->path : "the configuration",
			examination->broker->user);
	if (code == DEPLOY_CONFIG)
		return dp_xstrdup("frame_max = 131072 in rabbitmq.conf");
	return dp_xstrdup("the broker's log tells more: rabbitmq-diagnostics log_tail");
}

static int try_login(struct dp_examination *examination)
{
	int64_t deadline_us = dp_examination_deadline(examination);
	struct deploy_error err = {0};
	unsigned refusal = 0;
	int rc;

	examination->carrier = dp_amqp_new(examination->config, examination->broker);
	rc = dp_amqp_connect(examination->carrier, examination->broker, deadline_us, &err);
	if (!rc)
		rc = dp_amqp_login(examination->carrier, examination->config, examination->broker,
			deadline_us, &refusal, &err);
	examination->carrier->is_broken = rc;
	/* The vhost is opened with the login, and a login that is refused has another code. */
	if (refusal == AMQP_NOT_ALLOWED) {
		examination->vhost = err;
		rc = 0;
	}
	if (rc && is_interrupted(&err))
		return rc;
	if (rc)
		return dp_examination_fail_take(examination, err.code, dp_xstrdup(err.text),
			remedy_of_login(examination, err.code));
	tell_login(examination);
	return 0;
}

/* What a user needs, locks included; what he had in the vhost is replaced by it. */
static char *remedy_of_permission(const struct dp_examination *examination)
{
	return dp_xasprintf("rabbitmqctl set_permissions -p '%s' '%s' "
			    "'^(amq\\.gen|deployctl\\.lock\\.).*' "
			    "'^%s_(broadcast|directed)$' '^amq\\.gen.*'  (configure, write, read; "
			    "replaces what the user has there)",
		examination->config->vhost, examination->broker->user, examination->collective);
}

static int try_vhost(struct dp_examination *examination)
{
	const struct deploy_error *err = &examination->vhost;
	const char *vhost = examination->config->vhost;
	char *key;

	if (!err->code) {
		dp_examination_tell_take(
			examination, DEPLOY_GRADE_OK, dp_xasprintf("'%s'", vhost), NULL);
		return 0;
	}
	/* "access to vhost 'VHOST' refused for user 'USER'": both have the same code. */
	if (strstr(err->text, "' refused for user '"))
		return dp_examination_fail_take(examination, err->code, dp_xstrdup(err->text),
			remedy_of_permission(examination));
	key = dp_xasprintf("is the name right? rabbitmqctl list_vhosts; it is set by "
			   "plugin.rabbitmq.vhost, or vhost: in YAML (%s)",
		examination->config->path ? examination->config->path : "the configuration");
	return dp_examination_fail_take(examination, err->code, dp_xstrdup(err->text), key);
}

/* Declaring an exchange needs permissions that a client does not have: somebody else does it. */
static char *remedy_of_exchanges(
	const struct dp_examination *examination, const bool is_missing[EXCHANGES])
{
	struct dp_buf text;

	dp_buf_init(&text, 8192);
	for (size_t i = 0; i < EXCHANGES; i++)
		if (is_missing[i])
			dp_buf_addf(&text,
				"%srabbitmqadmin --vhost='%s' declare exchange name=%s_%s type=%s "
				"durable=true",
				text.len ? "; " : "", examination->config->vhost,
				examination->collective, suffixes[i], types[i]);
	if (!text.len)
		dp_buf_addf(&text, "rabbitmqctl list_exchanges -p '%s' name type",
			examination->config->vhost);
	return dp_buf_take(&text);
}

/* Is the exchange there? */
static int check_exchange(
	struct dp_examination *examination, size_t i, int64_t deadline_us, struct deploy_error *err)
{
	amqp_channel_t channel = (amqp_channel_t)(EXCHANGE_CHANNEL + i);
	int rc = dp_amqp_open_channel(examination->carrier, channel, deadline_us, err);

	if (!rc)
		rc = dp_amqp_check_exchange(examination->carrier, channel, examination->collective,
			suffixes[i], deadline_us, err);
	return rc;
}

static int try_exchanges(struct dp_examination *examination)
{
	int64_t deadline_us = dp_examination_deadline(examination);
	const char *collective = examination->collective;
	bool is_missing[EXCHANGES] = {false};
	struct deploy_error first = {0};
	struct dp_buf text;

	dp_buf_init(&text, 4096);
	for (size_t i = 0; i < EXCHANGES; i++) {
		struct deploy_error err = {0};

		if (!check_exchange(examination, i, deadline_us, &err))
			continue;
		is_missing[i] = err.code == DEPLOY_CONFIG;
		if (!first.code)
			first = err;
		dp_buf_addf(&text, "%s%s", text.len ? "; " : "", err.text);
	}
	if (is_interrupted(&first)) {
		dp_buf_release(&text);
		return first.code;
	}
	if (first.code)
		return dp_examination_fail_take(examination, first.code, dp_buf_take(&text),
			remedy_of_exchanges(examination, is_missing));
	dp_buf_release(&text);
	dp_examination_tell_take(examination, DEPLOY_GRADE_OK,
		dp_xasprintf("%s_broadcast and %s_directed are there; a client cannot see their "
			     "types (topic, direct)",
			collective, collective),
		NULL);
	return 0;
}

static int try_queue(struct dp_examination *examination)
{
	int64_t deadline_us = dp_examination_deadline(examination);
	struct deploy_error err = {0};

	if (dp_amqp_open_channel(examination->carrier, QUEUE_CHANNEL, deadline_us, &err) ||
		dp_amqp_open_reply_queue(examination->carrier, QUEUE_CHANNEL, deadline_us, &err))
		return is_interrupted(&err)
			       ? (int)err.code
			       : dp_examination_fail_take(examination, err.code,
					 dp_xstrdup(err.text), remedy_of_permission(examination));
	dp_examination_tell_take(examination, DEPLOY_GRADE_OK,
		dp_xstrdup("a queue for replies can be declared and read"), NULL);
	return 0;
}

/* Without it runs keep each other away on one machine only: that may be meant. */
static int try_lock(struct dp_examination *examination)
{
	int64_t deadline_us = dp_examination_deadline(examination);
	struct deploy_error err = {0};

	(void)dp_amqp_lock(examination->carrier, LOCK_CHANNEL, DOCTORS_LOCK, deadline_us, &err);
	if (is_interrupted(&err))
		return err.code;
	if (err.code == DEPLOY_AUTH)
		dp_examination_tell_take(examination, DEPLOY_GRADE_OK,
			dp_xasprintf("locks hold on this machine only: %s", err.text),
			remedy_of_permission(examination));
	else if (err.code && err.code != DEPLOY_REFUSED) /* another doctor may hold it */
		return dp_examination_fail_take(examination, err.code, dp_xstrdup(err.text), NULL);
	else
		dp_examination_tell_take(examination, DEPLOY_GRADE_OK,
			dp_xstrdup("locks hold for everybody at the broker"), NULL);
	return 0;
}

/* An empty message that expires at once; that it is confirmed or comes back means: permitted. */
static int publish(struct dp_carrier *carrier, amqp_channel_t channel, const char *exchange,
	struct deploy_error *err)
{
	const amqp_basic_properties_t properties = {
		._flags = AMQP_BASIC_EXPIRATION_FLAG, .expiration = amqp_cstring_bytes("0")};
	int status;

	if (!amqp_confirm_select(carrier->connection, channel))
		return dp_amqp_fail_reply(err, "confirm", amqp_get_rpc_reply(carrier->connection));
	status = amqp_basic_publish(carrier->connection, channel, amqp_cstring_bytes(exchange),
		amqp_cstring_bytes(NOBODYS_KEY), 1, 0, &properties, amqp_empty_bytes);
	return status == AMQP_STATUS_OK ? 0 : dp_amqp_fail_status(err, "publish", status);
}

static int fail_blocked(struct dp_carrier *carrier, const amqp_connection_blocked_t *blocked,
	struct deploy_error *err)
{
	carrier->is_blocked = true;
	return deploy_error_set(err, DEPLOY_CONNECT, "the broker takes no publishes: %.*s",
		(int)blocked->reason.len, (const char *)blocked->reason.bytes);
}

/* Wait for what the broker says about what was published on the channel, whatever else it says. */
static int await_verdict(struct dp_carrier *carrier, amqp_channel_t channel, int64_t deadline_us,
	struct deploy_error *err)
{
	for (;;) {
		struct timeval left = dp_amqp_time_left(deadline_us);
		const amqp_channel_close_t *closed;
		const amqp_connection_close_t *ended;
		amqp_frame_t frame;
		int status;

		/* The frame before is done with. */
		amqp_maybe_release_buffers(carrier->connection);
		status = dp_clock_us() < deadline_us ? amqp_simple_wait_frame_noblock(
							       carrier->connection, &frame, &left)
						     : AMQP_STATUS_TIMEOUT;
		if (status != AMQP_STATUS_OK) {
			carrier->is_broken = true;
			return dp_amqp_fail_status(err, "publish", status);
		}
		if (frame.frame_type != AMQP_FRAME_METHOD)
			continue;
		closed = frame.payload.method.decoded;
		ended = frame.payload.method.decoded;
		switch (frame.payload.method.id) {
		case AMQP_CONNECTION_BLOCKED_METHOD:
			return fail_blocked(carrier, frame.payload.method.decoded, err);
		case AMQP_CONNECTION_CLOSE_METHOD:
			carrier->is_broken = true;
			return dp_amqp_fail_close(
				err, "publish", ended->reply_code, ended->reply_text);
		case AMQP_CHANNEL_CLOSE_METHOD:
			if (frame.channel == channel)
				return dp_amqp_fail_close(
					err, "publish", closed->reply_code, closed->reply_text);
			break;
		case AMQP_BASIC_RETURN_METHOD:
		case AMQP_BASIC_ACK_METHOD:
			if (frame.channel == channel)
				return 0;
			break;
		default:
			break;
		}
	}
}

static int try_write(
	struct dp_examination *examination, size_t i, int64_t deadline_us, struct deploy_error *err)
{
	amqp_channel_t channel = (amqp_channel_t)(PUBLISH_CHANNEL + i);
	char *exchange = dp_xasprintf("%s_%s", examination->collective, suffixes[i]);
	int rc = dp_amqp_open_channel(examination->carrier, channel, deadline_us, err);

	if (!rc)
		rc = publish(examination->carrier, channel, exchange, err);
	if (!rc)
		rc = await_verdict(examination->carrier, channel, deadline_us, err);
	free(exchange);
	return rc;
}

static char *remedy_of_publish(const struct dp_examination *examination)
{
	if (examination->carrier->is_blocked)
		return dp_xstrdup("free memory or disk of the broker: rabbitmq-diagnostics alarms; "
				  "rabbitmq-diagnostics memory_breakdown");
	return remedy_of_permission(examination);
}

static bool can_publish(const struct dp_carrier *carrier)
{
	return !carrier->is_blocked && !carrier->is_broken;
}

static int try_publish(struct dp_examination *examination)
{
	int64_t deadline_us = dp_examination_deadline(examination);
	struct deploy_error first = {0};
	struct dp_buf text;

	dp_buf_init(&text, 4096);
	for (size_t i = 0; i < EXCHANGES; i++) {
		struct deploy_error err = {0};

		if (!try_write(examination, i, deadline_us, &err))
			continue;
		if (!first.code)
			first = err;
		dp_buf_addf(&text, "%s%s", text.len ? "; " : "", err.text);
		if (!can_publish(examination->carrier))
			break;
	}
	if (is_interrupted(&first)) {
		dp_buf_release(&text);
		return first.code;
	}
	if (first.code)
		return dp_examination_fail_take(examination, first.code, dp_buf_take(&text),
			remedy_of_publish(examination));
	dp_buf_release(&text);
	dp_examination_tell_take(examination, DEPLOY_GRADE_OK,
		dp_xstrdup("the user may publish to both exchanges"), NULL);
	return 0;
}

enum {
	LOOKUP = 1,
	CONNECT = 2,
	TLS = 4,
	LOGIN = 8,
	VHOST = 16,
	EXCHANGE = 32,
	QUEUE = 64,
	LOCK = 128
};

/* In order; needs: the steps without which there is nothing to try. */
static const struct {
	const char *check;
	int (*try)(struct dp_examination *examination);
	unsigned step, needs;
} steps[] = {
	{"lookup", dp_examine_lookup, LOOKUP, 0},
	{"connect", dp_examine_connect, CONNECT, LOOKUP},
	{"tls", dp_examine_tls, TLS, CONNECT},
	{"login", try_login, LOGIN, TLS},
	{"vhost", try_vhost, VHOST, LOGIN},
	{"exchange", try_exchanges, EXCHANGE, VHOST},
	{"queue", try_queue, QUEUE, VHOST},
	{"lock", try_lock, LOCK, VHOST},
	{"publish", try_publish, 0, EXCHANGE},
};

static int examine(struct dp_examination *examination)
{
	const char *failed = "";
	unsigned broken = 0;
	int first = 0;

	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		int rc;

		examination->check = steps[i].check;
		if (steps[i].needs & broken) {
			broken |= steps[i].step;
			dp_examination_tell_take(examination, DEPLOY_GRADE_UNTRIED,
				dp_xasprintf("%s failed", failed), NULL);
			continue;
		}
		rc = dp_socket_was_interrupted() ? DEPLOY_INTERRUPTED : steps[i].try(examination);
		if (rc == DEPLOY_INTERRUPTED)
			return rc;
		if (!rc)
			continue;
		broken |= steps[i].step;
		failed = steps[i].check;
		if (!first)
			first = rc;
	}
	return dp_socket_was_interrupted() ? DEPLOY_INTERRUPTED : first;
}

int dp_carrier_examine(const struct deploy_config *config, size_t index, const char *collective,
	deploy_finding_fn *found, void *arg)
{
	struct dp_examination examination = {.config = config,
		.broker = &config->brokers[index],
		.index = index,
		.collective = collective,
		.found = found,
		.arg = arg,
		.fd = -1};
	int rc;

	examination.subject =
		dp_xasprintf("%s:%u", examination.broker->host, examination.broker->port);
	rc = examine(&examination);
	if (examination.fd >= 0)
		(void)close(examination.fd);
	dp_socket_watch(-1);
	dp_carrier_close(examination.carrier);
	dp_socket_forget_interrupt();
	free(examination.subject);
	return rc;
}
