/*
 * The loop, with everything below it real but the carrier, HTTP and the clocks: those are defined
 * here and take the library's place. Time passes only while the loop waits for the broker. What
 * happens is noted:
 *   intend web1 · record · publish web1 · fetch URL · outcome web1 silent
 */
#include <stdarg.h>
#include <setjmp.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/clock.h"
#include "deploy/run.h"
#include "model/act.h"
#include "net/http.h"
#include "wire/carrier.h"

/* The broker: it says of every node that it has no queue, unless it is mute. */
struct dp_carrier {
	char returned[64][32], id[64];
	size_t head, count, waits_to_write;
	bool has_echo, is_mute, is_blocked;
	bool has_word, refuses; /* about what was announced */
	int64_t thinks_us, word_us;
};

static struct dp_carrier carrier;
static int64_t now_us;
static char trace[8192];

static void note(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void note(const char *format, ...)
{
	size_t len = strlen(trace);
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(trace + len, sizeof(trace) - len, format, args);
	va_end(args);
	assert_in_range(n, 0, sizeof(trace) - len - 1);
}

int64_t dp_clock_us(void)
{
	return now_us;
}

int64_t dp_wall_us(void)
{
	return 1700000000 * 1000000LL + now_us;
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

void dp_carrier_close(struct dp_carrier *closed)
{
	(void)closed;
}

void dp_carrier_interrupt(void)
{
}

const char *dp_carrier_peer(const struct dp_carrier *peer)
{
	(void)peer;
	return "broker:5672";
}

bool dp_carrier_is_blocked(const struct dp_carrier *asked)
{
	return asked->is_blocked;
}

int dp_carrier_echo(struct dp_carrier *asked, struct deploy_error *err)
{
	(void)err;
	asked->has_echo = true;
	return 0;
}

int dp_carrier_announce(
	struct dp_carrier *to, const char *topic, const char *text, struct deploy_error *err)
{
	(void)err;
	assert_false(to->has_word);
	note("announce %s: %s\n", topic, text);
	to->has_word = !to->is_mute;
	to->word_us = now_us + to->thinks_us;
	to->refuses = strcmp(topic, "forbidden") == 0;
	return 0;
}

int dp_carrier_publish(
	struct dp_carrier *to, const struct dp_publish *publish, struct deploy_error *err)
{
	(void)err;
	note("publish %s\n", publish->routing_key);
	if (to->is_mute)
		return 0;
	assert_true(to->count < 64);
	(void)snprintf(to->id, sizeof(to->id), "%s", publish->id);
	(void)snprintf(
		to->returned[to->count++], sizeof(to->returned[0]), "%s", publish->routing_key);
	return 0;
}

int dp_carrier_lock(struct dp_carrier *asked, const char *name, struct deploy_error *err)
{
	(void)asked;
	note("lock %s\n", name);
	return strcmp(name, "held") == 0 ? deploy_error_set(err, DEPLOY_REFUSED, "held") : 0;
}

int dp_carrier_receive(struct dp_carrier *from, struct dp_delivery *out, struct deploy_error *err)
{
	(void)err;
	*out = (struct dp_delivery){.kind = DP_DELIVERY_NONE};
	if (from->head < from->count)
		*out = (struct dp_delivery){.kind = DP_DELIVERY_RETURNED,
			.routing_key = from->returned[from->head++],
			.id = from->id};
	else if (from->has_word && now_us >= from->word_us)
		*out = (struct dp_delivery){
			.kind = from->refuses ? DP_DELIVERY_REFUSED : DP_DELIVERY_TAKEN,
			.text = "no such right (403)"};
	else if (from->has_echo)
		out->kind = DP_DELIVERY_ECHO;
	from->has_word = from->has_word && out->kind != DP_DELIVERY_TAKEN &&
			 out->kind != DP_DELIVERY_REFUSED;
	from->has_echo = from->has_echo && out->kind != DP_DELIVERY_ECHO;
	return 0;
}

void dp_carrier_wait(struct dp_carrier *waiting, bool wants_write, struct pollfd *others,
	size_t count, int timeout_ms, bool *can_write)
{
	bool is_ready = poll(others, count, 0) > 0;

	*can_write = wants_write;
	waiting->waits_to_write += wants_write;
	if (!is_ready && !wants_write && waiting->head == waiting->count && !waiting->has_echo &&
		(!waiting->has_word || now_us < waiting->word_us))
		now_us += timeout_ms * 1000LL;
}

/* HTTP: each request has a response, which is there once a byte was read from a pipe. */
struct dp_http {
	int ends[2];
	struct dp_http_request *requests[8];
	size_t started, readable, taken;
	struct dp_http_response response;
};

static bool http_is_silent;

int dp_http_new(struct dp_http **out, struct deploy_error *err)
{
	(void)err;
	*out = calloc(1, sizeof(**out));
	assert_non_null(*out);
	return pipe((*out)->ends);
}

void dp_http_free(struct dp_http *http)
{
	if (!http)
		return;
	for (size_t i = 0; i < http->started; i++)
		dp_http_request_free(http->requests[i]);
	(void)close(http->ends[0]);
	(void)close(http->ends[1]);
	free(http);
}

uint64_t dp_http_start(struct dp_http *http, struct dp_http_request *request)
{
	note("fetch %s\n", request->url);
	assert_true(http->started < 8);
	http->requests[http->started++] = request;
	if (!http_is_silent)
		assert_int_equal(write(http->ends[1], "", 1), 1);
	return http->started;
}

size_t dp_http_fds(struct dp_http *http, struct pollfd fds[DP_HTTP_MAX_FDS], int *timeout_ms)
{
	(void)timeout_ms;
	fds[0] = (struct pollfd){.fd = http->ends[0], .events = POLLIN};
	return 1;
}

void dp_http_turn(struct dp_http *http, const struct pollfd *fds, size_t count)
{
	char byte;

	assert_int_equal(count, 1);
	if (fds[0].revents & POLLIN)
		http->readable += read(http->ends[0], &byte, 1) == 1;
}

/* The second one first. */
const struct dp_http_response *dp_http_next(struct dp_http *http)
{
	if (http->taken == http->readable)
		return NULL;
	http->response = (struct dp_http_response){.status = 200, .body = ""};
	http->response.id =
		http->started > 1 && http->taken < 2 ? 2 - http->taken : http->taken + 1;
	http->taken++;
	return &http->response;
}

/* An act: fetch "https://ca/NODE", perhaps ask or nap before that; told to stop it is done at once.
 */
struct toy {
	struct deploy_act act;
	struct deploy_request *request; /* NULL: nothing is asked */
	long long nap_ms;
};

static void fetch(const char *node, struct dp_act_next *next)
{
	char url[64];

	(void)snprintf(url, sizeof(url), "https://ca/%s", node);
	next->kind = DP_ACT_FETCH;
	next->fetch = dp_http_request_new(NULL, "GET", url);
}

static void toy_step(struct deploy_act *act, void *row, const char *node,
	const struct dp_act_input *input, struct dp_act_next *next)
{
	struct toy *toy = (struct toy *)act;

	(void)row;
	next->kind = DP_ACT_ASK;
	next->request = toy->request;
	next->timeout_ms = 1000;
	if (input->kind == DP_ACT_RESPONSE || input->kind == DP_ACT_STOP) {
		next->kind = DP_ACT_DONE;
		next->state =
			input->kind == DP_ACT_STOP ? DEPLOY_OUTCOME_UNKNOWN : DEPLOY_OUTCOME_OK;
	} else if (input->kind == DP_ACT_BEGIN && toy->nap_ms) {
		next->kind = DP_ACT_SLEEP;
		next->sleep_ms = toy->nap_ms;
	} else if (input->kind == DP_ACT_NO_REPLY || !toy->request) {
		fetch(node, next);
	}
}

static void toy_free(struct deploy_act *act)
{
	deploy_request_free(((struct toy *)act)->request);
	free(act);
}

struct bench {
	struct deploy_plan *plan;
	struct deploy_bus *bus;
	struct deploy_run_options options;
	struct deploy_run_result result;
	struct deploy_error err;
	int refuses_at, calls; /* of before_publish */
};

static void take_event(void *arg, const struct deploy_event *event)
{
	const struct bench *bench = arg;

	if (event->type == DEPLOY_EVENT_INTENT)
		note("intend %s\n", event->node);
	if (event->type == DEPLOY_EVENT_OUTCOME)
		note("outcome %s %s\n", event->node,
			deploy_outcome_state_name(event->outcome->state));
	if (event->type == DEPLOY_EVENT_TASK_ENDED && bench->plan->tasks[event->task]->chore)
		note("end t%u %s%s\n", event->task,
			event->is_ok ? "ok" : "not ok: ", event->text ? event->text : "");
}

static int record(void *arg)
{
	struct bench *bench = arg;

	note("record\n");
	return ++bench->calls == bench->refuses_at ? -1 : 0;
}

static struct deploy_task *add_task(struct bench *bench, const char *names)
{
	struct deploy_request *request = deploy_request_ping();
	struct deploy_task *task;

	assert_int_equal(deploy_request_set_collective(request, "mcollective", &bench->err), 0);
	task = deploy_plan_take_request(bench->plan, request);
	task->policy.timeout_ms = 1000;
	task->policy.discovery_ms = 500;
	task->policy.window_ms = 100;
	if (!names)
		return task;
	task->nodes = deploy_nodeset_new();
	assert_int_equal(deploy_nodeset_parse(task->nodes, names, &bench->err), 0);
	return task;
}

static struct deploy_task *add_act(struct bench *bench, const char *names, bool asks)
{
	static const struct dp_act_ops ops = {0, toy_step, NULL, toy_free};
	struct toy *toy = calloc(1, sizeof(*toy));
	struct deploy_task *task;

	assert_non_null(toy);
	toy->act.ops = &ops;
	toy->request = asks ? deploy_request_ping() : NULL;
	task = deploy_plan_take_act(bench->plan, &toy->act);
	if (!names)
		return task;
	task->nodes = deploy_nodeset_new();
	assert_int_equal(deploy_nodeset_parse(task->nodes, names, &bench->err), 0);
	return task;
}

static char *copy(const char *text)
{
	char *own = strdup(text);

	assert_non_null(own);
	return own;
}

/* A message that needs nothing before it. */
static struct deploy_task *add_message(struct bench *bench, const char *topic, const char *body)
{
	struct deploy_task *task = deploy_plan_take_chore(bench->plan, DEPLOY_CHORE_PUBLISH);

	deploy_task_need_nothing(task);
	task->text = copy(topic);
	task->body = copy(body);
	return task;
}

static void run_without_bus(struct bench *bench)
{
	(void)deploy_run(&bench->result, NULL, bench->plan, &bench->options, &bench->err);
}

static void run(struct bench *bench)
{
	(void)deploy_run(&bench->result, bench->bus, bench->plan, &bench->options, &bench->err);
}

static int set_up(void **state)
{
	static char identity[] = "admin", callerid[] = "uid=0", psk[] = "words";
	const struct deploy_config config = {
		.identity = identity, .callerid = callerid, .psk = psk};
	struct bench *bench = calloc(1, sizeof(*bench));

	if (!bench)
		return -1;
	carrier = (struct dp_carrier){.count = 0};
	http_is_silent = false;
	now_us = 5000000;
	*trace = '\0';
	bench->plan = deploy_plan_new();
	bench->options = (struct deploy_run_options){.signal_fd = -1,
		.sink = take_event,
		.sink_arg = bench,
		.wants_intents = true,
		.before_publish = record,
		.before_publish_arg = bench};
	*state = bench;
	return deploy_bus_open(&bench->bus, &config, "mcollective", &bench->err);
}

static int tear_down(void **state)
{
	struct bench *bench = *state;

	deploy_run_result_release(&bench->result);
	deploy_plan_free(bench->plan);
	deploy_bus_close(bench->bus);
	free(bench);
	return 0;
}

static void nothing_is_published_before_its_intent_was_recorded(void **state)
{
	struct bench *bench = *state;

	add_task(bench, "web[1-3]")->policy.window = 2;
	run(bench);
	assert_string_equal(trace, "intend web1\nintend web2\nrecord\n"
				   "publish web1\npublish web2\n"
				   "outcome web1 silent\nintend web3\noutcome web2 silent\n"
				   "record\npublish web3\noutcome web3 silent\n");
	assert_int_equal(bench->result.end, DEPLOY_RUN_COMPLETE);
}

static void what_cannot_be_recorded_is_not_published(void **state)
{
	struct bench *bench = *state;

	bench->refuses_at = 2;
	add_task(bench, "web[1-4]")->policy.window = 2;
	run(bench);
	assert_string_equal(trace, "intend web1\nintend web2\nrecord\n"
				   "publish web1\npublish web2\n"
				   "outcome web1 silent\nintend web3\noutcome web2 silent\n"
				   "intend web4\nrecord\noutcome web3 cancelled\n"
				   "outcome web4 cancelled\n");
	assert_int_equal(bench->result.end, DEPLOY_RUN_UNRECORDED);
	assert_int_equal(bench->err.code, DEPLOY_OK);
}

static void question_of_a_discovery_is_recorded_too(void **state)
{
	struct bench *bench = *state;

	bench->refuses_at = 1;
	add_task(bench, NULL);
	run(bench);
	assert_string_equal(trace, "record\n");
	assert_int_equal(bench->result.end, DEPLOY_RUN_UNRECORDED);
}

/* Many nodes are published in many turns, and recorded once; a probe asks nobody anything. */
static void what_was_recorded_once_is_not_recorded_again(void **state)
{
	struct bench *bench = *state;

	carrier.is_mute = true;
	bench->options.sink = NULL;
	add_task(bench, "web[1-200]")->policy.timeout_ms = 300;
	run(bench);
	assert_int_equal(bench->calls, 1);
	assert_int_equal(bench->result.tally[0].count[DEPLOY_OUTCOME_SILENT], 200);
}

static void nothing_is_recorded_while_the_broker_takes_nothing(void **state)
{
	struct bench *bench = *state;

	carrier.is_blocked = true;
	add_task(bench, "web1");
	run(bench);
	assert_string_equal(trace, "intend web1\noutcome web1 cancelled\n");
}

static void intents_are_told_only_if_wanted(void **state)
{
	struct bench *bench = *state;

	bench->options.wants_intents = false;
	bench->options.before_publish = NULL;
	add_task(bench, "web1");
	run(bench);
	assert_string_equal(trace, "publish web1\noutcome web1 silent\n");
}

static void act_that_only_fetches_needs_no_broker(void **state)
{
	struct bench *bench = *state;

	add_act(bench, "web[1-3]", false)->policy.window = 2;
	run_without_bus(bench);
	assert_string_equal(trace, "intend web1\nintend web2\nrecord\nfetch https://ca/web1\n"
				   "fetch https://ca/web2\noutcome web2 ok\nintend web3\nrecord\n"
				   "fetch https://ca/web3\noutcome web1 ok\noutcome web3 ok\n");
	assert_int_equal(bench->result.end, DEPLOY_RUN_COMPLETE);
}

static void act_asks_and_fetches_in_one_run(void **state)
{
	struct bench *bench = *state;

	add_act(bench, "web[1-2]", true);
	run(bench);
	assert_string_equal(trace, "intend web1\nintend web2\nrecord\npublish web1\n"
				   "publish web2\nrecord\nfetch https://ca/web1\n"
				   "fetch https://ca/web2\noutcome web2 ok\noutcome web1 ok\n");
}

static void act_that_wakes_fetches_at_once(void **state)
{
	struct bench *bench = *state;
	int64_t start_us = now_us;

	((struct toy *)add_act(bench, "web1", false)->act)->nap_ms = 300;
	run(bench);
	assert_string_equal(trace, "intend web1\nrecord\nfetch https://ca/web1\noutcome web1 ok\n");
	assert_in_range(now_us - start_us, 300000, 301000);
}

static void what_cannot_be_recorded_is_not_fetched(void **state)
{
	struct bench *bench = *state;

	bench->refuses_at = 1;
	add_act(bench, "web1", false);
	run_without_bus(bench);
	assert_string_equal(trace, "intend web1\nrecord\noutcome web1 unknown\n");
	assert_int_equal(bench->result.end, DEPLOY_RUN_UNRECORDED);
}

static void signal_reaches_an_act_without_a_broker(void **state)
{
	struct bench *bench = *state;
	const unsigned char number = SIGINT;
	int ends[2];

	http_is_silent = true;
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(write(ends[1], &number, 1), 1);
	bench->options.signal_fd = ends[0];
	add_act(bench, "web1", false);
	run_without_bus(bench);
	assert_string_equal(
		trace, "intend web1\nrecord\nfetch https://ca/web1\noutcome web1 unknown\n");
	assert_int_equal(bench->result.end, DEPLOY_RUN_INTERRUPTED);
	(void)close(ends[0]);
	(void)close(ends[1]);
}

static void request_without_a_broker_is_refused(void **state)
{
	struct bench *bench = *state;

	add_act(bench, "web1", false);
	add_task(bench, "web1");
	run_without_bus(bench);
	assert_int_equal(bench->err.code, DEPLOY_USAGE);
	assert_string_equal(bench->err.text, "task 2 needs the broker");
	assert_string_equal(trace, "");
}

static void act_without_nodes_is_refused(void **state)
{
	struct bench *bench = *state;

	add_act(bench, NULL, false);
	run(bench);
	assert_int_equal(bench->err.code, DEPLOY_USAGE);
	assert_string_equal(bench->err.text, "task 1 has an act and no nodes");
}

/* A task cannot wait for one that is to come. */
static void need_of_a_later_task_is_refused(void **state)
{
	struct bench *bench = *state;

	deploy_task_need(add_task(bench, "web1"), 0);
	run(bench);
	assert_int_equal(bench->err.code, DEPLOY_USAGE);
	assert_string_equal(bench->err.text, "task 1 needs task 1, which does not come before it");
	assert_string_equal(trace, "");
}

static void plan_without_a_task_is_refused(void **state)
{
	struct bench *bench = *state;

	run(bench);
	assert_int_equal(bench->err.code, DEPLOY_USAGE);
	assert_string_equal(bench->err.text, "the plan has no task");
}

/* Adds a request at the begin, and afterwards an act that says not whom it is for. */
static int add_two(void *arg, struct deploy_plan *plan, const struct deploy_turn *turn,
	struct deploy_error *err)
{
	struct bench *bench = arg;

	(void)err;
	if (plan->task_count == 0)
		add_task(bench, "web1");
	else if (turn->ended)
		add_act(bench, NULL, false);
	return 0;
}

static void what_a_director_adds_is_recorded_and_checked(void **state)
{
	struct bench *bench = *state;
	const struct deploy_director director = {add_two, bench};

	bench->options.director = &director;
	run(bench);
	assert_string_equal(trace, "intend web1\nrecord\npublish web1\noutcome web1 silent\n");
	assert_int_equal(bench->result.end, DEPLOY_RUN_FAILED);
	assert_int_equal(bench->err.code, DEPLOY_USAGE);
	assert_string_equal(bench->err.text, "task 2 has an act and no nodes");
}

/* Finds that the broker takes nothing any more, after the first task. */
static int discover_too_late(void *arg, struct deploy_plan *plan, const struct deploy_turn *turn,
	struct deploy_error *err)
{
	(void)err;
	if (turn->ended && plan->task_count == 1) {
		carrier.is_blocked = true;
		add_task(arg, NULL)->policy.discovery_ms = 500;
	}
	return 0;
}

static void a_plan_that_is_left_half_way_is_not_said_to_have_asked_nobody(void **state)
{
	struct bench *bench = *state;
	const struct deploy_director director = {discover_too_late, bench};

	bench->options.director = &director;
	add_task(bench, "web1");
	run(bench);
	assert_int_equal(bench->result.end, DEPLOY_RUN_LOST);
	assert_string_equal(bench->err.text,
		"broker:5672: the broker takes no publishes any more; the plan was left");
}

static void tasks_are_recorded_together_and_published_in_one_turn(void **state)
{
	struct bench *bench = *state;

	carrier.is_mute = true;
	deploy_task_need_nothing(add_task(bench, "web1"));
	deploy_task_need_nothing(add_task(bench, "web2"));
	run(bench);
	assert_string_equal(trace, "intend web1\nintend web2\nrecord\n"
				   "publish web1\npublish web2\n"
				   "outcome web1 silent\noutcome web2 silent\n");
	/* For the echo. */
	assert_int_equal(carrier.waits_to_write, 1);
}

static void a_lock_is_asked_for_by_its_name_if_that_is_one(void **state)
{
	struct bench *bench = *state;

	assert_int_equal(deploy_bus_lock(bench->bus, "cluster/alfa", &bench->err), 0);
	assert_int_equal(deploy_bus_lock(bench->bus, "held", &bench->err), DEPLOY_REFUSED);
	bench->err.code = DEPLOY_OK;
	assert_int_equal(deploy_bus_lock(bench->bus, "a#b", &bench->err), DEPLOY_INPUT);
	assert_string_equal(trace, "lock cluster/alfa\nlock held\n");
}

static void message_is_recorded_and_then_published(void **state)
{
	struct bench *bench = *state;

	(void)add_message(bench, "up", "web is up");
	run(bench);
	assert_string_equal(trace, "record\nannounce up: web is up\nend t0 ok\n");
	assert_int_equal(bench->result.end, DEPLOY_RUN_COMPLETE);
}

static void message_that_cannot_be_recorded_is_not_published(void **state)
{
	struct bench *bench = *state;

	bench->refuses_at = 1;
	(void)add_message(bench, "up", "");
	run(bench);
	assert_string_equal(trace, "record\nend t0 not ok: topic up: the run could not be recorded "
				   "any more\n");
}

/* What the broker refuses is the message that was sent last. */
static void message_that_is_refused_ends_nothing_else(void **state)
{
	struct bench *bench = *state;

	(void)add_message(bench, "up", "1");
	(void)add_message(bench, "forbidden", "2");
	(void)add_message(bench, "up", "3");
	deploy_task_need_nothing(add_task(bench, "web1"));
	run(bench);
	assert_string_equal(trace,
		"intend web1\nrecord\nannounce up: 1\nend t0 ok\n"
		"announce forbidden: 2\nend t1 not ok: topic forbidden: no such right (403)\n"
		"announce up: 3\nend t2 ok\npublish web1\noutcome web1 silent\n");
	assert_int_equal(bench->result.end, DEPLOY_RUN_COMPLETE);
}

/* Its word still comes, and must not count for the next one. */
static void message_without_a_word_keeps_the_next_one_waiting(void **state)
{
	struct bench *bench = *state;

	carrier.thinks_us = 6000000;
	(void)add_message(bench, "up", "1");
	add_message(bench, "up", "2")->policy.timeout_ms = 60000;
	run(bench);
	assert_string_equal(trace,
		"record\nannounce up: 1\n"
		"end t0 not ok: topic up: the broker did not say in time that it has the message\n"
		"announce up: 2\nend t1 ok\n");
}

static void message_behind_one_without_a_word_is_not_sent(void **state)
{
	struct bench *bench = *state;

	carrier.is_mute = true;
	(void)add_message(bench, "up", "1");
	add_message(bench, "up", "2")->policy.timeout_ms = 7000;
	run(bench);
	assert_string_equal(trace,
		"record\nannounce up: 1\n"
		"end t0 not ok: topic up: the broker did not say in time that it has the message\n"
		"end t1 not ok: topic up: the broker did not say in time that it has the "
		"message\n");
}

/* Nobody can be asked, so that the answer is there at once. */
static void what_an_answer_leads_to_is_recorded_first(void **state)
{
	struct bench *bench = *state;
	struct deploy_task *task = deploy_plan_take_chore(bench->plan, DEPLOY_CHORE_CONFIRM);

	task->text = copy("Go on?");
	add_act(bench, "web1", false);
	run(bench);
	assert_string_equal(trace,
		"record\nend t0 not ok: nobody can be asked\nintend web1\nrecord\n"
		"fetch https://ca/web1\noutcome web1 ok\n");
}

static void blocked_broker_is_sent_no_message(void **state)
{
	struct bench *bench = *state;

	carrier.is_blocked = true;
	(void)add_message(bench, "up", "1");
	run(bench);
	assert_string_equal(trace,
		"end t0 not ok: topic up: the broker did not say in time that it "
		"has the message\n");
}

/* A word that nobody waits for. */
static void word_about_no_message_is_ignored(void **state)
{
	struct bench *bench = *state;

	carrier.has_word = true;
	add_task(bench, "web1");
	run(bench);
	assert_string_equal(trace, "intend web1\nrecord\npublish web1\noutcome web1 silent\n");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(nothing_is_published_before_its_intent_was_recorded),
		TEST(what_cannot_be_recorded_is_not_published),
		TEST(question_of_a_discovery_is_recorded_too),
		TEST(what_was_recorded_once_is_not_recorded_again),
		TEST(nothing_is_recorded_while_the_broker_takes_nothing),
		TEST(intents_are_told_only_if_wanted),
		TEST(act_that_only_fetches_needs_no_broker),
		TEST(act_asks_and_fetches_in_one_run),
		TEST(act_that_wakes_fetches_at_once),
		TEST(what_cannot_be_recorded_is_not_fetched),
		TEST(signal_reaches_an_act_without_a_broker),
		TEST(request_without_a_broker_is_refused),
		TEST(act_without_nodes_is_refused),
		TEST(need_of_a_later_task_is_refused),
		TEST(plan_without_a_task_is_refused),
		TEST(what_a_director_adds_is_recorded_and_checked),
		TEST(a_plan_that_is_left_half_way_is_not_said_to_have_asked_nobody),
		TEST(tasks_are_recorded_together_and_published_in_one_turn),
		TEST(a_lock_is_asked_for_by_its_name_if_that_is_one),
		TEST(message_is_recorded_and_then_published),
		TEST(message_that_cannot_be_recorded_is_not_published),
		TEST(message_that_is_refused_ends_nothing_else),
		TEST(message_without_a_word_keeps_the_next_one_waiting),
		TEST(message_behind_one_without_a_word_is_not_sent),
		TEST(what_an_answer_leads_to_is_recorded_first),
		TEST(blocked_broker_is_sent_no_message),
		TEST(word_about_no_message_is_ignored),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
