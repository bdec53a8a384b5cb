/* Times as they are shown: local for people, ISO 8601 in UTC for programs, and how long ago. */
#ifndef WHEN_H
#define WHEN_H

#include <stdint.h>

#include <jansson.h>

#define WHEN_SIZE 40 /* bytes of any of them */

int64_t when_now_us(void);

/* Sleep, whatever signals come that do not end the program. */
void when_wait(long long ms);

/* "2026-11-21 06:36:40", in the local time zone; "-" for 0, which is never. Returns buf. */
const char *when_local(char buf[WHEN_SIZE], int64_t at_us);

/* "12s", "3m", "2h", "5d": rounded down; "0s" for what is still to come, "-" for 0. Returns buf. */
const char *when_age(char buf[WHEN_SIZE], int64_t at_us, int64_t now_us);

/* "2026-11-21T06:36:40.123Z", or null for 0. A new reference. */
json_t *when_json(int64_t at_us);

#endif
