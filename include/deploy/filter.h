/* Which nodes: mco's filter, as typed with -F -C -A -I -W -S, and as nodes evaluate it. */
#ifndef DEPLOY_FILTER_H
#define DEPLOY_FILTER_H

#include <stdbool.h>
#include <stddef.h>

#include "deploy/error.h"
#include "deploy/nodeset.h"

struct deploy_fact_term {
	char *fact, *value;
	char operator[3]; /* == != =~ < <= > >= */
};

enum deploy_compound_kind {
	DEPLOY_COMPOUND_STATEMENT, /* "apache", "/^web/", "rank>=3", "os=/^deb/" */
	DEPLOY_COMPOUND_FUNCTION,  /* "fstat('/etc/x').md5=/^ba/" */
	DEPLOY_COMPOUND_AND,
	DEPLOY_COMPOUND_OR,
	DEPLOY_COMPOUND_NOT,
	DEPLOY_COMPOUND_OPEN,
	DEPLOY_COMPOUND_CLOSE
};

/* A token as it is sent; what its kind does not have is NULL or "". */
struct deploy_compound_token {
	enum deploy_compound_kind kind;
	char *text;	  /* statement: quotes, and blanks around the comparison, are gone */
	char *name;	  /* function, and all that follows */
	char *params;	  /* without the outermost quotes; NULL for () */
	char *value;	  /* which of the function's results is compared */
	char operator[4]; /* == != < <= > >=, of a regular expression =~ !=~ */
	char *right;	  /* a regular expression without its slashes */
	bool is_regex;
};

/* One -S: "(apache or /^web/) and not country=de". ! before && before ||. */
struct deploy_compound {
	char *source; /* as typed */
	struct deploy_compound_token *tokens;
	size_t token_count, token_cap;
};

/*
 * Terms of one kind are all required (AND), identities are alternatives (OR).
 * classes, agents and identities hold text verbatim; "/re/" is a regular expression there.
 * All arrays and their strings are owned by the filter: zero-initialise, deploy_filter_release.
 */
struct deploy_filter {
	struct deploy_fact_term *facts;
	size_t fact_count, fact_cap;
	char **classes;
	size_t class_count, class_cap;
	char **agents;
	size_t agent_count, agent_cap;
	char **identities; /* regular expressions, with their slashes */
	size_t identity_count, identity_cap;
	struct deploy_nodeset *nodes; /* literal identities; NULL if none was given */
	struct deploy_compound *compounds;
	size_t compound_count, compound_cap;
};

void deploy_filter_release(struct deploy_filter *filter);

/* Make *to, whose content is forgotten, a copy of from; release it like any filter. */
void deploy_filter_copy(struct deploy_filter *to, const struct deploy_filter *from);

/*
 * Parse one fact expression: "country=de", "rank>=3", "os=~/^deb/". The first rule that matches,
 * as in mco: f => v (>=), f =< v (<=), f OP v with OP of <= >= < > != == =~, f = /re/ (=~),
 * f = v (==).
 * The fact has no blanks (but mco takes them before "=/re/"); blanks around the operator are
 * dropped, those at the value's end are kept. Errors: DEPLOY_USAGE, also for text that is empty or
 * not UTF-8, holds control characters, or a regular expression that does not compile.
 * Source: MCollective::Util.parse_fact_string, 2.12.5.
 */
int deploy_filter_add_fact(
	struct deploy_filter *filter, const char *text, struct deploy_error *err);

/* A class name or /regex/; "//" is refused. Errors: DEPLOY_USAGE as above. */
int deploy_filter_add_class(
	struct deploy_filter *filter, const char *text, struct deploy_error *err);

/* An agent name (^[a-z0-9_]+$) or /regex/. Errors: DEPLOY_USAGE. */
int deploy_filter_add_agent(
	struct deploy_filter *filter, const char *text, struct deploy_error *err);

/* A node set (see nodeset.h) that is not empty, or /regex/. Errors: DEPLOY_USAGE. */
int deploy_filter_add_identity(
	struct deploy_filter *filter, const char *text, struct deploy_error *err);

/* Words separated by blanks, each a fact expression if it parses as one, otherwise a class. */
int deploy_filter_add_with(
	struct deploy_filter *filter, const char *text, struct deploy_error *err);

/*
 * Parse one compound expression, at most 8 KiB, by mco's grammar: statements (a class or a /regex/,
 * or FACT=VALUE with = < <= > >= or FACT=/regex/), functions NAME('PARAMS').VALUE=RIGHT (also !=
 * and the orders), and, or, not (also !), parentheses. Refused is what mco refuses, and what it
 * sends although nodes cannot do what it says: a comparison with != == =~ in a statement, a cut
 * value, a quote that has no end, the bare words and, or, not in place of a class, a function
 * without its value. Control characters are refused, too. Names, parameters and values of functions
 * are not checked: see deploy_filter_check_functions().
 * Errors: DEPLOY_USAGE with the column, "column 12: ) has no (".
 * Source: MCollective::Matcher, 2.12.5.
 */
int deploy_filter_add_compound(
	struct deploy_filter *filter, const char *text, struct deploy_error *err);

/*
 * Check the functions of all compounds against the data DDLs, DIR/data/NAME_data.ddl, in dirs: the
 * value that is compared, and the parameter. One without a DDL, or with one that cannot be read, is
 * logged as a warning and sent. Errors: DEPLOY_USAGE naming the function.
 */
int deploy_filter_check_functions(const struct deploy_filter *filter, char *const *dirs,
	size_t count, struct deploy_error *err);

/*
 * How long the functions of all compounds may keep a node busy before it answers: one second each,
 * service three. Milliseconds; 0 without functions. Source: the DDLs of MCollective's data plugins.
 */
long long deploy_filter_functions_ms(const struct deploy_filter *filter);

/* True if no term at all was given: the filter means everyone. */
bool deploy_filter_is_empty(const struct deploy_filter *filter);

/* True if the filter is literal identities only, so that it names its nodes without discovery. */
bool deploy_filter_names_nodes(const struct deploy_filter *filter);

/*
 * One line for people, quoted for a shell where needed, from which the same filter is read again:
 * "-F country==de -C apache -I 'web[1-3]' -S 'a or b'"; "" if empty. Caller frees with free().
 */
char *deploy_filter_print(const struct deploy_filter *filter);

#endif
