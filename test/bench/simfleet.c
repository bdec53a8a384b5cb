/*
 * N nodes on a real RabbitMQ, in one process. Each node has a queue of its own for directed
 * requests, so that the broker routes, and returns what is mandatory, as with real nodes. What is
 * broadcast reaches the process once and is answered for every node: a real node has a queue for
 * that, too, so here the broker is spared N copies of each broadcast, and nothing else.
 *
 * Usage, inside a lab (test/lab/lab run -- …): simfleet [OPTIONS] NODESET
 *   --collective NAME     default sim; its exchanges are made unless the lab has them
 *   --connections N       share the nodes among N connections (4)
 *   --seed N              decides who does what (1)
 *   --delay MIN-MAX, --delayed P%
 *                         replies of P% (100) of the nodes come that much later
 *   --drop P%             no reply       --forge P%     a wrong hash
 *   --truncate P%         half a reply   --late P%      a reply after --late-time (5s)
 *   --duplicate P%        two replies    --fail P%      statuscode 1
 *   --absent NODESET      these have no queue
 *   --log FILE            a line "REQUESTID NODE" for each execution
 *   --expect N            print what a client must count that asks all nodes the N-th request, and
 *                         end; needs no broker
 * Shares are of the nodes, drawn anew for each request; requests are counted from 1 by their ids.
 * To discovery all nodes answer well and at once. The counts of --expect are those of an action
 * that every node has.
 *
 * The I-th node has the facts country (de, fr, uk, us in turn), cluster (c0000 for the first
 * hundred, …) and rank (I), the classes common and web or db, the agents rpcutil and, but for each
 * tenth, lab. Prints "ready" when every queue is bound; ends when its stdin does.
 */
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <amqp.h>
#include <amqp_framing.h>

#include "../cli/node.h"
#include "base/clock.h"
#include "base/mem.h"
#include "deeds.h"
#include "deploy/nodeset.h"
#include "later.h"
#include "link.h"
#include "sim_opts.h"

#define MAX_LINKS    16
#define MAX_REQUESTS 100000

struct sim {
	struct sim_opts opts;
	const char *psk;
	struct loop_node *nodes;
	size_t count;
	struct link links[MAX_LINKS];
	struct later later;
	char (*ids)[64]; /* requests that came, the first is number 1 */
	size_t id_count, id_cap;
	FILE *log;
	/* the request that came last, and its bytes */
	struct loop_request request;
	struct dp_buf bytes;
	unsigned long number;
	bool is_good;
};

static _Noreturn void die(const char *what, const char *why)
{
	(void)fprintf(stderr, "simfleet: %s: %s\n", what, why);
	exit(64);
}

/* Arrays that many nodes share. */
struct shared {
	json_t *classes[2], *agents[2], *collectives;
};

static struct loop_node make_node(const char *name, size_t rank, const struct shared *shared)
{
	static const char *const countries[] = {"us", "de", "fr", "uk"};
	char cluster[24], text[24];

	(void)snprintf(cluster, sizeof(cluster), "c%04zu", (rank - 1) / 100);
	(void)snprintf(text, sizeof(text), "%zu", rank);
	return (struct loop_node){.name = dp_xstrdup(name),
		.traits = json_pack("{s:{s:s, s:s, s:s}, s:O, s:O, s:O}", "facts", "country",
			countries[rank % 4], "cluster", cluster, "rank", text, "classes",
			shared->classes[rank % 2], "agents", shared->agents[rank % 10 == 0],
			"collectives", shared->collectives)};
}

static void make_nodes(struct sim *sim)
{
	const struct deploy_nodeset *set = sim->opts.nodes, *absent = sim->opts.absent;
	struct shared shared = {.classes = {json_pack("[s, s]", "common", "db"),
					json_pack("[s, s]", "common", "web")},
		.agents = {json_pack("[s, s]", "rpcutil", "lab"), json_pack("[s]", "rpcutil")},
		.collectives = json_pack("[s]", sim->opts.collective)};
	size_t at;

	sim->count = deploy_nodeset_count(set);
	sim->nodes = dp_xcalloc(sim->count, sizeof(*sim->nodes));
	for (size_t i = 0; i < sim->count; i++) {
		const char *name = deploy_nodeset_get(set, i);

		sim->nodes[i] = make_node(name, i + 1, &shared);
		sim->nodes[i].is_absent = deploy_nodeset_find(absent, name, strlen(name), &at);
	}
	for (int i = 0; i < 2; i++) {
		json_decref(shared.classes[i]);
		json_decref(shared.agents[i]);
	}
	json_decref(shared.collectives);
}

/* ---- queues ---- */

static void send_method(struct link *link, amqp_method_number_t id, void *method)
{
	if (amqp_send_method(link->connection, 1, id, method) == AMQP_STATUS_OK)
		return;
	die("queues", "the broker ended the connection");
}

/* None of the three is waited for; the tag of the consumer says whose queue it is. */
static void open_queue(struct link *link, const char *exchange, const char *key, size_t index)
{
	char name[64], tag[24];
	amqp_queue_declare_t declare = {
		.exclusive = 1, .auto_delete = 1, .nowait = 1, .queue = {.len = 0}};
	amqp_queue_bind_t bind = {.nowait = 1,
		.exchange = amqp_cstring_bytes(exchange),
		.routing_key = amqp_cstring_bytes(key)};
	amqp_basic_consume_t consume = {.no_ack = 1, .nowait = 1};

	(void)snprintf(name, sizeof(name), "sim.%ld.%zu", (long)getpid(), index);
	(void)snprintf(tag, sizeof(tag), "%zu", index);
	declare.queue = bind.queue = consume.queue = amqp_cstring_bytes(name);
	consume.consumer_tag = amqp_cstring_bytes(tag);
	send_method(link, AMQP_QUEUE_DECLARE_METHOD, &declare);
	send_method(link, AMQP_QUEUE_BIND_METHOD, &bind);
	send_method(link, AMQP_BASIC_CONSUME_METHOD, &consume);
}

static char *exchange_name(const struct sim *sim, const char *kind)
{
	return dp_xasprintf("%s_%s", sim->opts.collective, kind);
}

/* Those that the lab made are durable; ours go with the broker. They outlive the nodes, like real
 * ones. */
static void make_exchange(struct sim *sim, const char *kind, const char *type)
{
	char *name = exchange_name(sim, kind);
	bool is_lab = strcmp(sim->opts.collective, "mcollective") == 0 ||
		      strcmp(sim->opts.collective, "subcol") == 0;

	(void)amqp_exchange_declare(sim->links[0].connection, 1, amqp_cstring_bytes(name),
		amqp_cstring_bytes(type), 0, is_lab, 0, 0, amqp_empty_table);
	link_need(&sim->links[0], name);
	free(name);
}

/* The queue after all nodes' is that of what is broadcast. */
static void open_queues(struct sim *sim)
{
	char *broadcast = exchange_name(sim, "broadcast"),
	     *directed = exchange_name(sim, "directed");

	make_exchange(sim, "broadcast", "topic");
	make_exchange(sim, "directed", "direct");
	open_queue(&sim->links[0], broadcast, "#", sim->count);
	for (size_t i = 0; i < sim->count; i++)
		if (!sim->nodes[i].is_absent)
			open_queue(&sim->links[i % sim->opts.connections], directed,
				sim->nodes[i].name, i);
	/* A channel does one thing after the other: when it answers this, all is done. */
	for (size_t i = 0; i < sim->opts.connections; i++) {
		(void)amqp_basic_qos(sim->links[i].connection, 1, 0, 0, 0);
		link_need(&sim->links[i], "queues");
	}
	free(broadcast);
	free(directed);
}

static void send_due(struct sim *sim)
{
	int64_t now_us = dp_clock_us();
	struct parcel parcel;

	while (later_take(&sim->later, now_us, &parcel)) {
		dp_buf_add(&parcel.link->out, parcel.frames, parcel.len);
		link_flush_some(parcel.link);
		free(parcel.frames);
	}
}

/* ---- requests ---- */

/* The number of the request with that id; a new one gets the next. */
static unsigned long number_of(struct sim *sim, const char *id)
{
	for (size_t i = sim->id_count; i-- > 0;)
		if (strcmp(sim->ids[i], id) == 0)
			return i + 1;
	if (sim->id_count == MAX_REQUESTS)
		die("requests", "too many");
	sim->ids = dp_grow(sim->ids, &sim->id_cap, sim->id_count + 1, sizeof(*sim->ids));
	memcpy(sim->ids[sim->id_count], id, sizeof(*sim->ids));
	return ++sim->id_count;
}

/* Many nodes get the same bytes, which are decoded once. */
static void decode(struct sim *sim, amqp_bytes_t body)
{
	if (body.len == sim->bytes.len &&
		memcmp(body.bytes, dp_buf_text(&sim->bytes), body.len) == 0)
		return;
	dp_buf_clear(&sim->bytes);
	dp_buf_add(&sim->bytes, body.bytes, body.len);
	loop_request_release(&sim->request);
	sim->is_good = !loop_request_decode(&sim->request, body.bytes, body.len, sim->psk);
	if (sim->is_good && strcmp(sim->request.agent, "discovery") != 0)
		sim->number = number_of(sim, sim->request.id);
}

static struct deed choose_deed(const struct sim *sim, struct loop_node *node)
{
	static const enum loop_mischief kinds[DEED_KINDS] = {
		LOOP_HONEST, LOOP_SILENT, LOOP_WRONGHASH, LOOP_TRUNCATED, LOOP_HONEST};
	static char message[] = "told to fail";
	struct loop_behaviour *does = &node->does[LOOP_REPLY];
	struct deed deed = {.kind = DEED_ANSWER};

	if (strcmp(sim->request.agent, "discovery") == 0)
		return deed;
	deed = deed_of(&sim->opts.mischief, node->name, sim->number);
	does->mischief = kinds[deed.kind];
	does->failures = deed.fails ? (unsigned long)-1 : 0;
	does->code = 1;
	does->message = message;
	return deed;
}

static void send_answer(struct sim *sim, size_t index, const struct deed *deed,
	const struct loop_answer *answer, amqp_bytes_t reply_to)
{
	struct link *link = &sim->links[index % sim->opts.connections];
	const struct message message = {.exchange = "",
		.key = reply_to.bytes,
		.key_len = reply_to.len,
		.sender = sim->nodes[index].name,
		.body = answer->bytes.data,
		.body_len = answer->body_len};
	struct parcel parcel = {.link = link};
	struct dp_buf later;

	if (!deed->delay_ms) {
		for (int copies = deed->is_twice ? 2 : 1; copies--;)
			link_frame(&link->out, &message);
		link_flush_some(link);
		return;
	}
	dp_buf_init(&later, SIZE_MAX / 2);
	for (int copies = deed->is_twice ? 2 : 1; copies--;)
		link_frame(&later, &message);
	parcel.due_us = dp_clock_us() + deed->delay_ms * 1000;
	parcel.len = later.len;
	parcel.frames = dp_buf_take(&later);
	later_add(&sim->later, parcel);
}

static void reach(struct sim *sim, size_t index, amqp_bytes_t reply_to)
{
	struct loop_node *node = &sim->nodes[index];
	struct loop_answer answer;
	struct deed deed;

	if (node->is_absent || !loop_node_accepts(node, &sim->request))
		return;
	if (sim->log)
		(void)fprintf(sim->log, "%s %s\n", sim->request.id, node->name);
	deed = choose_deed(sim, node);
	if (!loop_node_execute(&answer, node, &sim->request, sim->psk))
		return;
	send_answer(sim, index, &deed, &answer, reply_to);
	loop_answer_release(&answer);
}

static void take(struct sim *sim, const amqp_envelope_t *envelope)
{
	const amqp_basic_properties_t *properties = &envelope->message.properties;
	char tag[24] = "";
	size_t index;

	if (envelope->consumer_tag.len < sizeof(tag))
		memcpy(tag, envelope->consumer_tag.bytes, envelope->consumer_tag.len);
	index = strtoul(tag, NULL, 10);
	decode(sim, envelope->message.body);
	if (!sim->is_good || !(properties->_flags & AMQP_BASIC_REPLY_TO_FLAG))
		return;
	if (index < sim->count)
		reach(sim, index, properties->reply_to);
	else
		for (size_t i = 0; i < sim->count; i++)
			reach(sim, i, properties->reply_to);
}

static int wait_ms(const struct sim *sim)
{
	int64_t left_us;

	if (!sim->later.count)
		return -1;
	left_us = later_due_us(&sim->later) - dp_clock_us();
	return left_us > 0 ? (int)(left_us / 1000) + 1 : 0;
}

/* False when stdin has ended. */
static bool wait_for_more(struct sim *sim)
{
	struct pollfd fds[MAX_LINKS + 1] = {{.fd = STDIN_FILENO, .events = POLLIN}};
	char bytes[64];

	for (size_t i = 0; i < sim->opts.connections; i++)
		fds[i + 1] = (struct pollfd){.fd = sim->links[i].fd, .events = POLLIN};
	(void)poll(fds, sim->opts.connections + 1, wait_ms(sim));
	return !fds[0].revents || read(STDIN_FILENO, bytes, sizeof(bytes)) > 0;
}

static void serve(struct sim *sim)
{
	amqp_envelope_t envelope;

	do {
		for (size_t i = 0; i < sim->opts.connections; i++)
			while (link_take(&sim->links[i], &envelope)) {
				take(sim, &envelope);
				amqp_destroy_envelope(&envelope);
			}
		send_due(sim);
		for (size_t i = 0; i < sim->opts.connections; i++)
			link_flush(&sim->links[i]);
		if (sim->log)
			(void)fflush(sim->log);
	} while (wait_for_more(sim));
}

/* ---- the whole ---- */

static void print_expectation(const struct sim *sim, unsigned long request)
{
	struct expectation sum = {.nodes = sim->count};

	for (size_t i = 0; i < sim->count; i++) {
		if (sim->nodes[i].is_absent)
			sum.not_connected++;
		else
			deed_expect(
				&sum, deed_of(&sim->opts.mischief, sim->nodes[i].name, request));
	}
	(void)printf("{\"nodes\": %lu, \"ok\": %lu, \"failed\": %lu, \"silent\": %lu, "
		     "\"not_connected\": %lu, \"duplicate\": %lu, \"rejected\": %lu, "
		     "\"executed\": %lu}\n",
		sum.nodes, sum.ok, sum.failed, sum.silent, sum.not_connected, sum.duplicate,
		sum.rejected, sum.executed);
}

static void open_log(struct sim *sim, const char *path)
{
	sim->log = path ? fopen(path, "w") : NULL;
	if (path && !sim->log)
		die(path, "cannot be written");
}

static void run(struct sim *sim)
{
	int64_t start_us = dp_clock_us();

	sim->psk = lab_value("LAB_PSK");
	for (size_t i = 0; i < sim->opts.connections; i++)
		link_open(&sim->links[i], "simfleet");
	open_queues(sim);
	(void)fprintf(stderr, "simfleet: %zu nodes after %.1f s\n", sim->count,
		(double)(dp_clock_us() - start_us) / 1e6);
	(void)printf("ready\n");
	(void)fflush(stdout);
	serve(sim);
}

int main(int argc, char **argv)
{
	static struct sim sim;

	sim_opts_parse(&sim.opts, argc, argv);
	if (sim.opts.connections > MAX_LINKS)
		die("connections", "at most 16");
	make_nodes(&sim);
	dp_buf_init(&sim.bytes, SIZE_MAX / 2);
	if (sim.opts.expect) {
		print_expectation(&sim, sim.opts.expect);
		return 0;
	}
	open_log(&sim, sim.opts.log);
	run(&sim);
	return 0;
}
