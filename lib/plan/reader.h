/*
 * A plan while it is read. Mappings are tables of keys, each with a function that reads its value
 * into a field; whatever is wrong becomes a flaw, and the field keeps its default.
 */
#ifndef DP_PLAN_READER_H
#define DP_PLAN_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/strset.h"
#include "deploy/ddl.h"
#include "deploy/playbook.h"
#include "model/spot.h"

/* What a playbook owns beside its document. */
struct deploy_playbook_own {
	void **blocks;
	size_t count, cap;
	struct dp_flaws flaws; /* of the outermost plan: those of all plans in it */
};

struct dp_plan_ddl {
	char *agent;
	struct deploy_ddl *ddl; /* NULL: none is here, or it cannot be read */
};

/* What the plans of one reading have in common. */
struct dp_plan_trip {
	struct dp_flaws *flaws;
	const struct deploy_playbook_options *options;
	struct dp_plan_ddl *ddls;
	size_t ddl_count, ddl_cap;
	size_t step_count, file_count, node_count;
};

/* What expressions may name at a place: bits. */
enum {
	DP_SEES_START = 1, /* inputs, env, run: known before the first step */
	DP_SEES_STEPS = 2, /* sets, steps, vars, clipboard, event; fact() and secret() */
	DP_SEES_REPLY = 4, /* node, data, statuscode, statusmsg */
	DP_SEES_PROBES = 8 /* up(), reachable() */
};

enum dp_plan_name_kind { DP_NAME_STEP, DP_NAME_VAR };

#define DP_NOT_YET "that step has not ended yet when this is looked at"

/* A name that later steps may use. */
struct dp_plan_name {
	enum dp_plan_name_kind kind;
	const char *text; /* of a variable; a step has its id */
	struct deploy_step *step;
	const char *hidden; /* why it cannot be used here; NULL: it can */
};

struct dp_plan_names {
	struct dp_plan_name *items;
	size_t count, cap;
};

struct dp_plan_reader {
	struct dp_source source;
	struct deploy_playbook *book;
	struct dp_plan_trip *trip;
	const struct dp_plan_reader *outer; /* of the plan that this one is in */
	dev_t device;			    /* with inode: which file; 0: none */
	ino_t inode;
	struct dp_strset all_ids; /* also of steps that stand further down */
	struct dp_plan_names names;
	unsigned sees;
	bool in_roll;
};

/* Keep a block, which is taken, as long as the playbook; returns it. */
void *dp_plan_own(struct dp_plan_reader *r, void *block);

/* A zeroed array that lives as long as the playbook; NULL for none. */
void *dp_plan_array(struct dp_plan_reader *r, size_t count, size_t size);

typedef void dp_plan_read_fn(struct dp_plan_reader *r, const struct dp_spot *spot, void *field);

struct dp_plan_key {
	const char *name;
	dp_plan_read_fn *read; /* NULL: it is only known */
	size_t offset;
	unsigned kinds; /* of steps that may have it: bits */
	bool is_required;
	bool may_be_template; /* a text with ${…} is not given to read */
};

/*
 * Read a mapping into object, in the order of keys; tell keys that are unknown or missing. False
 * if it is no mapping.
 */
bool dp_plan_read_keys(struct dp_plan_reader *r, const struct dp_spot *spot,
	const struct dp_plan_key *keys, size_t count, void *object);

/* The same without the check of unknown and missing ones, for keys of these kinds. */
void dp_plan_read_values(struct dp_plan_reader *r, const struct dp_spot *spot,
	const struct dp_plan_key *keys, size_t count, void *object);

/* Readers of values (value.c); field may be NULL where it is only to be checked. */
dp_plan_read_fn dp_plan_read_text;     /* const char *: as it is, not empty */
dp_plan_read_fn dp_plan_read_template; /* const char *: with ${…} */
dp_plan_read_fn dp_plan_read_expr;     /* const char *: an expression, or a number or boolean */
dp_plan_read_fn dp_plan_read_bool;     /* bool */
dp_plan_read_fn dp_plan_read_time;     /* long long: ms, more than 0 */
dp_plan_read_fn dp_plan_read_pause;    /* long long: ms, 0 too */
dp_plan_read_fn dp_plan_read_texts;    /* struct deploy_texts: one, or a list */
dp_plan_read_fn dp_plan_read_json;     /* json_t *: anything, with ${…} in its texts */
dp_plan_read_fn dp_plan_read_object;   /* json_t *: a mapping of such */
dp_plan_read_fn dp_plan_read_amount;   /* struct deploy_amount, more than 0 */
dp_plan_read_fn dp_plan_read_name;     /* const char *: can stand in an expression */

/* An integer; false, with a flaw, if it is none or not in min…max. */
bool dp_plan_read_integer(struct dp_plan_reader *r, const struct dp_spot *spot, long long min,
	long long max, long long *out);

/*
 * A number or text as text that lives as long as the playbook, for what is written both ways: 2,
 * 50%, 1.5, 90s. NULL, with a flaw, if it is neither.
 */
const char *dp_plan_scalar(
	struct dp_plan_reader *r, const struct dp_spot *spot, const char *wanted);

/* True if text holds ${. */
bool dp_plan_is_template(const char *text);

/* True if name can stand behind a dot in an expression. */
bool dp_plan_is_name(const char *name);

/* Tell a flaw of spot, escaped: a text, or what err says. */
void dp_plan_tell(struct dp_plan_reader *r, const struct dp_spot *spot, const char *text);
void dp_plan_flaw(
	struct dp_plan_reader *r, const struct dp_spot *spot, const struct deploy_error *err);

/* "; did you mean X?", or "": of what is close to word. Lives as long as the playbook. */
const char *dp_plan_meant(
	struct dp_plan_reader *r, const char *word, const char *const *candidates, size_t count);

/* Check what an expression, or a template, may name (scope.c). False, with flaws, if it is wrong.
 */
bool dp_plan_check_expr(struct dp_plan_reader *r, const struct dp_spot *spot, const char *text);
bool dp_plan_check_template(struct dp_plan_reader *r, const struct dp_spot *spot, const char *text);

void dp_plan_add_name(struct dp_plan_reader *r, enum dp_plan_name_kind kind, const char *text,
	struct deploy_step *step);
/* Hide what was added since so many names were there; why NULL: show it again. */
void dp_plan_hide_names(struct dp_plan_reader *r, size_t since, const char *why);

/* Values that only steps have (step_values.c). */
dp_plan_read_fn dp_plan_read_id;	 /* const char *, of the step that was added last */
dp_plan_read_fn dp_plan_read_until;	 /* const char *: an expression that sees a reply */
dp_plan_read_fn dp_plan_read_wait;	 /* const char *: one that may look at hosts */
dp_plan_read_fn dp_plan_read_window;	 /* unsigned */
dp_plan_read_fn dp_plan_read_tries;	 /* unsigned */
dp_plan_read_fn dp_plan_read_on_failure; /* enum deploy_on_failure */
dp_plan_read_fn dp_plan_read_try_sleep, dp_plan_read_ok_codes, dp_plan_read_set; /* of the step */
dp_plan_read_fn dp_plan_read_later; /* what this version does not know: a flaw */

/* Nodes (select.c). */
dp_plan_read_fn dp_plan_read_selection; /* struct deploy_selection */
dp_plan_read_fn dp_plan_read_nodes;	/* struct deploy_step_nodes */

/* struct deploy_step: its kind, and with that a key that only tells what to do (acts.c). */
dp_plan_read_fn dp_plan_read_puppet_run, dp_plan_read_assign_role, dp_plan_read_push_facts,
	dp_plan_read_sign_cert, dp_plan_read_publish;

/* A roll's own mapping (roll.c). */
dp_plan_read_fn dp_plan_read_roll;     /* struct deploy_step */
dp_plan_read_fn dp_plan_read_batch;    /* struct deploy_policy */
dp_plan_read_fn dp_plan_read_max_fail; /* struct deploy_policy */

/* Check agent, action and inputs of an RPC step as far as a DDL is here (rpc.c). */
dp_plan_read_fn dp_plan_read_rpc; /* struct deploy_step */
void dp_plan_check_rpc(
	struct dp_plan_reader *r, const struct dp_spot *spot, const struct deploy_step *step);
void dp_plan_release_ddls(struct dp_plan_trip *trip);

/* What a plan wants to be told (declare.c). */
void dp_plan_read_declarations(struct dp_plan_reader *r, const struct dp_spot *spot, void *book);

/*
 * Is value one that input takes? Then 0. Errors: DEPLOY_INPUT, beginning with "input NAME"; of a
 * secret one without its value.
 */
int dp_plan_input_check(
	const struct deploy_playbook_input *input, json_t *value, struct deploy_error *err);

/* Lists of steps (steps.c). struct deploy_steps */
void dp_plan_read_steps(struct dp_plan_reader *r, const struct dp_spot *spot, const char *prefix,
	struct deploy_steps *steps);
void dp_plan_collect_ids(struct dp_plan_reader *r, json_t *steps);

/* A plan in a plan (playbook.c): spot is the FILE. NULL, with flaws, if it cannot be read at all.
 */
struct deploy_playbook *dp_plan_read_inner(
	struct dp_plan_reader *r, const struct dp_spot *spot, const char *file);

/* The file that path means in this plan: beside it. Lives as long as the playbook. */
const char *dp_plan_path(struct dp_plan_reader *r, const char *path);

/* False, with a flaw, if path is no regular file that can be read, or holds ${…}. */
bool dp_plan_is_file(struct dp_plan_reader *r, const struct dp_spot *spot, const char *path);

#endif
