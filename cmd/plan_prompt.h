/* A plan's inputs, typed at the terminal. */
#ifndef PLAN_PROMPT_H
#define PLAN_PROMPT_H

#include "command.h"

/* True if somebody is there: stdin and stderr are terminals. */
bool plan_prompt_is_possible(void);

/*
 * Ask for the inputs of book that missing names, an array, until each answer is one that the plan
 * takes; words, an object, gets them as texts. Secret ones are not shown. Errors: DEPLOY_REFUSED at
 * the end of input, DEPLOY_INTERRUPTED if a signal came meanwhile.
 */
int plan_prompt(const struct ctx *ctx, const struct deploy_playbook *book, const json_t *missing,
	json_t *words, struct deploy_error *err);

#endif
