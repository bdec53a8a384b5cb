/* Assignments: facts that nodes are meant to have, and how far each has come. */
#include <assert.h>
#include <stdlib.h>

#include "base/clock.h"
#include "store/sql.h"

#define ASSIGNMENTS                                                                                \
	"SELECT a.node, a.fact, a.value, a.assigned, a.pushed, a.verified, r.id"                   \
	" FROM assignment a LEFT JOIN run r ON r.key = a.run "

/* Facts that are not among the new ones go; ?2 is their object as JSON. */
static int remove_others(
	struct deploy_state *state, const char *node, const char *facts, struct deploy_error *err)
{
	return dp_sql_change(state,
		"DELETE FROM assignment WHERE node = ?1"
		" AND fact NOT IN (SELECT key FROM json_each(?2))",
		DP_BIND(dp_text(node), dp_text(facts)), err);
}

/* Another value is as if it had never been sent. */
static int assign(struct deploy_state *state, const char *node, const char *facts, const char *run,
	struct deploy_error *err)
{
	return dp_sql_change(state,
		"INSERT INTO assignment(node, fact, value, assigned, run)"
		" SELECT ?1, key, value, ?3, (SELECT key FROM run WHERE id = ?4)"
		" FROM json_each(?2) WHERE true"
		" ON CONFLICT DO UPDATE SET value = excluded.value, assigned = excluded.assigned,"
		" pushed = NULL, verified = NULL, run = excluded.run"
		" WHERE value <> excluded.value",
		DP_BIND(dp_text(node), dp_text(facts), dp_time(dp_wall_us()), dp_text(run)), err);
}

/* As text for json_each; the caller promised strings. Caller frees. */
static char *print_facts(const json_t *facts)
{
	const char *name;
	json_t *value;

	assert(json_is_object(facts));
	json_object_foreach((json_t *)(uintptr_t)facts, name, value)
	{
		assert(json_is_string(value));
	}
	return json_dumps(facts, JSON_COMPACT);
}

int deploy_state_assign(struct deploy_state *state, const char *node, const json_t *facts,
	const char *run, struct deploy_error *err)
{
	char *text;
	int rc;

	if (deploy_state_begin(state, err))
		return err->code;
	text = print_facts(facts);
	rc = remove_others(state, node, text, err);
	if (!rc)
		rc = assign(state, node, text, run, err);
	free(text);
	return deploy_state_finish(state, rc, err);
}

int deploy_state_unassign(struct deploy_state *state, const char *node, struct deploy_error *err)
{
	return remove_others(state, node, "{}", err);
}

int deploy_state_mark(struct deploy_state *state, enum deploy_assignment_mark mark,
	const char *node, const json_t *facts, struct deploy_error *err)
{
	/* What was read back must have got there. */
	static const char *const marks[] = {
		[DEPLOY_MARK_PUSHED] = "UPDATE assignment SET pushed = coalesce(pushed, ?3)"
				       " FROM json_each(?2) f"
				       " WHERE node = ?1 AND fact = f.key"
				       " AND assignment.value = f.value",
		[DEPLOY_MARK_VERIFIED] = "UPDATE assignment SET verified = ?3,"
					 " pushed = coalesce(pushed, ?3) FROM json_each(?2) f"
					 " WHERE node = ?1 AND fact = f.key"
					 " AND assignment.value = f.value",
	};
	char *text = print_facts(facts);
	int rc = dp_sql_change(state, marks[mark],
		DP_BIND(dp_text(node), dp_text(text), dp_time(dp_wall_us())), err);

	free(text);
	return rc;
}

int deploy_state_unmark(
	struct deploy_state *state, const char *node, const json_t *facts, struct deploy_error *err)
{
	char *text = facts ? print_facts(facts) : NULL;
	int rc = dp_sql_change(state,
		"UPDATE assignment SET pushed = NULL, verified = NULL WHERE node = ?1"
		" AND (?2 IS NULL OR EXISTS (SELECT 1 FROM json_each(?2) f"
		" WHERE f.key = assignment.fact AND f.value <> assignment.value))",
		DP_BIND(dp_text(node), dp_text(text)), err);

	free(text);
	return rc;
}

int deploy_state_each_assignment(const struct deploy_state *state,
	const struct deploy_assignment_query *query, deploy_assignment_fn *fn, void *arg,
	struct deploy_error *err)
{
	const char *text = ASSIGNMENTS "WHERE ?1 IS NULL AND ?2 IS NULL AND ?3 IS NULL"
				       " ORDER BY a.node, a.fact";
	sqlite3_stmt *rows;

	if (query->node)
		text = ASSIGNMENTS "WHERE a.node = ?1 AND ?2 IS NULL AND ?3 IS NULL"
				   " ORDER BY a.fact";
	else if (query->fact)
		text = ASSIGNMENTS "WHERE ?1 IS NULL AND a.node IN"
				   " (SELECT node FROM assignment WHERE fact = ?2 AND value = ?3)"
				   " ORDER BY a.node, a.fact";
	if (dp_sql_query(&rows, state, text,
		    DP_BIND(dp_text(query->node), dp_text(query->fact), dp_text(query->value)),
		    err))
		return err->code;
	while (dp_sql_next(rows)) {
		const struct deploy_assignment assignment = {
			.node = dp_column_name(rows, 0),
			.fact = dp_column_name(rows, 1),
			.value = dp_column_name(rows, 2),
			.assigned_at_us = sqlite3_column_int64(rows, 3),
			.pushed_at_us = sqlite3_column_int64(rows, 4),
			.verified_at_us = sqlite3_column_int64(rows, 5),
			.run = dp_column_text(rows, 6),
		};

		if (fn(arg, &assignment))
			break;
	}
	return dp_sql_close(state, rows, err);
}
