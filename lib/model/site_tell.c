/* What is wrong or strange in a site, one line each; everything is listed, long lists are cut. */
#include "model/site_rank.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/mem.h"
#include "deploy/text.h"

#define MAX_TEXT (1024 * 1024)
#define MAX_NAME 200 /* bytes of a name */
#define MAX_LIST 10

const char *deploy_site_notice_name(enum deploy_site_notice_kind kind)
{
	static const char *const names[] = {
		"cycle", "unproduced", "producers", "outside", "catalog", "alike"};

	return kind < DEPLOY_SITE_NOTICES ? names[kind] : "unknown kind";
}

/* Takes text. */
static void tell(
	struct dp_ranking *r, enum deploy_site_notice_kind kind, bool is_error, struct dp_buf *text)
{
	struct deploy_ranks *out = r->out;

	out->notices =
		dp_grow(out->notices, &r->notice_cap, out->notice_count + 1, sizeof(*out->notices));
	out->notices[out->notice_count++] = (struct deploy_site_notice){
		.kind = kind, .is_error = is_error, .text = dp_buf_take(text)};
	out->error_count += is_error;
}

static void add_name(struct dp_buf *text, const char *name)
{
	size_t len = strlen(name), shown = len;
	char *escaped;

	if (len > MAX_NAME)
		for (shown = MAX_NAME; shown && ((unsigned char)name[shown] & 0xc0) == 0x80;)
			shown--;
	escaped = deploy_text_escape(name, shown);
	dp_buf_add_text(text, escaped);
	dp_buf_add_text(text, shown < len ? "..." : "");
	free(escaped);
}

/* "Lamp[app1] Lamp::Mysql[app1]" */
static void add_component(struct dp_buf *text, const struct deploy_site *site,
	const struct dp_site_component *component)
{
	add_name(text, site->applications[component->application]);
	dp_buf_add_byte(text, ' ');
	add_name(text, component->name);
}

/* Before item number i of count: true if it is to be listed, otherwise how many more there are. */
static bool begin_item(struct dp_buf *text, size_t i, size_t count)
{
	if (i < MAX_LIST)
		dp_buf_add_text(text, i ? ", " : "");
	else if (i == MAX_LIST)
		dp_buf_addf(text, " and %zu more", count - i);
	return i < MAX_LIST;
}

static bool has(const uint32_t *items, uint32_t count, uint32_t item)
{
	while (count && items[count - 1] != item)
		count--;
	return count != 0;
}

static int compare_numbers(const void *key, const void *item)
{
	const uint32_t *x = key, *y = item;

	return (*x > *y) - (*x < *y);
}

static bool is_produced_by(const struct dp_ranking *r, uint32_t capability, uint32_t node)
{
	const uint32_t *start = r->producers.start + capability;

	return bsearch(&node, r->producers.items + start[0], start[1] - start[0], sizeof(node),
		compare_numbers);
}

static void add_capability(struct dp_buf *text, const struct dp_ranking *r, uint32_t capability,
	uint32_t producer, const struct dp_site_component *consumer)
{
	const struct deploy_site *site = r->site;
	const struct dp_site_component *from = site->components + site->component_start[producer];

	while (!has(site->capabilities + from->produced, from->produced_count, capability))
		from++;
	add_name(text, site->capability_names[capability]);
	dp_buf_add_text(text, ", from ");
	add_component(text, site, from);
	dp_buf_add_text(text, " to ");
	add_component(text, site, consumer);
}

/* Why consumer waits for producer: of all reasons the first by the name of the capability. */
static void add_reason(
	struct dp_buf *text, const struct dp_ranking *r, uint32_t producer, uint32_t consumer)
{
	const struct deploy_site *site = r->site;
	const struct dp_site_component *to = NULL;
	uint32_t capability = 0;

	for (uint32_t i = site->component_start[consumer]; i < site->component_start[consumer + 1];
		i++) {
		const struct dp_site_component *component = &site->components[i];
		const uint32_t *consumed = site->capabilities + component->consumed;

		for (uint32_t j = 0; j < component->consumed_count; j++) {
			if (!is_produced_by(r, consumed[j], producer) ||
				(to && strcmp(site->capability_names[consumed[j]],
					       site->capability_names[capability]) >= 0))
				continue;
			capability = consumed[j];
			to = component;
		}
	}
	assert(to);
	add_capability(text, r, capability, producer, to);
}

static void tell_cycle(struct dp_ranking *r, const uint32_t *cycle, uint32_t length, bool is_error)
{
	struct dp_buf text;

	dp_buf_init(&text, MAX_TEXT);
	dp_buf_addf(&text, "a cycle: %s", r->site->nodes[cycle[0]]);
	for (uint32_t i = 1; i <= length; i++) {
		uint32_t from = cycle[i - 1], to = cycle[i % length];

		if (i > MAX_LIST && i < length) {
			if (i == MAX_LIST + 1)
				dp_buf_addf(&text, " → (%u more)", length - i);
			continue;
		}
		dp_buf_addf(&text, " → %s (", r->site->nodes[to]);
		add_reason(&text, r, from, to);
		dp_buf_add_byte(&text, ')');
	}
	tell(r, DEPLOY_SITE_CYCLE, is_error, &text);
}

/* One cycle for all nodes that wait for each other, through a selected one if there is one. */
static void tell_cycles(struct dp_ranking *r)
{
	uint32_t count = r->site->node_count, knots;
	uint32_t *knot = dp_xmalloc(count * sizeof(*knot));
	uint32_t *cycle = dp_xmalloc(((size_t)count + 1) * sizeof(*cycle));
	uint32_t *from = dp_xcalloc(count, sizeof(*from)), *start;

	knots = dp_site_knots(knot, r->rank, &r->before);
	start = dp_xcalloc((size_t)knots + 1, sizeof(*start));
	for (uint32_t i = count; i-- > 0;)
		if (!start[knot[i]] || r->is_selected[i] || !r->is_selected[start[knot[i]] - 1])
			start[knot[i]] = i + 1;
	for (uint32_t i = 1; i <= knots; i++) {
		uint32_t length = dp_site_cycle(cycle, from, start[i] - 1, knot, &r->before);

		tell_cycle(r, cycle, length, r->is_selected[start[i] - 1]);
	}
	free(knot);
	free(cycle);
	free(from);
	free(start);
}

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
	for (size_t i = 0; i < count && begin_item(text, i, count); i++) {
		const struct dp_site_component *component = &site->components[uses[i].component];

		add_component(text, site, component);
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

		if (node != last && begin_item(text, shown++, nodes))
			dp_buf_add_text(text, site->nodes[node]);
		last = node;
	}
}

/* A notice for each thing that is used. touched: NULL if all are errors or none is. */
static void tell_uses(struct dp_ranking *r, enum deploy_site_notice_kind kind, struct uses *uses,
	const bool *touched)
{
	size_t end;

	if (uses->count)
		qsort(uses->items, uses->count, sizeof(*uses->items), compare_uses);
	for (size_t i = 0; i < uses->count; i = end) {
		const struct use *first = &uses->items[i];
		struct dp_buf text;

		for (end = i; end < uses->count && uses->items[end].number == first->number;)
			end++;
		dp_buf_init(&text, MAX_TEXT);
		if (kind == DEPLOY_SITE_UNPRODUCED)
			dp_buf_add_text(&text, "nobody produces ");
		add_name(&text, first->of);
		dp_buf_add_text(&text, kind == DEPLOY_SITE_UNPRODUCED ? ", consumed by "
				       : kind == DEPLOY_SITE_PRODUCERS
					       ? " is waited for from all who produce it: "
					       : " was not asked for, but runs as well on ");
		if (kind == DEPLOY_SITE_CATALOG)
			add_nodes(&text, r->site, first, end - i);
		else
			add_components(&text, r->site, first, end - i);
		tell(r, kind, kind == DEPLOY_SITE_UNPRODUCED && touched[first->number], &text);
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

static void tell_outside(struct dp_ranking *r)
{
	const struct deploy_site *site = r->site;

	for (uint32_t node = 0; node < site->node_count; node++) {
		const uint32_t *row = r->before.items + r->before.start[node];
		uint32_t count = r->before.start[node + 1] - r->before.start[node];
		size_t waiting = 0, shown = 0;
		struct dp_buf text;
		uint32_t first = 0;

		for (uint32_t i = count; i-- > 0;)
			if (r->is_selected[row[i]]) {
				waiting++;
				first = row[i];
			}
		if (r->is_selected[node] || !waiting)
			continue;
		dp_buf_init(&text, MAX_TEXT);
		dp_buf_addf(&text, "%s is not selected, and is waited for by ", site->nodes[node]);
		for (uint32_t i = 0; i < count; i++)
			if (r->is_selected[row[i]] && begin_item(&text, shown++, waiting))
				dp_buf_add_text(&text, site->nodes[row[i]]);
		dp_buf_add_text(&text, " (");
		add_reason(&text, r, node, first);
		dp_buf_add_byte(&text, ')');
		tell(r, DEPLOY_SITE_OUTSIDE, false, &text);
	}
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

static int compare_alike(const void *a, const void *b)
{
	const char *const *x = a, *const *y = b;
	int order = strcasecmp(*x, *y);

	return order ? order : strcmp(*x, *y);
}

static bool has_capitals(const char *name)
{
	while (*name && !(*name >= 'A' && *name <= 'Z'))
		name++;
	return *name != '\0';
}

/* Certnames are in lower case; of two that differ in case only one is hardly what was meant. */
static void tell_alike(struct dp_ranking *r)
{
	const struct deploy_site *site = r->site;
	const char **names;
	uint32_t i = 0;

	while (i < site->node_count && !has_capitals(site->nodes[i]))
		i++;
	if (i == site->node_count)
		return;
	names = dp_xmalloc(site->node_count * sizeof(*names));
	memcpy(names, site->nodes, site->node_count * sizeof(*names));
	qsort(names, site->node_count, sizeof(*names), compare_alike);
	for (i = 1; i < site->node_count; i++) {
		struct dp_buf text;

		if (strcasecmp(names[i - 1], names[i]) != 0)
			continue;
		dp_buf_init(&text, MAX_TEXT);
		dp_buf_addf(&text, "%s and %s differ in case only, and are two nodes", names[i - 1],
			names[i]);
		tell(r, DEPLOY_SITE_ALIKE, false, &text);
	}
	free(names);
}

/* Keeping the order otherwise. */
static void put_errors_first(struct deploy_ranks *out)
{
	struct deploy_site_notice *sorted = dp_xmalloc(out->notice_count * sizeof(*sorted));
	size_t error = 0, other = out->error_count;

	for (size_t i = 0; i < out->notice_count; i++)
		sorted[out->notices[i].is_error ? error++ : other++] = out->notices[i];
	free(out->notices);
	out->notices = sorted;
}

void dp_site_tell(struct dp_ranking *r)
{
	bool *touched = find_touched(r);

	tell_cycles(r);
	tell_unproduced(r, touched);
	tell_producers(r, touched);
	free(touched);
	tell_outside(r);
	tell_catalogs(r);
	tell_alike(r);
	put_errors_first(r->out);
}
