/* Where something is in a file, and what is wrong there. */
#include "model/spot.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "deploy/text.h"

#define MAX_POINTER (64 * 1024 * 1024) /* bytes; keys may be as long as files */
#define QUOTED	    60		       /* bytes of foreign text that a message repeats */

struct dp_spot dp_spot_member(const struct dp_spot *object, const char *key)
{
	return (struct dp_spot){
		.up = object, .value = json_object_get(object->value, key), .key = key};
}

/* RFC 6901. */
static void print_pointer(struct dp_buf *text, const struct dp_spot *spot)
{
	if (!spot->up)
		return;
	print_pointer(text, spot->up);
	dp_buf_add_byte(text, '/');
	if (!spot->key)
		dp_buf_addf(text, "%zu", spot->index);
	for (const char *c = spot->key; c && *c; c++) {
		if (*c == '~' || *c == '/')
			dp_buf_add_text(text, *c == '~' ? "~0" : "~1");
		else
			dp_buf_add_byte(text, *c);
	}
}

const char *dp_spot_pointer(const struct dp_source *source, const struct dp_spot *spot)
{
	struct dp_buf text;

	dp_buf_init(&text, MAX_POINTER);
	print_pointer(&text, spot);
	return dp_flaws_own(source->flaws, dp_buf_take(&text));
}

/* Of what is missing: the place of what lacks it. */
static struct deploy_place place_of(const struct dp_source *source, const struct dp_spot *spot)
{
	static const struct deploy_place unknown = {0, 0}, begin = {1, 1};

	for (; source->doc && spot->up; spot = spot->up) {
		struct deploy_place place =
			spot->key ? deploy_yaml_value(source->doc, spot->up->value, spot->key)
				  : deploy_yaml_item(source->doc, spot->up->value, spot->index);

		if (place.line)
			return place;
	}
	return source->doc ? begin : unknown;
}

void dp_flaws_release(struct dp_flaws *flaws)
{
	for (size_t i = 0; i < flaws->text_count; i++)
		free(flaws->texts[i]);
	free(flaws->texts);
}

const char *dp_flaws_own(struct dp_flaws *flaws, char *text)
{
	flaws->texts = dp_grow(
		flaws->texts, &flaws->text_cap, flaws->text_count + 1, sizeof(*flaws->texts));
	flaws->texts[flaws->text_count++] = text;
	return text;
}

/* Count a flaw; false if there are too many to tell it. */
static bool count_flaw(struct dp_flaws *flaws)
{
	return ++flaws->count <= DEPLOY_MAX_FLAWS;
}

static void tell(const struct dp_source *source, const struct dp_spot *spot,
	struct deploy_place place, char *text)
{
	struct dp_flaws *flaws = source->flaws;

	flaws->told[flaws->told_count++] = (struct deploy_flaw){.file = source->file,
		.place = place,
		.pointer = dp_spot_pointer(source, spot),
		.text = dp_flaws_own(flaws, text)};
}

void dp_flaw(const struct dp_source *source, const struct dp_spot *spot, const char *format, ...)
{
	char text[2 * DP_WHY_BYTES];
	va_list args;

	if (!count_flaw(source->flaws))
		return;
	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	tell(source, spot, place_of(source, spot), dp_xstrdup(text));
}

void dp_flaw_quoted(const struct dp_source *source, const struct dp_spot *spot, const char *text,
	const char *why)
{
	size_t len = strlen(text);
	char *shown = deploy_text_escape(text, len < QUOTED ? len : QUOTED);

	dp_flaw(source, spot, "\"%s\"%s %s", shown, len > QUOTED ? "..." : "", why);
	free(shown);
}

void dp_flaw_key(const struct dp_source *source, const struct dp_spot *spot,
	const char *const *names, size_t count)
{
	struct deploy_place place = {0, 0};
	const char *meant;

	if (!count_flaw(source->flaws))
		return;
	meant = deploy_text_suggest(spot->key, names, count);
	if (source->doc)
		place = deploy_yaml_key(source->doc, spot->up->value, spot->key);
	tell(source, spot, place,
		meant ? dp_xasprintf("unknown key; did you mean %s?", meant)
		      : dp_xstrdup("unknown key"));
}

static const char *type_name(const json_t *value)
{
	switch (json_typeof(value)) {
	case JSON_OBJECT:
		return "a mapping";
	case JSON_ARRAY:
		return "a list";
	case JSON_STRING:
		return "text";
	case JSON_INTEGER:
	case JSON_REAL:
		return "a number";
	case JSON_TRUE:
	case JSON_FALSE:
		return "true or false";
	case JSON_NULL:
		return "nothing";
	}
	return "something else";
}

/* False also for what is missing, which whoever knows the keys tells. */
bool dp_spot_is_a(const struct dp_source *source, const struct dp_spot *spot, json_type type,
	const char *wanted)
{
	bool can_be_quoted;

	if (!spot->value || json_typeof(spot->value) == type)
		return spot->value != NULL;
	can_be_quoted = json_is_number(spot->value) || json_is_boolean(spot->value);
	dp_flaw(source, spot, "expected %s, found %s%s", wanted, type_name(spot->value),
		type == JSON_STRING && can_be_quoted ? "; quote it" : "");
	return false;
}

/* The text, or NULL if there is none. */
const char *dp_spot_text(
	const struct dp_source *source, const struct dp_spot *spot, const char *wanted)
{
	if (!dp_spot_is_a(source, spot, JSON_STRING, wanted))
		return NULL;
	if (json_string_length(spot->value))
		return json_string_value(spot->value);
	dp_flaw(source, spot, "expected %s, found empty text", wanted);
	return NULL;
}

/* Is it an object? If so, tell which keys are unknown, and which are missing. */
bool dp_spot_check_keys(const struct dp_source *source, const struct dp_spot *object,
	const struct dp_spot_key *keys, size_t count)
{
	const char *names[DP_SPOT_MAX_KEYS], *key;
	json_t *value;

	if (!dp_spot_is_a(source, object, JSON_OBJECT, "a mapping"))
		return false;
	for (size_t i = 0; i < count; i++) {
		const struct dp_spot missing = dp_spot_member(object, keys[i].name);

		names[i] = keys[i].name;
		if (keys[i].is_required && !missing.value)
			dp_flaw(source, &missing, "missing");
	}
	json_object_foreach(object->value, key, value)
	{
		const struct dp_spot spot = {.up = object, .value = value, .key = key};
		size_t i = 0;

		while (i < count && strcmp(key, names[i]) != 0)
			i++;
		if (i == count)
			dp_flaw_key(source, &spot, names, count);
	}
	return true;
}
