/* Rolls: the whole list of steps for one group of nodes after the other. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "play/play_parts.h"

static size_t kept_in_service(const struct deploy_step *step, size_t total)
{
	return step->min_in_service.value ? deploy_amount_group(step->min_in_service, total) : 0;
}

/* How many may be taken out now: those that were lost do not serve either. */
static size_t room(const struct dp_frame *frame, const struct deploy_step *step)
{
	size_t total = deploy_nodeset_count(frame->at.over);
	size_t out = kept_in_service(step, total) + deploy_nodeset_count(frame->at.lost);

	if (!step->min_in_service.value)
		return total;
	return out < total ? total - out : 0;
}

static int refuse_group(struct dp_frame *frame, const struct deploy_step *step, bool is_first,
	struct deploy_error *err)
{
	size_t total = deploy_nodeset_count(frame->at.over);

	return deploy_error_set(err, is_first ? DEPLOY_REFUSED : DEPLOY_STOPPED,
		"%s: no node can be taken out of service: %zu of %zu must stay (min_in_service "
		"%u%s), and %zu are out already",
		frame->at.label, kept_in_service(step, total), total, step->min_in_service.value,
		step->min_in_service.is_percent ? "%" : "", deploy_nodeset_count(frame->at.lost));
}

static struct deploy_nodeset *next_group(
	const struct dp_frame *frame, const struct deploy_step *step)
{
	const struct deploy_policy *policy = &step->policy;
	size_t total = deploy_nodeset_count(frame->at.over), size = total, most = room(frame, step);
	struct deploy_nodeset *group = deploy_nodeset_copy(frame->at.rest);

	if (policy->batch_count)
		size = deploy_amount_group(policy->batch[frame->at.group < policy->batch_count
								 ? frame->at.group
								 : policy->batch_count - 1],
			total);
	deploy_nodeset_keep_first(group, size < most ? size : most);
	return group;
}

static json_t *names_of(const struct deploy_nodeset *nodes)
{
	json_t *names = json_array();

	for (size_t i = 0; i < deploy_nodeset_count(nodes); i++)
		(void)json_array_append_new(names, json_string(deploy_nodeset_get(nodes, i)));
	return names;
}

static void begin_group(struct deploy_play *play, struct dp_frame *frame,
	const struct deploy_step *step, struct deploy_nodeset *nodes)
{
	struct dp_frame *group =
		dp_frame_new(play, DP_FRAME_GROUP, frame, frame->scope, &step->steps);
	char *folded = deploy_nodeset_print(nodes);

	frame->at.group++;
	deploy_nodeset_subtract(frame->at.rest, nodes);
	free(group->suffix);
	group->suffix = dp_xasprintf("#%zu", frame->at.group);
	group->group = nodes;
	group->group_names = names_of(nodes);
	group->lost = deploy_nodeset_new();
	dp_play_tell(play, DEPLOY_PLAY_GROUP, frame->at.label, step, deploy_nodeset_count(nodes),
		folded);
	free(folded);
	frame->pending++;
	dp_frame_queue(play, group);
}

/* The next group: the one that it was before, if this is not the first process. */
static enum dp_progress go_on(struct deploy_play *play, struct dp_frame *frame,
	const struct deploy_step *step, struct deploy_error *err)
{
	char *name = dp_xasprintf("group@%s#%zu", frame->at.label, frame->at.group + 1);
	const struct deploy_nodeset *past = dp_past_nodes(play->options.past, name);
	struct deploy_nodeset *group = past ? deploy_nodeset_copy(past) : next_group(frame, step);

	if (!past && deploy_nodeset_count(group) && play->options.freeze)
		play->options.freeze(play->options.arg, name, group);
	free(name);
	if (deploy_nodeset_count(group)) {
		begin_group(play, frame, step, group);
		return DP_BUSY;
	}
	deploy_nodeset_free(group);
	(void)refuse_group(frame, step, frame->at.group == 0, err);
	return DP_STEP_BAD;
}

enum dp_progress dp_roll_begin(
	struct deploy_play *play, struct dp_frame *frame, struct deploy_error *err)
{
	const struct deploy_step *step = dp_frame_step(frame);
	char *name = dp_xasprintf("roll@%s", frame->at.label);
	const struct deploy_nodeset *past = dp_past_nodes(play->options.past, name);
	struct deploy_nodeset *over =
		past ? deploy_nodeset_copy(past)
		     : dp_sets_nodes(play, frame, &step->over, frame->at.over);

	if (!past && deploy_nodeset_count(over) && play->options.freeze)
		play->options.freeze(play->options.arg, name, over);
	free(name);
	deploy_nodeset_free(frame->at.over);
	frame->at.over = over;
	frame->at.rest = deploy_nodeset_copy(over);
	frame->at.lost = deploy_nodeset_new();
	frame->at.failed = deploy_nodeset_new();
	if (step->policy.deadline_ms)
		frame->at.until_us = play->now_us + step->policy.deadline_ms * 1000;
	if (!deploy_nodeset_count(over)) {
		(void)deploy_error_set(
			err, DEPLOY_NO_NODES, "%s: no node is left to roll over", frame->at.label);
		return DP_STEP_BAD;
	}
	return go_on(play, frame, step, err);
}

static bool is_over_limit(
	const struct dp_frame *frame, const struct deploy_step *step, struct deploy_error *err)
{
	size_t total = deploy_nodeset_count(frame->at.over);
	size_t limit = deploy_amount_limit(step->policy.max_fail, total);
	size_t failed = deploy_nodeset_count(frame->at.failed);
	char *folded;

	if (failed <= limit)
		return false;
	folded = deploy_nodeset_print(frame->at.failed);
	(void)deploy_error_set(err, DEPLOY_STOPPED,
		"%s: stopped after group %zu: %zu of %zu nodes failed, %zu are tolerated: %.300s",
		frame->at.label, frame->at.group, failed, total, limit, folded);
	free(folded);
	return true;
}

enum dp_progress dp_roll_go_on(
	struct deploy_play *play, struct dp_frame *frame, struct deploy_error *err)
{
	const struct deploy_step *step = dp_frame_step(frame);

	if (is_over_limit(frame, step, err))
		return DP_STEP_BAD;
	/* Who was dropped meanwhile is in no group any more. */
	dp_play_leave_out(play, frame->at.rest);
	if (!deploy_nodeset_count(frame->at.rest))
		return DP_STEP_OVER;
	if (frame->at.until_us && play->now_us >= frame->at.until_us) {
		(void)deploy_error_set(err, DEPLOY_STOPPED,
			"%s: its deadline passed after group %zu, %zu nodes are left",
			frame->at.label, frame->at.group, deploy_nodeset_count(frame->at.rest));
		return DP_STEP_BAD;
	}
	if (step->policy.batch_sleep_ms && !frame->at.has_rested) {
		dp_play_chore(play, frame, DP_FOR_PAUSE, DEPLOY_CHORE_REST)->delay_ms =
			step->policy.batch_sleep_ms;
		frame->at.has_rested = true;
		return DP_BUSY;
	}
	frame->at.has_rested = false;
	return go_on(play, frame, step, err);
}
