/*
 * Before the first step: have the nodes the agents that steps ask of them? Asked are
 * all nodes that have the agent; who of a set does not answer to that is told.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "play/play_parts.h"

static struct dp_agent_need *need_of(struct deploy_play *play, const char *agent)
{
	for (size_t i = 0; i < play->need_count; i++)
		if (strcmp(play->needs[i].agent, agent) == 0)
			return &play->needs[i];
	play->needs =
		dp_grow(play->needs, &play->need_cap, play->need_count + 1, sizeof(play->needs[0]));
	play->needs[play->need_count] =
		(struct dp_agent_need){.agent = agent, .nodes = deploy_nodeset_new()};
	return &play->needs[play->need_count++];
}

static const char *agent_of(const struct deploy_step *step)
{
	switch (step->kind) {
	case DEPLOY_STEP_RPC:
		return step->agent;
	case DEPLOY_STEP_PUPPET_RUN:
		return "puppet";
	case DEPLOY_STEP_PUSH_FACTS:
		return "deploop";
	default:
		return NULL;
	}
}

static bool is_required(const struct deploy_play *play, const char *agent)
{
	const struct deploy_texts *agents = &play->options.book->agents;

	for (size_t i = 0; i < agents->count; i++)
		if (strcmp(agents->items[i], agent) == 0)
			return true;
	return play->options.is_preflight;
}

/* What walks over the steps of the plan does with the nodes that a step asks. */
typedef void nodes_fn(struct deploy_play *play, const struct deploy_step *step,
	const struct deploy_step_nodes *nodes, struct deploy_error *err);

/* over: of the roll around these steps, whose groups they ask; NULL: none. */
static void each_nodes(struct deploy_play *play, const struct deploy_steps *steps,
	const struct deploy_step_nodes *over, nodes_fn *fn, struct deploy_error *err)
{
	for (size_t i = 0; i < steps->count; i++) {
		const struct deploy_step *step = &steps->items[i];
		const struct deploy_step_nodes *inner =
			step->kind == DEPLOY_STEP_ROLL ? &step->over : over;
		const char *agent = agent_of(step);

		if (agent && is_required(play, agent)) {
			fn(play, step, &step->nodes, err);
			if (step->nodes.has_group && over)
				fn(play, step, over, err);
		}
		if (step->plan)
			fn(play, step, NULL, err);
		each_nodes(play, &step->steps, inner, fn, err);
		each_nodes(play, &step->always, inner, fn, err);
		for (size_t lane = 0; lane < step->lane_count; lane++)
			each_nodes(play, &step->lanes[lane], over, fn, err);
	}
}

static void have_them_found(struct deploy_play *play, const struct deploy_step *step,
	const struct deploy_step_nodes *nodes, struct deploy_error *err)
{
	(void)step;
	for (size_t i = 0; nodes && i < nodes->set_count && !err->code; i++)
		(void)dp_set_ready(play, play->root, nodes->sets[i], err);
}

/* Of what is known only when the step comes it can but be said that nothing was compared. */
static void add_nodes(struct deploy_play *play, const struct deploy_step *step,
	const struct deploy_step_nodes *nodes, struct deploy_error *err)
{
	struct deploy_nodeset *named = NULL;

	(void)err;
	if (nodes && nodes->selection)
		named = dp_sets_named(play, play->root, nodes->selection);
	if (play->options.is_preflight && (!nodes || (nodes->selection && !named)))
		dp_play_tell(play, DEPLOY_PLAY_UNCHECKED, step->id, step, 0, NULL);
	for (size_t i = 0; nodes && i < nodes->set_count; i++)
		deploy_nodeset_unite(need_of(play, agent_of(step))->nodes,
			play->root->scope->sets[nodes->sets[i]].nodes);
	if (named)
		deploy_nodeset_unite(need_of(play, agent_of(step))->nodes, named);
	deploy_nodeset_free(named);
}

static void each_nodes_of_plan(struct deploy_play *play, nodes_fn *fn, struct deploy_error *err)
{
	const struct deploy_playbook *book = play->options.book;

	each_nodes(play, &book->steps, NULL, fn, err);
	if (play->options.is_preflight) {
		each_nodes(play, &book->on_success, NULL, fn, err);
		each_nodes(play, &book->on_failure, NULL, fn, err);
		each_nodes(play, &book->always, NULL, fn, err);
	}
}

static void ask_for_agents(struct deploy_play *play)
{
	for (size_t i = 0; i < play->need_count; i++) {
		struct deploy_filter filter = {0};
		struct deploy_error ignored = {.code = DEPLOY_OK};
		struct deploy_policy *policy;

		(void)deploy_filter_add_agent(&filter, play->needs[i].agent, &ignored);
		dp_find(play, play->root, DP_FOR_AGENT, i, &filter);
		/* Who is slow is not one who lacks it. */
		policy = &play->plan->tasks[play->plan->task_count - 1]->policy;
		policy->window_ms = policy->discovery_ms;
	}
}

void dp_agent_found(struct deploy_play *play, size_t index, const struct deploy_nodeset *nodes)
{
	deploy_nodeset_subtract(play->needs[index].nodes, nodes);
}

static int tell_missing(const struct deploy_play *play, struct deploy_error *err)
{
	char text[600] = "";
	size_t len = 0;

	for (size_t i = 0; i < play->need_count && len < sizeof(text) - 1; i++) {
		char *folded = deploy_nodeset_print(play->needs[i].nodes);

		if (folded[0]) {
			len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%.60s on %.300s",
				len ? "; " : "", play->needs[i].agent, folded);
			deploy_error_hint(err, "deployctl discover --check-agents %s -I NODES",
				play->needs[i].agent);
		}
		free(folded);
	}
	if (!len)
		return 0;
	return deploy_error_set(err, DEPLOY_REFUSED,
		"nothing was done: no answer from these agents, or they are not there: %s", text);
}

bool dp_agents_ready(struct deploy_play *play, struct deploy_error *err)
{
	if (play->checking == 0) {
		each_nodes_of_plan(play, have_them_found, err);
		if (err->code || play->root->pending)
			return false;
		each_nodes_of_plan(play, add_nodes, err);
		play->checking = 1;
		ask_for_agents(play);
		if (play->root->pending)
			return false;
	}
	play->is_checked = true;
	return tell_missing(play, err) == 0;
}
