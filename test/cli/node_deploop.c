/*
 * The agent deploop on a simulated node, in the versions that there are. Source: the published
 * agents, and ours in examples/agents/deploop.
 */
#include "node.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

static const char *input(const json_t *inputs, const char *name)
{
	return json_string_value(json_object_get(inputs, name));
}

static bool set_text(json_t *object, const char *name, const char *text)
{
	const char *before = json_string_value(json_object_get(object, name));

	if (before && strcmp(before, text) == 0)
		return false;
	(void)json_object_set_new(object, name, json_string(text));
	return true;
}

static bool add_text(json_t *object, const char *name, const char *text)
{
	const char *before = json_string_value(json_object_get(object, name));
	char *both;
	bool has_changed;

	if (!before)
		return set_text(object, name, text);
	if (strstr(before, text))
		return false;
	both = dp_xasprintf("%s %s", before, text);
	has_changed = set_text(object, name, both);
	free(both);
	return has_changed;
}

static void lack(struct loop_result *result, const char *what)
{
	result->code = 4;
	(void)snprintf(result->message, sizeof(result->message), "needs a %s argument", what);
}

/* A file's name is all that it holds: https://files.example.net/NAME=VALUE */
static bool fetch(struct loop_result *result, json_t *facts, const char *url)
{
	const char *file = strrchr(url, '/'), *equals = file ? strchr(file, '=') : NULL;
	bool has_changed;
	char *name;

	if (!equals)
		return false;
	name = dp_xstrndup(file + 1, (size_t)(equals - file - 1));
	has_changed = set_text(facts, name, equals + 1);
	result->data = json_pack("{s:{s:s}}", "facts", name, equals + 1);
	free(name);
	return has_changed;
}

bool loop_deploop_act(struct loop_result *result, struct loop_node *node, const char *action,
	const json_t *inputs)
{
	json_t *facts = json_object_get(node->traits, "facts");
	const char *fact = input(inputs, "fact"), *value = input(inputs, "value");
	const char *environment = input(inputs, "env"), *url = input(inputs, "url");
	bool is_ours = node->deploop == LOOP_OURS, has_changed = false;

	if (strcmp(action, "create_fact") == 0 && fact && value)
		has_changed = node->deploop == LOOP_ADDING ? add_text(facts, fact, value)
							   : set_text(facts, fact, value);
	else if (strcmp(action, "create_fact") == 0)
		lack(result, fact ? "value" : "fact");
	else if (strcmp(action, "remove_fact") == 0 && is_ours && fact)
		has_changed = json_object_del(facts, fact) == 0;
	else if (strcmp(action, "fetch_facts") == 0 && is_ours && url)
		has_changed = fetch(result, facts, url);
	else if (strcmp(action, "puppet_environment") == 0 && environment)
		has_changed = set_text(node->traits, "environment", environment);
	else
		return false;
	node->has_changed |= has_changed;
	result->has_text_keys = true;
	if (result->code)
		return true;
	if (!result->data)
		result->data = json_object();
	(void)json_object_set_new(result->data, "response_code", json_integer(0));
	if (is_ours)
		(void)json_object_set_new(result->data, "changed", json_boolean(has_changed));
	return true;
}
