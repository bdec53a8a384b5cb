/* Runs as the state file keeps them, shown. */
#include "runs.h"

#include "report_parts.h"
#include "when.h"

#define COMMAND_COLUMN 9

struct out_table *runs_table_new(void)
{
	static const char *const headers[] = {"RUN", "STARTED", "KIND", "STATE", "EXIT", "OK",
		"FAILED", "SILENT", "UNKNOWN", "COMMAND"};
	struct out_table *table = out_table_new(headers, sizeof(headers) / sizeof(headers[0]));

	out_table_cut(table, COMMAND_COLUMN);
	return table;
}

size_t runs_unknown(const struct deploy_run_record *run)
{
	return run->count[DEPLOY_OUTCOME_UNKNOWN] +
	       (run->life == DEPLOY_LIFE_RUNNING ? 0 : run->asked);
}

void runs_table_add(struct out_table *table, const struct deploy_run_record *run)
{
	char started[WHEN_SIZE], exit[16] = "-", ok[24], failed[24], silent[24], unknown[24];
	const char *const cells[] = {run->id, when_local(started, run->started_us), run->kind,
		deploy_run_life_name(run->life), exit, ok, failed, silent, unknown,
		run->command ? run->command : ""};

	if (run->exit >= 0)
		(void)snprintf(exit, sizeof(exit), "%d", run->exit);
	(void)snprintf(ok, sizeof(ok), "%zu", run->count[DEPLOY_OUTCOME_OK]);
	(void)snprintf(failed, sizeof(failed), "%zu", run->count[DEPLOY_OUTCOME_FAILED]);
	(void)snprintf(silent, sizeof(silent), "%zu", run->count[DEPLOY_OUTCOME_SILENT]);
	(void)snprintf(unknown, sizeof(unknown), "%zu", runs_unknown(run));
	out_table_add(table, cells);
}

static void add_counts(json_t *item, const struct deploy_run_record *run)
{
	for (int state = 0; state < DEPLOY_OUTCOME_STATES; state++)
		(void)json_object_set_new(item,
			deploy_outcome_state_name((enum deploy_outcome_state)state),
			json_integer((json_int_t)run->count[state]));
	(void)json_object_set_new(item, "unknown", json_integer((json_int_t)runs_unknown(run)));
	(void)json_object_set_new(item, "pending",
		json_integer(run->life == DEPLOY_LIFE_RUNNING ? (json_int_t)run->asked : 0));
}

bool runs_can_resume(const struct deploy_run_record *run)
{
	return run->plan_file && (run->life == DEPLOY_LIFE_INTERRUPTED ||
					 (run->life == DEPLOY_LIFE_ENDED && run->exit > 0));
}

json_t *runs_item(const struct deploy_run_record *run)
{
	json_t *item = json_pack("{s:o, s:o, s:o, s:b, s:s, s:o, s:o}", "run",
		report_foreign_text(run->id), "kind", report_foreign_text(run->kind), "plan",
		report_foreign_text(run->plan_file), "act", run->is_act, "state",
		deploy_run_life_name(run->life), "end", report_foreign_text(run->end), "exit",
		run->exit >= 0 ? json_integer(run->exit) : json_null());

	add_counts(item, run);
	(void)json_object_set_new(item, "plan_digest", report_foreign_text(run->plan_digest));
	(void)json_object_set_new(item, "resumed", json_integer((json_int_t)run->resumed));
	(void)json_object_set_new(item, "started", when_json(run->started_us));
	(void)json_object_set_new(item, "ended", when_json(run->ended_us));
	(void)json_object_set_new(item, "cancelled_at", when_json(run->cancelled_us));
	(void)json_object_set_new(item, "cancelled_by", report_foreign_text(run->cancelled_by));
	(void)json_object_set_new(item, "user", report_foreign_text(run->user));
	(void)json_object_set_new(item, "host", report_foreign_text(run->host));
	(void)json_object_set_new(item, "command", report_foreign_text(run->command));
	(void)json_object_set_new(item, "reason", report_foreign_text(run->reason));
	return item;
}
