/* Single values of a plan: texts, times, numbers, amounts. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "deploy/text.h"
#include "plan/reader.h"

void *dp_plan_own(struct dp_plan_reader *r, void *block)
{
	struct deploy_playbook_own *own = r->book->own;

	own->blocks = dp_grow(own->blocks, &own->cap, own->count + 1, sizeof(*own->blocks));
	own->blocks[own->count++] = block;
	return block;
}

void *dp_plan_array(struct dp_plan_reader *r, size_t count, size_t size)
{
	return count ? dp_plan_own(r, dp_xcalloc(count, size)) : NULL;
}

void dp_plan_tell(struct dp_plan_reader *r, const struct dp_spot *spot, const char *text)
{
	char *escaped = deploy_text_escape(text, strlen(text));

	dp_flaw(&r->source, spot, "%s", escaped);
	free(escaped);
}

void dp_plan_flaw(
	struct dp_plan_reader *r, const struct dp_spot *spot, const struct deploy_error *err)
{
	dp_plan_tell(r, spot, err->text);
}

const char *dp_plan_meant(
	struct dp_plan_reader *r, const char *word, const char *const *candidates, size_t count)
{
	const char *meant = deploy_text_suggest(word, candidates, count);

	return meant ? dp_plan_own(r, dp_xasprintf("; did you mean %s?", meant)) : "";
}

bool dp_plan_is_template(const char *text)
{
	return strstr(text, "${") != NULL;
}

/* A word of Lua that is none of its own: behind a dot "end" would be a mistake. */
bool dp_plan_is_name(const char *name)
{
	static const char first[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_",
			  others[] = "0123456789";
	static const char *const words[] = {"and", "break", "do", "else", "elseif", "end", "false",
		"for", "function", "goto", "if", "in", "local", "nil", "not", "or", "repeat",
		"return", "then", "true", "until", "while"};
	size_t len = strlen(name);

	if (len == 0 || len > 60 || !strchr(first, name[0]))
		return false;
	for (size_t i = 1; i < len; i++)
		if (!strchr(first, name[i]) && !strchr(others, name[i]))
			return false;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(name, words[i]) == 0)
			return false;
	return true;
}

void dp_plan_read_text(struct dp_plan_reader *r, const struct dp_spot *spot, void *field)
{
	const char *text = dp_spot_text(&r->source, spot, "text");

	if (text && field)
		*(const char **)field = text;
}

void dp_plan_read_name(struct dp_plan_reader *r, const struct dp_spot *spot, void *field)
{
	const char *text = dp_spot_text(&r->source, spot, "a name");

	if (text && !dp_plan_is_name(text))
		dp_flaw_quoted(&r->source, spot, text,
			"cannot be a name: expected letters, digits and _, no digit in front, no "
			"word of Lua");
	else if (text)
		*(const char **)field = text;
}

void dp_plan_read_template(struct dp_plan_reader *r, const struct dp_spot *spot, void *field)
{
	const char *text = dp_spot_text(&r->source, spot, "text");

	if (text && dp_plan_check_template(r, spot, text) && field)
		*(const char **)field = text;
}

void dp_plan_read_expr(struct dp_plan_reader *r, const struct dp_spot *spot, void *field)
{
	const char *text;

	if (json_is_number(spot->value) || json_is_boolean(spot->value))
		text = dp_plan_own(r, json_dumps(spot->value, JSON_ENCODE_ANY));
	else
		text = dp_spot_text(&r->source, spot, "an expression");
	if (text && dp_plan_check_expr(r, spot, text) && field)
		*(const char **)field = text;
}

void dp_plan_read_bool(struct dp_plan_reader *r, const struct dp_spot *spot, void *field)
{
	if (!json_is_boolean(spot->value))
		(void)dp_spot_is_a(&r->source, spot, JSON_TRUE, "true or false");
	else if (field)
		*(bool *)field = json_is_true(spot->value);
}

const char *dp_plan_scalar(struct dp_plan_reader *r, const struct dp_spot *spot, const char *wanted)
{
	if (json_is_number(spot->value))
		return dp_plan_own(r, json_dumps(spot->value, JSON_ENCODE_ANY));
	return dp_spot_text(&r->source, spot, wanted);
}

static bool read_ms(struct dp_plan_reader *r, const struct dp_spot *spot, long long *ms)
{
	struct deploy_error err = {.code = DEPLOY_OK};
	const char *text = dp_plan_scalar(r, spot, "a time");

	if (text && deploy_time_parse(ms, text, &err))
		dp_plan_flaw(r, spot, &err);
	return text && !err.code;
}

void dp_plan_read_pause(struct dp_plan_reader *r, const struct dp_spot *spot, void *field)
{
	long long ms;

	if (read_ms(r, spot, &ms) && field)
		*(long long *)field = ms;
}

void dp_plan_read_time(struct dp_plan_reader *r, const struct dp_spot *spot, void *field)
{
	long long ms;

	if (!read_ms(r, spot, &ms))
		return;
	if (ms == 0)
		dp_flaw(&r->source, spot, "expected a time of more than 0");
	else if (field)
		*(long long *)field = ms;
}

bool dp_plan_read_integer(struct dp_plan_reader *r, const struct dp_spot *spot, long long min,
	long long max, long long *out)
{
	if (!dp_spot_is_a(&r->source, spot, JSON_INTEGER, "an integer"))
		return false;
	*out = json_integer_value(spot->value);
	if (*out < min || *out > max) {
		dp_flaw(&r->source, spot, "expected a number from %lld to %lld", min, max);
		return false;
	}
	return true;
}

void dp_plan_read_amount(struct dp_plan_reader *r, const struct dp_spot *spot, void *field)
{
	struct deploy_error err = {.code = DEPLOY_OK};
	const char *text = dp_plan_scalar(r, spot, "a number of nodes, or a per cent");

	if (text && deploy_amount_parse(field, text, false, &err))
		dp_plan_flaw(r, spot, &err);
}

/* One text, or a list of them. */
void dp_plan_read_texts(struct dp_plan_reader *r, const struct dp_spot *spot, void *field)
{
	struct deploy_texts *texts = field;
	json_t *value;
	size_t i;

	if (json_is_array(spot->value) && json_array_size(spot->value) == 0)
		dp_flaw(&r->source, spot, "an empty list");
	texts->items =
		dp_plan_array(r, json_is_array(spot->value) ? json_array_size(spot->value) : 1,
			sizeof(*texts->items));
	if (!json_is_array(spot->value)) {
		texts->items[0] = dp_spot_text(&r->source, spot, "text, or a list of texts");
		texts->count = texts->items[0] != NULL;
		return;
	}
	json_array_foreach(spot->value, i, value)
	{
		const struct dp_spot item = {.up = spot, .value = value, .index = i};
		const char *text = dp_spot_text(&r->source, &item, "text");

		if (text)
			texts->items[texts->count++] = text;
	}
}

/* No deeper than what YAML reads. */
static void check_templates(struct dp_plan_reader *r, const struct dp_spot *spot)
{
	const char *key;
	json_t *value;
	size_t i;

	if (json_is_string(spot->value) && dp_plan_is_template(json_string_value(spot->value)))
		(void)dp_plan_check_template(r, spot, json_string_value(spot->value));
	json_object_foreach(spot->value, key, value)
	{
		const struct dp_spot member = {.up = spot, .value = value, .key = key};

		check_templates(r, &member);
	}
	json_array_foreach(spot->value, i, value)
	{
		const struct dp_spot item = {.up = spot, .value = value, .index = i};

		check_templates(r, &item);
	}
}

void dp_plan_read_json(struct dp_plan_reader *r, const struct dp_spot *spot, void *field)
{
	check_templates(r, spot);
	if (field)
		*(json_t **)field = spot->value;
}

void dp_plan_read_object(struct dp_plan_reader *r, const struct dp_spot *spot, void *field)
{
	if (dp_spot_is_a(&r->source, spot, JSON_OBJECT, "a mapping"))
		dp_plan_read_json(r, spot, field);
}

void dp_plan_read_values(struct dp_plan_reader *r, const struct dp_spot *spot,
	const struct dp_plan_key *keys, size_t count, void *object)
{
	for (size_t i = 0; i < count; i++) {
		const struct dp_spot member = dp_spot_member(spot, keys[i].name);
		const char *text = json_string_value(member.value);
		void *field = object ? (char *)object + keys[i].offset : NULL;

		if (!member.value || !keys[i].read)
			continue;
		if (text && keys[i].may_be_template && dp_plan_is_template(text))
			(void)dp_plan_check_template(r, &member, text);
		else
			keys[i].read(r, &member, field);
	}
}

bool dp_plan_read_keys(struct dp_plan_reader *r, const struct dp_spot *spot,
	const struct dp_plan_key *keys, size_t count, void *object)
{
	struct dp_spot_key names[DP_SPOT_MAX_KEYS];

	for (size_t i = 0; i < count; i++)
		names[i] = (struct dp_spot_key){keys[i].name, keys[i].is_required};
	if (!dp_spot_check_keys(&r->source, spot, names, count))
		return false;
	dp_plan_read_values(r, spot, keys, count, object);
	return true;
}
