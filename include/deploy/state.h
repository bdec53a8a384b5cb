/*
 * What is kept between runs, in one SQLite file: nodes, assigned facts, runs and what became of
 * them. One process writes at a time, any number read meanwhile; nothing here needs the broker.
 * Times are microseconds since 1970; 0: never.
 */
#ifndef DEPLOY_STATE_H
#define DEPLOY_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "deploy/error.h"
#include "deploy/outcome.h"

struct deploy_state;

/*
 * Open the state file at path. A writer makes it (0600, in a folder 0700 that is made, too; 0660 in
 * a folder that a group shares by mode 2770), brings an older one up to date, and notes the runs
 * whose owner died. A reader changes nothing, waits for no writer, also reads a file that it may
 * not write, and finds nothing in one that is not there.
 * Errors: DEPLOY_IO naming path and, as hint, the way out: a newer version's file, one that is no
 * state file or damaged, no permission, one that others can change, a network file system, a full
 * disk, a folder that cannot be made, another writer that does not let go for 5 s. All functions
 * below have these errors, too.
 * Caller closes with deploy_state_close().
 */
int deploy_state_open(
	struct deploy_state **out, const char *path, bool may_write, struct deploy_error *err);
void deploy_state_close(struct deploy_state *state);

/* Callbacks get one row at a time, in the order said; another value than 0 ends it. */

/* What of a node's inventory is wanted, since it may be large. */
enum { DEPLOY_WITH_FACTS = 1, DEPLOY_WITH_CLASSES = 2, DEPLOY_WITH_AGENTS = 4 };

/* What is known of a node. All is borrowed until the callback returns. */
struct deploy_node_record {
	const char *identity;
	const char *collective;		     /* in which it answered last; NULL: never */
	int64_t first_seen_us, last_seen_us; /* on the bus */
	json_t *facts;	     /* object; a null is a fact that the node was asked for and lacks */
	json_t *classes;     /* array of strings */
	json_t *agents;	     /* array of strings; these three are NULL if unknown or not wanted */
	int64_t facts_at_us; /* when any of the facts was last learnt */
	int64_t inventory_at_us; /* when all facts, classes and agents were */
	const char *certificate; /* as told to deploy_state_set_certificate(), or NULL */
	const char *fingerprint; /* or NULL */
	int64_t certificate_at_us;
	const char *last_run, *last_kind;	/* the last act on it; NULL: none, or pruned */
	enum deploy_outcome_state last_outcome; /* if last_outcome_at_us is not 0 */
	int64_t last_outcome_at_us;
};

typedef int deploy_node_fn(void *arg, const struct deploy_node_record *node);

/* Every node, sorted bytewise by identity. with: DEPLOY_WITH_… */
int deploy_state_each_node(const struct deploy_state *state, unsigned with, deploy_node_fn *fn,
	void *arg, struct deploy_error *err);

/* One node, with all that is known of it; no call if it is not known. */
int deploy_state_node(const struct deploy_state *state, const char *identity, deploy_node_fn *fn,
	void *arg, struct deploy_error *err);

/* Note facts that identity shows now, an object of texts, null for one that it lacks; others stay. */
int deploy_state_set_facts(struct deploy_state *state, const char *identity, json_t *facts,
	struct deploy_error *err);

/*
 * Note what the CA says: certificate "requested", "signed", "revoked", …, or NULL for none;
 * fingerprint may be NULL. The node need not be known.
 */
int deploy_state_set_certificate(struct deploy_state *state, const char *identity,
	const char *certificate, const char *fingerprint, struct deploy_error *err);

/*
 * A fact that a node is meant to have. The Puppet environment that it is to use is assigned like a
 * fact, under a name that no fact can have; nodes do not tell it, so it is never verified.
 */
#define DEPLOY_ASSIGNED_ENVIRONMENT "puppet/environment"

struct deploy_assignment {
	const char *node, *fact, *value;
	int64_t assigned_at_us, pushed_at_us, verified_at_us;
	const char *run; /* that assigned it; NULL: none, or pruned */
};

/*
 * Assign facts to node, an object of strings, in place of what it was assigned before. What stays
 * the same keeps its times. run: the run that does it, or NULL.
 */
int deploy_state_assign(struct deploy_state *state, const char *node, const json_t *facts,
	const char *run, struct deploy_error *err);

/* Take everything from node that it was assigned. */
int deploy_state_unassign(struct deploy_state *state, const char *node, struct deploy_error *err);

enum deploy_assignment_mark {
	DEPLOY_MARK_PUSHED,  /* sent to the node, which said ok */
	DEPLOY_MARK_VERIFIED /* read back from the node */
};

/*
 * Note that node has these facts, an object of strings. One that was assigned anew meanwhile is not
 * marked: its value differs. One that was pushed before keeps the time of that.
 */
int deploy_state_mark(struct deploy_state *state, enum deploy_assignment_mark mark,
	const char *node, const json_t *facts, struct deploy_error *err);

/*
 * Note that node is about to get other facts than it was assigned, an object of strings; NULL: any.
 * Those that it is assigned with another value are as if they had never been sent.
 */
int deploy_state_unmark(struct deploy_state *state, const char *node, const json_t *facts,
	struct deploy_error *err);

/* Which: of one node, or of all nodes that are assigned fact = value, or (all NULL) of everyone. */
struct deploy_assignment_query {
	const char *node;
	const char *fact, *value;
};

typedef int deploy_assignment_fn(void *arg, const struct deploy_assignment *assignment);

/* Assignments sorted bytewise by node and fact. */
int deploy_state_each_assignment(const struct deploy_state *state,
	const struct deploy_assignment_query *query, deploy_assignment_fn *fn, void *arg,
	struct deploy_error *err);

/*
 * Several changes as one: all of them are kept, or none. deploy_state_finish() keeps them if rc,
 * what the last change returned, is 0; it returns rc, or what went wrong in keeping them.
 */
int deploy_state_begin(struct deploy_state *state, struct deploy_error *err);
int deploy_state_finish(struct deploy_state *state, int rc, struct deploy_error *err);

/*
 * Remove runs that ended longer ago than keep_days, and those beyond the newest keep_runs acts and
 * keep_runs others (so that a ping a minute leaves the acts alone); 0: no such limit. Never one
 * that is running. At most max_rows rows go, in small transactions; *more: there is more to remove.
 */
struct deploy_retention {
	unsigned keep_days, keep_runs; /* 90 and 1000 are usual */
	size_t max_rows;
};

int deploy_state_prune(struct deploy_state *state, const struct deploy_retention *retention,
	bool *more, struct deploy_error *err);

#endif
