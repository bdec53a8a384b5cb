/* Exit statuses: one number, one meaning, in every command; and the errors behind them. */
#ifndef EXITS_H
#define EXITS_H

#include "deploy/deploy.h"

enum exit_status {
	EXIT_ALL_OK = 0,
	EXIT_NO_NODES = 1,
	EXIT_NODE_FAILED = 2,
	EXIT_NO_ANSWER = 3,
	EXIT_SOME_SILENT = 4,
	EXIT_STOPPED = 5,
	EXIT_REFUSED = 6,
	EXIT_CHANGES = 10,
	EXIT_USAGE = 64,
	EXIT_INPUT = 65,
	EXIT_NO_INPUT = 66,
	EXIT_UNREACHABLE = 69,
	EXIT_INTERNAL = 70,
	EXIT_OUTPUT = 74,
	EXIT_AUTH = 77,
	EXIT_CONFIG = 78,
	EXIT_DEADLINE = 124,
	EXIT_INT = 130,
	EXIT_TERM = 143,
	EXIT_LIST_END = -1
};

struct exit_info {
	enum exit_status status;
	const char *name; /* "all_ok": for JSON */
	const char *text; /* "every targeted node ok, or nothing to do" */
};
extern const struct exit_info exit_infos[]; /* in numeric order; ends with EXIT_LIST_END */

/* The entry of a status; one that is not in the list is an internal error. Never NULL. */
const struct exit_info *exit_info(int status);
const char *exit_name(int status);

/* The status that an error alone means. */
enum exit_status exit_of_error(enum deploy_code code);

/* The status that the end of a run alone means; nobody: what it is if there was no node. */
int exit_of_end(const struct deploy_run_result *result, int nobody);

/*
 * Of two statuses that both hold, the one to return:
 * 130/143, 124, 70, 74, 78, 64, 65, 66, 77, 69, 6, 5, 2, 3, 4, 1, 10, 0. Of 130 and 143, a.
 */
int exit_worse(int a, int b);

#endif
