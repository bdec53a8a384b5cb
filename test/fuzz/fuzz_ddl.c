/*
 * Any bytes as a DDL: JSON if they begin with "{", Ruby's text otherwise. What is taken is complete
 * and within its limits, can be written as JSON, and judges inputs; what is refused is said in one
 * line.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "deploy/ddl.h"

#define MAX_BYTES (16 * 1024)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int holds)
{
	if (!holds)
		abort();
}

/* Give every input the text "1", or what it becomes. */
static json_t *fill(const struct deploy_ddl_action *action)
{
	json_t *inputs = json_object();

	for (size_t i = 0; i < action->input_count; i++) {
		struct deploy_error err = {.code = DEPLOY_OK};
		json_t *value = NULL;

		require(action->inputs[i].name && action->inputs[i].prompt &&
			action->inputs[i].description && action->inputs[i].type_name);
		if (deploy_ddl_convert(&value, &action->inputs[i], "1", &err) == 0)
			(void)json_object_set_new(inputs, action->inputs[i].name, value);
		else
			require(err.code == DEPLOY_INPUT && value == NULL);
	}
	return inputs;
}

static void use(const struct deploy_ddl_action *action)
{
	struct deploy_error err = {.code = DEPLOY_OK};
	struct deploy_aggregate *aggregate = deploy_aggregate_new(action);
	json_t *inputs = fill(action), *warnings = json_array();

	require(!action->untyped_why || action->input_count == 0);
	if (deploy_ddl_check(action, inputs, warnings, &err))
		require(err.code == DEPLOY_INPUT && err.text[0] && !strpbrk(err.text, "\r\n"));
	if (aggregate) {
		char *text;

		for (size_t i = 0; i < action->output_count; i++) {
			json_t *output = json_pack("{s:i}", action->outputs[i].name, (int)i - 1);

			deploy_aggregate_add(aggregate, output);
			json_decref(output);
		}
		text = deploy_aggregate_print(aggregate);
		require(text != NULL);
		free(text);
	}
	deploy_aggregate_free(aggregate);
	json_decref(inputs);
	json_decref(warnings);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct deploy_error err = {.code = DEPLOY_OK};
	struct deploy_ddl *ddl = NULL;
	json_t *json;

	if (size > MAX_BYTES)
		return 0;
	if (deploy_ddl_read(&ddl, size && data[0] == '{' ? "x.json" : "x.ddl", (const char *)data,
		    size, &err)) {
		require(!ddl && err.code == DEPLOY_INPUT && err.text[0] &&
			!strpbrk(err.text, "\r\n"));
		return 0;
	}
	json = deploy_ddl_json(ddl);
	require(json_array_size(json_object_get(json, "actions")) == ddl->action_count);
	json_decref(json);
	for (size_t i = 0; i < ddl->action_count && i < 100; i++)
		use(&ddl->actions[i]);
	deploy_ddl_free(ddl);
	return 0;
}
