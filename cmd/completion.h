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

#endif
