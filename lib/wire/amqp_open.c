/*
 * Opening a connection: TCP or TLS, login, exchanges, reply queue; each host in turn with its own
 * time limit, and each host's reason in the error. RabbitMQ closes what it refuses with a code.
 */
#include "wire/amqp_connection.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <amqp_framing.h>
#include <amqp_ssl_socket.h>
#include <amqp_tcp_socket.h>

#include "base/clock.h"
#include "deploy/error.h"
#include "base/log.h"
#include "base/mem.h"

/* Room for one turn of publishes beside what is already on its way. */
#define SEND_BUFFER_BYTES (512 * 1024)
/* A header frame holds the names of a publish (DP_MAX_KEYS_BYTES). */
#define MIN_FRAME_MAX 65536

/* The socket that a signal may shut down, and that one did: all that a handler may touch. */
static volatile sig_atomic_t open_socket = -1, was_interrupted;

void dp_carrier_interrupt(void)
{
	int saved = errno;

	was_interrupted = 1;
	if (open_socket >= 0)
		(void)shutdown((int)open_socket, SHUT_RDWR);
	errno = saved;
}

static int fail_interrupted(struct deploy_error *err)
{
	return deploy_error_set(err, DEPLOY_INTERRUPTED, "interrupted");
}

/* The code of a close decides what kind of error it is. Source: AMQP 0-9-1, constants. */
static enum deploy_code code_of_close(unsigned code)
{
	switch (code) {
	case AMQP_ACCESS_REFUSED:
	case AMQP_NOT_ALLOWED:
		return DEPLOY_AUTH;
	case AMQP_NOT_FOUND:
		return DEPLOY_CONFIG;
	default:
		return DEPLOY_CONNECT;
	}
}

int dp_amqp_fail_close(struct deploy_error *err, const char *what, unsigned code, amqp_bytes_t text)
{
	return deploy_error_set(err, code_of_close(code), "%s: %.*s (%u)", what, (int)text.len,
		(const char *)text.bytes, code);
}

int dp_amqp_fail_status(struct deploy_error *err, const char *what, int status)
{
	if (was_interrupted)
		return fail_interrupted(err);
	if (status == AMQP_STATUS_TIMEOUT)
		return deploy_error_set(err, DEPLOY_CONNECT, "%s: no answer in time", what);
	if (status == AMQP_STATUS_HEARTBEAT_TIMEOUT)
		return deploy_error_set(err, DEPLOY_CONNECT, "%s: no sign of life for %d s", what,
			2 * DP_AMQP_HEARTBEAT_S);
	if (status == AMQP_STATUS_CONNECTION_CLOSED || status == AMQP_STATUS_SOCKET_CLOSED)
		return deploy_error_set(
			err, DEPLOY_CONNECT, "%s: the broker closed the connection", what);
	return deploy_error_set(err, DEPLOY_CONNECT, "%s: %s", what, amqp_error_string2(status));
}

static int fail_reply(struct deploy_error *err, const char *what, amqp_rpc_reply_t reply)
{
	const amqp_connection_close_t *connection = reply.reply.decoded;
	const amqp_channel_close_t *channel = reply.reply.decoded;

	if (reply.reply_type == AMQP_RESPONSE_LIBRARY_EXCEPTION)
		return dp_amqp_fail_status(err, what, reply.library_error);
	if (reply.reply_type == AMQP_RESPONSE_SERVER_EXCEPTION) {
		if (reply.reply.id == AMQP_CONNECTION_CLOSE_METHOD)
			return dp_amqp_fail_close(
				err, what, connection->reply_code, connection->reply_text);
		if (reply.reply.id == AMQP_CHANNEL_CLOSE_METHOD)
			return dp_amqp_fail_close(
				err, what, channel->reply_code, channel->reply_text);
	}
	return deploy_error_set(err, DEPLOY_CONNECT, "%s: an answer that makes no sense", what);
}

/* Wait for a connect to come through. Returns 0, or errno's value. */
static int await_connect(int fd, int64_t deadline_us)
{
	struct pollfd poll_fd = {.fd = fd, .events = POLLOUT};
	socklen_t size = sizeof(int);
	int error = 0, n;

	for (;;) {
		int64_t left_ms = (deadline_us - dp_clock_us()) / 1000;

		if (was_interrupted)
			return EINTR;
		if (left_ms <= 0)
			return ETIMEDOUT;
		n = poll(&poll_fd, 1, (int)left_ms);
		if (n > 0)
			break;
		if (n < 0 && errno != EINTR)
			return errno;
	}
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0)
		return errno;
	return error;
}

/* Returns the connected socket, or -1 with errno's value in *error. */
static int connect_address(const struct addrinfo *address, int64_t deadline_us, int *error)
{
	int fd = socket(address->ai_family, address->ai_socktype, address->ai_protocol), on = 1;

	if (fd < 0) {
		*error = errno;
		return -1;
	}
	(void)fcntl(fd, F_SETFD, FD_CLOEXEC);
	(void)fcntl(fd, F_SETFL, O_NONBLOCK);
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	*error = connect(fd, address->ai_addr, address->ai_addrlen) < 0 ? errno : 0;
	if (*error == EINPROGRESS || *error == EINTR)
		*error = await_connect(fd, deadline_us);
	if (*error == 0)
		return fd;
	(void)close(fd);
	return -1;
}

static int connect_tcp(
	const struct deploy_broker *broker, int64_t deadline_us, struct deploy_error *err)
{
	struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM}, *found = NULL;
	char port[16];
	int rc, fd = -1, error = 0, addresses = 0;

	(void)snprintf(port, sizeof(port), "%u", broker->port);
	rc = getaddrinfo(broker->host, port, &hints, &found);
	if (rc) {
		if (was_interrupted)
			(void)fail_interrupted(err);
		else
			(void)deploy_error_set(err, DEPLOY_CONNECT, "%s", gai_strerror(rc));
		return -1;
	}
	for (const struct addrinfo *at = found; at; at = at->ai_next)
		addresses++;
	/* Each address gets its share of the time, so that a dead one leaves some for the others.
	 */
	for (const struct addrinfo *at = found; at && fd < 0; at = at->ai_next)
		fd = connect_address(
			at, dp_clock_us() + (deadline_us - dp_clock_us()) / addresses--, &error);
	freeaddrinfo(found);
	if (fd >= 0)
		return fd;
	if (was_interrupted)
		(void)fail_interrupted(err);
	else if (error == ETIMEDOUT)
		(void)deploy_error_set(err, DEPLOY_CONNECT, "no answer in time (TCP)");
	else
		(void)deploy_error_set(err, DEPLOY_CONNECT, "%s", strerror(error));
	return -1;
}

static struct timeval time_left(int64_t deadline_us)
{
	int64_t left_us = deadline_us - dp_clock_us();

	if (left_us < 1000)
		left_us = 1000;
	return (struct timeval){.tv_sec = left_us / 1000000, .tv_usec = left_us % 1000000};
}

/* files: one or several, separated by commas. */
static int trust(amqp_socket_t *socket, const char *files, struct deploy_error *err)
{
	while (*files) {
		size_t len = strcspn(files, ", \t");
		char *file = dp_xstrndup(files, len);

		if (len && amqp_ssl_socket_set_cacert(socket, file))
			(void)deploy_error_set(
				err, DEPLOY_CONFIG, "CA file %s cannot be used", file);
		free(file);
		files += len + strspn(files + len, ", \t");
	}
	return err->code;
}

/* Peer and host name are always verified. */
static int open_tls(amqp_connection_state_t connection, const struct deploy_broker *broker,
	int64_t deadline_us, struct deploy_error *err)
{
	amqp_socket_t *socket = amqp_ssl_socket_new(connection);
	struct timeval left = time_left(deadline_us);
	int status;

	if (!socket)
		return deploy_error_set(err, DEPLOY_CONFIG, "TLS cannot be set up");
	amqp_ssl_socket_set_verify_peer(socket, 1);
	amqp_ssl_socket_set_verify_hostname(socket, 1);
	if (amqp_ssl_socket_set_ssl_versions(socket, AMQP_TLSv1_2, AMQP_TLSvLATEST))
		return deploy_error_set(err, DEPLOY_CONFIG, "TLS 1.2 cannot be set up");
	if (trust(socket, broker->ca_file, err))
		return err->code;
	/* Without a password given, OpenSSL would ask for one on the terminal. */
	amqp_ssl_socket_set_key_passwd(socket, "");
	if (broker->cert_file &&
		amqp_ssl_socket_set_key(socket, broker->cert_file, broker->key_file))
		return deploy_error_set(err, DEPLOY_CONFIG,
			"certificate %s with key %s cannot be used", broker->cert_file,
			broker->key_file);
	status = amqp_socket_open_noblock(socket, broker->host, (int)broker->port, &left);
	if (status == AMQP_STATUS_SSL_PEER_VERIFY_FAILED ||
		status == AMQP_STATUS_SSL_HOSTNAME_VERIFY_FAILED)
		return deploy_error_set(err, DEPLOY_AUTH, "TLS: %s", amqp_error_string2(status));
	if (status)
		return dp_amqp_fail_status(err, "TLS", status);
	return 0;
}

static int open_plain(amqp_connection_state_t connection, const struct deploy_broker *broker,
	int64_t deadline_us, struct deploy_error *err)
{
	int fd = connect_tcp(broker, deadline_us, err);
	amqp_socket_t *socket;

	if (fd < 0)
		return err->code;
	socket = amqp_tcp_socket_new(connection);
	if (!socket) {
		(void)close(fd);
		return deploy_error_set(err, DEPLOY_CONNECT, "no socket");
	}
	amqp_tcp_socket_set_sockfd(socket, fd);
	return 0;
}

/* Without these capabilities RabbitMQ tells neither that it blocks us nor why it refuses a login.
 */
static int login(struct dp_carrier *carrier, const struct deploy_config *config,
	const struct deploy_broker *broker, struct deploy_error *err)
{
	static const char *const wanted[] = {"connection.blocked", "basic.nack",
		"consumer_cancel_notify", "authentication_failure_close"};
	enum { WANTED = sizeof(wanted) / sizeof(wanted[0]) };
	amqp_table_entry_t capability[WANTED], entry;
	amqp_table_t properties = {.num_entries = 1, .entries = &entry};
	amqp_rpc_reply_t reply;

	for (size_t i = 0; i < WANTED; i++) {
		capability[i].key = amqp_cstring_bytes(wanted[i]);
		capability[i].value.kind = AMQP_FIELD_KIND_BOOLEAN;
		capability[i].value.value.boolean = 1;
	}
	entry.key = amqp_cstring_bytes("capabilities");
	entry.value.kind = AMQP_FIELD_KIND_TABLE;
	entry.value.value.table = (amqp_table_t){.num_entries = WANTED, .entries = capability};
	reply = amqp_login_with_properties(carrier->connection, config->vhost, 0, DP_AMQP_FRAME_MAX,
		DP_AMQP_HEARTBEAT_S, &properties, AMQP_SASL_METHOD_PLAIN, broker->user,
		broker->password);
	if (reply.reply_type != AMQP_RESPONSE_NORMAL) {
		(void)fail_reply(err, "login", reply);
		if (err->code == DEPLOY_AUTH)
			(void)deploy_error_wrap(
				err, "user '%s', vhost '%s'", broker->user, config->vhost);
		return err->code;
	}
	return 0;
}

/* A passive declare changes nothing and tells whether the exchange is there. */
static int check_exchange(struct dp_carrier *carrier, const char *collective, const char *suffix,
	struct deploy_error *err)
{
	char name[300];
	amqp_rpc_reply_t reply;

	(void)snprintf(name, sizeof(name), "%s_%s", collective, suffix);
	amqp_exchange_declare(carrier->connection, DP_AMQP_CHANNEL, amqp_cstring_bytes(name),
		amqp_cstring_bytes("topic"), 1, 1, 0, 0, amqp_empty_table);
	reply = amqp_get_rpc_reply(carrier->connection);
	if (reply.reply_type == AMQP_RESPONSE_NORMAL)
		return 0;
	(void)fail_reply(err, "exchange", reply);
	if (err->code == DEPLOY_CONFIG)
		deploy_error_hint(err,
			"an administrator of the broker declares the exchanges %s_broadcast "
			"(topic) "
			"and %s_directed (direct) in vhost '%s'",
			collective, collective, carrier->vhost);
	return err->code;
}

/* A queue of our own that is gone with the connection; consumed before anything is asked. */
static int open_reply_queue(struct dp_carrier *carrier, struct deploy_error *err)
{
	amqp_queue_declare_ok_t *queue;

	queue = amqp_queue_declare(carrier->connection, DP_AMQP_CHANNEL, amqp_empty_bytes, 0, 0, 1,
		1, amqp_empty_table);
	if (!queue)
		return fail_reply(err, "reply queue", amqp_get_rpc_reply(carrier->connection));
	carrier->reply_queue = amqp_bytes_malloc_dup(queue->queue);
	if (!amqp_basic_consume(carrier->connection, DP_AMQP_CHANNEL, carrier->reply_queue,
		    amqp_empty_bytes, 0, 1, 1, amqp_empty_table))
		return fail_reply(err, "reply queue", amqp_get_rpc_reply(carrier->connection));
	return 0;
}

/* The call that follows may take what is left of the time. */
static void limit_call(struct dp_carrier *carrier, int64_t deadline_us)
{
	struct timeval left = time_left(deadline_us);

	(void)amqp_set_rpc_timeout(carrier->connection, &left);
}

static int open_channel(struct dp_carrier *carrier, const char *collective, int64_t deadline_us,
	struct deploy_error *err)
{
	int rc;

	limit_call(carrier, deadline_us);
	if (!amqp_channel_open(carrier->connection, DP_AMQP_CHANNEL))
		return fail_reply(err, "channel", amqp_get_rpc_reply(carrier->connection));
	limit_call(carrier, deadline_us);
	rc = check_exchange(carrier, collective, "broadcast", err);
	limit_call(carrier, deadline_us);
	if (!rc)
		rc = check_exchange(carrier, collective, "directed", err);
	limit_call(carrier, deadline_us);
	if (!rc)
		rc = open_reply_queue(carrier, err);
	return rc;
}

static int talk(struct dp_carrier *carrier, const struct deploy_config *config,
	const struct deploy_broker *broker, const char *collective, struct deploy_error *err)
{
	int64_t deadline_us = dp_clock_us() + config->connection_timeout_ms * 1000;
	int size = SEND_BUFFER_BYTES, rc;
	struct timeval left;

	rc = broker->uses_tls ? open_tls(carrier->connection, broker, deadline_us, err)
			      : open_plain(carrier->connection, broker, deadline_us, err);
	if (rc)
		return rc;
	open_socket = amqp_get_sockfd(carrier->connection);
	if (was_interrupted)
		return fail_interrupted(err);
	(void)setsockopt((int)open_socket, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	left = time_left(deadline_us);
	(void)amqp_set_handshake_timeout(carrier->connection, &left);
	rc = login(carrier, config, broker, err);
	if (rc)
		return rc;
	if (amqp_get_frame_max(carrier->connection) < MIN_FRAME_MAX)
		return deploy_error_set(err, DEPLOY_CONFIG,
			"the broker's frame_max is %d, at least %d is needed",
			amqp_get_frame_max(carrier->connection), MIN_FRAME_MAX);
	return open_channel(carrier, collective, deadline_us, err);
}

static struct dp_carrier *carrier_new(
	const struct deploy_config *config, const struct deploy_broker *broker)
{
	struct dp_carrier *carrier = dp_xcalloc(1, sizeof(*carrier));

	carrier->connection = amqp_new_connection();
	carrier->peer = dp_xasprintf("%s:%u", broker->host, broker->port);
	carrier->user = dp_xstrdup(broker->user);
	carrier->vhost = dp_xstrdup(config->vhost);
	dp_buf_init(&carrier->body, DP_MAX_MESSAGE_BYTES);
	dp_buf_init(&carrier->text, 1024);
	return carrier;
}

static void release(struct dp_carrier *carrier)
{
	open_socket = -1;
	(void)amqp_destroy_connection(carrier->connection);
	amqp_bytes_free(carrier->reply_queue);
	free(carrier->peer);
	free(carrier->user);
	free(carrier->vhost);
	dp_buf_release(&carrier->body);
	dp_buf_release(&carrier->text);
	free(carrier);
}

static int open_one(struct dp_carrier **out, const struct deploy_config *config,
	const struct deploy_broker *broker, const char *collective, struct deploy_error *err)
{
	struct dp_carrier *carrier = carrier_new(config, broker);
	int rc = talk(carrier, config, broker, collective, err);

	if (rc) {
		carrier->is_broken = true;
		(void)deploy_error_wrap(err, "%s", carrier->peer);
		release(carrier);
		return rc;
	}
	dp_log(DEPLOY_LOG_INFO, "connected peer=%s vhost=%s user=%s", carrier->peer, carrier->vhost,
		carrier->user);
	*out = carrier;
	return 0;
}

int dp_carrier_open(struct dp_carrier **out, const struct deploy_config *config,
	const char *collective, struct deploy_error *err)
{
	struct deploy_error first = {0};
	struct dp_buf reasons;

	dp_buf_init(&reasons, sizeof(err->text) - 1);
	*out = NULL;
	for (size_t i = 0; i < config->broker_count && !*out; i++) {
		struct deploy_error one = {0};

		if (open_one(out, config, &config->brokers[i], collective, &one) == 0)
			break;
		dp_buf_addf(&reasons, "%s%s", reasons.len ? "; " : "", one.text);
		/* A broker that refuses us says more than one that is down. */
		if (first.code == DEPLOY_OK || first.code == DEPLOY_CONNECT)
			first = one;
		if (one.code == DEPLOY_INTERRUPTED)
			break;
	}
	if (!*out) {
		(void)deploy_error_set(err, first.code, "%s", dp_buf_text(&reasons));
		if (first.hint[0])
			deploy_error_hint(err, "%s", first.hint);
	}
	dp_buf_release(&reasons);
	return *out ? 0 : err->code;
}

/* A broker that blocks us does not read our good-bye, so there is none. */
void dp_carrier_close(struct dp_carrier *carrier)
{
	struct timeval one_second = {.tv_sec = 1};

	if (!carrier)
		return;
	if (!carrier->is_broken && !carrier->is_blocked && !was_interrupted) {
		(void)amqp_set_rpc_timeout(carrier->connection, &one_second);
		(void)amqp_connection_close(carrier->connection, AMQP_REPLY_SUCCESS);
	}
	release(carrier);
	was_interrupted = 0;
}
