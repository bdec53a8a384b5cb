/* deployctl discover — which nodes there are. */
#include <stdlib.h>
#include <string.h>

#include "cached.h"
#include "command.h"
#include "discover_why.h"
#include "report.h"
#include "target_opts.h"

struct discover_opts {
	struct target_opts target;
	long long timeout_ms; /* for what rpcutil is asked */
	json_t *agents;	      /* array; NULL unless --check-agents */
	const char *why;
	bool folds, is_new, is_registered, is_cached;
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
	OPT_FLAG(0, "new", struct discover_opts, is_new,
		"only nodes that do not show collection and role among their facts"),
	OPT_FLAG(0, "registered", struct discover_opts, is_registered,
		"only nodes that do, with the facts of their role"),
	OPT_FLAG(0, "cached", struct discover_opts, is_cached,
		"ask nobody: show what earlier runs have learnt, with its age"),
	OPT_END,
};

static const enum exit_status discover_exits[] = {EXIT_ALL_OK, EXIT_NO_NODES, EXIT_NODE_FAILED,
	EXIT_NO_ANSWER, EXIT_SOME_SILENT, EXIT_USAGE, EXIT_INPUT, EXIT_NO_INPUT, EXIT_UNREACHABLE,
	EXIT_OUTPUT, EXIT_AUTH, EXIT_CONFIG, EXIT_INT, EXIT_TERM, EXIT_LIST_END};

static const struct example discover_examples[] = {
	{"deployctl discover -F country=de", "one name a line, sorted"},
	{"deployctl discover --fold -C apache",
		"the same as one node set, for -I of other commands"},
	{"deployctl discover -S '(apache or os=/^deb/) and not country=de'",
		"whatever -F and -C together cannot say"},
	{"deployctl discover -o wide", "what each node has: agents, collectives, classes, facts"},
	{"deployctl discover --new", "machines that have joined and have no role yet"},
	{"deployctl discover --registered -o json", "who has which role, as nodes say it"},
	{"deployctl discover --cached -C apache", "who is known to match, without the broker"},
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
	if (discover->is_new && discover->is_registered)
		return deploy_error_set(
			err, DEPLOY_USAGE, "--new and --registered exclude each other");
	if ((discover->is_registered || discover->is_cached) && (discover->why || discover->agents))
		return deploy_error_set(err, DEPLOY_USAGE, "%s and %s exclude each other",
			discover->is_cached ? "--cached" : "--registered",
			discover->why ? "--why" : "--check-agents");
	if ((discover->is_new || discover->is_registered) && !discover->is_cached && target->list)
		return deploy_error_set(err, DEPLOY_USAGE,
			"a list of nodes does not go with --new and --registered: those need "
			"discovery, or --cached");
	if (!discover->why)
		return 0;
	if (target->limit.amount.value)
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
		if (!target_nodes(&discover->target))
			target_plan_ping(plan, ctx, &discover->target, NULL);
		report.limit = (struct deploy_limit){.has_seed = false};
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

/* Nodes judge it themselves, together with the rest of the filter. */
static int add_role_term(
	const struct ctx *ctx, struct discover_opts *discover, struct deploy_error *err)
{
	const char *collection = ctx->config->role_facts[DEPLOY_ROLE_COLLECTION];
	const char *role = ctx->config->role_facts[DEPLOY_ROLE_ROLE];
	size_t size = strlen(collection) + strlen(role) + 32;
	char *text;
	int rc;

	if (!discover->is_new && !discover->is_registered)
		return 0;
	text = out_resize(NULL, size);
	(void)snprintf(text, size, "%s( %s=/./ and %s=/./ )", discover->is_new ? "not " : "",
		collection, role);
	rc = deploy_filter_add_compound(&discover->target.filter, text, err);
	free(text);
	return rc;
}

static int list_registered(
	struct ctx *ctx, const struct discover_opts *discover, struct deploy_error *err)
{
	char *const *names = ctx->config->role_facts;
	struct report report = {.out = ctx->out,
		.kind = "discover",
		.view = &report_roles,
		.agent = "rpcutil",
		.action = "get_facts",
		.folds = discover->folds,
		.role_facts = names,
		.is_filtered = true,
		.empty_ok = discover->target.empty_ok};
	struct deploy_plan *plan = deploy_plan_new();
	struct deploy_request *request = NULL;
	json_t *inputs = json_pack("{s:o}", "facts",
		json_sprintf("%s,%s,%s,%s", names[DEPLOY_ROLE_COLLECTION],
			names[DEPLOY_ROLE_CATEGORY], names[DEPLOY_ROLE_ROLE],
			names[DEPLOY_ROLE_ENTITY]));
	int status = EXIT_USAGE;

	target_plan_discovery(plan, ctx, &discover->target, "rpcutil");
	if (!deploy_request_new(&request, "rpcutil", "get_facts", inputs, err)) {
		report.task = (unsigned)target_plan_further(
			plan, ctx, &discover->target, request, discover->timeout_ms);
		status = report_run(&report, ctx, plan, err);
	}
	json_decref(inputs);
	deploy_plan_free(plan);
	return status;
}

static int list_cached(
	struct ctx *ctx, const struct discover_opts *discover, struct deploy_error *err)
{
	struct report report = {.out = ctx->out,
		.kind = "discover",
		.view = &report_roles,
		.agent = "rpcutil",
		.action = "get_facts",
		.folds = discover->folds,
		.is_cached = true,
		.role_facts = discover->is_registered ? ctx->config->role_facts : NULL,
		.empty_ok = discover->target.empty_ok};
	const struct cached cached = {.target = &discover->target,
		.roles = discover->is_new	   ? CACHED_NEW
			 : discover->is_registered ? CACHED_REGISTERED
						   : CACHED_ANY};

	return cached_report(&report, ctx, &cached, err);
}

static int discover_main(struct ctx *ctx, void *opts, struct args args, struct deploy_error *err)
{
	struct discover_opts *discover = opts;

	(void)args;
	if (target_settle(&discover->target, ctx, err) || check_opts(discover, err))
		return exit_of_error(err->code);
	if (discover->is_cached)
		return list_cached(ctx, discover, err);
	if (add_role_term(ctx, discover, err) || target_connect(ctx, &discover->target, err))
		return exit_of_error(err->code);
	if (discover->is_registered)
		return list_registered(ctx, discover, err);
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
		"Facts called deploop_collection, deploop_category, deploop_role and "
		"deploop_entity "
		"(role_facts of the configuration names others) say what a node is for: "
		"--registered lists nodes that show collection and role, --new those that do "
		"not. With --cached nobody is asked: nodes are judged by what earlier runs have "
		"learnt of them, which inventory learns whole; those of which too little is known "
		"are left out, and counted on stderr.\n\n"
		"With --check-agents the nodes that lack one of the agents are listed, and the "
		"status is 2 if there are any; nodes that do not say what they have are silent. "
		"With --why the node itself is asked what it is, every term of the filter is "
		"judged by the rules that nodes follow, and the node's own answer to the whole "
		"filter stands below; the status is 1 if it does not match.\n\n"
		"An expression of -S consists of statements, and, or, not (also !) and "
		"parentheses, and means what it means to mco; not binds more than and, and that "
		"more than or. A statement is a class, a /regex/ that a class matches, or "
		"FACT=VALUE with = < <= > >= or FACT=/regex/; instead of != write not "
		"FACT=VALUE. Blanks within a value, and words like and, are quoted: "
		"motto='a b'. A /regex/ at the beginning of a word runs to the next blank, so "
		"leave one before a parenthesis: (apache or /^web/ ).\n\n"
		"A statement may also be a function of a data plugin that nodes have, "
		"fstat('/etc/motd').size>0, its parameters quoted, with = != < <= > >= or "
		"=/regex/ !=/regex/. Nodes take their time for these: each function adds a "
		"second (service: three) to both --dt and --window-time. On a node that does "
		"not have the function the whole expression does not hold, negated or not.",
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
