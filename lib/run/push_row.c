/* What a node is to have, what it has, and what it was sent. */
#include "run/push_row.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "deploy/fact.h"
#include "model/fact_words.h"

const char *dp_push_text(const json_t *value, char *room, size_t size)
{
	if (json_is_string(value))
		return json_string_value(value);
	if (json_is_boolean(value))
		return json_is_true(value) ? "true" : "false";
	if (json_is_integer(value))
		(void)snprintf(room, size, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
	else if (json_is_real(value))
		(void)snprintf(room, size, "%.17g", json_real_value(value));
	else
		return NULL;
	return room;
}

bool dp_push_is_settled(const struct dp_push_row *row, const char *name)
{
	const char *seen = json_string_value(json_object_get(row->seen, name));
	const char *wanted = json_string_value(json_object_get(row->wanted, name));

	return seen && wanted ? deploy_fact_equal(seen, wanted) : !seen && !wanted;
}

static json_t *either(const json_t *object, const char *name)
{
	json_t *value = json_object_get(object, name);

	return value ? json_incref(value) : json_null();
}

/* Facts that were not as wanted at first, with what they were and what they are to be. */
json_t *dp_push_tell(const struct dp_push_row *row)
{
	bool sets_environment;
	json_t *data = json_object(), *facts = json_object();
	const char *name;
	json_t *value;

	json_object_foreach(row->wanted, name, value)
	{
		const char *first = json_string_value(json_object_get(row->first, name));
		const char *wanted = json_string_value(value);

		if (first && wanted ? deploy_fact_equal(first, wanted) : !first && !wanted)
			continue;
		(void)json_object_set_new(facts, name,
			json_pack("{s:o, s:o}", "from", either(row->first, name), "to",
				json_incref(value)));
	}
	sets_environment = row->environment && (!row->was_given || json_object_size(facts));
	(void)json_object_set_new(data, "changed",
		json_boolean(row->changed ||
			     (!row->given && (json_object_size(facts) || sets_environment))));
	(void)json_object_set_new(data, "facts", facts);
	if (sets_environment)
		(void)json_object_set_new(data, "environment", json_string(row->environment));
	return data;
}

char *dp_push_words(const struct dp_push_row *row, const char *name, const char *wanted)
{
	const char *seen = json_string_value(json_object_get(row->seen, name));
	char *missing = seen && !row->is_exact && !json_object_get(row->given, name)
				? dp_fact_missing(seen, wanted)
				: NULL;

	return missing ? missing : dp_xstrdup(wanted);
}

const char *dp_push_next(const struct dp_push_row *row)
{
	const char *name;
	json_t *value;

	json_object_foreach(row->wanted, name, value)
	{
		const char *given = json_string_value(json_object_get(row->given, name));
		const char *seen = json_string_value(json_object_get(row->seen, name));

		if (dp_push_is_settled(row, name))
			continue;
		if (!json_object_get(row->given, name))
			return name;
		/* What was sent has replaced what was there. */
		if (given && seen && strcmp(given, seen) == 0 && json_is_string(value) &&
			!deploy_fact_equal(given, json_string_value(value)))
			return name;
	}
	return NULL;
}

bool dp_push_must_know_agent(const struct dp_push_row *row)
{
	const char *name;
	json_t *value;
	char *missing;

	json_object_foreach(row->wanted, name, value)
	{
		const char *seen = json_string_value(json_object_get(row->seen, name));

		missing = seen && *seen && json_is_string(value)
				  ? dp_fact_missing(seen, json_string_value(value))
				  : NULL;
		free(missing);
		if (missing)
			return true;
	}
	return false;
}

bool dp_push_keep_seen(struct dp_push_row *row, const json_t *data)
{
	json_t *values = json_object_get(data, "values");
	const char *name;
	json_t *value;
	char room[64];

	if (!json_is_object(values))
		return false;
	json_object_foreach(values, name, value)
	{
		const char *text = dp_push_text(value, room, sizeof(room));

		if (json_object_get(row->wanted, name))
			(void)json_object_set_new(
				row->seen, name, text ? json_string(text) : json_null());
	}
	return true;
}
