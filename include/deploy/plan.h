/* What to do: tasks, each a request to a set of nodes under a policy. The one input of a run. */
#ifndef DEPLOY_PLAN_H
#define DEPLOY_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "deploy/error.h"
#include "deploy/filter.h"
#include "deploy/nodeset.h"
#include "deploy/outcome.h"
#include "deploy/request.h"

/* A number of nodes, given outright or as a part of the task's nodes. */
struct deploy_amount {
	unsigned value;
	bool is_percent;
};

#define DEPLOY_MAX_RAMP	    16
#define DEPLOY_MAX_OK_CODES 16

/* How a task treats its nodes. Zero means: all at once, one try, no limit on failures. */
struct deploy_policy {
	struct deploy_amount batch[DEPLOY_MAX_RAMP]; /* group sizes, the last one repeats */
	unsigned batch_count;			     /* 0: no groups */
	unsigned window;			     /* keep this many in flight; 0: no window */
	long long batch_sleep_ms;		     /* between groups only */
	unsigned tries;				     /* at most 1000; 0 counts as 1 */
	long long try_sleep_ms;
	const long long *try_sleeps_ms; /* instead, growing ones: the last repeats; borrowed */
	size_t try_sleep_count;		/* 0: try_sleep_ms */
	bool retries_silent; /* ask silent nodes again, too */
	bool has_max_fail;
	struct deploy_amount max_fail; /* failures tolerated */
	long long timeout_ms;	       /* for each reply; not of an act */
	long long deadline_ms;	       /* for the task; 0: none */
	long long discovery_ms;	       /* an open task ends then at the latest */
	long long window_ms;	       /* … or this long after its last reply */
	size_t expected;	       /* … or with so many nodes; 0: not said */
	/*
	 * Ask one node after the other until one is ok; batch, window and max_fail do not matter
	 * then. The nodes that are not asked any more are skipped; if none is ok the task stops.
	 */
	bool is_one;
	int ok_codes[DEPLOY_MAX_OK_CODES]; /* that count as ok, beside 0 */
	unsigned ok_code_count;
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
 * Says whether an answer is good enough: false, and why, if it is not, and the node then counts as
 * failed. reply is ok or failed, as its status code says. Called in the middle of a step of the
 * run: it may only look and decide.
 */
struct deploy_judge {
	bool (*judge)(void *arg, const char *node, const struct deploy_outcome *reply, char *why,
		size_t size); /* NULL: the status code says all */
	void *arg;
};

/* What becomes of the run if a task stops: more nodes are not ok than max_fail, or its deadline. */
enum deploy_on_failure {
	DEPLOY_ON_FAILURE_STOP,	    /* nothing new is started, in any task */
	DEPLOY_ON_FAILURE_CONTINUE, /* what needs it starts nonetheless, as if it were ok */
	/*
	 * As STOP; and nodes that fail, are silent or unknown without stopping it are left out of
	 * every task that begins later. An open task may still reach them.
	 */
	DEPLOY_ON_FAILURE_DROP_NODES
};

/*
 * What asks no node: a task of its own in the plan, with neither request, act nor nodes. Of its
 * policy timeout_ms and deadline_ms count. One that is not ok stops nothing by itself. An interrupt,
 * a deadline, and whatever else stops the run end it at once, as not ok.
 */
enum deploy_chore {
	DEPLOY_CHORE_NONE,
	DEPLOY_CHORE_REST,    /* nothing: the task's delay_ms is all; always ok */
	DEPLOY_CHORE_CONFIRM, /* ask whoever runs it text; ok: yes */
	DEPLOY_CHORE_CONNECT, /* ok: host:port takes a TCP connection within timeout_ms (0: 5 s) */
	DEPLOY_CHORE_PUBLISH  /* message body to topic text; ok: the broker has taken it */
};

/*
 * A task has a request, an act or a chore; an act has limits of time of its own beside the deadline.
 * A task asks a frozen set (nodes), or the nodes that an earlier open task found (nodes_from),
 * or is open: it asks whoever matches filter, and its nodes are those that answer. A request that
 * wants no reply ends its task as soon as the broker says that it has it: nodes are then unknown
 * (was_handed_over), and of an open task nobody is known.
 */
struct deploy_task {
	struct deploy_request *request; /* owned; NULL if there is an act */
	struct deploy_act *act;		/* owned; never of an open task */
	enum deploy_chore chore;	/* NONE if there is a request or an act */
	char *text;			/* owned; of CONFIRM and PUBLISH */
	char *host;			/* owned; of CONNECT: a name or an address */
	unsigned port;			/* of CONNECT */
	char *body;			/* owned; of PUBLISH */
	char *label;			/* owned; which step it came from; NULL: none */
	struct deploy_filter filter;	/* owned; what nodes check on a broadcast */
	struct deploy_nodeset *nodes;	/* owned; NULL unless the set is known */
	struct deploy_nodeset *exclude; /* owned; NULL for none; never asked, never credited */
	int nodes_from;			/* index of an earlier task, which it then needs; or -1 */
	bool only_finds;		/* what it has to tell are the nodes for later tasks */
	bool is_whole_match;		/* the set is all that match filter: broadcast */
	struct deploy_limit limit;	/* only so many of them */
	struct deploy_policy policy;
	struct deploy_judge judge; /* of each answer; arg is borrowed */
	enum deploy_on_failure on_failure;
	bool has_needs; /* it starts when needs have ended; else when the one before has */
	size_t *needs;	/* owned; indices of earlier tasks; see deploy_task_need() */
	size_t need_count, need_cap;
	long long delay_ms; /* it starts so long after that */
	bool is_always;	    /* cleanup: it starts also after the run has stopped, when what it
			     * needs has ended or never will begin */
	bool keeps_replies; /* the director gets the data of its nodes' answers */
	const char *deed;   /* static: DEPLOY_PUPPET_RUN if that is what it does; or NULL */
	/*
	 * Node i begins when those at after[start[i]] … after[start[i + 1] - 1] are ok; places in
	 * nodes, which must be known. One that waits for a node that is not ok is skipped. A window
	 * holds for who may begin, the first by name first; there are no batches. Owned, or NULL.
	 */
	uint32_t *start, *after;
};

/* A task starts when all that it needs has ended, and nothing has stopped the run. */
struct deploy_plan {
	struct deploy_task **tasks; /* each stays where it is when others are added */
	size_t task_count, task_cap;
	long long deadline_ms; /* for the whole run; 0: none */
};

/* Leave only so many of nodes as limit says. */
void deploy_limit_apply(const struct deploy_limit *limit, struct deploy_nodeset *nodes);

struct deploy_plan *deploy_plan_new(void);
void deploy_plan_free(struct deploy_plan *plan);

/* Add a task that takes over a request or an act; borrowed. */
struct deploy_task *deploy_plan_take_request(
	struct deploy_plan *plan, struct deploy_request *request);
struct deploy_task *deploy_plan_take_act(struct deploy_plan *plan, struct deploy_act *act);
/* … or a chore, whose fields are to be filled in. */
struct deploy_task *deploy_plan_take_chore(struct deploy_plan *plan, enum deploy_chore chore);

/* Have a task need an earlier one, by its index, and no others but those given in this way. */
void deploy_task_need(struct deploy_task *task, size_t earlier);

/* Have a task need none: it may start at once. */
void deploy_task_need_nothing(struct deploy_task *task);

#endif
