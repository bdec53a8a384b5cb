/* From sets, filters and groups to nodes: each is looked for once, and stays as it was then. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "play/play_parts.h"

/* Texts of a selection, evaluated: one value may be a list of names. */

typedef int add_fn(void *to, const char *text, struct deploy_error *err);

static int add_fact(void *filter, const char *text, struct deploy_error *err)
{
	return deploy_filter_add_fact(filter, text, err);
}

static int add_class(void *filter, const char *text, struct deploy_error *err)
{
	return deploy_filter_add_class(filter, text, err);
}

static int add_agent(void *filter, const char *text, struct deploy_error *err)
{
	return deploy_filter_add_agent(filter, text, err);
}

static int add_identity(void *filter, const char *text, struct deploy_error *err)
{
	return deploy_filter_add_identity(filter, text, err);
}

static int add_compound(void *filter, const char *text, struct deploy_error *err)
{
	return deploy_filter_add_compound(filter, text, err);
}

static int add_names(void *nodes, const char *text, struct deploy_error *err)
{
	return deploy_nodeset_parse(nodes, text, err);
}

static int add_value(
	void *to, add_fn *add, json_t *value, const char *key, struct deploy_error *err)
{
	json_t *item;
	size_t i;

	if (json_is_string(value) && add(to, json_string_value(value), err))
		return deploy_error_wrap(err, "%s", key);
	if (json_is_string(value))
		return 0;
	if (!json_is_array(value))
		return deploy_error_set(
			err, DEPLOY_INPUT, "%s: expected a text, or a list of them", key);
	json_array_foreach(value, i, item)
	{
		if (!json_is_string(item))
			return deploy_error_set(err, DEPLOY_INPUT, "%s: not a text", key);
		if (add(to, json_string_value(item), err))
			return deploy_error_wrap(err, "%s", key);
	}
	return 0;
}

static int add_texts(const struct deploy_play *play, const struct dp_frame *frame, const char *name,
	const struct deploy_texts *texts, const char *key, void *to, add_fn *add,
	struct deploy_error *err)
{
	for (size_t i = 0; i < texts->count; i++) {
		json_t *text = json_string(texts->items[i]), *value = NULL;

		if (dp_world_json(play, frame, key, text, &value, err) == 0 &&
			add_value(to, add, value, key, err)) {
			/* Who wrote the plan is told, not who typed the command. */
			err->code = DEPLOY_INPUT;
			err->hint[0] = '\0';
			(void)deploy_error_wrap(err, "%s: %s", frame->scope->book->name, name);
		}
		json_decref(text);
		json_decref(value);
		if (err->code)
			return err->code;
	}
	return 0;
}

/* *nodes: NULL unless the selection names its nodes. name: whose it is. */
static int evaluate(const struct deploy_play *play, const struct dp_frame *frame, const char *name,
	const struct deploy_selection *selection, struct deploy_filter *filter,
	struct deploy_nodeset **nodes, struct deploy_error *err)
{
	const struct {
		const char *key;
		const struct deploy_texts *texts;
		add_fn *add;
	} terms[] = {{"class", &selection->classes, add_class},
		{"fact", &selection->facts, add_fact}, {"agent", &selection->agents, add_agent},
		{"identity", &selection->identities, add_identity},
		{"compound", &selection->compounds, add_compound}};

	*nodes = NULL;
	if (selection->nodes.count) {
		*nodes = deploy_nodeset_new();
		return add_texts(
			play, frame, name, &selection->nodes, "nodes", *nodes, add_names, err);
	}
	for (size_t i = 0; i < sizeof(terms) / sizeof(terms[0]); i++)
		if (add_texts(play, frame, name, terms[i].texts, terms[i].key, filter, terms[i].add,
			    err))
			return err->code;
	if (deploy_filter_names_nodes(filter))
		*nodes = deploy_nodeset_copy(filter->nodes);
	return 0;
}

/* True if text names nothing that is known only when steps were done. */
static bool is_known_at_start(const char *text)
{
	static const char *const names[] = {"inputs", "env", "run", "event"};
	struct deploy_error ignored = {.code = DEPLOY_OK};
	const struct deploy_expr_use *uses;
	struct deploy_expr *expr = NULL;
	size_t count, known = 0;
	bool is_known;

	if (deploy_expr_new_template(&expr, "nodes", text, &ignored))
		return false;
	uses = deploy_expr_uses(expr, &count);
	for (size_t i = 0; i < count; i++)
		for (size_t name = 0; name < 4; name++)
			known += strcmp(uses[i].name, names[name]) == 0;
	is_known = known == count;
	deploy_expr_free(expr);
	return is_known;
}

struct deploy_nodeset *dp_sets_named(const struct deploy_play *play, const struct dp_frame *frame,
	const struct deploy_selection *selection)
{
	struct deploy_nodeset *nodes;
	struct deploy_error ignored = {.code = DEPLOY_OK};

	for (size_t i = 0; i < selection->nodes.count; i++)
		if (!is_known_at_start(selection->nodes.items[i]))
			return NULL;
	if (!selection->nodes.count)
		return NULL;
	nodes = deploy_nodeset_new();
	if (add_texts(
		    play, frame, "nodes", &selection->nodes, "nodes", nodes, add_names, &ignored)) {
		deploy_nodeset_free(nodes);
		return NULL;
	}
	return nodes;
}

void dp_find(struct deploy_play *play, struct dp_frame *frame, enum dp_purpose purpose,
	size_t index, struct deploy_filter *filter)
{
	struct deploy_request *request = deploy_request_ping();
	struct deploy_error ignored = {.code = DEPLOY_OK};
	long long functions_ms = deploy_filter_functions_ms(filter);
	struct deploy_task *task;

	(void)deploy_request_set_collective(request, play->options.collective, &ignored);
	request->ttl_s = play->options.ttl_s;
	task = deploy_plan_take_request(play->plan, request);
	task->filter = *filter;
	*filter = (struct deploy_filter){0};
	task->only_finds = true;
	task->policy.discovery_ms = functions_ms + play->options.discovery_ms;
	task->policy.window_ms = functions_ms + play->options.window_ms;
	task->on_failure = DEPLOY_ON_FAILURE_CONTINUE;
	dp_play_note(play, purpose, frame, task)->index = index;
}

static char *name_of(const struct dp_frame *frame, enum dp_purpose purpose, size_t index)
{
	if (purpose == DP_FOR_SET)
		return dp_xasprintf(
			"%s%s", frame->scope->prefix, frame->scope->book->sets[index].name);
	return dp_xasprintf("%s@%s", purpose == DP_FOR_OWN ? "nodes" : "over", frame->at.label);
}

static const struct deploy_selection *selection_of(
	const struct dp_frame *frame, enum dp_purpose purpose, size_t index)
{
	if (purpose == DP_FOR_SET)
		return &frame->scope->book->sets[index].selection;
	return purpose == DP_FOR_OWN ? dp_frame_step(frame)->nodes.selection
				     : dp_frame_step(frame)->over.selection;
}

/* Hand them to who asked. nodes are taken over. */
static void settle(
	struct dp_frame *frame, enum dp_purpose purpose, size_t index, struct deploy_nodeset *nodes)
{
	struct dp_scope *scope = frame->scope;

	if (purpose == DP_FOR_OWN) {
		frame->at.own = nodes;
	} else if (purpose == DP_FOR_OVER) {
		frame->at.over = nodes;
	} else {
		scope->sets[index].nodes = nodes;
		dp_scope_set_nodes(scope, scope->book->sets[index].name, nodes);
	}
}

static void fix(struct deploy_play *play, struct dp_frame *frame, enum dp_purpose purpose,
	size_t index, struct deploy_nodeset *nodes)
{
	char *name = name_of(frame, purpose, index), *folded;

	deploy_limit_apply(&selection_of(frame, purpose, index)->limit, nodes);
	folded = deploy_nodeset_print(nodes);
	if (deploy_nodeset_count(nodes) && play->options.freeze)
		play->options.freeze(play->options.arg, name, nodes);
	if (purpose == DP_FOR_SET)
		dp_play_tell(
			play, DEPLOY_PLAY_SET, name, NULL, deploy_nodeset_count(nodes), folded);
	free(folded);
	free(name);
	settle(frame, purpose, index, nodes);
}

/* Whoever needs a set fails if it is empty: doing something to nobody is no success. */
static bool has_nodes(const struct dp_frame *frame, enum dp_purpose purpose, size_t index,
	const struct deploy_nodeset *nodes, struct deploy_error *err)
{
	const struct deploy_selection *selection = selection_of(frame, purpose, index);
	char *name;

	if (deploy_nodeset_count(nodes))
		return true;
	name = name_of(frame, purpose, index);
	if (selection->when_empty)
		(void)deploy_error_set(err, DEPLOY_NO_NODES, "%s", selection->when_empty);
	else
		(void)deploy_error_set(err, DEPLOY_NO_NODES, "%s: no node matches", name);
	free(name);
	return false;
}

/* Look for nodes where the selection says. */
static void look_for(struct deploy_play *play, struct dp_frame *frame, enum dp_purpose purpose,
	size_t index, struct deploy_filter *filter, struct deploy_error *err)
{
	const char *where = selection_of(frame, purpose, index)->collective;
	struct deploy_request *probe = deploy_request_ping();
	char *collective = NULL;

	if (where)
		(void)dp_world_text(play, frame, "collective", where, &collective, err);
	/* Checked before there is a task. */
	if (collective && !err->code)
		(void)deploy_request_set_collective(probe, collective, err);
	if (!err->code) {
		dp_find(play, frame, purpose, index, filter);
		if (collective)
			(void)deploy_request_set_collective(
				play->plan->tasks[play->plan->task_count - 1]->request, collective,
				err);
	}
	deploy_request_free(probe);
	free(collective);
}

/* Find nodes now, or have them looked for: false, or err. */
static bool resolve(struct deploy_play *play, struct dp_frame *frame, enum dp_purpose purpose,
	size_t index, struct deploy_error *err)
{
	struct deploy_filter filter = {0};
	struct deploy_nodeset *nodes = NULL;
	char *name = name_of(frame, purpose, index);
	const struct deploy_nodeset *past = dp_past_nodes(play->options.past, name);

	if (past) {
		settle(frame, purpose, index, deploy_nodeset_copy(past));
		free(name);
		return true;
	}
	if (evaluate(play, frame, name, selection_of(frame, purpose, index), &filter, &nodes, err))
		deploy_nodeset_free(nodes);
	else if (nodes)
		fix(play, frame, purpose, index, nodes);
	else
		look_for(play, frame, purpose, index, &filter, err);
	free(name);
	deploy_filter_release(&filter);
	return !err->code && nodes && has_nodes(frame, purpose, index, nodes, err);
}

bool dp_set_ready(
	struct deploy_play *play, struct dp_frame *frame, size_t index, struct deploy_error *err)
{
	struct dp_play_set *set = &frame->scope->sets[index];

	if (set->nodes)
		return has_nodes(frame, DP_FOR_SET, index, set->nodes, err);
	if (set->is_asked) {
		set->waiting = dp_grow(set->waiting, &set->waiting_cap, set->waiting_count + 1,
			sizeof(set->waiting[0]));
		set->waiting[set->waiting_count++] = frame;
		frame->pending++;
		return false;
	}
	if (resolve(play, frame, DP_FOR_SET, index, err))
		return true;
	set->is_asked = !err->code;
	return false;
}

void dp_set_found(struct deploy_play *play, const struct dp_task_note *note,
	const struct deploy_nodeset *nodes)
{
	struct dp_frame *frame = note->frame;
	struct dp_play_set *set =
		note->purpose == DP_FOR_SET ? &frame->scope->sets[note->index] : NULL;

	if (nodes)
		fix(play, frame, note->purpose, note->index, deploy_nodeset_copy(nodes));
	dp_frame_queue(play, frame);
	if (!set)
		return;
	for (size_t i = 0; i < set->waiting_count; i++) {
		set->waiting[i]->pending--;
		dp_frame_queue(play, set->waiting[i]);
	}
	set->waiting_count = 0;
	set->is_asked = nodes != NULL;
}

/* Sets that the step's expressions name. */
struct wanted {
	struct deploy_play *play;
	struct dp_frame *frame;
	struct deploy_error *err;
	bool is_ready;
};

static void want(void *arg, const struct deploy_expr_use *use)
{
	struct wanted *wanted = arg;
	const struct deploy_playbook *book = wanted->frame->scope->book;

	for (size_t i = 0; strcmp(use->name, "sets") == 0 && i < book->set_count; i++)
		if ((!use->field || strcmp(use->field, book->sets[i].name) == 0) &&
			!wanted->err->code &&
			!dp_set_ready(wanted->play, wanted->frame, i, wanted->err))
			wanted->is_ready = false;
}

static bool step_nodes_ready(struct deploy_play *play, struct dp_frame *frame,
	const struct deploy_step_nodes *nodes, enum dp_purpose own, struct deploy_error *err)
{
	const struct deploy_nodeset *found = own == DP_FOR_OWN ? frame->at.own : frame->at.over;
	bool is_ready = true;

	for (size_t i = 0; i < nodes->set_count && !err->code; i++)
		is_ready = dp_set_ready(play, frame, nodes->sets[i], err) && is_ready;
	if (err->code || !nodes->selection)
		return is_ready;
	return (found ? has_nodes(frame, own, 0, found, err) : resolve(play, frame, own, 0, err)) &&
	       is_ready;
}

bool dp_when_ready(struct deploy_play *play, struct dp_frame *frame, struct deploy_error *err)
{
	struct wanted wanted = {play, frame, err, true};

	dp_when_uses(dp_frame_step(frame), want, &wanted);
	return wanted.is_ready && !err->code;
}

bool dp_sets_ready(struct deploy_play *play, struct dp_frame *frame, struct deploy_error *err)
{
	const struct deploy_step *step = dp_frame_step(frame);
	struct wanted wanted = {play, frame, err, true};
	bool is_ready;

	dp_step_uses(step, false, want, &wanted);
	/* A filter of its own may name them: they come first. */
	if (!wanted.is_ready || err->code)
		return false;
	is_ready = step_nodes_ready(play, frame, &step->nodes, DP_FOR_OWN, err);
	is_ready = step_nodes_ready(play, frame, &step->over, DP_FOR_OVER, err) && is_ready;
	return is_ready && !err->code;
}

static const struct deploy_nodeset *group_of(const struct dp_frame *frame)
{
	for (; frame; frame = frame->up)
		if (frame->group)
			return frame->group;
	return NULL;
}

struct deploy_nodeset *dp_sets_nodes(struct deploy_play *play, const struct dp_frame *frame,
	const struct deploy_step_nodes *nodes, const struct deploy_nodeset *own)
{
	struct deploy_nodeset *all = deploy_nodeset_new();

	for (size_t i = 0; i < nodes->set_count; i++)
		deploy_nodeset_unite(all, frame->scope->sets[nodes->sets[i]].nodes);
	if (nodes->has_group && group_of(frame))
		deploy_nodeset_unite(all, group_of(frame));
	if (own)
		deploy_nodeset_unite(all, own);
	dp_play_leave_out(play, all);
	return all;
}

void dp_play_leave_out(const struct deploy_play *play, struct deploy_nodeset *nodes)
{
	struct deploy_nodeset *out = deploy_nodeset_new();
	struct deploy_error ignored = {.code = DEPLOY_OK};
	size_t at;

	for (size_t i = 0; play->dropped.count && i < deploy_nodeset_count(nodes); i++)
		if (dp_strset_find(&play->dropped, deploy_nodeset_get(nodes, i), &at))
			(void)deploy_nodeset_add(out, deploy_nodeset_get(nodes, i), &ignored);
	deploy_nodeset_subtract(nodes, out);
	deploy_nodeset_free(out);
}

void dp_play_drop(struct deploy_play *play, const struct deploy_nodeset *nodes)
{
	for (size_t i = 0; i < deploy_nodeset_count(nodes); i++)
		(void)dp_strset_add(&play->dropped, deploy_nodeset_get(nodes, i));
}
