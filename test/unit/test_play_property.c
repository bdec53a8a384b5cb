/*
 * Random plans, whose nodes do anything, killed or interrupted at any moment and gone on with, as
 * run-plan and resume do it. What was confirmed is not done again, what may have been done is not
 * done again unless it may be, nothing but cleanup begins after a signal; and when all nodes are
 * well the last process gets to the end.
 */
#include "play_bench.h"

#define SEEDS 600

struct world {
	unsigned seed, salt;
	char text[16 * 1024];
	size_t len;
	unsigned ids;
	bool drops; /* some node may be left out for good */
	/* What is recorded: */
	json_t *states;	 /* "LABEL NODE" → state, over all processes */
	json_t *before;	 /* … as it was when this process began */
	json_t *records; /* [name, nodes], [label, has_ended, is_ok], [label, node, state] */
	struct play_bench *bench;
	bool is_well; /* all nodes */
};

static unsigned next_random(struct world *world, unsigned below)
{
	world->seed = world->seed * 1103515245u + 12345u;
	return (world->seed >> 16) % below;
}

static void add(struct world *world, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void add(struct world *world, const char *format, ...)
{
	size_t room = sizeof(world->text) - world->len;
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(world->text + world->len, room, format, args);
	va_end(args);
	assert_in_range(n, 0, room - 1);
	world->len += (size_t)n;
}

/* ids: n: not idempotent, i: it is, h: of a hook */
static void add_rpc(struct world *world, bool in_roll, bool is_hook)
{
	static const char *const more[] = {"", "", ", max_fail: 1", ", tries: 2, try_sleep: 1s",
		", batch: 1", ", window: 1", ", one: true", ", on_failure: continue",
		", on_failure: drop_nodes, max_fail: 1", ", when: 'false'"};
	bool is_idempotent = !is_hook && next_random(world, 3) == 0;
	const char *what = more[next_random(world, COUNT(more))];

	world->drops = world->drops || strstr(what, "drop");
	add(world, "{id: %c%u, rpc: a.b, nodes: %s, timeout: 2s%s%s}",
		is_hook		? 'h'
		: is_idempotent ? 'i'
				: 'n',
		world->ids++,
		in_roll && next_random(world, 3) ? "group"
		: next_random(world, 3)		 ? "web"
						 : "{nodes: 'db[1-2]'}",
		is_idempotent ? ", idempotent: true" : "", what);
}

static void add_steps(struct world *world, unsigned depth, bool in_roll, bool is_hook);

static void add_step(struct world *world, unsigned depth, bool in_roll, bool is_hook)
{
	unsigned kind = next_random(world, depth && !is_hook ? 12 : 8);

	if (kind < 5) {
		add_rpc(world, in_roll, is_hook);
	} else if (kind == 5) {
		add(world, "{id: q%u, confirm: Sure}", world->ids++);
	} else if (kind == 6) {
		add(world, "{id: p%u, publish: {topic: t, body: x}}", world->ids++);
	} else if (kind == 7) {
		add(world, "{id: w%u, wait: 'up(\"db1\", 80)'}", world->ids++);
	} else if (kind < 10 && !in_roll) {
		add(world, "{id: r%u, roll: {over: web, batch: %u%s}, steps: ", world->ids++,
			1 + next_random(world, 2), next_random(world, 2) ? ", max_fail: 2" : "");
		add_steps(world, depth - 1, true, false);
		add(world, ", always: ");
		add_steps(world, 0, true, true);
		add(world, "}");
	} else if (kind < 11) {
		add(world, "{id: l%u, parallel: [{steps: ", world->ids++);
		add_steps(world, depth - 1, in_roll, false);
		add(world, "}, {steps: ");
		add_steps(world, depth - 1, in_roll, false);
		add(world, "}]}");
	} else {
		add(world, "{id: s%u, plan: inner.yaml, inputs: {names: ['web[1-2]']}%s}",
			world->ids++, next_random(world, 2) ? ", on_failure: continue" : "");
	}
}

static void add_steps(struct world *world, unsigned depth, bool in_roll, bool is_hook)
{
	unsigned count = 1 + next_random(world, is_hook ? 2 : 3);

	add(world, "[");
	for (unsigned i = 0; i < count; i++) {
		add(world, i ? ", " : "");
		add_step(world, depth, in_roll, is_hook);
	}
	add(world, "]");
}

static void make_plan(struct world *world)
{
	static const char *const hooks[] = {"on_success", "on_failure", "always"};

	add(world, "sets: {web: {class: web}}\nsteps: ");
	add_steps(world, 2, false, false);
	for (size_t i = 0; i < COUNT(hooks); i++) {
		if (next_random(world, 2))
			continue;
		add(world, "\n%s: ", hooks[i]);
		add_steps(world, 0, false, true);
	}
	add(world, "\n");
}

/* Of a hook, here or in a plan in the plan: it may be done again. */
static bool is_of_hook(const char *label)
{
	const char *base = strrchr(label, '/');

	if (!base)
		return label[0] == 'h';
	return strncmp(base, "/first", 6) != 0 && strncmp(base, "/each", 5) != 0;
}

/* What a node answers is always the same for the same question in the same process. */
static const char *answer_as(void *arg, const char *label, const char *node)
{
	static const char *const answers[] = {"0", "0", "0", "0", "0", "1", "-", "3"};
	const struct world *world = arg;
	unsigned hash = world->salt;

	for (; *label; label++)
		hash = hash * 31 + (unsigned char)*label;
	for (; *node; node++)
		hash = hash * 31 + (unsigned char)*node;
	return world->is_well ? "0" : answers[(hash >> 4) % COUNT(answers)];
}

static void record(
	struct world *world, const char *label, const char *node, enum deploy_outcome_state state)
{
	char key[200];

	(void)snprintf(key, sizeof(key), "%s %s", label, node);
	(void)json_object_set_new(world->states, key, json_integer((int)state));
	(void)json_array_append_new(
		world->records, json_pack("[s, s, i]", label, node, (int)state));
}

static void may_be_asked(const struct world *world, const char *label, const char *node)
{
	char key[200];
	const json_t *was;

	(void)snprintf(key, sizeof(key), "%s %s", label, node);
	was = json_object_get(world->before, key);
	if (!was || is_of_hook(label))
		return;
	if (json_integer_value(was) == DEPLOY_OUTCOME_OK)
		fail_msg("%s: was ok, and is done again:\n%s", key, world->text);
	if (json_integer_value(was) == DEPLOY_OUTCOME_UNKNOWN && label[0] != 'i' && !world->is_well)
		fail_msg("%s: may have been done, and is done again:\n%s", key, world->text);
}

static void watch_event(struct world *world, const struct deploy_event *event, const char *label)
{
	if (event->type == DEPLOY_EVENT_TASK_STARTED || event->type == DEPLOY_EVENT_TASK_ENDED)
		(void)json_array_append_new(world->records,
			json_pack("[s, b, b]", label, event->type == DEPLOY_EVENT_TASK_ENDED,
				event->is_ok));
	if (event->type == DEPLOY_EVENT_OUTCOME || event->type == DEPLOY_EVENT_RETRY)
		record(world, label, event->node, event->outcome->state);
}

static void watch(void *arg, const struct dp_action *action)
{
	struct world *world = arg;
	const struct play_bench *bench = world->bench;
	const struct deploy_task *task =
		action->task < bench->plan->task_count ? bench->plan->tasks[action->task] : NULL;

	if (!task || !task->label)
		return;
	if (action->kind == DP_DO_EMIT)
		watch_event(world, &action->event, task->label);
	for (size_t i = 0; action->kind == DP_DO_SEND && i < action->row_count; i++) {
		const char *node = deploy_nodeset_get(action->nodes, action->rows[i]);

		if (action->attempt == 1)
			may_be_asked(world, task->label, node);
		record(world, task->label, node, DEPLOY_OUTCOME_UNKNOWN);
	}
	if (action->kind == DP_DO_SEND && bench->was_signalled && !task->is_always &&
		action->attempt == 1)
		fail_msg("%s: begun after the signal:\n%s", task->label, world->text);
}

static void freeze(void *arg, const char *name, const struct deploy_nodeset *nodes)
{
	struct world *world = arg;
	char *folded = deploy_nodeset_print(nodes);

	(void)json_array_append_new(world->records, json_pack("[s, s]", name, folded));
	free(folded);
}

/* What a process that begins finds. */
static struct deploy_past *past_of_records(const struct world *world)
{
	struct deploy_past *past = deploy_past_new();
	json_t *record;
	size_t i;

	json_array_foreach(world->records, i, record)
	{
		const char *name = json_string_value(json_array_get(record, 0));
		json_t *second = json_array_get(record, 1), *third = json_array_get(record, 2);

		if (json_is_boolean(second)) {
			deploy_past_add_task(past, name, json_is_true(second), json_is_true(third));
		} else if (third) {
			deploy_past_add_outcome(past, name, json_string_value(second),
				(enum deploy_outcome_state)json_integer_value(third), NULL);
		} else {
			struct deploy_nodeset *nodes = set_of(json_string_value(second));

			deploy_past_add_nodes(past, name, nodes);
			deploy_nodeset_free(nodes);
		}
	}
	return past;
}

static int known_act(void *arg, struct deploy_act **out, const struct deploy_step *of,
	json_t *values, struct deploy_nodeset **nodes, struct deploy_error *err)
{
	return make_act(arg, out, of, values, nodes, err);
}

/* One process: killed after so many inputs, or interrupted then; 0: neither. */
static bool run_process(struct world *world, size_t kill_after, size_t signal_after)
{
	struct play_bench *bench = calloc(1, sizeof(*bench));
	bool is_ok;

	assert_non_null(bench);
	world->bench = bench;
	bench->world = (struct play_world){
		.fleet = "-C web=web[1-3]", .signal_after = signal_after, .kill_after = kill_after};
	prepare(bench, world->text);
	bench->answer = answer_as;
	bench->watch = watch;
	bench->watch_arg = world;
	bench->world.options.freeze = freeze;
	bench->world.options.note = NULL;
	bench->world.options.make_act = known_act;
	bench->world.options.arg = world;
	bench->before = past_of_records(world);
	bench->world.options.past = bench->before;
	bench->world.options.retries_unknown = world->is_well;
	world->before = json_deep_copy(world->states);
	begin_play(bench);
	is_ok = deploy_play_is_ok(bench->play);
	json_decref(world->before);
	release(bench);
	free(bench);
	return is_ok;
}

static void whatever_happens_a_plan_gets_to_its_end(void **state)
{
	(void)state;
	for (unsigned seed = 1; seed <= SEEDS; seed++) {
		struct world *world = calloc(1, sizeof(*world));

		assert_non_null(world);
		world->seed = world->salt = seed * 2654435761u;
		world->states = json_object();
		world->records = json_array();
		make_plan(world);
		for (unsigned i = 0; i < 3; i++) {
			size_t at = 1 + next_random(world, 60);
			bool is_kill = next_random(world, 3) != 0;

			world->salt += i;
			(void)run_process(world, is_kill ? at : 0, is_kill ? 0 : at);
		}
		world->is_well = true;
		if (!run_process(world, 0, 0) && !world->drops)
			fail_msg("seed %u: all nodes are well, and it is not ok:\n%s", seed,
				world->text);
		json_decref(world->states);
		json_decref(world->records);
		free(world);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whatever_happens_a_plan_gets_to_its_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
