/* Waits are rows of numbers, built by counting; ranks come by taking away who waits for nobody. */
#include "model/site_graph.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "deploy/text.h"

void dp_rows_release(struct dp_rows *rows)
{
	free(rows->start);
	free(rows->items);
	*rows = (struct dp_rows){0};
}

/* Where rows begin, in start[1] …, from how long they are, in start[2] …. */
static void add_up(uint32_t *start, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		start[i + 1] += start[i];
}

void dp_rows_turn(struct dp_rows *out, const struct dp_rows *rows, uint32_t columns)
{
	uint32_t items = rows->start[rows->count];

	*out = (struct dp_rows){.start = dp_xcalloc((size_t)columns + 2, sizeof(*out->start)),
		.items = dp_xmalloc(items * sizeof(*out->items)),
		.count = columns};
	for (uint32_t i = 0; i < items; i++)
		out->start[rows->items[i] + 2]++;
	add_up(out->start, columns);
	for (uint32_t row = 0; row < rows->count; row++)
		for (uint32_t i = rows->start[row]; i < rows->start[row + 1]; i++)
			out->items[out->start[rows->items[i] + 1]++] = row;
}

void dp_site_producers(struct dp_rows *out, const struct deploy_site *site)
{
	struct dp_rows produced = {
		.start = dp_xcalloc((size_t)site->node_count + 1, sizeof(uint32_t)),
		.count = site->node_count};
	uint32_t *last = dp_xcalloc(site->capability_count, sizeof(*last)), count = 0;
	size_t cap = 0;

	for (uint32_t i = 0; i < site->component_count; i++) {
		const struct dp_site_component *component = &site->components[i];

		for (uint32_t j = 0; j < component->produced_count; j++) {
			uint32_t capability = site->capabilities[component->produced + j];

			if (last[capability] == component->node + 1)
				continue;
			last[capability] = component->node + 1;
			produced.items =
				dp_grow(produced.items, &cap, (size_t)count + 1, sizeof(uint32_t));
			produced.items[count++] = capability;
		}
		produced.start[component->node + 1] = count;
	}
	dp_rows_turn(out, &produced, site->capability_count);
	dp_rows_release(&produced);
	free(last);
}

/* Rows while they are filled. */
struct waits {
	const struct deploy_site *site;
	const struct dp_rows *producers;
	struct dp_rows rows;
	size_t cap;
	uint32_t count, looked_at;
	uint32_t *last;		   /* node → the last one that was found to wait for it, + 1 */
	uint32_t *last_capability; /* capability → the last node that consumes it, + 1 */
};

static int refuse(const struct waits *waits, uint32_t capability, struct deploy_error *err)
{
	const char *name = waits->site->capability_names[capability];
	const uint32_t *start = waits->producers->start + capability;
	char *shown = deploy_text_escape(name, strlen(name));

	(void)deploy_error_set(err, DEPLOY_INPUT,
		"%s: nodes wait for each other in more than %d ways; %u nodes produce %s",
		waits->site->name, DEPLOY_SITE_MAX_WAITS, start[1] - start[0], shown);
	free(shown);
	return err->code;
}

/* Everybody who produces it, but not node itself. */
static int add_producers(
	struct waits *waits, uint32_t node, uint32_t capability, struct deploy_error *err)
{
	const uint32_t *start = waits->producers->start + capability;

	if (waits->last_capability[capability] == node + 1)
		return 0;
	waits->last_capability[capability] = node + 1;
	waits->looked_at += start[1] - start[0];
	if (waits->looked_at > DEPLOY_SITE_MAX_WAITS)
		return refuse(waits, capability, err);
	for (uint32_t i = start[0]; i < start[1]; i++) {
		uint32_t producer = waits->producers->items[i];

		if (producer == node || waits->last[producer] == node + 1)
			continue;
		waits->last[producer] = node + 1;
		waits->rows.items = dp_grow(
			waits->rows.items, &waits->cap, (size_t)waits->count + 1, sizeof(uint32_t));
		waits->rows.items[waits->count++] = producer;
	}
	return 0;
}

static int add_component(
	struct waits *waits, const struct dp_site_component *component, struct deploy_error *err)
{
	const uint32_t *consumed = waits->site->capabilities + component->consumed;
	int rc = 0;

	for (uint32_t i = 0; !rc && i < component->consumed_count; i++)
		rc = add_producers(waits, component->node, consumed[i], err);
	waits->rows.start[component->node + 1] = waits->count;
	return rc;
}

int dp_site_waits(struct dp_rows *out, const struct deploy_site *site,
	const struct dp_rows *producers, struct deploy_error *err)
{
	struct waits waits = {.site = site, .producers = producers};
	struct dp_rows before;
	int rc = 0;

	*out = (struct dp_rows){0};
	waits.rows.start = dp_xcalloc((size_t)site->node_count + 1, sizeof(uint32_t));
	waits.rows.count = site->node_count;
	waits.last = dp_xcalloc(site->node_count, sizeof(uint32_t));
	waits.last_capability = dp_xcalloc(site->capability_count, sizeof(uint32_t));
	for (uint32_t i = 0; !rc && i < site->component_count; i++)
		rc = add_component(&waits, &site->components[i], err);
	if (!rc) {
		/* Turned twice, rows are sorted. */
		dp_rows_turn(&before, &waits.rows, site->node_count);
		dp_rows_turn(out, &before, site->node_count);
		dp_rows_release(&before);
	}
	dp_rows_release(&waits.rows);
	free(waits.last);
	free(waits.last_capability);
	return rc;
}

uint32_t dp_site_order(uint32_t *rank, const struct dp_rows *after, const struct dp_rows *before)
{
	uint32_t *left = dp_xmalloc(after->count * sizeof(*left)); /* that are waited for */
	uint32_t *queue = dp_xmalloc(after->count * sizeof(*queue));
	uint32_t count = 0;

	for (uint32_t i = 0; i < after->count; i++) {
		left[i] = after->start[i + 1] - after->start[i];
		rank[i] = left[i] ? DP_NO_RANK : 0;
		if (!left[i])
			queue[count++] = i;
	}
	for (uint32_t done = 0; done < count; done++) {
		uint32_t node = queue[done];

		for (uint32_t i = before->start[node]; i < before->start[node + 1]; i++) {
			uint32_t next = before->items[i];

			if (--left[next])
				continue;
			/* The queue is in the order of ranks: this is the highest. */
			rank[next] = rank[node] + 1;
			queue[count++] = next;
		}
	}
	free(left);
	free(queue);
	return count;
}
