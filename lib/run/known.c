/* The act that has nothing to do: what it comes to is known beforehand. */
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "deploy/plan.h"
#include "model/act.h"

struct known {
	struct deploy_act act;
	json_t *data; /* node → data */
	const char *changed;
};

static void step(struct deploy_act *act, void *row, const char *node,
	const struct dp_act_input *input, struct dp_act_next *next)
{
	const struct known *known = (const struct known *)act;
	json_t *data = json_object_get(known->data, node);
	bool changed = json_is_true(json_object_get(data, "changed"));

	(void)row;
	(void)input;
	next->kind = DP_ACT_DONE;
	next->state = DEPLOY_OUTCOME_OK;
	next->data = json_incref(data);
	(void)snprintf(
		next->message, sizeof(next->message), "%s", changed ? known->changed : "unchanged");
}

static void free_known(struct deploy_act *act)
{
	json_decref(((struct known *)act)->data);
	free(act);
}

static const struct dp_act_ops known_ops = {.row_size = 1, .step = step, .free = free_known};

struct deploy_act *deploy_act_known(json_t *known, const char *changed)
{
	struct known *act = dp_xcalloc(1, sizeof(*act));

	*act = (struct known){
		.act = {.ops = &known_ops}, .data = json_incref(known), .changed = changed};
	return &act->act;
}
