/* Secrets: wherever one stands in what is told of a run, it is replaced before anybody learns it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "deploy/text.h"
#include "play/play_parts.h"

#define MASK	 "***"
#define MIN_PART 4  /* bytes of a secret that is looked for in other text */
#define CUT_PART 16 /* … that show it already: whoever quotes a value may have cut it off */

/* Errors quote it escaped. */
static void hide_text(struct deploy_play *play, const char *text, size_t len)
{
	char *escaped = deploy_text_escape(text, len);

	(void)dp_strset_add(&play->secrets, text);
	(void)dp_strset_add(&play->secrets, escaped);
	free(escaped);
}

void deploy_play_hide(struct deploy_play *play, json_t *value)
{
	const char *key;
	json_t *item;
	size_t i;

	if (json_is_string(value) && json_string_length(value) > 0)
		hide_text(play, json_string_value(value), json_string_length(value));
	if (json_is_number(value)) {
		char *text = json_dumps(value, JSON_ENCODE_ANY);

		(void)dp_strset_add(&play->secrets, text);
		free(text);
	}
	json_array_foreach(value, i, item) deploy_play_hide(play, item);
	json_object_foreach(value, key, item) deploy_play_hide(play, item);
}

/* Mark what text shows of the secret; true if it shows any of it. */
static bool mark(bool *marks, const char *text, const char *secret)
{
	size_t len = strlen(secret), least = len < CUT_PART ? len : CUT_PART;
	bool has_found = len < MIN_PART && strcmp(text, secret) == 0;

	if (has_found)
		memset(marks, true, len);
	for (const char *at = len < MIN_PART ? NULL : strchr(text, secret[0]); at;
		at = strchr(at + 1, secret[0])) {
		size_t common = 0;

		while (at[common] && at[common] == secret[common])
			common++;
		if (common < least)
			continue;
		memset(marks + (at - text), true, common);
		has_found = true;
	}
	return has_found;
}

/* NULL if there is nothing to hide in text. Secrets may stand in each other, and overlap. */
static char *masked(const struct deploy_play *play, const char *text)
{
	size_t len = text ? strlen(text) : 0, out = 0;
	bool *marks = len && play->secrets.count ? dp_xcalloc(len, sizeof(*marks)) : NULL;
	bool has_found = false;
	char *made = NULL;

	for (size_t i = 0; marks && i < play->secrets.count; i++)
		has_found = mark(marks, text, play->secrets.items[i]) || has_found;
	if (has_found)
		made = dp_xcalloc(1, len + sizeof(MASK));
	for (size_t i = 0; made && i < len; i++) {
		if (!marks[i]) {
			made[out++] = text[i];
		} else if (i == 0 || !marks[i - 1]) {
			memcpy(made + out, MASK, sizeof(MASK) - 1);
			out += sizeof(MASK) - 1;
		}
	}
	free(marks);
	return made;
}

void dp_mask_text(const struct deploy_play *play, char *text, size_t size)
{
	char *made = masked(play, text);

	if (made)
		(void)snprintf(text, size, "%s", made);
	free(made);
}

static json_t *mask_json(const struct deploy_play *play, json_t *value);

static json_t *mask_object(const struct deploy_play *play, json_t *value)
{
	json_t *made = json_object(), *item;
	const char *key;

	json_object_foreach(value, key, item)
	{
		char *name = masked(play, key);

		(void)json_object_set_new(made, name ? name : key, mask_json(play, item));
		free(name);
	}
	return made;
}

/* A copy that holds no secret; numbers are looked at as they are printed. */
static json_t *mask_json(const struct deploy_play *play, json_t *value)
{
	json_t *made, *item;
	char *text = NULL, *hidden;
	size_t i;

	if (json_is_object(value))
		return mask_object(play, value);
	if (json_is_array(value)) {
		made = json_array();
		json_array_foreach(value, i, item)(void)
			json_array_append_new(made, mask_json(play, item));
		return made;
	}
	if (json_is_number(value))
		text = json_dumps(value, JSON_ENCODE_ANY);
	hidden = masked(play, text ? text : json_string_value(value));
	made = hidden ? json_string(hidden) : json_incref(value);
	free(hidden);
	free(text);
	return made;
}

/* Keys whose values a step declares secret; data is a copy that is ours. */
static void mask_keys(const struct deploy_step *step, json_t *data)
{
	for (size_t i = 0; step && i < step->secret.count; i++)
		if (json_object_get(data, step->secret.items[i]))
			(void)json_object_set_new(data, step->secret.items[i], json_string(MASK));
}

static void forget_masked(struct deploy_play *play)
{
	free(play->masked_text);
	free(play->masked_message);
	json_decref(play->masked_data);
	play->masked_text = play->masked_message = NULL;
	play->masked_data = NULL;
}

void dp_mask_release(struct deploy_play *play)
{
	forget_masked(play);
	dp_strset_release(&play->secrets);
}

const struct deploy_event *deploy_play_mask(
	struct deploy_play *play, const struct deploy_event *event)
{
	const struct deploy_step *step = deploy_play_step(play, event->task);

	if (!play->secrets.count && !(step && step->secret.count))
		return event;
	forget_masked(play);
	play->masked = *event;
	play->masked_text = masked(play, event->text);
	if (play->masked_text)
		play->masked.text = play->masked_text;
	if (!event->outcome)
		return &play->masked;
	play->masked_outcome = *event->outcome;
	play->masked.outcome = &play->masked_outcome;
	play->masked_message = masked(play, event->outcome->message);
	if (play->masked_message)
		play->masked_outcome.message = play->masked_message;
	if (event->outcome->data) {
		play->masked_data = mask_json(play, event->outcome->data);
		/* Ours alone, unless it is no object, and then it has no keys. */
		mask_keys(step, play->masked_data);
		play->masked_outcome.data = play->masked_data;
	}
	return &play->masked;
}
