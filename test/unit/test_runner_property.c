/*
 * The runner in random worlds: a random plan, nodes that answer, fail, answer twice, late or never,
 * senders that nobody asked, a broker that blocks, signals, a connection that is lost.
 * A judge that knows only the rules follows every action; it shares no code with the engine.
 * SEED=n takes other worlds, WORLDS=n so many of them, WORLD=n shows one.
 */
#include <stdarg.h>
#include <setjmp.h>
#include <inttypes.h>
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
#define WALL_US	       1700000000000000LL
#define DEFAULT_SEED   20240501u
#define DEFAULT_WORLDS 100000u
#define MAX_STEPS      40000
#define TASKS	       3
#define MEMBERS	       12 /* names that a plan may mention */
#define NAMES	       16 /* … and strangers */
#define MAX_TRIES      4
#define MAX_SENDS      64
#define NOBODY	       (-1)

/* Sorted bytewise, so that a place in a set is a place among the bits of a mask. */
static const char *const names[NAMES] = {"db1", "db10", "db2", "n-1", "n.1", "n1", "n1.a", "n10",
	"n2", "n_1", "web01", "web1", "x1", "x2", "x3", "x4"};

typedef uint32_t mask; /* of names */

enum where { IDLE, QUEUED, SENT, WAITING, DONE };

/* What a rule says about one node of the task on stage. */
struct node {
	enum where where;
	unsigned attempt;  /* the try it is in or was in last */
	int64_t since_us;  /* QUEUED, SENT: since; WAITING: until */
	bool is_answered;  /* in this try */
	bool is_withdrawn; /* QUEUED, and the send was taken back */
	bool is_watched;   /* probed, or the broker says by itself */
	enum deploy_outcome_state last_state;
	int last_code;
	bool last_unconnected;
};

/* What must come of an input. */
enum verdict { NO_MATTER, CREDIT, NO_QUEUE, IGNORE, TELL };

struct sums {
	size_t nodes, count[DEPLOY_OUTCOME_STATES], ignored[DEPLOY_IGNORED_REASONS];
	mask set[DEPLOY_OUTCOME_STATES], not_connected, found;
};

struct judge {
	const struct deploy_plan *plan;
	mask members[TASKS], excluded[TASKS];
	struct sums sums[TASKS];
	unsigned next; /* task that begins next, or is on stage */
	bool is_on_stage, is_open, is_sent, is_done, has_begun;
	mask nodes;
	struct node node[NAMES];
	unsigned groups, announced;
	bool wants_intents;
	mask intended; /* told, and not sent yet */
	int64_t now_us, start_us, group_us, traffic_us, latest_us, quiet_us, heard_us, pause_us;
	int64_t run_deadline_us, grace_us;
	size_t asked[MAX_TRIES + 1], seen[MAX_TRIES + 1], seen_open;
	size_t not_ok;
	bool is_stopped, is_cut, is_over_limit, is_stop_told;
	bool is_blocked;
	int signal;
	enum deploy_run_end end;
	unsigned long seq;
	/* of this step */
	const struct dp_input *input;
	int about; /* the node that the input is about */
	enum verdict verdict;
	enum deploy_ignored reason;
	bool has_reacted, has_told_block;
	mask to_ask; /* rows of SENT that were not told yet */
};

enum kind {
	REPLY,
	RETURNED,
	REJECTED,
	CURIOUS,
	SIGNALLED,
	BLOCKED,
	UNBLOCKED,
	LOST,
	UNRECORDED,
	PUBLISH
};

/* Something that will happen. */
struct fate {
	int64_t at_us;
	uint32_t order;
	uint8_t kind, task, attempt, node;
	int code;
};

struct send {
	bool is_probe, is_mandatory;
	unsigned task, attempt;
	size_t count; /* 0: an open task */
	uint32_t rows[NAMES];
};

/* How often something happened in all worlds, so that none of it is claimed and never met. */
struct met {
	unsigned long steps, retries, probes, broadcasts, groups, resent, blocked, curious;
	unsigned long ends[DEPLOY_RUN_UNRECORDED + 1], outcomes[DEPLOY_OUTCOME_STATES];
	unsigned long not_connected, ignored[DEPLOY_IGNORED_REASONS];
};

struct world {
	uint64_t random;
	struct deploy_plan *plan;
	struct dp_runner *runner;
	struct judge judge;
	int64_t now_us;
	struct fate *fates; /* a heap */
	size_t fate_count, fate_cap;
	uint32_t fate_order;
	struct send sends[MAX_SENDS];
	size_t send_count;
	bool is_publishing, is_blocked, is_jittery, is_partial;
	unsigned publish_us; /* at most, for one send */
	unsigned chance_ok, chance_failed, chance_twice, chance_mandatory;
	mask absent; /* nodes without a queue */
	struct met met;
	uint32_t seed, number;
	bool is_over, shows;
	char failure[300];
};

static void complain(struct world *world, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
static void show(const struct world *world, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* The first thing that is wrong ends a world. */
static void complain(struct world *world, const char *format, ...)
{
	va_list args;

	if (*world->failure)
		return;
	va_start(args, format);
	(void)vsnprintf(world->failure, sizeof(world->failure), format, args);
	va_end(args);
}

static void show(const struct world *world, const char *format, ...)
{
	va_list args;

	if (!world->shows)
		return;
	printf("%9.3f  ", (double)world->now_us / 1e6);
	va_start(args, format);
	(void)vprintf(format, args);
	va_end(args);
	printf("\n");
}

#define REQUIRE(what, ...)                                                                         \
	do {                                                                                       \
		if (!(what))                                                                       \
			complain(world, __VA_ARGS__);                                              \
	} while (0)

/* Xorshift64*, Vigna 2014. */
static uint32_t draw(struct world *world, uint32_t below)
{
	world->random ^= world->random >> 12;
	world->random ^= world->random << 25;
	world->random ^= world->random >> 27;
	return (uint32_t)(((world->random * 2685821657736338717u) >> 32) * below >> 32);
}

static bool chance(struct world *world, unsigned percent)
{
	return draw(world, 100) < percent;
}

static unsigned size_of(mask set)
{
	unsigned count = 0;

	for (; set; set &= set - 1)
		count++;
	return count;
}

static int find_name(const char *name)
{
	for (int i = 0; i < NAMES; i++)
		if (strcmp(names[i], name) == 0)
			return i;
	return NOBODY;
}

static mask mask_of(const struct deploy_nodeset *set)
{
	mask found = 0;

	for (size_t i = 0; set && i < deploy_nodeset_count(set); i++)
		found |= 1u << find_name(deploy_nodeset_get(set, i));
	return found;
}

static int name_of_row(mask set, uint32_t row)
{
	int name = 0;

	for (; row || !(set >> name & 1); name++)
		row -= set >> name & 1;
	return name;
}

/* The rules: what may be done, what must be, and what comes of it. */

static const struct deploy_task *task_on_stage(const struct judge *judge)
{
	return judge->plan->tasks[judge->next];
}

static const struct deploy_policy *policy_on_stage(const struct judge *judge)
{
	return &task_on_stage(judge)->policy;
}

static unsigned tries_of(const struct judge *judge)
{
	unsigned tries = policy_on_stage(judge)->tries;

	return tries == 0 ? 1 : tries;
}

static int64_t timeout_of(const struct judge *judge)
{
	return policy_on_stage(judge)->timeout_ms * MS;
}

static mask in_state(const struct judge *judge, enum where where)
{
	mask found = 0;

	for (int i = 0; i < NAMES; i++)
		if ((judge->nodes >> i & 1) && judge->node[i].where == where)
			found |= 1u << i;
	return found;
}

static mask in_flight(const struct judge *judge)
{
	return in_state(judge, QUEUED) | in_state(judge, SENT);
}

static mask busy(const struct judge *judge)
{
	return in_flight(judge) | in_state(judge, WAITING);
}

static bool is_past_deadline(const struct judge *judge)
{
	int64_t limit = policy_on_stage(judge)->deadline_ms;

	return judge->now_us >= judge->run_deadline_us ||
	       (limit && !judge->is_open && judge->now_us >= judge->start_us + limit * MS);
}

/* Only then everything that arrived is known, and nodes may run out of time. */
static bool is_tick(const struct judge *judge)
{
	return judge->input->kind == DP_IN_TICK;
}

/* Nodes in flight are given up now. */
static bool is_cut_off(const struct judge *judge)
{
	return judge->is_cut || is_past_deadline(judge) || judge->now_us >= judge->grace_us;
}

static bool may_start(const struct judge *judge)
{
	return !judge->is_stopped && !is_cut_off(judge);
}

static bool is_retried(const struct judge *judge, enum deploy_outcome_state state)
{
	return state == DEPLOY_OUTCOME_FAILED ||
	       (state == DEPLOY_OUTCOME_SILENT && policy_on_stage(judge)->retries_silent);
}

static size_t tolerance(const struct judge *judge)
{
	const struct deploy_policy *policy = policy_on_stage(judge);
	size_t total = size_of(judge->nodes);

	if (!policy->has_max_fail)
		return total;
	return policy->max_fail.is_percent ? policy->max_fail.value * total / 100
					   : policy->max_fail.value;
}

/* The size of the next group, or of the room in the window. */
static size_t allowance(const struct judge *judge)
{
	const struct deploy_policy *policy = policy_on_stage(judge);
	size_t idle = size_of(in_state(judge, IDLE)), total = size_of(judge->nodes), size = idle;
	unsigned last = policy->batch_count - 1;

	if (policy->batch_count) {
		struct deploy_amount amount =
			policy->batch[judge->groups < last ? judge->groups : last];

		size = amount.value;
		if (amount.is_percent)
			for (size = 1; size * 100 < total * amount.value;)
				size++;
	} else if (policy->window) {
		size = policy->window - size_of(busy(judge));
	}
	return size < idle ? size : idle;
}

static bool may_start_group(const struct judge *judge)
{
	return !busy(judge) && judge->now_us >= judge->group_us;
}

static void end_with(struct judge *judge, enum deploy_run_end end)
{
	if (judge->end == DEPLOY_RUN_COMPLETE)
		judge->end = end;
}

static mask nodes_of(const struct judge *judge, unsigned index)
{
	const struct deploy_task *task = judge->plan->tasks[index];
	mask nodes = task->nodes ? judge->members[index] : 0;

	if (!task->nodes && task->nodes_from >= 0)
		nodes = judge->sums[task->nodes_from].found;
	return nodes & ~judge->excluded[index];
}

static bool is_open_task(const struct judge *judge, unsigned index)
{
	return !judge->plan->tasks[index]->nodes && judge->plan->tasks[index]->nodes_from < 0;
}

/* Set the stage for the next task, which may have no nodes. */
static void expect_task(struct judge *judge)
{
	judge->nodes = nodes_of(judge, judge->next);
	judge->is_open = is_open_task(judge, judge->next);
	if (judge->is_open || judge->nodes)
		return;
	end_with(judge, DEPLOY_RUN_NO_NODES);
	judge->is_done = true;
}

/* A reply of name to a try: credited, or why not. */
static enum verdict judge_reply(struct judge *judge, int name, unsigned attempt)
{
	const struct node *node = &judge->node[name];
	bool is_flood;

	judge->reason = DEPLOY_IGNORED_UNEXPECTED;
	if (attempt < 1 || attempt > tries_of(judge))
		return IGNORE;
	is_flood = ++judge->seen[attempt] > 1000 + 4 * judge->asked[attempt];
	if (!(judge->nodes >> name & 1))
		judge->reason = DEPLOY_IGNORED_UNEXPECTED;
	else if (node->where == SENT && attempt == node->attempt)
		return CREDIT;
	else if (node->where == QUEUED ? attempt >= node->attempt : attempt > node->attempt)
		judge->reason = DEPLOY_IGNORED_UNEXPECTED;
	else if (attempt < node->attempt || !node->is_answered)
		judge->reason = DEPLOY_IGNORED_LATE;
	else
		judge->reason = DEPLOY_IGNORED_DUPLICATE;
	if (is_flood)
		judge->reason = DEPLOY_IGNORED_FLOOD;
	return IGNORE;
}

static enum verdict judge_open_reply(struct judge *judge, int name)
{
	struct sums *sums = &judge->sums[judge->next];

	judge->reason = DEPLOY_IGNORED_UNEXPECTED;
	if (!judge->is_sent)
		return IGNORE;
	if (judge->excluded[judge->next] >> name & 1) {
		sums->set[DEPLOY_OUTCOME_SKIPPED] |= 1u << name;
		sums->count[DEPLOY_OUTCOME_SKIPPED] = size_of(sums->set[DEPLOY_OUTCOME_SKIPPED]);
		return NO_MATTER;
	}
	judge->seen_open++;
	if (!(sums->found >> name & 1))
		return CREDIT;
	judge->reason = judge->seen_open > 1000 + 4 * size_of(sums->found)
				? DEPLOY_IGNORED_FLOOD
				: DEPLOY_IGNORED_DUPLICATE;
	return IGNORE;
}

static void judge_sent(struct world *world, struct judge *judge, const struct dp_input *input)
{
	if (!judge->is_on_stage || input->task != judge->next) {
		complain(world, "sent for a task that is not on stage");
		return;
	}
	if (judge->is_open) {
		judge->is_sent = true;
		judge->latest_us = judge->now_us + policy_on_stage(judge)->discovery_ms * MS;
		return;
	}
	judge->traffic_us = judge->now_us;
	for (size_t i = 0; i < input->row_count; i++) {
		int name = name_of_row(judge->nodes, input->rows[i]);

		judge->to_ask |= 1u << name;
		REQUIRE(judge->node[name].where == QUEUED &&
				judge->node[name].attempt == input->attempt,
			"%s was published, and is not to be asked", names[name]);
	}
}

static void judge_signal(struct judge *judge, const struct dp_input *input)
{
	if (judge->signal || judge->is_blocked || judge->is_open)
		judge->is_cut = true;
	judge->is_stopped = true;
	end_with(judge, DEPLOY_RUN_INTERRUPTED);
	if (judge->signal)
		return;
	judge->signal = input->signal;
	judge->grace_us = judge->now_us + 10000 * MS;
}

static void judge_input(struct world *world, const struct dp_input *input)
{
	struct judge *judge = &world->judge;

	judge->now_us = world->now_us;
	judge->input = input;
	judge->verdict = NO_MATTER;
	judge->has_reacted = judge->has_told_block = false;
	judge->to_ask = 0;
	judge->about = input->reply ? find_name(input->reply->sender) : NOBODY;
	if (input->kind == DP_IN_RETURNED)
		judge->about = find_name(input->sender);
	switch (input->kind) {
	case DP_IN_PROGRESS:
		judge->verdict = judge->is_on_stage && !judge->is_open ? TELL : NO_MATTER;
		break;
	case DP_IN_START:
		judge->start_us = judge->now_us;
		if (judge->plan->deadline_ms)
			judge->run_deadline_us = judge->now_us + judge->plan->deadline_ms * MS;
		expect_task(judge);
		break;
	case DP_IN_SENT:
		judge_sent(world, judge, input);
		break;
	case DP_IN_REPLY:
		judge->reason = DEPLOY_IGNORED_LATE;
		if (input->task != judge->next || !judge->is_on_stage)
			judge->verdict = IGNORE;
		else if (judge->is_open)
			judge->verdict = judge_open_reply(judge, judge->about);
		else
			judge->verdict = judge_reply(judge, judge->about, input->attempt);
		break;
	case DP_IN_RETURNED:
		if (judge->is_on_stage && !judge->is_open && input->task == judge->next &&
			(in_state(judge, SENT) >> judge->about & 1) &&
			(input->attempt == 0 ||
				input->attempt == judge->node[judge->about].attempt))
			judge->verdict = NO_QUEUE;
		break;
	case DP_IN_REJECTED:
		judge->verdict = IGNORE;
		judge->reason = DEPLOY_IGNORED_REJECTED;
		break;
	case DP_IN_SIGNAL:
		judge_signal(judge, input);
		break;
	case DP_IN_LOST:
		judge->is_cut = judge->is_stopped = true;
		end_with(judge, DEPLOY_RUN_LOST);
		break;
	case DP_IN_UNRECORDED:
		judge->is_cut = judge->is_stopped = true;
		end_with(judge, DEPLOY_RUN_UNRECORDED);
		break;
	case DP_IN_BLOCKED:
	case DP_IN_UNBLOCKED:
		judge->has_told_block = judge->is_blocked == (input->kind == DP_IN_BLOCKED);
		judge->is_blocked = input->kind == DP_IN_BLOCKED;
		break;
	case DP_IN_TICK:
	case DP_IN_RESPONSE:
	case DP_IN_ANSWER:
		break;
	}
	if (judge->now_us >= judge->run_deadline_us)
		end_with(judge, DEPLOY_RUN_DEADLINE);
	if (judge->verdict == IGNORE)
		judge->sums[judge->input->kind == DP_IN_REPLY ? input->task : judge->next]
			.ignored[judge->reason]++;
}

static void judge_task_started(struct world *world, const struct deploy_event *event)
{
	struct judge *judge = &world->judge;

	REQUIRE(!judge->is_on_stage && !judge->is_done,
		"a task started beside another, or after the end");
	REQUIRE(event->task == judge->next, "task %u started instead of %u", event->task,
		judge->next);
	REQUIRE(judge->end == DEPLOY_RUN_COMPLETE && !judge->is_stopped,
		"a task started after a stop");
	REQUIRE(event->count == (judge->is_open ? 0 : size_of(judge->nodes)),
		"the task is said to have %zu nodes", event->count);
	judge->is_on_stage = judge->has_begun = true;
	judge->is_sent = judge->is_stop_told = judge->is_over_limit = false;
	memset(judge->node, 0, sizeof(judge->node));
	memset(judge->asked, 0, sizeof(judge->asked));
	memset(judge->seen, 0, sizeof(judge->seen));
	judge->groups = judge->announced = 0;
	judge->not_ok = judge->seen_open = 0;
	judge->start_us = judge->group_us = judge->now_us;
	judge->latest_us = judge->now_us + policy_on_stage(judge)->discovery_ms * MS;
	judge->quiet_us = DP_NEVER;
	judge->heard_us = judge->pause_us = 0;
	judge->sums[judge->next].nodes = size_of(judge->nodes);
}

static void judge_task_ended(struct world *world, const struct deploy_event *event)
{
	struct judge *judge = &world->judge;
	struct sums *sums = &judge->sums[judge->next];

	REQUIRE(judge->is_on_stage && event->task == judge->next,
		"a task ended that was not on stage");
	REQUIRE(event->count == sums->nodes, "the task ended with %zu nodes", event->count);
	judge->is_on_stage = false;
	if (judge->is_open) {
		REQUIRE(is_cut_off(judge) ||
				(is_tick(judge) && (judge->now_us >= judge->latest_us ||
							   judge->now_us >= judge->quiet_us)),
			"discovery ended early");
		REQUIRE(event->is_ok == (!is_cut_off(judge) && judge->is_sent && sums->found),
			"a discovery is %sok", event->is_ok ? "" : "not ");
		if (!judge->is_sent)
			end_with(judge, DEPLOY_RUN_LOST);
		if (!sums->found)
			end_with(judge, DEPLOY_RUN_NO_NODES);
	} else {
		REQUIRE(in_state(judge, DONE) == judge->nodes, "the task ended before its nodes");
		REQUIRE(event->is_ok
				? !judge->is_stopped && !judge->is_stop_told
				: judge->is_stopped || judge->is_stop_told || is_cut_off(judge),
			"a task is %sok", event->is_ok ? "" : "not ");
		if (judge->is_stopped || judge->is_stop_told)
			end_with(judge, DEPLOY_RUN_STOPPED);
	}
	judge->is_done =
		judge->end != DEPLOY_RUN_COMPLETE || judge->next + 1 == judge->plan->task_count;
	if (judge->is_done)
		return;
	judge->next++;
	expect_task(judge);
}

/* The outcome of a try that was in flight, final or not, must be what the world brought. */
static void judge_try(struct world *world, int name, const struct deploy_outcome *outcome)
{
	struct judge *judge = &world->judge;
	struct node *node = &judge->node[name];
	bool is_mine = judge->about == name && !judge->has_reacted;
	bool is_answer =
		outcome->state == DEPLOY_OUTCOME_OK || outcome->state == DEPLOY_OUTCOME_FAILED;

	REQUIRE(outcome->attempt == node->attempt, "%s: try %u instead of %u", names[name],
		outcome->attempt, node->attempt);
	if (is_answer) {
		REQUIRE(judge->verdict == CREDIT && is_mine, "%s answered nothing", names[name]);
		if (judge->verdict != CREDIT)
			return;
		REQUIRE((judge->input->reply->statuscode == 0) ==
					(outcome->state == DEPLOY_OUTCOME_OK) &&
				judge->input->reply->statuscode == outcome->statuscode,
			"%s answered something else", names[name]);
		REQUIRE(outcome->rtt_us == judge->now_us - node->since_us, "%s: a wrong time",
			names[name]);
		judge->has_reacted = node->is_answered = true;
		judge->traffic_us = judge->now_us;
		return;
	}
	REQUIRE(outcome->rtt_us == -1 && outcome->statuscode == 0, "%s did not answer",
		names[name]);
	if (outcome->not_connected) {
		REQUIRE(judge->verdict == NO_QUEUE && is_mine &&
				outcome->state == DEPLOY_OUTCOME_SILENT,
			"nobody said that %s has no queue", names[name]);
		judge->has_reacted = true;
	} else if (outcome->state == DEPLOY_OUTCOME_SILENT) {
		REQUIRE(is_tick(judge) && judge->now_us >= node->since_us + timeout_of(judge),
			"%s had time left", names[name]);
	} else {
		REQUIRE(outcome->state == DEPLOY_OUTCOME_UNKNOWN && is_cut_off(judge),
			"%s is %s, and was in flight", names[name],
			deploy_outcome_state_name(outcome->state));
	}
}

/* The outcome of a node that waits for a try, or for the first one, and will not be asked. */
static void judge_untried(struct world *world, int name, const struct deploy_outcome *outcome)
{
	struct judge *judge = &world->judge;
	struct node *node = &judge->node[name];
	bool is_late = node->where == QUEUED && is_tick(judge) &&
		       judge->now_us >= node->since_us + timeout_of(judge);

	REQUIRE(is_late || !may_start(judge), "%s could still be asked", names[name]);
	REQUIRE(outcome->rtt_us == -1, "%s did not answer", names[name]);
	if (node->where == QUEUED)
		node->attempt--;
	REQUIRE(outcome->attempt == node->attempt, "%s: try %u instead of %u", names[name],
		outcome->attempt, node->attempt);
	if (node->attempt == 0)
		REQUIRE(outcome->state == DEPLOY_OUTCOME_CANCELLED, "%s was not asked, and is %s",
			names[name], deploy_outcome_state_name(outcome->state));
	else
		REQUIRE(outcome->state == node->last_state &&
				outcome->statuscode == node->last_code &&
				outcome->not_connected == node->last_unconnected,
			"%s is not what its last try came to", names[name]);
}

static void judge_open_outcome(struct world *world, int name, const struct deploy_outcome *outcome)
{
	struct judge *judge = &world->judge;
	struct sums *sums = &judge->sums[judge->next];
	int64_t window_us;

	REQUIRE(judge->verdict == CREDIT && judge->about == name && !judge->has_reacted,
		"%s answered nothing", names[name]);
	if (judge->verdict != CREDIT)
		return;
	REQUIRE((judge->input->reply->statuscode == 0) == (outcome->state == DEPLOY_OUTCOME_OK) &&
			outcome->state <= DEPLOY_OUTCOME_FAILED &&
			judge->input->reply->statuscode == outcome->statuscode,
		"%s answered something else", names[name]);
	judge->has_reacted = true;
	window_us = policy_on_stage(judge)->window_ms * MS;
	if (judge->heard_us && judge->now_us - judge->heard_us > judge->pause_us)
		judge->pause_us = judge->now_us - judge->heard_us;
	if (3 * judge->pause_us > window_us)
		window_us = 3 * judge->pause_us;
	judge->heard_us = judge->now_us;
	judge->quiet_us = judge->now_us + window_us;
	sums->found |= 1u << name;
	sums->nodes++;
}

static void judge_outcome(struct world *world, int name, const struct deploy_outcome *outcome)
{
	struct judge *judge = &world->judge;
	struct sums *sums = &judge->sums[judge->next];
	struct node *node = &judge->node[name];

	if (judge->is_open) {
		judge_open_outcome(world, name, outcome);
	} else {
		REQUIRE(node->where != DONE, "%s has a second outcome", names[name]);
		if (node->where == SENT)
			judge_try(world, name, outcome);
		else
			judge_untried(world, name, outcome);
		REQUIRE(node->where != SENT || node->attempt == tries_of(judge) ||
				!is_retried(judge, outcome->state) || !may_start(judge),
			"%s has another try", names[name]);
		node->where = DONE;
		judge->group_us = judge->now_us + policy_on_stage(judge)->batch_sleep_ms * MS;
	}
	sums->count[outcome->state]++;
	sums->set[outcome->state] |= 1u << name;
	if (outcome->not_connected)
		sums->not_connected |= 1u << name;
	if (judge->is_open || outcome->state == DEPLOY_OUTCOME_OK ||
		(outcome->state == DEPLOY_OUTCOME_CANCELLED && !may_start(judge)))
		return;
	if (++judge->not_ok > tolerance(judge))
		judge->is_stopped = judge->is_over_limit = true;
}

/* The n-th pause is the n-th of the list, or else its last. */
static long long pause_ms(const struct deploy_policy *policy, unsigned n)
{
	size_t count = policy->try_sleep_count;

	if (count == 0)
		return policy->try_sleep_ms;
	return n < count ? policy->try_sleeps_ms[n - 1] : policy->try_sleeps_ms[count - 1];
}

static void judge_retry(struct world *world, int name, const struct deploy_outcome *outcome)
{
	struct judge *judge = &world->judge;
	struct node *node = &judge->node[name];

	REQUIRE(node->where == SENT, "%s is to be tried again, and was not in flight", names[name]);
	judge_try(world, name, outcome);
	REQUIRE(node->attempt < tries_of(judge) && is_retried(judge, outcome->state) &&
			!judge->is_stopped,
		"%s has no further try", names[name]);
	node->where = WAITING;
	node->since_us = judge->now_us + pause_ms(policy_on_stage(judge), node->attempt) * MS;
	node->last_state = outcome->state;
	node->last_code = outcome->statuscode;
	node->last_unconnected = outcome->not_connected;
}

static void judge_intent(struct world *world, int name, unsigned attempt)
{
	struct judge *judge = &world->judge;
	const struct node *node = &judge->node[name];

	REQUIRE(judge->wants_intents && !judge->is_open && may_start(judge),
		"%s is said to be asked soon", names[name]);
	REQUIRE((node->where == IDLE || node->where == WAITING) && attempt == node->attempt + 1 &&
			!(judge->intended >> name & 1),
		"%s is said to be asked soon, for try %u", names[name], attempt);
	judge->intended |= 1u << name;
}

static void judge_asked(struct world *world, int name, unsigned attempt)
{
	struct judge *judge = &world->judge;
	struct node *node = &judge->node[name];

	REQUIRE(judge->to_ask >> name & 1, "%s is said to be asked", names[name]);
	REQUIRE(node->where == QUEUED && node->attempt == attempt, "%s is asked again",
		names[name]);
	judge->to_ask &= ~(1u << name);
	node->where = SENT;
	node->since_us = judge->now_us;
	node->is_answered = false;
	node->is_watched = judge->input->is_mandatory;
}

static void judge_ignored(struct world *world, const struct deploy_event *event)
{
	struct judge *judge = &world->judge;

	REQUIRE(judge->verdict == IGNORE && event->reason == judge->reason && !judge->has_reacted,
		"%s: %s instead of %s", event->node, deploy_ignored_name(event->reason),
		judge->verdict == IGNORE ? deploy_ignored_name(judge->reason) : "credited");
	REQUIRE(event->task ==
			(judge->input->kind == DP_IN_REPLY ? judge->input->task : judge->next),
		"ignored in task %u", event->task);
	judge->has_reacted = true;
}

/* Nobody who is in flight may have been asked earlier than the one who is told. */
static void judge_slowest(struct world *world, const struct deploy_event *event)
{
	struct judge *judge = &world->judge;
	mask sent = in_state(judge, SENT);
	int name = event->node ? find_name(event->node) : NOBODY;

	REQUIRE((name == NOBODY) == !sent, "%s is waited for the longest",
		event->node ? event->node : "nobody");
	if (name == NOBODY)
		return;
	REQUIRE(sent >> name & 1 && event->waited_us == judge->now_us - judge->node[name].since_us,
		"%s waited for %lld us", event->node, (long long)event->waited_us);
	for (int i = 0; i < NAMES; i++)
		REQUIRE(!(sent >> i & 1) || judge->node[i].since_us >= judge->node[name].since_us,
			"%s is waited for longer than %s", names[i], event->node);
}

static void judge_event(struct world *world, const struct deploy_event *event)
{
	struct judge *judge = &world->judge;
	int name = event->node ? find_name(event->node) : NOBODY;

	REQUIRE(event->seq == ++judge->seq, "event %lu after %lu", event->seq, judge->seq - 1);
	REQUIRE(event->at_us == WALL_US + judge->now_us, "an event of another time");
	REQUIRE(event->task == judge->next || event->type == DEPLOY_EVENT_IGNORED,
		"an event of task %u, on stage is %u", event->task, judge->next);
	switch (event->type) {
	case DEPLOY_EVENT_PROGRESS:
		REQUIRE(judge->verdict == TELL && !judge->has_reacted &&
				event->count == size_of(busy(judge)),
			"%zu are waited for instead of %u", event->count, size_of(busy(judge)));
		judge_slowest(world, event);
		judge->has_reacted = true;
		break;
	case DEPLOY_EVENT_TASK_STARTED:
		judge_task_started(world, event);
		break;
	case DEPLOY_EVENT_TASK_ENDED:
		judge_task_ended(world, event);
		break;
	case DEPLOY_EVENT_GROUP_STARTED:
		REQUIRE(policy_on_stage(judge)->batch_count, "a group without batch");
		judge->announced = (unsigned)event->count;
		break;
	case DEPLOY_EVENT_INTENT:
		judge_intent(world, name, event->attempt);
		break;
	case DEPLOY_EVENT_ASKED:
		judge_asked(world, name, event->attempt);
		break;
	case DEPLOY_EVENT_RETRY:
		judge_retry(world, name, event->outcome);
		break;
	case DEPLOY_EVENT_OUTCOME:
		REQUIRE(judge->is_on_stage, "an outcome without a task");
		REQUIRE(event->attempt == event->outcome->attempt, "event and outcome differ");
		judge_outcome(world, name, event->outcome);
		break;
	case DEPLOY_EVENT_IGNORED:
		judge_ignored(world, event);
		break;
	case DEPLOY_EVENT_STOPPED:
		REQUIRE(!may_start(judge) && !judge->is_stop_told, "stopped, and need not");
		judge->is_stop_told = true;
		break;
	case DEPLOY_EVENT_BLOCKED:
	case DEPLOY_EVENT_UNBLOCKED:
		REQUIRE(!judge->has_told_block, "blocked or unblocked twice");
		judge->has_told_block = true;
		break;
	case DEPLOY_EVENT_STEP:
	case DEPLOY_EVENT_TYPES:
		complain(world, "no such event");
		break;
	}
}

/* The nodes that rows stand for; the set that they point into must be the frozen one. */
static mask rows_of(struct world *world, const struct dp_action *action)
{
	mask rows = 0;

	REQUIRE(mask_of(action->nodes) == world->judge.nodes, "the set of nodes has changed");
	for (size_t i = 0; i < action->row_count; i++)
		rows |= 1u << find_name(deploy_nodeset_get(action->nodes, action->rows[i]));
	REQUIRE(size_of(rows) == action->row_count, "a node twice in one send");
	return rows;
}

static mask lowest(mask set, size_t count)
{
	mask kept = 0;

	for (; count && set; count--, set &= set - 1)
		kept |= set & (~set + 1);
	return kept;
}

/* The first try of some nodes: a group, what the window has room for, or everyone. */
static void judge_first_send(struct world *world, mask rows)
{
	struct judge *judge = &world->judge;

	if (policy_on_stage(judge)->batch_count) {
		REQUIRE(may_start_group(judge), "a group started too early");
		REQUIRE(judge->announced == size_of(rows), "a group of %u was announced as %u",
			size_of(rows), judge->announced);
	}
	REQUIRE(rows == lowest(in_state(judge, IDLE), allowance(judge)),
		"%u nodes are asked, and it is the turn of %zu", size_of(rows), allowance(judge));
	judge->groups++;
	judge->announced = 0;
}

static void judge_send(struct world *world, const struct dp_action *action)
{
	struct judge *judge = &world->judge;
	mask rows = rows_of(world, action);
	mask idle = in_state(judge, IDLE), waiting = in_state(judge, WAITING);

	REQUIRE(may_start(judge), "something is sent after a stop");
	REQUIRE(rows && !(rows & (in_state(judge, SENT) | in_state(judge, DONE))),
		"a node is asked that is in flight or done");
	REQUIRE(action->is_broadcast ==
			(task_on_stage(judge)->is_whole_match && rows == judge->nodes &&
				action->attempt == 1 && !judge->excluded[judge->next]),
		"broadcast, or not");
	if (rows & idle)
		judge_first_send(world, rows);
	REQUIRE(judge->intended == (judge->wants_intents ? rows & (idle | waiting) : 0),
		"what is sent is not what was intended");
	judge->intended = 0;
	for (int i = 0; i < NAMES; i++) {
		struct node *node = &judge->node[i];

		if (!(rows >> i & 1))
			continue;
		if (node->where == QUEUED) {
			REQUIRE(node->is_withdrawn && node->attempt == action->attempt,
				"%s is sent twice", names[i]);
			node->is_withdrawn = false;
			world->met.resent++;
			continue;
		}
		REQUIRE(!(waiting >> i & 1) || judge->now_us >= node->since_us,
			"%s is tried again too early", names[i]);
		REQUIRE(action->attempt == ++node->attempt && node->attempt <= tries_of(judge),
			"%s: try %u after %u", names[i], action->attempt, node->attempt - 1);
		node->where = QUEUED;
		node->since_us = judge->now_us;
		node->is_withdrawn = false;
		judge->asked[node->attempt]++;
	}
	REQUIRE(!policy_on_stage(judge)->window ||
			size_of(in_flight(judge)) <= policy_on_stage(judge)->window,
		"more in flight than the window allows");
}

static void judge_probe(struct world *world, const struct dp_action *action)
{
	struct judge *judge = &world->judge;
	mask rows = rows_of(world, action);

	REQUIRE(rows && !(rows & ~in_state(judge, SENT)), "a node is probed that is not in flight");
	REQUIRE(!in_state(judge, QUEUED), "a probe before everything is sent");
	REQUIRE(is_tick(judge) && judge->now_us >= judge->traffic_us + 50 * MS,
		"a probe without a pause");
	for (int i = 0; i < NAMES; i++) {
		REQUIRE(!(rows >> i & 1) || !judge->node[i].is_watched, "%s is probed twice",
			names[i]);
		judge->node[i].is_watched |= rows >> i & 1;
	}
}

static void judge_action(struct world *world, const struct dp_action *action)
{
	struct judge *judge = &world->judge;

	if (action->kind == DP_DO_EMIT) {
		judge_event(world, &action->event);
		return;
	}
	REQUIRE(judge->is_on_stage && action->task == judge->next, "an action for another task");
	if (action->kind == DP_DO_WITHDRAW)
		for (int i = 0; i < NAMES; i++)
			judge->node[i].is_withdrawn = true;
	else if (judge->is_open)
		REQUIRE(action->kind == DP_DO_SEND && action->is_broadcast && !action->nodes &&
				action->attempt == 1 && !judge->is_sent && may_start(judge),
			"an open task asks everyone, once");
	else if (action->kind == DP_DO_SEND)
		judge_send(world, action);
	else
		judge_probe(world, action);
}

static void sooner(int64_t *wake_us, int64_t at_us)
{
	if (at_us < *wake_us)
		*wake_us = at_us;
}

/* When something is due next; it must not be now, because everything due has been done. */
static int64_t next_due(const struct judge *judge)
{
	int64_t due_us = judge->run_deadline_us, limit = policy_on_stage(judge)->deadline_ms;

	sooner(&due_us, judge->grace_us);
	if (judge->is_open) {
		sooner(&due_us, judge->quiet_us);
		sooner(&due_us, judge->latest_us);
		return due_us;
	}
	if (limit)
		sooner(&due_us, judge->start_us + limit * MS);
	for (int i = 0; i < NAMES; i++) {
		const struct node *node = &judge->node[i];

		if (node->where == QUEUED || node->where == SENT)
			sooner(&due_us, node->since_us + timeout_of(judge));
		if (node->where == WAITING)
			sooner(&due_us, node->since_us);
		if (node->where == SENT && !node->is_watched && !in_state(judge, QUEUED))
			sooner(&due_us, judge->traffic_us + 50 * MS);
	}
	if (policy_on_stage(judge)->batch_count && !busy(judge))
		sooner(&due_us, judge->group_us);
	return due_us;
}

/* Of each reason the first 100 are told one by one. */
static bool is_to_be_told(const struct judge *judge)
{
	unsigned task = judge->input->kind == DP_IN_REPLY ? judge->input->task : judge->next;

	return judge->verdict != IGNORE || judge->sums[task].ignored[judge->reason] <= 100;
}

/* What must hold after every step. */
static void judge_step(struct world *world)
{
	struct judge *judge = &world->judge;
	int64_t wake_us = dp_runner_wake_us(world->runner);

	REQUIRE(judge->verdict == NO_MATTER || judge->has_reacted == is_to_be_told(judge),
		"nothing came of a reply, or too much");
	REQUIRE(judge->has_told_block || (judge->input->kind != DP_IN_BLOCKED &&
						 judge->input->kind != DP_IN_UNBLOCKED),
		"blocked or unblocked, and not told");
	REQUIRE(!judge->to_ask, "who was asked is not told");
	REQUIRE(!judge->intended, "who was to be asked is not");
	REQUIRE(dp_runner_is_done(world->runner) == judge->is_done, "done, or not");
	if (judge->is_done) {
		REQUIRE(wake_us == DP_NEVER, "done, and wants to be woken");
		return;
	}
	REQUIRE(judge->is_on_stage, "no task on stage");
	REQUIRE(!judge->is_cut, "cut off, and goes on");
	REQUIRE(judge->is_open || in_state(judge, DONE) != judge->nodes,
		"the task should have ended");
	REQUIRE(!judge->is_over_limit || judge->is_stop_told,
		"it was not told why the task stopped");
	if (!judge->is_open && judge->is_stopped)
		REQUIRE(in_state(judge, SENT), "nothing is in flight after a stop");
	if (!judge->is_open && !policy_on_stage(judge)->batch_count)
		REQUIRE(judge->is_stopped || !allowance(judge), "nodes could be asked");
	if (!is_tick(judge)) {
		/* Replies may be unread: time runs out with the tick, which is to follow at once.
		 */
		REQUIRE(wake_us ==
				(next_due(judge) > judge->now_us ? next_due(judge) : judge->now_us),
			"wakes %" PRId64 " us off", wake_us - next_due(judge));
		return;
	}
	REQUIRE(wake_us > judge->now_us, "%" PRId64 " us late", judge->now_us - wake_us);
	REQUIRE(wake_us == next_due(judge), "wakes %" PRId64 " us off", wake_us - next_due(judge));
}

static void judge_result(struct world *world, const struct deploy_run_result *result)
{
	const struct judge *judge = &world->judge;

	REQUIRE(result->end == judge->end, "the run ended as %d instead of %d", result->end,
		judge->end);
	REQUIRE(result->signal == judge->signal, "signal %d instead of %d", result->signal,
		judge->signal);
	REQUIRE(result->task_count == judge->plan->task_count, "tasks are missing");
	for (size_t i = 0; i < result->task_count; i++) {
		const struct deploy_tally *tally = &result->tally[i];
		const struct sums *sums = &judge->sums[i];

		REQUIRE(tally->nodes == sums->nodes, "task %zu: %zu nodes", i, tally->nodes);
		REQUIRE(mask_of(tally->not_connected) == sums->not_connected,
			"task %zu: others are not connected", i);
		REQUIRE(mask_of(result->found[i]) == sums->found, "task %zu: others were found", i);
		for (int state = 0; state < DEPLOY_OUTCOME_STATES; state++) {
			mask set = state == DEPLOY_OUTCOME_OK ? 0 : sums->set[state];

			REQUIRE(tally->count[state] == sums->count[state] &&
					mask_of(tally->set[state]) == set,
				"task %zu: others are %s", i,
				deploy_outcome_state_name((enum deploy_outcome_state)state));
		}
		for (int reason = 0; reason < DEPLOY_IGNORED_REASONS; reason++)
			REQUIRE(tally->ignored[reason] == sums->ignored[reason],
				"task %zu: %zu %s instead of %zu", i, tally->ignored[reason],
				deploy_ignored_name((enum deploy_ignored)reason),
				sums->ignored[reason]);
	}
}

/* The world: what is planned, who answers, and what else happens. */

static unsigned draw_ms(struct world *world, unsigned chance_of_none, unsigned most)
{
	return chance(world, chance_of_none) ? 0 : 1 + draw(world, most);
}

static mask draw_mask(struct world *world, mask among, unsigned percent)
{
	mask set = 0;

	for (int i = 0; i < NAMES; i++)
		if ((among >> i & 1) && chance(world, percent))
			set |= 1u << i;
	return set;
}

static struct deploy_nodeset *set_of(mask members)
{
	struct deploy_nodeset *set = deploy_nodeset_new();
	struct deploy_error err = {.code = DEPLOY_OK};

	for (int i = 0; i < NAMES; i++)
		if (members >> i & 1)
			(void)deploy_nodeset_add(set, names[i], &err);
	return set;
}

static void draw_policy(struct world *world, struct deploy_policy *policy)
{
	static const long long pauses[][3] = {{1, 20, 300}, {90, 5, 0}};
	unsigned shape = draw(world, 3);

	policy->batch_count = shape == 1 ? 1 + draw(world, 3) : 0;
	for (unsigned i = 0; i < policy->batch_count; i++) {
		policy->batch[i].is_percent = chance(world, 40);
		policy->batch[i].value = 1 + draw(world, policy->batch[i].is_percent ? 100 : 5);
	}
	policy->window = shape == 2 ? 1 + draw(world, 5) : 0;
	policy->batch_sleep_ms = draw_ms(world, 40, 200);
	policy->tries = draw(world, MAX_TRIES + 1);
	policy->try_sleep_ms = draw_ms(world, 30, 200);
	policy->try_sleeps_ms = pauses[draw(world, COUNT(pauses))];
	policy->try_sleep_count = chance(world, 30) ? 1 + draw(world, COUNT(pauses[0])) : 0;
	policy->retries_silent = chance(world, 50);
	policy->has_max_fail = chance(world, 60);
	policy->max_fail.is_percent = chance(world, 40);
	policy->max_fail.value = draw(world, policy->max_fail.is_percent ? 101 : 7);
	policy->timeout_ms = 10 + draw(world, chance(world, 95) ? 400 : 30000);
	policy->deadline_ms = draw_ms(world, 75, 1500);
	policy->discovery_ms = 20 + draw(world, 400);
	policy->window_ms = 5 + draw(world, 150);
}

static void draw_task(struct world *world, unsigned index)
{
	struct deploy_task *task = deploy_plan_take_request(world->plan, deploy_request_ping());
	struct judge *judge = &world->judge;
	int from = NOBODY;

	for (unsigned i = 0; i < index; i++)
		if (!world->plan->tasks[i]->nodes && world->plan->tasks[i]->nodes_from < 0)
			from = (int)i;
	draw_policy(world, &task->policy);
	task->is_whole_match = chance(world, 50);
	if (chance(world, 20)) {
		judge->excluded[index] = draw_mask(world, 0xffff, 20);
		task->exclude = set_of(judge->excluded[index]);
	}
	if (from != NOBODY && chance(world, 70)) {
		task->nodes_from = from;
	} else if (chance(world, 70)) {
		judge->members[index] = draw_mask(world, (1u << MEMBERS) - 1, 10 + draw(world, 91));
		task->nodes = set_of(judge->members[index]);
	}
}

static void draw_plan(struct world *world)
{
	unsigned count = 1 + draw(world, TASKS);

	world->plan = deploy_plan_new();
	world->plan->deadline_ms = draw_ms(world, 85, 3000);
	memset(&world->judge, 0, sizeof(world->judge));
	for (unsigned i = 0; i < count; i++)
		draw_task(world, i);
	world->judge.plan = world->plan;
	world->judge.wants_intents = chance(world, 50);
	world->judge.run_deadline_us = world->judge.grace_us = DP_NEVER;
}

static bool comes_before(const struct fate *a, const struct fate *b)
{
	return a->at_us != b->at_us ? a->at_us < b->at_us : a->order < b->order;
}

static void add_fate(struct world *world, struct fate fate)
{
	size_t at = world->fate_count++;

	if (world->fate_count > world->fate_cap) {
		world->fate_cap = 2 * world->fate_count;
		world->fates = realloc(world->fates, world->fate_cap * sizeof(fate));
		assert_non_null(world->fates);
	}
	fate.order = world->fate_order++;
	for (; at && comes_before(&fate, &world->fates[(at - 1) / 2]); at = (at - 1) / 2)
		world->fates[at] = world->fates[(at - 1) / 2];
	world->fates[at] = fate;
}

static struct fate take_fate(struct world *world)
{
	struct fate first = world->fates[0], last = world->fates[--world->fate_count];
	size_t at = 0, child;

	while ((child = 2 * at + 1) < world->fate_count) {
		if (child + 1 < world->fate_count &&
			comes_before(&world->fates[child + 1], &world->fates[child]))
			child++;
		if (!comes_before(&world->fates[child], &last))
			break;
		world->fates[at] = world->fates[child];
		at = child;
	}
	world->fates[at] = last;
	return first;
}

/* Some moment from now on: often soon, sometimes seconds away. */
static int64_t draw_moment(struct world *world)
{
	return world->now_us + draw(world, 1u << (8 + draw(world, 14)));
}

static void forge(struct world *world, int64_t at_us)
{
	static const uint8_t kinds[] = {REPLY, REPLY, REPLY, REPLY, RETURNED, REJECTED, CURIOUS};

	add_fate(world, (struct fate){.at_us = at_us,
				.kind = kinds[draw(world, COUNT(kinds))],
				.task = (uint8_t)draw(world, TASKS),
				.attempt = (uint8_t)draw(world, MAX_TRIES + 2),
				.node = (uint8_t)draw(world, NAMES),
				.code = (int)draw(world, 3)});
}

static void draw_flood(struct world *world)
{
	struct fate fate = {.at_us = draw_moment(world),
		.kind = REPLY,
		.task = (uint8_t)draw(world, 2),
		.attempt = (uint8_t)(1 + draw(world, 2)),
		.node = (uint8_t)draw(world, NAMES)};

	for (unsigned i = 1000 + draw(world, 150); i; i--)
		add_fate(world, fate);
}

static void draw_fates(struct world *world)
{
	struct fate fate = {.at_us = draw_moment(world)};

	for (unsigned i = chance(world, 60) ? draw(world, 12) : 0; i; i--)
		forge(world, draw_moment(world));
	if (draw(world, 500) == 0)
		draw_flood(world);
	fate.kind = SIGNALLED;
	for (unsigned i = chance(world, 20) ? 1 + draw(world, 2) : 0; i; i--) {
		add_fate(world, fate);
		fate.at_us += draw(world, 1u << (8 + draw(world, 18)));
	}
	fate.kind = LOST;
	fate.at_us = draw_moment(world);
	if (chance(world, 8))
		add_fate(world, fate);
	fate.kind = UNRECORDED;
	fate.at_us = draw_moment(world);
	if (chance(world, 4))
		add_fate(world, fate);
	fate.kind = BLOCKED;
	for (unsigned i = chance(world, 25) ? 1 + draw(world, 2) : 0; i; i--) {
		fate.at_us = draw_moment(world);
		fate.kind = BLOCKED;
		add_fate(world, fate);
		fate.at_us += draw(world, 1u << (8 + draw(world, 14)));
		fate.kind = UNBLOCKED;
		if (chance(world, 80))
			add_fate(world, fate);
	}
}

static void draw_manners(struct world *world)
{
	static const unsigned chances[] = {0, 30, 60, 80, 95, 100};

	world->chance_ok = chances[draw(world, COUNT(chances))];
	world->chance_failed = chances[draw(world, COUNT(chances))];
	world->chance_twice = chance(world, 50) ? 0 : 15;
	world->chance_mandatory = chances[draw(world, COUNT(chances))];
	world->absent = chance(world, 60) ? 0 : draw_mask(world, 0xffff, 25);
	world->is_jittery = chance(world, 30);
	world->is_partial = chance(world, 30);
	world->publish_us = chance(world, 50) ? 0 : draw(world, 1u << (6 + draw(world, 11)));
}

/* Whatever is queued to be sent is to be asked, and the other way round. */
static void judge_sends(struct world *world)
{
	const struct judge *judge = &world->judge;
	mask queued = 0;

	if (judge->is_open && !judge->is_done)
		REQUIRE((world->send_count == 1) == !judge->is_sent, "the question is lost");
	if (judge->is_open || judge->is_done)
		return;
	for (size_t i = 0; i < world->send_count; i++) {
		const struct send *send = &world->sends[i];

		REQUIRE(send->task == judge->next, "a task left something to be sent");
		for (size_t row = 0; row < send->count && !send->is_probe; row++) {
			int name = name_of_row(judge->nodes, send->rows[row]);

			REQUIRE(!(queued >> name & 1), "%s is to be sent twice", names[name]);
			REQUIRE(judge->node[name].attempt == send->attempt,
				"%s is to be sent an old try", names[name]);
			queued |= 1u << name;
		}
	}
	REQUIRE(queued == in_state(judge, QUEUED), "what is to be sent is not what is to be asked");
}

static void step(struct world *world, const struct dp_input *input)
{
	judge_input(world, input);
	dp_runner_step(world->runner, world->now_us, WALL_US + world->now_us, input);
	judge_step(world);
	judge_sends(world);
	world->met.steps++;
}

static void queue_send(struct world *world, const struct dp_action *action)
{
	struct send *send = &world->sends[world->send_count];

	if (world->send_count == MAX_SENDS) {
		complain(world, "too much is to be sent");
		return;
	}
	world->send_count++;
	*send = (struct send){.is_probe = action->kind == DP_DO_PROBE,
		.is_mandatory = !action->is_broadcast && chance(world, world->chance_mandatory),
		.task = action->task,
		.attempt = action->attempt,
		.count = action->row_count};
	for (size_t i = 0; i < action->row_count && i < NAMES; i++)
		send->rows[i] = action->rows[i];
}

static void drop_sends(struct world *world, unsigned task)
{
	size_t kept = 0;

	for (size_t i = 0; i < world->send_count; i++)
		if (world->sends[i].task != task)
			world->sends[kept++] = world->sends[i];
	world->send_count = kept;
}

static void show_rows(const struct world *world, const struct dp_action *action)
{
	static const char *const kinds[] = {"send", "fetch", "probe", "withdraw"};
	char text[200] = "";

	if (!world->shows)
		return;
	for (size_t i = 0; i < action->row_count; i++)
		(void)snprintf(text + strlen(text), sizeof(text) - strlen(text), " %s",
			deploy_nodeset_get(action->nodes, action->rows[i]));
	show(world, "    %s t%u try%u%s%s", kinds[action->kind], action->task, action->attempt,
		text, action->is_broadcast ? " (broadcast)" : "");
}

static void show_event(const struct world *world, const struct deploy_event *event)
{
	if (world->shows)
		show(world, "    #%lu t%u %s%s%s try%u %zu%s%s%s%s", event->seq, event->task,
			deploy_event_type_name(event->type), event->node ? " " : "",
			event->node ? event->node : "", event->attempt, event->count,
			event->outcome ? " " : "",
			event->outcome ? deploy_outcome_state_name(event->outcome->state) : "",
			event->text ? " " : "", event->text ? event->text : "");
}

static void act(void *arg, const struct dp_action *action)
{
	struct world *world = arg;

	if (action->kind == DP_DO_EMIT)
		show_event(world, &action->event);
	else
		show_rows(world, action);
	world->met.retries +=
		action->kind == DP_DO_EMIT && action->event.type == DEPLOY_EVENT_RETRY;
	world->met.groups +=
		action->kind == DP_DO_EMIT && action->event.type == DEPLOY_EVENT_GROUP_STARTED;
	world->met.blocked +=
		action->kind == DP_DO_EMIT && action->event.type == DEPLOY_EVENT_BLOCKED;
	world->met.curious +=
		action->kind == DP_DO_EMIT && action->event.type == DEPLOY_EVENT_PROGRESS;
	world->met.probes += action->kind == DP_DO_PROBE;
	world->met.broadcasts +=
		action->kind == DP_DO_SEND && action->nodes && action->is_broadcast;
	judge_action(world, action);
	if (action->kind == DP_DO_SEND || action->kind == DP_DO_PROBE)
		queue_send(world, action);
	else if (action->kind == DP_DO_WITHDRAW)
		drop_sends(world, action->task);
}

static void draw_answer(struct world *world, const struct send *send, int name)
{
	const struct deploy_policy *policy = &world->plan->tasks[send->task]->policy;
	int64_t most_us = (send->count ? policy->timeout_ms : policy->discovery_ms) * 1300;
	struct fate fate = {.at_us = world->now_us + draw(world, (uint32_t)most_us),
		.kind = REPLY,
		.task = (uint8_t)send->task,
		.attempt = (uint8_t)send->attempt,
		.node = (uint8_t)name};

	if (world->absent >> name & 1) {
		fate.kind = RETURNED;
		fate.at_us = world->now_us + draw(world, 2000);
		if (send->is_mandatory || send->is_probe)
			add_fate(world, fate);
		return;
	}
	fate.code = chance(world, world->chance_ok) ? 0 : 1 + (int)draw(world, 5);
	if (send->is_probe || (fate.code && !chance(world, world->chance_failed)))
		return;
	if (chance(world, 20))
		fate.at_us = world->now_us;
	add_fate(world, fate);
	while (chance(world, world->chance_twice)) {
		fate.at_us += draw(world, 1u << (4 + draw(world, 16)));
		fate.code = (int)draw(world, 2);
		add_fate(world, fate);
	}
}

/* Hand the first send to the broker, or a part of it. */
static void publish(struct world *world)
{
	struct send send = world->sends[0], *rest = &world->sends[0];
	struct dp_input input = {.kind = DP_IN_SENT,
		.task = send.task,
		.attempt = send.attempt,
		.rows = send.rows,
		.is_mandatory = send.is_mandatory};
	mask set = world->judge.nodes;

	if (send.count && world->is_partial && !send.is_probe)
		send.count = 1 + draw(world, (uint32_t)send.count);
	input.row_count = send.count;
	rest->count -= send.count;
	memmove(rest->rows, rest->rows + send.count, rest->count * sizeof(rest->rows[0]));
	if (!rest->count)
		memmove(rest, rest + 1, --world->send_count * sizeof(send));
	show(world, "published t%u try%u, %zu rows", send.task, send.attempt, send.count);
	if (send.is_probe)
		input = (struct dp_input){.kind = DP_IN_TICK};
	for (size_t i = 0; i < send.count; i++)
		draw_answer(world, &send, name_of_row(set, send.rows[i]));
	for (int i = 0; i < NAMES && !send.count; i++)
		if (chance(world, 60))
			draw_answer(world, &send, i);
	step(world, &input);
}

static void meet(struct world *world, const struct fate *fate)
{
	struct dp_reply reply = {.sender = names[fate->node],
		.request_id = "",
		.statuscode = fate->code,
		.statusmsg = ""};
	struct dp_input input = {.kind = DP_IN_TICK, .attempt = fate->attempt};

	/* Nobody can know the id of a request that is not made yet. */
	input.task = fate->task <= world->judge.next ? fate->task : world->judge.next;
	switch ((enum kind)fate->kind) {
	case REPLY:
		input.kind = DP_IN_REPLY;
		input.reply = &reply;
		show(world, "reply t%u try%u %s %d", input.task, input.attempt, reply.sender,
			fate->code);
		break;
	case RETURNED:
		input.kind = DP_IN_RETURNED;
		input.sender = reply.sender;
		show(world, "returned t%u try%u %s", input.task, input.attempt, reply.sender);
		break;
	case REJECTED:
		input.kind = DP_IN_REJECTED;
		input.sender = fate->code ? reply.sender : NULL;
		input.text = "not ours";
		show(world, "rejected");
		break;
	case CURIOUS:
		input.kind = DP_IN_PROGRESS;
		show(world, "who is waited for?");
		break;
	case SIGNALLED:
		input.kind = DP_IN_SIGNAL;
		input.signal = fate->order % 2 ? SIGINT : SIGTERM;
		show(world, "signal %d", input.signal);
		break;
	case BLOCKED:
	case UNBLOCKED:
		world->is_blocked = fate->kind == BLOCKED;
		input.kind = world->is_blocked ? DP_IN_BLOCKED : DP_IN_UNBLOCKED;
		input.text = world->is_blocked ? "low on memory" : NULL;
		show(world, world->is_blocked ? "blocked" : "unblocked");
		break;
	case LOST:
		input.kind = DP_IN_LOST;
		input.text = "reset";
		show(world, "lost");
		break;
	case UNRECORDED:
		input.kind = DP_IN_UNRECORDED;
		show(world, "unrecorded");
		break;
	case PUBLISH:
		world->is_publishing = false;
		if (world->send_count && !world->is_blocked)
			publish(world);
		return;
	}
	step(world, &input);
}

static void turn(struct world *world)
{
	static const struct dp_input tick = {.kind = DP_IN_TICK};
	int64_t wake_us = dp_runner_wake_us(world->runner), fate_us;
	struct fate fate;

	if (world->send_count && !world->is_publishing && !world->is_blocked) {
		world->is_publishing = true;
		add_fate(world,
			(struct fate){.at_us = world->now_us + draw(world, world->publish_us + 1),
				.kind = PUBLISH});
	}
	fate_us = world->fate_count ? world->fates[0].at_us : DP_NEVER;
	if (fate_us == DP_NEVER && wake_us == DP_NEVER) {
		complain(world, "nothing will ever happen");
		return;
	}
	if (world->now_us < (wake_us < fate_us ? wake_us : fate_us))
		world->now_us = wake_us < fate_us ? wake_us : fate_us;
	/* A busy machine comes late to everything. */
	if (world->is_jittery && chance(world, 10))
		world->now_us += draw(world, 5000);
	if (fate_us > world->now_us || (wake_us <= world->now_us && chance(world, 50))) {
		show(world, "tick");
		step(world, &tick);
		return;
	}
	fate = take_fate(world);
	meet(world, &fate);
}

static void sum_up(struct world *world, const struct deploy_run_result *result)
{
	struct met *met = &world->met;

	met->ends[result->end]++;
	for (size_t i = 0; i < result->task_count; i++) {
		for (int state = 0; state < DEPLOY_OUTCOME_STATES; state++)
			met->outcomes[state] += result->tally[i].count[state];
		for (int reason = 0; reason < DEPLOY_IGNORED_REASONS; reason++)
			met->ignored[reason] += result->tally[i].ignored[reason];
		met->not_connected += deploy_nodeset_count(result->tally[i].not_connected);
	}
}

/* What comes after the end must change nothing. */
static void knock(struct world *world)
{
	static const struct dp_input late[] = {{.kind = DP_IN_LOST, .text = "reset"},
		{.kind = DP_IN_SIGNAL, .signal = SIGHUP}, {.kind = DP_IN_TICK}};
	unsigned long seq = world->judge.seq;

	for (size_t i = 0; i < COUNT(late); i++) {
		world->now_us += draw(world, 20000000);
		dp_runner_step(world->runner, world->now_us, WALL_US + world->now_us, &late[i]);
	}
	REQUIRE(dp_runner_is_done(world->runner), "done, and not any more");
	REQUIRE(world->judge.seq == seq, "something happened after the end");
}

static void live(struct world *world, uint32_t seed, uint32_t number)
{
	static const struct dp_input start = {.kind = DP_IN_START};
	struct deploy_run_result result;
	unsigned steps = 0;

	/* Any odd multiplier spreads the numbers; the state must not be zero. */
	world->random = (((uint64_t)seed << 32 | number) + 1) * 0x9e3779b97f4a7c15u;
	for (int i = 0; i < 4; i++)
		(void)draw(world, 1);
	world->seed = seed;
	world->number = number;
	world->is_over = false;
	*world->failure = '\0';
	world->fate_count = world->send_count = 0;
	world->fate_order = 0;
	world->is_publishing = world->is_blocked = false;
	world->now_us = draw(world, 1000);
	draw_manners(world);
	draw_plan(world);
	draw_fates(world);
	world->runner = dp_runner_new(world->plan, act, world);
	if (world->judge.wants_intents)
		dp_runner_tell_intents(world->runner);
	step(world, &start);
	while (!dp_runner_is_done(world->runner) && !*world->failure) {
		turn(world);
		if (++steps > MAX_STEPS)
			complain(world, "it does not end");
	}
	if (!*world->failure)
		knock(world);
	dp_runner_finish(world->runner, &result);
	if (!*world->failure)
		judge_result(world, &result);
	sum_up(world, &result);
	deploy_run_result_release(&result);
	dp_runner_free(world->runner);
	deploy_plan_free(world->plan);
	world->is_over = true;
}

static uint32_t setting(const char *name, uint32_t otherwise)
{
	const char *text = getenv(name);

	return text ? (uint32_t)strtoul(text, NULL, 10) : otherwise;
}

static void show_world(struct world *world, uint32_t seed, uint32_t number)
{
	world->shows = true;
	live(world, seed, number);
	world->shows = false;
	printf("SEED=%" PRIu32 " WORLD=%" PRIu32 ": %s\n", seed, number,
		*world->failure ? world->failure : "as it should be");
	(void)fflush(stdout);
}

static void expect_to_have_met_everything(const struct met *met)
{
	printf("%lu steps, %lu groups, %lu retries, %lu probes, %lu broadcasts\n", met->steps,
		met->groups, met->retries, met->probes, met->broadcasts);
	assert_true(met->groups && met->retries && met->probes && met->broadcasts && met->blocked);
	assert_true(met->resent && met->curious && met->not_connected);
	for (size_t i = 0; i < COUNT(met->ends); i++)
		assert_true(met->ends[i] > 0);
	for (int state = 0; state < DEPLOY_OUTCOME_STATES; state++)
		assert_true(met->outcomes[state] > 0);
	for (int reason = 0; reason < DEPLOY_IGNORED_REASONS; reason++)
		assert_true(met->ignored[reason] > 0);
}

static void every_world_keeps_the_rules(void **state)
{
	uint32_t seed = setting("SEED", DEFAULT_SEED), worlds = setting("WORLDS", DEFAULT_WORLDS);
	struct world *world = *state;

	printf("SEED=%" PRIu32 " WORLDS=%" PRIu32 "\n", seed, worlds);
	if (getenv("WORLD")) {
		show_world(world, seed, setting("WORLD", 0));
		worlds = 0;
	}
	for (uint32_t number = 0; number < worlds && !*world->failure; number++) {
		live(world, seed, number);
		if (*world->failure)
			show_world(world, seed, number);
	}
	if (*world->failure)
		fail_msg("%s", world->failure);
	if (worlds >= 10000)
		expect_to_have_met_everything(&world->met);
}

static int set_up(void **state)
{
	struct world *world = calloc(1, sizeof(*world));

	if (!world)
		return -1;
	world->is_over = true;
	*state = world;
	return 0;
}

/* Also after a crash, which no judge has time to complain of. */
static int tear_down(void **state)
{
	struct world *world = *state;

	if (!world->is_over)
		printf("SEED=%" PRIu32 " WORLD=%" PRIu32 ": it crashed\n", world->seed,
			world->number);
	free(world->fates);
	free(world);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(every_world_keeps_the_rules, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
