/* What to do: tasks, each a request to a set of nodes under a policy. The one input of a run. */
#ifndef DEPLOY_PLAN_H
#define DEPLOY_PLAN_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

#include "deploy/error.h"
#include "deploy/filter.h"
#include "deploy/nodeset.h"
#include "deploy/request.h"

/* A number of nodes, given outright or as a part of the task's nodes. */
struct deploy_amount {
	unsigned value;
	bool is_percent;
};

#define DEPLOY_MAX_RAMP 16

/* How a task treats its nodes. Zero means: all at once, one try, no limit on failures. */
struct deploy_policy {
	struct deploy_amount batch[DEPLOY_MAX_RAMP]; /* group sizes, the last one repeats */
	unsigned batch_count;			     /* 0: no groups */
	unsigned window;			     /* keep this many in flight; 0: no window */
	long long batch_sleep_ms;		     /* between groups only */
	unsigned tries;				     /* at most 1000; 0 counts as 1 */
	long long try_sleep_ms;
	bool retries_silent; /* ask silent nodes again, too */
	bool has_max_fail;
	struct deploy_amount max_fail; /* failures tolerated */
	long long timeout_ms;	       /* for each reply; not of an act */
	long long deadline_ms;	       /* for the task; 0: none */
	long long discovery_ms;	       /* an open task ends then at the latest */
	long long window_ms;	       /* … or this long after its last reply */
	size_t expected;	       /* … or with so many nodes; 0: not said */
};

/* Parse "N" (at most 9 digits) or "N%" (1…100%). Errors: DEPLOY_USAGE; zero only if zero_ok. */
int deploy_amount_parse(
	struct deploy_amount *out, const char *text, bool zero_ok, struct deploy_error *err);

/* Parse "N", "N%" or a ramp "1,10%,100%" into policy->batch. Errors: DEPLOY_USAGE. */
int deploy_policy_parse_batch(
	struct deploy_policy *policy, const char *text, struct deploy_error *err);

/* Size of a group: per cent of total rounded up, at least 1. */
size_t deploy_amount_group(struct deploy_amount amount, size_t total);

/* A tolerance: per cent of total rounded down. */
size_t deploy_amount_limit(struct deploy_amount amount, size_t total);

/* A part of total to be content with: per cent rounded down, at least 1, at most total; value 0:
 * all. */
size_t deploy_amount_part(struct deploy_amount amount, size_t total);

/* Only so many of the nodes: the first by name, or those that a seed chooses as mco would. */
struct deploy_limit {
	struct deploy_amount amount; /* value 0: all */
	bool has_seed;
	long long seed;
};

/* What takes more than one request: made by a function of its own, done to each node of a task. */
struct deploy_act;

void deploy_act_free(struct deploy_act *act);

/*
 * Make an act of what is known beforehand, and only has to be recorded: known is an object, node →
 * outcome's data. Each node is ok with it, and changed (a word, borrowed for good) or "unchanged", as
 * data's "changed" says. A new reference is taken. Nothing is sent.
 */
struct deploy_act *deploy_act_known(json_t *known, const char *changed);

/*
 * A task has a request or an act; an act has limits of time of its own beside the deadline.
 * A task asks a frozen set (nodes), or the nodes that an earlier open task found (nodes_from),
 * or is open: it asks whoever matches filter, and its nodes are those that answer. A request that
 * wants no reply ends its task as soon as the broker says that it has it: nodes are then unknown
 * (was_handed_over), and of an open task nobody is known.
 */
struct deploy_task {
	struct deploy_request *request; /* owned; NULL if there is an act */
	struct deploy_act *act;		/* owned; never of an open task */
	struct deploy_filter filter;	/* owned; what nodes check on a broadcast */
	struct deploy_nodeset *nodes;	/* owned; NULL unless the set is known */
	struct deploy_nodeset *exclude; /* owned; NULL for none; never asked, never credited */
	int nodes_from;			/* index of an earlier task, or -1 */
	bool is_whole_match;		/* the set is all that match filter: broadcast */
	struct deploy_limit limit;	/* only so many of them */
	struct deploy_policy policy;
};

/* Tasks run one after the other; a task starts when the one before ended without stopping. */
struct deploy_plan {
	struct deploy_task *tasks;
	size_t task_count, task_cap;
	long long deadline_ms; /* for the whole run; 0: none */
};

/* Leave only so many of nodes as limit says. */
void deploy_limit_apply(const struct deploy_limit *limit, struct deploy_nodeset *nodes);

struct deploy_plan *deploy_plan_new(void);
void deploy_plan_free(struct deploy_plan *plan);

/* Add a task that takes over a request or an act; borrowed, valid until the next task is added. */
struct deploy_task *deploy_plan_take_request(
	struct deploy_plan *plan, struct deploy_request *request);
struct deploy_task *deploy_plan_take_act(struct deploy_plan *plan, struct deploy_act *act);

#endif
