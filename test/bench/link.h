/*
 * A connection to the lab's broker that publishes in bulk: frames are put together here and written
 * many at a time, because librabbitmq makes three writes of each publish. Everything is open to a
 * test: what goes wrong ends the process with a word.
 */
#ifndef BENCH_LINK_H
#define BENCH_LINK_H

#include <stdbool.h>
#include <stddef.h>

#include <amqp.h>

#include "base/buf.h"

struct link {
	amqp_connection_state_t connection;
	int fd;
	struct dp_buf out; /* frames that are not written yet */
};

/*
 * Connect to the lab of the environment: LAB_HOST, LAB_AMQP_PORT, LAB_VHOST, as its user
 * mcollective, who may do everything there. One channel, number 1.
 */
void link_open(struct link *link, const char *program);
void link_close(struct link *link);

/* Ends the process if the last call of the connection went wrong. */
void link_need(const struct link *link, const char *what);

/* Make a queue of our own and consume it; its name is freed with amqp_bytes_free(). */
amqp_bytes_t link_queue(const struct link *link);

/* A message, and how it travels. */
struct message {
	const char *exchange;
	const void *key;
	size_t key_len;
	const char *sender; /* header mc_sender */
	const void *body;
	size_t body_len;
};

/* Append the frames of a publish to out. */
void link_frame(struct dp_buf *out, const struct message *message);

/* Write what is in link->out; link_flush_some only if it has become much. */
void link_flush(struct link *link);
void link_flush_some(struct link *link);

/* Take the next message that is here already; false if there is none. amqp_destroy_envelope(). */
bool link_take(struct link *link, amqp_envelope_t *envelope);

/* The variable of the lab's environment. Ends the process if it is not set. */
const char *lab_value(const char *name);

#endif
