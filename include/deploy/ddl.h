/*
 * What an agent can do: its actions with inputs, outputs and summaries, as its DDL describes them.
 * Sources: MCollective 2.12.5, DDL::Base, AgentDDL, DataDDL (Ruby text); Choria's JSON DDL.
 */
#ifndef DEPLOY_DDL_H
#define DEPLOY_DDL_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

#include "deploy/error.h"

enum deploy_ddl_kind { DEPLOY_DDL_AGENT, DEPLOY_DDL_DATA };
enum deploy_ddl_display { DEPLOY_DISPLAY_FAILED, DEPLOY_DISPLAY_OK, DEPLOY_DISPLAY_ALWAYS };

/* "agent", …; "failed", …; never NULL. Borrowed, static. */
const char *deploy_ddl_kind_name(enum deploy_ddl_kind kind);
const char *deploy_ddl_display_name(enum deploy_ddl_display display);

enum deploy_ddl_type {
	DEPLOY_TYPE_STRING,
	DEPLOY_TYPE_INTEGER,
	DEPLOY_TYPE_FLOAT,
	DEPLOY_TYPE_NUMBER, /* integer or float */
	DEPLOY_TYPE_BOOLEAN,
	DEPLOY_TYPE_LIST,  /* one of list */
	DEPLOY_TYPE_ARRAY, /* this and the next one: Choria's, MCollective 2.12 has none of them */
	DEPLOY_TYPE_HASH,
	DEPLOY_TYPE_OTHER /* whatever type_name says; not checked */
};

/* All strings are owned and never NULL, unless it is said. */
struct deploy_ddl_input {
	char *name;	   /* "service" */
	char *prompt;	   /* "Service Name" */
	char *description; /* "The service to restart" */
	enum deploy_ddl_type type;
	char *type_name; /* "string" */
	bool is_optional;
	json_t *preset;	  /* the default; NULL for none */
	char *regex;	  /* of a text, in Ruby's dialect, unanchored; NULL for none */
	char *validator;  /* of a text: "service_name"; NULL for none */
	json_t *list;	  /* of a list, or of a text that must be one of these; NULL for none */
	size_t maxlength; /* of a text, in characters; 0: any */
};

struct deploy_ddl_output {
	char *name;	   /* "status" */
	char *description; /* "The status of the service" */
	char *display_as;  /* "Service Status" */
	json_t *preset;	   /* the default; NULL for none */
	char *type;	   /* Choria's: "integer"; "" if it is not said */
};

/* How the replies' values of one output are put together. */
struct deploy_ddl_aggregate {
	char *function;	   /* "summary" */
	char *output;	   /* "status" */
	json_t *arguments; /* object, e.g. {"true": "enabled"}; NULL for none */
	char *format;	   /* of Ruby: "Average: %0.2f"; NULL: the function's own */
};

struct deploy_ddl_action {
	char *name;
	char *description;
	enum deploy_ddl_display display;
	/*
	 * Not NULL: the action is known by its name only, because of what stands here
	 * ("service.ddl:12:9: …"); it has no inputs then, and nothing is checked.
	 */
	char *untyped_why;
	struct deploy_ddl_input *inputs;
	struct deploy_ddl_output *outputs;
	struct deploy_ddl_aggregate *aggregates;
	size_t input_count, output_count, aggregate_count;
	size_t input_cap, output_cap, aggregate_cap;
};

struct deploy_ddl {
	char *agent; /* the file's name without its ending: "service" */
	char *path;
	enum deploy_ddl_kind kind;
	char *name, *description, *author, *license, *version, *url; /* metadata */
	unsigned timeout_s;		   /* how long an action may take; 0: not said */
	struct deploy_ddl_action *actions; /* in their order; of data: one, called "data" */
	size_t action_count, action_cap;
};

#define DEPLOY_DDL_MAX_BYTES (1024 * 1024)

/*
 * Read a DDL; path, of which the ending decides (.json: Choria's, anything else: Ruby's text), is
 * what errors call it. Ruby is not executed: declarations are understood, with `each` over a
 * literal array, #{v}, heredocs, %w, both kinds of hashes, and little more; an action that holds
 * anything else is known by name only. Errors: DEPLOY_INPUT "path:line:column: why" if not even
 * that can be told, or at more than 1 MiB, 32 levels, 10,000 turns of loops. Caller frees with
 * deploy_ddl_free().
 */
int deploy_ddl_read(struct deploy_ddl **out, const char *path, const char *text, size_t len,
	struct deploy_error *err);

/* The same from a regular file. Also DEPLOY_NO_INPUT if it cannot be read. */
int deploy_ddl_read_file(struct deploy_ddl **out, const char *path, struct deploy_error *err);

/*
 * Find and read the DDL of agent: the first DIR/agent/AGENT.json or AGENT.ddl, JSON first within a
 * folder, folders in order. *out is NULL without error if there is none.
 */
int deploy_ddl_find(struct deploy_ddl **out, char *const *dirs, size_t count, const char *agent,
	struct deploy_error *err);

/*
 * List the paths of all agents' DDLs that deploy_ddl_find() would find, sorted by agent: an array
 * of texts, a new reference. A folder that cannot be read has none.
 */
json_t *deploy_ddl_list(char *const *dirs, size_t count);

/* The agent's name that path is for: "service". Caller frees with free(). */
char *deploy_ddl_agent(const char *path);

void deploy_ddl_free(struct deploy_ddl *ddl);

/* The whole as JSON, a new reference; examples are in deployctl-agent(1). */
json_t *deploy_ddl_json(const struct deploy_ddl *ddl);

/* Borrowed. Errors: NULL and DEPLOY_INPUT, with the action that was probably meant as hint. */
const struct deploy_ddl_action *deploy_ddl_action(
	const struct deploy_ddl *ddl, const char *name, struct deploy_error *err);

/* Borrowed; NULL if there is none. */
const struct deploy_ddl_input *deploy_ddl_input(
	const struct deploy_ddl_action *action, const char *name);
const struct deploy_ddl_output *deploy_ddl_output(
	const struct deploy_ddl_action *action, const char *name);

/*
 * Make the value that text, as typed behind KEY=, stands for by the input's type: booleans are
 * true t yes y 1, false f no n 0 in any case; numbers are JSON's, also with zeros in front; an
 * array or a hash is JSON; of a list, the member that is written so. *out is a new reference.
 * Errors: DEPLOY_INPUT naming input and text; also for integers beyond 64 bits.
 */
int deploy_ddl_convert(json_t **out, const struct deploy_ddl_input *input, const char *text,
	struct deploy_error *err);

/*
 * Check inputs, an object, as a node would, after filling in the defaults of inputs that are
 * neither optional nor there. Texts about what could not be checked (an input that is not declared,
 * a validator or an expression that only nodes know) are added to warnings, an array; may be NULL.
 * Errors: DEPLOY_INPUT naming input, rule and value: "input service: 'a b' does not match
 * service_name".
 */
int deploy_ddl_check(const struct deploy_ddl_action *action, json_t *inputs, json_t *warnings,
	struct deploy_error *err);

/* Sums over the replies of one action. */
struct deploy_aggregate;

/* action must live as long; NULL if the action has no aggregates that we know. */
struct deploy_aggregate *deploy_aggregate_new(const struct deploy_ddl_action *action);

/* Take in the data of a reply, of a failed one too. Borrowed; no object counts as an empty one. */
void deploy_aggregate_add(struct deploy_aggregate *aggregate, const json_t *data);

/*
 * What it comes to, lines with a newline each, sorted by output: "Summary of Service Status:", then
 * a result a line, indented by 3, the most frequent first. Text is escaped. Caller frees with
 * free().
 */
char *deploy_aggregate_print(const struct deploy_aggregate *aggregate);
void deploy_aggregate_free(struct deploy_aggregate *aggregate);

#endif
