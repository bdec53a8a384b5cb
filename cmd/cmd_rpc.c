/* deployctl rpc — ask an agent on many nodes to do something. */
#include "command.h"
#include "confirm.h"
#include "report.h"
#include "rolling_opts.h"
#include "target_opts.h"

struct rpc_opts {
	struct target_opts target;
	struct rolling_opts rolling;
	int display;
	unsigned ttl_s;
	bool dry_run;
	bool sorts; /* as mco has it */
	bool says_yes, asks_nothing;
};

#define TTL_MAX 315359990 /* seconds, as the key of the configuration has it */

/* Nodes know whole seconds only. */
static int parse_ttl(void *field, const char *text, struct deploy_error *err)
{
	long long ms = 0;

	if (deploy_time_parse(&ms, text, err))
		return err->code;
	if (ms < 1000 || ms % 1000 || ms / 1000 > TTL_MAX)
		return deploy_error_set(err, DEPLOY_USAGE,
			"\"%s\" is no number of whole seconds from 1 to %d", text, TTL_MAX);
	*(unsigned *)field = (unsigned)(ms / 1000);
	return 0;
}

static const struct opt rpc_options[] = {
	OPT_GROUP(target_options, struct rpc_opts, target),
	OPT_GROUP(limit_options, struct rpc_opts, target),
	OPT_GROUP(rolling_options, struct rpc_opts, rolling),
	OPT_CHOICE(0, "display", struct rpc_opts, display, "WHICH", report_display_names,
		"show these replies", "all"),
	OPT_FLAG(0, "sort", struct rpc_opts, sorts,
		"sort replies by node: they are, with or without it"),
	{.type = OPT_IS_PARSED,
		.name = "ttl",
		.offset = offsetof(struct rpc_opts, ttl_s),
		.value = "TIME",
		.parse = parse_ttl,
		.text = "nodes drop the request when it is older",
		.preset = "60s, or ttl of the configuration"},
	OPT_FLAG('y', "yes", struct rpc_opts, says_yes,
		"do not ask before an action without filter on many nodes"),
	OPT_FLAG(0, "no-input", struct rpc_opts, asks_nothing,
		"ask nothing at the terminal; what would be asked about is done"),
	OPT_FLAG(0, "dry-run", struct rpc_opts, dry_run, "print whom it would ask, and do not"),
	OPT_END,
};

static const enum exit_status rpc_exits[] = {EXIT_ALL_OK, EXIT_NO_NODES, EXIT_NODE_FAILED,
	EXIT_NO_ANSWER, EXIT_SOME_SILENT, EXIT_STOPPED, EXIT_REFUSED, EXIT_USAGE, EXIT_INPUT,
	EXIT_UNREACHABLE, EXIT_OUTPUT, EXIT_AUTH, EXIT_CONFIG, EXIT_DEADLINE, EXIT_INT, EXIT_TERM,
	EXIT_LIST_END};

static const struct example rpc_examples[] = {
	{"deployctl rpc rpcutil ping", "ask everyone"},
	{"deployctl rpc rpcutil get_fact fact=cluster -F country=de", "an action with an input"},
	{"deployctl rpc rpcutil daemon_stats -C apache --batch 2 --batch-sleep 1s",
		"two nodes at a time"},
	{"deployctl rpc rpcutil get_facts facts=country,cluster -I 'web[01-09].example.net' "
	 "--batch 1,30%,100% --max-fail 0",
		"growing groups, and nothing more as soon as one fails"},
	{NULL, NULL},
};

static void rpc_init(void *opts)
{
	target_opts_init(&((struct rpc_opts *)opts)->target);
	rolling_opts_init(&((struct rpc_opts *)opts)->rolling);
}

static void rpc_release(void *opts)
{
	target_opts_release(&((struct rpc_opts *)opts)->target);
}

static int parse_request(struct deploy_request **out, struct args args, struct deploy_error *err)
{
	json_t *inputs = json_object();
	int rc = 0;

	for (int i = 2; i < args.count && !rc; i++)
		rc = deploy_request_parse_input(inputs, args.values[i], err);
	if (!rc)
		rc = deploy_request_new(out, args.values[0], args.values[1], inputs, err);
	json_decref(inputs);
	return rc;
}

/* Names the nodes: they are the result, and nothing is asked of them. */
static int dry_run(struct ctx *ctx, const struct rpc_opts *rpc, const struct report *like,
	struct deploy_error *err)
{
	struct report report = *like;
	struct deploy_plan *plan = deploy_plan_new();
	int status;

	report.view = &report_nodes;
	report.is_dry = true;
	report.limit = rpc->target.limit;
	report.operands.count = 0;
	target_plan_ping(plan, ctx, &rpc->target, report.agent);
	out_note(ctx->out, "dry run: %s %s would be asked of the nodes below, nothing is done",
		report.agent, report.action);
	status = report_run(&report, ctx, plan, err);
	deploy_plan_free(plan);
	return status;
}

/* Without a filter everyone is meant, which may be more than one thinks. */
static bool should_confirm(const struct ctx *ctx, const struct rpc_opts *rpc)
{
	return !target_is_filtered(&rpc->target) && ctx->config->confirm_above && !rpc->says_yes &&
	       !rpc->asks_nothing && confirm_is_possible();
}

/* *found: the nodes there are; NULL if that could not be told, or nobody answered. */
static void find_nodes(struct deploy_nodeset **found, struct ctx *ctx, const struct rpc_opts *rpc,
	const char *agent, struct deploy_error *err)
{
	struct deploy_run_options options = {.signal_fd = ctx->signal_fd};
	struct deploy_plan *plan = deploy_plan_new();
	struct deploy_run_result result;

	target_plan_discovery(plan, ctx, &rpc->target, agent);
	(void)deploy_run(&result, ctx->bus, plan, &options, err);
	*found = NULL;
	if (result.end == DEPLOY_RUN_COMPLETE) {
		*found = result.found[0];
		result.found[0] = NULL;
	}
	deploy_run_result_release(&result);
	deploy_plan_free(plan);
}

/* Ask whether so many are meant. False: no. Nobody is connected to meanwhile. */
static bool is_meant(struct ctx *ctx, const struct rpc_opts *rpc, const struct report *report,
	const struct deploy_nodeset *found, struct deploy_error *err)
{
	size_t count = deploy_amount_part(rpc->target.limit, deploy_nodeset_count(found));
	char question[600];

	if (count <= ctx->config->confirm_above)
		return true;
	ctx_leave_bus(ctx);
	(void)snprintf(question, sizeof(question),
		"%.255s %.255s will be asked of all %zu nodes, there is no filter", report->agent,
		report->action, count);
	if (!confirm_count(question, count)) {
		out_note(ctx->out, "nothing was done");
		return false;
	}
	return target_connect(ctx, &rpc->target, err) == 0;
}

static int ask(struct ctx *ctx, struct rpc_opts *rpc, struct report *report,
	struct deploy_request *request, struct deploy_nodeset *found, struct deploy_error *err)
{
	struct deploy_plan *plan = deploy_plan_new();
	int status;

	request->ttl_s = rpc->ttl_s ? rpc->ttl_s : ctx->config->ttl_s;
	report->task = (unsigned)target_plan(
		plan, ctx, &rpc->target, request, &rpc->rolling.policy, found);
	plan->deadline_ms = rpc->rolling.run_deadline_ms;
	status = report_run(report, ctx, plan, err);
	deploy_plan_free(plan);
	return status;
}

static int confirm_and_ask(struct ctx *ctx, struct rpc_opts *rpc, struct report *report,
	struct deploy_request *request, struct deploy_error *err)
{
	struct deploy_nodeset *found = NULL;
	int status;

	if (should_confirm(ctx, rpc))
		find_nodes(&found, ctx, rpc, report->agent, err);
	if (err->code != DEPLOY_OK || (found && !is_meant(ctx, rpc, report, found, err))) {
		deploy_request_free(request);
		status = err->code ? exit_of_error(err->code) : EXIT_REFUSED;
	} else {
		status = ask(ctx, rpc, report, request, found, err);
	}
	deploy_nodeset_free(found);
	return status;
}

static int rpc_main(struct ctx *ctx, void *opts, struct args args, struct deploy_error *err)
{
	struct rpc_opts *rpc = opts;
	struct deploy_request *request = NULL;
	struct report report = {.out = ctx->out,
		.kind = "rpc",
		.view = &report_replies,
		.agent = args.values[0],
		.action = args.values[1],
		.operands = args,
		.config = ctx->global.config,
		.context = ctx->global.context,
		.collective = rpc->target.collective,
		.display = rpc->display,
		.is_filtered = target_is_filtered(&rpc->target),
		.empty_ok = rpc->target.empty_ok};
	int status;

	if (rolling_opts_finish(&rpc->rolling, ctx->config, err) ||
		target_settle_limit(&rpc->target, err) || parse_request(&request, args, err) ||
		target_connect(ctx, &rpc->target, err)) {
		deploy_request_free(request);
		return exit_of_error(err->code);
	}
	if (rpc->dry_run) {
		status = dry_run(ctx, rpc, &report, err);
		deploy_request_free(request);
		return status;
	}
	return confirm_and_ask(ctx, rpc, &report, request, err);
}

const struct command cmd_rpc = {
	.name = "rpc",
	.group = "act",
	.summary = "ask an agent on many nodes to do something",
	.operands = "AGENT ACTION [KEY=VALUE...]",
	.description =
		"Finds the nodes that match the filter, asks AGENT on each of them to do ACTION, "
		"and "
		"shows what each one answers: equal answers once, under their nodes, failures "
		"last.\n\n"
		"KEY=VALUE gives the action an input as text, KEY:=JSON as any JSON value "
		"(force:=true, count:=3). Named nodes (-I without a regular expression) are asked "
		"directly, without discovery.\n\n"
		"A node that was asked and did not answer is silent, and one that the broker has "
		"no "
		"queue for is not connected; neither is ok, and both keep the exit status from "
		"being 0.",
	.min_args = 2,
	.max_args = ARGS_ANY,
	.options = rpc_options,
	.opts_size = sizeof(struct rpc_opts),
	.opts_init = rpc_init,
	.opts_release = rpc_release,
	.needs = NEED_CONFIG | NEED_BROKER,
	.exits = rpc_exits,
	.examples = rpc_examples,
	.main = rpc_main,
};
