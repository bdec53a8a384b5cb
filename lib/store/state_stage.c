/* How far nodes have come, judged from what the tables hold of each. */
#include "deploy/stage.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "store/nodes.h"

/*
 * What a node shows is large: values are taken from it where it lies, and what is damaged shows
 * nothing. of: whose assignments. An empty one says that the fact is to be taken away.
 */
#define STANDINGS(which, of)                                                                       \
	"SELECT k.node, n.first_seen, n.last_seen, i.facts_at,"                                    \
	" a.assignments, a.due, a.assigned, a.pushed,"                                             \
	" n.certificate, n.fingerprint, n.certificate_at,"                                         \
	" r.id, r.kind, n.last_outcome, n.last_outcome_at,"                                        \
	" p.id, n.puppet_outcome, n.puppet_at,"                                                    \
	" CASE WHEN json_valid(i.facts) THEN json_extract(i.facts, ?1) END,"                       \
	" CASE WHEN json_valid(i.facts) THEN json_extract(i.facts, ?2) END,"                       \
	" CASE WHEN json_valid(i.facts) THEN json_extract(i.facts, ?3) END,"                       \
	" CASE WHEN json_valid(i.facts) THEN json_extract(i.facts, ?4) END,"                       \
	" a.collection, a.category, a.role, a.entity"                                              \
	" FROM (SELECT identity AS node FROM node UNION SELECT node FROM assignment) k"            \
	" LEFT JOIN node n ON n.identity = k.node"                                                 \
	" LEFT JOIN inventory i ON i.node = k.node"                                                \
	" LEFT JOIN (SELECT node, sum(value <> '') AS assignments, sum(CASE fact WHEN "            \
	"'" DEPLOY_ASSIGNED_ENVIRONMENT "'"                                                        \
	" THEN pushed ELSE verified END IS NULL) AS due,"                                          \
	" max(assigned) AS assigned, max(pushed) AS pushed,"                                       \
	" max(CASE WHEN fact = ?5 THEN value END) AS collection,"                                  \
	" max(CASE WHEN fact = ?6 THEN value END) AS category,"                                    \
	" max(CASE WHEN fact = ?7 THEN value END) AS role,"                                        \
	" max(CASE WHEN fact = ?8 THEN value END) AS entity"                                       \
	" FROM assignment " of " GROUP BY node) a ON a.node = k.node"                              \
	" LEFT JOIN run r ON r.key = n.last_run"                                                   \
	" LEFT JOIN run p ON p.key = n.puppet_run " which

#define FIRST_SHOWN    18
#define FIRST_ASSIGNED (FIRST_SHOWN + DEPLOY_ROLE_PARTS)

const char *deploy_stage_name(enum deploy_stage stage)
{
	static const char *const names[DEPLOY_STAGES] = {
		[DEPLOY_STAGE_DISCOVERED] = "discovered",
		[DEPLOY_STAGE_ROLE] = "role",
		[DEPLOY_STAGE_FACTS] = "facts",
		[DEPLOY_STAGE_CERTIFICATE] = "certificate",
		[DEPLOY_STAGE_PUPPET] = "puppet",
		[DEPLOY_STAGE_DONE] = "done",
	};

	return (unsigned)stage < DEPLOY_STAGES ? names[stage] : "no such stage";
}

bool deploy_standing_shows_role(const struct deploy_standing *standing)
{
	return standing->shown[DEPLOY_ROLE_COLLECTION] && standing->shown[DEPLOY_ROLE_ROLE];
}

static int64_t later(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

/*
 * A run that was applied proves that the certificate was good then, whatever the CA has been asked;
 * what the CA said later counts more. That a node was looked at again, and had its facts, is no
 * news.
 */
static void judge_puppet(struct deploy_standing *at)
{
	bool ran = at->puppet_at_us && at->puppet_at_us >= at->pushed_at_us;
	bool is_ok = ran && at->puppet_outcome == DEPLOY_OUTCOME_OK;
	bool is_signed = at->certificate && strcmp(at->certificate, "signed") == 0;

	at->since_us = at->pushed_at_us;
	if (is_ok && (is_signed || at->puppet_at_us > at->certificate_at_us))
		at->stage = DEPLOY_STAGE_DONE;
	else if (is_signed && at->puppet_at_us && at->puppet_outcome != DEPLOY_OUTCOME_OK)
		at->stage = DEPLOY_STAGE_PUPPET;
	else if (is_signed)
		at->stage = DEPLOY_STAGE_CERTIFICATE;
	if (at->stage >= DEPLOY_STAGE_PUPPET)
		at->since_us = at->puppet_at_us;
	else if (is_signed)
		at->since_us = later(at->since_us, at->certificate_at_us);
}

static void judge(struct deploy_standing *at)
{
	if (at->due) {
		at->stage = DEPLOY_STAGE_ROLE;
		at->since_us = at->assigned_at_us;
	} else if (at->assignments || deploy_standing_shows_role(at)) {
		at->stage = DEPLOY_STAGE_FACTS;
		judge_puppet(at);
	} else {
		at->stage = DEPLOY_STAGE_DISCOVERED;
		at->since_us = at->first_seen_us;
	}
}

/* NULL for none, and for one that is empty: a fact that is to be taken away. */
static const char *value_of(sqlite3_stmt *row, int column)
{
	const char *text = dp_column_text(row, column);

	return text && text[0] ? text : NULL;
}

/* A name that was only ever asked for is no node: nobody answered to it, and the CA has none. */
static bool is_node(const struct deploy_standing *standing)
{
	return standing->first_seen_us || standing->last_seen_us || standing->assignments ||
	       standing->due || standing->certificate;
}

static int tell(sqlite3_stmt *row, deploy_standing_fn *fn, void *arg)
{
	struct deploy_standing standing = {
		.node = dp_column_name(row, 0),
		.first_seen_us = sqlite3_column_int64(row, 1),
		.last_seen_us = sqlite3_column_int64(row, 2),
		.facts_at_us = sqlite3_column_int64(row, 3),
		.assignments = (size_t)sqlite3_column_int64(row, 4),
		.due = (size_t)sqlite3_column_int64(row, 5),
		.assigned_at_us = sqlite3_column_int64(row, 6),
		.pushed_at_us = sqlite3_column_int64(row, 7),
		.certificate = dp_column_text(row, 8),
		.fingerprint = dp_column_text(row, 9),
		.certificate_at_us = sqlite3_column_int64(row, 10),
		.last_run = dp_column_text(row, 11),
		.last_kind = dp_column_text(row, 12),
		.last_outcome = dp_outcome_state_find(dp_column_text(row, 13)),
		.last_outcome_at_us = sqlite3_column_int64(row, 14),
		.puppet_run = dp_column_text(row, 15),
		.puppet_outcome = dp_outcome_state_find(dp_column_text(row, 16)),
		.puppet_at_us = sqlite3_column_int64(row, 17),
	};

	for (int part = 0; part < DEPLOY_ROLE_PARTS; part++) {
		standing.shown[part] = value_of(row, FIRST_SHOWN + part);
		standing.assigned[part] = value_of(row, FIRST_ASSIGNED + part);
	}
	if (!is_node(&standing))
		return 0;
	judge(&standing);
	return fn(arg, &standing);
}

/* Where a fact stands in an object; NULL for a name that no path can hold. */
static char *path_of(const char *fact)
{
	return strpbrk(fact, "\"\\") ? NULL : dp_xasprintf("$.\"%s\"", fact);
}

int deploy_state_each_standing(const struct deploy_state *state,
	char *const role_facts[DEPLOY_ROLE_PARTS], const char *node, deploy_standing_fn *fn,
	void *arg, struct deploy_error *err)
{
	struct dp_value values[2 * DEPLOY_ROLE_PARTS + 1];
	char *paths[DEPLOY_ROLE_PARTS];
	sqlite3_stmt *rows;
	int rc;

	for (int part = 0; part < DEPLOY_ROLE_PARTS; part++) {
		paths[part] = path_of(role_facts[part]);
		values[part] = dp_text(paths[part]);
		values[DEPLOY_ROLE_PARTS + part] = dp_text(role_facts[part]);
	}
	values[2 * DEPLOY_ROLE_PARTS] = dp_text(node);
	rc = dp_sql_query(&rows, state,
		node ? STANDINGS("WHERE k.node = ?9", "WHERE node = ?9")
		     : STANDINGS("WHERE ?9 IS NULL ORDER BY k.node", ""),
		values, sizeof(values) / sizeof(values[0]), err);
	while (!rc && dp_sql_next(rows))
		if (tell(rows, fn, arg))
			break;
	if (!rc)
		rc = dp_sql_close(state, rows, err);
	for (int part = 0; part < DEPLOY_ROLE_PARTS; part++)
		free(paths[part]);
	return rc;
}
