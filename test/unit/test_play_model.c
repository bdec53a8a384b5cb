/*
 * A roll of two steps and what is done always, under all that nodes may do: of up to six of them
 * each is ok, fails or is silent in either step; with all limits, and a signal at every moment.
 */
#include "play_bench.h"

#define MAX_NODES 6

/* What a node does: ok in both steps, or not ok in one, after which no more is asked of it. */
enum deed {
	GOOD,
	SILENT_FIRST,
	FAILS_SECOND,
	SOME_DEEDS,
	FAILS_FIRST = SOME_DEEDS,
	SILENT_SECOND,
	DEEDS
};

struct case_of {
	size_t nodes, batch, stay, max_fail;
	int deeds; /* so many of them */
	bool has_always, has_signals;
};

struct model {
	struct case_of is;
	struct play_bench *bench;
	enum deed deed[MAX_NODES];
	size_t signal_after;
	/* What was seen: */
	bool was_begun[MAX_NODES], is_ok[MAX_NODES], is_bad[MAX_NODES], is_back[MAX_NODES];
	size_t groups, group_of[MAX_NODES], always[MAX_NODES + 1], ends;
	bool has_stopped;
};

static void fail_case(const struct model *model, const char *what)
{
	char deeds[MAX_NODES + 1] = "";

	for (size_t i = 0; i < model->is.nodes; i++)
		deeds[i] = (char)('0' + model->deed[i]);
	fail_msg("%s: %zu nodes, batch %zu, min_in_service %zu, max_fail %zu, deeds %s, signal %zu",
		what, model->is.nodes, model->is.batch, model->is.stay, model->is.max_fail, deeds,
		model->signal_after);
}

static void must(const struct model *model, bool holds, const char *what)
{
	if (!holds)
		fail_case(model, what);
}

static size_t index_of(const char *node)
{
	return (size_t)(node[3] - '1');
}

static const char *answer_as(void *arg, const char *label, const char *node)
{
	const struct model *model = arg;
	enum deed deed;

	if (label[0] != 'a' && label[0] != 'b')
		return "0";
	deed = model->deed[index_of(node)];
	if (deed == (label[0] == 'a' ? FAILS_FIRST : FAILS_SECOND))
		return "1";
	return deed == (label[0] == 'a' ? SILENT_FIRST : SILENT_SECOND) ? "-" : "0";
}

/* Begun, and neither through both steps nor put back. */
static size_t count_out(const struct model *model)
{
	size_t count = 0;

	for (size_t i = 0; i < model->is.nodes; i++)
		count += model->was_begun[i] && !model->is_ok[i] && !model->is_back[i];
	return count;
}

static size_t count_bad(const struct model *model)
{
	size_t count = 0;

	for (size_t i = 0; i < model->is.nodes; i++)
		count += model->is_bad[i];
	return count;
}

static void watch_send(struct model *model, const struct dp_action *action, const char *label)
{
	for (size_t i = 0; i < action->row_count; i++) {
		size_t node = index_of(deploy_nodeset_get(action->nodes, action->rows[i]));

		if (label[0] == 'a') {
			must(model, !model->was_begun[node], "begun twice");
			model->was_begun[node] = true;
		} else if (label[0] == 'b') {
			must(model, model->was_begun[node] && !model->is_bad[node],
				"the second step after a bad first one");
		}
	}
	if (label[0] == 'c') {
		model->always[strtoul(label + 2, NULL, 10)]++;
		return;
	}
	must(model, !model->bench->was_signalled, "begun after the signal");
	must(model, count_bad(model) <= model->is.max_fail, "begun after too many failures");
	must(model, count_out(model) <= model->is.nodes - model->is.stay, "too many are out");
}

static void watch_outcome(struct model *model, const struct deploy_event *event, char step)
{
	size_t node = index_of(event->node);
	bool is_ok = event->outcome->state == DEPLOY_OUTCOME_OK;

	if (step == 'c')
		model->is_back[node] = is_ok && !model->is_bad[node];
	else if (!is_ok)
		model->is_bad[node] = true;
	else if (step == 'b')
		model->is_ok[node] = true;
}

static void watch(void *arg, const struct dp_action *action)
{
	struct model *model = arg;
	const struct deploy_event *event = &action->event;
	const char *label = action->task < model->bench->plan->task_count
				    ? model->bench->plan->tasks[action->task]->label
				    : NULL;

	if (!label)
		return;
	if (label[0] == 'z')
		model->ends += action->kind == DP_DO_SEND;
	else if (action->kind == DP_DO_SEND)
		watch_send(model, action, label);
	else if (action->kind == DP_DO_EMIT && event->type == DEPLOY_EVENT_OUTCOME)
		watch_outcome(model, event, label[0]);
}

static void watch_note(void *arg, enum deploy_play_note what, const char *text)
{
	struct model *model = arg;
	struct deploy_nodeset *group;

	if (what != DEPLOY_PLAY_GROUP)
		return;
	group = set_of(text);
	model->groups++;
	for (size_t i = 0; i < deploy_nodeset_count(group); i++)
		model->group_of[index_of(deploy_nodeset_get(group, i))] = model->groups;
	must(model, deploy_nodeset_count(group) <= model->is.batch, "a group is too large");
	deploy_nodeset_free(group);
}

static bool is_group_bad(const struct model *model, size_t group)
{
	for (size_t i = 0; i < model->is.nodes; i++)
		if (model->group_of[i] == group && model->is_bad[i])
			return true;
	return false;
}

static void check_end(const struct model *model)
{
	const struct play_bench *bench = model->bench;
	bool is_ok = deploy_play_is_ok(bench->play) && bench->result.end == DEPLOY_RUN_COMPLETE;

	for (size_t i = 0; i < model->is.nodes; i++) {
		size_t group = model->group_of[i];

		must(model, group || !is_ok, "ok, and a node was in no group");
		must(model, !group || model->is_ok[i] || is_group_bad(model, group) || !is_ok,
			"ok, and a node was forgotten");
		must(model, group || !model->was_begun[i], "begun outside of a group");
	}
	for (size_t group = 1; group <= model->groups; group++)
		must(model, model->always[group] == model->is.has_always,
			"what is done always was not done once");
	must(model, model->ends == (model->groups > 0 || !bench->was_signalled),
		"the end of the plan was not done once");
	must(model, !is_ok || count_bad(model) <= model->is.max_fail, "ok, and too many failed");
	if (!bench->was_signalled && !count_bad(model))
		must(model, is_ok, "nothing went wrong, and it is not ok");
}

static size_t run_once(struct model *model, struct play_bench *bench, size_t signal_after)
{
	const struct model clean = {.is = model->is};
	struct deploy_error err = {.code = DEPLOY_OK};
	enum deed deed[MAX_NODES];
	size_t inputs;

	memcpy(deed, model->deed, sizeof(deed));
	*model = clean;
	memcpy(model->deed, deed, sizeof(deed));
	model->bench = bench;
	model->signal_after = bench->world.signal_after = signal_after;
	bench->plan = deploy_plan_new();
	bench->now_us = START_US;
	bench->inputs_told = bench->first = bench->last = 0;
	bench->was_signalled = false;
	assert_int_equal(deploy_play_new(&bench->play, &bench->world.options, &err), 0);
	play_on(bench);
	check_end(model);
	inputs = bench->inputs_told;
	dp_runner_free(bench->runner);
	deploy_run_result_release(&bench->result);
	deploy_play_free(bench->play);
	deploy_plan_free(bench->plan);
	bench->play = NULL;
	bench->plan = NULL;
	bench->runner = NULL;
	return inputs;
}

static bool next_deeds(struct model *model)
{
	for (size_t i = 0; i < model->is.nodes; i++) {
		model->deed[i] = (enum deed)(((int)model->deed[i] + 1) % model->is.deeds);
		if (model->deed[i] != GOOD)
			return true;
	}
	return false;
}

static void check_case(struct case_of is)
{
	struct play_bench *bench = calloc(1, sizeof(*bench));
	struct model model = {.is = is};
	char text[600];
	size_t inputs;

	assert_non_null(bench);
	(void)snprintf(text, sizeof(text),
		"steps:\n"
		"  - id: up\n"
		"    roll: {over: {nodes: 'web[1-%zu]'}, batch: %zu, max_fail: %zu%s%.0zu}\n"
		"    steps:\n"
		"      - {id: a, rpc: a.a, nodes: group, timeout: 5s}\n"
		"      - {id: b, rpc: a.b, nodes: group, timeout: 5s}\n"
		"%s"
		"always: [{id: z, rpc: a.z, nodes: {nodes: lb1}}]\n",
		is.nodes, is.batch, is.max_fail, is.stay ? ", min_in_service: " : "", is.stay,
		is.has_always ? "    always: [{id: c, rpc: a.c, nodes: group}]\n" : "");
	prepare(bench, text);
	deploy_plan_free(bench->plan);
	bench->plan = NULL;
	bench->answer = answer_as;
	bench->watch = watch;
	bench->watch_note = watch_note;
	bench->watch_arg = &model;
	do {
		inputs = run_once(&model, bench, 0);
		for (size_t at = 1; is.has_signals && at < inputs; at++)
			(void)run_once(&model, bench, at);
	} while (next_deeds(&model));
	release(bench);
	free(bench);
}

/* All that may stay in service beside groups of that size, as the plan is checked for that. */
static void check_limits(struct case_of is, size_t max_fails)
{
	for (is.stay = 0; is.stay + is.batch <= is.nodes; is.stay++)
		for (is.max_fail = 0; is.max_fail < max_fails; is.max_fail++)
			check_case(is);
}

static void check_batches(struct case_of is, size_t max_fails)
{
	for (is.batch = (is.nodes + 2) / 3; is.batch <= is.nodes; is.batch++)
		check_limits(is, max_fails);
}

static void a_roll_holds_at_every_moment(void **state)
{
	struct case_of is = {.deeds = DEEDS, .has_always = true, .has_signals = true};

	(void)state;
	for (is.nodes = 1; is.nodes <= 3; is.nodes++)
		check_batches(is, 2);
}

static void a_roll_holds_whatever_its_nodes_do(void **state)
{
	struct case_of is = {.deeds = DEEDS, .has_always = true};

	(void)state;
	for (is.nodes = 3; is.nodes <= 4; is.nodes++)
		check_batches(is, 3);
}

static void a_roll_that_puts_nothing_back_holds(void **state)
{
	struct case_of is = {.deeds = SOME_DEEDS};

	(void)state;
	for (is.nodes = 1; is.nodes <= 4; is.nodes++)
		check_batches(is, 3);
}

static void a_roll_of_three_groups_holds(void **state)
{
	struct case_of is = {.deeds = SOME_DEEDS, .has_always = true};

	(void)state;
	for (is.nodes = 5; is.nodes <= MAX_NODES; is.nodes++) {
		is.batch = 2;
		check_limits(is, 2);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_roll_holds_at_every_moment),
		cmocka_unit_test(a_roll_holds_whatever_its_nodes_do),
		cmocka_unit_test(a_roll_that_puts_nothing_back_holds),
		cmocka_unit_test(a_roll_of_three_groups_holds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
