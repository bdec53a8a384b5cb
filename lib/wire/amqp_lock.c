/*
 * Locks at the broker: an exclusive queue belongs to one connection and is gone with it; RabbitMQ
 * refuses it to all others with 405. It closes the channel with any refusal, so each is asked for
 * on a channel of its own, which is closed again: the queue stays.
 */
#include "wire/amqp_connection.h"

#include <stdio.h>

#include <amqp_framing.h>

#include "deploy/lock.h"

static void limit_call(struct dp_carrier *carrier, int64_t deadline_us)
{
	struct timeval left = dp_amqp_time_left(deadline_us);

	(void)amqp_set_rpc_timeout(carrier->connection, &left);
}

/* The code with which the broker closed the channel, or 0 if it is more that is wrong. */
static unsigned refusal_of(amqp_rpc_reply_t reply)
{
	const amqp_channel_close_t *close = reply.reply.decoded;

	return reply.reply_type == AMQP_RESPONSE_SERVER_EXCEPTION &&
			       reply.reply.id == AMQP_CHANNEL_CLOSE_METHOD
		       ? close->reply_code
		       : 0;
}

/* Until it hears this, the broker takes the channel for one that is being closed. */
static int confirm_close(struct dp_carrier *carrier, amqp_channel_t channel)
{
	amqp_channel_close_ok_t ok = {0};

	return amqp_send_method(carrier->connection, channel, AMQP_CHANNEL_CLOSE_OK_METHOD, &ok);
}

static int fail_lock(struct dp_carrier *carrier, amqp_channel_t channel, const char *name,
	struct deploy_error *err)
{
	amqp_rpc_reply_t reply = amqp_get_rpc_reply(carrier->connection);
	unsigned refusal = refusal_of(reply);

	if (refusal == AMQP_RESOURCE_LOCKED)
		(void)deploy_error_set(err, DEPLOY_REFUSED,
			"lock \"%s\" is held by another connection to the broker", name);
	else
		(void)dp_amqp_fail_reply(err, "lock", reply);
	if (err->code == DEPLOY_AUTH)
		deploy_error_hint(err,
			"user '%s' may configure no queue ^deployctl\\.lock\\. in vhost '%s': see "
			"deployctl-rabbitmq(7)",
			carrier->user, carrier->vhost);
	if (!refusal || confirm_close(carrier, channel) != AMQP_STATUS_OK)
		carrier->is_broken = true;
	return err->code;
}

int dp_amqp_lock(struct dp_carrier *carrier, amqp_channel_t channel, const char *name,
	int64_t deadline_us, struct deploy_error *err)
{
	char queue[sizeof("deployctl.lock.") + DEPLOY_LOCK_NAME_MAX];
	amqp_rpc_reply_t reply;

	(void)snprintf(queue, sizeof(queue), "deployctl.lock.%s", name);
	if (dp_amqp_open_channel(carrier, channel, deadline_us, err)) {
		carrier->is_broken = true;
		return err->code;
	}
	limit_call(carrier, deadline_us);
	if (!amqp_queue_declare(carrier->connection, channel, amqp_cstring_bytes(queue), 0, 0, 1, 1,
		    amqp_empty_table))
		return fail_lock(carrier, channel, name, err);
	limit_call(carrier, deadline_us);
	reply = amqp_channel_close(carrier->connection, channel, AMQP_REPLY_SUCCESS);
	if (reply.reply_type == AMQP_RESPONSE_NORMAL)
		return 0;
	carrier->is_broken = true;
	return dp_amqp_fail_reply(err, "lock", reply);
}
