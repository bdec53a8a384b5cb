/* One run: who did what and when, how it ended, which nodes were not ok, and how to go on. */
#include <stdlib.h>
#include <string.h>

#include "report_parts.h"
#include "runs.h"
#include "status.h"

struct run_look {
	const struct status_look *look;
	const char *id;
	json_t *run;  /* as an item; NULL until it is found */
	int ended;    /* -1: not yet */
	bool is_dead; /* nodes without an outcome will never have one */
	bool can_resume;
	json_t *items;
	json_t *tasks;
	json_t *groups;		     /* what became of them, as text → names */
	struct deploy_nodeset *rest; /* nodes that were not ok */
};

static void print_run(const struct status_look *look, const struct deploy_run_record *run)
{
	char started[STATUS_TIME], ended[STATUS_TIME];
	struct out *out = look->out;

	status_name(out, run->id);
	status_line(out, "kind", "%s", run->kind);
	status_line(out, "command", "deployctl %s", run->command ? run->command : run->kind);
	if (run->plan_file)
		status_line(out, "plan", "%s", run->plan_file);
	if (run->reason)
		status_line(out, "reason", "%s", run->reason);
	status_line(out, "who", "%s on %s", run->user ? run->user : "-", run->host);
	status_line(out, "started", "%s", status_time(look, started, run->started_us));
	if (run->resumed)
		status_line(out, "resumed", "%u time%s", run->resumed, run->resumed > 1 ? "s" : "");
	if (run->cancelled_us)
		status_line(out, "cancelled", "%s, by %s",
			status_time(look, ended, run->cancelled_us),
			run->cancelled_by ? run->cancelled_by : "-");
	if (run->life == DEPLOY_LIFE_ENDED)
		status_line(out, "ended", "%s, %s, status %d %s",
			status_time(look, ended, run->ended_us), run->end ? run->end : "-",
			run->exit, exit_name(run->exit));
	else
		status_line(out, "state", "%s",
			run->life == DEPLOY_LIFE_RUNNING ? "running"
							 : "interrupted: its process died");
}

static void print_counts(struct out *out, const struct deploy_run_record *run)
{
	char text[400]; /* seven numbers of at most 20 digits, and words */
	size_t len = 0;

	for (int state = 0; state < DEPLOY_OUTCOME_STATES; state++) {
		size_t count =
			state == DEPLOY_OUTCOME_UNKNOWN ? runs_unknown(run) : run->count[state];

		if (count)
			len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%zu %s",
				len ? ", " : "", count,
				deploy_outcome_state_name((enum deploy_outcome_state)state));
	}
	if (run->life == DEPLOY_LIFE_RUNNING && run->asked)
		len += (size_t)snprintf(
			text + len, sizeof(text) - len, "%s%zu asked", len ? ", " : "", run->asked);
	status_line(out, "nodes", "%s", len ? text : "none");
}

static int take_run(void *arg, const struct deploy_run_record *run)
{
	struct run_look *of = arg;

	of->run = runs_item(run);
	of->is_dead = run->life == DEPLOY_LIFE_INTERRUPTED;
	of->can_resume = runs_can_resume(run);
	/* What the file says may be any number; of one that died nobody knows how it would end. */
	if (run->life == DEPLOY_LIFE_ENDED)
		of->ended = (int)exit_info(run->exit)->status;
	else if (of->is_dead)
		of->ended = EXIT_SOME_SILENT;
	if (out_is_for_people(of->look->out)) {
		print_run(of->look, run);
		print_counts(of->look->out, run);
	}
	return 0;
}

static void fold(struct run_look *of, const char *node, const char *text)
{
	json_t *key = report_foreign_text(text), *names;
	struct deploy_error ignored = {0};

	names = json_object_get(of->groups, json_string_value(key));
	if (!names) {
		names = json_array();
		(void)json_object_set_new(of->groups, json_string_value(key), names);
	}
	(void)json_array_append_new(names, report_foreign_text(node));
	(void)deploy_nodeset_add(of->rest, node, &ignored);
	json_decref(key);
}

/* The last try of each node is what became of it, in each step of a plan. */
static void fold_outcome(struct run_look *of, const struct deploy_outcome_record *record)
{
	const struct deploy_outcome *outcome = &record->outcome;
	char text[1024], step[256] = "";

	if (!record->is_last || (record->is_known && outcome->state == DEPLOY_OUTCOME_OK))
		return;
	if (!record->is_known && !of->is_dead)
		return;
	if (record->label)
		(void)snprintf(step, sizeof(step), "step %s: ", record->label);
	if (!record->is_known)
		(void)snprintf(text, sizeof(text),
			"%sunknown: it was to be asked when the run was cut off", step);
	else if (outcome->state == DEPLOY_OUTCOME_FAILED && outcome->statuscode)
		(void)snprintf(text, sizeof(text), "%sfailed (%d): %s", step, outcome->statuscode,
			outcome->message);
	else
		(void)snprintf(text, sizeof(text), "%s%s%s%s", step, report_state(outcome),
			outcome->message[0] && !outcome->not_connected ? ": " : "",
			outcome->not_connected ? "" : outcome->message);
	fold(of, record->node, text);
}

static json_t *outcome_item(const struct deploy_outcome_record *record)
{
	const struct deploy_outcome *outcome = &record->outcome;
	json_t *item =
		json_pack("{s:o, s:I, s:i, s:s, s:b}", "node", report_foreign_text(record->node),
			"task", (json_int_t)record->task, "attempt", (int)outcome->attempt, "state",
			record->is_known ? deploy_outcome_state_name(outcome->state) : STATUS_ASKED,
			"last", record->is_last);

	(void)json_object_set_new(item, "not_connected", json_boolean(outcome->not_connected));
	(void)json_object_set_new(item, "label", report_foreign_text(record->label));
	(void)json_object_set_new(item, "agent", report_foreign_text(record->agent));
	(void)json_object_set_new(item, "action", report_foreign_text(record->action));
	(void)json_object_set_new(item, "statuscode",
		record->is_known ? json_integer(outcome->statuscode) : json_null());
	(void)json_object_set_new(item, "message", report_foreign_text(outcome->message));
	(void)json_object_set(item, "data", outcome->data ? outcome->data : json_null());
	(void)json_object_set_new(item, "sent", when_json(record->sent_at_us));
	(void)json_object_set_new(item, "ended", when_json(record->ended_at_us));
	return item;
}

static int take_outcome(void *arg, const struct deploy_outcome_record *record)
{
	struct run_look *of = arg;
	struct out *out = of->look->out;

	fold_outcome(of, record);
	status_tasks_add(of->tasks, record, of->is_dead);
	if (out_format(out) == OUT_NAME && record->is_last)
		status_name(out, record->node);
	else if (!out_is_for_people(out))
		(void)json_array_append_new(of->items, outcome_item(record));
	return 0;
}

static void print_group(struct out *out, const char *text, const json_t *names)
{
	struct deploy_nodeset *set = deploy_nodeset_new();
	struct deploy_error ignored = {0};
	const json_t *name;
	char *folded;
	size_t i;

	json_array_foreach(names, i, name)(void)
		deploy_nodeset_add(set, json_string_value(name), &ignored);
	folded = deploy_nodeset_print(set);
	out_text(out, "%s", folded);
	if (deploy_nodeset_count(set) > 1)
		out_text(out, " (%zu nodes)", deploy_nodeset_count(set));
	out_text(out, ": ");
	out_foreign(out, text, strlen(text));
	out_text(out, "\n");
	deploy_nodeset_free(set);
	free(folded);
}

/* Commands whose operands are nodes do the rest when they are told whom. */
static void print_way_on(const struct run_look *of)
{
	static const char *const by_name[] = {
		"push-facts", "sign-cert", "assign-role", DEPLOY_PUPPET_RUN};
	const char *kind = json_string_value(json_object_get(of->run, "kind"));
	char *folded = deploy_nodeset_print(of->rest);
	bool takes_names = false;

	for (size_t i = 0; i < sizeof(by_name) / sizeof(by_name[0]); i++)
		takes_names = takes_names || (kind && strcmp(kind, by_name[i]) == 0);
	if (takes_names)
		out_text(of->look->out, "\nto go on: deployctl %s '%s'\n", kind, folded);
	else
		out_text(of->look->out, "\nto go on: the same command with -I '%s'\n", folded);
	free(folded);
}

static void print(const struct run_look *of, const struct deploy_error *err)
{
	struct out *out = of->look->out;
	const char *text;
	json_t *names;

	if (out_is_for_people(out))
		status_tasks_print(out, of->tasks);
	if (out_is_for_people(out) && json_object_size(of->groups))
		out_text(out, "\n");
	json_object_foreach(of->groups, text, names) if (out_is_for_people(out))
		print_group(out, text, names);
	if (out_is_for_people(out) && of->can_resume)
		out_text(out, "\nto go on: deployctl resume %s\n", of->id);
	else if (out_is_for_people(out) && of->ended >= 0 && deploy_nodeset_count(of->rest))
		print_way_on(of);
	(void)json_object_set(of->run, "tasks", of->tasks);
	out_lines(out, "outcome", of->items);
	out_document(out, "run", of->items, of->run, EXIT_ALL_OK, err);
}

int status_run(const struct status_look *look, const char *id, int *ended, struct deploy_error *err)
{
	struct run_look of = {.look = look,
		.id = id,
		.ended = -1,
		.items = json_array(),
		.groups = json_object(),
		.rest = deploy_nodeset_new()};
	const struct deploy_run_query run = {.id = id};
	const struct deploy_outcome_query outcomes = {
		.run = id, .with_data = !out_is_for_people(look->out)};

	out_set_run(look->out, id);
	if (!deploy_state_each_run(look->ctx->state, &run, take_run, &of, err) && of.run)
		of.tasks = status_tasks(look, id, of.is_dead, err);
	if (of.tasks &&
		!deploy_state_each_outcome(look->ctx->state, &outcomes, take_outcome, &of, err))
		print(&of, err);
	if (!of.run) /* somebody prunes while we look */
		(void)deploy_error_set(err, DEPLOY_INPUT, "run %s: it is not kept any more", id);
	*ended = of.ended;
	json_decref(of.run);
	json_decref(of.items);
	json_decref(of.tasks);
	json_decref(of.groups);
	deploy_nodeset_free(of.rest);
	return err->code;
}
