/* What a plan's run shows: a line for each step as it ends, and the table or document at the end.
 */
#ifndef PLAY_REPORT_H
#define PLAY_REPORT_H

#include "command.h"

/* A step, or its part for one group. */
struct play_row {
	char *label;
	char *does;
	const char *kind, *state; /* see play_report.c; NULL: not ended */
	char *why;
	bool has_task;
	unsigned task; /* of the plan */
	bool is_one;
	size_t nodes, before;	     /* before: of these, done by an earlier process */
	struct deploy_nodeset *left; /* of these, not known to be done, and not asked; NULL: none */
	size_t count[DEPLOY_OUTCOME_STATES], told;
	int64_t started_us, ended_us;
};

struct play_report {
	struct out *out;
	const struct deploy_play *play; /* NULL until it is made */
	struct play_row *rows;
	size_t row_count, row_cap;
	json_t *sets; /* name → how many nodes */
	bool is_preflight;
	bool has_unchecked; /* not all that is wanted could be compared */
};

void play_report_init(struct play_report *report, struct out *out, bool is_preflight);
void play_report_release(struct play_report *report);

/* For the journal, and for struct deploy_play_options. */
void play_report_event(void *report, const struct deploy_event *event);
void play_report_note(struct play_report *report, enum deploy_play_note note, const char *label,
	const struct deploy_step *step, size_t count, const char *text);

/* What it comes to as an exit status (this and the next: play_result.c). */
int play_report_status(const struct play_report *report, const struct deploy_run_result *result,
	const struct deploy_error *err);

/*
 * What is at the end: the result, and how to go on. run: NULL unless it was recorded, and is no
 * preflight.
 */
void play_report_show(struct play_report *report, const struct deploy_run_result *result,
	const char *run, int status, const struct deploy_error *err);

#endif
