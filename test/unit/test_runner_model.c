/*
 * Runs of several tasks against a judge that knows only the rules and shares no code with the
 * engine. What happens next is a choice: who of those in flight answers, and how, or that time
 * passes, or a signal. In small shapes every sequence of choices is tried; in random graphs, with a
 * director who adds tasks, they are drawn. SEED=n takes other graphs, GRAPHS=n so many of them,
 * GRAPH=n shows one.
 */
#include <stdarg.h>
#include <setjmp.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "run/runner.h"

#define COUNT(array)   (sizeof(array) / sizeof((array)[0]))
#define MS	       1000LL
#define NODES	       8
#define TASKS	       10
#define MAX_SENDS      64
#define MAX_CHOICES    4000
#define MAX_OPTIONS    256
#define GRACE_US       (10000 * MS)
#define CLEANUP_US     (60000 * MS)
#define DEFAULT_SEED   20240501u
#define DEFAULT_GRAPHS 20000u

typedef unsigned mask; /* of nodes n0, n1, … */

enum where { IDLE, QUEUED, SENT, WAITING, DONE };

struct life {
	bool has_started, has_ended, is_refused, is_stopped;
	bool is_unanswered; /* open, and its question was not handed over */
	int64_t started_us; /* or since when it could, but for its delay */
	mask nodes, set[DEPLOY_OUTCOME_STATES], queued, sent, waiting, done;
	mask withdrawn; /* of those queued: to be sent again, or given up */
	unsigned attempt[NODES];
	int64_t since_us[NODES]; /* QUEUED, SENT */
	size_t not_ok;
};

enum kind { ANSWER, NO_QUEUE, TICK, SIGNAL, PUBLISH, LOSE };

struct option {
	enum kind kind;
	unsigned task, node, attempt;
	int code;
};

struct send {
	bool is_probe;
	unsigned task, attempt;
	size_t count;
	uint32_t rows[NODES];
};

struct world {
	struct deploy_plan *plan;
	struct dp_runner *runner;
	struct deploy_director director;
	int64_t now_us;
	struct life life[TASKS];
	struct send sends[MAX_SENDS];
	size_t send_count;
	mask dropped;
	bool is_stopping, is_leaving, is_directed;
	bool is_unsure; /* perhaps it is_leaving */
	unsigned signals, max_signals;
	int64_t deadline_us, signal_us, cut_us;
	struct option now; /* what this step is about */
	/* Choices: drawn, or the next path of all there are. */
	bool is_random;
	uint64_t random;
	unsigned path[MAX_CHOICES], arity[MAX_CHOICES];
	size_t depth, known;
	unsigned long runs, steps, ends[DEPLOY_RUN_FAILED + 1], told;
	bool shows;
	char failure[300];
};

#define REQUIRE(what, ...)                                                                         \
	do {                                                                                       \
		if (!(what) && !*world->failure)                                                   \
			(void)snprintf(world->failure, sizeof(world->failure), __VA_ARGS__);       \
	} while (0)

/* Xorshift64*, Vigna 2014. */
static unsigned draw(struct world *world, unsigned below)
{
	world->random ^= world->random >> 12;
	world->random ^= world->random << 25;
	world->random ^= world->random >> 27;
	return (unsigned)(((world->random * 2685821657736338717u) >> 32) * below >> 32);
}

static unsigned choose(struct world *world, unsigned arity)
{
	if (world->is_random)
		return draw(world, arity);
	if (world->depth == MAX_CHOICES) {
		REQUIRE(false, "it does not end");
		return 0;
	}
	if (world->depth == world->known) {
		world->path[world->known] = 0;
		world->arity[world->known++] = arity;
	}
	REQUIRE(world->arity[world->depth] == arity, "the same choices lead elsewhere");
	return world->path[world->depth++];
}

/* The next sequence of choices; false after the last. */
static bool turn_page(struct world *world)
{
	while (world->known && world->path[world->known - 1] + 1 == world->arity[world->known - 1])
		world->known--;
	if (world->known)
		world->path[world->known - 1]++;
	return world->known > 0;
}

static unsigned size_of(mask set)
{
	unsigned count = 0;

	for (; set; set &= set - 1)
		count++;
	return count;
}

static mask mask_of(const struct deploy_nodeset *set)
{
	mask found = 0;

	for (size_t i = 0; set && i < deploy_nodeset_count(set); i++)
		found |= 1u << (deploy_nodeset_get(set, i)[1] - '0');
	return found;
}

static struct deploy_nodeset *set_of(mask nodes)
{
	struct deploy_nodeset *set = deploy_nodeset_new();
	struct deploy_error err = {.code = DEPLOY_OK};
	char name[] = "n0";

	for (; name[1] < '0' + NODES; name[1]++)
		if (nodes >> (name[1] - '0') & 1)
			assert_int_equal(deploy_nodeset_add(set, name, &err), 0);
	return set;
}

/* The rules. */

static const struct deploy_task *task_at(const struct world *world, size_t index)
{
	return world->plan->tasks[index];
}

static bool is_open(const struct deploy_task *task)
{
	return !task->nodes && task->nodes_from < 0;
}

static mask expected_nodes(const struct world *world, size_t index)
{
	const struct deploy_task *task = task_at(world, index);
	mask nodes = mask_of(task->nodes);

	if (!task->nodes && task->nodes_from >= 0)
		nodes = world->life[task->nodes_from].nodes;
	return nodes & ~world->dropped;
}

/* Whom a node waits for in a task with an order. */
static mask awaited(const struct deploy_task *task, unsigned node)
{
	char name[] = {'n', (char)('0' + node), '\0'};
	mask nodes = 0;
	size_t at;

	if (!task->start || !deploy_nodeset_find(task->nodes, name, 2, &at))
		return 0;
	for (uint32_t i = task->start[at]; i < task->start[at + 1]; i++)
		nodes |= 1u << (deploy_nodeset_get(task->nodes, task->after[i])[1] - '0');
	return nodes;
}

/* It never will be ok in that task. */
static mask hopeless(const struct life *life)
{
	return ~life->nodes | (life->done & ~life->set[DEPLOY_OUTCOME_OK]);
}

/* Has ended, or never will begin. */
static bool is_over(const struct world *world, size_t index)
{
	const struct life *life = &world->life[index];

	return life->has_ended || life->is_refused ||
	       (world->is_stopping && !life->has_started && !task_at(world, index)->is_always);
}

static bool has_what_it_needs(const struct world *world, size_t index)
{
	const struct deploy_task *task = task_at(world, index);

	for (size_t i = 0; i < task->need_count; i++)
		if (!is_over(world, task->needs[i]))
			return false;
	if (!task->has_needs && index && !is_over(world, index - 1))
		return false;
	return task->nodes || task->nodes_from < 0 || is_over(world, (size_t)task->nodes_from);
}

static bool may_begin(const struct world *world, size_t index)
{
	return !world->is_leaving && (!world->is_stopping || task_at(world, index)->is_always);
}

static bool is_cut_off(const struct world *world, size_t index)
{
	const struct deploy_task *task = task_at(world, index);
	int64_t started_us = world->life[index].started_us, now_us = world->now_us;
	long long deadline = task->policy.deadline_ms;

	if (world->is_leaving || world->is_unsure || now_us >= world->cut_us)
		return true;
	if (now_us >= world->deadline_us && started_us < world->deadline_us)
		return true;
	if (!is_open(task) && deadline && now_us >= started_us + deadline * MS)
		return true;
	return world->signals && !task->is_always && now_us >= world->signal_us + GRACE_US;
}

static size_t tolerance(const struct deploy_policy *policy, mask nodes)
{
	return policy->has_max_fail && !policy->is_one ? policy->max_fail.value : size_of(nodes);
}

static size_t most_in_flight(const struct deploy_policy *policy)
{
	if (policy->is_one)
		return 1;
	if (policy->batch_count)
		return policy->batch[0].value;
	return policy->window ? policy->window : NODES;
}

static unsigned tries_of(const struct deploy_policy *policy)
{
	return policy->tries ? policy->tries : 1;
}

/* It may begin, and now, but has not. */
static bool should_begin(struct world *world, size_t index)
{
	struct life *life = &world->life[index];

	if (world->is_unsure || life->has_started || life->is_refused || !may_begin(world, index) ||
		!has_what_it_needs(world, index))
		return false;
	if (!life->started_us)
		life->started_us = world->now_us;
	return world->now_us >= life->started_us + task_at(world, index)->delay_ms * MS;
}

/* The only excuse is that nobody is left to ask, which stops the run. */
static void refuse(struct world *world, size_t index)
{
	REQUIRE(!is_open(task_at(world, index)) && !expected_nodes(world, index),
		"t%zu does not start", index);
	world->life[index].is_refused = world->is_stopping = true;
}

/* Nothing is told of a task with nobody to ask: it is seen by what others do. */
static bool is_stopped_by_another(struct world *world)
{
	/* One that is refused may be what another waits for, wherever it stands. */
	for (size_t i = 0; i < world->plan->task_count; i++)
		if (should_begin(world, i) && !is_open(task_at(world, i)) &&
			!expected_nodes(world, i)) {
			refuse(world, i);
			i = (size_t)-1;
		}
	return world->is_stopping;
}

static void judge_started(struct world *world, const struct deploy_event *event)
{
	struct life *life = &world->life[event->task];
	const struct deploy_task *task = task_at(world, event->task);

	REQUIRE(!life->has_started, "t%u starts twice", event->task);
	REQUIRE(may_begin(world, event->task), "t%u starts after a stop", event->task);
	REQUIRE(world->is_unsure || has_what_it_needs(world, event->task) ||
			(is_stopped_by_another(world) && has_what_it_needs(world, event->task)),
		"t%u starts too early", event->task);
	life->has_started = true;
	life->started_us = world->now_us;
	life->is_unanswered = is_open(task);
	life->nodes = is_open(task) ? 0 : expected_nodes(world, event->task);
	REQUIRE(event->count == size_of(life->nodes), "t%u has %zu nodes", event->task,
		event->count);
}

static void judge_ended(struct world *world, const struct deploy_event *event)
{
	struct life *life = &world->life[event->task];
	const struct deploy_task *task = task_at(world, event->task);

	REQUIRE(life->has_started && !life->has_ended, "t%u ends", event->task);
	REQUIRE(life->done == life->nodes, "t%u forgets nodes", event->task);
	/* Whether that, or another with nobody to ask, came first, cannot be seen. */
	if (life->is_unanswered && may_begin(world, event->task))
		world->is_unsure = is_stopped_by_another(world);
	life->has_ended = true;
	if (task->on_failure == DEPLOY_ON_FAILURE_DROP_NODES)
		world->dropped |= life->set[DEPLOY_OUTCOME_FAILED] |
				  life->set[DEPLOY_OUTCOME_SILENT] |
				  life->set[DEPLOY_OUTCOME_UNKNOWN];
	/* It was not cut short: the broker takes nothing. */
	if (is_open(task) && life->is_unanswered && may_begin(world, event->task) &&
		!is_cut_off(world, event->task))
		world->is_leaving = world->is_stopping = true;
	if (is_open(task) && !life->nodes && task->on_failure != DEPLOY_ON_FAILURE_CONTINUE)
		world->is_stopping = true;
}

/* The outcome of a try that was in flight. */
static void judge_try(
	struct world *world, unsigned index, unsigned node, const struct deploy_outcome *outcome)
{
	const struct life *life = &world->life[index];
	const struct option *now = &world->now;
	bool is_mine = now->task == index && now->node == node;
	int64_t waited_us = world->now_us - life->since_us[node];

	REQUIRE(outcome->attempt == life->attempt[node], "t%u n%u: another try", index, node);
	if (outcome->state <= DEPLOY_OUTCOME_FAILED)
		REQUIRE(now->kind == ANSWER && is_mine && now->attempt == outcome->attempt &&
				(now->code == 0) == (outcome->state == DEPLOY_OUTCOME_OK),
			"t%u n%u did not answer so", index, node);
	else if (outcome->not_connected)
		REQUIRE(now->kind == NO_QUEUE && is_mine, "t%u n%u is there", index, node);
	else if (outcome->state == DEPLOY_OUTCOME_SILENT)
		REQUIRE(now->kind == TICK &&
				waited_us >= task_at(world, index)->policy.timeout_ms * MS,
			"t%u n%u had time left", index, node);
	else
		REQUIRE(outcome->state == DEPLOY_OUTCOME_UNKNOWN && is_cut_off(world, index),
			"t%u n%u is %s", index, node, deploy_outcome_state_name(outcome->state));
}

/* The broker took no publishes for so long that it is no use to ask. */
static bool is_late(const struct world *world, unsigned index, unsigned node)
{
	const struct life *life = &world->life[index];

	return world->now.kind == TICK && (life->queued >> node & 1) &&
	       world->now_us >=
		       life->since_us[node] + task_at(world, index)->policy.timeout_ms * MS;
}

static void judge_outcome(
	struct world *world, unsigned index, unsigned node, const struct deploy_outcome *outcome)
{
	struct life *life = &world->life[index];
	const struct deploy_policy *policy = &task_at(world, index)->policy;
	mask bit = 1u << node;

	REQUIRE(life->has_started && !life->has_ended, "t%u is not under way", index);
	if (is_open(task_at(world, index)))
		life->nodes |= bit, life->sent |= bit, life->attempt[node] = 1;
	REQUIRE((life->nodes & bit) && !(life->done & bit), "t%u n%u: an outcome too many", index,
		node);
	if (life->sent & bit)
		judge_try(world, index, node, outcome);
	else if (outcome->state == DEPLOY_OUTCOME_SKIPPED && task_at(world, index)->start)
		REQUIRE((awaited(task_at(world, index), node) & hopeless(life)) &&
				!life->attempt[node] && !life->is_stopped,
			"t%u n%u is skipped", index, node);
	else if (outcome->state == DEPLOY_OUTCOME_SKIPPED)
		REQUIRE(policy->is_one && life->set[DEPLOY_OUTCOME_OK] && !life->attempt[node],
			"t%u n%u is skipped", index, node);
	else
		REQUIRE(life->is_stopped || is_cut_off(world, index) ||
				is_late(world, index, node) ||
				(is_stopped_by_another(world) && !task_at(world, index)->is_always),
			"t%u n%u could still be asked", index, node);
	life->queued &= ~bit;
	life->withdrawn &= ~bit;
	life->sent &= ~bit;
	life->waiting &= ~bit;
	life->done |= bit;
	life->set[outcome->state] |= bit;
	life->not_ok +=
		outcome->state != DEPLOY_OUTCOME_OK && outcome->state != DEPLOY_OUTCOME_SKIPPED;
}

static void judge_event(struct world *world, const struct deploy_event *event)
{
	struct life *life = &world->life[event->task];
	unsigned node = event->node ? (unsigned)(event->node[1] - '0') : 0;

	switch (event->type) {
	case DEPLOY_EVENT_TASK_STARTED:
		judge_started(world, event);
		break;
	case DEPLOY_EVENT_TASK_ENDED:
		judge_ended(world, event);
		break;
	case DEPLOY_EVENT_ASKED:
		REQUIRE(life->queued >> node & 1, "t%u n%u is asked", event->task, node);
		life->queued &= ~(1u << node);
		life->sent |= 1u << node;
		life->since_us[node] = world->now_us;
		break;
	case DEPLOY_EVENT_RETRY:
		judge_try(world, event->task, node, event->outcome);
		REQUIRE(event->attempt < tries_of(&task_at(world, event->task)->policy),
			"t%u n%u has no try left", event->task, node);
		life->sent &= ~(1u << node);
		life->waiting |= 1u << node;
		break;
	case DEPLOY_EVENT_OUTCOME:
		judge_outcome(world, event->task, node, event->outcome);
		break;
	case DEPLOY_EVENT_STOPPED:
		REQUIRE(!life->is_stopped, "t%u stops twice", event->task);
		life->is_stopped = true;
		if (task_at(world, event->task)->on_failure != DEPLOY_ON_FAILURE_CONTINUE)
			world->is_stopping = true;
		break;
	default:
		break;
	}
}

static void judge_send(struct world *world, const struct dp_action *action)
{
	struct life *life = &world->life[action->task];
	const struct deploy_task *task = task_at(world, action->task);
	mask rows = 0;

	REQUIRE(may_begin(world, action->task) && !life->is_stopped, "t%u sends after a stop",
		action->task);
	if (is_open(task))
		return;
	REQUIRE(!action->is_broadcast || (task->is_whole_match && action->row_count > 0 &&
						 life->nodes == mask_of(task->nodes)),
		"t%u reaches others", action->task);
	for (size_t i = 0; i < action->row_count; i++) {
		unsigned node =
			(unsigned)(deploy_nodeset_get(action->nodes, action->rows[i])[1] - '0');

		rows |= 1u << node;
		REQUIRE(!(awaited(task, node) & ~life->set[DEPLOY_OUTCOME_OK]),
			"t%u n%u begins before others are ok", action->task, node);
		if (!(life->withdrawn >> node & 1)) {
			life->attempt[node]++;
			life->since_us[node] = world->now_us;
		}
		REQUIRE(life->attempt[node] == action->attempt, "t%u n%u: try %u", action->task,
			node, action->attempt);
	}
	life->queued &= ~(rows & life->withdrawn);
	life->withdrawn &= ~rows;
	REQUIRE(!(rows & (life->sent | life->queued | life->done)) && !(rows & ~life->nodes),
		"t%u asks nodes that it may not ask", action->task);
	REQUIRE(action->attempt <= tries_of(&task->policy), "t%u tries too often", action->task);
	REQUIRE(action->attempt > 1 || !task->policy.batch_count || task->policy.is_one ||
			!(life->sent | life->queued | life->waiting),
		"t%u has two groups", action->task);
	life->waiting &= ~rows;
	life->queued |= rows;
	REQUIRE(size_of(life->sent | life->queued | life->waiting) <= most_in_flight(&task->policy),
		"t%u has too many in flight", action->task);
}

/* In a task with an order nobody waits without a reason. */
static void judge_order(struct world *world, size_t index)
{
	const struct life *life = &world->life[index];
	const struct deploy_task *task = task_at(world, index);
	mask flight = life->sent | life->queued | life->waiting, begun = flight | life->done;
	bool is_full = size_of(flight) >= most_in_flight(&task->policy);

	if (!life->has_started || life->has_ended || life->is_stopped || !may_begin(world, index) ||
		is_cut_off(world, index))
		return;
	for (unsigned node = 0; node < NODES; node++) {
		if (!(life->nodes & ~begun & 1u << node))
			continue;
		REQUIRE(!(awaited(task, node) & hopeless(life)), "t%zu n%u waits in vain", index,
			node);
		REQUIRE(is_full || (awaited(task, node) & ~life->set[DEPLOY_OUTCOME_OK]),
			"t%zu n%u could begin", index, node);
	}
}

/* What must have come of a step, by all rules. */
static void judge_step(struct world *world)
{
	const struct option *now = &world->now;

	if (now->kind == ANSWER && !is_open(task_at(world, now->task)))
		REQUIRE(!(world->life[now->task].sent >> now->node & 1) ||
				world->life[now->task].attempt[now->node] != now->attempt ||
				!world->life[now->task].nodes,
			"t%u n%u was not heard", now->task, now->node);
	for (size_t i = 0; i < world->plan->task_count; i++) {
		struct life *life = &world->life[i];
		const struct deploy_task *task = task_at(world, i);

		REQUIRE(is_open(task) || life->has_ended || life->is_stopped ||
				!may_begin(world, i) ||
				life->not_ok <= tolerance(&task->policy, life->nodes),
			"t%zu goes on beyond its limit", i);
		if (task->start)
			judge_order(world, i);
	}
	(void)is_stopped_by_another(world);
	for (size_t i = 0; i < world->plan->task_count; i++)
		if (should_begin(world, i))
			refuse(world, i);
}

static void show_event(const struct world *world, const struct deploy_event *event)
{
	if (world->shows)
		printf("%8.3f   t%u %s %s %s %s\n", (double)world->now_us / 1e6, event->task,
			deploy_event_type_name(event->type), event->node ? event->node : "",
			event->outcome ? deploy_outcome_state_name(event->outcome->state) : "",
			event->text ? event->text : "");
}

static void act(void *arg, const struct dp_action *action)
{
	struct world *world = arg;
	struct send *send = &world->sends[world->send_count];
	size_t kept = 0;

	if (action->kind == DP_DO_EMIT) {
		show_event(world, &action->event);
		judge_event(world, &action->event);
	} else if (action->kind == DP_DO_WITHDRAW) {
		world->life[action->task].withdrawn = world->life[action->task].queued;
		for (size_t i = 0; i < world->send_count; i++)
			if (world->sends[i].task != action->task)
				world->sends[kept++] = world->sends[i];
		world->send_count = kept;
	} else if (world->send_count < MAX_SENDS) {
		if (action->kind == DP_DO_SEND)
			judge_send(world, action);
		*send = (struct send){.is_probe = action->kind == DP_DO_PROBE,
			.task = action->task,
			.attempt = action->attempt,
			.count = action->row_count};
		if (action->row_count)
			memcpy(send->rows, action->rows, action->row_count * sizeof(uint32_t));
		world->send_count++;
	}
}

static void step(struct world *world, const struct dp_input *input)
{
	dp_runner_step(world->runner, world->now_us, world->now_us, input);
	judge_step(world);
	world->steps++;
}

static void publish(struct world *world)
{
	struct send send = world->sends[0];
	struct dp_input sent = {.kind = DP_IN_SENT,
		.task = send.task,
		.attempt = send.attempt,
		.rows = send.rows,
		.row_count = send.count,
		.is_mandatory = true};

	memmove(world->sends, world->sends + 1, --world->send_count * sizeof(send));
	if (send.is_probe)
		return;
	if (is_open(task_at(world, send.task)))
		world->life[send.task].is_unanswered = false;
	world->now = (struct option){.kind = PUBLISH};
	step(world, &sent);
}

static void add_option(struct option *options, size_t *count, struct option option)
{
	if (*count < MAX_OPTIONS)
		options[(*count)++] = option;
}

/* What a task under way may hear: from an open one's nodes, or from those in flight. */
static void add_answers(
	const struct world *world, unsigned task, struct option *options, size_t *count)
{
	const struct life *life = &world->life[task];
	bool is_asked = is_open(task_at(world, task)) && !life->is_unanswered;
	mask nodes = is_asked ? ~life->nodes & 0x7 : life->sent;

	for (unsigned node = 0; node < NODES; node++) {
		struct option option = {ANSWER, task, node, life->attempt[node], 0};

		/* Once more, from who has answered already. */
		if (world->is_random && (life->done >> node & 1) && life->attempt[node])
			add_option(options, count, option);
		if (!(nodes >> node & 1))
			continue;
		if (is_asked)
			option.attempt = 1;
		add_option(options, count, option);
		option.code = 1;
		add_option(options, count, option);
		option.kind = NO_QUEUE;
		if (!is_asked)
			add_option(options, count, option);
	}
}

static struct option next_option(struct world *world)
{
	struct option options[MAX_OPTIONS];
	size_t count = 0;

	for (unsigned i = 0; i < world->plan->task_count; i++)
		if (world->life[i].has_started && (world->is_random || !world->life[i].has_ended))
			add_answers(world, i, options, &count);
	if (dp_runner_wake_us(world->runner) != DP_NEVER)
		add_option(options, &count, (struct option){.kind = TICK});
	if (world->signals < world->max_signals && (!world->is_random || draw(world, 10) == 0))
		add_option(options, &count, (struct option){.kind = SIGNAL});
	for (int i = 0; world->send_count && i < 3; i++)
		add_option(options, &count, (struct option){.kind = PUBLISH});
	if (world->is_random && draw(world, 200) == 0)
		add_option(options, &count, (struct option){.kind = LOSE});
	REQUIRE(count, "nothing will ever happen");
	return count ? options[choose(world, (unsigned)count)] : (struct option){.kind = LOSE};
}

static void note_limits(struct world *world)
{
	if (world->now_us >= world->deadline_us) {
		world->is_stopping = true;
		if (world->cut_us == DP_NEVER)
			world->cut_us = world->deadline_us + CLEANUP_US;
	}
	if (world->now_us >= world->cut_us)
		world->is_leaving = world->is_stopping = true;
}

static void meet(struct world *world, const struct option *option)
{
	static const char *const kinds[] = {
		"answer", "no queue", "tick", "signal", "publish", "lose"};
	char name[] = {'n', (char)('0' + option->node), '\0'};
	struct dp_reply reply = {
		.sender = name, .request_id = "", .statuscode = option->code, .statusmsg = ""};
	struct dp_input input = {.kind = DP_IN_TICK,
		.task = option->task,
		.attempt = option->attempt,
		.sender = name,
		.reply = &reply,
		.signal = SIGINT};

	world->now = *option;
	if (world->shows)
		printf("%8.3f %s t%u n%u try%u %d\n", (double)world->now_us / 1e6,
			kinds[option->kind], option->task, option->node, option->attempt,
			option->code);
	switch (option->kind) {
	case ANSWER:
		input.kind = DP_IN_REPLY;
		break;
	case NO_QUEUE:
		input.kind = DP_IN_RETURNED;
		break;
	case TICK:
		if (dp_runner_wake_us(world->runner) > world->now_us)
			world->now_us = dp_runner_wake_us(world->runner);
		break;
	case SIGNAL:
		input.kind = DP_IN_SIGNAL;
		world->is_leaving = world->is_leaving || world->signals;
		world->is_stopping = true;
		if (!world->signals++) {
			world->signal_us = world->now_us;
			world->cut_us = world->now_us + GRACE_US + CLEANUP_US;
		}
		break;
	case LOSE:
		input.kind = DP_IN_LOST;
		world->is_leaving = world->is_stopping = true;
		break;
	case PUBLISH:
		publish(world);
		return;
	}
	note_limits(world);
	step(world, &input);
}

static void judge_result(struct world *world)
{
	struct deploy_run_result result;

	dp_runner_finish(world->runner, &result);
	world->ends[result.end]++;
	REQUIRE((result.end == DEPLOY_RUN_COMPLETE) == !world->is_stopping, "it ends as %d",
		result.end);
	for (size_t i = 0; i < result.task_count; i++) {
		const struct life *life = &world->life[i];

		REQUIRE(life->has_started == life->has_ended, "t%zu is left", i);
		REQUIRE(world->is_stopping || life->has_ended, "t%zu was not done", i);
		for (int state = 0; state < DEPLOY_OUTCOME_STATES; state++)
			REQUIRE(result.tally[i].count[state] == size_of(life->set[state]),
				"t%zu: another sum", i);
	}
	deploy_run_result_release(&result);
}

static void run(struct world *world)
{
	static const struct dp_input start = {.kind = DP_IN_START};

	world->depth = world->send_count = 0;
	world->now_us = 1000 * MS;
	world->signals = 0;
	world->is_stopping = world->is_leaving = world->is_unsure = false;
	world->dropped = 0;
	world->cut_us = DP_NEVER;
	world->deadline_us =
		world->plan->deadline_ms ? world->now_us + world->plan->deadline_ms * MS : DP_NEVER;
	memset(world->life, 0, sizeof(world->life));
	world->now = (struct option){.kind = PUBLISH};
	world->runner = dp_runner_new(world->plan, act, world);
	if (world->is_directed)
		dp_runner_set_director(world->runner, &world->director);
	step(world, &start);
	for (int i = 0; !dp_runner_is_done(world->runner) && !*world->failure; i++) {
		struct option option = {.kind = PUBLISH};

		REQUIRE(i < MAX_CHOICES, "it does not end");
		/* All orders of answers are enough; only in random graphs sends are held back. */
		if (world->is_random || !world->send_count)
			option = next_option(world);
		meet(world, &option);
	}
	if (!*world->failure)
		judge_result(world);
	dp_runner_free(world->runner);
	world->runner = NULL;
	world->runs++;
}

/* Small shapes. */

static struct deploy_task *add_task(struct deploy_plan *plan, const struct deploy_nodeset *nodes)
{
	struct deploy_task *task = deploy_plan_take_request(plan, deploy_request_ping());

	task->nodes = nodes ? deploy_nodeset_copy(nodes) : NULL;
	task->policy.timeout_ms = 1000;
	task->policy.discovery_ms = 500;
	task->policy.window_ms = 100;
	return task;
}

static struct deploy_task *add_nodes(struct world *world, mask nodes)
{
	struct deploy_nodeset *set = set_of(nodes);
	struct deploy_task *task = add_task(world->plan, set);

	deploy_nodeset_free(set);
	return task;
}

static void limit(struct deploy_task *task, unsigned batch, unsigned max_fail)
{
	task->policy.batch[0].value = batch;
	task->policy.batch_count = batch > 0;
	task->policy.has_max_fail = true;
	task->policy.max_fail.value = max_fail;
}

static void groups_0(struct world *world)
{
	limit(add_nodes(world, 0x3f), 2, 0);
}

static void groups_that_go_on(struct world *world)
{
	limit(add_nodes(world, 0x3f), 2, 6);
}

static void groups_1(struct world *world)
{
	limit(add_nodes(world, 0x3f), 2, 1);
}

static void groups_with_signals(struct world *world)
{
	limit(add_nodes(world, 0xf), 2, 1);
	world->max_signals = 2;
}

static void window_and_tries(struct world *world)
{
	struct deploy_policy *policy = &add_nodes(world, 0x7)->policy;

	policy->window = 2;
	policy->tries = 2;
	policy->retries_silent = true;
}

static void one_of_four(struct world *world)
{
	add_nodes(world, 0xf)->policy.is_one = true;
	world->max_signals = 1;
}

/* Two lanes, a task after both, and cleanup. */
static void lanes(struct world *world)
{
	struct deploy_task *task = add_nodes(world, 0x3);

	limit(task, 1, 0);
	task = add_nodes(world, 0xc);
	limit(task, 1, 0);
	deploy_task_need_nothing(task);
	task = add_nodes(world, 0x10);
	deploy_task_need(task, 0);
	deploy_task_need(task, 1);
	add_nodes(world, 0x20)->is_always = true;
	world->max_signals = 1;
}

/* Nodes that fail are left out, until none is left. */
static void dropping(struct world *world)
{
	add_nodes(world, 0x7)->on_failure = DEPLOY_ON_FAILURE_DROP_NODES;
	add_nodes(world, 0x7)->on_failure = DEPLOY_ON_FAILURE_DROP_NODES;
	(void)add_nodes(world, 0x1);
}

/* waits[i]: whom node i of the task waits for. */
static void put_in_order(struct deploy_task *task, const mask *waits)
{
	size_t count = deploy_nodeset_count(task->nodes);
	uint32_t edges = 0;

	task->start = calloc(count + 1, sizeof(uint32_t));
	task->after = calloc(count * count, sizeof(uint32_t));
	assert_true(task->start && task->after);
	for (size_t i = 0; i < count; i++) {
		for (uint32_t j = 0; j < count; j++)
			if (waits[i] >> j & 1)
				task->after[edges++] = j;
		task->start[i + 1] = edges;
	}
}

/* n3 first, n0 and n2 when that is ok, n1 when both are. */
static void diamond(struct world *world)
{
	struct deploy_task *task = add_nodes(world, 0xf);

	limit(task, 0, 1);
	put_in_order(task, (const mask[]){0x8, 0x5, 0x8, 0});
	world->max_signals = 1;
}

/* Two chains, two nodes at a time, and a task behind them. */
static void chains(struct world *world)
{
	struct deploy_task *task = add_nodes(world, 0x1f);

	limit(task, 0, 5);
	task->policy.window = 2;
	put_in_order(task, (const mask[]){0, 0x1, 0, 0x4, 0x8});
	(void)add_nodes(world, 0x1);
}

/* Who was dropped before is waited for in vain. */
static void order_of_those_left(struct world *world)
{
	struct deploy_task *task = add_nodes(world, 0x7);

	task->on_failure = DEPLOY_ON_FAILURE_DROP_NODES;
	task = add_nodes(world, 0x7);
	put_in_order(task, (const mask[]){0, 0x1, 0x2});
}

static void found_nodes(struct world *world)
{
	struct deploy_task *task;

	(void)add_task(world->plan, NULL);
	task = add_task(world->plan, NULL);
	task->nodes_from = 0;
	task->delay_ms = 50;
	world->max_signals = 1;
}

static void every_sequence_keeps_the_rules(void **state)
{
	static void (*const shapes[])(struct world *) = {groups_0, groups_1, groups_that_go_on,
		groups_with_signals, window_and_tries, one_of_four, lanes, dropping, found_nodes,
		diamond, chains, order_of_those_left};
	struct world *world = *state;

	for (size_t i = 0; i < COUNT(shapes) && !*world->failure; i++) {
		unsigned long before = world->runs;

		world->plan = deploy_plan_new();
		world->max_signals = 0;
		world->known = 0;
		shapes[i](world);
		do
			run(world);
		while (!*world->failure && turn_page(world));
		printf("shape %zu: %lu runs\n", i, world->runs - before);
		deploy_plan_free(world->plan);
	}
	if (*world->failure)
		fail_msg("%s", world->failure);
	assert_true(world->ends[DEPLOY_RUN_COMPLETE] && world->ends[DEPLOY_RUN_STOPPED] &&
		    world->ends[DEPLOY_RUN_NO_NODES] && world->ends[DEPLOY_RUN_INTERRUPTED]);
}

/* Random graphs. */

static void draw_policy(struct world *world, struct deploy_task *task)
{
	struct deploy_policy *policy = &task->policy;

	if (draw(world, 3) == 0)
		limit(task, 1 + draw(world, 3), draw(world, 3));
	if (draw(world, 3) == 0)
		policy->window = 1 + draw(world, 3);
	policy->is_one = draw(world, 8) == 0;
	policy->tries = draw(world, 3);
	policy->try_sleep_ms = draw(world, 2) * 50;
	policy->retries_silent = draw(world, 2);
	if (draw(world, 8) == 0)
		policy->deadline_ms = 1 + draw(world, 1500);
	task->on_failure = (enum deploy_on_failure)draw(world, 3);
	task->is_whole_match = draw(world, 3) == 0;
	task->is_always = draw(world, 6) == 0;
	task->delay_ms = draw(world, 4) ? 0 : draw(world, 300);
}

/* Whom a node waits for stands before it in an order that is drawn. */
static void draw_order(struct world *world, struct deploy_task *task)
{
	size_t count = deploy_nodeset_count(task->nodes);
	mask waits[NODES] = {0}, before = 0;
	unsigned likely = 1 + draw(world, 4);

	while (size_of(before) < count) {
		unsigned node = draw(world, (unsigned)count);

		if (before >> node & 1)
			continue;
		for (unsigned i = 0; i < count; i++)
			if ((before >> i & 1) && draw(world, 4) < likely)
				waits[node] |= 1u << i;
		before |= 1u << node;
	}
	task->policy.batch_count = 0;
	task->policy.is_one = false;
	put_in_order(task, waits);
}

static void show_task(const struct world *world, size_t index)
{
	const struct deploy_task *task = task_at(world, index);

	if (!world->shows)
		return;
	printf("t%zu nodes %x from %d%s%s on failure %d delay %lld one %d needs", index,
		mask_of(task->nodes), task->nodes_from, task->has_needs ? "" : " chained",
		task->is_always ? " always" : "", (int)task->on_failure, task->delay_ms,
		task->policy.is_one);
	for (size_t i = 0; i < task->need_count; i++)
		printf(" %zu", task->needs[i]);
	printf("\n");
}

static void draw_task(struct world *world)
{
	size_t index = world->plan->task_count;
	bool is_finder = draw(world, 8) == 0;
	struct deploy_task *task =
		is_finder ? add_task(world->plan, NULL) : add_nodes(world, 1 + draw(world, 255));
	size_t from = index ? draw(world, (unsigned)index) : 0;

	draw_policy(world, task);
	if (!is_finder && index && is_open(task_at(world, from)) && draw(world, 2)) {
		deploy_nodeset_free(task->nodes);
		task->nodes = NULL;
		task->nodes_from = (int)from;
		task->is_whole_match = false;
	}
	if (task->nodes && draw(world, 3) == 0)
		draw_order(world, task);
	if (draw(world, 2))
		deploy_task_need_nothing(task);
	for (unsigned i = draw(world, 3); index && i; i--)
		deploy_task_need(task, draw(world, (unsigned)index));
	show_task(world, index);
}

static int direct(void *arg, struct deploy_plan *plan, const struct deploy_turn *turn,
	struct deploy_error *err)
{
	struct world *world = arg;
	const struct deploy_task_result *ended = turn->ended;

	(void)err;
	world->told++;
	REQUIRE(!world->is_leaving, "who leaves needs no director");
	if (ended) {
		const struct life *life = &world->life[ended->task];

		REQUIRE(life->has_ended && mask_of(ended->nodes) == life->nodes &&
				mask_of(ended->ok) == life->set[DEPLOY_OUTCOME_OK],
			"t%zu: the director is told of others", ended->task);
	}
	if (plan->task_count < TASKS && draw(world, 2))
		draw_task(world);
	return 0;
}

static void draw_graph(struct world *world)
{
	world->plan = deploy_plan_new();
	world->is_directed = draw(world, 2);
	world->director = (struct deploy_director){direct, world};
	for (unsigned i = draw(world, 7) + !world->is_directed; i; i--)
		draw_task(world);
	if (draw(world, 6) == 0)
		world->plan->deadline_ms = 1 + draw(world, 4000);
	world->max_signals = draw(world, 3);
}

static unsigned setting(const char *name, unsigned otherwise)
{
	const char *text = getenv(name);

	return text ? (unsigned)strtoul(text, NULL, 10) : otherwise;
}

static void every_random_graph_keeps_the_rules(void **state)
{
	struct world *world = *state;
	unsigned seed = setting("SEED", DEFAULT_SEED), graphs = setting("GRAPHS", DEFAULT_GRAPHS);

	world->is_random = true;
	if (getenv("GRAPH"))
		graphs = setting("GRAPH", 0) + 1;
	world->shows = getenv("GRAPH");
	for (unsigned i = setting("GRAPH", 0); i < graphs && !*world->failure; i++) {
		/* Any odd multiplier spreads the numbers; the state must not be zero. */
		world->random = (((uint64_t)seed << 32 | i) + 1) * 0x9e3779b97f4a7c15u;
		(void)draw(world, 1);
		draw_graph(world);
		run(world);
		deploy_plan_free(world->plan);
		if (*world->failure)
			fail_msg("SEED=%u GRAPH=%u: %s", seed, i, world->failure);
	}
	printf("%lu steps, the director was told %lu times\n", world->steps, world->told);
	for (int end = 0; graphs >= 10000 && end <= DEPLOY_RUN_LOST; end++)
		assert_true(world->ends[end] > 0);
}

static int set_up(void **state)
{
	*state = calloc(1, sizeof(struct world));
	return *state ? 0 : -1;
}

static int tear_down(void **state)
{
	free(*state);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(every_sequence_keeps_the_rules, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			every_random_graph_keeps_the_rules, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
