/* What expressions see while a plan runs: one object of values per playbook, changed as it goes. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "play/play_parts.h"

/* Names that expressions use. */

struct uses {
	dp_use_fn *fn;
	void *arg;
};

/* What was checked when the plan was read compiles again. */
static void uses_of_text(const struct uses *uses, const char *text, bool is_expr)
{
	struct deploy_error ignored = {.code = DEPLOY_OK};
	const struct deploy_expr_use *use;
	struct deploy_expr *expr = NULL;
	size_t count;

	if (!text || (!is_expr && !strstr(text, "${")))
		return;
	if ((is_expr ? deploy_expr_new : deploy_expr_new_template)(&expr, "text", text, &ignored))
		return;
	use = deploy_expr_uses(expr, &count);
	for (size_t i = 0; i < count; i++)
		uses->fn(uses->arg, &use[i]);
	deploy_expr_free(expr);
}

/* Values are as deep as their YAML, which has a limit. */
static void uses_of_json(const struct uses *uses, json_t *value, bool is_expr)
{
	const char *key;
	json_t *item;
	size_t i;

	if (json_is_string(value))
		uses_of_text(uses, json_string_value(value), is_expr);
	json_array_foreach(value, i, item) uses_of_json(uses, item, is_expr);
	json_object_foreach(value, key, item) uses_of_json(uses, item, is_expr);
}

static void uses_of_nodes(const struct uses *uses, const struct deploy_selection *selection)
{
	const struct deploy_texts *terms[6];

	if (!selection)
		return;
	terms[0] = &selection->classes;
	terms[1] = &selection->facts;
	terms[2] = &selection->agents;
	terms[3] = &selection->identities;
	terms[4] = &selection->compounds;
	terms[5] = &selection->nodes;
	for (size_t i = 0; i < sizeof(terms) / sizeof(terms[0]); i++)
		for (size_t k = 0; k < terms[i]->count; k++)
			uses_of_text(uses, terms[i]->items[k], false);
	uses_of_text(uses, selection->collective, false);
}

static void uses_of_steps(const struct uses *uses, const struct deploy_steps *steps)
{
	for (size_t i = 0; i < steps->count; i++)
		dp_step_uses(&steps->items[i], true, uses->fn, uses->arg);
}

void dp_when_uses(const struct deploy_step *step, dp_use_fn *fn, void *arg)
{
	const struct uses uses = {fn, arg};

	uses_of_text(&uses, step->when, true);
}

void dp_step_uses(const struct deploy_step *step, bool deep, dp_use_fn *fn, void *arg)
{
	const char *const exprs[] = {
		step->when, step->until, step->fail_when, step->changed_when, step->wait_for};
	const struct uses uses = {fn, arg};

	for (size_t i = 0; i < sizeof(exprs) / sizeof(exprs[0]); i++)
		uses_of_text(&uses, exprs[i], true);
	uses_of_text(&uses, step->confirm, false);
	uses_of_json(&uses, step->with, false);
	uses_of_json(&uses, step->inputs, false);
	uses_of_json(&uses, step->act, step->kind == DEPLOY_STEP_SET);
	uses_of_nodes(&uses, step->nodes.selection);
	uses_of_nodes(&uses, step->over.selection);
	if (!deep)
		return;
	uses_of_steps(&uses, &step->steps);
	uses_of_steps(&uses, &step->always);
	for (size_t i = 0; i < step->lane_count; i++)
		uses_of_steps(&uses, &step->lanes[i]);
}

static void note_read(void *arg, const struct deploy_expr_use *use)
{
	struct dp_scope *scope = arg;

	if (strcmp(use->name, "steps") != 0)
		return;
	if (use->field)
		(void)dp_strset_add(&scope->read, use->field);
	else
		scope->reads_all = true;
}

/* True if expressions see what became of the step. */
static bool reads(const struct dp_scope *scope, const struct deploy_step *step)
{
	size_t at;

	return scope->reads_all || dp_strset_find(&scope->read, step->id, &at);
}

/* Scopes. */

static json_t *empty_result(void)
{
	return json_pack(
		"{s:[], s:[], s:[], s:{}, s:b}", "ok", "failed", "silent", "results", "changed", 0);
}

/* A step that was skipped has a result, too: nobody. */
static void add_empty(void *arg, const struct deploy_steps *steps)
{
	struct dp_scope *scope = arg;

	for (size_t i = 0; i < steps->count; i++) {
		const struct deploy_step *step = &steps->items[i];

		if (reads(scope, step))
			(void)json_object_set_new(
				json_object_get(scope->values, "steps"), step->id, empty_result());
		add_empty(scope, &step->steps);
		add_empty(scope, &step->always);
		for (size_t lane = 0; lane < step->lane_count; lane++)
			add_empty(scope, &step->lanes[lane]);
	}
}

static int read_env(const struct deploy_playbook *book, json_t *env, struct deploy_error *err)
{
	char missing[400] = "";
	size_t len = 0;

	for (size_t i = 0; i < book->env.count; i++) {
		const char *name = book->env.items[i], *value = getenv(name);
		json_t *text = value ? json_string(value) : NULL;

		if (text)
			(void)json_object_set_new(env, name, text);
		else if (len < sizeof(missing) - 1)
			len += (size_t)snprintf(missing + len, sizeof(missing) - len, "%s%.60s",
				len ? ", " : "", name);
	}
	if (!len)
		return 0;
	return deploy_error_set(err, DEPLOY_REFUSED,
		"%s: not set in the environment, or no text: %s", book->name, missing);
}

static json_t *values_of(const struct deploy_play *play, const struct deploy_playbook *book,
	json_t *inputs, json_t *env)
{
	const struct deploy_play_options *options = &play->options;
	json_t *clipboard = options->clipboard ? options->clipboard : book->clipboard;

	return json_pack("{s:O, s:o, s:n, s:{s:s, s:s, s:I}, s:{}, s:{}, s:{}, s:o}", "inputs",
		inputs, "env", env, "event", "run", "id", options->run_id ? options->run_id : "",
		"user", options->user ? options->user : "", "started",
		(json_int_t)(options->started_us / 1000000), "sets", "steps", "vars", "clipboard",
		clipboard ? json_deep_copy(clipboard) : json_object());
}

static void hide_secrets(struct deploy_play *play, const struct deploy_playbook *book,
	json_t *inputs, json_t *clipboard)
{
	for (size_t i = 0; i < book->input_count; i++)
		if (book->inputs[i].is_secret)
			deploy_play_hide(play, json_object_get(inputs, book->inputs[i].name));
	for (size_t i = 0; i < book->secret.count; i++)
		deploy_play_hide(play, json_object_get(clipboard, book->secret.items[i]));
}

struct dp_scope *dp_scope_new(struct deploy_play *play, const struct deploy_playbook *book,
	char *prefix, json_t *inputs, struct deploy_error *err)
{
	const struct deploy_steps *const lists[] = {
		&book->steps, &book->on_success, &book->on_failure, &book->always};
	struct dp_scope *scope = dp_xcalloc(1, sizeof(*scope));
	json_t *env = json_object();

	scope->next = play->scopes;
	play->scopes = scope;
	scope->book = book;
	scope->prefix = prefix;
	scope->sets = dp_xcalloc(book->set_count + 1, sizeof(*scope->sets));
	dp_strset_init(&scope->read);
	(void)read_env(book, env, err);
	scope->values = values_of(play, book, inputs, env);
	hide_secrets(play, book, inputs, json_object_get(scope->values, "clipboard"));
	for (size_t i = 0; i < 4; i++) {
		const struct uses uses = {note_read, scope};

		uses_of_steps(&uses, lists[i]);
	}
	for (size_t i = 0; i < 4; i++)
		add_empty(scope, lists[i]);
	return err->code ? NULL : scope;
}

void dp_scopes_free(struct deploy_play *play)
{
	struct dp_scope *scope;

	while ((scope = play->scopes)) {
		play->scopes = scope->next;
		for (size_t i = 0; i < scope->book->set_count; i++) {
			deploy_nodeset_free(scope->sets[i].nodes);
			free(scope->sets[i].waiting);
		}
		free(scope->sets);
		free(scope->prefix);
		json_decref(scope->values);
		dp_strset_release(&scope->read);
		free(scope);
	}
}

static json_t *names_of(const struct deploy_nodeset *nodes)
{
	json_t *names = json_array();

	for (size_t i = 0; i < deploy_nodeset_count(nodes); i++)
		(void)json_array_append_new(names, json_string(deploy_nodeset_get(nodes, i)));
	return names;
}

void dp_scope_set_nodes(struct dp_scope *scope, const char *set, const struct deploy_nodeset *nodes)
{
	(void)json_object_set_new(json_object_get(scope->values, "sets"), set, names_of(nodes));
}

static json_t *result_of(const struct dp_scope *scope, const struct deploy_step *step)
{
	return json_object_get(json_object_get(scope->values, "steps"), step->id);
}

/* Of a step in a roll, the nodes of all groups so far; sorted, as all sets are. */
void dp_scope_add_result(struct dp_scope *scope, const struct deploy_step *step, const char *key,
	const struct deploy_nodeset *nodes)
{
	json_t *result = result_of(scope, step), *name;
	struct deploy_nodeset *all;
	struct deploy_error ignored = {.code = DEPLOY_OK};
	size_t i;

	if (!result || !deploy_nodeset_count(nodes))
		return;
	all = deploy_nodeset_copy(nodes);
	json_array_foreach(json_object_get(result, key), i, name)(void)
		deploy_nodeset_add(all, json_string_value(name), &ignored);
	(void)json_object_set_new(result, key, names_of(all));
	deploy_nodeset_free(all);
}

void dp_scope_add_replies(struct dp_scope *scope, const struct deploy_step *step, json_t *replies)
{
	json_t *results = json_object_get(result_of(scope, step), "results"), *data;
	const char *node;

	json_object_foreach(replies, node, data)(void)
		json_object_set_new(results, node, json_pack("{s:O}", "data", data));
}

void dp_scope_changed(struct dp_scope *scope, const struct deploy_step *step)
{
	json_t *result = result_of(scope, step);

	if (result)
		(void)json_object_set_new(result, "changed", json_true());
}

/* Evaluation. */

/* What expressions of frame see; to be released. */
static json_t *values_of_frame(const struct dp_frame *frame)
{
	json_t *values = json_copy(frame->scope->values);

	for (const struct dp_frame *at = frame; at && at->scope == frame->scope; at = at->up) {
		if (at->group_names) {
			(void)json_object_set(values, "group", at->group_names);
			break;
		}
	}
	return values;
}

static char *label_of(const struct dp_frame *frame, const char *key)
{
	return dp_xasprintf("%s: %s.%s", frame->scope->book->name,
		frame->at.label ? frame->at.label : "plan", key);
}

#define MAX_FUNCTIONS 8

typedef int compile_fn(
	struct deploy_expr **out, const char *label, const char *text, struct deploy_error *err);
typedef int eval_fn(void *out, struct deploy_expr *expr, const struct deploy_expr_world *world,
	struct deploy_error *err);

static int evaluate(const struct deploy_play *play, const struct dp_frame *frame, const char *key,
	const char *text, compile_fn *compile, eval_fn *eval, void *out, struct deploy_error *err)
{
	struct deploy_expr_function functions[MAX_FUNCTIONS];
	struct deploy_expr_world world = {.values = values_of_frame(frame), .functions = functions};
	char *label = label_of(frame, key);
	struct deploy_expr *expr = NULL;

	for (; world.function_count < play->options.function_count; world.function_count++)
		functions[world.function_count] = play->options.functions[world.function_count];
	world.function_count += dp_probe_functions(frame, functions + world.function_count);

	if (compile(&expr, label, text, err) == 0)
		(void)eval(out, expr, &world, err);
	deploy_expr_free(expr);
	free(label);
	json_decref(world.values);
	return err->code;
}

static int eval_test(void *out, struct deploy_expr *expr, const struct deploy_expr_world *world,
	struct deploy_error *err)
{
	return deploy_expr_test(out, expr, world, err);
}

static int eval_json(void *out, struct deploy_expr *expr, const struct deploy_expr_world *world,
	struct deploy_error *err)
{
	return deploy_expr_eval(out, expr, world, err);
}

static int eval_text(void *out, struct deploy_expr *expr, const struct deploy_expr_world *world,
	struct deploy_error *err)
{
	return deploy_expr_text(out, expr, world, err);
}

int dp_world_test(const struct deploy_play *play, const struct dp_frame *frame, const char *key,
	const char *text, bool *out, struct deploy_error *err)
{
	return evaluate(play, frame, key, text, deploy_expr_new, eval_test, out, err);
}

int dp_world_eval(const struct deploy_play *play, const struct dp_frame *frame, const char *key,
	const char *text, json_t **out, struct deploy_error *err)
{
	return evaluate(play, frame, key, text, deploy_expr_new, eval_json, out, err);
}

int dp_world_text(const struct deploy_play *play, const struct dp_frame *frame, const char *key,
	const char *text, char **out, struct deploy_error *err)
{
	return evaluate(play, frame, key, text, deploy_expr_new_template, eval_text, out, err);
}

static int eval_array(const struct deploy_play *play, const struct dp_frame *frame, const char *key,
	json_t *value, json_t **out, struct deploy_error *err)
{
	json_t *item, *made;
	size_t i;

	*out = json_array();
	json_array_foreach(value, i, item)
	{
		if (dp_world_json(play, frame, key, item, &made, err))
			return err->code;
		(void)json_array_append_new(*out, made);
	}
	return 0;
}

static int eval_object(const struct deploy_play *play, const struct dp_frame *frame,
	const char *key, json_t *value, json_t **out, struct deploy_error *err)
{
	const char *name;
	json_t *item, *made;

	*out = json_object();
	json_object_foreach(value, name, item)
	{
		char *path = dp_xasprintf("%s.%s", key, name);
		int rc = dp_world_json(play, frame, path, item, &made, err);

		free(path);
		if (rc)
			return rc;
		(void)json_object_set_new(*out, name, made);
	}
	return 0;
}

int dp_world_json(const struct deploy_play *play, const struct dp_frame *frame, const char *key,
	json_t *value, json_t **out, struct deploy_error *err)
{
	int rc = 0;

	*out = NULL;
	if (json_is_string(value) && strstr(json_string_value(value), "${"))
		rc = evaluate(play, frame, key, json_string_value(value), deploy_expr_new_template,
			eval_json, out, err);
	else if (json_is_array(value))
		rc = eval_array(play, frame, key, value, out, err);
	else if (json_is_object(value))
		rc = eval_object(play, frame, key, value, out, err);
	else
		*out = json_incref(value);
	if (rc) {
		json_decref(*out);
		*out = NULL;
	}
	return rc;
}

/* Replies. */

struct dp_reply_look {
	struct deploy_reply_judge judge;
	struct deploy_expr_world world;
	bool is_changed; /* a node was ok, and nothing says when that is no change */
};

struct dp_reply_look *dp_look_new(const struct deploy_play *play, const struct dp_frame *frame,
	const struct deploy_step *step, struct deploy_error *err)
{
	struct dp_reply_look *look = dp_xcalloc(1, sizeof(*look));
	const struct {
		const char *key, *text;
		struct deploy_expr **expr;
	} exprs[] = {{"until", step->until, &look->judge.until},
		{"fail_when", step->fail_when, &look->judge.fail_when},
		{"changed_when", step->changed_when, &look->judge.changed_when}};

	for (size_t i = 0; i < 3 && !err->code; i++) {
		char *label = label_of(frame, exprs[i].key);

		if (exprs[i].text)
			(void)deploy_expr_new(exprs[i].expr, label, exprs[i].text, err);
		free(label);
	}
	if (err->code) {
		dp_look_free(look);
		return NULL;
	}
	look->world = (struct deploy_expr_world){.values = values_of_frame(frame),
		.functions = play->options.functions,
		.function_count = play->options.function_count};
	look->judge.world = &look->world;
	return look;
}

void dp_look_free(struct dp_reply_look *look)
{
	if (!look)
		return;
	deploy_expr_free(look->judge.until);
	deploy_expr_free(look->judge.fail_when);
	deploy_expr_free(look->judge.changed_when);
	deploy_reply_judge_release(&look->judge);
	json_decref(look->world.values);
	free(look);
}

bool dp_look_judge(
	void *arg, const char *node, const struct deploy_outcome *reply, char *why, size_t size)
{
	struct dp_reply_look *look = arg;
	bool is_ok = deploy_reply_judge(&look->judge, node, reply, why, size);

	look->is_changed |= is_ok && !look->judge.changed_when;
	return is_ok;
}

bool dp_look_saw_change(const struct dp_reply_look *look)
{
	return look->is_changed ||
	       (look->judge.changed && deploy_nodeset_count(look->judge.changed) > 0);
}
