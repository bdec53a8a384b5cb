/* What the runs of a site show: each node as it ends, and a table of nodes at the end. */
#ifndef SITE_REPORT_H
#define SITE_REPORT_H

#include "command.h"

struct site_report {
	struct out *out;
	const struct deploy_plan *plan;
	json_t *rows; /* node → {"rank", "state", "statusmsg", and what its run came to} */
	struct deploy_nodeset *names;
	struct deploy_nodeset *held; /* Puppet may be disabled there, by us */
	size_t before;		     /* nodes that an earlier process has done */
};

void site_report_init(struct site_report *report, struct out *out, const struct deploy_plan *plan);
void site_report_release(struct site_report *report);

/* A node that is to run, in the rank that is called so; or that was done before. */
void site_report_expect(struct site_report *report, const char *node, const char *rank);
void site_report_done_before(struct site_report *report, const struct deploy_nodeset *nodes);

/* For the journal. */
void site_report_event(void *report, const struct deploy_event *event);

int site_report_status(const struct site_report *report, const struct deploy_run_result *result,
	const struct deploy_error *err);
void site_report_show(struct site_report *report, const struct deploy_run_result *result,
	const char *run, int status, const struct deploy_error *err);

/* Where Puppet may still be disabled, and how to let it run again. message: what it was disabled
 * with. */
void site_report_note_held(const struct site_report *report, const char *message);

#endif
