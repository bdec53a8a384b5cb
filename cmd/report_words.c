/* Small pieces that several views show: states, values, lists, text from outside. */
#include <stdlib.h>
#include <string.h>

#include "report_parts.h"

const char *report_state(const struct deploy_outcome *outcome)
{
	if (outcome->not_connected)
		return "not connected";
	/* As the counts below have it; cancelled is what programs read. */
	return outcome->state == DEPLOY_OUTCOME_CANCELLED
		       ? "not asked"
		       : deploy_outcome_state_name(outcome->state);
}

char *report_value_text(const json_t *value)
{
	char *dump, *text;

	if (json_is_string(value))
		return deploy_text_escape(json_string_value(value), json_string_length(value));
	dump = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(15));
	text = deploy_text_escape(dump ? dump : "?", strlen(dump ? dump : "?"));
	free(dump);
	return text;
}

json_t *report_foreign_text(const char *text)
{
	char *escaped;
	json_t *value;

	if (!text)
		return json_null();
	value = json_string(text);
	if (value)
		return value;
	escaped = deploy_text_escape(text, strlen(text));
	value = json_string(escaped);
	free(escaped);
	return value;
}

json_t *report_names_json(const struct deploy_nodeset *set)
{
	json_t *names = json_array();

	for (size_t i = 0; i < deploy_nodeset_count(set); i++)
		(void)json_array_append_new(names, json_string(deploy_nodeset_get(set, i)));
	return names;
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

const char **report_sorted(const json_t *list, size_t *count)
{
	const char **words = out_resize(NULL, (json_array_size(list) + 1) * sizeof(*words));
	const json_t *item;
	size_t index;

	*count = 0;
	json_array_foreach(list, index, item) if (json_is_string(item)) words[(*count)++] =
		json_string_value(item);
	qsort(words, *count, sizeof(*words), compare);
	return words;
}

char *report_joined(const json_t *list)
{
	size_t count, size = 0;
	const char **words = report_sorted(list, &count);
	char *text = NULL;
	FILE *stream = open_memstream(&text, &size);

	if (!stream)
		abort();
	for (size_t i = 0; i < count; i++)
		(void)fprintf(stream, "%s%s", i ? "," : "", words[i]);
	(void)fclose(stream);
	free(words);
	return text;
}
