/*
 * Follows a run and shows it: the sink of its events, then the result in the format that was asked
 * for, then the exit status that it means.
 */
#ifndef REPORT_H
#define REPORT_H

#include "command.h"

enum report_display { DISPLAY_ALL, DISPLAY_OK, DISPLAY_FAILED, DISPLAY_NONE };
extern const char *const report_display_names[]; /* for --display; ends with NULL */

/* Zero-initialise, fill in the first part, then report_run(). */
struct report {
	struct out *out;
	const char *kind; /* "ping", "rpc": of the JSON document */
	const char *agent, *action;
	/* What to type to ask again: operands of rpc (none: it is not said), -c and -T or NULL. */
	struct args operands;
	const char *config, *context, *collective;
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

/*
 * Carry out plan on the bus of ctx, show what happens and what it came to. Returns the exit status.
 * plan is borrowed. err: filled in when the connection ended or the plan cannot be sent.
 */
int report_run(struct report *report, struct ctx *ctx, const struct deploy_plan *plan,
	struct deploy_error *err);

#endif
