/* Putting a DDL together: see ddl_parts.h. */
#include "model/ddl_parts.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "deploy/error.h"

static int refuse(struct deploy_error *err, const char *what, const char *key, const char *why)
{
	return deploy_error_set(err, DEPLOY_INPUT, "%s%s%s", what, key, why);
}

/* A property that is a text; NULL after setting err. */
static const char *get_text(
	const json_t *properties, const char *what, const char *key, struct deploy_error *err)
{
	const json_t *value = json_object_get(properties, key);

	if (!value)
		(void)deploy_error_set(err, DEPLOY_INPUT, "%s has no %s", what, key);
	else if (!json_is_string(value))
		(void)deploy_error_set(err, DEPLOY_INPUT, "%s: its %s is no text", what, key);
	return json_string_value(value);
}

/* Of the metadata. Versions are often written as numbers. */
static int set_word(
	char **field, const json_t *properties, const char *key, struct deploy_error *err)
{
	const json_t *value = json_object_get(properties, key);
	char *text = NULL;

	if (!value)
		return refuse(err, "metadata has no ", key, "");
	if (json_is_string(value))
		text = dp_xstrdup(json_string_value(value));
	else if (json_is_number(value))
		text = json_dumps(value, JSON_ENCODE_ANY | JSON_REAL_PRECISION(15));
	else if (json_is_null(value))
		text = dp_xstrdup("");
	if (!text)
		return refuse(err, "metadata: ", key, " is no text");
	free(*field);
	*field = text;
	return 0;
}

static int set_timeout(struct deploy_ddl *ddl, const json_t *value, struct deploy_error *err)
{
	double seconds = json_number_value(value);

	if (!value)
		return refuse(err, "metadata has no timeout", "", "");
	if (!json_is_number(value) || !(seconds >= 0) || seconds > 86400.0 * 365)
		return refuse(err, "metadata: timeout is no number of seconds", "", "");
	ddl->timeout_s = (unsigned)seconds + ((unsigned)seconds < seconds);
	return 0;
}

int dp_ddl_set_metadata(struct deploy_ddl *ddl, const json_t *properties, struct deploy_error *err)
{
	if (set_word(&ddl->name, properties, "name", err) ||
		set_word(&ddl->description, properties, "description", err) ||
		set_word(&ddl->author, properties, "author", err) ||
		set_word(&ddl->license, properties, "license", err) ||
		set_word(&ddl->version, properties, "version", err) ||
		set_word(&ddl->url, properties, "url", err))
		return err->code;
	return set_timeout(ddl, json_object_get(properties, "timeout"), err);
}

struct deploy_ddl_action *dp_ddl_add_action(struct deploy_ddl *ddl, const char *name)
{
	struct deploy_ddl_action *action;

	for (size_t i = 0; i < ddl->action_count; i++)
		if (strcmp(ddl->actions[i].name, name) == 0)
			return &ddl->actions[i];
	ddl->actions = dp_grow(
		ddl->actions, &ddl->action_cap, ddl->action_count + 1, sizeof(*ddl->actions));
	action = &ddl->actions[ddl->action_count++];
	*action =
		(struct deploy_ddl_action){.name = dp_xstrdup(name), .description = dp_xstrdup("")};
	return action;
}

void dp_ddl_describe(struct deploy_ddl_action *action, const char *description)
{
	free(action->description);
	action->description = dp_xstrdup(description);
}

static void release_input(struct deploy_ddl_input *input)
{
	free(input->name);
	free(input->prompt);
	free(input->description);
	free(input->type_name);
	free(input->regex);
	free(input->validator);
	json_decref(input->preset);
	json_decref(input->list);
}

static void release_output(struct deploy_ddl_output *output)
{
	free(output->name);
	free(output->description);
	free(output->display_as);
	free(output->type);
	json_decref(output->preset);
}

static void release_aggregate(struct deploy_ddl_aggregate *aggregate)
{
	free(aggregate->function);
	free(aggregate->output);
	free(aggregate->format);
	json_decref(aggregate->arguments);
}

static void forget_inputs(struct deploy_ddl_action *action)
{
	for (size_t i = 0; i < action->input_count; i++)
		release_input(&action->inputs[i]);
	for (size_t i = 0; i < action->aggregate_count; i++)
		release_aggregate(&action->aggregates[i]);
	action->input_count = action->aggregate_count = 0;
}

void dp_ddl_untype(struct deploy_ddl_action *action, const char *why)
{
	forget_inputs(action);
	if (!action->untyped_why)
		action->untyped_why = dp_xstrdup(why);
}

static void release_action(struct deploy_ddl_action *action)
{
	forget_inputs(action);
	for (size_t i = 0; i < action->output_count; i++)
		release_output(&action->outputs[i]);
	free(action->inputs);
	free(action->outputs);
	free(action->aggregates);
	free(action->name);
	free(action->description);
	free(action->untyped_why);
}

void deploy_ddl_free(struct deploy_ddl *ddl)
{
	if (!ddl)
		return;
	for (size_t i = 0; i < ddl->action_count; i++)
		release_action(&ddl->actions[i]);
	free(ddl->actions);
	free(ddl->agent);
	free(ddl->path);
	free(ddl->name);
	free(ddl->description);
	free(ddl->author);
	free(ddl->license);
	free(ddl->version);
	free(ddl->url);
	free(ddl);
}

/* Inputs. */

static const char *const type_names[] = {[DEPLOY_TYPE_STRING] = "string",
	[DEPLOY_TYPE_INTEGER] = "integer",
	[DEPLOY_TYPE_FLOAT] = "float",
	[DEPLOY_TYPE_NUMBER] = "number",
	[DEPLOY_TYPE_BOOLEAN] = "boolean",
	[DEPLOY_TYPE_LIST] = "list",
	[DEPLOY_TYPE_ARRAY] = "array",
	[DEPLOY_TYPE_HASH] = "hash"};

static enum deploy_ddl_type find_type(const char *name)
{
	for (size_t i = 0; i < sizeof(type_names) / sizeof(type_names[0]); i++)
		if (strcmp(type_names[i], name) == 0)
			return (enum deploy_ddl_type)i;
	/* Choria's own agents write these two with a capital. */
	if (strcmp(name, "Hash") == 0)
		return DEPLOY_TYPE_HASH;
	return strcmp(name, "Array") == 0 ? DEPLOY_TYPE_ARRAY : DEPLOY_TYPE_OTHER;
}

static char *copy_text(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? dp_xstrdup(text) : NULL;
}

static int set_validation(
	struct deploy_ddl_input *input, const json_t *properties, struct deploy_error *err)
{
	const json_t *value = json_object_get(properties, "validation");

	if (!value)
		return deploy_error_set(err, DEPLOY_INPUT,
			"input %s is a string without "
			"validation",
			input->name);
	input->regex = copy_text(value, "regex");
	input->validator = copy_text(value, "validator");
	input->list = json_incref(json_object_get(value, "list"));
	if (!input->regex && !input->validator && !input->list && !json_is_null(value))
		return deploy_error_set(err, DEPLOY_INPUT,
			"input %s: its validation is neither text, symbol, regular expression nor "
			"list",
			input->name);
	return 0;
}

static int set_maxlength(
	struct deploy_ddl_input *input, const json_t *value, struct deploy_error *err)
{
	const char *text = json_string_value(value);
	long long length = json_integer_value(value);

	if (!value)
		return deploy_error_set(
			err, DEPLOY_INPUT, "input %s is a string without maxlength", input->name);
	if (text && *text && strlen(text) < 10 && strspn(text, "0123456789") == strlen(text))
		length = strtoll(text, NULL, 10);
	else if (!json_is_integer(value) && !json_is_null(value))
		return deploy_error_set(err, DEPLOY_INPUT,
			"input %s: its maxlength is no whole number", input->name);
	input->maxlength = length > 0 ? (size_t)length : 0;
	return 0;
}

static int set_rules(
	struct deploy_ddl_input *input, const json_t *properties, struct deploy_error *err)
{
	json_t *list = json_object_get(properties, "list");

	if (input->type == DEPLOY_TYPE_STRING)
		return set_validation(input, properties, err) ||
				       set_maxlength(
					       input, json_object_get(properties, "maxlength"), err)
			       ? (int)err->code
			       : 0;
	if (input->type != DEPLOY_TYPE_LIST)
		return 0;
	if (!json_is_array(list))
		return deploy_error_set(
			err, DEPLOY_INPUT, "input %s is of a list that is none", input->name);
	input->list = json_incref(list);
	return 0;
}

/* Ruby has everything but nil and false for true. */
static bool is_true(const json_t *value)
{
	return value && !json_is_null(value) && !json_is_false(value);
}

static json_t *get_preset(const json_t *properties)
{
	json_t *value = json_object_get(properties, "default");

	return json_is_null(value) ? NULL : json_incref(value);
}

static int fill_input(struct deploy_ddl_input *input, const char *name, const json_t *properties,
	struct deploy_error *err)
{
	char what[160];
	const char *prompt, *description, *type;

	(void)snprintf(what, sizeof(what), "input %.140s", name);
	prompt = get_text(properties, what, "prompt", err);
	description = get_text(properties, what, "description", err);
	type = get_text(properties, what, "type", err);
	if (err->code)
		return err->code;
	*input = (struct deploy_ddl_input){.name = dp_xstrdup(name),
		.prompt = dp_xstrdup(prompt),
		.description = dp_xstrdup(description),
		.type = find_type(type),
		.type_name = dp_xstrdup(type),
		.is_optional = is_true(json_object_get(properties, "optional")),
		.preset = get_preset(properties)};
	return set_rules(input, properties, err);
}

int dp_ddl_add_input(struct deploy_ddl_action *action, const char *name, const json_t *properties,
	struct deploy_error *err)
{
	struct deploy_ddl_input input = {NULL};
	size_t i;

	if (fill_input(&input, name, properties, err)) {
		release_input(&input);
		return err->code;
	}
	for (i = 0; i < action->input_count && strcmp(action->inputs[i].name, name) != 0; i++)
		continue;
	if (i < action->input_count) {
		release_input(&action->inputs[i]);
	} else {
		action->inputs = dp_grow(action->inputs, &action->input_cap, ++action->input_count,
			sizeof(*action->inputs));
	}
	action->inputs[i] = input;
	return 0;
}

int dp_ddl_add_output(struct deploy_ddl_action *action, const char *name, const json_t *properties,
	struct deploy_error *err)
{
	char what[160];
	const char *description, *display_as;
	const json_t *type = json_object_get(properties, "type");
	size_t i;

	(void)snprintf(what, sizeof(what), "output %.140s", name);
	description = get_text(properties, what, "description", err);
	display_as = get_text(properties, what, "display_as", err);
	if (err->code)
		return err->code;
	for (i = 0; i < action->output_count && strcmp(action->outputs[i].name, name) != 0; i++)
		continue;
	if (i < action->output_count) {
		release_output(&action->outputs[i]);
	} else {
		action->outputs = dp_grow(action->outputs, &action->output_cap,
			++action->output_count, sizeof(*action->outputs));
	}
	action->outputs[i] = (struct deploy_ddl_output){.name = dp_xstrdup(name),
		.description = dp_xstrdup(description),
		.display_as = dp_xstrdup(display_as),
		.type = dp_xstrdup(json_is_string(type) ? json_string_value(type) : ""),
		.preset = get_preset(properties)};
	return 0;
}

int dp_ddl_add_aggregate(struct deploy_ddl_action *action, const char *function, const char *output,
	const json_t *arguments, const json_t *format, struct deploy_error *err)
{
	json_t *rest = NULL;
	const json_t *inner = json_object_get(arguments, "format");

	if (!format || json_is_null(format))
		format = inner;
	if (format && !json_is_string(format) && !json_is_null(format))
		return refuse(err, "aggregate ", function, ": its format is no text");
	if (json_object_size(arguments) > (inner ? 1u : 0u)) {
		rest = json_copy((json_t *)(uintptr_t)arguments);
		(void)json_object_del(rest, "format");
	}
	action->aggregates = dp_grow(action->aggregates, &action->aggregate_cap,
		action->aggregate_count + 1, sizeof(*action->aggregates));
	action->aggregates[action->aggregate_count++] = (struct deploy_ddl_aggregate){
		.function = dp_xstrdup(function),
		.output = dp_xstrdup(output),
		.arguments = rest,
		.format = json_is_string(format) ? dp_xstrdup(json_string_value(format)) : NULL};
	return 0;
}

int dp_ddl_set_display(struct deploy_ddl_action *action, const char *name, struct deploy_error *err)
{
	/* flatten is about the layout of mco's output, which ours is not. */
	static const struct {
		const char *name;
		enum deploy_ddl_display display;
	} names[] = {{"failed", DEPLOY_DISPLAY_FAILED}, {"ok", DEPLOY_DISPLAY_OK},
		{"always", DEPLOY_DISPLAY_ALWAYS}, {"flatten", DEPLOY_DISPLAY_ALWAYS}};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(names[i].name, name) == 0) {
			action->display = names[i].display;
			return 0;
		}
	}
	return refuse(err, "display ", name, " is none of ok, failed, always");
}
