/*
 * What is to be sent, and what was: turns sends of the runner into messages, a bounded amount at a
 * time and of each task in turn, and knows which request an answer belongs to.
 * One id per (task, try), and one for each request that an act wants sent; its message is encoded
 * once and again when it gets old, since nodes drop a message that is older than its ttl.
 */
#ifndef DP_OUTBOX_H
#define DP_OUTBOX_H

#include "run/runner.h"
#include "wire/transport.h"

/*
 * Directed, each name gets a publish of its own, so that the broker says which have no queue; only
 * a message that would become 64 MiB in that way goes to many names at once. Up to this many names
 * a broadcast is not worth it.
 */
#define DP_FEW_NAMES 64

/* So much is published before the loop looks at what arrived. */
#define DP_MAX_TURN_BYTES (64 * 1024)

struct dp_outbox;

/* transport and plan are borrowed. Caller frees with dp_outbox_free(). */
struct dp_outbox *dp_outbox_new(struct dp_transport *transport, const struct deploy_plan *plan);
void dp_outbox_free(struct dp_outbox *outbox);

/*
 * Queue a DP_DO_SEND or DP_DO_PROBE; rows are copied, nodes must live while the task does, and a
 * request of an act as long as the outbox.
 */
void dp_outbox_add(struct dp_outbox *outbox, const struct dp_action *action);

/* Forget what is not published yet of a task: of one attempt, or with 0 all of it. */
void dp_outbox_withdraw(struct dp_outbox *outbox, unsigned task, unsigned attempt);

bool dp_outbox_is_empty(const struct dp_outbox *outbox);

/*
 * Publish what one task wants sent next, up to *room bytes, which are counted down, and the rest of
 * a message; call only while the transport is writable. *sent says what was handed over, as input
 * for the runner (kind DP_IN_SENT; DP_IN_TICK if there is nothing to tell). Its rows are borrowed
 * until the next call. Errors: DEPLOY_CONNECT, DEPLOY_INPUT.
 */
int dp_outbox_publish(struct dp_outbox *outbox, int64_t now_us, size_t *room, struct dp_input *sent,
	struct deploy_error *err);

/* The request that went out with that id; NULL if it is none of ours. *attempt is 0 for a probe. */
const struct deploy_request *dp_outbox_find(
	const struct dp_outbox *outbox, const char *id, unsigned *task, unsigned *attempt);

#endif
