/* The one loop of the program: what it carries a run out with, and where it stands. */
#ifndef DP_LOOP_H
#define DP_LOOP_H

#include "run/fetches.h"
#include "run/outbox.h"
#include "run/questions.h"
#include "run/turns.h"

/*
 * Before time runs out for anybody the broker is asked for an echo: what it had for us comes first,
 * so that a broker which is slow, and not the nodes, makes nobody silent and ends no discovery.
 */
enum dp_echo {
	DP_ECHO_NONE,
	DP_ECHO_WANTED,
	DP_ECHO_SENT,
	DP_ECHO_BACK,
	DP_ECHO_MISSING /* the broker gave none; not asked for again until something comes */
};

/* All that it points to is the caller's. */
struct dp_loop {
	struct dp_transport *transport; /* NULL, as outbox: the run needs no broker */
	const struct deploy_plan *plan;
	const struct deploy_run_options *options;
	struct dp_runner *runner;
	struct dp_outbox *outbox;
	struct dp_fetches *fetches;
	struct dp_questions *questions;
	struct dp_turns notices; /* to topics: a refusal is of the one that was sent last */
	bool can_write, has_more;
	bool has_unrecorded; /* something was queued since before_publish was called */
	enum dp_echo echo;
	int64_t echo_us;     /* when it was first wanted */
	int64_t progress_us; /* when progress is told next */
	int64_t drained_us;  /* when nothing that had arrived was left unread */
};

/* What the runner wants done; arg is the loop. */
void dp_loop_act(void *arg, const struct dp_action *action);

/* Until the runner is done. Errors: the connection is gone. */
void dp_loop_run(struct dp_loop *loop, struct deploy_error *err);

#endif
