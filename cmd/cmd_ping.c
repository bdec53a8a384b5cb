/* deployctl ping — who is there, and how far away. */
#include "command.h"
#include "report.h"
#include "target_opts.h"

struct ping_opts {
	struct target_opts target;
	int sort; /* index into sort_names */
};

static const char *const sort_names[] = {"node", "time", NULL};

static const struct opt ping_options[] = {
	OPT_GROUP(target_options, struct ping_opts, target),
	OPT_CHOICE(0, "sort-by", struct ping_opts, sort, "FIELD", sort_names,
		"order the table by this", "node"),
	OPT_END,
};

static const enum exit_status ping_exits[] = {EXIT_ALL_OK, EXIT_NO_NODES, EXIT_NO_ANSWER,
	EXIT_SOME_SILENT, EXIT_USAGE, EXIT_INPUT, EXIT_NO_INPUT, EXIT_UNREACHABLE, EXIT_OUTPUT,
	EXIT_AUTH, EXIT_CONFIG, EXIT_INT, EXIT_TERM, EXIT_LIST_END};

static const struct example ping_examples[] = {
	{"deployctl ping", "everyone"},
	{"deployctl ping -F country=de -C apache", "nodes with this fact and this class"},
	{"deployctl ping -I 'web[01-20].example.net'",
		"these nodes; names those that are not connected"},
	{"deployctl ping --sort-by time", "the fastest first"},
	{NULL, NULL},
};

static void ping_init(void *opts)
{
	target_opts_init(&((struct ping_opts *)opts)->target);
}

static void ping_release(void *opts)
{
	target_opts_release(&((struct ping_opts *)opts)->target);
}

static int ping_main(struct ctx *ctx, void *opts, struct args args, struct deploy_error *err)
{
	struct ping_opts *ping = opts;
	struct report report = {.out = ctx->out,
		.kind = "ping",
		.agent = "discovery",
		.action = "ping",
		.view = &report_times,
		.sorts_by_time = ping->sort == 1,
		.is_filtered = target_is_filtered(&ping->target),
		.empty_ok = ping->target.empty_ok};
	struct deploy_plan *plan;
	int status;

	(void)args;
	if (target_settle(&ping->target, ctx, err) || target_connect(ctx, &ping->target, err))
		return exit_of_error(err->code);
	plan = deploy_plan_new();
	target_plan_ping(plan, ctx, &ping->target, NULL);
	status = report_run(&report, ctx, plan, err);
	deploy_plan_free(plan);
	return status;
}

const struct command cmd_ping = {
	.name = "ping",
	.group = "observe",
	.summary = "see which nodes answer, and how fast",
	.operands = "",
	.description = "Sends a ping to the nodes that match the filter and lists those that "
		       "answer, each with "
		       "the time of the round trip. Without a filter everyone is asked.\n\n"
		       "Named nodes (-I without a regular expression) are asked directly: the "
		       "broker tells at "
		       "once which of them are not connected.",
	.min_args = 0,
	.max_args = 0,
	.options = ping_options,
	.opts_size = sizeof(struct ping_opts),
	.opts_init = ping_init,
	.opts_release = ping_release,
	.needs = NEED_CONFIG | NEED_BROKER,
	.exits = ping_exits,
	.examples = ping_examples,
	.main = ping_main,
};
