/*
 * The agent puppet on a simulated node: its runs are over at once, and say that they took 12 s and
 * ended in the next second, so that they are ours.
 * Source: the published agents.
 */
#include "node.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"

static json_int_t now(const struct loop_node *node)
{
	return (json_int_t)(dp_wall_us() / 1000 + node->clock_ms) / 1000;
}

static void refuse(struct loop_result *result, const char *text, const char *message)
{
	result->code = 1;
	(void)snprintf(result->message, sizeof(result->message), "%s%s", text, message);
}

static json_t *status(const struct loop_node *node)
{
	bool is_enabled = !node->disable_message;

	return json_pack("{s:b, s:b, s:b, s:b, s:I, s:I, s:s, s:s, s:s}", "applying", 0, "enabled",
		is_enabled, "daemon_present", 0, "idling", 0, "lastrun",
		(json_int_t)node->puppet_lastrun, "since_lastrun",
		now(node) - (json_int_t)node->puppet_lastrun, "disable_message",
		is_enabled ? "" : node->disable_message, "status",
		is_enabled ? "stopped" : "disabled", "message", "Currently so");
}

static json_t *summary(const struct loop_node *node)
{
	bool is_there = node->puppet != LOOP_UNCOMPILED;
	json_t *logs = json_pack("[{s:s, s:s, s:s, s:I}]", "level", is_there ? "notice" : "err",
		"source", "Puppet", "msg",
		is_there ? "Applied catalog" : "Could not retrieve catalog", "time",
		(json_int_t)node->puppet_lastrun);

	return json_pack("{s:I, s:i, s:i, s:i, s:i, s:f, s:s, s:o}", "lastrun",
		(json_int_t)node->puppet_lastrun, "total_resources", is_there ? 120 : 0,
		"changed_resources", is_there ? 3 : 0, "failed_resources",
		node->puppet == LOOP_FAILING ? 2 : 0, "out_of_sync_resources", is_there ? 5 : 0,
		"total_time", is_there ? 12.0 : 0.0, "config_version", "1a2b", "logs", logs);
}

static json_t *run(struct loop_result *result, struct loop_node *node)
{
	if (node->disable_message) {
		refuse(result, "Puppet is disabled: ", node->disable_message);
		return NULL;
	}
	/* No two runs end in the same second. */
	node->puppet_lastrun =
		node->puppet_lastrun > now(node) ? node->puppet_lastrun + 1 : now(node) + 1;
	node->has_changed = true;
	return json_pack(
		"{s:I, s:s}", "initiated_at", now(node), "summary", "Started a Puppet run");
}

static json_t *set_enabled(struct loop_result *result, struct loop_node *node, const char *message)
{
	if (!message == !node->disable_message) {
		refuse(result,
			message ? "Could not disable Puppet: Already disabled"
				: "Could not enable Puppet: Already enabled",
			"");
	} else {
		node->disable_message = message ? node->disable_room : NULL;
		(void)snprintf(node->disable_room, sizeof(node->disable_room), "%s",
			message ? message : "");
		node->has_changed = true;
	}
	return json_pack("{s:b}", "enabled", !node->disable_message);
}

bool loop_puppet_act(struct loop_result *result, struct loop_node *node, const char *action,
	const json_t *inputs)
{
	const char *message = json_string_value(json_object_get(inputs, "message"));

	if (strcmp(action, "status") == 0)
		result->data = status(node);
	else if (strcmp(action, "last_run_summary") == 0)
		result->data = summary(node);
	else if (strcmp(action, "runonce") == 0)
		result->data = run(result, node);
	else if (strcmp(action, "enable") == 0)
		result->data = set_enabled(result, node, NULL);
	else if (strcmp(action, "disable") == 0)
		result->data =
			set_enabled(result, node, message ? message : "Disabled via MCollective");
	else
		return false;
	return true;
}
