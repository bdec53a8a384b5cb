/* Nodes: what they said about themselves, and when. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "store/nodes.h"

#define NODES                                                                                      \
	"SELECT n.identity, n.collective, n.first_seen, n.last_seen,"                              \
	" CASE WHEN ?1 THEN i.facts END, CASE WHEN ?2 THEN i.classes END,"                         \
	" CASE WHEN ?3 THEN i.agents END, i.facts_at, i.inventory_at,"                             \
	" n.certificate, n.fingerprint, n.certificate_at,"                                         \
	" r.id, r.kind, n.last_outcome, n.last_outcome_at"                                         \
	" FROM node n LEFT JOIN inventory i ON i.node = n.identity"                                \
	" LEFT JOIN run r ON r.key = n.last_run "

enum deploy_outcome_state dp_outcome_state_find(const char *name)
{
	for (int state = 0; name && state < DEPLOY_OUTCOME_STATES; state++)
		if (strcmp(name, deploy_outcome_state_name((enum deploy_outcome_state)state)) == 0)
			return (enum deploy_outcome_state)state;
	return DEPLOY_OUTCOME_UNKNOWN;
}

static int tell(sqlite3_stmt *row, deploy_node_fn *fn, void *arg)
{
	struct deploy_node_record node = {
		.identity = dp_column_name(row, 0),
		.collective = dp_column_text(row, 1),
		.first_seen_us = sqlite3_column_int64(row, 2),
		.last_seen_us = sqlite3_column_int64(row, 3),
		.facts = dp_column_json(row, 4),
		.classes = dp_column_json(row, 5),
		.agents = dp_column_json(row, 6),
		.facts_at_us = sqlite3_column_int64(row, 7),
		.inventory_at_us = sqlite3_column_int64(row, 8),
		.certificate = dp_column_text(row, 9),
		.fingerprint = dp_column_text(row, 10),
		.certificate_at_us = sqlite3_column_int64(row, 11),
		.last_run = dp_column_text(row, 12),
		.last_kind = dp_column_text(row, 13),
		.last_outcome = dp_outcome_state_find(dp_column_text(row, 14)),
		.last_outcome_at_us = sqlite3_column_int64(row, 15),
	};
	int rc = fn(arg, &node);

	json_decref(node.facts);
	json_decref(node.classes);
	json_decref(node.agents);
	return rc;
}

static int query(const struct deploy_state *state, const char *text, unsigned with,
	const char *identity, deploy_node_fn *fn, void *arg, struct deploy_error *err)
{
	sqlite3_stmt *rows;

	if (dp_sql_query(&rows, state, text,
		    DP_BIND(dp_int(with & DEPLOY_WITH_FACTS), dp_int(with & DEPLOY_WITH_CLASSES),
			    dp_int(with & DEPLOY_WITH_AGENTS), dp_text(identity)),
		    err))
		return err->code;
	while (dp_sql_next(rows))
		if (tell(rows, fn, arg))
			break;
	return dp_sql_close(state, rows, err);
}

int deploy_state_each_node(const struct deploy_state *state, unsigned with, deploy_node_fn *fn,
	void *arg, struct deploy_error *err)
{
	return query(state, NODES "WHERE ?4 IS NULL ORDER BY n.identity", with, NULL, fn, arg, err);
}

int deploy_state_node(const struct deploy_state *state, const char *identity, deploy_node_fn *fn,
	void *arg, struct deploy_error *err)
{
	return query(state, NODES "WHERE n.identity = ?4",
		DEPLOY_WITH_FACTS | DEPLOY_WITH_CLASSES | DEPLOY_WITH_AGENTS, identity, fn, arg,
		err);
}

int deploy_state_set_certificate(struct deploy_state *state, const char *identity,
	const char *certificate, const char *fingerprint, struct deploy_error *err)
{
	return dp_sql_change(state,
		"INSERT INTO node(identity, certificate, fingerprint, certificate_at)"
		" VALUES(?1, ?2, ?3, ?4) ON CONFLICT DO UPDATE SET certificate = ?2,"
		" fingerprint = ?3, certificate_at = ?4",
		DP_BIND(dp_text(identity), dp_text(certificate), dp_text(fingerprint),
			dp_time(dp_wall_us())),
		err);
}

int dp_node_seen(struct deploy_state *state, const char *identity, const char *collective,
	const struct dp_deed *deed, int64_t at_us, struct deploy_error *err)
{
	const char *outcome = deed->run_key ? deploy_outcome_state_name(deed->outcome) : NULL;

	/* The clock may have been set back, and another process may have been later. */
	return dp_sql_change(state,
		"INSERT INTO node(identity, collective, first_seen, last_seen,"
		" last_run, last_outcome, last_outcome_at)"
		" VALUES(?1, ?2, ?3, ?3, ?4, ?5, ?6) ON CONFLICT DO UPDATE SET"
		" collective = coalesce(?2, collective), first_seen = coalesce(first_seen, ?3),"
		" last_seen = max(coalesce(last_seen, 0), ?3), last_run = coalesce(?4, last_run),"
		" last_outcome = coalesce(?5, last_outcome),"
		" last_outcome_at = coalesce(?6, last_outcome_at)",
		DP_BIND(dp_text(identity), dp_text(collective), dp_time(at_us),
			outcome ? dp_int(deed->run_key) : dp_text(NULL), dp_text(outcome),
			dp_time(outcome ? at_us : 0)),
		err);
}

int dp_node_acted_on(struct deploy_state *state, const char *identity, const struct dp_deed *deed,
	int64_t at_us, struct deploy_error *err)
{
	return dp_sql_change(state,
		"UPDATE node SET last_run = ?2, last_outcome = ?3, last_outcome_at = ?4"
		" WHERE identity = ?1",
		DP_BIND(dp_text(identity), dp_int(deed->run_key),
			dp_text(deploy_outcome_state_name(deed->outcome)), dp_time(at_us)),
		err);
}

int dp_node_puppet_run(struct deploy_state *state, const char *identity, const struct dp_deed *deed,
	int64_t at_us, struct deploy_error *err)
{
	return dp_sql_change(state,
		"UPDATE node SET puppet_run = ?2, puppet_outcome = ?3, puppet_at = ?4"
		" WHERE identity = ?1",
		DP_BIND(dp_text(identity), dp_int(deed->run_key),
			dp_text(deploy_outcome_state_name(deed->outcome)), dp_time(at_us)),
		err);
}

int deploy_state_set_facts(struct deploy_state *state, const char *identity, json_t *facts,
	struct deploy_error *err)
{
	struct dp_lesson lesson = {.facts = json_dumps(facts, JSON_COMPACT)};
	int64_t now_us = dp_wall_us();
	const struct dp_deed none = {.run_key = 0};
	int rc = dp_node_seen(state, identity, NULL, &none, now_us, err);

	if (!rc)
		rc = dp_node_learn(state, identity, &lesson, now_us, err);
	dp_lesson_release(&lesson);
	return rc;
}

/* *facts: those that are known, with what is new. A text of facts that is damaged counts as none.
 */
static int merge_facts(char **facts, const struct deploy_state *state, const char *identity,
	const char *fresh, struct deploy_error *err)
{
	json_t *known = NULL, *more;
	sqlite3_stmt *row;

	*facts = NULL;
	if (dp_sql_query(&row, state, "SELECT facts FROM inventory WHERE node = ?1",
		    DP_BIND(dp_text(identity)), err))
		return err->code;
	if (dp_sql_next(row))
		known = dp_column_json(row, 0);
	if (json_is_object(known)) {
		more = json_loads(fresh, 0, NULL);
		(void)json_object_update(known, more);
		*facts = json_dumps(known, JSON_COMPACT);
		json_decref(more);
	}
	json_decref(known);
	return dp_sql_close(state, row, err);
}

int dp_node_learn(struct deploy_state *state, const char *identity, const struct dp_lesson *lesson,
	int64_t at_us, struct deploy_error *err)
{
	char *merged = NULL;
	int rc = 0;

	if (!lesson->facts && !lesson->classes && !lesson->agents)
		return 0;
	if (lesson->facts && !lesson->is_whole)
		rc = merge_facts(&merged, state, identity, lesson->facts, err);
	if (!rc)
		rc = dp_sql_change(state,
			"INSERT INTO inventory(node, facts, classes, agents, facts_at, "
			"inventory_at)"
			" VALUES(?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO UPDATE SET"
			" facts = coalesce(?2, facts), classes = coalesce(?3, classes),"
			" agents = coalesce(?4, agents), facts_at = coalesce(?5, facts_at),"
			" inventory_at = coalesce(?6, inventory_at)",
			DP_BIND(dp_text(identity), dp_text(merged ? merged : lesson->facts),
				dp_text(lesson->classes), dp_text(lesson->agents),
				dp_time(lesson->facts ? at_us : 0),
				dp_time(lesson->is_whole ? at_us : 0)),
			err);
	free(merged);
	return rc;
}
