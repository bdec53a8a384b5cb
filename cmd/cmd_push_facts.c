/* deployctl push-facts — nodes get the facts that they are assigned, or that are given. */
#include "act_opts.h"
#include "assigned.h"
#include "command.h"
#include "completion.h"
#include "pushing.h"
#include "report.h"

#include <stdlib.h>
#include <string.h>

struct push_opts {
	struct act_opts act;
	const char *environment, *url, *sha256;
	long long verify_ms;
	bool dry_run, diff;
};

static const struct opt push_options[] = {
	OPT_TEXT(0, "environment", struct push_opts, environment, "NAME",
		"the Puppet environment that nodes are to use, instead of the one assigned"),
	OPT_TEXT(0, "from-url", struct push_opts, url, "URL",
		"nodes fetch a file of facts (YAML or JSON) from URL"),
	OPT_TEXT(0, "sha256", struct push_opts, sha256, "DIGEST",
		"of that file; needed unless it is https:"),
	OPT_TIME(0, "verify-time", struct push_opts, verify_ms, "TIME",
		"how long facts may take to show on a node", "15s"),
	OPT_FLAG(0, "dry-run", struct push_opts, dry_run,
		"ask nodes what they have, say what would change, and change nothing"),
	OPT_FLAG(0, "diff", struct push_opts, diff, "show what changes on each node"),
	OPT_GROUP(act_options, struct push_opts, act),
	OPT_END,
};

static const enum exit_status push_exits[] = {EXIT_ALL_OK, EXIT_NO_NODES, EXIT_NODE_FAILED,
	EXIT_NO_ANSWER, EXIT_SOME_SILENT, EXIT_STOPPED, EXIT_REFUSED, EXIT_USAGE, EXIT_INPUT,
	EXIT_NO_INPUT, EXIT_UNREACHABLE, EXIT_OUTPUT, EXIT_AUTH, EXIT_CONFIG, EXIT_DEADLINE,
	EXIT_INT, EXIT_TERM, EXIT_LIST_END};

static const struct example push_examples[] = {
	{"deployctl push-facts web01.example.net", "what assign-role has assigned to a node"},
	{"deployctl push-facts --all --dry-run --diff", "what would change, everywhere"},
	{"deployctl push-facts rack=r12 -I 'web[01-09].example.net' --yes",
		"a fact of your own for some nodes"},
	{"deployctl push-facts --from-url https://files.example.net/rack.yaml -F country=de",
		"a file of facts that nodes fetch"},
	{NULL, NULL},
};

static void push_init(void *opts)
{
	struct push_opts *push = opts;

	act_opts_init(&push->act);
	push->verify_ms = PUSHING_VERIFY_MS;
}

static void push_release(void *opts)
{
	act_opts_release(&((struct push_opts *)opts)->act);
}

/* NAME=VALUE among the operands; what is none of these is a node, and moves to the front. */
static int take_facts(json_t **out, struct args *args, struct deploy_error *err)
{
	json_t *facts = json_object();
	int nodes = 0;

	*out = facts;
	for (int i = 0; i < args->count; i++) {
		const char *word = args->values[i], *equals = strchr(word, '=');
		char name[256];

		if (!equals) {
			args->values[nodes++] = args->values[i];
			continue;
		}
		if ((size_t)(equals - word) >= sizeof(name))
			return deploy_error_set(err, DEPLOY_INPUT,
				"%.40s...: the name of a fact is longer than %d bytes", word,
				DEPLOY_FACT_NAME_MAX);
		memcpy(name, word, (size_t)(equals - word));
		name[equals - word] = '\0';
		if (deploy_fact_check_name(name, err) ||
			deploy_fact_check_value(name, equals + 1, err))
			return err->code;
		if (json_object_get(facts, name))
			return deploy_error_set(err, DEPLOY_USAGE, "%s is given twice", name);
		(void)json_object_set_new(facts, name, json_string(equals + 1));
	}
	args->count = nodes;
	return 0;
}

static int check_opts(const struct push_opts *push, const json_t *given, struct deploy_error *err)
{
	if (push->url && json_object_size(given))
		return deploy_error_set(
			err, DEPLOY_USAGE, "NAME=VALUE and --from-url exclude each other");
	if (push->url && push->dry_run)
		return deploy_error_set(err, DEPLOY_USAGE,
			"--dry-run and --from-url exclude each other: what is at a URL is known "
			"only when nodes have fetched it");
	if (push->sha256 && !push->url)
		return deploy_error_set(err, DEPLOY_USAGE, "--sha256 needs --from-url");
	return 0;
}

/* One push: what is given to whom. */
struct push {
	struct ctx *ctx;
	const struct push_opts *opts;
	struct pushing what; /* given, maybe empty, and assigned are owned */
	struct deploy_nodeset *nodes;
};

static bool is_assigned(const struct push *push)
{
	return !push->opts->url && !json_object_size(push->what.given);
}

/* Nodes that are assigned nothing: named ones are a mistake, others are not meant. */
static int leave_unassigned(struct push *push, struct deploy_error *err)
{
	struct deploy_nodeset *without = pushing_unassigned(&push->what, push->nodes);

	if (deploy_nodeset_count(without) && target_nodes(&push->opts->act.target)) {
		(void)pushing_refuse(without, err);
	} else if (deploy_nodeset_count(without)) {
		char *folded = deploy_nodeset_print(without);

		out_note(push->ctx->out, "left out, since nothing is assigned to them: %s", folded);
		deploy_nodeset_subtract(push->nodes, without);
		free(folded);
	}
	deploy_nodeset_free(without);
	return err->code;
}

/* --all of what is assigned: everybody who is, asked by name, so that nobody is forgotten. */
static int find_all_assigned(struct push *push, struct deploy_error *err)
{
	struct deploy_error ignored = {0};
	const char *node;
	json_t *entry;

	if (assigned_read(&push->what.assigned, push->ctx->state, NULL, err))
		return err->code;
	push->nodes = deploy_nodeset_new();
	json_object_foreach(push->what.assigned, node, entry)(void)
		deploy_nodeset_add(push->nodes, node, &ignored);
	if (!deploy_nodeset_count(push->nodes))
		out_note(push->ctx->out,
			"nothing is assigned to anybody; how to: deployctl help assign-role");
	deploy_limit_apply(&push->opts->act.target.limit, push->nodes);
	return 0;
}

static int find_nodes(struct push *push, struct deploy_error *err)
{
	if (ctx_state(push->ctx, true, err))
		return err->code;
	if (is_assigned(push) && push->opts->act.all)
		return find_all_assigned(push, err);
	if (act_find(&push->nodes, push->ctx, &push->opts->act, "deploop", err) ||
		!is_assigned(push))
		return err->code;
	if (assigned_read(&push->what.assigned, push->ctx->state, push->nodes, err))
		return err->code;
	return leave_unassigned(push, err);
}

static int make_act(struct deploy_act **out, const struct push *push, struct deploy_error *err)
{
	const struct push_opts *opts = push->opts;
	const struct deploy_push_options options = {
		.collective = target_collective(push->ctx, &opts->act.target),
		.ttl_s = push->ctx->config->ttl_s,
		.timeout_ms = opts->act.rolling.policy.timeout_ms,
		.verify_ms = opts->verify_ms,
		.url = opts->url,
		.sha256 = opts->sha256,
		.only_compares = opts->dry_run};

	if (deploy_push_new(out, &options, err))
		return err->code;
	(void)pushing_add(&push->what, *out, push->nodes, err);
	if (err->code)
		deploy_act_free(*out);
	return err->code;
}

static int forget(const struct push *push, struct deploy_error *err)
{
	if (push->opts->dry_run)
		return 0;
	return pushing_forget(&push->what, push->ctx->state, push->nodes, err);
}

static int run(struct push *push, struct deploy_act *act, struct deploy_error *err)
{
	const struct act_opts *opts = &push->opts->act;
	struct report report = {.out = push->ctx->out,
		.kind = "push-facts",
		.view = &report_acts,
		.is_act = !push->opts->dry_run,
		.reason = opts->reason,
		.record = pushing_record,
		.record_arg = &push->what,
		.shows_changes = push->opts->diff,
		.goes_on = !push->opts->dry_run,
		.is_filtered = true,
		.empty_ok = opts->target.empty_ok};
	struct deploy_plan *plan = deploy_plan_new();
	struct deploy_task *task = deploy_plan_take_act(plan, act);
	int status;

	task->nodes = deploy_nodeset_copy(push->nodes);
	task->policy = opts->rolling.policy;
	plan->deadline_ms = opts->rolling.run_deadline_ms;
	status = report_run(&report, push->ctx, plan, err);
	deploy_plan_free(plan);
	return status;
}

static int confirm(const struct push *push, struct deploy_error *err)
{
	static const struct confirm_question question = {
		.before = "", .after = " will be given facts"};

	if (push->opts->dry_run || !deploy_nodeset_count(push->nodes))
		return EXIT_ALL_OK;
	return confirm_act(push->ctx, &push->opts->act.confirm, &question,
		deploy_nodeset_count(push->nodes), err);
}

static int find_and_push(struct push *push, struct deploy_error *err)
{
	struct deploy_act *act = NULL;
	int status;

	if (find_nodes(push, err))
		return (int)exit_of_error(err->code);
	status = confirm(push, err);
	if (status != EXIT_ALL_OK)
		return status;
	if (make_act(&act, push, err))
		return (int)exit_of_error(err->code);
	if (target_connect(push->ctx, &push->opts->act.target, err) || forget(push, err)) {
		deploy_act_free(act);
		return (int)exit_of_error(err->code);
	}
	return run(push, act, err);
}

static int push_main(struct ctx *ctx, void *opts, struct args args, struct deploy_error *err)
{
	struct push_opts *options = opts;
	struct push push = {.ctx = ctx,
		.opts = options,
		.what = {.environment = options->environment, .fetches = options->url != NULL}};
	int status;

	rolling_opts_expect(&options->act.rolling, ctx->config, RPCUTIL_TIMEOUT_MS);
	if (take_facts(&push.what.given, &args, err) || check_opts(options, push.what.given, err) ||
		act_settle(&options->act, ctx, args, err))
		status = (int)exit_of_error(err->code);
	else
		status = find_and_push(&push, err);
	json_decref(push.what.given);
	json_decref(push.what.assigned);
	deploy_nodeset_free(push.nodes);
	return status;
}

const struct command cmd_push_facts = {
	.name = "push-facts",
	.group = "act",
	.summary = "give nodes the facts that they are assigned",
	.operands = "[NODE...] [NAME=VALUE...]",
	.description =
		"Gives nodes, through their agent deploop, the facts that assign-role has assigned "
		"to them, and sets their Puppet environment; with NAME=VALUE these facts instead, "
		"with --from-url those of a file that nodes fetch themselves. A value is a set of "
		"words: their order does not matter.\n\n"
		"Each node is asked first what it has. What is as wanted already is left alone; "
		"what was sent is read back until the node itself shows it. A fact that is no "
		"longer assigned is taken away. As soon as one node fails, no further one is "
		"begun, unless --max-fail tolerates it; the same command again goes on where it "
		"stopped, since nodes that have everything are not touched.\n\n"
		"Nodes are named, chosen by a filter, or --all of them: of what is assigned, all "
		"nodes that are assigned something, whether they answer or not.",
	.min_args = 0,
	.max_args = ARGS_ANY,
	.complete = complete_nodes,
	.options = push_options,
	.opts_size = sizeof(struct push_opts),
	.opts_init = push_init,
	.opts_release = push_release,
	.needs = NEED_CONFIG | NEED_BROKER,
	.exits = push_exits,
	.examples = push_examples,
	.main = push_main,
};
