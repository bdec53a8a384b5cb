/* deployctl facts — the values of a fact over the fleet, and how many nodes have each. */
#include <string.h>

#include "cached.h"
#include "command.h"
#include "completion.h"
#include "report.h"
#include "target_opts.h"

#define MAX_FACT 40 /* of rpcutil's DDL */

struct facts_opts {
	struct target_opts target;
	long long timeout_ms; /* for what rpcutil is asked */
	bool shows_nodes, is_cached;
	int sort; /* index into sort_names */
};

static const char *const sort_names[] = {"value", "count", NULL};

static const struct opt facts_options[] = {
	OPT_GROUP(target_options, struct facts_opts, target),
	OPT_GROUP(limit_options, struct facts_opts, target),
	OPT_TIME('t', "timeout", struct facts_opts, timeout_ms, "TIME",
		"wait TIME for the reply of each node", "15s"),
	OPT_FLAG('n', "show-nodes", struct facts_opts, shows_nodes,
		"show which nodes have each value, folded"),
	OPT_CHOICE(0, "sort-by", struct facts_opts, sort, "FIELD", sort_names,
		"order by this; count: the most frequent value first", "value"),
	OPT_FLAG(0, "cached", struct facts_opts, is_cached,
		"ask nobody: count what earlier runs have learnt, with its age"),
	OPT_END,
};

static const enum exit_status facts_exits[] = {EXIT_ALL_OK, EXIT_NO_NODES, EXIT_NODE_FAILED,
	EXIT_NO_ANSWER, EXIT_SOME_SILENT, EXIT_USAGE, EXIT_INPUT, EXIT_NO_INPUT, EXIT_UNREACHABLE,
	EXIT_OUTPUT, EXIT_AUTH, EXIT_CONFIG, EXIT_INT, EXIT_TERM, EXIT_LIST_END};

static const struct example facts_examples[] = {
	{"deployctl facts country", "how many nodes have which value"},
	{"deployctl facts cluster -n -C apache", "and which nodes these are"},
	{"deployctl facts country --cached", "as far as earlier runs know, without the broker"},
	{"deployctl facts country --sort-by count -o json", "for programs, with all names"},
	{NULL, NULL},
};

static void facts_init(void *opts)
{
	struct facts_opts *facts = opts;

	target_opts_init(&facts->target);
	facts->timeout_ms = RPCUTIL_TIMEOUT_MS;
}

static void facts_release(void *opts)
{
	target_opts_release(&((struct facts_opts *)opts)->target);
}

/* Source: rpcutil's DDL, get_fact. Nodes would refuse anything else, each of them. */
static int check_fact(const char *fact, struct deploy_error *err)
{
	size_t len = strlen(fact);

	if (len > MAX_FACT || !deploy_identity_is_valid(fact, len))
		return deploy_error_set(err, DEPLOY_USAGE,
			"\"%s\" is no name of a fact: at most %d of A-Z a-z 0-9 _ . -", fact,
			MAX_FACT);
	return 0;
}

static int make_request(struct deploy_request **out, const char *fact, struct deploy_error *err)
{
	json_t *inputs;
	int rc;

	if (check_fact(fact, err))
		return err->code;
	inputs = json_pack("{s:s}", "fact", fact);
	rc = deploy_request_new(out, "rpcutil", "get_fact", inputs, err);
	json_decref(inputs);
	return rc;
}

static int facts_main(struct ctx *ctx, void *opts, struct args args, struct deploy_error *err)
{
	struct facts_opts *facts = opts;
	const struct deploy_policy policy = {.timeout_ms = facts->timeout_ms};
	struct report report = {.out = ctx->out,
		.kind = "facts",
		.view = &report_values,
		.agent = "rpcutil",
		.action = "get_fact",
		.shows_nodes = facts->shows_nodes,
		.sorts_by_count = facts->sort == 1,
		.is_filtered = target_is_filtered(&facts->target),
		.is_cached = facts->is_cached,
		.empty_ok = facts->target.empty_ok};
	const struct cached cached = {.target = &facts->target, .fact = args.values[0]};
	struct deploy_request *request = NULL;
	struct deploy_plan *plan;
	int status;

	if (facts->is_cached)
		return target_settle(&facts->target, ctx, err) || check_fact(args.values[0], err)
			       ? (int)exit_of_error(err->code)
			       : cached_report(&report, ctx, &cached, err);
	if (target_settle(&facts->target, ctx, err) || make_request(&request, args.values[0], err) ||
		target_connect(ctx, &facts->target, err)) {
		deploy_request_free(request);
		return exit_of_error(err->code);
	}
	plan = deploy_plan_new();
	report.task = (unsigned)target_plan(plan, ctx, &facts->target, request, &policy, NULL);
	status = report_run(&report, ctx, plan, err);
	deploy_plan_free(plan);
	return status;
}

static void facts_complete(struct completion *completion, struct args operands)
{
	if (operands.count == 0)
		completion_offer_facts(completion);
}

const struct command cmd_facts = {
	.name = "facts",
	.group = "observe",
	.summary = "count the values of a fact",
	.operands = "FACT",
	.description =
		"Asks the nodes that match the filter for the fact and shows each value with the "
		"number of nodes that have it; nodes without the fact are counted as (not set), "
		"and last. On a terminal long values are cut; -o wide shows all of them, and the "
		"nodes.",
	.min_args = 1,
	.max_args = 1,
	.complete = facts_complete,
	.options = facts_options,
	.opts_size = sizeof(struct facts_opts),
	.opts_init = facts_init,
	.opts_release = facts_release,
	.needs = NEED_CONFIG | NEED_BROKER,
	.exits = facts_exits,
	.examples = facts_examples,
	.main = facts_main,
};
