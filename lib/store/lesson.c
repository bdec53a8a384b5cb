/*
 * The answers of the agent rpcutil. A node says what it likes; what has not the shape that the DDL
 * promises is left alone. Source: rpcutil.ddl and rpcutil.rb of MCollective 2.12.
 */
#include "store/lesson.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"

static char *print(const json_t *value, const char *what)
{
	size_t size = json_dumpb(value, NULL, 0, JSON_COMPACT);

	if (size <= DP_MAX_LESSON)
		return json_dumps(value, JSON_COMPACT);
	dp_log(DEPLOY_LOG_WARN, "%s of more than %d bytes are not kept", what, DP_MAX_LESSON);
	return NULL;
}

static char *print_facts(const json_t *facts)
{
	return json_is_object(facts) ? print(facts, "facts") : NULL;
}

/* An array of strings; key: of objects that have their name there. */
static char *print_names(const json_t *list, const char *key, const char *what)
{
	json_t *names = json_array();
	bool is_good = json_is_array(list);
	char *text;

	for (size_t i = 0; i < json_array_size(list); i++) {
		json_t *item = json_array_get(list, i);
		json_t *name = key ? json_object_get(item, key) : item;

		is_good = is_good && json_is_string(name);
		if (is_good)
			(void)json_array_append(names, name);
	}
	text = is_good ? print(names, what) : NULL;
	json_decref(names);
	return text;
}

/* The name is the one that was asked for: a node may not speak of another. */
static char *print_fact(const struct deploy_request *request, const json_t *data)
{
	const char *name = json_string_value(json_object_get(request->inputs, "fact"));
	json_t *value = json_object_get(data, "value"), *facts;
	char *text;

	if (!name || !value)
		return NULL;
	facts = json_object();
	(void)json_object_set(facts, name, value);
	text = print_facts(facts);
	json_decref(facts);
	return text;
}

void dp_lesson_take(struct dp_lesson *lesson, const struct deploy_request *request,
	const struct deploy_outcome *outcome)
{
	const json_t *data = outcome->data;

	*lesson = (struct dp_lesson){.facts = NULL};
	if (outcome->state != DEPLOY_OUTCOME_OK || !json_is_object(data) || !request ||
		!request->action || strcmp(request->agent, "rpcutil") != 0)
		return;
	if (strcmp(request->action, "get_fact") == 0) {
		lesson->facts = print_fact(request, data);
	} else if (strcmp(request->action, "get_facts") == 0) {
		lesson->facts = print_facts(json_object_get(data, "values"));
	} else if (strcmp(request->action, "agent_inventory") == 0) {
		lesson->agents = print_names(json_object_get(data, "agents"), "agent", "agents");
	} else if (strcmp(request->action, "inventory") == 0) {
		lesson->facts = print_facts(json_object_get(data, "facts"));
		lesson->classes = print_names(json_object_get(data, "classes"), NULL, "classes");
		lesson->agents = print_names(json_object_get(data, "agents"), NULL, "agents");
		lesson->is_whole = lesson->facts && lesson->classes && lesson->agents;
	}
}

void dp_lesson_release(struct dp_lesson *lesson)
{
	free(lesson->facts);
	free(lesson->classes);
	free(lesson->agents);
	*lesson = (struct dp_lesson){.facts = NULL};
}

size_t dp_lesson_bytes(const struct dp_lesson *lesson)
{
	return (lesson->facts ? strlen(lesson->facts) : 0) +
	       (lesson->classes ? strlen(lesson->classes) : 0) +
	       (lesson->agents ? strlen(lesson->agents) : 0);
}
