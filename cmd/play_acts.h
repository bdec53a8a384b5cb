/* Steps of a plan that do what commands do: the acts, and what their outcomes mean for the record.
 */
#ifndef PLAY_ACTS_H
#define PLAY_ACTS_H

#include "command.h"

/* The acts of one run. What each was made of is kept until its outcomes are recorded. */
struct play_acts;

/*
 * flush: called before anything is read from the state file that an earlier step may have changed,
 * to write what waits in the journal. collective: where nodes are asked, borrowed.
 */
struct play_acts *play_acts_new(
	struct ctx *ctx, const char *collective, void (*flush)(void *arg), void *flush_arg);
void play_acts_free(struct play_acts *acts);

/*
 * Make the act of a step: PUPPET_RUN, ASSIGN_ROLE, PUSH_FACTS or SIGN_CERT. values: its mapping
 * with everything evaluated, which is checked again: a value that came to nothing is none. *nodes:
 * those of the step; to a step with a cluster file its nodes are added (NULL: a new set). Errors:
 * DEPLOY_INPUT naming the key, "push_facts: sha256: …", or nodes that are assigned nothing;
 * DEPLOY_NO_INPUT (the file), DEPLOY_REFUSED (a node that nobody has seen), DEPLOY_CONFIG (the CA),
 * DEPLOY_IO (the state file). *out is the caller's, who hands it to a task.
 */
int play_acts_make(struct play_acts *acts, struct deploy_act **out, const struct deploy_step *step,
	json_t *values, struct deploy_nodeset **nodes, struct deploy_error *err);

/*
 * Record what the outcome of a node in a task of step means: its assignments, facts, certificate.
 * Within the transaction that records the outcome (see deploy/journal.h). Of several acts of a step
 * that are about a node the one that was made last counts. A step of another kind: nothing.
 */
int play_acts_record(struct play_acts *acts, const struct deploy_step *step,
	struct deploy_state *state, const struct deploy_event *event, struct deploy_error *err);

/*
 * fact(node, name): what the state file knows, nil if nothing. secret(reference): what stands at
 * {file = PATH}, {env = NAME} or {cmd = {PROGRAM, …}}, opened once in a run; hide is called with it
 * first. *count functions; caller frees with play_functions_free(), ctx must outlive them.
 */
const struct deploy_expr_function *play_functions(
	struct ctx *ctx, void (*hide)(void *arg, json_t *value), void *hide_arg, size_t *count);
void play_functions_free(const struct deploy_expr_function *functions);

#endif
