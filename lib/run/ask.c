/*
 * One row per node. Who was sent to stands in a queue in the order in which that was, which is the
 * order in which it falls due, since a task has one timeout; pauses between tries may grow.
 */
#include "run/ask_parts.h"

#include <stdlib.h>

#include "base/mem.h"

/* The first row of a queue that is in state still; NULL if there is none. */
static struct dp_row *first_of(
	struct dp_ask *ask, struct dp_row_queue *queue, enum dp_row_state state)
{
	for (; queue->count; dp_row_queue_pop(queue)) {
		const struct dp_row_entry *entry = dp_row_queue_head(queue);
		struct dp_row *row = &ask->rows[entry->row];

		if (row->state == state && row->attempt == entry->attempt)
			return row;
	}
	return NULL;
}

static struct dp_row *first_unsent(struct dp_ask *ask)
{
	return first_of(ask, &ask->unsent, ROW_QUEUED);
}

static struct dp_row *first_in_flight(struct dp_ask *ask)
{
	return first_of(ask, &ask->deadlines, ROW_SENT);
}

static struct dp_row *first_retry(struct dp_ask *ask)
{
	uint32_t row;
	int64_t at_us;

	return dp_timers_first(&ask->retries, &row, &at_us) ? &ask->rows[row] : NULL;
}

struct dp_ask *dp_ask_take_nodes(const struct deploy_task *task, struct deploy_nodeset *nodes,
	bool whole, struct deploy_tally *tally)
{
	struct dp_ask *ask = dp_xcalloc(1, sizeof(*ask));
	const struct deploy_policy *policy = &task->policy;

	ask->task = task;
	ask->policy = policy;
	ask->tally = tally;
	ask->nodes = nodes;
	ask->is_whole = whole;
	ask->count = tally->nodes = deploy_nodeset_count(nodes);
	ask->rows = dp_xcalloc(ask->count, sizeof(*ask->rows));
	ask->wave = dp_xcalloc(ask->count, sizeof(*ask->wave));
	ask->attempts = dp_xcalloc((policy->tries ? policy->tries : 1) + 1, sizeof(*ask->attempts));
	ask->tolerated = policy->has_max_fail && !policy->is_one
				 ? deploy_amount_limit(policy->max_fail, ask->count)
				 : ask->count;
	ask->deadline_us = DP_NEVER;
	dp_timers_init(&ask->retries, dp_ask_max_tries(ask) > 1 ? ask->count : 0);
	ask->order = task->start ? dp_order_new(task, nodes) : NULL;
	return ask;
}

void dp_ask_free(struct dp_ask *ask)
{
	if (!ask)
		return;
	dp_order_free(ask->order);
	deploy_nodeset_free(ask->nodes);
	free(ask->rows);
	free(ask->wave);
	free(ask->attempts);
	free(ask->unsent.items);
	free(ask->deadlines.items);
	dp_timers_release(&ask->retries);
	free(ask);
}

const char *dp_ask_name(const struct dp_ask *ask, const struct dp_row *row)
{
	return deploy_nodeset_get(ask->nodes, (size_t)(row - ask->rows));
}

unsigned dp_ask_max_tries(const struct dp_ask *ask)
{
	return ask->policy->tries ? ask->policy->tries : 1;
}

void dp_ask_move(struct dp_ask *ask, struct dp_row *row, enum dp_row_state state)
{
	size_t *const counts[] = {NULL, &ask->queued, &ask->sent, &ask->waiting, &ask->done};

	if (row->state == ROW_SENT && !row->is_probed)
		ask->unprobed--;
	if (row->state == ROW_WAITING)
		dp_timers_clear(&ask->retries, (uint32_t)(row - ask->rows));
	if (counts[row->state])
		(*counts[row->state])--;
	row->state = (uint8_t)state;
	if (counts[state])
		(*counts[state])++;
	if (row->state == ROW_SENT && !row->is_probed)
		ask->unprobed++;
}

/* Queue one row for its next try and add it to the wave. */
static void enlist(struct dp_ask *ask, struct dp_stage *stage, size_t index, size_t *wave_count)
{
	struct dp_row *row = &ask->rows[index];

	row->attempt++;
	row->at_us = stage->now_us;
	row->is_probed = false;
	dp_ask_move(ask, row, ROW_QUEUED);
	dp_row_queue_push(&ask->unsent, (uint32_t)index, row->attempt);
	ask->attempts[row->attempt].asked++;
	ask->wave[(*wave_count)++] = (uint32_t)index;
}

/* A broadcast reaches also who is not in the set, so it is used only where the set is all there is.
 */
static bool may_broadcast(const struct dp_ask *ask, unsigned attempt, size_t wave_count)
{
	return ask->task->is_whole_match && ask->is_whole && attempt == 1 &&
	       wave_count == ask->count &&
	       (!ask->task->exclude || deploy_nodeset_count(ask->task->exclude) == 0);
}

static void send_wave(struct dp_ask *ask, struct dp_stage *stage, unsigned attempt, size_t count)
{
	struct dp_action send = {.kind = DP_DO_SEND,
		.task = stage->task,
		.attempt = attempt,
		.nodes = ask->nodes,
		.rows = ask->wave,
		.row_count = count,
		.is_broadcast = may_broadcast(ask, attempt, count)};

	if (count)
		dp_stage_ask(stage, &send);
}

/* Say who is to be asked, so that it is recorded, and ask them. */
static void start_wave(struct dp_ask *ask, struct dp_stage *stage, unsigned attempt, size_t count)
{
	for (size_t i = 0; i < count && stage->tells_intents; i++)
		dp_stage_emit(stage, (struct deploy_event){.type = DEPLOY_EVENT_INTENT,
					     .node = deploy_nodeset_get(ask->nodes, ask->wave[i]),
					     .attempt = attempt});
	send_wave(ask, stage, attempt, count);
}

/* Emit an event about several nodes: rows of the wave, folded. */
static void tell_wave(
	const struct dp_ask *ask, struct dp_stage *stage, struct deploy_event event, size_t count)
{
	struct deploy_nodeset *members = deploy_nodeset_new();
	struct deploy_error ignored = {0};
	char *text;

	for (size_t i = 0; i < count; i++)
		(void)deploy_nodeset_add(
			members, deploy_nodeset_get(ask->nodes, ask->wave[i]), &ignored);
	text = deploy_nodeset_print(members);
	event.count = count;
	event.text = text;
	dp_stage_emit(stage, event);
	free(text);
	deploy_nodeset_free(members);
}

void dp_ask_tell_progress(struct dp_ask *ask, struct dp_stage *stage)
{
	struct deploy_event event = {.type = DEPLOY_EVENT_PROGRESS};
	const struct dp_row *first = first_in_flight(ask);
	size_t count = 0;

	for (size_t i = 0; i < ask->next; i++)
		if (ask->rows[i].state != ROW_DONE && ask->rows[i].state != ROW_IDLE)
			ask->wave[count++] = (uint32_t)i;
	if (first) {
		event.node = dp_ask_name(ask, first);
		event.waited_us = stage->now_us - first->at_us;
	}
	tell_wave(ask, stage, event, count);
}

static size_t active(const struct dp_ask *ask)
{
	return ask->queued + ask->sent + ask->waiting;
}

/* How many nodes are left that may be started, now or later. */
static size_t startable(const struct dp_ask *ask)
{
	return ask->order ? dp_order_ready(ask->order) : ask->count - ask->next;
}

/* How many nodes may be started now: the one place that knows batch, window and one. */
static size_t room(struct dp_ask *ask, const struct dp_stage *stage)
{
	const struct deploy_policy *policy = ask->policy;
	size_t left = startable(ask), size = left;

	if (ask->is_stopped || ask->is_satisfied || !left)
		return 0;
	if (policy->is_one) {
		size = active(ask) ? 0 : 1;
	} else if (policy->batch_count) {
		unsigned at =
			ask->group < policy->batch_count ? ask->group : policy->batch_count - 1;

		if (active(ask) || stage->now_us < ask->group_at_us)
			return 0;
		size = deploy_amount_group(policy->batch[at], ask->count);
	} else if (policy->window) {
		size = active(ask) < policy->window ? policy->window - active(ask) : 0;
	}
	return size < left ? size : left;
}

static void start_more(struct dp_ask *ask, struct dp_stage *stage)
{
	size_t size = room(ask, stage), count = 0;

	if (!size)
		return;
	while (count < size) {
		size_t index = ask->order ? dp_order_take(ask->order) : ask->next;

		if (index >= ask->next)
			ask->next = index + 1;
		enlist(ask, stage, index, &count);
	}
	if (ask->policy->batch_count && !ask->policy->is_one) {
		ask->group++;
		ask->group_is_open = true;
		tell_wave(ask, stage, (struct deploy_event){.type = DEPLOY_EVENT_GROUP_STARTED},
			count);
	}
	start_wave(ask, stage, 1, count);
}

/* One wave for each run of rows that are in the same try. */
static void start_retries(struct dp_ask *ask, struct dp_stage *stage)
{
	const struct dp_row *row;
	unsigned attempt = 0;
	size_t count = 0;

	if (ask->is_stopped)
		return;
	while ((row = first_retry(ask)) && row->at_us <= stage->now_us) {
		size_t index = (size_t)(row - ask->rows);

		if (count && row->attempt + 1u != attempt) {
			start_wave(ask, stage, attempt, count);
			count = 0;
		}
		attempt = row->attempt + 1u;
		enlist(ask, stage, index, &count);
	}
	start_wave(ask, stage, attempt, count);
}

static bool deserves_another_try(
	const struct dp_ask *ask, const struct dp_row *row, enum deploy_outcome_state state)
{
	if (ask->is_stopped || row->attempt >= dp_ask_max_tries(ask))
		return false;
	return state == DEPLOY_OUTCOME_FAILED ||
	       (state == DEPLOY_OUTCOME_SILENT && ask->policy->retries_silent);
}

/* How long a row that has had so many tries waits for the next one. */
static long long pause_ms(const struct deploy_policy *policy, unsigned tries)
{
	size_t last = policy->try_sleep_count;

	if (!last)
		return policy->try_sleep_ms;
	return policy->try_sleeps_ms[(tries < last ? tries : last) - 1];
}

void dp_ask_conclude(struct dp_ask *ask, struct dp_stage *stage, struct dp_row *row,
	const struct deploy_outcome *outcome)
{
	if (!deserves_another_try(ask, row, outcome->state)) {
		dp_ask_settle(ask, stage, row, outcome);
		return;
	}
	row->at_us = stage->now_us + pause_ms(ask->policy, row->attempt) * 1000;
	row->last_state = (uint8_t)outcome->state;
	row->last_code = outcome->statuscode;
	row->last_unconnected = outcome->not_connected;
	dp_ask_move(ask, row, ROW_WAITING);
	dp_timers_set(&ask->retries, (uint32_t)(row - ask->rows), row->at_us);
	dp_stage_emit(stage, (struct deploy_event){.type = DEPLOY_EVENT_RETRY,
				     .node = dp_ask_name(ask, row),
				     .attempt = row->attempt,
				     .outcome = outcome});
}

/* The node was not to answer: what can be known is what the broker says. */
static void conclude_unasked(struct dp_ask *ask, struct dp_stage *stage, struct dp_row *row)
{
	struct deploy_outcome outcome = {.state = DEPLOY_OUTCOME_UNKNOWN,
		.was_handed_over = stage->is_confirmed,
		.attempt = row->attempt,
		.message = stage->is_confirmed ? "not asked for an answer"
					       : "the broker did not say that it has the request",
		.rtt_us = -1};

	dp_ask_conclude(ask, stage, row, &outcome);
}

void dp_ask_start(struct dp_ask *ask, struct dp_stage *stage)
{
	if (ask->policy->deadline_ms)
		ask->deadline_us = stage->now_us + ask->policy->deadline_ms * 1000;
	dp_stage_emit(stage,
		(struct deploy_event){.type = DEPLOY_EVENT_TASK_STARTED, .count = ask->count});
}

/* An act has limits of its own. */
static int64_t due_us(const struct dp_ask *ask, const struct dp_row *row)
{
	if (ask->task->act)
		return DP_NEVER;
	return row->at_us + ask->policy->timeout_ms * 1000;
}

/*
 * When a row in flight may be waited for no longer. Who is not to answer waits for all that is to
 * be sent: what the broker says then is said of everybody.
 */
static int64_t reply_due_us(const struct dp_ask *ask, const struct dp_row *row)
{
	if (!dp_is_mute(ask->task))
		return due_us(ask, row);
	if (ask->queued)
		return DP_NEVER;
	return row->at_us > ask->confirm_us ? row->at_us : ask->confirm_us;
}

/* Send again what is queued, after a withdrawal; one wave for each run of rows in the same try. */
static void send_queued(struct dp_ask *ask, struct dp_stage *stage)
{
	size_t count = 0;
	unsigned attempt = 0;

	for (size_t i = 0; i < ask->next; i++) {
		if (ask->rows[i].state != ROW_QUEUED)
			continue;
		if (count && ask->rows[i].attempt != attempt) {
			send_wave(ask, stage, attempt, count);
			count = 0;
		}
		attempt = ask->rows[i].attempt;
		ask->wave[count++] = (uint32_t)i;
	}
	send_wave(ask, stage, attempt, count);
}

/* Rows that waited too long to be sent are final, so they must not be sent any more. */
static void expire_unsent(struct dp_ask *ask, struct dp_stage *stage)
{
	struct dp_row *row = first_unsent(ask);

	if (!row || due_us(ask, row) > stage->now_us)
		return;
	dp_ask_withdraw(ask, stage);
	do
		dp_ask_settle_untried(
			ask, stage, row, "not asked in time: the broker takes no publishes");
	while ((row = first_unsent(ask)) && due_us(ask, row) <= stage->now_us);
	send_queued(ask, stage);
}

static void expire(struct dp_ask *ask, struct dp_stage *stage)
{
	struct dp_row *row;

	while ((row = first_in_flight(ask)) && reply_due_us(ask, row) <= stage->now_us) {
		if (!dp_is_mute(ask->task))
			dp_ask_conclude_unheard(
				ask, stage, row, DEPLOY_OUTCOME_SILENT, "no reply in time");
		else if (stage->is_confirmed || due_us(ask, row) <= stage->now_us)
			conclude_unasked(ask, stage, row);
		else
			ask->confirm_us = stage->now_us + DP_CONFIRM_PAUSE_US;
	}
	expire_unsent(ask, stage);
}

static int64_t probe_at(const struct dp_ask *ask)
{
	return ask->unprobed ? ask->last_traffic_us + DP_PROBE_PAUSE_US : DP_NEVER;
}

static void probe(struct dp_ask *ask, struct dp_stage *stage)
{
	struct dp_action action = {
		.kind = DP_DO_PROBE, .task = stage->task, .nodes = ask->nodes, .rows = ask->wave};
	uint32_t *wave;

	if (stage->now_us < probe_at(ask) || ask->queued)
		return;
	for (size_t i = 0; i < ask->count && ask->unprobed; i++) {
		struct dp_row *row = &ask->rows[i];

		if (row->state != ROW_SENT || row->is_probed)
			continue;
		ask->unprobed--;
		row->is_probed = true;
		wave = &ask->wave[action.row_count++];
		*wave = (uint32_t)i;
	}
	dp_stage_ask(stage, &action);
}

static void close_group(struct dp_ask *ask, const struct dp_stage *stage)
{
	if (!ask->group_is_open || active(ask))
		return;
	ask->group_is_open = false;
	ask->group_at_us = stage->now_us + ask->policy->batch_sleep_ms * 1000;
}

void dp_ask_advance(struct dp_ask *ask, struct dp_stage *stage)
{
	if (stage->now_us >= ask->deadline_us && !ask->is_abandoned && !dp_ask_is_over(ask)) {
		dp_ask_stop(ask, stage, "the deadline of the task has passed");
		dp_ask_abandon(ask, stage, "the deadline of the task passed before it answered");
	}
	if (stage->may_expire)
		expire(ask, stage);
	start_retries(ask, stage);
	close_group(ask, stage);
	dp_ask_skip_barred(ask, stage);
	start_more(ask, stage);
	if (stage->may_expire)
		probe(ask, stage);
}

int64_t dp_ask_due_us(struct dp_ask *ask)
{
	const struct dp_row *row = first_retry(ask);
	int64_t due = ask->deadline_us;

	if (row && row->at_us < due)
		due = row->at_us;
	if (!ask->is_stopped && !ask->policy->is_one && ask->policy->batch_count &&
		ask->next < ask->count && !active(ask) && ask->group_at_us < due)
		due = ask->group_at_us;
	return due;
}

int64_t dp_ask_wake_us(struct dp_ask *ask, int64_t now_us)
{
	const struct dp_row *row;
	int64_t wake = dp_ask_due_us(ask);

	if ((row = first_unsent(ask)) && due_us(ask, row) < wake)
		wake = due_us(ask, row);
	if ((row = first_in_flight(ask)) && reply_due_us(ask, row) < wake)
		wake = reply_due_us(ask, row);
	if (!ask->queued && probe_at(ask) < wake)
		wake = probe_at(ask);
	return wake > now_us ? wake : now_us;
}

bool dp_ask_is_over(const struct dp_ask *ask)
{
	bool has_more = startable(ask) || (ask->order && dp_order_has_barred(ask->order));

	return !active(ask) && (ask->is_stopped || ask->is_satisfied || !has_more);
}

bool dp_ask_was_stopped(const struct dp_ask *ask)
{
	return ask->is_stopped;
}
