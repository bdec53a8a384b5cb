/* What must be granted before anything is carried: login, exchanges, a queue for replies. */
#include "wire/amqp_connection.h"

#include <stdio.h>

#include <amqp_framing.h>

/* A header frame holds the names of a publish (DP_MAX_KEYS_BYTES). */
#define MIN_FRAME_MAX 65536

/* The code with which the broker closed the connection, or 0. */
static unsigned refusal_of(amqp_rpc_reply_t reply)
{
	const amqp_connection_close_t *close = reply.reply.decoded;

	return reply.reply_type == AMQP_RESPONSE_SERVER_EXCEPTION &&
			       reply.reply.id == AMQP_CONNECTION_CLOSE_METHOD
		       ? close->reply_code
		       : 0;
}

/* Without these capabilities RabbitMQ tells neither that it blocks us nor why it refuses a login.
 */
static amqp_rpc_reply_t ask_login(struct dp_carrier *carrier, const struct deploy_config *config,
	const struct deploy_broker *broker)
{
	static const char *const wanted[] = {"connection.blocked", "basic.nack",
		"consumer_cancel_notify", "authentication_failure_close"};
	enum { WANTED = sizeof(wanted) / sizeof(wanted[0]) };
	amqp_table_entry_t capability[WANTED], entry;
	amqp_table_t properties = {.num_entries = 1, .entries = &entry};

	for (size_t i = 0; i < WANTED; i++) {
		capability[i].key = amqp_cstring_bytes(wanted[i]);
		capability[i].value.kind = AMQP_FIELD_KIND_BOOLEAN;
		capability[i].value.value.boolean = 1;
	}
	entry.key = amqp_cstring_bytes("capabilities");
	entry.value.kind = AMQP_FIELD_KIND_TABLE;
	entry.value.value.table = (amqp_table_t){.num_entries = WANTED, .entries = capability};
	return amqp_login_with_properties(carrier->connection, config->vhost, 0, DP_AMQP_FRAME_MAX,
		DP_AMQP_HEARTBEAT_S, &properties, AMQP_SASL_METHOD_PLAIN, broker->user,
		broker->password);
}

int dp_amqp_login(struct dp_carrier *carrier, const struct deploy_config *config,
	const struct deploy_broker *broker, int64_t deadline_us, unsigned *refusal,
	struct deploy_error *err)
{
	struct timeval left = dp_amqp_time_left(deadline_us);
	amqp_rpc_reply_t reply;

	(void)amqp_set_handshake_timeout(carrier->connection, &left);
	reply = ask_login(carrier, config, broker);
	*refusal = refusal_of(reply);
	if (reply.reply_type != AMQP_RESPONSE_NORMAL) {
		(void)dp_amqp_fail_reply(err, "login", reply);
		if (err->code == DEPLOY_AUTH)
			(void)deploy_error_wrap(
				err, "user '%s', vhost '%s'", broker->user, config->vhost);
		return err->code;
	}
	if (amqp_get_frame_max(carrier->connection) < MIN_FRAME_MAX)
		return deploy_error_set(err, DEPLOY_CONFIG,
			"the broker's frame_max is %d, at least %d is needed",
			amqp_get_frame_max(carrier->connection), MIN_FRAME_MAX);
	return 0;
}

/* The call that follows may take what is left of the time. */
static void limit_call(struct dp_carrier *carrier, int64_t deadline_us)
{
	struct timeval left = dp_amqp_time_left(deadline_us);

	(void)amqp_set_rpc_timeout(carrier->connection, &left);
}

int dp_amqp_open_channel(struct dp_carrier *carrier, amqp_channel_t channel, int64_t deadline_us,
	struct deploy_error *err)
{
	limit_call(carrier, deadline_us);
	if (amqp_channel_open(carrier->connection, channel))
		return 0;
	return dp_amqp_fail_reply(err, "channel", amqp_get_rpc_reply(carrier->connection));
}

int dp_amqp_check_exchange(struct dp_carrier *carrier, amqp_channel_t channel,
	const char *collective, const char *suffix, int64_t deadline_us, struct deploy_error *err)
{
	char name[300];
	amqp_rpc_reply_t reply;

	(void)snprintf(name, sizeof(name), "%s_%s", collective, suffix);
	limit_call(carrier, deadline_us);
	amqp_exchange_declare(carrier->connection, channel, amqp_cstring_bytes(name),
		amqp_cstring_bytes("topic"), 1, 1, 0, 0, amqp_empty_table);
	reply = amqp_get_rpc_reply(carrier->connection);
	if (reply.reply_type == AMQP_RESPONSE_NORMAL)
		return 0;
	(void)dp_amqp_fail_reply(err, "exchange", reply);
	if (err->code == DEPLOY_CONFIG)
		deploy_error_hint(err,
			"an administrator of the broker declares the exchanges %s_broadcast "
			"(topic) "
			"and %s_directed (direct) in vhost '%s'",
			collective, collective, carrier->vhost);
	return err->code;
}

int dp_amqp_open_reply_queue(struct dp_carrier *carrier, amqp_channel_t channel,
	int64_t deadline_us, struct deploy_error *err)
{
	amqp_queue_declare_ok_t *queue;

	limit_call(carrier, deadline_us);
	queue = amqp_queue_declare(
		carrier->connection, channel, amqp_empty_bytes, 0, 0, 1, 1, amqp_empty_table);
	if (!queue)
		return dp_amqp_fail_reply(
			err, "reply queue", amqp_get_rpc_reply(carrier->connection));
	carrier->reply_queue = amqp_bytes_malloc_dup(queue->queue);
	limit_call(carrier, deadline_us);
	if (!amqp_basic_consume(carrier->connection, channel, carrier->reply_queue,
		    amqp_empty_bytes, 0, 1, 1, amqp_empty_table))
		return dp_amqp_fail_reply(
			err, "reply queue", amqp_get_rpc_reply(carrier->connection));
	return 0;
}
