/* A reply as the bus delivered it, after its signature was checked and before it is credited. */
#ifndef DP_REPLY_H
#define DP_REPLY_H

#include <stddef.h>

#include <jansson.h>

/* Everything is borrowed from the transport until its next call. */
struct dp_reply {
	const char *sender; /* an identity, NUL-terminated */
	const char *request_id;
	int statuscode;
	const char *statusmsg; /* never NULL */
	json_t *data;	       /* NULL if the agent sent none */
};

#endif
