/* Linear probing over FNV-1a, at most half full. */
#include "base/strset.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

static size_t hash(const char *text)
{
	uint64_t h = 14695981039346656037u;

	for (; *text; text++)
		h = (h ^ (unsigned char)*text) * 1099511628211u;
	return (size_t)(h ^ (h >> 29));
}

/* The slot that holds text, or the free one where it belongs. */
static size_t *find_slot(const struct dp_strset *set, const char *text)
{
	size_t at = hash(text) & (set->slot_count - 1);

	while (set->slots[at] && strcmp(set->items[set->slots[at] - 1], text) != 0)
		at = (at + 1) & (set->slot_count - 1);
	return &set->slots[at];
}

static void rehash(struct dp_strset *set, size_t slot_count)
{
	free(set->slots);
	set->slots = dp_xcalloc(slot_count, sizeof(*set->slots));
	set->slot_count = slot_count;
	for (size_t i = 0; i < set->count; i++)
		*find_slot(set, set->items[i]) = i + 1;
}

void dp_strset_init(struct dp_strset *set)
{
	*set = (struct dp_strset){0};
}

void dp_strset_release(struct dp_strset *set)
{
	for (size_t i = 0; i < set->count; i++)
		free(set->items[i]);
	free(set->items);
	free(set->slots);
	dp_strset_init(set);
}

bool dp_strset_find(const struct dp_strset *set, const char *text, size_t *at)
{
	size_t place = set->slot_count ? *find_slot(set, text) : 0;

	if (place)
		*at = place - 1;
	return place != 0;
}

bool dp_strset_add(struct dp_strset *set, const char *text)
{
	size_t *slot;

	if (2 * (set->count + 1) > set->slot_count)
		rehash(set, set->slot_count ? 2 * set->slot_count : 64);
	slot = find_slot(set, text);
	if (*slot)
		return false;
	set->items = dp_grow(set->items, &set->cap, set->count + 1, sizeof(*set->items));
	set->items[set->count++] = dp_xstrdup(text);
	*slot = set->count;
	return true;
}
