/* Processor time; apart from the clocks, whose place tests take. */
#include "base/clock.h"

#include <time.h>

int64_t dp_cpu_us(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}
