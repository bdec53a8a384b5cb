/* A connection to one broker up to where AMQP begins: TCP, and TLS if it is wanted. */
#include "wire/amqp_connection.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <amqp_ssl_socket.h>
#include <amqp_tcp_socket.h>

#include "base/clock.h"
#include "base/mem.h"
#include "wire/socket.h"

/* Room for one turn of publishes beside what is already on its way. */
#define SEND_BUFFER_BYTES (512 * 1024)

static int connect_tcp(
	const struct deploy_broker *broker, int64_t deadline_us, struct deploy_error *err)
{
	struct dp_addresses found = {0};
	int fd = -1, error = 0;

	if (dp_socket_lookup(&found, broker->host, broker->port, deadline_us, err))
		return -1;
	/* Each address gets its share of the time, so that a dead one leaves some for the others.
	 */
	for (size_t i = 0; i < found.count && fd < 0; i++) {
		int64_t now_us = dp_clock_us();
		int64_t share_us = (deadline_us - now_us) / (int64_t)(found.count - i);

		fd = dp_socket_connect(&found.list[i], now_us + share_us, &error);
	}
	if (fd >= 0)
		return fd;
	if (dp_socket_was_interrupted())
		(void)dp_amqp_fail_interrupted(err);
	else if (error == ETIMEDOUT)
		(void)deploy_error_set(err, DEPLOY_CONNECT, "no answer in time (TCP)");
	else
		(void)deploy_error_set(err, DEPLOY_CONNECT, "%s", strerror(error));
	return -1;
}

struct timeval dp_amqp_time_left(int64_t deadline_us)
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
	struct dp_addresses found;
	struct timeval left;
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
	/* Librabbitmq asks the name server itself, without an end: it does so only if one answers.
	 */
	if (dp_socket_lookup(&found, broker->host, broker->port, deadline_us, err))
		return err->code;
	left = dp_amqp_time_left(deadline_us);
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
		dp_socket_watch(-1);
		(void)close(fd);
		return deploy_error_set(err, DEPLOY_CONNECT, "no socket");
	}
	amqp_tcp_socket_set_sockfd(socket, fd);
	return 0;
}

int dp_amqp_connect(struct dp_carrier *carrier, const struct deploy_broker *broker,
	int64_t deadline_us, struct deploy_error *err)
{
	int size = SEND_BUFFER_BYTES, fd, rc;

	rc = broker->uses_tls ? open_tls(carrier->connection, broker, deadline_us, err)
			      : open_plain(carrier->connection, broker, deadline_us, err);
	if (rc)
		return rc;
	fd = amqp_get_sockfd(carrier->connection);
	dp_socket_watch(fd);
	if (dp_socket_was_interrupted())
		return dp_amqp_fail_interrupted(err);
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	return 0;
}

struct dp_carrier *dp_amqp_new(
	const struct deploy_config *config, const struct deploy_broker *broker)
{
	struct dp_carrier *carrier = dp_xcalloc(1, sizeof(*carrier));

	carrier->connection = amqp_new_connection();
	carrier->peer = dp_xasprintf("%s:%u", broker->host, broker->port);
	carrier->user = dp_xstrdup(broker->user);
	carrier->vhost = dp_xstrdup(config->vhost);
	carrier->timeout_ms = config->connection_timeout_ms;
	dp_buf_init(&carrier->body, DP_MAX_MESSAGE_BYTES);
	dp_buf_init(&carrier->text, 1024);
	return carrier;
}

void dp_amqp_release(struct dp_carrier *carrier)
{
	dp_socket_watch(-1);
	(void)amqp_destroy_connection(carrier->connection);
	amqp_bytes_free(carrier->reply_queue);
	free(carrier->peer);
	free(carrier->user);
	free(carrier->vhost);
	dp_buf_release(&carrier->body);
	dp_buf_release(&carrier->text);
	free(carrier);
}
