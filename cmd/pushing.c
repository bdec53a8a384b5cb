/* Giving facts: who gets what, and what is known of nodes before and after. */
#include "pushing.h"

#include <stdlib.h>

#include "assigned.h"

struct deploy_nodeset *pushing_unassigned(
	const struct pushing *push, const struct deploy_nodeset *nodes)
{
	struct deploy_nodeset *without = deploy_nodeset_new();
	struct deploy_error ignored = {0};
	struct assigned assigned;

	for (size_t i = 0; i < deploy_nodeset_count(nodes); i++) {
		const char *node = deploy_nodeset_get(nodes, i);

		if (!assigned_get(&assigned, push->assigned, node))
			(void)deploy_nodeset_add(without, node, &ignored);
	}
	return without;
}

int pushing_refuse(const struct deploy_nodeset *unassigned, struct deploy_error *err)
{
	char *folded = deploy_nodeset_print(unassigned);

	deploy_error_hint(err,
		"deployctl assign-role %.200s --collection C --category L "
		"--role R",
		folded);
	(void)deploy_error_set(err, DEPLOY_INPUT, "nothing is assigned to %s", folded);
	free(folded);
	return err->code;
}

static int add_node(const struct pushing *push, struct deploy_act *act, const char *node,
	struct deploy_error *err)
{
	struct assigned assigned = {.facts = push->given};
	struct deploy_push_node wanted = {.environment = push->environment};

	if (push->assigned)
		(void)assigned_get(&assigned, push->assigned, node);
	wanted.facts = assigned.facts;
	if (!wanted.environment) {
		wanted.environment = assigned.environment;
		wanted.was_given_environment = assigned.has_environment;
	}
	return deploy_push_add(act, node, &wanted, err);
}

int pushing_add(const struct pushing *push, struct deploy_act *act,
	const struct deploy_nodeset *nodes, struct deploy_error *err)
{
	int rc = 0;

	for (size_t i = 0; i < deploy_nodeset_count(nodes) && !rc; i++)
		rc = add_node(push, act, deploy_nodeset_get(nodes, i), err);
	return rc;
}

/* As texts, and as assignments have them: what is to be gone is an empty one. */
static json_t *as_assigned(const struct assigned *assigned)
{
	json_t *facts = json_object(), *value;
	const char *name;

	json_object_foreach(assigned->facts, name, value)(void) json_object_set_new(facts, name,
		json_is_null(value) ? json_string(ASSIGNED_NOTHING) : json_incref(value));
	return facts;
}

static bool is_all_gone(const struct assigned *assigned)
{
	const char *name;
	json_t *value;

	json_object_foreach(assigned->facts, name, value) if (!json_is_null(value)) return false;
	return true;
}

/* Unless it was assigned something meanwhile, which it is still to get. */
static int free_again(struct deploy_state *state, const char *node, struct deploy_error *err)
{
	struct deploy_nodeset *one = deploy_nodeset_new();
	json_t *map = NULL;
	struct assigned now;
	int rc = deploy_nodeset_add(one, node, err);

	if (!rc)
		rc = assigned_read(&map, state, one, err);
	if (!rc && assigned_get(&now, map, node) && is_all_gone(&now))
		rc = deploy_state_unassign(state, node, err);
	json_decref(map);
	deploy_nodeset_free(one);
	return rc;
}

/* A node has what it is assigned; one that is to have nothing is free again. */
static int record_assigned(struct deploy_state *state, const char *node,
	const struct assigned *assigned, bool has_changed, struct deploy_error *err)
{
	json_t *facts;
	int rc;

	if (is_all_gone(assigned))
		return free_again(state, node, err);
	/* What it had before, and when, counts no more. */
	if (has_changed && deploy_state_unmark(state, node, NULL, err))
		return err->code;
	facts = as_assigned(assigned);
	rc = deploy_state_mark(state, DEPLOY_MARK_VERIFIED, node, facts, err);
	json_decref(facts);
	if (rc || !assigned->environment)
		return rc;
	/* Nodes do not tell it, so it cannot be read back. */
	facts = json_pack("{s:s}", DEPLOY_ASSIGNED_ENVIRONMENT, assigned->environment);
	rc = deploy_state_mark(state, DEPLOY_MARK_PUSHED, node, facts, err);
	json_decref(facts);
	return rc;
}

int pushing_record(void *arg, struct deploy_state *state, const struct deploy_event *event,
	struct deploy_error *err)
{
	const struct pushing *push = arg;
	struct assigned assigned = {.facts = push->given};
	bool has_changed = json_is_true(json_object_get(event->outcome->data, "changed"));

	if (event->outcome->state != DEPLOY_OUTCOME_OK || push->fetches)
		return 0;
	if (push->assigned && !assigned_get(&assigned, push->assigned, event->node))
		return 0;
	if (push->environment)
		assigned.environment = push->environment;
	if (deploy_state_set_facts(state, event->node, assigned.facts, err))
		return err->code;
	return push->assigned ? record_assigned(state, event->node, &assigned, has_changed, err)
			      : 0;
}

int pushing_forget(const struct pushing *push, struct deploy_state *state,
	const struct deploy_nodeset *nodes, struct deploy_error *err)
{
	const struct assigned given = {.facts = push->given};
	json_t *facts;
	int rc;

	if (push->assigned && !push->environment)
		return 0;
	facts = push->fetches ? NULL : as_assigned(&given);
	if (facts && push->environment)
		(void)json_object_set_new(
			facts, DEPLOY_ASSIGNED_ENVIRONMENT, json_string(push->environment));
	rc = deploy_state_begin(state, err);
	if (!rc) {
		for (size_t i = 0; i < deploy_nodeset_count(nodes) && !rc; i++)
			rc = deploy_state_unmark(state, deploy_nodeset_get(nodes, i), facts, err);
		rc = deploy_state_finish(state, rc, err);
	}
	json_decref(facts);
	return rc;
}
