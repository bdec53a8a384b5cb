/* What an RPC step asks for, compared with the agent's DDL where one is here. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "deploy/text.h"
#include "plan/reader.h"

static int check_names(const char *agent, const char *action, struct deploy_error *err)
{
	struct deploy_request *request = NULL;
	int rc = deploy_request_new(&request, agent, action, NULL, err);

	deploy_request_free(request);
	return rc;
}

void dp_plan_read_rpc(struct dp_plan_reader *r, const struct dp_spot *spot, void *field)
{
	struct deploy_step *step = field;
	struct deploy_error err = {.code = DEPLOY_OK};
	const char *text = dp_spot_text(&r->source, spot, "agent.action");
	const char *dot = text ? strchr(text, '.') : NULL;
	char *agent;

	if (text && !dot)
		dp_flaw_quoted(&r->source, spot, text, "is no request: expected agent.action");
	if (!dot)
		return;
	agent = dp_plan_own(r, dp_xstrndup(text, (size_t)(dot - text)));
	if (check_names(agent, dot + 1, &err)) {
		dp_plan_flaw(r, spot, &err);
		return;
	}
	step->agent = agent;
	step->action = dot + 1;
}

void dp_plan_release_ddls(struct dp_plan_trip *trip)
{
	for (size_t i = 0; i < trip->ddl_count; i++) {
		free(trip->ddls[i].agent);
		deploy_ddl_free(trip->ddls[i].ddl);
	}
	free(trip->ddls);
}

/* A DDL is read once; one that cannot be read is as good as none. */
static const struct deploy_ddl *find_ddl(struct dp_plan_reader *r, const char *agent)
{
	struct dp_plan_trip *trip = r->trip;
	struct deploy_error ignored = {.code = DEPLOY_OK};
	struct dp_plan_ddl *entry;

	for (size_t i = 0; i < trip->ddl_count; i++)
		if (strcmp(trip->ddls[i].agent, agent) == 0)
			return trip->ddls[i].ddl;
	trip->ddls = dp_grow(trip->ddls, &trip->ddl_cap, trip->ddl_count + 1, sizeof(*trip->ddls));
	entry = &trip->ddls[trip->ddl_count++];
	*entry = (struct dp_plan_ddl){.agent = dp_xstrdup(agent)};
	(void)deploy_ddl_find(&entry->ddl, trip->options->ddl_dirs, trip->options->ddl_dir_count,
		agent, &ignored);
	return entry->ddl;
}

static void unknown_action(struct dp_plan_reader *r, const struct dp_spot *spot,
	const struct deploy_ddl *ddl, const char *action)
{
	const char **names = dp_xcalloc(ddl->action_count + 1, sizeof(*names));
	char *agent = deploy_text_escape(ddl->agent, strlen(ddl->agent));

	for (size_t i = 0; i < ddl->action_count; i++)
		names[i] = ddl->actions[i].name;
	dp_flaw(&r->source, spot, "agent %s has no action %.60s%.100s", agent, action,
		dp_plan_meant(r, action, names, ddl->action_count));
	free(agent);
	free(names);
}

static bool holds_template(json_t *value)
{
	const char *key;
	json_t *child;
	size_t i;

	if (json_is_string(value))
		return dp_plan_is_template(json_string_value(value));
	json_object_foreach(value, key, child) if (holds_template(child)) return true;
	json_array_foreach(value, i, child) if (holds_template(child)) return true;
	return false;
}

/* One input at a time, so that all that are wrong are told. What ${…} comes to is not known yet. */
static void check_input(struct dp_plan_reader *r, const struct dp_spot *with,
	const struct deploy_ddl_action *action, struct deploy_ddl_input *input)
{
	const struct dp_spot spot = dp_spot_member(with, input->name);
	struct deploy_ddl_action one = *action;
	struct deploy_error err = {.code = DEPLOY_OK};
	json_t *inputs;

	one.inputs = input;
	one.input_count = 1;
	if (spot.value && holds_template(spot.value))
		return;
	inputs = json_object();
	if (spot.value)
		(void)json_object_set_nocheck(inputs, input->name, spot.value);
	if (deploy_ddl_check(&one, inputs, NULL, &err))
		dp_plan_flaw(r, &spot, &err);
	json_decref(inputs);
}

/* Nodes do not complain of an input that the agent does not declare: here a slip is found. */
static void check_undeclared(struct dp_plan_reader *r, const struct dp_spot *with,
	const struct deploy_ddl_action *action)
{
	const char **names = dp_xcalloc(action->input_count + 1, sizeof(*names)), *key;
	json_t *value;

	for (size_t i = 0; i < action->input_count; i++)
		names[i] = action->inputs[i].name;
	json_object_foreach(with->value, key, value)
	{
		const struct dp_spot spot = {.up = with, .value = value, .key = key};

		if (!deploy_ddl_input(action, key))
			dp_flaw(&r->source, &spot, "action %s has no such input%.100s",
				action->name, dp_plan_meant(r, key, names, action->input_count));
	}
	free(names);
}

void dp_plan_check_rpc(
	struct dp_plan_reader *r, const struct dp_spot *spot, const struct deploy_step *step)
{
	const struct dp_spot rpc = dp_spot_member(spot, "rpc"), with = dp_spot_member(spot, "with");
	struct deploy_error ignored = {.code = DEPLOY_OK};
	const struct deploy_ddl_action *action;
	const struct deploy_ddl *ddl;

	if (!step->agent || (with.value && !json_is_object(with.value)))
		return;
	ddl = find_ddl(r, step->agent);
	if (!ddl)
		return;
	action = deploy_ddl_action(ddl, step->action, &ignored);
	if (!action)
		unknown_action(r, &rpc, ddl, step->action);
	if (!action || action->untyped_why)
		return;
	for (size_t i = 0; i < action->input_count; i++)
		check_input(r, &with, action, &action->inputs[i]);
	check_undeclared(r, &with, action);
}
