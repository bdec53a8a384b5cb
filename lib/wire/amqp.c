/*
 * Carrying: publishes out, frames in. librabbitmq would wait in its convenient calls, so frames are
 * taken one by one and put together here: method, header, body frames.
 */
#include "wire/amqp_connection.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#include <amqp_framing.h>

#include "deploy/error.h"
#include "base/log.h"
#include "base/mem.h"

#define DELIVERY_MODE_TRANSIENT 1

const char *dp_carrier_peer(const struct dp_carrier *carrier)
{
	return carrier->peer;
}

bool dp_carrier_is_blocked(const struct dp_carrier *carrier)
{
	return carrier->is_blocked;
}

/* BCC: an array of further routing keys that RabbitMQ takes off before delivery. */
static void fill_keys(amqp_field_value_t *keys, const struct dp_publish *publish)
{
	for (size_t i = 0; i < publish->more_count; i++) {
		keys[i].kind = AMQP_FIELD_KIND_UTF8;
		keys[i].value.bytes = amqp_cstring_bytes(publish->more_keys[i]);
	}
}

int dp_carrier_publish(
	struct dp_carrier *carrier, const struct dp_publish *publish, struct deploy_error *err)
{
	amqp_basic_properties_t properties = {
		._flags = AMQP_BASIC_REPLY_TO_FLAG | AMQP_BASIC_EXPIRATION_FLAG |
			  AMQP_BASIC_MESSAGE_ID_FLAG | AMQP_BASIC_DELIVERY_MODE_FLAG};
	amqp_bytes_t body = {.len = publish->body_len};
	amqp_field_value_t *keys = NULL;
	amqp_table_entry_t bcc;
	char expiration[24];
	int status;

	memcpy(&body.bytes, &publish->body, sizeof(body.bytes));
	(void)snprintf(expiration, sizeof(expiration), "%u000", publish->expiration_s);
	properties.reply_to = carrier->reply_queue;
	properties.expiration = amqp_cstring_bytes(expiration);
	properties.message_id = amqp_cstring_bytes(publish->id);
	properties.delivery_mode = DELIVERY_MODE_TRANSIENT;
	if (publish->more_count) {
		keys = dp_xcalloc(publish->more_count, sizeof(*keys));
		fill_keys(keys, publish);
		bcc.key = amqp_cstring_bytes("BCC");
		bcc.value.kind = AMQP_FIELD_KIND_ARRAY;
		bcc.value.value.array =
			(amqp_array_t){.num_entries = (int)publish->more_count, .entries = keys};
		properties._flags |= AMQP_BASIC_HEADERS_FLAG;
		properties.headers = (amqp_table_t){.num_entries = 1, .entries = &bcc};
	}
	status = amqp_basic_publish(carrier->connection, DP_AMQP_CHANNEL,
		amqp_cstring_bytes(publish->exchange), amqp_cstring_bytes(publish->routing_key),
		publish->is_mandatory, 0, &properties, body);
	free(keys);
	if (status == AMQP_STATUS_OK)
		return 0;
	carrier->is_broken = true;
	(void)dp_amqp_fail_status(err, "publish", status);
	return deploy_error_wrap(err, "%s", carrier->peer);
}

/* Our own queue is looked up by the process that brings its messages, behind all that it has. */
int dp_carrier_echo(struct dp_carrier *carrier, struct deploy_error *err)
{
	amqp_queue_declare_t declare = {.queue = carrier->reply_queue, .passive = 1};
	int status = amqp_send_method(
		carrier->connection, DP_AMQP_CHANNEL, AMQP_QUEUE_DECLARE_METHOD, &declare);

	if (status == AMQP_STATUS_OK)
		return 0;
	carrier->is_broken = true;
	(void)dp_amqp_fail_status(err, "echo", status);
	return deploy_error_wrap(err, "%s", carrier->peer);
}

static void copy_bytes(char *out, size_t size, amqp_bytes_t bytes)
{
	size_t len = bytes.len < size - 1 ? bytes.len : size - 1;

	memcpy(out, bytes.bytes, len);
	out[len] = '\0';
}

/* mc_sender: who the node says it is, before anything is verified; for counting and logs. */
static void note_sender(struct dp_carrier *carrier, const amqp_table_t *headers)
{
	for (int i = 0; i < headers->num_entries; i++) {
		const amqp_table_entry_t *entry = &headers->entries[i];

		if (entry->key.len != 9 || memcmp(entry->key.bytes, "mc_sender", 9) != 0 ||
			entry->value.kind != AMQP_FIELD_KIND_UTF8)
			continue;
		copy_bytes(carrier->sender, sizeof(carrier->sender), entry->value.value.bytes);
		carrier->has_sender = true;
	}
}

static int fail_frame(struct dp_carrier *carrier, struct deploy_error *err, const char *what)
{
	carrier->is_broken = true;
	return deploy_error_set(err, DEPLOY_PROTOCOL, "%s: %s", carrier->peer, what);
}

/* The broker ended the channel or the connection, and says why. */
static int fail_closed(struct dp_carrier *carrier, struct deploy_error *err, const char *what,
	unsigned code, amqp_bytes_t text)
{
	carrier->is_broken = true;
	(void)dp_amqp_fail_close(err, what, code, text);
	return deploy_error_wrap(err, "%s", carrier->peer);
}

static void take_blocked(struct dp_carrier *carrier, struct dp_delivery *out, amqp_bytes_t reason)
{
	carrier->is_blocked = true;
	dp_buf_clear(&carrier->text);
	dp_buf_addf(&carrier->text, "%.*s", (int)reason.len, (const char *)reason.bytes);
	out->kind = DP_DELIVERY_BLOCKED;
	out->text = dp_buf_text(&carrier->text);
}

static int take_method(struct dp_carrier *carrier, const amqp_method_t *method,
	struct dp_delivery *out, struct deploy_error *err)
{
	const amqp_basic_return_t *returned = method->decoded;
	const amqp_channel_close_t *channel = method->decoded;
	const amqp_connection_close_t *connection = method->decoded;
	const amqp_connection_blocked_t *blocked = method->decoded;

	if (carrier->expect != DP_AMQP_METHOD)
		return fail_frame(carrier, err, "a method inside a message");
	switch (method->id) {
	case AMQP_BASIC_DELIVER_METHOD:
		carrier->kind = DP_DELIVERY_MESSAGE;
		carrier->expect = DP_AMQP_HEADER;
		return 0;
	case AMQP_BASIC_RETURN_METHOD:
		carrier->kind = DP_DELIVERY_RETURNED;
		carrier->expect = DP_AMQP_HEADER;
		copy_bytes(carrier->key, sizeof(carrier->key), returned->routing_key);
		return 0;
	case AMQP_CONNECTION_BLOCKED_METHOD:
		take_blocked(carrier, out, blocked->reason);
		return 0;
	case AMQP_CONNECTION_UNBLOCKED_METHOD:
		carrier->is_blocked = false;
		out->kind = DP_DELIVERY_UNBLOCKED;
		return 0;
	case AMQP_QUEUE_DECLARE_OK_METHOD:
		out->kind = DP_DELIVERY_ECHO;
		return 0;
	case AMQP_CHANNEL_CLOSE_METHOD:
		return fail_closed(carrier, err, "the broker refuses", channel->reply_code,
			channel->reply_text);
	case AMQP_CONNECTION_CLOSE_METHOD:
		return fail_closed(carrier, err, "the broker closed the connection",
			connection->reply_code, connection->reply_text);
	case AMQP_BASIC_CANCEL_METHOD:
		carrier->is_broken = true;
		return deploy_error_set(err, DEPLOY_CONNECT,
			"%s: the broker removed the reply queue", carrier->peer);
	default:
		dp_log(DEPLOY_LOG_DEBUG, "method ignored id=%u", method->id);
		return 0;
	}
}

/* The message is complete: tell of it. */
static void deliver(struct dp_carrier *carrier, struct dp_delivery *out)
{
	carrier->expect = DP_AMQP_METHOD;
	out->kind = carrier->kind;
	out->body_len = carrier->body_size;
	out->sender = carrier->has_sender ? carrier->sender : NULL;
	out->routing_key = carrier->key;
	out->id = carrier->id;
	if (!out->body)
		out->body = dp_buf_text(&carrier->body);
}

static int take_header(struct dp_carrier *carrier, const amqp_frame_t *frame,
	struct dp_delivery *out, struct deploy_error *err)
{
	const amqp_basic_properties_t *properties = frame->payload.properties.decoded;

	if (carrier->expect != DP_AMQP_HEADER)
		return fail_frame(carrier, err, "a header without its method");
	carrier->expect = DP_AMQP_BODY;
	carrier->has_sender = false;
	carrier->id[0] = '\0';
	dp_buf_clear(&carrier->body);
	carrier->body_left = carrier->body_size = (size_t)frame->payload.properties.body_size;
	if (properties->_flags & AMQP_BASIC_HEADERS_FLAG)
		note_sender(carrier, &properties->headers);
	if (properties->_flags & AMQP_BASIC_MESSAGE_ID_FLAG)
		copy_bytes(carrier->id, sizeof(carrier->id), properties->message_id);
	if (carrier->body_size > DP_MAX_MESSAGE_BYTES && carrier->kind == DP_DELIVERY_MESSAGE)
		carrier->kind = DP_DELIVERY_TOO_LARGE;
	if (carrier->body_left == 0)
		deliver(carrier, out);
	return 0;
}

static int take_body(struct dp_carrier *carrier, const amqp_frame_t *frame, struct dp_delivery *out,
	struct deploy_error *err)
{
	amqp_bytes_t piece = frame->payload.body_fragment;

	if (carrier->expect != DP_AMQP_BODY || piece.len > carrier->body_left)
		return fail_frame(carrier, err, "more of a body than was announced");
	carrier->body_left -= piece.len;
	/* A body in one frame, as nearly all are, stays where it is. */
	if (piece.len == carrier->body_size)
		out->body = piece.bytes;
	else if (carrier->kind == DP_DELIVERY_MESSAGE)
		dp_buf_add(&carrier->body, piece.bytes, piece.len);
	if (carrier->body_left == 0)
		deliver(carrier, out);
	return 0;
}

static int take_frame(struct dp_carrier *carrier, const amqp_frame_t *frame,
	struct dp_delivery *out, struct deploy_error *err)
{
	if (frame->channel == DP_AMQP_TOPICS)
		return frame->frame_type == AMQP_FRAME_METHOD
			       ? dp_amqp_take_word(carrier, &frame->payload.method, out, err)
			       : fail_frame(carrier, err, "a message where none was asked for");
	switch (frame->frame_type) {
	case AMQP_FRAME_METHOD:
		return take_method(carrier, &frame->payload.method, out, err);
	case AMQP_FRAME_HEADER:
		return take_header(carrier, frame, out, err);
	case AMQP_FRAME_BODY:
		return take_body(carrier, frame, out, err);
	default:
		return 0;
	}
}

/* A large message should not be paid for during the rest of the run. */
static void forget_body(struct dp_carrier *carrier)
{
	if (carrier->expect == DP_AMQP_METHOD && carrier->body.cap > 1024 * 1024)
		dp_buf_release(&carrier->body);
}

int dp_carrier_receive(
	struct dp_carrier *carrier, struct dp_delivery *out, struct deploy_error *err)
{
	struct timeval now = {0};
	amqp_frame_t frame;
	int status, rc;

	*out = (struct dp_delivery){0};
	forget_body(carrier);
	for (;;) {
		/* The frame before was copied, or its reader is done with it. */
		amqp_maybe_release_buffers_on_channel(carrier->connection, DP_AMQP_CHANNEL);
		amqp_maybe_release_buffers_on_channel(carrier->connection, DP_AMQP_TOPICS);
		amqp_maybe_release_buffers_on_channel(carrier->connection, 0);
		status = amqp_simple_wait_frame_noblock(carrier->connection, &frame, &now);
		if (status == AMQP_STATUS_TIMEOUT)
			return 0;
		if (status != AMQP_STATUS_OK) {
			carrier->is_broken = true;
			(void)dp_amqp_fail_status(err, "connection lost", status);
			return deploy_error_wrap(err, "%s", carrier->peer);
		}
		rc = take_frame(carrier, &frame, out, err);
		if (rc || out->kind != DP_DELIVERY_NONE)
			return rc;
	}
}

void dp_carrier_wait(struct dp_carrier *carrier, bool wants_write, struct pollfd *others,
	size_t count, int timeout_ms, bool *can_write)
{
	struct pollfd *ours = &others[count];

	*ours = (struct pollfd){.fd = amqp_get_sockfd(carrier->connection), .events = POLLIN};
	if (wants_write)
		ours->events |= POLLOUT;
	if (amqp_frames_enqueued(carrier->connection) || amqp_data_in_buffer(carrier->connection))
		timeout_ms = 0;
	*can_write = poll(others, count + 1, timeout_ms) > 0 && (ours->revents & POLLOUT);
}
