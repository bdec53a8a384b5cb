/* What nodes are to be assigned: the roles that are chosen, and what stays of before. */
#include "assigning.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "assigned.h"

#define ALL_LAYERS ((1u << (DEPLOY_LAYER_NONE + 1)) - 1)

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

int role_layer(const char *name, size_t len)
{
	for (int i = 0; i < DEPLOY_LAYER_NONE; i++) {
		const char *layer = deploy_layer_name((enum deploy_layer)i);

		if (strlen(layer) == len && memcmp(layer, name, len) == 0)
			return i;
	}
	return -1;
}

int role_choose(
	struct deploy_roles *roles, unsigned layers, const char *cluster, struct deploy_error *err)
{
	char known[256] = "";
	const char *last = "";
	size_t len = 0;

	for (size_t i = 0; cluster && i < deploy_roles_count(roles); i++) {
		const char *name = deploy_roles_get(roles, i)->collection;

		if (strcmp(name, cluster) == 0)
			break;
		if (strcmp(name, last) != 0 && len < sizeof(known))
			len += (size_t)snprintf(
				known + len, sizeof(known) - len, "%s%s", len ? ", " : "", name);
		last = name;
		if (i + 1 == deploy_roles_count(roles))
			return deploy_error_set(err, DEPLOY_USAGE,
				"no file is about \"%s\", only about %s", cluster, known);
	}
	deploy_roles_keep(roles, layers ? layers : ALL_LAYERS, cluster);
	return 0;
}

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
	const char *name = assigning->environment;
	struct deploy_error not_one = {0};

	if (!name && assigning->is_from_file)
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

void assigning_settle(struct assigning *assigning, const char *node, const json_t *facts)
{
	struct deploy_error ignored = {0};
	json_t *after = settle_node(assigning, node, facts);

	/* The names were checked when they were read. */
	(void)deploy_nodeset_add(assigning->nodes, node, &ignored);
	(void)json_object_set_new(assigning->told, node, compare(assigning, node, after));
	(void)json_object_set_new(assigning->after, node, after);
}

int assigning_begin(
	struct assigning *out, struct ctx *ctx, const json_t *whole, struct deploy_error *err)
{
	*out = (struct assigning){.ctx = ctx,
		.nodes = deploy_nodeset_new(),
		.whole = by_node(whole),
		.after = json_object(),
		.told = json_object()};
	if (ctx_state(ctx, true, err))
		return err->code;
	return assigned_read(&out->before, ctx->state, NULL, err);
}

void assigning_release(struct assigning *assigning)
{
	deploy_nodeset_free(assigning->nodes);
	json_decref(assigning->whole);
	json_decref(assigning->before);
	json_decref(assigning->after);
	json_decref(assigning->told);
}

void assigning_settle_all(struct assigning *assigning, const json_t *chosen)
{
	const json_t *item;
	size_t i;

	json_array_foreach(chosen, i, item) assigning_settle(assigning,
		json_string_value(json_object_get(item, "node")), json_object_get(item, "facts"));
}

static int note_seen(void *arg, const struct deploy_node_record *node)
{
	struct deploy_nodeset *known = arg;
	struct deploy_error ignored = {0};

	if (node->last_seen_us)
		(void)deploy_nodeset_add(known, node->identity, &ignored);
	return 0;
}

int assigning_list_known(
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

int assigning_refuse(const struct deploy_nodeset *strangers, const struct deploy_nodeset *known,
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

static bool is_same(const struct assigned *a, const struct assigned *b)
{
	bool has_same_environment = a->environment && b->environment
					    ? strcmp(a->environment, b->environment) == 0
					    : !a->environment && !b->environment;

	return has_same_environment && (json_equal(a->facts, b->facts) || (!a->facts && !b->facts));
}

int assigning_check(const struct assigning *assigning, const struct deploy_nodeset *nodes,
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
int assigning_record(void *arg, struct deploy_state *state, const struct deploy_event *event,
	struct deploy_error *err)
{
	const struct assigning *assigning = arg;
	struct deploy_nodeset *node;
	int rc;

	if (event->outcome->state != DEPLOY_OUTCOME_OK)
		return 0;
	node = deploy_nodeset_new();
	rc = deploy_nodeset_add(node, event->node, err);
	if (!rc)
		rc = assigning_check(assigning, node, err);
	deploy_nodeset_free(node);
	if (rc)
		return rc;
	return deploy_state_assign(state, event->node,
		json_object_get(assigning->after, event->node), assigning->ctx->run_id, err);
}
