/* The seam between values and bytes; the security plugin of the fleet is chosen here. */
#include "wire/transport.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "base/clock.h"
#include "deploy/error.h"
#include "base/log.h"
#include "base/mem.h"
#include "deploy/text.h"
#include "wire/carrier.h"
#include "wire/envelope.h"
#include "wire/security_psk.h"

/* A message is dropped by the broker this much later than by a node. */
#define EXPIRATION_SLACK_S 10

struct dp_transport {
	struct dp_carrier *carrier;
	char *identity, *callerid, *psk;
	bool is_base64;
	struct dp_buf plain;	 /* a message without its Base64 */
	struct dp_buf statusmsg; /* of the reply that was received last */
	json_t *data;		 /* likewise */
	char sender[DEPLOY_MAX_IDENTITY + 1], id[64];
	struct deploy_error why; /* a message was rejected */
};

int dp_transport_open(struct dp_transport **out, const struct deploy_config *config,
	const char *collective, struct deploy_error *err)
{
	struct dp_carrier *carrier = NULL;
	struct dp_transport *transport;
	int rc;

	if (!config->psk) {
		(void)deploy_error_set(err, DEPLOY_CONFIG, "%s: no psk is named", config->path);
		deploy_error_hint(err, "psk: {file: /etc/deployctl/psk}; in an mco client.cfg "
				       "plugin.psk, or MCOLLECTIVE_PSK in the environment");
		return err->code;
	}
	rc = dp_carrier_open(&carrier, config, collective, err);
	if (rc)
		return rc;
	transport = dp_xcalloc(1, sizeof(*transport));
	transport->carrier = carrier;
	transport->identity = dp_xstrdup(config->identity);
	transport->callerid = dp_xstrdup(config->callerid);
	transport->psk = dp_xstrdup(config->psk);
	transport->is_base64 = config->base64;
	dp_buf_init(&transport->plain, DP_MAX_MESSAGE_BYTES);
	dp_buf_init(&transport->statusmsg, 64 * 1024);
	*out = transport;
	return 0;
}

void dp_transport_close(struct dp_transport *transport)
{
	if (!transport)
		return;
	dp_carrier_close(transport->carrier);
	free(transport->identity);
	free(transport->callerid);
	dp_wipe(transport->psk, strlen(transport->psk));
	free(transport->psk);
	dp_buf_release(&transport->plain);
	dp_buf_release(&transport->statusmsg);
	json_decref(transport->data);
	free(transport);
}

void dp_transport_interrupt(void)
{
	dp_carrier_interrupt();
}

int dp_transport_examine(const struct deploy_config *config, size_t index, const char *collective,
	deploy_finding_fn *found, void *arg)
{
	return dp_carrier_examine(config, index, collective, found, arg);
}

const char *dp_transport_peer(const struct dp_transport *transport)
{
	return dp_carrier_peer(transport->carrier);
}

bool dp_transport_is_blocked(const struct dp_transport *transport)
{
	return dp_carrier_is_blocked(transport->carrier);
}

void dp_transport_wait(struct dp_transport *transport, bool wants_write, struct pollfd *others,
	size_t count, int timeout_ms, bool *can_write)
{
	dp_carrier_wait(transport->carrier, wants_write, others, count, timeout_ms, can_write);
}

void dp_transport_new_id(char id[DP_REQUEST_ID_SIZE])
{
	dp_request_id_new(id);
}

int dp_transport_encode(struct dp_transport *transport, struct dp_buf *out,
	const struct deploy_request *request, const char *id, const struct deploy_filter *filter,
	bool is_probe, struct deploy_error *err)
{
	const struct dp_speaker speaker = {
		transport->identity, transport->callerid, transport->psk};
	const struct dp_sending sending = {.request_id = id,
		.filter = filter,
		.is_probe = is_probe,
		.msgtime_s = dp_wall_us() / 1000000};
	int rc;

	dp_buf_clear(out);
	if (!transport->is_base64)
		return dp_envelope_encode(out, request, &speaker, &sending, err);
	dp_buf_clear(&transport->plain);
	rc = dp_envelope_encode(&transport->plain, request, &speaker, &sending, err);
	if (!rc)
		dp_base64_encode(out, transport->plain.data, transport->plain.len);
	if (out->overflow)
		return deploy_error_set(
			err, DEPLOY_INPUT, "the request is larger than %zu bytes", out->limit);
	return rc;
}

static int publish(struct dp_transport *transport, const struct dp_buf *message,
	const struct deploy_request *request, const char *suffix, struct dp_publish out,
	struct deploy_error *err)
{
	char exchange[300];

	(void)snprintf(exchange, sizeof(exchange), "%s_%s", request->collective, suffix);
	out.exchange = exchange;
	out.body = message->data;
	out.body_len = message->len;
	out.expiration_s = request->ttl_s + EXPIRATION_SLACK_S;
	return dp_carrier_publish(transport->carrier, &out, err);
}

int dp_transport_broadcast(struct dp_transport *transport, const struct dp_buf *message,
	const struct deploy_request *request, const char *id, struct deploy_error *err)
{
	struct dp_publish out = {.routing_key = request->agent, .id = id};

	return publish(transport, message, request, "broadcast", out, err);
}

int dp_transport_direct(struct dp_transport *transport, const struct dp_buf *message,
	const struct deploy_request *request, const char *id, const char *const *names,
	size_t count, bool is_mandatory, struct deploy_error *err)
{
	struct dp_publish out = {.routing_key = names[0],
		.more_keys = names + 1,
		.more_count = count - 1,
		.is_mandatory = is_mandatory,
		.id = id};

	return publish(transport, message, request, "directed", out, err);
}

static int reject(
	struct dp_transport *transport, const struct dp_delivery *delivery, struct dp_arrival *out)
{
	out->kind = DP_ARRIVAL_REJECTED;
	out->sender = delivery->sender;
	out->text = transport->why.text;
	return 0;
}

static void copy_slice(char *out, size_t size, struct dp_slice slice)
{
	size_t len = slice.len < size - 1 ? slice.len : size - 1;

	memcpy(out, slice.data, len);
	out[len] = '\0';
}

/* Bytes that are no UTF-8, as text with the odd ones spelt out; NULL if message is something else.
 */
static char *text_of_bytes(const json_t *message)
{
	const char *base64 = json_string_value(json_object_get(message, "$bytes"));
	struct dp_buf bytes;
	char *text = NULL;

	dp_buf_init(&bytes, DP_MAX_MESSAGE_BYTES);
	if (base64 && dp_base64_decode(&bytes, base64, strlen(base64)))
		text = deploy_text_escape(dp_buf_text(&bytes), bytes.len);
	dp_buf_release(&bytes);
	return text;
}

/* Status messages are shown and stored as text; what is none is printed as JSON. */
static const char *keep_statusmsg(struct dp_transport *transport, const json_t *message)
{
	char *dump;

	dp_buf_clear(&transport->statusmsg);
	if (json_is_string(message)) {
		dp_buf_addf(&transport->statusmsg, "%.*s", (int)transport->statusmsg.limit,
			json_string_value(message));
	} else if (message && !json_is_null(message)) {
		dump = text_of_bytes(message);
		if (!dump)
			dump = json_dumps(message, JSON_ENCODE_ANY | JSON_COMPACT);
		dp_buf_addf(&transport->statusmsg, "%.*s", (int)transport->statusmsg.limit,
			dump ? dump : "");
		free(dump);
	}
	return dp_buf_text(&transport->statusmsg);
}

/* From the outside in: envelope, signature, and only then the body. */
static int decode(
	struct dp_transport *transport, const char *bytes, size_t len, struct dp_arrival *out)
{
	struct dp_reply_envelope envelope;
	struct dp_reply_body body;
	int rc;

	rc = dp_envelope_decode(&envelope, bytes, len, &transport->why);
	if (rc)
		return rc;
	if (!dp_psk_verify(envelope.hash.data, envelope.hash.len, envelope.body.data,
		    envelope.body.len, transport->psk))
		return deploy_error_set(&transport->why, DEPLOY_AUTH, "wrong hash: another PSK?");
	rc = dp_reply_body_decode(&body, envelope.body.data, envelope.body.len, &transport->why);
	if (rc)
		return rc;
	copy_slice(transport->sender, sizeof(transport->sender), envelope.sender);
	copy_slice(transport->id, sizeof(transport->id), envelope.request_id);
	if (body.notes.collisions)
		dp_log(DEPLOY_LOG_WARN,
			"keys that are the same as text: the last counts node=%s keys=%u",
			transport->sender, body.notes.collisions);
	json_decref(transport->data);
	transport->data = body.data;
	out->kind = DP_ARRIVAL_REPLY;
	out->is_pong = body.is_pong;
	out->reply = (struct dp_reply){.sender = transport->sender,
		.request_id = transport->id,
		.statuscode = body.statuscode,
		.statusmsg = keep_statusmsg(transport, body.statusmsg),
		.data = body.data};
	json_decref(body.statusmsg);
	return 0;
}

static int take_message(
	struct dp_transport *transport, const struct dp_delivery *delivery, struct dp_arrival *out)
{
	const char *bytes = delivery->body;
	size_t len = delivery->body_len;
	int rc = 0;

	transport->why = (struct deploy_error){0};
	if (transport->is_base64) {
		dp_buf_clear(&transport->plain);
		if (!dp_base64_decode(&transport->plain, bytes, len))
			rc = deploy_error_set(&transport->why, DEPLOY_PROTOCOL, "no Base64");
		bytes = dp_buf_text(&transport->plain);
		len = transport->plain.len;
	}
	if (!rc)
		rc = decode(transport, bytes, len, out);
	return rc ? reject(transport, delivery, out) : 0;
}

int dp_transport_receive(
	struct dp_transport *transport, struct dp_arrival *out, struct deploy_error *err)
{
	struct dp_delivery delivery;
	int rc = dp_carrier_receive(transport->carrier, &delivery, err);

	*out = (struct dp_arrival){0};
	if (rc)
		return rc;
	switch (delivery.kind) {
	case DP_DELIVERY_NONE:
		return 0;
	case DP_DELIVERY_MESSAGE:
		return take_message(transport, &delivery, out);
	case DP_DELIVERY_TOO_LARGE:
		transport->why = (struct deploy_error){0};
		(void)deploy_error_set(&transport->why, DEPLOY_PROTOCOL,
			"reply too large: %zu bytes, limit %d", delivery.body_len,
			DP_MAX_MESSAGE_BYTES);
		return reject(transport, &delivery, out);
	case DP_DELIVERY_RETURNED:
		out->kind = DP_ARRIVAL_RETURNED;
		out->sender = delivery.routing_key;
		out->id = delivery.id;
		return 0;
	case DP_DELIVERY_BLOCKED:
		out->kind = DP_ARRIVAL_BLOCKED;
		out->text = delivery.text;
		return 0;
	case DP_DELIVERY_UNBLOCKED:
		out->kind = DP_ARRIVAL_UNBLOCKED;
		return 0;
	case DP_DELIVERY_ECHO:
		out->kind = DP_ARRIVAL_ECHO;
		return 0;
	case DP_DELIVERY_TAKEN:
		out->kind = DP_ARRIVAL_TAKEN;
		return 0;
	case DP_DELIVERY_REFUSED:
		out->kind = DP_ARRIVAL_REFUSED;
		out->text = delivery.text;
		return 0;
	}
	return 0;
}

int dp_transport_echo(struct dp_transport *transport, struct deploy_error *err)
{
	return dp_carrier_echo(transport->carrier, err);
}

int dp_transport_announce(struct dp_transport *transport, const char *topic, const char *text,
	struct deploy_error *err)
{
	return dp_carrier_announce(transport->carrier, topic, text, err);
}

int dp_transport_lock(struct dp_transport *transport, const char *name, struct deploy_error *err)
{
	return dp_carrier_lock(transport->carrier, name, err);
}
