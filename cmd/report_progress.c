/* How far a run is, in one line: for a terminal, where the next one replaces it, and for a log. */
#include "report_parts.h"

#include <stdlib.h>
#include <string.h>

/* The rate is that of the last seconds; in a log, where lines are further apart, since the last. */
#define RECENT_US (10 * INT64_C(1000000))

static void forget_first(struct report_pace *pace)
{
	memmove(pace->told, pace->told + 1, --pace->count * sizeof(pace->told[0]));
}

double report_pace_add(struct report_pace *pace, int64_t now_us, size_t done)
{
	double rate = -1;

	while (pace->count > 1 && now_us - pace->told[1].at_us >= RECENT_US)
		forget_first(pace);
	/* Somebody may have set the clock back. */
	if (pace->count && now_us <= pace->told[pace->count - 1].at_us)
		pace->count = 0;
	if (pace->count)
		rate = (double)(done - pace->told[0].done) * 1e6 /
		       (double)(now_us - pace->told[0].at_us);
	if (pace->count == REPORT_PACES)
		forget_first(pace);
	pace->told[pace->count].at_us = now_us;
	pace->told[pace->count++].done = done;
	return rate;
}

/* What has come to an end: nothing if the task is not the one that is reported. */
static void write_done(FILE *text, struct report *report, const struct deploy_event *event)
{
	double rate;

	if (event->task != report->task || !report->asked)
		return;
	rate = report_pace_add(&report->pace, event->at_us, report->done);
	(void)fprintf(text, "%zu of %zu done", report->done, report->asked);
	if (report->failed)
		(void)fprintf(text, ", %zu failed", report->failed);
	if (report->silent)
		(void)fprintf(text, ", %zu silent", report->silent);
	if (rate >= 0)
		(void)fprintf(text, rate < 9.95 ? ", %.1f/s" : ", %.0f/s", rate);
	(void)fputs("; ", text);
}

char *report_progress_text(struct report *report, const struct deploy_event *event)
{
	long long waited_s = (long long)(event->waited_us / 1000000);
	char *line = NULL;
	size_t size = 0;
	FILE *text = open_memstream(&line, &size);

	if (!text)
		abort();
	write_done(text, report, event);
	(void)fprintf(
		text, "waiting for %zu %s", event->count, event->count == 1 ? "node" : "nodes");
	if (event->node && event->count > 1)
		(void)fprintf(text, ", longest for %s (%lld s)", event->node, waited_s);
	if (event->count)
		(void)fprintf(text, ": %s", event->text);
	if (event->node && event->count == 1)
		(void)fprintf(text, " (%lld s)", waited_s);
	(void)fclose(text);
	return line;
}
