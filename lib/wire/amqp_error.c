/* What librabbitmq and the broker say when something fails, as our errors. */
#include "wire/amqp_connection.h"

#include <amqp_framing.h>

#include "wire/socket.h"

int dp_amqp_fail_interrupted(struct deploy_error *err)
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
	if (dp_socket_was_interrupted())
		return dp_amqp_fail_interrupted(err);
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

int dp_amqp_fail_reply(struct deploy_error *err, const char *what, amqp_rpc_reply_t reply)
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
