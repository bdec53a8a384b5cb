/* Time. Durations and deadlines use the monotonic clock; only what is shown or sent uses the wall.
 */
#ifndef DP_CLOCK_H
#define DP_CLOCK_H

#include <stdint.h>

int64_t dp_clock_us(void); /* monotonic, microseconds */
int64_t dp_wall_us(void);  /* since 1970-01-01 UTC, microseconds */
int64_t dp_cpu_us(void);   /* processor time that this process has taken, microseconds */

#endif
