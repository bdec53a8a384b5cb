/* Assigning: what was assigned before, what is to be, and the run that changes it. */
#include "assign_state.h"

#include <stdlib.h>
#include <string.h>

#include "assigned.h"
#include "report.h"
#include "target_opts.h"

static const char *const usual_names[DEPLOY_ROLE_PARTS] = {
	"deploop_collection", "deploop_category", "deploop_role", "deploop_entity"};

/* Of a configuration that cannot be read there may be none. */
static const char *const *names_of(const struct ctx *ctx)
{
	for (int i = 0; i < DEPLOY_ROLE_PARTS; i++)
		if (!ctx->config || !ctx->config->role_facts[i])
			return usual_names;
	return (const char *const *)ctx->config->role_facts;
}

json_t *role_facts(const struct ctx *ctx, const struct deploy_roles *roles)
{
	return deploy_roles_facts(roles, names_of(ctx));
}

struct assigning {
	struct ctx *ctx;
	const struct assign_request *request;
	struct deploy_nodeset *nodes;
	json_t *whole;	/* node → what all layers come to */
	json_t *before; /* node → what is assigned, see assigned.h */
	json_t *after;	/* node → name → text, as it is kept */
	json_t *told;	/* node → what changes: data of its outcome */
};

/* node → facts, of what deploy_roles_facts() lists. New reference. */
static json_t *by_node(const json_t *items)
{
	json_t *map = json_object();
	const json_t *item;
	size_t i;

	json_array_foreach(items, i, item)(void) json_object_set(map,
		json_string_value(json_object_get(item, "node")), json_object_get(item, "facts"));
	return map;
}

static const char *fact(const json_t *facts, const char *name)
{
	return json_string_value(json_object_get(facts, name));
}

static void set_environment(const struct assigning *assigning, json_t *after, const json_t *facts)
{
	const char *name = assigning->request->environment;
	struct deploy_error not_one = {0};

	if (!name && assigning->request->is_from_file)
		name = fact(facts, names_of(assigning->ctx)[DEPLOY_ROLE_COLLECTION]);
	if (name && deploy_push_check_environment(name, &not_one) == 0)
		(void)json_object_set_new(after, DEPLOY_ASSIGNED_ENVIRONMENT, json_string(name));
}

/* What the node was assigned beside its roles stays. New reference. */
static json_t *keep_others(const struct assigning *assigning, const struct assigned *before)
{
	json_t *after = json_object(), *value;
	const char *name;

	json_object_foreach(before->facts, name, value)(void) json_object_set_new(after, name,
		json_is_null(value) ? json_string(ASSIGNED_NOTHING) : json_incref(value));
	if (before->environment)
		(void)json_object_set_new(
			after, DEPLOY_ASSIGNED_ENVIRONMENT, json_string(before->environment));
	for (int i = 0; i < DEPLOY_ROLE_PARTS; i++)
		(void)json_object_set_new(
			after, names_of(assigning->ctx)[i], json_string(ASSIGNED_NOTHING));
	return after;
}

/* facts: what is chosen for node; NULL: its roles go. */
static json_t *settle_node(const struct assigning *assigning, const char *node, const json_t *facts)
{
	const char *const *names = names_of(assigning->ctx);
	const json_t *whole = json_object_get(assigning->whole, node);
	struct assigned before;
	json_t *after;
	bool is_same_cluster;

	(void)assigned_get(&before, assigning->before, node);
	after = keep_others(assigning, &before);
	if (!facts)
		return after;
	is_same_cluster = fact(before.facts, names[DEPLOY_ROLE_COLLECTION]) &&
			  strcmp(fact(before.facts, names[DEPLOY_ROLE_COLLECTION]),
				  fact(facts, names[DEPLOY_ROLE_COLLECTION])) == 0;
	for (int i = 0; i < DEPLOY_ROLE_PARTS; i++) {
		const char *all = fact(whole ? whole : facts, names[i]);
		char *words;

		if (!all)
			continue;
		/* Of layers that were not chosen it keeps what the file still says. */
		words = deploy_fact_unite(all, fact(facts, names[i]),
			is_same_cluster ? fact(before.facts, names[i]) : NULL);
		(void)json_object_set_new(after, names[i], json_string(words));
		free(words);
	}
	set_environment(assigning, after, facts);
	return after;
}

static json_t *text_or_null(const char *text)
{
	return text && *text ? json_string(text) : json_null();
}

static void tell_change(json_t *changes, const char *name, const char *from, const char *to)
{
	bool is_same =
		from && to ? deploy_fact_equal(from, to) : (!from || !*from) && (!to || !*to);

	if (!is_same)
		(void)json_object_set_new(changes, name,
			json_pack(
				"{s:o, s:o}", "from", text_or_null(from), "to", text_or_null(to)));
}

/* What changes for node, as an act tells it. New reference. */
static json_t *compare(const struct assigning *assigning, const char *node, json_t *after)
{
	json_t *changes = json_object(), *value;
	struct assigned before;
	const char *name;

	(void)assigned_get(&before, assigning->before, node);
	json_object_foreach(after, name, value)
	{
		bool is_environment = strcmp(name, DEPLOY_ASSIGNED_ENVIRONMENT) == 0;

		tell_change(changes, is_environment ? "environment" : name,
			is_environment ? before.environment : fact(before.facts, name),
			json_string_value(value));
	}
	return json_pack("{s:b, s:o}", "changed", json_object_size(changes) > 0, "facts", changes);
}

static void settle(struct assigning *assigning, const char *node, const json_t *facts)
{
	struct deploy_error ignored = {0};
	json_t *after = settle_node(assigning, node, facts);

	/* The names were checked when they were read. */
	(void)deploy_nodeset_add(assigning->nodes, node, &ignored);
	(void)json_object_set_new(assigning->told, node, compare(assigning, node, after));
	(void)json_object_set_new(assigning->after, node, after);
}

static int note_seen(void *arg, const struct deploy_node_record *node)
{
	struct deploy_nodeset *known = arg;
	struct deploy_error ignored = {0};

	if (node->last_seen_us)
		(void)deploy_nodeset_add(known, node->identity, &ignored);
	return 0;
}

/* Who answered anybody, or was assigned something. The caller frees *out. */
static int list_known(
	struct deploy_nodeset **out, const struct assigning *assigning, struct deploy_error *err)
{
	struct deploy_error ignored = {0};
	const char *node;
	json_t *entry;

	*out = deploy_nodeset_new();
	json_object_foreach(assigning->before, node, entry)(void)
		deploy_nodeset_add(*out, node, &ignored);
	return deploy_state_each_node(assigning->ctx->state, 0, note_seen, *out, err);
}

/* Ask the nodes themselves. strangers: those that did not answer are left in it. */
static int look_for(struct ctx *ctx, struct deploy_nodeset *strangers, struct deploy_error *err)
{
	struct deploy_run_options options = {.signal_fd = ctx->signal_fd};
	struct target_opts target = {0};
	struct deploy_run_result result;
	struct deploy_plan *plan = deploy_plan_new();

	target_opts_init(&target);
	target.list = deploy_nodeset_copy(strangers);
	if (ctx_open_secrets(ctx, err) == 0 && target_connect(ctx, &target, err) == 0) {
		target_plan_ping(plan, ctx, &target, NULL);
		(void)deploy_run(&result, ctx->bus, plan, &options, err);
		if (result.end == DEPLOY_RUN_COMPLETE)
			deploy_nodeset_intersect(
				strangers, result.tally[0].set[DEPLOY_OUTCOME_SILENT]);
		else if (result.end == DEPLOY_RUN_INTERRUPTED)
			(void)deploy_error_set(
				err, DEPLOY_INTERRUPTED, "interrupted; nothing was assigned");
		deploy_run_result_release(&result);
	}
	target_opts_release(&target);
	deploy_plan_free(plan);
	return err->code;
}

/* The node that is known with its domain, where one without is not; NULL: none. */
static const char *with_domain(const struct deploy_nodeset *known, const char *name)
{
	size_t len = strlen(name);

	for (size_t i = 0; i < deploy_nodeset_count(known); i++) {
		const char *other = deploy_nodeset_get(known, i);

		if (strncmp(other, name, len) == 0 && other[len] == '.')
			return other;
	}
	return NULL;
}

/* strangers: who is asked for, and left are those that are not of the fleet. */
static int refuse(const struct deploy_nodeset *strangers, const struct deploy_nodeset *known,
	struct deploy_error *err)
{
	const char *meant = with_domain(known, deploy_nodeset_get(strangers, 0));
	char *folded = deploy_nodeset_print(strangers);

	deploy_error_hint(err, "deployctl ping -I '%.200s'", folded);
	(void)deploy_error_set(err, DEPLOY_REFUSED,
		"no node of the fleet: %s; nothing was done%s%s%s", folded,
		meant ? "; did you mean " : "", meant ? meant : "", meant ? "?" : "");
	free(folded);
	return err->code;
}

static int refuse_strangers(struct assigning *assigning, struct deploy_error *err)
{
	struct deploy_nodeset *known, *strangers = deploy_nodeset_copy(assigning->nodes);

	if (list_known(&known, assigning, err) == 0) {
		deploy_nodeset_subtract(strangers, known);
		if (deploy_nodeset_count(strangers) && look_for(assigning->ctx, strangers, err) &&
			err->code != DEPLOY_INTERRUPTED)
			deploy_error_wrap(err, "%s was never seen, and cannot be asked",
				deploy_nodeset_get(strangers, 0));
		else if (!err->code && deploy_nodeset_count(strangers))
			(void)refuse(strangers, known, err);
	}
	deploy_nodeset_free(known);
	deploy_nodeset_free(strangers);
	return err->code;
}

static bool is_same(const struct assigned *a, const struct assigned *b)
{
	bool has_same_environment = a->environment && b->environment
					    ? strcmp(a->environment, b->environment) == 0
					    : !a->environment && !b->environment;

	return has_same_environment && (json_equal(a->facts, b->facts) || (!a->facts && !b->facts));
}

/* What nodes are to have was made of what they had: nobody else may have changed that since. */
static int check_before(const struct assigning *assigning, const struct deploy_nodeset *nodes,
	struct deploy_error *err)
{
	json_t *now = NULL;

	if (assigned_read(&now, assigning->ctx->state, nodes, err))
		return err->code;
	for (size_t i = 0; i < deploy_nodeset_count(nodes) && !err->code; i++) {
		const char *node = deploy_nodeset_get(nodes, i);
		struct assigned then, is;

		(void)assigned_get(&then, assigning->before, node);
		(void)assigned_get(&is, now, node);
		if (is_same(&then, &is))
			continue;
		deploy_error_hint(err, "the same command again, with --diff first");
		(void)deploy_error_set(err, DEPLOY_REFUSED,
			"%s was assigned something else by another command meanwhile; it keeps "
			"that",
			node);
	}
	json_decref(now);
	return err->code;
}

/* Checked again, since here nobody else can write. */
static int record(void *arg, struct deploy_state *state, const struct deploy_event *event,
	struct deploy_error *err)
{
	const struct assigning *assigning = arg;
	struct deploy_nodeset *node = deploy_nodeset_new();
	int rc = deploy_nodeset_add(node, event->node, err);

	if (!rc)
		rc = check_before(assigning, node, err);
	deploy_nodeset_free(node);
	if (rc)
		return rc;
	return deploy_state_assign(state, event->node,
		json_object_get(assigning->after, event->node), assigning->ctx->run_id, err);
}

static bool changes_any(const struct assigning *assigning)
{
	const char *node;
	json_t *data;

	json_object_foreach(assigning->told, node,
		data) if (json_is_true(json_object_get(data, "changed"))) return true;
	return false;
}

static int run(struct assigning *assigning, struct deploy_error *err)
{
	const struct assign_request *request = assigning->request;
	struct report report = {.out = assigning->ctx->out,
		.kind = "assign-role",
		.view = &report_acts,
		.is_act = !request->diff,
		.is_record_only = !request->diff,
		.reason = request->reason,
		.record = record,
		.record_arg = assigning,
		.shows_changes = request->diff,
		.is_filtered = true};
	struct deploy_plan *plan = deploy_plan_new();
	struct deploy_task *task = deploy_plan_take_act(plan,
		deploy_act_known(assigning->told, request->diff ? "would change" : "changed"));
	int status;

	task->nodes = deploy_nodeset_copy(assigning->nodes);
	status = report_run(&report, assigning->ctx, plan, err);
	deploy_plan_free(plan);
	if (status == EXIT_ALL_OK && request->tells_change && changes_any(assigning))
		status = EXIT_CHANGES;
	return status;
}

static int ask_and_run(struct assigning *assigning, struct deploy_error *err)
{
	static const struct confirm_question question = {
		.before = "", .after = " will be assigned other roles"};
	int status = EXIT_ALL_OK;

	if (!assigning->request->diff && changes_any(assigning))
		status = confirm_act(assigning->ctx, &assigning->request->confirm, &question,
			deploy_nodeset_count(assigning->nodes), err);
	if (status == EXIT_ALL_OK && check_before(assigning, assigning->nodes, err))
		status = (int)exit_of_error(err->code);
	return status == EXIT_ALL_OK ? run(assigning, err) : status;
}

static void begin(
	struct assigning *assigning, struct ctx *ctx, const struct assign_request *request)
{
	*assigning = (struct assigning){.ctx = ctx,
		.request = request,
		.nodes = deploy_nodeset_new(),
		.whole = by_node(request->whole),
		.after = json_object(),
		.told = json_object()};
}

static void release(struct assigning *assigning)
{
	deploy_nodeset_free(assigning->nodes);
	json_decref(assigning->whole);
	json_decref(assigning->before);
	json_decref(assigning->after);
	json_decref(assigning->told);
}

static int open_state(struct assigning *assigning, struct deploy_error *err)
{
	if (ctx_state(assigning->ctx, true, err))
		return err->code;
	return assigned_read(&assigning->before, assigning->ctx->state, NULL, err);
}

int assign_record(struct ctx *ctx, const struct assign_request *request, struct deploy_error *err)
{
	struct assigning assigning;
	const json_t *item;
	size_t i;
	int status;

	begin(&assigning, ctx, request);
	if (open_state(&assigning, err) == 0)
		json_array_foreach(request->chosen, i, item)
			settle(&assigning, json_string_value(json_object_get(item, "node")),
				json_object_get(item, "facts"));
	if (err->code || refuse_strangers(&assigning, err))
		status = (int)exit_of_error(err->code);
	else
		status = ask_and_run(&assigning, err);
	release(&assigning);
	return status;
}

int assign_remove(struct ctx *ctx, const struct deploy_nodeset *nodes,
	const struct assign_request *request, struct deploy_error *err)
{
	struct assigning assigning;
	int status;

	begin(&assigning, ctx, request);
	(void)open_state(&assigning, err);
	for (size_t i = 0; !err->code && i < deploy_nodeset_count(nodes); i++)
		settle(&assigning, deploy_nodeset_get(nodes, i), NULL);
	if (err->code || refuse_strangers(&assigning, err))
		status = (int)exit_of_error(err->code);
	else
		status = ask_and_run(&assigning, err);
	release(&assigning);
	return status;
}
