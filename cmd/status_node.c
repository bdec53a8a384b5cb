/* One node: how far it has come, what to type next, what it is meant to have and has shown. */
#include <stdlib.h>
#include <string.h>

#include "assigned.h"
#include "report_parts.h"
#include "status.h"

#define OUTCOMES 10 /* the last ones */

struct node_look {
	const struct status_look *look;
	bool is_known;
	json_t *shown; /* facts as the node showed them last, or NULL */
	json_t *facts; /* what it is assigned, and what of its role it shows: items */
	json_t *item;
	json_t *outcomes;
	struct out_table *fact_rows, *outcome_rows;
};

static int take_facts(void *arg, const struct deploy_node_record *record)
{
	struct node_look *node = arg;

	node->shown = json_incref(record->facts);
	return 0;
}

static void add_fact(struct node_look *node, const char *fact, const char *assigned,
	int64_t pushed_us, int64_t verified_us)
{
	const json_t *value = json_object_get(node->shown, fact);
	char *shown = value && !json_is_null(value) ? report_value_text(value) : NULL;
	char pushed[WHEN_SIZE], verified[WHEN_SIZE];
	const char *to_have = !assigned					? "-"
			      : strcmp(assigned, ASSIGNED_NOTHING) == 0 ? "(nothing)"
									: assigned;

	out_table_add(node->fact_rows, (const char *const[]){fact, to_have, shown ? shown : "-",
					       status_ago(node->look, pushed, pushed_us),
					       status_ago(node->look, verified, verified_us)});
	(void)json_array_append_new(node->facts,
		json_pack("{s:o, s:o, s:O?, s:o, s:o}", "fact", report_foreign_text(fact),
			"assigned", report_foreign_text(assigned), "shown", value, "pushed",
			when_json(pushed_us), "verified", when_json(verified_us)));
	free(shown);
}

static int take_assignment(void *arg, const struct deploy_assignment *assignment)
{
	add_fact(arg, assignment->fact, assignment->value, assignment->pushed_at_us,
		assignment->verified_at_us);
	return 0;
}

/* Also what the node shows of a role that nobody has assigned here. */
static void add_role_facts(struct node_look *node, const struct deploy_standing *standing)
{
	char *const *names = node->look->ctx->config->role_facts;

	for (int part = 0; part < DEPLOY_ROLE_PARTS; part++)
		if (!standing->assigned[part] && standing->shown[part])
			add_fact(node, names[part], NULL, 0, 0);
}

static int take_outcome(void *arg, const struct deploy_outcome_record *record)
{
	struct node_look *node = arg;
	const struct deploy_outcome *outcome = &record->outcome;
	const char *state =
		record->is_known ? deploy_outcome_state_name(outcome->state) : STATUS_ASKED;
	int64_t at_us = record->ended_at_us ? record->ended_at_us : record->sent_at_us;
	const char *message = record->is_known ? outcome->message : "";
	char at[WHEN_SIZE], what[600];

	/* The step of a plan says more than that it was one. */
	(void)snprintf(what, sizeof(what), "%s%s%s", record->kind, record->label ? " " : "",
		record->label ? record->label : "");
	out_table_add(node->outcome_rows, (const char *const[]){record->run, what,
						  record->is_known ? report_state(outcome) : state,
						  status_ago(node->look, at, at_us), message});
	(void)json_array_append_new(node->outcomes,
		json_pack("{s:o, s:o, s:o, s:s, s:o, s:o}", "run", report_foreign_text(record->run),
			"kind", report_foreign_text(record->kind), "step",
			report_foreign_text(record->label), "state", state, "at", when_json(at_us),
			"message", report_foreign_text(message)));
	return 0;
}

static void print_certificate(const struct status_look *look, const struct deploy_standing *at)
{
	char asked[STATUS_TIME];

	if (!at->certificate_at_us)
		status_line(look->out, "certificate", "not known; the CA was not asked");
	else
		status_line(look->out, "certificate", "%s%s%s, as of %s",
			at->certificate ? at->certificate : "none", at->fingerprint ? " " : "",
			at->fingerprint ? at->fingerprint : "",
			status_time(look, asked, at->certificate_at_us));
}

static void print_standing(const struct status_look *look, const struct deploy_standing *at)
{
	char since[STATUS_TIME], seen[STATUS_TIME], facts[STATUS_TIME], ran[STATUS_TIME];
	char *next = status_next(at);
	struct out *out = look->out;

	status_name(out, at->node);
	status_line(out, "stage", "%s, since %s", deploy_stage_name(at->stage),
		status_time(look, since, at->since_us));
	status_line(out, "next", "%s", next ? next : "nothing");
	status_line(out, "last seen", "%s", status_time(look, seen, at->last_seen_us));
	status_line(out, "facts learnt", "%s", status_time(look, facts, at->facts_at_us));
	print_certificate(look, at);
	if (at->puppet_at_us)
		status_line(out, "puppet run", "%s, %s%s%s",
			deploy_outcome_state_name(at->puppet_outcome),
			status_time(look, ran, at->puppet_at_us), at->puppet_run ? ", run " : "",
			at->puppet_run ? at->puppet_run : "");
	free(next);
}

/* Facts and outcomes of the node that standing is about; printed at once, since it is borrowed. */
static int take_standing(void *arg, const struct deploy_standing *standing)
{
	struct node_look *node = arg;

	node->is_known = true;
	add_role_facts(node, standing);
	node->item = status_node_item(standing);
	(void)json_object_set_new(
		node->item, "fingerprint", report_foreign_text(standing->fingerprint));
	(void)json_object_set_new(
		node->item, "certificate_at", when_json(standing->certificate_at_us));
	(void)json_object_set_new(node->item, "first_seen", when_json(standing->first_seen_us));
	(void)json_object_set_new(node->item, "facts_at", when_json(standing->facts_at_us));
	(void)json_object_set(node->item, "facts", node->facts);
	(void)json_object_set(node->item, "outcomes", node->outcomes);
	if (out_is_for_people(node->look->out))
		print_standing(node->look, standing);
	if (out_format(node->look->out) == OUT_NAME)
		status_name(node->look->out, standing->node);
	return 0;
}

/* One that was asked something, and that nothing else is known of. */
static void take_stranger(struct node_look *node, const char *name)
{
	const struct deploy_standing standing = {.node = name, .stage = DEPLOY_STAGE_DISCOVERED};

	(void)take_standing(node, &standing);
}

static void print(const struct node_look *node, const struct deploy_error *err)
{
	struct out *out = node->look->out;
	json_t *items = json_pack("[O]", node->item), *summary;

	if (out_is_for_people(out) && json_array_size(node->facts)) {
		out_text(out, "\n");
		out_table_print(out, node->fact_rows);
	}
	if (out_is_for_people(out) && json_array_size(node->outcomes)) {
		out_text(out, "\n");
		out_table_print(out, node->outcome_rows);
	}
	out_lines(out, "node", items);
	summary = json_pack("{s:I}", "nodes", (json_int_t)1);
	out_document(out, "node", items, summary, EXIT_ALL_OK, err);
	json_decref(summary);
	json_decref(items);
}

static int gather(struct node_look *node, const char *name, struct deploy_error *err)
{
	const struct deploy_assignment_query assignments = {.node = name};
	const struct deploy_outcome_query outcomes = {.node = name, .limit = OUTCOMES};
	const struct ctx *ctx = node->look->ctx;

	if (deploy_state_node(ctx->state, name, take_facts, node, err) ||
		deploy_state_each_assignment(
			ctx->state, &assignments, take_assignment, node, err) ||
		deploy_state_each_outcome(ctx->state, &outcomes, take_outcome, node, err))
		return err->code;
	(void)deploy_state_each_standing(
		ctx->state, ctx->config->role_facts, name, take_standing, node, err);
	if (!err->code && !node->is_known && json_array_size(node->outcomes))
		take_stranger(node, name);
	return err->code;
}

int status_node(
	const struct status_look *look, const char *name, bool *is_known, struct deploy_error *err)
{
	static const char *const facts[] = {"FACT", "ASSIGNED", "SHOWN", "PUSHED", "VERIFIED"};
	static const char *const outcomes[] = {"RUN", "WHAT", "STATE", "AT", "MESSAGE"};
	struct node_look node = {.look = look,
		.facts = json_array(),
		.outcomes = json_array(),
		.fact_rows = out_table_new(facts, 5),
		.outcome_rows = out_table_new(outcomes, 5)};

	out_table_tone(node.outcome_rows, 2);
	out_table_cut(node.outcome_rows, 4);
	if (!gather(&node, name, err) && node.is_known)
		print(&node, err);
	*is_known = node.is_known;
	json_decref(node.shown);
	json_decref(node.facts);
	json_decref(node.item);
	json_decref(node.outcomes);
	out_table_free(node.fact_rows);
	out_table_free(node.outcome_rows);
	return err->code;
}
