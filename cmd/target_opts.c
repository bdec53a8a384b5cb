/* -F -C -A -I -W -S -T -x and the times of discovery. */
#include "target_opts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define UNSET (-1)

static int parse_fact(void *field, const char *text, struct deploy_error *err)
{
	return deploy_filter_add_fact(field, text, err);
}

static int parse_class(void *field, const char *text, struct deploy_error *err)
{
	return deploy_filter_add_class(field, text, err);
}

static int parse_agent(void *field, const char *text, struct deploy_error *err)
{
	return deploy_filter_add_agent(field, text, err);
}

static int parse_identity(void *field, const char *text, struct deploy_error *err)
{
	return deploy_filter_add_identity(field, text, err);
}

static int parse_with(void *field, const char *text, struct deploy_error *err)
{
	return deploy_filter_add_with(field, text, err);
}

static int parse_select(void *field, const char *text, struct deploy_error *err)
{
	return deploy_filter_add_compound(field, text, err);
}

static int parse_exclude(void *field, const char *text, struct deploy_error *err)
{
	struct deploy_nodeset **exclude = field;

	if (!*exclude)
		*exclude = deploy_nodeset_new();
	if (deploy_nodeset_parse(*exclude, text, err))
		err->code = DEPLOY_USAGE;
	return err->code;
}

enum { METHOD_MC, METHOD_FLATFILE, METHOD_STDIN };
static const char *const method_names[] = {"mc", "flatfile", "stdin", NULL};

const struct opt target_options[] = {
	OPT_PARSED('F', "with-fact", struct target_opts, filter, "FACT=VALUE", parse_fact, true,
		"nodes whose fact compares so: = != < <= > >= =~ /regex/"),
	OPT_PARSED('C', "with-class", struct target_opts, filter, "CLASS", parse_class, true,
		"nodes that have the class, or one that matches /regex/"),
	OPT_PARSED('A', "with-agent", struct target_opts, filter, "AGENT", parse_agent, true,
		"nodes that have the agent, or one that matches /regex/"),
	OPT_PARSED('I', "with-identity", struct target_opts, filter, "NODES", parse_identity, true,
		"these nodes: web[01-20].example.net, or /regex/"),
	OPT_PARSED('W', "with", struct target_opts, filter, "WORDS", parse_with, true,
		"facts and classes in one text, separated by blanks"),
	OPT_PARSED('S', "select", struct target_opts, filter, "EXPRESSION", parse_select, true,
		"nodes for which it holds: (apache or os=/^deb/) and not country=de; see "
		"deployctl-discover(1)"),
	OPT_PARSED('x', "exclude", struct target_opts, exclude, "NODES", parse_exclude, true,
		"but not these nodes"),
	OPT_TEXT(0, "nodes", struct target_opts, list_path, "FILE",
		"the nodes that FILE names, or stdin (-): text, or what -j, -o json, -o yaml "
		"printed; nobody is discovered"),
	OPT_TEXT(0, "retry", struct target_opts, retry, "RUN[:STATE]",
		"the nodes that were not ok in an earlier run, or of these those that were failed, "
		"silent or unknown; nobody is discovered"),
	OPT_CHOICE(0, "dm", struct target_opts, method, "METHOD", method_names,
		"how nodes are found: mc asks them, flatfile and stdin read a list", "mc"),
	OPT_TEXT(0, "do", struct target_opts, method_option, "FILE", "the list of --dm flatfile"),
	OPT_NUMBER(0, "expect", struct target_opts, expected, "N", 1, DEPLOY_MAX_NODES,
		"discovery ends as soon as N nodes have answered", NULL),
	OPT_TEXT('T', "target", struct target_opts, collective, "COLLECTIVE",
		"use this collective instead of the main one"),
	OPT_TIME(0, "dt", struct target_opts, discovery_ms, "TIME", "discover for at most TIME",
		"2s, or discovery_timeout of the configuration"),
	OPT_TIME(0, "window-time", struct target_opts, window_ms, "TIME",
		"discovery ends when no node answered for TIME",
		"300ms, or window_time of the configuration"),
	OPT_TIME(0, "connection-timeout", struct target_opts, connection_ms, "TIME",
		"give each broker TIME to answer",
		"5s, or connection_timeout of the configuration"),
	OPT_FLAG(0, "empty-ok", struct target_opts, empty_ok,
		"exit with 0 instead of 1 if no node matches"),
	OPT_END,
};

static int parse_limit(void *field, const char *text, struct deploy_error *err)
{
	return deploy_amount_parse(field, text, false, err);
}

/* mco's numbers are any; more than 64 bits of one nobody has needed. */
static int parse_seed(void *field, const char *text, struct deploy_error *err)
{
	struct deploy_limit *limit = field;
	char *end;

	errno = 0;
	limit->seed = strtoll(text, &end, 10);
	limit->has_seed = true;
	if (errno || end == text || *end || !strchr("-0123456789", *text))
		return deploy_error_set(err, DEPLOY_USAGE, "\"%s\" is no whole number", text);
	return 0;
}

const struct opt limit_options[] = {
	OPT_FLAG('1', "one", struct target_opts, is_one, "only one node, the first by name"),
	{.type = OPT_IS_PARSED,
		.name = "limit",
		.also = "limit-nodes,limit-targets",
		.offset = offsetof(struct target_opts, limit.amount),
		.value = "N|N%",
		.parse = parse_limit,
		.text = "only N nodes, or N% of them (rounded down, at least one), the first by "
			"name"},
	OPT_PARSED(0, "limit-seed", struct target_opts, limit, "NUMBER", parse_seed, false,
		"choose the nodes for --limit at random: the same NUMBER, the same nodes, here and "
		"with mco"),
	OPT_END,
};

/* mco's way to say --nodes. */
static int settle_method(struct target_opts *target, struct deploy_error *err)
{
	if (target->method != METHOD_MC && target->list_path)
		return deploy_error_set(err, DEPLOY_USAGE, "--nodes and --dm exclude each other");
	if (target->method == METHOD_FLATFILE && !target->method_option)
		return deploy_error_set(err, DEPLOY_USAGE,
			"--dm flatfile needs the file: --do FILE, or --nodes FILE");
	if (target->method_option && target->method == METHOD_MC)
		return deploy_error_set(
			err, DEPLOY_USAGE, "--do belongs to --dm flatfile and --dm stdin");
	if (target->method == METHOD_FLATFILE)
		target->list_path = target->method_option;
	if (target->method == METHOD_STDIN)
		target->list_path = "-";
	return 0;
}

/* Nodes of an earlier run: those that were not ok, or one state of these. */
struct retry {
	struct deploy_nodeset *nodes;
	bool has_state;
	enum deploy_outcome_state state;
};

static int take_outcome(void *arg, const struct deploy_outcome_record *record)
{
	struct retry *retry = arg;
	enum deploy_outcome_state state =
		record->is_known ? record->outcome.state : DEPLOY_OUTCOME_UNKNOWN;
	struct deploy_error ignored = {0};

	if (!record->is_last || state == DEPLOY_OUTCOME_OK || state == DEPLOY_OUTCOME_SKIPPED ||
		(retry->has_state && state != retry->state))
		return 0;
	return deploy_nodeset_add(retry->nodes, record->node, &ignored);
}

static int parse_retry(struct retry *retry, const char *colon, struct deploy_error *err)
{
	static const enum deploy_outcome_state states[] = {
		DEPLOY_OUTCOME_FAILED, DEPLOY_OUTCOME_SILENT, DEPLOY_OUTCOME_UNKNOWN};

	for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
		if (strcmp(colon + 1, deploy_outcome_state_name(states[i])) == 0) {
			retry->has_state = true;
			retry->state = states[i];
			return 0;
		}
	}
	return deploy_error_set(err, DEPLOY_USAGE,
		"--retry: \"%.40s\" is none of failed, silent, unknown", colon + 1);
}

static int read_retry(struct target_opts *target, struct ctx *ctx, struct deploy_error *err)
{
	const char *colon = strchr(target->retry, ':');
	size_t len = colon ? (size_t)(colon - target->retry) : strlen(target->retry);
	struct retry retry = {.nodes = target->list};
	char prefix[DEPLOY_RUN_ID_SIZE + 1], id[DEPLOY_RUN_ID_SIZE];
	const struct deploy_outcome_query query = {.run = id};

	if (colon && parse_retry(&retry, colon, err))
		return err->code;
	(void)snprintf(prefix, sizeof(prefix), "%.*s",
		(int)(len < sizeof(prefix) ? len : sizeof(prefix) - 1), target->retry);
	if (ctx_state(ctx, true, err) || deploy_state_find_run(id, ctx->state, prefix, err) ||
		deploy_state_each_outcome(ctx->state, &query, take_outcome, &retry, err))
		return err->code;
	if (deploy_nodeset_count(target->list))
		return 0;
	return deploy_error_set(err, DEPLOY_NO_NODES, "run %s: no node was %s", id,
		colon ? colon + 1 : "failed, silent or unknown");
}

/* Of a list only names can be compared: what nodes are is not known. */
static int read_list(struct target_opts *target, struct ctx *ctx, struct deploy_error *err)
{
	const struct deploy_filter *filter = &target->filter;

	if (filter->fact_count || filter->class_count || filter->agent_count ||
		filter->compound_count)
		return deploy_error_set(err, DEPLOY_USAGE,
			"a list of nodes goes with -I and -x, not with -F, -C, -A, -S: those need "
			"discovery");
	if (filter->identity_count)
		return deploy_error_set(err, DEPLOY_USAGE,
			"a list of nodes goes with names in -I, not with /regex/");
	target->list = deploy_nodeset_new();
	if (target->retry ? read_retry(target, ctx, err)
			  : deploy_nodelist_read(target->list, target->list_path, err))
		return err->code;
	if (filter->nodes)
		deploy_nodeset_intersect(target->list, filter->nodes);
	return 0;
}

int target_settle(struct target_opts *target, struct ctx *ctx, struct deploy_error *err)
{
	if (target->is_one && target->limit.amount.value)
		return deploy_error_set(err, DEPLOY_USAGE, "--one and --limit exclude each other");
	if (target->is_one)
		target->limit.amount.value = 1;
	if (target->limit.has_seed && !target->limit.amount.value)
		return deploy_error_set(
			err, DEPLOY_USAGE, "--limit-seed chooses for --limit or --one");
	if (settle_method(target, err))
		return err->code;
	if (target->retry && target->list_path)
		return deploy_error_set(
			err, DEPLOY_USAGE, "--retry and a list of nodes exclude each other");
	return target->list_path || target->retry ? read_list(target, ctx, err) : 0;
}

void target_opts_init(struct target_opts *target)
{
	target->window_ms = UNSET;
}

void target_opts_release(struct target_opts *target)
{
	deploy_filter_release(&target->filter);
	deploy_nodeset_free(target->exclude);
	deploy_nodeset_free(target->list);
}

const struct deploy_nodeset *target_nodes(const struct target_opts *target)
{
	if (target->list)
		return target->list;
	return deploy_filter_names_nodes(&target->filter) ? target->filter.nodes : NULL;
}

bool target_is_filtered(const struct target_opts *target)
{
	return !deploy_filter_is_empty(&target->filter) || target->exclude || target->list_path ||
	       target->retry;
}

const char *target_collective(const struct ctx *ctx, const struct target_opts *target)
{
	return target->collective ? target->collective : ctx->config->main_collective;
}

int target_connect(struct ctx *ctx, const struct target_opts *target, struct deploy_error *err)
{
	if (target->connection_ms)
		ctx->config->connection_timeout_ms = target->connection_ms;
	if (deploy_filter_check_functions(
		    &target->filter, ctx->config->ddl_dirs, ctx->config->ddl_dir_count, err))
		return err->code;
	return ctx_bus(ctx, target_collective(ctx, target), err);
}

static struct deploy_task *add_task(struct deploy_plan *plan, const struct ctx *ctx,
	const struct target_opts *target, struct deploy_request *request)
{
	struct deploy_task *task = deploy_plan_take_request(plan, request);
	struct deploy_error ignored = {0};

	/* ctx_bus() has checked the name against the configuration, which has checked its grammar.
	 */
	(void)deploy_request_set_collective(request, target_collective(ctx, target), &ignored);
	deploy_filter_copy(&task->filter, &target->filter);
	if (target->exclude)
		task->exclude = deploy_nodeset_copy(target->exclude);
	task->nodes_from = -1;
	return task;
}

/*
 * The word was checked with the request. Functions keep a node busy before it answers, and one may
 * be through with them long before the next.
 */
void target_plan_discovery(struct deploy_plan *plan, const struct ctx *ctx,
	const struct target_opts *target, const char *agent)
{
	struct deploy_task *task = add_task(plan, ctx, target, deploy_request_ping());
	long long functions_ms = deploy_filter_functions_ms(&target->filter);
	struct deploy_error ignored = {0};

	if (agent)
		(void)deploy_filter_add_agent(&task->filter, agent, &ignored);

	task->policy.discovery_ms =
		functions_ms +
		(target->discovery_ms ? target->discovery_ms : ctx->config->discovery_timeout_ms);
	task->policy.window_ms = functions_ms + (target->window_ms == UNSET ? ctx->config->window_ms
									    : target->window_ms);
	task->policy.expected = target->expected;
}

int target_find(struct deploy_nodeset **found, struct ctx *ctx, const struct target_opts *target,
	const char *agent, struct deploy_error *err)
{
	struct deploy_run_options options = {.signal_fd = ctx->signal_fd};
	struct deploy_plan *plan;
	struct deploy_run_result result;

	if (target_connect(ctx, target, err))
		return err->code;
	plan = deploy_plan_new();
	target_plan_discovery(plan, ctx, target, agent);
	(void)deploy_run(&result, ctx->bus, plan, &options, err);
	if (result.end == DEPLOY_RUN_COMPLETE) {
		*found = result.found[0];
		result.found[0] = NULL;
	}
	/* The signal is taken: nobody would hear of it again. */
	if (result.end == DEPLOY_RUN_INTERRUPTED)
		(void)deploy_error_set(err, DEPLOY_INTERRUPTED, "interrupted; nothing was done");
	deploy_run_result_release(&result);
	deploy_plan_free(plan);
	return err->code;
}

/* True if who is asked must be known before: a broadcast would reach others, too. */
static bool needs_names(const struct target_opts *target)
{
	return target->limit.amount.value || target->exclude || target->expected;
}

/* The nodes of a task are those that the plan's first one finds. */
static void ask_found(struct deploy_plan *plan, struct deploy_task *task)
{
	task->nodes_from = 0;
	plan->tasks[0]->only_finds = true;
}

/* Nobody answers, so nobody need be known: the filter alone says whom it is for. */
static size_t plan_broadcast(struct deploy_plan *plan, const struct ctx *ctx,
	const struct target_opts *target, struct deploy_request *request,
	const struct deploy_policy *policy)
{
	struct deploy_task *task = add_task(plan, ctx, target, request);

	task->policy = *policy;
	task->policy.discovery_ms = policy->timeout_ms;
	return plan->task_count - 1;
}

size_t target_plan(struct deploy_plan *plan, const struct ctx *ctx,
	const struct target_opts *target, struct deploy_request *request,
	const struct deploy_policy *policy, const struct deploy_nodeset *found)
{
	const struct deploy_nodeset *nodes = target_nodes(target);
	struct deploy_task *task;

	if (!nodes && !found && request->wants_no_reply && !needs_names(target))
		return plan_broadcast(plan, ctx, target, request, policy);
	if (!nodes && !found)
		target_plan_discovery(plan, ctx, target, request->agent);
	task = add_task(plan, ctx, target, request);
	task->policy = *policy;
	if (nodes || found)
		task->nodes = deploy_nodeset_copy(found ? found : nodes);
	else
		ask_found(plan, task);
	task->limit = target->limit;
	/* With --expect it may be a part, which must not be asked by a broadcast to all. */
	task->is_whole_match = !nodes && !task->limit.amount.value && !target->expected;
	return plan->task_count - 1;
}

size_t target_plan_further(struct deploy_plan *plan, const struct ctx *ctx,
	const struct target_opts *target, struct deploy_request *request, long long timeout_ms)
{
	const struct deploy_nodeset *nodes = target_nodes(target);
	struct deploy_task *task = add_task(plan, ctx, target, request);

	if (nodes)
		task->nodes = deploy_nodeset_copy(nodes);
	else
		ask_found(plan, task);
	task->policy.timeout_ms = timeout_ms;
	task->limit = target->limit;
	return plan->task_count - 1;
}

void target_plan_ping(struct deploy_plan *plan, const struct ctx *ctx,
	const struct target_opts *target, const char *agent)
{
	const struct deploy_nodeset *nodes = target_nodes(target);
	struct deploy_task *task;

	if (!nodes) {
		target_plan_discovery(plan, ctx, target, agent);
		return;
	}
	task = add_task(plan, ctx, target, deploy_request_ping());
	task->nodes = deploy_nodeset_copy(nodes);
	task->policy.timeout_ms =
		target->discovery_ms ? target->discovery_ms : ctx->config->discovery_timeout_ms;
}
