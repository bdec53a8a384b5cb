/*
 * A run of a node on which Puppet is kept disabled with a message: enable it, have the run, disable
 * it again, each by the act that does only that. What the run came to is kept until the node is
 * disabled, and stands whatever that comes to.
 */
#include "run/puppet_run.h"

#include <stdlib.h>

#include "base/mem.h"

enum phase { ENABLING, RUNNING, DISABLING, PHASES };

struct hold {
	struct deploy_act act;
	struct deploy_act *acts[PHASES];
};

struct row {
	enum phase phase;
	void *memory; /* of the act of this phase */
	bool is_stopping;
	bool was_disabled;
	struct dp_act_next *result; /* of the run; NULL: none yet */
};

/* Forget what the act of this phase remembers. */
static void leave(const struct hold *hold, struct row *row)
{
	struct deploy_act *act = hold->acts[row->phase];

	if (row->memory && act->ops->release_row)
		act->ops->release_row(act, row->memory);
	free(row->memory);
	row->memory = NULL;
}

static void enter(const struct hold *hold, struct row *row, enum phase phase)
{
	row->phase = phase;
	row->memory = dp_xcalloc(1, hold->acts[phase]->ops->row_size);
}

static void keep(struct row *row, const struct dp_act_next *result)
{
	row->result = dp_xcalloc(1, sizeof(*row->result));
	*row->result = *result;
}

/* Puppet may run; true if that is all there is to say. */
static bool end_enabling(const struct hold *hold, struct row *row, struct dp_act_next *next)
{
	struct dp_act_next result = {.kind = DP_ACT_DONE, .state = DEPLOY_OUTCOME_UNKNOWN};

	if (next->state != DEPLOY_OUTCOME_OK)
		return true;
	row->was_disabled = json_is_true(json_object_get(next->data, "changed"));
	json_decref(next->data);
	if (row->is_stopping) {
		DP_SAY(&result, "interrupted before it ran");
		keep(row, &result);
	}
	enter(hold, row, row->is_stopping ? DISABLING : RUNNING);
	return false;
}

/* next is what disabling came to; it becomes what the node came to. */
static void end_disabling(struct row *row, struct dp_act_next *next)
{
	bool is_disabled = next->state == DEPLOY_OUTCOME_OK;
	char first[300], second[150];

	(void)dp_puppet_say(first, sizeof(first), "%s", row->result->message);
	(void)dp_puppet_say(second, sizeof(second), "%s", next->message);
	json_decref(next->data);
	*next = *row->result;
	free(row->result);
	row->result = NULL;
	if (!is_disabled)
		DP_SAY(next, "%s; not disabled again: %s", first, second);
	if (!next->data)
		next->data = json_object();
	(void)json_object_set_new(next->data, "was_disabled", json_boolean(row->was_disabled));
	(void)json_object_set_new(next->data, "disabled_again", json_boolean(is_disabled));
}

/* The act of this phase is done; true if the whole is. */
static bool end_phase(const struct hold *hold, struct row *row, struct dp_act_next *next)
{
	leave(hold, row);
	if (row->phase == ENABLING)
		return end_enabling(hold, row, next);
	if (row->phase == DISABLING) {
		end_disabling(row, next);
		return true;
	}
	keep(row, next);
	enter(hold, row, DISABLING);
	return false;
}

static void step(struct deploy_act *act, void *memory, const char *node,
	const struct dp_act_input *input, struct dp_act_next *next)
{
	const struct hold *hold = (const struct hold *)act;
	const struct dp_act_input begin = {.kind = DP_ACT_BEGIN, .now_us = input->now_us};
	struct row *row = memory;

	row->is_stopping |= input->kind == DP_ACT_STOP;
	if (input->kind == DP_ACT_STOP && row->phase == DISABLING) {
		next->kind = DP_ACT_GO_ON;
		return;
	}
	if (input->kind == DP_ACT_BEGIN)
		enter(hold, row, ENABLING);
	for (;;) {
		struct deploy_act *now = hold->acts[row->phase];

		now->ops->step(now, row->memory, node, input, next);
		if (next->kind != DP_ACT_DONE || end_phase(hold, row, next))
			break;
		*next = (struct dp_act_next){.what = NULL};
		input = &begin;
	}
}

static void release_row(struct deploy_act *act, void *memory)
{
	struct row *row = memory;

	leave((const struct hold *)act, row);
	if (row->result)
		json_decref(row->result->data);
	free(row->result);
}

static void free_hold(struct deploy_act *act)
{
	struct hold *hold = (struct hold *)act;

	for (size_t i = 0; i < PHASES; i++)
		deploy_act_free(hold->acts[i]);
	free(hold);
}

static const struct dp_act_ops ops = {.row_size = sizeof(struct row),
	.step = step,
	.release_row = release_row,
	.free = free_hold};

struct deploy_act *dp_puppet_hold_take_run(
	struct deploy_act *run, const struct deploy_puppet_run_options *options)
{
	struct deploy_puppet_switch_options change = {.collective = options->collective,
		.ttl_s = options->ttl_s,
		.timeout_ms = options->timeout_ms,
		.enables = true,
		.message = options->message};
	struct hold *hold = dp_xcalloc(1, sizeof(*hold));
	struct deploy_error ignored = {0};

	hold->act.ops = &ops;
	hold->acts[RUNNING] = run;
	/* The collective and the message were checked. */
	(void)deploy_puppet_switch_new(&hold->acts[ENABLING], &change, &ignored);
	change.enables = false;
	change.skips_busy = true;
	(void)deploy_puppet_switch_new(&hold->acts[DISABLING], &change, &ignored);
	return &hold->act;
}
