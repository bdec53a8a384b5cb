/* What the two halves of the AMQP carrier share: how it is opened, and how it carries. */
#ifndef DP_AMQP_CONNECTION_H
#define DP_AMQP_CONNECTION_H

#include <signal.h>

#include <amqp.h>

#include "base/buf.h"
#include "wire/carrier.h"

#define DP_AMQP_CHANNEL	    1
#define DP_AMQP_HEARTBEAT_S 10
#define DP_AMQP_FRAME_MAX   131072

/* What is being put together from frames. */
enum dp_amqp_expect { DP_AMQP_METHOD, DP_AMQP_HEADER, DP_AMQP_BODY };

struct dp_carrier {
	amqp_connection_state_t connection;
	char *peer, *user, *vhost;
	amqp_bytes_t reply_queue; /* owned */
	bool is_blocked, is_broken;
	enum dp_amqp_expect expect;
	enum dp_delivery_kind kind; /* of the message that is coming in */
	size_t body_left, body_size;
	struct dp_buf body;
	struct dp_buf text; /* of the broker: a reason */
	char sender[256], key[256], id[256];
	bool has_sender;
};

/* Turn what librabbitmq says into an error; what names the step. */
int dp_amqp_fail_status(struct deploy_error *err, const char *what, int status);

/* What the broker says when it closes a channel or the connection: code and text. */
int dp_amqp_fail_close(
	struct deploy_error *err, const char *what, unsigned code, amqp_bytes_t text);

#endif
