/*
 * A carrier without a broker: what is published reaches the nodes of a script at once, and their
 * replies wait here until they are due. Linked in AMQP's place, it makes of the program one that
 * needs neither network nor fleet.
 *   DEPLOYCTL_LOOP      the script, see fleet.h
 *   DEPLOYCTL_LOOP_LOG  a file to which is appended
 *                         > EXCHANGE KEYS mandatory|- REQUESTID   for each publish
 *                         NODE AGENT ACTION REQUESTID             for each execution
 *                         ! REASON                                for what every node drops
 *                         @ TOPIC TEXT                            for each message to a topic
 *                         lock NAME                               for a lock that is taken
 *                         = VmHWM KIB                             at the end: peak of memory
 *   DEPLOYCTL_LOOP_FACTS  a file that keeps what nodes were given, from run to run
 */
#include "wire/carrier.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/base64.h"
#include "base/clock.h"
#include "deploy/error.h"
#include "base/mem.h"
#include "fleet.h"
#include "node.h"

/* Something on its way to us. */
struct parcel {
	struct parcel *next, *previous;
	int64_t due_us;
	unsigned long copies;
	struct dp_delivery delivery; /* its texts are owned by the parcel */
};

/* A publish that a broker which blocks us has not read yet. */
struct held {
	struct dp_publish publish;
	char **keys; /* all of them */
};

struct dp_carrier {
	char *peer;
	struct loop_fleet fleet;
	struct parcel *first, *last; /* in the order in which they are due */
	struct parcel *lent;	     /* handed out and not needed again; kept until the next call */
	long long publishes;
	int64_t blocked_us; /* since then */
	bool is_blocked, was_blocked;
	struct held *held;
	size_t held_count, held_cap;
	bool is_base64; /* bodies travel as Base64 text, in both directions */
	FILE *log;
	long long messages;   /* that were brought */
	int64_t pause_end_us; /* 0: it has not paused */
};

static volatile sig_atomic_t was_interrupted;

void dp_carrier_interrupt(void)
{
	was_interrupted = 1;
}

const char *dp_carrier_peer(const struct dp_carrier *carrier)
{
	return carrier->peer;
}

bool dp_carrier_is_blocked(const struct dp_carrier *carrier)
{
	return carrier->is_blocked;
}

static int fail_interrupted(struct deploy_error *err)
{
	return deploy_error_set(err, DEPLOY_INTERRUPTED, "interrupted while connecting");
}

static int hang(long long timeout_ms, struct deploy_error *err)
{
	int64_t deadline_us = dp_clock_us() + timeout_ms * 1000;

	while (dp_clock_us() < deadline_us) {
		(void)poll(NULL, 0, 10);
		if (was_interrupted)
			return fail_interrupted(err);
	}
	return deploy_error_set(err, DEPLOY_CONNECT, "no answer in time (TCP)");
}

/* In RabbitMQ's words. */
static int knock(const struct dp_carrier *carrier, const struct deploy_config *config,
	const char *collective, struct deploy_error *err)
{
	const char *user = config->brokers[0].user;

	switch (carrier->fleet.broker.refusal) {
	case LOOP_ACCEPT:
		return was_interrupted ? fail_interrupted(err) : 0;
	case LOOP_REFUSE_AUTH:
		return deploy_error_set(err, DEPLOY_AUTH,
			"user '%s', vhost '%s': login: ACCESS_REFUSED - Login was refused using "
			"authentication mechanism PLAIN (403)",
			user, config->vhost);
	case LOOP_REFUSE_VHOST:
		return deploy_error_set(err, DEPLOY_AUTH,
			"user '%s', vhost '%s': login: NOT_ALLOWED - vhost not found (530)", user,
			config->vhost);
	case LOOP_REFUSE_EXCHANGE:
		return deploy_error_set(err, DEPLOY_CONFIG,
			"exchange: NOT_FOUND - no exchange '%s_broadcast' in vhost '%s' (404)",
			collective, config->vhost);
	case LOOP_REFUSE_CONNECT:
		return deploy_error_set(err, DEPLOY_CONNECT, "Connection refused");
	case LOOP_HANG:
		return hang(config->connection_timeout_ms, err);
	}
	return 0;
}

static int open_log(struct dp_carrier *carrier, struct deploy_error *err)
{
	const char *path = getenv("DEPLOYCTL_LOOP_LOG");

	carrier->log = path ? fopen(path, "a") : NULL;
	if (path && !carrier->log)
		return deploy_error_set(err, DEPLOY_BUG, "%s: %s", path, strerror(errno));
	/* Whole lines at once: a test may look while we run. */
	if (carrier->log)
		(void)setvbuf(carrier->log, NULL, _IOLBF, 4096);
	return 0;
}

int dp_carrier_open(struct dp_carrier **out, const struct deploy_config *config,
	const char *collective, struct deploy_error *err)
{
	const char *script = getenv("DEPLOYCTL_LOOP");
	struct dp_carrier *carrier = dp_xcalloc(1, sizeof(*carrier));
	int rc;

	was_interrupted = 0;
	carrier->is_base64 = config->base64;
	carrier->peer = dp_xasprintf("%s:%u", config->brokers[0].host, config->brokers[0].port);
	rc = script ? loop_fleet_load(&carrier->fleet, script, err)
		    : deploy_error_set(err, DEPLOY_BUG, "DEPLOYCTL_LOOP names no script");
	if (!rc && getenv("DEPLOYCTL_LOOP_FACTS"))
		rc = loop_facts_load(&carrier->fleet, getenv("DEPLOYCTL_LOOP_FACTS"), err);
	if (!rc)
		rc = open_log(carrier, err);
	if (!rc && knock(carrier, config, collective, err))
		rc = deploy_error_wrap(err, "%s", carrier->peer);
	if (rc)
		dp_carrier_close(carrier);
	else
		*out = carrier;
	return rc;
}

/* The step that the script's refusal fails, and what the broker of the program would say. */
static const char *refused_step(enum loop_refusal refusal)
{
	switch (refusal) {
	case LOOP_REFUSE_AUTH:
		return "login";
	case LOOP_REFUSE_VHOST:
		return "vhost";
	case LOOP_REFUSE_EXCHANGE:
		return "exchange";
	case LOOP_REFUSE_CONNECT:
	case LOOP_HANG:
		return "connect";
	case LOOP_ACCEPT:
		break;
	}
	return "";
}

/* Steps in order; after one that is refused nothing is tried. */
static int take_steps(const struct dp_carrier *carrier, const struct deploy_config *config,
	const char *collective, deploy_finding_fn *found, void *arg)
{
	static const char *const steps[] = {"lookup", "connect", "tls", "login", "vhost",
		"exchange", "queue", "lock", "publish"};
	const char *refused = refused_step(carrier->fleet.broker.refusal);
	struct deploy_error err = {0};

	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		struct deploy_finding finding = {.grade = DEPLOY_GRADE_OK,
			.subject = carrier->peer,
			.check = steps[i],
			.text = "as the script says",
			.remedy = ""};

		if (err.code) {
			finding.grade = DEPLOY_GRADE_UNTRIED;
			finding.text = "an earlier step failed";
		} else if (strcmp(steps[i], refused) == 0) {
			if (knock(carrier, config, collective, &err) == DEPLOY_INTERRUPTED)
				return err.code;
			finding.grade = DEPLOY_GRADE_FAILED;
			finding.text = err.text;
			finding.remedy = "mend the script";
			finding.code = err.code;
		}
		found(arg, &finding);
	}
	return err.code;
}

int dp_carrier_examine(const struct deploy_config *config, size_t index, const char *collective,
	deploy_finding_fn *found, void *arg)
{
	const char *script = getenv("DEPLOYCTL_LOOP");
	struct dp_carrier carrier = {.log = NULL};
	struct deploy_error err = {0};
	int rc = script ? loop_fleet_load(&carrier.fleet, script, &err) : DEPLOY_BUG;

	carrier.peer =
		dp_xasprintf("%s:%u", config->brokers[index].host, config->brokers[index].port);
	if (!rc)
		rc = take_steps(&carrier, config, collective, found, arg);
	loop_fleet_release(&carrier.fleet);
	free(carrier.peer);
	return rc;
}

/* Give up what *text points to. The texts of a delivery are const for those who borrow them. */
static void drop_text(const char *text)
{
	free((char *)(uintptr_t)text);
}

static void free_parcel(struct parcel *parcel)
{
	if (!parcel)
		return;
	drop_text(parcel->delivery.body);
	drop_text(parcel->delivery.sender);
	drop_text(parcel->delivery.routing_key);
	drop_text(parcel->delivery.id);
	drop_text(parcel->delivery.text);
	free(parcel);
}

static void free_held(struct held *held)
{
	for (size_t i = 0; i <= held->publish.more_count; i++)
		free(held->keys[i]);
	free(held->keys);
	drop_text(held->publish.exchange);
	drop_text(held->publish.id);
	drop_text(held->publish.body);
}

static void log_peak(FILE *log)
{
	FILE *status = fopen("/proc/self/status", "r");
	char line[256];

	while (status && fgets(line, sizeof(line), status))
		if (strncmp(line, "VmHWM:", 6) == 0)
			(void)fprintf(log, "= VmHWM %lu\n", strtoul(line + 6, NULL, 10));
	if (status)
		(void)fclose(status);
}

void dp_carrier_close(struct dp_carrier *carrier)
{
	if (!carrier)
		return;
	while (carrier->first) {
		struct parcel *parcel = carrier->first;

		carrier->first = parcel->next;
		free_parcel(parcel);
	}
	free_parcel(carrier->lent);
	for (size_t i = 0; i < carrier->held_count; i++)
		free_held(&carrier->held[i]);
	free(carrier->held);
	if (carrier->log) {
		log_peak(carrier->log);
		(void)fclose(carrier->log);
	}
	loop_fleet_release(&carrier->fleet);
	free(carrier->peer);
	free(carrier);
}

/* Behind everything that is due no later. */
static void send_parcel(struct dp_carrier *carrier, struct parcel *parcel)
{
	struct parcel *before = carrier->last;

	while (before && before->due_us > parcel->due_us)
		before = before->previous;
	parcel->previous = before;
	parcel->next = before ? before->next : carrier->first;
	if (parcel->next)
		parcel->next->previous = parcel;
	else
		carrier->last = parcel;
	if (before)
		before->next = parcel;
	else
		carrier->first = parcel;
}

static struct parcel *new_parcel(enum dp_delivery_kind kind, long long delay_ms)
{
	struct parcel *parcel = dp_xcalloc(1, sizeof(*parcel));

	parcel->due_us = dp_clock_us() + delay_ms * 1000;
	parcel->copies = 1;
	parcel->delivery.kind = kind;
	return parcel;
}

static void wrap(struct loop_answer *answer)
{
	struct dp_buf text;

	dp_buf_init(&text, 2 * DP_MAX_MESSAGE_BYTES);
	dp_base64_encode(&text, answer->bytes.data, answer->bytes.len);
	dp_buf_release(&answer->bytes);
	answer->bytes = text;
	answer->body_len = text.len;
}

static void send_answer(struct dp_carrier *carrier, struct loop_answer *answer)
{
	bool is_large = answer->body_len > DP_MAX_MESSAGE_BYTES;
	struct parcel *parcel = new_parcel(
		is_large ? DP_DELIVERY_TOO_LARGE : DP_DELIVERY_MESSAGE, answer->delay_ms);

	if (carrier->is_base64 && !is_large)
		wrap(answer);
	parcel->copies = answer->copies;
	parcel->delivery.body_len = answer->body_len;
	parcel->delivery.sender = dp_xstrdup(answer->sender);
	parcel->delivery.body = dp_buf_take(&answer->bytes);
	send_parcel(carrier, parcel);
}

static void send_return(struct dp_carrier *carrier, const char *key, const char *id)
{
	struct parcel *parcel = new_parcel(DP_DELIVERY_RETURNED, 0);

	parcel->delivery.routing_key = dp_xstrdup(key);
	parcel->delivery.id = dp_xstrdup(id);
	parcel->delivery.body = dp_xstrdup("");
	send_parcel(carrier, parcel);
}

/* A deed lasts from when it is done, whether or not somebody learns of it. */
static void keep_facts(struct dp_carrier *carrier)
{
	const char *path = getenv("DEPLOYCTL_LOOP_FACTS");
	struct deploy_error err = {0};

	if (path && loop_facts_save(&carrier->fleet, path, &err)) {
		(void)fprintf(stderr, "%s\n", err.text);
		abort();
	}
}

static void reach(
	struct dp_carrier *carrier, struct loop_node *node, const struct loop_request *request)
{
	struct loop_answer answer;

	if (!loop_node_accepts(node, request))
		return;
	if (carrier->log)
		(void)fprintf(carrier->log, "%s %s %s %s\n", node->name, request->agent,
			loop_request_action(request), request->id);
	if (!loop_node_execute(&answer, node, request, carrier->fleet.psk))
		return;
	keep_facts(carrier);
	send_answer(carrier, &answer);
	loop_answer_release(&answer);
}

/* True if the exchange is the collective's one of that kind, and the node is bound to it. */
static bool is_bound(const struct loop_node *node, const char *exchange, const char *kind)
{
	size_t len = strlen(exchange), kind_len = strlen(kind);
	char *collective;
	bool is;

	if (node->is_absent || len <= kind_len || strcmp(exchange + len - kind_len, kind) != 0)
		return false;
	collective = dp_xstrndup(exchange, len - kind_len);
	is = loop_node_has(node, "collectives", collective);
	free(collective);
	return is;
}

/* Binding keys of the topic exchange are agents, those of the direct exchange identities. */
static void route(struct dp_carrier *carrier, const struct dp_publish *publish,
	const struct loop_request *request)
{
	struct loop_fleet *fleet = &carrier->fleet;
	size_t reached = 0;

	for (size_t i = 0; i < fleet->count; i++) {
		struct loop_node *node = &fleet->nodes[i];

		if (!is_bound(node, publish->exchange, "_broadcast"))
			continue;
		if (strcmp(publish->routing_key, "discovery") != 0 &&
			!loop_node_has(node, "agents", publish->routing_key))
			continue;
		reached++;
		if (request)
			reach(carrier, node, request);
	}
	for (size_t i = 0; i <= publish->more_count; i++) {
		struct loop_node *node = loop_fleet_find(
			fleet, i ? publish->more_keys[i - 1] : publish->routing_key);

		if (!node || !is_bound(node, publish->exchange, "_directed"))
			continue;
		reached++;
		if (request)
			reach(carrier, node, request);
	}
	if (!reached && publish->is_mandatory)
		send_return(carrier, publish->routing_key, publish->id);
}

static void carry_out(struct dp_carrier *carrier, const struct dp_publish *publish)
{
	struct loop_request request = {.filter = NULL};
	const char *why = "no Base64";
	struct dp_buf plain;

	dp_buf_init(&plain, DP_MAX_MESSAGE_BYTES);
	if (!carrier->is_base64)
		why = loop_request_decode(
			&request, publish->body, publish->body_len, carrier->fleet.psk);
	else if (dp_base64_decode(&plain, publish->body, publish->body_len))
		why = loop_request_decode(&request, plain.data, plain.len, carrier->fleet.psk);
	if (carrier->log) {
		(void)fprintf(carrier->log, "> %s %zu %s %s\n", publish->exchange,
			publish->more_count + 1, publish->is_mandatory ? "mandatory" : "-",
			publish->id);
		if (why)
			(void)fprintf(carrier->log, "! %s\n", why);
	}
	if (!carrier->fleet.broker.is_mute)
		route(carrier, publish, why ? NULL : &request);
	loop_request_release(&request);
	dp_buf_release(&plain);
}

static void hold(struct dp_carrier *carrier, const struct dp_publish *publish)
{
	struct held *held;
	char *body = dp_xmalloc(publish->body_len + 1);

	carrier->held = dp_grow(
		carrier->held, &carrier->held_cap, carrier->held_count + 1, sizeof(*carrier->held));
	held = &carrier->held[carrier->held_count++];
	held->publish = *publish;
	held->publish.exchange = dp_xstrdup(publish->exchange);
	held->publish.id = dp_xstrdup(publish->id);
	memcpy(body, publish->body, publish->body_len);
	held->publish.body = body;
	held->keys = dp_xcalloc(publish->more_count + 1, sizeof(*held->keys));
	for (size_t i = 0; i <= publish->more_count; i++)
		held->keys[i] = dp_xstrdup(i ? publish->more_keys[i - 1] : publish->routing_key);
	held->publish.routing_key = held->keys[0];
	held->publish.more_keys = (const char *const *)held->keys + 1;
}

/* The broker tells those that have published, and the others when they publish. */
static void block(struct dp_carrier *carrier)
{
	struct parcel *parcel = new_parcel(DP_DELIVERY_BLOCKED, 0);

	carrier->was_blocked = true;
	carrier->blocked_us = parcel->due_us;
	parcel->delivery.text = dp_xstrdup("low on memory");
	send_parcel(carrier, parcel);
	if (carrier->fleet.broker.blocked_ms != LOOP_NEVER)
		send_parcel(carrier,
			new_parcel(DP_DELIVERY_UNBLOCKED, carrier->fleet.broker.blocked_ms));
}

int dp_carrier_publish(
	struct dp_carrier *carrier, const struct dp_publish *publish, struct deploy_error *err)
{
	const struct loop_broker *broker = &carrier->fleet.broker;

	if (broker->lost_after != LOOP_NEVER && carrier->publishes >= broker->lost_after)
		return deploy_error_set(err, DEPLOY_CONNECT,
			"%s: publish: the broker closed the connection", carrier->peer);
	if (!broker->blocked_after && !carrier->was_blocked)
		block(carrier);
	if (carrier->blocked_us) {
		hold(carrier, publish);
		return 0;
	}
	carry_out(carrier, publish);
	if (++carrier->publishes == broker->blocked_after)
		block(carrier);
	return 0;
}

/* Every topic has its listeners, but for "forbidden". */
static void tell(struct dp_carrier *carrier, const char *topic, const char *text)
{
	bool is_forbidden = strcmp(topic, "forbidden") == 0;
	struct parcel *parcel =
		new_parcel(is_forbidden ? DP_DELIVERY_REFUSED : DP_DELIVERY_TAKEN, 0);

	if (is_forbidden)
		parcel->delivery.text = dp_xstrdup("the broker refuses: ACCESS_REFUSED - access to "
						   "topic 'forbidden' refused (403)");
	else if (carrier->log)
		(void)fprintf(carrier->log, "@ %s %s\n", topic, text);
	send_parcel(carrier, parcel);
}

int dp_carrier_announce(
	struct dp_carrier *carrier, const char *topic, const char *text, struct deploy_error *err)
{
	const struct loop_broker *broker = &carrier->fleet.broker;

	if (broker->lost_after != LOOP_NEVER && carrier->publishes >= broker->lost_after)
		return deploy_error_set(err, DEPLOY_CONNECT,
			"%s: publish: the broker closed the connection", carrier->peer);
	if (!broker->blocked_after && !carrier->was_blocked)
		block(carrier);
	if (!carrier->blocked_us)
		tell(carrier, topic, text);
	return 0;
}

static void unblock(struct dp_carrier *carrier)
{
	carrier->is_blocked = false;
	carrier->blocked_us = 0;
	for (size_t i = 0; i < carrier->held_count; i++) {
		carry_out(carrier, &carrier->held[i].publish);
		free_held(&carrier->held[i]);
	}
	carrier->held_count = 0;
}

/* A blocked broker takes no replies from nodes either, but passes on what it has. */
static bool can_come(const struct dp_carrier *carrier, const struct parcel *parcel)
{
	return !carrier->blocked_us || parcel->due_us <= carrier->blocked_us ||
	       parcel->delivery.kind == DP_DELIVERY_UNBLOCKED;
}

/* The next thing that comes, and when; NULL if nothing will. */
static struct parcel *next_parcel(const struct dp_carrier *carrier)
{
	struct parcel *parcel = carrier->first;

	while (parcel && !can_come(carrier, parcel))
		parcel = parcel->next;
	return parcel;
}

/* When it comes, if the broker does not pause any longer than it does. */
static int64_t comes_us(const struct dp_carrier *carrier, const struct parcel *parcel)
{
	return parcel->due_us > carrier->pause_end_us ? parcel->due_us : carrier->pause_end_us;
}

static void count_message(struct dp_carrier *carrier)
{
	const struct loop_broker *broker = &carrier->fleet.broker;

	if (++carrier->messages == broker->pause_after)
		carrier->pause_end_us = dp_clock_us() + broker->pause_ms * 1000;
}

static void take_out(struct dp_carrier *carrier, struct parcel *parcel)
{
	if (parcel->next)
		parcel->next->previous = parcel->previous;
	else
		carrier->last = parcel->previous;
	if (parcel->previous)
		parcel->previous->next = parcel->next;
	else
		carrier->first = parcel->next;
	carrier->lent = parcel;
}

int dp_carrier_echo(struct dp_carrier *carrier, struct deploy_error *err)
{
	(void)err;
	send_parcel(carrier, new_parcel(DP_DELIVERY_ECHO, 0));
	return 0;
}

/* As RabbitMQ refuses it. */
int dp_carrier_lock(struct dp_carrier *carrier, const char *name, struct deploy_error *err)
{
	switch (carrier->fleet.broker.lock) {
	case LOOP_LOCK_HELD:
		return deploy_error_set(err, DEPLOY_REFUSED,
			"%s: lock \"%s\" is held by another connection to the broker",
			carrier->peer, name);
	case LOOP_LOCK_FORBIDDEN:
		return deploy_error_set(err, DEPLOY_AUTH,
			"%s: lock: ACCESS_REFUSED - configure access to queue 'deployctl.lock.%s' "
			"refused (403)",
			carrier->peer, name);
	case LOOP_LOCK_FREE:
		break;
	}
	if (carrier->log)
		(void)fprintf(carrier->log, "lock %s\n", name);
	return 0;
}

int dp_carrier_receive(
	struct dp_carrier *carrier, struct dp_delivery *out, struct deploy_error *err)
{
	const struct loop_broker *broker = &carrier->fleet.broker;
	struct parcel *parcel = next_parcel(carrier);

	*out = (struct dp_delivery){.kind = DP_DELIVERY_NONE};
	free_parcel(carrier->lent);
	carrier->lent = NULL;
	if (was_interrupted)
		return deploy_error_set(err, DEPLOY_INTERRUPTED, "%s: interrupted", carrier->peer);
	if (!parcel || comes_us(carrier, parcel) > dp_clock_us()) {
		if (broker->lost_after == LOOP_NEVER || carrier->publishes < broker->lost_after)
			return 0;
		return deploy_error_set(err, DEPLOY_CONNECT,
			"%s: connection lost: the broker closed the connection", carrier->peer);
	}
	*out = parcel->delivery;
	if (out->kind == DP_DELIVERY_MESSAGE)
		count_message(carrier);
	if (--parcel->copies == 0)
		take_out(carrier, parcel);
	if (out->kind == DP_DELIVERY_BLOCKED)
		carrier->is_blocked = true;
	if (out->kind == DP_DELIVERY_UNBLOCKED)
		unblock(carrier);
	return 0;
}

void dp_carrier_wait(struct dp_carrier *carrier, bool wants_write, struct pollfd *others,
	size_t count, int timeout_ms, bool *can_write)
{
	const struct parcel *parcel = next_parcel(carrier);

	*can_write = wants_write;
	if (wants_write || carrier->fleet.broker.lost_after == carrier->publishes)
		timeout_ms = 0;
	if (parcel) {
		int64_t left_us = comes_us(carrier, parcel) - dp_clock_us();

		if (left_us / 1000 < timeout_ms)
			timeout_ms = left_us <= 0 ? 0 : (int)((left_us + 999) / 1000);
	}
	(void)poll(others, count, timeout_ms);
}
