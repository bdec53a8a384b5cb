/*
 * Records what really travels on the lab's bus: requests by binding a queue to the exchanges,
 * replies by reading the queue that a request of our own names. Used to make test/data/wire.txt.
 * Usage: capture PORT USER PASSWORD VHOST SECONDS EXCHANGE KEY
 *        one line per message: exchange TAB routing key TAB hex of the body
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#include <amqp.h>
#include <amqp_framing.h>
#include <amqp_tcp_socket.h>

static void need(amqp_rpc_reply_t reply, const char *what)
{
	if (reply.reply_type == AMQP_RESPONSE_NORMAL)
		return;
	(void)fprintf(stderr, "capture: %s failed\n", what);
	exit(1);
}

static void print_message(const amqp_envelope_t *envelope)
{
	const unsigned char *bytes = envelope->message.body.bytes;

	(void)printf("%.*s\t%.*s\t", (int)envelope->exchange.len,
		(const char *)envelope->exchange.bytes, (int)envelope->routing_key.len,
		(const char *)envelope->routing_key.bytes);
	for (size_t i = 0; i < envelope->message.body.len; i++)
		(void)printf("%02x", bytes[i]);
	(void)printf("\n");
	(void)fflush(stdout);
}

int main(int argc, char **argv)
{
	amqp_connection_state_t connection = amqp_new_connection();
	amqp_socket_t *socket = amqp_tcp_socket_new(connection);
	amqp_queue_declare_ok_t *queue;
	amqp_envelope_t envelope;
	struct timeval limit = {0};
	amqp_bytes_t name;

	if (argc != 8) {
		(void)fprintf(
			stderr, "usage: capture PORT USER PASSWORD VHOST SECONDS EXCHANGE KEY\n");
		return 64;
	}
	limit.tv_sec = strtol(argv[5], NULL, 10);
	if (amqp_socket_open(socket, "127.0.0.1", (int)strtol(argv[1], NULL, 10)) != 0)
		return 69;
	need(amqp_login(
		     connection, argv[4], 0, 131072, 0, AMQP_SASL_METHOD_PLAIN, argv[2], argv[3]),
		"login");
	amqp_channel_open(connection, 1);
	need(amqp_get_rpc_reply(connection), "channel");
	queue = amqp_queue_declare(connection, 1, amqp_empty_bytes, 0, 0, 1, 1, amqp_empty_table);
	need(amqp_get_rpc_reply(connection), "queue");
	name = amqp_bytes_malloc_dup(queue->queue);
	amqp_queue_bind(connection, 1, name, amqp_cstring_bytes(argv[6]),
		amqp_cstring_bytes(argv[7]), amqp_empty_table);
	need(amqp_get_rpc_reply(connection), "bind");
	amqp_basic_consume(connection, 1, name, amqp_empty_bytes, 0, 1, 1, amqp_empty_table);
	need(amqp_get_rpc_reply(connection), "consume");
	(void)fprintf(stderr, "ready\n");
	for (;;) {
		struct timeval left = limit;

		amqp_maybe_release_buffers(connection);
		if (amqp_consume_message(connection, &envelope, &left, 0).reply_type !=
			AMQP_RESPONSE_NORMAL)
			break;
		print_message(&envelope);
		amqp_destroy_envelope(&envelope);
	}
	(void)amqp_connection_close(connection, AMQP_REPLY_SUCCESS);
	(void)amqp_destroy_connection(connection);
	amqp_bytes_free(name);
	return 0;
}
