/*
 * Any bytes as a cluster file: either it is refused in one line, or flaws have pointers, or the
 * roles have only what nodes take; and the facts that they come to are the words of the rows.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "deploy/cluster.h"
#include "deploy/nodeset.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int holds)
{
	if (!holds)
		abort();
}

static void check_value(const char *value)
{
	require(strlen(value) <= DEPLOY_FACT_MAX_BYTES);
	require(strspn(value, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
			      "-_.:/ ") == strlen(value));
}

static void check_roles(const struct deploy_roles *roles)
{
	enum deploy_layer last = DEPLOY_LAYER_BATCH;

	require(deploy_roles_count(roles) > 0);
	for (size_t i = 0; i < deploy_roles_count(roles); i++) {
		const struct deploy_role *role = deploy_roles_get(roles, i);

		require(deploy_identity_is_valid(role->node, strlen(role->node)));
		require(role->layer >= last && role->layer < DEPLOY_LAYER_NONE);
		require(strncmp(role->pointer, "/cluster_layout/", 16) == 0);
		require(*role->collection && *role->role);
		check_value(role->role);
		check_value(role->entity);
		last = role->layer;
	}
}

static void check_facts(const struct deploy_roles *roles)
{
	static const char *const names[] = {"collection", "category", "role", "entity"};
	json_t *items = deploy_roles_facts(roles, names), *item, *value;
	const char *key;
	size_t i;

	require(json_array_size(items) > 0 && json_array_size(items) <= deploy_roles_count(roles));
	json_array_foreach(items, i, item)
	{
		json_t *facts = json_object_get(item, "facts");

		require(json_object_size(facts) >= 3);
		json_object_foreach(facts, key, value)
		{
			require(json_string_length(value) > 0);
			check_value(json_string_value(value));
		}
	}
	json_decref(items);
}

static void check_flaws(const struct deploy_roles *roles, size_t count)
{
	for (size_t i = 0; i < count && i < DEPLOY_MAX_FLAWS; i++) {
		const struct deploy_flaw *flaw = deploy_roles_flaw(roles, i);

		require(*flaw->pointer == '/' || *flaw->pointer == '\0');
		require(*flaw->text && !strpbrk(flaw->text, "\r\n\033"));
		require((flaw->place.line == 0) == (flaw->place.column == 0));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct deploy_error err = {.code = DEPLOY_OK};
	struct deploy_roles *roles = deploy_roles_new();
	int rc = deploy_roles_read(roles, "t", (const char *)data, size, &err);

	if (rc) {
		require(rc == DEPLOY_INPUT && err.code == rc);
		require(strncmp(err.text, "t:", 2) == 0 && !strpbrk(err.text, "\r\n"));
	} else if (deploy_roles_flaw_count(roles)) {
		check_flaws(roles, deploy_roles_flaw_count(roles));
	} else {
		check_roles(roles);
		check_facts(roles);
	}
	deploy_roles_free(roles);
	return 0;
}
