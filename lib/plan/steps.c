/*
 * Steps: which kind one is, which keys go with that, and what its keys mean together. Options of
 * steps are data: one table of keys, each with the kinds of steps that may have it.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "deploy/text.h"
#include "plan/reader.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define KIND(name)   (1u << DEPLOY_STEP_##name)
#define ANY	     (KIND(KINDS) - 1)
#define ON_NODES                                                                                   \
	(KIND(RPC) | KIND(PUPPET_RUN) | KIND(ASSIGN_ROLE) | KIND(PUSH_FACTS) | KIND(SIGN_CERT))

static const char *const kind_names[DEPLOY_STEP_KINDS] = {
	[DEPLOY_STEP_RPC] = "rpc",
	[DEPLOY_STEP_PUPPET_RUN] = "puppet_run",
	[DEPLOY_STEP_ASSIGN_ROLE] = "assign_role",
	[DEPLOY_STEP_PUSH_FACTS] = "push_facts",
	[DEPLOY_STEP_SIGN_CERT] = "sign_cert",
	[DEPLOY_STEP_PUBLISH] = "publish",
	[DEPLOY_STEP_ROLL] = "roll",
	[DEPLOY_STEP_PARALLEL] = "parallel",
	[DEPLOY_STEP_PLAN] = "plan",
	[DEPLOY_STEP_WAIT] = "wait",
	[DEPLOY_STEP_CONFIRM] = "confirm",
	[DEPLOY_STEP_SET] = "set",
};

const char *deploy_step_kind_name(enum deploy_step_kind kind)
{
	return kind_names[kind];
}

/* Steps in steps. */

static void read_nested(struct dp_plan_reader *r, const struct dp_spot *spot, void *field)
{
	struct deploy_step *step = field;
	bool in_roll = r->in_roll, is_always = strcmp(spot->key, "always") == 0;
	char *prefix =
		dp_plan_own(r, dp_xasprintf("%s%s.", step->number, is_always ? ".always" : ""));

	r->in_roll = true;
	dp_plan_read_steps(r, spot, prefix, is_always ? &step->always : &step->steps);
	r->in_roll = in_roll;
}

static void read_lane(
	struct dp_plan_reader *r, const struct dp_spot *spot, struct deploy_step *step)
{
	static const struct dp_plan_key keys[] = {
		{"steps", NULL, 0, 0, true, false}, {"description", dp_plan_read_text, 0, 0, 0, 0}};
	const struct dp_spot steps = dp_spot_member(spot, "steps");
	char *prefix;

	if (!dp_plan_read_keys(r, spot, keys, COUNT(keys), NULL))
		return;
	prefix = dp_plan_own(r, dp_xasprintf("%s.%zu.", step->number, step->lane_count + 1));
	dp_plan_read_steps(r, &steps, prefix, &step->lanes[step->lane_count]);
	step->lane_count++;
}

/* A lane knows nothing of the others: who runs first is not said. */
static void read_parallel(struct dp_plan_reader *r, const struct dp_spot *spot, void *field)
{
	struct deploy_step *step = field;
	size_t since = r->names.count, i;
	json_t *value;

	if (!dp_spot_is_a(&r->source, spot, JSON_ARRAY, "a list of lanes"))
		return;
	if (json_array_size(spot->value) == 0)
		dp_flaw(&r->source, spot, "an empty list");
	step->lanes = dp_plan_array(r, json_array_size(spot->value), sizeof(*step->lanes));
	json_array_foreach(spot->value, i, value)
	{
		const struct dp_spot lane = {.up = spot, .value = value, .index = i};

		read_lane(r, &lane, step);
		dp_plan_hide_names(r, since, "it is in another lane, which runs at the same time");
	}
	dp_plan_hide_names(r, since, NULL);
}

static void read_plan(struct dp_plan_reader *r, const struct dp_spot *spot, void *field)
{
	const char *file = dp_spot_text(&r->source, spot, "the path of a plan");

	if (file)
		*(struct deploy_playbook **)field = dp_plan_read_inner(r, spot, file);
}

/* What a plan in a plan is told; what ${…} comes to is looked at when it is known. */
static void check_inputs(
	struct dp_plan_reader *r, const struct dp_spot *inputs, const struct deploy_playbook *plan)
{
	const char **names = dp_xcalloc(plan->input_count + 1, sizeof(*names)), *key;
	json_t *value;

	for (size_t i = 0; i < plan->input_count; i++) {
		const struct deploy_playbook_input *input = &plan->inputs[i];
		const struct dp_spot spot = dp_spot_member(inputs, input->name);
		const char *text = json_string_value(spot.value);
		struct deploy_error err = {.code = DEPLOY_OK};

		names[i] = input->name;
		if (!spot.value && !input->preset && !input->is_optional)
			dp_flaw(&r->source, &spot, "missing");
		else if (spot.value && !(text && dp_plan_is_template(text)) &&
			 dp_plan_input_check(input, spot.value, &err))
			dp_plan_flaw(r, &spot, &err);
	}
	json_object_foreach(inputs->value, key, value)
	{
		const struct dp_spot spot = {.up = inputs, .value = value, .key = key};
		size_t i = 0;

		while (i < plan->input_count && strcmp(names[i], key) != 0)
			i++;
		if (i == plan->input_count)
			dp_flaw_key(&r->source, &spot, names, plan->input_count);
	}
	free(names);
}

#define KEY(name, read, member, kinds)                                                             \
	{                                                                                          \
		name, read, offsetof(struct deploy_step, member), kinds, false, false              \
	}
#define STEP(name, read, kinds)                                                                    \
	{                                                                                          \
		name, read, 0, kinds, false, false                                                 \
	}

/* In the order in which they are read: what a step does comes before what is in it. */
static const struct dp_plan_key step_keys[] = {
	KEY("id", dp_plan_read_id, id, ANY),
	KEY("description", dp_plan_read_text, description, ANY),
	KEY("when", dp_plan_read_expr, when, ANY),
	STEP("rpc", dp_plan_read_rpc, KIND(RPC)),
	STEP("puppet_run", dp_plan_read_puppet_run, KIND(PUPPET_RUN)),
	STEP("assign_role", dp_plan_read_assign_role, KIND(ASSIGN_ROLE)),
	STEP("push_facts", dp_plan_read_push_facts, KIND(PUSH_FACTS)),
	STEP("sign_cert", dp_plan_read_sign_cert, KIND(SIGN_CERT)),
	STEP("publish", dp_plan_read_publish, KIND(PUBLISH)),
	STEP("roll", dp_plan_read_roll, KIND(ROLL)),
	STEP("parallel", read_parallel, KIND(PARALLEL)),
	KEY("plan", read_plan, plan, KIND(PLAN)),
	KEY("wait", dp_plan_read_wait, wait_for, KIND(WAIT)),
	KEY("confirm", dp_plan_read_template, confirm, KIND(CONFIRM)),
	STEP("set", dp_plan_read_set, KIND(SET)),
	STEP("worker", dp_plan_read_later, 0),
	STEP("http", dp_plan_read_later, 0),
	KEY("nodes", dp_plan_read_nodes, nodes, ON_NODES),
	KEY("with", dp_plan_read_object, with, KIND(RPC)),
	KEY("inputs", dp_plan_read_object, inputs, KIND(PLAN)),
	KEY("every", dp_plan_read_time, every_ms, KIND(WAIT)),
	KEY("batch", dp_plan_read_batch, policy, ON_NODES),
	KEY("batch_sleep", dp_plan_read_pause, policy.batch_sleep_ms, ON_NODES),
	KEY("window", dp_plan_read_window, policy.window, ON_NODES),
	KEY("max_fail", dp_plan_read_max_fail, policy, ON_NODES),
	KEY("tries", dp_plan_read_tries, policy.tries, ON_NODES),
	STEP("try_sleep", dp_plan_read_try_sleep, ON_NODES),
	KEY("retry_silent", dp_plan_read_bool, policy.retries_silent, ON_NODES),
	KEY("timeout", dp_plan_read_time, policy.timeout_ms, ON_NODES),
	KEY("deadline", dp_plan_read_time, policy.deadline_ms, ON_NODES | KIND(WAIT) | KIND(ROLL)),
	KEY("until", dp_plan_read_until, until, KIND(RPC)),
	KEY("fail_when", dp_plan_read_until, fail_when, KIND(RPC)),
	KEY("changed_when", dp_plan_read_until, changed_when, KIND(RPC)),
	STEP("ok_codes", dp_plan_read_ok_codes, KIND(RPC)),
	KEY("one", dp_plan_read_bool, is_one, KIND(RPC)),
	KEY("idempotent", dp_plan_read_bool, is_idempotent, ON_NODES),
	KEY("destructive", dp_plan_read_bool, is_destructive,
		ON_NODES | KIND(PUBLISH) | KIND(ROLL) | KIND(PARALLEL) | KIND(PLAN)),
	KEY("on_failure", dp_plan_read_on_failure, on_failure, ANY & ~KIND(CONFIRM) & ~KIND(SET)),
	KEY("secret", dp_plan_read_texts, secret, KIND(RPC)),
	STEP("steps", read_nested, KIND(ROLL)),
	STEP("always", read_nested, KIND(ROLL)),
};

static bool is_later(const char *key)
{
	return strcmp(key, "worker") == 0 || strcmp(key, "http") == 0;
}

/* Tell keys that are unknown, or do not go with what the step does; kinds: bits, 0 for none known.
 */
static void check_keys(
	struct dp_plan_reader *r, const struct dp_spot *spot, unsigned kinds, const char *kind)
{
	const char *names[COUNT(step_keys)], *key;
	json_t *value;

	for (size_t i = 0; i < COUNT(step_keys); i++)
		names[i] = step_keys[i].name;
	json_object_foreach(spot->value, key, value)
	{
		const struct dp_spot member = {.up = spot, .value = value, .key = key};
		size_t i = 0;

		while (i < COUNT(names) && strcmp(names[i], key) != 0)
			i++;
		if (i == COUNT(names))
			dp_flaw_key(&r->source, &member, names, COUNT(names));
		else if (kinds && !is_later(key) && !(step_keys[i].kinds & kinds))
			dp_flaw(&r->source, &member, "does not go with %s", kind);
	}
}

/* Which kinds' keys are there: bits. Exactly one is right. */
static unsigned find_kinds(
	struct dp_plan_reader *r, const struct dp_spot *spot, struct deploy_step *step)
{
	const char *first = NULL;
	unsigned kinds = 0;

	if (json_object_get(spot->value, "worker") || json_object_get(spot->value, "http"))
		first = json_object_get(spot->value, "worker") ? "worker" : "http";
	for (int i = 0; i < DEPLOY_STEP_KINDS; i++) {
		const struct dp_spot key = dp_spot_member(spot, kind_names[i]);

		if (!key.value)
			continue;
		if (first)
			dp_flaw(&r->source, &key,
				"a step does one thing, and this one does %s; make two steps of it",
				first);
		else
			step->kind = (enum deploy_step_kind)i;
		first = first ? first : kind_names[i];
		kinds |= 1u << i;
	}
	if (!first)
		dp_flaw(&r->source, spot,
			"does nothing: expected rpc, puppet_run, assign_role, push_facts, "
			"sign_cert, publish, roll, parallel, plan, wait, confirm or set");
	return kinds;
}

/* False, with a flaw, if key is missing. */
static bool wants(struct dp_plan_reader *r, const struct dp_spot *spot, const char *key)
{
	const struct dp_spot member = dp_spot_member(spot, key);

	if (!member.value)
		dp_flaw(&r->source, &member, "missing");
	return member.value != NULL;
}

static void exclude(
	struct dp_plan_reader *r, const struct dp_spot *spot, const char *key, const char *other)
{
	const struct dp_spot member = dp_spot_member(spot, key);

	if (member.value && json_object_get(spot->value, other))
		dp_flaw(&r->source, &member, "%s and %s exclude each other", other, key);
}

/* What the keys of a step mean together. */
static void check_together(
	struct dp_plan_reader *r, const struct dp_spot *spot, const struct deploy_step *step)
{
	const struct dp_spot nodes = dp_spot_member(spot, "nodes"),
			     inputs = dp_spot_member(spot, "inputs"),
			     on_failure = dp_spot_member(spot, "on_failure");
	bool names_nodes =
		step->kind == DEPLOY_STEP_ASSIGN_ROLE && json_object_get(step->act, "file");

	if (names_nodes && nodes.value)
		dp_flaw(&r->source, &nodes, "the file says which nodes");
	if (!names_nodes && (ON_NODES & (1u << step->kind)))
		(void)wants(r, spot, "nodes");
	if (step->kind == DEPLOY_STEP_ROLL)
		(void)wants(r, spot, "steps");
	if (step->kind == DEPLOY_STEP_RPC)
		dp_plan_check_rpc(r, spot, step);
	if (step->plan && (!inputs.value || json_is_object(inputs.value)))
		check_inputs(r, &inputs, step->plan);
	if (step->on_failure == DEPLOY_ON_FAILURE_DROP_NODES && !(ON_NODES & (1u << step->kind)))
		dp_flaw(&r->source, &on_failure, "this kind of step has no nodes to drop");
	exclude(r, spot, "window", "batch");
	if (step->is_one) {
		exclude(r, spot, "batch", "one");
		exclude(r, spot, "window", "one");
		exclude(r, spot, "max_fail", "one");
	}
}

static void read_step(
	struct dp_plan_reader *r, const struct dp_spot *spot, struct deploy_step *step)
{
	size_t place = r->names.count;
	unsigned kinds;

	step->id = step->number;
	step->source = spot->value;
	step->policy.has_max_fail = true;
	dp_plan_add_name(r, DP_NAME_STEP, NULL, step);
	r->names.items[place].hidden = DP_NOT_YET;
	if (!dp_spot_is_a(&r->source, spot, JSON_OBJECT, "a step, which is a mapping"))
		return;
	kinds = find_kinds(r, spot, step);
	check_keys(r, spot, kinds, kind_names[step->kind]);
	dp_plan_read_values(r, spot, step_keys, COUNT(step_keys), step);
	if (kinds)
		check_together(r, spot, step);
	r->names.items[place].hidden = NULL;
}

void dp_plan_read_steps(struct dp_plan_reader *r, const struct dp_spot *spot, const char *prefix,
	struct deploy_steps *steps)
{
	json_t *value;
	size_t i;

	if (!dp_spot_is_a(&r->source, spot, JSON_ARRAY, "a list of steps"))
		return;
	if (json_array_size(spot->value) == 0)
		dp_flaw(&r->source, spot, "an empty list");
	steps->items = dp_plan_array(r, json_array_size(spot->value), sizeof(*steps->items));
	json_array_foreach(spot->value, i, value)
	{
		const struct dp_spot item = {.up = spot, .value = value, .index = i};
		struct deploy_step *step = &steps->items[steps->count];

		if (r->trip->step_count++ == DEPLOY_PLAYBOOK_MAX_STEPS)
			dp_flaw(&r->source, &item, "more than %d steps in all",
				DEPLOY_PLAYBOOK_MAX_STEPS);
		if (r->trip->step_count > DEPLOY_PLAYBOOK_MAX_STEPS)
			return;
		steps->count++;
		step->number = dp_plan_own(r, dp_xasprintf("%s%zu", prefix, i + 1));
		read_step(r, &item, step);
	}
}

void dp_plan_collect_ids(struct dp_plan_reader *r, json_t *steps)
{
	json_t *step, *lane;
	size_t i, at;

	json_array_foreach(steps, i, step)
	{
		const char *id = json_string_value(json_object_get(step, "id"));

		if (id)
			(void)dp_strset_add(&r->all_ids, id);
		dp_plan_collect_ids(r, json_object_get(step, "steps"));
		dp_plan_collect_ids(r, json_object_get(step, "always"));
		json_array_foreach(json_object_get(step, "parallel"), at, lane)
			dp_plan_collect_ids(r, json_object_get(lane, "steps"));
	}
}
