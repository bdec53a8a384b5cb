/* What an earlier process of the run has left. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "play/play_parts.h"

struct past_set {
	char *name;
	struct deploy_nodeset *nodes;
};

struct deploy_past {
	json_t *tasks; /* label → {"ended", "ok", "nodes": node → state, "data": node → data} */
	struct past_set *sets;
	size_t set_count, set_cap;
};

struct deploy_past *deploy_past_new(void)
{
	struct deploy_past *past = dp_xcalloc(1, sizeof(*past));

	past->tasks = json_object();
	return past;
}

void deploy_past_free(struct deploy_past *past)
{
	if (!past)
		return;
	for (size_t i = 0; i < past->set_count; i++) {
		free(past->sets[i].name);
		deploy_nodeset_free(past->sets[i].nodes);
	}
	free(past->sets);
	json_decref(past->tasks);
	free(past);
}

void deploy_past_add_nodes(
	struct deploy_past *past, const char *name, const struct deploy_nodeset *nodes)
{
	past->sets =
		dp_grow(past->sets, &past->set_cap, past->set_count + 1, sizeof(past->sets[0]));
	past->sets[past->set_count++] =
		(struct past_set){dp_xstrdup(name), deploy_nodeset_copy(nodes)};
}

const struct deploy_nodeset *dp_past_nodes(const struct deploy_past *past, const char *name)
{
	for (size_t i = 0; past && i < past->set_count; i++)
		if (strcmp(past->sets[i].name, name) == 0)
			return past->sets[i].nodes;
	return NULL;
}

static json_t *entry(struct deploy_past *past, const char *label)
{
	json_t *task = json_object_get(past->tasks, label);

	if (task)
		return task;
	task = json_pack("{s:{}, s:{}}", "nodes", "data");
	(void)json_object_set_new(past->tasks, label, task);
	return json_object_get(past->tasks, label);
}

void deploy_past_add_task(struct deploy_past *past, const char *label, bool has_ended, bool is_ok)
{
	json_t *task = entry(past, label);

	(void)json_object_set_new(task, "ended", json_boolean(has_ended));
	(void)json_object_set_new(task, "ok", json_boolean(has_ended && is_ok));
}

void deploy_past_add_outcome(struct deploy_past *past, const char *label, const char *node,
	enum deploy_outcome_state state, json_t *data)
{
	json_t *task = entry(past, label);

	(void)json_object_set_new(
		json_object_get(task, "nodes"), node, json_integer((json_int_t)state));
	if (data)
		(void)json_object_set(json_object_get(task, "data"), node, data);
	else
		(void)json_object_del(json_object_get(task, "data"), node);
}

bool dp_past_knows(const struct deploy_past *past, const char *label)
{
	return past && json_object_get(past->tasks, label);
}

bool dp_past_is_done(const struct deploy_past *past, const char *label, bool *is_ok)
{
	const json_t *task = past ? json_object_get(past->tasks, label) : NULL;

	*is_ok = json_is_true(json_object_get(task, "ok"));
	return json_is_true(json_object_get(task, "ended"));
}

bool dp_past_outcome(const struct deploy_past *past, const char *label, const char *node,
	enum deploy_outcome_state *state, json_t **data)
{
	const json_t *task = past ? json_object_get(past->tasks, label) : NULL;
	const json_t *known = json_object_get(json_object_get(task, "nodes"), node);

	*data = json_object_get(json_object_get(task, "data"), node);
	if (known)
		*state = (enum deploy_outcome_state)json_integer_value(known);
	return known != NULL;
}
