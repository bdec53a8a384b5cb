/* What a plan is told when it is run: from a file, the command line, an earlier run, the terminal.
 */
#ifndef PLAN_INPUTS_H
#define PLAN_INPUTS_H

#include "command.h"

/*
 * Put the inputs of book together. Later ones win: before, those of the run that is resumed, an
 * object as deploy_playbook_mask() made it (secret ones, and what the plan does not have any more,
 * are left out) or NULL; params, "@FILE" or "@-" for stdin, a mapping in YAML or JSON, or NULL;
 * words, KEY:=JSON, then KEY=VALUE. Required ones that are still missing are asked for, if may_ask
 * and somebody is at the terminal; waits for as long as it takes.
 * *out: a new reference, an object in the order of the declarations.
 * Errors: DEPLOY_USAGE for a word that is none of these, params without @, a secret input among the
 * words (all on this machine can read them), and what is missing, all of it at once;
 * DEPLOY_NO_INPUT if FILE cannot be read; DEPLOY_INPUT "FILE:line:column: why" for what is in it,
 * and for a value that the plan does not take; DEPLOY_REFUSED if the end of input is the answer;
 * DEPLOY_INTERRUPTED if a signal comes while the terminal does not show what is typed.
 */
int plan_inputs(json_t **out, struct ctx *ctx, const struct deploy_playbook *book,
	struct args words, const char *params, bool may_ask, json_t *before,
	struct deploy_error *err);

#endif
