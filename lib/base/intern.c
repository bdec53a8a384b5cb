/* Linear probing; hashes are kept, so that other texts are hardly ever looked at. */
#include "base/intern.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/random.h"

#define FIRST_SLOTS 64

struct dp_intern_slot {
	uint32_t hash;
	uint32_t number; /* + 1; 0: free */
};

void dp_intern_init(struct dp_intern *set)
{
	*set = (struct dp_intern){.slot_count = FIRST_SLOTS};
	set->slots = dp_xcalloc(FIRST_SLOTS, sizeof(*set->slots));
	dp_random(set->key, sizeof(set->key));
	set->key[1] |= 1;
}

void dp_intern_release(struct dp_intern *set)
{
	free(set->texts);
	free(set->slots);
	*set = (struct dp_intern){0};
}

static uint64_t mix(uint64_t hash, uint64_t word, uint64_t factor)
{
	hash = (hash ^ word) * factor;
	return hash ^ hash >> 32;
}

static uint32_t hash_of(const struct dp_intern *set, const char *text, size_t len)
{
	uint64_t hash = set->key[0] ^ len, word;

	for (; len >= sizeof(word); text += sizeof(word), len -= sizeof(word)) {
		memcpy(&word, text, sizeof(word));
		hash = mix(hash, word, set->key[1]);
	}
	word = 0;
	memcpy(&word, text, len);
	return (uint32_t)mix(mix(hash, word, set->key[1]), 0, set->key[1]);
}

static void put(struct dp_intern *set, struct dp_intern_slot slot)
{
	size_t at = slot.hash & (set->slot_count - 1);

	while (set->slots[at].number)
		at = (at + 1) & (set->slot_count - 1);
	set->slots[at] = slot;
}

static void make_room(struct dp_intern *set)
{
	struct dp_intern_slot *old = set->slots;
	size_t old_count = set->slot_count;

	if (2 * ((size_t)set->count + 1) <= old_count)
		return;
	set->slot_count = 2 * old_count;
	set->slots = dp_xcalloc(set->slot_count, sizeof(*set->slots));
	for (size_t i = 0; i < old_count; i++)
		if (old[i].number)
			put(set, old[i]);
	free(old);
}

uint32_t dp_intern_add(struct dp_intern *set, const char *text, size_t len)
{
	uint32_t hash = hash_of(set, text, len);
	size_t at = hash & (set->slot_count - 1);

	for (; set->slots[at].number; at = (at + 1) & (set->slot_count - 1))
		if (set->slots[at].hash == hash &&
			strcmp(set->texts[set->slots[at].number - 1], text) == 0)
			return set->slots[at].number - 1;
	make_room(set);
	set->texts = dp_grow(set->texts, &set->cap, (size_t)set->count + 1, sizeof(*set->texts));
	set->texts[set->count] = text;
	put(set, (struct dp_intern_slot){.hash = hash, .number = set->count + 1});
	return set->count++;
}
