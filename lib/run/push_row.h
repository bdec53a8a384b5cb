/* One node that is given facts: what it is to have, what it has, what it was sent. */
#ifndef DP_PUSH_ROW_H
#define DP_PUSH_ROW_H

#include "run/push_facts.h"

enum dp_push_step {
	DP_PUSH_LOOKING,      /* get_facts was asked */
	DP_PUSH_ASKING_AGENT, /* … agent_inventory */
	DP_PUSH_FETCHING,     /* … fetch_facts */
	DP_PUSH_SETTING_ENVIRONMENT,
	DP_PUSH_GIVING, /* … create_fact or remove_fact */
	DP_PUSH_PAUSING /* before the next look */
};

struct dp_push_row {
	enum dp_push_step step;
	json_t *wanted;		 /* name → text or null; borrowed, or fetched */
	json_t *fetched;	 /* what a file gave: wanted then */
	json_t *seen;		 /* name → text or null, of the last look */
	json_t *first;		 /* … of the first */
	json_t *given;		 /* name → what was sent last */
	void *at;		 /* next name of wanted to look at */
	const char *giving;	 /* the name that is being given */
	const char *environment; /* to be set; NULL: none */
	bool was_given;		 /* the environment, before: set with a fact only */
	char what[64];
	int64_t verify_us; /* until when it may take to show */
	bool knows_agent, is_exact, sets_environment, changed, is_stopping;
};

/* True if the node shows what it is to have of a fact. */
bool dp_push_is_settled(const struct dp_push_row *row, const char *name);

/* A value as agents show it, perhaps in room; NULL if it is none. */
const char *dp_push_text(const json_t *value, char *room, size_t size);

/* Take over what get_facts told. False: it is no such answer. */
bool dp_push_keep_seen(struct dp_push_row *row, const json_t *data);

/* The next fact that is to be sent now; NULL if what was sent only has to show. */
const char *dp_push_next(const struct dp_push_row *row);

/* What to send for a fact: all of it, or the words that it lacks. Caller frees. */
char *dp_push_words(const struct dp_push_row *row, const char *name, const char *wanted);

/* True if it matters whether the agent replaces a value or adds to it. */
bool dp_push_must_know_agent(const struct dp_push_row *row);

/* The outcome's data, a new reference: see deploy_push_new(). */
json_t *dp_push_tell(const struct dp_push_row *row);

#endif
