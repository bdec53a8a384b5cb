/* What the parts of a report share: gathering (report.c), for programs (_json), for people (_text).
 */
#ifndef REPORT_PARTS_H
#define REPORT_PARTS_H

#include "report.h"

/* What report_run() does around a run and for each outcome, for those who have none. */
void report_begin(struct report *report);
void report_keep(struct report *report, const char *node, const struct deploy_outcome *outcome);
void report_release(struct report *report);

/* True if the node answered, with whatever status. */
bool report_is_reply(const struct deploy_outcome *outcome);

/* A reply as an item of the document, or of mco's array. New references. */
json_t *report_item_json(
	const struct report *report, const char *node, const struct deploy_outcome *outcome);
json_t *report_items_json(const struct report *report); /* all of them, sorted by node */
json_t *report_summary_json(const struct report *report, const struct deploy_run_result *result);

/* How many replies were not credited for that reason, discovery's included. */
size_t report_ignored(const struct deploy_run_result *result, enum deploy_ignored reason);

/*
 * Replies of nodes that discovery did not wait for: they match the filter, may have done what was
 * asked, and are not in the result.
 */
size_t report_missed(const struct report *report, const struct deploy_run_result *result);

/* True if the request went to whoever matches the filter, with nobody to answer it. */
bool report_is_broadcast(const struct report *report, const struct deploy_run_result *result);

/* One line of jsonl. What discovery hears is counted; its replies are not the result. */
void report_stream_names(struct report *report); /* of a dry run: a line for each node */
void report_stream(struct report *report, const struct deploy_event *event);

/* One line of jsonl about an event, but for what only the record needs; step: of a plan, or NULL. */
void report_event_line(struct out *out, const struct deploy_event *event, const char *step);

/* The entry of node in report->kept, made if need be; also in report->names. Borrowed. */
json_t *report_row(struct report *report, const char *node);

/* "ok", "failed", "silent", "not connected", … */
const char *report_state(const struct deploy_outcome *outcome);

/* Text that came from outside and may be no UTF-8, as JSON; null for NULL. */
json_t *report_foreign_text(const char *text);

json_t *report_names_json(const struct deploy_nodeset *set);

/* The texts of a list, sorted. They are borrowed; the array is the caller's to free. */
const char **report_sorted(const json_t *list, size_t *count);

/* "discovery,lab,rpcutil": the texts of a list, sorted. Caller frees. */
char *report_joined(const json_t *list);

/* A value of a reply in one line for people: text as it is, everything else as JSON. Free it. */
char *report_value_text(const json_t *value);

/* Keep an outcome under the text that people will read, together with equal ones. */
void report_fold(struct report *report, const char *node, const struct deploy_outcome *outcome);

/* "web[01-05].example.net (5 nodes): ok", then the data: of what went well, or of the rest. */
void report_print_groups(struct report *report, bool ok);

/* One node a line, or folded into one line. */
void report_print_names(const struct report *report);

/* Note how many nodes are done now, and how fast they came: nodes a second, or -1 if unknown. */
double report_pace_add(struct report_pace *pace, int64_t now_us, size_t done);

/*
 * "95 of 100 done, 2 failed, 1 silent, 12/s; waiting for 5 nodes, longest for web03 (14 s):
 * web[01-05]": what matters first, since a terminal's line is cut. Caller frees.
 */
char *report_progress_text(struct report *report, const struct deploy_event *event);

/* On stderr: an event as it happens; the last block; replies not credited; why nobody answered. */
void report_narrate(struct report *report, const struct deploy_event *event);
void report_note_summary(const struct report *report, const struct deploy_tally *tally);
void report_note_broadcast(const struct report *report, const struct deploy_run_result *result);
void report_note_ignored(const struct report *report, const struct deploy_run_result *result);
void report_note_nobody(const struct report *report, const struct deploy_run_result *result);

#endif
