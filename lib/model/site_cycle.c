/*
 * Which nodes wait for each other, and a short way around. Tarjan's search for strongly connected
 * components, with a stack of our own in the place of the machine's.
 */
#include "model/site_graph.h"

#include <stdlib.h>

#include "base/mem.h"

struct search {
	const struct dp_rows *before;
	uint32_t *seen; /* when a node was come upon, from 1 on; 0: not yet */
	uint32_t *low;	/* the earliest that is known to be reachable; DONE: in its component */
	uint32_t *edge; /* the next one to follow */
	uint32_t *path; /* from where the search began to where it is */
	uint32_t *open; /* nodes that are in no component yet, in the order of seen */
	uint32_t path_count, open_count, clock;
};

#define DONE UINT32_MAX

static void enter(struct search *s, uint32_t node)
{
	s->seen[node] = s->low[node] = ++s->clock;
	s->edge[node] = s->before->start[node];
	s->path[s->path_count++] = node;
	s->open[s->open_count++] = node;
}

/* All open nodes from node on are a component; alone a node is in no cycle. */
static void close_component(struct search *s, uint32_t node, uint32_t *knot)
{
	uint32_t first = s->open_count;

	while (s->open[--first] != node)
		;
	for (uint32_t i = first; i < s->open_count; i++) {
		s->low[s->open[i]] = DONE;
		knot[s->open[i]] = s->open_count - first > 1 ? node + 1 : 0;
	}
	s->open_count = first;
}

static void leave(struct search *s, uint32_t *knot)
{
	uint32_t node = s->path[--s->path_count];
	uint32_t low = s->low[node];

	if (low == s->seen[node])
		close_component(s, node, knot);
	else if (low < s->low[s->path[s->path_count - 1]])
		s->low[s->path[s->path_count - 1]] = low;
}

static void search_from(struct search *s, uint32_t node, const uint32_t *rank, uint32_t *knot)
{
	enter(s, node);
	while (s->path_count) {
		uint32_t at = s->path[s->path_count - 1], next;

		if (s->edge[at] == s->before->start[at + 1]) {
			leave(s, knot);
			continue;
		}
		next = s->before->items[s->edge[at]++];
		if (rank[next] != DP_NO_RANK)
			continue;
		if (!s->seen[next])
			enter(s, next);
		else if (s->low[next] != DONE && s->seen[next] < s->low[at])
			s->low[at] = s->seen[next];
	}
}

/* Knots are called by one of their nodes yet. */
static uint32_t number_knots(uint32_t *knot, uint32_t count, uint32_t *number)
{
	uint32_t knots = 0;

	for (uint32_t i = 0; i < count; i++)
		number[i] = 0;
	for (uint32_t i = 0; i < count; i++) {
		if (!knot[i])
			continue;
		if (!number[knot[i] - 1])
			number[knot[i] - 1] = ++knots;
		knot[i] = number[knot[i] - 1];
	}
	return knots;
}

uint32_t dp_site_knots(uint32_t *knot, const uint32_t *rank, const struct dp_rows *before)
{
	uint32_t count = before->count, knots;
	struct search s = {.before = before,
		.seen = dp_xcalloc(count, sizeof(uint32_t)),
		.low = dp_xcalloc(count, sizeof(uint32_t)),
		.edge = dp_xcalloc(count, sizeof(uint32_t)),
		.path = dp_xcalloc(count, sizeof(uint32_t)),
		.open = dp_xcalloc(count, sizeof(uint32_t))};

	for (uint32_t i = 0; i < count; i++) {
		if (rank[i] != DP_NO_RANK)
			knot[i] = 0;
		else if (!s.seen[i])
			search_from(&s, i, rank, knot);
	}
	knots = number_knots(knot, count, s.seen);
	free(s.seen);
	free(s.low);
	free(s.edge);
	free(s.path);
	free(s.open);
	return knots;
}

/* Breadth first; cycle is the queue, until the way back is written over it. */
uint32_t dp_site_cycle(uint32_t *cycle, uint32_t *from, uint32_t start, const uint32_t *knot,
	const struct dp_rows *before)
{
	uint32_t count = 0, length = 0;

	cycle[count++] = start;
	for (uint32_t done = 0; !from[start]; done++) {
		uint32_t node = cycle[done];

		for (uint32_t i = before->start[node]; i < before->start[node + 1]; i++) {
			uint32_t next = before->items[i];

			if (knot[next] != knot[start] || from[next])
				continue;
			from[next] = node + 1;
			cycle[count++] = next;
		}
	}
	for (uint32_t node = start; length == 0 || node != start; node = from[node] - 1)
		cycle[length++] = node;
	for (uint32_t i = 1, j = length - 1; i < j; i++, j--) {
		uint32_t node = cycle[i];

		cycle[i] = cycle[j];
		cycle[j] = node;
	}
	return length;
}
