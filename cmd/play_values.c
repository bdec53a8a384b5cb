/* Values of a plan's steps, read when they are known. */
#include "play_values.h"

#include <stdlib.h>
#include <string.h>

static int wrong(const char *key, const char *wanted, struct deploy_error *err)
{
	return deploy_error_set(err, DEPLOY_INPUT, "%s: expected %s", key, wanted);
}

/* Of what follows nothing counts what is behind a NUL. */
static bool is_text(const json_t *value)
{
	size_t len = json_string_length(value);

	return len > 0 && strlen(json_string_value(value)) == len;
}

int play_text(const char **out, const json_t *values, const char *key, struct deploy_error *err)
{
	const json_t *value = json_object_get(values, key);

	if (!value)
		return 0;
	if (!is_text(value))
		return wrong(key, "text", err);
	*out = json_string_value(value);
	return 0;
}

int play_flag(bool *out, const json_t *values, const char *key, struct deploy_error *err)
{
	const json_t *value = json_object_get(values, key);

	if (!value)
		return 0;
	if (!json_is_boolean(value))
		return wrong(key, "true or false", err);
	*out = json_is_true(value);
	return 0;
}

int play_time(long long *out_ms, const json_t *values, const char *key, struct deploy_error *err)
{
	const json_t *value = json_object_get(values, key);
	char *text;

	if (!value)
		return 0;
	if (!json_is_number(value) && !is_text(value))
		return wrong(key, "a time", err);
	text = json_dumps(json_is_number(value) ? value : NULL, JSON_ENCODE_ANY);
	if (deploy_time_parse(out_ms, text ? text : json_string_value(value), err)) {
		err->code = DEPLOY_INPUT;
		deploy_error_wrap(err, "%s", key);
	}
	free(text);
	return err->code;
}

int play_texts(json_t **out, const json_t *values, const char *key, struct deploy_error *err)
{
	json_t *value = json_object_get(values, key), *item;
	size_t i;

	if (!value)
		return 0;
	if (!json_array_size(value) && !is_text(value))
		return wrong(key, "text, or a list of texts", err);
	json_array_foreach(value, i, item) if (!is_text(item)) return wrong(
		key, "a list of texts", err);
	*out = json_is_array(value) ? json_copy(value) : json_pack("[O]", value);
	return 0;
}

int play_words(
	char **out, const json_t *values, const char *key, char between, struct deploy_error *err)
{
	json_t *texts = NULL, *item;
	size_t size = 1, len = 0, i;

	if (play_texts(&texts, values, key, err) || !texts)
		return err->code;
	json_array_foreach(texts, i, item) size += json_string_length(item) + 1;
	*out = out_resize(NULL, size);
	json_array_foreach(texts, i, item)
	{
		if (len)
			(*out)[len++] = between;
		memcpy(*out + len, json_string_value(item), json_string_length(item));
		len += json_string_length(item);
	}
	(*out)[len] = '\0';
	json_decref(texts);
	return 0;
}
