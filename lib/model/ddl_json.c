/* Choria's JSON DDL: strict about types, tolerant of keys that it does not know. */
#include "model/ddl_parts.h"

#include <stdint.h>
#include <string.h>

#include "deploy/error.h"
#include "model/ddl_validators.h"

#define MAX_DEPTH 32

static bool is_deeper(const json_t *value, unsigned left)
{
	const char *key;
	json_t *inner;
	size_t i;

	if (left == 0)
		return true;
	/* jansson walks only over what it may change, and does not. */
	json_object_foreach(
		(json_t *)(uintptr_t)value, key, inner) if (is_deeper(inner, left - 1)) return true;
	json_array_foreach(value, i, inner) if (is_deeper(inner, left - 1)) return true;
	return false;
}

/* A member that must be of the type, or not be there. NULL: it is not there, or err is set. */
static const json_t *member(const json_t *object, const char *key, json_type type,
	const char *type_name, struct deploy_error *err)
{
	const json_t *value = json_object_get(object, key);

	if (!value || json_typeof(value) == type)
		return value;
	(void)deploy_error_set(err, DEPLOY_INPUT, "%s is no %s", key, type_name);
	return NULL;
}

/* The validation of a text does not say what it is: a name that is known, or else an expression. */
static void mark_validation(json_t *properties)
{
	json_t *value = json_object_get(properties, "validation");
	const char *text = json_string_value(value);

	if (json_is_array(value))
		(void)json_object_set_new(
			properties, "validation", json_pack("{s:O}", "list", value));
	else if (text)
		(void)json_object_set_new(properties, "validation",
			json_pack("{s:s}", dp_validator_is_known(text) ? "validator" : "regex",
				text));
}

static int check_optional(const json_t *properties, const char *name, struct deploy_error *err)
{
	const json_t *value = json_object_get(properties, "optional");

	if (!value || json_is_boolean(value))
		return 0;
	return deploy_error_set(err, DEPLOY_INPUT, "input %s: optional is no boolean", name);
}

static int read_inputs(
	struct deploy_ddl_action *action, const json_t *inputs, struct deploy_error *err)
{
	const char *name;
	json_t *properties;

	json_object_foreach((json_t *)(uintptr_t)inputs, name, properties)
	{
		if (!json_is_object(properties))
			return deploy_error_set(err, DEPLOY_INPUT, "input %s is no object", name);
		mark_validation(properties);
		if (check_optional(properties, name, err) ||
			dp_ddl_add_input(action, name, properties, err))
			return err->code;
	}
	return 0;
}

static int read_outputs(
	struct deploy_ddl_action *action, const json_t *outputs, struct deploy_error *err)
{
	const char *name;
	json_t *properties;

	json_object_foreach((json_t *)(uintptr_t)outputs, name,
		properties) if (dp_ddl_add_output(action, name, properties, err)) return err->code;
	return 0;
}

static int read_aggregates(
	struct deploy_ddl_action *action, const json_t *aggregates, struct deploy_error *err)
{
	const json_t *entry, *arguments, *rest;
	const char *function, *output;
	size_t i;

	json_array_foreach(aggregates, i, entry)
	{
		function = json_string_value(json_object_get(entry, "function"));
		arguments = json_object_get(entry, "args");
		output = json_string_value(json_array_get(arguments, 0));
		rest = json_array_get(arguments, 1);
		if (!function || !output || (rest && !json_is_object(rest)))
			return deploy_error_set(err, DEPLOY_INPUT,
				"aggregate %zu has not both a function and args that begin with "
				"an output",
				i + 1);
		if (dp_ddl_add_aggregate(action, function, output, rest, NULL, err))
			return err->code;
	}
	return 0;
}

static int read_body(
	struct deploy_ddl_action *action, const json_t *entry, struct deploy_error *err)
{
	const json_t *description = member(entry, "description", JSON_STRING, "text", err);
	const json_t *display = member(entry, "display", JSON_STRING, "text", err);
	const json_t *inputs = member(entry, "input", JSON_OBJECT, "object", err);
	const json_t *outputs = member(entry, "output", JSON_OBJECT, "object", err);
	const json_t *aggregates = member(entry, "aggregate", JSON_ARRAY, "list", err);

	if (err->code)
		return err->code;
	if (description)
		dp_ddl_describe(action, json_string_value(description));
	if (display && dp_ddl_set_display(action, json_string_value(display), err))
		return err->code;
	return read_inputs(action, inputs, err) || read_outputs(action, outputs, err) ||
			       read_aggregates(action, aggregates, err)
		       ? (int)err->code
		       : 0;
}

static int read_actions(struct deploy_ddl *ddl, const json_t *actions, struct deploy_error *err)
{
	const json_t *entry;
	const char *name;
	size_t i;

	json_array_foreach(actions, i, entry)
	{
		name = json_string_value(json_object_get(entry, "action"));
		if (!name)
			return deploy_error_set(err, DEPLOY_INPUT, "action %zu has no name", i + 1);
		for (size_t k = 0; k < ddl->action_count; k++)
			if (strcmp(ddl->actions[k].name, name) == 0)
				return deploy_error_set(
					err, DEPLOY_INPUT, "action %s is there twice", name);
		if (read_body(dp_ddl_add_action(ddl, name), entry, err))
			return deploy_error_wrap(err, "action %s", name);
	}
	return 0;
}

static int read_document(struct deploy_ddl *ddl, const json_t *root, struct deploy_error *err)
{
	const json_t *metadata, *actions;

	if (!json_is_object(root))
		return deploy_error_set(err, DEPLOY_INPUT, "is no object");
	if (is_deeper(root, MAX_DEPTH))
		return deploy_error_set(err, DEPLOY_INPUT, "more than %d levels", MAX_DEPTH);
	metadata = member(root, "metadata", JSON_OBJECT, "object", err);
	actions = member(root, "actions", JSON_ARRAY, "list", err);
	if (err->code)
		return err->code;
	return dp_ddl_set_metadata(ddl, metadata, err) || read_actions(ddl, actions, err)
		       ? (int)err->code
		       : 0;
}

int dp_ddl_read_json(struct deploy_ddl *ddl, const char *text, size_t len, struct deploy_error *err)
{
	json_error_t why;
	json_t *root = json_loadb(text, len, JSON_REJECT_DUPLICATES, &why);

	if (!root)
		return deploy_error_set(err, DEPLOY_INPUT, "%s:%d:%d: %s", ddl->path,
			why.line > 0 ? why.line : 1, why.column > 0 ? why.column : 1, why.text);
	if (read_document(ddl, root, err))
		(void)deploy_error_wrap(err, "%s", ddl->path);
	json_decref(root);
	return err->code;
}
