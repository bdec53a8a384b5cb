/*
 * Messages to topics, on a channel of their own that confirms what it was given. The broker closes
 * it when it refuses one; the next message opens it again. Nothing here waits for an answer: the
 * broker takes what follows on a channel in its order.
 */
#include "wire/amqp_connection.h"

#include <string.h>

#include <amqp_framing.h>

#include "base/log.h"

#define EXCHANGE		"amq.topic"
#define DELIVERY_MODE_TRANSIENT 1

static int open_channel(struct dp_carrier *carrier)
{
	amqp_channel_open_t open = {.out_of_band = amqp_empty_bytes};
	amqp_confirm_select_t select = {.nowait = 1};
	int status = amqp_send_method(
		carrier->connection, DP_AMQP_TOPICS, AMQP_CHANNEL_OPEN_METHOD, &open);

	if (status == AMQP_STATUS_OK)
		status = amqp_send_method(
			carrier->connection, DP_AMQP_TOPICS, AMQP_CONFIRM_SELECT_METHOD, &select);
	carrier->has_topics = true;
	carrier->announced = 0;
	return status;
}

int dp_carrier_announce(
	struct dp_carrier *carrier, const char *topic, const char *text, struct deploy_error *err)
{
	const amqp_basic_properties_t properties = {
		._flags = AMQP_BASIC_DELIVERY_MODE_FLAG, .delivery_mode = DELIVERY_MODE_TRANSIENT};
	int status = AMQP_STATUS_OK;

	if (!carrier->has_topics)
		status = open_channel(carrier);
	if (status == AMQP_STATUS_OK)
		status = amqp_basic_publish(carrier->connection, DP_AMQP_TOPICS,
			amqp_cstring_bytes(EXCHANGE), amqp_cstring_bytes(topic), 0, 0, &properties,
			amqp_cstring_bytes(text));
	carrier->announced++;
	if (status == AMQP_STATUS_OK)
		return 0;
	carrier->is_broken = true;
	(void)dp_amqp_fail_status(err, "publish", status);
	return deploy_error_wrap(err, "%s", carrier->peer);
}

static int refuse(struct dp_carrier *carrier, struct dp_delivery *out, const char *why)
{
	dp_buf_clear(&carrier->text);
	dp_buf_addf(&carrier->text, "%s", why);
	out->kind = DP_DELIVERY_REFUSED;
	out->text = dp_buf_text(&carrier->text);
	return 0;
}

static int take_close(struct dp_carrier *carrier, const amqp_channel_close_t *close,
	struct dp_delivery *out, struct deploy_error *err)
{
	amqp_channel_close_ok_t ok = {0};
	struct deploy_error why = {0};
	int status = amqp_send_method(
		carrier->connection, DP_AMQP_TOPICS, AMQP_CHANNEL_CLOSE_OK_METHOD, &ok);

	carrier->has_topics = false;
	(void)dp_amqp_fail_close(&why, "the broker refuses", close->reply_code, close->reply_text);
	if (status == AMQP_STATUS_OK)
		return refuse(carrier, out, why.text);
	carrier->is_broken = true;
	(void)dp_amqp_fail_status(err, "close of a channel", status);
	return deploy_error_wrap(err, "%s", carrier->peer);
}

int dp_amqp_take_word(struct dp_carrier *carrier, const amqp_method_t *method,
	struct dp_delivery *out, struct deploy_error *err)
{
	const amqp_basic_ack_t *ack = method->decoded;
	const amqp_basic_nack_t *nack = method->decoded;

	switch (method->id) {
	case AMQP_BASIC_ACK_METHOD:
		if (ack->delivery_tag == carrier->announced)
			out->kind = DP_DELIVERY_TAKEN;
		return 0;
	case AMQP_BASIC_NACK_METHOD:
		return nack->delivery_tag == carrier->announced
			       ? refuse(carrier, out, "the broker could not keep the message")
			       : 0;
	case AMQP_CHANNEL_CLOSE_METHOD:
		return take_close(carrier, method->decoded, out, err);
	default:
		dp_log(DEPLOY_LOG_DEBUG, "method ignored id=%u", method->id);
		return 0;
	}
}
