/* The things that `deployctl status` looks at, each shown in the format that was asked for. */
#ifndef STATUS_H
#define STATUS_H

#include "command.h"
#include "when.h"

struct status_look {
	struct ctx *ctx;
	struct out *out;
	int64_t now_us;
	bool is_steady; /* what did not change reads as before: times, and not how long ago */
};

/* The fleet: how many nodes at what stage, what runs, what was done last. */
int status_fleet(const struct status_look *look, struct deploy_error *err);

/* One node. *is_known: false, and nothing was shown, if there is no such node. */
int status_node(const struct status_look *look, const char *node, bool *is_known,
	struct deploy_error *err);

/* One run, by its whole id. *ended: the status it means, -1 while it is running. */
int status_run(
	const struct status_look *look, const char *id, int *ended, struct deploy_error *err);

/*
 * The tasks of a run, as items to which the outcomes are added; then they are printed, a line for
 * each step, if there are several.
 */
json_t *status_tasks(const struct status_look *look, const char *run, bool is_dead,
	struct deploy_error *err); /* a new reference; NULL on failure */
void status_tasks_add(json_t *tasks, const struct deploy_outcome_record *record, bool is_dead);
void status_tasks_print(struct out *out, const json_t *tasks);

/* A cluster: its categories, their roles, their nodes. *nodes: how many; 0: nothing was shown. */
int status_topology(const struct status_look *look, const char *cluster, size_t *nodes,
	struct deploy_error *err);

/* What they share. */

#define STATUS_ASKED "asked" /* the state of a node without an outcome */

/* The items' part that every look at a node has. A new reference. */
json_t *status_node_item(const struct deploy_standing *standing);

/* "deployctl sign-cert web1": what brings the node on. Caller frees; NULL: nothing. */
char *status_next(const struct deploy_standing *standing);

/* What the node is meant to be, or else shows: a part of its role, or "-". Borrowed. */
const char *status_part(const struct deploy_standing *standing, enum deploy_role_part part);

/* "3m ago", or the time itself; "-" for never. Returns buf. */
const char *status_ago(const struct status_look *look, char buf[WHEN_SIZE], int64_t at_us);

/* "2026-11-21 06:36:40 (3m ago)"; "-" for never. Returns buf. */
#define STATUS_TIME (2 * WHEN_SIZE)
const char *status_time(const struct status_look *look, char buf[STATUS_TIME], int64_t at_us);

/* A name of a node or run on a line of its own; a damaged file may hold anything. */
void status_name(struct out *out, const char *name);

/* "  label       text", text being foreign. */
void status_line(struct out *out, const char *label, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#endif
