/* What a task sees of the runner while it takes a step: the time, and a way to say what to do. */
#ifndef DP_STAGE_H
#define DP_STAGE_H

#include "run/runner.h"

struct dp_stage {
	int64_t now_us, wall_us;
	unsigned task;	   /* index of the task that is on stage */
	bool is_blocked;   /* the broker takes no publishes */
	bool is_confirmed; /* the broker has taken what was sent, and said who is not connected */
	bool may_expire;   /* nothing that arrived is left unread, so what is missing now is missing
			    */
	bool tells_intents;
	unsigned long seq;
	dp_action_fn *act;
	void *act_arg;
	/* Of the task on stage: */
	struct dp_acts *acts; /* does what it says of its nodes; NULL: it asks them */
	json_t *replies;      /* node → data, of what it is to keep; NULL: nothing */
	size_t kept_bytes;    /* that all tasks keep */
};

/* Bytes of a judge's reason. */
#define DP_MAX_WHY 512

/* True if nodes are to do it and say nothing. */
bool dp_is_mute(const struct deploy_task *task);

/* What a node's status code comes to. */
enum deploy_outcome_state dp_state_of_code(const struct deploy_policy *policy, int statuscode);

/* Let the judge of a task have its word on an answer; room is for its reason. */
void dp_judge_answer(const struct deploy_task *task, const char *node,
	struct deploy_outcome *outcome, char *room, size_t size);

/* Have nodes asked, probed, or no longer asked. */
void dp_stage_ask(struct dp_stage *stage, const struct dp_action *action);

/* Emit event: type and the fields that the type says; seq, time and task are filled in here. */
void dp_stage_emit(struct dp_stage *stage, struct deploy_event event);

/* Count and tell what became of a node for good, and keep what it said if that is wanted. */
void dp_stage_settle(struct dp_stage *stage, struct deploy_tally *tally, const char *node,
	const struct deploy_outcome *outcome);

/* Emit that a reply was seen and not credited, and count it. */
void dp_stage_ignore(struct dp_stage *stage, struct deploy_tally *tally, enum deploy_ignored reason,
	const char *node, unsigned attempt, const char *text);

#endif
