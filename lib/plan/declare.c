/* What a plan declares that it wants to be told. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/regex.h"
#include "plan/reader.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const char *const type_names[] = {"string", "integer", "number", "boolean", "list", "array"};

const char *deploy_input_type_name(enum deploy_input_type type)
{
	return type_names[type];
}

static void read_type(struct dp_plan_reader *r, const struct dp_spot *spot, void *field)
{
	const char *text = dp_spot_text(&r->source, spot, "a type");

	for (size_t i = 0; text && i < COUNT(type_names); i++) {
		if (strcmp(type_names[i], text) == 0) {
			*(enum deploy_input_type *)field = (enum deploy_input_type)i;
			return;
		}
	}
	if (text)
		dp_flaw(&r->source, spot,
			"expected string, integer, number, boolean, list or array%s",
			dp_plan_meant(r, text, type_names, COUNT(type_names)));
}

static void read_match(struct dp_plan_reader *r, const struct dp_spot *spot, void *field)
{
	const char *text = dp_spot_text(&r->source, spot, "a regular expression");
	struct deploy_error err = {.code = DEPLOY_OK};
	struct dp_regex *regex = NULL;

	if (text && dp_regex_new(&regex, text, strlen(text), false, &err))
		dp_plan_flaw(r, spot, &err);
	else if (text)
		*(const char **)field = text;
	dp_regex_free(regex);
}

static void read_values(struct dp_plan_reader *r, const struct dp_spot *spot, void *field)
{
	json_t *value;
	size_t i;

	if (!dp_spot_is_a(&r->source, spot, JSON_ARRAY, "a list"))
		return;
	if (json_array_size(spot->value) == 0)
		dp_flaw(&r->source, spot, "an empty list");
	json_array_foreach(spot->value, i, value)
	{
		const struct dp_spot item = {.up = spot, .value = value, .index = i};

		if (json_is_object(value) || json_is_array(value) || json_is_null(value))
			dp_flaw(&r->source, &item, "expected text, a number, true or false");
	}
	*(json_t **)field = spot->value;
}

static void read_preset(struct dp_plan_reader *r, const struct dp_spot *spot, void *field)
{
	(void)r;
	*(json_t **)field = spot->value;
}

/* What only makes sense together. */
static void check_together(struct dp_plan_reader *r, const struct dp_spot *spot,
	const struct deploy_playbook_input *input)
{
	const struct dp_spot match = dp_spot_member(spot, "match"),
			     preset = dp_spot_member(spot, "default"),
			     values = dp_spot_member(spot, "values");
	struct deploy_error err = {.code = DEPLOY_OK};

	if (match.value && input->type != DEPLOY_INPUT_STRING)
		dp_flaw(&r->source, &match, "only of a string");
	if (values.value && input->type != DEPLOY_INPUT_LIST)
		dp_flaw(&r->source, &values, "only of a list");
	if (input->type == DEPLOY_INPUT_LIST && !json_object_get(spot->value, "values"))
		dp_flaw(&r->source, spot, "a list needs values, of which it is one");
	if (preset.value && json_is_true(json_object_get(spot->value, "required")))
		dp_flaw(&r->source, &preset, "what is required needs no default");
	else if (preset.value && !json_is_null(preset.value) &&
		 dp_plan_input_check(input, preset.value, &err))
		dp_plan_flaw(r, &preset, &err);
}

static void read_input(
	struct dp_plan_reader *r, const struct dp_spot *spot, struct deploy_playbook_input *input)
{
#define KEY(name, read, member)                                                                    \
	{                                                                                          \
		name, read, offsetof(struct deploy_playbook_input, member), 0, false, false        \
	}
	static const struct dp_plan_key keys[] = {
		KEY("type", read_type, type),
		KEY("match", read_match, match),
		KEY("required", dp_plan_read_bool, is_optional),
		KEY("default", read_preset, preset),
		KEY("values", read_values, values),
		KEY("prompt", dp_plan_read_text, prompt),
		KEY("description", dp_plan_read_text, description),
		KEY("secret", dp_plan_read_bool, is_secret),
	};
#undef KEY

	if (!dp_plan_read_keys(r, spot, keys, COUNT(keys), input))
		return;
	/* Nobody forgets an input by chance: it is required unless the plan says otherwise. */
	input->is_optional = json_is_false(json_object_get(spot->value, "required"));
	check_together(r, spot, input);
}

void dp_plan_read_declarations(struct dp_plan_reader *r, const struct dp_spot *spot, void *field)
{
	struct deploy_playbook *book = field;
	const char *name;
	json_t *value;

	if (!dp_spot_is_a(&r->source, spot, JSON_OBJECT, "a mapping"))
		return;
	book->inputs = dp_plan_array(r, json_object_size(spot->value), sizeof(*book->inputs));
	json_object_foreach(spot->value, name, value)
	{
		const struct dp_spot input = {.up = spot, .value = value, .key = name};
		struct deploy_playbook_input *declared = &book->inputs[book->input_count++];

		declared->name = name;
		if (!dp_plan_is_name(name))
			dp_flaw_quoted(&r->source, &input, name,
				"cannot be a name: expected letters, digits and _, no digit in "
				"front, no word of Lua");
		read_input(r, &input, declared);
	}
}
