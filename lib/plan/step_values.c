/* Values that only steps have. */
#include <string.h>

#include "plan/reader.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

void dp_plan_read_id(struct dp_plan_reader *r, const struct dp_spot *spot, void *field)
{
	const char *id = NULL;

	dp_plan_read_name(r, spot, &id);
	for (size_t i = 0; id && i < r->names.count; i++) {
		const struct dp_plan_name *name = &r->names.items[i];

		if (name->kind == DP_NAME_STEP && strcmp(name->step->id, id) == 0) {
			dp_flaw(&r->source, spot, "step %s has this id already",
				name->step->number);
			return;
		}
	}
	if (id)
		*(const char **)field = id;
}

void dp_plan_read_until(struct dp_plan_reader *r, const struct dp_spot *spot, void *field)
{
	unsigned sees = r->sees;

	r->sees |= DP_SEES_REPLY;
	dp_plan_read_expr(r, spot, field);
	r->sees = sees;
}

void dp_plan_read_wait(struct dp_plan_reader *r, const struct dp_spot *spot, void *field)
{
	unsigned sees = r->sees;

	r->sees |= DP_SEES_PROBES;
	dp_plan_read_expr(r, spot, field);
	r->sees = sees;
}

void dp_plan_read_window(struct dp_plan_reader *r, const struct dp_spot *spot, void *field)
{
	long long value;

	if (dp_plan_read_integer(r, spot, 1, DEPLOY_MAX_NODES, &value))
		*(unsigned *)field = (unsigned)value;
}

void dp_plan_read_tries(struct dp_plan_reader *r, const struct dp_spot *spot, void *field)
{
	long long value;

	if (dp_plan_read_integer(r, spot, 1, 1000, &value))
		*(unsigned *)field = (unsigned)value;
}

/* A time, or a list of growing ones. */
void dp_plan_read_try_sleep(struct dp_plan_reader *r, const struct dp_spot *spot, void *field)
{
	struct deploy_step *step = field;
	size_t count = json_is_array(spot->value) ? json_array_size(spot->value) : 1;
	json_t *value;
	size_t i;

	if (count == 0)
		dp_flaw(&r->source, spot, "an empty list");
	step->try_sleeps_ms = dp_plan_array(r, count, sizeof(*step->try_sleeps_ms));
	step->try_sleep_count = count;
	if (!json_is_array(spot->value))
		dp_plan_read_pause(r, spot, step->try_sleeps_ms);
	json_array_foreach(spot->value, i, value)
	{
		const struct dp_spot item = {.up = spot, .value = value, .index = i};

		dp_plan_read_pause(r, &item, &step->try_sleeps_ms[i]);
	}
	if (count)
		step->policy.try_sleep_ms = step->try_sleeps_ms[0];
}

void dp_plan_read_ok_codes(struct dp_plan_reader *r, const struct dp_spot *spot, void *field)
{
	struct deploy_step *step = field;
	json_t *value;
	size_t i;

	if (!dp_spot_is_a(&r->source, spot, JSON_ARRAY, "a list of status codes"))
		return;
	if (json_array_size(spot->value) == 0)
		dp_flaw(&r->source, spot, "an empty list");
	step->ok_codes = dp_plan_array(r, json_array_size(spot->value), sizeof(*step->ok_codes));
	json_array_foreach(spot->value, i, value)
	{
		const struct dp_spot item = {.up = spot, .value = value, .index = i};
		long long code;

		if (dp_plan_read_integer(r, &item, 0, 255, &code))
			step->ok_codes[step->ok_code_count++] = (int)code;
	}
}

void dp_plan_read_on_failure(struct dp_plan_reader *r, const struct dp_spot *spot, void *field)
{
	static const char *const words[] = {[DEPLOY_ON_FAILURE_STOP] = "stop",
		[DEPLOY_ON_FAILURE_DROP_NODES] = "drop_nodes",
		[DEPLOY_ON_FAILURE_CONTINUE] = "continue"};
	const char *text = dp_spot_text(&r->source, spot, "stop, drop_nodes or continue");

	for (size_t i = 0; text && i < COUNT(words); i++) {
		if (strcmp(words[i], text) == 0) {
			*(enum deploy_on_failure *)field = (enum deploy_on_failure)i;
			return;
		}
	}
	if (text)
		dp_flaw(&r->source, spot, "expected stop, drop_nodes or continue%s",
			dp_plan_meant(r, text, words, COUNT(words)));
}

void dp_plan_read_set(struct dp_plan_reader *r, const struct dp_spot *spot, void *field)
{
	struct deploy_step *step = field;
	const char *name;
	json_t *value;

	if (!dp_spot_is_a(&r->source, spot, JSON_OBJECT, "a mapping"))
		return;
	if (json_object_size(spot->value) == 0)
		dp_flaw(&r->source, spot, "sets nothing");
	step->act = spot->value;
	json_object_foreach(spot->value, name, value)
	{
		const struct dp_spot var = {.up = spot, .value = value, .key = name};

		if (!dp_plan_is_name(name))
			dp_flaw_quoted(&r->source, &var, name,
				"cannot be a name: expected letters, digits and _, no digit in "
				"front, no word of Lua");
		dp_plan_read_expr(r, &var, NULL);
	}
	json_object_foreach(spot->value, name, value) dp_plan_add_name(r, DP_NAME_VAR, name, step);
}

void dp_plan_read_later(struct dp_plan_reader *r, const struct dp_spot *spot, void *field)
{
	(void)field;
	dp_flaw(&r->source, spot, "%s comes in a later version", spot->key);
}
