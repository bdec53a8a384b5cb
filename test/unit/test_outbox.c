/*
 * The outbox, with everything below it real but the carrier and the clocks: those are defined here
 * and take the library's place. Publishes are recorded, and read as a node would read them.
 */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/base64.h"
#include "base/clock.h"
#include "run/outbox.h"
#include "wire/carrier.h"
#include "wire/marshal.h"
#include "wire/security_psk.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define KIB	     1024
#define SECOND	     1000000LL
#define TURN_BYTES   (64 * KIB)
#define KEY_BYTES    5 /* that a key takes beside its name */
#define PSK	     "words"
#define NEVER	     SIZE_MAX

/* One publish, as the broker got it. */
struct record {
	char exchange[64], id[64];
	char **keys; /* the routing key and the further ones */
	size_t key_count;
	bool is_mandatory;
	unsigned expiration_s;
	struct dp_buf body;
};

struct dp_carrier {
	struct record *records;
	size_t count, fails_at;
};

static struct dp_carrier carrier;
static int64_t wall_us;

int64_t dp_clock_us(void)
{
	return 0;
}

int64_t dp_wall_us(void)
{
	return wall_us;
}

int dp_carrier_open(struct dp_carrier **out, const struct deploy_config *config,
	const char *collective, struct deploy_error *err)
{
	(void)config;
	(void)collective;
	(void)err;
	*out = &carrier;
	return 0;
}

static void forget_records(void)
{
	for (size_t i = 0; i < carrier.count; i++) {
		for (size_t j = 0; j < carrier.records[i].key_count; j++)
			free(carrier.records[i].keys[j]);
		free(carrier.records[i].keys);
		dp_buf_release(&carrier.records[i].body);
	}
	free(carrier.records);
	carrier = (struct dp_carrier){.fails_at = NEVER};
}

void dp_carrier_close(struct dp_carrier *closed)
{
	assert_ptr_equal(&carrier, closed);
	forget_records();
}

void dp_carrier_interrupt(void)
{
}

const char *dp_carrier_peer(const struct dp_carrier *peer)
{
	(void)peer;
	return "broker:5672";
}

bool dp_carrier_is_blocked(const struct dp_carrier *blocked)
{
	(void)blocked;
	return false;
}

int dp_carrier_announce(
	struct dp_carrier *to, const char *topic, const char *text, struct deploy_error *err)
{
	(void)to;
	(void)topic;
	(void)text;
	(void)err;
	fail();
	return 0;
}

int dp_carrier_echo(struct dp_carrier *asked, struct deploy_error *err)
{
	(void)asked;
	(void)err;
	return 0;
}

int dp_carrier_lock(struct dp_carrier *asked, const char *name, struct deploy_error *err)
{
	(void)asked;
	(void)name;
	(void)err;
	return 0;
}

int dp_carrier_receive(struct dp_carrier *from, struct dp_delivery *out, struct deploy_error *err)
{
	(void)from;
	(void)err;
	*out = (struct dp_delivery){.kind = DP_DELIVERY_NONE};
	return 0;
}

void dp_carrier_wait(struct dp_carrier *waiting, bool wants_write, struct pollfd *others,
	size_t count, int timeout_ms, bool *can_write)
{
	(void)waiting;
	(void)others;
	(void)count;
	(void)timeout_ms;
	*can_write = wants_write;
}

static char *copy(const char *text)
{
	size_t size = strlen(text) + 1;
	char *out = malloc(size);

	assert_non_null(out);
	memcpy(out, text, size);
	return out;
}

int dp_carrier_publish(
	struct dp_carrier *to, const struct dp_publish *publish, struct deploy_error *err)
{
	struct record *record;

	if (to->count == to->fails_at) {
		err->code = DEPLOY_CONNECT;
		return err->code;
	}
	to->records = realloc(to->records, (to->count + 1) * sizeof(*to->records));
	assert_non_null(to->records);
	record = &to->records[to->count++];
	*record = (struct record){.key_count = publish->more_count + 1,
		.is_mandatory = publish->is_mandatory,
		.expiration_s = publish->expiration_s};
	(void)snprintf(record->exchange, sizeof(record->exchange), "%s", publish->exchange);
	(void)snprintf(record->id, sizeof(record->id), "%s", publish->id);
	record->keys = calloc(record->key_count, sizeof(*record->keys));
	assert_non_null(record->keys);
	record->keys[0] = copy(publish->routing_key);
	for (size_t i = 0; i < publish->more_count; i++)
		record->keys[i + 1] = copy(publish->more_keys[i]);
	dp_buf_init(&record->body, SIZE_MAX / 2);
	dp_buf_add(&record->body, publish->body, publish->body_len);
	return 0;
}

/* A plan of two tasks, of which both ask the same nodes, and what it takes to send it. */
struct bench {
	struct deploy_plan *plan;
	struct deploy_nodeset *nodes;
	struct dp_transport *transport;
	struct dp_outbox *outbox;
	uint32_t *rows; /* 0, 1, 2… */
	int64_t now_us;
};

static void add_task(struct deploy_plan *plan, const char *action, json_t *inputs)
{
	struct deploy_error err = {.code = DEPLOY_OK};
	struct deploy_request *request;
	struct deploy_task *task;

	assert_int_equal(0, deploy_request_new(&request, "rpcutil", action, inputs, &err));
	assert_int_equal(0, deploy_request_set_collective(request, "eu", &err));
	task = deploy_plan_take_request(plan, request);
	assert_int_equal(0, deploy_filter_add_class(&task->filter, "apache", &err));
}

/* Names are name_len bytes long. */
static struct bench bench_new(size_t node_count, size_t name_len, json_t *inputs, bool is_base64)
{
	static char identity[] = "admin", callerid[] = "uid=0", psk[] = PSK;
	const struct deploy_config config = {
		.identity = identity, .callerid = callerid, .psk = psk, .base64 = is_base64};
	struct deploy_error err = {.code = DEPLOY_OK};
	struct bench bench = {.plan = deploy_plan_new(), .nodes = deploy_nodeset_new()};
	char name[DEPLOY_MAX_IDENTITY + 1];

	carrier = (struct dp_carrier){.fails_at = NEVER};
	wall_us = 1700000000 * SECOND;
	add_task(bench.plan, "ping", inputs);
	add_task(bench.plan, "get_fact", NULL);
	bench.rows = calloc(node_count + 1, sizeof(*bench.rows));
	assert_non_null(bench.rows);
	for (size_t i = 0; i < node_count; i++) {
		(void)snprintf(name, sizeof(name), "%0*zu", (int)name_len, i);
		assert_int_equal(0, deploy_nodeset_add(bench.nodes, name, &err));
		bench.rows[i] = (uint32_t)i;
	}
	assert_int_equal(0, dp_transport_open(&bench.transport, &config, "eu", &err));
	bench.outbox = dp_outbox_new(bench.transport, bench.plan);
	return bench;
}

static struct bench bench_of(size_t node_count)
{
	return bench_new(node_count, 20, NULL, false);
}

static void bench_free(struct bench *bench)
{
	dp_outbox_free(bench->outbox);
	dp_transport_close(bench->transport);
	deploy_nodeset_free(bench->nodes);
	deploy_plan_free(bench->plan);
	free(bench->rows);
}

static struct dp_action ask(const struct bench *bench, unsigned attempt, size_t from, size_t count)
{
	return (struct dp_action){.kind = DP_DO_SEND,
		.attempt = attempt,
		.nodes = bench->nodes,
		.rows = bench->rows + from,
		.row_count = count};
}

static void add(struct bench *bench, unsigned task, unsigned attempt, size_t from, size_t count)
{
	struct dp_action action = ask(bench, attempt, from, count);

	action.task = task;
	dp_outbox_add(bench->outbox, &action);
}

static void add_probe(struct bench *bench, unsigned task, size_t count)
{
	struct dp_action action = ask(bench, 1, 0, count);

	action.kind = DP_DO_PROBE;
	action.task = task;
	dp_outbox_add(bench->outbox, &action);
}

static struct dp_input turn(struct bench *bench)
{
	struct deploy_error err = {.code = DEPLOY_OK};
	size_t room = TURN_BYTES;
	struct dp_input sent;

	if (dp_outbox_publish(bench->outbox, bench->now_us, &room, &sent, &err))
		fail_msg("%s", err.text);
	return sent;
}

/* Take turns until all is sent; what was told of it must be rows from, from + 1, … */
static size_t send_all(struct bench *bench, size_t from)
{
	size_t turns = 0;

	for (; !dp_outbox_is_empty(bench->outbox); turns++) {
		struct dp_input sent = turn(bench);

		if (sent.kind != DP_IN_SENT)
			continue;
		for (size_t i = 0; i < sent.row_count; i++)
			assert_int_equal(from++, sent.rows[i]);
	}
	assert_int_equal(DP_IN_TICK, turn(bench).kind);
	return turns;
}

/* What a node reads in a message. */
struct message {
	char agent[64], id[64];
	long long msgtime, ttl;
	json_t *filter;
	bool is_ping;
};

static void copy_slice(char *out, size_t size, struct dp_slice slice)
{
	assert_true(slice.len < size);
	memcpy(out, slice.data, slice.len);
	out[slice.len] = '\0';
}

/* Checks the signature, too. The caller frees filter. */
static struct message read_bytes(const char *bytes, size_t len)
{
	enum { BODY, HASH, AGENT, ID, MSGTIME, TTL, FILTER, FIELDS };
	struct dp_marshal_field fields[FIELDS] = {
		[BODY] = {.name = "body", .want = DP_MARSHAL_TEXT},
		[HASH] = {.name = "hash", .want = DP_MARSHAL_TEXT},
		[AGENT] = {.name = "agent", .want = DP_MARSHAL_TEXT},
		[ID] = {.name = "requestid", .want = DP_MARSHAL_TEXT},
		[MSGTIME] = {.name = "msgtime", .want = DP_MARSHAL_INTEGER},
		[TTL] = {.name = "ttl", .want = DP_MARSHAL_INTEGER},
		[FILTER] = {.name = "filter", .want = DP_MARSHAL_VALUE},
	};
	static const char ping[] = "\x04\x08I\"\x09ping";
	struct deploy_error err = {.code = DEPLOY_OK};
	struct message message;

	if (dp_marshal_decode_fields(fields, FIELDS, bytes, len, NULL, &err))
		fail_msg("%s", err.text);
	for (size_t i = 0; i < FIELDS; i++)
		assert_true(fields[i].is_found);
	assert_true(dp_psk_verify(fields[HASH].text.data, fields[HASH].text.len,
		fields[BODY].text.data, fields[BODY].text.len, PSK));
	copy_slice(message.agent, sizeof(message.agent), fields[AGENT].text);
	copy_slice(message.id, sizeof(message.id), fields[ID].text);
	message.msgtime = fields[MSGTIME].number;
	message.ttl = fields[TTL].number;
	message.filter = fields[FILTER].value;
	message.is_ping = fields[BODY].text.len > sizeof(ping) &&
			  memcmp(fields[BODY].text.data, ping, sizeof(ping) - 1) == 0;
	return message;
}

static struct message read_record(size_t index)
{
	assert_true(index < carrier.count);
	return read_bytes(
		dp_buf_text(&carrier.records[index].body), carrier.records[index].body.len);
}

static long long msgtime_of(size_t index)
{
	struct message message = read_record(index);

	json_decref(message.filter);
	assert_string_equal(carrier.records[index].id, message.id);
	return message.msgtime;
}

static void expect_filter(size_t index, const char *list, const char *only)
{
	struct message message = read_record(index);
	const json_t *entries = json_object_get(message.filter, list);

	assert_non_null(entries);
	assert_int_equal(only ? 1 : 0, json_array_size(entries));
	if (only)
		assert_string_equal(only, json_string_value(json_array_get(entries, 0)));
	json_decref(message.filter);
}

/* Every row from … to was a key once, in order. */
static void expect_keys(const struct bench *bench, size_t from, size_t to)
{
	size_t row = from;

	for (size_t i = 0; i < carrier.count; i++)
		for (size_t j = 0; j < carrier.records[i].key_count; j++)
			assert_string_equal(deploy_nodeset_get(bench->nodes, row++),
				carrier.records[i].keys[j]);
	assert_int_equal(to, row);
}

static size_t bytes_of_keys(const struct record *record)
{
	size_t bytes = 0;

	for (size_t i = 0; i < record->key_count; i++)
		bytes += strlen(record->keys[i]) + KEY_BYTES;
	return bytes;
}

static void up_to_64_names_are_a_mandatory_publish_each(void **state)
{
	static const size_t counts[] = {1, 2, 63, 64};

	(void)state;
	for (size_t i = 0; i < COUNT(counts); i++) {
		struct bench bench = bench_of(100);
		struct dp_input sent;

		add(&bench, 0, 1, 7, counts[i]);
		sent = turn(&bench);
		assert_int_equal(DP_IN_SENT, sent.kind);
		assert_true(sent.is_mandatory && sent.task == 0 && sent.attempt == 1);
		assert_int_equal(counts[i], sent.row_count);
		assert_int_equal(7, sent.rows[0]);
		assert_true(dp_outbox_is_empty(bench.outbox));
		assert_int_equal(counts[i], carrier.count);
		expect_keys(&bench, 7, 7 + counts[i]);
		for (size_t j = 0; j < carrier.count; j++) {
			assert_true(carrier.records[j].is_mandatory);
			assert_string_equal("eu_directed", carrier.records[j].exchange);
			assert_int_equal(70, carrier.records[j].expiration_s);
		}
		bench_free(&bench);
	}
}

static void each_name_has_a_publish_of_its_own(void **state)
{
	static const size_t nodes[] = {65, 1967, 10000};

	(void)state;
	for (size_t i = 0; i < COUNT(nodes); i++) {
		struct bench bench = bench_of(nodes[i]);

		add(&bench, 0, 1, 0, nodes[i]);
		(void)send_all(&bench, 0);
		expect_keys(&bench, 0, nodes[i]);
		assert_int_equal(nodes[i], carrier.count);
		for (size_t j = 0; j < carrier.count; j++) {
			assert_true(carrier.records[j].is_mandatory);
			assert_string_equal("eu_directed", carrier.records[j].exchange);
		}
		bench_free(&bench);
	}
}

static json_t *inputs_of(size_t bytes)
{
	char *text = malloc(bytes);
	json_t *inputs;

	assert_non_null(text);
	memset(text, 'a', bytes);
	inputs = json_pack("{s:s%}", "text", text, bytes);
	free(text);
	return inputs;
}

/* 64 MiB in publishes of one name each are too much. */
static void more_names_go_as_further_keys_of_few_publishes(void **state)
{
	static const struct {
		size_t nodes, publishes;
	} table[] = {{800, 1}, {1966, 1}, {1967, 2}, {10000, 6}};
	json_t *inputs = inputs_of(90 * KIB);

	(void)state;
	for (size_t i = 0; i < COUNT(table); i++) {
		struct bench bench = bench_new(table[i].nodes, 20, inputs, false);

		add(&bench, 0, 1, 0, table[i].nodes);
		(void)send_all(&bench, 0);
		expect_keys(&bench, 0, table[i].nodes);
		assert_int_equal(table[i].publishes, carrier.count);
		for (size_t j = 0; j < carrier.count; j++) {
			assert_false(carrier.records[j].is_mandatory);
			assert_string_equal("eu_directed", carrier.records[j].exchange);
		}
		bench_free(&bench);
	}
	json_decref(inputs);
}

static void portions_are_cut_by_bytes(void **state)
{
	static const size_t name_lens[] = {5, 20, 100, 254, 255};
	json_t *inputs = inputs_of(90 * KIB);

	(void)state;
	for (size_t i = 0; i < COUNT(name_lens); i++) {
		struct bench bench = bench_new(20000, name_lens[i], inputs, false);

		add(&bench, 0, 1, 0, 20000);
		(void)send_all(&bench, 0);
		expect_keys(&bench, 0, 20000);
		for (size_t j = 0; j < carrier.count; j++) {
			size_t bytes = bytes_of_keys(&carrier.records[j]);

			assert_true(bytes <= DP_MAX_KEYS_BYTES);
			if (j + 1 < carrier.count)
				assert_true(bytes + name_lens[i] + KEY_BYTES > DP_MAX_KEYS_BYTES);
		}
		bench_free(&bench);
	}
	json_decref(inputs);
}

/* A turn ends as soon as it has published 64 KiB, so that it is over by one publish at most. */
static void a_turn_publishes_64_kib(void **state)
{
	static const size_t input_bytes[] = {1, 1000, 20 * KIB, 40 * KIB, 63 * KIB, 90 * KIB};

	(void)state;
	for (size_t i = 0; i < COUNT(input_bytes); i++) {
		json_t *inputs = inputs_of(input_bytes[i]);
		struct bench bench = bench_new(64, 20, inputs, false);

		add(&bench, 0, 1, 0, 64);
		while (!dp_outbox_is_empty(bench.outbox)) {
			size_t before = carrier.count, bytes = 0, last = 0;

			(void)turn(&bench);
			for (size_t j = before; j < carrier.count; j++) {
				last = carrier.records[j].body.len +
				       bytes_of_keys(&carrier.records[j]);
				bytes += last;
			}
			assert_true(bytes - last < TURN_BYTES);
			assert_true(bytes >= TURN_BYTES || dp_outbox_is_empty(bench.outbox));
		}
		assert_int_equal(64, carrier.count);
		bench_free(&bench);
		json_decref(inputs);
	}
}

static void every_row_is_told_in_the_turn_that_sent_it(void **state)
{
	json_t *inputs = inputs_of(20 * KIB);
	struct bench bench = bench_new(64, 20, inputs, false);

	(void)state;
	add(&bench, 0, 2, 0, 64);
	for (size_t told = 0; told < 64;) {
		struct dp_input sent = turn(&bench);

		assert_int_equal(2, sent.attempt);
		assert_in_range(sent.row_count, 1, 4);
		assert_int_equal(carrier.count, told + sent.row_count);
		for (size_t i = 0; i < sent.row_count; i++)
			assert_int_equal(told++, sent.rows[i]);
	}
	assert_true(dp_outbox_is_empty(bench.outbox));
	bench_free(&bench);
	json_decref(inputs);
}

static void sends_leave_in_the_order_in_which_they_came(void **state)
{
	struct bench bench = bench_of(6);

	(void)state;
	add(&bench, 0, 1, 0, 2);
	add(&bench, 1, 1, 2, 1);
	add(&bench, 0, 1, 3, 3);
	assert_int_equal(3, send_all(&bench, 0));
	expect_keys(&bench, 0, 6);
	bench_free(&bench);
}

static void an_empty_outbox_publishes_nothing(void **state)
{
	struct bench bench = bench_of(1);

	(void)state;
	assert_true(dp_outbox_is_empty(bench.outbox));
	assert_int_equal(DP_IN_TICK, turn(&bench).kind);
	assert_int_equal(0, carrier.count);
	bench_free(&bench);
}

static void what_all_nodes_are_asked_is_one_broadcast_with_the_filter(void **state)
{
	static const size_t counts[] = {65, 5000};

	(void)state;
	for (size_t i = 0; i < COUNT(counts); i++) {
		struct bench bench = bench_of(counts[i]);
		struct dp_action action = ask(&bench, 1, 0, counts[i]);
		struct dp_input sent;

		action.is_broadcast = true;
		dp_outbox_add(bench.outbox, &action);
		sent = turn(&bench);
		assert_int_equal(counts[i], sent.row_count);
		assert_false(sent.is_mandatory);
		assert_true(dp_outbox_is_empty(bench.outbox));
		assert_int_equal(1, carrier.count);
		assert_string_equal("eu_broadcast", carrier.records[0].exchange);
		assert_int_equal(1, carrier.records[0].key_count);
		assert_string_equal("rpcutil", carrier.records[0].keys[0]);
		assert_false(carrier.records[0].is_mandatory);
		expect_filter(0, "cf_class", "apache");
		expect_filter(0, "agent", "rpcutil");
		bench_free(&bench);
	}
}

static void an_open_task_is_a_broadcast_of_no_rows(void **state)
{
	struct bench bench = bench_of(0);
	const struct dp_action action = {.kind = DP_DO_SEND, .attempt = 1, .is_broadcast = true};
	struct dp_input sent;

	(void)state;
	dp_outbox_add(bench.outbox, &action);
	sent = turn(&bench);
	assert_int_equal(DP_IN_SENT, sent.kind);
	assert_int_equal(0, sent.row_count);
	assert_false(sent.is_mandatory);
	assert_int_equal(1, carrier.count);
	assert_string_equal("eu_broadcast", carrier.records[0].exchange);
	bench_free(&bench);
}

static void few_nodes_are_asked_one_by_one_even_if_they_are_all(void **state)
{
	struct bench bench = bench_of(64);
	struct dp_action action = ask(&bench, 1, 0, 64);

	(void)state;
	action.is_broadcast = true;
	dp_outbox_add(bench.outbox, &action);
	assert_true(turn(&bench).is_mandatory);
	expect_keys(&bench, 0, 64);
	/* Who is named need not match, and may have changed since it did. */
	expect_filter(0, "cf_class", NULL);
	expect_filter(0, "agent", "rpcutil");
	bench_free(&bench);
}

static void an_old_message_is_encoded_anew_with_the_same_id(void **state)
{
	static const struct {
		unsigned ttl_s;
		int64_t age_us;
		bool is_anew;
	} table[] = {
		{60, 0, false},
		{60, 10 * SECOND, false},
		{60, 10 * SECOND + 1, true},
		{60, 3600 * SECOND, true},
		{1000000000, 10 * SECOND, false},
		{1000000000, 10 * SECOND + 1, true},
		{40, 10 * SECOND, false},
		{40, 10 * SECOND + 1, true},
		{20, 5 * SECOND, false},
		{20, 5 * SECOND + 1, true},
		{1, SECOND / 4, false},
		{1, SECOND / 4 + 1, true},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(table); i++) {
		struct bench bench = bench_of(2);

		bench.plan->tasks[0]->request->ttl_s = table[i].ttl_s;
		add(&bench, 0, 1, 0, 1);
		add(&bench, 0, 1, 1, 1);
		(void)turn(&bench);
		bench.now_us += table[i].age_us;
		wall_us += 100 * SECOND;
		(void)turn(&bench);
		assert_int_equal(1700000000, msgtime_of(0));
		assert_int_equal(table[i].is_anew ? 1700000100 : 1700000000, msgtime_of(1));
		assert_string_equal(carrier.records[0].id, carrier.records[1].id);
		bench_free(&bench);
	}
}

/* A fleet that is asked by one task must not keep another from its single node. */
static void tasks_take_turns(void **state)
{
	json_t *inputs = inputs_of(20 * KIB);
	struct bench bench = bench_new(40, 20, inputs, false);
	struct dp_input sent;

	(void)state;
	add(&bench, 0, 1, 0, 40);
	add(&bench, 0, 2, 0, 1);
	add(&bench, 1, 1, 7, 1);
	sent = turn(&bench);
	assert_int_equal(0, sent.task);
	assert_in_range(sent.row_count, 1, 39);
	sent = turn(&bench);
	assert_int_equal(1, sent.task);
	assert_int_equal(7, sent.rows[0]);
	for (size_t done = 1; !dp_outbox_is_empty(bench.outbox); done++)
		assert_int_equal(0, turn(&bench).task);
	assert_int_equal(42, carrier.count);
	bench_free(&bench);
	json_decref(inputs);
}

static void what_was_withdrawn_takes_no_turn(void **state)
{
	struct bench bench = bench_of(3);

	(void)state;
	add(&bench, 0, 1, 0, 1);
	add(&bench, 1, 1, 1, 1);
	dp_outbox_withdraw(bench.outbox, 0, 0);
	assert_int_equal(1, turn(&bench).task);
	assert_true(dp_outbox_is_empty(bench.outbox));
	assert_int_equal(DP_IN_TICK, turn(&bench).kind);
	add(&bench, 0, 1, 2, 1);
	assert_int_equal(2, turn(&bench).rows[0]);
	assert_int_equal(2, carrier.count);
	bench_free(&bench);
}

static void a_broadcast_takes_room_too(void **state)
{
	struct bench bench = bench_of(200);
	struct dp_action action = ask(&bench, 1, 0, 200);
	struct deploy_error err = {.code = DEPLOY_OK};
	size_t room = TURN_BYTES;
	struct dp_input sent;

	(void)state;
	action.is_broadcast = true;
	dp_outbox_add(bench.outbox, &action);
	assert_int_equal(0, dp_outbox_publish(bench.outbox, 0, &room, &sent, &err));
	assert_int_equal(TURN_BYTES - carrier.records[0].body.len, room);
	bench_free(&bench);
}

static void room_is_counted_down_over_several_sends(void **state)
{
	struct bench bench = bench_of(200);
	struct deploy_error err = {.code = DEPLOY_OK};
	size_t room = TURN_BYTES, before = room, sends = 0;
	struct dp_input sent;

	(void)state;
	for (uint32_t i = 0; i < 200; i++)
		add(&bench, i % 2, 1 + i / 2, i, 1);
	for (; room; sends++, before = room) {
		assert_int_equal(0, dp_outbox_publish(bench.outbox, 0, &room, &sent, &err));
		assert_true(room < before);
	}
	assert_in_range(sends, 2, 199);
	assert_int_equal(sends, carrier.count);
	bench_free(&bench);
}

static void a_send_that_takes_long_changes_its_message_under_way(void **state)
{
	json_t *inputs = inputs_of(64 * KIB);
	struct bench bench = bench_new(8, 20, inputs, false);

	(void)state;
	add(&bench, 0, 1, 0, 8);
	while (!dp_outbox_is_empty(bench.outbox)) {
		(void)turn(&bench);
		bench.now_us += 4 * SECOND;
		wall_us += 4 * SECOND;
	}
	assert_int_equal(8, carrier.count);
	for (size_t i = 0; i < 8; i++) {
		/* Encoded at 0, 12 and 24 s; sent every 4 s. */
		assert_int_equal(1700000000 + (long long)(i / 3) * 12, msgtime_of(i));
		assert_string_equal(carrier.records[0].id, carrier.records[i].id);
	}
	bench_free(&bench);
	json_decref(inputs);
}

static void a_try_of_a_task_has_one_id_and_no_other_has_it(void **state)
{
	static const struct {
		unsigned task, attempt, same_as;
	} table[] = {{0, 1, 0}, {0, 1, 0}, {0, 2, 2}, {1, 1, 3}, {0, 1, 0}, {1, 2, 5}, {0, 2, 2},
		{1, 1, 3}, {0, 3, 8}};
	struct bench bench = bench_of(1);

	(void)state;
	for (size_t i = 0; i < COUNT(table); i++) {
		add(&bench, table[i].task, table[i].attempt, 0, 1);
		(void)turn(&bench);
	}
	assert_int_equal(COUNT(table), carrier.count);
	for (size_t i = 0; i < COUNT(table); i++) {
		assert_int_equal(32, strspn(carrier.records[i].id, "0123456789abcdef"));
		assert_int_equal(32, strlen(carrier.records[i].id));
		for (size_t j = 0; j < i; j++)
			assert_int_equal(table[i].same_as == table[j].same_as,
				strcmp(carrier.records[i].id, carrier.records[j].id) == 0);
	}
	bench_free(&bench);
}

static void a_probe_is_a_ping_that_no_node_answers(void **state)
{
	struct bench bench = bench_of(200);
	struct message message;

	(void)state;
	add(&bench, 0, 1, 0, 100);
	(void)turn(&bench);
	add_probe(&bench, 0, 200);
	while (!dp_outbox_is_empty(bench.outbox))
		assert_int_equal(DP_IN_TICK, turn(&bench).kind);
	assert_int_equal(300, carrier.count);
	for (size_t i = 100; i < carrier.count; i++) {
		assert_true(carrier.records[i].is_mandatory);
		assert_int_equal(1, carrier.records[i].key_count);
		assert_string_equal(
			deploy_nodeset_get(bench.nodes, i - 100), carrier.records[i].keys[0]);
		assert_string_equal("eu_directed", carrier.records[i].exchange);
		assert_string_equal(carrier.records[100].id, carrier.records[i].id);
		assert_string_not_equal(carrier.records[0].id, carrier.records[i].id);
	}
	message = read_record(100);
	json_decref(message.filter);
	assert_true(message.is_ping);
	assert_string_equal("discovery", message.agent);
	expect_filter(100, "agent", "deployctl_probe");
	bench_free(&bench);
}

static void probes_of_two_tasks_have_two_ids(void **state)
{
	struct bench bench = bench_of(1);
	unsigned task, attempt;

	(void)state;
	add_probe(&bench, 0, 1);
	add_probe(&bench, 1, 1);
	(void)turn(&bench);
	(void)turn(&bench);
	for (unsigned i = 0; i < 2; i++) {
		attempt = 9;
		assert_non_null(
			dp_outbox_find(bench.outbox, carrier.records[i].id, &task, &attempt));
		assert_int_equal(i, task);
		assert_int_equal(0, attempt);
	}
	bench_free(&bench);
}

static void find_tells_whose_an_id_is(void **state)
{
	struct bench bench = bench_of(1);
	unsigned task, attempt;

	(void)state;
	for (unsigned i = 0; i < 6; i++)
		add(&bench, i % 2, 1 + i / 2, 0, 1);
	while (!dp_outbox_is_empty(bench.outbox))
		(void)turn(&bench);
	dp_outbox_withdraw(bench.outbox, 0, 0);
	for (unsigned i = 0; i < 6; i++) {
		assert_non_null(
			dp_outbox_find(bench.outbox, carrier.records[i].id, &task, &attempt));
		assert_int_equal(i % 2, task);
		assert_int_equal(1 + i / 2, attempt);
	}
	bench_free(&bench);
}

static void find_knows_no_other_ids(void **state)
{
	struct bench bench = bench_of(1);
	char longer[80], shorter[80];
	const char *const ids[] = {"", "0", "00000000000000000000000000000000", longer, shorter};
	unsigned task, attempt;

	(void)state;
	assert_null(dp_outbox_find(bench.outbox, "", &task, &attempt));
	add(&bench, 0, 1, 0, 1);
	(void)turn(&bench);
	(void)snprintf(longer, sizeof(longer), "%s0", carrier.records[0].id);
	(void)snprintf(shorter, sizeof(shorter), "%.31s", carrier.records[0].id);
	for (size_t i = 0; i < COUNT(ids); i++)
		assert_null(dp_outbox_find(bench.outbox, ids[i], &task, &attempt));
	bench_free(&bench);
}

static void what_is_withdrawn_is_not_sent(void **state)
{
	struct bench bench = bench_of(8);

	(void)state;
	dp_outbox_withdraw(bench.outbox, 0, 0);
	add(&bench, 0, 1, 0, 1);
	add(&bench, 1, 1, 1, 1);
	add(&bench, 0, 2, 2, 1);
	add_probe(&bench, 0, 3);
	add(&bench, 1, 1, 2, 1);
	add(&bench, 0, 1, 3, 1);
	dp_outbox_withdraw(bench.outbox, 0, 0);
	add(&bench, 1, 1, 3, 1);
	(void)send_all(&bench, 1);
	expect_keys(&bench, 1, 4);
	add(&bench, 0, 1, 4, 1);
	dp_outbox_withdraw(bench.outbox, 0, 0);
	assert_true(dp_outbox_is_empty(bench.outbox));
	add(&bench, 0, 1, 4, 2);
	(void)send_all(&bench, 4);
	expect_keys(&bench, 1, 6);
	bench_free(&bench);
}

static void a_send_under_way_is_withdrawn_where_it_stands(void **state)
{
	json_t *inputs = inputs_of(63 * KIB);
	struct bench bench = bench_new(8, 20, inputs, false);

	(void)state;
	add(&bench, 0, 1, 0, 8);
	(void)turn(&bench);
	assert_int_equal(2, carrier.count);
	dp_outbox_withdraw(bench.outbox, 0, 0);
	assert_true(dp_outbox_is_empty(bench.outbox));
	assert_int_equal(DP_IN_TICK, turn(&bench).kind);
	assert_int_equal(2, carrier.count);
	bench_free(&bench);
	json_decref(inputs);
}

static void a_publish_that_fails_tells_who_was_asked_before(void **state)
{
	static const size_t counts[] = {64, 5000};

	(void)state;
	for (size_t i = 0; i < COUNT(counts); i++) {
		struct bench bench = bench_of(counts[i]);
		struct deploy_error err = {.code = DEPLOY_OK};
		size_t room = TURN_BYTES;
		struct dp_input sent;
		size_t before;

		carrier.fails_at = 1;
		add(&bench, 0, 1, 0, counts[i]);
		assert_int_equal(
			DEPLOY_CONNECT, dp_outbox_publish(bench.outbox, 0, &room, &sent, &err));
		before = carrier.records[0].key_count;
		assert_int_equal(before, sent.row_count);
		assert_int_equal(before - 1, sent.rows[before - 1]);
		assert_false(dp_outbox_is_empty(bench.outbox));
		carrier.fails_at = NEVER;
		(void)send_all(&bench, before);
		expect_keys(&bench, 0, counts[i]);
		bench_free(&bench);
	}
}

static void a_broadcast_that_fails_has_asked_nobody(void **state)
{
	struct bench bench = bench_of(65);
	struct dp_action action = ask(&bench, 1, 0, 65);
	struct deploy_error err = {.code = DEPLOY_OK};
	size_t room = TURN_BYTES;
	struct dp_input sent;

	(void)state;
	carrier.fails_at = 0;
	action.is_broadcast = true;
	dp_outbox_add(bench.outbox, &action);
	assert_int_equal(DEPLOY_CONNECT, dp_outbox_publish(bench.outbox, 0, &room, &sent, &err));
	assert_int_equal(0, sent.row_count);
	bench_free(&bench);
}

static void a_request_that_cannot_be_encoded_is_not_published(void **state)
{
	json_t *inputs = inputs_of(1024 * KIB);
	struct bench bench = bench_new(2, 20, inputs, false);
	struct deploy_error err = {.code = DEPLOY_OK};
	size_t room = TURN_BYTES;
	struct dp_input sent;

	(void)state;
	add(&bench, 0, 1, 0, 2);
	assert_int_equal(DEPLOY_INPUT, dp_outbox_publish(bench.outbox, 0, &room, &sent, &err));
	assert_non_null(strstr(err.text, "inputs of rpcutil.ping are larger than"));
	assert_int_equal(DP_IN_TICK, sent.kind);
	assert_int_equal(0, carrier.count);
	bench_free(&bench);
	json_decref(inputs);
}

static void with_base64_the_message_travels_as_text(void **state)
{
	struct bench bench = bench_new(1, 20, NULL, true);
	struct message message;
	struct dp_buf plain;

	(void)state;
	add(&bench, 0, 1, 0, 1);
	(void)turn(&bench);
	dp_buf_init(&plain, TURN_BYTES);
	assert_true(dp_base64_decode(
		&plain, dp_buf_text(&carrier.records[0].body), carrier.records[0].body.len));
	message = read_bytes(plain.data, plain.len);
	assert_string_equal("rpcutil", message.agent);
	assert_int_equal(60, message.ttl);
	json_decref(message.filter);
	dp_buf_release(&plain);
	bench_free(&bench);
}

static void add_of_act(
	struct bench *bench, const struct deploy_request *request, unsigned serial, size_t count)
{
	struct dp_action action = ask(bench, serial, 0, count);

	action.request = request;
	dp_outbox_add(bench->outbox, &action);
}

static void each_message_of_an_act_has_its_request_and_an_id(void **state)
{
	struct bench bench = bench_of(3);
	const struct deploy_request *request = bench.plan->tasks[1]->request;
	unsigned task, serial;

	(void)state;
	for (unsigned i = 1; i <= 3; i++)
		add_of_act(&bench, request, i, 2);
	while (!dp_outbox_is_empty(bench.outbox))
		assert_true(turn(&bench).is_mandatory);
	assert_int_equal(6, carrier.count);
	assert_string_not_equal(carrier.records[0].id, carrier.records[2].id);
	for (unsigned i = 0; i < 6; i++) {
		assert_ptr_equal(request,
			dp_outbox_find(bench.outbox, carrier.records[i].id, &task, &serial));
		assert_int_equal(0, task);
		assert_int_equal(1 + i / 2, serial);
		assert_int_equal(1, carrier.records[i].key_count);
	}
	bench_free(&bench);
}

static void one_message_of_an_act_is_withdrawn_and_the_others_are_sent(void **state)
{
	struct bench bench = bench_of(3);
	struct dp_input sent;

	(void)state;
	for (unsigned i = 1; i <= 3; i++)
		add_of_act(&bench, bench.plan->tasks[0]->request, i, i);
	dp_outbox_withdraw(bench.outbox, 0, 2);
	sent = turn(&bench);
	assert_int_equal(1, sent.attempt);
	sent = turn(&bench);
	assert_int_equal(3, sent.attempt);
	assert_int_equal(3, sent.row_count);
	add_of_act(&bench, bench.plan->tasks[0]->request, 4, 1);
	dp_outbox_withdraw(bench.outbox, 0, 0);
	assert_true(dp_outbox_is_empty(bench.outbox));
	bench_free(&bench);
}

static void freeing_a_full_outbox_leaves_nothing(void **state)
{
	struct bench bench = bench_of(100);

	(void)state;
	for (unsigned i = 0; i < 20; i++)
		add(&bench, i % 2, 1 + i / 2, 0, 100);
	add_probe(&bench, 0, 100);
	(void)turn(&bench);
	bench_free(&bench);
	dp_outbox_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(up_to_64_names_are_a_mandatory_publish_each),
		cmocka_unit_test(each_name_has_a_publish_of_its_own),
		cmocka_unit_test(more_names_go_as_further_keys_of_few_publishes),
		cmocka_unit_test(portions_are_cut_by_bytes),
		cmocka_unit_test(a_turn_publishes_64_kib),
		cmocka_unit_test(every_row_is_told_in_the_turn_that_sent_it),
		cmocka_unit_test(sends_leave_in_the_order_in_which_they_came),
		cmocka_unit_test(tasks_take_turns),
		cmocka_unit_test(what_was_withdrawn_takes_no_turn),
		cmocka_unit_test(room_is_counted_down_over_several_sends),
		cmocka_unit_test(a_broadcast_takes_room_too),
		cmocka_unit_test(an_empty_outbox_publishes_nothing),
		cmocka_unit_test(what_all_nodes_are_asked_is_one_broadcast_with_the_filter),
		cmocka_unit_test(an_open_task_is_a_broadcast_of_no_rows),
		cmocka_unit_test(few_nodes_are_asked_one_by_one_even_if_they_are_all),
		cmocka_unit_test(an_old_message_is_encoded_anew_with_the_same_id),
		cmocka_unit_test(a_send_that_takes_long_changes_its_message_under_way),
		cmocka_unit_test(a_try_of_a_task_has_one_id_and_no_other_has_it),
		cmocka_unit_test(a_probe_is_a_ping_that_no_node_answers),
		cmocka_unit_test(probes_of_two_tasks_have_two_ids),
		cmocka_unit_test(find_tells_whose_an_id_is),
		cmocka_unit_test(find_knows_no_other_ids),
		cmocka_unit_test(what_is_withdrawn_is_not_sent),
		cmocka_unit_test(a_send_under_way_is_withdrawn_where_it_stands),
		cmocka_unit_test(a_publish_that_fails_tells_who_was_asked_before),
		cmocka_unit_test(a_broadcast_that_fails_has_asked_nobody),
		cmocka_unit_test(a_request_that_cannot_be_encoded_is_not_published),
		cmocka_unit_test(with_base64_the_message_travels_as_text),
		cmocka_unit_test(each_message_of_an_act_has_its_request_and_an_id),
		cmocka_unit_test(one_message_of_an_act_is_withdrawn_and_the_others_are_sent),
		cmocka_unit_test(freeing_a_full_outbox_leaves_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
