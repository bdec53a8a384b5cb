/*
 * Opening: each host in turn with its own time limit, and each host's reason in the error.
 * RabbitMQ closes what it refuses with a code.
 */
#include "wire/amqp_connection.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "wire/socket.h"

#define LOCK_CHANNEL (DP_AMQP_CHANNEL + 1)

void dp_carrier_interrupt(void)
{
	dp_socket_interrupt();
}

static int talk(struct dp_carrier *carrier, const struct deploy_config *config,
	const struct deploy_broker *broker, const char *collective, struct deploy_error *err)
{
	int64_t deadline_us = dp_clock_us() + config->connection_timeout_ms * 1000;
	unsigned refusal;

	if (dp_amqp_connect(carrier, broker, deadline_us, err) ||
		dp_amqp_login(carrier, config, broker, deadline_us, &refusal, err) ||
		dp_amqp_open_channel(carrier, DP_AMQP_CHANNEL, deadline_us, err) ||
		dp_amqp_check_exchange(
			carrier, DP_AMQP_CHANNEL, collective, "broadcast", deadline_us, err) ||
		dp_amqp_check_exchange(
			carrier, DP_AMQP_CHANNEL, collective, "directed", deadline_us, err) ||
		dp_amqp_open_reply_queue(carrier, DP_AMQP_CHANNEL, deadline_us, err))
		return err->code;
	return 0;
}

static int open_one(struct dp_carrier **out, const struct deploy_config *config,
	const struct deploy_broker *broker, const char *collective, struct deploy_error *err)
{
	struct dp_carrier *carrier = dp_amqp_new(config, broker);
	int rc = talk(carrier, config, broker, collective, err);

	if (rc) {
		carrier->is_broken = true;
		(void)deploy_error_wrap(err, "%s", carrier->peer);
		dp_amqp_release(carrier);
		return rc;
	}
	dp_log(DEPLOY_LOG_INFO, "connected peer=%s vhost=%s user=%s", carrier->peer, carrier->vhost,
		carrier->user);
	*out = carrier;
	return 0;
}

int dp_carrier_open(struct dp_carrier **out, const struct deploy_config *config,
	const char *collective, struct deploy_error *err)
{
	struct deploy_error first = {0};
	struct dp_buf reasons;

	dp_buf_init(&reasons, sizeof(err->text) - 1);
	*out = NULL;
	for (size_t i = 0; i < config->broker_count && !*out; i++) {
		struct deploy_error one = {0};

		if (open_one(out, config, &config->brokers[i], collective, &one) == 0)
			break;
		dp_buf_addf(&reasons, "%s%s", reasons.len ? "; " : "", one.text);
		/* A broker that refuses us says more than one that is down; an interrupt is an end.
		 */
		if (first.code == DEPLOY_OK || first.code == DEPLOY_CONNECT ||
			one.code == DEPLOY_INTERRUPTED)
			first = one;
		if (one.code == DEPLOY_INTERRUPTED)
			break;
	}
	if (!*out) {
		if (first.code == DEPLOY_INTERRUPTED)
			dp_socket_forget_interrupt();
		(void)deploy_error_set(err, first.code, "%s", dp_buf_text(&reasons));
		if (first.hint[0])
			deploy_error_hint(err, "%s", first.hint);
	}
	dp_buf_release(&reasons);
	return *out ? 0 : err->code;
}

/* While the run goes on with its own channel. */
int dp_carrier_lock(struct dp_carrier *carrier, const char *name, struct deploy_error *err)
{
	int64_t deadline_us = dp_clock_us() + carrier->timeout_ms * 1000;

	if (dp_amqp_lock(carrier, LOCK_CHANNEL, name, deadline_us, err))
		return deploy_error_wrap(err, "%s", carrier->peer);
	return 0;
}

/* A broker that blocks us does not read our good-bye, so there is none. */
void dp_carrier_close(struct dp_carrier *carrier)
{
	struct timeval one_second = {.tv_sec = 1};

	if (!carrier)
		return;
	if (!carrier->is_broken && !carrier->is_blocked && !dp_socket_was_interrupted()) {
		(void)amqp_set_rpc_timeout(carrier->connection, &one_second);
		(void)amqp_connection_close(carrier->connection, AMQP_REPLY_SUCCESS);
	}
	dp_amqp_release(carrier);
	dp_socket_forget_interrupt();
}
