/* Nodes with the facts that a role consists of, and of what earlier runs learnt its age. */
#include <stdlib.h>
#include <string.h>

#include "report_parts.h"
#include "when.h"

#define MOST_COLUMNS (DEPLOY_ROLE_PARTS + 2)

static const char *const part_names[DEPLOY_ROLE_PARTS] = {
	"collection", "category", "role", "entity"};

/* A row: what the node answered to get_facts, and when. */
static void keep(struct report *report, const char *node, const struct deploy_outcome *outcome)
{
	const json_t *values = json_object_get(outcome->data, "values");
	json_t *row;

	if (outcome->state != DEPLOY_OUTCOME_OK) {
		report_fold(report, node, outcome);
		return;
	}
	row = report_row(report, node);
	for (int part = 0; report->role_facts && part < DEPLOY_ROLE_PARTS; part++) {
		json_t *value = json_object_get(values, report->role_facts[part]);

		(void)json_object_set(row, part_names[part], value ? value : json_null());
	}
	if (report->is_cached)
		(void)json_object_set_new(row, "at", json_integer(report->learnt_at_us));
}

static void add_row(struct out_table *table, const struct report *report, const char *node)
{
	const json_t *row = json_object_get(report->kept, node);
	char *texts[DEPLOY_ROLE_PARTS] = {NULL}, age[WHEN_SIZE];
	const char *cells[MOST_COLUMNS] = {node};
	size_t columns = 1;

	for (int part = 0; report->role_facts && part < DEPLOY_ROLE_PARTS; part++) {
		const json_t *value = json_object_get(row, part_names[part]);

		if (!json_is_null(value))
			texts[part] = report_value_text(value);
		cells[columns++] = texts[part] ? texts[part] : "-";
	}
	if (report->is_cached)
		cells[columns++] = when_age(
			age, json_integer_value(json_object_get(row, "at")), when_now_us());
	out_table_add(table, cells);
	for (int part = 0; part < DEPLOY_ROLE_PARTS; part++)
		free(texts[part]);
}

static void print(struct report *report)
{
	static const char *const roles[] = {
		"NODE", "COLLECTION", "CATEGORY", "ROLE", "ENTITY", "AGE"};
	static const char *const names[] = {"NODE", "AGE"};
	struct out_table *table;

	if (report->folds) {
		report_print_names(report);
		return;
	}
	table = report->role_facts ? out_table_new(roles, (size_t)5 + report->is_cached)
				   : out_table_new(names, 2);
	for (size_t i = 0; i < deploy_nodeset_count(report->names); i++)
		add_row(table, report, deploy_nodeset_get(report->names, i));
	out_table_print(report->out, table);
	out_table_free(table);
	report_print_groups(report, false);
}

static json_t *items(struct report *report)
{
	json_t *list = json_array();

	for (size_t i = 0; i < deploy_nodeset_count(report->names); i++) {
		const char *node = deploy_nodeset_get(report->names, i);
		json_t *item = json_pack("{s:s}", "sender", node);
		int64_t at_us;

		(void)json_object_update(item, json_object_get(report->kept, node));
		at_us = json_integer_value(json_object_get(item, "at"));
		(void)json_object_del(item, "at");
		if (report->is_cached)
			(void)json_object_set_new(item, "learnt", when_json(at_us));
		(void)json_array_append_new(list, item);
	}
	return list;
}

const struct report_view report_roles = {
	.keep = keep, .print = print, .items = items, .is_quiet = true};
