/* deployctl discover — which nodes there are. */
#include <string.h>

#include "command.h"
#include "discover_why.h"
#include "report.h"
#include "target_opts.h"

struct discover_opts {
	struct target_opts target;
	long long timeout_ms; /* for what rpcutil is asked */
	json_t *agents;	      /* array; NULL unless --check-agents */
	const char *why;
	bool folds;
};

#define AGENT_CHARS "abcdefghijklmnopqrstuvwxyz0123456789_"
#define AGENT_MAX   255 /* bytes */

static int parse_agents(void *field, const char *text, struct deploy_error *err)
{
	json_t **agents = field;

	*agents = json_array();
	for (;; text++) {
		size_t len = strcspn(text, ",");

		if (len == 0 || len > AGENT_MAX || strspn(text, AGENT_CHARS) != len)
			return deploy_error_set(err, DEPLOY_USAGE,
				"\"%.*s\" is no agent's name: 1 to 255 of a-z 0-9 _", (int)len,
				text);
		(void)json_array_append_new(*agents, json_stringn(text, len));
		text += len;
		if (!*text)
			return 0;
	}
}

static const struct opt discover_options[] = {
	OPT_GROUP(target_options, struct discover_opts, target),
	OPT_GROUP(limit_options, struct discover_opts, target),
	OPT_TIME('t', "timeout", struct discover_opts, timeout_ms, "TIME",
		"wait TIME for the reply of each node", "15s"),
	OPT_FLAG(0, "fold", struct discover_opts, folds,
		"print the names as one node set: web[01-20].example.net"),
	OPT_PARSED(0, "check-agents", struct discover_opts, agents, "A,B", parse_agents, false,
		"list the nodes that lack one of these agents: who cannot be managed"),
	OPT_TEXT(0, "why", struct discover_opts, why, "NODE",
		"tell of each term of the filter whether it holds for NODE"),
	OPT_END,
};

static const enum exit_status discover_exits[] = {EXIT_ALL_OK, EXIT_NO_NODES, EXIT_NODE_FAILED,
	EXIT_NO_ANSWER, EXIT_SOME_SILENT, EXIT_USAGE, EXIT_UNREACHABLE, EXIT_OUTPUT, EXIT_AUTH,
	EXIT_CONFIG, EXIT_INT, EXIT_TERM, EXIT_LIST_END};

static const struct example discover_examples[] = {
	{"deployctl discover -F country=de", "one name a line, sorted"},
	{"deployctl discover --fold -C apache",
		"the same as one node set, for -I of other commands"},
	{"deployctl discover -o wide", "what each node has: agents, collectives, classes, facts"},
	{"deployctl discover --check-agents rpcutil",
		"nodes that lack this agent; status 2 if any"},
	{"deployctl discover -F country=de --why web01.example.net",
		"why a node is among them, or is not; status 1 if not"},
	{NULL, NULL},
};

static void discover_init(void *opts)
{
	struct discover_opts *discover = opts;

	target_opts_init(&discover->target);
	discover->timeout_ms = RPCUTIL_TIMEOUT_MS;
}

static void discover_release(void *opts)
{
	struct discover_opts *discover = opts;

	target_opts_release(&discover->target);
	json_decref(discover->agents);
}

static struct deploy_request *ask_inventory(void)
{
	struct deploy_request *request = NULL;
	struct deploy_error ignored = {0};

	(void)deploy_request_new(&request, "rpcutil", "inventory", NULL, &ignored);
	return request;
}

static int check_opts(const struct discover_opts *discover, struct deploy_error *err)
{
	const struct target_opts *target = &discover->target;

	if (discover->why && discover->agents)
		return deploy_error_set(
			err, DEPLOY_USAGE, "--why and --check-agents exclude each other");
	if (!discover->why)
		return 0;
	if (target->limit.value)
		return deploy_error_set(err, DEPLOY_USAGE, "--why and --limit exclude each other");
	if (deploy_filter_is_empty(&target->filter) && !target->exclude)
		return deploy_error_set(err, DEPLOY_USAGE,
			"--why needs the filter that it is about: -F, -C, -A, -I, -W");
	if (!deploy_identity_is_valid(discover->why, strlen(discover->why)))
		return deploy_error_set(
			err, DEPLOY_USAGE, "--why: \"%s\" is no node's name", discover->why);
	return 0;
}

/* What is asked depends on what is to be shown: the names alone need no more than a ping. */
static int list(struct ctx *ctx, const struct discover_opts *discover, struct deploy_error *err)
{
	struct report report = {.out = ctx->out,
		.kind = "discover",
		.view = &report_nodes,
		.agent = "discovery",
		.action = "ping",
		.folds = discover->folds,
		.limit = discover->target.limit,
		.wanted = discover->agents,
		.is_filtered = target_is_filtered(&discover->target),
		.empty_ok = discover->target.empty_ok};
	struct deploy_plan *plan = deploy_plan_new();
	int status;

	if (discover->agents || out_format(ctx->out) == OUT_WIDE) {
		if (!deploy_filter_names_nodes(&discover->target.filter))
			target_plan_ping(plan, ctx, &discover->target, NULL);
		report.limit = (struct deploy_amount){0};
		report.agent = "rpcutil";
		report.action = "inventory";
		report.task = (unsigned)target_plan_further(
			plan, ctx, &discover->target, ask_inventory(), discover->timeout_ms);
		if (discover->agents)
			report.view = &report_lacks;
	} else {
		target_plan_ping(plan, ctx, &discover->target, NULL);
	}
	status = report_run(&report, ctx, plan, err);
	deploy_plan_free(plan);
	return status;
}

static int discover_main(struct ctx *ctx, void *opts, struct args args, struct deploy_error *err)
{
	struct discover_opts *discover = opts;

	(void)args;
	if (target_settle_limit(&discover->target, err) || check_opts(discover, err) ||
		target_connect(ctx, &discover->target, err))
		return exit_of_error(err->code);
	if (discover->why)
		return discover_why(
			ctx, &discover->target, discover->why, discover->timeout_ms, err);
	return list(ctx, discover, err);
}

const struct command cmd_discover = {
	.name = "discover",
	.also = "find",
	.group = "observe",
	.summary = "list the nodes that match a filter",
	.operands = "",
	.description =
		"Asks who is there and lists the nodes that answer, one a line, sorted. Without a "
		"filter everyone is asked. Discovery ends as soon as replies stop coming.\n\n"
		"With --check-agents the nodes that lack one of the agents are listed, and the "
		"status is 2 if there are any; nodes that do not say what they have are silent. "
		"With --why the node itself is asked what it is, every term of the filter is "
		"judged by the rules that nodes follow, and the node's own answer to the whole "
		"filter stands below; the status is 1 if it does not match.",
	.min_args = 0,
	.max_args = 0,
	.options = discover_options,
	.opts_size = sizeof(struct discover_opts),
	.opts_init = discover_init,
	.opts_release = discover_release,
	.needs = NEED_CONFIG | NEED_BROKER,
	.exits = discover_exits,
	.examples = discover_examples,
	.main = discover_main,
};
