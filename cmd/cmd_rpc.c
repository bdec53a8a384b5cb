/* deployctl rpc — ask an agent on many nodes to do something. */
#include "command.h"
#include "confirm.h"
#include "report.h"
#include "rolling_opts.h"
#include "rpc_complete.h"
#include "target_opts.h"

#include <stdio.h>
#include <string.h>

#define UNSET  (-1)
#define WAY_MS 5000 /* what the way there and back may take, beyond the action itself */

struct rpc_opts {
	struct target_opts target;
	struct rolling_opts rolling;
	int display;
	unsigned ttl_s;
	bool dry_run;
	bool no_results;
	bool sorts; /* as mco has it */
	const char *until_text, *filter_text;
	struct deploy_reply_judge judge; /* until is ours */
	struct deploy_expr *filter;
	struct confirm_opts confirm;
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
	OPT_TEXT(0, "until", struct rpc_opts, until_text, "EXPR",
		"a node is ok when EXPR is true of its reply; else it failed, and is asked again "
		"as --tries says"),
	OPT_TEXT(0, "filter-replies", struct rpc_opts, filter_text, "EXPR",
		"show only replies of which EXPR is true"),
	OPT_CHOICE(0, "display", struct rpc_opts, display, "WHICH", report_display_names,
		"show these replies", "what the action's DDL says, or all; all for programs"),
	OPT_FLAG(0, "sort", struct rpc_opts, sorts,
		"sort replies by node: they are, with or without it"),
	{.type = OPT_IS_PARSED,
		.name = "ttl",
		.offset = offsetof(struct rpc_opts, ttl_s),
		.value = "TIME",
		.parse = parse_ttl,
		.text = "nodes drop the request when it is older",
		.preset = "60s, or ttl of the configuration"},
	{.type = OPT_IS_FLAG,
		.name = "nr",
		.also = "no-results",
		.offset = offsetof(struct rpc_opts, no_results),
		.text = "fire and forget: nodes do it and do not answer; only named nodes, and "
			"those that -x, -1, --limit or --expect need, are known"},
	OPT_FLAG('y', "yes", struct rpc_opts, confirm.says_yes,
		"do not ask before an action without filter on many nodes"),
	OPT_FLAG(0, "no-input", struct rpc_opts, confirm.asks_nothing,
		"ask nothing at the terminal; what would be asked about is done"),
	OPT_FLAG(0, "dry-run", struct rpc_opts, dry_run, "print whom it would ask, and do not"),
	OPT_END,
};

static const enum exit_status rpc_exits[] = {EXIT_ALL_OK, EXIT_NO_NODES, EXIT_NODE_FAILED,
	EXIT_NO_ANSWER, EXIT_SOME_SILENT, EXIT_STOPPED, EXIT_REFUSED, EXIT_USAGE, EXIT_INPUT,
	EXIT_NO_INPUT, EXIT_UNREACHABLE, EXIT_OUTPUT, EXIT_AUTH, EXIT_CONFIG, EXIT_DEADLINE,
	EXIT_INT, EXIT_TERM, EXIT_LIST_END};

static const struct example rpc_examples[] = {
	{"deployctl rpc rpcutil ping", "ask everyone"},
	{"deployctl rpc rpcutil get_fact fact=cluster -F country=de", "an action with an input"},
	{"deployctl rpc rpcutil daemon_stats -C apache --batch 2 --batch-sleep 1s",
		"two nodes at a time"},
	{"deployctl rpc rpcutil get_facts facts=country,cluster -I 'web[01-09].example.net' "
	 "--batch 1,30%,100% --max-fail 0",
		"growing groups, and nothing more as soon as one fails"},
	{"deployctl rpc nrpe runcommand command=check_load -C apache --until 'data.exitcode == 0' "
	 "--tries 10",
		"look every 10 s until the load is fine"},
	{"deployctl rpc rpcutil daemon_stats --filter-replies '#data.threads > 20'",
		"of all that answer show those with many threads"},
	{"deployctl rpc rpcutil ping --nr -C apache",
		"tell all that match, wait for nobody: neither discovery nor answers"},
	{NULL, NULL},
};

/* What waits for answers, or shows them, has nothing to go by if there are none. */
static int check_no_results(const struct rpc_opts *rpc, struct deploy_error *err)
{
	const struct deploy_policy *policy = &rpc->rolling.policy;
	const struct {
		bool is_given;
		const char *option, *why;
	} conflicts[] = {
		{policy->batch_count, "--batch", "a group ends when its nodes have answered"},
		{policy->window, "--window", "the next node is asked when one has answered"},
		{policy->tries > 1, "--tries", "nobody says that it failed"},
		{policy->retries_silent, "--retry-silent", "everybody is silent"},
		{policy->has_max_fail, "--max-fail", "nobody says that it failed"},
		{rpc->until_text != NULL, "--until", "there is nothing that EXPR could be true of"},
		{rpc->display != UNSET, "--display", "there are no replies to show"},
		{rpc->filter_text != NULL, "--filter-replies", "there are no replies to show"},
	};

	for (size_t i = 0; i < sizeof(conflicts) / sizeof(conflicts[0]); i++)
		if (conflicts[i].is_given)
			return deploy_error_set(err, DEPLOY_USAGE,
				"--nr and %s exclude each other: without answers %s",
				conflicts[i].option, conflicts[i].why);
	return 0;
}

/* Options first, then what the configuration adds to them. */
static int settle_policy(
	struct rpc_opts *rpc, const struct deploy_config *config, struct deploy_error *err)
{
	if (rpc->no_results && check_no_results(rpc, err))
		return err->code;
	if (rolling_opts_finish(&rpc->rolling, config, err))
		return err->code;
	if (!rpc->no_results || !rpc->rolling.policy.batch_count)
		return 0;
	deploy_error_hint(err, "DEPLOYCTL_BATCH=0 deployctl rpc ... --nr");
	return deploy_error_set(err, DEPLOY_USAGE,
		"--nr: the configuration asks in groups of %u (batch), and without answers a group "
		"does not end",
		config->default_batch_size);
}

/* A mistake in what was typed is one of usage. */
static int compile(
	struct deploy_expr **out, const char *option, const char *text, struct deploy_error *err)
{
	struct deploy_error why = {0};

	if (!text || deploy_reply_expr_new(out, option, text, &why) == 0)
		return 0;
	return deploy_error_set(err, DEPLOY_USAGE, "%s", why.text);
}

static int settle_expressions(struct rpc_opts *rpc, struct deploy_error *err)
{
	if (compile(&rpc->judge.until, "--until", rpc->until_text, err))
		return err->code;
	return compile(&rpc->filter, "--filter-replies", rpc->filter_text, err);
}

static void rpc_init(void *opts)
{
	target_opts_init(&((struct rpc_opts *)opts)->target);
	rolling_opts_init(&((struct rpc_opts *)opts)->rolling);
	((struct rpc_opts *)opts)->display = UNSET;
}

static void rpc_release(void *opts)
{
	struct rpc_opts *rpc = opts;

	target_opts_release(&rpc->target);
	deploy_reply_judge_release(&rpc->judge);
	deploy_expr_free(rpc->judge.until);
	deploy_expr_free(rpc->filter);
}

/*
 * What the agent's DDL says: *ddl and the action, both NULL without one. A DDL that cannot be read
 * keeps nobody from asking: nodes check inputs, too. Errors: an action that the DDL lacks.
 */
static int find_ddl(struct deploy_ddl **ddl, const struct deploy_ddl_action **action,
	const struct ctx *ctx, struct args args, struct deploy_error *err)
{
	struct deploy_error why = {0};

	*action = NULL;
	if (deploy_ddl_find(
		    ddl, ctx->config->ddl_dirs, ctx->config->ddl_dir_count, args.values[0], &why))
		out_note(ctx->out, "%s; inputs are not checked", why.text);
	else if (!*ddl && ctx->global.verbose)
		out_note(ctx->out, "no DDL of %s in ddl_dirs: inputs are texts, and not checked",
			args.values[0]);
	if (!*ddl)
		return 0;
	*action = deploy_ddl_action(*ddl, args.values[1], &why);
	if (*action)
		return 0;
	deploy_error_hint(err, "deployctl %s %.150s; or, if the nodes' DDL is newer, --ddl-dir DIR",
		why.hint[0] ? "rpc" : "agent doc", why.hint[0] ? why.hint : args.values[0]);
	return deploy_error_set(err, why.code, "%s", why.text);
}

/* Make of a text behind KEY= what the action wants; KEY:=JSON says it itself. */
static int convert_input(json_t *inputs, const struct deploy_ddl_action *action, const char *word,
	struct deploy_error *err)
{
	const char *equals = strchr(word, '=');
	char key[256];
	const struct deploy_ddl_input *input;
	json_t *value = NULL;

	if (equals[-1] == ':')
		return 0;
	(void)snprintf(key, sizeof(key), "%.*s", (int)(equals - word), word);
	input = deploy_ddl_input(action, key);
	if (input && deploy_ddl_convert(&value, input, equals + 1, err) == 0)
		(void)json_object_set_new(inputs, key, value);
	return err->code;
}

/* Nothing is sent that a node would refuse. */
static int check_inputs(const struct ctx *ctx, json_t *inputs,
	const struct deploy_ddl_action *action, struct deploy_error *err)
{
	json_t *warnings = json_array();
	const json_t *warning;
	size_t i;

	(void)deploy_ddl_check(action, inputs, warnings, err);
	json_array_foreach(warnings, i, warning)
		out_note(ctx->out, "%s", json_string_value(warning));
	json_decref(warnings);
	return err->code;
}

static int parse_request(struct deploy_request **out, const struct ctx *ctx, struct args args,
	const struct deploy_ddl_action *action, struct deploy_error *err)
{
	json_t *inputs = json_object();
	int rc = 0;

	for (int i = 2; i < args.count && !rc; i++) {
		rc = deploy_request_parse_input(inputs, args.values[i], err);
		if (!rc && action)
			rc = convert_input(inputs, action, args.values[i], err);
	}
	if (!rc && action)
		rc = check_inputs(ctx, inputs, action, err);
	if (err->code == DEPLOY_INPUT)
		deploy_error_hint(err, "deployctl agent doc %s", args.values[0]);
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
	report.ddl = NULL;
	report.display = DISPLAY_ALL;
	report.limit = rpc->target.limit;
	report.operands.count = 0;
	target_plan_ping(plan, ctx, &rpc->target, report.agent);
	out_note(ctx->out, "dry run: %s %s would be asked of the nodes below, nothing is done",
		report.agent, report.action);
	status = report_run(&report, ctx, plan, err);
	deploy_plan_free(plan);
	return status;
}

static int ask(struct ctx *ctx, struct rpc_opts *rpc, struct report *report,
	struct deploy_request *request, struct deploy_nodeset *found, struct deploy_error *err)
{
	struct deploy_plan *plan = deploy_plan_new();
	int status;

	request->wants_no_reply = rpc->no_results;
	request->ttl_s = rpc->ttl_s ? rpc->ttl_s : ctx->config->ttl_s;
	report->task = (unsigned)target_plan(
		plan, ctx, &rpc->target, request, &rpc->rolling.policy, found);
	report->filter = rpc->filter;
	if (rpc->judge.until)
		plan->tasks[report->task]->judge =
			(struct deploy_judge){deploy_reply_judge, &rpc->judge};
	plan->deadline_ms = rpc->rolling.run_deadline_ms;
	status = report_run(report, ctx, plan, err);
	deploy_plan_free(plan);
	return status;
}

/* Without a filter everyone is meant, which may be more than one thinks. */
static int confirm_and_ask(struct ctx *ctx, struct rpc_opts *rpc, struct report *report,
	struct deploy_request *request, struct deploy_error *err)
{
	char before[600];
	const struct confirm_question question = {
		.before = before, .after = ", there is no filter", .is_for_many_only = true};
	struct deploy_nodeset *found = NULL;
	int status = EXIT_ALL_OK;

	(void)snprintf(before, sizeof(before), "%.255s %.255s will be asked of all ", report->agent,
		report->action);
	if (!target_is_filtered(&rpc->target))
		status = confirm_nodes(
			&found, ctx, &rpc->confirm, &question, &rpc->target, report->agent, err);
	if (status == EXIT_ALL_OK)
		status = ask(ctx, rpc, report, request, found, err);
	else
		deploy_request_free(request);
	deploy_nodeset_free(found);
	return status;
}

/* --display, or what the DDL says for people. Programs and nodes' names are never left out unasked.
 */
static int settle_display(
	const struct ctx *ctx, const struct rpc_opts *rpc, const struct deploy_ddl_action *action)
{
	static const int displays[] = {[DEPLOY_DISPLAY_FAILED] = DISPLAY_FAILED,
		[DEPLOY_DISPLAY_OK] = DISPLAY_OK,
		[DEPLOY_DISPLAY_ALWAYS] = DISPLAY_ALL};

	if (rpc->display != UNSET)
		return rpc->display;
	if (rpc->no_results)
		return DISPLAY_ALL;
	return action && out_is_for_people(ctx->out) ? displays[action->display] : DISPLAY_ALL;
}

static int rpc_main(struct ctx *ctx, void *opts, struct args args, struct deploy_error *err)
{
	struct rpc_opts *rpc = opts;
	struct deploy_request *request = NULL;
	const struct deploy_ddl_action *action = NULL;
	struct deploy_ddl *ddl = NULL;
	struct report report = {.out = ctx->out,
		.kind = "rpc",
		.is_act = true,
		.view = &report_replies,
		.agent = args.values[0],
		.action = args.values[1],
		.operands = args,
		.global = &ctx->global,
		.collective = rpc->target.collective,
		.is_filtered = target_is_filtered(&rpc->target),
		.empty_ok = rpc->target.empty_ok,
		.no_results = rpc->no_results && !rpc->dry_run};
	int status;

	if (find_ddl(&ddl, &action, ctx, args, err) == 0 && ddl && ddl->timeout_s)
		rolling_opts_expect(&rpc->rolling, ctx->config, ddl->timeout_s * 1000LL + WAY_MS);
	report.ddl = action;
	report.display = settle_display(ctx, rpc, action);
	report.until = rpc->until_text;
	if (err->code || settle_policy(rpc, ctx->config, err) || settle_expressions(rpc, err) ||
		target_settle(&rpc->target, ctx, err) ||
		parse_request(&request, ctx, args, action, err) ||
		target_connect(ctx, &rpc->target, err)) {
		status = exit_of_error(err->code);
		deploy_request_free(request);
	} else if (rpc->dry_run) {
		status = dry_run(ctx, rpc, &report, err);
		deploy_request_free(request);
	} else {
		status = confirm_and_ask(ctx, rpc, &report, request, err);
	}
	deploy_ddl_free(ddl);
	return status;
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
		"KEY=VALUE gives the action an input, KEY:=JSON as any JSON value (force:=true, "
		"count:=3). If the agent's DDL is known on this machine (deployctl agent list), "
		"VALUE becomes what the action wants, and what a node would refuse is not sent; "
		"without one it is a text. Named nodes (-I without a regular expression) are asked "
		"directly, without discovery.\n\n"
		"EXPR is a Lua expression that sees node, data, statuscode and statusmsg of a "
		"reply, "
		"with the functions that deployctl-plan(5) lists. --until has the last word, also "
		"on an action that failed by itself (1), but not if it was not carried out (2 to "
		"5); an EXPR that cannot be evaluated makes the node failed. --filter-replies "
		"changes neither counts nor status, and hides no node that did not answer; -o "
		"jsonl tells every event, whatever is shown.\n\n"
		"A node that was asked and did not answer is silent, and one that the broker has "
		"no "
		"queue for is not connected; neither is ok, and both keep the exit status from "
		"being 0.\n\n"
		"With --nr (mco's --no-results) nodes do it and do not answer: what became of them "
		"is unknown, and the status is 0 when the broker says, within the time of -t, that "
		"it has the request, and no named node is not connected. Without names it goes to "
		"whoever matches the filter, and nobody is discovered; -x, -1, --limit and "
		"--expect need the names, and discover them.",
	.min_args = 2,
	.max_args = ARGS_ANY,
	.options = rpc_options,
	.opts_size = sizeof(struct rpc_opts),
	.opts_init = rpc_init,
	.opts_release = rpc_release,
	.needs = NEED_CONFIG | NEED_BROKER,
	.complete = rpc_complete,
	.exits = rpc_exits,
	.examples = rpc_examples,
	.main = rpc_main,
};
