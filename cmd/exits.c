/* What each exit status means, and which of two wins. */
#include "exits.h"

const struct exit_info exit_infos[] = {
	{EXIT_ALL_OK, "all_ok", "every targeted node ok, or nothing to do"},
	{EXIT_NO_NODES, "no_nodes", "no node matched"},
	{EXIT_NODE_FAILED, "node_failed", "at least one node failed"},
	{EXIT_NO_ANSWER, "no_answer", "nodes were asked and none answered"},
	{EXIT_SOME_SILENT, "some_silent", "none failed, some silent or unknown"},
	{EXIT_STOPPED, "stopped", "stopped early: failure limit or a task's deadline"},
	{EXIT_REFUSED, "refused", "refused before anything changed"},
	{EXIT_CHANGES, "changes", "changes pending"},
	{EXIT_USAGE, "usage", "wrong usage"},
	{EXIT_INPUT, "input", "bad input"},
	{EXIT_NO_INPUT, "no_input", "input file missing or unreadable"},
	{EXIT_UNREACHABLE, "unreachable", "broker unreachable"},
	{EXIT_INTERNAL, "internal", "internal error"},
	{EXIT_OUTPUT, "output", "output cannot be written"},
	{EXIT_AUTH, "auth", "not authorised: broker login, TLS, certificate"},
	{EXIT_CONFIG, "config", "configuration missing, wrong or unsafe"},
	{EXIT_DEADLINE, "deadline", "the deadline of the run passed"},
	{EXIT_INT, "interrupted", "interrupted (INT)"},
	{EXIT_TERM, "terminated", "terminated (TERM, HUP)"},
	{EXIT_LIST_END, NULL, NULL},
};

const struct exit_info *exit_info(int status)
{
	const struct exit_info *info, *internal = exit_infos;

	for (info = exit_infos; info->status != EXIT_LIST_END; info++) {
		if ((int)info->status == status)
			return info;
		if (info->status == EXIT_INTERNAL)
			internal = info;
	}
	return internal;
}

const char *exit_name(int status)
{
	return exit_info(status)->name;
}

enum exit_status exit_of_error(enum deploy_code code)
{
	switch (code) {
	case DEPLOY_OK:
		return EXIT_ALL_OK;
	case DEPLOY_USAGE:
		return EXIT_USAGE;
	case DEPLOY_CONFIG:
		return EXIT_CONFIG;
	case DEPLOY_INPUT:
		return EXIT_INPUT;
	case DEPLOY_CONNECT:
	case DEPLOY_PROTOCOL:
		return EXIT_UNREACHABLE;
	case DEPLOY_AUTH:
		return EXIT_AUTH;
	case DEPLOY_TIMEOUT:
		return EXIT_DEADLINE;
	case DEPLOY_IO:
		return EXIT_OUTPUT;
	case DEPLOY_NO_INPUT:
		return EXIT_NO_INPUT;
	case DEPLOY_REFUSED:
		return EXIT_REFUSED;
	case DEPLOY_STOPPED:
		return EXIT_STOPPED;
	case DEPLOY_NO_NODES:
		return EXIT_NO_NODES;
	case DEPLOY_INTERRUPTED:
		return EXIT_INT;
	case DEPLOY_BUG:
		break;
	}
	return EXIT_INTERNAL;
}

int exit_of_end(const struct deploy_run_result *result, int nobody)
{
	switch (result->end) {
	case DEPLOY_RUN_NO_NODES:
		return nobody;
	case DEPLOY_RUN_STOPPED:
		return EXIT_STOPPED;
	case DEPLOY_RUN_DEADLINE:
		return EXIT_DEADLINE;
	case DEPLOY_RUN_INTERRUPTED:
		return 128 + result->signal;
	case DEPLOY_RUN_UNRECORDED:
		return EXIT_OUTPUT;
	case DEPLOY_RUN_COMPLETE:
	case DEPLOY_RUN_LOST: /* what its nodes are then says all, or the error does */
	case DEPLOY_RUN_FAILED:
		break;
	}
	return EXIT_ALL_OK;
}

/* Place in the order of precedence; a status that is not in the list counts as an internal error.
 */
static unsigned severity(int status)
{
	static const enum exit_status mildest_first[] = {EXIT_ALL_OK, EXIT_CHANGES, EXIT_NO_NODES,
		EXIT_SOME_SILENT, EXIT_NO_ANSWER, EXIT_NODE_FAILED, EXIT_STOPPED, EXIT_REFUSED,
		EXIT_UNREACHABLE, EXIT_AUTH, EXIT_NO_INPUT, EXIT_INPUT, EXIT_USAGE, EXIT_CONFIG,
		EXIT_OUTPUT, EXIT_INTERNAL, EXIT_DEADLINE, EXIT_INT};
	unsigned i;

	if (status == EXIT_TERM)
		status = EXIT_INT;
	status = (int)exit_info(status)->status;
	for (i = 0; (int)mildest_first[i] != status; i++)
		;
	return i;
}

int exit_worse(int a, int b)
{
	return severity(b) > severity(a) ? b : a;
}
