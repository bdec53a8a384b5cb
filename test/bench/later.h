/* Replies that are due later, the earliest first. */
#ifndef BENCH_LATER_H
#define BENCH_LATER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct link;

struct parcel {
	int64_t due_us;
	struct link *link;
	char *frames; /* whoever has the parcel frees them */
	size_t len;
};

/* A heap; zero-initialise. */
struct later {
	struct parcel *parcels;
	size_t count, cap;
};

void later_add(struct later *later, struct parcel parcel);

/* Take the earliest parcel; false if it is not due yet, or there is none. */
bool later_take(struct later *later, int64_t now_us, struct parcel *out);

/* Of the earliest; there must be one. */
int64_t later_due_us(const struct later *later);

#endif
