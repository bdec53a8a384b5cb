/*
 * Two answers to one question: our judgement of each term, from what the node says it is, and the
 * node's own, which is the one that counts: whether it answers a discovery with the whole filter.
 */
#include "discover_why.h"

#include <stdlib.h>
#include <string.h>

struct why {
	struct out *out;
	const char *node;
	long long timeout_ms; /* for its reply */
	json_t *inventory;    /* what the node says it is; NULL without an answer */
	char trouble[256];    /* why there is no inventory */
	bool is_found;	      /* the node answered the discovery with the filter */
	bool is_excluded;
	struct deploy_verdict *verdicts;
	size_t count;
};

static void take_event(void *arg, const struct deploy_event *event)
{
	struct why *why = arg;
	const struct deploy_outcome *outcome = event->outcome;

	if (event->type != DEPLOY_EVENT_OUTCOME || strcmp(event->node, why->node) != 0)
		return;
	if (event->task == 1)
		why->is_found = true;
	else if (outcome->state == DEPLOY_OUTCOME_OK && json_is_object(outcome->data))
		why->inventory = json_incref(outcome->data);
	else
		(void)snprintf(why->trouble, sizeof(why->trouble), "%s%s%s",
			outcome->not_connected ? "not connected"
					       : deploy_outcome_state_name(outcome->state),
			outcome->not_connected || !outcome->message[0] ? "" : ": ",
			outcome->not_connected ? "" : outcome->message);
}

static struct deploy_plan *make_plan(
	const struct ctx *ctx, const struct target_opts *target, const struct why *why)
{
	struct target_opts alone = {.collective = target->collective};
	struct deploy_plan *plan = deploy_plan_new();
	struct deploy_request *request = NULL;
	struct deploy_error ignored = {0};

	/* node is an identity, and rpcutil inventory within its grammar. */
	(void)deploy_filter_add_identity(&alone.filter, why->node, &ignored);
	(void)deploy_request_new(&request, "rpcutil", "inventory", NULL, &ignored);
	(void)target_plan_further(plan, ctx, &alone, request, why->timeout_ms);
	target_plan_discovery(plan, ctx, target, NULL);
	deploy_filter_release(&alone.filter);
	return plan;
}

static void judge(struct why *why, const struct target_opts *target)
{
	struct deploy_traits traits = {why->node, json_object_get(why->inventory, "facts"),
		json_object_get(why->inventory, "classes"),
		json_object_get(why->inventory, "agents")};
	size_t at;

	why->count = deploy_filter_judge(&why->verdicts, &target->filter, &traits);
	why->is_excluded = target->exclude &&
			   deploy_nodeset_find(target->exclude, why->node, strlen(why->node), &at);
}

static bool all_hold(const struct why *why)
{
	for (size_t i = 0; i < why->count; i++)
		if (!why->verdicts[i].holds)
			return false;
	return true;
}

static void print_table(const struct why *why)
{
	static const char *const headers[] = {"TERM", "HOLDS", "WHY"};
	struct out_table *table = out_table_new(headers, 3);

	for (size_t i = 0; i < why->count; i++)
		out_table_add(table,
			(const char *const[]){why->verdicts[i].term,
				why->verdicts[i].holds ? "yes" : "no", why->verdicts[i].why});
	if (why->is_excluded) {
		char term[300];

		(void)snprintf(term, sizeof(term), "-x %s", why->node);
		out_table_add(table, (const char *const[]){term, "no", "the node is excluded"});
	}
	out_table_tone(table, 1);
	out_table_print(why->out, table);
	out_table_free(table);
	out_text(why->out, "%s%s\n", why->node,
		why->is_excluded ? " is excluded"
		: why->is_found	 ? " matches"
				 : " does not match");
	/* Of a node that is excluded, nobody asks what it says. */
	if (!why->is_excluded && why->is_found != all_hold(why))
		out_note(why->out, "the node itself says so, and what it says counts: it judges "
				   "differently than the terms above");
}

static json_t *items(const struct why *why)
{
	json_t *list = json_array();

	for (size_t i = 0; i < why->count; i++)
		(void)json_array_append_new(
			list, json_pack("{s:s, s:b, s:s}", "term", why->verdicts[i].term, "holds",
				      why->verdicts[i].holds, "why", why->verdicts[i].why));
	return list;
}

static void print_lines(const struct why *why, const json_t *list)
{
	json_t *term, *line;
	size_t i;

	json_array_foreach(list, i, term)
	{
		line = json_pack("{s:s, s:I}", "type", "term", "seq", (json_int_t)i + 1);
		(void)json_object_update(line, term);
		out_json_line(why->out, line);
		json_decref(line);
	}
}

static void print(struct why *why, int status, const struct deploy_error *err)
{
	bool matches = why->is_found && !why->is_excluded;
	json_t *list = items(why), *summary;

	if (out_is_for_people(why->out))
		print_table(why);
	else if (out_format(why->out) == OUT_NAME && matches)
		out_text(why->out, "%s\n", why->node);
	if (out_format(why->out) == OUT_JSONL)
		print_lines(why, list);
	summary = json_pack("{s:s, s:b, s:b}", "node", why->node, "matches", matches, "excluded",
		why->is_excluded);
	out_document(why->out, "why", list, summary, status, err);
	json_decref(list);
	json_decref(summary);
}

static int run(struct why *why, struct ctx *ctx, const struct target_opts *target,
	struct deploy_error *err)
{
	struct deploy_run_options options = {
		.signal_fd = ctx->signal_fd, .sink = take_event, .sink_arg = why};
	struct deploy_plan *plan = make_plan(ctx, target, why);
	struct deploy_run_result result;
	int status = EXIT_ALL_OK;

	if (deploy_run(&result, ctx->bus, plan, &options, err))
		status = exit_of_error(err->code);
	else if (result.end == DEPLOY_RUN_INTERRUPTED)
		status = 128 + result.signal;
	deploy_run_result_release(&result);
	deploy_plan_free(plan);
	return status;
}

/* The node does not say what it is, so there is nothing to judge. */
static void print_trouble(struct why *why, int status, const struct deploy_error *err)
{
	const char *trouble = why->trouble[0] ? why->trouble : "no answer that tells what it is";
	char *escaped = deploy_text_escape(trouble, strlen(trouble));
	json_t *summary =
		json_pack("{s:s, s:n, s:s}", "node", why->node, "matches", "trouble", escaped);

	out_note(why->out, "%s: %s", why->node, trouble);
	out_document(why->out, "why", NULL, summary, status, err);
	json_decref(summary);
	free(escaped);
}

int discover_why(struct ctx *ctx, const struct target_opts *target, const char *node,
	long long timeout_ms, struct deploy_error *err)
{
	struct why why = {.out = ctx->out, .node = node, .timeout_ms = timeout_ms};
	int status = run(&why, ctx, target, err);

	if (status == EXIT_ALL_OK && !why.inventory) {
		status = EXIT_NO_ANSWER;
		print_trouble(&why, status, err);
	} else if (status == EXIT_ALL_OK) {
		judge(&why, target);
		status = why.is_found && !why.is_excluded ? EXIT_ALL_OK : EXIT_NO_NODES;
		print(&why, status, err);
	}
	deploy_verdicts_free(why.verdicts, why.count);
	json_decref(why.inventory);
	return status;
}
