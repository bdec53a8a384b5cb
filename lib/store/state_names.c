/* Names for completion: each kind is one query that looks at a bounded number of rows. */
#include "deploy/names.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "store/sql.h"

/* ?1: what they begin with, ?2: where the fact stands, ?3: how many. */
static const char *const texts[] = {
	[DEPLOY_NAMES_NODES] = "SELECT identity, NULL FROM node WHERE ?2 IS NULL AND"
			       " coalesce(first_seen, certificate) IS NOT NULL AND identity >= ?1"
			       " AND identity < ?1 || char(1114111) ORDER BY identity LIMIT ?3",
	[DEPLOY_NAMES_RUNS] = "SELECT id, command FROM run WHERE ?2 IS NULL AND life <> 'leaving' "
			      "AND id >= upper(?1)"
			      " AND id < upper(?1) || char(1114111) ORDER BY id DESC LIMIT ?3",
	[DEPLOY_NAMES_FACTS] =
		"SELECT DISTINCT f.key, NULL FROM"
		" (SELECT facts FROM inventory WHERE json_valid(facts) LIMIT 200) i,"
		" json_each(i.facts) f WHERE ?2 IS NULL AND substr(f.key, 1, length(?1)) = ?1"
		" AND f.type <> 'null' ORDER BY f.key LIMIT ?3",
	[DEPLOY_NAMES_VALUES] =
		"SELECT DISTINCT CAST(value AS TEXT), NULL FROM"
		" (SELECT json_extract(facts, ?2) AS value FROM inventory WHERE json_valid(facts)"
		" LIMIT 2000) WHERE substr(value, 1, length(?1)) = ?1 ORDER BY 1 LIMIT ?3",
};

int deploy_state_each_name(const struct deploy_state *state, const struct deploy_names_query *query,
	deploy_name_fn *fn, void *arg, struct deploy_error *err)
{
	char *path = NULL;
	sqlite3_stmt *rows;
	int rc;

	if (query->what == DEPLOY_NAMES_VALUES) {
		if (strpbrk(query->fact, "\"\\"))
			return 0;
		path = dp_xasprintf("$.\"%s\"", query->fact);
	}
	rc = dp_sql_query(&rows, state, texts[query->what],
		DP_BIND(dp_text(query->prefix), dp_text(path), dp_int((int64_t)query->limit)), err);
	while (!rc && dp_sql_next(rows))
		if (fn(arg, dp_column_name(rows, 0), dp_column_text(rows, 1)))
			break;
	if (!rc)
		rc = dp_sql_close(state, rows, err);
	free(path);
	return rc;
}
