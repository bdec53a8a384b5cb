/*
 * SQLite as the rest of the store sees it: one connection, changes and queries with bound values,
 * and errors that name the file and the way out.
 */
#ifndef DP_SQL_H
#define DP_SQL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sqlite3.h>

#include "deploy/history.h"
#include "deploy/state.h"

#define DP_MAX_CHANGES 48	  /* different texts given to dp_sql_change() */
#define DP_BUSY_MS     5000	  /* to wait for another writer */
#define DP_SCHEMA_TAG  0x64706c79 /* application_id of our files: "dply" */

struct deploy_state {
	sqlite3 *db;
	char *path;
	unsigned depth; /* of deploy_state_begin() */
	int spoilt;	/* a change within failed: the whole is given up with this code */
	char last_id[DEPLOY_RUN_ID_SIZE]; /* the newest run id that this process made */
	struct dp_prepared {
		const char *text; /* its address tells it */
		sqlite3_stmt *statement;
	} prepared[DP_MAX_CHANGES];
	size_t prepared_count;
};

/* What stands for ?1, ?2, … in a statement. */
struct dp_value {
	enum { DP_NULL, DP_INT, DP_TEXT } kind;
	int64_t number;
	const char *text; /* borrowed until the statement ends; NULL is SQL's */
};

static inline struct dp_value dp_int(int64_t number)
{
	return (struct dp_value){.kind = DP_INT, .number = number};
}

static inline struct dp_value dp_text(const char *text)
{
	return (struct dp_value){.kind = text ? DP_TEXT : DP_NULL, .text = text};
}

/* 0, which stands for "never", and less are SQL's NULL. */
static inline struct dp_value dp_time(int64_t at_us)
{
	return (struct dp_value){.kind = at_us > 0 ? DP_INT : DP_NULL, .number = at_us};
}

/* Values as the two arguments of the functions below: DP_BIND(dp_text(node), dp_int(7)). */
#define DP_BIND(...)                                                                               \
	(const struct dp_value[]){__VA_ARGS__},                                                    \
		sizeof((const struct dp_value[]){__VA_ARGS__}) / sizeof(struct dp_value)

/* Say what SQLite's code means for this file; returns err's code. */
int dp_sql_fail(const struct deploy_state *state, int code, struct deploy_error *err);

/* Run statements without values that are not kept: schema, pragmas. */
int dp_sql_exec(const struct deploy_state *state, const char *text, struct deploy_error *err);

/* Change something. text: a constant; it is prepared once. */
int dp_sql_change(struct deploy_state *state, const char *text, const struct dp_value *values,
	size_t count, struct deploy_error *err);

/*
 * Ask. *out: step through it with dp_sql_next(), then dp_sql_close() it, which tells what went
 * wrong on the way. Values must live until then.
 */
int dp_sql_query(sqlite3_stmt **out, const struct deploy_state *state, const char *text,
	const struct dp_value *values, size_t count, struct deploy_error *err);
bool dp_sql_next(sqlite3_stmt *statement);
int dp_sql_close(
	const struct deploy_state *state, sqlite3_stmt *statement, struct deploy_error *err);

/* The one number that a query gives; unchanged if it gives no row. */
int dp_sql_number(
	int64_t *out, const struct deploy_state *state, const char *text, struct deploy_error *err);

/*
 * Columns of a row. Text is borrowed until the next step: NULL for NULL, or of a column that is
 * never NULL in a whole file "", since a damaged one may be read without SQLite noticing.
 */
const char *dp_column_text(sqlite3_stmt *statement, int column);
const char *dp_column_name(sqlite3_stmt *statement, int column);
json_t *dp_column_json(sqlite3_stmt *statement, int column); /* new; NULL if there is none */

#endif
