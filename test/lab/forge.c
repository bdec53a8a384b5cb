/*
 * A node that lies, on the lab's real broker: it answers discovery and every request like a node
 * called evil.example.net, and sends with its answer what nobody should believe.
 * Usage: forge PORT USER PASSWORD VHOST PSK KIND
 * KIND: zoo (one of each kind of bad reply), flood (100,000 copies), late (answers after 3 s)
 * Prints "ready" when it is bound, then one line per request; ends when its stdin does.
 */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include <amqp.h>
#include <amqp_framing.h>
#include <amqp_tcp_socket.h>

#include "base/buf.h"
#include "wire/marshal.h"
#include "wire/security_psk.h"

#define ME "evil.example.net"

static amqp_connection_state_t connection;
static const char *psk;

static void need(amqp_rpc_reply_t reply, const char *what)
{
	if (reply.reply_type == AMQP_RESPONSE_NORMAL)
		return;
	(void)fprintf(stderr, "forge: %s failed\n", what);
	exit(1);
}

static void send_bytes(amqp_bytes_t reply_to, const void *data, size_t len)
{
	amqp_table_entry_t sender = {.key = amqp_cstring_bytes("mc_sender"),
		.value = {.kind = AMQP_FIELD_KIND_UTF8}};
	amqp_basic_properties_t properties = {._flags = AMQP_BASIC_HEADERS_FLAG,
		.headers = {.num_entries = 1, .entries = &sender}};
	amqp_bytes_t body = {.len = len};

	sender.value.value.bytes = amqp_cstring_bytes(ME);
	memcpy(&body.bytes, &data, sizeof(body.bytes));
	if (amqp_basic_publish(connection, 1, amqp_empty_bytes, reply_to, 0, 0, &properties, body))
		exit(1);
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

	if (dp_marshal_decode_fields(field, 2, envelope->message.body.bytes,
		    envelope->message.body.len, NULL, &err))
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
	amqp_queue_bind(connection, 1, queue, amqp_cstring_bytes(exchange),
		amqp_cstring_bytes(key), amqp_empty_table);
	need(amqp_get_rpc_reply(connection), "bind");
}

static void open_queue(void)
{
	amqp_queue_declare_ok_t *queue;
	amqp_bytes_t name;

	queue = amqp_queue_declare(connection, 1, amqp_empty_bytes, 0, 0, 1, 1, amqp_empty_table);
	need(amqp_get_rpc_reply(connection), "queue");
	name = amqp_bytes_malloc_dup(queue->queue);
	bind_queue(name, "mcollective_broadcast", "discovery");
	bind_queue(name, "mcollective_directed", ME);
	amqp_basic_consume(connection, 1, name, amqp_empty_bytes, 0, 1, 1, amqp_empty_table);
	need(amqp_get_rpc_reply(connection), "consume");
	amqp_bytes_free(name);
}

static bool stdin_has_ended(void)
{
	struct pollfd in = {.fd = 0, .events = POLLIN};
	char byte;

	return poll(&in, 1, 0) > 0 && read(0, &byte, 1) <= 0;
}

int main(int argc, char **argv)
{
	amqp_socket_t *socket;
	amqp_envelope_t envelope;

	if (argc != 7) {
		(void)fprintf(stderr, "usage: forge PORT USER PASSWORD VHOST PSK zoo|flood|late\n");
		return 64;
	}
	psk = argv[5];
	connection = amqp_new_connection();
	socket = amqp_tcp_socket_new(connection);
	if (amqp_socket_open(socket, "127.0.0.1", (int)strtol(argv[1], NULL, 10)) != 0)
		return 69;
	need(amqp_login(connection, argv[4], 0, 131072, 0, AMQP_SASL_METHOD_PLAIN, argv[2], argv[3]),
		"login");
	amqp_channel_open(connection, 1);
	need(amqp_get_rpc_reply(connection), "channel");
	open_queue();
	(void)printf("ready\n");
	(void)fflush(stdout);
	while (!stdin_has_ended()) {
		struct timeval wait = {.tv_usec = 200000};

		amqp_maybe_release_buffers(connection);
		if (amqp_consume_message(connection, &envelope, &wait, 0).reply_type !=
			AMQP_RESPONSE_NORMAL)
			continue;
		answer(&envelope, argv[6]);
		amqp_destroy_envelope(&envelope);
	}
	(void)amqp_connection_close(connection, AMQP_REPLY_SUCCESS);
	(void)amqp_destroy_connection(connection);
	return 0;
}
