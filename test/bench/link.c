/* Connecting, and writing many publishes at once. */
#include "link.h"

#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <amqp_framing.h>
#include <amqp_tcp_socket.h>

#define FRAME_MAX      131072
#define MUCH_BYTES     (64 * 1024)
#define MAX_OUT_BYTES  ((size_t)1 << 31)
#define BASIC_CLASS    60
#define PUBLISH_METHOD 40
#define HEADERS_FLAG   0x2000
#define DELIVERY_FLAG  0x1000
#define FRAME_END      0xce

static const char *program_name = "bench";

static _Noreturn void die(const char *what, const char *why)
{
	(void)fprintf(stderr, "%s: %s: %s\n", program_name, what, why);
	exit(1);
}

const char *lab_value(const char *name)
{
	const char *value = getenv(name);

	if (!value)
		die(name, "not set; run inside a lab: test/lab/lab run -- COMMAND");
	return value;
}

void link_need(const struct link *link, const char *what)
{
	amqp_rpc_reply_t reply = amqp_get_rpc_reply(link->connection);

	if (reply.reply_type == AMQP_RESPONSE_NORMAL)
		return;
	die(what, reply.reply_type == AMQP_RESPONSE_LIBRARY_EXCEPTION
			  ? amqp_error_string2(reply.library_error)
			  : "refused by the broker");
}

void link_open(struct link *link, const char *program)
{
	amqp_socket_t *socket;

	program_name = program;
	dp_buf_init(&link->out, MAX_OUT_BYTES);
	link->connection = amqp_new_connection();
	socket = amqp_tcp_socket_new(link->connection);
	if (amqp_socket_open(socket, lab_value("LAB_HOST"),
		    (int)strtol(lab_value("LAB_AMQP_PORT"), NULL, 10)) != 0)
		die("connect", "no broker at LAB_HOST, LAB_AMQP_PORT");
	if (amqp_login(link->connection, lab_value("LAB_VHOST"), 0, FRAME_MAX, 0,
		    AMQP_SASL_METHOD_PLAIN, "mcollective", "mcollective-words")
			.reply_type != AMQP_RESPONSE_NORMAL)
		die("login", "refused");
	(void)amqp_channel_open(link->connection, 1);
	link_need(link, "channel");
	link->fd = amqp_get_sockfd(link->connection);
}

void link_close(struct link *link)
{
	(void)amqp_connection_close(link->connection, AMQP_REPLY_SUCCESS);
	(void)amqp_destroy_connection(link->connection);
	dp_buf_release(&link->out);
}

amqp_bytes_t link_queue(const struct link *link)
{
	amqp_queue_declare_ok_t *queue = amqp_queue_declare(
		link->connection, 1, amqp_empty_bytes, 0, 0, 1, 1, amqp_empty_table);
	amqp_bytes_t name;

	link_need(link, "queue");
	name = amqp_bytes_malloc_dup(queue->queue);
	(void)amqp_basic_consume(
		link->connection, 1, name, amqp_empty_bytes, 0, 1, 1, amqp_empty_table);
	link_need(link, "consume");
	return name;
}

static void put_number(struct dp_buf *out, uint64_t number, int bytes)
{
	while (bytes-- > 0)
		dp_buf_add_byte(out, (int)(number >> (8 * bytes) & 0xff));
}

static void put_short_text(struct dp_buf *out, const void *text, size_t len)
{
	put_number(out, len, 1);
	dp_buf_add(out, text, len);
}

static void begin_frame(struct dp_buf *out, int type, size_t len)
{
	put_number(out, (uint64_t)type, 1);
	put_number(out, 1, 2); /* the channel */
	put_number(out, len, 4);
}

static void put_method(struct dp_buf *out, const struct message *message)
{
	size_t exchange_len = strlen(message->exchange);

	begin_frame(out, AMQP_FRAME_METHOD, 9 + exchange_len + message->key_len);
	put_number(out, BASIC_CLASS, 2);
	put_number(out, PUBLISH_METHOD, 2);
	put_number(out, 0, 2);
	put_short_text(out, message->exchange, exchange_len);
	put_short_text(out, message->key, message->key_len);
	put_number(out, 0, 1);
	put_number(out, FRAME_END, 1);
}

/* Headers with who sends it, and that it need not survive the broker. */
static void put_header(struct dp_buf *out, const struct message *message)
{
	static const char key[] = "mc_sender";
	size_t sender_len = strlen(message->sender);
	size_t table_len = sizeof(key) + 5 + sender_len;

	begin_frame(out, AMQP_FRAME_HEADER, 14 + 4 + table_len + 1);
	put_number(out, BASIC_CLASS, 2);
	put_number(out, 0, 2);
	put_number(out, message->body_len, 8);
	put_number(out, HEADERS_FLAG | DELIVERY_FLAG, 2);
	put_number(out, table_len, 4);
	put_short_text(out, key, sizeof(key) - 1);
	put_number(out, 'S', 1);
	put_number(out, sender_len, 4);
	dp_buf_add(out, message->sender, sender_len);
	put_number(out, 1, 1);
	put_number(out, FRAME_END, 1);
}

void link_frame(struct dp_buf *out, const struct message *message)
{
	const char *at = message->body;
	size_t left = message->body_len;

	put_method(out, message);
	put_header(out, message);
	while (left) {
		size_t part = left < FRAME_MAX - 8 ? left : FRAME_MAX - 8;

		begin_frame(out, AMQP_FRAME_BODY, part);
		dp_buf_add(out, at, part);
		put_number(out, FRAME_END, 1);
		at += part;
		left -= part;
	}
}

void link_flush(struct link *link)
{
	const char *at = link->out.data;
	size_t left = link->out.len;

	while (left) {
		ssize_t sent = send(link->fd, at, left, MSG_NOSIGNAL);
		struct pollfd out = {.fd = link->fd, .events = POLLOUT};

		if (sent < 0 && errno != EAGAIN && errno != EINTR)
			die("write", strerror(errno));
		if (sent < 0)
			(void)poll(&out, 1, -1);
		else
			at += sent, left -= (size_t)sent;
	}
	dp_buf_clear(&link->out);
}

void link_flush_some(struct link *link)
{
	if (link->out.len > MUCH_BYTES)
		link_flush(link);
}

bool link_take(struct link *link, amqp_envelope_t *envelope)
{
	struct timeval now = {0};
	amqp_rpc_reply_t reply;

	amqp_maybe_release_buffers(link->connection);
	reply = amqp_consume_message(link->connection, envelope, &now, 0);
	if (reply.reply_type == AMQP_RESPONSE_NORMAL)
		return true;
	if (reply.reply_type == AMQP_RESPONSE_LIBRARY_EXCEPTION &&
		reply.library_error == AMQP_STATUS_TIMEOUT)
		return false;
	die("receive", "the broker ended the channel or the connection");
}
