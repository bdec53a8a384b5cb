/* All about a node: what it runs, what it is, what it has done since it started. */
#include "report_parts.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define LABEL 20 /* columns */
#define LINE  80 /* columns of a list, unless the terminal says otherwise */

static void keep(struct report *report, const char *node, const struct deploy_outcome *outcome)
{
	if (outcome->state != DEPLOY_OUTCOME_OK || !json_is_object(outcome->data)) {
		report->lacking += outcome->state == DEPLOY_OUTCOME_OK;
		report_fold(report, node, outcome);
		return;
	}
	(void)json_object_update(report_row(report, node), outcome->data);
}

/* The statistics are asked for by a task of their own. */
static void keep_stats(
	struct report *report, const char *node, const struct deploy_outcome *outcome)
{
	if (outcome->state == DEPLOY_OUTCOME_OK && json_is_object(outcome->data))
		(void)json_object_set(report_row(report, node), "stats", outcome->data);
}

static void put(struct out *out, const char *label, const json_t *value)
{
	char *text = value ? report_value_text(value) : NULL;

	out_text(out, "  %-*s%s\n", LABEL, label, text ? text : "-");
	free(text);
}

/* Words in a paragraph: "  discovery  lab  rpcutil", lines broken where the terminal ends. */
static void put_list(struct out *out, const char *title, const json_t *list)
{
	size_t count, limit = out_columns(out) ? out_columns(out) : LINE, column = 0;
	const char **words = report_sorted(list, &count);

	out_text(out, "%s (%zu)\n", title, count);
	for (size_t i = 0; i < count; i++) {
		char *word = deploy_text_escape(words[i], strlen(words[i]));
		size_t width = deploy_text_columns(word) + 2;

		if (column && column + width > limit) {
			out_text(out, "\n");
			column = 0;
		}
		out_text(out, "  %s", word);
		column += width;
		free(word);
	}
	if (count)
		out_text(out, "\n");
	free(words);
}

static void put_facts(struct out *out, json_t *facts)
{
	struct out_table *table = out_table_new(NULL, 2);
	json_t *keys = json_array(), *value;
	const char *name, **names;
	size_t count;

	json_object_foreach(facts, name, value)(void)
		json_array_append_new(keys, json_string(name));
	names = report_sorted(keys, &count);
	out_text(out, "facts (%zu)\n", count);
	for (size_t i = 0; i < count; i++) {
		char *text = report_value_text(json_object_get(facts, names[i])), *indented = NULL;
		size_t len = strlen(names[i]) + 3;

		indented = out_resize(NULL, len);
		(void)snprintf(indented, len, "  %s", names[i]);
		out_table_add(table, (const char *const[]){indented, text});
		free(indented);
		free(text);
	}
	out_table_cut(table, 1);
	out_table_print(out, table);
	out_table_free(table);
	free(names);
	json_decref(keys);
}

static void put_start(struct out *out, const json_t *stats)
{
	time_t start = (time_t)json_integer_value(json_object_get(stats, "starttime"));
	char text[64] = "-";
	struct tm tm;

	if (json_is_integer(json_object_get(stats, "starttime")) && localtime_r(&start, &tm))
		(void)strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S %z", &tm);
	out_text(out, "  %-*s%s\n", LABEL, "started", text);
}

/* Source: rpcutil's daemon_stats. */
static void put_stats(struct out *out, const json_t *stats)
{
	static const char *const rows[][2] = {{"config file", "configfile"}, {"process", "pid"},
		{"messages", "total"}, {"  for this node", "passed"},
		{"  filtered out", "filtered"}, {"  expired", "ttlexpired"},
		{"  badly signed", "unvalidated"}, {"replies sent", "replies"}};
	const json_t *times = json_object_get(stats, "times");

	put_start(out, stats);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		put(out, rows[i][0], json_object_get(stats, rows[i][1]));
	out_text(out, "  %-*s%.2f s user, %.2f s system\n", LABEL, "processor time",
		json_number_value(json_object_get(times, "utime")),
		json_number_value(json_object_get(times, "stime")));
}

static void print_node(struct out *out, const char *node, const json_t *row)
{
	const json_t *stats = json_object_get(row, "stats");
	char *collectives = report_joined(json_object_get(row, "collectives"));
	char *plugins = report_joined(json_object_get(row, "data_plugins"));

	out_text(out, "%s\n", node);
	put(out, "version", json_object_get(row, "version"));
	put(out, "main collective", json_object_get(row, "main_collective"));
	out_text(out, "  %-*s", LABEL, "collectives");
	out_foreign(out, collectives, strlen(collectives));
	out_text(out, "\n  %-*s", LABEL, "data plugins");
	out_foreign(out, plugins, strlen(plugins));
	out_text(out, "\n");
	if (stats)
		put_stats(out, stats);
	else
		out_text(out, "  %-*s%s\n", LABEL, "statistics", "none were sent");
	put_list(out, "agents", json_object_get(row, "agents"));
	put_list(out, "classes", json_object_get(row, "classes"));
	put_facts(out, json_object_get(row, "facts"));
	free(collectives);
	free(plugins);
}

static void print(struct report *report)
{
	for (size_t i = 0; i < deploy_nodeset_count(report->names); i++) {
		const char *node = deploy_nodeset_get(report->names, i);

		if (i)
			out_text(report->out, "\n");
		print_node(report->out, node, json_object_get(report->kept, node));
	}
	report_print_groups(report, true);
	report_print_groups(report, false);
}

static json_t *items(struct report *report)
{
	json_t *list = json_array();

	for (size_t i = 0; i < deploy_nodeset_count(report->names); i++) {
		const char *node = deploy_nodeset_get(report->names, i);
		json_t *item = json_pack("{s:s}", "sender", node);

		(void)json_object_update(item, json_object_get(report->kept, node));
		(void)json_object_set_new(item, "sender", json_string(node));
		(void)json_array_append_new(list, item);
	}
	return list;
}

const struct report_view report_inventory = {
	.keep = keep, .keep_other = keep_stats, .print = print, .items = items, .is_quiet = true};
