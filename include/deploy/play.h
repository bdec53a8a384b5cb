/*
 * A playbook under way. A play is the director of a run (deploy/run.h): it goes through the steps,
 * adds a task for each, learns what that came to, and says what is next. It asks nobody and waits
 * for nothing; what it has to know from outside comes by its options.
 *
 * Each task has a label, by which a resumed run finds its step again: the step's id; in a roll "#"
 * and the number of the group: "settle#3"; of a plan in the plan with that step's label and "/" in
 * front: "deploy#1/settle#3".
 */
#ifndef DEPLOY_PLAY_H
#define DEPLOY_PLAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "deploy/error.h"
#include "deploy/event.h"
#include "deploy/expr.h"
#include "deploy/playbook.h"
#include "deploy/run.h"

struct deploy_play;

/*
 * What an earlier process of the same run has left: which nodes sets had, which tasks ended, and
 * what became of whom. Texts and nodes are copied.
 */
struct deploy_past;

struct deploy_past *deploy_past_new(void);
void deploy_past_free(struct deploy_past *past);
void deploy_past_add_nodes(
	struct deploy_past *past, const char *name, const struct deploy_nodeset *nodes);
void deploy_past_add_task(struct deploy_past *past, const char *label, bool has_ended, bool is_ok);

/*
 * A node's outcome, in the order in which they were recorded: a later one counts. state: UNKNOWN
 * also if it was to be asked, and nothing more is known. data may be NULL.
 */
void deploy_past_add_outcome(struct deploy_past *past, const char *label, const char *node,
	enum deploy_outcome_state state, json_t *data);

/* What is told beside the events of the run. */
enum deploy_play_note {
	DEPLOY_PLAY_SET,     /* label: the set's name; text: its nodes, folded; count */
	DEPLOY_PLAY_GROUP,   /* label: of the roll's step; text: the group's nodes; count */
	DEPLOY_PLAY_SKIPPED, /* a step; text: why */
	DEPLOY_PLAY_DONE,    /* a step, or so many of its nodes (count), that an earlier process did */
	DEPLOY_PLAY_LEFT,    /* a step; text: nodes of which an earlier process has left unknown
				whether they did it; they are not asked again */
	DEPLOY_PLAY_UNCHECKED, /* a step, by its id: a preflight cannot know its nodes */
	DEPLOY_PLAY_FAILED   /* a step that is not ok, and the run goes on; text: why, or NULL */
};

typedef void deploy_play_note_fn(void *arg, enum deploy_play_note note, const char *label,
	const struct deploy_step *step, size_t count, const char *text);

/* What a play knows, and whom it asks. Everything is borrowed as long as the play lives. */
struct deploy_play_options {
	const struct deploy_playbook *book;
	json_t *inputs;	   /* as deploy_playbook_inputs() made them */
	json_t *clipboard; /* an object; NULL: what the book says */
	const char *run_id, *user;
	int64_t started_us;
	const char *collective;
	unsigned ttl_s;
	long long discovery_ms, window_ms;	  /* of looking for nodes */
	const char *from;			  /* id of the step to begin with; NULL: the first */
	const char *const *skip, *const *only; /* ids of steps; counts below */
	size_t skip_count, only_count;
	bool says_yes;	      /* to steps that want to be confirmed */
	bool is_preflight;    /* only find the nodes, and compare their agents with what steps want */
	bool retries_unknown; /* do again what an earlier process may have done */
	bool retries_silent;
	const struct deploy_past *past; /* NULL: nothing was done before */
	/*
	 * Make a request fit to be sent: fill in what its DDL presets, check it, and say how long to
	 * wait for replies. NULL: as it is, 30 s.
	 */
	int (*prepare)(void *arg, struct deploy_request *request, long long *timeout_ms,
		struct deploy_error *err);
	/*
	 * Make the act of a step that is none of RPC, from what it says (values: step->act with
	 * everything in it evaluated). *nodes: of the step; to be filled in if the act names them
	 * itself, then the play's to free.
	 */
	int (*make_act)(void *arg, struct deploy_act **out, const struct deploy_step *step,
		json_t *values, struct deploy_nodeset **nodes, struct deploy_error *err);
	/* A set of nodes is fixed from now on: to be recorded before anything more is published. */
	void (*freeze)(void *arg, const char *name, const struct deploy_nodeset *nodes);
	deploy_play_note_fn *note;
	const struct deploy_expr_function *functions; /* fact(), secret() */
	size_t function_count;
	void *arg; /* of the callbacks, but for functions */
};

/*
 * Begin a play. Errors: DEPLOY_USAGE for a step that from, skip or only name and that is not there,
 * DEPLOY_REFUSED for a variable of the environment that is required and not set.
 * Caller frees with deploy_play_free(), when the run is over.
 */
int deploy_play_new(struct deploy_play **out, const struct deploy_play_options *options,
	struct deploy_error *err);
void deploy_play_free(struct deploy_play *play);

/*
 * Who directs the run, borrowed. It gives up with: DEPLOY_NO_NODES (a set is empty),
 * DEPLOY_REFUSED (a check before the first step, or who was asked said no), DEPLOY_STOPPED (a
 * roll's limit, or the deadline of a wait), DEPLOY_INPUT (an expression), those of the callbacks.
 */
const struct deploy_director *deploy_play_director(struct deploy_play *play);

/* The step that a task of the plan came from; NULL: it only finds or looks at something. */
const struct deploy_step *deploy_play_step(const struct deploy_play *play, size_t task);

/* The label of a task of the plan; NULL as above. Borrowed. */
const char *deploy_play_label(const struct deploy_play *play, size_t task);

/* Nodes that keep, of an earlier process, an outcome that is not ok: by state. Borrowed. */
const struct deploy_tally *deploy_play_left(const struct deploy_play *play);

/* True if all steps, and what follows them, were gone through, and none stopped the play. */
bool deploy_play_is_ok(const struct deploy_play *play);

/*
 * Evaluate the text of the book's lock with what is known at the beginning. *out is NULL if it has
 * none; caller frees with free(). Errors: DEPLOY_INPUT.
 */
int deploy_play_lock(
	char **out, const struct deploy_play_options *options, struct deploy_error *err);

/*
 * Nobody is to learn a secret: values of inputs that are secret, what secret() returned, what a
 * step declares. Returns event with each of them replaced by "***"; borrowed until the next call.
 * Texts of less than four bytes are only replaced where they stand alone.
 */
const struct deploy_event *deploy_play_mask(
	struct deploy_play *play, const struct deploy_event *event);

/* Another value that nobody is to learn. */
void deploy_play_hide(struct deploy_play *play, json_t *value);

#endif
