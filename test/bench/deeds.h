/*
 * What each node of a simulated fleet does with each request, decided by nothing but the seed, the
 * node's name and the number of the request: so an oracle can tell what a client must count.
 */
#ifndef BENCH_DEEDS_H
#define BENCH_DEEDS_H

#include <stdbool.h>
#include <stdint.h>

enum deed_kind { DEED_ANSWER, DEED_DROP, DEED_FORGE, DEED_TRUNCATE, DEED_LATE, DEED_KINDS };

/* Shares are per cent. One of drop, forge, truncate, late at most befalls a node; delay, duplicate
 * and fail come on their own. */
struct mischief {
	uint64_t seed;
	double kinds[DEED_KINDS];
	double delayed, duplicate, fail;
	long long delay_min_ms, delay_max_ms, late_ms;
};

struct deed {
	enum deed_kind kind;
	bool is_twice, fails;
	long long delay_ms;
};

struct deed deed_of(const struct mischief *mischief, const char *node, unsigned long request);

/* What a client counts that asks nodes once and waits for all of them. */
struct expectation {
	unsigned long nodes, ok, failed, silent, not_connected, duplicate, rejected, executed;
};

void deed_expect(struct expectation *sum, struct deed deed);

#endif
