/*
 * Any bytes as YAML: what is read has a place for everything in it, and prints to a text that
 * reads back as the same; what is refused is said in one line with its place.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "deploy/yaml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int holds)
{
	if (!holds)
		abort();
}

/* Lookups of places are linear, so only small documents are asked for all of theirs. */
#define MAX_PLACES 64

static void check_place(struct deploy_place place)
{
	require(place.line > 0 && place.column > 0);
}

static void check_places(const struct deploy_yaml *doc, json_t *value, unsigned *left)
{
	const char *key;
	json_t *child;
	size_t i;

	json_object_foreach(value, key, child)
	{
		if (!*left || !--*left)
			return;
		check_place(deploy_yaml_key(doc, value, key));
		check_place(deploy_yaml_value(doc, value, key));
		check_places(doc, child, left);
	}
	json_array_foreach(value, i, child)
	{
		if (!*left || !--*left)
			return;
		check_place(deploy_yaml_item(doc, value, i));
		check_places(doc, child, left);
	}
}

/* A text near the limit may print to one beyond it. */
static void check_print(const struct deploy_yaml *doc)
{
	struct deploy_error err = {.code = DEPLOY_OK};
	struct deploy_yaml *again = NULL;
	char *text = deploy_yaml_print(deploy_yaml_root(doc)), *twice;

	if (strlen(text) <= DEPLOY_YAML_MAX_BYTES) {
		require(deploy_yaml_read(&again, "again", text, strlen(text), &err) == 0);
		require(json_equal(deploy_yaml_root(doc), deploy_yaml_root(again)));
		twice = deploy_yaml_print(deploy_yaml_root(again));
		require(strcmp(text, twice) == 0);
		free(twice);
	}
	deploy_yaml_free(again);
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct deploy_error err = {.code = DEPLOY_OK};
	struct deploy_yaml *doc = NULL;
	unsigned left = MAX_PLACES;

	if (deploy_yaml_read(&doc, "t", (const char *)data, size, &err) == 0) {
		require(err.code == DEPLOY_OK && deploy_yaml_root(doc));
		check_places(doc, deploy_yaml_root(doc), &left);
		check_print(doc);
	} else {
		require(err.code == DEPLOY_INPUT && !doc);
		require(strncmp(err.text, "t:", 2) == 0 && err.text[2] >= '1' &&
			err.text[2] <= '9');
		require(!strpbrk(err.text, "\r\n"));
	}
	deploy_yaml_free(doc);
	return 0;
}
