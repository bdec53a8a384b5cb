/* deployctl inventory — all about a node. */
#include "command.h"
#include "completion.h"
#include "report.h"
#include "target_opts.h"

struct inventory_opts {
	struct target_opts target; /* its filter is the operands */
	long long timeout_ms;
};

static const struct opt inventory_options[] = {
	OPT_TEXT('T', "target", struct inventory_opts, target.collective, "COLLECTIVE",
		"use this collective instead of the main one"),
	OPT_TIME('t', "timeout", struct inventory_opts, timeout_ms, "TIME",
		"wait TIME for each reply", "15s"),
	OPT_TIME(0, "connection-timeout", struct inventory_opts, target.connection_ms, "TIME",
		"give each broker TIME to answer",
		"5s, or connection_timeout of the configuration"),
	OPT_END,
};

static const enum exit_status inventory_exits[] = {EXIT_ALL_OK, EXIT_NODE_FAILED, EXIT_NO_ANSWER,
	EXIT_SOME_SILENT, EXIT_USAGE, EXIT_NO_INPUT, EXIT_UNREACHABLE, EXIT_OUTPUT, EXIT_AUTH,
	EXIT_CONFIG, EXIT_INT, EXIT_TERM, EXIT_LIST_END};

static const struct example inventory_examples[] = {
	{"deployctl inventory web01.example.net", "its agents, classes, facts, and its daemon"},
	{"deployctl inventory 'web[01-03].example.net' -o yaml", "of several, for programs"},
	{NULL, NULL},
};

static void inventory_init(void *opts)
{
	struct inventory_opts *inventory = opts;

	target_opts_init(&inventory->target);
	inventory->timeout_ms = RPCUTIL_TIMEOUT_MS;
}

static void inventory_release(void *opts)
{
	target_opts_release(&((struct inventory_opts *)opts)->target);
}

/* The filter would speak of -I, which nobody has typed. */
static int check_operand(const char *text, struct deploy_error *err)
{
	struct deploy_nodeset *set = deploy_nodeset_new();
	struct deploy_error wrong = {0};

	if (deploy_nodeset_parse(set, text, &wrong))
		(void)deploy_error_set(err, DEPLOY_USAGE, "%s", wrong.text);
	deploy_nodeset_free(set);
	return err->code;
}

static int read_operands(struct target_opts *target, struct args args, struct deploy_error *err)
{
	for (int i = 0; i < args.count; i++) {
		if (args.values[i][0] == '/')
			return deploy_error_set(err, DEPLOY_USAGE,
				"\"%s\": nodes are named here, as in web[01-03].example.net",
				args.values[i]);
		if (check_operand(args.values[i], err) ||
			deploy_filter_add_identity(&target->filter, args.values[i], err))
			return err->code;
	}
	return 0;
}

static size_t add_task(struct deploy_plan *plan, const struct ctx *ctx,
	const struct inventory_opts *inventory, const char *action)
{
	struct deploy_request *request = NULL;
	struct deploy_error ignored = {0};

	(void)deploy_request_new(&request, "rpcutil", action, NULL, &ignored);
	return target_plan_further(plan, ctx, &inventory->target, request, inventory->timeout_ms);
}

static int inventory_main(struct ctx *ctx, void *opts, struct args args, struct deploy_error *err)
{
	struct inventory_opts *inventory = opts;
	struct report report = {.out = ctx->out,
		.kind = "inventory",
		.view = &report_inventory,
		.agent = "rpcutil",
		.action = "inventory",
		.is_filtered = true};
	struct deploy_plan *plan;
	int status;

	if (read_operands(&inventory->target, args, err) ||
		target_connect(ctx, &inventory->target, err))
		return exit_of_error(err->code);
	plan = deploy_plan_new();
	report.task = (unsigned)add_task(plan, ctx, inventory, "inventory");
	(void)add_task(plan, ctx, inventory, "daemon_stats");
	status = report_run(&report, ctx, plan, err);
	deploy_plan_free(plan);
	return status;
}

const struct command cmd_inventory = {
	.name = "inventory",
	.group = "observe",
	.summary = "show all about a node",
	.operands = "NODE...",
	.description =
		"Asks the named nodes what they are: version, collectives, agents, data plugins, "
		"classes, facts, and what their daemon has done since it started. On a terminal "
		"long values are cut; -o wide shows all of them.",
	.min_args = 1,
	.max_args = ARGS_ANY,
	.complete = complete_nodes,
	.options = inventory_options,
	.opts_size = sizeof(struct inventory_opts),
	.opts_init = inventory_init,
	.opts_release = inventory_release,
	.needs = NEED_CONFIG | NEED_BROKER,
	.exits = inventory_exits,
	.examples = inventory_examples,
	.main = inventory_main,
};
