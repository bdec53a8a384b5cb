/* What a command may offer while its operands are being typed: never from the broker. */
#ifndef COMPLETION_H
#define COMPLETION_H

#include "command.h"

/* A word that is being typed. */
struct completion;

/* Offer name if the word can become it; text: what it is, or NULL. */
void completion_offer(struct completion *completion, const char *name, const char *text);
const char *completion_word(const struct completion *completion);

/*
 * The configuration that the words so far choose, its secrets closed; also what was learnt of one
 * that cannot be read. Borrowed.
 */
const struct deploy_config *completion_config(struct completion *completion);

/* The agents that have a DDL on this machine. */
void completion_offer_agents(struct completion *completion);

/* The state file that the words so far choose, for reading; NULL if it cannot be read. Borrowed. */
const struct deploy_state *completion_state(struct completion *completion);

/* Offer before, name and after as one word: "country=" for what began as "cou". */
void completion_offer_within(struct completion *completion, const char *before, const char *name,
	const char *after, const char *text);

/*
 * What is known from earlier runs (complete_state.c). head: how many bytes of the word stand before
 * what is to be completed: those of "--with-identity=".
 */
void completion_offer_nodes(struct completion *completion, size_t head);
void completion_offer_fact_terms(struct completion *completion, size_t head); /* FACT=VALUE */
void completion_offer_facts(struct completion *completion);
void completion_offer_runs(struct completion *completion);

/* Of a command whose operands are nodes. */
void complete_nodes(struct completion *completion, struct args operands);

#endif
