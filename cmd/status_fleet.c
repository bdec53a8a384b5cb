/* The fleet: how many nodes are at what stage, what runs or was cut off, what was done last. */
#include <stdlib.h>
#include <string.h>

#include "runs.h"
#include "status.h"

#define DAY_US	  (86400 * (int64_t)1000000)
#define LAST_ACTS 5
#define MOST_RUNS 10 /* rows: acts that have not ended come before those that did */

struct fleet {
	const struct status_look *look;
	struct deploy_nodeset *stage[DEPLOY_STAGES];
	size_t nodes, seen;
	size_t acts, listed, running, interrupted;
	struct out_table *runs, *rows; /* rows: wide */
	json_t *items;
};

static void add_row(struct fleet *fleet, const struct deploy_standing *standing)
{
	char since[WHEN_SIZE], seen[WHEN_SIZE], *next = status_next(standing);
	const char *const cells[] = {standing->node, deploy_stage_name(standing->stage),
		status_ago(fleet->look, since, standing->since_us),
		status_part(standing, DEPLOY_ROLE_COLLECTION),
		status_part(standing, DEPLOY_ROLE_CATEGORY),
		status_part(standing, DEPLOY_ROLE_ROLE), status_part(standing, DEPLOY_ROLE_ENTITY),
		standing->certificate ? standing->certificate : "-",
		status_ago(fleet->look, seen, standing->last_seen_us),
		standing->last_outcome_at_us ? deploy_outcome_state_name(standing->last_outcome)
					     : "-",
		next ? next : "-"};

	out_table_add(fleet->rows, cells);
	free(next);
}

static int take_standing(void *arg, const struct deploy_standing *standing)
{
	struct fleet *fleet = arg;
	struct out *out = fleet->look->out;
	struct deploy_error ignored = {0};

	fleet->nodes++;
	fleet->seen += standing->last_seen_us > fleet->look->now_us - DAY_US;
	/* What is no identity is counted and has a row, but cannot be folded. */
	(void)deploy_nodeset_add(fleet->stage[standing->stage], standing->node, &ignored);
	if (out_format(out) == OUT_WIDE)
		add_row(fleet, standing);
	else if (!out_is_for_people(out))
		(void)json_array_append_new(fleet->items, status_node_item(standing));
	return 0;
}

static int take_run(void *arg, const struct deploy_run_record *run)
{
	struct fleet *fleet = arg;
	bool has_ended = run->life == DEPLOY_LIFE_ENDED;

	fleet->running += run->life == DEPLOY_LIFE_RUNNING;
	fleet->interrupted += run->life == DEPLOY_LIFE_INTERRUPTED;
	if (fleet->listed < MOST_RUNS && (!has_ended || fleet->acts < LAST_ACTS)) {
		runs_table_add(fleet->runs, run);
		fleet->listed++;
	}
	fleet->acts++;
	return 0;
}

static void print_stages(const struct fleet *fleet)
{
	static const char *const headers[] = {"STAGE", "COUNT", "NODES"};
	struct out_table *table = out_table_new(headers, 3);

	for (int stage = 0; stage < DEPLOY_STAGES; stage++) {
		size_t nodes = deploy_nodeset_count(fleet->stage[stage]);
		char count[24], *folded;

		if (!nodes)
			continue;
		folded = deploy_nodeset_print(fleet->stage[stage]);
		(void)snprintf(count, sizeof(count), "%zu", nodes);
		out_table_add(
			table, (const char *const[]){
				       deploy_stage_name((enum deploy_stage)stage), count, folded});
		free(folded);
	}
	out_table_cut(table, 2);
	out_table_print(fleet->look->out, table);
	out_table_free(table);
}

static void print_people(const struct fleet *fleet)
{
	struct out *out = fleet->look->out;

	out_text(out, "%zu node%s known, %zu seen in the last 24 h\n", fleet->nodes,
		fleet->nodes == 1 ? "" : "s", fleet->seen);
	if (fleet->nodes)
		out_text(out, "\n");
	if (out_format(out) == OUT_WIDE)
		out_table_print(out, fleet->rows);
	else
		print_stages(fleet);
	if (fleet->acts) {
		out_text(out, "\n%zu running, %zu interrupted; the last acts:\n", fleet->running,
			fleet->interrupted);
		out_table_print(out, fleet->runs);
	}
	if (!fleet->nodes)
		out_note(out, "nothing is known of any node yet; to ask who is there: deployctl "
			      "discover");
}

static json_t *summary(const struct fleet *fleet)
{
	json_t *stages = json_object();

	for (int stage = 0; stage < DEPLOY_STAGES; stage++)
		(void)json_object_set_new(stages, deploy_stage_name((enum deploy_stage)stage),
			json_integer((json_int_t)deploy_nodeset_count(fleet->stage[stage])));
	return json_pack("{s:I, s:I, s:o, s:I, s:I}", "nodes", (json_int_t)fleet->nodes, "seen",
		(json_int_t)fleet->seen, "stages", stages, "running", (json_int_t)fleet->running,
		"interrupted", (json_int_t)fleet->interrupted);
}

static void print(const struct fleet *fleet, const struct deploy_error *err)
{
	struct out *out = fleet->look->out;
	json_t *sum = summary(fleet), *item;
	size_t i;

	if (out_is_for_people(out))
		print_people(fleet);
	json_array_foreach(fleet->items, i, item) if (out_format(out) == OUT_NAME)
		status_name(out, json_string_value(json_object_get(item, "node")));
	out_lines(out, "node", fleet->items);
	out_document(out, "status", fleet->items, sum, EXIT_ALL_OK, err);
	json_decref(sum);
}

int status_fleet(const struct status_look *look, struct deploy_error *err)
{
	static const char *const headers[] = {"NODE", "STAGE", "SINCE", "COLLECTION", "CATEGORY",
		"ROLE", "ENTITY", "CERTIFICATE", "SEEN", "LAST", "NEXT"};
	const struct deploy_run_query acts = {.acts = true};
	const struct ctx *ctx = look->ctx;
	struct fleet fleet = {.look = look,
		.runs = runs_table_new(),
		.rows = out_table_new(headers, sizeof(headers) / sizeof(headers[0])),
		.items = json_array()};

	for (int stage = 0; stage < DEPLOY_STAGES; stage++)
		fleet.stage[stage] = deploy_nodeset_new();
	if (!deploy_state_each_standing(
		    ctx->state, ctx->config->role_facts, NULL, take_standing, &fleet, err) &&
		!deploy_state_each_run(ctx->state, &acts, take_run, &fleet, err))
		print(&fleet, err);
	for (int stage = 0; stage < DEPLOY_STAGES; stage++)
		deploy_nodeset_free(fleet.stage[stage]);
	out_table_free(fleet.runs);
	out_table_free(fleet.rows);
	json_decref(fleet.items);
	return err->code;
}
