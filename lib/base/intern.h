/* Texts become small numbers: the first one is 0, an equal one gets the same. */
#ifndef DP_INTERN_H
#define DP_INTERN_H

#include <stddef.h>
#include <stdint.h>

struct dp_intern {
	const char **texts; /* by number; borrowed from who adds them */
	uint32_t count;
	size_t cap;
	struct dp_intern_slot *slots; /* open addressing, at most half full */
	size_t slot_count;
	uint64_t key[2]; /* so that nobody can choose texts that collide */
};

void dp_intern_init(struct dp_intern *set);
void dp_intern_release(struct dp_intern *set);

/* text: len bytes without NUL, and one behind them. At most UINT32_MAX / 2 different ones. */
uint32_t dp_intern_add(struct dp_intern *set, const char *text, size_t len);

#endif
