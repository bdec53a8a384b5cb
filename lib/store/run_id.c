/* Run ids. Source: the ULID specification: 48 bits of milliseconds, 80 random ones, base 32. */
#include <stdint.h>
#include <string.h>

#include "base/clock.h"
#include "base/random.h"
#include "deploy/history.h"

static const char alphabet[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

#define CHARS	   (DEPLOY_RUN_ID_SIZE - 1)
#define TIME_CHARS 10

/* The next id of the same millisecond: count up. */
static void increment(char id[DEPLOY_RUN_ID_SIZE])
{
	for (size_t i = CHARS; i-- > 0;) {
		const char *digit = strchr(alphabet, id[i]);

		if (digit && digit[0] && digit[1]) {
			id[i] = digit[1];
			return;
		}
		id[i] = alphabet[0];
	}
}

void deploy_run_id_new(char id[DEPLOY_RUN_ID_SIZE], const char *after)
{
	uint64_t ms = (uint64_t)(dp_wall_us() / 1000);
	unsigned char random[CHARS - TIME_CHARS];

	for (size_t i = TIME_CHARS; i-- > 0; ms >>= 5)
		id[i] = alphabet[ms & 31];
	dp_random(random, sizeof(random));
	for (size_t i = 0; i < sizeof(random); i++)
		id[TIME_CHARS + i] = alphabet[random[i] & 31];
	id[CHARS] = '\0';
	/* Within one millisecond, or when the clock was set back. */
	if (after && strcmp(id, after) <= 0) {
		memcpy(id, after, DEPLOY_RUN_ID_SIZE);
		increment(id);
	}
}
