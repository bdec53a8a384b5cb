/* A task must say what is to be done, to whom, where, and after what. */
#include "run/check.h"

#include <string.h>

#include "run/order.h"

/* The collective of the first task that has one: a plan has no other. */
static const char *collective_of(const struct deploy_plan *plan)
{
	for (size_t i = 0; i < plan->task_count; i++)
		if (plan->tasks[i]->request && plan->tasks[i]->request->collective)
			return plan->tasks[i]->request->collective;
	return NULL;
}

static int check_request(const struct deploy_plan *plan, size_t index, const char *collective,
	bool has_bus, struct deploy_error *err)
{
	const struct deploy_request *request = plan->tasks[index]->request;

	if (!request->collective)
		return deploy_error_set(err, DEPLOY_USAGE, "task %zu has no collective", index + 1);
	if (strcmp(request->collective, collective) != 0)
		return deploy_error_set(err, DEPLOY_USAGE,
			"a plan has one collective, task %zu another", index + 1);
	if (!has_bus)
		return deploy_error_set(err, DEPLOY_USAGE, "task %zu needs the broker", index + 1);
	return 0;
}

/* True if the task of that index comes before another and is open. */
static bool finds_nodes(const struct deploy_plan *plan, int index, size_t before)
{
	return (size_t)index < before && plan->tasks[index]->request &&
	       !plan->tasks[index]->nodes && plan->tasks[index]->nodes_from < 0;
}

/* The broker takes no longer name of a topic; a longer message could have to wait. */
#define MAX_TOPIC_BYTES	  255
#define MAX_MESSAGE_BYTES (64 * 1024)

static int check_publish(
	const struct deploy_task *task, size_t index, bool has_bus, struct deploy_error *err)
{
	if (!task->text || !*task->text || strlen(task->text) > MAX_TOPIC_BYTES)
		return deploy_error_set(err, DEPLOY_USAGE, "task %zu: a topic has 1 to %d bytes",
			index + 1, MAX_TOPIC_BYTES);
	if (!task->body || strlen(task->body) > MAX_MESSAGE_BYTES)
		return deploy_error_set(err, DEPLOY_USAGE,
			"task %zu: a message has at most %d bytes", index + 1, MAX_MESSAGE_BYTES);
	if (!has_bus)
		return deploy_error_set(err, DEPLOY_USAGE, "task %zu needs the broker", index + 1);
	return 0;
}

static int check_chore(
	const struct deploy_task *task, size_t index, bool has_bus, struct deploy_error *err)
{
	if (task->nodes || task->nodes_from >= 0)
		return deploy_error_set(
			err, DEPLOY_USAGE, "task %zu asks no node and has some", index + 1);
	if (task->chore == DEPLOY_CHORE_CONFIRM && !task->text)
		return deploy_error_set(err, DEPLOY_USAGE, "task %zu has no question", index + 1);
	if (task->chore == DEPLOY_CHORE_CONNECT &&
		(!task->host || !task->port || task->port > 65535))
		return deploy_error_set(err, DEPLOY_USAGE,
			"task %zu: a host and a port from 1 to 65535 are needed", index + 1);
	return task->chore == DEPLOY_CHORE_PUBLISH ? check_publish(task, index, has_bus, err) : 0;
}

static int check_nodes(const struct deploy_plan *plan, size_t index, struct deploy_error *err)
{
	const struct deploy_task *task = plan->tasks[index];

	if (task->nodes)
		return 0;
	if (task->start)
		return deploy_error_set(
			err, DEPLOY_USAGE, "task %zu has an order and no nodes", index + 1);
	if (task->act && task->nodes_from < 0)
		return deploy_error_set(
			err, DEPLOY_USAGE, "task %zu has an act and no nodes", index + 1);
	if (task->nodes_from >= 0 && !finds_nodes(plan, task->nodes_from, index))
		return deploy_error_set(err, DEPLOY_USAGE,
			"task %zu asks nodes that no task before it found", index + 1);
	return 0;
}

static int check_needs(const struct deploy_plan *plan, size_t index, struct deploy_error *err)
{
	const struct deploy_task *task = plan->tasks[index];

	for (size_t i = 0; i < task->need_count; i++)
		if (task->needs[i] >= index)
			return deploy_error_set(err, DEPLOY_USAGE,
				"task %zu needs task %zu, which does not come before it", index + 1,
				task->needs[i] + 1);
	return 0;
}

static bool is_in_range(const struct deploy_task *task, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (task->start[i] > task->start[i + 1])
			return false;
	for (uint32_t i = task->start[0]; i < task->start[count]; i++)
		if (task->after[i] >= count)
			return false;
	return true;
}

/* True if every node's turn comes, if all before it are ok. */
static bool has_no_cycle(const struct deploy_task *task, size_t count)
{
	struct dp_order *order = dp_order_new(task, task->nodes);

	for (; dp_order_ready(order); count--)
		dp_order_settle(order, dp_order_take(order), DEPLOY_OUTCOME_OK);
	dp_order_free(order);
	return count == 0;
}

static int check_order(const struct deploy_plan *plan, size_t index, struct deploy_error *err)
{
	const struct deploy_task *task = plan->tasks[index];
	size_t count = deploy_nodeset_count(task->nodes);

	if (task->policy.batch_count || task->policy.is_one || task->limit.amount.value ||
		(task->exclude && deploy_nodeset_count(task->exclude)))
		return deploy_error_set(err, DEPLOY_USAGE,
			"task %zu: nodes that wait for each other are all asked, and not in "
			"batches",
			index + 1);
	if (!is_in_range(task, count) || !has_no_cycle(task, count))
		return deploy_error_set(err, DEPLOY_USAGE,
			"task %zu: its nodes wait for each other in a circle, or for no node",
			index + 1);
	return 0;
}

int dp_check_tasks(
	const struct deploy_plan *plan, size_t from, bool has_bus, struct deploy_error *err)
{
	const char *collective = collective_of(plan);

	for (size_t i = from; i < plan->task_count; i++) {
		const struct deploy_task *task = plan->tasks[i];

		if ((task->request && check_request(plan, i, collective, has_bus, err)) ||
			(task->chore && check_chore(task, i, has_bus, err)) ||
			check_nodes(plan, i, err) || check_needs(plan, i, err) ||
			(task->start && check_order(plan, i, err)))
			return err->code;
	}
	return 0;
}
