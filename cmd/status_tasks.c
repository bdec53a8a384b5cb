/* The tasks of a run: each of them for programs, a line for each step of a plan for people. */
#include <stdlib.h>
#include <string.h>

#include "report_parts.h"
#include "status.h"

#define MOST_LINES 20 /* of a screen; if there are more steps, those that are ok are counted */

/* From the one of which least is to be said: of several tasks a step is what the last of these is.
 */
static const char *const states[] = {"ok", "waiting", "stopped", "interrupted", "running"};
#define STATES (sizeof(states) / sizeof(states[0]))

static const char *const counts[] = {
	"ok", "failed", "silent", "unknown", "skipped", "cancelled", "pending"};
#define COUNTS (sizeof(counts) / sizeof(counts[0]))

static size_t rank_of(const char *state)
{
	size_t rank = STATES - 1;

	while (rank && strcmp(states[rank], state) != 0)
		rank--;
	return rank;
}

static const char *text_of(const json_t *item, const char *key)
{
	return json_string_value(json_object_get(item, key));
}

static json_int_t number_of(const json_t *item, const char *key)
{
	return json_integer_value(json_object_get(item, key));
}

static void set_number(json_t *item, const char *key, json_int_t number)
{
	(void)json_object_set_new(item, key, json_integer(number));
}

struct listing {
	json_t *tasks;
	bool is_dead;
};

static int take_task(void *arg, const struct deploy_task_record *task)
{
	struct listing *listing = arg;
	const char *state = "waiting";
	json_t *item;

	if (task->has_ended)
		state = task->is_ok ? "ok" : "stopped";
	else if (task->started_us)
		state = listing->is_dead ? "interrupted" : "running";
	item = json_pack("{s:I, s:o, s:o, s:o, s:s, s:I}", "task", (json_int_t)task->task, "label",
		report_foreign_text(task->label), "agent", report_foreign_text(task->agent),
		"action", report_foreign_text(task->action), "state", state, "nodes",
		(json_int_t)task->nodes);
	for (size_t i = 0; i < COUNTS; i++)
		set_number(item, counts[i], 0);
	(void)json_object_set_new(item, "started", when_json(task->started_us));
	(void)json_object_set_new(item, "ended", when_json(task->ended_us));
	(void)json_array_append_new(listing->tasks, item);
	return 0;
}

json_t *status_tasks(
	const struct status_look *look, const char *run, bool is_dead, struct deploy_error *err)
{
	struct listing listing = {json_array(), is_dead};

	if (deploy_state_each_task(look->ctx->state, run, take_task, &listing, err)) {
		json_decref(listing.tasks);
		return NULL;
	}
	return listing.tasks;
}

/* Tasks are numbered without gaps; a damaged file may have some. */
static json_t *find_task(const json_t *tasks, unsigned task)
{
	json_t *item = json_array_get(tasks, task);
	size_t i;

	if (item && number_of(item, "task") == (json_int_t)task)
		return item;
	json_array_foreach(
		tasks, i, item) if (number_of(item, "task") == (json_int_t)task) return item;
	return NULL;
}

void status_tasks_add(json_t *tasks, const struct deploy_outcome_record *record, bool is_dead)
{
	json_t *item = record->is_last ? find_task(tasks, record->task) : NULL;
	const char *key = is_dead ? "unknown" : "pending";

	if (record->is_known)
		key = deploy_outcome_state_name(record->outcome.state);
	if (item)
		set_number(item, key, number_of(item, key) + 1);
}

/* The entry of name, made if need be. Borrowed; NULL for a name that cannot be one. */
static json_t *entry_of(json_t *entries, const char *name)
{
	json_t *entry = json_object_get(entries, name);

	if (entry)
		return entry;
	entry = json_pack("{s:s, s:I}", "state", states[0], "nodes", (json_int_t)0);
	return json_object_set_new(entries, name, entry) == 0 ? entry : NULL;
}

static void add_counts(json_t *entry, const json_t *item)
{
	for (size_t i = 0; i < COUNTS; i++)
		set_number(
			entry, counts[i], number_of(entry, counts[i]) + number_of(item, counts[i]));
}

/* A label stands for more than one task if the run was resumed: the last says how it is. */
static json_t *by_label(const json_t *tasks)
{
	json_t *labels = json_object(), *item, *entry;
	size_t i;

	json_array_foreach(tasks, i, item)
	{
		const char *label = text_of(item, "label");

		if (!label || !(entry = entry_of(labels, label)))
			continue;
		add_counts(entry, item);
		if (number_of(item, "nodes") > number_of(entry, "nodes"))
			set_number(entry, "nodes", number_of(item, "nodes"));
		(void)json_object_set(entry, "state", json_object_get(item, "state"));
	}
	return labels;
}

/* A step that rolls has a label for each group: "2.1#3". */
static json_t *by_step(json_t *labels)
{
	json_t *steps = json_object(), *item, *entry;
	const char *label;

	json_object_foreach(labels, label, item)
	{
		char step[256];

		(void)snprintf(step, sizeof(step), "%.*s", (int)strcspn(label, "#"), label);
		if (!(entry = entry_of(steps, step)))
			continue;
		add_counts(entry, item);
		set_number(entry, "nodes", number_of(entry, "nodes") + number_of(item, "nodes"));
		if (rank_of(text_of(item, "state")) > rank_of(text_of(entry, "state")))
			(void)json_object_set(entry, "state", json_object_get(item, "state"));
	}
	return steps;
}

static void add_line(struct out_table *table, const char *step, const json_t *entry)
{
	static const char *const keys[] = {"nodes", "ok", "failed", "silent", "unknown"};
	char numbers[5][24];
	const char *const cells[] = {step, text_of(entry, "state"), numbers[0], numbers[1],
		numbers[2], numbers[3], numbers[4]};

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		(void)snprintf(numbers[i], sizeof(numbers[i]), "%lld",
			(long long)number_of(entry, keys[i]));
	out_table_add(table, cells);
}

static void print_steps(struct out *out, json_t *steps)
{
	static const char *const headers[] = {
		"STEP", "STATE", "NODES", "OK", "FAILED", "SILENT", "UNKNOWN"};
	struct out_table *table = out_table_new(headers, sizeof(headers) / sizeof(headers[0]));
	size_t count = json_object_size(steps), left_out = 0;
	const char *step;
	json_t *entry;

	json_object_foreach(steps, step, entry)
	{
		if (count > MOST_LINES && rank_of(text_of(entry, "state")) == 0)
			left_out++;
		else
			add_line(table, step, entry);
	}
	out_text(out, "\n");
	out_table_print(out, table);
	if (left_out)
		out_text(out, "%zu of %zu steps are ok\n", left_out, count);
	out_table_free(table);
}

void status_tasks_print(struct out *out, const json_t *tasks)
{
	json_t *labels = by_label(tasks), *steps = by_step(labels);

	if (json_object_size(steps) > 1)
		print_steps(out, steps);
	json_decref(labels);
	json_decref(steps);
}
