/* What the parts of the AMQP carrier share: how it is opened and examined, and how it carries. */
#ifndef DP_AMQP_CONNECTION_H
#define DP_AMQP_CONNECTION_H

#include <stdint.h>
#include <sys/time.h>

#include <amqp.h>

#include "base/buf.h"
#include "wire/carrier.h"

#define DP_AMQP_CHANNEL 1
/* What the broker refuses closes its channel, so what it may refuse has its own. */
#define DP_AMQP_TOPICS	    2
#define DP_AMQP_HEARTBEAT_S 10
#define DP_AMQP_FRAME_MAX   131072

/* What is being put together from frames. */
enum dp_amqp_expect { DP_AMQP_METHOD, DP_AMQP_HEADER, DP_AMQP_BODY };

struct dp_carrier {
	amqp_connection_state_t connection;
	char *peer, *user, *vhost;
	amqp_bytes_t reply_queue; /* owned */
	long long timeout_ms; /* of what waits for the broker */
	bool is_blocked, is_broken;
	enum dp_amqp_expect expect;
	enum dp_delivery_kind kind; /* of the message that is coming in */
	size_t body_left, body_size;
	struct dp_buf body;
	struct dp_buf text; /* of the broker: a reason */
	char sender[256], key[256], id[256];
	bool has_sender;
	bool has_topics;    /* the channel for topics is open, or is being opened */
	uint64_t announced; /* messages on it: the broker counts as we do */
};

/* A carrier for one broker that is not connected. Free with dp_amqp_release(). */
struct dp_carrier *dp_amqp_new(
	const struct deploy_config *config, const struct deploy_broker *broker);
void dp_amqp_release(struct dp_carrier *carrier);

/*
 * The steps from there to a carrier that carries, each until deadline_us at the latest; the error
 * says what the broker said. TLS: peer and host name are always verified.
 */
int dp_amqp_connect(struct dp_carrier *carrier, const struct deploy_broker *broker,
	int64_t deadline_us, struct deploy_error *err);

/* Log in and open the vhost. *refusal: the code with which the broker said no, or 0. */
int dp_amqp_login(struct dp_carrier *carrier, const struct deploy_config *config,
	const struct deploy_broker *broker, int64_t deadline_us, unsigned *refusal,
	struct deploy_error *err);
int dp_amqp_open_channel(struct dp_carrier *carrier, amqp_channel_t channel, int64_t deadline_us,
	struct deploy_error *err);

/* Is COLLECTIVE_SUFFIX there? A passive declare changes nothing. A no closes the channel. */
int dp_amqp_check_exchange(struct dp_carrier *carrier, amqp_channel_t channel,
	const char *collective, const char *suffix, int64_t deadline_us, struct deploy_error *err);

/* A queue of our own that is gone with the connection; consumed before anything is asked. */
int dp_amqp_open_reply_queue(struct dp_carrier *carrier, amqp_channel_t channel,
	int64_t deadline_us, struct deploy_error *err);

/* What the broker says on the channel for topics. Errors: DEPLOY_CONNECT. */
int dp_amqp_take_word(struct dp_carrier *carrier, const amqp_method_t *method,
	struct dp_delivery *out, struct deploy_error *err);
/*
 * An exclusive queue that stands for a lock. channel must not be open, and is not afterwards.
 * Errors: as deploy_bus_lock().
 */
int dp_amqp_lock(struct dp_carrier *carrier, amqp_channel_t channel, const char *name,
	int64_t deadline_us, struct deploy_error *err);

/* What librabbitmq takes as a time limit; never zero, which would mean none. */
struct timeval dp_amqp_time_left(int64_t deadline_us);

/* Turn what librabbitmq says into an error; what names the step. */
int dp_amqp_fail_status(struct deploy_error *err, const char *what, int status);
int dp_amqp_fail_reply(struct deploy_error *err, const char *what, amqp_rpc_reply_t reply);
int dp_amqp_fail_interrupted(struct deploy_error *err);

/* What the broker says when it closes a channel or the connection: code and text. */
int dp_amqp_fail_close(
	struct deploy_error *err, const char *what, unsigned code, amqp_bytes_t text);

#endif
