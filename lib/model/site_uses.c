/*
 * What components have to do with capabilities and applications that somebody should know of: each
 * use is noted, then those of one thing are told together.
 */
#include "model/site_notice.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* A component that has to do with something: a capability, or an application. */
struct use {
	const char *of;
	uint32_t component, number; /* number: of the capability or application */
};

struct uses {
	struct use *items;
	size_t count, cap;
};

static void add_use(struct uses *uses, const char *of, uint32_t number, uint32_t component)
{
	uses->items = dp_grow(uses->items, &uses->cap, uses->count + 1, sizeof(*uses->items));
	uses->items[uses->count++] =
		(struct use){.of = of, .number = number, .component = component};
}

static int compare_uses(const void *a, const void *b)
{
	const struct use *x = a, *y = b;

	if (x->number != y->number)
		return strcmp(x->of, y->of);
	return (x->component > y->component) - (x->component < y->component);
}

static void add_components(
	struct dp_buf *text, const struct deploy_site *site, const struct use *uses, size_t count)
{
	for (size_t i = 0; i < count && dp_site_begin_item(text, i, count); i++) {
		const struct dp_site_component *component = &site->components[uses[i].component];

		dp_site_add_component(text, site, component);
		dp_buf_addf(text, " on %s", site->nodes[component->node]);
	}
}

static void add_nodes(
	struct dp_buf *text, const struct deploy_site *site, const struct use *uses, size_t count)
{
	size_t nodes = 0, shown = 0;
	uint32_t last = UINT32_MAX;

	for (size_t i = 0; i < count; i++) {
		uint32_t node = site->components[uses[i].component].node;

		nodes += node != last;
		last = node;
	}
	last = UINT32_MAX;
	for (size_t i = 0; i < count; i++) {
		uint32_t node = site->components[uses[i].component].node;

		if (node != last && dp_site_begin_item(text, shown++, nodes))
			dp_buf_add_text(text, site->nodes[node]);
		last = node;
	}
}

/* What is said of it, before its name and behind it. */
static const char *const phrases[DEPLOY_SITE_NOTICES][2] = {
	[DEPLOY_SITE_UNPRODUCED] = {"nobody produces ", ", consumed by "},
	[DEPLOY_SITE_PRODUCERS] = {"", " is waited for from all who produce it: "},
	[DEPLOY_SITE_CATALOG] = {"", " was not asked for, but runs as well on "},
};

/* All uses of one thing. */
static void tell_thing(struct dp_ranking *r, enum deploy_site_notice_kind kind, bool is_error,
	const struct use *uses, size_t count)
{
	struct dp_buf text;

	if (!dp_site_may_tell(r, kind, is_error))
		return;
	dp_buf_init(&text, DP_SITE_NOTICE_BYTES);
	dp_buf_add_text(&text, phrases[kind][0]);
	dp_site_add_name(&text, uses->of);
	dp_buf_add_text(&text, phrases[kind][1]);
	if (kind == DEPLOY_SITE_CATALOG)
		add_nodes(&text, r->site, uses, count);
	else
		add_components(&text, r->site, uses, count);
	dp_site_tell_one(r, kind, is_error, &text);
}

/* A notice for each thing that is used. wrong: which of them are errors; NULL: none. */
static void tell_uses(struct dp_ranking *r, enum deploy_site_notice_kind kind, struct uses *uses,
	const bool *wrong)
{
	size_t end;

	if (uses->count)
		qsort(uses->items, uses->count, sizeof(*uses->items), compare_uses);
	for (size_t i = 0; i < uses->count; i = end) {
		uint32_t number = uses->items[i].number;

		for (end = i; end < uses->count && uses->items[end].number == number;)
			end++;
		tell_thing(r, kind, wrong && wrong[number], uses->items + i, end - i);
	}
	free(uses->items);
}

/* Is a capability produced or consumed by a selected node? */
static bool *find_touched(const struct dp_ranking *r)
{
	const struct deploy_site *site = r->site;
	bool *touched = dp_xcalloc(site->capability_count, sizeof(*touched));

	for (uint32_t i = 0; i < site->component_count; i++) {
		const struct dp_site_component *component = &site->components[i];

		if (!r->is_selected[component->node])
			continue;
		for (uint32_t j = 0; j < component->produced_count; j++)
			touched[site->capabilities[component->produced + j]] = true;
		for (uint32_t j = 0; j < component->consumed_count; j++)
			touched[site->capabilities[component->consumed + j]] = true;
	}
	return touched;
}

static void tell_unproduced(struct dp_ranking *r, const bool *touched)
{
	const struct deploy_site *site = r->site;
	struct uses uses = {0};

	for (uint32_t i = 0; i < site->component_count; i++)
		for (uint32_t j = 0; j < site->components[i].consumed_count; j++) {
			uint32_t capability = site->capabilities[site->components[i].consumed + j];

			if (r->producers.start[capability] == r->producers.start[capability + 1])
				add_use(&uses, site->capability_names[capability], capability, i);
		}
	tell_uses(r, DEPLOY_SITE_UNPRODUCED, &uses, touched);
}

/* Also two components of one node. */
static void tell_producers(struct dp_ranking *r, const bool *touched)
{
	const struct deploy_site *site = r->site;
	uint32_t *count = dp_xcalloc(site->capability_count, sizeof(*count));
	struct uses uses = {0};

	for (uint32_t i = 0; i < site->component_count; i++)
		for (uint32_t j = 0; j < site->components[i].produced_count; j++)
			count[site->capabilities[site->components[i].produced + j]]++;
	for (uint32_t i = 0; i < site->component_count; i++)
		for (uint32_t j = 0; j < site->components[i].produced_count; j++) {
			uint32_t capability = site->capabilities[site->components[i].produced + j];

			if (count[capability] > 1 && touched[capability])
				add_use(&uses, site->capability_names[capability], capability, i);
		}
	tell_uses(r, DEPLOY_SITE_PRODUCERS, &uses, NULL);
	free(count);
}

static void tell_catalogs(struct dp_ranking *r)
{
	const struct deploy_site *site = r->site;
	struct uses uses = {0};

	for (uint32_t i = 0; i < site->component_count; i++) {
		uint32_t application = site->components[i].application;

		if (r->is_selected[site->components[i].node] && !r->is_chosen[application])
			add_use(&uses, site->applications[application], application, i);
	}
	tell_uses(r, DEPLOY_SITE_CATALOG, &uses, NULL);
}

void dp_site_tell_uses(struct dp_ranking *r)
{
	bool *touched = find_touched(r);

	tell_unproduced(r, touched);
	tell_producers(r, touched);
	free(touched);
	tell_catalogs(r);
}
