/* Plans: tasks in order, and the arithmetic of their policies. */
#include "deploy/plan.h"

#include <stdlib.h>
#include <string.h>

#include "deploy/error.h"
#include "base/mem.h"
#include "deploy/text.h"
#include "model/act.h"

#define MAX_AMOUNT_DIGITS 9

static int refuse(struct deploy_error *err, const char *text, size_t len, const char *why)
{
	char *shown = deploy_text_escape(text, len < 100 ? len : 100);

	(void)deploy_error_set(err, DEPLOY_USAGE, "\"%s\": %s", shown, why);
	free(shown);
	return err->code;
}

static int parse_amount(struct deploy_amount *out, const char *text, size_t len, bool zero_ok,
	struct deploy_error *err)
{
	size_t digits = strspn(text, "0123456789");
	struct deploy_amount amount = {0, false};

	digits = digits < len ? digits : len;
	amount.is_percent = digits + 1 == len && text[digits] == '%';
	if (digits == 0 || (digits != len && !amount.is_percent))
		return refuse(
			err, text, len, "expected a number of nodes, or a per cent such as 10%");
	if (digits > MAX_AMOUNT_DIGITS)
		return refuse(err, text, len, "too large");
	for (size_t i = 0; i < digits; i++)
		amount.value = amount.value * 10 + (unsigned)(text[i] - '0');
	if (amount.is_percent && amount.value > 100)
		return refuse(err, text, len, "more than 100%");
	if (amount.value == 0 && !zero_ok)
		return refuse(err, text, len, "must be more than zero");
	*out = amount;
	return 0;
}

int deploy_amount_parse(
	struct deploy_amount *out, const char *text, bool zero_ok, struct deploy_error *err)
{
	return parse_amount(out, text, strlen(text), zero_ok, err);
}

int deploy_policy_parse_batch(
	struct deploy_policy *policy, const char *text, struct deploy_error *err)
{
	struct deploy_amount ramp[DEPLOY_MAX_RAMP];
	const char *at = text;
	unsigned count = 0;

	for (;;) {
		size_t len = strcspn(at, ",");

		if (count == DEPLOY_MAX_RAMP)
			return deploy_error_set(
				err, DEPLOY_USAGE, "a ramp has at most %d steps", DEPLOY_MAX_RAMP);
		if (parse_amount(&ramp[count++], at, len, false, err) != 0)
			return err->code;
		if (at[len] == '\0')
			break;
		at += len + 1;
	}
	memcpy(policy->batch, ramp, count * sizeof(ramp[0]));
	policy->batch_count = count;
	return 0;
}

size_t deploy_amount_group(struct deploy_amount amount, size_t total)
{
	size_t size = amount.is_percent ? (total * amount.value + 99) / 100 : amount.value;

	return size ? size : 1;
}

size_t deploy_amount_limit(struct deploy_amount amount, size_t total)
{
	return amount.is_percent ? total * amount.value / 100 : amount.value;
}

size_t deploy_amount_part(struct deploy_amount amount, size_t total)
{
	size_t part = amount.value ? deploy_amount_limit(amount, total) : total;

	if (part > total)
		part = total;
	return part || !total ? part : 1;
}

void deploy_limit_apply(const struct deploy_limit *limit, struct deploy_nodeset *nodes)
{
	size_t part = deploy_amount_part(limit->amount, deploy_nodeset_count(nodes));

	if (limit->has_seed)
		deploy_nodeset_pick(nodes, part, limit->seed);
	else
		deploy_nodeset_keep_first(nodes, part);
}

struct deploy_plan *deploy_plan_new(void)
{
	return dp_xcalloc(1, sizeof(struct deploy_plan));
}

void deploy_plan_free(struct deploy_plan *plan)
{
	if (!plan)
		return;
	for (size_t i = 0; i < plan->task_count; i++) {
		struct deploy_task *task = plan->tasks[i];

		deploy_request_free(task->request);
		deploy_act_free(task->act);
		deploy_filter_release(&task->filter);
		deploy_nodeset_free(task->nodes);
		deploy_nodeset_free(task->exclude);
		free(task->text);
		free(task->host);
		free(task->body);
		free(task->label);
		free(task->needs);
		free(task->start);
		free(task->after);
		free(task);
	}
	free(plan->tasks);
	free(plan);
}

void deploy_act_free(struct deploy_act *act)
{
	if (act)
		act->ops->free(act);
}

static struct deploy_task *add_task(struct deploy_plan *plan)
{
	struct deploy_task *task = dp_xcalloc(1, sizeof(*task));

	plan->tasks =
		dp_grow(plan->tasks, &plan->task_cap, plan->task_count + 1, sizeof(*plan->tasks));
	plan->tasks[plan->task_count++] = task;
	task->nodes_from = -1;
	return task;
}

struct deploy_task *deploy_plan_take_request(
	struct deploy_plan *plan, struct deploy_request *request)
{
	struct deploy_task *task = add_task(plan);

	task->request = request;
	return task;
}

struct deploy_task *deploy_plan_take_act(struct deploy_plan *plan, struct deploy_act *act)
{
	struct deploy_task *task = add_task(plan);

	task->act = act;
	return task;
}

struct deploy_task *deploy_plan_take_chore(struct deploy_plan *plan, enum deploy_chore chore)
{
	struct deploy_task *task = add_task(plan);

	task->chore = chore;
	return task;
}

void deploy_task_need_nothing(struct deploy_task *task)
{
	task->has_needs = true;
	task->need_count = 0;
}

void deploy_task_need(struct deploy_task *task, size_t earlier)
{
	task->has_needs = true;
	task->needs =
		dp_grow(task->needs, &task->need_cap, task->need_count + 1, sizeof(*task->needs));
	task->needs[task->need_count++] = earlier;
}
