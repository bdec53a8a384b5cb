/*
 * A node that lies, on the lab's real broker: it answers discovery and every request like a node
 * called evil.example.net, and sends with its answer what nobody should believe.
 * Usage, inside a lab: forge KIND
 * KIND: zoo (one of each kind of bad reply), flood (100,000 copies), late (answers after 3 s)
 * Prints "ready" when it is bound, then one line per request; ends when its stdin does.
 */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <amqp.h>

#include "../bench/link.h"
#include "base/buf.h"
#include "wire/marshal.h"
#include "wire/security_psk.h"

#define ME "evil.example.net"

static struct link link_to_broker;
static const char *psk;

static void send_bytes(amqp_bytes_t reply_to, const void *data, size_t len)
{
	const struct message message = {.exchange = "",
		.key = reply_to.bytes,
		.key_len = reply_to.len,
		.sender = ME,
		.body = data,
		.body_len = len};

	link_frame(&link_to_broker.out, &message);
	link_flush_some(&link_to_broker);
}

static void put_pair(struct dp_buf *out, const char *key, const void *value, size_t len)
{
	dp_marshal_put_symbol(out, key);
	dp_marshal_put_text(out, value, len);
}

/* A well-signed reply of sender to the request id, status 0 with one output, or a pong. */
static void make_reply(struct dp_buf *out, const char *sender, const char *id, size_t id_len,
	bool is_pong, const char *key)
{
	char hash[DP_PSK_HASH_CHARS + 1];
	struct dp_buf body;

	dp_buf_init(&body, 65536);
	dp_marshal_begin(&body);
	if (is_pong) {
		dp_marshal_put_text(&body, "pong", 4);
	} else {
		dp_marshal_put_hash(&body, 3);
		dp_marshal_put_symbol(&body, "statuscode");
		dp_marshal_put_integer(&body, 0);
		put_pair(&body, "statusmsg", "OK", 2);
		dp_marshal_put_symbol(&body, "data");
		dp_marshal_put_hash(&body, 1);
		put_pair(&body, "pong", "\x1b[31mevil", 9);
	}
	dp_psk_sign(hash, body.data, body.len, key);
	dp_buf_clear(out);
	dp_marshal_begin(out);
	dp_marshal_put_hash(out, 6);
	put_pair(out, "senderid", sender, strlen(sender));
	put_pair(out, "requestid", id, id_len);
	put_pair(out, "senderagent", "rpcutil", 7);
	dp_marshal_put_symbol(out, "msgtime");
	dp_marshal_put_integer(out, time(NULL));
	put_pair(out, "body", body.data, body.len);
	put_pair(out, "hash", hash, strlen(hash));
	dp_buf_release(&body);
}

/* An array inside an array inside … : 100,000 of them. */
static void send_deep(amqp_bytes_t reply_to)
{
	enum { DEPTH = 100000 };
	static char bytes[2 + 2 * DEPTH + 1] = "\x04\x08";

	for (size_t i = 0; i < DEPTH; i++)
		memcpy(bytes + 2 + 2 * i, "[\x06", 2);
	bytes[2 + 2 * DEPTH] = '0';
	send_bytes(reply_to, bytes, sizeof(bytes));
}

/* Nine bad replies, of which the last three are well signed. */
static void send_zoo(amqp_bytes_t reply_to, struct dp_slice id, bool is_pong)
{
	static const char claim[] = "\x04\x08\"\x04\xff\xff\xff\x7f";
	static const char foreign_id[] = "00000000000050008000000000000000";
	struct dp_buf reply;

	dp_buf_init(&reply, 65536);
	make_reply(&reply, ME, id.data, id.len, is_pong, psk);
	send_bytes(reply_to, reply.data, reply.len / 2);
	send_bytes(reply_to, "", 0);
	send_bytes(reply_to, claim, sizeof(claim) - 1);
	send_deep(reply_to);
	make_reply(&reply, ME, id.data, id.len, is_pong, "another psk");
	send_bytes(reply_to, reply.data, reply.len);
	make_reply(&reply, ME, id.data, id.len, !is_pong, psk);
	send_bytes(reply_to, reply.data, reply.len);
	make_reply(&reply, ME, foreign_id, 32, is_pong, psk);
	send_bytes(reply_to, reply.data, reply.len);
	if (!is_pong) {
		make_reply(&reply, "stranger.example.net", id.data, id.len, is_pong, psk);
		send_bytes(reply_to, reply.data, reply.len);
	}
	dp_buf_release(&reply);
}

static void answer(const amqp_envelope_t *envelope, const char *kind)
{
	const amqp_basic_properties_t *properties = &envelope->message.properties;
	struct dp_marshal_field field[] = {{.name = "requestid", .want = DP_MARSHAL_TEXT},
		{.name = "agent", .want = DP_MARSHAL_TEXT}};
	struct deploy_error err = {0};
	struct dp_buf reply;
	size_t copies = 1;
	bool is_pong;

	if (dp_marshal_decode_fields(
		    field, 2, envelope->message.body.bytes, envelope->message.body.len, NULL, &err))
		return;
	is_pong = field[1].text.len == 9 && memcmp(field[1].text.data, "discovery", 9) == 0;
	dp_buf_init(&reply, 65536);
	make_reply(&reply, ME, field[0].text.data, field[0].text.len, is_pong, psk);
	if (strcmp(kind, "zoo") == 0) {
		send_zoo(properties->reply_to, field[0].text, is_pong);
		copies = 2;
	}
	if (strcmp(kind, "flood") == 0)
		copies = 100000;
	if (strcmp(kind, "late") == 0 && !is_pong)
		(void)sleep(3);
	while (copies--)
		send_bytes(properties->reply_to, reply.data, reply.len);
	dp_buf_release(&reply);
	(void)printf("answered %.*s\n", (int)field[1].text.len, field[1].text.data);
	(void)fflush(stdout);
}

static void bind_queue(amqp_bytes_t queue, const char *exchange, const char *key)
{
	(void)amqp_queue_bind(link_to_broker.connection, 1, queue, amqp_cstring_bytes(exchange),
		amqp_cstring_bytes(key), amqp_empty_table);
	link_need(&link_to_broker, "bind");
}

static void open_queue(void)
{
	amqp_bytes_t name = link_queue(&link_to_broker);

	bind_queue(name, "mcollective_broadcast", "discovery");
	bind_queue(name, "mcollective_directed", ME);
	amqp_bytes_free(name);
}

/* False when stdin has ended. */
static bool wait_for_more(void)
{
	struct pollfd fds[] = {{.fd = STDIN_FILENO, .events = POLLIN},
		{.fd = link_to_broker.fd, .events = POLLIN}};
	char byte;

	(void)poll(fds, 2, -1);
	return !fds[0].revents || read(STDIN_FILENO, &byte, 1) > 0;
}

int main(int argc, char **argv)
{
	amqp_envelope_t envelope;

	if (argc != 2) {
		(void)fprintf(stderr, "usage: forge zoo|flood|late\n");
		return 64;
	}
	psk = lab_value("LAB_PSK");
	link_open(&link_to_broker, "forge");
	open_queue();
	(void)printf("ready\n");
	(void)fflush(stdout);
	do
		while (link_take(&link_to_broker, &envelope)) {
			answer(&envelope, argv[1]);
			link_flush(&link_to_broker);
			amqp_destroy_envelope(&envelope);
		}
	while (wait_for_more());
	link_close(&link_to_broker);
	return 0;
}
