/* Times as they are shown. The state file holds microseconds since 1970, and 0 for never. */
#include "when.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define SECOND_US 1000000

int64_t when_now_us(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * SECOND_US + now.tv_nsec / 1000;
}

void when_wait(long long ms)
{
	struct timespec left = {(time_t)(ms / 1000), (long)(ms % 1000) * 1000000};

	while (nanosleep(&left, &left) != 0)
		;
}

const char *when_local(char buf[WHEN_SIZE], int64_t at_us)
{
	time_t seconds = (time_t)(at_us / SECOND_US);
	struct tm tm;

	if (at_us <= 0 || !localtime_r(&seconds, &tm) ||
		!strftime(buf, WHEN_SIZE, "%Y-%m-%d %H:%M:%S", &tm))
		(void)snprintf(buf, WHEN_SIZE, "-");
	return buf;
}

const char *when_age(char buf[WHEN_SIZE], int64_t at_us, int64_t now_us)
{
	static const struct {
		int64_t seconds;
		char unit;
	} units[] = {{86400, 'd'}, {3600, 'h'}, {60, 'm'}, {1, 's'}};
	int64_t age = now_us > at_us ? (now_us - at_us) / SECOND_US : 0;
	size_t i = 0;

	while (i < 3 && age < units[i].seconds)
		i++;
	if (at_us <= 0)
		(void)snprintf(buf, WHEN_SIZE, "-");
	else
		(void)snprintf(buf, WHEN_SIZE, "%lld%c", (long long)(age / units[i].seconds),
			units[i].unit);
	return buf;
}

json_t *when_json(int64_t at_us)
{
	time_t seconds = (time_t)(at_us / SECOND_US);
	char text[WHEN_SIZE];
	struct tm tm;
	size_t len;

	if (at_us <= 0 || !gmtime_r(&seconds, &tm))
		return json_null();
	len = strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm);
	if (!len)
		return json_null();
	(void)snprintf(text + len, sizeof(text) - len, ".%03dZ", (int)(at_us % SECOND_US / 1000));
	return json_string(text);
}
