/* The tasks of a site's Puppet runs: check, disable, run by run, and enable in the end. */
#include "deploy/site_run.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "run/puppet_run.h"

/* May Puppet run on a node, or was it kept from running by this run, before it was resumed? */
static bool judge_status(
	void *message, const char *node, const struct deploy_outcome *reply, char *why, size_t size)
{
	struct dp_puppet_status status = {0};
	const char *lacks = NULL;

	(void)node;
	if (reply->state != DEPLOY_OUTCOME_OK)
		return !dp_puppet_say(why, size, "status: %s", reply->message);
	if (!dp_puppet_read_status(&status, reply->data, &lacks))
		return !dp_puppet_say(why, size, "status: the answer lacks %s", lacks);
	if (status.is_enabled || strcmp(status.disable_message, message) == 0)
		return true;
	return !dp_puppet_say(why, size, "disabled by somebody else%s%s",
		*status.disable_message ? ": " : "", status.disable_message);
}

/* nodes is taken over, label copied. */
static void fill_in(struct deploy_task *task, struct deploy_nodeset *nodes, const char *label)
{
	task->nodes = nodes;
	task->label = dp_xstrdup(label);
}

/* Who is not as it must be stops all. */
static const struct deploy_policy strict = {.has_max_fail = true};

static void add_check(struct deploy_plan *plan, const struct deploy_nodeset *nodes,
	const struct deploy_puppet_run_options *run)
{
	struct deploy_task *task = deploy_plan_take_request(
		plan, dp_puppet_request("status", json_object(), run->collective, run->ttl_s));

	fill_in(task, deploy_nodeset_copy(nodes), "check");
	task->policy = strict;
	task->policy.timeout_ms = run->timeout_ms;
	/* It is only compared. */
	task->judge = (struct deploy_judge){judge_status, (void *)(uintptr_t)run->message};
}

/* Disable all, or enable all. */
static struct deploy_task *add_switch(struct deploy_plan *plan, const struct deploy_nodeset *nodes,
	const struct deploy_puppet_run_options *run, bool enables)
{
	const struct deploy_puppet_switch_options options = {.collective = run->collective,
		.ttl_s = run->ttl_s,
		.timeout_ms = run->timeout_ms,
		.enables = enables,
		.message = run->message,
		.waits_idle = !enables,
		.idle_ms = run->idle_ms,
		.poll_ms = run->poll_ms,
		.skips_busy = enables};
	struct deploy_error ignored = {0};
	struct deploy_act *act = NULL;
	struct deploy_task *task;

	/* The options were checked. */
	(void)deploy_puppet_switch_new(&act, &options, &ignored);
	task = deploy_plan_take_act(plan, act);
	fill_in(task, deploy_nodeset_copy(nodes), enables ? "enable" : "disable");
	return task;
}

/* nodes is taken over. */
static struct deploy_task *add_run(struct deploy_plan *plan, struct deploy_nodeset *nodes,
	const char *label, const struct deploy_site_run_options *options)
{
	struct deploy_error ignored = {0};
	struct deploy_act *act = NULL;
	struct deploy_task *task;

	(void)deploy_puppet_run_new(&act, &options->run, &ignored);
	task = deploy_plan_take_act(plan, act);
	fill_in(task, nodes, label);
	task->policy = options->policy;
	task->policy.has_max_fail = true;
	return task;
}

static void add_ranks(struct deploy_plan *plan, const struct deploy_nodeset *nodes,
	const uint32_t *rank_of_node, size_t ranks, const struct deploy_site_run_options *options)
{
	struct deploy_nodeset **sets = dp_xcalloc(ranks, sizeof(struct deploy_nodeset *));
	struct deploy_error ignored = {0};
	char label[32];

	for (size_t i = 0; i < ranks; i++)
		sets[i] = deploy_nodeset_new();
	for (size_t i = 0; i < deploy_nodeset_count(nodes); i++) {
		assert(rank_of_node[i] < ranks);
		(void)deploy_nodeset_add(
			sets[rank_of_node[i]], deploy_nodeset_get(nodes, i), &ignored);
	}
	for (size_t i = 0; i < ranks; i++) {
		size_t count = deploy_nodeset_count(sets[i]);

		if (!count) {
			deploy_nodeset_free(sets[i]);
			continue;
		}
		(void)snprintf(label, sizeof(label), "rank %zu", i + 1);
		(void)add_run(plan, sets[i], label, options);
		if (i == 0 && options->pause && count < deploy_nodeset_count(nodes)) {
			struct deploy_task *pause =
				deploy_plan_take_chore(plan, DEPLOY_CHORE_CONFIRM);

			pause->text = dp_xstrdup(options->pause);
			pause->label = dp_xstrdup("pause");
		}
	}
	free(sets);
}

static void add_ready(struct deploy_plan *plan, const struct deploy_nodeset *nodes,
	const uint32_t *start, const uint32_t *after, const struct deploy_site_run_options *options)
{
	size_t count = deploy_nodeset_count(nodes), edges = start[count];
	struct deploy_task *task = add_run(plan, deploy_nodeset_copy(nodes), "run", options);

	task->start = dp_xcalloc(count + 1, sizeof(*start));
	task->after = dp_xcalloc(edges + 1, sizeof(*after));
	memcpy(task->start, start, (count + 1) * sizeof(*start));
	if (edges)
		memcpy(task->after, after, edges * sizeof(*after));
}

static int check_options(const struct deploy_site_run_options *options, struct deploy_error *err)
{
	struct deploy_act *act = NULL;

	if (!options->run.message)
		return deploy_error_set(
			err, DEPLOY_USAGE, "the runs of a site need a message to disable with");
	if (options->ready && options->policy.batch_count)
		return deploy_error_set(err, DEPLOY_USAGE,
			"batches are of ranks; nodes that run as soon as they are ready take a "
			"window");
	if (deploy_puppet_run_new(&act, &options->run, err))
		return err->code;
	deploy_act_free(act);
	return 0;
}

int deploy_site_plan(struct deploy_plan *plan, const struct deploy_nodeset *nodes,
	const uint32_t *rank_of_node, size_t ranks, const uint32_t *start, const uint32_t *after,
	const struct deploy_site_run_options *options, struct deploy_error *err)
{
	if (check_options(options, err))
		return err->code;
	add_check(plan, nodes, &options->run);
	add_switch(plan, nodes, &options->run, false)->policy = strict;
	if (options->ready)
		add_ready(plan, nodes, start, after, options);
	else
		add_ranks(plan, nodes, rank_of_node, ranks, options);
	return 0;
}

/* Keep in mind what a task came to. */
static void note_end(struct deploy_site_end *end, const struct deploy_task_result *ended)
{
	const size_t *count = ended->tally->count;

	end->was_disabling |= ended->task == end->first + DEPLOY_SITE_DISABLE;
	end->has_failed |= !ended->is_ok || count[DEPLOY_OUTCOME_FAILED] ||
			   count[DEPLOY_OUTCOME_SILENT] || count[DEPLOY_OUTCOME_UNKNOWN];
}

static int refuse_to_go_on(const char *why, struct deploy_error *err)
{
	return deploy_error_set(err, DEPLOY_REFUSED,
		"stopped after the first nodes: not confirmed%s%s", why ? ": " : "",
		why ? why : "");
}

int deploy_site_direct_end(void *arg, struct deploy_plan *plan, const struct deploy_turn *turn,
	struct deploy_error *err)
{
	struct deploy_site_end *end = arg;
	struct deploy_task *task;

	if (turn->ended && plan->tasks[turn->ended->task]->chore)
		return turn->ended->is_ok ? 0 : refuse_to_go_on(turn->ended->why, err);
	if (turn->ended) {
		note_end(end, turn->ended);
		return 0;
	}
	if (end->is_added || !end->was_disabling ||
		(end->has_failed && end->options->keeps_disabled))
		return 0;
	end->is_added = true;
	task = add_switch(plan, end->nodes, &end->options->run, true);
	task->is_always = true;
	deploy_task_need_nothing(task);
	return 0;
}
