/*
 * Plans as people write them: a YAML file, read and checked whole before anything is sent.
 * deployctl-plan(5) tells the language. A playbook is a plain value: what it says stands in structs,
 * texts that may hold ${…} and expressions (deploy/expr.h) stand there as they are written.
 */
#ifndef DEPLOY_PLAYBOOK_H
#define DEPLOY_PLAYBOOK_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

#include "deploy/error.h"
#include "deploy/flaw.h"
#include "deploy/plan.h"
#include "deploy/text.h"
#include "deploy/yaml.h"

#define DEPLOY_PLAYBOOK_MAX_STEPS 1000 /* with those of the plans in it */
#define DEPLOY_PLAYBOOK_MAX_DEPTH 8    /* plans in plans, the outermost counted */
#define DEPLOY_PLAYBOOK_MAX_FILES 64   /* plans in a plan, each as often as it is named */

/* Everything here is borrowed from the playbook: no part of it is freed by itself. */
struct deploy_texts {
	const char **items;
	size_t count;
};

enum deploy_input_type {
	DEPLOY_INPUT_STRING,
	DEPLOY_INPUT_INTEGER,
	DEPLOY_INPUT_NUMBER,
	DEPLOY_INPUT_BOOLEAN,
	DEPLOY_INPUT_LIST, /* one of values */
	DEPLOY_INPUT_ARRAY /* of JSON */
};

/* "string", …; never NULL. Borrowed, static. */
const char *deploy_input_type_name(enum deploy_input_type type);

/* What a plan wants to be told: inputs.NAME in its expressions. */
struct deploy_playbook_input {
	const char *name;
	enum deploy_input_type type;
	const char *match; /* of a string, in Ruby's dialect, unanchored; NULL for none */
	bool is_optional;  /* not required, and without a default: null if it is not given */
	json_t *preset; /* the default; NULL for none */
	json_t *values; /* an array: it must be one of these; NULL: any */
	const char *prompt, *description; /* NULL for none */
	bool is_secret;
};

/*
 * Which nodes: terms as of mco's filter, see deploy/filter.h, or named nodes. Every text may hold
 * ${…}; those that hold none are valid.
 */
struct deploy_selection {
	struct deploy_texts classes, facts, agents, identities, compounds;
	struct deploy_texts nodes; /* node sets, taken as they are, nobody is discovered */
	const char *collective;	   /* NULL: the main one */
	const char *when_empty;	   /* what to say if it has no node; NULL: the usual */
	struct deploy_limit limit;
};

struct deploy_playbook_set {
	const char *name;
	struct deploy_selection selection;
};

/* The nodes of a step: those of all of these together. */
struct deploy_step_nodes {
	size_t *sets; /* indices into the playbook's sets */
	size_t set_count;
	bool has_group;			    /* the current group of the roll around it */
	struct deploy_selection *selection; /* written at the step itself; NULL: none */
};

enum deploy_step_kind {
	DEPLOY_STEP_RPC,
	DEPLOY_STEP_PUPPET_RUN,
	DEPLOY_STEP_ASSIGN_ROLE,
	DEPLOY_STEP_PUSH_FACTS,
	DEPLOY_STEP_SIGN_CERT,
	DEPLOY_STEP_PUBLISH,
	DEPLOY_STEP_ROLL,
	DEPLOY_STEP_PARALLEL,
	DEPLOY_STEP_PLAN,
	DEPLOY_STEP_WAIT,
	DEPLOY_STEP_CONFIRM,
	DEPLOY_STEP_SET,
	DEPLOY_STEP_KINDS
};

/* The key in the file: "rpc", "puppet_run", …; never NULL. Borrowed, static. */
const char *deploy_step_kind_name(enum deploy_step_kind kind);

struct deploy_step;

struct deploy_steps {
	struct deploy_step *items;
	size_t count;
};

struct deploy_playbook;

/*
 * A step. policy: what is not said is 0, as in deploy/plan.h, but has_max_fail is always set: 0
 * failures are tolerated unless the step says more. Texts that are not said are NULL.
 */
struct deploy_step {
	enum deploy_step_kind kind;
	const char *number; /* "2.1": the first in the second; "always.1"; unique in the file */
	const char *id;	    /* as written, otherwise the number; unique in the file */
	const char *description;
	json_t *source; /* the mapping in the file, for its places and for showing it */
	struct deploy_step_nodes nodes;
	const char *agent, *action; /* RPC */
	json_t *with;	    /* RPC: an object with ${…} in texts; NULL for none */
	/*
	 * PUPPET_RUN, ASSIGN_ROLE, PUSH_FACTS, SIGN_CERT, PUBLISH: an object of what
	 * deployctl-plan(5) tells, with ${…} in texts. SET: an object, name → expression, or a
	 * number or boolean.
	 */
	json_t *act;
	const char *file; /* ASSIGN_ROLE: its cluster file, as it can be opened; NULL: none */
	const char *when;			    /* expression */
	const char *until, *fail_when, *changed_when; /* expressions, of each reply */
	const char *wait_for; /* WAIT: expression */
	long long every_ms;   /* WAIT: 0: the usual */
	const char *confirm;  /* CONFIRM: with ${…} */
	struct deploy_policy policy; /* ROLL: batch, batch_sleep_ms and max_fail of its groups */
	long long *try_sleeps_ms;    /* growing pauses; the last one repeats */
	size_t try_sleep_count;
	struct deploy_step_nodes over;	       /* ROLL */
	struct deploy_amount min_in_service;   /* ROLL: per cent rounded up; value 0: not said */
	struct deploy_steps steps, always;     /* ROLL */
	struct deploy_steps *lanes;	       /* PARALLEL */
	size_t lane_count;
	struct deploy_playbook *plan; /* PLAN */
	json_t *inputs;	      /* PLAN: an object with ${…} in texts; NULL for none */
	int *ok_codes;
	size_t ok_code_count;
	struct deploy_texts secret; /* keys of with and of replies whose values are not recorded */
	enum deploy_on_failure on_failure;
	bool is_one, is_idempotent, is_destructive;
	bool keeps_replies; /* an expression reads steps.ID.results */
};

struct deploy_playbook {
	char *name;	 /* the file, as errors call it */
	const char *plan; /* what it calls itself */
	const char *description;
	struct deploy_playbook_input *inputs;
	size_t input_count;
	struct deploy_texts agents, env; /* required: agents on the nodes, variables here */
	struct deploy_playbook_set *sets;
	size_t set_count;
	const char *lock;	 /* with ${…} */
	json_t *clipboard; /* an object, or NULL */
	struct deploy_texts clipboard_keep, secret;
	struct deploy_steps steps, on_success, on_failure, always;
	size_t step_count; /* all of them, hooks and plans in it included */
	struct deploy_texts unknown_agents; /* nothing was checked of those: no DDL is here */
	struct deploy_yaml *doc;
	struct deploy_playbook_own *own; /* what all that is borrowed from */
};

/* What is known beside the text. */
struct deploy_playbook_options {
	char *const *ddl_dirs; /* agents are checked against their DDLs there */
	size_t ddl_dir_count;
};

/*
 * Read a plan, and the plans in it, relative to the folder of name. Everything that is wrong becomes
 * a flaw, and while there is one the playbook is not to be used. options may be NULL.
 * Errors: DEPLOY_INPUT "name:line:column: why" if it is no YAML; what is wrong with the file of a
 * plan in a plan is a flaw. Caller frees with deploy_playbook_free().
 */
int deploy_playbook_read(struct deploy_playbook **out, const char *name, const char *text,
	size_t len, const struct deploy_playbook_options *options, struct deploy_error *err);

/* The same from a file, or a pipe. Also DEPLOY_NO_INPUT if it cannot be read. */
int deploy_playbook_read_file(struct deploy_playbook **out, const char *path,
	const struct deploy_playbook_options *options, struct deploy_error *err);
void deploy_playbook_free(struct deploy_playbook *book);

/* All of them, told or not; told are the first DEPLOY_MAX_FLAWS, sorted by file and place. */
size_t deploy_playbook_flaw_count(const struct deploy_playbook *book);
/* The told ones stand one behind the other. */
const struct deploy_flaw *deploy_playbook_flaw(const struct deploy_playbook *book, size_t index);

/* Where a step stands, or the value of one of its keys. */
struct deploy_place deploy_step_place(
	const struct deploy_playbook *book, const struct deploy_step *step, const char *key);

/*
 * Put together what a plan is to be run with. given: an object, name → value, of --params (or of a
 * plan around it); words: an object, name → text, as typed behind NAME=, which wins and is converted
 * to the input's type. Either may be NULL. Defaults are filled in; an optional input that is not
 * given is null. *out: a new reference, an object in the order of the declarations.
 * *missing: names of those that are required and not given, an array, a new reference; if it is not
 * empty, *out lacks them, and the caller may ask for them and call again. Errors: DEPLOY_INPUT
 * naming the input and what is wrong with it, or the one meant; *out and *missing are then NULL.
 * The value of a secret input is in no text of an error.
 */
int deploy_playbook_inputs(json_t **out, json_t **missing, const struct deploy_playbook *book,
	json_t *given, json_t *words, struct deploy_error *err);

/* The same with the values of secret inputs replaced by "***". New reference. */
json_t *deploy_playbook_mask(const struct deploy_playbook *book, json_t *inputs);

/* What tells whether a plan is still the same: the SHA-256 of what it says, not of how it is
 * written. */
void deploy_playbook_digest(
	char out[DEPLOY_DIGEST_SIZE], const struct deploy_playbook *book);

/* The whole as JSON, as deployctl-plan(5) tells it, a new reference. */
json_t *deploy_playbook_json(const struct deploy_playbook *book);

#endif
