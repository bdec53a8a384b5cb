/*
 * TCP to a broker: nothing here waits longer than it may, and a signal can cut all of it short.
 * One connection at a time is watched, since a handler can know only one.
 */
#ifndef DP_SOCKET_H
#define DP_SOCKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "deploy/error.h"

/* Shut the watched socket down and remember it. Async-signal-safe. */
void dp_socket_interrupt(void);
bool dp_socket_was_interrupted(void);
void dp_socket_forget_interrupt(void);

/* From now on fd is the one that an interrupt shuts down; -1: none. */
void dp_socket_watch(int fd);

#define DP_MAX_ADDRESSES 16 /* of one name; more are not tried */

struct dp_address {
	struct sockaddr_storage bytes;
	socklen_t size;
};
struct dp_addresses {
	struct dp_address list[DP_MAX_ADDRESSES];
	size_t count;
};

/*
 * Find the addresses of host, in the order in which they are to be tried. A name server that does
 * not answer is not waited for longer than until deadline_us.
 * Errors: DEPLOY_CONNECT with the resolver's words, DEPLOY_INTERRUPTED.
 */
int dp_socket_lookup(struct dp_addresses *out, const char *host, unsigned port, int64_t deadline_us,
	struct deploy_error *err);

/* Write the number of an address, without its port. */
#define DP_ADDRESS_TEXT 64
void dp_address_print(char out[DP_ADDRESS_TEXT], const struct dp_address *address);
bool dp_address_is_loopback(const struct dp_address *address);

/*
 * Connect. Returns the socket, non-blocking, or -1 with errno's value in *error: ETIMEDOUT after
 * deadline_us, EINTR after dp_socket_interrupt().
 */
int dp_socket_connect(const struct dp_address *address, int64_t deadline_us, int *error);

/* Wait until events of poll() come. Returns 0, ETIMEDOUT, EINTR, or another value of errno. */
int dp_socket_await(int fd, short events, int64_t deadline_us);

#endif
