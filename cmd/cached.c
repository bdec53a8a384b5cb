/* What earlier runs have learnt of nodes, judged by the rules that nodes follow. */
#include "cached.h"

#include <stdlib.h>
#include <string.h>

#include "report_parts.h"
#include "when.h"

struct search {
	const struct cached *cached;
	char *const *role_facts;
	struct deploy_nodeset *found;
	json_t *rows;	   /* node → {"data": what it would answer, "at": when it said so} */
	size_t unknown;	   /* nodes of which too little is known */
	int64_t oldest_us; /* of those found; 0: none */
};

static bool is_in(const struct deploy_nodeset *set, const char *node)
{
	size_t index;

	return deploy_nodeset_find(set, node, strlen(node), &index);
}

/* By what is surely known of every node: its name, and where it answered. */
static bool is_candidate(const struct target_opts *target, const struct deploy_node_record *node)
{
	if (!node->last_seen_us || (target->exclude && is_in(target->exclude, node->identity)) ||
		(target->list && !is_in(target->list, node->identity)))
		return false;
	return !target->collective ||
	       (node->collective && strcmp(node->collective, target->collective) == 0);
}

/* All that it showed, or at least what is asked for: a fact that it lacks is null then. */
static bool is_enough(const struct search *search, const struct deploy_node_record *node)
{
	const struct deploy_filter *filter = &search->cached->target->filter;
	const char *fact = search->cached->fact;

	if (node->inventory_at_us)
		return true;
	if (filter->compound_count || (filter->class_count && !node->classes) ||
		(filter->agent_count && !node->agents))
		return false;
	for (size_t i = 0; i < filter->fact_count; i++)
		if (!json_object_get(node->facts, filter->facts[i].fact))
			return false;
	if (search->cached->roles != CACHED_ANY &&
		!(json_object_get(node->facts, search->role_facts[DEPLOY_ROLE_COLLECTION]) &&
			json_object_get(node->facts, search->role_facts[DEPLOY_ROLE_ROLE])))
		return false;
	return !fact || json_object_get(node->facts, fact);
}

static json_t *without_nulls(const json_t *facts)
{
	json_t *copy = json_object(), *value;
	const char *name;

	json_object_foreach((json_t *)(uintptr_t)facts, name, value) if (!json_is_null(value))(void)
		json_object_set(copy, name, value);
	return copy;
}

static bool shows(const json_t *facts, const char *name)
{
	const json_t *value = json_object_get(facts, name);

	return value && !(json_is_string(value) && !json_string_length(value));
}

static bool matches(
	const struct search *search, const struct deploy_node_record *node, const json_t *facts)
{
	const struct deploy_traits traits = {node->identity, facts, node->classes, node->agents};
	bool has_role = shows(facts, search->role_facts[DEPLOY_ROLE_COLLECTION]) &&
			shows(facts, search->role_facts[DEPLOY_ROLE_ROLE]);
	struct deploy_verdict *verdicts;
	size_t count = deploy_filter_judge(&verdicts, &search->cached->target->filter, &traits);
	bool holds = true;

	for (size_t i = 0; i < count; i++)
		holds = holds && verdicts[i].holds;
	deploy_verdicts_free(verdicts, count);
	if (search->cached->roles == CACHED_NEW)
		return holds && !has_role;
	return holds && (search->cached->roles == CACHED_ANY || has_role);
}

/* As it would be answered: get_fact's value, or get_facts' values. */
static json_t *answer(const struct search *search, json_t *facts)
{
	const char *fact = search->cached->fact;

	return fact ? json_pack("{s:O?}", "value", json_object_get(facts, fact))
		    : json_pack("{s:O}", "values", facts);
}

/* When the node said what is shown of it; of single facts only the last is known. */
static int64_t learnt_at(const struct search *search, const struct deploy_node_record *node)
{
	if (!search->cached->fact && search->cached->roles == CACHED_ANY)
		return node->last_seen_us;
	return node->inventory_at_us ? node->inventory_at_us : node->facts_at_us;
}

static int take(void *arg, const struct deploy_node_record *node)
{
	struct search *search = arg;
	struct deploy_error ignored = {0};
	json_t *facts;

	if (!is_candidate(search->cached->target, node))
		return 0;
	if (!is_enough(search, node)) {
		search->unknown++;
		return 0;
	}
	facts = without_nulls(node->facts);
	if (matches(search, node, facts) &&
		!deploy_nodeset_add(search->found, node->identity, &ignored))
		(void)json_object_set_new(search->rows, node->identity,
			json_pack("{s:o, s:I}", "data", answer(search, facts), "at",
				(json_int_t)learnt_at(search, node)));
	json_decref(facts);
	return 0;
}

static void keep(struct report *report, struct search *search, const char *node)
{
	const json_t *row = json_object_get(search->rows, node);
	const struct deploy_outcome outcome = {.state = DEPLOY_OUTCOME_OK,
		.attempt = 1,
		.message = "OK",
		.data = json_object_get(row, "data"),
		.rtt_us = -1};

	report->learnt_at_us = json_integer_value(json_object_get(row, "at"));
	if (!search->oldest_us || report->learnt_at_us < search->oldest_us)
		search->oldest_us = report->learnt_at_us;
	report_keep(report, node, &outcome);
}

static void note(struct report *report, const struct search *search)
{
	char age[WHEN_SIZE];

	if (search->oldest_us)
		out_note(report->out, "from the state file; the oldest of it is %s old",
			when_age(age, search->oldest_us, when_now_us()));
	if (search->unknown)
		out_note(report->out,
			"%zu more node%s known, but not what is asked here; to learn it: deployctl "
			"discover -o wide",
			search->unknown, search->unknown == 1 ? " is" : "s are");
}

static void show(struct report *report, const struct search *search, int status,
	const struct deploy_error *err)
{
	struct out *out = report->out;
	json_t *items = out_is_mco(out) ? report_items_json(report) : report->view->items(report);
	json_t *summary = json_pack("{s:I, s:I, s:o}", "nodes",
		(json_int_t)deploy_nodeset_count(search->found), "not_judged",
		(json_int_t)search->unknown, "oldest", when_json(search->oldest_us));

	if (out_is_for_people(out))
		report->view->print(report);
	if (out_format(out) == OUT_NAME)
		report_print_names(report);
	note(report, search);
	out_lines(out, report->view == &report_values ? "value" : "node", items);
	out_document(out, report->kind, items, summary, status, err);
	json_decref(summary);
	json_decref(items);
}

/* What is large is read only if somebody asks for it. */
static unsigned wanted(const struct cached *cached)
{
	const struct deploy_filter *filter = &cached->target->filter;
	unsigned with = 0;

	if (cached->fact || cached->roles != CACHED_ANY || filter->fact_count)
		with |= DEPLOY_WITH_FACTS;
	if (filter->class_count)
		with |= DEPLOY_WITH_CLASSES;
	if (filter->agent_count)
		with |= DEPLOY_WITH_AGENTS;
	if (filter->compound_count)
		with |= DEPLOY_WITH_FACTS | DEPLOY_WITH_CLASSES;
	return with;
}

int cached_report(struct report *report, struct ctx *ctx, const struct cached *cached,
	struct deploy_error *err)
{
	struct search search = {.cached = cached,
		.role_facts = ctx->config->role_facts,
		.found = deploy_nodeset_new(),
		.rows = json_object()};
	int status = EXIT_ALL_OK;

	if (deploy_filter_functions_ms(&cached->target->filter))
		(void)deploy_error_set(
			err, DEPLOY_USAGE, "--cached: a function in -S is known to nodes only");
	if (!err->code && !ctx_state(ctx, false, err) &&
		!deploy_state_each_node(ctx->state, wanted(cached), take, &search, err)) {
		report_begin(report);
		deploy_limit_apply(&cached->target->limit, search.found);
		for (size_t i = 0; i < deploy_nodeset_count(search.found); i++)
			keep(report, &search, deploy_nodeset_get(search.found, i));
		if (!deploy_nodeset_count(search.found) && !report->empty_ok)
			status = EXIT_NO_NODES;
		show(report, &search, status, err);
		report_release(report);
	}
	deploy_nodeset_free(search.found);
	json_decref(search.rows);
	return err->code ? (int)exit_of_error(err->code) : status;
}
