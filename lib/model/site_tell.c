/* What is wrong or strange in a site, one line each; everything is listed, long lists are cut. */
#include "model/site_notice.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"

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
	dp_site_add_name(text, site->capability_names[capability]);
	dp_buf_add_text(text, ", from ");
	dp_site_add_component(text, site, from);
	dp_buf_add_text(text, " to ");
	dp_site_add_component(text, site, consumer);
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

	if (!dp_site_may_tell(r, DEPLOY_SITE_CYCLE, is_error))
		return;
	dp_buf_init(&text, DP_SITE_NOTICE_BYTES);
	dp_buf_addf(&text, "a cycle: %s", r->site->nodes[cycle[0]]);
	for (uint32_t i = 1; i <= length; i++) {
		uint32_t from = cycle[i - 1], to = cycle[i % length];

		if (i > DP_SITE_MAX_LIST && i < length) {
			if (i == DP_SITE_MAX_LIST + 1)
				dp_buf_addf(&text, " → (%u more)", length - i);
			continue;
		}
		dp_buf_addf(&text, " → %s (", r->site->nodes[to]);
		add_reason(&text, r, from, to);
		dp_buf_add_byte(&text, ')');
	}
	dp_site_tell_one(r, DEPLOY_SITE_CYCLE, is_error, &text);
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
		if (r->is_selected[node] || !waiting ||
			!dp_site_may_tell(r, DEPLOY_SITE_OUTSIDE, false))
			continue;
		dp_buf_init(&text, DP_SITE_NOTICE_BYTES);
		dp_buf_addf(&text, "%s is not selected, and is waited for by ", site->nodes[node]);
		for (uint32_t i = 0; i < count; i++)
			if (r->is_selected[row[i]] && dp_site_begin_item(&text, shown++, waiting))
				dp_buf_add_text(&text, site->nodes[row[i]]);
		dp_buf_add_text(&text, " (");
		add_reason(&text, r, node, first);
		dp_buf_add_byte(&text, ')');
		dp_site_tell_one(r, DEPLOY_SITE_OUTSIDE, false, &text);
	}
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

		if (strcasecmp(names[i - 1], names[i]) != 0 ||
			!dp_site_may_tell(r, DEPLOY_SITE_ALIKE, false))
			continue;
		dp_buf_init(&text, DP_SITE_NOTICE_BYTES);
		dp_buf_addf(&text, "%s and %s differ in case only, and are two nodes", names[i - 1],
			names[i]);
		dp_site_tell_one(r, DEPLOY_SITE_ALIKE, false, &text);
	}
	free(names);
}

/* Errors first, kind after kind. */
static void sort_notices(struct deploy_ranks *out)
{
	struct deploy_site_notice *sorted = dp_xmalloc(out->notice_count * sizeof(*sorted));
	size_t count = 0;

	for (int order = 0; order < 2 * DEPLOY_SITE_NOTICES; order++)
		for (size_t i = 0; i < out->notice_count; i++)
			if ((int)out->notices[i].kind == order % DEPLOY_SITE_NOTICES &&
				out->notices[i].is_error == (order < DEPLOY_SITE_NOTICES))
				sorted[count++] = out->notices[i];
	free(out->notices);
	out->notices = sorted;
}

void dp_site_tell(struct dp_ranking *r)
{
	tell_cycles(r);
	dp_site_tell_uses(r);
	tell_outside(r);
	tell_alike(r);
	sort_notices(r->out);
}
