/* The round trip to each node: what ping shows. */
#include "report_parts.h"

#include <stdlib.h>

static void keep(struct report *report, const char *node, const struct deploy_outcome *outcome)
{
	json_t *row = report_row(report, node);

	(void)json_object_set_new(row, "state", json_string(report_state(outcome)));
	(void)json_object_set_new(row, "rtt_us", json_integer((json_int_t)outcome->rtt_us));
}

struct timing {
	const char *node, *state;
	long long rtt_us; /* -1: no answer */
	size_t place;	  /* by name */
};

/* The fastest first, those that did not answer last. */
static int by_time(const void *a, const void *b)
{
	const struct timing *one = a, *other = b;

	if ((one->rtt_us < 0) != (other->rtt_us < 0))
		return one->rtt_us < 0 ? 1 : -1;
	if (one->rtt_us != other->rtt_us)
		return one->rtt_us < other->rtt_us ? -1 : 1;
	return one->place < other->place ? -1 : 1;
}

static void add_row(struct out_table *table, const struct timing *timing)
{
	char time[32] = "-";
	const char *const cells[] = {timing->node, timing->state, time};

	if (timing->rtt_us >= 0)
		(void)snprintf(time, sizeof(time), "%.2f ms", (double)timing->rtt_us / 1000);
	out_table_add(table, cells);
}

static void print(struct report *report)
{
	static const char *const headers[] = {"NODE", "STATUS", "TIME"};
	struct out_table *table = out_table_new(headers, 3);
	size_t count = deploy_nodeset_count(report->names);
	struct timing *timings = out_resize(NULL, (count + 1) * sizeof(*timings));

	for (size_t i = 0; i < count; i++) {
		const char *node = deploy_nodeset_get(report->names, i);
		const json_t *row = json_object_get(report->kept, node);

		timings[i] = (struct timing){node, json_string_value(json_object_get(row, "state")),
			json_integer_value(json_object_get(row, "rtt_us")), i};
	}
	if (report->sorts_by_time)
		qsort(timings, count, sizeof(*timings), by_time);
	out_table_tone(table, 1);
	for (size_t i = 0; i < count; i++)
		add_row(table, &timings[i]);
	out_table_print(report->out, table);
	out_table_free(table);
	free(timings);
}

const struct report_view report_times = {.keep = keep, .print = print};
