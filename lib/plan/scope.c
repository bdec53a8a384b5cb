/*
 * What expressions may name. Each name is looked up when the plan is read, so that a run never
 * finds out late that a step is called otherwise, or has not run yet.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "deploy/expr.h"
#include "deploy/text.h"
#include "plan/reader.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Names of a scope: what may stand behind the dot, NULL for anything. */
static const char *const run_fields[] = {"id", "user", "started"};
static const char *const step_fields[] = {"ok", "failed", "silent", "results", "changed"};

enum global {
	INPUTS,
	ENV,
	RUN,
	SETS,
	STEPS,
	VARS,
	CLIPBOARD,
	EVENT,
	FACT,
	SECRET,
	NODE,
	DATA,
	STATUSCODE,
	STATUSMSG,
	UP,
	REACHABLE,
	GROUP,
	GLOBALS
};

static const struct {
	const char *name;
	unsigned sees; /* 0: in a roll */
	const char *elsewhere;
} globals[GLOBALS] = {
	[INPUTS] = {"inputs", DP_SEES_START, ""},
	[ENV] = {"env", DP_SEES_START, ""},
	[RUN] = {"run", DP_SEES_START, ""},
	[SETS] = {"sets", DP_SEES_STEPS, "is known in steps only"},
	[STEPS] = {"steps", DP_SEES_STEPS, "is known in steps only"},
	[VARS] = {"vars", DP_SEES_STEPS, "is known in steps only"},
	[CLIPBOARD] = {"clipboard", DP_SEES_STEPS, "is known in steps only"},
	[EVENT] = {"event", DP_SEES_START, ""},
	[FACT] = {"fact", DP_SEES_STEPS, "can be asked in steps only"},
	[SECRET] = {"secret", DP_SEES_START, ""},
	[NODE] = {"node", DP_SEES_REPLY, "is known in until, fail_when and changed_when only"},
	[DATA] = {"data", DP_SEES_REPLY, "is known in until, fail_when and changed_when only"},
	[STATUSCODE] = {"statuscode", DP_SEES_REPLY,
		"is known in until, fail_when and changed_when only"},
	[STATUSMSG] = {"statusmsg", DP_SEES_REPLY,
		"is known in until, fail_when and changed_when only"},
	[UP] = {"up", DP_SEES_PROBES, "can be asked in wait only"},
	[REACHABLE] = {"reachable", DP_SEES_PROBES, "can be asked in wait only"},
	[GROUP] = {"group", 0, "is known in a roll only"},
};

void dp_plan_add_name(struct dp_plan_reader *r, enum dp_plan_name_kind kind, const char *text,
	struct deploy_step *step)
{
	struct dp_plan_names *names = &r->names;

	names->items = dp_grow(names->items, &names->cap, names->count + 1, sizeof(*names->items));
	names->items[names->count++] =
		(struct dp_plan_name){.kind = kind, .text = text, .step = step};
}

void dp_plan_hide_names(struct dp_plan_reader *r, size_t since, const char *why)
{
	for (size_t i = since; i < r->names.count; i++)
		r->names.items[i].hidden = why;
}

static const char *text_of(const struct dp_plan_name *name)
{
	return name->kind == DP_NAME_STEP ? name->step->id : name->text;
}

/* What may stand behind the dot. To be freed. */
static const char **list(const struct dp_plan_reader *r, enum global global, size_t *count)
{
	const struct deploy_playbook *book = r->book;
	const char **names = dp_xcalloc(
		book->input_count + book->set_count + book->env.count + r->names.count + 1,
		sizeof(*names));

	*count = 0;
	for (size_t i = 0; global == INPUTS && i < book->input_count; i++)
		names[(*count)++] = book->inputs[i].name;
	for (size_t i = 0; global == SETS && i < book->set_count; i++)
		names[(*count)++] = book->sets[i].name;
	for (size_t i = 0; global == ENV && i < book->env.count; i++)
		names[(*count)++] = book->env.items[i];
	for (size_t i = 0; i < r->names.count; i++) {
		const struct dp_plan_name *name = &r->names.items[i];

		if (!name->hidden && global == (name->kind == DP_NAME_STEP ? STEPS : VARS))
			names[(*count)++] = text_of(name);
	}
	return names;
}

static bool has(const char *const *names, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(names[i], name) == 0)
			return true;
	return false;
}

/* What is wrong with a name behind steps., vars., … that is not there. */
static void unknown_field(struct dp_plan_reader *r, const struct dp_spot *spot,
	const struct deploy_expr_use *use, const char *const *names, size_t count)
{
	const char *why = "there is none";
	size_t at;

	if (strcmp(use->name, "env") == 0)
		why = "requires.env does not declare it";
	if (strcmp(use->name, "steps") == 0 && dp_strset_find(&r->all_ids, use->field, &at))
		why = DP_NOT_YET;
	for (size_t i = 0; i < r->names.count; i++)
		if (r->names.items[i].hidden &&
			strcmp(text_of(&r->names.items[i]), use->field) == 0)
			why = r->names.items[i].hidden;
	dp_flaw(&r->source, spot, "%s.%.60s: %s%s", use->name, use->field, why,
		dp_plan_meant(r, use->field, names, count));
}

/* False, with a flaw, if use->field is not among names. */
static bool check_field(struct dp_plan_reader *r, const struct dp_spot *spot,
	const struct deploy_expr_use *use, const char *const *names, size_t count)
{
	if (has(names, count, use->field))
		return true;
	unknown_field(r, spot, use, names, count);
	return false;
}

static bool check_step_use(
	struct dp_plan_reader *r, const struct dp_spot *spot, const struct deploy_expr_use *use)
{
	bool reads_all = !use->part || strcmp(use->part, "results") == 0;
	bool is_known = !use->field;

	if (use->part && !has(step_fields, COUNT(step_fields), use->part)) {
		dp_flaw(&r->source, spot,
			"steps.%.60s.%.60s: expected ok, failed, silent, results "
			"or changed%s",
			use->field, use->part,
			dp_plan_meant(r, use->part, step_fields, COUNT(step_fields)));
		return false;
	}
	for (size_t i = 0; i < r->names.count; i++) {
		const struct dp_plan_name *name = &r->names.items[i];

		if (name->kind != DP_NAME_STEP || name->hidden ||
			(use->field && strcmp(name->step->id, use->field) != 0))
			continue;
		name->step->keeps_replies |= reads_all;
		is_known = true;
	}
	if (!is_known) {
		size_t count;
		const char **names = list(r, STEPS, &count);

		unknown_field(r, spot, use, names, count);
		free(names);
	}
	return is_known;
}

static bool check_global(
	struct dp_plan_reader *r, const struct dp_spot *spot, const struct deploy_expr_use *use)
{
	const char *names[GLOBALS];
	size_t i = 0;

	while (i < GLOBALS && strcmp(globals[i].name, use->name) != 0)
		i++;
	if (i < GLOBALS && (globals[i].sees ? (globals[i].sees & r->sees) != 0 : r->in_roll))
		return true;
	if (i < GLOBALS) {
		dp_flaw(&r->source, spot, "%s %s", use->name, globals[i].elsewhere);
		return false;
	}
	for (i = 0; i < GLOBALS; i++)
		names[i] = globals[i].name;
	dp_flaw(&r->source, spot, "%.60s: no such name%s", use->name,
		dp_plan_meant(r, use->name, names, GLOBALS));
	return false;
}

static bool check_use(
	struct dp_plan_reader *r, const struct dp_spot *spot, const struct deploy_expr_use *use)
{
	static const enum global declared[] = {INPUTS, ENV, SETS, VARS};
	json_t *top = json_object_get(deploy_yaml_root(r->book->doc), use->name);

	if (!check_global(r, spot, use))
		return false;
	/* Inputs and sets, of which there may be many. */
	if (use->field && json_object_get(top, use->field))
		return true;
	if (strcmp(use->name, "steps") == 0)
		return check_step_use(r, spot, use);
	if (use->field && strcmp(use->name, "run") == 0)
		return check_field(r, spot, use, run_fields, COUNT(run_fields));
	for (size_t i = 0; use->field && i < COUNT(declared); i++) {
		if (strcmp(use->name, globals[declared[i]].name) == 0) {
			size_t count;
			const char **names = list(r, declared[i], &count);
			bool is_known = check_field(r, spot, use, names, count);

			free(names);
			return is_known;
		}
	}
	return true;
}

typedef int compile_fn(
	struct deploy_expr **out, const char *label, const char *text, struct deploy_error *err);

static bool check(struct dp_plan_reader *r, const struct dp_spot *spot, const char *text,
	const char *label, compile_fn *compile)
{
	struct deploy_error err = {.code = DEPLOY_OK};
	struct deploy_expr *expr = NULL;
	const struct deploy_expr_use *uses;
	bool is_right = true;
	size_t count;

	if (compile(&expr, label, text, &err)) {
		dp_plan_flaw(r, spot, &err);
		return false;
	}
	uses = deploy_expr_uses(expr, &count);
	for (size_t i = 0; i < count; i++)
		is_right = check_use(r, spot, &uses[i]) && is_right;
	deploy_expr_free(expr);
	return is_right;
}

bool dp_plan_check_expr(struct dp_plan_reader *r, const struct dp_spot *spot, const char *text)
{
	return check(r, spot, text, "expression", deploy_expr_new);
}

bool dp_plan_check_template(struct dp_plan_reader *r, const struct dp_spot *spot, const char *text)
{
	return check(r, spot, text, "text", deploy_expr_new_template);
}
