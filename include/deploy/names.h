/* Names that the state file knows, for completion. */
#ifndef DEPLOY_NAMES_H
#define DEPLOY_NAMES_H

#include <stddef.h>

#include "deploy/error.h"
#include "deploy/state.h"

enum deploy_names {
	DEPLOY_NAMES_NODES,
	DEPLOY_NAMES_RUNS,  /* newest first; with the command line, or NULL, as text */
	DEPLOY_NAMES_FACTS, /* of the first nodes whose facts are known: most have the same */
	DEPLOY_NAMES_VALUES /* of one fact, of the first nodes likewise */
};

struct deploy_names_query {
	enum deploy_names what;
	const char *fact;   /* of VALUES */
	const char *prefix; /* they begin with; "": any */
	size_t limit;
};

/* Both are borrowed until it returns; another value than 0 ends it. */
typedef int deploy_name_fn(void *arg, const char *name, const char *text);

/* Names, sorted bytewise but for runs. Errors: those of deploy_state_open(). */
int deploy_state_each_name(const struct deploy_state *state,
	const struct deploy_names_query *query, deploy_name_fn *fn, void *arg,
	struct deploy_error *err);

#endif
