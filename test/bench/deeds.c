/* Seed, node and request decide. */
#include "deeds.h"

enum roll { ROLL_KIND, ROLL_DELAYED, ROLL_DELAY, ROLL_DUPLICATE, ROLL_FAIL };

/* FNV-1a, then the finisher of splitmix64. */
static uint64_t hash(uint64_t seed, const char *node, unsigned long request, enum roll roll)
{
	uint64_t sum = 0xcbf29ce484222325u ^ seed;

	for (; *node; node++)
		sum = (sum ^ (unsigned char)*node) * 0x100000001b3u;
	sum += request * 0x9e3779b97f4a7c15u + roll * 0xd1b54a32d192ed03u;
	sum = (sum ^ (sum >> 30)) * 0xbf58476d1ce4e5b9u;
	sum = (sum ^ (sum >> 27)) * 0x94d049bb133111ebu;
	return sum ^ (sum >> 31);
}

/* From 0 to below 100. */
static double percent(
	const struct mischief *mischief, const char *node, unsigned long request, enum roll roll)
{
	return (double)(hash(mischief->seed, node, request, roll) % 1000000) / 10000;
}

struct deed deed_of(const struct mischief *mischief, const char *node, unsigned long request)
{
	double roll = percent(mischief, node, request, ROLL_KIND);
	struct deed deed = {.kind = DEED_ANSWER};

	for (int kind = DEED_DROP; kind < DEED_KINDS && deed.kind == DEED_ANSWER; kind++) {
		if (roll < mischief->kinds[kind])
			deed.kind = (enum deed_kind)kind;
		roll -= mischief->kinds[kind];
	}
	if (deed.kind == DEED_LATE) {
		deed.delay_ms = mischief->late_ms;
		return deed;
	}
	deed.is_twice = percent(mischief, node, request, ROLL_DUPLICATE) < mischief->duplicate;
	deed.fails = percent(mischief, node, request, ROLL_FAIL) < mischief->fail;
	if (percent(mischief, node, request, ROLL_DELAYED) < mischief->delayed)
		deed.delay_ms = mischief->delay_min_ms +
				(long long)(hash(mischief->seed, node, request, ROLL_DELAY) %
					    (uint64_t)(mischief->delay_max_ms -
						       mischief->delay_min_ms + 1));
	return deed;
}

void deed_expect(struct expectation *sum, struct deed deed)
{
	unsigned long copies = deed.is_twice ? 2 : 1;

	sum->executed++;
	switch (deed.kind) {
	case DEED_ANSWER:
		*(deed.fails ? &sum->failed : &sum->ok) += 1;
		sum->duplicate += copies - 1;
		break;
	case DEED_FORGE:
	case DEED_TRUNCATE:
		sum->rejected += copies;
		sum->silent++;
		break;
	default:
		sum->silent++;
	}
}
