/* What the parts of a report share: gathering (report.c), for programs (_json), for people (_text).
 */
#ifndef REPORT_PARTS_H
#define REPORT_PARTS_H

#include "report.h"

/* True if the node answered, with whatever status. */
bool report_is_reply(const struct deploy_outcome *outcome);

/* A reply as an item of the document, or of mco's array. New references. */
json_t *report_item_json(
	const struct report *report, const char *node, const struct deploy_outcome *outcome);
json_t *report_items_json(const struct report *report); /* all of them, sorted by node */
json_t *report_summary_json(const struct report *report, const struct deploy_run_result *result);

/* How many replies were not credited for that reason, discovery's included. */
size_t report_ignored(const struct deploy_run_result *result, enum deploy_ignored reason);

/* One line of jsonl. What discovery hears is counted; its replies are not the result. */
void report_stream(struct report *report, const struct deploy_event *event);

/* Keep an outcome under the text that people will read, together with equal ones. */
void report_fold(struct report *report, const char *node, const struct deploy_outcome *outcome);

/* "web[01-05].example.net (5 nodes): ok", then the data: of what went well, or of the rest. */
void report_print_groups(struct report *report, bool ok);
void report_print_times(const struct report *report); /* a table: node, status, round trip */

/* On stderr: an event as it happens; the last block; replies not credited; why nobody answered. */
void report_narrate(struct report *report, const struct deploy_event *event);
void report_note_summary(const struct report *report, const struct deploy_tally *tally);
void report_note_ignored(const struct report *report, const struct deploy_run_result *result);
void report_note_nobody(const struct report *report, const struct deploy_run_result *result);

#endif
