/*
 * A site's nodes, each with a simulated Puppet agent (puppet_agent.h), behind a runner with a
 * clock of its own: requests take a while there and back, and what happens is noted.
 */
#ifndef SITE_WORLD_H
#define SITE_WORLD_H

#include <signal.h>

#include "deploy/site_run.h"
#include "puppet_agent.h"
#include "run/check.h"
#include "run/runner.h"

#define MESSAGE	    "deployctl 01HZX3: production"
#define WAY_US	    5000
#define MAX_NODES   64
#define MAX_SENDS   64
#define MAX_LETTERS 4096

/* A message that the broker has not yet. */
struct sent {
	unsigned task, attempt;
	const struct deploy_nodeset *nodes;
	const struct deploy_request *request;
	size_t count;
	uint32_t rows[MAX_NODES];
};

/* An answer under way. */
struct letter {
	int64_t due_us;
	unsigned task, attempt, node;
	int code;
	char text[200];
	json_t *data;
};

struct world {
	struct deploy_plan *plan;
	struct deploy_nodeset *nodes;
	struct deploy_site_run_options options;
	struct deploy_site_end end;
	struct deploy_director director;
	struct dp_runner *runner;
	struct agent agents[MAX_NODES];
	bool is_mute[MAX_NODES];   /* it answers nothing */
	bool is_broken[MAX_NODES]; /* it says that all went wrong, whatever it did */
	int64_t now_us, signal_us;
	unsigned signals; /* so many from then on, a second apart */
	struct sent sends[MAX_SENDS];
	struct letter letters[MAX_LETTERS];
	size_t send_count, letters_read, letter_count;
	/* What happened. */
	size_t publishes, polls;     /* polls: those that ask for a status */
	char trace[8192];	     /* tasks, and outcomes that are not ok */
	char order[2048];	     /* nodes, as their runs begin */
	int64_t ended_us[MAX_NODES]; /* their runs */
	struct deploy_run_result result;
};

static inline void world_note(char *room, size_t size, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static inline void world_note(char *room, size_t size, const char *format, ...)
{
	size_t len = strlen(room);
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(room + len, size - len, format, args);
	va_end(args);
	assert_in_range(n, 0, size - len - 1);
}

#define NOTE(world, ...) world_note((world)->trace, sizeof((world)->trace), __VA_ARGS__)

static inline unsigned place_of(const struct world *world, const char *name)
{
	size_t at = 0;

	assert_true(deploy_nodeset_find(world->nodes, name, strlen(name), &at));
	return (unsigned)at;
}

static inline void world_event(struct world *world, const struct deploy_event *event)
{
	const char *label = world->plan->tasks[event->task]->label;

	if (event->type == DEPLOY_EVENT_TASK_STARTED)
		NOTE(world, "%s %zu\n", label, event->count);
	if (event->type == DEPLOY_EVENT_STOPPED)
		NOTE(world, "  stopped: %s\n", event->text);
	if (event->type == DEPLOY_EVENT_STEP && strcmp(event->text, "runonce") == 0)
		world_note(world->order, sizeof(world->order), "%s%s", *world->order ? " " : "",
			event->node);
	if (event->type != DEPLOY_EVENT_OUTCOME)
		return;
	if (*label == 'r')
		world->ended_us[place_of(world, event->node)] = world->now_us;
	if (event->outcome->state != DEPLOY_OUTCOME_OK)
		NOTE(world, "  %s %s: %s\n", event->node,
			deploy_outcome_state_name(event->outcome->state), event->outcome->message);
}

static inline void queue_send(struct world *world, const struct dp_action *action)
{
	struct sent *sent = &world->sends[world->send_count++];

	assert_true(world->send_count <= MAX_SENDS && action->row_count <= MAX_NODES);
	*sent = (struct sent){.task = action->task,
		.attempt = action->attempt,
		.nodes = action->nodes,
		.request = action->request ? action->request
					   : world->plan->tasks[action->task]->request,
		.count = action->row_count};
	memcpy(sent->rows, action->rows, action->row_count * sizeof(sent->rows[0]));
}

static inline void world_act(void *arg, const struct dp_action *action)
{
	struct world *world = arg;
	size_t kept = 0;

	if (action->kind == DP_DO_EMIT)
		world_event(world, &action->event);
	if (action->kind == DP_DO_SEND)
		queue_send(world, action);
	if (action->kind != DP_DO_WITHDRAW)
		return;
	for (size_t i = 0; i < world->send_count; i++)
		if (world->sends[i].task != action->task ||
			(action->attempt && world->sends[i].attempt != action->attempt))
			world->sends[kept++] = world->sends[i];
	world->send_count = kept;
}

/* The node answers; the answer takes as long as the request did. */
static inline void world_ask(struct world *world, const struct sent *sent, unsigned node)
{
	struct letter *letter = &world->letters[world->letter_count++ % MAX_LETTERS];
	const char *refusal;

	assert_true(world->letter_count - world->letters_read <= MAX_LETTERS);
	*letter = (struct letter){.due_us = world->now_us + 2 * WAY_US,
		.task = sent->task,
		.attempt = sent->attempt,
		.node = node};
	advance(&world->agents[node], world->now_us + WAY_US);
	refusal = agent_answer(&world->agents[node], sent->request, &letter->data);
	if (world->is_broken[node])
		refusal = "broken";
	letter->code = refusal ? 1 : 0;
	(void)snprintf(letter->text, sizeof(letter->text), "%s", refusal ? refusal : "OK");
}

/* The broker takes the first message. */
static inline void publish(struct world *world)
{
	struct sent sent = world->sends[0];
	struct dp_input taken = {.kind = DP_IN_SENT,
		.task = sent.task,
		.attempt = sent.attempt,
		.rows = sent.rows,
		.row_count = sent.count,
		.is_mandatory = true};

	memmove(world->sends, world->sends + 1, --world->send_count * sizeof(sent));
	world->publishes++;
	world->polls += strcmp(sent.request->action, "status") == 0;
	for (size_t i = 0; i < sent.count; i++) {
		unsigned node = place_of(world, deploy_nodeset_get(sent.nodes, sent.rows[i]));

		if (!world->is_mute[node])
			world_ask(world, &sent, node);
	}
	dp_runner_step(world->runner, world->now_us, world->now_us, &taken);
}

static inline void world_step(struct world *world, const struct dp_input *input)
{
	dp_runner_step(world->runner, world->now_us, world->now_us, input);
	while (world->send_count && !dp_runner_is_done(world->runner))
		publish(world);
}

static inline void read_letter(struct world *world)
{
	struct letter *letter = &world->letters[world->letters_read++ % MAX_LETTERS];
	struct dp_reply reply = {.sender = deploy_nodeset_get(world->nodes, letter->node),
		.request_id = "0123456789abcdef0123456789abcdef",
		.statuscode = letter->code,
		.statusmsg = letter->text,
		.data = letter->data};
	struct dp_input input = {.kind = DP_IN_REPLY,
		.task = letter->task,
		.attempt = letter->attempt,
		.reply = &reply};

	world->now_us = letter->due_us;
	world_step(world, &input);
	json_decref(reply.data);
}

/* Let happen what happens next. */
static inline void world_go_on(struct world *world)
{
	bool has_letter = world->letters_read < world->letter_count;
	int64_t letter_us =
		has_letter ? world->letters[world->letters_read % MAX_LETTERS].due_us : DP_NEVER;
	int64_t wake_us = dp_runner_wake_us(world->runner);
	int64_t signal_us = world->signals ? world->signal_us : DP_NEVER;
	struct dp_input input = {.kind = DP_IN_TICK};

	if (signal_us <= letter_us && signal_us <= wake_us) {
		world->now_us = signal_us > world->now_us ? signal_us : world->now_us;
		world->signal_us += SECOND;
		world->signals--;
		input = (struct dp_input){.kind = DP_IN_SIGNAL, .signal = SIGINT};
		world_step(world, &input);
	} else if (letter_us <= wake_us) {
		read_letter(world);
	} else {
		assert_true(wake_us < DP_NEVER);
		world->now_us = wake_us > world->now_us ? wake_us : world->now_us;
		world_step(world, &input);
	}
}

/* Carry out the plan, with who enables in the end, until nothing is left to do. */
static inline void world_run(struct world *world)
{
	const struct dp_input start = {.kind = DP_IN_START};
	struct deploy_error err = {.code = DEPLOY_OK};

	assert_int_equal(0, dp_check_tasks(world->plan, 0, true, &err));
	world->end.nodes = world->nodes;
	world->end.options = &world->options;
	world->director = (struct deploy_director){deploy_site_direct_end, &world->end};
	world->runner = dp_runner_new(world->plan, world_act, world);
	dp_runner_set_director(world->runner, &world->director);
	world_step(world, &start);
	for (int i = 0; !dp_runner_is_done(world->runner); i++) {
		assert_true(i < 20000);
		world_go_on(world);
	}
	dp_runner_finish(world->runner, &world->result);
}

/* On whom Puppet may not run, and with whose message: "web1 (ours), web2 (by ops)"; "": nobody. */
static inline const char *who_is_disabled(const struct world *world)
{
	static char text[2048];

	*text = '\0';
	for (unsigned i = 0; i < deploy_nodeset_count(world->nodes); i++)
		if (world->agents[i].is_disabled)
			world_note(text, sizeof(text), "%s%s (%s)", *text ? ", " : "",
				deploy_nodeset_get(world->nodes, i),
				strcmp(world->agents[i].disable_message, MESSAGE) == 0
					? "ours"
					: world->agents[i].disable_message);
	return text;
}

/* Nodes whose runs take 12 s and are clean, and no plan yet. */
static inline struct world *world_new(const char *names)
{
	struct world *world = dp_xcalloc(1, sizeof(*world));
	struct deploy_error err = {.code = DEPLOY_OK};

	world->plan = deploy_plan_new();
	world->nodes = deploy_nodeset_new();
	assert_int_equal(0, deploy_nodeset_parse(world->nodes, names, &err));
	assert_true(deploy_nodeset_count(world->nodes) <= MAX_NODES);
	for (size_t i = 0; i < MAX_NODES; i++)
		world->agents[i] = (struct agent){.way_us = WAY_US,
			.length_us = 12 * SECOND,
			.has_run = true,
			.last = {CLEAN, -60 * SECOND, -50 * SECOND, 0, 1}};
	world->options = (struct deploy_site_run_options){.run = {.collective = "mcollective",
								  .ttl_s = 60,
								  .timeout_ms = 5000,
								  .message = MESSAGE}};
	return world;
}

static inline void world_free(struct world *world)
{
	dp_runner_free(world->runner);
	deploy_run_result_release(&world->result);
	deploy_plan_free(world->plan);
	deploy_nodeset_free(world->nodes);
	for (; world->letters_read < world->letter_count; world->letters_read++)
		json_decref(world->letters[world->letters_read % MAX_LETTERS].data);
	free(world);
}

#endif
