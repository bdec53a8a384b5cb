/* deployctl puppet — run nodes' Puppet agents, let them run or not, and see what they do. */
#include "act_opts.h"
#include "command.h"
#include "completion.h"
#include "report.h"

#include <string.h>

#define WINDOW	10 /* catalogs that Puppet Server compiles at the same time */
#define MESSAGE "disabled with deployctl"

enum deed { RUN, ENABLE, DISABLE, STATUS };

static const struct choice deeds[] = {{"run", "one run, followed to its end"},
	{"enable", "let Puppet run again"}, {"disable", "let Puppet run no more"},
	{"status", "what it is doing, and when it last ran"}, {NULL, NULL}};

struct puppet_opts {
	struct act_opts act;
	bool noop, force, uses_cached_catalog;
	const char *tags, *environment, *message;
	long long splay_ms, idle_ms, run_ms;
};

static const struct opt puppet_options[] = {
	OPT_FLAG(0, "noop", struct puppet_opts, noop,
		"run: change nothing, tell how much would be changed"),
	OPT_TEXT(0, "tags", struct puppet_opts, tags, "TAGS",
		"run: only resources with one of these tags, separated by commas"),
	OPT_TEXT(0, "environment", struct puppet_opts, environment, "NAME",
		"run: in this environment instead of the node's own"),
	OPT_FLAG(0, "use-cached-catalog", struct puppet_opts, uses_cached_catalog,
		"run: apply the catalog of the last run again"),
	OPT_TIME(0, "splay", struct puppet_opts, splay_ms, "TIME",
		"run: each node first waits a random time, at most TIME", NULL),
	OPT_FLAG('f', "force", struct puppet_opts, force,
		"run: without such a wait; so it is, with or without it"),
	OPT_TIME(0, "idle-time", struct puppet_opts, idle_ms, "TIME",
		"run: how long a node may take to end a run that goes on already", "10m"),
	OPT_TIME(0, "run-time", struct puppet_opts, run_ms, "TIME", "run: how long a run may take",
		"30m"),
	OPT_TEXT('m', "message", struct puppet_opts, message, "TEXT",
		"disable: with this message, which nodes show, instead of --reason; enable: only "
		"nodes that are disabled with it"),
	OPT_GROUP(act_options, struct puppet_opts, act),
	OPT_END,
};

static const enum exit_status puppet_exits[] = {EXIT_ALL_OK, EXIT_NO_NODES, EXIT_NODE_FAILED,
	EXIT_NO_ANSWER, EXIT_SOME_SILENT, EXIT_STOPPED, EXIT_REFUSED, EXIT_USAGE, EXIT_INPUT,
	EXIT_NO_INPUT, EXIT_UNREACHABLE, EXIT_OUTPUT, EXIT_AUTH, EXIT_CONFIG, EXIT_DEADLINE,
	EXIT_INT, EXIT_TERM, EXIT_LIST_END};

static const struct example puppet_examples[] = {
	{"deployctl puppet run -C apache --window 5", "five at a time, each followed to its end"},
	{"deployctl puppet run web01.example.net --noop", "how much would be changed"},
	{"deployctl puppet disable -F cluster=bravo -m 'disk is being changed'",
		"no run until somebody enables it"},
	{"deployctl puppet enable -F cluster=bravo -m 'disk is being changed'",
		"but not those that somebody else has disabled"},
	{"deployctl puppet status --all", "what each node does"},
	{NULL, NULL},
};

static void puppet_init(void *opts)
{
	struct puppet_opts *puppet = opts;

	act_opts_init(&puppet->act);
	/* One node's catalog says little about the next one's. */
	puppet->act.rolling.policy.has_max_fail = false;
}

static void puppet_release(void *opts)
{
	act_opts_release(&((struct puppet_opts *)opts)->act);
}

static struct choice puppet_first_operand(size_t index)
{
	return deeds[index];
}

static int parse_deed(enum deed *out, const char *word, struct deploy_error *err)
{
	const char *names[4], *meant;

	for (size_t i = 0; deeds[i].name; i++) {
		names[i] = deeds[i].name;
		*out = (enum deed)i;
		if (strcmp(deeds[i].name, word) == 0)
			return 0;
	}
	meant = deploy_text_suggest(word, names, 4);
	if (meant)
		deploy_error_hint(err, "deployctl puppet %s", meant);
	return deploy_error_set(
		err, DEPLOY_USAGE, "\"%s\" is none of run, enable, disable, status", word);
}

/* An option that would have no effect is a mistake. */
static int check_opts(enum deed deed, const struct puppet_opts *opts, struct deploy_error *err)
{
	bool is_of_run = opts->noop || opts->tags || opts->environment || opts->force ||
			 opts->uses_cached_catalog || opts->splay_ms || opts->idle_ms ||
			 opts->run_ms;

	if (deed != RUN && is_of_run)
		return deploy_error_set(err, DEPLOY_USAGE,
			"--noop, --tags, --environment, --use-cached-catalog, --splay, --force, "
			"--idle-time and --run-time are of puppet run, not of puppet %s",
			deeds[deed].name);
	if (deed != ENABLE && deed != DISABLE && opts->message)
		return deploy_error_set(err, DEPLOY_USAGE,
			"--message is of puppet disable and enable, not of puppet %s",
			deeds[deed].name);
	if (opts->force && opts->splay_ms)
		return deploy_error_set(
			err, DEPLOY_USAGE, "--force and --splay exclude each other");
	return 0;
}

static int make_act(struct deploy_act **out, enum deed deed, const struct ctx *ctx,
	const struct puppet_opts *opts, struct deploy_error *err)
{
	const char *collective = target_collective(ctx, &opts->act.target);
	long long timeout_ms = opts->act.rolling.policy.timeout_ms;
	const struct deploy_puppet_run_options run = {.collective = collective,
		.ttl_s = ctx->config->ttl_s,
		.timeout_ms = timeout_ms,
		.idle_ms = opts->idle_ms,
		.run_ms = opts->run_ms,
		.splay_ms = opts->splay_ms,
		.noop = opts->noop,
		.uses_cached_catalog = opts->uses_cached_catalog,
		.tags = opts->tags,
		.environment = opts->environment};
	struct deploy_puppet_switch_options change = {.collective = collective,
		.ttl_s = ctx->config->ttl_s,
		.timeout_ms = timeout_ms,
		.enables = deed == ENABLE,
		.message = opts->message};

	if (deed == RUN)
		return deploy_puppet_run_new(out, &run, err);
	if (deed == DISABLE && !change.message)
		change.message = opts->act.reason ? opts->act.reason : MESSAGE;
	return deploy_puppet_switch_new(out, &change, err);
}

static int confirm(struct ctx *ctx, enum deed deed, const struct puppet_opts *opts,
	const struct deploy_nodeset *nodes, struct deploy_error *err)
{
	static const struct confirm_question questions[] = {
		[RUN] = {.before = "Puppet will run on ", .after = ""},
		[DISABLE] = {.before = "Puppet will be disabled on ", .after = ""}};

	if (deed == ENABLE || !deploy_nodeset_count(nodes))
		return EXIT_ALL_OK;
	return confirm_act(
		ctx, &opts->act.confirm, &questions[deed], deploy_nodeset_count(nodes), err);
}

/* Only a whole run that changes things says how far a node has come. */
static const char *kind_of(enum deed deed, const struct puppet_opts *opts)
{
	static const char *const kinds[] = {[RUN] = DEPLOY_PUPPET_RUN,
		[ENABLE] = "puppet enable",
		[DISABLE] = "puppet disable",
		[STATUS] = "puppet status"};

	if (deed == RUN && opts->noop)
		return "puppet noop";
	return deed == RUN && opts->tags ? "puppet tags" : kinds[deed];
}

/* plan is freed; its one task, or last one, is what is reported. */
static int run(struct ctx *ctx, enum deed deed, const struct puppet_opts *opts,
	struct deploy_plan *plan, struct deploy_error *err)
{
	struct report report = {.out = ctx->out,
		.kind = kind_of(deed, opts),
		.agent = "puppet",
		.action = deed == RUN ? "runonce" : deeds[deed].name,
		.view = deed == STATUS ? &report_puppet : &report_acts,
		.task = (unsigned)plan->task_count - 1,
		.is_act = deed != STATUS,
		.reason = opts->act.reason,
		.is_filtered = target_is_filtered(&opts->act.target),
		.empty_ok = opts->act.target.empty_ok};
	int status;

	plan->deadline_ms = opts->act.rolling.run_deadline_ms;
	status = report_run(&report, ctx, plan, err);
	deploy_plan_free(plan);
	return status;
}

/* act is taken over. */
static int carry_out(struct ctx *ctx, enum deed deed, const struct puppet_opts *opts,
	struct deploy_act *act, const struct deploy_nodeset *nodes, struct deploy_error *err)
{
	struct deploy_plan *plan;
	struct deploy_task *task;
	int status = confirm(ctx, deed, opts, nodes, err);

	if (status == EXIT_ALL_OK && target_connect(ctx, &opts->act.target, err))
		status = (int)exit_of_error(err->code);
	if (status != EXIT_ALL_OK) {
		deploy_act_free(act);
		return status;
	}
	plan = deploy_plan_new();
	task = deploy_plan_take_act(plan, act);
	task->nodes = deploy_nodeset_copy(nodes);
	task->policy = opts->act.rolling.policy;
	if (strcmp(kind_of(deed, opts), DEPLOY_PUPPET_RUN) == 0)
		task->deed = DEPLOY_PUPPET_RUN;
	return run(ctx, deed, opts, plan, err);
}

static int change(
	struct ctx *ctx, enum deed deed, const struct puppet_opts *opts, struct deploy_error *err)
{
	struct deploy_nodeset *nodes = NULL;
	struct deploy_act *act = NULL;
	int status;

	/* What makes no sense is told before anybody is asked. */
	if (make_act(&act, deed, ctx, opts, err))
		return (int)exit_of_error(err->code);
	if (act_find(&nodes, ctx, &opts->act, "puppet", err)) {
		deploy_act_free(act);
		return (int)exit_of_error(err->code);
	}
	status = carry_out(ctx, deed, opts, act, nodes, err);
	deploy_nodeset_free(nodes);
	return status;
}

static int show_status(struct ctx *ctx, const struct puppet_opts *opts, struct deploy_error *err)
{
	struct deploy_request *request = NULL;
	struct deploy_plan *plan;

	if (deploy_request_new(&request, "puppet", "status", NULL, err) ||
		target_connect(ctx, &opts->act.target, err)) {
		deploy_request_free(request);
		return (int)exit_of_error(err->code);
	}
	request->ttl_s = ctx->config->ttl_s;
	plan = deploy_plan_new();
	(void)target_plan(plan, ctx, &opts->act.target, request, &opts->act.rolling.policy, NULL);
	return run(ctx, STATUS, opts, plan, err);
}

static int puppet_main(struct ctx *ctx, void *options, struct args args, struct deploy_error *err)
{
	struct puppet_opts *opts = options;
	struct args nodes = {args.count - 1, args.values + 1};
	enum deed deed;

	rolling_opts_expect(&opts->act.rolling, ctx->config, PUPPET_TIMEOUT_MS);
	if (parse_deed(&deed, args.values[0], err) || check_opts(deed, opts, err) ||
		act_settle(&opts->act, ctx, nodes, err))
		return (int)exit_of_error(err->code);
	if (deed == RUN && !opts->act.rolling.policy.batch_count &&
		!opts->act.rolling.policy.window)
		opts->act.rolling.policy.window = WINDOW;
	return deed == STATUS ? show_status(ctx, opts, err) : change(ctx, deed, opts, err);
}

static void puppet_complete(struct completion *completion, struct args operands)
{
	if (operands.count)
		completion_offer_nodes(completion, 0);
}

const struct command cmd_puppet = {
	.name = "puppet",
	.group = "act",
	.summary = "run Puppet on nodes, and prove it",
	.operands = "run|enable|disable|status [NODE...]",
	.description =
		"run starts Puppet on the nodes, 10 at a time unless --window or --batch says "
		"otherwise, and follows each one to its end. A node that is in the middle of a run "
		"is waited for; one that is disabled is left alone, and failed. A run is ok only "
		"if it is known to be the one that was started here, by the node's own clock, and "
		"if it applied a catalog that was compiled for it, without a failure. A catalog "
		"that did not compile, or came from the node's cache, is a failure; what cannot be "
		"told is unknown, never ok. Nodes whose agent runs as a daemon take no options: "
		"with --noop, --tags or --environment they refuse, and nothing is done.\n\n"
		"disable keeps Puppet from running, with a message that nodes show; who is "
		"disabled already with another message keeps that one, and is failed. enable lets "
		"Puppet run again; with --message only where that is the message. What is as "
		"wanted already is left alone. status shows what each node does, when its last run "
		"ended, and with which message it is disabled.\n\n"
		"Nodes are named, chosen by a filter, or --all of them. run and disable ask "
		"before they act.",
	.min_args = 1,
	.max_args = ARGS_ANY,
	.first_operand = puppet_first_operand,
	.complete = puppet_complete,
	.options = puppet_options,
	.opts_size = sizeof(struct puppet_opts),
	.opts_init = puppet_init,
	.opts_release = puppet_release,
	.needs = NEED_CONFIG | NEED_BROKER,
	.exits = puppet_exits,
	.examples = puppet_examples,
	.main = puppet_main,
};
