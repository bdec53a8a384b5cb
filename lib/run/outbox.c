/* A queue of sends, and the table of request ids. */
#include "run/outbox.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/strset.h"

#define KEY_OVERHEAD 5
/* What surely fits into the socket's buffer when it is writable, so that publishing never waits. */
#define MAX_MESSAGE_BYTES (100 * 1024)
#define MAX_AGE_US	  (10 * 1000000LL)
/* So much may be sent in publishes of one name each; beyond it many names share one message. */
#define MAX_SINGLE_BYTES (64UL * 1024 * 1024)

/* One request id and the message that carries it. attempt 0 is a probe. */
struct topic {
	unsigned task, attempt;
	const struct deploy_request *request;
	bool is_of_act; /* sent once, so that its message need not be kept */
	const char *id;
	size_t before; /* place + 1 of the topic of the same task that was added before; 0: none */
	struct dp_buf message;
	int64_t encoded_us;
};

struct send {
	struct send *next;
	size_t topic;
	const struct deploy_nodeset *nodes;
	bool is_broadcast, is_mandatory;
	size_t done, count;
	uint32_t rows[];
};

/* What a task wants sent, in order. Lanes with sends stand in a ring, and have their turns. */
struct lane {
	struct lane *next; /* in the ring; NULL at its end, and outside */
	struct send *first, **last;
	size_t topic;	 /* place + 1 of the task's latest topic; 0: none */
	bool is_waiting; /* in the ring, perhaps with nothing left to send */
};

struct dp_outbox {
	struct dp_transport *transport;
	const struct deploy_plan *plan;
	struct deploy_request *ping; /* what probes carry */
	struct topic *topics;
	size_t topic_count, topic_cap;
	struct dp_strset ids; /* of the topics, in the same order */
	struct lane **lanes;  /* per task; NULL before its first send */
	size_t lane_count, lane_cap;
	struct lane *turn, **turn_end;
	size_t send_count;
	struct send *finished; /* kept for one turn: its rows are lent out */
	const char **names;    /* scratch */
	size_t name_cap;
};

struct dp_outbox *dp_outbox_new(struct dp_transport *transport, const struct deploy_plan *plan)
{
	struct dp_outbox *outbox = dp_xcalloc(1, sizeof(*outbox));

	outbox->transport = transport;
	outbox->plan = plan;
	outbox->ping = deploy_request_ping();
	dp_strset_init(&outbox->ids);
	outbox->turn_end = &outbox->turn;
	return outbox;
}

static void drop_finished(struct dp_outbox *outbox)
{
	free(outbox->finished);
	outbox->finished = NULL;
}

static void forget_message(struct dp_outbox *outbox, const struct send *send)
{
	struct topic *topic = &outbox->topics[send->topic];

	if (topic->is_of_act)
		dp_buf_release(&topic->message);
}

/* Take the first send off its lane; its rows stay lent out until the next turn. */
static void finish_first(struct dp_outbox *outbox, struct lane *lane)
{
	drop_finished(outbox);
	forget_message(outbox, lane->first);
	outbox->finished = lane->first;
	lane->first = lane->first->next;
	outbox->send_count--;
	if (!lane->first)
		lane->last = &lane->first;
}

static void queue_lane(struct dp_outbox *outbox, struct lane *lane)
{
	lane->is_waiting = true;
	lane->next = NULL;
	*outbox->turn_end = lane;
	outbox->turn_end = &lane->next;
}

/* The lane whose turn it is, taken off the ring; NULL if nothing is to be sent. */
static struct lane *next_lane(struct dp_outbox *outbox)
{
	struct lane *lane;

	while ((lane = outbox->turn)) {
		outbox->turn = lane->next;
		if (!outbox->turn)
			outbox->turn_end = &outbox->turn;
		lane->is_waiting = false;
		if (lane->first)
			return lane;
	}
	return NULL;
}

static struct lane *lane_of(struct dp_outbox *outbox, unsigned task)
{
	struct lane *lane;

	outbox->lanes =
		dp_grow(outbox->lanes, &outbox->lane_cap, (size_t)task + 1, sizeof(struct lane *));
	while (outbox->lane_count <= task)
		outbox->lanes[outbox->lane_count++] = NULL;
	if (outbox->lanes[task])
		return outbox->lanes[task];
	lane = outbox->lanes[task] = dp_xcalloc(1, sizeof(*lane));
	lane->last = &lane->first;
	return lane;
}

void dp_outbox_free(struct dp_outbox *outbox)
{
	if (!outbox)
		return;
	for (size_t i = 0; i < outbox->lane_count; i++) {
		while (outbox->lanes[i] && outbox->lanes[i]->first)
			finish_first(outbox, outbox->lanes[i]);
		free(outbox->lanes[i]);
	}
	free(outbox->lanes);
	drop_finished(outbox);
	for (size_t i = 0; i < outbox->topic_count; i++)
		dp_buf_release(&outbox->topics[i].message);
	free(outbox->topics);
	dp_strset_release(&outbox->ids);
	free(outbox->names);
	deploy_request_free(outbox->ping);
	free(outbox);
}

static size_t add_topic(struct dp_outbox *outbox, struct topic topic)
{
	char id[DP_REQUEST_ID_SIZE];

	outbox->topics = dp_grow(outbox->topics, &outbox->topic_cap, outbox->topic_count + 1,
		sizeof(*outbox->topics));
	do
		dp_transport_new_id(id);
	while (!dp_strset_add(&outbox->ids, id));
	topic.id = outbox->ids.items[outbox->topic_count];
	dp_buf_init(&topic.message, MAX_MESSAGE_BYTES);
	outbox->topics[outbox->topic_count] = topic;
	return outbox->topic_count++;
}

/* What probes carry. A run has one collective: that of its connection. Acts are not probed. */
static const struct deploy_request *ping_of(struct dp_outbox *outbox, unsigned task)
{
	struct deploy_error ignored = {0};

	(void)deploy_request_set_collective(
		outbox->ping, outbox->plan->tasks[task]->request->collective, &ignored);
	return outbox->ping;
}

/* The topic of an action; groups of one try share it, each message of an act has its own. */
static size_t find_topic(
	struct dp_outbox *outbox, struct lane *lane, const struct dp_action *action)
{
	bool is_probe = action->kind == DP_DO_PROBE;
	struct topic topic = {.task = action->task,
		.attempt = is_probe ? 0 : action->attempt,
		.before = lane->topic};

	if (action->request) {
		topic.request = action->request;
		topic.is_of_act = true;
		return add_topic(outbox, topic);
	}
	for (size_t at = lane->topic; at; at = outbox->topics[at - 1].before)
		if (outbox->topics[at - 1].attempt == topic.attempt)
			return at - 1;
	topic.request =
		is_probe ? ping_of(outbox, topic.task) : outbox->plan->tasks[topic.task]->request;
	lane->topic = add_topic(outbox, topic) + 1;
	return lane->topic - 1;
}

void dp_outbox_add(struct dp_outbox *outbox, const struct dp_action *action)
{
	bool is_probe = action->kind == DP_DO_PROBE;
	struct send *send = dp_xcalloc(1, sizeof(*send) + action->row_count * sizeof(uint32_t));
	struct lane *lane = lane_of(outbox, action->task);

	send->topic = find_topic(outbox, lane, action);
	send->nodes = action->nodes;
	/* A broadcast is worth it only above what can be asked one by one. */
	send->is_broadcast =
		action->is_broadcast && (!action->nodes || action->row_count > DP_FEW_NAMES);
	send->is_mandatory = is_probe || action->row_count <= DP_FEW_NAMES;
	send->count = action->row_count;
	if (action->row_count)
		memcpy(send->rows, action->rows, action->row_count * sizeof(uint32_t));
	*lane->last = send;
	lane->last = &send->next;
	outbox->send_count++;
	if (!lane->is_waiting)
		queue_lane(outbox, lane);
}

void dp_outbox_withdraw(struct dp_outbox *outbox, unsigned task, unsigned attempt)
{
	struct lane *lane = task < outbox->lane_count ? outbox->lanes[task] : NULL;
	struct send **at;

	if (!lane)
		return;
	at = &lane->first;
	while (*at) {
		struct send *send = *at;

		if (attempt && outbox->topics[send->topic].attempt != attempt) {
			at = &send->next;
			continue;
		}
		*at = send->next;
		forget_message(outbox, send);
		free(send);
		outbox->send_count--;
	}
	lane->last = at;
	/* A task that ends withdraws all: its messages will not be needed again. */
	for (size_t i = attempt ? 0 : lane->topic; i; i = outbox->topics[i - 1].before)
		dp_buf_release(&outbox->topics[i - 1].message);
}

bool dp_outbox_is_empty(const struct dp_outbox *outbox)
{
	return !outbox->send_count;
}

/* Nodes drop what is older than the ttl, so a message that waited is encoded anew, with the same
 * id. */
static bool is_stale(const struct topic *topic, int64_t now_us)
{
	int64_t limit_us = (int64_t)topic->request->ttl_s * 1000000 / 4;

	if (limit_us > MAX_AGE_US)
		limit_us = MAX_AGE_US;
	return !topic->message.len || now_us - topic->encoded_us > limit_us;
}

static int prepare(struct dp_outbox *outbox, const struct send *send, struct topic *topic,
	int64_t now_us, struct deploy_error *err)
{
	const struct deploy_task *task = outbox->plan->tasks[topic->task];
	int rc;

	if (!is_stale(topic, now_us))
		return 0;
	rc = dp_transport_encode(outbox->transport, &topic->message, topic->request, topic->id,
		send->is_broadcast ? &task->filter : NULL, topic->attempt == 0, err);
	topic->encoded_us = now_us;
	return rc;
}

/* Names for one publish: one if mandatory, otherwise as many as fit. */
static size_t gather(struct dp_outbox *outbox, const struct send *send)
{
	size_t limit = send->is_mandatory ? 1 : send->count - send->done, bytes = 0, n = 0;

	outbox->names = dp_grow(outbox->names, &outbox->name_cap, limit, sizeof(*outbox->names));
	while (n < limit) {
		const char *name = deploy_nodeset_get(send->nodes, send->rows[send->done + n]);

		bytes += strlen(name) + KEY_OVERHEAD;
		if (n && bytes > DP_MAX_KEYS_BYTES)
			break;
		outbox->names[n++] = name;
	}
	return n;
}

static size_t keys_bytes(const struct dp_outbox *outbox, size_t count)
{
	size_t bytes = 0;

	for (size_t i = 0; i < count; i++)
		bytes += strlen(outbox->names[i]) + KEY_OVERHEAD;
	return bytes;
}

static void spend(size_t *room, size_t bytes)
{
	*room -= bytes < *room ? bytes : *room;
}

/* Publish names of a directed send until there is no more room. */
static int publish_directed(struct dp_outbox *outbox, struct send *send, const struct topic *topic,
	size_t *room, struct deploy_error *err)
{
	int rc = 0;

	while (!rc && send->done < send->count && *room) {
		size_t count = gather(outbox, send);

		rc = dp_transport_direct(outbox->transport, &topic->message, topic->request,
			topic->id, outbox->names, count, send->is_mandatory, err);
		spend(room, topic->message.len + keys_bytes(outbox, count));
		if (!rc)
			send->done += count;
	}
	return rc;
}

/* Publish of the first send of a lane. */
static int publish_first(struct dp_outbox *outbox, struct lane *lane, int64_t now_us, size_t *room,
	struct dp_input *sent, struct deploy_error *err)
{
	struct send *send = lane->first;
	struct topic *topic;
	size_t from;
	int rc;

	topic = &outbox->topics[send->topic];
	rc = prepare(outbox, send, topic, now_us, err);
	if (rc)
		return rc;
	from = send->done;
	/*
	 * The broker takes 10,000 publishes sooner than one with 10,000 names, and tells more. Who
	 * is not to answer is not probed either: all we will know is what is told now.
	 */
	if (!from && (topic->request->wants_no_reply ||
			     send->count * topic->message.len <= MAX_SINGLE_BYTES))
		send->is_mandatory = true;
	if (send->is_broadcast) {
		rc = dp_transport_broadcast(
			outbox->transport, &topic->message, topic->request, topic->id, err);
		send->done = rc ? 0 : send->count;
		spend(room, topic->message.len);
	} else {
		rc = publish_directed(outbox, send, topic, room, err);
	}
	if (topic->attempt)
		*sent = (struct dp_input){.kind = DP_IN_SENT,
			.task = topic->task,
			.attempt = topic->attempt,
			.rows = send->rows + from,
			.row_count = send->done - from,
			.is_mandatory = send->is_mandatory && !send->is_broadcast};
	if (!rc && send->done == send->count)
		finish_first(outbox, lane);
	return rc;
}

int dp_outbox_publish(struct dp_outbox *outbox, int64_t now_us, size_t *room, struct dp_input *sent,
	struct deploy_error *err)
{
	struct lane *lane;
	int rc;

	*sent = (struct dp_input){.kind = DP_IN_TICK};
	drop_finished(outbox);
	lane = next_lane(outbox);
	if (!lane)
		return 0;
	rc = publish_first(outbox, lane, now_us, room, sent, err);
	if (lane->first)
		queue_lane(outbox, lane);
	return rc;
}

const struct deploy_request *dp_outbox_find(
	const struct dp_outbox *outbox, const char *id, unsigned *task, unsigned *attempt)
{
	const struct topic *topic;
	size_t at;

	if (!dp_strset_find(&outbox->ids, id, &at))
		return NULL;
	topic = &outbox->topics[at];
	*task = topic->task;
	*attempt = topic->attempt;
	return topic->request;
}
