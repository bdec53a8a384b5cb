/* What happens during a run, in order; handed to one sink before anything shows it. */
#ifndef DEPLOY_EVENT_H
#define DEPLOY_EVENT_H

#include <stdbool.h>

#include "deploy/error.h"
#include "deploy/outcome.h"

enum deploy_event_type {
	DEPLOY_EVENT_TASK_STARTED,  /* count: nodes of the task, 0 while being discovered */
	DEPLOY_EVENT_GROUP_STARTED, /* text: the group, folded; count: its nodes */
	DEPLOY_EVENT_INTENT,	    /* node, attempt: it is to be asked; nothing was sent yet. Only
				     * if the run wants_intents, and not while being discovered */
	DEPLOY_EVENT_ASKED,	    /* node, attempt: the request was handed to the broker */
	DEPLOY_EVENT_STEP,	    /* node, attempt, text: what its act is about to do to it */
	DEPLOY_EVENT_RETRY,	    /* node, outcome: this try failed, there will be another */
	DEPLOY_EVENT_OUTCOME,	    /* node, outcome: final */
	DEPLOY_EVENT_IGNORED,	    /* node, reason, text: a reply that was not credited; the
				     * first 100 of each reason are told, all are counted */
	DEPLOY_EVENT_STOPPED,	    /* text: why nothing new is started, with the arithmetic */
	DEPLOY_EVENT_PROGRESS, /* asked for by SIGUSR1, of each task: count of nodes in flight; text: they, folded;
				* node, waited_us: who was asked first of those that did not answer,
				* and how long ago */
	DEPLOY_EVENT_BLOCKED,  /* text: the broker takes no publishes, and its reason */
	DEPLOY_EVENT_UNBLOCKED,
	DEPLOY_EVENT_TASK_ENDED, /* count: nodes of the task; is_ok; text: why a chore is not */
	DEPLOY_EVENT_TYPES
};

/* "task_started", …; never NULL. Borrowed, static. */
const char *deploy_event_type_name(enum deploy_event_type type);

/* All pointers are borrowed and live until the sink returns; a sink that keeps something copies. */
struct deploy_event {
	enum deploy_event_type type;
	unsigned long seq; /* 1, 2, 3… within the run */
	int64_t at_us;	   /* wall clock, microseconds since 1970 */
	unsigned task;	   /* index in the plan */
	const char *node;  /* NULL if it is about no single node; may be foreign and unchecked */
	unsigned attempt;  /* 1-based, 0 if it does not apply */
	size_t count;
	bool is_ok; /* as in deploy_task_result */
	const struct deploy_outcome *outcome; /* NULL unless the type says so */
	enum deploy_ignored reason;
	const char *text; /* NULL unless the type says so */
	int64_t waited_us;
};

typedef void deploy_event_fn(void *arg, const struct deploy_event *event);

#endif
