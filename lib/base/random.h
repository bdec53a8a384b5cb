/* Random bytes from the kernel. */
#ifndef DP_RANDOM_H
#define DP_RANDOM_H

#include <stddef.h>

/* Fill size bytes, at most 256. Ends the program if the kernel has none, which it says is a bug. */
void dp_random(void *out, size_t size);

#endif
