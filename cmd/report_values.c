/* A fact over many nodes: its values, how many nodes have each, and which. */
#include "report_parts.h"
#include "when.h"

#include <stdlib.h>
#include <string.h>

/* What a node without the fact is filed under: no value looks like this. */
#define NOT_SET "null"

/* A value is as old as what was learnt of it first. */
static void keep_age(const struct report *report, json_t *entry)
{
	const json_t *at = json_object_get(entry, "at");

	if (report->is_cached && (!at || json_integer_value(at) > report->learnt_at_us))
		(void)json_object_set_new(entry, "at", json_integer(report->learnt_at_us));
}

/* kept: dump of the value → {"value": v, "nodes": [names]}; other outcomes are folded. */
static void keep(struct report *report, const char *node, const struct deploy_outcome *outcome)
{
	json_t *value = json_object_get(outcome->data, "value"), *entry;
	struct deploy_error ignored = {0};
	char *dump;

	if (outcome->state != DEPLOY_OUTCOME_OK) {
		report_fold(report, node, outcome);
		return;
	}
	dump = json_dumps(value ? value : json_null(), JSON_COMPACT | JSON_ENCODE_ANY);
	if (!dump)
		return;
	entry = json_object_get(report->kept, dump);
	if (!entry) {
		entry = json_pack("{s:O, s:[]}", "value", value ? value : json_null(), "nodes");
		(void)json_object_set_new(report->kept, dump, entry);
	}
	keep_age(report, entry);
	(void)json_array_append_new(json_object_get(entry, "nodes"), json_string(node));
	/* The engine has checked the name. */
	if (value && !json_is_null(value))
		(void)deploy_nodeset_add(report->names, node, &ignored);
	free(dump);
}

struct tallied {
	const char *dump;
	const json_t *entry;
	char *text; /* of the value, for people */
	size_t count;
};

static bool is_unset(const struct tallied *value)
{
	return strcmp(value->dump, NOT_SET) == 0;
}

/* By value as text; nodes without the fact come last. */
static int by_value(const void *a, const void *b)
{
	const struct tallied *one = a, *other = b;

	if (is_unset(one) != is_unset(other))
		return is_unset(one) ? 1 : -1;
	return strcmp(one->text, other->text) ? strcmp(one->text, other->text)
					      : strcmp(one->dump, other->dump);
}

static int by_count(const void *a, const void *b)
{
	const struct tallied *one = a, *other = b;

	if (one->count != other->count)
		return one->count < other->count ? 1 : -1;
	return by_value(a, b);
}

/* All values in the order in which they are shown; free with free_values(). */
static struct tallied *list_values(const struct report *report, size_t *count)
{
	struct tallied *values =
		out_resize(NULL, (json_object_size(report->kept) + 1) * sizeof(*values));
	const char *dump;
	json_t *entry;

	*count = 0;
	json_object_foreach(report->kept, dump, entry)
	{
		const json_t *value = json_object_get(entry, "value");

		values[(*count)++] = (struct tallied){dump, entry,
			json_is_null(value) ? deploy_text_escape("(not set)", 9)
					    : report_value_text(value),
			json_array_size(json_object_get(entry, "nodes"))};
	}
	qsort(values, *count, sizeof(*values), report->sorts_by_count ? by_count : by_value);
	return values;
}

static void free_values(struct tallied *values, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(values[i].text);
	free(values);
}

static struct deploy_nodeset *nodes_of(const struct tallied *value)
{
	struct deploy_nodeset *nodes = deploy_nodeset_new();
	struct deploy_error ignored = {0};
	const json_t *name;
	size_t index;

	json_array_foreach(json_object_get(value->entry, "nodes"), index, name)(void)
		deploy_nodeset_add(nodes, json_string_value(name), &ignored);
	return nodes;
}

/* VALUE COUNT, and AGE or NODES if these are shown. */
static void add_row(struct out_table *table, const struct report *report,
	const struct tallied *value, bool shows_nodes)
{
	struct deploy_nodeset *nodes = shows_nodes ? nodes_of(value) : NULL;
	char *folded = nodes ? deploy_nodeset_print(nodes) : NULL, count[24], age[WHEN_SIZE];
	const char *cells[4] = {value->text, count};
	size_t at = 2;

	(void)snprintf(count, sizeof(count), "%zu", value->count);
	if (report->is_cached)
		cells[at++] = when_age(age, json_integer_value(json_object_get(value->entry, "at")),
			when_now_us());
	cells[at] = folded;
	out_table_add(table, cells);
	deploy_nodeset_free(nodes);
	free(folded);
}

static void print(struct report *report)
{
	static const char *const headers[] = {"VALUE", "COUNT", "NODES"};
	static const char *const with_age[] = {"VALUE", "COUNT", "AGE", "NODES"};
	bool shows_nodes = report->shows_nodes || out_format(report->out) == OUT_WIDE;
	struct out_table *table = out_table_new(report->is_cached ? with_age : headers,
		(size_t)2 + report->is_cached + shows_nodes);
	size_t count;
	struct tallied *values = list_values(report, &count);

	for (size_t i = 0; i < count; i++)
		add_row(table, report, &values[i], shows_nodes);
	out_table_cut(table, 0);
	out_table_print(report->out, table);
	out_table_free(table);
	if (count == 1 && is_unset(&values[0]))
		out_note(report->out, "no node has this fact");
	free_values(values, count);
	report_print_groups(report, false);
}

static json_t *items(struct report *report)
{
	json_t *list = json_array();
	size_t count;
	struct tallied *values = list_values(report, &count);

	for (size_t i = 0; i < count; i++) {
		struct deploy_nodeset *nodes = nodes_of(&values[i]);
		json_t *item = json_pack("{s:O, s:I, s:o}", "value",
			json_object_get(values[i].entry, "value"), "count",
			(json_int_t)values[i].count, "nodes", report_names_json(nodes));

		if (report->is_cached)
			(void)json_object_set_new(item, "learnt",
				when_json(json_integer_value(
					json_object_get(values[i].entry, "at"))));
		(void)json_array_append_new(list, item);
		deploy_nodeset_free(nodes);
	}
	free_values(values, count);
	return list;
}

const struct report_view report_values = {.keep = keep, .print = print, .items = items};
