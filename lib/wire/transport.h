/* Values to and from the bus: requests are encoded, signed and published; replies verified and
 * decoded. */
#ifndef DP_TRANSPORT_H
#define DP_TRANSPORT_H

#include <poll.h>
#include <stdbool.h>

#include "base/buf.h"
#include "deploy/config.h"
#include "deploy/filter.h"
#include "deploy/finding.h"
#include "deploy/request.h"
#include "model/reply.h"

struct dp_transport;

/* Errors as deploy_bus_open(). config is copied where kept. */
int dp_transport_open(struct dp_transport **out, const struct deploy_config *config,
	const char *collective, struct deploy_error *err);
void dp_transport_close(struct dp_transport *transport);
void dp_transport_interrupt(void); /* async-signal-safe */

/* As deploy_broker_examine(). */
int dp_transport_examine(const struct deploy_config *config, size_t index, const char *collective,
	deploy_finding_fn *found, void *arg);

/* "host:port". Borrowed. */
const char *dp_transport_peer(const struct dp_transport *transport);

#define DP_REQUEST_ID_SIZE 33

/* Make a request id: 32 hex digits and a NUL. */
void dp_transport_new_id(char id[DP_REQUEST_ID_SIZE]);

/*
 * Put the bytes of a message into out, which is cleared first. filter: what nodes check, or NULL
 * for a directed message. A probe is a ping that no node answers. Errors: DEPLOY_INPUT.
 */
int dp_transport_encode(struct dp_transport *transport, struct dp_buf *out,
	const struct deploy_request *request, const char *id, const struct deploy_filter *filter,
	bool is_probe, struct deploy_error *err);

/* Bytes of names in one directed publish, each with 5 bytes of overhead: they share a frame. */
#define DP_MAX_KEYS_BYTES (48 * 1024)

/*
 * Publish an encoded message, to all nodes of the collective or to those named; call only while the
 * transport is writable. With is_mandatory exactly one name, and its absence comes back as
 * DP_ARRIVAL_RETURNED. Errors: DEPLOY_CONNECT.
 */
int dp_transport_broadcast(struct dp_transport *transport, const struct dp_buf *message,
	const struct deploy_request *request, const char *id, struct deploy_error *err);
int dp_transport_direct(struct dp_transport *transport, const struct dp_buf *message,
	const struct deploy_request *request, const char *id, const char *const *names,
	size_t count, bool is_mandatory, struct deploy_error *err);

enum dp_arrival_kind {
	DP_ARRIVAL_NONE,
	DP_ARRIVAL_REPLY,    /* reply, is_pong; well signed, but perhaps not ours */
	DP_ARRIVAL_RETURNED, /* sender: a node without a queue; id */
	DP_ARRIVAL_REJECTED, /* sender if it claims one; text: why */
	DP_ARRIVAL_BLOCKED,  /* text: the broker's reason */
	DP_ARRIVAL_UNBLOCKED,
	DP_ARRIVAL_ECHO,   /* of dp_transport_echo() */
	DP_ARRIVAL_TAKEN,  /* what was announced last */
	DP_ARRIVAL_REFUSED /* … likewise; text: the broker's reason */
};

/* Borrowed until the next call. */
struct dp_arrival {
	enum dp_arrival_kind kind;
	struct dp_reply reply;
	bool is_pong;
	const char *sender, *id, *text;
};

/* Take the next arrival; never waits. Errors: the connection is gone, see dp_carrier_receive(). */
int dp_transport_receive(
	struct dp_transport *transport, struct dp_arrival *out, struct deploy_error *err);

bool dp_transport_is_blocked(const struct dp_transport *transport);

/* See dp_carrier_announce(). */
int dp_transport_announce(struct dp_transport *transport, const char *topic, const char *text,
	struct deploy_error *err);

/* See dp_carrier_echo(). */
int dp_transport_echo(struct dp_transport *transport, struct deploy_error *err);

/* As deploy_bus_lock(); name is one. */
int dp_transport_lock(struct dp_transport *transport, const char *name, struct deploy_error *err);

/* See dp_carrier_wait(). */
void dp_transport_wait(struct dp_transport *transport, bool wants_write, struct pollfd *others,
	size_t count, int timeout_ms, bool *can_write);

#endif
