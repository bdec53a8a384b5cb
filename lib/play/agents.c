/*
 * Before the first step: have the nodes the agents that steps ask of them? Asked are
 * all nodes that have the agent; who of a set does not answer to that is told.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "play/play_parts.h"

static struct dp_agent_need *need_of(struct dp_frame *frame, const char *agent)
{
	struct dp_agent_needs *needs = &frame->needs;

	for (size_t i = 0; i < needs->count; i++)
		if (strcmp(needs->items[i].agent, agent) == 0)
			return &needs->items[i];
	needs->items =
		dp_grow(needs->items, &needs->cap, needs->count + 1, sizeof(needs->items[0]));
	needs->items[needs->count] =
		(struct dp_agent_need){.agent = agent, .nodes = deploy_nodeset_new()};
	return &needs->items[needs->count++];
}

void dp_agents_release(struct dp_frame *frame)
{
	for (size_t i = 0; i < frame->needs.count; i++)
		deploy_nodeset_free(frame->needs.items[i].nodes);
	free(frame->needs.items);
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

static bool is_required(
	const struct deploy_play *play, const struct dp_frame *frame, const char *agent)
{
	const struct deploy_texts *agents = &frame->scope->book->agents;

	for (size_t i = 0; i < agents->count; i++)
		if (strcmp(agents->items[i], agent) == 0)
			return true;
	return play->options.is_preflight;
}

/* What walks over the steps of the plan does with the nodes that a step asks. */
typedef void nodes_fn(struct deploy_play *play, struct dp_frame *frame,
	const struct deploy_step *step, const struct deploy_step_nodes *nodes,
	struct deploy_error *err);

/* over: of the roll around these steps, whose groups they ask; NULL: none. */
static void each_nodes(struct deploy_play *play, struct dp_frame *frame,
	const struct deploy_steps *steps, const struct deploy_step_nodes *over, nodes_fn *fn,
	struct deploy_error *err)
{
	for (size_t i = 0; i < steps->count; i++) {
		const struct deploy_step *step = &steps->items[i];
		const struct deploy_step_nodes *inner =
			step->kind == DEPLOY_STEP_ROLL ? &step->over : over;
		const char *agent = agent_of(step);

		if (agent && is_required(play, frame, agent)) {
			fn(play, frame, step, &step->nodes, err);
			if (step->nodes.has_group && over)
				fn(play, frame, step, over, err);
		}
		if (step->plan)
			fn(play, frame, step, NULL, err);
		each_nodes(play, frame, &step->steps, inner, fn, err);
		each_nodes(play, frame, &step->always, inner, fn, err);
		for (size_t lane = 0; lane < step->lane_count; lane++)
			each_nodes(play, frame, &step->lanes[lane], over, fn, err);
	}
}

static void have_them_found(struct deploy_play *play, struct dp_frame *frame,
	const struct deploy_step *step, const struct deploy_step_nodes *nodes,
	struct deploy_error *err)
{
	(void)step;
	for (size_t i = 0; nodes && i < nodes->set_count && !err->code; i++)
		(void)dp_set_ready(play, frame, nodes->sets[i], err);
}

/* Of what is known only when the step comes it can but be said that nothing was compared. */
static void add_nodes(struct deploy_play *play, struct dp_frame *frame,
	const struct deploy_step *step, const struct deploy_step_nodes *nodes,
	struct deploy_error *err)
{
	struct deploy_nodeset *named = NULL;

	(void)err;
	if (nodes && nodes->selection)
		named = dp_sets_named(play, frame, nodes->selection);
	if (play->options.is_preflight && (!nodes || (nodes->selection && !named)))
		dp_play_tell(play, DEPLOY_PLAY_UNCHECKED, step->id, step, 0, NULL);
	for (size_t i = 0; nodes && i < nodes->set_count; i++)
		deploy_nodeset_unite(need_of(frame, agent_of(step))->nodes,
			frame->scope->sets[nodes->sets[i]].nodes);
	if (named)
		deploy_nodeset_unite(need_of(frame, agent_of(step))->nodes, named);
	deploy_nodeset_free(named);
}

static void each_nodes_of_plan(
	struct deploy_play *play, struct dp_frame *frame, nodes_fn *fn, struct deploy_error *err)
{
	const struct deploy_playbook *book = frame->scope->book;

	each_nodes(play, frame, &book->steps, NULL, fn, err);
	if (play->options.is_preflight) {
		each_nodes(play, frame, &book->on_success, NULL, fn, err);
		each_nodes(play, frame, &book->on_failure, NULL, fn, err);
		each_nodes(play, frame, &book->always, NULL, fn, err);
	}
}

static void ask_for_agents(struct deploy_play *play, struct dp_frame *frame)
{
	for (size_t i = 0; i < frame->needs.count; i++) {
		struct deploy_filter filter = {0};
		struct deploy_error ignored = {.code = DEPLOY_OK};
		struct deploy_policy *policy;

		(void)deploy_filter_add_agent(&filter, frame->needs.items[i].agent, &ignored);
		dp_find(play, frame, DP_FOR_AGENT, i, &filter);
		/* Who is slow is not one who lacks it. */
		policy = &play->plan->tasks[play->plan->task_count - 1]->policy;
		policy->window_ms = policy->discovery_ms;
	}
}

void dp_agent_found(struct dp_frame *frame, size_t index, const struct deploy_nodeset *nodes)
{
	deploy_nodeset_subtract(frame->needs.items[index].nodes, nodes);
}

static int tell_missing(const struct dp_frame *frame, struct deploy_error *err)
{
	char text[600] = "";
	size_t len = 0;

	for (size_t i = 0; i < frame->needs.count && len < sizeof(text) - 1; i++) {
		char *folded = deploy_nodeset_print(frame->needs.items[i].nodes);

		if (folded[0]) {
			len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%.60s on %.300s",
				len ? "; " : "", frame->needs.items[i].agent, folded);
			deploy_error_hint(err, "deployctl discover --check-agents %s -I NODES",
				frame->needs.items[i].agent);
		}
		free(folded);
	}
	if (!len)
		return 0;
	return deploy_error_set(err, DEPLOY_REFUSED,
		"%s: no answer from these agents, or they are not there: %s",
		frame->up ? frame->scope->book->name : "nothing was done", text);
}

bool dp_agents_ready(struct deploy_play *play, struct dp_frame *frame, struct deploy_error *err)
{
	if (!frame->needs.is_asked) {
		each_nodes_of_plan(play, frame, have_them_found, err);
		if (err->code || frame->pending)
			return false;
		each_nodes_of_plan(play, frame, add_nodes, err);
		frame->needs.is_asked = true;
		ask_for_agents(play, frame);
		if (frame->pending)
			return false;
	}
	frame->needs.is_checked = true;
	return tell_missing(frame, err) == 0;
}
