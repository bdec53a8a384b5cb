/* Assignments, one node after the other. */
#include "assigned.h"

#include <string.h>

struct reading {
	json_t *map;
	const struct deploy_nodeset *nodes;
};

static json_t *entry_of(json_t *map, const char *node)
{
	json_t *entry = json_object_get(map, node);

	if (entry)
		return entry;
	entry = json_pack("{s:{}}", "facts");
	(void)json_object_set_new(map, node, entry);
	return entry;
}

static int take(void *arg, const struct deploy_assignment *assignment)
{
	struct reading *reading = arg;
	const char *node = assignment->node, *value = assignment->value;
	json_t *entry;
	size_t index;

	if (reading->nodes && !deploy_nodeset_find(reading->nodes, node, strlen(node), &index))
		return 0;
	entry = entry_of(reading->map, node);
	if (strcmp(assignment->fact, DEPLOY_ASSIGNED_ENVIRONMENT) == 0) {
		(void)json_object_set_new(entry, "environment", json_string(value));
		(void)json_object_set_new(
			entry, "is_set", json_boolean(assignment->pushed_at_us != 0));
		return 0;
	}
	(void)json_object_set_new(json_object_get(entry, "facts"), assignment->fact,
		strcmp(value, ASSIGNED_NOTHING) == 0 ? json_null() : json_string(value));
	return 0;
}

int assigned_read(json_t **out, const struct deploy_state *state,
	const struct deploy_nodeset *nodes, struct deploy_error *err)
{
	struct reading reading = {.map = json_object(), .nodes = nodes};
	struct deploy_assignment_query query = {0};

	if (nodes && deploy_nodeset_count(nodes) == 1)
		query.node = deploy_nodeset_get(nodes, 0);
	if (deploy_state_each_assignment(state, &query, take, &reading, err)) {
		json_decref(reading.map);
		return err->code;
	}
	*out = reading.map;
	return 0;
}

bool assigned_get(struct assigned *out, const json_t *map, const char *node)
{
	const json_t *entry = json_object_get(map, node);

	*out = (struct assigned){.facts = json_object_get(entry, "facts"),
		.environment = json_string_value(json_object_get(entry, "environment")),
		.has_environment = json_is_true(json_object_get(entry, "is_set"))};
	return entry != NULL;
}
