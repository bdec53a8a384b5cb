/* What kind of value a key of our own file has, and how texts are made of it. */
#include "model/config_own_value.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "deploy/text.h"

struct deploy_place dp_own_place(const struct dp_own *own, struct dp_own_spot spot)
{
	return spot.key ? deploy_yaml_value(own->doc, spot.parent, spot.key)
			: deploy_yaml_item(own->doc, spot.parent, spot.index);
}

char *dp_own_origin(const struct dp_own *own, struct dp_own_spot spot)
{
	struct deploy_place place;

	if (own->is_check)
		return dp_xstrdup("");
	place = dp_own_place(own, spot);
	return dp_xasprintf("%s:%u:%u", own->path, place.line, place.column);
}

struct dp_own_spot dp_own_at_key(const json_t *object, const char *key, json_t *value)
{
	return (struct dp_own_spot){.value = value, .name = key, .parent = object, .key = key};
}

struct dp_own_spot dp_own_at_item(const json_t *array, size_t index, const char *name)
{
	return (struct dp_own_spot){.value = json_array_get(array, index),
		.name = name,
		.parent = array,
		.index = index};
}

int dp_own_wrong(const struct dp_own *own, struct dp_own_spot spot, struct deploy_error *err,
	const char *wants)
{
	if (json_is_null(spot.value))
		return deploy_yaml_fail(own->doc, dp_own_place(own, spot), DEPLOY_CONFIG, err,
			"%s has no value", spot.name);
	return deploy_yaml_fail(own->doc, dp_own_place(own, spot), DEPLOY_CONFIG, err,
		"%s wants %s", spot.name, wants);
}

static void say(struct dp_own *own, struct dp_said *said, struct dp_own_spot spot, const char *text)
{
	dp_said_set_text(said, text, dp_xstrdup(spot.name), dp_own_origin(own, spot));
}

static bool is_text(const json_t *value)
{
	return json_string_length(value) > 0;
}

static int say_text(
	struct dp_own *own, struct dp_said *said, struct dp_own_spot spot, struct deploy_error *err)
{
	if (json_is_string(spot.value) && !is_text(spot.value))
		return deploy_yaml_fail(own->doc, dp_own_place(own, spot), DEPLOY_CONFIG, err,
			"%s is empty", spot.name);
	if (!is_text(spot.value)) {
		(void)dp_own_wrong(own, spot, err, "a text");
		if (json_is_number(spot.value) || json_is_boolean(spot.value))
			deploy_error_hint(err, "put it in quotes");
		return err->code;
	}
	say(own, said, spot, json_string_value(spot.value));
	return 0;
}

static int say_number(struct dp_own *own, struct dp_said *said, enum dp_key_kind kind,
	struct dp_own_spot spot, struct deploy_error *err)
{
	bool is_time = kind != DP_KIND_NUMBER;
	char text[400];

	if (is_time && is_text(spot.value))
		return say_text(own, said, spot, err);
	if (json_is_integer(spot.value))
		(void)snprintf(text, sizeof(text), "%" JSON_INTEGER_FORMAT,
			json_integer_value(spot.value));
	else if (is_time && json_is_real(spot.value))
		/* What is not 0 must not look like it. */
		(void)snprintf(text, sizeof(text), "%.*f",
			json_real_value(spot.value) < 0.001 ? 9 : 3, json_real_value(spot.value));
	else
		return dp_own_wrong(own, spot, err,
			is_time ? "a time: a number of seconds, or a text such as 90s"
				: "a whole number");
	say(own, said, spot, text);
	return 0;
}

/* words: room for one more than the list has. Borrows. */
static int list_texts(const struct dp_own *own, const char **words, struct dp_own_spot spot,
	const char *wants, struct deploy_error *err)
{
	size_t index;
	json_t *item;

	if (!json_array_size(spot.value))
		return dp_own_wrong(own, spot, err, wants);
	json_array_foreach(spot.value, index, item)
	{
		if (!is_text(item))
			return dp_own_wrong(
				own, dp_own_at_item(spot.value, index, spot.name), err, wants);
		words[index] = json_string_value(item);
	}
	return 0;
}

static int say_list(
	struct dp_own *own, struct dp_said *said, struct dp_own_spot spot, struct deploy_error *err)
{
	size_t count = json_array_size(spot.value);
	const char **words = dp_xcalloc(count + 1, sizeof(*words));
	int rc = list_texts(own, words, spot, "a list of texts", err);

	if (!rc)
		dp_said_set(said, words, count, dp_xstrdup(spot.name), dp_own_origin(own, spot));
	free(words);
	return rc;
}

/* Relative to the folder of the file; caller frees. */
static char *full_path(const struct dp_own *own, const char *path)
{
	const char *slash = strrchr(own->path, '/');

	if (path[0] == '/' || !slash)
		return dp_xstrdup(path);
	return dp_xasprintf("%.*s%s", (int)(slash - own->path) + 1, own->path, path);
}

/* Nothing that stands where a secret may stand is repeated. */
static int refuse_secret(
	const struct dp_own *own, struct dp_own_spot spot, struct deploy_error *err)
{
	const char *dot = strrchr(spot.name, '.'), *key = dot ? dot + 1 : spot.name;

	if (json_is_string(spot.value) || json_is_number(spot.value))
		(void)deploy_yaml_fail(own->doc, dp_own_place(own, spot), DEPLOY_CONFIG, err,
			"%s is a secret, which does not stand here itself", spot.name);
	else
		(void)dp_own_wrong(own, spot, err,
			"to be told where it is: one of file: PATH, env: NAME, cmd: [PROGRAM, …]");
	deploy_error_hint(err, "%s: {file: /etc/deployctl/%s}", key, key);
	return err->code;
}

static int say_command(struct dp_own *own, struct dp_said *said, struct dp_own_spot spot,
	json_t *list, struct deploy_error *err)
{
	size_t count = json_array_size(list);
	const char **words = dp_xcalloc(count + 2, sizeof(*words));
	struct dp_own_spot at = dp_own_at_key(spot.value, "cmd", list);
	int rc = list_texts(own, words + 1, at, "a list of texts, the program first", err);

	words[0] = "cmd";
	if (!rc)
		dp_said_set(
			said, words, count + 1, dp_xstrdup(spot.name), dp_own_origin(own, spot));
	free(words);
	return rc;
}

static int say_secret(
	struct dp_own *own, struct dp_said *said, struct dp_own_spot spot, struct deploy_error *err)
{
	json_t *file = json_object_get(spot.value, "file"),
	       *env = json_object_get(spot.value, "env");
	json_t *cmd = json_object_get(spot.value, "cmd");
	const char *words[2];
	char *path = NULL;

	if (json_object_size(spot.value) == 1 && cmd)
		return say_command(own, said, spot, cmd, err);
	if (json_object_size(spot.value) != 1 || (!is_text(file) && !is_text(env)))
		return refuse_secret(own, spot, err);
	words[0] = file ? "file" : "env";
	words[1] = file ? (path = full_path(own, json_string_value(file))) : json_string_value(env);
	dp_said_set(said, words, 2, dp_xstrdup(spot.name), dp_own_origin(own, spot));
	free(path);
	return 0;
}

static int say_file(
	struct dp_own *own, struct dp_said *said, struct dp_own_spot spot, struct deploy_error *err)
{
	char *path;
	int rc = json_is_array(spot.value) ? say_list(own, said, spot, err)
					   : say_text(own, said, spot, err);

	for (size_t i = 0; !rc && i < said->count; i++) {
		path = full_path(own, said->items[i]);
		free(said->items[i]);
		said->items[i] = path;
	}
	return rc;
}

int dp_own_say(struct dp_own *own, struct dp_said *said, enum dp_key_kind kind,
	struct dp_own_spot spot, struct deploy_error *err)
{
	switch (kind) {
	case DP_KIND_TEXT:
	case DP_KIND_WORD:
	case DP_KIND_NAME:
	case DP_KIND_FACT:
	case DP_KIND_URL:
		return say_text(own, said, spot, err);
	case DP_KIND_FILE:
		if (json_is_array(spot.value))
			return dp_own_wrong(own, spot, err, "one file");
		return say_file(own, said, spot, err);
	case DP_KIND_NAMES:
	case DP_KIND_PATHS:
		return say_list(own, said, spot, err);
	case DP_KIND_SECRET:
		return say_secret(own, said, spot, err);
	case DP_KIND_NUMBER:
	case DP_KIND_SECONDS:
	case DP_KIND_TIME:
		return say_number(own, said, kind, spot, err);
	case DP_KIND_YES:
		if (!json_is_boolean(spot.value))
			return dp_own_wrong(own, spot, err, "true or false");
		say(own, said, spot, json_is_true(spot.value) ? "true" : "false");
		return 0;
	case DP_KIND_BROKERS:
		break;
	}
	return deploy_error_set(err, DEPLOY_BUG, "%s is no plain value", spot.name);
}

int dp_own_unknown(const struct dp_own *own, struct dp_own_spot spot, const char *key,
	const char *const *names, size_t count, struct deploy_error *err)
{
	const char *close = deploy_text_suggest(key, names, count);

	(void)deploy_yaml_fail(own->doc, deploy_yaml_key(own->doc, spot.value, key), DEPLOY_CONFIG,
		err, "unknown key '%s' of %s", key, spot.name);
	if (close)
		deploy_error_hint(err, "did you mean '%s'?", close);
	return err->code;
}

size_t dp_own_find_name(const char *name, const char *const *names, size_t count)
{
	size_t i = 0;

	while (i < count && strcmp(names[i], name) != 0)
		i++;
	return i;
}

int dp_own_say_tls(struct dp_own *own, struct dp_said *parts, struct dp_own_spot spot,
	struct deploy_error *err)
{
	static const char *const names[] = {"ca", "cert", "key"};
	const char *key;
	json_t *value;

	if (!json_is_object(spot.value) && !json_is_false(spot.value))
		return dp_own_wrong(
			own, spot, err, "{ca: FILE}, perhaps with cert and key, or false");
	say(own, &parts[DP_BROKER_TLS], spot, json_is_object(spot.value) ? "true" : "false");
	json_object_foreach(spot.value, key, value)
	{
		size_t i = dp_own_find_name(key, names, 3);
		struct dp_own_spot at = dp_own_at_key(spot.value, key, value);

		if (i == 3)
			return dp_own_unknown(own, spot, key, names, 3, err);
		if (i > 0 && json_is_array(value))
			return dp_own_wrong(own, at, err, "one file");
		if (say_file(own, &parts[DP_BROKER_CA + i], at, err))
			return err->code;
	}
	return 0;
}

int dp_own_read_value(
	struct dp_own *own, enum dp_key_id id, struct dp_own_spot spot, struct deploy_error *err)
{
	spot.name = dp_keys[id].name;
	switch (id) {
	case DP_KEY_BROKERS:
		own->brokers = spot;
		return 0;
	case DP_KEY_USER:
		return say_text(own, &own->block.parts[DP_BROKER_USER], spot, err);
	case DP_KEY_PASSWORD:
		return say_secret(own, &own->block.parts[DP_BROKER_PASSWORD], spot, err);
	case DP_KEY_TLS:
		return dp_own_say_tls(own, own->block.parts, spot, err);
	default:
		return dp_own_say(own, &own->source->keys[id], dp_keys[id].kind, spot, err);
	}
}
