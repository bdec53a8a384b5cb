/* One row per node, with the machine's memory while the node is in flight. */
#include "run/acts.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "run/row_queue.h"
#include "run/timers.h"

/* What a row waits for. */
enum row_state {
	ROW_OUT,      /* not in flight */
	ROW_ASKING,   /* that its request is handed to the broker */
	ROW_ASKED,    /* for the reply */
	ROW_FETCHING, /* for the response */
	ROW_SLEEPING
};

struct row {
	void *memory;			      /* of the machine; NULL while out */
	const struct deploy_request *request; /* ASKING, ASKED */
	long long timeout_ms;		      /* likewise */
	unsigned serial;		      /* of the last message or fetch; 0: none yet */
	uint16_t attempt;
	uint8_t state;	   /* enum row_state */
	bool has_answered; /* to the message with that serial */
};

/* A request that a row wants sent, until the step is over. */
struct wish {
	const struct deploy_request *request;
	long long timeout_ms;
	uint32_t row;
	size_t order, first; /* among the wishes; of its message */
};

struct dp_acts {
	struct deploy_act *act;
	struct dp_ask *ask;
	const struct deploy_nodeset *nodes;
	struct deploy_tally *tally;
	struct row *rows;
	size_t count;
	struct dp_row_queue beginning; /* whose turn has come */
	struct dp_timers timers;       /* ASKING, ASKED: no reply in time; SLEEPING */
	struct wish *wishes;
	size_t wish_count, wish_cap;
	uint32_t *wave;	    /* scratch: rows of one message */
	unsigned serial;    /* that was given out last */
	unsigned withdrawn; /* message that was withdrawn last */
	size_t asked, seen; /* requests to nodes, and replies */
	int64_t start_us;
};

struct dp_acts *dp_acts_new(const struct deploy_task *task, struct dp_ask *ask,
	const struct deploy_nodeset *nodes, struct deploy_tally *tally, int64_t now_us)
{
	struct dp_acts *acts = dp_xcalloc(1, sizeof(*acts));

	acts->act = task->act;
	acts->ask = ask;
	acts->nodes = nodes;
	acts->tally = tally;
	acts->start_us = now_us;
	acts->count = deploy_nodeset_count(nodes);
	acts->rows = dp_xcalloc(acts->count, sizeof(*acts->rows));
	acts->wave = dp_xcalloc(acts->count, sizeof(*acts->wave));
	dp_timers_init(&acts->timers, acts->count);
	return acts;
}

static void release_row(struct dp_acts *acts, struct row *row)
{
	if (row->memory && acts->act->ops->release_row)
		acts->act->ops->release_row(acts->act, row->memory);
	free(row->memory);
	row->memory = NULL;
	row->state = ROW_OUT;
}

void dp_acts_free(struct dp_acts *acts)
{
	if (!acts)
		return;
	for (size_t i = 0; i < acts->count; i++)
		release_row(acts, &acts->rows[i]);
	dp_timers_release(&acts->timers);
	free(acts->rows);
	free(acts->wave);
	free(acts->wishes);
	free(acts->beginning.items);
	free(acts);
}

void dp_acts_take(struct dp_acts *acts, const struct dp_action *action)
{
	/* Only those are withdrawn that did not begin; rows in flight are no longer the ask's. */
	if (action->kind == DP_DO_WITHDRAW)
		acts->beginning.count = 0;
	if (action->kind != DP_DO_SEND)
		return;
	for (size_t i = 0; i < action->row_count; i++)
		dp_row_queue_push(&acts->beginning, action->rows[i], (uint16_t)action->attempt);
}

static const char *name_of(const struct dp_acts *acts, uint32_t index)
{
	return deploy_nodeset_get(acts->nodes, index);
}

/* Aligned: at the next multiple of the pause since the task began. */
static int64_t awake_at(
	const struct dp_acts *acts, const struct dp_stage *stage, const struct dp_act_next *next)
{
	int64_t pause_us = next->sleep_ms > 0 ? next->sleep_ms * INT64_C(1000) : 1000;
	int64_t since_us = stage->now_us - acts->start_us;

	if (!next->is_aligned)
		return stage->now_us + pause_us;
	return acts->start_us + (since_us / pause_us + 1) * pause_us;
}

static void wish(struct dp_acts *acts, uint32_t index, const struct dp_act_next *next)
{
	struct row *row = &acts->rows[index];

	assert(next->request && next->request->collective);
	row->state = ROW_ASKING;
	row->request = next->request;
	row->timeout_ms = next->timeout_ms;
	acts->wishes =
		dp_grow(acts->wishes, &acts->wish_cap, acts->wish_count + 1, sizeof(*acts->wishes));
	acts->wishes[acts->wish_count] = (struct wish){.request = row->request,
		.timeout_ms = row->timeout_ms,
		.row = index,
		.order = acts->wish_count};
	acts->wish_count++;
}

static void fetch(struct dp_acts *acts, struct dp_stage *stage, uint32_t index,
	struct dp_http_request *request)
{
	struct row *row = &acts->rows[index];
	struct dp_action action = {.kind = DP_DO_FETCH,
		.task = stage->task,
		.attempt = ++acts->serial,
		.nodes = acts->nodes,
		.rows = &index,
		.row_count = 1,
		.fetch = request};

	row->state = ROW_FETCHING;
	row->serial = acts->serial;
	stage->act(stage->act_arg, &action);
}

/* The machine is released first: the ask may have the node begin again. */
static void finish(
	struct dp_acts *acts, struct dp_stage *stage, uint32_t index, struct dp_act_next *next)
{
	struct deploy_outcome outcome = {.state = next->state,
		.not_connected = next->state == DEPLOY_OUTCOME_SILENT && next->not_connected,
		.statuscode = next->statuscode,
		.message = next->message,
		.data = next->data};

	release_row(acts, &acts->rows[index]);
	dp_ask_outcome(acts->ask, stage, index, &outcome);
	json_decref(next->data);
}

/* Tell a machine what happened, and do what it wants next. */
static void step(
	struct dp_acts *acts, struct dp_stage *stage, uint32_t index, struct dp_act_input input)
{
	struct row *row = &acts->rows[index];
	struct dp_act_next next = {.what = NULL};

	input.now_us = stage->now_us;
	acts->act->ops->step(acts->act, row->memory, name_of(acts, index), &input, &next);
	if (next.what)
		dp_stage_emit(stage, (struct deploy_event){.type = DEPLOY_EVENT_STEP,
					     .node = name_of(acts, index),
					     .attempt = row->attempt,
					     .text = next.what});
	if (next.kind == DP_ACT_GO_ON) {
		assert(input.kind == DP_ACT_STOP);
		return;
	}
	dp_timers_clear(&acts->timers, index);
	switch (next.kind) {
	case DP_ACT_ASK:
		wish(acts, index, &next);
		break;
	case DP_ACT_FETCH:
		fetch(acts, stage, index, next.fetch);
		break;
	case DP_ACT_SLEEP:
		row->state = ROW_SLEEPING;
		dp_timers_set(&acts->timers, index, awake_at(acts, stage, &next));
		break;
	case DP_ACT_DONE:
		finish(acts, stage, index, &next);
		break;
	case DP_ACT_GO_ON:
		break;
	}
}

static void begin(struct dp_acts *acts, struct dp_stage *stage, struct dp_row_entry entry)
{
	struct row *row = &acts->rows[entry.row];
	struct dp_input sent = {.kind = DP_IN_SENT,
		.attempt = entry.attempt,
		.rows = &entry.row,
		.row_count = 1,
		.is_mandatory = true};

	row->memory = dp_xcalloc(1, acts->act->ops->row_size);
	row->attempt = entry.attempt;
	dp_ask_sent(acts->ask, stage, &sent);
	step(acts, stage, entry.row, (struct dp_act_input){.kind = DP_ACT_BEGIN});
}

static void withdraw(struct dp_acts *acts, struct dp_stage *stage, unsigned serial)
{
	struct dp_action action = {.kind = DP_DO_WITHDRAW,
		.task = stage->task,
		.attempt = serial,
		.nodes = acts->nodes};

	if (serial == acts->withdrawn && serial)
		return;
	acts->withdrawn = serial;
	stage->act(stage->act_arg, &action);
}

static void wake(struct dp_acts *acts, struct dp_stage *stage, uint32_t index)
{
	struct row *row = &acts->rows[index];
	struct dp_act_input input = {.kind = DP_ACT_NO_REPLY};

	dp_timers_clear(&acts->timers, index);
	/* Rows of a message have one timeout, so the others that were not sent are due as well. */
	if (row->state == ROW_ASKING)
		withdraw(acts, stage, row->serial);
	if (row->state == ROW_SLEEPING)
		input.kind = DP_ACT_AWAKE;
	step(acts, stage, index, input);
}

bool dp_acts_advance(struct dp_acts *acts, struct dp_stage *stage)
{
	bool has_acted = false;
	uint32_t index;
	int64_t at_us;

	while (acts->beginning.count) {
		struct dp_row_entry entry = *dp_row_queue_head(&acts->beginning);

		dp_row_queue_pop(&acts->beginning);
		begin(acts, stage, entry);
		has_acted = true;
	}
	while (stage->may_expire && dp_timers_first(&acts->timers, &index, &at_us) &&
		at_us <= stage->now_us) {
		wake(acts, stage, index);
		has_acted = true;
	}
	return has_acted;
}

static int compare(size_t a, size_t b)
{
	return (a > b) - (a < b);
}

/* Wishes that may share a message next to each other. */
static int by_message(const void *a, const void *b)
{
	const struct wish *left = a, *right = b;
	uintptr_t left_at = (uintptr_t)left->request, right_at = (uintptr_t)right->request;

	if (left_at != right_at)
		return left_at < right_at ? -1 : 1;
	if (left->timeout_ms != right->timeout_ms)
		return left->timeout_ms < right->timeout_ms ? -1 : 1;
	return compare(left->order, right->order);
}

static int by_order(const void *a, const void *b)
{
	const struct wish *left = a, *right = b;

	return left->first != right->first ? compare(left->first, right->first)
					   : compare(left->order, right->order);
}

/* One message after the other, in the order in which they were first wanted. */
static void sort_wishes(struct dp_acts *acts)
{
	struct wish *wishes = acts->wishes;

	qsort(wishes, acts->wish_count, sizeof(*wishes), by_message);
	for (size_t i = 0; i < acts->wish_count; i++)
		wishes[i].first = i && wishes[i].request == wishes[i - 1].request &&
						  wishes[i].timeout_ms == wishes[i - 1].timeout_ms
					  ? wishes[i - 1].first
					  : wishes[i].order;
	qsort(wishes, acts->wish_count, sizeof(*wishes), by_order);
}

/* Send one message for the wishes from a place on; returns the place behind them. */
static size_t send_message(struct dp_acts *acts, struct dp_stage *stage, size_t from)
{
	const struct wish *wishes = acts->wishes;
	struct dp_action send = {.kind = DP_DO_SEND,
		.task = stage->task,
		.attempt = ++acts->serial,
		.nodes = acts->nodes,
		.rows = acts->wave,
		.request = wishes[from].request};
	size_t at = from;

	for (; at < acts->wish_count && wishes[at].first == wishes[from].first; at++) {
		struct row *row = &acts->rows[wishes[at].row];

		row->serial = acts->serial;
		row->has_answered = false;
		dp_timers_set(&acts->timers, wishes[at].row,
			stage->now_us + row->timeout_ms * INT64_C(1000));
		acts->wave[send.row_count++] = wishes[at].row;
	}
	acts->asked += send.row_count;
	stage->act(stage->act_arg, &send);
	return at;
}

void dp_acts_flush(struct dp_acts *acts, struct dp_stage *stage)
{
	size_t at = 0;

	if (acts->wish_count > 1)
		sort_wishes(acts);
	while (at < acts->wish_count)
		at = send_message(acts, stage, at);
	acts->wish_count = 0;
}

void dp_acts_sent(struct dp_acts *acts, struct dp_stage *stage, const struct dp_input *input)
{
	for (size_t i = 0; i < input->row_count; i++) {
		struct row *row = &acts->rows[input->rows[i]];

		if (row->state != ROW_ASKING || row->serial != input->attempt)
			continue;
		row->state = ROW_ASKED;
		dp_timers_set(&acts->timers, input->rows[i],
			stage->now_us + row->timeout_ms * INT64_C(1000));
	}
}

static struct row *find_row(const struct dp_acts *acts, const char *name)
{
	size_t at;

	return deploy_nodeset_find(acts->nodes, name, strlen(name), &at) ? &acts->rows[at] : NULL;
}

static bool is_awaited(const struct row *row, unsigned serial)
{
	return row && row->state == ROW_ASKED && row->serial == serial;
}

/* Why a reply is not credited. */
static enum deploy_ignored reason(
	const struct dp_acts *acts, const struct row *row, unsigned serial)
{
	if (acts->seen > 4 * acts->asked + 1000)
		return DEPLOY_IGNORED_FLOOD;
	if (!row || serial > row->serial || (serial == row->serial && row->state == ROW_ASKING))
		return DEPLOY_IGNORED_UNEXPECTED;
	return serial == row->serial && row->has_answered ? DEPLOY_IGNORED_DUPLICATE
							  : DEPLOY_IGNORED_LATE;
}

void dp_acts_reply(struct dp_acts *acts, struct dp_stage *stage, const struct dp_input *input)
{
	const char *sender = input->reply->sender;
	struct row *row = find_row(acts, sender);

	acts->seen++;
	if (!is_awaited(row, input->attempt)) {
		dp_stage_ignore(stage, acts->tally, reason(acts, row, input->attempt), sender,
			row ? row->attempt : 0, "");
		return;
	}
	row->has_answered = true;
	step(acts, stage, (uint32_t)(row - acts->rows),
		(struct dp_act_input){.kind = DP_ACT_REPLY, .reply = input->reply});
}

void dp_acts_returned(struct dp_acts *acts, struct dp_stage *stage, const struct dp_input *input)
{
	struct row *row = find_row(acts, input->sender);

	if (is_awaited(row, input->attempt))
		step(acts, stage, (uint32_t)(row - acts->rows),
			(struct dp_act_input){.kind = DP_ACT_NO_REPLY, .is_unconnected = true});
}

void dp_acts_response(struct dp_acts *acts, struct dp_stage *stage, const struct dp_input *input)
{
	uint32_t index = input->rows[0];
	const struct row *row = &acts->rows[index];

	if (row->state == ROW_FETCHING && row->serial == input->attempt)
		step(acts, stage, index,
			(struct dp_act_input){
				.kind = DP_ACT_RESPONSE, .response = input->response});
}

/* What was not sent yet is taken back, and sent again only if its machine still wants it. */
static void stop_row(struct dp_acts *acts, struct dp_stage *stage, uint32_t index)
{
	struct row *row = &acts->rows[index];
	bool was_asking = row->state == ROW_ASKING;
	size_t wished = acts->wish_count;
	struct dp_act_next again = {.request = row->request, .timeout_ms = row->timeout_ms};

	step(acts, stage, index, (struct dp_act_input){.kind = DP_ACT_STOP});
	if (was_asking && row->state == ROW_ASKING && acts->wish_count == wished)
		wish(acts, index, &again);
}

void dp_acts_stop(struct dp_acts *acts, struct dp_stage *stage)
{
	withdraw(acts, stage, 0);
	for (size_t i = 0; i < acts->count; i++)
		if (acts->rows[i].memory)
			stop_row(acts, stage, (uint32_t)i);
}

void dp_acts_end(struct dp_acts *acts, struct dp_stage *stage)
{
	withdraw(acts, stage, 0);
}

int64_t dp_acts_wake_us(const struct dp_acts *acts)
{
	uint32_t index;
	int64_t at_us;

	return dp_timers_first(&acts->timers, &index, &at_us) ? at_us : DP_NEVER;
}
