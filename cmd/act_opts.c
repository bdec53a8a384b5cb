/* Whom an act is about, how many of them at a time, and asking before. */
#include "act_opts.h"

const struct opt act_options[] = {
	OPT_FLAG(0, "all", struct act_opts, all, "every node that there is"),
	OPT_GROUP(target_options, struct act_opts, target),
	OPT_GROUP(limit_options, struct act_opts, target),
	OPT_GROUP(rolling_options, struct act_opts, rolling),
	OPT_GROUP(confirm_options, struct act_opts, confirm),
	OPT_TEXT(0, "reason", struct act_opts, reason, "TEXT",
		"why it is done: recorded with the run"),
	OPT_END,
};

void act_opts_init(struct act_opts *act)
{
	target_opts_init(&act->target);
	rolling_opts_init(&act->rolling);
	act->rolling.policy.has_max_fail = true;
}

void act_opts_release(struct act_opts *act)
{
	target_opts_release(&act->target);
}

int act_settle(
	struct act_opts *act, struct ctx *ctx, struct args operands, struct deploy_error *err)
{
	for (int i = 0; i < operands.count; i++)
		if (deploy_filter_add_identity(&act->target.filter, operands.values[i], err))
			return err->code;
	if (target_settle(&act->target, ctx, err) ||
		rolling_opts_finish(&act->rolling, ctx->config, err))
		return err->code;
	if (act->all && target_is_filtered(&act->target))
		return deploy_error_set(
			err, DEPLOY_USAGE, "--all is everyone: no nodes and no filter beside it");
	if (!act->all && !target_is_filtered(&act->target))
		return deploy_error_set(
			err, DEPLOY_USAGE, "which nodes? Name them, give a filter, or say --all");
	return 0;
}

int act_find(struct deploy_nodeset **out, struct ctx *ctx, const struct act_opts *act,
	const char *agent, struct deploy_error *err)
{
	const struct deploy_nodeset *named = target_nodes(&act->target);
	struct deploy_nodeset *nodes = named ? deploy_nodeset_copy(named) : NULL;

	if (!named && target_find(&nodes, ctx, &act->target, agent, err))
		return err->code;
	if (!nodes)
		nodes = deploy_nodeset_new();
	if (act->target.exclude)
		deploy_nodeset_subtract(nodes, act->target.exclude);
	deploy_limit_apply(&act->target.limit, nodes);
	*out = nodes;
	return 0;
}
