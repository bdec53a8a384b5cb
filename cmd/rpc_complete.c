/* What may be typed behind "deployctl rpc": agents, actions, inputs and their few values. */
#include "rpc_complete.h"

#include <stdio.h>
#include <string.h>

/* "key=" of an input that is not typed yet, or "key=value" where there are few values. */
static void offer_input(struct completion *completion, const struct deploy_ddl_input *input)
{
	static const char *const truths[] = {"true", "false"};
	char text[300];
	size_t len = strlen(input->name), index;
	const json_t *member;

	if (strncmp(completion_word(completion), input->name, len) != 0 ||
		completion_word(completion)[len] != '=') {
		(void)snprintf(text, sizeof(text), "%s=", input->name);
		completion_offer(completion, text, input->prompt);
		return;
	}
	for (size_t i = 0; input->type == DEPLOY_TYPE_BOOLEAN && i < 2; i++) {
		(void)snprintf(text, sizeof(text), "%s=%s", input->name, truths[i]);
		completion_offer(completion, text, NULL);
	}
	json_array_foreach(input->list, index, member)
	{
		if (!json_is_string(member))
			continue;
		(void)snprintf(text, sizeof(text), "%s=%s", input->name, json_string_value(member));
		completion_offer(completion, text, NULL);
	}
}

static bool is_typed(struct args operands, const char *input)
{
	size_t len = strlen(input);

	for (int i = 2; i < operands.count; i++)
		if (strncmp(operands.values[i], input, len) == 0 &&
			(operands.values[i][len] == '=' || operands.values[i][len] == ':'))
			return true;
	return false;
}

static void offer_of_ddl(
	struct completion *completion, const struct deploy_ddl *ddl, struct args operands)
{
	struct deploy_error ignored = {0};
	const struct deploy_ddl_action *action;

	for (size_t i = 0; operands.count == 1 && i < ddl->action_count; i++)
		completion_offer(completion, ddl->actions[i].name, ddl->actions[i].description);
	action = operands.count > 1 ? deploy_ddl_action(ddl, operands.values[1], &ignored) : NULL;
	for (size_t i = 0; action && i < action->input_count; i++)
		if (!is_typed(operands, action->inputs[i].name))
			offer_input(completion, &action->inputs[i]);
}

void rpc_complete(struct completion *completion, struct args operands)
{
	const struct deploy_config *config = completion_config(completion);
	struct deploy_error ignored = {0};
	struct deploy_ddl *ddl = NULL;

	if (operands.count == 0) {
		completion_offer_agents(completion);
		return;
	}
	(void)deploy_ddl_find(
		&ddl, config->ddl_dirs, config->ddl_dir_count, operands.values[0], &ignored);
	if (ddl)
		offer_of_ddl(completion, ddl, operands);
	deploy_ddl_free(ddl);
}
