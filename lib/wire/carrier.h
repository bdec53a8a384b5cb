/*
 * Bytes to and from the broker. amqp.c is the carrier of the program; the command line tests link
 * one of their own in its place, so nothing here names AMQP's types.
 */
#ifndef DP_CARRIER_H
#define DP_CARRIER_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>

#include "deploy/config.h"
#include "deploy/error.h"
#include "deploy/finding.h"

/* A message with a larger body is drained unread. */
#define DP_MAX_MESSAGE_BYTES (16 * 1024 * 1024)

struct dp_carrier;

/* As deploy_bus_open(). */
int dp_carrier_open(struct dp_carrier **out, const struct deploy_config *config,
	const char *collective, struct deploy_error *err);
void dp_carrier_close(struct dp_carrier *carrier);

/* As deploy_broker_examine(). */
int dp_carrier_examine(const struct deploy_config *config, size_t index, const char *collective,
	deploy_finding_fn *found, void *arg);

/* Make a call that waits return at once. Async-signal-safe. */
void dp_carrier_interrupt(void);

/* "host:port" of the broker. Borrowed. */
const char *dp_carrier_peer(const struct dp_carrier *carrier);

struct dp_publish {
	const char *exchange, *routing_key;
	const char *const
		*more_keys; /* further keys of the same exchange, one publish reaches all */
	size_t more_count;
	bool is_mandatory; /* return it if no queue is bound to routing_key */
	const char *id;	   /* comes back with a return; at most 255 bytes */
	const void *body;
	size_t body_len;
	unsigned expiration_s;
};

/*
 * Publish. Call only while dp_carrier_is_writable(), and for at most 64 KiB before asking again;
 * otherwise it may wait for the broker. Errors: DEPLOY_CONNECT.
 */
int dp_carrier_publish(
	struct dp_carrier *carrier, const struct dp_publish *publish, struct deploy_error *err);

/*
 * Publish text to a topic, as STOMP's /topic/NAME is called: routing key topic (at most 255 bytes)
 * of amq.topic. Call as the one above, and only when the one before has its DP_DELIVERY_TAKEN or
 * DP_DELIVERY_REFUSED, which ends nothing else. Errors: DEPLOY_CONNECT.
 */
int dp_carrier_announce(
	struct dp_carrier *carrier, const char *topic, const char *text, struct deploy_error *err);

/*
 * Ask the broker for a sign of life: DP_DELIVERY_ECHO comes behind all that it had for us until
 * then. Call only while writable and not blocked. Errors: DEPLOY_CONNECT.
 */
int dp_carrier_echo(struct dp_carrier *carrier, struct deploy_error *err);
bool dp_carrier_is_blocked(const struct dp_carrier *carrier);

/* As deploy_bus_lock(); name is one. */
int dp_carrier_lock(struct dp_carrier *carrier, const char *name, struct deploy_error *err);

enum dp_delivery_kind {
	DP_DELIVERY_NONE,      /* nothing more for now */
	DP_DELIVERY_MESSAGE,   /* body, sender */
	DP_DELIVERY_TOO_LARGE, /* body_len, sender; the body was dropped */
	DP_DELIVERY_RETURNED,  /* routing_key, id */
	DP_DELIVERY_BLOCKED,   /* text */
	DP_DELIVERY_UNBLOCKED,
	DP_DELIVERY_ECHO,   /* of dp_carrier_echo() */
	DP_DELIVERY_TAKEN,  /* what was announced last: the broker has it */
	DP_DELIVERY_REFUSED /* … or will not have it: text */
};

/* Borrowed until the next call of the carrier. */
struct dp_delivery {
	enum dp_delivery_kind kind;
	const char *body;
	size_t body_len;
	const char *sender; /* that the message claims in its header; NULL if none */
	const char *routing_key, *id;
	const char *text;
};

/*
 * Take the next thing that arrived; never waits. Also keeps the heartbeat, so it must be called
 * every few seconds. Errors: DEPLOY_CONNECT, DEPLOY_AUTH, DEPLOY_CONFIG, DEPLOY_PROTOCOL: the
 * connection or the reply queue is gone, and text says what the broker said.
 */
int dp_carrier_receive(
	struct dp_carrier *carrier, struct dp_delivery *out, struct deploy_error *err);

/*
 * Wait until the connection can be read (or written, if wants_write: then *can_write), one of
 * others is ready (as poll() tells), or timeout_ms passed. others has room for one more behind
 * count. Returns at once while input is held back in memory.
 */
void dp_carrier_wait(struct dp_carrier *carrier, bool wants_write, struct pollfd *others,
	size_t count, int timeout_ms, bool *can_write);

#endif
