/* A plan as JSON: what its file says, and what reading it made of that: numbers, ids and kinds. */
#include "deploy/playbook.h"

#include <stdlib.h>
#include <string.h>

#include "deploy/text.h"

static json_t *json_of_steps(const struct deploy_steps *steps);

static json_t *json_of_lanes(const struct deploy_step *step)
{
	json_t *lanes = json_array();

	for (size_t i = 0; i < step->lane_count; i++)
		(void)json_array_append_new(
			lanes, json_pack("{s:o}", "steps", json_of_steps(&step->lanes[i])));
	return lanes;
}

static json_t *json_of_step(const struct deploy_step *step)
{
	json_t *item = json_pack("{s:s, s:s, s:s}", "number", step->number, "id", step->id, "kind",
		deploy_step_kind_name(step->kind));

	(void)json_object_update_missing(item, step->source);
	if (step->steps.count)
		(void)json_object_set_new(item, "steps", json_of_steps(&step->steps));
	if (step->always.count)
		(void)json_object_set_new(item, "always", json_of_steps(&step->always));
	if (step->lane_count)
		(void)json_object_set_new(item, "parallel", json_of_lanes(step));
	if (step->plan)
		(void)json_object_set_new(item, "content", deploy_playbook_json(step->plan));
	return item;
}

static json_t *json_of_steps(const struct deploy_steps *steps)
{
	json_t *items = json_array();

	for (size_t i = 0; i < steps->count; i++)
		(void)json_array_append_new(items, json_of_step(&steps->items[i]));
	return items;
}

json_t *deploy_playbook_json(const struct deploy_playbook *book)
{
	const struct {
		const char *name;
		const struct deploy_steps *steps;
	} lists[] = {{"steps", &book->steps}, {"on_success", &book->on_success},
		{"on_failure", &book->on_failure}, {"always", &book->always}};
	json_t *whole = json_copy(deploy_yaml_root(book->doc));

	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
		if (lists[i].steps->count)
			(void)json_object_set_new(
				whole, lists[i].name, json_of_steps(lists[i].steps));
	return whole;
}

void deploy_playbook_digest(char out[DEPLOY_DIGEST_SIZE], const struct deploy_playbook *book)
{
	json_t *whole = deploy_playbook_json(book);
	char *text = json_dumps(whole, JSON_COMPACT);

	deploy_text_digest(out, text ? text : "", text ? strlen(text) : 0);
	free(text);
	json_decref(whole);
}
