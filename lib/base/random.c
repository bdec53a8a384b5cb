/* getrandom: never blocks once the machine has booted, never short for 256 bytes. */
#include "base/random.h"

#include <assert.h>
#include <sys/random.h>
#include <sys/types.h>

void dp_random(void *out, size_t size)
{
	ssize_t n = getrandom(out, size, 0);

	assert(n == (ssize_t)size);
}
