/*
 * What the parts of a play share.
 *   play.c   the director: what came in, and to whom it goes
 *   walk.c   lists of steps: one step after the other, and what follows the last
 *   begin.c  from a step to a task     kinds.c  steps that ask no node     roll.c  groups
 *   sets.c   from a set to its nodes   world.c  what expressions see       past.c  what is done
 *   agents.c what is checked before the first step         mask.c  secrets
 */
#ifndef DP_PLAY_PARTS_H
#define DP_PLAY_PARTS_H

#include "base/strset.h"
#include "deploy/play.h"
#include "deploy/reply_expr.h"

struct dp_frame;

/* The nodes of a set, once they are known. */
struct dp_play_set {
	struct deploy_nodeset *nodes; /* NULL: not yet */
	bool is_asked;		      /* it is being looked for */
	struct dp_frame **waiting;
	size_t waiting_count, waiting_cap;
};

/* A playbook, and what its names mean now. */
struct dp_scope {
	struct dp_scope *next;
	const struct deploy_playbook *book;
	char *prefix;	/* of labels: "" or "deploy/" */
	json_t *values; /* what expressions see */
	struct dp_play_set *sets;
	struct dp_strset read; /* ids of steps that expressions name */
	bool reads_all;
};

enum dp_frame_kind {
	DP_FRAME_BOOK,	/* the steps of a playbook */
	DP_FRAME_GROUP, /* … of a roll, for one group */
	DP_FRAME_LANE,
	DP_FRAME_AFTER /* what follows one of these */
};

enum dp_frame_state { DP_FRAME_AT_STEPS, DP_FRAME_AFTERWARDS, DP_FRAME_OVER };

/* The step that a list is at. */
struct dp_at {
	bool is_wanted; /* nothing says that it is to be skipped */
	bool has_begun; /* what it needs is there, and it is doing something */
	char *label;
	bool is_bad;			   /* what it did is not ok */
	struct deploy_nodeset *own, *over; /* its own filter's, or those that it rolls over */
	/* Of a roll: */
	struct deploy_nodeset *rest, *lost, *failed;
	size_t group;
	bool has_rested;
	/* Of a wait: */
	json_t *probes; /* what was looked at in this round: name → bool; null: to be looked at */
	int64_t until_us;
	bool is_round_over;
};

struct dp_agent_need {
	const char *agent;
	struct deploy_nodeset *nodes;
};

/* What a playbook's steps want of nodes, before the first of them begins. */
struct dp_agent_needs {
	struct dp_agent_need *items;
	size_t count, cap;
	bool is_asked, is_checked;
};

/* A list of steps under way. */
struct dp_frame {
	struct dp_frame *next; /* the newest first */
	struct dp_frame *up;
	struct dp_scope *scope;
	enum dp_frame_kind kind;
	enum dp_frame_state state;
	const struct deploy_steps *steps;
	size_t index; /* of the step */
	struct deploy_nodeset *group;
	json_t *group_names;
	char *suffix;	 /* of labels: "", "#3" */
	size_t pending;	 /* tasks and lists that it waits for */
	size_t after;	 /* AFTERWARDS: which list comes next */
	bool is_cleanup; /* goes on after the run has stopped */
	bool is_always;	 /* … also if a signal did that */
	bool is_bad, is_queued;
	bool has_worked;	     /* something in it was begun by this process */
	bool is_put_back;	     /* of a group: its always list is there, and went well */
	struct deploy_nodeset *lost; /* of the group: nodes that were not ok in a step */
	struct dp_agent_needs needs; /* BOOK */
	struct dp_at at;
};

enum dp_purpose {
	DP_FOR_NOTHING,
	DP_FOR_STEP,  /* it does the step */
	DP_FOR_SET,   /* it finds the nodes of set number index of the frame's scope */
	DP_FOR_OWN,   /* … of the step's own filter */
	DP_FOR_OVER,  /* … of what the step rolls over */
	DP_FOR_PROBE, /* it looks at something for a wait */
	DP_FOR_PAUSE, /* between groups, or rounds of a wait */
	DP_FOR_AGENT  /* it finds who has agent number index */
};

/* What a task of the plan is for. */
struct dp_task_note {
	enum dp_purpose purpose;
	struct dp_frame *frame;
	const struct deploy_step *step;
	const char *label; /* of the task */
	size_t index;
	char *probe;
	struct dp_reply_look *look; /* at each reply */
};

struct deploy_play {
	struct deploy_play_options options;
	struct deploy_director director;
	struct deploy_plan *plan; /* in a turn */
	int64_t now_us;
	struct dp_scope *scopes;
	struct dp_frame *frames, *root;
	struct dp_frame **queue; /* to go on in this turn */
	size_t queue_count, queue_cap;
	struct dp_task_note *notes; /* per task of the plan */
	size_t note_count, note_cap;
	struct dp_strset dropped;
	struct deploy_tally left;
	struct deploy_error why; /* what ends the play */
	bool has_told_why, has_stopped, is_over;
	int signal;
	struct dp_strset secrets;
	struct deploy_event masked;
	struct deploy_outcome masked_outcome;
	char *masked_text, *masked_message;
	json_t *masked_data;
};

/* walk.c */
struct dp_frame *dp_frame_new(struct deploy_play *play, enum dp_frame_kind kind,
	struct dp_frame *up, struct dp_scope *scope, const struct deploy_steps *steps);
void dp_frames_free(struct deploy_play *play);
const struct deploy_step *dp_frame_step(const struct dp_frame *frame);
void dp_frame_queue(struct deploy_play *play, struct dp_frame *frame);
void dp_play_walk(struct deploy_play *play);
/* False for what nothing is begun in any more, since the run has stopped. */
bool dp_frame_may_go_on(const struct deploy_play *play, const struct dp_frame *frame);
/* True if somebody further up goes on in spite of a failure in frame. */
bool dp_is_caught(const struct dp_frame *frame, const struct deploy_step *step);
/* The newest list that is to be cleaned up after begins that; false: there is none left. */
bool dp_play_clean_up(struct deploy_play *play);
/* Nodes that were not ok in a step: they are missing in the groups around it. */
void dp_frame_lose(struct dp_frame *frame, const struct deploy_nodeset *nodes);

/* What a step comes to when it is looked at again. */
enum dp_progress { DP_BUSY, DP_STEP_OVER, DP_STEP_BAD };

/* begin.c, kinds.c, roll.c: begin a step whose sets are known, or go on with it. */
enum dp_progress dp_step_begin(
	struct deploy_play *play, struct dp_frame *frame, struct deploy_error *err);
enum dp_progress dp_step_go_on(
	struct deploy_play *play, struct dp_frame *frame, struct deploy_error *err);
enum dp_progress dp_kind_begin(
	struct deploy_play *play, struct dp_frame *frame, struct deploy_error *err);
enum dp_progress dp_kind_go_on(
	struct deploy_play *play, struct dp_frame *frame, struct deploy_error *err);
enum dp_progress dp_roll_begin(
	struct deploy_play *play, struct dp_frame *frame, struct deploy_error *err);
enum dp_progress dp_roll_go_on(
	struct deploy_play *play, struct dp_frame *frame, struct deploy_error *err);
/* Functions that look at hosts, if frame is at a wait; how many. */
size_t dp_probe_functions(const struct dp_frame *frame, struct deploy_expr_function out[2]);
void dp_kind_probed(struct dp_frame *frame, const char *probe, bool is_ok);
void dp_step_ended(struct deploy_play *play, const struct dp_task_note *note,
	const struct deploy_task_result *result);

/* Note what a task that was just added is for; the frame then waits for it. */
struct dp_task_note *dp_play_note(struct deploy_play *play, enum dp_purpose purpose,
	struct dp_frame *frame, struct deploy_task *task);
struct deploy_task *dp_play_chore(struct deploy_play *play, struct dp_frame *frame,
	enum dp_purpose purpose, enum deploy_chore chore);
void dp_play_tell(struct deploy_play *play, enum deploy_play_note note, const char *label,
	const struct deploy_step *step, size_t count, const char *text);

/*
 * sets.c. Have all sets looked for that the step needs, or only the expression that says whether it
 * is wanted: true if they are known, false if frame has to wait, or with err.
 */
bool dp_when_ready(struct deploy_play *play, struct dp_frame *frame, struct deploy_error *err);
bool dp_sets_ready(struct deploy_play *play, struct dp_frame *frame, struct deploy_error *err);
bool dp_set_ready(
	struct deploy_play *play, struct dp_frame *frame, size_t index, struct deploy_error *err);
/* nodes: NULL if looking for them was cut short; who still wants them has them looked for again. */
void dp_set_found(struct deploy_play *play, const struct dp_task_note *note,
	const struct deploy_nodeset *nodes);
/* The nodes of a step, or of what it rolls over, without those that were dropped. To be freed. */
struct deploy_nodeset *dp_sets_nodes(struct deploy_play *play, const struct dp_frame *frame,
	const struct deploy_step_nodes *nodes, const struct deploy_nodeset *own);
void dp_find(struct deploy_play *play, struct dp_frame *frame, enum dp_purpose purpose,
	size_t index, struct deploy_filter *filter);
/* The nodes that a selection names, if they are known before the first step; else NULL. */
struct deploy_nodeset *dp_sets_named(const struct deploy_play *play, const struct dp_frame *frame,
	const struct deploy_selection *selection);
void dp_play_drop(struct deploy_play *play, const struct deploy_nodeset *nodes);
/* Take out of nodes who was dropped. */
void dp_play_leave_out(const struct deploy_play *play, struct deploy_nodeset *nodes);

/* agents.c: false: frame has to wait, or err says what is missing. */
bool dp_agents_ready(struct deploy_play *play, struct dp_frame *frame, struct deploy_error *err);
void dp_agent_found(struct dp_frame *frame, size_t index, const struct deploy_nodeset *nodes);
void dp_agents_release(struct dp_frame *frame);

/* world.c */
struct dp_scope *dp_scope_new(struct deploy_play *play, const struct deploy_playbook *book,
	char *prefix, json_t *inputs, struct deploy_error *err);
void dp_scopes_free(struct deploy_play *play);
void dp_scope_set_nodes(
	struct dp_scope *scope, const char *set, const struct deploy_nodeset *nodes);
void dp_scope_add_result(struct dp_scope *scope, const struct deploy_step *step, const char *key,
	const struct deploy_nodeset *nodes);
void dp_scope_add_replies(struct dp_scope *scope, const struct deploy_step *step, json_t *replies);
void dp_scope_changed(struct dp_scope *scope, const struct deploy_step *step);

int dp_world_test(const struct deploy_play *play, const struct dp_frame *frame, const char *key,
	const char *text, bool *out, struct deploy_error *err);
int dp_world_eval(const struct deploy_play *play, const struct dp_frame *frame, const char *key,
	const char *text, json_t **out, struct deploy_error *err);
int dp_world_text(const struct deploy_play *play, const struct dp_frame *frame, const char *key,
	const char *text, char **out, struct deploy_error *err);
/* The same for all texts in value. *out: a new reference. */
int dp_world_json(const struct deploy_play *play, const struct dp_frame *frame, const char *key,
	json_t *value, json_t **out, struct deploy_error *err);
/* Call fn for each name that an expression of the step uses; deep: also of the steps in it. */
typedef void dp_use_fn(void *arg, const struct deploy_expr_use *use);
void dp_step_uses(const struct deploy_step *step, bool deep, dp_use_fn *fn, void *arg);
void dp_when_uses(const struct deploy_step *step, dp_use_fn *fn, void *arg);

/* Who looks at each reply. */
struct dp_reply_look;
struct dp_reply_look *dp_look_new(const struct deploy_play *play, const struct dp_frame *frame,
	const struct deploy_step *step, struct deploy_error *err);
void dp_look_free(struct dp_reply_look *look);
bool dp_look_judge(
	void *look, const char *node, const struct deploy_outcome *reply, char *why, size_t size);
bool dp_look_saw_change(const struct dp_reply_look *look);

/*
 * What an earlier process has left of the step that frame is at; NULL: nothing counts. What follows
 * a list is done again when something in the list was.
 */
const struct deploy_past *dp_frame_past(
	const struct deploy_play *play, const struct dp_frame *frame);

/* past.c */
const struct deploy_nodeset *dp_past_nodes(const struct deploy_past *past, const char *name);
bool dp_past_is_done(const struct deploy_past *past, const char *label, bool *is_ok);
bool dp_past_outcome(const struct deploy_past *past, const char *label, const char *node,
	enum deploy_outcome_state *state, json_t **data);
bool dp_past_knows(const struct deploy_past *past, const char *label);

/* mask.c. Hide the secrets in text, in its place. */
void dp_mask_text(const struct deploy_play *play, char *text, size_t size);
void dp_mask_release(struct deploy_play *play);

#endif
