/*
 * Follows a run and shows it: the sink of its events, then the result in the format that was asked
 * for, then the exit status that it means.
 */
#ifndef REPORT_H
#define REPORT_H

#include "command.h"

enum report_display { DISPLAY_ALL, DISPLAY_OK, DISPLAY_FAILED, DISPLAY_NONE };
extern const char *const report_display_names[]; /* for --display; ends with NULL */

/* Zero-initialise, fill in the first part, then report_begin(). */
struct report {
	struct out *out;
	const char *kind; /* "ping", "rpc": of the JSON document */
	const char *agent, *action;
	/* What to type to ask again: operands of rpc (none: it is not said), -c and -T or NULL. */
	struct args operands;
	const char *config, *collective;
	unsigned task;	  /* the one whose nodes are the result */
	int display;	  /* enum report_display */
	bool is_filtered; /* a filter was given: nobody there is then no fault */
	bool empty_ok;
	bool shows_time; /* the result is the round trip, not data */

	json_t *items;		      /* node → reply, for json */
	json_t *groups;		      /* text → nodes, for people */
	struct deploy_nodeset *names; /* of nodes in items */
	long long rtt_sum_us, rtt_min_us, rtt_max_us;
	size_t replies, rejected;
	bool is_blocked;	 /* the broker takes no publishes now */
	char rejected_text[128]; /* the reason of the first reply that was rejected */
};

void report_begin(struct report *report);
void report_release(struct report *report);

/* deploy_event_fn; arg is the report. */
void report_event(void *report, const struct deploy_event *event);

/* Show the result. Returns the exit status. err: of deploy_run(), may hold no error. */
int report_end(struct report *report, const struct deploy_run_result *result,
	const struct deploy_error *err);

#endif
