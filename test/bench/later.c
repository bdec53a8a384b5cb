/* A binary heap. */
#include "later.h"

#include "base/mem.h"

static void swap(struct parcel *a, struct parcel *b)
{
	struct parcel kept = *a;

	*a = *b;
	*b = kept;
}

void later_add(struct later *later, struct parcel parcel)
{
	size_t at = later->count++;
	struct parcel *heap;

	heap = later->parcels = dp_grow(later->parcels, &later->cap, later->count, sizeof(*heap));
	heap[at] = parcel;
	for (; at && heap[(at - 1) / 2].due_us > heap[at].due_us; at = (at - 1) / 2)
		swap(&heap[at], &heap[(at - 1) / 2]);
}

bool later_take(struct later *later, int64_t now_us, struct parcel *out)
{
	struct parcel *heap = later->parcels;
	size_t at = 0, child;

	if (!later->count || heap[0].due_us > now_us)
		return false;
	*out = heap[0];
	heap[0] = heap[--later->count];
	while ((child = 2 * at + 1) < later->count) {
		if (child + 1 < later->count && heap[child + 1].due_us < heap[child].due_us)
			child++;
		if (heap[at].due_us <= heap[child].due_us)
			break;
		swap(&heap[at], &heap[child]);
		at = child;
	}
	return true;
}

int64_t later_due_us(const struct later *later)
{
	return later->parcels[0].due_us;
}
