/*
 * A random choice that a seed decides, the same as Ruby's: MT19937 draws the place of the next node
 * among those that are left. Source: M. Matsumoto, T. Nishimura, 1998; Ruby 3.1, Random.rand.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "deploy/nodeset.h"

#define WORDS  624
#define MIDDLE 397

struct generator {
	uint32_t word[WORDS];
	size_t next;
};

static void init_by_word(struct generator *generator, uint32_t seed)
{
	uint32_t *word = generator->word;

	word[0] = seed;
	for (uint32_t i = 1; i < WORDS; i++)
		word[i] = 1812433253U * (word[i - 1] ^ (word[i - 1] >> 30)) + i;
	generator->next = WORDS;
}

static void init_by_words(struct generator *generator, const uint32_t *key, size_t count)
{
	uint32_t *word = generator->word;
	size_t i = 1, j = 0;

	init_by_word(generator, 19650218U);
	for (size_t k = WORDS > count ? WORDS : count; k; k--) {
		word[i] = (word[i] ^ ((word[i - 1] ^ (word[i - 1] >> 30)) * 1664525U)) + key[j] +
			  (uint32_t)j;
		j = (j + 1) % count;
		if (++i == WORDS) {
			word[0] = word[WORDS - 1];
			i = 1;
		}
	}
	for (size_t k = WORDS - 1; k; k--) {
		word[i] = (word[i] ^ ((word[i - 1] ^ (word[i - 1] >> 30)) * 1566083941U)) -
			  (uint32_t)i;
		if (++i == WORDS) {
			word[0] = word[WORDS - 1];
			i = 1;
		}
	}
	word[0] = 0x80000000U;
}

/* Ruby takes the amount of a seed, as words; a highest word of 1 is dropped. */
static void init(struct generator *generator, long long seed)
{
	uint64_t amount = seed < 0 ? 0 - (uint64_t)seed : (uint64_t)seed;
	uint32_t words[2] = {(uint32_t)amount, (uint32_t)(amount >> 32)};

	if (words[1] > 1)
		init_by_words(generator, words, 2);
	else
		init_by_word(generator, words[0]);
}

static void refill(struct generator *generator)
{
	uint32_t *word = generator->word;

	for (size_t i = 0; i < WORDS; i++) {
		uint32_t pair = (word[i] & 0x80000000U) | (word[(i + 1) % WORDS] & 0x7fffffffU);

		word[i] = word[(i + MIDDLE) % WORDS] ^ (pair >> 1) ^ (pair & 1 ? 0x9908b0dfU : 0);
	}
	generator->next = 0;
}

static uint32_t draw(struct generator *generator)
{
	uint32_t value;

	if (generator->next == WORDS)
		refill(generator);
	value = generator->word[generator->next++];
	value ^= value >> 11;
	value ^= (value << 7) & 0x9d2c5680U;
	value ^= (value << 15) & 0xefc60000U;
	return value ^ (value >> 18);
}

/* 0 … below - 1; below is at most DEPLOY_MAX_NODES, and 1 draws nothing. */
static uint32_t draw_below(struct generator *generator, size_t below)
{
	uint32_t limit = (uint32_t)below - 1, mask = limit, value = 0;

	if (!limit)
		return 0;
	for (unsigned shift = 1; shift < 32; shift *= 2)
		mask |= mask >> shift;
	do
		value = draw(generator) & mask;
	while (value > limit);
	return value;
}

/* A binary indexed tree: how many of the nodes are left up to each place. */
static uint32_t *count_all(size_t size)
{
	uint32_t *left = dp_xcalloc(size + 1, sizeof(*left));

	for (size_t i = 1; i <= size; i++)
		left[i] = (uint32_t)(i & (~i + 1));
	return left;
}

/* Take out the node that is at index among those that are left; returns its place. */
static size_t take(uint32_t *left, size_t size, size_t index)
{
	size_t place = 0, step = 1, before = index;

	while (step * 2 <= size)
		step *= 2;
	for (; step; step /= 2) {
		if (place + step <= size && left[place + step] <= before) {
			place += step;
			before -= left[place];
		}
	}
	for (size_t i = place + 1; i <= size; i += i & (~i + 1))
		left[i]--;
	return place;
}

void deploy_nodeset_pick(struct deploy_nodeset *set, size_t count, long long seed)
{
	size_t size = deploy_nodeset_count(set);
	struct deploy_nodeset *picked = deploy_nodeset_new();
	struct deploy_error ignored = {.code = DEPLOY_OK};
	struct generator *generator;
	uint32_t *left;

	if (count >= size) {
		deploy_nodeset_free(picked);
		return;
	}
	generator = dp_xcalloc(1, sizeof(*generator));
	left = count_all(size);
	init(generator, seed);
	for (size_t i = 0; i < count; i++) {
		size_t place = take(left, size, draw_below(generator, size - i));

		(void)deploy_nodeset_add(picked, deploy_nodeset_get(set, place), &ignored);
	}
	deploy_nodeset_intersect(set, picked);
	deploy_nodeset_free(picked);
	free(generator);
	free(left);
}
