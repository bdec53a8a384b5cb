/*
 * The envelope around a request or reply: a Marshal hash that holds the signed body, who sends it,
 * for whom, and until when. Source: MCollective 2.12, message and security base classes.
 */
#ifndef DP_ENVELOPE_H
#define DP_ENVELOPE_H

#include "base/buf.h"
#include "deploy/filter.h"
#include "deploy/request.h"
#include "wire/marshal.h"

#define DP_REQUEST_ID_CHARS 32

/* Write a random id in the shape of a version 5 UUID without dashes, and a NUL. */
void dp_request_id_new(char out[DP_REQUEST_ID_CHARS + 1]);

/* Who speaks; borrowed. */
struct dp_speaker {
	const char *identity, *callerid, *psk;
};

/* What distinguishes one sending of a request from another. */
struct dp_sending {
	const char *request_id;
	const struct deploy_filter *filter; /* NULL: directed, nodes need only have the agent */
	bool is_probe;			    /* matches no node: asks the broker, not the node */
	long long msgtime_s;		    /* wall clock */
};

/* Append the signed envelope of request to out. Errors: DEPLOY_INPUT (inputs too deep or large). */
int dp_envelope_encode(struct dp_buf *out, const struct deploy_request *request,
	const struct dp_speaker *speaker, const struct dp_sending *sending,
	struct deploy_error *err);

/* Append what nodes get of one -S: an array of hashes with one entry each, keys and values texts.
 */
void dp_compound_encode(struct dp_buf *out, const struct deploy_compound *compound);

/* What a reply's envelope says, borrowed from its bytes; only the body is covered by the hash. */
struct dp_reply_envelope {
	struct dp_slice sender, request_id, body, hash;
};

/* Errors: DEPLOY_PROTOCOL: no Marshal, a part missing, sender no identity. */
int dp_envelope_decode(
	struct dp_reply_envelope *out, const void *bytes, size_t len, struct deploy_error *err);

/*
 * A reply's body: {statuscode, statusmsg, data} or the text "pong". Agents put odd things there: a
 * status that is no number from 0 on is DP_STATUS_ODD, a message that is no text is printed as
 * JSON.
 */
#define DP_STATUS_ODD 5 /* what SimpleRPC calls an unknown request status */

struct dp_reply_body {
	bool is_pong;
	int statuscode;
	json_t *statusmsg; /* new reference, or NULL */
	json_t *data;	   /* new reference, or NULL */
	struct dp_marshal_notes notes;
};

/* Errors: DEPLOY_PROTOCOL: no Marshal, or no statuscode at all; nothing is then owned. */
int dp_reply_body_decode(
	struct dp_reply_body *out, const void *bytes, size_t len, struct deploy_error *err);

#endif
