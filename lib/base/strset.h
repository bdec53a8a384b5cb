/* A growing set of strings, for names that arrive one by one in no order. */
#ifndef DP_STRSET_H
#define DP_STRSET_H

#include <stdbool.h>
#include <stddef.h>

struct dp_strset {
	char **items; /* in the order in which they were added; owned */
	size_t count, cap;
	size_t *slots; /* open addressing: index + 1 into items, 0 is free */
	size_t slot_count;
};

void dp_strset_init(struct dp_strset *set);
void dp_strset_release(struct dp_strset *set);

/* Add a copy of text; false if it was there already. */
bool dp_strset_add(struct dp_strset *set, const char *text);

/* The place of text in items; false if it is not there. */
bool dp_strset_find(const struct dp_strset *set, const char *text, size_t *at);

#endif
