/* What the journal writes about nodes, within its transaction. */
#ifndef DP_NODES_H
#define DP_NODES_H

#include "store/lesson.h"
#include "store/sql.h"

/* What an act did to a node; run_key 0: nothing, it was only looked at. */
struct dp_deed {
	int64_t run_key;
	enum deploy_outcome_state outcome;
};

/* It answered: identity is checked by the caller. collective may be NULL. */
int dp_node_seen(struct deploy_state *state, const char *identity, const char *collective,
	const struct dp_deed *deed, int64_t at_us, struct deploy_error *err);

/* What it answered; the node was seen before. */
int dp_node_learn(struct deploy_state *state, const char *identity, const struct dp_lesson *lesson,
	int64_t at_us, struct deploy_error *err);

/* It did not answer. A node that is not known is not made known by that. */
int dp_node_acted_on(struct deploy_state *state, const char *identity, const struct dp_deed *deed,
	int64_t at_us, struct deploy_error *err);

/* The same of a `puppet run`, of which each node's last is kept apart; also when it is begun. */
int dp_node_puppet_run(struct deploy_state *state, const char *identity,
	const struct dp_deed *deed, int64_t at_us, struct deploy_error *err);

/* The state that name stands for; UNKNOWN for a word that is none. */
enum deploy_outcome_state dp_outcome_state_find(const char *name);

#endif
