/* Who is there? Tells by a peer's first bytes what it speaks, if that is not AMQP. */
#ifndef DP_GREETING_H
#define DP_GREETING_H

#include <stddef.h>
#include <stdint.h>

#include "wire/socket.h"

/* With which a client of AMQP 0-9-1 begins. Source: AMQP 0-9-1, 4.2.2 Protocol Header. */
#define DP_AMQP_GREETING     "AMQP\0\0\x09\x01"
#define DP_AMQP_GREETING_LEN 8

enum dp_speech {
	DP_SPEAKS_AMQP,	      /* 0-9-1 */
	DP_SPEAKS_OTHER_AMQP, /* another version of it, or another protocol was spoken to it */
	DP_SPEAKS_TLS,
	DP_SPEAKS_STOMP,
	DP_SPEAKS_HTTP,
	DP_SPEAKS_SSH,
	DP_SPEAKS_UNKNOWN, /* it says something */
	DP_SPEAKS_NOTHING, /* it says nothing */
	DP_SPEAKS_CLOSED,  /* it closes without a word */
	DP_SPEAKS_INTERRUPTED
};

/* "STOMP", …; NULL if it has no name. Borrowed, static. */
const char *dp_speech_name(enum dp_speech speech);

/* What begins so? len: at least 1. */
enum dp_speech dp_speech_of(const void *bytes, size_t len);

/* Greet the connected socket fd in AMQP's way, and see what comes until deadline_us. */
enum dp_speech dp_greet(int fd, int64_t deadline_us);

/*
 * A peer that does not answer AMQP: try what else it may speak, each on a connection of its own
 * that waits for patience_us at most. DP_SPEAKS_UNKNOWN if nothing fits.
 */
enum dp_speech dp_greet_otherwise(const struct dp_address *address, int64_t patience_us);

#endif
