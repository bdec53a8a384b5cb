/* From rows of the state file to the plain value that a play begins with. */
#include "play_past.h"

static int take_nodes(void *arg, const char *name, const struct deploy_nodeset *nodes)
{
	deploy_past_add_nodes(arg, name, nodes);
	return 0;
}

static int take_task(void *arg, const struct deploy_task_record *task)
{
	if (task->label)
		deploy_past_add_task(arg, task->label, task->has_ended, task->is_ok);
	return 0;
}

static int take_outcome(void *arg, const struct deploy_outcome_record *outcome)
{
	if (outcome->label)
		deploy_past_add_outcome(arg, outcome->label, outcome->node,
			outcome->is_known ? outcome->outcome.state : DEPLOY_OUTCOME_UNKNOWN,
			outcome->outcome.data);
	return 0;
}

int play_past_load(struct deploy_past **out, const struct deploy_state *state, const char *run,
	struct deploy_error *err)
{
	const struct deploy_outcome_query query = {.run = run, .with_data = true};

	*out = deploy_past_new();
	if (deploy_state_each_frozen(state, run, take_nodes, *out, err) ||
		deploy_state_each_task(state, run, take_task, *out, err) ||
		deploy_state_each_outcome(state, &query, take_outcome, *out, err)) {
		deploy_past_free(*out);
		*out = NULL;
	}
	return err->code;
}
