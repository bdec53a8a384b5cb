/* Any text as a node set: what is taken must print to a text that reads back as the same set. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "deploy/nodeset.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int holds)
{
	if (!holds)
		abort();
}

static void check_order(const struct deploy_nodeset *set)
{
	size_t index;

	for (size_t i = 0; i < deploy_nodeset_count(set); i++) {
		const char *name = deploy_nodeset_get(set, i);

		require(deploy_identity_is_valid(name, strlen(name)));
		require(i == 0 || strcmp(deploy_nodeset_get(set, i - 1), name) < 0);
		require(deploy_nodeset_find(set, name, strlen(name), &index) && index == i);
	}
}

static void check_fold(struct deploy_nodeset *set)
{
	struct deploy_nodeset *again = deploy_nodeset_new();
	struct deploy_error err = {.code = DEPLOY_OK};
	char *text = deploy_nodeset_print(set);

	require((deploy_nodeset_count(set) == 0) == (text[0] == '\0'));
	if (text[0]) {
		require(deploy_nodeset_parse(again, text, &err) == 0);
		require(deploy_nodeset_count(again) == deploy_nodeset_count(set));
		deploy_nodeset_subtract(again, set);
		require(deploy_nodeset_count(again) == 0);
	}
	free(text);
	deploy_nodeset_free(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct deploy_nodeset *set = deploy_nodeset_new();
	struct deploy_error err = {.code = DEPLOY_OK};
	char *text = malloc(size + 1);

	memcpy(text, data, size);
	text[size] = '\0';
	if (deploy_nodeset_parse(set, text, &err) == 0) {
		check_order(set);
		check_fold(set);
	} else {
		require(err.code == DEPLOY_INPUT && strstr(err.text, "column"));
		require(deploy_nodeset_count(set) == 0);
	}
	free(text);
	deploy_nodeset_free(set);
	return 0;
}
